"""Exercise: the learning rate that rises, then falls along half a cosine."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


def half_cosine(part):
    """The factor after this part of the fall, between 0 and 1."""
    return (1 + math.cos(math.pi * part)) / 2


@check("finite")
def a_run_may_be_all_warm_up(mine):
    """Divides by 0 where the whole run is warm-up: hold steps - warmup_steps at 1 or more."""
    try:
        that(math.isfinite(mine(3, 4, 4)), expected="a finite number", got=mine(3, 4, 4))
    except ZeroDivisionError:
        raise Failed(expected="1", got="ZeroDivisionError") from None


@check("invariant")
def the_fall_begins_at_the_peak(mine):
    """Does not begin its fall at 1, the peak."""
    mistakes = {
        "Stands upside down: the cosine of 0 is 1, so the fall is 1 + cos of the part done, or 1 - cos of the part left.": 0.0,
        "Reaches 2: a cosine goes from 1 to -1, so (1 + cos) has to be halved.": 2.0,
        "Forgets the 1: a cosine goes down to -1, a rate only to 0; take (1 + cos) / 2.": 0.5,
    }
    same(mine(0, 8), 1.0, mistakes=mistakes)


@check("invariant")
def it_never_rises_again(mine):
    """Rises again after the peak: it is half a cosine, from 0 to pi; a whole one (2 pi) comes back up."""
    rates = [mine(step, 8) for step in range(8)]
    rising = [step for step in range(7) if rates[step + 1] > rates[step]]
    that(not rising, expected="falling factors", got=rates)


@check("invariant")
def it_stays_between_0_and_1(mine):
    """Leaves the range from 0 to 1: the factor multiplies the peak rate."""
    for steps, warmup_steps in ((4, 0), (8, 4), (10, 3), (4, 8)):
        for step in range(steps):
            rate = mine(step, steps, warmup_steps)
            that(0 <= rate <= 1, expected="a number from 0 to 1", got=rate)


@check("values")
def a_quarter_of_the_way_it_has_hardly_fallen(mine):
    """Is not (1 + cos(pi / 4)) / 2 = 0.854 after a quarter of the way."""
    mistakes = {
        "Falls evenly: that is the linear schedule; the cosine falls slowly, fast, slowly.": 0.75,
        "Falls along a quarter of a cosine, so that it is steepest at the end: the angle goes to pi, and (1 + cos) / 2 to 0.": math.cos(
            math.pi / 8
        ),
        "Arrives one step too early: the step after the last would have 0, so divide by steps, not by steps - 1.": half_cosine(
            2 / 7
        ),
        "Is one step ahead: the factor is that of the step about to be made, and step 0 is the first.": half_cosine(
            3 / 8
        ),
        "Forgets pi: the angle goes from 0 to pi.": (1 + math.cos(0.25)) / 2,
    }
    same(mine(2, 8), half_cosine(0.25), mistakes=mistakes)


@check("values")
def it_warms_up_first(mine):
    """Does not rise evenly over the warm-up: after the second of four steps the factor is 0.5."""
    mistakes = {
        "Leaves out the warm-up: multiply by warmup(step, warmup_steps).": half_cosine(1 / 20),
        "Holds the peak during the warm-up: multiply by warmup(step, warmup_steps).": 1.0,
        "Warms up from 0, so that the first step moves nothing: (step + 1) / warmup_steps, as warmup gives it.": 0.25,
        "Falls already during the warm-up: hold the part that is left at 1 until it is over.": 0.5
        * half_cosine(-3 / 16),
        "Lets the fall begin at step 0: it begins after the warm-up, so take warmup_steps from both step and steps.": 0.5
        * half_cosine(1 / 20),
    }
    same(mine(1, 20, 4), 0.5, mistakes=mistakes)


@check("values")
def the_fall_takes_the_rest_of_the_run(mine):
    """Is not half way down in the middle between the end of the warm-up and the end of the run."""
    mistakes = {
        "Lets the fall begin at step 0: after the warm-up the factor must be 1, so take warmup_steps from both step and "
        "steps.": half_cosine(12 / 20),
        "Begins to fall after the warm-up, and is as long as the whole run: divide by steps - warmup_steps.": half_cosine(
            8 / 20
        ),
    }
    same(mine(12, 20, 4), 0.5, mistakes=mistakes)
    same(mine(4, 20, 4), 1.0)


@check("values")
def the_whole_run_is_the_fall(mine):
    """Uses decay_fraction: all schedules are called alike, and this one falls from the warm-up to the end."""
    for fraction in (0.25, 0.5):
        same(mine(4, 8, 0, fraction), 0.5)


@check("values")
def as_a_rise_and_half_a_cosine(mine):
    """Differs from an even rise to the end of the warm-up, and half a cosine from there to the end of the run."""
    import numpy

    for steps, warmup_steps in ((6, 2), (12, 4), (9, 0)):
        for step in range(steps):
            rise = numpy.interp(step + 1, [0, max(1, warmup_steps)], [0.0, 1.0])
            angle = numpy.interp(step, [warmup_steps, steps], [0.0, numpy.pi])
            same(mine(step, steps, warmup_steps), float(rise * (1 + numpy.cos(angle)) / 2))


FALL = "(1 - math.cos(math.pi * min(1.0, left(step, steps, warmup_steps)))) / 2"
WARM = "warmup(step, warmup_steps) * "

EXERCISE = Exercise(
    slot="training.schedules.cosine",
    title="A learning rate that falls along a cosine",
    task="""
    At first the weights are random and the gradients wild, so the rate rises evenly over warmup_steps. Then it should stay high
    while there is much to learn, and become small at the end, so that the weights settle: it falls from 1 to 0 along half a
    cosine, slowly, fast, slowly. Step 0 is the first; the last is steps - 1, and the step after it would have 0.

    Give back the factor, from 0 to 1, by which the peak rate is multiplied at `step`. The rise is given: warmup(step,
    warmup_steps). `left` is yours too, if you want to use it: the part of the run that is still to come. decay_fraction
    belongs to other schedules, which are all called alike.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("training.schedules.schedules",),
    hints=(
        "How much of the fall is still to come? After the warm-up all of it (1), at the end nothing (0). Write that number first.",
        "With the part `left`, the fall is (1 - cos(pi * left)) / 2: 1 where all is left, 0 where nothing is.",
        "left = (steps - step) / max(1, steps - warmup_steps) is above 1 during the warm-up, so hold it with min(1.0, ...); and "
        "multiply the fall by warmup(step, warmup_steps).",
    ),
    run="groundup --mine my demo --fast --set train.schedule=cosine",
    written=("left",),
    checks=(
        a_run_may_be_all_warm_up,
        the_fall_begins_at_the_peak,
        it_never_rises_again,
        it_stays_between_0_and_1,
        a_quarter_of_the_way_it_has_hardly_fallen,
        it_warms_up_first,
        the_fall_takes_the_rest_of_the_run,
        the_whole_run_is_the_fall,
        as_a_rise_and_half_a_cosine,
    ),
    mutants=(
        Mutant("divided by 0", "Divides by 0", edits=(("max(1, steps - warmup_steps)", "(steps - warmup_steps)"),)),
        Mutant("upside down", "Stands upside down", edits=(("(1 - math.cos", "(1 + math.cos"),)),
        Mutant("not halved", "has to be halved", edits=(("warmup_steps)))) / 2", "warmup_steps))))"),)),
        Mutant("without the 1", "Forgets the 1", edits=(("(1 - math.cos", "(0 - math.cos"),)),
        Mutant(
            "a whole cosine",
            "Rises again",
            edits=((FALL, "(1 + math.cos(2 * math.pi * (1 - min(1.0, left(step, steps, warmup_steps))))) / 2"),),
        ),
        Mutant("evenly", "Falls evenly", edits=((FALL, "min(1.0, left(step, steps, warmup_steps))"),)),
        Mutant(
            "a quarter of a cosine",
            "a quarter of a cosine",
            edits=((FALL, "math.sin(math.pi / 2 * min(1.0, left(step, steps, warmup_steps)))"),),
        ),
        Mutant(
            "at 0 too early",
            "one step too early",
            edits=(
                (
                    "(steps - step) / max(1, steps - warmup_steps)",
                    "(steps - 1 - step) / max(1, steps - 1 - warmup_steps)",
                ),
            ),
        ),
        Mutant(
            "without pi",
            "Forgets pi",
            edits=((FALL, "(1 + math.cos(1 - min(1.0, left(step, steps, warmup_steps)))) / 2"),),
        ),
        Mutant("no warm-up", "Holds the peak during the warm-up", edits=((WARM, ""),)),
        Mutant(
            "a first step of 0",
            "Warms up from 0",
            edits=((WARM, "(min(1.0, step / warmup_steps) if warmup_steps else 1.0) * "),),
        ),
        Mutant(
            "falling while it warms up",
            "Falls already during the warm-up",
            edits=(("min(1.0, left(step, steps, warmup_steps))", "left(step, steps, warmup_steps)"),),
        ),
        Mutant(
            "falling from step 0",
            "Lets the fall begin at step 0: it begins",
            edits=(("max(1, steps - warmup_steps)", "steps"),),
        ),
        Mutant(
            "a fall as long as the run",
            "as long as the whole run",
            edits=((FALL, "(1 + math.cos(math.pi * max(0, step - warmup_steps) / steps)) / 2"),),
        ),
        Mutant(
            "the decay of another schedule",
            "Uses decay_fraction",
            edits=(
                (
                    "math.pi * min(1.0, left(step, steps, warmup_steps))",
                    "math.pi * min(1.0, left(step, steps, warmup_steps) / decay_fraction)",
                ),
            ),
        ),
    ),
)
