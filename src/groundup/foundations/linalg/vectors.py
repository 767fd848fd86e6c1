"""Vectors as information: how long, at what angle, and which words are near each other.

A word becomes a vector by what stands near it: "you shall know a word by the company it keeps" (Firth 1957). Then
similar words are near vectors, and near can mean two things:

    dot product         a . b                  large for long vectors (frequent words) too; what attention uses
    cosine similarity   a . b / (|a| |b|)      the direction alone, from -1 to 1

Lengths are summed after division by the largest number, since the square of 1e200 is no double. Kahan's formula gives
an angle that stays exact where the arc cosine loses half of its digits (how close to 0 or 180 degrees it is).
Left out: approximate search among millions of vectors, and vectors that are learned.
"""

import math
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector
from groundup.slots import slot


def dot(a: ArrayLike, b: ArrayLike) -> float:
    """The inner product: the sum of a_i b_i.

    >>> dot([1, 2], [3, 4])
    11.0
    """
    a, b = _same_length(a, b)
    return float(a @ b)


def norm(vector: ArrayLike, p: float = 2.0) -> float:
    """The p-norm (sum of |x_i|^p)^(1/p): 1 counts blocks in a city, 2 is the length, infinity the largest number.

    >>> norm([3, -4]), norm([3, -4], 1), norm([3, -4], math.inf)
    (5.0, 7.0, 4.0)
    """
    if not p >= 1:
        raise InputError(f"p={p} gives no norm, since a detour could be shorter than the straight way; use p >= 1")
    sizes = np.abs(as_vector(vector))
    largest = float(sizes.max())
    if largest == 0 or p == math.inf:
        return largest
    return largest * float(((sizes / largest) ** p).sum()) ** (1 / p)


def distance(a: ArrayLike, b: ArrayLike, p: float = 2.0) -> float:
    """The p-norm of the difference."""
    a, b = _same_length(a, b)
    return norm(a - b, p)


def angle(a: ArrayLike, b: ArrayLike) -> float:
    """The angle between two vectors in radians, from 0 to pi.

    Kahan 2006, "How futile are mindless assessments of roundoff", section 12: 2 atan2(|u - v|, |u + v|) of the unit vectors.
    """
    a, b = _same_length(a, b)
    if not a.any() or not b.any():
        raise InputError("a vector of zeros has no direction; give two vectors with a length")
    u, v = a / norm(a), b / norm(b)
    return 2 * math.atan2(norm(u - v), norm(u + v))


def column_norms(matrix: Array) -> Array:
    """The length of every column, without overflow."""
    largest = np.abs(matrix).max(axis=0)
    scaled = matrix / np.where(largest > 0, largest, 1.0)
    return largest * np.sqrt((scaled**2).sum(axis=0))


def dot_product_similarity(a: ArrayLike, b: ArrayLike) -> Array:
    """The dot product of every row of `a` with every row of `b`, shape (rows of a, rows of b): one matrix product."""
    a, b = same_width(a, b)
    return a @ b.T


@slot
def cosine_similarity(a: ArrayLike, b: ArrayLike) -> Array:
    """The cosine of the angle of every row of `a` with every row of `b`, shape (rows of a, rows of b), within -1..1.

    A row of zeros has no direction: its similarity with everything is 0, as in scikit-learn.

    >>> cosine_similarity([[3, 4]], [[30, 40], [5, 0], [0, 0]])
    array([[1. , 0.6, 0. ]])
    """
    a, b = same_width(a, b)
    units = []
    for rows in (a, b):
        lengths = column_norms(rows.T)[:, None]
        units.append(rows / np.where(lengths > 0, lengths, 1.0))
    # rounding makes 1.0000000000000002 of a vector with itself, and its arc cosine NaN
    return np.clip(units[0] @ units[1].T, -1.0, 1.0)


def nearest(
    query: ArrayLike, vectors: ArrayLike, count: int = 1, leave_out: Collection[int] = ()
) -> list[tuple[int, float]]:
    """The `count` rows of `vectors` most similar to `query` by cosine, as (row, similarity), the nearest first.

    Of equals the lower row comes first. leave_out: rows that are no answer, such as the word that is asked about.
    """
    scores = cosine_similarity(as_vector(query, "query")[None], vectors)[0]
    order = [int(row) for row in np.argsort(-scores, kind="stable") if row not in leave_out]
    if not 1 <= count <= len(order):
        raise InputError(f"count={count} of {len(order)} vectors; ask for 1 to {len(order)}")
    return [(row, float(scores[row])) for row in order[:count]]


def count_neighbours(tokens: Sequence[str], window: int = 2) -> tuple[list[str], Array]:
    """Words as vectors: entry [i, j] counts how often word j stands within `window` places of word i.

    Returns the words in alphabetical order and the symmetric matrix of counts, one row a word.

    >>> count_neighbours("a b a".split(), window=1)
    (['a', 'b'], array([[0., 2.],
           [2., 0.]]))
    """
    if not tokens or window < 1:
        raise InputError(f"{len(tokens)} tokens and window={window}; give at least one token and a window of 1 or more")
    words = sorted(set(tokens))
    ids = {word: id for id, word in enumerate(words)}
    text = np.array([ids[token] for token in tokens])
    counts = np.zeros((len(words), len(words)))
    for distance in range(1, min(window, len(text) - 1) + 1):
        np.add.at(counts, (text[:-distance], text[distance:]), 1.0)
    return words, counts + counts.T


def _same_length(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Two vectors of one space."""
    one, other = as_vector(a, "a"), as_vector(b, "b")
    if one.shape != other.shape:
        raise InputError(f"a has {len(one)} numbers and b has {len(other)}; both need as many")
    return one, other


def same_width(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Two stacks of row vectors of one space."""
    one, other = as_matrix(a, "a"), as_matrix(b, "b")
    if one.shape[1] != other.shape[1]:
        raise InputError(
            f"the rows of a have {one.shape[1]} numbers and those of b {other.shape[1]}; both need as many"
        )
    return one, other
