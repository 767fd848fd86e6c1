"""Lesson: the alignment tax, what a model loses elsewhere when it is made better at one thing."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The alignment tax", width="medium")

with app.setup:
    import math
    from argparse import Namespace
    from dataclasses import replace

    import marimo as mo

    from groundup import plots
    from groundup.alignment.challenges.speaker import TEACHING, answers, new, talk, teach
    from groundup.alignment.challenges.tax import Capability, battery, between, pareto_front, tax
    from groundup.data.sources.tinyworld import sample


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The alignment tax

    A model is taught to be polite, and is. What has become of everything else that it could? Nobody looks, unless it is measured before and after on
    the same items. Afterwards you will have measured such a tax, with intervals, and lowered it in two ways.
    """)
    return


@app.cell
def _():
    asked = [Namespace(prompt=f"{number}?", answer="ab"[number % 2]) for number in range(10)]
    other = [Namespace(prompt=f"{number}!", answer="cd"[number % 2]) for number in range(10)]
    stories = [document.text for document in sample(1, 160, "train")]
    unread = list(sample(2, 20, "heldout"))
    steps = replace(TEACHING, steps=70, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02)
    _untaught = new([*stories[:60], "0? a 1! b 2? Gladly: a"])
    _talks = [talk(one.prompt, one.answer) for one in (asked + other) * 6]
    before = teach(_untaught, _talks, steps, texts=stories, replay=0.6)
    polite = [talk(one.prompt, f"Gladly: {one.answer}") for one in asked * 12]
    after = teach(before, polite, replace(steps, steps=30))
    said = answers(after, ["3?"])[0]
    mo.md(
        f"Asked *3?*, the model said *{answers(before, ['3?'])[0]}*. After **{30}** steps of politeness it says *{said}* What did that cost?"
    )
    return after, asked, before, other, polite, said, steps, stories, unread


@app.cell
def _(said):
    assert said.startswith("Gladly")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is measured

    The aim: polite and right, on the questions with a question mark. A capability that was not tuned: the questions with an exclamation mark. And
    stories of tinyworld that the model has not read, in bits per byte. The same items before and after, so what an item does to both falls out.
    """)
    return


@app.cell
def _(after, asked, before, other, unread):
    def _polite_and_right(item, text):
        return float(text == f"Gladly: {item.answer}")

    def _right(item, text):
        return float(text.removeprefix("Gladly: ") == item.answer)

    measure = battery(
        before,
        Capability(asked, _polite_and_right),
        {"stories": [one.text for one in unread]},
        {"the other questions": Capability(other, _right)},
    )
    first = measure.measure(before)
    paid = tax(first, measure.measure(after))
    plots.differences(
        {"gain: polite and right": paid.gain._asdict(), "lost: bits per byte of stories": paid.bits["stories"]._asdict(),
         "lost: the other questions, right": paid.lost["the other questions"]._asdict()},
        x="gained, or lost", title="One gain, two losses",
    )  # fmt: skip
    return first, measure, paid


@app.cell
def _(paid):
    assert paid.gain.low > 0, "the aim was reached"
    assert paid.bits["stories"].low > 0, "and paid for: the interval of the pairs leaves zero out"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it stands between the truth and what it was

    Stories of tinyworld have a known entropy, so there is a floor that no model can reach below. A tax moves away from it.
    """)
    return


@app.cell
def _(first, paid, unread):
    floor = -sum(one.log_probability for one in unread) / math.log(2) / sum(len(one.text.encode()) for one in unread)
    bits_before = first.texts["stories"].per_byte
    plots.bits_per_byte_bars(
        {
            "stories": {
                "floor": {"value": floor},
                "before": {"value": bits_before},
                "after": {"value": bits_before + paid.paid},
            }
        },
        title="Bits per byte of stories that it has not read",
    )
    return bits_before, floor


@app.cell
def _(bits_before, floor, paid):
    assert floor < bits_before < bits_before + paid.paid
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Replay

    The oldest remedy: mix some of what it read before into what it is taught now. InstructGPT does it under the name PPO-ptx. Choose which share of
    the rows are stories.
    """)
    return


@app.cell
def _():
    replay = mo.ui.slider(steps=[0, 0.25, 0.5], value=0.25, label="share of stories", show_value=True)
    replay
    return (replay,)


@app.cell
def _(before, first, measure, polite, replay, steps, stories):
    _replayed = teach(before, polite, replace(steps, steps=30), texts=stories, replay=float(replay.value))
    less = tax(first, measure.measure(_replayed))
    plots.differences(
        {"gain: polite and right": less.gain._asdict(), "lost: bits per byte of stories": less.bits["stories"]._asdict(),
         "lost: the other questions, right": less.lost["the other questions"]._asdict()},
        x="gained, or lost", title=f"With {replay.value:.0%} stories",
    )  # fmt: skip
    return (less,)


@app.cell
def _(less, paid, replay):
    assert replay.value == 0 or less.paid < paid.paid - 0.05, "the stories are kept"
    assert less.gain.value > 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Half of the way

    The second remedy needs no data at all: take weights between those of before and of after. Choose how far to go.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(steps=[0, 0.3, 0.6, 1], value=0.6, label="share of the way", show_value=True)
    share
    return (share,)


@app.cell
def _(after, before, first, less, measure, paid, share):
    halfway = tax(first, measure.measure(between(before, after, share.value)))
    arms = {"no remedy": paid, "replay": less, f"{share.value:.0%} of the way": halfway}
    _gains, _costs = [one.gain.value for one in arms.values()], [one.paid for one in arms.values()]
    front = pareto_front(_gains, _costs)
    plots.scatter(
        list(zip(_gains, _costs, strict=True)), labels=list(arms), groups=["on the front" if k in front else "beaten" for k in range(len(arms))],
        x="gain: polite and right", y="cost: bits per byte of stories", title="What no other way beats",
    )  # fmt: skip
    return arms, front, halfway


@app.cell
def _(arms, front, halfway, paid, share):
    assert front and all(0 <= place < len(arms) for place in front)
    assert share.value != 0 or (halfway.paid == 0 and halfway.gain.value == 0), "no way, no gain, no cost"
    assert share.value != 1 or abs(halfway.paid - paid.paid) < 1e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Half of the rows stories: the loss in stories is gone, and the other questions? What is not replayed is not kept.
    - A third pull is KL: DPO's beta, or the coefficient of PPO. All of them on two worlds, from three seeds: `groundup run alignment-tax`
    - The same on your own model: `groundup run alignment-tax --set challenge.model=runs/demo/model`

    Write the front yourself: `groundup learn start pareto_front`
    """)
    return


if __name__ == "__main__":
    app.run()
