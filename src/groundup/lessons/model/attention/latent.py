"""Lesson: multi-head latent attention, a cache from which all heads are made again."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Latent attention: many heads from one short vector", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.latent import (
        compress,
        latent_attention,
        latent_attention_reference,
        pairs_apart,
        products,
    )
    from groundup.model.positions.rotary import Rotary, rotate


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Latent attention: many heads from one short vector

    While a model writes, it keeps the keys and values of everything before. Sharing heads makes that cache smaller and the model a
    little worse. DeepSeek's way keeps all heads different and stores something else. Afterwards you know what, how it is
    read without unpacking it, and why positions need a place of their own.
    """)
    return


@app.cell
def _():
    _layers, _heads, _rank, _rope = 61, 128, 512, 64  # DeepSeek-V3
    whole = 2 * _heads * 128 * _layers
    latent_numbers = (_rank + _rope) * _layers
    mo.md(
        f"DeepSeek-V3 has 128 heads of 128 in {_layers} layers. Their keys and values are {whole:,} numbers a token; its cache "
        f"keeps **{latent_numbers:,}**, {whole / latent_numbers:.0f} times fewer, and no head shares anything with another."
    )
    return latent_numbers, whole


@app.cell
def _(latent_numbers, whole):
    assert (whole, latent_numbers) == (1_998_848, 35_136)
    assert whole // latent_numbers == 56
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What 576 numbers could hold

    The same cache could be had by sharing: 576 numbers a layer are the keys and values of 2 heads of 128, and a bit. In grouped-query
    attention all heads of a group then look at the same keys. Here every head has a map of its own from the latent to its key.
    """)
    return


@app.cell
def _():
    per_token = {
        "multi-head": 2 * 128 * 128,
        "grouped, 8 heads": 2 * 8 * 128,
        "latent": 512 + 64,
        "multi-query": 2 * 128,
    }
    plots.value_bars({"numbers": per_token}, y="numbers a token and layer", title="What is kept of a token")
    return (per_token,)


@app.cell
def _(per_token):
    assert per_token["latent"] / per_token["multi-query"] == 2.25
    assert per_token["grouped, 8 heads"] > 3 * per_token["latent"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One head, by hand

    A token's latent is $c = (1, 2)$. The head's key map has the rows $(1, 0)$ and $(1, 1)$, so the key is $(1, 3)$. A query $n = (2, 1)$ scores
    $2 \cdot 1 + 1 \cdot 3 = 5$. Now the other way round: carry the query *down*, $W^T n = (2 \cdot 1 + 1 \cdot 1,\ 1 \cdot 1) = (3, 1)$, and
    meet the latent itself: $3 \cdot 1 + 1 \cdot 2 = 5$.

    $$n \cdot (W c) = (W^T n) \cdot c$$

    Both are the same sum in another order. But the left one makes a key of every token in the cache, and the right one touches the query alone.
    """)
    return


@app.cell
def _():
    _latent, _map, _asked = torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([2.0, 1.0])
    up_first, down_first = _asked @ (_map @ _latent), (_map.T @ _asked) @ _latent
    assert up_first == down_first == 5
    mo.md(f"Key made: {up_first:.0f}. Query carried down: {down_first:.0f}.")
    return down_first, up_first


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _sizes = ((1, 4, 3, 8), (1, 4, 3, 6), (1, 10, 12), (1, 10, 6), (4, 8 + 5, 12))
    _given = [torch.randn(*size, generator=_source, dtype=torch.float64) for size in _sizes]
    plain = latent_attention_reference(*_given, 0.3, causal=True)
    absorbed = latent_attention(*_given, 0.3, causal=True)
    assert torch.allclose(plain, absorbed, atol=1e-12)
    mo.md("Four heads, three new tokens, ten in the cache: both forms give the same to 12 places.")
    return absorbed, plain


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When which

    Absorbed, a head's query is as long as the latent: 576 numbers in place of 192, so each score costs more. In return no key is ever
    made. For one new token that is a bargain; for a long prompt, whose keys are made once and met by thousands of queries, it is not.
    Choose how long the text before is.
    """)
    return


@app.cell
def _():
    cached = mo.ui.slider(steps=[0, 256, 1024, 4096, 32768], value=4096, label="tokens in the cache", show_value=True)
    cached
    return (cached,)


@app.cell
def _(cached):
    new = [2**power for power in range(13)]
    _v3 = dict(heads=128, rank=512, nope_dim=128, rope_dim=64, value_dim=128)
    _counted = [products(queries, cached.value + queries, **_v3) for queries in new]
    cost = {
        "keys made": [one[0] / queries for one, queries in zip(_counted, new, strict=True)],
        "absorbed": [one[1] / queries for one, queries in zip(_counted, new, strict=True)],
    }
    plots.lines(
        new,
        cost,
        x="new tokens at once",
        y="multiplications a token",
        log_x=True,
        log_y=True,
        title=f"One layer of DeepSeek-V3, {cached.value:,} tokens before",
    )
    return cost, new


@app.cell
def _(cached, cost, new):
    assert cached.value == 0 or cost["absorbed"][0] < cost["keys made"][0] / 50, (
        "one new token: at least 50 times fewer"
    )
    assert cost["absorbed"][-1] > cost["keys made"][-1], "4,096 at once: keys are worth making"
    assert len(new) == 13
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why the positions stand apart

    A rotary embedding turns a key by its position. If the key is $R_j W c$, the query carried down would be $W^T R_j^T n$: another one for
    every position $j$, and nothing is saved. So each head's key has two parts: one made of the latent, which knows no position, and one
    rotary key, which all heads share and which is kept as it is. The scores of both add up.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(1)
    _projected = torch.randn(1, 6, 12 + 6, generator=_source)
    _gain, _rotary = torch.ones(12), Rotary(6)
    latent_here, rope_here = compress(_projected, _gain, _rotary.angles(torch.arange(6), torch.float32))
    latent_there, rope_there = compress(_projected, _gain, _rotary.angles(torch.arange(100, 106), torch.float32))
    assert torch.equal(latent_here, latent_there), "the latent does not know where it stands"
    assert not torch.allclose(rope_here, rope_there)
    assert torch.allclose(rope_here @ rope_here.mT, rope_there @ rope_there.mT, atol=1e-4), "only the distance counts"
    plots.heat_map(
        torch.cat((latent_here[0], rope_here[0]), -1) - torch.cat((latent_there[0], rope_there[0]), -1),
        x="what is kept of a token: 12 of the latent, 6 of the key",
        y="token",
        title="The same six tokens, 100 places later: the difference",
    )
    return latent_here, latent_there, rope_here, rope_there


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The pairs of the file

    DeepSeek's weights turn the coordinates (0, 1), (2, 3), ...; `rotate` turns (0, half), (1, half + 1), ... `pairs_apart` sorts the one into
    the other. Query and key are sorted alike, so their product does not change; forget it, and the wrong coordinates turn together.
    """)
    return


@app.cell
def _():
    _angles = Rotary(6).angles(torch.arange(6), torch.float32)
    _source = torch.Generator().manual_seed(2)
    _one, _other = torch.randn(2, 1, 6, 1, 6, generator=_source)
    _sorted = (rotate(pairs_apart(_one), _angles) * rotate(pairs_apart(_other), _angles)).sum(-1)
    assert torch.allclose(_sorted, (_one * _other).sum(-1), atol=1e-5), (
        "at the same place the product is the unturned one"
    )
    in_order = pairs_apart(torch.arange(6.0)).tolist()
    assert in_order == [0, 2, 4, 1, 3, 5]
    mo.md(f"0 1 2 3 4 5 becomes {' '.join(f'{one:.0f}' for one in in_order)}.")
    return (in_order,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the tokens in the cache to 0: where do the lines cross? It is the prompt length from which making keys pays.
    - In `products`, halve the rank: which form gains more?
    - Load `LatentAttention` with `q_lora_rank=None` and print its parameters: V2-Lite has them like this.

    Write it yourself: `groundup learn start compress`, then `groundup learn start latent_attention`
    """)
    return


if __name__ == "__main__":
    app.run()
