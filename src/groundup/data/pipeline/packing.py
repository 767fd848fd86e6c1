"""Documents of all lengths become rows of one length, with hardly a token of padding.

A row holds several documents side by side. They must not see each other, so each position carries its document's number
(for the mask) and positions restart; then the loss of a row equals that of its documents one by one.

    row        <e> A  cat  .  <e> B  sat  .  -        <e> stands before each document as its context
    targets     A cat  .  <e>  B sat  .  <e> -        every token of every document is a target exactly once
    documents   0  0   0   0   1  1   1   1  -1
    positions   0  1   2   3   0  1   2   3   0

Best fit, longest first: each piece goes into the fullest row that still has room (Ding et al. 2024, arXiv:2404.10830).
A document longer than a row is cut; a later piece begins with the last token of the one before as its context.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True, slots=True)
class Rows:
    """Pieces sorted by row: where each begins in the token stream, how long it is, whether a document begins there."""

    starts: np.ndarray
    lengths: np.ndarray
    first: np.ndarray  # bool: the piece begins its document
    bounds: np.ndarray  # row r holds the pieces bounds[r] .. bounds[r + 1]
    seq_len: int

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def padding(self) -> float:
        """The part of all positions that holds no token."""
        return 1 - float(self.lengths.sum()) / max(1, len(self) * self.seq_len)


def pack(offsets: np.ndarray, seq_len: int) -> Rows:
    """Fit documents, given by their offsets in the token stream, into rows of `seq_len` targets."""
    starts, lengths, first = cut(offsets, seq_len)
    order = np.argsort(-lengths, kind="stable")
    rows = np.empty(len(order), dtype=np.int64)
    rows[order], count = best_fit(lengths[order], seq_len)
    by_row = np.argsort(rows, kind="stable")
    bounds = np.searchsorted(rows[by_row], np.arange(count + 1))
    return Rows(starts[by_row], lengths[by_row], first[by_row], bounds, seq_len)


def cut(offsets: np.ndarray, seq_len: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut each document into pieces of at most `seq_len` tokens: starts, lengths, whether a document begins there.

    >>> cut(np.array([0, 3, 10]), 4)
    (array([0, 3, 7]), array([3, 4, 3]), array([ True,  True, False]))
    """
    sizes = np.diff(offsets)
    pieces = -(-sizes // seq_len)
    document = np.repeat(np.arange(len(sizes)), pieces)
    number = np.arange(len(document)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = offsets[document] + number * seq_len
    return starts, np.minimum(seq_len, offsets[document + 1] - starts), number == 0


@njit(cache=True)
def best_fit(lengths: np.ndarray, seq_len: int) -> tuple[np.ndarray, int]:
    """Give each piece (longest first) the fullest row with room for it: row of each, number of rows."""
    rows = np.empty(len(lengths), dtype=np.int64)
    newest = np.full(seq_len + 1, -1, dtype=np.int64)  # by room left: a stack of rows, linked through `below`
    below = np.full(len(lengths), -1, dtype=np.int64)
    count = 0
    for piece in range(len(lengths)):
        length = lengths[piece]
        room = length
        while room <= seq_len and newest[room] < 0:
            room += 1
        if room <= seq_len:
            row = newest[room]
            newest[room] = below[row]
        else:
            row, room = count, seq_len
            count += 1
        rows[piece] = row
        left = room - length
        if left:
            below[row] = newest[left]
            newest[left] = row
    return rows, count
