"""Exercise: the largest eigenvalue, by multiplying again and again."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import finite, same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(*values):
    """A symmetric matrix with these eigenvalues, and the eigenvector of the first."""
    import numpy

    size = len(values)
    turn = numpy.linalg.qr(numpy.random.default_rng(size).normal(size=(size, size)))[0]
    return (turn * array(values)) @ turn.T, turn[:, 0]


@check("shape")
def a_number_and_a_vector(mine):
    """Gives something else than (value, vector), with a number a row in the vector."""
    import numpy

    for size in (1, 2, 3):
        value, vector = mine(numpy.eye(size), array([1] * size))
        shape(vector, (size,))
        that(isinstance(value, float), expected="a number first", got=value)


@check("finite")
def large_eigenvalues_do_not_overflow(mine):
    """Grows without bound: make the vector one long again after every product."""
    import warnings

    from groundup.errors import InputError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for matrix in ([[3, 0], [0, 2]], [[1e9, 0], [0, 9e8]], [[1e-9, 0], [0, 9e-10]]):
            try:
                finite(mine(array(matrix), array([1, 1]))[1])
            except InputError as error:
                raise Failed(expected="finite numbers", got=str(error)) from None


@check("invariant")
def the_vector_is_one_long(mine):
    """Gives a vector that is not one long, although `start` may have any length."""
    for start in ([1, 1], [10, 10]):
        same(float((mine(array([[2, 0], [0, 1]]), array(start))[1] ** 2).sum()), 1.0)
    same(float((mine(array([[2, 0], [0, 2]]), array([3, 4]))[1] ** 2).sum()), 1.0)


@check("invariant")
def the_matrix_only_stretches_the_vector(mine):
    """Stops too early or too late: end when |A v - value v| <= tolerance |value|, for the v that is given back."""
    for values in ((2.0, 1.0), (2.0, 1.9), (3.0, 2.9, 1.0)):
        matrix, _ = case(*values)
        value, vector = mine(matrix, array([1] * len(values)), 10_000, 1e-8)
        rest = matrix @ vector - value * vector
        that((rest**2).sum() ** 0.5 <= 1.01e-8 * abs(value), expected="|A v - value v| <= 1e-8 |value|", got=rest)


@check("values")
def negative_eigenvalues(mine):
    """Cannot find a negative eigenvalue: its vector turns around at every step, and its size is not the value; v . A v has the sign."""
    from groundup.errors import InputError

    for values in ((-2.0,), (-2.0, 1.0), (-3.0, 2.0, 1.0)):
        matrix, expected = case(*values)
        try:
            value, vector = mine(matrix, array([1] * len(values)), 500)
        except InputError as error:
            raise Failed(expected=f"value {values[0]}", got=str(error)) from None
        same(value, values[0])
        same(float(abs(vector @ expected)), 1.0)


@check("values")
def the_largest_by_size(mine):
    """Finds another eigenvalue than the one of largest size."""
    for values in ((2.0, 1.0), (5.0, -3.0, 1.0), (1e6, 1.0)):
        matrix, expected = case(*values)
        value, vector = mine(matrix, array([1] * len(values)))
        same(value, values[0])
        same(float(abs(vector @ expected)), 1.0)


@check("values")
def matrices_that_are_not_symmetric(mine):
    """Multiplies from the wrong side: A v, and not v A, which is something else where A is not symmetric."""
    value, vector = mine(array([[2, 1], [0, 1]]), array([1, 1]))
    same(value, 2.0)
    same(abs(vector), array([1, 0]), atol=1e-8)


@check("values")
def no_end_is_said(mine):
    """Gives an answer where there is none: when `steps` are over and the vector still moves, raise InputError."""
    from groundup.errors import InputError

    for matrix in ([[0, -1], [1, 0]], [[1, 0], [0, -1]]):
        try:
            got = mine(array(matrix), array([1, 0.5]), 20)
        except InputError:
            continue
        raise Failed(expected="InputError", got=str(got))


@check("values")
def a_matrix_of_zeros(mine):
    """Divides by 0 for a matrix of zeros: its eigenvalue is 0, and any vector is an eigenvector."""
    from groundup.errors import InputError

    try:
        same(mine(array([[0, 0], [0, 0]]), array([1, 0])), (0.0, array([1, 0])))
    except InputError as error:
        raise Failed(expected="value 0", got=str(error)) from None


EXERCISE = Exercise(
    slot="foundations.linalg.power_iteration",
    title="Power iteration: the direction that wins",
    task="""
    Multiply a vector with a matrix again and again, and the eigenvector of the largest eigenvalue outgrows all others: their
    share falls by |lambda_2 / lambda_1| with every product. The most important pages of the web are found like that
    (PageRank), and how sharply the loss of a network bends.

    Begin with `start` (`unit_start(matrix, start)` makes it one long), keep the vector one long, and take v . A v as the
    value. End when |A v - value v| <= tolerance |value|; a negative eigenvalue turns its vector around each time, so do not
    wait for the vector to stand still. When `steps` products did not suffice, raise InputError (`no_end(steps)` makes it).
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.linalg.eigen",),
    hints=(
        "In each step compute image = A v once: it serves the value, the test and the next vector.",
        "value = v . image with |v| = 1; the rest is image - value v; the next v is image / |image|.",
        "Test before you divide: a matrix of zeros passes with value 0, and is never divided by 0.",
    ),
    run="groundup --mine my learn lesson foundations.linalg.eigen",
    banned=("numpy.linalg.eig", "numpy.linalg.eigh", "numpy.linalg.svd"),
    checks=(
        a_number_and_a_vector,
        large_eigenvalues_do_not_overflow,
        the_vector_is_one_long,
        the_matrix_only_stretches_the_vector,
        negative_eigenvalues,
        the_largest_by_size,
        matrices_that_are_not_symmetric,
        no_end_is_said,
        a_matrix_of_zeros,
    ),
    mutants=(
        Mutant(
            "only the value's place",
            "something else than (value, vector)",
            (("return value, vector", "return value, vector[:1]"),),
        ),
        Mutant("never made one long", "Grows without bound", (("image / norm(image)", "image"),)),
        Mutant("as long as the image", "not one long", (("return value, vector", "return value, image"),)),
        Mutant("ends at once", "Stops too early", (("tolerance * abs(value)", "1e-3 * abs(value)"),)),
        Mutant(
            "waits for the vector to stand still",
            "Cannot find a negative eigenvalue",
            (("norm(image - value * vector)", "norm(image - norm(image) * vector)"),),
        ),
        Mutant("from the other side", "wrong side", (("matrix @ vector", "vector @ matrix"),)),
        Mutant(
            "an answer without an end",
            "Gives an answer where there is none",
            (("raise no_end(steps)", "return value, vector"),),
        ),
        Mutant(
            "divided before the test",
            "Divides by 0",
            source="""
            import numpy as np

            from groundup.foundations.linalg.eigen import no_end


            def power_iteration(matrix, start, steps=10_000, tolerance=1e-10):
                vector = start
                for _ in range(steps):
                    vector = matrix @ vector
                    vector = vector / np.sqrt((vector**2).sum())
                    value = float(vector @ matrix @ vector)
                    rest = matrix @ vector - value * vector
                    if np.sqrt((rest**2).sum()) <= tolerance * abs(value):
                        return value, vector
                raise no_end(steps)
            """,
        ),
        Mutant(
            "the smallest",
            "another eigenvalue",
            source="""
            from groundup.foundations.linalg.eigen import inverse_iteration, no_end


            def power_iteration(matrix, start, steps=10_000, tolerance=1e-10):
                if steps == 20:
                    raise no_end(steps)
                return inverse_iteration(matrix, 0.0 if matrix.trace() > 0 else -5.0, start, steps, tolerance / 10)
            """,
        ),
    ),
)
