"""A placement test and self-tests: questions with one right answer, asked in a terminal or answered by lines from a pipe.

`placement.toml` has sixteen questions in five areas and leads to a path and a starting point; `selftests.toml` has three
questions a module. An answer is a letter of the choices or a number; `compute` is the sum behind a number, and a test holds
that it comes out. Left out: questions whose answer needs judgement; those are the journal's.
"""

import re
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from groundup.course.topics import resolve
from groundup.errors import InputError

HERE = Path(__file__).parent
AREAS = ("python", "tensors", "calculus", "probability", "transformers")
BEFORE = {  # area of the placement -> where to go first when it is weak
    "python": ("the Python tutorial (functions, classes, list comprehensions)", ""),
    "tensors": ("Linear algebra", "foundations.linalg"),
    "calculus": ("Calculus and optimisation", "foundations.autograd"),
    "probability": ("Probability and information theory", "foundations.probability"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question. answer: the text of the right choice, or a number; within: how far off a number may be."""

    ask: str
    answer: str | float
    why: str
    choices: tuple[str, ...] = ()
    within: float = 0.0
    compute: str = ""
    area: str = ""

    def text(self) -> str:
        """The question with its choices, a line each."""
        return "\n".join(
            [
                self.ask,
                *(
                    f"  {letter}) {choice}"
                    for letter, choice in zip(string.ascii_lowercase, self.choices, strict=False)
                ),
            ]
        )

    def right(self, reply: str) -> bool:
        """Whether a reply is right; InputError for one that is no answer at all."""
        said = reply.strip().lower().rstrip(".)")
        if not self.choices:
            return abs(_number(said) - float(self.answer)) <= self.within + 1e-9
        letters = string.ascii_lowercase[: len(self.choices)]
        if len(said) == 1 and said in letters:
            return self.choices[letters.index(said)] == self.answer
        if said in [choice.lower() for choice in self.choices]:
            return said == str(self.answer).lower()
        raise InputError(f"{reply.strip()!r} is no answer; write one of the letters {', '.join(letters)}")

    def solution(self) -> str:
        """The right answer in words."""
        if not self.choices:
            return f"{self.answer:g}" if isinstance(self.answer, int | float) else str(self.answer)
        return f"{string.ascii_lowercase[self.choices.index(str(self.answer))]}) {self.answer}"


def _number(said: str) -> float:
    """A number as people write it.

    >>> _number("1/4"), _number("2,000")
    (0.25, 2000.0)
    """
    found = re.fullmatch(r"(-?[\d.,]+(?:e-?\d+)?)\s*(?:/\s*([\d.]+))?", said)
    try:
        assert found is not None
        return float(found[1].replace(",", "")) / float(found[2] or 1)
    except (AssertionError, ValueError, ZeroDivisionError):
        raise InputError(f"{said!r} is no answer; write a number, as 0.25 or 1/4") from None


@cache
def placement() -> tuple[Question, ...]:
    """The questions of the placement test."""
    return tuple(_question(row) for row in _read("placement.toml")["question"])


@cache
def selftests() -> dict[str, tuple[Question, ...]]:
    """Module -> its questions."""
    rooms = _read("selftests.toml")
    return {
        f"{room}.{module}": tuple(map(_question, rows))
        for room, modules in rooms.items()
        for module, rows in modules.items()
    }


def selftest(module: str) -> tuple[Question, ...]:
    """The questions of a module, or of the module that a topic belongs to."""
    if module in selftests():
        return selftests()[module]
    topics = resolve(module)
    names = dict.fromkeys(name for topic in topics if (name := f"{topic.room}.{topic.module}") in selftests())
    if len(names) == 1:
        return selftests()[next(iter(names))]
    near = [name for name in selftests() if name.partition(".")[0] == module.partition(".")[0]]
    raise InputError(f"there is no self-test of {module}; choose one of {', '.join(near or selftests())}")


def _read(name: str) -> dict:
    return tomllib.loads((HERE / name).read_text("utf-8"))


def _question(row: dict) -> Question:
    return Question(**row | {"choices": tuple(row.get("choices", ()))})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a placement test recommends. scores: area -> (right, asked); start: the step of the path, in words."""

    path: str
    start: str
    why: str
    scores: dict[str, tuple[int, int]]
    first: tuple[str, ...] = ()


def place(right: Sequence[bool]) -> Place:
    """Turn the answers to the placement test into a path and a starting point; under two thirds of an area is weak."""
    assert len(right) == len(placement()), (len(right), len(placement()))
    pairs = list(zip(placement(), right, strict=True))
    scores = {
        area: (sum(ok for one, ok in pairs if one.area == area), sum(one.area == area for one, _ in pairs))
        for area in AREAS
    }
    weak = [area for area in BEFORE if 3 * scores[area][0] < 2 * scores[area][1]]
    first = tuple(f"{BEFORE[area][0]} ({BEFORE[area][1]})" if BEFORE[area][1] else BEFORE[area][0] for area in weak)
    mathematics = [area for area in weak if area != "python"]
    if len(mathematics) >= 2:
        start, why = BEFORE[mathematics[0]][0], f"{' and '.join(mathematics)} carry everything that follows"
        return Place(path="topics", start=start, why=why, scores=scores, first=first)
    if scores["transformers"][0] <= 2 or weak:
        why = (
            "you have the mathematics; build the model from the first step"
            if not weak
            else f"repeat {weak[0]} beside it"
        )
        return Place(path="chapters", start="1. Tokenization", why=why, scores=scores, first=first)
    if scores["transformers"][0] < scores["transformers"][1]:
        return Place(
            path="chapters", start="3. Attention", why="you know the parts; write them", scores=scores, first=first
        )
    return Place(
        path="guide",
        start="Language-model topics",
        why="you know the transformer; go further",
        scores=scores,
        first=first,
    )
