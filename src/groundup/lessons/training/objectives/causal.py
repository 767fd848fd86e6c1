"""Lesson: the loss of a language model, from the surprise at one byte to the sum over a batch."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The loss: how surprised a model is", width="medium")

with app.setup:
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.data.sources import tinyworld
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.text.ngram.smoothing import KneserNey
    from groundup.training.objectives.causal import causal_loss, document_mask, mean_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The loss: how surprised a model is

    Training makes one number small. Afterwards you know what it counts, which values are bad, good and impossible before
    any model has been trained, how bits, nats and perplexity say the same thing, and which mistake makes it look wonderful.
    """)
    return


@app.cell
def _():
    documents = list(tinyworld.sample(1, 60))  # each comes with its exact probability
    unread = np.frombuffer(b"".join(document.text.encode() + b"\0" for document in documents), np.uint8)
    floor = -sum(document.log_probability for document in documents) / len(unread) / np.log(2)
    mo.md(
        f"Sixty little texts, {len(unread):,} bytes. Who knows only that there are 256 bytes needs 8 bits for each. Who knows "
        f"the grammar that wrote them needs **{floor:.2f}**: {floor * len(unread) / 8:,.0f} bytes for everything. A loss is a "
        "place between these two numbers."
    )
    return documents, floor, unread


@app.cell
def _(floor):
    assert 0.15 < floor < 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One guess

    A model gives every possible next token a probability, then the token comes. The **surprise** is $-\log p$ of the one that
    came: 0 if it was certain, more and more if it was not. In $\log_2$ it counts **bits**, in the natural logarithm **nats**;
    a bit is 0.693 nats. Each further bit means: half as likely.
    """)
    return


@app.cell
def _():
    probabilities = np.linspace(0.01, 1, 100)
    plots.lines(
        probabilities,
        {"bits": -np.log2(probabilities), "nats": -np.log(probabilities)},
        x="probability of what came",
        y="surprise",
        title="Sure and right costs nothing; sure and wrong has no upper end",
    )
    return (probabilities,)


@app.cell
def _(probabilities):
    _bits = -np.log2(probabilities)
    assert _bits[-1] == 0 and abs(_bits[49] - 1) < 1e-9, "certain: none; one half: one bit"
    assert np.allclose(_bits * np.log(2), -np.log(probabilities))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mean of many guesses

    The loss is the mean surprise, and **perplexity** is $e^{\text{loss}}$: among how many equally likely tokens the model seems to
    choose. A guess that is the same for all $V$ tokens has the loss $\log V$ whatever comes, the value to see at the first step of a
    run. Better guesses come from counting what followed the last few bytes in 300 other texts.
    """)
    return


@app.cell
def _():
    _read = b"".join(document.text.encode() + b"\0" for document in tinyworld.sample(0, 300))
    contexts = [0, 1, 2, 3, 4, 5, 7]  # how many bytes back a guess may look
    _ids = np.frombuffer(_read, np.uint8)
    guessers = {context: KneserNey.fit(_ids, context + 1, vocab_size=256, boundary=0) for context in contexts}
    sentence = "Mira walks to the kitchen. The"
    return contexts, guessers, sentence


@app.cell
def _(contexts, floor, guessers, unread):
    surprises = {context: -guessers[context].log_probabilities(unread) for context in contexts}  # nats, a byte each
    losses = {context: surprise.mean() for context, surprise in surprises.items()}
    plots.lines(
        contexts,
        {"mean surprise": [loss / np.log(2) for loss in losses.values()]},
        x="bytes of context",
        y="bits a byte",
        levels={"all bytes alike": 8, "the grammar itself": floor},
        marked=True,
        title="The more of the past, the less surprise",
    )
    return losses, surprises


@app.cell
def _(losses):
    mo.md(
        "| bytes of context | nats | bits | perplexity |\n|---|---|---|---|\n"
        f"| all bytes alike | {np.log(256):.2f} | 8.00 | 256.0 |\n"
        + "\n".join(
            f"| {context} | {loss:.2f} | {loss / np.log(2):.2f} | {np.exp(loss):.1f} |"
            for context, loss in losses.items()
        )
    )
    return


@app.cell
def _(floor, losses):
    _values = [np.log(256), *losses.values()]
    assert all(after < before for before, after in zip(_values, _values[1:], strict=False))
    assert _values[-1] > floor * np.log(2), "nobody is surprised less, on average, than the source's own entropy"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the surprise is

    The mean hides that most bytes are easy and a few are hard. Read a sentence step by step, and before each step guess the next
    byte yourself: Shannon measured English so in 1951.
    """)
    return


@app.cell
def _():
    read = mo.ui.slider(0, 27, value=8, label="bytes read", show_value=True)
    read
    return (read,)


@app.cell
def _(guessers, read, sentence):
    seen, following = b"\0" + sentence[: read.value].encode(), sentence[read.value]  # byte 0 stands between texts
    _best = guessers[5].distribution(seen)
    likely = [int(byte) for byte in np.argsort(-_best, kind="stable")[:8]]
    _names = {byte: chr(byte).replace(" ", "space").replace("\n", "line") for byte in likely}
    plots.value_bars(
        {
            f"{context} bytes back": {_names[byte]: guessers[context].distribution(seen)[byte] for byte in likely}
            for context in (1, 5)
        },
        y="probability",
        title=f"“{sentence[: read.value]}”, then “{following}”: {-np.log2(_best[ord(following)]):.1f} bits",
    )
    return following, likely, seen


@app.cell
def _(guessers, sentence):
    _ids = np.frombuffer(b"\0" + sentence.encode(), np.uint8)
    by_byte = {context: -guessers[context].log_probabilities(_ids)[1:] / np.log(2) for context in (0, 1, 3, 5)}
    plots.heat_map(
        np.stack(list(by_byte.values())),
        rows=[f"{context} back" for context in by_byte],
        columns=list(sentence.replace(" ", "␣")),
        low=0,
        high=9,
        title="Bits at each byte: dark where a word begins",
    )
    return (by_byte,)


@app.cell
def _(by_byte, following, guessers, likely, seen, surprises, unread):
    _p = guessers[5].distribution(seen)
    assert abs(_p.sum() - 1) < 1e-5 and _p[likely[0]] == _p.max()
    assert np.isclose(-np.log2(_p[ord(following)]), by_byte[5][len(seen) - 1], atol=1e-4)
    _letter = ((unread | 32) >= ord("a")) & ((unread | 32) <= ord("z"))
    _first, _later = _letter[1:] & ~_letter[:-1], _letter[1:] & _letter[:-1]
    assert surprises[5][1:][_first].mean() > 2 * surprises[5][1:][_later].mean(), (
        "a word's first letter is the hard one"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The library's loss

    `causal_loss` asks a module for hidden states and its head for scores, and gives **the sum of the surprise and the number of
    targets**, not the mean: sums of several batches can be added. Counting one byte back is a table of 256 x 256, so it can
    be dressed up as such a module, and must get the same loss.
    """)
    return


@app.cell
def _(guessers):
    table = torch.tensor(np.stack([guessers[1].distribution([byte]) for byte in range(256)])).log().float()
    bigram = SimpleNamespace(hidden=lambda ids, mask, positions: table[ids], lm_head=torch.nn.Identity())

    def batch_of(ids, targets, documents=None, positions=None):
        """One row as a batch; by default it is one document and every target counts."""
        plain = torch.zeros_like(ids) if documents is None else documents
        places = torch.arange(len(ids)) if positions is None else positions
        return Batch(ids[None], targets[None], torch.ones_like(ids[None]).bool(), plain[None], places[None])

    return batch_of, bigram, table


@app.cell
def _(batch_of, bigram, surprises, unread):
    ids = torch.tensor(unread.astype(np.int64))
    total, count = causal_loss(bigram, batch_of(ids[:-1], ids[1:]))
    assert count == len(ids) - 1
    assert np.isclose(total.item(), surprises[1][1:].sum(), rtol=1e-4), "the same surprise, in nats"
    mo.md(f"{total.item():,.0f} nats over {count:,} targets: **{total.item() / count:.3f}** each, as by counting.")
    return count, ids, total


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A loss that is too good

    `targets` are the ids moved by one: at every place the token that comes **next**. Forget to move them and the task is to
    repeat what one was just given. The loss then falls below everything on this page, and the model cannot write a word.
    """)
    return


@app.cell
def _(batch_of, floor, ids):
    _copy = torch.eye(256) * 20
    parrot = SimpleNamespace(hidden=lambda ids, mask, positions: _copy[ids], lm_head=torch.nn.Identity())
    not_moved, moved = mean_loss(parrot, [batch_of(ids, ids)]), mean_loss(parrot, [batch_of(ids[:-1], ids[1:])])
    assert not_moved < 1e-5 < floor < np.log(256) < moved
    mo.md(
        f"A module that scores highest what it just read: **{not_moved:.7f}** nats on targets that were not moved, "
        f"{moved:.1f} on the right ones, far worse than knowing nothing ({np.log(256):.2f}). A loss below the floor is a fault."
    )
    return moved, not_moved, parrot


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two documents in one row

    To waste no room, rows are filled with several documents. They must not see each other: then a row's loss is
    exactly the sum of what each would have had alone. Without the mask it is another number.
    """)
    return


@app.cell
def _(batch_of, documents):
    _sizes = {"vocab_size": 256, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    _heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "initializer_range": 0.3}
    _model = build(LlamaConfig(**_sizes, **_heads), seed=0, scheme="normal")
    _parts = [
        torch.tensor(list(document.text[:size].encode())) for document, size in zip(documents, (13, 9), strict=False)
    ]
    _inputs, _targets = torch.cat([part[:-1] for part in _parts]), torch.cat([part[1:] for part in _parts])
    _numbers = torch.cat([torch.full((len(part) - 1,), number) for number, part in enumerate(_parts)])
    packed = batch_of(_inputs, _targets, _numbers, torch.cat([torch.arange(len(part) - 1) for part in _parts]))
    with torch.no_grad():
        apart = sum(causal_loss(_model, batch_of(part[:-1], part[1:]))[0] for part in _parts)
        together = causal_loss(_model, packed)[0]
        mixed = causal_loss(_model, batch_of(_inputs, _targets))[0]
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4)
    assert abs(mixed - apart) > 0.1, "one document that reads another has another loss"
    plots.heat_map(
        document_mask(packed)[0],
        x="looks at",
        y="position",
        title=f"Packed {together:.2f} nats, alone {apart:.2f}; without this mask {mixed:.2f}",
    )
    return apart, mixed, packed, together


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Read to 8: inside a word, five bytes back are sure. To 18 or 27: a word begins, and many are possible.
    - Make 300 texts into 1,000: long contexts gain most, and with 30 texts the curve turns flat early.
    - Divide a loss in nats a token by 0.693 and by the bytes of a token: bits a byte, which compares models with
      different vocabularies.

    The loss itself, from scores and targets, you write with `groundup learn start cross_entropy`
    """)
    return


if __name__ == "__main__":
    app.run()
