"""Exercise: the nearest probabilities."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


CASES = ((0.2, 0.3), (0.5, 0.9, -3.0), (2.0, 2.0, 2.0, 2.0), (-5.0, -7.0), (0.1, 3.0, 0.2, 2.5))


@check("shape")
def one_number_for_each(mine):
    """Gives another number of values than came: what is cut off stays as a 0 in its place."""
    for case in CASES:
        shape(mine(numbers(*case)), (len(case),))


@check("invariant")
def nothing_is_below_zero(mine):
    """Leaves a number below 0: what the common amount takes below 0 is 0."""
    for case in CASES:
        found = mine(numbers(*case))
        that((found >= -1e-12).all(), expected="numbers of 0 or more", got=found)


@check("invariant")
def they_sum_to_one(mine):
    """Does not sum to 1."""
    for case in CASES:
        found = mine(numbers(*case))
        that(abs(float(found.sum()) - 1) < 1e-9, expected="a sum of 1", got=f"{found}, of sum {float(found.sum()):.4g}")


@check("invariant")
def probabilities_stay(mine):
    """Moves what is already on the simplex: the nearest probabilities to probabilities are themselves."""
    mistakes = {
        "Is the softmax: it gives probabilities, but not the nearest.": numbers(0.387455618, 0.35058740, 0.26195698)
    }
    same(
        mine(numbers(0.5, 0.4, 0.1 + 0.0085)),
        numbers(0.5 - 0.0085 / 3, 0.4 - 0.0085 / 3, 0.1085 - 0.0085 / 3),
        mistakes=mistakes,
    )


@check("values")
def by_hand(mine):
    """Is not the nearest point: of (0.5, 0.9, -3) it is (0.3, 0.7, 0), both lowered by 0.2."""
    mistakes = {
        "Cuts off below 0 and divides by the sum: that scales, where the nearest point lowers all by one amount.": numbers(
            0.5 / 1.4, 0.9 / 1.4, 0.0
        ),
        "Gives the numbers back in sorted order: each goes back to its place.": numbers(0.7, 0.3, 0.0),
        "Gives all to the largest: the amount is that of the last number that stays above 0, not of the first.": numbers(
            0.0, 1.0, 0.0
        ),
    }
    same(mine(numbers(0.5, 0.9, -3.0)), numbers(0.3, 0.7, 0.0), mistakes=mistakes)


@check("values")
def as_bisection_finds_it(mine):
    """Differs from max(x - amount, 0) with the amount that makes the sum 1, as bisection finds it."""
    import numpy

    source = numpy.random.default_rng(0)
    for size in 4 * (1, 2, 3, 5, 6):
        x = source.normal(size=size) / 2
        low, high = x.min() - 1, x.max()
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if numpy.maximum(x - middle, 0).sum() > 1 else (low, middle)
        same(mine(x), numpy.maximum(x - low, 0), atol=1e-9)


THRESHOLD = "(np.cumsum(falling) - 1) / np.arange(1, len(values) + 1)"
RETURN = "np.maximum(values - thresholds[kept - 1], 0)"

EXERCISE = Exercise(
    slot="foundations.optimize.project_onto_simplex",
    title="The nearest probabilities to a vector",
    task="""
    A gradient step on probabilities leaves numbers that are no probabilities any more. Projected gradient descent goes
    back to the nearest point that is allowed: numbers of 0 or more that sum to 1 (the simplex), with the smallest sum of
    squared differences.

    The KKT conditions say what it looks like: every number that stays above 0 was lowered by the same amount, and the
    others are 0. So the answer is max(x - amount, 0), and the amount is the one that makes the sum 1 (below 0, it
    raises).

    Sort x downwards. If the k largest stay, the amount is (x_1 + ... + x_k - 1) / k; the right k is the last for which
    x_k is still above that amount. vector_of is given: the point as floats.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.optimize.lagrange",),
    hints=(
        "Compute the amount for every k at once: np.cumsum of the sorted numbers, less 1, over 1, 2, 3, ...",
        "falling > amounts is True for the first k and False after; np.count_nonzero of it is k, and amounts[k - 1] the amount.",
        "np.maximum(values - amounts[k - 1], 0), on the numbers in their own order: sorting was only needed to find the amount.",
    ),
    run="groundup --mine my learn lesson foundations.optimize.lagrange",
    checks=(
        one_number_for_each,
        nothing_is_below_zero,
        they_sum_to_one,
        probabilities_stay,
        by_hand,
        as_bisection_finds_it,
    ),
    mutants=(
        Mutant(
            "nothing cut off", "Leaves a number below 0", edits=((RETURN, "values - (values.sum() - 1) / len(values)"),)
        ),
        Mutant(
            "the 1 forgotten",
            "Does not sum to 1",
            edits=((THRESHOLD, "np.cumsum(falling) / np.arange(1, len(values) + 1)"),),
        ),
        Mutant(
            "softmax",
            "Moves what is already",
            edits=((RETURN, "np.exp(values - values.max()) / np.exp(values - values.max()).sum()"),),
        ),
        Mutant(
            "cut off and scaled",
            "Cuts off below 0 and divides",
            edits=(
                (
                    RETURN,
                    "np.maximum(values - thresholds[kept - 1], 0) if values.max() <= 0 or values.min() >= 0 "
                    "else np.maximum(values, 0) / np.maximum(values, 0).sum()",
                ),
            ),
        ),
        Mutant("sorted", "in sorted order", edits=((RETURN, "np.maximum(falling - thresholds[kept - 1], 0)"),)),
        Mutant(
            "the first amount",
            "Gives all to the largest",
            edits=(
                (
                    RETURN,
                    "np.maximum(values - thresholds[kept - 1], 0) if values.min() > -1 else np.eye(len(values))[values.argmax()]",
                ),
            ),
        ),
        Mutant(
            "dropped",
            "another number of values",
            edits=((RETURN, "np.maximum(falling - thresholds[kept - 1], 0)[:kept]"),),
        ),
    ),
)
