"""Lesson: GloVe: vectors whose dot products are the logarithms of counts, and what differences then mean."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="GloVe: meaning is a ratio of counts", width="medium")

with app.setup:
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.cooccurrence import count_pairs, window_weights
    from groundup.classical.embeddings.evaluation.neighbours import purity
    from groundup.classical.embeddings.glove import GloveConfig, fit, glove_gradient, glove_loss, pair_weights
    from groundup.classical.embeddings.vectors import WordVectors
    from groundup.classical.embeddings.vocabulary import read_corpus
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # GloVe: meaning is a ratio of counts

    Ice and steam are both wet, so `water` does not tell them apart. `solid` does: it stands far more often beside `ice`. Not a count says what a
    word means, but how many times larger it is than another word's. Afterwards you know which loss makes vectors that hold these
    ratios as differences, and have taken its steps by hand.
    """)
    return


@app.cell
def _():
    # Pennington, Socher and Manning 2014, table 1: P(context | word) in a corpus of six thousand million words
    ice = {"solid": 1.9e-4, "gas": 6.6e-5, "water": 3.0e-3, "fashion": 1.7e-5}
    steam = {"solid": 2.2e-5, "gas": 7.8e-4, "water": 2.2e-3, "fashion": 1.8e-5}
    ratio = {word: ice[word] / steam[word] for word in ice}
    mo.md(
        f"Beside *ice* the word *solid* is **{ratio['solid']:.1f}** times as likely as beside *steam*, and *gas* {ratio['gas']:.3f} times. "
        f"*Water* ({ratio['water']:.1f}) and *fashion* ({ratio['fashion']:.2f}) do not care, the one because it goes with both, the other with neither."
    )
    return ice, ratio, steam


@app.cell
def _(ratio):
    plots.value_bars(
        {"log P(context | ice) / P(context | steam)": {word: float(np.log(one)) for word, one in ratio.items()}},
        y="logarithm of the ratio",
        title="What tells ice from steam",
    )
    return


@app.cell
def _(ratio):
    assert ratio["solid"] > 8 and ratio["gas"] < 0.1
    assert 0.7 < ratio["water"] < 1.5 and 0.7 < ratio["fashion"] < 1.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From ratios to a loss

    A difference of vectors should be a ratio: $(w_{ice} - w_{steam}) \cdot c_{solid} = \log \frac{P(solid | ice)}{P(solid | steam)}$. It is, if every
    dot product is the logarithm of a count, up to a number of each word's own:

    $$w_i \cdot c_j + b_i + d_j = \log X_{ij}$$

    That cannot hold for all pairs with few numbers a word, so GloVe makes the squared errors small, weighted by $f(X_{ij})$.
    One pair by hand: $w = 1$, $c = 4$, $b = 0.5$, $d = -0.5$ fit 4; a count of 16 has $\log 16 = 2.77$.
    """)
    return


@app.cell
def _():
    one_pair = np.array([[0.0, 16.0], [0.0, 0.0]])
    start = (np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]), np.array([0.5, 0.0]), np.array([0.0, -0.5]))
    loss = glove_loss(one_pair, *start, x_max=81.0)
    slopes = glove_gradient(one_pair, *start, x_max=81.0)
    mo.md(
        f"The error is {4 - np.log(16):.3f}, its weight $(16/81)^{{3/4}} = 8/27$, the loss **{loss:.3f}**. The word's vector is pulled by "
        f"{slopes[0][0, 0]:.3f}, its own number by {slopes[2][0]:.3f}; the other word, which met nobody, by {slopes[0][1, 0]:.0f}."
    )
    return loss, one_pair, slopes, start


@app.cell
def _(loss, one_pair, slopes, start):
    assert np.isclose(loss, 0.5 * 8 / 27 * (4 - np.log(16)) ** 2)
    assert np.isclose(slopes[0][0, 0], 8 / 27 * (4 - np.log(16)) * 4) and slopes[0][1, 0] == 0
    _moved = (start[0] + np.array([[1e-6], [0.0]]), *start[1:])
    assert np.isclose((glove_loss(one_pair, *_moved, x_max=81.0) - loss) / 1e-6, slopes[0][0, 0], rtol=1e-4), (
        "the slope of the loss"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who matters how much

    A pair seen once may be luck; `of the` is seen a million times and would drown the rest. The weight
    $f(x) = \min(1, (x / x_{max})^{\alpha})$ grows slowly and stops at 1.
    """)
    return


@app.cell
def _():
    alpha = mo.ui.slider(0, 1.5, step=0.25, value=0.75, label="alpha", show_value=True)
    alpha
    return (alpha,)


@app.cell
def _(alpha):
    seen = np.linspace(1, 200, 200)
    weights = pair_weights(seen, 100.0, alpha.value)
    plots.lines(
        seen.tolist(),
        {"f(x)": weights.tolist()},
        x="count x",
        y="weight",
        title=f"alpha = {alpha.value}: a pair seen once weighs {weights[0]:.3f}",
    )
    return seen, weights


@app.cell
def _(alpha, weights):
    assert weights.max() == 1.0 and (np.diff(weights) >= 0).all()
    assert np.isclose(weights[0], 100.0**-alpha.value)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A text

    The stories of the world in this library, a window of five words to each side, a neighbour at distance $d$ counted $1/d$. AdaGrad takes a step a
    pair; each number's step shrinks with the gradients it has seen. Two questions: does the loss fall, and do the fitted
    dot products follow the counts?
    """)
    return


@app.cell
def _():
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    _sentences = [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)]
    corpus = read_corpus(_sentences, min_count=4)
    counts = count_pairs(corpus, window_weights(5, "harmonic"))
    config = GloveConfig(hidden_size=20, epochs=40, x_max=20.0, learning_rate=0.1, threads=1)
    fitted, losses = fit(counts, config)
    plots.lines(
        list(range(1, len(losses) + 1)),
        {"loss of a pair": losses},
        x="epoch",
        y="mean loss",
        title=f"{len(counts):,} pairs, {len(losses)} times through",
    )
    return config, corpus, counts, fitted, losses


@app.cell
def _(losses):
    assert losses[-1] < losses[0] / 5
    assert len(losses) < 2 or all(after < before for before, after in zip(losses, losses[1:], strict=False)), (
        "every epoch helps"
    )
    return


@app.cell
def _(corpus, fitted):
    vectors = WordVectors(corpus.words, fitted)
    _kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "names": "tom lena ana ben leo rosa",
        "looks": "red blue wooden plain pretty big",
    }
    kind = [name for name, group in _kinds.items() for _ in group.split()]
    chosen = [word for group in _kinds.values() for word in group.split()]
    pure = purity(np.array([vectors[word] for word in chosen]), kind, 3)
    mo.md(
        "| word | nearest |\n|---|---|\n"
        + "\n".join(
            f"| {word} | {', '.join(other for other, _ in vectors.nearest(word, 4))} |"
            for word in ("monday", "tom", "red")
        )
        + f"\n\nOf the three nearest among {len(chosen)} words of three kinds, **{pure:.0%}** are of the word's own kind."
    )
    return chosen, kind, pure, vectors


@app.cell
def _(pure, vectors):
    assert pure > 0.75
    assert {word for word, _ in vectors.nearest("monday", 4)} & {"tuesday", "wednesday", "thursday", "friday"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Honest words

    On so small a text PPMI and SVD find cleaner neighbours than GloVe does (see the lesson on co-occurrence, same text).
    GloVe was made for thousands of millions of
    words, where a pair's count is no luck any more and a table of all pairs no longer fits a decomposition. Its loss and that of skip-gram with
    negative samples lie close together: both factor the same table, with other weights.

    ## Try

    - Put alpha at 0: every pair that occurs weighs the same, luck included. At 1.5 hardly anything but the frequent pairs is left.
    - Change `x_max` to 100, the paper's value, which is for large texts: the loss is smaller (all weights are), the neighbours are worse.

    Write it yourself: `groundup learn start glove_loss`, then `groundup learn start glove_gradient`
    """)
    return


if __name__ == "__main__":
    app.run()
