"""Repeated passages: what stands in several documents (or twice in one) for n bytes or more is kept where it came first.

Licences, menus and quotations are neither whole documents nor whole lines, and no fingerprint of those finds them. In the
suffix array of all documents, suffixes that begin with the same n bytes are neighbours; of each such group the one that
stands first in the text stays, and n bytes are struck at every other (Lee et al. 2021, arXiv:2107.06499, section 4.1, with
n = 50 tokens, about 200 bytes). The documents are joined by the byte 0xFF, which no UTF-8 holds, and no passage reaches
over it.

Memory: 9 bytes a byte of text at once. A corpus that is larger is taken in parts of `part_bytes`, and a passage is then
found within its part only.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from groundup.data.dedup.suffix_array import lcp, suffix_array
from groundup.errors import ConfigError
from groundup.slots import filled, slot
from groundup.text.compiled import kernel

MIN_BYTES = 200
PART_BYTES = 200_000_000
END = 0xFF


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters begin ... end - 1 of a document, first seen in the document number `first` at character `first_begin`."""

    begin: int
    end: int
    first: int
    first_begin: int


@dataclass(frozen=True, slots=True)
class Struck:
    """A text without its repeated passages, and which they were."""

    text: str
    passages: tuple[Passage, ...]


@slot
def longest_repeat_reference(text: bytes) -> bytes:
    """The longest substring that occurs twice in a text (the two may overlap); of equally long ones the smallest.

    >>> longest_repeat_reference(b"banana")
    b'ana'
    """
    order = sorted(range(len(text)), key=lambda at: text[at:])
    best = b""
    for one, other in zip(order, order[1:], strict=False):
        length = 0
        while max(one, other) + length < len(text) and text[one + length] == text[other + length]:
            length += 1
        if length > len(best):
            best = text[one : one + length]
    return best


def longest_repeat(text: bytes) -> bytes:
    """The same for long texts.

    >>> longest_repeat(b"banana")
    b'ana'
    """
    if filled("data.dedup.longest_repeat_reference"):
        return longest_repeat_reference(text)
    if not text:
        return b""
    values = np.frombuffer(text, np.uint8)
    order = suffix_array(values)
    shared = lcp(values, order)[order]
    at = int(shared.argmax())
    return text[order[at] : order[at] + shared[at]]


def repeats_reference(documents: Sequence[bytes], min_bytes: int) -> list[list[bool]]:
    """For each byte of each document: whether it lies in a window of `min_bytes` that stood in the documents earlier."""
    seen: set[bytes] = set()
    struck = []
    for document in documents:
        marks = [False] * len(document)
        for at in range(len(document) - min_bytes + 1):
            window = document[at : at + min_bytes]
            if window in seen:
                marks[at : at + min_bytes] = [True] * min_bytes
            seen.add(window)
        struck.append(marks)
    return struck


def repeats(data: np.ndarray, min_bytes: int) -> np.ndarray:
    """For each place of a text whose next `min_bytes` stood in it earlier: where first; -1 elsewhere. Windows hold no byte END.

    data: uint8; `strike` joins documents to such a text.
    """
    order = suffix_array(data)
    return _first_places(data, order, lcp(data, order), min_bytes)


@kernel
def _first_places(data, order, shared, min_bytes):
    """Of each run of neighbours that share min_bytes, the earliest place; written over `shared`."""
    run = np.int32(END)
    left = 0  # bytes up to the document's end
    for at in range(len(data) - 1, -1, -1):
        left = 0 if data[at] == run else left + 1
        if left < min_bytes:
            shared[at] = 0
    begin = 0
    for end in range(1, len(order) + 1):
        if end < len(order) and shared[order[end]] >= min_bytes:
            continue
        first = order[begin:end].min()
        for rank in range(begin, end):
            shared[order[rank]] = first if order[rank] != first else -1
        begin = end
    return shared


@kernel
def _runs(first, min_bytes):
    """Where struck bytes begin and end, and where the first of them stood earlier: rows of three."""
    rows = np.empty((len(first) // min_bytes + 2, 3), np.int64)
    count, end = 0, -1
    for at in range(len(first)):
        if first[at] >= 0:
            if at > end:
                rows[count, 0], rows[count, 2] = at, first[at]
                count += 1
            end = at + min_bytes
            rows[count - 1, 1] = end
    return rows[:count]


def strike(texts: Iterable[str], min_bytes: int = MIN_BYTES, part_bytes: int = PART_BYTES) -> Iterator[Struck]:
    """Each text without the passages of `min_bytes` or more that stood earlier in it or in the texts before it.

    part_bytes: how much text is compared at once.

    >>> [struck.text for struck in strike(["all rights reserved", "No: all rights reserved."], min_bytes=10)]
    ['all rights reserved', 'No: .']
    """
    if min_bytes < 1:
        raise ConfigError(f"min_bytes={min_bytes} would strike every byte that came before; use 50 to 500")
    number = 0
    for part in _parts(texts, part_bytes):
        yield from _strike(part, min_bytes, number)
        number += len(part)


def _parts(texts: Iterable[str], part_bytes: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for text in texts:
        part.append(text.encode(errors="surrogatepass"))
        size += len(part[-1]) + 1
        if size >= part_bytes:
            yield part
            part, size = [], 0
    if part:
        yield part


def _strike(part: list[bytes], min_bytes: int, number: int) -> Iterator[Struck]:
    """The texts of one part; `number` texts stood before it."""
    data = np.frombuffer(bytes([END]).join(part), np.uint8)
    runs = _runs(repeats(data, min_bytes), min_bytes) if len(data) else np.zeros((0, 3), np.int64)
    offsets = np.cumsum([0, *(len(text) + 1 for text in part)])
    bounds = np.searchsorted(runs[:, 0], offsets)
    firsts = np.searchsorted(offsets, runs[:, 2], "right") - 1
    for at, text in enumerate(part):
        mine = slice(bounds[at], bounds[at + 1])
        whose = [
            (first, part[first], int(runs[row, 2] - offsets[first]))
            for row, first in enumerate(firsts[mine], mine.start)
        ]
        yield _without(text, runs[mine, :2] - offsets[at], whose, number)


def _without(text: bytes, runs: np.ndarray, whose: list[tuple[int, bytes, int]], number: int) -> Struck:
    """A text without runs of bytes, each shrunk to whole characters."""
    kept, passages, behind, characters = [], [], 0, 0
    for (begin, end), (first, original, place) in zip(runs.tolist(), whose, strict=True):
        inside = begin
        while inside < end and text[inside] & 0xC0 == 0x80:  # in the middle of a character
            inside += 1
        while end > inside and end < len(text) and text[end] & 0xC0 == 0x80:
            end -= 1
        if inside == end:
            continue
        kept.append(text[behind:inside])
        start = characters + len(kept[-1].decode(errors="surrogatepass"))
        characters = start + len(text[inside:end].decode(errors="surrogatepass"))
        where = len(original[: place + inside - begin].decode(errors="surrogatepass"))
        passages.append(Passage(start, characters, number + int(first), where))
        behind = end
    kept.append(text[behind:])
    return Struck(b"".join(kept).decode(errors="surrogatepass"), tuple(passages))
