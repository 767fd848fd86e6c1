"""Lesson: k-means: groups without anybody naming them, by two half-steps in turn, and what the start decides."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="k-means: groups that nobody named", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.unsupervised.k_means import inertia, k_means, kmeans_step, lloyd, plus_plus


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # k-means: groups that nobody named

    Points lie about, and nobody says which belong together. Afterwards you can find groups by hand, say why the search always ends and
    why it may end in the wrong place, and choose a start and a number of groups. Where vectors are squeezed into a few bits, in
    indexes and in sound and picture tokens, this is the method.
    """)
    return


@app.cell
def _():
    def pentagon(count, seed):
        """`count` points round each corner of a pentagon."""
        corners = 2 * np.stack([(math.sin(2 * math.pi * n / 5), math.cos(2 * math.pi * n / 5)) for n in range(5)])
        return np.repeat(corners, count, axis=0) + 0.25 * np.random.default_rng(seed).normal(size=(5 * count, 2))

    points = pentagon(30, 0)
    found = k_means(points, 5)
    ways = 150 * math.log10(5) - math.log10(math.factorial(5))
    mo.md(
        f"150 points can be put into five groups in about $10^{{{ways:.0f}}}$ ways, more than there are atoms in the universe "
        f"($10^{{80}}$). k-means looks at **{len(found.inertias) - 1}** of them and has the answer."
    )
    return found, pentagon, points, ways


@app.cell
def _(found, ways):
    assert ways > 100
    assert len(found.inertias) < 15
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four points, by hand

    On a line: 1, 2, 9, 10, and two centres that begin on the first two points. What is to be small is the **inertia**, the sum of
    squared distances to the nearest centre: $0 + 0 + 7^2 + 8^2 = 113$. Two half-steps, in turn:

    1. each point chooses its nearest centre: 1 the first; 2, 9 and 10 the second
    2. each centre moves to the mean of its points: to 1, and to $(2 + 9 + 10) / 3 = 7$

    Now 2 is nearer to the first centre, and in the next round the centres come to 1.5 and 9.5.
    """)
    return


@app.cell
def _():
    line = np.array([[1.0], [2.0], [9.0], [10.0]])
    _chosen, _once = kmeans_step(line, np.array([[1.0], [2.0]]))
    _again, _twice = kmeans_step(line, _once)
    by_hand = [inertia(line, centres) for centres in ([[1.0], [2.0]], _once, _twice)]
    assert _chosen.tolist() == [0, 1, 1, 1]
    assert np.allclose(_once[:, 0], [1, 7])
    assert _again.tolist() == [0, 0, 1, 1]
    assert np.allclose(_twice[:, 0], [1.5, 9.5])
    assert np.allclose(by_hand, [113, 14, 1])
    "inertia: " + ", then ".join(f"{one:g}" for one in by_hand)
    return by_hand, line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Watch it walk

    Neither half-step can make the inertia larger: a point only changes to a nearer centre, and of all places the mean has the smallest
    sum of squared distances. So it comes to rest. Here five centres begin in one and the same heap.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(0, 6, value=0, label="steps made", show_value=True)
    steps
    return (steps,)


@app.cell
def _(points, steps):
    walk = lloyd(points, points[30:35], steps.value)
    _way = np.stack([lloyd(points, points[30:35], made).centres for made in range(steps.value + 1)])
    _order = walk.labels.argsort(kind="stable")
    plots.scatter(
        np.concatenate([points[_order], walk.centres]),
        labels=[""] * 150 + ["centre"] * 5,
        groups=[str(one + 1) for one in walk.labels[_order]] + ["centres"] * 5,
        paths=_way.transpose(1, 0, 2),
        square=True,
        title=f"{steps.value} steps: inertia {walk.inertias[-1]:.1f}",
    )
    return (walk,)


@app.cell
def _(found, points, walk):
    assert (np.diff(walk.inertias) <= 1e-9).all(), "it never rises"
    assert walk.inertias[-1] >= found.inertias[-1] - 1e-9
    at_rest = lloyd(points, points[30:35]).inertias[-1]
    assert at_rest > 3 * found.inertias[-1], "a bad start"
    mo.md(
        f"From this start it comes to rest at {at_rest:.1f}; the best of ten good starts has **{found.inertias[-1]:.1f}**. "
        "A place where neither half-step helps need not be the best place."
    )
    return (at_rest,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A better start

    **k-means++** draws the first centre from the points, and each further one with a chance in proportion to its squared distance from
    those already there: far heaps are likely to get one of their own. A hundred starts of each kind:
    """)
    return


@app.cell
def _(found, points):
    _generator = np.random.default_rng(4)
    ends = {
        "any five points": [lloyd(points, _generator.permutation(points)[:5]).inertias[-1] for _ in range(100)],
        "k-means++": [lloyd(points, plus_plus(points, 5, _generator)).inertias[-1] for _ in range(100)],
    }
    good = {name: float(np.mean(np.array(values) < 1.01 * found.inertias[-1])) for name, values in ends.items()}
    assert good["k-means++"] > good["any five points"] + 0.1
    plots.histogram(ends, bins=30, x="inertia at rest", title="Where a hundred starts end")
    return ends, good


@app.cell
def _(good):
    mo.md(
        f"The best place is reached from **{good['any five points']:.0%}** of the plain starts "
        f"and from **{good['k-means++']:.0%}** of the k-means++ ones."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many groups?

    More centres always lower the inertia; with one for each point it is 0. So it cannot choose $k$ by itself. What one looks for is the
    bend: up to the true number each centre saves much, beyond it each only cuts a heap in two.
    """)
    return


@app.cell
def _():
    groups = mo.ui.slider(1, 9, value=3, label="k", show_value=True)
    groups
    return (groups,)


@app.cell
def _(groups, points):
    inertias = [k_means(points, k, restarts=20).inertias[-1] for k in range(1, 10)]
    _saved = -np.diff(inertias)
    assert (_saved > 0).all(), "more centres, less inertia"
    assert _saved[3] > 4 * _saved[4], "the fifth centre saves much, the sixth little"
    plots.lines(
        range(1, 10),
        {"inertia": inertias},
        levels={f"k = {groups.value}": inertias[groups.value - 1]},
        x="k",
        y="inertia",
        marked=True,
        title="The bend is at five",
    )
    return (inertias,)


@app.cell
def _(groups, points):
    _shown = k_means(points, groups.value)
    assert len(set(_shown.labels.tolist())) == groups.value
    plots.scatter(points, groups=[f"group {one + 1}" for one in _shown.labels], square=True, title=f"The best {groups.value} groups")  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it cannot see

    A group is here whatever is nearest to one middle: round, and of like size. A ring round a heap has its middle where the heap is. The
    eye sees two groups at once; k-means cuts both in half.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(2)
    _angle = _generator.uniform(0, 2 * np.pi, 120)
    _ring = 2 * np.column_stack([np.cos(_angle), np.sin(_angle)]) + 0.1 * _generator.normal(size=(120, 2))
    _both = np.concatenate([_ring, 0.3 * _generator.normal(size=(60, 2))])
    _cut = k_means(_both, 2)
    split = float(np.bincount(_cut.labels[:120], minlength=2).min() / 120)
    assert split > 0.3, "the ring is cut to pieces"
    plots.scatter(_both, groups=[f"group {one + 1}" for one in _cut.labels], square=True, title="A ring and a heap, cut in two")  # fmt: skip
    return (split,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 1 and 2 steps: three centres leave the common heap at once. One of them ends between two heaps, while two share the first.
    - k = 3 joins neighbouring heaps into one; k = 9 cuts heaps that have nothing to be cut.
    - In `pentagon` make 0.25 larger, 0.8 say: the heaps touch, and the bend in the curve goes away.

    Write it yourself: `groundup learn start kmeans_step`
    """)
    return


if __name__ == "__main__":
    app.run()
