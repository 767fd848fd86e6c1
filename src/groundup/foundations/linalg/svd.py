"""Singular value decomposition: any matrix is a rotation, a stretch along axes, and another rotation. A = U S V'.

One-sided Jacobi: rotate two columns of A in their plane until they stand at right angles, pair after pair, sweep after
sweep. When all do, their lengths are the singular values, the columns made one long are U, and the product of the rotations
is V (Hestenes 1958). It finds small singular values to nearly all digits where columns differ in scale (Demmel and Veselic
1992), since nothing is ever squared and subtracted; the square roots of the eigenvalues of A'A lose every value below 1e-8
of the largest. A sweep is a tournament: in each round all columns meet in pairs at once, and after n - 1 rounds each met each.

What follows from it, in a line each: the best approximation of lower rank (Eckart and Young 1936), the pseudo-inverse
(Moore-Penrose), the condition number. Left out: Golub-Kahan bidiagonalisation, which is faster for large
matrices, and randomised sketches.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import EPSILON, Array, as_matrix
from groundup.foundations.linalg.qr import householder_qr
from groundup.foundations.linalg.vectors import column_norms, norm
from groundup.slots import slot

SWEEPS = 60  # allowed; six to twelve are usual
LOST = EPSILON**1.5  # of the shortest column of A: far below what its rounding lets one know about a singular value


def tournament(players: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rounds in which every player meets another, until each met each once; with an odd number one rests each round.

    >>> [[(int(a), int(b)) for a, b in zip(*round)] for round in tournament(3)]
    [[(1, 2)], [(0, 2)], [(0, 1)]]
    """
    seats = np.arange(players + players % 2)  # the last one is nobody where the number is odd
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        one, other = np.sort([seats[:half], seats[half:][::-1]], axis=0)
        met = other < players
        yield one[met], other[met]
        seats[1:] = np.roll(seats[1:], 1)  # the first stays, all others move on by a seat


@slot
def jacobi_svd(matrix: ArrayLike) -> tuple[Array, Array, Array]:
    """U, s, V' with A = U diag(s) V': s descending and not negative, k = min(m, n) columns in U and rows in V'.

    The sign of a pair (column of U, row of V') is free. One-sided Jacobi on the columns; a wide matrix is transposed first.
    """
    columns = as_matrix(matrix)
    if columns.shape[0] < columns.shape[1]:
        u, s, vt = jacobi_svd(columns.T)
        return vt.T, s, u.T
    v, s = np.eye(columns.shape[1]), column_norms(columns)
    lost = LOST * s[s > 0].min(initial=s.max())
    for _ in range(SWEEPS):
        order = np.argsort(-s, kind="stable")  # long columns first: fewer sweeps
        columns, v = columns[:, order], v[:, order]
        if sweep(columns, v) <= math.sqrt(len(columns)) * EPSILON:
            break
        s = column_norms(columns)
        columns[:, s <= lost] = 0.0  # noise has no directions of its own and would be turned for ever
    s = column_norms(columns)
    order = np.argsort(-s, kind="stable")
    return left_vectors(columns[:, order], s[order]), s[order], v[:, order].T


def sweep(columns: Array, v: Array) -> float:
    """Let every two columns meet once and leave them at right angles, in place, `v` with them; the largest |cosine| that was met."""
    largest = 0.0
    for one, other in tournament(columns.shape[1]):
        a, b = columns[:, one], columns[:, other]
        tangents, cosines = meet(a, b)
        largest = max(largest, float(np.abs(cosines).max(initial=0.0)))
        c = 1 / np.hypot(1, tangents)
        for both in (columns, v):
            a, b = both[:, one], both[:, other]
            both[:, one], both[:, other] = c * (a - tangents * b), c * (tangents * a + b)
    return largest


def meet(a: Array, b: Array) -> tuple[Array, Array]:
    """For each pair of columns the tangent of the smaller rotation that makes them orthogonal, and the cosine of their angle now.

    With the lengths x, y and zeta = (y/x - x/y) / (2 cosine), the tangent is the smaller root of t^2 + 2 zeta t = 1.
    """
    x, y = column_norms(a), column_norms(b)
    there = (x > 0) & (y > 0)  # a column of zeros is at right angles to everything
    x, y = np.where(there, x, 1.0), np.where(there, y, 1.0)
    cosines = np.where(there, ((a / x) * (b / y)).sum(axis=0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        zeta = (y / x - x / y) / (2 * cosines)
        tangents = np.copysign(1.0, zeta) / (np.abs(zeta) + np.hypot(1, zeta))
    return np.where(cosines == 0, 0.0, tangents), cosines


def left_vectors(columns: Array, s: Array) -> Array:
    """Orthogonal columns made one long; where a singular value is 0, any directions that are still free."""
    there = int((s > 0).sum())
    u = np.zeros_like(columns)
    u[:, :there] = columns[:, :there] / s[:there]
    if there < len(s):
        # columns of zeros are reflected nowhere, so directions that are still free stand there
        u[:, there:] = householder_qr(u)[0][:, there:]
    return u


def singular_values(matrix: ArrayLike) -> Array:
    """The singular values, the largest first."""
    return jacobi_svd(matrix)[1]


@slot
def low_rank(matrix: ArrayLike, rank: int) -> Array:
    """The matrix of at most this rank that is nearest to `matrix`, by the spectral norm and by the Frobenius norm alike.

    The sum of the first `rank` terms s_i u_i v_i' (Eckart and Young 1936).
    """
    matrix = as_matrix(matrix)
    if not 0 <= rank <= min(matrix.shape):
        raise InputError(f"rank={rank} for a matrix of shape {matrix.shape}; use 0 to {min(matrix.shape)}")
    u, s, vt = jacobi_svd(matrix)
    return (u[:, :rank] * s[:rank]) @ vt[:rank]


def low_rank_errors(matrix: ArrayLike) -> tuple[Array, Array]:
    """How far the best approximation of rank 0, 1, ..., k is from the matrix: by the spectral and by the Frobenius norm.

    They are the first singular value left out, and the root of the sum of squares of all that are left out.
    """
    s = np.append(singular_values(matrix), 0.0)
    return s, np.array([norm(s[rank:]) for rank in range(len(s))])


def pseudo_inverse(matrix: ArrayLike, tolerance: float | None = None) -> Array:
    """The Moore-Penrose inverse: pseudo_inverse(A) @ b is the shortest of all x for which A x comes nearest to b.

    tolerance: singular values up to this part of the largest count as 0; by default max(m, n) eps, as in SciPy.
    """
    u, s, vt = jacobi_svd(matrix)
    small = max(len(u), vt.shape[1]) * EPSILON if tolerance is None else tolerance
    kept = s > small * s[0]
    return (vt[kept].T / s[kept]) @ u[:, kept].T


def condition_number(matrix: ArrayLike) -> float:
    """The largest singular value over the smallest: how many times larger a relative error may become; infinite if one is 0."""
    s = singular_values(matrix)
    return float(s[0] / s[-1]) if s[-1] > 0 else math.inf
