"""Topics of the syllabus: found by id or by word, with the places where each stands in the house.

A topic's id is room.module.topic, and the house is built after it: its code is room/module.py, or a file or folder of
the folder room/module; test, lesson, exercise and benchmark have the same path in their own trees.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundup.errors import InputError

HERE = Path(__file__).parent
HOUSE = HERE.parent


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the syllabus: what must work, in which module of which room."""

    room: str
    module: str
    name: str
    goal: str

    @property
    def id(self) -> str:
        """room.module.topic."""
        return f"{self.room}.{self.module}.{self.name}"

    def source(self) -> Path | None:
        """The topic's code as a path inside the house, the closest that is built; None when its module is not."""
        module = Path(self.room, self.module)
        for path in (module / f"{self.name}.py", module / self.name, module.with_suffix(".py"), module):
            if (HOUSE / path).exists():
                return path
        return None


@cache
def syllabus() -> tuple[Topic, ...]:
    """Every topic, in the order of the syllabus."""
    rooms = tomllib.loads((HERE / "syllabus.toml").read_text(encoding="utf-8"))
    return tuple(
        Topic(room, module, name, goal)
        for room, modules in rooms.items()
        for module, topics in modules.items()
        for name, goal in topics.items()
    )


def resolve(id: str) -> list[Topic]:
    """The topics that an id stands for: one topic, a module's or a whole room's."""
    found = [topic for topic in syllabus() if f"{topic.id}.".startswith(f"{id}.")]
    if not found:
        raise InputError(f"the syllabus has no {id!r}; {_nearest(id)}")
    return found


def find(word: str) -> list[Topic]:
    """Topics by any word, whatever its case and hyphens: those that have it in their id first, then those that speak of it."""
    wanted = _plain(word)
    named = [topic for topic in syllabus() if wanted in (_plain(part) for part in topic.id.split("."))]
    spoken = [topic for topic in syllabus() if topic not in named and f" {wanted} " in f" {_plain(topic.goal)} "]
    if not (named or spoken):
        raise InputError(f"no topic speaks of {word!r}; {_nearest(word)}")
    return named + spoken


def _plain(text: str) -> str:
    """Lower case, words apart by one space.

    >>> _plain("Grouped-Query attention (GQA)")
    'grouped query attention gqa'
    """
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _nearest(word: str) -> str:
    words = {part for topic in syllabus() for part in (topic.id, *topic.id.split("."), *_plain(topic.goal).split())}
    near = difflib.get_close_matches(word.lower(), words, n=1)
    return f"did you mean {near[0]!r}?" if near else "try another word of the field"


@cache
def paths() -> dict[str, Any]:
    """The learning paths as they are written: chapters, topics, phases, roadmap, guide, tracks."""
    return tomllib.loads((HERE / "paths.toml").read_text(encoding="utf-8"))


def path_ids(path: str) -> Iterator[str]:
    """Every id of the syllabus that a path names, with what it offers further."""
    yield from _ids(paths()[path])


def _ids(part: Any) -> Iterator[str]:
    """The ids below any part of a path: strings listed under `topics` or `further`."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("topics", "further"):
                yield from value
            else:
                yield from _ids(value)
    elif isinstance(part, list):
        for item in part:
            yield from _ids(item)
