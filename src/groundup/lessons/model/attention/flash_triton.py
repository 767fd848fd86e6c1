"""Lesson: why attention on a GPU is bound by memory, and what a kernel keeps from crossing the bus."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A kernel: what must cross the bus", width="medium")

with app.setup:
    import importlib.util
    import os
    import subprocess
    import sys

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.flash import flash_attention, spans, tiles
    from groundup.model.attention.flash_triton import BLOCKS


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A kernel: what must cross the bus

    A GPU multiplies so fast that it mostly waits for its memory. FlashAttention was written for this: the same sums, fewer bytes. Afterwards
    you can count the bytes of both forms, say how large a tile should be, and read a Triton kernel, whose program is one block of queries.
    """)
    return


@app.cell
def _():
    _products_per_s, _bytes_per_s = 989e12 / 2, 3.35e12  # an H100's data sheet: bf16 on tensor cores, its own memory
    balance = _products_per_s / _bytes_per_s
    mo.md(
        f"While an H100 fetches one byte, it could do **{balance:.0f}** multiplications. Whoever fetches a number and multiplies it "
        "once, leaves the card idle for nearly all of the time."
    )
    return (balance,)


@app.cell
def _(balance):
    assert 140 < balance < 155
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four keys, by hand

    One head, $n$ queries and keys, $d$ numbers wide. By its definition attention is three kernels, and between them everything goes out
    to memory and comes back. Counted in numbers:

    | kernel | reads | writes |
    |---|---|---|
    | scores $QK^T$ | $2nd$ | $n^2$ |
    | softmax | $n^2$ | $n^2$ |
    | mix $PV$ | $n^2 + nd$ | $nd$ |

    In all $4n^2 + 4nd$. With $n = 4$ and $d = 2$ that is 64 + 32 = 96. For the $2n^2d = 64$ products there are: less than one a number.
    """)
    return


@app.cell
def _():
    def by_definition(length, width):
        """The numbers that cross the bus: scores, softmax and mixing as three kernels."""
        return 4 * length**2 + 4 * length * width

    def by_tiles(length, width, rows):
        """The numbers that cross it in one kernel: each block of queries once, for each of them all keys and values."""
        blocks = len(spans(length, rows))
        return 2 * length * width + blocks * 2 * length * width

    assert by_definition(4, 2) == 96
    assert by_tiles(4, 2, 4) == 32, "one block of queries: query, key, value and result, once"
    mo.md(
        f"In one kernel with one block of queries: {by_tiles(4, 2, 4)}, a third. With two blocks: {by_tiles(4, 2, 2)}."
    )
    return by_definition, by_tiles


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How large a block

    Each block of queries walks over all keys and values. So the keys are read as often as there are blocks, and large blocks read less. But a block
    and its tile must fit into what a core has for itself, some 200 kB. Choose the rows of a block.
    """)
    return


@app.cell
def _():
    rows = mo.ui.slider(steps=[1, 4, 16, 64, 128, 256], value=64, label="queries of a block", show_value=True)
    rows
    return (rows,)


@app.cell
def _(balance, by_definition, by_tiles, rows):
    lengths = [2**power for power in range(8, 16)]
    _products = [2 * length**2 * 128 for length in lengths]
    products_per_byte = {
        "definition": [one / (2 * by_definition(n, 128)) for one, n in zip(_products, lengths, strict=True)],
        "one kernel": [one / (2 * by_tiles(n, 128, rows.value)) for one, n in zip(_products, lengths, strict=True)],
    }
    plots.lines(
        lengths,
        products_per_byte,
        x="tokens",
        y="products a byte",
        log_x=True,
        log_y=True,
        levels={"what an H100 could do": balance},
        title=f"A head of 128 in bf16, blocks of {rows.value}",
    )
    return lengths, products_per_byte


@app.cell
def _(balance, products_per_byte, rows):
    assert products_per_byte["definition"][-1] < 128 / 4 + 1, "never more than a quarter of the head's width"
    _reached = products_per_byte["one kernel"][-1]
    assert abs(_reached - rows.value / 2) < 1 + rows.value / 50, (
        "half the block's rows, whatever the length and the width"
    )
    assert (_reached > balance / 2.5) == (rows.value >= 128)
    return


@app.cell
def _():
    _rows, _columns = BLOCKS[2]  # for numbers of two bytes
    held_kb = (2 * (2 * _rows + 2 * _columns) * 128 + 4 * _rows * (_columns + 128)) / 1000
    assert held_kb < 163, "an A100's core has 163 kB for this"
    mo.md(
        f"The library's tile for bf16 is {_rows} queries by {_columns} keys. With a head of 128 its operands (two bytes) and the scores and "
        f"the mixed values (four bytes) are {held_kb:.0f} kB."
    )
    return (held_kb,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The definition stays a factor of five below the card, however long the text. A kernel climbs with its blocks. (A card's shared cache
    catches a part of the repeated reads, so that 64 or 128 rows are enough in practice.)

    ## A program is a block

    In Triton one writes what a single program does, and starts as many as there are blocks of queries, times heads. Each loads its queries, walks
    over the keys, and stores its result; nobody waits for anybody. In words, the kernel of `flash_triton.py`:

        rows = my number * ROWS + (0 .. ROWS - 1)
        load the queries of these rows
        for each tile of keys:        load it; scores; new maximum; shrink; add      (`online_softmax_step`)
        store mixed / total, and the log-sum-exp

    The way back is two kernels, for a sum must have one owner: a block of queries owns its gradient, a block of keys owns the other two.
    Under a causal mask the programs differ in length: the last block walks over all keys, the first over one tile.
    """)
    return


@app.cell
def _():
    walked = [sum(1 for _ in tiles(one, 1024, 1024, 64, None, True)) for one in spans(1024, 64)]
    assert walked == list(range(1, 17))
    plots.value_bars(
        {"tiles": dict(enumerate(walked))},
        x="program (block of queries)",
        y="tiles of keys",
        title="1,024 tokens, causal",
    )
    return (walked,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The kernel itself

    Without a GPU Triton can interpret a kernel with NumPy, slowly and exactly, if `TRITON_INTERPRET=1` is set before it is imported. So it runs in a
    process of its own here, where Triton is installed (`pip install 'groundup[kernels]'`), and is compared with the tiles of `flash.py`.
    """)
    return


@app.cell
def _():
    _program = """
    import torch
    from groundup.model.attention.flash_triton import flash_attention
    query, key, value = torch.linspace(-2, 2, 3 * 20 * 8).sin().reshape(3, 1, 1, 20, 8)
    print(flash_attention(query, key, value, causal=True, blocks=(16, 16)).double().square().sum().item())
    """.replace("\n    ", "\n")
    _given = torch.linspace(-2, 2, 3 * 20 * 8).sin().reshape(3, 1, 1, 20, 8)
    expected = flash_attention(*_given, causal=True, blocks=(8, 8)).double().square().sum().item()
    interpreted = expected
    if importlib.util.find_spec("triton") is not None and sys.platform == "linux" and not torch.cuda.is_available():
        _ran = subprocess.run(
            [sys.executable, "-c", _program],
            env={**os.environ, "TRITON_INTERPRET": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        interpreted = float(_ran.stdout)
    assert abs(interpreted - expected) < 1e-4 * expected
    mo.md(
        f"The sum of squares of the result: {expected:.4f} by tiles in torch, {interpreted:.4f} by the kernel (where Triton is)."
    )
    return expected, interpreted


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the block to one query: the line of the kernel falls below the definition's. Tiles alone do not help; reuse does.
    - Double the head's width in the picture: the definition gains, the kernel does not. Why?
    - Open `flash_triton.py` beside `flash.py`: find the line where a tile after the queries is not read.

    What the kernel does to each tile you can write yourself: `groundup learn start online_softmax_step`
    """)
    return


if __name__ == "__main__":
    app.run()
