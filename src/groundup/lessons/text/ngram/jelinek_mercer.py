"""Lesson: orders mixed, and the weights learned on text that was not counted."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Jelinek-Mercer: ask new text whom to trust", width="medium")

with app.setup:
    import importlib

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.text.ngram.counts import count_ngrams
    from groundup.text.ngram.jelinek_mercer import BUCKETS, evidence, learn_weights, mixture_step
    from groundup.text.ngram.smoothing import fit
    from groundup.text.tokenizers.word import words_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Jelinek-Mercer: ask new text whom to trust

    A long context knows more, where it knows anything. Afterwards you can mix long and short contexts, and can let text that was not counted say
    how much each deserves: with expectation-maximisation, which comes back in this course wherever something is not seen.
    """)
    return


@app.cell
def _():
    _topics = importlib.import_module("pydoc_data.topics").topics
    _words = words_of(" ".join(_topics[name] for name in sorted(_topics)).lower())
    _vocabulary = {word: id for id, word in enumerate(dict.fromkeys(_words))}
    _ids = np.array([_vocabulary[word] for word in _words])
    counted, held, test = np.split(_ids, [len(_ids) * 8 // 10, len(_ids) * 9 // 10])
    size = len(_vocabulary)
    levels = count_ngrams(counted, 3, size)
    impossible = float((evidence(levels, held, size, None)[0][:, 3] == 0).mean())
    mo.md(
        f"Eight tenths of Python's manual are counted. Of the words of the next tenth, runs of three call **{impossible:.0%}** impossible."
    )
    return counted, held, impossible, levels, size, test


@app.cell
def _(impossible):
    assert impossible > 0.4, "plain counts of three words cannot be used"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One weight, by hand

    Mix: $P = w \cdot P_{\text{long}} + (1 - w) \cdot P_{\text{short}}$. Four held-out words came. The long context gave them 1/2, 1/2, 0 and 1/4, the short
    one 1/4 each. Begin with $w = 1/2$. Of the first word's probability, 3/8, the long context gave 2/8: it **answers for** two thirds of
    that word. For the others it
    is 2/3, 0 and 1/2. The mean of the four, 11/24, is the new $w$.
    """)
    return


@app.cell
def _():
    gave = np.array([[0.25, 0.5], [0.25, 0.5], [0.25, 0.0], [0.25, 0.25]])  # short, long
    one_weight = np.tile([-1, 0], (4, 1))  # the long context's weight has the number 0
    weights = [np.array([0.9])]
    for _ in range(15):
        weights.append(mixture_step(gave, one_weight, weights[-1]))
    likelihoods = [float(np.log(gave[:, 1] * w + gave[:, 0] * (1 - w)).sum()) for w in weights]
    plots.lines(
        list(range(16)), {"log-likelihood of the four": likelihoods}, x="step", y="nats", marked=True,
        title="From w = 0.9: no step lowers the likelihood",
    )  # fmt: skip
    return gave, likelihoods, one_weight, weights


@app.cell
def _(gave, likelihoods, one_weight, weights):
    assert abs(mixture_step(gave, one_weight, np.array([0.5]))[0] - 11 / 24) < 1e-12
    assert np.all(np.diff(likelihoods) >= -1e-12)
    assert 0 < weights[-1][0] < weights[0][0], "one word that it called impossible costs the long context its good name"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who may be asked?

    Not the text that was counted: there every run was seen, so the longest context seems to know everything. And contexts differ: one that was
    seen a thousand times knows more than one that was seen once. So each order has a weight for contexts seen once, for two or three
    times, for four to seven, and so on.
    Choose the order.
    """)
    return


@app.cell
def _():
    order = mo.ui.slider(2, 3, value=2, label="order", show_value=True)
    order
    return (order,)


@app.cell
def _(counted, held, levels, size):
    _asked = {"the counted text": counted, "held-out text": held}
    answers = {name: evidence(levels, ids, size, None) for name, ids in _asked.items()}
    learned = {name: learn_weights(*answer) for name, answer in answers.items()}
    return answers, learned


@app.cell
def _(answers, learned, order):
    _used = np.bincount(answers["held-out text"][1][:, order.value].clip(0), minlength=4 * BUCKETS)
    _first = order.value * BUCKETS
    _seen = [at for at in range(10) if _used[_first + at] >= 50]
    trust = {name: [float(found[_first + at]) for at in _seen] for name, found in learned.items()}
    plots.lines(
        [2**at for at in _seen], trust, x="the context was seen so often, or up to twice", y="weight", log_x=True, marked=True,
        title=f"Order {order.value}: what each text says of the longer context",
    )  # fmt: skip
    return (trust,)


@app.cell
def _(trust):
    assert min(trust["the counted text"]) > 0.8, "who was there remembers everything"
    assert all(new < old for new, old in zip(trust["held-out text"], trust["the counted text"], strict=True))
    assert trust["held-out text"][-1] > trust["held-out text"][0], "contexts seen more deserve more"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Was it worth it?

    Train on the counted text and measure on the last tenth, which nobody has seen: among how many words does each model hesitate?
    """)
    return


@app.cell
def _(counted, held, size, test):
    perplexity = {
        name: fit(counted, 3, name, vocab_size=size, k=0.01, heldout=held).perplexity(test)
        for name in ("add_k", "jelinek_mercer", "modified_kneser_ney")
    }
    plots.value_bars({"order 3": perplexity}, y="perplexity", title="The last tenth of the manual")
    return (perplexity,)


@app.cell
def _(perplexity):
    assert perplexity["jelinek_mercer"] < 0.7 * perplexity["add_k"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Order 3: runs of three are trusted less than runs of two when the context was seen rarely, and the counted text still swears by them.
    - Begin the four words with $w = 0.01$: the steps climb to the same place. With one weight there is one hill.
    - `groundup train ngram --text FILE --smoothing jelinek_mercer --out model` does this with your own text. Kneser-Ney, which needs no held-out text,
      is in the lesson smoothing.
    """)
    return


if __name__ == "__main__":
    app.run()
