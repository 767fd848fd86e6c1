"""Lesson: two configurations, trained from the same seeds: equal, better, or not to be told apart."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Better, or a lucky seed?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.training.loop.compare import compare, difference, parting


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Better, or a lucky seed?

    You change a number, train again, and the loss is 0.02 lower. Afterwards you know why that alone says nothing, how runs in
    pairs say far more with the same work, and how to see that two runs are the same computation.
    """)
    return


@app.cell
def _():
    def run(seed, effect=0.0, rough=0.02, steps=60):
        """The losses of a run: a curve, what its seed does to it, its batches, and noise of its own."""
        shared = np.random.default_rng(seed)
        own = np.random.default_rng(abs(round(10_000 * effect)) + 7919 * seed + 1)
        level, batches = shared.normal(0, 0.05), shared.normal(0, 0.15, steps)
        return list(2 + 2 * np.exp(-np.arange(steps) / 12) + level + batches + own.normal(0, rough, steps) + effect)

    ends = [float(np.mean(run(seed)[-6:])) for seed in range(40)]
    spread = max(ends) - min(ends)
    mo.md(f"One configuration, forty seeds: between the luckiest and the unluckiest end lie **{spread:.2f}** nats.")
    return ends, run, spread


@app.cell
def _(spread):
    assert spread > 0.2, "ten times an improvement of 0.02"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In pairs

    Most of this is not noise of the run. The seed decides the first weights and which texts come when, and these make a loss high or
    low **for any configuration**. So give both the same seed and subtract step by step: what the seed does to both falls out.
    """)
    return


@app.cell
def _(run):
    first, second = run(5), run(5, effect=-0.04)
    plots.lines(
        range(1, 61),
        {
            "the first": first,
            "the second": second,
            "second less first": [b - a for a, b in zip(first, second, strict=True)],
        },
        x="step",
        y="loss, nats",
        levels={"equal": 0.0},
        title="The same seed twice: the curves jump together",
    )
    return first, second


@app.cell
def _(first, second):
    _late = slice(30, 60)
    jump = float(np.std(first[_late]))
    between = float(np.std(np.array(second[_late]) - np.array(first[_late])))
    assert between < jump / 3
    assert abs(difference(first, second) + 0.04) < 0.03, "the mean difference over the last tenth of the steps"
    mo.md(f"From step to step a loss jumps by {jump:.2f}; the difference of the two by **{between:.2f}**.")
    return between, jump


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many seeds

    One pair gives a difference, and no idea of how much of it is chance. Two give an idea, a poor one: Student's interval for
    two numbers is 12.7 standard errors wide to each side, for three 4.3, for six 2.6. The effect here is -0.03. Move the
    number of seeds.
    """)
    return


@app.cell
def _():
    seeds = mo.ui.slider(1, 8, value=3, label="seeds", show_value=True)
    seeds
    return (seeds,)


@app.cell
def _(run, seeds):
    base = [run(seed) for seed in range(seeds.value)]
    verdict = compare(base, [run(seed, effect=-0.03) for seed in range(seeds.value)])
    nothing = compare(base, [run(seed, effect=-0.0006) for seed in range(seeds.value)])
    plots.lines(
        range(1, seeds.value + 1),
        {"effect of -0.03": verdict.differences, "almost none": nothing.differences},
        x="seed",
        y="second less first, nats",
        levels={"equal": 0.0, "mean": verdict.difference}
        | dict(zip(("low", "high"), verdict.interval or (), strict=False)),
        marked=True,
        title=f"{seeds.value} pairs: {verdict.word}",
    )
    return base, nothing, verdict


@app.cell
def _(nothing, verdict):
    mo.md(f"An effect of -0.03: *{verdict.sentence('A', 'B')}.*\n\nAlmost none: *{nothing.sentence('A', 'C')}.*")
    return


@app.cell
def _(nothing, seeds, verdict):
    assert (verdict.interval is None) == (seeds.value == 1), "one seed has no interval"
    assert seeds.value < 6 or verdict.word == "better"
    assert abs(nothing.difference) < 0.03
    assert seeds.value < 6 or abs(verdict.difference + 0.03) < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    *Not told apart* is an answer too. It does not say that the two are equal, but that these runs cannot tell: more seeds would, or
    longer runs.

    ## The same computation?

    A faster kernel, a rewritten loop, another machine: here the question is not which is better, but whether anything
    changed. Then the losses must agree from the first step on: to the bit, or, where sums are added in another order, to
    about $10^{-5}$ of the loss.
    """)
    return


@app.cell
def _(first):
    _rounded = [loss * (1 + 2e-7 * (-1) ** step) for step, loss in enumerate(first)]
    _wrong = first[:41] + [loss + 0.001 for loss in first[41:]]
    same, rounded, wrong = (compare([first], [other]) for other in (list(first), _rounded, _wrong))
    mo.md("\n".join(f"- {one.sentence('the old', 'the new')}" for one in (same, rounded, wrong)))
    return rounded, same, wrong


@app.cell
def _(first, rounded, same, wrong):
    assert (same.word, rounded.word, wrong.word) == ("identical", "equal", "one seed")
    assert wrong.parted == 42 and parting(first, first) is None, "the step at which they part says where to look"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A difference that begins at step 1 is in the forward pass; at step 2, in the gradient or the optimiser; at the step after a
    resume, in the checkpoint.

    ## With real runs

    `groundup run demo-fast --against train.optimizer=adamw --seeds 3` trains both from three seeds and says one sentence.
    `groundup runs compare runs/a runs/b` says it of two runs that are there already.

    ## Try

    - One seed: a difference without an interval. Two: an interval that is nearly always too wide. Six: the effect of 0.03 is told.
    - In `run`, set the noise of its own, `rough`, to 0.2: now pairs help little, and eight seeds are not enough.
    """)
    return


if __name__ == "__main__":
    app.run()
