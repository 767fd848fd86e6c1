"""Lesson: vocabularies, one-hot rows, and why an embedding is a look-up."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One-hot: the row that nobody multiplies", width="medium")

with app.setup:
    import time

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.preprocess.one_hot import Vocabulary, build_vocabulary, cost, count_tokens, look_up, one_hot
    from groundup.text.preprocess.words import split_words


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One-hot: the row that nobody multiplies

    A model multiplies numbers, a text has words. Afterwards you have numbered the words of a text under a rule that
    gives everybody the same numbers,
    know what a one-hot row is, and why every library builds embeddings without one.
    """)
    return


@app.cell
def _():
    figures = cost(1_000, 50_000, 512)
    mo.md(
        f"1,000 tokens of a vocabulary of 50,000, as one-hot rows: **{figures['one_hot']['bytes'] / 1e6:.0f} MB** and "
        f"{figures['one_hot']['operations'] / 1e9:.0f} billion operations for vectors of 512. As ids: {figures['look_up']['bytes'] / 1e3:.0f} kB and none."
    )
    return (figures,)


@app.cell
def _(figures):
    assert figures["one_hot"]["bytes"] == 50_000 * figures["look_up"]["bytes"], (
        "a row of 50,000 numbers in place of one"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A vocabulary

    Count the words, leave out the rare ones, and number the rest: special tokens first, then by falling count. Words
    seen equally often are
    sorted by their spelling; without that rule two machines that read the files in another order would number them
    differently.
    """)
    return


@app.cell
def _():
    counts = count_tokens(split_words(document.text.lower()) for document in tinyworld.sample(0, 60))
    _shown = list(build_vocabulary(counts).items())[:8]
    mo.md(
        f"{len(counts):,} different words in 60 stories. The first ids: "
        + ", ".join(f"`{word}` {id}" for word, id in _shown)
    )
    return (counts,)


@app.cell
def _(counts):
    assert build_vocabulary(dict(reversed(counts.items()))) == build_vocabulary(counts), (
        "the order of reading is no matter"
    )
    assert build_vocabulary({"b": 2, "a": 2, "c": 9, "rare": 1}, min_count=2) == {"<unk>": 0, "c": 1, "a": 2, "b": 3}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One row an id

    Token 7 is no nearer to 8 than to 900, but the numbers say so. A one-hot row spells the id without it: zeros, and a
    one in its place. Any two
    rows are equally far apart.
    """)
    return


@app.cell
def _():
    sentence = mo.ui.dropdown(
        ["the cat saw the dog", "the the the", "a dog saw a cat"], value="the cat saw the dog", label="sentence"
    )
    sentence
    return (sentence,)


@app.cell
def _(sentence):
    words = Vocabulary(["<unk>", "the", "a", "cat", "dog", "saw"])
    ids = words.encode(sentence.value.split())
    rows = one_hot(ids, len(words))
    plots.heat_map(
        rows,
        rows=[f"{place} {word}" for place, word in enumerate(sentence.value.split())],
        columns=list(words),
        x="id",
        y="token",
        title="One-hot rows",
    )
    return ids, rows, words


@app.cell
def _(ids, rows):
    assert (rows.sum(axis=1) == 1).all() and rows.argmax(axis=1).tolist() == ids
    assert np.allclose(
        np.square(one_hot([0], 6) - one_hot([5], 6)).sum(), np.square(one_hot([2], 6) - one_hot([3], 6)).sum()
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Times a matrix

    Multiply such a row by a matrix: all products are zero but those with one row of the matrix. The result *is* that
    row.

    $$\mathrm{onehot}(i) \, E = E_i$$

    So the embedding of a model is a table, and using it is a look-up.
    The matrix product says why it can be trained like any other layer: only the row that was picked gets a gradient.
    """)
    return


@app.cell
def _(ids, rows):
    embedding = np.random.default_rng(1).standard_normal((6, 3)).round(1)
    assert np.array_equal(rows @ embedding, look_up(ids, embedding)), "exactly, not nearly: all other products are 0"
    plots.heat_map(
        rows @ embedding, x="dimension", y="token", title="Rows of the table, picked", text=(rows @ embedding).tolist()
    )
    return (embedding,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Measured

    The same vectors in both ways, for growing vocabularies. The product grows with the vocabulary, the look-up does
    not.
    """)
    return


@app.cell
def _():
    sizes, _seconds = [100, 400, 1_600, 6_400], {"one-hot times matrix": [], "look-up": []}
    _random = np.random.default_rng(0)
    for _size in sizes:
        _table = _random.standard_normal((_size, 32)).astype(np.float32)
        _ids = _random.integers(0, _size, 200)
        for _name, _work in (("one-hot times matrix", lambda i, t: one_hot(i, len(t)) @ t), ("look-up", look_up)):
            _times = []
            for _ in range(3):
                _start = time.perf_counter()
                _work(_ids, _table)
                _times = [*_times, time.perf_counter() - _start]
            _seconds = {**_seconds, _name: [*_seconds[_name], 1e6 * min(_times)]}
    plots.lines(
        sizes,
        _seconds,
        x="vocabulary",
        y="microseconds for 200 tokens",
        log_x=True,
        log_y=True,
        title="Who multiplies pays for the zeros",
    )
    return (sizes,)


@app.cell
def _(sizes):
    assert [cost(200, size, 32)["one_hot"]["bytes"] for size in sizes] == [
        one_hot([0] * 200, size).nbytes for size in sizes
    ]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a cut-off costs

    Half of the words of any text occur once. Leaving them out makes the table much smaller and the text a little less
    known.
    """)
    return


@app.cell
def _(counts):
    _least = [1, 2, 3, 5, 10, 20]
    known = {n: set(build_vocabulary(counts, n)) for n in _least}
    plots.lines(
        _least,
        {
            "of the different words": [len(known[n]) / len(known[1]) for n in _least],
            "of the running text": [sum(counts[w] for w in known[n]) / sum(counts.values()) for n in _least],
        },
        x="seen at least so often",
        y="share that keeps an id",
        title="A small table knows nearly all of the text",
    )
    return (known,)


@app.cell
def _(counts, known):
    assert sum(counts[word] for word in known[10]) / sum(counts.values()) > len(known[10]) / len(known[1])
    assert all(known[a] >= known[b] for a, b in ((1, 2), (2, 3), (3, 5), (5, 10), (10, 20)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `the the the`: three equal rows. What can a model not tell from one-hot rows alone?
    - What would a cut-off of 5 leave out of your own text? Put it into `count_tokens`.
    - Save a vocabulary with `Vocabulary.build(...).save("vocab.txt")` and look at the file: the line's number is the
      id.

    Write it yourself: `groundup learn start build_vocabulary`, then `groundup learn start one_hot`
    """)
    return


if __name__ == "__main__":
    app.run()
