"""Eigenvalues and eigenvectors: the directions that a matrix only stretches, A v = lambda v.

    power iteration      multiply again and again: the largest wins, its rivals shrink by |lambda_2 / lambda_1| a step
    inverse iteration    the same with (A - shift I)^-1: the eigenvalue nearest to the shift wins, in a few steps
    Rayleigh iteration   the shift is the latest estimate: correct digits triple with every step (symmetric matrices)
    QR algorithm         A - shift I = Q R, then R Q + shift I, which has the same eigenvalues; the last row goes to 0

Before the QR algorithm a matrix is reduced by reflections to Hessenberg form, zero below the first subdiagonal: for a
symmetric matrix that is tridiagonal. Then one step costs a row of rotations. (Francis 1961; Wilkinson 1965; Golub and
Van Loan, 7.4, 7.5, 8.2, 8.3.) A symmetric matrix has real eigenvalues and orthonormal eigenvectors; a general real one may
have pairs of complex ones, which are found here in complex arithmetic, by single shifts.

Eigenvalues are good to about 1e-16 times the largest; the sign of an eigenvector is free. Left out: eigenvectors of
general matrices (inverse iteration finds those of real eigenvalues), divide and conquer, sparse matrices.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import EPSILON, Array, as_square, as_symmetric, as_vector
from groundup.foundations.linalg.qr import back_substitution, householder_qr, reflector
from groundup.foundations.linalg.vectors import norm
from groundup.slots import slot

STEPS_EACH = 30  # QR steps allowed for an eigenvalue; two or three are usual
STUCK = 10  # steps without progress after which another shift is tried


# ───────── one pair at a time ─────────


def rayleigh_quotient(matrix: ArrayLike, vector: ArrayLike) -> float:
    """The number that comes nearest to being the eigenvalue of a vector: v'Av / v'v."""
    matrix, vector = as_square(matrix), unit_start(matrix, vector)
    return float(vector @ matrix @ vector)


@slot
def power_iteration(
    matrix: ArrayLike, start: ArrayLike, steps: int = 10_000, tolerance: float = 1e-10
) -> tuple[float, Array]:
    """The eigenvalue of largest size and its unit eigenvector, by multiplying `start` with the matrix again and again.

    Ends when |A v - lambda v| <= tolerance |lambda|. Where two eigenvalues are equally large (lambda and -lambda, or a
    complex pair) it never does: InputError after `steps`.
    """
    matrix, vector = as_square(matrix), unit_start(matrix, start)
    for _ in range(steps):
        image = matrix @ vector
        value = float(vector @ image)
        if norm(image - value * vector) <= tolerance * abs(value):
            return value, vector
        vector = image / norm(image)
    raise no_end(steps)


def inverse_iteration(
    matrix: ArrayLike, shift: float, start: ArrayLike, steps: int = 100, tolerance: float = 1e-10
) -> tuple[float, Array]:
    """The eigenvalue nearest to `shift` and its unit eigenvector: power iteration with (A - shift I)^-1."""
    matrix, vector = as_square(matrix), unit_start(matrix, start)
    q, r = _factors(matrix, shift)
    for _ in range(steps):
        vector = _unit(back_substitution(r, q.T @ vector))
        image = matrix @ vector
        value = float(vector @ image)
        if _small_rest(matrix, image - value * vector, tolerance):
            return value, vector
    raise no_end(steps)


def rayleigh_iteration(
    matrix: ArrayLike, start: ArrayLike, steps: int = 50, tolerance: float = 1e-14
) -> tuple[float, Array]:
    """An eigenvalue and eigenvector of a symmetric matrix near `start`; the number of correct digits triples each step."""
    matrix, vector = as_symmetric(matrix), unit_start(matrix, start)
    for _ in range(steps):
        image = matrix @ vector
        value = float(vector @ image)
        if _small_rest(matrix, image - value * vector, tolerance):
            return value, vector
        q, r = _factors(matrix, value)
        vector = _unit(back_substitution(r, q.T @ vector))
    raise no_end(steps)


def unit_start(matrix: ArrayLike, start: ArrayLike) -> Array:
    """A first vector of length 1."""
    vector, rows = as_vector(start, "start"), len(np.asarray(matrix))
    if len(vector) != rows:
        raise InputError(f"start has {len(vector)} numbers and the matrix {rows} rows; give one number a row")
    if not vector.any():
        raise InputError("start is all zeros and would stay so; give any other vector")
    return _unit(vector)


def _unit(vector: Array) -> Array:
    return vector / norm(vector)


def _factors(matrix: Array, shift: float) -> tuple[Array, Array]:
    """Q and R of A - shift I; a shift that is an eigenvalue leaves a 0 in R, and a tiny number there does no harm."""
    q, r = householder_qr(matrix - shift * np.eye(len(matrix)))
    places = np.arange(len(r))
    tiny = EPSILON * max(norm(matrix.ravel()), abs(shift), math.sqrt(np.finfo(np.float64).tiny))
    r[places, places] = np.copysign(np.maximum(np.abs(np.diagonal(r)), tiny), np.diagonal(r))
    return q, r


def _small_rest(matrix: Array, rest: Array, tolerance: float) -> bool:
    """Whether A v - lambda v is small beside A; below a few roundings nothing can come."""
    return norm(rest) <= max(tolerance, 4 * len(matrix) * EPSILON) * norm(matrix.ravel())


def no_end(steps: int) -> InputError:
    """What to say when an iteration does not settle."""
    return InputError(
        f"no single eigenvector stood out in {steps} steps: two eigenvalues are (nearly) equally large, or complex; "
        f"give more steps, another start or shift, or use qr_algorithm or eigenvalues"
    )


# ───────── all at once ─────────


def hessenberg(matrix: ArrayLike) -> tuple[Array, Array]:
    """Q and H with A = Q H Q', Q orthonormal and H zero below the first subdiagonal; tridiagonal for a symmetric A."""
    h = as_square(matrix)
    q = np.eye(len(h))
    for k in range(len(h) - 2):
        v = reflector(h[k + 1 :, k])
        h[k + 1 :] -= 2 * np.outer(v, v @ h[k + 1 :])
        h[:, k + 1 :] -= 2 * np.outer(h[:, k + 1 :] @ v, v)  # from the right too: that keeps the eigenvalues
        q[:, k + 1 :] -= 2 * np.outer(q[:, k + 1 :] @ v, v)
        h[k + 2 :, k] = 0.0
    return q, h


def givens(a: complex, b: complex) -> NDArray[Any]:
    """The 2 x 2 rotation G with G (a, b)' = (length, 0)'.

    >>> givens(3.0, 4.0)
    array([[ 0.6,  0.8],
           [-0.8,  0.6]])
    """
    length = math.hypot(abs(a), abs(b))
    if length == 0:
        return np.eye(2)
    cosine, sine = a / length, b / length
    return np.array([[np.conj(cosine), np.conj(sine)], [-sine, cosine]])


def corner_shift(h: NDArray[Any], size: int) -> complex:
    """Wilkinson's shift: of the two eigenvalues of the last 2 x 2 block of the leading `size` rows, the one nearer to its corner."""
    (a, b), (c, d) = h[size - 2 : size, size - 2 : size]
    half, mean = (a - d) / 2, (a + d) / 2
    root = np.sqrt(complex(half * half + b * c))
    return complex(min(mean + root, mean - root, key=lambda value: abs(value - d)))


def shifted_step(h: NDArray[Any], q: NDArray[Any], shift: complex, size: int) -> None:
    """One QR step on the leading `size` rows and columns of a Hessenberg matrix, in place: H - shift I = G R, then R G + shift I.

    G is a row of rotations, one a subdiagonal entry; `q` takes part, so that q h q* stays what it was.
    """
    diagonal = np.arange(size)
    h[diagonal, diagonal] -= shift
    turns = []
    for k in range(size - 1):
        turns.append(givens(h[k, k], h[k + 1, k]))
        h[k : k + 2, k:] = turns[k] @ h[k : k + 2, k:]
    for k, turn in enumerate(turns):
        back = turn.conj().T
        h[: k + 2, k : k + 2] = h[: k + 2, k : k + 2] @ back
        q[:, k : k + 2] = q[:, k : k + 2] @ back
    h[diagonal, diagonal] += shift


@slot
def qr_algorithm(matrix: ArrayLike) -> tuple[Array, Array]:
    """All eigenvalues of a symmetric matrix in ascending order, and its orthonormal eigenvectors as columns in that order.

    QR algorithm with Wilkinson's shifts on the tridiagonal form. When the last row has nothing left beside the diagonal,
    its eigenvalue is found and the matrix is one smaller (deflation).
    """
    q, t = hessenberg(as_symmetric(matrix))
    size, small = len(t), EPSILON * norm(t.ravel())
    for _ in range(STEPS_EACH * len(t)):
        while size > 1 and abs(t[size - 1, size - 2]) <= small:
            size -= 1
        if size == 1:
            break
        shifted_step(t, q, corner_shift(t, size).real, size)
    assert size == 1, f"{size} eigenvalues were not found in {STEPS_EACH * len(t)} steps"
    order = np.argsort(np.diagonal(t), kind="stable")
    return np.diagonal(t)[order], q[:, order]


def eigenvalues(matrix: ArrayLike) -> NDArray[np.complex128]:
    """All eigenvalues of a square matrix, complex, sorted by real and then by imaginary part.

    Imaginary parts within rounding are 0. Where k eigenvalues coincide without k eigenvectors, k digits share the 16.
    """
    h = hessenberg(matrix)[1].astype(np.complex128)
    q = np.eye(0, len(h), dtype=np.complex128)  # no vectors are asked for
    size, small, tried = len(h), EPSILON * norm(np.abs(h).ravel()), 0
    for _ in range(STEPS_EACH * len(h)):
        while size > 1 and abs(h[size - 1, size - 2]) <= small:
            size, tried = size - 1, 0
        if size == 1:
            break
        tried += 1
        shift = corner_shift(h, size)
        if tried % STUCK == 0:  # a cyclic permutation comes back to itself under Wilkinson's shift, which is 0 there
            shift = h[size - 1, size - 1] + abs(h[size - 1, size - 2])
        shifted_step(h, q, shift, size)
    assert size == 1, f"{size} eigenvalues were not found in {STEPS_EACH * len(h)} steps"
    values = np.diagonal(h).copy()
    values.imag[np.abs(values.imag) <= len(h) * small] = 0.0
    # rounding of the real parts must not part a conjugate pair
    step = max(16 * len(h) * small, float(np.finfo(np.float64).tiny))
    return values[np.lexsort([values.imag, np.round(values.real / step)])]
