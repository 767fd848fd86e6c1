"""Lesson: text of benchmarks in training data: what it does to a score, and how the runs of words find it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Decontamination: a test that was read before", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.decontaminate import Benchmarks, Row, shared_run_reference, words_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Decontamination: a test that was read before

    A benchmark is a text like others, and stands on the web like others. A model that has read it remembers, and its score says nothing. Afterwards you can
    find such text, and say why thirteen words in a row are asked for and not three.
    """)
    return


@app.cell
def _():
    draw = np.random.default_rng(0)
    questions = [
        "A farmer has seventeen sheep and all but nine of them run away in the night so how many are left",
        "Which of the nine rivers of the northern valley is the longest one that flows into the lake",
        "What is the capital of France",
    ]
    benchmarks = Benchmarks([Row("quiz", f"row {number}", text) for number, text in enumerate(questions, 1)])
    page = "Today we solve an old one: " + questions[0].upper() + "? Nine, of course!"
    match = benchmarks.find(page)
    mo.md(
        f"The page holds **{len(match.words.split())}** words in a row of {match.benchmark}, {match.where}:\n\n> {match.words}"
    )
    return benchmarks, draw, match, page, questions


@app.cell
def _(benchmarks, match, page):
    assert match.where == "row 1" and len(match.words.split()) == 13, "capital letters and marks make no difference"
    assert benchmarks.find(page.replace("SHEEP", "goats").replace("NINE", "ten")) is None, (
        "changed words are another question"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    Words are compared in lower case and without marks. Every run of `ngram` words of the row goes into a set; the document is read once, and
    each of its runs is looked up.
    """)
    return


@app.cell
def _():
    document = "so she sat on the mat again and slept".split()
    row = "the cat sat on the mat".split()
    runs = [" ".join(row[at : at + 4]) for at in range(3)]
    place = shared_run_reference(document, row, ngram=4, least=4)
    mo.md(
        f"Runs of four: *{'*, *'.join(runs)}*. The first that the document shares begins at word **{place}**: *{' '.join(document[place : place + 4])}*."
    )
    return document, place, row, runs


@app.cell
def _(document, place, row):
    assert place == 2
    assert shared_run_reference(document, row, ngram=5, least=4) == -1, "five in a row are not shared"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many words?

    With few, honest texts are hit: *what is the capital of* stands everywhere. With many, a copy with one changed word slips through. Below, 60
    documents of a small language that have nothing to do with the benchmark, and 60 that hold a row of it with some words exchanged.
    """)
    return


@app.cell
def _():
    exchanged = mo.ui.slider(0, 6, value=2, label="words of a copy that were exchanged", show_value=True)
    exchanged
    return (exchanged,)


@app.cell
def _(exchanged):
    def _texts(count, source):
        chance = 1 / np.arange(1, 61)
        return [[f"w{one}" for one in source.choice(60, 40, p=chance / chance.sum())] for _ in range(count)]

    _source = np.random.default_rng(1)
    _rows, _honest, _copies = _texts(30, _source), _texts(60, _source), []
    for _number, _around in enumerate(_texts(60, _source)):
        _copy = list(_rows[_number % 30])
        for _at in _source.choice(40, exchanged.value, replace=False):
            _copy[_at] = "other"
        _copies.append(_around[:10] + _copy + _around[10:20])
    lengths = [2, 3, 4, 6, 8, 10, 13, 16, 20, 26]

    def _found(documents, ngram):
        def _hit(document):
            return any(shared_run_reference(document, row, ngram, 1) >= 0 for row in _rows)

        return float(np.mean([_hit(document) for document in documents]))

    found = np.array([_found(_copies, ngram) for ngram in lengths])
    wrong = np.array([_found(_honest, ngram) for ngram in lengths])
    plots.lines(
        lengths,
        {"copies found": found, "honest texts hit": wrong},
        x="words in a row",
        y="part",
        marked=True,
        title=f"{exchanged.value} words exchanged: at 13, {found[6]:.0%} of the copies and {wrong[6]:.0%} of the honest texts",
    )
    return found, lengths, wrong


@app.cell
def _(exchanged, found, lengths, wrong):
    at_13 = lengths.index(13)
    assert wrong[0] > 0.9 and wrong[at_13] == 0
    assert found[lengths.index(8)] >= found[at_13] >= found[-1]
    assert exchanged.value > 0 or found.min() == 1, "a whole copy is found by any length"
    return (at_13,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two words in a row hit every honest text. The right end loses copies with a few exchanged words: one of forty cuts the longest run to twenty
    or more, six leave runs of about a dozen. Thirteen is where GPT-3's authors stopped (Brown et al. 2020, appendix C).

    ## Short rows

    Many rows of benchmarks are shorter than thirteen words. Then the whole row is the run. But *What is the capital of France* stands in every
    second text about France, so a row of fewer than eight words says nothing and is counted as such.
    """)
    return


@app.cell
def _(benchmarks):
    harmless = benchmarks.find("What is the capital of France? Paris, as every child knows.")
    mo.md(
        f"Rows: {len(benchmarks.rows)} are looked for, **{benchmarks.too_short}** is too short. The text about Paris: {harmless}."
    )
    return (harmless,)


@app.cell
def _(benchmarks, harmless):
    assert harmless is None and benchmarks.too_short == 1 and len(benchmarks.rows) == 2
    assert words_of("A Farmer's, 17!") == [b"a", b"farmer", b"s", b"17"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Translate a question, or write it in other words. What finds that?
    - Exchange six words. At which length are half of the copies still found, and how many honest texts does it hit?
    - Is it right to drop a whole book for thirteen words of it? What else could one do?

    Write it yourself: `groundup learn start shared_run_reference`
    """)
    return


if __name__ == "__main__":
    app.run()
