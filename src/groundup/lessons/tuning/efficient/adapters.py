"""Lesson: adapters that are no thin product: a bottleneck that bends and stays, and IA3, which only multiplies and disappears."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Bottlenecks and IA3: bend, or only multiply", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.tuning.efficient.adapters import bottleneck
    from groundup.tuning.efficient.config import BottleneckConfig, IA3Config, LoraConfig
    from groundup.tuning.efficient.many import apply, merge


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Bottlenecks and IA3: bend, or only multiply

    LoRA adds a product of two thin matrices. Two other answers to the same question lie to either side of it: one that can bend, and
    stays beside the model for
    good, and one that does less than LoRA and leaves no trace. Afterwards you can say what each learns, costs and leaves behind.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=500, hidden_size=64, intermediate_size=160, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=64,
    )  # fmt: skip
    whole = count(config).parameters

    def base():
        """A model whose every weight is drawn, as if it had learned something."""
        module, draw = build(config, seed=0), torch.Generator().manual_seed(7)
        with torch.no_grad():
            for one in module.parameters():
                one.add_(0.1 * torch.randn(one.shape, generator=draw))
        return module

    ways = {
        "bottleneck": BottleneckConfig(width=16),
        "parallel": BottleneckConfig(width=16, parallel=True),
        "LoRA": LoraConfig(r=8),
        "IA3": IA3Config(),
    }
    learned = {name: sum(one.numel() for one in apply(base(), told).parameters()) for name, told in ways.items()}
    mo.md(
        f"Of {whole:,} weights IA3 moves **{learned['IA3']:,} numbers**, a bottleneck of width 16 adds **{learned['bottleneck']:,}**."
    )
    return base, config, learned, ways, whole


@app.cell
def _(learned, whole):
    assert learned["IA3"] == 4 * (64 + 64 + 160), (
        "a number for each key, each value and each coordinate of the feed-forward's middle"
    )
    assert learned["bottleneck"] == 4 * 2 * (2 * 16 * 64 + 16 + 64) == learned["parallel"]
    assert learned["IA3"] < learned["LoRA"] < whole
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bottleneck

    $$y + s\, U\, \mathrm{relu}(D y)$$

    $D$ takes what a part of the block gives down to a few coordinates, what is negative there is dropped, $U$ takes the rest up
    again. In one dimension, by
    hand: two coordinates in the middle make a bend. Move the bias of the first one.
    """)
    return


@app.cell
def _():
    bend = mo.ui.slider(-2.0, 2.0, step=0.5, value=-1.0, label="lower bias", show_value=True)
    bend
    return (bend,)


@app.cell
def _(bend):
    xs = torch.linspace(-3, 3, 61)
    down, up, low = torch.tensor([[1.0], [-1.0]]), torch.tensor([[1.0, 0.5]]), torch.tensor([bend.value, 0.0])
    added = bottleneck(xs[:, None], down, low, up, torch.zeros(1))[:, 0]
    plots.lines(
        xs.tolist(),
        {"what is added": added.tolist()},
        x="x",
        y="",
        title=f"It bends at 0 and at {-bend.value}: no matrix does that",
    )
    return added, down, low, up, xs


@app.cell
def _(added, bend, xs):
    _at = lambda value: float(added[int((xs - value).abs().argmin())])  # noqa: E731
    assert abs(_at(-2.0) - (1.0 + max(0.0, bend.value - 2.0))) < 1e-5
    assert abs(_at(2.0) - max(0.0, 2.0 + bend.value)) < 1e-5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The bend is why it cannot be merged: no matrix bends. It stays in the model's way, and each token passes two more layers a part.
    *Parallel* is the same beside
    the part instead of behind it: it reads $x$, what enters the part, so both can be computed at once (He et al. 2022).

    ## IA3

    IA3 multiplies: each key, each value and each coordinate in the middle of the feed-forward has a number of its own, at first 1. To
    multiply an output is to
    multiply a row of the matrix, to multiply an input is to multiply a column. So it goes in without a trace.
    """)
    return


@app.cell
def _(base, ways):
    _ids = torch.randint(0, 500, (2, 16), generator=torch.Generator().manual_seed(0))
    started, trained, merged = {}, {}, {}
    for _name, _told in ways.items():
        _adapted = apply(base(), _told)
        with torch.no_grad():
            with _adapted.disabled():
                _before = _adapted(_ids)
            started[_name] = float((_adapted(_ids) - _before).abs().max())
            _draw = torch.Generator().manual_seed(1)
            for _one in _adapted.parameters():
                _one.add_(0.1 * torch.randn(_one.shape, generator=_draw))
            _moved = _adapted(_ids)
            trained[_name] = float((_moved - _before).abs().max())
            if _name in ("LoRA", "IA3"):
                merged[_name] = float((merge(_adapted)(_ids) - _moved).abs().max())
    plots.value_bars(
        {"at the start": started, "moved": trained},
        y="largest change of a score",
        title="Each begins as the model itself",
    )
    return merged, started, trained


@app.cell
def _(merged, started, trained):
    assert all(value == 0 for value in started.values()), "U begins as 0 and l as 1"
    assert all(value > 0 for value in trained.values())
    assert all(value < 1e-3 for value in merged.values()), "what is a change of matrices goes into them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is left behind

    After training IA3 and LoRA can be merged and are gone. A bottleneck costs time with every token for good, and a base with bottlenecks
    is no plain model any more: only this library reads its folder.
    """)
    return


@app.cell
def _(merged, trained):
    mo.md(
        f"Merged and not: IA3 differs by **{merged['IA3']:.1e}**, LoRA by **{merged['LoRA']:.1e}**, "
        f"of changes of {trained['IA3']:.2f} and {trained['LoRA']:.2f}."
    )
    return


@app.cell
def _(learned, whole):
    mo.md(
        f"What is kept for a task, in thousandths of the model: IA3 {1000 * learned['IA3'] / whole:.0f}, "
        f"LoRA {1000 * learned['LoRA'] / whole:.0f}, bottleneck {1000 * learned['bottleneck'] / whole:.0f}."
    )
    return


@app.cell
def _(learned):
    assert learned["IA3"] < learned["LoRA"] < learned["bottleneck"], "from the fewest to the most"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A bias of 2: the bend moves to the left, and to its right one coordinate of the middle is a line, no more.
    - IA3 cannot turn a direction into another, only make it larger or smaller: very few numbers, and a task far from the model's own
      is out of its reach.

    Write it yourself: `groundup learn start bottleneck`. Real runs: `groundup tune MODEL --method bottleneck`, `--method parallel`,
    `--method ia3 --merge`
    """)
    return


if __name__ == "__main__":
    app.run()
