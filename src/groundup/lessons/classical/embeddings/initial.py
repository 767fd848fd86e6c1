"""Lesson: word vectors as the first embedding of a language model, and whether the start lasts."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A model that begins with words it has seen", width="medium")

with app.setup:
    import re

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.classical.embeddings.cooccurrence import CooccurrenceConfig, train_cooccurrence
    from groundup.classical.embeddings.initial import initial_embedding, known_tokens, to_width
    from groundup.classical.embeddings.vectors import WordVectors
    from groundup.classical.recurrent.language_model import RecurrentConfig, RecurrentLM
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A model that begins with words it has seen

    The first layer of a language model is a table with a row for each token, drawn at random. Vectors learned from more text can stand there
    instead. Afterwards you can bring them to any width and scale, you know which tokens are words, and how long such a start lasts.
    """)
    return


@app.cell
def _():
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    sentences = [
        part for text in _texts for part in (re.findall("[a-z]+", one) for one in re.split(r"[.?!\n]", text)) if part
    ]
    vectors = train_cooccurrence(sentences, CooccurrenceConfig(hidden_size=30, min_count=4, threads=1))
    vocabulary = {word: id for id, word in enumerate(["<unk>", *vectors.words])}
    begun = initial_embedding(vectors, vocabulary)
    _unit = begun[1:] / np.maximum(np.linalg.norm(begun[1:], axis=1, keepdims=True), 1e-9)
    _monday = _unit @ _unit[vectors.index["monday"]]
    first = [vectors.words[row] for row in np.argsort(-_monday)[1:4]]
    mo.md(
        f"Before its first step of training a model with these {len(begun)} rows holds *monday* to be nearest to **{', '.join(first)}**. "
        "With rows drawn at random it holds nothing."
    )
    return begun, first, sentences, vectors, vocabulary


@app.cell
def _(first):
    assert {"tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} >= set(first)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which tokens are words?

    A tokenizer writes the space in front of a word into the token: `Ġcat` or `▁cat`. Without that sign, as it is or in small letters, a token may be
    a word with a vector. Pieces of words are none and keep their draw.
    """)
    return


@app.cell
def _(vectors):
    _tokens = ["Ġmonday", "▁Monday", "monday", "mon", "Ġ", "<eos>"]
    matched = known_tokens(vectors, {token: id for id, token in enumerate(_tokens)})
    mo.md("\n".join(f"- `{token}`: {matched.get(id, 'a draw')}" for id, token in enumerate(_tokens)))
    return (matched,)


@app.cell
def _(matched):
    assert matched == {0: "monday", 1: "monday", 2: "monday"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Another width, the same angles

    These vectors have 30 numbers; a model may want 64, or 12. Into more dimensions they are **turned** at random: a rotation keeps every angle. Into fewer only
    the directions are kept along which the words differ most, and some of the angles go. Choose.
    """)
    return


@app.cell
def _():
    width = mo.ui.dropdown({"4": 4, "8": 8, "16": 16, "30": 30, "64": 64}, value="8", label="the model's width")
    width
    return (width,)


@app.cell
def _(vectors, width):
    def _angles(rows):
        unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return (unit @ unit.T)[np.triu_indices(len(rows), 1)]

    _rows = vectors.vectors[:150]
    _old, _new = _angles(_rows), _angles(to_width(_rows, width.value, np.random.default_rng(0)))
    lost = float(np.abs(_old - _new).mean())
    _bins = np.linspace(-1, 1, 41)
    plots.histogram(
        {"30 numbers": _old, f"{width.value} numbers": _new},
        bins=_bins,
        title=f"Cosines of pairs of words move by {lost:.3f} on average",
    )
    return (lost,)


@app.cell
def _(lost, width):
    assert (lost < 1e-5) == (width.value >= 30) and lost < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One scale for all

    The layers behind the table are made for numbers of a certain size: N(0, 0.02²) is usual. Vectors come with whatever length their training gave
    them. One factor for all makes the root of their mean square 0.02; frequent and rare words keep their proportions.
    """)
    return


@app.cell
def _(begun, vectors):
    root_before, root_after = (
        float(np.sqrt(np.mean(rows.astype(float) ** 2))) for rows in (vectors.vectors, begun[1:])
    )
    assert np.isclose(root_after, 0.02, rtol=1e-3)
    assert np.allclose(begun[1:], vectors.vectors * root_after / root_before, rtol=1e-3), "one factor for all"
    _one = WordVectors(["a", "b"], np.array([[3.0, 4.0], [0.0, 0.0]]))
    by_hand = initial_embedding(_one, {"a": 0, "b": 1}, std=0.5)
    assert np.allclose(by_hand, np.array([[3.0, 4.0], [0.0, 0.0]]) * 0.5 / 2.5), "root of (9 + 16 + 0 + 0) / 4 is 2.5"
    mo.md(f"Before {root_before:.3f}, after {root_after:.3f}.")
    return by_hand, root_after, root_before


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does it last?

    A small recurrent model reads a hundred sentences, again and again, once with drawn rows and once with vectors learned from five thousand.
    The loss is that on the next two hundred sentences.
    """)
    return


@app.cell
def _(sentences, vectors, vocabulary):
    def _ids(lines):
        return torch.tensor([vocabulary.get(word, 0) for line in lines for word in line])

    def _rows(ids):
        return ids[: len(ids) // 16 * 16].view(-1, 16)

    _batch, _test = _rows(_ids(sentences[:100])), _rows(_ids(sentences[100:300]))

    def _losses(table):
        model = RecurrentLM(
            RecurrentConfig(model_type="gru_lm", vocab_size=len(vocabulary), hidden_size=48, tie_word_embeddings=False),
            seed=1,
        )
        weight = model.get_parameter("embedding.weight")
        if table is not None:
            weight.data.copy_(torch.from_numpy(table))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
        seen = []
        for _ in range(30):
            with torch.no_grad():
                seen.append(float(_loss(model, _test)))
            optimizer.zero_grad()
            _loss(model, _batch).backward()
            optimizer.step()
        return seen

    def _loss(model, rows):
        logits = model(rows[:, :-1]).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, rows[:, 1:].flatten())

    starts = {
        "drawn rows": _losses(None),
        "word vectors": _losses(initial_embedding(vectors, vocabulary, 48, std=48**-0.5)),
    }
    plots.lines(list(range(30)), starts, x="steps", y="loss, nats a word", title="Sentences that were not trained on")
    return (starts,)


@app.cell
def _(starts):
    _drawn, _ours = (np.array(starts[name]) for name in ("drawn rows", "word vectors"))
    assert _drawn.argmin() < 29 and _ours.argmin() < 29, "after that both learn the hundred sentences by heart"
    gained = float(_drawn.min() - _ours.min())
    assert 0.02 < gained < 0.3 and np.all(_ours[3:] < _drawn[3:])
    mo.md(
        f"At their best the drawn rows leave {_drawn.min():.2f} nats a word, the vectors {_ours.min():.2f}: a gain of **{gained:.2f}**, which is real and "
        "small. The head has its own table, which still began at random."
    )
    return (gained,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Width 16: half of the numbers, and the angles hardly move. Width 4: words that had nothing in common become alike.
    - With as much text for the model as for the vectors the gain shrinks: the model finds the same rows itself.
    - `model.get_parameter("model.embed_tokens.weight").data.copy_(...)` puts the matrix into a transformer.

    Make the vectors: `groundup learn start ppmi`
    """)
    return


if __name__ == "__main__":
    app.run()
