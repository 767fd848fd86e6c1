"""Lesson: weights as small integers, with a scale for each row or group, and a zero point where it pays."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Weights as integers", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.numbers.integers import asymmetric_codes, dequantize, pack_nibbles, quantize, symmetric_codes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Weights as integers

    A whole number times a scale is the cheapest form of a weight, and processors multiply whole numbers fastest. Afterwards you
    can quantize a row by hand, choose between symmetric and asymmetric codes, and know why the scale belongs to a group.
    """)
    return


@app.cell
def _():
    _weights = np.random.default_rng(0).normal(size=(256, 1024)).astype(np.float32)
    relative = float(np.linalg.norm(dequantize(quantize(_weights)) - _weights) / np.linalg.norm(_weights))
    mo.md(f"A matrix of normal weights in 8 bits instead of 32 is off by **{relative:.2%}** of its length.")
    return (relative,)


@app.cell
def _(relative):
    assert 0.005 < relative < 0.01
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A row by hand

    Four bits: the codes -7 to 7. The largest size in the row, 14, becomes 7, so the scale is 2. Then 7.2 / 2 = 3.6 is rounded
    to 4, and comes back as 8.

    $$ s = \max_i |x_i| / 7, \qquad q_i = \text{round}(x_i / s), \qquad x_i \approx s\, q_i $$
    """)
    return


@app.cell
def _():
    _row = np.float32([[-14, 7.2, 2.2, 0.3]])
    _codes, _scale = symmetric_codes(_row, 4)
    assert _codes.tolist() == [[-7, 4, 1, 0]] and _scale.tolist() == [[2.0]]
    assert pack_nibbles(_codes).tolist() == [[0x49, 0x01]]
    mo.md(
        f"codes {_codes[0].tolist()}, scale {_scale[0, 0]:.0f}; two codes a byte: {[f'{b:08b}' for b in pack_nibbles(_codes)[0]]}"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Steps on a line

    Choose how many bits there are: the stairs are what comes back for each number, and the error is at most half a step.
    """)
    return


@app.cell
def _():
    bits = mo.ui.slider(2, 8, value=3, label="bits", show_value=True)
    bits
    return (bits,)


@app.cell
def _(bits):
    line = np.linspace(-1, 1, 401, dtype=np.float32)
    stairs = dequantize(quantize(line, bits.value))
    plots.lines(
        line, {"comes back": stairs, "itself": line}, x="number", y="after quantization", title=f"{bits.value} bits"
    )
    return line, stairs


@app.cell
def _(bits, line, stairs):
    _step = 1 / (2 ** (bits.value - 1) - 1)
    assert np.abs(stairs - line).max() <= _step / 2 + 1e-6
    assert len(np.unique(stairs)) == 2**bits.value - 1 and np.allclose(stairs, -stairs[::-1])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What lies on one side

    After a ReLU nothing is negative, and symmetric codes leave half of their steps unused. Asymmetric codes run from the lowest
    to the highest number; the code of 0 is a whole number, the zero point, so that 0 stays exactly 0.
    """)
    return


@app.cell
def _():
    _positive = np.maximum(np.random.default_rng(1).normal(size=(64, 256)), 0).astype(np.float32)
    errors = {
        name: [
            float(np.square(dequantize(quantize(_positive, b, symmetric=kind)) - _positive).mean())
            for b in (3, 4, 5, 6)
        ]
        for name, kind in (("symmetric", True), ("asymmetric", False))
    }
    plots.lines(
        [3, 4, 5, 6],
        errors,
        x="bits",
        y="mean squared error",
        log_y=True,
        marked=True,
        title="Numbers that are never negative",
    )
    return (errors,)


@app.cell
def _(errors):
    assert all(one < 0.4 * other for one, other in zip(errors["asymmetric"], errors["symmetric"], strict=True))
    _codes, _, _zero = asymmetric_codes(np.float32([[-5, 10, 0]]), 4)
    assert _codes[0, 2] == _zero[0, 0] == 5
    mo.md(
        f"In 4 bits the zero point saves **{1 - errors['asymmetric'][1] / errors['symmetric'][1]:.0%}** of the squared error: one bit, nearly."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One bad neighbour

    A scale follows the largest number that it serves. A single outlier makes all steps wide: so the scale is shared by a group
    of neighbours only, and the outlier spoils its group. Each scale costs 32 bits; the fewer share it, the more it costs.
    """)
    return


@app.cell
def _():
    _weights = np.random.default_rng(2).normal(size=(64, 1024)).astype(np.float32)
    _weights[:, 100] *= 40
    _sizes = [16, 32, 64, 128, 256, 1024]
    lost = [float(np.median(np.abs(dequantize(quantize(_weights, 4, group_size=size)) - _weights))) for size in _sizes]
    cost = [4 + 32 / size for size in _sizes]
    plots.lines(
        cost,
        {"4 bits": lost},
        x="bits a weight, with the scale",
        y="median error",
        marked=True,
        title="Smaller groups: closer, and dearer",
    )
    return cost, lost


@app.cell
def _(cost, lost):
    assert lost[0] < lost[2] < lost[-1] and cost[0] == 6 and cost[-1] < 4.1
    mo.md(f"Groups of 1,024: a median error of {lost[-1]:.2f}; of 32: {lost[1]:.2f}, for {cost[1]:.0f} bits a weight.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 2 bits: three steps, -1, 0 and 1. A whole family of models is trained in those.
    - Take the outlier out (`*= 1`): the curve over the groups becomes flat.
    - Ask for `symmetric=False` in the stairs: they gain one step, and lose their symmetry.

    Write it yourself: `groundup learn start symmetric_codes`, and then `groundup learn start asymmetric_codes`
    """)
    return


if __name__ == "__main__":
    app.run()
