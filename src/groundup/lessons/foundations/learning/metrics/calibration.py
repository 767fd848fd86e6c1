"""Lesson: calibration: whether 90% sure means right nine times in ten, measured in bins and without."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Calibration: what does 90% sure mean?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.metrics.calibration import (
        bin_of,
        brier_score,
        expected_calibration_error,
        reliability,
    )
    from groundup.foundations.learning.metrics.ranking import roc_auc
    from groundup.foundations.learning.supervised.logistic import sigmoid


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Calibration: what does 90% sure mean?

    A forecaster who says 90% should be right nine times in ten, no more and no less. Afterwards you can draw how far a model's words are
    from what happens, sum it up in one number, repair it with one more number, and say why that first number must be read with care.
    """)
    return


@app.cell
def _():
    def perfect_forecaster(count, seed):
        """Decisions with the confidences of somebody who knows every chance exactly, and whether each was right."""
        generator = np.random.default_rng(seed)
        confidence = generator.uniform(0.5, 1, count)
        return confidence, (generator.random(count) < confidence).astype(int)

    small = float(np.mean([expected_calibration_error(*perfect_forecaster(100, seed)) for seed in range(50)]))
    large = float(np.mean([expected_calibration_error(*perfect_forecaster(10_000, seed)) for seed in range(50)]))
    mo.md(
        f"Somebody knows the chance of everything exactly and says so. Judged on 100 decisions, the usual calibration error of this "
        f"perfect forecaster is **{small:.1%}**; on 10,000 it is {large:.1%}. Keep that in mind for the end."
    )
    return large, perfect_forecaster, small


@app.cell
def _(large, small):
    assert small > 0.05
    assert large < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Five decisions, by hand

    Confidences 0.6, 0.6, 0.9, 0.9 and 0.9; right were the first, and two of the last three. Put equal ones together. The first group said
    0.6 and was right in 1 of 2: it was 0.1 too sure. The second said 0.9 and was right in 2 of 3: 0.233 too sure. Weighed by the size of
    the groups:

    $$\frac{2}{5} \cdot 0.1 + \frac{3}{5} \cdot 0.2333 = 0.18$$

    This is the **expected calibration error** (ECE). Real confidences are all different, so near ones share a bin: ten bins between 0 and 1.
    """)
    return


@app.cell
def _():
    _sure, _right = np.array([0.6, 0.6, 0.9, 0.9, 0.9]), np.array([1, 0, 1, 1, 0])
    by_hand = expected_calibration_error(_sure, _right)
    assert bin_of(_sure, 10).tolist() == [5, 5, 8, 8, 8], "an edge belongs to the bin below it"
    assert abs(by_hand - 0.18) < 1e-12
    f"ECE of the five: {by_hand:.4f}"
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model that shouts

    A model decides between two answers by a number $z$, and says it is $\sigma(|z|)$ sure, where $\sigma(z) = 1 / (1 + e^{-z})$. We make
    20,000 decisions whose true chances are known: they are $\sigma$ of a *third* of $z$. So the model shouts. Networks trained to the end
    on their own examples do so too. The control divides $z$ by a **temperature** before it becomes a probability.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(3)
    z = _generator.normal(size=20_000) * 4
    came = (_generator.random(20_000) < sigmoid(z / 3)).astype(int)
    right = (came == (z > 0)).astype(int)
    return came, right, z


@app.cell
def _():
    temperature = mo.ui.slider(1, 7, value=1, label="temperature", show_value=True)
    temperature
    return (temperature,)


@app.cell
def _(right, temperature, z):
    confidence = sigmoid(np.abs(z) / temperature.value)
    error = expected_calibration_error(confidence, right)
    bins = reliability(confidence, right)
    _full = bins.counts > 0
    plots.scatter(
        np.column_stack([bins.confidence[_full], bins.accuracy[_full]]),
        paths=[np.array([[0.5, 0.5], [1, 1]])],
        x="how sure",
        y="how often right",
        square=True,
        title=f"Temperature {temperature.value}: ECE {error:.3f}",
    )
    return bins, confidence, error


@app.cell
def _(bins, came, confidence, error, right, temperature, z):
    _gap = np.nan_to_num(np.abs(bins.confidence - bins.accuracy))
    assert abs(error - (bins.counts * _gap).sum() / len(right)) < 1e-12, (
        "the weighed distances of the points from the diagonal"
    )
    assert (error < 0.02) == (temperature.value == 3), "only the true temperature is calibrated"
    auc = roc_auc(came, sigmoid(z / temperature.value))
    assert abs(auc - roc_auc(came, z)) < 1e-12, "the order is untouched"
    mo.md(
        f"Mean confidence {confidence.mean():.1%}, right {right.mean():.1%}, ECE **{error:.1%}**. "
        f"The temperature changes no decision and no order: AUC {auc:.3f} as before (the share of pairs in order, lesson *ranking*)."
    )
    return (auc,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Points below the diagonal are too sure, points above too modest. One number, chosen on data that was set aside, repairs the whole model:
    that is temperature scaling.

    ## A number that cannot be gamed

    ECE can be fooled: who always says the overall share of right answers is perfectly calibrated and knows nothing. The **Brier score**, the
    mean squared distance between the probability and what came, punishes both: too sure, and too vague.
    """)
    return


@app.cell
def _(came, right, z):
    heats = np.arange(1, 8)
    briers = [brier_score(sigmoid(z / heat), came) for heat in heats]
    errors = [expected_calibration_error(sigmoid(np.abs(z) / heat), right) for heat in heats]
    _lazy = np.full(len(right), right.mean())
    lazy_error = expected_calibration_error(_lazy, right)
    lazy_brier = brier_score(_lazy, right)
    assert heats[np.argmin(briers)] == heats[np.argmin(errors)] == 3
    assert lazy_error < 1e-9 < min(errors), "always the same number: calibrated"
    assert lazy_brier > min(briers), "and worth less"
    plots.lines(
        heats, {"Brier": briers, "ECE": errors}, levels={"Brier of the lazy one": lazy_brier},
        x="temperature", marked=True, title="Both are smallest at the true temperature",
    )  # fmt: skip
    return briers, errors, heats, lazy_brier, lazy_error


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why the perfect one looked bad

    In a bin of ten decisions, nine right ones are what one *expects* of 90%; eight or ten are as common. ECE adds up how far each bin is off
    and never lets two errors cancel, so chance alone makes it larger than 0. More bins have fewer decisions each: more chance.
    """)
    return


@app.cell
def _(perfect_forecaster):
    counts = [100, 300, 1000, 3000, 10_000]
    by_bins = {
        f"{bins} bins": [
            float(np.mean([expected_calibration_error(*perfect_forecaster(n, seed), bins) for seed in range(20)])) for n in counts
        ]
        for bins in (5, 10, 50)
    }  # fmt: skip
    assert all((np.diff(values) < 0).all() for values in by_bins.values()), "more decisions, less of it"
    assert by_bins["5 bins"][0] < by_bins["10 bins"][0] < by_bins["50 bins"][0]
    plots.lines(
        counts,
        by_bins,
        log_x=True,
        log_y=True,
        x="decisions",
        y="ECE",
        marked=True,
        title="The ECE of a perfect forecaster",
    )
    return by_bins, counts


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Temperature 1: all points lie below the diagonal. At 7 all lie above it: the model became too modest.
    - In the shouting model let the truth be `sigmoid(z / 1)`: temperature 1 is right, and the asserts tell you what changed.
    - Two papers report ECE 2% and 4%: ask how many examples and bins before you believe the difference.

    Write it yourself: `groundup learn start expected_calibration_error`
    """)
    return


if __name__ == "__main__":
    app.run()
