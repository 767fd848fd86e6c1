"""Lesson: matrix products in eight bits, and the one number a tensor that makes them possible."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Float8: eight bits and a scale", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.training.step.float8 import float8_product, to_float8


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Float8: eight bits and a scale

    Recent graphics cards multiply numbers of eight bits twice as fast as numbers of sixteen. Eight bits are 256 different
    numbers, and a network is trained with them all the same. Afterwards you know which 256 they are, what would be lost
    if a tensor were simply cast to them, and why one number beside each tensor is enough to lose next to nothing.
    """)
    return


@app.cell
def _():
    gradients = torch.randn(10_000, generator=torch.Generator().manual_seed(0)) * 1e-6
    lost = gradients.to(torch.float8_e5m2).float().eq(0).float().mean().item()
    _values, _scale = to_float8(gradients, torch.float8_e5m2)
    off = ((_values.float() * _scale - gradients).norm() / gradients.norm()).item()
    mo.md(
        f"Ten thousand gradients of about 1e-6, cast to eight bits: **{lost:.0%}** of them are 0. Divided by {_scale.item():.1e} "
        f"first, cast, and multiplied by it again: all are there, and together {off:.0%} off."
    )
    return gradients, lost, off


@app.cell
def _(lost, off):
    assert lost > 0.95, "the smallest number of the format is 1.5e-5"
    assert off < 0.08, "with a scale, only the rounding is left"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two ways to spend eight bits

    | format | exponent | fraction | largest | smallest above 0 | numbers between 1 and 2 |
    |---|---|---|---|---|---|
    | e4m3 | 4 bits | 3 bits | 448 | 0.002 | 8 |
    | e5m2 | 5 bits | 2 bits | 57,344 | 0.000015 | 4 |

    What is multiplied on the way forward (the input and the weights) is of one size, so it gets the finer e4m3. Gradients
    differ more among themselves and get the wider e5m2. Here are all numbers above 0 of both, in the order of their bits: between
    two powers of two they stand evenly, and each power of two has as many.
    """)
    return


@app.cell
def _():
    held = {
        name: torch.arange(1, last, dtype=torch.uint8).view(dtype).float().tolist()
        for name, dtype, last in (("e4m3", torch.float8_e4m3fn, 127), ("e5m2", torch.float8_e5m2, 124))
    }
    plots.lines(
        range(1, 124),
        {name: numbers[:123] for name, numbers in held.items()},
        x="pattern of bits",
        y="its number",
        log_y=True,
        title="The numbers of float8",
    )
    return (held,)


@app.cell
def _(held):
    assert max(held["e4m3"]) == 448 and max(held["e5m2"]) == 57_344
    assert [sum(1 <= number < 2 for number in numbers) for numbers in held.values()] == [8, 4]
    assert min(held["e4m3"]) == 2**-9 and min(held["e5m2"]) == 2**-16
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The scale

    The largest value of a tensor is brought to the largest number of the format:

    $$\text{scale} = \frac{\max |x|}{\text{largest}} \qquad \text{values} = \text{round}(x / \text{scale}) \qquad x \approx \text{values} \cdot \text{scale}$$

    A product of two such tensors is the product of their values, times both scales. So the card multiplies eight bits, and the scales
    come in once at the end. Move the size of a tensor. Without a scale e4m3 is 100 % off at either end; with one the error does
    not depend on the size at all.
    """)
    return


@app.cell
def _():
    power = mo.ui.slider(
        start=-24, stop=16, step=4, value=-12, label="size of the numbers, a power of two", show_value=True
    )
    power
    return (power,)


@app.cell
def _(power):
    def error(x, dtype, scaled):
        """How far off a tensor is after the cast."""
        largest = torch.finfo(dtype).max
        values, scale = to_float8(x, dtype) if scaled else (x.clamp(-largest, largest).to(dtype), 1.0)
        return ((values.float() * scale - x).norm() / x.norm()).item()

    _drawn = torch.randn(4096, generator=torch.Generator().manual_seed(1)) * 2.0**power.value
    errors = {
        how: {name: error(_drawn, dtype, how == "scaled") for name, dtype in (("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2))}
        for how in ("cast alone", "scaled")
    }  # fmt: skip
    plots.value_bars(errors)
    return error, errors


@app.cell
def _(errors, power):
    assert errors["scaled"]["e4m3"] < 0.04 and errors["scaled"]["e5m2"] < 0.07, "whatever the size"
    assert errors["scaled"]["e4m3"] < errors["scaled"]["e5m2"], "one bit of fraction more"
    assert errors["cast alone"]["e4m3"] > 0.5 or -12 < power.value < 12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What one scale cannot do

    The scale follows the largest value. One value that stands tens of thousands of times above the others takes the format for itself, and
    they move down to where little is left. Here one of 4,096 numbers is made larger and larger. That is why activations with outliers are sometimes given a
    scale a row, or a block of 128.
    """)
    return


@app.cell
def _(error):
    _sizes = [2.0**power for power in range(0, 21, 2)]

    def _others(size):
        """How far off all other numbers are beside one of this size."""
        x = torch.randn(4096, generator=torch.Generator().manual_seed(2))
        values, scale = to_float8(torch.cat((x, torch.tensor([size]))), torch.float8_e4m3fn)
        return ((values[:-1].float() * scale - x).norm() / x.norm()).item()

    beside = [_others(size) for size in _sizes]
    plots.lines(
        _sizes,
        {"error of the others": beside},
        x="the one value",
        y="error",
        log_x=True,
        title="Beside one large value",
    )
    return (beside,)


@app.cell
def _(beside):
    assert beside[0] < 0.04 and beside[-1] > 0.9, "beside a million, nearly all others become 0"
    assert beside[4] < 0.05, "256 times larger does little harm: these are floats, with exponents of their own"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three products

    A linear map multiplies three times a step: $y = x W^T$, $dx = dy\, W$ and $dW = dy^T x$. `float8_product` makes all three in float8,
    and adds up in fp32. On a processor it computes the same and gains nothing; `--dtype float8` is for cards that have the
    instruction, and refused elsewhere.
    """)
    return


@app.cell
def _():
    _draw = torch.Generator().manual_seed(3)
    _x, _weight = (torch.randn(64, 128, generator=_draw).requires_grad_() for _ in range(2))
    _push = torch.randn(64, 64, generator=_draw) * 1e-6
    _ours, _exact = float8_product(_x, _weight), _x @ _weight.T
    _pairs = zip(
        (_ours, *torch.autograd.grad(_ours, (_x, _weight), _push)),
        (_exact, *torch.autograd.grad(_exact, (_x, _weight), _push)),
        strict=True,
    )
    apart = {name: ((a - b).norm() / b.norm()).item() for name, (a, b) in zip(("y", "dx", "dW"), _pairs, strict=True)}
    plots.value_bars({"relative error": apart})
    return (apart,)


@app.cell
def _(apart):
    assert apart["y"] < 0.05, "two roundings to 3 bits of fraction, most of which cancel in the sum"
    assert max(apart["dx"], apart["dW"]) < 0.08 and min(apart["dx"], apart["dW"]) > apart["y"], (
        "the gradients have 2 bits"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Size $2^{-12}$: e4m3 alone keeps nothing, while e5m2 reaches that far and is as good as scaled. At $2^{-16}$ it loses a part, at $2^{-20}$ all.
    - Size $2^{16}$: cast alone, e4m3 holds nearly everything at 448, and even e5m2 cuts its larger numbers off.
    - In `_others`, use `torch.float8_e5m2`: the error begins higher and rises later.

    - On an NVIDIA card from Ada on: `groundup run demo-fast --dtype float8`.

    Write it yourself: `groundup learn start to_float8`
    """)
    return


if __name__ == "__main__":
    app.run()
