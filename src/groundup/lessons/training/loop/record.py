"""Lesson: a speed record: what is on the clock, and why loss per second is not loss per step."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What does a second of training buy?", width="medium")

with app.setup:
    import math
    from collections import Counter

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training.config import TrainConfig
    from groundup.training.loop import record, train
    from groundup.training.objectives.causal import mean_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What does a second of training buy?

    A record needs a rule that two people read in the same way: which text, what is measured, when the clock starts. Afterwards you
    can say why the clock starts with the process, why the whole end of the text is measured, and why the step that learns
    most is not the step that wins.
    """)
    return


@app.cell
def _():
    _text = "".join(document.text + "\n" for document in tinyworld.sample(1, 300))[:60_000]
    _ids, kinds = record.characters(_text)
    learned, measured = record.split(_ids)
    mo.md(
        f"Here is a text of {len(_ids):,} characters, {kinds} different ones. Whoever knows nothing of it is surprised by "
        f"**{math.log(kinds):.2f} nats** a character: the logarithm of {kinds}."
    )
    return kinds, learned, measured


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Nobody has to train for that

    Count how often each character stands behind each pair of characters, in the first 90 % of the text, and read the last 10 %.
    """)
    return


@app.cell
def _(kinds, learned, measured):
    def _counted(order):
        history = learned.tolist()
        seen = Counter(tuple(history[place : place + order]) for place in range(len(history) - order))
        pairs = Counter(tuple(history[place : place + order + 1]) for place in range(len(history) - order))
        new = measured.tolist()
        surprise = 0.0
        for place in range(order, len(new)):
            before = tuple(new[place - order : place])
            surprise -= math.log((pairs[(*before, new[place])] + 0.1) / (seen[before] + 0.1 * kinds))
        return surprise / (len(new) - order)

    counted = {order: _counted(order) for order in (0, 1, 2, 3)}
    mo.md(
        "Held-out nats a character by the characters that are looked at: "
        + ", ".join(f"{order}: **{loss:.2f}**" for order, loss in counted.items())
    )
    return (counted,)


@app.cell
def _(counted, kinds):
    assert math.log(kinds) > counted[0] > counted[1] > counted[2]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That took a moment and no gradient. On tiny Shakespeare counting reaches 1.68 nats in three seconds, and nanoGPT's settings
    for a CPU reach 1.90 in eighty. So the record has a rule: **what the model knows of the text it has learned by gradient
    steps.** It measures an engine, and not who knows the text best.

    ## What is measured

    All of the last tenth, in windows side by side. A sample of it would move by more than what is left to gain.
    """)
    return


@app.cell
def _(measured):
    asked = torch.cat([batch.targets.flatten() for batch in record.held_out(measured, record.WINDOW)])
    mo.md(f"Of {len(measured):,} held-out characters **{len(asked):,}** are asked for, each once: all but the first.")
    return (asked,)


@app.cell
def _(asked, measured):
    assert torch.equal(asked, measured[1:])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four times the batch

    One model, from the same first weights, three ways to spend the same number of characters: many steps of 4 rows, half as
    many of 8, a quarter as many of 16. Every so often all of the last tenth is measured.
    """)
    return


@app.cell
def _(kinds, learned, measured):
    shape = Qwen3Config(
        vocab_size=kinds, hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        head_dim=16, max_position_embeddings=32, tie_word_embeddings=True, initializer_range=0.05,
    )  # fmt: skip

    def _trained(rows):
        config = TrainConfig(steps=320 // rows, batch_size=rows, seq_len=32, **record.SETTINGS)
        module, points = build(shape, seed=1, scheme="look_back"), []

        def measure(event):
            if event.step * rows % 64 == 0:
                points.append((event.step, mean_loss(event.module, record.held_out(measured[:2000], 32))))

        train(module, lambda step: record.drawn(learned, 32, rows, 1, step), config, listeners=[measure])
        return points

    curves = {rows: _trained(rows) for rows in (4, 8, 16)}
    return curves, shape


@app.cell
def _():
    over = mo.ui.radio(["steps", "characters", "seconds of a machine"], value="steps", label="over")
    over
    return (over,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    For the seconds take a machine with a fixed price of a step, 10.7 ms (what has to be called whatever the batch), and one of a
    row, 0.7 ms. That is what the record's own model takes on two cores of an AMD EPYC in bf16: 13.5 ms with 4 rows, 21.9 with 16.
    """)
    return


@app.cell
def _():
    prices = {"a step": 10.7, "a row": 0.7}
    return (prices,)


@app.cell
def _(curves, over, prices):
    def _place(step, rows):
        return {
            "steps": step,
            "characters": step * rows * 32,
            "seconds of a machine": step * (prices["a step"] + prices["a row"] * rows) / 1000,
        }

    places = {rows: [_place(step, rows)[over.value] for step, _ in points] for rows, points in curves.items()}
    drawn_losses = {rows: [loss for _, loss in points] for rows, points in curves.items()}
    plots.scatter(
        [[x, y] for rows in curves for x, y in zip(places[rows], drawn_losses[rows], strict=True)],
        groups=[f"{rows} rows" for rows in curves for _ in places[rows]],
        x=over.value,
        y="held-out nats a character",
        title=f"the same training, over {over.value}",
    )
    return drawn_losses, places


@app.cell
def _(curves):
    _early = {rows: dict(points).get(20 if rows != 4 else 16) for rows, points in curves.items()}
    _last = {rows: points[-1][1] for rows, points in curves.items()}
    assert _early[16] < _early[4]  # at equal steps the larger batch has learned more
    assert _last[4] < _last[16]  # and at equal characters the smaller one
    mo.md(
        f"After about 20 steps: **{_early[4]:.2f}** with 4 rows, {_early[16]:.2f} with 16. After the same characters: "
        f"**{_last[4]:.2f}** and {_last[16]:.2f}. Neither of the two pictures is the record's."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is on the clock

    $$\text{seconds} = \text{start} + \text{steps} \cdot (\text{fixed} + \text{rows} \cdot \text{row}) + \text{measuring}$$

    Starting is importing torch: 1.2 of the record's 6 seconds. A step's fixed part is small operations and the optimiser; the
    part of a row is matrix products. So the question is never "what learns most from a step" but "what learns most from
    a second", and the answer changes with the machine.
    """)
    return


@app.cell
def _(prices, shape):
    work = {rows: count(shape).training_flops_per_token(32) * 32 * rows for rows in (4, 8, 16)}
    plots.value_bars(
        {
            "fixed, ms": {f"{rows} rows": prices["a step"] for rows in work},
            "rows, ms": {f"{rows} rows": prices["a row"] * rows for rows in work},
        },
        title="what a step costs on that machine",
    )
    return (work,)


@app.cell
def _(prices, work):
    assert work[16] == 4 * work[4]
    _cost = {rows: prices["a step"] + prices["a row"] * rows for rows in work}
    assert _cost[16] < 2 * _cost[4]  # four times the rows for less than twice the time
    mo.md(f"16 rows cost {_cost[16] / _cost[4]:.1f} times what 4 cost. The record takes 16.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `groundup bench record` runs it on your machine and keeps the result; `--text` takes a text of yours, `--target 1.60` the longer race
    - choose "seconds of a machine": which batch is ahead now, and for how long?
    - change the price of a step to 2 ms, as on a machine with one very fast core: which batch wins then?

    docs/record.md lists what was tried, and what did not help.
    """)
    return


if __name__ == "__main__":
    app.run()
