"""Lesson: what this machine can do, how many operations and how many bytes a second, and which of the two a computation waits for."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The roofline: multiplying or waiting", width="medium")

with app.setup:
    import statistics
    import time

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.machine.probe.roofline import Machine, attainable, matmul_flops, matmul_seconds, memory_bytes_per_s
    from groundup.model.accounting import count
    from groundup.model.accounting.traffic import parts
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.processor import processor


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The roofline: multiplying or waiting

    A processor multiplies, and fetches from memory what is to be multiplied. Every computation waits for the one or for the other, and it is
    worth knowing for which. Afterwards you have measured both limits of this machine, can say beforehand how fast a step can
    be at best, and why a batch of sixteen answers takes hardly longer than one answer.
    """)
    return


@app.cell
def _():
    _flops, _bandwidth = matmul_flops("float32", seconds=0.05), memory_bytes_per_s(1 << 26)
    mo.md(
        f"{processor()}, {torch.get_num_threads()} threads, just now: {_flops / 1e9:,.0f} billion operations a second, and {_bandwidth / 1e9:,.1f} billion "
        f"bytes read from memory. While one number of four bytes comes in, **{4 * _flops / _bandwidth:.0f}** operations could be done. Who uses each "
        "number once lets the machine idle nearly all of the time."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    What is measured differs from run to run and from machine to machine, so nothing here is claimed about it. To reason with, take a
    machine with round numbers: 100 billion operations a second in float32, 200 billion in bfloat16, 10 billion bytes a second.
    """)
    return


@app.cell
def _():
    example = Machine(
        processor="an example",
        threads=1,
        matmul_flops={"float32": 100e9, "bfloat16": 200e9},
        memory_bytes_per_s=10e9,
    )
    mo.md(
        f"Its ridge is at {example.ridge():.0f} operations a byte in float32, at {example.ridge('bfloat16'):.0f} in bfloat16."
    )
    return (example,)


@app.cell
def _(example):
    assert example.ridge() == 10 and example.ridge("bfloat16") == 20
    assert example.least_seconds(flops=100e9, moved_bytes=0) == 1.0
    assert example.least_seconds(flops=0, moved_bytes=10e9) == 1.0
    assert example.least_seconds(flops=100e9, moved_bytes=10e9) == 1.0, "both at the same time: the longer one counts"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Intensity

    $$\text{intensity} = \frac{\text{operations}}{\text{bytes moved}} \qquad
    \text{speed} = \min(\text{peak},\ \text{intensity} \cdot \text{bandwidth})$$

    Adding two vectors reads two numbers and writes one for a single operation: 1 operation for 12 bytes. A product of two square matrices of
    side $n$ does $2 n^3$ operations on $3 n^2$ numbers: the larger, the more each number is used. Move the side.
    """)
    return


@app.cell
def _():
    side = mo.ui.slider(steps=[1, 4, 16, 64, 256, 1024, 4096], value=64, label="side of the matrices", show_value=True)
    side
    return (side,)


@app.cell
def _(example, side):
    _operations, _moved = 2 * side.value**3, 3 * side.value**2 * 4
    product_intensity = _operations / _moved
    product_speed = _operations / example.least_seconds(_operations, _moved)
    intensities = np.sort([*np.geomspace(0.1, 1000, 41), product_intensity, product_intensity])
    roof = np.array(
        [attainable(one, example.matmul_flops["float32"], example.memory_bytes_per_s) for one in intensities]
    )
    _post = np.full(len(intensities), np.nan)  # from the ground up to the roof, where the product stands
    _post[np.flatnonzero(intensities == product_intensity)[:2]] = 1, product_speed / 1e9
    plots.lines(
        intensities,
        {
            "the roof": roof / 1e9,
            f"products of side {side.value}": _post,
        },
        x="operations a byte",
        y="billion operations a second",
        log_x=True,
        log_y=True,
        title=f"Side {side.value}: {product_intensity:.3g} operations a byte, at best {product_speed / 1e9:.3g} billion a second",
    )
    return intensities, product_intensity, product_speed, roof


@app.cell
def _(example, product_intensity, product_speed, side):
    assert abs(product_intensity - side.value / 6) < 1e-9, "a sixth of the side, in float32"
    assert (product_speed >= 0.999 * 100e9) == (product_intensity >= example.ridge())
    assert product_speed <= 100e9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Measured here

    The same on this machine: products of several sides, and below them what the roof allows. The measured points of small products lie lower than the roof,
    since calling takes longer than computing; where a matrix fits into the processor's own caches it may lie above it, for then memory is not asked at all.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)

    def best_of(work, runs=5):
        """The shortest of some runs, in seconds: what disturbs can only make a run longer."""
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            work()
            seconds = [*seconds, time.perf_counter() - start]
        return min(seconds)

    _peak, _bandwidth = matmul_flops("float32", seconds=0.05), memory_bytes_per_s(1 << 26)
    _sides, _speeds = [8, 32, 128, 512], []
    for _side in _sides:
        _one, _other = torch.randn(2, _side, _side, generator=_source)
        _speeds = [*_speeds, 2 * _side**3 / best_of(lambda one=_one, other=_other: one @ other)]
    plots.lines(
        [one / 6 for one in _sides],
        {
            "measured": [speed / 1e9 for speed in _speeds],
            "the roof": [min(_peak, one / 6 * _bandwidth) / 1e9 for one in _sides],
        },
        x="operations a byte",
        y="billion operations a second",
        log_x=True,
        log_y=True,
        marked=True,
        levels={"peak": _peak / 1e9},
        title=f"{processor()}: products of side 8 to 512",
    )
    return (best_of,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One token of a language model

    To write one token, a model reads all of its weights once and uses each for one multiplication and one addition. That is 2 operations for 4 bytes, far
    left of the ridge: the processor waits for memory. Texts that are written at the same time use the same weights. Each row more is more
    operations for the same bytes, free of charge until the ridge is reached. A model of 135 million weights, on the example machine:
    """)
    return


@app.cell
def _():
    number_format = mo.ui.dropdown(["float32", "bfloat16"], value="float32", label="numbers")
    number_format
    return (number_format,)


@app.cell
def _(example, number_format):
    shape = LlamaConfig(
        vocab_size=49_152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, tie_word_embeddings=True,
    )  # fmt: skip
    cost = count(shape)
    rows = [2**power for power in range(10)]
    weight_bytes = cost.weight_bytes(2 if number_format.value == "bfloat16" else 4)
    step_seconds = [
        example.least_seconds(cost.flops_per_token(1) * one, weight_bytes, number_format.value) for one in rows
    ]
    plots.lines(
        rows,
        {"a step at best": [1000 * one for one in step_seconds]},
        x="rows",
        y="milliseconds",
        log_x=True,
        log_y=True,
        marked=True,
        levels={"reading the weights": 1000 * weight_bytes / example.memory_bytes_per_s},
        title=f"{number_format.value}: 1 row {1 / step_seconds[0]:.0f} tokens a second, 32 rows {32 / step_seconds[5]:,.0f}",
    )
    return cost, rows, shape, step_seconds, weight_bytes


@app.cell
def _(cost, example, number_format, rows, step_seconds, weight_bytes):
    assert 130e6 < cost.parameters < 140e6
    assert abs(step_seconds[0] - weight_bytes / example.memory_bytes_per_s) < 1e-12, "one row waits for the weights"
    assert step_seconds[4] == step_seconds[0] and step_seconds[-1] > 10 * step_seconds[0]
    _bends = next(one for one, seconds in zip(rows, step_seconds, strict=True) if seconds > step_seconds[0])
    assert _bends == 32, (
        "2 operations for 4 bytes and a ridge of 10; for 2 bytes and a ridge of 20: both bend at 20 rows"
    )
    assert number_format.value == "float32" or weight_bytes == 2 * cost.parameters
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Each part on its place

    The same for the parts of a block, by formula: 8 texts of 256 tokens at once, as in training, and one new token that looks at 256 earlier ones. Every part
    falls to the left when there is one token only; a norm stands there whatever happens. `groundup bench roofline` puts the measured times beneath.
    """)
    return


@app.cell
def _(example, shape):
    placed = [
        (part.name, kind, part.intensity, attainable(part.intensity, example.matmul_flops["float32"], 10e9))
        for kind, found in (("training", parts(shape, 8, 256)), ("one token", parts(shape, 1, 1, 256)))
        for part in found
        if part.flops
    ]
    plots.roofline({"float32": 100e9}, {"memory": 10e9}, placed, title="The parts of a block under the example's roof")
    return (placed,)


@app.cell
def _(example, placed):
    assert all(place < example.ridge() for name, kind, place, _ in placed if kind == "one token" or name == "norm")
    assert all(place > example.ridge() for name, kind, place, _ in placed if kind == "training" and name != "norm")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So smaller numbers help twice: reading one row's weights takes half as long, and multiplying many rows does, where the processor has
    instructions for it. Whether yours has, a measurement tells: some multiply bfloat16 many times faster than float32, some slower, for they have to
    convert it first.
    """)
    return


@app.cell
def _(best_of):
    _speeds = {name: matmul_flops(name, seconds=0.03) / 1e9 for name in ("float32", "bfloat16")}
    _vector = torch.ones(1 << 22)
    _moved = 3 * _vector.nbytes / best_of(lambda: _vector + _vector) / 1e9
    mo.md(
        "| on this machine, just now | |\n|---|---|\n"
        + "".join(
            f"| products in {name} | {speed:,.0f} billion operations a second |\n" for name, speed in _speeds.items()
        )
        + f"| adding vectors | {_moved:,.1f} billion bytes a second, {_moved / 12:,.2f} billion operations |\n"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far to trust a time

    A machine does not do the same work in the same time twice: other programs run, it grows warm and slows down. The same product, 40 times. Who compares
    two programs should take the median of several runs, measure both in turn, and time a fixed product before and after (`matmul_seconds`): if that
    has changed, the machine has, not the program.
    """)
    return


@app.cell
def _():
    _before, _times = matmul_seconds(3), []
    _matrix = torch.ones(384, 384)
    for _ in range(40):
        _start = time.perf_counter()
        _matrix @ _matrix
        _times = [*_times, 1000 * (time.perf_counter() - _start)]
    _drift = matmul_seconds(3) / _before
    plots.lines(
        range(1, 41),
        {"one product": _times},
        x="run",
        y="milliseconds",
        marked=True,
        levels={"median": statistics.median(_times), "shortest": min(_times)},
        title=f"The longest took {max(_times) / min(_times):.1f} times the shortest; drift meanwhile: {_drift:.2f}",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Side 1: a product of two numbers moves twelve bytes. At which side does the example machine reach its peak?
    - Put your own two figures into `Machine(...)` above: where is your ridge, and how many rows of the model are free of charge?
    - Every part of a model of your own under this machine's roofs, as a page: `groundup bench roofline --model FOLDER`

    Write it yourself: `groundup learn start attainable`
    """)
    return


if __name__ == "__main__":
    app.run()
