"""Lesson: logistic regression: a weighted sum becomes a probability, and what was believed minus what came teaches it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Logistic regression: how sure may one be?", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.supervised.logistic import (
        log_loss,
        logistic_gradient,
        logistic_regression,
        logistic_regression_by_gradient,
        sigmoid,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Logistic regression: how sure may one be?

    A model that answers yes or no should also say how sure it is. Afterwards you can turn any number into a probability, say
    what a wrong answer costs, take a step of learning by hand, and say why some data makes the weights grow for ever. The last
    layer of a language model is the same thing with many words instead of two answers.
    """)
    return


@app.cell
def _():
    wrong, right = -math.log(0.001), -math.log(0.999)
    mo.md(
        f"The cost of an answer is $-\\ln$ of the probability that was given to what came. Say 99.9% and be wrong: {wrong:.2f}. "
        f"Say 99.9% and be right: {right:.4f}. One such mistake costs as much as **{wrong / right:,.0f}** right answers."
    )
    return right, wrong


@app.cell
def _(right, wrong):
    assert 6900 < wrong / right < 6910
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From a number to a probability

    Ten pupils learned for 1, 2, ..., 10 hours; some passed. A sum $z = w \cdot \text{hours} + b$ may be any number, and a
    probability must stay between 0 and 1. The **sigmoid** bends it:

    $$\sigma(z) = \frac{1}{1 + e^{-z}}$$

    At $z = 0$ it is one half. Its odds, $p / (1 - p)$, are $e^z$: one more hour multiplies them by $e^w$, wherever one stands.
    """)
    return


@app.cell
def _():
    hours = np.arange(1.0, 11.0)[:, None]
    passed = np.array([0, 0, 0, 1, 0, 1, 0, 1, 1, 1])
    _p = sigmoid([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert np.allclose(_p / (1 - _p), np.exp([-2, -1, 0, 1, 2])), "the odds"
    assert np.allclose(_p + _p[::-1], 1), "yes and no are mirror images"
    mo.md("z of -2, -1, 0, 1, 2 gives " + ", ".join(f"{one:.2f}" for one in _p) + ".")
    return hours, passed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Find the weight yourself

    The curve has its middle at 5.5 hours, and the control sets how steep it is. Look for the smallest loss, the mean cost of the
    ten answers. Too flat is never sure; too steep pays dearly for the one who failed after 7 hours and the one who passed after 4.
    """)
    return


@app.cell
def _():
    weight = mo.ui.slider(0.0, 3.0, step=0.25, value=0.25, label="weight", show_value=True)
    weight
    return (weight,)


@app.cell
def _(hours, passed, weight):
    _z = weight.value * (hours[:, 0] - 5.5)
    loss = log_loss(_z, passed)
    _at = np.linspace(0, 11, 111)
    _curve = np.column_stack([_at, sigmoid(weight.value * (_at - 5.5))])
    plots.scatter(
        np.column_stack([hours[:, 0], passed]),
        groups=["passed" if one else "failed" for one in passed],
        paths=[_curve],
        x="hours",
        y="probability of passing",
        title=f"Weight {weight.value:g}: loss {loss:.3f}",
    )
    return (loss,)


@app.cell
def _(hours, loss, passed, weight):
    best = logistic_regression(hours, passed)
    _least = log_loss(hours @ best.weights + best.intercept, passed)
    assert loss >= _least, "no setting of the control beats the fit"
    assert weight.value > 0 or abs(loss - math.log(2)) < 1e-12, "weight 0 is a coin: ln 2"
    mo.md(
        f"The best weight is **{best.weights[0]:.3f}**, with a loss of {_least:.3f}: every hour multiplies the odds by {math.exp(best.weights[0]):.2f}."
    )
    return (best,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One step by hand

    How does a computer find it? It asks in which direction the loss falls. The derivative of the cost of one answer by $z$ is as
    short as could be: $p - y$, **what was believed minus what came**. By the weight it is that times the hours.

    Begin with $w = b = 0$: everybody gets 1/2. Those who passed learned 37 hours together, and all learned 55. So the gradient by
    the weight is $(55/2 - 37) / 10 = -0.95$, and by the intercept $(10/2 - 5) / 10 = 0$: make the weight larger.
    """)
    return


@app.cell
def _(hours, passed):
    _by_weight, _by_intercept = logistic_gradient(hours, passed, np.zeros(1), 0.0)
    assert abs(_by_weight[0] + 0.95) < 1e-12
    assert abs(_by_intercept) < 1e-12
    _little = 1e-6
    _slope = (log_loss(hours[:, 0] * _little, passed) - log_loss(hours[:, 0] * -_little, passed)) / (2 * _little)
    assert abs(_slope - _by_weight[0]) < 1e-6, "measured: the loss changes at this rate"
    f"gradient: {_by_weight[0]:.2f} by the weight, {_by_intercept:.2f} by the intercept; measured slope {_slope:.4f}"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many small steps, or a few clever ones

    Walking against the gradient arrives, slowly: weight and intercept pull at each other. **Newton's method** also asks how the
    ground is curved and jumps to where a bowl of that shape has its lowest point. Half a dozen jumps do what thousands of steps do.
    """)
    return


@app.cell
def _(best, hours, passed):
    _walked, _losses = logistic_regression_by_gradient(hours, passed, steps=3000)
    _least = log_loss(hours @ best.weights + best.intercept, passed)
    assert (np.diff(_losses) <= 1e-12).all(), "it goes down at every step"
    assert abs(_walked.weights[0] - best.weights[0]) < 0.01
    plots.lines(
        np.arange(1, 3001),
        {"above the best loss": _losses[1:] - _least},
        log_x=True,
        log_y=True,
        x="step",
        y="loss",
        title="Gradient descent arrives slowly",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When nothing speaks against it

    Now two groups in the plane, which a straight line separates. To be surer is always better here, so the weights grow without
    end and there is no best fit: the library says so. A **penalty** $\frac{\lambda}{2}|w|^2$ lets certainty cost something. The
    three lines are where the model says 10%, 50% and 90%.
    """)
    return


@app.cell
def _():
    penalty = mo.ui.dropdown(["1", "0.1", "0.01", "0.001", "0.0001"], value="0.1", label="penalty")
    penalty
    return (penalty,)


@app.cell
def _(penalty):
    _generator = np.random.default_rng(3)
    _middles = np.repeat([[-1.1, -0.6], [1.1, 0.6]], 30, axis=0)
    points = _middles + _generator.uniform(-0.9, 0.9, (60, 2))
    group = np.repeat(["left", "right"], 30)
    fitted = logistic_regression(points, group, float(penalty.value))
    _across = np.array([-2.0, 2.0])
    _lines = [
        np.column_stack([(math.log(p / (1 - p)) - fitted.intercept - fitted.weights[1] * _across) / fitted.weights[0], _across])
        for p in (0.1, 0.5, 0.9)
    ]  # fmt: skip
    plots.scatter(
        points, groups=group.tolist(), paths=_lines, square=True,
        title=f"Penalty {penalty.value}: weights {fitted.weights[0]:.2f} and {fitted.weights[1]:.2f}",
    )  # fmt: skip
    return fitted, group, points


@app.cell
def _(fitted, group, penalty, points):
    _size = float(np.linalg.norm(fitted.weights))
    _looser = logistic_regression(points, group, float(penalty.value) / 10)
    assert np.linalg.norm(_looser.weights) > _size, "less penalty, larger weights"
    assert (fitted.predict(points) == group).mean() > 0.9
    _sure = np.maximum(fitted.probability(points), 1 - fitted.probability(points)).mean()
    _growth = np.linalg.norm(_looser.weights) / _size
    mo.md(f"Mean certainty: **{_sure:.1%}**. A tenth of this penalty makes the weights {_growth:.1f} times as large.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Weight 3 in the first picture: still the right order, and a loss worse than a coin's. Certainty has its price.
    - Penalty 1: the two outer lines lie far apart, the model hardly dares. At 0.0001 they are almost one.
    - In the pupils' list let all below 6 hours fail and all others pass: `logistic_regression` refuses, and says why.

    Write it yourself: `groundup learn start logistic_gradient`
    """)
    return


if __name__ == "__main__":
    app.run()
