"""Lesson: RMSNorm, which keeps the size of a vector out of everything that reads it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Norms: only the direction counts", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.layers.norms import normalize, rms_norm


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Norms: only the direction counts

    A deep model multiplies by one matrix after another, and a size that is a little off is off again at each of them. A
    norm sets the size back before every part. Afterwards you can compute RMSNorm by hand, say how it differs from LayerNorm,
    and know why it is reckoned in float32.
    """)
    return


@app.cell
def _():
    def through(gain, layers, normed):
        """The root mean square of a vector after each of some random matrices that stretch by `gain` on average."""
        source = torch.Generator().manual_seed(0)
        x, sizes = torch.randn(256, generator=source), []
        for _ in range(layers):
            read = rms_norm(x, torch.ones(256), 1e-6) if normed else x
            x = torch.randn(256, 256, generator=source) @ read * gain / 256**0.5
            sizes.append(x.square().mean().sqrt().item())
        return sizes

    _too_large = through(1.1, 48, normed=False)[-1]
    mo.md(
        f"48 random matrices, each of which makes a vector 10% longer on average. At the end it is **{_too_large:.0f}** times as "
        f"long. With a norm before each matrix: {through(1.1, 48, normed=True)[-1]:.1f} times, the 10% of the last one."
    )
    return (through,)


@app.cell
def _(through):
    assert 50 < through(1.1, 48, normed=False)[-1] < 200  # 1.1^48 is 97
    assert abs(through(1.1, 48, normed=True)[-1] - 1.1) < 0.2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two numbers, by hand

    $$y = g \cdot \frac{x}{\sqrt{\text{mean}(x^2) + \epsilon}}$$

    For $(3, 4)$ the mean square is $(9 + 16) / 2 = 12.5$, its root 3.54. The gain $g$ is learned, one number for each
    coordinate, and starts as one.
    """)
    return


@app.cell
def _():
    _x = torch.tensor([3.0, 4.0])
    by_hand = _x / 12.5**0.5
    torch.testing.assert_close(by_hand, rms_norm(_x, torch.ones(2), 0.0))
    torch.testing.assert_close(by_hand, rms_norm(1000 * _x, torch.ones(2), 0.0))
    _layer_norm = functional.layer_norm(_x, (2,))
    mo.md(
        f"(3, 4) becomes **({by_hand[0]:.3f}, {by_hand[1]:.3f})**, and so does (3000, 4000). LayerNorm, which takes the mean away "
        f"first, makes it ({_layer_norm[0]:.0f}, {_layer_norm[1]:.0f}): of two numbers only the order is left."
    )
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A size that does not run away

    Move the gain of the matrices a little below and above 1. The picture's axis is logarithmic: a straight line is a size that
    grows or dies with every layer.
    """)
    return


@app.cell
def _():
    stretch = mo.ui.slider(0.8, 1.3, step=0.05, value=1.1, label="each matrix stretches by", show_value=True)
    stretch
    return (stretch,)


@app.cell
def _(stretch, through):
    sizes = {
        "without a norm": through(stretch.value, 48, normed=False),
        "with a norm before each": through(stretch.value, 48, normed=True),
    }
    plots.lines(
        range(1, 49),
        sizes,
        x="layer",
        y="root mean square",
        log_y=True,
        title=f"48 random matrices, each stretches by {stretch.value:.2f}",
    )
    return (sizes,)


@app.cell
def _(sizes, stretch):
    _normed = torch.tensor(sizes["with a norm before each"])
    assert (_normed / stretch.value - 1).abs().max() < 0.25, "no layer pays for those before it"
    _ratio = sizes["without a norm"][-1] / stretch.value**48
    assert 1 / 3 < _ratio < 3, "the stretch to the power of 48"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## RMSNorm and LayerNorm

    LayerNorm takes the mean away, divides by the deviation and adds a learned bias. RMSNorm does only the division. The two
    differ where all coordinates share an offset. Move it.
    """)
    return


@app.cell
def _():
    offset = mo.ui.slider(-4, 4, step=1, value=2, label="added to every coordinate", show_value=True)
    offset
    return (offset,)


@app.cell
def _(offset):
    _x = torch.tensor([-1.5, -1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 1.5]) + offset.value
    both = {"RMSNorm": rms_norm(_x, torch.ones(8), 1e-6), "LayerNorm": functional.layer_norm(_x, (8,))}
    plots.value_bars(
        {name: dict(enumerate(values.tolist())) for name, values in both.items()},
        x="coordinate",
        y="after the norm",
        title=f"The same eight numbers, all moved by {offset.value}",
    )
    return (both,)


@app.cell
def _(both, offset):
    for _values in both.values():
        assert abs(_values.square().mean().item() - 1) < 1e-4, "both give unit mean square"
    assert abs(both["LayerNorm"].mean().item()) < 1e-6, "LayerNorm does not see the offset"
    _spread = both["RMSNorm"].std(correction=0).item()
    assert (_spread < 0.5) == (abs(offset.value) >= 2), "under a large offset RMSNorm drowns the differences"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    In a model the offset hardly occurs: the matrix before can learn to leave it out. So RMSNorm is as good, with one sum
    less and no bias; Zhang and Sennrich measured this in 2019, and nearly all models since then follow.

    ## What the gradient does

    The output does not change when $x$ grows along itself. So the gradient has no part in the direction of $x$, and a vector ten
    times as long gets a tenth of the gradient.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(1)
    _x, _weights = torch.randn(2, 1, 64, generator=_source)

    def gradient(x):
        """The gradient of some loss that reads the normalised x."""
        x = x.clone().requires_grad_()
        loss = (normalize(x, torch.ones(64), 0.0) * _weights).sum()
        return torch.autograd.grad(loss, x)[0]

    _one, _ten = gradient(_x), gradient(10 * _x)
    along = functional.cosine_similarity(_one, _x).item()
    torch.testing.assert_close(_ten, _one / 10)
    assert abs(along) < 1e-5
    mo.md(
        f"Along x: **{abs(along):.0e}**. Length of the gradient: {_one.norm():.2f} for x, **{_ten.norm():.3f}** for ten times x."
    )
    return along, gradient


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Epsilon, and two traps of small numbers

    $\epsilon$ keeps a vector of zeros from becoming $0 / 0$. It also decides what counts as nothing: a vector whose root mean square
    is well below $\sqrt{\epsilon}$ comes out small. Two checkpoints that differ only in epsilon are two models.
    """)
    return


@app.cell
def _():
    epsilon = mo.ui.dropdown({"1e-6": 1e-6, "1e-5": 1e-5, "1e-2": 1e-2}, value="1e-5", label="epsilon")
    epsilon
    return (epsilon,)


@app.cell
def _(epsilon):
    _sizes = torch.logspace(-5, 2, 71)
    _unit = torch.tensor([1.0, -1.0, 1.0, -1.0])  # root mean square 1
    passed = rms_norm(_sizes[:, None] * _unit, torch.ones(4), epsilon.value).square().mean(-1).sqrt()
    plots.lines(
        _sizes,
        {f"epsilon {epsilon.value:.0e}": passed},
        x="root mean square before",
        y="after",
        log_x=True,
        title="What epsilon lets through",
    )
    return (passed,)


@app.cell
def _(epsilon, passed):
    assert passed[-1] > 0.99
    assert passed[0] < 0.02
    _at = rms_norm(torch.full((4,), epsilon.value**0.5), torch.ones(4), epsilon.value)
    torch.testing.assert_close(_at, torch.full((4,), 0.5**0.5))  # at the root of epsilon, 0.71 comes through
    return


@app.cell
def _():
    _x = torch.tensor([300.0, -300.0, 300.0, -300.0], dtype=torch.float16)
    in_half = _x * torch.rsqrt(_x.square().mean() + 1e-6)  # 300^2 = 90,000, and float16 ends at 65,504
    ours = rms_norm(_x, torch.ones(4), 1e-6)
    mo.md(
        f"300 in float16, reckoned in float16: **{in_half[0]:.0f}**, because the square is infinite. The library squares "
        f"in float32 and gives {ours[0]:.0f}."
    )
    return in_half, ours


@app.cell
def _(in_half, ours):
    assert in_half.eq(0).all()
    assert ours.abs().eq(1).all()
    assert ours.dtype == torch.float16, "what comes out has the format of what went in"
    assert rms_norm(torch.zeros(4), torch.ones(4), 1e-6).eq(0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Stretch by 0.8: without a norm the vector shrinks below a ten-thousandth. By 1.3: it grows past 100,000.
    - Offset 4: RMSNorm makes eight bars of nearly the same height, LayerNorm still shows who is larger.
    - epsilon 1e-2: vectors of size 0.01 come through ten times too small.

    Write it yourself: `groundup learn start rms_norm`
    """)
    return


if __name__ == "__main__":
    app.run()
