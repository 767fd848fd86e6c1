"""Lesson: GLM's blank infilling as a training task: one stack fills gaps of any length, in any order."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="GLM: fill blanks in any order, with one stack", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.blanks import blanked
    from groundup.model.architectures.glm import GLM2022Config
    from groundup.model.architectures.prefix_lm import prefix_mask
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.blanks import blank_batch, draw_blanks, filled
    from groundup.training.objectives.prefix import prefix_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # GLM: fill blanks in any order, with one stack

    BERT fills gaps whose length it is shown. T5 does not need that, and pays with a second stack. GLM does it in one: the text with its blanks is a prefix
    that is read both ways, and the blanks follow, one after another. The row itself is the lesson of `model.architectures.prefix_lm`; here is the task.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    lengths = torch.tensor([last - first for _ in range(40) for first, last in draw_blanks(2000, _source)])
    mo.md(
        f"Blanks of three tokens on average, but one in **{len(lengths) / int((lengths >= 7).sum()):.0f}** has seven or more."
    )
    return (lengths,)


@app.cell
def _(lengths):
    _shares = {size: (lengths == size).float().mean().item() for size in range(1, 10)}
    poisson = {size: 3**size / math.factorial(size) * math.exp(-3) for size in range(1, 10)}
    poisson[1] += math.exp(-3)  # an empty blank would ask for nothing, so it becomes one of one token
    plots.value_bars(
        {"drawn": {str(k): v for k, v in _shares.items()}, "Poisson": {str(k): v for k, v in poisson.items()}},
        title="Lengths of the blanks",
    )
    return (poisson,)


@app.cell
def _(lengths, poisson):
    for _size, _expected in poisson.items():
        assert abs((lengths == _size).float().mean().item() - _expected) < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where they are, and in which order

    The places are drawn so that no two blanks touch, and the order is shuffled: a blank is learned from whichever others were filled before it. The number
    is the turn at which a blank is filled.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(0.1, 0.6, step=0.1, value=0.3, label="rate", show_value=True)
    rate
    return (rate,)


@app.cell
def _(rate):
    _source = torch.Generator().manual_seed(1)
    turns = torch.zeros(8, 50)
    for _row in range(8):
        for _turn, (_first, _last) in enumerate(draw_blanks(50, _source, rate.value), 1):
            turns[_row, _first:_last] = _turn
    plots.heat_map(
        turns, x="token", y="text", title=f"{(turns > 0).float().mean().item():.0%} of the tokens are asked for"
    )
    return (turns,)


@app.cell
def _(rate, turns):
    assert ((turns > 0).sum(dim=1) == round(50 * rate.value)).all(), "the rate is exact in every text"
    assert ((turns[:, 1:] == turns[:, :-1]) | (turns[:, 1:] == 0) | (turns[:, :-1] == 0)).all(), "no two touch"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model learns it

    Twelve letters of an alphabet of sixteen that goes round, with blanks. The loss is `prefix_loss`: the prefix's places ask for nothing, and the mask lets all
    of the prefix see itself.
    """)
    return


@app.cell
def _():
    letters = "·abcdefghijklmnop" + "_[]"
    marks = {"mask_id": 17, "start_id": 18, "end_id": 19}

    def _drawn(number, rows=32):
        """A batch of blanked texts, for a number."""
        source = torch.Generator().manual_seed(number)
        firsts = torch.randint(16, (rows,), generator=source).tolist()
        documents = [[1 + (first + step) % 16 for step in range(12)] for first in firsts]
        return blank_batch(documents, source, **marks, rate=0.1 * (2 + number % 3))

    _config = GLM2022Config(
        vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=32
    )
    model, losses = build(_config, seed=0), []
    _told = TrainConfig(steps=250, batch_size=32, seq_len=12)
    train(model, _drawn, _told, objective=prefix_loss, listeners=[lambda event: losses.append(event.loss)])
    plots.lines(range(len(losses)), {"loss of the blanks": losses}, x="step", y="nats", title="A tiny GLM learns")
    return letters, losses, marks, model


@app.cell
def _(losses):
    assert losses[0] > 2.5 and sum(losses[-20:]) / 20 < 0.6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fill two blanks

    *d e f g h i j k l m n o* without two pieces. Choose where the first begins, and in which order they are filled. The model is asked at every
    place at once, with the right tokens before it; shown is what it would write, each blank to its own end mark.
    """)
    return


@app.cell
def _():
    first = mo.ui.slider(1, 4, value=2, label="where the first begins", show_value=True)
    first
    return (first,)


@app.cell
def _():
    turned = mo.ui.switch(value=False, label="the later blank first")
    turned
    return (turned,)


@app.cell
def _(first, letters, marks, model, turned):
    text = list(range(4, 16))
    _spans = [(first.value, first.value + 2), (8, 10)]
    row = blanked(text, _spans[::-1] if turned.value else _spans, *marks.values())
    with torch.no_grad():
        _scores = model(
            row.input_ids[None], prefix_mask(torch.tensor([row.prefix]), len(row.input_ids)), row.positions[None]
        )
    guessed = _scores[0].argmax(dim=-1)[row.prefix :]
    _prefix = " ".join(letters[one] for one in row.input_ids[: row.prefix].tolist())
    mo.md(f"`{_prefix}`\n\n**[ {' '.join(letters[one] for one in guessed.tolist())}**".replace("] ", "] [ "))
    return guessed, row, text


@app.cell
def _(guessed, marks, row, text):
    assert torch.equal(guessed, row.targets[row.prefix :]), "both blanks are filled, in either order"
    _read, _asked = row.input_ids.tolist(), row.positions[row.prefix :]
    assert filled(_read, guessed, _asked, row.prefix, marks["mask_id"]) == text
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Raise the rate: more and longer blanks, until hardly a token is left between them.
    - Turn the order: the later blank is filled before the earlier one, and the model knows both.
    - Train with a rate of 0.1 alone: each text then has one blank of one token; can the model fill two?

    Write the row yourself: `groundup learn start blank_infilling`
    """)
    return


if __name__ == "__main__":
    app.run()
