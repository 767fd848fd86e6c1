"""Lesson: a model as a graph of nodes: two nodes by hand, then a whole decoder's, computed by NumPy alone."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="ONNX: a model that no longer needs Python", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.model.architectures import FAMILIES, build
    from groundup.model.formats.onnx import graph_of
    from groundup.model.formats.onnx_graph import Graph


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # ONNX: a model that no longer needs Python

    A module says how to compute by running. A graph says it as data: a list of small steps that any program can carry out. Afterwards you can
    build such a graph, compute one with thirty lines of NumPy, and say what of a decoder costs the most nodes.
    """)
    return


@app.cell
def _():
    sizes = dict(
        vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=16,
    )  # fmt: skip
    first = graph_of(build(FAMILIES["llama"][0](**sizes), seed=0, scheme="normal"))
    operators = Counter(node.operator for node in first.nodes)
    mo.md(
        f"A LLaMA of two blocks is **{len(first.nodes)}** nodes, but of **{len(operators)}** kinds only. Who can compute these kinds can compute "
        "the model."
    )
    return first, operators, sizes


@app.cell
def _(first, operators):
    assert 15 < len(operators) < 30 < len(first.nodes)
    assert list(first.outputs) == ["logits"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two nodes by hand

    $y = xW + b$ is a product and a sum. A `Value` stands for a number that is not there yet: arithmetic with it computes nothing and
    writes down a node. The weights lie in the graph, under their names; what is given from outside has a name and a shape with open sizes.
    """)
    return


@app.cell
def _():
    small = Graph()
    _x = small.input("x", "FLOAT", "batch", 3)
    _y = _x @ small.weight("w", torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])) + small.weight(
        "b", torch.tensor([0.5, -0.5])
    )
    _lines = [f"| `{node.operator}` | {', '.join(node.reads)} | {node.makes} |" for node in small.nodes]
    mo.md("| operator | reads | makes |\n|---|---|---|\n" + "\n".join(_lines))
    return (small,)


@app.cell
def _(small):
    assert [node.operator for node in small.nodes] == ["MatMul", "Add"]
    assert small.nodes[1].reads == (small.nodes[0].makes, "b")  # the sum reads what the product makes
    assert set(small.constants) == {"w", "b"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Thirty lines that compute it

    The nodes stand in an order in which each finds what it reads. So one walk from front to back is enough, with a table of
    what every kind of node does. This table has all that decoders need; `compute` is the whole machine.
    """)
    return


@app.cell
def _():
    _two = {
        "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "MatMul": np.matmul, "And": np.logical_and,
        "LessOrEqual": np.less_equal, "Greater": np.greater, "Expand": lambda x, shape: x * np.ones(shape, x.dtype),
    }  # fmt: skip
    _kinds = {"FLOAT": np.float32, "BOOL": np.bool_, "INT64": np.int64}

    def _layer_norm(x, gain, *bias, axis, epsilon):
        _centred = x - x.mean(axis, keepdims=True)
        _scaled = _centred / np.sqrt((_centred**2).mean(axis, keepdims=True) + np.float32(epsilon)) * gain
        return _scaled + bias[0] if bias else _scaled

    def _softmax(x, axis):
        _raised = np.exp(x - x.max(axis, keepdims=True))
        return _raised / _raised.sum(axis, keepdims=True)

    def _reshape(x, shape):  # 0 keeps an axis
        return x.reshape([x.shape[place] if size == 0 else size for place, size in enumerate(shape)])

    does = _two | {
        "Sqrt": np.sqrt, "Cos": np.cos, "Sin": np.sin, "Tanh": np.tanh, "Where": np.where, "Identity": lambda x: x,
        "Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "Relu": lambda x: np.maximum(x, 0), "Softmax": _softmax,
        "ReduceMean": lambda x, axes, keepdims: x.mean(tuple(axes), keepdims=bool(keepdims)), "Reshape": _reshape,
        "Transpose": lambda x, perm: x.transpose(perm), "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(axes)),
        "Concat": lambda *xs, axis: np.concatenate(xs, axis), "Shape": lambda x: np.array(x.shape),
        "Gather": lambda x, index, axis: np.take(x, index, axis), "Range": lambda start, end, step: np.arange(start, end, step),
        "Cast": lambda x, to: x.astype(_kinds[to]), "LayerNormalization": _layer_norm,
        "Slice": lambda x, start, end, axis: np.take(x, np.arange(*slice(int(start[0]), int(end[0])).indices(x.shape[axis[0]])), axis[0]),
    }  # fmt: skip

    def compute(graph, **given):
        _values = dict(graph.constants) | given
        for _node in graph.nodes:
            _read = [_values[name] for name in _node.reads]
            _values[_node.makes] = does[_node.operator](*_read, **_node.settings)
        return {name: _values[name] for name in graph.outputs}, _values

    return compute, does


@app.cell
def _(compute, small):
    _, _values = compute(small, x=np.float32([[1, 2, 3]]))
    by_hand = _values[small.nodes[-1].makes]
    mo.md(f"Given $x$ = (1, 2, 3), the two nodes make **{by_hand[0].tolist()}**: 1 + 3 + 0.5 and 4 + 3 - 0.5.")
    return (by_hand,)


@app.cell
def _(by_hand):
    assert by_hand.tolist() == [[4.5, 6.5]]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A whole decoder

    `graph_of` goes through a module's description part by part: each part writes its own nodes. Choose a family. The picture counts its
    nodes by kind; below, the machine above computes its scores, without torch.
    """)
    return


@app.cell
def _():
    family = mo.ui.dropdown(["llama", "gpt2", "qwen3", "gemma2"], value="llama", label="family")
    family
    return (family,)


@app.cell
def _(family, sizes):
    _extra = {"gemma2": {"head_dim": 8}, "qwen3": {"head_dim": 8}}.get(family.value, {})
    _known = FAMILIES[family.value][0].__dataclass_fields__
    _config = FAMILIES[family.value][0](**{name: size for name, size in (sizes | _extra).items() if name in _known})
    module = build(_config, seed=0, scheme="normal").eval()
    graph = graph_of(module)
    counts = Counter(node.operator for node in graph.nodes)
    plots.value_bars(
        {"nodes": dict(counts.most_common(14))}, title=f"{len(graph.nodes)} nodes of a {family.value} of two blocks"
    )
    return counts, graph, module


@app.cell
def _(compute, does, graph, module):
    _ids = np.random.default_rng(0).integers(0, 50, (2, 7))
    _places = np.broadcast_to(np.arange(7), (2, 7))
    scores = compute(graph, input_ids=_ids, attention_mask=np.ones((2, 7), int), position_ids=_places)[0]["logits"]
    with torch.inference_mode():
        _expected = module(torch.tensor(_ids)).numpy()
    apart = float(np.abs(scores - _expected).max())
    assert {node.operator for node in graph.nodes} <= does.keys()
    mo.md(
        f"NumPy's scores and the module's differ by **{apart:.1g}** at most, in numbers up to {np.abs(_expected).max():.2f}."
    )
    return apart, scores


@app.cell
def _(apart, counts, graph, scores):
    assert scores.shape == (2, 7, 50) and apart < 1e-4
    assert counts["Softmax"] == 2  # one a block
    assert counts["MatMul"] >= 2 * 8 - 1  # four projections, scores and mixing, the feed-forward; then the head
    assert sum(counts.values()) == len(graph.nodes)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the graph left open

    `batch` and `seq` are words, no numbers: the same nodes take one text of three tokens or thirty of a thousand. That is why the causal
    mask is computed by nodes too (`Shape`, `Range`, `LessOrEqual`): a constant one would fix the length. Below, one graph at four lengths.
    """)
    return


@app.cell
def _(compute, first):
    shapes = []
    for _length in (1, 2, 5, 16):
        _ids, _real = np.zeros((1, _length), int), np.ones((1, _length), int)
        _scores = compute(first, input_ids=_ids, attention_mask=_real, position_ids=np.arange(_length)[None])[0][
            "logits"
        ]
        shapes.append(_scores.shape)
    mo.md(f"Scores of one graph: {', '.join(map(str, shapes))}")
    return (shapes,)


@app.cell
def _(first, shapes):
    assert [shape[1] for shape in shapes] == [1, 2, 5, 16]
    assert first.inputs["input_ids"] == ("INT64", ("batch", "seq"))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ask `graph_of(module, cache=True)` for its inputs: keys and values of earlier tokens, one pair a block, and as many outputs.
    - Ask for the graph of a `mixtral`: `TopK` sends each token to its experts, `NonZero` tells each expert its rows.
    - Ask for `graph_of(module, dtype="float16")`: the constants take half, and a `Cast` stands behind each weight.
    - `groundup export runs/demo/model model.onnx --to onnx` writes the file, with the package `onnx` installed; any ONNX program opens it.
    """)
    return


if __name__ == "__main__":
    app.run()
