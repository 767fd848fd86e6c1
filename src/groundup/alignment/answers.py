"""Several answers to one prompt stand side by side in one row, and the prompt is read once.

    row         prompt prompt prompt  a a a  b b  c c c c        answers do not see each other: as if each stood alone
    positions   0      1      2       3 4 5  3 4  3 4 5 6

With 8 answers of 10 tokens to a prompt of 30 a row has 110 tokens; eight rows of their own would have 320.
The log-probability of an answer is that of the model itself: temperature 1, nothing left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PADDING, PROMPT = -1, 0
ROWS, COLUMNS, TARGETS = (
    4,
    16,
    64,
)  # shapes are rounded up to these: torch compiles a bf16 product for every shape it meets


@dataclass(frozen=True, slots=True)
class AnswerBatch:
    """Groups of answers, a row each. The answers' tokens, row after row and answer after answer, are `targets`."""

    input_ids: Int[Tensor, "groups seq"]  # the last rows may be padding alone
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
        seen = (query == key) | ((key == PROMPT) & (query != PADDING))  # padding sees padding: a query needs some key
        return seen.tril()

    def to(self, device: torch.device | str) -> "AnswerBatch":
        """The same batch on a device."""
        return AnswerBatch(*(getattr(self, name).to(device) for name in self.__slots__))


def side_by_side(
    prompts: Sequence[Sequence[int]],
    groups: Sequence[Sequence[Sequence[int]]],
    pad_id: int = 0,
    own: Sequence[Sequence[Sequence[bool] | None]] | None = None,
) -> AnswerBatch:
    """Lay prompts and the answers to each out as rows. own: False at tokens that the model read and did not write, such as a tool's."""
    masks = [[None] * len(answers) for answers in groups] if own is None else own
    wrote = [
        [[True] * len(answer) if mask is None else list(mask) for answer, mask in zip(*both, strict=True)]
        for both in zip(groups, masks, strict=True)
    ]
    rows = [_row(*both) for both in zip(prompts, groups, wrote, strict=True)]
    width = up_to(max((len(row.ids) for row in rows), default=0), COLUMNS)
    filled = up_to(len(rows), ROWS)
    answers, flags = ([one for some in both for one in some] for both in (groups, wrote))
    targets = [token for pair in zip(answers, flags, strict=True) for token, mine in zip(*pair, strict=True) if mine]
    owners = np.repeat(np.arange(len(answers)), [sum(mask) for mask in flags])
    predictors = [number * width + place for number, row in enumerate(rows) for place in row.predictors]
    return AnswerBatch(
        _padded([row.ids for row in rows], filled, width, pad_id),
        _padded([row.positions for row in rows], filled, width, 0),
        _padded([row.parts for row in rows], filled, width, PADDING),
        torch.tensor(predictors, dtype=torch.int64),
        torch.tensor(targets, dtype=torch.int64),
        torch.from_numpy(owners),
    )


class _Row(NamedTuple):
    ids: list[int]
    positions: list[int]
    parts: list[int]
    predictors: list[int]


def _row(prompt: Sequence[int], answers: Sequence[Sequence[int]], wrote: Sequence[Sequence[bool]]) -> _Row:
    """A prompt and its answers; the prompt's last token predicts the first of each answer, which predicts the next."""
    length = len(prompt)
    row = _Row(list(prompt), list(range(length)), [PROMPT] * length, [])
    for part, answer in enumerate(answers, 1):
        start = len(row.ids)
        row.ids.extend(answer)
        row.positions.extend(range(length, length + len(answer)))
        row.parts.extend([part] * len(answer))
        before = [length - 1, *range(start, start + len(answer) - 1)]
        row.predictors.extend(place for place, mine in zip(before, wrote[part - 1], strict=False) if mine)
    return row


def up_to(count: int, step: int) -> int:
    """The next multiple.

    >>> up_to(17, 16), up_to(16, 16)
    (32, 16)
    """
    return -(-count // step) * step


def _padded(rows: Sequence[Sequence[int]], count: int, width: int, fill: int) -> Int[Tensor, "groups seq"]:
    filled = np.full((count, width), fill, dtype=np.int64)
    for number, row in enumerate(rows):
        filled[number, : len(row)] = row
    return torch.from_numpy(filled)


def states(module: Any, batch: AnswerBatch) -> Float[Tensor, "places hidden"]:
    """The hidden state before every token of every answer; the last rows are there for the shape alone."""
    hidden = module.hidden(batch.input_ids, batch.mask(), batch.positions).flatten(0, 1)
    count = len(batch.predictors)
    return hidden.index_select(0, torch.nn.functional.pad(batch.predictors, (0, up_to(count, TARGETS) - count)))


def log_probabilities(
    module: Any, batch: AnswerBatch, read: Float[Tensor, "places hidden"] | None = None
) -> Float[Tensor, " tokens"]:
    """The log-probability of every token of every answer, in nats, given its prompt and the answer so far. read: the `states`, if known."""
    logits = module.lm_head(states(module, batch) if read is None else read)[: len(batch.predictors)].float()
    return -torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none")


def last_places(batch: AnswerBatch) -> Int[Tensor, " answers"]:
    """Where in the flattened rows each answer's last token stands; an answer without a token has none."""
    parts = batch.parts
    following = torch.nn.functional.pad(parts[:, 1:], (0, 1), value=PADDING)
    return ((parts > PROMPT) & (parts != following)).flatten().nonzero()[:, 0]
