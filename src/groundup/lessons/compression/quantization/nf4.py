"""Lesson: NF4 in a model: the sizes of its blocks in eight bits of a format made for them, and matrices that are decoded when they are used."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The scales need fewer bits too", width="medium")

with app.setup:
    import copy

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.compression.quantization import ptq
    from groundup.compression.quantization.nf4 import (
        DYNAMIC,
        NF4Linear,
        dequantize_sizes,
        quantize,
        quantize_sizes,
        quantized_bytes,
    )
    from groundup.lessons import drawn_model
    from groundup.machine.numbers.normal_float import encode_nf4


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The scales need fewer bits too

    NF4 gives a weight one of sixteen levels, times the largest size in its block of 64. Those sizes are floats of 32 bits, half a bit for each weight, and they
    can be rounded as well. Afterwards you know the eight-bit numbers that are used for it, why the mean comes off first, and what a matrix in such a form
    costs when it is used.
    """)
    return


@app.cell
def _():
    plain, double = (8 * quantized_bytes((1024, 1024), double=both) / 2**20 for both in (False, True))
    mo.md(
        f"A matrix of 1,024 by 1,024 takes {plain} bits a weight in NF4, and **{double:.3f}** once its sizes are in 8 bits."
    )
    return double, plain


@app.cell
def _(double, plain):
    assert plain == 4 + 32 / 64 and abs(double - (4 + 8 / 64 + 32 / (64 * 256))) < 1e-9
    mo.md(r"""
    $$4 + \frac{32}{64} = 4.5 \qquad\qquad 4 + \frac{8}{64} + \frac{32}{64 \cdot 256} = 4.127$$

    A code of 4 bits; a size in 8 bits for each 64 weights; and a float for each 256 of these sizes.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Eight bits that are fine near zero

    A byte as a whole number has steps of one width. The *dynamic* numbers have a sign, a power of ten told by how many zeros come first, and what bits are left
    for the fraction: many near 1, few near a millionth. So they reach over seven powers of ten, and are finest where most numbers will be needed.
    """)
    return


@app.cell
def _():
    _dynamic = DYNAMIC[DYNAMIC > 0]
    _equal = np.arange(1, 129) / 128
    plots.lines(
        list(range(1, 129)),
        {"dynamic": _dynamic.tolist(), "equal steps": _equal.tolist()},
        x="the n-th number above 0",
        y="its value",
        log_y=True,
        title="128 numbers above zero, in two ways",
    )
    return


@app.cell
def _():
    _above = DYNAMIC[DYNAMIC > 0]
    _steps = np.diff(_above)
    assert len(DYNAMIC) == 256 and 0 in DYNAMIC and _above[0] < 1e-6 and _above[-1] == 1
    assert _steps[-2] < 2 / 127 and (_above < 0.1).sum() == 63
    mo.md(
        f"The smallest is {_above[0]:.1e}, where equal steps begin at {1 / 128:.4f}. {(_above < 0.1).sum()} of 128 lie below a tenth; between a tenth and 1 "
        f"the steps are {_steps[-2]:.4f} wide."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## First the mean comes off

    Sizes of blocks are all positive and alike: the largest of 64 normal numbers is 2.4 deviations, give or take a fifth. As they are, they would use
    a few codes near the upper end. Less their mean they lie about zero, with either sign. Choose by how many powers of two the rows of the matrix differ.
    """)
    return


@app.cell
def _():
    spread = mo.ui.slider(0.0, 2.0, step=0.5, value=0.0, label="rows differ by so many powers of two", show_value=True)
    spread
    return (spread,)


@app.cell
def _(spread):
    _source = np.random.default_rng(0)
    weights = (
        _source.normal(size=(256, 256)) * 2.0 ** _source.uniform(-spread.value, spread.value, size=(256, 1))
    ).astype(np.float32)
    absmax = encode_nf4(weights).absmax
    sizes = quantize_sizes(absmax)
    again = dequantize_sizes(sizes)
    _kept = DYNAMIC[np.abs((absmax / absmax.max())[:, None] - DYNAMIC).argmin(1)] * absmax.max()
    wrong = {
        "less their mean": float(np.square(again - absmax).mean()),
        "as they are": float(np.square(_kept - absmax).mean()),
    }
    plots.histogram(
        {"sizes of blocks": absmax, "read back": again},
        bins=60,
        x="largest size in a block",
        title=f"{len(absmax)} sizes in {len(np.unique(sizes.codes))} codes, off by {np.abs(again / absmax - 1).mean():.2%} on average",
    )
    return absmax, again, sizes, weights, wrong


@app.cell
def _(absmax, again, sizes, wrong):
    assert wrong["less their mean"] < wrong["as they are"]
    assert np.abs(again / absmax - 1).mean() < 0.02
    assert abs(sizes.mean - absmax.mean()) < 1e-5 * absmax.mean() and len(sizes.absmax) == len(absmax) // 256
    mo.md(
        f"With the mean off the squared error is **{wrong['as they are'] / wrong['less their mean']:.0f}** times smaller than without."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the second rounding costs

    Nearly nothing: a size that is off by half a percent moves all 64 weights of its block by half a percent, while the sixteen levels move each by about
    a tenth.
    """)
    return


@app.cell
def _(weights):
    _matrix = torch.from_numpy(weights)

    def _off(double):
        """Root of the squared error over that of the squares."""
        return float(
            ((NF4Linear(_matrix, None, double).decoded() - _matrix).square().sum() / _matrix.square().sum()).sqrt()
        )

    once, twice = _off(False), _off(True)
    assert once < twice * 1.01 and twice < once * 1.01 and 0.05 < once < 0.15
    mo.md(f"Off by {once:.3%} with sizes as floats, by **{twice:.3%}** with sizes in 8 bits.")
    return once, twice


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A block that is not full

    5 rows of 13 weights are one block of 64 and one of a single weight. The last block's size is that of the weights it has: filled up with zeros, since zeros
    make no largest size larger. (Read from memory that nobody wrote, it once was anything.)
    """)
    return


@app.cell
def _():
    _odd = torch.randn(5, 13, generator=torch.Generator().manual_seed(3))
    _layer = NF4Linear(_odd, None)
    assert _layer.nbytes == quantized_bytes((5, 13)) == 33 + 2 + 4
    assert torch.isfinite(_layer.decoded()).all() and _layer.decoded().shape == (5, 13)
    mo.md(
        f"{_layer.nbytes} bytes for 65 weights: 33 of codes, 2 of sizes, 4 for the float of the sizes. "
        f"The single weight comes back as {_layer.decoded()[4, 12]:.3f}, it was {_odd[4, 12]:.3f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Decoded when it is used

    Memory holds the codes. For a product the matrix is decoded, used and given free; on the way back, for the gradient of what it read, it is decoded again. It
    has no gradient of its own: a code cannot move a little. That is what adapters are for (`groundup learn lesson tuning.efficient.qlora`).
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(4)
    layer = NF4Linear(torch.randn(32, 64, generator=_source), None)
    _x = torch.randn(8, 64, generator=_source, requires_grad=True)
    _y = layer(_x)
    (_slope,) = torch.autograd.grad(_y.square().sum(), _x)
    assert torch.allclose(_slope, 2 * _y.detach() @ layer.decoded(), atol=1e-4)
    assert not list(layer.parameters())
    mo.md(
        f"{layer.nbytes:,} bytes are kept, {4 * 32 * 64:,} are there while it multiplies. It has {len(list(layer.parameters()))} numbers that learn."
    )
    return (layer,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Against equal steps

    A small model whose weights were drawn, in NF4 and in sixteen equal steps with a 16-bit scale for every 16 weights: nats a token that its next-token
    distributions moved by.
    """)
    return


@app.cell
def _():
    _model = drawn_model(64, seed=1)
    _ids = torch.randint(0, 64, (4, 32), generator=torch.Generator().manual_seed(2))
    _levels, _steps = copy.deepcopy(_model), copy.deepcopy(_model)
    changed = quantize(_levels)
    ptq.quantize(_steps, "round", 4, 16)
    with torch.inference_mode():
        _before = _model(_ids).log_softmax(-1)
        moved = {
            name: float((_before.exp() * (_before - one(_ids).log_softmax(-1))).sum(-1).mean())
            for name, one in (("NF4, 4.1 bits", _levels), ("equal steps, groups of 16, 5 bits", _steps))
        }
    plots.value_bars({"nats a token": moved}, y="nats a token", title=f"{changed} matrices rounded in two ways")
    return changed, moved


@app.cell
def _(changed, moved):
    _levels, _steps = moved.values()
    assert changed == 14 and 0.3 < _levels / _steps < 3
    mo.md(
        f"{_levels:.3f} against {_steps:.3f}: levels in the right places make up for a bit of scales. What NF4 lacks is speed: "
        "equal steps are multiplied as whole numbers, while levels have to be looked up."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rows that differ by two powers of two: the mean says less about each size, and the gain of taking it off shrinks.
    - Quantise the same model twice with `quantize`: the library refuses, since a second rounding could only lose.
    - Tune a model whose weights are kept like this: `groundup tune MODEL --method qlora --merge`.

    Write it yourself: `groundup learn start quantize_sizes`
    """)
    return


if __name__ == "__main__":
    app.run()
