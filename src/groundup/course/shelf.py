"""The shelf: every exercise there is, found by its id, by its function's name, or by a name that is nearly so."""

import difflib
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from groundup.course import topics
from groundup.course.exercise import Exercise, at
from groundup.errors import InputError
from groundup.slots import known_slots

SHELF = Path(__file__).parent / "exercises"


@cache
def exercises(folder: Path = SHELF) -> tuple[Exercise, ...]:
    """The exercises of a folder in the order of the syllabus, the easier first within a module; torch is not imported for it."""
    files = (file for file in sorted(folder.rglob("*.py")) if not file.name.startswith("_"))
    found = [exercise for file in files if (exercise := _read(file)) is not None]
    twice = {one.id for one in found if sum(other.id == one.id for other in found) > 1}
    if twice:
        raise InputError(f"{folder} holds {min(twice)} twice; remove one of its files")
    return tuple(sorted(found, key=_place))


def _place(exercise: Exercise) -> tuple[int, int, int, int, str]:
    """Where an exercise stands: by its module's and its topic's place in the syllabus, then easy to hard; strangers come last."""
    module = exercise.id.rpartition(".")[0]
    file = known_slots().get(exercise.slot)
    named = [f"{module}.{name}" for name in (file.stem, file.parent.name)] if file else []  # a file, or a folder of several
    topic = next((_places()[id] for id in named if id in _places()), len(_places()))
    return _places().get(module, len(_places())), topic, exercise.difficulty, exercise.minutes, exercise.id


@cache
def _places() -> dict[str, int]:
    """The places of all modules and topics in the syllabus."""
    ids = [id for one in topics.syllabus() for id in (f"{one.room}.{one.module}", one.id)]
    return {id: place for place, id in enumerate(dict.fromkeys(ids))}


def load(file: Path) -> Exercise:
    """The exercise of one file."""
    exercise = _read(file)
    if exercise is None:
        raise InputError(f"{file} declares no EXERCISE; write EXERCISE = Exercise(...) in it")
    return exercise


def _read(file: Path) -> Exercise | None:
    """The exercise that a file declares; None for a file that only serves others (a pack's reference)."""
    spec = spec_from_file_location(f"groundup_exercise_{file.stem}_{abs(hash(str(file)))}", file)
    assert spec is not None and spec.loader is not None, f"{file} is no Python file"
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); check the path") from error
    exercise = getattr(module, "EXERCISE", None)
    return at(exercise, file) if isinstance(exercise, Exercise) else None


def find(word: str, shelf: Iterable[Exercise] | None = None) -> Exercise:
    """An exercise by its id or its function's name; InputError with the nearest names for any other word."""
    known = list(exercises() if shelf is None else shelf)
    wanted = word.strip().lower().replace("-", "_")
    named = [one for one in known if wanted in (one.id.lower(), one.name.lower())]
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(f"several exercises are named {word!r}; give the id: {' or '.join(one.id for one in named)}")
    raise InputError(f"there is no exercise {word!r}; {_nearest(wanted, known)}")


def _nearest(word: str, known: list[Exercise]) -> str:
    """The way out: exercises with a similar name, or whose name or title holds the word, or the first few."""
    holds = [one.name for one in known if word and (word in one.id.lower() or word in one.title.lower())]
    names = {name.lower(): one.name for one in known for name in (one.id, one.name)}
    near = [names[name] for name in difflib.get_close_matches(word, names, n=3, cutoff=0.5)]
    chosen = list(dict.fromkeys(holds + near))[:3]
    if chosen:
        return f"did you mean {' or '.join(chosen)}?"
    return f"choose one of {', '.join(one.name for one in known[:8])}" if known else "the shelf is empty"
