"""Lesson: the linear-chain conditional random field: one sum over all labellings, and what follows from it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One denominator for the whole sentence", width="medium")

with app.setup:
    from itertools import product

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.hmm.hmm import posteriors
    from groundup.classical.structure.crf import (
        NEVER,
        crf_gradient,
        crf_log_likelihood,
        decode,
        log_partition,
        score,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One denominator for the whole sentence

    A classifier of single words divides by one sum a word. A conditional random field divides once, by the sum over every labelling that the sentence
    could have. Afterwards you can compute that sum, say what it protects from, and climb its gradient.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    _transition, _scores = _generator.normal(size=(9, 9)), _generator.normal(size=(30, 9))
    whole = log_partition(_transition, _scores)
    mo.md(
        f"Thirty words with nine labels have 9^30, about **{9.0**30:.0e}** labellings. The logarithm of the sum over all of them is "
        f"{whole:.2f}; it took 30 steps of 81 sums."
    )
    return (whole,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The sum, twice

    A labelling is worth its words' scores and its steps':

    $$s(y) = \sum_t s_t(y_t) + \sum_t A_{y_{t-1} y_t} \qquad P(y \mid x) = \frac{e^{s(y)}}{Z} \qquad Z = \sum_{y'} e^{s(y')}$$

    Labellings that begin alike share their beginning, so the sum over those that end in a label needs only the sums one word
    earlier. That is the forward algorithm, and nothing in it asked for probabilities. Three words and two labels can be
    counted out.
    """)
    return


@app.cell
def _():
    steps = np.array([[0.0, 1.0], [0.5, 0.0]])
    scores = np.array([[1.0, 0.0], [0.0, 0.3], [0.2, 1.0]])
    ways = list(product(range(2), repeat=3))
    shares = {
        "".join("AB"[label] for label in way): float(np.exp(crf_log_likelihood(steps, scores, way))) for way in ways
    }
    plots.value_bars({"P": shares}, y="P(labelling)", title="Eight labellings of three words share one")
    return scores, shares, steps, ways


@app.cell
def _(scores, shares, steps, ways, whole):
    _counted = np.log(sum(np.exp(score(steps, scores, way)) for way in ways))
    assert np.isclose(_counted, log_partition(steps, scores)) and np.isclose(sum(shares.values()), 1)
    assert whole > 30 * np.log(9), "scores of mean 0 add to the sum, since exp is bent"
    mo.md(f"Counted out, log Z is {_counted:.6f}; by the forward algorithm {log_partition(steps, scores):.6f}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What happens with one denominator a step

    A reader of the words *rib* and *rob* goes r1, i, b or r2, o, b. *Rob* was more frequent, so at the first letter r2 is worth half a point more. The second
    letter decides, one would think. But a model that normalises **each step** must give all its probability from r1 to the only way on,
    whatever letter it sees: it pays nothing for an o, and earns nothing for an i. This is the **label bias**. With one denominator for
    the whole word the second letter counts. How much is the letter i worth to the label i?
    """)
    return


@app.cell
def _():
    letter = mo.ui.slider(0, 4, step=0.5, value=2, label="worth of the second letter", show_value=True)
    letter
    return (letter,)


@app.cell
def _(letter):
    _names = ["r1", "i", "r2", "o", "b"]
    _may = np.full((5, 5), NEVER)
    for _from, _to in [(0, 1), (1, 4), (2, 3), (3, 4)]:
        _may[_from, _to] = 0.0
    _seen = np.full((3, 5), NEVER)
    _seen[0, [0, 2]] = 0.0, 0.5
    _seen[1, [1, 3]] = letter.value, 0.0
    _seen[2, 4] = 0.0
    _ways = {"r1 i b": [0, 1, 4], "r2 o b": [2, 3, 4]}

    def _stepwise(way):
        chance, before = 1.0, np.zeros(5)
        for t, label in enumerate(way):
            row = before + np.where(_seen[t] > NEVER, _seen[t], 0.0 if t else NEVER)
            chance *= np.exp(row[label]) / np.exp(row).sum()
            before = _may[label]
        return float(chance)

    one_a_step = {name: _stepwise(way) for name, way in _ways.items()}
    one_a_word = {name: float(np.exp(crf_log_likelihood(_may, _seen, way))) for name, way in _ways.items()}
    plots.value_bars(
        {"one denominator a step": one_a_step, "one for the word": one_a_word}, y="P(labelling)",
        title=f"The letters r, i, b; the i is worth {letter.value}",
    )  # fmt: skip
    return one_a_step, one_a_word


@app.cell
def _(letter, one_a_step, one_a_word):
    assert np.isclose(one_a_step["r1 i b"], 1 / (1 + np.exp(0.5))), "the same, whatever the second letter is worth"
    assert np.isclose(one_a_word["r1 i b"], 1 / (1 + np.exp(0.5 - letter.value)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The best labelling is not the best labels

    Two words. Labelling BA is worth 3, BB 3, AA nothing, and AB what you choose. Which label is likelier at the first word?
    Which labelling is the likeliest?
    """)
    return


@app.cell
def _():
    worth = mo.ui.slider(2, 8, value=5, label="worth of AB", show_value=True)
    worth
    return (worth,)


@app.cell
def _(worth):
    _table = np.log([[1e-12, worth.value], [3.0, 3.0]])
    marginals = posteriors(np.zeros(2), _table, np.zeros((2, 2))).states
    best = "".join("AB"[label] for label in decode(_table, np.zeros((2, 2))))
    each = "".join("AB"[label] for label in marginals.argmax(1))
    plots.value_bars(
        {"first word": dict(zip("AB", marginals[0].tolist(), strict=True)),
         "second word": dict(zip("AB", marginals[1].tolist(), strict=True))},
        y="P(label)", title=f"The likeliest labelling is {best}; word for word one would say {each}",
    )  # fmt: skip
    return best, each, marginals


@app.cell
def _(best, each, marginals, worth):
    assert np.isclose(marginals[0, 0], worth.value / (worth.value + 6))
    assert worth.value == 3 or (best == ("AB" if worth.value > 3 else best) and best != "AA")
    assert worth.value not in (4, 5) or (best, each) == ("AB", "BB")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is there, minus what is expected

    The gradient of $\log P$ by a step's weight is how often the labelling takes that step, minus how often the model expects it. By the score of a
    label at a word it is 1 or 0, minus the label's probability there. Four sentences, a table of weights for words and one
    for steps, and a hundred steps uphill:
    """)
    return


@app.cell
def _():
    _texts = "they/P can/A fish/V|they/P fish/V|we/P can/V fish/N|we/P can/A can/V fish/N"
    pairs = [[word.split("/") for word in text.split()] for text in _texts.split("|")]
    tags = ["P", "A", "V", "N"]
    words = sorted({word for sentence in pairs for word, _ in sentence})
    _table, _steps = np.zeros((len(words), 4)), np.zeros((4, 4))
    climbed = []
    for _ in range(100):
        _total, _by_table, _by_steps = 0.0, np.zeros_like(_table), np.zeros_like(_steps)
        for _sentence in pairs:
            _at = [words.index(word) for word, _ in _sentence]
            _labels = [tags.index(tag) for _, tag in _sentence]
            _total += crf_log_likelihood(_steps, _table[_at], _labels)
            _of_steps, _of_words = crf_gradient(_steps, _table[_at], _labels)
            _by_steps = _by_steps + _of_steps
            _by_table = _by_table + np.stack(
                [_of_words[np.array(_at) == number].sum(0) for number in range(len(words))]
            )
        climbed.append(_total)
        _table, _steps = _table + 0.3 * _by_table, _steps + 0.3 * _by_steps
    weights = _table, _steps
    plots.lines(
        list(range(100)), {"log P of the four": climbed}, x="step uphill", y="nats", title="One hill: no step lowers it"
    )
    return climbed, pairs, tags, weights, words


@app.cell
def _(climbed, pairs, tags, weights, words):
    assert np.all(np.diff(climbed) > 0) and np.isclose(climbed[0], -sum(map(len, pairs)) * np.log(4))
    _found = [
        "".join(tags[label] for label in decode(weights[1], weights[0][[words.index(word) for word, _ in sentence]]))
        for sentence in pairs
    ]
    assert _found[1] == "PV" and _found[3] == "PAVN", "two words can in a row: the steps tell them apart"
    mo.md(f"It now tags *we can can fish* as **{' '.join(_found[3])}**: the same word twice, with two labels.")
    return


@app.cell
def _(tags, weights):
    plots.heat_map(
        weights[1], rows=tags, columns=tags, x="next label", y="label", text=True,
        title="The steps' weights: pronoun, auxiliary, verb, noun",
    )  # fmt: skip
    return


@app.cell
def _(scores, steps):
    _slope = crf_gradient(steps, scores, [0, 1, 1])[0]
    _tried = np.zeros((2, 2))
    for _i, _j in product(range(2), repeat=2):
        _moved = np.eye(2)[_i][:, None] * np.eye(2)[_j] * 1e-6
        _up, _down = (crf_log_likelihood(steps + sign * _moved, scores, [0, 1, 1]) for sign in (1, -1))
        _tried = _tried + _moved / 1e-6 * (_up - _down) / 2e-6
    assert np.allclose(_slope, _tried, atol=1e-6) and np.isclose(_slope.sum(), 0), "two steps there, two expected"
    mo.md(f"Moving each weight by a millionth says the same to {np.abs(_slope - _tried).max():.0e}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Worth of the second letter 0: with nothing to see, both models say the same. At 4 the reader of whole words is nearly sure of *rib*,
      the other still bets on *rob*.
    - Worth of AB 4 or 5: word for word one would say BB, a labelling that is not the likeliest. Above 6 they agree.
    - The lesson ner puts features of words in place of the table, and L-BFGS in place of the steps uphill.

    Write it yourself: `groundup learn start crf_log_likelihood`, then `groundup learn start crf_gradient`
    """)
    return


if __name__ == "__main__":
    app.run()
