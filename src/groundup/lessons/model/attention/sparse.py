"""Lesson: sparse attention, which pairs of tokens are worth comparing, and how to compute no others."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Sparse attention: a few looks are enough", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from groundup import plots
    from groundup.model.attention import sparse
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Sparse attention: a few looks are enough

    In full attention each token looks at every token before it. Most of these looks bring nothing. A pattern says beforehand
    which are kept. Afterwards you know the patterns of the well-known models, can say how far word travels under each, and why a
    mask alone saves no time at all.
    """)
    return


@app.cell
def _():
    _n, _window = 16_384, 128
    _all = _n * (_n + 1) / 2
    _kept = sum(min(i + 1, _window + 1) + (i > _window) for i in range(_n))
    share = _kept / _all
    mo.md(
        f"In a text of 16,384 tokens there are {_all / 1e6:.0f} million looks back. If each token sees the {_window} before it "
        f"and the very first, **{share:.1%}** of them are left."
    )
    return (share,)


@app.cell
def _(share):
    _small = (sparse.local(512, 512, 4) | sparse.global_tokens(512, 512, [0])) & causal(512)
    assert _small.sum() == sum(min(i + 1, 5) + (i > 4) for i in range(512)), "the same count, by the mask"
    assert share < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Patterns are masks

    Each is a small rule about two places, and rules are joined: `|` adds looks, `&` takes some away.

    - **window**: not further apart than `reach`
    - **strided** (Child et al. 2019): the last `stride` tokens, and every `stride`-th before them
    - **fixed**: one's own stretch, and the last place of each stretch before, which can sum it up
    - **Longformer**: a window, and a token that sees all and is seen by all
    - **BigBird**: the same, and a few drawn at random

    The first three never look ahead; the last two come from models that read a whole text at once.
    """)
    return


@app.cell
def _():
    pattern = mo.ui.dropdown(["window", "strided", "fixed", "Longformer", "BigBird"], value="strided", label="pattern")
    pattern
    return (pattern,)


@app.cell
def _(pattern):
    def pattern_of(name, length):
        """A mask (length, length) of this name: windows of 4, strides of 6."""
        made = {
            "window": sparse.local(length, length, 4) & causal(length),
            "strided": sparse.strided_pattern(length, 6),
            "fixed": sparse.fixed_pattern(length, 6),
            "Longformer": sparse.longformer(length, 2, [0]),
            "BigBird": sparse.bigbird(length, 1, [0], 2, seed=1),
        }
        return made[name][0]

    shown = pattern_of(pattern.value, 36)
    plots.heat_map(
        shown, x="key", y="query", low=0, high=1,
        title=f"{pattern.value}: {shown.float().mean():.0%} of all pairs",
    )  # fmt: skip
    return pattern_of, shown


@app.cell
def _(pattern, shown):
    assert shown.diagonal().all(), "every token sees itself"
    assert (shown == shown.tril()).all() == (pattern.value in ("window", "strided", "fixed"))
    assert 0.05 < shown.float().mean() < 0.35
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far word travels

    A layer passes on what it has heard. So after two layers a token knows of all that its neighbours knew after one: multiply
    the mask by itself and see where the product is not 0. With a window, news travels one window a layer. Strides of about
    the root of the length bring all of it in two.
    """)
    return


@app.cell
def _(pattern_of):
    def heard(mask, layers):
        """The share of all tokens that the last one knows of, after each number of layers."""
        step, known, shares = mask.float(), torch.eye(len(mask)), []
        for _ in range(layers):
            known = ((known @ step) > 0).float()
            shares.append(known[-1].mean().item())
        return shares

    travelled = {
        name: heard(pattern_of(name, 36), 10) for name in ("window", "strided", "fixed", "Longformer", "BigBird")
    }
    plots.lines(
        range(1, 11), travelled, x="layers", y="share known to the last token",
        title="News of 36 tokens",
    )  # fmt: skip
    return heard, travelled


@app.cell
def _(travelled):
    assert travelled["strided"][1] == travelled["Longformer"][1] == travelled["BigBird"][1] == 1
    _window = [min(36, 4 * layers + 1) / 36 for layers in range(1, 11)]
    torch.testing.assert_close(torch.tensor(travelled["window"]), torch.tensor(_window))
    assert travelled["fixed"][1] == 1
    mo.md(
        f"The window knows of **{travelled['window'][1]:.0%}** after two layers, all others of everything. In the fixed pattern a token "
        "that is no summary is heard of, further on, only through the summary of its stretch."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A mask saves nothing

    `scaled_dot_product_attention` with a mask compares all pairs and then hides most. To save, the hidden ones must not be
    computed. Processors like solid blocks, so the text is cut into blocks, each block of queries gathers the blocks of keys
    that it may see, and a small mask cuts single pairs at the edges.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 2, 1024, 16, generator=_source, dtype=torch.float64) for _ in range(3))

    def counted(work):
        """What it gives, and the operations of its matrix products."""
        with FlopCounterMode(display=False) as counter:
            result = work()
        return result, counter.get_total_flops()

    _mask = (sparse.local(1024, 1024, 32) | sparse.global_tokens(1024, 1024, [0])) & causal(1024)
    masked, many = counted(lambda: scaled_dot_product_attention(query, key, value, _mask))
    gathered, few = counted(lambda: sparse.local_global_attention(query, key, value, 32, [0], causal=True, size=32))
    mo.md(
        f"1,024 tokens, a window of 32 and one global token. Masked: {many / 1e6:.0f} million operations. In blocks: "
        f"**{few / 1e6:.0f} million**, for the same numbers to {(masked - gathered).abs().max():.0e}."
    )
    return counted, few, gathered, key, many, masked, query, value


@app.cell
def _(few, gathered, many, masked):
    torch.testing.assert_close(masked, gathered, atol=1e-12, rtol=0)
    assert few * 8 < many
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The size of a block is a compromise. Small ones follow the pattern closely and make many little products; large ones compute
    pairs that the small mask then throws away.
    """)
    return


@app.cell
def _():
    size = mo.ui.dropdown(["8", "16", "32", "64", "128", "256"], value="32", label="tokens a block")
    size
    return (size,)


@app.cell
def _(counted, key, masked, query, size, value):
    def spent(tokens):
        """The operations with blocks of this size; the result is always the same."""
        result, operations = counted(
            lambda: sparse.local_global_attention(query, key, value, 32, [0], causal=True, size=tokens)
        )
        assert torch.allclose(result, masked, atol=1e-12)
        return operations / 1e6

    operations = {f"blocks of {tokens}": spent(tokens) for tokens in (8, 32, 128)}
    operations |= {f"blocks of {size.value}, chosen": spent(int(size.value))}
    plots.value_bars({"millions": operations}, y="million operations", title="Blocks of one result")
    return operations, spent


@app.cell
def _(many, operations):
    assert operations["blocks of 8"] < operations["blocks of 32"] < operations["blocks of 128"] < many / 1e6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One rule, two scales

    The same functions make patterns of blocks: give them numbers of blocks in place of tokens. BigBird is defined so. Twelve
    blocks of four tokens, written out:
    """)
    return


@app.cell
def _():
    blocks = sparse.bigbird(12, 1, [0], 2, seed=3)
    tokens = sparse.in_tokens(blocks, 4, 48)[0]
    plots.heat_map(tokens, x="key", y="query", low=0, high=1, title="BigBird: window, global and drawn blocks")
    return blocks, tokens


@app.cell
def _(blocks, tokens):
    assert tokens.float().mean() == blocks.float().mean()
    assert torch.equal(tokens[::4, ::4], blocks[0])
    _each = blocks[0].sum(1)
    mo.md(
        f"Apart from the global block, a row sees {_each[1:].min()} to {_each[1:].max()} blocks, however many there are."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Look at "fixed": its columns are the last places of the stretches. What if the place to be found is none of them?
    - Blocks of 8 take the fewest operations. On a real machine they are slow; the benchmark of complexity uses 64.
    - Give `bigbird` other seeds: the drawn blocks move, and two layers still reach everything.

    Write it yourself: `groundup learn start strided`
    """)
    return


if __name__ == "__main__":
    app.run()
