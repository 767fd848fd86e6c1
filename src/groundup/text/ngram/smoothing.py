"""Interpolated modified Kneser-Ney smoothing: probabilities from counts, for contexts seen often, once and never.

Each count is lowered by a discount, and what that frees goes to the distribution of the context one token shorter,
down to the uniform one, so nothing has probability zero:

    P(word | context) = max(count - D(count), 0) / total + gamma(context) * P(word | shorter context)

Counts below the highest order are of different tokens seen before, not of occurrences (`counts.adjusted_reference`);
the discount has three values, for counts of one, two and more, estimated for each order from how many n-grams have
each count. Kneser and Ney 1995; Chen and Goodman 1998 (TR-10-98), eq. 26 and section 3.4. It is the best of the
classical methods and the honest baseline of a neural model on the same tokens.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from groundup.errors import ConfigError, InputError
from groundup.text.compiled import inner, kernel
from groundup.text.ngram.counts import adjusted_reference, count_ngrams, count_reference


def discounts(counts_of_counts: Sequence[int], modified: bool = True) -> tuple[float, float, float]:
    """What to take from counts of one, two, and three or more: Chen and Goodman 1998, eq. 26.

    counts_of_counts: how many n-grams have count 1, 2, 3 and 4. Not `modified`: one value for all. Small or odd data
    can make an estimate senseless (no n-gram of a count, or a discount not between zero and its count): the single
    discount stands in, or 0.5.

    >>> discounts([100, 50, 30, 20])
    (0.5, 1.1, 1.6666666666666667)
    """
    n1, n2, n3, n4 = (float(n) for n in counts_of_counts)
    single = n1 / (n1 + 2 * n2) if n1 > 0 and n2 > 0 else 0.5
    if not modified or not n3:
        return single, single, single
    estimates = [
        count - (count + 1) * single * more / n if n else 0.0
        for count, n, more in ((1, n1, n2), (2, n2, n3), (3, n3, n4))
    ]
    first, second, third = (d if 0 < d < count else single for count, d in enumerate(estimates, 1))
    return first, second, third


def _counts_of_counts(counts: np.ndarray) -> list[int]:
    return [int(np.count_nonzero(counts == count)) for count in range(1, 5)]


def kneser_ney_reference(
    ids: list[int], order: int, vocab_size: int, boundary: int | None = None, modified: bool = True
) -> Callable[[int, tuple[int, ...]], float]:
    """The formula as it stands, on dicts: a function that gives P(word | context)."""
    adjusted = adjusted_reference(count_reference(ids, order, boundary), order)
    continuations: dict[tuple[int, ...], Counter[int]] = {}
    by_length: dict[int, list[int]] = {length: [] for length in range(1, order + 1)}
    for ngram, count in adjusted.items():
        continuations.setdefault(ngram[:-1], Counter())[ngram[-1]] = count
        by_length[len(ngram)].append(count)
    taken = {length: discounts(_counts_of_counts(np.array(counts)), modified) for length, counts in by_length.items()}

    def probability(word: int, context: tuple[int, ...]) -> float:
        shorter = probability(word, context[1:]) if context else 1 / vocab_size
        counts = continuations.get(context)
        if not counts:
            return shorter
        take = taken[len(context) + 1]
        freed = sum(take[min(count, 3) - 1] for count in counts.values())
        own = counts[word] - take[min(counts[word], 3) - 1] if counts[word] else 0.0
        return (own + freed * shorter) / counts.total()

    return probability


@inner
def _continuation(context, word, words, first):
    """The n-gram that `word` makes of a context, -1 when it was not seen. N-gram 0 is the empty one; words follow."""
    if context == 0:
        return np.int64(1 + word)
    low, high = np.int64(first[context]), np.int64(first[context + 1])
    while low < high:
        middle = (low + high) // 2
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low if low < first[context + 1] and words[low] == word else np.int64(-1)


@kernel
def _log_probabilities(ids, order, boundary, uniform, words, own, first, gamma):
    """Logarithm of the probability of each id, its context the ids before it."""
    result = np.empty(len(ids), np.float64)
    contexts, longer = np.full(order + 1, -1, np.int64), np.full(order + 1, -1, np.int64)
    contexts[0] = longer[0] = 0
    for i in range(len(ids)):
        probability = uniform
        longer[1:] = -1
        for length in range(order):
            context = contexts[length]
            if context < 0:
                break
            longer[length + 1] = _continuation(context, ids[i], words, first)
            probability *= gamma[context]
            if longer[length + 1] >= 0:
                probability += own[longer[length + 1]]
        result[i] = np.log(probability)
        contexts, longer = longer, contexts
        if ids[i] == boundary:
            contexts[2:] = -1
    return result


class KneserNey:
    """An n-gram model with interpolated Kneser-Ney smoothing. Make it with `KneserNey.fit`.

    All n-grams stand in flat arrays: the empty one, then those of length 1, 2, ... For n-gram g, words[g] is its last
    word and own[g] its discounted share in its context; as a context (all but the longest) gamma[g] is the share of the
    shorter context, and its continuations are first[g] to first[g + 1].
    """

    def __init__(self, arrays: tuple[np.ndarray, ...], order: int, vocab_size: int, boundary: int | None) -> None:
        """arrays: words, own, first, gamma."""
        self.words, self.own, self.first, self.gamma = arrays
        self.order, self.vocab_size, self.boundary = order, vocab_size, boundary

    @classmethod
    def fit(
        cls, ids: np.ndarray, order: int = 5, *, vocab_size: int, boundary: int | None = None, modified: bool = True
    ) -> "KneserNey":
        """Count and smooth a stream of token ids.

        boundary: the token that ends a document and stands before the next; contexts do not reach over it.
        """
        ids = np.asarray(ids)
        if order < 1:
            raise ConfigError(f"order={order} is no length of an n-gram; use 1 or more (5 is usual)")
        if not len(ids):
            raise InputError("there are no tokens to count; give a text that is not empty")
        if ids.min() < 0 or ids.max() >= vocab_size:
            raise InputError(
                f"ids go from {ids.min()} to {ids.max()}, outside a vocabulary of {vocab_size}; pass its vocab_size"
            )
        levels = count_ngrams(ids, order, vocab_size, boundary)
        words, own, first, gamma = [np.full(1, -1, np.int32)], [np.zeros(1, np.float32)], [], []
        begin = 1  # where this level's n-grams stand in the flat arrays
        for level in levels:
            take = np.array([0.0, *discounts(_counts_of_counts(level.adjusted), modified)])[
                np.minimum(level.adjusted, 3)
            ]
            total, freed = _sums(level.adjusted, level.first), _sums(take, level.first)
            share = 1 / np.maximum(total, 1)
            words.append(level.words)
            own.append(((level.adjusted - take) * np.repeat(share, np.diff(level.first))).astype(np.float32))
            first.append(level.first[:-1] + begin)
            gamma.append(np.where(total > 0, freed * share, 1.0).astype(np.float32))  # 1: never seen as a context
            begin += len(level.words)
        first.append(np.array([begin]))
        flat = [np.concatenate(parts) for parts in (words, own, first, gamma)]
        flat[2] = flat[2].astype(np.int32 if begin < 1 << 31 else np.int64)
        return cls(tuple(flat), order, vocab_size, boundary)

    @property
    def memory_bytes(self) -> int:
        """Size of the model's arrays."""
        return sum(array.nbytes for array in (self.words, self.own, self.first, self.gamma))

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Natural logarithm of each id's probability, float64; its context is the ids before it in the array."""
        boundary = -1 if self.boundary is None else self.boundary
        ids = np.ascontiguousarray(ids, np.int32)
        if len(ids) and (ids.min() < 0 or ids.max() >= self.vocab_size):
            raise InputError(f"ids go from {ids.min()} to {ids.max()}, but the model knows 0 to {self.vocab_size - 1}")
        return _log_probabilities(
            ids, self.order, boundary, 1 / self.vocab_size, self.words, self.own, self.first, self.gamma
        )

    def _node(self, ngram: Sequence[int]) -> int:
        """The n-gram's place in the arrays, -1 when it was not seen."""
        node = 0
        for word in ngram:
            children = self.words[self.first[node] : self.first[node + 1]]
            place = int(np.searchsorted(children, word))
            if place == len(children) or children[place] != word:
                return -1
            node = int(self.first[node]) + place
        return node

    def distribution(self, context: Sequence[int]) -> np.ndarray:
        """Probability of each id after a context, float64[vocab_size]; it sums to 1."""
        context = [int(id) for id in context][-(self.order - 1) :] if self.order > 1 else []
        if self.boundary in context:
            context = context[len(context) - 1 - context[::-1].index(self.boundary) :]
        probabilities = np.full(self.vocab_size, 1 / self.vocab_size)
        for length in range(len(context) + 1):
            node = self._node(context[len(context) - length :])
            if node < 0:
                break
            start, end = self.first[node], self.first[node + 1]
            probabilities *= self.gamma[node]
            probabilities[self.words[start:end]] += self.own[start:end]
        return probabilities

    def generate(self, context: Sequence[int], n: int, seed: int = 0, stop: int | None = None) -> list[int]:
        """Draw up to `n` ids, one after the other; the id `stop` ends the draw and is not given back."""
        random, written = np.random.default_rng(seed), list(context)
        for _ in range(n):
            sums = np.cumsum(self.distribution(written[-self.order :]))
            drawn = int(np.searchsorted(sums, random.random() * sums[-1], side="right"))
            if drawn == stop:
                break
            written.append(drawn)
        return written[len(context) :]


def _sums(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sum of values[first[c]:first[c + 1]] for each c."""
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    return sums[first[1:]] - sums[first[:-1]]
