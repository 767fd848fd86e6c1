"""Lesson: how far apart two tokens stand, added to the score with which they meet."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Distance as a bias", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.masks import causal
    from groundup.model.positions.relative import (
        RelativeBias,
        alibi_bias,
        alibi_slopes,
        relative_position_bucket,
        relative_positions,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Distance as a bias

    Attention scores say how well a key answers a query. The simplest way to bring order into them is to add a number that
    depends on the distance alone. Afterwards you know two ways to choose it, T5's learned buckets and ALiBi's straight lines,
    and why either reads texts of any length.
    """)
    return


@app.cell
def _():
    _distances = torch.arange(10_000)
    buckets = relative_position_bucket(-_distances, False, 32, 128)
    mo.md(
        f"T5 tells {len(_distances):,} distances apart by **{len(buckets.unique())}** numbers a head. "
        f"{int((buckets == 31).sum()):,} of these distances share the last one."
    )
    return (buckets,)


@app.cell
def _(buckets):
    assert len(buckets.unique()) == 32
    assert buckets[:16].tolist() == [*range(16)]
    assert (buckets.diff() >= 0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who stands where

    A relative position is key minus query: 0 for the token itself, negative for what came earlier. With a cache there are fewer
    queries than keys, and the last query stands at the last key.
    """)
    return


@app.cell
def _():
    _apart = relative_positions(4, 6)
    assert _apart[-1].tolist() == [-5, -4, -3, -2, -1, 0]
    plots.heat_map(_apart, x="key", y="query", text=True, title="Key minus query: the last four queries of six")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Buckets

    Whether a key stands 3 or 4 tokens back matters; whether 103 or 104, hardly. So half of the buckets hold one distance each,
    and the other half grow with the logarithm up to a largest distance, from which on all share the last:

    $$ n + \left\lfloor n \cdot \frac{\log (d / n)}{\log (\text{max} / n)} \right\rfloor $$

    With 8 buckets in one direction, $n$ is 4. Distance 8 up to a maximum of 16: half of the way in logarithms, so $4 + 2 = 6$.
    """)
    return


@app.cell
def _():
    farthest = mo.ui.slider(16, 128, step=16, value=64, label="max_distance", show_value=True)
    farthest
    return (farthest,)


@app.cell
def _(farthest):
    _distances = torch.arange(150)
    stairs = relative_position_bucket(-_distances, False, 16, farthest.value)
    plots.lines(
        [*range(150)], {"bucket": stairs}, x="distance", y="bucket", title=f"16 buckets up to distance {farthest.value}"
    )
    return (stairs,)


@app.cell
def _(farthest, stairs):
    assert stairs[:8].tolist() == [*range(8)]
    assert (stairs[farthest.value :] == 15).all() and stairs[farthest.value // 2] < 15
    assert relative_position_bucket(torch.tensor([-8]), False, 8, 16).item() == 6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Each head has a number of its own for each bucket, and learns them with everything else: 32 numbers a head in the whole
    model, as all layers share them. An encoder looks both ways, and gives half of its buckets to each direction.
    """)
    return


@app.cell
def _():
    _bias = RelativeBias(2, bidirectional=True, num_buckets=8, max_distance=16)
    with torch.no_grad():
        _bias.weight.copy_(torch.arange(8.0)[:, None] * torch.tensor([1.0, 0.0]))
        _table = _bias(12, 12)[0, 0]
    assert torch.equal(_table[1:, 1:], _table[:-1, :-1]) and _table[0, 1] != _table[1, 0]
    plots.heat_map(_table, x="key", y="query", low=0, high=7, title="Eight buckets, four for each direction")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Straight lines

    ALiBi learns nothing: it takes slope times distance away. Each head has another slope, in a geometric row, so that some see
    only the last few tokens and others the whole text. No distance is ever new, it is only further down the same line.
    """)
    return


@app.cell
def _():
    heads = mo.ui.dropdown({"2": 2, "4": 4, "6": 6, "8": 8}, value="4", label="heads")
    heads
    return (heads,)


@app.cell
def _(heads):
    weights = alibi_bias(heads.value, 100, 100).masked_fill(~causal(100)[:, None], -torch.inf).softmax(-1)[0, :, -1]
    plots.lines(
        [*range(100)],
        {f"slope {slope:.3f}": row.flip(0) for slope, row in zip(alibi_slopes(heads.value), weights, strict=True)},
        x="distance",
        y="weight",
        log_y=True,
        title="What the last of 100 queries sees, where all keys answer equally well",
    )
    return (weights,)


@app.cell
def _(heads, weights):
    _slopes = alibi_slopes(heads.value)
    _reach = (weights * torch.arange(99, -1, -1)).sum(-1)  # the mean distance that a head looks back
    assert len(_slopes) == heads.value and len(_slopes.unique()) == heads.value
    assert torch.equal(_slopes.argsort(), _reach.argsort(descending=True)), "the steeper, the nearer"
    assert _slopes.min() == (2.0**-8)
    mo.md(f"Mean distance that the heads look back: {', '.join(f'{one:.1f}' for one in _reach)} tokens.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A constant does nothing

    A softmax does not change when a constant is added to a whole row. So slope times *key position* does the same as minus slope
    times distance: within a row they differ by slope times the query's position. BLOOM stores the first form, a vector.
    """)
    return


@app.cell
def _():
    _scores = torch.randn(1, 4, 9, 9, generator=torch.Generator().manual_seed(0))
    _by_key = alibi_slopes(4)[:, None, None] * torch.arange(9)
    _hidden = ~causal(9)[:, None]
    _both = [(_scores + bias).masked_fill(_hidden, -torch.inf).softmax(-1) for bias in (alibi_bias(4, 9, 9), _by_key)]
    _difference = (_both[0] - _both[1]).abs().max().item()
    assert _difference < 1e-6
    mo.md(f"The weights of both forms differ by **{_difference:.0e}**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - max_distance 16 and 128: the stairs reach the last bucket early or late; the first eight steps stay.
    - 6 heads: the slopes of four, and between them two of those of eight.
    - In `_bias`, set `bidirectional=False`: what comes later counts as distance 0.

    Write it yourself: `groundup learn start relative_position_bucket`, and `groundup learn start alibi_slopes`
    """)
    return


if __name__ == "__main__":
    app.run()
