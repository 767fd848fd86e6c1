"""Lesson: guesses that are checked many at once, and why the text stays the model's own."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Speculative decoding: five tokens for one look", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.decoding.drafts import ModelDraft, NGramDraft
    from groundup.inference.decoding.speculative import Acceptance, accept_draft, speculate
    from groundup.inference.engine.batching import generate_batch
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Speculative decoding: five tokens for one look

    A model writes a token at a time, and for each it reads all of its weights. Checking five tokens at once reads them once. So
    something cheap guesses a few tokens ahead, and the model only checks. Afterwards you know the rule by which a guess stays, and why
    the text is distributed as if nobody had guessed.
    """)
    return


@app.cell
def _():
    small = build(
        Qwen3Config(
            vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=True,
        ),
        seed=1,
    ).eval()  # fmt: skip
    _sampling = SamplingConfig(max_new_tokens=60, temperature=0.0)
    rounds = [*speculate(small, [3, 5], _sampling, ModelDraft(small, 4))]
    plain = generate_batch(small, [[3, 5]], _sampling)[0].ids
    found = Acceptance.of(rounds)
    mo.md(
        f"A draft that is always right, four guesses a round: **{found.tokens} tokens in {found.rounds} passes** of the model, and every one "
        "is the token that it would have written alone."
    )
    return found, plain, rounds, small


@app.cell
def _(found, plain, rounds):
    assert [token for one in rounds for token in one.ids] == plain
    assert found.rounds == 12 and found.tokens_a_round == 5, "four guesses and the model's own token behind them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One place, three tokens

    The draft draws a guess from $q$, the model would draw from $p$. A guess $x$ stays with probability $\min(1, p(x)/q(x))$. Otherwise a
    token is drawn from what the draft found too unlikely, $\max(0, p - q)$. Move the draft: however bad it is, "guessed and kept" and "drawn
    instead" add up to the model's $p$. Only their shares change: how often a guess stays.
    """)
    return


@app.cell
def _():
    p = np.array([0.2, 0.3, 0.5])
    return (p,)


@app.cell
def _():
    wrong = mo.ui.slider(0.0, 1.0, step=0.1, value=0.6, label="how wrong the draft is", show_value=True)
    wrong
    return (wrong,)


@app.cell
def _(p, wrong):
    q = (1 - wrong.value) * p + wrong.value * np.array([0.8, 0.15, 0.05])
    stays, replaced = np.minimum(p, q), np.maximum(0, p - q)
    plots.value_bars(
        {
            "guessed and kept": dict(zip("abc", stays.tolist(), strict=True)),
            "drawn instead": dict(zip("abc", replaced.tolist(), strict=True)),
            "draft q": dict(zip("abc", q.tolist(), strict=True)),
            "model p": dict(zip("abc", p.tolist(), strict=True)),
        },
        y="probability",
        title="What comes out: kept and replaced together are p",
    )
    return q, replaced, stays


@app.cell
def _(p, q, replaced, stays):
    assert np.allclose(stays + replaced, p), "exactly, for every draft"
    assert abs(replaced.sum() - 0.5 * np.abs(p - q).sum()) < 1e-12, "a refusal is as likely as p and q are far apart"
    return


@app.cell
def _(p, q):
    _source = np.random.default_rng(0)
    _target, _draft = torch.tensor(p), torch.tensor(q)
    _guesses = _source.choice(3, 3000, p=q)
    _numbers = _source.random((3000, 2))
    _drawn = [
        accept_draft(_target, _draft, int(guess), chance, number)
        for guess, (chance, number) in zip(_guesses, _numbers.tolist(), strict=True)
    ]
    frequencies = np.bincount(_drawn, minlength=3) / 3000
    kept = float(np.mean(np.array(_drawn) == _guesses))
    mo.md(
        f"3,000 guesses through `accept_draft`: the tokens came with frequencies **{', '.join(f'{one:.2f}' for one in frequencies)}**, and "
        f"{kept:.0%} of the guesses stayed."
    )
    return frequencies, kept


@app.cell
def _(frequencies, kept, p, q):
    assert np.abs(frequencies - p).max() < 0.04
    assert abs(kept - np.minimum(p, q).sum()) < 0.04
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many guesses?

    If each guess stays with probability $a$, a round with $k$ guesses gives $(1 - a^{k+1}) / (1 - a)$ tokens: a chain ends at its first
    refusal. If a guess costs $c$ of a pass, the speed-up is that number over $1 + kc$. The curve has a top. A better draft moves it to the
    right, a dearer one to the left.
    """)
    return


@app.cell
def _():
    cost = mo.ui.slider(0.0, 0.3, step=0.05, value=0.1, label="cost of a guess, in passes", show_value=True)
    cost
    return (cost,)


@app.cell
def _(cost):
    _k = np.arange(0, 13)
    curves = {
        f"{a:.0%} stay": ((1 - a ** (_k + 1)) / (1 - a) / (1 + _k * cost.value)).tolist() for a in (0.5, 0.7, 0.9)
    }
    plots.lines(
        _k.tolist(),
        curves,
        x="guesses a round",
        y="speed-up",
        title="Too few guesses waste a pass, too many waste the draft",
    )
    return (curves,)


@app.cell
def _(cost, curves):
    _best = [int(np.argmax(values)) for values in curves.values()]
    assert _best == sorted(_best), "a better draft is worth more guesses"
    assert all(values[0] == 1 for values in curves.values())
    assert max(curves["90% stay"]) > (3.0 if cost.value <= 0.1 else 1.5)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A draft without a model

    Text repeats itself. Look up where the last few tokens stood before, and guess what followed there. Such a guess was not drawn, so its
    $q$ is 1, and the rule becomes: draw from $p$ as ever, and go on where that is the guess. The text is then the same, seed for seed.
    """)
    return


@app.cell
def _(small):
    _prompt = [7, 8, 9, 10, 7, 8]
    _sampling = SamplingConfig(max_new_tokens=80, temperature=0.3, seed=4)
    alone = generate_batch(small, [_prompt], _sampling)[0].ids
    looked = [*speculate(small, _prompt, _sampling, NGramDraft(6, shortest=1))]
    figures = Acceptance.of(looked)
    mo.md(
        f"An untrained model at temperature 0.3, {figures.tokens} tokens: {figures.rounds} passes with the look-up, "
        f"{figures.rate:.0%} of the guesses stayed."
    )
    return alone, figures, looked


@app.cell
def _(alone, figures, looked):
    assert [token for one in looked for token in one.ids] == alone
    assert figures.rounds <= figures.tokens == 80
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the draft's error to 1.0: a refusal becomes likely, and the two parts still add up to $p$.
    - Set the cost of a guess to 0: more guesses never hurt, and with 90% kept thirteen places give seven tokens.
    - A draft may skip a place where it is unsure, by its largest probability. Why may it not drop a guess because the token it drew is
      unlikely? That would take such tokens out of $q$ without $q$ knowing it.

    Write it yourself: `groundup learn start accept_draft`
    """)
    return


if __name__ == "__main__":
    app.run()
