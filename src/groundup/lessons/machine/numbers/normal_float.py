"""Lesson: NF4, sixteen levels placed where the weights are."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Levels where the weights are", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.numbers.integers import dequantize, quantize
    from groundup.machine.numbers.normal_float import BITS_PER_WEIGHT, NF4_LEVELS, decode_nf4, encode_nf4, nf4_codes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Levels where the weights are

    Four bits are sixteen levels. Equal steps are the simplest choice, and not the best: trained weights are nearly normal, and
    most of them lie near 0. Afterwards you know where NF4 puts its levels, how QLoRA stores a model in 4.5 bits a weight, and
    when it pays.
    """)
    return


@app.cell
def _():
    def lost(weights, way):
        """The mean squared error, relative to the weights' own mean square."""
        back = decode_nf4(encode_nf4(weights)) if way == "NF4" else dequantize(quantize(weights, 4, group_size=64))
        return float(np.square(back - weights).mean() / np.square(weights).mean())

    _normal = np.random.default_rng(0).normal(size=(256, 1024)).astype(np.float32)
    saved = 1 - lost(_normal, "NF4") / lost(_normal, "INT4")
    mo.md(f"With the same number of bits, NF4 loses **{saved:.0%}** less of a normal matrix than sixteen equal steps.")
    return lost, saved


@app.cell
def _(saved):
    assert 0.2 < saved < 0.5
    assert BITS_PER_WEIGHT == 4.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the levels lie

    Cut the normal distribution into pieces of equal weight and take a level in each: then every level is used about equally
    often, and no code is wasted. NF4 does so for each side, keeps an exact 0, and scales the ends to -1 and 1.
    """)
    return


@app.cell
def _():
    _line = np.linspace(-1, 1, 801, dtype=np.float32)
    plots.lines(
        _line,
        {"NF4": NF4_LEVELS[nf4_codes(_line)], "equal steps": np.rint(_line * 7) / 7},
        x="weight / largest size",
        y="level",
        title="Fine around 0, coarse at the ends",
    )
    return


@app.cell
def _():
    _gaps = np.diff(NF4_LEVELS)
    assert NF4_LEVELS[7] == 0 and (NF4_LEVELS[0], NF4_LEVELS[15]) == (-1, 1)
    assert _gaps.max() > 3.5 * _gaps.min()
    mo.md(
        f"The widest gap is **{_gaps.max():.2f}**, the narrowest {_gaps.min():.2f}; equal steps are {1 / 7:.2f} apart."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How often each code is used

    Weights are divided by the largest size in their block of 64 and go to the nearest level. Choose how the weights lie.
    """)
    return


@app.cell
def _():
    kind = mo.ui.dropdown(["normal", "uniform", "heavy tails"], value="normal", label="weights")
    kind
    return (kind,)


@app.cell
def _(kind):
    _source = np.random.default_rng(1)
    _draw = {
        "normal": lambda: _source.normal(size=64_000),
        "uniform": lambda: _source.uniform(-1, 1, size=64_000),
        "heavy tails": lambda: _source.standard_t(3, size=64_000),
    }[kind.value]
    weights = _draw().astype(np.float32)
    _scaled = (weights.reshape(-1, 64) / np.abs(weights.reshape(-1, 64)).max(1, keepdims=True)).ravel()
    used = {
        "NF4": np.bincount(nf4_codes(_scaled), minlength=16) / len(_scaled),
        "equal steps": np.bincount(np.rint(_scaled * 7).astype(int) + 8, minlength=16) / len(_scaled),
    }
    plots.value_bars(
        {name: dict(enumerate(map(float, shares))) for name, shares in used.items()},
        x="code",
        y="share of the weights",
        title=f"Codes of {kind.value} weights",
    )
    return used, weights


@app.cell
def _(kind, lost, used, weights):
    _bits = {name: float(-(p[p > 0] * np.log2(p[p > 0])).sum()) for name, p in used.items()}
    assert _bits["NF4"] > _bits["equal steps"] + (0.3 if kind.value != "uniform" else 0.0)
    assert (lost(weights, "NF4") < lost(weights, "INT4")) == (kind.value != "uniform")
    mo.md(
        f"Of its 4 bits NF4 uses **{_bits['NF4']:.2f}** for {kind.value} weights (the entropy of its codes), equal steps {_bits['equal steps']:.2f}. "
        f"Lost: {lost(weights, 'NF4'):.2%} against {lost(weights, 'INT4'):.2%} of the mean square."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    For uniform weights equal steps are right, and NF4 is the worse: a format is a bet on how the numbers lie.

    ## Blocks, and the last one

    A scale for each block costs 32 bits. Smaller blocks are closer and dearer; 64 is QLoRA's choice. A tensor that does not fill
    its last block is filled up with zeros inside, and comes back in its own shape.
    """)
    return


@app.cell
def _():
    _weights = np.random.default_rng(2).normal(size=(64, 1024)).astype(np.float32)
    _sizes = [16, 32, 64, 128, 256, 1024]
    errors = [float(np.square(decode_nf4(encode_nf4(_weights, size)) - _weights).mean()) for size in _sizes]
    plots.lines(
        [4 + 32 / size for size in _sizes],
        {"NF4": errors},
        x="bits a weight",
        y="mean squared error",
        marked=True,
        title="Blocks of 16 to 1,024",
    )
    return (errors,)


@app.cell
def _(errors):
    assert all(one < other for one, other in zip(errors, errors[1:], strict=False))
    _odd = np.random.default_rng(3).normal(size=(5, 13)).astype(np.float32)
    _stored = encode_nf4(_odd)
    assert decode_nf4(_stored).shape == (5, 13) and len(_stored.absmax) == 2
    assert _stored.absmax[1] == abs(_odd[4, 12])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Uniform weights: a code is used as often as its gap is wide, least around 0; equal steps are used evenly.
    - Heavy tails: the largest size of a block is an outlier, most weights fall to the middle codes, and NF4 gains most.
    - Write `block_size=63`: a byte holds two codes, and the library asks for an even number.

    Write it yourself: `groundup learn start nf4_codes`
    """)
    return


if __name__ == "__main__":
    app.run()
