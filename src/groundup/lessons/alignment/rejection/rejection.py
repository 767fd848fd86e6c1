"""Lesson: the best of n answers, what it is worth and how far it is from the model, and learning from it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Best of n: ask more often", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.rejection.rejection import (
        best_of_n,
        best_of_n_distribution,
        best_of_n_divergence,
        best_of_n_reference,
        kept,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Best of n: ask more often

    The simplest way to a better answer: let the model answer several times and keep the best. Afterwards you can tell from one set of
    answers what the best of any n is worth, know how far it is from the model in nats, and have seen a model
    learn from its own best answers.
    """)
    return


@app.cell
def _():
    chance = 1 - 0.9**16
    away = best_of_n_divergence(16)
    mo.md(
        f"A model is right once in ten times. The best of 16 answers is right in **{chance:.0%}** of all cases, and that policy is "
        f"only {away:.2f} nats away from the model. What would reinforcement have to move for that?"
    )
    return away, chance


@app.cell
def _(away, chance):
    assert 0.81 < chance < 0.82
    assert abs(away - (math.log(16) - 15 / 16)) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three answers, by hand

    The rewards are 0, 1 and 2. Of the three pairs the best is 1, 2 and 2: on average $5/3$. Sorted, the i-th of N answers is the best of
    n when the other $n - 1$ stand below it,

    $$w_i = \binom{i-1}{n-1} \Big/ \binom{N}{n}$$

    so one sum over N answers gives the mean over all choices.
    """)
    return


@app.cell
def _():
    three = best_of_n(torch.tensor([[0.0, 1.0, 2.0]]), 2)
    three
    return (three,)


@app.cell
def _(three):
    assert abs(three[0] - 5 / 3) < 1e-6
    _rewards = [0.3, -1.0, 2.5, 2.5, 0.0, 1.0]
    for _n in range(1, 7):
        assert abs(best_of_n(torch.tensor([_rewards]), _n)[0] - best_of_n_reference(_rewards, _n)) < 1e-5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Waste no answer

    64 answers with rewards drawn at random, many times over. What is the best of n worth? One may take the best of the first n, or the mean over all
    choices. Both are right on average. Look at how far they scatter.
    """)
    return


@app.cell
def _():
    n = mo.ui.slider(steps=[2, 4, 8, 16, 32], value=8, label="n", show_value=True)
    n
    return (n,)


@app.cell
def _(n):
    _rewards = torch.rand(2000, 64, generator=torch.Generator().manual_seed(0))
    first, all_choices = _rewards[:, : n.value].amax(1), best_of_n(_rewards, n.value)
    plots.histogram(
        {"the best of the first n": first.tolist(), "the mean over all choices": all_choices.tolist()},
        bins=40,
        title=f"n = {n.value}: deviation {first.std():.3f} against {all_choices.std():.3f}",
    )
    return all_choices, first


@app.cell
def _(all_choices, first, n):
    assert abs(all_choices.mean() - n.value / (n.value + 1)) < 0.01, "uniform rewards: the best of n is n / (n + 1)"
    assert abs(first.mean() - n.value / (n.value + 1)) < 0.02
    assert all_choices.std() < 0.8 * first.std()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far is it?

    Choosing changes the distribution of answers, and the change has a price that needs no model to compute:

    $$KL = \log n - \frac{n-1}{n}$$

    It holds where no two answers have the same reward. Where many tie, as right and wrong do, it is a bound: after the first right
    answer there is nothing left to choose. Move how often the model is right.
    """)
    return


@app.cell
def _():
    right = mo.ui.slider(steps=[0.01, 0.1, 0.3, 0.6], value=0.1, label="probability of a right answer", show_value=True)
    right
    return (right,)


@app.cell
def _(right):
    counts = [1, 2, 4, 8, 16, 32, 64, 128]
    _model = torch.tensor([1 - right.value, right.value], dtype=torch.float64)
    _best = [best_of_n_distribution(_model, torch.tensor([0.0, 1.0], dtype=torch.float64), count) for count in counts]
    exact = [float(torch.special.xlogy(one, one / _model).sum()) for one in _best]
    bound = [best_of_n_divergence(count) for count in counts]
    plots.lines(
        counts,
        {"log n - (n - 1) / n": bound, "right or wrong": exact},
        x="n",
        y="nats from the model",
        log_x=True,
        levels={"always right": -math.log(right.value)},
        title=f"The best of 128 is right in {_best[-1][1]:.0%}",
    )
    return bound, counts, exact


@app.cell
def _(bound, exact, right):
    assert all(one <= most + 1e-12 for one, most in zip(exact, bound, strict=True))
    assert exact[-1] <= -math.log(right.value) + 1e-9, "no nearer to always right than always right itself"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Learn from it

    Answering 16 times is dear. So tune the model on the best of its answers and ask again: rejection-sampling tuning. Five answers with the rewards
    0, 0.1, 0.3, 0.6 and 1; in each round 8 tries, and one step of cross-entropy towards the best. Where all tries are alike there is nothing
    to learn, and none is kept. Choose what the judge sees.
    """)
    return


@app.cell
def _():
    judge = mo.ui.dropdown(["every reward", "only 1 or not", "nothing"], value="every reward", label="the judge sees")
    judge
    return (judge,)


@app.cell
def _(judge):
    worth = torch.tensor([0.0, 0.1, 0.3, 0.6, 1.0])
    _seen = {"every reward": worth, "only 1 or not": (worth == 1).float(), "nothing": torch.zeros(5)}[judge.value]
    _source, _scores, _history = torch.Generator().manual_seed(3), torch.zeros(5), []
    for _ in range(120):
        _chances = _scores.softmax(0)
        _history = [*_history, _chances]
        _tries = torch.multinomial(_chances, 8, replacement=True, generator=_source)
        _best = kept(_seen[_tries].tolist())
        if _best is not None:
            _scores = _scores + 0.3 * (torch.nn.functional.one_hot(_tries[_best], 5) - _chances)
    learned = torch.stack(_history)
    plots.lines(
        range(120),
        {f"reward {value:.1f}": learned[:, number].tolist() for number, value in enumerate(worth.tolist())},
        x="round",
        y="probability",
        title=f"The best answer: from 20 % to {learned[-1, 4]:.0%}",
    )
    return learned, worth


@app.cell
def _(judge, learned, worth):
    if judge.value == "nothing":
        assert torch.equal(learned[-1], learned[0]), "without a difference nothing moves"
    else:
        assert learned[-1, 4] > 0.8 and learned[-1] @ worth > learned[0] @ worth + 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - n of 32 among 64 answers: the mean over all choices scatters far less than the best of one half of them.
    - A model that is right once in a hundred times: the best of 128 is mostly right, and the bound is nearly reached. At 0.6 it is far too high.
    - The judge that sees nothing: not one probability changes.

    Write it yourself: `groundup learn start best_of_n`
    """)
    return


if __name__ == "__main__":
    app.run()
