"""Token shards: the ids of many documents on disk, read through the operating system's page cache.

    index.json        dtype, counts, files with their sha256
    tokens.bin        ids of all documents, one after the other (uint16, or uint32 for more than 65,536 ids)
    offsets.bin       int64: where each document begins; one more at the end
    loss_mask.bin     uint8 a token, only where not every token is to be learned

Every document ends with the end-of-document token; what stands before its first token is added when rows are packed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup import files
from groundup.errors import FormatError, InputError

INDEX, TOKENS, OFFSETS, LOSS_MASK = "index.json", "tokens.bin", "offsets.bin", "loss_mask.bin"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Shards:
    """Documents as token ids. offsets: int64 [documents + 1]. start_id: the token that stands before a document."""

    tokens: np.ndarray
    offsets: np.ndarray
    loss_mask: np.ndarray | None
    start_id: int
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
        """Map a folder of shards; FormatError when a file is missing, damaged or of another version."""
        folder = Path(folder)
        if not (folder / INDEX).is_file():
            raise InputError(f"{folder} has no {INDEX}, so it holds no token shards; the tokenizer stage makes them")
        index = files.read_json(folder / INDEX)
        if index.get("version") != VERSION or index.get("dtype") not in ("uint16", "uint32"):
            raise FormatError(f"{folder / INDEX} is of another version of groundup; make the shards again")
        for name, expected in index["files"].items():
            if not (folder / name).is_file() or (verify and files.sha256(folder / name) != expected):
                raise FormatError(f"{folder / name} is missing or damaged; make the shards again")
        tokens = np.memmap(folder / TOKENS, dtype=index["dtype"], mode="r") if index["tokens"] else np.zeros(0, index["dtype"])
        mask = np.memmap(folder / LOSS_MASK, dtype=np.uint8, mode="r") if LOSS_MASK in index["files"] else None
        return Shards(tokens, np.fromfile(folder / OFFSETS, dtype=np.int64), mask, index["start_id"], index["text_bytes"])


def write_shards(folder: str | Path, tokens: np.ndarray, offsets: np.ndarray, *, start_id: int, text_bytes: int,
                 vocab_size: int, loss_mask: np.ndarray | None = None) -> Shards:
    """Write a folder of shards, whole or not at all, and open it."""
    dtype = "uint16" if vocab_size <= 1 << 16 else "uint32"
    parts = {TOKENS: tokens.astype(dtype), OFFSETS: offsets.astype(np.int64)}
    if loss_mask is not None:
        assert len(loss_mask) == len(tokens), f"{len(loss_mask)} mask values for {len(tokens)} tokens"
        parts[LOSS_MASK] = loss_mask.astype(np.uint8)
    with files.atomic_folder(folder) as temporary:
        for name, array in parts.items():
            array.tofile(temporary / name)
        files.write_json(temporary / INDEX, {
            "version": VERSION, "dtype": dtype, "tokens": len(tokens), "documents": len(offsets) - 1, "start_id": start_id,
            "text_bytes": text_bytes, "vocab_size": vocab_size, "files": {name: files.sha256(temporary / name) for name in parts},
        })
    return Shards.open(folder, verify=False)
