"""Lesson: the decoder from token ids to scores, one step at a time, with the shape of every tensor."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The transformer, one step at a time", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.attention.masks import causal, documents
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.positions.rotary import rotate
    from groundup.model.transformer import Decoder


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The transformer, one step at a time

    Token ids go in, a score for every possible next token comes out. Between them stand five kinds of parts, none of
    them longer than a few lines. Afterwards you know each tensor on the way by its shape, have computed the same scores
    as the library by hand, and can say what a token may know of the others.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=88, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.1,
    )  # fmt: skip
    model = build(config, seed=0, scheme="normal")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    input_ids = torch.randint(0, 50, (2, 6), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = model(input_ids)
    mo.md(
        f"A whole language model of **{parameters:,}** numbers. Two texts of six tokens went in, {logits.numel()} scores came "
        "out: for each of the twelve places, one for each of 50 tokens. Larger ones differ in the sizes, and in nothing that "
        "follows here."
    )
    return config, input_ids, logits, model, parameters


@app.cell
def _(logits, model, parameters):
    assert isinstance(model, Decoder) and 30_000 < parameters < 50_000
    assert logits.shape == (2, 6, 50)
    return


@app.cell
def _():
    plots.flow_chart(
        {
            "ids": "ids: batch seq",
            "embedding": "embedding: batch seq hidden",
            "first": "block: batch seq hidden",
            "second": "block: batch seq hidden",
            "third": "block: batch seq hidden",
            "norm": "norm: batch seq hidden",
            "logits": "head, logits: batch seq vocab",
        },
        [
            ("ids", "embedding"),
            ("embedding", "first"),
            ("first", "second"),
            ("second", "third"),
            ("third", "norm"),
            ("norm", "logits"),
        ],
        down=True,
        title="From ids to logits",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In: a row for each token

    The embedding gives each id its row: `(batch, seq)` becomes `(batch, seq, hidden)`. From here to the head this shape
    stays. It is called the **stream**: every part reads it and adds to it.
    """)
    return


@app.cell
def _(input_ids, model):
    with torch.no_grad():
        stream = model.model.embed_tokens(input_ids)
        angles = model.rotary.angles(torch.arange(6), stream.dtype)
    mo.md(
        f"Ids {tuple(input_ids.shape)} became a stream {tuple(stream.shape)}. Beside it stand the angles of the six positions, "
        f"{tuple(angles[0].shape)}: one for each place and each pair of a head's eight numbers."
    )
    return angles, stream


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Attention: read from other places

    The stream, normalised, is projected three times. Four heads of width 8 ask (**query**); two answer (**key**,
    **value**), each shared by two askers. Query and key are turned by their positions, and each head takes its weighted
    mean. The four means, side by side, are projected back and **added** to the stream.
    """)
    return


@app.cell
def _(angles, model, stream):
    _block = model.model.layers[0]
    _part = _block.self_attn
    with torch.no_grad():
        normalized = _block.input_layernorm(stream)
        query = rotate(_part.q_proj(normalized).unflatten(-1, (4, 8)), angles).transpose(1, 2)
        key = rotate(_part.k_proj(normalized).unflatten(-1, (2, 8)), angles).transpose(1, 2)
        value = _part.v_proj(normalized).unflatten(-1, (2, 8)).transpose(1, 2)
        _key_of_each, _value_of_each = key.repeat_interleave(2, dim=1), value.repeat_interleave(2, dim=1)
        mixed = scaled_dot_product_attention(query, _key_of_each, _value_of_each, causal(6)[0])
        after_attention = stream + _part.o_proj(mixed.transpose(1, 2).flatten(2))
    mo.md(
        "| tensor | shape | axes |\n|---|---|---|\n"
        f"| normalised stream | {tuple(normalized.shape)} | batch seq hidden |\n"
        f"| query | {tuple(query.shape)} | batch heads seq head_dim |\n"
        f"| key, value | {tuple(key.shape)} | batch kv_heads seq head_dim |\n"
        f"| means of the heads | {tuple(mixed.shape)} | batch heads seq head_dim |\n"
        f"| stream | {tuple(after_attention.shape)} | batch seq hidden |"
    )
    return after_attention, key, mixed, normalized, query, value


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Feed-forward: think where you stand

    The second half of a block looks at no other place. It widens each vector from 32 to 88 numbers, lets one copy
    decide how much of the other passes, and comes back: $W_{down}\,(\text{silu}(W_{gate}\,x) \cdot W_{up}\,x)$. That
    too is added.
    """)
    return


@app.cell
def _(after_attention, model):
    _block = model.model.layers[0]
    with torch.no_grad():
        _read = _block.post_attention_layernorm(after_attention)
        wide = torch.nn.functional.silu(_block.mlp.gate_proj(_read)) * _block.mlp.up_proj(_read)
        after_block = after_attention + _block.mlp.down_proj(wide)
    mo.md(
        f"{tuple(after_attention.shape)} widens to **{tuple(wide.shape)}** and returns to {tuple(after_block.shape)}."
    )
    return after_block, wide


@app.cell
def _(after_block, angles, model, stream):
    with torch.no_grad():
        torch.testing.assert_close(after_block, model.model.layers[0](stream, angles))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Out: a score for each token

    Two more blocks of the same form, each with weights of its own. Then a last norm, and the head, a matrix with one
    row for each token of the vocabulary. Here the blocks are the library's own, and the scores must be those of the
    whole model.
    """)
    return


@app.cell
def _(after_block, angles, input_ids, logits, model, stream):
    with torch.no_grad():
        _second = model.model.layers[1](after_block, angles)
        _third = model.model.layers[2](_second, angles)
        by_hand = model.model.norm(_third) @ model.lm_head.weight.T
        hidden = model.hidden(input_ids)
    streams = [stream, after_block, _second, _third]
    torch.testing.assert_close(by_hand, logits)
    torch.testing.assert_close(hidden, model.model.norm(_third))
    mo.md(
        f"The largest difference between these scores and the model's: **{(by_hand - logits).abs().max().item():.1g}**."
    )
    return by_hand, hidden, streams


@app.cell
def _(streams):
    loudness = [one.square().mean().sqrt().item() for one in streams]
    assert loudness == sorted(loudness), "what is added at random makes it louder; hence the norm before each reader"
    plots.lines(
        [0, 1, 2, 3], {"stream": loudness}, x="blocks passed", y="root mean square", marked=True,
        title="Every block adds to the stream",
    )  # fmt: skip
    return (loudness,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who can know of whom?

    Change one token, and see at which places the scores move. Nothing before it may: otherwise the model would be
    trained to read the answer. Choose the place, and what the mask lets a token see.
    """)
    return


@app.cell
def _():
    changed = mo.ui.slider(0, 11, step=1, value=4, label="place of the changed token", show_value=True)
    changed
    return (changed,)


@app.cell
def _():
    sees = mo.ui.radio(
        ["all before it", "two texts in one row", "everything"], value="all before it", label="a token sees"
    )
    sees
    return (sees,)


@app.cell
def _(changed, model, sees):
    before = torch.randint(0, 50, (1, 12), generator=torch.Generator().manual_seed(1))
    _after = before.clone()
    _after[0, changed.value] = (_after[0, changed.value] + 1) % 50
    _texts = torch.tensor([[0] * 7 + [1] * 5])
    mask = {
        "all before it": None,
        "two texts in one row": causal(12) & documents(_texts),
        "everything": torch.ones(1, 12, 12, dtype=torch.bool),
    }[sees.value]
    with torch.no_grad():
        moved = (model(before, mask) - model(_after, mask)).norm(dim=-1)[0]
    plots.value_bars(
        {"moved by": dict(enumerate(moved.tolist()))}, x="place", y="change of the scores",
        title=f"Token {changed.value} is another; seen is {sees.value}",
    )  # fmt: skip
    return before, mask, moved


@app.cell
def _(changed, moved, sees):
    _places = torch.arange(12)
    _may = {
        "all before it": _places >= changed.value,
        "two texts in one row": (_places >= changed.value) & ((_places < 7) == (changed.value < 7)),
        "everything": _places >= 0,
    }[sees.value]
    assert torch.equal(moved > 0, _may), "exactly the places that may know of it, and to the last bit no other"
    assert moved.argmax() == changed.value, "its own place moves most: only there does the stream itself begin with it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One row for each next token

    The scores at place $i$ are about token $i + 1$. So one pass over a text of $n$ tokens gives $n$ predictions, each
    made from what came before it alone. This is why a transformer trains fast: as many lessons as tokens, all at once.
    """)
    return


@app.cell
def _(input_ids, logits, model):
    with torch.no_grad():
        one_by_one = torch.stack([model(input_ids[:, : place + 1])[:, -1] for place in range(6)], dim=1)
    torch.testing.assert_close(one_by_one, logits)
    mo.md(f"Six passes over growing texts give the same **{logits.numel()}** scores as the one pass.")
    return (one_by_one,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Change the first token: every place moves. Change the last: only its own does. With two texts in one row, change
      token 7.
    - Let a token see everything: the bars before the changed place grow out of nothing. BERT is trained like that, and
      cannot write.
    - Set `num_hidden_layers` to 1 in `config`: which cells above need a change, and which shapes?

    Write the block yourself: `groundup learn start pre_norm_block`
    """)
    return


if __name__ == "__main__":
    app.run()
