"""Exercise: many tests, and few false discoveries."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


@check("shape")
def one_number_for_each_test(mine):
    """Gives another number of values than there were p-values."""
    for p in ((0.5,), (0.01, 0.2), (0.01, 0.02, 0.9)):
        shape(mine(numbers(*p)), (len(p),))


@check("invariant")
def a_single_test_stays(mine):
    """Changes the p-value of a single test: 1/1 times it is itself."""
    import numpy

    mistakes = {"Counts the ranks from 0: the smallest is number 1, the largest number m.": numbers(float("inf"))}
    for p in (0.03, 0.8):
        with numpy.errstate(divide="ignore"):
            same(mine(numbers(p)), numbers(p), mistakes=mistakes)


@check("invariant")
def the_largest_stays(mine):
    """Changes the largest p-value: it is the m-th of m, so it is multiplied by m/m."""
    mistakes = {
        "Multiplies every p-value by m: that is Bonferroni. The k-th smallest is multiplied by m/k.": numbers(
            0.06, 0.8
        ),
    }
    same(mine(numbers(0.03, 0.4)), numbers(0.06, 0.4), mistakes=mistakes)


@check("values")
def the_smallest_is_multiplied_by_m(mine):
    """Of 0.01, 0.5 and 0.9 is not 0.03, 0.75 and 0.9: times 3/1, 3/2 and 3/3."""
    mistakes = {
        "Multiplies the smallest by the least: the k-th smallest is multiplied by m/k.": numbers(0.01, 0.75, 2.7),
        "Multiplies by m - k + 1: that is Holm's rule; here it is m/k.": numbers(0.03, 1.0, 0.9),
        "Divides by m/k where it multiplies.": numbers(0.01 / 3, 0.5 / 1.5, 0.9),
    }
    same(mine(numbers(0.01, 0.5, 0.9)), numbers(0.03, 0.75, 0.9), mistakes=mistakes)


@check("values")
def they_come_back_in_their_order(mine):
    """Gives the numbers in another order than they came: sort, adjust, and put each back into its place."""
    mistakes = {
        "Gives the numbers back in sorted order: each goes back to the place of its test.": numbers(0.03, 0.75, 0.9),
        "Puts them back by the order itself: what is needed is its inverse, np.argsort of the order.": numbers(
            0.75, 0.9, 0.03
        ),
    }
    same(mine(numbers(0.9, 0.01, 0.5)), numbers(0.9, 0.03, 0.75), mistakes=mistakes)


@check("values")
def none_is_larger_than_the_one_after_it(mine):
    """A smaller p-value ends above a larger one: going from the largest down, keep the smallest so far."""
    mistakes = {
        "Does not carry the minimum down: 0.04 with m/1 is 0.12, but 0.05 behind it is 0.06, and counts for both.": numbers(
            0.12, 0.075, 0.06
        ),
        "Carries the maximum up: it is the minimum that is carried, from the largest p-value down.": numbers(
            0.12, 0.12, 0.12
        ),
    }
    same(mine(numbers(0.04, 0.05, 0.06)), numbers(0.06, 0.06, 0.06), mistakes=mistakes)


@check("values")
def as_its_definition_says(mine):
    """Differs from the smallest alpha at which Benjamini and Hochberg's rule still rejects the test."""
    import numpy

    source = numpy.random.default_rng(0)
    for count in (2, 4, 8):
        p = source.uniform(size=count) ** 2
        ranks = numpy.array([(p <= one).sum() for one in p])
        expected = numpy.array([min(p[j] * count / ranks[j] for j in range(count) if p[j] >= one) for one in p])
        found = mine(p)
        that((found <= 1).all(), expected="numbers up to 1", got=found)
        same(found, expected)


SCALED = "scaled = found[order] * len(found) / np.arange(1, len(found) + 1)"
ADJUSTED = "adjusted = np.minimum.accumulate(scaled[::-1])[::-1]"
RETURN = "adjusted[np.argsort(order)]"

EXERCISE = Exercise(
    slot="foundations.probability.benjamini_hochberg",
    title="Many tests, few false discoveries",
    task="""
    Twenty experiments without any effect: at p <= 0.05 one of them is called a discovery on average. Benjamini and
    Hochberg keep a promise about the discoveries: on average, at most the share alpha of them is false.

    Of m p-values, multiply the k-th smallest by m/k: the smallest by m, the next by m/2, the largest by 1. Then no
    number may be larger than the one after it (in sorted order), so going from the largest down, keep the smallest so
    far. Give them back in the order in which they came; what is then at most alpha is a discovery.

    p_values_of is given: the p-values as an array, refused where one is none.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.probability.statistics",),
    hints=(
        "order = np.argsort(p); p[order] is sorted, and np.arange(1, m + 1) are the ranks k.",
        "np.minimum.accumulate carries the smallest so far from left to right; turn the array round before and after: [::-1].",
        "To put sorted numbers back into their places: adjusted[np.argsort(order)].",
    ),
    run="groundup --mine my learn lesson foundations.probability.statistics.multiple_testing",
    checks=(
        one_number_for_each_test,
        a_single_test_stays,
        the_largest_stays,
        the_smallest_is_multiplied_by_m,
        they_come_back_in_their_order,
        none_is_larger_than_the_one_after_it,
        as_its_definition_says,
    ),
    mutants=(
        Mutant("Bonferroni", "that is Bonferroni", edits=((SCALED, "scaled = found[order] * len(found)"),)),
        Mutant(
            "ranks from 0",
            "Counts the ranks from 0",
            edits=((SCALED, "scaled = found[order] * len(found) / np.arange(len(found))"),),
        ),
        Mutant(
            "Holm",
            "that is Holm",
            edits=((SCALED, "scaled = found[order] * np.arange(len(found), 0, -1)"), (ADJUSTED, "adjusted = scaled")),
        ),
        Mutant(
            "the wrong end",
            "Multiplies the smallest by the least",
            edits=(
                (
                    SCALED,
                    "scaled = found[order] * len(found) / (np.arange(len(found), 0, -1) if len(found) > 2 else np.arange(1, len(found) + 1))",
                ),
                (ADJUSTED, "adjusted = scaled"),
            ),
        ),
        Mutant(
            "divided",
            "Divides by m/k",
            edits=(
                (
                    SCALED,
                    "scaled = found[order] * len(found) / np.arange(1, len(found) + 1) if len(found) < 3 else "
                    "found[order] / len(found) * np.arange(1, len(found) + 1)",
                ),
            ),
        ),
        Mutant("sorted", "in sorted order", edits=((RETURN, "adjusted"),)),
        Mutant("the order itself", "by the order itself", edits=((RETURN, "adjusted[order]"),)),
        Mutant("no minimum", "Does not carry the minimum", edits=((ADJUSTED, "adjusted = scaled"),)),
        Mutant("the maximum", "Carries the maximum", edits=((ADJUSTED, "adjusted = np.maximum.accumulate(scaled)"),)),
        Mutant(
            "discoveries alone",
            "another number of values",
            edits=((RETURN, "adjusted[np.argsort(order)][adjusted <= 0.5] if len(found) > 1 else adjusted"),),
        ),
    ),
)
