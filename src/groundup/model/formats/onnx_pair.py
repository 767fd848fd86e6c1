"""The graph of an encoder-decoder, whole; or with a cache two graphs, as a source is read once and answered in many steps.

    whole           input_ids, attention_mask (batch, source)  decoder_input_ids, decoder_attention_mask      ->  logits
    the reader      input_ids, attention_mask                                        ->  present.N.encoder.key and .value
    the answerer    decoder_input_ids (batch, seq), decoder_attention_mask (batch, total), attention_mask
                    past_key_values.N.encoder.*, past_key_values.N.decoder.*         ->  logits, present.N.decoder.*

What the reader hands out is what the answerer takes, by the same names with past_key_values for present; in each step again, for
it does not grow. Places count real tokens only, in source and answer, so padding may stand on either side.
The module: `model/encoder_decoder.py`.
"""

from typing import Any

import numpy as np

from groundup.model.architectures import blueprint as plan
from groundup.model.formats.onnx_attention import (
    Sides,
    counted,
    mask,
    memory,
    past,
    relative,
    sinusoidal,
    unpadded,
)
from groundup.model.formats.onnx_blocks import block, cross_block, embedded, hand_out
from groundup.model.formats.onnx_graph import Graph, Value
from groundup.model.formats.onnx_parts import norm

Memories = list[tuple[Value, Value]]


def whole(graph: Graph, module: Any, shape: plan.Blueprint) -> None:
    """Write source and answer into one graph."""
    ids = graph.input("input_ids", "INT64", "batch", "source")
    real = _source(graph)
    answer(graph, module, shape, read(ids, real, module, shape), real, cache=False)


def reader(graph: Graph, module: Any, shape: plan.Blueprint) -> None:
    """Write what is done once a source."""
    ids = graph.input("input_ids", "INT64", "batch", "source")
    for number, kept in enumerate(read(ids, _source(graph), module, shape)):
        heads, width = _cross(shape, number)
        for kind, one in zip(("key", "value"), kept, strict=True):
            graph.output(one, f"present.{number}.encoder.{kind}", "FLOAT", "batch", heads, "source", width)


def answerer(graph: Graph, module: Any, shape: plan.Blueprint) -> None:
    """Write what is done in each step."""
    real = _source(graph)
    kept: Memories = []
    for number in range(len(shape.blocks)):
        heads, width = _cross(shape, number)
        kept.append(past(graph, number, heads, (width, width), "encoder.", "source"))
    answer(graph, module, shape, kept, real, cache=True)


def _source(graph: Graph) -> Value:
    """Which tokens of the source are real."""
    return graph.input("attention_mask", "INT64", "batch", "source")


def _cross(shape: plan.Blueprint, number: int) -> tuple[int, int]:
    """Heads of a block's cross-attention, and how wide they are."""
    asking = shape.blocks[number].cross
    assert asking is not None, "a block of a decoder with a source has cross-attention"
    return asking.heads, asking.head_dim


def read(ids: Value, real: Value, module: Any, shape: plan.Blueprint) -> Memories:
    """The encoder, and the keys and values that each block of the decoder makes of its states."""
    stack = module.model.encoder
    x = _placed(embedded(module, shape, ids), shape, counted(real))
    sides = Sides(None, _biased(unpadded(real), stack, ids, real, "model.encoder"), None, 0)
    for number, (layer, described) in enumerate(zip(stack.layers, shape.encoder, strict=True)):
        x = block(x, layer, described, f"model.encoder.layers.{number}", sides)
    x = x if stack.norm is None else norm(x, stack.norm, "model.encoder.norm")
    return [
        memory(x, layer.cross_attn, described.cross, f"model.decoder.layers.{number}.cross_attn")
        for number, (layer, described) in enumerate(zip(module.model.decoder.layers, shape.blocks, strict=True))
    ]


def answer(graph: Graph, module: Any, shape: plan.Blueprint, source: Memories, source_real: Value, cache: bool) -> None:
    """The decoder over what was remembered of a source, and the head."""
    ids = graph.input("decoder_input_ids", "INT64", "batch", "seq")
    real = graph.input("decoder_attention_mask", "INT64", "batch", "total" if cache else "seq")
    stack, asks = module.model.decoder, unpadded(source_real)
    positions = counted(real).node("Slice", *_last(graph, ids)) if shape.sinusoidal else real
    x = _placed(embedded(module, shape, ids), shape, positions)
    bias = _biased(mask(ids, real), stack, ids, real, "model.decoder")
    for number, (layer, described) in enumerate(zip(stack.layers, shape.blocks, strict=True)):
        heads, width = described.attention.heads, described.attention.head_dim
        kept = past(graph, number, heads, (width, width), "decoder.") if cache else None
        sides = Sides(None, bias, kept, number, "decoder.")
        x = cross_block(x, layer, described, f"model.decoder.layers.{number}", sides, source[number], asks)
    hand_out(x if stack.norm is None else norm(x, stack.norm, "model.decoder.norm"), module, shape, real)


def _last(graph: Graph, ids: Value) -> tuple[Value, Value, Value]:
    """The bounds of as many columns as there are ids, up to the last."""
    end = graph.constant([2**62], np.int64)
    return -ids.size(1).widened(0), end, graph.constant([1], np.int64)


def _placed(x: Value, shape: plan.Blueprint, positions: Value) -> Value:
    """Sines and cosines of the places, where the model has them."""
    return x + sinusoidal(positions, shape.hidden) if shape.sinusoidal else x


def _biased(seen: Value, stack: Any, ids: Value, real: Value, name: str) -> Value:
    """The mask, with the bias of distances where the stack has a table of them."""
    table = stack.relative_attention_bias
    return seen if table is None else seen + relative(table, ids, real, f"{name}.relative_attention_bias")
