"""Lesson: pictures of a loss that has far too many directions to be drawn, and how they deceive."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A map of the loss", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.adaptive import adam
    from groundup.foundations.optimize.gradient_descent import gradient_descent
    from groundup.foundations.optimize.loss_landscape import (
        filter_normalized,
        flattened,
        grid_around,
        interpolation,
        loss_line,
        loss_slice,
        project_path,
        random_direction,
        unflattened,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A map of the loss

    The loss of a model is a height over all of its weights, and no page has that many directions. Afterwards you can draw a map of
    two of them with the way of an optimizer on it, and know two ways in which such maps deceive.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    _first, _second = _generator.standard_normal((2, 1_000_000))
    cosine = float(_first @ _second / np.linalg.norm(_first) / np.linalg.norm(_second))
    mo.md(
        "Throw two random directions among a million weights. The cosine of the angle between them is "
        f"**{cosine:.4f}**: they are at right angles, nearly, and so is each of them to the way that training takes."
    )
    return (cosine,)


@app.cell
def _(cosine):
    assert abs(cosine) < 5 / np.sqrt(1_000_000), "the size of it is about 1 / √n"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model small enough to know

    One number in, one out, 6 neurons between (hidden units): $\hat y = W_2 \max(0, W_1 x + b)$, 18 weights. It is to learn $|x|$,
    and its loss is the mean squared miss on 21 points. Its slopes are found by hand: what each weight does to the output, times
    twice the miss.
    """)
    return


@app.cell
def _():
    xs = np.linspace(-2, 2, 21)
    start = [
        np.array([[0.6], [-0.5], [0.8], [-0.7], [0.3], [-0.2]]),
        np.array([0.1, 0.2, -0.1, -0.2, 0.3, 0.0]),
        np.array([[0.4, 0.1, -0.3, 0.5, 0.2, -0.4]]),
    ]

    def loss(weights):
        """The mean squared miss of the model with these weights."""
        hidden = np.maximum(0, weights[0] * xs + weights[1][:, None])
        return float(np.mean(((weights[2] @ hidden)[0] - np.abs(xs)) ** 2))

    def slope(vector):
        """The slope of the loss for all 18 weights, as one vector."""
        inner, bias, outer = unflattened(vector, start)
        hidden = np.maximum(0, inner * xs + bias[:, None])
        miss = 2 * ((outer @ hidden)[0] - np.abs(xs)) / len(xs)
        back = outer.T * miss * (hidden > 0)
        return flattened([(back * xs).sum(1, keepdims=True), back.sum(1), (hidden * miss).sum(1)[None]])

    _numeric = (loss(unflattened(flattened(start) + 1e-6 * np.eye(18)[3], start)) - loss(start)) / 1e-6
    assert abs(slope(flattened(start))[3] - _numeric) < 1e-4, "the slope by hand is the slope that is measured"
    f"loss at the start: {loss(start):.3f}"
    return loss, slope, start, xs


@app.cell
def _():
    method = mo.ui.dropdown(["gradient descent", "Adam"], value="gradient descent", label="optimizer")
    method
    return (method,)


@app.cell
def _(loss, method, slope, start):
    _walk, _rate = {"gradient descent": (gradient_descent, 0.05), "Adam": (adam, 0.03)}[method.value]
    path = _walk(slope, flattened(start), _rate, 150)
    trained = unflattened(path[-1], start)
    plots.lines(
        range(151),
        {"loss": [loss(unflattened(point, start)) for point in path]},
        x="step",
        y="loss",
        log_y=True,
        title=method.value,
    )
    return path, trained


@app.cell
def _(loss, start, trained):
    assert loss(trained) < loss(start) / 10
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The plane that holds the way

    Among all planes through the end of training, take the one that lies closest to all the points of the way: its directions are the
    *principal components* of the way. In many dimensions most of a way lies in two. On that plane the map is drawn, one loss for
    each place of a grid.
    """)
    return


@app.cell
def _(loss, method, path, start):
    seen = project_path(path)
    _first, _second = (unflattened(direction, start) for direction in seen.directions)
    across, up = grid_around(seen.coordinates, count=25, margin=0.4)
    heights = loss_slice(loss, unflattened(seen.origin, start), _first, _second, across, up)
    plots.contour_map(
        across,
        up,
        np.log10(heights),
        paths={method.value: seen.coordinates},
        x=f"first direction ({seen.share[0]:.0%} of the way)",
        y=f"second ({seen.share[1]:.0%})",
        title="Logarithm of the loss, and the way",
    )
    return across, heights, seen, up


@app.cell
def _(loss, path, seen, start):
    assert seen.share.sum() > 0.9, "two directions of 18 hold nearly all of the way"
    _back = seen.origin + seen.coordinates @ seen.directions
    _off = np.linalg.norm(_back - path, axis=1).max() / np.linalg.norm(path[0] - path[-1])
    assert _off < 0.4 and np.allclose(_back[-1], path[-1])
    assert abs(loss(unflattened(_back[-1], start)) - loss(unflattened(path[-1], start))) < 1e-12
    return


@app.cell
def _(across, heights, loss, method, seen, start, up):
    _points = seen.origin + seen.coordinates @ seen.directions
    _above = [np.log10(loss(unflattened(point, start))) for point in _points]
    plots.surface_3d(
        across,
        up,
        np.log10(heights),
        paths={method.value: np.column_stack([seen.coordinates, _above])},
        x="first",
        y="second",
        z="log loss",
        title="The same as a landscape",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The first deception: scale

    Multiply $W_1$ and $b$ by 10 and $W_2$ by 0.1: the outputs are the same, so it is the same model. Step from both in a random
    direction of the same length and look at the loss: one lies in a wide valley, the other in a narrow one. A picture may show
    the scale of weights and nothing else. The cure gives each row of a direction the length of the same row of the weights.
    """)
    return


@app.cell
def _():
    cure = mo.ui.switch(value=False, label="directions as long as the weights")
    cure
    return (cure,)


@app.cell
def _(cure, loss, trained):
    _models = {"the model": trained, "the same, scaled": [10 * trained[0], 10 * trained[1], trained[2] / 10]}
    _amounts = np.linspace(-1, 1, 41)
    drawn = random_direction(trained, np.random.default_rng(4))
    drawn = [drawn[0], np.zeros_like(drawn[1]), drawn[2]]  # no step in the biases, as the cure has it
    lines = {
        name: loss_line(loss, model, filter_normalized(drawn, model) if cure.value else drawn, _amounts)
        for name, model in _models.items()
    }
    plots.lines(_amounts, lines, x="step in a random direction", y="loss", log_y=True, title="One model, weighed twice")
    return drawn, lines


@app.cell
def _(cure, lines):
    _plain, _scaled = lines.values()
    assert abs(_plain[20] - _scaled[20]) < 1e-9, "in the middle both are the same model"
    assert np.allclose(_plain, _scaled) == cure.value, "the cure makes both pictures one"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The second: what lies between

    Two models, trained by the same rule from other beginnings, are equally good. On the straight line between them the loss may rise
    over a ridge, though a way around it may exist in the directions that are not drawn. Here the second is the first with its hidden
    units in another order: the same function, at another place.
    """)
    return


@app.cell
def _(loss, trained):
    _order = np.array([1, 2, 3, 4, 5, 0])
    reordered = [trained[0][_order], trained[1][_order], trained[2][:, _order]]
    _amounts = np.linspace(-0.2, 1.2, 57)
    between = interpolation(loss, trained, reordered, _amounts)
    assert abs(loss(reordered) - loss(trained)) < 1e-12
    assert between.max() > 5 * loss(trained) and between[8:49].max() > 5 * loss(trained), "a ridge stands between them"
    plots.lines(
        _amounts,
        {"loss": between},
        x="0: the model, 1: its units in another order",
        y="loss",
        title="A ridge between two equals",
    )
    return between, reordered


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So a map shows what is on it: this plane, at this scale. What it is good for is comparison, with the same directions and the same
    cure for both.

    ## Try

    - Choose Adam: the plane is another one, so the two maps may not be compared place by place; their ends can.
    - Switch the cure on and off: the narrow valley opens until both curves are one.
    - Draw the map in two random directions (`random_direction`) in place of the two of the way: the way shrinks to a point.
    """)
    return


if __name__ == "__main__":
    app.run()
