"""Lesson: a program owns a tile: which one, how large, and the softmax of a row that no tile can hold; Triton's kernels, interpreted."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Triton: a program owns a tile", width="medium")

with app.setup:
    import importlib.util
    import math
    import sys

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.errors import pip_line
    from groundup.machine.kernels.triton.launch import interpreted
    from groundup.machine.kernels.triton.tiles import (
        choose_tile,
        grouped_tile,
        inputs_of_wave,
        log_sum_exp_in_tiles,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Triton: a program owns a tile

    In CUDA one writes what a thread does with a number; in Triton, what a program does with a tile of them, and the compiler
    spreads it over threads. What is left to decide is which tile, how large, and in what order. Afterwards you can decide that,
    and write the loss of a vocabulary that fits nowhere.
    """)
    return


@app.cell
def _():
    plain, banded = inputs_of_wave(64, 64, 64, group=1), inputs_of_wave(64, 64, 64, group=8)
    mo.md(
        f"A product of 64 x 64 tiles; 64 programs run at once. Row after row they need {plain} strips of the two matrices. The same programs in "
        f"another order need **{banded}**: the same work, a quarter of the reading."
    )
    return banded, plain


@app.cell
def _(banded, plain):
    assert (plain, banded) == (65, 16)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A kernel

        @triton.jit
        def add_kernel(left, right, result, size, TILE: tl.constexpr):
            places = tl.program_id(0) * TILE + tl.arange(0, TILE)
            there = places < size
            total = tl.load(left + places, mask=there) + tl.load(right + places, mask=there)
            tl.store(result + places, total, mask=there)

    `places` are TILE numbers at once, and the mask stands for the `if` of a thread at the edge. No thread, no warp, no barrier:
    neighbours read neighbours because the compiler sees to it.

    ## In which order

    Programs are numbered 0, 1, 2 ... and run in that order, as many at once as fit. Those that run together should need the
    same inputs, so that the cache has them. A row of tiles needs one strip of the left matrix and all of the right; a square
    needs few of both. So the rows come in **bands** of `group`, and inside a band the programs go down before they go on. Move
    it.
    """)
    return


@app.cell
def _():
    group = mo.ui.slider(1, 8, value=4, label="rows of tiles in a band", show_value=True)
    group
    return (group,)


@app.cell
def _(group):
    number_of = np.zeros((8, 12))
    for _program in range(96):
        number_of[grouped_tile(_program, 8, 12, group.value)] = _program
    plots.heat_map(
        number_of,
        x="column of tiles",
        y="row of tiles",
        text=True,
        title=f"Which program makes which tile; the first 16 need {inputs_of_wave(16, 8, 12, group.value)} strips",
    )
    return (number_of,)


@app.cell
def _(group, number_of):
    assert sorted(number_of.flatten()) == list(range(96)), "every tile has its program"
    _first = np.argwhere(number_of < 16)
    _strips = len(set(_first[:, 0])) + len(set(_first[:, 1]))
    assert _strips == inputs_of_wave(16, 8, 12, group.value) >= 8, "a square of 4 x 4 is the best there can be"
    assert (_strips == 8) == (group.value == 4)
    f"{_strips} strips for 16 tiles"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How large

    A tile of $R \times C$ results makes $2 R C$ operations for every $R + C$ numbers it reads, so larger is better. Until its sums do not
    fit into the registers, its inputs not into shared memory, or the tiles are so few that multiprocessors idle: a result of
    256 x 256 is four tiles of 128 and leaves 104 of 108 without one. `choose_tile` weighs these on paper (an A100, numbers of two bytes).
    """)
    return


@app.cell
def _():
    sizes = [128, 256, 512, 1024, 2048, 4096, 8192]
    chosen = [choose_tile(n, n) for n in sizes]
    plots.lines(
        sizes,
        {
            "operations a byte of the chosen tile": [one.flops_a_byte for one in chosen],
        },
        x="rows and columns of a square product",
        y="operations a byte",
        log_x=True,
        log_y=True,
        levels={"a multiprocessor makes while it reads one": 43.2},
        marked=True,
        title="Small products get small tiles",
    )
    return chosen, sizes


@app.cell
def _(chosen, sizes):
    assert all(one.registers <= 255 and one.occupancy.blocks >= 1 for one in chosen)
    assert chosen[0].rows * chosen[0].columns < chosen[-1].rows * chosen[-1].columns
    rows = [
        f"| {n:,} | {one.rows} x {one.columns} | {one.registers} | {one.shared_bytes / 1024:.0f} | {one.occupancy.share:.0%} | {one.busy:.0%} |"
        for n, one in zip(sizes, chosen, strict=True)
    ]
    mo.md(
        "\n".join(
            ["| size | tile | registers | shared kB | occupancy | processors busy |", "|--|--|--|--|--|--|", *rows]
        )
    )
    return (rows,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    At 2,048 the tiles are smaller than at 1,024: 256 tiles of 128 x 128 would be three rounds for 108 multiprocessors, the third one
    nearly empty.

    ## A row that no tile can hold

    The loss of a token is $\log \sum_i e^{x_i} - x_\text{target}$, over a vocabulary of 128,000. A program reads it a tile at a
    time and keeps two numbers: the largest logit so far, and the sum of $e^{x - \text{largest}}$. When a larger one comes, the
    old sum is too large, and shrinks by $e^{\text{old} - \text{new}}$:

    $$\text{sum} \leftarrow \text{sum} \cdot e^{\text{old} - \text{new}} + \sum_{i \in \text{tile}} e^{x_i - \text{new}}$$
    """)
    return


@app.cell
def _():
    def walk(values, tile):
        """The largest value and the sum after each tile."""
        largest, total, steps = -math.inf, 0.0, []
        for start in range(0, len(values), tile):
            part = values[start : start + tile]
            new = max(largest, part.max())
            total = total * math.exp(largest - new) + np.exp(part - new).sum()
            largest = new
            steps = [*steps, (largest, total)]
        return np.array(steps)

    logits = np.random.default_rng(3).normal(size=64)
    steps = walk(logits, 8)
    so_far = steps[:, 0] + np.log(steps[:, 1])
    plots.lines(
        range(1, 9),
        {"largest so far": steps[:, 0], "log-sum-exp so far": so_far},
        x="tiles read",
        y="nats",
        marked=True,
        title="Two numbers are enough",
    )
    return logits, so_far, steps, walk


@app.cell
def _(logits, so_far, steps):
    _truth = math.log(np.exp(logits).sum())
    assert abs(so_far[-1] - _truth) < 1e-12
    assert all(abs(log_sum_exp_in_tiles(logits, tile) - _truth) < 1e-9 for tile in (1, 7, 64, 100)), "whatever the tile"
    assert (np.diff(so_far) > 0).all() and (np.diff(steps[:, 0]) >= 0).all()
    assert log_sum_exp_in_tiles(logits + 1000, 8) - 1000 - _truth < 1e-9, "and no overflow"
    f"{so_far[-1]:.6f} by tiles, {_truth:.6f} at once"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The kernels themselves

    Five kernels stand in `groundup.machine.kernels.triton`, with their ways back: a vector sum, softmax, RMSNorm,
    cross-entropy, a matrix product. Without a GPU Triton can interpret them with NumPy, if `TRITON_INTERPRET=1` is set before
    it is imported; so they run in a process of their own here, and are compared with torch.
    """)
    return


@app.cell
def _():
    _program = """
    import torch
    from groundup.machine.kernels.triton import cross_entropy, matmul, rms_norm, softmax
    x, gain, targets = torch.linspace(-4, 4, 3 * 50).sin().reshape(3, 50), torch.linspace(1, 2, 50), torch.tensor([0, 49, 7])
    made = softmax.softmax(x), rms_norm.rms_norm(x, gain), cross_entropy.token_losses(x, targets, tile=16), matmul.matmul(x, x.t())
    print(*(one.double().square().sum().item() for one in made))
    """.replace("\n    ", "\n")
    _x, _gain, _targets = (
        torch.linspace(-4, 4, 3 * 50).sin().reshape(3, 50), torch.linspace(1, 2, 50), torch.tensor([0, 49, 7])
    )  # fmt: skip
    torchs = [
        torch.softmax(_x, -1),
        torch.nn.functional.rms_norm(_x, (50,), _gain, 1e-6),
        torch.nn.functional.cross_entropy(_x, _targets, reduction="none"),
        _x @ _x.T,
    ]
    expected = [one.double().square().sum().item() for one in torchs]
    able = importlib.util.find_spec("triton") is not None and sys.platform == "linux" and not torch.cuda.is_available()
    by_kernels = [float(line) for line in interpreted(_program).split()] if able else expected
    assert np.allclose(by_kernels, expected, rtol=1e-5)
    _names = ("softmax", "RMSNorm", "cross-entropy", "matrix product")
    _rows = [
        f"| {name} | {one:.5f} | {other:.5f} |" for name, one, other in zip(_names, by_kernels, expected, strict=True)
    ]
    _said = "" if able else f"\n\nTriton's column is torch's here; `{pip_line('kernels')}` on Linux runs the kernels."
    mo.md("\n".join(["| sum of squares | Triton, interpreted | torch |", "|--|--|--|", *_rows]) + _said)
    return able, by_kernels, expected, torchs


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One row in a band: the first 16 programs need 14 strips, 12 of them of the right matrix. Eight rows: ten. Why is four the best?
    - Give `choose_tile` a result of 16 columns (a small batch at decoding): no tile is wide, and no order helps.
    - Sort the logits, largest first: how do the two curves change, and does the result?

    Write it yourself: `groundup learn start grouped_tile`, then `groundup learn start log_sum_exp_in_tiles`
    """)
    return


if __name__ == "__main__":
    app.run()
