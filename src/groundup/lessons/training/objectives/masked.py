"""Lesson: masked language modelling, the task of BERT: hide a few tokens and ask for them."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Masked words: learning from gaps", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.model.architectures import build
    from groundup.model.architectures.bert import BertConfig
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.masked import mask_tokens, masked, masked_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Masked words: learning from gaps

    A model that sees a whole text cannot be asked for the next token: it would look. So tokens are hidden, and it is asked for those.
    Afterwards you know BERT's three fates of a chosen token, why a plain mask is not enough, and what the rate of 15 % costs.

    The texts of this page count: *three four five six*, from any number, with a step of one or two.
    """)
    return


@app.cell
def _():
    _numbers = "zero one two three four five six seven eight nine ten eleven twelve".split()
    words = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", *_numbers]
    _rows = [[1, *range(4 + a, 4 + a + 6 * step, step), 2] for step in (1, 2) for a in range(13 - 5 * step)]
    corpus = torch.tensor(_rows)

    def read_aloud(ids):
        """Ids as words."""
        return " ".join(words[number] for number in ids)

    def drawn(rate, rows, seed):
        """Masked rows of the corpus, for a seed."""
        source = torch.Generator().manual_seed(seed)
        ids = corpus[torch.randint(len(corpus), (rows,), generator=source)]
        plain = Batch(ids, ids, ids >= 0, torch.zeros_like(ids), torch.arange(8).expand(rows, 8))
        return masked(plain, source, mask_id=3, vocab_size=len(words), special_ids=(0, 1, 2), rate=rate)

    _many = drawn(0.15, 4000, 0)
    silent = 1 - _many.loss_mask.any(dim=1).float().mean().item()
    mo.md(
        f"At BERT's rate **{silent:.0%}** of these short texts have no hidden token at all: nothing is learned from them this time. "
        f"Of all tokens {_many.loss_mask.float().mean().item():.0%} are asked for; a decoder is asked for every one."
    )
    return corpus, drawn, read_aloud, silent, words


@app.cell
def _(silent):
    assert abs(silent - 0.85**6) < 0.03, "six words that may be hidden, each with its own draw"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three fates

    Each token has a draw that says whether it is **chosen**, and the chosen one another draw, its fate: below 0.8 it is read as
    `[MASK]`, below 0.9 as some other token, else as it is. Asked for are all of them. Six tokens with draws written by hand:
    """)
    return


@app.cell
def _(words):
    _ids = torch.tensor([[4, 5, 6, 7, 8, 9]])
    _choice = torch.tensor([[0.05, 0.9, 0.1, 0.02, 0.6, 0.14]])
    _fate = torch.tensor([[0.3, 0.3, 0.85, 0.95, 0.85, 0.7]])
    by_hand, chosen = mask_tokens(_ids, _ids > 3, _choice, _fate, torch.full_like(_ids, 15), 3)
    _cells = zip(_ids[0].tolist(), _choice[0].tolist(), _fate[0].tolist(), by_hand[0].tolist(), chosen[0], strict=True)
    _lines = [
        f"| {words[was]} | {choice:.2f} | {fate:.2f} | {words[now]} | {'yes' if asked else ''} |"
        for was, choice, fate, now, asked in _cells
    ]
    mo.md("\n".join(["| text | choice | fate | read | asked for |", "|---|---|---|---|---|", *_lines]))
    return by_hand, chosen


@app.cell
def _(by_hand, chosen):
    assert by_hand[0].tolist() == [3, 5, 15, 7, 8, 3], "hidden, not chosen, exchanged, kept, not chosen, hidden"
    assert chosen[0].tolist() == [True, False, True, True, False, True]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rate

    More gaps teach more a text, and leave less to guess from. Move the rate and look at the same text.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(0.15, 0.9, step=0.15, value=0.3, label="rate", show_value=True)
    rate
    return (rate,)


@app.cell
def _(drawn, rate, read_aloud):
    shown = drawn(rate.value, 8, 4)
    mo.md("\n\n".join(f"`{read_aloud(row)}`" for row in shown.input_ids.tolist()))
    return (shown,)


@app.cell
def _(shown):
    _back = torch.where(shown.loss_mask, shown.targets, shown.input_ids)
    assert torch.equal(_back, shown.targets), "what is read and what is asked for give the text back"
    assert not shown.loss_mask[:, [0, 7]].any(), "[CLS] and [SEP] are never hidden"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model learns it

    An encoder of two blocks. Its loss is the mean surprise at the hidden tokens, `masked_loss` divided by their number; places that are not
    asked for are not even scored.
    """)
    return


@app.cell
def _(drawn, words):
    def trained(rate, steps=300):
        """An encoder that filled gaps for some steps, and its losses."""
        config = BertConfig(
            vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=8,
        )  # fmt: skip
        module, losses = build(config, seed=1), []
        told = TrainConfig(steps=steps, batch_size=32, seq_len=8)
        listen = [lambda event: losses.append(event.loss)]
        train(module, lambda number: drawn(rate, 32, number), told, objective=masked_loss, listeners=listen)
        return module.eval(), losses

    model, losses = trained(0.3)
    plots.lines(
        range(len(losses)),
        {"loss at the chosen tokens": losses},
        x="step",
        y="nats",
        levels={"all 13 numbers alike": torch.tensor(13.0).log().item()},
        title="From knowing nothing to counting",
    )
    return losses, model, trained


@app.cell
def _(losses):
    assert losses[0] > 2 and sum(losses[-30:]) / 30 < 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fill the gap

    Hide one word of *two four six eight ten twelve*: what does the model think stood there? It has to see that the step is two, and it may look
    at both sides.
    """)
    return


@app.cell
def _():
    gap = mo.ui.slider(1, 6, value=3, label="the hidden word", show_value=True)
    gap
    return (gap,)


@app.cell
def _(gap, model, read_aloud, words):
    _ids = torch.tensor([[1, 6, 8, 10, 12, 14, 16, 2]])
    right = _ids[0, gap.value].item()
    _hidden = _ids.index_fill(1, torch.tensor([gap.value]), 3)
    with torch.no_grad():
        chances = torch.softmax(model(_hidden)[0, gap.value], dim=0)
    plots.value_bars(
        {"probability": {word: chances[number].item() for number, word in enumerate(words) if number > 3}},
        title=read_aloud(_hidden[0].tolist()),
    )
    return chances, right


@app.cell
def _(chances, right):
    assert chances.argmax() == right, "the number that fits is the likeliest, at every place"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why one in ten is exchanged

    Nothing is hidden now, and one word is wrong: *two four nine eight ten twelve*. Because it has learned that a word it reads may be another,
    the model doubts the wrong one. What it gives to the word it reads, at each place:
    """)
    return


@app.cell
def _(model, words):
    _wrong = torch.tensor([[1, 6, 8, 13, 12, 14, 16, 2]])
    with torch.no_grad():
        _all = torch.softmax(model(_wrong)[0], dim=-1)
    trust = {words[number]: _all[place, number].item() for place, number in enumerate(_wrong[0].tolist()) if number > 3}
    plots.value_bars({"probability of the word that is read": trust}, title="The wrong word is trusted least")
    return (trust,)


@app.cell
def _(trust):
    assert min(trust, key=trust.get) == "nine" and trust["nine"] < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the gap: every place is filled with the number that fits, from both sides.
    - Raise the rate to 0.9: what is left of a text fits many.
    - Train with a rate of 0.15 and of 0.6 for the same 300 steps: which of the two fills the gaps better?

    Write it yourself: `groundup learn start mask_tokens`
    """)
    return


if __name__ == "__main__":
    app.run()
