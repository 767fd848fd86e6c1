"""Lesson: a systolic array clock by clock: the wave, how full the grid is, and what a large product costs in tiles."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Numbers that walk: inside a TPU", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.kernels.tpu import (
        clocks,
        entering,
        systolic_product,
        systolic_step,
        tiled,
        tiled_product,
        utilisation,
        waves,
        working,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Numbers that walk: inside a TPU

    A TPU multiplies matrices in a grid of cells through which numbers walk, one cell a clock. Afterwards you can say when each result leaves the
    grid, how much of it works at a time, and why a TPU wants long batches and widths that are multiples of its own.
    """)
    return


@app.cell
def _():
    _needed = 2 * 256 * 256  # two numbers for every cell, in every clock, if each had to be fetched
    _entering = 256
    saved = _needed / _entering
    mo.md(
        f"A grid of 256 x 256 cells does {256 * 256:,} multiplications a clock, and reads **{_entering}** numbers for them: "
        f"one fetch for {saved:.0f} uses."
    )
    return (saved,)


@app.cell
def _(saved):
    assert saved == 512
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One cell, one clock

    Every cell holds one weight and keeps it. In a clock it takes a number from its left neighbour and a sum from above, and hands on

    $$ \text{number to the right}, \qquad \text{sum} + \text{number} \cdot \text{weight downwards}. $$

    Two rows, two columns, with weights 1 2 / 3 4. Let the vector (5, 6) in: 5 enters the upper row in clock 0, 6 the lower row in clock 1, when the sum
    of the upper cell has come down to it.
    """)
    return


@app.cell
def _():
    weights = np.array([[1, 2], [3, 4]])
    vector = np.array([[5, 6]])
    _numbers, _sums, _lines = np.zeros((2, 2), int), np.zeros((2, 2), int), []
    for _clock in range(3):
        _numbers, _sums = systolic_step(weights, _numbers, _sums, entering(vector, _clock))
        _lines = [*_lines, f"| {_clock} | {_numbers.tolist()} | {_sums.tolist()} |"]
    mo.md("| clock | numbers | sums |\n|---|---|---|\n" + "\n".join(_lines))
    return vector, weights


@app.cell
def _(vector, weights):
    _after = [sums.tolist() for _, sums in waves(vector, weights)]
    assert _after[0] == [[5, 0], [0, 0]], "5 * 1"
    assert _after[1] == [[0, 10], [23, 0]], "5 * 2 above; 5 + 6 * 3 leaves the first column"
    assert _after[2][1][1] == 34 and (vector @ weights).tolist() == [[23, 34]], (
        "10 + 6 * 4 leaves the second, a clock later"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So the first column says 23 in clock 1 and the second 34 in clock 2: the product of the vector with the matrix. No cell asked memory for anything.

    ## The wave

    More vectors follow, a clock behind one another. Row $k$ of the grid is given its number of vector $m$ in clock $m + k$, so the vectors stand slanted in the
    grid. The colours say which vector a cell works on; dark cells wait. Move the clock.
    """)
    return


@app.cell
def _():
    clock = mo.ui.slider(0, 18, value=5, label="clock", show_value=True)
    clock
    return (clock,)


@app.cell
def _(clock):
    vectors, side = 6, 7
    wave = working(clock.value, vectors, side, side)
    plots.heat_map(
        wave,
        low=-1,
        high=vectors - 1,
        x="column: what a result belongs to",
        y="row: what is added up",
        title=f"Clock {clock.value}: {(wave >= 0).sum()} of {side * side} cells work",
    )
    return side, vectors, wave


@app.cell
def _(clock, side, vectors, wave):
    assert clocks(vectors, side, side) == 18 == vectors + 2 * side - 2
    assert (wave >= 0).any() == (clock.value < 18), "in clock 18 all is done"
    _k, _n = np.indices((side, side))
    assert ((wave == clock.value - _k - _n) | (wave == -1)).all(), "a wave front is a diagonal"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The whole product

    Collect what leaves below: the result of vector $m$ in column $n$ leaves in clock $m + n + \text{rows} - 1$. Whole numbers, so the two agree exactly.
    """)
    return


@app.cell
def _():
    _source = np.random.default_rng(0)
    x, w = _source.integers(-9, 9, (10, 7)), _source.integers(-9, 9, (7, 5))
    made = systolic_product(x, w)
    mo.md(f"Largest difference from NumPy's product: {np.abs(made - x @ w).max()}.")
    return made, w, x


@app.cell
def _(made, w, x):
    assert (made == x @ w).all()
    assert len(list(waves(x, w))) == clocks(10, 7, 5) == 20
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Filling and emptying

    For $M$ vectors it takes $M + R + C - 2$ clocks, and every cell works in $M$ of them:

    $$ \text{utilisation} = \frac{M}{M + R + C - 2} $$

    One token alone uses one cell in 511 of a grid of 256: the other reason, beside memory, why writing token by token leaves a TPU idle.
    """)
    return


@app.cell
def _():
    _sides = [8, 32, 128, 256]
    lengths = [2**power for power in range(15)]
    filled = {f"grid of {one} x {one}": [utilisation(m, one, one) for m in lengths] for one in _sides}
    plots.lines(
        lengths,
        filled,
        x="vectors",
        y="share that works",
        log_x=True,
        title="A long wave fills the grid, a short one passes through",
    )
    return filled, lengths


@app.cell
def _(filled, lengths):
    assert abs(utilisation(1, 256, 256) - 1 / 511) < 1e-12
    assert all(list(shares) == sorted(shares) for shares in filled.values())
    assert filled["grid of 256 x 256"][lengths.index(512)] > 0.5 > filled["grid of 256 x 256"][lengths.index(256)]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Larger than the grid

    A matrix is cut into tiles of the grid's size. A tile at the edge is filled up with zeros, and works for nothing. While one tile is used, a second register
    in each cell takes in the weights of the next, so that the waves follow one another without a gap. Choose the width of a model on a grid of 128:
    """)
    return


@app.cell
def _():
    width = mo.ui.slider(steps=[100, 120, 128, 129, 192, 256, 320, 384], value=129, label="width", show_value=True)
    width
    return (width,)


@app.cell
def _(width):
    _widths = {*range(64, 513, 8), 129}
    shares = {one: tiled(4096, one, one, 128, 128).utilisation for one in sorted(_widths)}
    chosen = tiled(4096, width.value, width.value, 128, 128)
    plots.lines(
        list(shares),
        {"square products, 4,096 vectors": list(shares.values())},
        x="width of the matrix",
        y="share that is asked for",
        levels={f"width {width.value}": chosen.utilisation},
        title=f"Width {width.value}: {chosen.tiles} tiles, {chosen.utilisation:.0%} of the work is asked for",
    )
    return chosen, shares


@app.cell
def _(chosen, shares, width):
    assert shares[128] > 0.9 and shares[129 if 129 in shares else 136] < 0.3, "one column more, and three more tiles"
    if width.value % 128 == 0:
        assert chosen.utilisation > 0.9
    assert tiled(4096, 256, 256, 128, 128).clocks < tiled(4096, 256, 256, 128, 128, double_buffered=False).clocks
    _x, _w = np.arange(15.0).reshape(3, 5), np.arange(20.0).reshape(5, 4)
    assert (tiled_product(_x, _w, 2, 3) == _x @ _w).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    129 is the worst width above 128: four tiles in the place of one. That is why widths, heads and vocabularies of models that were trained on TPUs are
    multiples of 128, and why a vocabulary of 50,257 is padded to 50,304. What a compiler makes of a whole step for such a machine is the lesson `xla`.

    ## Try

    - Clock 6 of the wave, the fullest one here: why can six vectors never fill a grid of seven?
    - Which width from 129 to 255 is worth as much as 128? None; see how slowly the share comes back.
    - Swap the two roles: as many columns as before, and only one row. Which results still have to wait?

    Write it yourself: `groundup learn start systolic_step`
    """)
    return


if __name__ == "__main__":
    app.run()
