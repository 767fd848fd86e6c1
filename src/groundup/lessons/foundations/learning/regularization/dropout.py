"""Lesson: dropout: inputs that go missing at random in training, so that no weight may rely on another being there."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Dropout: rely on nobody", width="medium")

with app.setup:
    import itertools

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.regularization.dropout import dropout_mask, dropout_penalty
    from groundup.foundations.learning.regularization.penalties import ridge


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Dropout: rely on nobody

    While a network learns, a part of its numbers is set to 0 by dice, at every step another part. It sounds like sabotage, and it helps.
    Afterwards you can make the mask and say why the rest is made larger, compute what the noise costs on average, and see that for a
    weighted sum it is nothing but a penalty on the weights (`ridge`, of the lesson *penalties*).
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    truth = _generator.normal(size=400)
    _noise = np.array([0.1] + [0.6] * 9)  # one good thermometer, nine bad ones
    readings = truth[:, None] + _noise * _generator.normal(size=(400, 10))
    readings, truth = readings - readings.mean(axis=0), truth - truth.mean()

    def fitted(rate):
        """The weights that are best on average when each reading goes missing with this chance."""
        size = np.sqrt((readings**2).mean(axis=0))
        return ridge(readings / size, truth, rate / (1 - rate)).weights / size

    def error(weights, silent=()):
        """The root of the mean squared error; the thermometers named show 0."""
        heard = np.where(np.isin(np.arange(10), silent), 0.0, readings)
        return float(np.sqrt(((heard @ weights - truth) ** 2).mean()))

    trusting, careful = fitted(0.0), fitted(0.5)
    mo.md(
        f"Ten thermometers tell one temperature, the first very well. The best weighted sum is off by {error(trusting):.2f}. Then the first one "
        f"fails and shows 0: off by **{error(trusting, [0]):.2f}**, {error(trusting, [0]) / error(trusting):.0f} times as much. "
        f"Learned with dropout the sum is off by {error(careful):.2f} before and {error(careful, [0]):.2f} after."
    )
    return careful, error, fitted, readings, trusting, truth


@app.cell
def _(careful, error, trusting):
    assert error(trusting, [0]) > 8 * error(trusting)
    assert error(careful, [0]) < 0.5 * error(trusting, [0])
    assert error(trusting) < error(careful), "care has a price"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mask, by hand

    Take three numbers, 1, 2 and 3, and drop each with the chance 1/2: there are eight cases, all equally likely. To keep the numbers the same *on
    average*, whatever stays is divided by the chance of staying, here doubled. So 1 becomes 0 or 2, with the mean 1.

    That is why nothing has to be done later: when the model is used, no dice are thrown and no number is changed.
    """)
    return


@app.cell
def _():
    numbers = np.array([1.0, 2.0, 3.0])
    cases = 2.0 * np.array(list(itertools.product([0, 1], repeat=3)))
    assert np.allclose((cases * numbers).mean(axis=0), numbers), "on average nothing has changed"
    "; ".join(" ".join(f"{one:g}" for one in row) for row in cases * numbers)
    return cases, numbers


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Throw the dice

    Each row is a step of training, each column an input. White is missing; the higher the rate, the fewer are left and the larger they
    are made.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(0.0, 0.9, step=0.1, value=0.5, label="rate", show_value=True)
    rate
    return (rate,)


@app.cell
def _(rate):
    mask = dropout_mask((12, 30), rate.value, np.random.default_rng(1))
    plots.heat_map(
        mask, low=0, high=10, x="input", y="step",
        title=f"Rate {rate.value:g}: {(mask == 0).mean():.0%} missing, the rest times {1 / (1 - rate.value):.2f}",
    )  # fmt: skip
    return (mask,)


@app.cell
def _(mask, rate):
    _many = dropout_mask(20_000, rate.value, np.random.default_rng(2))
    _spread = rate.value / (1 - rate.value)
    assert set(np.unique(mask).round(9).tolist()) <= {0.0, round(1 / (1 - rate.value), 9)}
    assert abs(_many.mean() - 1) <= 4 * np.sqrt(_spread / 20_000), "the mean is 1"
    assert abs(_many.var() - _spread) <= 0.1 * _spread + 1e-12, "and the variance rate / (1 - rate)"
    mo.md(
        f"Of 20,000 factors the mean is **{_many.mean():.3f}** and the variance {_many.var():.2f}; {_spread:.2f} is to be expected."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the noise costs

    A weighted sum with a mask is right on average and trembles. The mean squared error is the squared error of the mean plus the variance,
    and each input adds the variance of its factor times $(w_j x_j)^2$:

    $$\text{error with dropout} = \text{error without} + \frac{\text{rate}}{1 - \text{rate}} \sum_j w_j^2\, x_j^2$$

    For 1, 2, 3 with weights 1, 1, -1 and rate 1/2 the sum is 0, and the addition is $1 + 4 + 9 = 14$. A **penalty on squared weights**: one
    large weight costs more than two of half the size, so the work is shared out.
    """)
    return


@app.cell
def _(cases, numbers):
    weights = np.array([1.0, 1.0, -1.0])
    _errors = [float((one @ weights - 0) ** 2) for one in cases * numbers]
    assert abs(np.mean(_errors) - 14) < 1e-12
    assert dropout_penalty([numbers], weights, 0.5) == 14
    f"squared errors of the eight cases: {', '.join(f'{one:g}' for one in _errors)}; mean {np.mean(_errors):g}"
    return (weights,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The thermometers share the work

    Without dropout most of the weight lies on the good thermometer. Choose a rate and see who is trusted.
    """)
    return


@app.cell
def _():
    chance = mo.ui.dropdown(["0", "0.05", "0.2", "0.5", "0.8"], value="0", label="rate of dropout")
    chance
    return (chance,)


@app.cell
def _(chance, error, fitted):
    learned = fitted(float(chance.value))
    plots.value_bars(
        {"weight": {f"{n + 1}": float(one) for n, one in enumerate(learned)}}, x="thermometer (the first is the good one)", y="weight",
        title=f"Rate {chance.value}: off by {error(learned):.2f}, without the first {error(learned, [0]):.2f}",
    )  # fmt: skip
    return (learned,)


@app.cell
def _(chance, error, learned, readings, trusting, truth):
    _rate = float(chance.value)
    _whole = error(learned) ** 2 + dropout_penalty(readings, learned, _rate)
    assert _whole <= error(trusting) ** 2 + dropout_penalty(readings, trusting, _rate) + 1e-12, "the best under dropout"
    _masks = [dropout_mask(readings.shape, _rate, np.random.default_rng(seed)) for seed in range(50)]
    _met = np.array([(((one * readings) @ learned - truth) ** 2).mean() for one in _masks])
    assert abs(_met.mean() - _whole) <= 5 * _met.std() / np.sqrt(50) + 1e-12, "the formula against dice"
    mo.md(
        f"Mean squared error with 50 masks drawn: **{_met.mean():.4f}**; by the formula {_whole:.4f}. The good thermometer has "
        f"{learned[0] / learned.sum():.0%} of the weight."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Learn with dice

    A deep network has no such formula. There one really throws the dice at each step, and each step trains another, thinner network that shares
    its weights with all others. For the thermometers both ways can be compared: gradient descent with a new mask at every step, rate 0.5;
    the weight of the good thermometer, and by the formula as a dashed line.
    """)
    return


@app.cell
def _(careful, readings, truth):
    _generator = np.random.default_rng(3)
    _w, _way = np.zeros(10), [np.zeros(10)]
    for _step in range(600):
        _seen = readings * dropout_mask(readings.shape, 0.5, _generator)
        _w = _w - 0.03 * _seen.T @ (_seen @ _w - truth) / len(truth)
        _way = [*_way, _w]
    way = np.array(_way)
    assert np.abs(way[-200:].mean(axis=0) - careful).max() < 0.02
    plots.lines(
        np.arange(601), {"weight": way[:, 0]},
        levels={"formula": float(careful[0])},
        x="step", y="weight", title="The good thermometer",
    )  # fmt: skip
    return (way,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Language models that see each text only once are mostly trained without dropout: there is nothing they could learn by heart. It returns
    where little data is read many times, as in fine-tuning.

    ## Try

    - Rate 0.8 in the mask: four of five inputs gone, the others five times as large. The noise is strong, and learning slow.
    - Rate 0.05 for the thermometers: a small price, and the loss of the good one already hurts less. At 0.8 all weights shrink, and the sum
      is off even with all thermometers at work.
    - Leave out the division by the chance of staying: a model learned with half of its inputs says about twice too much when all are there.

    Write it yourself: `groundup learn start ridge`, which finds the weights here, and `groundup learn start dropout`, the layer of a network
    """)
    return


if __name__ == "__main__":
    app.run()
