"""Lesson: several sources in one stream, each with its share, evenly, and the place in each computed without counting."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Mixing: evenly, and without counting", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.pipeline.mixing import GOLDEN, UNIT, Mixture, floor_sum


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Mixing: evenly, and without counting

    A model is fed four parts of stories and one part of code. Which row comes from where? Drawing lots gives the right shares in the
    long run. Afterwards you know an order that has them in every short run as well, and how to find one's place in it at step a
    billion without counting.
    """)
    return


@app.cell
def _():
    _drawn = np.random.default_rng(0).random((5000, 100)) < 0.8
    by_lot = _drawn.sum(1)
    evenly = (Mixture([0.8, 0.2]).sources(0, 500_000) == 0).reshape(5000, 100).sum(1)
    off = np.mean((by_lot < 76) | (by_lot > 84))
    mo.md(
        f"Shares of 0.8 and 0.2, 5,000 batches of 100 rows. By lot, **{off:.0%}** of the batches have fewer than 76 or more than 84 "
        f"rows of the first source. In the library's order every one has {evenly.min()} to {evenly.max()}. It is not stored anywhere."
    )
    return by_lot, evenly, off


@app.cell
def _(by_lot, evenly, off):
    assert off > 0.2
    assert evenly.min() >= 79 and evenly.max() <= 82
    assert abs(by_lot.mean() - evenly.mean()) < 0.2, "both have the right share in the long run"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One number a row

    Row $k$ gets the number $u(k) = k \varphi \bmod 1$, the fractional part of a multiple of the golden ratio
    $\varphi = 0.618\ldots$ The unit interval is divided by the shares: below 0.8 is the first source, above it the second. By hand:
    """)
    return


@app.cell
def _():
    golden = (math.sqrt(5) - 1) / 2
    numbers = [k * golden % 1 for k in range(10)]
    by_hand = [int(number >= 0.8) for number in numbers]
    mo.md(
        "| row | "
        + " | ".join(map(str, range(10)))
        + " |\n"
        + "|---" * 11
        + "|\n| u | "
        + " | ".join(f"{number:.2f}" for number in numbers)
        + " |\n| source | "
        + " | ".join(map(str, by_hand))
        + " |"
    )
    return by_hand, golden, numbers


@app.cell
def _(by_hand, golden):
    assert Mixture([0.8, 0.2]).sources(0, 10).tolist() == by_hand
    assert abs(GOLDEN / UNIT - golden) < 1e-15, "in whole numbers of 64 bits, which are exact for any row"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why the golden ratio

    Each new point falls into one of the largest gaps that are left. A fraction would not do: multiples of 3/10 come back
    after ten rows. Of all numbers the golden ratio is the one that fractions approach worst. Choose a
    step and see where the first rows fall.
    """)
    return


@app.cell
def _():
    steps = {
        "golden ratio": (math.sqrt(5) - 1) / 2,
        "3/10": 0.3,
        "pi - 3": math.pi - 3,
        "root of 2, less 1": math.sqrt(2) - 1,
    }
    return (steps,)


@app.cell
def _(steps):
    step = mo.ui.dropdown(list(steps), value="pi - 3", label="step")
    step
    return (step,)


@app.cell
def _(step, steps):
    placed = np.arange(60) * steps[step.value] % 1
    _gaps = [np.diff(np.sort([*placed[:count], 1.0])).max() * count for count in range(1, 61)]
    widest = max(_gaps)
    plots.scatter(
        np.stack([placed, np.arange(60)], 1),
        x="where in the unit interval",
        y="row",
        title=f"{step.value}: a gap is at worst {widest:.1f} times the mean",
    )
    return placed, widest


@app.cell
def _(placed, step, widest):
    assert (widest < 2.7) == (step.value in ("golden ratio", "root of 2, less 1")), "others leave wide gaps for long"
    assert (len(set(placed.round(9))) == 10) == (step.value == "3/10"), "a fraction comes back"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far from its share

    Count the rows of the first source and subtract what is due to it. By lot this wanders as far as the root of the number of rows;
    golden, only as far as its logarithm.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0.05, 0.95, step=0.15, value=0.8, label="share of the first source", show_value=True)
    share
    return (share,)


@app.cell
def _(share):
    mixture = Mixture([share.value, 1 - share.value], seed=1)
    due = share.value * np.arange(1, 4001)
    lots = (np.random.default_rng(3).random(4000) < share.value).cumsum() - due
    ahead = (mixture.sources(0, 4000) == 0).cumsum() - due
    plots.lines(
        np.arange(0, 4000, 8),
        {"by lot": lots[::8], "golden": ahead[::8]},
        x="row",
        y="rows too many",
        title=f"Share {share.value:.2f}: furthest off {abs(lots).max():.0f} by lot, {abs(ahead).max():.1f} golden",
    )
    return ahead, lots, mixture, due


@app.cell
def _(ahead, lots, mixture):
    assert abs(ahead).max() < 3
    assert abs(lots).max() > 3 * abs(ahead).max()
    assert [mixture.before(0, row) + mixture.before(1, row) for row in (0, 7, 4000)] == [0, 7, 4000]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many came before

    A run that goes on at row $n$ must know how many rows of each source it has read, or it reads some twice. Counting from the start
    takes longer the longer the run was. But whether row $k$ is below an edge $e$ is a difference of two floors:

    $$\lfloor u \rfloor - \lfloor u - e \rfloor = 1 \text{ below the edge, else } 0$$

    So what is wanted is a sum of floors, $\sum \lfloor (a k + b) / m \rfloor$: the number of grid points under a straight line. Euclid's algorithm
    finds it: turn the picture on its side and the line is flatter, the sum smaller.
    """)
    return


@app.cell
def _():
    counted = sum((2 * k + 1) // 3 for k in range(4))  # 0 + 1 + 1 + 2
    mo.md(f"Four columns under the line (2k + 1) / 3 hold 0, 1, 1 and 2 points, **{counted}** in all.")
    return (counted,)


@app.cell
def _(counted):
    assert floor_sum(4, 3, 2, 1) == counted == 4
    _random = np.random.default_rng(0)
    for _ in range(50):
        _count, _modulus, _slope, _start = (int(number) for number in _random.integers(1, 200, 4))
        assert floor_sum(_count, _modulus, _slope, _start) == sum(
            (_slope * k + _start) // _modulus for k in range(_count)
        )
    return


@app.cell
def _(mixture, share):
    far = 10**15
    before = mixture.before(0, far)
    strayed = abs(before - share.value * far)
    mo.md(
        f"Of the first {far:,} rows, **{before:,}** come from the first source: {strayed:.0f} off its share, where lots would be "
        f"some {math.sqrt(share.value * (1 - share.value) * far):,.0f} off. Counted at a billion a second this would take twelve days; it "
        "took some dozens of divisions."
    )
    return far, strayed, before


@app.cell
def _(far, mixture, strayed):
    assert strayed < 40, "within some rows of its share, after a million billion"
    assert mixture.before(0, 3000) == int((mixture.sources(0, 3000) == 0).sum())
    _rows = mixture.rows(far, 50)
    assert _rows[20:] == mixture.rows(far + 20, 30), "a run that goes on reads what it would have read"
    for _source in (0, 1):
        _places = [place for source, place in _rows if source == _source]
        assert _places == list(range(mixture.before(_source, far), mixture.before(_source, far) + len(_places)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a share costs

    Below are sources of 6,000, 600 and 100 rows, with shares of 0.6, 0.3 and 0.1. Shares are of rows, so a small source with a
    large share is read again and again. That is often wanted, up to some four times; more of it is learned by heart.
    """)
    return


@app.cell
def _():
    _mixture, _sizes = Mixture([0.6, 0.3, 0.1]), {"web": 6000, "books": 600, "own notes": 100}
    epochs = {name: _mixture.before(at, 8000) / size for at, (name, size) in enumerate(_sizes.items())}
    plots.value_bars(
        {"times": epochs},
        y="times read",
        title="8,000 rows in all",
    )
    return (epochs,)


@app.cell
def _(epochs):
    assert abs(epochs["web"] - 0.8) < 0.01 and abs(epochs["books"] - 4) < 0.01 and abs(epochs["own notes"] - 8) < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Step 3/10: ten places, for ever. pi - 3 is nearly 1/7, so the points stand in seven bunches for a long time.
    - Move the share: the golden line stays within a few rows, wherever the edge lies.
    - Give `Mixture` another seed: another beginning of the same even order.
    """)
    return


if __name__ == "__main__":
    app.run()
