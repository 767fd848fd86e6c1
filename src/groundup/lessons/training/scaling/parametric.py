"""Lesson: size and data in one law, fitted to published coefficients and to groundup's own sweep."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Size and data in one law", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.runs.sweep import law as sweeps
    from groundup.training.scaling.parametric import chinchilla_objective, fit
    from groundup.training.scaling.published import CHINCHILLA, CHINCHILLA_AGAIN


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Size and data in one law

    $$L(N, D) = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta}$$

    Three reasons why a model is not perfect: the text is not predictable ($E$), the model is finite, the data are. Afterwards you can
    fit the five numbers, and you know how much they can be trusted.
    """)
    return


@app.cell
def _():
    _size, _tokens = 70e9, 1.4e12
    rest = CHINCHILLA_AGAIN.loss(_size, _tokens) - CHINCHILLA_AGAIN.E
    by_size, by_data = (
        CHINCHILLA_AGAIN.A / _size**CHINCHILLA_AGAIN.alpha,
        CHINCHILLA_AGAIN.B / _tokens**CHINCHILLA_AGAIN.beta,
    )
    mo.md(
        f"Chinchilla: 70 billion parameters, 1.4 trillion tokens. Of its loss of {CHINCHILLA_AGAIN.loss(_size, _tokens):.2f} nats, "
        f"**{CHINCHILLA_AGAIN.E:.2f}** are the text's own, {by_size:.2f} are there because the model is finite and {by_data:.2f} because the data are."
    )
    return by_data, by_size, rest


@app.cell
def _(by_data, by_size, rest):
    assert abs(by_size + by_data - rest) < 1e-9
    assert 0.5 < by_size / by_data < 2, "a well-shared budget leaves both about the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two papers, the same points

    The first coefficients were published in 2022, rounded; in 2024 others read the points off the figure and fitted again. The two laws
    hardly differ where models were trained, and say different things far away.
    """)
    return


@app.cell
def _():
    _budgets = np.geomspace(1e18, 1e26, 30)
    at_best = {
        name: [min(law.loss(n, c / 6 / n) for n in np.geomspace(1e6, 1e13, 300)) for c in _budgets]
        for name, law in (("2022, rounded", CHINCHILLA), ("2024, fitted again", CHINCHILLA_AGAIN))
    }
    plots.lines(
        _budgets, at_best, x="FLOPs", y="lowest loss", log_x=True, title="The best that a budget buys, by two fits"
    )
    return (at_best,)


@app.cell
def _(at_best):
    old, new = (np.array(values) for values in at_best.values())
    assert np.abs(old / new - 1)[:14].max() < 0.05
    return new, old


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The fit

    A loss is compared in logarithms, so that a per cent is a per cent everywhere, and by Huber's loss: near runs count by the square, far ones by
    their distance, so that a run that went wrong cannot bend the law. One of these thirty runs went wrong by half.
    """)
    return


@app.cell
def _():
    _sizes, _data = np.repeat(np.geomspace(5e7, 1.6e10, 6), 5), np.tile(np.geomspace(1e9, 3e11, 5), 6)
    _losses = CHINCHILLA_AGAIN.loss(_sizes, _data) * np.exp(np.random.default_rng(0).normal(0, 0.003, 30))
    _losses = np.where(np.arange(30) == 7, 1.5 * _losses, _losses)
    found = fit(_sizes, _data, _losses, times=60)
    _planted = np.array(
        [
            *np.log([CHINCHILLA_AGAIN.E, CHINCHILLA_AGAIN.A, CHINCHILLA_AGAIN.B]),
            CHINCHILLA_AGAIN.alpha,
            CHINCHILLA_AGAIN.beta,
        ]
    )
    before = chinchilla_objective(_planted, _sizes, _data, _losses)
    mo.md(
        f"Planted: $\\alpha$ = {CHINCHILLA_AGAIN.alpha}, $\\beta$ = {CHINCHILLA_AGAIN.beta}. Found: {found.law.alpha:.3f} and {found.law.beta:.3f}. The sum is "
        f"{found.objective:.5f}, lower than the {before:.5f} of the planted law: a fit also fits the noise."
    )
    return before, found


@app.cell
def _(before, found):
    assert found.objective <= before
    assert abs(found.law.alpha - CHINCHILLA_AGAIN.alpha) < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How sure

    The runs are drawn again with replacement, and fitted anew. The single coefficients are unsure, and they are so *together*: a larger $A$ comes
    with a larger $\alpha$. The forecast, in which both stand, is far surer. Choose how far ahead it looks.
    """)
    return


@app.cell
def _():
    ahead = mo.ui.slider(steps=[1, 8, 64, 512], value=8, label="times the largest run's FLOPs", show_value=True)
    ahead
    return (ahead,)


@app.cell
def _(ahead, found):
    _factors = np.geomspace(1, 2 * ahead.value, 20)
    _places = [(1.6e10 * factor**0.5, 3e11 * factor**0.5) for factor in _factors]
    _forecasts = [found.forecast(*place) for place in _places]
    value, low, high = found.forecast(1.6e10 * ahead.value**0.5, 3e11 * ahead.value**0.5)
    truth = CHINCHILLA_AGAIN.loss(1.6e10 * ahead.value**0.5, 3e11 * ahead.value**0.5)
    _low_a, _high_a = found.interval("A")
    plots.law(
        {},
        curves={"the fitted law": (_factors.tolist(), [one[0] for one in _forecasts])},
        band=(_factors.tolist(), [one[1] for one in _forecasts], [one[2] for one in _forecasts]),
        met={"the planted law": ([ahead.value], [truth])},
        x="times the largest run's operations",
        y="loss",
        title=f"A is unsure by a factor of {_high_a / _low_a:.1f}, the loss by {(high - low) / value:.1%}",
    )
    return high, low, truth, value


@app.cell
def _(high, low, truth, value):
    assert low < truth < high
    assert abs(value / truth - 1) < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A law of our own

    `groundup run sweep` trains small models of several sizes, each with several budgets. Their text comes from a grammar whose entropy is exact:
    the law's floor
    is at least that. Whether a law through short runs ends just there is another question; look at its range.
    The table behind this picture comes with groundup.
    """)
    return


@app.cell
def _():
    sweep = sweeps.read()
    sweeps.picture(sweep)
    return (sweep,)


@app.cell
def _(sweep):
    own = sweeps.fit_of(sweep["law"])
    assert own.law.E >= sweep["floor"]
    assert all(row["value"] > sweep["floor"] for row in sweep["runs"])
    mo.md("\n".join(f"- {sentence}" for sentence in sweeps.sentences(sweep)))
    return (own,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - look 512 times ahead: the interval widens, and the truth is still in it, because the law was planted; of real runs nobody knows
    - give `fit` a floor: `floor=1.8172`; the intervals of the exponents shrink
    - `groundup run sweep --set sweep.seeds=[1]`, and compare your own law with the one above

    Write it yourself: `groundup learn start chinchilla_objective`
    """)
    return


if __name__ == "__main__":
    app.run()
