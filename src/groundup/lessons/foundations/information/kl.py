"""Lesson: what believing the wrong probabilities costs, why that has a direction, and how samples estimate it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Wrong in two directions", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.information.cross_entropy import cross_entropy
    from groundup.foundations.information.entropy import entropy
    from groundup.foundations.information.kl import jensen_shannon, kl_divergence, kl_samples


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Wrong in two directions

    How far is a model from the truth? The answer of information theory is a number of bits that depends on which of the
    two one asks. This lesson shows where that comes from, what it does to a model that is too small for its data, and
    how the number is had when there are too many cases to visit.
    """)
    return


@app.cell
def _():
    true_coin, sure = [0.5, 0.5], [0.999, 0.001]
    there, back = kl_divergence(true_coin, sure), kl_divergence(sure, true_coin)
    mo.md(
        f"To hold a fair coin for one that nearly always shows heads costs **{there:.2f}** bits a throw; to hold that "
        f"one for fair, **{back:.2f}**."
    )
    return back, sure, there, true_coin


@app.cell
def _(back, sure, there, true_coin):
    assert there > 4 * back
    assert np.allclose([kl_divergence(true_coin, true_coin), kl_divergence(sure, sure)], 0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is too much in the bill

    Three kinds of days come in the shares 1/2, 1/4, 1/4. Who knows that is surprised by 1.5 bits a day on average (the
    entropy). Who believes in 1/4, 1/4, 1/2 pays 1.75 (the cross-entropy). The difference, a quarter of a bit, is paid
    for being wrong:

    $$D(p \,\|\, q) = H(p, q) - H(p) = \sum_x p(x) \log_2 \frac{p(x)}{q(x)}$$

    the **Kullback-Leibler divergence** of the belief $q$ from the truth $p$. Look at its terms one by one:
    """)
    return


@app.cell
def _():
    truth, belief = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    terms = truth * np.log2(truth / belief)
    plots.value_bars(
        {"p log2(p / q)": dict(zip(["sun", "clouds", "rain"], terms, strict=True))},
        y="bits",
        title=f"Some terms are negative, their sum is not: {terms.sum():.2f}",
    )
    return belief, terms, truth


@app.cell
def _(belief, terms, truth):
    assert terms.tolist() == [0.5, 0.0, -0.25]
    assert np.allclose([kl_divergence(truth, belief), cross_entropy(truth, belief) - entropy(truth)], terms.sum())
    _draw = np.random.default_rng(0).dirichlet(np.ones(5), size=(200, 2))
    assert min(kl_divergence(p, q) for p, q in _draw) > 0, "200 pairs of random distributions: never below 0"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    On rainy days the wrong forecaster is even better off than the right one. But these days are rarer than the sunny
    ones, and the gain is smaller than the loss. It is always so, since the best way to be surprised little is to
    believe the truth.

    ## A belief that is too simple

    Now the direction. The truth has two humps, at 6 and at 14. The belief may have one hump only: we may choose its
    middle and its width. No choice fits. Which is the least bad one depends on who pays. If the truth draws and the
    belief pays, $D(p\,\|\,q)$, then whatever the truth does must be covered. If the belief draws, $D(q\,\|\,p)$, it
    must not do what the truth never does.
    """)
    return


@app.cell
def _():
    direction = mo.ui.radio(
        {"the truth draws": "forward", "the belief draws": "backward"}, value="the truth draws", label="who draws"
    )
    direction
    return (direction,)


@app.cell
def _():
    places = np.arange(21)

    def hump(middle, width):
        """Probabilities of the places 0 to 20 that fall off to both sides of a middle."""
        heights = np.exp(-(((places - middle) / width) ** 2) / 2) + 1e-12
        return heights / heights.sum()

    two_humps = 0.55 * hump(6, 1.2) + 0.45 * hump(14, 1.2)
    return hump, places, two_humps


@app.cell
def _(direction, hump, places, two_humps):
    def cost(middle, width):
        """The divergence in the chosen direction of one hump."""
        one = hump(middle, width)
        return kl_divergence(two_humps, one) if direction.value == "forward" else kl_divergence(one, two_humps)

    _choices = [(middle, width) for middle in np.arange(2, 18.5, 0.5) for width in np.arange(0.8, 7.1, 0.3)]
    best = min(_choices, key=lambda choice: cost(*choice))
    plots.lines(
        places,
        {"truth": two_humps, "best belief with one hump": hump(*best)},
        x="place",
        y="probability",
        marked=True,
        title=f"Middle {best[0]:.1f}, width {best[1]:.1f}; it costs {cost(*best):.2f} bits",
    )
    return best, cost


@app.cell
def _(best, cost, direction):
    if direction.value == "forward":
        assert 8 < best[0] < 12 and best[1] > 3, "it covers both and is high where nothing happens"
    else:
        assert abs(best[0] - 6) < 0.6 and best[1] < 1.6, "it keeps to the larger hump and forgets the other"
    assert cost(*best) < cost(best[0], 2.2), f"a middle way is worse, whatever is asked ({direction.value})"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Both happen to language models. Training on text lets the text draw: the model is to cover all that people write,
    and so it also says what nobody would. Training by rewards lets the model draw, with a penalty for leaving the model
    it began as: it may keep to a few kinds of answers.

    ## Never and a little

    What the truth excludes costs the belief nothing at that place. What the belief excludes and happens anyhow costs
    without end. If both are to be treated alike, compare each with their middle: the **Jensen-Shannon divergence**. It
    is at most one bit, the answer to "from which of the two was this drawn?".
    """)
    return


@app.cell
def _():
    _shares = np.linspace(0, 1, 41)
    _fair = [0.5, 0.5]
    forward = [kl_divergence(_fair, [share, 1 - share]) for share in _shares]
    backward = [kl_divergence([share, 1 - share], _fair) for share in _shares]
    between = [jensen_shannon(_fair, [share, 1 - share]) for share in _shares]
    plots.lines(
        _shares,
        {
            "fair draws, coin pays": [bits if math.isfinite(bits) else math.nan for bits in forward],
            "coin draws, fair pays": backward,
            "Jensen-Shannon": between,
        },
        x="the coin's share of heads",
        y="bits",
        title="A fair coin and another one, three ways to tell them apart",
    )
    return backward, between, forward


@app.cell
def _(backward, between, forward):
    assert forward[0] == forward[-1] == math.inf and np.allclose([backward[0], backward[-1]], 1)
    assert np.allclose([forward[20], backward[20], between[20]], 0)
    assert all(middle <= min(one, other) + 1e-12 for one, other, middle in zip(forward, backward, between, strict=True))
    assert math.isclose(jensen_shannon([1, 0], [0, 1]), 1), "a bit: from which of two that never agree?"
    assert math.isclose(jensen_shannon([1, 0], [0.5, 0.5]), jensen_shannon([0.5, 0.5], [1, 0]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    At both edges the first curve is infinite: a coin that never shows tails cannot explain the tails of a fair one.

    ## When there are too many cases

    There are more texts than anyone can visit, so the sum cannot be taken. It is an average, though, over draws from
    $p$, and an average can be estimated: draw, and take the mean of $k_1 = \ln p(x) - \ln q(x)$. Half of these are
    negative, though the divergence is not. There is a better one. With $r = q(x)/p(x)$:

    $$k_3 = r - 1 - \ln r$$

    On average $r$ is 1, since the $q$ sum to 1; so $r - 1$ adds nothing on average. But it undoes much of the noise,
    and no $k_3$ is negative: $\ln r$ lies below its tangent $r - 1$. Choose how many draws an estimate gets; 400
    estimates each.
    """)
    return


@app.cell
def _():
    draws = mo.ui.slider(10, 70, step=20, value=30, label="draws for an estimate", show_value=True)
    draws
    return (draws,)


@app.cell
def _(draws):
    _generator = np.random.default_rng(0)
    _p = _generator.dirichlet(np.full(50, 5.0))
    _q = 0.8 * _p + 0.2 * _generator.dirichlet(np.full(50, 5.0))
    exact = kl_divergence(_p, _q) * math.log(2)
    _seen = _generator.choice(50, size=(400, draws.value), p=_p)
    _each = kl_samples(np.log(_p[_seen]), np.log(_q[_seen]))
    estimates = {"k1": _each["k1"].mean(1), "k3": _each["k3"].mean(1)}
    lowest = {name: float(values.min()) for name, values in _each.items()}
    plots.histogram(
        estimates,
        x="estimate, nats",
        title=f"Truth {exact:.4f} nats; k1 strays by {estimates['k1'].std():.4f}, k3 by {estimates['k3'].std():.4f}",
    )
    return estimates, exact, lowest


@app.cell
def _(estimates, exact, lowest):
    assert estimates["k3"].std() < 0.5 * estimates["k1"].std()
    assert all(abs(one.mean() - exact) < 5 * one.std() / 20 for one in estimates.values()), "both aim at the truth"
    assert lowest["k3"] >= 0 > lowest["k1"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That is the penalty of a training by rewards (GRPO, in a later room), token by token: always 0 or more, right on average,
    and quiet while the model has not gone far.

    ## Try

    - Let the belief draw: the hump jumps from the middle, where nothing happens, onto the left hump, and becomes
      narrow.
    - Make the humps equal, 0.5 and 0.5: the belief that draws must forget one of two equally good ones.
    - Move the draws from 10 to 70: both heaps become narrower together, and with 10 draws `k3` is still better than
      `k1` with 70.

    Write it yourself: `groundup learn start kl_divergence`
    """)
    return


if __name__ == "__main__":
    app.run()
