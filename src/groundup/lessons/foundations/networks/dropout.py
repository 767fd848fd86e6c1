"""Lesson: dropout as a layer: numbers that go missing in training, and what that makes of a network."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Dropout: let half of it go missing", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.networks.activations import relu
    from groundup.foundations.networks.dropout import dropout, over_masks
    from groundup.foundations.networks.mlp import accuracy, fit, frozen, make_mlp, squared_error
    from groundup.foundations.networks.representations import rings


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Dropout: let half of it go missing

    A network may come to rest on a few of its neurons. **Dropout** forbids it: in training each number goes missing with some chance, so
    none may rely on another being there. (For a weighted sum it is a penalty on the weights, as its lesson in the module *learning* shows;
    here it stands inside a network.) Afterwards you can write it in four lines, say why the numbers that stay are made larger, and use it
    to ask a network how sure it is.
    """)
    return


@app.cell
def _():
    def _weighed(parameters, x, rate, source):
        """One hidden layer of 64, of which some go missing; scores of two classes."""
        hidden = relu(x @ parameters["layer1.weight"] + parameters["layer1.bias"])
        return dropout(hidden, rate, source) @ parameters["layer2.weight"] + parameters["layer2.bias"]

    def trained_with(rate):
        """A network that tells two rings apart, trained with dropout of a rate."""
        source, (x, labels) = np.random.default_rng(1), rings(300, 2, seed=0)
        return fit(
            lambda parameters, one: _weighed(parameters, one, rate, source),
            make_mlp([2, 64, 2]),
            x,
            labels,
            400,
            64,
            1e-2,
        )[0]

    def maimed(parameters, gone):
        """What it gets right when a share of its neurons is missing; the mean over ten draws of who."""
        source, (new, labels) = np.random.default_rng(2), rings(400, 2, seed=5)
        return float(
            np.mean(
                [accuracy(lambda p, one: _weighed(p, one, gone, source), parameters, new, labels) for _ in range(10)]
            )
        )

    plain, hardened = trained_with(0.0), trained_with(0.5)
    mo.md(
        f"Two networks tell an inner ring from an outer one, and both get {maimed(plain, 0.0):.0%} right. Take away half of their neurons at random. "
        f"The one gets {maimed(plain, 0.5):.0%} right, the other, which was used to it, **{maimed(hardened, 0.5):.1%}**."
    )
    return hardened, maimed, plain, trained_with


@app.cell
def _(hardened, maimed, plain):
    assert maimed(plain, 0.0) > 0.97 and maimed(hardened, 0.0) > 0.97, "whole, both are right"
    assert maimed(hardened, 0.5) > 0.97 > 0.92 > maimed(plain, 0.5)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    A number $x$ goes missing with probability *rate*, say 1/4. What it is worth on average falls to 3/4 of it, and what comes next would see a
    smaller sum than it will see later, when nothing is missing. So what stays is divided by 3/4:

    $$y = x \cdot \frac{\text{mask}}{1 - \text{rate}}$$

    Of 4 numbers 6 one goes missing, on average, and three become 8: the sum stays 24. When training is over, nothing is left to do.
    """)
    return


@app.cell
def _():
    _sixes = np.full((4, 12), 6.0)
    masked = dropout(_sixes, 0.25, np.random.default_rng(0))
    _again = np.where(np.random.default_rng(0).random((4, 12)) >= 0.25, 8.0, 0.0)
    assert np.array_equal(masked, _again), "the same generator, the same mask"
    assert set(np.unique(masked)) == {0.0, 8.0}
    assert dropout(_sixes, 0.25, np.random.default_rng(0), training=False) is _sixes, "afterwards nothing happens"
    plots.heat_map(masked, low=0, high=8, text=True, title=f"Forty-eight sixes; their mean is now {masked.mean():.2f}")
    return (masked,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mean stays, the spread grows

    A sum of 40 numbers, each with a weight of its own, under 2000 masks. However many go missing, the sums lie around the one without a mask. How far
    they spread, the rate decides: each number adds $\frac{\text{rate}}{1 - \text{rate}} (w x)^2$ to the variance.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(steps=[0.1, 0.2, 0.5, 0.8, 0.9], value=0.5, label="rate", show_value=True)
    rate
    return (rate,)


@app.cell
def _(rate):
    _source = np.random.default_rng(4)
    numbers, weights = _source.standard_normal(40), _source.standard_normal(40)
    sums = np.array([dropout(numbers, rate.value, _source) @ weights for _ in range(2000)])
    whole = float(numbers @ weights)
    plots.histogram(
        {"sum": sums},
        x="sum",
        title=f"Masked {sums.mean():.2f} ± {sums.std():.2f}; whole {whole:.2f}",
    )
    return numbers, sums, weights, whole


@app.cell
def _(numbers, rate, sums, weights, whole):
    _rule = float(np.sqrt(rate.value / (1 - rate.value) * ((numbers * weights) ** 2).sum()))
    assert abs(sums.mean() - whole) < 5 * _rule / np.sqrt(2000), "for a sum the mean over masks is the sum without"
    assert abs(sums.std() / _rule - 1) < 0.15
    _bent = np.maximum(sums - whole, 0).mean()  # a relu that begins at the whole sum: without a mask it says 0
    assert _bent > 0.3 * _rule, "after a bend the two differ"
    mo.md(
        f"The rule says ± {_rule:.2f}. After a bend this is no longer exact: a relu set to begin at the whole sum says 0 without a "
        f"mask, and **{_bent:.2f}** on average over masks. A deep network without masks stands only *about* for the mean of all its thinned ones."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much may go missing?

    Back to the rings. Choose the rate in training; then take away more and more neurons. The curve of the network that never missed any is beside it.
    """)
    return


@app.cell
def _():
    in_training = mo.ui.radio(["0.0", "0.2", "0.5", "0.8"], value="0.5", label="rate in training")
    in_training
    return (in_training,)


@app.cell
def _(in_training, maimed, plain, trained_with):
    gone = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9]
    _chosen = trained_with(float(in_training.value))
    curves = {
        "trained whole": [maimed(plain, one) for one in gone],
        f"trained at {in_training.value}": [maimed(_chosen, one) for one in gone],
    }
    plots.lines(
        gone,
        curves,
        x="share of the neurons taken away",
        y="read right",
        marked=True,
        title="Two rings, with neurons missing",
    )
    return curves, gone


@app.cell
def _(curves, in_training):
    _whole, _other = curves.values()
    assert in_training.value != "0.0" or _whole == _other, "the same draws, the same network"
    assert in_training.value == "0.0" or _other[3] > _whole[3] + 0.05, "with half of them gone"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How sure is it?

    Leave dropout on afterwards and ask the same question 100 times: each time another thinned network answers. Where there was data they agree. Here a
    network learned a wave between -1 and 1, at a rate of 0.2, and is asked from -3 to 3. *Above* and *below* are one deviation away from the mean.
    """)
    return


@app.cell
def _():
    _x, _draws = np.linspace(-1, 1, 40)[:, None], np.random.default_rng(0)

    def curve(parameters, x, source):
        """Two hidden layers of 64 with dropout behind each."""
        for number in (1, 2):
            bent = relu(x @ parameters[f"layer{number}.weight"] + parameters[f"layer{number}.bias"])
            x = dropout(bent, 0.2, source)
        return x @ parameters["layer3.weight"] + parameters["layer3.bias"]

    _fitted, _ = fit(
        lambda parameters, x: curve(parameters, x, _draws),
        make_mlp([1, 64, 64, 1]),
        _x,
        np.sin(3 * _x),
        400,
        40,
        5e-3,
        loss=squared_error,
    )
    asked, _still = np.linspace(-3, 3, 61), frozen(_fitted)
    middle, spread = over_masks(
        lambda source: curve(_still, Tensor(asked[:, None]), source).data[:, 0], 100, np.random.default_rng(1)
    )
    plots.lines(
        asked,
        {"mean": middle, "above": middle + spread, "below": middle - spread, "truth": np.sin(3 * asked)},
        x="x",
        title=f"Spread at 0: {spread[30]:.2f}; at -3: {spread[0]:.2f}",
    )
    return asked, curve, middle, spread


@app.cell
def _(asked, middle, spread):
    _inside = np.abs(asked) <= 1
    assert np.abs(middle - np.sin(3 * asked))[_inside].mean() < 0.25, "where there was data it is right"
    assert spread[np.abs(asked) > 2].mean() > 1.5 * spread[_inside].mean(), "far away the thinned networks disagree"
    assert np.abs(middle - np.sin(3 * asked))[np.abs(asked) > 2].mean() > spread[np.abs(asked) > 2].mean(), (
        "and not enough"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Honestly: far away the spread grows, and the error grows more. It is a warning, no error bar.

    ## Try

    - Rate 0.9: the sums spread over many times the width of those at 0.1, around the same place.
    - Trained at 0.8: even with nine of ten neurons gone most points are read right. Trained whole, it is little better than guessing.
    - Leave out the division in a `dropout` of your own, train with it, and use it whole: at a rate of 0.5 each sum is suddenly about twice as large as before.

    Write it yourself: `groundup learn start dropout`
    """)
    return


if __name__ == "__main__":
    app.run()
