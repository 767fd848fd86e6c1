"""Lesson: FastText, vectors of pieces: how a word comes apart, where its pieces lie, and a vector for a word never seen."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="FastText: a vector for a word nobody has seen", width="medium")

with app.setup:
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.fasttext import (
        FastTextConfig,
        Subwords,
        buckets_of,
        character_ngrams,
        ngram_bucket,
        train_fasttext,
    )
    from groundup.classical.embeddings.vocabulary import read_corpus
    from groundup.data.sources import tinyworld
    from groundup.errors import InputError


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # FastText: a vector for a word nobody has seen

    word2vec knows the words of its text and no other: *mondays* is as strange to it as *qwzx*. FastText learns vectors for pieces of words as
    well, and a new word is made of known pieces. Afterwards you know how a word comes apart and what the pieces cost.
    """)
    return


@app.cell
def _():
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    corpus = read_corpus(
        [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)], min_count=3
    )
    settings = {"hidden_size": 32, "window": 3, "epochs": 10, "learning_rate": 0.05, "sample": 0.01, "threads": 1}
    vectors = train_fasttext(corpus, FastTextConfig(**settings))
    near = [word for word, _ in vectors.nearest("mondays", 5)]
    mo.md(
        f"*mondays* occurs **{int('mondays' in vectors)}** times in the stories. Its nearest words: *{', '.join(near)}*."
    )
    return corpus, near, settings, vectors


@app.cell
def _(near, vectors):
    assert "mondays" not in vectors and near[0] == "monday"
    assert set(near) <= {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Pieces

    A word is put between marks, `<where>`, and cut into all pieces of some lengths. The marks tell beginnings and ends: `her` inside `where` is
    another piece than `<her>`, the word.
    """)
    return


@app.cell
def _():
    longest = mo.ui.slider(3, 6, value=3, label="longest piece", show_value=True)
    longest
    return (longest,)


@app.cell
def _(longest):
    pieces = character_ngrams("where", 3, longest.value)
    mo.md(f"{len(pieces)} pieces: " + " ".join(f"`{piece}`" for piece in pieces))
    return (pieces,)


@app.cell
def _(longest, pieces):
    assert pieces[0] == "<wh" and pieces[-1] == "re>" and "her" in pieces and "<her>" not in pieces
    assert len(pieces) == sum(7 - length + 1 for length in range(3, longest.value + 1)), "7 letters with the marks"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Buckets

    There are too many pieces to keep a list of. A hash of a piece gives its row among `buckets` rows; pieces that fall into one row share it.
    How many do, of all pieces of the stories' words?
    """)
    return


@app.cell
def _(corpus):
    _all = {piece for word in corpus.words for piece in character_ngrams(word)}
    _sizes = [1_000, 10_000, 100_000, 2_000_000]
    shared = []
    for _size in _sizes:
        _rows = np.bincount([ngram_bucket(piece, _size) for piece in _all], minlength=_size)
        shared.append(float(_rows[_rows > 1].sum() / len(_all)))
    plots.lines(
        _sizes,
        {"pieces that share a row": shared},
        x="buckets",
        y="share",
        log_x=True,
        title=f"{len(_all):,} pieces of {len(corpus.words)} words",
    )
    return (shared,)


@app.cell
def _(shared):
    assert shared == sorted(shared, reverse=True) and shared[0] > 0.9 and shared[-1] < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The hash is FNV-1a with an accident: fastText's program reads a byte above 127 as a negative number. In ASCII nobody notices. Vectors of others can
    only be used with the same accident.
    """)
    return


@app.cell
def _():
    def published(text):
        """FNV-1a as it stands in the books."""
        value = 2166136261
        for byte in text.encode():
            value = (value ^ byte) * 16777619 % 2**32
        return value

    assert ngram_bucket("foobar", 2**32) == published("foobar") == 0xBF9CF968
    assert ngram_bucket("é", 2**32) != published("é")
    f"é: published {published('é'):08x}, fastText {ngram_bucket('é', 2**32):08x}"
    return (published,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A new word is the mean of its pieces

    In training a word's hidden vector is the mean of its own row and its pieces' rows. Of a word never seen only pieces are there, and of those only
    the ones that some known word has.
    """)
    return


@app.cell
def _():
    asked = mo.ui.dropdown(
        ["walker", "tuesdays", "unhappily", "gardens", "friendly"], value="walker", label="a word never seen"
    )
    asked
    return (asked,)


@app.cell
def _(asked, vectors):
    _rows = set(buckets_of(asked.value, vectors.subwords))
    held = len(_rows & set(vectors.buckets.tolist()))
    plots.value_bars(
        {"similarity": dict(vectors.nearest(asked.value, 6))},
        y="similarity",
        title=f"{held} of {len(_rows)} pieces of {asked.value} are known",
    )
    return (held,)


@app.cell
def _(asked, held, vectors):
    assert 0 < held < len(buckets_of(asked.value, vectors.subwords))
    _own = set(character_ngrams(asked.value, 3, 3))
    _shared = [len(_own & set(character_ngrams(word, 3, 3))) for word in vectors.words]
    _near = [len(_own & set(character_ngrams(word, 3, 3))) for word, _ in vectors.nearest(asked.value, 6)]
    assert np.mean(_near) > 3 * np.mean(_shared), "spelling decides: near words share pieces"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Spelling is a hint and no more: a word whose spelling lies gets a wrong vector with the same confidence. And where no piece is known there is no answer.
    """)
    return


@app.cell
def _(vectors):
    refusal = ""
    try:
        vectors["qwzx"]
    except InputError as error:
        refusal = str(error)
    assert "'qwzx' is none of the" in refusal
    refusal
    return (refusal,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs

    A word of the vocabulary has one row in word2vec; here it has its pieces' too, and every step reads and changes all of them.
    """)
    return


@app.cell
def _(corpus, vectors):
    per_word = float(
        np.average([1 + len(buckets_of(word, Subwords())) for word in corpus.words], weights=corpus.counts)
    )
    rows = len(vectors) + len(vectors.buckets)
    assert per_word > 5 and rows > 5 * len(vectors)
    mo.md(f"{per_word:.1f} rows for a word of the text, {rows:,} rows in all where word2vec has {len(vectors)}.")
    return per_word, rows


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ask for *gardens*, then for *friendly*: its spelling is nearly that of *friday*, and FastText falls for it.
    - Train with `buckets=1000`: nearly every row is shared, and new words become alike.
    - Pieces of 1 to 2 letters know every word and tell nothing about it; pieces of 6 are nearly words.

    Write it yourself: `groundup learn start character_ngrams`, `ngram_bucket`
    """)
    return


if __name__ == "__main__":
    app.run()
