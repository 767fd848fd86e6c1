"""The bootstrap: how much an estimate would vary, from the one sample there is.

A new sample cannot be had, so it is drawn from the old one, with replacement, a few thousand times; the estimates of
those vary about the first as it does about the truth. The *percentile* interval cuts off the outer 2.5% on either side.
Where the estimate is biased or its spread depends on its size, that is off; *BCa* moves the cuts: z₀ measures the bias
(which share of the resamples lies below the estimate), a the skewness (from leaving out each number in turn).

Sources: Efron 1979; Efron & Tibshirani 1993, chapters 13-14 (eqs. 14.9, 14.10, 14.14, 14.15). Left out: bootstrap-t,
the block bootstrap for dependent data.
"""

from collections.abc import Callable

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.special import normal_cdf, normal_quantile
from groundup.slots import slot

Array = np.ndarray
Statistic = Callable[[Array], float]  # a sample, (n,) or (n, columns) -> one number


def bootstrap_statistics(statistic: Statistic, sample: Array, resamples: int, generator: np.random.Generator) -> Array:
    """The statistic of each resample, shape (resamples,): whole items are drawn, with replacement, as many as there were."""
    rows = (generator.integers(0, len(sample), len(sample)) for _ in range(resamples))
    return np.array([statistic(sample[row]) for row in rows], dtype=float)


@slot
def bootstrap_interval(
    statistic: Statistic, sample: Array, confidence: float, resamples: int, generator: np.random.Generator
) -> tuple[float, float]:
    """The percentile interval of a statistic: (low, high).

    Each resample is sample[generator.integers(0, n, n)], n = len(sample). Of its statistics, the quantiles (1 -
    confidence)/2 and (1 + confidence)/2, as np.quantile gives them.
    """
    found = []
    for _ in range(resamples):
        rows = generator.integers(0, len(sample), len(sample))
        found.append(statistic(sample[rows]))
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def percentile_interval(
    statistic: Statistic, sample: Array, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """`bootstrap_interval` of what a user gives: the sample is looked at, and the generator is seeded."""
    return bootstrap_interval(
        statistic, _items(sample, confidence, resamples), confidence, resamples, np.random.default_rng(seed)
    )


def bca_interval(
    statistic: Statistic, sample: Array, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The bias-corrected and accelerated interval of a statistic: (low, high).

    The quantiles are taken at Φ(z₀ + (z₀ + z)/(1 - a(z₀ + z))) in place of Φ(z), for z of either side.
    """
    items = _items(sample, confidence, resamples)
    found = bootstrap_statistics(statistic, items, resamples, np.random.default_rng(seed))
    seen = float(statistic(items))
    below = float((found < seen).mean() + (found == seen).mean() / 2)  # a tie counts half, or a median is pushed aside
    if not 0 < below < 1:
        raise InputError("every resample lies on one side of the estimate; give a larger sample or another statistic")
    bias, skew = normal_quantile(below), acceleration(statistic, items)
    z = normal_quantile((1 + confidence) / 2)
    shares = [normal_cdf(bias + (bias + one) / (1 - skew * (bias + one))) for one in (-z, z)]
    low, high = np.quantile(found, shares)
    return float(low), float(high)


def acceleration(statistic: Statistic, items: Array) -> float:
    """a = Σ d³ / 6(Σ d²)^1.5, d how far the statistic without an item lies below the mean of those (the jackknife)."""
    left_out = np.array([statistic(np.delete(items, row, axis=0)) for row in range(len(items))], dtype=float)
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    return float((away**3).sum()) / (6 * spread**1.5) if spread else 0.0


def _items(sample: Array, confidence: float, resamples: int) -> Array:
    """A sample as an array of items along its first axis."""
    items = np.asarray(sample)
    if items.ndim < 1 or len(items) < 2:
        raise InputError(f"a sample of shape {items.shape} cannot be drawn from; give at least 2 items")
    if items.dtype.kind in "fc" and not np.isfinite(items).all():
        raise InputError("the sample holds NaN or infinity; leave out what was not measured")
    if not 0 < confidence < 1 or resamples < 1:
        raise InputError(
            f"confidence={confidence} with {resamples} resamples; give a share between 0 and 1, and 1 or more"
        )
    return items
