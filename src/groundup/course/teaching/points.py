"""A verdict as points: the whole weight for a pass, and at most half of it for the rungs that were climbed.

The rungs of an exercise are asked in order (shape, dtype, finite, invariant, values, gradient, speed), so the rungs below the
one where an attempt stopped are passed. Half is the limit because a function that gives back its argument often has the
right shape and dtype. An attempt that no check could judge has no rung and no points.
"""

from groundup.course.exercise import Exercise
from groundup.course.verdict import Verdict

PARTIAL = 0.5  # of the weight, for all rungs but a pass
RULE = (
    "An exercise that passes gets its whole weight. One that does not gets half of the weight, times the share of its rungs "
    "that were passed in order before the first that failed."
)


def rungs_of(exercise: Exercise) -> tuple[str, ...]:
    """The rungs that an exercise asks, in order."""
    return tuple(dict.fromkeys(check.rung for check in exercise.in_order()))


def rungs_passed(exercise: Exercise, verdict: Verdict) -> tuple[str, ...]:
    """The rungs below the one where the attempt stopped; one that is passed in part is not passed."""
    rungs = rungs_of(exercise)
    if verdict.passed:
        return rungs
    return rungs[: rungs.index(verdict.rung)] if verdict.rung in rungs else ()


def share(passed: int, rungs: int, done: bool) -> float:
    """The part of the weight that was earned.

    >>> share(5, 5, True), share(2, 4, False), share(0, 4, False)
    (1.0, 0.25, 0.0)
    """
    return 1.0 if done else PARTIAL * passed / max(rungs, 1)
