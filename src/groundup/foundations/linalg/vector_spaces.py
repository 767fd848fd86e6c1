"""Vector spaces: what vectors can reach together, with how few of them, and the nearest point of it.

The span of some vectors is all their mixtures; a basis reaches as much with none to spare; their number is the rank. With
orthonormal vectors Q all of this is easy: the nearest point of the span to v is Q Q' v. Gram-Schmidt makes any vectors
orthonormal: from each, take away what the ones before it explain, and divide the rest by its length.

In exact arithmetic the order of the subtractions does not matter. In floating point it does (loss |I - Q'Q|, kappa the
condition number, eps = 2.2e-16; Bjorck 1967, Giraud et al. 2005):

    classical   all parts from the original vector     kappa^2 eps
    modified    each part from what is left so far     kappa eps
    twice       classical, done two times              eps           ("twice is enough", Parlett after Kahan)

Vectors are the columns of a matrix. Rank is a question of tolerance: below it a rest counts as rounding. It is found here
by taking the longest rest first; rare matrices (Kahan's) deceive that by a moderate factor, and the singular values do not.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import EPSILON, Array, as_matrix, as_vector
from groundup.foundations.linalg.vectors import column_norms, norm
from groundup.slots import slot

# ───────── Gram-Schmidt ─────────


@slot
def gram_schmidt(vectors: ArrayLike) -> Array:
    """Orthonormal columns of which the first k span what the first k columns of `vectors` span, for every k.

    Modified Gram-Schmidt: as soon as a direction is known, all later columns lose their part along it. Columns that are
    dependent (a rest within rounding) are an InputError. Golub and Van Loan, 5.2.8.
    """
    rest = as_matrix(vectors, "vectors")
    lengths = column_norms(rest)
    directions = np.zeros_like(rest)
    for k in range(rest.shape[1]):
        directions[:, k] = unit(rest[:, k], lengths[k], k)
        rest[:, k + 1 :] -= np.outer(directions[:, k], directions[:, k] @ rest[:, k + 1 :])
    return directions


def gram_schmidt_classical(vectors: ArrayLike, passes: int = 1) -> Array:
    """The same by the textbook's formula, q_k ~ a_k - sum of (q_j . a_k) q_j; with 2 passes the subtraction is done twice."""
    given = as_matrix(vectors, "vectors")
    lengths = column_norms(given)
    directions = np.zeros_like(given)
    for k in range(given.shape[1]):
        before, rest = directions[:, :k], given[:, k]
        for _ in range(passes):
            rest = rest - before @ (before.T @ rest)
        directions[:, k] = unit(rest, lengths[k], k)
    return directions


def unit(rest: Array, length: float, k: int) -> Array:
    """What is left of vector `k`, made one long; refused where it is only the rounding of a vector of this length."""
    left = norm(rest)
    if left <= len(rest) * EPSILON * length:
        raise InputError(
            f"vector {k} (counted from 0) depends on those before it: {left:.1e} of its length {length:.1e} is left, which "
            f"is rounding; leave it out, or use orthonormal_basis"
        )
    return rest / left


def loss_of_orthogonality(directions: ArrayLike) -> float:
    """How far columns are from orthonormal: the Frobenius norm of I - Q'Q, at best about 1e-16 a column."""
    q = as_matrix(directions, "directions")
    return norm((np.eye(q.shape[1]) - q.T @ q).ravel())


# ───────── span, basis, rank ─────────


def independent_columns(vectors: ArrayLike, tolerance: float | None = None) -> tuple[list[int], Array]:
    """Columns that span as much as all of them, the longest rest first, and orthonormal vectors of the same span.

    tolerance: a rest no longer than this counts as zero; by default max(rows, columns) eps times the longest column.
    """
    rest = as_matrix(vectors, "vectors")
    lengths = column_norms(rest)
    small = max(rest.shape) * EPSILON * lengths.max() if tolerance is None else tolerance
    chosen: list[int] = []
    basis = np.zeros((len(rest), 0))
    while len(chosen) < min(rest.shape) and lengths.max() > small:
        chosen.append(int(lengths.argmax()))
        direction = rest[:, chosen[-1]] / lengths.max()
        direction -= basis @ (basis.T @ direction)  # once more: a short rest is not quite at right angles to the others
        basis = np.column_stack([basis, direction / norm(direction)])
        rest -= np.outer(basis[:, -1], basis[:, -1] @ rest)
        rest[:, chosen] = 0.0
        lengths = column_norms(rest)
    return chosen, basis


def orthonormal_basis(vectors: ArrayLike, tolerance: float | None = None) -> Array:
    """Orthonormal columns that span what the columns of `vectors` span; dependent ones are welcome."""
    return independent_columns(vectors, tolerance)[1]


def rank(matrix: ArrayLike, tolerance: float | None = None) -> int:
    """How many columns (or rows: it is the same number) are independent, up to a tolerance.

    >>> rank([[1, 2], [2, 4]]), rank([[1, 2], [2, 4.001]]), rank([[1, 2], [2, 4.001]], tolerance=0.01)
    (1, 2, 1)
    """
    return len(independent_columns(matrix, tolerance)[0])


def in_span(vector: ArrayLike, vectors: ArrayLike, tolerance: float = 1e-10) -> bool:
    """Whether a vector is a mixture of the columns, up to `tolerance` times its own length."""
    vector = as_vector(vector)
    return norm(vector - project(vector, vectors)) <= tolerance * norm(vector)


# ───────── projection ─────────


@slot
def project(vector: ArrayLike, onto: ArrayLike) -> Array:
    """The point nearest to `vector` among all mixtures of the columns of `onto`; the columns may be dependent.

    The rest, vector - project(vector, onto), stands at right angles to every column.

    >>> project([1, 2, 3], [[1, 1], [0, 1], [0, 0]]).round(12)
    array([1., 2., 0.])
    """
    vector, onto = as_vector(vector), as_matrix(onto, "onto")
    if len(vector) != len(onto):
        raise InputError(
            f"vector has {len(vector)} numbers and the columns of onto {onto.shape} have {len(onto)}; both need as many"
        )
    directions = orthonormal_basis(onto)
    return directions @ (directions.T @ vector)
