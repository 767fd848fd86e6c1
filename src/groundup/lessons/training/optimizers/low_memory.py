"""Lesson: AdamW's memory in a quarter of the bytes, and why rounding to the nearest would stop the clock."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="AdamW's state in one byte", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.low_memory import LowMemoryAdamW, pack, unpack


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # AdamW's state in one byte

    AdamW keeps 8 bytes for each weight beside the weight's own 4. They can be 2. Afterwards you know what has to be done so that a
    mean kept in 256 steps still moves, and why the squares are not kept as squares.
    """)
    return


@app.cell
def _():
    _weight = {"w": torch.zeros(256, 256)}
    _state = LowMemoryAdamW(_weight, form="8bit", learning_rate=0.01).state()
    held = sum(tensor.numel() * tensor.element_size() for name, tensor in _state.items() if name.startswith("w."))
    mo.md(f"The two means of 65,536 weights in {held:,} bytes: **{held / 65536:.2f}** a weight instead of 8.")
    return (held,)


@app.cell
def _(held):
    assert held == 65536 * 2 + 2 * 256 * 4, "two bytes a weight, and two scales for each block of 256"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A clock that stands still

    A mean of squares changes by a small share a step: $v \leftarrow 0.99\, v + 0.01\, g^2$. Written in whole steps of its block's largest
    number, the change is often less than half a step, and rounded to the nearest it is gone. Up as often as the part that is cut off,
    it is right in the mean. Below, a number at 20 of 127 steps is to fall by a hundredth each time.
    """)
    return


@app.cell
def _():
    start = mo.ui.slider(10, 40, step=10, value=20, label="steps it begins at", show_value=True)
    start
    return (start,)


@app.cell
def _(start):
    def falling(drawn, times=200):
        """Means of 255 numbers that fall by a hundredth each time, packed and unpacked in between."""
        source = torch.Generator().manual_seed(0)
        values, path = torch.full((256,), float(start.value)), []
        for _ in range(times):
            path = [*path, values[1:].mean().item()]
            values = torch.cat([torch.tensor([127.0]), values[1:] * 0.99])  # the first number keeps a step at 1
            draws = torch.rand(1, 256, generator=source) if drawn else None
            values = unpack(*pack(values, draws, root=False), values, root=False)
        return path

    means = {
        "exact": [start.value * 0.99**step for step in range(200)],
        "to the nearest": falling(False),
        "at random": falling(True),
    }
    plots.lines(range(200), means, x="time", y="mean", title="Falling by a hundredth each time")
    return falling, means


@app.cell
def _(means, start):
    assert abs(means["to the nearest"][-1] - start.value) < 1e-3, "it never moves"
    assert abs(means["at random"][-1] - means["exact"][-1]) < 0.15 * start.value
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What divides must not be 0

    Squared gradients of one block differ by orders of size. In 127 linear steps all below a 254th of the largest are 0, and $v$ is what divides.
    So its fourth root is kept: what is a millionth of the largest becomes a thirtieth, eight steps.
    """)
    return


@app.cell
def _():
    spread = torch.logspace(-9, 0, 256)
    _plain = unpack(*pack(spread, None, root=False), spread, root=False)
    _root = unpack(*pack(spread, None, root=True), spread, root=True)
    lost = {
        "kept as it is": (_plain == 0).float().mean().item(),
        "kept as its fourth root": (_root == 0).float().mean().item(),
    }
    plots.value_bars({"became 0": lost}, y="share of the numbers", title="256 numbers from a billionth to 1")
    return lost, spread


@app.cell
def _(lost):
    assert lost["kept as it is"] > 0.6 and lost["kept as its fourth root"] == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## And close enough

    The root that divides, $\sqrt{v}$, then comes back within a few hundredths where it is not tiny:
    """)
    return


@app.cell
def _(spread):
    _back = unpack(*pack(spread, None, root=True), spread, root=True)
    off = (np.sqrt(_back.numpy() / spread.numpy()) - 1).__abs__()
    large = float(off[spread.numpy() > 1e-4].max())
    assert large < 0.05
    mo.md(f"Above a ten-thousandth of the largest, the root is off by at most **{large:.1%}**.")
    return large, off


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Begin at 40: the change is 0.4 of a step, and still nothing moves. At 60 it would: why?
    - Pack the spread of numbers from 1e-12: what do the smallest come back as?
    - `--set train.optimizer_state=8bit` trains a whole run with it.
    """)
    return


if __name__ == "__main__":
    app.run()
