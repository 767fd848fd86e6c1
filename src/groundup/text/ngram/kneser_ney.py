"""Absolute discounting and Kneser-Ney: take the same little from every count, and ask the shorter context how versatile a word is.

    P(word | context) = max(count - D(count), 0) / total + gamma(context) * P(word | shorter context)

Absolute discounting (Ney, Essen and Kneser 1994) takes one D from each count. Kneser and Ney 1995 count below the highest order the
different tokens seen before an n-gram, not its occurrences (`counts.adjusted_reference`); the modified form has three values of D, for
counts of one, two and more, estimated for each order from how many n-grams have each count (Chen and Goodman 1998, TR-10-98, eq. 26 and
section 3.4). It is the best of the classical methods and the honest baseline of a neural model on the same tokens.

NLTK's KneserNeyInterpolated leaves the textbook in three places: D is 0.1 unless told, the same for every order; the last step down is to
P(word) = different tokens before it / different pairs, undiscounted, so a word that was never seen is impossible; and an n-gram that nothing
stands before counts 0 there, not 1. With these three taken over the numbers are equal (tests).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from groundup.text.ngram.combining import Ngram, Probability, sums
from groundup.text.ngram.counts import Level, adjusted_reference, count_reference


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


def counts_of_counts(counts: np.ndarray) -> list[int]:
    """How many n-grams have count 1, 2, 3 and 4."""
    return [int(np.count_nonzero(counts == count)) for count in range(1, 5)]


def kneser_ney_reference(
    ids: list[int], order: int, vocab_size: int, boundary: int | None = None, modified: bool = True
) -> Probability:
    """The formula as it stands, on dicts: a function that gives P(word | context)."""
    adjusted = adjusted_reference(count_reference(ids, order, boundary), order)
    continuations: dict[Ngram, Counter[int]] = {}
    by_length: dict[int, list[int]] = {length: [] for length in range(1, order + 1)}
    for ngram, count in adjusted.items():
        continuations.setdefault(ngram[:-1], Counter())[ngram[-1]] = count
        by_length[len(ngram)].append(count)
    taken = {length: discounts(counts_of_counts(np.array(counts)), modified) for length, counts in by_length.items()}

    def probability(word: int, context: Ngram) -> float:
        shorter = probability(word, context[1:]) if context else 1 / vocab_size
        counts = continuations.get(context)
        if not counts:
            return shorter
        take = taken[len(context) + 1]
        freed = sum(take[min(count, 3) - 1] for count in counts.values())
        own = counts[word] - take[min(counts[word], 3) - 1] if counts[word] else 0.0
        return (own + freed * shorter) / counts.total()

    return probability


def discounted_reference(counts: Mapping[Ngram, int], modified: bool) -> dict[Ngram, float]:
    """What each n-gram keeps of its context's probability. counts: plain (absolute discounting) or adjusted (Kneser-Ney)."""
    totals: Counter[Ngram] = Counter()
    by_length: dict[int, list[int]] = {}
    for ngram, count in counts.items():
        totals[ngram[:-1]] += count
        by_length.setdefault(len(ngram), []).append(count)
    taken = {length: discounts(counts_of_counts(np.array(found)), modified) for length, found in by_length.items()}
    return {
        ngram: (count - taken[len(ngram)][min(count, 3) - 1]) / totals[ngram[:-1]] for ngram, count in counts.items()
    }


def discounted_shares(levels: Sequence[Level], *, adjusted: bool, modified: bool) -> list[np.ndarray]:
    """What each n-gram keeps, level by level. adjusted: Kneser-Ney's counts of different tokens before, else plain ones."""
    shares = []
    for level in levels:
        counts = level.adjusted if adjusted else level.counts
        take = np.array([0.0, *discounts(counts_of_counts(counts), modified)])
        share = 1 / np.maximum(1, sums(counts, level.first))
        shares.append((counts - take[np.minimum(counts, 3)]) * share[level.contexts])
    return shares
