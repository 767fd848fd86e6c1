"""The nodes of attention and of everything that says where a token stands: angles, masks, biases of distance.

    grouped-query        keys and values of the heads, behind those of the past       cached: (batch, kv_heads, past, head_dim)
    latent (DeepSeek)    one latent and one rotary key a token                        cached: (batch, 1, past, rank), (..., rope)
    cross                queries here, keys and values of a source, made once

Lengths are open, so what depends on them is computed by nodes: the causal mask, the buckets of T5, the slopes of ALiBi, and the
frequencies of those rotary scalings that ask how long the text is (`dynamic`, `longrope`; as in `positions/extension.py` keys in a cache
keep the angles with which they were made). Buckets of distances are a table of as many rows as there are distances to tell apart,
not logarithms, which would round to another side in another program.

With a cache latent attention is written in its absorbed form, whose step reads the cache alone; without one in the definition's.
The formulas are those of `attention/` and `positions/`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from groundup.model.architectures import blueprint as plan
from groundup.model.formats.onnx_graph import Graph, Value
from groundup.model.formats.onnx_parts import capped, linear, norm
from groundup.model.positions import extension
from groundup.model.positions.relative import alibi_slopes, relative_position_bucket

LOWEST = float(np.finfo(np.float32).min)
Part = Callable[[Value], Value]


class Sides(NamedTuple):
    """What stands beside the stream in a block: angles (cosines, sines), what is added to the scores, past keys and values.

    number: the block's. kept: what the names of keys and values say of whose they are. on_value: what is done to the values first.
    """

    angles: tuple[Value, Value] | None
    bias: Value
    past: tuple[Value, Value] | None
    number: int
    kept: str = ""
    on_value: Part | None = None


# ───────── attention ─────────


def attention(x: Value, layer: Any, described: plan.Attention, name: str, sides: Sides) -> Value:
    """Project, turn, lay behind the past, score, mask, mix, project back."""
    parts = {one: linear(x, getattr(layer, f"{one}_proj"), f"{name}.{one}_proj") for one in "qkv"}
    if sides.on_value is not None:
        parts["v"] = sides.on_value(parts["v"])
    for one in "qk" if described.qk_norm is not None else "":
        wide = parts[one] if described.qk_norm_over == "width" else parts[one].reshaped(0, 0, -1, described.head_dim)
        parts[one] = norm(wide, getattr(layer, f"{one}_norm"), f"{name}.{one}_norm")
    query, key, value = (parts[one].reshaped(0, 0, -1, described.head_dim) for one in "qkv")
    if sides.angles is not None:
        query, key = (turn(one, sides.angles, described) for one in (query, key))
    query, key, value = (one.turned(0, 2, 1, 3) for one in (query, key, value))
    key, value = remembered((key, value), sides, described.kv_heads, (described.head_dim, described.head_dim))
    mixed = mix(query, repeated(key, described), repeated(value, described), described, sides.bias)
    return linear(mixed, layer.o_proj, f"{name}.o_proj")


def mix(query: Value, key: Value, value: Value, described: plan.Attention, bias: Value) -> Value:
    """Score, mask, and mix the values; the heads side by side."""
    scale = described.head_dim**-0.5 if described.scale is None else described.scale
    scores = capped((query * scale) @ key.turned(0, 1, 3, 2), described.soft_cap) + bias
    return (scores.node("Softmax", axis=-1) @ value).turned(0, 2, 1, 3).reshaped(0, 0, -1)


def remembered(made: tuple[Value, Value], sides: Sides, heads: int, widths: tuple[int, int]) -> tuple[Value, Value]:
    """Lay what a block keeps of its tokens behind what it kept before, and hand it out; without a cache as it is."""
    if sides.past is None:
        return made
    key, value = (old.joined(new, 2) for old, new in zip(sides.past, made, strict=True))
    for kind, kept, width in (("key", key, widths[0]), ("value", value, widths[1])):
        key.graph.output(kept, f"present.{sides.number}.{sides.kept}{kind}", "FLOAT", "batch", heads, "total", width)
    return key, value


def past(
    graph: Graph, number: int, heads: int, widths: tuple[int, int], kept: str = "", length: str = "past"
) -> tuple[Value, Value]:
    """What a block kept of earlier tokens, or of a source, as inputs."""
    name = f"past_key_values.{number}.{kept}"
    key, value = (
        graph.input(f"{name}{kind}", "FLOAT", "batch", heads, length, width)
        for kind, width in zip(("key", "value"), widths, strict=True)
    )
    return key, value


def repeated(x: Value, described: plan.Attention) -> Value:
    """Give each of the query heads that share a key/value head a copy of it."""
    groups = described.heads // described.kv_heads
    if groups == 1:
        return x
    copies = x.widened(2).node("Expand", x.graph.constant([1, 1, groups, 1, 1], np.int64))
    return copies.reshaped(0, described.heads, -1, described.head_dim)


def memory(states: Value, layer: Any, described: Any, name: str) -> tuple[Value, Value]:
    """Keys and values of a source, for all steps: (batch, heads, source, head_dim). described: of the cross-attention."""
    key, value = (linear(states, getattr(layer, f"{one}_proj"), f"{name}.{one}_proj") for one in "kv")
    shape = (0, 0, described.heads, described.head_dim)
    return key.reshaped(*shape).turned(0, 2, 1, 3), value.reshaped(*shape).turned(0, 2, 1, 3)


def cross_attention(x: Value, layer: Any, described: Any, name: str, source: tuple[Value, Value], bias: Value) -> Value:
    """Let x ask what was remembered of a source."""
    query = linear(x, layer.q_proj, f"{name}.q_proj").reshaped(0, 0, described.heads, described.head_dim)
    return linear(mix(query.turned(0, 2, 1, 3), *source, described, bias), layer.o_proj, f"{name}.o_proj")


def latent_attention(x: Value, layer: Any, described: plan.LatentAttention, name: str, sides: Sides) -> Value:
    """Compress, keep, attend: carry the latents up to the heads, or with a cache the queries down to the latents."""
    assert sides.angles is not None, "a part of each head turns"
    query, asked = latent_queries(x, layer, described, name, sides.angles)
    kept, rank = linear(x, layer.kv_a_proj_with_mqa, f"{name}.kv_a_proj_with_mqa"), described.kv_lora_rank
    latent = norm(kept.part(0, rank), layer.kv_a_layernorm, f"{name}.kv_a_layernorm").widened(1)
    key = kept.part(rank, rank + described.qk_rope_head_dim).widened(2)
    key = rotated(pairs_apart(key, described), sides.angles, described.turning).turned(0, 2, 1, 3)
    latent, key = remembered((latent, key), sides, 1, described.cache_widths)
    up = layer.kv_b_proj.weight.unflatten(0, (described.heads, -1))
    nope = described.qk_nope_head_dim
    to_key = x.graph.weight(f"{name}.kv_b_proj.key", up[:, :nope])  # (heads, nope, rank)
    to_value = x.graph.weight(f"{name}.kv_b_proj.value", up[:, nope:].transpose(1, 2))  # (heads, rank, value)
    back = latent.turned(0, 1, 3, 2)  # (batch, 1, rank, keys)
    met = query @ (to_key @ back) if sides.past is None else (query @ to_key) @ back
    scores = (met + asked @ key.turned(0, 1, 3, 2)) * layer.scale + sides.bias
    weights = scores.node("Softmax", axis=-1)
    mixed = weights @ (latent @ to_value) if sides.past is None else (weights @ latent) @ to_value
    return linear(mixed.turned(0, 2, 1, 3).reshaped(0, 0, -1), layer.o_proj, f"{name}.o_proj")


def latent_queries(
    x: Value, layer: Any, described: plan.LatentAttention, name: str, angles: tuple[Value, Value]
) -> tuple[Value, Value]:
    """The two parts of every head's query, (batch, heads, seq, width) each; the second is turned."""
    if described.q_lora_rank is None:
        flat = linear(x, layer.q_proj, f"{name}.q_proj")
    else:
        low = norm(linear(x, layer.q_a_proj, f"{name}.q_a_proj"), layer.q_a_layernorm, f"{name}.q_a_layernorm")
        flat = linear(low, layer.q_b_proj, f"{name}.q_b_proj")
    heads, nope = flat.reshaped(0, 0, described.heads, described.head_dim), described.qk_nope_head_dim
    asked = rotated(pairs_apart(heads.part(nope, described.head_dim), described), angles, described.turning)
    return heads.part(0, nope).turned(0, 2, 1, 3), asked.turned(0, 2, 1, 3)


# ───────── rotary positions ─────────


def turn(x: Value, angles: tuple[Value, Value], described: plan.Attention) -> Value:
    """Rotate the pairs of each head; what does not turn stays."""
    turning, head_dim = described.turning, described.head_dim
    if turning == head_dim:
        return rotated(pairs_apart(x, described), angles, turning)
    first = rotated(pairs_apart(x.part(0, turning), described), angles, turning)
    return first.joined(x.part(turning, head_dim), -1)


def pairs_apart(x: Value, described: Any) -> Value:
    """Bring pairs that stand side by side to the places (i, i + half)."""
    if not described.interleaved:
        return x
    return x.part(0, described.turning, step=2).joined(x.part(1, described.turning, step=2), -1)


def rotated(x: Value, angles: tuple[Value, Value], turning: int) -> Value:
    """Rotate the pairs (i, i + half) of the last axis, which is `turning` wide."""
    first, second = x.part(0, turning // 2), x.part(turning // 2, turning)
    cos, sin = angles
    return (first * cos - second * sin).joined(second * cos + first * sin, -1)


def angles(rotary: Any, positions: Value) -> tuple[Value, Value] | None:
    """Cosines and sines of every position: (batch, seq, 1, half)."""
    if rotary is None:
        return None
    frequencies, factor = scaled(rotary, positions)
    turned = positions.cast("FLOAT").widened(2, 3) * frequencies
    cos, sin = turned.node("Cos"), turned.node("Sin")
    return (cos, sin) if factor == 1.0 else (cos * factor, sin * factor)


def scaled(rotary: Any, positions: Value) -> tuple[Value, float]:
    """The frequencies, by nodes where they depend on the length of the text; and what cosines and sines are multiplied by."""
    graph, given = positions.graph, rotary.scaling or {}
    named = given.get("rope_type") or given.get("type")
    scheme = extension.OLDER_NAMES.get(str(named), named)
    short, factor = rotary.scaled()
    if scheme not in extension.USES_LENGTH:
        return graph.constant(short.numpy()), factor
    length = positions.node("ReduceMax", keepdims=0) + graph.constant(1, np.int64)
    if scheme == "dynamic":
        return dynamic(rotary, length), factor
    trained = given.get("original_max_position_embeddings") or rotary.trained
    beyond = length.node("Greater", graph.constant(trained, np.int64))
    long = rotary.scaled(length=trained + 1).frequencies
    return beyond.node("Where", graph.constant(long.numpy()), graph.constant(short.numpy())), factor


def dynamic(rotary: Any, length: Value) -> Value:
    """NTK-aware frequencies with the stretch that this length needs (`extension.dynamic`), in float64 up to the last cast."""
    graph, factor, width = length.graph, float(rotary.scaling["factor"]), rotary.head_dim

    def number(value: Any) -> Value:
        return graph.constant(value, np.float64)

    longer = length.node("Max", graph.constant(rotary.trained, np.int64)).cast("DOUBLE")
    stretch = longer * number(factor / rotary.trained) - number(factor - 1)
    theta = number(rotary.theta) * stretch.node("Pow", number(width / (width - 2)))
    return theta.node("Pow", number(-np.arange(0, width, 2) / width)).cast("FLOAT")


# ───────── masks and biases ─────────


def mask(ids: Value, real: Value, window: int | None = None) -> Value:
    """What is added to the scores, 0 or the lowest number: (batch, 1, seq, total). The last query stands at the last key."""
    graph = ids.graph
    queries, keys = places(ids, real)
    seen = keys.node("LessOrEqual", queries)
    if window is not None:
        seen = seen.node("And", keys.node("Greater", queries - graph.constant(window, np.int64)))
    seen = seen.widened(0, 1).node("And", real.cast("BOOL").widened(1, 2))
    return seen.node("Where", graph.constant(0.0), graph.constant(LOWEST))


def unpadded(real: Value) -> Value:
    """The same where all see all but padding: (batch, 1, 1, keys)."""
    return real.cast("BOOL").widened(1, 2).node("Where", real.graph.constant(0.0), real.graph.constant(LOWEST))


def places(ids: Value, real: Value) -> tuple[Value, Value]:
    """Where queries (seq, 1) and keys (1, total) stand, counted over the columns."""
    graph, seq, total = ids.graph, ids.size(1), real.size(1)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    keys = graph.node("Range", zero, total, one).widened(0)
    return graph.node("Range", total - seq, total, one).widened(1), keys


def counted(real: Value) -> Value:
    """Positions that count real tokens only: (batch, total)."""
    graph = real.graph
    before = real.node("CumSum", graph.constant(1, np.int64)) - graph.constant(1, np.int64)
    return before.node("Max", graph.constant(0, np.int64))


def alibi(bias: Any, ids: Value, real: Value, positions: Value) -> Value:
    """-slope * distance for every head, query and key; or Falcon's slope * place, rounded as bfloat16 rounds."""
    graph, slopes = ids.graph, alibi_slopes(bias.heads)
    if not bias.in_bfloat16:
        queries, keys = places(ids, real)
        distance = (keys - queries).node("Abs").cast("FLOAT")
        return distance * graph.constant(-bias.scale * slopes.numpy()[:, None, None])
    before = graph.node("Range", ids.size(1) - real.size(1), *(graph.constant(one, np.int64) for one in (0, 1)))
    stood = (positions.part(0, 1, axis=1) + before.widened(0)).joined(positions, 1).cast("FLOAT").widened(1, 2)
    steep = graph.constant(slopes.bfloat16().float().numpy()[:, None, None])
    return rounded(rounded(stood) * steep) * bias.scale


def rounded(x: Value) -> Value:
    """To the nearest number of bfloat16, as float32."""
    return x.cast("BFLOAT16").cast("FLOAT")


def relative(table: Any, ids: Value, real: Value, name: str) -> Value:
    """T5's learned number for each head, query and key: (1, heads, seq, total)."""
    graph, far = ids.graph, table.max_distance
    queries, keys = places(ids, real)
    bounds = (graph.constant(far, np.int64), graph.constant(-far, np.int64))
    apart = (keys - queries).node("Min", bounds[0]).node("Max", bounds[1]) + bounds[0]
    buckets = relative_position_bucket(
        torch.arange(-far, far + 1), table.bidirectional, table.num_buckets, table.max_distance
    )
    bucket = graph.constant(buckets.numpy(), np.int64).node("Gather", apart, axis=0)
    return graph.weight(f"{name}.weight", table.weight).node("Gather", bucket, axis=0).turned(2, 0, 1).widened(0)


def sinusoidal(positions: Value, width: int, theta: float = 10_000.0) -> Value:
    """Sines and cosines of the places, (batch, seq, width); the angles in float64, brought below one turn before they are cast."""
    graph = positions.graph
    frequencies = graph.constant(theta ** -(np.arange(0, width, 2) / width), np.float64)
    turns = positions.cast("DOUBLE").widened(2) * frequencies
    angle = turns.node("Mod", graph.constant(2 * np.pi, np.float64), fmod=1).cast("FLOAT")
    pairs = angle.node("Sin").widened(3).joined(angle.node("Cos").widened(3), 3)
    return pairs.reshaped(0, 0, width)
