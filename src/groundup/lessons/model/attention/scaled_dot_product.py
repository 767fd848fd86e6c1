"""Lesson: scaled dot-product attention, and why its scores are divided by the root of the width."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Attention: a mean that chooses", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Attention: a mean that chooses

    A word is understood from the words around it. Attention lets every position look at all others and take a mean of
    what it finds, weighted by how well each answers its question. Afterwards you can compute it by hand, read its
    picture, and say what the division in its formula is for.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _query = torch.randn(200, 512, generator=_source)
    _key = torch.randn(200, 16, 512, generator=_source)
    _scores = (_query[:, None] @ _key.transpose(1, 2))[:, 0]
    loudest_unscaled = _scores.softmax(-1).amax(-1).mean().item()
    loudest_scaled = (_scores / 512**0.5).softmax(-1).amax(-1).mean().item()
    mo.md(
        f"200 random queries, each with 16 random keys, 512 numbers wide. The best key gets **{loudest_unscaled:.0%}** of the "
        f"attention; if the scores are divided by the root of the width, **{loudest_scaled:.0%}**. Nothing here has learned "
        "anything: why is the first so sure of itself?"
    )
    return loudest_scaled, loudest_unscaled


@app.cell
def _(loudest_scaled, loudest_unscaled):
    assert loudest_unscaled > 0.9
    assert loudest_scaled < 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three words, by hand

    Every word has three vectors: a **query** (what am I looking for?), a **key** (what do I answer to?) and a **value** (what
    do I give?). Here they are two numbers wide and chosen so that one can follow them: the verb looks for a noun.
    """)
    return


@app.cell
def _():
    words = ["the", "cat", "sleeps"]
    query = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    key = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    value = torch.tensor([[1.0, 0.0], [0.0, 10.0], [5.0, 5.0]])
    return key, query, value, words


@app.cell
def _(key, query, value):
    scores = query @ key.T / 2**0.5  # who answers whom; 2 is the width
    weights = scores.softmax(dim=-1)  # each row: positive, and 1 in all
    by_hand = weights @ value
    mo.md(
        f"`sleeps` takes {weights[2, 1]:.1%} of its mean from `cat`, and becomes ({by_hand[2, 0]:.2f}, {by_hand[2, 1]:.2f})."
    )
    return by_hand, scores, weights


@app.cell
def _(by_hand, key, query, value, weights):
    torch.testing.assert_close(by_hand, scaled_dot_product_attention(query, key, value))
    torch.testing.assert_close(by_hand, functional.scaled_dot_product_attention(query[None], key[None], value[None])[0])
    assert torch.allclose(weights.sum(-1), torch.ones(3))
    assert torch.allclose(weights[0], torch.full((3,), 1 / 3)), "who asks nothing takes the plain mean"
    return


@app.cell
def _(weights, words):
    plots.heat_map(
        weights, rows=words, columns=words, x="looks at (key)", y="the word (query)", title="Weights by hand", text=True
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why divide?

    $$\text{attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^T}{\sqrt{d}}\right) V$$

    A score is a sum of $d$ products. If the numbers are independent with variance 1, so is each product, and the sum has
    variance $d$: scores grow with $\sqrt{d}$, and a softmax of large numbers puts everything on the largest. Move the width.
    """)
    return


@app.cell
def _():
    width = mo.ui.slider(steps=[1, 4, 16, 64, 256, 1024], value=64, label="width of the vectors", show_value=True)
    width
    return (width,)


@app.cell
def _(width):
    _source = torch.Generator().manual_seed(1)
    _query = torch.randn(500, 1, width.value, generator=_source)
    _key = torch.randn(500, 16, width.value, generator=_source)
    raw = (_query @ _key.transpose(1, 2))[:, 0]
    ordered = {
        "not divided": raw.softmax(-1).sort(-1, descending=True).values.mean(0),
        "divided by the root of the width": (raw / width.value**0.5)
        .softmax(-1)
        .sort(-1, descending=True)
        .values.mean(0),
    }
    return ordered, raw


@app.cell
def _(ordered, width):
    plots.value_bars(
        {name: dict(enumerate(values.tolist(), 1)) for name, values in ordered.items()},
        x="keys, the best first",
        y="share of the attention",
        title=f"16 keys, width {width.value}",
    )
    return


@app.cell
def _(ordered, raw, width):
    assert abs(raw.var().item() / width.value - 1) < 0.15, "the variance of a score is the width"
    _divided = ordered["divided by the root of the width"][0]
    assert 0.1 < _divided < 0.4, "whatever the width, the best of 16 keys gets about a quarter"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is lost when it is too sure

    A softmax that has put all weight on one key has no slope: a change of the scores changes nothing, so the gradient
    that should teach the queries and keys vanishes. This is measured, not derived.
    """)
    return


@app.cell
def _():
    def slope(width, divided):
        """How much the weights of random keys react to their scores: the mean size of the softmax's gradient."""
        source = torch.Generator().manual_seed(2)
        raw = torch.randn(400, 16, generator=source) * width**0.5
        weights = (raw / width**0.5 if divided else raw).softmax(-1)
        return (weights * (1 - weights)).mean().item()  # the diagonal of the softmax's Jacobian

    widths = [2**power for power in range(13)]
    slopes = {
        "not divided": [slope(width, False) for width in widths],
        "divided": [slope(width, True) for width in widths],
    }
    plots.lines(widths, slopes, x="width", y="slope of the softmax", title="Saturation", log_x=True)
    return slope, slopes, widths


@app.cell
def _(slopes):
    assert slopes["not divided"][-1] < slopes["not divided"][0] / 8
    assert max(slopes["divided"]) < 1.001 * min(slopes["divided"])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who may look at whom

    A model that writes must not see what comes next. A mask is `True` where a query may look; give attention the identity
    matrix as values, and what comes back are the weights themselves.
    """)
    return


@app.cell
def _():
    seen = mo.ui.dropdown(
        ["every word", "only what came before", "nothing"], value="only what came before", label="sees"
    )
    seen
    return (seen,)


@app.cell
def _(seen):
    _source = torch.Generator().manual_seed(3)
    _query, _key = torch.randn(2, 8, 16, generator=_source)
    _mask = {"every word": None, "only what came before": causal(8)[0], "nothing": torch.zeros(8, 8, dtype=torch.bool)}
    masked = scaled_dot_product_attention(_query, _key, torch.eye(8), _mask[seen.value])
    plots.heat_map(masked, x="key", y="query", title=f"Weights: sees {seen.value}", low=0, high=1)
    return (masked,)


@app.cell
def _(masked, seen):
    assert masked.isfinite().all(), "a query with nothing to look at gives 0, not 0 / 0"
    assert torch.allclose(masked.sum(-1), torch.zeros(8) if seen.value == "nothing" else torch.ones(8), atol=1e-6)
    assert seen.value == "every word" or masked.triu(1).eq(0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the width to 1: the two bars are the same. To 1024: one key gets nearly everything, undivided.
    - Change `query[2]` above to `[3, 0]`: whom does `sleeps` look at now?
    - Shuffle the keys and values together: nothing changes. Attention knows no order; positions have to bring it.

    Write it yourself: `groundup learn start scaled_dot_product_attention`
    """)
    return


if __name__ == "__main__":
    app.run()
