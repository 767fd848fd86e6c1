"""Unigram trained fast (Numba): every place where a piece fits is found once, then only filtered.

Meaning: `unigram.train_unigram_reference`. The strings that occur more than once are grown character by character: those
of n + 1 characters begin with one of n that occurs more than once, so a hash of (that string's number, next character)
finds them, and every place where one stands is already known. These places are the edges of all words' lattices. A round of
training goes through them, and pruning leaves some out: no dictionary, no trie, no string is looked at again.

Sums of probabilities are kept in plain numbers, each character multiplied by e^3 so that they neither vanish nor overflow;
words of more than 50 characters are added up in logarithms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from groundup import slots
from groundup.text.compiled import inner, loop
from groundup.text.tokenizers.unigram import (
    LONGEST,
    RAREST,
    ROUNDS,
    SEEDS,
    SHRINKING,
    SLACK,
    check_size,
    finish,
    train_unigram_reference,
)

_MIX, _SHIFT, _ONE = np.uint64(0x9E3779B97F4A7C15), np.uint64(24), np.uint64(1)
_FREE, _NONE = np.int64(-1), np.int32(-1)
_LIFT, _LONG = 3.0, np.int64(50)
_NEVER = -np.inf


@loop
def _grow(places, classes, symbols, ends, weights, depth, keys, numbers, parents, counts, longer):
    """Give each place the number of its string of depth + 1 characters (`longer`, -1 at the end of a word); how many.

    places, classes: where strings of `depth` characters stand, and their numbers. counts: occurrences of the new strings.
    """
    mask, found = np.uint64(len(keys) - 1), np.int64(0)
    for i in range(len(places)):
        place = places[i] + depth
        if place >= ends[places[i]]:
            longer[i] = _NONE
            continue
        key = np.int64(classes[i]) << 32 | np.int64(symbols[place])
        slot = (np.uint64(key) * _MIX) >> _SHIFT & mask
        while keys[slot] != key and keys[slot] != _FREE:
            slot = (slot + _ONE) & mask
        if keys[slot] == _FREE:
            keys[slot], numbers[slot] = key, found
            parents[found], counts[found] = classes[i], 0
            found += 1
        longer[i] = numbers[slot]
        counts[longer[i]] += weights[places[i]]
    return found


@loop
def _place_edges(places, pieces, length, cursor, edge_piece, edge_length):
    """Enter the places of pieces of one length; cursor: where each place's next edge goes."""
    for i in range(len(places)):
        if pieces[i] >= 0:
            at = cursor[places[i]]
            edge_piece[at], edge_length[at] = pieces[i], length
            cursor[places[i]] = at + 1


@inner
def _log_add(a, b):
    high, low = max(a, b), min(a, b)
    return high if low == _NEVER else high + np.log1p(np.exp(low - high))


@inner
def _expect_long(first, size, weight, first_edge, edge_piece, edge_length, scores, before, behind, counts):
    """`_expect_word` in logarithms, for a long word."""
    before[0], behind[size] = 0.0, 0.0
    for node in range(size):
        before[node + 1], behind[node] = _NEVER, _NEVER
    for start in range(size):
        for edge in range(first_edge[first + start], first_edge[first + start + 1]):
            end = start + edge_length[edge]
            before[end] = _log_add(before[end], before[start] + scores[edge_piece[edge]])
    for start in range(size - 1, -1, -1):
        for edge in range(first_edge[first + start], first_edge[first + start + 1]):
            piece, end = edge_piece[edge], start + edge_length[edge]
            onward = scores[piece] + behind[end]
            behind[start] = _log_add(behind[start], onward)
            counts[piece] += weight * np.exp(before[start] + onward - before[size])
    return before[size]


@inner
def _expect_word(first, size, weight, first_edge, edge_piece, edge_length, lifted, before, behind, counts):
    """Add the expected counts of a word's pieces; the log of its probability."""
    before[0], behind[size] = 1.0, 1.0
    for node in range(size):
        before[node + 1], behind[node] = 0.0, 0.0
    for start in range(size):
        for edge in range(first_edge[first + start], first_edge[first + start + 1]):
            before[start + edge_length[edge]] += before[start] * lifted[edge_piece[edge]]
    share = weight / before[size]
    for start in range(size - 1, -1, -1):
        for edge in range(first_edge[first + start], first_edge[first + start + 1]):
            piece = edge_piece[edge]
            onward = lifted[piece] * behind[start + edge_length[edge]]
            behind[start] += onward
            counts[piece] += before[start] * onward * share
    return np.log(before[size]) - _LIFT * size


@loop
def _expect(starts, sizes, weights, first_edge, edge_piece, edge_length, scores, lifted, before, behind, counts):
    """Expected counts of all pieces over all words; the log likelihood of the words."""
    total = 0.0
    for word in range(len(starts)):
        first, size, weight = starts[word], sizes[word], weights[word]
        if size > _LONG:
            found = _expect_long(
                first, size, weight, first_edge, edge_piece, edge_length, scores, before, behind, counts
            )
        else:
            found = _expect_word(
                first, size, weight, first_edge, edge_piece, edge_length, lifted, before, behind, counts
            )
        total += weight * found
    return total


@inner
def _best(first, size, without, first_edge, edge_piece, edge_length, scores, best, last, via):
    """The best segmentation of the `size` characters from `first`, without one piece: for each node its last edge."""
    best[0] = 0.0
    for node in range(size):
        best[node + 1] = _NEVER
    for start in range(size):
        for edge in range(first_edge[first + start], first_edge[first + start + 1]):
            piece, end = edge_piece[edge], start + edge_length[edge]
            if end <= size and piece != without and best[start] + scores[piece] > best[end]:
                best[end], last[end], via[end] = best[start] + scores[piece], start, piece


@loop
def _count_best(starts, sizes, weights, first_edge, edge_piece, edge_length, scores, best, last, via, used):
    """How often each piece stands in the best segmentation of a word."""
    for word in range(len(starts)):
        _best(starts[word], sizes[word], _FREE, first_edge, edge_piece, edge_length, scores, best, last, via)
        node = sizes[word]
        while node > 0:
            used[via[node]] += weights[word]
            node = last[node]


@loop
def _losses(used, lengths, somewhere, first_edge, edge_piece, edge_length, scores, best, last, via, losses):
    """What the text would lose without each piece; see `unigram.prune_pieces`. Unused pieces are not changed."""
    total = 0.0
    for piece in range(len(used)):
        total += used[piece]
    for piece in range(len(used)):
        if used[piece] == 0 or lengths[piece] == 1:
            continue
        size = lengths[piece]
        _best(somewhere[piece], size, piece, first_edge, edge_piece, edge_length, scores, best, last, via)
        parts, node = 0, size
        while node > 0:
            parts, node = parts + 1, last[node]
        after, instead, node = np.log(total + used[piece] * (parts - 1)), 0.0, size
        while node > 0:
            instead += np.log(used[via[node]] + used[piece]) - after
            node = last[node]
        losses[piece] = used[piece] * (np.log(used[piece]) - np.log(total) - instead)


@loop
def _keep_edges(number, first_edge, edge_piece, edge_length):
    """Leave out the edges of dropped pieces (number -1) and give the others their new numbers; how many are left."""
    kept, start = np.int64(0), np.int64(0)
    for place in range(len(first_edge) - 1):
        end = first_edge[place + 1]
        for edge in range(start, end):
            piece = number[edge_piece[edge]]
            if piece >= 0:
                edge_piece[kept], edge_length[kept] = piece, edge_length[edge]
                kept += 1
        start, first_edge[place + 1] = end, kept
    return kept


def _digamma(x: np.ndarray) -> np.ndarray:
    """`unigram.digamma` of an array."""
    value, x = np.zeros(len(x)), x.copy()
    while (small := x < 6).any():
        value[small] -= 1 / x[small]
        x[small] += 1
    square = 1 / (x * x)
    return value + np.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


@dataclass
class _Words:
    """All words' characters one after another (numbered from 0), where each word stands, and how often it occurs."""

    text: str
    symbols: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, words: Mapping[str, int]) -> "_Words":
        kept = {word: times for word, times in words.items() if word}
        text = "".join(kept)
        codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
        symbols = np.unique(codes, return_inverse=True)[1].astype(np.int32)
        sizes = np.fromiter(map(len, kept), np.int64, len(kept))
        return cls(text, symbols, np.cumsum(sizes) - sizes, sizes, np.fromiter(kept.values(), np.int64, len(kept)))


class _Seeds:
    """The strings that occur more than once, and where they stand, length by length."""

    def __init__(self, words: _Words, longest: int) -> None:
        self.words, size = words, len(words.symbols)
        self._ends = np.repeat(words.starts + words.sizes, words.sizes)
        self._weights = np.repeat(words.weights, words.sizes)
        self.counts = [np.bincount(words.symbols, self._weights).astype(np.int64)]
        self.levels = [(np.arange(size), words.symbols)]  # for each length: places, and the number of the string there
        self.maximal = [np.ones(len(self.counts[0]), np.bool_)]
        while len(self.levels) < longest and self._next():
            pass

    def _next(self) -> bool:
        """Find the strings that are one character longer."""
        (places, classes), depth = self.levels[-1], len(self.levels)
        frequent = self.counts[-1][classes] > 1
        places, classes = places[frequent], classes[frequent]
        table = 1 << max(4, (2 * len(places)).bit_length())
        keys, numbers = np.full(table, _FREE), np.empty(table, np.int32)
        parents, counts = np.empty(len(places), np.int32), np.empty(len(places), np.int64)
        longer = np.empty(len(places), np.int32)
        symbols = self.words.symbols
        found = _grow(
            places, classes, symbols, self._ends, self._weights, depth, keys, numbers, parents, counts, longer
        )
        counts, parents = counts[:found], parents[:found]
        inside = parents[counts == self.counts[-1][parents]]
        if depth > 1:
            self.maximal[-1][inside] = False
        stays = (longer >= 0) & (counts[longer] > 1) if found else np.zeros(len(longer), np.bool_)
        self.counts.append(counts)
        self.maximal.append(np.ones(found, np.bool_))
        self.levels.append((places[stays], longer[stays]))
        return bool(stays.any())

    def _examples(self) -> list[np.ndarray]:
        """For each length a place of each string."""
        examples = [np.zeros(len(counts), np.int64) for counts in self.counts]
        for example, (places, classes) in zip(examples, self.levels, strict=True):
            example[classes] = places
        return examples

    def _chosen(self, most: int, examples: list[np.ndarray]) -> list[np.ndarray]:
        """For each length which strings become pieces: all characters, then those that cover most text."""
        good = [(counts > 1) & maximal for counts, maximal in zip(self.counts, self.maximal, strict=True)]
        good[0][:] = True
        cover = np.concatenate([counts * (n + 1) for n, counts in enumerate(self.counts)])
        wanted, room = np.concatenate(good), max(0, most - len(good[0]))
        lengths = np.repeat(np.arange(1, len(good) + 1), [len(one) for one in good])
        starts, text = np.concatenate(examples), self.words.text
        candidates = len(good[0]) + np.flatnonzero(wanted[len(good[0]) :])
        wanted[len(good[0]) :] = False
        wanted[_largest(candidates, cover, room, lambda i: text[starts[i] : starts[i] + lengths[i]])] = True
        return np.split(wanted, np.cumsum([len(one) for one in good])[:-1])

    def lattice(self, most: int) -> "_Lattice":
        """Number the pieces, and enter their places."""
        numbers, counts, lengths, somewhere, examples = [], [], [], [], self._examples()
        first, size = 0, len(self.words.symbols)
        degrees = np.zeros(size, np.int64)
        for n, chosen in enumerate(self._chosen(most, examples)):
            number = np.where(chosen, np.cumsum(chosen) - 1 + first, -1).astype(np.int32)
            places, classes = self.levels[n]
            numbers.append(number)
            counts.append(self.counts[n][chosen])
            lengths.append(np.full(int(chosen.sum()), n + 1, np.int64))
            somewhere.append(examples[n][chosen])
            degrees[places[number[classes] >= 0]] += 1
            first += int(chosen.sum())
        first_edge = np.concatenate([np.zeros(1, np.int64), np.cumsum(degrees)])
        pieces, edge_lengths = np.empty(first_edge[-1], np.int32), np.empty(first_edge[-1], np.uint8)
        cursor = first_edge[:-1].copy()
        for n, number in enumerate(numbers):
            places, classes = self.levels[n]
            _place_edges(places, number[classes], n + 1, cursor, pieces, edge_lengths)
        share = np.log(np.concatenate(counts))
        scores = share - np.log(np.concatenate(counts).sum())
        return _Lattice(
            self.words, first_edge, pieces, edge_lengths, scores, np.concatenate(lengths), np.concatenate(somewhere)
        )


def _largest(candidates: np.ndarray, values: np.ndarray, room: int, text: Callable[[int], str]) -> np.ndarray:
    """The `room` candidates with the largest values; of equal ones those that come first as text."""
    order = candidates[np.argsort(-values[candidates], kind="stable")]
    if len(order) <= room or not room or values[order[room]] != values[order[room - 1]]:
        return order[:room]
    edge = values[order[room]]
    above, tied = order[values[order] > edge], order[values[order] == edge]
    chosen = sorted(tied.tolist(), key=text)[: room - len(above)]
    return np.concatenate([above, np.array(chosen, np.int64)])


class _Lattice:
    """All words' segmentations: at each place the pieces that fit, by number; and the pieces' scores."""

    def __init__(
        self,
        words: _Words,
        first_edge: np.ndarray,
        edge_piece: np.ndarray,
        edge_length: np.ndarray,
        scores: np.ndarray,
        lengths: np.ndarray,
        somewhere: np.ndarray,
    ) -> None:
        """somewhere: for each piece a place where it stands."""
        self._words, self._edges = words, (first_edge, edge_piece, edge_length)
        self.scores, self._lengths, self._somewhere = scores, lengths, somewhere
        self._space = 1 + max(int(words.sizes.max()), LONGEST, int(lengths.max()))

    def __len__(self) -> int:
        return len(self.scores)

    def _filter(self, kept: np.ndarray, scores: np.ndarray) -> None:
        """Drop the pieces that are not kept."""
        first_edge, pieces, lengths = self._edges
        number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        left = _keep_edges(number, first_edge, pieces, lengths)
        self._edges = first_edge, pieces[:left], lengths[:left]
        self.scores, self._lengths, self._somewhere = scores[kept], self._lengths[kept], self._somewhere[kept]

    def improve(self) -> float:
        """One round of expectation and maximisation; the log likelihood before it."""
        words, counts = self._words, np.zeros(len(self))
        before, behind = np.empty(self._space), np.empty(self._space)
        lifted = np.exp(self.scores + _LIFT * self._lengths)
        total = _expect(
            words.starts, words.sizes, words.weights, *self._edges, self.scores, lifted, before, behind, counts
        )
        kept = (counts >= RAREST) | (self._lengths == 1)
        counts = np.maximum(counts, RAREST)
        scores = _digamma(counts) - _digamma(counts[kept].sum(keepdims=True))
        self._filter(kept, scores)
        return float(total)

    def prune(self, keep: int) -> None:
        """Drop the pieces whose loss costs least until `keep` are left; characters stay."""
        words, used = self._words, np.zeros(len(self))
        space = np.empty(self._space), np.empty(self._space, np.int64), np.empty(self._space, np.int64)
        _count_best(words.starts, words.sizes, words.weights, *self._edges, self.scores, *space, used)
        losses = np.full(len(self), np.nan)
        _losses(used, self._lengths, self._somewhere, *self._edges, self.scores, *space, losses)
        kept = self._lengths == 1
        candidates = np.flatnonzero(~np.isnan(losses))
        kept[_largest(candidates, losses, max(0, keep - int(kept.sum())), self._piece)] = True
        self._filter(kept, self.scores)

    def _piece(self, number: int) -> str:
        start = int(self._somewhere[number])
        return self._words.text[start : start + int(self._lengths[number])]

    def pieces(self) -> dict[str, float]:
        """The pieces as text, with their scores."""
        return {self._piece(number): score for number, score in enumerate(self.scores.tolist())}


def train_unigram(
    words: Mapping[str, int], vocab_size: int, *, seeds: int = SEEDS, longest: int = LONGEST
) -> list[tuple[str, float]]:
    """Learn pieces and their log probabilities from counted words, as `train_unigram_reference` does."""
    if any(slots.filled(f"text.tokenizers.{name}") for name in ("viterbi_segment", "expected_counts", "prune_pieces")):
        return train_unigram_reference(words, vocab_size, seeds=seeds, longest=longest)
    check_size(words, vocab_size)
    lattice, goal = _Seeds(_Words.of(words), longest).lattice(seeds), int(SLACK * vocab_size)
    while True:
        for _ in range(ROUNDS):
            lattice.improve()
        if len(lattice) <= goal:
            return finish(lattice.pieces(), vocab_size)
        lattice.prune(max(goal, int(SHRINKING * len(lattice))))
