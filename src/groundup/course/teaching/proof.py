"""Whether a pack's exercises are proved, by the same rule as the library's: the checks must be known to work before a learner
meets them. The solution passes, the stub does not, each wrong version fails with its own sentence, and there are at least four.

What the exercise's own classes refuse (a check without a likely mistake, fewer than three hints, an unknown rung) is met while
its file is read, and is a fault like any other. A check that no wrong version reaches is noted, and is no fault.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundup.course.checker import Checker, check_mutants
from groundup.course.exercise import Exercise
from groundup.course.teaching.pack import Pack, load, read
from groundup.errors import GroundupError

LEAST_MUTANTS = 4
SPOKEN = ("title", "task", "run")  # what a learner reads


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found of one exercise of a pack. mutants: how many wrong versions were caught; notes: no faults."""

    file: str
    id: str = ""
    mutants: int = 0
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prove(folder: Path, on_report: Callable[[Report], None] = lambda report: None) -> tuple[Pack, list[Report]]:
    """Prove every exercise of a pack; `on_report` hears of each as it is known."""
    pack = read(folder)
    reports: list[Report] = []
    with Checker() as checker:
        for name in pack.exercises:
            report = _report(pack, name, {one.id for one in reports}, checker)
            reports.append(report)
            on_report(report)
    return pack, reports


def _report(pack: Pack, name: str, ids: set[str], checker: Checker) -> Report:
    try:
        exercise = load(pack, name)
        faults = _plain_faults(exercise, ids)
        proofs = check_mutants(exercise, checker)
    except GroundupError as error:
        return Report(file=name, faults=(str(error),))
    faults += [f"{proof.name!r}: {proof.fault}" for proof in proofs if proof.fault]
    mutants = [proof for proof in proofs[2:] if not proof.fault]  # the first two are the solution and the stub
    reached = {proof.verdict.check for proof in proofs[2:]}
    notes = [f"no wrong version is caught by {one.name}" for one in exercise.in_order() if one.name not in reached]
    return Report(file=name, id=exercise.id, mutants=len(mutants), faults=tuple(faults), notes=tuple(notes))


def _plain_faults(exercise: Exercise, ids: set[str]) -> list[str]:
    """What can be said without running anything."""
    faults = [f"it has no {name}; a learner reads it" for name in SPOKEN if not getattr(exercise, name).strip()]
    if exercise.id in ids:
        faults.append(f"another exercise of the pack is called {exercise.id} too; give it a slot of its own")
    if len(exercise.mutants) < LEAST_MUTANTS:
        faults.append(
            f"it has {len(exercise.mutants)} wrong versions; add at least {LEAST_MUTANTS - len(exercise.mutants)} more, "
            "each with the sentence that it must get"
        )
    return faults
