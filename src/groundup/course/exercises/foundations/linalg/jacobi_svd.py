"""Exercise: the singular value decomposition, by turning columns until they stand at right angles."""

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


SIZES = ((1, 1), (2, 1), (2, 2), (3, 2), (2, 3), (3, 3), (6, 4))


@check("shape")
def economic_shapes(mine):
    """Gives other shapes: U (m, k), s (k,), V' (k, n) with k = min(m, n)."""
    for rows, columns in SIZES:
        k = min(rows, columns)
        u, s, vt = mine(case(rows, columns))
        for got, expected in ((u, (rows, k)), (s, (k,)), (vt, (k, columns))):
            shape(got, expected)


@check("finite")
def zeros_are_no_division_by_zero(mine):
    """Divides by 0: a column of zeros has no length to divide by, and the matrix of zeros has a decomposition too."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in ([[0]], [[0], [0]], [[1, 0], [0, 0]], [[1, 1], [1, 1]]):
            try:
                for one in mine(array(given)):
                    finite(one)
            except Failed:
                raise
            except Exception as error:  # the library's functions refuse NaN
                raise Failed(expected="finite numbers", got=str(error)) from None


@check("invariant")
def v_is_orthonormal(mine):
    """Makes a V whose columns are not orthonormal: a rotation has c = 1 / sqrt(1 + t^2) and s = c t."""
    import numpy

    for size in SIZES:
        vt = mine(case(*size))[2]
        that(abs(vt @ vt.T - numpy.eye(len(vt))).max() < 1e-9, expected="V'V = I", got=vt @ vt.T)


@check("invariant")
def the_product_is_the_matrix(mine):
    """Makes three matrices whose product U diag(s) V' is not the matrix: V takes every rotation that the columns take, and is given back transposed."""
    for size in SIZES:
        u, s, vt = mine(case(*size))
        same((u * s) @ vt, case(*size), rtol=1e-9, atol=1e-10)


@check("invariant")
def u_is_orthonormal(mine):
    """Makes a U whose columns are not orthonormal: rotate until all pairs are at right angles, sweep after sweep."""
    import numpy

    for size in SIZES:
        u = mine(case(*size))[0]
        that(abs(u.T @ u - numpy.eye(u.shape[1])).max() < 1e-9, expected="U'U = I", got=u.T @ u)


@check("invariant")
def the_largest_comes_first(mine):
    """Gives the singular values in another order than from the largest to the smallest, or below 0."""
    for size in SIZES:
        s = mine(case(*size))[1]
        that((s[:-1] >= s[1:]).all() and (s >= 0).all(), expected="descending, not below 0", got=s)


@check("values")
def free_directions_are_filled(mine):
    """Leaves zeros in U where a singular value is 0: any directions that are still free belong there (left_vectors finds them)."""
    import numpy

    for given in ([[0]], [[0], [0]], [[1, 0], [0, 0]], [[1, 1], [1, 1], [1, 1]]):
        u = mine(array(given))[0]
        that(abs(u.T @ u - numpy.eye(u.shape[1])).max() < 1e-9, expected="U'U = I", got=u.T @ u)


@check("values")
def small_values_keep_their_digits(mine):
    """Loses small singular values: form no A'A, and ask of a cosine, not of a dot product, whether it is small enough."""
    given = array([[1, 2, 1], [1, -1, 2], [2, 1, -1]]) * array([2.0**-30, 2.0**-60, 1])
    s = mine(given)[1]
    same(float(s[0] * s[1] * s[2] * 2.0**90), 12.0, rtol=1e-9)


EXERCISE = Exercise(
    slot="foundations.linalg.jacobi_svd",
    title="SVD by Jacobi: turn until all is at right angles",
    task="""
    Any matrix is a rotation, a stretch along axes, and another rotation: A = U S V'. To find it, take two columns and rotate
    them in their plane until they stand at right angles; then the next two, until all do. Their lengths are the
    singular values, the columns made one long are U, and all rotations together are V. Nothing is squared and subtracted, so
    small singular values keep their digits, which the eigenvalues of A'A lose.

    Three functions: `meet` finds the tangents for many pairs at once, `sweep` lets all pairs meet, `jacobi_svd` repeats.
    Given: tournament(n), rounds of disjoint pairs of columns; left_vectors(columns, s), which makes U. Only jacobi_svd is
    judged, so a plain double loop over pairs will do as well.
    """,
    difficulty=4,
    minutes=75,
    prerequisites=("foundations.linalg.svd", "foundations.linalg.householder_qr"),
    hints=(
        "With lengths x, y and the cosine of the angle: zeta = (y/x - x/y) / (2 cosine), t = sign(zeta) / (|zeta| + "
        "sqrt(1 + zeta^2)); no rotation where the cosine is 0 or a column is 0.",
        "Rotate with c = 1 / sqrt(1 + t^2): a, b become c (a - t b), c (t a + b). Do the same to the columns of V, which begins as I.",
        "Stop when the largest |cosine| of a sweep is at most sqrt(rows) eps. Then s = lengths; sort from the largest down, "
        "U = left_vectors(columns, s), and V'. A wide matrix: decompose its transpose and swap.",
    ),
    run="groundup --mine my learn lesson foundations.linalg.svd",
    written=("meet", "sweep"),
    banned=("numpy.linalg.svd", "numpy.linalg.eigh", "numpy.linalg.eig"),
    checks=(
        economic_shapes,
        zeros_are_no_division_by_zero,
        v_is_orthonormal,
        the_product_is_the_matrix,
        u_is_orthonormal,
        the_largest_comes_first,
        free_directions_are_filled,
        small_values_keep_their_digits,
    ),
    mutants=(
        Mutant("wide matrices not swapped", "Gives other shapes", (("return vt.T, s, u.T", "return u, s, vt"),)),
        Mutant(
            "zero columns not looked for",
            "Divides by 0",
            (
                ("x, y = np.where(there, x, 1.0), np.where(there, y, 1.0)", "pass"),
                ("np.where(there, ((a / x) * (b / y)).sum(axis=0), 0.0)", "((a / x) * (b / y)).sum(axis=0)"),
            ),
        ),
        Mutant("V not transposed", "U diag(s) V' is not the matrix", (("v[:, order].T\n", "v[:, order]\n"),)),
        Mutant(
            "not a rotation",
            "Makes a V whose columns",
            (("c = 1 / np.hypot(1, tangents)", "c = 1 / (1 + tangents**2)"),),
        ),
        Mutant("one sweep", "Makes a U whose columns", (("range(SWEEPS)", "range(1)"),)),
        Mutant(
            "the smallest first",
            "in another order",
            (
                (
                    'order = np.argsort(-s, kind="stable")\n    return',
                    'order = np.argsort(s, kind="stable")\n    return',
                ),
                (
                    "return left_vectors(columns[:, order], s[order])",
                    "return (columns / s)[:, order] if s.all() else left_vectors(columns, s)",
                ),
            ),
        ),
        Mutant(
            "zeros left in U",
            "Leaves zeros in U",
            (("left_vectors(columns[:, order], s[order])", "columns[:, order] / np.where(s > 0, s, 1.0)[order]"),),
        ),
        Mutant(
            "dot products against a fixed number",
            "Loses small singular values",
            (("np.where(cosines == 0, 0.0, tangents)", "np.where(np.abs(cosines * x * y) < 1e-14, 0.0, tangents)"),),
        ),
        Mutant(
            "numpy's own",
            "the ready-made numpy.linalg.svd",
            source="""
            import numpy as np


            def jacobi_svd(matrix):
                return tuple(np.linalg.svd(matrix, full_matrices=False))
            """,
        ),
    ),
)
