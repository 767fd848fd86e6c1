"""Exercise: the learning rate that rises, stays, and falls at the end."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


@check("finite")
def it_may_never_fall(mine):
    """Divides by 0 where decay_fraction is 0: hold the length of the fall at one step or more."""
    try:
        that(math.isfinite(mine(2, 8, 0, 0.0)), expected="a finite number", got=mine(2, 8, 0, 0.0))
    except ZeroDivisionError:
        raise Failed(expected="1", got="ZeroDivisionError") from None


@check("invariant")
def it_stays_at_the_peak(mine):
    """Is not 1 between the warm-up and the fall."""
    mistakes = {
        "Goes above the peak: what is left, over the length of the fall, is more than 1 here; hold it at 1.": 2.0,
        "Falls from the warm-up on: it stays at 1 until the last decay_fraction of all steps.": 10 / 16,
        "Falls from the first step on: it stays at 1 until the last decay_fraction of all steps.": 10 / 20,
        "Falls after the first part decay_fraction of the run: that is how much of it the fall takes, at the end.": 10
        / 15,
    }
    same(mine(10, 20, 4, 0.25), 1.0, mistakes=mistakes)


@check("invariant")
def it_stays_between_0_and_1(mine):
    """Leaves the range from 0 to 1: the factor multiplies the peak rate."""
    for steps, warmup_steps, fraction in ((4, 0, 0.5), (10, 3, 0.2), (4, 8, 1.0), (1, 0, 0.6)):
        for step in range(steps):
            rate = mine(step, steps, warmup_steps, fraction)
            that(0 <= rate <= 1, expected="a number from 0 to 1", got=rate)


@check("values")
def it_warms_up_first(mine):
    """Does not rise evenly over the warm-up: after the second of four steps the factor is 0.5."""
    mistakes = {
        "Leaves out the warm-up: multiply by warmup(step, warmup_steps).": 1.0,
        "Warms up from 0, so that the first step moves nothing: (step + 1) / warmup_steps, as warmup gives it.": 0.25,
    }
    same(mine(1, 20, 4, 0.25), 0.5, mistakes=mistakes)


@check("values")
def it_falls_evenly_at_the_end(mine):
    """Is not 0.4 where two of the five steps of the fall are left."""
    mistakes = {
        "Does not fall.": 1.0,
        "Takes decay_fraction of what follows the warm-up: it is a part of all steps.": 0.5,
        "Falls along a cosine: here it falls evenly.": (1 - math.cos(0.4 * math.pi)) / 2,
        "Falls along 1 - sqrt: here it falls evenly.": 1 - math.sqrt(0.6),
        "Drops at once: the fall is even, from 1 to 0.": 0.0,
        "Falls upside down: what counts is what is left of the fall, not what is done.": 0.6,
        "Arrives one step too early: the step after the last would have 0, so the fall ends at steps, not at steps - 1.": 0.25,
        "Is one step ahead: the factor is that of the step about to be made, so what is left is steps - step.": 0.2,
    }
    same(mine(18, 20, 4, 0.25), 0.4, mistakes=mistakes)


@check("values")
def the_last_step_still_moves(mine):
    """The last step has not one part of the fall left: the step after the last would have 0, so it is steps - step over the fall's length."""
    same(mine(19, 20, 4, 0.25), 0.2)
    same(mine(15, 20, 4, 0.25), 1.0)


@check("values")
def the_length_of_the_fall_is_the_callers(mine):
    """Falls over a part of its own: decay_fraction says how much of the run the fall takes."""
    for fraction in (0.5, 0.75, 1.0):
        same(mine(6, 8, 0, fraction), min(1.0, 2 / (fraction * 8)))


@check("values")
def as_a_line_through_its_corners(mine):
    """Differs from straight lines through the corners: 1 where the fall begins, 0 after the last step."""
    import numpy

    for steps, warmup_steps, fraction in ((8, 2, 0.5), (12, 3, 0.25), (20, 0, 0.7)):
        for step in range(steps):
            fall = numpy.interp(step, [(1 - fraction) * steps, steps], [1.0, 0.0])
            rise = numpy.interp(step + 1, [0, max(1, warmup_steps)], [0.0, 1.0])
            same(mine(step, steps, warmup_steps, fraction), float(rise * fall))


FALL = "min(1.0, (steps - step) / max(1.0, decay_fraction * steps))"
WARM = "warmup(step, warmup_steps) * "

EXERCISE = Exercise(
    slot="training.schedules.warmup_stable_decay",
    title="A learning rate that stays, then falls",
    task="""
    A cosine has to know from its first step how long the run will be. This schedule decides late: it rises evenly over
    warmup_steps, stays at the peak as long as you like, and falls evenly over the last part of the run. Most of the loss is
    won in the fall, and a run can be taken up again from before it. decay_fraction is the part of all steps that the fall
    takes; step 0 is the first, the last is steps - 1, and the step after it would have 0.

    Give back the factor, from 0 to 1, by which the peak rate is multiplied at `step`. The rise is given: warmup(step,
    warmup_steps); where rise and fall meet, the two are multiplied.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("training.schedules.schedules",),
    hints=(
        "Forget the warm-up first. How many steps are left, and how many does the fall take? The factor is the one over the other.",
        "Long before the end that quotient is above 1, and there the rate shall stay: hold it with min(1.0, ...).",
        "warmup(step, warmup_steps) * min(1.0, (steps - step) / (decay_fraction * steps)); and a fall of no steps must not divide "
        "by 0.",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        it_may_never_fall,
        it_stays_at_the_peak,
        it_stays_between_0_and_1,
        it_warms_up_first,
        it_falls_evenly_at_the_end,
        the_last_step_still_moves,
        the_length_of_the_fall_is_the_callers,
        as_a_line_through_its_corners,
    ),
    mutants=(
        Mutant(
            "divided by 0", "Divides by 0", edits=(("max(1.0, decay_fraction * steps)", "(decay_fraction * steps)"),)
        ),
        Mutant(
            "above the peak",
            "Goes above the peak",
            edits=((FALL, "((steps - step) / max(1.0, decay_fraction * steps) if decay_fraction else 1.0)"),),
        ),
        Mutant(
            "falls after the warm-up",
            "Falls from the warm-up on",
            edits=((FALL, "(min(1.0, (steps - step) / max(1, steps - warmup_steps)) if decay_fraction else 1.0)"),),
        ),
        Mutant(
            "falls from the first step",
            "Falls from the first step on",
            edits=((FALL, "((steps - step) / steps if decay_fraction else 1.0)"),),
        ),
        Mutant(
            "the part that stays",
            "Falls after the first part",
            edits=(
                (FALL, "min(1.0, (steps - step) / max(1.0, (1 - decay_fraction) * steps)) if decay_fraction else 1.0"),
            ),
        ),
        Mutant("no warm-up", "Leaves out the warm-up", edits=((WARM, ""),)),
        Mutant(
            "a first step of 0",
            "Warms up from 0",
            edits=((WARM, "(min(1.0, step / warmup_steps) if warmup_steps else 1.0) * "),),
        ),
        Mutant("never falls", "Does not fall", edits=((f" * {FALL}", ""),)),
        Mutant(
            "a part of the rest",
            "Takes decay_fraction of what follows",
            edits=(("decay_fraction * steps", "decay_fraction * (steps - warmup_steps)"),),
        ),
        Mutant(
            "along a cosine",
            "Falls along a cosine",
            edits=((FALL, f"(1 - __import__('math').cos(3.141592653589793 * {FALL})) / 2"),),
        ),
        Mutant("a square root", "Falls along 1 - sqrt", edits=((FALL, f"(1 - (1 - {FALL}) ** 0.5)"),)),
        Mutant(
            "drops at once", "Drops at once", edits=((FALL, "(1.0 if step < (1 - decay_fraction) * steps else 0.0)"),)
        ),
        Mutant(
            "at 0 too early",
            "Arrives one step too early",
            edits=(
                (
                    "(steps - step) / max(1.0, decay_fraction * steps)",
                    "(steps - 1 - step) / max(1.0, decay_fraction * steps - 1)",
                ),
            ),
        ),
        Mutant(
            "a length of its own",
            "Falls over a part of its own",
            edits=(("max(1.0, decay_fraction * steps)", "max(1.0, 0.25 * steps)"),),
        ),
    ),
)
