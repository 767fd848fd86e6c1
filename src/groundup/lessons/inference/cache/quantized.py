"""Lesson: keys and values in 8 and 4 bits, what it saves and what it costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Keys in half the bytes", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.cache.paged import PagePool
    from groundup.inference.cache.quantized import QuantizedPool, quantize_vectors


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Keys in half the bytes

    For every token it writes, a model reads the keys and values of all tokens before. In a long text that is more than its weights, so bytes
    are time. Afterwards you can round a key to 8 bits and a scale, and say what it costs the answer.
    """)
    return


@app.cell
def _():
    _sizes = dict(pages=1, rows=1, page_size=32)
    bf16 = PagePool(32, 8, 128, dtype=torch.bfloat16, **_sizes).page_bytes / 32  # a model of 8 billion numbers
    eight, four = (QuantizedPool(32, 8, 128, codec=codec, **_sizes).page_bytes / 32 for codec in ("int8", "int4"))
    mo.md(
        f"A model of 8 billion numbers keeps {bf16:,.0f} bytes a token, so a text of 100,000 tokens takes **{bf16 / 1e4:.1f} GB**; "
        f"in 8 bits {eight / 1e4:.1f}, in 4 bits {four / 1e4:.1f}."
    )
    return bf16, eight, four


@app.cell
def _(bf16, eight, four):
    assert bf16 == 32 * 2 * 8 * 128 * 2
    assert eight / bf16 < 0.53 and four / bf16 < 0.32
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A scale for each vector

    Eight bits hold whole numbers up to 127. So a vector is divided by a scale that brings its largest number to 127, and rounded. Tokens differ in
    loudness: were the scale shared, a loud one would leave nothing of a quiet one. Below are two keys, the first 1,000 times as loud.
    """)
    return


@app.cell
def _():
    keys = np.array([[[1270.0, 300.0], [1.27, 0.64]]], np.float32)
    codes, scales = quantize_vectors(keys, bits=8, group_size=2)
    _shared_scale = np.abs(keys).max() / 127
    lost = np.rint(keys / _shared_scale).astype(int)
    mo.md(
        f"Each with its own scale: {codes[0].tolist()}. With one scale for both: {lost[0].tolist()}; the second key is **gone**."
    )
    return codes, keys, lost, scales


@app.cell
def _(codes, keys, lost, scales):
    assert codes[0].tolist() == [[127, 30], [127, 64]]
    assert not lost[0, 1].any()
    assert np.abs(codes * scales - keys).max(axis=-1).tolist()[0][0] <= 10 / 2, "off by half a step at most"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the answer loses

    Attention scores a query against 200 kept keys and mixes their values. A score is a sum of products, so a scale can be taken out of it:
    the codes are multiplied as they are, and the result by the scale. Move the slider to the number of bits.
    """)
    return


@app.cell
def _():
    bits = mo.ui.slider(2, 8, value=4, label="bits", show_value=True)
    bits
    return (bits,)


@app.cell
def _(bits):
    _draws = np.random.default_rng(0)
    _query, _kept, _values = _draws.normal(size=64), _draws.normal(size=(1, 200, 64)), _draws.normal(size=(1, 200, 64))

    def _rounded(vectors, size):
        """The numbers that codes of so many bits stand for."""
        whole, scale = quantize_vectors(vectors.astype(np.float32), size, 32)
        return (whole.reshape(*scale.shape, -1) * scale[..., None]).reshape(vectors.shape)

    def _mixed(some_keys, some_values):
        """Attention of the _query over keys and _values."""
        shares = np.exp(some_keys[0] @ _query / 8)
        return shares @ some_values[0] / shares.sum()

    _exact = _mixed(_kept, _values)
    errors = {
        size: np.linalg.norm(_mixed(_rounded(_kept, size), _rounded(_values, size)) - _exact) / np.linalg.norm(_exact)
        for size in range(2, 9)
    }
    plots.lines(
        list(errors), {"error": list(errors.values())}, x="bits", y="error of the result, relative", log_y=True,
        title=f"{bits.value} bits: the result of attention is off by {errors[bits.value]:.1%}", marked=bits.value,
    )  # fmt: skip
    return (errors,)


@app.cell
def _(errors):
    assert errors[8] < 0.02 < errors[4] < 0.5
    assert errors[2] > errors[4] > errors[6] > errors[8]
    assert 4 < errors[4] / errors[8] < 64, "four bits more divide a step by 18"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Loud coordinates

    Keys of trained models have a few coordinates that are loud in every token. Such a one sets the scale of its group, and with 4 bits the
    quiet numbers beside it fall on 0. Groups keep the damage small: only the 32 numbers of one group suffer. Below, coordinate 5 of 64 is made
    louder and louder.
    """)
    return


@app.cell
def _():
    def _error(loud, size):
        """How far the other 63 numbers of a key are off, relative to their size, when coordinate 5 is so loud."""
        key = np.random.default_rng(1).normal(size=(1, 100, 64)).astype(np.float32)
        key[..., 5] *= loud
        codes, scale = quantize_vectors(key, 4, size)
        back = (codes.reshape(*scale.shape, -1) * scale[..., None]).reshape(key.shape)
        others = np.arange(64) != 5
        return np.linalg.norm((back - key)[..., others]) / np.linalg.norm(key[..., others])

    _louder = [1, 2, 4, 8, 16, 32]
    spoiled = {f"groups of {size}": [_error(loud, size) for loud in _louder] for size in (64, 32, 16)}
    plots.lines(
        _louder, spoiled, x="times as loud", y="error of the others", log_x=True, title="One loud number in 4 bits"
    )
    return (spoiled,)


@app.cell
def _(spoiled):
    assert spoiled["groups of 64"][-1] > 0.7, "nearly all that is beside it is lost"
    assert spoiled["groups of 16"][-1] < spoiled["groups of 32"][-1] < spoiled["groups of 64"][-1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In pages

    `QuantizedPool` is a pool of pages like the other: the same tables, the same sharing. A key is rounded when its token comes, and never again.
    Below ten keys are written into pages and taken out.
    """)
    return


@app.cell
def _():
    _pool = QuantizedPool(1, 2, 64, codec="int8", pages=4, rows=1, page_size=4)
    _row = _pool.open()
    _pool.allocate(_row, 10)
    given = torch.randn(2, 10, 64, generator=torch.Generator().manual_seed(0))
    _pool.write(0, _pool.view([_row], [10]).slots, given, given)
    back = _pool.gather(0, _row, 10)[0]
    mo.md(
        f"The keys that come out are off by **{(back - given).norm() / given.norm():.2%}**, and take {_pool.page_bytes} bytes a page of four tokens."
    )
    return back, given


@app.cell
def _(back, given):
    assert back.shape == given.shape
    assert 0 < (back - given).norm() < 0.01 * given.norm()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - From 8 bits down, each bit about doubles the error: a step is twice as wide.
    - With 8 bits in place of 4 in `_error`, a coordinate 32 times as loud does little harm: 8 bits are safe, 4 bits are to be measured first.
    - Groups of 8 instead of 32: a smaller error, and more bytes for scales.

    Write it yourself: `groundup learn start quantize_vectors`
    """)
    return


if __name__ == "__main__":
    app.run()
