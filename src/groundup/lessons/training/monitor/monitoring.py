"""Lesson: the line that a training run writes after every step, and how to read it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Monitoring: one line a step", width="medium")

with app.setup:
    import json
    import math
    import tempfile
    from pathlib import Path
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np
    import torch

    from groundup import files, plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training import loop
    from groundup.training.config import TrainConfig
    from groundup.training.monitor.monitoring import Monitor, costs, curve, least_bytes, marked, mfu, unmarked


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Monitoring: one line a step

    A run says after every step how it goes: loss, speed, memory. Afterwards you can tell from one such line whether the machine is
    used well (MFU, MBU), you know why a NaN must not be written as NaN, and you can read a curve that has one.
    """)
    return


@app.cell
def _():
    weights, layers, width, context = 540_350_000_000, 118, 48 * 256, 2048
    palm = mfu(weights, 4 * layers * width, context, 238_300, 6144 * 275e12)
    mo.md(
        "PaLM, a model of 540 billion weights, was trained on 6,144 chips that multiply 275 TFLOP/s each, at 238,300 tokens a second. "
        f"Is that fast? It is **{palm:.1%}** of what the chips can do; its authors were proud of it."
    )
    return context, layers, palm, weights, width


@app.cell
def _(palm):
    assert round(palm, 3) == 0.462, "the figure of the paper: 46.2 %"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## MFU: what the model needs over what the machine can

    A token meets every weight of the matrices once: a multiplication and an addition. On the way back each product is made twice
    more. So training costs 6 operations a weight and token, and attention some more for every token that is looked at:

    $$\text{MFU} = \frac{\text{tokens/s} \cdot 3\,(2\,\text{weights} + \text{pair} \cdot \text{context})}{\text{peak}}$$

    The smallest case by hand: 100 weights, no attention, 1,000 tokens a second are 600,000 operations. A machine that could do a
    million is used to 60 %. Only what the formula needs counts: who computes something twice gets no credit for it.
    """)
    return


@app.cell
def _():
    by_hand = 1000 * 6 * 100 / 1e6
    assert math.isclose(mfu(100, 0, 8, 1000.0, 1e6), by_hand)
    assert math.isclose(mfu(100, 5, 8, 1000.0, 1e6), by_hand + 1000 * 3 * 5 * 8 / 1e6)
    by_hand
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Attention's part grows with the context, the matrices' part does not. How long must the context be until attention
    costs as much as all matrices together? It depends on how wide the model is.
    """)
    return


@app.cell
def _():
    wide = mo.ui.dropdown(
        options={"128": 128, "1,024": 1024, "12,288": 12288}, value="1,024", label="width of the model"
    )
    wide
    return (wide,)


@app.cell
def _(wide):
    lengths = np.unique(np.logspace(7, 20, 40, base=2).astype(int))
    matrices = [3 * 2 * 12 * wide.value**2] * len(lengths)  # a layer of a transformer has about 12 width^2 weights
    attention = 3 * 4 * wide.value * lengths
    even = 6 * wide.value
    plots.lines(
        lengths,
        {"matrices": matrices, "attention": attention},
        x="tokens of context",
        y="operations a token and layer",
        log_x=True,
        log_y=True,
        title=f"Even at a context of {even:,}: six times the width",
    )
    return attention, even, lengths, matrices


@app.cell
def _(attention, even, lengths, matrices):
    assert all(
        (looks > products) == (length > even)
        for looks, products, length in zip(attention, matrices, lengths, strict=True)
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The line itself

    `Monitor` is a listener of the training loop. After each step it writes what the loop knows (loss, norm of the gradient, rate,
    seconds), what follows from it (tokens a second, MFU, MBU) and what the system tells (memory; temperature and power where the
    machine lets us read them). Rows that are shorter than the batch is wide end in padding, which is no work that the model needs: of batches
    that go through `Monitor.batches`, only what they hold is counted, and `padding` says which share of the places holds nothing. Here
    every row is full. It watches a tiny model for six steps; the limits of the machine are made up.
    """)
    return


@app.cell
def _():
    limits = SimpleNamespace(matmul_flops={"float32": 1e11}, memory_bytes_per_s=1e10)

    def batch(number):
        """Two rows of random tokens."""
        ids = torch.randint(0, 64, (2, 33), generator=torch.Generator().manual_seed(number))
        zeros = torch.zeros(2, 32, dtype=torch.long)
        return Batch(
            ids[:, :-1], ids[:, 1:], torch.ones(2, 32, dtype=torch.bool), zeros, torch.arange(32).expand(2, 32)
        )

    shape = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2)
    config = TrainConfig(steps=6, batch_size=2, seq_len=32, warmup_steps=2, optimizer="adamw")
    with tempfile.TemporaryDirectory() as _folder:
        _path = Path(_folder) / "metrics.jsonl"
        loop.train(build(shape, seed=0), batch, config, listeners=[Monitor(_path, costs(shape, config, limits))])
        _lines = files.read_jsonl(_path)
    _spent = costs(shape, config)
    assert [line["step"] for line in _lines] == [1, 2, 3, 4, 5, 6]
    for _line in _lines:
        _speed = config.tokens_per_step / _line["seconds"]
        assert math.isclose(_line["tokens_per_second"], _speed)
        assert math.isclose(_line["mfu"], mfu(_spent.weights, _spent.pair_flops, 32, _speed, 1e11))
    mo.md("\n".join(f"- `{name}` {value:.6g}" for name, value in _lines[-1].items()))
    return batch, config, limits, shape


@app.cell
def _(config, shape):
    mo.md(
        f"Every step of this run has {config.tokens_per_step} tokens and {costs(shape, config).moved_bytes / 1e6:.1f} MB to move."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## MBU: the other limit

    A step also moves bytes. However few tokens it has, it reads the weights forward and back, writes the gradient, and the optimizer
    reads and writes weights and means: ten numbers a weight with AdamW. With few tokens a step the memory is the limit, with many the
    multiplication. Where they cross, a machine is used best. Choose the memory's speed.
    """)
    return


@app.cell
def _():
    bandwidth = mo.ui.slider(steps=[5, 10, 20, 40, 80, 160], value=20, label="memory, GB/s", show_value=True)
    bandwidth
    return (bandwidth,)


@app.cell
def _(bandwidth):
    tokens = np.logspace(0, 16, 33, base=2)
    parameters, _peak = 10_000_000, 300e9
    multiplying = np.full(33, _peak / (6 * parameters))
    moving = tokens * bandwidth.value * 1e9 / least_bytes(parameters)
    crossing = multiplying[0] / (bandwidth.value * 1e9 / least_bytes(parameters))
    plots.lines(
        tokens,
        {"limit of multiplying (MFU = 1)": multiplying, "limit of memory (MBU = 1)": moving},
        x="tokens a step",
        y="tokens a second at most",
        log_x=True,
        log_y=True,
        title=f"10 M weights at 300 GFLOP/s: even at {crossing:.0f} tokens a step",
    )
    return crossing, moving, multiplying, parameters, tokens


@app.cell
def _(bandwidth, crossing, moving, multiplying, parameters, tokens):
    assert least_bytes(parameters) == parameters * 4 * 10
    assert all(
        (slow < fast) == (count < crossing) for slow, fast, count in zip(moving, multiplying, tokens, strict=True)
    )
    assert math.isclose(crossing, 300e9 * 40 / (6 * bandwidth.value * 1e9))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The line that breaks the reader

    The step at which a loss becomes NaN is the one to look at, and JSON has no word for NaN. Python writes one all the same, and every
    strict reader then refuses the line. Null alone would say that nothing was measured. So null stands there, and what it was beside it.
    """)
    return


@app.cell
def _():
    def strict(text):
        """What a reader in another language makes of it: the words NaN and Infinity are an error."""

        def refuse(word):
            raise ValueError(word)

        try:
            return json.loads(text, parse_constant=refuse)
        except ValueError:
            return None

    careless, careful = (
        json.dumps(made) for made in ({"step": 7, "loss": math.nan}, marked({"step": 7, "loss": math.nan}))
    )
    mo.md(f"`{careless}` is read as {strict(careless)}.\n\n`{careful}` is read.")
    return careful, careless, strict


@app.cell
def _(careful, careless, strict):
    assert strict(careless) is None
    assert strict(careful) == {"step": 7, "loss": None, "not_finite": {"loss": "nan"}}
    assert math.isnan(unmarked(strict(careful))["loss"]), "and it comes back"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Drawn, the rest of the curve stays where it is and the broken steps get a mark. A picture that joined the good steps by a line
    would show a healthy run: choose what breaks, and how often.
    """)
    return


@app.cell
def _():
    every = mo.ui.slider(2, 20, step=1, value=5, label="every so many steps one that is finite", show_value=True)
    every
    return (every,)


@app.cell
def _(every):
    records = [
        marked({"step": step, "loss": 1 + 2 * math.exp(-step / 20) if step % every.value == 0 else math.nan})
        for step in range(1, 61)
    ]
    steps, values = curve(records, "loss")
    plots.loss_curve(steps, values, title=f"{sum(map(math.isnan, values))} of 60 steps have no number")
    return records, steps, values


@app.cell
def _(every, records, steps, values):
    assert steps == list(range(1, 61))
    assert [step for step, value in zip(steps, values, strict=True) if math.isfinite(value)] == list(
        range(every.value, 61, every.value)
    )
    assert all(("not_finite" in record) == (record["loss"] is None) for record in records)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `groundup train --set train.steps=100`, and in another terminal `groundup runs list`: step, loss, pace and the time left.
    - `--set 'train.trackers=["tensorboard"]'`: the same lines in TensorBoard's files, in the stage's folder `tracking`.
    - the MFU of your own run: `metrics.jsonl` has it. Which batch size makes it largest?

    Write them yourself: `groundup learn start mfu`, `groundup learn start marked`
    """)
    return


if __name__ == "__main__":
    app.run()
