"""Lesson: memory beyond the segment, Transformer-XL's recurrence with relative positions, and a memory that is searched."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Memory: what the last page said", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.attention import memory
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.positions.absolute import sinusoidal


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Memory: what the last page said

    A book does not fit into the context, so it is read in segments. A model that begins each from nothing forgets the
    sentence that ran over the border. Afterwards you can hand the last segment on, know why that needs relative
    positions, and build a memory of any size that is searched and not read.
    """)
    return


@app.cell
def _():
    segment = 64
    alone = sum(range(1, segment + 1)) / segment
    with_memory = alone + segment
    blind = sum(seen < 32 for seen in range(1, segment + 1)) / segment
    mo.md(
        f"In segments of {segment} a token sees {alone:.1f} tokens on average, itself included, and **{blind:.0%}** of them see "
        f"fewer than 32. With the last segment kept, the mean is {with_memory:.1f}, and none sees fewer than {segment + 1}."
    )
    return alone, blind, segment, with_memory


@app.cell
def _(alone, blind, segment, with_memory):
    assert alone == causal(segment)[0].sum(1).float().mean()
    assert with_memory == causal(segment, 2 * segment)[0].sum(1).float().mean()
    assert 0.48 < blind < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Keep the hidden vectors

    Transformer-XL keeps, for each layer, the vectors that the layer was given in the segment before. Queries come from the
    new segment alone, keys and values from both; no gradient goes into the past. If nothing is ever forgotten, reading in
    segments gives the same as reading all at once. Choose how long they are.
    """)
    return


@app.cell
def _():
    length = mo.ui.dropdown(["1", "4", "6", "12"], value="4", label="tokens a segment")
    length
    return (length,)


@app.cell
def _():
    def stack_of(layers, seed=0):
        """Layers of Transformer-XL with drawn weights, double precision."""
        generator = torch.Generator().manual_seed(seed)
        made = [memory.TransformerXLAttention(16, 2, 8).double() for _ in range(layers)]
        for layer in made:
            for weight in layer.parameters():
                weight.data.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[-1] ** 0.5)
        return made

    def read(stack, x, length, capacity):
        """Read x in segments of a length; each layer remembers `capacity` of what it was given."""
        kept, out = [None] * len(stack), []
        for part in x.split(length, dim=1):
            for number, layer in enumerate(stack):
                after = part + layer(part, kept[number])
                kept[number] = memory.remembered(kept[number], part, capacity)
                part = after
            out.append(part)
        return torch.cat(out, dim=1).detach()

    return read, stack_of


@app.cell
def _(length, read, stack_of):
    _x = torch.randn(1, 24, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    _stack = stack_of(2)
    apart = (read(_stack, _x, int(length.value), 24) - read(_stack, _x, 24, 0)).abs().max().item()
    forgetful = (read(_stack, _x, int(length.value), 0) - read(_stack, _x, 24, 0)).abs().max().item()
    mo.md(
        f"24 tokens in segments of {length.value}, two layers: with memory **{apart:.0e}** from one pass, without {forgetful:.1f}."
    )
    return apart, forgetful


@app.cell
def _(apart, forgetful):
    assert apart < 1e-10 < 0.1 < forgetful
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One memory a layer

    A memory of one segment reaches further than one segment: the vectors it holds had themselves looked back. Shake the first
    token and see which outputs feel it, with a memory of 4 and segments of 4.
    """)
    return


@app.cell
def _(read, stack_of):
    _x = torch.randn(1, 24, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    _shaken = _x.clone()
    _shaken[:, 0] += 1
    felt = torch.stack(
        [
            ((read(stack, _x, 4, 4) - read(stack, _shaken, 4, 4)).abs().amax(2)[0] > 1e-12).double()
            for stack in map(stack_of, (1, 2, 3, 4))
        ]
    )
    plots.heat_map(
        felt, rows=["1 layer", "2 layers", "3 layers", "4 layers"], x="place in the text", low=0, high=1,
        title="Who feels the first token",
    )  # fmt: skip
    return (felt,)


@app.cell
def _(felt):
    assert felt.sum(1).tolist() == [8, 12, 16, 20], "one's own segment, and one more for each layer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why positions must be relative

    If a token carried the number of its place in the segment, number 3 of the last segment and number 3 of this one would be
    the same to a query. So the score takes the distance: a second product, $(q_i + v) \cdot W_r R_{i-j}$. A query has one such
    number for each distance, and to be added to the scores it must be moved to the keys, each row by another step.
    """)
    return


@app.cell
def _():
    by_distance = torch.arange(4, -1, -1.0).expand(1, 1, 3, 5)  # column c holds the distance 4 - c
    by_key = memory.relative_shift(by_distance)[0, 0]
    plots.heat_map(
        by_key, rows=["query at 2", "query at 3", "query at 4"], columns=[f"key {j}" for j in range(5)], text=True,
        title="The distances, moved to their keys (ahead: 0)",
    )  # fmt: skip
    return by_distance, by_key


@app.cell
def _(by_key):
    assert by_key.tolist() == [[2, 1, 0, 0, 0], [3, 2, 1, 0, 0], [4, 3, 2, 1, 0]]
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(3)
    _far = sinusoidal(torch.arange(63, -1, -1), 32) @ torch.randn(32, 16, generator=_source) / 32**0.5
    _query = torch.randn(1, 1, 64, 16, generator=_source) * 0.3 + torch.randn(16, generator=_source)
    diagonals = memory.relative_shift(_query @ _far.T)[0, 0]
    plots.heat_map(diagonals, x="key", y="query", title="The second product: about one value a diagonal")
    return (diagonals,)


@app.cell
def _(diagonals):
    _lines = [diagonals.diagonal(-back) for back in range(40)]
    _within = torch.stack([line.var() for line in _lines]).mean()
    _between = torch.stack([line.mean() for line in _lines]).var()
    assert _between > _within, "the distance says more than the query: what v adds is the same for all"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A memory that is searched

    A Memorizing Transformer keeps keys and values of very many tokens in one layer and looks up the few that answer a query
    best. Attention over those alone is nearly attention over all, if attention is sharp. How sharp is it? Move it.
    """)
    return


@app.cell
def _():
    sharpness = mo.ui.slider(1, 5, step=1, value=3, label="size of the queries", show_value=True)
    sharpness
    return (sharpness,)


@app.cell
def _(sharpness):
    _source = torch.Generator().manual_seed(4)
    _keys, _values = (torch.randn(1, 1, 4096, 16, generator=_source) for _ in range(2))
    _query = sharpness.value * torch.randn(1, 1, 32, 16, generator=_source)
    _whole = scaled_dot_product_attention(_query, _keys, _values)
    counts = [1, 4, 16, 64, 256, 1024]
    missed = {
        "error of the result": [
            ((memory.knn_attention(_query, _keys, _values, count) - _whole).norm() / _whole.norm()).item()
            for count in counts
        ],
        "attention not found": [
            1 - (memory.search_nearest(_query, _keys, count)[0] / 4).exp().sum().item()
            / (_query @ _keys.mT / 4).exp().sum().item()
            for count in counts
        ],
    }  # fmt: skip
    plots.lines(
        counts, missed, x="neighbours, of 4,096 tokens", y="relative", log_x=True,
        title=f"The nearest alone, queries of size {sharpness.value}",
    )  # fmt: skip
    return counts, missed


@app.cell
def _(missed, sharpness):
    _error, _rest = missed["error of the result"], missed["attention not found"]
    assert all(a > b for a, b in zip(_rest, _rest[1:], strict=False))
    assert _error[-1] < _error[0]
    mo.md(
        f"At size {sharpness.value}, 64 neighbours of 4,096 hold **{1 - _rest[3]:.0%}** of the attention. The search is exact: every "
        "key is compared, a block at a time."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it is good for

    A story of 128 random words out of 64, told four times over. No context of 32 holds it. The memory stores each place under
    a sketch of its last two words (the key) with the word that followed (the value); a gate mixes what it finds with a guess.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(5)
    _ids = torch.randint(0, 64, (128,), generator=_source).repeat(4)
    _sketch = functional.normalize(torch.randn(64, 64, generator=_source), dim=1)
    _now = torch.cat([_sketch[_ids[1:-1]], _sketch[_ids[:-2]]], dim=1)[None, None]
    _next = functional.one_hot(_ids[2:], 64).float()[None, None]
    _gate, _losses, _kept = 0.9, [], (_now[:, :, :0], _next[:, :, :0])
    for _query, _said in zip(_now.split(32, 2), _next.split(32, 2), strict=True):
        guess = torch.full_like(_said, 1 / 64)
        if _kept[0].shape[2]:
            guess = (1 - _gate) * guess + _gate * memory.knn_attention(60 * _query, _kept[0], _kept[1], 4)
        _losses.append(-(guess * _said).sum(-1).log()[0, 0])
        _kept = memory.remembered(_kept[0], _query, 512), memory.remembered(_kept[1], _said, 512)
    _each = torch.cat(_losses)
    perplexity = [math.exp(_each[start : start + 126].mean()) for start in (0, 128, 256, 384)]
    plots.value_bars(
        {"perplexity": {f"telling {number}": value for number, value in enumerate(perplexity, 1)}},
        y="perplexity",
        title="A story told four times, with a memory that is searched",
    )
    return guess, perplexity


@app.cell
def _(perplexity):
    assert perplexity[0] > 50
    assert max(perplexity[1:]) < 3
    mo.md(
        f"Perplexity {perplexity[0]:.0f} the first time: a guess would be 64, but the gate trusts whatever is found, and nothing of it "
        f"can be right. The second time **{perplexity[1]:.2f}**: learned by heart in one reading, with no weight changed."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Segments of 12 or of 1: with a memory it makes no difference, without one it is worse the shorter they are.
    - Queries of size 1: attention is spread over everything, and the nearest few are not enough.
    - Store the sketch of one word in place of two: the story has words that come twice, and the second telling gets worse.

    Write it yourself: `groundup learn start relative_shift`, `groundup learn start nearest_keys`
    """)
    return


if __name__ == "__main__":
    app.run()
