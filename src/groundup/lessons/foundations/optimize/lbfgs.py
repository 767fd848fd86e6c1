"""Lesson: L-BFGS, Newton's direction out of the last few steps."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A curvature that nobody wrote down", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.gradient_descent import gradient_descent
    from groundup.foundations.optimize.lbfgs import lbfgs, pseudo_gradient, two_loop


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A curvature that nobody wrote down

    Newton's method goes straight to the bottom of a bowl, but needs the table of all second derivatives; a model with a million weights would need a million
    million numbers. Afterwards you know how the last six steps stand in for that table, why a step's length is tried out, and how an optimizer can
    set weights to exactly zero.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(3)
    _turn, _ = np.linalg.qr(_generator.normal(size=(20, 20)))
    bowl = _turn @ np.diag(np.geomspace(1, 1000, 20)) @ _turn.T
    centre = _generator.normal(size=20)

    def value_and_slope(point):
        """A bowl in 20 dimensions, a thousand times as steep one way as another."""
        return float((point - centre) @ bowl @ (point - centre)) / 2, bowl @ (point - centre)

    _plain = gradient_descent(lambda point: bowl @ (point - centre), np.zeros(20), 2 / 1001, 2000)
    _far = np.linalg.norm(_plain - centre, axis=1) > np.linalg.norm(centre) / 1000
    plain_steps = int(np.flatnonzero(_far)[-1]) + 1
    found = lbfgs(value_and_slope, np.zeros(20), delta=0.0, iterations=200)
    mo.md(
        f"To come a thousand times closer to the bottom of this bowl, plain descent takes **{plain_steps}** steps at its best rate. "
        f"L-BFGS takes {len(found.values) - 1} steps to stop altogether, and was told no rate."
    )
    return bowl, centre, found, plain_steps, value_and_slope


@app.cell
def _(centre, found, plain_steps):
    assert np.linalg.norm(found.point - centre) < np.linalg.norm(centre) / 1000
    assert len(found.values) < plain_steps / 10
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a step tells

    In one dimension Newton goes by $-g / h$: the slope over the curvature. Nobody has to compute $h$. After one step $s$ the slope has changed by $y$, and

    $$y = H s$$

    In one dimension $h = y / s$ is the secant. In many, each pair $(s, y)$ tells about one way. `two_loop` multiplies $-g$ by a
    matrix that agrees with the newest pair, and holds on to the older ones as far as it can. It never writes the matrix down: one pass over the
    pairs from new to old, one from old to new.
    """)
    return


@app.cell
def _():
    one_number = two_loop(np.array([6.0]), [np.array([2.0])], [np.array([8.0])])
    assert np.isclose(one_number[0], -6 / (8 / 2))
    mo.md(
        f"A step of 2 changed the slope by 8, so the curvature is 4; at a slope of 6 the way to go is {one_number[0]:.2f}."
    )
    return (one_number,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    In a bowl of two dimensions, ten times as steep across as along, which way is down? The slope says: across. Choose how many pairs are known,
    and look where the direction points.
    """)
    return


@app.cell
def _():
    known = mo.ui.slider(0, 2, value=1, label="pairs known", show_value=True)
    known
    return (known,)


@app.cell
def _(known):
    curved = np.array([[1.0, 0.0], [0.0, 10.0]])
    point = np.array([4.0, 1.0])
    # ways that were gone: two that are at right angles by the bowl's own measure, s1 H s2 = 0
    _ways = [np.array([1.0, 0.2]), np.array([2.0, -1.0])][: known.value]
    direction = two_loop(curved @ point, _ways, [curved @ way for way in _ways])
    newton = -point
    plots.contour_map(
        np.linspace(-2, 6, 50), np.linspace(-4, 4, 50),
        np.add.outer(5 * np.linspace(-4, 4, 50) ** 2, np.linspace(-2, 6, 50) ** 2 / 2),
        paths={
            "against the slope": np.stack([point, point - 3 * curved @ point / np.linalg.norm(curved @ point)]),
            f"pairs known: {known.value}": np.stack([point, point + 3 * direction / np.linalg.norm(direction)]),
            "Newton": np.stack([point, point + newton]),
        },
        title="Three directions from (4, 1); the bottom is at (0, 0)",
    )  # fmt: skip
    return curved, direction, newton, point


@app.cell
def _(curved, direction, known, newton, point):
    _alike = float(direction @ newton / np.linalg.norm(direction) / np.linalg.norm(newton))
    assert direction @ (curved @ point) < 0, "always downhill"
    assert known.value < 2 or np.allclose(direction, newton), "two ways of a plane tell all of it"
    assert known.value > 0 or np.isclose(_alike, 26 / np.sqrt(17 * 116))
    mo.md(f"The cosine between this direction and Newton's is {_alike:.3f}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How long a step?

    The direction comes from a guess about curvature, so the length is tried: first the whole step. If it does not lower the function by a small part of what
    the slope promised, it is halved. If the slope at its end is still steep, it was too short and is doubled. Both together (the weak
    Wolfe conditions) make $y \cdot s > 0$: the guessed matrix stays that of a bowl, and every direction goes down. Here is a valley that bends.
    """)
    return


@app.cell
def _():
    def banana(point):
        """Rosenbrock's valley: value and slope."""
        x, y = point
        slope = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
        return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array(slope)

    def walked(memory):
        """Where each step ended, the start first."""
        start = np.array([-1.2, 1.0])
        enough = lbfgs(banana, start, memory=memory, delta=0.0, iterations=400)
        ends = [
            lbfgs(banana, start, memory=memory, delta=0.0, iterations=k).point for k in range(1, len(enough.values))
        ]
        return np.array([start, *ends])

    return banana, walked


@app.cell
def _():
    memory = mo.ui.slider(1, 6, value=6, label="pairs kept", show_value=True)
    memory
    return (memory,)


@app.cell
def _(banana, memory, walked):
    walk = walked(memory.value)
    _xs, _ys = np.linspace(-1.6, 1.6, 60), np.linspace(-0.6, 1.8, 60)
    _heights = np.array([[np.log10(1 + banana((x, y))[0]) for x in _xs] for y in _ys])
    plots.contour_map(
        _xs, _ys, _heights, paths={f"{memory.value} pairs kept": walk},
        title=f"{len(walk) - 1} steps along the bend to (1, 1)",
    )  # fmt: skip
    return (walk,)


@app.cell
def _(banana, walk):
    assert np.allclose(walk[-1], 1, atol=1e-3) and len(walk) < 100
    _values = np.array([banana(point)[0] for point in walk])
    assert np.all(np.diff(_values) < 0), "no step goes up"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Weights that are exactly zero

    Add $\ell_1 \sum |w|$ to what is lowered and each weight has to pay for being there at all. The sum has a kink at zero: no slope, but one
    to each side. OWL-QN takes the slope of the side to which it falls, and 0 where it rises to both, which is where a weight
    stays. For $\frac{1}{2} (w - 3)^2$ with $\ell_1 = 1$ the best weight is 2, for $\frac{1}{2} (w - 0.7)^2$ it is 0.

    Twelve attributes, of which three matter, and forty examples. Turn up the price.
    """)
    return


@app.cell
def _():
    price = mo.ui.slider(0, 30, step=5, value=15, label="price of a weight, l1", show_value=True)
    price
    return (price,)


@app.cell
def _(price):
    _generator = np.random.default_rng(1)
    _inputs = _generator.normal(size=(40, 12))
    true = np.array([3.0, -2.0, 1.0] + [0.0] * 9)
    _answers = _inputs @ true + _generator.normal(size=40)

    def _squares(weights):
        left = _inputs @ weights - _answers
        return float(left @ left) / 2, _inputs.T @ left

    fitted = lbfgs(_squares, np.zeros(12), l1=price.value, delta=1e-12, iterations=300).point
    rest = pseudo_gradient(fitted, _squares(fitted)[1], float(price.value))
    _names = [f"w{number}" for number in range(1, 13)]
    plots.value_bars(
        {"there": dict(zip(_names, true.tolist(), strict=True)), "found": dict(zip(_names, fitted.tolist(), strict=True))},
        y="weight", title=f"l1 = {price.value}: {int((fitted != 0).sum())} of 12 weights are not zero",
    )  # fmt: skip
    return fitted, rest, true


@app.cell
def _(fitted, price, rest, true):
    assert np.abs(rest).max() < 0.05, "where it stopped no side falls"
    assert (fitted[true != 0] != 0).all() and ((fitted != 0).sum() == 12) == (price.value == 0)
    return


@app.cell
def _():
    def _bowl(centre):
        return lambda w: (float((w - centre) @ (w - centre)) / 2, w - centre)

    kept, dropped = (float(lbfgs(_bowl(centre), np.zeros(1), l1=1.0).point[0]) for centre in (3.0, 0.7))
    assert np.isclose(kept, 2, atol=1e-4) and dropped == 0.0
    mo.md(f"By hand 2 and 0; found {kept:.4f} and {dropped:.1f}.")
    return dropped, kept


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Pairs known 0: straight against the slope, far from where the bottom is. With two pairs of a plane it is Newton's direction itself.
    - Pairs kept 1: it arrives all the same; so little memory is enough, which is why six serve a tagger with a hundred thousand weights.
    - Price 30: the weight of 1 shrinks most in proportion. A price takes the same from all.
    - `groundup train tagger --method crf` lowers its one hill so. Networks are trained by smaller, noisier steps: with batches $y$ would tell
      more about the batch than about the curvature.

    Write it yourself: `groundup learn start two_loop`
    """)
    return


if __name__ == "__main__":
    app.run()
