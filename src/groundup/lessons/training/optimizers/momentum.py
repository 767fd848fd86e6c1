"""Lesson: momentum on noisy gradients: what a velocity adds up, what it cancels, and what it costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Momentum: a mean of many batches", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.momentum import Momentum, momentum_step
    from groundup.training.optimizers.nesterov import nesterov_step
    from groundup.training.optimizers.sgd import sgd_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Momentum: a mean of many batches

    The gradient of a batch is a small slope and much noise. A velocity is the oldest cure. Afterwards you can write plain descent,
    momentum and Nesterov's form, and you know why the rate must change when the 0.9 does.
    """)
    return


@app.cell
def _():
    _weight, _speed = torch.zeros(1), torch.zeros(1)
    lengths = []
    for _ in range(60):
        _before = _weight.clone()
        momentum_step(_weight, torch.ones(1), _speed, 0.01)
        lengths = [*lengths, (_before - _weight).item()]
    mo.md(
        f"The same gradient of 1 sixty times, at the rate 0.01: the first step is {lengths[0]:.3f} long, the last "
        f"**{lengths[-1]:.3f}**. With a velocity the rate is not the length of the step."
    )
    return (lengths,)


@app.cell
def _(lengths):
    assert abs(lengths[0] - 0.01) < 1e-6 and abs(lengths[-1] - 0.1) < 1e-3, "1 / (1 - 0.9) = 10 times"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One line more

    $$v \leftarrow \beta v + g \qquad w \leftarrow w - \text{rate} \cdot v$$

    The velocity is $g + \beta g' + \beta^2 g'' + \dots$ of the gradients so far, the newest first. Equal ones add up to $1 / (1 - \beta)$ of
    one. Those that turn about cancel. By hand, in plain numbers:
    """)
    return


@app.cell
def _():
    def by_hand(gradients, beta, rate=0.01):
        """The weight after each step, from 0."""
        weight = velocity = 0.0
        path = [0.0]
        for gradient in gradients:
            velocity = beta * velocity + gradient
            weight = weight - rate * velocity
            path = [*path, weight]
        return path

    turning = [1.0, -1.0] * 20
    paths = {
        "always 1": by_hand([1.0] * 40, 0.9),
        "1, -1, 1, ...": by_hand(turning, 0.9),
        "always 1, no velocity": by_hand([1.0] * 40, 0.0),
    }
    plots.lines(range(41), paths, x="step", y="weight", title="What agrees adds up, what turns about cancels")
    return by_hand, paths, turning


@app.cell
def _(paths, turning):
    _named = {"w": torch.zeros(1, 1)}
    _ours = Momentum(_named, learning_rate=0.01)
    for _gradient in turning:
        _named["w"].grad = torch.full((1, 1), _gradient)
        _ours.step()
    assert abs(_named["w"].item() - paths["1, -1, 1, ..."][-1]) < 1e-6, "by hand, and the library's"
    assert max(map(abs, paths["1, -1, 1, ..."])) < 0.06 < max(map(abs, paths["always 1"])) / 4
    assert abs(paths["always 1"][-1]) > 7 * abs(paths["always 1, no velocity"][-1])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Against noise alone it wins nothing

    A velocity averages the noise of about $1 / (1 - \beta)$ batches, and makes the step that much longer. So compare at the same length
    of a step: rate times $1 / (1 - \beta)$. A bowl that is equally steep everywhere, with noise: 300 weights, all starting at 3.
    """)
    return


@app.cell
def _():
    beta = mo.ui.slider(0.0, 0.9, step=0.3, value=0.9, label="beta", show_value=True)
    beta
    return (beta,)


@app.cell
def _(beta):
    def descend(move, rate, curvature, noise, steps=200):
        """The root mean square of 300 weights at each step."""
        source = torch.Generator().manual_seed(0)
        weight, velocity, far = torch.full((300,), 3.0), torch.zeros(300), []
        for _ in range(steps):
            far = [*far, weight.square().mean().sqrt().item()]
            move(weight, curvature * weight + noise * torch.randn(300, generator=source), velocity, rate)
        return far

    curves = {
        "SGD, rate 0.05": descend(lambda w, g, v, rate: sgd_step(w, g, rate), 0.05, 1.0, 1.0),
        "momentum, same length": descend(
            lambda w, g, v, rate: momentum_step(w, g, v, rate, beta.value), 0.05 * (1 - beta.value), 1.0, 1.0
        ),
    }
    plots.lines(range(200), curves, x="step", y="distance", log_y=True, title="One steepness and noise")
    return curves, descend


@app.cell
def _(curves):
    _ends = [float(np.mean(curve[100:])) for curve in curves.values()]
    assert 0.6 < _ends[0] / _ends[1] < 1.6, "at the same length of a step both stay about equally far"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In a valley it wins much

    Where one direction is steep, plain descent must keep its rate under 2 / steepness, and crawls along the flat one. A velocity
    bears the steep walls and gathers speed along the floor. Nesterov's form takes $g + \beta v$ in place of $v$ and brakes a step earlier.
    Steepness 1 to 100, no noise, each at the same rate of 0.01:
    """)
    return


@app.cell
def _(descend):
    _steep = torch.cat([torch.ones(150), torch.full((150,), 100.0)])
    valley = {
        "SGD": descend(lambda w, g, v, rate: sgd_step(w, g, rate), 0.01, _steep, 0.0),
        "momentum": descend(lambda w, g, v, rate: momentum_step(w, g, v, rate), 0.01, _steep, 0.0),
        "Nesterov": descend(lambda w, g, v, rate: nesterov_step(w, g, v, rate), 0.01, _steep, 0.0),
    }
    plots.lines(
        range(200), valley, x="step", y="distance", log_y=True, title="A valley a hundred times as steep across"
    )
    return (valley,)


@app.cell
def _(valley):
    assert valley["momentum"][-1] < valley["SGD"][-1] / 100 and valley["Nesterov"][-1] < valley["SGD"][-1] / 100
    assert np.mean(valley["Nesterov"][-40:]) < np.mean(valley["momentum"][-40:]), "it brakes earlier"
    mo.md(
        f"After 200 steps SGD is {valley['SGD'][-1]:.2f} from the bottom, momentum **{valley['momentum'][-1]:.5f}**, Nesterov "
        f"{valley['Nesterov'][-1]:.5f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - beta 0: both curves are one. 0.9: the same distance in the end, by another way.
    - Give `by_hand` a beta of 0.99 and the gradients that always are 1: how long is the step after 40 of them, and after 400?
    - Raise the rate of the valley to 0.021: two of the three run away. Nesterov is the first: it looks ahead along a wall that is too
      steep for its step, and its limit lies below that of plain descent.

    Write them yourself: `groundup learn start sgd_step`, `groundup learn start momentum_step`, `groundup learn start nesterov_step`
    """)
    return


if __name__ == "__main__":
    app.run()
