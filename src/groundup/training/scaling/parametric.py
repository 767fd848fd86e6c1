"""Loss as a law of model size and data, L(N, D) = E + A / N^alpha + B / D^beta, fitted to finished runs.

E is what no model can go below (the entropy of the text), A / N^alpha what is missing because the model is finite, B / D^beta because
the data are. Hoffmann et al. 2022, arXiv:2203.15556, section 3.3 (their approach 3): the logarithm of the law is a log-sum-exp,

    log L = LSE(a - alpha log N, b - beta log D, e),    A = exp a, B = exp b, E = exp e

and its distance from log(measured loss) is judged by Huber's loss with delta = 0.001, from a grid of starts. Besiroglu et al. 2024,
arXiv:2404.10102, fitted the same points again and found other coefficients (`published.py`): sum the loss over the runs, not its mean,
and let the search end by itself. Where E is known, as of tinyworld, whose entropy is exact, give it, and four numbers are left.

Intervals: the places (size, tokens) are drawn again with replacement, each with all its runs, and the law is fitted anew (Efron 1979):
runs that differ in their seed alone share the error of the law at their place. A forecast's interval adds the residuals of the fit, as a
new run is off the law too. Left out: that neighbouring runs share the data, and whether the law holds
beyond the runs at all; what it says of a run eight times as large is a hypothesis until the run was made.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.slots import slot
from groundup.training.scaling.fitting import Array, huber, least, resamples

DELTA = 1e-3
NAMES = ("E", "A", "B", "alpha", "beta")
# Starts in the unit of the data (sizes and tokens are divided by their geometric means before the fit, losses by the smallest).
GRID = tuple(product((-3.0, -1.5, -0.5), (-3.0, -1.5, -0.5), (0.1, 0.3, 0.8), (0.1, 0.3, 0.8), (-1.0, -0.2)))


@dataclass(frozen=True, slots=True)
class Law:
    """The five numbers of L(N, D); losses in the unit of the runs, such as nats a token or bits a byte."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def loss(self, size: Any, tokens: Any) -> Any:
        """L(N, D)."""
        return self.E + self.A / size**self.alpha + self.B / tokens**self.beta


def log_loss(
    parameters: Float[np.ndarray, "*starts 5"], size: Float[np.ndarray, " runs"], tokens: Float[np.ndarray, " runs"]
) -> Float[np.ndarray, "*starts runs"]:
    """log(E + A / N^alpha + B / D^beta) of each run, for parameters (e, a, b, alpha, beta) with E = exp e, A = exp a, B = exp b.

    Computed as a log-sum-exp, so that no power overflows: the largest of the three terms is taken out first.
    """
    e, a, b, alpha, beta = (parameters[..., place, None] for place in range(5))
    terms = np.stack([e + 0 * size, a - alpha * np.log(size), b - beta * np.log(tokens)])
    largest = terms.max(0)
    return largest + np.log(np.exp(terms - largest).sum(0))


@slot
def chinchilla_objective(
    parameters: Float[np.ndarray, " 5"],
    size: Float[np.ndarray, " runs"],
    tokens: Float[np.ndarray, " runs"],
    loss: Float[np.ndarray, " runs"],
    delta: float = 1e-3,
) -> float:
    """The sum over the runs of Huber's loss of log L(N, D) - log(measured loss); parameters are (e, a, b, alpha, beta).

    Huber: r^2 / 2 for |r| <= delta, beyond it the line delta (|r| - delta / 2). Hoffmann et al. 2022, eq. 3.
    """
    residual = log_loss(parameters, size, tokens) - np.log(loss)
    return float(huber(residual, delta).sum())


@dataclass(frozen=True, slots=True)
class Fit:
    """A law with what it was fitted to. samples: the laws of the bootstrap; residuals: log(measured) - log(law) of each run.

    places: how many pairs of size and tokens the runs have; fitted: how many numbers were found, 4 where E was held.
    """

    law: Law
    objective: float
    samples: tuple[Law, ...]
    residuals: tuple[float, ...]
    places: int
    fitted: int = 5

    def interval(self, name: str, confidence: float = 0.9) -> tuple[float, float]:
        """The range of a coefficient ("E", "A", "B", "alpha", "beta") in the bootstrap."""
        return _range([getattr(law, name) for law in self.samples], confidence)

    def forecast(self, size: float, tokens: float, confidence: float = 0.9) -> tuple[float, float, float]:
        """Loss of a run that was not made, and the range in which it is expected: the law's own doubt, and a run's distance from it."""
        laws = np.array([law.loss(size, tokens) for law in self.samples])
        spread = np.exp(np.array(self.residuals) * self._widening)
        low, high = _range((laws[:, None] * spread[None, :]).ravel(), confidence)
        return float(self.law.loss(size, tokens)), low, high

    @property
    def _widening(self) -> float:
        """Residuals of a fit are too small by the numbers that were fitted; a place counts once, as its runs share the law's error."""
        return math.sqrt(self.places / max(1, self.places - self.fitted))


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of E, in logarithms: its value, or the least it can be."""

    floor: float | None
    least: float | None

    def raised(self, value: Array) -> Array:
        """The logarithm of the law with what E is at least added."""
        return value if self.least is None else np.logaddexp(value, self.least)


def fit(
    size: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    *,
    floor: float | None = None,
    least_floor: float | None = None,
    delta: float = DELTA,
    times: int = 200,
    seed: int = 0,
) -> Fit:
    """Fit the law to runs. floor: E, where it is known; least_floor: what E is at least, where that is known. times: samples of the bootstrap; 0: none.

    InputError where the runs cannot tell what they are asked: too few, one size, one number of tokens, a loss not above the floor.
    """
    fitted = 5 if floor is None else 4
    runs = _checked(size, tokens, loss, least_floor if floor is None else floor, fitted)
    scales = np.exp(np.log(runs).mean(1))
    scales[2] = runs[2].min()
    scaled = runs / scales[:, None]
    held = Held(*(None if level is None else math.log(level / scales[2]) for level in (floor, least_floor)))
    starts = np.array([[e, a, b, alpha, beta] for a, b, alpha, beta, e in GRID])
    found, values = _search(starts, scaled, delta, held)
    best = found[values.argmin()]
    law = _law(best, scales, held)
    if law is None:
        raise InputError(
            "these runs fix no law: its exponents came out beyond all measure; add runs of other sizes and lengths"
        )
    samples = _resampled(best, scaled, delta, held, times, seed)
    residuals = np.log(scaled[2]) - held.raised(log_loss(best, scaled[0], scaled[1]))
    return Fit(
        law,
        float(values.min()),
        tuple(one for one in (_law(sample, scales, held) for sample in samples) if one is not None),
        tuple(residuals.tolist()),
        len(np.unique(runs[:2], axis=1).T),
        fitted,
    )


def _checked(size: ArrayLike, tokens: ArrayLike, loss: ArrayLike, floor: float | None, needed: int) -> Array:
    """Sizes, tokens and losses as three rows, or the sentence that says what is wrong with them."""
    rows = [np.asarray(values, float).ravel() for values in (size, tokens, loss)]
    if len({len(row) for row in rows}) > 1:
        raise InputError(
            f"{len(rows[0])} sizes, {len(rows[1])} numbers of tokens and {len(rows[2])} losses; give one of each for a run"
        )
    runs = np.stack(rows)
    if not (np.isfinite(runs).all() and (runs > 0).all()):
        raise InputError("a size, a number of tokens or a loss is not a number above 0; leave out runs that diverged")
    places = np.unique(runs[:2], axis=1).shape[1]
    if places < needed:
        raise InputError(
            f"{places} different runs cannot fix {needed} numbers of the law; give {needed + 1} or more, as another seed counts for none"
        )
    for name, row in zip(("size", "number of tokens"), runs[:2], strict=True):
        if len(np.unique(row)) < 2:
            raise InputError(f"all runs have the same {name}; the law needs at least two, and better five")
    if floor is not None and not 0 < floor < runs[2].min():
        raise InputError(
            f"floor={floor:g} is not below every measured loss (the least is {runs[2].min():g}); leave it out, and it is fitted"
        )
    return runs


def _search(
    starts: Array, scaled: Array, delta: float, held: Held, weights: Array | None = None
) -> tuple[Array, Array]:
    """The least sum from each start; a given floor is held."""
    free = slice(0 if held.floor is None else 1, 5)

    def whole(place: Array) -> Array:
        given = np.full((len(place), free.start), held.floor or 0.0)
        return np.concatenate([given, place], 1)

    def residuals(place: Array) -> tuple[Array, Array]:
        parameters = whole(place)
        above = log_loss(parameters, scaled[0], scaled[1])
        value = held.raised(above)
        return value - np.log(scaled[2]), (_slopes(parameters, above, scaled) * np.exp(above - value)[:, :, None])[
            :, :, free
        ]

    found, values = least(residuals, starts[:, free], delta, weights)
    return whole(found), values


def _slopes(parameters: Array, value: Array, scaled: Array) -> Array:
    """d log L / d (e, a, b, alpha, beta): the share of each term, and for an exponent times -log of what it is the power of."""
    e, a, b, alpha, beta = (parameters[:, place, None] for place in range(5))
    size, tokens = np.log(scaled[0]), np.log(scaled[1])
    first, second, third = (np.exp(term - value) for term in (e, a - alpha * size, b - beta * tokens))
    return np.stack([first + 0 * size, second, third, -size * second, -tokens * third], 2)


def _resampled(best: Array, scaled: Array, delta: float, held: Held, times: int, seed: int) -> Array:
    """The parameters for each sample of the places, a place with all its runs, searched from the best ones."""
    if not times:
        return np.empty((0, 5))
    place = np.unique(scaled[:2], axis=1, return_inverse=True)[1].ravel()
    counts = resamples(int(place.max()) + 1, times, seed)[:, place]
    return _search(np.tile(best, (times, 1)), scaled, delta, held, counts)[0]


def _law(parameters: Array, scales: Array, held: Held) -> Law | None:
    """The law in the unit of the runs; None where a factor is beyond what a number can be."""
    e, a, b, alpha, beta = (float(value) for value in parameters)
    size, tokens, loss = (float(scale) for scale in scales)
    try:
        factors = loss * math.exp(a) * size**alpha, loss * math.exp(b) * tokens**beta
        least = 0.0 if held.least is None else math.exp(held.least)
        return Law(loss * (math.exp(e) + least), *factors, alpha, beta)
    except OverflowError:
        return None


def _range(values: Sequence[float] | Array, confidence: float) -> tuple[float, float]:
    if not len(values):
        raise InputError("this fit has no samples; fit with times=200")
    low, high = np.quantile(np.asarray(values), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
