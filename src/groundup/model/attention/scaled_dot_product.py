"""Scaled dot-product attention: each query takes a mean of the values, weighted by how well the keys answer it.

    attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim)) V

Without the division the scores of random vectors grow with sqrt(head_dim), the softmax saturates and its gradient dies.
Vaswani et al. 2017, arXiv:1706.03762, eq. 1. A mask says which keys a query may look at: `masks.py`. A bias is added to the
scores, one number for each head, query and key: how far apart the two stand (`positions/relative.py`).

`scaled_dot_product_attention` is the definition; `attend` computes the same by the fastest kernel at hand.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from groundup.model.attention import masks
from groundup.model.attention.staircase import causal_in_steps, fits
from groundup.model.layers.product import somebody_looks_on
from groundup.model.layers.soft_cap import soft_cap
from groundup.slots import filled, slot

SLOT = "model.attention.scaled_dot_product_attention"
REPEATED = "model.attention.repeat_heads"
WHOLE_SCORES_UP_TO = 1024  # keys; the scores of one layer are then at most 2 MB a head and row


@slot
def scaled_dot_product_attention(
    query: Float[Tensor, "*batch queries head_dim"],
    key: Float[Tensor, "*batch keys head_dim"],
    value: Float[Tensor, "*batch keys value_dim"],
    mask: Bool[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch queries value_dim"]:
    """Average the values by the softmax of the scaled scores; a query that may look at nothing gives 0.

    mask: True where the query may look, broadcast to (..., queries, keys); None lets every query see every key.
    bias: what is added to the scaled scores, broadcast in the same way; None adds nothing.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    scores = scores if bias is None else scores + bias
    if mask is None:
        return torch.softmax(scores, dim=-1) @ value
    # The smallest finite number, not -inf: a row with no key to look at would be exp(-inf) / 0 = NaN, gradient too.
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
    return weights.masked_fill(~mask, 0.0) @ value


@slot
def repeat_heads(
    x: Float[Tensor, "batch kv_heads seq head_dim"], groups: int
) -> Float[Tensor, "batch heads seq head_dim"]:
    """Give each of the `groups` query heads that share a key/value head a copy of it: head i is head i // groups of x."""
    batch, kv_heads, seq, head_dim = x.shape
    return x[:, :, None].expand(-1, -1, groups, -1, -1).reshape(batch, kv_heads * groups, seq, head_dim)


def biased(mask: Tensor | None, bias: Float[Tensor, "#batch heads #queries keys"]) -> Tensor:
    """Join a bias and a mask (bool, or 0 and -inf) to what the kernels add to the scores: -inf where none may look."""
    if mask is None:
        return bias
    return bias.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else bias + mask


def prepare_mask(
    mask: Bool[Tensor, "#batch #queries keys"] | None,
    dtype: torch.dtype,
    bias: Float[Tensor, "#batch heads #queries keys"] | None = None,
) -> Tensor | None:
    """Put a mask, once for all layers, into the form that the kernels add to the scores: 0 or -inf, for all heads.

    bias: what is added beside it, a number for each head, query and key.
    """
    if bias is not None:
        return biased(None if mask is None else mask[:, None], bias.to(dtype))
    if mask is None:
        return None
    mask = mask[:, None]
    if _by_definition():
        return mask
    # torch turns a bool mask into this sum itself, but in every layer again.
    added = torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -math.inf)
    if mask.device.type == "cpu" and dtype == torch.bfloat16 and not somebody_looks_on(mask):
        added.looks_back = masks.looks_back(mask[:, 0])  # type: ignore[attr-defined]  # seen once for all layers
    return added


def attend(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch kv_heads keys head_dim"],
    value: Float[Tensor, "batch kv_heads keys value_dim"],
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    cap: float | None = None,
    bias: Float[Tensor, "#batch heads #queries keys"] | None = None,
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Attend by the fastest kernel, or by the learner's function where the slot is filled.

    Query heads may be a multiple of the key/value heads. mask: bool, or as `prepare_mask` made it; it alone decides.
    causal: without a mask, the last query stands at the last key and none looks ahead.
    scale: what the scores are multiplied by, None: 1 / sqrt(head_dim). cap: bound of a soft cap on the scores, which the
    definition does not know, so that these scores are always held whole. bias: added to the scores; whoever has many layers
    joins it to the mask once, by `prepare_mask`.
    """
    queries, keys = query.shape[-2], key.shape[-2]
    if queries == 1 or mask is not None:
        causal = False
    if bias is not None:
        mask, causal = biased(masks.causal(queries, keys, query.device) if causal else mask, bias), False
    if _by_definition() and cap is None:
        return _defined(query, key, value, masks.causal(queries, keys, query.device) if causal else mask, scale)
    if queries == 1 and cap is None:
        return _one_query(query, key, value, mask, scale)
    if causal and queries < keys:  # torch would align the first query with the first key
        mask, causal = masks.causal(queries, keys, query.device), False
    short = query.device.type == "cpu" and query.dtype == torch.bfloat16 and keys <= WHOLE_SCORES_UP_TO
    back = causal or getattr(mask, "looks_back", False)
    if short and back and cap is None and queries == keys and fits(queries) and not somebody_looks_on(query, key, value):
        return causal_in_steps(query, key, value, scale, mask)
    if short or cap is not None:
        mask = masks.causal(queries, keys, query.device) if causal else mask
        return _whole_scores(query, key, value, mask, scale, cap)
    grouped, width = query.shape[1] != key.shape[1], value.shape[-1]
    if width != query.shape[-1] and query.device.type == "cpu" and torch.backends.cuda.flash_sdp_enabled():
        query, key, value, scale = _of_one_width(query, key, value, scale)
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=grouped
    )[..., :width]


def _of_one_width(
    query: Tensor, key: Tensor, value: Tensor, scale: float | None
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Widen by zeros, which change no score: torch's tiled kernel on a CPU asks for values as wide as keys.

    8 heads, 1,024 tokens, keys of 96 and values of 64: 108 ms, where the kernel that takes them as they are needs 328.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    width = max(key.shape[-1], value.shape[-1])
    query, key, value = (functional.pad(part, (0, width - part.shape[-1])) for part in (query, key, value))
    return query, key, value, scale


def _by_definition() -> bool:
    """Whether a learner's function takes part, so that the definition runs and no kernel."""
    return filled(SLOT) or filled(REPEATED)


def _defined(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    """Attend by the definition, which knows one scale: the query takes up another one beforehand."""
    groups = query.shape[1] // key.shape[1]
    if scale is not None:
        query = query * (scale * math.sqrt(query.shape[-1]))
    key, value = repeat_heads(key, groups), repeat_heads(value, groups)
    if mask is None or mask.dtype == torch.bool:
        return scaled_dot_product_attention(query, key, value, mask)
    seen = mask > -math.inf
    return scaled_dot_product_attention(query, key, value, seen, mask.masked_fill(~seen, 0.0))


def _one_query(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    """Attend for one new token: the heads of a group stand as the queries of their shared key head; none is copied."""
    batch, heads, _, head_dim = query.shape
    grouped = query.reshape(batch, key.shape[1], heads // key.shape[1], head_dim)
    if mask is not None and mask.dim() == 4 and mask.shape[1] > 1:  # a head's own bias stands in its query's row
        mask = mask.reshape(mask.shape[0], *grouped.shape[1:3], -1)
    mixed = functional.scaled_dot_product_attention(grouped, key, value, attn_mask=mask, scale=scale)
    return mixed.reshape(batch, heads, 1, value.shape[-1])


def _whole_scores(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None = None, cap: float | None = None
) -> Tensor:
    """Attend with all scores in memory: on a CPU in bf16, forward and backward take half the time of torch's kernel.

    Batch 16, 256 tokens, 4 heads of 48: 26 ms against 52-73 (in fp32 torch's is the faster, 41 against 50).
    """
    batch, heads, queries, head_dim = query.shape
    shared, keys = batch * key.shape[1], key.shape[2]
    scale = head_dim**-0.5 if scale is None else scale
    rows = (query * scale).reshape(shared, -1, head_dim)  # a group's heads under one another: keys uncopied
    scores = (rows @ key.reshape(shared, keys, head_dim).transpose(1, 2)).view(batch, heads, queries, keys)
    scores = scores if cap is None else soft_cap(scores, cap)
    seen = None
    if mask is not None:
        if mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=scores.dtype).masked_fill_(~mask, -math.inf)
        seen = mask.amax(-1, keepdim=True) > -math.inf
        added = mask.clamp(min=torch.finfo(scores.dtype).min)
        if added.requires_grad:  # a bias that is learned
            scores = scores + added
        else:
            with torch.no_grad():  # the gradient is the same; recorded, an addition to a view would copy it twice
                scores += added
    mixed = torch.softmax(scores, dim=-1).view(shared, -1, keys) @ value.reshape(shared, keys, -1)
    mixed = mixed.view(batch, heads, queries, -1)
    return mixed if seen is None or seen.all() else mixed * seen
