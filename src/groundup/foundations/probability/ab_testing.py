"""A/B tests: how many users are needed, what looking too early costs, and how to look early all the same.

Two variants, two shares of successes. *Before*: `sample_size` says how many users each needs so that an effect worth
having is found with the wanted power. *During*: a test at 5% that is looked at every day and stopped at the first p ≤
0.05 gives false alarms far more often than 5% (5 looks: 14%; 20: 25%), since a random walk crosses any fixed line if it
is watched for long enough. Two ways out. *Alpha spending* plans the looks: each may spend a part of alpha, by O'Brien
and Fleming's rule almost nothing early, and `boundaries` gives the z that each look has to pass. *Mixture SPRT* needs
no plan: its p-value is valid at every moment, at the price of a wider interval.

Sources: Fleiss 1981, eq. 3.14 (without continuity correction); Armitage, McPherson & Rowe 1969 (repeated looks); Lan &
DeMets 1983; Robbins 1970, Johari et al. 2017, arXiv:1512.04922 (mSPRT). Left out: stopping for futility, variance
reduction (CUPED), interference between users.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.special import bisect, normal_cdf, normal_quantile
from groundup.slots import slot

Array = np.ndarray
Spending = Callable[[float, float], float]  # (part of the users seen, alpha) -> how much of alpha is spent by then
GRID = 401  # places of the density of the running sum: the boundaries are right to four digits


# ───────── before: how many ─────────


@slot
def sample_size(baseline: float, improved: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many users each variant needs, so that a two-sided test at alpha finds the difference with this power.

    n = (z_{1-α/2} √(2 p̄ q̄) + z_{power} √(p₁q₁ + p₂q₂))² / (p₁ - p₂)², rounded up: p̄ is the mean of both shares, q =
    1 - p. The first root is the noise if there is no difference, the second if there is. `normal_quantile` gives z.
    """
    check_plan(baseline, improved, alpha, power)
    middle = (baseline + improved) / 2
    without = normal_quantile(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    with_effect = normal_quantile(power) * math.sqrt(baseline * (1 - baseline) + improved * (1 - improved))
    return math.ceil((without + with_effect) ** 2 / (baseline - improved) ** 2)


def check_plan(baseline: float, improved: float, alpha: float, power: float) -> None:
    """Refuse a plan that no number of users can carry out."""
    for name, share in (("baseline", baseline), ("improved", improved), ("alpha", alpha), ("power", power)):
        if not 0 < share < 1:
            raise InputError(f"{name}={share} is no share; give a number between 0 and 1, such as 0.05 for 5%")
    if baseline == improved:
        raise InputError(
            f"both shares are {baseline}: no number of users finds a difference of 0; give the smallest worth having"
        )


def power_of(baseline: float, improved: float, users: int, alpha: float = 0.05) -> float:
    """The probability that the test finds the difference with this many users a variant: the same formula, turned round.

    The chance of a significant difference in the wrong direction is left out; it is below 0.001 where the power is
    above 0.1.
    """
    check_plan(baseline, improved, alpha, 0.5)
    if users < 1:
        raise InputError(f"{users} users a variant find nothing; give at least 1")
    middle = (baseline + improved) / 2
    noise = math.sqrt(baseline * (1 - baseline) + improved * (1 - improved))
    line = normal_quantile(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    return normal_cdf((abs(baseline - improved) * math.sqrt(users) - line) / noise)


class Comparison(NamedTuple):
    """Two variants compared: the second's share minus the first's, in standard errors (z), and the p-value."""

    difference: float
    z: float
    p_value: float


def compare_shares(successes: tuple[int, int], users: tuple[int, int]) -> Comparison:
    """Test whether two variants have one share of successes: the noise is that of both together (pooled)."""
    for hits, count in zip(successes, users, strict=True):
        if not 0 <= hits <= count or count < 1:
            raise InputError(f"{hits} successes of {count} users cannot be; give 0 to {max(count, 1)}")
    first, second = (hits / count for hits, count in zip(successes, users, strict=True))
    pooled = sum(successes) / sum(users)
    noise = math.sqrt(pooled * (1 - pooled) * (1 / users[0] + 1 / users[1]))
    if not noise:
        raise InputError("nobody succeeded, or everybody: there is nothing to compare; wait for more users")
    z = (second - first) / noise
    return Comparison(second - first, z, 2 * normal_cdf(-abs(z)))


# ───────── during: what looking costs ─────────


def random_walks(looks: int, experiments: int, effect: float = 0.0, seed: int = 0) -> Array:
    """The z of each evenly spaced look of simulated experiments, (experiments, looks).

    effect: the mean of z at the last look; 0 is an A/A test, where both variants are the same.
    """
    if looks < 1 or experiments < 1:
        raise InputError(f"{experiments} experiments with {looks} looks show nothing; give at least 1 of each")
    steps = np.random.default_rng(seed).standard_normal((experiments, looks)) + effect / math.sqrt(looks)
    return np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, looks + 1))


def peeking(looks: int, alpha: float = 0.05, experiments: int = 10_000, seed: int = 0) -> Array:
    """The share of A/A tests that were called significant at any look so far, (looks,): the first is alpha, then it climbs."""
    passed = np.abs(random_walks(looks, experiments, seed=seed)) >= normal_quantile(1 - alpha / 2)
    return np.logical_or.accumulate(passed, axis=1).mean(0)


def crossing(z: Array, lines: Sequence[float] | Array) -> float:
    """The share of experiments (experiments, looks) whose |z| passes its look's line at any look."""
    if np.shape(z)[-1:] != np.shape(lines):
        raise InputError(
            f"z of shape {np.shape(z)} has other looks than lines of shape {np.shape(lines)}; one line a look"
        )
    return float((np.abs(z) >= lines).any(axis=1).mean())


# ───────── alpha spending ─────────


def obrien_fleming(part: float, alpha: float = 0.05) -> float:
    """How much of alpha may be spent by the time this part of the users was seen: 4 - 4Φ(z_{1-α/4}/√part).

    Lan and DeMets' rule for one side, 2 - 2Φ(z_{1-α/2}/√part), with half of alpha for each.

    >>> round(obrien_fleming(0.2), 8), round(obrien_fleming(1.0), 3)
    (1.08e-06, 0.05)
    """
    return 4 * normal_cdf(-normal_quantile(1 - alpha / 4) / math.sqrt(part))


def pocock(part: float, alpha: float = 0.05) -> float:
    """The other rule: about as much at every look, α log(1 + (e - 1) part)."""
    return alpha * math.log(1 + (math.e - 1) * part)


def boundaries(parts: Sequence[float], alpha: float = 0.05, spending: Spending = obrien_fleming) -> Array:
    """The |z| that each look has to reach to stop, so that over all looks exactly alpha is spent: shape (looks,).

    parts: which part of the planned users each look sees, rising, up to 1. spending: `obrien_fleming` or `pocock`. The
    density of the sum that has not been stopped is carried from look to look by integration (Armitage, McPherson &
    Rowe).
    """
    times = np.asarray(parts, dtype=float)
    if times.ndim != 1 or not times.size or times[0] <= 0 or times[-1] > 1 or (np.diff(times) <= 0).any():
        raise InputError(f"looks at the parts {list(parts)} of the users; give rising numbers above 0, up to 1")
    lines: list[float] = []
    sums, weights, spent, before = np.zeros(1), np.ones(1), 0.0, 0.0  # all of the mass at the sum 0
    for time in times:
        step = math.sqrt(time - before)
        edge = _edge(spending(float(time), alpha) - spent, sums, weights, step)
        lines.append(edge / math.sqrt(time))
        sums, weights = _carried(edge, sums, weights, step)
        spent, before = spending(float(time), alpha), float(time)
    return np.array(lines)


def _beyond(edge: float, sums: Array, weights: Array, step: float) -> float:
    """The mass that passes ±edge with the next normal step."""
    tails = [normal_cdf((s - edge) / step) + normal_cdf((-s - edge) / step) for s in sums]
    return float(weights @ np.array(tails))


def _edge(mass: float, sums: Array, weights: Array, step: float) -> float:
    """The edge that just this much mass passes."""
    return bisect(lambda edge: mass - _beyond(edge, sums, weights, step), 0.0, 40.0)


def _carried(edge: float, sums: Array, weights: Array, step: float) -> tuple[Array, Array]:
    """The mass that stays inside ±edge after a normal step, on a new grid (Simpson's rule)."""
    grid = np.linspace(-edge, edge, GRID)
    density = np.exp(-0.5 * ((grid[:, None] - sums) / step) ** 2) / (step * math.sqrt(2 * math.pi)) @ weights
    simpson = np.where(np.arange(GRID) % 2, 4.0, 2.0)
    simpson[[0, -1]] = 1.0
    return grid, density * simpson * (grid[1] - grid[0]) / 3


# ───────── valid at every moment ─────────


def always_valid(differences: Array, variance: float, mixing: float) -> Array:
    """p-values that may be looked at after every observation, (n,): the mixture sequential probability ratio test.

    differences: one a pair of users (treated minus control); variance: of one difference; mixing: τ, the deviation of
    the effects that are thought likely. Λₙ = √(V/(V + nτ²)) exp(n²τ²x̄²/(2V(V + nτ²))) is a bet against "no effect"
    whose fortune has mean 1 if there is none, so it ever reaches 1/α with probability at most α (Ville); pₙ = min over
    k ≤ n of 1/Λₖ.
    """
    found = np.asarray(differences, dtype=float)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise InputError(f"differences of shape {found.shape} are empty, or hold NaN; give one a pair of users")
    if not (variance > 0 and mixing > 0):
        raise InputError(
            f"variance={variance} and mixing={mixing} must both be above 0; estimate them from earlier data"
        )
    n = np.arange(1, len(found) + 1)
    spread = variance + n * mixing**2
    log_ratio = 0.5 * np.log(variance / spread) + mixing**2 * np.cumsum(found) ** 2 / (2 * variance * spread)
    return np.minimum(np.minimum.accumulate(np.exp(-log_ratio)), 1)
