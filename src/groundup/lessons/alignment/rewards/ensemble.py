"""Lesson: several reward models, whose disagreement says where their score is least to be believed."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Several judges, and their doubt", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.rewards.ensemble import Ensemble


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Several judges, and their doubt

    A policy looks for the answers that its reward model likes best. Among many answers these are the good ones, and those about which the
    reward model is most wrong. Afterwards you can take several reward models for one, subtract their doubt, and say when that helps and when it only seems to.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    worth = torch.randn(400, 64, generator=_source)  # what each of 64 answers to 400 prompts is really worth
    odd = torch.rand(400, 64, generator=_source) < 0.1  # answers of a kind that no pair of the training showed
    _error = torch.where(odd, 3.0, 0.4)
    alone = [_error * torch.randn(400, 64, generator=_source) for _ in range(4)]  # the error of each of four judges
    common = _error * torch.randn(400, 64, generator=_source)  # an error that all of them share
    _chosen = (worth + alone[0]).argmax(1, keepdim=True)
    odd_share = float(odd.gather(1, _chosen).float().mean())
    mo.md(
        f"One answer in ten is of an odd kind, and judges guess about it. A policy that takes the best of 64 by one judge's score takes an odd one in "
        f"**{odd_share:.0%}** of the cases."
    )
    return alone, common, odd, odd_share, worth


@app.cell
def _(alone, odd, odd_share, worth):
    assert odd_share > 5 * odd.float().mean()
    _gap = (worth + alone[0]).amax(1).mean() - worth.gather(1, (worth + alone[0]).argmax(1, keepdim=True)).mean()
    plots.histogram(
        {"ordinary": alone[0][~odd], "odd": alone[0][odd]},
        x="how much the judge overrates it",
        title=f"What is chosen is overrated by {_gap:.1f} on average",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three ways to join them

    $$\text{score} = \text{mean} - \text{pessimism} \cdot \text{deviation}$$

    With pessimism 0 it is the mean. With an infinite one the worst judge counts. What lies between trusts an answer less, the more the judges
    are apart about it. A judge here only looks up what it thinks.
    """)
    return


@app.cell
def _():
    class Judge:
        """Answers are numbers of a row; what it thinks of them stands in a table."""

        def __init__(self, table: torch.Tensor):
            self.table = table

        def score_ids(self, prompts: list[list[int]], answers: list[list[list[int]]]) -> list[torch.Tensor]:
            """The scores of several answers to each prompt."""
            return [
                self.table[prompt[0], [one[0] for one in those]] for prompt, those in zip(prompts, answers, strict=True)
            ]

    _two = [Judge(torch.tensor([[1.0, 2.0, 0.0]])), Judge(torch.tensor([[1.0, 0.0, 0.5]]))]
    joined = {
        name: Ensemble(_two, pessimism).score_ids([[0]], [[[0], [1], [2]]])[0].tolist()
        for name, pessimism in (("mean", 0.0), ("mean - deviation", 1.0), ("the worst", float("inf")))
    }
    plots.value_bars(
        {name: {f"answer {number + 1}": one for number, one in enumerate(scores)} for name, scores in joined.items()},
        title="Two judges agree on the first answer",
    )
    return Judge, joined


@app.cell
def _(joined):
    assert joined["mean"] == [1, 1, 0.25], "the mean cannot tell the first from the second"
    assert joined["mean - deviation"] == [1, 0, 0] and joined["the worst"] == [1, 0, 0], (
        "of two, the mean less the deviation is the worst"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The more it looks for, the worse its find

    The best of $n$ answers by a score is what a policy comes to, with $n$ in the place of training. By one judge the true worth of what is chosen rises, and
    then no more: more answers are more chances to be wrong about one. Four judges that are wrong about different answers do better.
    Choose how much of their error they share.
    """)
    return


@app.cell
def _():
    shared = mo.ui.slider(
        steps=[0, 0.25, 0.5, 0.75, 1], value=0, label="share of the error that all have", show_value=True
    )
    shared
    return (shared,)


@app.cell
def _(Judge, alone, common, shared, worth):
    judges = [Judge(worth + shared.value**0.5 * common + (1 - shared.value) ** 0.5 * own) for own in alone]
    _sizes = [1, 2, 4, 8, 16, 32, 64]
    _ways = {
        "one judge": Ensemble(judges[:1], 0.0),
        "mean of four": Ensemble(judges, 0.0),
        "mean - deviation": Ensemble(judges, 1.0),
        "the worst of four": Ensemble(judges, float("inf")),
    }
    reached = {}
    for _name, _way in _ways.items():
        _scores = torch.stack(_way.score_ids([[row] for row in range(400)], [[[one] for one in range(64)]] * 400))
        _best = [_scores[:, :size].argmax(1, keepdim=True) for size in _sizes]
        reached = {**reached, _name: [float(worth.gather(1, one).mean()) for one in _best]}
    plots.lines(
        _sizes,
        reached,
        x="answers to choose from",
        y="true worth of the chosen one",
        log_x=True,
        truth={"a judge that knows": [float(worth[:, :size].amax(1).mean()) for size in _sizes]},
        title=f"{shared.value:.0%} shared: one judge reaches {reached['one judge'][-1]:.2f}, the cautious four {reached['mean - deviation'][-1]:.2f}",
    )
    return judges, reached


@app.cell
def _(reached, shared):
    _one, _mean, _careful, _worst = (made[-1] for made in reached.values())
    if shared.value == 0:
        assert _careful > _mean + 0.3 > _one + 0.6, "independent errors: the mean helps, caution helps more"
    if shared.value == 1:
        assert max(_one, _mean, _careful, _worst) - min(_one, _mean, _careful, _worst) < 1e-4, (
            "four copies of one judge"
        )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much caution

    Too little, and odd answers get through. Too much, and answers are chosen for being ordinary, however good others are. Choose the deviations that are
    taken off.
    """)
    return


@app.cell
def _():
    pessimism = mo.ui.slider(0, 5, step=0.5, value=1, label="pessimism", show_value=True)
    pessimism
    return (pessimism,)


@app.cell
def _(judges, odd, pessimism, worth):
    _all = [[[row] for row in range(400)], [[[one] for one in range(64)]] * 400]
    _steps = [one / 2 for one in range(11)]
    _worth, _odd = [], []
    for _one in _steps:
        _best = torch.stack(Ensemble(judges, _one).score_ids(*_all)).argmax(1, keepdim=True)
        _worth, _odd = (
            [*_worth, float(worth.gather(1, _best).mean())],
            [*_odd, float(odd.gather(1, _best).float().mean())],
        )
    by_caution = dict(zip(_steps, zip(_worth, _odd, strict=True), strict=True))
    plots.lines(
        _steps,
        {"true worth": _worth, "share of odd answers": _odd},
        x="pessimism",
        upright={"chosen": pessimism.value},
        title=f"Pessimism {pessimism.value:g}: worth {by_caution[pessimism.value][0]:.2f}, odd {by_caution[pessimism.value][1]:.0%}",
    )
    return (by_caution,)


@app.cell
def _(by_caution, shared):
    _odd = [share for _, share in by_caution.values()]
    assert shared.value == 1 or _odd[-1] < 0.25 * _odd[0], "caution sorts the odd ones out, as long as the judges differ"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - All of the error shared: four judges are one. Judges that differ by their head and the order of their pairs share most of their error; judges
      that were pretrained apart share less.
    - Three quarters shared: caution still helps, and much less than it promises.
    - Caution of 5: the odd answers are gone, and what is chosen is not better.

    On a model of yours: `groundup align MODEL --method reward --set reward.members=4` makes such judges.
    Choosing the best of n, written by you: `groundup learn start best_of_n`
    """)
    return


if __name__ == "__main__":
    app.run()
