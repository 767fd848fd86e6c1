"""Lesson: attention masks, what each of them hides, and how to see from outside that a mask is right."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Masks: who may look at whom", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.masks import causal, documents, padding
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Masks: who may look at whom

    Attention by itself lets every token look at every other. A mask takes some of that away: the future, the neighbour's
    document, the padding. A wrong mask raises no error, and the training loss may even look better for it. Afterwards you
    can write the three masks of a language model, combine them, and measure whether a mask holds.
    """)
    return


@app.cell
def _():
    _ids = torch.arange(512)[None] // 64  # one training row: 8 documents of 64 tokens, one behind another
    _seen = causal(512)[0]
    foreign = (_seen & ~documents(_ids)[0]).sum().item() / _seen.sum().item()
    mo.md(
        "A training row of 512 tokens holds 8 short documents, so that no place is wasted. Under the usual causal mask "
        f"**{foreign:.0%}** of all the looks back go into a document that has nothing to do with the token that looks."
    )
    return (foreign,)


@app.cell
def _(foreign):
    _own, _all = 8 * 64 * 65 / 2, 512 * 513 / 2  # pairs inside the documents, pairs of the row
    assert abs(foreign - (1 - _own / _all)) < 1e-6
    assert foreign > 0.85
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Causal, by hand

    A mask is a table of yes and no: a row for each token that looks (the query), a column for each one looked at (the key).
    A model that is to predict the next token must not see it, so row $i$ says yes to the columns $0$ to $i$.
    """)
    return


@app.cell
def _():
    by_hand = torch.tensor([[key <= query for key in range(4)] for query in range(4)])
    assert torch.equal(by_hand, causal(4)[0])
    plots.heat_map(
        by_hand, rows=range(4), columns=range(4), x="key", y="query", title="1 where the query may look", text=True
    )
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The mask acts before the softmax: a forbidden score becomes the smallest number there is, so its weight is 0 and the others
    still sum to 1. With the identity matrix as values, what attention returns are its weights. All scores are equal here, so
    each query spreads itself evenly over what it sees.
    """)
    return


@app.cell
def _(by_hand):
    weights = scaled_dot_product_attention(torch.zeros(4, 8), torch.zeros(4, 8), torch.eye(4), by_hand)
    mo.md(
        f"The third token gives each of the three it sees **{weights[2, 0]:.3f}**, "
        f"and the fourth, which is to come, {weights[2, 3]:.0f}."
    )
    return (weights,)


@app.cell
def _(by_hand, weights):
    torch.testing.assert_close(weights, by_hand / torch.arange(1, 5)[:, None])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## More keys than queries

    When a text is continued, its earlier keys lie in a cache: 2 new queries meet 6 keys. The last query stands at the last
    key. A mask that starts counting at the first key lets the new tokens see only the oldest ones, and nothing warns.
    """)
    return


@app.cell
def _():
    aligned = mo.ui.radio(
        ["with the last key", "with the first key"], value="with the last key", label="the queries end"
    )
    aligned
    return (aligned,)


@app.cell
def _(aligned):
    step = causal(2, 6)[0] if aligned.value == "with the last key" else torch.ones(2, 6, dtype=torch.bool).tril()
    plots.heat_map(
        step, x="key", y="query", rows=["token 4", "token 5"], title=f"They end {aligned.value}", low=0, high=1
    )
    return (step,)


@app.cell
def _(aligned, step):
    assert (step[-1].all() and step.sum() == 11) == (aligned.value == "with the last key")
    assert torch.equal(causal(2, 6)[0], causal(6)[0, 4:]), "the last rows of the whole text's mask"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Documents and padding

    Masks are combined with `&`: a look must be allowed by all of them. `documents` takes a number for every token, $-1$ for
    padding. `padding` takes the attention mask of a batch whose short rows were filled up at the left.
    """)
    return


@app.cell
def _():
    masks = {
        "causal": causal(8),
        "documents": documents(torch.tensor([[0, 0, 0, 1, 1, 1, 1, -1]])),
        "causal & documents": causal(8) & documents(torch.tensor([[0, 0, 0, 1, 1, 1, 1, -1]])),
        "causal & padding": causal(8) & padding(torch.tensor([[0, 0, 1, 1, 1, 1, 1, 1]])),
        "causal, wrong by one": torch.ones(1, 8, 8, dtype=torch.bool).tril(1),
    }
    return (masks,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does it hold? Ask from outside

    The test needs no look into the code. Change token $j$ at the input and see which outputs move: that is column $j$ of the
    picture. Each layer adds what attention found to the token, so a token always moves itself; everything else must be the
    mask. Choose each mask in turn, then the last one with more layers.
    """)
    return


@app.cell
def _():
    def moved_by(mask, layers):
        """Whether each output (row) moves when one input token (column) is changed, after some layers of attention."""
        tokens = torch.randn(8, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        texts = torch.cat([tokens[None], tokens + 0.5 * torch.eye(8)[:, :, None]])  # as it is, then token j changed
        for _ in range(layers):
            texts = texts + scaled_dot_product_attention(texts, texts, texts, mask)
        return ((texts[1:] - texts[0]).norm(dim=-1) > 1e-9).T

    return (moved_by,)


@app.cell
def _(masks):
    chosen = mo.ui.dropdown(list(masks), value="causal & documents", label="mask")
    chosen
    return (chosen,)


@app.cell
def _():
    layers = mo.ui.slider(1, 6, value=1, label="layers of attention", show_value=True)
    layers
    return (layers,)


@app.cell
def _(chosen, layers, masks, moved_by):
    moved = moved_by(masks[chosen.value], layers.value)
    plots.heat_map(
        moved,
        x="the token that was changed",
        y="the output that moved",
        title=f"{chosen.value}: who is moved by whom, layers: {layers.value}",
        low=0,
        high=1,
    )
    return (moved,)


@app.cell
def _(chosen, layers, masks, moved):
    _allowed = masks[chosen.value][0] | torch.eye(8, dtype=torch.bool)
    if chosen.value == "causal, wrong by one":
        assert moved[0].sum() == min(8, 1 + layers.value), "each layer looks one token further ahead"
    else:
        assert torch.equal(moved, _allowed), "a sound mask holds at every depth"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A mask that is wrong by one lets a token see its successor, which is the answer it is asked for. With six layers the
    first token knows the first seven. A mask that holds is closed: whom the ones that I see can see, I may see already.

    ## A packed row is its documents

    If the mask is right, a document gets from a packed row what it would get alone. The library's loader packs this way and
    lets the positions of each document start at 0.
    """)
    return


@app.cell
def _(masks):
    _x = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(1))
    packed = scaled_dot_product_attention(_x, _x, _x, masks["causal & documents"])
    _leaky = scaled_dot_product_attention(_x, _x, _x, masks["causal"])
    _second = _x[:, 3:7]
    alone = scaled_dot_product_attention(_second, _second, _second, causal(4))
    _far, _near = ((row[:, 3:7] - alone).abs().max().item() for row in (_leaky, packed))
    mo.md(
        f"The second document, alone and in the packed row: the largest difference is **{_near:.0e}** with the document mask "
        f"and {_far:.1f} with the causal mask alone."
    )
    return alone, packed


@app.cell
def _(alone, packed):
    torch.testing.assert_close(packed[:, 3:7], alone)
    assert packed[0, 7].eq(0).all(), "padding sees nothing and gets 0, not 0 / 0"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `causal, wrong by one`, layers from 1 to 6: the leak above the diagonal grows by one a layer.
    - `documents` without `causal`: two full squares. An encoder reads packed text like this, in both directions.
    - Let the queries end with the first key: the last token sees two keys of six. Text generated so forgets what was said.
    - In the first code, divide by 256 instead of 64, for 2 documents: still half of the looks are foreign.

    Write it yourself: `groundup learn start documents`
    """)
    return


if __name__ == "__main__":
    app.run()
