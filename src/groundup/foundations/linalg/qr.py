"""QR decomposition by reflections: any matrix as orthonormal columns times a triangle, A = Q R.

A reflection H = I - 2 v v' mirrors space at the plane across v. One reflection a column, chosen so that what stands below
the diagonal becomes 0, turns A into R; the product of the reflections is Q (Householder 1958; Golub and Van Loan 5.2).
Unlike Gram-Schmidt it keeps Q orthonormal to the last digit however ill-conditioned A is, since each factor is exact.

Signs. The mirror image of column x may be +|x| or -|x|. We take the sign opposite to x_0, so that v = x - image is never
a difference of near numbers; this is LAPACK's choice too, so Q and R equal `numpy.linalg.qr` with the signs.
A column that is already 0 below the diagonal is left alone. `with_positive_diagonal` gives the form that is unique.

With Q and R, equations are easy: Q'b costs no accuracy, and a triangle is solved from below. For least squares this keeps
the condition number of A where the normal equations A'A x = A'b square it. The full Q also holds what A does not reach: its
columns beyond the rank. Left out: pivoting, Q kept as reflections.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import EPSILON, Array, as_matrix, as_square, as_vector
from groundup.foundations.linalg.vector_spaces import orthonormal_basis
from groundup.foundations.linalg.vectors import norm
from groundup.slots import slot


def reflector(x: Array) -> Array:
    """The unit vector v for which x - 2 v (v . x) = (-sign(x_0) |x|, 0, ..., 0); zeros where nothing is to be removed."""
    if not x[1:].any():
        return np.zeros_like(x)
    v = x / np.abs(x).max()
    v[0] += math.copysign(norm(v), v[0])  # away from 0: with the other sign two near numbers would cancel
    return v / norm(v)


@slot
def householder_qr(matrix: ArrayLike, full: bool = False) -> tuple[Array, Array]:
    """A = Q R with orthonormal columns Q and an upper triangle R, of any m x n matrix.

    Economic: Q is m x min(m, n), R is min(m, n) x n. full: Q is m x m, R is m x n. Each diagonal entry of R has the sign
    opposite to what stood there when its column was reflected, as in LAPACK.
    """
    r = as_matrix(matrix)
    rows, columns = r.shape
    mirrors = []
    for k in range(min(rows, columns)):
        v = reflector(r[k:, k])
        r[k:, k:] -= 2 * np.outer(v, v @ r[k:, k:])
        mirrors.append(v)
    size = rows if full else min(rows, columns)
    q = np.eye(rows, size)
    for k, v in reversed(list(enumerate(mirrors))):  # backwards: reflection k meets only the columns from k on
        q[k:, k:] -= 2 * np.outer(v, v @ q[k:, k:])
    return q, np.triu(r[:size])


def with_positive_diagonal(q: Array, r: Array) -> tuple[Array, Array]:
    """The same product with no negative number on R's diagonal: unique where A has independent columns."""
    signs = np.ones(len(r))
    signs[: min(r.shape)] = np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return q * signs, r * signs[:, None]


def back_substitution(r: ArrayLike, y: ArrayLike) -> Array:
    """Solve R x = y from the last row up, for an upper triangle R; what stands below the diagonal is not read.

    >>> back_substitution([[2, 1], [0, 4]], [4, 8])
    array([1., 2.])
    """
    triangle, x = as_square(r, "r"), as_vector(y, "y")
    if len(triangle) != len(x):
        raise InputError(f"r {triangle.shape} and y with {len(x)} numbers do not fit; give one number a row")
    for k in reversed(range(len(x))):
        if triangle[k, k] == 0:
            raise InputError(f"r has a 0 at [{k}, {k}], so there is no single solution; use pseudo_inverse")
        x[k] = (x[k] - triangle[k, k + 1 :] @ x[k + 1 :]) / triangle[k, k]
    return x


def orthogonal_complement(vectors: ArrayLike) -> Array:
    """Orthonormal columns for all directions that the columns of `vectors` do not reach; none where they reach all."""
    basis = orthonormal_basis(vectors)
    if not basis.size:
        return np.eye(len(basis))
    return householder_qr(basis, full=True)[0][:, basis.shape[1] :]


def null_space(matrix: ArrayLike) -> Array:
    """Orthonormal columns for all x with matrix x = 0: what stands at right angles to every row."""
    return orthogonal_complement(as_matrix(matrix).T)


def solve(matrix: ArrayLike, b: ArrayLike) -> Array:
    """Solve A x = b for a square matrix."""
    a, b = _equations(as_square(matrix), b)
    return _by_triangle(a, b)


def least_squares(matrix: ArrayLike, b: ArrayLike) -> Array:
    """The x for which A x comes nearest to b: R x = Q'b, for a matrix with independent columns.

    >>> least_squares([[1, 0], [1, 1], [1, 2]], [1, 3, 5]).round(12)
    array([1., 2.])
    """
    a, b = _equations(as_matrix(matrix), b)
    if a.shape[0] < a.shape[1]:
        raise InputError(
            f"matrix {a.shape} has fewer equations than unknowns, so many x fit; pseudo_inverse(matrix) @ b is the shortest"
        )
    return _by_triangle(a, b)


def least_squares_by_normal_equations(matrix: ArrayLike, b: ArrayLike) -> Array:
    """The same from A'A x = A'b: half the work, and twice as many digits are lost. For comparison."""
    a, b = _equations(as_matrix(matrix), b)
    return _by_triangle(a.T @ a, a.T @ b)


def _equations(a: Array, b: ArrayLike) -> tuple[Array, Array]:
    """A matrix and a right side of as many rows."""
    right = as_vector(b, "b")
    if len(a) != len(right):
        raise InputError(f"matrix {a.shape} has {len(a)} rows and b has {len(right)} numbers; give one number a row")
    return a, right


def _by_triangle(a: Array, b: Array) -> Array:
    """Solve by QR; a triangle whose smallest diagonal entry is rounding says nothing about x."""
    q, r = householder_qr(a)
    pivots = np.abs(np.diagonal(r))
    if pivots.min() <= max(a.shape) * EPSILON * pivots.max():
        raise InputError(
            f"the columns of the {a.shape[0]} x {a.shape[1]} matrix are dependent to working precision (column "
            f"{int(pivots.argmin())}, counted from 0, adds nothing new); use pseudo_inverse(matrix) @ b"
        )
    return back_substitution(r, q.T @ b)
