"""Lesson: k nearest neighbours: the most similar examples vote, and what similar means decides everything."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Nearest neighbours: ask those who are like you", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.features import standardize
    from groundup.foundations.learning.samples import squared_distances
    from groundup.foundations.learning.supervised.neighbours import nearest_neighbours, nearest_rows, neighbours_mean


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Nearest neighbours: ask those who are like you

    Here is a way to learn without learning: keep all examples, and for a new case let the most similar ones vote. Afterwards you
    can do it by hand, choose how many to ask, and say why the unit of a feature and the number of features decide whether it works.
    """)
    return


@app.cell
def _():
    def nearest_over_farthest(features):
        """How near the nearest of 500 random points is to a random place, compared with the farthest."""
        generator = np.random.default_rng(0)
        away = np.sqrt(
            squared_distances(generator.uniform(size=(20, features)), generator.uniform(size=(500, features)))
        )
        return float((away.min(axis=1) / away.max(axis=1)).mean())

    flat, deep = nearest_over_farthest(2), nearest_over_farthest(1000)
    mo.md(
        f"Of 500 points strewn over a square the nearest is about {1 / flat:.0f} times as near as the farthest. With 1,000 numbers a "
        f"point instead of two, the nearest is still at **{deep:.0%}** of the distance of the farthest: everybody is a stranger."
    )
    return deep, flat, nearest_over_farthest


@app.cell
def _(deep, flat):
    assert flat < 0.05
    assert deep > 0.8
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three examples, by hand

    On a line stand *a* at 0, *a* at 1 and *b* at 9. A newcomer at 2 is at distance 2, 1 and 7 from them, so its nearest neighbour is
    the second: *a*. One at 8 has *b* next to it. But ask **three**, and both get *a*: with everybody voting, the majority always wins.
    """)
    return


@app.cell
def _():
    _places, _names = [[0], [1], [9]], ["a", "a", "b"]
    assert nearest_rows(_places, [[2], [8]], 3).tolist() == [[1, 0, 2], [2, 1, 0]], "nearest first"
    _one = nearest_neighbours(_places, _names, [[2], [8]], k=1).tolist()
    _three = nearest_neighbours(_places, _names, [[2], [8]], k=3).tolist()
    assert (_one, _three) == (["a", "b"], ["a", "a"])
    f"k = 1: {_one};  k = 3: {_three}"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many to ask

    Two groups in the plane, inside and outside of a ring; 15 of every 100 labels are wrong, as in life. The picture shows which
    share of the $k$ nearest votes for "inside". Where it is above one half, the answer is inside. At $k = 1$ each wrong label
    makes an island of its own; at $k = 199$, two thirds of all, everybody asks the middle as well.
    """)
    return


@app.cell
def _():
    def ring(count, seed):
        """Points of a square, and whether they lie inside a ring; 15% of the labels are turned round."""
        generator = np.random.default_rng(seed)
        points = generator.uniform(-1, 1, (count, 2))
        truth = (points**2).sum(axis=1) < 0.55
        return points, np.where(generator.random(count) < 0.15, ~truth, truth), truth

    points, labels, _ = ring(300, 0)
    new_points, _, new_truth = ring(1000, 1)
    return labels, new_points, new_truth, points, ring


@app.cell
def _():
    k = mo.ui.dropdown(["1", "5", "15", "45", "99", "199"], value="1", label="k, how many vote")
    k
    return (k,)


@app.cell
def _(k, labels, points):
    _side = np.linspace(-1, 1, 41)
    _grid = np.stack(np.meshgrid(_side, _side), axis=-1).reshape(-1, 2)
    shares = neighbours_mean(points, labels.astype(float), _grid, int(k.value))
    _angle = np.linspace(0, 2 * np.pi, 60)
    plots.contour_map(
        _side,
        _side,
        shares.reshape(41, 41),
        paths={"the true border": np.sqrt(0.55) * np.column_stack([np.cos(_angle), np.sin(_angle)])},
        title=f"Share of the {k.value} nearest that say inside",
    )
    return (shares,)


@app.cell
def _(k, labels, new_points, new_truth, points, shares):
    right = {n: float((nearest_neighbours(points, labels, new_points, n) == new_truth).mean()) for n in (1, 15, 199)}
    right_here = float((nearest_neighbours(points, labels, new_points, int(k.value)) == new_truth).mean())
    _own = float((nearest_neighbours(points, labels, points, int(k.value)) == labels).mean())
    assert set(np.round(shares * int(k.value), 6) % 1) <= {0.0}, "a share of k votes"
    assert (k.value == "1") == (_own == 1.0), "only k = 1 repeats all it was told, the wrong labels too"
    assert right[1] + 0.05 < right[15] > right[199] + 0.05, "too few and too many are both worse"
    mo.md(
        f"k = {k.value}: right on {_own:.0%} of the examples it keeps and on **{right_here:.1%}** of 1,000 new places "
        f"(k = 1: {right[1]:.1%}, 15: {right[15]:.1%}, 199: {right[199]:.1%})."
    )
    return right, right_here


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The unit is an opinion

    Distance adds up squares, so a feature with large numbers decides alone. Here is the same plane with the second feature measured
    in thousandths: the first one has no say any more. Bringing every column to mean 0 and deviation 1 (**standardizing**) repairs it.
    """)
    return


@app.cell
def _(labels, new_points, new_truth, points, right):
    _unit = np.array([1.0, 1000.0])
    _asked, _known = new_points * _unit, points * _unit
    mixed = float((nearest_neighbours(_known, labels, _asked, 15) == new_truth).mean())
    _scale = standardize(_known)
    repaired = float((nearest_neighbours(_scale.apply(_known), labels, _scale.apply(_asked), 15) == new_truth).mean())
    assert mixed < right[15] - 0.1
    assert abs(repaired - right[15]) < 0.03
    plots.value_bars(
        {"right": {"one unit": right[15], "thousandths": mixed, "standardized": repaired, "always the commoner": max(new_truth.mean(), 1 - new_truth.mean())}},
        y="right on new places", title="The same data in other units",
    )  # fmt: skip
    return mixed, repaired


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Features that say nothing

    Add columns of pure noise. The two that matter are still there, but the distance hardly sees them. This is the **curse of
    dimensionality**, and the reason why a language model first turns text into vectors in which near means similar, and only then
    are neighbours asked (retrieval does exactly that).
    """)
    return


@app.cell
def _(labels, new_points, new_truth, points):
    _generator = np.random.default_rng(5)
    _noise, _new_noise = _generator.uniform(-1, 1, (300, 64)), _generator.uniform(-1, 1, (1000, 64))
    extra = [0, 1, 2, 4, 8, 16, 32, 64]
    spoiled = [
        float((nearest_neighbours(np.column_stack([points, _noise[:, :n]]), labels,
                                  np.column_stack([new_points, _new_noise[:, :n]]), 15) == new_truth).mean())
        for n in extra
    ]  # fmt: skip
    assert spoiled[0] > 0.85
    assert spoiled[-1] < spoiled[0] - 0.15
    plots.lines(
        extra,
        {"right on new places": spoiled},
        x="columns of noise added",
        y="share right",
        marked=True,
        title="Noise columns drown the two that matter",
    )
    return extra, spoiled


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - k = 1: right on all examples it keeps, and not the best on new ones. Remembering is not knowing.
    - k = 199: inside wins almost everywhere, since from any corner two thirds of the points reach beyond the middle.
    - Ask `nearest_over_farthest` for 3, 10 and 100 features: the strangers come sooner than one thinks.

    Write it yourself: `groundup learn start nearest_neighbours`
    """)
    return


if __name__ == "__main__":
    app.run()
