"""Why a power law: two kinds of data whose exponent is known beforehand, predicted and then measured.

    quanta      kinds of questions, the i-th asked with p_i ~ i^-(1 + alpha); what knows the n commonest misses  L ~ n^-alpha; what saw
                D examples knows those it saw, and misses  sum_i p_i (1 - p_i)^D ~ D^(-alpha / (1 + alpha))
    dimension   points on a surface of d dimensions, a smooth target: n pieces are n^(-1/d) wide, a constant on each errs by the width,
                a plane by its square, so squared errors fall as n^(-2/d) and n^(-4/d), however many dimensions lie around the surface

Quanta: Michaud et al. 2023, arXiv:2303.13506, section 2 (there with parity tasks and trained networks); the sum over what was not seen: Hutter
2021, arXiv:2102.04074. Dimension: Sharma & Kaplan 2020, arXiv:2004.10802, and Bahri et al. 2021, arXiv:2102.06701 (resolution-limited). The
learners are the simplest that the arguments speak of, a table and the nearest neighbours, so what is measured is the argument and not an
optimizer. The dimension itself is measured from the points alone (`two_nearest`, Facco et al. 2017, doi 10.1038/s41598-017-11873-y). Left out:
which of the two holds for text; probably a mixture.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.training.scaling.fitting import Array
from groundup.training.scaling.power_laws import line_in_logs


@dataclass(frozen=True, slots=True)
class Measured:
    """An exponent as predicted from the data, as measured, and the points it was measured at."""

    predicted: float
    measured: float
    x: tuple[float, ...]
    loss: tuple[float, ...]


def zipf(kinds: int, alpha: float) -> Array:
    """How often each kind is asked: p_i ~ i^-(1 + alpha), i from 1.

    >>> zipf(3, 1.0).round(3).tolist()
    [0.735, 0.184, 0.082]
    """
    if not (kinds >= 1 and alpha > 0):
        raise InputError(
            f"kinds={kinds} and alpha={alpha:g} cannot be; use at least one kind and an alpha above 0, such as 0.5"
        )
    weight = np.arange(1, kinds + 1) ** -(1.0 + alpha)
    return weight / weight.sum()


def unseen_share(chances: Float[np.ndarray, " kinds"], examples: int) -> float:
    """The chance that the next question is of a kind that none of `examples` independent ones was: sum_i p_i (1 - p_i)^D.

    Hutter 2021, section 3.
    """
    return float((chances * (1 - chances) ** examples).sum())


def size_exponent(alpha: float) -> float:
    """Of the loss in the number of kinds a model has room for."""
    return alpha


def data_exponent(alpha: float) -> float:
    """Of the loss in the examples: the n-th kind is seen once D ~ n^(1 + alpha)."""
    return alpha / (1 + alpha)


def quanta_by_size(alpha: float, sizes: Int[np.ndarray, " sizes"], kinds: int = 1_000_000) -> Measured:
    """Learners with room for the n commonest kinds: what they miss."""
    chances = zipf(kinds, alpha)
    missed = chances[::-1].cumsum()[::-1]
    loss = missed[np.asarray(sizes)]
    return _measured(size_exponent(alpha), sizes, loss)


def quanta_by_data(
    alpha: float, examples: Int[np.ndarray, " sizes"], kinds: int = 1_000_000, repeats: int = 5, seed: int = 0
) -> Measured:
    """Learners that know every kind they saw: what they miss, from really drawn examples, the mean of `repeats` learners."""
    chances, drawn = zipf(kinds, alpha), np.random.default_rng(seed)
    borders = chances.cumsum()
    loss = []
    for count in np.asarray(examples):
        seen = [np.unique(np.searchsorted(borders, drawn.random(count) * borders[-1])) for _ in range(repeats)]
        loss.append(np.mean([1 - chances[known].sum() for known in seen]))
    return _measured(data_exponent(alpha), examples, np.array(loss))


def _measured(predicted: float, x: ArrayLike, loss: Array) -> Measured:
    across = np.asarray(x, float)
    exponent, _ = line_in_logs(across, loss)
    return Measured(predicted, -exponent, tuple(across.tolist()), tuple(loss.tolist()))


# ───────── the dimension of a surface ─────────


def torus(points: int, dimension: int, around: int, seed: int) -> tuple[Array, Array]:
    """Points on a torus of so many dimensions, turned into a space of `around` (at least twice as many), and a smooth target at each."""
    if around < 2 * dimension:
        raise InputError(
            f"a torus of {dimension} dimensions needs {2 * dimension} around it, and around={around}; raise it"
        )
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(around, around)))[0]
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, (points, dimension))
    flat = np.concatenate([np.cos(angle), np.sin(angle)], 1)
    target = np.sin(angle).sum(1) + np.cos(angle + np.roll(angle, 1, axis=1)).sum(1) / 2
    return flat @ turned[: 2 * dimension], target


def two_nearest(points: Float[np.ndarray, "points around"]) -> float:
    """The dimension of the surface that points lie on: points / sum of log(r2 / r1), the distances to the two nearest others.

    Facco et al. 2017, eq. 5 (the likeliest dimension): r2 / r1 follows Pareto's law with the dimension as its exponent.
    """
    distance = squared_distances(points, points)
    np.fill_diagonal(distance, np.inf)
    nearest = np.sqrt(np.sort(np.partition(distance, 1, axis=1)[:, :2], 1))
    return float(len(points) / np.log(nearest[:, 1] / nearest[:, 0]).sum())


def squared_distances(one: Array, other: Array) -> Array:
    """Of every point of one to every point of the other."""
    made = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.maximum(made, 1e-300)


def nearest_error(known: Array, values: Array, asked: Array, truth: Array) -> float:
    """Mean squared error of the nearest known point's value: a constant on each piece."""
    return float(((values[squared_distances(asked, known).argmin(1)] - truth) ** 2).mean())


def plane_error(known: Array, values: Array, asked: Array, truth: Array, dimension: int) -> float:
    """Mean squared error of a plane through the 2 (d + 1) nearest known points: a plane on each piece."""
    near = np.argpartition(squared_distances(asked, known), 2 * dimension + 1, axis=1)[:, : 2 * (dimension + 1)]
    away = known[near] - asked[:, None]
    directions = np.linalg.svd(away, full_matrices=False)[2][:, :dimension]  # of the surface there
    flat = np.einsum("pka,pda->pkd", away, directions)
    design = np.concatenate([np.ones((*flat.shape[:2], 1)), flat], 2)
    level = (np.linalg.pinv(design, rcond=1e-6) @ values[near][:, :, None])[:, 0, 0]
    return float(((level - truth) ** 2).mean())


def dimension_law(
    dimension: int, sizes: Int[np.ndarray, " sizes"], *, planes: bool, around: int = 12, asked: int = 500
) -> Measured:
    """Errors for a growing number of known points; the prediction is 2 or 4 over the dimension that is measured from the points."""
    places, truth = torus(asked, dimension, around, seed=2)
    loss = []
    for count in np.asarray(sizes):
        known, values = torus(int(count), dimension, around, seed=3)
        loss.append(
            plane_error(known, values, places, truth, dimension)
            if planes
            else nearest_error(known, values, places, truth)
        )
    found = two_nearest(torus(2000, dimension, around, seed=4)[0])
    return _measured((4 if planes else 2) / found, sizes, np.array(loss))
