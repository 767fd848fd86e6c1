"""Lesson: several attentions side by side, and what is saved when they share their keys and values."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Many heads, few keys", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.model.accounting import count
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.attention.masks import causal
    from groundup.model.attention.multi_head import MultiHeadAttention
    from groundup.model.attention.scaled_dot_product import repeat_heads, scaled_dot_product_attention
    from groundup.model.layers.initialization import initialize


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Many heads, few keys

    One attention takes one mean. A model wants several at once: the subject of the sentence, the word before, the bracket
    that is still open. So it runs many small attentions side by side, the heads. Afterwards you know what a head is, why
    more of them cost nothing, and why models of today let many query heads share few heads of keys and values.
    """)
    return


@app.cell
def _():
    def large(kv_heads):
        """A model of 70 billion parameters: 80 layers, 64 query heads of 128 numbers."""
        return LlamaConfig(
            vocab_size=128_256,
            hidden_size=8192,
            intermediate_size=28_672,
            num_hidden_layers=80,
            num_attention_heads=64,
            num_key_value_heads=kv_heads,
        )

    gigabytes = {heads: count(large(heads)).kv_cache_bytes_per_token(2) * 8192 / 1e9 for heads in (64, 8, 1)}
    mo.md(
        "To go on with a text, a model keeps the keys and values of all that was said. A model of 70 billion parameters with "
        f"64 heads keeps **{gigabytes[64]:.1f} GB** for one conversation of 8,192 tokens, in two bytes a number. If eight "
        f"heads share one head of keys and values, {gigabytes[8]:.1f} GB."
    )
    return gigabytes, large


@app.cell
def _(gigabytes):
    assert (
        abs(gigabytes[64] - 2 * 80 * 64 * 128 * 2 * 8192 / 1e9) < 1e-9
    )  # keys and values, layers, heads, width, bytes
    assert abs(gigabytes[64] / gigabytes[8] - 8) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why more than one

    A token wants two facts that stand at two places: one is written $(4, 0)$, the other $(0, 4)$. A single head has one set of
    weights, which sum to 1: it may take one fact whole, or half of each. Two heads bring both.
    """)
    return


@app.cell
def _():
    _facts = torch.tensor([[4.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    _place = torch.eye(3) * 40  # a key that answers only to its own place
    one = scaled_dot_product_attention(_place[:1] + _place[1:2], _place, _facts)  # asks for both at once
    two = scaled_dot_product_attention(_place[:2], _place, _facts).sum(
        0, keepdim=True
    )  # two queries, what they bring is added
    mo.md(f"One head brings ({one[0, 0]:.0f}, {one[0, 1]:.0f}), two bring **({two[0, 0]:.0f}, {two[0, 1]:.0f})**.")
    return one, two


@app.cell
def _(one, two):
    torch.testing.assert_close(one, torch.tensor([[2.0, 2.0]]))
    torch.testing.assert_close(two, torch.tensor([[4.0, 4.0]]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Heads are slices

    The width is not added to, it is divided: 64 numbers make 8 heads of 8. One matrix projects for all heads together, and a head
    is a slice of its rows. What the heads found is put side by side, and `o_proj` mixes it back into the stream.
    """)
    return


@app.cell
def _():
    def made(kv_heads, heads=8):
        """Attention of width 64, with the first values of a fresh model."""
        module = MultiHeadAttention(64, heads, kv_heads, 64 // heads)
        initialize(module, layers=1, std=0.18, seed=0, scheme="normal")
        return module

    x = torch.randn(1, 12, 64, generator=torch.Generator().manual_seed(1))
    return made, x


@app.cell
def _(made, x):
    _module = made(8)
    with torch.no_grad():
        contributions: list[torch.Tensor] = []
        for _head in range(8):
            _rows = slice(8 * _head, 8 * _head + 8)
            _q, _k, _v = (x @ proj.weight[_rows].T for proj in (_module.q_proj, _module.k_proj, _module.v_proj))
            _found = scaled_dot_product_attention(_q, _k, _v, causal(12))
            contributions = [*contributions, _found @ _module.o_proj.weight[:, _rows].T]
        torch.testing.assert_close(sum(contributions), _module(x, None))
    mo.md(
        f"Eight small attentions, each through its own slice of `o_proj`, added up: the module's output, all **{x.numel()}** "
        "numbers. Each head writes into the stream by itself; they meet only in the sum."
    )
    return (contributions,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So the number of heads changes neither the weights nor the work. It changes how wide each head is: more heads ask more
    questions, each with fewer numbers to ask it in.
    """)
    return


@app.cell
def _(made):
    weights = {heads: sum(p.numel() for p in made(heads, heads).parameters()) for heads in (1, 2, 4, 8, 16, 32)}
    assert set(weights.values()) == {4 * 64 * 64}
    mo.md(f"1, 2, 4, 8, 16 or 32 heads: **{weights[1]:,}** weights each time.")
    return (weights,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sharing keys and values

    Queries are used once and forgotten; keys and values are kept for every later token. So they are what is worth saving.

    | | heads of keys and values | |
    |---|---|---|
    | multi-head | as many as query heads | Vaswani et al. 2017 |
    | grouped-query | a divisor | Ainslie et al. 2023 |
    | multi-query | one | Shazeer 2019 |

    Query head $i$ uses key head $\lfloor i / \text{group} \rfloor$. Choose how many there are.
    """)
    return


@app.cell
def _():
    kv_heads = mo.ui.slider(steps=[1, 2, 4, 8], value=2, label="heads of keys and values", show_value=True)
    kv_heads
    return (kv_heads,)


@app.cell
def _(kv_heads, made, x):
    _module, _groups = made(kv_heads.value), 8 // kv_heads.value
    with torch.no_grad():
        query, key, _value = (
            projected.unflatten(-1, (-1, 8)).transpose(1, 2)
            for projected in (_module.q_proj(x), _module.k_proj(x), _module.v_proj(x))
        )
        looks = scaled_dot_product_attention(
            query, repeat_heads(key, _groups), torch.eye(12).expand(*query.shape[:2], 12, 12), causal(12)
        )
        _found = (looks @ repeat_heads(_value, _groups)).transpose(1, 2).flatten(2)
        torch.testing.assert_close(_module.o_proj(_found), _module(x, None))
    plots.heat_map(
        looks[0, :, -1],
        rows=[f"head {head}, keys {head // _groups}" for head in range(8)],
        x="token",
        title=f"What the last token looks at, 8 query heads on {kv_heads.value} of keys",
        low=0,
        high=1,
    )
    return key, looks, query


@app.cell
def _(key, kv_heads, looks, query):
    assert query.shape[1] == 8
    assert key.shape[1] == kv_heads.value
    _last = looks[0, :, -1]
    _apart = torch.cdist(_last, _last) + torch.eye(8)
    assert _apart.min() > 0.01, "no two heads look alike, however few keys they share"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With a single head of keys all eight rows still differ: the questions are the heads' own. What they lose is the choice of what
    is said about a token: all eight draw from the same values. How much that costs only training tells; the papers
    found little for groups, somewhat more for one.

    ## What it saves

    The cache holds keys and values of every layer: $2 \cdot \text{layers} \cdot \text{kv heads} \cdot \text{head width}$ numbers a
    token. Here the library's own cache is made for a small model and weighed.
    """)
    return


@app.cell
def _():
    def weighed(kv_heads):
        """The bytes of a cache for 1 conversation of 256 tokens: 4 layers, heads of 16, float32."""
        cache = KVCache(layers=4, batch=1, kv_heads=kv_heads, capacity=256, head_dim=16, dtype=torch.float32)
        return sum(tensor.numel() * tensor.element_size() for tensor in cache.keys + cache.values)

    kilobytes = {heads: weighed(heads) / 1000 for heads in (8, 4, 2, 1)}
    plots.value_bars(
        {"cache": kilobytes}, x="heads of keys and values", y="kB", title="The cache of a small model, 256 tokens"
    )
    return kilobytes, weighed


@app.cell
def _(kilobytes):
    assert kilobytes[8] == 2 * 4 * 8 * 16 * 256 * 4 / 1000
    assert kilobytes[8] == 2 * kilobytes[4] == 4 * kilobytes[2] == 8 * kilobytes[1]
    return


@app.cell
def _(large):
    _context = [2**power for power in range(10, 18)]
    cache_gb = {
        f"key heads: {heads}": [count(large(heads)).kv_cache_bytes_per_token(2) * n / 1e9 for n in _context]
        for heads in (64, 8, 1)
    }
    weights_gb = count(large(8)).weight_bytes(2) / 1e9
    plots.lines(
        _context,
        cache_gb,
        x="tokens in the conversation",
        y="GB",
        log_x=True,
        log_y=True,
        levels={"all weights": weights_gb},
        title="70 billion parameters: one conversation",
        marked=True,
    )
    return cache_gb, weights_gb


@app.cell
def _(cache_gb, weights_gb):
    assert cache_gb["key heads: 64"][-1] > 2 * weights_gb > 0, "131,072 tokens weigh more than the model, twice over"
    assert cache_gb["key heads: 8"][-1] < weights_gb / 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A server answers many conversations at once, so the cache decides how many fit. And every new token reads all of it:
    an eighth of the bytes is nearly an eighth of the time where memory is the limit.

    ## Try

    - Set the heads of keys to 8, then to 1: the rows change, and stay different from one another.
    - In `made`, raise `std` to 1: the heads become sharp, each nearly on one token. Fresh models begin with a small one.
    - In the last picture, follow a line to the dashed level: at which length does a conversation outweigh the model?

    Write it yourself: `groundup learn start repeat_heads`
    """)
    return


if __name__ == "__main__":
    app.run()
