"""Lesson: process rewards, a score for each step, so that the first wrong one is found and not only the wrong end."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A score for each step", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.rewards import process
    from groundup.alignment.rewards.config import RewardConfig
    from groundup.alignment.rewards.process import Solution, labels_by_completing, whole
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A score for each step

    A long solution ends in a wrong number. Where did it go wrong? A reward for the end alone cannot say: it blames all steps alike, the nineteen right
    ones and the one slip. Afterwards you can put the scores of steps together to one for the whole, make labels for steps without asking anybody, and
    train a model that finds the slip.
    """)
    return


@app.cell
def _():
    all_right = 0.95**20
    mo.md(
        f"Twenty steps, each right in 95 of 100 cases: all of them are right in **{all_right:.0%}** of the solutions. "
        "So nearly every wrong solution is nearly right."
    )
    return (all_right,)


@app.cell
def _(all_right):
    assert 0.35 < all_right < 0.36
    plots.lines(
        range(1, 31),
        {f"each right in {one:.0%}": [one**count for count in range(1, 31)] for one in (0.99, 0.95, 0.9)},
        x="steps",
        y="chance that all are right",
        title="A chain of steps",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From steps to the whole

    If a model says of each step how likely it is right, the solution is right with the **product** of these, as long as they do not depend on each other. The
    **least** of them asks how strong the weakest link is, and does not punish length. The **last** is what a reward for the end looks at. Choose how
    likely the third of five steps is right; the others are at 90 %.
    """)
    return


@app.cell
def _():
    third = mo.ui.slider(0.1, 0.9, step=0.2, value=0.1, label="the third step is right with", show_value=True)
    third
    return (third,)


@app.cell
def _(third):
    _steps = torch.tensor([0.9, 0.9, third.value, 0.9, 0.9])
    worth = {by: whole(_steps, by) for by in ("product", "least", "last")}
    plots.value_bars(
        {"of the whole": worth},
        levels={"five steps at 70 %": 0.7**5},
        title=f"By its steps {worth['product']:.0%}, by its end {worth['last']:.0%}",
    )
    return (worth,)


@app.cell
def _(third, worth):
    assert abs(worth["product"] - 0.9**4 * third.value) < 1e-6 and abs(worth["least"] - third.value) < 1e-6
    assert abs(worth["last"] - 0.9) < 1e-6, "whatever happened before"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Labels that nobody wrote

    OpenAI paid people for 800,000 labels of steps. Math-Shepherd asks the model itself: go on from here, several times. If some of the continuations reach
    the right answer, the step was probably right; after a slip none does, or only by luck. Here a clerk adds 3, 4, 5 and 2, makes a slip in the third line,
    and the continuations add what is left, with a slip in one of ten lines. Choose how many there are.
    """)
    return


@app.cell
def _():
    tries = mo.ui.slider(steps=[1, 4, 16, 64], value=16, label="continuations", show_value=True)
    tries
    return (tries,)


@app.cell
def _(tries):
    _source = torch.Generator().manual_seed(3)
    _lines = ["3\n", "+4=7\n", "+5=13\n", "+2=15\n"]  # 7 + 5 are 12

    def _complete(text: str) -> str:
        """Adds the numbers that are not there yet."""
        _sum, _made = int(text.strip().rpartition("\n")[2].rpartition("=")[2]), ""
        for _number in [4, 5, 2][text.count("\n") - 1 :]:
            _sum += _number + int(torch.rand(1, generator=_source).item() < 0.1)
            _made += f"+{_number}={_sum}\n"
        return _made

    labels = labels_by_completing(_lines, _complete, lambda text: text.strip().endswith("=14"), tries.value)
    plots.value_bars(
        {"share that reaches 14": {line.strip(): share for line, share in zip(_lines, labels, strict=True)}},
        title=f"{tries.value} continuations from each line",
    )
    return (labels,)


@app.cell
def _(labels, tries):
    assert labels[2] == labels[3] == 0, "two lines with a slip each could only make it worse"
    assert tries.value < 16 or (labels[0] > 0.4 and labels[1] > 0.5)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model that judges steps

    One number at every token, read where a step ends, and the surprise of its label there. The solutions here are chains of four steps. A step is a digit
    and three times that digit, of which the last place is written: 7 gives 1. In one step of five it is another digit.
    """)
    return


@app.cell
def _():
    def _chains(count: int, seed: int) -> list[Solution]:
        """Solutions with some wrong steps; tokens 0 to 9 are the digits, 10 to 19 the results, 20 begins."""
        _source = torch.Generator().manual_seed(seed)
        _digits = torch.randint(0, 10, (count, 4), generator=_source)
        _wrong = torch.rand(count, 4, generator=_source) < 0.2
        _off = torch.randint(1, 10, (count, 4), generator=_source)
        _results = (3 * _digits + _off * _wrong) % 10
        return [
            Solution(
                [20], [[digit, 10 + result] for digit, result in zip(*row, strict=True)], [not one for one in wrong]
            )
            for *row, wrong in zip(_digits.tolist(), _results.tolist(), _wrong.tolist(), strict=True)
        ]

    learned, unseen = _chains(400, 0), _chains(100, 1)
    mo.md(
        f"Of 400 chains {sum(all(one.right) for one in learned)} are right to the end, of their 1,600 steps **{sum(sum(one.right) for one in learned)}**."
    )
    return learned, unseen


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The same model learns twice from the same chains: once with a label for each step, once with what a reward for the end knows, which is whether there was
    a slip anywhere. Then both judge the steps of chains that they have not seen.
    """)
    return


@app.cell
def _(learned, unseen):
    _config = Qwen3Config(
        vocab_size=21, hidden_size=48, intermediate_size=96, num_hidden_layers=2, head_dim=16, num_attention_heads=3, num_key_value_heads=3,
        max_position_embeddings=16, tie_word_embeddings=True,
    )  # fmt: skip
    _rates = RewardConfig(
        epochs=8.0, batch_size=40, optimizer="muon", learning_rate=0.01, matrix_learning_rate=0.02, warmup_steps=0, checkpoint_every=0
    )  # fmt: skip
    _told = {
        "each step": learned,
        "only the end": [Solution(one.prompt_ids, one.steps, [all(one.right)] * 4) for one in learned],
    }
    _judges = {name: process.fit(build(_config, seed=0), given, _rates)[0] for name, given in _told.items()}
    said = {
        name: torch.stack([process.step_probabilities(judge, one) for one in unseen]) for name, judge in _judges.items()
    }
    truth = torch.tensor([one.right for one in unseen])
    _one_slip = (~truth).sum(1) == 1
    found = {
        name: float((one.argmin(1) == (~truth).float().argmax(1))[_one_slip].float().mean())
        for name, one in said.items()
    }
    plots.value_bars(
        {"the slip is the step with the lowest score": found},
        levels={"by chance": 0.25},
        title=f"{int(_one_slip.sum())} unseen chains with one slip",
    )
    return found, said, truth


@app.cell
def _(found):
    assert found["each step"] > 0.9 and found["each step"] > found["only the end"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Look at single chains: each row is one, each column a step. What the first judge marks is the slip. The second judge turns doubtful there and stays
    so to the end, for it has learned whether all is well, which is another question.
    """)
    return


@app.cell
def _():
    judge = mo.ui.dropdown(["each step", "only the end"], value="each step", label="was told about")
    judge
    return (judge,)


@app.cell
def _(judge, said, truth):
    _rows = (~truth).any(1).nonzero().flatten()[:10].tolist()
    shown = said[judge.value][_rows]
    plots.heat_map(
        shown.tolist(),
        columns=[f"step {number}" for number in range(1, 5)],
        rows=[
            f"chain {row}, slip in {', '.join(str(place + 1) for place in range(4) if not truth[row, place])}"
            for row in _rows
        ],
        title="How likely each step is right",
    )
    return (shown,)


@app.cell
def _(judge, said, truth):
    _first = (~truth).float().argmax(1)
    _after = (
        torch.tensor([[place > first for place in range(4)] for first in _first.tolist()])
        & truth
        & (~truth).any(1)[:, None]
    )
    _doubt = float(said[judge.value][_after].mean())
    if judge.value == "each step":
        assert _doubt > 0.8, "right steps behind a slip are right"
    else:
        assert _doubt < 0.5, "nothing behind a slip can make the end right"
    mo.md(f"Right steps behind a slip get **{_doubt:.0%}** on average from this judge.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One continuation: a right line is now and then called wrong, because the continuation slipped. Sixteen say which lines are good.
    - The third step at 10 %: the end looks as good as ever.
    - The judge that was told about the end alone is a value function: it says what may still come of a solution. PPO learns just that, at every token.

    Write the loss for whole answers yourself: `groundup learn start bradley_terry_loss`, and what a value function is for: `groundup learn start gae`
    """)
    return


if __name__ == "__main__":
    app.run()
