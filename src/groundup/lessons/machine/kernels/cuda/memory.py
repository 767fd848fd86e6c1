"""Lesson: the same 32 numbers for 1 or for 32 pieces of memory: coalescing and bank conflicts, counted."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Thirty-two addresses at once", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.kernels.cuda.memory import (
        bank_passes,
        column_addresses,
        transactions,
        used_share,
        warp_addresses,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Thirty-two addresses at once

    Two kernels read the same numbers; one takes ten times as long. The reason can be counted on paper. Afterwards you can look
    at an index expression and say what it costs, and you know why the tiles of a matrix have a column too many.
    """)
    return


@app.cell
def _():
    row, column = warp_addresses(), column_addresses(width=1024)
    by_row, by_column = transactions(row), transactions(column)
    mo.md(
        f"A matrix of 1,024 columns. 32 threads read 32 numbers of a row: memory moves {by_row} piece of 128 bytes. They read 32 numbers of a "
        f"column: **{by_column} pieces**, of which {used_share(column):.0%} is used."
    )
    return by_column, by_row, column, row


@app.cell
def _(by_column, by_row, column):
    assert (by_row, by_column) == (1, 32) and used_share(column) == 1 / 32
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Memory answers in pieces

    The 32 threads of a warp go in step, so they ask at the same moment. Memory does not answer with bytes but with
    **segments**: bytes 0 to 127, 128 to 255 and so on (newer cards can move a quarter of one, 32 bytes, alone). A segment with
    one wanted byte is moved whole, and once, whoever wants it.

    $$\text{segment of byte } b = \lfloor b / 128 \rfloor$$

    So count the different quotients. By hand, for four threads:
    """)
    return


@app.cell
def _():
    addresses = [0, 4, 252, 256]
    segments = {byte // 128 for address in addresses for byte in range(address, address + 4)}
    assert len(segments) == transactions(addresses) == 3
    f"bytes {addresses} lie in the segments {sorted(segments)}: three are moved"
    return addresses, segments


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A stride

    Let thread $t$ read number $t \cdot s$. Below every row is a segment, every column a number in it, and a lit cell is wanted
    by a thread. Move the stride.
    """)
    return


@app.cell
def _():
    stride = mo.ui.slider(1, 16, value=3, label="stride s", show_value=True)
    stride
    return (stride,)


@app.cell
def _(stride):
    wanted = np.zeros((16, 32))
    for _address in warp_addresses(stride.value):
        wanted[_address // 128, _address % 128 // 4] = 1
    plots.heat_map(
        wanted,
        x="number in the segment",
        y="segment",
        low=0,
        high=1,
        title=f"stride {stride.value}: {transactions(warp_addresses(stride.value))} segments are moved for 32 numbers",
    )
    return (wanted,)


@app.cell
def _(stride, wanted):
    _moved = transactions(warp_addresses(stride.value))
    assert wanted.sum() == 32 and wanted.any(axis=1).sum() == _moved == stride.value
    assert used_share(warp_addresses(stride.value)) == 1 / stride.value
    f"{1 / stride.value:.0%} of what is moved is used"
    return


@app.cell
def _():
    strides = list(range(1, 65))
    shares = {
        "segments of 128 bytes": [used_share(warp_addresses(s), segment=128) for s in strides],
        "sectors of 32 bytes": [used_share(warp_addresses(s), segment=32) for s in strides],
    }
    plots.lines(
        strides, shares, x="stride", y="share of the moved bytes that is used", log_x=True, title="What a stride wastes"
    )
    return shares, strides


@app.cell
def _(shares, strides):
    assert shares["segments of 128 bytes"][strides.index(32)] == 1 / 32, "a segment for each thread; it gets no worse"
    assert shares["sectors of 32 bytes"][strides.index(8)] == shares["sectors of 32 bytes"][-1] == 1 / 8
    assert transactions(warp_addresses(start=4), segment=32) == 5, "one number off: five sectors instead of four"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A card that moves 2,000 GB a second then gives 250, or 60. This is why a thread's numbers are a whole grid apart and a
    warp's side by side, why x is the column, and why an array of structures (x, y, z, x, y, z) becomes a structure of arrays.

    ## Banks

    A transpose must read rows or write columns: one of the two is bad. So a block reads rows into its **shared memory**, and
    reads columns there, where no segment has to be moved. But shared memory has 32 **banks**. Word $w$ of four bytes lies in
    bank $w \bmod 32$, and a bank gives one word at a time. Words 32 apart wait for one another.
    """)
    return


@app.cell
def _():
    side = mo.ui.slider(32, 40, value=32, label="numbers in a row of the tile", show_value=True)
    side
    return (side,)


@app.cell
def _(side):
    banks = np.arange(16 * side.value).reshape(16, side.value) % 32
    plots.heat_map(
        banks[:, :16],
        x="column of the tile",
        y="row of the tile",
        text=True,
        low=0,
        high=31,
        title=f"The bank of each number; a row has {side.value}",
    )
    return (banks,)


@app.cell
def _(banks, side):
    passes = bank_passes(column_addresses(side.value))
    assert passes == math.gcd(side.value, 32), "words a multiple of gcd apart share a bank"
    assert (len(set(banks[:, 0])) == 16) == (passes <= 2)
    mo.md(
        f"A warp that reads a column of the tile waits for **{passes}** passes; one that reads a row, for {bank_passes(warp_addresses())}."
    )
    return (passes,)


@app.cell
def _():
    widths = list(range(30, 68))
    waits = {"passes for a column": [bank_passes(column_addresses(width)) for width in widths]}
    assert all(wait == 1 for width, wait in zip(widths, waits["passes for a column"], strict=True) if width % 2)
    plots.lines(
        widths,
        waits,
        x="numbers in a row of the tile",
        y="passes",
        log_y=True,
        marked=True,
        title="One column too many",
    )
    return waits, widths


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    At 32 the whole column lies in one bank: 32 passes. At 33 each row begins one bank further, and a column meets every bank
    once. The column that nobody uses costs 3 % of the memory and saves 31 passes of 32.

    ## Try

    - Stride 1 and stride 2: half of each segment is thrown away at once. From stride 32 on it gets no worse. Why?
    - A row of 34 numbers: two passes. Of 36: four. What do 32 and the width have in common?
    - `transactions([0] * 32)`: all want the same number. What does it cost in memory, and in a bank?

    Write it yourself: `groundup learn start transactions`, then `groundup learn start bank_passes`
    """)
    return


if __name__ == "__main__":
    app.run()
