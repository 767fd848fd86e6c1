"""Exercise: make vectors orthonormal, and keep them so."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(rows, columns):
    """Columns, the same at every call."""
    import numpy

    return numpy.random.default_rng(rows + 10 * columns).normal(size=(rows, columns))


SIZES = ((1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (6, 4))


@check("shape")
def as_many_columns(mine):
    """Gives another number of columns or rows than came."""
    for size in SIZES:
        shape(mine(case(*size)), size)


@check("invariant")
def each_is_one_long(mine):
    """Does not make every column one long: divide the rest by its own length."""
    for size in SIZES:
        lengths = (mine(case(*size)) ** 2).sum(axis=0)
        that(abs(lengths - 1).max() < 1e-9, expected="lengths of 1", got=lengths)


@check("invariant")
def all_are_at_right_angles(mine):
    """Leaves columns that are not at right angles: take away the part along every column before, not only along the last."""
    import numpy

    for size in SIZES:
        q = mine(case(*size))
        products = q.T @ q
        that(abs(products - numpy.eye(size[1])).max() < 1e-9, expected="Q'Q = I", got=products)


@check("invariant")
def the_first_k_span_what_the_first_k_did(mine):
    """Spans another space: the first k columns must span what the first k given ones do, so go from left to right."""
    for size in SIZES:
        given = case(*size)
        q = mine(given)
        for k in range(1, size[1] + 1):
            rest = given[:, :k] - q[:, :k] @ (q[:, :k].T @ given[:, :k])
            that(abs(rest).max() < 1e-9, expected=f"column {k - 1} within the first {k} new ones", got=rest)


@check("values")
def the_side_is_kept(mine):
    """Turns a column around: each new column points to the side of the given one (q_k . a_k > 0)."""
    same(mine(array([[2, 1], [0, 1]])), array([[1, 0], [0, 1]]))
    same(mine(array([[-2, 1], [0, -3]])), array([[-1, 0], [0, -1]]))


@check("values")
def dependent_columns_are_refused(mine):
    """Makes a direction out of rounding when a column depends on those before it: raise InputError there."""
    from groundup.errors import InputError

    for given in (
        [[0.0], [0.0]],
        [[1.0, 2.0], [1.0, 2.0]],
        [[1 / 3, 1.0], [1 / 3, 1.0]],
        [[0.1, 0.3, 1.0], [0.2, 0.6, 0.0]],
    ):
        try:
            got = mine(array(given))
        except InputError:
            continue
        raise Failed(expected="InputError", got=str(got.tolist()))


@check("values")
def ill_conditioned_columns_stay_apart(mine):
    """Loses the right angle where columns are nearly the same: take each part from what is left so far (modified), not from the original."""
    given = array([[1, 1, 1], [1e-9, 0, 0], [0, 1e-9, 0], [0, 0, 1e-9]])
    q = mine(given)
    that(abs(q[:, 1] @ q[:, 2]) < 1e-6, expected="columns 1 and 2 at right angles: 0", got=float(q[:, 1] @ q[:, 2]))


EXERCISE = Exercise(
    slot="foundations.linalg.gram_schmidt",
    title="Gram-Schmidt: right angles that last",
    task="""
    Orthonormal vectors make everything easy: coordinates are dot products, and the nearest point is a sum. Make the columns
    of a matrix orthonormal, from left to right: take away from a column what the ones before it explain, then divide the
    rest by its length. In exact arithmetic it does not matter when you take it away. On a computer it does: with nearly
    equal columns the formula of the textbook ends with vectors at 60 degrees. Subtract from what is left so far.

    `unit(rest, length, k)` is given: it makes the rest of column k one long, and raises InputError where the rest is only
    rounding beside `length`, the length that column k had at first. `column_norms` gives the lengths of all columns.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.linalg.vector_spaces",),
    hints=(
        "The part of a along a unit vector q is q (q . a). What is left after subtracting it is at right angles to q.",
        "As soon as column k is ready, subtract its part from all columns to its right: then each is already clean when its turn comes.",
        "rest[:, k + 1:] -= numpy.outer(q, q @ rest[:, k + 1:]), after q = unit(rest[:, k], lengths[k], k).",
    ),
    run="groundup --mine my learn lesson foundations.linalg.vector_spaces",
    banned=("numpy.linalg.qr",),
    checks=(
        as_many_columns,
        each_is_one_long,
        all_are_at_right_angles,
        the_first_k_span_what_the_first_k_did,
        the_side_is_kept,
        dependent_columns_are_refused,
        ill_conditioned_columns_stay_apart,
    ),
    mutants=(
        Mutant("one column less", "another number of columns", (("return directions", "return directions[:, 1:]"),)),
        Mutant("not divided", "one long", (("return directions", "return directions * lengths"),)),
        Mutant(
            "only the next column",
            "not only along the last",
            (
                ("rest[:, k + 1 :] -=", "rest[:, k + 1 : k + 2] -="),
                ("directions[:, k] @ rest[:, k + 1 :])", "directions[:, k] @ rest[:, k + 1 : k + 2])"),
            ),
        ),
        Mutant("from right to left", "Spans another space", (("return directions", "return directions[:, ::-1]"),)),
        Mutant("turned around", "Turns a column around", (("return directions", "return -directions"),)),
        Mutant(
            "rounding taken for a direction",
            "out of rounding",
            (("unit(rest[:, k], lengths[k], k)", "unit(rest[:, k], 0.0, k) if rest[:, k].any() else 0.0"),),
        ),
        Mutant(
            "the textbook's formula",
            "Loses the right angle",
            source="""
            from groundup.foundations.linalg.vector_spaces import gram_schmidt_classical


            def gram_schmidt(vectors):
                return gram_schmidt_classical(vectors)
            """,
        ),
        Mutant(
            "in place",
            "Changes its argument vectors in place",
            (('as_matrix(vectors, "vectors")', "vectors"),),
        ),
    ),
)
