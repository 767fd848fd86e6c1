"""What the files of a model say about themselves: headers, config.json, the tokenizer; no weight is read, and no torch is loaded.

    safetensors    8 bytes: how long the header is; the header, JSON: {name: {dtype, shape, data_offsets}}; the data

A header is a few kB whatever the model's size, so that shapes, parameters and most mistakes are known at once.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from groundup import files, slots
from groundup.errors import FormatError, GroundupError, InputError
from groundup.model.formats.index import INDEX, WEIGHTS, weight_map

EMBEDDINGS = (
    "embed_tokens.weight",
    "wte.weight",
    "embed_in.weight",
    "word_embeddings.weight",
    "token_embd.weight",
    "shared.weight",
)


HEADS = ("lm_head.weight", "embed_out.weight", "output.weight")


class Stored(NamedTuple):
    """One tensor of a file: its kind of numbers, its shape, its bytes."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int

    @property
    def parameters(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


@dataclass
class Looked:
    """What was found: the tensors of the files, the configuration as it is written and as it was understood, the tokenizer."""

    path: Path
    tensors: dict[str, Stored] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    config: Any = None  # None: no configuration that is known here
    counted: Any = None  # what accounting counts of it
    generation: dict[str, Any] = field(default_factory=dict)
    tokenizer: Any = None
    refused: list[str] = field(default_factory=list)  # what could not be read, and why
    rows: int = 0  # of the token embedding; 0: none was found

    @property
    def context(self) -> int:
        """Tokens of a whole text; 0: unknown."""
        named = ("max_position_embeddings", "n_positions", "context_length", "max_sequence_length")
        own = getattr(self.config, "max_position_embeddings", None)
        return int(own or next((self.raw[name] for name in named if self.raw.get(name)), 0))


def header(path: Path) -> dict[str, Stored]:
    """The tensors of one safetensors file, from its header alone."""
    with open(path, "rb") as file:
        size = path.stat().st_size
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= size - 8:
            raise FormatError(
                f"{path} is damaged or cut short (its header says {length:,} bytes of {size:,}); download it again"
            )
        try:
            said = json.loads(file.read(length))
            found = {
                name: Stored(one["dtype"], tuple(one["shape"]), one["data_offsets"][1] - one["data_offsets"][0])
                for name, one in said.items()
                if name != "__metadata__"
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{path} is damaged (its header is no list of tensors); download it again") from error
    if (whole := 8 + length + sum(one.bytes for one in found.values())) > size:
        raise FormatError(f"{path} is cut short ({size:,} of {whole:,} bytes); copy or download it again")
    return found


def headers(folder: Path) -> dict[str, Stored]:
    """The tensors of a model folder, over all its files."""
    names = [WEIGHTS]
    if not (folder / WEIGHTS).is_file() and (folder / INDEX).is_file():
        names = sorted(set(weight_map(folder / INDEX).values()))
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise FormatError(f"{folder} has no {missing[0]}; copy or download that file too")
    return {name: one for file in names for name, one in header(folder / file).items()}


def look(path: str | Path) -> Looked:
    """Read what can be read of a model folder or a GGUF file without its weights."""
    path = Path(path)
    if path.is_file() and path.suffix == ".gguf":
        return _look_at_gguf(path)
    if not path.is_dir():
        raise InputError(f"there is no model folder {path}; `groundup demo` makes one at runs/demo/model")
    if not (path / "config.json").is_file():
        if any(slots.defines(file.read_text("utf-8", "replace"), slots.ARCHITECTURE) for file in path.glob("*.py")):
            raise InputError(
                f"{path} holds an architecture and no model; try it with `groundup inspect {path} --check`"
            )
        raise FormatError(
            f"{path} has no config.json, so it is not a model folder; pass the folder that a run calls model/"
        )
    found = Looked(path, raw=files.read_json(path / "config.json"))
    for read in (_config, _weights, _generation, _tokenizer):
        try:
            read(found)
        except GroundupError as error:
            found.refused.append(str(error))
    return found


def _config(found: Looked) -> None:
    from groundup.model import accounting
    from groundup.model.architectures import config_from_dict

    described = {key: value for key, value in found.raw.items() if key != "quantization_config"}  # which is about the weights
    found.config = config_from_dict(described, str(found.path / "config.json"))
    found.counted = accounting.count(found.config)


def _weights(found: Looked) -> None:
    found.tensors = headers(found.path)
    if "quantization_config" in found.raw:
        found.tensors = _as_matrices(found.tensors, found.raw["quantization_config"])
    found.rows = _rows(found.tensors)


def _as_matrices(tensors: Mapping[str, Stored], quantization: Mapping[str, Any]) -> dict[str, Stored]:
    """Packed words, scales and shapes as the matrices that they stand for."""
    from groundup.model.formats import packed

    scheme = packed.scheme_of(quantization, "config.json") or packed.Scheme(0)
    made = {name: one for name, one in tensors.items() if not name.endswith(packed.ENDINGS)}
    for name, one in tensors.items():
        stem = name.rpartition(".")[0]
        if name.endswith("weight_packed"):
            bits = scheme.of(stem)
            size = sum(tensors[f"{stem}.{end}"].bytes for end in packed.ENDINGS if f"{stem}.{end}" in tensors)
            made[f"{stem}.weight"] = Stored(f"INT{bits}", (one.shape[0], one.shape[1] * 32 // bits), size)
        elif name.endswith("weight_scale") and (whole := tensors.get(f"{stem}.weight")) is not None:
            made[f"{stem}.weight"] = Stored("INT8", whole.shape, whole.bytes + one.bytes)
    return made


def _generation(found: Looked) -> None:
    path = found.path / "generation_config.json"
    found.generation = files.read_json(path) if path.is_file() else {}


def _tokenizer(found: Looked) -> None:
    from groundup.text.tokenizers import load_tokenizer

    if (found.path / "tokenizer.json").is_file():
        found.tokenizer = load_tokenizer(found.path)


def _look_at_gguf(path: Path) -> Looked:
    """A GGUF file: its metadata stands for the configuration, with the family's name taken from the keys."""
    from groundup.model.accounting import count
    from groundup.model.formats import gguf, gguf_model
    from groundup.text.tokenizers.gguf_vocabulary import read_vocabulary

    held = gguf.read(path)
    family = str(held.metadata.get("general.architecture", ""))
    raw = {
        key.removeprefix(f"{family}."): value
        for key, value in held.metadata.items()
        if not key.startswith("tokenizer.")
    }
    found = Looked(path, raw={"model_type": family} | {key: value for key, value in raw.items() if _is_plain(value)})
    found.tensors = {
        name: Stored(one.kind, tuple(one.shape), gguf.size_of(one.shape, one.kind))
        for name, one in held.tensors.items()
    }
    found.rows = _rows(found.tensors)
    try:
        found.config = gguf_model.config_of(held)
        found.counted = count(found.config)
        found.tokenizer = read_vocabulary(held.metadata, path)
    except GroundupError as error:
        found.refused.append(str(error))
    return found


def named(name: str, ends: tuple[str, ...]) -> bool:
    """Whether a weight is one of those: its whole name, or its last words behind a dot.

    >>> named("model.output.weight", HEADS), named("blk.0.attn_output.weight", HEADS)
    (True, False)
    """
    return f".{name}".endswith(tuple(f".{end}" for end in ends))


def _rows(tensors: Mapping[str, Stored]) -> int:
    """Rows of the token embedding; 0 where none is found."""
    return next((one.shape[0] for name, one in tensors.items() if named(name, EMBEDDINGS)), 0)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
