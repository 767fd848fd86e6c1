"""Lesson: self- and cross-attention, the same function asked about another sequence."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Cross-attention: ask somebody else", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.attention.masks import causal, padding
    from groundup.model.attention.self_cross import (
        CrossAttention,
        Projections,
        cross_attention,
        merge_heads,
        self_attention,
        split_heads,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Cross-attention: ask somebody else

    A translator looks at the sentence it translates, a caption at its picture. The attention is the one you know; only the keys and
    values are made of another sequence. Afterwards you can build it, mask it, and say what has to be computed only once.
    """)
    return


@app.cell
def _():
    _source, _steps, _width = 1000, 200, 512
    again = 2 * _source * _width**2 * _steps
    once = 2 * _source * _width**2
    mo.md(
        f"An answer of {_steps} tokens to a source of {_source:,}. Whoever makes the source's keys and values in every step does "
        f"{again / 1e9:,.0f} billion multiplications in one layer, **{again // once} times** what is needed: the source does not change."
    )
    return again, once


@app.cell
def _(again, once):
    assert again == 200 * once
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three words ask three words

    The words of the answer give the queries, the words of the source the keys and values. Here the vectors are chosen by hand so that
    each German word asks for its English one; the identity stands for all maps.
    """)
    return


@app.cell
def _():
    english, german = ["the", "black", "cat", "sleeps"], ["die", "Katze", "schläft"]
    meaning = torch.eye(4)  # one coordinate a meaning
    source = 4 * meaning[None]
    asking = 4 * meaning[[0, 2, 3]][None]
    plain = Projections(*(torch.eye(4) for _ in range(4)))
    answered = cross_attention(asking, source, plain, 1)
    weights = answered[0] / 4  # the values are 4 times the identity, so what comes out shows the weights
    plots.heat_map(weights, rows=german, columns=english, x="source", y="answer", title="Who asks whom", text=True)
    return answered, asking, english, german, meaning, plain, source, weights


@app.cell
def _(answered, asking, english, german, source, weights):
    assert [english[place] for place in weights.argmax(-1).tolist()] == ["the", "cat", "sleeps"]
    assert len(german) == 3
    assert torch.allclose(weights.sum(-1), torch.ones(3), atol=1e-5)
    assert torch.allclose(answered, functional.scaled_dot_product_attention(asking, source, source), atol=1e-5)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The table need not be square, and there is no diagonal that would mean anything: between two sequences there is no before and after.
    So cross-attention has no causal mask. The first word of an answer may look at the last of the source, and in German it often must.

    ## In several heads

    $$Q = X W_Q \qquad K = Y W_K \qquad V = Y W_V \qquad \text{result} = \text{join}(\text{attention}(Q_i, K_i, V_i))\, W_O$$

    $X$ is the sequence that asks, $Y$ the one that answers; it may have another width, as the states of a picture encoder do. With
    $Y = X$ this is self-attention, letter for letter.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    x, pictures = torch.randn(2, 5, 12, generator=_source), torch.randn(2, 7, 20, generator=_source)
    maps = Projections(*(torch.randn(12, wide, generator=_source) * 0.3 for wide in (12, 20, 20, 12)))
    _query = split_heads(functional.linear(x, maps.query), 3)
    _key, _value = (split_heads(functional.linear(pictures, one), 3) for one in maps[1:3])
    _mixed = functional.scaled_dot_product_attention(_query, _key, _value)  # torch's own
    result = cross_attention(x, pictures, maps, 3)
    assert torch.allclose(result, functional.linear(merge_heads(_mixed), maps.output), atol=1e-5)
    mo.md(
        f"Five states 12 wide ask seven states 20 wide; what comes back has the asker's shape: {tuple(result.shape)}."
    )
    return maps, pictures, result, x


@app.cell
def _(maps, x):
    _own = Projections(maps.query, maps.query, maps.query, maps.output)
    _masked = self_attention(x, _own, 3, causal(5).expand(2, 5, 5))
    assert torch.allclose(self_attention(x, _own, 3), cross_attention(x, x, _own, 3))
    assert torch.allclose(_masked[:, -1], self_attention(x, _own, 3)[:, -1], atol=1e-5), (
        "the last token sees all anyway"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Padding of the source

    Sources of a batch have different lengths, and the short ones are filled up. Those places must get no weight, for every query and head of
    that row. Move the length of the second source and look at its weights; the first row of the batch never changes.
    """)
    return


@app.cell
def _():
    real = mo.ui.slider(0, 7, value=4, label="real tokens of the second source", show_value=True)
    real
    return (real,)


@app.cell
def _(real):
    _source = torch.Generator().manual_seed(3)
    _x, _read = torch.randn(2, 5, 7, generator=_source), torch.randn(2, 7, 7, generator=_source)
    _look = torch.randn(7, 7, generator=_source)
    _maps = Projections(_look, _look, torch.eye(7), torch.eye(7))
    _mask = padding(torch.arange(7) < torch.tensor([[7], [real.value]]))
    _shown = torch.linalg.solve(_read, cross_attention(_x, _read, _maps, 1, _mask), left=False)
    second = _shown[1].round(decimals=4)
    first_alone = torch.allclose(
        cross_attention(_x, _read, _maps, 1, _mask)[:1], cross_attention(_x[:1], _read[:1], _maps, 1), atol=1e-5
    )
    plots.heat_map(second, x="source", y="answer", low=0, high=1, title=f"Weights, {real.value} real tokens")
    return first_alone, second


@app.cell
def _(first_alone, real, second):
    assert first_alone, "one row's padding is nobody else's"
    assert second[:, real.value :].abs().max().item() < 1e-3 if real.value < 7 else True
    assert torch.allclose(second.sum(-1), torch.full((5,), float(real.value > 0)), atol=1e-2), (
        "a source of padding gives 0"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Once, and then every step

    `CrossAttention` holds the four maps. `remember` makes the keys and values of the source, and each step only makes its query. In
    self-attention the cache grows with every token; this memory stays as it is.
    """)
    return


@app.cell
def _(pictures, x):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _layer = CrossAttention(12, 3, source_hidden=20)
        for _parameter in _layer.parameters():
            torch.nn.init.normal_(_parameter, std=0.3)
    with torch.no_grad():
        memory = _layer.remember(pictures)
        _steps = torch.cat([_layer(x[:, place : place + 1], memory) for place in range(5)], dim=1)
        assert torch.allclose(_steps, _layer(x, memory), atol=1e-5)
    kept_numbers = sum(one.numel() for one in memory) // 2
    mo.md(
        f"Five steps and one pass agree. Kept for each source of seven states: {kept_numbers} numbers, in step 1 as in step 5."
    )
    return kept_numbers, memory


@app.cell
def _(kept_numbers, maps, pictures, result, x):
    assert kept_numbers == 2 * 7 * 12
    _shuffled = pictures[:, torch.tensor([3, 0, 6, 1, 5, 2, 4])]
    assert torch.allclose(cross_attention(x, _shuffled, maps, 3), result, atol=1e-5), (
        "the source's order is in its states only"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the real tokens to 0: every weight is 0, and nothing is NaN.
    - Let `asking` be `4 * meaning[[1]]`: which word answers? Make it `meaning[[1]]`: how sure is it now?
    - Shuffle the source: nothing changes. If its order shall count, its own states must know it.

    Write it yourself: `groundup learn start cross_attention`
    """)
    return


if __name__ == "__main__":
    app.run()
