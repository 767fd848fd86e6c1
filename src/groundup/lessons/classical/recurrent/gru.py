"""Lesson: the gated recurrent unit, an LSTM without a memory of its own."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One state, two gates", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.classical.recurrent.gru import GRU, gru_cell
    from groundup.classical.recurrent.lstm import LSTM
    from groundup.classical.recurrent.memory import CopyTask, gradient_by_distance, keep_for, learn, recalled


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One state, two gates

    A GRU keeps by copying its state in place of adding to a memory. Afterwards you can compute a step by hand, say what each of its two
    gates is for, and have seen that three matrices remember what four do.
    """)
    return


@app.cell
def _():
    sizes = {kind.__name__: sum(parameter.numel() for parameter in kind(128, 128).parameters()) for kind in (LSTM, GRU)}
    mo.md(f"128 units: an LSTM has {sizes['LSTM']:,} parameters, a GRU **{sizes['GRU']:,}**, exactly three quarters.")
    return (sizes,)


@app.cell
def _(sizes):
    assert sizes["GRU"] * 4 == sizes["LSTM"] * 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A mean of old and new

    $$h' = (1 - z)\, n + z\, h$$

    $z$, the update gate, is a sigmoid: at 1 the state is copied, at 0 it is replaced by $n = \tanh(\dots)$. In between it is a moving
    average, and the gate its memory. A state that begins at 0 and is told 1 at every step:
    """)
    return


@app.cell
def _():
    update = mo.ui.slider(-4, 6, step=1, value=2, label="bias of the update gate", show_value=True)
    update
    return (update,)


@app.cell
def _(update):
    _zero, _none = torch.zeros(3, 1), torch.zeros(3)
    _bias = torch.tensor([0.0, float(update.value), 20.0])  # tanh(20) = 1 is what is new
    _state, approached = torch.zeros(1, 1), [0.0]
    for _ in range(40):
        _state = gru_cell(torch.zeros(1, 1), _state, _zero, _zero, _bias, _none)
        approached.append(_state.item())
    z = 1 / (1 + np.exp(-update.value))
    plots.lines(
        list(range(41)),
        {"state": approached},
        x="steps",
        y="state",
        title=f"z = {z:.3f}: a mean over about {1 / (1 - z):.0f} steps",
    )
    return approached, z


@app.cell
def _(approached, z):
    assert np.allclose(approached, [1 - z**step for step in range(41)], atol=1e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Forget for the moment

    $$n = \tanh(W_{in} x + b_{in} + r\,(W_{hn} h + b_{hn}))$$

    $r$, the reset gate, lets the new state be made without the old one, while $z$ may keep the old one for later. By hand: a state of 0.7,
    $W_{hn} = 0.4$, 0.2 from the input, and both gates at one half.
    """)
    return


@app.cell
def _():
    _weight = torch.tensor([[0.0], [0.0], [0.4]])
    by_cell = gru_cell(
        torch.zeros(1, 1),
        torch.tensor([[0.7]]),
        torch.zeros(3, 1),
        _weight,
        torch.tensor([0.0, 0.0, 0.2]),
        torch.zeros(3),
    ).item()
    by_hand = (np.tanh(0.2 + 0.5 * 0.4 * 0.7) + 0.7) / 2
    mo.md(
        f"n = tanh(0.2 + 0.5 · 0.28) = {np.tanh(0.34):.4f}, and the mean with 0.7 is **{by_hand:.4f}**; the cell says {by_cell:.4f}."
    )
    return by_cell, by_hand


@app.cell
def _(by_cell, by_hand):
    assert abs(by_cell - by_hand) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## As far back as an LSTM

    Where $z$ is near 1 the gradient is copied with the state. Both with gates that begin at $\ln n$, kept for $n = 50$ steps:
    """)
    return


@app.cell
def _():
    def _road(kind):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            made, texts = kind(8, 32), torch.randn(8, 101, 8)
        keep_for(made, 50)
        return gradient_by_distance(made, texts)

    roads = {kind.__name__: _road(kind) for kind in (LSTM, GRU)}
    plots.lines(list(range(101)), roads, x="tokens back", y="gradient", log_y=True, title="Gradient by distance")
    return (roads,)


@app.cell
def _(roads):
    assert all(norms[100] > 1e-3 * norms[0] for norms in roads.values())
    return


@app.cell
def _():
    _task = CopyTask(symbols=4, distance=12)
    right = {kind: recalled(learn(f"{kind}_lm", _task, 200, 24, kept_for=12), _task) for kind in ("lstm", "gru")}
    plots.value_bars({"right": right | {"chance": 0.25}}, y="share right", title="A symbol 12 blanks ago")
    return (right,)


@app.cell
def _(right):
    assert min(right.values()) > 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Bias -4: the state is replaced at once. Bias 6: after 40 steps it is not a tenth of the way.
    - Set $r = 0$ in the step by hand (bias -20 in the first place): $n$ becomes tanh(0.2), whatever the state was.

    Write it yourself: `groundup learn start gru_cell`
    """)
    return


if __name__ == "__main__":
    app.run()
