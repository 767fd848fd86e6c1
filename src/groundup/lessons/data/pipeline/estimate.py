"""Lesson: how many tokens a corpus has, read from a small part of it, and how far the truth may be."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="How many tokens, give or take", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.pipeline.estimate import ratio_estimate, summed
    from groundup.foundations.probability.special import student_quantile


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # How many tokens, give or take

    Before a terabyte of text is tokenized one wants to know what comes out: it decides how long a training lasts. Reading a
    hundredth of one percent is enough to know it within a percent. Afterwards you can say how many tokens a corpus has, and how
    far the truth may be from what you said.
    """)
    return


@app.cell
def _():
    _draw = np.random.default_rng(0)
    blocks = 2_000
    sizes = _draw.integers(200_000, 300_000, blocks).astype(float)
    _language = _draw.random(blocks) < 0.3
    tokens = np.round(sizes * np.where(_language, _draw.normal(0.45, 0.03, blocks), _draw.normal(0.24, 0.02, blocks)))
    truth = tokens.sum()
    _chosen = _draw.choice(blocks, 40, replace=False)
    first = summed(tokens[_chosen].astype(int).tolist(), sizes[_chosen].astype(int).tolist(), int(sizes.sum()), blocks)
    mo.md(
        f"A corpus of {blocks:,} blocks has {truth / 1e6:.1f} million tokens. From 40 of them, {40 / blocks:.0%} of the text, the "
        f"estimate is **{first.tokens / 1e6:.1f} million, between {first.low / 1e6:.1f} and {first.high / 1e6:.1f}**."
    )
    return blocks, first, sizes, tokens, truth


@app.cell
def _(first, truth):
    assert first.low <= truth <= first.high
    assert first.relative < 0.15
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two blocks by hand

    The bytes of all files are known without opening them. So it is enough to know the tokens a byte. Two blocks of four were read, with 50
    and 100 bytes and 10 and 30 tokens; all four have 300 bytes.

    $$R = \frac{10 + 30}{50 + 100} = 0.267 \qquad T = 300 \, R = 80$$

    Sum by sum, not the mean of 10/50 and 30/100, which would be 0.25: the large block tells more.
    """)
    return


@app.cell
def _():
    total, error = ratio_estimate(np.array([10.0, 30.0]), np.array([50.0, 100.0]), 300.0, 4)
    mo.md(f"The library says {total:.0f} tokens, with an error of **{error:.1f}**.")
    return error, total


@app.cell
def _(error, total):
    assert abs(total - 80) < 1e-9
    _ratio = 40 / 150
    _squares = (10 - _ratio * 50) ** 2 + (30 - _ratio * 100) ** 2
    assert abs(error - 300 / 75 * (_squares / 1 * (1 - 2 / 4) / 2) ** 0.5) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the error comes from

    A block of $x$ bytes should have $R x$ tokens. What it has beyond that is its residual, and the residuals are all that can go wrong:
    were every block the same, one would be enough. With $s^2$ their mean square (by $n - 1$, because $R$ was fitted to the
    same blocks), the error of the total from $n$ of $N$ blocks is

    $$\frac{X}{\bar x} \; s \; \sqrt{\frac{1 - n / N}{n}}$$

    The last factor falls with the root of $n$, and reaches zero when everything was read. Draw two hundred samples of each
    size and see how the estimates close in.
    """)
    return


@app.cell
def _():
    count = mo.ui.slider(10, 200, step=10, value=20, label="blocks read", show_value=True)
    count
    return (count,)


@app.cell
def _(blocks, count, sizes, tokens, truth):
    _draw = np.random.default_rng(1)
    _samples = [_draw.choice(blocks, count.value, replace=False) for _ in range(200)]
    made = [
        summed(tokens[some].astype(int).tolist(), sizes[some].astype(int).tolist(), int(sizes.sum()), blocks)
        for some in _samples
    ]
    held = np.mean([one.low <= truth <= one.high for one in made])
    plots.histogram(
        {f"{count.value} blocks": [one.tokens / 1e6 for one in made]},
        bins=30,
        x="estimated tokens, millions",
        title=f"200 samples: {held:.0%} of the intervals hold the truth, {truth / 1e6:.1f} million",
    )
    return held, made


@app.cell
def _(held, made, truth):
    assert 0.85 <= held <= 1, "said: 95 of 100"
    assert abs(np.mean([one.tokens for one in made]) / truth - 1) < 0.03, "nearly without bias"
    spread = np.std([one.tokens for one in made])
    said = np.mean([one.standard_error for one in made])
    assert 0.8 < said / spread < 1.2, "the error that one sample computes is the spread of many samples"
    return said, spread


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Neighbours are alike

    It is tempting to read one file from its beginning and to count its thousand documents as a thousand samples. But a file often holds one
    language or one site. Its documents agree with each other and say little about the other files; the
    error, computed as if they were independent, is far too small.
    """)
    return


@app.cell
def _():
    _draw = np.random.default_rng(2)
    _files, _inside = 100, 200
    _kind = np.where(np.arange(_files) % 3 == 0, 0.45, 0.24)
    _lengths = _draw.integers(500, 2_000, (_files, _inside)).astype(float)
    _counted = np.round(_lengths * (_kind[:, None] + _draw.normal(0, 0.02, (_files, _inside))))
    everything = _counted.sum()
    _wrong = ratio_estimate(_counted[1], _lengths[1], _lengths.sum(), _files * _inside)
    _few = _draw.choice(_files, 20, replace=False)
    _right = ratio_estimate(_counted[_few].sum(1), _lengths[_few].sum(1), _lengths.sum(), _files)
    off = {
        "one file, 200 documents": abs(_wrong[0] - everything) / _wrong[1],
        "20 files": abs(_right[0] - everything) / _right[1],
    }
    plots.value_bars(
        {"errors away": off}, y="distance from the truth, in errors", title="What the sample says, by its own error bar"
    )
    return everything, off


@app.cell
def _(off):
    assert off["one file, 200 documents"] > 20, "an error bar that is wrong by that much is worse than none"
    assert off["20 files"] < 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So the unit is a block that is read as a whole, drawn at random from the whole corpus, however many documents it holds. The
    library cuts text files and JSON lines into blocks of 256 kB and takes files of other kinds whole.

    ## Student's factor

    The interval is the estimate plus and minus $q$ errors. With few blocks $s$ itself is uncertain, and $q$ has to be larger
    than the 1.96 of the normal distribution: 2.78 with five blocks.
    """)
    return


@app.cell
def _():
    factors = {count: student_quantile(0.975, count - 1) for count in (3, 5, 10, 20, 50, 200)}
    plots.lines(
        list(factors),
        {"q": list(factors.values())},
        x="blocks read",
        y="errors on each side",
        log_x=True,
        title="How wide 95 % is",
    )
    return (factors,)


@app.cell
def _(factors):
    assert abs(factors[5] - 2.776) < 0.001
    assert abs(factors[200] - 1.96) < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the control to 10 blocks: the estimates spread over half of the truth, and still about nine of ten intervals hold it. Here
      blocks are of two kinds; with five blocks all may be of one, and then the error looks small that is large.
    - Set it to 200: twenty times as much reading, and the histogram is a fifth as wide.
    - On your own text: `groundup data estimate FOLDER --tokenizer FOLDER --within 0.005`.
    - Write it yourself: `groundup learn start ratio_estimate`.
    """)
    return


if __name__ == "__main__":
    app.run()
