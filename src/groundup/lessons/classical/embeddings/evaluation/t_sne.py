"""Lesson: t-SNE: a map on which neighbours stay neighbours, and the two things that it does not say."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="t-SNE: who your neighbours are", width="medium")

with app.setup:
    import math
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.cooccurrence import CooccurrenceConfig, train_cooccurrence
    from groundup.classical.embeddings.evaluation.neighbours import purity
    from groundup.classical.embeddings.evaluation.t_sne import (
        TsneConfig,
        neighbour_probabilities,
        principal_map,
        tsne_gradient,
        tsne_map,
    )
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # t-SNE: who your neighbours are

    Principal components keep what is far apart far apart. What one looks for on a map of words is the opposite: who stands beside whom. t-SNE keeps
    neighbours and gives up distances. Afterwards you can compute its probabilities for a point by hand, and read such a map without being misled.
    """)
    return


@app.cell
def _():
    _kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "places": "garden kitchen park attic mill hall",
        "looks": "red blue wooden plain pretty big",
        "family": "aunt sister brother mother",
        "names": "tom lena ana ben leo rosa",
        "things": "ball cup hat hammer drum kite",
    }
    words = [word for group in _kinds.values() for word in group.split()]
    kind = [name for name, group in _kinds.items() for _ in group.split()]
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    _sentences = [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)]
    _vectors = train_cooccurrence(_sentences, CooccurrenceConfig(hidden_size=30, min_count=4, threads=1))
    points = _vectors.unit[[_vectors.index[word] for word in words]]
    flat = purity(principal_map(points, 2), kind, 3, cosine=False)
    drawn = tsne_map(points, TsneConfig(perplexity=6.0, steps=500))
    kept = purity(drawn.places, kind, 3, cosine=False)
    mo.md(
        f"{len(words)} words of six kinds, 30 numbers each. On the two main axes **{flat:.0%}** of a word's three nearest are of its own kind; "
        f"on the map by t-SNE **{kept:.0%}**, with two numbers as well."
    )
    return drawn, flat, kept, kind, points, words


@app.cell
def _(drawn, kind, words):
    plots.scatter(drawn.places, labels=words, groups=kind, title="Six kinds, six islands; the kinds were never told")
    return


@app.cell
def _(flat, kept):
    assert kept > 0.9 and kept > flat + 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bell around each point

    From a point's squared distances $d_j$ come probabilities $p_j \propto e^{-\beta d_j}$: how likely it is to pick $j$
    as its neighbour. How wide the bell is, is
    decided for each point: so wide that the choice is as uncertain as one among `perplexity` equals. Two neighbours at
    squared distances 0 and $\ln 3$, with $\beta = 1$:
    weights 1 and 1/3, so 3/4 and 1/4. Their entropy is 0.562, the perplexity $e^{0.562} = 1.755$.
    """)
    return


@app.cell
def _():
    found = neighbour_probabilities(np.array([0.0, math.log(3)]), math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4)))
    assert np.allclose(found, [0.75, 0.25])
    found.round(4).tolist()
    return (found,)


@app.cell
def _():
    wide = mo.ui.slider(2, 14, step=3, value=5, label="perplexity", show_value=True)
    wide
    return (wide,)


@app.cell
def _(points, wide, words):
    _row = words.index("garden")
    _others = [row for row in range(len(words)) if row != _row]
    _squares = ((points[_others] - points[_row]) ** 2).sum(1).astype(float)
    p = neighbour_probabilities(_squares, float(wide.value))
    _order = np.argsort(-p)[:14]
    plots.value_bars(
        {"p": {words[_others[row]]: float(p[row]) for row in _order}},
        y="probability",
        title=f"Whom `garden` would pick, perplexity {wide.value}",
    )
    return (p,)


@app.cell
def _(p, wide):
    assert np.isclose(p.sum(), 1)
    assert np.isclose(np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()), wide.value, rtol=1e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Pull and push

    On the map nearness is $1 / (1 + d^2)$, made probabilities $q$. Points whose $p$ is larger than their $q$ pull each
    other, the others push; the map stands still where no pair is left
    with a difference. The gradient, for three points of which 0 and 1 are neighbours:
    """)
    return


@app.cell
def _():
    _p = np.array([[0.0, 0.45, 0.05], [0.45, 0.0, 0.0], [0.05, 0.0, 0.0]])
    places = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    divergence, gradient = tsne_gradient(_p, places)
    _paths = [np.array([at, at - 2 * slope]) for at, slope in zip(places, gradient, strict=True)]
    plots.scatter(
        places,
        labels=["0", "1", "2"],
        paths=_paths,
        square=True,
        title=f"Divergence {divergence:.2f} nats: 1 is drawn to 0, 2 is pushed off",
    )
    return divergence, gradient, places


@app.cell
def _(divergence, gradient, places):
    assert divergence > 0 and np.allclose(gradient.sum(axis=0), 0), "the middle stays"
    assert -gradient[1] @ (places[0] - places[1]) > 0, "1 moves towards 0"
    assert -gradient[2] @ (places[2] - places[0]) > 0, "2 moves away from 0"
    return


@app.cell
def _(drawn):
    plots.lines(
        list(range(1, 501)),
        {"divergence": drawn.divergences},
        x="step",
        y="KL(p, q), nats",
        title="The first 250 steps count p twelve times: they sort, the rest spreads",
    )
    return


@app.cell
def _(drawn):
    assert drawn.divergences[-1] < min(drawn.divergences[249], drawn.divergences[0] / 2)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it does not say

    Two heaps of 40 points, one ten times as wide as the other, and a third far away. On the map they are equally large and equally far apart: each
    bell was as wide as its own point needed. Size and distance of islands mean little. And points without any order make
    clumps when the perplexity is small.
    """)
    return


@app.cell
def _():
    _source = np.random.default_rng(0)
    heap = ["narrow"] * 40 + ["wide"] * 40 + ["far"] * 40
    heaps = np.concatenate([_source.normal(0, size, (40, 5)) + at for size, at in ((0.1, 0), (1, 12), (0.3, 200))])
    mapped = tsne_map(heaps, TsneConfig(perplexity=12.0, steps=400)).places
    _widths = {name: float(mapped[np.array(heap) == name].std(0).mean()) for name in ("narrow", "wide", "far")}
    ratio = _widths["wide"] / _widths["narrow"]
    plots.scatter(mapped, groups=heap, square=True, title=f"Ten times as wide in truth, {ratio:.1f} times on the map")
    return heap, heaps, mapped, ratio


@app.cell
def _(heap, heaps, mapped, ratio):
    assert 0.5 < ratio < 2.5
    _middle = {name: mapped[np.array(heap) == name].mean(0) for name in ("narrow", "wide", "far")}
    _apart = np.linalg.norm(_middle["far"] - _middle["wide"]) / np.linalg.norm(_middle["narrow"] - _middle["wide"])
    assert (
        _apart
        < 5
        < np.linalg.norm(heaps[80:].mean(0) - heaps[40:80].mean(0))
        / np.linalg.norm(heaps[:40].mean(0) - heaps[40:80].mean(0))
    )
    return


@app.cell
def _(kind, points):
    in_space = tsne_map(points, TsneConfig(perplexity=6.0, steps=400, dimensions=3)).places
    plots.scatter(in_space, groups=kind, title="The same words in space: turn it")
    return (in_space,)


@app.cell
def _(in_space, kind):
    assert in_space.shape[1] == 3 and purity(in_space, kind, 3, cosine=False) > 0.85
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the perplexity to 2: `garden` picks hardly anybody but its nearest. At 14 nearly half of all words have a part.
    - Make the map of `heaps` with perplexity 3: heaps fall apart into clumps that are not there.
    - Let the map start from random places in place of the main axes: other islands come to lie side by side, the islands stay.

    Write it yourself: `groundup learn start neighbour_probabilities`
    """)
    return


if __name__ == "__main__":
    app.run()
