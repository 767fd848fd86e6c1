"""Lesson: GPTQ, rounding in which the weights that are still free make up for those that were rounded."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Rounding that makes up for itself", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.compression.quantization import grid
    from groundup.compression.quantization.gptq import (
        DAMPING,
        gptq,
        gptq_reference,
        inverse_factor,
        output_error,
        pass_on,
    )
    from groundup.compression.quantization.ptq import rounded
    from groundup.model.formats.packed import Packed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Rounding that makes up for itself

    A weight of a trained model takes 16 or 32 bits. With 4 bits it can take one of sixteen values, so every weight has to move
    a little. Afterwards you
    will know why it is wrong to round each weight to what is nearest, what the weights behind it can do about it, and how a
    model of 65 billion weights
    is rounded in hours without training a single step.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(4)
    _mixed = torch.randn(64, 64, generator=_source)
    inputs = torch.randn(2000, 64, generator=_source) @ _mixed  # what a layer reads: its inputs go together
    weight = torch.randn(48, 64, generator=_source) * 0.1
    moments = inputs.T @ inputs / len(inputs)
    nearest = rounded(weight, 3, 16).numbers()
    passed = gptq(weight, moments, 3, 16).numbers()
    wrong = {
        "each to the nearest": output_error(nearest - weight, moments),
        "GPTQ": output_error(passed - weight, moments),
    }
    mo.md(
        f"At 3 bits a weight the output of this layer is off by **{wrong['GPTQ'] / wrong['each to the nearest']:.0%}** of what "
        "rounding each weight to the nearest costs, with the same grid and the same number of bits."
    )
    return inputs, moments, nearest, passed, weight, wrong


@app.cell
def _(nearest, passed, weight, wrong):
    assert wrong["GPTQ"] < 0.7 * wrong["each to the nearest"]
    assert (nearest - weight).square().sum() < (passed - weight).square().sum()
    mo.md(
        f"And its weights are *further* from the true ones: the mean square of the change is "
        f"{(passed - weight).square().mean():.1e}, "
        f"that of plain rounding {(nearest - weight).square().mean():.1e}. Near weights are not what is wanted."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is wanted

    A layer reads a vector $x$ and gives $W x$. Nobody looks at $W$; what the next layer sees is the output. For a change $d$
    of one row the output moves by
    $d \cdot x$, and over many inputs the squared error is

    $$\sum_x (d \cdot x)^2 = d \left(\sum_x x x^T\right) d^T = d H d^T.$$

    $H$ says how the inputs go together. If two inputs were always equal, then only the *sum* of their weights would matter:
    one could be rounded up and the
    other down, and nothing would be lost.
    """)
    return


@app.cell
def _():
    _twins = torch.tensor([[1.0, 1.0], [1.0, 1.0]])  # two inputs that are always equal
    _pair = torch.tensor([[0.4, 0.4]], dtype=torch.float64)
    _after = pass_on(_pair, error=_pair[:, 0] - 0.0, factor=inverse_factor(_twins, damping=1e-6)[0])
    assert torch.allclose(_after, torch.tensor([[0.0, 0.8]], dtype=torch.float64), atol=1e-4)
    mo.md(
        f"Weights (0.4, 0.4) on twin inputs, a grid of whole numbers. To the nearest: (0, 0), the output is off by 0.8 x. "
        f"Round the first to 0 and let the second make up for it: ({_after[0, 0]:.1f}, {_after[0, 1]:.1f}), then "
        f"round that: (0, 1), off by 0.2 x."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The best way to make up for it

    Fix one weight at its rounded value, and ask which change of all the others brings the output back as far as possible.
    Setting the derivative of
    $d H d^T$ to zero gives, for an error $e$ in weight $j$,

    $$d_k = -\frac{e}{[H^{-1}]_{jj}} \, [H^{-1}]_{jk}.$$

    This is Optimal Brain Surgeon, of 1993. After each weight the inverse of what is left of $H$ would be needed. GPTQ sees
    that all these inverses stand in one matrix: the
    rows of the upper Cholesky factor $U$ of $H^{-1}$, computed once for the layer and used for all of its rows.
    """)
    return


@app.cell
def _(moments):
    factor = inverse_factor(moments, DAMPING)
    damped = moments.double() + DAMPING * moments.diagonal().double().mean() * torch.eye(64)
    for _at in (0, 5, 40):
        _left = torch.linalg.inv(damped[_at:, _at:])
        assert torch.allclose(factor[_at, _at:] / factor[_at, _at], _left[0] / _left[0, 0], atol=1e-6)
    mo.md(
        "Rows 0, 5 and 40 of U, divided by their first number, are the rows that the three inverses give: checked to 1e-6."
    )
    return damped, factor


@app.cell
def _(moments):
    plots.heat_map(moments[:24, :24], x="input", y="input", title="how the first 24 inputs go together: H")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Column by column

    Round the first column of the matrix, all rows at once; pass its error on to the columns behind it; round the second, which
    has moved by now; and so on. What follows draws one
    row: where its weights stand after so many columns, and where they began.
    """)
    return


@app.cell
def _():
    columns = mo.ui.slider(0, 64, step=8, value=16, label="columns rounded", show_value=True)
    columns
    return (columns,)


@app.cell
def _(columns, factor, weight):
    moved = weight.double().clone()
    steps = grid.scales(weight, 3, 16).double().repeat_interleave(16, 1)
    for _column in range(columns.value):
        _code = grid.nearest(moved[:, _column], steps[:, _column], 3)
        _error = moved[:, _column] - _code * steps[:, _column]
        moved = torch.cat((moved[:, :_column], pass_on(moved[:, _column:], _error, factor[_column, _column:])), 1)
    plots.lines(
        list(range(64)),
        {"the trained weights": weight[0].tolist(), "after these columns": moved[0].tolist()},
        x="input",
        y="weight",
        title=f"one row after {columns.value} of 64 columns",
    )
    return moved, steps


@app.cell
def _(columns, moved, steps, weight):
    _codes = moved[:, : columns.value] / steps[:, : columns.value]
    assert torch.allclose(_codes, _codes.round(), atol=1e-6)
    assert (
        columns.value == 0
        or columns.value == 64
        or not torch.allclose(moved[:, columns.value :], weight[:, columns.value :].double())
    )
    mo.md(
        "What is rounded lies on the grid, and what is still free is not where it was: it has taken over what the others lost."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The order, and the blocks

    Who is rounded last has nobody left to turn to. So the inputs that carry most go first. And since the update of a whole
    matrix after each column would spend its
    time moving memory, columns are read 128 at a time: inside a block they are updated at once, the rest when the block is
    done. The numbers are the same.
    """)
    return


@app.cell
def _(damped, moments, weight):
    _in_turn = gptq(weight, moments, 3, 16, order=False)
    _loud_first = gptq(weight, moments, 3, 16, order=True)
    _slow = Packed(gptq_reference(weight, damped, _in_turn.scale, 3), _in_turn.scale)
    assert (_slow.codes == _in_turn.codes).float().mean() > 0.99
    mo.md(
        f"Error in turn {output_error(_in_turn.numbers() - weight, moments):.2f}, the loud inputs first "
        f"{output_error(_loud_first.numbers() - weight, moments):.2f}. "
        f"The _slow form, with an inverse a column, chooses {(_slow.codes == _in_turn.codes).float().mean():.1%} "
        f"of the codes alike."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much the inputs must go together

    If the inputs had nothing to do with each other, $H$ would be diagonal, and there would be nothing to pass on. Mix them
    less and less and see the gain go.
    """)
    return


@app.cell
def _(inputs, weight):
    _shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    _gains = []
    for _share in _shares:
        _alone = torch.randn(len(inputs), 64, generator=torch.Generator().manual_seed(1)) * inputs.std()
        _x = _share * inputs + (1 - _share) * _alone
        _moments = _x.T @ _x / len(_x)
        _plain = output_error(rounded(weight, 3, 16).numbers() - weight, _moments)
        _gains.append(output_error(gptq(weight, _moments, 3, 16).numbers() - weight, _moments) / _plain)
    assert _gains[0] > 0.9 and _gains[-1] < _gains[2] < _gains[0]
    plots.lines(
        _shares,
        {"GPTQ's error over that of plain rounding": _gains},
        x="how much the inputs go together",
        y="ratio",
        title="nothing to pass on, nothing to gain",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the slider to 64: all weights lie on the grid, and the last ones have moved furthest.
    - Change the bits from 3 to 2 and to 8 in the first cell. With 8 the grid is so fine that both errors are tiny; with 2
    GPTQ's share grows.
    - On a model of yours: `groundup compress MODEL OUT --method gptq`, then `--method round`; both say the perplexity before
    and after.

    Write it yourself: `groundup learn start pass_on`
    """)
    return


if __name__ == "__main__":
    app.run()
