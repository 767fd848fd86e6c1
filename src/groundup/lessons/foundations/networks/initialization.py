"""Lesson: first weights by Xavier, Kaiming and GPT-2, and what wrong ones do to a signal from layer to layer."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="First weights: a signal that arrives", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.networks.activations import relu
    from groundup.foundations.networks.initialization import (
        fans,
        gpt,
        kaiming,
        residual_signal,
        scaled,
        signal_by_depth,
        xavier,
    )
    from groundup.foundations.networks.mlp import accuracy, fit, make_mlp, mlp


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # First weights: a signal that arrives

    A network begins with random weights. How large they are looks like a detail and decides whether it learns at all.
    Afterwards you can compute the right size from the number of inputs and the bend, and read in a picture which
    mistake was made.
    """)
    return


@app.cell
def _():
    ends = {
        name: float(signal_by_depth(make, "relu", depth=20).deviation[-1])
        for name, make in (("0.01", scaled(0.01)), ("1", scaled(1.0)), ("kaiming", kaiming))
    }
    right_size = math.sqrt(2 / 100)
    mo.md(
        "Numbers of size 1 go through twenty untrained layers of 100 neurons with relu. With weights of size 0.01 what "
        f"arrives has the size {ends['0.01']:.0e}, with weights of size 1 it is {ends['1']:.0e}. There is one size in "
        f"between, {right_size:.3f}, with which **{ends['kaiming']:.2f}** arrives."
    )
    return ends, right_size


@app.cell
def _(ends):
    assert ends["0.01"] < 1e-20 and ends["1"] > 1e15, "too small fades, too large explodes"
    assert 0.2 < ends["kaiming"] < 5, "in between a signal arrives as large as it came"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A sum of n products

    Size here means the **deviation**: the root of the mean square, for numbers around 0. One neuron adds $n$ products
    of an input and a weight. Random signs cancel in part, so the sum of 4 numbers of size 1 has the size 2 and not 4,
    the sum of 100 the size 10: it grows with $\sqrt{n}$. With weights of size $s$ it is $s \sqrt{n}$. To hand on what
    came, neither louder nor softer, a layer needs $s = 1 / \sqrt{n}$.
    """)
    return


@app.cell
def _():
    _random = np.random.default_rng(0)
    counts = [1, 4, 25, 100, 400]
    sums = {
        n: [float((_random.standard_normal((2000, n)) * s * _random.standard_normal((2000, n))).sum(axis=1).std())
            for s in (1.0, 1 / math.sqrt(n))]
        for n in counts
    }  # fmt: skip
    mo.md(
        "| inputs | weights of size 1 | weights of size 1 / root of the inputs |\n|---|---|---|\n"
        + "\n".join(f"| {n} | {plain:.2f} | {divided:.2f} |" for n, (plain, divided) in sums.items())
    )
    return counts, sums


@app.cell
def _(sums):
    assert all(abs(plain / math.sqrt(n) - 1) < 0.15 for n, (plain, _) in sums.items())
    assert all(abs(divided - 1) < 0.15 for _, divided in sums.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the relu throws away

    A relu makes 0 of all that is below 0. Of numbers spread evenly around 0 that is half, and with them half of the
    mean square. So the weights must bring twice the square: $s^2 = 2/n$. This is **Kaiming** (He and others, 2015). The
    root of 2 is called the gain.

    Move the gain. Each layer multiplies the size by about gain / 1.41, and thirty layers do it thirty times.
    """)
    return


@app.cell
def _():
    gain = mo.ui.slider(steps=[1.0, 1.2, 1.4, 1.6, 2.0], value=1.2, label="gain", show_value=True)
    gain
    return (gain,)


@app.cell
def _(gain):
    through = signal_by_depth(lambda shape, generator: kaiming(shape, generator, gain.value), "relu", 30, 200).deviation
    plots.lines(
        range(1, 31),
        {"size": through},
        levels={"what came in": 1.0},
        x="layer",
        y="deviation",
        log_y=True,
        title=f"Gain {gain.value:g}",
    )
    return (through,)


@app.cell
def _(gain, through):
    _factor = (through[-1] / through[0]) ** (1 / 29)
    assert abs(_factor / (gain.value / math.sqrt(2)) - 1) < 0.05, "each layer multiplies by gain / root of 2"
    _z = np.random.default_rng(0).standard_normal(100_000)
    assert abs((relu(_z) ** 2).mean() - 0.5) < 0.02, "a relu leaves half of the mean square"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## There and back

    The gradient goes the other way through the same weights. There each number is a sum over the **outputs**, and asks
    for $1 / \text{outputs}$. **Xavier** (Glorot and Bengio, 2010) takes the middle,
    $s^2 = 2 / (\text{inputs} + \text{outputs})$, for tanh, which is nearly a straight line around 0. It draws evenly
    between two limits; evenly within $\pm a$ has the mean square $a^2 / 3$, so
    $a = \sqrt{6 / (\text{inputs} + \text{outputs})}$.
    """)
    return


@app.cell
def _():
    shape = (300, 100)
    drawn = {
        "xavier": xavier(shape, np.random.default_rng(0)),
        "kaiming": kaiming(shape, np.random.default_rng(0)),
        "gpt": gpt(shape, np.random.default_rng(0)),
    }
    plots.histogram(drawn, x="weight", title="300 in, 100 out")
    return drawn, shape


@app.cell
def _(drawn, shape):
    _inputs, _outputs = fans(shape)
    assert (_inputs, _outputs) == (300, 100)
    assert abs(drawn["xavier"].std() / math.sqrt(2 / 400) - 1) < 0.03
    assert np.abs(drawn["xavier"]).max() <= math.sqrt(6 / 400), "evenly, and never beyond the limit"
    assert abs(drawn["kaiming"].std() / math.sqrt(2 / 300) - 1) < 0.03
    assert abs(drawn["gpt"].std() / 0.02 - 1) < 0.03, "0.02 whatever the shape: right for 2,500 inputs"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Layer by layer

    Four ways to begin, under three bends; Kaiming's is called He here, by the family name, as in many libraries.
    Choose the bend and watch the size of what leaves each of 20 layers.
    """)
    return


@app.cell
def _():
    bend = mo.ui.dropdown(["relu", "tanh", "identity"], value="relu", label="bend")
    bend
    return (bend,)


@app.cell
def _():
    ways = {"0.01": scaled(0.01), "Xavier": xavier, "He": kaiming, "1": scaled(1.0)}
    return (ways,)


@app.cell
def _(bend, ways):
    sizes = {name: signal_by_depth(make, bend.value).deviation for name, make in ways.items()}
    plots.lines(range(1, 21), sizes, x="layer", log_y=True, title=f"Deviation after {bend.value}")
    return (sizes,)


@app.cell
def _(bend, sizes):
    _last = {name: values[-1] for name, values in sizes.items()}
    assert _last["0.01"] < 1e-15, "too small fades under every bend"
    if bend.value == "relu":
        assert 0.2 < _last["He"] < 5 and _last["Xavier"] < 0.01 and _last["1"] > 1e10
    if bend.value == "identity":
        assert 0.5 < _last["Xavier"] < 2 and _last["He"] > 100, "no bend throws nothing away: the 2 is too much"
    if bend.value == "tanh":
        assert 0.05 < _last["Xavier"] < 0.5 and 0.9 < _last["1"] <= 1, "a tanh never lets anything beyond 1"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With tanh, weights of size 1 look healthy: the size stays near 1. It is the opposite. Look at the numbers
    themselves. Nearly all stand at -1 and 1, the ends, where a tanh is flat. A flat function has the slope 0, and no
    gradient comes back through it. One has to see how numbers are spread, not only how large they are.
    """)
    return


@app.cell
def _():
    way = mo.ui.dropdown(["0.01", "Xavier", "He", "1"], value="1", label="first weights")
    way
    return (way,)


@app.cell
def _(way, ways):
    samples = signal_by_depth(ways[way.value], "tanh").sample
    slopes = [float((1 - one**2).mean()) for one in samples]  # of a tanh, where these numbers left it
    plots.histogram(
        {f"layer {number}": samples[number - 1] for number in (1, 5, 20)},
        x="what leaves a tanh",
        title=f"Mean slope {slopes[-1]:.2f}",
    )
    return samples, slopes


@app.cell
def _(samples, slopes, way):
    _at_the_ends = float((np.abs(samples[-1]) > 0.99).mean())
    if way.value == "1":
        assert _at_the_ends > 0.5 and slopes[-1] < 0.2, "saturated: most of the way back is shut"
    else:
        assert _at_the_ends < 0.01 and slopes[-1] > 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does it decide about learning?

    Points inside a circle against those outside, 16 hidden layers of 32 with relu, 100 steps of Adam. The first loss of
    who knows nothing is $\ln 2 = 0.69$.
    """)
    return


@app.cell
def _(ways):
    _points = np.random.default_rng(2).uniform(-2, 2, (200, 2))
    _inside = ((_points**2).sum(axis=1) < 1.5**2).astype(int)
    learned = {
        name: fit(mlp, make_mlp([2] + [32] * 16 + [2], 2, make), _points, _inside, 100, 64, 2e-3)
        for name, make in ways.items()
    }
    right = {name: accuracy(mlp, found, _points, _inside) for name, (found, _) in learned.items()}
    plots.lines(
        range(1, 101),
        {name: losses for name, (_, losses) in learned.items()},
        x="step",
        log_y=True,
        title="Loss",
    )
    return learned, right


@app.cell
def _(learned, right):
    assert abs(learned["0.01"][1][0] - math.log(2)) < 1e-9 and right["0.01"] < 0.75, (
        "it says nothing and learns nothing"
    )
    assert learned["1"][1][0] > 1e6 and right["1"] < 0.9, "it spends its steps on getting smaller"
    assert right["He"] > 0.85 and right["Xavier"] > 0.85
    mo.md("Right at the end: " + ", ".join(f"{name} {share:.0%}" for name, share in right.items()) + ".")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Xavier's weights lose a factor of 1.4 a layer under relu and learn here all the same: Adam gives every weight a step
    of its own size, and 16 layers lose no more than it can make up for. 0.01 is beyond its help.

    ## GPT: what is added up

    In a transformer, the network of GPT, each layer **adds** two branches (attention and an MLP) to a stream instead of replacing it. If
    every branch has the mean square 1, then after $L$ layers the stream has $1 + 2L$. GPT-2 divides what ends each branch by $\sqrt{2L}$;
    then all of them together add 1. Choose the number of layers.
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(steps=[2, 6, 12, 24, 48], value=12, label="layers", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth):
    stream = {
        "as they are": residual_signal(depth.value, end_deviation=1.0),
        "divided": residual_signal(depth.value),
    }
    plots.lines(
        range(1, depth.value + 1),
        stream,
        x="layer",
        y="deviation of the stream",
        marked=True,
        title=f"{depth.value} layers",
    )
    return (stream,)


@app.cell
def _(depth, stream):
    assert abs(stream["as they are"][-1] / math.sqrt(1 + 2 * depth.value) - 1) < 0.1, "the root of 1 + 2L"
    assert abs(stream["divided"][-1] / math.sqrt(2) - 1) < 0.05, "the root of 2, whatever the depth"
    _weights = gpt((300, 200), np.random.default_rng(0), layers=depth.value)
    assert abs(_weights.std() * math.sqrt(2 * depth.value) / 0.02 - 1) < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Gain 1: after thirty layers about 1 part in 30,000 is left. Gain 2: about 30,000 times as much. 1.4: level.
    - Bend `identity`: now Xavier is level and He grows. The right size belongs to a bend, not to a network.
    - First weights `Xavier` under tanh: a hill around 0 that gets narrower slowly. `0.01`: from the fifth layer on all
      is at 0.

    Write it yourself: `groundup learn start kaiming`, then `groundup learn start xavier`
    """)
    return


if __name__ == "__main__":
    app.run()
