"""Power laws: a loss falls by the same factor each time that size, data or operations are doubled.

    L(x) = E + (c / x)^a            a straight line in log-log once the floor E is taken off

Kaplan et al. 2020, arXiv:2001.08361, eq. 1.1-1.3, fitted it without a floor over six orders of magnitude; near a floor a line through
the plain logarithms bends, and its slope is too small. Here: the line (`line_in_logs`), the law with a floor (`fit_power_law`), how often
one has to double for a gain (`doublings`), and scores of a task, which follow the loss along an S (`fit_score`; Schaeffer et al. 2023, and
Owen 2024, arXiv:2401.04757: score = chance + (top - chance) / (1 + exp(k (L - L0)))).

The law in size and data together is in `parametric.py`, what is best for a budget in `frontier.py`. Left out: broken laws (Caballero et
al. 2022), and proofs; why such a law arises at all is asked in `why.py`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.slots import slot
from groundup.training.scaling.fitting import Array, least, resamples

DELTA = 1e-2  # of a residual in logarithms: one per cent


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """E + (c / x)^a, with the laws of the bootstrap."""

    E: float
    c: float
    a: float
    samples: tuple["PowerLaw", ...] = ()

    def loss(self, x: Any) -> Any:
        """The loss at x."""
        return self.E + (self.c / x) ** self.a

    def interval(self, name: str, confidence: float = 0.9) -> tuple[float, float]:
        """The range of "E", "c" or "a" in the bootstrap."""
        values = [getattr(one, name) for one in self.samples]
        if not values:
            raise InputError("this fit has no samples; fit with times=200")
        low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)


@slot
def line_in_logs(x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"]) -> tuple[float, float]:
    """Exponent and factor of y = factor * x^exponent, by least squares of the logarithms.

    >>> exponent, factor = line_in_logs(np.array([1.0, 4.0, 16.0]), np.array([8.0, 4.0, 2.0]))
    >>> round(exponent, 9), round(factor, 9)
    (-0.5, 8.0)
    """
    across, up = np.log(x), np.log(y)
    from_mean = across - across.mean()
    exponent = (from_mean * up).sum() / (from_mean**2).sum()
    return float(exponent), float(np.exp(up.mean() - exponent * across.mean()))


def doublings(exponent: float, factor: float) -> float:
    """How often x has to double for what is above the floor to be multiplied by `factor`.

    >>> doublings(0.5, 0.5)
    2.0
    """
    return float(np.log2(1 / factor) / exponent)


def fit_power_law(
    x: ArrayLike, loss: ArrayLike, *, floor: float | None = None, times: int = 200, seed: int = 0
) -> PowerLaw:
    """Fit E + (c / x)^a; floor: E, where it is known. InputError where the points cannot tell."""
    across, up = _checked(x, loss, floor)
    middle, lowest = float(np.exp(np.log(across).mean())), float(up.min())
    log_x, log_y = np.log(across / middle), np.log(up / lowest)
    held = None if floor is None else floor / lowest
    starts = np.array([[share, a] for share in (0.05, 0.5, 0.9) for a in (0.05, 0.2, 0.5, 1.0)])
    search = _searcher(log_x, log_y, held)
    found, values = search(_started(starts, log_x, log_y, held), None)
    best = found[values.argmin()]
    samples = search(np.tile(best, (times, 1)), resamples(len(across), times, seed))[0] if times else []
    made = [_unscaled(one, middle, lowest, held) for one in (best, *samples)]
    return PowerLaw(made[0].E, made[0].c, made[0].a, tuple(made[1:]))


def _checked(x: ArrayLike, loss: ArrayLike, floor: float | None) -> tuple[Array, Array]:
    across, up = np.asarray(x, float).ravel(), np.asarray(loss, float).ravel()
    if len(across) != len(up):
        raise InputError(f"{len(across)} values of x and {len(up)} losses; give one loss for each x")
    if not (np.isfinite([across, up]).all() and (across > 0).all() and (up > 0).all()):
        raise InputError("a value is not a number above 0; leave out runs that diverged")
    needed = 3 if floor is None else 2
    if len(np.unique(across)) < needed:
        raise InputError(
            f"{len(np.unique(across))} different values of x cannot fix {needed} numbers; give {needed + 1} or more"
        )
    if floor is not None and floor >= up.min():
        raise InputError(
            f"floor={floor:g} is not below every loss (the least is {up.min():g}); leave it out, and it is fitted"
        )
    return across, up


def _started(starts: Array, log_x: Array, log_y: Array, held: float | None) -> Array:
    """Starts (share of the lowest loss that is floor, exponent) as parameters (log E, log factor, a), or the last two."""
    share, exponent = starts[:, 0], starts[:, 1]
    rest = np.log(np.exp(log_y).mean() - share)
    return np.stack([rest, exponent] if held is not None else [np.log(share), rest, exponent], 1)


def _searcher(log_x: Array, log_y: Array, held: float | None) -> Any:
    """starts, weights -> parameters and values of the least sum."""

    def residuals(place: Array) -> tuple[Array, Array]:
        level = np.exp(place[:, :1]) if held is None else np.full((len(place), 1), held)
        factor, exponent = place[:, -2, None], place[:, -1, None]
        rest = np.exp(factor - exponent * log_x)
        value = level + rest
        slopes = [rest / value, -log_x * rest / value]
        if held is None:
            slopes.insert(0, level / value)
        return np.log(value) - log_y, np.stack(slopes, 2)

    return lambda starts, weights: least(residuals, starts, DELTA, weights)


def _unscaled(place: Array, middle: float, lowest: float, held: float | None) -> PowerLaw:
    level = float(np.exp(place[0])) if held is None else held
    factor, exponent = np.log(lowest) + place[-2], float(place[-1])
    with np.errstate(over="ignore"):
        return PowerLaw(lowest * level, float(middle * np.exp(factor / exponent)), exponent)


@dataclass(frozen=True, slots=True)
class Score:
    """A task's score as a function of the loss: from chance, when the loss is high, to top along an S."""

    chance: float
    top: float
    steepness: float  # of a nat, or of whatever the loss is counted in
    middle: float  # the loss halfway up

    def score(self, loss: Any) -> Any:
        """The score at a loss."""
        return self.chance + (self.top - self.chance) / (1 + np.exp(self.steepness * (np.asarray(loss) - self.middle)))


def fit_score(loss: ArrayLike, score: ArrayLike, *, chance: float = 0.0, top: float = 1.0) -> Score:
    """Fit the S through scores of models with these losses; chance: what guessing gives, top: what is reached at best."""
    across, up = np.asarray(loss, float).ravel(), np.asarray(score, float).ravel()
    if len(across) != len(up) or len(across) < 3:
        raise InputError(f"{len(across)} losses and {len(up)} scores fix no curve; give at least three of each")
    if not chance < top:
        raise InputError(f"chance={chance:g} is not below top={top:g}; give what guessing scores and what is best")
    centre, unit = across.mean(), max(float(np.ptp(across)), 1e-12)
    scaled = (across - centre) / unit

    def residuals(place: Array) -> tuple[Array, Array]:
        steep, middle = place[:, :1], place[:, 1:]
        share = 1 / (1 + np.exp(np.clip(steep * (scaled - middle), -60, 60)))
        slope = (top - chance) * share * (1 - share)
        return chance + (top - chance) * share - up, np.stack([-slope * (scaled - middle), slope * steep], 2)

    starts = np.array([[steep, middle] for steep in (1.0, 4.0, 16.0) for middle in (-0.5, 0.0, 0.5)])
    found, values = least(residuals, starts, delta=1.0)
    steep, middle = found[values.argmin()]
    return Score(chance, top, float(steep / unit), float(centre + unit * middle))
