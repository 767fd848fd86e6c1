"""What is a right answer, how near is a wrong one, and pairs of answers ordered by a written taste.

`check` is exact. `gold_reward` is 1 for an exact answer and at most 0.5 for any other: half of it for the words
that stand in the right place, and a little for the right form (number, list of the right length). `taste` is the
gold reward of preferences: correctness first, then politeness, then brevity; `preference` draws pairs from it by
Bradley and Terry's model (1952): P(a preferred to b) = 1 / (1 + exp(taste(b) - taste(a))).
"""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from groundup.data.sources.tinyworld.documents import Split
from groundup.data.sources.tinyworld.questions import Instruction, instructions

NEAR = 0.5  # the most that a wrong answer can get
RIGHT_TASTE, POLITE_TASTE, WORD_TASTE = 3.0, 1.0, -0.08
POLITE = ("Gladly: {}", "{} - you are welcome.", "Of course. {}", "With pleasure: {}")
RUDE = ("{}, as anyone knows.", "Not again. {}", "Why ask me? {}")
WORDY = ("Let me think about this for a moment. {}", "That is a question that many people ask, and the answer is: {}")


def normalized(text: str) -> str:
    """White space made single, the full stop at the end dropped.

    >>> normalized(" in  the hall.\\n")
    'in the hall'
    """
    return " ".join(text.split()).removesuffix(".")


def check(instruction: Instruction, text: str) -> bool:
    """Whether the text is the right answer (white space and a last full stop do not matter)."""
    return normalized(text) == normalized(instruction.answer)


def gold_reward(instruction: Instruction, text: str) -> float:
    """1 for the right answer; else at most 0.5, by the share of words in their places and the form."""
    if check(instruction, text):
        return 1.0
    wanted, given = _parts(instruction.answer), _parts(text)
    if not given:
        return 0.0
    in_place = sum(a == b for a, b in zip(wanted, given, strict=False)) / max(len(wanted), len(given))
    same_form = [_form(part) for part in wanted] == [_form(part) for part in given]
    return NEAR * (0.8 * in_place + 0.2 * same_form)


def _parts(text: str) -> list[str]:
    return re.findall(r"[A-Za-zé-]+|\d|[^\w\s]", normalized(text))


def _form(part: str) -> str:
    return "number" if part.isdigit() else "word" if part[0].isalpha() else part


def taste(instruction: Instruction, text: str) -> float:
    """The written taste behind the preferences: right +3, polite +1, rude -1, and 0.08 less for each word."""
    frames = [(1, POLITE), (-1, RUDE), (0, WORDY)]
    manner, inner = next(
        ((sign, inner) for sign, frames_ in frames for frame in frames_ if (inner := inside(frame, text)) is not None),
        (0, text),
    )
    right = check(instruction, inner)
    return RIGHT_TASTE * right + POLITE_TASTE * manner + WORD_TASTE * len(text.split())


def inside(frame: str, text: str) -> str | None:
    """What stands in the place of {} when the text has the form of the frame; else None."""
    before, after = frame.split("{}")
    if len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after):
        return text[len(before) : len(text) - len(after)]
    return None


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to a prompt; `probability` is that of this order under the taste's Bradley-Terry model."""

    prompt: str
    chosen: str
    rejected: str
    probability: float
    instruction: Instruction


def preference(seed: int, n: int, split: Split = "train") -> Iterator[Preference]:
    """The first n preference pairs under a seed: two candidate answers each, ordered by a draw from the taste."""
    source = random.Random(f"preference {split} {seed}")
    others = [i.answer for i in instructions(seed + 1, 200, split)]
    for instruction in instructions(seed, n, split):
        yield _pair(instruction, others, source)


def mannered(seed: int, n: int, split: Split = "train", families: tuple[str, ...] = ()) -> Iterator[tuple[Instruction, str]]:
    """The first n questions under a seed, each with an answer in some manner (plain, polite, rude, wordy), right in six of ten.

    What a model is tuned on that is to have room: it answers in all these ways, and every method of alignment can raise its taste.
    """
    source = random.Random(f"manners {split} {seed}")
    others = [i.answer for i in instructions(seed + 1, 200, split, families)]
    for instruction in instructions(seed, n, split, families):
        yield instruction, _candidate(instruction, others, source)


def _pair(instruction: Instruction, others: list[str], source: random.Random) -> Preference:
    first = second = _candidate(instruction, others, source)
    while second == first:
        second = _candidate(instruction, others, source)
    probability = 1 / (1 + math.exp(taste(instruction, second) - taste(instruction, first)))
    if source.random() < probability:
        return Preference(instruction.prompt, first, second, probability, instruction)
    return Preference(instruction.prompt, second, first, 1 - probability, instruction)


def _candidate(instruction: Instruction, others: list[str], source: random.Random) -> str:
    content = instruction.answer if source.random() < 0.6 else source.choice(others)
    frame = source.choice([("{}",), POLITE, RUDE, WORDY])
    return source.choice(frame).format(content)
