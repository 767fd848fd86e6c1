"""Lesson: cross-validation: judging by what was left out, how to fool oneself with it, and when to stop training."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Cross-validation: a number that does not flatter", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.bias_variance import polynomial
    from groundup.foundations.learning.cross_validation import (
        cross_validate,
        early_stopping,
        k_fold,
        mean_and_error,
        split,
        stratified_k_fold,
    )
    from groundup.foundations.learning.features import best_features
    from groundup.foundations.learning.supervised.linear import mean_squared_error
    from groundup.foundations.learning.supervised.neighbours import nearest_neighbours


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Cross-validation: a number that does not flatter

    A model is judged by examples that it did not learn from. Easily said. Afterwards you can cut data into folds by hand, choose a
    setting by them, stop a training in time, and name the commonest way in which all this is done wrong.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(0)
    noise, coins = _generator.normal(size=(60, 2000)), _generator.permutation(np.repeat([0, 1], 30))

    def fit(x, y):
        """The five most similar examples vote (lesson *neighbours*)."""
        return lambda asked: nearest_neighbours(x, y, asked, 5)

    def strongest(x, y):
        """The 20 features that go along with the answer most."""
        return best_features(np.abs((x - x.mean(axis=0)).T @ (y - y.mean())), 20)

    def share_right(truth, guess):
        """How many were guessed, as a share."""
        return float((truth == guess).mean())

    folds = stratified_k_fold(coins, 10)
    flattered = cross_validate(fit, share_right, noise[:, strongest(noise, coins)], coins, folds).mean()
    mo.md(
        "60 coins were tossed, and for each 2,000 random numbers were noted that have nothing to do with it. Keep the 20 columns that fit "
        f"best, then cross-validate as the books say: **{flattered:.0%}** of the coins are predicted. Nobody can predict coins."
    )
    return coins, fit, flattered, folds, noise, share_right, strongest


@app.cell
def _(flattered):
    assert flattered > 0.8
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Folds, by hand

    Seven examples, three folds: cut the row into runs of 3, 2 and 2. Each run waits outside once while the model learns from the others,
    and then judges it. So every example judges exactly once, and never a model that saw it. (**Stratified** folds, as for the coins,
    also have each class in its own share.) The control says into how many runs twelve
    examples are cut; dark ones wait outside.
    """)
    return


@app.cell
def _():
    _by_hand = k_fold(np.arange(7), 3)
    assert [held.tolist() for _, held in _by_hand] == [[0, 1, 2], [3, 4], [5, 6]]
    assert all(not set(train) & set(held) for train, held in _by_hand)
    " | ".join(f"judge {held.tolist()}, learn {train.tolist()}" for train, held in _by_hand)
    return


@app.cell
def _():
    runs = mo.ui.slider(2, 12, value=4, label="folds", show_value=True)
    runs
    return (runs,)


@app.cell
def _(runs):
    waiting = np.zeros((runs.value, 12))
    for _turn, (_train, _held) in enumerate(k_fold(np.arange(12), runs.value)):
        waiting[_turn, _held] = 1
    plots.heat_map(waiting, rows=range(1, runs.value + 1), columns=range(1, 13), x="example", y="fold", title=f"{runs.value} folds of 12 examples")  # fmt: skip
    return (waiting,)


@app.cell
def _(runs, waiting):
    assert (waiting.sum(axis=0) == 1).all(), "each example judges once"
    assert np.ptp(waiting.sum(axis=1)) <= 1, "runs of like size"
    mo.md(
        f"Each model learns from about **{1 - 1 / runs.value:.0%}** of the data, and there are {runs.value} models to train."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What went wrong with the coins

    The 20 columns were chosen with *all* coins in view, also those that were to judge. Whatever learns from answers belongs inside the
    fold: choose anew each time, from the training part alone. Then the miracle is gone.
    """)
    return


@app.cell
def _(coins, fit, flattered, folds, noise, share_right, strongest):
    def choose_and_fit(x, y):
        """Choose the columns from what is learned from, and from nothing else."""
        kept = strongest(x, y)
        predictor = fit(x[:, kept], y)
        return lambda asked: predictor(asked[:, kept])

    honest, error = mean_and_error(cross_validate(choose_and_fit, share_right, noise, coins, folds))
    assert abs(honest - 0.5) < 0.25, "a coin"
    assert honest < flattered - 0.2
    plots.value_bars(
        {"right": {"chosen outside": float(flattered), "chosen inside": honest, "chance": 0.5}},
        y="share of the coins guessed",
        title="The same data, the same model",
    )
    return choose_and_fit, error, honest


@app.cell
def _(error, honest):
    mo.md(f"Chosen inside: **{honest:.0%}**, give or take {error:.0%}. The ten folds also say how sure the number is.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Choosing a setting

    Thirty noisy points on a wave, and a polynomial. Which degree? On its own points a higher one is always better. The folds see where
    it begins to follow the noise, and agree about the place with the truth, which in real life nobody has.
    """)
    return


@app.cell
def _():
    _generator = np.random.default_rng(7)
    _x = _generator.uniform(-1, 1, (30, 1))
    _y = np.sin(4 * _x[:, 0]) + 0.3 * _generator.normal(size=30)
    _far = np.linspace(-0.95, 0.95, 200)[:, None]

    def _of(degree):
        return lambda x, y: (lambda made: lambda asked: made(asked[:, 0]))(polynomial(degree)(x[:, 0], y))

    degrees = list(range(1, 11))
    own = [mean_squared_error(_y, _of(d)(_x, _y)(_x)) for d in degrees]
    left_out = [cross_validate(_of(d), mean_squared_error, _x, _y, k_fold(np.arange(30), 10)).mean() for d in degrees]
    truly = [mean_squared_error(np.sin(4 * _far[:, 0]), _of(d)(_x, _y)(_far)) + 0.09 for d in degrees]
    assert (np.diff(own) < 1e-12).all(), "on its own points never worse"
    chosen, ideal = degrees[int(np.argmin(left_out))], degrees[int(np.argmin(truly))]
    assert truly[chosen - 1] < 2 * truly[ideal - 1], "the folds choose a good one"
    assert 3 <= chosen < 10
    plots.lines(
        degrees, {"its own points": own, "ten folds": left_out, "the truth": truly}, log_y=True,
        x="degree", y="mean squared error", marked=True, title=f"The folds choose degree {chosen}, the truth says {ideal}",
    )  # fmt: skip
    return chosen, degrees, ideal, left_out, own, truly


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When to stop

    A long training has a setting that is chosen while it runs: how long. Watch the loss on a validation part, and stop when it has not
    improved for some checks: the **patience**. Then go back to the best. The curve is made up: it falls, rises slowly, and trembles.
    """)
    return


@app.cell
def _():
    patience = mo.ui.slider(1, 13, step=2, value=1, label="patience", show_value=True)
    patience
    return (patience,)


@app.cell
def _(patience):
    _check = np.arange(80)
    curve = 1 + 2 * np.exp(-_check / 12) + 0.006 * _check + 0.06 * np.random.default_rng(3).normal(size=80)
    stop = early_stopping(curve, patience.value)
    plots.lines(
        _check, {"validation loss": curve}, levels={"kept": curve[stop.best]}, x="check", y="loss",
        title=f"Patience {patience.value}: stopped at {stop.last}, kept {stop.best}",
    )  # fmt: skip
    return curve, stop


@app.cell
def _(curve, patience, stop):
    assert stop.last - stop.best == patience.value or stop.last == 79
    assert curve[stop.best] == curve[: stop.last + 1].min(), "the best that was seen"
    _cost = curve[stop.best] - curve.min()
    mo.md(
        f"{stop.last + 1} of 80 checks were made; the model kept is **{_cost:.2f}** above the best of the whole curve."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## And the test part

    Whatever was chosen by a number, that number flatters: it was the best of several. So a third part is set aside at the very beginning,
    and looked at once.
    """)
    return


@app.cell
def _():
    parts = split(1000, (0.8, 0.1, 0.1), seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000)), "nothing lost, nothing twice"
    "train, validation, test: " + ", ".join(str(len(part)) for part in parts)
    return (parts,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Folds 12: each example waits alone. Twelve models, each with nearly all of the data.
    - Patience 1 ends at the first tremor. How much patience is enough here, and what does it cost in checks?
    - Give the coins 20,000 columns in place of 2,000: the flattered number rises, the honest one stays a coin.

    Write it yourself: `groundup learn start k_fold`
    """)
    return


if __name__ == "__main__":
    app.run()
