"""Lesson: a step length for each weight, from RMSprop to AdamW, and what it cannot do."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Every weight its own step", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.adaptive import adam, adamw, rmsprop
    from groundup.foundations.optimize.gradient_descent import gradient_descent


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Every weight its own step

    One learning rate for all weights is too long for some and too short for others. Adam, which trains nearly every language
    model, gives each weight its own. Afterwards you can write it down in four lines, know what each of its two memories is
    for, and know in which valley it gains nothing.
    """)
    return


@app.cell
def _():
    slopes = np.array([1e-4, 1.0, 1e4])
    first_step = -np.diff(adam(lambda x: slopes, np.zeros(3), 0.1, 1), axis=0)[0]
    mo.md(
        "Three weights with the slopes 0.0001, 1 and 10,000 take their first step by Adam at rate 0.1. They move by "
        f"**{first_step[0]:.4f}**, **{first_step[1]:.4f}** and **{first_step[2]:.4f}**: how steep it is makes no difference."
    )
    return first_step, slopes


@app.cell
def _(first_step):
    assert np.allclose(first_step, 0.1, rtol=2e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand: divide the slope by its own size

    A slope of 6 divided by the size of the slopes lately, say also about 6, is 1. A slope of 0.006 where all were about 0.006
    is 1 as well. So keep for each weight the mean of the squares of its slopes, and divide by the root:

    $$\text{square} \leftarrow \beta \, \text{square} + (1 - \beta) \, \text{slope}^2 \qquad
    x \leftarrow x - \text{rate} \cdot \text{slope} / \sqrt{\text{square}}$$

    That is **RMSprop**. There is a flaw at the beginning. The memory starts at 0: after one slope of 6 with $\beta = 0.99$ it
    is $0.01 \cdot 36 = 0.36$, its root 0.6, and the step is not 1 but $6 / 0.6 = 10$ rates long.
    """)
    return


@app.cell
def _():
    _straight = {"slope": lambda x: np.full(1, 6.0), "start": np.zeros(1), "rate": 1.0, "steps": 100}
    _slope, _start, _rate, _steps = _straight.values()
    lengths = {
        "RMSprop": -np.diff(rmsprop(_slope, _start, _rate, _steps)[:, 0]),
        "Adam": -np.diff(adam(_slope, _start, _rate, _steps)[:, 0]),
    }
    assert abs(lengths["RMSprop"][0] - 10) < 1e-6
    assert np.allclose(lengths["Adam"], 1)
    plots.lines(
        range(1, 101),
        lengths,
        x="step",
        y="length of the step, in rates",
        title="The slope is always 6",
    )
    return (lengths,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **Adam** divides the memory by $1 - \beta^t$, the part of it that has been filled after $t$ steps: $0.36 / 0.01 = 36$, and the
    first step is 1 rate long. It also replaces the slope by a mean of the last ones, which is a velocity as in the lesson on
    momentum. All of it, with $g$ for the slope and a tiny $\varepsilon$, so that nothing is divided by 0:

    $$\text{mean} \leftarrow \beta_1 \text{mean} + (1 - \beta_1) g \qquad \text{square} \leftarrow \beta_2 \text{square} + (1 - \beta_2) g^2$$

    $$x \leftarrow x - \text{rate} \cdot \frac{\text{mean} / (1 - \beta_1^t)}{\sqrt{\text{square} / (1 - \beta_2^t)} + \varepsilon}$$

    ## The valley, straight and turned

    A valley that is a hundred times as steep across as along. Plain descent gets the best of all its rates, Adam the rate 0.05.
    Turn the valley.
    """)
    return


@app.cell
def _():
    angle = mo.ui.slider(0, 45, step=5, value=0, label="angle of the valley, in degrees", show_value=True)
    angle
    return (angle,)


@app.cell
def _(angle):
    _turn = np.radians(angle.value)
    _axes = np.array([[np.cos(_turn), -np.sin(_turn)], [np.sin(_turn), np.cos(_turn)]])
    valley = _axes @ np.diag([1.0, 100.0]) @ _axes.T
    start = _axes @ np.array([1.0, 1.0])
    ways = {
        "plain": gradient_descent(lambda x: valley @ x, start, 2 / 101, 60),
        "Adam": adam(lambda x: valley @ x, start, 0.05, 60),
    }
    _grid = np.linspace(-1.5, 1.5, 61)
    _points = np.stack(np.meshgrid(_grid, _grid), axis=-1)
    plots.contour_map(
        _grid,
        _grid,
        np.sqrt((_points @ valley * _points).sum(-1)),  # p . (valley p) for each point p of the grid
        paths=ways,
        x="first weight",
        y="second weight",
        title=f"60 steps in a valley turned by {angle.value} degrees",
    )
    return start, valley, ways


@app.cell
def _(angle, start, valley, ways):
    _adam = ways["Adam"]
    _same = np.allclose(_adam[:, 0], _adam[:, 1], atol=1e-6)
    assert _same == (angle.value in (0,)), "straight: both weights go the same way, as if the valley were round"
    _curved = [np.abs(valley @ point).sum() for point in (start, _adam[-1])]
    assert _curved[1] < _curved[0], "it goes down at every angle"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Straight, Adam walks the diagonal to the bottom as if the valley were round: each weight's slope lost its size, and with it
    the hundredfold. Turned by 45 degrees, both weights have slopes of the same size, and dividing each by its own changes
    nothing about the shape: the long way along the valley remains. Adam corrects units of weights, not mixtures of them.

    ## Words that are rare

    Where this helps most in a language model: the numbers that stand for a rare word (its *embedding*) get a slope only when
    the word occurs. Of 1,000
    steps, one weight has a slope in each, another in every tenth, another in every hundredth. How far do they get?
    """)
    return


@app.cell
def _():
    def walk(method, every, **settings):
        """How far a weight goes in 1,000 steps whose slope is 1 in each `every`-th step and 0 else."""
        _slopes = iter(np.where(np.arange(1000) % every == 0, 1.0, 0.0))
        return -float(method(lambda x: np.full(1, next(_slopes)), np.zeros(1), 0.001, 1000, **settings)[-1, 0])

    chosen = {"each step": 1, "every 10th": 10, "every 100th": 100}
    reached = {
        "plain": {name: walk(gradient_descent, every) for name, every in chosen.items()},
        "Adam": {name: walk(adam, every) for name, every in chosen.items()},
    }
    assert abs(reached["plain"]["every 100th"] / reached["plain"]["each step"] - 0.01) < 1e-6
    assert reached["Adam"]["every 100th"] > 5 * reached["plain"]["every 100th"]
    plots.value_bars(reached, y="distance", title="How far a rare weight gets")
    return chosen, reached, walk


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The W in AdamW

    Weights are kept small by taking a little of each away at every step. One can add that to the slope; then Adam divides it by
    the slope's size too, and a weight with large slopes hardly shrinks. **AdamW** takes it away outside of the division, the
    same part of every weight. Two weights begin at 1; the slopes of both are pure noise, the second's a hundred times as large.
    """)
    return


@app.cell
def _():
    def shrunk(method, decay_in_slope, **settings):
        """Two weights after 2,000 steps of noise, the mean over 8 copies of each."""
        _noise = np.random.default_rng(0).choice([-1.0, 1.0], (2000, 2, 8)) * np.array([[1.0], [100.0]])
        _steps = iter(_noise)
        path = method(lambda x: next(_steps) + decay_in_slope * x, np.ones((2, 8)), 1e-3, 2000, **settings)
        return path[-1].mean(1)

    left = {"decay in the slope": shrunk(adam, 0.5), "AdamW": shrunk(adamw, 0.0, weight_decay=0.5)}
    _untouched = np.exp(-1e-3 * 0.5 * 2000)
    assert np.abs(left["AdamW"] - _untouched).max() < 0.1, "both lose the same part: 0.37 is left"
    assert left["decay in the slope"][1] > 0.8, "the weight with the large slopes does not shrink"
    plots.value_bars(
        {name: dict(zip(["small slopes", "large slopes"], two.tolist(), strict=True)) for name, two in left.items()},
        y="what is left of 1",
        title="Two ways to let weights decay",
    )
    return left, shrunk


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Turn the valley from 0 to 45 degrees: the straight way to the bottom bends into the valley, and then creeps along it.
    - In the first code, add a slope of `1e-9`: its step is shorter, because the $\varepsilon$ of 1e-8 is then larger than the slope.
    - Give `adam` a `beta1` of 0: without a mean of the slopes it is RMSprop with its beginning repaired.

    Write it yourself: `groundup learn start adam`
    """)
    return


if __name__ == "__main__":
    app.run()
