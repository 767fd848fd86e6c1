'''An exercise: a function to write, the checks that judge it, and wrong versions that prove the checks.

One file an exercise, `exercises/<slot id as a path>.py`, read without torch: what a check needs it imports inside.

    @check("values")
    def the_scores_are_scaled(mine):
        """The scores are not divided by the root of head_dim."""      # the likely mistake: what a failure says
        same(mine(query, key, value), expected)                          # `expect.py`: raises Failed

    EXERCISE = Exercise(
        slot="model.attention.scaled_dot_product_attention", title=..., task=..., difficulty=3, minutes=30,
        prerequisites=("model.attention.scaled_dot_product",), hints=(.., .., ..), run="groundup --mine my demo --fast",
        checks=(the_scores_are_scaled, ...), mutants=(Mutant("scaled by head_dim", "root of head_dim", edits=((old, new),)), ...),
    )

The stub and the solution are not written here: `stub(exercise)` and `solution(exercise)` cut them out of the library's
source. A check gets the learner's function and asks it about small cases first, since the first that fails is shown; its
oracle is torch, NumPy or a number from the paper, rather than our own function. What every function is asked (does it
change its arguments, draw numbers that nobody gave it, return what the reference returns) the checker asks by itself.
'''

import importlib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from groundup import slots
from groundup.course import excerpt
from groundup.errors import ConfigError
from groundup.slots import known_slots

RUNGS = ("shape", "dtype", "finite", "invariant", "values", "gradient", "speed")  # in the order in which they are asked


class Failed(Exception):
    """A check that the learner's function does not pass.

    sentence: the likely mistake; without one, the check's docstring. input: the case; without one, the last call's arguments.
    """

    def __init__(self, sentence: str = "", *, input: str = "", expected: str = "", got: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.input, self.expected, self.got = sentence, input, expected, got


@dataclass(frozen=True, slots=True)
class Check:
    """A question to the learner's function. rung: one of RUNGS; function: raises Failed, or anything, when it is wrong."""

    rung: str
    function: Callable[[Callable[..., Any]], None]

    def __post_init__(self) -> None:
        if self.rung not in RUNGS:
            raise ConfigError(f"check {self.name}: {self.rung!r} is no rung; use one of {', '.join(RUNGS)}")
        if not self.mistake:
            raise ConfigError(f"check {self.name} names no mistake; say in its docstring what is likely wrong")

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def mistake(self) -> str:
        """The likely mistake: the check's docstring on one line."""
        return " ".join((self.function.__doc__ or "").split())


def check(rung: str) -> Callable[[Callable[[Callable[..., Any]], None]], Check]:
    """Make a function a check of a rung."""
    return lambda function: Check(rung, function)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A small wrong version that the checks must catch.

    name: what is wrong in it; caught: a part of the sentence it must get; edits: (old, new) in the solution, where old
    stands exactly once; source: the whole file instead.
    """

    name: str
    caught: str
    edits: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def text(self, solution: str) -> str:
        """The wrong version as a file."""
        if bool(self.edits) == bool(self.source):
            raise ConfigError(f"mutant {self.name!r} needs either edits or a source of its own")
        for old, new in self.edits:
            if solution.count(old) != 1:
                raise ConfigError(
                    f"mutant {self.name!r}: {old!r} stands {solution.count(old)} times in the solution; make it once"
                )
            solution = solution.replace(old, new)
        return textwrap.dedent(self.source).lstrip("\n") or solution


@dataclass(frozen=True, kw_only=True, slots=True)
class Exercise:
    """What there is to write, how it is judged, and how that is proved.

    run: the command that shows the learner's function at work within a minute; the learner's folder is called `my` in it;
    "" while nothing calls it yet.
    written: functions of the same source file that belong to the task; the others are given, imported from the library.
    changes: arguments that the function is meant to change in place. banned: calls that would be the answer itself.
    reference: for an exercise outside the library, the file beside it that holds the solution.
    """

    slot: str
    title: str
    task: str
    difficulty: int  # 1 (a line) to 5 (an evening)
    minutes: int
    hints: tuple[str, str, str]
    run: str
    checks: tuple[Check, ...]
    mutants: tuple[Mutant, ...]
    prerequisites: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    timeout_s: float = 10.0
    reference: str = ""
    file: Path = field(default=Path(), compare=False)  # where it was read from

    def __post_init__(self) -> None:
        if not 1 <= self.difficulty <= 5:
            raise ConfigError(f"{self.slot}: difficulty={self.difficulty}; use 1 to 5")
        if len(self.hints) != 3 or not all(self.hints):
            raise ConfigError(
                f"{self.slot} has {len(self.hints)} hints; write three, from a nudge to nearly the answer"
            )
        if not self.checks:
            raise ConfigError(f"{self.slot} has no checks; nothing would be judged")

    @property
    def id(self) -> str:
        """The slot's id: it stays when files move."""
        return self.slot

    @property
    def name(self) -> str:
        """The function's name."""
        return self.slot.rpartition(".")[2]

    def in_order(self) -> list[Check]:
        """The checks as they are asked: rung by rung."""
        return sorted(self.checks, key=lambda one: RUNGS.index(one.rung))


def at(exercise: Exercise, file: Path) -> Exercise:
    """The exercise with the file it was read from."""
    return replace(exercise, file=file)


def source_of(exercise: Exercise) -> Path:
    """The file that holds the solution."""
    if exercise.reference:
        return exercise.file.parent / exercise.reference
    if exercise.slot not in known_slots():
        raise ConfigError(
            f"{exercise.slot} is no slot of the library; mark the function with @slot, or give a reference"
        )
    return slots.HOUSE / known_slots()[exercise.slot]


def module_of(exercise: Exercise) -> str:
    """The module that holds the solution, as it is imported; "" for an exercise outside the library."""
    if exercise.reference:
        return ""
    return ".".join(["groundup", *source_of(exercise).relative_to(slots.HOUSE).with_suffix("").parts])


def cut(exercise: Exercise) -> excerpt.Excerpt:
    """The solution cut out of its source."""
    text = source_of(exercise).read_text(encoding="utf-8")
    return excerpt.excerpt(text, exercise.name, module_of(exercise), exercise.written)


def solution(exercise: Exercise) -> str:
    """The library's own function as a file that stands alone: what passes, and what is shown after a pass."""
    return cut(exercise).solution


def stub(exercise: Exercise) -> str:
    """The file a learner begins with: what to do, the signature and docstring, and nothing else."""
    task = "\n\n".join(textwrap.fill(part, 100) for part in textwrap.dedent(exercise.task).strip().split("\n\n"))
    return f'"""{exercise.title}\n\n{task}\n"""\n\n{cut(exercise).stub}'


def reference(exercise: Exercise) -> Callable[..., Any]:
    """The function itself; its room is imported."""
    if not exercise.reference:
        return getattr(importlib.import_module(module_of(exercise)), exercise.name)
    module = ModuleType("reference")
    exec(compile(solution(exercise), str(source_of(exercise)), "exec"), module.__dict__)
    return getattr(module, exercise.name)
