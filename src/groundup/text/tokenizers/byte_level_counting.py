"""Count the distinct pieces of a corpus (Numba): all that training needs to know of it.

20 MB of text hold some hundred thousand distinct pieces, so training sees a few hundredths of the bytes. Pieces longer
than `LONGEST_PIECE` are counted in parts: a line of 10,000 dashes would otherwise be rescanned for each merge in it.
"""

from collections.abc import Iterable

import numpy as np

from groundup.text.compiled import inner, loop
from groundup.text.tokenizers.byte_level_splitting import split_batches
from groundup.text.tokenizers.splitting import STYLES

LONGEST_PIECE = 256  # bytes
_DISTINCT = 1 << 17  # pieces the table holds; when it fills, its counts move to a dict
_BATCH_BYTES = 1 << 23  # text joined at a time


@inner
def _hash(data, start, end):
    mixed = np.uint64(end - start)
    for i in range(start, end):
        mixed = (mixed ^ np.uint64(data[i])) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


@inner
def _same(data, first, second, length):
    k = 0
    while k < length and data[first + k] == data[second + k]:
        k += 1
    return k == length


@inner
def _entry_of(data, start, end, table, entries, hashes):
    """Number of the piece data[start:end] in `entries` (start, length, count), made when it is new."""
    mask, mixed, length = np.uint64(len(table) - 2), _hash(data, start, end), end - start
    place = mixed & mask
    while table[place] >= 0:
        entry = table[place]
        if hashes[entry] == mixed and entries[entry, 1] == length and _same(data, entries[entry, 0], start, length):
            return entry
        place = (place + np.uint64(1)) & mask
    entry = table[-1] + 1  # the last place holds the number of the newest entry
    table[place] = table[-1] = entry
    hashes[entry], entries[entry, 0], entries[entry, 1], entries[entry, 2] = mixed, start, length, 0
    return entry


@loop
def count_pieces(data, first, ends, table, entries, hashes):
    """Count the pieces that start at byte `first` and end at `ends`, too long ones cut at a character's edge.

    Returns the byte reached: the end, or less when `entries` is full.
    """
    for end in ends:
        while first < end:
            if table[-1] + 1 >= len(entries):
                return first
            stop = min(end, first + LONGEST_PIECE)
            while stop < end and data[stop] & 0xC0 == 0x80:
                stop -= 1
            entries[_entry_of(data, first, stop, table, entries, hashes), 2] += 1
            first = stop
    return first


def _add_batch(counts: dict[bytes, int], documents: list[bytes], style: int) -> None:
    """Add the counts of one batch: in a hash table, which is emptied into the dict at the end and when it is full."""
    data = b"".join(documents) + bytes(16)
    offsets = np.zeros(len(documents) + 1, np.int64)
    np.cumsum([len(document) for document in documents], out=offsets[1:])
    buffer = np.frombuffer(data, np.uint8)
    table = np.full(2 * _DISTINCT + 1, -1, np.int32)
    entries, hashes = np.empty((_DISTINCT, 3), np.int64), np.empty(_DISTINCT, np.uint64)
    for reached, ends in split_batches(buffer, offsets, style):
        while (reached := count_pieces(buffer, reached, ends, table, entries, hashes)) < ends[-1]:
            _empty(counts, data, table, entries)
            ends = ends[ends > reached]
    _empty(counts, data, table, entries)


def _empty(counts: dict[bytes, int], data: bytes, table: np.ndarray, entries: np.ndarray) -> None:
    for start, length, count in entries[: table[-1] + 1].tolist():
        piece = data[start : start + length]
        counts[piece] = counts.get(piece, 0) + count
    table.fill(-1)


def count_words(documents: Iterable[bytes], pattern: str) -> dict[bytes, int]:
    """How often each distinct piece occurs in UTF-8 documents: the words that `train_bpe` learns from."""
    counts: dict[bytes, int] = {}
    batch: list[bytes] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= _BATCH_BYTES:
            _add_batch(counts, batch, STYLES[pattern])
            batch, size = [], 0
    _add_batch(counts, batch, STYLES[pattern])
    return counts
