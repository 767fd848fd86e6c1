"""The next token of each text of a step, each by its own request: constraint, penalties, temperature, filters, seed.

Texts that ask for the same are drawn together; the numbers that decide belong to (seed, stream, position) and not to the batch.
Whoever reads what was written (penalties, a function of the user's own) is drawn alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.inference.decoding.sampling import log_probability, sample, top_log_probabilities
from groundup.inference.decoding.streams import uniform
from groundup.inference.engine.row import Row


class Drawn(NamedTuple):
    """A new token with what was asked about it; or why there is none."""

    id: int = -1
    log_probability: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    error: Exception | None = None


def draw_all(rows: Sequence[Row], logits: Float[Tensor, "rows vocab"], *, alone: bool = False) -> list[Drawn]:
    """A token for every row. alone: each by itself, so that not even rounding depends on the others."""
    drawn = [Drawn()] * len(rows)
    for places in _alike(rows, alone):
        for place, one in zip(places, _draw([rows[place] for place in places], logits[places]), strict=True):
            drawn[place] = one
    return drawn


def _alike(rows: Sequence[Row], alone: bool) -> list[list[int]]:
    """The places of rows that may be drawn together."""
    groups: dict[object, list[int]] = {}
    for place, row in enumerate(rows):
        sampling, request = row.request.sampling, row.request
        if alone or sampling.reads_the_text or request.constraint is not None:
            kind: object = place
        else:
            kind = (replace(sampling, seed=0, max_new_tokens=1, stop=()), request.log_probabilities)
        groups.setdefault(kind, []).append(place)
    return list(groups.values())


def _draw(rows: list[Row], logits: Tensor) -> list[Drawn]:
    """Draw for rows that ask for the same; an error is the row's own."""
    request, sampling = rows[0].request, rows[0].request.sampling
    try:
        logits = logits.float()
        allowed, previous = logits, None
        if request.constraint is not None:
            mask = request.constraint.mask(rows[0].state).to(logits.device)
            allowed = logits.masked_fill(~mask, float("-inf"))
        if sampling.reads_the_text:
            previous = torch.tensor([rows[0].ids], device=logits.device)
        ids = sample(allowed, sampling, _numbers(rows), previous, rows[0].prompt)
        if request.constraint is not None:
            rows[0].state = request.constraint.advance(rows[0].state, int(ids[0]))
        return _reported(ids, logits, request.log_probabilities)
    except (
        Exception
    ) as error:  # a user's own step or constraint may raise anything, and it is no business of the others
        return [Drawn(error=error)] * len(rows)


def _numbers(rows: list[Row]) -> Tensor | None:
    if rows[0].request.sampling.greedy:
        return None
    numbers = [uniform(row.request.sampling.seed, np.array([row.request.stream]), len(row.ids))[0] for row in rows]
    return torch.tensor(numbers, dtype=torch.float64)


def _reported(ids: Tensor, logits: Tensor, asked: int | None) -> list[Drawn]:
    if asked is None:
        return [Drawn(id) for id in ids.tolist()]
    scores = log_probability(logits, ids).tolist()
    tops: list[tuple[tuple[int, float], ...]] = [()] * len(scores)
    if asked:
        values, best = top_log_probabilities(logits, asked)
        tops = [tuple(zip(*pair, strict=True)) for pair in zip(best.tolist(), values.tolist(), strict=True)]
    return [Drawn(*one) for one in zip(ids.tolist(), scores, tops, strict=True)]
