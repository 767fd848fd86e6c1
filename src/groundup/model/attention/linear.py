"""Linear attention: replace exp(query . key) by a product of features, and the sum over the keys can be made beforehand.

    softmax       out_i = sum_j exp(q_i . k_j) v_j / sum_j exp(q_i . k_j)                        n^2 pairs
    linear        out_i = f(q_i) . (sum_j f(k_j) v_j^T) / f(q_i) . (sum_j f(k_j))                n, twice

The brackets do not depend on i. Where nothing may look ahead they grow by one term a token, so attention is a recurrent
network with a matrix as its state: constant memory and time for every further token, whatever the length.

    elu_features         f(x) = elu(x) + 1: simply positive; another attention than softmax's, to be trained as such
                         Katharopoulos et al. 2020, arXiv:2006.16236, eq. 5-7; recurrent form eq. 16-20
    positive_features    f(x) = exp(W x - |x|^2 / 2) / sqrt(m), rows of W drawn from N(0, I): E f(q) . f(k) = exp(q . k), so
                         softmax attention itself is estimated; orthogonal rows lessen the variance
                         Performer: Choromanski et al. 2021, arXiv:2009.14794, lemma 1 and section 2.4
    linformer_attention  no features: n keys are mixed into k by a learned matrix, and attended to as ever
                         Wang et al. 2020, arXiv:2006.04768, eq. 7

`linear_attention_reference` compares all pairs; `causal_linear_attention_recurrent` takes step by step; `causal_linear_attention`
takes chunks: pairs inside a chunk, the state between chunks. All three are equal; only the last is fast.
State and sums are fp32 at least: in bf16 the 257th equal term would be lost.

Left out: forgetting (decay, delta rule), and redrawing W during training.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from groundup.errors import InputError
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
from groundup.slots import slot

SPAN = 2048  # tokens whose chunks are taken at once: what they make stays in the cache (at 16,384, a quarter faster)


def elu_features(x: Float[Tensor, "*batch head_dim"]) -> Float[Tensor, "*batch head_dim"]:
    """Make every coordinate positive: x + 1 above 0, exp(x) below."""
    return functional.elu(x) + 1


def linear_attention_reference(
    query: Float[Tensor, "*batch queries features"],
    key: Float[Tensor, "*batch keys features"],
    value: Float[Tensor, "*batch keys value_dim"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch queries value_dim"]:
    """Average the values by the products of features, pair by pair; query and key are features already. The definition."""
    weights = query @ key.transpose(-2, -1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return _divided(weights @ value, weights.sum(-1))


def _divided(mixed: Tensor, total: Tensor) -> Tensor:
    """The mean from a weighted sum and its weights' sum; 0 where no weight was given."""
    return mixed / total.clamp(min=torch.finfo(total.dtype).tiny)[..., None]


def linear_attention(
    query: Float[Tensor, "batch heads queries features"],
    key: Float[Tensor, "batch heads keys features"],
    value: Float[Tensor, "batch heads keys value_dim"],
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Let every query see every key, in time linear in both: the keys and values are summed first."""
    wide_query, wide_key, wide_value = _wide(query), _wide(key), _wide(value)
    memory, total = wide_key.transpose(-2, -1) @ wide_value, wide_key.sum(-2)
    return _divided(wide_query @ memory, (wide_query @ total[..., None])[..., 0]).to(value.dtype)


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


class State(NamedTuple):
    """What linear attention keeps of all earlier tokens, whatever their number."""

    memory: Float[Tensor, "batch heads features value_dim"]  # the sum of f(k_j) v_j^T
    total: Float[Tensor, "batch heads features"]  # the sum of f(k_j)


def empty_state(key: Tensor, value: Tensor) -> State:
    """The state before the first token, for keys (batch, heads, ..., features) and values of these shapes."""
    heads, features, width = key.shape[:2], key.shape[-1], value.shape[-1]
    wide = torch.promote_types(value.dtype, torch.float32)
    return State(value.new_zeros(*heads, features, width, dtype=wide), value.new_zeros(*heads, features, dtype=wide))


@slot
def linear_attention_step(
    query: Float[Tensor, "batch heads features"],
    key: Float[Tensor, "batch heads features"],
    value: Float[Tensor, "batch heads value_dim"],
    memory: Float[Tensor, "batch heads features value_dim"],
    total: Float[Tensor, "batch heads features"],
) -> tuple[
    Float[Tensor, "batch heads value_dim"],
    Float[Tensor, "batch heads features value_dim"],
    Float[Tensor, "batch heads features"],
]:
    """Take one more token into the state, then read it with the query; the token sees itself.

    memory: the sum of key value^T over all tokens before; total: the sum of their keys. Gives what is read, and both anew.
    """
    memory = memory + key[..., :, None] * value[..., None, :]
    total = total + key
    mixed = (query[..., None, :] @ memory)[..., 0, :]
    weight = (query * total).sum(-1, keepdim=True)
    return mixed / weight.clamp(min=torch.finfo(weight.dtype).tiny), memory, total


def causal_linear_attention_recurrent(
    query: Float[Tensor, "batch heads seq features"],
    key: Float[Tensor, "batch heads seq features"],
    value: Float[Tensor, "batch heads seq value_dim"],
    state: State | None = None,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], State]:
    """Attend step by step, as text is written; gives the state after the last token too."""
    memory, total = empty_state(key, value) if state is None else state
    mixed = []
    for now in range(query.shape[2]):
        looks, holds, gives = (_wide(x[:, :, now]) for x in (query, key, value))
        read, memory, total = linear_attention_step(looks, holds, gives, memory, total)
        mixed.append(read)
    return torch.stack(mixed, dim=2).to(value.dtype), State(memory, total)


def causal_linear_attention(
    query: Float[Tensor, "batch heads seq features"],
    key: Float[Tensor, "batch heads seq features"],
    value: Float[Tensor, "batch heads seq value_dim"],
    state: State | None = None,
    chunk: int = 64,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], State]:
    """Attend by chunks: inside one pair by pair, to all before it through the state; no loop over tokens.

    Equal to the recurrent form. chunk: pairs cost chunk a token, states head_dim^2 / chunk a token, so about head_dim is best.
    """
    state = empty_state(key, value) if state is None else state
    mixed = []
    for start in range(0, query.shape[2], SPAN):
        looks, holds, gives = (x[:, :, start : start + SPAN] for x in (query, key, value))
        read, state = _chunks(looks, holds, gives, state, chunk)
        mixed.append(read)
    return torch.cat(mixed, dim=2), state


def _chunks(query: Tensor, key: Tensor, value: Tensor, state: State, chunk: int) -> tuple[Tensor, State]:
    """All chunks of a span at once."""
    seq, width = query.shape[2], value.shape[-1]
    ones = value.new_ones(*value.shape[:-1], 1)  # a value that is 1 everywhere: its sum is the weights' sum
    padded = (functional.pad(_wide(x), (0, 0, 0, -seq % chunk)) for x in (query, key, torch.cat([value, ones], dim=-1)))
    query, key, wide = (x.unflatten(2, (-1, chunk)) for x in padded)
    first = torch.cat([state.memory, state.total[..., None]], dim=-1)[:, :, None]
    after = torch.cat([first, key.transpose(-2, -1) @ wide], dim=2).cumsum(dim=2)  # the state at each border
    mixed = (query @ key.transpose(-2, -1)).tril() @ wide + query @ after[:, :, :-1]
    mixed = mixed.flatten(2, 3)[:, :, :seq]
    last = after[:, :, -1]
    return _divided(mixed[..., :width], mixed[..., width]).to(value.dtype), State(last[..., :width], last[..., width])


def orthogonal_projection(
    features: int, head_dim: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "features head_dim"]:
    """Draw rows from N(0, I) that are at right angles to each other, head_dim of them at a time.

    Directions from a random rotation, lengths as of independent rows, so that each row alone is distributed as before.
    """
    squares = torch.randn(-(-features // head_dim), head_dim, head_dim, generator=generator, dtype=torch.float64)
    rotation, upper = torch.linalg.qr(squares)
    rotation = rotation * upper.diagonal(dim1=-2, dim2=-1).sign()[:, None]  # without the signs it is not uniform
    lengths = torch.randn(features, head_dim, generator=generator, dtype=torch.float64).norm(dim=1)
    return (rotation.transpose(1, 2).flatten(0, 1)[:features] * lengths[:, None]).to(dtype)


@slot
def positive_features(
    x: Float[Tensor, "*batch seq head_dim"],
    projection: Float[Tensor, "features head_dim"],
    stable_over: tuple[int, ...] = (),
) -> Float[Tensor, "*batch seq features"]:
    """Features whose products estimate exp(x . y) without bias: exp(w . x - |x|^2 / 2) / sqrt(features), a row w each.

    stable_over: axes over which the largest exponent is taken away, so that none overflows; in attention it cancels.
    """
    exponents = x @ projection.T - x.square().sum(-1, keepdim=True) / 2
    if stable_over:
        exponents = exponents - exponents.amax(stable_over, keepdim=True)
    return exponents.exp() / math.sqrt(len(projection))


def performer_attention(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch heads keys head_dim"],
    value: Float[Tensor, "batch heads keys value_dim"],
    projection: Float[Tensor, "features width"],
    causal: bool = False,
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Estimate softmax attention by random features (FAVOR+); projection: `orthogonal_projection`."""
    if projection.shape[1] != query.shape[-1]:
        raise InputError(
            f"a projection for heads of {projection.shape[1]} cannot read heads of {query.shape[-1]}; draw one of that width"
        )
    scale = query.shape[-1] ** -0.25  # the root of 1 / sqrt(head_dim), once for each side
    query = positive_features(_wide(query) * scale, _wide(projection), (-1,))
    key = positive_features(_wide(key) * scale, _wide(projection), (-2, -1))
    return causal_linear_attention(query, key, value)[0] if causal else linear_attention(query, key, value)


def linformer_attention(
    query: Float[Tensor, "batch heads queries head_dim"],
    key: Float[Tensor, "batch heads keys head_dim"],
    value: Float[Tensor, "batch heads keys value_dim"],
    key_projection: Float[Tensor, "kept keys"],
    value_projection: Float[Tensor, "kept keys"],
) -> Float[Tensor, "batch heads queries value_dim"]:
    """Attend to a few mixtures of the keys and values in place of all; the paper's E and F are the projections.

    For a fixed length, and in both directions: a mixture holds the end of the text too.
    """
    return scaled_dot_product_attention(query, key_projection @ key, value_projection @ value)
