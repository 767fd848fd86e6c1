"""GGUF: a whole model in one file, metadata and weights, made to be mapped into memory and read where it lies.

    "GGUF" | version | how many tensors | how many keys       4 + 4 + 8 + 8 bytes; everything is little-endian
    key | kind | value, ...                                   a text is its length (8 bytes) and its UTF-8
    name | dimensions | sizes | kind | place, ...             sizes fastest first; places count from the data's start
    zeros, up to a multiple of general.alignment (32 where it is not said)
    the data of each tensor, each at a multiple of the alignment

A row is stored whole: plain numbers, or blocks of 32 or 256 weights with their scale (`machine.numbers`). Reading maps the
file and touches its head alone; a tensor's bytes are met when its `numbers` are asked for. Writing encodes one tensor at a
time. Versions 2 and 3 lie alike on a little-endian machine (3 says that a file may also be big-endian).

The layout is ggml's (ggml-org/ggml, "GGUF" in its documentation). Which model the keys and names describe: `gguf_model.py`.
Left out: version 1, big-endian files, block kinds other than Q8_0, Q4 and Q5 (_0 and _1) and the K-quants (these read only),
models split over several files.
"""

import mmap
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.machine.numbers.blocks import BLOCKS, decode_blocks, encode_blocks
from groundup.machine.numbers.formats import BF16, decode_float, encode_float
from groundup.machine.numbers.k_quants import BYTES, decode_k_blocks
from groundup.progress import progress
from groundup.slots import slot

MAGIC, VERSIONS, ALIGNMENT = b"GGUF", (2, 3), 32
FIRST_BYTES = 1 << 22  # of a file are read at once: the head with a vocabulary of 50,000 and its merges takes 2 MB

# what a value of metadata may be: its number in the file, and how it lies there
NUMBERS: dict[int, np.dtype[Any]] = {
    0: np.dtype("u1"), 1: np.dtype("i1"), 2: np.dtype("<u2"), 3: np.dtype("<i2"), 4: np.dtype("<u4"), 5: np.dtype("<i4"),
    6: np.dtype("<f4"), 7: np.dtype("?"), 10: np.dtype("<u8"), 11: np.dtype("<i8"), 12: np.dtype("<f8"),
}  # fmt: skip
TEXT = 8
ARRAY = 9
NUMBER_OF = {dtype: number for number, dtype in NUMBERS.items()}
UINT32, INT32, FLOAT32, BOOL, UINT64, INT64 = 4, 5, 6, 7, 10, 11


@dataclass(frozen=True, slots=True)
class Kind:
    """How the numbers of a tensor are stored: `block` of them in `bytes` bytes. dtype: where they are plain numbers."""

    number: int
    block: int
    bytes: int
    dtype: str = ""


KINDS = {
    "F32": Kind(0, 1, 4, "<f4"), "F16": Kind(1, 1, 2, "<f2"), "BF16": Kind(30, 1, 2), "F64": Kind(28, 1, 8, "<f8"),
    "I8": Kind(24, 1, 1, "i1"), "I16": Kind(25, 1, 2, "<i2"), "I32": Kind(26, 1, 4, "<i4"), "I64": Kind(27, 1, 8, "<i8"),
    **{name: Kind(number, 32, BLOCKS[name].bytes) for name, number in {"Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8}.items()},
    **{name: Kind(number, 256, BYTES[name]) for number, name in enumerate(BYTES, 10)},  # Q2_K to Q6_K
}  # fmt: skip
NAMES = {kind.number: name for name, kind in KINDS.items()}
NOT_READ = {
    9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL",
    21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor as it lies in a file. shape: as in NumPy and torch, rows first. data: its bytes, mapped."""

    shape: tuple[int, ...]
    kind: str
    data: np.ndarray

    def plain(self) -> np.ndarray | None:
        """The numbers without a copy, where they are plain numbers that NumPy knows; else None."""
        dtype = KINDS[self.kind].dtype
        return self.data.view(dtype).reshape(self.shape) if dtype else None

    def numbers(self) -> np.ndarray:
        """The numbers as float32 (whole numbers and F64 as they are); a view of the file for F32, else a copy."""
        if (plain := self.plain()) is not None:
            return plain.astype(np.float32) if self.kind == "F16" else plain
        if self.kind == "BF16":
            return decode_float(self.data.view(np.uint16), BF16).reshape(self.shape)
        decode = decode_blocks if self.kind in BLOCKS else decode_k_blocks
        return decode(self.data.reshape(*self.shape[:-1], -1), self.kind)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A tensor to be written. values: called when its turn comes, gives its numbers, so that one is held at a time.

    encoded: it gives the bytes of the blocks themselves.
    """

    shape: tuple[int, ...]
    kind: str
    values: Callable[[], Any]
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class GGUF:
    """A file: its version, its metadata in the file's order, its tensors by name.

    Numbers, texts and truth values come as Python's own, arrays of numbers as NumPy's, arrays of others as lists.
    """

    path: Path
    version: int
    metadata: dict[str, Any]
    tensors: dict[str, Stored]


def let_go(stored: Stored) -> None:
    """Give the memory of the mapped file back, of which this is a tensor; it is read again where it is touched again.

    Only where nobody has changed a number in place: changes are in that memory alone.
    """
    owner: Any = stored.data
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


# ───────── reading ─────────


@slot
def read_value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    """Read the value of this kind that begins at byte `at`; give it and the place where the next thing begins.

    Kinds in NUMBERS are one number. TEXT: its length in bytes (8 bytes, unsigned), then its UTF-8. ARRAY: the kind of its
    elements (4 bytes, unsigned), how many (8), then one after another; of numbers a NumPy array is given, else a list.
    struct.error or ValueError: the data ends before the value does.
    """
    if kind == TEXT:
        (length,) = struct.unpack_from("<Q", data, at)
        end = at + 8 + length
        if end > len(data):
            raise ValueError("cut short")
        return str(data[at + 8 : end], "utf-8"), end
    if kind == ARRAY:
        inner, count = struct.unpack_from("<IQ", data, at)
        at += 12
        if inner in NUMBERS:
            return np.frombuffer(data, NUMBERS[inner], count, at).copy(), at + count * NUMBERS[inner].itemsize
        values = []
        for _ in range(count):
            value, at = read_value(data, at, inner)
            values.append(value)
        return values, at
    dtype = NUMBERS[kind]
    return np.frombuffer(data, dtype, 1, at)[0].item(), at + dtype.itemsize


class _Head:
    """The head of a file, read from front to back."""

    def __init__(self, path: Path, mapped: np.ndarray):
        self.path, self.mapped, self.at = path, mapped, 0
        self.data = bytes(mapped[:FIRST_BYTES])

    def value(self, kind: int, what: str) -> Any:
        """The next value, whatever it is; FormatError says that the file is damaged, and where."""
        try:
            found, self.at = read_value(self.data, self.at, kind)
        except UnicodeDecodeError as error:
            raise FormatError(f"{self.path}: {what} is no UTF-8, so the file is damaged; copy it again") from error
        except KeyError as error:
            raise FormatError(
                f"{self.path}: {what} is of kind {error}, which GGUF does not have; copy it again"
            ) from error
        except (struct.error, ValueError, RecursionError, OverflowError) as error:
            if len(self.data) < len(self.mapped):  # it may end further on
                self.data = bytes(self.mapped[: 2 * len(self.data)])
                return self.value(kind, what)
            raise FormatError(
                f"{self.path} ends inside {what}, so it was cut short; copy or download it again"
            ) from error
        return found

    def count(self, what: str, kind: int = UINT64) -> int:
        """The next whole number."""
        return self.value(kind, what)


def read(path: str | Path) -> GGUF:
    """Read the head of a GGUF file and map its tensors.

    InputError: no file, or another format. UnsupportedModel: a version or block kind that is not implemented. FormatError:
    damaged or cut short.
    """
    path = Path(path)
    data = _mapped(path)
    head = _Head(path, data)
    head.at = 4
    version = head.count("its version", UINT32)
    if version not in VERSIONS:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        what = f"is big-endian (version {swapped})" if swapped in VERSIONS else f"is of GGUF version {version}"
        raise UnsupportedModel(
            f"{path} {what}; versions 2 and 3, little-endian, are read: convert it with a newer llama.cpp"
        )
    tensors, keys = head.count("its counts"), head.count("its counts")
    metadata: dict[str, Any] = {}
    for number in range(keys):
        key = head.value(TEXT, f"the name of key {number + 1} of {keys}")
        if key in metadata:
            raise FormatError(f"{path}: the key {key} stands there twice; convert the model again")
        metadata[key] = head.value(head.count(f"the key {key}", UINT32), f"the key {key}")
    described = [_described(head, number, tensors) for number in range(tensors)]
    start = _up(head.at, _alignment(metadata, path))
    return GGUF(path, version, metadata, _placed(path, data, start, described))


def _mapped(path: Path) -> np.ndarray:
    """The bytes of a file, read when they are touched; a change to them stays in memory."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; check the path")
    with open(path, "rb") as file:
        first = file.read(4)
    if first != MAGIC:
        raise InputError(f"{path} is no GGUF file: it begins with {first!r} instead of b'GGUF'; pass a .gguf file")
    return np.memmap(path, np.uint8, "c").view(np.ndarray)


def _described(head: _Head, number: int, count: int) -> tuple[str, tuple[int, ...], int, int]:
    """Name, shape, number of the kind and place of the next tensor."""
    name = head.value(TEXT, f"the name of tensor {number + 1} of {count}")
    dimensions = head.count(f"the shape of {name}", UINT32)
    if not 1 <= dimensions <= 4:
        raise FormatError(f"{head.path}: {name} has {dimensions} dimensions, but GGUF ends at 4; copy the file again")
    sizes = [head.count(f"the shape of {name}") for _ in range(dimensions)]
    return name, tuple(reversed(sizes)), head.count(f"the kind of {name}", UINT32), head.count(f"the place of {name}")


def _alignment(metadata: Mapping[str, Any], path: Path) -> int:
    alignment = metadata.get("general.alignment", ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 8 or alignment % 8:
        raise FormatError(f"{path}: general.alignment={alignment!r} is no multiple of 8; convert the model again")
    return alignment


def _up(place: int, alignment: int) -> int:
    """The next multiple of the alignment."""
    return -(-place // alignment) * alignment


def _placed(path: Path, data: np.ndarray, start: int, described: Sequence[Any]) -> dict[str, Stored]:
    """The tensors over their bytes, each of which is in the file."""
    tensors: dict[str, Stored] = {}
    for name, shape, number, place in described:
        if name in tensors:
            raise FormatError(f"{path}: the tensor {name} stands there twice; convert the model again")
        kind = _kind(number, name, path)
        try:
            size = size_of(shape, kind)
        except InputError as error:
            raise FormatError(f"{path}: {name}: {error}") from error
        begin = start + place
        if begin + size > len(data):
            raise FormatError(
                f"{path} ends at byte {len(data):,}, but {name} reaches to {begin + size:,}: it was cut short; "
                "copy or download it again"
            )
        tensors[name] = Stored(shape, kind, data[begin : begin + size])
    return tensors


def _kind(number: int, name: str, path: Path) -> str:
    if number not in NAMES:
        called = NOT_READ.get(number, f"number {number}")
        raise UnsupportedModel(
            f"{path}: {name} is stored as {called}, which is not implemented; take a file of the same model in "
            "F16, BF16, Q8_0, Q5_0, Q5_1, Q4_0, Q4_1 or a K-quant"
        )
    return NAMES[number]


def size_of(shape: Sequence[int], kind: str) -> int:
    """Bytes of a tensor; InputError where its rows do not fill blocks.

    >>> size_of((2, 64), "Q8_0"), size_of((3,), "F32")
    (136, 12)
    """
    how = KINDS[kind]
    if shape[-1] % how.block:
        raise InputError(f"rows of {shape[-1]} do not fill blocks of {how.block}; store it as F16 in place of {kind}")
    return prod(shape) // how.block * how.bytes


# ───────── writing ─────────


def write_value(value: Any) -> tuple[int, bytes]:
    """The kind and the bytes of a value of metadata.

    A NumPy number or array keeps its own kind. Of Python's, True and False are BOOL, whole numbers UINT32 (where one is
    negative or too large: INT32, UINT64, INT64), others FLOAT32; a list is an array of what its elements are.
    """
    if isinstance(value, str):
        data = value.encode()
        return TEXT, struct.pack("<Q", len(data)) + data
    if isinstance(value, np.ndarray):
        kind = _number_kind(value.dtype)
        return ARRAY, struct.pack("<IQ", kind, len(value)) + np.ascontiguousarray(value, NUMBERS[kind]).tobytes()
    if isinstance(value, list | tuple):
        return _write_list(value)
    kind = _number_kind(value.dtype) if isinstance(value, np.generic) else _kind_of([value])
    return kind, np.array(value, NUMBERS[kind]).tobytes()


def _write_list(values: Sequence[Any]) -> tuple[int, bytes]:
    if values and isinstance(values[0], str | list | tuple | np.ndarray):
        written = [write_value(value) for value in values]
        if len({kind for kind, _ in written}) > 1:
            raise InputError("an array of metadata holds texts and others; give it elements of one kind")
        return ARRAY, struct.pack("<IQ", written[0][0], len(values)) + b"".join(data for _, data in written)
    kind = _kind_of(values)
    return ARRAY, struct.pack("<IQ", kind, len(values)) + np.array(values, NUMBERS[kind]).tobytes()


def _number_kind(dtype: np.dtype) -> int:
    number = NUMBER_OF.get(dtype.newbyteorder("<"))
    if number is None:
        raise InputError(f"metadata cannot hold {dtype}; use float32, or whole numbers of up to 64 bits")
    return number


def _kind_of(values: Sequence[Any]) -> int:
    """The kind that holds these numbers of Python's."""
    if all(isinstance(value, bool) for value in values):
        return BOOL
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        wrong = next(value for value in values if isinstance(value, bool) or not isinstance(value, int | float))
        raise InputError(
            f"metadata cannot hold {wrong!r}; give a text, a number, a truth value or a list of one of them"
        )
    if any(isinstance(value, float) for value in values):
        return FLOAT32
    low, high = min(values), max(values)
    for kind in (UINT32, INT32, UINT64, INT64):
        if np.iinfo(NUMBERS[kind]).min <= low and high <= np.iinfo(NUMBERS[kind]).max:
            return kind
    raise InputError(f"metadata cannot hold {high if high > 0 else low}, which needs more than 64 bits")


def write(path: str | Path, metadata: Mapping[str, Any], tensors: Mapping[str, Outgoing], *, version: int = 3) -> None:
    """Write a file, whole or not at all. metadata: general.alignment is obeyed; general.architecture should be there."""
    alignment = _alignment(metadata, Path(path))
    sizes = [size_of(one.shape, one.kind) for one in tensors.values()]
    head = bytearray(MAGIC + struct.pack("<IQQ", version, len(tensors), len(metadata)))
    for key, value in metadata.items():
        kind, data = write_value(value)
        head += write_value(key)[1] + struct.pack("<I", kind) + data
    place = 0
    for (name, one), size in zip(tensors.items(), sizes, strict=True):
        shape = struct.pack(f"<I{len(one.shape)}Q", len(one.shape), *reversed(one.shape))
        head += write_value(name)[1] + shape + struct.pack("<IQ", KINDS[one.kind].number, place)
        place = _up(place + size, alignment)
    head += bytes(_up(len(head), alignment) - len(head))
    with files.atomic_path(path) as temporary, open(temporary, "wb") as file, progress(place, "writing", "B") as bar:
        file.write(head)
        for one, size in zip(tensors.values(), sizes, strict=True):
            file.write((one.values() if one.encoded else encode(one.values(), one.kind)).data)
            file.write(bytes(_up(size, alignment) - size))
            bar.update(size)


def encode(values: Any, kind: str) -> np.ndarray:
    """The bytes of a tensor's numbers. FP16 that would be infinite, and NaN in a block, are refused."""
    array = np.asarray(values)
    if kind in BLOCKS:
        return encode_blocks(array, kind)
    if kind == "BF16":
        return np.ascontiguousarray(encode_float(array, BF16))
    if not (dtype := KINDS[kind].dtype):
        raise UnsupportedModel(f"{kind} is only read; write Q8_0, Q4_0, Q4_1, F16, BF16 or F32")
    with np.errstate(over="ignore"):
        encoded = np.ascontiguousarray(array, dtype)
    if kind == "F16" and np.isinf(encoded).any() and np.isfinite(array).all():
        raise InputError(f"{np.abs(array).max():.4g} is too large for F16, which ends at 65504; write BF16 or F32")
    return encoded
