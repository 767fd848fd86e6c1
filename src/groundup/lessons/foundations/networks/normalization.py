"""Lesson: batch norm, layer norm, RMS norm: one scale inside a network, and what each is averaged over."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Norms: who is averaged with whom?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.networks.activations import relu
    from groundup.foundations.networks.initialization import scaled
    from groundup.foundations.networks.mlp import fit, make_mlp
    from groundup.foundations.networks.normalization import (
        Running,
        batch_norm,
        batch_normalized,
        new_statistics,
        rms_norm,
        standardized,
    )
    from groundup.foundations.networks.representations import rings


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Norms: who is averaged with whom?

    Inside a network numbers grow, shrink and drift while it learns. A **norm** brings them back to one scale, again and again. Three norms are
    in use, and they differ in one question only: over which numbers is the average taken? Afterwards you can compute all three, say why
    one of them needs two modes, and why language models use the other two.
    """)
    return


@app.cell
def _():
    _ones, _zeros = np.ones(1), np.zeros(1)

    def _seen(batch):
        """What a batch norm in training makes of a batch of single numbers."""
        numbers = np.array(batch, dtype=float)[:, None]
        return batch_norm(numbers, _ones, _zeros, (_zeros, _ones), True)[0][:, 0]

    among_small, among_large = _seen([5, 1, 2, 0])[0], _seen([5, 9, 8, 7])[0]
    mo.md(
        f"One number, 5, in two batches. Beside 1, 2 and 0 a batch norm makes **{among_small:+.2f}** of it; beside 9, 8 and 7 it makes "
        f"**{among_large:+.2f}**. What a network says of you depends on who stands next to you."
    )
    return among_large, among_small


@app.cell
def _(among_large, among_small):
    assert among_small > 1 and among_large < -1, "far above its neighbours, far below them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three examples, two features, by hand

    The first feature is 0, 2, 4. Its mean is 2; the distances from it are -2, 0, 2; their squares 4, 0, 4 have the mean 8/3, the
    **variance**. Divide the distances by its root, 1.633:

    $$\frac{x - \text{mean}}{\sqrt{\text{variance} + \varepsilon}}$$

    The tiny $\varepsilon$ is there for a feature that is the same everywhere: its variance is 0. Then the result is multiplied by a weight
    and moved by a bias, one of each for a feature. They are learned, so the network may undo what the norm did.
    """)
    return


@app.cell
def _():
    _x = np.array([[0.0, 10.0], [2.0, 10.0], [4.0, 16.0]])
    _middle, _spread = np.array([2.0, 12.0]), np.sqrt(np.array([8 / 3, 8.0]) + 1e-5)
    by_hand = (_x - _middle) / _spread
    by_library, new = batch_normalized(_x, np.ones(2), np.zeros(2), new_statistics(2), training=True)
    moved_back, _ = batch_normalized(_x, _spread, _middle, new_statistics(2), training=True)
    assert np.allclose(by_hand, by_library), "batch_norm does what was done by hand"
    assert np.allclose(moved_back, _x), "weight and bias can undo it"
    plots.heat_map(
        by_library,
        rows=["example 1", "example 2", "example 3"],
        columns=["feature 1", "feature 2"],
        text=True,
        title="Both features on one scale",
    )
    return by_hand, by_library, moved_back, new


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Down a column, or along a row

    Rows are examples, columns are features. In this table example 2 is loud (five times as large numbers) and feature 5 is high (10 more).

    - **batch norm** averages down each column, over the examples;
    - **layer norm** averages along each row, over the features of one example;
    - **RMS norm** does too, but leaves the mean where it is: it only divides by $\sqrt{\text{mean of } x^2}$.
    """)
    return


@app.cell
def _():
    def normed(x, norm):
        """A table after one of the three."""
        if norm == "batch norm":
            return standardized(x, 0)
        if norm == "layer norm":
            return standardized(x, 1)
        return rms_norm(x, np.ones(x.shape[1])) if norm == "RMS norm" else x

    assert np.allclose(normed(np.array([[3.0, 4.0]]), "RMS norm"), [[3 / 12.5**0.5, 4 / 12.5**0.5]]), (
        "3 and 4: the mean square is 12.5"
    )
    return (normed,)


@app.cell
def _():
    which = mo.ui.radio(["none", "batch norm", "layer norm", "RMS norm"], value="none", label="norm")
    which
    return (which,)


@app.cell
def _(normed, which):
    table = np.random.default_rng(1).standard_normal((5, 6)) * np.array([1, 5, 1, 1, 1])[:, None]
    table = table + 10 * (np.arange(6) == 4)

    after = normed(table, which.value)
    plots.heat_map(
        after,
        rows=[f"example {one}" for one in range(1, 6)],
        columns=[f"feature {one}" for one in range(1, 7)],
        text=True,
        title=f"{which.value}: largest mean of a row {np.abs(after.mean(1)).max():.2f}",
    )
    return after, table


@app.cell
def _(after, normed, table, which):
    assert (np.abs(after.mean(axis=0)).max() < 1e-9) == (which.value == "batch norm"), "columns around 0"
    assert (np.abs(after.mean(axis=1)).max() < 1e-9) == (which.value == "layer norm"), "rows around 0"
    assert which.value in ("none", "batch norm") or np.allclose((after**2).mean(axis=1), 1, atol=1e-3)
    _louder, _higher = table * np.array([1, 7, 1, 1, 1])[:, None], table + np.array([0, 7, 0, 0, 0])[:, None]
    _alike = {
        name: [np.allclose(normed(one, name), normed(table, name), atol=1e-3) for one in (_louder, _higher)]
        for name in ("batch norm", "layer norm", "RMS norm")
    }
    assert _alike == {"batch norm": [False, False], "layer norm": [True, True], "RMS norm": [True, False]}
    mo.md(
        "Make example 2 seven times as loud: layer norm and RMS norm see no difference. Add 7 to all of it: layer norm sees none, RMS norm does. "
        "Batch norm sees both, and changes what it says of the *other* examples."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Afterwards there is no batch

    When training is over, one example comes alone. Its variance over one example is 0, and its result would be 0 whatever it is. So batch
    norm has a second mode. In training it keeps a **running** mean and variance, moved a little towards each batch's own:

    $$\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{batch}$$

    and afterwards it uses these. Below, batches of 8 whose true mean is 3; the running mean begins at 0.
    """)
    return


@app.cell
def _():
    momentum = mo.ui.slider(steps=[0.01, 0.03, 0.1, 0.3, 1.0], value=0.1, label="momentum", show_value=True)
    momentum
    return (momentum,)


@app.cell
def _(momentum):
    _source, _statistics = np.random.default_rng(2), new_statistics(1)
    _own, _running = [], []
    for _ in range(100):
        _batch = _source.standard_normal((8, 1)) * 2 + 3
        _, _statistics = batch_normalized(
            _batch, np.ones(1), np.zeros(1), _statistics, training=True, momentum=momentum.value
        )
        _own.append(float(_batch.mean()))
        _running.append(float(_statistics.mean[0]))
    own_means, running_means, last = np.array(_own), np.array(_running), _statistics
    plots.lines(
        range(1, 101),
        {"the batch's own": own_means, "running": running_means},
        x="batch",
        y="mean",
        levels={"truth": 3.0},
        title=f"Momentum {momentum.value:g}: in the end {running_means[-1]:.2f}",
    )
    return last, own_means, running_means


@app.cell
def _(last, momentum, own_means, running_means):
    assert momentum.value < 1 or np.allclose(own_means, running_means), "1: only the last batch counts"
    assert momentum.value > 0.02 or running_means[-1] < 2.5, "too small: 100 batches are too few to arrive"
    assert not 0.03 <= momentum.value <= 0.3 or abs(running_means[-1] - 3) < 0.7
    _alone = np.array([[5.0]])
    try:
        batch_normalized(_alone, np.ones(1), np.zeros(1), last, training=True)
    except InputError as error:
        refused = str(error)
    _said, _kept = batch_normalized(_alone, np.ones(1), np.zeros(1), last, training=False)
    assert isinstance(_kept, Running) and np.array_equal(_kept.mean, last.mean), "afterwards nothing is learned"
    mo.md(
        f"A 5 that comes alone: in training it is refused ({refused.split(';')[0]}). Afterwards it becomes **{_said[0, 0]:+.2f}**, whoever "
        f"else is there. By the truth (mean 3, deviation 2) it would be {(5 - 3) / 2:+.2f}."
    )
    return (refused,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The price of neighbours

    The smaller the batch, the more a result is chance. Take an example whose true place is one deviation above the mean, draw its
    neighbours 300 times, and look how far what batch norm says of it spreads.
    """)
    return


@app.cell
def _():
    _source, batch_sizes = np.random.default_rng(3), [2, 4, 8, 16, 32, 64, 128, 256]
    _said = [
        [
            batch_norm(
                np.append([1.0], _source.standard_normal(size - 1))[:, None],
                np.ones(1),
                np.zeros(1),
                (np.zeros(1), np.ones(1)),
                True,
            )[0][0, 0]
            for _ in range(300)
        ]
        for size in batch_sizes
    ]
    tremble = [float(np.std(one)) for one in _said]
    plots.lines(
        batch_sizes,
        {"batch norm": tremble, "layer norm, RMS norm": np.zeros(len(batch_sizes))},
        log_x=True,
        x="size of the batch",
        y="deviation of the result",
        marked=True,
        title=f"A batch of 2: {tremble[0]:.2f}; of 256: {tremble[-1]:.2f}",
    )
    return batch_sizes, tremble


@app.cell
def _(tremble):
    assert tremble[0] > 0.5 and tremble[-1] < 0.1 and tremble[2] > tremble[5]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it is all for

    Six hidden layers of 16, three rings to be told apart, and weights of three sizes to begin with. 0.35 fits a relu of this width (the root
    of 2/16); the others are ten times too small and three times too large. Which of the three learn?
    """)
    return


@app.cell
def _():
    inside = mo.ui.dropdown(["none", "batch norm", "layer norm", "RMS norm"], value="none", label="norm in each layer")
    inside
    return (inside,)


@app.cell
def _(inside, normed):
    _x, _labels = rings(300, 3, seed=0)

    def network(parameters, x):
        """Layer by layer: weigh, normalize, bend; the last one only weighs."""
        for number in range(1, 7):
            z = x @ parameters[f"layer{number}.weight"] + parameters[f"layer{number}.bias"]
            if inside.value == "batch norm":
                x = relu(batch_normalized(z, np.ones(16), np.zeros(16), new_statistics(16), training=True)[0])
            else:
                x = relu(normed(z, inside.value))
        return x @ parameters["layer7.weight"] + parameters["layer7.bias"]

    losses = {}
    for _size in (0.03, 0.35, 1.0):
        _start = make_mlp([2, *[16] * 6, 3], 0, scaled(_size))
        _, _found = fit(network, _start, _x, _labels, 120, 64, 1e-2)
        losses = losses | {f"{_size:g}": np.convolve(_found, np.ones(10) / 10, "valid")}
    plots.lines(
        range(10, 121),
        {f"size {name}": np.clip(found, 1e-3, 10) for name, found in losses.items()},
        x="step (mean of ten)",
        y="loss",
        log_y=True,
        title=f"{inside.value}: in the end {', '.join(f'{found[-1]:.2f}' for found in losses.values())}",
    )
    return losses, network


@app.cell
def _(inside, losses):
    _ends = [found[-1] for found in losses.values()]
    assert inside.value != "none" or _ends[0] > 1.05 > 0.1 > min(_ends), "without: ln 3 = 1.099 is guessing"
    assert inside.value != "none" or losses["0.35"].min() < 0.01, "weights that fit need no norm"
    assert inside.value == "none" or max(_ends) < 0.7, "with any of the three, all three learn"
    assert inside.value != "batch norm" or max(_ends) < 2 * min(_ends), "and by batch norm they learn alike"
    assert inside.value == "none" or losses["1"][0] < 5, "no loss in the thousands to begin with"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Look at it honestly: the weights that fitted needed no norm; without one their loss falls below a hundredth. A norm does not make a network
    cleverer. It makes training depend less on what one began with, and in deep networks, where every layer moves while the
    others learn, that is worth more than anything else.

    A language model reads texts of all lengths and answers one at a time. Batch norm would tie them together; layer norm and RMS norm know
    no batch and have one mode. RMS norm saves the mean and is as good in practice.

    ## Try

    - `batch norm` in the table: the high column 5 is gone. `layer norm`: column 5 stands out in each row, and loud example 2 is as quiet as
      the others.
    - Momentum 1: the running mean jumps with each batch. 0.01: after 100 batches it is still on its way.
    - `none` against `batch norm` at the end: three fates become one.

    Write it yourself: `groundup learn start batch_norm`
    """)
    return


if __name__ == "__main__":
    app.run()
