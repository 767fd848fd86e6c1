"""Lesson: searching for an answer instead of drawing it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Beam search: the best beginning may lead nowhere", width="medium")

with app.setup:
    import itertools

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.inference.decoding.beam import BeamConfig, beam_search, beam_step, score_of
    from groundup.inference.decoding.contrastive import contrastive_choice


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Beam search: the best beginning may lead nowhere

    Greedy decoding takes the likeliest next token and can never take it back. Beam search keeps several beginnings alive and decides later.
    Afterwards you know one step of it, what the length penalty does, and why the likeliest text is often not the one you want.
    """)
    return


@app.cell
def _():
    vocabulary = ["the", "a", "cat", "dog", "."]
    _next = {  # after a word, the chances of the next; 0 stands before the text
        None: [0.55, 0.45, 0.0, 0.0, 0.0],
        0: [0.0, 0.0, 0.35, 0.33, 0.32],
        1: [0.0, 0.0, 0.9, 0.05, 0.05],
        2: [0.05, 0.0, 0.0, 0.05, 0.9],
        3: [0.3, 0.0, 0.1, 0.0, 0.6],
        4: [0.0, 0.0, 0.0, 0.0, 1.0],
    }
    chances = torch.tensor([_next[None], *(_next[word] for word in range(5))])

    def _step(state, last):
        """Log-probabilities after each row's last word; -1 before the first."""
        return chances[last + 1].log(), state

    def search(beams, alpha, longest):
        """The best texts of at most so many words."""
        config = BeamConfig(beams=beams, length_penalty=alpha)
        return beam_search(_step, None, torch.tensor([-1]), 4, longest, config)[0]

    greedy = search(1, 0.0, 3)[0]
    better = search(2, 0.0, 3)[0]
    mo.md(
        f"Greedy: *{' '.join(vocabulary[id] for id in greedy.ids)}* with probability **{np.exp(greedy.log_probability):.2f}**. "
        f"Two beams: *{' '.join(vocabulary[id] for id in better.ids)}* with **{np.exp(better.log_probability):.2f}**, although "
        "*a* is the less likely first word."
    )
    return better, chances, greedy, search, vocabulary


@app.cell
def _(better, greedy):
    assert greedy.ids == (0, 2, 4) and better.ids == (1, 2, 4)
    assert abs(np.exp(greedy.log_probability) - 0.55 * 0.35 * 0.9) < 1e-4
    assert better.log_probability > greedy.log_probability
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One step

    Two beginnings, five words: ten continuations compete, each with the sum of its log-probabilities. The best two go on, even if both come from the
    same beginning. `beam_step` gives their sums, the beam each goes on from, and the word it adds.
    """)
    return


@app.cell
def _(chances, vocabulary):
    _sums = chances[0, :2].log()[None]  # "the" and "a"
    _added = chances[[1, 2]].log()[None]
    sums, beams, words = (part[0].tolist() for part in beam_step(_sums, _added, 3))
    plots.heat_map(
        (_sums[0, :, None] + _added[0]).exp().numpy(),
        rows=["the ...", "a ..."],
        columns=vocabulary,
        title="Probability of each beginning of two words",
        text=True,
    )
    return beams, sums, words


@app.cell
def _(beams, sums, words):
    assert (beams[0], words[0]) == (1, 2), "a cat comes first"
    assert beams[1:] == [0, 0] and words[1:] == [2, 3], "then the cat and the dog, from the same beginning"
    assert sums == sorted(sums, reverse=True)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The search finds what counting finds

    All texts of up to four words can be counted here: that is the truth. A wider beam comes nearer to it, and with as many beams as there are
    beginnings it is there.
    """)
    return


@app.cell
def _(chances, search):
    _texts = []
    for _ids in itertools.product(range(5), repeat=4):
        _end = _ids.index(4) + 1 if 4 in _ids else 4
        _chance = float(
            np.prod([chances[before + 1, word] for before, word in zip((-1, *_ids), _ids[:_end], strict=False)])
        )
        _texts.append((_chance, _ids[:_end]))
    truth = max(_texts)
    found = {beams: float(np.exp(search(beams, 0.0, 4)[0].log_probability)) for beams in (1, 2, 3, 5, 8)}
    plots.lines(
        list(found),
        {"beam search": list(found.values())},
        x="beams",
        y="probability of the best text",
        levels={"counted": truth[0]},
        title="How wide is wide enough?",
    )
    return found, truth


@app.cell
def _(found, truth):
    assert abs(found[8] - truth[0]) < 1e-5 and truth[1] == (1, 2, 4)
    assert all(value <= truth[0] + 1e-5 for value in found.values()), "no search finds more than there is"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Long or short

    Every further word makes a text less likely, so plain sums prefer short texts. The score divides by $\text{length}^\alpha$: the sum is
    negative, so a larger $\alpha$ helps longer texts. Move it and see which of two texts wins.
    """)
    return


@app.cell
def _():
    alpha = mo.ui.slider(0.0, 2.0, step=0.25, value=0.0, label="length penalty", show_value=True)
    alpha
    return (alpha,)


@app.cell
def _(alpha):
    short, long = score_of(-2.0, 2, alpha.value), score_of(-3.5, 4, alpha.value)
    plots.value_bars(
        {"score": {"2 words, sum -2.0": short, "4 words, sum -3.5": long}},
        y="sum / length^alpha",
        title=f"The {'longer' if long > short else 'shorter'} text wins",
    )
    return long, short


@app.cell
def _(alpha, long, short):
    assert (long > short) == (alpha.value > np.log(1.75) / np.log(2)), "they change places at 0.81"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Likely is not everything

    In open-ended text the likeliest continuation is often what was said before. **Contrastive search** takes the likeliest few and subtracts how
    similar each one's hidden state is to an earlier one.
    """)
    return


@app.cell
def _():
    _said = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    _candidates = torch.tensor([[1.0, 0.1], [-0.6, 0.8]])
    _likely = torch.tensor([0.6, 0.4])
    choices = {weight: contrastive_choice(_likely, _candidates, _said, weight) for weight in (0.0, 0.3, 0.6)}
    mo.md(
        "Two candidates: 60% for one whose state was nearly there before, 40% for a new one. "
        + ", ".join(f"alpha {weight}: candidate {choice}" for weight, choice in choices.items())
        + "."
    )
    return (choices,)


@app.cell
def _(choices):
    assert choices == {0.0: 0, 0.3: 1, 0.6: 1}, "alpha 0 is greedy"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the length penalty to 0.75 and to 1: between them the two texts change places.
    - Why does a search for translation use four or five beams, and one for stories none? A translation has few good answers, a story has many,
      and the likeliest one is dull.

    Write it yourself: `groundup learn start beam_step`
    """)
    return


if __name__ == "__main__":
    app.run()
