"""Lesson: Nesterov's momentum, which feels the slope where it is going to be, and so brakes a step earlier."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Nesterov: the slope where one will be", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.momentum import momentum_step
    from groundup.training.optimizers.nesterov import Nesterov, nesterov_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Nesterov: the slope where one will be

    A heavy ball runs past the bottom, and comes back, and runs past it again. Nesterov's change is one term. Afterwards you can
    write it, show that two tellings of it are the same, and say when it helps and what it costs.
    """)
    return


@app.cell
def _():
    def overshoot(move, beta=0.9, rate=0.1, steps=200):
        """How far beyond 0 a weight gets that starts at 1 in a bowl of steepness 1."""
        weight, velocity, lowest = torch.ones(1), torch.zeros(1), 0.0
        for _ in range(steps):
            move(weight, weight.clone(), velocity, rate, beta)
            lowest = min(lowest, weight.item())
        return -lowest

    ball, ahead = overshoot(momentum_step), overshoot(nesterov_step)
    mo.md(
        f"A weight at 1 rolls to the bottom at 0, rate 0.1, beta 0.9. The heavy ball runs past it by {ball:.2f}; Nesterov's form by **{ahead:.2f}**."
    )
    return ahead, ball, overshoot


@app.cell
def _(ahead, ball):
    assert 0.4 < ball < 0.7 and ahead < 0.8 * ball
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One term more

    $$v \leftarrow \beta v + g \qquad w \leftarrow w - \text{rate}\,(g + \beta v)$$

    The heavy ball moves by $v$. Here it moves by what the velocity would be after one step more, if the gradient stayed: $\beta
    v + g$. A gradient that turns is felt twice, once in $v$ and once alone, and so brakes sooner. By hand, in plain numbers:
    """)
    return


@app.cell
def _():
    def by_hand(beta, nesterov, rate=0.1, steps=60):
        """The weight after each step in a bowl of steepness 1, from 1."""
        weight, velocity, path = 1.0, 0.0, [1.0]
        for _ in range(steps):
            gradient = weight
            velocity = beta * velocity + gradient
            weight = weight - rate * (gradient + beta * velocity if nesterov else velocity)
            path = [*path, weight]
        return path

    paths = {"heavy ball": by_hand(0.9, False), "Nesterov": by_hand(0.9, True)}
    plots.lines(range(61), paths, x="step", y="weight", levels={"the bottom": 0.0}, title="It brakes before the bottom")
    return by_hand, paths


@app.cell
def _(paths):
    _named = {"w": torch.ones(1)}
    _ours = Nesterov(_named, learning_rate=0.1, beta=0.9)
    for _ in range(60):
        _named["w"].grad = _named["w"].clone()
        _ours.step()
    assert abs(_named["w"].item() - paths["Nesterov"][-1]) < 1e-5, "by hand, and the library's"
    assert np.abs(paths["Nesterov"][30:]).max() < np.abs(paths["heavy ball"][30:]).max() / 3, (
        "the swings die out sooner"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Looking ahead

    It was first told otherwise: go where the velocity will carry you anyway, and take the gradient *there*.

    $$u \leftarrow \beta u - \text{rate} \cdot g(x + \beta u) \qquad x \leftarrow x + u$$

    Both are one thing. Keep the points ahead, $w = x + \beta u$, and $v = -u / \text{rate}$, and the second form turns into the
    first. The gradient is then a plain one, at the weights that the model has.
    """)
    return


@app.cell
def _(by_hand):
    _beta, _rate, _place, _pace = 0.9, 0.1, 1.0, 0.0
    points_ahead = [1.0]
    for _ in range(60):
        _pace = _beta * _pace - _rate * (_place + _beta * _pace)
        _place = _place + _pace
        points_ahead = [*points_ahead, _place + _beta * _pace]
    assert np.allclose(points_ahead, by_hand(0.9, True)), "the two tellings, to the last digits"
    f"after 60 steps: {points_ahead[-1]:.6f} and {by_hand(0.9, True)[-1]:.6f}"
    return (points_ahead,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How fast each direction dies out

    In a bowl of steepness $h$ a step is a matrix that acts on $(w, v)$; its largest eigenvalue says what is left after a step,
    in the long run. Below against rate times steepness: below 1 the weight arrives, above 1 it runs away. Move $\beta$.
    """)
    return


@app.cell
def _():
    beta = mo.ui.slider(0.0, 0.95, step=0.05, value=0.9, label="beta", show_value=True)
    beta
    return (beta,)


@app.cell
def _():
    def left_after_a_step(beta, steepness, nesterov):
        """The spectral radius of one step on (weight, velocity), rate 1."""
        ahead = beta if nesterov else 1.0
        own = steepness if nesterov else 0.0
        step = np.array([[1 - own - ahead * steepness, -ahead * beta], [steepness, beta]])
        return float(np.abs(np.linalg.eigvals(step)).max())

    return (left_after_a_step,)


@app.cell
def _(beta, left_after_a_step):
    steepness = np.geomspace(0.001, 5, 120)
    radii = {
        name: [left_after_a_step(beta.value, h, nesterov) for h in steepness]
        for name, nesterov in (("heavy ball", False), ("Nesterov", True))
    }
    plots.lines(
        steepness,
        {name: np.minimum(values, 1.2) for name, values in radii.items()},
        x="rate times steepness",
        y="left after a step",
        log_x=True,
        levels={"neither in nor out": 1.0},
        title=f"beta = {beta.value:g}",
    )
    return radii, steepness


@app.cell
def _(beta, left_after_a_step, radii, steepness):
    def limit(nesterov):
        """The largest rate times steepness that still arrives."""
        low, high = 0.01, 5.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if left_after_a_step(beta.value, middle, nesterov) < 1 else (low, middle)
        return low

    _b = beta.value
    assert abs(limit(False) - 2 * (1 + _b)) < 1e-6, "the heavy ball bears more than plain descent: up to 2 (1 + beta)"
    assert abs(limit(True) - 2 * (1 + _b) / (1 + 2 * _b)) < 1e-6, "Nesterov's form less"
    _swings = (steepness > ((1 - _b) / (1 + _b)) ** 2) & (steepness < 1)
    assert (np.array(radii["Nesterov"])[_swings] <= np.array(radii["heavy ball"])[_swings] + 1e-6).all()
    mo.md(
        f"The heavy ball bears up to {limit(False):.2f}, Nesterov's form up to **{limit(True):.2f}**; from "
        f"{((1 - _b) / (1 + _b)) ** 2:.3f} to 1 it is never the slower one."
    )
    return (limit,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That is the whole difference. Where the heavy ball swings, its swings die out at the root of $\beta$ a step, however steep
    it is. Nesterov's die out faster, the more so the steeper: at the root of $\beta (1 - \text{rate} \cdot h)$. Along the
    flattest directions neither swings, and both creep alike. For that its limit is lower: $2 (1 + \beta) / (1 + 2 \beta)$, 1.36
    for 0.9. Both keep one number a weight.

    ## Try

    - beta = 0: both curves are plain gradient descent, and touch 0 where the rate is 1 / steepness.
    - beta = 0.95: find the flat part of the heavy ball's curve. Its height is the root of 0.95.
    - In `overshoot`, take the rate 1.5 for both: one of them runs away.

    Write it yourself: `groundup learn start nesterov_step`
    """)
    return


if __name__ == "__main__":
    app.run()
