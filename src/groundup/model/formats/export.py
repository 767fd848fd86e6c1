"""A model written for other tools, from a model folder or a GGUF file: `groundup export`.

    huggingface    a folder under a published family's name, which transformers and those after it read
    gguf           one file for llama.cpp and those after it        (`gguf_model.py`)
    onnx           one file for ONNX Runtime and those after it     (`onnx.py`)

Other tools know the published families only. What `groundup` or an architecture of the user's own describes is compared with what
LLaMA and Qwen 3 can say: where one of them says the same, it is written under that name; else the parts are named that none has.
"""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import ConfigError, GroundupError, InputError, UnsupportedModel
from groundup.model.architectures import FAMILIES

KINDS = {  # kind -> the number formats in which weights can be stored, the first where none is asked for
    "huggingface": ("auto", "float32", "bfloat16", "float16"),
    "gguf": ("F16", "F32", "BF16", "Q8_0", "Q4_0", "Q4_1"),
    "onnx": ("float32", "float16"),
}
CODES = "codes"  # as they are in a quantised folder
NEAREST = ("llama", "qwen3")  # what an unpublished configuration is compared with
OWN = ("groundup", "groundup-original")
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "vocab.json", "merges.txt", "tokenizer.model", "vocab.txt",
)  # fmt: skip


def export(source: str | Path, to: str, target: str | Path, dtype: str | None = None, *, cache: bool = False) -> Path:
    """Write the model of a folder or GGUF file for other tools; what was written.

    to, dtype: of KINDS; a quantised folder keeps its codes in GGUF unless floats are asked for. cache: for onnx, with keys
    and values of earlier tokens as inputs and outputs.
    """
    if to not in KINDS:
        raise ConfigError(f"--to {to} is not known; use {', '.join(KINDS)}")
    kind = dtype or _usual(Path(source), to)
    if dtype is not None and kind not in KINDS[to]:
        raise ConfigError(f"{to} does not store weights as {kind}; use {', '.join(KINDS[to])}")
    if cache and to != "onnx":
        raise ConfigError(f"--cache is a form of the graph that onnx has and {to} has not; leave it out")
    target, source = Path(target), Path(source)
    if target.exists():
        raise InputError(f"{target} is there already; give another name, or remove it")
    module, tokenizer = _opened(source)
    if to != "onnx":  # a graph says every part itself
        module.config = published(module.config)
    {"huggingface": _huggingface, "gguf": _gguf, "onnx": _onnx}[to](source, module, tokenizer, target, kind, cache)
    return target


def _usual(source: Path, to: str) -> str:
    """The number format where none is asked for: GGUF keeps the codes of a quantised folder, and all else as it usually does."""
    config = source / "config.json"
    quantised = to == "gguf" and config.is_file() and files.read_json(config).get("quantization_config") is not None
    return CODES if quantised else KINDS[to][0]


def _opened(source: Path) -> tuple[Any, Any]:
    """The module and the tokenizer (None: it has none) of a folder or a GGUF file."""
    from groundup.model.formats.huggingface import load_model
    from groundup.text.tokenizers import load_tokenizer

    if source.suffix == ".gguf" and source.is_file():
        from groundup.model.formats import gguf, gguf_model
        from groundup.text.tokenizers.gguf_vocabulary import read_vocabulary

        file = gguf.read(source)
        return gguf_model.load_gguf(file), read_vocabulary(file.metadata, source)
    module = load_model(source)
    return module, load_tokenizer(source) if (source / "tokenizer.json").is_file() else None


# ───────── under whose name ─────────


def published(config: Any) -> Any:
    """The configuration under a published family's name; UnsupportedModel names the parts that no family has."""
    if (
        config.model_type in FAMILIES
        and type(config).__module__.startswith("groundup.model.")
        and config.model_type not in OWN
    ):
        return config
    tries = [candidate for name in NEAREST if (candidate := _said_by(FAMILIES[name][0], config)) is not None]
    found = [(list(dict.fromkeys(differences(config.blueprint(), one.blueprint()))), one) for one in tries]
    if not found:
        raise UnsupportedModel(f"{config.model_type} is no shape that a published family has; only groundup loads it")
    apart, nearest = min(found, key=lambda pair: len(pair[0]))
    if not apart:
        return nearest
    raise UnsupportedModel(
        f"no published family has the parts of this {config.model_type} model: {'; '.join(apart[:4])} "
        f"(compared with {nearest.model_type}); only groundup loads it, or train one of the family {nearest.model_type}"
    )


def _said_by(family: Any, config: Any) -> Any:
    """A configuration of a family with the same values in the fields that both have; None where it cannot be."""
    shared = {one.name for one in dataclasses.fields(family)} & {one.name for one in dataclasses.fields(config)}
    try:
        return family(**{name: getattr(config, name) for name in shared})
    except GroundupError:
        return None


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two descriptions differ, as `feed_forward.activation is 'relu2', not 'silu'`; blocks go by their kind."""
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for first, second in zip(one, other, strict=True):
            yield from differences(first, second, place)
    elif dataclasses.is_dataclass(one) and type(one) is type(other):
        for part in dataclasses.fields(one):
            name = part.name if place in ("", "blocks") else f"{place}.{part.name}"
            yield from differences(getattr(one, part.name), getattr(other, part.name), name)
    elif dataclasses.is_dataclass(one) and one != other:
        yield f"{place} is {type(one).__name__}" + ("" if other is None else f", not {type(other).__name__}")
    elif one != other:
        yield f"{place} is {one!r}, not {other!r}"


# ───────── the three writers ─────────


def _huggingface(source: Path, module: Any, tokenizer: Any, target: Path, kind: str, cache: bool) -> None:
    from groundup.model.formats.huggingface import DTYPES, save_model

    generation = source / "generation_config.json"
    card = source / "README.md"
    save_model(
        target,
        module if kind == "auto" else module.to(DTYPES[kind]),
        _Copied(source) if source.is_dir() else tokenizer,
        generation=files.read_json(generation) if generation.is_file() else None,
        card=card.read_text("utf-8") if card.is_file() else None,
    )


@dataclasses.dataclass(frozen=True)
class _Copied:
    """The tokenizer's files as they are: reading and writing them again could only lose something."""

    source: Path

    def save(self, folder: Path) -> None:
        """Copy them."""
        for name in TOKENIZER_FILES:
            if (self.source / name).is_file():
                shutil.copyfile(self.source / name, folder / name)


def _gguf(source: Path, module: Any, tokenizer: Any, target: Path, kind: str, cache: bool) -> None:
    from groundup.model.formats.gguf_model import save_gguf

    codes = _codes(source, module, kind) if source.is_dir() else {}
    save_gguf(target, module, tokenizer, "F16" if kind == CODES else kind, name=source.resolve().stem, codes=codes)


def _codes(source: Path, module: Any, kind: str) -> dict[str, Any]:
    """The matrices of a quantised folder that are to keep their codes, by the module's names; none where floats are asked for."""
    from groundup.model.formats import packed

    found = packed.read(source)
    if not found or not (kind == CODES or kind.startswith("Q")):
        return {}
    if kind == "Q4_1" or (kind == "Q4_0" and any((one.codes.short().abs() > 8).any() for one in found.values())):
        raise InputError(
            f"{source} is quantised already, and rounding it to {kind} would only add errors; leave out --dtype to keep its very weights"
        )
    rules = module.config.weight_names().matched([name for name, _ in module.named_parameters()])
    return {rule.ours[0]: found[rule.theirs] for rule in rules.values() if rule.theirs in found}


def _onnx(source: Path, module: Any, tokenizer: Any, target: Path, kind: str, cache: bool) -> None:
    from groundup.model.formats.onnx import save_onnx

    save_onnx(target, module, dtype=kind, cache=cache)
