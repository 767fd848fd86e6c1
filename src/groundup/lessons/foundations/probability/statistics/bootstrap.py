"""Lesson: how sure a number is for which there is no formula, by drawing the sample from itself."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The sample drawn from itself", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.statistics.bootstrap import (
        bca_interval,
        bootstrap_interval,
        bootstrap_statistics,
    )
    from groundup.foundations.probability.statistics.hypothesis_tests import coverage, standard_error


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The sample drawn from itself

    For the mean of a sample there is a formula that says how sure it is. For a median, a correlation or a score there is none, or
    none that one would remember. Afterwards you can find out for any number, with three lines, and know when the answer is wrong.
    """)
    return


@app.cell
def _():
    answers = (np.arange(200) < 164).astype(float)  # 164 of 200 questions answered rightly
    certain = bootstrap_interval(np.mean, answers, 0.95, 1000, np.random.default_rng(0))
    mo.md(
        f"A model answers 164 of 200 questions: 82%. With other 200 questions it might have been anything from "
        f"**{certain[0]:.1%}** to **{certain[1]:.1%}**, and no other questions were needed to find that out."
    )
    return answers, certain


@app.cell
def _(answers, certain):
    _formula = 1.96 * standard_error(answers)
    assert abs(certain[0] - (0.82 - _formula)) < 0.01 and abs(certain[1] - (0.82 + _formula)) < 0.01
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    What we want: other samples from the same source, to see how much the number changes. We have one sample. The best picture of the
    source that we have is this sample, so draw from it: three numbers 1, 2, 6, put back after each draw, three draws. There are 27
    such *resamples*, from 1, 1, 1 to 6, 6, 6, each as likely as any other. Their means lie between 1 and 6, and the mean of the
    means is 3, the mean of the sample.
    """)
    return


@app.cell
def _():
    three = np.array([1.0, 2.0, 6.0])
    all_means = np.array([(a + b + c) / 3 for a in three for b in three for c in three])
    drawn = bootstrap_statistics(np.mean, three, 2000, np.random.default_rng(1))
    assert len(all_means) == 27 and abs(all_means.mean() - 3) < 1e-12
    assert set(np.round(drawn, 9)) <= set(np.round(all_means, 9)), "nothing comes that is not among the 27"
    assert abs(drawn.std() - all_means.std()) < 0.06
    f"spread of the 27 means {all_means.std():.3f}, of 2,000 drawn ones {drawn.std():.3f}"
    return all_means, drawn, three


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Any number will do

    60 waiting times, most of them short and a few long. Choose what is asked of them. The hill is what 600 resamples say; cut off
    2.5% on either side, and what is left is the interval. The mean's hill is smooth. A median can only be one of the numbers in the
    sample or lie half way between two, so its hill has gaps.
    """)
    return


@app.cell
def _():
    asked = mo.ui.dropdown(["mean", "median", "deviation", "longest"], value="median", label="what is asked")
    asked
    return (asked,)


@app.cell
def _(asked):
    questions = {"mean": np.mean, "median": np.median, "deviation": np.std, "longest": np.max}
    waits = np.random.default_rng(7).exponential(1.0, 60)
    found = bootstrap_statistics(questions[asked.value], waits, 600, np.random.default_rng(2))
    low, high = bootstrap_interval(questions[asked.value], waits, 0.95, 600, np.random.default_rng(2))
    plots.histogram(
        {asked.value: found},
        x=asked.value,
        y="share of the resamples",
        title=f"{questions[asked.value](waits):.2f}, between {low:.2f} and {high:.2f}",
    )
    return found, high, low, questions, waits


@app.cell
def _(asked, found, high, low, questions, waits):
    assert low <= questions[asked.value](waits) <= high
    assert abs(((found >= low) & (found <= high)).mean() - 0.95) < 0.03 or asked.value == "longest"
    assert found.max() <= waits.max(), "no resample holds a number that the sample does not"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it fails

    Ask for the longest. No resample can hold a longer wait than the sample did, though the next sample may well. In
    $1 - (1 - 1/n)^n$ of the resamples, about 63%, the answer is exactly the sample's own longest. The bootstrap is for
    numbers to which every item contributes a little, not for those that hang on one.
    """)
    return


@app.cell
def _(waits):
    _longest = bootstrap_statistics(np.max, waits, 600, np.random.default_rng(3))
    same = float((_longest == waits.max()).mean())
    assert abs(same - (1 - (1 - 1 / 60) ** 60)) < 0.05
    mo.md(f"Of 600 resamples **{same:.0%}** say the same number.")
    return (same,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does it keep its promise?

    An interval of 95% should hold the truth in 95% of all experiments. Make many, with samples of 15 from a source whose
    deviation is known to be 1. A small sample mostly lacks the rare large numbers, so its own spread is too small, and that
    of its resamples is smaller still. The corrected interval, **BCa**, moves the two cuts by what the resamples show of this bias
    and of the lopsidedness. It helps; it cannot invent what was never seen.
    """)
    return


@app.cell
def _():
    def kept(interval):
        """How often the interval for the deviation, from 15 waiting times, holds the truth."""
        return coverage(lambda generator: generator.exponential(1.0, 15), interval, 1.0, experiments=60)

    promises = {
        "percentile": kept(lambda sample: bootstrap_interval(np.std, sample, 0.95, 100, np.random.default_rng(0))),
        "BCa": kept(lambda sample: bca_interval(np.std, sample, 0.95, 100)),
    }
    assert promises["percentile"] < promises["BCa"] < 0.95
    plots.value_bars({"holds the truth": promises}, y="share of 60 experiments", title="Promised: 95%, from 15 numbers")
    return kept, promises


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What has to be drawn together

    Draw whatever is independent. Two models answered the same questions: draw *questions*, each with both answers. Whoever draws the
    answers of each model by itself throws away what they have in common, and gets an interval that is too wide.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(5)
    _hard = _generator.normal(0, 1, 80)
    scores = np.column_stack([_hard + _generator.normal(0, 0.3, 80), _hard + 0.2 + _generator.normal(0, 0.3, 80)])
    together = bootstrap_interval(lambda rows: np.mean(rows[:, 1] - rows[:, 0]), scores, 0.95, 1000, _generator)
    _apart = [bootstrap_statistics(np.mean, scores[:, model], 1000, _generator) for model in (0, 1)]
    apart = np.quantile(_apart[1] - _apart[0], [0.025, 0.975]).tolist()
    assert together[0] > 0 > apart[0]
    mo.md(
        f"Questions drawn: the gain lies between **{together[0]:.2f}** and **{together[1]:.2f}**. Answers drawn apart: between "
        f"**{apart[0]:.2f}** and **{apart[1]:.2f}**, and nobody knows whether there is one."
    )
    return apart, scores, together


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ask for the median, then for the mean: a hill with gaps, and one without.
    - In the first code, make it 16,400 of 20,000 questions: the interval is a tenth as wide.
    - Give the last code models that have nothing in common: both intervals are then nearly the same.

    Write it yourself: `groundup learn start bootstrap_interval`
    """)
    return


if __name__ == "__main__":
    app.run()
