"""Lesson: PPO for language models: GAE, the clip and the price of the way."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="PPO: who in the answer earned the reward", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.ppo import adapted, gae, ppo_clip, value_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # PPO: who in the answer earned the reward

    An answer is judged once, at its end, and has many tokens. Which of them earned the reward? PPO lets a second head guess before each token
    what the rest will earn, and praises the
    tokens after which the guess rose. Afterwards you can compute an advantage token by token, say what its one dial trades, and know why the
    same answers can be used several times.
    """)
    return


@app.cell
def _():
    words = ["The", "sum", "is", "7", "of", "course", "."]
    values = torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9]])
    rewards = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    real = torch.ones(1, 7, dtype=torch.bool)
    believing = gae(rewards, values, real, decay=0.0)[0]
    mo.md(
        f"Seven tokens, one point at the end. By the rewards alone each of them earned it. By the value head the token "
        f"**{words[3]}** earned {believing[3]:.1f}, the full "
        f"stop {believing[6]:.1f}, and the others **{believing[0]:.0f}**: before the 7 half a point was to be expected, behind it 0.9."
    )
    return believing, real, rewards, values, words


@app.cell
def _(believing, real, rewards, values):
    assert believing.argmax() == 3 and not believing[:3].any()
    torch.testing.assert_close(
        gae(rewards, torch.zeros(1, 7), real, decay=1.0), torch.ones(1, 7)
    )  # no value head, no fading: as in REINFORCE
    torch.testing.assert_close(gae(rewards, values, real, decay=1.0), 1 - values)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Backwards from the end

    $$\delta_t = r_t + V_{t+1} - V_t \qquad A_t = \delta_t + \lambda A_{t+1}$$

    $\delta$ is the surprise of a token. With $\lambda = 0$ an advantage is that surprise: as good as the value head, and wrong where that is
    wrong. With $\lambda = 1$ it is all
    that came, less what was expected: right on average, and noisy, since every token pays for the luck of all later ones. Move it.
    """)
    return


@app.cell
def _():
    decay = mo.ui.slider(0, 1, step=0.05, value=0.95, label="lambda", show_value=True)
    decay
    return (decay,)


@app.cell
def _(decay, real, rewards, values, words):
    advantages = gae(rewards, values, real, decay=decay.value)[0]
    _labels = [f"{number} {word}" for number, word in enumerate(words, 1)]
    plots.value_bars(
        {
            "expected before it": dict(zip(_labels, values[0].tolist(), strict=True)),
            "advantage": dict(zip(_labels, advantages.tolist(), strict=True)),
        },
        x="token",
        y="points",
        title=f"lambda {decay.value:.2f}: the first token gets {advantages[0]:.2f}",
    )
    return (advantages,)


@app.cell
def _(advantages, decay):
    assert abs(advantages[3] - (0.4 + 0.1 * decay.value**3)) < 1e-5, (
        "its own surprise, and the full stop's, three tokens later"
    )
    assert abs(advantages[0] - decay.value**3 * advantages[3]) < 1e-5
    assert advantages.argmax() == 3 or decay.value == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Luck

    Let 400 answers of 12 tokens earn points at every token by luck alone, none of them deserved, and let the value head be right that nothing is
    to be expected. Every advantage that
    differs from 0 is noise. The dial sets how much of it the first token hears.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _luck = torch.randn(400, 12, generator=_source)
    _all = torch.ones(400, 12, dtype=torch.bool)
    _decays = [0.0, 0.5, 0.8, 0.9, 0.95, 1.0]
    noise = {f"lambda {one:.2f}": gae(_luck, torch.zeros(400, 12), _all, decay=one).std(0).tolist() for one in _decays}
    plots.lines(
        range(1, 13), noise, x="token", y="deviation of its advantage", title="Who hears the luck of all that follows"
    )
    return (noise,)


@app.cell
def _(noise):
    _first = [spread[0] for spread in noise.values()]
    assert _first == sorted(_first), "the more of the rewards, the more noise"
    assert abs(noise["lambda 0.00"][0] - 1) < 0.1 and abs(noise["lambda 1.00"][0] - 12**0.5) < 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same answers several times

    Answers are dear, so each is used for several moves. After the first the model is not the one that answered, and the ratio $w = p /
    p_\text{old}$ says how far it
    went. A toy: four tokens, each 0 or 1, one point for four times 1. A step asks for 32 answers and makes several moves with them. Choose how
    many, and whether the clip holds
    them.
    """)
    return


@app.cell
def _():
    moves = mo.ui.slider(1, 16, value=8, label="moves with the same answers", show_value=True)
    moves
    return (moves,)


@app.cell
def _(moves):
    def _practised(clip):
        """The mean reward and the largest ratio of each of 12 steps, for a policy of four scores and a value of four numbers."""
        source, scores, guesses, told = torch.Generator().manual_seed(3), torch.zeros(4), torch.zeros(4), []
        for _ in range(12):
            ones = (torch.rand(32, 4, generator=source) < torch.sigmoid(scores)).float()
            earned = torch.zeros(32, 4)
            earned[:, 3] = ones.prod(1)
            taught = gae(earned, guesses.expand(32, 4), torch.ones(32, 4, dtype=torch.bool), decay=0.95)
            returns, signs = taught + guesses, (2 * ones - 1).flatten()
            taught = ((taught - taught.mean()) / (taught.std() + 1e-8)).flatten()
            old, old_guesses, farthest = torch.nn.functional.logsigmoid(signs * scores.repeat(32)), guesses, 1.0
            for _ in range(moves.value):
                scores, guesses = scores.detach().requires_grad_(), guesses.detach().requires_grad_()
                now = torch.nn.functional.logsigmoid(signs * scores.repeat(32))
                loss = ppo_clip(now, old, taught, clip).mean()
                loss = loss + value_loss(guesses.repeat(32), old_guesses.repeat(32), returns.flatten(), clip).mean()
                slopes = torch.autograd.grad(loss, [scores, guesses])
                scores, guesses = (scores - 2.0 * slopes[0]).detach(), (guesses - 0.5 * slopes[1]).detach()
                farthest = max(farthest, (now - old).abs().max().exp().item())
            told = [*told, (float(ones.prod(1).mean()), farthest)]
        return told

    runs = {"clip 0.2": _practised(0.2), "no clip": _practised(0.999)}
    plots.lines(
        range(1, 13),
        {name: [farthest for _, farthest in told] for name, told in runs.items()},
        x="step",
        y="largest ratio within it",
        log_y=True,
        title=f"{moves.value} moves a step; points in the last: "
        + ", ".join(f"{told[-1][0]:.2f} with {name}" for name, told in runs.items()),
    )
    return (runs,)


@app.cell
def _(moves, runs):
    _farthest = {name: max(far for _, far in told) for name, told in runs.items()}
    assert moves.value > 1 or set(_farthest.values()) == {1.0}, "the first move: the ratio is exactly 1"
    assert moves.value < 8 or _farthest["clip 0.2"] < _farthest["no clip"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The price of the way

    A reward is only as good as its judge, and far from where the model came the judge has seen nothing. So every nat away from the model before
    costs $k$. How large is $k$? Say
    in its place how far the model may go, and let the price follow, by at most 2 % a step. Here a policy goes $1 / k$ nats away; choose the target.
    """)
    return


@app.cell
def _():
    target = mo.ui.slider(steps=[2, 4, 8, 16], value=8, label="nats an answer", show_value=True)
    target
    return (target,)


@app.cell
def _(target):
    _prices = [0.2]
    for _ in range(150):
        _prices = [*_prices, adapted(_prices[-1], 1 / _prices[-1], float(target.value))]
    prices = _prices
    plots.lines(
        range(151),
        {"nats away": [1 / price for price in prices]},
        x="step",
        y="nats",
        levels={"target": target.value},
        title=f"The price ends at {prices[-1]:.3f}",
    )
    return (prices,)


@app.cell
def _(prices, target):
    assert abs(1 / prices[-1] - target.value) < 0.15 * target.value
    assert all(abs(after / before - 1) <= 0.02 + 1e-9 for before, after in zip(prices, prices[1:], strict=False))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Lambda 1: the first word gets as much as the third. Lambda 0: nothing at all. 0.95 is what most use.
    - 16 moves with the same answers: without the clip the largest ratio is many times that with it.
    - A target of 2 from a price of 0.2: the way back is 5 nats long, and no step may change the price by more than 2 %.

    Write it yourself: `groundup learn start gae`, then `groundup learn start ppo_clip`. A real run: `groundup align MODEL --method ppo`
    """)
    return


if __name__ == "__main__":
    app.run()
