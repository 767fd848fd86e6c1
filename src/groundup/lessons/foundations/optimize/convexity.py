"""Lesson: functions with one valley, how to see that they have one, and how many steps lead to its bottom."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One valley, and how long it is", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.convexity import (
        Quadratic,
        best_rate,
        chord_gap,
        condition_number,
        contraction,
        convexity_test,
        measured_contraction,
        set_convexity_test,
        sublinear_bound,
    )
    from groundup.foundations.optimize.gradient_descent import gradient_descent


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One valley, and how long it is

    Where does a walk downhill end? In some landscapes always at the lowest point of all, wherever it began. Afterwards you can
    test a function for that, and compute beforehand how many steps the walk will take, from one number.
    """)
    return


@app.cell
def _():
    def steps_for_a_digit(condition):
        """How many steps make the distance ten times smaller, at the best rate in a bowl of this condition number."""
        bowl = np.diag([1.0, condition])
        return float(np.log(0.1) / np.log(contraction(bowl, best_rate(bowl))))

    round_one, long_one = steps_for_a_digit(2.0), steps_for_a_digit(1000.0)
    mo.md(
        f"In a bowl that is twice as steep one way as the other, each digit of accuracy costs **{round_one:.1f}** steps. "
        f"In one that is 1,000 times as steep, **{long_one:,.0f}**. Both are as smooth as can be."
    )
    return long_one, round_one, steps_for_a_digit


@app.cell
def _(long_one, round_one):
    assert abs(round_one - np.log(10) / np.log(3)) < 1e-9
    assert 1150 < long_one < 1153
    assert chord_gap(lambda x: float(x @ x), np.array([-1.0]), np.array([1.0]), 0.5) == -1, "the next cord, by hand"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The chord

    Take two points of a curve and stretch a cord between them, in geometry a **chord**. If the curve never lies above such a
    cord, wherever it is stretched, the function is **convex**. Then there is one valley: were there two, the cord between their
    bottoms would have to run above the hill between them, and it does not.

    By hand, $x^2$ from -1 to 1: both ends at height 1, the middle at 0, so the curve lies 1 below the cord. In the wavy curve
    below, whose waves you can make higher, find out from which height on there is a cord that dips below.
    """)
    return


@app.cell
def _():
    waves = mo.ui.slider(0.0, 3.0, step=0.25, value=2.5, label="height of the waves", show_value=True)
    waves
    return (waves,)


@app.cell
def _(waves):
    def wavy(x):
        """A bowl with waves: x²/2 + height · cos(2x) / 4, whose curvature is 1 - height · cos(2x)."""
        return float(x[0] ** 2 / 2 + waves.value * np.cos(2 * x[0]) / 4)

    tested = convexity_test(wavy, np.array([-2.5]), np.array([2.5]), segments=1500)
    _xs = np.linspace(-2.5, 2.5, 161)
    _curve = np.array([wavy(np.array([x])) for x in _xs])
    _a, _b = float(tested.start[0]), float(tested.end[0])
    _cord = np.interp(_xs, sorted((_a, _b)), [wavy(np.array([x])) for x in sorted((_a, _b))], left=np.nan, right=np.nan)
    plots.lines(
        _xs,
        {"curve": _curve, "worst cord": _cord},
        x="x",
        y="height",
        title="Not convex" if not tested.convex else "No cord dips below it",
    )
    return tested, wavy


@app.cell
def _(tested, waves, wavy):
    assert tested.convex == (waves.value <= 1), "the curvature 1 - height · cos(2x) stays above 0 up to a height of 1"
    _ends = [
        gradient_descent(lambda x: x - waves.value * np.sin(2 * x) / 2, np.array([start]), 0.2, 800)[-1, 0]
        for start in (-3.0, 3.0)
    ]
    assert (abs(_ends[0] - _ends[1]) < 0.3) == tested.convex, "one valley: both walks end at one place"
    assert wavy(np.array([_ends[0]])) <= wavy(np.array([-3.0]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Such a test on random cords can refute; it never proves. Sets have the same notion: a set is convex if it holds the whole way
    between any two of its points. The lists of probabilities are one: a mixture of two such lists sums to 1 again. The arrows that
    are one long are not, and nor is a ring:
    """)
    return


@app.cell
def _():
    _low, _high = np.full(2, -1.2), np.full(2, 1.2)
    disc = set_convexity_test(lambda x: float(x @ x) <= 1, _low, _high)
    ring = set_convexity_test(lambda x: 0.5 <= float(x @ x) <= 1, _low, _high)
    assert disc.convex and not ring.convex
    f"disc: {disc}; ring: {ring}"
    return disc, ring


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How long the valley is

    Near its bottom every smooth valley is a bowl, and a bowl is described by its curvatures, the eigenvalues of its Hessian: the
    least is $m$, the largest $L$.
    A step multiplies the distance by $1 - \text{rate} \cdot \lambda$ in a direction of curvature $\lambda$. What suits the steep
    direction is too little for the flat one; the best compromise, $2 / (m + L)$, leaves

    $$\frac{\kappa - 1}{\kappa + 1}$$

    of the distance, where $\kappa = L / m$ is the **condition number** of the bowl: that of the matrix of its curvatures.

    With $m = 1$ and $L = 9$: the rate is 0.2, and both $|1 - 0.2|$ and $|1 - 1.8|$ are 0.8.
    """)
    return


@app.cell
def _():
    assert abs(contraction(np.diag([1.0, 9.0]), 0.2) - 0.8) < 1e-12
    rates = np.linspace(0.01, 0.7, 93)
    left = {f"κ = {k}": [contraction(np.diag([1.0, float(k)]), rate) for rate in rates] for k in (2, 3, 4)}
    assert all(abs(rates[np.argmin(one)] - 2 / (1 + k)) < 0.01 for k, one in zip((2, 3, 4), left.values(), strict=True))
    plots.lines(
        rates,
        left,
        x="rate",
        y="left of the distance after a step",
        levels={"no progress": 1.0},
        title="Too short, best, too long",
    )
    return left, rates


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Measured

    A bowl in five directions, turned so that nothing lies along the axes. The factor is predicted from its matrix alone, and then
    measured on the way of a walk. Move the condition number.
    """)
    return


@app.cell
def _():
    digits = mo.ui.slider(1.0, 3.0, step=0.5, value=1.0, label="logarithm of κ, to base 10", show_value=True)
    digits
    return (digits,)


@app.cell
def _(digits):
    _generator = np.random.default_rng(0)
    _axes, _ = np.linalg.qr(_generator.standard_normal((5, 5)))
    _matrix = _axes @ np.diag(np.geomspace(1, 10**digits.value, 5)) @ _axes.T
    bowl = Quadratic((_matrix + _matrix.T) / 2, _generator.standard_normal(5))
    _path = gradient_descent(bowl.gradient, bowl.minimum() + _axes @ np.ones(5), best_rate(bowl.matrix), 60)
    promised = contraction(bowl.matrix, best_rate(bowl.matrix))
    measured = measured_contraction(_path, bowl.minimum())
    _far = np.linalg.norm(_path - bowl.minimum(), axis=1)
    plots.lines(
        range(61),
        {"measured": _far, "promised": _far[0] * promised ** np.arange(61)},
        x="step",
        y="distance to the minimum",
        log_y=True,
        title=f"κ = {condition_number(bowl.matrix):,.0f}: a step leaves {measured:.3f}",
    )
    return bowl, measured, promised


@app.cell
def _(bowl, digits, measured, promised):
    assert abs(condition_number(bowl.matrix) / 10**digits.value - 1) < 1e-6
    assert abs(measured - promised) < 0.01
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bottom without curvature

    Where the bottom is flat there is no $m$, and no fixed factor. For $x^4$ the slope dies away faster than the distance does.
    What remains true of every convex function: after $k$ steps at the rate $1 / L$ the height above the bottom is at most
    $L \cdot \text{distance}^2 / 2k$, with the distance from the bottom at the start. Ten times the accuracy takes at most ten
    times the steps, in place of a few more.
    """)
    return


@app.cell
def _():
    _path = gradient_descent(
        lambda x: 4 * x**3, np.array([1.0]), 1 / 12, 1000
    )  # on -1 … 1 the curvature 12x² is at most 12
    heights = _path[1:, 0] ** 4
    bound = np.array([sublinear_bound(12.0, 1.0, k) for k in range(1, 1001)])
    assert (heights <= bound).all()
    assert heights[999] / heights[899] > 0.75, "the progress of a step dies away"
    plots.lines(
        range(1, 1001),
        {"x⁴": heights, "never above": bound},
        x="step",
        y="height",
        log_x=True,
        log_y=True,
        title="No digit comes at a fixed price",
    )
    return bound, heights


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The loss of a neural network is not convex. All of this is still the right picture of it from near: explosion above $2 / L$, and
    flat directions that are learned last. Momentum and Adam are answers to a large κ.

    ## Try

    - Waves of height 1 and 1.25: nothing in the picture looks different, and a cord is found.
    - Logarithm of κ at 3: the promised line is nearly flat; the measured one falls until only the flattest direction is left.
    - In the first code, ask for κ = 1: one step is enough, and the logarithm of 0 complains.
    """)
    return


if __name__ == "__main__":
    app.run()
