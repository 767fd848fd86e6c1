"""Loss landscapes: what the loss looks like around a model, in one or two directions of its millions.

A loss of all weights cannot be drawn; its values on the plane θ + a d₁ + b d₂ can. Two things decide what is seen. The
directions' length: where a layer is followed by another without a bound between them, ten times the one and a tenth of
the other is the same network, but its landscape looks ten times as sharp along random directions. Filter normalisation
gives each row of a direction the length of that row of the weights, and both pictures become one. And the directions
themselves: random ones miss where training goes, since two random directions are orthogonal to almost everything; the
principal components of the path show it.

Sources: Li et al. 2018, arXiv:1712.09913, sections 3-4 and 7; Goodfellow, Vinyals & Saxe 2015, arXiv:1412.6544 (the
line). Left out: curvature by eigenvalues of the Hessian. The results are plain arrays for groundup.plots.contour_map
and surface_3d.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError

Array = np.ndarray
Parameters = Sequence[Array]  # a model's weights, one array a layer
Loss = Callable[[list[Array]], float]


def random_direction(parameters: Parameters, generator: np.random.Generator) -> list[Array]:
    """A direction with independent normal numbers, one array for each of the parameters."""
    return [generator.standard_normal(np.shape(one)) for one in _floats(parameters)]


def filter_normalized(direction: Parameters, parameters: Parameters) -> list[Array]:
    """Give each row of a direction the length of the same row of the parameters.

    A row is what makes one output: all numbers of an array that share its first axis (out × in, as torch's Linear has
    it). Arrays of one axis (biases, norms) get 0, as in the paper's section 4, since their scale says nothing.
    """
    scaled = []
    for one, weights in _pairs(direction, parameters):
        if weights.ndim < 2:
            scaled.append(np.zeros_like(weights))
            continue
        axes = tuple(range(1, weights.ndim))
        lengths = (np.sqrt((array**2).sum(axes, keepdims=True)) for array in (weights, one))
        wanted, have = lengths
        scaled.append(one * wanted / np.maximum(have, 1e-10))
    return scaled


def moved(parameters: Parameters, *moves: tuple[float, Parameters]) -> list[Array]:
    """The parameters, moved by some of each direction: θ + Σ a d; the given arrays stay as they are."""
    found = _floats(parameters)
    for amount, direction in moves:
        found = [weights + amount * one for one, weights in _pairs(direction, found)]
    return found


def loss_line(loss: Loss, parameters: Parameters, direction: Parameters, amounts: Array) -> Array:
    """The loss at θ + a d for each amount a, shape (amounts,)."""
    return np.array([float(loss(moved(parameters, (float(a), direction)))) for a in np.asarray(amounts, float)])


def interpolation(loss: Loss, start: Parameters, end: Parameters, amounts: Array) -> Array:
    """The loss on the straight line from one model to another: 0 is the start, 1 the end."""
    return loss_line(loss, start, [to - of for of, to in _pairs(start, end)], amounts)


def loss_slice(
    loss: Loss, parameters: Parameters, first: Parameters, second: Parameters, xs: Array, ys: Array
) -> Array:
    """The loss on a plane through the parameters: heights (len(ys), len(xs)) of θ + x·first + y·second.

    Costs one call of the loss for each place of the grid.
    """
    columns = [float(x) for x in np.asarray(xs, float)]
    return np.array([[float(loss(moved(parameters, (x, first), (float(y), second)))) for x in columns] for y in ys])


# ───────── a path, seen in the plane that holds most of it ─────────


class Projection(NamedTuple):
    """A path in its plane. directions: (2, n), of length 1; coordinates: (steps, 2); share: what part of the way each holds."""

    origin: Array
    directions: Array
    coordinates: Array
    share: Array


def flattened(parameters: Parameters) -> Array:
    """All parameters as one vector."""
    return np.concatenate([one.reshape(-1) for one in _floats(parameters)])


def unflattened(vector: Array, like: Parameters) -> list[Array]:
    """A vector as arrays of these shapes: what `flattened` undoes."""
    shapes = [np.shape(one) for one in like]
    sizes = [int(np.prod(shape)) for shape in shapes]
    if np.size(vector) != sum(sizes):
        raise InputError(
            f"{np.size(vector)} numbers do not fill parameters of {sum(sizes)}; give the shapes they came from"
        )
    parts = np.split(np.asarray(vector, float), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def project_path(path: Array) -> Projection:
    """The plane through the last point of a path that lies closest to all of it, by principal components.

    path: (steps, n), the flattened parameters after each step. Li et al., section 7: the differences to the last point
    are decomposed, uncentred, so that the plane passes through the end of the path.
    """
    points = np.asarray(path, dtype=float)
    if points.ndim != 2 or len(points) < 3 or points.shape[1] < 2:
        raise InputError(
            f"a path of shape {points.shape} spans no plane; give (steps, n) with 3 steps and n = 2 or more"
        )
    if not np.isfinite(points).all():
        raise InputError("the path holds NaN or infinity; cut it off before it leaves the valley")
    away = points - points[-1]
    _, strengths, components = np.linalg.svd(away, full_matrices=False)
    directions = (
        components[:2] * np.where(components[:2] @ away[0] < 0, -1.0, 1.0)[:, None]
    )  # the start lies at the upper right
    share = strengths[:2] ** 2 / max((strengths**2).sum(), 1e-300)
    return Projection(points[-1], directions, away @ directions.T, share)


def grid_around(coordinates: Array, count: int = 25, margin: float = 0.2) -> tuple[Array, Array]:
    """xs and ys, `count` each, that hold all coordinates (steps, 2) with a margin on every side."""
    places = np.asarray(coordinates, dtype=float)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places):
        raise InputError(f"coordinates of shape {places.shape} are no path in a plane; give (steps, 2)")
    low, high = places.min(0), places.max(0)
    room = margin * np.maximum(high - low, 1e-3 * max(1.0, float(np.abs(places).max())))
    return np.linspace(low[0] - room[0], high[0] + room[0], count), np.linspace(
        low[1] - room[1], high[1] + room[1], count
    )


def _floats(parameters: Parameters) -> list[Array]:
    """Parameters as a list of float arrays."""
    if isinstance(parameters, np.ndarray) or not len(parameters):
        raise InputError("parameters are a list of arrays, one a layer; put a single array into a list: [weights]")
    return [np.asarray(one, dtype=float) for one in parameters]


def _pairs(direction: Parameters, parameters: Parameters) -> list[tuple[Array, Array]]:
    """A direction's arrays with the parameters'; other shapes are refused."""
    ways, weights = _floats(direction), _floats(parameters)
    shapes = [[one.shape for one in each] for each in (ways, weights)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"a direction of shapes {shapes[0]} does not fit parameters of shapes {shapes[1]}; make them equal"
        )
    return list(zip(ways, weights, strict=True))
