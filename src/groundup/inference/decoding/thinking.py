"""Thinking with a budget: what a model thinks before it answers is closed after so many tokens, and kept apart from the answer.

    <think> ... </think> answer        thinking off: the prompt itself ends with an empty thought, `off`

A model that reasons writes its thought between two marks. It may think far longer than a question is worth, or in circles, so after the budget
each next token is forced: a sentence that ends the thought, if one is given, and the closing mark. From there on the model writes freely again.
The step is a function of the text alone, so it serves any batch, drafts that are taken back, and a text that is continued later.
Muennighoff et al. 2025, arXiv:2501.19393, section 3.1 (budget forcing); Qwen 3 report, arXiv:2505.09388, section 4.3 (thinking budget).
Left out: forcing a thought to go on, budgets in seconds, and streaming in two fields (`serving/api/speech.py` tells them apart in the text).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import Processor
from groundup.slots import slot

MARKS = (("<think>", "</think>"), ("<|start_thinking|>", "<|end_thinking|>"), ("[THINK]", "[/THINK]"))


@slot
def close_thought(
    logits: Float[Tensor, "batch vocab"], thought: Int[Tensor, " batch"], budget: int, closing: Sequence[int]
) -> Float[Tensor, "batch vocab"]:
    """Where a thought has used its budget only the next token of `closing` is left possible.

    thought: how many tokens of its thought each row has written, those of `closing` included; -1 where it does not think.
    """
    closed = logits.clone()
    for row, count in enumerate(thought.tolist()):
        if 0 <= count - budget < len(closing):
            token = closing[count - budget]
            closed[row] = float("-inf")
            closed[row, token] = 0.0
    return closed


@dataclass(frozen=True)
class Marks:
    """The tokens between which a thought stands; each mark is one token or several."""

    open: tuple[int, ...]
    close: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.open or not self.close:
            raise ConfigError(
                f"the marks of a thought are open={self.open} and close={self.close}; give at least one token for each"
            )

    @classmethod
    def of(cls, tokenizer: Any, marks: tuple[str, str] | None = None) -> "Marks":
        """Those of a tokenizer: control tokens of these names, or, where they are asked for by name, its spelling of them."""
        known = tokenizer.special_tokens
        for begin, end in (marks,) if marks else MARKS:
            if begin in known and end in known:
                return cls((known[begin],), (known[end],))
        if marks is None:
            raise InputError(
                f"this tokenizer has no token that begins a thought, such as {MARKS[0][0]}; name its two marks"
            )
        return cls(tuple(tokenizer.encode(marks[0])), tuple(tokenizer.encode(marks[1])))

    @property
    def off(self) -> tuple[int, ...]:
        """An empty thought: behind a prompt it says that there is no need to think."""
        return self.open + self.close


class Parts(NamedTuple):
    """An answer in its two fields: the ids of the thought (None: there was none) and of what was said, without the marks; closed: the thought ended."""

    thinking: list[int] | None
    answer: list[int]
    closed: bool


def find(ids: Sequence[int], wanted: Sequence[int], start: int = 0) -> int:
    """Where a run of tokens begins, -1 where it is not."""
    for place in range(start, len(ids) - len(wanted) + 1):
        if ids[place] == wanted[0] and tuple(ids[place : place + len(wanted)]) == tuple(wanted):
            return place
    return -1


def parts(ids: Sequence[int], marks: Marks, begun: bool = False) -> Parts:
    """Take an answer apart. begun: the prompt opened the thought already, as some chat templates do."""
    ids = list(ids)
    first = 0 if begun else find(ids, marks.open) + len(marks.open)
    if not begun and first < len(marks.open):
        return Parts(None, ids, False)
    before = [] if begun else ids[: first - len(marks.open)]
    end = find(ids, marks.close, first)
    if end < 0:
        return Parts(ids[first:], before, False)
    return Parts(ids[first:end], before + ids[end + len(marks.close) :], True)


def begun_by(prompt: Sequence[int], marks: Marks) -> bool:
    """Whether a prompt leaves a thought open."""
    backwards = list(prompt)[::-1]
    opened, closed = (find(backwards, mark[::-1]) for mark in (marks.open, marks.close))
    return opened >= 0 and (closed < 0 or opened < closed)


def thinking_budget(marks: Marks, budget: int, ending: Sequence[int] = ()) -> Processor:
    """A step for `SamplingConfig.order`: close each row's thought after `budget` tokens. ending: tokens of a sentence before the mark.

    A thought that the prompt leaves open counts as well; 0 closes it at once.
    """
    if budget < 0:
        raise ConfigError(
            f"a budget of {budget} tokens is not possible; use 0 or more, or `Marks.off` behind the prompt for none at all"
        )
    closing = (*ending, *marks.close)

    def step(logits: Tensor, ids: Tensor, prompt: int) -> Tensor:
        thought = [_thought(row[:prompt], row[prompt:], marks) for row in ids.tolist()]
        return close_thought(logits, torch.tensor(thought), budget, closing)

    return step


def _thought(prompt: list[int], answer: list[int], marks: Marks) -> int:
    """How many tokens an open thought has, -1 where none is open."""
    found = parts(answer, marks, begun_by(prompt, marks))
    return -1 if found.thinking is None or found.closed else len(found.thinking)
