"""Lesson: the learning rate over a run, why it rises at first and falls at the end."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Schedules: far first, then exactly", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.config import TrainConfig
    from groundup.training.schedules import (
        SCHEDULES,
        batches_at,
        batches_before,
        cosine,
        linear,
        rate_factor,
        warmup,
        warmup_stable_decay,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Schedules: far first, then exactly

    The learning rate is not one number but a curve over the run. Afterwards you can draw the four common ones, say what their
    beginning and their end are for, and choose one whose length you need not know in advance.
    """)
    return


@app.cell
def _():
    def descend(factors, rate=0.5, noise=0.2, runs=64):
        """Mean loss before each step, of runs down a bowl of 50 directions (curvatures 0.01 to 1) with noisy gradients."""
        source = torch.Generator().manual_seed(0)
        curvature = torch.logspace(-2, 0, 50)
        weights, losses = torch.ones(runs, 50), []
        for factor in factors:
            losses = [*losses, (curvature * weights**2).sum(1).mean().item() / 2]
            gradient = curvature * weights + noise * torch.randn(runs, 50, generator=source)
            weights = weights - rate * factor * gradient
        return losses

    steady = descend([1.0] * 400)
    falling = descend([warmup_stable_decay(step, 400, 0, 0.2) for step in range(400)])
    mo.md(
        "Two runs of 400 steps are the same for 320 steps. Then one keeps its learning rate, and the other lets it fall to 0. The "
        f"loss of the second ends **{steady[-1] / falling[-1]:.1f} times** lower, although it moved less."
    )
    return descend, falling, steady


@app.cell
def _(falling, steady):
    assert falling[:320] == steady[:320]
    assert falling[-1] < steady[-1] / 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why fall

    A gradient comes from a few texts, so it is partly noise. A step of fixed length then never arrives: the weights shake
    about the bottom, the wider the larger the rate. A small rate from the beginning would not shake, and not get anywhere.
    So: a large rate for the way, then less and less of it. Choose how much of the run falls.
    """)
    return


@app.cell
def _():
    fraction = mo.ui.slider(
        steps=[0.02, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0],
        value=0.2,
        label="part of the run in which the rate falls",
        show_value=True,
    )
    fraction
    return (fraction,)


@app.cell
def _(descend, fraction, steady):
    chosen = descend([warmup_stable_decay(step, 400, 0, fraction.value) for step in range(400)])
    small = descend([0.05] * 400)
    plots.lines(
        range(400),
        {"stays high": steady, "always small": small, f"falls in the last {fraction.value:.0%}": chosen},
        x="step",
        y="loss",
        log_y=True,
        title=f"The end: {steady[-1]:.2f}, {small[-1]:.2f} and {chosen[-1]:.2f}",
    )
    return chosen, small


@app.cell
def _(chosen, small, steady):
    assert chosen[-1] < steady[-1], "to fall at the end is always better than to stay"
    assert chosen[-1] < small[-1], "and than to have been slow all the way"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four curves

    A schedule is a pure function: step in, a factor between 0 and 1 of the peak rate out. Nothing is remembered, so a resumed run
    has the rate that it would have had. The first step already moves; only the step after the last would have 0.

    - **constant**: rise, stay
    - **linear**: rise, fall evenly
    - **cosine**: rise, fall slowly, fast, slowly: $(1 + \cos \pi t) / 2$, $t$ from 0 to 1
    - **wsd**: warm up, stay stable, decay over the last part
    """)
    return


@app.cell
def _():
    curves = {name: [function(step, 100, 10, 0.4) for step in range(101)] for name, function in SCHEDULES.items()}
    plots.lines(range(101), curves, x="step", y="part of the peak rate", title="100 steps, the first 10 a warm-up")
    return (curves,)


@app.cell
def _(curves):
    assert [warmup(step, 4) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert all(0 < value <= 1 for curve in curves.values() for value in curve[:-1])
    assert [round(curve[-1], 9) for curve in curves.values()] == [1.0, 0.0, 0.0, 0.0]
    assert all(math.isclose(cosine(step, 80), (1 + math.cos(math.pi * step / 80)) / 2) for step in range(80))
    _config = TrainConfig(steps=100, warmup_steps=10, schedule="wsd", decay_fraction=0.4)
    assert [rate_factor(_config, step) for step in range(101)] == curves["wsd"], "what the training loop asks for"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why rise

    At the start the weights stand where it is steep; a rate that is right later throws them out. The smallest network in
    which this happens has two weights in a row: $(w_1 w_2 - 1)^2 / 2$, from $w_1 = w_2 = 4$. There the curvature is 47, at the
    goal (1, 1) it is 2, and a rate of 2 over the curvature is the limit: 1 there. Which peak rate does it bear, after how long a warm-up?
    """)
    return


@app.cell
def _():
    def arrives(rate, warmup_steps):
        """Whether 200 steps end near w1 w2 = 1."""
        first = second = 4.0
        for step in range(200):
            slope = rate * warmup(step, warmup_steps) * (first * second - 1)
            first, second = first - slope * second, second - slope * first
            if abs(first) > 1e6:
                return False
        return abs(first * second - 1) < 1e-3

    tried = [round(0.02 * number, 2) for number in range(1, 51)]

    def bearable(warmup_steps):
        """The largest of the tried rates up to which every one arrives."""
        bad = [rate for rate in tried if not arrives(rate, warmup_steps)]
        return max([rate for rate in tried if rate < min(bad, default=2.0)], default=0.0)

    highest = {f"{steps}": bearable(steps) for steps in (0, 2, 5, 10, 20, 40)}
    plots.value_bars(
        {"rate": highest}, x="steps of warm-up", y="highest peak rate", title="A warm-up bears a higher rate"
    )
    return arrives, bearable, highest, tried


@app.cell
def _(highest):
    _rates = list(highest.values())
    assert (
        all(after >= before for before, after in zip(_rates, _rates[1:], strict=False)) and _rates[-1] >= 5 * _rates[0]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The end must be known, or need not

    A cosine falls from the first step on, so its length is decided before it begins. Stop it half-way, and the rate is still high: the
    run has paid and not been given its end. The stable part of wsd is the same whatever the length: fall whenever you like.
    """)
    return


@app.cell
def _(descend):
    stopped = descend([cosine(step, 800) for step in range(400)])[-1]
    planned = descend([cosine(step, 400) for step in range(400)])[-1]
    wsd = descend([warmup_stable_decay(step, 400, 0, 0.6) for step in range(400)])[-1]
    mo.md(
        f"Step 400 of a cosine planned for 800: loss **{stopped:.3f}**. Planned for 400: {planned:.3f}. Warm-up-stable-decay that "
        f"began to fall at step 160, a decision of step 160: {wsd:.3f}."
    )
    return planned, stopped, wsd


@app.cell
def _(planned, stopped, wsd):
    assert stopped > 1.5 * planned
    assert wsd < (planned + stopped) / 2, "decided on the way, and much nearer to the one that was planned"
    return


@app.cell
def _():
    lengths = [250, 500, 1000]
    _steps = np.arange(1000)
    branches = {
        f"{length} steps": [warmup_stable_decay(step, length, 20, 0.2) if step <= length else np.nan for step in _steps]
        for length in lengths
    }
    plots.lines(_steps, branches, x="step", y="part of the peak rate", title="One trunk, three lengths")
    return branches, lengths


@app.cell
def _(branches, lengths):
    _short, _middle, _long = branches.values()
    assert _short[:200] == _middle[:200] == _long[:200], "until the fall they are one run"
    assert linear(100, 250) != linear(100, 1000) and cosine(100, 250) != cosine(100, 1000)
    trunk, tails = round(0.8 * max(lengths)), sum(round(0.2 * length) for length in lengths)
    assert trunk + tails < 0.7 * sum(lengths)
    mo.md(
        f"Three finished models of {', '.join(map(str, lengths))} steps: {sum(lengths):,} steps with three cosines, **{trunk + tails:,}** "
        "with one trunk and three falls."
    )
    return tails, trunk


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The batch can be scheduled too

    At the beginning every text says the same about where to go, and one batch a step is enough; late in a run texts contradict each
    other, and their mean over more rows is worth the wait. So the number of batches that a step sums may grow. It stays a pure function
    of the step, and so does the question which batches a step reads: as many as all steps before it have read come first.
    """)
    return


@app.cell
def _():
    _steps = list(range(60))
    sizes = [batches_at(step, 8, 40) for step in _steps]
    firsts = [batches_before(step, 8, 40) for step in _steps]
    assert all(firsts[step] + sizes[step] == firsts[step + 1] for step in range(59)), "none twice, none left out"
    assert firsts[40] < 0.6 * 8 * 40
    plots.lines(
        _steps,
        {"batches in a step": sizes},
        x="step",
        y="batches",
        title=f"From 1 to 8: {firsts[40]} batches in 40 steps instead of 320",
    )
    return firsts, sizes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Fall in the last 2 %: a fifth of the loss is gone already. In 100 %: less still, for here the way is short and noise is all that is left.
    - Set `noise` to 0: now falling costs, since it shortens the way and there is nothing to calm.
    - You may be told to stop at any step, and an hour before. Which schedule do you choose?

    Write them yourself: `groundup learn start cosine`, then `groundup learn start warmup_stable_decay`
    """)
    return


if __name__ == "__main__":
    app.run()
