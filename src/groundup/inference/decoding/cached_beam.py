"""Beam search with a decoder: its KV cache is the state, one row of it a beam.

The prompt is read once, in one row; the first step makes a row for each beam, and after every step the rows of the beams that
go on are taken in their new order (`KVCache.select`). The search itself, and its scores: `beam.py`. The prompt's tokens count
in no sum and no length.
The handle's `generate(..., beams=)` is this (`ways.py`). Left out: several texts at once.
"""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.decoding.beam import BeamConfig, Hypothesis, beam_search


@torch.no_grad()
def beam_answers(
    module: Any,
    prompt: Sequence[int],
    max_new_tokens: int,
    stop_ids: Collection[int] = (),
    config: BeamConfig | None = None,
) -> list[Hypothesis]:
    """The best answers to a prompt, best first, `config.beams` of them at most; a stop id that came is part of its answer.

    max_new_tokens: cut at the end of the model's context. One beam: what greedy decoding writes.
    """
    limit = min(max_new_tokens, module.config.max_position_embeddings - len(prompt))
    if not prompt or limit < 1:
        raise InputError(
            f"a prompt of {len(prompt)} tokens and max_new_tokens={max_new_tokens} leave nothing to search for in a context of "
            f"{module.config.max_position_embeddings}; give at least one token, and room for one more"
        )
    cache = KVCache.of(module, 1, len(prompt) + limit)
    ids = torch.tensor([list(prompt)], device=module.device)
    if len(prompt) > 1:
        module.hidden(ids[:, :-1], None, None, cache)

    def step(state: Any, last: Tensor) -> tuple[Tensor, Any]:
        return torch.log_softmax(module(last[:, None], None, None, state)[:, 0].float(), dim=1), state

    return beam_search(step, cache, ids[:, -1], set(stop_ids), limit, config, rows_of)[0]


def rows_of(cache: Any, rows: Tensor) -> Any:
    """These rows of a cache, in this order: of a `KVCache`, or of what a model without attention has in its place."""
    cache.select(rows)
    return cache
