"""Lesson: a running mean of the weights, and scores while a model trains."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The mean of where the weights have been", width="medium")

with app.setup:
    from types import SimpleNamespace

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training import loop
    from groundup.training.config import TrainConfig
    from groundup.training.loop.live_evaluation import Average, average_, copying, scored
    from groundup.training.objectives.causal import mean_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The mean of where the weights have been

    A step is made from a few texts, and other texts would have made another. So the weights never come to rest: they are thrown
    about the place where the loss is lowest. Afterwards you know why the mean of where they have been is better than any of these
    places, how it is kept without storing them, and what else is worth measuring while a model trains.
    """)
    return


@app.cell
def _():
    _draws = torch.Generator().manual_seed(0)
    _weight, _mean = torch.zeros(2000), [torch.zeros(2000)]
    for _step in range(1, 201):
        _slope = _weight + torch.randn(2000, generator=_draws)  # of w^2 / 2, as a noisy batch tells it
        _weight = _weight - 0.5 * _slope
        average_(_mean, [_weight], 0.95, _step)
    thrown, mean = float(_weight.square().mean()), float(_mean[0].square().mean())
    mo.md(
        f"Two thousand weights that should be 0, each pulled there by slopes with noise. Their mean square is {thrown:.2f} after 200 "
        f"steps, and stays there. That of their running mean is **{mean:.3f}**."
    )
    return mean, thrown


@app.cell
def _(mean, thrown):
    assert abs(thrown - 0.5 / (2 - 0.5)) < 0.05, "rate / (2 - rate): what a constant rate leaves of the noise"
    assert mean < thrown / 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One line a step

    To store every place and take the mean would need memory without end. A running mean forgets as it goes:

    $$a \leftarrow d\, a + (1 - d)\, w$$

    With $d = 0.99$ the place of ten steps ago counts $0.99^{10} = 90\,\%$ of today's, that of a hundred 37 %: a mean over about
    $1 / (1 - d) = 100$ steps. It costs one more copy of the weights and one pass over them.
    """)
    return


@app.cell
def _():
    decay = mo.ui.slider(steps=[0.5, 0.8, 0.9, 0.95, 0.98, 0.99], value=0.95, label="decay", show_value=True)
    decay
    return (decay,)


@app.cell
def _(decay):
    _draws, _weight, _mean = torch.Generator().manual_seed(4), torch.full((1,), 6.0), [torch.full((1,), 6.0)]
    path, means, _slow = [], [], decay.value
    for _step in range(1, 301):
        _weight = _weight - 0.2 * (_weight - 1.0 + 1.5 * torch.randn(1, generator=_draws))
        average_(_mean, [_weight], _slow, _step)
        path.append(_weight.item())
        means.append(_mean[0].item())
    plots.lines(
        range(1, 301),
        {"the weight": path, "its running mean": means},
        x="step",
        y="value",
        levels={"the best": 1.0},
        title=f"One weight, from 6 to 1, and its mean with a decay of {decay.value}",
    )
    return means, path


@app.cell
def _(decay, means, path):
    _late = torch.tensor(path[150:]).std(), torch.tensor(means[150:]).std()
    assert _late[1] < _late[0], "the mean is steadier, whatever the decay"
    assert decay.value < 0.95 or _late[1] < _late[0] / 2
    assert decay.value < 0.98 or abs(means[20] - 1) > abs(path[20] - 1) - 0.8, "and it comes later"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The first weights are the worst

    A model begins with random weights, which no mean should remember. With a decay of 0.999 they would still make up 37 % of it
    after a thousand steps. So the share kept is bounded: at step $t$ no more than $(1 + t) / (10 + t)$, which is 2 / 11 at the first
    step, a half at the eighth, 0.99 at the 890th.
    """)
    return


@app.cell
def _():
    left, left_unbounded = [1.0], [1.0]  # the share of the first weights in the mean
    for _step in range(1, 101):
        left.append(left[-1] * min(0.999, (1 + _step) / (10 + _step)))
        left_unbounded.append(left_unbounded[-1] * 0.999)
    assert left[20] < 1e-4 and left_unbounded[100] > 0.9
    plots.lines(
        range(101),
        {"bounded": left, "without the bound": left_unbounded},
        x="step",
        y="share of the first weights",
        title="How long the beginning is remembered (decay 0.999)",
    )
    return left, left_unbounded


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model and its mean

    `ema_decay` in `[train]` keeps a mean beside the weights. It never touches the training: the weights are the same bits with and
    without it. Each validation is made twice, with both. Here a small model learns eight texts, one at a time. At first the mean is behind,
    since all steps go one way; later each step undoes a little of the others, and the mean is ahead.
    """)
    return


@app.cell
def _():
    config = Qwen3Config(
        vocab_size=48, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, head_dim=16
    )

    def texts(number):
        """Eight texts in turn, four rows each; every row says its first half twice."""
        once = torch.randint(0, 48, (4, 13), generator=torch.Generator().manual_seed(number % 8))
        ids = torch.cat([once, once[:, :12]], 1)
        rows, seq = 4, ids.shape[1] - 1
        return SimpleNamespace(
            input_ids=ids[:, :-1],
            targets=ids[:, 1:],
            loss_mask=torch.ones(rows, seq, dtype=torch.bool),
            document_ids=torch.zeros(rows, seq, dtype=torch.int64),
            positions=torch.arange(seq).expand(rows, seq),
        )

    def trained(decay, steps=96):
        """Validation losses of both weights every eight steps, the module and its mean."""
        module, found = build(config, seed=0, scheme="normal"), []
        told = TrainConfig(
            steps=steps,
            batch_size=4,
            seq_len=24,
            optimizer="adamw",
            learning_rate=0.02,
            schedule="constant",
            warmup_steps=4,
            ema_decay=decay,
        )

        def validate(event):
            """Record the loss over all eight texts, of the weights and of their mean."""
            found.append(scored(event, lambda one: {"loss": mean_loss(one, [texts(number) for number in range(8)])}))

        result = loop.train(module, texts, told, listeners=[loop.call_every(8, steps, validate)])
        return found, module, result.average

    found, module, average = trained(0.9)
    return average, config, found, module, texts, trained


@app.cell
def _(found):
    plots.lines(
        range(8, 97, 8),
        {"weights": [one["loss"] for one in found], "their mean": [one["averaged_loss"] for one in found]},
        x="step",
        y="loss, nats",
        title="Eight texts, learned one at a time",
    )
    return


@app.cell
def _(average, found, module, texts):
    _one = [texts(0)]
    _before, _own = mean_loss(module, _one), [weight.clone() for weight in module.parameters()]
    with average.in_place():
        _inside = mean_loss(module, _one)
    assert _inside != _before == mean_loss(module, _one), "the mean stands in, and goes again"
    assert all(torch.equal(one, other) for one, other in zip(_own, module.parameters(), strict=True))
    assert found[-1]["averaged_loss"] < found[-1]["loss"], "ahead in the end"
    assert len(found) == 12 and isinstance(average, Average)
    mo.md(
        f"`with average.in_place():` lends the module its mean. Loss of the first text: {_before:.3f}, inside {_inside:.3f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Which of the two is kept in the end? A schedule that brings the rate to 0 lets the weights come to rest by itself; then there is
    nothing left to gain, and the mean is a little behind. So a run keeps whichever was better in its last validation, and says
    which.

    ## What a loss does not show

    The loss is a mean over everything. Single abilities appear at some step, quite suddenly, and the mean hardly moves. One is easy to
    measure in any language model: show it a random sequence twice. What comes next the first time nobody can know; the second time
    it only has to be looked up. `copying` counts how often a model does.
    """)
    return


@app.cell
def _(config, module):
    chance, learned = copying(build(config, seed=1)), copying(module)
    mo.md(
        f"A model that has learned nothing continues {chance:.0%} of the tokens rightly; this one, which knows eight texts by heart, {learned:.0%}."
    )
    return chance, learned


@app.cell
def _(chance, config):
    assert chance < 0.2
    assert copying(build(config, seed=1)) == chance, "the sequences are the same each time"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `score_every = 100` in `[train]` records it every hundred steps, with both weights where there is a mean. In a run of the
    demo it stays at chance for some hundred steps and is then nearly 1: at that moment the model has got its induction heads.

    ## Try

    - The decay at 0.5: the mean follows every throw. At 0.99: it is calm, and needs 200 steps from 6 to 1.
    - In `trained`, write `schedule="linear"`: the two curves meet at the end.
    - `groundup run demo-fast --set train.ema_decay=0.98` says at the end which weights it kept.

    Write it yourself: `groundup learn start average_`
    """)
    return


if __name__ == "__main__":
    app.run()
