"""Counts of n-grams: how often each run of one to `order` tokens occurs in a stream of token ids.

The Markov assumption (Shannon 1948): the next token depends on the last few only, so these counts are all a model
needs. A stream can hold many documents, each ended by a boundary token. An n-gram may begin with the boundary, which
tells that a document begins, but does not reach over it into the document before.

`count_reference` is the definition. `count_ngrams` keeps one level an order, sorted by context and then by word, so the
continuations of a context stand together; it sorts by counting, in time linear in the tokens.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from groundup.text.compiled import kernel


def count_reference(ids: list[int], order: int, boundary: int | None = None) -> Counter[tuple[int, ...]]:
    """How often each n-gram of length 1 to `order` occurs.

    >>> count_reference([5, 6, 5, 6], 2) == {(5,): 2, (6,): 2, (5, 6): 2, (6, 5): 1}
    True
    """
    counts: Counter[tuple[int, ...]] = Counter()
    for end in range(len(ids)):
        for start in range(end, max(-1, end - order), -1):
            counts[tuple(ids[start : end + 1])] += 1
            if start < end and ids[start] == boundary:
                break
    return counts


def adjusted_reference(counts: Counter[tuple[int, ...]], order: int) -> Counter[tuple[int, ...]]:
    """Kneser and Ney's counts: of a shorter n-gram, the number of different tokens seen before it.

    "Francisco" is frequent, but only behind "San"; where "San" does not stand it should not be expected. An occurrence
    that nothing can stand before (at a boundary, or the stream's first) counts as one more.
    """
    adjusted: Counter[tuple[int, ...]] = Counter()
    for ngram, count in counts.items():
        if len(ngram) == order:
            adjusted[ngram] = count
        else:
            adjusted[ngram] += count  # every occurrence ...
        if len(ngram) > 1:
            adjusted[ngram[1:]] += 1 - count  # ... but those with a token before them count once for each such token
    return adjusted


@dataclass(frozen=True)
class Level:
    """The n-grams of one length, sorted by context (an n-gram of the level before) and then by last word."""

    words: np.ndarray  # int32: the last word of each n-gram
    counts: np.ndarray  # int32: how often it occurs
    adjusted: (
        np.ndarray
    )  # int32: Kneser-Ney's count: at the highest order the same, else the different tokens before it
    first: np.ndarray  # int32: the continuations of context c in the level before are first[c] to first[c + 1]
    shorter: np.ndarray  # int32: the n-gram of the level before that is left when the first token is taken away

    @property
    def contexts(self) -> np.ndarray:
        """For each n-gram its context's place in the level before."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


@kernel
def _reach(ids, boundary):
    """How many tokens before each position its context may hold: back to the boundary, that included."""
    reach = np.empty(len(ids), np.int32)
    start = 0
    for i in range(len(ids)):
        reach[i] = i - start
        if ids[i] == boundary:
            start = i
    return reach


@kernel
def _order_by_word(ids, vocab_size):
    """Positions of the stream sorted by the token there."""
    place = np.zeros(vocab_size + 1, np.int64)
    for id in ids:
        place[id + 1] += 1
    for word in range(vocab_size):
        place[word + 1] += place[word]
    positions = np.empty(len(ids), np.int32)
    for i in range(len(ids)):
        positions[place[ids[i]]] = i
        place[ids[i]] += 1
    return positions


@kernel
def _next_level(ids, reach, by_word, contexts, before, length):
    """Number the n-grams of one length, given which n-gram one shorter ends at each position (`before`).

    contexts: how many of those there are. Returns the n-gram at each position (-1: none), their words, their counts,
    what they are without their first token, and the first continuation of each context.
    """
    first = np.zeros(contexts + 1, np.int32)
    for i in range(1, len(ids)):
        if reach[i] >= length - 1:
            first[before[i - 1] + 1] += 1
    for context in range(contexts):
        first[context + 1] += first[context]
    place, grouped = first[:-1].copy(), np.empty(first[-1], np.int32)
    for i in by_word:  # within a context the words come in order
        if i > 0 and reach[i] >= length - 1:
            grouped[place[before[i - 1]]] = i
            place[before[i - 1]] += 1
    here, found = np.full(len(ids), -1, np.int32), 0
    words, counts, shorter = (
        np.empty(len(grouped), np.int32),
        np.zeros(len(grouped), np.int32),
        np.empty(len(grouped), np.int32),
    )
    for context in range(contexts):
        start, end = first[context], first[context + 1]
        first[context] = found
        for k in range(start, end):
            i = grouped[k]
            if k == start or ids[i] != ids[grouped[k - 1]]:
                words[found], shorter[found] = ids[i], before[i]
                found += 1
            counts[found - 1] += 1
            here[i] = found - 1
    first[contexts] = found
    return here, words[:found].copy(), counts[:found].copy(), shorter[:found].copy(), first


def count_ngrams(ids: np.ndarray, order: int, vocab_size: int, boundary: int | None = None) -> list[Level]:
    """The levels of n-grams of length 1 to `order`; the first has every word of the vocabulary, counted or not."""
    ids = np.ascontiguousarray(ids, np.int32)
    reach = _reach(ids, -1 if boundary is None else boundary)
    by_word, here = _order_by_word(ids, vocab_size), ids
    counts, words = np.bincount(ids, minlength=vocab_size).astype(np.int32), np.arange(vocab_size, dtype=np.int32)
    first, shorter = np.array([0, vocab_size], np.int32), np.zeros(vocab_size, np.int32)
    levels = []
    for length in range(1, order + 1):
        if length == order:
            levels.append(Level(words, counts, counts, first, shorter))
            break
        following = _next_level(ids, reach, by_word, len(words), here, length + 1)
        alone = np.bincount(here[reach == length - 1], minlength=len(words))  # nothing stands before these occurrences
        adjusted = (np.bincount(following[3], minlength=len(words)) + alone).astype(np.int32)
        levels.append(Level(words, counts, adjusted, first, shorter))
        here, words, counts, shorter, first = following
    return levels
