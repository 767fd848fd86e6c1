"""The conditional random field over a whole corpus: likelihood and gradient in one pass, compiled (Numba), in threads.

A word's score for a label is the sum of the weights of (attribute, label) pairs; only pairs that were seen in training have
a weight, so an attribute that stood with one label costs one addition; one that stood with several has a whole row of labels,
which the processor adds in a few steps (41 against 19 ms a pass over 63,000 words and 13 labels). Scores are exponentiated once a word, after taking
away the word's largest, and the sums over labellings are scaled at each place as in `hmm/scaled.py`. What was counted in the
data does not change between two passes: the objective is weights @ counted - sum of log Z. Rows of labels are padded to a
multiple of four for the processor. Meaning: `crf.crf_log_likelihood`, `crf.crf_gradient`, `crf.decode`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.text.compiled import inner, kernel, loop

WIDTH = 4  # labels in a row are a multiple of it
SEVERAL = 3  # labels of an attribute from which a whole row is faster


class Corpus(NamedTuple):
    """Sentences as numbers: words offsets[k] to offsets[k + 1] are a sentence, attributes[first[t]:first[t + 1]] a word's."""

    attributes: np.ndarray  # int32
    first: np.ndarray  # int64
    offsets: np.ndarray  # int64
    labels: np.ndarray  # int64, empty where unknown


class Pairs(NamedTuple):
    """Which labels have a weight with each attribute: label[first[a]:first[a + 1]], in the order of the weights."""

    first: np.ndarray  # int64
    label: np.ndarray  # int32


class Rows(NamedTuple):
    """Which attributes have a whole row of labels, and where in the rows their pairs' weights stand."""

    of: np.ndarray  # int32[attributes]: the row, -1: none
    pairs: np.ndarray  # the pairs that stand in rows
    places: tuple[np.ndarray, np.ndarray]  # the row and the column of each
    shape: tuple[int, int]


def whole_rows(pairs: Pairs, labels: int) -> Rows:
    """Give each attribute of several labels a row."""
    several = np.diff(pairs.first) >= SEVERAL
    of = np.where(several, np.cumsum(several) - 1, -1).astype(np.int32)
    of_pair = np.repeat(of, np.diff(pairs.first))
    chosen = np.flatnonzero(of_pair >= 0)
    return Rows(of, chosen, (of_pair[chosen], pairs.label[chosen]), (int(several.sum()), -(-labels // WIDTH) * WIDTH))


@kernel
def _seen_pairs(attributes, first, labels, count, num_labels):
    """The pairs of attribute and label that occur, and how often."""
    times = np.zeros((count, num_labels), np.int32)
    for t in range(len(labels)):
        for k in range(first[t], first[t + 1]):
            times[attributes[k], labels[t]] += 1
    begin, found = np.zeros(count + 1, np.int64), 0
    for a in range(count):
        for j in range(num_labels):
            found += times[a, j] > 0
        begin[a + 1] = found
    label, counted, place = np.empty(found, np.int32), np.empty(found), 0
    for a in range(count):
        for j in range(num_labels):
            if times[a, j]:
                label[place], counted[place] = j, times[a, j]
                place += 1
    return begin, label, counted


def seen_pairs(corpus: Corpus, attributes: int, labels: int) -> tuple[Pairs, np.ndarray]:
    """The pairs that have a weight, and all that is counted in the data: of the pairs, then of the steps (labels squared)."""
    begin, label, counted = _seen_pairs(corpus.attributes, corpus.first, corpus.labels, attributes, labels)
    inside = np.ones(len(corpus.labels), bool)
    inside[corpus.offsets[:-1][np.diff(corpus.offsets) > 0]] = False  # no step leads to a sentence's first word
    steps = (corpus.labels[:-1] * labels + corpus.labels[1:])[inside[1:]]
    return Pairs(begin, label), np.concatenate([counted, np.bincount(steps, minlength=labels**2)])


@inner
def _word_scores(row, t, attributes, first, pair_first, pair_label, weights, of, rows, held):
    """Add up the weights of a word's attributes into its row of labels: four labels at a time stay in the processor."""
    for j in range(len(row)):
        row[j] = 0.0
    count = 0
    for k in range(first[t], first[t + 1]):
        a = attributes[k]
        if of[a] >= 0:
            held[count] = of[a]
            count += 1
        else:
            for place in range(pair_first[a], pair_first[a + 1]):
                row[pair_label[place]] += weights[place]
    for j in range(0, len(row), 4):
        one, two, three, four = row[j], row[j + 1], row[j + 2], row[j + 3]
        for k in range(count):
            r = held[k]
            one, two, three, four = (
                one + rows[r, j],
                two + rows[r, j + 1],
                three + rows[r, j + 2],
                four + rows[r, j + 3],
            )
        row[j], row[j + 1], row[j + 2], row[j + 3] = one, two, three, four


class Sums(NamedTuple):
    """Where a thread adds up: what is expected of pairs, of rows and of steps; and room for the longest sentence."""

    pairs: np.ndarray
    rows: np.ndarray
    steps: np.ndarray
    worth: np.ndarray
    alpha: np.ndarray
    scale: np.ndarray
    line: np.ndarray  # three rows: beta, what comes after, the share of each label
    held: np.ndarray  # int32: the rows of one word's attributes


def _room(pairs: Pairs, rows: Rows, longest: int, most: int) -> Sums:
    wide = rows.shape[1]
    shapes: tuple[int | tuple[int, int], ...] = (
        len(pairs.label), rows.shape, (wide, wide), (longest, wide), (longest, wide), longest, (3, wide),
    )  # fmt: skip
    numbers: list[np.ndarray] = [np.zeros(shape) for shape in shapes]
    return Sums._make([*numbers, np.empty(most, np.int32)])


@inner
def _count(share, t, attributes, first, pair_first, pair_label, of, in_pairs, in_rows, held):
    """Add a word's share of each label to the sums of its attributes."""
    count = 0
    for k in range(first[t], first[t + 1]):
        a = attributes[k]
        if of[a] >= 0:
            held[count] = of[a]
            count += 1
        else:
            for place in range(pair_first[a], pair_first[a + 1]):
                in_pairs[place] += share[pair_label[place]]
    for j in range(0, len(share), 4):
        one, two, three, four = share[j], share[j + 1], share[j + 2], share[j + 3]
        for k in range(count):
            r = held[k]
            in_rows[r, j] += one
            in_rows[r, j + 1] += two
            in_rows[r, j + 2] += three
            in_rows[r, j + 3] += four


@inner
def _follow(row, before, step):
    """What each state gets from all states before it."""
    row[:] = 0.0
    for i in range(len(before)):
        weight = before[i]
        for j in range(len(row)):
            row[j] += weight * step[i, j]


@inner
def _exponentials(row, labels):
    """Exponentiate a row's labels after taking away their largest, which is given back."""
    largest = row[0]
    for j in range(1, labels):
        largest = max(largest, row[j])
    for j in range(labels):
        row[j] = np.exp(row[j] - largest)
    return largest


@loop
def _expected(corpus, offsets, pairs, weights, of, rows, step, backwards, labels, sums):
    """Sum of log Z over the sentences; what is expected is added to the sums. step: exp(transition), padded.

    It makes no array (`text.compiled.loop`): counting references to rows would take as long as adding them.
    """
    padded, total = step.shape[0], 0.0
    attributes, first, _, _ = corpus
    pair_first, pair_label = pairs
    in_pairs, in_rows, stepped, worth, alpha, scale, line, held = sums
    beta, both, share = line[0], line[1], line[2]
    for k in range(len(offsets) - 1):
        begin, length = offsets[k], offsets[k + 1] - offsets[k]
        for t in range(length):
            row, gives = alpha[t], worth[t]
            _word_scores(gives, begin + t, attributes, first, pair_first, pair_label, weights, of, rows, held)
            largest = _exponentials(gives, labels)
            if t == 0:
                row[:] = 1.0
            else:
                _follow(row, alpha[t - 1], step)
            for j in range(padded):
                row[j] *= gives[j]
            norm = 0.0
            for j in range(labels):
                norm += row[j]
            scale[t] = 1.0 / norm
            total += np.log(norm) + largest
            for j in range(padded):
                row[j] *= scale[t]
        beta[:] = 1.0
        for t in range(length - 1, -1, -1):
            for j in range(padded):
                share[j] = alpha[t, j] * beta[j]
            _count(share, begin + t, attributes, first, pair_first, pair_label, of, in_pairs, in_rows, held)
            if t == 0:
                break
            for j in range(padded):
                both[j] = beta[j] * worth[t, j] * scale[t]
                beta[j] = 0.0
            for i in range(labels):
                weight, into, other, way = alpha[t - 1, i], stepped[i], both[i], backwards[i]
                for j in range(padded):
                    into[j] += weight * both[j]
                    beta[j] += other * way[j]
    return total


def objective(
    corpus: Corpus, pairs: Pairs, rows: Rows, counted: np.ndarray, weights: np.ndarray, labels: int,
    parts: list[np.ndarray], pool: ThreadPoolExecutor,
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Minus the log likelihood of the corpus, and its gradient by the weights: those of the pairs, then of the steps.

    parts: the sentences' offsets, a part for each thread.
    """
    own, transition = weights[: len(pairs.label)], weights[len(pairs.label) :].reshape(labels, labels)
    largest = float(transition.max())
    step, whole = np.zeros((rows.shape[1], rows.shape[1])), np.zeros(rows.shape)
    step[:labels, :labels] = np.exp(
        transition - largest
    )  # each step taken counts `largest` less, which total gets back
    whole[rows.places] = own[rows.pairs]

    most = int(np.diff(corpus.first).max(initial=1))

    def part_of(offsets: np.ndarray):  # type: ignore[no-untyped-def]
        sums = _room(pairs, rows, int(np.diff(offsets).max(initial=1)), most)
        return sums, _expected(corpus, offsets, pairs, own, rows.of, whole, step, step.T.copy(), labels, sums)

    found = list(pool.map(part_of, parts))
    taken = sum(int(np.maximum(np.diff(part) - 1, 0).sum()) for part in parts)
    total = sum(likelihood for _, likelihood in found) + largest * taken
    expected, in_rows, stepped = (sum(sums[place] for sums, _ in found) for place in range(3))
    expected[rows.pairs] = in_rows[rows.places]
    gradient = np.concatenate([expected, (stepped * step)[:labels, :labels].ravel()]) - counted
    return total - float(weights @ counted), gradient


@kernel
def _decode(corpus, pairs, weights, of, rows, start, transition):
    """The best label of each word; transition[j, i]: of the step from i to j."""
    attributes, first, offsets, _ = corpus
    held = np.empty(np.max(np.diff(first)) if len(first) > 1 else 1, np.int32)
    pair_first, pair_label = pairs
    labels, longest = len(start), np.int64(0)
    for k in range(len(offsets) - 1):
        longest = max(longest, offsets[k + 1] - offsets[k])
    came_from, row = np.empty((longest, labels), np.int32), np.empty(rows.shape[1])
    best, following, found = np.empty(labels), np.empty(labels), np.empty(len(first) - 1, np.int32)
    for k in range(len(offsets) - 1):
        begin, end = offsets[k], offsets[k + 1]
        if begin == end:
            continue
        _word_scores(row, begin, attributes, first, pair_first, pair_label, weights, of, rows, held)
        for j in range(labels):
            best[j] = start[j] + row[j]
        for t in range(begin + 1, end):
            _word_scores(row, t, attributes, first, pair_first, pair_label, weights, of, rows, held)
            for j in range(labels):
                way, top, at = transition[j], best[0] + transition[j, 0], 0
                for i in range(1, labels):
                    if best[i] + way[i] > top:
                        top, at = best[i] + way[i], i
                following[j], came_from[t - begin, j] = top + row[j], at
            best, following = following, best
        found[end - 1] = np.argmax(best)
        for t in range(end - 1, begin, -1):
            found[t - 1] = came_from[t - begin, found[t]]
    return found


def decode_corpus(
    corpus: Corpus, pairs: Pairs, rows: Rows, weights: np.ndarray, transition: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """The best labelling of each sentence, one after the other."""
    if np.isnan(weights).any() or np.isnan(transition).any():
        raise InputError("a weight is NaN; train again, with a larger l2 if it grew without end")
    whole = np.zeros(rows.shape)
    whole[rows.places] = weights[rows.pairs]
    return _decode(corpus, pairs, weights, rows.of, whole, start, np.ascontiguousarray(transition.T))
