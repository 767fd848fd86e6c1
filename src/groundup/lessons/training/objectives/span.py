"""Lesson: span corruption, the task of T5: cut spans out, and write only what is missing."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Span corruption: write only what is missing", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.t5 import T5Config
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.span import (
        answers,
        corrupt_spans,
        draw_spans,
        restored,
        span_batch,
        span_loss,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Span corruption: write only what is missing

    BERT fills gaps of which it knows the length, and cannot write. T5 cuts whole spans, puts one *sentinel* in the place of each, and lets
    a decoder write what was there. Afterwards you can make that task, know why it is cheap, and see a model restore a text.
    """)
    return


@app.cell
def _():
    _spans = draw_spans(512, torch.Generator().manual_seed(0))
    read, asked = corrupt_spans(list(range(512)), _spans, range(1000, 1100))
    mo.md(
        f"A text of 512 tokens at the paper's rate (15 % in spans of 3): the encoder reads **{len(read)}**, the decoder writes "
        f"**{len(asked)}**. Asked for the whole text it would write 512."
    )
    return asked, read


@app.cell
def _(asked, read):
    assert len(read) == 512 - 77 + 26 and len(asked) == 77 + 26 + 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The paper's example

    Each sentinel stands twice: in the source where something is missing, and in the answer before what was there. The answer ends with one
    more, which says that nothing else is missing. The length of a gap is not given away; the decoder decides when a span is full.
    """)
    return


@app.cell
def _():
    _words = "Thank you for inviting me to your party last week".split()
    _name = dict(enumerate(_words)) | {100: "**X**", 101: "**Y**", 102: "**Z**"}
    example = corrupt_spans(list(range(10)), [(2, 4), (8, 9)], [100, 101, 102])
    _lines = [" ".join(_name[token] for token in part) for part in example]
    mo.md(f"read: {_lines[0]}\n\nasked for: {_lines[1]}")
    return (example,)


@app.cell
def _(example):
    assert example == ([0, 1, 100, 4, 5, 6, 7, 101, 9], [100, 2, 3, 101, 8, 102])
    assert restored(*example, [100, 101, 102]) == list(range(10)), "source and answer together are the text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How spans are drawn

    How many tokens go, and in how many spans, follows from the length; only the cuts are drawn. What stays and what goes is each divided into as
    many parts as there are spans, no part empty. So the rate is exact in every text, and no two spans touch.
    """)
    return


@app.cell
def _():
    mean = mo.ui.slider(1, 8, value=3, label="mean length of a span", show_value=True)
    mean
    return (mean,)


@app.cell
def _(mean):
    _source = torch.Generator().manual_seed(5)
    drawn = [draw_spans(60, _source, 0.3, float(mean.value)) for _ in range(8)]
    cut = torch.zeros(8, 60)
    for _row, _spans in enumerate(drawn):
        for _first, _last in _spans:
            cut[_row, _first:_last] = 1
    plots.heat_map(cut, x="token", y="drawn", low=0, high=1, title=f"{len(drawn[0])} spans hide 18 of 60 tokens")
    return cut, drawn


@app.cell
def _(cut, drawn, mean):
    assert (cut.sum(dim=1) == 18).all(), "the rate is exact"
    assert all(len(spans) == max(round(18 / mean.value), 1) for spans in drawn)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model learns it

    The texts of this page are ten letters of an alphabet of sixteen that goes round: *c d e f g ...* A T5 of one block on each side reads them
    with gaps. `span_loss` is an objective as the loop wants it: a sum in nats, and how many tokens were asked for.
    """)
    return


@app.cell
def _():
    letters = "·abcdefghijklmnop" + "XYZVW"
    sentinels = range(17, 22)
    _corpus = [[1 + (first + step) % 16 for step in range(10)] for first in range(16)]

    def _batch(number):
        source = torch.Generator().manual_seed(number)
        documents = [_corpus[one] for one in torch.randint(16, (32,), generator=source).tolist()]
        return span_batch(documents, source, sentinels=sentinels, rate=0.1 * (2 + number % 3))

    _config = T5Config(
        vocab_size=22, hidden_size=32, head_dim=16, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
    )  # fmt: skip
    model, losses = build(_config, seed=0), []
    _told = TrainConfig(steps=250, batch_size=32, seq_len=10)
    train(model, _batch, _told, objective=span_loss, listeners=[lambda event: losses.append(event.loss)])
    plots.lines(range(len(losses)), {"loss of the answers": losses}, x="step", y="nats", title="A tiny T5 learns")
    return letters, losses, model, sentinels


@app.cell
def _(losses):
    assert losses[0] > 2 and sum(losses[-20:]) / 20 < 0.6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Restore a text

    *d e f g h i j k l m*: cut three letters from any place and let the model write, always its likeliest token. Nothing but
    what stands on both sides tells it how many are missing.
    """)
    return


@app.cell
def _():
    first = mo.ui.slider(1, 6, value=3, label="where the gap begins", show_value=True)
    first
    return (first,)


@app.cell
def _(first, letters, model, sentinels):
    text = list(range(4, 14))
    _read, _asked = corrupt_spans(text, [(first.value, first.value + 3)], sentinels)
    written = [0]
    with torch.no_grad():
        _source = model.read(torch.tensor([_read]))
        while len(written) < 8 and written[-1] != sentinels[1]:
            written.append(int(model.decode(torch.tensor([written]), _source)[0, -1].argmax()))
    whole = restored(_read, written[1:], sentinels)
    mo.md(
        f"read: `{' '.join(letters[one] for one in _read)}`\n\nwritten: `{' '.join(letters[one] for one in written[1:])}`\n\n"
        f"restored: `{' '.join(letters[one] for one in whole)}`"
    )
    return text, whole, written


@app.cell
def _(sentinels, text, whole, written):
    assert written[1] == sentinels[0], "the answer begins by saying which gap it fills"
    assert whole == text, "what is written fits, and ends where the gap ends"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Padding counts nowhere

    Texts of different length stand in one batch. Their sums add up: the loss of a batch is the sum of what each text has alone.
    """)
    return


@app.cell
def _(model):
    _pairs = [([1, 2, 17, 6], [17, 3, 4, 5, 18]), ([17, 9], [17, 8, 18])]
    with torch.no_grad():
        together, _count = span_loss(model, answers(_pairs))
        apart = sum(span_loss(model, answers([_pair]))[0] for _pair in _pairs)
    mo.md(f"Together {together:.4f} nats over {_count} tokens, one by one **{apart:.4f}**.")
    return apart, together


@app.cell
def _(apart, together):
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the gap: the model restores every place, because what stands behind the gap tells where to stop.
    - Set the mean length to 1: many sentinels, and an answer in which every second token is one. At 8: two long holes.
    - Cut from 7 to 10, so that nothing stands behind the gap: when would the answer end?

    Write it yourself: `groundup learn start corrupt_spans`
    """)
    return


if __name__ == "__main__":
    app.run()
