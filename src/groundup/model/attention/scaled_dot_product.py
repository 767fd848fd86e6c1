"""Scaled dot-product attention: each query takes a mean of the values, weighted by how well the keys answer it.

    attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim)) V

Without the division the scores of random vectors grow with sqrt(head_dim), the softmax saturates and its gradient dies.
Vaswani et al. 2017, arXiv:1706.03762, eq. 1. A mask says which keys a query may look at: `masks.py`.

`scaled_dot_product_attention` is the definition; `attend` computes the same by the fastest kernel that torch has.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from groundup.model.attention import masks
from groundup.slots import filled, slot

SLOT = "model.attention.scaled_dot_product_attention"


@slot
def scaled_dot_product_attention(
    query: Float[Tensor, "*batch queries head_dim"],
    key: Float[Tensor, "*batch keys head_dim"],
    value: Float[Tensor, "*batch keys value_dim"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch queries value_dim"]:
    """Average the values by the softmax of the scaled scores; a query that may look at nothing gives 0.

    mask: True where the query may look, broadcast to (..., queries, keys); None lets every query see every key.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        return torch.softmax(scores, dim=-1) @ value
    # The smallest finite number, not -inf: a row with no key to look at would be exp(-inf) / 0 = NaN, gradient too.
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
    return weights.masked_fill(~mask, 0.0) @ value


def repeat_heads(
    x: Float[Tensor, "batch kv_heads seq head_dim"], groups: int
) -> Float[Tensor, "batch heads seq head_dim"]:
    """Give each of the `groups` query heads that share a key/value head a copy of it."""
    batch, kv_heads, seq, head_dim = x.shape
    return x[:, :, None].expand(-1, -1, groups, -1, -1).reshape(batch, kv_heads * groups, seq, head_dim)


def prepare_mask(mask: Bool[Tensor, "batch queries keys"] | None, dtype: torch.dtype) -> Tensor | None:
    """Put the mask, once for all layers, into the form that the kernel reads: (batch, 1, queries, keys)."""
    if mask is None:
        return None
    mask = mask[:, None]
    if filled(SLOT):
        return mask
    # torch turns a bool mask into this sum itself, but in every layer again.
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -math.inf)


def attend(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch kv_heads keys head_dim"],
    value: Float[Tensor, "batch kv_heads keys head_dim"],
    mask: Tensor | None = None,
    causal: bool = False,
) -> Float[Tensor, "batch heads queries head_dim"]:
    """Attend by torch's fused kernel, or by the learner's function where the slot is filled.

    Query heads may be a multiple of the key/value heads (grouped-query attention). mask: see `prepare_mask`.
    causal: without a mask, the last query stands at the last key and none looks ahead.
    """
    queries, keys = query.shape[-2], key.shape[-2]
    if filled(SLOT):
        return _by_definition(query, key, value, mask, causal)
    if causal and mask is None and 1 < queries < keys:  # torch would align the first query with the first key
        mask = masks.causal(queries, keys, device=query.device)
    if queries == 1 and query.shape[1] != key.shape[1]:
        return _one_query(query, key, value, mask)
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=causal and mask is None and queries > 1,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _by_definition(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = repeat_heads(key, groups), repeat_heads(value, groups)
    if causal and mask is None and query.shape[-2] > 1:
        mask = masks.causal(query.shape[-2], key.shape[-2], device=query.device)
    return scaled_dot_product_attention(query, key, value, mask)


def _one_query(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attend for one new token: the heads of a group stand as the queries of their shared key head, and none is copied."""
    batch, heads, _, head_dim = query.shape
    grouped = query.view(batch, key.shape[1], heads // key.shape[1], head_dim)
    return functional.scaled_dot_product_attention(grouped, key, value, attn_mask=mask).reshape(query.shape)
