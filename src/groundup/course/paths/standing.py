"""One step of a path and one learner: which topics are built, which exercises it has, which of them were passed.

What the record says is taken as it is here; a milestone judges anew (`milestones.py`).
"""

from dataclasses import asdict, dataclass
from typing import Any

from groundup.course import shelf
from groundup.course.exercise import Exercise
from groundup.course.paths import milestones, whereabouts
from groundup.course.paths.steps import Milestone, Path, Step, path
from groundup.course.record import Record
from groundup.course.topics import Topic


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How far a learner is in a step. topics: each with "built", "module" (its folder is there, its file is not) or "waits".

    milestone: what is known of it without judging: "waits for ...", "reached on 2026-01-31", "not judged yet"; "" without one.
    """

    step: Step
    topics: tuple[tuple[Topic, str], ...]
    exercises: tuple[tuple[Exercise, bool], ...]
    milestone: str = ""

    @property
    def passed(self) -> int:
        """How many of the step's exercises were passed."""
        return sum(passed for _, passed in self.exercises)

    def facts(self) -> dict[str, Any]:
        """The standing as plain values."""
        step = self.step
        return {
            "title": step.title,
            "time": step.time,
            "hands_on": list(step.hands_on),
            "topics": {topic.id: state for topic, state in self.topics},
            "further": list(step.further),
            "exercises": {exercise.id: passed for exercise, passed in self.exercises},
            "milestone": asdict(step.milestone) | {"standing": self.milestone} if step.milestone else None,
        }


def standing(step: Step, record: Record) -> Standing:
    """How far the learner of a record is in a step."""
    topics = step.resolved()
    asked = milestones.proofs()[step.milestone.id].wanted() if step.milestone else []
    found = {one.id: one for topic in topics for one in whereabouts.exercises(topic)}
    found |= {one.id: one for one in shelf.exercises() if one.id in asked}
    return Standing(
        step=step,
        topics=tuple((topic, whereabouts.built(topic)) for topic in topics),
        exercises=tuple((one, record.get(one.id).passed) for one in found.values()),
        milestone=known(step.milestone, record) if step.milestone else "",
    )


def known(milestone: Milestone, record: Record) -> str:
    """A milestone's standing without judging it."""
    if missing := list(milestones.waits(milestones.proofs()[milestone.id])):
        return missing[0]
    last = milestones.kept(record.path.parent).get(milestone.id)
    return f"{last['state']} on {last['when']}" if last else "not judged yet"


def projects(way: Path, record: Record) -> dict[str, list[tuple[Milestone, str]]]:
    """The projects of a path, level by level, each with what is known of it without judging."""
    return {level: [(work, known(work, record)) for work in works] for level, works in way.projects.items()}


def standings(way: Path, record: Record) -> list[Standing]:
    """How far the learner is in every step of a path."""
    return [standing(step, record) for step in way.steps]


def where(record: Record, name: str = "chapters") -> str:
    """The step that a learner is at: the one of the current exercise, or the first with something left to pass."""
    steps = standings(path(name), record)
    titles = [f"{number}. {one.step.title}" for number, one in enumerate(steps, 1)]
    for title, one in zip(titles, steps, strict=True):
        if record.current in [exercise.id for exercise, _ in one.exercises]:
            return title
    return next(
        (title for title, one in zip(titles, steps, strict=True) if one.passed < len(one.exercises)), titles[-1]
    )
