"""Lesson: threads that work together: a sum in log2 rounds, and a matrix product that reads an eighth."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Together: a tree and a tile", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import pip_line
    from groundup.machine.kernels.cuda import shared
    from groundup.machine.kernels.cuda.blocks import numbers_read, tiled_matmul, tree_sum
    from groundup.machine.kernels.cuda.launch import cuda


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Together: a tree and a tile

    Threads of one block share a small fast memory and can wait for one another. Two patterns follow from that, and nearly every
    kernel of a language model is made of them. Afterwards you can write both: a sum as a tree, a matrix product by tiles.
    """)
    return


@app.cell
def _():
    values = np.random.default_rng(0).random(1 << 16).astype(np.float32)
    truth = float(values.sum(dtype=np.float64))
    one_by_one = float(np.cumsum(values)[-1])
    as_tree = float(tree_sum(values))
    mo.md(
        f"65,536 numbers in float32. One after another: 65,535 steps, and an error of **{abs(one_by_one - truth):.3f}**. As a tree: 16 rounds, "
        f"and an error of {abs(as_tree - truth):.4f}."
    )
    return as_tree, one_by_one, truth, values


@app.cell
def _(as_tree, one_by_one, truth):
    assert abs(as_tree - truth) < abs(one_by_one - truth) / 10, "an error meets 16 others and not 65,535"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A tree

    Each thread holds a number. In a round the first half of the threads add the second half's numbers to their own; then half
    of them are left. Between two rounds all wait at a **barrier**, `cuda.syncthreads()`: nobody reads before everybody has
    written.

        half = THREADS // 2
        while half > 0:
            if thread < half:
                partial[thread] += partial[thread + half]
            cuda.syncthreads()          # outside of the if: all threads must come
            half //= 2

    The barrier inside of the `if` would wait for ever for the threads that do not come.
    """)
    return


@app.cell
def _():
    def rounds_of(values):
        """What the threads hold after each round; a thread that is done keeps what it had."""
        held, half = values.copy(), len(values) // 2
        rounds = [held]
        while half > 0:
            held = np.concatenate([held[:half] + held[half : 2 * half], held[half:]])
            rounds = [*rounds, held]
            half //= 2
        return np.array(rounds)

    table = rounds_of(np.arange(1.0, 17.0))
    plots.heat_map(table, x="thread", y="round", text=True, low=0, high=136, title="1 + 2 + ... + 16 in four rounds")
    return rounds_of, table


@app.cell
def _(table):
    assert table.shape == (5, 16) and table[-1, 0] == tree_sum(np.arange(1.0, 17.0)) == 136
    return


@app.cell
def _(values):
    _given = values[: shared.THREADS]
    _shares = np.zeros(1, np.float32)
    if cuda is not None:
        shared.block_sums[1, shared.THREADS](_given, _shares)
        assert _shares[0] == tree_sum(_given), "to the last bit: the same additions in the same order"
    mo.md(
        f"The kernel, by 64 threads at once: {_shares[0]:.6f}; `tree_sum`: {tree_sum(_given):.6f}."
        if cuda is not None
        else f"`{pip_line('kernels')}` lets this cell run the kernel too, in Numba's simulator."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A tile

    $C = A B$: each number of $C$ needs a row of $A$ and a column of $B$. With a thread for each, every number of $A$ is read
    once for every column of $B$. A block that makes a tile of $T \times T$ results needs only $T$ rows and $T$ columns, and
    reads them once, a tile at a time:

        load a tile of A and one of B into shared memory, a number by each thread
        wait                          both tiles are whole
        multiply them
        wait                          all have used them; load the next

    Every number that is read now serves $T$ results.
    """)
    return


@app.cell
def _():
    width = mo.ui.dropdown([1, 2, 4, 8], value=4, label="tile T")
    width
    return (width,)


@app.cell
def _():
    def uses(tile, size=8):
        """How often each number of the left matrix is read, for a product of square matrices."""
        count = np.zeros((size, size))
        for row in range(0, size, tile):
            for _ in range(0, size, tile):  # a column of tiles
                for step in range(0, size, tile):
                    count[row : row + tile, step : step + tile] += 1
        return count

    return (uses,)


@app.cell
def _(uses, width):
    read = uses(width.value)
    plots.heat_map(
        read,
        x="column of A",
        y="row of A",
        text=True,
        low=0,
        high=8,
        title=f"How often each number of A is read (8 x 8, T = {width.value})",
    )
    return (read,)


@app.cell
def _(read, width):
    assert (read == 8 / width.value).all()
    assert 2 * read.sum() == numbers_read(8, 8, 8, width.value), "A and B together"
    _left, _right = np.random.default_rng(1).normal(size=(2, 9, 9)).astype(np.float32)
    assert np.allclose(tiled_matmul(_left, _right, width.value), _left @ _right, atol=1e-5), "9 is no multiple of any T"
    f"T = {width.value}: each number is read {8 // width.value} times"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it buys

    A card multiplies faster than it reads: an A100 makes 312 thousand billion operations a second on its tensor cores and moves
    2,039 billion bytes, so it must make 153 operations for each byte. A product of large square matrices in numbers of two
    bytes makes $2 n^3$ operations and reads $2 n^3 / T$ numbers: $T / 2$ operations a byte.
    """)
    return


@app.cell
def _():
    tiles = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    operations = [2 * 1024**3 / (2 * numbers_read(1024, 1024, 1024, tile)) for tile in tiles]
    balance = 312e12 / 2039e9
    assert operations == [tile / 2 for tile in tiles] and 150 < balance < 156
    assert operations[tiles.index(256)] < balance < operations[tiles.index(512)]
    plots.lines(
        tiles,
        {"a product by tiles": operations},
        x="tile T",
        y="operations a byte",
        log_x=True,
        log_y=True,
        levels={"an A100 needs": balance},
        marked=True,
        title="A tile as wide as it takes",
    )
    return balance, operations, tiles


@app.cell
def _():
    _left, _right = np.random.default_rng(2).normal(size=(2, 8, 8)).astype(np.float32)
    _made = shared.matmul(_left, _right) if cuda is not None else tiled_matmul(_left, _right, shared.TILE)
    assert np.allclose(_made, _left @ _right, atol=1e-5)
    mo.md(
        "The kernel `tile_product` (a block of 8 x 8 threads, two tiles in shared memory, two barriers a step) gives NumPy's numbers."
        if cuda is not None
        else f"`{pip_line('kernels')}` lets this cell run the kernel too."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A tile of 512 does not fit into a multiprocessor. So kernels that reach the peak keep a tile of results in the registers of
    many threads, and let the caches, which several blocks share, do the rest (lesson `tiles`).

    ## Try

    - T = 1: every number is read eight times. T = 8: once, and one block does it all while the other multiprocessors idle.
    - Let `rounds_of` add neighbours (0 + 1, 2 + 3): the sum is the same. Which threads are at work in the second round, and are they neighbours?
    - Sum `values[::-1]` one after another: how far does the error move? And as a tree?

    Write it yourself: `groundup learn start tree_sum`, then `groundup learn start tiled_matmul`
    """)
    return


if __name__ == "__main__":
    app.run()
