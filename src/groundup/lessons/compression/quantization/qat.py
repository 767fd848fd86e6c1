"""Lesson: quantization-aware training, learning with the weights that the model will have."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Learning with rounded weights", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.compression.quantization import grid
    from groundup.compression.quantization.qat import straight_through


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Learning with rounded weights

    A model that was trained with 32 bits and is then rounded to two loses much. A model that was trained *while it was rounded* loses
    little. Afterwards you will know why one cannot simply take the derivative of rounding, and what is done in its place.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    x = torch.randn(512, 12, generator=_source)
    y = (x @ torch.randn(12, 8, generator=_source) + 0.1 * torch.randn(512, 8, generator=_source)).tanh()

    def rounded(weight, bits):
        """The weights on the grid that holds each row's largest."""
        scale = grid.scales(weight.detach(), bits, None, search=False)
        return grid.codes_of(weight.detach(), scale, bits) * scale

    def learned(aware, bits, steps=300):
        """Two layers trained, with rounded weights or without; the loss of the rounded model every tenth step."""
        draw = torch.Generator().manual_seed(1)
        layers = [torch.randn(shape, generator=draw).mul(0.3).requires_grad_() for shape in ((24, 12), (8, 24))]
        optimizer, losses = torch.optim.Adam(layers, lr=0.01), []

        def loss(first, second):
            return functional.mse_loss((functional.relu(x @ first.T) @ second.T).tanh(), y)

        for step in range(steps):
            used = [straight_through(one, rounded(one, bits)) for one in layers] if aware else layers
            optimizer.zero_grad()
            loss(*used).backward()
            optimizer.step()
            if step % 10 == 9:
                with torch.no_grad():
                    losses.append(loss(*(rounded(one, bits) for one in layers)).item())
        return losses

    _after, _while = learned(False, 2)[-1], learned(True, 2)[-1]
    mo.md(
        f"A small network with 2 bits a weight. Trained and then rounded: loss {_after:.3f}. Trained with rounded weights: "
        f"**{_while:.3f}**, {_after / _while:.1f} times less."
    )
    return learned, rounded, x, y


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Rounding has no slope

    $\operatorname{round}(w)$ is a staircase: flat, then a jump. Its derivative is zero wherever it has one. Put it into a network, ask
    for gradients, and nothing arrives at the weights.
    """)
    return


@app.cell
def _():
    _weight = torch.linspace(-2, 2, 401)
    plots.lines(
        _weight.tolist(),
        {"round(w)": _weight.round().tolist(), "w": _weight.tolist()},
        x="w",
        y="what is used",
        title="a staircase, and the line that the way back pretends it is",
    )
    return


@app.cell
def _():
    _weight = torch.tensor([0.3, 1.2], requires_grad=True)
    _weight.round().sum().backward()
    assert _weight.grad.tolist() == [0.0, 0.0]
    mo.md("The gradient of round(w) at 0.3 and at 1.2 is 0 and 0.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Pretend that it was not there

    On the way forward use the rounded weight; on the way back hand its gradient to the unrounded one. In one line: $w + (\text{rounded} - w)$, where
    what is in brackets is held for a constant. The unrounded weight is a memory: a step that is too small to move a code is not lost, it adds up.
    """)
    return


@app.cell
def _():
    _weight = torch.tensor([[0.3, 1.2]], requires_grad=True)
    _used = straight_through(_weight, _weight.detach().round())
    (_used * torch.tensor([[5.0, -2.0]])).sum().backward()
    assert _used.tolist() == [[0.0, 1.0]] and _weight.grad.tolist() == [[5.0, -2.0]]
    mo.md("Used are 0 and 1; the gradients 5 and -2 that arrive there arrive at 0.3 and 1.2.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A step too small to see

    A weight of 0.2 on a grid of whole numbers, whose best value is 1. Each step moves it by a tenth. For three steps the model computes with 0 and
    nothing seems to happen; then the code jumps.
    """)
    return


@app.cell
def _():
    _weight, _seen, _kept = torch.tensor([[0.2]]), [], []
    for _ in range(8):
        _leaf = _weight.clone().requires_grad_()
        (straight_through(_leaf, _weight.round()) - 1).square().sum().backward()
        _seen.append(_weight.round().item())
        _kept.append(_weight.item())
        _weight = _weight - 0.05 * _leaf.grad
    assert _seen[:3] == [0.0, 0.0, 0.0] and _seen[-1] == 1.0
    plots.lines(list(range(8)), {"kept": _kept, "used": _seen}, x="step", y="weight", title="what is kept adds up")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many bits

    With 8 bits rounding afterwards costs nearly nothing, and there is no reason to train with it. The fewer the bits, the more it gains.
    """)
    return


@app.cell
def _():
    bits = mo.ui.slider(2, 5, value=2, label="bits", show_value=True)
    bits
    return (bits,)


@app.cell
def _(bits, learned):
    curves = {
        "rounded afterwards": learned(False, bits.value),
        "trained with rounded weights": learned(True, bits.value),
    }
    plots.lines(
        list(range(10, 301, 10)),
        curves,
        x="step",
        y="loss of the rounded model",
        log_y=True,
        title=f"{bits.value} bits a weight",
    )
    return (curves,)


@app.cell
def _(bits, curves):
    _last = {name: sum(losses[-5:]) / 5 for name, losses in curves.items()}
    assert _last["trained with rounded weights"] < _last["rounded afterwards"] or bits.value > 3
    mo.md(
        f"At {bits.value} bits: {_last['rounded afterwards']:.4f} rounded afterwards, "
        f"{_last['trained with rounded weights']:.4f} trained with rounded weights."
    )
    return


@app.cell
def _(rounded):
    _weight = torch.randn(4, 6, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(rounded(rounded(_weight, 4), 4), rounded(_weight, 4), atol=1e-6)
    mo.md("Rounding what is rounded changes nothing: the grid that holds the largest weight holds it exactly.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the slider from 2 to 5 bits: the two curves come together.
    - Leave the brackets' `.detach()` out in your own version: the gradients vanish, and the loss stays where it began.
    - On a model of yours, from Python: `with qat.aware(module, bits=4): train(...)`, then `qat.finish(module)`.

    Write it yourself: `groundup learn start straight_through`
    """)
    return


if __name__ == "__main__":
    app.run()
