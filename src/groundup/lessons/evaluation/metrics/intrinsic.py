"""Lesson: bits a byte, the loss that does not depend on the tokenizer, and windows over texts that are too long."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Bits a byte: a loss that can be compared", width="medium")

with app.setup:
    import math
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.evaluation.metrics.intrinsic import (
        TokenDocuments,
        bits_per_byte,
        fit_ngram,
        gap_closed,
        ngram_bits_per_byte,
        per_byte,
        tokenize,
        windows,
    )
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Bits a byte: a loss that can be compared

    How good is a language model? The first answer is how much it is surprised by text that it never saw. The usual figure for it,
    perplexity, cannot be compared between models. Afterwards you can compute the one that can, also for texts longer than the
    model's context, and say how far a model still is from the best there can be.
    """)
    return


@app.cell
def _():
    _train = [document.text for document in tinyworld.sample(0, 500)]
    held = list(tinyworld.sample(0, 100, split="heldout"))
    orders, sizes = [1, 2, 3, 4], [264, 320, 512, 1024]
    measured = {}
    for _size in sizes:
        _tokenizer = train_tokenizer(iter(_train), TokenizerConfig(vocab_size=_size))
        _documents, _unseen = tokenize(_train, _tokenizer), tokenize([one.text for one in held], _tokenizer)
        for _order in orders:
            _model = fit_ngram(_documents, _order, _tokenizer.vocab_size)
            measured[_size, _order] = ngram_bits_per_byte(_model, _unseen)
    small, large = measured[264, 2], measured[1024, 2]
    mo.md(
        "The same stories, the same kind of model (which token followed which, counted), two tokenizers. With 264 tokens its perplexity is "
        f"**{2**small.per_token:.1f}**, with 1,024 it is **{2**large.per_token:.1f}**. The second is the better model by far."
    )
    return held, large, measured, orders, sizes, small


@app.cell
def _(large, small):
    assert 2**large.per_token > 1.2 * 2**small.per_token, "perplexity prefers the first"
    assert large.per_byte < 0.8 * small.per_byte, "and the second predicts the text better"
    assert np.array_equal(small.sizes, large.sizes), "it is the same text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What perplexity hides

    Perplexity is $2^{\text{bits a token}}$: among how many equally likely tokens the model hesitates. But a token of the first tokenizer
    is one letter or two, and one of the second is a word. To hesitate among 20 words is better than among 10 letters, five times in a row.
    The text itself is the same, so divide by what both have in common: its bytes.

    $$\text{bits a byte} = \frac{-\sum_i \log_2 P(\text{token}_i \mid \text{tokens before})}{\text{bytes of the text}}$$

    Both measures over four tokenizers, each as a multiple of its value with the smallest. Less is better. Move the order: how many
    tokens the model looks at, the predicted one included.
    """)
    return


@app.cell
def _(orders):
    order = mo.ui.slider(orders[0], orders[-1], value=2, label="order", show_value=True)
    order
    return (order,)


@app.cell
def _(measured, order, sizes):
    perplexity = [2 ** measured[size, order.value].per_token for size in sizes]
    bits = [measured[size, order.value].per_byte for size in sizes]
    plots.lines(
        sizes,
        {
            "perplexity": [value / perplexity[0] for value in perplexity],
            "bits a byte": [value / bits[0] for value in bits],
        },
        x="tokens in the vocabulary",
        y="times that of the smallest",
        log_x=True,
        log_y=True,
        marked=True,
        title=f"Order {order.value}: perplexity {perplexity[0]:.1f} to {perplexity[-1]:.1f}, bits a byte {bits[0]:.2f} to {bits[-1]:.2f}",
    )
    return bits, perplexity


@app.cell
def _(bits, measured, order, perplexity, sizes):
    assert order.value > 2 or (perplexity[-1] > perplexity[0] and bits[-1] < bits[0]), "they disagree"
    for _size, _bits in zip(sizes, bits, strict=True):
        _one = measured[_size, order.value]
        _tokens_a_byte = _one.tokens / _one.sizes.sum()
        assert abs(_bits - _one.per_token * _tokens_a_byte) < 1e-9, "what connects them is how the text is cut"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Add first, divide once

    Three texts: two of one word, one of a page. Each has its own bits a byte. The mean of these three numbers lets two words decide;
    the sum of the bits over the sum of the bytes is what a file with all three would take.
    """)
    return


@app.cell
def _():
    nats = np.array([20.0, 18.0, 1200.0]) * math.log(2)  # a model's loss in bits, as nats
    text_bytes = np.array([5, 6, 1000])
    own = nats / math.log(2) / text_bytes
    whole = per_byte(nats, text_bytes)
    mo.md(
        f"Each by itself: {own[0]:.1f}, {own[1]:.1f} and {own[2]:.1f} bits a byte. Their mean is {own.mean():.2f}; "
        f"the three together are **{whole:.2f}**."
    )
    return nats, own, text_bytes, whole


@app.cell
def _(nats, own, text_bytes, whole):
    assert abs(whole - 1238 / 1011) < 1e-12
    assert abs(whole - (own * text_bytes).sum() / text_bytes.sum()) < 1e-12, "a mean, weighted by bytes"
    assert per_byte(nats[::-1], text_bytes[::-1]) == whole
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Longer than the context

    A text of 24 tokens, a model that reads at most 8. It is read in windows, and every token must be scored exactly once. Windows that
    do not overlap are cheap, but the first token of each is predicted from nearly nothing. So a window begins earlier: what is pale was
    read, what is dark is scored. The stride is how many tokens a window scores after the first one.
    """)
    return


@app.cell
def _():
    stride = mo.ui.slider(1, 8, value=4, label="stride", show_value=True)
    stride
    return (stride,)


@app.cell
def _(stride):
    cut = windows([24], context=8, stride=stride.value)
    picture = np.zeros((len(cut), 24))
    for _row, _window in enumerate(cut):
        picture[_row, _window.start : _window.end] = 0.3
        picture[_row, _window.scored : _window.end] = 1.0
    read = sum(window.end - window.start for window in cut)
    least = min((window.scored - window.start + 1 for window in cut[1:]), default=0)
    plots.heat_map(
        picture,
        x="token",
        y="window",
        low=0,
        high=1,
        title=f"{read} tokens are read to score 24; after the first window each is predicted from at least {least}",
    )
    return cut, least, picture, read


@app.cell
def _(cut, least, picture, read, stride):
    assert ((picture == 1).sum(0) == 1).all(), "each token is scored once"
    assert least == 8 - stride.value + 1
    assert max(window.end - window.start for window in cut) == 8
    assert (read == 24) == (stride.value == 8), "only windows that do not overlap read everything once"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What overlapping gains

    Measured with a model that must look back: it begins knowing nothing, and expects of each text what it has seen in it so far (a token that
    came $n$ times among $m$ has probability $(n + 1) / (m + 16)$ of 16). Its texts each have favourite tokens of their own. Below,
    its bits a byte on one and the same text, by the stride.
    """)
    return


@app.cell
def _():
    class _Counting:
        """A model that expects what it has seen in its window."""

        config = SimpleNamespace(vocab_size=16, max_position_embeddings=64)

        def __call__(self, input_ids):
            seen = torch.nn.functional.one_hot(input_ids, 16).cumsum(1).double()
            return ((seen + 1) / (seen.sum(-1, keepdim=True) + 16)).log()

    _source = np.random.default_rng(0)
    _texts = [_source.choice(15, 600, p=_source.dirichlet(np.full(15, 0.3))) for _ in range(20)]
    long_texts = TokenDocuments(
        np.concatenate(_texts).astype(np.int32), np.arange(0, 601 * 20, 600), np.full(20, 600), end_id=15
    )
    strides = [1, 2, 4, 8, 16, 32, 48, 64]
    by_stride = [bits_per_byte(_Counting(), long_texts, stride=one) for one in strides]
    cost = [
        sum(window.end - window.start for window in windows([601], 64, one)) / 601 for one in strides
    ]  # how often a token is read
    plots.lines(
        strides,
        {"bits a byte": [one.per_byte for one in by_stride]},
        x="stride (context 64)",
        y="bits a byte",
        log_x=True,
        marked=True,
        title=f"Half a context, the library's choice, reads each token {cost[5]:.1f} times; stride 1 {cost[0]:.0f} times",
    )
    return by_stride, cost, long_texts, strides


@app.cell
def _(by_stride, cost, strides):
    _bits = dict(zip(strides, (one.per_byte for one in by_stride), strict=True))
    assert _bits[1] < _bits[32] < _bits[64]
    assert (_bits[64] - _bits[32]) > 0.6 * (_bits[64] - _bits[1]), "half a context gains most of what there is"
    assert cost[-1] == 1 and cost[5] < 2 and cost[0] > 50
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So a figure without its context and stride says little: the same model has all of these values. And the number of documents decides how far it
    can be trusted; `interval` draws the documents again and again (`groundup learn lesson calibration`).

    ## How far is there to go?

    A loss of 0 is impossible: text holds choices that nobody can foresee. For this small world the entropy is known exactly, because the grammar says how
    likely each story is. That is the floor.
    """)
    return


@app.cell
def _(held, measured, orders):
    _bytes = sum(len(document.text.encode()) for document in held)
    floor = -sum(document.log_probability for document in held) / math.log(2) / _bytes
    intervals = {f"order {order}": measured[512, order].interval(resamples=500) for order in orders}
    closed = gap_closed(measured[512, 4].per_byte, measured[512, 1].per_byte, floor)
    plots.bits_per_byte_bars(
        {
            "100 new stories": {name: one._asdict() for name, one in intervals.items()} | {"floor": {"value": floor}},
        },
        title=f"512 tokens: order 4 has gone {closed:.0%} of the way from order 1 to the floor",
    )
    return closed, floor, intervals


@app.cell
def _(closed, floor, intervals):
    _values = [one.value for one in intervals.values()]
    assert _values[0] > _values[1] > _values[2] and min(_values) > floor
    assert all(one.low < one.value < one.high for one in intervals.values())
    assert 0.3 < closed < 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Stride 8: no overlap, and every eighth token is predicted from one token alone. Stride 1: each new token costs a whole window.
    - Order 1 and 2: perplexity rises with the vocabulary and bits a byte fall. Look at how wide the gap becomes.
    - Give `dirichlet` 30 instead of 0.3: the texts have no favourites, there is nothing to find in the context, and the stride matters little.

    Write it yourself: `groundup learn start per_byte`, then `groundup learn start windows`
    """)
    return


if __name__ == "__main__":
    app.run()
