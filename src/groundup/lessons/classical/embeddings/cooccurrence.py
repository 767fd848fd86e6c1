"""Lesson: words as vectors from counts alone: co-occurrence, PPMI, and the few directions that tell most."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Co-occurrence: a word is the company it keeps", width="medium")

with app.setup:
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.cooccurrence import (
        cooccurrence_counts,
        count_pairs,
        ppmi,
        sparse_ppmi,
        truncated_svd,
        window_weights,
    )
    from groundup.classical.embeddings.evaluation.neighbours import purity
    from groundup.classical.embeddings.vectors import WordVectors
    from groundup.classical.embeddings.vocabulary import read_corpus
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Co-occurrence: a word is the company it keeps

    Nobody tells a machine what a word means. But words that mean alike stand beside alike words, and that can be counted.
    Afterwards you can turn a text into vectors by hand: count, compare with chance, keep the main directions.
    """)
    return


@app.cell
def _():
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    sentences = [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)]
    corpus = read_corpus(sentences, min_count=4)
    _u, _s, _ = truncated_svd(sparse_ppmi(count_pairs(corpus, window_weights(5)), smoothing=0.75), 40)
    vectors = WordVectors(corpus.words, _u * _s**0.5)
    asked = {word: [other for other, _ in vectors.nearest(word, 4)] for word in ("monday", "garden", "tom")}
    mo.md(
        f"{len(corpus.ids):,} words of little stories, {len(corpus.words)} different ones, counted. The **4** words nearest to "
        + ", ".join(f"*{word}*: {', '.join(near)}" for word, near in asked.items())
        + ". No dictionary was asked."
    )
    return asked, corpus, sentences, vectors


@app.cell
def _(asked):
    assert set(asked["monday"]) == {"tuesday", "wednesday", "thursday", "friday"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Counting, by hand

    *the cat sat*, *the dog sat*. With a window of one, `cat` stands beside `the` and `sat`, and so does `dog`: their rows are
    the same, although they never meet. That is the whole idea. A neighbour farther away may count less.
    """)
    return


@app.cell
def _():
    far = mo.ui.slider(0, 1, step=0.25, value=0.5, label="what a neighbour at distance 2 counts", show_value=True)
    far
    return (far,)


@app.cell
def _():
    names = ["the", "cat", "dog", "sat"]
    tiny = [[0, 1, 3], [0, 2, 3]]
    return names, tiny


@app.cell
def _(far, names, tiny):
    counted = cooccurrence_counts(tiny, [1.0, far.value], 4)
    plots.heat_map(
        counted, rows=names, columns=names, text=True, title="How often each word stands near each other one"
    )
    return (counted,)


@app.cell
def _(counted, far):
    assert (counted == counted.T).all(), "near is near both ways"
    assert (counted[1] == counted[2]).all(), "cat and dog keep the same company"
    assert counted[0, 3] == 2 * far.value, "the ... sat, two times at distance 2"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The trouble with *the*

    In a real text the largest counts belong to words that stand beside everything. What matters is how much more often two words meet than
    they would by chance:

    $$\mathrm{PPMI}(w, c) = \max\left(0, \log \frac{P(w, c)}{P(w)\,P(c)}\right)$$

    Take 2 meetings of $w$ and $c$ among 8 in all, where $w$ has 2 of the 8 and $c$ has 6: chance alone would give
    $8 \cdot \frac28 \cdot \frac68 = 1.5$ of them, so the surprise is $\log(2 / 1.5) = 0.288$.
    """)
    return


@app.cell
def _():
    by_hand = ppmi(np.array([[0.0, 2.0], [2.0, 4.0]]))
    assert np.isclose(by_hand[0, 1], np.log(2 / 1.5)) and by_hand[1, 1] == 0, (
        "4 meetings where chance gives 4.5: no surprise"
    )
    by_hand.round(3).tolist()
    return (by_hand,)


@app.cell
def _(corpus):
    counts = count_pairs(corpus, window_weights(5)).dense()
    surprise = ppmi(counts, smoothing=0.75)

    def company(table, word, k=6):
        """The words with the largest entries in a word's row."""
        row = table[corpus.words.index(word)]
        return {corpus.words[place]: float(row[place]) for place in np.argsort(-row, kind="stable")[:k]}

    mo.md(
        "| word | most often beside it | most surprisingly beside it |\n|---|---|---|\n"
        + "\n".join(
            f"| {word} | {', '.join(company(counts, word))} | {', '.join(company(surprise, word))} |"
            for word in ("garden", "monday", "drum")
        )
    )
    return company, counts, surprise


@app.cell
def _(company, counts, corpus, surprise):
    _frequent = set(corpus.words[:20])
    _by_count = [word for asked in ("garden", "monday", "drum") for word in company(counts, asked)]
    _by_surprise = [word for asked in ("garden", "monday", "drum") for word in company(surprise, asked)]
    assert sum(word in _frequent for word in _by_count) > 2 * sum(word in _frequent for word in _by_surprise)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Few numbers in place of many

    A row has as many numbers as there are words, most of them 0, and `cup` and `mug` as contexts are strangers to each other. The
    singular value decomposition $M = U S V^\top$ turns the table so that the first columns tell most of it; a word's vector is its row of $U S^{p}$,
    cut off. Below, 33 words of six kinds. Their kinds were never told; purity is the part of a word's 3 nearest that is of its own kind.
    """)
    return


@app.cell
def _(corpus):
    kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "places": "garden kitchen park attic mill hall",
        "looks": "red blue wooden plain pretty big",
        "family": "aunt sister brother mother",
        "names": "tom lena ana ben leo rosa",
        "things": "ball cup hat hammer drum kite",
    }
    kind = [name for name, group in kinds.items() for _ in group.split()]
    rows = [corpus.words.index(word) for group in kinds.values() for word in group.split()]
    u, s, _ = truncated_svd(sparse_ppmi(count_pairs(corpus, window_weights(5)), smoothing=0.75), 40)
    sizes = [1, 2, 3, 5, 10, 20, 40]
    pure = [purity((u * s**0.5)[rows][:, :size], kind, 3) for size in sizes]
    plots.lines(
        sizes,
        {"purity": pure},
        x="directions kept",
        y="purity",
        log_x=True,
        levels={"by chance": 1 / 6},
        title="Ten directions of 600 tell nearly all",
    )
    return kind, kinds, pure, rows, s, sizes, u


@app.cell
def _(pure, sizes):
    _of = dict(zip(sizes, pure, strict=True))
    assert _of[10] > 0.85 and _of[10] > _of[2] > 1 / 6, "ten directions are plenty, two are not"
    assert _of[40] > 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How wide is near?

    A narrow window sees what could stand in a word's place: days are like days. A wide one sees what a word is about: the story, not the slot.
    Move the window and read the neighbours of `drum`.
    """)
    return


@app.cell
def _():
    window = mo.ui.slider(1, 15, step=2, value=1, label="window", show_value=True)
    window
    return (window,)


@app.cell
def _(corpus, kind, kinds, rows, window):
    _u, _s, _ = truncated_svd(sparse_ppmi(count_pairs(corpus, window_weights(window.value)), smoothing=0.75), 20)
    seen = WordVectors(corpus.words, _u * _s**0.5)
    near_drum = [word for word, _ in seen.nearest("drum", 5)]
    chosen_purity = purity(seen.vectors[rows], kind, 3)
    _places = seen.vectors[rows][:, 1:4]
    plots.scatter(
        _places / np.linalg.norm(_places, axis=1, keepdims=True),
        labels=[word for group in kinds.values() for word in group.split()],
        groups=kind,
        title=f"Window {window.value}: purity {chosen_purity:.0%}; nearest to drum: {', '.join(near_drum[:4])}",
    )
    return chosen_purity, near_drum, seen


@app.cell
def _(chosen_purity, near_drum):
    assert chosen_purity > 0.7
    assert len(near_drum) == 5 and "drum" not in near_drum
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Put the window at 1, then at 15: purity falls, because words of one story come near, whatever their kind.
    - Leave `smoothing=0.75` away: rare words climb in the table of surprises.
    - In the first picture give distance 2 the weight 0: `the` and `sat` have nothing to do with each other any more.

    Write it yourself: `groundup learn start cooccurrence_counts`, then `groundup learn start ppmi`
    """)
    return


if __name__ == "__main__":
    app.run()
