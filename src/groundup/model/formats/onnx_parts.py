"""The nodes of what stands beside attention: matrices, norms, feed-forwards, experts; each part writes its own, as `parts` builds it.

    linear          MatMul, Add              RMSNorm     five nodes        feed-forward   two matrices or three
    LayerNorm       its own node             activation  one to eight      experts        per expert: which rows, their product, back

Experts are sparse in the graph too. TopK says which experts a token is sent to; for each expert NonZero names its rows, which are
gathered, multiplied and added back in their places. So a token costs what it costs in the module, and an expert to whom nobody
came multiplies no row. The router and its bias stay float32 in a graph of half precision: a rounded score is another expert.

The formulas are those of `layers/` and `moe/`. Left out: capacities (Switch), which no published family here has.
"""

import math
from typing import Any

import numpy as np

from groundup.model.architectures import blueprint as plan
from groundup.model.formats.onnx_graph import Value
from groundup.model.layers.norms import RMSNorm


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


def capped(x: Value, cap: float | None) -> Value:
    """The soft cap."""
    return x if cap is None else (x / cap).node("Tanh") * cap


def feed_forward(x: Value, layer: Any, described: plan.FeedForward, name: str) -> Value:
    """Two matrices or three."""
    if described.gated:
        return gated(x, layer, described.activation, name)
    inner = activation(linear(x, layer.up_proj, f"{name}.up_proj"), described.activation)
    return linear(inner, layer.down_proj, f"{name}.down_proj")


def gated(x: Value, layer: Any, bends: str, name: str) -> Value:
    """Three matrices, one of which opens the others' product."""
    gate = activation(linear(x, layer.gate_proj, f"{name}.gate_proj"), bends)
    return linear(gate * linear(x, layer.up_proj, f"{name}.up_proj"), layer.down_proj, f"{name}.down_proj")


# ───────── experts ─────────


def experts(x: Value, layer: Any, described: plan.Experts, name: str) -> Value:
    """Route every token, let each expert answer its own, and add what all use."""
    tokens = x.reshaped(-1, layer.experts.down_proj.shape[1])
    chosen, shares = routed(tokens, layer.gate, described, f"{name}.gate")
    said = tokens.node("Shape").node("ConstantOfShape")
    for number in range(described.experts):
        places = chosen.node("Equal", x.graph.constant(number, np.int64)).node("NonZero").turned(1, 0)
        rows = places.part(0, 1)
        answer = expert(tokens.node("GatherND", rows), layer.experts, number, f"{name}.experts.{number}")
        weighed = answer * shares.node("GatherND", places).widened(1)
        said = said.node("ScatterND", rows, weighed, reduction="add")
    said = said.node("Reshape", x.node("Shape"))
    if layer.shared_experts is None:
        return said
    shared = gated(x, layer.shared_experts, described.activation, f"{name}.shared_experts")
    if layer.shared_expert_gate is not None:
        shared = shared * linear(x, layer.shared_expert_gate, f"{name}.shared_expert_gate").node("Sigmoid")
    return said + shared


def expert(rows: Value, stack: Any, number: int, name: str) -> Value:
    """One expert's answer to its rows; gate and up stand in one matrix."""
    width = stack.down_proj.shape[-1]
    both = rows @ rows.graph.weight(f"{name}.gate_up_proj", stack.gate_up_proj[number], turned=True)
    inner = activation(both.part(0, width), stack.activation) * both.part(width, 2 * width)
    return inner @ rows.graph.weight(f"{name}.down_proj", stack.down_proj[number], turned=True)


def routed(tokens: Value, router: Any, described: plan.Experts, name: str) -> tuple[Value, Value]:
    """Numbers of each token's experts and their shares, both (tokens, chosen); as `moe.routing` has it."""
    graph = tokens.graph
    logits = tokens @ graph.weight(f"{name}.weight", router.weight, turned=True, exact=True)
    if described.scores == "softmax":
        shares, chosen = largest(logits.node("Softmax", axis=-1), described.chosen)
        return chosen, shares / total(shares) if described.normalize else shares
    scores = logits.node("Sigmoid")
    biased = scores + graph.weight(f"{name}.e_score_correction_bias", router.e_score_correction_bias, exact=True)
    _, chosen = largest(in_best_groups(biased, described), described.chosen)
    shares = scores.node("GatherElements", chosen, axis=1)
    shares = shares / (total(shares) + 1e-20) if described.normalize else shares
    return chosen, shares * described.scaling


def in_best_groups(biased: Value, described: plan.Experts) -> Value:
    """Put the experts of all but the best groups out of reach; a group is as good as its two best experts together."""
    if described.chosen_groups == described.groups:
        return biased
    graph, each = biased.graph, described.experts // described.groups
    grouped = biased.reshaped(-1, described.groups, each)
    best = total(largest(grouped, min(2, each))[0])  # (tokens, groups, 1)
    _, groups = largest(best.reshaped(-1, described.groups), described.chosen_groups)
    own = graph.constant(np.arange(described.groups)[:, None], np.int64)
    inside = groups.widened(1).node("Equal", own).cast("FLOAT").node("ReduceMax", axes=[-1], keepdims=1).cast("BOOL")
    reached = inside.node("Where", grouped, graph.constant(float("-inf")))
    return reached.reshaped(-1, described.experts)


def largest(x: Value, count: int) -> tuple[Value, Value]:
    """The largest of the last axis, and where they stand."""
    return x.graph.pair("TopK", x, x.graph.constant([count], np.int64), axis=-1)


def total(x: Value) -> Value:
    """The sum over the last axis, which stays with size 1."""
    return x.node("ReduceSum", x.graph.constant([-1], np.int64), keepdims=1)
