"""Lesson: REINFORCE and RLOO: a baseline changes nothing on average and very much in a single step."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="RLOO: praise is what is left when the others are subtracted", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.reinforce import policy_gradient_loss
    from groundup.alignment.rloo import rloo_advantages


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # RLOO: praise is what is left when the others are subtracted

    Push up what was rewarded: that is REINFORCE, and it is right on average. Yet with rewards of 10 and 11 every answer is pushed up, good or
    bad, and what is learned is the small
    difference of two large pushes. Afterwards you can take the noise out without changing the mean, and know why an answer must not be part of
    its own yardstick.
    """)
    return


@app.cell
def _():
    worth = torch.tensor([0.0, 0.1, 0.3, 0.6, 1.0])
    chances = torch.tensor([0.35, 0.25, 0.2, 0.15, 0.05])

    def pushes(rewards, answers):
        """The policy gradient of each drawn answer alone, on the five scores behind the chances."""
        return rewards[:, None] * (torch.nn.functional.one_hot(answers, 5) - chances)

    _source = torch.Generator().manual_seed(0)
    drawn = torch.multinomial(chances, 20_000, replacement=True, generator=_source)
    plain = pushes(10 + worth[drawn], drawn)
    calm = pushes(worth[drawn] - worth @ chances, drawn)
    ratio = float(plain.var(0).sum() / calm.var(0).sum())
    mo.md(
        f"Five answers worth 10 to 11 points. Subtract what was to be expected, and a single push has **{ratio:,.0f} times** less "
        f"variance. The mean push is the "
        f"same. A step with one answer then teaches as much as one with {ratio:,.0f}."
    )
    return calm, chances, drawn, plain, pushes, ratio, worth


@app.cell
def _(calm, chances, plain, ratio, worth):
    exact = chances * (worth - worth @ chances)  # the gradient of the mean reward itself
    assert ratio > 100
    assert (calm.mean(0) - exact).abs().max() < 0.01
    assert (plain.mean(0) - exact).abs().max() < 0.15, "right on average too, but 20,000 answers are few"
    return (exact,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why it changes nothing on average

    $$\sum_y p(y)\, b\, \nabla \log p(y) = b\, \nabla \sum_y p(y) = b\, \nabla 1 = 0$$

    A baseline $b$ that does not depend on the answer pushes all answers by their own probability, and these pushes cancel. How much noise it
    leaves depends on $b$. Move it; the rewards are
    0 to 1 here.
    """)
    return


@app.cell
def _():
    baseline = mo.ui.slider(-2, 2, step=0.25, value=0, label="baseline", show_value=True)
    baseline
    return (baseline,)


@app.cell
def _(baseline, chances, drawn, pushes, worth):
    _tried = torch.linspace(-2, 2, 33)
    _spread = [float(pushes(worth[drawn] - one, drawn).var(0).sum()) for one in _tried]
    here = pushes(worth[drawn] - baseline.value, drawn)
    best = float(_tried[torch.tensor(_spread).argmin()])
    plots.lines(
        _tried,
        {"variance of a push": _spread},
        x="baseline",
        y="variance, summed over the five scores",
        marked=baseline.value,
        title=f"{float(here.var(0).sum()):.2f} at {baseline.value:.2f}; the mean reward is {float(worth @ chances):.2f}",
    )
    return best, here


@app.cell
def _(baseline, best, chances, exact, here, worth):
    assert (here.mean(0) - exact).abs().max() < 0.04, "wherever it stands, the mean push is the same"
    assert abs(best - float(worth @ chances)) < 0.3, "the least noise is near the mean reward"
    assert float(here.var(0).sum()) > 0.5 or abs(baseline.value) < 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The others as the yardstick

    Nobody knows the mean reward of a prompt beforehand. But ask for several answers, and for each of them the mean of the *others* is a guess
    that does not depend on it. With its own reward in the
    mean, an answer would take $1/G$ of its praise away: the push is then right in direction and too short. Choose the size of the group.
    """)
    return


@app.cell
def _():
    group = mo.ui.slider(steps=[2, 4, 8, 16], value=4, label="answers to one prompt", show_value=True)
    group
    return (group,)


@app.cell
def _(drawn, exact, group, pushes, worth):
    _groups = worth[drawn].reshape(-1, group.value)
    _ways = {
        "no baseline": _groups,
        "mean of all": _groups - _groups.mean(1, keepdim=True),
        "mean of the others": rloo_advantages(_groups),
    }
    lengths = {
        name: float(pushes(one.flatten(), drawn).mean(0) @ exact / (exact @ exact)) for name, one in _ways.items()
    }
    spreads = {name: float(pushes(one.flatten(), drawn).var(0).sum()) for name, one in _ways.items()}
    plots.value_bars(
        {"mean push, as a share of the right one": lengths, "variance of a push": spreads},
        x="",
        y="",
        title=f"Groups of {group.value}: with itself in the mean a push is {lengths['mean of all']:.0%} of what it should be",
    )
    return lengths, spreads


@app.cell
def _(group, lengths, spreads):
    assert abs(lengths["mean of the others"] - 1) < 0.1 and abs(lengths["mean of all"] - (1 - 1 / group.value)) < 0.1
    assert spreads["mean of the others"] < spreads["no baseline"] or group.value == 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which is steadier

    A small policy with five scores, learning from 16 answers a step for 60 steps, 40 times from different seeds. Without a baseline some runs
    settle on an answer that was merely tried early. Choose what is
    added to all rewards.
    """)
    return


@app.cell
def _():
    offset = mo.ui.slider(steps=[0, 1, 3, 10], value=3, label="added to every reward", show_value=True)
    offset
    return (offset,)


@app.cell
def _(offset, worth):
    def _learned(judge):
        """The mean reward of 40 learners after each of 60 steps."""
        source, scores, told = torch.Generator().manual_seed(1), torch.zeros(40, 5), []
        for _ in range(60):
            scores = scores.detach().requires_grad_()
            now = scores.log_softmax(1)
            tries = torch.multinomial(now.detach().exp(), 16, replacement=True, generator=source)
            advantages = judge(offset.value + worth[tries])
            loss = policy_gradient_loss(now.gather(1, tries).flatten(), advantages.flatten()).sum() / 16
            scores = scores - 0.5 * torch.autograd.grad(loss, scores)[0]
            told = [*told, (now.detach().exp() @ worth)]
        return torch.stack(told)

    curves = {"no baseline": _learned(lambda rewards: rewards), "RLOO": _learned(rloo_advantages)}
    plots.lines(
        range(1, 61),
        {name: one.mean(1).tolist() for name, one in curves.items()},
        x="step",
        y="mean reward of 40 learners, the offset left out",
        title=", ".join(f"{name}: {float(one[-1].mean()):.2f}" for name, one in curves.items()),
    )
    return (curves,)


@app.cell
def _(curves, offset):
    _last = {name: float(one[-1].mean()) for name, one in curves.items()}
    assert _last["RLOO"] > 0.6
    assert offset.value < 3 or _last["RLOO"] > _last["no baseline"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Add 10 to every reward: RLOO does not notice, not in the last bit of its mean. Without a baseline most learners settle on whatever came first.
    - Groups of 2: with itself in the mean a push is half as long as it should be.
    - A baseline of -2 or 2 is as bad as any: what counts is the distance to the mean reward.

    Write it yourself: `groundup learn start rloo_advantages`. Real runs: `groundup align MODEL --method rloo`, `--method reinforce`
    """)
    return


if __name__ == "__main__":
    app.run()
