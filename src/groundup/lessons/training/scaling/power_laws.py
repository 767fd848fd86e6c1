"""Lesson: a loss that falls by the same factor with every doubling, and the floor that bends it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Power laws: the same factor for every doubling", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.training.scaling.power_laws import doublings, fit_power_law, fit_score, line_in_logs
    from groundup.training.scaling.published import KAPLAN


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Power laws: the same factor for every doubling

    How good will a model be that is ten times larger? Afterwards you can fit the law that answers, you know what the floor under it
    does to the fit, and why a task's score follows the loss along an S.
    """)
    return


@app.cell
def _():
    _kaplan = KAPLAN["parameters"]
    factor = _kaplan.loss(2e9) / _kaplan.loss(1e9)
    needed = doublings(_kaplan.a, 0.5)
    mo.md(
        f"In 2020 the loss of language models was measured to fall as the number of parameters to the power of **-{_kaplan.a}**. Twice the "
        f"parameters take **{1 - factor:.1%}** off; to halve the loss one has to double **{needed:.0f}** times, which is "
        f"{2**needed:,.0f} times the parameters."
    )
    return factor, needed


@app.cell
def _(factor, needed):
    assert abs(factor - 2**-0.076) < 1e-9
    assert 13 < needed < 14
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A line in logarithms

    $L = (c / x)^a$ is curved on plain axes. Its logarithm is not: $\log L = a \log c - a \log x$. So the exponent is a slope, and a slope is
    found by least squares. Four points by hand: each time $x$ grows tenfold, the loss halves.
    """)
    return


@app.cell
def _():
    slope, height = line_in_logs(np.array([1.0, 10.0, 100.0, 1000.0]), np.array([8.0, 4.0, 2.0, 1.0]))
    mo.md(f"The slope is {slope:.3f}, which is $-\\log 2 / \\log 10$, and at $x = 1$ the line is at {height:.1f}.")
    return height, slope


@app.cell
def _(height, slope):
    assert abs(slope + np.log(2) / np.log(10)) < 1e-12
    assert abs(height - 8) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The floor

    Text has an entropy: no model can lose less. So the law is $L = E + (c / x)^a$, and near $E$ the line bends. Whoever lays a straight line
    through the plain logarithms finds an exponent that is too small, and the more so the higher the floor. Choose it.
    """)
    return


@app.cell
def _():
    floor = mo.ui.slider(steps=[0.0, 0.25, 0.5, 1.0, 2.0], value=0.5, label="floor E", show_value=True)
    floor
    return (floor,)


@app.cell
def _(floor):
    sizes = np.geomspace(1e4, 1e8, 12)
    _noise = np.exp(np.random.default_rng(0).normal(0, 0.003, 12))
    losses = (floor.value + (1e5 / sizes) ** 0.3) * _noise
    straight, _at_one = line_in_logs(sizes, losses)
    bent = fit_power_law(sizes, losses, times=0)
    plots.lines(
        sizes,
        {"measured": losses, "a line in logarithms": _at_one * sizes**straight, "with a floor": bent.loss(sizes)},
        x="size",
        y="loss",
        log_x=True,
        log_y=True,
        title=f"Planted exponent 0.3: the line says {-straight:.2f}, the law with a floor {bent.a:.2f}",
    )
    return bent, losses, sizes, straight


@app.cell
def _(bent, floor, straight):
    assert abs(bent.a - 0.3) < 0.05
    assert floor.value == 0 or -straight < 0.25
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Known, not fitted

    A floor that has to be fitted makes everything else unsure: a lower floor with a smaller exponent looks nearly the same over two
    decades. Where the floor is known, hold it. Of groundup's small world the entropy is exact, so there it is. How sure a fit is shows when
    the points are drawn again with replacement and fitted anew, two hundred times.
    """)
    return


@app.cell
def _(floor, losses, sizes):
    _fitted, _held = (fit_power_law(sizes, losses, floor=level, times=100) for level in (None, max(floor.value, 1e-9)))
    ranges = {name: law.interval("a") for name, law in (("fitted floor", _fitted), ("known floor", _held))}
    mo.md(
        "| | 90 % of the exponents lie between |\n|---|---|\n"
        + "\n".join(f"| {name} | {low:.3f} and {high:.3f} |" for name, (low, high) in ranges.items())
    )
    return (ranges,)


@app.cell
def _(floor, ranges):
    widths = {name: high - low for name, (low, high) in ranges.items()}
    assert floor.value == 0 or widths["known floor"] < widths["fitted floor"]  # no floor is found exactly: it cannot be lower
    return (widths,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From the loss to a score

    What people want to know is a score: how many questions are answered. It follows the loss, and not along a line: at a high loss it
    stays at chance, then it climbs, then it is near its best. Four models fix the S, and a fifth can be told beforehand.
    """)
    return


@app.cell
def _():
    _model_losses = np.array([3.0, 2.6, 2.2, 1.9])
    _measured_scores = 0.25 + 0.7 / (1 + np.exp(4 * (_model_losses - 2.1)))
    curve = fit_score(_model_losses, _measured_scores, chance=0.25, top=0.95)
    fifth = float(curve.score(1.6))
    _across = np.linspace(1.2, 3.4, 50)
    plots.lines(
        _across,
        {"score": curve.score(_across)},
        x="loss",
        y="score",
        levels={"chance": 0.25},
        title=f"At a loss of 1.6: {fifth:.0%}",
    )
    return curve, fifth


@app.cell
def _(curve, fifth):
    assert abs(fifth - (0.25 + 0.7 / (1 + np.exp(4 * (1.6 - 2.1))))) < 1e-3
    assert abs(float(curve.score(10.0)) - 0.25) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - set the floor to 0: line and law agree; at 2 the line finds a third of the exponent
    - make the noise ten times larger and look at the two intervals again
    - `groundup run sweep` measures a law of your own machine's models; size and data together are the next lesson, `parametric`

    Write it yourself: `groundup learn start line_in_logs`
    """)
    return


if __name__ == "__main__":
    app.run()
