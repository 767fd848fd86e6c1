"""Lesson: graphs as tables of arrows, what layers of attention can see, and where a walk along the arrows ends."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Who reaches whom?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.discrete.graphs import (
        adjacency,
        arrows,
        pagerank,
        reachable,
        shortest_path,
        shortest_paths,
        walks,
        window_mask,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Who reaches whom?

    Points, and arrows between them: that is a graph. Friends are one, streets are one, and so is attention, where each
    word of a text looks at others. Afterwards you can write a graph as a table of numbers, read off it how far a model
    with many layers sees, and find the points that everything leads to.
    """)
    return


@app.cell
def _():
    _far = np.arange(512)[:, None] - np.arange(512)
    near = window_mask(512, 10)
    doubling = np.isin(_far, [0, *2 ** np.arange(9)])
    layers = {"near": int(shortest_paths(near, 511)[0]), "doubling": int(shortest_paths(doubling, 511)[0])}
    mo.md(
        "In a text of 512 words each word may look at the 9 before it. The last word hears of the first after "
        f"{layers['near']} layers. Let "
        f"it look 1, 2, 4, 8, ... 256 words back instead, nine as well, and **{layers['doubling']}** layers are enough."
    )
    return doubling, layers, near


@app.cell
def _(doubling, layers, near):
    assert layers == {"near": 57, "doubling": 9}
    assert near[511].sum() == doubling[511].sum() == 10, "itself is one of them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A table of arrows

    Five points and five arrows. Number the points, and write a 1 in row $i$ and column $j$ where an arrow leads from
    $i$ to $j$: the **adjacency matrix**.
    """)
    return


@app.cell
def _():
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]
    plots.flow_chart(
        {str(node): str(node) for node in range(5)}, [(str(a), str(b)) for a, b in edges], title="Five points"
    )
    return (edges,)


@app.cell
def _(edges):
    table = adjacency(edges, 5)
    plots.heat_map(table, x="to", y="from", low=0, high=1, title="The same as a table")
    return (table,)


@app.cell
def _(table):
    twice = walks(table, 2)
    mo.md(
        "From 0 to 3 one can go by 1 or by 2. Multiply the table with itself, and the number in row 0, column 3 is "
        f"**{twice[0, 3]:.0f}**: the "
        "product goes through every point in between and counts the ways."
    )
    return (twice,)


@app.cell
def _(table, twice):
    assert (twice == table @ table).all() and twice[0, 3] == 2
    assert walks(table, 3)[0, 4] == 2 and not walks(table, 4).any(), "two ways to the end, and none is longer"
    assert reachable(table, 2)[0].tolist() == [False, False, False, True, False]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The shortest way

    How many arrows does it take at least? Begin at a point. Whatever an arrow leads to is one away. Whatever an arrow
    leads to from there, and was not met before, is two away. And so on, until nothing new is found. Since all that is
    near is found before anything that is farther, the first meeting is the shortest. In a grid of 7 by 7 squares with a
    wall:
    """)
    return


@app.cell
def _():
    _wall = {(1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (6, 3), (1, 2), (1, 1)}
    _free = [(r, c) for r in range(7) for c in range(7) if (r, c) not in _wall]
    _sides = [
        (7 * r + c, 7 * (r + dr) + c + dc)
        for r, c in _free
        for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))
        if (r + dr, c + dc) in _free
    ]
    grid = adjacency(_sides, 49)
    steps = shortest_paths(grid, source=7 * 3 + 2)
    route = shortest_path(grid, 7 * 3 + 2, 7 * 3 + 4)
    plots.heat_map(
        np.where(steps < 0, np.nan, steps).reshape(7, 7),
        text=True,
        low=0,
        high=20,
        title=f"Steps from the square with the 0; its neighbour beyond the wall is {len(route) - 1} away",
    )
    return grid, route, steps


@app.cell
def _(grid, route, steps):
    assert steps[7 * 3 + 2] == 0 and steps[7 * 3 + 4] == len(route) - 1
    assert (steps == -1).sum() == 8, "the wall is not reached at all, which is written as -1"
    assert all(grid[here, there] for here, there in zip(route[:-1], route[1:], strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Attention is a graph

    In a language model each position of a text looks at positions before it. Which ones it may is a table of True and
    False, the mask: an arrow for each True. One layer follows one arrow. After two layers a position knows what those
    knew that it looks at. What it can have heard of is what as many arrows as there are layers can reach: its
    **receptive field**. Add layers:
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(1, 7, value=2, label="layers", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth):
    seen = reachable(window_mask(24, 4), depth.value)
    plots.heat_map(
        seen.astype(float),
        x="input at",
        y="output at",
        low=0,
        high=1,
        title=f"Window of 4, layers: {depth.value}. The last position hears of {int(seen[23].sum())} of 24",
    )
    return (seen,)


@app.cell
def _(depth, seen):
    assert seen[23].sum() == min(24, depth.value * 3 + 1), "each layer adds the window less one"
    assert (seen == window_mask(24, depth.value * 3 + 1)).all(), "many small windows are one large window"
    assert not np.triu(seen, 1).any(), "no number of layers sees the future"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    And the doubling arrows of the beginning? Ask for the shortest path to every word back. Any distance is a sum of
    powers of two, as in a number written in binary, so it takes as many arrows as the number has digits 1.
    """)
    return


@app.cell
def _(doubling, near):
    back = np.arange(64)
    needed = {
        "the 9 before": shortest_paths(near, 511)[511 - back],
        "1, 2, 4, ... back": shortest_paths(doubling, 511)[511 - back],
    }
    plots.lines(back, needed, x="words back", y="layers needed", title="The same number of arrows, laid differently")
    return back, needed


@app.cell
def _(back, needed):
    assert needed["the 9 before"].tolist() == [-(-int(one) // 9) for one in back]
    assert needed["1, 2, 4, ... back"].tolist() == [int(one).bit_count() for one in back]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The rows of a window are quick to compute and the doubling ones reach farther; some models mix both.

    ## Arrows with weights

    A model does not only say whom a word looks at but how much: each row of its attention has numbers that sum to 1.
    Here is such a table, made up, for six words. Only arrows from 0.4 on, to others, are drawn.
    """)
    return


@app.cell
def _():
    words = ["the", "cat", "slept", "because", "it", "purred"]
    attention = np.array(
        [
            [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.2, 0.8, 0.0, 0.0, 0.0, 0.0],
            [0.1, 0.7, 0.2, 0.0, 0.0, 0.0],
            [0.1, 0.1, 0.6, 0.2, 0.0, 0.0],
            [0.0, 0.8, 0.1, 0.0, 0.1, 0.0],
            [0.0, 0.3, 0.1, 0.0, 0.5, 0.1],
        ]
    )
    strong = [(i, j, weight) for i, j, weight in arrows(attention, 0.4) if i != j]
    plots.flow_chart(
        dict(zip("012345", words, strict=True)),
        [(str(i), str(j), f"{weight:.1f}") for i, j, weight in strong],
        title="Who looks at whom",
    )
    return attention, strong, words


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Which word matters most? Follow the arrows at random: from a word, go to one that it looks at, as often as the
    weight says, and again from there. Where one is often is what much leads to, by whatever way. One thing has to be
    prevented: `the` looks at nobody but itself, and who comes there stays. So now and then the walk jumps to any word.
    The probability of going on is the **damping**, the share of time at each word its **PageRank**, once made to put
    the pages of the web in order. Choose the damping:
    """)
    return


@app.cell
def _():
    damping = mo.ui.dropdown(
        {"never go on": 0.0, "go on half of the time": 0.5, "0.85, as is usual": 0.85, "nearly always": 0.999},
        value="0.85, as is usual",
        label="damping",
    )
    damping
    return (damping,)


@app.cell
def _(attention, damping, words):
    ranks = pagerank(attention, damping=damping.value)
    _most = f"most at '{words[int(np.argmax(ranks))]}'" if np.ptp(ranks) > 1e-9 else "all words alike"
    plots.value_bars(
        {"share of time": dict(zip(words, ranks, strict=True))},
        y="share of time",
        title=f"Damping {damping.value}: {_most}",
    )
    return (ranks,)


@app.cell
def _(attention, damping, ranks):
    assert np.isclose(ranks.sum(), 1) and ranks.min() > 0
    _walked = damping.value * ranks @ attention + (1 - damping.value) / 6
    assert np.allclose(ranks, _walked), "one step more changes nothing"
    assert ranks[1] >= ranks[2:].max() - 1e-12, "of the words after the first it is always the cat"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Where the walk goes on half of the time the cat leads, at which `slept` and `it` look so much. The longer it goes
    on, the more it ends at the first word: an arrow never leads forward, so every walk drifts to the beginning. A
    text's first position gets attention from everywhere in real models too; it has other reasons there, but this one
    comes with the mask.
    """)
    return


@app.cell
def _(attention, strong):
    _causal = np.tril(np.ones((64, 64)))
    _drift = [float(pagerank(_causal, damping)[0]) for damping in (0.0, 0.5, 0.85, 0.99)]
    assert all(np.diff(_drift) > 0), "the more steps, the more of the walk has come to the first position"
    assert np.isclose(_drift[0], 1 / 64) and _drift[-1] > 0.5
    assert pagerank(attention, 0.5).argmax() == 1 and pagerank(attention, 0.999).argmax() == 0
    assert strong[0] == (4, 1, 0.8), "the heaviest arrow: 'it' looks at 'cat'"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Seven layers with a window of 4: the last position hears of 22 of 24 words. With 8 it would hear of all.
    - `never go on`: all words alike, since nothing but the jump is left. `nearly always`: the first word has almost all
      of the time.
    - Give `the` a look at `slept` (first row `[0.5, 0, 0.5, 0, 0, 0]`, which no causal mask allows): the walk no longer
      gets stuck, and the cat leads at any damping but 0.

    Write it yourself: `groundup learn start shortest_paths`, then `groundup learn start pagerank`
    """)
    return


if __name__ == "__main__":
    app.run()
