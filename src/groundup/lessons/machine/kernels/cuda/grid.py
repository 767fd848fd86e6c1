"""Lesson: a grid of threads: who computes what, what hangs over the edge, and what happens when all want the same number."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A grid: one writes what one thread does", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import pip_line
    from groundup.machine.kernels.cuda.atomics import count_threads
    from groundup.machine.kernels.cuda.grid import blocks_for, elements_of_thread
    from groundup.machine.kernels.cuda.launch import cuda
    from groundup.machine.kernels.cuda.threads import causal


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A grid: one writes what one thread does

    A GPU runs thousands of threads, and nobody writes thousands of programs. One writes what a single thread does, and starts a
    grid of them. Afterwards you can say which numbers a thread owns, why the last block needs an `if`, and why counting
    together goes wrong.
    """)
    return


@app.cell
def _():
    size, threads_of_block = 1_000_000, 256
    blocks = blocks_for(size, threads_of_block)
    idle = blocks * threads_of_block - size
    mo.md(
        f"A million numbers, a thread for each, in blocks of {threads_of_block}: **{blocks:,} blocks**. The last one hangs over: "
        f"{idle} of its threads find no number and leave."
    )
    return blocks, idle, size, threads_of_block


@app.cell
def _(blocks, idle, size, threads_of_block):
    assert (blocks - 1) * threads_of_block < size <= blocks * threads_of_block
    assert 0 <= idle < threads_of_block
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Its own place

    A **block** is up to 1,024 threads that run on one multiprocessor; a **grid** is any number of blocks. A thread is told two
    numbers, its block and its place in it, and makes one of them:

    $$\text{place} = \text{block} \cdot \text{threads a block} + \text{thread}$$

    This is a whole kernel, in Python, as `numba.cuda` compiles it for a GPU:

        @kernel
        def vector_add(left, right, result):
            place = cuda.grid(1)               # the formula above
            if place < result.size:            # the last block hangs over
                result[place] = left[place] + right[place]

        vector_add[blocks, 256](left, right, result)

    No loop: the loop is the grid.
    """)
    return


@app.cell
def _():
    def by_hand(left, right, blocks, threads):
        """The same sum, with the grid as two loops."""
        result = np.zeros_like(left)
        for block in range(blocks):
            for thread in range(threads):
                place = block * threads + thread
                if place < result.size:
                    result[place] = left[place] + right[place]
        return result

    _left = np.arange(10.0)
    summed = by_hand(_left, _left, blocks_for(10, 4), 4)
    assert np.array_equal(summed, 2 * _left)
    f"three blocks of four threads: {summed.tolist()}"
    return by_hand, summed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A grid smaller than the data

    A grid need not be as long as the array. Each thread walks on by the length of the whole grid until the array ends: then any
    grid does any size, and one may start just as many threads as the card can hold. Below are 128 numbers, in rows of 16; the
    colour is the thread that owns them. Move the number of blocks (of 8 threads each).
    """)
    return


@app.cell
def _():
    started = mo.ui.slider(1, 8, value=3, label="blocks", show_value=True)
    started
    return (started,)


@app.cell
def _():
    def owners_of(blocks, threads, size):
        """Which thread of the grid owns each place."""
        owner = np.full(size, -1)
        for block in range(blocks):
            for thread in range(threads):
                owner[elements_of_thread(block, thread, blocks, threads, size)] = block * threads + thread
        return owner

    return (owners_of,)


@app.cell
def _(owners_of, started):
    owner = owners_of(started.value, 8, 128)
    plots.heat_map(
        owner.reshape(8, 16),
        x="place in the row",
        y="row",
        text=True,
        title=f"{8 * started.value} threads, and who owns what",
    )
    return (owner,)


@app.cell
def _(owner, started):
    assert (owner >= 0).all(), "every place has an owner"
    assert np.array_equal(owner, np.arange(128) % (8 * started.value)), (
        "neighbours in the array are neighbours in the grid"
    )
    rounds = np.bincount(owner)
    assert set(rounds) == {-(-128 // (8 * started.value)), 128 // (8 * started.value)}
    f"each thread owns {min(rounds)} to {max(rounds)} numbers"
    return (rounds,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Why in strides, and not a piece of the array for each thread? Because 32 neighbouring threads, a **warp**, read at the same
    moment. In strides they read 32 neighbouring numbers, which is one piece of memory. In pieces they would read 32 numbers far
    apart. What that costs is the lesson `memory`.

    ## Two dimensions

    A matrix gets a grid of square blocks, and each thread a row and a column. x is the column: it is x that differs between
    neighbours in a warp, and neighbours in a row lie side by side in memory. The kernel below hides the future in a matrix of
    attention scores, a thread a score.
    """)
    return


@app.cell
def _():
    _scores = np.arange(1.0, 101.0).reshape(10, 10)
    expected = np.where(np.tri(10, dtype=bool), _scores, -np.inf)
    hidden = causal(_scores) if cuda is not None else expected
    assert np.array_equal(hidden, expected)
    how = (
        "a grid of 2 x 2 blocks of 8 x 8 threads"
        if cuda is not None
        else f"NumPy here; for the grid: {pip_line('kernels')}"
    )
    plots.heat_map(np.where(hidden > 0, hidden, np.nan), x="key", y="query", title=f"Made by {how}")
    return expected, hidden, how


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## All want the same number

    Let every thread add 1 to one counter. `count += 1` is three steps: read, add, write. The threads of a block go side by
    side: all read the same old number, all add 1 to it, and all write the same new one. An **atomic** addition is one step that
    nobody can come between.
    """)
    return


@app.cell
def _():
    def racing(threads):
        """All read, then all write: two loops, since a block goes in step."""
        count = 0
        seen = [count for _ in range(threads)]
        for old in seen:
            count = old + 1
        return count

    counts = {
        "read, add, write": {str(n): racing(n) for n in (1, 8, 32)},
        "atomic": {str(n): n for n in (1, 8, 32)},
    }
    plots.value_bars(counts, x="threads that add 1", y="the counter at the end", title="A race")
    return counts, racing


@app.cell
def _(counts):
    _grid = {n: (count_threads(1, n, True), count_threads(1, n, False)) for n in (8, 32)} if cuda is not None else {}
    assert all(
        counts["read, add, write"][str(n)] == raced and counts["atomic"][str(n)] == safe
        for n, (raced, safe) in _grid.items()
    )
    mo.md(
        "By real threads in Numba's simulator (or on your GPU) the same numbers came out: 31 of 32 increments were lost."
        if _grid
        else f"With `{pip_line('kernels')}` this cell counts by real threads as well."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One block: every thread owns 16 numbers, and the colours repeat in each half of a row. Three blocks: 24 threads do not divide 128, and some own one more.
    - Give `by_hand` two blocks of four threads for the ten numbers: which two are never written?
    - In `racing`, let each thread write before the next one reads. What does the counter say?

    Write it yourself: `groundup learn start elements_of_thread`
    """)
    return


if __name__ == "__main__":
    app.run()
