"""Lesson: rewards that a program checks, and how what is checked becomes what is learned."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Rewards that a program checks", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.rewards.verifiable import (
        formatted,
        in_tags,
        last_number,
        length,
        number,
        repetition,
        together,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Rewards that a program checks

    Is a poem good? Only people can say, or a model that has learned from people. Is 3 times 8 equal to 24? A program can say, a million times a day, and it
    cannot be flattered. Afterwards you can write such rewards, put several together, and foresee how a model will cheat each of them.
    """)
    return


@app.cell
def _():
    answers = {
        "right": "<think>3 boxes of 8 are 3 times 8.</think><answer>24</answer>",
        "right, no form": "3 boxes of 8 are 24.",
        "right, long": "<think>" + "Let us see. " * 20 + "8 and 8 and 8 are 24.</think><answer>24</answer>",
        "wrong": "<think>3 and 8 are 11.</think><answer>11</answer>",
        "empty": "<think></think><answer></answer>",
        "hedging": "It is 24, or 11.",
    }
    paid = {name: number(24, text) for name, text in answers.items()}
    mo.md(
        f"Three boxes hold 8 pencils each; how many pencils? Of six answers the last number is taken, as the benchmark GSM8K does, and "
        f"**{sum(paid.values()):.0f}** are paid. Whoever names both numbers is judged by the second."
    )
    return answers, paid


@app.cell
def _(answers, paid):
    assert [name for name, reward in paid.items() if reward] == ["right", "right, no form", "right, long"]
    assert last_number("3 boxes of 1,200 are 3,600.") == 3600 and last_number(answers["empty"]) is None
    plots.value_bars({"reward": paid}, title="Is the last number 24?")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The form

    A model that thinks before it answers should say where its thoughts end. A pattern checks that: thoughts in one pair of tags, then the answer in another,
    and nothing else. With the form checked the answer can be cut out of it, so that a number in the thoughts pays nothing.
    """)
    return


@app.cell
def _(answers):
    form = {name: formatted()(None, text) for name, text in answers.items()}
    inside = {name: in_tags(number)(24, text) for name, text in answers.items()}
    plots.value_bars({"the form": form, "the number in the tags": inside}, title="Two checks")
    return form, inside


@app.cell
def _(form, inside):
    assert form["empty"] == 1 and inside["empty"] == 0, "an empty form is a form"
    assert form["right, no form"] == 0 == inside["right, no form"]
    assert all(inside[name] <= form[name] for name in form)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The length

    A long answer costs time and often hides that nothing is known. Up to a length the reward is 1; then it falls in a line to 0. The line matters: with a
    sharp edge an answer that is one word too long and one that is a hundred words too long are equally bad, and nothing says which way is better.
    Choose where it begins to fall.
    """)
    return


@app.cell
def _():
    free = mo.ui.slider(0, 30, step=5, value=10, label="words that cost nothing", show_value=True)
    free
    return (free,)


@app.cell
def _(free):
    _reward = length(free.value, 40)
    by_length = [_reward(None, "word " * count) for count in range(61)]
    plots.lines(
        range(61),
        {"reward": by_length},
        x="words of the answer",
        y="reward",
        upright={"free": free.value, "most": 40},
        title=f"An answer of 35 words gets {by_length[35]:.2f}",
    )
    return (by_length,)


@app.cell
def _(by_length, free):
    assert by_length[0] == by_length[free.value] == 1 and by_length[40] == by_length[60] == 0
    _falls = [
        one - other for one, other in zip(by_length[free.value : 40], by_length[free.value + 1 : 41], strict=True)
    ]
    assert max(_falls) - min(_falls) < 1e-9, "a straight line: every word costs the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Repeating oneself

    A model that is paid for thinking long soon says the same again and again. The share of its runs of three words that have been there before is taken off.
    """)
    return


@app.cell
def _():
    _texts = {
        "once": "3 boxes of 8 are 24 pencils in all",
        "twice": "3 boxes of 8 are 24 , 3 boxes of 8 are 24",
        "stuck": "so so so so so so so so so so so so",
    }
    debit = {name: repetition(3)(None, text) for name, text in _texts.items()}
    assert debit["once"] == 0 > debit["twice"] > debit["stuck"] > -1
    plots.value_bars({"debit": debit}, title=f"Stuck on one word: {debit['stuck']:.2f}")
    return (debit,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is checked is what is learned

    A policy that can say each of the six answers begins with the same chance for all and follows the gradient of its mean reward. That is what every
    method of reinforcement learning does, without its noise. Choose what is paid, and look at what it says after 400 steps.
    """)
    return


@app.cell
def _():
    rule = mo.ui.dropdown(
        ["the form", "few words", "the number", "the number in the tags", "number, form and length"],
        value="the form",
        label="what is paid",
    )
    rule
    return (rule,)


@app.cell
def _(answers, rule):
    _short = length(4, 30)
    _paying = {
        "the form": formatted(),
        "few words": _short,
        "the number": number,
        "the number in the tags": in_tags(number),
        "number, form and length": together({in_tags(number): 1.0, formatted(): 0.2, _short: 0.2}),
    }[rule.value]
    rewards = torch.tensor([_paying(24, text) for text in answers.values()])
    _scores = torch.zeros(len(answers))
    for _ in range(400):
        _now = torch.softmax(_scores, 0)
        _scores = _scores + _now * (rewards - (_now * rewards).sum())  # the exact gradient of the mean reward
    policy = dict(zip(answers, torch.softmax(_scores, 0).tolist(), strict=True))
    plots.value_bars(
        {"says it with probability": policy},
        title=f"Paid for {rule.value}: right with {sum(share for name, share in policy.items() if name.startswith('right')):.0%}",
    )
    return policy, rewards


@app.cell
def _(policy, rewards, rule):
    _right = sum(share for name, share in policy.items() if name.startswith("right"))
    assert abs(sum(policy.values()) - 1) < 1e-5 and (rewards >= 0).all()
    if rule.value == "the form":
        assert policy["empty"] > 0.2 and policy["wrong"] > 0.2, "the empty form pays as much as the right answer"
    if rule.value == "few words":
        assert max(policy, key=policy.get) in ("empty", "hedging") and _right < 0.5
    if rule.value == "the number in the tags":
        assert _right > 0.95 and policy["right, long"] > 0.3, "nothing says that 50 words of thoughts are too many"
    if rule.value == "number, form and length":
        assert max(policy, key=policy.get) == "right" and policy["right"] > 0.8
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Paid for the form alone, a quarter of what it says is an empty form and another quarter a wrong number. The reward never asked for an answer.
    - Paid for few words: silence, in tags. DeepSeek's R1 was paid for right answers and for the form together, and for nothing else.
    - The sum of three: the short right answer wins, by its length alone. Weights of parts that are easy to win should be small.

    On a model of yours: `groundup align MODEL --method grpo` pays tinyworld's right answers. Write what comes next yourself:
    `groundup learn start group_advantages`
    """)
    return


if __name__ == "__main__":
    app.run()
