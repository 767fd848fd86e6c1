"""Lesson: why memory decides how fast a model writes, and how weights lie so that the processor only reads."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A token reads every weight", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.compiled.records import CODECS, interleave
    from groundup.inference.compiled.references import quantised_product
    from groundup.machine.numbers.blocks import encode_blocks


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A token reads every weight

    To write one token, a model multiplies each of its matrices with one vector. Every weight is read from memory, used for one
    multiplication and one addition, and not needed again until the next token. Afterwards you can say how fast a model can write
    at most on a machine, and how its weights must lie in memory to come near that.
    """)
    return


@app.cell
def _():
    _layer = 4 * 768 * 768 + 3 * 768 * 2048
    weights = 12 * _layer + 32_000 * 768
    bits = {name: codec.bits for name, codec in CODECS.items()}
    assert weights == 109_510_656 and bits["q4_0"] == 4.5
    mo.md(
        f"Twelve layers of 768 numbers and a head for 32,000 tokens: a token reads **{weights / 1e6:.1f} million** weights. A core does "
        "hundreds of billions of such multiplications a second, so that they take about a millisecond. Reading them takes longer."
    )
    return bits, weights


@app.cell
def _():
    bandwidth = mo.ui.slider(10, 100, value=40, step=10, label="what the memory gives, GB/s")
    bandwidth
    return (bandwidth,)


@app.cell
def _(bandwidth, bits, weights):
    limits = {name: bandwidth.value * 1e9 / (weights * cost / 8) for name, cost in bits.items()}
    assert limits["f32"] < limits["bf16"] < limits["q8_0"] < limits["q4_0"]
    assert abs(limits["bf16"] / limits["f32"] - 2) < 1e-9
    plots.value_bars({"tokens a second at most": limits}, title="Fewer bits, more tokens: in proportion")
    return (limits,)


@app.cell
def _(bandwidth, limits):
    mo.md(
        f"At {bandwidth.value} GB/s no program writes more than {limits['bf16']:.0f} tokens a second with 16 bits a weight, and none more than "
        f"{limits['q4_0']:.0f} with 4.5. A loop that reaches nine tenths of that is finished: what makes it faster are fewer bytes, "
        "or several texts at once, for which a weight is read once."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sums that stay in their lane

    A register holds 16 numbers. Put 16 columns of one row into it, and the product with the vector leaves 16 partial sums that
    must still be added up across the register: for 32 weights that costs more than the products. Put one column of 16 *rows* into it, and
    each lane is a row's own sum. So rows are stored beside each other, two (or four) columns at a time:
    """)
    return


@app.cell
def _():
    _rows = np.repeat(np.arange(16)[:, None], 8, axis=1)
    beside = interleave(_rows, 2)
    assert beside.shape == (1, 4, 16, 2)
    plots.heat_map(
        np.stack([_rows.reshape(-1), beside.reshape(-1)]),
        rows=["row by row", "16 rows beside each other"],
        columns=[str(place) for place in range(128)],
        title="To which row a place in memory belongs",
    )
    return (beside,)


@app.cell
def _(beside):
    assert beside.reshape(-1)[:6].tolist() == [0, 0, 1, 1, 2, 2]
    assert np.bincount(beside.reshape(-1)).tolist() == [8] * 16
    mo.md(
        "Below, the first 32 places are two columns of all sixteen rows: one register of 16-bit words. The next one stands behind it."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bytes times bytes

    Weights of 8 bits are whole numbers with a scale for each 32. If the vector is rounded in the same way, the inner sum is one of
    bytes times bytes, for which processors have an instruction (64 products at once), and the two scales come in once a group:

    $$y = \sum_g d_g\, e_g \sum_{k} q_{gk}\, s_{gk}$$
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    matrix = _generator.normal(size=(64, 256)).astype(np.float32)
    vector = _generator.normal(size=256).astype(np.float32)
    exact = matrix @ vector
    _product = quantised_product(encode_blocks(matrix, "Q8_0"), vector)
    _error = float(np.sqrt(np.mean((_product - exact) ** 2) / np.mean(exact**2)))
    assert _error < 0.02
    mo.md(
        f"The product of a random matrix is off by {100 * _error:.1f} % of its size: half from the weights, half from the vector."
    )
    return exact, matrix, vector


@app.cell
def _():
    outlier = mo.ui.slider(0, 6, value=0, label="doublings of one number of the vector")
    outlier
    return (outlier,)


@app.cell
def _(exact, matrix, outlier, vector):
    _loud = vector.copy()
    _loud[40] *= 2.0**outlier.value
    errors = np.abs(quantised_product(encode_blocks(matrix, "Q8_0"), _loud) - matrix @ _loud)
    assert len(errors) == len(exact) and errors.mean() < 2
    plots.histogram({"rows": errors}, bins=20, title="How far each row's product is off")
    return (errors,)


@app.cell
def _(errors, outlier):
    mo.md(
        f"With one number {2**outlier.value} times as large the mean error is {errors.mean():.3f}. Only its own group of 32 gets a coarser "
        "scale; the seven other groups of the vector are as fine as before."
    )
    return


@app.cell
def _():
    _matrix = torch.from_numpy(np.random.default_rng(1).normal(size=(64, 256)).astype(np.float32))
    _packed = {name: codec.pack(_matrix).nbytes for name, codec in CODECS.items()}
    assert _packed["q8_0"] == 64 * 256 * 8.5 / 8 and _packed["q4_0"] == 64 * 256 * 4.5 / 8
    mo.md(
        f"A record is 16 rows of 32 columns with their scales, one stream from first to last: {_packed['q4_0']:,} bytes for this matrix in "
        f"q4_0, {_packed['bf16']:,} in bf16. The rest is a loop that loads, multiplies and goes on."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the memory to 100 GB/s: at 4.5 bits a token takes 0.6 ms, and what is between the matrices (waiting for each other, norms, the
      call from Python) begins to count.
    - Double the outlier six times: the errors' mean grows, but not 64-fold as with one scale for the whole vector.
    - `groundup learn start interleave` and `groundup learn start quantised_product`: the order and the product, by you.
    """)
    return


if __name__ == "__main__":
    app.run()
