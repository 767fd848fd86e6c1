"""Where a topic stands: its source, and the same path in the trees of tests, lessons, exercises and benchmarks.

Whoever knows one knows the others, so nothing is listed by hand. A folder answers where the file is not there yet:
`built` tells the two apart. Tests and benchmarks stand in the repository; an installed package has none.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundup.course import shelf
from groundup.course.exercise import Exercise, source_of
from groundup.course.topics import HOUSE, Topic, syllabus

ROOT = HOUSE.parents[1]
TREES = {"test": ROOT / "tests", "lesson": HOUSE / "lessons", "benchmark": ROOT / "benchmarks"}


def built(topic: Topic) -> str:
    """ "built": a file or folder is the topic's; "module": only its module is there; "waits": not even that."""
    source = topic.source()
    if source is None:
        return "waits"
    return "built" if _own(topic, source) else "module"


def _own(topic: Topic, source: Path) -> bool:
    """Whether a source belongs to the topic: it has its name, or the module has no other topic."""
    alone = sum(other.room == topic.room and other.module == topic.module for other in syllabus()) == 1
    return alone or source.stem == topic.name or source.suffix == ".py"


def exercises(topic: Topic, known: Iterable[Exercise] | None = None) -> list[Exercise]:
    """The exercises of a topic: those whose solution stands in its own source.

    A file that no topic claims (an initialisation among the layers) goes to the topics of its module that the exercise builds on.
    """
    return [one for one in (shelf.exercises() if known is None else known) if topic in _topics_of(one)]


@cache
def _topics_of(exercise: Exercise) -> tuple[Topic, ...]:
    if exercise.reference:
        return tuple(topic for topic in syllabus() if topic.id in exercise.prerequisites)
    file = source_of(exercise).relative_to(HOUSE)
    module = [topic for topic in syllabus() if f"{topic.room}.{topic.module}" == exercise.id.rpartition(".")[0]]
    own = [(topic, source) for topic in module if (source := topic.source()) and _own(topic, source)]
    claiming = [topic for topic, source in own if source == file or source in file.parents]
    built_on = [topic for topic in module if topic.id in exercise.prerequisites]
    return tuple(claiming or built_on or module)


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """The places of one topic, as paths; "" where there is nothing yet."""

    id: str
    goal: str
    state: str  # built, module, waits
    source: str
    test: str
    lesson: str
    exercise: tuple[str, ...]
    benchmark: str

    def facts(self) -> dict[str, Any]:
        """The same as a table."""
        return asdict(self)


def of(topic: Topic) -> Whereabouts:
    """Where a topic stands."""
    source = topic.source()
    return Whereabouts(
        id=topic.id,
        goal=topic.goal,
        state=built(topic),
        source=shown(HOUSE / source) if source else "",
        exercise=tuple(shown(one.file) for one in exercises(topic)),
        **{tree: mirrored(tree, source) if source else "" for tree in TREES},
    )


def mirrored(tree: str, source: Path) -> str:
    """The same path in another tree, if something is there: a file, or the folder of its parts."""
    name = f"test_{source.stem}.py" if tree == "test" else f"{source.stem}.py"
    for path in (TREES[tree] / source.parent / name, TREES[tree] / source.with_suffix("")):
        if path.exists():
            return shown(path)
    return ""


def shown(path: Path) -> str:
    """A path as the repository calls it; in an installed package, inside it."""
    return str(path.relative_to(ROOT if path.is_relative_to(ROOT) else HOUSE.parent))
