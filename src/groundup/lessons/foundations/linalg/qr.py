"""Lesson: QR decomposition by reflections, and what it saves when a curve is fitted to points."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="QR: a matrix set upright by mirrors", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.linalg.qr import (
        back_substitution,
        householder_qr,
        least_squares,
        least_squares_by_normal_equations,
        null_space,
        reflector,
        solve,
        with_positive_diagonal,
    )
    from groundup.foundations.linalg.vector_spaces import gram_schmidt, loss_of_orthogonality


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # QR: a matrix set upright by mirrors

    Equations with many unknowns are easy to solve when they form a triangle: the last has one unknown, the one above it two.
    Mirrors can turn any equations into such a triangle without losing a digit. Afterwards you can build the mirror for a
    given arrow, take a matrix apart with mirrors, fit a curve to points, and say why one does it this way.
    """)
    return


@app.cell
def _():
    def powers(degree):
        """Forty places from 0 to 1, a row each, and their powers 0 to `degree` in the columns."""
        return np.linspace(0, 1, 40)[:, None] ** np.arange(degree + 1)

    def error(method, degree):
        """How far a method is from the coefficients of a curve whose coefficients are all 1; infinite where it gives up."""
        try:
            return np.abs(method(powers(degree), powers(degree).sum(axis=1)) - 1).max()
        except InputError:
            return math.inf

    by_mirrors, by_squares = error(least_squares, 10), error(least_squares_by_normal_equations, 10)
    mo.md(
        "Forty points lie exactly on a curve, a polynomial of degree 10 whose coefficients are all 1. Two programs look for the "
        f"coefficients. The formula that is taught first is wrong by {by_squares:.1e}, the mirrors are wrong by {by_mirrors:.1e}: "
        f"they keep about **{math.log10(by_squares / by_mirrors):.0f}** more digits of the same 16-digit numbers."
    )
    return by_mirrors, by_squares, error, powers


@app.cell
def _(by_mirrors, by_squares):
    assert by_mirrors < 1e-7
    assert by_squares > 1e3 * by_mirrors
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A triangle is easy

    $2x + y = 4$ and $4y = 8$. The second says $y = 2$; put into the first, it leaves $2x = 2$. One goes from the last equation
    up, each time with one new unknown. This is **back substitution**.
    """)
    return


@app.cell
def _():
    solution = back_substitution([[2, 1], [0, 4]], [4, 8])
    assert solution.tolist() == [1, 2]
    mo.md(f"x = **{solution[0]:.0f}** and y = {solution[1]:.0f}.")
    return (solution,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One mirror

    A mirror keeps all lengths and angles. Here is an arrow $x$; we look for the mirror that lays it on the axis, so that its
    second number becomes 0. Its image has the same length, so it is $(-|x|, 0)$ or $(+|x|, 0)$. The mirror stands halfway
    between the arrow and its image, and with the unit arrow $v$ at a right angle to the mirror

    $$x - 2\,(v \cdot x)\,v, \qquad v \text{ along } x - \text{image}.$$

    Turn the arrow.
    """)
    return


@app.cell
def _():
    degrees = mo.ui.slider(10, 170, step=20, value=50, label="the arrow, in degrees", show_value=True)
    degrees
    return (degrees,)


@app.cell
def _(degrees):
    arrow = 2 * np.array([math.cos(math.radians(degrees.value)), math.sin(math.radians(degrees.value))])
    upright = reflector(arrow)
    image = arrow - 2 * upright * (upright @ arrow)
    _mirror = 2.5 * np.array([-upright[1], upright[0]])
    plots.scatter(
        [[0, 0], arrow, [0, 0], image, -_mirror, _mirror],
        groups=["the arrow", "the arrow", "its image", "its image", "the mirror", "the mirror"],
        joined=True,
        paths=[[arrow, image], [[-3, -3]] * 2, [[3, 3]] * 2],
        square=True,
        title=f"({arrow[0]:.2f}, {arrow[1]:.2f}) goes to ({image[0]:.2f}, 0)",
    )
    return arrow, image, upright


@app.cell
def _(arrow, image, upright):
    _matrix = np.eye(2) - 2 * np.outer(upright, upright)
    assert abs(image[1]) < 1e-12, "nothing is left beside the axis"
    assert abs(abs(image[0]) - math.hypot(*arrow)) < 1e-12, "the length stays"
    assert np.sign(image[0]) == -np.sign(arrow[0]), "of the two images the one on the other side"
    assert np.allclose(_matrix @ _matrix, np.eye(2)), "two looks into the same mirror change nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Why the far image? If the arrow is nearly on the axis, the near image is nearly the arrow, and $x - \text{image}$ is the
    difference of two nearly equal numbers: all digits cancel. The far image adds in place of subtracting.
    """)
    return


@app.cell
def _():
    _flat = np.array([1.0, 1e-9])
    near, far = _flat[0] - math.hypot(*_flat), _flat[0] + math.hypot(*_flat)
    _exact = -0.5e-18  # 1 - sqrt(1 + t) is -t / 2 for small t, and t is 1e-18
    assert near == 0 != _exact, "every digit is gone"
    assert far == 2
    mo.md(
        f"For the arrow (1, 0.000000001) the near image gives {near:.0f} where {_exact:.0e} is right; the far one gives **{far:.0f}**."
    )
    return far, near


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One mirror a column

    The first mirror makes zeros below the top of the first column. The second leaves the first row alone and does the same
    for what remains of the second column; and so on. What comes out is the triangle $R$. All mirrors together are $Q$, whose
    columns stand at right angles to each other, and $A = QR$ (Householder 1958). Step through it.
    """)
    return


@app.cell
def _():
    mirrors = mo.ui.slider(0, 4, step=1, value=1, label="mirrors used", show_value=True)
    mirrors
    return (mirrors,)


@app.cell
def _(mirrors):
    table = np.random.default_rng(3).integers(-4, 5, size=(6, 4)).astype(float)
    partly = table.copy()
    for _k in range(mirrors.value):
        _v = reflector(partly[_k:, _k])
        partly[_k:, _k:] -= 2 * np.outer(_v, _v @ partly[_k:, _k:])
    plots.heat_map(partly, text=True, title=f"After {mirrors.value} mirrors")
    return partly, table


@app.cell
def _(mirrors, partly, table):
    q, r = householder_qr(table)
    assert np.abs(np.tril(partly, -1)[:, : mirrors.value]).max(initial=0) < 1e-12, "zeros below the finished columns"
    assert np.allclose(np.linalg.norm(partly, axis=0), np.linalg.norm(table, axis=0)), "no column changes its length"
    assert mirrors.value < 4 or np.allclose(partly[:4], r)
    assert np.allclose(q @ r, table) and loss_of_orthogonality(q) < 1e-14
    return q, r


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Gram-Schmidt, of the lesson before, also makes columns upright one by one. Compare what both leave.
    """)
    return


@app.cell
def _(q, r, table):
    _q, _r = with_positive_diagonal(q, r)
    assert np.allclose(_q, gram_schmidt(table)), "Gram-Schmidt finds the same directions, up to signs"
    _hilbert = 1 / (1 + np.arange(10)[:, None] + np.arange(10))
    losses = {
        "Gram-Schmidt": loss_of_orthogonality(gram_schmidt(_hilbert)),
        "mirrors": loss_of_orthogonality(householder_qr(_hilbert)[0]),
    }
    assert losses["mirrors"] < 1e-14 < 1e-6 < losses["Gram-Schmidt"]
    mo.md(
        "Gram-Schmidt would give the same Q, on paper. On ten arrows that are nearly alike its right angles are off by "
        f"{losses['Gram-Schmidt']:.0e}, those of the mirrors by **{losses['mirrors']:.0e}**: a mirror keeps right angles, whatever it reflects."
    )
    return (losses,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Solving, and fitting a line

    The numbers of $Q^T Q$ are the dot products of all pairs of columns of $Q$, so it is the identity: $Q^T$ undoes $Q$. So
    $Ax = b$ becomes $Rx = Q^T b$: look at $b$ in the same mirrors, then go up the triangle. If there are more equations than
    unknowns no $x$ fits them all, and the same two steps give the $x$ that comes nearest: the **least squares** solution.
    Here a line $y = c + s x$ is laid through points; each point is an equation, $c$ and $s$ are the unknowns.
    """)
    return


@app.cell
def _():
    _source = np.random.default_rng(4)
    _places = np.linspace(0, 3, 13)
    _heights = 1 + 2 * _places + _source.normal(scale=0.6, size=13)
    _design = np.column_stack([np.ones(13), _places])
    line = least_squares(_design, _heights)
    rest = _heights - _design @ line
    assert np.allclose(line, np.polyfit(_places, _heights, 1)[::-1])
    assert np.abs(_design.T @ rest).max() < 1e-12, "what is left stands at a right angle to both columns"
    assert np.allclose(solve([[2, 1], [1, 3]], [5, 10]), [1, 3]), "as many equations as unknowns: exact"
    _ends = [[x, line[0] + line[1] * x] for x in (0, 3)]
    _misses = [[[x, y], [x, y - miss]] for x, y, miss in zip(_places, _heights, rest, strict=True)]
    plots.scatter(
        np.column_stack([_places, _heights]),
        paths=[_ends, *_misses],
        x="x",
        y="y",
        title=f"y = {line[0]:.2f} + {line[1]:.2f} x",
    )
    return line, rest


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The price of squaring

    The way that is taught first says what we saw in the picture: what is left stands at a right angle to every column,
    $A^T (b - A x) = 0$. That is $A^T A\, x = A^T b$, the **normal equations**, as many as there are unknowns. It is half
    the work, but the columns of $A^T A$ are far more alike than those of $A$. The condition number, by which an error may
    grow, is squared, and twice as many digits are lost. A curve is fitted for each degree; both ways see the same points.
    """)
    return


@app.cell
def _(error):
    degrees_tried = [*range(1, 15)]
    errors = {
        "mirrors": [error(least_squares, degree) for degree in degrees_tried],
        "normal equations": [error(least_squares_by_normal_equations, degree) for degree in degrees_tried],
    }
    plots.lines(
        degrees_tried,
        errors,
        x="degree of the curve",
        y="error of the coefficients",
        log_y=True,
        marked=True,
        title="Fitting a curve; a line ends where its way gives up",
    )
    return degrees_tried, errors


@app.cell
def _(errors, powers):
    assert all(one < 1e-3 for one in errors["mirrors"])
    assert errors["normal equations"][8] > 1e3 * errors["mirrors"][8]
    assert errors["normal equations"][-1] > 0.1, "wrong, or given up"
    _squared = np.linalg.cond(powers(5).T @ powers(5)) / np.linalg.cond(powers(5)) ** 2
    assert abs(_squared - 1) < 1e-3, "the condition number is squared"
    assert null_space([[1, 1, 0]]).shape == (3, 2), "Q also holds what a matrix does not see"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Turn the arrow past 90 degrees: its image jumps to the other side, always the far one.
    - Step through the mirrors: a finished column never changes again, and the first row is final after the first mirror.
    - In a new cell: `least_squares([[1, 1], [1e-9, 0], [0, 1e-9]], [2, 1e-9, 1e-9])` is (1, 1) to the last digit. Give the same to
      `least_squares_by_normal_equations`: it says that the two columns are one, since 1 + 1e-18 is 1.

    Write it yourself: `groundup learn start householder_qr`
    """)
    return


if __name__ == "__main__":
    app.run()
