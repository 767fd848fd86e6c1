"""`groundup export MODEL --to KIND OUT`: a model written for other tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """Write a model for other tools: a Hugging Face folder, a GGUF file (llama.cpp), an ONNX graph (ONNX Runtime); n-grams as ARPA, vectors as word2vec."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder or a .gguf file"""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """the folder (huggingface) or the file (all others) to write"""
    to: Literal["huggingface", "gguf", "onnx", "arpa", "word2vec", "word2vec_binary"]
    """who is to read it"""
    dtype: str | None = None
    """how weights are stored: float32, bfloat16, float16 (huggingface); F32, F16, BF16, Q8_0, Q4_0, Q4_1 (gguf); float32, float16 (onnx)"""
    cache: bool = False
    """onnx: with the keys and values of earlier tokens as inputs and outputs, for decoding step by step"""
    json: bool = False
    """print what was written as JSON on stdout"""


def run(options: ExportOptions) -> None:
    """Write it, and say what was written."""
    from groundup.cli import classical, running, show
    from groundup.cli.classical import exporting

    kind = classical.kind(options.model)
    if kind is not None or options.to in exporting.FORMS:
        told = {"dtype": options.dtype, "cache": options.cache}
        made = exporting.export(options.model, kind, options.to, options.out, told)
    else:
        from groundup.model.formats.export import export

        made = export(options.model, options.to, options.out, options.dtype, cache=options.cache)
    size = sum(file.stat().st_size for file in ([made] if made.is_file() else made.rglob("*")) if file.is_file())
    if options.json:
        running.print_json({"made": str(made), "to": options.to, "bytes": size})
    else:
        print(f"{made} written for {options.to} ({show.size(size)})")
