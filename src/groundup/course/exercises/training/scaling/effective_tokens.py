"""Exercise: what reading the same text again is worth."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that

R = 15.387756


@check("shape")
def one_number_comes_back(mine):
    """Does not give back one number."""
    that(isinstance(mine(100.0, 50.0), float | int), expected="a number", got=mine(100.0, 50.0))


@check("finite")
def very_many_epochs_stay_a_number(mine):
    """Overflows for many epochs: the power is negative, exp(-again / repeats)."""
    try:
        that(math.isfinite(mine(1.0, 1e6)), expected="a finite number", got=mine(1.0, 1e6))
    except OverflowError:
        raise Failed(expected="a finite number", got="OverflowError") from None


@check("invariant")
def what_is_read_once_counts_whole(mine):
    """Does not count every token that is read for the first time."""
    mistakes = {
        "Counts unique tokens that were never read: with fewer tokens read than there are, those read are all.": 100.0,
    }
    same(mine(100.0, 60.0), 60.0, mistakes=mistakes)
    same(mine(100.0, 100.0), 100.0)


@check("values")
def the_second_reading_is_worth_a_little_less(mine):
    """Is not U + U R* (1 - exp(-1 / R*)) after two readings."""
    right = 100 + 100 * R * (1 - math.exp(-1 / R))
    mistakes = {
        "Counts repeated tokens like fresh ones.": 200.0,
        "Counts epochs, not repetitions: the first reading is no repetition, so take 1 off.": 100
        + 100 * R * (1 - math.exp(-2 / R)),
        "Leaves out the first reading: the unique tokens count too.": right - 100,
        "Counts repeated tokens as nothing.": 100.0,
        "Leaves out the factor R*: the repetitions together are worth up to U R*.": 100 + 100 * (1 - math.exp(-1 / R)),
    }
    same(mine(100.0, 200.0), right, mistakes=mistakes, rtol=1e-9)


@check("values")
def all_repetitions_together_have_a_limit(mine):
    """Is not U (1 + R*) after endless reading."""
    same(mine(10.0, 1e9), 10 * (1 + R), rtol=1e-6)


@check("values")
def repeats_is_the_one_given(mine):
    """Does not use the `repeats` it is given."""
    same(mine(10.0, 30.0, 2.0), 10 + 20 * (1 - math.exp(-1.0)), rtol=1e-9)


FIRST = "if tokens <= unique:\n        return float(tokens)\n    "
AGAIN = "again = tokens / unique - 1"
BACK = "return float(unique + unique * repeats * (1 - math.exp(-again / repeats)))"

EXERCISE = Exercise(
    slot="training.scaling.effective_tokens",
    title="What a second reading is worth",
    task="""
    There are `unique` different tokens, and `tokens` are read. The first reading counts whole. Each repetition is worth less than the one before
    it, by the factor exp(-1 / R*), and all of them together no more than U R*:

    D' = U + U R* (1 - exp(-R / R*)),   R = D / U - 1 repetitions

    `repeats` is R*. Where nothing is read twice, what is read is what counts.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("training.scaling.power_laws",),
    hints=(
        "First the case without repetition: tokens <= unique.",
        "How often is everything read again? tokens / unique - 1.",
        "unique + unique * repeats * (1 - math.exp(-again / repeats)).",
    ),
    run="groundup --mine my learn lesson training.scaling.data_limits --run",
    checks=(
        one_number_comes_back,
        very_many_epochs_stay_a_number,
        what_is_read_once_counts_whole,
        the_second_reading_is_worth_a_little_less,
        all_repetitions_together_have_a_limit,
        repeats_is_the_one_given,
    ),
    mutants=(
        Mutant(
            "a text",
            "Returns str where float is expected",
            edits=((BACK, f"return str({BACK[7:]})"), ("return float(tokens)", "return str(tokens)")),
        ),
        Mutant("the wrong sign", "Overflows", edits=(("math.exp(-again", "math.exp(again"),)),
        Mutant("unread", "never read", edits=(("return float(tokens)", "return float(unique)"),)),
        Mutant("like fresh", "like fresh ones", edits=((BACK, "return float(tokens)"),)),
        Mutant("epochs", "Counts epochs, not repetitions", edits=((AGAIN, "again = tokens / unique"),)),
        Mutant(
            "without the first",
            "Leaves out the first reading",
            edits=((BACK, BACK.replace("unique + unique", "unique")),),
        ),
        Mutant("nothing", "as nothing", edits=((BACK, "return float(unique)"),)),
        Mutant("without R*", "Leaves out the factor", edits=((BACK, BACK.replace("unique * repeats *", "unique *")),)),
        Mutant("its own R*", "Does not use the `repeats`", edits=((BACK, BACK.replace("repeats", "15.387756")),)),
    ),
)
