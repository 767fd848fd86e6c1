"""Counts of a stream larger than memory: sort it block by block, write the sorted runs to disk, merge them.

External sorting, as KenLM counts (Heafield et al. 2013): from each position starts one n-gram of full length (shorter before a boundary or
the end). The n-grams of a block are sorted and equal ones counted; that is a run, a file. All runs are then read side by side, the smallest
n-gram first, and since those with equal beginnings come one after the other, the counts of all lengths fall out in one pass. The result is that of
`counts.count_ngrams`. Memory: a block (about 80 bytes a token of it at order 5), and the counts themselves; the stream is never held. The
loops are compiled by numba.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from groundup.errors import ConfigError, InputError
from groundup.text.compiled import inner, kernel
from groundup.text.ngram.counts import Level
from groundup.text.ngram.model import check_stream

BLOCK = 1 << 20  # tokens


@kernel
def _windows(ids, starts, order, boundary):
    """The n-gram that begins at each position, -1 behind its end; it ends with the boundary, unless it begins with it."""
    rows = np.full((starts, order), -1, np.int32)
    for i in range(starts):
        for k in range(min(order, len(ids) - i)):
            rows[i, k] = ids[i + k]
            if k > 0 and ids[i + k] == boundary:
                break
    return rows


@kernel
def _sorted_run(rows, vocab_size):
    """The rows in order, equal ones once, and how often each was there. Sorted by counting, the last token first."""
    by = np.arange(len(rows))
    for column in range(rows.shape[1] - 1, -1, -1):
        place, moved = np.zeros(vocab_size + 2, np.int64), np.empty_like(by)
        for i in range(len(rows)):
            place[rows[i, column] + 2] += 1
        for one in range(1, vocab_size + 2):
            place[one] += place[one - 1]
        for row in by:
            word = rows[row, column] + 1
            moved[place[word]] = row
            place[word] += 1
        by = moved
    found, counts, kept = -1, np.zeros(len(rows), np.int32), np.empty_like(rows)
    for row in by:
        if found < 0 or np.any(rows[row] != kept[found]):
            found += 1
            kept[found] = rows[row]
        counts[found] += 1
    return kept[: found + 1].copy(), counts[: found + 1].copy()


@inner
def _before(rows, one, other):
    """Whether row `one` stands before row `other`."""
    for k in range(rows.shape[1]):
        if rows[one, k] != rows[other, k]:
            return rows[one, k] < rows[other, k]
    return one < other


@kernel
def _merge(rows, counts, edges, ends, levels_words, levels_counts, levels_first, sizes):
    """Take the smallest of the runs' next rows until none is left; each row adds to one n-gram of every length.

    edges: where each run begins. sizes: how many n-grams of each length there are so far. Without room (`levels_words` of no
    column) they are only numbered.
    """
    order, runs = rows.shape[1], len(edges)
    heads, last, fill = edges.copy(), np.full(order, -2, np.int32), levels_words.shape[1] > 0
    heap = np.arange(runs)
    for at in range(runs // 2 - 1, -1, -1):
        _sink(heap, runs, at, rows, heads)
    while runs > 0:
        run = heap[0]
        row, count, new = heads[run], counts[heads[run]], False
        for k in range(order):
            if rows[row, k] < 0:
                last[k] = -2
                break
            if new or rows[row, k] != last[k]:
                new, last[k] = True, rows[row, k]
                if fill:
                    levels_words[k, sizes[k]] = last[k]
                    if k > 0:
                        levels_first[k, sizes[k - 1]] = sizes[k] + 1
                sizes[k] += 1
            if fill:
                levels_counts[k, sizes[k] - 1] += count
        heads[run] += 1
        if heads[run] == ends[run]:
            runs -= 1
            heap[0] = heap[runs]
        _sink(heap, runs, 0, rows, heads)


@inner
def _sink(heap, size, at, rows, heads):
    """Let the run at a place of the heap go down until none below it has a smaller next row."""
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _before(rows, heads[heap[child + 1]], heads[heap[child]]):
            child += 1
        if not _before(rows, heads[heap[child]], heads[heap[at]]):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@kernel
def _shorter(words, contexts, context_shorter, words_before, first_before):
    """The n-gram without its first token, in the level before: `context_shorter` goes on with the last word."""
    result = np.empty(len(words), np.int32)
    for gram in range(len(words)):
        short = context_shorter[contexts[gram]]
        low, high = first_before[short], first_before[short + 1]
        while low < high:
            middle = (low + high) // 2
            if words_before[middle] < words[gram]:
                low = middle + 1
            else:
                high = middle
        result[gram] = low
    return result


def blocks(chunks: Iterable[np.ndarray], order: int, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Cut a stream that comes in chunks: ids, and at how many of them n-grams begin (the others belong to the next block too).

    >>> [(ids.tolist(), starts) for ids, starts in blocks([np.array([1, 2, 3]), np.array([4, 5])], 2, 3)]
    [([1, 2, 3, 4], 3), ([4, 5], 2)]
    """
    waiting = np.zeros(0, np.int32)
    for chunk in chunks:
        waiting = np.concatenate([waiting, np.asarray(chunk).astype(np.int32)])
        while len(waiting) >= size + order - 1:
            yield waiting[: size + order - 1], size
            waiting = waiting[size:]
    if len(waiting):
        yield waiting, len(waiting)


def count_streamed(
    chunks: Iterable[np.ndarray],
    order: int,
    vocab_size: int,
    boundary: int | None = None,
    *,
    block: int = BLOCK,
    folder: str | Path | None = None,
) -> list[Level]:
    """`count_ngrams` of ids that come chunk by chunk. block: tokens sorted at once; folder: for the runs (removed at the end)."""
    if block < 1:
        raise ConfigError(f"block={block} holds no token; use 1 or more ({BLOCK} is usual)")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".ngram-runs-") as place:
        rows_file, counts_file = Path(place, "rows"), Path(place, "counts")
        edges = [0]
        with open(rows_file, "wb") as rows_out, open(counts_file, "wb") as counts_out:
            for ids, starts in blocks(chunks, order, block):
                check_stream(ids, order, vocab_size, boundary)
                rows, counts = _sorted_run(
                    _windows(ids, starts, order, -1 if boundary is None else boundary), vocab_size
                )
                rows.tofile(rows_out)
                counts.tofile(counts_out)
                edges.append(edges[-1] + len(counts))
        if len(edges) == 1:
            raise InputError("there are no tokens to count; give a text that is not empty")
        rows = np.memmap(rows_file, np.int32, "r", shape=(edges[-1], order))
        return _levels(rows, np.memmap(counts_file, np.int32, "r"), np.array(edges), vocab_size)


def _levels(rows: np.ndarray, counts: np.ndarray, edges: np.ndarray, vocab_size: int) -> list[Level]:
    """Merge the runs twice: to learn how many n-grams there are, then to fill the levels."""
    order = rows.shape[1]
    sizes, none = np.zeros(order, np.int64), np.zeros((order, 0), np.int32)
    _merge(rows, counts, edges[:-1], edges[1:], none, none, none, sizes)
    largest, filled = int(sizes.max()), np.zeros(order, np.int64)
    words, counted, ends = (np.zeros((order, largest + 1), np.int32) for _ in range(3))
    _merge(rows, counts, edges[:-1], edges[1:], words, counted, ends, filled)
    levels: list[Level] = []
    for length in range(order):
        here, size = (words[length, : sizes[length]].copy(), counted[length, : sizes[length]].copy()), sizes[length - 1]
        if length == 0:
            levels.append(_every_word(*here, vocab_size))
            seen = here[0]
            continue
        first = np.maximum.accumulate(ends[length, : size + 1]).astype(np.int32)
        if length == 1:  # contexts are numbered by word from here on, not by those that occur
            first = first[np.searchsorted(seen, np.arange(vocab_size + 1))]
        levels.append(_linked(*here, first, levels))
    return [_adjusted(level, following) for level, following in zip(levels, [*levels[1:], None], strict=True)]


def _every_word(words: np.ndarray, counts: np.ndarray, vocab_size: int) -> Level:
    all_counts = np.zeros(vocab_size, np.int32)
    all_counts[words] = counts
    every = np.arange(vocab_size, dtype=np.int32)
    return Level(every, all_counts, all_counts, np.array([0, vocab_size], np.int32), np.zeros(vocab_size, np.int32))


def _linked(words: np.ndarray, counts: np.ndarray, first: np.ndarray, levels: list[Level]) -> Level:
    before = levels[-1]
    contexts = np.repeat(np.arange(len(first) - 1), np.diff(first))
    if len(levels) == 1:
        shorter = words
    else:
        shorter = _shorter(words, contexts, before.shorter, before.words, before.first)
    return Level(words, counts, counts, first, shorter)


def _adjusted(level: Level, following: Level | None) -> Level:
    """Kneser-Ney's counts: every occurrence, but those with a token before them once for each such token."""
    if following is None:
        return level
    preceded = np.bincount(following.shorter, 1.0 - following.counts, minlength=len(level.words))
    adjusted = (level.counts + preceded).round().astype(np.int32)
    return Level(level.words, level.counts, adjusted, level.first, level.shorter)
