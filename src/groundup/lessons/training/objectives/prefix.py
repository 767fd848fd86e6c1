"""Lesson: prefix language modelling: the beginning is read both ways, the rest is asked for."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Prefix LM: read the question, learn the answer", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.architectures.prefix_lm import prefix_mask
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.prefix import Prefixed, prefix_batch, prefix_loss, prefixed, split


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Prefix LM: read the question, learn the answer

    A text is cut in two. The beginning is read both ways and teaches nothing by itself; what follows is asked for, token by token. Afterwards you can make
    those rows, know what they cost, and have seen why a model must be trained with the mask with which it is used.
    """)
    return


@app.cell
def _():
    _batch = prefix_batch([list(range(1, 513))] * 400, torch.Generator().manual_seed(0))
    taught = _batch.loss_mask.float().mean().item()
    mo.md(f"Cut at a random place, a text asks for **{taught:.0%}** of its tokens; next-token prediction asks for all.")
    return (taught,)


@app.cell
def _(taught):
    assert abs(taught - 0.5) < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One row

    The last token of the prefix is the first place that is asked for something: the first token of the answer. Before it nothing is asked (-100).
    """)
    return


@app.cell
def _():
    cut = mo.ui.slider(1, 6, value=3, label="tokens of the prefix", show_value=True)
    cut
    return (cut,)


@app.cell
def _(cut):
    row = split([1, 2, 3, 4, 5, 6, 7], cut.value)
    plots.heat_map(
        prefix_mask(torch.tensor([cut.value]), 6)[0].float(),
        rows=[f"{read}, asks {asked if asked > 0 else 'nothing'}" for read, asked in zip(row[0], row[1], strict=True)],
        columns=[str(one) for one in row[0]],
        low=0,
        high=1,
        title=f"Who sees whom, and what is asked for, with a prefix of {cut.value}",
    )
    return (row,)


@app.cell
def _(cut, row):
    assert row[0][: cut.value] + [one for one in row[1] if one > 0] == [1, 2, 3, 4, 5, 6, 7]
    assert row[1].index(cut.value + 1) == cut.value - 1, "the prefix's last token asks for the first of the answer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two models, one task

    A question of six letters, a bar, and the answer: the letters from the end to the beginning. Both models learn the answer alone; one reads the question with
    the mask of a prefix, the other causally. Both can do it: the answer sees all of the question either way.
    """)
    return


@app.cell
def _():
    def asked(number, rows=32, causally=False):
        """A batch of questions with their answers, for a number; causally: the mask of a prefix of one token."""
        source = torch.Generator().manual_seed(number)
        letters = torch.randint(1, 9, (rows, 6), generator=source).tolist()
        batch = prefixed([split([*word, 9, *word[::-1]], 7) for word in letters])
        if not causally:
            return batch
        return Prefixed(batch.input_ids, batch.targets, batch.loss_mask, torch.ones_like(batch.prefix), batch.positions)

    _config = LlamaConfig(
        vocab_size=10, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=32,
    )  # fmt: skip
    models, curves = {}, {}
    for _name, _causally in {"prefix": False, "causal": True}.items():
        models[_name], curves[_name] = build(_config, seed=0), []
        train(
            models[_name],
            lambda number, causally=_causally: asked(number, causally=causally),
            TrainConfig(steps=200, batch_size=32, seq_len=12),
            objective=prefix_loss,
            listeners=[lambda event, curve=curves[_name]: curve.append(event.loss)],
        )
    plots.lines(range(200), curves, x="step", y="nats", title="The loss of the answers")
    return asked, curves, models


@app.cell
def _(curves):
    assert all(curve[0] > 2 and sum(curve[-20:]) / 20 < 0.5 for curve in curves.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Trained with one mask, used with the other

    The weights fit either mask, and nothing warns. But the vectors of the question are others: a causally trained model never met such states.
    """)
    return


@app.cell
def _(asked, models):
    losses = torch.zeros(2, 2)
    for _row, _model in enumerate(models.values()):
        for _column, _causally in enumerate((False, True)):
            with torch.no_grad():
                _loss, _count = prefix_loss(_model, asked(9999, 200, _causally))
            losses[_row, _column] = _loss.item() / _count
    plots.heat_map(
        losses, rows=list(models), columns=list(models), y="trained", x="used", text=True, title="Nats a token"
    )
    return (losses,)


@app.cell
def _(losses):
    assert (losses.diagonal() < 0.5).all(), "each does its own"
    assert losses[0, 1] > 2 * losses[0, 0] and losses[1, 0] > 2 * losses[1, 1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Ask it

    The prefix model answers *a b c d e f |*, with all of the question in sight, one letter after another.
    """)
    return


@app.cell
def _(models):
    written = [1, 2, 3, 4, 5, 6, 9]
    with torch.no_grad():
        for _ in range(6):
            _scores = models["prefix"](torch.tensor([written]), prefix_mask(torch.tensor([7]), len(written)))
            written = [*written, int(_scores[0, -1].argmax())]
    mo.md("`" + " ".join("·abcdefgh|"[one] for one in written) + "`")
    return (written,)


@app.cell
def _(written):
    assert written[7:] == [6, 5, 4, 3, 2, 1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the prefix to 1: the mask is causal, and all seven tokens but the first are asked for: next-token prediction.
    - Set it to 6: one token is asked for, read with all others in sight, as BERT would.
    - Draw the cut at random (`prefix_batch`) on texts of your own: half of the tokens teach.

    The mask you write with `groundup learn start prefix_mask`
    """)
    return


if __name__ == "__main__":
    app.run()
