"""Lesson: fill in the middle, how a decoder that writes from left to right learns to write between two texts."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Fill in the middle: move the text, not the model", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.causal import causal_loss
    from groundup.training.objectives.fill_in_middle import (
        Marks,
        draw_middle,
        fill_in_the_middle,
        middle_batch,
        put_back,
        question,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Fill in the middle: move the text, not the model

    An editor asks for what belongs at the cursor, and there is text on both sides. A decoder sees only what came before. Afterwards you know the
    two orders in which code models read a document, and have trained a decoder that closes a gap it could not see across.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _sizes = torch.tensor([draw_middle(300, _source) for _ in range(4000)])
    middle = (_sizes[:, 1] - _sizes[:, 0]).float().mean().item() / 300
    mo.md(
        f"Cut a text at two random places: the middle is **{middle:.0%}** of it on average, as are the prefix and the suffix."
    )
    return (middle,)


@app.cell
def _(middle):
    assert abs(middle - 1 / 3) < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two orders

    **PSM**: prefix, suffix, middle, each behind its mark. **SPM**: first the suffix; then prefix and middle side by side, with no mark between, as if the
    text went on. In SPM whatever the writer types is added at the end, so the cache of keys and values stays valid. Four marks, nothing else is new.
    """)
    return


@app.cell
def _():
    order = mo.ui.radio(["psm", "spm"], value="psm", label="order")
    order
    return (order,)


@app.cell
def _(order):
    _words = "def area ( r ) : return pi * r * r".split()
    _names = dict(enumerate(_words)) | {100: "`PRE`", 101: "`SUF`", 102: "`MID`", 103: "`END`"}
    row = fill_in_the_middle(list(range(len(_words))), 6, 8, (100, 101, 102, 103), order.value)
    mo.md(
        f"{' '.join(_words).replace('*', '×')}\n\nbecomes\n\n{' '.join(_names[one] for one in row).replace('*', '×')}"
    )
    return (row,)


@app.cell
def _(row):
    _marks = Marks(100, 101, 102, 103)
    assert put_back(row, _marks) == list(range(12)), "no token is lost, so the text comes back"
    assert row[-3:] == [6, 7, 103], "what is to be written comes last, then the end"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A language in which both sides decide

    The texts of this page are stretches of the alphabet: *c d e f g h*. What follows *c d* is easy. How long the middle is stands nowhere
    but in the suffix: before *... h i* it must stop at *g*.
    """)
    return


@app.cell
def _():
    letters = "·abcdefghijklmnop"
    marks = Marks(17, 18, 19, 20)
    corpus = [list(range(first, first + size)) for size in (6, 8, 10) for first in range(1, 18 - size)]

    def spelled(ids):
        """Ids as letters."""
        return " ".join(letters[one] for one in ids if one < len(letters))

    mo.md("\n\n".join(f"`{spelled(corpus[index])}`" for index in (0, 8, 14, 25)))
    return corpus, letters, marks, spelled


@app.cell
def _(corpus, marks):
    def trained(rate, steps=250):
        """A decoder that has read documents moved at this rate, and its losses."""

        def batch(number):
            source = torch.Generator().manual_seed(number)
            documents = [corpus[one] for one in torch.randint(len(corpus), (32,), generator=source).tolist()]
            return middle_batch(documents, source, marks, rate)

        config = LlamaConfig(
            vocab_size=21, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
        )  # fmt: skip
        module, losses = build(config, seed=0), []
        told = TrainConfig(steps=steps, batch_size=32, seq_len=14)
        train(module, batch, told, listeners=[lambda event: losses.append(event.loss)])
        return module.eval(), losses

    fills, losses = trained(0.9)
    plain, _plain_losses = trained(0.0)
    plots.lines(
        range(len(losses)),
        {"nine in ten moved": losses, "none moved": _plain_losses},
        x="step",
        y="nats a token",
        title="The same model, the same texts, another order",
    )
    return fills, losses, plain, trained


@app.cell
def _(losses, trained):
    assert callable(trained) and losses[0] > 2 > 1.2 > sum(losses[-20:]) / 20
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fill the gap

    *c d e f g h i j k l*, of which four letters are missing from the place you choose. The model reads prefix and suffix in the order chosen above and
    writes its likeliest token until it says that the middle is full.
    """)
    return


@app.cell
def _():
    first = mo.ui.slider(1, 5, value=3, label="where the gap begins", show_value=True)
    first
    return (first,)


@app.cell
def _(fills, first, marks, order, spelled):
    def written(module, prefix, suffix, way):
        """What a model writes between two texts."""
        asked = question(prefix, suffix, marks, way)
        middle = []
        with torch.no_grad():
            while len(middle) < 10 and marks.end not in middle:
                middle.append(int(module(torch.tensor([asked + middle]))[0, -1].argmax()))
        return [one for one in middle if one != marks.end]

    text = list(range(3, 13))
    prefix, suffix = text[: first.value], text[first.value + 4 :]
    answer = written(fills, prefix, suffix, order.value)
    mo.md(f"`{spelled(prefix)}` **{spelled(answer)}** `{spelled(suffix)}`")
    return answer, prefix, suffix, text, written


@app.cell
def _(answer, fills, marks, order, prefix, spelled, suffix):
    _asked = question(prefix, suffix, marks, order.value)
    with torch.no_grad():
        _scores = fills(torch.tensor([_asked + answer]))[0, len(_asked) - 1 :]
    full = torch.softmax(_scores, dim=-1)[:, marks.end].tolist()
    plots.value_bars(
        {"probability": {f"{size} written": chance for size, chance in enumerate(full)}},
        title=f"Is the middle full? Before {spelled(suffix)[:3]} ...",
    )
    return (full,)


@app.cell
def _(full):
    assert max(full[:-1]) < 0.5 < full[-1], "it says so once, where the suffix goes on"
    return


@app.cell
def _(answer, prefix, suffix, text):
    assert prefix + answer + suffix == text, "it stops where the suffix goes on"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Free of charge

    Does it still write from left to right? Both models on texts in their own order, by the mean surprise a token: the one that read nine of ten
    texts moved is nearly as good as the one that read none moved. With long training the paper sees no difference.
    """)
    return


@app.cell
def _(corpus, fills, marks, plain):
    _batch = middle_batch(corpus, torch.Generator().manual_seed(0), marks, 0.0)
    with torch.no_grad():
        surprise = {}
        for _name, _module in {"read moved texts": fills, "read plain texts": plain}.items():
            _loss, _count = causal_loss(_module, _batch)
            surprise[_name] = _loss.item() / _count
    plots.value_bars({"nats a token, plain order": surprise}, title="Writing from left to right")
    return (surprise,)


@app.cell
def _(plain, surprise, written):
    assert surprise["read moved texts"] < surprise["read plain texts"] + 0.35
    _middle = written(plain, [3, 4, 5], [9, 10, 11], "psm")
    assert _middle != [6, 7, 8], "a model that never saw a mark does not know what is asked"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the gap: from the first letter on, the model finds the number that closes it.
    - Change the order: the model learned both, half of the moved texts each.
    - Train with a rate of 0.1, so that few texts show it what a suffix is for: does it still stop in time?

    Write it yourself: `groundup learn start fill_in_the_middle`
    """)
    return


if __name__ == "__main__":
    app.run()
