"""Jelinek-Mercer: mix the orders, and let held-out text say how much each may be trusted.

    P(word | context) = w * count(context word) / count(context) + (1 - w) * P(word | shorter context)

Jelinek and Mercer 1980. On the text that was counted the longest context always looks best (w = 1: it has seen all of that), so the weights are
learned on text that was held out, by expectation-maximisation: for each held-out token, the share of its probability that came from this order;
the mean of those shares is the new weight (Baum 1972); no step lowers the likelihood. Contexts seen often may be trusted more, so they are put
in buckets by count (powers of two), and each order and bucket has its own w (Chen and Goodman 1998, section 2.3).
What held-out text says is gathered by a loop that numba compiles.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64, Int64

from groundup.text.compiled import inner, kernel
from groundup.text.ngram.combining import Ngram, sums
from groundup.text.ngram.counts import Level

BUCKETS = 32  # of counts: 1, 2 to 3, 4 to 7, ...
ROUNDS = 30


def bucket_of(count: int) -> int:
    """Which weight a context seen so often has.

    >>> bucket_of(1), bucket_of(3), bucket_of(4)
    (0, 1, 2)
    """
    return count.bit_length() - 1


def mixture_step(
    likelihoods: Float64[np.ndarray, "tokens orders"], buckets: Int64[np.ndarray, "tokens orders"], weights: np.ndarray
) -> Float64[np.ndarray, " buckets"]:
    """One step of expectation-maximisation: the weights that the held-out tokens ask for, given the weights of now.

    likelihoods: count / count of each token in its context, shortest first; column 0 is the uniform distribution, which
    takes what is left. buckets: the weight that speaks for it, -1 where the context was never seen. weights: of each bucket.
    A bucket that no token asks for keeps its weight.
    """
    tokens, orders = likelihoods.shape
    share = np.where(buckets >= 0, weights[buckets], 0.0)
    share[:, 0] = 1.0
    mixed = np.zeros((tokens, orders))  # P(word | context) with the orders up to here
    mixed[:, 0] = likelihoods[:, 0]
    for order in range(1, orders):
        mixed[:, order] = share[:, order] * likelihoods[:, order] + (1 - share[:, order]) * mixed[:, order - 1]
    chosen, asked, passed = np.zeros(len(weights)), np.zeros(len(weights)), np.ones(tokens)
    for order in range(orders - 1, 0, -1):
        here = buckets[:, order] >= 0
        stays = passed * share[:, order] * likelihoods[:, order] / mixed[:, order]
        np.add.at(chosen, buckets[here, order], stays[here])
        np.add.at(asked, buckets[here, order], passed[here])
        passed = passed - stays
    return np.where(asked > 0, chosen / np.maximum(asked, 1e-300), weights)


def _starting_weights(order: int) -> np.ndarray:
    return np.full((order + 1) * BUCKETS, 0.5)


def learn_weights(likelihoods: np.ndarray, buckets: np.ndarray, rounds: int = ROUNDS) -> np.ndarray:
    """The weights of each order and bucket; they stay inside 0.001 and 0.999, so that no probability becomes 0."""
    weights = _starting_weights(likelihoods.shape[1] - 1)
    for _ in range(rounds):
        weights = np.clip(mixture_step(likelihoods, buckets, weights), 0.001, 0.999)
    return weights


@inner
def _find(words, first, context, word):
    """The place of a word among a context's continuations, -1 where it was not seen."""
    low, high = np.int64(first[context]), np.int64(first[context + 1])
    end = high
    while low < high:
        middle = (low + high) // 2
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low if low < end and words[low] == word else np.int64(-1)


@kernel
def _evidence(ids, level, words, first, counts, totals, here, likelihoods, buckets):
    """Fill one order's column; `here` holds each position's context at this order (-1: never seen) and becomes the n-gram's.

    here[i]: the context that ends before position i. It is given the n-gram that ends at position i, moved on by one.
    """
    found = np.full(len(ids) + 1, -1, np.int64)
    for i in range(len(ids)):
        context = here[i]
        if context < 0:
            continue
        total = totals[context]
        if total > 0:
            place = _find(words, first, context, ids[i])
            likelihoods[i, level] = counts[place] / total if place >= 0 else 0.0
            bucket = -1
            while total > 0:
                total //= 2
                bucket += 1
            buckets[i, level] = level * BUCKETS + bucket
            found[i + 1] = place
    return found


def evidence(
    levels: Sequence[Level], heldout: np.ndarray, vocab_size: int, boundary: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """What each order says of each held-out token: the arguments of `mixture_step`."""
    order = len(levels)
    ids = np.ascontiguousarray(heldout, np.int32)
    likelihoods, buckets = np.zeros((len(ids), order + 1)), np.full((len(ids), order + 1), -1, np.int64)
    likelihoods[:, 0] = 1 / vocab_size
    here = np.zeros(len(ids) + 1, np.int64)
    after_boundary = np.flatnonzero(ids == boundary) + 1 if boundary is not None else np.zeros(0, np.int64)
    for length, level in enumerate(levels, 1):
        totals = sums(level.counts, level.first).astype(np.int64)
        here = _evidence(ids, length, level.words, level.first, level.counts, totals, here, likelihoods, buckets)
        if length > 1:  # an n-gram that ends with the boundary and is longer is no context
            here[after_boundary] = -1
    return likelihoods, buckets


def weighted_reference(counts: Mapping[Ngram, int], weights: np.ndarray) -> dict[Ngram, float]:
    """What each n-gram keeps: the weight of its order and its context's bucket, times its share of the context's counts."""
    totals: Counter[Ngram] = Counter()
    for ngram, count in counts.items():
        totals[ngram[:-1]] += count
    return {
        ngram: float(weights[len(ngram) * BUCKETS + bucket_of(totals[ngram[:-1]])]) * count / totals[ngram[:-1]]
        for ngram, count in counts.items()
    }


def weighted_shares(levels: Sequence[Level], weights: np.ndarray) -> list[np.ndarray]:
    """`weighted_reference` for all n-grams at once, level by level."""
    shares = []
    for length, level in enumerate(levels, 1):
        totals = np.maximum(1, sums(level.counts, level.first))
        of_context = weights[length * BUCKETS + np.frexp(totals)[1] - 1] / totals
        shares.append(level.counts * of_context[level.contexts])
    return shares
