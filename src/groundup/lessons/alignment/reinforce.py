"""Lesson: REINFORCE, the gradient of a reward that has no gradient, and how much a single step of it wavers."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The gradient of what cannot be differentiated", width="medium")

with app.setup:
    import itertools

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.answers import log_probabilities, side_by_side
    from groundup.alignment.reinforce import (
        gradient_variance,
        least_variance_baseline,
        less_the_others,
        policy_gradient_loss,
    )
    from groundup.alignment.rounds import of_answers
    from groundup.lessons import drawn_model


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The gradient of what cannot be differentiated

    A model writes an answer, and somebody says what it is worth. Between the weights and that number stand dice and a judge: neither has a derivative.
    Afterwards you can say why the mean reward has a gradient all the same, check it against the exact one of a model so small that all
    of its answers can be listed, and measure how far a single step is off.
    """)
    return


@app.cell
def _():
    model = drawn_model(8, seed=3)
    _weights = list(model.parameters())
    answers = [list(one) for one in itertools.product(range(8), repeat=2)]  # all answers of two tokens
    rewards = torch.tensor([float(first > 3) + 0.5 * float(first == second) for first, second in answers])
    batch = side_by_side([[1, 2]], [answers])
    _told = of_answers(batch, log_probabilities(model, batch))
    chances = _told.detach().exp()
    pushes = torch.stack(
        [torch.cat([one.flatten() for one in torch.autograd.grad(log, _weights, retain_graph=True)]) for log in _told]
    )  # of each answer: the gradient of its log-probability
    exact = torch.cat([one.flatten() for one in torch.autograd.grad((_told.exp() * rewards).sum(), _weights)])

    def drawn(count: int, seed: int) -> torch.Tensor:
        """So many answers by the model, as numbers of the list."""
        return torch.multinomial(chances, count, replacement=True, generator=torch.Generator().manual_seed(seed))

    def nearness(which: torch.Tensor, advantages: torch.Tensor) -> float:
        """The cosine of the angle between a step of these answers and the exact gradient."""
        each = torch.zeros(len(answers)).index_add(0, which, advantages)
        return float(torch.cosine_similarity(each @ pushes, exact, dim=0))

    _which = drawn(16, 0)
    mo.md(
        f"{len(answers)} answers, {len(exact):,} weights. The exact gradient of the mean reward needs all of them, with their probabilities. "
        f"A step of 16 drawn answers, each pushed by its reward, points the same way with a cosine of **{nearness(_which, rewards[_which]):.2f}**."
    )
    return answers, batch, chances, drawn, exact, model, nearness, pushes, rewards


@app.cell
def _(chances, drawn, exact, nearness, pushes, rewards):
    assert abs(float(chances.sum()) - 1) < 1e-5, "all answers are listed"
    assert torch.allclose((chances * rewards) @ pushes, exact, rtol=1e-3, atol=1e-5)
    _many = drawn(20_000, 1)
    assert nearness(_many, rewards[_many]) > 0.99
    mo.md(f"With 20,000 answers the cosine is {nearness(_many, rewards[_many]):.4f}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why it is the gradient

    The mean reward is $\sum_y p(y) \, r(y)$. Only $p$ depends on the weights, and $\nabla p = p \, \nabla \log p$:

    $$\nabla \sum_y p(y)\, r(y) = \sum_y p(y)\, r(y)\, \nabla \log p(y)$$

    The right side is again a mean over answers. So draw answers, and push each one's log-probability by what it was worth. The judge is only asked; what it is
    inside (a person, a program, a test) does not matter. In code it is a loss whose *gradient* is right and whose value means nothing.
    """)
    return


@app.cell
def _(batch, chances, exact, model, rewards):
    _now = log_probabilities(model, batch)
    _loss = policy_gradient_loss(_now, (chances * rewards)[batch.answers]).sum()
    _made = torch.cat([one.flatten() for one in torch.autograd.grad(_loss, list(model.parameters()))])
    assert torch.allclose(-_made, exact, rtol=1e-3, atol=1e-5)
    mo.md(
        f"Each of the {len(batch.targets)} tokens gets the advantage of its whole answer: nobody knows which token it was. "
        f"The loss is {float(_loss.detach()):.2f}, "
        f"and its gradient, turned round, is the exact one to {float((_made + exact).abs().max()):.0e}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far a step is off

    Right on average is not right. Rewards here are 0 to 1.5, and what matters are their differences; choose how much is added to all of them, which changes
    nothing
    about which answer is better, and see where 200 steps of 16 answers point.
    """)
    return


@app.cell
def _():
    offset = mo.ui.slider(steps=[0, 1, 3, 10], value=3, label="added to every reward", show_value=True)
    offset
    return (offset,)


@app.cell
def _(drawn, nearness, offset, rewards):
    _steps = [drawn(16, seed) for seed in range(200)]
    cosines = {
        "the reward": [nearness(which, offset.value + rewards[which]) for which in _steps],
        "less the mean of the others": [
            nearness(which, less_the_others(offset.value + rewards[which])) for which in _steps
        ],
    }
    middle = {name: float(torch.tensor(one).median()) for name, one in cosines.items()}
    plots.histogram(
        cosines,
        bins=30,
        x="cosine to the exact gradient",
        y="share of the steps",
        title=f"median {middle['the reward']:.2f} and {middle['less the mean of the others']:.2f}",
    )
    return cosines, middle


@app.cell
def _(cosines, middle, offset):
    assert middle["less the mean of the others"] > 0.3
    assert offset.value < 3 or middle["less the mean of the others"] > middle["the reward"] + 0.05
    _back = sum(one < 0 for one in cosines["the reward"])
    mo.md(
        f"Of 200 steps by the reward alone, **{_back}** lead away from where they should; "
        f"less the mean of the others, {sum(one < 0 for one in cosines['less the mean of the others'])}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The best that can be taken off

    A baseline $b$ leaves the mean alone, since $\sum_y p(y) \nabla \log p(y) = 0$. The variance of a single push is a parabola in $b$. Its lowest point is not
    quite
    the mean reward: an answer with a long gradient makes more noise, so its reward counts more.

    $$b^* = \frac{\sum_y p(y)\, |\nabla \log p(y)|^2\, r(y)}{\sum_y p(y)\, |\nabla \log p(y)|^2}$$
    """)
    return


@app.cell
def _(chances, drawn, exact, pushes, rewards):
    _lengths = pushes.square().sum(1)

    def noise(baseline: float) -> float:
        """The variance of one answer's push, summed over the weights."""
        return float((chances * (rewards - baseline) ** 2 * _lengths).sum() - exact @ exact)

    mean = float(chances @ rewards)
    best = float((chances * _lengths * rewards).sum() / (chances * _lengths).sum())
    _which = drawn(400, 5)
    guessed = float(least_variance_baseline(pushes[_which], rewards[_which]))
    _tried = [step / 20 for step in range(-10, 41)]
    plots.lines(
        _tried,
        {"variance of a push": [noise(one) for one in _tried]},
        upright={"mean reward": mean, "least variance": best},
        x="baseline",
        y="variance, summed over the weights",
        title="the mean reward is nearly the best baseline",
    )
    return best, guessed, mean, noise


@app.cell
def _(best, guessed, mean, noise):
    assert noise(best) <= min(noise(mean), noise(0.0)) and noise(mean) < noise(0.0)
    assert abs(guessed - best) < 0.2
    mo.md(
        f"No baseline {noise(0.0):.0f}, the mean reward {noise(mean):.0f}, the best one {noise(best):.0f}. "
        f"From 400 drawn answers it is guessed as {guessed:.2f}, and is {best:.2f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Measured on a run's own gradients

    The same is measured where nothing can be listed: `gradient_variance` takes a step's answers one by one. It is what says whether a step has answers enough.
    """)
    return


@app.cell
def _(answers, drawn, exact, model, rewards):
    _which = drawn(48, 9)
    _some = side_by_side([[1, 2]], [[answers[one] for one in _which.tolist()]])
    _mean, _plain = gradient_variance(model, _some, 3 + rewards[_which])
    _, _calm = gradient_variance(model, _some, less_the_others(3 + rewards[_which]))
    assert _calm < _plain and _mean.shape == exact.shape
    _needed = _calm / float(exact @ exact)
    mo.md(
        f"Rewards of 3 to 4.5: the variance of a push is {_plain:.0f}, less the others' mean **{_calm:.0f}**. "
        f"The exact gradient's square is {float(exact @ exact):.2f}: "
        f"a step whose noise is no longer than itself takes about {_needed:.0f} answers."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Nothing added: the reward itself is already a mean of answers that are worth 0, and little is gained. With 10 added a step by rewards is nearly blind.
    - Draw 64 answers a step instead of 16: the cosines grow, with a root: four times as many answers halve the noise.
    - On a model of yours: `groundup align MODEL --method reinforce`, and `--set align.baseline=none` for the noise of it.

    Write it yourself: `groundup learn start policy_gradient_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
