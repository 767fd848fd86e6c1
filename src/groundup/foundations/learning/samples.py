"""What every function of this folder asks of its input: a table of numbers, and one answer a row.

x is always (examples, features). Labels may be integers, strings or booleans: inside they become the codes 0, 1, 2,
..., the places of the classes in sorted order. Left out: missing values (fill them or leave the rows out first), sparse
tables.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector

Codes = NDArray[np.int64]


def with_numbers(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """A table and one number for each of its rows."""
    table, numbers = as_matrix(x, "x"), as_vector(y, "y")
    same_count(table, numbers, "y")
    return table, numbers


def as_classes(labels: ArrayLike, name: str = "labels") -> tuple[NDArray, Codes]:
    """The classes in sorted order, and for each label the place of its class.

    >>> classes, codes = as_classes(["no", "yes", "no"])
    >>> classes.tolist(), codes.tolist()
    (['no', 'yes'], [0, 1, 0])
    """
    array = np.asarray(labels)
    if array.ndim != 1 or not array.size:
        raise InputError(f"{name} have the shape {array.shape}; give a list with one class for each example")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} hold NaN or infinity; leave the examples without a class out")
    try:
        classes, codes = np.unique(array, return_inverse=True)
    except TypeError as error:
        raise InputError(
            f"{name} are of kinds that cannot be sorted ({error}); use all numbers or all strings"
        ) from None
    return classes, codes.astype(np.int64)


def with_classes(x: ArrayLike, labels: ArrayLike) -> tuple[Array, NDArray, Codes]:
    """A table, its classes in sorted order, and for each row the place of its class."""
    table = as_matrix(x, "x")
    classes, codes = as_classes(labels)
    same_count(table, codes, "labels")
    return table, classes, codes


def same_count(x: NDArray, y: NDArray, name: str) -> None:
    """Refuse a table and answers of different length."""
    if len(x) != len(y):
        raise InputError(f"x has {len(x)} rows and {name} {len(y)}; give one for each row")


def same_features(x: NDArray, known: int) -> None:
    """Refuse a table with other columns than those that were learned from."""
    if x.shape[1] != known:
        raise InputError(f"x has {x.shape[1]} features and the model was fitted on {known}; give the same columns")


def one_hot(codes: Codes, classes: int) -> Array:
    """A row for each code with a 1 in its place."""
    return np.eye(classes)[codes]


def squared_distances(a: ArrayLike, b: ArrayLike) -> Array:
    """|a_i - b_j|^2 for all rows of a and b; by subtraction, since |a|^2 - 2ab + |b|^2 would cancel for near points.

    >>> squared_distances([[0, 0]], [[3, 4], [0, 1]])
    array([[25.,  1.]])
    """
    left, right = as_matrix(a, "a"), as_matrix(b, "b")
    if left.shape[1] != right.shape[1]:
        raise InputError(
            f"rows with {left.shape[1]} and {right.shape[1]} numbers have no distance; use the same features"
        )
    if len(left) > len(right):  # the loop goes over the shorter table
        return squared_distances(right, left).T
    return np.stack([((right - row) ** 2).sum(axis=1) for row in left])
