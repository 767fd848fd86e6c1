"""Lesson: walking downhill by the slope alone, how long a step may be, and what it costs to look at few examples."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A step against the slope", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.gradient_descent import (
        expected_noise,
        gradient_descent,
        gradient_noise,
        stochastic_gradient_descent,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A step against the slope

    A model learns by one move, made very often: find out in which direction the error rises, and step the other way.
    Afterwards you know how long such a step may be, why a little longer ruins everything, and why training looks at a few
    examples at a time although all of them would give a better direction.
    """)
    return


@app.cell
def _():
    _short, _long = (gradient_descent(lambda x: 2 * x, np.array([1.0]), rate, 200)[-1, 0] for rate in (0.98, 1.02))
    ends = abs(_short), abs(_long)
    mo.md(
        f"Two walkers stand in the valley $x^2$, one metre from its bottom, and take 200 steps. One multiplies the slope by "
        f"0.98 and ends **{ends[0]:.4f}** metres from the bottom; the other by 1.02, and ends **{ends[1]:,.0f}** metres away."
    )
    return (ends,)


@app.cell
def _(ends):
    assert ends[0] < 0.001 and ends[1] > 1000
    assert np.allclose(ends, [0.96**200, 1.04**200])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three steps by hand

    The height is $f(x) = x^2$. Its slope at $x$ is $2x$: at 4 the ground rises by 8 for each unit to the right, so down is
    to the left. A step is

    $$x \leftarrow x - \text{rate} \cdot \text{slope}$$

    With rate 0.25, from 4: $4 - 0.25 \cdot 8 = 2$, then $2 - 0.25 \cdot 4 = 1$, then 0.5. Every step halves the distance,
    since $x - 0.25 \cdot 2x = 0.5\,x$. The steps become short by themselves: near the bottom the slope is small.
    """)
    return


@app.cell
def _():
    by_hand = gradient_descent(lambda x: 2 * x, np.array([4.0]), rate=0.25, steps=3)
    assert by_hand.ravel().tolist() == [4, 2, 1, 0.5]
    by_hand
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How long a step may be

    In general a step multiplies $x$ by $1 - 2 \cdot \text{rate}$. Four things can happen: between 0 and 1 it slides down
    on its side; at 0 it arrives at once; between 0 and -1 it jumps across the valley and comes closer all the same; below
    -1 every jump ends higher than it began. Move the rate through all four.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(0.05, 1.05, step=0.05, value=0.9, label="rate", show_value=True)
    rate
    return (rate,)


@app.cell
def _(rate):
    walked = gradient_descent(lambda x: 2 * x, np.array([1.0]), rate.value, 12)[:, 0]
    plots.lines(
        range(13),
        {"where it stands": walked},
        x="step",
        y="x",
        levels={"bottom": 0.0},
        marked=True,
        title=f"Each step multiplies x by {1 - 2 * rate.value:.1f}",
    )
    return (walked,)


@app.cell
def _(rate, walked):
    assert np.allclose(walked, (1 - 2 * rate.value) ** np.arange(13))
    assert (abs(walked[-1]) < 1) == (rate.value < 1), (
        "below 1 it comes closer, at 1 it jumps to and fro, above it flies out"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The limit is $2 / L$, with $L$ the curvature: how fast the slope itself changes, here 2. In a model of millions of
    weights the steepest direction sets the limit for all of them. That is why a rate that is too high (in training it is
    called the **learning rate**) shows as a loss that explodes, not as one that falls a little worse.

    ## Many examples: the slope is a mean

    Now something to learn: 200 points near the line $y = 2x - 1$. The model is $y = wx + b$, its error the mean of the squared
    distances, and the slope of a mean is the mean of the slopes, one for each example. By the chain rule the slope of
    $\text{miss}^2$ is $2 \cdot \text{miss}$ times what the weight does to the miss: $x$ for $w$, 1 for $b$. (With several weights
    "the slope" is the gradient, a slope for each of them.) All 200 for one step is *batch* descent; one is *stochastic*; some are
    a *mini-batch*.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    inputs = _generator.uniform(-1, 3, 200)
    targets = 2 * inputs - 1 + _generator.normal(0, 0.7, 200)

    def mean_slope(weights, rows):
        """The slope of the error of these examples, for w and b."""
        misses = weights[0] * inputs[rows] + weights[1] - targets[rows]
        return np.array([np.mean(2 * misses * inputs[rows]), np.mean(2 * misses)])

    best = np.polyfit(inputs, targets, 1)
    assert np.abs(mean_slope(best, np.arange(200))).max() < 1e-9, "at the best line the mean slope is 0"
    best
    return best, inputs, mean_slope, targets


@app.cell
def _():
    size = mo.ui.dropdown(["1", "4", "16", "64", "200"], value="4", label="examples a step")
    size
    return (size,)


@app.cell
def _(best, inputs, mean_slope, size, targets):
    path = stochastic_gradient_descent(mean_slope, np.array([-1.0, 2.0]), 0.08, 150, 200, int(size.value))
    _ws, _bs = np.linspace(-2, 4, 40), np.linspace(-3, 3, 40)
    _misses = _ws[None, :, None] * inputs + _bs[:, None, None] - targets
    plots.contour_map(
        _ws,
        _bs,
        np.log((_misses**2).mean(2)),
        paths={f"{size.value} a step": path, "best line": best[None]},
        x="w",
        y="b",
        title="The way of 150 steps (lines: logarithm of the error)",
    )
    return (path,)


@app.cell
def _(best, mean_slope, path, size):
    assert np.linalg.norm(path[-1] - best) < 1.5, "every batch size finds the valley"
    _exact = gradient_descent(lambda weights: mean_slope(weights, np.arange(200)), np.array([-1.0, 2.0]), 0.08, 150)
    assert np.allclose(path, _exact) == (size.value == "200"), "with all examples nothing is left to chance"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What chance costs

    A mini-batch's slope is right on average and wrong each time. Its variance, the mean squared distance from that average,
    is $\sigma^2 / B$ for $B$ examples, with $\sigma^2$ for that of a single one (times a correction for drawing without putting back,
    which makes it 0 when all are drawn): four times the examples halve the error of the direction, and cost four times the
    work. So the first examples of a batch buy most.
    """)
    return


@app.cell
def _(best, mean_slope):
    sizes = [1, 2, 4, 8, 16, 32, 64]
    measured = [gradient_noise(mean_slope, best, 200, size, draws=250) for size in sizes]
    promised = [expected_noise(mean_slope, best, 200, size) for size in sizes]
    assert np.allclose(measured, promised, rtol=0.25)
    plots.lines(
        sizes,
        {"250 draws": measured, "by formula": promised},
        x="examples a step",
        y="variance of the slope",
        log_x=True,
        log_y=True,
        marked=True,
        title="Noise of the slope at the best line",
    )
    return measured, promised, sizes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why the rate falls towards the end

    With a fixed rate and a few examples the walker never rests: it hovers about the minimum, as far as the noise throws it.
    A rate that falls lets it come to rest. Every training run of a language model ends with a falling rate for this reason.
    """)
    return


@app.cell
def _(best, mean_slope):
    def _distance(rate):
        """How far the last 200 of 2,000 steps stay from the best line, the mean over 2 seeds."""
        runs = [stochastic_gradient_descent(mean_slope, best, rate, 2000, 200, 4, seed=seed) for seed in range(2)]
        return float(np.mean([np.linalg.norm(run[-200:] - best, axis=1).mean() for run in runs]))

    fixed, falling = _distance(0.08), _distance(lambda step: 0.08 / (1 + step / 50))
    assert falling < fixed / 2
    mo.md(
        "2,000 steps of 4 examples, begun at the best line itself: over the last 200 one is "
        f"**{fixed:.3f}** away from it at a fixed rate, **{falling:.3f}** at a falling one."
    )
    return falling, fixed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rate 0.5: one step, and it stands at the bottom. Rate 1: it jumps between 1 and -1 for ever.
    - Examples a step from 1 to 200: the way becomes a smooth curve, and ends at nearly the same place after the first few.
    - In the first picture, start at 1,000 in place of 1. The number of steps to halve the distance does not change.

    Write it yourself: `groundup learn start gradient_descent`
    """)
    return


if __name__ == "__main__":
    app.run()
