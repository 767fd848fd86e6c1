"""Lesson: how much a piece of evidence should change a belief, counted in people before it is a formula."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What to believe after the evidence", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.probability.bayes import (
        beta_after,
        credible_interval,
        dirichlet_after,
        grid_posterior,
        positive_predictive_value,
        posterior,
    )
    from groundup.foundations.probability.distributions import Beta, Dirichlet


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What to believe after the evidence

    A test is right nineteen times in twenty, and says yes. How sure may one be? Afterwards you can count the answer, know the
    theorem behind it, use it to guess in which language a word is written, and know why a language model never gives an unseen
    word the probability 0.
    """)
    return


@app.cell
def _():
    sure = positive_predictive_value(prevalence=0.001, sensitivity=0.99, specificity=0.95)
    mo.md(
        "One person in a thousand has an illness. A test finds 99% of the ill, and is wrong for 5% of the healthy. "
        f"Of those for whom it says yes, **{sure:.1%}** are ill."
    )
    return (sure,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Count people

    Take 100,000 of them. 100 are ill, and the test says yes to 99. Of the 99,900 healthy it says yes to 5%, that is 4,995. So
    99 + 4,995 = 5,094 people hear a yes, and 99 of them are ill: 99 / 5,094 = 1.9%. The test is good; the healthy are many.
    """)
    return


@app.cell
def _(sure):
    assert abs(sure - 99 / (99 + 4995)) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    What was counted is Bayes' theorem. $h$ is a hypothesis (ill, healthy), and the bar reads "if":

    $$P(h \mid \text{data}) = \frac{P(\text{data} \mid h) \; P(h)}{P(\text{data})}$$

    $P(h)$ is the **prior**, what was believed before; $P(\text{data} \mid h)$ the **likelihood**; what comes out is the
    **posterior**. The divisor only makes the posteriors sum to 1. A second yes, from a test that errs independently, begins
    where the first one ended. How many until one is sure?
    """)
    return


@app.cell
def _():
    per_mille = mo.ui.slider(1, 101, step=10, value=1, label="ill, of a thousand", show_value=True)
    per_mille
    return (per_mille,)


@app.cell
def _(per_mille):
    before = np.array([per_mille.value / 1000, 1 - per_mille.value / 1000])
    _yes = np.log([0.99, 0.05])  # of the ill, of the healthy
    after_yes = np.array([posterior(before, np.tile(_yes, (count, 1)))[0] for count in range(6)])
    plots.lines(
        range(6),
        {"P(ill)": after_yes},
        x="times that the test said yes",
        y="what to believe",
        marked=True,
        title=f"{per_mille.value} of a thousand are ill",
    )
    return after_yes, before


@app.cell
def _(after_yes, before):
    _odds = after_yes / (1 - after_yes)
    assert np.allclose(_odds[1:] / _odds[:-1], 0.99 / 0.05), "each yes multiplies the odds by 19.8, wherever they stood"
    assert abs(after_yes[0] - before[0]) < 1e-12, "without evidence the prior stays"
    assert after_yes[-1] > 0.99
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which language is it?

    Hypotheses: English, German, French. Evidence: the letters of a text, each with its share in that language (rounded, for
    seven letters; all others count as one). Letters are taken as independent, which is wrong and works: this is *naive Bayes*.
    The posterior after each letter:
    """)
    return


@app.cell
def _():
    shares = {  # in percent
        "English": {"e": 12.7, "t": 9.1, "h": 6.1, "w": 2.4, "z": 0.1, "q": 0.1, "u": 2.8},
        "German": {"e": 16.4, "t": 6.1, "h": 4.6, "w": 1.9, "z": 1.1, "q": 0.02, "u": 4.2},
        "French": {"e": 14.7, "t": 7.2, "h": 0.7, "w": 0.05, "z": 0.3, "q": 1.4, "u": 6.3},
    }

    def log_share(language, letter):
        """The logarithm of a letter's share."""
        known = shares[language]
        return np.log(known.get(letter, 100 - sum(known.values())) / 100)

    return log_share, shares


@app.cell
def _():
    text = mo.ui.dropdown(["whether", "zwei wege", "quelque"], value="zwei wege", label="text")
    text
    return (text,)


@app.cell
def _(log_share, shares, text):
    _letters = text.value.replace(" ", "")
    evidence = np.array([[log_share(language, letter) for language in shares] for letter in _letters])
    beliefs = np.array([posterior(np.full(3, 1 / 3), evidence[:count]) for count in range(len(_letters) + 1)])
    plots.lines(
        range(len(_letters) + 1),
        dict(zip(shares, beliefs.T, strict=True)),
        x="letters read",
        y="what to believe",
        marked=True,
        title=f"Reading: {text.value}",
    )
    return beliefs, evidence


@app.cell
def _(beliefs, evidence, text):
    _right = {"whether": 0, "zwei wege": 1, "quelque": 2}[text.value]
    assert beliefs[-1].argmax() == _right
    assert np.allclose(beliefs.sum(1), 1)
    _shuffled = posterior(np.full(3, 1 / 3), evidence[::-1])
    assert np.allclose(_shuffled, beliefs[-1]), "the order of the evidence makes no difference"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    All of it is done with logarithms. A page of 2,000 letters has, in each language, a probability below the least number that
    a computer can hold: it would become 0, and 0 / 0 is no belief. Logarithms add, and the largest is taken off before the
    way back.
    """)
    return


@app.cell
def _(evidence):
    _page = np.tile(evidence, (300, 1))
    _naive = np.exp(_page.sum(0))
    page = posterior(np.full(3, 1 / 3), _page)
    assert (_naive == 0).all() and np.isfinite(page).all() and page.max() > 0.999
    f"{len(_page)} letters: the products are {_naive.tolist()}, the posterior is {np.round(page, 3).tolist()}"
    return (page,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A belief about a number

    How often does a coin fall on heads? The hypotheses are now all numbers from 0 to 1, and the belief is a curve. Begin flat,
    every share as likely as any other, and see 7 heads in 10 throws, then 70 in 100: the top stays, the curve becomes narrow.
    """)
    return


@app.cell
def _():
    grid = np.linspace(0.0005, 0.9995, 1000)

    def belief(heads, tails):
        """The posterior density at each place of the grid, from a flat prior."""
        return grid_posterior(grid, np.zeros_like, lambda p: heads * np.log(p) + tails * np.log(1 - p))

    curves = {"7 of 10": belief(7, 3), "70 of 100": belief(70, 30)}
    ranges = {name: credible_interval(grid, density) for name, density in curves.items()}
    assert np.abs(curves["7 of 10"] - np.exp(beta_after(Beta(1, 1), 7, 3).log_density(grid))).max() < 1e-3
    _widths = [high - low for low, high in ranges.values()]
    assert _widths[1] < 0.4 * _widths[0], "ten times the throws, about a third of the width"
    plots.lines(grid, curves, x="share of heads", y="density", title="Two beliefs with the same top")
    return belief, curves, grid, ranges


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    No grid was needed: from a flat start the curve is a *beta* distribution whose numbers are the counts plus 1, and its mean
    is $(7 + 1) / (10 + 2)$. For words in place of heads and tails it is a *Dirichlet* distribution, and its mean adds $\alpha$ to
    every word's count. After "the" came: cat 3 times, dog once, moon never.
    """)
    return


@app.cell
def _():
    smoothed = dirichlet_after(Dirichlet(np.full(3, 1.0)), np.array([3, 1, 0])).mean
    assert np.allclose(smoothed, [4 / 7, 2 / 7, 1 / 7])
    mo.md(f"P(moon) is not 0 but **{smoothed[2]:.3f}**: what was never seen in four words is unlikely, not impossible.")
    return (smoothed,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ill, of a thousand, from 1 to 101: the same first yes means 2%, or 69%.
    - Read "quelque": one q and it is at 92%. "whether": its w is hardly ever French, but between English and German 7 letters leave 67 to 33.
    - Give a hypothesis the prior 0. No evidence brings it back.

    Write it yourself: `groundup learn start posterior`
    """)
    return


if __name__ == "__main__":
    app.run()
