"""Lesson: exact nearest neighbours by products of matrices, and how they score a set of vectors."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="All distances as one product", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.evaluation.neighbours import nearest_neighbours, purity


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # All distances as one product

    Maps of words, scores of vectors and search all ask the same question: who is nearest to whom? Afterwards you can answer it for thousands of
    points without a loop, you know where that loses digits, and you can read purity, the score that needs no judge.
    """)
    return


@app.cell
def _():
    _points = np.random.default_rng(0).normal(size=(3000, 50))
    rows, distances = nearest_neighbours(_points, 5)
    mo.md(
        f"Three thousand points have **{3000 * 2999 // 2:,}** distances. All were computed, and of each point's the five smallest kept; the nearest is "
        f"on average {distances[:, 0].mean():.2f} away, the fifth {distances[:, 4].mean():.2f}."
    )
    return distances, rows


@app.cell
def _(distances, rows):
    assert rows.shape == (3000, 5) and (np.diff(distances) >= 0).all()
    assert not (rows == np.arange(3000)[:, None]).any(), "nobody is its own neighbour"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The square of a difference

    $$|a - b|^2 = |a|^2 + |b|^2 - 2\, a \cdot b$$

    The left side is a loop over pairs. On the right the lengths are computed once a point, and all the $a \cdot b$ together are one product of matrices, the
    operation machines are built for. Whose neighbours are looked for does not change their order, so $|a|^2$ can be left out as well. Three points by hand:
    """)
    return


@app.cell
def _():
    three = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 5.0]])
    _squares = (three**2).sum(1)
    table = _squares[:, None] + _squares - 2 * three @ three.T
    plots.heat_map(
        table,
        rows=["(0, 0)", "(3, 4)", "(3, 5)"],
        columns=["(0, 0)", "(3, 4)", "(3, 5)"],
        text=True,
        title="Squared distances",
    )
    return table, three


@app.cell
def _(table, three):
    assert np.allclose(table, [[0, 25, 34], [25, 0, 1], [34, 1, 0]])
    _rows, _distances = nearest_neighbours(three, 1)
    assert _rows[:, 0].tolist() == [1, 2, 1] and np.allclose(_distances[:, 0], [5, 1, 1])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the digits go

    Two points a hundredth apart, both far from zero: their squares are large numbers that differ little, and a subtraction of such numbers in 32 bits
    leaves noise. Move the cloud away from zero and see what the formula alone says of that hundredth. `nearest_neighbours` moves the points
    back to their mean first, which changes no distance, and computes the distances of those it found again, from the differences.
    """)
    return


@app.cell
def _():
    away = mo.ui.slider(0, 6, step=1, value=3, label="distance from zero, a power of ten", show_value=True)
    away
    return (away,)


@app.cell
def _(away):
    def _both(power):
        pair = np.array([[0.0, 0.0], [0.01, 0.0]], np.float32) + np.float32(10.0**power)
        squares = (pair * pair).sum(1)
        formula = float(np.sqrt(max(0.0, squares[0] + squares[1] - 2 * (pair @ pair.T)[0, 1])))
        return (
            formula,
            float(np.linalg.norm((pair[1] - pair[0]).astype(np.float64))),
            float(nearest_neighbours(pair, 1)[1][0, 0]),
        )

    by_formula, in_memory, library = _both(away.value)
    plots.value_bars(
        {"distance": {"the formula": by_formula, "as stored": in_memory, "the library": library}},
        y="distance", title=f"Two points 0.01 apart, {10**away.value:,} from zero",
    )  # fmt: skip
    return by_formula, in_memory, library


@app.cell
def _(away, by_formula, in_memory, library):
    assert math.isclose(library, in_memory, rel_tol=1e-3, abs_tol=1e-9)
    assert away.value > 0 or math.isclose(by_formula, 0.01, rel_tol=0.05)
    assert away.value < 3 or abs(by_formula - 0.01) > 0.002, "nothing of it is left"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Long or alike?

    Frequent words have long vectors, and what is long is far from everything. For words one mostly asks for the angle instead: bring all to
    length 1, and the distance is $1 - \cos$. Here is a point between a long and a short one.
    """)
    return


@app.cell
def _():
    cosine = mo.ui.switch(value=False, label="by the angle")
    cosine
    return (cosine,)


@app.cell
def _(cosine):
    _names = ["asked", "same way", "near"]
    _places = np.array([[1.0, 1.0], [3.6, 3.7], [1.0, 0.0]])
    nearest = int(nearest_neighbours(_places, 1, cosine=cosine.value)[0][0, 0])
    plots.scatter(
        _places,
        labels=_names,
        paths=[_places[[0, nearest]]],
        title=f"Nearest to 'asked': '{_names[nearest]}'",
    )
    return (nearest,)


@app.cell
def _(cosine, nearest):
    assert nearest == (1 if cosine.value else 2)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Purity

    If one knows to which kind each word belongs (days, places, names), vectors can be scored without anybody's judgement: of the $k$
    nearest of each word, what share is of its own kind? By chance it is the kind's share among the others. Four kinds of ten points around
    four centres; how far are the centres apart?
    """)
    return


@app.cell
def _():
    spread = mo.ui.slider(0, 4, step=0.5, value=2, label="distance of the centres", show_value=True)
    spread
    return (spread,)


@app.cell
def _(spread):
    _generator = np.random.default_rng(5)
    kinds = [kind for kind in "abcd" for _ in range(10)]
    _centres = spread.value * np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) / 2
    cloud = np.repeat(_centres, 10, axis=0) + _generator.normal(size=(40, 2)) * 0.5
    pure = purity(cloud, kinds, 5, cosine=False)
    plots.scatter(cloud, groups=kinds, title=f"Purity of five neighbours: {pure:.0%}; by chance {9 / 39:.0%}")
    return cloud, kinds, pure


@app.cell
def _(cloud, kinds, pure, spread):
    assert 9 / 39 - 0.12 < pure <= 1
    assert spread.value < 2 or pure > 0.9
    assert spread.value > 0.5 or pure < 0.6
    _plain = [
        np.mean([kinds[other] == kinds[at] for other in np.argsort(np.linalg.norm(cloud - cloud[at], axis=1))[1:6]])
        for at in range(40)
    ]
    assert np.isclose(np.mean(_plain), pure), "point by point it is the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A million from zero: stored with 24 bits, the two points are at the same place, and no formula brings them apart again.
    - Distance of the centres 0: purity is what chance gives. At 2 it is nearly 1, though the clouds touch.
    - `groundup inspect VECTORS --word season` asks for the angle; the lesson t_sne draws its map from these neighbours.

    What neighbours become on a map: `groundup learn start neighbour_probabilities`
    """)
    return


if __name__ == "__main__":
    app.run()
