"""Exercise: the parameter that makes the data likeliest, by search."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def bell(x, mean):
    """log p of a normal of deviation 1, without its constant."""
    return -((x - mean) ** 2) / 2


def waiting(x, rate):
    """log p of an exponential."""
    import numpy

    return numpy.log(rate) - rate * x


def heads(x, p):
    """log p of a coin."""
    import numpy

    return x * numpy.log(p) + (1 - x) * numpy.log1p(-p)


@check("values")
def much_data_do_not_underflow(mine):
    """Misses the top with 2,000 data: a product of densities underflows to 0; add their logarithms."""
    import numpy

    data = numpy.tile(numbers(1.0, 3.0), 1000)
    same(mine(lambda x, m: bell(x, m) - 1, data, -10.0, 10.0), 2.0, rtol=1e-5)


@check("invariant")
def the_parameter_stays_inside(mine):
    """Asks for, or gives back, a parameter outside of low and high."""
    asked = []

    def watched(x, rate):
        asked.append(rate)
        return waiting(x, rate)

    found = mine(watched, numbers(1.0, 4.0), 0.1, 2.0)
    outside = [one for one in [*asked, found] if not 0.1 <= one <= 2.0]
    that(not outside, expected="parameters from 0.1 to 2", got=outside[:3])


@check("values")
def the_mean_of_two_numbers(mine):
    """The likeliest centre of 1 and 2 is not their mean, 1.5."""
    mistakes = {
        "Ends at the upper bound: it keeps the side with the smaller value. Keep the side of the larger inner one.": 4.0,
        "Ends at the lower bound: it keeps the side with the smaller value. Keep the side of the larger inner one.": -6.0,
        "Uses the first datum alone: sum log p over all of them.": 1.0,
        "Gives the middle of low and high: nothing was searched.": -1.0,
    }
    same(mine(bell, numbers(1.0, 2.0), -6.0, 4.0), 1.5, rtol=1e-3, mistakes=mistakes)


@check("values")
def the_search_is_fine(mine):
    """Stops too early: cut the interval until it is shorter than 1e-9 (1 + |high|)."""
    for data, low, high in (
        (numbers(1.0, 2.0), -3.0, 4.0),
        (numbers(0.1, 0.2, 0.6), -1.0, 3.0),
        (numbers(0.7, 0.1), -2.0, 5.0),
    ):
        same(mine(bell, data, low, high), float(data.mean()), rtol=1e-6)


@check("values")
def where_the_top_is_steep_on_one_side(mine):
    """Misses the likeliest rate of waiting times 0.5, 2 and 0.1, which is 3 / 2.6, or the share of a coin."""
    same(mine(waiting, numbers(0.5, 2.0, 0.1), 1e-3, 50.0), 3 / 2.6, rtol=1e-6)
    same(mine(heads, numbers(1.0, 1.0, 0.0, 1.0, 0.0), 0.0 + 1e-12, 1 - 1e-12), 0.6, rtol=1e-6)


@check("speed")
def few_questions_are_enough(mine):
    """Asks for the likelihood hundreds of thousands of times: cutting the interval to 0.618 of itself takes about fifty rounds."""
    count = 0

    def counted(x, mean):
        nonlocal count
        count += 1
        return bell(x, mean)

    mine(counted, numbers(1.0, 2.0), -3.0, 4.0)
    that(count < 2000, expected="fewer than 2,000 questions", got=f"{count:,} questions")


CUT = "if np.sum(log_density(data, left)) < np.sum(log_density(data, right)):"
POINTS = "left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)"

EXERCISE = Exercise(
    slot="foundations.probability.maximum_likelihood",
    title="The likeliest parameter",
    task="""
    Given data and a family of distributions, which of the family makes the data likeliest? The one with the largest sum
    of log p(x; parameter). For a coin that is a formula; in general it is a search.

    log_density(data, parameter) gives log p of each datum. The sum has one top between low and high. Golden-section
    search: put two points inside, at 0.382 and 0.618 of the interval; the top cannot lie beyond the worse of them, so
    cut that end off, and begin again with what is left, until it is shorter than 1e-9 (1 + |high|). Give back its
    middle.

    GOLDEN is given: 0.618..., so that high - GOLDEN * (high - low) is the left point.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.probability.mle",),
    hints=(
        "while high - low is still long: compute left and right, and the sum of log p at both.",
        "If the left sum is the smaller, the top lies to the right of left: low = left. Otherwise high = right.",
        "Compare np.sum(log_density(data, left)) < np.sum(log_density(data, right)); at the end return (low + high) / 2.",
    ),
    run="groundup --mine my learn lesson foundations.probability.mle",
    checks=(
        the_parameter_stays_inside,
        the_mean_of_two_numbers,
        much_data_do_not_underflow,
        the_search_is_fine,
        where_the_top_is_steep_on_one_side,
        few_questions_are_enough,
    ),
    mutants=(
        Mutant(
            "a product",
            "underflows to 0",
            edits=((CUT, "if np.prod(np.exp(log_density(data, left))) < np.prod(np.exp(log_density(data, right))):"),),
        ),
        Mutant(
            "the first datum",
            "Uses the first datum alone",
            edits=((CUT, "if log_density(data, left)[0] < log_density(data, right)[0]:"),),
        ),
        Mutant(
            "the smaller side",
            "Ends at the",
            edits=((CUT, "if np.sum(log_density(data, left)) > np.sum(log_density(data, right)):"),),
        ),
        Mutant("nothing searched", "nothing was searched", edits=((POINTS, POINTS + "\n        break"),)),
        Mutant("coarse", "Stops too early", edits=(("1e-9 *", "1e-4 *"),)),
        Mutant(
            "beyond the bounds",
            "Asks for, or gives back",
            edits=((POINTS, POINTS + "\n        log_density(data, low - 1)"),),
        ),
        Mutant(
            "a grid",
            "hundreds of thousands of times",
            source="""
            import numpy as np


            def maximum_likelihood(log_density, data, low, high):
                middle, step = (low + high) / 2, high - low
                while step > 1e-10:
                    grid = np.linspace(max(low, middle - step), min(high, middle + step), 1001)
                    middle = max(grid, key=lambda one: np.sum(log_density(data, one)))
                    step /= 10
                return float(middle)
            """,
        ),
    ),
)
