"""Lesson: what the bits of a number say, where the numbers of each format lie, and what rounding takes."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Numbers as bits", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.numbers.formats import (
        BF16,
        FORMATS,
        FP8_E4M3,
        FP8_E5M2,
        FP16,
        FP32,
        decode_bits,
        decode_float,
        encode_bits,
        encode_float,
        every_value,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Numbers as bits

    A weight, a gradient, a cached key: on the machine each is 32, 16 or 8 bits, and the choice decides how much memory a model
    takes and what it can still tell apart. Afterwards you can read a bit pattern by hand, know what FP32, BF16, FP16 and FP8
    give up, and why training in few bits rounds at random.
    """)
    return


@app.cell
def _():
    between = [int(np.sum((every_value(one) >= 1) & (every_value(one) < 2))) for one in (FP16, BF16, FP8_E4M3)]
    mo.md(
        f"Between 1 and 2 there are **{between[0]:,}** numbers in FP16, **{between[1]}** in BF16 and **{between[2]}** in FP8 e4m3. "
        "Whatever else one reckons becomes one of them."
    )
    return (between,)


@app.cell
def _(between):
    assert between == [1024, 128, 8]
    assert len(every_value(FP8_E4M3)) == 256
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three fields

    A sign, an exponent $e$ that says between which powers of two the number lies, and a fraction $f$ of $F$ bits that says
    where between them:

    $$ (-1)^s \cdot 2^{e - \text{bias}} \cdot (1 + f / 2^F) $$

    The 1 is not stored, as it is always there. Only where $e$ is 0 it is not: then the numbers go on evenly down to 0.
    Choose a number and see it in each format.
    """)
    return


@app.cell
def _():
    number = mo.ui.dropdown(
        {"1": 1.0, "0.1": 0.1, "-6": -6.0, "1000": 1000.0, "0.00002": 0.00002, "100000": 100_000.0},
        value="0.1",
        label="number",
    )
    number
    return (number,)


@app.cell
def _(number):
    def row(format):
        """One format's line of the table."""
        pattern = encode_bits(number.value, format)
        parts, bits = decode_bits(pattern, format), f"{pattern:0{format.bits}b}"
        fields = f"{bits[0]} {bits[1 : 1 + format.exponent_bits]} {bits[1 + format.exponent_bits :]}"
        return f"| {format.name} | `{fields}` | {parts.value:.9g} |"

    mo.md(
        "| format | sign exponent fraction | is the number |\n|---|---|---|\n" + "\n".join(map(row, FORMATS.values()))
    )
    return (row,)


@app.cell
def _(number, row):
    assert FP16.name in row(FP16)
    for _format in FORMATS.values():
        _back = decode_bits(encode_bits(number.value, _format), _format).value
        if abs(number.value) <= _format.largest:
            assert abs(_back - number.value) <= _format.spacing(number.value) / 2
        else:
            assert not np.isfinite(_back)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the numbers lie

    All positive numbers of the two 8-bit formats. The steps double at each power of two, so that the *relative* step stays the
    same: it is what rounding can spoil at most, for large numbers and small ones alike. e5m2 spends a bit more on reach and a
    bit less on closeness.
    """)
    return


@app.cell
def _():
    up_to = mo.ui.slider(1, 31, step=6, value=7, label="up to", show_value=True)
    up_to
    return (up_to,)


@app.cell
def _(up_to):
    _points = [
        (value, line)
        for line, format in enumerate((FP8_E4M3, FP8_E5M2))
        for value in every_value(format)
        if 0 <= value <= up_to.value
    ]
    plots.scatter(
        _points,
        groups=[(FP8_E4M3, FP8_E5M2)[line].name for _, line in _points],
        x="number",
        y="format",
        title=f"Every number of FP8 from 0 to {up_to.value}",
    )
    return


@app.cell
def _(up_to):
    _lie = {one.name: every_value(one) for one in (FP8_E4M3, FP8_E5M2)}
    _between = {name: int(((found >= 0) & (found <= up_to.value)).sum()) for name, found in _lie.items()}
    assert _between[FP8_E4M3.name] < 128 and _between[FP8_E5M2.name] < 128
    mo.md(
        f"From 0 to {up_to.value}: **{_between[FP8_E4M3.name]}** numbers of e4m3 and **{_between[FP8_E5M2.name]}** of e5m2."
    )
    return


@app.cell
def _():
    sizes = np.logspace(-9, 6, 400)
    relative = {
        format.name: [format.spacing(x) / x / 2 if format.smallest <= x <= format.largest else np.nan for x in sizes]
        for format in (FP32, BF16, FP16, FP8_E4M3, FP8_E5M2)
    }
    plots.lines(
        sizes,
        relative,
        x="size of the number",
        y="worst relative error of rounding",
        log_x=True,
        log_y=True,
        title="Close, or far-reaching: what each format chose",
    )
    return relative, sizes


@app.cell
def _(relative, sizes):
    _usual = (sizes > 0.1) & (sizes < 400)
    for _format in (FP32, BF16, FP16, FP8_E4M3, FP8_E5M2):
        _worst = np.array(relative[_format.name])[_usual]
        assert _format.epsilon / 4 <= _worst.min() and _worst.max() <= _format.epsilon / 2
    assert FP16.largest == 65504 and BF16.largest > 1e38 and FP8_E4M3.largest == 448
    assert FP16.smallest_normal > 6e-5, "a gradient of 1e-5 is already a subnormal number in FP16"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    FP16 is eight times closer than BF16, and ends at 65,504 above and 0.00006 below, where its line bends up. Gradients are
    often smaller than that: hence the loss scaling of FP16 training. BF16 reaches as far as FP32, which is why it took over.

    ## A hundred updates that never happened

    A weight of 1 in BF16 is to be lowered by 0.0006, a hundred times. The next number below 1 is 0.996.
    """)
    return


@app.cell
def _():
    def lowered(count, random=None):
        """The mean of `count` weights after each of a hundred updates, kept in BF16."""
        weights, means = np.ones(count), [1.0]
        for _ in range(100):
            weights = decode_float(encode_float(weights - 0.0006, BF16, random=random), BF16)
            means.append(float(weights.mean()))
        return means

    updates = {
        "exact": [1 - 0.0006 * step for step in range(101)],
        "to the nearest": lowered(1),
        "at random, one weight": lowered(1, np.random.default_rng(3)),
        "at random, mean of 1,000": lowered(1000, np.random.default_rng(0)),
    }
    plots.lines(
        [*range(101)], updates, x="update", y="weight", title="A weight in BF16, lowered by 0.0006 a hundred times"
    )
    return lowered, updates


@app.cell
def _(lowered, updates):
    assert lowered(1)[-1] == 1.0
    assert abs(updates["at random, mean of 1,000"][-1] - 0.94) < 0.003
    assert updates["at random, one weight"][-1] < 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    To the nearest, each update is rounded away and the weight never moves. At random it moves by a whole step now and then, with
    the probability of the part that would be lost: one weight stumbles, and the mean is right. The usual way out is a copy of
    the weights in FP32; rounding at random does without.

    ## Too large

    What lies beyond the largest number becomes infinity; e4m3 gave infinity up for one more power of two, and there it is NaN.
    """)
    return


@app.cell
def _():
    _too_large = [decode_float(encode_float([1e6], one), one)[0] for one in (FP16, BF16, FP8_E5M2, FP8_E4M3)]
    _held = float(decode_float(encode_float([1e6], FP8_E4M3, saturate=True), FP8_E4M3)[0])
    assert np.isinf(_too_large[0]) and np.isfinite(_too_large[1]) and np.isnan(_too_large[3]) and _held == 448
    mo.md(
        f"A million in FP16: {_too_large[0]}, in BF16: {_too_large[1]:,.0f}, in FP8 e5m2: {_too_large[2]}, in e4m3: {_too_large[3]}. "
        f"Held at the end (saturated): {_held:.0f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 0.1 has no exact form in any of them: compare what each makes of it.
    - 0.00002: the exponent field of FP16 is 0, a subnormal number with fewer good digits. FP8 e4m3 makes 0 of it.
    - In `lowered`, take 0.002 for 0.0006: it is more than half a step, and rounding to the nearest now lowers by double.

    Write it yourself: `groundup learn start decode_bits`, and then `groundup learn start encode_bits`
    """)
    return


if __name__ == "__main__":
    app.run()
