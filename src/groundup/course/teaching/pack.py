"""A pack: a teacher's own exercises, in a folder with a manifest, run by the same checker as the library's.

The manifest is pack.toml: name, version, author, licence, and the exercises' files in the order in which they are met.

    name = "warming up"
    version = "1"
    author = "A. Teacher"
    licence = "CC-BY-4.0"
    exercises = ["sum_of_squares.py"]

An exercise's file is like those of the library, with `reference=` naming the file beside it that holds the solution. A pack is
Python that runs as its user: take one only from somebody you trust.
"""

from dataclasses import dataclass
from pathlib import Path

from groundup.course import shelf
from groundup.course.exercise import Exercise, cut, source_of
from groundup.course.teaching import tables
from groundup.errors import ConfigError, InputError

MANIFEST = "pack.toml"
KEYS = {"name": str, "version": str, "author": str, "licence": str, "exercises": list}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pack:
    """A manifest as it was read; exercises: the files' names, in order."""

    folder: Path
    name: str
    version: str
    author: str
    licence: str
    exercises: tuple[str, ...]


def read(folder: Path) -> Pack:
    """The manifest of a pack's folder; no exercise is run for it."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give the folder of a pack, which holds a {MANIFEST}")
    path = folder.resolve() / MANIFEST
    table = tables.read(path)
    tables.hold(table, KEYS, str(path))
    names = table["exercises"]
    if not names or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{path}: exercises = {names!r}; list the exercises' files, such as ['sum.py']")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{path} lists {twice[0]} twice; remove one of them")
    for name in names:
        file = (path.parent / name).resolve()
        if path.parent not in file.parents or file.suffix != ".py" or not file.is_file():
            raise ConfigError(f"{path} lists {name!r}, which is no .py file of this folder; mend the name")
    return Pack(folder=path.parent, **{key: table[key] for key in KEYS} | {"exercises": tuple(names)})


def load(pack: Pack, name: str) -> Exercise:
    """One exercise of a pack; InputError with the file's own mistake."""
    file = pack.folder / name
    try:
        exercise = shelf.load(file)
        source = source_of(exercise).resolve()
        if exercise.reference and not (pack.folder in source.parents and source.is_file()):
            raise ConfigError(f"reference = {exercise.reference!r} is no file of the pack; mend the name")
        cut(exercise)
    except SyntaxError as error:
        raise InputError(f"{file}, line {error.lineno}: {error.msg}; mend the line") from error
    except KeyError as error:
        raise InputError(f"{file}: the reference has no function {error}; write it there") from error
    except (Exception, SystemExit) as error:
        raise InputError(f"{file} cannot be used ({error}); mend the exercise") from error
    return exercise


def exercises(folder: Path) -> tuple[Exercise, ...]:
    """The exercises of a pack in the manifest's order, each with an id of its own."""
    pack = read(folder)
    found = tuple(load(pack, name) for name in pack.exercises)
    ids = [one.id for one in found]
    if twice := [id for id in ids if ids.count(id) > 1]:
        raise InputError(f"{folder} holds {twice[0]} twice; give each exercise a slot of its own")
    return found
