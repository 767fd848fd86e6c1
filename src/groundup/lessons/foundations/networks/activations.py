"""Lesson: activations, the bend between two layers: what it is for, its slope, GELU and SwiGLU by hand; and softmax."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The bend between two layers", width="medium")

with app.setup:
    from math import prod

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.autograd.functions import softmax
    from groundup.foundations.networks.activations import (
        activate,
        activation,
        gelu_backward,
        normal_share,
        silu,
        softmax_jacobian,
        swiglu,
    )
    from groundup.foundations.networks.mlp import accuracy, fit, make_mlp, mlp


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The bend between two layers

    Between two layers every number goes through a small function, the **activation**. Afterwards you know what is lost
    without it, how its slope decides whether many layers can learn, and how to write GELU, the one of BERT and GPT,
    with its derivative.
    """)
    return


@app.cell
def _():
    _random = np.random.default_rng(0)
    layers = [_random.standard_normal((64, 64)) / 8 for _ in range(20)]
    examples = _random.standard_normal((500, 64))

    def through(bend):
        """What leaves the last of the twenty layers."""
        x = examples
        for weights in layers:
            x = activate(bend, x @ weights)
        return x

    def missed(answers):
        """How far the best single matrix stays from these answers, as a share of their size."""
        best = np.linalg.lstsq(examples, answers, rcond=None)[0]
        return float(np.linalg.norm(examples @ best - answers) / np.linalg.norm(answers))

    straight, bent = missed(through("identity")), missed(through("tanh"))
    mo.md(
        f"Twenty layers hold {sum(one.size for one in layers):,} weights. Without a bend between them, one matrix of "
        f"{layers[0].size:,} gives the same answers; it misses them by {straight:.0e} of their size. Bend with a "
        f"tanh, and the best matrix misses them by **{bent:.0%}**."
    )
    return bent, examples, layers, missed, straight, through


@app.cell
def _(bent, straight):
    assert straight < 1e-10, "(x A) B is x (A B): without a bend, depth is an illusion"
    assert bent > 0.3, "with a bend no single matrix gives the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The functions and their slopes

    The simplest is **relu**: what is above 0 goes through, the rest becomes 0. relu(2) = 2, relu(-2) = 0. Learning asks
    for one thing more, the slope: how fast the result moves when the input does. Going backward, the gradient is
    multiplied by it. Where the slope is 0, nothing behind can learn from this example; `leaky_relu` lets a hundredth
    through for that reason. Look at the second curve of each.
    """)
    return


@app.cell
def _():
    chosen = mo.ui.dropdown(
        ["relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu"], value="sigmoid", label="function"
    )
    chosen
    return (chosen,)


@app.cell
def _(chosen):
    x = np.linspace(-5, 5, 200)  # 0 is not among them: a relu has no slope there
    value, slope = (function(x) for function in activation(chosen.value))
    plots.lines(x, {"value": value, "slope": slope}, x="x", title=chosen.value)
    return slope, value, x


@app.cell
def _(chosen, slope, x):
    _step = 1e-6
    _measured = (activate(chosen.value, x + _step) - activate(chosen.value, x - _step)) / (2 * _step)
    assert np.abs(slope - _measured).max() < 1e-8, "the slope that is written down is the one that is measured"
    assert chosen.value != "sigmoid" or slope.max() <= 0.25, "a sigmoid is never steeper than a quarter"
    assert chosen.value not in ("gelu", "silu") or slope.min() < 0 < 1 < slope.max(), (
        "these dip below 0 and overshoot 1"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A quarter, ten times

    Each layer multiplies the gradient by a slope. The **sigmoid**, $1 / (1 + e^{-x})$, was the first choice for a long
    time, since it looks like a neuron that fires or not. It is never steeper than ¼. The slope of a tanh is 1 at 0,
    that of a relu 1 everywhere above.
    """)
    return


@app.cell
def _():
    steepest = {name: float(activation(name).slope(np.zeros(1) + 1e-9)[0]) for name in ("sigmoid", "tanh", "relu")}
    left = {name: prod([one] * 10) for name, one in steepest.items()}
    mo.md(
        "| | steepest slope | after ten layers at most |\n|---|---|---|\n"
        + "\n".join(f"| {name} | {steepest[name]:.3g} | {left[name]:.2g} |" for name in left)
    )
    return left, steepest


@app.cell
def _(left):
    assert left["sigmoid"] < 1e-6 and abs(left["tanh"] - 1) < 1e-6 and left["relu"] == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Does it matter? Points inside a circle are to be told from those outside, by eight hidden layers of 16 neurons and
    100 steps of training. Everything else is the same; choose the bend. Dark is where the network says inside;
    the scale at the side says how sure, and the true circle is drawn.
    """)
    return


@app.cell
def _():
    bend = mo.ui.dropdown(["identity", "relu", "sigmoid", "tanh", "gelu", "silu"], value="relu", label="bend")
    bend
    return (bend,)


@app.cell
def _(bend):
    def network(parameters, x):
        """The network with the chosen bend."""
        return mlp(parameters, x, bend.value)

    _points = np.random.default_rng(2).uniform(-2, 2, (200, 2))
    _inside = ((_points**2).sum(axis=1) < 1.5**2).astype(int)
    _trained, _ = fit(network, make_mlp([2] + [16] * 8 + [2], 2), _points, _inside, 100, 64, 1e-2)
    right = accuracy(network, _trained, _points, _inside)
    _ticks = np.linspace(-2, 2, 31)
    _square = np.stack(np.meshgrid(_ticks, _ticks), axis=-1).reshape(-1, 2)
    _angles = np.linspace(0, 2 * np.pi, 61)
    plots.contour_map(
        _ticks,
        _ticks,
        softmax(network(_trained, Tensor(_square))).data[:, 1].reshape(31, 31),
        paths={"circle": 1.5 * np.column_stack([np.cos(_angles), np.sin(_angles)])},
        title=f"{bend.value}: {right:.0%} right",
    )
    return network, right


@app.cell
def _(bend, right):
    if bend.value in ("identity", "sigmoid"):
        assert right < 0.75, "no bend: one line. A sigmoid: the first layers hardly hear what was wrong"
    else:
        assert right > 0.85, "the others find the circle"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## GELU by hand

    A relu is a gate: open above 0, shut below. A **GELU** opens the gate by degrees. $P(x)$ is the share of normal
    random numbers that are below $x$: 0.84 of them are below 1, 0.16 below -1. Multiply by it:

    $$\text{gelu}(x) = x \, P(x)$$

    So gelu(1) = 0.84 and gelu(-1) = -0.16. $P$ can be had by counting. Below with 100,000 draws, beside the library's
    exact one.
    """)
    return


@app.cell
def _():
    _draws = np.random.default_rng(0).standard_normal(100_000)
    at = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    counted = np.array([(_draws < one).mean() for one in at])
    mo.md(
        "| x | share below, counted | x times it | gelu(x) |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {one:g} | {share:.3f} | {one * share:.3f} | {exact:.3f} |"
            for one, share, exact in zip(at, counted, activate("gelu", at), strict=True)
        )
    )
    return at, counted


@app.cell
def _(at, counted):
    assert np.abs(counted - normal_share(at)).max() < 0.01
    assert np.abs(at * counted - activate("gelu", at)).max() < 0.02
    _grid = np.linspace(-6, 6, 1201)
    _apart = np.abs(activate("gelu", _grid) - activate("gelu_tanh", _grid)).max()
    assert 1e-4 < _apart < 5e-4, "GPT-2's form with a tanh is another function, and nearly the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Its slope is a product's: $x$ moves, and $P$ moves. How fast does $P$? The bell curve
    $p(x) = e^{-x^2/2} / \sqrt{2 \pi}$ says how many draws lie just there, so

    $$\text{gelu}'(x) = P(x) + x \, p(x)$$

    `gelu_backward` is this, times the gradient that arrives. Move the point: the line through it has the slope that
    `gelu_backward` gives. Near -0.75 it is flat, and left of that it falls: there, less in is more out.
    """)
    return


@app.cell
def _():
    point = mo.ui.slider(-3.0, 3.0, step=0.25, value=-0.75, label="x", show_value=True)
    point
    return (point,)


@app.cell
def _(point):
    _x = np.linspace(-3.5, 3.5, 141)
    _here = np.array([float(point.value)])
    steepness = float(gelu_backward(np.ones(1), _here)[0])
    _near = np.where(np.abs(_x - point.value) <= 1, 1.0, np.nan)
    plots.lines(
        _x,
        {
            "gelu": activate("gelu", _x),
            "its slope here": _near * (activate("gelu", _here) + steepness * (_x - point.value)),
        },
        x="x",
        title=f"Slope {steepness:.3f}",
    )
    return (steepness,)


@app.cell
def _(point, steepness):
    _around = point.value + np.array([-1e-5, 1e-5])
    _low, _high = activate("gelu", _around)
    assert abs(steepness - (_high - _low) / 2e-5) < 1e-8, "gelu_backward gives the slope that is measured"
    assert (steepness < 0) == (point.value <= -1), "it falls on the left of -0.75 and rises on the right"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## SwiGLU: one half decides about the other

    **SiLU** is the same idea with a sigmoid for the gate: $x \, \text{sigmoid}(x)$. LLaMA and its relatives go a step
    further. Two matrices instead of one: what leaves the first goes through a SiLU and becomes the gate, what leaves
    the second is multiplied by it. A number is let through because of *another* number.
    """)
    return


@app.cell
def _():
    gates = np.array([-4.0, -1.0, 0.0, 1.0, 4.0])
    passed = swiglu(np.ones((1, 1)), gates[None, :], np.full((1, 5), 3.0))[0]  # 3 wants to go through, under five gates
    mo.md(
        "| gate before the SiLU | after it | of a 3 goes through |\n|---|---|---|\n"
        + "\n".join(
            f"| {gate:g} | {opened:.3f} | {result:.3f} |"
            for gate, opened, result in zip(gates, silu(gates), passed, strict=True)
        )
    )
    return gates, passed


@app.cell
def _(gates, passed):
    assert np.allclose(passed, 3 * gates / (1 + np.exp(-gates)))
    assert passed[2] == 0 and abs(passed[0]) < 0.25, "gates at 0 or far below let nothing through"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Softmax is none of them

    A softmax also stands behind a layer, but each of its results depends on all scores. Its derivative is therefore a
    table and not a number: how fast probability $i$ moves with score $j$. If one rises, the others must fall.
    """)
    return


@app.cell
def _():
    table = softmax_jacobian([2.0, 1.0, 0.0])
    plots.heat_map(
        table,
        rows=["first", "second", "third"],
        columns=["first", "second", "third"],
        x="score",
        y="probability",
        text=True,
        title="Scores 2, 1, 0",
    )
    return (table,)


@app.cell
def _(table):
    assert np.allclose(table.sum(axis=0), 0) and np.allclose(table, table.T), "what one gains, the others lose"
    assert (np.diag(table) > 0).all() and (np.diag(table) <= 0.25).all(), "p (1 - p): never steeper than a sigmoid"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Function `sigmoid`, then `tanh`: the slope's peak goes from ¼ to 1. Both are flat far out; `relu` is not, above 0.
    - Bend `identity`: no circle, about half are right. `sigmoid`: hardly more, after as many steps as the others
      needed.
    - Move the point of the GELU from -3 to 3: the slope is about 0, below 0, 0 at -0.75, ½ at 0, above 1 at 1.5, and 1
      in the end.

    Write it yourself: `groundup learn start gelu_backward`
    """)
    return


if __name__ == "__main__":
    app.run()
