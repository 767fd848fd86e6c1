"""Bayes' theorem: what is believed after the data, from what was believed before.

P(h | data) = P(data | h) P(h) / P(data). The product of prior and likelihood, divided by its sum; with many
observations the likelihood is a product of small numbers, so all of it is done in logarithms. Over a continuous
parameter the same is done on a grid. For some pairs the posterior has the prior's own form and only its numbers change
(conjugate): beta with successes, Dirichlet with counts, gamma with Poisson counts, normal with normal. The mean of the
Dirichlet's posterior, (count + α) / (N + nα), is add-α smoothing.

Sources: Bayes 1763; Gelman et al. 2013, Bayesian Data Analysis, chapters 1-3; Kass & Raftery 1995 (Bayes factors).
Left out: sampling a posterior by Markov chains, hierarchical models.
"""

from collections.abc import Callable

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.distributions import Beta, Dirichlet, Gamma, Normal, probabilities_of
from groundup.foundations.probability.special import log_beta
from groundup.slots import slot

Array = np.ndarray


def largest_log(logs: Array) -> float:
    """The largest of some log probabilities; refused where every hypothesis is impossible."""
    largest = float(np.max(logs))
    if not np.isfinite(largest):
        raise InputError("every hypothesis has probability 0 (or NaN) for these data; add one that allows them")
    return largest


@slot
def posterior(prior: Array, log_likelihood: Array) -> Array:
    """What is believed of each hypothesis after the observations: probabilities (hypotheses,).

    prior: (hypotheses,), probabilities. log_likelihood: log P(observation | hypothesis), (observations, hypotheses);
    independent observations add. A hypothesis with prior 0 stays at 0, and sums of -5000 must not end in 0 / 0.
    """
    with np.errstate(divide="ignore"):  # the logarithm of a prior of 0 is -inf, as it should be
        logs = np.log(prior) + np.sum(log_likelihood, axis=0)
    largest = largest_log(logs)
    weights = np.exp(logs - largest)
    return weights / weights.sum()


def update(prior: Array, log_likelihood: Array) -> Array:
    """`posterior` of what a user gives: the prior sums to 1, the shapes fit; (hypotheses,) is one observation."""
    before, logs = probabilities_of(prior), np.asarray(log_likelihood, dtype=float)
    logs = logs[None] if logs.ndim == 1 else logs
    if logs.ndim != 2 or logs.shape[1] != len(before):
        raise InputError(
            f"log_likelihood of shape {logs.shape} does not fit a prior of shape {before.shape}; "
            "give (observations, hypotheses)"
        )
    return posterior(before, logs)


def positive_predictive_value(prevalence: float, sensitivity: float, specificity: float) -> float:
    """P(ill | positive test): small where the illness is rarer than a false alarm.

    >>> round(positive_predictive_value(0.001, 0.99, 0.95), 4)
    0.0194
    """
    for share in (prevalence, sensitivity, specificity):
        if not 0 <= share <= 1:
            raise InputError(f"{share} is no probability; give numbers from 0 to 1")
    true, false = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    if not true + false:
        raise InputError("a positive test never happens with these numbers; give a sensitivity or false alarms above 0")
    return true / (true + false)


# ───────── on a grid ─────────


def grid_posterior(grid: Array, log_prior: Callable[[Array], Array], log_likelihood: Callable[[Array], Array]) -> Array:
    """The posterior density at each place of a grid (rising, not necessarily even), by the trapezoid rule.

    log_prior, log_likelihood: functions of the whole grid; the prior may lack its constant.
    """
    at = _grid(grid)
    logs = np.asarray(log_prior(at), float) + np.asarray(log_likelihood(at), float)
    density = np.exp(logs - largest_log(logs))
    return density / np.trapezoid(density, at)


def _grid(grid: Array) -> Array:
    at = np.asarray(grid, dtype=float)
    if at.ndim != 1 or len(at) < 2 or not (np.diff(at) > 0).all():
        raise InputError(f"a grid of shape {at.shape} must rise along one axis; give np.linspace(low, high, 1000)")
    return at


def grid_moments(grid: Array, density: Array) -> tuple[float, float]:
    """The mean and variance of a density on a grid."""
    mean = float(np.trapezoid(grid * density, grid))
    return mean, float(np.trapezoid((grid - mean) ** 2 * density, grid))


def credible_interval(grid: Array, density: Array, mass: float = 0.95) -> tuple[float, float]:
    """The interval with this share of the belief, and as much of the rest on either side."""
    at = _grid(grid)
    if not 0 < mass < 1:
        raise InputError(f"mass={mass} is no share; give a number between 0 and 1")
    steps = np.diff(at) * (density[1:] + density[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    low, high = np.interp([(1 - mass) / 2, (1 + mass) / 2], below, at)
    return float(low), float(high)


# ───────── conjugate pairs ─────────


def beta_after(prior: Beta, successes: int, failures: int) -> Beta:
    """What is believed of a share after some trials: both counts are added.

    >>> beta_after(Beta(1, 1), 7, 3).mean  # Laplace's rule: (7 + 1) / (10 + 2)
    0.6666666666666666
    """
    _counted(successes, failures)
    return Beta(prior.a + successes, prior.b + failures)


def dirichlet_after(prior: Dirichlet, counts: Array) -> Dirichlet:
    """What is believed of several probabilities after counting; its mean is the smoothed estimate."""
    found = np.asarray(counts)
    if found.shape != prior.concentration.shape:
        raise InputError(
            f"counts of shape {found.shape} do not fit a prior of shape {prior.concentration.shape}; one a thing"
        )
    _counted(*found.tolist())
    return Dirichlet(prior.concentration + found)


def gamma_after(prior: Gamma, counts: Array) -> Gamma:
    """What is believed of a Poisson rate after some counts: their sum goes to the shape, their number to the rate."""
    found = np.asarray(counts)
    _counted(*found.tolist())
    return Gamma(prior.shape + float(found.sum()), prior.rate + len(found))


def normal_after(prior: Normal, values: Array, noise: float) -> Normal:
    """What is believed of a mean after values with normal noise of a known deviation: precisions (1/σ²) add."""
    found = np.asarray(values, dtype=float)
    if not np.isfinite(found).all() or not noise > 0:
        raise InputError("the values hold NaN or infinity, or noise is not above 0; give finite numbers")
    precision = 1 / prior.variance + len(found) / noise**2
    mean = (prior.mean / prior.variance + found.sum() / noise**2) / precision
    return Normal(float(mean), precision**-0.5)


def _counted(*counts: float) -> None:
    for count in counts:
        if count < 0 or count != int(count):
            raise InputError(f"{count} is no count; give whole numbers of 0 or more")


def log_evidence(prior: Beta, successes: int, failures: int) -> float:
    """log P(this sequence of trials) with the share averaged over the prior: log B(a + s, b + f) - log B(a, b).

    The difference of two models' evidence is the log of their Bayes factor: a flexible prior pays for what it also
    allowed.
    """
    after = beta_after(prior, successes, failures)
    return float(log_beta(after.a, after.b) - log_beta(prior.a, prior.b))
