"""Lesson: vocabulary size against sequence length, memory and bits per byte, out of one training run."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="How large a vocabulary?", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.data.sources import python
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
    from groundup.text.tokenizers.vocabulary_tradeoffs import best, first_merges, tradeoffs


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # How large a vocabulary?

    Every merge makes texts shorter and the table longer. Afterwards you can find the size that suits an amount of text
    and a model, and know why it
    is not "the more the better".
    """)
    return


@app.cell
def _():
    _texts = [document.text for document, _ in zip(python.documents(["documentation"]), range(50), strict=False)]
    train, _held_out = _texts[:40], _texts[40:]
    tokenizer = train_tokenizer(train, TokenizerConfig(vocab_size=4_000))
    assert tokenizer.decode(tokenizer.encode("an encoder")) == "an encoder"
    points = tradeoffs(tokenizer, train, _held_out, [0, 100, 250, 500, 1_000, 2_000, 3_741])
    _best = best(points)
    mo.md(
        f"On {sum(map(len, train)) / 1e6:.1f} million characters the best of seven vocabularies has **{_best.vocab_size:,}** ids, at "
        f"{_best.bits_per_byte:.2f} bits a byte; bytes alone reach {points[0].bits_per_byte:.2f}."
    )
    return points, tokenizer, train


@app.cell
def _(points):
    assert best(points).bits_per_byte < points[0].bits_per_byte
    assert [point.vocab_size for point in points] == sorted(point.vocab_size for point in points)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One training run, all sizes

    Byte pair encoding learns one merge after another, so the first 500 merges are the tokenizer that a training run of
    500 merges would have made. Seven sizes cost one
    training.
    """)
    return


@app.cell
def _(tokenizer, train):
    _smaller = first_merges(tokenizer, 100)
    _trained = train_tokenizer(train, TokenizerConfig(vocab_size=359))
    assert _smaller.merges == _trained.merges and _smaller.vocabulary == _trained.vocabulary
    mo.md(
        f"`an encoder` in 359 ids: {len(_smaller.encode('an encoder'))} tokens; in {len(tokenizer):,}: {len(tokenizer.encode('an encoder'))}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Shorter texts, each time less

    The first hundred merges gain most. Doubling the vocabulary again and again brings less and less.
    """)
    return


@app.cell
def _(points):
    plots.lines(
        [point.vocab_size for point in points],
        {"bytes a token": [point.bytes_per_token for point in points]},
        x="vocabulary",
        y="bytes a token",
        log_x=True,
        title="What a token holds",
    )
    return


@app.cell
def _(points):
    assert all(a.bytes_per_token < b.bytes_per_token for a, b in zip(points, points[1:], strict=False))
    _gains = [
        (b.bytes_per_token - a.bytes_per_token) / (b.vocab_size - a.vocab_size)
        for a, b in zip(points, points[1:], strict=False)
    ]
    assert _gains[0] > 10 * _gains[-1], "gain for each new id"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Rows that learn something

    Every id has a row in the embedding, and a row learns only from the places where its token stands. Of a large
    vocabulary many tokens are hardly seen: counted here
    are ids with at least ten places in the training text.
    """)
    return


@app.cell
def _(points):
    plots.lines(
        [point.vocab_size for point in points],
        {"ids": [point.vocab_size for point in points], "seen ten times": [point.used_tokens for point in points]},
        x="vocabulary",
        y="rows",
        log_x=True,
        log_y=True,
        title="Rows that there are, and rows that learn",
    )
    return


@app.cell
def _(points):
    assert all(point.used_tokens <= point.vocab_size for point in points)
    assert points[-1].used_tokens / points[-1].vocab_size < 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bits a byte

    Loss for each token cannot be compared between tokenizers: a larger token is harder to guess. Bits for each byte of
    text can. The model here is an n-gram model of five
    tokens, trained on the same text in every case.
    """)
    return


@app.cell
def _(points):
    plots.lines(
        [point.vocab_size for point in points],
        {"bits a byte": [point.bits_per_byte for point in points]},
        x="vocabulary",
        y="bits a byte on new text",
        log_x=True,
        title=f"The best of these has {best(points).vocab_size:,} ids",
    )
    return


@app.cell
def _(points):
    assert min(point.bits_per_byte for point in points) == best(points).bits_per_byte
    assert best(points, tolerance=0.02).vocab_size <= best(points).vocab_size, (
        "within two percent a smaller one will do"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs a transformer

    A small model spends much of its work on the output layer: vocabulary times width, for each token. Choose a width;
    the curve shows the operations for each byte of text, in
    four layers. It falls while texts get shorter, and rises when the table outweighs the layers.
    """)
    return


@app.cell
def _():
    width = mo.ui.slider(32, 512, step=96, value=128, label="width of the model", show_value=True)
    width
    return (width,)


@app.cell
def _(points, width):
    work = [point.operations_per_byte(width.value, 4) / 1e6 for point in points]
    _least = points[work.index(min(work))].vocab_size
    plots.lines(
        [point.vocab_size for point in points],
        {"million operations a byte": work},
        x="vocabulary",
        y="million operations a byte",
        log_x=True,
        title=f"Width {width.value}: least work with {_least:,} ids",
    )
    return (work,)


@app.cell
def _(points, width, work):
    assert work[0] > min(work), "bytes alone are never the cheapest"
    assert points[-1].embedding_bytes(width.value) == 2 * width.value * points[-1].vocab_size
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the width: wide models want larger vocabularies, since their layers cost more than the table.
    - Give `tradeoffs` a tenth of the training text: the best vocabulary is another one.
    - Why do models of today have 100,000 ids and more? They are wide, and they read many languages (see the lesson on
      `multilingual`).
    """)
    return


if __name__ == "__main__":
    app.run()
