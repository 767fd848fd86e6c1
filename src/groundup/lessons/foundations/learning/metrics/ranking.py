"""Lesson: ROC and AUC: does a score put the right ones on top, wherever the threshold stands, and what a rare class hides."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="ROC and AUC: is the order right?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.metrics.ranking import average_precision, roc_auc, roc_curve


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # ROC and AUC: is the order right?

    A filter gives every page a score; somebody sets the threshold later. Is the score any good? Afterwards you can judge an order without
    choosing a threshold, compute the area under the curve by counting pairs, and say when that number flatters.
    """)
    return


@app.cell
def _():
    rare = 0.001
    caught, false_alarms = 0.99, 0.01
    right_alarms = rare * caught / (rare * caught + (1 - rare) * false_alarms)
    mo.md(
        f"One page in 1,000 is spam. A filter catches 99% of it and raises a false alarm on only 1% of the others. "
        f"When it raises an alarm, it is right in **{right_alarms:.0%}** of the cases."
    )
    return caught, false_alarms, rare, right_alarms


@app.cell
def _(right_alarms):
    assert abs(right_alarms - 99 / (99 + 999)) < 1e-12, "of 100,000 pages: 99 caught, 999 false alarms"
    assert right_alarms < 0.1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four examples, by hand

    Two bad pages with the scores 0.1 and 0.4, two good ones with 0.35 and 0.8. A good score puts good pages above bad ones, so look at
    all pairs of a good and a bad one. 0.8 beats both; 0.35 beats 0.1 and loses to 0.4. Three of four pairs are in the right order: 0.75.
    That is the **AUC**: the chance that a good one scores higher than a bad one. A tie counts half.
    """)
    return


@app.cell
def _():
    truth, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    _pairs = [float(good > bad) + 0.5 * float(good == bad) for good in scores[truth == 1] for bad in scores[truth == 0]]
    assert roc_auc(truth, scores) == np.mean(_pairs) == 0.75
    assert roc_auc([0, 1], [0.5, 0.5]) == 0.5, "a tie"
    assert roc_auc(truth, -scores) == 0.25, "upside down"
    assert roc_auc(truth, np.exp(10 * scores)) == 0.75, "only the order counts"
    f"pairs in order: {_pairs}, AUC {roc_auc(truth, scores)}"
    return scores, truth


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Every threshold at once

    Now 500 good and 500 bad pages, whose scores are two bells that overlap. Choose how far apart the bells are: that is how good the score
    is.
    """)
    return


@app.cell
def _():
    apart = mo.ui.slider(0.0, 3.0, step=0.5, value=1.0, label="how far apart", show_value=True)
    apart
    return (apart,)


@app.cell
def _(apart):
    _generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)
    marks = _generator.normal(size=1000) + apart.value * labels
    plots.histogram({"bad": marks[:500], "good": marks[500:]}, bins=40, x="score", title=f"Bells {apart.value:g} apart")
    return labels, marks


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Set a threshold and take everything above it. Some share of the good ones is caught (the **true positive rate**), and some share of the bad
    ones comes along (the **false positive rate**). Lower it from the top to the bottom and both go from 0 to 1. The way they take is the
    **ROC curve**. A score that knows nothing walks along the diagonal.
    """)
    return


@app.cell
def _():
    threshold = mo.ui.slider(-2.0, 4.0, step=1.0, value=1.0, label="threshold", show_value=True)
    threshold
    return (threshold,)


@app.cell
def _(labels, marks, threshold):
    false, true, _ = roc_curve(labels, marks)
    here = np.array([[(marks[labels == kind] >= threshold.value).mean() for kind in (0, 1)]])
    plots.scatter(
        here,
        labels=[f"threshold {threshold.value:g}"],
        paths=[np.column_stack([false, true]), np.array([[0, 0], [1, 1]])],
        x="share of the bad ones taken",
        y="share of the good ones taken",
        square=True,
        title=f"ROC curve, area {roc_auc(labels, marks):.3f}",
    )
    return false, here, true


@app.cell
def _(apart, false, here, labels, marks, threshold, true):
    _area = float((np.diff(false) * (true[1:] + true[:-1]) / 2).sum())
    auc = roc_auc(labels, marks)
    assert abs(_area - auc) < 1e-12, "the area under the curve is the share of pairs in order"
    assert abs(auc - 0.5) < 0.05 if apart.value == 0 else auc > 0.6
    _place = np.searchsorted(false, here[0, 0])
    assert false[_place] == here[0, 0], "every threshold is a point of the curve"
    mo.md(
        f"Threshold {threshold.value:g} takes {here[0, 1]:.0%} of the good ones and {here[0, 0]:.0%} of the bad ones. "
        f"Over all thresholds, **{auc:.1%}** of all 250,000 pairs are in order."
    )
    return (auc,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When the good ones are rare

    The ROC curve looks at each kind by itself, so it does not change when one of them is rare. What the reader of the alarms sees does
    change: how many of those on top are good. **Average precision** is that share, averaged over the places where a good one stands.
    The score stays the same here, two bells 2 apart; only the number of bad ones grows.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(1)
    times = [1, 3, 10, 30, 100, 300]
    _good, _bad = _generator.normal(size=200) + 2, _generator.normal(size=200 * times[-1])
    _sets = [(np.repeat([1, 0], [200, 200 * n]), np.concatenate([_good, _bad[: 200 * n]])) for n in times]
    areas = [roc_auc(*one) for one in _sets]
    precisions = [average_precision(*one) for one in _sets]
    assert np.ptp(areas) < 0.03, "the area stays"
    assert (np.diff(precisions) < 0).all(), "the precision falls"
    assert precisions[-1] < precisions[0] / 2
    plots.lines(
        times, {"AUC": areas, "average precision": precisions}, log_x=True,
        x="bad ones for each good one", y="", marked=True, title="The same score, rarer and rarer prey",
    )  # fmt: skip
    return areas, precisions, times


@app.cell
def _(areas, precisions, times):
    mo.md(
        f"With {times[-1]} bad ones for each good one the AUC is still {areas[-1]:.3f}; "
        f"the average precision went from {precisions[0]:.2f} to **{precisions[-1]:.2f}**."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Bells 0 apart: the curve runs along the diagonal, whatever the threshold. Bells 3 apart: it hugs the upper left corner.
    - Threshold 4 is the lower left end of the curve, -2 the upper right: the threshold moves on the curve and never changes it.
    - Multiply all scores by 100, or take their cubes: the AUC stays. Whether a score is a *probability* is asked in `calibration`.

    Write it yourself: `groundup learn start roc_auc`
    """)
    return


if __name__ == "__main__":
    app.run()
