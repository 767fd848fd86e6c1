"""Lesson: the block formats of GGUF files, byte by byte: Q8_0, Q4_0 and Q4_1."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Thirty-two weights and a scale", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.numbers.blocks import BLOCKS, decode_blocks, encode_blocks, encode_q4_0, encode_q8_0


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Thirty-two weights and a scale

    The files that people run on their laptops hold weights in blocks: thirty-two small integers and the scale that they share.
    Afterwards you can read such a block byte by byte, and say what each format costs and what it loses.
    """)
    return


@app.cell
def _():
    sizes = {name: format.bits_per_weight for name, format in BLOCKS.items()}
    mo.md(
        f"A model of seven billion weights: 28 GB in FP32, **{7 * sizes['Q8_0'] / 8:.1f} GB** in Q8_0 and "
        f"**{7 * sizes['Q4_0'] / 8:.1f} GB** in Q4_0, where a weight costs {sizes['Q4_0']} bits."
    )
    return (sizes,)


@app.cell
def _(sizes):
    assert sizes == {"Q8_0": 8.5, "Q4_0": 4.5, "Q4_1": 5.0, "Q5_0": 5.5, "Q5_1": 6.0}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Q8_0, byte by byte

    Two bytes of scale $d$ in FP16, then 32 bytes with a sign. $d$ is the largest size / 127, so that the largest weight has the
    step 127 or -127, and a weight is $d \cdot q$.
    """)
    return


@app.cell
def _():
    _block = np.zeros((1, 32), np.float32)
    _block[0, :4] = [127, -63.5, 2.2, 0.5]
    _data = encode_q8_0(_block)
    assert _data.shape == (1, 34) and _data[0, :2].tobytes() == np.float16(1).tobytes()
    assert _data[0, 2:6].view(np.int8).tolist() == [127, -64, 2, 1]
    mo.md(
        f"127, -63.5, 2.2, 0.5 and zeros become the bytes `{_data[0, :6].tobytes().hex(' ')} 00 ...`: d = 1, then 127, -64, 2, 1."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Q4_0: sixteen steps and a zero

    Four bits have sixteen steps from 0 to 15; step 8 stands for zero, so eight lie below it and seven above. The number of largest
    size should not be cut, so it gets the long end: $d$ is this number, *with its sign*, divided by -8.
    """)
    return


@app.cell
def _():
    largest = mo.ui.radio({"8": 8.0, "-8": -8.0}, value="8", label="the number of largest size")
    largest
    return (largest,)


@app.cell
def _(largest):
    line = np.linspace(-8, 8, 321, dtype=np.float32)
    _rows = np.zeros((len(line), 32), np.float32)
    _rows[:, 0], _rows[:, 1] = largest.value, line
    stairs = decode_blocks(encode_q4_0(_rows), "Q4_0")[:, 1]
    plots.lines(
        line,
        {"comes back": stairs, "itself": line},
        x="another number of the block",
        y="after Q4_0",
        title="One end is a step short",
    )
    return line, stairs


@app.cell
def _(largest, line, stairs):
    _long = line * np.sign(largest.value) > 0
    _off = np.abs(stairs - line)
    assert _off[_long].max() <= 0.5 and _off[~_long].max() == 1.0
    assert len(np.unique(stairs)) == 16
    mo.md(
        f"On the side of {largest.value:+.0f} the error is at most {_off[_long].max()}, on the other side up to {_off[~_long].max()}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A byte holds two steps: weight $i$ in its lower four bits, weight $16 + i$ in its upper. So one AND makes the first sixteen
    weights of a block and one shift the others, all at once.

    ## Q4_1: with a minimum

    Where a block does not lie around zero, Q4_1 spends two more bytes on its minimum $m$: a weight is $d \cdot q + m$.

    Q5_0 and Q5_1 are the same two with a fifth bit: four more bytes a block hold the 32 fifth bits.
    """)
    return


@app.cell
def _():
    def error(weights, name):
        """The root of the mean squared error, relative to the weights' own size."""
        lost = decode_blocks(encode_blocks(weights, name), name) - weights
        return float(np.sqrt(np.square(lost).mean() / np.square(weights).mean()))

    _normal = np.random.default_rng(0).normal(size=(64, 1024)).astype(np.float32)
    _kinds = {"normal": _normal, "all positive": np.abs(_normal), "a few outliers": _normal.copy()}
    _kinds["a few outliers"][:, ::100] *= 20
    lost = {kind: {name: error(weights, name) for name in BLOCKS} for kind, weights in _kinds.items()}
    plots.value_bars(lost, x="format", y="relative error", title="What a block format loses")
    return error, lost


@app.cell
def _(error, lost):
    assert error(np.zeros((1, 32), np.float32) + 1, "Q8_0") < 1e-3
    for _by_format in lost.values():
        assert _by_format["Q8_0"] < 0.2 * _by_format["Q4_1"] < _by_format["Q4_0"]
    assert lost["all positive"]["Q4_1"] < 0.6 * lost["all positive"]["Q4_0"]
    mo.md(
        f"Normal weights: Q8_0 {lost['normal']['Q8_0']:.2%}, Q4_1 {lost['normal']['Q4_1']:.1%}, Q4_0 {lost['normal']['Q4_0']:.1%}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why thirty-two

    With a scale for a whole row, one outlier would make the steps of a thousand weights wide. In blocks it costs 31 neighbours
    their digits and nobody else.
    """)
    return


@app.cell
def _():
    _row = np.random.default_rng(1).normal(size=256).astype(np.float32)
    _row[100] = 50
    _off = np.abs(decode_blocks(encode_blocks(_row, "Q4_0"), "Q4_0") - _row).reshape(8, 32)
    assert np.delete(_off, 3, axis=0).max() < 0.5 < _off[3].max()
    plots.heat_map(
        _off, x="place in the block", y="block", low=0, title="An outlier at place 100: the error of each weight"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - The largest number is -8: the stairs are one step short on the other side.
    - Give an outlier the value 70,000,000: no FP16 scale can hold it, and the library says so instead of writing infinity.
    - Encode what came back: nearly nothing is lost a second time.

    Write it yourself: `groundup learn start encode_q8_0`, and then `groundup learn start encode_q4_0`
    """)
    return


if __name__ == "__main__":
    app.run()
