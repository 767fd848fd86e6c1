"""Lesson: AWQ, weights that loud inputs meet are made larger before they are rounded."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Not all weights are equally heard", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.compression.quantization import awq
    from groundup.compression.quantization.gptq import output_error
    from groundup.compression.quantization.ptq import rounded


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Not all weights are equally heard

    A matrix of a language model reads a vector in which a few numbers are far larger than all others, for every text. What their weights are rounded by is
    heard loudly in the output; what the others are rounded by is hardly heard. Afterwards you can protect the weights that matter without giving them more
    bits, and without changing what the model computes.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(2)
    loud = torch.tensor([5, 40, 77])
    volume = torch.ones(96)
    volume[loud] = 25.0
    inputs = torch.randn(1500, 96, generator=_source) * volume
    weight = torch.randn(64, 96, generator=_source) * 0.1
    moments, size = inputs.T @ inputs / len(inputs), inputs.abs().mean(0)
    found = awq.search([weight], moments, size, [3], 32)
    mo.md(
        f"At 3 bits a weight, with three loud inputs of 96, the output is off by **{min(found.errors) / found.errors[0]:.0%}** of what plain rounding "
        f"costs, with the same bits and the same grid. The number that was looked for: alpha = {found.alpha:.2f}."
    )
    return found, inputs, loud, moments, size, volume, weight


@app.cell
def _(found):
    assert found.alpha > 0.2 and min(found.errors) < 0.5 * found.errors[0]
    mo.md("Alpha 0 is among what was tried, so the search can never be worse than rounding on the texts that it saw.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whose error is heard

    Round one column of the matrix alone and leave the others as they are. Its share of the output's error is its own error times the square of how loud its
    input is. Here are all columns, one after another.
    """)
    return


@app.cell
def _(loud, moments, weight):
    _nearest = rounded(weight, 3, 32, search=False).numbers()
    heard = ((_nearest - weight).square().sum(0) * moments.diagonal()).tolist()
    _share = sum(heard[one] for one in loud.tolist()) / sum(heard)
    assert _share > 0.9
    plots.lines(
        list(range(96)), {"error in the output": heard}, x="input", y="squared error", title=f"three loud inputs make {_share:.0%} of it"
    )
    return (heard,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Larger before rounding, smaller behind it

    Multiply a column by $s$ and divide its input by $s$: the product is the same. But now round. The step of a group is set by its largest weight, so as long
    as the column does not become the largest, the step stays and the column is off by as much as before, on average. What the output hears of it is
    divided by $s$:

    $$\frac{Q(s\,w)}{s} x - w x \approx \frac{\text{error}}{s} x.$$
    """)
    return


@app.cell
def _():
    power = mo.ui.slider(0.0, 0.95, step=0.05, value=0.5, label="alpha", show_value=True)
    power
    return (power,)


@app.cell
def _(moments, power, size, weight):
    scale = awq.loudness_scale(size, power.value)
    _changed = awq.scaled_rounding(weight, scale, 3, 32) - weight
    _heard = (_changed.square().sum(0) * moments.diagonal()).tolist()
    plots.lines(list(range(96)), {"error in the output": _heard}, x="input", y="squared error", title=f"alpha {power.value:.2f}")
    return (scale,)


@app.cell
def _(inputs, power, scale, weight):
    assert torch.allclose((weight * scale) @ (inputs / scale).T, weight @ inputs.T, rtol=1e-4, atol=1e-3)
    assert power.value > 0 or torch.equal(scale, torch.ones(96))
    mo.md(
        f"Before rounding nothing has changed: both products agree. The largest scale is {scale.max():.2f}, the smallest {scale.min():.2f}; "
        "their product is 1, so that the weights neither grow nor shrink as a whole."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why not as much as possible

    A column that is made too large becomes the largest of its group, and its step then is everybody's: the others pay. So one number between 0 (plain
    rounding) and 1 (every input equally loud) is looked for, by what the output is off by.
    """)
    return


@app.cell
def _(found):
    _tried = awq.alphas()
    assert found.errors[_tried.index(found.alpha)] == min(found.errors)
    plots.lines(_tried, {"error of the output": [one / found.errors[0] for one in found.errors]}, x="alpha", y="of plain rounding's", marked=True,
                title="the search: twenty values of one number")  # fmt: skip
    return


@app.cell
def _(found, inputs, weight):
    _slow = awq.search_reference([weight], inputs, 3, 32)
    assert _slow.alpha == found.alpha
    mo.md(
        f"The search needs no inputs, only how they go together: with them it finds alpha {_slow.alpha:.2f} too. A model's inputs would fill the memory, "
        "their second moments are one square matrix."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the division goes

    Dividing inputs at every token would cost time. But something makes them: a norm with a gain for each coordinate, or the rows of the matrix before. Divide
    those, once, and the finished model has no extra step. Matrices that read one vector (query, key and value; gate and up) must share a scale.
    """)
    return


@app.cell
def _(found, moments, weight):
    _better = rounded(weight * found.scale, 3, 32, importance=moments.diagonal() / found.scale.square()).numbers() / found.scale
    _error = output_error(_better - weight, moments)
    assert _error < min(found.errors) * 1.02
    mo.md(
        f"Last, a smaller step is looked for that cuts the largest weights of a group: the error falls from {min(found.errors):.1f} to {_error:.1f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set alpha to 0.95: the loud columns are nearly exact, and all others have become worse.
    - Change the 25.0 of the first cell to 1.0. No input is loud, and the search finds little.
    - On a model of yours: `groundup compress MODEL OUT --method awq`, then `--method round`; both say the perplexity before and after.

    Write it yourself: `groundup learn start loudness_scale`
    """)
    return


if __name__ == "__main__":
    app.run()
