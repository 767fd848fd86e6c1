"""Lesson: what happens to a 5% test when it is made twenty times, and two promises that can still be kept."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Ask often enough and something turns up", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.special import normal_cdf
    from groundup.foundations.probability.statistics.multiple_testing import (
        benjamini_hochberg,
        bonferroni,
        false_discoveries,
        holm,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Ask often enough and something turns up

    A model is compared with another on twenty benchmarks, and on one of them it is "significantly better". Afterwards you know
    how little that says, and how to ask many questions and still be able to trust an answer.
    """)
    return


@app.cell
def _():
    _p_values = np.random.default_rng(0).random((20_000, 20))
    something = float((_p_values <= 0.05).any(axis=1).mean())
    mo.md(
        "Twenty tests, each with 5% false alarms, of twenty differences that do not exist: in "
        f"**{something:.0%}** of all cases at least one says that it found something."
    )
    return (something,)


@app.cell
def _(something):
    assert abs(something - (1 - 0.95**20)) < 0.015
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    A p-value says how often luck alone looks at least as good. Where there is nothing to find, it is as likely to lie between 0
    and 0.05 as between 0.05 and 0.10: any twentieth part has a probability of 5%. One test stays silent with 0.95, two with
    $0.95 \cdot 0.95 = 0.9025$, twenty with $0.95^{20} = 0.36$. So 0.64 is the probability that it does not stay silent.

    ## Three corrections

    Five benchmarks gave the p-values 0.005, 0.011, 0.02, 0.04, 0.13. Each correction makes larger ones, to be compared with 0.05
    as if each had been alone:

    - **Bonferroni**: all times 5. Then not even one false alarm comes, except in 5% of the cases.
    - **Holm**: the smallest times 5, the next times 4, and so on. The same promise, and never weaker.
    - **Benjamini-Hochberg**: the smallest times 5/1, the next times 5/2, then 5/3, and so on. Another promise: of what it calls a
      discovery, at most 5% is none, on average.
    """)
    return


@app.cell
def _():
    five = np.array([0.005, 0.011, 0.02, 0.04, 0.13])
    rules = {"Bonferroni": bonferroni, "Holm": holm, "Benjamini-Hochberg": benjamini_hochberg}
    adjusted = {name: rule(five) for name, rule in rules.items()}
    assert np.allclose(adjusted["Bonferroni"], [0.025, 0.055, 0.1, 0.2, 0.65])
    assert np.allclose(adjusted["Holm"], [0.025, 0.044, 0.06, 0.08, 0.13])
    assert np.allclose(adjusted["Benjamini-Hochberg"], [0.025, 0.0275, 1 / 30, 0.05, 0.13])
    plots.lines(
        range(1, 6),
        {"measured": five, **adjusted},
        x="benchmark",
        y="p-value",
        levels={"line": 0.05},
        marked=True,
        log_y=True,
        title="Below: discoveries",
    )
    return adjusted, five, rules


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Uncorrected, four of five are discoveries. Bonferroni leaves one, Holm two, Benjamini-Hochberg four, the last of them at the
    line itself.

    ## What they do in the long run

    100 questions, and in some of them there is something: a difference of 3 standard errors. Questions that are asked together
    are a **family**; here are a thousand such families: how often
    there is a false alarm at all, which share of the discoveries is false, which part of the real differences is found. Move
    the number of real differences from none to half.
    """)
    return


@app.cell
def _():
    real = mo.ui.slider(0, 50, step=10, value=10, label="real differences, of 100", show_value=True)
    real
    return (real,)


@app.cell
def _(real, rules):
    is_real = np.arange(100) < real.value
    _z = np.random.default_rng(1).standard_normal((1000, 100)) + 3 * is_real
    _tail = np.vectorize(normal_cdf)(-np.linspace(0, 8, 4001))
    families = 2 * np.interp(np.abs(_z), np.linspace(0, 8, 4001), _tail)
    judged = {
        name: false_discoveries(np.array([rule(family) <= 0.05 for family in families]), is_real)
        for name, rule in {"none": np.copy, **rules}.items()
    }
    plots.value_bars(
        {
            "a false alarm": {name: one.any_false for name, one in judged.items()},
            "false share": {name: one.false_share for name, one in judged.items()},
            "found": {name: one.found for name, one in judged.items()},
        },
        title=f"{real.value} of 100 differences are real",
    )
    return families, is_real, judged


@app.cell
def _(judged, real):
    assert judged["none"].any_false > 0.9, "without a correction a false alarm is as good as certain"
    assert judged["Bonferroni"].any_false < 0.075 and judged["Holm"].any_false < 0.075
    assert judged["Benjamini-Hochberg"].false_share < 0.075
    assert (
        judged["Bonferroni"].found <= judged["Holm"].found <= judged["Benjamini-Hochberg"].found <= judged["none"].found
    )
    if real.value == 0:
        assert judged["Benjamini-Hochberg"].any_false < 0.075, "where nothing is real, both promises are the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The promises differ in what they protect. If one false alarm is a disaster (a medicine, a claim in a paper's title), take
    Holm. If it is a list of candidates to look at more closely (neurons that may matter, documents that may be copies), take
    Benjamini-Hochberg: it finds far more, and you know how many to distrust.

    ## Where its line lies

    Sorted p-values of one family with 30 real differences. Nothing real would lie along the diagonal; what is real hugs the
    bottom. Benjamini-Hochberg draws a line of slope 0.05/100 and takes everything up to the last point below it.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(4)
    _z = np.abs(_generator.standard_normal(100) + 3 * (np.arange(100) < 30))
    p_values = np.sort([2 * normal_cdf(-float(one)) for one in _z])
    line = 0.05 * np.arange(1, 101) / 100
    below = np.flatnonzero(p_values <= line)
    discoveries = int((benjamini_hochberg(p_values) <= 0.05).sum())
    assert discoveries == below[-1] + 1, "the last point below the line, and all before it"
    assert 10 <= discoveries <= 35
    plots.lines(
        range(1, 51),
        {"p-values": p_values[:50], "0.05 · k / 100": line[:50]},
        x="k, in rising order",
        y="p-value",
        marked=True,
        title=f"{discoveries} discoveries; Bonferroni has {int((bonferroni(p_values) <= 0.05).sum())}",
    )
    return below, discoveries, line, p_values


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    No rule helps against questions that were asked and not reported. Count them all: also the seeds that were tried, the
    benchmarks that were dropped, and the looks on the way.

    ## Try

    - Real differences at 0: one family in twenty has a false alarm by each of the three, nearly all have one without.
    - At 50: Bonferroni finds as few as before, Benjamini-Hochberg finds more, because its line rises with each discovery.
    - Add a p-value of 0.9 to the five: all corrected ones grow, although nothing about the old five has changed.

    Write it yourself: `groundup learn start benjamini_hochberg`
    """)
    return


if __name__ == "__main__":
    app.run()
