"""Lesson: what word vectors are worth: similarity beside people's judgement, analogies, and the word that does not belong."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Is king - man + woman really queen?", width="medium")

with app.setup:
    import re

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.embeddings.cooccurrence import CooccurrenceConfig, train_cooccurrence
    from groundup.classical.embeddings.evaluation.neighbours import purity
    from groundup.classical.embeddings.evaluation.scores import analogy, odd_one_out, ranks, score_similarity, spearman
    from groundup.classical.embeddings.vectors import WordVectors
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Is king - man + woman really queen?

    Vectors of words have no right answer of their own. They are asked three things: do they find alike what people find alike, does a
    difference carry over to other words, and are neighbours of one kind? Afterwards you can compute each score by hand,
    and say where the famous one flatters.
    """)
    return


@app.cell
def _():
    # columns: person, royal, female
    meaning = {
        "man": (3, 0, 0),
        "woman": (3, 0, 1),
        "king": (3, 2, 0),
        "queen": (3, 2, 1),
        "apple": (0, 0.5, 0.5),
        "crown": (0.5, 3, 0),
    }
    by_hand = WordVectors(list(meaning), np.array(list(meaning.values()), float))
    _target = (
        by_hand.unit[by_hand.index["woman"]] + by_hand.unit[by_hand.index["king"]] - by_hand.unit[by_hand.index["man"]]
    )
    closeness = {word: float(by_hand.unit[row] @ _target) for word, row in by_hand.index.items()}
    first = max(closeness, key=lambda word: closeness[word])
    mo.md(
        f"Six words with three numbers each, written by hand so that the step from man to woman is the step from king to queen. The sum scores "
        f"**{closeness['queen']:.3f}** for queen and {closeness['king']:.3f} for king itself; the highest is *{first}*."
    )
    return by_hand, closeness, first, meaning


@app.cell
def _(closeness):
    plots.value_bars(
        {"d.b + d.c - d.a": closeness}, y="score", title="Man is to woman as king is to ... the two highest are close"
    )
    return


@app.cell
def _(by_hand, closeness):
    assert closeness["queen"] - closeness["king"] < 0.2, "a word asked about is nearly as near"
    assert by_hand.words[analogy(by_hand.unit, 0, 1, 2)] == "queen"
    assert by_hand.words[analogy(by_hand.unit, 0, 1, 2, True)] == "queen", "3CosMul agrees"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rule that is seldom told

    The answer may not be one of the three words asked about. In vectors learned from text that rule does much of the work: without it the
    answer is mostly the third word itself, since `woman` and `man` are near each other and their difference is short. How long is the step? Move it.
    """)
    return


@app.cell
def _():
    step = mo.ui.slider(0.25, 3, step=0.25, value=1, label="length of the step from male to female", show_value=True)
    step
    return (step,)


@app.cell
def _(meaning, step):
    _table = np.array([(person, royal, female * step.value) for person, royal, female in meaning.values()])
    _unit = _table / np.linalg.norm(_table, axis=1, keepdims=True)
    of_each = dict(zip(meaning, (_unit @ (_unit[1] + _unit[2] - _unit[0])).tolist(), strict=True))
    answered = list(meaning)[analogy(_unit, 0, 1, 2)]
    plots.value_bars(
        {"score": of_each},
        y="d.b + d.c - d.a",
        title=f"Step {step.value}: king lies {of_each['queen'] - of_each['king']:.3f} below queen",
    )
    return answered, of_each


@app.cell
def _(answered, of_each, step):
    assert answered == "queen"
    assert (of_each["queen"] - of_each["king"] > 0.1) == (step.value >= 1.5), "only a long step needs no rule"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Similarity: only the order counts

    People gave pairs of words a number from 0 to 10; vectors give a cosine. The two scales have nothing in common, so
    each list is turned into ranks, and
    the ranks are correlated (Spearman). Equal values share the mean of their ranks.
    """)
    return


@app.cell
def _():
    people = np.array([9.0, 7.5, 7.5, 3.0, 1.0])
    cosines = np.array([0.81, 0.70, 0.75, 0.20, 0.35])
    agreement = spearman(people, cosines)
    mo.md(
        f"| | pair 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|\n| people | {' | '.join(map(str, people))} |\n"
        f"| rank | {' | '.join(f'{one:g}' for one in ranks(people))} |\n| cosine | {' | '.join(map(str, cosines))} |\n"
        f"| rank | {' | '.join(f'{one:g}' for one in ranks(cosines))} |\n\nThe ranks agree to **{agreement:.2f}**. Cubing every cosine changes nothing."
    )
    return agreement, cosines, people


@app.cell
def _(agreement, cosines, people):
    assert ranks(people).tolist() == [5, 3.5, 3.5, 2, 1]
    assert np.isclose(spearman(people, cosines**3), agreement) and 0.8 < agreement < 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Vectors from a text

    PPMI and SVD on the little stories. With planted kinds a score needs no people: pairs of one kind should be nearer than pairs of two kinds.
    """)
    return


@app.cell
def _():
    kinds = {
        "days": "monday tuesday wednesday thursday friday",
        "places": "garden kitchen park attic mill hall",
        "names": "tom lena ana ben leo rosa",
        "things": "ball cup hat hammer drum kite",
    }
    kind = {word: name for name, group in kinds.items() for word in group.split()}
    _texts = [document.text.lower() for document in tinyworld.sample(0, 600)]
    _sentences = [re.findall("[a-z]+", part) for text in _texts for part in re.split(r"[.?!\n]", text)]
    vectors = train_cooccurrence(_sentences, CooccurrenceConfig(hidden_size=30, min_count=4, threads=1))
    _pairs = [(a, b, float(kind[a] == kind[b])) for a in kind for b in kind if a < b]
    score = score_similarity(vectors, _pairs)
    odd = {
        words: odd_one_out(vectors, words.split())
        for words in ("monday friday garden tuesday", "tom ana drum ben", "hat cup kite lena")
    }
    pure = purity(np.array([vectors[word] for word in kind]), list(kind.values()), 3)
    mo.md(
        f"{score.pairs} pairs: Spearman **{score.spearman:.2f}** between cosine and *of one kind*. Purity of the three nearest: {pure:.0%}. "
        "What does not belong: " + "; ".join(f"{words} → *{found}*" for words, found in odd.items()) + "."
    )
    return kind, kinds, odd, pure, score, vectors


@app.cell
def _(odd, pure, score):
    assert list(odd.values()) == ["garden", "drum", "lena"]
    assert score.spearman > 0.5 and score.unknown == 0 and pure > 0.9
    return


@app.cell
def _(kind, vectors):
    similar = np.array([[vectors.similarity(a, b) for b in kind] for a in kind])
    plots.heat_map(
        similar,
        rows=list(kind),
        columns=list(kind),
        low=-0.2,
        high=1,
        title="Cosines: four blocks along the diagonal, one a kind",
    )
    return (similar,)


@app.cell
def _(kind, similar):
    _same = np.array([[kind[a] == kind[b] for b in kind] for a in kind])
    _other = ~np.eye(len(kind), dtype=bool)
    assert similar[_same & _other].mean() > similar[~_same].mean() + 0.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Put the step at 0.25: queen is still the answer, because king may not be. Take the rule away and see what is left.
    - Write a row of your own into `meaning`: `prince` (3, 1.5, 0), and ask for `princess`.
    - Ask `odd_one_out` for three words of three kinds: it always answers. A score that cannot say "none" flatters, too.

    Write it yourself: `groundup learn start analogy`
    """)
    return


if __name__ == "__main__":
    app.run()
