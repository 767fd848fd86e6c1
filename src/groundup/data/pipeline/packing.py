"""Documents of all lengths become rows of one length, with hardly a token of padding.

A row holds several documents side by side. They must not see each other, so each position carries its document's number
(for the mask) and positions restart; then the loss of a row equals that of its documents one by one.

    inputs      <e> A  cat  .  <e> B  sat  .  -       <e> stands before each document as its context
    targets     A  cat  .  <e>  B sat  .  <e> -       every token of every document is a target exactly once
    documents   0  0   0   0   1  1   1   1  -1
    positions   0  1   2   3   0  1   2   3   0

Best fit, longest first: each piece goes into the fullest row that still has room (Ding et al. 2024, arXiv:2404.10830).
A document longer than a row is cut. A later piece begins with the last token of the piece before as its only context,
as the windows do in which long documents are measured: were <e> put before it, text from the middle of documents would
be learned as the beginning of new ones.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from groundup.slots import filled, slot

SLOT = "data.pipeline.best_fit_reference"
FIELDS = ("input_ids", "targets", "loss_mask", "document_ids", "positions")


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


def pack(offsets: np.ndarray, seq_len: int, start: bool = True) -> Rows:
    """Fit documents, given by their offsets in the token stream, into rows of `seq_len` targets.

    start: whether a start token stands before each document; without one, its first token is no target.
    """
    starts, lengths, first = cut(offsets, seq_len, start)
    order, _ = grouped(seq_len - lengths, seq_len)  # the longest first
    rows = np.empty(len(order), dtype=np.int64)
    fit = best_fit_reference if filled(SLOT) else best_fit
    rows[order], count = fit(lengths[order], seq_len)
    by_row, bounds = grouped(rows, count)
    return Rows(starts[by_row], lengths[by_row], first[by_row], bounds, seq_len)


@njit(cache=True)
def grouped(keys: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of keys in 0 ... count - 1 by key, equal ones in their order, and where each key's begin: a sort by counting.

    >>> grouped(np.array([1, 0, 1]), 2)
    (array([1, 0, 2]), array([0, 1, 3]))
    """
    bounds = np.zeros(count + 1, dtype=np.int64)
    for key in keys:
        bounds[key + 1] += 1
    for key in range(count):
        bounds[key + 1] += bounds[key]
    order, free = np.empty(len(keys), dtype=np.int64), bounds[:-1].copy()
    for place in range(len(keys)):
        key = keys[place]
        order[free[key]] = place
        free[key] += 1
    return order, bounds


def apart(offsets: np.ndarray, seq_len: int, start: bool = True) -> Rows:
    """Documents cut as `pack` does, each piece in a row of its own, for what hides parts of one text; the rest of its row is padding."""
    starts, lengths, first = cut(offsets, seq_len, start)
    return Rows(starts, lengths, first, np.arange(len(starts) + 1), seq_len)


def cut(offsets: np.ndarray, seq_len: int, start: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut documents into pieces of at most `seq_len` targets: first target, how many, whether a document begins there.

    >>> cut(np.array([0, 3, 10]), 4)
    (array([0, 3, 7]), array([3, 4, 3]), array([ True,  True, False]))
    """
    begin, end = offsets[:-1] if start else np.minimum(offsets[:-1] + 1, offsets[1:]), offsets[1:]
    pieces = -(-(end - begin) // seq_len)
    document = np.repeat(np.arange(len(begin)), pieces)
    number = np.arange(len(document)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = begin[document] + number * seq_len
    return starts, np.minimum(seq_len, end[document] - starts), (number == 0) & start


@slot
def best_fit_reference(lengths: np.ndarray, seq_len: int) -> tuple[np.ndarray, int]:
    """Give each piece the fullest row that still has room for it, or a new one: row of each, number of rows.

    lengths: of the pieces, the longest first, each in 1..seq_len. Of equally full rows the one that was filled last.

    >>> best_fit_reference(np.array([7, 6, 3, 2, 2]), 10)
    (array([0, 1, 0, 1, 1]), 2)
    """
    with_room: list[list[int]] = [[] for _ in range(seq_len + 1)]  # by room left: the rows that have it, newest last
    rows, count = [], 0
    for length in lengths.tolist():
        room = next((room for room in range(length, seq_len + 1) if with_room[room]), None)
        if room is None:
            row, room, count = count, seq_len, count + 1
        else:
            row = with_room[room].pop()
        with_room[room - length].append(row)
        rows.append(row)
    return np.array(rows, dtype=np.int64), count


@njit(cache=True)
def best_fit(lengths: np.ndarray, seq_len: int) -> tuple[np.ndarray, int]:
    """The same as `best_fit_reference`, compiled."""
    rows = np.empty(len(lengths), dtype=np.int64)
    newest = np.full(seq_len + 1, -1, dtype=np.int64)  # by room left: a stack of rows, linked through `below`
    below = np.full(len(lengths), -1, dtype=np.int64)
    stacks = np.zeros(
        seq_len // 64 + 1, dtype=np.int64
    )  # how many stacks of 64 neighbours hold a row: empty ones are skipped
    count = 0
    for piece in range(len(lengths)):
        length = lengths[piece]
        room = length
        while room <= seq_len and newest[room] < 0:
            room = room + 1 if stacks[room // 64] else (room // 64 + 1) * 64
        if room <= seq_len:
            row = newest[room]
            newest[room] = below[row]
            stacks[room // 64] -= newest[room] < 0
        else:
            row, room = count, seq_len
            count += 1
        rows[piece] = row
        left = room - length
        if left:
            stacks[left // 64] += newest[left] < 0
            below[row] = newest[left]
            newest[left] = row
    return rows, count


def arrays(rows: int, seq_len: int) -> dict[str, np.ndarray]:
    """The arrays of a batch, all padding."""
    shape = (rows, seq_len)
    filled = {name: np.zeros(shape, dtype=np.int64) for name in FIELDS}
    return filled | {"loss_mask": np.zeros(shape, dtype=np.bool_), "document_ids": np.full(shape, -1, dtype=np.int64)}


@njit(cache=True, nogil=True)
def lay_out(
    tokens,
    mask,
    starts,
    lengths,
    first,
    bounds,
    start_id,
    chosen,
    lines,
    input_ids,
    targets,
    loss_mask,
    document_ids,
    positions,
):
    """Write the rows `chosen` of a source into the lines `lines` of a batch. mask: a value a token, or empty.

    A short loop for each array, so that the compiler writes several numbers at once.
    """
    for number in range(len(chosen)):
        row, line, at = chosen[number], lines[number], 0
        for piece in range(bounds[row], bounds[row + 1]):
            begin, length = starts[piece], lengths[piece]
            here = slice(at, at + length)
            came, inputs, wanted = tokens[begin : begin + length], input_ids[line, here], targets[line, here]
            counts, document, place = loss_mask[line, here], document_ids[line, here], positions[line, here]
            inputs[0] = start_id if first[piece] else np.int64(tokens[begin - 1])
            for position in range(1, length):
                inputs[position] = came[position - 1]
            for position in range(length):
                wanted[position] = came[position]
            for position in range(length):
                place[position] = position
            document[:] = piece - bounds[row]
            counts[:] = True
            if len(mask):
                for position in range(length):
                    counts[position] = mask[begin + position] != 0
            at += length
