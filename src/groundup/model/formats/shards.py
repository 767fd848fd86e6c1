"""Weights in files: one safetensors file, or several with an index; read by mapping them into memory.

    model.safetensors                              one file; or
    model-00001-of-00002.safetensors ...           several, and
    model.safetensors.index.json                   {"metadata": {"total_size": bytes}, "weight_map": {name: file}}

A mapped file is read page by page when a weight is first touched, straight into the page cache: no second copy, and opening
takes milliseconds whatever the size. The mapping is private: training in place leaves the file as it is. No pickle is read.

A file is the length of its head (8 bytes), the head as JSON (each weight's type, shape and place), then the weights one after
another, so that the head can be written before the first weight is made: what is made `Later` is held one at a time.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from groundup import files
from groundup.errors import ConfigError, FormatError
from groundup.model.formats.index import INDEX, WEIGHTS, weight_map

TYPES = {  # the format's names
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}  # fmt: skip
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def read(folder: Path) -> dict[str, Tensor]:
    """Map all weights of a model folder, by the names in the files; FormatError when something is missing or damaged."""
    if (folder / WEIGHTS).is_file():
        return read_file(folder / WEIGHTS)
    if not (folder / INDEX).is_file():
        raise FormatError(f"{folder} has no {WEIGHTS}; {_way_out(folder)}")
    held = weight_map(folder / INDEX)
    weights: dict[str, Tensor] = {}
    for shard in sorted(set(held.values())):
        weights |= _shard(folder, shard, {name for name, file in held.items() if file == shard})
    return weights


def _shard(folder: Path, shard: str, indexed: set[str]) -> dict[str, Tensor]:
    """One of several files, which holds just what the index says."""
    if not (folder / shard).is_file():
        raise FormatError(f"{folder} has no {shard}, which {INDEX} names; copy or download that file too")
    held = read_file(folder / shard)
    if different := indexed ^ held.keys():
        name = min(different)
        what = (
            f"{name} in {shard}, which does not hold it"
            if name in indexed
            else f"nothing of {name}, which {shard} holds"
        )
        raise FormatError(f"{folder / INDEX} names {what}; copy index and files from one model")
    return held


def read_file(path: Path) -> dict[str, Tensor]:
    """Map one safetensors file; FormatError when it is missing or cut short."""
    if not path.is_file():
        raise FormatError(f"{path.parent} has no {path.name}; {_way_out(path.parent)}")
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise FormatError(f"{path} is damaged or cut short ({error}); copy or download it again") from error


def _way_out(folder: Path) -> str:
    """What to do about a folder without weights, by what lies there instead."""
    pickles = [path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in sorted(folder.glob(pattern))]
    if pickles:
        return f"{pickles[0]} is a pickle, which is never loaded; save it anew: save_pretrained() of transformers"
    return "copy the file there, or pass another model folder"


@dataclass(frozen=True, slots=True)
class Later:
    """A weight that is made when its turn comes to be written: what it will be, and what makes it."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    make: Callable[[], Tensor]

    @property
    def nbytes(self) -> int:
        """Its bytes in the file."""
        return self.dtype.itemsize * torch.Size(self.shape).numel()


Weights = Mapping[str, Tensor | Later]
Told = Callable[[int], object]


def _unheard(size: int) -> None:
    pass


def write(folder: Path, weights: Weights, max_shard_size: int | str = "5GB", told: Told = _unheard) -> None:
    """Write weights into a folder: one file, or as many as it takes to keep each within max_shard_size, with an index.

    A weight larger than that has a file of its own. max_shard_size: bytes, or such as "500MB". told: called with the bytes of
    each weight when it is written.
    """
    shards = _shared_out(weights, size_in_bytes(max_shard_size))
    if len(shards) == 1:
        write_file(folder / WEIGHTS, shards[0], told)
        return
    placed: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_file(folder / name, shard, told)
        placed |= dict.fromkeys(shard, name)
    total: dict[str, Any] = {"total_size": sum(tensor.nbytes for tensor in weights.values())}
    files.write_json(folder / INDEX, {"metadata": total, "weight_map": dict(sorted(placed.items()))})


def write_file(path: Path, weights: Weights, told: Told = _unheard) -> None:
    """Write one file, the widest numbers first and then by name, as the package `safetensors` does: all lie aligned."""
    ordered = sorted(weights.items(), key=lambda named: (-named[1].dtype.itemsize, named[0]))
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, one in ordered:
        start, end = end, end + one.nbytes
        head[name] = {"dtype": TYPES[one.dtype], "shape": list(one.shape), "data_offsets": [start, end]}
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, one in ordered:
            file.write(_bytes_of(name, one))
            told(one.nbytes)


def _bytes_of(name: str, one: Tensor | Later) -> memoryview:
    """The numbers of a weight as they lie in the file; what was to be made must be what the head says."""
    tensor = one.make() if isinstance(one, Later) else one
    if (tensor.dtype, tuple(tensor.shape)) != (one.dtype, tuple(one.shape)):
        raise ValueError(f"{name} is {tensor.dtype} {tuple(tensor.shape)}, announced {one.dtype} {tuple(one.shape)}")
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def _shared_out(weights: Weights, limit: int) -> list[dict[str, Any]]:
    """Fill one file after another, in the order of the weights."""
    shards: list[dict[str, Any]] = [{}]
    size = 0
    for name, tensor in weights.items():
        if shards[-1] and size + tensor.nbytes > limit:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    return shards


def size_in_bytes(size: int | str) -> int:
    """Read a size in bytes.

    >>> size_in_bytes("5GB"), size_in_bytes("200 MiB"), size_in_bytes(1000)
    (5000000000, 209715200, 1000)
    """
    found = re.fullmatch(r"\s*(\d+)\s*([KMGT]?I?B?)\s*", str(size), re.IGNORECASE)
    if found is None or found[2].upper() not in UNITS or int(found[1]) < 1:
        raise ConfigError(f"max_shard_size={size!r} is not a size; write a number of bytes, or such as 5GB or 500MB")
    return int(found[1]) * UNITS[found[2].upper()]
