"""Lesson: backpropagation through a multilayer perceptron, derived by hand: what is wrong at the end, carried back."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Backpropagation: carrying the blame back", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.backprop import (
        make_layers,
        mlp_backward,
        mlp_forward,
        mlp_loss,
        probabilities,
        train_mlp,
    )
    from groundup.foundations.autograd.derivatives import gradient
    from groundup.foundations.autograd.frameworks import by_autodiff


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Backpropagation: carrying the blame back

    A network is wrong. Which of its weights are to blame, and how much each? At the end one sees it: too much here, too
    little there. Backpropagation carries this difference back, layer by layer, with two matrix products each. Afterwards
    you can write it for a network of any depth, in twelve lines and without a graph.
    """)
    return


@app.cell
def _():
    _random = np.random.default_rng(0)
    points = _random.uniform(-2, 2, size=(200, 2))
    inside = ((points**2).sum(axis=1) < 1.5**2).astype(int)  # class 1 lies within a circle

    def right(layers):
        """The share of the points whose class has the larger score."""
        return float((mlp_forward(points, layers)[-1].argmax(axis=1) == inside).mean())

    straight, _ = train_mlp(points, inside, make_layers([2, 2]), 150)
    bent, losses = train_mlp(points, inside, make_layers([2, 8, 2]), 800)
    mo.md(
        f"200 points, some inside a circle. A network that only weighs and adds tells inside from outside for "
        f"{right(straight):.0%} of them. Put 8 numbers between, each bent by a tanh: **{right(bent):.0%}**. But what should those 8 "
        "be? Nobody says. They are found by carrying back what was wrong."
    )
    return bent, inside, losses, points, right, straight


@app.cell
def _(bent, losses, right, straight):
    assert right(straight) < 0.7, "a straight line cannot fence a circle"
    assert right(bent) > 0.95, "training by mlp_backward finds the circle"
    assert losses[-1] < losses[0] / 3, "the loss fell"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## At the end: what was said minus what was right

    The last layer gives a **score** for each class; the softmax makes probabilities $p$ of them, and the loss is
    $-\ln p_{\text{right}}$: 0 when the right class was certain, large when it was thought impossible. How fast does it
    move with each score? The logarithm undoes the exponential: with the scores $z$ the loss is

    $$-\ln \frac{e^{z_{\text{right}}}}{\sum_j e^{z_j}} = -z_{\text{right}} + \ln \sum_j e^{z_j}$$

    The derivative of the second part by $z_i$ is $e^{z_i} / \sum_j e^{z_j} = p_i$; the first takes 1 away at the right class.
    What is left is as simple as one could wish:

    $$\delta = p - \text{what was right}, \text{ as 0 and 1}$$
    """)
    return


@app.cell
def _():
    _three = np.array([[2.0, 1.0, -1.0]])  # the scores of one example; class 1 is right
    said = probabilities(_three)[0]
    blame = said - np.array([0.0, 1.0, 0.0])
    measured = gradient(lambda scores: mlp_loss(scores, np.array([1])), _three)[0]
    plots.value_bars(
        {
            "probability": dict(zip(["class 0", "class 1 (right)", "class 2"], said.tolist(), strict=True)),
            "gradient": dict(zip(["class 0", "class 1 (right)", "class 2"], blame.tolist(), strict=True)),
        },
        title="Too much at class 0, too little at class 1",
    )
    return blame, measured, said


@app.cell
def _(blame, measured, said):
    assert np.allclose(blame, measured, atol=1e-8), "the blame at the scores is their gradient, as measured"
    assert abs(said.sum() - 1) < 1e-12 and abs(blame.sum()) < 1e-12, (
        "what is too much in all is too little at the right one"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## At the weights: blame times what came in

    A score is a sum: each input $a_i$ times its weight, and the bias. Push the weight, and the score moves $a_i$ times as
    fast. So the weight's share of the blame is $a_i \delta_j$: none if its input was 0, whatever it is. The bias gets $\delta$
    itself. For many examples the shares are summed, and that is one matrix product, $a^T \delta$.

    (Here and in what follows the weights of a layer are written $W$ with a row for each **input**, so that a layer is
    $a W + b$. The lesson on matrices had a row for each neuron, as PyTorch stores them: the transpose.)
    """)
    return


@app.cell
def _(blame):
    came_in = np.array([2.0, 0.0, -0.5])
    shares = np.outer(came_in, blame)
    plots.heat_map(
        shares,
        rows=[f"input {value:g}" for value in came_in],
        columns=["to class 0", "to class 1", "to class 2"],
        text=True,
        title="The gradient of nine weights: input times blame",
    )
    return came_in, shares


@app.cell
def _(blame, came_in, shares):
    assert np.allclose(shares[1], 0), "an input of 0 teaches its weights nothing"
    assert np.allclose(shares[0], 2 * blame) and shares.shape == (len(came_in), len(blame))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One layer back

    What is the blame of a hidden number $a$? It went into every score, with its weight to each: the blame of the scores comes
    back through the same weights, $\delta W^T$. Then it has to pass the bend. Where $a = \tanh z$ is near 1 or -1, the curve is
    flat; its slope is $1 - a^2$:

    $$\delta' = (\delta W^T) \odot (1 - a^2)$$

    And with $\delta'$ the story begins again, one layer earlier. Below it is done by hand for one example, 2 numbers in, 3
    hidden, 2 classes, beside the library's function for any depth.
    """)
    return


@app.cell
def _():
    _x, _right = np.array([[1.0, -2.0]]), np.array([0])
    _layers = make_layers([2, 3, 2], seed=1)
    (_w1, _b1), (_w2, _b2) = _layers
    _hidden = np.tanh(_x @ _w1 + _b1)
    _scores = _hidden @ _w2 + _b2
    _last = probabilities(_scores) - np.array([[1.0, 0.0]])  # at the end
    _first = (_last @ _w2.T) * (1 - _hidden**2)  # one layer back
    by_hand = [(_x.T @ _first, _first[0]), (_hidden.T @ _last, _last[0])]
    by_library = mlp_backward([_x, _hidden, _scores], _right, _layers)
    apart = max(
        float(np.abs(one - other).max())
        for pair, pair2 in zip(by_hand, by_library, strict=True)
        for one, other in zip(pair, pair2, strict=True)
    )
    mo.md(
        f"Blame at the scores: {np.round(_last[0], 3)}. At the hidden numbers: {np.round(_first[0], 3)}. Apart: {apart:.0e}."
    )
    return apart, by_hand, by_library


@app.cell
def _(apart, by_library):
    assert apart < 1e-12, "mlp_backward does what was done by hand"
    assert [weight.shape for weight, _ in by_library] == [(2, 3), (3, 2)], "a gradient for each weight, of its shape"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What arrives at the first layer

    Eleven hidden layers are eleven multiplications on the way back. If each makes the blame a little smaller, little is left
    at the beginning; if each makes it larger, it explodes. The weights' size decides, and the bend. Move the size: 1 is what
    `make_layers` gives, weights whose variance is one over the number of inputs.
    """)
    return


@app.cell
def _():
    size = mo.ui.slider(steps=[0.25, 0.5, 1.0, 1.5, 2.0, 4.0], value=0.5, label="size of the weights", show_value=True)
    size
    return (size,)


@app.cell
def _(size):
    def sizes_of_blame(factor):
        """The root mean square of what arrives at each of 11 hidden layers: the gradient of their biases."""
        source = np.random.default_rng(3)
        x, targets = source.normal(size=(64, 32)), source.integers(0, 4, 64)
        layers = [(weight * factor, bias) for weight, bias in make_layers([32] * 12 + [4], seed=3)]
        gradients = mlp_backward(mlp_forward(x, layers), targets, layers)
        return [float(np.sqrt((bias**2).mean())) for _, bias in gradients[:-1]]

    arriving = sizes_of_blame(size.value)
    plots.lines(
        range(1, 12),
        {"size 1": sizes_of_blame(1.0), f"size {size.value:g}, chosen": arriving},
        x="hidden layer, the first one next to the input",
        y="gradient of its biases",
        log_y=True,
        marked=True,
        title=f"The first hidden layer gets {arriving[0] / arriving[-1]:.2g} times as much as the last",
    )
    return arriving, sizes_of_blame


@app.cell
def _(arriving, size):
    assert size.value > 0.5 or arriving[0] < arriving[-1] / 100, "small weights: it vanishes"
    assert size.value < 2 or arriving[0] > arriving[-1], "large weights: it grows on the way back"
    assert size.value != 1 or 0.1 < arriving[0] / arriving[-1] < 10, "in between it arrives"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the hidden numbers became

    Back to the circle. Each hidden number is one line across the plane, with a soft step at it; the last layer adds the
    steps up. How many lines does it take to fence a circle in? The lines of equal height show the probability of "inside";
    the orange circle is the truth that the network never saw.
    """)
    return


@app.cell
def _():
    hidden = mo.ui.slider(steps=[1, 2, 3, 4, 8, 16], value=3, label="hidden numbers", show_value=True)
    hidden
    return (hidden,)


@app.cell
def _(hidden, inside, points, right):
    fenced, _ = train_mlp(points, inside, make_layers([2, hidden.value, 2], seed=4), 600)
    _axis = np.linspace(-2, 2, 41)
    _grid = np.stack(np.meshgrid(_axis, _axis), axis=-1).reshape(-1, 2)
    _chance = probabilities(mlp_forward(_grid, fenced)[-1])[:, 1].reshape(41, 41)
    _turn = np.linspace(0, 2 * np.pi, 60)
    plots.contour_map(
        _axis,
        _axis,
        _chance,
        paths={"the truth": 1.5 * np.stack([np.cos(_turn), np.sin(_turn)], axis=1)},
        title=f"{hidden.value} hidden: {right(fenced):.0%} of the points are right",
    )
    return (fenced,)


@app.cell
def _(fenced, hidden, right):
    assert hidden.value > 2 or right(fenced) < 0.93, "two lines leave a side open"
    assert hidden.value < 3 or right(fenced) > 0.93, "three make a triangle"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Nothing was overlooked

    A derivation is believed when something else says the same. The room's autodiff knows nothing of this derivation; it
    walks back over the operations as they were made.
    """)
    return


@app.cell
def _(bent, inside, points):
    _by_hand = mlp_backward(mlp_forward(points, bent), inside, bent)
    _loss, _by_graph = by_autodiff(points, inside, bent)
    difference = max(
        float(np.abs(one - other).max())
        for pair, pair2 in zip(_by_hand, _by_graph, strict=True)
        for one, other in zip(pair, pair2, strict=True)
    )
    mo.md(
        f"By hand and by autodiff: {difference:.0e} apart, in the largest of all {sum(w.size + b.size for w, b in bent)} numbers."
    )
    return (difference,)


@app.cell
def _(difference):
    assert difference < 1e-12, "mlp_backward and autodiff agree"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Two hidden numbers: a band, open at both ends. Three: a triangle with round corners. Sixteen: a circle.
    - Size 0.25: the first layer gets about a millionth of what the last one gets, too little to learn from. Size 4: it gets tens of
      times as much, and one step of training would throw it far away.
    - Set all weights of `make_layers` to 0 and do the step on paper: no blame comes back through a weight of 0. This is why
      training begins with random numbers.

    Write it yourself: `groundup learn start mlp_backward`
    """)
    return


if __name__ == "__main__":
    app.run()
