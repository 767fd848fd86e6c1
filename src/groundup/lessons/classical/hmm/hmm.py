"""Lesson: hidden Markov models, forward, Viterbi and Baum-Welch on two kinds of weather."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What was the weather, if all you have is a list of ices?", width="medium")

with app.setup:
    from itertools import product

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.hmm.hmm import (
        HMM,
        backward,
        baum_welch_step,
        best_states,
        chain,
        draw,
        forward,
        log_likelihood,
        posteriors,
        random_hmm,
        viterbi,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What was the weather, if all you have is a list of ices?

    Jason Eisner's puzzle: the weather of a summer is lost, but a diary says how many ices were eaten each day. Hot days
    follow hot days, and on hot days one eats more. Afterwards you can answer three questions about any such chain: how
    likely is the diary, which weather explains it best, and how warm was each day.
    """)
    return


@app.cell
def _():
    names = ["hot", "cold"]
    summer = HMM(
        start=np.array([0.8, 0.2]),
        transition=np.array([[0.6, 0.4], [0.5, 0.5]]),
        emission=np.array([[0.2, 0.4, 0.4], [0.5, 0.4, 0.1]]),  # one, two or three ices
    )
    _days = 100
    _likelihood = log_likelihood(summer, draw(summer, _days)[1])
    mo.md(
        f"A diary of {_days} days can have come about in 2^{_days}, about **10^{_days * np.log10(2):.0f}**, kinds of weather. "
        f"Adding all of them up takes {_days * 4} small sums: the diary's log probability is {_likelihood:.1f}."
    )
    return names, summer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three days by hand

    The diary says 3, 1, 3. The model has a probability for the first day, for the step to the next day, and for the number
    of ices on a day:

    $$P(\text{weather}, \text{ices}) = \pi_{s_1} B_{s_1 o_1} \prod_{t>1} A_{s_{t-1} s_t} B_{s_t o_t}$$

    Three days have eight kinds of weather. Written out:
    """)
    return


@app.cell
def _(names, summer):
    diary = [2, 0, 2]  # three ices, one, three: the columns of `emission`
    by_way = {}
    for _way in product(range(2), repeat=3):
        _p = summer.start[_way[0]] * summer.emission[_way[0], diary[0]]
        for _t in (1, 2):
            _p *= summer.transition[_way[_t - 1], _way[_t]] * summer.emission[_way[_t], diary[_t]]
        by_way[" ".join(names[state] for state in _way)] = float(_p)
    plots.value_bars({"probability": by_way}, y="probability", title="Eight kinds of weather that explain 3, 1, 3")
    return by_way, diary


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The trellis

    The eight ways share their beginnings. All ways that are hot on day 2 go on in the same manner, so they may be added up
    first. `forward` keeps one sum a state and day; in the picture each box holds the sum of all ways that end in it, and
    each arrow what a step adds.
    """)
    return


@app.cell
def _():
    rule = mo.ui.radio(["sum over all ways", "best way"], value="sum over all ways", label="each box keeps the")
    rule
    return (rule,)


@app.cell
def _(diary, names, rule, summer):
    _start, _transition, _scores = chain(summer, diary)
    trellis = np.zeros((3, 2))
    for _t in range(3):
        for _j in range(2):
            _ends = np.full((_t + 1, 2), -np.inf)  # the chain cut after day t, made to end in state j
            _ends[:_t] = _scores[:_t]
            _ends[_t, _j] = _scores[_t, _j]
            if rule.value == "best way":
                trellis[_t, _j] = np.exp(viterbi(_start, _transition, _ends)[1])
            else:
                trellis[_t, _j] = np.exp(forward(_start, _transition, _ends)[_t, _j])
    _boxes = {"start": "start"} | {
        f"{t}{j}": f"day {t + 1}\n{names[j]}\n{trellis[t, j]:.4g}" for t in range(3) for j in range(2)
    }
    _arrows = [("start", f"0{j}", f"{summer.start[j] * summer.emission[j, diary[0]]:.2g}") for j in range(2)]
    _arrows += [
        (f"{t - 1}{i}", f"{t}{j}", f"{summer.transition[i, j] * summer.emission[j, diary[t]]:.2g}")
        for t in (1, 2)
        for i in range(2)
        for j in range(2)
    ]
    _groups = {f"{t}{j}": names[j] for t in range(3) for j in range(2)}
    plots.flow_chart(_boxes, _arrows, groups=_groups, title=f"3, 1, 3: the {rule.value}")
    return (trellis,)


@app.cell
def _(by_way, diary, rule, summer, trellis):
    assert np.isclose(np.exp(log_likelihood(summer, diary)), sum(by_way.values()))
    if rule.value == "best way":
        assert np.isclose(trellis[1, 1], 0.064) and np.isclose(trellis[2].max(), max(by_way.values()))
    else:
        assert np.allclose(trellis[:2], [[0.32, 0.02], [0.0404, 0.069]]), "the numbers of Jurafsky and Martin's book"
        assert np.isclose(trellis[2].sum(), sum(by_way.values()))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With "best way" each box keeps the largest of the two numbers that arrive instead of their sum, and remembers where it
    came from. That is Viterbi's algorithm. Read back from the last day, it gives the weather.
    """)
    return


@app.cell
def _(by_way, diary, names, summer):
    _states, _score = best_states(summer, diary)
    best = " ".join(names[state] for state in _states)
    assert best == max(by_way, key=by_way.get) == "hot cold hot"
    assert np.isclose(np.exp(_score), by_way[best])
    mo.md(
        f"The best weather is **{best}**, of probability {np.exp(_score):.4f}: it is "
        f"{np.exp(_score) / sum(by_way.values()):.0%} of all that explains the diary. One ice is enough to make the middle day cold."
    )
    return (best,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How warm was each day?

    The best way is one way. What all of them say of a day is what came before it (`forward`) times what comes after it
    (`backward`), as a share of everything. Change the middle day and see how far it reaches.
    """)
    return


@app.cell
def _():
    middle = mo.ui.slider(1, 3, value=1, label="ices on the middle day", show_value=True)
    middle
    return (middle,)


@app.cell
def _(middle, names, summer):
    ices = [2, 2, 1, middle.value - 1, 1, 2, 2]
    warm = posteriors(*chain(summer, ices)).states
    plots.heat_map(
        warm.T, rows=names, columns=[f"{one + 1} ices" for one in ices], low=0, high=1, text=True,
        title="How probable each kind of weather is, day by day",
    )  # fmt: skip
    return ices, warm


@app.cell
def _(ices, summer, warm):
    assert np.allclose(warm.sum(1), 1)
    _start, _transition, _scores = chain(summer, ices)
    _meet = forward(_start, _transition, _scores) + backward(_transition, _scores)
    assert np.allclose(np.exp(_meet).sum(1), np.exp(log_likelihood(summer, ices))), "the same sum at every day"
    assert warm[3, 0] < warm[2, 0] if ices[3] == 0 else warm[3, 0] > 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Without ever having seen the weather

    Now only diaries are left, forty of them, and no model. Baum and Welch begin with one that is nearly even, ask it how
    often it believes each beginning, step and ice happened, and take the shares of these counts as the next model. The
    likelihood never falls.
    """)
    return


@app.cell
def _(summer):
    _clear = HMM(summer.start, np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.05, 0.25, 0.7], [0.7, 0.25, 0.05]]))
    _diaries = [draw(_clear, 15, seed)[1] for seed in range(40)]
    learned, likelihoods = random_hmm(2, 3, seed=4), []
    for _ in range(40):
        learned, _likelihood = baum_welch_step(learned, _diaries)
        likelihoods.append(_likelihood / 600)
    truth = sum(log_likelihood(_clear, diary) for diary in _diaries) / 600
    plots.lines(
        list(range(40)), {"learned": likelihoods}, x="steps", y="log likelihood a day, nats",
        levels={"the model that wrote the diaries": truth}, title="Every step explains the diaries at least as well",
    )  # fmt: skip
    return learned, likelihoods, truth


@app.cell
def _(likelihoods, truth):
    assert all(after >= before - 1e-9 for before, after in zip(likelihoods, likelihoods[1:], strict=False))
    assert likelihoods[-1] > truth, "it even fits the diaries' accidents, which the truth does not"
    return


@app.cell
def _(learned):
    plots.heat_map(
        np.concatenate([learned.transition, learned.emission], axis=1), rows=["state 1", "state 2"],
        columns=["to state 1", "to state 2", "1 ice", "2 ices", "3 ices"], low=0, high=1, text=True,
        title="What was learned: states that stay, one that eats one ice and one that eats three",
    )  # fmt: skip
    return


@app.cell
def _(learned):
    _hot = int(learned.emission[:, 2].argmax())
    assert learned.emission[_hot, 2] > 0.5 > 0.2 > learned.emission[1 - _hot, 2]
    assert learned.transition[_hot, _hot] > 0.75 and learned.transition[1 - _hot, 1 - _hot] > 0.65
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Nobody told it that there is such a thing as warm weather; it has two states and no names for them. That is also the
    limit: which state is which, and whether the states are what one hoped for, is nothing that the likelihood knows.

    ## Try

    - Put the slider to 2: two ices are as likely on both kinds of day, and only the neighbours decide.
    - Begin Baum and Welch with `random_hmm(2, 3, seed=...)` of other seeds: with 2 and with 6 the curve stays below
      the level of the truth. No step lowers the likelihood, and none jumps to a higher hill.
    - Give it three states: the likelihood rises further. Does the third state mean anything?

    Write it yourself: `groundup learn start forward`, `viterbi`, then `baum_welch_step`
    """)
    return


if __name__ == "__main__":
    app.run()
