"""Exercise: QR by mirrors."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import finite, same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(rows, columns):
    """A matrix, the same at every call."""
    import numpy

    return numpy.random.default_rng(rows + 10 * columns).normal(size=(rows, columns))


SIZES = ((1, 1), (2, 1), (2, 2), (3, 2), (2, 3), (4, 4), (6, 3))


@check("shape")
def economic_unless_full_is_asked(mine):
    """Gives other shapes: Q (m, k) and R (k, n) with k = min(m, n); with full=True Q (m, m) and R (m, n)."""
    for rows, columns in SIZES:
        for full in (False, True):
            k = rows if full else min(rows, columns)
            q, r = mine(case(rows, columns), full)
            shape(q, (rows, k))
            shape(r, (k, columns))


@check("finite")
def a_column_of_zeros_is_no_division_by_zero(mine):
    """Divides by the length 0 of a column that has nothing to mirror."""
    import warnings

    from groundup.errors import InputError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in ([[0], [0]], [[0, 1], [0, 1]], [[1, 1], [0, 1]]):
            try:
                finite(mine(array(given))[0])
            except InputError as error:  # the library's norm refuses NaN
                raise Failed(expected="finite numbers", got=str(error)) from None


@check("finite")
def huge_numbers_do_not_overflow(mine):
    """Overflows for numbers of 1e200, whose square is no double: divide a column by its largest entry before its length is taken."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        q, _ = mine(array([[3e200], [4e200]]))
        finite(q)


@check("invariant")
def q_is_orthonormal(mine):
    """Makes a Q whose columns are not orthonormal: a mirror is I - 2 v v' with v of length 1."""
    import numpy

    for size in SIZES:
        q = mine(case(*size))[0]
        that(abs(q.T @ q - numpy.eye(q.shape[1])).max() < 1e-9, expected="Q'Q = I", got=q.T @ q)


@check("invariant")
def the_product_is_the_matrix(mine):
    """Makes a Q and an R whose product is not the matrix: Q is the product of the mirrors in the order of the columns."""
    for size in SIZES:
        for full in (False, True):
            q, r = mine(case(*size), full)
            same(q @ r, case(*size), rtol=1e-9, atol=1e-10)


@check("invariant")
def r_is_a_triangle(mine):
    """Leaves numbers below the diagonal of R: what a mirror made 0 up to rounding is to be exactly 0."""
    import numpy

    for size in SIZES:
        r = mine(case(*size))[1]
        that((numpy.tril(r, -1) == 0).all(), expected="zeros below the diagonal", got=r)


@check("invariant")
def ill_conditioned_matrices_keep_the_right_angles(mine):
    """Loses the right angles for nearly dependent columns, as Gram-Schmidt does: multiply mirrors in its place."""
    import numpy

    given = array([[1 / (row + column + 1) for column in range(10)] for row in range(10)])
    q = mine(given)[0]
    loss = float(abs(q.T @ q - numpy.eye(10)).max())
    that(loss < 1e-13, expected="|Q'Q - I| below 1e-13 for the Hilbert matrix of order 10", got=loss)


@check("values")
def the_sign_is_the_opposite_one(mine):
    """Mirrors a column to the same side: the image takes the sign opposite to the first entry, as in LAPACK."""
    same(mine(array([[3], [4]]))[1], array([[-5]]))
    same(mine(array([[-3], [4]]))[1], array([[5]]))
    same(mine(array([[0], [4]]))[1], array([[-4]]))


@check("values")
def what_is_zero_already_is_left_alone(mine):
    """Mirrors a column that is 0 below the diagonal already: LAPACK leaves it as it is, and its sign stays."""
    same(mine(array([[2]]))[1], array([[2]]))
    same(mine(array([[2, 1], [0, 3]]))[1], array([[2, 1], [0, 3]]))


@check("values")
def as_lapack(mine):
    """Differs from LAPACK's Q and R on random matrices."""
    import numpy

    for size in SIZES:
        expected = numpy.linalg.qr(case(*size))
        same(mine(case(*size)), (expected.Q, expected.R), rtol=1e-8, atol=1e-10)


GRAM_SCHMIDT = """
import numpy as np


def householder_qr(matrix, full=False):
    rows, columns = matrix.shape
    size = rows if full else min(rows, columns)
    q = np.zeros((rows, size))
    for k in range(size):
        rest = matrix[:, k] if k < columns and matrix[k:, k].any() else np.eye(rows)[:, k]
        rest = rest / abs(rest).max()
        for j in range(k):
            rest = rest - q[:, j] * (q[:, j] @ rest)
        q[:, k] = rest / np.sqrt(rest @ rest)
    return q, np.triu(q.T @ matrix)
"""

EXERCISE = Exercise(
    slot="foundations.linalg.householder_qr",
    title="Householder QR: mirrors instead of subtractions",
    task="""
    Write A = Q R, orthonormal columns times an upper triangle. Gram-Schmidt gets there by subtractions and loses the right
    angles on nearly dependent columns. A mirror, H = I - 2 v v' with |v| = 1, is orthonormal whatever v is: choose one a
    column that turns what stands from the diagonal down into (image, 0, ..., 0), and multiply them all.

    The image may be +|x| or -|x|. Take the sign opposite to x_0: then v = x - image never subtracts near numbers, and you
    get LAPACK's Q and R with the signs. A column that is 0 below the diagonal already is left alone (v of zeros).
    """,
    difficulty=3,
    minutes=45,
    prerequisites=("foundations.linalg.gram_schmidt", "foundations.linalg.qr"),
    hints=(
        "A mirror need not be built as a matrix: H M = M - 2 v (v' M), so M -= 2 * numpy.outer(v, v @ M). In step k it "
        "meets only the rows from k on.",
        "v is x with sign(x_0) |x| added to its first entry, made one long. Divide x by its largest entry first; if x[1:] "
        "is all 0, let v be zeros, and the mirror does nothing.",
        "R: for k in order, r[k:, k:] -= 2 * outer(v, v @ r[k:, k:]). Q: begin with eye(m, k) and apply the mirrors from "
        "the last to the first, q[k:, k:] -= 2 * outer(v, v @ q[k:, k:]). Then numpy.triu for R.",
    ),
    run="groundup --mine my learn lesson foundations.linalg.qr",
    written=("reflector",),
    banned=("numpy.linalg.qr",),
    checks=(
        economic_unless_full_is_asked,
        a_column_of_zeros_is_no_division_by_zero,
        huge_numbers_do_not_overflow,
        q_is_orthonormal,
        the_product_is_the_matrix,
        r_is_a_triangle,
        ill_conditioned_matrices_keep_the_right_angles,
        the_sign_is_the_opposite_one,
        what_is_zero_already_is_left_alone,
        as_lapack,
    ),
    mutants=(
        Mutant("always full", "Gives other shapes", (("rows if full else min(rows, columns)", "rows"),)),
        Mutant(
            "zeros not looked for",
            "Divides by the length 0",
            (("    if not x[1:].any():\n        return np.zeros_like(x)\n", ""),),
        ),
        Mutant(
            "squares of huge numbers",
            "Overflows",
            (
                ("v = x / np.abs(x).max()", "v = x.copy()"),
                ("math.copysign(norm(v), v[0])", "math.copysign(np.sqrt((v**2).sum()), v[0])"),
                ("return v / norm(v)", "return v / np.sqrt((v**2).sum())"),
            ),
        ),
        Mutant("v not made one long", "columns are not orthonormal", (("return v / norm(v)", "return v"),)),
        Mutant(
            "mirrors in the wrong order",
            "whose product is not the matrix",
            (
                ("reversed(list(enumerate(mirrors)))", "enumerate(mirrors)"),
                ("q[k:, k:] -= 2 * np.outer(v, v @ q[k:, k:])", "q[k:] -= 2 * np.outer(v, v @ q[k:])"),
            ),
        ),
        Mutant("rounding left below", "Leaves numbers below the diagonal", (("np.triu(r[:size])", "r[:size]"),)),
        Mutant("the other sign", "to the same side", (("v[0] += math.copysign", "v[0] -= math.copysign"),)),
        Mutant(
            "mirrored without need",
            "LAPACK leaves it as it is",
            (("if not x[1:].any()", "if not x.any()"),),
        ),
        Mutant(
            "numpy's own",
            "the ready-made numpy.linalg.qr",
            source="""
            import numpy as np


            def householder_qr(matrix, full=False):
                q, r = np.linalg.qr(matrix, mode="complete" if full else "reduced")
                return q, r
            """,
        ),
        Mutant("Gram-Schmidt with the signs", "as Gram-Schmidt does", source=GRAM_SCHMIDT),
    ),
)
