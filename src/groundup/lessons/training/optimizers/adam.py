"""Lesson: Adam, a mean over the root of a mean, and what happens to a decay that is put into the gradient."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Adam: two means and a quotient", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.adam import Adam, adam_step
    from groundup.training.optimizers.adamw import Numbers, adamw_step
    from groundup.training.optimizers.momentum import momentum_step
    from groundup.training.optimizers.rmsprop import rmsprop_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Adam: two means and a quotient

    Momentum averages gradients, RMSprop divides by their usual size. Adam is both, with the first steps put right. Afterwards
    you can write it, read its step as a signal over a noise, and say what it does to weight decay that AdamW mends.
    """)
    return


@app.cell
def _():
    def step_length(signal, noise, steps=4000):
        """The mean step, in rates, of weights whose gradient is a signal with noise."""
        source = torch.Generator().manual_seed(0)
        weight, mean, square = torch.zeros(500), torch.zeros(500), torch.zeros(500)
        for step in range(1, steps + 1):
            gradient = signal + noise * torch.randn(500, generator=source)
            adam_step(weight, gradient, mean, square, Numbers(1.0, 0.9, 0.999, 1e-8, 0.0, step))
        return -weight.mean().item() / steps

    clear, noisy = step_length(1.0, 0.0, 400), step_length(1.0, 10.0, 400)
    mo.md(
        f"A gradient of 1, always: each step is {clear:.2f} rates long. The same gradient under noise of 10: **{noisy:.2f}** rates. Adam goes as far as "
        "it can see."
    )
    return clear, noisy, step_length


@app.cell
def _(clear, noisy):
    assert abs(clear - 1) < 1e-4 and abs(noisy - 1 / 101**0.5) < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From two to one

    $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \qquad
    w \leftarrow w - \text{rate} \cdot \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$

    With $\beta_1 = 0$ it is RMSprop without the first rush; with a $v$ that stayed at 1 it would be momentum. Both means began
    at 0; after $t$ equal gradients they are $1 - \beta^t$ of what they should be, and are divided by that. By hand, in plain
    numbers:
    """)
    return


@app.cell
def _():
    def by_hand(gradients, rate=0.01, beta1=0.9, beta2=0.999):
        """The weight after each step, from 0."""
        weight = mean = square = 0.0
        path = [0.0]
        for step, gradient in enumerate(gradients, 1):
            mean = beta1 * mean + (1 - beta1) * gradient
            square = beta2 * square + (1 - beta2) * gradient**2
            weight = weight - rate * (mean / (1 - beta1**step)) / ((square / (1 - beta2**step)) ** 0.5 + 1e-8)
            path = [*path, weight]
        return path

    _source = np.random.default_rng(0)
    noise = _source.normal(size=200)
    paths = {
        "2, 2, 2, ...": by_hand([2.0] * 200),
        "2 with noise of 2": by_hand(2 + 2 * noise),
        "2 with noise of 20": by_hand(2 + 20 * noise),
    }
    plots.lines(range(201), paths, x="step", y="weight", title="The same slope, seen more and less clearly")
    return by_hand, noise, paths


@app.cell
def _(noise, paths):
    _named = {"w": torch.zeros(1)}
    _ours, _theirs = Adam(_named, learning_rate=0.01), torch.zeros(1, requires_grad=True)
    _peer = torch.optim.Adam([_theirs], lr=0.01)
    for _gradient in 2 + 2 * noise:
        _named["w"].grad = torch.tensor([_gradient], dtype=torch.float32)
        _theirs.grad = _named["w"].grad.clone()
        _ours.step()
        _peer.step()
    assert np.allclose([_named["w"].item(), _theirs.item()], paths["2 with noise of 2"][-1], atol=1e-4), (
        "by hand, ours, torch's"
    )
    assert paths["2, 2, 2, ..."][-1] < paths["2 with noise of 2"][-1] < paths["2 with noise of 20"][-1] + 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Signal over noise

    A gradient is a signal $s$ with noise of size $n$. Then $m$ is $s$ with less noise, and $v$ is $s^2 + n^2$. The mean step is

    $$\text{rate} \cdot \frac{s}{\sqrt{s^2 + n^2}}$$

    near one rate where the signal is clear, and a small part of it where it is not. Nothing of the gradient's own size is left.
    Measured and computed:
    """)
    return


@app.cell
def _(step_length):
    ratios = [0.1, 0.3, 1.0, 3.0, 10.0]
    measured = [step_length(ratio, 1.0, 1000) for ratio in ratios]
    computed = [ratio / (ratio**2 + 1) ** 0.5 for ratio in ratios]
    plots.lines(
        ratios,
        {"measured": measured, "s / sqrt(s^2 + n^2)": computed},
        x="signal over noise",
        y="mean step, in rates",
        log_x=True,
        marked=True,
        title="As far as it can see",
    )
    return computed, measured, ratios


@app.cell
def _(computed, measured):
    assert np.allclose(measured, computed, atol=0.03)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Against its parents

    A narrow valley with noise, 300 weights, half of them a hundred times as steep. Each with the rate that is shown; move it.
    Momentum needs a rate under some $4 / 100$; the other two take about any, and their rate says how near they come.
    """)
    return


@app.cell
def _():
    rate = mo.ui.dropdown([0.003, 0.01, 0.03, 0.1], value=0.01, label="rate")
    rate
    return (rate,)


@app.cell
def _(rate):
    def descend(move):
        """The root mean square of 300 weights, each times the root of its steepness, at each of 300 steps."""
        source = torch.Generator().manual_seed(0)
        steep = torch.cat([torch.ones(150), torch.full((150,), 100.0)])
        weight, first, second, far = torch.full((300,), 1.0), torch.zeros(300), torch.zeros(300), []
        for step in range(1, 301):
            far = [*far, min(10.0, (steep * weight.square()).mean().sqrt().item())]
            gradient = steep * weight + 0.1 * steep * torch.randn(300, generator=source)
            move(weight, gradient, first, second, step)
        return far

    curves = {
        "momentum": descend(lambda w, g, m, v, t: momentum_step(w, g, m, rate.value)),
        "RMSprop": descend(lambda w, g, m, v, t: rmsprop_step(w, g, v, rate.value)),
        "Adam": descend(lambda w, g, m, v, t: adam_step(w, g, m, v, Numbers(rate.value, 0.9, 0.999, 1e-8, 0.0, t))),
    }
    plots.lines(range(300), curves, x="step", y="root of the loss", log_y=True, title=f"Rate {rate.value}")
    return curves, descend


@app.cell
def _(curves, rate):
    _ends = {name: float(np.mean(curve[250:])) for name, curve in curves.items()}
    assert _ends["Adam"] < 8 and _ends["RMSprop"] < 8, "neither runs away, at any of the rates"
    assert (_ends["momentum"] >= 9.9) == (rate.value > 0.04), (
        "the heavy ball does, beyond 2 (1 + beta) / steepness = 0.038"
    )
    mo.md("At the end: " + "; ".join(f"{name}: {end:.2f}" for name, end in _ends.items()) + " (10: ran away).")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The decay that does not decay

    To keep weights small one adds $\text{decay} \cdot w$ to the gradient. In Adam that goes into both means, and is divided by
    the root of $v$ with everything else. A weight with large gradients then hardly decays. AdamW takes the decay straight from
    the weight.
    """)
    return


@app.cell
def _():
    def left(size, move):
        """What is left of a weight of 1 after 300 steps with gradients that change their sign."""
        weight, mean, square = torch.ones(1), torch.zeros(1), torch.zeros(1)
        for step in range(1, 301):
            move(
                weight,
                torch.full((1,), size * (-1.0) ** step),
                mean,
                square,
                Numbers(0.01, 0.9, 0.999, 1e-8, 0.5, step),
            )
        return weight.item()

    sizes = [1.0, 10.0, 100.0]
    remains = {
        "Adam": {f"gradients of {size:g}": left(size, adam_step) for size in sizes},
        "AdamW": {f"gradients of {size:g}": left(size, adamw_step) for size in sizes},
    }
    plots.value_bars(remains, y="left of a weight of 1", title="Decay 0.5, after 300 steps at the rate 0.01")
    return left, remains, sizes


@app.cell
def _(remains):
    assert all(abs(one - (1 - 0.005) ** 300) < 0.02 for one in remains["AdamW"].values())
    _adam = list(remains["Adam"].values())
    assert _adam[0] < 0.5 and _adam[-1] > 0.95
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rate 0.1: momentum runs away, and Adam trembles. Rate 0.003: Adam is the slow one.
    - Give `by_hand` a beta1 of 0: the noise goes through to the weight, and the path gets rough.
    - Set beta2 to 0.9 in `step_length`: the quotient has more noise of its own. Is the step still what the formula says?

    Write it yourself: `groundup learn start adam_step`
    """)
    return


if __name__ == "__main__":
    app.run()
