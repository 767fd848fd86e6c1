"""Where a learner's things are: the folder, the exercise that is meant, its file."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

Name = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="EXERCISE")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the learner's files are."""

    folder: Path = Path("my")
    """your folder: one file an exercise, and progress.txt"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen(Place):
    """One exercise of the folder."""

    exercise: Name = ""
    """id or function; none: the one you are at"""


def record_of(options: Place) -> Any:
    """The learner's progress; says what had to be mended."""
    from groundup.course.record import Record

    record = Record(options.folder)
    if record.notice:
        print(record.notice, file=sys.stderr)
    return record


def chosen_of(options: Chosen, record: Any) -> Any:
    """The exercise that is named, or the one that the learner is at."""
    from groundup.course import shelf
    from groundup.errors import InputError

    if not (options.exercise or record.current):
        raise InputError("no exercise was begun yet; `groundup learn start` begins the first")
    return shelf.find(options.exercise or record.current)


def file_of(options: Place, exercise: Any) -> Path:
    """Where an exercise is written."""
    return options.folder / f"{exercise.name}.py"


def flag_of(options: Place) -> str:
    """What has to be added to a command when the folder is not the usual one."""
    return "" if options.folder == Path("my") else f" --folder {options.folder}"
