"""Scales moved from what a matrix reads into the matrix: other weights, the same function.

    W x = (W diag(s)) (x / s)        and x / s is made by what stands before: the gain of a norm, or the rows of a matrix, divided by s

What makes x coordinate by coordinate is
    the norm before query, key and value, and the one before gate and up: their readers share one s
    the value matrix before the output matrix: a mix of values keeps their coordinates apart. Where query heads share a value, they share its s
    up before down: the gate multiplies what up says, coordinate by coordinate (and ReLU keeps a positive factor)
Lin et al. 2023, arXiv:2306.00978, section 4.2; Xiao et al. 2022, arXiv:2211.10438, section 4. A part that is not listed is not scaled.

Left out: attention from one latent (its norms stand elsewhere), feed-forwards with a bend between two matrices other than ReLU.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.feed_forward import GatedFeedForward, PlainFeedForward
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import LayerNorm, RMSNorm
from groundup.model.layers.residual import Block, ParallelBlock, ParallelTwoNormsBlock, SandwichBlock

# the norms before attention and before the feed-forward, where they stand there and nobody else reads them
NORMS: dict[type, tuple[str, str]] = {
    Block: ("input_layernorm", "post_attention_layernorm"),
    SandwichBlock: ("input_layernorm", "pre_feedforward_layernorm"),
    ParallelTwoNormsBlock: ("input_layernorm", "post_attention_layernorm"),
    ParallelBlock: ("input_layernorm", "input_layernorm"),
}


class Fold(NamedTuple):
    """Maps that read one vector, by their names in the block, and the part that makes it. places: which row or gain each input comes from."""

    readers: tuple[str, ...]
    before: Any
    places: Int[Tensor, " inputs"]

    def shared(self, scale: Float[Tensor, " inputs"]) -> Float[Tensor, " inputs"]:
        """Inputs that come from one place get one scale: their geometric mean."""
        count = int(self.places.max()) + 1
        logs = torch.zeros(count, dtype=torch.float64).index_add(0, self.places, scale.double().log())
        return (logs / torch.bincount(self.places)).exp()[self.places].to(scale.dtype)


def folds(block: nn.Module) -> list[Fold]:
    """What of a block can be scaled, in order."""
    attention, feed = _reading_attention(block), _reading_feed(block)
    names = NORMS.get(type(block))
    found = []
    if names is not None and names[0] == names[1]:
        found += _behind_norm(getattr(block, names[0]), (*attention, *feed) if attention and feed else ())
    elif names is not None:
        found += _behind_norm(getattr(block, names[0]), attention)
        found += _behind_norm(getattr(block, names[1]), feed)
    return found + _inside_attention(block) + _inside_feed(block)


def _reading_attention(block: nn.Module) -> tuple[str, ...]:
    one = type(block.self_attn) is MultiHeadAttention
    return ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj") if one else ()


def _reading_feed(block: nn.Module) -> tuple[str, ...]:
    if type(block.mlp) is GatedFeedForward:
        return ("mlp.gate_proj", "mlp.up_proj")
    return ("mlp.up_proj",) if type(block.mlp) is PlainFeedForward else ()


def _behind_norm(norm: Any, readers: tuple[str, ...]) -> list[Fold]:
    if not readers or type(norm) not in (RMSNorm, LayerNorm) or norm.weight is None:
        return []
    return [Fold(readers, norm, torch.arange(len(norm.weight)))]


def _inside_attention(block: Any) -> list[Fold]:
    attention = block.self_attn
    if type(attention) is not MultiHeadAttention:
        return []
    dim, rows = attention.head_dim, len(attention.v_proj.weight)
    heads = attention.o_proj.weight.shape[1] // dim
    values = torch.arange(rows).view(-1, dim).repeat_interleave(heads * dim // rows, 0).flatten()
    return [Fold(("self_attn.o_proj",), attention.v_proj, values)]


def _inside_feed(block: Any) -> list[Fold]:
    feed = block.mlp
    plain = type(feed) is PlainFeedForward and feed.activation == "relu"
    if type(feed) is not GatedFeedForward and not plain:
        return []
    return [Fold(("mlp.down_proj",), feed.up_proj, torch.arange(len(feed.up_proj.weight)))]


def readers(block: nn.Module, fold: Fold) -> list[Linear]:
    """The maps of a fold."""
    return [block.get_submodule(name) for name in fold.readers]  # type: ignore[misc]


@torch.no_grad()
def apply(block: nn.Module, fold: Fold, scale: Float[Tensor, " inputs"]) -> None:
    """Multiply the columns of the readers by the scale (above 0), and divide what makes their inputs by it, in place."""
    for part in readers(block, fold):
        part.weight.copy_(part.weight.double() * scale.double())
    count = int(fold.places.max()) + 1
    each = torch.ones(count, dtype=torch.float64).index_copy(0, fold.places, scale.double())
    before = fold.before
    if isinstance(before, Linear):
        before.weight.copy_(before.weight.double() / each[:, None])
    else:
        offset = before.offset  # a gain of one may be stored as 0
        before.weight.copy_((before.weight.double() + offset) / each - offset)
    if getattr(before, "bias", None) is not None:
        before.bias.copy_(before.bias.double() / each)
