r"""Encode what does not fit into memory: texts go through in batches, and a file is never held whole.

    for ids, offsets in encode_stream(tokenizer, documents("corpus.txt", "<|endoftext|>")):
        ...                                     # document d of the batch is ids[offsets[d]:offsets[d + 1]]

A file is either many documents with a separator between them (`documents`), or one long document (`parts`). One
document may be cut only where a piece ends in any case, or its ids would change at the seam: between two letters with
one blank between them, the cut before the blank, because every split pattern of `splitting` ends a word there and
begins the next with its blank; and behind a newline between a visible character and a letter. Both hold for byte-level
tokenizers; others (SentencePiece's mark the beginning of a text) get documents.
"""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

BATCH_BYTES = 1 << 19  # with what Numba takes, all stays under 300 MB; more pays for a second thread only
_BLOCK = 1 << 17  # bytes read at a time
_LONGEST = 1 << 26  # characters without a place to cut at


class Packing(Protocol):
    """Any tokenizer that encodes many texts into one array."""

    def encode_packed(self, texts: Iterable[str], threads: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """All texts' ids, and where each text's ids start and end."""


def _blocks(path: str | Path) -> Iterator[str]:
    """The text of a file, block by block, characters whole."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open(path, "rb") as file:
            done = 0
            while block := file.read(_BLOCK):
                yield decoder.decode(block)
                done += len(block)
            yield decoder.decode(b"", final=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give the path of a text file") from error
    except UnicodeDecodeError as error:
        # the decoder counts from the bytes that it kept of the block before
        raise InputError(
            f"{path} is no UTF-8 near byte {done + error.start:,}; convert it (iconv -t UTF-8) or name its encoding"
        ) from error


def documents(path: str | Path, separator: str = "\n") -> Iterator[str]:
    """The documents of a file that stand between separators, which belong to none; empty ones are left out."""
    if not separator:
        raise InputError("separator='' ends no document; give the text between documents, or use parts(path) for one")
    rest = ""
    for block in _blocks(path):
        *whole, rest = (rest + block).split(separator)
        yield from filter(None, whole)
    if rest:
        yield rest


@slot
def safe_cut(text: str) -> int:
    """The last place at which a text can be cut without changing a token; 0 when there is none.

    Before a blank between two letters, or behind a newline between a visible character and a letter.

    >>> safe_cut("one two  three."), safe_cut("one.\\ntwo"), safe_cut("3 4\\n\\nfive")
    (3, 5, 0)
    """
    for place in range(len(text) - 2, 0, -1):
        before, here, after = text[place - 1], text[place], text[place + 1]
        if here == " " and before.isalpha() and after.isalpha():
            return place
        if here == "\n" and not before.isspace() and after.isalpha():
            return place + 1
    return 0


def parts(path: str | Path) -> Iterator[str]:
    """One document in parts that a byte-level tokenizer encodes as it would the whole: joined, they are the file."""
    rest = ""
    for block in _blocks(path):
        rest += block
        cut = safe_cut(rest)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        if len(rest) > _LONGEST:
            raise InputError(
                f"{path} has no two words with one blank between them in {_LONGEST:,} characters, so it cannot be cut; "
                "give documents(path, separator) instead"
            )
    if rest:
        yield rest


def encode_stream(
    tokenizer: Packing, texts: Iterable[str], batch_bytes: int = BATCH_BYTES, threads: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Encode texts in batches of about `batch_bytes`: for each batch its ids and where each of its texts starts.

    A text is never divided; memory holds one batch, or one text if that is longer. threads: as for `encode_packed`.
    """
    if batch_bytes < 1:
        raise InputError(f"batch_bytes={batch_bytes} holds no text; use at least 1")
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text) if text.isascii() else len(text.encode(errors="replace"))
        if size >= batch_bytes:
            yield tokenizer.encode_packed(batch, threads=threads)
            batch, size = [], 0
    if batch:
        yield tokenizer.encode_packed(batch, threads=threads)
