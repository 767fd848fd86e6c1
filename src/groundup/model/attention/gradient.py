"""The gradient of attention by hand: what query, key and value are told when the result should have been another.

    forward      S = Q K^T / sqrt(d)        P = softmax(S)                                   O = P V
    backward     dV = P^T dO                dP = dO V^T        dS = P * (dP - sum(P * dP))   dQ = dS K / sqrt(d)
                                                                                             dK = dS^T Q / sqrt(d)

A matrix product hands its gradient back by two products with the other factor turned over; the softmax of a row hands
back how much better than the row's own mean each key would have done. So the gradient of a key's score has the weight
as a factor: who was not looked at learns nothing, and a row's gradients sum to 0. The backward pass costs twice the
forward one's products. Rumelhart et al. 1986 for the chain rule; Dao et al. 2022, arXiv:2205.14135, appendix B.2, writes it
out for attention.

Left out: no weight is kept for the way back, P is computed again; in tiles, without any matrix of queries x keys: `flash.py`.
"""

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
from groundup.slots import slot


@slot
def attention_backward(
    query: Float[Tensor, "*batch queries head_dim"],
    key: Float[Tensor, "*batch keys head_dim"],
    value: Float[Tensor, "*batch keys value_dim"],
    mask: Bool[Tensor, "..."] | None,
    grad: Float[Tensor, "*batch queries value_dim"],
) -> tuple[
    Float[Tensor, "*batch queries head_dim"],
    Float[Tensor, "*batch keys head_dim"],
    Float[Tensor, "*batch keys value_dim"],
]:
    """Turn the gradient of attention's result into those of query, key and value, by hand.

    mask: True where the query may look, broadcast to (..., queries, keys), or None. A query that may look at nothing
    gives 0 to all three. grad: of the result, in the result's shape.
    """
    scale = 1 / math.sqrt(query.shape[-1])
    scores = query @ key.transpose(-2, -1) * scale
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
    else:
        hidden = ~mask
        weights = torch.softmax(scores.masked_fill(hidden, torch.finfo(scores.dtype).min), dim=-1).masked_fill(
            hidden, 0.0
        )
    grad_weights = grad @ value.transpose(-2, -1)
    # The softmax: a key gains by how much it would have served better than the mean that was taken.
    grad_scores = weights * (grad_weights - (weights * grad_weights).sum(-1, keepdim=True))
    grad_query = grad_scores @ key * scale
    grad_key = grad_scores.transpose(-2, -1) @ query * scale
    return grad_query, grad_key, weights.transpose(-2, -1) @ grad


class _ByHand(torch.autograd.Function):
    """Attention whose way back is `attention_backward`, or the learner's."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        ctx.save_for_backward(query, key, value)
        ctx.mask = mask
        return scaled_dot_product_attention(query, key, value, mask)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value = ctx.saved_tensors
        return *attention_backward(query, key, value, ctx.mask, grad), None


def attention_by_hand(
    query: Float[Tensor, "*batch queries head_dim"],
    key: Float[Tensor, "*batch keys head_dim"],
    value: Float[Tensor, "*batch keys value_dim"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch queries value_dim"]:
    """Attend as `scaled_dot_product_attention`; autograd is told the way back by `attention_backward`.

    The batch axes of all three must be the same: what is broadcast would have to be summed up again.
    """
    return _ByHand.apply(query, key, value, mask)
