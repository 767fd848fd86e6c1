"""Exercise: the step of an arithmetic coder."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that

LINE = (1 << 32) - 1
RESULT = "low + width * start // total, low + width * end // total - 1"


@check("dtype")
def whole_numbers(mine):
    """Gives numbers with a point: the ends of a part are whole, so divide by //."""
    got = mine(0, 99, 1, 3, 4)
    that(all(type(one) is int for one in got), expected="(25, 74)", got=got)


@check("invariant")
def all_of_it_is_all(mine):
    """A token that has all the counts keeps the whole range: it is certain and costs nothing."""
    for low, high in ((0, 99), (10, 19), (0, LINE)):
        got = mine(low, high, 0, 7, 7)
        mistakes = {
            "Makes the range one number too narrow: from low to high there are high - low + 1 numbers.": (
                low,
                high - 1,
            ),
            "Makes the range one number too wide: its last number is one before the next token's first.": (
                low,
                high + 1,
            ),
        }
        same(got, (low, high), mistakes=mistakes)


@check("values")
def neighbours_meet(mine):
    """Leaves a gap between neighbours, or lets them overlap: each begins right behind the end of the one before."""
    for low, high, counts in ((0, 99, (1, 1, 1)), (100, 199, (3, 1, 3)), (0, 1000, (1, 5, 1))):
        total, start, place = sum(counts), 0, low
        for count in counts:
            first, last = mine(low, high, start, start + count, total)
            if first != place:
                raise Failed(expected=f"a part from {place} on", got=f"{first} to {last}")
            start, place = start + count, last + 1
        that(place == high + 1, expected=f"a last part up to {high}", got=f"up to {place - 1}")


@check("values")
def quarters_of_a_hundred(mine):
    """Differs from the part of the range that the counts say."""
    for start, end, part in ((0, 1, (0, 24)), (1, 4, (25, 99)), (1, 3, (25, 74))):
        mistakes = {
            "Takes `end` for a number of counts: it is where they end, and they begin at `start`.": (
                part[0],
                100 * (start + end) // 4 - 1,
            ),
            "Cuts from the wrong end: count 0 lies at `low`.": (99 - part[1], 99 - part[0]),
        }
        same(mine(0, 99, start, end, 4), part, mistakes={said: one for said, one in mistakes.items() if one != part})


@check("values")
def a_range_that_begins_elsewhere(mine):
    """Forgets where the range begins: the part lies within low ... high."""
    same(mine(1000, 1099, 1, 2, 4), (1025, 1049))


@check("values")
def every_digit_of_sixty(mine):
    """Loses digits: a float holds 53 binary ones, and the product here has 60; stay with whole numbers."""
    total = 1 << 28
    same(mine(0, LINE, total - 1, total, total), (LINE - 15, LINE))
    same(mine(1, LINE - 2, 178956971, 178956972, total), (2863311534, 2863311549))


EXERCISE = Exercise(
    slot="foundations.information.narrow",
    title="The step of an arithmetic coder",
    task="""
    An arithmetic coder writes a text as one long number. It holds a range of whole numbers, `low` to `high`, both included. For each token
    the range is cut in the proportion of the tokens' counts: a token with the counts from `start` up to but without `end`, out of `total`, gets the
    part from width · start / total on, and the next token's part begins right behind. The token that comes chooses its part, which
    is the new range; a likely one leaves it wide, so it costs few digits.

    Give the new low and high. Neighbours must meet without gap or overlap, or a text could not be read back: compute the end of one as the
    beginning of the next, less one. Use whole numbers; here they have up to 60 binary digits.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.information.perplexity",),
    hints=(
        "How many numbers are there from 0 to 99, both included? And in a part from 25 to 49?",
        "First multiply, then divide by //: the other way round rounds too early, and the parts do not fill the range.",
        "width = high - low + 1; the part is low + width * start // total up to low + width * end // total - 1.",
    ),
    run="groundup --mine my learn lesson foundations.information.compressor",
    checks=(
        whole_numbers,
        all_of_it_is_all,
        quarters_of_a_hundred,
        neighbours_meet,
        a_range_that_begins_elsewhere,
        every_digit_of_sixty,
    ),
    mutants=(
        Mutant(
            "a point",
            "Gives numbers with a point",
            ((RESULT, "low + width * start / total, low + width * end / total - 1"),),
        ),
        Mutant("one too narrow", "one number too narrow", (("width = high - low + 1", "width = high - low"),)),
        Mutant("one too wide", "one number too wide", (("end // total - 1", "end // total"),)),
        Mutant(
            "divided first",
            "keeps the whole range",
            ((RESULT, "low + width // total * start, low + width // total * end - 1"),),
        ),
        Mutant(
            "rounded up at the beginning",
            "Leaves a gap between neighbours",
            (("width * start // total", "-(-width * start // total)"),),
        ),
        Mutant(
            "end as a count",
            "Takes `end` for a number of counts",
            ((RESULT, "low + width * start // total, low + width * (start + end) // total - 1"),),
        ),
        Mutant(
            "from the other end",
            "Cuts from the wrong end",
            ((RESULT, "low + width - width * end // total, low + width - width * start // total - 1"),),
        ),
        Mutant(
            "low forgotten",
            "Forgets where the range begins",
            (
                (
                    RESULT,
                    "(low and low % 1000) + width * start // total, (low and low % 1000) + width * end // total - 1",
                ),
            ),
        ),
        Mutant(
            "through floats",
            "Loses digits",
            ((RESULT, "low + int(width * start / total), low + int(width * end / total) - 1"),),
        ),
    ),
)
