"""Lesson: small tasks with one right answer, and grokking: known by heart first, understood much later."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Grokking: by heart first, the rule much later", width="medium")

with app.setup:
    import random

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.data.sources.algorithmic import draw, split
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.algorithmic import after_mark, answers_only, exact_answers
    from groundup.training.objectives.causal import causal_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Grokking: by heart first, the rule much later

    A small transformer learns a part of a subtraction table. Within a few hundred steps it knows that part, and nothing else. Go on, and it finds the
    rule. Afterwards
    you can make tasks whose answers are counted exactly, ask a model for answers alone, and say what the training loss does not tell.
    """)
    return


@app.cell
def _():
    # `groundup run grokking --set train.steps=1850`, seed 1, bf16, one thread of a two-core machine:
    # step, trained exact %, held-out exact %
    stored = [
        (50, 4, 2), (100, 5, 1), (150, 9, 0), (200, 12, 0), (250, 58, 0), (300, 100, 2), (350, 100, 2), (400, 100, 2), (450, 100, 2),
        (500, 100, 2), (550, 100, 4), (600, 100, 4), (650, 100, 5), (700, 100, 4), (750, 100, 3), (800, 100, 3), (850, 100, 87),
        (900, 100, 92), (950, 100, 93), (1000, 100, 91), (1050, 100, 87), (1100, 100, 81), (1150, 59, 27), (1200, 100, 100),
        (1250, 100, 99), (1300, 100, 100), (1350, 100, 100), (1400, 100, 100), (1450, 100, 100), (1500, 100, 100), (1550, 100, 95),
        (1600, 100, 98), (1650, 100, 99), (1700, 100, 99), (1750, 100, 99), (1800, 100, 99), (1850, 100, 99),
    ]  # fmt: skip
    by_heart = next(step for step, trained, _ in stored if trained >= 99)
    understood = next(step for step, _, heldout in stored if heldout >= 99)
    mo.md(
        f"$a - b$ modulo 31: **{by_heart}** steps until all that was shown is answered right, "
        f"**{understood}** until the rest is, which was never shown."
    )
    return by_heart, stored, understood


@app.cell
def _(by_heart, stored, understood):
    assert understood >= 4 * by_heart
    _between = [heldout for step, _, heldout in stored if by_heart <= step <= 2.5 * by_heart]
    assert max(_between) <= 5, "for a long time nothing happens: one in 31 is what guessing gives"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Tasks with one right answer

    Every problem is a text, `question = answer`. An answer with one wrong token counts as wrong, so the score needs no judge.
    """)
    return


@app.cell
def _():
    size = mo.ui.slider(1, 8, value=4, label="digits at most", show_value=True)
    size
    return (size,)


@app.cell
def _(size):
    _source = random.Random(0)
    problems = [draw(task, size.value, _source) for task in ("copy", "reverse", "sort", "addition") for _ in range(2)]
    mo.md("| task | text |\n|---|---|\n" + "\n".join(f"| {one.task} | `{one.text}` |" for one in problems))
    return (problems,)


@app.cell
def _(problems):
    for _one in problems:
        if _one.task == "addition":
            assert sum(map(int, _one.question.split(" + "))) == int(_one.answer)
        else:
            assert sorted(_one.question) == sorted(_one.answer)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Asked for the answer alone

    The numbers of a question were drawn at random: nothing can be learned of them, and their surprise would hide how the answer's falls. So only what
    follows the
    `=` is asked for. Two problems in one row, and padding behind them:
    """)
    return


@app.cell
def _():
    MINUS, EQUALS, END = 11, 12, 13  # ids of the signs; a number is its own id
    _row = [END, 7, MINUS, 9, EQUALS, 9, END, 3, MINUS, 1, EQUALS, 2, END, END]
    _documents = torch.tensor([[0] * 6 + [1] * 6 + [-1] * 2])
    asked = after_mark(torch.tensor([_row]), _documents, EQUALS)
    plots.heat_map(
        torch.stack([asked[0].float(), (_documents[0] + 1) / 2]),
        rows=["asked for what follows", "document"],
        columns=[f"{place}: {'-=.'[one - MINUS] if one >= MINUS else one}" for place, one in enumerate(_row)],
        title="Which places are asked",
    )
    return END, EQUALS, MINUS, asked


@app.cell
def _(asked):
    assert asked[0].nonzero()[:, 0].tolist() == [4, 5, 10, 11], "at the = for the answer, at the answer for the end"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By heart

    Here, now: all 121 questions $a - b$ modulo 11, of which some are trained. 250 steps are a second or two, enough to know them by heart. Choose how many are
    trained.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0.3, 0.7, step=0.2, value=0.5, label="part that is trained", show_value=True)
    share
    return (share,)


@app.cell
def _(END, EQUALS, MINUS, share):
    def _rows(problems):
        """Problems as a batch, one a row, asked for their answers."""
        ids = torch.tensor(
            [[END, int(a), MINUS, int(b), EQUALS, int(c), END] for a, _, b, c in map(_numbers, problems)]
        )
        zeros = torch.zeros(len(ids), 6, dtype=torch.long)
        plain = Batch(ids[:, :-1], ids[:, 1:], zeros == 0, zeros, torch.arange(6).expand(len(ids), 6))
        return answers_only(plain, EQUALS)

    def _numbers(problem):
        """The two numbers, the sign between them, and the answer."""
        return *problem.question.split(), problem.answer

    trained, held_out = (_rows(part) for part in split("modular_subtraction", 11, share.value, 0, 1))
    mo.md(f"{len(trained.input_ids)} questions are trained, {len(held_out.input_ids)} held out.")
    return held_out, trained


@app.cell
def _(held_out, trained):
    _module = build(
        LlamaConfig(
            vocab_size=14,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=8,
        ),
        seed=1,
        scheme="normal",
    )
    scores = {"trained": [], "held out": []}

    def _look(event):
        for name, batch in (("trained", trained), ("held out", held_out)):
            right, count = exact_answers(event.module, batch)
            scores[name].append(right / count)

    train(
        _module,
        lambda number: trained,
        TrainConfig(
            steps=250, batch_size=len(trained.input_ids), seq_len=6, optimizer="adamw", learning_rate=0.003, weight_decay=1.0,
            schedule="constant", warmup_steps=10,
        ),
        objective=causal_loss,
        listeners=[_look],
    )  # fmt: skip
    plots.lines(range(1, 251), scores, x="step", y="exact answers", title="250 steps: known by heart")
    return (scores,)


@app.cell
def _(scores):
    assert scores["trained"][-1] == 1.0, "all that was shown is known"
    assert scores["held out"][-1] < 0.7, "the rest is not"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## And then

    Most would stop here: the training loss is 0.0001. This is what comes after, on the larger table, from a run that was kept because it takes half a
    minute and
    more: `groundup run grokking --set train.steps=1850`. Weight decay goes on pulling at the weights that the memory needs; the rule needs smaller ones,
    so in the end it wins.
    """)
    return


@app.cell
def _(stored):
    _steps = [step for step, _, _ in stored]
    plots.lines(
        _steps,
        {
            "trained": [trained / 100 for _, trained, _ in stored],
            "held out": [heldout / 100 for _, _, heldout in stored],
        },
        x="step",
        y="exact answers",
        log_x=True,
        title="a - b modulo 31, 60 % of the table trained: a stored run",
    )
    return


@app.cell
def _(stored):
    assert all(heldout <= 5 for step, _, heldout in stored if step <= 800)
    assert stored[-1][2] >= 95
    assert min(trained for step, trained, _ in stored if step > 1000) < 70, (
        "it is no smooth road: a step can throw it back"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Between steps 300 and 800 nothing that training is told says that anything happens. Those who looked inside (Nanda and others, 2023) found circles
    growing meanwhile: numbers
    placed as angles, which are then added.

    ## Try

    - Train 30 % here, and 70 %: the more there is to know by heart, the longer it takes; the rest stays at guessing either way.
    - `groundup run grokking --set train.weight_decay=0`: known by heart as fast; how long does the rule take?
    - `groundup run grokking --set machine.dtype=float32`: in bf16 this seed found the rule by step 1,200, in fp32 not by 1,500. One seed is no law.
    - `groundup run grokking --set data.algorithmic_share=0.8`: with so much shown, hardly any delay is left.
    - `groundup run grokking --set data.algorithmic=modular_addition`: $a + b = b + a$, so half of what is held out was shown the other way round.

    Write it yourself: `groundup learn start after_mark`
    """)
    return


if __name__ == "__main__":
    app.run()
