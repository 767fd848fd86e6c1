"""An n-gram model as a back-off tree: what it expects after a context, whatever smoothing it was made with.

    P(word | context) = probability[context word]                            where that n-gram was seen
                      = backoff[context] * P(word | context without its first token)   elsewhere, down to one word

Katz 1987 gave the form, and the ARPA file stores it. An interpolated model is one too, its sums carried out beforehand. All n-grams
stand in flat arrays: the empty one, then those of one token, of two, ..., sorted by context and word. `shorter` links each to
itself without its first token, so that scoring goes on from the longest context it knows (as Aho and Corasick 1975 search) and
looks up little more than one n-gram a token.

Two smoothings, add-k and Good-Turing, do not ask the shorter context at all: they are `alone`, and backoff[context] is what each
token has that was not seen there; after a context that was never seen all tokens are equal. Loops are compiled by numba.
Left out: pruning and quantised numbers.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int

from groundup.errors import ConfigError, InputError
from groundup.text.compiled import inner, kernel

ARRAYS = ("words", "first", "shorter", "probability", "backoff")


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
def _log_probabilities(ids, boundary, longest, words, first, shorter, probability, backoff):
    """Logarithm of the probability of each id, its context the ids before it. longest: the first n-gram of full length."""
    result, context = np.empty(len(ids), np.float64), np.int64(0)
    for i in range(len(ids)):
        weight, found = 1.0, _continuation(context, ids[i], words, first)
        while found < 0:
            weight *= backoff[context]
            context = np.int64(shorter[context])
            found = _continuation(context, ids[i], words, first)
        result[i] = np.log(weight * probability[found])
        if ids[i] == boundary and longest > 1:
            context = np.int64(1 + boundary)
        else:
            context = found if found < longest else np.int64(shorter[found])
    return result


@kernel
def _log_probabilities_alone(ids, boundary, order, vocab_size, words, first, shorter, probability, backoff):
    """The same where shorter contexts are not asked: the whole context was seen, or all tokens are equal."""
    result, context, length, before = np.empty(len(ids), np.float64), np.int64(0), 0, 0
    for i in range(len(ids)):
        found = _continuation(context, ids[i], words, first)
        if length < before:
            result[i] = -np.log(float(vocab_size))
        else:
            result[i] = np.log(probability[found] if found >= 0 else backoff[context])
        while found < 0:
            context, length = np.int64(shorter[context]), length - 1
            found = _continuation(context, ids[i], words, first)
        context, length, before = found, length + 1, min(before + 1, order - 1)
        if ids[i] == boundary and order > 1:
            context, length, before = np.int64(1 + boundary), 1, 1
        elif length == order:
            context, length = np.int64(shorter[found]), order - 1
    return result


@kernel
def link_shorter(parents, words, first, level_starts):
    """For each n-gram the longest one that it ends with, itself apart: its place.

    parents: each n-gram's context. level_starts: where the n-grams of one token begin, of two, ...
    """
    shorter = np.zeros(len(words), np.int64)
    for gram in range(level_starts[1], len(words)):
        context = shorter[parents[gram]]
        found = _continuation(context, words[gram], words, first)
        while found < 0:
            context = shorter[context]
            found = _continuation(context, words[gram], words, first)
        shorter[gram] = found
    return shorter


class NgramModel:
    """What to expect after each context. Make it with `smoothing.fit`, `KneserNey.fit`, `arpa.read` or `language.train`.

    words[g]: the last token of n-gram g; first[g] to first[g + 1]: its continuations; shorter[g]: itself without its first
    token; probability[g]; backoff[g], see the file. The last three have the longest n-grams or not, as needed.
    """

    def __init__(
        self,
        arrays: tuple[np.ndarray, ...],
        order: int,
        vocab_size: int,
        boundary: int | None,
        *,
        smoothing: str = "",
        alone: bool = False,
    ) -> None:
        """arrays: in the order of `ARRAYS`. boundary: the id that ends a document; contexts do not reach over it."""
        self.words, self.first, self.shorter, self.probability, self.backoff = arrays
        self.order, self.vocab_size, self.boundary = order, vocab_size, boundary
        self.smoothing, self.alone = smoothing, alone

    @property
    def longest(self) -> int:
        """The place of the first n-gram of full length."""
        return len(self.first) - 1

    @property
    def memory_bytes(self) -> int:
        """Size of the model's arrays."""
        return sum(getattr(self, name).nbytes for name in ARRAYS)

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Natural logarithm of each id's probability, float64; its context is the ids before it in the array."""
        boundary = -1 if self.boundary is None else self.boundary
        ids = np.ascontiguousarray(ids, np.int32)
        if len(ids) and (ids.min() < 0 or ids.max() >= self.vocab_size):
            raise InputError(f"ids go from {ids.min()} to {ids.max()}, but the model knows 0 to {self.vocab_size - 1}")
        arrays = tuple(getattr(self, name) for name in ARRAYS)
        if self.alone:
            return _log_probabilities_alone(ids, boundary, self.order, self.vocab_size, *arrays)
        return _log_probabilities(ids, boundary, self.longest, *arrays)

    def cross_entropy(self, ids: np.ndarray) -> float:
        """Mean surprise a token in nats; its exponential is the perplexity."""
        if not len(ids):
            raise InputError("there are no tokens to score; give a text that is not empty")
        return float(-self.log_probabilities(ids).mean())

    def perplexity(self, ids: np.ndarray) -> float:
        """Among how many equally likely tokens the model hesitates on average: exp of the mean surprise a token."""
        return math.exp(self.cross_entropy(ids))

    def place(self, ngram: Sequence[int]) -> int:
        """The n-gram's place in the arrays, -1 when it was not seen."""
        place = 0
        for word in ngram:
            if place >= self.longest:
                return -1
            children = self.words[self.first[place] : self.first[place + 1]]
            child = int(np.searchsorted(children, word))
            if child == len(children) or children[child] != word:
                return -1
            place = int(self.first[place]) + child
        return place

    def reachable(self, context: Sequence[int]) -> list[int]:
        """What of a context counts: its last order - 1 ids, back to the last boundary."""
        known = [int(id) for id in context][-(self.order - 1) :] if self.order > 1 else []
        if self.boundary in known:
            known = known[len(known) - 1 - known[::-1].index(self.boundary) :]
        return known

    def distribution(self, context: Sequence[int]) -> Float64[np.ndarray, " vocab"]:
        """Probability of each id after a context; it sums to 1."""
        known = self.reachable(context)
        result = np.full(self.vocab_size, 1 / self.vocab_size)
        for length in [len(known)] if self.alone else range(len(known) + 1):
            place = self.place(known[len(known) - length :])
            if place < 0:
                continue
            start, end = self.first[place], self.first[place + 1]
            result = np.full_like(result, self.backoff[place]) if self.alone else result * self.backoff[place]
            result[self.words[start:end]] = self.probability[start:end]
        return result

    def generate(
        self, context: Sequence[int], n: int, seed: int = 0, stop: int | None = None, temperature: float = 1.0
    ) -> list[int]:
        """Draw up to `n` ids, one after the other; the id `stop` ends the draw and is not given back.

        temperature: probabilities to the power of 1 / temperature, made to sum to 1 again; 0 takes the likeliest id.
        """
        if not temperature >= 0:
            raise ConfigError(
                f"temperature={temperature} is no temperature; use 0 (the likeliest) or more (1: as it is)"
            )
        random, written = np.random.default_rng(seed), list(context)
        for _ in range(n):
            drawn = _draw(self.distribution(written[-self.order :]), temperature, random)
            if drawn == stop:
                break
            written.append(drawn)
        return written[len(context) :]


def _draw(probabilities: Float64[np.ndarray, " vocab"], temperature: float, random: np.random.Generator) -> int:
    """One id, by its probability."""
    if temperature == 0:
        return int(probabilities.argmax())
    if temperature != 1:
        probabilities = (probabilities / probabilities.max()) ** (1 / temperature)
    sums = np.cumsum(probabilities)
    return int(np.searchsorted(sums, random.random() * sums[-1], side="right"))


def check_stream(ids: Int[np.ndarray, " tokens"], order: int, vocab_size: int, boundary: int | None) -> None:
    """Refuse what cannot be counted, with the way out."""
    if order < 1:
        raise ConfigError(f"order={order} is no length of an n-gram; use 1 or more (5 is usual)")
    if vocab_size < 1:
        raise ConfigError(
            f"vocab_size={vocab_size} leaves no token; keep at least one, for instance by a smaller min_count"
        )
    if boundary is not None and not 0 <= boundary < vocab_size:
        raise ConfigError(
            f"boundary={boundary} is no id of a vocabulary of {vocab_size}; use one of 0 to {vocab_size - 1}"
        )
    if not len(ids):
        raise InputError("there are no tokens to count; give a text that is not empty")
    if ids.min() < 0 or ids.max() >= vocab_size:
        raise InputError(
            f"ids go from {ids.min()} to {ids.max()}, outside a vocabulary of {vocab_size}; pass its vocab_size"
        )
