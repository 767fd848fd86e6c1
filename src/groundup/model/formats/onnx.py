"""ONNX: the whole computation as a graph of some twenty kinds of nodes, with the weights in it; no Python, no torch to run it.

    input_ids (batch, seq)  attention_mask (batch, total)  position_ids (batch, seq)   ->   logits (batch, seq, vocab)
    with a cache also  past_key_values.N.key and .value (batch, kv_heads, past, head_dim)  ->  present.N.key and .value

A module says how to compute by running; a graph is data that says it, so that another program can run it, rearrange it and fuse its nodes.
batch, seq and past are open, and past may be 0, so that one graph with a cache reads a prompt and takes each step after it. total = past +
seq; attention_mask is 1 at real tokens, 0 at padding. The names are those of the transformers and Optimum exports.

Written node by node from the blueprint, not recorded from a run: each part says its own nodes (`WRITERS`), as `parts` builds its module and
`blueprint` counts it, and a part without nodes is refused by name. Float16 halves the file; each weight is cast back where it is used,
so that sums stay float32. Opset 17, of 2022. Specification: onnx.ai/onnx/operators.

Left out: experts, latent attention, the tricks of `architectures/tricks.py`, rotary scaling that asks for the text's length, encoders.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groundup import files
from groundup.errors import ConfigError, UnsupportedModel, missing_extra
from groundup.model.architectures import blueprint as plan
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.formats.onnx_graph import Graph, Value
from groundup.model.layers.norms import RMSNorm

OPSET, IR_VERSION = 17, 8
ONE_FILE_BYTES = 1_900_000_000  # a protobuf holds 2 GB: beyond it the weights go into a file of their own
LOWEST = float(np.finfo(np.float32).min)
DTYPES: dict[str, Any] = {"float32": np.float32, "float16": np.float16}


# ───────── the parts ─────────


def linear(x: Value, layer: Any, name: str) -> Value:
    """A matrix and perhaps a bias."""
    y = x @ x.graph.weight(f"{name}.weight", layer.weight, turned=True)
    return y if layer.bias is None else y + x.graph.weight(f"{name}.bias", layer.bias)


def norm(x: Value, layer: Any, name: str) -> Value:
    """RMSNorm in five nodes, LayerNorm in its own one."""
    gain = None if layer.weight is None else layer.weight.detach().float() + layer.offset
    if gain is None:  # the operator of LayerNorm wants a gain
        return standardized(x, layer.eps)
    if isinstance(layer, RMSNorm):
        square = (x * x).node("ReduceMean", axes=[-1], keepdims=1)
        return x / (square + layer.eps).node("Sqrt") * x.graph.weight(f"{name}.weight", gain)
    learned = [x.graph.weight(f"{name}.weight", gain)]
    learned += [] if layer.bias is None else [x.graph.weight(f"{name}.bias", layer.bias)]
    return x.node("LayerNormalization", *learned, axis=-1, epsilon=layer.eps)


def standardized(x: Value, eps: float) -> Value:
    """LayerNorm without gain and bias."""
    centred = x - x.node("ReduceMean", axes=[-1], keepdims=1)
    square = (centred * centred).node("ReduceMean", axes=[-1], keepdims=1)
    return centred / (square + eps).node("Sqrt")


def activation(x: Value, name: str) -> Value:
    """The functions of `layers.feed_forward.ACTIVATIONS`, by the same names."""
    if name in ("silu", "swish"):
        return x * x.node("Sigmoid")
    if name == "quick_gelu":
        return x * (x * 1.702).node("Sigmoid")
    if name in ("relu", "relu2"):
        open_ = x.node("Relu")
        return open_ if name == "relu" else open_ * open_
    if name == "gelu":
        return x * 0.5 * ((x / math.sqrt(2)).node("Erf") + 1.0)
    inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
    return x * 0.5 * (inner.node("Tanh") + 1.0)


def feed_forward(x: Value, layer: Any, described: plan.FeedForward, name: str) -> Value:
    """Two matrices or three."""
    if not described.gated:
        return linear(
            activation(linear(x, layer.up_proj, f"{name}.up_proj"), described.activation),
            layer.down_proj,
            f"{name}.down_proj",
        )
    gate = activation(linear(x, layer.gate_proj, f"{name}.gate_proj"), described.activation)
    return linear(gate * linear(x, layer.up_proj, f"{name}.up_proj"), layer.down_proj, f"{name}.down_proj")


def capped(x: Value, cap: float | None) -> Value:
    """The soft cap."""
    return x if cap is None else (x / cap).node("Tanh") * cap


class Sides(NamedTuple):
    """What stands beside the stream in a block: angles (cosines, sines), what is added to the scores, past keys and values."""

    angles: tuple[Value, Value] | None
    bias: Value
    past: tuple[Value, Value] | None
    number: int


def turn(x: Value, angles: tuple[Value, Value], turning: int, head_dim: int) -> Value:
    """Rotate the pairs (i, i + turning / 2) of each head; what does not turn stays."""
    first, second = x.part(0, turning // 2), x.part(turning // 2, turning)
    cos, sin = angles
    rotated = (first * cos - second * sin).joined(second * cos + first * sin, -1)
    return rotated if turning == head_dim else rotated.joined(x.part(turning, head_dim), -1)


def attention(x: Value, layer: Any, described: plan.Attention, name: str, sides: Sides) -> Value:
    """Project, turn, lay behind the past, score, mask, mix, project back."""
    parts = {one: linear(x, getattr(layer, f"{one}_proj"), f"{name}.{one}_proj") for one in "qkv"}
    for one in "qk" if described.qk_norm is not None else "":
        wide = parts[one] if described.qk_norm_over == "width" else parts[one].reshaped(0, 0, -1, described.head_dim)
        parts[one] = norm(wide, getattr(layer, f"{one}_norm"), f"{name}.{one}_norm")
    query, key, value = (parts[one].reshaped(0, 0, -1, described.head_dim) for one in "qkv")
    if sides.angles is not None:
        query, key = (turn(one, sides.angles, described.turning, described.head_dim) for one in (query, key))
    query, key, value = (one.turned(0, 2, 1, 3) for one in (query, key, value))
    if sides.past is not None:
        key, value = (old.joined(new, 2) for old, new in zip(sides.past, (key, value), strict=True))
        for kind, kept in (("key", key), ("value", value)):
            shape = ("batch", described.kv_heads, "total", described.head_dim)
            x.graph.output(kept, f"present.{sides.number}.{kind}", "FLOAT", *shape)
    key, value = (repeated(one, described) for one in (key, value))
    scale = described.head_dim**-0.5 if described.scale is None else described.scale
    scores = capped((query * scale) @ key.turned(0, 1, 3, 2), described.soft_cap) + sides.bias
    mixed = (scores.node("Softmax", axis=-1) @ value).turned(0, 2, 1, 3)
    return linear(mixed.reshaped(0, 0, -1), layer.o_proj, f"{name}.o_proj")


def repeated(x: Value, described: plan.Attention) -> Value:
    """Give each of the query heads that share a key/value head a copy of it."""
    groups = described.heads // described.kv_heads
    if groups == 1:
        return x
    copies = x.widened(2).node("Expand", x.graph.constant([1, 1, groups, 1, 1], np.int64))
    return copies.reshaped(0, described.heads, -1, described.head_dim)


WRITERS: dict[type, Callable[..., Value]] = {plan.Attention: attention, plan.FeedForward: feed_forward}
Part = Callable[[Value], Value]
ORDERS: dict[
    str, Callable[[Value, Part, Part, list[Part]], Value]
] = {  # as in `layers.residual`, with the norms in their order
    "pre_norm": lambda x, a, f, n: _then(x + a(n[0](x)), lambda y: y + f(n[1](y))),
    "post_norm": lambda x, a, f, n: _then(n[0](x + a(x)), lambda y: n[1](y + f(y))),
    "sandwich": lambda x, a, f, n: _then(x + n[1](a(n[0](x))), lambda y: y + n[3](f(n[2](y)))),
    "output_norm": lambda x, a, f, n: _then(x + n[0](a(x)), lambda y: y + n[1](f(y))),
    "parallel": lambda x, a, f, n: _then(n[0](x), lambda read: x + a(read) + f(read)),
    "parallel_two_norms": lambda x, a, f, n: x + a(n[0](x)) + f(n[1](x)),
}


def _then(x: Value, rest: Part) -> Value:
    """Give a value a name, so that it is made once."""
    return rest(x)


def block(x: Value, layer: Any, described: plan.Block, name: str, sides: Sides) -> Value:
    """One block: norms, parts and additions in its order."""
    norms: list[Part] = [partial(norm, layer=getattr(layer, one), name=f"{name}.{one}") for one in layer.norms]

    def attend(y: Value) -> Value:
        made = WRITERS[type(described.attention)](y, layer.self_attn, described.attention, f"{name}.self_attn", sides)
        return made if described.residual_scale == 1.0 else made * described.residual_scale

    def think(y: Value) -> Value:
        made = WRITERS[type(described.feed_forward)](y, layer.mlp, described.feed_forward, f"{name}.mlp")
        return made if described.residual_scale == 1.0 else made * described.residual_scale

    return ORDERS[described.order](x, attend, think, norms)


# ───────── the whole ─────────


def graph_of(module: Any, dtype: str = "float32", cache: bool = False) -> Graph:
    """The graph of a decoder. UnsupportedModel names the parts that have no nodes."""
    if dtype not in DTYPES:
        raise ConfigError(f"a graph does not store weights as {dtype}; use {', '.join(DTYPES)}")
    shape = refuse(module.config)
    graph = Graph(DTYPES[dtype])
    ids = graph.input("input_ids", "INT64", "batch", "seq")
    real = graph.input("attention_mask", "INT64", "batch", "total")
    positions = graph.input("position_ids", "INT64", "batch", "seq")
    x = embedded(module, shape, ids, positions)
    turns = {rotary: angles(rotary, positions) for rotary in dict.fromkeys(module.rotaries)}
    masks = {window: mask(ids, real, window) for window in dict.fromkeys(module.windows)}
    for number, (layer, described) in enumerate(zip(module.model.layers, shape.blocks, strict=True)):
        past = _past(graph, number, described.attention) if cache else None
        sides = Sides(turns[module.rotaries[number]], masks[module.windows[number]], past, number)
        x = block(x, layer, described, f"model.layers.{number}", sides)
    x = x if module.model.norm is None else norm(x, module.model.norm, "model.norm")
    graph.output(head(x, module, shape), "logits", "FLOAT", "batch", "seq", shape.vocab)
    return graph


def refuse(config: Any) -> plan.Blueprint:
    """The blueprint of what can be written; else UnsupportedModel with every part that has no nodes."""
    if not isinstance(config, DecoderConfig) or not config.writes:
        raise UnsupportedModel(
            f"{config.model_type} is no decoder that writes text, and only those are written as ONNX graphs"
        )
    shape = config.blueprint()
    if without := list(dict.fromkeys(_without_nodes(shape))):
        raise UnsupportedModel(
            f"{config.model_type} cannot be written as an ONNX graph: it has {', '.join(without)}; export it as a model folder"
        )
    return shape


def _without_nodes(shape: plan.Blueprint) -> Iterator[str]:
    for described in shape.blocks:
        for part in (described.attention, described.feed_forward):
            if type(part) not in WRITERS:
                yield f"{type(part).__name__}, a part without nodes"
        rotary = described.attention.rotary
        kind = (rotary.scaling or {}).get("rope_type", (rotary.scaling or {}).get("type")) if rotary else None
        if kind in ("dynamic", "longrope", "su"):
            yield f"rope_scaling of type {kind}, which asks for the length of the text"
    for name in (
        "embedding_norm",
        "residual_scalars",
        "value_embeddings",
        "alibi",
        "relative",
        "sinusoidal",
        "encoder",
    ):
        if getattr(shape, name, None):
            yield name
    if shape.position_axes != 1:
        yield "positions in several axes"


def embedded(module: Any, shape: plan.Blueprint, ids: Value, positions: Value) -> Value:
    """The tokens' rows, scaled, and the positions' rows where they are learned."""
    table = ids.graph.weight("model.embed_tokens.weight", module.model.embed_tokens.weight)
    x = table.node("Gather", ids, axis=0)
    x = x if shape.embedding_scale == 1.0 else x * shape.embedding_scale
    if module.model.embed_positions is None:
        return x
    learned = module.model.embed_positions
    rows = ids.graph.weight("model.embed_positions.weight", learned.weight[learned.offset :])
    return x + rows.node("Gather", positions, axis=0)


def angles(rotary: Any, positions: Value) -> tuple[Value, Value] | None:
    """Cosines and sines of every position: (batch, seq, 1, half)."""
    if rotary is None:
        return None
    frequencies, factor = rotary.scaled()
    turned = positions.node("Cast", to="FLOAT").widened(2, 3) * positions.graph.constant(frequencies.numpy())
    cos, sin = turned.node("Cos"), turned.node("Sin")
    return (cos, sin) if factor == 1.0 else (cos * factor, sin * factor)


def mask(ids: Value, real: Value, window: int | None) -> Value:
    """What is added to the scores, 0 or the lowest number: (batch, 1, seq, total). The last query stands at the last key."""
    graph, seq, total = ids.graph, ids.size(1), real.size(1)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    keys = graph.node("Range", zero, total, one).widened(0)
    queries = graph.node("Range", total - seq, total, one).widened(1)
    seen = keys.node("LessOrEqual", queries)
    if window is not None:
        seen = seen.node("And", keys.node("Greater", queries - graph.constant(window, np.int64)))
    seen = seen.widened(0, 1).node("And", real.node("Cast", to="BOOL").widened(1, 2))
    return seen.node("Where", graph.constant(0.0), graph.constant(LOWEST))


def _past(graph: Graph, number: int, described: Any) -> tuple[Value, Value]:
    shape = ("batch", described.kv_heads, "past", described.head_dim)
    key, value = (graph.input(f"past_key_values.{number}.{kind}", "FLOAT", *shape) for kind in ("key", "value"))
    return key, value


def head(x: Value, module: Any, shape: plan.Blueprint) -> Value:
    """A score for every token of the vocabulary; a tied head turns the embedding over, which is stored once."""
    layer = module.lm_head
    if module.config.tie_word_embeddings:
        table = x.graph.weight("model.embed_tokens.weight", module.model.embed_tokens.weight)
        scores = x @ table.turned(1, 0)
        scores = scores if layer.bias is None else scores + x.graph.weight("lm_head.bias", layer.bias)
    else:
        scores = linear(x, layer, "lm_head")
    scores = scores if shape.logit_scale == 1.0 else scores * shape.logit_scale
    return capped(scores, shape.logit_soft_cap)


# ───────── the file ─────────


def save_onnx(path: str | Path, module: Any, dtype: str = "float32", cache: bool = False) -> None:
    """Write a decoder as an ONNX graph. dtype: how weights are stored. cache: with keys and values of earlier tokens at the edges."""
    try:
        onnx = import_module("onnx")
    except ImportError:
        raise missing_extra("onnx", "export") from None
    graph, path = graph_of(module, dtype, cache), Path(path)
    proto = _proto(onnx, graph, module.config)
    if sum(array.nbytes for array in graph.constants.values()) <= ONE_FILE_BYTES:
        files.write_bytes(path, proto.SerializeToString())
        return
    beside = path.name + ".data"
    with files.atomic_folder(path.with_name(f"{path.name}.parts")) as folder:  # both files or none
        onnx.save_model(proto, str(folder / path.name), save_as_external_data=True, location=beside)
    for name in (beside, path.name):
        (path.with_name(f"{path.name}.parts") / name).replace(path.with_name(name))
    files.remove(path.with_name(f"{path.name}.parts"))


def _proto(onnx: Any, graph: Graph, config: Any) -> Any:
    """The graph as ONNX's own message."""
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node(one.operator, list(one.reads), [one.makes], name=one.makes, **_settings(one.settings, kinds))
        for one in graph.nodes
    ]
    edges = [
        [helper.make_tensor_value_info(name, getattr(kinds, kind), list(shape)) for name, (kind, shape) in side.items()]
        for side in (graph.inputs, graph.outputs)
    ]
    held = [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    made = helper.make_graph(nodes, config.model_type, *edges, initializer=held)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="groundup")


def _settings(settings: Mapping[str, Any], kinds: Any) -> dict[str, Any]:
    """Settings with the names of element types as ONNX's numbers."""
    return {key: getattr(kinds, value) if key == "to" else value for key, value in settings.items()}
