"""Lesson: linear regression: the weighted sum that comes nearest to the answers, by hand, at once and by walking downhill."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Linear regression: the line that comes nearest", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.learning.regularization.penalties import ridge
    from groundup.foundations.learning.supervised.linear import (
        linear_regression,
        linear_regression_by_gradient,
        mean_squared_error,
        r_squared,
        with_ones,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Linear regression: the line that comes nearest

    Some points lie roughly on a line. Which line? Afterwards you can compute it by hand, say what a single mistake in the data does to it,
    find it by walking downhill as every neural network is trained, and show why a model that explains its data well may know nothing.
    """)
    return


@app.cell
def _():
    hours = np.arange(10.0)[:, None]
    _pay = 2 * hours[:, 0]
    mistyped = np.append(_pay[:-1], 180.0)
    slope = linear_regression(hours, _pay).weights[0]
    bent = linear_regression(hours, mistyped).weights[0]
    mo.md(
        f"Ten points lie exactly on a line that rises by {slope:.0f} a step. In the last one somebody types 180 for 18. The best line now "
        f"rises by **{bent:.1f}** a step, and it passes through none of the other nine."
    )
    return bent, hours, mistyped, slope


@app.cell
def _(bent, hours, mistyped, slope):
    assert abs(slope - 2) < 1e-12
    assert abs(bent - (2 + 4.5 * 162 / 82.5)) < 1e-12, "the mistake is 162, at 4.5 from the mean"
    assert np.abs(linear_regression(hours, mistyped).predict(hours) - mistyped).min() > 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three points, by hand

    The points (1, 1), (2, 3) and (3, 2) lie on no line. A line $w x + b$ ($w$ is its slope or *weight*, $b$ its *intercept*, called
    *bias* in networks) misses each by some amount. "Nearest" means here: the **sum of
    the squared misses** is as small as possible. Squares, because a miss upward and one downward are equally bad, and because the sum is
    then a smooth bowl with one lowest point.

    1. The best line passes through the point of the means, here (2, 2). So only its slope is still to be found.
    2. Measured from there the points are (-1, -1), (0, 1) and (1, 0). The slope is the sum of the products over the sum of the squared
       x: $(1 + 0 + 0) / (1 + 0 + 1) = 1/2$.
    3. So $b = 2 - \tfrac12 \cdot 2 = 1$.
    """)
    return


@app.cell
def _():
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 2.0])
    best = linear_regression(x, y)
    misses = best.predict(x) - y
    assert np.allclose([*best.weights, best.intercept], [0.5, 1])
    assert np.allclose(misses, [0.5, -1, 0.5])
    f"slope {best.weights[0]:.2f}, intercept {best.intercept:.2f}; misses " + ", ".join(f"{one:+.1f}" for one in misses)
    return best, misses, x, y


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Turn the line

    Turn the line round the point of the means. The upright strokes are the misses. Watch the sum of their squares.
    """)
    return


@app.cell
def _():
    tilt = mo.ui.slider(-1.0, 2.0, step=0.25, value=-1.0, label="slope", show_value=True)
    tilt
    return (tilt,)


@app.cell
def _(tilt, x, y):
    _line = y.mean() + tilt.value * (x[:, 0] - x.mean())
    squares = float(((_line - y) ** 2).sum())
    _strokes = [np.array([[a, b], [a, c]]) for a, b, c in zip(x[:, 0], y, _line, strict=True)]
    plots.scatter(
        np.column_stack([x[:, 0], y]),
        paths=[np.column_stack([x[:, 0], _line]), *_strokes],
        x="x", y="y", square=True, title=f"Slope {tilt.value:g}: sum of squares {squares:.3f}",
    )  # fmt: skip
    return (squares,)


@app.cell
def _(misses, squares, tilt, x, y):
    assert abs(squares - (1.5 + 2 * (tilt.value - 0.5) ** 2)) < 1e-12, "a bowl with its lowest point at 1/2"
    assert squares >= 3 * mean_squared_error(misses, np.zeros(3)) - 1e-12, "no slope beats the fit"
    assert np.allclose(with_ones(x).T @ misses, 0), "the misses sum to 0, and so do the misses times x"
    mo.md(
        f"The best slope leaves 1.5, this one leaves **{squares:.3f}**. The best line is recognised by its misses: they sum to 0, and so do "
        f"the misses times $x$. Were it not so, lifting or turning the line a little would help. The part of the variance that it explains, "
        f"$R^2$, is {r_squared(y, y + misses):.0%}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Walk downhill

    With two weights there is a formula. With a billion there is only walking: from anywhere, take a step against the gradient (the
    direction in which the loss rises most), and again. How large a step? The bowl is curved, and the steepest curve sets the limit. Choose
    the step in units of 1 over that curvature. The map shows the bowl from above, coloured by the logarithm of the loss.
    """)
    return


@app.cell
def _():
    pace = mo.ui.dropdown(["0.1", "0.5", "1", "1.9", "2.05"], value="1", label="step")
    pace
    return (pace,)


@app.cell
def _(pace, x, y):
    rate = float(pace.value) * len(x) / float(np.linalg.norm(with_ones(x), 2)) ** 2
    walk = [linear_regression_by_gradient(x, y, rate, steps)[0] for steps in range(61)]
    _path = np.array([[one.weights[0], one.intercept] for one in walk])
    _w, _b = np.linspace(-1.5, 2.5, 41), np.linspace(-1.5, 2.5, 41)
    _heights = ((_w[None, :, None] * x[:, 0] + _b[:, None, None] - y) ** 2).mean(axis=2) / 2
    plots.contour_map(
        _w, _b, np.log10(_heights + 0.01), paths={"way": _path[(np.abs(_path - 0.5) < 2).all(axis=1)]},
        x="slope", y="intercept", title=f"Step {pace.value}: 60 steps over the bowl",
    )  # fmt: skip
    return rate, walk


@app.cell
def _(best, pace, rate, walk, x, y):
    losses = linear_regression_by_gradient(x, y, rate, 60)[1]
    assert (np.diff(losses) < 0).all() if float(pace.value) < 2 else losses[-1] > 1.1 * losses[-2], "2 is the limit"
    _off = abs(walk[-1].intercept - best.intercept)
    plots.lines(
        np.arange(61), {"loss": losses}, levels={"the best line": float(((best.predict(x) - y) ** 2).mean() / 2)},
        log_y=True, x="step", y="loss", title=f"The intercept is still off by {_off:.3g}",
    )  # fmt: skip
    return (losses,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The walk jumps into the valley at once, then creeps along it. That is the shape of most training curves. At 1.9 it jumps across the
    valley from side to side; beyond 2 each jump lands higher than the one before.

    ## Explained, and nothing known

    The columns of $x$, what is known of each example, are its **features**. More features make a better fit. Always: a weight of 0 would
    leave the fit as it is, so the best weight can only improve it. Here are 40 answers and features that are nothing but dice, with no
    connection whatever. Add some.
    """)
    return


@app.cell
def _():
    dice = mo.ui.slider(2, 38, step=4, value=2, label="features of pure chance", show_value=True)
    dice
    return (dice,)


@app.cell
def _():
    _generator = np.random.default_rng(5)
    old, new = _generator.normal(size=(40, 39)), _generator.normal(size=(2000, 39))
    old_answers, new_answers = old[:, -1], new[:, -1]
    _fits = [linear_regression(old[:, :count], old_answers) for count in range(1, 39)]
    on_old = [r_squared(old_answers, fit.predict(old[:, : len(fit.weights)])) for fit in _fits]
    on_new = [r_squared(new_answers, fit.predict(new[:, : len(fit.weights)])) for fit in _fits]
    plots.lines(
        np.arange(1, 39), {"the 40 answers": on_old, "new ones": np.maximum(on_new, -3)},
        levels={"knows nothing": 0.0}, x="features of pure chance", y="part explained (cut at -3)", title="Dice explain all",
    )  # fmt: skip
    return new, new_answers, old, old_answers, on_new, on_old


@app.cell
def _(dice, old, old_answers, on_new, on_old):
    _told = linear_regression(old[:, : dice.value], old_answers).predict(old[:, : dice.value])
    assert (np.diff(on_old) > 0).all(), "each feature improves the fit"
    assert max(on_new) < 0, "and what is new is told worse than by the mean alone"
    assert on_old[-1] > 0.95
    plots.scatter(
        np.column_stack([old_answers, _told]), paths=[np.array([[-2, -2], [2, 2]])],
        x="answer", y="what the model says", square=True,
        title=f"{dice.value} features: {on_old[dice.value - 1]:.0%} explained, of new ones {on_new[dice.value - 1]:.0%}",
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With $k$ features of chance and $n$ examples one has to expect an $R^2$ of $k / (n - 1)$. So a fit is judged on examples it has not seen.

    ## When many lines fit alike

    The same temperature once in Celsius and once in Fahrenheit: what one column gains the other can pay back, so infinitely many weights fit
    alike. The library refuses, and names a way out: let large weights cost something (**ridge**).
    """)
    return


@app.cell
def _():
    _celsius = np.array([0.0, 10.0, 20.0, 30.0, 40.0])
    both = np.column_stack([_celsius, 32 + 1.8 * _celsius])
    sold = 5 + 3 * _celsius
    try:
        linear_regression(both, sold)
        refusal = ""
    except InputError as _error:
        refusal = str(_error)
    shared = ridge(both, sold, 1e-3)
    assert refusal.startswith("many weights fit alike")
    assert abs(shared.weights @ [1, 1.8] - 3) < 1e-3, "together they make 3 a degree"
    assert abs(shared.weights[1] / shared.weights[0] - 1.8) < 1e-6, "the smallest weights that do"
    mo.md(
        f"> {refusal}\n\nRidge shares the 3 a degree out: {shared.weights[0]:.3f} for Celsius and {shared.weights[1]:.3f} for Fahrenheit, "
        f"since ${shared.weights[0]:.3f} + 1.8 \\cdot {shared.weights[1]:.3f} = {shared.weights @ [1, 1.8]:.3f}$."
    )
    return both, refusal, shared, sold


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Slope 0.5: the three strokes are as short as they get together. Every quarter turn away adds 1/8, then 1/2, then 9/8.
    - Step 0.1: after 60 steps it is still on its way. Step 2.05: the loss grows by a tenth with every step.
    - 38 features of chance: every answer told to the digit almost, and the new ones told far worse than by always saying the mean.

    Next to it: `groundup learn start ridge`, and the same sum as a probability, `groundup learn start logistic_gradient`
    """)
    return


if __name__ == "__main__":
    app.run()
