"""Causal attention without the scores that the mask would throw away: the queries go up in steps, each with the keys so far.

    all at once      L x L scores, of which L (L - 1) / 2 are computed, hidden, and weighted with 0
    in n steps       L x L (n + 1) / (2 n): the first 128 queries meet 128 keys, the next 128 meet 256 ...

Only the last square of a step's scores needs a mask. More steps leave out more and make smaller products. On a CPU in bf16,
forward and backward (heads of 64, EPYC with AVX512-BF16, two cores): 16 rows of 6 heads and 256 tokens 24 -> 12 ms; 4 of 12 and
512 47 -> 19 ms; 2 of 12 and 1,024 118 -> 30 ms. The way back is `gradient.py`'s, step by step, into one gradient of the keys and one of the values.

The tiles of `flash.py` leave out the same scores, and hold none for the way back; on a CPU the weights fit, and to compute
them a second time costs more than to read them.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

STEP = 128  # queries: with 64, 256 tokens take a fifth longer


def causal_in_steps(
    query: Float[Tensor, "batch heads seq head_dim"],
    key: Float[Tensor, "batch kv_heads seq head_dim"],
    value: Float[Tensor, "batch kv_heads seq value_dim"],
    scale: float | None = None,
    mask: Float[Tensor, "#batch #heads seq seq"] | None = None,
) -> Float[Tensor, "batch heads seq value_dim"]:
    """Attend causally. seq: a multiple of STEP; query heads may be a multiple of the others. scale: None: 1 / sqrt(head_dim).

    mask: what is added to the scores, 0 or -inf; it hides all that comes later, and shows each query something (itself, say).
    There is no gradient of the gradient.
    """
    return _Steps.apply(query, key, value, query.shape[-1] ** -0.5 if scale is None else scale, mask)


def fits(seq: int) -> bool:
    """Whether so many queries, with as many keys, make at least two whole steps."""
    return seq > STEP and seq % STEP == 0


def scores_held(seq: int) -> int:
    """Weights that a head keeps for the way back.

    >>> scores_held(128), scores_held(256)
    (16384, 49152)
    """
    return sum(STEP * last for _, last in _steps(seq))


def _steps(seq: int) -> Iterator[tuple[int, int]]:
    """Where each step's queries begin and end; its keys are those before the end."""
    return ((first, first + STEP) for first in range(0, seq, STEP))


def _of_groups(x: Tensor, kv_heads: int, first: int, last: int) -> Tensor:
    """One step's queries, those of the heads that share a key head under one another: (batch kv_heads, groups STEP, dim)."""
    return x[:, :, first:last].reshape(x.shape[0] * kv_heads, -1, x.shape[-1])


def _hide(scores: Float[Tensor, "batch heads queries keys"], mask: Tensor | None, first: int) -> None:
    """Add a step's part of the mask in place; without one, what comes later in its last square."""
    queries, keys = scores.shape[-2:]
    if mask is not None:
        scores += mask[..., first : first + queries, :keys]
        return
    later = torch.full((queries, queries), -torch.inf, dtype=scores.dtype, device=scores.device).triu_(1)
    scores[..., first:] += later


class _Steps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None) -> Tensor:
        batch, heads, seq, _ = query.shape
        shared = batch * key.shape[1]
        rows, keys, values = query * scale, key.reshape(shared, seq, -1), value.reshape(shared, seq, -1)
        mixed = query.new_empty(batch, heads, seq, value.shape[-1])
        kept = []
        for first, last in _steps(seq):
            asked = _of_groups(rows, key.shape[1], first, last)
            scores = asked @ keys[:, :last].transpose(1, 2)
            _hide(scores.view(batch, heads, STEP, last), mask, first)
            weights = torch.softmax(scores, dim=-1)
            mixed[:, :, first:last] = (weights @ values[:, :last]).view(batch, heads, STEP, -1)
            kept += [asked, weights]
        ctx.save_for_backward(keys, values, *kept)
        ctx.scale, ctx.shapes = scale, (query.shape, key.shape, value.shape)
        return mixed

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        keys, values, *kept = ctx.saved_tensors
        of_query, of_key, of_value = ctx.shapes
        to_query, to_keys, to_values = gradient.new_empty(of_query), torch.zeros_like(keys), torch.zeros_like(values)
        for place, (first, last) in enumerate(_steps(of_query[2])):
            asked, weights = kept[2 * place : 2 * place + 2]
            told = _of_groups(gradient, of_key[1], first, last)
            to_weights = told @ values[:, :last].transpose(1, 2)
            to_scores = torch.ops.aten._softmax_backward_data(to_weights, weights, -1, weights.dtype)
            to_query[:, :, first:last] = (to_scores @ keys[:, :last]).mul_(ctx.scale).view(*of_query[:2], STEP, -1)
            to_keys[:, :last] += to_scores.transpose(1, 2) @ asked
            to_values[:, :last] += weights.transpose(1, 2) @ told
        return to_query, to_keys.view(of_key), to_values.view(of_value), None, None
