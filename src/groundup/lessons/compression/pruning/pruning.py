"""Lesson: pruning, which weights can be zero: the small ones, the quiet ones, and the ones that others can replace."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Half of the weights can go", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.compression.pruning.pruning import METHODS, least, least_of_each, pruned, wanda_score
    from groundup.compression.quantization.gptq import output_error


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Half of the weights can go

    A trained model has more weights than it needs. Set half of them to zero and it still works, if it is the right half.
    Afterwards you will know three ways to choose
    it, why the smallest weights are not the right ones, and how the weights that stay can take over work from those that go.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(2)
    loudness = torch.logspace(-0.8, 0.8, 64)[torch.randperm(64, generator=_source)]
    _shared = torch.randn(3000, 64, generator=_source) @ torch.diag(
        torch.logspace(0.3, -1.2, 64)
    )  # a few causes behind all inputs
    _own = 0.3 * torch.randn(3000, 64, generator=_source)
    inputs = (_shared @ torch.randn(64, 64, generator=_source) * 0.05 + _own) * loudness
    weight = torch.randn(32, 64, generator=_source)
    moments = inputs.T @ inputs / len(inputs)
    wrong = {way: output_error(pruned(weight, way, 0.5, None, moments) - weight, moments) for way in METHODS}
    mo.md(
        f"A layer of 64 inputs, some 40 times as loud as others. Half of its weights go. By size alone the output is off by "
        f"**{wrong['magnitude'] / wrong['sparsegpt']:.0f} times** as much as by the best of the three ways."
    )
    return inputs, loudness, moments, weight, wrong


@app.cell
def _(wrong):
    assert wrong["sparsegpt"] < wrong["wanda"] < 0.5 * wrong["magnitude"]
    plots.value_bars({"error of the output": wrong}, title="half of the weights gone, three ways")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By size

    The oldest way: drop the smallest $|w|$. It asks nothing of the data. But a weight of 0.1 on an input of size 100 moves the
    output by 10, and one of 1 on an input of size 0.1 by 0.1.
    """)
    return


@app.cell
def _():
    _weight, _norms = torch.tensor([[1.0, 0.1]]), torch.tensor([0.1, 100.0])
    assert least(_weight.abs(), 0.5).tolist() == [[False, True]]
    assert least(wanda_score(_weight, _norms), 0.5).tolist() == [[True, False]]
    mo.md(
        "Of these two weights size drops the second, which carries 10; size times the norm of the input drops the "
        "first, which carries 0.1."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By what it carries

    Wanda multiplies the size of a weight with the norm of its input over a few texts, $|w| \cdot \lVert x \rVert$, and drops
    the lowest in each row. Language models have a few inputs that are
    tens of times louder than the rest, which is why this matters for them. It takes one pass over the texts.
    """)
    return


@app.cell
def _(loudness, moments, weight):
    _norms = moments.diagonal().sqrt()
    _kept = {
        "by size": (~least(weight.abs(), 0.5)).float().mean(0),
        "by what it carries": (~least(wanda_score(weight, _norms), 0.5)).float().mean(0),
    }
    _order = loudness.argsort()
    assert _kept["by what it carries"][_order[-8:]].mean() > 0.8 > 0.7 > _kept["by size"][_order[-8:]].mean()
    plots.lines(
        loudness[_order].tolist(),
        {name: share[_order].tolist() for name, share in _kept.items()},
        x="loudness of the input",
        y="share of its weights that stay",
        log_x=True,
        title="who stays",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Repair what is left

    When a weight goes, the weights behind it can make up for part of it, exactly as in GPTQ: rounding to zero is rounding.
    SparseGPT drops the weights with the lowest
    $w^2 / U_{jj}^2$, the error that is left after the best repair, and repairs as it goes.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0.1, 0.9, step=0.1, value=0.5, label="share that goes", show_value=True)
    share
    return (share,)


@app.cell
def _(moments, share, weight):
    found = {way: pruned(weight, way, share.value, None, moments) for way in METHODS}
    errors = {way: output_error(made - weight, moments) / output_error(weight, moments) for way, made in found.items()}
    plots.value_bars({"error over the output itself": errors}, title=f"{share.value:.0%} of the weights gone")
    return errors, found


@app.cell
def _(errors, found, share):
    for _way, _made in found.items():
        assert abs((_made == 0).float().mean().item() - share.value) < 0.01, _way
    assert errors["wanda"] < errors["magnitude"] and errors["sparsegpt"] < errors["magnitude"]
    mo.md(
        f"Exactly {share.value:.0%} are zero in all three. The largest error of the three is {max(errors, key=errors.get)}'s."
    )
    return


@app.cell
def _(moments, weight):
    _repaired = pruned(weight, "sparsegpt", 0.5, None, moments)
    _bare = torch.where(_repaired == 0, 0.0, weight)
    gain = output_error(_repaired - weight, moments) / output_error(_bare - weight, moments)
    assert gain < 0.9
    mo.md(f"With the very same zeros, repairing the rest leaves **{gain:.0%}** of the error.")
    return (gain,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two of four

    Zeros that stand anywhere save memory only with an index for each weight that stays, and hardly any time. Some processors
    multiply twice as fast when two of
    every four neighbours are zero. That is a harder rule: a group of four good weights must give up two of them.
    """)
    return


@app.cell
def _(moments, weight):
    _score = wanda_score(weight, moments.diagonal().sqrt())
    assert (least_of_each(_score, (2, 4)).unflatten(1, (16, 4)).sum(2) == 2).all()
    bound = {
        way: [output_error(pruned(weight, way, 0.5, pattern, moments) - weight, moments) for pattern in (None, (2, 4))]
        for way in METHODS
    }
    assert all(free < tied for way, (free, tied) in bound.items() if way != "magnitude")
    plots.value_bars(
        {
            "freely": {way: pair[0] for way, pair in bound.items()},
            "two of four": {way: pair[1] for way, pair in bound.items()},
        },
        title="what the rule costs",
    )
    return (bound,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the share to 0.9: all three lose much, and repairing helps most.
    - Make all inputs equally loud (`loudness = torch.ones(64)`): size and Wanda then choose nearly the same weights.
    - On a model of yours: `groundup compress MODEL OUT --method sparsegpt --pattern 2:4`, then `--method magnitude`; both say
    the perplexity before and after.

    Write it yourself: `groundup learn start wanda_score`
    """)
    return


if __name__ == "__main__":
    app.run()
