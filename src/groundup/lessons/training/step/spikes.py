"""Lesson: steps that stand out, how a median sees them, and going back before them."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Spikes: a step that is better not taken", width="medium")

with app.setup:
    import math
    import statistics

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import Diverged
    from groundup.training.step.spikes import Rising, Watch, is_spike


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Spikes: a step that is better not taken

    A loss falls for hours, and within one step it is twice as high. Often it comes back after a thousand steps; sometimes
    never. Afterwards you know how such a step is told from an ordinary bad batch, why the mean is the wrong tool for it, and
    what skipping and going back do.
    """)
    return


@app.cell
def _():
    before = [2.0, 1.9, 2.1, 2.0, 1.8, 2.2, 2.0, 40.0]
    _mean, _spread = statistics.fmean(before), statistics.stdev(before)
    by_mean, by_median = 9.0 > _mean + 3 * _spread, is_spike(9.0, before)
    mo.md(
        f"Seven losses near 2, one of 40, and now a loss of 9. Three standard deviations above the mean is {_mean + 3 * _spread:.0f}: "
        f"nothing to see. Six deviations above the median is **{2.0 + 6 * 1.4826 * 0.1:.2f}**."
    )
    return before, by_mean, by_median


@app.cell
def _(by_mean, by_median):
    assert by_median and not by_mean, "the first spike hid the second from the mean, and not from the median"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two medians

    The **median** is the value in the middle. However wild one value becomes, the middle stays where it is. For the width the same
    trick is used a second time: take every value's distance from the median, and of these the median.

    $$\text{deviation} = 1.4826 \cdot \mathrm{median}\,|x - \mathrm{median}(x)|$$

    1.4826 is there for convenience: of values with a bell-shaped distribution half lie within $0.6745\,\sigma$ of the middle, and
    $1 / 0.6745 = 1.4826$. So the deviation is the standard deviation when nothing is wrong, and still is when something is.
    """)
    return


@app.cell
def _():
    calm = np.random.default_rng(0).normal(2.0, 0.1, 5001)

    def deviation(values):
        """1.4826 median distances from the median."""
        return 1.4826 * float(np.median(np.abs(values - np.median(values))))

    spoilt = np.concatenate([calm, np.full(250, 90.0)])  # one value in twenty is wild
    return calm, deviation, spoilt


@app.cell
def _(calm, deviation, spoilt):
    assert abs(deviation(calm) - 0.1) < 0.004, "of calm values it is the standard deviation"
    assert abs(deviation(spoilt) - 0.1) < 0.02 and spoilt.std() > 15
    mo.md(
        f"Of calm values the deviation is {deviation(calm):.3f} (drawn with 0.1). With a wild one among twenty it is "
        f"{deviation(spoilt):.3f}, and the standard deviation is **{spoilt.std():.1f}**."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far is far?

    A low factor lets ordinary batches go, which costs data; a high one lets spikes through. Here are 400 losses of a run that
    falls, with four spikes in it: of 0.3, 0.8, 2 and 6 above the curve. Move the factor.
    """)
    return


@app.cell
def _():
    factor = mo.ui.slider(steps=[1.0, 2.0, 4.0, 6.0, 10.0, 20.0], value=6.0, label="factor", show_value=True)
    factor
    return (factor,)


@app.cell
def _():
    _steps = np.arange(400)
    _noise = np.random.default_rng(3).normal(0, 0.06, 400)
    spikes = {120: 0.3, 190: 0.8, 260: 2.0, 330: 6.0}
    losses = 2 + 3 * np.exp(-_steps / 60) + _noise
    for _at, _size in spikes.items():
        losses[_at] += _size
    return losses, spikes


@app.cell
def _(factor, losses, spikes):
    _watch = Watch("skip", factor.value)
    let_go = [step for step, loss in enumerate(losses) if _watch.judge(step, float(loss), 1.0, "") == "skip"]
    found = [step for step in spikes if step in let_go]
    wrongly = [step for step in let_go if step not in spikes]
    plots.lines(
        range(len(losses)),
        {"taken": losses, "let go": [loss if step in let_go else math.nan for step, loss in enumerate(losses)]},
        x="step",
        y="loss, nats",
        marked=True,
        title=f"{len(found)} of 4 spikes found, {len(wrongly)} ordinary steps let go",
    )
    return found, let_go, wrongly


@app.cell
def _(factor, found, let_go, wrongly):
    assert {260, 330} <= set(found), "the large ones at every factor"
    assert (190 in found) == (factor.value < 10) and 120 not in found, (
        "the one of 0.3 is no more than the noise and the way down"
    )
    assert factor.value < 4 or not wrongly
    assert factor.value > 1 or len(wrongly) > 20, "one deviation: many an ordinary step"
    assert not [step for step in let_go if step < 20], "nothing is judged while there is little to compare with"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two rules do their work unseen. The window holds the last 64 steps **that were taken**: a spike that was let go does not make
    the next one look normal. And a deviation is at least 2 % of the median, so that a run whose losses hardly differ may
    still differ a little.

    ## Skip

    `on_spike = "skip"` leaves the weights and the optimiser as they were and reads the next batch. It is enough where one batch
    is broken. A NaN is treated alike. After eight in a row the ninth is no longer a spike, and the run says so:
    """)
    return


@app.cell
def _():
    _watch = Watch("skip")
    for _step in range(30):
        _watch.judge(_step, 2.0, 1.0, "")
    verdicts, sentence = [], ""
    for _step in range(30, 39):
        try:
            verdicts.append(_watch.judge(_step, math.nan if _step % 2 else 7.0, 1.0, "try half the rate"))
        except Diverged as _error:
            sentence = str(_error)
    mo.md(f"{len(verdicts)} times `{verdicts[0]}`, then: *{sentence}*")
    return sentence, verdicts


@app.cell
def _(sentence, verdicts):
    assert verdicts == ["skip"] * 8 and sentence.endswith("training diverged; try half the rate")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Go back

    Often the batch is innocent: the steps before it had brought the weights to a place from which any batch throws them. Those who
    trained PaLM went back a hundred steps and left out the batches since; the same batches, read from other weights, made no
    spike. `on_spike = "rollback"` does that by itself: the state of the last checkpoint, and on with the batch after the bad one.
    Here is a "model" of one weight, whose slope becomes steep beyond 1.5.
    """)
    return


@app.cell
def _():
    def walked(policy):
        """Losses step by step of a weight that follows its batches; batch 47 throws it over the edge."""
        batches = np.random.default_rng(5).normal(0, 0.1, 200)
        batches[47:50] = 0.75
        watch, weight, step, kept, seen = Watch(policy), 0.0, 0, (0, 0.0), []
        while step < 120:
            pulled = 0.8 * weight + batches[step + watch.jumped]
            loss = 2 + pulled**2 + (30 * (pulled - 1.5) if pulled > 1.5 else 0.0)
            verdict = watch.judge(step, loss, 1.0, "")
            if verdict == "rollback":
                watch.jumped += step + 1 - kept[0]
                step, weight = kept
                continue
            weight = pulled if verdict == "go" else weight
            seen.append((step, loss))
            step += 1
            kept = (step, weight) if step % 20 == 0 else kept
        return seen, watch.jumped

    taken = {policy: walked(policy) for policy in ("off", "skip", "rollback")}
    return taken, walked


@app.cell
def _(taken):
    _last = {policy: dict(seen) for policy, (seen, _) in taken.items()}  # what counts in the end at each step
    plots.lines(
        range(120),
        {policy: [curve[step] for step in range(120)] for policy, curve in _last.items()},
        x="step",
        y="loss",
        title="The same batches under three policies",
    )
    return


@app.cell
def _(taken):
    assert max(loss for _, loss in taken["off"][0]) > 2.9
    assert taken["rollback"][1] >= 8, "the batches from the checkpoint at step 40 to the spike are left out"
    assert max(dict(taken["rollback"][0]).values()) < 2.5, "and the curve that remains has no spike"
    assert taken["skip"][1] == 0, "skipping leaves no batch out but the bad one itself"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The loop does this with the whole state: weights, the optimiser's means, the random state, the window itself. A run that is
    killed and goes on makes the same decisions at the same steps and ends with the same bits; the count of jumped
    batches is in the checkpoint.

    ## A rate that is too high

    A spike comes and goes. A rate that is far too high does something else: the loss climbs above where it began, above
    blind guessing, and stays. That is seen after a few dozen steps, and said once.
    """)
    return


@app.cell
def _():
    _rising, said = Rising(), []
    for _step, _loss in enumerate([8.0, 8.1, 9.5, *[11.0] * 60], 1):
        if _rising.tell(_loss):
            said.append(_rising.sentence(_step, _loss, "try --set train.learning_rate=0.003"))
    assert len(said) == 1 and "at step 23" in said[0]
    mo.md(f"*{said[0]}*")
    return (said,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - The factor at 1: dozens of ordinary steps are let go. At 20 only the two large spikes are found. The one of 0.3 is never: it is
      no larger than what batches do anyway, and harmless.
    - In `walked`, keep a state every 60 steps instead of 20: more batches are left out, and the curve has no spike either.
    - `groundup run demo-fast --set train.on_spike=rollback`: nothing happens, which is as it should be.

    Write it yourself: `groundup learn start is_spike`
    """)
    return


if __name__ == "__main__":
    app.run()
