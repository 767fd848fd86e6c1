"""Lesson: GPUs, TPUs and inference chips by their published figures: which bound a step meets, and what exchanging data costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What a chip waits for", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.machine.probe.accelerators import accelerator, accelerators, times
    from groundup.machine.probe.collectives import (
        all_reduced,
        cost,
        halving_doubling_all_reduce,
        ring_all_reduce,
        ring_steps,
    )
    from groundup.model.accounting.accounting import count
    from groundup.model.accounting.steps import step_on
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What a chip waits for

    Makers state how much a chip multiplies in a second. Most of the time it does not: it waits for its memory, or for other chips. Afterwards
    you can take three figures from a data sheet and say which of the three a step will wait for, and how long it takes at best.
    """)
    return


@app.cell
def _():
    shape = LlamaConfig(
        vocab_size=32_000, hidden_size=4096, intermediate_size=11_008, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=32, tie_word_embeddings=False,
    )  # fmt: skip
    one_token = step_on(accelerator("h100"), shape, "decode", seq_len=1)
    used = one_token.times.compute / one_token.times.seconds
    mo.md(
        f"An H100 that writes one text with a model of {count(shape).parameters / 1e9:.1f} billion weights multiplies during **{used:.1%}** of the time. "
        "In the rest it waits for weights."
    )
    return one_token, shape, used


@app.cell
def _(one_token, used):
    assert one_token.times.bound == "memory" and used < 0.005
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three figures of a data sheet

    $$\text{seconds} = \max\left(\frac{\text{operations}}{\text{peak}},\ \frac{\text{bytes moved}}{\text{bandwidth}},\ \text{seconds on the link}\right)$$

    An A100: 312 trillion operations a second in bf16, 2,039 billion bytes a second from memory, 300 billion a second to its neighbours. The
    quotient of the first two is its ridge: with fewer operations a byte it waits for memory.
    """)
    return


@app.cell
def _():
    a100 = accelerator("a100")
    mo.md(f"{a100.name}: {a100.ridge():.0f} operations a byte. {a100.sources[0].title}: {a100.sources[0].url}")
    return (a100,)


@app.cell
def _(a100):
    assert round(a100.ridge()) == 153 == round(312e12 / 2039e9)
    assert times(a100, flops=312e12, moved_bytes=0).seconds == 1.0
    assert times(a100, flops=312e12, moved_bytes=2 * 2039e9).bound == "memory"
    assert times(a100, flops=0, moved_bytes=0, link_s=1.0).bound == "link"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## All of them

    Every figure here is what its maker states, as far as it could be read: the source stands in `machine/probe/accelerators.toml`, and `read_at`
    says where it was read. What no source states is left out and said to be so.
    Dense products only: sheets like to print the figure with half of all weights zero, which is twice as high. The further right a ridge, the
    more must be done with each byte before the units are busy.
    """)
    return


@app.cell
def _():
    ridges = {
        one.id: one.ridge("bfloat16")
        for one in accelerators().values()
        if "bfloat16" in one.peak and one.memory_bytes_per_s
    }
    plots.value_bars(
        {"ridge": dict(sorted(ridges.items(), key=lambda item: item[1]))},
        y="operations a byte",
        title="Where multiplying begins to count, in bf16",
    )
    return (ridges,)


@app.cell
def _(ridges):
    assert len(ridges) >= 12 and 100 < min(ridges.values()) and max(ridges.values()) > 500
    _told = [one for one in accelerators().values() if one.unconfirmed]
    mo.md(
        "| left out, or uncertain | |\n|---|---|\n" + "".join(f"| {one.name} | {one.unconfirmed} |\n" for one in _told)
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A step on each

    Training meets each weight with all tokens of a batch, decoding with one token for each row. Choose the step, and how many rows there are. The bars
    are the two times of a step of 1,024 tokens a row: the longer one is what it takes.
    """)
    return


@app.cell
def _():
    kind = mo.ui.dropdown(["train", "prefill", "decode"], value="decode", label="step")
    kind
    return (kind,)


@app.cell
def _():
    rows = mo.ui.slider(steps=[1, 8, 64, 512], value=1, label="rows", show_value=True)
    rows
    return (rows,)


@app.cell
def _(kind, rows, shape):
    _chosen = ["a100", "h100", "b200", "l4", "rtx4090", "tpu-v5e", "tpu-v6e", "trainium2"]
    steps = {name: step_on(accelerator(name), shape, kind.value, batch=rows.value) for name in _chosen}
    plots.value_bars(
        {
            "multiplying": {name: 1e3 * step.times.compute for name, step in steps.items()},
            "memory": {name: 1e3 * step.times.memory for name, step in steps.items()},
        },
        y="milliseconds",
        title=f"{kind.value}, {rows.value} rows: all wait for {', '.join(sorted({step.times.bound for step in steps.values()}))}",
    )
    return (steps,)


@app.cell
def _(kind, rows, steps):
    _bounds = {step.times.bound for step in steps.values()}
    if kind.value == "prefill" or (kind.value == "train" and rows.value > 1):
        assert _bounds == {"compute"}
    if kind.value == "train" and rows.value == 1:
        assert _bounds == {"compute", "memory"}, "AdamW moves 28 bytes a weight, whatever the batch"
    if kind.value == "decode":
        assert _bounds == {"memory"}, "with 1,024 tokens in each row's cache more rows bring more bytes, too"
        assert steps["b200"].times.seconds < steps["h100"].times.seconds < steps["a100"].times.seconds
    assert rows.value == 1 or kind.value != "train" or steps["a100"].fits is False
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Training on one row a chip waits for memory on most of them: the optimiser reads and writes its own numbers, 28 bytes a weight, however small the
    batch. And even 512 rows do not make decoding multiply: each row brings its own cache along, and that is read once for one token. This is why chips for
    inference are sold by their bandwidth. Some keep all weights in memory on the chip itself, and pay with its size:
    """)
    return


@app.cell
def _():
    _groq, _h100 = accelerator("groq"), accelerator("h100")
    faster, chips = _groq.bandwidth() / _h100.bandwidth(), 13.5e9 / _groq.memory_bytes
    mo.md(
        f"{_groq.name}: {faster:.0f} times the bandwidth of an H100, and {_groq.memory_bytes / 1e6:.0f} MB. "
        f"The model above, 13.5 GB in 16 bits, needs **{chips:.0f}** of them."
    )
    return chips, faster


@app.cell
def _(chips, faster):
    assert 20 < faster < 30 and 50 < chips < 70
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The third bound: each other

    Copies of a model that learn together must sum up their gradients after every step. In a ring each device sends one piece of its array to its right
    neighbour, which adds its own. After $n - 1$ steps every device holds one finished piece; in $n - 1$ more the pieces go round. Four devices
    hold 1, 10, 100 and 1,000 in each of four pieces. Go through the steps.
    """)
    return


@app.cell
def _():
    step = mo.ui.slider(0, 6, value=0, label="steps done", show_value=True)
    step
    return (step,)


@app.cell
def _(step):
    held = [np.full(4, 10.0**device) for device in range(4)]
    states = [[[float(piece[0]) for piece in pieces] for pieces in state] for state in ring_steps(held)]
    plots.heat_map(
        np.log10(states[step.value]),
        rows=[f"device {device}" for device in range(4)],
        columns=[f"piece {piece}" for piece in range(4)],
        low=0,
        high=3.05,
        title=f"After {step.value} steps: {sum(round(value) == 1111 for row in states[step.value] for value in row)} finished pieces",
    )
    return held, states


@app.cell
def _(held, states, step):
    _finished = sum(round(value) == 1111 for row in states[step.value] for value in row)
    assert _finished == max(0, 4 * (step.value - 2)), "none, none, none, 4, 8, 12, 16"
    assert all((one == 1111.0).all() for one in all_reduced(held))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Each step moves $1/n$ of the array, and there are $2 (n - 1)$ of them: $2 (n-1)/n$ arrays over each link, which never reaches two. The
    bytes hardly grow with the devices. The latency of the messages does, $2(n-1)$ times; there a scheme of halving and doubling is better.
    """)
    return


@app.cell
def _():
    _devices = [2**power for power in range(1, 11)]
    small, large = 1e5, 1e9
    ring = {size: [ring_all_reduce(size, n, 300e9, 5e-6) for n in _devices] for size in (small, large)}
    halving = [halving_doubling_all_reduce(small, n, 300e9, 5e-6) for n in _devices]
    plots.lines(
        _devices,
        {"1 GB, ring": ring[large], "0.1 MB, ring": ring[small], "0.1 MB, halving and doubling": halving},
        x="devices",
        y="seconds",
        log_x=True,
        log_y=True,
        marked=True,
        title="An all-reduce over links of 300 GB/s, 5 microseconds a message",
    )
    return halving, large, ring, small


@app.cell
def _(halving, large, ring, small):
    assert ring_all_reduce(1.0, 8, 1.0) == 2 * 7 / 8
    assert ring[large][5] < 2.3 * ring[large][0] and ring[small][-1] > 500 * ring[small][0]
    assert halving[-1] < ring[small][-1] / 50
    _parts = cost("reduce-scatter", large, 8, 300e9) + cost("all-gather", large, 8, 300e9)
    assert abs(_parts - cost("all-reduce", large, 8, 300e9)) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Prefill with one row: at which share of its peak could an A100 work, by these bounds?
    - A chip of your own: a table in `accelerators.toml`, with its source; a test asks for one.
    - `groundup bench accelerators --step train --devices 8 --batch 4`

    Write it yourself: `groundup learn start ring_all_reduce`
    """)
    return


if __name__ == "__main__":
    app.run()
