"""Lesson: causal attention in steps, which leaves out half the scores and is the same to the last digit."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The staircase: half the scores are never needed", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.gradient import attention_backward
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.attention.staircase import STEP, causal_in_steps, scores_held


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The staircase: half the scores are never needed

    A model that writes may not look ahead. Usually all scores are computed, and those of the future hidden: work for
    nothing. Afterwards you can leave most of it out with a loop of five lines, say how much any number of steps saves, and
    what is kept for the way back.
    """)
    return


@app.cell
def _():
    hidden = int((~causal(1024)).sum())
    mo.md(
        f"1,024 tokens make {1024**2:,} scores a head. **{hidden:,}** of them ({hidden / 1024**2:.1%}) are computed, set to "
        "minus infinity, exponentiated to 0, and multiplied with values: to add nothing."
    )
    return (hidden,)


@app.cell
def _(hidden):
    assert hidden == 1024 * 1023 / 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two steps, by hand

    Four tokens. The first two queries need two keys only; the other two need all four. So two products of 2 x 2 and
    2 x 4 scores take the place of one of 4 x 4. A mask is needed in the last square of each step and nowhere else: what
    stands left of it is the past of every query of the step.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 4, 2, generator=_source, dtype=torch.float64)
    _later = torch.tensor([[0.0, -torch.inf], [0.0, 0.0]])  # in a square of two: the first does not see the second
    _low = query[:2] @ key[:2].T / 2**0.5 + _later
    _high = query[2:] @ key.T / 2**0.5
    _high = torch.cat([_high[:, :2], _high[:, 2:] + _later], dim=1)
    by_hand = torch.cat([_low.softmax(-1) @ value[:2], _high.softmax(-1) @ value])
    whole = scaled_dot_product_attention(query, key, value, causal(4)[0])
    mo.md(
        f"{_low.numel()} + {_high.numel()} = **{_low.numel() + _high.numel()} scores** and not 16. The largest difference "
        f"to attention over the whole square is {(by_hand - whole).abs().max():.0e}."
    )
    return by_hand, key, query, value, whole


@app.cell
def _(by_hand, whole):
    torch.testing.assert_close(by_hand, whole, rtol=1e-14, atol=1e-14)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The staircase

    With $n$ steps over $L$ tokens, step $i$ has $L/n$ queries and $i \, L/n$ keys:

    $$\sum_{i=1}^{n} \frac{L}{n} \cdot \frac{i L}{n} = L^2 \, \frac{n + 1}{2 n}$$

    Move the steps. Dark is what the model needs, the shade between is computed and hidden, the light corner is never computed.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(steps=[1, 2, 4, 8, 16, 32, 64], value=4, label="steps", show_value=True)
    steps
    return (steps,)


@app.cell
def _(steps):
    _size = 64 // steps.value
    _last_key = (torch.arange(64) // _size + 1) * _size  # of each query's step
    computed = torch.arange(64) < _last_key[:, None]
    plots.heat_map(
        (computed.float() + causal(64)[0].float()) / 2,
        x="key",
        y="query",
        low=0,
        high=1,
        title=f"64 tokens in {steps.value} step{'s' * (steps.value > 1)}: {computed.sum():,} of 4,096 scores",
    )
    return (computed,)


@app.cell
def _(computed, steps):
    _needed = causal(64)[0]
    assert computed[_needed].all(), "whatever the steps, nothing that is needed is missing"
    assert computed.sum() == 64**2 * (steps.value + 1) / (2 * steps.value)
    _for_nothing = int((computed & ~_needed).sum())
    mo.md(
        f"{steps.value} step{'s' * (steps.value > 1)}: **{1 - computed.float().mean():.1%}** of the scores are left out, "
        f"and {_for_nothing:,} are still computed for nothing."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many steps?

    Two steps save a quarter of everything, and a quarter is half of what there is to save. Every doubling saves half of
    what is left, and halves the height of each product. A processor multiplies a tall matrix at its full speed and a thin one
    not, so at some place more steps cost more than they save.
    """)
    return


@app.cell
def _():
    _numbers = [1, 2, 4, 8, 16, 32, 64]
    shares = [(number + 1) / (2 * number) for number in _numbers]
    plots.lines(
        _numbers,
        {"computed": shares},
        x="steps",
        y="share of the scores",
        log_x=True,
        levels={"needed": 0.5},
        marked=True,
        title="Each doubling saves half of what is left",
    )
    return (shares,)


@app.cell
def _(shares):
    _saved = [before - after for before, after in zip(shares, shares[1:], strict=False)]
    assert _saved[0] == 0.25
    assert all(second == first / 2 for first, second in zip(_saved, _saved[1:], strict=False))
    assert scores_held(1024) == 1024**2 * (8 + 1) / (2 * 8), "the library's steps are of 128 queries: 8 of them here"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same, forwards and back

    The library's function takes steps of 128 queries. Here two heads of 384 tokens, in float64: its result beside
    attention over the whole square, and its gradients beside those written out by hand in `model.attention.gradient`.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(1)
    _parts = [torch.randn(1, 2, 3 * STEP, 8, generator=_source, dtype=torch.float64) for _ in range(3)]
    _asked = torch.randn(1, 2, 3 * STEP, 8, generator=_source, dtype=torch.float64)
    _seen = causal(3 * STEP)[None]
    _leaves = [part.clone().requires_grad_() for part in _parts]
    _ours = causal_in_steps(*_leaves)
    _gradients = torch.autograd.grad(_ours, _leaves, _asked)
    _exact = [scaled_dot_product_attention(*_parts, _seen), *attention_backward(*_parts, _seen, _asked)]
    differences = {
        name: (one.detach() - other).abs().max().item()
        for name, one, other in zip(
            ("result", "to query", "to key", "to value"), (_ours, *_gradients), _exact, strict=True
        )
    }
    mo.md("Largest difference: " + ", ".join(f"{name} {value:.0e}" for name, value in differences.items()) + ".")
    return (differences,)


@app.cell
def _(differences):
    assert max(differences.values()) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is kept for the way back

    Going back needs the weights. PyTorch tells which tensors it keeps if one asks, so this is measured: the numbers kept by plain
    attention with a mask and by the steps, in one head of width 16.
    """)
    return


@app.cell
def _():
    def kept(attend, length):
        """How many numbers stand in the memory that is kept for the way back; what two tensors share counts once."""
        source = torch.Generator().manual_seed(2)
        parts = [torch.randn(1, 1, length, 16, generator=source, requires_grad=True) for _ in range(3)]
        stored = {}

        def pack(tensor):
            memory = tensor.untyped_storage()
            stored[memory.data_ptr()] = memory.nbytes() // 4  # float32
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            result = attend(*parts)
        assert result.shape == parts[0].shape
        return sum(stored.values())

    def plain(query, key, value):
        """All scores at once, the future hidden."""
        scores = query @ key.transpose(-2, -1) / 4 + torch.full((query.shape[-2],) * 2, -torch.inf).triu(1)
        return scores.softmax(-1) @ value

    lengths = [256, 512, 1024, 2048]
    held = {
        "all at once": {length: kept(plain, length) for length in lengths},
        "in steps": {length: kept(causal_in_steps, length) for length in lengths},
    }
    plots.value_bars(held, x="tokens", y="numbers kept", title="Kept for the way back, one head")
    return held, kept, lengths, plain


@app.cell
def _(held, lengths):
    for _length in lengths:
        _rows = _length * 16  # query, key and value
        assert held["all at once"][_length] == _length**2 + 3 * _rows
        assert held["in steps"][_length] == scores_held(_length) + 3 * _rows
    mo.md(
        f"At {lengths[0]} tokens the steps keep {held['in steps'][lengths[0]] / held['all at once'][lengths[0]]:.0%} of what "
        f"plain attention keeps, at {lengths[-1]:,} **{held['in steps'][lengths[-1]] / held['all at once'][lengths[-1]]:.0%}**. "
        "It still grows with the square of the length."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Steps or tiles?

    FlashAttention leaves out the same scores and keeps one number a query instead of the weights, so it has to
    compute them a second time. On a GPU, where memory is slow and arithmetic nearly free, that is the better trade. On
    a CPU, with rows that fit, reading is cheaper than computing again. Forward and backward in bf16, heads of 64, two cores of
    an EPYC with AVX512-BF16:

    | batch, heads, tokens | all at once | in steps |
    |---|---:|---:|
    | 16, 6, 256 | 24 ms | 12 ms |
    | 4, 12, 512 | 47 ms | 19 ms |
    | 2, 12, 1,024 | 118 ms | 30 ms |

    That is more than the scores left out explain; what else helps is not taken apart here.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the steps to 1: the picture is the whole square. To 64: nothing is computed for nothing, in 64 products of one row.
    - In the first code by hand, drop `+ _later` from the low step: the first query looks at the second key, and the assert says so.
    - A window of 128 keys needs even less: which corner of the staircase could go as well?

    Tiles, and no weights kept: `groundup learn lesson flash`
    """)
    return


if __name__ == "__main__":
    app.run()
