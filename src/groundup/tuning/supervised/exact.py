"""Which answers a model would give word for word: asked before and after tuning on the same held-out conversations.

Greedy decoding writes an answer exactly when, reading the true answer, the likeliest token is the true one at every place of it and at the token
that ends it. So one pass over question and answer together tells what writing token by token would, tens of times as fast.
The gain is taken pair by pair over the same questions, with a bootstrap interval and McNemar's test. Left out: answers that say the same in other words.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from groundup.evaluation.metrics.calibration import wilson
from groundup.evaluation.tasks.instructions import gain
from groundup.machine.probe.device import device_of_module
from groundup.tuning.supervised.instruction import Conversation, encode

ROWS, TOKENS = 16, 4096  # rows in a batch at most, and tokens


class Answered(NamedTuple):
    """What a model made of the answers of one conversation: written word for word or not, its surprise in nats, and over how many tokens."""

    exact: bool
    nats: float
    tokens: int


def answered_exactly(
    module: Any, tokenizer: Any, conversations: Sequence[Conversation], longest: int | None = None
) -> list[bool]:
    """For each conversation whether greedy decoding would write every answer of it. One that is longer than `longest` counts as wrong."""
    return [one.exact for one in answered(module, tokenizer, conversations, longest)]


@torch.no_grad()
def answered(
    module: Any, tokenizer: Any, conversations: Sequence[Conversation], longest: int | None = None
) -> list[Answered]:
    """For each conversation what the model makes of its answers; of one that is longer than `longest` nothing but that it is wrong."""
    was, found = module.training, [Answered(False, 0.0, 0)] * len(conversations)
    module.eval()
    encoded = encode(conversations, tokenizer)
    order = [row for row in range(len(conversations)) if longest is None or len(encoded.ids[row]) <= longest]
    order.sort(key=lambda row: len(encoded.ids[row]))
    while order:
        count = max(1, min(ROWS, TOKENS // len(encoded.ids[order[-1]])))
        rows, order = order[-count:], order[:-count]
        judged = _judged(module, [encoded.ids[row] for row in rows], [encoded.mask[row] for row in rows])
        for row, one in zip(rows, judged, strict=True):
            found[row] = one
    module.train(was)
    return found


def _judged(module: Any, ids: Sequence[Sequence[int]], masks: Sequence[Sequence[int]]) -> list[Answered]:
    """Of texts side by side: what the model makes of the tokens at which the mask asks."""
    device, longest = device_of_module(module), max(map(len, ids))
    rows = torch.tensor([[*row, *[0] * (longest - len(row))] for row in ids], device=device)
    asked = torch.tensor([[*row[1:], *[0] * (longest - len(row))] for row in masks], device=device).bool()
    hidden = module.hidden(rows[:, :-1])  # what is padded stands behind the text, where no token of it looks
    scores, targets = module.lm_head(hidden[asked][None])[0].float(), rows[:, 1:][asked]
    nats, wrong = functional.cross_entropy(scores, targets, reduction="none"), scores.argmax(-1) != targets
    counts = asked.sum(1).tolist()
    parts = zip(nats.split(counts), wrong.split(counts), counts, strict=True)
    return [Answered(not bool(mistakes.any()), float(part.sum()), count) for part, mistakes, count in parts]


def loss_of(found: Sequence[Answered]) -> float:
    """The mean surprise in nats a token of all answers."""
    return sum(one.nats for one in found) / max(1, sum(one.tokens for one in found))


def comparison(before: Sequence[bool], after: Sequence[bool]) -> dict[str, Any]:
    """Shares of exact answers before and after with their intervals, and the gain over the same questions with its own."""
    shares = {name: wilson(sum(found), len(found))._asdict() for name, found in (("before", before), ("after", after))}
    return shares | {"gain": gain(before, after), "n": len(before)}
