"""A set: the exercises of one homework, each with its file, its weight and the checksum of the stub that was handed out.

The manifest is TOML, for a teacher to edit (weights, the name) and for `groundup learn grade` to read:

    name = "week 3"
    groundup = "0.4.0"
    pack = ""

    ["inference.decoding.top_p"]
    file = "top_p.py"
    weight = 1.0
    stub_sha256 = "..."

The checksum tells whether a file that came back was touched at all, and whether the task still is the one that was released.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import groundup
from groundup.course import shelf
from groundup.course.exercise import Exercise, stub
from groundup.course.teaching import tables
from groundup.errors import ConfigError, InputError
from groundup.runs import toml

MANIFEST = "set.toml"
ABOUT = {"name": str, "groundup": str, "pack": str}
TASK = {"file": str, "weight": float, "stub_sha256": str}


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One exercise of a set. file: what students hand in; weight: its points."""

    exercise: Exercise
    file: str
    weight: float = 1.0
    stub_sha256: str = ""

    def changed_since(self) -> bool:
        """Whether the stub is no longer the one that was handed out."""
        return bool(self.stub_sha256) and self.stub_sha256 != checksum(stub(self.exercise))


@dataclass(frozen=True, kw_only=True, slots=True)
class ExerciseSet:
    """Exercises that are handed out and graded together. pack: the name of the pack they are from; "": the library's."""

    name: str
    tasks: tuple[Task, ...]
    pack: str = ""
    groundup: str = groundup.__version__

    @property
    def points(self) -> float:
        """The sum of the weights."""
        return sum(task.weight for task in self.tasks)

    def to_toml(self) -> str:
        """The manifest's text."""
        about = {key: getattr(self, key) for key in ABOUT}
        return toml.dump(about | {task.exercise.id: {key: getattr(task, key) for key in TASK} for task in self.tasks})


def checksum(text: str) -> str:
    """The sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def choose(words: Sequence[str], known: Iterable[Exercise]) -> list[Exercise]:
    """Exercises by id, by function, or all of a room or module, in the order asked for, each once."""
    known = list(known)
    chosen: dict[str, Exercise] = {}
    for word in words:
        inside = [one for one in known if one.id.startswith(f"{word.strip().rstrip('.')}.")]
        chosen |= {one.id: one for one in inside or [shelf.find(word, known)]}
    if not chosen:
        raise InputError("a set needs exercises; name some, or a module such as inference.decoding")
    return list(chosen.values())


def compose(name: str, exercises: Sequence[Exercise], pack: str = "") -> ExerciseSet:
    """A set of exercises, each with weight 1; a file is called like its function, or like its id where two are the same."""
    names = [one.name for one in exercises]
    stems = [one.name if names.count(one.name) == 1 else one.id.replace(".", "_") for one in exercises]
    tasks = [
        Task(exercise=one, file=f"{stem}.py", stub_sha256=checksum(stub(one)))
        for one, stem in zip(exercises, stems, strict=True)
    ]
    return ExerciseSet(name=name, tasks=tuple(tasks), pack=pack)


def read(path: Path, known: Iterable[Exercise]) -> ExerciseSet:
    """The set of a manifest, its exercises found among the known ones."""
    document, known = tables.read(path), list(known)
    about = {key: value for key, value in document.items() if not isinstance(value, dict)}
    tables.hold(about, ABOUT, str(path), optional=("groundup", "pack"))
    rows = {id: table for id, table in document.items() if isinstance(table, dict)}
    tasks = tuple(_task(path, id, table, known) for id, table in rows.items())
    if not tasks:
        raise ConfigError(f"{path} names no exercise; add a table such as ['inference.decoding.top_p']")
    files = [task.file.lower() for task in tasks]
    if twice := [file for file in files if files.count(file) > 1]:
        raise ConfigError(f"{path}: two exercises have the file {twice[0]}; give each its own")
    return ExerciseSet(**about, tasks=tasks)


def pack_of(path: Path) -> str:
    """The pack that a manifest's exercises are from; "" for the library's."""
    return str(tables.read(path).get("pack", ""))


def _task(path: Path, id: str, table: dict, known: list[Exercise]) -> Task:
    tables.hold(table, TASK, f"{path}, exercise {id}", optional=("weight", "stub_sha256"))
    found = [one for one in known if one.id == id]
    if not found:
        try:
            shelf.find(id, known)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        raise InputError(f"{path} names {id!r}, which is no exercise's id; write {shelf.find(id, known).id!r}")
    weight = float(table.get("weight", 1.0))
    if not (math.isfinite(weight) and weight > 0):
        raise ConfigError(f"{path}, exercise {id}: weight = {weight}; write a number above 0")
    file = PurePosixPath(table["file"])
    if file.name != str(file) or file.suffix != ".py":
        raise ConfigError(f"{path}, exercise {id}: file = {table['file']!r}; write a file's name that ends with .py")
    return Task(exercise=found[0], file=file.name, weight=weight, stub_sha256=table.get("stub_sha256", ""))
