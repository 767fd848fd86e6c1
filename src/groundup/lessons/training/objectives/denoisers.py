"""Lesson: UL2's mixture of denoisers: short gaps, long gaps and endings, one loss for all."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="UL2: one model, three ways to be asked", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.t5 import T5Config
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.denoisers import MIXTURE, Denoiser, denoised, draw_denoised
    from groundup.training.objectives.span import restored, span_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # UL2: one model, three ways to be asked

    A model that only fills short gaps has not learned to write on; one that only writes on has not learned to fill. UL2 trains on both, and on gaps so
    large that little is left. Afterwards you know its seven denoisers, the token that says which is meant, and what a model misses that met one kind.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _counts = [len(draw_denoised(512, one, _source)) for one in MIXTURE]
    mo.md(
        f"The same text of 512 tokens loses between {min(_counts)} and **{max(_counts)}** spans, by denoiser:\n\n"
        "| mode | spans of | hidden | spans |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {one.mode} | {'the end' if one.mean_length is None else f'{one.mean_length:g}'} | {one.rate:.0%} | {count} |"
            for one, count in zip(MIXTURE, _counts, strict=True)
        )
    )
    return


@app.cell
def _():
    assert [one.mode for one in MIXTURE] == list("RRSXXXX"), "S is one in seven"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is hidden

    Ten drawings of one denoiser on sixty tokens. **R**, regular: a few short gaps. **S**, sequential: the end, of any length up to half.
    **X**, extreme: half of the text, or gaps so long that the answer is a text of its own.
    """)
    return


@app.cell
def _():
    which = mo.ui.slider(0, 6, value=0, label="denoiser, a row of the table", show_value=True)
    which
    return (which,)


@app.cell
def _(which):
    _source = torch.Generator().manual_seed(1)
    hidden = torch.zeros(10, 60)
    for _row in range(10):
        for _first, _last in draw_denoised(60, MIXTURE[which.value], _source):
            hidden[_row, _first:_last] = 1
    plots.heat_map(
        hidden,
        x="token",
        y="drawn",
        low=0,
        high=1,
        title=f"{MIXTURE[which.value].mode}: {hidden.mean().item():.0%} hidden",
    )
    return (hidden,)


@app.cell
def _(hidden, which):
    if MIXTURE[which.value].mean_length is None:
        assert hidden[:, -1].all() and (hidden.diff(dim=1) >= 0).all(), "one span, and it is the end"
    else:
        assert (hidden.sum(dim=1) == round(60 * MIXTURE[which.value].rate)).all(), "the same number in every text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One row

    The mode's token stands in front, then the text with its sentinels. The rest is span corruption: one loss, `span_loss`, for all. For this page's short
    texts (twelve letters of an alphabet of sixteen that goes round) there are three denoisers.
    """)
    return


@app.cell
def _():
    letters = "·abcdefghijklmnopRSX123456789"
    sentinels = range(20, 29)
    mixture = (Denoiser("R", 2.0, 0.15), Denoiser("S", None, 0.25), Denoiser("X", 3.0, 0.5))
    modes = {"R": 17, "S": 18, "X": 19}

    def drawn(number, of, rows=32):
        """A batch by these denoisers, for a number."""
        source = torch.Generator().manual_seed(number)
        firsts = torch.randint(16, (rows,), generator=source).tolist()
        documents = [[1 + (first + step) % 16 for step in range(12)] for first in firsts]
        return denoised(documents, source, modes=modes, sentinels=sentinels, mixture=of)

    _rows = [drawn(3, [one], 1) for one in mixture]
    examples = [[part[0].tolist() for part in (one.input_ids, one.targets)] for one in _rows]
    mo.md(
        "| read | asked for |\n|---|---|\n"
        + "\n".join(
            "| " + " | ".join(f"`{' '.join(letters[one] for one in part)}`" for part in row) + " |" for row in examples
        )
    )
    return drawn, examples, letters, mixture, modes, sentinels


@app.cell
def _(examples, sentinels):
    _texts = [restored(read[1:], asked, sentinels) for read, asked in examples]
    assert _texts[0] == _texts[1] == _texts[2] and len(_texts[0]) == 12, "the same text comes back from all three"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One kind, or all

    Two models of the same size and the same number of steps: one has met R alone, as T5 does, the other the mixture. Their loss on each kind:
    """)
    return


@app.cell
def _(drawn, mixture):
    _config = T5Config(
        vocab_size=29, hidden_size=32, head_dim=16, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
    )  # fmt: skip
    models = {}
    for _name, _kinds in {"R alone": mixture[:1], "the mixture": mixture}.items():
        models[_name] = build(_config, seed=0)
        train(
            models[_name],
            lambda number, kinds=_kinds: drawn(number, kinds),
            TrainConfig(steps=250, batch_size=32, seq_len=12),
            objective=span_loss,
        )
    losses = torch.zeros(2, 3)
    for _row, _model in enumerate(models.values()):
        for _column, _kind in enumerate(mixture):
            with torch.no_grad():
                _loss, _count = span_loss(_model, drawn(9999, [_kind], 100))
            losses[_row, _column] = _loss.item() / _count
    plots.heat_map(
        losses,
        rows=list(models),
        columns=["R", "S", "X"],
        y="trained on",
        x="asked for",
        text=True,
        title="Nats a token",
    )
    return losses, models


@app.cell
def _(losses):
    assert losses[0, 0] < 0.5, "what it met it can do"
    assert losses[0, 1] > 2 * losses[1, 1] and losses[0, 2] > 2 * losses[1, 2], "what it did not meet it cannot"
    assert losses[1].max() < 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Write on

    The mixture's model reads *S d e f g h i j k* and a sentinel, and writes the end, always its likeliest token. How long a text has to be it
    was never told; it has seen endings of one letter to six.
    """)
    return


@app.cell
def _(letters, models, modes, sentinels):
    _read, written = [modes["S"], *range(4, 12), sentinels[0]], [0]
    with torch.no_grad():
        _source = models["the mixture"].read(torch.tensor([_read]))
        while len(written) < 12 and written[-1] != sentinels[1]:
            written.append(int(models["the mixture"].decode(torch.tensor([written]), _source)[0, -1].argmax()))
    mo.md(
        f"read `{' '.join(letters[one] for one in _read)}`, written **{' '.join(letters[one] for one in written[1:])}**"
    )
    return (written,)


@app.cell
def _(sentinels, written):
    assert written[1] == sentinels[0] and written[2] == 12, "it goes on with the next letter"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Look at row 6, X of 64: on sixty tokens it is one span, anywhere; the model gets a beginning or an end, or both.
    - Look at row 2, S: the only one that says nothing about what comes after the gap.
    - Train with X alone: how well does that model fill the short gaps of R?

    The gaps themselves you write with `groundup learn start corrupt_spans`
    """)
    return


if __name__ == "__main__":
    app.run()
