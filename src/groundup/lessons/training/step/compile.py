"""Lesson: what a compiler takes out of a block, and when half a minute of it pays."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Compiled blocks: fewer trips to memory", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.config import TrainConfig
    from groundup.training.step.compile import pays_after, with_compiled_blocks


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Compiled blocks: fewer trips to memory

    A block of a transformer is a handful of matrix products, and between them many small steps that each read all of their input and write all of
    their output. A compiler makes one loop of them. Afterwards you know what it saves, and can say before a run whether it pays.
    """)
    return


@app.cell
def _():
    first_steps = round(pays_after(30.0, 0.5, 0.45))
    mo.md(
        f"Compiling takes 30 s, a step half a second, and a compiled step is a tenth shorter: after **{first_steps}** steps, five minutes, the time "
        "for compiling is back."
    )
    return (first_steps,)


@app.cell
def _(first_steps):
    assert first_steps == 600
    return


@app.cell
def _():
    class Steps(TorchDispatchMode):
        """Notes each operation that torch carries out, and the bytes of its tensors."""

        def __init__(self):
            super().__init__()
            self.seen = []

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            made = function(*args, **(kwargs or {}))
            parts = [one for one in (*args, made) if isinstance(one, torch.Tensor)]
            self.seen.append((function.overloadpacket.__name__, sum(one.nbytes for one in parts)))
            return made

    return (Steps,)


@app.cell
def _(Steps):
    PRODUCTS = {"mm", "addmm", "bmm", "linear", "_scaled_dot_product_flash_attention_for_cpu"}
    VIEWS = set(
        "view _unsafe_view t transpose detach slice select unsqueeze expand as_strided split alias unbind permute".split()
    )
    module = build(
        LlamaConfig(
            vocab_size=64,
            hidden_size=256,
            intermediate_size=704,
            num_hidden_layers=1,
            num_attention_heads=4,
            num_key_value_heads=4,
        ),
        seed=0,
    )
    with torch.no_grad(), Steps() as noted:
        module.hidden(torch.zeros(4, 256, dtype=torch.long))
    steps = [(name, size) for name, size in noted.seen if name not in VIEWS]
    small = [(name, size) for name, size in steps if name not in PRODUCTS]
    mo.md(
        f"One block, forward: **{len(steps)}** operations, of which {len(steps) - len(small)} are products. The other {len(small)} move "
        f"{sum(size for _, size in small) / 1e6:.0f} MB."
    )
    return PRODUCTS, VIEWS, module, noted, small, steps


@app.cell
def _(small, steps):
    assert len(small) > len(steps) / 2, "most operations are small ones"
    return


@app.cell
def _(small):
    names = sorted({name for name, _ in small})
    moved = {name: sum(size for one, size in small if one == name) / 1e6 for name in names}
    plots.value_bars({"MB read and written": moved}, y="MB", title="What stands between the products of one block")
    return moved, names


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One loop in place of four

    RMSNorm is a square, a mean, a root and two products. Each reads and writes the whole stream. Seen a row at a time, the row stays in the
    processor: read once, written once. Here both by hand, with a count of the numbers that cross to memory.
    """)
    return


@app.cell
def _():
    def step_by_step(x, gain):
        """Each step over all rows; the result, and how many numbers were read or written."""
        squares = x * x
        means = squares.mean(axis=1, keepdims=True)
        scale = 1 / np.sqrt(means + 1e-6)
        scaled = x * scale
        return scaled * gain, 2 * x.size + x.size + 2 * x.size + 2 * x.size + 4 * len(x)

    def row_by_row(x, gain):
        """All steps on one row, then the next."""
        made = np.empty_like(x)
        for place, row in enumerate(x):
            made[place] = row / np.sqrt((row * row).mean() + 1e-6) * gain
        return made, 2 * x.size

    _source = np.random.default_rng(0)
    stream, gain = _source.normal(size=(64, 256)), _source.normal(size=256)
    (apart_values, apart_moved), (fused_values, fused_moved) = step_by_step(stream, gain), row_by_row(stream, gain)
    mo.md(f"Numbers moved: {apart_moved:,} step by step, **{fused_moved:,}** row by row. The results agree.")
    return apart_moved, apart_values, fused_moved, fused_values, gain, row_by_row, step_by_step, stream


@app.cell
def _(apart_moved, apart_values, fused_moved, fused_values):
    assert np.allclose(apart_values, fused_values) and apart_moved > 3.4 * fused_moved
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `torch.compile` writes that loop for you: it follows the Python once with tensors that have shapes and no numbers, collects what they go
    through, and lets a C++ compiler make loops of what stands between two products. The products stay the library's.

    ## How much can it be?

    If a share $s$ of a step's time is products, nothing done to the rest makes the step faster than $1 / s$ (Amdahl's law).
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(50, 95, step=5, value=80, label="share of products, %", show_value=True)
    share
    return (share,)


@app.cell
def _(share):
    faster = [1, 1.5, 2, 3, 5, 10, 100]
    whole = [1 / (share.value / 100 + (1 - share.value / 100) / one) for one in faster]
    plots.lines(
        faster,
        {"the whole step": whole},
        x="the rest is so many times faster",
        y="times faster",
        log_x=True,
        marked=True,
        levels={"never beyond": 100 / share.value},
        title=f"{share.value} % of the time in products",
    )
    return faster, whole


@app.cell
def _(share, whole):
    assert whole == sorted(whole) and whole[0] == 1 and whole[-1] < 100 / share.value
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## And when does it pay?

    Compiling takes its time first. A run is quicker when the steps save more than that: steps > compile time / (time saved a step).
    """)
    return


@app.cell
def _(share):
    _best = 100 / share.value
    steps_needed = {
        f"{step_s:g} s a step": pays_after(30.0, step_s, step_s / (1 + (_best - 1) / 2)) for step_s in (0.05, 0.5, 5.0)
    }
    plots.value_bars(
        {"steps": steps_needed},
        y="steps until 30 s are back",
        title=f"Half of what is possible gained ({1 + (_best - 1) / 2:.2f} times)",
    )
    return (steps_needed,)


@app.cell
def _(steps_needed):
    assert list(steps_needed.values()) == sorted(steps_needed.values(), reverse=True), "long steps pay it back sooner"
    assert pays_after(30.0, 1.0, 0.5) == 60 and pays_after(30.0, 1.0, 1.0) == float("inf")
    return


@app.cell
def _(module):
    def objective(trained, batch):
        """What a run makes small."""
        return trained(batch).square().sum(), batch.numel()

    off = with_compiled_blocks(module, objective, TrainConfig())
    assert off is objective, "without the key a run's objective is untouched"
    return objective, off


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    On a CPU the share of products is high and the gain small, often a loss; a run of a few minutes is over before the compiler is forgotten. So `compile`
    is off, and a benchmark (`benchmarks/training/step/compile.py`) tells you of your machine. On a GPU, which computes far faster than it
    reads, the share of products is lower and the gain is the rule.

    ## Try

    - Share of products at 95 %: nothing makes the step more than 5 % faster. At 50 % twice is possible.
    - Give `row_by_row` a stream of one row: both ways then fit into the processor, and there is nothing to gain.
    - `groundup run demo --set train.compile=true`: the first step takes long, and the loss is the same to a few digits.
    - Fill a slot and compile: the run says that it leaves compiling, as nobody can look into your function.

    The function that a compiler loses to when it is written by hand for this one purpose: `groundup learn start rms_norm`
    """)
    return


if __name__ == "__main__":
    app.run()
