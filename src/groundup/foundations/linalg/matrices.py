"""One matrix product, seen five ways; a neural layer is one; and what a matrix does to the plane.

    entries          C[i, j] = row i of A . column j of B
    columns          a column of C mixes the columns of A      (what A does to each vector of B)
    rows             a row of C mixes the rows of B            (what a layer does to each token)
    outer products   C = sum over k of column k of A times row k of B     (a sum of matrices of rank 1)
    blocks           the same rule with matrices for numbers: what a fast kernel does, tile after tile in cache

All five do the same 2 m k n operations (Golub and Van Loan, Matrix Computations, 4th ed., 1.1 and 1.3). Left out:
Strassen's algorithm, sparse matrices.

A linear map of the plane is known by where it sends (1, 0) and (0, 1): the columns of its matrix. To film it, the map is
split into a turn and a stretch (the polar decomposition), and each grows with time. Mixing the numbers of the start and
the end would press the plane flat in the middle of a half turn.
"""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector

# ───────── the product, five ways ─────────


def by_entries(a: ArrayLike, b: ArrayLike) -> Array:
    """The product, number by number: row times column."""
    a, b = _fitting(a, b)
    return np.array([[row @ column for column in b.T] for row in a])


def by_columns(a: ArrayLike, b: ArrayLike) -> Array:
    """The product, column by column: each mixes the columns of `a`."""
    a, b = _fitting(a, b)
    return np.stack([sum(weight * of_a for weight, of_a in zip(column, a.T, strict=True)) for column in b.T], axis=1)


def by_rows(a: ArrayLike, b: ArrayLike) -> Array:
    """The product, row by row: each mixes the rows of `b`."""
    a, b = _fitting(a, b)
    return np.stack([sum(weight * of_b for weight, of_b in zip(row, b, strict=True)) for row in a])


def by_outer_products(a: ArrayLike, b: ArrayLike) -> Array:
    """The product as a sum of matrices of rank 1."""
    a, b = _fitting(a, b)
    total = np.zeros((len(a), b.shape[1]))
    for column, row in zip(a.T, b, strict=True):
        total += np.outer(column, row)
    return total


def by_blocks(a: ArrayLike, b: ArrayLike, size: int = 32) -> Array:
    """The product, block by block of `size` rows and columns; blocks at the edges may be smaller."""
    a, b = _fitting(a, b)
    if size < 1:
        raise InputError(f"size={size}; a block has at least 1 row")
    total = np.zeros((len(a), b.shape[1]))
    for i, j, k in product(*(range(0, length, size) for length in (len(a), b.shape[1], len(b)))):
        total[i : i + size, j : j + size] += a[i : i + size, k : k + size] @ b[k : k + size, j : j + size]
    return total


def _fitting(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Two matrices whose inner sizes agree."""
    one, other = as_matrix(a, "a"), as_matrix(b, "b")
    if one.shape[1] != other.shape[0]:
        hint = "transpose one of them" if one.shape[1] == other.shape[1] else "check which axis is which"
        raise InputError(
            f"a {one.shape} has {one.shape[1]} columns and b {other.shape} has {other.shape[0]} rows, which must be as many; {hint}"
        )
    return one, other


# ───────── a neural layer ─────────


def layer(
    inputs: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    activation: Callable[[Array], Array] | None = None,
) -> Array:
    """A fully connected layer, activation(inputs weight' + bias), for all rows at once.

    inputs: (batch, in_features), weight: (out_features, in_features) as in PyTorch, one row a neuron; bias: (out_features,).
    """
    inputs, weight, bias = _of_a_layer(inputs, weight, bias)
    outputs = inputs @ weight.T + bias
    return outputs if activation is None else activation(outputs)


def layer_as_one_product(inputs: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> Array:
    """The same layer as a single product: the bias is the weight of one more input, which is always 1."""
    inputs, weight, bias = _of_a_layer(inputs, weight, bias)
    return np.column_stack([inputs, np.ones(len(inputs))]) @ np.column_stack([weight, bias]).T


def _of_a_layer(inputs: ArrayLike, weight: ArrayLike, bias: ArrayLike | None) -> tuple[Array, Array, Array]:
    """A layer's three arrays, once they fit; without a bias it is 0."""
    inputs, weight = as_matrix(inputs, "inputs"), as_matrix(weight, "weight")
    if inputs.shape[1] != weight.shape[1]:
        raise InputError(
            f"inputs {inputs.shape} bring {inputs.shape[1]} features and weight {weight.shape} takes {weight.shape[1]}; "
            f"weight is (out_features, in_features)"
        )
    bias = np.zeros(len(weight)) if bias is None else as_vector(bias, "bias")
    if len(bias) != len(weight):
        raise InputError(
            f"bias has {len(bias)} numbers and weight {weight.shape} makes {len(weight)} outputs; give one each"
        )
    return inputs, weight, bias


# ───────── maps of the plane ─────────


def rotation(angle: float) -> Array:
    """Turn the plane counterclockwise by an angle in radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def scaling(x: float, y: float) -> Array:
    """Stretch both axes, each by its own factor."""
    return np.array([[x, 0.0], [0.0, y]])


def shear(amount: float) -> Array:
    """Push every point to the right by `amount` times its height."""
    return np.array([[1.0, amount], [0.0, 1.0]])


def reflection(angle: float) -> Array:
    """Mirror the plane at the line through 0 with this angle in radians to the x axis."""
    cosine, sine = math.cos(2 * angle), math.sin(2 * angle)
    return np.array([[cosine, sine], [sine, -cosine]])


def area_factor(matrix: ArrayLike) -> float:
    """How many times larger an area becomes; below 0 where the plane is mirrored: the determinant of a 2 x 2 matrix."""
    (a, b), (c, d) = _of_the_plane(matrix)
    return float(a * d - b * c)


def grid(extent: float = 2.0, lines: int = 9, points: int = 2) -> Array:
    """A square grid to watch a map by, shape (2 lines, points, 2): first the vertical lines, then the horizontal ones."""
    if lines < 1 or points < 2:
        raise InputError(f"lines={lines}, points={points}; a grid has at least one line, and a line two points")
    along, places = np.linspace(-extent, extent, points), np.linspace(-extent, extent, lines)
    vertical = np.stack(np.broadcast_arrays(places[:, None], along), axis=-1)
    return np.concatenate([vertical, vertical[..., ::-1]])


def frames(matrix: ArrayLike, points: ArrayLike, count: int = 30) -> Array:
    """Where the map takes the points in `count` moments, shape (count, *points.shape): from where they are to the end.

    The turn of the polar decomposition grows with time, and so does the stretch. A map that mirrors has to press the plane
    flat on its way; a turn never does.
    """
    end, points = _of_the_plane(matrix), np.asarray(points, dtype=np.float64)
    if points.ndim < 1 or points.shape[-1] != 2 or count < 2:
        raise InputError(f"points of shape {points.shape} in {count} frames; give (..., 2) and at least 2 frames")
    turn = math.atan2(end[1, 0] - end[0, 1], end[0, 0] + end[1, 1])
    stretch = rotation(-turn) @ end  # symmetric: the turn was chosen for it
    moments = np.linspace(0.0, 1.0, count)
    maps = [rotation(moment * turn) @ ((1 - moment) * np.eye(2) + moment * stretch) for moment in moments]
    return np.stack([points @ one.T for one in maps])


def _of_the_plane(matrix: ArrayLike) -> Array:
    """A 2 x 2 matrix."""
    found = as_matrix(matrix)
    if found.shape != (2, 2):
        raise InputError(f"matrix has the shape {found.shape}; a map of the plane is (2, 2)")
    return found
