"""Lesson: losses, what a network is judged by: squares, surprise and hinges, each with its gradient."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What a network is judged by", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.learning.supervised.logistic import sigmoid
    from groundup.foundations.networks.losses import (
        binary,
        cross_entropy,
        hinge,
        hinge_loss,
        huber,
        judged,
        margins,
        mse,
        nll,
    )
    from groundup.foundations.networks.mlp import fit, make_mlp, mlp


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What a network is judged by

    A loss is one number: how bad the answers are. A network never sees it; it sees its **gradient**, how the loss moves
    with each answer. Afterwards you know the gradients of the common losses, and choose a loss by asking who should be
    heard in training: the far away, the surprising, or only those who are not yet right enough.
    """)
    return


@app.cell
def _():
    _score, _target = np.array([-10.0]), np.array([1.0])  # "surely no", and the answer is yes
    by_surprise = float(binary(_score, _target)[1][0])
    _said = sigmoid(_score)
    by_square = float((mse(_said, _target)[1] * _said * (1 - _said))[0])  # the chain rule: through the sigmoid
    mo.md(
        f"A network says no with a probability of {1 - _said[0]:.3%}, and the answer is yes. Judged by the square of "
        f"the difference, its score is pushed by {-by_square:.1e}; judged by its surprise, by {-by_surprise:.2f}: "
        f"**{by_surprise / by_square:,.0f}** times as hard. By the square it would hardly notice."
    )
    return by_square, by_surprise


@app.cell
def _(by_square, by_surprise):
    assert by_surprise / by_square > 10_000, "surely wrong: the square hardly pushes"
    assert by_surprise < -0.9999, "nearly the whole difference between 0 and 1"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Numbers: the square

    The network says $y$, the target is $t$. The **mean squared error** of two answers 1 and 3, where 1 and 1 were
    right: the squares are 0 and 4, their mean is 2. The gradient is $2 (y - t) / n$, here 0 and 2. What is twice as far
    away pulls twice as hard.
    """)
    return


@app.cell
def _():
    loss, pull = mse([1.0, 3.0], [1.0, 1.0])
    _step = 1e-6
    _measured = (mse([1.0, 3.0 + _step], [1.0, 1.0])[0] - mse([1.0, 3.0 - _step], [1.0, 1.0])[0]) / (2 * _step)
    assert loss == 2.0 and pull.tolist() == [0.0, 2.0], "as by hand"
    assert abs(pull[1] - _measured) < 1e-6, "the gradient is what a small push measures"
    mo.md(f"The loss is {loss:g}, and its gradient {pull.tolist()}; measured, the second is {_measured:.4f}.")
    return loss, pull


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That is a fault where one target is nonsense, a slip of the pen. The **Huber** loss is a square near the target and
    a straight line from a distance of `delta` on, so that nobody pulls harder than `delta`. Below, a line is fitted by
    following each gradient. One of eleven targets is too high; choose by how much. The title gives the slopes of both
    lines; that of the other ten targets is 2.
    """)
    return


@app.cell
def _():
    slip = mo.ui.slider(steps=[0, 1, 2, 5, 10, 20], value=5, label="too high by", show_value=True)
    slip
    return (slip,)


@app.cell
def _(slip):
    x = np.linspace(0, 1, 11)
    wild = 1 + 2 * x + 0.05 * np.sin(37 * np.arange(11)) + np.where(np.arange(11) == 9, slip.value, 0)

    def fitted(loss, steps=3000):
        """Height at 0 and slope of the line that following a loss's gradient ends at."""
        line = np.zeros(2)
        for _ in range(steps):
            pulls = loss(line[0] + line[1] * x, wild)[1]
            line = line - 0.5 * np.array([pulls.sum(), pulls @ x])
        return line

    by_mse, by_huber = fitted(mse), fitted(lambda y, t: huber(y, t, delta=0.1))
    plots.lines(
        x,
        {"targets": wild, "square": by_mse[0] + by_mse[1] * x, "Huber": by_huber[0] + by_huber[1] * x},
        x="x",
        marked=True,
        title=f"Slopes {by_mse[1]:.2f}, {by_huber[1]:.2f}",
    )
    return by_huber, by_mse, fitted, wild, x


@app.cell
def _(by_huber, by_mse, slip):
    assert abs(by_huber[1] - 2) < 0.15, "the Huber line has the slope 2 of the other ten, however wild the eleventh"
    assert abs(by_mse[1] - 2.04 - 0.3636 * slip.value) < 0.01, "the squares' line follows it, further for each step"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Classes: surprise

    For classes the network gives **scores**, a softmax makes probabilities $p$ of them, and the loss is the surprise at
    the right class, $-\ln p_{\text{right}}$: this is **cross-entropy**. Scores of 2, 1, 0 make probabilities of 0.665,
    0.245, 0.090. If the second is right, the surprise is $-\ln 0.245 = 1.41$. The gradient is the simplest one could wish
    for: what was said minus what is right.
    """)
    return


@app.cell
def _():
    scores, right = np.array([[2.0, 1.0, 0.0]]), np.array([1])
    surprise, push = cross_entropy(scores, right)
    logarithms = scores - np.log(np.exp(scores).sum())
    chances = np.exp(logarithms)[0]
    mo.md(
        "| class | score | said | right | gradient |\n|---|---|---|---|---|\n"
        + "\n".join(
            f"| {name} | {one:g} | {chance:.3f} | {int(name == 'second')} | {slope:.3f} |"
            for name, one, chance, slope in zip(("first", "second", "third"), scores[0], chances, push[0], strict=True)
        )
        + f"\n\nThe loss is {surprise:.3f}."
    )
    return chances, logarithms, push, right, scores, surprise


@app.cell
def _(chances, logarithms, push, right, surprise):
    assert np.allclose(push[0], chances - [0, 1, 0]), "said minus right"
    assert abs(push.sum()) < 1e-12, "what one score gains, the others lose"
    assert abs(nll(logarithms, right)[0] - surprise) < 1e-12, "nll is the same for who has logarithms already"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Why not the square here as well? Because of the sigmoid or softmax before it: going back through it, the gradient is
    multiplied by its slope $p (1 - p)$, and that is 0 where the network is sure, also where it is surely wrong. In the
    derivative of the surprise is a $1 / p$, which cancels it. That is the whole secret of the first number.

    ## Three losses for a yes or no

    Let the answer be yes. To the left the score is wrong, to the right it is right. Look at the losses, then at the
    gradients.
    """)
    return


@app.cell
def _():
    shown = mo.ui.radio(["loss", "gradient"], value="loss", label="show")
    shown
    return (shown,)


@app.cell
def _(shown):
    along = np.linspace(-6, 6, 241)

    def judgements(z):
        """The three losses and gradients for one score, where yes is right."""
        says = sigmoid(np.array([z]))
        error, slope = mse(says, np.ones(1))
        return {
            "square": (error, slope * says * (1 - says)),
            "surprise": binary(np.array([z]), np.ones(1)),
            "hinge": hinge_loss(np.array([z]), np.ones(1)),
        }

    _all = [judgements(z) for z in along]
    _part = ["loss", "gradient"].index(shown.value)
    curves = {name: np.array([float(np.squeeze(one[name][_part])) for one in _all]) for name in _all[0]}
    plots.lines(along, curves, x="score", title=shown.value.capitalize())
    return along, curves, judgements


@app.cell
def _(along, curves, shown):
    _sure = {name: values[0] for name, values in curves.items()}  # at a score of -6
    if shown.value == "gradient":
        assert abs(_sure["square"]) < 0.01 and _sure["surprise"] < -0.99 and _sure["hinge"] == -1
        assert (curves["surprise"] < 0).all(), "surprise is never content"
        assert (curves["hinge"][along > 1.001] == 0).all(), "a hinge is, from a margin of 1 on"
    else:
        assert _sure["square"] < 1 < 6 < _sure["surprise"] < _sure["hinge"] == 7
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The hinge: heard until right enough

    The **hinge loss** is $\max(0, m - t z)$, with $t$ 1 for yes and -1 for no, and a margin $m$. By hand, for $m = 1$
    and yes: a score of 2 costs 0, of 0.5 costs 0.5, of -1 costs 2. Its gradient is $-t$ where something is missing, and
    0 where not: whoever is right by the margin is silent. Below, 200 points are to be told apart by a line. Which of
    them does it still listen to after 200 steps? Choose the margin.
    """)
    return


@app.cell
def _():
    margin = mo.ui.slider(steps=[0.25, 0.5, 1, 2, 4, 8], value=1, label="margin", show_value=True)
    margin
    return (margin,)


@app.cell
def _(margin):
    _random = np.random.default_rng(0)
    answers = np.where(np.arange(200) % 2, 1.0, -1.0)[:, None]
    points = _random.standard_normal((200, 2)) * 0.7 + answers * np.array([1.2, 0.7])

    def judge(said, right):
        """The hinge loss as the last node of the network's graph."""
        return judged(hinge, said, right, margin=margin.value)

    separator, _ = fit(mlp, make_mlp([2, 1]), points, answers, 200, 200, 3e-2, loss=judge)
    found = mlp(separator, Tensor(points)).data
    heard = hinge_loss(found, answers, margin.value)[1][:, 0] != 0
    _weights, _bias = separator["layer1.weight"].data[:, 0], separator["layer1.bias"].data[0]
    _heights = np.linspace(-3, 3, 61)
    _lines = [
        np.column_stack([(level - _bias - _weights[1] * _heights) / _weights[0], _heights])
        for level in (-margin.value, 0, margin.value)
    ]
    plots.scatter(
        points,
        groups=[
            "silent" if not one else "yes" if answer > 0 else "no"
            for one, answer in zip(heard, answers[:, 0], strict=True)
        ],
        paths=[line[np.abs(line[:, 0]) < 4] for line in _lines],
        title=f"{heard.sum()} of 200 heard",
    )
    return answers, found, heard, judge, points, separator


@app.cell
def _(answers, found, heard, margin):
    assert (heard == (margin.value - answers * found > 0)[:, 0]).all(), "heard is who is not right by the margin"
    assert 0 < heard.sum() < 100, "the line is held by the few near it"
    assert (answers * found <= 0).sum() <= 10, "at every margin it is nearly the same good line"
    assert (binary(found, (answers + 1) / 2)[1] != 0).all(), "by surprise all 200 would be heard"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The outer lines are where the score is the margin. Whoever is beyond them on the right side could be taken away, and
    the next step would go the same way. With cross-entropy all 200 are heard, for ever; a language model is trained so,
    since its probabilities themselves are wanted and not only who is ahead.

    For many classes, `margins` wants every wrong score to stay 1 below the right one.
    """)
    return


@app.cell
def _():
    _value, _pushes = margins([[2.0, 1.5, -1.0]], [0])
    missing = _value * 3
    assert abs(missing - 0.5) < 1e-12, "the second is 0.5 below and should be 1; the third is 3 below, enough"
    assert np.allclose(_pushes * 3, [[-1, 1, 0]]), "the right score up, the second down, the third in peace"
    mo.md(
        f"Scores 2, 1.5, -1, the first is right: {missing:g} is missing. "
        f"The gradient, times 3, is {(_pushes * 3).tolist()}."
    )
    return (missing,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Too high by 20: the line of squares has a slope above 9, and the Huber line has not moved since 1.
    - Show the gradients: at -6 the square's is about 0 and the others' -1. To the right all go to 0; the hinge alone
      arrives.
    - Margin 0.25, then 8: first 13 of 200 points are heard, then 88.

    Write it yourself: `groundup learn start hinge_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
