"""Lesson: spans in BIO tags, and the score that counts whole ones only."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Half a name is two mistakes", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.evaluation.metrics.spans import bio_spans, span_f1


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Half a name is two mistakes

    Names, dates and products are runs of words. A tagger writes them as one label a word; what one wants to know is how many **runs** it found.
    Afterwards you can read spans out of labels, also out of damaged ones, and you know why a tagger with nine labels in ten right may have a score of zero.
    """)
    return


@app.cell
def _():
    _gold = ["O"] * 18 + ["B-PER", "I-PER"]
    _lazy = ["O"] * 20
    labels_right = float(np.mean([a == b for a, b in zip(_gold, _lazy, strict=True)]))
    lazy_f1 = span_f1([_gold], [_lazy])["all"].f1
    mo.md(
        f"A sentence of twenty words has one name of two words. A tagger that always says O has **{labels_right:.0%}** of the labels "
        f"right, and an F1 of {lazy_f1:.0f}."
    )
    return labels_right, lazy_f1


@app.cell
def _(labels_right, lazy_f1):
    assert labels_right == 0.9 and lazy_f1 == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## B begins, I goes on, O is outside

    With I and O alone, two names side by side would be one. So the first word of each has a B. Reading goes from left to right with one
    question at each word: does the open span go on? Only an I of its own type goes on. Anything else closes it.

    | word | Ada | Lovelace | met | Alan | IBM |
    |---|---|---|---|---|---|
    | label | B-PER | I-PER | O | B-PER | B-ORG |
    | span | 0 to 2 | | | 3 to 4 | 4 to 5 |
    """)
    return


@app.cell
def _():
    by_hand = bio_spans(["B-PER", "I-PER", "O", "B-PER", "B-ORG"])
    assert [tuple(span) for span in by_hand] == [(0, 2, "PER"), (3, 4, "PER"), (4, 5, "ORG")]
    mo.md("  ".join(f"`{span.start}:{span.end} {span.type}`" for span in by_hand))
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A tagger may write what the rules forbid: an I after an O, or after another type. CoNLL's script, and so everybody, reads a loose I as a
    beginning. Choose labels and see the spans.
    """)
    return


@app.cell
def _():
    written = mo.ui.dropdown(
        ["B-PER I-PER O O", "O I-PER I-PER O", "B-PER I-LOC I-LOC O", "B-PER B-PER I-PER O", "O O O O"],
        value="O I-PER I-PER O", label="labels",
    )  # fmt: skip
    written
    return (written,)


@app.cell
def _(written):
    labels = written.value.split()
    read = bio_spans(labels)
    _grid = np.zeros((max(len(read), 1), 4))
    for _row, _span in enumerate(read):
        _grid[_row, _span.start : _span.end] = 1
    plots.heat_map(
        _grid, rows=[f"span {number}: {span.type}" for number, span in enumerate(read, 1)] or ["no span"],
        columns=[f"{place}: {label}" for place, label in enumerate(labels)], low=0, high=1, title=f"{len(read)} spans",
    )  # fmt: skip
    return labels, read


@app.cell
def _(labels, read):
    assert sum(span.end - span.start for span in read) == sum(label != "O" for label in labels)
    assert len(read) >= sum(label[0] == "B" for label in labels)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Precision, recall, and the mean that hurts

    A span counts only if beginning, end **and** type are right. Of what was found, how much is right? Precision. Of what there is, how much was found?
    Recall. F1 is their harmonic mean,

    $$F_1 = \frac{2 P R}{P + R} = \frac{2 \cdot \text{right}}{\text{there} + \text{found}}$$

    which is near the smaller of the two. *New York Times* tagged as *New York* is one span there, one found, none right: a mistake of either kind.
    Ten names are there. How many does the tagger say, with seven of them right at most?
    """)
    return


@app.cell
def _():
    said = mo.ui.slider(1, 30, value=10, label="spans found", show_value=True)
    said
    return (said,)


@app.cell
def _(said):
    _gold = [["B-X", "O"]] * 10 + [["O", "O"]] * 30
    _right = min(7, said.value)
    _wrong = said.value - _right  # their place is wrong
    _predicted = [["B-X", "O"]] * _right + [["O", "O"]] * (40 - said.value) + [["O", "B-X"]] * _wrong
    score = span_f1(_gold, _predicted)["all"]
    plots.value_bars(
        {"share": {"precision": score.precision, "recall": score.recall, "their mean": (score.precision + score.recall) / 2, "F1": score.f1}},
        y="share", title=f"{score.gold} there, {score.predicted} found, {score.right} right",
    )  # fmt: skip
    return (score,)


@app.cell
def _(said, score):
    assert (score.gold, score.predicted, score.right) == (10, said.value, min(7, said.value))
    assert np.isclose(score.f1, 2 * score.right / (10 + said.value))
    assert score.f1 <= (score.precision + score.recall) / 2 + 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One number hides many

    Frequent types rule the whole. So the score is kept for each type beside that of all together, which counts spans, not types:
    """)
    return


@app.cell
def _():
    _gold = [["B-LOC", "O", "B-LOC"]] * 30 + [["B-WORK", "I-WORK", "O"]] * 5
    _tagged = [["B-LOC", "O", "B-LOC"]] * 30 + [["B-WORK", "O", "O"]] * 5
    by_type = span_f1(_gold, _tagged)
    mo.md(
        "| type | there | found | right | F1 |\n|---|---:|---:|---:|---:|\n"
        + "\n".join(f"| {name} | {f.gold} | {f.predicted} | {f.right} | {f.f1:.3f} |" for name, f in by_type.items())
    )
    return (by_type,)


@app.cell
def _(by_type):
    assert by_type["WORK"].f1 == 0 < by_type["all"].f1 and by_type["LOC"].f1 == 1
    assert by_type["all"].gold == by_type["LOC"].gold + by_type["WORK"].gold
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `B-PER I-LOC I-LOC O`: the type changes, so a second span begins without a B.
    - Spans found 30: all seven are still there, and F1 falls to 0.35. A tagger that cries name at every word buys recall with precision.
    - Spans found 3: precision is 1, and F1 below a half.
    - The lessons ner and bidirectional score their taggers so.

    Write it yourself: `groundup learn start bio_spans`
    """)
    return


if __name__ == "__main__":
    app.run()
