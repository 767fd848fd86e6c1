"""Exercise: how alike two words are, whatever their frequency."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, same, shape, that


def array(*rows):
    """Rows as a matrix of doubles."""
    import numpy

    return numpy.array(rows, dtype=float)


def by_hand(a, b):
    """The definition, pair after pair, in plain Python; of a row of zeros it is 0."""
    import math

    def one(u, v):
        lengths = math.hypot(*u) * math.hypot(*v)
        return sum(x * y for x, y in zip(u, v, strict=True)) / lengths if lengths else 0.0

    return array(*[[one(u, v) for v in b.tolist()] for u in a.tolist()])


def case(rows, others, width):
    """Two stacks of rows, the same at every call."""
    import numpy

    source = numpy.random.default_rng(rows + 10 * others + 100 * width)
    return source.normal(size=(rows, width)), source.normal(size=(others, width))


@check("shape")
def every_row_meets_every_row(mine):
    """Does not compare every row of `a` with every row of `b`: the result has a row for each of `a` and a column for each of `b`."""
    for rows, others, width in ((1, 1, 2), (2, 2, 3), (1, 3, 2), (3, 2, 4)):
        shape(mine(*case(rows, others, width)), (rows, others))


@check("finite")
def a_row_of_zeros_is_no_division_by_zero(mine):
    """Divides by the length 0 of a row of zeros, which a word without neighbours has."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        finite(mine(array([0, 0]), array([1, 2])))
        finite(mine(array([1, 2]), array([0, 0], [3, 4])))


@check("invariant")
def length_does_not_count(mine):
    """Lets the length of a vector count: a word that is ten times as frequent must not be ten times as similar."""
    same(mine(array([0.3, 0.4]), array([0.3, 0.4], [3, 4])), array([1, 1]))
    same(mine(array([3, 4]), array([0.03, 0.04])), array([1]))


@check("invariant")
def nothing_is_above_one(mine):
    """Gives more than 1 by rounding (1.0000000000000002), and the arc cosine of that is NaN: cut the result to -1..1."""
    for row in TOO_LARGE:
        got = mine(array(row), array(row))
        that(abs(got).max() <= 1, expected="at most 1", got=f"{float(abs(got).max())!r}")


@check("values")
def small_numbers_by_hand(mine):
    """Is not the dot product over both lengths, a . b / (|a| |b|), with the root of the sum of squares as a length."""
    mistakes = {
        "Takes the size of the cosine: vectors that point away from each other have a negative similarity.": array(
            [1, 0.6]
        ),
        "Divides by sums of absolute numbers: the length is the root of the sum of squares.": array([-5 / 7, 15 / 35]),
        "Divides by one of the lengths only: a . b / (|a| |b|) has both.": array([-5, 3]),
    }
    same(mine(array([3, 4]), array([-3, -4], [5, 0])), array([-1, 0.6]), mistakes=mistakes)


@check("values")
def zeros_are_like_nothing(mine):
    """Gives a row of zeros a similarity: it has no direction, so it is 0 with everything."""
    same(mine(array([0, 0]), array([1, 2], [0, 0])), array([0, 0]))


@check("values")
def as_by_hand_on_random_rows(mine):
    """Differs from the definition on random rows: each row is divided by its own length, along axis 1."""
    for sizes in ((1, 2, 2), (2, 1, 3), (2, 2, 2), (3, 4, 5)):
        a, b = case(*sizes)
        same(mine(a, b), by_hand(a, b), rtol=1e-9, atol=1e-12)


@check("speed")
def all_at_once(mine):
    """Is far slower than the reference: make all rows one long, then one matrix product compares all pairs."""
    from groundup.foundations.linalg.vectors import cosine_similarity

    fast(mine, cosine_similarity, case(200, 200, 20))


TOO_LARGE = (
    [7, 3, 1],
    [6, 7, 2],
    [1, 1, 1],
    [2, 7, 8],
    [1, 2, 4],
    [3, 5, 8],
)  # the first two come out as 1.0000000000000002

EXERCISE = Exercise(
    slot="foundations.linalg.cosine_similarity",
    title="Cosine similarity: alike in direction",
    task="""
    A word can be a vector: how often each other word stands near it. Frequent words then have long vectors, and a dot
    product finds them similar to everything. Divide the length out and the direction is left: the cosine of the angle,
    1 for the same direction, 0 for nothing in common, -1 for opposite ones.

    Compare every row of `a` with every row of `b`: the result has a row for each row of `a` and a column for each of `b`. A
    row of zeros has no direction; its similarity is 0. Nothing is above 1 or below -1, not even by rounding.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.linalg.vectors",),
    hints=(
        "First make every row one long, then a single matrix product gives all dot products: a @ b.T.",
        "The length of every row: numpy.sqrt((a**2).sum(axis=1, keepdims=True)). Where it is 0, divide by 1.",
        "numpy.clip(a_unit @ b_unit.T, -1.0, 1.0), with a_unit = a / numpy.where(length > 0, length, 1.0).",
    ),
    run="groundup --mine my learn lesson foundations.linalg.vectors",
    checks=(
        every_row_meets_every_row,
        a_row_of_zeros_is_no_division_by_zero,
        length_does_not_count,
        nothing_is_above_one,
        small_numbers_by_hand,
        zeros_are_like_nothing,
        as_by_hand_on_random_rows,
        all_at_once,
    ),
    mutants=(
        Mutant(
            "only the pairs in order",
            "every row of `a` with every row of `b`",
            (("units[0] @ units[1].T", "(units[0] * units[1]).sum(axis=1)"),),
        ),
        Mutant("zeros not guarded", "Divides by the length 0", (("np.where(lengths > 0, lengths, 1.0)", "lengths"),)),
        Mutant("a plain dot product", "Lets the length", (("rows / np.where(lengths > 0, lengths, 1.0)", "rows"),)),
        Mutant(
            "not cut", "1.0000000000000002", (("np.clip(units[0] @ units[1].T, -1.0, 1.0)", "units[0] @ units[1].T"),)
        ),
        Mutant(
            "the size of the cosine",
            "Takes the size",
            (("np.clip(units", "np.clip(abs(units"), (".T, -1.0", ".T), -1.0")),
        ),
        Mutant(
            "zeros are like everything",
            "Gives a row of zeros a similarity",
            (
                (
                    "return np.clip(units[0] @ units[1].T, -1.0, 1.0)",
                    "return np.clip(units[0] @ units[1].T + (units[0].sum(1) == 0)[:, None], -1.0, 1.0)",
                ),
            ),
        ),
        Mutant(
            "a loop over pairs",
            "far slower than the reference",
            source="""
            import math

            import numpy as np


            def cosine_similarity(a, b):
                found = np.zeros((len(a), len(b)))
                for i, u in enumerate(a.tolist()):
                    for j, v in enumerate(b.tolist()):
                        lengths = math.hypot(*u) * math.hypot(*v)
                        if lengths:
                            found[i, j] = sum(x * y for x, y in zip(u, v)) / lengths
                return np.clip(found, -1, 1)
            """,
        ),
    ),
)
