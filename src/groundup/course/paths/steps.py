"""The learning paths as steps of one form, whatever `paths.toml` calls them: chapters, topics, parts, sections.

A path is data that several faces show (terminal, page, export), so its six spellings are read here and nowhere else.
`paths.toml` says what projects there are, in words; the row of `milestones.toml` with these words as its title gives each
its id and the kind of its proof. Left out: what a learner did of a step (`standing.py`).
"""

import difflib
import pathlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from groundup.course.topics import Topic, paths, resolve
from groundup.errors import InputError

ABOUT = {  # path -> what it is, in the order of a first visit
    "chapters": "build a language model in eight chapters",
    "topics": "twelve topics, three practical works each",
    "phases": "ten phases, mathematics to production",
    "roadmap": "nine parts, foundations to deployment",
    "hands-on": "seven steps from Word2Vec to LoRA",
    "guide": "a study guide in five sections",
    "tracks": "beginner, intermediate, advanced, research",
}
LEVELS = ("beginner", "intermediate", "advanced")  # of the projects


@dataclass(frozen=True, kw_only=True, slots=True)
class Milestone:
    """What proves a step or a project. check: function, lesson, run, equal or report."""

    id: str
    check: str
    goal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One station of a path. time: as written, with its unit; topics, further: ids of the syllabus."""

    title: str
    topics: tuple[str, ...]
    time: str = ""
    phase: str = ""
    further: tuple[str, ...] = ()
    hands_on: tuple[str, ...] = ()
    milestone: Milestone | None = None

    def resolved(self) -> list[Topic]:
        """The topics of the step, one by one."""
        return list(dict.fromkeys(topic for id in self.topics for topic in resolve(id)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """A way through. time: its steps' together, "" where they have none.

    success: lists of what shows that it went well, in words; projects: level -> works beside the steps, each proved.
    """

    name: str
    about: str
    steps: tuple[Step, ...]
    time: str = ""
    success: dict[str, list[str]] = field(default_factory=dict)
    projects: dict[str, tuple[Milestone, ...]] = field(default_factory=dict)

    def milestones(self) -> Iterator[tuple[str, Milestone]]:
        """Every milestone with where it stands: a numbered step, then a level's project."""
        for number, step in enumerate(self.steps, 1):
            if step.milestone:
                yield f"{number}. {step.title}", step.milestone
        for level, works in self.projects.items():
            yield from ((f"{level} project: {work.goal}", work) for work in works)


def path(name: str) -> Path:
    """A path by its name; InputError with the nearest for any other word."""
    found = {one.name: one for one in every()}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        raise InputError(f"there is no path {name!r}; choose {near[0] if near else ', '.join(found)}")
    return found[name]


@cache
def every() -> tuple[Path, ...]:
    """All paths."""
    raw = paths()
    steps = {
        "chapters": [_chapter(one) for one in raw["chapters"]["chapter"]],
        "topics": [_plain(one) for one in raw["topics"]["topic"]],
        "phases": [_plain(one) for one in raw["phases"]["order"]],
        "roadmap": [_plain(one) for one in raw["roadmap"]["parts"]],
        "hands-on": [_plain(one) for one in raw["roadmap"]["steps"]],
        "guide": [_plain(one) for one in raw["guide"]["section"]],
        "tracks": [_plain({"title": name} | one) for name, one in raw["tracks"].items()],
    }
    projects = {level: tuple(map(_project, raw["phases"][level])) for level in LEVELS}
    return tuple(
        Path(
            name=name,
            about=ABOUT[name],
            steps=tuple(steps[name]),
            time=_sum(steps[name], name),
            success=raw["chapters"]["success"] if name == "chapters" else {},
            projects=projects if name == "phases" else {},
        )
        for name in ABOUT
    )


def milestones() -> Iterator[tuple[str, Milestone]]:
    """Every milestone with where it stands, over all paths."""
    for one in every():
        yield from one.milestones()


@cache
def rows() -> dict[str, dict[str, Any]]:
    """The rows of `milestones.toml` as they are written."""
    return tomllib.loads((pathlib.Path(__file__).parent / "milestones.toml").read_text("utf-8"))


def _project(title: str) -> Milestone:
    """A project by the words of `paths.toml`."""
    found = [(id, row["check"]) for id, row in rows().items() if row.get("title") == title]
    assert len(found) == 1, f"milestones.toml has {len(found)} rows with the title {title!r}"
    return Milestone(id=found[0][0], check=found[0][1], goal=title)


def _chapter(raw: dict[str, Any]) -> Step:
    return Step(
        title=raw["title"],
        topics=tuple(raw["topics"]),
        time=f"{raw['hours']} hours",
        phase=raw["phase"],
        further=tuple(raw["further"]),
        hands_on=(raw["hands_on"],),
        milestone=Milestone(**raw["milestone"]),
    )


def _plain(raw: dict[str, Any]) -> Step:
    """A step of any other path: title and topics, and what else it has."""
    check = raw.get("check")
    return Step(
        title=raw["title"],
        topics=tuple(raw["topics"]),
        time=f"{raw['months']} months" if "months" in raw else "",
        hands_on=tuple(raw.get("practice", ())),
        milestone=Milestone(id=raw["id"], check=check, goal=raw["title"]) if check else None,
    )


def _sum(steps: list[Step], name: str) -> str:
    """The steps' times added up; a track's months say when, not how long, so they are not.

    >>> _sum([Step(title="", topics=(), time="2-3 hours"), Step(title="", topics=(), time="4-5 hours")], "chapters")
    '6-8 hours'
    """
    if name == "tracks" or not all(step.time for step in steps):
        return ""
    unit = steps[0].time.partition(" ")[2]
    ranges = [[int(part) for part in step.time.partition(" ")[0].split("-")] for step in steps]
    return f"{sum(one[0] for one in ranges)}-{sum(one[-1] for one in ranges)} {unit}"
