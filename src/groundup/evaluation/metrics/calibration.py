"""How far a score can be trusted: an interval for every number, and a paired test for every difference.

    wilson             a share of right answers                      Wilson 1927, JASA 22:209
    bootstrap          a mean, or a ratio of sums (bits a byte)      Efron 1979, percentile intervals
    paired_bootstrap   the difference of two models on the same items
    mcnemar            whether two models differ in right answers: McNemar 1947, as an exact binomial test

Two models that answer the same questions share the luck of the questions: a paired test removes it, so it sees
differences that two separate intervals hide.

Left out: bias-corrected bootstrap intervals, and the calibration of probabilities.
"""

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
DRAWS_AT_ONCE = 1 << 22  # 32 MB of indices


class Interval(NamedTuple):
    """A number and the interval that should hold the truth with the stated confidence."""

    value: float
    low: float
    high: float


def wilson_bounds(successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> tuple[NDArray, NDArray]:
    """The Wilson score interval of many shares at once: (low, high); (0, 1) where there was no trial.

    Solves |share - truth| = z * sqrt(truth * (1 - truth) / n) for the truth, so it stays inside 0..1 and keeps a width
    where none or all succeed.
    """
    successes, trials = np.asarray(successes, float), np.asarray(trials, float)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    n = np.maximum(trials, 1)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where((trials == 0) | (successes == 0), 0.0, centre - half)
    high = np.where((trials == 0) | (successes == trials), 1.0, centre + half)
    return low, high


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The share of successes with its Wilson interval; the value is NaN without a trial.

    >>> tuple(round(number, 3) for number in wilson(8, 10))
    (0.8, 0.49, 0.943)
    """
    low, high = wilson_bounds(successes, trials, confidence)
    return Interval(successes / trials if trials else math.nan, float(low), float(high))


def _resamples(count: int, resamples: int, seed: int) -> Iterator[NDArray]:
    """Indices of `resamples` draws of `count` items with replacement, in blocks of rows that fit in memory."""
    generator = np.random.default_rng(seed)
    rows = max(1, DRAWS_AT_ONCE // max(count, 1))
    for start in range(0, resamples, rows):
        yield generator.integers(0, count, (min(rows, resamples - start), count))


def _percentiles(statistics: NDArray, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(statistics, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def bootstrap(
    values: ArrayLike,
    sizes: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The mean of `values`, or sum(values) / sum(sizes) where sizes are given, with its percentile interval.

    An item is drawn whole: for bits a byte, value and size are the bits and the bytes of one document.
    """
    values = np.asarray(values, float)
    sizes = np.ones(len(values)) if sizes is None else np.asarray(sizes, float)
    if not len(values):
        return Interval(math.nan, math.nan, math.nan)
    drawn = [values[rows].sum(1) / sizes[rows].sum(1) for rows in _resamples(len(values), resamples, seed)]
    return Interval(float(values.sum() / sizes.sum()), *_percentiles(np.concatenate(drawn), confidence))


def paired_bootstrap(
    before: ArrayLike,
    after: ArrayLike,
    sizes: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The mean of `after - before` on the same items, with its interval; an interval above 0 is a real gain."""
    before, after = np.asarray(before, float), np.asarray(after, float)
    assert before.shape == after.shape, f"pairs need the same items: {before.shape} and {after.shape}"
    return bootstrap(after - before, sizes, confidence=confidence, resamples=resamples, seed=seed)


class McNemar(NamedTuple):
    """Items that only one of two models got right, and the probability of a split at least as uneven by luck."""

    only_before: int
    only_after: int
    p_value: float


def mcnemar(before: ArrayLike, after: ArrayLike) -> McNemar:
    """Test whether two models that answered the same items differ; items on which they agree say nothing.

    >>> mcnemar([1, 0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 0])
    McNemar(only_before=1, only_after=5, p_value=0.21875)
    """
    before, after = np.asarray(before, bool), np.asarray(after, bool)
    assert before.shape == after.shape, f"pairs need the same items: {before.shape} and {after.shape}"
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    return McNemar(lost, won, _sign_test(min(lost, won), lost + won))


def _sign_test(fewer: int, count: int) -> float:
    """P(a fair coin splits `count` throws at least as unevenly as `fewer` against the rest), exact in whole numbers."""
    tail = sum(math.comb(count, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**count)
