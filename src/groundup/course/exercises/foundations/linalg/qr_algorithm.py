"""Exercise: all eigenvalues of a symmetric matrix."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(*values):
    """A symmetric matrix with these eigenvalues."""
    import numpy

    size = len(values)
    turn = numpy.linalg.qr(numpy.random.default_rng(size).normal(size=(size, size)))[0]
    matrix = (turn * array(values)) @ turn.T
    return (matrix + matrix.T) / 2


CASES = ((3,), (1, 2), (2, 1), (-1, 5), (3, 1, 2), (1, -2, 4, 3))


@check("shape")
def a_value_and_a_column_each(mine):
    """Gives something else than (values, vectors): n numbers, and an n x n matrix."""
    for values in CASES[:4]:
        found, vectors = mine(case(*values))
        shape(found, (len(values),))
        shape(vectors, (len(values), len(values)))


@check("invariant")
def the_values_ascend(mine):
    """Gives the values in the order in which they were found: sort them, the smallest first."""
    for values in CASES:
        found = mine(case(*values))[0]
        that((found[:-1] <= found[1:]).all(), expected=sorted(values), got=found)


@check("invariant")
def the_vectors_are_orthonormal(mine):
    """Gives vectors that are not orthonormal: multiply the rotations of every step, those of the reduction first."""
    import numpy

    for values in CASES:
        vectors = mine(case(*values))[1]
        product = vectors.T @ vectors
        that(abs(product - numpy.eye(len(values))).max() < 1e-9, expected="V'V = I", got=product)


@check("values")
def the_values_are_right(mine):
    """Finds other eigenvalues: deflate only where the number beside the corner is rounding, and step until all are found."""
    for values in CASES:
        same(mine(case(*values))[0], array(sorted(values)), rtol=1e-9, atol=1e-9)


@check("values")
def the_vectors_belong_to_the_values(mine):
    """Does not stretch each column by its own value: sort the columns together with the values, and keep them columns."""
    for values in CASES:
        matrix = case(*values)
        found, vectors = mine(matrix)
        same(matrix @ vectors, vectors * found, rtol=1e-8, atol=1e-8)


@check("values")
def opposite_values_are_told_apart(mine):
    """Never ends, or ends wrong, for eigenvalues of equal size (1 and -1): without a shift no step changes anything there."""
    for matrix, expected in (([[0, 1], [1, 0]], [-1, 1]), ([[0, 2, 0], [2, 0, 0], [0, 0, 1]], [-2, 1, 2])):
        try:
            got = mine(array(matrix))[0]
        except Exception as error:
            raise Failed(expected=str(expected), got=f"{type(error).__name__}: {error}") from None
        same(got, array(expected), rtol=1e-9)


@check("values")
def small_matrices_are_no_less_exact(mine):
    """Takes a number for zero that is not small beside this matrix: compare with epsilon times the matrix's own norm."""
    same(1e20 * mine(1e-20 * array([[2, 1], [1, 2]]))[0], array([1, 3]), rtol=1e-9)
    same(mine(array([[1, 1e-7], [1e-7, 1]]))[0] - 1, array([-1e-7, 1e-7]), rtol=1e-6, atol=1e-15)


@check("values")
def zeros_and_repeated_values(mine):
    """Stumbles over eigenvalues that are 0 or the same, where nothing is left to do."""
    cases = {
        (0, 0): [[0, 0], [0, 0]],
        (1, 1, 1): [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        (0, 0, 3): [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    }
    for expected, matrix in cases.items():
        try:
            got = mine(array(matrix))[0]
        except Exception as error:
            raise Failed(expected=str(expected), got=f"{type(error).__name__}: {error}") from None
        same(got, array(expected), atol=1e-12)


@check("values")
def what_is_not_symmetric_is_refused(mine):
    """Takes a matrix that is not symmetric, whose eigenvalues may be complex: raise InputError, as as_symmetric does."""
    from groundup.errors import InputError

    try:
        got = mine(array([[1, 2], [0, 1]]))
    except InputError:
        return
    raise Failed(expected="InputError", got=str(got))


@check("speed")
def shifts_make_it_fast(mine):
    """Is far slower than the reference: with Wilkinson's shift an eigenvalue takes two or three steps, each of size n."""
    from groundup.foundations.linalg.eigen import qr_algorithm

    fast(mine, qr_algorithm, (case(*range(1, 41)),), times=8)


EXERCISE = Exercise(
    slot="foundations.linalg.qr_algorithm",
    title="The QR algorithm: all eigenvalues at once",
    task="""
    Factor T - shift I = Q R, multiply the other way round, R Q + shift I: the same eigenvalues, and the last row moves to
    zero beside its corner. When it is there, the corner is an eigenvalue, and you go on with one row less (deflation).
    One of the algorithms of the century, and it fits in a dozen lines.

    Given: hessenberg(matrix) makes a symmetric matrix tridiagonal, A = Q T Q'. shifted_step(t, q, shift, size) is one step
    on the leading `size` rows, in place, with its rotations multiplied into q. corner_shift(t, size) is Wilkinson's shift.
    `as_symmetric(matrix)` refuses what is not symmetric. Give the values in ascending order, and the eigenvectors as columns
    in the same order.
    """,
    difficulty=3,
    minutes=35,
    prerequisites=("foundations.linalg.power_iteration", "foundations.linalg.eigen"),
    hints=(
        "Keep `size`, the rows that are still to do. While |t[size-1, size-2]| is rounding, size -= 1; else make a step.",
        "Rounding is epsilon times the norm of the whole matrix, EPSILON * norm(t.ravel()), and no fixed number.",
        "At size 1 all is done: the values are the diagonal of t, order = numpy.argsort of it, the vectors q[:, order].",
    ),
    run="groundup --mine my learn lesson foundations.linalg.eigen",
    banned=("numpy.linalg.eig", "numpy.linalg.eigh", "numpy.linalg.eigvalsh", "numpy.linalg.svd"),
    checks=(
        a_value_and_a_column_each,
        the_values_ascend,
        the_vectors_are_orthonormal,
        the_values_are_right,
        the_vectors_belong_to_the_values,
        opposite_values_are_told_apart,
        small_matrices_are_no_less_exact,
        zeros_and_repeated_values,
        what_is_not_symmetric_is_refused,
        shifts_make_it_fast,
    ),
    mutants=(
        Mutant(
            "one value less",
            "something else than (values, vectors)",
            (("np.diagonal(t)[order], q[:, order]", "np.diagonal(t)[order][1:], q[:, order]"),),
        ),
        Mutant(
            "not sorted",
            "in the order in which they were found",
            (("np.diagonal(t)[order], q[:, order]", "np.diagonal(t), q"),),
        ),
        Mutant("vectors times values", "not orthonormal", (("q[:, order]", "q[:, order] * np.diagonal(t)[order]"),)),
        Mutant(
            "one step a value",
            "Finds other eigenvalues",
            (("while size > 1 and abs(t[size - 1, size - 2]) <= small:", "if size > 1 and _ % 2:"),),
        ),
        Mutant("only the values sorted", "stretch each column by its own value", (("q[:, order]", "q"),)),
        Mutant(
            "no shift",
            "Never ends",
            (("corner_shift(t, size).real", "0.0"), ("STEPS_EACH * len(t)):", "40 * STEPS_EACH * len(t)):")),
        ),
        Mutant("a fixed number for zero", "not small beside this matrix", (("EPSILON * norm(t.ravel())", "1e-12"),)),
        Mutant("below and never equal", "Stumbles over", (("<= small", "< small"),)),
        Mutant("not looked at", "Takes a matrix that is not symmetric", (("as_symmetric(matrix)", "matrix"),)),
        Mutant(
            "numpy's own",
            "the ready-made numpy.linalg.eigh",
            source="""
            import numpy as np


            def qr_algorithm(matrix):
                return tuple(np.linalg.eigh(matrix))
            """,
        ),
        Mutant(
            "without reduction",
            "far slower than the reference",
            source="""
            import numpy as np

            from groundup.foundations.linalg.arrays import EPSILON, as_symmetric
            from groundup.foundations.linalg.eigen import corner_shift
            from groundup.foundations.linalg.qr import householder_qr


            def qr_algorithm(matrix):
                t = as_symmetric(matrix)
                q, size, small = np.eye(len(t)), len(t), EPSILON * np.sqrt((t**2).sum())
                while True:
                    while size > 1 and abs(t[size - 1, : size - 1]).max() <= small:
                        size -= 1
                    if size == 1:
                        break
                    shift = corner_shift(t, size).real * np.eye(size)
                    for _ in range(10):
                        turn, r = householder_qr(t[:size, :size] - shift)
                    t[:size, :size] = r @ turn + shift
                    q[:, :size] = q[:, :size] @ turn
                order = np.argsort(np.diagonal(t))
                return np.diagonal(t)[order], q[:, order]
            """,
        ),
    ),
)
