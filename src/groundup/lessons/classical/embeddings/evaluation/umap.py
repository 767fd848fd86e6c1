"""Lesson: UMAP: a fuzzy graph of neighbours, springs, and random pushes."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="UMAP: a map of springs", width="medium")

with app.setup:
    import math
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.cooccurrence import CooccurrenceConfig, train_cooccurrence
    from groundup.classical.embeddings.evaluation.neighbours import purity
    from groundup.classical.embeddings.evaluation.t_sne import principal_map
    from groundup.classical.embeddings.evaluation.umap import (
        UmapConfig,
        fuzzy_graph,
        fuzzy_memberships,
        nearness_curve,
        umap_map,
    )
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # UMAP: a map of springs

    t-SNE weighs every pair of points at every step. UMAP ties each point to a few neighbours, pulls along these ties,
    and pushes random pairs apart, which is
    enough. Afterwards you can compute by hand how strongly a neighbour is tied, and know what each of its settings does.
    """)
    return


@app.cell
def _():
    kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "places": "garden kitchen park attic mill hall",
        "looks": "red blue wooden plain pretty big",
        "family": "aunt sister brother mother",
        "names": "tom lena ana ben leo rosa",
        "things": "ball cup hat hammer drum kite",
    }
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    _sentences = [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)]
    _vectors = train_cooccurrence(_sentences, CooccurrenceConfig(hidden_size=30, min_count=4, threads=1))
    of = {word: name for name, group in kinds.items() for word in group.split()}
    kind = [of.get(word, "others") for word in _vectors.words]
    points = _vectors.unit
    rows = [_vectors.index[word] for word in of]
    everybody = umap_map(points, UmapConfig(n_neighbors=10, epochs=150))
    _axes = principal_map(points, 2)
    kept, flat = (purity(table[rows], list(of.values()), 3, cosine=False) for table in (everybody, _axes))
    mo.md(
        f"All {len(points)} words of the stories are put on a map; {len(of)} of them are of six kinds that we know. Of the three nearest among "
        f"these, **{kept:.0%}** are of the own kind; on the two main axes {flat:.0%}."
    )
    return everybody, flat, kept, kind, kinds, of, points, rows


@app.cell
def _(everybody, kind):
    plots.scatter(everybody, groups=kind, title="Every word of the stories; six kinds coloured")
    return


@app.cell
def _(flat, kept):
    assert kept > 0.75 and kept > flat
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How strongly a neighbour is tied

    $$v_j = e^{-\max(0, d_j - \rho) / \sigma}$$

    $\rho$ is the distance to the nearest, which is tied wholly, so that nobody is left alone. $\sigma$ is chosen so that
    all ties sum to $\log_2 k$, the point itself counted in $k$. By hand: neighbours at
    1, 2 and 3, so $k = 4$ and the sum is 2. The first gives 1; with $g = e^{-1/\sigma}$ the others give $g + g^2 = 1$:
    the golden ratio, 0.618, and 0.382.
    """)
    return


@app.cell
def _():
    golden = fuzzy_memberships(np.array([1.0, 2.0, 3.0]))
    assert np.allclose(golden, [1, (math.sqrt(5) - 1) / 2, (3 - math.sqrt(5)) / 2], atol=1e-5)
    golden.round(3).tolist()
    return (golden,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A point in a crowd and one in the empty country, whose neighbours are a hundred times as far, are tied in the same way. That is why dense and thin
    places look alike on the map.
    """)
    return


@app.cell
def _():
    crowd = np.array([0.1, 0.12, 0.15, 0.2, 0.3])
    ties = {"in a crowd": fuzzy_memberships(crowd), "far out, 100 times": fuzzy_memberships(100 * crowd)}
    plots.lines(
        [1, 2, 3, 4, 5],
        {name: one.tolist() for name, one in ties.items()},
        x="neighbour",
        y="membership",
        title="Two lines, one on the other",
    )
    return crowd, ties


@app.cell
def _(ties):
    assert np.allclose(ties["in a crowd"], ties["far out, 100 times"], atol=1e-3)
    assert all(np.isclose(one.sum(), math.log2(6), atol=1e-3) for one in ties.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Both ways

    You may be my neighbour without my being yours. The two ties are joined like the chance that at least one of two
    independent things happens: $a + b - ab$.
    So 1 and 0 give 1, and a half and a half give three quarters.
    """)
    return


@app.cell
def _():
    graph = fuzzy_graph(np.array([[0.0], [1.0], [3.0], [7.0], [15.0]]), 3).dense(5)
    plots.heat_map(graph, text=True, title="Five points at 0, 1, 3, 7 and 15: everybody has one whole tie")
    return (graph,)


@app.cell
def _(graph):
    assert (graph == graph.T).all() and np.allclose(graph.max(axis=1), 1) and (np.diag(graph) == 0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How near is near on the map

    Nearness on the map is $1 / (1 + a d^{2b})$. The two numbers are fitted so that it is about 1 up to `min_dist`: the
    smaller that is, the tighter tied points may clump.
    """)
    return


@app.cell
def _():
    least = mo.ui.slider(0, 0.9, step=0.3, value=0, label="min_dist", show_value=True)
    least
    return (least,)


@app.cell
def _(least):
    _a, _b = nearness_curve(least.value, 1.0)
    _distance = np.linspace(0, 3, 61)
    near = 1 / (1 + _a * _distance ** (2 * _b))
    wished = np.where(_distance < least.value, 1.0, np.exp(-(_distance - least.value)))
    plots.lines(
        _distance.tolist(),
        {"nearness": near.tolist(), "wished for": wished.tolist()},
        x="distance on the map",
        y="nearness",
        title=f"a = {_a:.2f}, b = {_b:.2f}",
    )
    return near, wished


@app.cell
def _(near, wished):
    assert np.abs(near - wished).max() < 0.15 and (np.diff(near) <= 0).all()
    return


@app.cell
def _(least, of, points, rows):
    few = umap_map(points[rows], UmapConfig(n_neighbors=6, epochs=200, min_dist=least.value))
    _own = np.array([[one == other for other in of.values()] for one in of.values()]) & ~np.eye(len(of), dtype=bool)
    within = float(np.linalg.norm(few[:, None] - few[None], axis=2)[_own].mean())
    plots.scatter(
        few,
        labels=list(of),
        groups=list(of.values()),
        title=f"min_dist {least.value}: words of one kind lie {within:.2f} apart",
    )
    return few, within


@app.cell
def _(few, of, within):
    assert purity(few, list(of.values()), 3, cosine=False) > 0.8 and within < 6
    return


@app.cell
def _(of, points, rows):
    space = umap_map(points[rows], UmapConfig(n_neighbors=6, epochs=200, dimensions=3))
    plots.scatter(space, groups=list(of.values()), title="The same in space: turn it")
    return (space,)


@app.cell
def _(of, space):
    assert space.shape == (len(of), 3) and purity(space, list(of.values()), 3, cosine=False) > 0.8
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Push `min_dist` to 0.9: the kinds open up and words can be read; at 0 they lie on heaps.
    - Ask for `n_neighbors=30` of the 33 words: everybody is tied to nearly everybody, and the islands run together.
    - Put `negative_samples=0`: nothing pushes, and the map falls into a point.

    Write it yourself: `groundup learn start fuzzy_memberships`
    """)
    return


if __name__ == "__main__":
    app.run()
