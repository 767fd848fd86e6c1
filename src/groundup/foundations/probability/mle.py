"""Maximum likelihood: the parameter that makes the data likeliest; MAP: the one that is likeliest after a prior.

θ̂ = argmax Σ log p(xᵢ; θ). For many distributions it is a formula: the share k/n, the mean, the mean of the squares.
Training a language model is this same estimate, since cross-entropy is the mean of -log p. With a prior, log p(θ) is
added once: with few data it rules, with many it drowns, and a normal prior on a weight is weight decay. How sharp the
top is says how sure the estimate is: its variance is about 1 over the observed information, -Σ ∂² log p/∂θ².

Sources: Fisher 1922; Kiefer 1953 (golden section); Casella & Berger 2002, chapters 7 and 10. Left out: several
parameters at once other than by formula (use foundations.optimize on the negative log-likelihood), EM.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.distributions import Normal
from groundup.foundations.probability.special import normal_quantile
from groundup.slots import slot

Array = np.ndarray
LogDensity = Callable[[Array, float], Array]  # data and a parameter -> log p of each datum
GOLDEN = (
    math.sqrt(5) - 1
) / 2  # 0.618: one of the two inner points of an interval is again one of the smaller interval's


@slot
def maximum_likelihood(log_density: LogDensity, data: Array, low: float, high: float) -> float:
    """Find the parameter between low and high with the largest Σ log p(x; θ), by golden-section search.

    log_density: gives log p of each datum under a parameter. The sum must have one top between low and high. The
    interval is cut to 0.618 of itself, on the side with the larger inner value, until it is shorter than 1e-9 (1 +
    |high|).
    """
    while high - low > 1e-9 * (1 + abs(high)):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if np.sum(log_density(data, left)) < np.sum(log_density(data, right)):
            low = left
        else:
            high = right
    return (low + high) / 2


def _data(data: Array) -> Array:
    found = np.asarray(data, dtype=float)
    if not found.size or not np.isfinite(found).all():
        raise InputError(f"data of shape {found.shape} are empty or hold NaN or infinity; give finite numbers")
    return found


class Estimate(NamedTuple):
    """A parameter with its standard error and the log-likelihood (with log prior, where there is one) at the top."""

    value: float
    standard_error: float
    log_likelihood: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wald's interval: the value ± z standard errors."""
        z = normal_quantile(0.5 + confidence / 2)
        return self.value - z * self.standard_error, self.value + z * self.standard_error


def estimate(log_density: LogDensity, data: Array, low: float, high: float) -> Estimate:
    """`maximum_likelihood` of what a user gives, with its standard error."""
    return maximum_a_posteriori(log_density, lambda parameter: 0.0, data, low, high)


def maximum_a_posteriori(
    log_density: LogDensity, log_prior: Callable[[float], float], data: Array, low: float, high: float
) -> Estimate:
    """The parameter with the largest log prior + Σ log p(x; θ); the prior counts once, as one more observation."""
    found = _data(data)
    if not low < high:
        raise InputError(f"no parameter lies between low={low} and high={high}; give low < high")

    def with_prior(values: Array, parameter: float) -> Array:
        return np.append(log_density(values, parameter), log_prior(parameter))

    top = maximum_likelihood(with_prior, found, low, high)
    if min(top - low, high - top) < 1e-6 * (high - low):
        raise InputError(f"the likelihood is largest at the edge of {low} … {high}; widen the interval")
    total = [float(np.sum(with_prior(found, one))) for one in _around(top, low, high)]
    step = _around(top, low, high)[2] - top
    information = -(total[0] - 2 * total[1] + total[2]) / step**2
    return Estimate(top, 1 / math.sqrt(information) if information > 0 else math.inf, total[1])


def _around(top: float, low: float, high: float) -> tuple[float, float, float]:
    """Three places for a second difference: the fourth root of the rounding, and inside the interval."""
    step = min(1e-4 * max(1e-2, abs(top)), (top - low) / 2, (high - top) / 2)
    return top - step, top, top + step


# ───────── by formula ─────────


def fit_normal(data: Array) -> Normal:
    """The mean, and the root of the mean square about it: divided by n, so its square is too small by (n - 1)/n on average."""
    found = _data(data)
    if found.std() == 0:
        raise InputError(
            "all data are the same, so the likeliest normal has no width; give at least two different numbers"
        )
    return Normal(float(found.mean()), float(found.std()))


def fit_categorical(counts: Array, concentration: float = 1.0) -> Array:
    """The likeliest probabilities from counts: (count + α - 1) / (N + n(α - 1)), shape (n,).

    concentration: α of a Dirichlet prior, 1 or more; at 1 it is the plain share (maximum likelihood), above 1 the MAP.
    """
    found = _data(counts)
    if (found < 0).any() or concentration < 1:
        raise InputError("counts are 0 or more and the concentration 1 or more; below 1 the top lies at a corner")
    smoothed = found + concentration - 1
    if not smoothed.sum():
        raise InputError("nothing was counted, so no probability is likeliest; give counts or a concentration above 1")
    return smoothed / smoothed.sum()


def fit_linear(features: Array, targets: Array, noise: float = 1.0, prior_deviation: float = math.inf) -> Array:
    """The likeliest weights of y = Xw + normal noise: least squares; with a normal prior on w, ridge regression.

    Solves (XᵀX + λI) w = Xᵀy with λ = (noise / prior_deviation)²: weight decay is a prior.
    """
    X, y = np.asarray(features, dtype=float), np.asarray(targets, dtype=float)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise InputError(f"features {X.shape} and targets {y.shape} do not fit; give (n, d) and (n,)")
    system = X.T @ X + (noise / prior_deviation) ** 2 * np.eye(X.shape[1])
    if not np.isfinite(system).all() or np.linalg.cond(system) > 1e12:
        raise InputError("the features depend on each other (or hold NaN); leave one out, or give a prior_deviation")
    return np.linalg.solve(system, X.T @ y)
