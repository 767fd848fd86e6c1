"""Lesson: what a wrong belief pays, why a language model's loss is that, and how to compute it without overflow."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The price of a belief", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.information.cross_entropy import (
        cross_entropy,
        likelihood_gradient,
        log_softmax,
        log_sum_exp,
        naive_log_sum_exp,
        negative_log_likelihood,
    )
    from groundup.foundations.information.entropy import entropy


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The price of a belief

    The entropy says how surprised one is who knows the true probabilities. Nobody does. This lesson follows someone who
    believes in others: what it costs, why training a model means to lower that cost, and how a computer gets the number
    wrong when the formula is typed as it stands.
    """)
    return


@app.cell
def _():
    typed = naive_log_sum_exp([710.0, 0.0, 0.0])
    careful = float(log_sum_exp([710.0, 0.0, 0.0]))
    mo.md(
        f"The logarithm of $e^{{710}} + e^0 + e^0$ is 710. Typed as it stands a computer says **{typed}**; with one "
        f"subtraction before, {careful:.1f}."
    )
    return careful, typed


@app.cell
def _(careful, typed):
    assert typed == math.inf and math.isclose(careful, 710)
    assert naive_log_sum_exp([-800.0, -800.0]) == -math.inf, "and it fails at the other end too"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Keep this for later. First the question of what there is to compute.

    ## Weather, and two forecasters

    In a town it is sunny on half of the days, cloudy on a quarter, rainy on a quarter. One forecaster says just that
    every day. Another says sun 1/4, clouds 1/4, rain 1/2. Each evening a forecaster pays for the surprise:
    $\log_2(1/q)$ bits, where $q$ is what was said of the weather that came. Over many days the second pays

    $$\tfrac12 \cdot 2 + \tfrac14 \cdot 2 + \tfrac14 \cdot 1 = 1.75$$

    The days come as often as the **truth** $p$ says, and each costs what the **belief** $q$ says:

    $$H(p, q) = -\sum_x p(x) \log_2 q(x)$$

    It is called the cross-entropy.
    """)
    return


@app.cell
def _():
    _weather = {"sun": 0.5, "clouds": 0.25, "rain": 0.25}
    gloomy = [0.25, 0.25, 0.5]
    truth = list(_weather.values())
    paid = {"knows the town": cross_entropy(truth, truth), "gloomy": cross_entropy(truth, gloomy)}
    mo.md(f"Bits a day: {paid['knows the town']} for who knows the town, **{paid['gloomy']}** for the gloomy one.")
    return gloomy, paid, truth


@app.cell
def _(gloomy, paid, truth):
    assert paid["gloomy"] == 0.5 * 2 + 0.25 * 2 + 0.25 * 1 == 1.75
    assert math.isclose(paid["knows the town"], entropy(truth)) and paid["knows the town"] == 1.5, (
        "believing the truth costs its entropy"
    )
    assert cross_entropy(truth, [0.5, 0.5, 0.0]) == math.inf, "one day of rain ruins who excluded it"
    assert cross_entropy(gloomy, truth) == 1.75, "here the other way round happens to cost the same; it need not"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where is the cheapest belief?

    Take two kinds of days only, sun and no sun, so that a belief is one number. Choose how often the sun shines in
    truth, and look where the curve is lowest.
    """)
    return


@app.cell
def _():
    sunny = mo.ui.slider(0.1, 0.9, step=0.1, value=0.7, label="true share of sunny days", show_value=True)
    sunny
    return (sunny,)


@app.cell
def _(sunny):
    _p = float(sunny.value)
    beliefs = np.linspace(0.02, 0.98, 97)
    costs = [cross_entropy([_p, 1 - _p], [belief, 1 - belief]) for belief in beliefs]
    cheapest = float(beliefs[int(np.argmin(costs))])
    plots.lines(
        beliefs,
        {"what it costs": costs},
        x="believed share of sunny days",
        y="bits a day",
        levels={"entropy of the truth": entropy([_p, 1 - _p])},
        title=f"Cheapest is to believe {cheapest:.2f}, and {_p:.1f} is true",
    )
    return beliefs, cheapest, costs


@app.cell
def _(beliefs, cheapest, costs, sunny):
    assert abs(cheapest - sunny.value) < 0.006, "the cheapest belief is the truth"
    assert min(costs) >= entropy([sunny.value, 1 - sunny.value]) - 1e-9, "and nothing is cheaper than the entropy"
    assert max(costs) in (costs[0], costs[-1]), (
        f"dearest is being sure of the wrong thing, at {beliefs[0]:.2f} or {beliefs[-1]:.2f}"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So whoever wants to learn the truth need not know it: it is enough to make the payments small. That is training. The
    text is the weather, and the model pays for each token (a word or a piece of one) that comes. With one token as the
    truth only one term of the sum is left:

    $$-\ln q(\text{the token that came})$$

    averaged over the text. It goes by the name of **negative log-likelihood**, and is counted in nats, with $\ln$ for
    $\log_2$: 1 bit is 0.693 nats.

    ## From scores to probabilities

    A model does not give probabilities. It gives any numbers, called **logits** (the *scores* of other lessons). To make
    probabilities of them, each goes to $e^z$, which is positive, and is divided by the sum of all. The logarithm of that
    is

    $$\ln q_i = z_i - \ln \sum_j e^{z_j}$$

    Three logits, 2, 1 and 0, by hand:
    """)
    return


@app.cell
def _():
    logits = np.array([2.0, 1.0, 0.0])
    _powers = [math.exp(z) for z in logits]
    chances = [power / sum(_powers) for power in _powers]
    plots.value_bars(
        {
            "by hand": dict(zip("abc", chances, strict=True)),
            "exp(log_softmax)": dict(zip("abc", np.exp(log_softmax(logits)), strict=True)),
        },
        y="probability",
        title=f"One more in the logit is {chances[0] / chances[1]:.2f} times as likely",
    )
    return chances, logits


@app.cell
def _(chances, logits):
    assert np.allclose(np.exp(log_softmax(logits)), chances) and math.isclose(sum(chances), 1)
    assert math.isclose(chances[0] / chances[1], math.e)
    assert math.isclose(negative_log_likelihood([logits], [0]), -math.log(chances[0]))
    assert np.allclose(log_softmax(logits + 5), log_softmax(logits)), "adding 5 to all logits changes nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The one subtraction

    The last assertion is the way out of the overflow. $e^{710}$ is larger than any number that a computer holds in 64
    bits. Subtract the largest logit from all first: then no exponent is above 0, and the largest gives $e^0 = 1$, so
    the sum cannot vanish either. Add it again at the end. Here both ways on two logits that are far apart by one,
    lifted together:
    """)
    return


@app.cell
def _():
    lifts = np.arange(-900.0, 901.0, 20.0)
    plain = [naive_log_sum_exp([lift, lift + 1]) for lift in lifts]
    shifted = [float(log_sum_exp([lift, lift + 1])) for lift in lifts]
    _shown = [value if math.isfinite(value) else math.nan for value in plain]
    plots.lines(
        lifts,
        {"log_sum_exp": shifted, "typed as it stands": _shown},
        x="both logits lifted by",
        y="log of the sum",
        title=f"The plain formula has no answer for {sum(not math.isfinite(v) for v in plain)} of {len(plain)} places",
    )
    return lifts, plain, shifted


@app.cell
def _(lifts, plain, shifted):
    assert np.allclose(shifted, lifts + math.log(1 + math.e)), "a straight line"
    _good = np.isfinite(plain)
    assert np.allclose(np.array(plain)[_good], np.array(shifted)[_good], rtol=1e-4), "where both answer they agree"
    assert not _good[lifts > 709].any() and not _good[lifts < -760].any()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In which direction to learn

    Ask how the loss changes when a logit is pushed a little. The answer is simple enough to be remembered: what was
    believed, minus what came. If `b` came, its logit is to rise, by as much as was missing to certainty, and the others
    are to fall by as much as was wasted on them. Walk against it, some steps, from the three logits above:
    """)
    return


@app.cell
def _(chances, logits):
    gradient = likelihood_gradient([logits], [1])[0]
    _asked = [believed - came for believed, came in zip(chances, [0, 1, 0], strict=True)]
    _shown, _wanted = (", ".join(f"{one:+.3f}" for one in numbers) for numbers in (gradient, _asked))
    mo.md(f"The gradient: {_shown}. By hand: {_wanted}.")
    return (gradient,)


@app.cell
def _(logits):
    _path = [logits]
    for _ in range(30):
        _path = [*_path, _path[-1] - likelihood_gradient([_path[-1]], [1])[0]]
    believed = np.exp(log_softmax(np.array(_path)))
    plots.lines(
        range(31),
        {letter: believed[:, place] for place, letter in enumerate("abc")},
        x="steps",
        y="probability",
        title=f"After 30 steps b is believed with {believed[-1, 1]:.2f}",
    )
    return (believed,)


@app.cell
def _(believed, gradient):
    assert math.isclose(gradient.sum(), 0, abs_tol=1e-12), "what one gains the others lose"
    assert gradient[1] < 0 < min(gradient[0], gradient[2])
    assert all(np.diff(believed[:, 1]) > 0) and believed[-1, 1] > 0.9, "b is sure"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A step is large where the belief was wrong and shrinks as it becomes right. A model of 50,000 tokens does just this
    at every place of its text.

    ## Try

    - Move the true share to 0.5: the curve is the same to both sides, and its lowest point is one bit.
    - `negative_log_likelihood(np.zeros((1, 50_000)), [7])` is $\ln 50000 = 10.8$: the loss of a model that knows
      nothing, and the first number that every training run shows.
    - Let the walk hear `b` three times and `a` once: `likelihood_gradient([_path[-1]] * 4, [1, 1, 1, 0]).sum(0)` in
      place of the one gradient. It goes to 0.75 for `b` and 0.25 for `a`, and the last assertion says that `b`
      is no longer sure.

    Write it yourself: `groundup learn start log_sum_exp`
    """)
    return


if __name__ == "__main__":
    app.run()
