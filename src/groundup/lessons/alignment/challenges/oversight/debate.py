"""Lesson: debate, or how a judge who can check one addition decides about a thousand numbers."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Debate: a weak judge and two strong debaters", width="medium")

with app.setup:
    import random

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.alignment.challenges.oversight.debate import (
        accuracy,
        debate,
        game,
        judge_of,
        lie,
        out_of_order,
        true_claim,
        truth_of,
        value,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Debate: a weak judge and two strong debaters

    One day models will answer what no person can check. How is one to know that an answer is right? Perhaps by letting two models
    argue, each before a judge who can check a single step. Afterwards you will have played such a debate, know why the honest side wins a
    game that it would lose alone, and have seen the assumption on which all of it stands.
    """)
    return


@app.cell
def _():
    right = accuracy("debate", 1024, judge_of(0.9, random.Random(1)), 100, seed=1).mean()
    mo.md(
        f"A judge checks a single addition rightly in 9 of 10 cases. Two debaters name different totals of 1,024 numbers. After their debate "
        f"the judge checks one step, and is right in **{right:.0%}** of the cases. Adding up alone, it would be right about "
        f"{truth_of('alone', 1024, 0.9):.0e} of the time."
    )
    return (right,)


@app.cell
def _(right):
    assert abs(right - 0.9) < 0.1, "as often as in a single check, however long the list"
    assert truth_of("alone", 1024, 0.9) < 1e-40
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## An account

    Who claims a total must give an account: what each half adds up to, and the halves of these, down to single numbers. An honest one holds
    everywhere. A liar may cheat wherever it likes: in an addition, or in a half, or in half of a half, or in a single number at the bottom.
    But a wrong total has a wrong step somewhere, and that cannot be helped.
    """)
    return


@app.cell
def _():
    numbers = [3, 1, 4, 1, 5, 9, 2, 6]
    honest = true_claim(numbers)
    false = lie(honest, 2, random.Random(4), in_addition=0.0)

    def _lines(claim, depth=0):
        below = [] if claim.halves is None else [one for half in claim.halves for one in _lines(half, depth + 1)]
        return [f"{'    ' * depth}{claim.start + 1} to {claim.end}: {claim.total}", *below]

    mo.md(
        f"The liar's account of {numbers}, whose sum is {honest.total}:\n\n```\n" + "\n".join(_lines(false)) + "\n```"
    )
    return false, honest, numbers


@app.cell
def _(false, honest, numbers):
    assert honest.total == sum(numbers) and false.total == honest.total + 2
    assert false.adds_up, "on its face nothing is wrong: every addition that it shows holds"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The debate

    The other debater names the half that is wrong. Its owner must split that half again. After $\log_2 n$ rounds there is one number left, and
    anybody can look it up.
    """)
    return


@app.cell
def _(false, numbers):
    step = debate(false, numbers, random.Random(0))
    mo.md(
        f"After {step.rounds} rounds the judge is asked one thing: is {step.first} + {step.second} = {step.total}? "
        f"It is {'true' if step.holds else 'false'}, so the claim of {false.total} is {'right' if step.holds else 'wrong'}."
    )
    return (step,)


@app.cell
def _(honest, numbers, step):
    assert step.rounds == 3 and not step.holds
    assert all(debate(honest, numbers, random.Random(seed)).holds for seed in range(20)), (
        "wherever a true account is attacked, the step holds"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## With and without

    Four ways to decide, the same judge. Dotted lines are computed: $p$ with debate, $p^{n-1}$ alone, and nearly a coin for a judge who may
    look at one step but must choose it blindly. A single adviser who is told which side to take can always show a step that holds. Choose
    how good the judge is in a single check.
    """)
    return


@app.cell
def _():
    reliability = mo.ui.slider(steps=[0.6, 0.8, 0.9, 1.0], value=0.9, label="right in a single check", show_value=True)
    reliability
    return (reliability,)


@app.cell
def _(reliability):
    counts, ways = [2, 8, 32, 128], ("debate", "alone", "one step, blindly", "one adviser")
    measured = {
        way: [accuracy(way, n, judge_of(reliability.value, random.Random(n)), 200).mean() for n in counts]
        for way in ways
    }
    known = {way: [truth_of(way, n, reliability.value) for n in counts] for way in ways}
    plots.lines(
        counts,
        measured,
        truth=known,
        x="numbers to add up",
        y="share decided rightly",
        log_x=True,
        marked=True,
        levels={"a coin": 0.5},
        title="Debate makes the length of the list disappear",
    )
    return counts, known, measured, ways


@app.cell
def _(known, measured, reliability, ways):
    assert all(np.abs(np.array(measured[way]) - known[way]).max() < 0.13 for way in ways), "as computed"
    assert known["debate"] == [reliability.value] * 4
    assert reliability.value == 1 or known["alone"][-1] < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The game behind it

    The liar chooses where to hide the mistake, the judge where to look. If the judge must choose first, the best that the liar can do is to
    throw dice: that is a game whose value is computed by letting both sides learn from each other. With debate the honest side sees the
    claim first and then chooses where the judge looks. Who moves last, and knows, wins.
    """)
    return


@app.cell
def _():
    blind, liar, _ = value(game(8, 1.0, debated=False), rounds=1500)
    open_, _, _ = value(game(8, 1.0, debated=True), rounds=100)
    plots.value_bars(
        {"the liar's best play": {place + 1: share for place, share in enumerate(liar)}},
        x="where the mistake is hidden",
        y="probability",
        title=f"Value to the honest side: {blind:.3f} without debate, {open_:.3f} with it",
    )
    return blind, liar, open_


@app.cell
def _(blind, liar, open_):
    assert abs(blind - (0.5 + 0.5 / 8)) < 0.01, "one place in eight"
    assert abs(open_ - 1) < 1e-9, "honest wins"
    assert np.abs(liar - 1 / 8).max() < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it stands on

    So far the honest debater has seen every mistake. In real arguments a liar can make a long chain in which somebody must be wrong, and nobody
    knows where: an obfuscated argument. Let the honest side see the wrong half only now and then, and guess otherwise. The line is
    $\frac12 + (p - \frac12)\,(\frac{1 + q}{2})^{\log_2 n}$.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(steps=[4, 64, 1024], value=64, label="numbers to add up", show_value=True)
    length
    return (length,)


@app.cell
def _(length):
    _sees = [0.0, 0.5, 0.8, 0.9, 1.0]
    _games = 150 if length.value > 100 else 400
    played = [accuracy("debate", length.value, judge_of(0.9, random.Random(1)), _games, sees=q).mean() for q in _sees]
    computed = [truth_of("debate", length.value, 0.9, q) for q in _sees]
    plots.lines(
        _sees, {"debate": played}, truth={"debate": computed}, x="share of mistakes that are seen", y="share decided rightly", marked=True,
        levels={"a coin": 0.5, "the honest side sees all": 0.9}, title=f"{length.value} numbers, {length.value.bit_length() - 1} rounds",
    )  # fmt: skip
    return computed, played


@app.cell
def _(computed, played):
    assert np.abs(np.array(played) - computed).max() < 0.13
    assert computed == sorted(computed) and computed[-1] == 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Other tasks

    What makes it work is that a wrong whole has a wrong part, and that a part can be checked. A list that is claimed to be sorted is the
    shortest debate of all: the other side points to two neighbours.
    """)
    return


@app.cell
def _():
    prices = [30, 10, 20, 15]
    fall = out_of_order(prices, [1, 2, 3, 0])
    mo.md(f"Claimed order: 10, 20, 15, 30. The other side says: look at place **{fall + 1}** and the one behind it.")
    return fall, prices


@app.cell
def _(fall, prices):
    assert fall == 1 and out_of_order(prices, [1, 3, 2, 0]) is None
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A judge of 0.6: debate carries its weakness unchanged through any length, no better and no worse.
    - 1,024 numbers, and nine of ten mistakes seen: ten rounds, and the judge has lost half of what it knew.
    - The whole study, also with a judge that is learned: `groundup run oversight`

    The other half of oversight is a strong student of a weak teacher; its loss is yours to write: `groundup learn start confidence_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
