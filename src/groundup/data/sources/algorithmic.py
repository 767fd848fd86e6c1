"""Small tasks with one right answer, as text: what a model has learned of them can be counted, and what it has not too.

    copy        7 0 3 = 7 0 3          addition     58 + 467 = 525
    reverse     7 0 3 = 3 0 7          modular      12 - 40 = 19        (mod 47)
    sort        7 0 3 = 0 3 7

The first four have more questions than can be asked: they are drawn, lengths alike, and a held-out question is one that training never had.
The modular tasks have modulus^2 questions in all, of which a share is trained and the rest held out: a model can learn its share by heart, or find the
rule. When it does the one long before the other, that is grokking (Power et al. 2022, arXiv:2201.02177; the tasks: its appendix A.1.1).
"""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from groundup.data.documents import Document
from groundup.errors import InputError


class Problem(NamedTuple):
    """A question with its one answer; `task` says by which rule."""

    task: str
    question: str
    answer: str

    @property
    def text(self) -> str:
        """As a document holds it.

        >>> Problem("addition", "5 + 7", "12").text
        '5 + 7 = 12'
        """
        return f"{self.question} = {self.answer}"


def _digits(digits: list[int]) -> str:
    return " ".join(map(str, digits))


SEQUENCES: dict[str, Callable[[list[int]], list[int]]] = {
    "copy": list,
    "reverse": lambda digits: digits[::-1],
    "sort": sorted,
}
MODULAR: dict[str, tuple[str, Callable[[int, int, int], int | None]]] = {  # None: there is no such question
    "modular_addition": ("+", lambda a, b, p: (a + b) % p),
    "modular_subtraction": ("-", lambda a, b, p: (a - b) % p),
    "modular_multiplication": ("*", lambda a, b, p: a * b % p),
    "modular_division": ("/", lambda a, b, p: a * pow(b, -1, p) % p if b else None),
}
TASKS = (*SEQUENCES, "addition", *MODULAR)


def draw(task: str, size: int, source: random.Random) -> Problem:
    """Draw a question of a task that has no end of them. size: digits at most; every length is as likely."""
    if task == "addition":
        first, second = (source.randrange(10 ** source.randint(1, size)) for _ in range(2))
        return Problem(task, f"{first} + {second}", str(first + second))
    digits = [source.randrange(10) for _ in range(source.randint(1, size))]
    return Problem(task, _digits(digits), _digits(SEQUENCES[task](digits)))


def all_modular(task: str, modulus: int) -> list[Problem]:
    """Every question of a modular task, in order."""
    sign, rule = MODULAR[task]
    pairs = ((a, b, rule(a, b, modulus)) for a in range(modulus) for b in range(modulus))
    return [Problem(task, f"{a} {sign} {b}", str(answer)) for a, b, answer in pairs if answer is not None]


def split(task: str, size: int, share: float, count: int, seed: int) -> tuple[list[Problem], list[Problem]]:
    """Training and held-out problems; no question is in both.

    size: digits at most, or the modulus. share: the part that is trained. Modular: of all questions; else of `count` drawn ones.
    """
    check(task, size, share)
    source = random.Random(f"{task} {size} {seed}")
    problems = all_modular(task, size) if task in MODULAR else list(_distinct(task, size, count, source))
    source.shuffle(problems)
    trained = min(max(round(share * len(problems)), 1), len(problems) - 1)
    return problems[:trained], problems[trained:]


def check(task: str, size: int, share: float) -> None:
    """Refuse what has no questions, and say what has."""
    if task not in TASKS:
        raise InputError(f"algorithmic={task!r} is not a task; use one of {', '.join(TASKS)}")
    least = 2 if task in MODULAR else 1
    if size < least:
        raise InputError(f"algorithmic_size={size} leaves no questions; use {least} or more")
    if task == "modular_division" and any(size % number == 0 for number in range(2, int(size**0.5) + 1)):
        raise InputError(f"algorithmic_size={size} is no prime, so not every number divides; use such as 47 or 97")
    if not 0 < share < 1:
        raise InputError(f"algorithmic_share={share} leaves nothing to learn or nothing to ask; use such as 0.5")


def _distinct(task: str, size: int, count: int, source: random.Random) -> Iterator[Problem]:
    """Different questions, `count` of them or as many as fifty draws a question find."""
    seen: set[str] = set()
    for _ in range(50 * max(count, 2)):
        problem = draw(task, size, source)
        if problem.question not in seen:
            seen.add(problem.question)
            yield problem
        if len(seen) >= max(count, 2):
            return


def documents(task: str, size: int, share: float, count: int, seed: int) -> tuple[list[Document], list[Document]]:
    """The same as documents, one a problem."""
    train, heldout = split(task, size, share, count, seed)

    def made(problems: list[Problem], name: str) -> list[Document]:
        return [
            Document(f"{name}/{number}", one.text, "algorithmic", {"task": task}) for number, one in enumerate(problems)
        ]

    return made(train, "train"), made(heldout, "heldout")
