"""Token shards: the ids of many documents on disk, read through the operating system's page cache.

    index.json        dtype, counts, files with their sha256
    tokens.bin        ids of all documents, one after the other (uint16, or uint32 for more than 65,536 ids)
    offsets.bin       int64: where each document begins; one more at the end
    loss_mask.bin     uint8 a token, only where not every token is to be learned

Every document ends with the end-of-document token; what stands before its first token is added when rows are packed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groundup import files
from groundup.data.pipeline.storage import fetched
from groundup.errors import FormatError, InputError

INDEX, TOKENS, OFFSETS, LOSS_MASK = "index.json", "tokens.bin", "offsets.bin", "loss_mask.bin"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Shards:
    """Documents as token ids.

    offsets: int64 [documents + 1]. start_id: the token that stands before each document; None: nothing does, and its
    first token is read but never predicted.
    """

    tokens: np.ndarray
    offsets: np.ndarray
    loss_mask: np.ndarray | None
    start_id: int | None
    text_bytes: int  # UTF-8 bytes of the documents' texts

    @property
    def num_documents(self) -> int:
        """How many documents there are."""
        return len(self.offsets) - 1

    @property
    def num_tokens(self) -> int:
        """How many tokens there are, ends of documents included."""
        return int(self.offsets[-1])

    def document(self, index: int) -> np.ndarray:
        """The ids of one document."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @staticmethod
    def open(folder: str | Path, verify: bool = True) -> "Shards":
        """Map a folder of shards, or what is at an address; FormatError when a file is missing, damaged, of another size or version.

        verify: compare the checksums too (about a second a gigabyte).
        """
        folder = fetched(folder)
        if not (folder / INDEX).is_file():
            raise InputError(
                f"{folder} has no {INDEX}, so it holds no token shards; the stage that makes them must run first"
            )
        index = _read_index(folder)
        for name, expected in index["files"].items():
            _check_file(folder / name, _size(index, name), expected if verify else None)
        offsets = np.fromfile(folder / OFFSETS, dtype=np.int64)
        if offsets[0] != 0 or offsets[-1] != index["tokens"] or (np.diff(offsets) < 0).any():
            raise FormatError(f"{folder / OFFSETS} does not fit {TOKENS}; {AGAIN}")
        mask = _map(folder / LOSS_MASK, "uint8") if LOSS_MASK in index["files"] else None
        return Shards(_map(folder / TOKENS, index["dtype"]), offsets, mask, index["start_id"], index["text_bytes"])


AGAIN = "remove the folder, and the next run makes it again"
DTYPES = ("uint16", "uint32")


def _read_index(folder: Path) -> dict[str, Any]:
    """The index, when it is one that this version can read."""
    index, path = files.read_json(folder / INDEX), folder / INDEX
    if not isinstance(index, dict) or index.get("version") != VERSION:
        raise FormatError(f"{path} was not written by this version of groundup; {AGAIN}")
    if index.get("dtype") not in DTYPES:
        raise FormatError(f"{path} says dtype {index.get('dtype')!r}, but ids are {' or '.join(DTYPES)}; {AGAIN}")
    absent = {"tokens", "documents", "start_id", "text_bytes", "files"} - index.keys()
    if absent or not {TOKENS, OFFSETS} <= index["files"].keys():
        raise FormatError(f"{path} is incomplete (no {', '.join(sorted(absent)) or 'files'}); {AGAIN}")
    return index


def _size(index: dict[str, Any], name: str) -> int:
    """Bytes that a file must have by what the index says."""
    sizes = {OFFSETS: 8 * (index["documents"] + 1), LOSS_MASK: index["tokens"]}
    return sizes.get(name, np.dtype(index["dtype"]).itemsize * index["tokens"])


def _check_file(path: Path, size_bytes: int, checksum: str | None) -> None:
    """Refuse a file that is missing, has another size (as that of another dtype) or, if asked, another checksum."""
    if not path.is_file():
        raise FormatError(f"{path} is missing; {AGAIN}")
    if path.stat().st_size != size_bytes:
        raise FormatError(f"{path} has {path.stat().st_size} bytes, but {INDEX} promises {size_bytes}; {AGAIN}")
    if checksum is not None and files.sha256(path) != checksum:
        raise FormatError(f"{path} is damaged (its checksum differs from that in {INDEX}); {AGAIN}")


def _map(path: Path, dtype: str) -> np.ndarray:
    """A file as a read-only array; an empty file cannot be mapped."""
    if not path.stat().st_size:
        return np.zeros(0, dtype)
    return np.memmap(path, dtype=dtype, mode="r").view(np.ndarray)


class Part(NamedTuple):
    """Some documents of a corpus: ids in a row, their offsets from 0, bytes of their texts, loss mask (or None)."""

    tokens: np.ndarray
    offsets: np.ndarray
    text_bytes: int
    loss_mask: np.ndarray | None = None


def write_shards(
    folder: str | Path,
    tokens: np.ndarray,
    offsets: np.ndarray,
    *,
    start_id: int | None,
    text_bytes: int,
    vocab_size: int,
    loss_mask: np.ndarray | None = None,
) -> Shards:
    """Write documents that are in memory as a folder of shards, whole or not at all, and open it."""
    part = Part(tokens, offsets, text_bytes, loss_mask)
    return write_parts(folder, [part], start_id=start_id, vocab_size=vocab_size)


def write_parts(folder: str | Path, parts: Iterable[Part], *, start_id: int | None, vocab_size: int) -> Shards:
    """Write a corpus part by part, so that it need not fit in memory; whole or not at all.

    Either every part has a loss mask or none has.
    """
    index: dict[str, Any] = {
        "version": VERSION,
        "dtype": "uint16" if vocab_size <= 1 << 16 else "uint32",
        "tokens": 0,
        "documents": 0,
        "start_id": start_id,
        "text_bytes": 0,
        "vocab_size": vocab_size,
    }
    with files.atomic_folder(folder) as temporary:
        (temporary / OFFSETS).write_bytes(bytes(8))
        (temporary / TOKENS).touch()
        for part in parts:
            _append(temporary, part, index)
        masked = LOSS_MASK if (temporary / LOSS_MASK).exists() else None
        assert not masked or (temporary / LOSS_MASK).stat().st_size == index["tokens"], "some parts have no loss mask"
        index["files"] = {name: files.sha256(temporary / name) for name in (TOKENS, OFFSETS, masked) if name}
        files.write_json(temporary / INDEX, index)
    return Shards.open(folder, verify=False)


def _append(folder: Path, part: Part, index: dict[str, Any]) -> None:
    """Add a part's documents to the files and to the counts."""
    assert part.offsets[-1] == len(part.tokens), (
        f"offsets end at {part.offsets[-1]}, but there are {len(part.tokens)} tokens"
    )
    assert not len(part.tokens) or int(part.tokens.max()) < index["vocab_size"], (
        f"id {part.tokens.max()} is not in the vocabulary"
    )
    arrays = {TOKENS: part.tokens.astype(index["dtype"]), OFFSETS: part.offsets[1:].astype(np.int64) + index["tokens"]}
    if part.loss_mask is not None:
        assert len(part.loss_mask) == len(part.tokens), (
            f"{len(part.loss_mask)} mask values for {len(part.tokens)} tokens"
        )
        arrays[LOSS_MASK] = np.asarray(part.loss_mask).astype(np.uint8)
    for name, array in arrays.items():
        with open(folder / name, "ab") as file:
            file.write(array.tobytes())  # `tofile` does not say why it failed, and a full disk needs its own sentence
    index["tokens"] += len(part.tokens)
    index["documents"] += len(part.offsets) - 1
    index["text_bytes"] += part.text_bytes
