"""Where a learner's things are: the folder, the shelf that its exercises come from, the exercise that is meant."""

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
    pack: Path | None = None
    """the folder of a teacher's own exercises, in place of the library's"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen(Place):
    """One exercise of the folder."""

    exercise: Name = ""
    """id or function; none: the one you are at"""


def desk_of(options: Place, **watching: Any) -> Any:
    """The learner's folder with its exercises. watching: `say` of the desk."""
    from groundup.course.desk import Desk

    if options.pack is None:
        return Desk(options.folder, **watching)
    from groundup.course.teaching import pack

    return Desk(options.folder, exercises=pack.exercises(options.pack), **watching)


def flag_of(options: Place) -> str:
    """What has to be added to a command when the folder or the shelf is not the usual one."""
    folder = "" if options.folder == Path("my") else f" --folder {options.folder}"
    return folder + (f" --pack {options.pack}" if options.pack else "")
