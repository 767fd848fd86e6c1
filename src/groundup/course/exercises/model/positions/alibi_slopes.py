"""Exercise: a slope for each head, from one that hardly looks back to one that hardly minds."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def powers(*exponents):
    """Powers of two as a tensor."""
    import torch

    return torch.tensor([2.0**one for one in exponents])


@check("shape")
def a_slope_for_each_head(mine):
    """Gives another number of slopes than heads."""
    for heads in (1, 2, 3, 8, 12):
        shape(mine(heads), (heads,))


@check("invariant")
def all_between_0_and_1(mine):
    """Leaves the range from 0 to 1: slopes are positive here, the bias takes their negative."""
    for heads in (1, 4, 5):
        slopes = mine(heads)
        that(bool((slopes > 0).all()) and bool((slopes <= 1).all()), expected="slopes between 0 and 1", got=slopes)


@check("invariant")
def no_two_alike(mine):
    """Gives two heads the same slope: those in between come from twice as many heads, the first, third, fifth of them."""
    for heads in (3, 6, 12):
        that(len(set(mine(heads).tolist())) == heads, expected=f"{heads} different slopes", got=mine(heads))


@check("values")
def eight_heads(mine):
    """Is not 1/2, 1/4, ... 1/256 for eight heads, as in the paper."""
    mistakes = {
        "Begins with 1: the exponents are 8k/heads for k = 1, 2, ..., not from 0.": powers(
            0, -1, -2, -3, -4, -5, -6, -7
        ),
        "Stands the other way round: the first head has the steepest slope.": powers(-8, -7, -6, -5, -4, -3, -2, -1),
    }
    same(mine(8), powers(-1, -2, -3, -4, -5, -6, -7, -8), mistakes=mistakes)


@check("values")
def four_heads(mine):
    """Does not spread the slopes of four heads down to 1/256: the exponents are 8k/heads."""
    mistakes = {"Takes 2^-k whatever the number of heads: the exponents are 8k/heads.": powers(-1, -2, -3, -4)}
    same(mine(4), powers(-2, -4, -6, -8), mistakes=mistakes)


@check("values")
def six_heads(mine):
    """Does not continue the four slopes below six with the first and the third of eight heads."""
    mistakes = {
        "Spreads the slopes over six directly: the paper keeps to powers of two.": powers(
            *(-8 * k / 6 for k in range(1, 7))
        ),
        "Takes the first and second of eight: every other one, or they meet those that are there.": powers(
            -2, -4, -6, -8, -1, -2
        ),
        "Puts the slopes in between first: they follow those of the power of two.": powers(-1, -3, -2, -4, -6, -8),
        "Takes the last ones of twice as many heads: begin with the first.": powers(-2, -4, -6, -8, -5, -7),
    }
    same(mine(6), powers(-2, -4, -6, -8, -1, -3), mistakes=mistakes)


BETWEEN = "[2 ** (-4 * k / power) for k in range(1, 2 * power + 1, 2)]"

EXERCISE = Exercise(
    slot="model.positions.alibi_slopes",
    title="ALiBi's slopes",
    task="""
    ALiBi takes slope * distance away from each score. A steep head sees its neighbours alone, a flat one the whole text, and
    so the slopes form a geometric row: 2^(-8/heads), 2^(-16/heads), ... down to 2^-8, for a power of two of heads.

    For any other number: first the slopes of the power of two below it; then, as many as are missing, the first, third, fifth
    ... slope of twice that power. Six heads have those of four, then the first and the third of eight.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("model.positions.relative",),
    hints=(
        "2 ** math.floor(math.log2(heads)) is the power of two that is not above heads.",
        "The slopes of n heads are 2 ** (-8 * k / n) for k from 1 to n; a list of them may be cut and added to.",
        "Of twice as many heads take k = 1, 3, 5, ...: range(1, 2 * power + 1, 2), and of those the first heads - power.",
    ),
    run="groundup --mine my learn lesson model.positions.relative",
    checks=(a_slope_for_each_head, all_between_0_and_1, no_two_alike, eight_heads, four_heads, six_heads),
    mutants=(
        Mutant("the power alone", "another number of slopes", ((" + between[: heads - power]", ""),)),
        Mutant("negative", "Leaves the range", (("torch.tensor(slopes", "-torch.tensor(slopes"),)),
        Mutant("the first again", "the same slope", ((BETWEEN, "slopes"),)),
        Mutant(
            "from 0",
            "Begins with 1",
            (
                (
                    "[2 ** (-8 * k / power) for k in range(1, power + 1)]",
                    "[2 ** (-8 * k / power) for k in range(power)]",
                ),
            ),
        ),
        Mutant(
            "turned round", "the other way round", (("for k in range(1, power + 1)]", "for k in range(power, 0, -1)]"),)
        ),
        Mutant(
            "no heads in it",
            "whatever the number",
            (("2 ** (-8 * k / power)", "2.0**-k"), (BETWEEN, "[2 ** (-k - 0.5) for k in range(power)]")),
        ),
        Mutant("any number", "over six directly", (("power = 2 ** math.floor(math.log2(heads))", "power = heads"),)),
        Mutant(
            "in between first",
            "in between first",
            (("slopes + between[: heads - power]", "between[: heads - power] + slopes"),),
        ),
        Mutant(
            "the last ones",
            "the last ones",
            (("between[: heads - power]", "between[len(between) - (heads - power) :]"),),
        ),
    ),
)
