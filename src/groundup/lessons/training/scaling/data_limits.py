"""Lesson: what reading the same text again is worth."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="When the data run out", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.training.scaling.data_limits import (
        REPEATS,
        best_size_for,
        data_constrained_loss,
        effective_size,
        effective_tokens,
        epoch_worth,
        fit_repeats,
        turn,
    )
    from groundup.training.scaling.published import DATA_CONSTRAINED


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # When the data run out

    Text ends before operations do. Afterwards you know what a second and a tenth reading are worth, how to find it from runs, and when a
    model stops learning and learns by heart.
    """)
    return


@app.cell
def _():
    worth = {epochs: effective_tokens(1.0, float(epochs)) for epochs in (1, 4, 16, 64)}
    mo.md(
        f"Reading a text four times is worth as much as **{worth[4]:.2f}** times as much fresh text, sixteen times {worth[16]:.1f}, 64 times {worth[64]:.1f}. "
        f"More than {1 + REPEATS:.1f} it never is."
    )
    return (worth,)


@app.cell
def _(worth):
    assert 3.5 < worth[4] < 4 and worth[16] < 12 and worth[64] < 1 + REPEATS
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A decay

    Say each repetition is worth the same share $\delta$ less than the one before. Their sum is that of a geometric series, and in the limit

    $$D' = U + U R^* \left(1 - e^{-R / R^*}\right)$$

    with $U$ different tokens, read again $R$ times. Muennighoff and others measured $R^* = 15.4$ on four hundred runs. The worth of single readings:
    """)
    return


@app.cell
def _():
    decay = mo.ui.slider(steps=[2.0, 5.0, 15.387756, 50.0], value=15.387756, label="R*", show_value=True)
    decay
    return (decay,)


@app.cell
def _(decay):
    _epochs = np.arange(1, 61)
    tokens = [effective_tokens(1.0, float(count), decay.value) for count in _epochs]
    plots.lines(
        _epochs,
        {"worth of all readings": tokens, "if each were fresh": _epochs.astype(float)},
        x="readings",
        y="fresh texts",
        log_x=True,
        log_y=True,
        levels={"limit": 1 + decay.value},
        title=f"The tenth reading is worth {epoch_worth(10, decay.value):.0%} of a fresh text",
    )
    return (tokens,)


@app.cell
def _(decay, tokens):
    assert tokens[0] == 1 and all(np.diff(tokens) > 0)
    assert tokens[-1] < 1 + decay.value
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## More text or a larger model

    Parameters beyond what is best for the text decay too, and faster. With a hundred million different tokens and ten times the operations that
    are best for them: read more often, or take a larger model? The law of size and data is asked at the effective size and the effective tokens.
    """)
    return


@app.cell
def _():
    _unique = 1e8
    base = best_size_for(DATA_CONSTRAINED, _unique)
    factors = np.geomspace(0.5, 20, 40)
    constrained = [data_constrained_loss(DATA_CONSTRAINED, base * f, _unique * 10 / f, _unique) for f in factors]
    unlimited = [float(DATA_CONSTRAINED.loss(base * f, _unique * 10 / f)) for f in factors]
    plots.lines(factors, {"this text only": constrained, "fresh text": unlimited}, x="times the size that is best for one reading", y="loss", log_x=True,
                title=f"Best: {factors[int(np.argmin(constrained))]:.1f} times; with fresh text {factors[int(np.argmin(unlimited))]:.1f}")  # fmt: skip
    return base, constrained, factors, unlimited


@app.cell
def _(base, constrained, factors, unlimited):
    assert min(constrained) > min(unlimited)
    assert factors[int(np.argmin(constrained))] < factors[int(np.argmin(unlimited))] * 1.01
    assert effective_size(DATA_CONSTRAINED, 1e8, 20 * base) < 20 * base
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Found from runs

    $R^*$ is no constant of nature: it depends on the model, the text and the regularisation. Eight runs, each with its size, tokens, different tokens
    and loss, are enough to find it when the law of fresh data is known.
    """)
    return


@app.cell
def _(decay):
    _different, _read = np.repeat([1e8, 4e8], 4), np.tile([1.0, 4.0, 16.0, 50.0], 2)
    _losses = [
        DATA_CONSTRAINED.loss(1e7, effective_tokens(u, u * e, decay.value))
        for u, e in zip(_different, _read, strict=True)
    ]
    _losses = np.array(_losses) * np.exp(np.random.default_rng(0).normal(0, 1e-4, 8))
    repeats = fit_repeats(DATA_CONSTRAINED, np.full(8, 1e7), _different * _read, _different, _losses)
    mo.md(
        f"Planted {decay.value:.1f}, found **{repeats.repeats:.1f}**; the runs lie {repeats.residual:.3%} from the law."
    )
    return (repeats,)


@app.cell
def _(decay, repeats):
    assert abs(repeats.repeats / decay.value - 1) < 0.1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By heart

    $D'$ levels off; a real model does worse. A table of pairs of characters with half as many entries again as the text has pairs knows its text by
    heart: on the text itself more and more likely, on new text worse from some reading on. Here both are followed while the counts are trusted
    more with each reading.
    """)
    return


@app.cell
def _():
    _drawn = np.random.default_rng(3)
    _truth = _drawn.dirichlet(np.full(30, 0.3), size=30)
    _pairs = [
        np.array([np.bincount(_drawn.choice(30, count, p=row), minlength=30) for row in _truth]) for count in (20, 400)
    ]
    entries, pairs_read = _truth.size, int(_pairs[0].sum())
    _steps, seen, new, _logits = range(150), [], [], np.zeros((30, 30))
    for _ in _steps:
        _chances = np.exp(_logits) / np.exp(_logits).sum(1, keepdims=True)
        seen = [*seen, -float((_pairs[0] * np.log(_chances)).sum() / _pairs[0].sum())]
        new = [*new, -float((_pairs[1] * np.log(_chances)).sum() / _pairs[1].sum())]
        _logits = _logits + 2 * (_pairs[0] / _pairs[0].sum(1, keepdims=True) - _chances)
    plots.lines(
        list(_steps),
        {"the text it reads": seen, "new text": new},
        x="readings",
        y="nats",
        title=f"On new text it is best after {turn(new)} readings",
    )
    return entries, new, pairs_read, seen


@app.cell
def _(entries, new, pairs_read, seen):
    assert entries == 1.5 * pairs_read, "half as many entries again as the text has pairs"
    assert all(np.diff(seen) < 0), "on what it reads it only becomes better"
    assert 0 < turn(new) < 149 and new[-1] > new[turn(new)] + 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - set R* to 2: after five readings nearly all is won; at 50 twenty readings are nearly fresh
    - `groundup run sweep --set data.tinyworld_bytes=400000`: the longest runs read their text many times; compare the floor that is left

    Write it yourself: `groundup learn start effective_tokens`
    """)
    return


if __name__ == "__main__":
    app.run()
