"""Exercise: the next scale of an fp16 loss."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def a_good_step_is_counted(mine):
    """Does not count a good step: the scale stays and good_steps grows by 1."""
    mistakes = {"Doubles at once: only after `interval` good steps in a row.": (2048.0, 0)}
    same(mine(1024.0, 3, False, 10), (1024.0, 4), mistakes=mistakes)


@check("values")
def an_overflow_halves(mine):
    """Does not answer an overflow with half the scale and a count of 0."""
    mistakes = {
        "Keeps the count after an overflow: good steps are counted in a row, so it begins again at 0.": (512.0, 7),
        "Counts the step that overflowed as a good one: the count is 0.": (512.0, 1),
        "Raises the scale after an overflow: the gradient was too large, so the scale must fall.": (2048.0, 0),
        "Leaves the scale where it overflowed.": (1024.0, 0),
    }
    same(mine(1024.0, 7, True, 10), (512.0, 0), mistakes=mistakes)


@check("values")
def enough_good_steps_double(mine):
    """Does not double the scale after `interval` good steps in a row, this one included."""
    mistakes = {
        "Doubles one step late: this step counts too.": (1024.0, 10),
        "Doubles and goes on counting: the count begins again at 0.": (2048.0, 10),
    }
    same(mine(1024.0, 9, False, 10), (2048.0, 0), mistakes=mistakes)
    same(mine(1024.0, 0, False, 1), (2048.0, 0))


@check("values")
def an_overflow_comes_first(mine):
    """Doubles where the step overflowed: an overflow is answered first, whatever was counted."""
    same(mine(1024.0, 9, True, 10), (512.0, 0))


@check("values")
def a_run_of_steps_is_that_of_torch(mine):
    """Parts from torch's GradScaler in a run of steps."""
    scale, good, seen = 8.0, 0, []
    for overflowed in (False, False, False, True, False, True, True, False, False, False, False):
        scale, good = mine(scale, good, overflowed, 3)
        seen.append(scale)
    same(seen, [8.0, 8.0, 16.0, 8.0, 8.0, 4.0, 2.0, 2.0, 2.0, 4.0, 4.0])


EXERCISE = Exercise(
    slot="training.step.next_scale",
    title="Loss scaling: as large as it can be",
    task="""
    fp16 loses gradients below 6e-8, so the loss is multiplied by a scale before the gradient is taken, and the gradient divided by it
    after. Too large a scale makes gradients infinite: then the step is left out. Nobody knows the best scale, so it is felt for:

    - the gradient overflowed: half the scale, and counting begins again at 0
    - it did not: one more good step; the `interval`-th in a row doubles the scale, and counting begins again at 0
    - else the scale stays

    Give back the scale of the next step and the count of good steps.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("training.step.precision",),
    hints=(
        "An overflow decides everything: answer it first and return.",
        "good_steps counts this step too before it is compared with interval.",
        "return (2 * scale, 0) if good_steps == interval else (scale, good_steps)",
    ),
    run="groundup --mine my run demo-fast --dtype float16",
    checks=(
        a_good_step_is_counted,
        an_overflow_halves,
        enough_good_steps_double,
        an_overflow_comes_first,
        a_run_of_steps_is_that_of_torch,
    ),
    mutants=(
        Mutant("the scale alone", "Returns float where tuple", edits=(("(scale, good_steps)", "scale"),)),
        Mutant("never counts", "Does not count a good step", edits=(("good_steps += 1", "pass"),)),
        Mutant("doubles at once", "Doubles at once", edits=(("good_steps == interval", "good_steps > 0"),)),
        Mutant("keeps the count", "Keeps the count", edits=(("return scale / 2, 0", "return scale / 2, good_steps"),)),
        Mutant("counts the overflow", "as a good one", edits=(("return scale / 2, 0", "return scale / 2, 1"),)),
        Mutant("the wrong way", "must fall", edits=(("scale / 2, 0", "2 * scale, 0"),)),
        Mutant("stays", "Leaves the scale where", edits=(("scale / 2, 0", "scale, 0"),)),
        Mutant("late", "one step late", edits=(("good_steps == interval", "good_steps > interval"),)),
        Mutant("counts on", "goes on counting", edits=(("(2 * scale, 0)", "(2 * scale, good_steps)"),)),
        Mutant(
            "growth first",
            "an overflow is answered first",
            source="""
            def next_scale(scale, good_steps, overflowed, interval=2000):
                if good_steps + 1 >= interval:
                    return 2 * scale, 0
                return (scale / 2, 0) if overflowed else (scale, good_steps + 1)
            """,
        ),
    ),
)
