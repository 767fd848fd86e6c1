"""Lesson: from logits to the next token, and what each filter takes away."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Sampling: the next word is a draw", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.decoding import streams
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.decoding.sampling import draw, greedy, min_p, narrow, temperature, top_k, top_p


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Sampling: the next word is a draw

    A language model ends in one number for every token of its vocabulary, the logit. What is written is decided after
    that: here. Afterwards you know what temperature, top-k, top-p and min-p each do, and why no model is used without one.
    """)
    return


@app.cell
def _():
    _logits = torch.cat([torch.full((1, 50), 6.0), torch.zeros(1, 49_950)], dim=1)  # 50 good tokens, 49,950 bad ones
    good = torch.softmax(_logits, dim=1)[0, :50].sum().item()
    mo.md(
        "A vocabulary of 50,000: 50 tokens fit, and each is 403 times as likely as any of the others. Draw from it plainly, "
        f"and one of the good ones comes in only **{good:.0%}** of the draws. The bad ones are many."
    )
    return (good,)


@app.cell
def _(good):
    assert abs(good - 50 * np.exp(6) / (50 * np.exp(6) + 49_950)) < 1e-4
    assert good < 0.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One choice

    "The cat sat on the ..." and twelve words with their logits. $p_i = e^{z_i / T} / \sum_j e^{z_j / T}$ turns them into
    probabilities; $T$ is the **temperature**. Move it: at 0 the best word is certain, at 2 the rare ones come up.
    """)
    return


@app.cell
def _():
    words = "mat sofa floor bed chair roof table moon keyboard idea because seven".split()
    logits = torch.tensor([[5.0, 4.4, 4.3, 3.9, 3.5, 2.8, 2.7, 0.9, 0.8, -0.5, -1.5, -2.0]])
    return logits, words


@app.cell
def _():
    degree = mo.ui.slider(0.1, 2.0, step=0.1, value=1.0, label="temperature", show_value=True)
    degree
    return (degree,)


@app.cell
def _(degree, logits, words):
    heated = torch.softmax(temperature(logits, degree.value), dim=1)[0]
    plots.value_bars(
        {
            "temperature 1": dict(zip(words, torch.softmax(logits, dim=1)[0].tolist(), strict=True)),
            f"temperature {degree.value:.1f}": dict(zip(words, heated.tolist(), strict=True)),
        },
        y="probability",
        title="What the temperature does",
    )
    return (heated,)


@app.cell
def _(degree, heated, logits):
    assert abs(heated.sum().item() - 1) < 1e-5
    assert heated.argmax() == greedy(logits)[0], "the order of the words never changes"
    _ratio = (heated[0] / heated[1]).log().item()
    assert abs(_ratio - 0.6 / degree.value) < 1e-3, "the log of the odds is divided by the temperature"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three ways to cut the tail

    A temperature moves all words and removes none. The filters remove, and differ in what they hold fixed:

    | filter | keeps |
    |---|---|
    | top-k | the k likeliest words, however sure the model is |
    | top-p | the likeliest words that together reach p |
    | min-p | words at least p times as likely as the best one |
    """)
    return


@app.cell
def _():
    filters = {
        "none": lambda scores: scores,
        "top-k, k = 5": lambda scores: top_k(scores, 5),
        "top-p, p = 0.8": lambda scores: top_p(scores, 0.8),
        "min-p, p = 0.1": lambda scores: min_p(scores, 0.1),
    }
    return (filters,)


@app.cell
def _(filters):
    chosen = mo.ui.dropdown(list(filters), value="top-p, p = 0.8", label="filter")
    chosen
    return (chosen,)


@app.cell
def _(chosen, filters, logits, words):
    _unsure = logits / 4
    kept = {
        name: torch.softmax(filters[chosen.value](scores), dim=1)[0]
        for name, scores in {"a sure model": logits * 2, "an unsure model": _unsure}.items()
    }
    plots.value_bars(
        {name: dict(zip(words, values.tolist(), strict=True)) for name, values in kept.items()},
        y="probability",
        title=f"Filter: {chosen.value}",
    )
    return (kept,)


@app.cell
def _(chosen, kept):
    counts = {name: int((values > 0).sum()) for name, values in kept.items()}
    mo.md(
        f"With {chosen.value} a sure model chooses among **{counts['a sure model']}** words, an unsure one among **{counts['an unsure model']}**."
    )
    return (counts,)


@app.cell
def _(chosen, counts):
    assert counts["a sure model"] <= counts["an unsure model"]
    assert ("top-k" in chosen.value) == (list(counts.values()) == [5, 5]), "only top-k keeps as many in both"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The draw itself

    One number $u$ between 0 and 1 decides: walk along the cumulative probabilities and take the first word that passes $u$.
    The number is computed from (seed, row, position), not drawn from a shared generator, so a text does not depend on what
    else is in its batch.
    """)
    return


@app.cell
def _(logits, words):
    _config = SamplingConfig(temperature=0.8, top_p=0.9, seed=7)
    probabilities = torch.softmax(narrow(logits, _config), dim=1)[0]
    _uniform = torch.from_numpy(streams.uniform(_config.seed, np.zeros(2000), np.arange(2000)))
    _ids = draw(narrow(logits, _config).expand(2000, -1), _uniform)
    frequencies = torch.bincount(_ids, minlength=len(words)) / 2000
    plots.value_bars(
        {
            "probability": dict(zip(words, probabilities.tolist(), strict=True)),
            "2,000 draws": dict(zip(words, frequencies.tolist(), strict=True)),
        },
        title="Draws follow the probabilities",
    )
    return frequencies, probabilities


@app.cell
def _(frequencies, logits, probabilities):
    assert (frequencies - probabilities).abs().max() < 0.03
    assert frequencies[probabilities == 0].sum() == 0, "what was filtered never comes"
    assert draw(logits, torch.zeros(1, dtype=torch.float64))[0] == 0, "u = 0 takes the first word"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Temperature 0.1 and 2.0: which word loses most?
    - Choose top-k: a sure model is made to consider five words although one would do. That is why top-p was invented.
    - Give `SamplingConfig` both `top_k=3` and `temperature=2`: the order matters, temperature comes first.

    Write it yourself: `groundup learn start top_p`
    """)
    return


if __name__ == "__main__":
    app.run()
