"""Lesson: bias and variance: too stiff, too nervous, or the answers are noisy; measured by fitting again and again."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Bias and variance: two ways to be wrong", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.bias_variance import decompose, measure, polynomial


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Bias and variance: two ways to be wrong

    A model can be wrong because it cannot say the truth, or because it believes every accident of its examples. Afterwards you can take the
    error of a model apart into these two and into noise, by hand and by experiment, and say what moves one into the other.
    """)
    return


@app.cell
def _():
    def wave(x):
        """The truth, which in real life nobody has."""
        return np.sin(3 * x)

    places, asked, spread = np.linspace(-1, 1, 25), np.linspace(-1, 1, 101), 0.3
    parts, guesses = {}, {}
    for _degree in (1, 3, 15):
        _found, _all = measure(polynomial(_degree), wave, places, asked, spread)
        parts, guesses = parts | {_degree: _found}, guesses | {_degree: _all}
    mo.md(
        f"25 noisy points of a wave, fitted by polynomials, 200 times over with new noise. Averaged over the 200, the one of degree 15 is off by only "
        f"{parts[15].bias_squared:.4f} (squared), the one of degree 3 by {parts[3].bias_squared:.4f}. Yet the squared error of a single fit is at degree 15 "
        f"**{(parts[15].bias_squared + parts[15].variance) / (parts[3].bias_squared + parts[3].variance):.1f} times** as large, on average."
    )
    return asked, guesses, parts, places, spread, wave


@app.cell
def _(parts):
    assert parts[15].bias_squared < parts[3].bias_squared < parts[1].bias_squared
    assert parts[15].variance > parts[3].variance > parts[1].variance
    assert parts[15].bias_squared + parts[15].variance > 4 * (parts[3].bias_squared + parts[3].variance)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two guesses, by hand

    The truth is 5. Two fits, on two draws of the data, say 6 and 10. Their mean is 8.

    - the mean is off by 3: **bias**, squared 9. More luck does not repair it.
    - each guess is 2 away from the mean: **variance** 4. Another draw, another guess.
    - the mean squared error is $((6 - 5)^2 + (10 - 5)^2) / 2 = 13$, and that is $9 + 4$.

    It always adds up. Judged against noisy answers, the variance of the **noise** comes on top, and nobody can remove it.
    """)
    return


@app.cell
def _():
    by_hand = decompose([[6.0], [10.0]], [5.0])
    assert by_hand.bias_squared == 9
    assert by_hand.variance == 4
    assert by_hand.total == ((6 - 5) ** 2 + (10 - 5) ** 2) / 2
    f"bias squared {by_hand.bias_squared:g} + variance {by_hand.variance:g} = {by_hand.total:g}"
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## See both

    Ten of the 200 fits (grey), their mean over all 200, and the truth. A stiff model gives the same wrong line every time. A nervous one gives
    another curve every time, and only the mean of them is right; but one has just one draw of the data, and so just one of the grey curves.
    """)
    return


@app.cell
def _():
    degree = mo.ui.slider(1, 15, step=2, value=1, label="degree", show_value=True)
    degree
    return (degree,)


@app.cell
def _(asked, degree, places, spread, wave):
    shown, fits = measure(polynomial(degree.value), wave, places, asked, spread)
    _lines = np.concatenate(
        [np.column_stack([asked, wave(asked)])[::4], np.column_stack([asked, fits.mean(axis=0)])[::4]]
    )
    plots.scatter(
        _lines,
        groups=["the truth"] * 26 + ["mean of 200 fits"] * 26,
        paths=[np.column_stack([asked, np.clip(one, -2, 2)]) for one in fits[:10]],
        title=f"Degree {degree.value}: bias² {shown.bias_squared:.4f}, variance {shown.variance:.4f}",
    )
    return fits, shown


@app.cell
def _(degree, fits, places, shown, spread, wave):
    assert abs(((fits - wave(np.linspace(-1, 1, 101))) ** 2).mean() - shown.bias_squared - shown.variance) < 1e-9, (
        "exactly"
    )
    assert abs(shown.measured / shown.total - 1) < 0.05, "against fresh noisy answers, up to luck"
    _at_points, _ = measure(polynomial(degree.value), wave, places, places, spread, trials=400)
    _rule = spread**2 * (degree.value + 1) / 25
    assert abs(_at_points.variance / _rule - 1) < 0.2
    mo.md(
        f"bias² {shown.bias_squared:.4f} + variance {shown.variance:.4f} + noise {shown.noise:.4f} = **{shown.total:.4f}**; "
        f"measured on fresh answers: {shown.measured:.4f}. "
        f"At the 25 points themselves the variance is {_at_points.variance:.4f}; the rule noise · weights / points says {_rule:.4f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The trade

    With each degree the bias falls and the variance rises. Their sum has a lowest place, and that is all that cross-validation can see: with
    real data nobody can look at the two apart.
    """)
    return


@app.cell
def _(asked, places, spread, wave):
    degrees = list(range(1, 13))
    trade = [measure(polynomial(one), wave, places, asked, spread, trials=100)[0] for one in degrees]
    sums = [one.bias_squared + one.variance for one in trade]
    best = degrees[int(np.argmin(sums))]
    assert 3 <= best <= 7
    assert trade[0].bias_squared > 10 * trade[4].bias_squared
    assert trade[-1].variance > 2 * trade[2].variance
    plots.lines(
        degrees,
        {"bias²": [one.bias_squared for one in trade], "variance": [one.variance for one in trade], "both": sums},
        log_y=True, x="degree", y="mean square", marked=True, title=f"The sum is smallest at degree {best}",
    )  # fmt: skip
    return best, degrees, sums, trade


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What moves it

    A penalty on large weights (lesson *penalties*) makes the nervous model stiffer again: a little bias for much less variance. More data
    takes away variance and costs no bias. That is why large models need much data, and why with much data they are the better ones. (A mean
    over 60 fits still trembles by a sixtieth of the variance. Without a penalty, degree 15 has hardly any bias, and what is shown for it is
    that trembling.)
    """)
    return


@app.cell
def _():
    kind = mo.ui.radio(["penalty", "points"], value="penalty", label="what is changed, at degree 15")
    kind
    return (kind,)


@app.cell
def _(asked, kind, places, spread, wave):
    amounts = [0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0] if kind.value == "penalty" else [25, 50, 100, 200, 400, 800]
    if kind.value == "penalty":
        _all = [measure(polynomial(15, one), wave, places, asked, spread, trials=60)[0] for one in amounts]
    else:
        _all = [measure(polynomial(15), wave, np.linspace(-1, 1, one), asked, spread, trials=60)[0] for one in amounts]
    moved = {"bias²": [one.bias_squared for one in _all], "variance": [one.variance for one in _all]}
    plots.lines(
        amounts,
        moved,
        log_x=True,
        log_y=True,
        x=kind.value,
        y="mean square",
        marked=True,
        title=f"Degree 15, other {kind.value}",
    )
    return amounts, moved


@app.cell
def _(amounts, kind, moved):
    _both = np.add(moved["bias²"], moved["variance"])
    assert moved["variance"][-1] < moved["variance"][0] / 5, "both take away variance"
    assert (moved["bias²"][-1] > 10 * moved["bias²"][0]) == (kind.value == "penalty"), "only the penalty pays with bias"
    _tremble = np.array(moved["variance"]) / 60
    assert kind.value == "penalty" or (np.array(moved["bias²"]) < 3 * _tremble).all(), "hardly any bias"
    mo.md(f"The sum of both is smallest at {kind.value} **{amounts[int(_both.argmin())]:g}**: {_both.min():.4f}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Degree 1: ten grey lines almost on top of each other, all wrong. Degree 15: a bundle that frays, above all at the ends.
    - Penalty: the lowest sum lies in the middle, where neither of the two is at its lowest.
    - Make `spread` 0.1 in the first code: degree 5 is now clearly better than 3. The less noise, the more flexible one may be.

    The fit under the penalty is `ridge`; write it yourself: `groundup learn start ridge`
    """)
    return


if __name__ == "__main__":
    app.run()
