"""Lesson: how sure a score is: intervals, whether they keep their word, and why two models are compared on the same items."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="How sure is a score?", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.evaluation.metrics.calibration import bootstrap, mcnemar, paired_bootstrap, wilson, wilson_bounds


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # How sure is a score?

    A score is measured on some questions, and with other questions it would have been another. Afterwards you can give every number its
    interval, have tested by simulation whether such intervals keep their word, and know why a difference between two models can be
    certain although their intervals overlap.
    """)
    return


@app.cell
def _():
    _number = np.arange(500)
    before = _number < 350  # the first model answers 350 of 500 questions
    after = ((_number >= 6) & before) | ((_number >= 350) & (_number < 372))  # the second loses 6 of them and gains 22
    scores = {"before": wilson(int(before.sum()), 500), "after": wilson(int(after.sum()), 500)}
    verdict = mcnemar(before, after)
    mo.md(
        f"Before tuning, a model answers {scores['before'].value:.1%} of 500 questions ({scores['before'].low:.1%} to {scores['before'].high:.1%}); "
        f"after it {scores['after'].value:.1%} ({scores['after'].low:.1%} to {scores['after'].high:.1%}). The intervals overlap by more than half, "
        f"and yet mere luck would make such a difference in only **{verdict.p_value:.1%}** of the cases. How can that be?"
    )
    return after, before, scores, verdict


@app.cell
def _(scores, verdict):
    assert scores["before"].high > scores["after"].value and scores["after"].low < scores["before"].value
    assert (verdict.only_before, verdict.only_after) == (6, 22) and verdict.p_value < 0.01
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Luck, drawn

    A model whose truth we know: it answers 80 of 100 questions, in the long run. Below it takes a test, ten thousand times, each time with
    new questions. Move their number. Four times as many questions make the spread half as wide.
    """)
    return


@app.cell
def _():
    questions = mo.ui.slider(steps=[10, 25, 50, 100, 400, 1600], value=100, label="questions", show_value=True)
    questions
    return (questions,)


@app.cell
def _(questions):
    _source = np.random.default_rng(0)
    shares = _source.binomial(questions.value, 0.8, 10_000) / questions.value
    spread = math.sqrt(0.8 * 0.2 / questions.value)
    plots.histogram(
        {"tests": np.concatenate([shares, [0.3, 1.0]])},  # the ends keep the axis in its place
        bins=71,
        x="score",
        y="share of the tests",
        title=f"{questions.value} questions: two thirds of the scores lie within {spread:.1%} of 80%",
    )
    return shares, spread


@app.cell
def _(shares, spread):
    assert abs(shares.mean() - 0.8) < 0.005
    assert abs(shares.std() / spread - 1) < 0.05, "the spread is the root of p (1 - p) / n"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## An interval is a promise

    In practice there is one test, and the truth is not known. An interval of 95% promises: whoever gives many such intervals is right in 95%
    of them. A promise can be tested: draw many worlds, each with a truth we know, and count.

    The plain interval, $\hat p \pm 1.96 \sqrt{\hat p (1 - \hat p) / n}$, uses the measured share in place of the true one. Wilson's solves
    for the truth instead. Choose the truth.
    """)
    return


@app.cell
def _():
    truth = mo.ui.dropdown({"50%": 0.5, "80%": 0.8, "95%": 0.95, "99%": 0.99}, value="95%", label="the truth")
    truth
    return (truth,)


@app.cell
def _(truth):
    trials = [10, 20, 40, 80, 160, 320, 640]
    kept = {"plain": [], "Wilson": []}
    for _count in trials:
        _right = np.random.default_rng(_count).binomial(_count, truth.value, 20_000)
        _share = _right / _count
        _half = 1.96 * np.sqrt(_share * (1 - _share) / _count)
        _bounds = {"plain": (_share - _half, _share + _half), "Wilson": wilson_bounds(_right, np.full(20_000, _count))}
        kept = {
            name: [*kept[name], float(((low <= truth.value) & (truth.value <= high)).mean())]
            for name, (low, high) in _bounds.items()
        }
    plots.lines(
        trials,
        kept,
        x="questions",
        y="intervals that hold the truth",
        log_x=True,
        marked=True,
        levels={"promised": 0.95},
        title=f"The truth is {truth.value:.0%}; with 10 questions the plain interval holds it in {kept['plain'][0]:.0%} of the tests",
    )
    return kept, trials


@app.cell
def _(kept, truth):
    assert min(kept["Wilson"]) > 0.9
    assert kept["Wilson"][0] > kept["plain"][0], "with few questions the plain interval does not keep its word"
    assert truth.value != 0.99 or kept["plain"][0] < 0.2, "all 10 right: it has no width, 100% to 100%"
    assert wilson(10, 10).low < 0.75 and wilson(10, 10).high == 1.0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bootstrap: an interval for anything

    Bits a byte are no share of right answers, and no formula comes to mind. So let the documents stand for all documents: draw as many of them,
    with replacement, compute the score, and do it again and again. The scores scatter about as they would with new documents. Here are
    40 documents, their bits and their bytes.
    """)
    return


@app.cell
def _():
    _source = np.random.default_rng(3)
    sizes = _source.integers(100, 2000, 40).astype(float)
    bits = sizes * _source.lognormal(0.0, 0.3, 40)  # about 1 bit a byte, more in some documents than in others
    _drawn = np.random.default_rng(4).integers(0, 40, (4000, 40))
    by_hand = bits[_drawn].sum(1) / sizes[_drawn].sum(1)
    ends = np.quantile(by_hand, [0.025, 0.975])
    library = bootstrap(bits, sizes, resamples=4000)
    plots.histogram(
        {"scores of documents drawn again": by_hand},
        x="bits a byte",
        y="share",
        title=f"{library.value:.3f} bits a byte; 95 of 100 draws lie between {ends[0]:.3f} and {ends[1]:.3f}",
    )
    return bits, by_hand, ends, library, sizes


@app.cell
def _(bits, ends, library, sizes):
    assert abs(library.value - bits.sum() / sizes.sum()) < 1e-12
    assert np.abs(np.array([library.low, library.high]) - ends).max() < 0.02
    assert library.low < library.value < library.high
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does the bootstrap keep its word?

    The same test of the promise: 400 worlds, a truth that is known, some documents. With few documents it does not: a sample of ten has
    rarely seen the rare and long ones. The interval is then too narrow, and one should say so or measure more.
    """)
    return


@app.cell
def _():
    documents = [5, 10, 20, 50, 100]
    bootstrap_kept = []
    for _count in documents:
        _worlds = np.random.default_rng(_count).lognormal(0.0, 0.8, (400, _count))
        _held = [
            found.low <= math.exp(0.8**2 / 2) <= found.high
            for found in (bootstrap(world, resamples=200, seed=number) for number, world in enumerate(_worlds))
        ]
        bootstrap_kept = [*bootstrap_kept, float(np.mean(_held))]
    plots.lines(
        documents,
        {"bootstrap": bootstrap_kept},
        x="documents",
        y="intervals that hold the truth",
        log_x=True,
        marked=True,
        levels={"promised": 0.95},
        title=f"From five documents the interval is right in {bootstrap_kept[0]:.0%} of the worlds",
    )
    return bootstrap_kept, documents


@app.cell
def _(bootstrap_kept):
    assert bootstrap_kept[0] < 0.85
    assert bootstrap_kept[-1] > 0.88 > bootstrap_kept[0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same items

    Most of the luck of a test is in its items: a hard document is hard for both models. Whoever takes the difference item by item takes that
    luck out. Below two models, the second better by 0.02 bits a byte on average, on the same documents. Move how much of the scatter both share.
    """)
    return


@app.cell
def _():
    shared = mo.ui.slider(
        0.0, 0.98, step=0.14, value=0.84, label="share of the scatter that both have", show_value=True
    )
    shared
    return (shared,)


@app.cell
def _(shared):
    _source = np.random.default_rng(5)
    _luck, _one, _other = _source.normal(0, 0.2, (3, 400))
    _own = math.sqrt(1 - shared.value)
    first = 1.0 + math.sqrt(shared.value) * _luck + _own * _one
    second = 0.98 + math.sqrt(shared.value) * _luck + _own * _other
    apart = bootstrap(first), bootstrap(second)
    paired = paired_bootstrap(first, second)
    separate_half = math.hypot(*(0.5 * (one.high - one.low) for one in apart))  # as if the items were others
    paired_half = 0.5 * (paired.high - paired.low)
    plots.value_bars(
        {
            "as if measured on other documents": {"half of the interval": separate_half},
            "paired, the same documents": {"half of the interval": paired_half},
            "the difference": {"half of the interval": 0.02},
        },
        y="bits a byte",
        title=f"The difference is {paired.value:+.3f}, between {paired.low:+.3f} and {paired.high:+.3f}",
    )
    return apart, first, paired, paired_half, second, separate_half


@app.cell
def _(apart, first, paired, paired_half, second, separate_half, shared):
    assert abs(paired.value - (second - first).mean()) < 1e-12
    assert abs(paired_half / separate_half - math.sqrt(1 - shared.value)) < 0.15, "what is shared drops out"
    assert shared.value < 0.9 or paired.high < 0, "and the difference is certain"
    assert apart[0].low < apart[1].high, "while the two intervals overlap"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Right and wrong, in pairs

    The model of the beginning: on 472 of 500 questions both agree, and those say nothing about who is better. Left are 28: it
    lost 6 and gained 22. If tuning had changed nothing, each would have fallen to either side like a coin. How often do 28 coins fall as unevenly as that?
    """)
    return


@app.cell
def _(after, before):
    won, lost = int((after & ~before).sum()), int((before & ~after).sum())
    p_value = 2 * sum(math.comb(won + lost, heads) for heads in range(lost + 1)) / 2 ** (won + lost)
    _heads = [math.comb(28, heads) / 2**28 for heads in range(29)]
    _extreme = [heads <= 6 or heads >= 22 for heads in range(29)]
    plots.value_bars(
        {
            "as uneven as what was seen": {heads: p * far for heads, (p, far) in enumerate(zip(_heads, _extreme, strict=True))},
            "more even": {heads: p * (not far) for heads, (p, far) in enumerate(zip(_heads, _extreme, strict=True))},
        },
        x="of 28 coins, heads",
        y="probability",
        title=f"6 or fewer, or 22 or more: {p_value:.2%}",
    )  # fmt: skip
    return lost, p_value, won


@app.cell
def _(after, before, lost, p_value, verdict, won):
    assert (lost, won) == (6, 22) and abs(p_value - verdict.p_value) < 1e-12
    _difference = paired_bootstrap(before, after)
    assert _difference.low > 0, "the paired bootstrap says the same"
    assert mcnemar(before, before).p_value == 1.0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A truth of 99%, ten questions: in nine of ten tests all are right, and the plain interval is 100% to 100%, which is wrong every time.
    - Nothing shared: pairing gains nothing, and 400 documents cannot show the difference. 0.98 shared: they can, easily.
    - Let the second model lose 40 questions and gain 56: the scores are the same as above. What does `mcnemar` say now?

    In a report of this library every score has its interval: `groundup eval` prints them.
    """)
    return


if __name__ == "__main__":
    app.run()
