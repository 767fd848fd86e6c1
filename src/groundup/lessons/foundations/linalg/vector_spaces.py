"""Lesson: span, basis and rank, the nearest point of a span, and Gram-Schmidt, which rounding can ruin."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What arrows can reach together", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.linalg.vector_spaces import (
        gram_schmidt,
        gram_schmidt_classical,
        in_span,
        independent_columns,
        loss_of_orthogonality,
        orthonormal_basis,
        project,
        rank,
    )
    from groundup.foundations.linalg.vectors import angle


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What arrows can reach together

    Take a few arrows, make each longer or shorter, and add them: which points can be reached? How many of the arrows are
    really needed, and which reachable point is nearest to one that cannot be reached? Afterwards you can answer all three,
    and know why a formula that is right on paper may be wrong in a computer.
    """)
    return


@app.cell
def _():
    def hilbert(size):
        """The matrix 1, 1/2, 1/3, ... whose columns point in nearly the same direction."""
        return 1 / (1 + np.arange(size)[:, None] + np.arange(size))

    _made = gram_schmidt_classical(hilbert(10))
    degrees_apart = math.degrees(angle(_made[:, 8], _made[:, 9]))
    mo.md(
        "A formula from every textbook turns arrows into arrows at right angles to each other. Ten arrows of ten numbers are "
        f"given to it. Between the last two that it returns there should be 90 degrees; there are **{degrees_apart:.2f}**. "
        "The formula is right, and the program has no mistake in it."
    )
    return degrees_apart, hilbert


@app.cell
def _(degrees_apart):
    assert degrees_apart < 1, "the two arrows are nearly the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Reach

    With one arrow, stretched or turned back, one reaches the points of a line. A second arrow in another direction reaches
    the whole plane. All that a set of arrows reaches is its **span**. An arrow that lies in the span of the others adds
    nothing; how many remain when all such are left out is the **rank**, and those that remain are a **basis**.
    """)
    return


@app.cell
def _():
    arrows = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])  # three columns, each an arrow in space
    needed = rank(arrows)
    assert np.array_equal(arrows[:, 2], arrows[:, 0] + arrows[:, 1]), "the third is the sum of the first two"
    assert needed == 2
    assert in_span([5, 1, 2], arrows) and not in_span([0, 0, 1], arrows), "a plane through 0, not all of space"
    assert len(independent_columns(arrows)[0]) == 2 and orthonormal_basis(arrows).shape == (3, 2)
    mo.md(
        f"Three arrows in space, (1, 1, 0), (2, 0, 1) and their sum (3, 1, 1): they reach a plane, and the rank is **{needed}**."
    )
    return arrows, needed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Seen from the side, the mixtures of the first two arrows lie on a plane, and the third arrow lies on it too: it brings
    nothing new.
    """)
    return


@app.cell
def _(arrows):
    _weights = np.linspace(-1, 1, 5)
    _mixtures = np.array([one * arrows[:, 0] + other * arrows[:, 1] for one in _weights for other in _weights])
    plots.scatter(
        [*_mixtures, *arrows.T],
        groups=["mixtures of the first two"] * 25 + ["the three arrows' ends"] * 3,
        paths=[[[0, 0, 0], arrow] for arrow in arrows.T],
        x="x",
        y="y",
        z="z",
        title="Turn it until you look along the plane",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The nearest point

    A point beside a line: which point of the line is nearest to it? The one where what is left, the **rest**, stands at a
    right angle to the line. It is called the **projection**. For a line along $a$ the point is some $t\, a$; at a right angle
    to $a$ its rest $v - t\, a$ has the dot product 0 with it, so $a \cdot v = t\; a \cdot a$, and the point is

    $$\frac{a \cdot v}{a \cdot a}\; a$$

    Turn the line.
    """)
    return


@app.cell
def _():
    turned = mo.ui.slider(0, 180, step=15, value=30, label="the line, in degrees", show_value=True)
    turned
    return (turned,)


@app.cell
def _(turned):
    point = np.array([1.0, 2.0])
    along = 3 * np.array([math.cos(math.radians(turned.value)), math.sin(math.radians(turned.value))])
    foot = project(point, along[:, None])
    rest = point - foot
    plots.scatter(
        [point, foot],
        labels=["point", "nearest"],
        paths=[[-along, along], [point, foot], [[-3, -3]] * 2, [[3, 3]] * 2],
        square=True,
        title=f"The rest is {math.hypot(*rest):.2f} long",
    )
    return along, foot, point, rest


@app.cell
def _(along, foot, point, rest):
    assert np.allclose(foot, (along @ point) / (along @ along) * along, atol=1e-12), "the formula above"
    assert abs(along @ rest) < 1e-12, "the rest stands at a right angle"
    _others = np.linspace(-2, 2, 81)[:, None] * along
    assert np.hypot(*(point - _others).T).min() >= math.hypot(*rest) - 1e-12, "no point of the line is nearer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Gram-Schmidt: one arrow after the other

    Arrows at right angles, each one long, are the best basis: to project on them, project on each and add. They are
    called **orthonormal** (*orthogonal* says the right angles alone). To make any arrows so, walk through them. From each
    take away its projections on the directions that are already made, and divide the rest by its length. By hand: (3, 4)
    has length 5, so the first direction is (0.6, 0.8). Then comes (2, 1).
    """)
    return


@app.cell
def _():
    first = np.array([3.0, 4.0]) / 5
    _part = (first @ [2, 1]) * first  # 0.6 * 2 + 0.8 * 1 = 2 along the first direction
    _rest = np.array([2, 1]) - _part
    second = _rest / math.hypot(*_rest)
    assert np.allclose(np.column_stack([first, second]), gram_schmidt([[3, 2], [4, 1]]))
    mo.md(
        f"Of (2, 1) the part ({_part[0]:.1f}, {_part[1]:.1f}) goes along the first direction. The rest is ({_rest[0]:.1f}, {_rest[1]:.1f}); "
        f"made one long it is **({second[0]:.1f}, {second[1]:.1f})**, and 0.6 times 0.8 minus 0.8 times 0.6 is 0: a right angle."
    )
    return first, second


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three orders of the same subtractions

    - **classical**: all parts are computed from the arrow as it came, then subtracted together
    - **modified**: as soon as a direction is made, its part is subtracted from all arrows that are still to come
    - **twice**: classical, and then once more on what is left

    On paper they give the same. A computer keeps 16 digits; where arrows are nearly alike, a rest is the small difference of
    large numbers, and most of its digits are noise. The picture shows $|q_i \cdot q_j|$ for all pairs of results $q$: it should
    be 1 on the diagonal and 0 elsewhere, the identity. Choose, and raise the number of arrows.
    """)
    return


@app.cell
def _():
    ways = {
        "classical": gram_schmidt_classical,
        "modified": gram_schmidt,
        "twice": lambda vectors: gram_schmidt_classical(vectors, passes=2),
    }
    return (ways,)


@app.cell
def _():
    way = mo.ui.dropdown(["classical", "modified", "twice"], value="classical", label="way")
    way
    return (way,)


@app.cell
def _():
    size = mo.ui.slider(2, 12, step=1, value=10, label="arrows", show_value=True)
    size
    return (size,)


@app.cell
def _(hilbert, size, way, ways):
    made = ways[way.value](hilbert(size.value))
    plots.heat_map(
        np.abs(made.T @ made),
        low=0,
        high=1,
        title=f"{way.value}, {size.value} arrows: loss {loss_of_orthogonality(made):.1e}",
    )
    return (made,)


@app.cell
def _(hilbert, made, size, way, ways):
    _losses = {name: loss_of_orthogonality(one(hilbert(size.value))) for name, one in ways.items()}
    assert _losses["twice"] < 1e-14, "twice is enough"
    assert size.value < 4 or _losses["twice"] < _losses["modified"] < _losses["classical"]
    assert way.value == "classical" or size.value > 10 or loss_of_orthogonality(made) < 1e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How fast it is lost

    How nearly alike the arrows are is measured by the **condition number** $\kappa$ (kappa): the longest mixture of the arrows
    over the shortest, among mixtures whose list of weights is one long. The classical way loses digits like $\kappa^2$, the
    modified way like $\kappa$, and twice loses none. On axes that count digits these are lines of slope 2, 1 and 0.
    """)
    return


@app.cell
def _(ways):
    def alike(condition):
        """Forty numbers, twelve arrows, with a condition number that was asked for."""
        source = np.random.default_rng(0)
        left = gram_schmidt_classical(source.normal(size=(40, 12)), passes=2)
        right = gram_schmidt_classical(source.normal(size=(12, 12)), passes=2)
        return left * np.geomspace(1, 1 / condition, 12) @ right.T

    conditions = [10.0**digits for digits in range(1, 13)]
    losses = {name: [loss_of_orthogonality(way(alike(one))) for one in conditions] for name, way in ways.items()}
    plots.lines(
        conditions,
        losses,
        x="condition number",
        y="loss of orthogonality",
        log_x=True,
        log_y=True,
        levels={"nothing is right": 1.0},
        marked=True,
        title="What rounding takes",
    )
    return alike, conditions, losses


@app.cell
def _(conditions, losses):
    _digits = np.log10(conditions[6]) - np.log10(conditions[1])
    _slopes = {name: (np.log10(one[6]) - np.log10(one[1])) / _digits for name, one in losses.items()}
    assert 1.5 < _slopes["classical"] < 3 and 0.5 < _slopes["modified"] < 1.5 and abs(_slopes["twice"]) < 0.2
    assert max(losses["twice"]) < 1e-14
    mo.md(f"Measured slopes: {', '.join(f'{name} **{slope:.1f}**' for name, slope in _slopes.items())}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Raise the number of arrows with the classical way: up to 6 the picture is clean, from 7 on the last ones fall together.
    - Choose modified at 12, then twice: the second pass costs as much again and brings all digits back.
    - In a new cell: `rank([[1, 2, 3.001], [1, 0, 1], [0, 1, 1]])` is 3, since the sum is not quite hit. With
      `tolerance=0.01` it is 2 again: rank is a question of what counts as zero.

    Write it yourself: `groundup learn start project`, then `groundup learn start gram_schmidt`
    """)
    return


if __name__ == "__main__":
    app.run()
