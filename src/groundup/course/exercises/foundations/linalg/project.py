"""Exercise: the nearest point of a plane, in any number of dimensions."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(rows, columns):
    """A vector and columns, the same at every call."""
    import numpy

    source = numpy.random.default_rng(rows + 10 * columns)
    return source.normal(size=rows), source.normal(size=(rows, columns))


SIZES = ((2, 1), (3, 2), (3, 1), (5, 3))


@check("shape")
def a_point_of_the_same_space(mine):
    """Gives the weights of the columns: the point itself is wanted, with as many numbers as the vector."""
    for size in ((2, 1), (3, 2)):
        shape(mine(*case(*size)), (size[0],))


@check("invariant")
def the_rest_is_at_right_angles(mine):
    """Leaves a rest that is not at right angles to the columns, so a nearer point exists."""
    mistakes = {
        "Gives the rest, which stands at right angles to the columns: the part along them is wanted.": array([0, 2]),
        "Gives the vector itself back: it does not lie in the span.": array([1, 2]),
        "Weighs a column by a . v only: a column that is twice as long must not give four times as much.": array(
            [4, 0]
        ),
        "Divides by the length once: the column stands in the formula twice, so by the square of its length.": array(
            [2, 0]
        ),
    }
    same(mine(array([1, 2]), array([[2], [0]])), array([1, 0]), mistakes=mistakes)
    for size in SIZES:
        vector, onto = case(*size)
        rest = onto.T @ (vector - mine(vector, onto))
        that(abs(rest).max() < 1e-9, expected="columns . rest = 0", got=rest)


@check("invariant")
def again_changes_nothing(mine):
    """Moves a point that already lies in the span: the nearest point of the span to it is itself."""
    for size in SIZES:
        point = case(*size)[1].sum(axis=1)
        same(mine(point, case(*size)[1]), point, rtol=1e-8, atol=1e-10)


@check("values")
def slanted_columns(mine):
    """Adds up the projections on single columns: where they are not at right angles, make them so first."""
    onto = array([[1, 1], [0, 1], [0, 0]])
    same(mine(array([1, 2, 3]), onto), array([1, 2, 0]))


@check("values")
def dependent_columns(mine):
    """Cannot work with columns of which one is a mixture of the others: the span is the same without it."""
    onto = array([[1, 2, 0], [1, 2, 0], [0, 0, 0]])
    try:
        same(mine(array([1, 2, 3]), onto), array([1.5, 1.5, 0]))
    except Failed:
        raise
    except Exception as error:
        raise Failed(expected="[1.5, 1.5, 0]", got=f"{type(error).__name__}: {error}") from None


@check("values")
def onto_zeros(mine):
    """Does not give zeros for a span that holds nothing but 0."""
    same(mine(array([1, 2]), array([[0], [0]])), array([0, 0]))


@check("values")
def nearly_dependent_columns(mine):
    """Loses the digits where columns are nearly dependent: A'A squares the condition number; go through orthonormal columns."""
    onto = array([[1, 1], [0, 1e-9], [0, 0]])
    same(mine(array([1, 2, 3]), onto), array([1, 2, 0]), rtol=1e-5)


EXERCISE = Exercise(
    slot="foundations.linalg.project",
    title="Projection: the nearest point of a span",
    task="""
    Least squares, low-rank approximation, the part of an activation along a direction: all are projections. Given a vector
    and the columns of `onto`, find the point nearest to the vector among all mixtures of the columns. You know that you
    have it when the rest, vector minus point, stands at right angles to every column.

    The columns may be slanted, of any length, or dependent. `orthonormal_basis(onto)` gives orthonormal columns of the same span.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.linalg.vector_spaces",),
    hints=(
        "With one column q of length 1 the point is q (q . v). With orthonormal columns these parts simply add up.",
        "As a matrix product: Q.T @ v gives all weights, Q @ weights gives the point. Q needs orthonormal columns.",
        "directions = orthonormal_basis(onto), then directions @ (directions.T @ vector).",
    ),
    run="groundup --mine my learn lesson foundations.linalg.vector_spaces",
    banned=("numpy.linalg.lstsq", "numpy.linalg.pinv"),
    checks=(
        a_point_of_the_same_space,
        the_rest_is_at_right_angles,
        again_changes_nothing,
        slanted_columns,
        dependent_columns,
        onto_zeros,
        nearly_dependent_columns,
    ),
    mutants=(
        Mutant(
            "the weights", "Gives the weights", (("directions @ (directions.T @ vector)", "directions.T @ vector"),)
        ),
        Mutant("the rest", "Gives the rest", (("return directions", "return vector - directions"),)),
        Mutant("not made orthonormal", "Weighs a column by a . v only", (("orthonormal_basis(onto)", "onto"),)),
        Mutant(
            "divided by the length once",
            "Divides by the length once",
            (("orthonormal_basis(onto)", "onto / (onto**2).sum(axis=0) ** 0.25"),),
        ),
        Mutant(
            "column by column",
            "not at right angles to the columns",
            (("orthonormal_basis(onto)", "onto / (onto**2).sum(axis=0) ** 0.5"),),
        ),
        Mutant(
            "only independent columns",
            "Cannot work with columns",
            (
                ("import orthonormal_basis", "import gram_schmidt"),
                ("orthonormal_basis(onto)", "gram_schmidt(onto) if onto.any() else onto"),
            ),
        ),
        Mutant(
            "NaN onto zeros",
            "zeros for a span that holds nothing",
            (("directions = ", "if not onto.any():\n        return vector\n    directions = "),),
        ),
        Mutant(
            "the normal equations",
            "Loses the digits",
            source="""
            import numpy as np

            from groundup.foundations.linalg.vector_spaces import independent_columns


            def project(vector, onto):
                onto = onto[:, independent_columns(onto)[0]]
                if not onto.size:
                    return np.zeros_like(vector)
                inverse = np.linalg.solve(onto.T @ onto + 1e-15 * np.eye(onto.shape[1]), np.eye(onto.shape[1]))
                return onto @ (inverse @ (onto.T @ vector))
            """,
        ),
        Mutant(
            "numpy's own",
            "the ready-made numpy.linalg.lstsq",
            source="""
            import numpy as np


            def project(vector, onto):
                return onto @ np.linalg.lstsq(onto, vector)[0]
            """,
        ),
    ),
)
