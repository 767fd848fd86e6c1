"""Lesson: naive Bayes: count what each class looks like and turn it round; right surprisingly often, and far too sure."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Naive Bayes: count, and turn it round", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.features import word_counts
    from groundup.foundations.learning.metrics.calibration import expected_calibration_error
    from groundup.foundations.learning.supervised.naive_bayes import gaussian_naive_bayes, naive_bayes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Naive Bayes: count, and turn it round

    Whoever knows what letters and advertisements look like can say which of the two a new page is. Afterwards you can do that by hand, with
    counts and Bayes' theorem alone, say what is naive about it, and why its certainty is not to be believed though its answers often are.
    """)
    return


@app.cell
def _():
    documents = [
        "win money now",
        "money money win",
        "meeting at noon",
        "noon lunch at meeting",
    ]
    labels = ["advert", "advert", "letter", "letter"]
    words, counts = word_counts([one.split() for one in documents])
    model = naive_bayes(counts, labels)

    def chance_of_advert(text):
        """How sure the model is that a text is an advertisement."""
        row = word_counts([text.split()], words)[1]
        return float(np.exp(model.log_posterior(row)[0, 0]))

    once, ten_times = chance_of_advert("now"), chance_of_advert("now " * 10)
    mo.md(
        f"Four texts were read. That the single word *now* is an advertisement is then {once:.0%} sure. Say the same word ten times, which "
        f"tells nobody anything new, and it is **{ten_times:.2%}** sure."
    )
    return chance_of_advert, counts, documents, labels, model, once, ten_times, words


@app.cell
def _(once, ten_times):
    assert once < 0.75
    assert ten_times > 0.995
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One word, by hand

    The adverts hold 6 words in all, *money* among them 3 times; the letters hold 7, and *money* never. There are 7 different words. To every
    count 1 is added, so that a word that a class never showed does not rule it out for ever:

    - $P(\text{money} \mid \text{advert}) = (3 + 1) / (6 + 7) = 4/13$
    - $P(\text{money} \mid \text{letter}) = (0 + 1) / (7 + 7) = 1/14$

    Half of the texts are adverts. Bayes' theorem turns it round: among texts that say *money*, adverts are to letters as 4/13 to 1/14, or
    4.3 to one. So it is an advert with 81%.
    """)
    return


@app.cell
def _(chance_of_advert, model, words):
    _money = words.index("money")
    assert len(words) == 7
    assert np.allclose(np.exp(model.log_likelihood[:, _money]), [4 / 13, 1 / 14])
    assert abs(chance_of_advert("money") - (4 / 13) / (4 / 13 + 1 / 14)) < 1e-12
    assert np.allclose(np.exp(model.log_likelihood).sum(axis=1), 1), "each class is a distribution over the words"
    plots.heat_map(
        np.exp(model.log_likelihood),
        rows=model.classes.tolist(),
        columns=words,
        text=True,
        title="How often each class says each word",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many words

    The naive part: inside a class the words are taken as independent, so their probabilities are multiplied. In logarithms each word adds its
    own say, for or against. A long text would otherwise be a product of so many small numbers that a computer calls it 0. Choose a message.
    """)
    return


@app.cell
def _():
    message = mo.ui.dropdown(
        ["win money at noon", "lunch at noon", "money now", "meeting now", "win win win", "at at at money"],
        value="win money at noon", label="message",
    )  # fmt: skip
    message
    return (message,)


@app.cell
def _(message, model, words):
    for_advert = model.log_likelihood[0] - model.log_likelihood[1]
    said = message.value.split()
    plots.value_bars(
        {"says": {f"{n}. {word}": float(for_advert[words.index(word)]) for n, word in enumerate(said, 1)}},
        y="for an advert, in nats", title=message.value,
    )  # fmt: skip
    return for_advert, said


@app.cell
def _(chance_of_advert, for_advert, message, said, words):
    _sum = sum(for_advert[words.index(word)] for word in said)
    chance = chance_of_advert(message.value)
    assert abs(math.log(chance / (1 - chance)) - _sum) < 1e-9, "the log of the odds is the sum of what the words say"
    assert abs(chance_of_advert(" ".join(said[::-1])) - chance) < 1e-12, "their order says nothing"
    assert (1 / 14) ** 300 == 0, "a product over 300 words is gone"
    mo.md(f"The sum is {_sum:.2f} nats, so it is an advert with **{chance:.1%}**.")
    return (chance,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much to add?

    What is added to each count is a belief held before reading: all words are equally common. A little lets the counts speak, and a lot
    drowns them. Here are 400 made texts of 12 words, out of a vocabulary of 200 that two classes use a little differently, and 1,000 new ones.
    """)
    return


@app.cell
def _():
    def texts(count, seed):
        """Counts of 12 words each, and the class, of texts from two slightly different vocabularies."""
        habits = 0.35 * np.random.default_rng(0).gamma(0.5, size=(2, 200)) + np.random.default_rng(1).gamma(
            0.5, size=200
        )
        generator = np.random.default_rng(seed)
        kind = generator.integers(0, 2, count)
        rows = [generator.multinomial(12, habits[one] / habits[one].sum()) for one in kind]
        return np.array(rows, float), kind

    known, kinds = texts(400, 2)
    new, new_kinds = texts(1000, 3)
    added = [0.001, 0.01, 0.1, 1, 10, 100, 1000]
    right = [float((naive_bayes(known, kinds, one).predict(new) == new_kinds).mean()) for one in added]
    assert max(right) > right[0], "too little added: a rare word decides alone"
    assert max(right) > 0.75
    plots.lines(
        added,
        {"right on new texts": right},
        log_x=True,
        x="added to each count",
        y="share right",
        marked=True,
        title="Smoothing",
    )
    return added, kinds, known, new, new_kinds, right, texts


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Right, and too sure

    Real words come together: who says *San* says *Francisco*. The model counts both as news. To see what that does, hand it every word
    several times over. The answers hardly change, and the certainty runs away from them. (The **calibration error** says how far, on
    average, the certainty is from the share that is right; the lesson *calibration* makes it.)
    """)
    return


@app.cell
def _():
    copies = mo.ui.slider(1, 7, value=1, label="copies of every word", show_value=True)
    copies
    return (copies,)


@app.cell
def _(copies, kinds, known, new, new_kinds):
    def judged(times):
        """How often right, how sure, and the calibration error, with every column there `times` times."""
        fitted = naive_bayes(np.tile(known, times), kinds)
        sure = np.exp(fitted.log_posterior(np.tile(new, times))).max(axis=1)
        hits = fitted.predict(np.tile(new, times)) == new_kinds
        return float(hits.mean()), float(sure.mean()), expected_calibration_error(np.minimum(sure, 1), hits)

    share, sureness, error = judged(copies.value)
    assert abs(share - judged(1)[0]) < 0.02, "the same answers"
    assert sureness >= judged(1)[1]
    assert copies.value < 3 or error > judged(1)[2]
    plots.value_bars(
        {"share": {"right": share, "sure of it": sureness, "calibration error": error}},
        title=f"Copies: {copies.value}. Right {share:.0%}, sure {sureness:.0%}",
    )
    return error, judged, share, sureness


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Numbers instead of words

    For numbers each class gets a bell for each feature. Again the features are taken as independent, so a bell can be wide or narrow, and
    never tilted.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(5)
    _points = np.concatenate(
        [_generator.normal(size=(150, 2)) * [0.4, 1.2], _generator.normal(size=(150, 2)) * [1.2, 0.4] + [2, 1]]
    )
    _groups = np.repeat(["tall", "wide"], 150)
    bells = gaussian_naive_bayes(_points, _groups)
    assert np.allclose(bells.means[0], _points[:150].mean(axis=0))
    assert np.mean(bells.predict(_points) == _groups) > 0.9
    _across, _up = np.linspace(-2, 5, 50), np.linspace(-3, 4, 50)
    _grid = np.stack(np.meshgrid(_across, _up), axis=-1).reshape(-1, 2)
    plots.contour_map(
        _across, _up, np.exp(bells.log_posterior(_grid))[:, 1].reshape(50, 50),
        paths={"middles of the bells": bells.means}, title="How sure that it is of the wide class",
    )  # fmt: skip
    return (bells,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - *at at at money*: three small voices against one loud one. Which wins, and what if *money* comes twice?
    - 7 copies: nearly certain of everything, and wrong as often as before.
    - `naive_bayes(counts, labels, smoothing=0)` is refused: *lunch* would prove a letter for ever, whatever else is said.

    Write it yourself: `groundup learn start naive_bayes`
    """)
    return


if __name__ == "__main__":
    app.run()
