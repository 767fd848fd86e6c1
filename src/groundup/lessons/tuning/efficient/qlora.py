"""Lesson: QLoRA, a model in four bits with an adapter in full precision, and what the four bits cost."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="QLoRA: tune a model in four bits", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.compression.quantization.nf4 import (
        DYNAMIC,
        NF4Linear,
        dequantize_sizes,
        quantize,
        quantize_sizes,
        quantized_bytes,
    )
    from groundup.machine.numbers.normal_float import encode_nf4
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.tuning.efficient.config import LoraConfig
    from groundup.tuning.efficient.many import apply
    from groundup.tuning.efficient.qlora import bytes_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # QLoRA: tune a model in four bits

    LoRA does not change the model's own weights. Then they need not be kept in a form that can be changed, and the largest part of the memory shrinks to
    an eighth. Afterwards you can count its bits, know where the last half of a bit went, and have seen an adapter make up for rounding.
    """)
    return


@app.cell
def _():
    seven_billion = 7_000_000_000
    forms = {
        "float32": 32.0,
        "bfloat16": 16.0,
        "NF4": 8 * quantized_bytes((1024, 1024), double=False) / 2**20,
        "NF4, double": 8 * quantized_bytes((1024, 1024)) / 2**20,
    }
    gigabytes = {name: bits * seven_billion / 8e9 for name, bits in forms.items()}
    mo.md(
        f"Seven billion weights take {gigabytes['float32']:.0f} GB as they are usually kept, and **{gigabytes['NF4, double']:.1f} GB** in NF4 with "
        f"double quantised scales: {forms['NF4, double']:.2f} bits a weight. How can a weight have a fraction of a bit?"
    )
    return forms, gigabytes, seven_billion


@app.cell
def _(forms, gigabytes, seven_billion):
    assert forms["NF4"] == 4.5 and abs(forms["NF4, double"] - 4.127) < 0.001
    assert gigabytes["float32"] == 4 * seven_billion / 1e9 and gigabytes["NF4, double"] < 3.7
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where half a bit goes

    NF4 writes a weight as one of sixteen levels (4 bits), times the largest size in its block of 64. That size is a float of 32 bits: $32 / 64$,
    half a bit a weight.
    For seven billion weights it is 440 megabytes, of nothing but scales.

    These scales are alike, since blocks of normal weights have similar largest sizes. So they are quantised in turn: their mean is taken off, and
    each is written in 8 bits,
    with one float for 256 of them: $8/64 + 32/(64 \cdot 256) = 0.127$ bits. Choose how many weights there are.
    """)
    return


@app.cell
def _():
    rows = mo.ui.slider(steps=[16, 64, 256, 1024], value=256, label="rows of 256 weights", show_value=True)
    rows
    return (rows,)


@app.cell
def _(rows):
    weights = np.random.default_rng(0).normal(size=(rows.value, 256)).astype(np.float32)
    absmax = encode_nf4(weights).absmax
    sizes = quantize_sizes(absmax)
    again = dequantize_sizes(sizes)
    plots.histogram(
        {"largest sizes of blocks": absmax, "read back": again},
        bins=40,
        title=f"{len(absmax)} scales: off by at most {np.abs(again / absmax - 1).max():.1%}",
    )
    return absmax, again, sizes, weights


@app.cell
def _(absmax, again, rows, sizes, weights):
    assert len(absmax) == weights.size / 64 == rows.value * 4
    assert sizes.codes.dtype == np.uint8 and len(sizes.absmax) == -(-len(absmax) // 256)
    assert np.abs(again / absmax - 1).max() < 0.02 and abs(sizes.mean - absmax.mean()) < 1e-5
    assert len(DYNAMIC) == 256, "a byte has so many codes"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs

    The levels lie where normal weights are. Still a weight moves by about a tenth of the usual weight's size. The second quantisation adds next to
    nothing to that.
    """)
    return


@app.cell
def _(weights):
    tensor = torch.from_numpy(weights)
    spread = {}
    for _name, _double in (("once", False), ("double", True)):
        spread[_name] = float(
            (NF4Linear(tensor, None, _double).decoded() - tensor).square().mean().sqrt() / tensor.square().mean().sqrt()
        )
    mo.md(
        f"Rounded once, the weights are off by **{spread['once']:.2%}** of their size; with double quantised scales by **{spread['double']:.2%}**."
    )
    return spread, tensor


@app.cell
def _(spread, tensor):
    assert 0.05 < spread["once"] < 0.15
    assert spread["double"] < 1.02 * spread["once"], "the second rounding is nearly free"
    assert NF4Linear(tensor, None).nbytes == quantized_bytes(tuple(tensor.shape))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The adapter makes up for it

    Here is a small model and the same in four bits. The second gives other scores. An adapter of rank 4 beside each of its matrices is tuned for one
    thing: to give the
    scores of the first again. Only the adapter learns. Gradients flow through the decoded matrices, and these get none.
    """)
    return


@app.cell
def _():
    _config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    model, small = build(_config, seed=0), build(_config, seed=0)
    for _one in (model, small):
        _draw = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for _parameter in _one.parameters():
                _parameter.add_(0.2 * torch.randn(_parameter.shape, generator=_draw))
    bytes_before = bytes_of(small)
    quantize(small)
    bytes_after = bytes_of(small)
    _ids = torch.randint(0, 64, (16, 16), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        _wanted = model(_ids)
    _adapted = apply(small, LoraConfig(r=4, target_modules=("all-linear",)))
    _optimizer, distances = torch.optim.Adam(_adapted.parameters(), lr=0.01), []
    for _ in range(80):
        _distance = (_adapted(_ids) - _wanted).square().mean()
        distances.append(float(_distance.detach().sqrt()))
        _optimizer.zero_grad()
        _distance.backward()
        _optimizer.step()
    plots.lines(
        range(80),
        {"distance of the scores": distances},
        x="step",
        y="root mean square",
        title=f"In four bits {distances[0]:.2f} off; tuned beside it {distances[-1]:.2f}",
    )
    return bytes_after, bytes_before, distances, model, small


@app.cell
def _(bytes_after, bytes_before, distances, model, small):
    assert bytes_after < 0.5 * bytes_before, "the embedding stays as it is"
    assert distances[-1] < 0.6 * distances[0]
    assert torch.equal(model.embedding.weight, small.embedding.weight)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 16 rows: 64 scales. The float for each 256 of them is then shared by a quarter as many, and costs more a weight.
    - A matrix is decoded each time it is used. That is time paid for memory: on a CPU a step of QLoRA is slower than one of LoRA.
    - Merged, the model has full matrices again. To quantise it once more would round it once more.

    Write it yourself: `groundup learn start quantize_sizes`. A real run: `groundup tune MODEL --method qlora --merge`
    """)
    return


if __name__ == "__main__":
    app.run()
