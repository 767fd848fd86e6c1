"""Lesson: named entities with a conditional random field."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Whose name is it? Labels that are chosen together", width="medium")

with app.setup:
    from itertools import product

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.hmm.hmm import posteriors
    from groundup.classical.structure.attributes import Window
    from groundup.classical.structure.crf import (
        bio_rules,
        crf_gradient,
        crf_log_likelihood,
        decode,
        log_partition,
        score,
    )
    from groundup.classical.structure.ner import CRFConfig, train
    from groundup.evaluation.metrics.spans import bio_spans, span_f1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Whose name is it? Labels that are chosen together

    "She met Ada Lovelace in Rome": two names, one of a person, one of a place. A conditional random field finds them by
    what words look like, what stands beside them, and which label may follow which. Afterwards you can compute its
    probability and its gradient by hand, and you know what a score of F1 counts.
    """)
    return


@app.cell
def _():
    _patterns = [("she lives in {} now .", "LOC"), ("we asked {} about it .", "PER"), ("they flew to {} .", "LOC"),
                 ("{} said no .", "PER"), ("he works for {} .", "ORG")]  # fmt: skip
    _names = {
        "LOC": ["Rome", "Oslo", "New York", "Lima"],
        "PER": ["Ada", "Alan Turing", "Grace Hopper", "Kurt"],
        "ORG": ["IBM", "Bell Labs", "NASA", "Acme Corp"],
    }
    corpus = []
    for (_pattern, _type), _number in product(_patterns, range(4)):
        _name = _names[_type][_number].split()
        _before, _after = (part.split() for part in _pattern.split("{}"))
        _labels = [f"B-{_type}"] + [f"I-{_type}"] * (len(_name) - 1)
        corpus.append((_before + _name + _after, ["O"] * len(_before) + _labels + ["O"] * len(_after)))
    tagger = train(corpus, CRFConfig(l2=0.01, threads=1))
    _words = "we asked Emmy Noether about it ; she lives in Quito now .".split()
    mo.md(
        f"Learned from {len(corpus)} sentences. In *{' '.join(_words)}*, all names of which are new, it finds "
        + ", ".join(f"**{entity.text}** ({entity.type})" for entity in tagger.entities(_words))
        + "."
    )
    return corpus, tagger


@app.cell
def _(tagger):
    _found = tagger.entities("we asked Emmy Noether about it ; she lives in Quito now .".split())
    assert [(entity.text, entity.type) for entity in _found] == [("Emmy Noether", "PER"), ("Quito", "LOC")]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two words by hand

    Each word has a score for each label, each step from label to label has one too. A labelling is worth their sum, and its
    probability is its share in the sum over all labellings, $Z$:

    $$\log P(y \mid x) = \sum_t s_t(y_t) + \sum_t A_{y_{t-1} y_t} - \log Z$$

    With two labels and two words there are four labellings. The step from A to B is worth $\log 2$, B at the first word
    $\log 3$, everything else $\log 1$.
    """)
    return


@app.cell
def _():
    steps, scores = np.log([[1.0, 2.0], [1.0, 1.0]]), np.log([[1.0, 3.0], [1.0, 1.0]])
    worth = {"".join("AB"[i] for i in way): np.exp(score(steps, scores, way)) for way in product(range(2), repeat=2)}
    plots.value_bars({"exp(score)": worth}, y="exp(score)", title="Four labellings; together 9, which is Z")
    return scores, steps, worth


@app.cell
def _(scores, steps, worth):
    assert np.isclose(sum(worth.values()), 9) and np.isclose(np.exp(log_partition(steps, scores)), 9)
    assert np.isclose(np.exp(crf_log_likelihood(steps, scores, [0, 1])), 2 / 9)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    $Z$ of a long sentence is the forward algorithm of hidden Markov models, the best labelling is Viterbi's: neither of
    them asked for probabilities. What training needs is the gradient, and it can be said aloud: **what is there, minus what
    is expected**.
    """)
    return


@app.cell
def _(scores, steps):
    _expected = posteriors(np.zeros(2), steps, scores)
    by_steps, by_scores = crf_gradient(steps, scores, [0, 1])
    assert np.allclose(by_scores, np.eye(2) - _expected.states)
    _moved = steps.copy()
    _moved[0, 1] += 1e-6
    _slope = (crf_log_likelihood(_moved, scores, [0, 1]) - crf_log_likelihood(steps, scores, [0, 1])) / 1e-6
    assert np.isclose(by_steps[0, 1], _slope, atol=1e-5) and np.isclose(_slope, 7 / 9, atol=1e-5)
    mo.md(
        f"The labelling AB takes the step from A to B once; the model expects it {_expected.steps[0][0, 1]:.3f} times. The "
        f"gradient is {by_steps[0, 1]:.3f}, and moving that weight by a millionth says {_slope:.3f}."
    )
    return by_scores, by_steps


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is said of a word

    A hidden Markov model has to explain the word; here the word is given, and anything may be said of it and of its
    neighbours. Every attribute has a weight for every label that it was seen with. These are the ones of *Rome*:
    """)
    return


@app.cell
def _():
    attributes = Window()("lives in Rome".split())[2]
    mo.md("  ".join(f"`{name}`" for name in attributes))
    return (attributes,)


@app.cell
def _(attributes):
    assert "lower=rome" in attributes and "-1 lower=in" in attributes and "+1 </s>" in attributes
    return


@app.cell
def _():
    label = mo.ui.dropdown(["B-LOC", "B-PER", "B-ORG", "I-PER", "O"], value="B-LOC", label="label")
    label
    return (label,)


@app.cell
def _(label, tagger):
    strongest = tagger.strongest(label.value, 10)
    plots.value_bars({"weight": dict(strongest)}, y="weight", title=f"What speaks most for {label.value}")
    return (strongest,)


@app.cell
def _(label, strongest):
    assert all(weight > 0 for _, weight in strongest)
    assert label.value != "B-LOC" or any(name in ("-1 lower=in", "-1 lower=to") for name, _ in strongest)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which label may follow which

    The steps have weights too, learned from the data. I-PER goes on with a person that B-PER began; after O it makes no
    sense. The rules of BIO can be added when the best labelling is looked for: what is forbidden costs 10 to the 30.
    """)
    return


@app.cell
def _(tagger):
    plots.heat_map(
        tagger.transition, rows=tagger.labels, columns=tagger.labels, x="next label", y="label", text=True,
        title="The weight of each step: blue is encouraged",
    )  # fmt: skip
    return


@app.cell
def _(tagger):
    _at = {name: number for number, name in enumerate(tagger.labels)}
    assert tagger.transition[_at["B-PER"], _at["I-PER"]] > 0 > tagger.transition[_at["O"], _at["I-PER"]]
    _start, _rules = bio_rules(["O", "B-X", "I-X"])
    _scores = np.array([[0.0, 0.2, 1.0], [0.0, 0.0, 1.0]])
    free, ruled = decode(np.zeros((3, 3)), _scores), decode(_rules, _scores, _start)
    assert free == [2, 2] and ruled == [1, 2]
    return free, ruled


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What F1 counts

    A name counts only when its first word, its last word and its type are right. Precision is the share of found names that
    are right, recall that of the names there are which were found, F1 their harmonic mean. Most words are O, so the share of
    right labels would flatter everyone:
    """)
    return


@app.cell
def _():
    mistake = mo.ui.radio(
        ["none", "too short", "another type", "not found"], value="too short", label="the tagger's mistake"
    )
    mistake
    return (mistake,)


@app.cell
def _(mistake):
    gold = "O O B-PER I-PER O B-LOC O O O O".split()
    _wrong = {
        "none": gold,
        "too short": "O O B-PER O O B-LOC O O O O".split(),
        "another type": "O O B-PER I-PER O B-ORG O O O O".split(),
        "not found": "O O B-PER I-PER O O O O O O".split(),
    }
    predicted = _wrong[mistake.value]
    found = span_f1([gold], [predicted])["all"]
    right = float(np.mean([a == b for a, b in zip(gold, predicted, strict=True)]))
    plots.value_bars(
        {"score": {"labels right": right, "precision": found.precision, "recall": found.recall, "F1": found.f1}},
        y="share", title=f"{mistake.value}: {[tuple(span) for span in bio_spans(predicted)]}",
    )  # fmt: skip
    return found, gold, predicted, right


@app.cell
def _(found, mistake, right):
    assert right >= 0.9
    _expected = {"none": 1.0, "too short": 0.5, "another type": 0.5, "not found": 2 / 3}
    assert np.isclose(found.f1, _expected[mistake.value])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose I-PER: what speaks for it stands to its left.
    - Write a function of your own, words -> attributes of each, and train with `features=`: is the shape alone enough?
    - Train with `CRFConfig(l1=0.1)`: most weights become exactly zero, and the names are still found.

    Write it yourself: `groundup learn start crf_log_likelihood`, then `crf_gradient`
    """)
    return


if __name__ == "__main__":
    app.run()
