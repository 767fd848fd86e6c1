"""Lesson: a mixture of Gaussians: guess who belongs where, fit the bells to the guess, and again; EM, and why in logarithms."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Mixtures: which bell did it come from?", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.unsupervised.k_means import k_means
    from groundup.foundations.learning.unsupervised.mixture import (
        Mixture,
        bic,
        expectation_step,
        gaussian_mixture,
        log_gaussian,
        maximization_step,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Mixtures: which bell did it come from?

    Points were drawn from several bell-shaped heaps, and nobody noted from which. Afterwards you can say by hand how much a point belongs to
    each bell, fit bells to points by guessing and correcting in turn (**EM**), choose their number, and keep it all from underflowing.
    """)
    return


@app.cell
def _():
    bars = Mixture(np.array([0.5, 0.5]), np.array([[0.0, 0.0], [0.0, 2.0]]), np.stack([np.diag([4.0, 0.1])] * 2))
    points, origin = bars.sample(300, seed=0)

    def agreement(groups):
        """The share of points that two groups sort as they were drawn; which group is called first does not matter."""
        same = float((groups == origin).mean())
        return max(same, 1 - same)

    cut = k_means(points, 2).labels
    fitted, _ = gaussian_mixture(points, 2)
    mo.md(
        f"Two long flat heaps, one above the other, 300 points. k-means sorts {agreement(cut):.0%} of them as they were drawn, hardly better than "
        f"a coin. Bells that may be long and flat sort **{agreement(fitted.predict(points)):.1%}**. Nobody told either of them anything."
    )
    return agreement, bars, cut, fitted, origin, points


@app.cell
def _(agreement, cut, fitted, points):
    assert agreement(cut) < 0.7
    assert agreement(fitted.predict(points)) > 0.97
    plots.scatter(
        points, groups=[f"bell {one + 1}" for one in fitted.predict(points)], square=True, title="Found by the mixture"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much does it belong? By hand

    On a line stand two equal bells of width 1, with their middles at 0 and 4. A point at 2 belongs half to each. A point at 1 is at distance 1
    from the first middle and 3 from the second. A bell's density falls like $e^{-d^2/2}$: $e^{-0.5}$ against $e^{-4.5}$, which is
    $e^4 \approx 54.6$ to one. So it belongs 98.2% to the first and 1.8% to the second. k-means would have said: all to the first.
    """)
    return


@app.cell
def _():
    pair = Mixture(np.array([0.5, 0.5]), np.array([[0.0], [4.0]]), np.ones((2, 1, 1)))
    _belongs, _ = expectation_step(np.array([[2.0], [1.0]]), pair)
    assert np.allclose(_belongs[0], 0.5)
    assert abs(_belongs[1, 0] / _belongs[1, 1] - math.exp(4)) < 1e-9
    assert np.allclose(_belongs.sum(axis=1), 1)
    _at = np.linspace(-3, 7, 101)
    plots.lines(
        _at,
        {f"bell at {4 * n}": expectation_step(_at[:, None], pair)[0][:, n] for n in range(2)},
        x="place", y="how much it belongs", title="From one bell to the other, smoothly",
    )  # fmt: skip
    return (pair,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two half-steps

    If we knew who belongs where, the bells would be easy: mean and spread of their points. If we knew the bells, who belongs where would be easy:
    as above. We know neither. So guess, and improve one by the other:

    1. **expectation**: how much does each point belong to each bell?
    2. **maximization**: give each bell the mean, the spread and the share of its points, each counted as much as it belongs

    Here are three bells that begin in a bad place, equal and round. Make steps.
    """)
    return


@app.cell
def _():
    _true = Mixture(
        np.array([0.5, 0.25, 0.25]),
        np.array([[0.0, 0.0], [3.0, 1.0], [-2.5, 2.0]]),
        np.array([[[1.5, 1.2], [1.2, 1.2]], [[0.1, 0.0], [0.0, 0.1]], [[0.3, -0.2], [-0.2, 0.5]]]),
    )
    cloud, _ = _true.sample(400, seed=1)
    walk = [Mixture(np.ones(3) / 3, np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]), np.stack([np.eye(2)] * 3))]
    for _ in range(40):
        walk = [*walk, maximization_step(cloud, expectation_step(cloud, walk[-1])[0])]
    likelihoods = [expectation_step(cloud, one)[1] for one in walk]
    return cloud, likelihoods, walk


@app.cell
def _():
    steps = mo.ui.dropdown(["0", "1", "2", "5", "10", "15", "20", "40"], value="0", label="steps made")
    steps
    return (steps,)


@app.cell
def _(cloud, likelihoods, steps, walk):
    shown = walk[int(steps.value)]
    _round = np.linspace(0, 2 * np.pi, 60)
    _circle = 2 * np.stack([np.cos(_round), np.sin(_round)])
    borders = [(mean[:, None] + np.linalg.cholesky(spread) @ _circle).T for mean, spread in zip(shown.means, shown.covariances, strict=True)]  # fmt: skip
    plots.scatter(
        cloud, groups=[f"bell {one + 1}" for one in shown.predict(cloud)], paths=borders, square=True,
        title=f"After {steps.value} steps: {likelihoods[int(steps.value)]:.3f} nats a point",
    )  # fmt: skip
    return borders, shown


@app.cell
def _(cloud, likelihoods, shown, steps):
    assert (np.diff(likelihoods) > -1e-9).all(), "no step makes the points less likely"
    assert abs(shown.weights.sum() - 1) < 1e-9
    assert steps.value != "40" or abs(likelihoods[-1] - gaussian_mixture(cloud, 3)[1][-1]) < 0.01, (
        "the end is the library's own"
    )
    plots.lines(
        range(41), {"mean log-density": likelihoods}, levels={"now": likelihoods[int(steps.value)]},
        x="step", y="nats a point", title="It climbs, rests, and climbs again",
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why logarithms

    A point 50 widths away from everything has a density of $e^{-1250}$, which a computer stores as 0. Divided by the sum of the densities, that
    is 0/0. With logarithms the largest is taken out first, and what is left are harmless differences.
    """)
    return


@app.cell
def _(pair):
    _far = np.array([[54.0]])
    _logs = [
        float(log_gaussian(_far, mean, spread)[0]) for mean, spread in zip(pair.means, pair.covariances, strict=True)
    ]
    far_belongs, _ = expectation_step(_far, pair)
    assert np.exp(_logs).sum() == 0, "both densities are gone"
    assert far_belongs[0, 1] > 0.999
    mo.md(
        f"Logarithms of the two densities: {_logs[0]:.1f} and {_logs[1]:.1f}. It belongs **{far_belongs[0, 1]:.0%}** to the bell at 4."
    )
    return (far_belongs,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many bells?

    More bells always make the points likelier, until each point has one of its own. The **BIC** is twice the surprise at all points, in
    nats, and for every number in the model $\ln(\text{points})$ more; the smallest value is preferred.
    """)
    return


@app.cell
def _(cloud):
    numbers = list(range(1, 7))
    criteria = [bic(cloud, gaussian_mixture(cloud, k)[0]) for k in numbers]
    chosen = numbers[int(np.argmin(criteria))]
    assert chosen == 3, "as many as there were"
    plots.lines(numbers, {"BIC": criteria}, x="bells", y="BIC", marked=True, title=f"The smallest BIC: {chosen} bells")
    return chosen, criteria, numbers


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Steps 1, 2, 5: the bells first grow, then one after the other finds its heap. Each time one does, the curve climbs faster.
    - Set all three first means to (0, 0): the bells are equal, so they get equal shares of every point and never part. A start must differ.
    - Draw 40 points in place of 400: does the BIC still say three?

    Write it yourself: `groundup learn start expectation_step`
    """)
    return


if __name__ == "__main__":
    app.run()
