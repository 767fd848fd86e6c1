"""Lesson: every kind of chance made from one, the uniform number, and what each kind looks like."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="All chance from one die", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.distributions import (
        Beta,
        Binomial,
        Categorical,
        Dirichlet,
        Exponential,
        Normal,
        Poisson,
        box_muller,
        inverse_table,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # All chance from one die

    A computer can draw one thing: a number between 0 and 1, each as likely as any other. Afterwards you can turn it into words,
    waiting times, bells and whole sets of probabilities, and know why everybody works with logarithms of probabilities.
    """)
    return


@app.cell
def _():
    text = Categorical(np.full(50_000, 1 / 50_000)).log_density(
        np.arange(1000)
    )  # 1,000 words of a vocabulary of 50,000
    plainly = float(np.prod(np.exp(text)))
    digits = -text.sum() / np.log(10)
    mo.md(
        f"A text of 1,000 words, each one of 50,000, has the probability 10 to the power of **-{digits:,.0f}**. "
        f"The computer multiplies it to **{plainly}**; the sum of the logarithms, {text.sum():,.0f}, it holds with ease."
    )
    return digits, plainly, text


@app.cell
def _(digits, plainly):
    assert plainly == 0 and abs(digits - 1000 * np.log10(50_000)) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand: a table

    Three words with the probabilities 0.2, 0.5 and 0.3. Lay them end to end on a line from 0 to 1: the first covers 0 to 0.2, the
    second 0.2 to 0.7, the third 0.7 to 1. Throw a point onto the line, and take the word on which it falls: 0.1 is the first, 0.2
    and 0.69 are the second, 0.99 is the third. This is how every language model draws its next word.
    """)
    return


@app.cell
def _():
    thrown = inverse_table(np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.2, 0.69, 0.99]))
    assert thrown.tolist() == [0, 1, 1, 2]
    _many = Categorical(np.array([0.2, 0.5, 0.3])).sample(np.random.default_rng(0), 5000)
    frequencies = np.bincount(_many) / 5000
    assert np.abs(frequencies - [0.2, 0.5, 0.3]).max() < 0.03
    f"{thrown.tolist()}; of 5,000 draws: {frequencies.round(3).tolist()}"
    return frequencies, thrown


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A curve in place of a table

    The same for numbers on a line: stand at height $u$ and look for the place below which the share $u$ lies. For the waiting time
    until something that happens $\lambda$ times a minute on average, the share below $x$ is $1 - e^{-\lambda x}$; solved for $x$,

    $$x = -\log(1 - u) / \lambda$$

    (Here $\log$ is the natural logarithm, which other lessons write $\ln$.) The picture shows the **density**: how much of the
    probability lies at a place, for each unit of length, so that a probability is an area under the curve.

    Move the rate. The mean is $1 / \lambda$, and most waits are shorter than the mean.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(0.5, 4.0, step=0.5, value=1.0, label="rate λ, a minute", show_value=True)
    rate
    return (rate,)


@app.cell
def _(rate):
    waits = Exponential(rate.value).sample(np.random.default_rng(1), 6000)
    _edges = np.linspace(0, 4, 41)
    _middles = (_edges[1:] + _edges[:-1]) / 2
    plots.lines(
        _middles,
        {
            "6,000 draws": np.histogram(waits, _edges)[0] / 6000 / 0.1,
            "density": np.exp(Exponential(rate.value).log_density(_middles)),
        },
        x="waiting time in minutes",
        y="density",
        title=f"Mean {waits.mean():.2f}; shorter than it: {(waits < waits.mean()).mean():.0%}",
    )
    return (waits,)


@app.cell
def _(rate, waits):
    assert abs(waits.mean() * rate.value - 1) < 0.06
    assert abs((waits < 1 / rate.value).mean() - (1 - np.exp(-1))) < 0.03, (
        "63% are shorter than the mean, at every rate"
    )
    assert (waits >= 0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The bell, from a circle

    The **normal distribution** is the bell-shaped curve. Two numbers describe it: its mean, the middle, and its **standard
    deviation** (here mostly *deviation*), the root of the variance. The **variance** of a distribution is the mean squared distance
    from its mean. 68% of normal numbers lie within one deviation of the mean, 95% within 1.96.

    For it there is no such formula as above: nobody can solve its shares for $x$. But *two* normal numbers are a point
    in the plane, and the cloud of such points looks the same from every side. So draw an angle evenly, and the distance from the
    middle as $\sqrt{-2 \log u}$: that is Box and Muller's way.
    """)
    return


@app.cell
def _():
    _u, _v = np.random.default_rng(2).random((2, 1500))
    cloud = np.column_stack(box_muller(1 - _u, _v))
    assert np.abs(cloud.mean(0)).max() < 0.1 and np.abs(cloud.std(0) - 1).max() < 0.1
    assert abs(np.corrcoef(cloud.T)[0, 1]) < 0.1, "the two are independent"
    assert abs((np.abs(cloud) < 1.96).mean() - 0.95) < 0.02
    plots.scatter(cloud, square=True, title="1,500 points from 3,000 uniform numbers")
    return (cloud,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why the bell is everywhere

    Count how often a coin that falls on heads with probability 0.3 does so in $n$ throws. For few throws the counts are a lopsided
    staircase. Add more: sums of many independent things come to the bell, whatever each of them is. (**Independent**: to know
    one says nothing of the others, so their probabilities multiply.)
    """)
    return


@app.cell
def _():
    throws = mo.ui.dropdown(["2", "5", "20", "100"], value="5", label="throws")
    throws
    return (throws,)


@app.cell
def _(throws):
    _n = int(throws.value)
    _exact = Binomial(_n, 0.3)
    _counts = np.arange(_n + 1)
    share = np.exp(_exact.log_density(_counts))
    bell = np.exp(Normal(_exact.mean, _exact.variance**0.5).log_density(_counts))
    plots.lines(
        _counts,
        {"counts": share, "bell": bell},
        x="heads",
        y="probability",
        marked=True,
        title=f"{_n} throws, 30% heads",
    )
    return bell, share


@app.cell
def _(bell, share, throws):
    assert abs(share.sum() - 1) < 1e-12
    _off = np.abs(bell - share).max() / share.max()
    assert (_off < 0.05) == (int(throws.value) >= 20), "from 20 throws on, within a twentieth"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    If heads become rare as throws become many, so that their number stays at 3 on average, another limit appears: the Poisson
    distribution, the one of typing errors on a page.
    """)
    return


@app.cell
def _():
    errors = np.arange(12)
    rare = {f"{n} places": np.exp(Binomial(n, 3 / n).log_density(errors)) for n in (12, 100)}
    poisson = np.exp(Poisson(3.0).log_density(errors))
    assert np.abs(rare["100 places"] - poisson).max() < 0.005 < np.abs(rare["12 places"] - poisson).max()
    plots.lines(
        errors, {**rare, "Poisson": poisson}, x="errors", y="probability", marked=True, title="Three errors on average"
    )
    return errors, poisson, rare


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Chance about chance

    Probabilities themselves can be drawn. A *Dirichlet* distribution gives lists that are 0 or more and sum to 1; its numbers say how
    many of each were as good as seen before. Small numbers give lists in which one word has nearly all, large ones give lists that
    are nearly even. For two words it is called *beta*.
    """)
    return


@app.cell
def _():
    lists = {
        f"all {size}": np.sort(Dirichlet(np.full(5, size)).sample(np.random.default_rng(3), 400))[:, ::-1].mean(0)
        for size in (0.1, 1.0, 20.0)
    }
    assert lists["all 0.1"][0] > 0.7 > lists["all 1.0"][0] > 0.35 > lists["all 20.0"][0]
    assert all(abs(one.sum() - 1) < 1e-9 for one in lists.values())
    assert abs(Dirichlet(np.array([3.0, 2.0])).variance[0] - Beta(3, 2).variance) < 1e-12
    _ranks = ["largest", "second", "third", "fourth", "least"]
    plots.value_bars(
        {name: dict(zip(_ranks, one.tolist(), strict=True)) for name, one in lists.items()},
        y="mean probability",
        title="Five words' probabilities, drawn",
    )
    return (lists,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rate 0.5 and 4: the curve is squeezed, and the share of waits below the mean stays at 63%.
    - Throws from 2 to 100: the staircase becomes the bell, although no single throw has anything of it.
    - Draw `Normal(0, 1).sample` a million times: how many lie beyond 5? One expects 0.6 of them.

    The sampling of a language model is built on this: `groundup learn lesson sampling`
    """)
    return


if __name__ == "__main__":
    app.run()
