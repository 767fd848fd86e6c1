"""Lesson: T5, whose scores know how far apart two tokens stand and are divided by nothing."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="T5: distances instead of places", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.t5 import T5Config
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.positions.relative import relative_position_bucket, relative_positions


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # T5: distances instead of places

    T5 is the encoder-decoder of 2017 with better parts, and with one idea about what it is for: every task is text in, text out. Afterwards you
    know its bias of distances and how few numbers it takes, why its scores are not divided, and what tells version 1.0 from 1.1.
    """)
    return


@app.cell
def _():
    sizes = dict(vocab_size=32_128, hidden_size=512, head_dim=64, num_hidden_layers=6, num_attention_heads=8)
    small = T5Config(**sizes, intermediate_size=2048)
    parameters = count(small).parameters
    tables = 2 * small.relative_attention_num_buckets * small.num_attention_heads
    mo.md(
        f"T5-small has {parameters:,} parameters. All it knows of positions are **{tables} numbers**; "
        f"BERT's table of 512 places, as wide as T5-small, would be {512 * 512:,}."
    )
    return parameters, sizes, small, tables


@app.cell
def _(parameters, tables):
    assert parameters == 60_506_624  # as published
    assert tables == 512
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sorted into buckets

    What is learned is one number for each head and *bucket* of distances. Near distances have a bucket each; far ones share, ever more of
    them; from 128 on all are alike. In the reader half of the buckets is for keys that come later; the writer sees none of those.
    """)
    return


@app.cell
def _():
    furthest = mo.ui.slider(24, 128, step=8, value=128, label="max_distance", show_value=True)
    furthest
    return (furthest,)


@app.cell
def _(furthest):
    _distances = torch.arange(0, 150)
    buckets = {
        name: relative_position_bucket(-_distances, both, 32, furthest.value).tolist()
        for name, both in {"reader (16 for the past)": True, "writer (32)": False}.items()
    }
    plots.lines(_distances.tolist(), buckets, x="tokens back", y="bucket", title=f"All alike from {furthest.value} on")
    return (buckets,)


@app.cell
def _(buckets):
    _reader = buckets["reader (16 for the past)"]
    assert _reader[:8] == list(range(8)), "eight exact distances"
    assert max(_reader) == 15
    assert max(buckets["writer (32)"]) == 31
    assert _reader == sorted(_reader)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A number beside the score

    The number of its bucket is added to the score with which a query and a key meet; nothing is added to the tokens. So the same pair at the same
    distance gets the same number anywhere in a text, and a longer text brings no new one. Here a head that has learned to look one token
    back, whatever stands there.
    """)
    return


@app.cell
def _():
    learned = torch.zeros(32)
    learned[1] = 4.0  # the bucket of distance 1 in the past
    _buckets = relative_position_bucket(relative_positions(8, 8))
    _bias = learned[_buckets]
    _content = torch.zeros(8, 4)  # no token says anything of its own
    looks = scaled_dot_product_attention(_content, _content, torch.eye(8), None, _bias)
    plots.heat_map(looks, x="key", y="query", low=0, high=1, title="A bias alone makes a head look back")
    return learned, looks


@app.cell
def _(learned, looks):
    assert (looks.diagonal(-1) > 0.85).all()
    assert torch.allclose(looks.sum(-1), torch.ones(8), atol=1e-5)
    assert learned.count_nonzero() == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    One table serves all blocks of a stack: the files keep it in the first block, and the others use it. Cross-attention has none, as there is no
    distance between two texts.

    ## Divided by nothing

    Scores of unit vectors have the deviation $\sqrt{64} = 8$, and their softmax has one winner; that is why they are divided by it. T5 leaves the
    division out and lets the queries begin smaller instead. Both come to the same at the start.
    """)
    return


@app.cell
def _(sizes):
    _module = build(T5Config(**sizes | dict(vocab_size=100, num_hidden_layers=1), intermediate_size=64), seed=0)
    _attention = _module.model.encoder.layers[0].self_attn
    _draws = torch.Generator().manual_seed(7)
    _x = torch.nn.functional.rms_norm(torch.randn(1, 60, 512, generator=_draws), (512,))
    with torch.no_grad():
        _query, _key = (
            one(_x).unflatten(-1, (8, 64)).transpose(1, 2) for one in (_attention.q_proj, _attention.k_proj)
        )
    _scores = _query @ _key.transpose(-2, -1)
    deviations = {"T5's first queries": _scores.std().item(), "queries of full size": 8 * _scores.std().item()}
    winners = {
        name: torch.softmax(_scores * factor, dim=-1).amax(-1).mean().item()
        for name, factor in zip(deviations, (1, 8), strict=True)
    }
    plots.value_bars({"largest weight": winners}, title="How much of its attention a query gives to one of 60 keys")
    return deviations, winners


@app.cell
def _(deviations, winners):
    _mine, _full = deviations.values()
    assert 0.8 < _mine < 1.25
    assert _full > 6
    assert winners["queries of full size"] > 0.5 > 3 * winners["T5's first queries"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 1.0 and 1.1

    The first T5 has ReLU and one matrix for source, answer and head. As that matrix has large rows, what the head reads is divided by
    $\sqrt{512}$ first. Version 1.1, and with it Flan-T5, mT5 and UL2, has a gated GELU and a head of its own, so nothing is divided.
    """)
    return


@app.cell
def _(small, sizes):
    newer = T5Config(
        **sizes | dict(num_hidden_layers=8, num_attention_heads=6),
        intermediate_size=1024,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )
    _rows = [
        f"| {name} | {count(config).parameters / 1e6:.1f} M | {config.feed_forward_proj} | {config.blueprint().logit_scale:.3f} |"
        for name, config in {"T5-small 1.0": small, "T5-small 1.1": newer}.items()
    ]
    mo.md("\n".join(["| | parameters | feed-forward | logits times |", "|---|---|---|---|", *_rows]))
    return (newer,)


@app.cell
def _(newer, small):
    assert count(newer).parameters == 76_961_152  # as published
    assert small.scale_decoder_outputs
    assert not newer.scale_decoder_outputs
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move `max_distance` down: the long steps become shorter, and the eight exact ones of the reader stay.
    - Let `learned[17] = 4.0` instead: bucket 16 + 1 is the key one token later.
    - With a real T5 folder, `groundup.load(folder).generate("translate English to German: ...")` answers it.

    Write it yourself: `groundup learn start relative_position_bucket`
    """)
    return


if __name__ == "__main__":
    app.run()
