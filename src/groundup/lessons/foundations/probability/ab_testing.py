"""Lesson: comparing two variants, how many users it takes, and what looking early does to the answer."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Do not peek", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.ab_testing import (
        always_valid,
        boundaries,
        compare_shares,
        crossing,
        obrien_fleming,
        peeking,
        pocock,
        power_of,
        random_walks,
        sample_size,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Do not peek

    Two models answer users; which one do they like better? Afterwards you know how many users the question takes, why an
    experiment that is stopped as soon as it looks good finds differences that are not there, and two honest ways to stop early.
    """)
    return


@app.cell
def _():
    _alarms = peeking(5)
    five_looks = float(_alarms[-1])
    mo.md(
        "A test that cries wolf in 5% of the cases where nothing is there, looked at five times on the way and stopped at the "
        f"first cry, cries wolf in **{five_looks:.0%}** of them."
    )
    return (five_looks,)


@app.cell
def _(five_looks):
    assert abs(five_looks - 0.142) < 0.015, "0.142 by integration (Armitage, McPherson and Rowe)"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One comparison by hand

    Variant A pleased 100 of 1,000 users, B 130 of 1,000: 10% and 13%. If both were alike, their common share would be 230 of
    2,000, 11.5%. By luck alone the difference of two such shares spreads with the deviation

    $$\sqrt{0.115 \cdot 0.885 \cdot (1/1000 + 1/1000)} = 0.0143$$

    The difference of 0.03 is $z = 2.10$ such deviations. Luck goes beyond 1.96 in 5% of all cases, so this passes, barely. How
    often luck alone goes as far as what was seen is the **p-value**, here 3.6%; the lesson *hypothesis_tests* is about it.
    """)
    return


@app.cell
def _():
    seen = compare_shares((100, 130), (1000, 1000))
    assert abs(seen.z - 2.10) < 0.005 and 0.03 < seen.p_value < 0.04
    f"difference {seen.difference:.3f}, z = {seen.z:.3f}, p = {seen.p_value:.3f}"
    return (seen,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Before: how many users

    Decide first which difference would be worth having. A test of 5% should find it with a probability of 80%, its **power**.
    How many users of each variant that takes, if A pleases 10%:
    """)
    return


@app.cell
def _():
    better = mo.ui.slider(0.11, 0.2, step=0.01, value=0.12, label="share that B pleases", show_value=True)
    better
    return (better,)


@app.cell
def _(better):
    needed = sample_size(0.10, better.value)
    _users = np.unique(np.geomspace(50, 40_000, 60).astype(int))
    plots.lines(
        _users,
        {"power": [power_of(0.10, better.value, int(users)) for users in _users]},
        x="users of each variant",
        y="probability of finding it",
        log_x=True,
        levels={"wanted": 0.8},
        title=f"10% against {better.value:.0%}: {needed:,} users of each variant",
    )
    return (needed,)


@app.cell
def _(better, needed):
    assert power_of(0.10, better.value, needed) >= 0.8 > power_of(0.10, better.value, needed - 1)
    _half = sample_size(0.10, (0.10 + better.value) / 2)
    assert 3.3 < _half / needed < 4.2, "half the difference takes about four times the users"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## During: the walk of z

    Here both variants are the same. After each day, $z$ is computed from all users so far. It wanders, and the test says yes
    whenever it is outside of the dashed lines. At the end 5% of such walks are outside. But how many were outside *at some
    moment*?
    """)
    return


@app.cell
def _():
    _walks = random_walks(20, 5, seed=3)
    plots.lines(
        range(1, 21),
        {str(number): walk for number, walk in enumerate(_walks, 1)},
        x="day",
        y="z",
        levels={"line": 1.96, "": -1.96},
        marked=True,
        title="Five experiments, nothing to find",
    )
    return


@app.cell
def _():
    looks = mo.ui.slider(1, 20, step=1, value=5, label="looks", show_value=True)
    looks
    return (looks,)


@app.cell
def _(looks):
    alarms = peeking(looks.value)
    plots.value_bars(
        {"false alarms": {f"look {number}": float(share) for number, share in enumerate(alarms, 1)}},
        y="share of experiments",
        title=f"Stopped at the first yes, {looks.value} looks: {alarms[-1]:.0%} false alarms",
    )
    return (alarms,)


@app.cell
def _(alarms, looks):
    assert abs(alarms[0] - 0.05) < 0.01, "one look keeps its promise"
    assert (np.diff(alarms) >= 0).all() and (alarms[-1] > 0.07) == (looks.value > 1)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With looks enough it becomes a certainty: a random walk crosses every such line some day.

    ## First way out: plan the looks

    Spend the 5% in parts. Each look gets a line of its own, so high that all together spend exactly 5%. O'Brien and Fleming
    spend almost nothing early, so that the last line is nearly the usual 1.96; Pocock spends evenly and pays at the end.
    """)
    return


@app.cell
def _():
    parts = np.arange(1, 6) / 5
    fences = {"O'Brien and Fleming": boundaries(parts), "Pocock": boundaries(parts, spending=pocock)}
    _z = random_walks(5, 20_000, seed=1)
    kept = {name: crossing(_z, fence) for name, fence in fences.items()}
    assert all(abs(share - 0.05) < 0.006 for share in kept.values()), "five looks, and 5% false alarms in all"
    assert fences["O'Brien and Fleming"][0] > 4.5 and abs(fences["O'Brien and Fleming"][-1] - 2.03) < 0.03
    assert obrien_fleming(0.2) < 1e-5, "of the first look's part"
    plots.lines(
        range(1, 6),
        fences,
        x="look",
        y="|z| that stops",
        levels={"without a plan": 1.96},
        marked=True,
        title="Lines that spend 5% over five looks",
    )
    return fences, kept, parts


@app.cell
def _(fences):
    _there = random_walks(5, 20_000, effect=2.8, seed=2)  # an effect that one look at the end finds in 80%
    _stops = np.abs(_there) >= fences["O'Brien and Fleming"]
    found = float(_stops.any(axis=1).mean())
    _last = np.where(_stops.any(axis=1), _stops.argmax(axis=1) + 1, 5)
    used = float(_last.mean() / 5)
    assert 0.77 < found < 0.8 and used < 0.85
    mo.md(
        f"If there is something, it is found in **{found:.0%}** in place of 80%, with **{used:.0%}** of the users on average."
    )
    return found, used


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Second way out: a bet that may be watched

    Play against "there is no difference" with a fair game: if it is true, your fortune stays at 1 on average, and reaches 20
    with a probability of at most 1/20, ever. So $p = 1 / \text{fortune}$ may be looked at after every single user. The price
    is patience: it needs more users than one test at a planned end.
    """)
    return


@app.cell
def _():
    _noise = np.random.default_rng(0).standard_normal((400, 1000))
    _means = np.cumsum(_noise, axis=1) / np.sqrt(np.arange(1, 1001))
    watched = {
        "fixed line, every user": float((np.abs(_means[:, 9:]) > 1.96).any(axis=1).mean()),
        "always valid": float(np.mean([always_valid(one, 1.0, 0.3)[-1] <= 0.05 for one in _noise])),
    }
    assert watched["always valid"] <= 0.07 and watched["fixed line, every user"] > 0.25
    plots.value_bars(
        {"false alarms": watched}, y="share of 400 experiments", title="Looked at after each of 1,000 users"
    )
    return (watched,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - B from 12% to 11%: from 3,841 users of each variant to 14,751. To 20%: 199.
    - Looks from 1 to 20: the false alarms go from 5% to about a quarter.
    - In the last code, ask for `mixing` 3.0, as if huge effects were expected: no more false alarms, but a small effect takes longer.

    Write it yourself: `groundup learn start sample_size`
    """)
    return


if __name__ == "__main__":
    app.run()
