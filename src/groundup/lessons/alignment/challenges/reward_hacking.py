"""Lesson: over-optimisation, a learned reward that rises while the true one falls, with every number exact."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The reward goes up, and the answers get worse", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.challenges.reward_hacking import (
        FEATURES,
        STRENGTHS,
        a_question,
        all_answers,
        by_best_of_n,
        by_reinforcement,
        divergence,
        draw_pairs,
        hack,
        law,
        learn_proxy,
        tilted,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The reward goes up, and the answers get worse

    A reward model is learned from people's choices and stands for what they want. Then it is optimised, hard. Afterwards you will have
    seen, in a case where everything is known, that the true worth first rises and then falls, where it turns, which law the
    curve follows, and what helps against it.
    """)
    return


@app.cell
def _():
    answers = all_answers(*a_question())
    proxy = hack(answers, 1000)
    favourite = answers.texts[int(proxy.argmax())]
    mo.md(
        f"A reward learned from 1000 choices likes one answer best of {len(answers.texts)}: **{favourite}** It gives it "
        f"{proxy.max():.1f} points. Its true worth is {answers.gold[proxy.argmax()]:.1f}; the plain right answer has "
        f"{answers.gold[answers.texts.index(a_question()[0].answer)]:.1f}. How did that happen?"
    )
    return answers, favourite, proxy


@app.cell
def _(answers, favourite, proxy):
    assert favourite.count("Gladly") >= 2, "politeness upon politeness"
    assert answers.gold[proxy.argmax()] < answers.gold.max() - 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A world in which the truth is written down

    The question is a sum. An answer is right or wrong, and said plainly or in a frame: polite ("Gladly: 9"), rude ("9, as anyone knows.") or
    wordy. Its true worth, the gold reward, is a rule: 3 for right, 1 more for polite, 1 less for rude, 0.08 less for each word. A frame within a
    frame is no answer any more, and the 3 points are gone. The model almost never says such a thing.
    """)
    return


@app.cell
def _(answers):
    _some = ["9", "Gladly: 9", "Why ask me? 9", "Gladly: Of course. 9", "Gladly: Gladly: Gladly: 9"]
    _rows = "\n".join(
        f"| {text} | {answers.gold[answers.texts.index(text)]:.2f} | {answers.probabilities[answers.texts.index(text)]:.2g} |"
        for text in _some
    )
    mo.md("| answer | gold | probability |\n|---|---|---|\n" + _rows)
    return


@app.cell
def _(answers):
    _stacked = answers.features[:, FEATURES.index("stacked")].bool()
    _rare = float(answers.probabilities[_stacked].sum())
    assert abs(_rare - 0.01) < 1e-9, "one answer in a hundred has two frames or more"
    assert abs(float(answers.probabilities.sum()) - 1) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the proxy learns

    Two answers are drawn from the model, and the better one wins with the probability $\sigma(g_1 - g_2)$, as people choose who mostly know. From
    such pairs a logistic regression learns the points of five features: is it right, how many polite, rude and wordy frames, how many
    words. All that it says is true of the answers that it has seen.
    """)
    return


@app.cell
def _(answers):
    learned = learn_proxy(answers.features[:, :5], *draw_pairs(answers, 5000, 0))
    plots.value_bars(
        {"learned": dict(zip(FEATURES, learned.tolist(), strict=False)), "written": dict(zip(FEATURES[:5], (3, 1, -1, 0, -0.08), strict=True))},
        x="feature", y="points", title="The learned reward is right about what it saw",
    )  # fmt: skip
    return (learned,)


@app.cell
def _(learned):
    assert torch.allclose(learned, torch.tensor([3, 1, -1, 0, -0.08], dtype=torch.float64), atol=0.45)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Optimise it

    Reinforcement with a pull of strength $\beta$ towards the model has a best policy that can be written down,

    $$p(y)\ e^{r(y) / \beta} / Z$$

    so nothing needs to be trained: for each $\beta$ the mean of the proxy, the mean of gold and the distance from the model are sums over all answers.
    Weaken the pull.
    """)
    return


@app.cell
def _():
    pull = mo.ui.slider(steps=[20, 5, 2, 1, 0.5, 0.3, 0.2, 0.1], value=1, label="strength of the pull", show_value=True)
    pull
    return (pull,)


@app.cell
def _(answers, proxy, pull):
    policy = tilted(answers.probabilities, proxy, float(pull.value))
    curve = by_reinforcement(answers, proxy)
    _here = math.sqrt(divergence(policy, answers.probabilities))
    plots.lines(
        curve.distance,
        {"proxy, which is optimised": curve.proxy, "gold, which is meant": curve.gold},
        x="distance from the model, sqrt(KL)",
        y="mean reward",
        levels={"gold of the model": float(answers.probabilities @ answers.gold)},
        title=f"At {_here:.2f}: proxy {policy @ proxy:.1f}, gold {policy @ answers.gold:.1f}, turn at {curve.turn:.2f}",
    )
    return curve, policy


@app.cell
def _(answers, curve, policy, proxy, pull):
    _model = float(answers.probabilities @ answers.gold)
    assert all(later > now - 1e-9 for now, later in zip(curve.proxy, curve.proxy[1:], strict=False)), (
        "the proxy only rises"
    )
    assert max(curve.gold) > _model + 1 and curve.gold[-1] < _model, "gold rises, turns, and ends below where it began"
    assert pull.value > 0.15 or float(policy @ answers.gold) < max(curve.gold) - 1
    _objective = float(policy @ proxy) - pull.value * divergence(policy, answers.probabilities)
    assert all(
        float(other @ proxy) - pull.value * divergence(other, answers.probabilities) <= _objective + 1e-9
        for other in (tilted(answers.probabilities, proxy, beta) for beta in STRENGTHS)
    ), "no other policy does better by its own measure"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Gao's laws

    For language models that were optimised against learned rewards, Gao and others found that gold, counted from the model, follows

    $$d\,(a - b\,d) \quad\text{(best of n)} \qquad\qquad d\,(a - b \log d) \quad\text{(reinforcement)}, \qquad d = \sqrt{KL}$$

    Two numbers, fitted to the curves of this small world, say where they turn.
    """)
    return


@app.cell
def _():
    way = mo.ui.radio(["reinforcement", "best of n"], value="best of n", label="optimised by")
    way
    return (way,)


@app.cell
def _(answers, proxy, way):
    _is_rl = way.value == "reinforcement"
    shown = (by_reinforcement if _is_rl else by_best_of_n)(answers, proxy)
    _model = float(answers.probabilities @ answers.gold)
    fitted = law(shown, _model, _is_rl)
    plots.lines(
        shown.distance,
        {"gold": [number - _model for number in shown.gold], "the law": [fitted.at(d) for d in shown.distance]},
        x="distance from the model, sqrt(KL)",
        y="gold above the model",
        levels={"the model": 0.0},
        title=f"a = {fitted.a:.2f}, b = {fitted.b:.2f}: {fitted.explained:.0%} explained, turn at {fitted.turn:.2f}, truly {shown.turn:.2f}",
    )
    return fitted, shown


@app.cell
def _(fitted, shown):
    assert fitted.explained > 0.85
    assert abs(fitted.turn - shown.turn) < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What helps

    More choices to learn from? Or a reward model that sees more, here a sixth feature: is there a frame within a frame? Choose both.
    """)
    return


@app.cell
def _():
    pairs = mo.ui.slider(steps=[100, 1000, 10000, 100000], value=1000, label="choices", show_value=True)
    pairs
    return (pairs,)


@app.cell
def _():
    sees = mo.ui.switch(label="sees a frame within a frame", value=False)
    sees
    return (sees,)


@app.cell
def _(answers, pairs, sees):
    better = by_reinforcement(answers, hack(answers, pairs.value, 0, 6 if sees.value else 5))
    plots.lines(
        better.distance,
        {"proxy": better.proxy, "gold": better.gold},
        x="distance from the model, sqrt(KL)",
        y="mean reward",
        levels={"best possible gold": float(answers.gold.max())},
        title=f"{pairs.value} choices: gold ends {better.lost:.2f} below its best",
    )
    return (better,)


@app.cell
def _(better, pairs, sees):
    assert sees.value or better.lost > 2, "blind to the trick, no number of choices helps"
    assert not (sees.value and pairs.value >= 10_000) or better.lost < 0.1, "it takes both: eyes, and cases to see"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A pull of 20: hardly anything moves, and nothing is spoiled. Of 0.1: nearly all probability is on answers that nobody would choose.
    - 100 000 choices without the sixth feature: the curve stays as it was. What a reward model cannot see, it cannot learn.
    - The sixth feature with 100 choices: in a hundred pairs hardly one has a frame within a frame.

    Write it yourself: `groundup learn start tilted`
    """)
    return


if __name__ == "__main__":
    app.run()
