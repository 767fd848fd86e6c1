"""Lesson: could luck alone have done this? Shuffled labels, Student's t, intervals, and a sample drawn from itself."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Could it have been luck?", width="medium")

with app.setup:
    from itertools import combinations

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.special import normal_cdf
    from groundup.foundations.probability.statistics.bootstrap import bootstrap_interval
    from groundup.foundations.probability.statistics.hypothesis_tests import (
        coverage,
        mean_interval,
        paired_test,
        permutation_test,
        rejection_rate,
        standard_error,
        t_test,
        welch_test,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Could it have been luck?

    Three runs of the new model, three of the old, and the new one is better each time. Afterwards you know what a p-value is and
    what it is not, how to get one by shuffling, and how many runs an answer needs.
    """)
    return


@app.cell
def _():
    old, new = np.array([3.41, 3.44, 3.42]), np.array([3.31, 3.28, 3.30])
    _all = np.concatenate([old, new])
    _seen = abs(old.mean() - new.mean())
    _splits = [(list(rows), [row for row in range(6) if row not in rows]) for rows in combinations(range(6), 3)]
    extreme = [abs(_all[a].mean() - _all[b].mean()) >= _seen - 1e-12 for a, b in _splits]
    exact = sum(extreme) / len(extreme)
    mo.md(
        f"Losses {old.tolist()} before and {new.tolist()} after: every new one beats every old one. Luck alone does that in "
        f"**{exact:.0%}** of all cases, and no three runs against three can ever do better than that."
    )
    return exact, extreme, new, old


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Counted

    Suppose the change did nothing. Then the six losses are what they are, and which three were called "new" is chance. There
    are 20 ways to choose three of six. In one of them the three smallest are the new ones; in another they are the old ones,
    and that difference is as large. 2 of 20 is 0.10: the **p-value**, how often luck alone gives a difference at least as large
    as the one seen, if there is nothing.

    It is *not* the probability that there is nothing. For that one needs a prior: see the lesson on Bayes.
    """)
    return


@app.cell
def _(exact, extreme, new, old):
    assert (sum(extreme), len(extreme)) == (2, 20)
    _shuffled = permutation_test(old, new, 3000, np.random.default_rng(0))
    assert abs(_shuffled - exact) < 0.03, "shuffling finds what counting found"
    f"p = {_shuffled:.3f} from 3,000 shufflings, {exact:.3f} counted"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Shuffle

    With ten runs a side there are 184,756 ways; a few hundred random shufflings show the same. The hill is made of
    the differences that shuffled labels give. Where does the real difference stand? Move how much better the new model is, in deviations of a
    single run.
    """)
    return


@app.cell
def _():
    better = mo.ui.slider(0.0, 2.0, step=0.25, value=1.0, label="true difference, in deviations", show_value=True)
    better
    return (better,)


@app.cell
def _(better):
    _generator = np.random.default_rng(5)
    _noise = _generator.standard_normal((2, 10))
    _noise = (_noise - _noise.mean(1, keepdims=True)) / _noise.std(1, keepdims=True)  # so that only the control speaks
    first, second = _noise[0], _noise[1] + better.value
    _everything = np.concatenate([first, second])
    _orders = [_generator.permutation(_everything) for _ in range(1000)]
    by_luck = np.array([order[:10].mean() - order[10:].mean() for order in _orders])
    p_value = permutation_test(first, second, 1000, _generator)
    _edges = np.linspace(-2.25, 2.25, 46)
    _shares = np.histogram(by_luck, _edges)[0] / 1000
    _seen = np.histogram([first.mean() - second.mean()], _edges)[0] * _shares.max()
    plots.lines(
        (_edges[1:] + _edges[:-1]) / 2,
        {"by luck": _shares, "seen": _seen},
        x="difference of the means",
        y="share of the shufflings",
        title=f"p = {p_value:.3f}",
    )
    return by_luck, first, p_value, second


@app.cell
def _(better, first, p_value, second):
    assert (p_value <= 0.05) == (better.value >= 1.0), (
        "ten runs a side see one deviation, and not three quarters of one"
    )
    _student = welch_test(first, second).p_value
    assert abs(_student - p_value) < 0.05, "Welch's t test, which believes in bells, nearly agrees"
    assert p_value > 0, "what was seen is one of the orders, so it is never 0"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Few numbers do not know their own noise

    The classic way divides the difference by its **standard error**, $s / \sqrt n$, with the deviation $s$ of the $n$ numbers,
    and asks how often a bell goes beyond that: past 1.96 in 5% of all cases. But $s$ comes from the same few numbers, and when it
    is too small by chance, the ratio is too large. Gosset, who brewed Guinness and signed as Student, found the right line: with
    5 numbers it stands at 2.78.
    """)
    return


@app.cell
def _():
    def as_if_known(generator):
        """The p-value of five numbers around 0, as if their deviation were known."""
        sample = generator.standard_normal(5)
        return 2 * normal_cdf(-abs(sample.mean() / standard_error(sample)))

    alarms = {
        "bell": rejection_rate(as_if_known, 2000),
        "Student": rejection_rate(lambda generator: t_test(generator.standard_normal(5)).p_value, 2000),
    }
    assert 0.09 < alarms["bell"] < 0.15 and abs(alarms["Student"] - 0.05) < 0.02
    plots.value_bars(
        {"false alarms": alarms}, y="share of 2,000 tests", title="Five numbers, nothing to find, promised: 5%"
    )
    return alarms, as_if_known


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Pairs

    Two models answer the same 30 questions. Questions differ far more than models do; taken as two heaps of scores, the
    difference drowns. Subtract question by question, and what both have in common is gone. Nothing was measured anew.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    _questions = _generator.normal(0, 1, 30)
    scores = {
        name: _questions + gain + _generator.normal(0, 0.2, 30) for name, gain in {"old": 0.0, "new": 0.25}.items()
    }
    heaps = welch_test(scores["old"], scores["new"]).p_value
    pairs = paired_test(scores["old"], scores["new"]).p_value
    assert pairs < 0.01 < 0.1 < heaps
    mo.md(f"As two heaps p = **{heaps:.2f}**; in pairs p = **{pairs:.6f}**.")
    return heaps, pairs, scores


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Better than a yes: an interval

    All differences that the test would not reject make the **confidence interval**. "95%" is a promise about the procedure: of
    all intervals made this way, 95% hold the truth. It can be checked, by making many.
    """)
    return


@app.cell
def _():
    held = coverage(lambda generator: generator.normal(3, 1, 8), mean_interval, 3.0, experiments=600)
    assert abs(held - 0.95) < 0.03
    _generator = np.random.default_rng(2)
    intervals = np.array([mean_interval(_generator.normal(3, 1, 8)) for _ in range(30)])
    plots.lines(
        range(30),
        {"upper end": intervals[:, 1], "lower end": intervals[:, 0]},
        x="experiment",
        y="interval",
        levels={"truth": 3.0},
        marked=True,
        title=f"Of 600 intervals {held:.1%} hold the truth",
    )
    return held, intervals


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## No formula needed: the bootstrap

    What is the standard error of a median? There is no short answer. But one can ask how the median would change if the sample
    had come out differently, and the best picture of "differently" is the sample itself: draw from it, with putting back, as
    many as there are, and take the median; many times. The middle 95% of the results are an interval.
    """)
    return


@app.cell
def _():
    _waits = np.random.default_rng(7).exponential(1.0, 60)
    _generator = np.random.default_rng(8)
    median_range = bootstrap_interval(np.median, _waits, 0.95, 800, _generator)
    _means = bootstrap_interval(np.mean, _waits, 0.95, 800, _generator)
    assert median_range[0] < np.median(_waits) < median_range[1]
    assert np.allclose(_means, mean_interval(_waits), atol=0.12), "for a mean, where there is a formula, it agrees"
    mo.md(
        f"60 waiting times with a median of {np.median(_waits):.2f}: from **{median_range[0]:.2f}** to **{median_range[1]:.2f}**. "
        f"The truth is {np.log(2):.2f}."
    )
    return (median_range,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - True difference from 0 to 2: the spike of what was seen walks out of the hill of luck; p falls below 0.05 at one deviation.
    - Four of eight runs can be chosen in 70 ways (`len(list(combinations(range(8), 4)))`): with four a side, the least p is 2/70.
    - Make the pairs' questions equally hard, with a deviation of 0: the two tests nearly agree, and the assert complains.

    Write it yourself: `groundup learn start permutation_test`, and then `groundup learn start bootstrap_interval`
    """)
    return


if __name__ == "__main__":
    app.run()
