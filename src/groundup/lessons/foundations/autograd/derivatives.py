"""Lesson: derivative, gradient, Jacobian and Hessian, measured by small steps, and how small a step should be."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A derivative: push a little, see what moves", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.derivatives import (
        check_gradient,
        complex_step_gradient,
        gradient,
        hessian,
        jacobian,
        numerical_gradient,
        step_errors,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A derivative: push a little, see what moves

    A network learns by one question, asked of each of its numbers: if this one were a little larger, would the result be
    better or worse, and by how much? The answer is a derivative. Afterwards you can measure it for any function, know how
    far to trust what you measured, and use it to catch a formula that was derived wrongly.
    """)
    return


@app.cell
def _():
    def square(number):
        """The smallest example."""
        return number**2

    careful = (square(3 + 1e-5) - square(3)) / 1e-5
    greedy = (square(3 + 1e-15) - square(3)) / 1e-15
    mo.md(
        f"Push 3 up by 0.00001, and its square grows {careful:.5f} times as much: about 6. A smaller push should measure better. "
        f"With a push of 0.000000000000001 it grows **{greedy:.2f}** times as much, which is wrong by {1 - greedy / 6:.0%}. Why?"
    )
    return careful, greedy, square


@app.cell
def _(careful, greedy):
    assert abs(careful - 6) < 1e-4
    assert abs(greedy - 6) > 0.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One number, by hand

    Push $x = 3$ by a step $h$ and divide what the result gained by $h$. School algebra tells what comes out for the square:
    $(3 + h)^2 - 3^2 = 6h + h^2$, so the quotient is $6 + h$. As the step shrinks it approaches **6**, the derivative. The
    second quotient steps to both sides, from $3 - h$ to $3 + h$, and divides by $2h$: the two errors cancel.
    """)
    return


@app.cell
def _(square):
    steps = [1.0, 0.1, 0.01]
    ahead = [(square(3 + h) - square(3)) / h for h in steps]
    both = [(square(3 + h) - square(3 - h)) / (2 * h) for h in steps]
    _rows = [f"| {h} | {one:.2f} | {two:.2f} |" for h, one, two in zip(steps, ahead, both, strict=True)]
    mo.md("| step | one side | both sides |\n|---|---|---|\n" + "\n".join(_rows))
    return ahead, both, steps


@app.cell
def _(ahead, both, steps):
    assert np.allclose(ahead, [6 + h for h in steps])
    assert np.allclose(both, 6), "for a square the middle quotient has no error at all, however large the step"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it looks like

    Seen from near enough, a smooth curve is a straight line. The derivative is the slope of that line: above 0 the curve
    rises there, below 0 it falls, and at a top or a bottom it is 0. Move along the curve $x^3 - 3x$.
    """)
    return


@app.cell
def _():
    place = mo.ui.slider(-2.0, 2.0, step=0.25, value=-1.5, label="x", show_value=True)
    place
    return (place,)


@app.cell
def _(place):
    def bent(numbers):
        """One number from an array of one: a curve with a top at -1 and a bottom at 1."""
        return numbers[0] ** 3 - 3 * numbers[0]

    _x = np.linspace(-2.2, 2.2, 121)
    slope = numerical_gradient(bent, np.array([place.value]))[0]
    _line = bent([place.value]) + slope * (_x - place.value)
    plots.lines(
        _x,
        {"the curve": bent([_x]), "its slope": np.where(np.abs(_x - place.value) < 0.8, _line, np.nan)},
        x="x",
        y="x³ - 3x",
        title=f"At x = {place.value:g} the slope is {slope:.2f}",
    )
    return bent, slope


@app.cell
def _(place, slope):
    assert abs(slope - (3 * place.value**2 - 3)) < 1e-6, "the formula from school: 3x² - 3"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many numbers: the gradient

    A function of many numbers has one such slope for each: push that one, hold the others still. That is a **partial
    derivative**, written $\partial f / \partial x$ (read "d f by d x"), and all of them together are the **gradient**, written
    $\nabla f$. Take $f(x, y) = x^2 y$ at $(3, 5)$. Pushing $x$ works on a
    square with 5 in front: $2 \cdot 3 \cdot 5 = 30$. Pushing $y$ works on something that is 9 times $y$: 9.
    """)
    return


@app.cell
def _():
    def volume(x):
        """x² y."""
        return x[0] ** 2 * x[1]

    found = numerical_gradient(volume, np.array([3.0, 5.0]))
    mo.md(f"Measured: **{found[0]:.6f}** and **{found[1]:.6f}**.")
    return found, volume


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The two numbers say how fast $f$ grows along the two axes. They also say it for every direction between: walk from
    $(3, 5)$ at any angle and measure. In the direction $(u_x, u_y)$, an arrow one long, it grows by $30\, u_x + 9\, u_y$:
    the dot product of gradient and direction, which is largest where both point the same way. So the steepest direction
    is the gradient's own. Against it $f$ falls fastest, which is why training steps that way.
    """)
    return


@app.cell
def _(found, volume):
    angles = np.arange(0, 361, 5)
    _directions = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1)
    _here, _far = np.array([3.0, 5.0]), 1e-5
    walked = np.array([(volume(_here + _far * one) - volume(_here - _far * one)) / (2 * _far) for one in _directions])
    own_angle, length = np.degrees(np.arctan2(found[1], found[0])), np.hypot(*found)
    plots.lines(
        angles,
        {"measured slope": walked},
        x="angle in degrees; 0 is along x, 90 along y",
        y="how fast f grows",
        levels={"length of the gradient": length},
        title=f"Steepest at {own_angle:.0f} degrees, the direction of the gradient",
    )
    return angles, length, own_angle, walked


@app.cell
def _(angles, found, length, own_angle, walked):
    assert np.allclose(found, [30, 9], atol=1e-6), "the gradient of x² y at (3, 5) is (30, 9)"
    assert walked.max() <= length + 1e-6 and abs(angles[walked.argmax()] - own_angle) <= 2.5
    assert np.allclose(walked, length * np.cos(np.radians(angles - own_angle)), atol=1e-5), "a cosine around it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many results, and slopes of slopes

    Two tables belong to every function. If it gives several results, each has its own gradient; one under the other they
    are the **Jacobian**. And a gradient changes from place to place: how fast is the **Hessian**, the table of second
    derivatives. It is symmetric: to push $x$ and then $y$ is to push $y$ and then $x$.
    """)
    return


@app.cell
def _(volume):
    slopes = jacobian(lambda x: [x[0] * x[1], x[0], x[0] + 10 * x[1]], np.array([2.0, 3.0]))
    curves = hessian(volume, np.array([3.0, 5.0]))
    plots.heat_map(
        slopes,
        rows=["x·y", "x", "x + 10y"],
        columns=["x", "y"],
        x="pushed",
        y="result",
        text=True,
        title="Jacobian at x = 2, y = 3",
    )
    return curves, slopes


@app.cell
def _(curves, slopes):
    assert np.allclose(slopes, [[3, 2], [1, 0], [1, 10]], atol=1e-6)
    assert np.allclose(curves, [[10, 6], [6, 0]], atol=1e-4), "2y, 2x and 0: the second derivatives of x² y at (3, 5)"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How small is small enough

    A computer keeps 16 digits. $f(x + h)$ and $f(x)$ agree in most of them when $h$ is tiny; the difference is what is left
    of the last few, and dividing by $h$ makes their rounding large. So two errors pull against each other: a large step
    sees the bend of the curve, a small one sees the rounding. Both axes below count powers of ten: at -6 the step is
    0.000001.
    """)
    return


@app.cell
def _():
    chosen = mo.ui.dropdown(["exp", "sine", "1 / x"], value="exp", label="function, at x = 1")
    chosen
    return (chosen,)


@app.cell
def _(chosen):
    _function, _slope = {
        "exp": (np.exp, np.exp(1.0)),
        "sine": (np.sin, np.cos(1.0)),
        "1 / x": (lambda x: 1 / x, -1.0),
    }[chosen.value]
    powers = np.linspace(-15.3, -0.3, 61)
    _measured = step_errors(_function, _slope, 1.0, 10.0**powers)
    errors = {name: np.maximum(values, 1e-13) for name, values in _measured.items()}  # 0 has no logarithm
    best = {name: 10.0 ** powers[values.argmin()] for name, values in errors.items()}
    plots.lines(
        powers,
        {"one side": np.log10(errors["forward"]), "both sides": np.log10(errors["central"])},
        x="step, as a power of ten",
        y="error, as a power of ten",
        title=f"The best step for {chosen.value}: {best['forward']:.0e} to one side, {best['central']:.0e} to both",
    )
    return best, errors, powers


@app.cell
def _(best, errors):
    _forward, _central = ([values[place] for place in (5, 30, 41, 55)] for values in errors.values())
    assert _forward[0] > 1e-3, "a step of about 1e-14 measures rounding and little else"
    assert _forward[1] < 1e-6 < _forward[3], "to one side about 1e-8 is good, and 0.03 is not"
    assert _central[2] < 1e-9 < _central[3], "to both sides about 1e-5 is good"
    assert 1e-11 < best["forward"] < 1e-6 and 1e-8 < best["central"] < 1e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    One trick escapes: step in the direction of the imaginary number $i$, and nothing is subtracted, so nothing cancels. It
    needs a function that takes complex numbers, which few programs do.

    ## The judge

    Measuring needs two runs of the function for every number. A model of 100 million numbers would need 200 million runs
    for one step, so nobody trains like this. What it is for: a derivative found by a formula can be wrong, and the
    measured one knows no formula. Below, the derivative of $\sum x^3$ is claimed twice, once with a slip ($\sum$ reads
    "the sum of": here of the cubes of three numbers).
    """)
    return


@app.cell
def _():
    _point = np.array([0.5, -1.0, 2.0])
    right = check_gradient(lambda x: (x**3).sum(), 3 * _point**2, _point)
    slip = check_gradient(lambda x: (x**3).sum(), 3 * _point**2 * np.sign(_point), _point)
    exact = complex_step_gradient(lambda x: (x**3).sum(), _point) - 3 * _point**2
    mo.md(f"- $3x^2$: {right}\n- with a slip in the sign: {slip}")
    return exact, right, slip


@app.cell
def _(exact, right, slip):
    assert right.agrees and not slip.agrees, "the judge passes the right formula and finds the slip"
    assert slip.place == (1,), "it points to the number where the two differ most"
    assert np.abs(exact).max() < 1e-14
    assert np.allclose(gradient(lambda x: (x**3).sum(), np.array([2.0])), 12.0), "gradient() chooses its step itself"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move along the curve to -1 and to 1: the line lies flat, at the top and at the bottom alike.
    - Look at the two Vs for each function: to the left of the bottom both have the same ragged slope (rounding), to the right
      one rises with $h$, the other with $h^2$, twice as steep.
    - Give `numerical_gradient` the function `lambda x: abs(x[0])` at 0: it says 0, although there is a corner and no slope.

    Write it yourself: `groundup learn start numerical_gradient`
    """)
    return


if __name__ == "__main__":
    app.run()
