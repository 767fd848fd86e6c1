"""Lesson: a thought with an end, and an answer with a beginning."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Thinking: a budget for a thought", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.inference.decoding.config import OFF, SamplingConfig
    from groundup.inference.decoding.thinking import Marks, close_thought, parts, thinking_budget
    from groundup.inference.engine.batching import generate_batch
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Thinking: a budget for a thought

    Models that reason write a thought between two marks, `<think>` and `</think>`, and then their answer. To the model both are tokens like any
    others. Afterwards you know how the two are told apart, and how a thought that does not end is ended.
    """)
    return


@app.cell
def _():
    think = 1
    marks = Marks((think,), (2,))
    model = build(
        Qwen3Config(
            vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, max_position_embeddings=128, tie_word_embeddings=True,
        ),
        seed=2,
    ).eval()  # fmt: skip
    _free = SamplingConfig(max_new_tokens=100, seed=0)
    lengths = []
    for _completion in generate_batch(model, [[token, think] for token in range(3, 33)], _free):
        _found = parts(_completion.ids, marks, begun=True)
        lengths.append(len(_found.thinking) if _found.closed else 100)
    mo.md(
        f"Thirty thoughts of an untrained model, at most 100 tokens each: **{sum(one == 100 for one in lengths)}** never came to an end, "
        f"and the shortest had {min(lengths)} tokens."
    )
    return lengths, marks, model, think


@app.cell
def _(lengths):
    assert len(lengths) == 30 and min(lengths) < 100 == max(lengths)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Forcing the end

    After the budget, the closing tokens are forced one after another: of all logits only one stays possible. Here four rows with thoughts of
    different lengths, a budget of 3, and two closing tokens, 5 and 2. A row that does not think is marked -1.
    """)
    return


@app.cell
def _():
    _logits = torch.zeros(5, 6)
    forced = close_thought(_logits, torch.tensor([-1, 2, 3, 4, 5]), 3, (5, 2))
    plots.heat_map(
        forced.isfinite().float().numpy(),
        rows=["no thought", "2 tokens", "3 tokens", "4 tokens", "5 tokens"],
        columns=[f"token {token}" for token in range(6)],
        title="What may come next (1) with a budget of 3",
        text=True,
    )
    return (forced,)


@app.cell
def _(forced):
    assert forced.isfinite().sum(1).tolist() == [6, 6, 1, 1, 6]
    assert [int(forced[row].argmax()) for row in (2, 3)] == [5, 2]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same thoughts, with a budget

    Move the budget. Thoughts that ended before it stay as they were, the others end there, and the tokens that are left go to the answer.
    """)
    return


@app.cell
def _():
    budget = mo.ui.slider(0, 60, step=10, value=20, label="budget in tokens", show_value=True)
    budget
    return (budget,)


@app.cell
def _(budget, lengths, marks, model, think):
    _order = (thinking_budget(marks, budget.value), *OFF)
    _sampling = SamplingConfig(max_new_tokens=100, seed=0, order=_order)
    limited = [
        parts(one.ids, marks, begun=True)
        for one in generate_batch(model, [[token, think] for token in range(3, 33)], _sampling)
    ]
    plots.lines(
        list(range(30)),
        {"free": sorted(lengths), f"budget {budget.value}": sorted(len(one.thinking) for one in limited)},
        x="thought, by length",
        y="tokens",
        title="How long thoughts are",
    )
    return (limited,)


@app.cell
def _(budget, lengths, limited):
    assert all(one.closed and len(one.thinking) <= budget.value for one in limited)
    assert [len(one.thinking) for one in limited] == [min(length, budget.value) for length in lengths]
    assert all(len(one.thinking) + 1 + len(one.answer) == 100 for one in limited), "one token is the mark"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two fields

    Whoever asks wants the answer, and the thought apart from it. `parts` takes the ids apart. An answer cut off within its thought has none yet;
    what stands before the opening mark belongs to the answer.
    """)
    return


@app.cell
def _(marks, think):
    taken = {
        "whole": parts([think, 7, 8, 9, 2, 5, 6], marks),
        "cut off": parts([think, 7, 8], marks),
        "no thought": parts([5, 6], marks),
    }
    plots.value_bars(
        {
            "thinking": {name: float(len(one.thinking or [])) for name, one in taken.items()},
            "answer": {name: float(len(one.answer)) for name, one in taken.items()},
        },
        y="tokens",
        title="Each answer in its two fields",
    )
    return (taken,)


@app.cell
def _(taken):
    assert taken["whole"].thinking == [7, 8, 9] and taken["whole"].answer == [5, 6] and taken["whole"].closed
    assert taken["cut off"].answer == [] and not taken["cut off"].closed
    assert taken["no thought"].thinking is None
    return


@app.cell
def _(budget, limited):
    shares = sum(len(one.thinking) for one in limited) / 3000
    mo.md(f"With a budget of {budget.value}, **{shares:.0%}** of all tokens went into thoughts.")
    return (shares,)


@app.cell
def _(budget, shares):
    assert shares <= budget.value / 100
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A budget of 0 closes at once. Putting an empty thought, `<think></think>`, behind the prompt does the same, and costs no step.
    - Give `thinking_budget` an `ending`, the tokens of "Time is up." A model that was trained on such sentences answers better behind one.

    Write it yourself: `groundup learn start close_thought`
    """)
    return


if __name__ == "__main__":
    app.run()
