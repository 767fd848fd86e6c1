"""Lesson: Lion, a step by the sign alone, and what a sign does with noise."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lion: only the sign counts", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.adamw import Numbers, adamw_step
    from groundup.training.optimizers.lion import Lion, lion_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Lion: only the sign counts

    AdamW keeps two numbers for each weight. Lion keeps one, and throws away how large its mean is. Afterwards you can write it
    from its three lines, say why its rate has to be smaller than AdamW's, and what its two shares are for.
    """)
    return


@app.cell
def _():
    def moves(size):
        """The first step of three weights with gradients of size, size / 100 and 0."""
        weight = torch.zeros(3)
        lion_step(weight, torch.tensor([size, -size / 100, 0.0]), torch.zeros(3), 0.001)
        return weight

    first = moves(1e-6), moves(1e6)
    mo.md(
        f"Gradients of a millionth and of a million: the first step is **{-first[0][0]:.3f}** and **{-first[1][0]:.3f}**, and a "
        f"gradient a hundred times smaller moves its weight as far, by {first[0][1]:.3f}. A gradient of 0 moves it by {first[0][2]:.0f}."
    )
    return first, moves


@app.cell
def _(first):
    for _step in first:
        torch.testing.assert_close(_step, torch.tensor([-0.001, 0.001, 0.0]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three lines

    $$c = \beta_1 m + (1 - \beta_1)\, g \qquad w \leftarrow w - \text{rate}\,(\operatorname{sign}(c) + \text{decay} \cdot w) \qquad
    m \leftarrow \beta_2 m + (1 - \beta_2)\, g$$

    One mean $m$, used with two shares. Kept is what forgets slowly: with $\beta_2 = 0.99$ about a hundred gradients. Followed is a mix
    in which the newest gradient has a share of 0.1 and not of 0.01. By hand, in plain numbers:
    """)
    return


@app.cell
def _():
    def by_hand(gradients, rate=0.01, beta1=0.9, beta2=0.99):
        """The weight after each step, from 0."""
        weight = mean = 0.0
        path = [0.0]
        for gradient in gradients:
            weight = weight - rate * np.sign(beta1 * mean + (1 - beta1) * gradient)
            mean = beta2 * mean + (1 - beta2) * gradient
            path = [*path, weight]
        return path

    rare = [20.0 if step % 10 == 0 else -1.0 for step in range(40)]
    paths = {"always 2": by_hand([2.0] * 40), "20 once, then nine times -1": by_hand(rare)}
    plots.lines(range(41), paths, x="step", y="weight", title="Every step is as long as the others")
    return by_hand, paths, rare


@app.cell
def _(paths, rare):
    _named = {"w": torch.zeros(1, 1)}
    _ours = Lion(_named, learning_rate=0.01)
    for _gradient in rare:
        _named["w"].grad = torch.full((1, 1), _gradient)
        _ours.step()
    assert abs(_named["w"].item() - paths["20 once, then nine times -1"][-1]) < 1e-6, "by hand, and the library's"
    assert abs(paths["always 2"][-1] + 0.4) < 1e-9, "40 steps of the rate"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Noise

    A batch's gradient is a small slope and much noise. AdamW divides the mean by the root of the mean square, so where the noise
    is large its steps get short. A sign is never short. Below, the slope is 1 and the noise as large as you choose; each bar
    is the length of a step, of 2,000 weights, in rates, after 200 steps.
    """)
    return


@app.cell
def _():
    noise = mo.ui.slider(0, 20, step=2, value=10, label="noise, in slopes", show_value=True)
    noise
    return (noise,)


@app.cell
def _(noise):
    _source = torch.Generator().manual_seed(0)
    _lion, _mean = torch.zeros(2000), torch.zeros(2000)
    _adam, _first, _second = (torch.zeros(2000) for _ in range(3))
    for _step in range(1, 201):
        _gradient = 1 + noise.value * torch.randn(2000, generator=_source)
        _before = _lion.clone(), _adam.clone()
        lion_step(_lion, _gradient, _mean, 1.0)
        adamw_step(_adam, _gradient, _first, _second, Numbers(1.0, 0.9, 0.99, 1e-8, 0.0, _step))
    lengths = {"Lion": (_lion - _before[0]).abs().mean().item(), "AdamW": (_adam - _before[1]).abs().mean().item()}
    gone = {"Lion": -_lion.mean().item(), "AdamW": -_adam.mean().item()}
    plots.value_bars({"length of a step": lengths}, y="in rates", title="The last step, mean of 2,000 weights")
    return gone, lengths


@app.cell
def _(gone, lengths, noise):
    assert abs(lengths["Lion"] - 1) < 1e-6
    assert lengths["AdamW"] < (1.01 if noise.value == 0 else 0.7)
    assert gone["Lion"] > 0 and gone["AdamW"] > 0, "both go down the slope"
    mo.md(
        f"Lion's step is **{lengths['Lion']:.2f}** rates long, AdamW's **{lengths['AdamW']:.2f}**. In 200 steps Lion has gone "
        f"{gone['Lion']:.0f} rates down the slope, AdamW {gone['AdamW']:.0f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## So the rate is smaller

    Steps that never shorten wander about the bottom, the further the longer they are. Hence the paper's rule: a rate 3 to 10 times smaller than
    AdamW's, and a decay as much larger, since what decays is rate times decay. A bowl with noise, at three rates:
    """)
    return


@app.cell
def _():
    def wander(rate, steps=400, weights=500):
        """The root mean square distance from the bottom of w^2 / 2, with noise of size 1, over the last half."""
        source = torch.Generator().manual_seed(1)
        weight, mean, far = torch.zeros(weights), torch.zeros(weights), []
        for step in range(steps):
            lion_step(weight, weight + torch.randn(weights, generator=source), mean, rate)
            far = [*far, weight.square().mean().sqrt().item()] if step >= steps // 2 else far
        return float(np.mean(far))

    rates = [0.1, 0.03, 0.01]
    distances = [wander(rate) for rate in rates]
    plots.lines(
        rates,
        {"Lion": distances},
        x="rate",
        y="distance",
        log_x=True,
        marked=True,
        title="How far from the bottom it stays",
    )
    return distances, rates, wander


@app.cell
def _(distances):
    assert distances[0] > 1.3 * distances[1] > 1.6 * distances[2]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Noise 0: both step alike. Noise 20: AdamW's steps are short, and Lion's are as long as ever; most of them cancel.
    - Give `by_hand` beta1 = 0: the sign of the newest gradient alone. Where does the weight with the rare large gradient go?
    - Set beta1 = beta2 = 0.99 in `by_hand`: how long does it take to notice that the gradient has changed?

    Write it yourself: `groundup learn start lion_step`
    """)
    return


if __name__ == "__main__":
    app.run()
