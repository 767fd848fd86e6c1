"""Lesson: what hidden layers learn: points moved until a line can tell them apart, drawn and probed layer by layer."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What hidden layers learn", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.networks.mlp import accuracy, fit, frozen, layers, make_mlp, mlp
    from groundup.foundations.networks.representations import (
        by_depth,
        flat,
        linear_probe,
        look,
        probe,
        rings,
        separability,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What hidden layers learn

    A network is taught only by what it says at the end. What happens in between? Each layer moves the examples to other places, until at the end a
    line can tell the classes apart. Afterwards you can draw that, measure it with a **linear probe**, and know what a probe does not show.
    """)
    return


@app.cell
def _():
    x, labels = rings(300, 3, seed=0)
    new, new_labels = rings(300, 3, seed=10)
    start = make_mlp([2, 16, 16, 16, 3], 0)
    trained, _ = fit(mlp, start, x, labels, 250, 64, 1e-2)
    before, after = (look(layers, one, x, labels, new, new_labels) for one in (start, trained))
    mo.md(
        f"Three rings of points around each other. A linear reader of their places gets {after.probes[0]:.0%} right; guessing would give 33%. "
        f"The same reader, put behind the third hidden layer of a trained network, gets **{after.probes[3]:.0%}**."
    )
    return after, before, labels, new, new_labels, start, trained, x


@app.cell
def _(after, new, new_labels, trained):
    assert after.probes[0] < 0.55 and after.probes[3] > 0.95
    assert accuracy(mlp, trained, new, new_labels) > 0.95, "and the network's own last layer reads as well"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bent until it is straight, by hand

    On a line stand 1 and 2 (class A), and -3, 0, 3 (class B): A lies between B's, and no cut parts them. One hidden layer of two relus
    makes of each $x$ the pair $\text{relu}(x), \text{relu}(x - 1.5)$. The line is now bent at 0 and at 1.5, and a straight cut is enough.
    """)
    return


@app.cell
def _():
    places, sides = np.array([-3.0, 0.0, 1.0, 2.0, 3.0]), np.array(["B", "B", "A", "A", "B"])
    bent = np.column_stack([np.maximum(places, 0), np.maximum(places - 1.5, 0)])
    _score = bent @ np.array([1.0, -2.4]) - 0.5  # above 0: A
    assert np.array_equal(np.where(_score > 0, "A", "B"), sides), "one straight cut"
    assert bent[2].tolist() == [1.0, 0.0] and bent[4].tolist() == [3.0, 1.5]
    plots.scatter(
        bent,
        labels=["-3 and 0", "", "1", "2", "3"],
        groups=sides.tolist(),
        paths=[np.array([[0.5, 0.0], [4.1, 1.5]])],
        x="relu(x)",
        y="relu(x - 1.5)",
        title="The line, bent twice, and one straight cut",
    )
    return bent, places, sides


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Layer by layer

    Sixteen numbers leave a hidden layer, so a point has sixteen coordinates there. The picture shows the two directions in which they vary most. Move
    through the layers: 0 is the input, 4 what the last layer says. And compare with the same network before it was trained.
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(0, 4, step=1, value=0, label="layer", show_value=True)
    depth
    return (depth,)


@app.cell
def _():
    network = mo.ui.radio(["trained", "untrained"], value="trained", label="network")
    network
    return (network,)


@app.cell
def _(after, before, depth, network, new_labels):
    shown = after if network.value == "trained" else before
    plots.scatter(
        shown.picture[depth.value],
        groups=[f"ring {label + 1}" for label in new_labels],
        title=f"Layer {depth.value}, {network.value}: a linear probe reads {shown.probes[depth.value]:.0%}",
    )
    return (shown,)


@app.cell
def _(depth, network, new, shown, start, trained):
    _parameters = trained if network.value == "trained" else start
    _rows = by_depth(layers, _parameters, new)[depth.value]
    assert _rows.shape == (300, (2, 16, 16, 16, 3)[depth.value])
    assert np.allclose(flat(_rows), shown.picture[depth.value]), "the picture is of what leaves this layer"
    assert np.allclose(_rows, layers(frozen(_parameters), Tensor(new))[depth.value].data)
    assert depth.value < 3 or network.value == "untrained" or shown.probes[depth.value] > 0.85
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The probe

    A **linear probe** is the plainest reader there is: from the features of some examples and their classes it learns one weight for each feature
    and class, by least squares with a small penalty, and answers with the class of the largest sum. It cannot bend. So what it reads is what
    already lies open. Four points by hand: the middle between the two heaps decides.
    """)
    return


@app.cell
def _():
    _features, _words = np.array([[0.0], [1.0], [9.0], [10.0]]), np.array(["low", "low", "high", "high"])
    answers = linear_probe(_features, _words, np.array([[4.9], [5.1]]), 0.1)
    assert answers.tolist() == ["low", "high"]
    _corners, _xor = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 0, 1, 1])
    _product = np.column_stack([_corners, _corners[:, 0] * _corners[:, 1]])
    xor_read = probe(_corners, _xor, _corners, _xor, 0.01), probe(_product, _xor, _product, _xor, 0.01)
    assert xor_read == (0.5, 1.0), "what no line parts a probe does not read; one more feature lays it open"
    mo.md(
        f"4.9 is read as {answers[0]}, 5.1 as {answers[1]}. XOR on its four corners: {xor_read[0]:.0%}; with the product as a third feature: {xor_read[1]:.0%}."
    )
    return answers, xor_read


@app.cell
def _(after, before):
    plots.lines(
        range(5),
        {"trained": after.probes, "untrained": before.probes},
        x="layer",
        y="read right by a linear probe",
        levels={"guessing": 1 / 3},
        marked=True,
        title="What can be read with no further bend",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    An untrained network helps, too: random bends pull the rings apart a little, and sixteen numbers give a probe more to go by than two. Only
    training makes it complete. At the last layer the probe falls back, though the network itself is right there: three scores are little to go by, and
    least squares also punishes a score for being *too* right.

    **Separability** asks without any reader: how far are the classes' means from each other, compared with how far the points of a class spread around
    their own mean? For 0, 2 in one class and 4, 6 in the other: the means 1 and 5 are 2 away from the middle (squared 4), the points 1 away from their
    mean. That is 4.
    """)
    return


@app.cell
def _(after, before):
    assert separability([[0.0], [2.0], [4.0], [6.0]], [0, 0, 1, 1]) == 4.0
    _heaps = after.separability
    assert _heaps[0] < 0.1 and _heaps[1] < _heaps[2] < _heaps[3], "tighter heaps, layer by layer"
    assert _heaps[-1] > 5 * before.separability[-1]
    plots.lines(
        range(5),
        {"trained": _heaps, "untrained": before.separability},
        x="layer",
        y="variance between over variance within",
        log_y=True,
        marked=True,
        title=f"From {_heaps[0]:.3f} to {_heaps[-1]:.1f}",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is there is not what is used

    Give the points a second label that the network was never told: is a point in the upper half? A probe reads it off the layers as well. It is *there*,
    because it came in with the place; it is of no use for the rings. A probe shows what is there. What the network uses, one finds by changing it.
    """)
    return


@app.cell
def _(labels, new, new_labels, trained, x):
    _seen, _asked = by_depth(layers, trained, x), by_depth(layers, trained, new)
    upper = [probe(one, x[:, 1] > 0, other, new[:, 1] > 0) for one, other in zip(_seen, _asked, strict=True)]
    ring = [probe(one, labels, other, new_labels) for one, other in zip(_seen, _asked, strict=True)]
    plots.lines(
        range(5),
        {"which ring": ring, "upper half, never asked for": upper},
        x="layer",
        y="read right",
        marked=True,
        title=f"The half, at layer 1: {upper[1]:.0%} right",
    )
    return ring, upper


@app.cell
def _(after, ring, upper):
    assert ring == after.probes
    assert upper[0] > 0.95 and upper[1] > 0.8, "it came in, and it is still there"
    assert upper[-1] < upper[0], "towards the end what is of no use fades"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move `layer` from 0 to 4: rings, then crumpled rings, then three heaps. Untrained, the heaps never come, and
      the probe stays near 80%.
    - Up to layer 1 the trained and the untrained line rise alike: the bends alone do that. From there on it is training.
    - Give `rings` a noise of 0.4: the rings touch, and no layer can part what lies on one place.

    Write it yourself: `groundup learn start linear_probe`
    """)
    return


if __name__ == "__main__":
    app.run()
