"""Lesson: the directions that a matrix only stretches, found one by one and all at once."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The directions that stay", width="medium")

with app.setup:
    import math
    from bisect import bisect_left

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.linalg.eigen import (
        corner_shift,
        eigenvalues,
        hessenberg,
        inverse_iteration,
        power_iteration,
        qr_algorithm,
        rayleigh_iteration,
        rayleigh_quotient,
        shifted_step,
    )
    from groundup.foundations.linalg.qr import householder_qr


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The directions that stay

    A matrix moves most arrows to another direction. A few it only makes longer or shorter, and these few explain what it does
    when it is used again and again. Afterwards you can find them by hand for a small matrix, by multiplying for a large one,
    and you know how a program finds all of them at once.
    """)
    return


@app.cell
def _():
    def fibonacci(first, second, steps=25):
        """The ratio of the last two numbers when each new one is the sum of the two before it."""
        for _ in range(steps):
            first, second = second, first + second
        return second / first

    ratios = [fibonacci(*start) for start in ((1, 1), (7, -3), (1, 1000))]
    mo.md(
        "Write down any two numbers, and go on with the sum of the last two. After 25 steps divide the last by the one "
        f"before it: from (1, 1) this gives {ratios[0]:.6f}, from (7, -3) {ratios[1]:.6f}, from (1, 1000) **{ratios[2]:.6f}**. "
        "The start is forgotten. What is this number?"
    )
    return fibonacci, ratios


@app.cell
def _(ratios):
    assert max(ratios) - min(ratios) < 1e-6
    _value, _vector = power_iteration([[1, 1], [1, 0]], [1, 1])
    assert abs(_value - (1 + math.sqrt(5)) / 2) < 1e-9, "it belongs to the matrix, not to the start"
    assert abs(_vector[0] / _vector[1] - ratios[0]) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A step takes (last, before) to (last + before, last). That is the matrix $\begin{pmatrix} 1 & 1 \\ 1 & 0 \end{pmatrix}$,
    used again and again, and the number belongs to it.

    ## Stretched, and not turned

    If $A v = \lambda v$ ($\lambda$ is read lambda), the arrow $v$ keeps its direction and becomes $\lambda$ times as
    long. Then $v$ is an **eigenvector** and $\lambda$ its **eigenvalue**. Turn the arrow and look when its image lies on
    it.
    """)
    return


@app.cell
def _():
    degrees = mo.ui.slider(0, 180, step=15, value=15, label="the arrow, in degrees", show_value=True)
    degrees
    return (degrees,)


@app.cell
def _(degrees):
    simple = np.array([[2.0, 1.0], [1.0, 2.0]])
    arrow = np.array([math.cos(math.radians(degrees.value)), math.sin(math.radians(degrees.value))])
    image = simple @ arrow
    off = abs(math.degrees(math.asin(np.clip((arrow[0] * image[1] - arrow[1] * image[0]) / math.hypot(*image), -1, 1))))
    _circle = np.linspace(0, 2 * math.pi, 73)
    _points = np.column_stack([np.cos(_circle), np.sin(_circle)])
    plots.scatter(
        [[0, 0], image, [0, 0], arrow],
        groups=["its image", "its image", "the arrow", "the arrow"],
        joined=True,
        paths=[_points, _points @ simple.T],
        square=True,
        title=f"The image is turned by {off:.0f} degrees and {math.hypot(*image):.2f} long",
    )
    return arrow, image, off, simple


@app.cell
def _(arrow, degrees, image, off, simple):
    assert (off < 1e-6) == (degrees.value in (45, 135)), "two directions stay, and only these"
    assert degrees.value != 45 or np.allclose(image, 3 * arrow)
    assert degrees.value != 135 or np.allclose(image, arrow)
    assert 1 - 1e-12 <= rayleigh_quotient(simple, arrow) <= 3 + 1e-12, (
        "the best guess for any arrow lies between the two"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Multiply again and again

    Every arrow is a mixture of the two. With each multiplication the one part grows by 3 and the other by 1, so the first
    wins. By hand: (1, 0) goes to (2, 1), then (5, 4), then (14, 13). This is **power iteration**; to keep the numbers
    small, one makes the arrow one long after each step. It finds the eigenvalue of largest size. The value is read off as
    $v \cdot A v$ (the **Rayleigh quotient** of an arrow that is one long): for an eigenvector that is
    $\lambda\, v \cdot v = \lambda$.
    """)
    return


@app.cell
def _(simple):
    _steps = [np.array([1.0, 0.0])]
    for _ in range(3):
        _steps = [*_steps, simple @ _steps[-1]]
    assert [one.tolist() for one in _steps] == [[1, 0], [2, 1], [5, 4], [14, 13]]
    largest, winner = power_iteration(simple, [1, 0])
    assert abs(largest - 3) < 1e-9 and np.allclose(winner, math.sqrt(0.5), atol=1e-6)
    mo.md(
        f"The library goes on to the end: eigenvalue **{largest:.4f}**, direction ({winner[0]:.4f}, {winner[1]:.4f})."
    )
    return largest, winner


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How long does it take?

    As long as the strongest rival lets it. If the second eigenvalue is $r$ times the first, the wrong part shrinks by $r$ a
    step. Set the rival near 1 and power iteration crawls. Two better ways use equations in place of products. The inverse
    $(A - s I)^{-1}$ has the same eigenvectors, with the eigenvalues $1 / (\lambda - s)$: huge for a $\lambda$ near $s$.

    - **inverse iteration** multiplies with it, for a guess $s$: the eigenvalue nearest to $s$ wins, quickly
    - **Rayleigh iteration** takes the latest estimate for $s$: the number of right digits triples with each step
    """)
    return


@app.cell
def _():
    rival = mo.ui.slider(
        steps=[0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99], value=0.9, label="the rival, times the largest", show_value=True
    )
    rival
    return (rival,)


@app.cell
def _(rival):
    _source = np.random.default_rng(0)
    _turn = householder_qr(_source.normal(size=(6, 6)))[0]
    _mixed = _turn * np.array([1.0, rival.value, *(rival.value * np.array([0.8, 0.6, 0.4, 0.2]))]) @ _turn.T
    matrix = (_mixed + _mixed.T) / 2
    start = _turn @ np.ones(6)  # as much of each eigenvector
    best = _turn[:, 0]
    wrong, _arrow = [], start / np.linalg.norm(start)
    for _ in range(40):
        wrong.append(np.linalg.norm(_arrow - best * (best @ _arrow)) / abs(best @ _arrow))
        _arrow = matrix @ _arrow / np.linalg.norm(matrix @ _arrow)
    plots.lines(
        range(40),
        {"power iteration": wrong, "r to the number of steps": [rival.value**step for step in range(40)]},
        x="step",
        y="wrong part over right part",
        log_y=True,
        title=f"A rival of {rival.value}",
    )
    return best, matrix, start, wrong


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Now let the library count: after how many steps does each way end, when it has to find the same arrow?
    """)
    return


@app.cell
def _(matrix, start):
    def ends(method, steps):
        """Whether so many steps are enough."""
        try:
            return abs(method(steps)[0] - 1) < 1e-6
        except InputError:
            return False

    _near = inverse_iteration(matrix, 1.001, start, tolerance=1e-3)[1]
    _methods = {
        "power": lambda steps: power_iteration(matrix, start, steps, tolerance=1e-6),
        "inverse, guess 1.001": lambda steps: inverse_iteration(matrix, 1.001, start, steps, tolerance=1e-6),
        "Rayleigh, from a rough arrow": lambda steps: rayleigh_iteration(matrix, _near, steps),
    }
    taken = {
        name: 1 + bisect_left(range(1, 5000), True, key=lambda steps: ends(method, steps))
        for name, method in _methods.items()
    }
    plots.value_bars({"steps": taken}, y="steps", title="Steps until it ends")
    return ends, taken


@app.cell
def _(rival, taken, wrong):
    assert abs(wrong[39] / wrong[38] - rival.value) < 0.01 or wrong[39] < 1e-12, "the wrong part shrinks by r"
    assert max(taken.values()) < 4999, "all find the same eigenvalue, which is 1"
    assert taken["Rayleigh, from a rough arrow"] <= 4
    assert rival.value < 0.9 or taken["power"] > 5 * taken["inverse, guess 1.001"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## All at once: the QR algorithm

    Take a matrix apart as $Q R$, an upright part and a triangle, and multiply in the other order: $R Q$. The eigenvalues stay
    what they were, since $RQ = Q^T (QR)\, Q$ is the same movement seen from turned axes. Do it again and again, and what is
    off the diagonal fades; on it the eigenvalues remain. Subtracting a good guess before and adding it afterwards (a
    **shift**) makes the last row empty in two or three steps. The picture begins with a symmetric matrix that mirrors have
    already made **tridiagonal**, 0 but for the diagonal and its two neighbours: so a step is cheap. Compare.
    """)
    return


@app.cell
def _():
    shift = mo.ui.dropdown(["none", "Wilkinson's"], value="none", label="shift")
    shift
    return (shift,)


@app.cell
def _():
    count = mo.ui.slider(0, 12, step=1, value=3, label="QR steps", show_value=True)
    count
    return (count,)


@app.cell
def _(count, shift):
    _factor = np.random.default_rng(2).normal(size=(6, 6))
    symmetric = _factor + _factor.T
    q, tridiagonal = hessenberg(symmetric)
    for _ in range(count.value):
        _guess = 0.0 if shift.value == "none" else corner_shift(tridiagonal, 6).real
        shifted_step(tridiagonal, q, _guess, 6)
    corner = abs(tridiagonal[5, 4])
    plots.heat_map(
        tridiagonal,
        text=True,
        title=f"After {count.value} steps, shift {shift.value}: {corner:.1e} left in the last row",
    )
    return corner, q, symmetric, tridiagonal


@app.cell
def _(corner, count, q, shift, symmetric, tridiagonal):
    _values, _vectors = qr_algorithm(symmetric)
    assert np.allclose(q @ tridiagonal @ q.T, symmetric), "the same movement at every step"
    assert np.allclose(np.linalg.eigvalsh(tridiagonal), _values), "so the eigenvalues never change"
    assert np.allclose(symmetric @ _vectors, _vectors * _values) and np.allclose(_vectors.T @ _vectors, np.eye(6))
    assert shift.value == "none" or count.value < 4 or corner < 1e-10
    mo.md(f"Eigenvalues by the QR algorithm: **{', '.join(f'{value:.2f}' for value in _values)}**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When no direction stays

    A quarter turn moves every arrow to another direction. Its eigenvalues exist all the same, as complex numbers: $i$ and
    $-i$, where $i$ is the number with $i \cdot i = -1$, since two quarter turns multiply by $-1$. Power iteration would
    turn for ever, so it says so.
    """)
    return


@app.cell
def _():
    _turn = [[0, -1], [1, 0]]
    assert np.allclose(eigenvalues(_turn), [-1j, 1j])
    try:
        power_iteration(_turn, [1, 0], steps=100)
    except InputError as _refusal:
        said = str(_refusal)
    assert "complex" in said
    mo.md(f"> {said}")
    return (said,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Turn the arrow to 45 and to 135 degrees: on these two the image lies on the arrow, 3 times and 1 time as long.
    - Set the rival to 0.99: power iteration needs some 900 steps, the other two a few. Their steps solve equations and
      cost more, but not hundreds of times more.
    - Switch the shift on at 3 steps: the last row is empty but for its corner, which is an eigenvalue. Without it the
      last row loses about half a digit a step.

    Write it yourself: `groundup learn start power_iteration`, then `groundup learn start qr_algorithm`
    """)
    return


if __name__ == "__main__":
    app.run()
