"""Lesson: RMSprop, a step that has no unit of the gradient left, and what its first steps and its last ones do."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="RMSprop: divide by what is usual", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.rmsprop import RMSprop, rmsprop_step
    from groundup.training.optimizers.sgd import sgd_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # RMSprop: divide by what is usual

    Some weights of a model get gradients a thousand times as large as others. RMSprop, from a slide of a lecture in 2012, is
    the first cure that stayed. Afterwards you can write it, name the mistake in its first steps, and say why it never quite
    arrives.
    """)
    return


@app.cell
def _():
    _weight, _square = torch.zeros(2), torch.zeros(2)
    for _ in range(2000):
        _before = _weight.clone()
        rmsprop_step(_weight, torch.tensor([0.001, 1000.0]), _square, 0.01)
    late = _before - _weight
    mo.md(
        f"Two weights, one with the gradient 0.001, one with 1,000, always the same. After 2,000 steps at the rate 0.01 a step moves them by "
        f"**{late[0]:.4f}** and {late[1]:.4f}: a million times as steep, and the same step."
    )
    return (late,)


@app.cell
def _(late):
    assert torch.allclose(late, torch.tensor(0.01), rtol=1e-2)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two lines

    $$v \leftarrow \beta v + (1 - \beta)\, g^2 \qquad w \leftarrow w - \text{rate} \cdot \frac{g}{\sqrt{v} + \epsilon}$$

    $v$ is a mean of the last squared gradients, about $1 / (1 - \beta)$ of them: a hundred for 0.99. Its root is the size that
    this weight's gradients usually have. What is usual becomes a step of one rate; what is twice the usual, of two. By hand:
    """)
    return


@app.cell
def _():
    def by_hand(gradients, beta=0.99, rate=0.01):
        """The length of each step, in rates."""
        square, lengths = 0.0, []
        for gradient in gradients:
            square = beta * square + (1 - beta) * gradient**2
            lengths = [*lengths, abs(gradient) / (square**0.5 + 1e-8)]
        return lengths

    _steady = [1.0] * 600
    _burst = [1.0] * 300 + [10.0] + [1.0] * 299
    lengths = {"always 1": by_hand(_steady), "once 10": by_hand(_burst)}
    plots.lines(
        range(1, 601),
        lengths,
        x="step",
        y="length of the step, in rates",
        log_y=True,
        title="A first rush, and a burst",
    )
    return by_hand, lengths


@app.cell
def _(lengths):
    _named = {"w": torch.zeros(1, 1)}
    _ours, _theirs = RMSprop(_named, learning_rate=0.01), torch.zeros(1, 1, requires_grad=True)
    _peer = torch.optim.RMSprop([_theirs], lr=0.01)
    for _ in range(600):
        _named["w"].grad, _theirs.grad = torch.ones(1, 1), torch.ones(1, 1)
        _ours.step()
        _peer.step()
    assert abs(_named["w"].item() + 0.01 * sum(lengths["always 1"])) < 1e-3, "by hand, and the library's"
    assert abs(_named["w"].item() - _theirs.item()) < 1e-4, "and torch's"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The first rush

    $v$ begins at 0, and after one step it is $(1 - \beta) g^2$: its root is ten times too small for 0.99. The first step is ten
    rates long, and the first hundred together are about twice as long as they should be. Adam divides $v$ by $1 - \beta^t$ and
    has none of it. After a burst the opposite happens: one gradient of 10 makes the next hundred steps short.
    """)
    return


@app.cell
def _(by_hand, lengths):
    assert abs(lengths["always 1"][0] - 10) < 1e-4 and 1 <= lengths["always 1"][-1] < 1.01
    assert abs(lengths["once 10"][300] - 10 / (0.99 * (1 - 0.99**300) + 0.01 * 10**2) ** 0.5) < 1e-3
    assert min(lengths["once 10"][301:350]) < 0.75, "the steps after the burst are short"
    first_hundred = {f"beta {beta}": sum(by_hand([1.0] * 100, beta)) for beta in (0.9, 0.99, 0.999)}
    mo.md(
        "The first hundred steps together, in rates: "
        + "; ".join(f"{name}: {length:.0f}" for name, length in first_hundred.items())
        + ". A rate that warms up hides it, and this is one reason why one does."
    )
    return (first_hundred,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A valley

    $f(x, y) = (a x^2 + y^2) / 2$ is $a$ times as steep across as along. Plain descent needs a rate under $2 / a$, and crawls
    along. RMSprop divides each direction by its own steepness. Move $a$.
    """)
    return


@app.cell
def _():
    steepness = mo.ui.slider(steps=[1, 4, 16, 64, 256], value=64, label="a", show_value=True)
    steepness
    return (steepness,)


@app.cell
def _():
    def descend(steepness, steps, rate, rms):
        """The places on the way down from (1.5, -2)."""
        place, square = torch.tensor([1.5, -2.0]), torch.zeros(2)
        slope = torch.tensor([float(steepness), 1.0])
        places = [place.clone()]
        for _ in range(steps):
            if rms:
                rmsprop_step(place, slope * place, square, rate, 0.9)
            else:
                sgd_step(place, slope * place, rate)
            places = [*places, place.clone()]
        return torch.stack(places)

    return (descend,)


@app.cell
def _(descend, steepness):
    ways = {
        "gradient descent": descend(steepness.value, 60, 1.8 / (steepness.value + 1), rms=False),
        "RMSprop": descend(steepness.value, 60, 0.05, rms=True),
    }
    _x, _y = np.linspace(-2.2, 2.2, 60), np.linspace(-2.4, 2.4, 60)
    plots.contour_map(
        _x, _y, np.sqrt((steepness.value * _x[None] ** 2 + _y[:, None] ** 2) / 2), paths=ways,
        x="x, steep", y="y, flat", title=f"60 steps in a valley {steepness.value} times as steep across",
    )  # fmt: skip
    return (ways,)


@app.cell
def _(descend, steepness, ways):
    torch.testing.assert_close(ways["RMSprop"], descend(1, 60, 0.05, rms=True), rtol=1e-3, atol=1e-3)
    _left = abs(ways["gradient descent"][-1, 1] / -2).item()
    mo.md(
        f"Of the way along gradient descent has **{_left:.0%}** before it, RMSprop {abs(ways['RMSprop'][-1, 1] / -2).item():.0%}, and its path is the same "
        "for every $a$."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## It does not arrive

    Near the bottom the gradients get small. For a while $v$ still remembers the large ones, and the weight comes very near. Then it has
    forgotten, the quotient is near 1 again, and the weight goes back and forth over the bottom in steps of one rate, half a rate to
    either side. Plain descent slows down by itself; here the rate has to fall.
    """)
    return


@app.cell
def _():
    def distances(rate_of, steps=400):
        """How far from the bottom of a bowl of steepness 1, without noise."""
        weight, square, far = torch.ones(1), torch.zeros(1), []
        for step in range(steps):
            rmsprop_step(weight, weight.clone(), square, rate_of(step), 0.9)
            far = [*far, abs(weight.item())]
        return far

    arrived = {
        "rate 0.02": distances(lambda step: 0.02),
        "rate 0.002": distances(lambda step: 0.002),
        "falling from 0.02 to 0": distances(lambda step: 0.02 * (1 - step / 400)),
    }
    plots.lines(
        range(1, 401),
        {name: np.maximum(way, 1e-6) for name, way in arrived.items()},
        x="step",
        y="distance",
        log_y=True,
        title="Back and forth",
    )
    return arrived, distances


@app.cell
def _(arrived):
    _ends = {name: float(np.mean(way[380:])) for name, way in arrived.items()}
    assert abs(_ends["rate 0.02"] - 0.01) < 0.001, "half a rate"
    assert _ends["falling from 0.02 to 0"] < _ends["rate 0.02"] / 10
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - a = 1: RMSprop is the slower of the two. a = 256: one of them has hardly left.
    - Give `by_hand` a beta of 0.9: the first rush is over after 20 steps, and a burst is forgotten as soon.
    - Let the gradients of `by_hand` be 1, -1, 1, -1 ...: the lengths are the same. RMSprop does not see that they cancel; Adam does.

    Write it yourself: `groundup learn start rmsprop_step`
    """)
    return


if __name__ == "__main__":
    app.run()
