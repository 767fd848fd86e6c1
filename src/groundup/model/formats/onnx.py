"""ONNX: the whole computation as a graph of some thirty kinds of nodes, with the weights in it; no Python, no torch to run it.

    decoder           input_ids (batch, seq)  attention_mask (batch, total)  position_ids (batch, seq)   ->   logits (batch, seq, vocab)
      with a cache    also  past_key_values.N.key and .value (batch, kv_heads, past, head_dim)           ->   present.N.key and .value
    encoder           input_ids  attention_mask  and where there are two kinds of token token_type_ids   ->   logits
    encoder-decoder   input_ids  attention_mask  decoder_input_ids  decoder_attention_mask               ->   logits
      with a cache    two graphs (`onnx_pair.py`): one reads the source, one takes each step

A module says how to compute by running; a graph is data that says it, so that another program can run it, rearrange it and fuse its nodes.
batch, seq and past are open, and past may be 0, so that one graph with a cache reads a prompt and takes each step after it. total = past +
seq; attention_mask is 1 at real tokens, 0 at padding. The names are those of the transformers and Optimum exports. A model without
a head hands out last_hidden_state.

Written node by node from the blueprint, not recorded from a run: each part says its own nodes (`WRITERS`), as `parts` builds its module and
`blueprint` counts it, and what has no nodes is refused by name. Float16 halves the file; each weight is cast back where it is used,
so that sums stay float32. Opset 17, of 2022. Specification: onnx.ai/onnx/operators.

Left out: positions in several axes with their prefix masks (GLM of 2022), modules and parts of the user's own.
"""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.errors import ConfigError, missing_extra
from groundup.model.architectures import blueprint as plan
from groundup.model.encoder import Encoder
from groundup.model.encoder_decoder import EncoderDecoder
from groundup.model.formats import onnx_pair
from groundup.model.formats.onnx_attention import Sides, alibi, angles, mask, past, unpadded
from groundup.model.formats.onnx_blocks import block, embedded, hand_out, refuse, rows_of
from groundup.model.formats.onnx_graph import Graph, Value
from groundup.model.formats.onnx_parts import norm

OPSET, IR_VERSION = 17, 8
ONE_FILE_BYTES = 1_900_000_000  # a protobuf holds 2 GB: beyond it the weights go into a file of their own
DTYPES: dict[str, Any] = {"float32": np.float32, "float16": np.float16}
READER = ".encoder"  # what the name of the second graph of a pair says before its ending


# ───────── the graphs ─────────


def graph_of(module: Any, dtype: str = "float32", cache: bool = False) -> Graph:
    """The graph of a model (with a cache that which takes the steps). UnsupportedModel names the parts that have no nodes."""
    return graphs_of(module, dtype, cache)[""]


def graphs_of(module: Any, dtype: str = "float32", cache: bool = False) -> dict[str, Graph]:
    """All graphs of a model, by what is added to the file's name: an encoder-decoder with a cache has two."""
    if dtype not in DTYPES:
        raise ConfigError(f"a graph does not store weights as {dtype}; use {', '.join(DTYPES)}")
    shape = refuse(module)
    if cache and not (isinstance(shape.head, plan.LanguageModelHead) and not isinstance(module, Encoder)):
        raise ConfigError(
            f"this {module.config.model_type} writes no text step by step, so it keeps no cache; leave --cache out"
        )
    if isinstance(module, EncoderDecoder):
        writers = {READER: onnx_pair.reader, "": onnx_pair.answerer} if cache else {"": onnx_pair.whole}
    else:
        writers = {"": encoder if isinstance(module, Encoder) else partial(decoder, cache=cache)}
    graphs = {ending: Graph(DTYPES[dtype]) for ending in writers}
    for ending, write in writers.items():
        write(graphs[ending], module, shape)
    return graphs


def decoder(graph: Graph, module: Any, shape: plan.Blueprint, cache: bool) -> None:
    """Write a decoder: what is added to the scores and how heads turn is made once for each kind that there is."""
    ids = graph.input("input_ids", "INT64", "batch", "seq")
    real = graph.input("attention_mask", "INT64", "batch", "total" if cache else "seq")
    positions = graph.input("position_ids", "INT64", "batch", "seq")
    trunk, x = module.model, embedded(module, shape, ids)
    x = x if trunk.embed_positions is None else x + rows_of(positions, trunk.embed_positions)
    x = x if shape.embedding_norm is None else norm(x, trunk.embed_norm, "model.embed_norm")
    turns = {rotary: angles(rotary, positions) for rotary in dict.fromkeys(module.rotaries)}
    biases = {window: mask(ids, real, window) for window in dict.fromkeys(module.windows)}
    if module.bias is not None:
        fallen = alibi(module.bias, ids, real, positions)
        biases = {window: seen + fallen for window, seen in biases.items()}
    start = x
    for number, (layer, described) in enumerate(zip(trunk.layers, shape.blocks, strict=True)):
        kept = _past(graph, number, described.attention) if cache else None
        on_value = partial(_with_rows, module=module, number=number, ids=ids)
        sides = Sides(turns[module.rotaries[number]], biases[module.windows[number]], kept, number)
        sides = sides._replace(on_value=on_value if number in shape.value_embeddings else None)
        x = _mixed(x, start, trunk.residual_scalars, number) if shape.residual_scalars else x
        x = block(x, layer, described, f"model.layers.{number}", sides)
    hand_out(x if trunk.norm is None else norm(x, trunk.norm, "model.norm"), module, shape, real)


def encoder(graph: Graph, module: Any, shape: plan.Blueprint) -> None:
    """Write an encoder: tokens, places and kinds of token, normalised; no token is hidden from another but padding."""
    ids = graph.input("input_ids", "INT64", "batch", "seq")
    real = graph.input("attention_mask", "INT64", "batch", "seq")
    trunk, kinds = module.model, graph.weight("model.embed_types.weight", module.model.embed_types.weight)
    kind = graph.input("token_type_ids", "INT64", "batch", "seq") if shape.token_types > 1 else ids - ids
    x = embedded(module, shape, ids) + kinds.node("Gather", kind, axis=0) + _encoder_places(module, ids)
    x = norm(x, trunk.embed_norm, "model.embed_norm")
    sides = Sides(None, unpadded(real), None, 0)
    for number, (layer, described) in enumerate(zip(trunk.layers, shape.blocks, strict=True)):
        x = block(x, layer, described, f"model.layers.{number}", sides)
    hand_out(x, module, shape, real)


def _encoder_places(module: Any, ids: Value) -> Value:
    """The rows of the positions; where these begin behind the padding's row, padding has that row and is not counted."""
    graph, table = ids.graph, module.model.embed_positions
    one = graph.constant(1, np.int64)
    if not table.offset:
        return rows_of(graph.node("Range", graph.constant(0, np.int64), ids.size(1), one), table)
    padding = ids.node("Equal", graph.constant(module.config.pad_token_id, np.int64))
    before = padding.node("Not").cast("INT64").node("CumSum", one) + graph.constant(table.offset - 1, np.int64)
    rows = padding.node("Where", graph.constant(table.offset - 1, np.int64), before)
    return graph.weight("model.embed_positions.weight", table.weight).node("Gather", rows, axis=0)


def _mixed(x: Value, start: Value, scalars: Any, number: int) -> Value:
    """The stream, scaled, with a share of what it began as."""
    return x * float(scalars.weight[number]) + start * float(scalars.bias[number])


def _with_rows(value: Value, module: Any, number: int, ids: Value) -> Value:
    """The values with the tokens' rows of a block's own table."""
    name = f"model.value_embeddings.{number}.weight"
    table = value.graph.weight(name, module.model.value_embeddings[str(number)].weight)
    return value + table.node("Gather", ids, axis=0)


def _past(graph: Graph, number: int, described: Any) -> tuple[Value, Value]:
    heads, (key, value) = described.cache_heads, described.cache_widths
    return past(graph, number, heads, (key // heads, value // heads))


# ───────── the file ─────────


def save_onnx(path: str | Path, module: Any, dtype: str = "float32", cache: bool = False) -> None:
    """Write a model as an ONNX graph. dtype: how weights are stored. cache: with keys and values of earlier tokens at the edges.

    An encoder-decoder with a cache is two files: what reads the source stands beside, `.encoder` before the ending of its name.
    """
    try:
        onnx = import_module("onnx")
    except ImportError:
        raise missing_extra("onnx", "export") from None
    path = Path(path)
    for ending, graph in graphs_of(module, dtype, cache).items():
        _write(onnx, path.with_name(f"{path.stem}{ending}{path.suffix}"), graph, module.config.model_type)


def _write(onnx: Any, path: Path, graph: Graph, name: str) -> None:
    """One graph into one file; its weights into a second one where one cannot hold them."""
    proto = _proto(onnx, graph, name)
    if sum(array.nbytes for array in graph.constants.values()) <= ONE_FILE_BYTES:
        files.write_bytes(path, proto.SerializeToString())
        return
    beside = path.name + ".data"
    with files.atomic_folder(path.with_name(f"{path.name}.parts")) as folder:
        onnx.save_model(proto, str(folder / path.name), save_as_external_data=True, location=beside)
    # both are whole before one is moved; who is stopped between the two has the new weights, and no graph or the old one
    for name in (beside, path.name):
        (path.with_name(f"{path.name}.parts") / name).replace(path.with_name(name))
    files.remove(path.with_name(f"{path.name}.parts"))


def _proto(onnx: Any, graph: Graph, name: str) -> Any:
    """The graph as ONNX's own message."""
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node(
            one.operator, list(one.reads), [one.makes, *one.also], name=one.makes, **_settings(one.settings, kinds)
        )
        for one in graph.nodes
    ]
    edges = [
        [helper.make_tensor_value_info(name, getattr(kinds, kind), list(shape)) for name, (kind, shape) in side.items()]
        for side in (graph.inputs, graph.outputs)
    ]
    held = [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    made = helper.make_graph(nodes, name, *edges, initializer=held)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="groundup")


def _settings(settings: Mapping[str, Any], kinds: Any) -> dict[str, Any]:
    """Settings with the names of element types as ONNX's numbers."""
    return {key: getattr(kinds, value) if key == "to" else value for key, value in settings.items()}
