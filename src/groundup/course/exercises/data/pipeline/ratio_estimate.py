"""Exercise: a total from a sample, with its error."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

CASES = [  # tokens and bytes of the units drawn, bytes of all, number of all units
    ([10, 30], [50, 100], 300, 4),
    ([10, 30, 22], [50, 100, 70], 10_000, 40),
    ([25, 26, 24, 40], [100, 100, 100, 160], 5_000, 50),
    ([7, 90, 31, 55, 12], [20, 300, 90, 200, 60], 1e6, 9_000),
]


def arrays(numbers):
    """Numbers as the function gets them."""
    import numpy

    return numpy.array(numbers, dtype=float)


def by_hand(tokens, sizes, total, units, *, fewer=1, corrected=True):
    """Total and error with plain Python."""
    count = len(tokens)
    ratio = sum(tokens) / sum(sizes)
    squares = sum((token - ratio * size) ** 2 for token, size in zip(tokens, sizes, strict=True))
    left = 1 - count / units if corrected else 1
    return total * ratio, total / (sum(sizes) / count) * (squares / (count - fewer) * left / count) ** 0.5


def answer(mine, tokens, sizes, total, units):
    """What the function says, as two numbers."""
    got = mine(arrays(tokens), arrays(sizes), float(total), units)
    that(len(got) == 2, expected="(total, error)", got=str(got))
    return float(got[0]), float(got[1])


@check("shape")
def two_numbers(mine):
    """Gives something else than the total and its standard error."""
    answer(mine, *CASES[0])


@check("values")
def the_total_is_by_bytes(mine):
    """Estimates another total: tokens of the sample by bytes of the sample, times the bytes of all."""
    mean = "Averages the ratios of the units: a small unit then counts as much as a large one; divide sum by sum."
    units_ = "Multiplies the mean tokens by the number of units: that forgets that the sizes of all are known."
    for tokens, sizes, total, units in CASES:
        ratios = [token / size for token, size in zip(tokens, sizes, strict=True)]
        mistakes = {mean: total * sum(ratios) / len(ratios), units_: units * sum(tokens) / len(tokens)}
        same(answer(mine, tokens, sizes, total, units)[0], by_hand(tokens, sizes, total, units)[0], mistakes=mistakes)


@check("invariant")
def equal_ratios_leave_no_error(mine):
    """Has an error although every unit has the same tokens a byte: the residuals are tokens - R * sizes, not tokens - mean."""
    got = answer(mine, [10, 20, 40], [100, 200, 400], 7_000, 100)[1]
    that(abs(got) < 1e-9, expected="an error of 0", got=f"{got}")


@check("invariant")
def all_units_leave_no_error(mine):
    """Has an error although all units were read: the part that was not read, 1 - n / units, belongs under the root."""
    got = answer(mine, [10, 30, 22], [50, 100, 70], 220, 3)[1]
    that(abs(got) < 1e-9, expected="an error of 0", got=f"{got}")


@check("values")
def the_error_is_that_of_a_total(mine):
    """Gives another error than the formula."""
    biased = "Divides the squares by n: R was fitted to the same units, so n - 1 is what keeps s from being too small."
    whole = "Leaves the factor 1 - n / units out."
    mean = "Gives s, the spread of single units: the error of their mean is s / sqrt(n)."
    for case in CASES:
        count = len(case[0])
        mistakes = {
            biased: by_hand(*case, fewer=0)[1],
            whole: by_hand(*case, corrected=False)[1],
            mean: by_hand(*case)[1] * count**0.5,
        }
        same(answer(mine, *case)[1], by_hand(*case)[1], mistakes=mistakes)


EXERCISE = Exercise(
    slot="data.pipeline.ratio_estimate",
    title="How many tokens, give or take",
    task="""
    A corpus has millions of blocks, `units` of them, and `total` bytes. Of n blocks, drawn at random, the tokens and the bytes were counted.
    Estimate the tokens of all: R = sum of tokens / sum of sizes, times `total`. And say how far the truth may be: with
    s^2 = sum of (tokens - R * sizes)^2 / (n - 1), the standard error is
    (total / mean size) * s * sqrt((1 - n / units) / n). Give (total, error) as two floats.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.pipeline.estimate",),
    hints=(
        "First the ratio, as one division of two sums: large blocks then weigh more than small ones, as they should.",
        "The residual of a block is what it has beyond R * its bytes. Sum their squares, divide by n - 1, take the root.",
        "error = total / sizes.mean() * spread * math.sqrt((1 - n / units) / n): the last factor is 0 when all was read.",
    ),
    run="groundup --mine my learn lesson data.pipeline.estimate --run",
    checks=(
        two_numbers,
        the_total_is_by_bytes,
        equal_ratios_leave_no_error,
        all_units_leave_no_error,
        the_error_is_that_of_a_total,
    ),
    mutants=(
        Mutant(
            "the total alone",
            "something else than the total",
            (("float(total * ratio), float(error)", "(float(total * ratio),)"),),
        ),
        Mutant("mean of ratios", "Averages the ratios", (("tokens.sum() / sizes.sum()", "(tokens / sizes).mean()"),)),
        Mutant("by units", "Multiplies the mean tokens", (("float(total * ratio)", "float(units * tokens.mean())"),)),
        Mutant(
            "spread of tokens",
            "although every unit has the same",
            (("tokens - ratio * sizes", "tokens - tokens.mean()"),),
        ),
        Mutant("no correction", "although all units were read", (("(1 - count / units) / count", "1 / count"),)),
        Mutant("divided by n", "Divides the squares by n", (("/ (count - 1)", "/ count"),)),
        Mutant("single units", "Gives s, the spread", (("(1 - count / units) / count", "1 - count / units"),)),
    ),
)
