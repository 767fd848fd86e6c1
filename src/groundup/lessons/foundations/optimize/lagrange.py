"""Lesson: the lowest point that is allowed, what a constraint costs, and how numbers become probabilities."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The lowest point that is allowed", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.optimize.lagrange import (
        check_kkt,
        kkt,
        project_onto_simplex,
        projected_gradient,
        quadratic_program,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The lowest point that is allowed

    Often the best is forbidden: a budget is spent, a length is fixed, probabilities must sum to 1. Afterwards you can find the best
    of what is allowed by solving one system of equations, know what one more unit of the budget would be worth, and know how
    any list of numbers becomes the nearest list of probabilities.
    """)
    return


@app.cell
def _():
    def fence(length):
        """The largest rectangle inside a fence of this length, as a lowest point: -xy where 2x + 2y = length."""
        return kkt(np.array([[0.0, -1.0], [-1.0, 0.0]]), np.zeros(2), np.array([[2.0, 2.0]]), np.array([length]))

    sides, (worth,) = fence(40.0)
    gained = np.prod(fence(41.0).point) - np.prod(sides)
    mo.md(
        f"The largest rectangle inside 40 metres of fence is {sides[0]:.0f} by {sides[1]:.0f}. From the same equations falls out, "
        f"unasked, what one more metre is worth: **{worth:.1f}** square metres. With 41 metres it is {gained:.2f}."
    )
    return fence, gained, sides, worth


@app.cell
def _(gained, sides, worth):
    assert np.allclose(sides, [10, 10])
    assert abs(worth - 5) < 1e-9 and abs(gained - worth) < 0.1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    Find the point of the line $x + y = 2$ that is closest to 0, that is, with the least $\tfrac12 x^2 + \tfrac12 y^2$. The slope
    of this function at $(x, y)$ is the arrow $(x, y)$ itself. Walk along the line: as long as some of the slope points along it,
    one can still go down. At the best point the slope points straight across the line, as the line's own arrow $(1, 1)$ does.
    So it is a multiple of that arrow:

    $$(x, y) + \lambda (1, 1) = 0 \qquad x + y = 2$$

    From the first, $x = y = -\lambda$; with the second, $x = y = 1$ and $\lambda = -1$. The number $\lambda$ is **Lagrange's
    multiplier**, and it is the price of the constraint: raise its right side (here 2) a little, and the lowest height changes by
    $-\lambda$ times as much, here upward. For a function like this, with slope $Qx + c$, and any constraints $Ax = b$, it is one
    linear system:

    $$\begin{pmatrix} Q & A^T \\ A & 0 \end{pmatrix} \begin{pmatrix} x \\ \lambda \end{pmatrix} = \begin{pmatrix} -c \\ b \end{pmatrix}$$
    """)
    return


@app.cell
def _():
    by_hand = kkt(np.eye(2), np.zeros(2), np.array([[1.0, 1.0]]), np.array([2.0]))
    assert np.allclose(by_hand.point, [1, 1]) and np.allclose(by_hand.multipliers, [-1])
    f"point {by_hand.point.round(6).tolist()}, multiplier {by_hand.multipliers.round(6).tolist()}"
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Touched or not

    Now a bowl around $(2, 1)$, and the allowed points are those with $x + y \le b$. Move the border. As long as it keeps the
    bottom out, the best point lies on it and the multiplier says what the border costs: how much lower one would get for each
    unit by which it moves. Once the bottom is inside, the border is not touched, and costs nothing: the multiplier is 0.
    """)
    return


@app.cell
def _():
    border = mo.ui.slider(-1.0, 4.0, step=0.5, value=1.0, label="b", show_value=True)
    border
    return (border,)


@app.cell
def _(border):
    bowl, bottom, arrow = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([2.0, 1.0]), np.array([[1.0, 1.0]])
    best = quadratic_program(bowl, -bowl @ bottom, arrow, np.array([border.value]))
    _xs, _ys = np.linspace(-1, 4, 60), np.linspace(-2, 3, 60)
    _away = np.stack(np.meshgrid(_xs - 2, _ys - 1), axis=-1)
    _line = np.array([[x, border.value - x] for x in _xs if -2 <= border.value - x <= 3])
    plots.contour_map(
        _xs,
        _ys,
        0.5 * (_away @ bowl * _away).sum(-1),
        paths={"border": _line, "best": best.point[None], "bottom": bottom[None]},
        x="x",
        y="y",
        title=f"x + y ≤ {border.value:.1f}: multiplier {best.multipliers[0]:.2f}",
    )
    return arrow, best, bottom, bowl


@app.cell
def _(arrow, best, border, bottom, bowl):
    _gradient = bowl @ (best.point - bottom)
    _sides = (arrow @ best.point - border.value, arrow, best.multipliers)
    assert check_kkt(_gradient, inequalities=_sides).hold, (
        "slope balanced, border kept, multiplier not below 0, no cost untouched"
    )
    assert (best.multipliers[0] > 1e-9) == (border.value < 3), "the bottom lies at x + y = 3"
    assert np.allclose(best.point, bottom) == (border.value >= 3)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    These four, the slopes in balance, the constraint kept, no multiplier below 0, and none above 0 where nothing is touched, are
    the conditions of **Karush, Kuhn and Tucker** (KKT). Any point can be asked whether it meets them. The bottom itself, offered
    where it is forbidden:
    """)
    return


@app.cell
def _(arrow, bottom):
    refused = check_kkt(np.zeros(2), inequalities=(arrow @ bottom - 1.0, arrow, np.zeros(1)))
    assert not refused.hold and refused.broken == ["feasibility"]
    f"x + y = 3 where 1 is allowed; broken: {', '.join(refused.broken)} by {refused.feasibility:.1f}"
    return (refused,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Numbers become probabilities

    Probabilities are 0 or more and sum to 1; all lists of them together are called the **simplex**. Which are the *nearest* to
    the numbers 0.9, 0.6 and -0.5? By the conditions, all that stay above 0 are lowered by one and the same amount. The two that
    stay sum to 1.5, which is 0.5 too much: each is lowered by 0.25, to 0.65 and 0.35. The third would lie below 0, and becomes 0.
    """)
    return


@app.cell
def _():
    nearest = project_onto_simplex(np.array([0.9, 0.6, -0.5]))
    assert np.allclose(nearest, [0.65, 0.35, 0])
    nearest
    return (nearest,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A language model uses softmax in its place, $e^{z} / \sum e^{z}$, which never gives a 0. This projection does (as an output of
    a network it is called *sparsemax*). Stretch the numbers and see both become sure; only one of them lets words go.
    """)
    return


@app.cell
def _():
    stretch = mo.ui.slider(0.1, 2.0, step=0.1, value=0.5, label="stretch", show_value=True)
    stretch
    return (stretch,)


@app.cell
def _(stretch):
    words = ["cat", "dog", "bird", "moon", "idea"]
    _scores = stretch.value * np.array([2.0, 1.6, 1.0, -0.5, -1.5])
    softmax = np.exp(_scores) / np.exp(_scores).sum()
    sparse = project_onto_simplex(_scores)
    plots.value_bars(
        {
            "softmax": dict(zip(words, softmax.tolist(), strict=True)),
            "nearest": dict(zip(words, sparse.tolist(), strict=True)),
        },
        y="probability",
        title=f"{int((sparse == 0).sum())} of 5 words are impossible",
    )
    return softmax, sparse, words


@app.cell
def _(softmax, sparse, stretch):
    assert abs(sparse.sum() - 1) < 1e-12 and (sparse >= 0).all()
    assert (softmax > 0).all() and (np.diff(sparse) <= 1e-12).all(), "the order stays"
    assert (sparse == 0).sum() == 1 + (stretch.value > 0.15) + (stretch.value > 0.65), "the wider apart, the fewer stay"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step, then go back

    With a way back to the allowed set, descent needs only one line more: step against the slope, then take the nearest allowed
    point. Here it looks for the probabilities that lie lowest in a bowl around $(0.8, 0.7, -0.2)$.
    """)
    return


@app.cell
def _():
    _aim = np.array([0.8, 0.7, -0.2])
    path = projected_gradient(lambda x: x - _aim, project_onto_simplex, np.array([0.1, 0.1, 0.8]), 0.2, 25)
    assert np.allclose(path.sum(1), 1) and (path >= 0).all(), "it never leaves the allowed set"
    assert np.allclose(path[-1], project_onto_simplex(_aim), atol=0.02)
    plots.lines(
        range(26),
        {f"p{place}": path[:, place - 1] for place in (1, 2, 3)},
        x="step",
        y="probability",
        marked=True,
        title="Downhill among probabilities",
    )
    return (path,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - b from -1 to 4: the best point follows the border, the multiplier falls, and at 3 it becomes 0 and stays so.
    - Stretch 2: the nearest probabilities are 0.9, 0.1 and three zeros. Softmax still gives the last word 0.0006.
    - Ask for a fence with two constraints that say the same, $2x + 2y = 40$ twice: the system is refused, and says why.

    Write it yourself: `groundup learn start kkt`, and then `groundup learn start project_onto_simplex`
    """)
    return


if __name__ == "__main__":
    app.run()
