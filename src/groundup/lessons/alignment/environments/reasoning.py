"""Lesson: reasoning: thoughts as room to compute, rewards for their end, and what more of them is worth."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Reasoning: what a written thought is worth", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.environments.reasoning import answer_of, demonstrations, majority, thoughts
    from groundup.alignment.rewards.verifiable import in_tags, right


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Reasoning: what a written thought is worth

    A model has as many steps for an answer as it has layers, however hard the question is. What it writes first, it can read again: each written
    token is
    one more step. So a sum with three carries that does not fit into four layers fits into a few lines. Afterwards you know the three ways to a
    thinking model
    (show it, reward it, let it think longer) and can say what a vote of many thoughts is worth before taking it.
    """)
    return


@app.cell
def _():
    written = thoughts(4787, 5846)
    mo.md(f"**4787 + 5846**: every step is one that a child knows by heart, `{written}`. The whole is one that nobody does.")
    return (written,)


@app.cell
def _(written):
    _totals = [int(step.split("=")[1]) for step in written.split(", ")]
    assert all(total <= 19 for total in _totals), "two digits and a carry"
    assert int("".join(str(total % 10) for total in reversed(_totals[:-1]))) + 1000 * _totals[-1] == 4787 + 5846
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Show the form

    Reinforcement cannot reward what a model never writes. So it is tuned first on a few written thoughts: `<think>` steps `</think>`, then
    `<answer>`. Only the form must come from
    there, not the skill.
    """)
    return


@app.cell
def _():
    shown = list(demonstrations(1, 4))
    mo.md("\n".join(f"- {talk[0]['content']} `{talk[1]['content']}`" for talk in shown))
    return (shown,)


@app.cell
def _(shown):
    for _talk in shown:
        assert answer_of(_talk[1]["content"]) is not None and _talk[1]["content"].startswith("<think>")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Reward the end

    What is judged is what stands in the answer's tags, and nothing without tags. The thoughts themselves are not judged: whatever leads to right
    answers becomes likelier. Type an answer.
    """)
    return


@app.cell
def _():
    typed = mo.ui.dropdown(
        {
            "thought and right": "<think>4+7=11, 1+4+1=6</think><answer>61</answer>",
            "thought wrongly, right by luck": "<think>4+7=12, so</think><answer>61</answer>",
            "right, without tags": "61",
            "thought well, answered wrongly": "<think>4+7=11, 1+4+1=6</think><answer>51</answer>",
        },
        value="thought and right",
        label="an answer to 14 + 47",
    )
    typed
    return (typed,)


@app.cell
def _(typed):
    judge = in_tags(right)
    mo.md(f"`{typed.value}` is worth **{judge('61', typed.value):.0f}**.")
    return (judge,)


@app.cell
def _(judge, typed):
    assert judge("61", typed.value) == float("<answer>61" in typed.value)
    assert judge("61", "61") == 0, "and so the model keeps the form"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## More thinking at inference: longer

    A budget: whoever still thinks when it is spent must answer. Below, a model in small: each step of its thought goes right with the chance you
    choose; a problem has three
    steps, and who is cut guesses among ten.
    """)
    return


@app.cell
def _():
    chance = mo.ui.slider(0.5, 1.0, step=0.05, value=0.9, label="a step goes right", show_value=True)
    chance
    return (chance,)


@app.cell
def _(chance):
    _NEEDED, OTHERS = 3, 10
    _budgets = list(range(7))

    def _solved(budget):
        """The chance of a right answer with so many steps: all that are needed, or a guess."""
        return chance.value**_NEEDED if budget >= _NEEDED else 1 / OTHERS

    by_length = [_solved(budget) for budget in _budgets]
    plots.lines(
        _budgets,
        {"right": by_length},
        x="steps of thought at most",
        y="share of right answers",
        marked=True,
        title=f"{by_length[0]:.0%} without a thought, {by_length[-1]:.0%} with enough",
    )
    return OTHERS, by_length


@app.cell
def _(by_length, chance):
    assert by_length[0] == 0.1 and by_length[3] == by_length[6] == chance.value**3, "more than needed is worth nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## More thinking at inference: again

    Think several times and take a vote. Right thoughts end in one answer, wrong ones in many: the right answer need not be more likely than not,
    only more likely than each wrong one.
    Choose the number of votes.
    """)
    return


@app.cell
def _():
    votes = mo.ui.slider(steps=[1, 3, 5, 9, 17, 33], value=9, label="votes", show_value=True)
    votes
    return (votes,)


@app.cell
def _(OTHERS, chance, votes):
    def voted(count, rightly, spread=OTHERS - 1, rounds=1500):
        """How often the vote of `count` thoughts is right, when each is with this chance and a wrong one is any of `spread`."""
        source = torch.Generator().manual_seed(count)
        answers = torch.where(
            torch.rand(rounds, count, generator=source) < rightly, 0, torch.randint(1, spread + 1, (rounds, count), generator=source)
        )
        return sum(majority([str(one) for one in row]) == "0" for row in answers.tolist()) / rounds

    _counts = [1, 3, 5, 9, 17, 33]
    single = chance.value**3
    by_votes = {count: voted(count, single) for count in _counts}
    alike = {count: voted(count, single, spread=1) for count in _counts}
    plots.lines(
        _counts,
        {"wrong answers differ": list(by_votes.values()), "wrong answers are all the same": list(alike.values())},
        x="votes",
        y="share of right answers",
        log_x=True,
        marked=True,
        levels={"one thought": single},
        title=f"{votes.value} votes: {by_votes[votes.value]:.0%}, or {alike[votes.value]:.0%}",
    )
    return alike, by_votes, single, voted


@app.cell
def _(alike, by_votes, single, voted):
    assert by_votes[33] > by_votes[1] - 0.04
    assert single < 0.55 or alike[33] >= alike[1] - 0.04
    assert single > 0.45 or alike[33] < alike[1], "where the commonest answer is wrong, a vote makes it surer"
    assert voted(33, 0.4) > 0.85 and voted(33, 0.4, spread=1) < 0.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs

    A vote of $n$ costs $n$ times the tokens and needs no other model; its error falls like $e^{-cn}$ as long as the right answer is the commonest.
    A longer thought costs
    its length once and helps only as long as steps are missing. With a checker there is a third way: of $n$ thoughts take one that passes, which
    is right with $1 - (1 - p)^n$.
    """)
    return


@app.cell
def _(by_votes, single):
    checked = {count: 1 - (1 - single) ** count for count in by_votes}
    plots.lines(
        list(by_votes),
        {"vote": list(by_votes.values()), "a checker picks": list(checked.values())},
        x="thoughts",
        y="share of right answers",
        log_x=True,
        marked=True,
        title="who can check needs fewer thoughts",
    )
    return (checked,)


@app.cell
def _(by_votes, checked, single):
    assert all(checked[count] >= by_votes[count] - 0.03 for count in by_votes)
    assert math.isclose(checked[1], single)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Steps that go right in 70 %: one thought is right in a third of cases, and 33 votes nearly always, because wrong answers differ.
    - Wrong answers all the same (a carry always forgotten): the vote makes the mistake certain.

    Write it yourself: `groundup learn start majority`. A real run, with its picture of score against budget: `groundup align MODEL --environment
    reasoning`
    """)
    return


if __name__ == "__main__":
    app.run()
