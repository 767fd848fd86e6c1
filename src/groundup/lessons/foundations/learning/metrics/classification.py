"""Lesson: precision, recall and F1: what kind of mistakes a classifier makes, which its accuracy does not say."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Precision and recall: which mistakes?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.metrics.classification import (
        accuracy,
        average_scores,
        binary_scores,
        confusion_matrix,
        scores_by_class,
    )
    from groundup.foundations.learning.metrics.ranking import roc_auc


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Precision and recall: which mistakes?

    "Right in 99% of the cases" says almost nothing. Afterwards you can count mistakes by their kind, compute precision, recall and F1 by
    hand, choose a threshold for a purpose, and say what hides behind an average over classes.
    """)
    return


@app.cell
def _():
    truth = np.repeat([1, 0], [20, 9980])  # 1: the page is harmful
    useful = np.repeat([1, 0, 1, 0], [18, 2, 60, 9920])
    never = np.zeros(10_000, dtype=int)
    right, lazy = accuracy(truth, useful), accuracy(truth, never)
    mo.md(
        f"Of 10,000 pages 20 are harmful. A filter finds 18 of them, with 60 false alarms, and is right in {right:.2%} of the cases. "
        f"A filter that never finds anything is right in **{lazy:.2%}**, and wins."
    )
    return lazy, never, right, truth, useful


@app.cell
def _(lazy, right):
    assert right == (18 + 9920) / 10_000
    assert lazy == 9980 / 10_000
    assert lazy > right
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Six pictures, by hand

    | truth | cat | cat | cat | dog | dog | bird |
    |---|---|---|---|---|---|---|
    | called | cat | cat | dog | dog | dog | cat |

    Count every combination: the **confusion matrix**. A row is what it is, a column what it was called; what is right stands on the
    diagonal. One look tells that birds are never found, and that a cat may be taken for a dog but no dog for a cat.
    """)
    return


@app.cell
def _():
    animals, called = ["cat"] * 3 + ["dog"] * 2 + ["bird"], ["cat", "cat", "dog", "dog", "dog", "cat"]
    kinds, matrix = confusion_matrix(animals, called)
    assert matrix.tolist() == [[0, 1, 0], [0, 2, 1], [0, 0, 2]]
    assert np.trace(matrix) / matrix.sum() == accuracy(animals, called)
    plots.heat_map(
        matrix, rows=kinds.tolist(), columns=kinds.tolist(), x="called", y="truth", text=True, title="Confusion matrix"
    )
    return animals, called, kinds, matrix


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two questions about each class

    - **Precision**: of all that was *called* cat, how much is one? Down the column: $2 / (1 + 2 + 0) = 2/3$.
    - **Recall**: of all that *is* a cat, how much was found? Along the row: $2 / (0 + 2 + 1) = 2/3$.

    For dogs they differ: all are found (recall 1), but one of three "dogs" is a cat (precision 2/3). Nothing was ever called a bird, so its
    precision would be 0/0; it is counted as 0.
    """)
    return


@app.cell
def _(animals, called, kinds):
    by_class = scores_by_class(animals, called)[1]
    assert np.allclose(by_class.precision, [0, 2 / 3, 2 / 3])
    assert np.allclose(by_class.recall, [0, 2 / 3, 1])
    assert np.allclose(by_class.f1, [0, 2 / 3, 4 / 5])
    mo.md(
        "| class | precision | recall | F1 |\n|---|---|---|---|\n"
        + "\n".join(f"| {kind} | {p:.2f} | {r:.2f} | {f:.2f} |" for kind, p, r, f in zip(kinds, *by_class, strict=True))
    )
    return (by_class,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One number from two

    Whoever calls everything a dog has recall 1. Whoever says it once, when sure, has precision 1. So one wants both, and the usual mean of
    the two is too kind: "always yes" would have 50% for free. The **harmonic mean** is held down by the smaller one:

    $$F_1 = \frac{2}{1/\text{precision} + 1/\text{recall}} = \frac{2\,tp}{2\,tp + fp + fn}$$

    with $tp$ rightly called, $fp$ false alarms and $fn$ missed.
    """)
    return


@app.cell
def _(never, truth, useful):
    _rows = {"finds 18, with 60 false alarms": useful, "never": never, "always": 1 - never}
    table = {name: binary_scores(truth, said) for name, said in _rows.items()}
    assert table["finds 18, with 60 false alarms"].f1 == 2 * 18 / (2 * 18 + 60 + 2)
    assert table["never"].f1 == 0
    assert table["always"].recall == 1
    assert table["always"].f1 < 0.005 < 0.5 < (table["always"].precision + 1) / 2
    mo.md(
        "The three filters for harmful pages:\n\n| filter | precision | recall | usual mean | F1 |\n|---|---|---|---|---|\n"
        + "\n".join(
            f"| {name} | {s.precision:.1%} | {s.recall:.0%} | {(s.precision + s.recall) / 2:.1%} | {s.f1:.1%} |"
            for name, s in table.items()
        )
    )
    return (table,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Move the threshold

    Most classifiers give a score, and somebody decides from where on (the **threshold**) it means yes. Here 1,000 pages, 100 of them
    harmful, with scores that are higher for harmful ones by 2 on average. Slide from "alarm for nearly everything" to "only when sure".
    """)
    return


@app.cell
def _():
    threshold = mo.ui.slider(-1.0, 4.0, step=0.5, value=-1.0, label="threshold", show_value=True)
    threshold
    return (threshold,)


@app.cell
def _(threshold):
    _generator = np.random.default_rng(2)
    harmful = np.repeat([1, 0], [100, 900])
    scores = _generator.normal(size=1000) + 2 * harmful
    alarm = (scores >= threshold.value).astype(int)
    counts = confusion_matrix(harmful, alarm)[1]
    plots.heat_map(
        counts, rows=["harmless", "harmful"], columns=["no alarm", "alarm"], text=True, low=0, high=900,
        title=f"Threshold {threshold.value:g}: {counts[1, 0]} missed, {counts[0, 1]} false alarms",
    )  # fmt: skip
    return alarm, counts, harmful, scores


@app.cell
def _(alarm, counts, harmful, scores, threshold):
    at = np.arange(-1, 4.01, 0.1)
    _all = [binary_scores(harmful, (scores >= one).astype(int)) for one in at]
    _curves = {name: [getattr(one, name) for one in _all] for name in ("precision", "recall", "f1")}
    now = binary_scores(harmful, alarm)
    assert (np.diff(_curves["recall"]) <= 0).all(), "a higher threshold never finds more"
    assert now.precision == counts[1, 1] / counts[:, 1].sum()
    assert min(now[:2]) <= now.f1 <= (now.precision + now.recall) / 2, "nearer to the smaller one"
    _best = int(np.argmax(_curves["f1"]))
    assert 1 < at[_best] < 2.5
    plots.lines(
        at, {"precision": _curves["precision"], "recall": _curves["recall"], "F1": _curves["f1"]},
        levels={"F1 now": now.f1}, x="threshold", y="share",
        title=f"Threshold {threshold.value:g}: F1 {now.f1:.2f}; best {_curves['f1'][_best]:.2f} at {at[_best]:.1f}",
    )  # fmt: skip
    return at, now


@app.cell
def _(counts, harmful, now, scores):
    _right = (counts[0, 0] + counts[1, 1]) / 1000
    _order = roc_auc(harmful, scores)
    assert 0.88 < _order < 0.96, "two bells 2 apart: 0.92 of the pairs"
    mo.md(
        f"Precision **{now.precision:.0%}**, recall **{now.recall:.0%}**, accuracy {_right:.0%}; an alarm for nobody would have 90%. Which "
        f"threshold is best depends on what a mistake costs: a missed illness or a needless operation. How good the *order* is does not "
        f"depend on it: {_order:.1%} of all pairs are in order (the ROC-AUC)."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many classes, one average

    There are 600 letters, 390 adverts and 10 threats. Letters and adverts are told with a few mistakes. How many of the threats are
    recognised, you decide; the others are taken for letters. Three ways to average:

    - **micro**: every example has the same say. With one label an example that is the accuracy.
    - **macro**: every *class* has the same say, however small.
    - **weighted**: every class by its examples, so nearly micro again.
    """)
    return


@app.cell
def _():
    found = mo.ui.slider(0, 10, value=0, label="threats recognised, of 10", show_value=True)
    found
    return (found,)


@app.cell
def _(found):
    post = np.repeat(["letter", "advert", "threat"], [600, 390, 10])
    said = np.repeat(
        ["letter", "advert", "advert", "letter", "threat", "letter"],
        [580, 20, 370, 20, found.value, 10 - found.value],
    )
    averages = {name: average_scores(post, said, name) for name in ("micro", "macro", "weighted")}
    plots.value_bars(
        {name: {"precision": one.precision, "recall": one.recall, "F1": one.f1} for name, one in averages.items()},
        y="average", title=f"{found.value} of 10 threats recognised",
    )  # fmt: skip
    return averages, post, said


@app.cell
def _(averages, found, post, said):
    assert np.allclose(averages["micro"], accuracy(post, said)), "micro is the accuracy, three times"
    assert abs(averages["weighted"].recall - accuracy(post, said)) < 1e-12
    assert abs(averages["macro"].recall - (580 / 600 + 370 / 390 + found.value / 10) / 3) < 1e-12
    mo.md(
        f"Micro: **{averages['micro'].f1:.1%}**, macro: **{averages['macro'].f1:.1%}** (F1). From no threat recognised to all of them the "
        f"first gains one point, since 10 of 1,000 examples changed; the recall of the second gains 33."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Threshold -1: hardly anything is missed, and most alarms are false. At 4: no false alarm, and nearly everything is missed. F1 is best
      between, where the curves of precision and recall cross or nearly so.
    - No threats recognised: micro looks well all the same. Whoever reports only that has hidden the class that mattered.
    - Before you believe a percentage, ask: what would "always no" have?

    Write it yourself: `groundup learn start roc_auc` (the order, whatever the threshold), `groundup learn start expected_calibration_error`
    """)
    return


if __name__ == "__main__":
    app.run()
