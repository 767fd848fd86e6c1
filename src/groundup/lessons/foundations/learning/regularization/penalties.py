"""Lesson: penalties: large weights cost something; ridge shrinks all of them, lasso sets the small ones to zero."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Penalties: a weight must earn its size", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.bias_variance import powers
    from groundup.foundations.learning.regularization.penalties import (
        decay,
        l1,
        l2,
        largest_penalty,
        lasso,
        ridge,
        soft_threshold,
    )
    from groundup.foundations.learning.supervised.linear import linear_regression


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Penalties: a weight must earn its size

    A model that may do anything does too much. Afterwards you can shrink a weight by hand in two ways, say why one of them makes weights
    vanish and the other never does, and recognise the weight decay with which every language model is trained.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(1)
    x = np.sort(_generator.uniform(-1, 1, 12))
    y = np.sin(3 * x) + 0.2 * _generator.normal(size=12)
    table = powers(x, 11)
    free = linear_regression(table, y)
    held = ridge(table, y, 0.001)
    largest = float(np.abs(free.weights).max())
    mo.md(
        f"A polynomial through twelve points of a gentle wave between -1 and 1: its largest weight is **{largest:,.0f}**. With a penalty of "
        f"0.001 on the squares of the weights it is {np.abs(held.weights).max():.1f}, and the curve still passes close to the points."
    )
    return free, held, largest, table, x, y


@app.cell
def _(free, held, largest, table, y):
    assert largest > 100 * np.abs(held.weights).max()
    assert np.abs(free.predict(table) - y).max() < 1e-3, "through every point"
    assert np.abs(held.predict(table) - y).max() < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One weight, by hand

    Two examples: at $x = -1$ the answer is -3, at $x = 1$ it is 3. Least squares gives the weight 3 and no error. Now let the weight cost
    something, beside the mean of the squared errors, halved:

    | | what is added | best weight | at penalty 1 |
    |---|---|---|---|
    | ridge (L2) | $\frac{\lambda}{2} w^2$ | $3 \cdot \frac{1}{1 + \lambda}$: divided | 1.5 |
    | lasso (L1) | $\lambda \lvert w \rvert$ | $3 - \lambda$, and at 0 it stops: subtracted | 2 |

    Dividing never arrives at 0. Subtracting does.
    """)
    return


@app.cell
def _():
    _x, _y = np.array([[-1.0], [1.0]]), np.array([-3.0, 3.0])
    amounts = np.linspace(0, 6, 61)
    by_ridge = np.array([ridge(_x, _y, amount).weights[0] for amount in amounts])
    by_lasso = np.array([lasso(_x, _y, amount).weights[0] for amount in amounts])
    assert np.allclose(by_ridge, 3 / (1 + amounts))
    assert np.allclose(by_lasso, soft_threshold(3.0, amounts), atol=1e-6)
    assert by_ridge.min() > 0 == by_lasso.min()
    assert largest_penalty(_x, _y) == 3, "from here on the lasso has nothing left"
    plots.lines(
        amounts, {"ridge": by_ridge, "lasso": by_lasso}, x="penalty", y="best weight", title="Divide, or subtract"
    )
    return amounts, by_lasso, by_ridge


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Tame the polynomial

    The twelve points from above. Without a penalty the curve passes through all of them and swings wildly in between. With a large one
    it becomes a flat line. Somewhere between lies the wave.
    """)
    return


@app.cell
def _():
    penalty = mo.ui.dropdown(["0", "0.000001", "0.0001", "0.01", "1", "100"], value="0", label="ridge penalty")
    penalty
    return (penalty,)


@app.cell
def _(penalty, table, x, y):
    model = ridge(table, y, float(penalty.value))
    _at = np.linspace(x[0], x[-1], 300)
    _curves = [np.column_stack([_at, np.clip(one, -3, 3)]) for one in (model.predict(powers(_at, 11)), np.sin(3 * _at))]
    miss = float(np.sqrt(((model.predict(powers(_at, 11)) - np.sin(3 * _at)) ** 2).mean()))
    plots.scatter(
        np.concatenate([_curves[1][::6], np.column_stack([x, y])]),
        groups=["the true wave"] * 50 + ["points"] * 12,
        paths=_curves[:1],
        title=f"Penalty {penalty.value}: off by {miss:.2f}",
    )
    return miss, model


@app.cell
def _(held, largest, miss, model, penalty, y):
    _size = l2(model.weights)
    assert _size <= largest**2 * 11
    assert (miss > 0.3) == (penalty.value in ("0", "1", "100")), "both ends are bad"
    assert penalty.value != "100" or np.abs(model.predict(np.zeros((1, 11)))[0] - y.mean()) < 0.2, "flat: the mean"
    mo.md(f"Half the sum of squared weights: **{_size:.3g}**; at penalty 0.001 it was {l2(held.weights):.3g}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which features matter?

    Now 12 features and 60 examples. Only three features have anything to do with the answer: their true weights are 3, -2 and 1. Turn up
    the penalty of the lasso and watch which weights are left.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(4)
    features = _generator.normal(size=(60, 12))
    true_weights = np.array([3.0, -2.0, 1.0] + [0.0] * 9)
    answers = features @ true_weights + _generator.normal(size=60)
    return answers, features, true_weights


@app.cell
def _():
    strength = mo.ui.dropdown(["0", "0.1", "0.3", "0.6", "1.5", "2.5"], value="0", label="penalty")
    strength
    return (strength,)


@app.cell
def _(answers, features, strength, true_weights):
    sparse = lasso(features, answers, float(strength.value)).weights
    dense = ridge(features, answers, float(strength.value)).weights
    plots.value_bars(
        {name: dict(enumerate(one.tolist())) for name, one in {"true": true_weights, "lasso": sparse, "ridge": dense}.items()},
        x="feature", y="weight", title=f"Penalty {strength.value}",
    )  # fmt: skip
    return dense, sparse


@app.cell
def _(dense, sparse, strength):
    left = int((sparse != 0).sum())
    assert (dense != 0).all(), "ridge never makes a zero"
    assert left == 12 if strength.value == "0" else left < 12, "lasso does"
    assert sparse[0] > 0, "the strongest is last to go"
    assert strength.value != "0.3" or set(np.flatnonzero(sparse)) >= {0, 1, 2}
    mo.md(f"The lasso keeps **{left}** of 12 weights, with a sum of {l1(sparse):.2f}; ridge keeps all, with a sum of {l1(dense):.2f}.")  # fmt: skip
    return (left,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The price of the lasso shows as well: the weights that stay are too small, each by about the penalty.

    ## Weight decay

    The gradient of $\frac{\lambda}{2}|w|^2$ is $\lambda w$. So a step downhill with the rate $\eta$ first multiplies every weight by
    $1 - \eta\lambda$: the weight **decays** unless the data pushes it up again. In plain gradient descent that *is* ridge. Optimizers that rescale
    gradients (Adam) must keep the two apart, which is the W of AdamW.
    """)
    return


@app.cell
def _(answers, features):
    _x, _y = features - features.mean(axis=0), answers - answers.mean()
    _w, way = np.zeros(12), []
    _goal = ridge(features, answers, 0.5).weights
    for _ in range(120):
        _w = decay(_w, _x.T @ (_x @ _w - _y) / 60, learning_rate=0.1, weight_decay=0.5)
        way = [*way, float(np.abs(_w - _goal).max())]
    assert way[-1] < 1e-3, "it arrives at the ridge weights"
    plots.lines(
        range(1, 121),
        {"farthest weight": way},
        log_y=True,
        x="step",
        y="distance",
        title="Descent with decay arrives at ridge",
    )
    return (way,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ridge penalty 0: the curve leaves the picture between the points (it is cut at 3). At 0.0001 it is tame.
    - Lasso 0.3: the three true ones stand out. At 1.5 only two are left, and both are too small.
    - Measure one feature in thousandths (multiply its column by 1,000): its weight costs nothing any more. Hence `standardize` first.

    Write it yourself: `groundup learn start ridge`
    """)
    return


if __name__ == "__main__":
    app.run()
