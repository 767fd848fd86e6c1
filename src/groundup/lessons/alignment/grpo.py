"""Lesson: GRPO, a group of tries that judges itself, the clipped loss, and a run that learns whatever is rewarded."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="GRPO: try, compare, and do more of what went well", width="medium")

with app.setup:
    import copy
    import math
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.alignment.config import GrpoConfig
    from groundup.alignment.environments.rollouts import task
    from groundup.alignment.grpo import group_advantages, grpo, grpo_loss
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.instruction import conversations_to_shards, fit


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # GRPO: try, compare, and do more of what went well

    Often nobody can write the right answer down, but everybody can check one: does the sum come out, does the program run? Then a model can
    learn from its own tries. Afterwards you can compute what each try teaches, know why a group of tries needs no second network as a
    judge, and have seen a model learn exactly what was rewarded, which is not always what was meant.
    """)
    return


@app.cell
def _():
    one_of_eight = group_advantages(torch.tensor([[1.0, 0, 0, 0, 0, 0, 0, 0]]))[0]
    all_right = group_advantages(torch.ones(1, 8))[0]
    mo.md(
        f"A question is tried eight times, and one try is right. That one gets the weight **{one_of_eight[0]:+.2f}**, each of the others "
        f"{one_of_eight[1]:+.2f}. At an easier question all eight are right: each gets {all_right[0]:.0f}. Why is success worth nothing there?"
    )
    return all_right, one_of_eight


@app.cell
def _(all_right, one_of_eight):
    assert abs(one_of_eight[0] - math.sqrt(7)) < 1e-5 and abs(one_of_eight[1] + 1 / math.sqrt(7)) < 1e-5
    assert not all_right.any()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The group is the judge

    $$A_i = \frac{r_i - \text{mean}(r)}{\text{deviation}(r)}$$

    A reward of 1 says little by itself: was it a good try or an easy question? The other tries at the same question tell. What is as
    good as its group teaches nothing, what is better is to become likelier, what is worse less likely. Move how many of eight are right.
    """)
    return


@app.cell
def _():
    right = mo.ui.slider(0, 8, value=3, label="tries that are right, of 8", show_value=True)
    right
    return (right,)


@app.cell
def _(right):
    rewards = (torch.arange(8) < right.value).float()[None]
    scaled, plain = group_advantages(rewards)[0], group_advantages(rewards, scaled=False)[0]
    plots.value_bars(
        {
            "divided by the deviation": dict(enumerate(scaled.tolist(), 1)),
            "not divided (Dr. GRPO)": dict(enumerate(plain.tolist(), 1)),
        },
        x="try",
        y="advantage",
        title=f"{right.value} of 8 are right",
    )
    return plain, rewards, scaled


@app.cell
def _(plain, rewards, right, scaled):
    assert abs(scaled.sum()) < 1e-5 and abs(plain.sum()) < 1e-5, "what some gain, the others lose"
    if right.value in (0, 8):
        assert not scaled.any(), "all alike: nothing to learn"
    else:
        assert abs(scaled.square().mean() - 1) < 1e-4, "divided, every group weighs the same"
        _by_hand = (rewards - rewards.mean()) / rewards.std(correction=0)
        torch.testing.assert_close(scaled, _by_hand[0])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Questions that teach

    Where the model is right with probability $p$, all $G$ tries come out alike with probability $p^G + (1 - p)^G$, and the question was asked
    for nothing. Too hard teaches as little as too easy. More tries help at both ends.
    """)
    return


@app.cell
def _():
    chances = np.linspace(0, 1, 51)
    teaching = {f"{size} tries": 1 - chances**size - (1 - chances) ** size for size in (2, 4, 8, 16)}
    plots.lines(
        chances,
        teaching,
        x="probability of a right answer",
        y="groups that teach",
        title="Neither too hard nor too easy",
    )
    return chances, teaching


@app.cell
def _(teaching):
    _source = torch.Generator().manual_seed(0)
    _drawn = (torch.rand(4000, 8, generator=_source) < 0.1).float()
    _share = group_advantages(_drawn).any(1).float().mean()
    assert abs(_share - teaching["8 tries"][5]) < 0.03, "drawn, it is as computed"
    assert teaching["2 tries"].max() == 0.5 and teaching["16 tries"][5] > 0.8
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bandit, by hand

    The smallest case: one question, five possible answers with the rewards 0, 0.1, 0.3, 0.6 and 1, which the model does not know. It has five
    scores and draws its answers from their softmax. In each step it tries a few times, compares, and moves its scores along
    the gradient of $A \log p$. Choose the size of the group.
    """)
    return


@app.cell
def _():
    group = mo.ui.slider(steps=[2, 4, 8, 16, 32], value=8, label="tries in a group", show_value=True)
    group
    return (group,)


@app.cell
def _(group):
    worth = torch.tensor([0.0, 0.1, 0.3, 0.6, 1.0])
    _source, _scores, _history = torch.Generator().manual_seed(2), torch.zeros(5, requires_grad=True), []
    for _ in range(150):
        _chances = _scores.softmax(0)
        _history = [*_history, _chances.detach()]
        _tries = torch.multinomial(_chances.detach(), group.value, replacement=True, generator=_source)
        _advantages = group_advantages(worth[_tries][None])[0]
        _now = _chances.log()[_tries]
        (_slope,) = torch.autograd.grad(grpo_loss(_now, _now.detach(), _advantages).mean(), _scores)
        _scores = (_scores - 0.3 * _slope).detach().requires_grad_()
    learned = torch.stack(_history)
    plots.lines(
        range(150),
        {f"reward {value:.1f}": learned[:, number].tolist() for number, value in enumerate(worth.tolist())},
        x="step",
        y="probability",
        title=f"Groups of {group.value}: the best answer ends at {learned[-1, 4]:.0%}",
    )
    return learned, worth


@app.cell
def _(group, learned, worth):
    assert learned[-1].argmax() == 4 and learned[-1, 4] > 0.5
    assert (learned[-1] @ worth) > (learned[0] @ worth) + 0.3
    assert group.value < 8 or learned[-1, 4] > 0.85
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Not too far at once

    Trying is expensive, so several moves are made with the same tries. But after the first move the model is not the one that tried. The
    ratio $w = p / p_\text{old}$ of each token says how far it has gone, and the loss

    $$-\min\left(w A,\ \text{clip}(w,\ 0.8,\ 1.28)\, A\right)$$

    becomes flat where it has gone far enough in the direction that the advantage asks for. It stays steep in the wrong direction: what went astray must
    come back.
    """)
    return


@app.cell
def _():
    sign = mo.ui.dropdown({"better than its group": 1.0, "worse than its group": -1.0}, value="better than its group", label="the try was")  # fmt: skip
    sign
    return (sign,)


@app.cell
def _(sign):
    _ratios = torch.linspace(0.4, 1.8, 141, dtype=torch.float64, requires_grad=True)
    _losses = grpo_loss(_ratios.log(), torch.zeros_like(_ratios), torch.full_like(_ratios, sign.value))
    (slope,) = torch.autograd.grad(_losses.sum(), _ratios)
    ratios, clipped_loss = _ratios.detach(), _losses.detach()
    plots.lines(
        ratios,
        {"without the clip": -ratios * sign.value, "loss": clipped_loss, "its slope": slope},
        x="ratio to the model that tried",
        y="one token",
        title=f"Advantage {sign.value:+.0f}",
    )
    return clipped_loss, ratios, slope


@app.cell
def _(clipped_loss, ratios, sign, slope):
    _enough = ratios > 1.285 if sign.value > 0 else ratios < 0.795
    _others = ratios < 1.275 if sign.value > 0 else ratios > 0.805
    assert not slope[_enough].any(), "far enough: the token teaches no more"
    torch.testing.assert_close(slope[_others], torch.full_like(slope[_others], -sign.value))
    assert (clipped_loss >= -ratios * sign.value - 1e-9).all(), "the clip never promises more than there is"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A run

    A transformer of 30,000 weights was tuned to answer a digit with a or b, from examples in which a coin decided. It knows the form of an answer and
    nothing else. What is wanted, a for even digits and b for odd ones, is in no text that it ever sees: only its tries are judged, 12 for
    each digit in each of 30 steps. Choose by what.
    """)
    return


@app.cell
def _():
    tokenizer = train_tokenizer(["user user user assistant assistant assistant\n"], TokenizerConfig(vocab_size=270))
    _config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, head_dim=16,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    _coins = np.random.default_rng(0).integers(0, 2, 160)
    _talks = [
        [
            {"role": "user", "content": f"{number % 8}?"},
            {"role": "assistant", "content": "ab"[_coins[number]]},
        ]
        for number in range(160)
    ]
    _tuning = TuneConfig(
        steps=50, batch_size=8, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0
    )
    tuned = build(_config, seed=0)
    with tempfile.TemporaryDirectory() as _folder:
        fit(tuned, conversations_to_shards(_talks, tokenizer, Path(_folder) / "shards"), _tuning, Path(_folder) / "run")
    tasks = [task(f"{number}?", "ab"[number % 2], tokenizer) for number in range(8)]

    def chance_of(letter, module):
        """The probability that each digit is answered with a letter."""
        ids = torch.tensor([one.prompt_ids for one in tasks])
        with torch.no_grad():
            return module(ids)[:, -1].softmax(-1)[:, tokenizer.encode(letter)[0]].tolist()

    return chance_of, tasks, tokenizer, tuned


@app.cell
def _():
    by_what = {
        "the right letter": lambda wanted, text: float(text == wanted),
        "the letter a": lambda wanted, text: float(text == "a"),
        "every answer": lambda wanted, text: 1.0,
    }
    return (by_what,)


@app.cell
def _(by_what):
    reward = mo.ui.dropdown(list(by_what), value="the right letter", label="a point for")
    reward
    return (reward,)


@app.cell
def _(by_what, chance_of, reward, tasks, tokenizer, tuned):
    _config = GrpoConfig(
        steps=30, prompts_per_step=8, samples_per_prompt=12, max_new_tokens=4, optimizer="muon", learning_rate=0.01,
        matrix_learning_rate=0.04, warmup_steps=0, checkpoint_every=0,
    )  # fmt: skip
    aligned, _stops = copy.deepcopy(tuned), {tokenizer.special_tokens["<|im_end|>"]}
    _lines = []
    _keep = [lambda event: _lines.append(event.numbers)]
    grpo(aligned, tokenizer, tasks, by_what[reward.value], _config, stop_ids=_stops, listeners=_keep)
    rewards_by_step = [line["reward"] for line in _lines]
    says_a = {"tuned": chance_of("a", tuned), "after 30 steps": chance_of("a", aligned)}
    plots.value_bars(
        {who: dict(enumerate(chances)) for who, chances in says_a.items()},
        x="digit",
        y="probability of the answer a",
        title=f"A point for {reward.value}: {rewards_by_step[0]:.2f} points a try in the first step, {rewards_by_step[-1]:.2f} in the last",
    )
    return aligned, rewards_by_step, says_a


@app.cell
def _(aligned, reward, rewards_by_step, says_a, tuned):
    _before, _after = says_a.values()
    assert max(_before) < 0.8 and min(_before) > 0.2, "undecided"
    if reward.value == "the right letter":
        assert min(_after[0::2]) > 0.8 > 0.2 > max(_after[1::2])
    if reward.value == "the letter a":
        assert min(_after) > 0.9, "the odd digits too: what is rewarded is learned, not what was meant"
    if reward.value == "every answer":
        assert all(torch.equal(one, other) for one, other in zip(aligned.parameters(), tuned.parameters(), strict=True))
    else:
        assert rewards_by_step[-1] > rewards_by_step[0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A point for the letter a: it is learned as readily, and faster. Nothing in the method asks what you meant.
    - A point for every answer: not one weight has changed, to the last bit. Without a difference there is no advantage.
    - Groups of 2 in the bandit: the way is rougher, and a lucky second-best answer may lead for long. Try other seeds.

    Write it yourself: `groundup learn start group_advantages`, then `groundup learn start grpo_loss`. A real run: `groundup align MODEL`
    """)
    return


if __name__ == "__main__":
    app.run()
