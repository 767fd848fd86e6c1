"""Lesson: word2vec, vectors that predict the words around: the step by hand, what is thinned out, the tree, and the whole training."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="word2vec: guess the neighbours, keep the vectors", width="medium")

with app.setup:
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings import prediction
    from groundup.classical.embeddings.evaluation.neighbours import purity
    from groundup.classical.embeddings.hierarchical_softmax import huffman_codes
    from groundup.classical.embeddings.sampling import keep_probability
    from groundup.classical.embeddings.vocabulary import read_corpus
    from groundup.classical.embeddings.word2vec import (
        Word2VecConfig,
        cbow_step,
        sigmoid,
        skip_gram_step,
        train_reference,
        train_word2vec,
    )
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # word2vec: guess the neighbours, keep the vectors

    Give every word a vector, and train the vectors for one task only: tell which words stand nearby. Afterwards nobody wants
    the guesses. What is kept are the vectors, because words that have alike neighbours had to become alike. You will have made the step
    by hand, and know what is dropped from a text and why.
    """)
    return


@app.cell
def _():
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    _parts = [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)]
    corpus = read_corpus(_parts, min_count=4)
    settings = {"hidden_size": 32, "window": 2, "epochs": 10, "learning_rate": 0.05, "sample": 0.01, "threads": 1}
    vectors = train_word2vec(corpus, Word2VecConfig(**settings))
    near_monday = [word for word, _ in vectors.nearest("monday", 4)]
    mo.md(
        f"**{settings['epochs'] * corpus.raw_words:,}** words were read, ten times the same little stories. Nearest to *monday* "
        f"of {len(vectors)} words are now *{', '.join(near_monday)}*."
    )
    return corpus, near_monday, settings, vectors


@app.cell
def _(near_monday):
    assert set(near_monday) == {"tuesday", "wednesday", "thursday", "friday"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A yes-or-no question

    To say which of 26,000 words comes next costs 26,000 products. Negative sampling asks less: here is a word that stood nearby, and here
    are five drawn at random; which is which? A word has two vectors, $v$ when it asks and $u$ when it is asked for. The answer
    *it stood there* has probability $\sigma(u \cdot v)$, where $\sigma(x) = 1 / (1 + e^{-x})$, and each side moves by the other:

    $$\mathrm{step} = \mathrm{rate} \cdot (\mathrm{label} - \sigma(u \cdot v)) \qquad
    v \mathrel{+}= \sum \mathrm{step} \cdot u \qquad u \mathrel{+}= \mathrm{step} \cdot v$$
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(0.1, 2.0, step=0.1, value=0.5, label="rate", show_value=True)
    rate
    return (rate,)


@app.cell
def _(rate):
    asks = np.array([1.0, 0.2])
    asked_for, labels = np.array([[0.2, 1.0], [1.0, -0.4], [0.6, 0.1]]), np.array([1.0, 0.0, 0.0])
    moved, moved_for = skip_gram_step(asks, asked_for, labels, rate.value)
    _names = ["neighbour", "drawn 1", "drawn 2"]
    plots.scatter(
        np.concatenate([asked_for, moved_for, [asks, moved]]),
        labels=[*_names, *(f"{name}, after" for name in _names), "asks", "asks, after"],
        groups=["before"] * 3 + ["after"] * 3 + ["before", "after"],
        title="The neighbour turns towards the word that asks, the drawn ones away",
    )
    return asked_for, asks, labels, moved, moved_for


@app.cell
def _(asked_for, asks, moved, moved_for):
    before, after = sigmoid(asked_for @ asks), sigmoid(moved_for @ moved)
    assert after[0] > before[0], "the neighbour became more likely"
    assert (after[1:] < before[1:]).all(), "the drawn words less"
    mo.md(f"Probabilities before: {before.round(3).tolist()}, after one step: {after.round(3).tolist()}.")
    return after, before


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## CBOW: the window as one voice

    Skip-gram lets each word guess each neighbour. CBOW turns it around and lets the mean of the window guess the word in the middle. By hand,
    with a window of $(1, 0)$ and $(0, 1)$: the mean is $(\frac12, \frac12)$. The word's $u = (2, 0)$ scores 1, $\sigma = 0.731$, so with rate 0.1
    its step is $0.1 \cdot (1 - 0.731) = 0.0269$. A drawn word $(0, 0)$ scores 0, its step is $0.1 \cdot (0 - 0.5) = -0.05$.
    """)
    return


@app.cell
def _():
    window, outputs = cbow_step(np.eye(2), np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0]), 0.1)
    assert np.allclose(window, [[1.0538, 0], [0.0538, 1]], atol=1e-4), "both words get the whole change 0.0269 * (2, 0)"
    assert np.allclose(outputs, [[2.0134, 0.0134], [-0.025, -0.025]], atol=1e-4)
    window.round(4).tolist(), outputs.round(4).tolist()
    return outputs, window


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Thinning out

    *the* stands beside everything and tells little, yet it is a large part of any text. A word whose share is $f$ is looked at with
    probability $\sqrt{t/f} + t/f$, at most 1. Dropped words leave no gap, so what is left moves together.
    """)
    return


@app.cell
def _():
    sample = mo.ui.dropdown({"0.01": 0.01, "0.001": 0.001, "0.0001": 0.0001}, value="0.001", label="t")
    sample
    return (sample,)


@app.cell
def _(corpus, sample):
    keep = keep_probability(corpus.counts, sample.value)
    left = float((keep * corpus.counts).sum() / corpus.counts.sum())
    plots.value_bars(
        {"kept": {corpus.words[rank]: float(keep[rank]) for rank in (0, 1, 3, 10, 30, 100, 300)}},
        y="probability",
        title=f"{left:.0%} of the text is left",
    )
    return keep, left


@app.cell
def _(keep, left):
    assert (np.diff(keep) >= 0).all() and keep[0] < 0.5 < 1.5 * keep[-1], "rarer words are kept more often"
    assert left < 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The other way: a tree of questions

    Instead of drawing words, ask down a tree: left or right? Huffman's tree gives frequent words short paths. Of counts 4, 2, 1, 1 the codes are
    0, 10, 110, 111: 14 bits in all, where two bits a word would make 16.
    """)
    return


@app.cell
def _(corpus):
    assert ["".join(map(str, bits)) for _, bits in huffman_codes([4, 2, 1, 1])] == ["0", "10", "110", "111"]
    _lengths = np.array([len(bits) for _, bits in huffman_codes(corpus.counts.tolist())])
    mean_path = float((_lengths * corpus.counts).sum() / corpus.counts.sum())
    _share = corpus.counts / corpus.counts.sum()
    entropy = float(-(_share * np.log2(_share)).sum())
    mo.md(
        f"For the {len(corpus.words)} words of the stories a path is {mean_path:.2f} questions long in the mean (no tree can do with less than "
        f"the entropy, {entropy:.2f}), `{corpus.words[0]}` takes {_lengths[0]} and the rarest word {_lengths[-1]}."
    )
    return entropy, mean_path


@app.cell
def _(entropy, mean_path):
    assert entropy <= mean_path < entropy + 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The four ways, on one text

    Two models, two kinds of output. Purity is the part of a word's 3 nearest that is of its own kind: days, places, looks, names. The kinds
    were never told.
    """)
    return


@app.cell
def _():
    way = mo.ui.dropdown(
        {
            f"{model}, {output}": (model, output)
            for model in ("skip-gram", "cbow")
            for output in ("negative sampling", "hierarchical softmax")
        },
        value="skip-gram, negative sampling",
        label="way",
    )
    way
    return (way,)


@app.cell
def _(corpus, settings, way):
    _found = train_word2vec(corpus, Word2VecConfig(architecture=way.value[0], output=way.value[1], **settings))
    _kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "places": "garden kitchen park attic mill hall",
        "looks": "red blue wooden plain pretty big",
        "names": "tom lena ana ben leo rosa",
    }
    _words = [word for group in _kinds.values() for word in group.split()]
    _kind = [name for name, group in _kinds.items() for _ in group.split()]
    _points = _found.unit[[_found.index[word] for word in _words]]
    pure = purity(_points, _kind, 3)
    _, _, _axes = np.linalg.svd(_points - _points.mean(0), full_matrices=False)
    plots.scatter(
        _points @ _axes[:2].T,
        labels=_words,
        groups=_kind,
        title=f"Two of 32 directions; purity in all of them {pure:.0%}",
    )
    return (pure,)


@app.cell
def _(pure):
    assert pure > 0.7, "by chance it would be a quarter"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The step inside the training

    The loop above is compiled. The same in plain Python calls the two steps of this lesson, with the same draws. On a few sentences
    both give the same vectors.
    """)
    return


@app.cell
def _(corpus, settings):
    _few = read_corpus([corpus.sentence(number) for number in range(30)], 1)
    apart = []
    for _model in ("skip-gram", "cbow"):
        _config = Word2VecConfig(architecture=_model, **(settings | {"epochs": 1}))
        _made = prediction.problem(_few, _config, prediction.no_pieces(_few))
        _rows = [prediction.first_inputs(len(_few.words), 32, 0, 0.5) for _ in range(2)]
        prediction.train_weights(_made, _rows[0], _config)
        prediction.train_weights(_made, _rows[1], _config, work=train_reference)
        apart.append(float(np.abs(_rows[0] - _rows[1]).max()))
    assert max(apart) < 0.01
    mo.md(f"The largest difference of any number: {max(apart):.5f} (the compiled loop reads $\\sigma$ from a table).")
    return (apart,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Raise the rate of the one step to 2: the neighbour comes nearer still, and the drawn words overshoot.
    - Set $t$ to 0.0001: only rare words are left, and in so small a text little can be learned from them.
    - `vectors.nearest("garden")` lists places. Train with `window=8`: words of one story come near, whatever their kind.

    Write it yourself: `groundup learn start skip_gram_step`, `cbow_step`, `keep_probability`, `huffman_codes`
    """)
    return


if __name__ == "__main__":
    app.run()
