"""Lesson: SmoothQuant, 8 bits for weights and for what they read."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Sharing the difficulty", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.compression.quantization.ptq import rounded
    from groundup.compression.quantization.smoothquant import migration_scale
    from groundup.model.layers.rounded_linear import token_codes, whole_product


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Sharing the difficulty

    Fewer bits a weight make a model small. To make it fast, the products themselves must be ones of small whole numbers, and then what the matrix *reads* is
    rounded as well. Weights are tame; what they read is not. Afterwards you can move the difficulty from one side to the other, and know how much to move.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(1)
    volume = torch.ones(128)
    volume[[9, 60, 61, 100]] = 60.0  # in models of billions of weights a few coordinates are so loud, at every token
    inputs = torch.randn(400, 128, generator=_source) * volume
    weight = torch.randn(96, 128, generator=_source) * 0.05 / volume.sqrt()
    _wanted = inputs @ weight.T

    def off(scale: torch.Tensor) -> float:
        """The squared error of the product where both sides have 8 bits, scaled beforehand, over the square of the product."""
        codes, step = token_codes(inputs / scale)
        made = (codes * step) @ rounded(weight * scale, 8, None, search=False).numbers().T
        return float((made - _wanted).square().sum() / _wanted.square().sum())

    plain = off(torch.ones(128))
    smooth = off(migration_scale(inputs.abs().amax(0), weight.abs().amax(0), 0.5))
    mo.md(
        f"8 bits on both sides: the product is off by {plain:.2e} (squared, relative). After the range was shared: **{smooth:.2e}**, "
        f"{plain / smooth:.0f} times less."
    )
    return inputs, off, plain, smooth, volume, weight


@app.cell
def _(plain, smooth):
    assert smooth < plain / 5
    mo.md("The same bits, the same products; only the numbers were arranged in another way beforehand.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One loud coordinate takes all the steps

    A token's numbers are rounded to 255 steps between minus and plus its largest. If four coordinates are sixty times as loud, all the others have
    a handful of steps.
    """)
    return


@app.cell
def _(inputs, volume):
    _codes, _step = token_codes(inputs[:1])
    _quiet = _codes[0][volume == 1]
    _used = _quiet.unique().numel()
    assert _used < 20 and _codes.abs().max() == 127
    plots.lines(
        list(range(128)),
        {"codes of one token": _codes[0].tolist()},
        x="coordinate",
        y="code",
        title=f"four coordinates use the range, 124 quiet ones share {_used} of 255 steps",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Move some of it

    Divide coordinate $j$ of the input by $s_j$ and multiply column $j$ of the matrix by it. With

    $$s_j = \frac{\max |x_j|^{\alpha}}{\max |w_j|^{1 - \alpha}}$$

    alpha says how much of the range moves. At 1/2 the largest input and the largest weight of each coordinate become the same number.
    """)
    return


@app.cell
def _():
    alpha = mo.ui.slider(0.0, 1.0, step=0.1, value=0.5, label="alpha", show_value=True)
    alpha
    return (alpha,)


@app.cell
def _(alpha, inputs, weight):
    scale = migration_scale(inputs.abs().amax(0), weight.abs().amax(0), alpha.value)
    plots.lines(
        list(range(128)),
        {"largest input": (inputs / scale).abs().amax(0).tolist(), "largest weight": (weight * scale).abs().amax(0).tolist()},
        x="coordinate", y="largest size", log_y=True, title=f"alpha {alpha.value:.1f}",
    )  # fmt: skip
    return (scale,)


@app.cell
def _(alpha, inputs, scale, weight):
    assert torch.allclose((inputs / scale) @ (weight * scale).T, inputs @ weight.T, rtol=1e-3, atol=1e-3)
    _ratio = (inputs / scale).abs().amax(0) / (weight * scale).abs().amax(0)
    assert alpha.value != 0.5 or torch.allclose(_ratio, torch.ones(128), rtol=1e-3)
    mo.md("The product has not changed: it is the same function with other numbers.")
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## How much

    All of it would only turn the question round: then some columns of the matrix are far larger than the others, and rows have one scale each.
    """)
    return


@app.cell
def _(inputs, off, plain, weight):
    _tried = [step / 10 for step in range(11)]
    _errors = [off(migration_scale(inputs.abs().amax(0), weight.abs().amax(0), one)) for one in _tried]
    _best = _tried[_errors.index(min(_errors))]
    assert 0.2 <= _best <= 0.8 and min(_errors) < plain
    plots.lines(_tried, {"squared error": _errors}, x="alpha", y="relative", log_y=True, marked=True, title=f"best at {_best}: neither side has it all")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whole numbers, truly

    With a scale for each token and one for each row, the sum over coordinates is a sum of products of bytes: a processor adds four of them in
    one instruction. Both scales are multiplied in afterwards.
    """)
    return


@app.cell
def _(inputs, weight):
    _packed = rounded(weight, 8, None, search=False)
    _codes, _step = token_codes(inputs)
    _floats = (_codes * _step) @ _packed.numbers().T
    _whole = whole_product(inputs, _packed.codes, _packed.scale)
    assert torch.allclose(_whole, _floats, rtol=1e-3, atol=1e-3)
    mo.md(f"By whole numbers and by floats: the results differ by at most {(_whole - _floats).abs().max():.1e}, the rounding of floats.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Change the 60.0 of the first cell to 1.0: nothing is loud, and there is nothing to share.
    - On a model of yours: `groundup compress MODEL OUT --method smoothquant`; small models have no such outliers, so it loses little with any alpha.

    Write it yourself: `groundup learn start migration_scale`
    """)
    return


if __name__ == "__main__":
    app.run()
