"""After a step: a row gets its token and says so in an event; a prompt's own tokens are scored where that was asked for."""

from typing import Any

import torch
from torch import Tensor

from groundup.errors import GroundupError
from groundup.inference.decoding.sampling import log_probability, top_log_probabilities
from groundup.inference.engine.drawing import Drawn
from groundup.inference.engine.requests import Event, Scored
from groundup.inference.engine.row import Row
from groundup.inference.engine.runners import Piece

SCORED_AT_ONCE = 64  # tokens of a prompt whose scores over the vocabulary are held at once


def advance(row: Row, drawn: Drawn, hidden: Tensor | None) -> Event:
    """Append the token to the row; the event that tells it."""
    first, request = len(row.ids) == row.prompt, row.request
    row.ids.append(drawn.id)
    reason = "stop" if drawn.id in request.stop_ids else "length" if len(row.ids) >= row.limit else None
    asked = request.log_probabilities is not None
    return event_of(
        row,
        reason,
        ids=[drawn.id],
        log_probabilities=[drawn.log_probability] if asked else [],
        top_log_probabilities=[drawn.top] if asked else [],
        hidden_states=hidden[-1:].float().cpu().numpy()
        if request.return_hidden_states and hidden is not None
        else None,
        prompt=tuple(row.scored) if first else (),
    )


def event_of(row: Row, reason: str | None, **more: Any) -> Event:
    """An event with the row's name and its tokens so far."""
    return Event(request_id=row.name, finish_reason=reason, usage=row.usage, **more)


def failed(row: Row, error: Exception) -> Event:
    """The last event of a row that cannot go on."""
    message = str(error) if isinstance(error, GroundupError) else f"{type(error).__name__}: {error}"
    return event_of(row, "error", message=message)


def score_prompt(piece: Piece, hidden: Tensor | None, module: Any) -> None:
    """Score the tokens of the prompt that follow those of a piece; the first of all has no score."""
    row = piece.row
    assert hidden is not None, "the states of all tokens are needed to score a prompt"
    if not row.computed:
        row.scored = [Scored(row.ids[0], None)]
    following = row.ids[row.computed + 1 : min(row.prompt, row.computed + piece.size + 1)]
    for start in range(0, len(following), SCORED_AT_ONCE):
        ids = torch.tensor(following[start : start + SCORED_AT_ONCE], device=hidden.device)
        logits = module.lm_head(hidden[start : start + len(ids)]).float()
        scores = log_probability(logits, ids).tolist()
        tops: list[tuple[tuple[int, float], ...]] = [()] * len(ids)
        if asked := row.request.log_probabilities:
            values, best = top_log_probabilities(logits, asked)
            tops = [tuple(zip(*pair, strict=True)) for pair in zip(best.tolist(), values.tolist(), strict=True)]
        row.scored += [Scored(*one) for one in zip(ids.tolist(), scores, tops, strict=True)]
