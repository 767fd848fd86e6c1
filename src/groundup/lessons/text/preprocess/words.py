"""Lesson: cutting text into words, numbers, addresses and signs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Words: what a space does not say", width="medium")

with app.setup:
    import re

    import marimo as mo

    from groundup import plots
    from groundup.text.preprocess.sentences import boundary_scores
    from groundup.text.preprocess.words import KINDS, kinds, split_words, word_spans


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Words: what a space does not say

    Word vectors, search and old language models all begin with words. Where one ends, no rule of spaces tells.
    Afterwards you know the kinds of token that
    break simple rules, and how a split is scored.
    """)
    return


@app.cell
def _():
    text = "Don't pay $3.50 (or 1,200!) to @ann at http://a.b/c, Dr. Li :-)"
    mo.md(
        f"“{text}” has {len(text.split())} parts between spaces and **{len(split_words(text))}** tokens: "
        + " ".join(f"`{word}`" for word in split_words(text))
    )
    return (text,)


@app.cell
def _(text):
    assert (
        split_words(text)[:3] == ["Do", "n't", "pay"]
        and "http://a.b/c" in split_words(text)
        and "Dr." in split_words(text)
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two simple rules, both wrong

    Splitting at spaces leaves signs on words, so `dog` and `dog.` are two. Cutting out every run of letters breaks
    numbers, addresses and contractions.
    """)
    return


@app.cell
def _(text):
    letters = re.findall(r"\w+|[^\w\s]", text)
    mo.md(
        "At spaces: "
        + " ".join(f"`{one}`" for one in text.split())
        + "\n\nRuns of letters: "
        + " ".join(f"`{one}`" for one in letters)
    )
    return (letters,)


@app.cell
def _(letters, text):
    assert "3.50" not in letters and "Don't" in text.split() and "(or" in text.split()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Kinds

    Each kind of token has a pattern, and the first that fits at a place is taken. Choose a text and see which kinds it
    holds.
    """)
    return


@app.cell
def _():
    sample = mo.ui.dropdown(
        [
            "See https://a.b/c?d=e#f at 10:30!",
            "#fun with @ann_b :-) <3",
            "The U.S. team, e.g. Dr. Li",
            "15-year-olds didn't",
            "👨‍👩‍👧🇩🇪 ok",
            "猫は窓の外",
        ],
        value="#fun with @ann_b :-) <3",
        label="text",
    )
    sample
    return (sample,)


@app.cell
def _(sample):
    found = kinds(sample.value)
    _counted = {kind: sum(other == kind for _, other in found) for kind in KINDS}
    plots.value_bars({"tokens": _counted}, y="tokens", title=" | ".join(token for token, _ in found))
    return (found,)


@app.cell
def _(found, sample):
    assert "".join(token for token, _ in found) == "".join(sample.value.split()), "nothing is lost but spaces"
    assert {kind for _, kind in found} <= set(KINDS)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Contractions

    Treebanks write `don't` as two words, do and n't: a negation is a word of its own in every other sentence as well.
    The apostrophe may be straight or curly.
    """)
    return


@app.cell
def _():
    contracted = {word: split_words(word) for word in ("don't", "she’ll", "cannot", "o'clock", "gonna", "we've")}
    mo.md("\n".join(f"- `{word}`: {' '.join(f'`{part}`' for part in parts)}" for word, parts in contracted.items()))
    return (contracted,)


@app.cell
def _(contracted):
    assert contracted["cannot"] == ["can", "not"] and contracted["o'clock"] == ["o'clock"]
    assert all("".join(parts) == word for word, parts in contracted.items())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A score

    A token counts as right when it begins and ends where people said. On the test part of the English Web Treebank
    (25,094 tokens): splitting at spaces has F1 0.790, runs of
    letters 0.909, the kinds 0.979. Here are three sentences with their answers.
    """)
    return


@app.cell
def _():
    gold = [
        "I|can|not|pay|$|3.50|,|Dr.|Li|!".split("|"),
        "See|http://a.b/c|,|please|.".split("|"),
        "She|did|n't|,|e.g.|on|3/4|...".split("|"),
    ]
    _texts = ["I cannot pay $3.50, Dr. Li!", "See http://a.b/c, please.", "She didn't, e.g. on 3/4..."]
    _ways = {
        "spaces": str.split,
        "runs of letters": lambda text: re.findall(r"\w+|[^\w\s]", text),
        "kinds": split_words,
    }
    scores = {}
    for _name, _way in _ways.items():
        _found = [(n, span) for n, text in enumerate(_texts) for span in word_spans(text, _way(text))]
        _right = [(n, span) for n, text in enumerate(_texts) for span in word_spans(text, gold[n])]
        scores = {**scores, _name: boundary_scores(_found, _right)}
    plots.value_bars(scores, y="score", title="Tokens found")
    return gold, scores


@app.cell
def _(gold, scores):
    assert scores["kinds"]["f1"] == 1.0 > scores["runs of letters"]["f1"] and scores["spaces"]["f1"] < 0.6
    assert sum(map(len, gold)) == 23
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose the Japanese sentence: its characters are one token each, since finding words without spaces needs a
      dictionary.
    - Put a tweet of yours into `kinds`.
    - A language model needs none of this: `byte_level` learns its pieces from counts. When is a list of words still
      wanted?
    """)
    return


if __name__ == "__main__":
    app.run()
