"""Lesson: linear attention, sums made before the query comes; its recurrent form, its limits, Performer and Linformer."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Linear attention: first sum, then ask", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention import linear
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Linear attention: first sum, then ask

    Attention compares every query with every key, because exp(q · k) cannot be taken apart. If it could, the keys could be
    summed up once, before any query comes. Afterwards you can take it apart in two ways, run attention as a recurrent network,
    and say what that costs: a memory of fixed size cannot hold everything.
    """)
    return


@app.cell
def _():
    _tokens, _width = 100_000, 64
    _cache = 2 * _tokens * _width * 4
    _state = linear.empty_state(torch.zeros(1, 1, 1, _width), torch.zeros(1, 1, 1, _width))
    times = _cache / sum(4 * part.numel() for part in _state)
    mo.md(
        f"To go on after 100,000 tokens, a head of width 64 keeps {_cache / 1e6:.0f} MB of keys and values. Linear attention keeps "
        f"17 KB, **{times:,.0f} times** less, and would keep no more after a million."
    )
    return (times,)


@app.cell
def _(times):
    assert times == 2 * 100_000 * 64 / (64 * 64 + 64)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Brackets, moved

    Let the weight of key $j$ for query $i$ be a product of features, $f(q_i) \cdot f(k_j)$. Then the sum over the keys is

    $$\sum_j \big(f(q_i) \cdot f(k_j)\big)\, v_j \;=\; f(q_i) \cdot \Big(\sum_j f(k_j)\, v_j^T\Big)$$

    Left: each query meets each key. Right: the bracket is made once, for all queries. By hand, with three keys of two features:
    """)
    return


@app.cell
def _():
    _keys = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    _values, _query = torch.tensor([[10.0], [20.0], [30.0]]), torch.tensor([2.0, 1.0])
    pair_by_pair = sum((_query @ one) * value.item() for one, value in zip(_keys, _values, strict=True))
    bracket = _keys.T @ _values
    at_once = (_query @ bracket).item()
    mo.md(
        f"Pair by pair: 2 · 10 + 3 · 20 + 2 · 30 = **{pair_by_pair:.0f}**. The bracket is "
        f"({bracket[0, 0]:.0f}, {bracket[1, 0]:.0f}), and 2 · {bracket[0, 0]:.0f} + 1 · {bracket[1, 0]:.0f} = **{at_once:.0f}**."
    )
    return at_once, bracket, pair_by_pair


@app.cell
def _(at_once, pair_by_pair):
    assert pair_by_pair == at_once == 140
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three ways to the same numbers

    Divided by the same sum without values, this is a mean. Where nothing may look ahead, the bracket grows by one term a token:
    a recurrent network. Step by step is how text is written. To read a given text, chunks are better: pairs inside a
    chunk, the bracket between chunks.
    """)
    return


@app.cell
def _():
    chunk = mo.ui.slider(1, 64, step=9, value=10, label="tokens a chunk", show_value=True)
    chunk
    return (chunk,)


@app.cell
def _(chunk):
    _source = torch.Generator().manual_seed(0)
    _query, _key, _value = (torch.randn(1, 2, 60, 8, generator=_source, dtype=torch.float64) for _ in range(3))
    _query, _key = linear.elu_features(_query), linear.elu_features(_key)
    pairs = linear.linear_attention_reference(_query, _key, _value, causal(60))
    steps, last = linear.causal_linear_attention_recurrent(_query, _key, _value)
    chunks, _ = linear.causal_linear_attention(_query, _key, _value, chunk=chunk.value)
    apart = max((steps - pairs).abs().max().item(), (chunks - pairs).abs().max().item())
    mo.md(
        f"Pairs, steps and chunks of {chunk.value}, over 60 tokens: at most **{apart:.0e}** apart. After the last token the state "
        f"has {last.memory.shape[-2]} x {last.memory.shape[-1]} numbers a head, as after the first."
    )
    return apart, chunks, last, pairs, steps


@app.cell
def _(apart):
    assert apart < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a fixed memory cannot hold

    Store pairs of a random key and a value, then ask for each by its own key. Softmax attention holds every pair apart, and a
    sharp one finds them all. The state of linear attention is one matrix into which all are added: they begin to overlap.
    """)
    return


@app.cell
def _():
    def recall(pairs, width=32, seed=0):
        """The share of stored values that come back as the nearest: by softmax, and by linear attention."""
        generator = torch.Generator().manual_seed(seed)
        keys, values = (torch.randn(1, 1, pairs, width, generator=generator) for _ in range(2))
        ways = {
            "softmax": scaled_dot_product_attention(4 * keys, keys, values),
            "linear, elu + 1": linear.linear_attention(
                linear.elu_features(4 * keys), linear.elu_features(4 * keys), values
            ),
        }
        wanted = torch.arange(pairs)
        centred = values - values.mean(2, keepdim=True)
        return {
            name: (((read - read.mean(2, keepdim=True)) @ centred.mT)[0, 0].argmax(-1) == wanted).float().mean().item()
            for name, read in ways.items()
        }

    sizes = [4, 8, 16, 32, 64, 128, 256]
    found = [recall(size) for size in sizes]
    plots.lines(
        sizes, {name: [one[name] for one in found] for name in found[0]}, x="pairs stored (width 32)", y="share found again",
        log_x=True, title="Recall of a list and of a matrix",
    )  # fmt: skip
    return found, recall, sizes


@app.cell
def _(found, sizes):
    assert all(one["softmax"] > 0.97 for one in found)
    assert found[0]["linear, elu + 1"] > 0.9 > 0.5 > found[-1]["linear, elu + 1"]
    mo.md(
        f"With {sizes[-1]} pairs in a state of 32 x 32, softmax finds {found[-1]['softmax']:.0%}, linear attention "
        f"**{found[-1]['linear, elu + 1']:.0%}**. It is another attention, not a faster one of the same kind; models mix a few "
        "layers of the one with many of the other."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Performer: the same attention, estimated

    Is there an $f$ with $f(q) \cdot f(k) = \exp(q \cdot k)$? Not a finite one, but one at random. For a normal vector $w$,

    $$\mathbb{E}\; e^{w \cdot q - |q|^2/2}\; e^{w \cdot k - |k|^2/2} \;=\; e^{q \cdot k}$$

    so $m$ drawn vectors give $m$ features whose products are right on average, and always positive. If the vectors
    stand at right angles to each other, they repeat each other less. How large the scores are decides how many are needed: move it.
    """)
    return


@app.cell
def _():
    loudness = mo.ui.slider(0.2, 0.8, step=0.2, value=0.4, label="size of queries and keys", show_value=True)
    loudness
    return (loudness,)


@app.cell
def _(loudness):
    _source = torch.Generator().manual_seed(1)
    _query, _key = (loudness.value * torch.randn(1, 4, 64, 16, generator=_source) for _ in range(2))
    _value = torch.randn(1, 4, 64, 16, generator=_source)
    _meant = scaled_dot_product_attention(_query, _key, _value)
    counts = [16, 32, 64, 128, 256, 512, 1024]

    def error(draw, count):
        """How far Performer is from softmax attention, relative to it: the mean over six draws."""
        found = [
            linear.performer_attention(_query, _key, _value, draw(count, torch.Generator().manual_seed(seed))) - _meant
            for seed in range(6)
        ]
        return (torch.stack(found).square().mean() / _meant.square().mean()).sqrt().item()

    errors = {
        "at right angles": [error(lambda m, source: linear.orthogonal_projection(m, 16, source), m) for m in counts],
        "independent": [error(lambda m, source: torch.randn(m, 16, generator=source), m) for m in counts],
    }
    plots.lines(
        counts, errors, x="random features", y="error, relative", log_x=True, log_y=True,
        title=f"Performer beside softmax attention, size {loudness.value:.1f}",
    )  # fmt: skip
    return counts, error, errors


@app.cell
def _(counts, errors, loudness):
    _right = errors["at right angles"]
    assert _right[0] > (4 if loudness.value < 0.5 else 1.2) * _right[-1], "the louder, the slower it falls"
    mo.md(
        f"At size {loudness.value:.1f}, {counts[-1]} features are **{_right[-1]:.1%}** off, {counts[0]} are {_right[0]:.0%} off. Four "
        "times the features halve the error, as with every mean of draws, unless large scores let a single draw outweigh all others."
    )
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(2)
    _query, _key = 0.4 * torch.randn(2, 8, generator=_source, dtype=torch.float64)
    _rows = linear.orthogonal_projection(200_000, 8, _source, torch.float64)
    _products = linear.positive_features(_query[None], _rows) * linear.positive_features(_key[None], _rows)
    estimate, exact = _products.sum().item(), math.exp(_query @ _key)
    assert abs(estimate / exact - 1) < 0.02
    mo.md(f"One pair, 200,000 features: {estimate:.4f}; exp(q · k) is **{exact:.4f}**. Nothing is lost on average.")
    return estimate, exact


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Linformer: fewer keys

    Or leave the softmax alone and shorten the list: $k$ mixtures in place of $n$ keys and values. It works as far as the keys
    repeat each other. Here 256 keys lie near 16 directions; the mixtures are the means of equal stretches, or drawn.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(3)
    _topics = torch.randn(16, 16, generator=_source)
    _key = (_topics.repeat_interleave(16, 0) + 0.1 * torch.randn(256, 16, generator=_source))[None, None]
    _value = (_key @ torch.randn(16, 16, generator=_source)) / 4
    _query = torch.randn(1, 1, 64, 16, generator=_source)
    _meant = scaled_dot_product_attention(_query, _key, _value)
    kept = [2, 4, 8, 16, 32, 64]

    def off(mix):
        """The relative error with these mixtures."""
        return ((linear.linformer_attention(_query, _key, _value, mix, mix) - _meant).norm() / _meant.norm()).item()

    missed = {
        "means of stretches": [off(torch.eye(256).view(k, 256 // k, 256).mean(1)) for k in kept],
        "drawn": [off(torch.randn(k, 256, generator=_source) / 16) for k in kept],
    }
    plots.lines(
        kept, missed, x="mixtures, of 256 keys", y="error, relative", log_x=True, title="Linformer on 16 topics"
    )
    return kept, missed, off


@app.cell
def _(kept, missed):
    _means = dict(zip(kept, missed["means of stretches"], strict=True))
    assert _means[16] < 0.2 < 0.4 < _means[4]
    assert min(missed["drawn"]) > 2 * _means[16], "mixtures have to be learned, and for one length"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Size 0.8 for queries and keys: scores are large, and the error falls slowly. At 0.2 a few features are enough.
    - In `recall`, take a width of 64: linear attention holds more pairs, for four times the state.
    - Chunks of 1 are steps, chunks of 64 are pairs. Both give the same.

    Write it yourself: `groundup learn start linear_attention_step`, `groundup learn start positive_features`
    """)
    return


if __name__ == "__main__":
    app.run()
