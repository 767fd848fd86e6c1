"""Relative positions as a bias: how far apart two tokens stand is added to the score with which they meet.

    scores = Q K^T / sqrt(head_dim) + bias[head, query position - key position]

    bucketed (T5)   a learned number for each head and bucket; a bucket is one distance where it is short, and ever more
                    of them where it is long, up to max_distance, from where on all share the last
    ALiBi           -slope * distance, with a slope for each head: nothing learned, and no distance is ever new

Nothing is added to the tokens, so the stream carries content alone, and both forms take any length.
Raffel et al. 2020, arXiv:1910.10683, section 2.1 (buckets as in its code: 32, half of them exact, up to 128).
Press et al. 2022, arXiv:2108.12409, section 3.

A bias is a float of shape (1, heads, queries, keys), added to the scores beside the mask; as in every mask the last query
stands at the last key. T5 does not divide by sqrt(head_dim): that is its family's choice.

`RelativeBias` is what an encoder-decoder takes, `AlibiBias` what a decoder takes.

Left out: Shaw's vectors in place of numbers (arXiv:1803.02155), disentangled attention (DeBERTa).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.slots import slot


def relative_positions(queries: int, keys: int, device: torch.device | None = None) -> Int[Tensor, "queries keys"]:
    """Key position minus query position: 0 at the same token, negative where the key came earlier.

    >>> relative_positions(2, 3).tolist()
    [[-1, 0, 1], [-2, -1, 0]]
    """
    return torch.arange(keys, device=device) - torch.arange(keys - queries, keys, device=device)[:, None]


@slot
def relative_position_bucket(
    relative_position: Int[Tensor, "*shape"], bidirectional: bool = True, num_buckets: int = 32, max_distance: int = 128
) -> Int[Tensor, "*shape"]:
    """Sort relative positions (key minus query) into buckets 0 to num_buckets - 1.

    bidirectional: the second half of the buckets is for keys that come later; otherwise such keys count as distance 0.
    Of the buckets of one direction the first half holds one distance each; in the second half, of size n from distance n
    on, bucket n + floor(n * log(distance / n) / log(max_distance / n)), and never more than the last.
    """
    later = torch.zeros_like(relative_position)
    distance = -relative_position.clamp(max=0)
    if bidirectional:
        num_buckets //= 2
        later = (relative_position > 0).long() * num_buckets
        distance = relative_position.abs()
    exact = num_buckets // 2
    growth = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    long = exact + (growth * (num_buckets - exact)).long()
    return later + torch.where(distance < exact, distance, long.clamp(max=num_buckets - 1))


class RelativeBias(nn.Module):
    """T5's learned biases; called `relative_attention_bias` in its files: the first layer has it, all layers use it."""

    def __init__(self, heads: int, *, bidirectional: bool, num_buckets: int = 32, max_distance: int = 128):
        super().__init__()
        directions = 2 if bidirectional else 1
        exact = num_buckets // directions // 2
        if exact < 1 or num_buckets % directions or max_distance <= exact:
            raise ConfigError(
                f"{num_buckets} buckets up to distance {max_distance} cannot be shared out; use an even number of at least "
                f"{2 * directions} buckets and a max_distance over {max(exact, 1)}"
            )
        self.bidirectional, self.num_buckets, self.max_distance = bidirectional, num_buckets, max_distance
        self.weight = nn.Parameter(torch.empty(num_buckets, heads))

    def first_values(self, generator: torch.Generator | None) -> dict[str, Tensor]:
        """At the start every distance is as good as another."""
        return {"weight": torch.zeros(self.weight.shape)}

    def forward(self, queries: int, keys: int) -> Float[Tensor, "1 heads queries keys"]:
        """The bias of every head, query and key; the last query stands at the last key."""
        positions = relative_positions(queries, keys, self.weight.device)
        buckets = relative_position_bucket(positions, self.bidirectional, self.num_buckets, self.max_distance)
        return functional.embedding(buckets, self.weight).permute(2, 0, 1)[None]


@slot
def alibi_slopes(heads: int) -> Float[Tensor, " heads"]:
    """The slope of each head: 2^(-8 k / heads) for k = 1, 2, ... where the number of heads is a power of two.

    Otherwise: the slopes of the power of two below, then every other one (the first, the third ...) of those of twice as
    many heads, as many as are missing.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * k / power) for k in range(1, power + 1)]
    between = [2 ** (-4 * k / power) for k in range(1, 2 * power + 1, 2)]
    return torch.tensor(slopes + between[: heads - power])


def falling(heads: int, apart: Int[Tensor, "batch queries keys"]) -> Float[Tensor, "batch heads queries keys"]:
    """-slope * distance for every head, of queries and keys so far apart, in either direction."""
    if heads < 1:
        raise ConfigError(f"heads={heads} is not possible; use 1 or more")
    return -(alibi_slopes(heads).to(apart.device)[:, None, None] * apart.abs()[:, None])


def alibi_bias(
    heads: int, queries: int, keys: int, device: torch.device | None = None
) -> Float[Tensor, "1 heads queries keys"]:
    """-slope * distance for every head, query and key; without a causal mask it falls off in both directions."""
    return falling(heads, relative_positions(queries, keys, device)[None])


def key_positions(positions: Int[Tensor, "*batch queries"], keys: int) -> Int[Tensor, "*batch keys"]:
    """Where the keys stand: the last ones where the queries do, and those kept from before one after another in front of them.

    >>> key_positions(torch.tensor([5, 6]), 4).tolist()
    [3, 4, 5, 6]
    """
    before = torch.arange(positions.shape[-1] - keys, 0, device=positions.device)
    return torch.cat((positions[..., :1] + before, positions), dim=-1)


class AlibiBias:
    """ALiBi for a decoder: nothing is learned, so this is no module. scale: what the bias is multiplied by.

    in_bfloat16: slope and position are multiplied in bfloat16 and rounded, as Falcon's code does; the result then depends on
    the place itself and not on distances alone (a query's own place is the same for all its keys, and falls out of the softmax).
    """

    def __init__(self, heads: int, scale: float = 1.0, *, in_bfloat16: bool = False):
        self.heads, self.scale, self.in_bfloat16 = heads, scale, in_bfloat16

    def __call__(
        self, positions: Int[Tensor, "batch queries"] | Int[Tensor, " queries"], keys: int, in_columns: bool = False
    ) -> Float[Tensor, "batch_or_1 heads queries_or_1 keys"]:
        """What is added to the scores of queries at these positions; the last query stands at the last of the keys.

        in_columns: every row is one text, so that columns are as far apart as positions, and one bias serves all rows.
        """
        if not self.in_bfloat16 and (in_columns or positions.dim() == 1):
            return alibi_bias(self.heads, positions.shape[-1], keys, positions.device) * self.scale
        places = key_positions(positions if positions.dim() == 2 else positions[None], keys)
        if not self.in_bfloat16:
            return falling(self.heads, places[:, None] - positions[:, :, None]) * self.scale
        slopes = alibi_slopes(self.heads).to(positions.device, torch.bfloat16)
        return (slopes[:, None, None] * places[:, None, None]).float() * self.scale
