"""Lesson: why deep networks were hard to train: a gradient is a product with one factor a layer; what tames it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A gradient is a product with one factor a layer", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.networks.gradients import (
        clip_by_norm,
        factor_per_layer,
        gradient_by_depth,
        through_time,
    )
    from groundup.foundations.networks.initialization import kaiming, scaled, xavier


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A gradient is a product with one factor a layer

    A network learns by asking of each weight: if you were a little larger, how would the loss change? The answer is the weight's
    **gradient**, and it travels from the loss back to the first layer. Afterwards you can say why it arrives there as nothing or as
    far too much, and know the three remedies, each measured: the size of the weights, a way past the layer, and clipping.
    """)
    return


@app.cell
def _():
    _lengths = gradient_by_depth(xavier, "sigmoid", depth=20)
    share = _lengths[0] / _lengths[-1]
    mo.md(
        "Twenty layers with the S-shaped bend of the 1980s, the sigmoid. Of the gradient at the last layer the first one gets "
        f"**{share:.0e}**: a millionth of a millionth. Its weights are told nothing."
    )
    return (share,)


@app.cell
def _(share):
    assert share < 1e-10, "twenty sigmoids leave next to nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three layers of one number, by hand

    Let each layer be one number: $h_1 = \sigma(2 x)$, $h_2 = \sigma(2 h_1)$, $h_3 = \sigma(2 h_2)$. Nudge $x$. The nudge is multiplied by
    the weight 2, then by the slope of the bend where it stands, and that three times. The slope of the sigmoid is $h (1 - h)$: at
    most 1/4, when $h$ is 1/2, and less everywhere else. So a layer multiplies by at most $2 \cdot 1/4$.
    """)
    return


@app.cell
def _():
    def chain(x, weight=2.0, layers=3):
        """What leaves each layer of one number, and by what each multiplies a nudge."""
        left, factors = [], []
        for _ in range(layers):
            x = 1 / (1 + np.exp(-weight * x))
            left.append(x)
            factors.append(weight * x * (1 - x))
        return left, factors

    _outputs, factors = chain(0.3)
    nudged = (chain(0.3 + 1e-6)[0][-1] - _outputs[-1]) / 1e-6
    mo.md(
        f"The factors are {', '.join(f'{one:.3f}' for one in factors)}; their product is {np.prod(factors):.4f}. "
        f"Nudging $x$ by a millionth and looking gives {nudged:.4f}."
    )
    return chain, factors, nudged


@app.cell
def _(chain, factors, nudged):
    assert abs(np.prod(factors) - nudged) < 1e-5, "the product of the factors is the slope of it all"
    assert max(factors) <= 0.5, "2 times a slope of at most 1/4"
    assert np.prod(chain(0.3, layers=30)[1]) < 1e-9, "thirty factors below one half"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By depth

    With 64 numbers a layer a factor becomes a matrix, but the rule stays: each layer makes the gradient shorter or longer by about
    the same share. On a logarithmic axis that is a straight line. The relu ($x$ if positive, else 0) has the slope 1 wherever it is
    open, so there the weights decide alone. Below: the length of the gradient at each of 40 layers, before any training.
    """)
    return


@app.cell
def _():
    chosen = mo.ui.dropdown(
        ["sigmoid", "relu, small weights", "relu, large weights", "relu, fitting weights", "tanh, fitting weights"],
        value="sigmoid",
        label="network",
    )
    chosen
    return (chosen,)


@app.cell
def _(chosen):
    networks = {
        "sigmoid": (xavier, "sigmoid"),
        "relu, small weights": (scaled(0.1), "relu"),
        "relu, large weights": (scaled(0.3), "relu"),
        "relu, fitting weights": (kaiming, "relu"),  # deviation sqrt(2 / 64) = 0.18
        "tanh, fitting weights": (xavier, "tanh"),
    }
    lengths = gradient_by_depth(*networks[chosen.value], depth=40)
    factor = factor_per_layer(lengths)
    plots.lines(
        range(1, 41),
        {chosen.value: lengths, "level": np.full(40, lengths[-1])},
        x="layer, the first one next to the input",
        y="length of the gradient",
        log_y=True,
        title=f"On its way back, times {factor:.2f} a layer",
    )
    return factor, lengths, networks


@app.cell
def _(chosen, factor, lengths):
    assert np.isclose(lengths[-1] * factor**39, lengths[0]), "the factor is the geometric mean"
    _low, _high = {
        "sigmoid": (0.0, 0.3),
        "relu, small weights": (0.4, 0.7),
        "relu, large weights": (1.5, 2.0),
        "relu, fitting weights": (0.9, 1.1),
        "tanh, fitting weights": (0.9, 1.02),
    }[chosen.value]
    assert _low < factor < _high
    mo.md(
        f"A factor of {factor:.2f} is, over 39 layers, **{factor**39:.1e}**. It has to be near 1 indeed: 0.9 leaves {0.9**39:.3f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A way past the layer

    Weights ten times as large would bring the sigmoid's factor to 1, too: but then nearly every sigmoid stands close to 0 or to 1, a switch
    and no longer a bend. The better cure is a **skip**: let a layer *add* to what came in, $h + \sigma(h W)$. A nudge of $h$ now has
    two ways, and one of them multiplies by 1. The factor is 1 plus something, and a layer that hardly says anything stops nothing.
    """)
    return


@app.cell
def _():
    plain, past = (gradient_by_depth(xavier, "sigmoid", depth=40, skip=skip) for skip in (False, True))
    plots.lines(
        range(1, 41),
        {"sigmoid": plain, "sigmoid with skips": past},
        x="layer",
        y="length of the gradient",
        log_y=True,
        title=f"The first layer gets {past[0] / plain[0]:.0e} times as much",
    )
    return past, plain


@app.cell
def _(past, plain):
    assert 0.9 < factor_per_layer(past) < 1.1, "with skips it arrives"
    assert factor_per_layer(plain) < 0.3, "without it does not"
    assert 0.8 < factor_per_layer(gradient_by_depth(scaled(1.25), "sigmoid", depth=40)) < 1.2, (
        "0.125 would fit a width of 64"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same layer again and again

    A recurrent network (the module *classical.recurrent* builds one) reads a text by using *one* matrix at each step, so the factors are
    not only alike, they are the same. For one that turns a vector and makes it 1.05 times as long (it is 1.05 times a rotation), or 0.95
    times, a hundred steps do this:
    """)
    return


@app.cell
def _():
    _turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    in_time = {f"times {size:g}": through_time(size * _turn, 100) for size in (0.95, 1.0, 1.05)}
    plots.lines(
        range(101), in_time, x="steps back", y="length of the gradient", log_y=True, title="One matrix, a hundred times"
    )
    return (in_time,)


@app.cell
def _(in_time):
    for _size, _found in zip((0.95, 1.0, 1.05), in_time.values(), strict=True):
        assert np.allclose(_found, _size ** np.arange(101)), "a power, nothing else"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The cliff

    The smallest recurrent model: $h \leftarrow w h + b$, twenty times from 0.5, and the result should be 1. Two weights, so its loss can be
    drawn. At $w$ above 1 it is $w^{20}$ that counts: a cliff. Training starts on it, at $w = 1.15$.

    **Clipping** looks at the length of all gradients together. If it is above `max_norm`, all are scaled by one factor to that length: the
    direction stays. By hand: gradients 3 and 4 have the length 5; clipped to 1 they are 0.6 and 0.8.
    """)
    return


@app.cell
def _():
    clipped, before = clip_by_norm([[3.0], [4.0]], 1.0)
    assert before == 5.0 and np.allclose(np.concatenate(clipped), [0.6, 0.8])
    assert np.allclose(np.concatenate(clip_by_norm([[0.3], [0.4]], 1.0)[0]), [0.3, 0.4]), "short ones are left alone"

    def loss_and_gradient(point):
        """The loss of (w, b), and its gradient carried along from step to step."""
        (w, b), h, by_w, by_b = point, 0.5, 0.0, 0.0
        for _ in range(20):
            by_w, by_b, h = h + w * by_w, 1 + w * by_b, w * h + b
        return (h - 1) ** 2, 2 * (h - 1) * np.array([by_w, by_b])

    cliff = np.array([1.15, 0.0])
    steep = float(np.linalg.norm(loss_and_gradient(cliff)[1]))
    _flat = float(np.linalg.norm(loss_and_gradient(np.array([0.9, 0.15]))[1]))
    mo.md(f"The gradient on the cliff is **{steep:,.0f}** long; at $w = 0.9$, $b = 0.15$ it is {_flat:.0f}.")
    return before, cliff, clipped, loss_and_gradient, steep


@app.cell
def _():
    max_norm = mo.ui.slider(steps=[0.3, 1, 3, 10, 30, 10000], value=10000, label="max_norm", show_value=True)
    max_norm
    return (max_norm,)


@app.cell
def _(cliff, loss_and_gradient, max_norm):
    path = [cliff]
    while len(path) < 151 and np.abs(path[-1]).max() < 5:  # beyond 5 the loss is larger than any number that is left
        (_step,), _ = clip_by_norm([loss_and_gradient(path[-1])[1]], max_norm.value)
        path = [*path, path[-1] - 0.005 * _step]
    _leap = path[1] - path[0]
    _shown = path if len(path) > 100 else [path[0], path[0] + 0.2 * _leap / np.linalg.norm(_leap)]
    _w, _b = np.linspace(0.75, 1.2, 46), np.linspace(-0.15, 0.25, 41)
    _heights = [[np.log10(loss_and_gradient((w, b))[0] + 0.01) for w in _w] for b in _b]
    _end = f"w = {path[-1][0]:.2f} at step {len(path) - 1}"
    plots.contour_map(
        _w,
        _b,
        np.array(_heights),
        paths={"training": np.array(_shown)},
        x="w",
        y="b",
        title=f"Logarithm of the loss; {_end}",
    )
    return (path,)


@app.cell
def _(loss_and_gradient, max_norm, path, steep):
    assert max_norm.value < steep or np.abs(path[1]).max() > 5, "without clipping the first step leaves the map"
    assert max_norm.value > 30 or loss_and_gradient(path[-1])[0] < 0.1 < loss_and_gradient(path[0])[0] / 100, (
        "clipped: down"
    )
    _lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert _lengths.max() < 0.005 * max_norm.value + 1e-9, "no step is longer than the rate times max_norm"
    mo.md(
        f"The longest step is {_lengths.max():.3g}. The loss went from {loss_and_gradient(path[0])[0]:.0f} to "
        f"**{loss_and_gradient(path[-1])[0]:.1e}**."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Clipping mends what is rare and far too large. It does nothing for a gradient that vanished: what is not there cannot be scaled up,
    since the noise would be scaled with it. That is left to the weights one begins with, and to the skips.

    ## Try

    - `relu, fitting weights` against `large weights`: deviations of 0.18 and 0.3, hardly a difference for one layer. The line turns
      from level to a climb of many powers of ten.
    - `max_norm` 10000 cuts nothing: one step, and $w$ is about -9. With 10 training zigzags down the valley; with 0.3 it takes
      small even steps straight down the cliff.
    - Give `gradient_by_depth` the relu with `kaiming` *and* `skip=True`: now it explodes. A skip adds to a factor that was already 1, which
      is why networks with skips begin with smaller branches.

    The skip as a layer of a network is `residual_block`; write it yourself: `groundup learn start residual_block`
    """)
    return


if __name__ == "__main__":
    app.run()
