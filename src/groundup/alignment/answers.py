"""Several answers to one prompt stand side by side in one row, and the prompt is read once.

    row         prompt prompt prompt  a a a  b b  c c c c        answers do not see each other: as if each stood alone
    positions   0      1      2       3 4 5  3 4  3 4 5 6

With 8 answers of 10 tokens to a prompt of 30 a row has 110 tokens; eight rows of their own would have 320.
The log-probability of an answer is that of the model itself: temperature 1, nothing left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PADDING, PROMPT = -1, 0


@dataclass(frozen=True, slots=True)
class AnswerBatch:
    """Groups of answers, a row each. The answers' tokens, row after row and answer after answer, are `targets`."""

    input_ids: Int[Tensor, "groups seq"]
    positions: Int[Tensor, "groups seq"]
    parts: Int[Tensor, "groups seq"]  # 0: prompt; 1, 2, ...: which answer; -1: padding
    predictors: Int[Tensor, " tokens"]  # where in the flattened rows the token before each target stands
    targets: Int[Tensor, " tokens"]
    answers: Int[Tensor, " tokens"]  # which answer of the batch a target belongs to

    @property
    def loss_mask(self) -> Tensor:
        """Every target counts."""
        return torch.ones_like(self.targets, dtype=torch.bool)

    def mask(self) -> Bool[Tensor, "groups seq seq"]:
        """Who may look at whom: back within the own part, and at the prompt."""
        query, key = self.parts[:, :, None], self.parts[:, None, :]
        seen = ((query == key) | (key == PROMPT)) & (key != PADDING)
        return seen.tril()

    def to(self, device: torch.device | str) -> "AnswerBatch":
        """The same batch on a device."""
        return AnswerBatch(*(getattr(self, name).to(device) for name in self.__slots__))


def side_by_side(prompts: Sequence[Sequence[int]], groups: Sequence[Sequence[Sequence[int]]], pad_id: int = 0) -> AnswerBatch:
    """Lay prompts and the answers to each out as rows."""
    width = max((len(prompt) + sum(map(len, answers)) for prompt, answers in zip(prompts, groups, strict=True)), default=0)
    rows = {name: np.full((len(prompts), width), fill, dtype=np.int64) for name, fill in (("ids", pad_id), ("positions", 0), ("parts", PADDING))}
    predictors, targets, owners, owner = [], [], [], 0
    for row, (prompt, answers) in enumerate(zip(prompts, groups, strict=True)):
        at, last = len(prompt), row * width + len(prompt) - 1
        rows["ids"][row, :at], rows["positions"][row, :at], rows["parts"][row, :at] = prompt, np.arange(at), PROMPT
        for part, answer in enumerate(answers, 1):
            end = at + len(answer)
            rows["ids"][row, at:end], rows["parts"][row, at:end] = answer, part
            rows["positions"][row, at:end] = len(prompt) + np.arange(len(answer))
            predictors += [last, *range(row * width + at, row * width + end - 1)]
            targets += answer
            owners += [owner] * len(answer)
            at, owner = end, owner + 1
    flat = (torch.tensor(values, dtype=torch.int64) for values in (predictors, targets, owners))
    return AnswerBatch(*(torch.from_numpy(rows[name]) for name in rows), *flat)


def log_probabilities(module: Any, batch: AnswerBatch) -> Float[Tensor, " tokens"]:
    """The log-probability of every token of every answer, in nats, given its prompt and the answer so far."""
    hidden = module.hidden(batch.input_ids, batch.mask(), batch.positions).flatten(0, 1)
    logits = module.lm_head(hidden.index_select(0, batch.predictors)).float()
    return -torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none")
