"""A shelf of rewards that a program checks; each is a function (item, text) -> number, so all of them can be put together.

    right        1 for the right answer, by the task's own check
    number       1 if the last number of the text is the wanted one (GSM8K's convention)
    formatted    1 if the text has the form: a regular expression, or tags such as <think>...</think><answer>...</answer>
    length       1 up to a length, then falling to 0                     Yu et al. 2025 (DAPO), arXiv:2503.14476, eq. 13
    repetition   the share of its n-grams that are repeats, as a debit   Yeo et al. 2025, arXiv:2502.03373, section 4
    together     a weighted sum

What is checked is what is learned: `formatted` alone teaches an empty form, and `length` alone an empty answer. Tags and the sum:
DeepSeek-AI 2025 (R1), arXiv:2501.12948, section 2.2.2.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from groundup.errors import InputError

Reward = Callable[[Any, str], float]
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
TAGGED = re.compile(r"\s*<think>(.*?)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL)


def right(item: Any, text: str) -> float:
    """1 for tinyworld's right answer; for an item that is a text, 1 for that text but for white space."""
    if isinstance(item, str):
        return float(" ".join(item.split()) == " ".join(text.split()))
    from groundup.data.sources.tinyworld import check

    return float(check(item, text))


def near(item: Any, text: str) -> float:
    """1 for tinyworld's right answer, at most 0.5 for one that comes near."""
    from groundup.data.sources.tinyworld import gold_reward

    return gold_reward(item, text)


def taste(item: Any, text: str) -> float:
    """Tinyworld's written taste: right, polite, short."""
    from groundup.data.sources.tinyworld.reward import taste

    return taste(item, text)


def last_number(text: str) -> float | None:
    """The last number of a text, commas for thousands left out; None: there is none.

    >>> last_number("3 boxes of 1,200 are 3,600."), last_number("none")
    (3600.0, None)
    """
    found = NUMBER.findall(text)
    return float(found[-1].replace(",", "").rstrip(".")) if found else None


def number(item: Any, text: str) -> float:
    """1 if the last number of the text is that of the item: a number, a text ("#### 72" as in GSM8K), or something with an `answer`."""
    wanted = item if isinstance(item, int | float) else last_number(str(getattr(item, "answer", item)))
    if wanted is None:
        raise InputError(f"the task {str(item)[:60]!r} has no number as its answer; use another reward for it")
    given = last_number(text)
    return float(given is not None and math.isclose(given, wanted, rel_tol=1e-9, abs_tol=1e-9))


def formatted(pattern: str | re.Pattern[str] = TAGGED) -> Reward:
    """1 if the whole text matches the pattern; left out: thoughts in <think>, then the answer in <answer>."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"{pattern!r} is no regular expression ({error}); correct it") from None
    return lambda item, text: float(compiled.fullmatch(text) is not None)


def in_tags(reward: Reward) -> Reward:
    """Judge what stands between <answer> and </answer>, by another reward; 0 where the tags are missing."""

    def judge(item: Any, text: str) -> float:
        found = TAGGED.fullmatch(text)
        return reward(item, found.group(2).strip()) if found else 0.0

    return judge


def length(free: int, most: int, count: Callable[[str], int] = lambda text: len(text.split())) -> Reward:
    """1 up to `free` words, then falling in a line to 0 at `most`; count: what a length is measured in."""
    if not 0 <= free < most:
        raise InputError(f"free={free} and most={most} leave no slope; give a larger most")
    return lambda item, text: min(1.0, max(0.0, (most - count(text)) / (most - free)))


def repetition(size: int = 3) -> Reward:
    """0 for a text that repeats no run of `size` words, down to -1 for one that does nothing else."""
    if size < 1:
        raise InputError(f"runs of {size} words cannot repeat; use 1 or more")

    def judge(item: Any, text: str) -> float:
        words = text.split()
        runs = [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]
        return len(set(runs)) / len(runs) - 1 if runs else 0.0

    return judge


def together(parts: Mapping[Reward, float]) -> Reward:
    """A weighted sum of rewards."""
    if not parts or not all(math.isfinite(weight) for weight in parts.values()):
        raise InputError(
            "a sum of rewards needs at least one, each with a finite weight; give for example {right: 1.0}"
        )
    return lambda item, text: sum(weight * reward(item, text) for reward, weight in parts.items())


SHELF: dict[str, Reward] = {"right": right, "near": near, "taste": taste, "number": number}
