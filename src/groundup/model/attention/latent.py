"""Multi-head latent attention: the cache holds one short vector a token, from which every head's key and value are made.

    c = norm(W_down x)                          the latent: all that is kept of a token, together with
    r = turn(W_rope x)                          one rotary key, the same for all heads
    k_i = [W_key,i c ; r]      v_i = W_value,i c            keys and values of head i, made anew from the latent
    q_i = [n_i ; turn(p_i)]    score = q_i k_i / sqrt(d)    n_i meets the latent's part, p_i the rotary one

Grouped-query attention keeps fewer heads; this keeps all heads and forgets that they are many: keys and values of one layer
are a linear map of `kv_lora_rank` numbers. DeepSeek-V3 keeps 576 numbers a token and layer, where its 128 heads of keys
and values would be 40,960. Positions stand apart (decoupled rotary keys), for a turn between W_key and c would have to
be known when the maps are made.

Absorbed: n (W_key c) = (W_key^T n) c. So a query can be carried down to the latent, once, instead of every key up to the
heads: attention is then multi-query, over keys [c ; r] and values c, and W_value is applied to what comes out. The same
numbers, and a step of decoding reads only the cache. For many queries at once the heads' own width is the cheaper one.

DeepSeek-V2, arXiv:2405.04434, section 2.1 and eq. 9-19 (their W^DKV, W^KR, W^UK, W^UV; the absorption after eq. 12);
DeepSeek-V3, arXiv:2412.19437, eq. 1-11. YaRN's factor on the scores comes in as `scale`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.errors import ConfigError
from groundup.model.attention.scaled_dot_product import attend
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import RMSNorm, normalize
from groundup.model.positions.rotary import Angles, rotate
from groundup.slots import slot


def pairs_apart(x: Float[Tensor, "*batch head_dim"]) -> Float[Tensor, "*batch head_dim"]:
    """Bring the pairs (2i, 2i + 1), as DeepSeek's files have them, to the places (i, i + head_dim/2) that `rotate` turns.

    >>> pairs_apart(torch.tensor([0.0, 1.0, 2.0, 3.0])).tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    return torch.cat((x[..., 0::2], x[..., 1::2]), dim=-1)


def pairs_together(x: Float[Tensor, "*batch head_dim"]) -> Float[Tensor, "*batch head_dim"]:
    """The way back, for files that have the pairs (i, i + head_dim/2) from the start.

    >>> pairs_together(torch.tensor([0.0, 2.0, 1.0, 3.0])).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    return torch.stack(x.chunk(2, dim=-1), dim=-1).flatten(-2)


@slot
def compress(
    projected: Float[Tensor, "batch seq rank_and_rope"], gain: Float[Tensor, " rank"], angles: Angles, eps: float = 1e-6
) -> tuple[Float[Tensor, "batch seq rank"], Float[Tensor, "batch seq rope_dim"]]:
    """Make of a token's projection what the cache keeps: the normalised latent, and the rotary key that all heads share.

    projected: `len(gain)` numbers of the latent, then the rotary key, whose pairs are (2i, 2i + 1); only the latent is
    normalised (RMSNorm with `gain` and `eps`), only the key is turned.
    """
    rank = len(gain)
    latent, rope = projected[..., :rank], projected[..., rank:]
    return normalize(latent, gain, eps), rotate(pairs_apart(rope)[:, :, None], angles)[:, :, 0]


def latent_attention_reference(
    query: Float[Tensor, "batch heads queries nope_dim"],
    query_rope: Float[Tensor, "batch heads queries rope_dim"],
    latent: Float[Tensor, "batch keys rank"],
    rope: Float[Tensor, "batch keys rope_dim"],
    up: Float[Tensor, "heads nope_and_value rank"],
    scale: float,
    mask: Tensor | None = None,
    causal: bool = False,
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Carry every latent up to the keys and values of all heads, and attend: the definition.

    up: for each head the rows that make its key, then those that make its value. mask: True where a query may look,
    broadcast to (batch, heads, queries, keys); causal: without one, the last query stands at the last key.
    """
    made = torch.einsum("bkr,hdr->bhkd", latent, up)
    key, value = made.split((query.shape[-1], up.shape[1] - query.shape[-1]), dim=-1)
    key = torch.cat((key, rope[:, None].expand(-1, len(up), -1, -1)), dim=-1)
    return attend(torch.cat((query, query_rope), dim=-1), key, value, mask, causal=causal, scale=scale)


@slot
def latent_attention(
    query: Float[Tensor, "batch heads queries nope_dim"],
    query_rope: Float[Tensor, "batch heads queries rope_dim"],
    latent: Float[Tensor, "batch keys rank"],
    rope: Float[Tensor, "batch keys rope_dim"],
    up: Float[Tensor, "heads nope_and_value rank"],
    scale: float,
    mask: Tensor | None = None,
    causal: bool = False,
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Attend over the latents themselves, the maps absorbed into the query and the result: as `latent_attention_reference`.

    No key or value of any head is ever made: every head looks at the one key [latent ; rope] and mixes latents.
    """
    nope_dim = query.shape[-1]
    lowered = torch.einsum("bhqd,hdr->bhqr", query, up[:, :nope_dim])
    key = torch.cat((latent, rope), dim=-1)[:, None]
    mixed = attend(torch.cat((lowered, query_rope), dim=-1), key, latent[:, None], mask, causal=causal, scale=scale)
    return torch.einsum("bhqr,hdr->bhqd", mixed, up[:, nope_dim:])


def products(
    queries: int, keys: int, heads: int, rank: int, nope_dim: int, rope_dim: int, value_dim: int
) -> tuple[int, int]:
    """Count the multiplications of the definition and of the absorbed form.

    One token of DeepSeek-V3 that looks back on 4,096: the definition would make all their keys and values again.

    >>> products(1, 4096, heads=128, rank=512, nope_dim=128, rope_dim=64, value_dim=128)
    (68887248896, 587202560)
    """
    maps = rank * (nope_dim + value_dim)
    plain = keys * maps + queries * keys * (nope_dim + rope_dim + value_dim)
    absorbed = queries * maps + queries * keys * (rank + rope_dim + rank)
    return heads * plain, heads * absorbed


class LatentAttention(nn.Module):
    """Compress, keep, attend; the parameters have the names of DeepSeek-V2's and V3's files.

    q_lora_rank: the query's own latent, None: a plain projection. scale: what the scores are multiplied by, None: 1 /
    sqrt(qk_nope_head_dim + qk_rope_head_dim). interleaved: the pairs that turn are (2i, 2i + 1) in the files, and not
    (i, i + half). The cache is given the latent as its key and the rotary key as its value.
    """

    def __init__(
        self,
        hidden: int,
        heads: int,
        *,
        kv_lora_rank: int,
        qk_nope_head_dim: int,
        qk_rope_head_dim: int,
        v_head_dim: int,
        q_lora_rank: int | None = None,
        bias: bool = False,
        eps: float = 1e-6,
        scale: float | None = None,
        interleaved: bool = True,
    ):
        super().__init__()
        if qk_rope_head_dim % 2:
            raise ConfigError(f"qk_rope_head_dim={qk_rope_head_dim} is odd; coordinates turn in pairs, so make it even")
        self.heads, self.rank, self.q_lora_rank = heads, kv_lora_rank, q_lora_rank
        self.widths, self.interleaved = (qk_nope_head_dim, qk_rope_head_dim, v_head_dim), interleaved
        width = qk_nope_head_dim + qk_rope_head_dim
        self.scale = width**-0.5 if scale is None else scale
        if q_lora_rank is None:
            self.q_proj = Linear(hidden, heads * width)
        else:
            self.q_a_proj = Linear(hidden, q_lora_rank, bias=bias)
            self.q_a_layernorm = RMSNorm(q_lora_rank, eps)
            self.q_b_proj = Linear(q_lora_rank, heads * width)
        self.kv_a_proj_with_mqa = Linear(hidden, kv_lora_rank + qk_rope_head_dim, bias=bias)
        self.kv_a_layernorm = RMSNorm(kv_lora_rank, eps)
        self.kv_b_proj = Linear(kv_lora_rank, heads * (qk_nope_head_dim + v_head_dim))
        self.o_proj = Linear(heads * v_head_dim, hidden, bias=bias)

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        angles: Angles,
        mask: Tensor | None = None,
        cache=None,
        layer: int = 0,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Attend from x to x and to what `cache` holds of earlier tokens. mask None is causal."""
        query, query_rope = self._queries(x, angles)
        gain = self.kv_a_layernorm.weight
        latent, rope = compress(self._kept(x), gain, angles, self.kv_a_layernorm.eps)
        if cache is not None:
            latent, rope = (one[:, 0] for one in cache.update(layer, latent[:, None], rope[:, None]))
        plain, absorbed = products(x.shape[1], latent.shape[1], self.heads, self.rank, *self.widths)
        attention = latent_attention if absorbed < plain else latent_attention_reference
        up = self.kv_b_proj.weight.to(x.dtype).unflatten(0, (self.heads, -1))
        mixed = attention(query, query_rope, latent, rope, up, self.scale, mask, causal=mask is None)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _kept(self, x: Tensor) -> Tensor:
        """What `compress` makes the cache's numbers of: its pairs are (2i, 2i + 1)."""
        projected = self.kv_a_proj_with_mqa(x)
        if self.interleaved:
            return projected
        return torch.cat((projected[..., : self.rank], pairs_together(projected[..., self.rank :])), dim=-1)

    def _queries(self, x: Tensor, angles: Angles) -> tuple[Tensor, Tensor]:
        """The two parts of every head's query, the second turned."""
        flat = self.q_proj(x) if self.q_lora_rank is None else self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x)))
        query, rope = flat.unflatten(-1, (self.heads, -1)).split(self.widths[:2], dim=-1)
        rope = pairs_apart(rope) if self.interleaved else rope
        return query.transpose(1, 2), rotate(rope, angles).transpose(1, 2)
