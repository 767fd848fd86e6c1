"""Hypothesis tests: how often would luck alone give a difference as large as the one seen?

A p-value is the probability, if there were no effect, of a statistic at least as far out as the one measured. It is not
the probability that there is no effect. Reject at p ≤ 0.05, and 5% of the tests of nothing are rejected:
`rejection_rate` measures it. A z test knows the noise; Student's t estimates it from the same few numbers and so has
longer tails (with 5 numbers, 2.78 standard errors where z says 1.96); Welch's lets the two groups differ in their
noise. The permutation test needs no distribution at all: if the labels mean nothing, every shuffling of them was as
likely. A confidence interval holds the values that the test would not reject.

Sources: Student 1908; Welch 1947; Fisher 1935; Phipson & Smyth 2010, arXiv:1603.05766 (the + 1 of a drawn permutation's
p-value). All p-values are two-sided, through the incomplete beta of `special.py`. Left out: rank tests, χ², analysis of
variance.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.special import normal_cdf, student_quantile, student_tail
from groundup.slots import slot

Array = np.ndarray
Sampler = Callable[[np.random.Generator], Array]


class Significance(NamedTuple):
    """A statistic in standard errors, its two-sided p-value, and the degrees of freedom (infinite for z)."""

    statistic: float
    p_value: float
    freedom: float


def _sample(values: Array, least: int = 2) -> Array:
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or len(found) < least:
        raise InputError(f"a sample of shape {found.shape} is too small; give at least {least} numbers along one axis")
    if not np.isfinite(found).all():
        raise InputError("the sample holds NaN or infinity; leave out what was not measured")
    return found


def standard_error(sample: Array) -> float:
    """s/√n, how far the mean of such a sample lies from the truth; s² is divided by n - 1. Refused at 0."""
    error = float(sample.std(ddof=1)) / math.sqrt(len(sample))
    if error <= 1e-14 * float(np.abs(sample).max()):
        raise InputError(
            "all numbers of the sample are the same, so its noise is unknown; measure more finely, or more often"
        )
    return error


def z_test(sample: Array, mean: float, standard_deviation: float) -> Significance:
    """Test whether a sample with a known deviation has this mean: z = (x̄ - μ)√n/σ."""
    found = _sample(sample, 1)
    if not standard_deviation > 0:
        raise InputError(f"standard_deviation={standard_deviation}; give the known deviation, above 0")
    z = (float(found.mean()) - mean) * math.sqrt(len(found)) / standard_deviation
    return Significance(z, 2 * normal_cdf(-abs(z)), math.inf)


def t_test(sample: Array, mean: float = 0.0) -> Significance:
    """Test whether a sample of unknown deviation has this mean: t = (x̄ - μ)√n/s, n - 1 degrees of freedom.

    >>> t_test(np.array([1.0, 2.0, 3.0]), 2.0).p_value
    1.0
    """
    found = _sample(sample)
    t = (float(found.mean()) - mean) / standard_error(found)
    return Significance(t, student_tail(t, len(found) - 1), len(found) - 1)


def paired_test(before: Array, after: Array) -> Significance:
    """Test whether pairs differ: a t test of after - before, which takes out what each pair has in common."""
    first, second = _sample(before), _sample(after)
    if first.shape != second.shape:
        raise InputError(f"pairs need the same items: {len(first)} before, {len(second)} after; leave out the unpaired")
    return t_test(second - first)


def welch_test(first: Array, second: Array) -> Significance:
    """Test whether two groups have one mean, their deviations being what they are.

    t = (x̄ - ȳ)/√(s²/n + r²/m); the degrees of freedom are Welch's: (a + b)²/(a²/(n-1) + b²/(m-1)), a = s²/n, b = r²/m.
    """
    x, y = _sample(first), _sample(second)
    a, b = standard_error(x) ** 2, standard_error(y) ** 2
    freedom = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    t = float(x.mean() - y.mean()) / math.sqrt(a + b)
    return Significance(t, student_tail(t, freedom), freedom)


@slot
def permutation_test(first: Array, second: Array, permutations: int, generator: np.random.Generator) -> float:
    """The p-value of the difference of two means, from shuffled labels: two-sided.

    Both groups are put into one; each permutation (generator.permutation of all) takes its first len(first) numbers as
    the first group. p = (1 + how many differences are at least as large as the one seen) / (1 + permutations): what was
    seen is one of them, so p is never 0. Sizes are compared with a slack of 1e-12 of the seen one, for rounding.
    """
    everything = np.concatenate([first, second])
    seen = abs(np.mean(first) - np.mean(second))
    extreme = 0
    for _ in range(permutations):
        shuffled = generator.permutation(everything)
        difference = shuffled[: len(first)].mean() - shuffled[len(first) :].mean()
        extreme += abs(difference) >= seen * (1 - 1e-12)
    return float((1 + extreme) / (1 + permutations))


def permuted(first: Array, second: Array, permutations: int = 9999, seed: int = 0) -> float:
    """`permutation_test` of what a user gives: samples are looked at, and the generator is seeded."""
    if permutations < 1:
        raise InputError(
            f"{permutations} permutations show nothing; give at least 1, 9999 for a p-value to three digits"
        )
    return permutation_test(_sample(first, 1), _sample(second, 1), permutations, np.random.default_rng(seed))


def mean_interval(sample: Array, confidence: float = 0.95) -> tuple[float, float]:
    """Student's interval for the mean: x̄ ± t s/√n. Of all such intervals the stated share holds the truth."""
    found = _sample(sample)
    if not 0 < confidence < 1:
        raise InputError(f"confidence={confidence} is no share; give a number between 0 and 1")
    half = student_quantile(0.5 + confidence / 2, len(found) - 1) * standard_error(found)
    return float(found.mean()) - half, float(found.mean()) + half


# ───────── what a procedure does in the long run, by simulation ─────────


def rejection_rate(
    p_value: Callable[[np.random.Generator], float], experiments: int = 1000, alpha: float = 0.05, seed: int = 0
) -> float:
    """The share of simulated experiments with p ≤ alpha: the false-alarm rate where there is no effect, else the power."""
    generator = np.random.default_rng(seed)
    return float(np.mean([p_value(generator) <= alpha for _ in range(experiments)]))


def coverage(
    sample: Sampler,
    interval: Callable[[Array], tuple[float, float]],
    truth: float,
    experiments: int = 1000,
    seed: int = 0,
) -> float:
    """The share of simulated samples whose interval holds the truth; it should be the confidence."""
    generator = np.random.default_rng(seed)
    found = (interval(sample(generator)) for _ in range(experiments))
    return float(np.mean([low <= truth <= high for low, high in found]))
