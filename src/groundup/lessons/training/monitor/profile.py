"""Lesson: where the time of a training step goes, and how to read a flame picture."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Profile: where a step's time goes", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.config import TrainConfig
    from groundup.training.monitor.profile import Operation, own_seconds, product_flops, summarize
    from groundup.training.monitor.profiler import profile_steps


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Profile: where a step's time goes

    Before something is made faster one has to know what is slow, and guesses are usually wrong. Afterwards you can read a profile of a
    training step: what is an operation's own time, which part of the model it belongs to, and how near its products come to the machine's peak.
    """)
    return


@app.cell
def _():
    spans = {"step": (0, 100), "linear": (10, 60), "transpose": (12, 15), "product": (15, 58), "loss": (70, 95)}
    lengths = {name: end - start for name, (start, end) in spans.items()}
    mo.md(
        "A profiler looked at 100 ms of a program and saw five operations. Their times together are "
        f"**{sum(lengths.values())} ms**, more than twice as long as the program ran. Which of them counted something twice?"
    )
    return lengths, spans


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Own time

    Operations run inside operations: the step calls `linear`, which turns the matrix round and multiplies. The product's 43 ms are in
    the time of `linear`, and again in that of the step. What can be added up is the **own** time of each, its length less
    what runs directly inside it:

    $$\text{own} = (\text{end} - \text{start}) - \sum_{\text{directly inside}} (\text{end} - \text{start})$$

    Directly: the product's time is taken off `linear` and not once more off the step, since it is in `linear`'s time already.
    """)
    return


@app.cell
def _(spans):
    own = dict(zip(spans, own_seconds(list(spans.values())), strict=True))
    plots.value_bars(
        {"length": {name: end - start for name, (start, end) in spans.items()}, "own time": own},
        y="ms",
        title="What took the time is the product, not the step",
    )
    return (own,)


@app.cell
def _(lengths, own):
    assert sum(own.values()) == 100 < sum(lengths.values())
    assert own == {"step": 25, "linear": 4, "transpose": 3, "product": 43, "loss": 25}
    assert own_seconds([(2, 3), (1, 4), (0, 10)]) == [1, 2, 7], "in whatever order they come"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The flame picture

    Who ran inside whom is a tree, and each of its rows is as wide as its time. A row that is wide, and under which little stands, is where
    the time goes; what is high and narrow costs nothing, however much of it there is. Choose how long the product takes and see how
    it pushes everything else together.
    """)
    return


@app.cell
def _():
    product = mo.ui.slider(5, 200, step=5, value=40, label="ms in the product", show_value=True)
    product
    return (product,)


@app.cell
def _(product):
    ms, end = 0.001, 0.06 + product.value * 0.001
    ran = [
        Operation(name="linear", start=10 * ms, end=end, part="feed-forward"),
        Operation(name="t", start=12 * ms, end=15 * ms, part="feed-forward", around=("linear",)),
        Operation(name="mm", start=15 * ms, end=end - 40 * ms, part="feed-forward", around=("linear",), flops=10**9),
        Operation(name="loss", start=end + 5 * ms, end=end + 30 * ms, part="head and loss"),
        Operation(name="add_", start=end + 30 * ms, end=end + 40 * ms, part="optimizer"),
    ]
    seen = summarize(ran, 1, end + 45 * ms, peak_flops=1e11)
    plots.flame_graph(seen.flame, title=f"A step of {1000 * seen.seconds:.0f} ms")
    return end, ms, ran, seen


@app.cell
def _(product, seen):
    assert abs(sum(row["seconds"] for row in seen.operations) - seen.seconds) < 1e-9, (
        "every millisecond stands in one row"
    )
    assert abs(sum(row["share"] for row in seen.parts) - 1) < 1e-9
    _mm = next(row for row in seen.operations if row["operation"] == "mm")
    assert abs(_mm["seconds"] - (product.value + 5) / 1000) < 1e-9
    assert abs(_mm["of_peak"] - 1e9 / _mm["seconds"] / 1e11) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Is it slow, or is there much to do?

    A row says how long an operation took. Whether that is long, its shapes tell: an $m \times n$ matrix times an $n \times k$ matrix needs
    $2mnk$ operations. Divided by its own time and by the machine's peak, that is the share of what the machine can do. A product at 80 % of the peak
    can hardly be made faster; one at 5 % is too small, or its numbers lie badly in memory.
    """)
    return


@app.cell
def _():
    assert product_flops("aten::mm", [[2, 3], [3, 5]]) == 2 * 2 * 3 * 5
    assert product_flops("aten::bmm", [[4, 2, 3], [4, 3, 5]]) == 4 * 60
    assert product_flops("aten::mul", [[2, 3], [2, 3]]) == 0, "no product of matrices: memory is its limit"
    product_flops("aten::mm", [[4096, 384], [384, 1536]])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A real step

    `profile_steps` trains a model for a few steps with torch's profiler open. The modules carry marks, so that each operation knows its part. On
    the way back no module runs, only autograd; but autograd numbered each operation on the way forward, and gives the gradient the
    same number, so the way back finds its part too. Choose the shape of a tiny model.
    """)
    return


@app.cell
def _():
    which = mo.ui.dropdown(
        options={"deep and narrow": (4, 32, 64), "wide feed-forward": (1, 32, 1024), "large vocabulary": (1, 32, 64)},
        value="wide feed-forward",
        label="a model that is",
    )
    which
    return (which,)


@app.cell
def _(which):
    def measured(layers, width, inner, vocabulary):
        """The profile of two steps of a tiny model on random tokens."""

        def batch(number):
            ids = torch.randint(0, vocabulary, (4, 65), generator=torch.Generator().manual_seed(number))
            zeros, places = torch.zeros(4, 64, dtype=torch.long), torch.arange(64).expand(4, 64)
            return Batch(ids[:, :-1], ids[:, 1:], torch.ones(4, 64, dtype=torch.bool), zeros, places)

        shape = LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=2,
        )
        config = TrainConfig(batch_size=4, seq_len=64, optimizer="adamw")
        return profile_steps(build(shape, seed=0), batch, config, warm=1, steps=2)

    _made = measured(*which.value, 8192 if which.value == (1, 32, 64) else 64)
    _flops = {row["part"]: row["flops"] for row in _made.parts}
    assert abs(sum(row["share"] for row in _made.parts) - 1) < 0.05
    if which.value == (1, 32, 1024):
        assert max(_flops, key=_flops.get) == "feed-forward"
    if which.value == (1, 32, 64):
        assert max(_flops, key=_flops.get) == "head and loss"
    plots.flame_graph(_made.flame, title=f"{1000 * _made.seconds:.1f} ms a step, of this machine, just now")
    return (measured,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Most of these rows are thin, and a good part is Python between them: so it is with tiny models, whose operations take less time than
    starting them. That is why a larger batch costs little here, and why a model of ten times the size is not ten times slower.

    Three questions for every profile, in this order: which part is the widest? Is it near the peak? If not, is it many small rows
    (start fewer, larger ones), or one that moves memory (fuse it with its neighbours)?
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `groundup train --profile --set train.steps=20`: tables in the terminal; in the stage's folder `profile` the flame picture, and a trace that
      `chrome://tracing` opens.
    - the same with `--set train.batch_size=1`: how wide is "Python, in between" now?
    - `--set train.optimizer=muon` against `adamw`: what does the optimizer's part cost, and does the loss pay for it?

    Write it yourself: `groundup learn start own_seconds`
    """)
    return


if __name__ == "__main__":
    app.run()
