"""Lesson: features: words as numbers, weighed by how rare they are, and which of them say something about the class."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="TF-IDF: the words that say something", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.features import (
        best_features,
        chi_square,
        information_scores,
        inverse_document_frequency,
        standardize,
        tf_idf,
        word_counts,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # TF-IDF: the words that say something

    A model sees numbers, so somebody has to choose which. Afterwards you can turn texts into vectors, weigh their words by hand, build a
    small search engine, and pick the words that give a topic away. Old as it is, this weighting still stands behind text search.
    """)
    return


@app.cell
def _():
    texts = {
        "sea": [
            "the boat and the crew were out on the sea in the storm",
            "a fish swam under the boat and the net was in the water",
            "the wind over the sea drove the waves and the boat to the harbour",
            "in the harbour the crew pulled the net and the fish out of the water",
        ],
        "kitchen": [
            "the bread was in the oven and the soup was on the stove",
            "a spoon of salt and the soup in the pot was good",
            "the cook put the bread on the table and the butter in the bowl",
            "the cook stirred the pot with a spoon and the oven was hot",
        ],
        "stars": [
            "the moon and the stars were over the hill in the night",
            "a telescope on the hill showed the planet and the moon",
            "in the night the planet was near the moon and the sky was clear",
            "the stars in the sky were bright and the telescope was out",
        ],
    }
    documents = [text.split() for group in texts.values() for text in group]
    topic = np.repeat(list(texts), 4)
    words, counts = word_counts(documents)
    _total = counts.sum(axis=0)
    share = float(np.sort(_total)[-6:].sum() / _total.sum())
    mo.md(
        f"Twelve sentences about the sea, a kitchen and the stars, with {len(words)} different words. The six commonest words alone are "
        f"**{share:.0%}** of all: {', '.join(words[n] for n in (-_total).argsort(kind='stable')[:6])}. They say nothing about any of them."
    )
    return counts, documents, share, texts, topic, words


@app.cell
def _(counts, documents, share):
    assert counts.sum() == sum(map(len, documents)), "every word is counted once"
    assert share > 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three documents, by hand

    *the cat*, *the dog*, *the cat cat*. A text becomes a row of counts, one column a word. A word that stands in every document should count
    least, one that stands in a single one most. The weight, with $n$ documents of which $\text{df}$ have the word:

    $$\text{idf} = \ln \frac{1 + n}{1 + \text{df}} + 1$$

    *the*: $\ln(4/4) + 1 = 1$. *cat*: $\ln(4/3) + 1 = 1.288$. *dog*: $\ln(4/2) + 1 = 1.693$. Each count is multiplied by its word's weight;
    then every row is made one long, so that a long text is not louder than a short one: *the cat* becomes $(1, 1.288) / 1.630$.
    """)
    return


@app.cell
def _():
    _names, _table = word_counts(["the cat".split(), "the dog".split(), "the cat cat".split()])
    _idf = dict(zip(_names, inverse_document_frequency(_table), strict=True))
    _rows = tf_idf(_table)
    assert abs(_idf["the"] - 1) < 1e-12
    assert abs(_idf["cat"] - 1.2877) < 1e-4
    assert abs(_idf["dog"] - 1.6931) < 1e-4
    assert np.allclose(np.linalg.norm(_rows, axis=1), 1)
    assert np.allclose(_rows[0], np.array([1.2877, 0, 1]) / 1.6304, atol=1e-4)
    plots.heat_map(
        _rows,
        rows=["the cat", "the dog", "the cat cat"],
        columns=_names,
        text=True,
        title="Three documents as rows of numbers",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who is like whom?

    The product of two rows of length one is their similarity, 0 to 1. By plain counts all twelve sentences look alike, because all of
    them say *the*. Weighed, three blocks come out. Cutting off words that stand in very many documents goes further still.
    """)
    return


@app.cell
def _():
    way = mo.ui.dropdown(["counts", "TF-IDF", "TF-IDF without the six commonest"], value="counts", label="rows of")
    way
    return (way,)


@app.cell
def _(counts, topic, way):
    _common = np.argsort(-counts.sum(axis=0), kind="stable")[:6]
    tables = {
        "counts": tf_idf(counts, np.ones(counts.shape[1])),
        "TF-IDF": tf_idf(counts),
        "TF-IDF without the six commonest": tf_idf(np.delete(counts, _common, axis=1)),
    }
    alike = tables[way.value] @ tables[way.value].T
    plots.heat_map(
        alike,
        rows=topic.tolist(),
        columns=topic.tolist(),
        low=0,
        high=1,
        title=f"Similarity of the sentences: {way.value}",
    )
    return alike, tables


@app.cell
def _(alike, tables, topic):
    def between_topics(table):
        """The mean similarity of sentences about different things, over that of different sentences about the same."""
        same = topic[:, None] == topic
        return float((table @ table.T)[~same].mean() / (table @ table.T)[same & ~np.eye(12, dtype=bool)].mean())

    contrast = [between_topics(table) for table in tables.values()]
    assert contrast[0] > contrast[1] > contrast[2], "each way tells the topics apart better"
    assert np.allclose(np.diag(alike), 1)
    assert (alike > -1e-12).all()
    mo.md(
        "Two sentences about different things are as alike as this share of two about the same: "
        + ", ".join(f"{name} **{one:.0%}**" for name, one in zip(tables, contrast, strict=True)) + "."
    )  # fmt: skip
    return between_topics, contrast


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A search engine in one line

    A question is a short document. Give it the columns and the weights that were learned from the texts, and multiply. Words that no text has
    are left out.
    """)
    return


@app.cell
def _():
    question = mo.ui.dropdown(
        ["the fish in the sea", "bread and soup", "the moon in the night", "the boat on the hill", "the"],
        value="the fish in the sea", label="question",
    )  # fmt: skip
    question
    return (question,)


@app.cell
def _(counts, question, texts, words):
    _, _asked = word_counts([question.value.split()], words)
    scores = (tf_idf(counts) @ tf_idf(_asked, inverse_document_frequency(counts)).T)[:, 0]
    _lines = [text for group in texts.values() for text in group]
    found = [_lines[n] for n in np.argsort(-scores, kind="stable")[:3]]
    _names = [f"{name} {n}" for name in texts for n in range(1, 5)]
    plots.value_bars(
        {"similarity": dict(zip(_names, scores.tolist(), strict=True))}, y="similarity", title=question.value
    )
    return found, scores


@app.cell
def _(found, question, scores, topic):
    _expected = {"the fish in the sea": "sea", "bread and soup": "kitchen", "the moon in the night": "stars"}
    assert topic[scores.argmax()] == _expected.get(question.value, topic[scores.argmax()])
    assert scores.max() <= 1 + 1e-12
    mo.md("Found:\n\n" + "\n".join(f"{place}. {text}" for place, text in enumerate(found, 1)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which words give the topic away?

    Where the topics of some texts are known, one can ask of each word whether its counts differ between topics by more than chance. The
    **chi-square** statistic adds up (observed - expected)$^2$ / expected. **Mutual information** asks how many bits the mere presence of the word
    says about the topic; with three equally common topics there are $\log_2 3 = 1.58$ to be had.
    """)
    return


@app.cell
def _(counts, topic, words):
    by_chi, by_bits = chi_square(counts, topic), information_scores(counts, topic)
    _top = best_features(by_chi, 10)
    _the = words.index("the")
    assert by_bits.max() <= np.log2(3)
    assert by_bits[_the] < 1e-12, "it stands everywhere: no information"
    assert by_chi[_top[0]] > 5 * by_chi[_the]
    plots.value_bars(
        {name: {words[n]: float(one[n]) for n in [*_top, _the]} for name, one in {"chi-square": by_chi, "bits": by_bits}.items()},
        title="The ten best words, and the commonest",
    )  # fmt: skip
    return by_bits, by_chi


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What both miss

    They judge one feature at a time. Two switches whose *difference* is the class say everything together and nothing alone. And numbers of
    another kind need another care: lengths in metres and weights in grams are brought to one scale before they are compared.
    """)
    return


@app.cell
def _():
    _switches = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    _alone = information_scores(_switches, _switches[:, 0] != _switches[:, 1])
    assert np.allclose(_alone, 0)
    _people = np.array([[1.60, 55_000], [1.75, 70_000], [1.90, 91_000]])
    _scale = standardize(_people)
    assert np.allclose(_scale.apply(_people).std(axis=0), 1)
    assert np.allclose(_scale.undo(_scale.apply(_people)), _people)
    f"bits of each switch alone: {_alone.tolist()}; three people on one scale: {_scale.apply(_people).round(2).tolist()}"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ask *the boat on the hill*: texts about the sea and about the stars come up together. A row of counts knows no order and no sense.
    - Ask *the*: every sentence answers. Which most, and why that one?
    - Add a fifth sentence to each topic without any of its words ("we went out at noon"): no weighting can find it. That is what embeddings are for.

    Write it yourself: `groundup learn start tf_idf`
    """)
    return


if __name__ == "__main__":
    app.run()
