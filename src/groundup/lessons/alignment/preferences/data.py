"""Lesson: preference pairs, how far two honest judges agree, and where a pair is cut into prompt and answer."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Which of two answers is better", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.alignment.preferences.agreement import agreement, cohens_kappa, fleiss_kappa, in_words
    from groundup.alignment.preferences.data import bayes_limit, drawn, to_pair
    from groundup.errors import InputError
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Which of two answers is better

    A model is aligned by pairs: two answers to one question, of which somebody preferred one. Afterwards you can read the shapes in which such pairs come, say
    how much two judges agree beyond what they would by chance, and cut a pair into prompt and answer without a mistake that no error message shows.
    """)
    return


@app.cell
def _():
    pairs = list(drawn(5, 1000))
    chances = np.array([pair.probability for pair in pairs])  # that of the order in which the pair stands

    def judged(seed: int, care: float = 1.0) -> np.ndarray:
        """What a judge prefers: True for the answer that stands first. care: 0 is a coin, 1 the written taste's own model, large is always the better."""
        odds = np.log(chances / (1 - chances)) * care
        return np.random.default_rng(seed).random(len(odds)) < 1 / (1 + np.exp(-odds))

    both = agreement(judged(1).tolist(), judged(2).tolist())
    mo.md(
        f"Two judges of the same taste read 1,000 pairs of tinyworld. They agree on **{both:.0%}**. Neither is careless: where one answer is better by little, "
        "each prefers it by little, and chance decides."
    )
    return both, chances, judged, pairs


@app.cell
def _(both, chances, pairs):
    _expected = float((chances**2 + (1 - chances) ** 2).mean())
    assert abs(both - _expected) < 0.05
    mo.md(
        f"Expected were {_expected:.1%}. Who knows the taste by heart orders {bayes_limit(pairs):.1%} as they stand: no judge of these pairs can do better."
    )
    return


@app.cell
def _(chances):
    plots.histogram(
        {"pairs": np.maximum(chances, 1 - chances)},
        bins=25,
        x="chance of the better answer",
        y="share of the pairs",
        title="many pairs are clear, and some are a coin",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Agreement by chance

    Judges have habits. Two who both prefer the answer shown first in nine cases of ten, and read neither, agree on $0.9^2 + 0.1^2 = 82\,\%$. So agreement is
    compared with what habits alone give:

    $$\kappa = \frac{o - e}{1 - e}$$

    $o$ is the share judged alike, $e$ the share if each threw a coin with its own habit. Choose how often these two, who read nothing, take the first.
    """)
    return


@app.cell
def _():
    habit = mo.ui.slider(0.5, 0.95, step=0.05, value=0.9, label="how often the first is taken", show_value=True)
    habit
    return (habit,)


@app.cell
def _(habit):
    _first, _second = np.random.default_rng(3).random((2, 20_000)) < habit.value
    blind = {
        "agreement": agreement(_first.tolist(), _second.tolist()),
        "kappa": cohens_kappa(_first.tolist(), _second.tolist()),
    }
    plots.value_bars(
        {"two who read nothing": blind},
        title=f"judged alike: {blind['agreement']:.0%}, beyond chance: {blind['kappa']:.2f}",
    )
    return (blind,)


@app.cell
def _(blind, habit):
    assert abs(blind["agreement"] - (habit.value**2 + (1 - habit.value) ** 2)) < 0.02
    assert abs(blind["kappa"]) < 0.03
    mo.md("Agreement grows with the habit. Kappa stays at zero: there is nothing that they saw alike.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Care

    Now two who do read. With care 0 they throw coins, with 1 they follow the taste's own probabilities, with more they take the better answer nearly always.
    """)
    return


@app.cell
def _(judged):
    cares = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0]
    kappas = [cohens_kappa(judged(1, care).tolist(), judged(2, care).tolist()) for care in cares]
    _shares = [agreement(judged(1, care).tolist(), judged(2, care).tolist()) for care in cares]
    plots.lines(
        cares,
        {"agreement": _shares, "Cohen's kappa": kappas},
        x="care",
        y="",
        marked=True,
        title="two judges of one taste",
    )
    return cares, kappas


@app.cell
def _(cares, judged, kappas):
    _three = list(zip(*(judged(seed).tolist() for seed in (1, 2, 3)), strict=True))
    _fleiss = fleiss_kappa(_three)
    assert abs(kappas[0]) < 0.1 and kappas[-1] > kappas[3] > kappas[1]
    assert abs(_fleiss - kappas[cares.index(1.0)]) < 0.1, "three judges of one kind agree as two do"
    mo.md(
        f"With care 1 kappa is {kappas[3]:.2f}, which Landis and Koch call {in_words(kappas[3])}; with three judges Fleiss' kappa is **{_fleiss:.2f}**."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many shapes, one pair

    Data sets write the same thing in different words. One reader takes them all; what prefers nothing is refused, so that it can be counted and left out.
    """)
    return


@app.cell
def _():
    _user, _good, _bad = (
        {"role": role, "content": text} for role, text in (("user", "Why?"), ("assistant", "So."), ("assistant", "No."))
    )
    _records = [
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"instruction": "Why?", "chosen": "So.", "rejected": "No."},
        {"chosen": [_user, _good], "rejected": [_user, _bad]},
        {"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
    ]
    _made = [to_pair(record) for record in _records]
    assert all(one == _made[0] for one in _made) and _made[0].chosen == "So."
    try:
        refused = str(to_pair({"prompt": "Why?", "chosen": "So.", "rejected": "So."}))
    except InputError as error:
        refused = str(error)
    assert "prefers nothing" in refused
    mo.md(f"{len(_records)} records, one pair. And for twice the same answer: *{refused}*")
    return (refused,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the answer begins

    Only the answer's tokens are to be learned from. Tempting: encode prompt and answer together, and skip as many ids as the prompt alone has. But the last
    letters of a prompt and the first of an answer can be *one* token. Here is a tokenizer that knows `foobar`, and the prompt ends with `foo`.
    """)
    return


@app.cell
def _():
    _tokenizer = train_tokenizer(["foobar foo bar baz foobar " * 30], TokenizerConfig(vocab_size=269))
    _prompt, _answers = "say foo", ("bar", "baz")
    apart = {answer: _tokenizer.encode(_prompt) + _tokenizer.encode(answer) for answer in _answers}
    together = {answer: _tokenizer.encode(_prompt + answer) for answer in _answers}
    _skipped = len(_tokenizer.encode(_prompt))
    learned = {answer: _tokenizer.decode(ids[_skipped:]) for answer, ids in together.items()}
    right = {answer: _tokenizer.decode(ids[_skipped:]) for answer, ids in apart.items()}
    assert right == {"bar": "bar", "baz": "baz"} and learned["bar"] != "bar"
    mo.md(
        f"Encoded together, of the answer `bar` is learned: `{learned['bar']}`. Of `baz`: `{learned['baz']}`. "
        "The two answers are not treated alike, and nothing says so. "
        f"Encoded apart and joined: `{right['bar']}` and `{right['baz']}`, with {len(apart['bar'])} and {len(apart['baz'])} ids in all."
    )
    return apart, learned, right, together


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A habit of 0.5: agreement is a half, and kappa is what it was.
    - Real judges: the authors of HH-RLHF agreed with their crowd on 63 % of the pairs.
    - Align a model of yours with pairs: `groundup align MODEL --method dpo`; records that prefer nothing are counted and said.

    Write it yourself: `groundup learn start cohens_kappa`
    """)
    return


if __name__ == "__main__":
    app.run()
