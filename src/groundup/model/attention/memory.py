"""Memory beyond the segment: what earlier segments left is attended to again, all of the last one, or the few that fit best.

A long text is read in segments. Without a memory each begins from nothing. Two remedies, both free of gradients into the past:

Transformer-XL (Dai et al. 2019, arXiv:1901.02860): each layer also attends to the hidden vectors that it was given in the
segments before. Those were at other absolute places, so positions must be relative (section 3.3, eq. of the four terms):

    score(i, j) = (q_i + u) . k_j + (q_i + v) . W_r R_(i-j),   over sqrt(head_dim)      R: sinusoids of the distance

    u and v are what the query adds whatever it is: how much a key, and how much a distance, is looked at in general.
    The second term depends on i - j, so it is computed for every distance once and then shifted, row by row (appendix B):

        distances 2 1 0          keys 0 1 2
        query 0   a b c          query 0  c . .       row i moves left by (rows - 1 - i); what lies ahead is set to 0
        query 1   d e f    ->    query 1  e f .
        query 2   g h i          query 2  g h i

Memorizing Transformer (Wu et al. 2022, arXiv:2203.08913): one layer keeps the keys and values of very many tokens. Each
query takes the nearest few by dot product, attends to these alone, and a learned gate a head mixes the result with local attention:

    out = g . out_memory + (1 - g) . out_local,   g = sigmoid(b)        section 3.1

The search is exact, block by block over the memory, so that the scores of all of it are never held at once.
Left out: approximate search, and normalised keys (scale them before they are given).
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.errors import InputError
from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
from groundup.model.layers.linear import Linear
from groundup.model.positions.absolute import sinusoidal
from groundup.slots import filled, slot

NEAREST = "model.attention.nearest_keys"


def remembered(memory: Tensor | None, new: Tensor, capacity: int) -> Tensor:
    """The last `capacity` tokens of memory and new together, cut off from the gradient; tokens stand at axis -2."""
    if capacity < 0:
        raise InputError(f"a memory cannot hold {capacity} tokens; give 0 or more")
    whole = new if memory is None else torch.cat([memory, new], dim=-2)
    return whole[..., max(0, whole.shape[-2] - capacity) :, :].detach()


# ───────── Transformer-XL ─────────


@slot
def relative_shift(
    scores: Float[Tensor, "batch heads queries keys"],
) -> Float[Tensor, "batch heads queries keys"]:
    """Move scores by distance to the keys at that distance: column c holds the distance keys - 1 - c, and the last is 0.

    The last query stands at the last key. What lies ahead of a query is 0.
    """
    batch, heads, queries, keys = scores.shape
    padded = torch.cat([scores.new_zeros(batch, heads, queries, 1), scores], dim=-1)
    # Read as rows one shorter, each row begins one place later: the shift is free.
    shifted = padded.view(batch, heads, keys + 1, queries)[:, :, 1:].reshape(scores.shape)
    return shifted.tril(keys - queries)


def relative_attention_reference(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch heads keys head_dim"],
    value: Float[Tensor, "batch heads keys head_dim"],
    distance_key: Float[Tensor, "heads keys head_dim"],
    content_bias: Float[Tensor, "heads head_dim"],
    distance_bias: Float[Tensor, "heads head_dim"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "batch heads queries head_dim"]:
    """Attend with the four terms, pair by pair. The definition; arguments as for `relative_attention`."""
    queries, keys = query.shape[2], key.shape[2]
    mixed = torch.zeros_like(query)
    for now in range(queries):
        place = keys - queries + now
        back = distance_key[:, keys - 1 - place :]  # the key of the distance place - j, for j = 0 ... place
        scores = ((query[:, :, now, None] + content_bias[:, None]) * key[:, :, : place + 1]).sum(-1)
        scores = scores + ((query[:, :, now, None] + distance_bias[:, None]) * back).sum(-1)
        scores = scores / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask[..., now, : place + 1], -math.inf)
        mixed[:, :, now] = (torch.softmax(scores, -1)[..., None] * value[:, :, : place + 1]).sum(-2)
    return mixed


def relative_attention(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch heads keys head_dim"],
    value: Float[Tensor, "batch heads keys head_dim"],
    distance_key: Float[Tensor, "heads distances head_dim"],
    content_bias: Float[Tensor, "heads head_dim"],
    distance_bias: Float[Tensor, "heads head_dim"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "batch heads queries head_dim"]:
    """Attend by content and distance; the keys begin with those of the memory, and nothing looks ahead.

    distance_key: W_r R of the distances keys - 1 ... 0, in this order. content_bias and distance_bias: the paper's u and v.
    mask: where else a query may not look (False), besides ahead; each query must see one key.
    """
    queries, keys = query.shape[2], key.shape[2]
    if keys < queries or distance_key.shape[1] != keys:
        raise InputError(
            f"{queries} queries, {keys} keys and {distance_key.shape[1]} distances do not fit; "
            f"give the memory's keys and the segment's own, and a distance for each"
        )
    content = (query + content_bias[:, None]) @ key.transpose(-2, -1)
    distance = relative_shift((query + distance_bias[:, None]) @ distance_key.transpose(-2, -1))
    seen = masks.causal(queries, keys, query.device)
    seen = seen if mask is None else seen & mask
    scores = ((content + distance) / math.sqrt(query.shape[-1])).masked_fill(~seen, torch.finfo(query.dtype).min)
    return torch.softmax(scores, dim=-1) @ value


class TransformerXLAttention(nn.Module):
    """Transformer-XL's layer: attends to a segment and to the hidden vectors of those before. `r_w_bias` is u, `r_r_bias` v."""

    def __init__(self, hidden: int, heads: int, head_dim: int):
        super().__init__()
        self.head_dim = head_dim
        self.q_proj, self.k_proj, self.v_proj = (Linear(hidden, heads * head_dim) for _ in range(3))
        self.r_proj = Linear(hidden, heads * head_dim)
        self.o_proj = Linear(heads * head_dim, hidden)
        self.r_w_bias = nn.Parameter(torch.zeros(heads, head_dim))
        self.r_r_bias = nn.Parameter(torch.zeros(heads, head_dim))

    def forward(
        self, x: Float[Tensor, "batch seq hidden"], memory: Float[Tensor, "batch kept hidden"] | None = None
    ) -> Float[Tensor, "batch seq hidden"]:
        """Attend from x to memory and x. The next segment's memory is `remembered(memory, x, capacity)`."""
        read = x if memory is None else torch.cat([memory.detach(), x], dim=1)
        back = torch.arange(read.shape[1] - 1, -1, -1, device=x.device)
        sinusoids = sinusoidal(back, x.shape[-1]).to(x.dtype)
        query, key, value = self._heads(self.q_proj(x)), self._heads(self.k_proj(read)), self._heads(self.v_proj(read))
        distance_key = self._heads(self.r_proj(sinusoids)[None])[0]
        biases = self.r_w_bias.to(x.dtype), self.r_r_bias.to(x.dtype)
        mixed = relative_attention(query, key, value, distance_key, *biases)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Float[Tensor, "batch heads seq head_dim"]:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)


# ───────── Memorizing Transformer ─────────


@slot
def nearest_keys(
    query: Float[Tensor, "batch heads queries head_dim"], keys: Float[Tensor, "batch heads kept head_dim"], count: int
) -> tuple[Float[Tensor, "batch heads queries found"], Int[Tensor, "batch heads queries found"]]:
    """Find for each query the `count` keys of largest dot product: their products, largest first, and their places.

    Where the memory holds fewer, all of them.
    """
    products = query @ keys.transpose(-2, -1)
    best = products.topk(min(count, keys.shape[-2]), dim=-1)
    return best.values, best.indices


def search_nearest(
    query: Float[Tensor, "batch heads queries head_dim"],
    keys: Float[Tensor, "batch heads kept head_dim"],
    count: int,
    block: int = 4096,
) -> tuple[Float[Tensor, "batch heads queries found"], Int[Tensor, "batch heads queries found"]]:
    """Find what `nearest_keys` finds, holding the products of one block of the memory at a time."""
    if count < 1:
        raise InputError(f"count={count} finds nothing; ask for 1 key or more")
    if filled(NEAREST) or keys.shape[-2] <= block:
        return nearest_keys(query, keys, count)
    best, places = nearest_keys(query, keys[..., :block, :], count)
    for start in range(block, keys.shape[-2], block):
        products, found = nearest_keys(query, keys[..., start : start + block, :], count)
        products, found = torch.cat([best, products], -1), torch.cat([places, found + start], -1)
        best, order = products.topk(min(count, products.shape[-1]), dim=-1)
        places = found.gather(-1, order)
    return best, places


def knn_attention(
    query: Float[Tensor, "batch heads queries head_dim"],
    keys: Float[Tensor, "batch heads kept head_dim"],
    values: Float[Tensor, "batch heads kept value_dim"],
    count: int,
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Attend to the nearest `count` tokens of the memory alone; with count at its size, to all: full attention."""
    products, places = search_nearest(query, keys, count)
    weights = torch.softmax(products / math.sqrt(query.shape[-1]), dim=-1)
    batch, heads, queries, found = places.shape
    read = values.gather(2, places.flatten(2)[..., None].expand(-1, -1, -1, values.shape[-1]))
    return (weights[..., None, :] @ read.view(batch, heads, queries, found, -1))[..., 0, :]


def memorizing_attention(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch heads queries head_dim"],
    value: Float[Tensor, "batch heads queries value_dim"],
    memory: tuple[Float[Tensor, "batch heads kept head_dim"], Float[Tensor, "batch heads kept value_dim"]] | None,
    gate: Float[Tensor, " heads"],
    count: int = 32,
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Mix causal attention in the segment with that to the nearest of the memory's (keys, values), by the gate a head.

    gate: before its sigmoid. Without a memory, or with an empty one, the local attention alone.
    """
    near = scaled_dot_product_attention(query, key, value, masks.causal(query.shape[2], device=query.device))
    if memory is None or memory[0].shape[2] == 0:
        return near
    share = torch.sigmoid(gate)[:, None, None]
    return share * knn_attention(query, *memory, count) + (1 - share) * near
