"""Lesson: stochastic gradient descent, whose rate decides where it stops: the noise of a batch, and a rate that falls."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="SGD: the rate decides where it stops", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.sgd import SGD, sgd_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # SGD: the rate decides where it stops

    One line, from 1951, under everything that is trained today. Afterwards you can say which rates it bears, why it never
    arrives while the rate stays, and what halving the rate does that doubling the batch does as well.
    """)
    return


@app.cell
def _():
    def ends(rate, steps=100):
        """Where 100 steps lead from 1, down a bowl of steepness 1."""
        weight = torch.ones(1)
        for _ in range(steps):
            sgd_step(weight, weight.clone(), rate)
        return weight.item()

    shrinking, growing = ends(1.95), ends(2.05)
    mo.md(
        f"A bowl of steepness 1, 100 steps from 1. At the rate 1.95 the weight ends at {shrinking:.4f}; at 2.05 it ends at **{growing:.0f}**."
    )
    return ends, growing, shrinking


@app.cell
def _(ends, growing, shrinking):
    assert abs(shrinking) < 0.01 and abs(growing) > 100 and abs(ends(1.0)) == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One line

    $$w \leftarrow w - \text{rate} \cdot g$$

    On a bowl $f(w) = h w^2 / 2$ the gradient is $h w$, so each step multiplies $w$ by $1 - \text{rate} \cdot h$. That is
    between -1 and 1 as long as the rate is below $2 / h$. In a real model $h$ differs by direction, and the steepest one sets
    the limit for all. By hand, for four rates:
    """)
    return


@app.cell
def _():
    def by_hand(rate, steps=15, steepness=1.0):
        """The weight after each step, in plain numbers, from 1."""
        path = [1.0]
        for _ in range(steps):
            path = [*path, path[-1] - rate * steepness * path[-1]]
        return path

    paths = {f"rate {rate}": by_hand(rate) for rate in (0.1, 1.0, 1.8, 2.1)}
    plots.lines(range(16), paths, x="step", y="weight", marked=True, title="Creeping, at once, swinging, away")
    return by_hand, paths


@app.cell
def _(paths):
    for _name, _path in paths.items():
        _rate = float(_name.split()[1])
        _named = {"w": torch.ones(1)}
        _ours = SGD(_named, learning_rate=_rate)
        for _ in range(15):
            _named["w"].grad = _named["w"].clone()
            _ours.step()
        assert abs(_named["w"].item() - _path[-1]) < 1e-5, "by hand, and the library's"
        assert abs(_path[-1] - (1 - _rate) ** 15) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Noise

    The gradient of a batch is that of all data plus noise. Far from the bottom the slope is larger than the noise and the way
    is clear. At the bottom only the noise is left, and the weight trembles around it. How far it trembles the rate decides:
    with noise of size 1 and steepness $h$,

    $$\text{mean square of } w \;=\; \frac{\text{rate}}{h\,(2 - \text{rate} \cdot h)} \approx \frac{\text{rate}}{2 h}$$

    Below are 2,000 weights that all start at 3, and each its own noise. Move the rate.
    """)
    return


@app.cell
def _():
    rate = mo.ui.dropdown([0.02, 0.05, 0.1, 0.2, 0.5], value=0.1, label="rate")
    rate
    return (rate,)


@app.cell
def _():
    def descend(rate_of, steps=400, batch=1):
        """The root mean square of 2,000 weights at each step; rate_of: the rate of a step; batch: gradients that are averaged."""
        source = torch.Generator().manual_seed(0)
        weight, far = torch.full((2000,), 3.0), []
        for step in range(steps):
            far = [*far, weight.square().mean().sqrt().item()]
            noise = torch.randn(2000, generator=source) / batch**0.5
            sgd_step(weight, weight + noise, rate_of(step))
        return far

    return (descend,)


@app.cell
def _(descend, rate):
    far = descend(lambda step: rate.value)
    floor = (rate.value / (2 - rate.value)) ** 0.5
    plots.lines(
        range(400),
        {f"rate {rate.value}": far},
        x="step",
        y="distance",
        log_y=True,
        levels={"the formula's floor": floor},
        title="Down, and then no further",
    )
    return far, floor


@app.cell
def _(far, floor):
    assert abs(float(np.mean(far[350:])) / floor - 1) < 0.05, "the formula, to 5 %"
    mo.md(f"It stops at {np.mean(far[350:]):.3f}; the formula says **{floor:.3f}**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A rate that falls

    A large rate is fast and stops early; a small one arrives and takes for ever. So begin with the large one and let it fall:
    as $1 / t$ the sum of all rates is infinite (any place can be reached) and the sum of their squares is not (the noise dies
    out). That is Robbins and Monro's condition. Averaging a batch of 16 gradients divides the noise by 4, as a rate 16 times
    smaller does, and keeps the speed, for 16 times the work.
    """)
    return


@app.cell
def _(descend):
    ways = {
        "rate 0.5": descend(lambda step: 0.5),
        "rate 0.5, batch of 16": descend(lambda step: 0.5, batch=16),
        "rate 0.02": descend(lambda step: 0.02),
        "falling, 1 / (2 + t)": descend(lambda step: 1 / (2 + step)),
    }
    plots.lines(range(400), ways, x="step", y="distance", log_y=True, title="Fast, near, or both")
    return (ways,)


@app.cell
def _(ways):
    _ends = {name: float(np.mean(way[350:])) for name, way in ways.items()}
    assert _ends["falling, 1 / (2 + t)"] < _ends["rate 0.02"] < _ends["rate 0.5"]
    assert abs(_ends["rate 0.5"] / _ends["rate 0.5, batch of 16"] - 4) < 0.3, "a quarter of the noise"
    assert ways["falling, 1 / (2 + t)"][20] < ways["rate 0.02"][20], "and it is the faster one"
    mo.md("After 400 steps: " + "; ".join(f"{name}: {end:.3f}" for name, end in _ends.items()) + ".")
    return


@app.cell
def _():
    _named = {"matrix": torch.full((2, 2), 10.0), "gain": torch.full((2,), 10.0)}
    SGD(_named, learning_rate=0.1, weight_decay=0.5).step()  # no gradient at all
    assert torch.allclose(_named["matrix"], torch.tensor(9.5)) and torch.equal(_named["gain"], torch.full((2,), 10.0))
    "A decay of 0.5 at the rate 0.1 takes 5 % of a matrix at each step, and leaves a gain alone."
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rate 0.5: it is down after ten steps, and stops three times as far from the bottom as at 0.05.
    - Give `by_hand` the steepness 4 and the rate 0.6. Where is the limit now?
    - Let the rate fall as $1 / t^2$: the weights stop before they arrive. Which of the two conditions fails?

    Write it yourself: `groundup learn start sgd_step`
    """)
    return


if __name__ == "__main__":
    app.run()
