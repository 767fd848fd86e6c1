"""Blank infilling as a training task (GLM): draw spans, hide them, ask for them in any order, in one stack.

What a row looks like: `model/architectures/blanks.py`, which makes it; here is what it leaves out, how spans are drawn. Their lengths come from
a Poisson distribution of mean 3, one after another until 15 % of the text is hidden; their places are drawn so that no two touch; their order is
shuffled, so that each span is learned from any of the others. Du et al. 2022, arXiv:2103.10360, sections 2.1 and 2.2. The loss is
that of a prefix LM (`prefix.py`).

Left out: the second task of section 2.2 (one long span), which is `denoisers.py`'s S and X.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.model.architectures.blanks import blanked
from groundup.training.objectives.prefix import Prefixed, prefixed
from groundup.training.objectives.span import RATE, Span

MEAN_LENGTH = 3.0


def draw_blanks(
    length: int, generator: torch.Generator, rate: float = RATE, mean_length: float = MEAN_LENGTH
) -> list[Span]:
    """Draw spans until round(rate * length) tokens are hidden (at least one, never all), in the order in which they are asked for.

    The last span is cut to what is left. A text too short for its spans not to touch gets fewer tokens hidden.
    """
    if length < 2:
        raise InputError(f"a text of {length} token(s) cannot lose one and keep one; leave out texts shorter than 2")
    if not (0 < rate < 1 and mean_length > 0):
        raise InputError(
            f"rate={rate} and mean_length={mean_length} make no blanks; use a rate between 0 and 1, and more than 0 tokens"
        )
    left = min(max(round(length * rate), 1), length - 1)
    sizes: list[int] = []
    while left and sum(sizes) + len(sizes) < length:  # each further span needs a token that stays before it
        size = int(torch.poisson(torch.tensor(mean_length), generator=generator))
        size = min(max(size, 1), left, length - sum(sizes) - len(sizes))
        sizes.append(size)
        left -= size
    places = _places(length, sizes, generator)
    return [places[one] for one in torch.randperm(len(places), generator=generator).tolist()]


def _places(length: int, sizes: Sequence[int], generator: torch.Generator) -> list[Span]:
    """Put spans of these sizes into the text, in this order, with a token or more between; all ways alike."""
    free = length - sum(sizes) + 1  # gaps before, between and behind: choose which of them hold a span
    gaps = sorted(torch.randperm(free, generator=generator)[: len(sizes)].tolist())
    spans, hidden = [], 0
    for gap, size in zip(gaps, sizes, strict=True):
        spans.append((gap + hidden, gap + hidden + size))
        hidden += size
    return spans


def blank_batch(
    documents: Sequence[Sequence[int]],
    generator: torch.Generator,
    *,
    mask_id: int,
    start_id: int,
    end_id: int,
    rate: float = RATE,
    mean_length: float = MEAN_LENGTH,
    pad_id: int = 0,
) -> Prefixed:
    """Blank each document by spans of its own, as a batch for `prefix_loss` with both places of each token."""
    marks = {mask_id, start_id, end_id}
    for ids in documents:
        if both := marks & set(ids):
            raise InputError(
                f"token {min(both)} is a mark and stands in a text; keep mask_id, start_id and end_id out of texts"
            )
    rows = [
        blanked(ids, draw_blanks(len(ids), generator, rate, mean_length), mask_id, start_id, end_id)
        for ids in documents
    ]
    batch = prefixed([(row.input_ids.tolist(), row.targets.tolist(), row.prefix) for row in rows], pad_id)
    places = torch.zeros(*batch.input_ids.shape, 2, dtype=torch.int64)
    for index, row in enumerate(rows):
        places[index, : len(row.positions)] = row.positions
    return Prefixed(batch.input_ids, batch.targets, batch.loss_mask, batch.prefix, places)


def filled(row: Sequence[int], asked: Tensor, positions: Tensor, prefix: int, mask_id: int) -> list[int]:
    """The text again, from a row's beginning and what is asked for; the inverse of a row of `blank_batch`."""
    answers: dict[int, list[int]] = {}
    for token, (place, _) in zip(asked.tolist(), positions.tolist(), strict=True):
        answers.setdefault(place, []).append(token)
    return [
        token for place, one in enumerate(row[:prefix]) for token in (answers[place][:-1] if one == mask_id else [one])
    ]
