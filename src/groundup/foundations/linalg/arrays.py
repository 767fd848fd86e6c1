"""What every function of this folder asks of its input: real, finite numbers in the right number of axes.

Whatever comes (a list, integers, float32, a tensor on the CPU) becomes a new float64 array, so nothing that a caller
holds is ever changed, and no sum of integers overflows. Complex numbers are left out.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError

Array = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)  # 2.2e-16: the distance from 1 to the next number
ASYMMETRY = 1e-10  # of the largest entry: what rounding makes of X'X stays far below it


def as_vector(values: ArrayLike, name: str = "vector") -> Array:
    """A new float64 array with one axis."""
    return _as_numbers(values, name, 1, "a vector (one axis)")


def as_matrix(values: ArrayLike, name: str = "matrix") -> Array:
    """A new float64 array with two axes."""
    return _as_numbers(values, name, 2, "a matrix (two axes)")


def as_square(values: ArrayLike, name: str = "matrix") -> Array:
    """A matrix with as many rows as columns."""
    matrix = as_matrix(values, name)
    if matrix.shape[0] != matrix.shape[1]:
        raise InputError(
            f"{name} has the shape {matrix.shape} where a square one is needed; for others there are svd and least_squares"
        )
    return matrix


def as_symmetric(values: ArrayLike, name: str = "matrix") -> Array:
    """A square matrix that equals its transpose up to rounding; what rounding left is averaged away."""
    matrix = as_square(values, name)
    difference = np.abs(matrix / 2 - matrix.T / 2)  # halves: two huge numbers of different sign would overflow
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    if difference[row, column] > ASYMMETRY / 2 * np.abs(matrix).max():
        raise InputError(
            f"{name} is not symmetric: {matrix[row, column]:.6g} at [{row}, {column}] and {matrix[column, row]:.6g} at "
            f"[{column}, {row}]; eigenvalues takes any square matrix"
        )
    return matrix / 2 + matrix.T / 2


def _as_numbers(values: ArrayLike, name: str, axes: int, what: str) -> Array:
    """The checks themselves, from what it is to what is in it."""
    try:
        array = np.array(values)
    except ValueError:
        raise InputError(f"{name} has rows of different lengths; make them equally long") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {array.dtype} where real numbers are needed; convert it to floats first")
    if array.ndim != axes:
        raise InputError(f"{name} has the shape {array.shape} where {what} is needed; reshape it")
    if not array.size:
        raise InputError(f"{name} is empty (shape {array.shape}); give at least one number")
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        place = [int(index) for index in np.argwhere(~np.isfinite(numbers))[0]]
        raise InputError(f"{name} holds {numbers[tuple(place)]} at {place}; leave such rows out or fill them first")
    return numbers
