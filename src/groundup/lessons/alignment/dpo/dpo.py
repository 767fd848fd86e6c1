"""Lesson: direct preference optimisation, from one pair to the policy that pairs imply, and its relatives."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="DPO: the policy is its own reward model", width="medium")

with app.setup:
    import copy
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.challenges.reward_hacking import tilted
    from groundup.alignment.dpo.config import DpoConfig
    from groundup.alignment.dpo.dpo import dpo_loss, ipo_loss, kto_loss, orpo_loss, simpo_loss
    from groundup.alignment.dpo.pairs import encode, lay_out
    from groundup.alignment.dpo.trainer import fit, whole_answers
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # DPO: the policy is its own reward model

    People can seldom say how good an answer is, but they can say which of two is better. DPO learns from such pairs in one step, without
    a reward model and without sampling. Afterwards you can compute its loss by hand, know where it comes from and where it
    leads, and tell IPO, KTO, ORPO and SimPO from it.
    """)
    return


@app.cell
def _():
    start = dpo_loss(*torch.tensor([[-40.0], [-12.0], [-40.0], [-12.0]]))
    gained = dpo_loss(*torch.tensor([[-35.0], [-17.0], [-40.0], [-12.0]]))
    mo.md(
        f"The better answer has the log-probability -40, the worse one -12: it is e^28 times less likely. The loss is {start[0]:.2f}, log 2, as for "
        f"any pair before the first step. After a gain of 5 here and a loss of 5 there it is **{gained[0]:.2f}**, "
        "although the worse answer is still far ahead. Why is DPO content with that?"
    )
    return gained, start


@app.cell
def _(gained, start):
    assert abs(start[0] - math.log(2)) < 1e-6
    assert abs(gained[0] - math.log(1 + math.exp(-0.1 * 10))) < 1e-6, "by hand: beta is 0.1, the margin moved by 10"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From the best policy to a loss

    Who wants reward, and pays $\beta$ for each nat of distance from a reference, ends at $p(y) = p_\text{ref}(y)\, e^{r(y)/\beta} / Z$. Turned round:

    $$r(y) = \beta \log \frac{p(y)}{p_\text{ref}(y)} + \beta \log Z$$

    Every policy implies a reward. In a pair $Z$ cancels, and the probability that the chosen answer wins is $\sigma$ of the difference. Its
    negative logarithm is the loss. What counts is how far both answers moved, not where they stand.
    """)
    return


@app.cell
def _():
    margins = torch.linspace(-60, 120, 181)
    _zero = torch.zeros_like(margins)
    losses = {
        "DPO, beta 0.1": dpo_loss(margins, _zero, _zero, _zero),
        "DPO, a tenth of the labels wrong": dpo_loss(margins, _zero, _zero, _zero, smoothing=0.1),
        "KTO, a good answer": kto_loss(margins, _zero == 0, torch.tensor(0.0)),
        "IPO / 1000, beta 0.01": ipo_loss(margins, _zero, _zero, _zero, 0.01) / 1000,
    }
    plots.lines(
        margins, losses, x="how far the chosen answer gained on the rejected one, nats", y="loss", title="Four losses"
    )
    return losses, margins


@app.cell
def _(losses, margins):
    _dpo, _smooth, _kto, _ipo = losses.values()
    assert (_dpo.diff() < 0).all(), "DPO always wants more"
    assert margins[_ipo.argmin()] == 50, "IPO stops at 1 / (2 beta)"
    assert abs(margins[_smooth.argmin()] - 10 * math.log(9)) < 1, "smoothed DPO stops where it is as sure as the labels"
    assert _kto.max() <= 1 and _dpo.max() > 5, "a hopeless answer pulls DPO on, and KTO no more"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it leads

    Five answers, five rewards that nobody tells, and a reference. All pairs are compared, with the winner drawn by Bradley and Terry, as often
    as one likes. The policy is five scores that follow the gradient of the loss. Does it find $p_\text{ref}\, e^{r/\beta}/Z$?
    """)
    return


@app.cell
def _():
    beta = mo.ui.slider(steps=[0.2, 0.5, 1.0, 2.0], value=0.5, label="beta", show_value=True)
    beta
    return (beta,)


@app.cell
def _(beta):
    rewards = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0], dtype=torch.float64)
    reference = torch.tensor([0.5, 0.25, 0.15, 0.06, 0.04], dtype=torch.float64)
    _one, _other = (index.flatten() for index in torch.meshgrid(torch.arange(5), torch.arange(5), indexing="ij"))
    _wins = (rewards[_one] - rewards[_other]).sigmoid()  # the share of comparisons that the first one wins
    _scores, _before = reference.log().clone(), reference.log()
    for _ in range(400):
        _leaf = _scores.requires_grad_()
        _now = _leaf.log_softmax(0)
        _losses = dpo_loss(_now[_one], _now[_other], _before[_one], _before[_other], beta.value)
        (_slope,) = torch.autograd.grad((_wins * _losses).sum(), _leaf)
        _scores = (_scores - 0.4 / beta.value**2 * _slope).detach()
    learned = _scores.softmax(0)
    wanted = tilted(reference, rewards, beta.value)
    plots.value_bars(
        {name: dict(enumerate(values.tolist(), 1)) for name, values in {"reference": reference, "DPO": learned, "in closed form": wanted}.items()},
        x="answer", y="probability", title=f"beta {beta.value}: the best answer goes from 4 % to {learned[4]:.0%}",
    )  # fmt: skip
    return learned, reference, rewards, wanted


@app.cell
def _(learned, reference, rewards, wanted):
    torch.testing.assert_close(learned, wanted, atol=2e-3, rtol=0)
    assert learned @ rewards > reference @ rewards
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Long answers, and no reference

    The log-probability of an answer is a sum, so a long answer is unlikely as such. ORPO and SimPO do without a reference, and compare the
    means a token in its place. Choose how long the chosen answer is; the rejected one has 10 tokens, and each token of both has
    the log-probability -1.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(steps=[2, 5, 10, 20, 50], value=20, label="tokens of the chosen answer", show_value=True)
    length
    return (length,)


@app.cell
def _(length):
    _chosen, _rejected = torch.tensor([-float(length.value)]), torch.tensor([-10.0])
    by_length = {
        "a SimPO of sums": float(simpo_loss(_chosen, _rejected, margin=0.0)),
        "SimPO, means": float(simpo_loss(_chosen / length.value, _rejected / 10, margin=0.0)),
        "ORPO without its first term": float(orpo_loss(_chosen / length.value, _rejected / 10, 1.0)) - 1.0,
    }
    plots.value_bars({"loss": by_length}, x="", y="loss", title=f"{length.value} tokens against 10")
    return (by_length,)


@app.cell
def _(by_length, length):
    assert abs(by_length["SimPO, means"] - math.log(2)) < 1e-6, "token by token they are alike: the coin is even"
    assert abs(by_length["ORPO without its first term"] - math.log(2)) < 1e-6
    assert (by_length["a SimPO of sums"] > 2) == (length.value >= 20), "by sums the long answer looks bad"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model

    A transformer of 30,000 weights that was never trained, and eight pairs: even digits want a, odd ones b. Each pair is one row, so that the prompt is read
    once. Choose the loss; the curves are log-probabilities of whole answers, averaged over the pairs.
    """)
    return


@app.cell
def _():
    method = mo.ui.dropdown(["dpo", "ipo", "kto", "orpo", "simpo"], value="dpo", label="loss")
    method
    return (method,)


@app.cell
def _(method):
    _words = train_tokenizer(["user user user assistant assistant assistant\n"], TokenizerConfig(vocab_size=270))
    _config = Qwen3Config(
        vocab_size=_words.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, head_dim=16,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    _rows = [{"prompt": f"{n}?", "chosen": "ab"[n % 2], "rejected": "ba"[n % 2]} for n in range(8)]
    _module, _batch = build(_config, seed=0), lay_out(encode(_rows, _words, 64).pairs)
    history = []

    def _look(event):
        with torch.no_grad():
            history.append(whole_answers(event.module, _batch, 16).view(8, 2).mean(0).tolist())

    _settings = DpoConfig(
        method=method.value, steps=40, batch_size=8, learning_rate=0.003, warmup_steps=0, checkpoint_every=0
    )
    fit(copy.deepcopy(_module), _rows, _settings, tokenizer=_words, listeners=[_look])
    plots.lines(
        range(1, 41),
        {"chosen": [one for one, _ in history], "rejected": [other for _, other in history]},
        x="step",
        y="log-probability of the answer, nats",
        title=f"{method.value}: chosen {history[0][0]:.1f} to {history[-1][0]:.1f}, rejected to {history[-1][1]:.1f}",
    )
    return (history,)


@app.cell
def _(history, method):
    _chosen, _rejected = history[-1]
    assert _chosen > _rejected + 0.2, "the pairs are told apart"
    assert method.value != "orpo" or _chosen > history[0][0] + 5, "ORPO tunes on the chosen answers as well"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A small beta in the bandit: the policy may go far, and nearly all goes to the best answer. A large one: it stays at home.
    - orpo against dpo on the model: DPO asks for a difference only, and how likely both answers are is left to chance. That is why a model is
      tuned on good answers before.
    - 50 tokens against 10: the sum calls a good answer bad for its length alone.

    Write it yourself: `groundup learn start dpo_loss`, then `groundup learn start kto_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
