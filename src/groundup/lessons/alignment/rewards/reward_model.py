"""Lesson: a reward model, from preferences to scores, and how far one can be right."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Reward models: a number from a preference", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.preferences.data import Encoded, bayes_limit, drawn
    from groundup.alignment.rewards.config import RewardConfig
    from groundup.alignment.rewards.measure import measure
    from groundup.alignment.rewards.reward_model import RewardModel, bradley_terry_loss, fit
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Reward models: a number from a preference

    Nobody can say that an answer is worth 7.3. Everybody can say which of two is better. From many such preferences a model can learn a number for
    every answer. Afterwards you can compute what a preference teaches, know why the best possible judge is not always right, and tell a judge
    that is right from a
    judge that knows how sure it may be.
    """)
    return


@app.cell
def _():
    known = list(drawn(5, 1000))
    limit = bayes_limit(known)
    mo.md(
        f"A judge who knows the written taste behind 1,000 pairs of tinyworld by heart orders **{limit:.0%}** of them as they "
        f"are. What about the rest? "
        f"The pairs were drawn: where an answer is better by little, it loses often. No judge can do better, so a reward model "
        f"with 76 % is nearly perfect."
    )
    return known, limit


@app.cell
def _(known, limit):
    assert 0.75 < limit < 0.9
    _logits = torch.tensor([[math.log(pair.probability / (1 - pair.probability)), 0.0] for pair in known])
    assert measure(_logits, known).share_of_limit == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One preference

    $$P(\text{a preferred to b}) = \sigma(r_a - r_b) \qquad \text{loss} = -\log P$$

    Bradley and Terry wrote it for tournaments in 1952. Only the difference counts: add 100 to every score and nothing changes. Move the
    difference: where the scores have the right order and are far apart, a pair teaches nothing more.
    """)
    return


@app.cell
def _():
    gap = mo.ui.slider(
        -4, 4, step=0.5, value=1, label="score of the chosen answer, less that of the rejected one", show_value=True
    )
    gap
    return (gap,)


@app.cell
def _(gap):
    _gaps = torch.linspace(-5, 5, 101)
    _losses = bradley_terry_loss(_gaps, torch.zeros(101))
    here = torch.tensor([float(gap.value)], requires_grad=True)
    loss_here = bradley_terry_loss(here, torch.zeros(1))
    (slope_here,) = torch.autograd.grad(loss_here.sum(), here)
    plots.lines(
        _gaps,
        {"loss": _losses, "probability of this order": torch.sigmoid(_gaps)},
        x="difference of the scores",
        y="nats, or probability",
        marked=float(gap.value),
        title=f"Loss {loss_here.item():.2f}, and it pulls with {-slope_here.item():.2f}",
    )
    return here, loss_here, slope_here


@app.cell
def _(gap, here, loss_here, slope_here):
    _said = torch.sigmoid(here)
    torch.testing.assert_close(loss_here, -_said.log())
    torch.testing.assert_close(-slope_here, 1 - _said.detach())  # it pulls by the probability of the wrong order
    assert gap.value != 0 or abs(loss_here.item() - math.log(2)) < 1e-6, "equal scores: a coin's surprise"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Scores from a tournament

    Five answers have tastes that we know and the learner does not: 0, 0.5, 1, 2 and 3. Pairs of them are drawn, and each time one is preferred
    by a draw. The scores
    that make these preferences likeliest come out near the tastes, all moved by one number. Choose how many pairs are seen.
    """)
    return


@app.cell
def _():
    seen = mo.ui.slider(steps=[30, 100, 300, 1000, 3000], value=300, label="pairs", show_value=True)
    seen
    return (seen,)


@app.cell
def _(seen):
    tastes = torch.tensor([0.0, 0.5, 1.0, 2.0, 3.0])
    _source = torch.Generator().manual_seed(1)
    _first = torch.randint(0, 5, (seen.value,), generator=_source)
    _second = (_first + torch.randint(1, 5, (seen.value,), generator=_source)) % 5
    _wins = torch.rand(seen.value, generator=_source) < torch.sigmoid(tastes[_first] - tastes[_second])
    _chosen, _rejected = torch.where(_wins, _first, _second), torch.where(_wins, _second, _first)
    _scores = torch.zeros(5, requires_grad=True)
    for _ in range(300):
        _loss = bradley_terry_loss(_scores[_chosen], _scores[_rejected], centre=0.001).mean()
        (_slope,) = torch.autograd.grad(_loss, _scores)
        _scores = (_scores - 2.0 * _slope).detach().requires_grad_()
    learned = _scores.detach() - _scores.detach().mean() + tastes.mean()
    _names = [f"answer {number}" for number in range(1, 6)]
    plots.value_bars(
        {
            "taste": dict(zip(_names, tastes.tolist(), strict=True)),
            "learned": dict(zip(_names, learned.tolist(), strict=True)),
        },
        x="",
        y="score, moved to the same mean",
        title=f"{seen.value} pairs: off by {float((learned - tastes).abs().mean()):.2f} on average",
    )
    return learned, tastes


@app.cell
def _(learned, seen, tastes):
    _off = float((learned - tastes).abs().mean())
    assert learned[4] > learned[0] and _off < 9 / math.sqrt(seen.value)
    assert seen.value < 1000 or (learned.diff() > 0).all(), "enough pairs: the whole order is right"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Right, and sure by the right amount

    Multiply all scores of a judge by a number: the order of no pair changes, so its accuracy is the same. But its probabilities are others. The
    judge here is the taste
    itself, times the number that you choose. A policy that is trained on an overconfident judge believes small differences.
    """)
    return


@app.cell
def _():
    loudness = mo.ui.slider(steps=[0.25, 0.5, 1, 2, 4], value=4, label="scores times", show_value=True)
    loudness
    return (loudness,)


@app.cell
def _(known, loudness):
    _logits = torch.tensor([[math.log(pair.probability / (1 - pair.probability)), 0.0] for pair in known])
    quality = measure(loudness.value * _logits, known)
    _places = [f"{one.said:.0%}" for one in quality.bins]
    plots.value_bars(
        {
            "said": dict(zip(_places, [one.said for one in quality.bins], strict=True)),
            "was": dict(zip(_places, [one.was for one in quality.bins], strict=True)),
        },
        x="how sure the judge was",
        y="share of the pairs",
        title=f"Accuracy {quality.accuracy:.0%}, calibration off by {quality.calibration_error:.1%}",
    )
    return (quality,)


@app.cell
def _(limit, loudness, quality):
    assert quality.accuracy == limit, "loud or quiet, the order is the same"
    assert (quality.calibration_error < 0.04) == (loudness.value == 1)
    assert quality.loss < math.log(2) or loudness.value == 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## On a transformer

    One linear layer on the last token of an answer, in place of the head that scores next tokens; the trunk learns with it. Both answers of a
    pair stand side by side behind one
    prompt. Here a prompt is one of eight numbers, and even ones prefer token 20, odd ones token 21, in four pairs of five. The difference that
    is learned
    should be $\log(0.8 / 0.2) = 1.39$.
    """)
    return


@app.cell
def _():
    _config = Qwen3Config(
        vocab_size=32, hidden_size=32, intermediate_size=64, num_hidden_layers=2, head_dim=16,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    _pairs = []
    for _number in range(320):
        _kind = _number % 8
        _better = (_kind % 2) ^ (_number // 8 % 5 == 4)
        _pairs = [*_pairs, Encoded([1, 2 + _kind], [20 + _better], [21 - _better])]
    _rates = RewardConfig(
        epochs=4.0, batch_size=32, optimizer="muon", learning_rate=0.005, matrix_learning_rate=0.01, warmup_steps=0, checkpoint_every=0, centre=0.0
    )  # fmt: skip
    _judge = RewardModel(fit(build(_config, seed=0), _pairs, _rates)[0], None)
    _found = _judge.score_ids([[1, 2 + kind] for kind in range(8)], [[[20], [21]]] * 8)
    differences = [float(one[0] - one[1]) for one in _found]
    plots.value_bars(
        {"score of 20 less that of 21": dict(enumerate(differences))},
        x="the number in the prompt",
        y="difference",
        title="Even and odd",
    )
    return (differences,)


@app.cell
def _(differences):
    assert all(difference > 0.5 for difference in differences[0::2]) and all(
        difference < -0.5 for difference in differences[1::2]
    )
    assert abs(sum(map(abs, differences)) / 8 - math.log(4)) < 0.7
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Scores times 0.25: the judge is as right as before and says of everything that it is a toss-up. The other way round it is sure and often wrong.
    - 30 pairs in the tournament: neighbours change places. Differences of 0.5 need hundreds of pairs.
    - A difference of 4: the pull is 0.02. What is known teaches nothing.

    Write it yourself: `groundup learn start bradley_terry_loss`. On a real model: `groundup align MODEL --method reward`
    """)
    return


if __name__ == "__main__":
    app.run()
