"""Lesson: the parameter that makes the data likeliest, what a prior adds, and why training is this."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The likeliest explanation", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.distributions import Beta
    from groundup.foundations.probability.mle import (
        estimate,
        fit_categorical,
        fit_linear,
        fit_normal,
        maximum_a_posteriori,
        maximum_likelihood,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The likeliest explanation

    Data are there, and a model with a number to be chosen. Choose the number under which these data are likeliest: so simple is
    the rule by which language models are trained (**maximum likelihood**). Afterwards you can find that number by hand and by
    search, say how sure it is, and know what weight decay has to do with belief.
    """)
    return


@app.cell
def _():
    def log_coin(throws, share):
        """The logarithm of each throw's probability (1 is heads), if heads come with this share."""
        return np.where(throws == 1, np.log(share), np.log(1 - share))

    _three_heads = np.ones(3)
    plainly = maximum_likelihood(log_coin, _three_heads, 1e-6, 1 - 1e-6)
    with_prior = maximum_a_posteriori(
        log_coin, lambda p: float(Beta(2, 2).log_density(p)), _three_heads, 0.001, 0.999
    ).value
    mo.md(
        f"A coin falls on heads three times. The share of heads that makes this likeliest is **{plainly:.2f}**: tails never come. "
        f"Two throws that were only imagined, one head and one tail, make it **{with_prior:.2f}**."
    )
    return log_coin, plainly, with_prior


@app.cell
def _(plainly, with_prior):
    assert plainly > 0.9999
    assert abs(with_prior - 4 / 5) < 1e-6, "(3 + 1) / (3 + 2)"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    Seven heads in ten throws. If heads come with the share $p$, these ten throws have the probability $p^7 (1 - p)^3$:

    | p | probability of what was seen |
    |---|---|
    | 0.5 | 0.00098 |
    | 0.7 | 0.00222 |
    | 0.9 | 0.00048 |

    It is largest at 0.7, the share that was counted. As a function of $p$ it is called the **likelihood**. One works with its
    logarithm, a sum over the throws with its top at the same place: $7 \log p + 3 \log (1 - p)$.
    """)
    return


@app.cell
def _(log_coin):
    ten = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    _table = [float(np.exp(log_coin(ten, p).sum())) for p in (0.5, 0.7, 0.9)]
    assert np.allclose(_table, [0.00098, 0.00222, 0.00048], atol=5e-6)
    found = maximum_likelihood(log_coin, ten, 0.01, 0.99)
    assert abs(found - 0.7) < 1e-6
    f"found by search: {found:.6f}"
    return found, ten


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The search needs no slope. It compares two places inside an interval and throws away the end beside the lower one; placed at
    the *golden section*, one of the two serves again in what is left. Each comparison leaves 0.618 of the interval.

    ## How sure it is

    The top alone says nothing about that. With more throws of the same share the curve becomes narrow around it. How strongly
    it bends at the top gives the **standard error**: for a share, $\sqrt{p (1 - p) / n}$. Move the number of throws.
    """)
    return


@app.cell
def _():
    throws = mo.ui.slider(10, 200, step=10, value=10, label="throws, 70% of them heads", show_value=True)
    throws
    return (throws,)


@app.cell
def _(log_coin, throws):
    _seen = np.arange(throws.value) < 0.7 * throws.value - 1e-9
    measured = estimate(log_coin, _seen.astype(int), 0.01, 0.99)
    _grid = np.linspace(0.02, 0.98, 193)
    _heights = np.array([log_coin(_seen, p).sum() for p in _grid])
    plots.lines(
        _grid,
        {"likelihood": np.exp(_heights - measured.log_likelihood)},
        x="share of heads",
        y="likelihood, its top as 1",
        title=f"{measured.value:.2f} ± {measured.standard_error:.3f}",
    )
    return (measured,)


@app.cell
def _(measured, throws):
    assert abs(measured.value - 0.7) < 1e-5
    assert abs(measured.standard_error / np.sqrt(0.7 * 0.3 / throws.value) - 1) < 1e-3
    _low, _high = measured.interval()
    assert (_low > 0.5) == (throws.value > 20), "from 30 throws on, the interval leaves out a fair coin"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Words: training is counting

    After "the" came: cat 6 times, dog 3 times, moon once. A model gives each word a probability. Its **cross-entropy** is
    the mean of $-\log p$ over the ten words: the same sum with the other sign, divided by ten. So the model with the least
    loss is the likeliest, and it is again the counted shares. Every other model has a higher loss; along this line of models,
    which take from moon what they give to cat:
    """)
    return


@app.cell
def _():
    counts = np.array([6, 3, 1])
    shares = fit_categorical(counts)

    def loss(probabilities):
        """The mean of -log p over the ten words."""
        return float(-(counts * np.log(probabilities)).sum() / counts.sum())

    moved = np.linspace(-0.3, 0.09, 40)
    losses = [loss(shares + move * np.array([1, 0, -1])) for move in moved]
    assert np.allclose(shares, [0.6, 0.3, 0.1])
    assert loss(shares) < min(losses) + 1e-12
    plots.lines(
        moved,
        {"loss": losses},
        x="moved from moon to cat",
        y="cross-entropy",
        levels={"counted shares": loss(shares)},
        title="No model beats the counts",
    )
    return counts, loss, losses, moved, shares


@app.cell
def _(counts):
    _unseen = np.append(counts, 0)
    likeliest, smoothed = fit_categorical(_unseen)[-1], fit_categorical(_unseen, concentration=2.0)[-1]
    assert likeliest == 0 and abs(smoothed - 1 / 14) < 1e-12
    mo.md(
        f"A word that never came gets **{likeliest:.3f}**, and its first occurrence an infinite loss; with a prior, **{smoothed:.3f}**."
    )
    return likeliest, smoothed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## It can be wrong on average

    The likeliest mean of normal numbers is their mean, the likeliest variance the mean square about it. But that mean was made
    from the same numbers and lies too close to them: the variance comes out as $(n - 1)/n$ of the truth. From two numbers, half.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    sizes = [2, 3, 5, 10, 20]
    variances = [
        float(np.mean([fit_normal(sample).variance for sample in _generator.standard_normal((1500, size))]))
        for size in sizes
    ]
    _expected = [(size - 1) / size for size in sizes]
    assert np.abs(np.array(variances) - _expected).max() < 0.08
    plots.lines(
        sizes,
        {"1,500 samples": variances, "(n - 1) / n": _expected},
        x="numbers in a sample",
        y="mean of the likeliest variance",
        levels={"truth": 1.0},
        marked=True,
        title="The likeliest variance is too small",
    )
    return sizes, variances


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Weight decay is a prior

    A prior adds its logarithm to the sum once; the top of both together is called MAP, the *maximum a posteriori*. For a weight
    that is believed to be normal around 0 with deviation $s$, that is $-w^2 / 2s^2$: a penalty on large weights. Twelve points,
    each described by six numbers (its **features**); the target is twice the first feature plus noise, and the five others mean
    nothing. The tighter the prior, the shorter the weights together. Without one, noise has a larger weight than the truth; at a
    deviation of 0.3 the truth is ahead.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(1)
    _features = _generator.standard_normal((12, 6))
    _targets = 2 * _features[:, 0] + _generator.standard_normal(12)
    deviations = np.geomspace(0.05, 20, 30)
    weights = np.array([fit_linear(_features, _targets, 1.0, deviation) for deviation in deviations])
    _lengths = np.linalg.norm(weights, axis=1)
    assert (np.diff(_lengths) > 0).all()
    _at = fit_linear(_features, _targets, 1.0, 0.3)
    assert _at.argmax() == 0 and weights[-1].argmax() != 0
    assert np.allclose(weights[-1], np.linalg.lstsq(_features, _targets, rcond=None)[0], atol=0.02)
    plots.lines(
        deviations,
        {"the one that matters": weights[:, 0], **{f"noise {n}": weights[:, n] for n in (1, 2, 3)}},
        x="deviation of the prior",
        y="weight",
        log_x=True,
        title="What a prior lets weights be",
    )
    return deviations, weights


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Throws from 10 to 200: four times the throws, half the width.
    - In the first code, see three heads and one tail: the plain answer becomes 0.75, the other 0.67.
    - Take the noise away from the targets of the last picture: now every prior makes the weights worse.

    Write it yourself: `groundup learn start maximum_likelihood`
    """)
    return


if __name__ == "__main__":
    app.run()
