"""Self- and cross-attention: one function, and whose keys and values the queries meet.

                     queries of     keys and values of     who may look where
    self, encoder    a sequence     the same               all at all                     (no padding)
    self, decoder    a sequence     the same               each at what came before it
    cross            a sequence     another one            all at all of the source       (no padding of the source)

A translation asks its source, a caption its picture. There is no before and after between two sequences, so cross-attention
knows no causal mask and (in T5, BART and the transformer of 2017) no positions of its own: the source's states bring theirs.
The source does not grow while the answer is written, so its keys and values are made once: `remember`, then any number of
steps, where self-attention's cache grows with each.

Vaswani et al. 2017, arXiv:1706.03762, section 3.2.3. Left out: the decoder around it.
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.model.attention.scaled_dot_product import attend, scaled_dot_product_attention
from groundup.model.layers.linear import Linear
from groundup.slots import slot


class Projections(NamedTuple):
    """The four maps of an attention layer, as `Linear` keeps them: (outputs, inputs)."""

    query: Float[Tensor, "hidden hidden"]
    key: Float[Tensor, "hidden source_hidden"]
    value: Float[Tensor, "hidden source_hidden"]
    output: Float[Tensor, "hidden hidden"]


class Memory(NamedTuple):
    """Keys and values of a source, made once for all steps: (batch, heads, keys, head_dim)."""

    key: Tensor
    value: Tensor


def split_heads(x: Float[Tensor, "batch seq hidden"], heads: int) -> Float[Tensor, "batch heads seq head_dim"]:
    """Cut each vector into as many equal pieces as there are heads, the first piece to the first head."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x: Float[Tensor, "batch heads seq head_dim"]) -> Float[Tensor, "batch seq hidden"]:
    """Lay the heads' pieces side by side again."""
    return x.transpose(1, 2).flatten(2)


@slot
def cross_attention(
    x: Float[Tensor, "batch queries hidden"],
    source: Float[Tensor, "batch keys source_hidden"],
    projections: Projections,
    heads: int,
    mask: Bool[Tensor, "batch queries_or_1 keys"] | None = None,
) -> Float[Tensor, "batch queries hidden"]:
    """Let x ask and `source` answer, in several heads: the definition, from the states to the states.

    mask: True where the query may look, for all heads; None lets every query see the whole source. A query that may look
    at nothing gets 0.
    """
    query = split_heads(functional.linear(x, projections.query), heads)
    key, value = (split_heads(functional.linear(source, one), heads) for one in projections[1:3])
    mixed = scaled_dot_product_attention(query, key, value, None if mask is None else mask[:, None])
    return functional.linear(merge_heads(mixed), projections.output)


def self_attention(
    x: Float[Tensor, "batch seq hidden"],
    projections: Projections,
    heads: int,
    mask: Bool[Tensor, "batch seq_or_1 seq"] | None = None,
) -> Float[Tensor, "batch seq hidden"]:
    """Let a sequence ask itself."""
    return cross_attention(x, x, projections, heads, mask)


class CrossAttention(nn.Module):
    """Queries of one sequence, keys and values of another, which may have another width.

    scale: what the scores are multiplied by, None: 1 / sqrt(head_dim); T5 has 1. bias: in all four projections.
    """

    def __init__(
        self,
        hidden: int,
        heads: int,
        head_dim: int | None = None,
        source_hidden: int | None = None,
        *,
        bias: bool = False,
        scale: float | None = None,
    ):
        super().__init__()
        if head_dim is None and hidden % heads:
            raise ConfigError(
                f"hidden={hidden} cannot be cut into {heads} equal heads; use a divisor, or give head_dim"
            )
        width = heads * (hidden // heads if head_dim is None else head_dim)
        answers = hidden if source_hidden is None else source_hidden
        self.heads, self.scale = heads, scale
        self.q_proj = Linear(hidden, width, bias=bias)
        self.k_proj = Linear(answers, width, bias=bias)
        self.v_proj = Linear(answers, width, bias=bias)
        self.o_proj = Linear(width, hidden, bias=bias)

    def remember(self, source: Float[Tensor, "batch keys source_hidden"]) -> Memory:
        """Make the source's keys and values, once."""
        return Memory(split_heads(self.k_proj(source), self.heads), split_heads(self.v_proj(source), self.heads))

    def forward(
        self, x: Float[Tensor, "batch queries hidden"], memory: Memory, mask: Tensor | None = None
    ) -> Float[Tensor, "batch queries hidden"]:
        """Let x ask what was remembered. mask: as `attend` takes it, with an axis for the heads."""
        query = split_heads(self.q_proj(x), self.heads)
        return self.o_proj(merge_heads(attend(query, memory.key, memory.value, mask, scale=self.scale)))
