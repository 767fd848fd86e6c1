"""Lesson: how far a model really reads, by its loss at each position and by a needle at each depth."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="How far a model really reads", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.positions.needle import haystack, loss_by_position, retrieval
    from groundup.model.positions.relative import alibi_slopes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # How far a model really reads

    "A context of 128,000 tokens" says how much a model accepts, and not how much it uses. Two measurements tell: the loss at
    each position, and a fact hidden at each depth. Afterwards you can make both, and read the picture that long-context models
    are judged by.
    """)
    return


@app.cell
def _():
    _logits = torch.zeros(1, 3, 16)
    nothing = loss_by_position(_logits, torch.tensor([[1, 2, 3]]))
    mo.md(f"A model that knows nothing of 16 letters has a loss of **{nothing[0]:.2f}** at every position: log 16.")
    return (nothing,)


@app.cell
def _(nothing):
    assert torch.allclose(nothing, torch.full((3,), math.log(16)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The loss at each position

    A reader that uses what it has seen gets better as it reads on. Take a coin that falls on heads with an unknown chance, and
    the best reader of it: after $n$ throws with $k$ heads it expects heads with $(k + 1) / (n + 2)$. Its loss falls with the
    position, down to the coin's entropy; a reader of the last `window` throws alone stops getting better.
    """)
    return


@app.cell
def _():
    window = mo.ui.dropdown({"4": 4, "16": 16, "64": 64}, value="16", label="window")
    window
    return (window,)


@app.cell
def _(window):
    _source = torch.Generator().manual_seed(0)
    _throws = (torch.rand(4000, 101, generator=_source) < torch.rand(4000, 1, generator=_source)).long()

    def _coin_loss(seen):
        """The loss at each position of a reader that sees that many throws back."""
        heads = torch.nn.functional.pad(_throws.cumsum(1), (1, 0))
        start = (torch.arange(101) - seen).clamp(min=0)
        count = torch.arange(101) - start
        chance = (heads[:, :101] - heads[:, start] + 1) / (count + 2)
        return loss_by_position(torch.stack([1 - chance, chance], dim=-1).log(), _throws)

    readers = {"sees all": _coin_loss(101), f"sees {window.value}": _coin_loss(window.value)}
    plots.lines(
        [*range(101)], readers, x="position", y="loss, nats", title="Reading on makes better, as far as one looks back"
    )
    return (readers,)


@app.cell
def _(readers, window):
    _all, _short = readers["sees all"], readers[f"sees {window.value}"]
    assert torch.equal(_all[: window.value + 1], _short[: window.value + 1])
    assert _all[90:].mean() < _short[90:].mean() < _all[0]
    assert 0.5 < _all[90:].mean() < 0.53, "the mean entropy of a coin of unknown chance is 1/2"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A loss that rises after some position says that the model is lost there. One that merely stays level may hide that the model
    no longer looks at the beginning.

    ## A needle

    So hide one sentence among others, at a depth from 0 (first) to 1 (last), and ask for it.
    """)
    return


@app.cell
def _():
    _text = haystack(["hay"] * 6, ["NEEDLE"], 0.5)
    assert _text.index("NEEDLE") == 3 and len(_text) == 7
    mo.md("At depth 0.5: " + " ".join(_text))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The reader here is one head of attention with ALiBi's bias. Keys of hay are random; the needle's key fits the query. It is
    found where the needle gets the largest weight. A steep slope forgets what is far, however well it fits.
    """)
    return


@app.cell
def _():
    slope = mo.ui.dropdown({str(one.item()): one.item() for one in alibi_slopes(4)}, value="0.0625", label="slope")
    slope
    return (slope,)


@app.cell
def _(slope):
    def _finds(text, trial):
        """Whether the needle's key gets the largest weight; text: keys, the needle's is all ones."""
        keys = torch.stack(text)
        query = torch.full((16,), 3.0)
        bias = -slope.value * torch.arange(len(keys) - 1, -1, -1.0)
        # the bias as one more coordinate of the keys, so that the definition of attention is used as it is
        keys = torch.cat([keys, bias[:, None] * math.sqrt(17)], dim=1)
        query = torch.cat([query, torch.ones(1)])
        weights = scaled_dot_product_attention(query[None], keys, torch.eye(len(keys)))[0]
        return float(weights.argmax() == next(i for i, key in enumerate(text) if (key == 1).all()))

    _depths, _lengths = [0.0, 0.25, 0.5, 0.75, 1.0], [16, 64, 256, 1024]
    found = retrieval(
        _finds,
        lambda length, trial: [*torch.randn(length, 16, generator=torch.Generator().manual_seed(trial))],
        lambda trial: [torch.ones(16)],
        lengths=_lengths,
        depths=_depths,
        trials=4,
    )
    plots.heat_map(
        found, rows=_depths, columns=_lengths, low=0, high=1, x="length", y="depth", title=f"Found, slope {slope.value}"
    )
    return (found,)


@app.cell
def _(found, slope):
    assert found[-1].min() == 1, "at the very end it is always found"
    if slope.value >= 0.0625:
        assert found[0, -1] == 0
    assert found[0, 0] >= found[0, -1] and (found[-1] >= found[0]).all()
    mo.md(f"Of all depths and lengths **{found.mean():.0%}** of the needles are found with slope {slope.value}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Slope 0.25: only the lower left is found. 0.0039: nearly everything.
    - A window of 4: after four throws the loss stays where it is.
    - `score` may be any function: give it a model's answer compared with the right one.

    Go on: `groundup learn lesson model.positions.extension`
    """)
    return


if __name__ == "__main__":
    app.run()
