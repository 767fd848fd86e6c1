"""Lesson: AdamW, a step whose length does not depend on the size of the gradient."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="AdamW: a step for each weight", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.training.optimizers.adamw import AdamW, Group, Numbers, adamw_step, fused, one_by_one


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # AdamW: a step for each weight

    A gradient says in which direction the loss falls, and little about how far to go. Afterwards you can write AdamW from its
    three lines, say what each is for, and name the valley that it crosses with ease and the one where it is no better.
    """)
    return


@app.cell
def _():
    small_and_large = torch.tensor([0.0001, 10_000.0])
    _weight = torch.zeros(2)
    adamw_step(_weight, small_and_large, torch.zeros(2), torch.zeros(2), Numbers(0.01, 0.9, 0.999, 1e-8, 0.0, 1))
    first_move = -_weight
    mo.md(
        "Two weights, one with the gradient 0.0001, one with 10,000: a hundred million times as steep. The first step at the rate "
        f"0.01 moves them by **{first_move[0]:.4f}** and {first_move[1]:.4f}."
    )
    return first_move, small_and_large


@app.cell
def _(first_move):
    assert torch.allclose(first_move, torch.tensor(0.01), rtol=1e-3)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three lines

    $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \qquad
    w \leftarrow w - \text{rate} \cdot \frac{m'}{\sqrt{v'} + \epsilon}$$

    $m$ is a mean of the last gradients, about ten of them, $v$ one of their squares, about a thousand. If all gradients
    were alike, $m / \sqrt{v}$ would be 1 or -1. If they disagree, $m$ is small and $v$ is not, and the step gets short.
    """)
    return


@app.cell
def _():
    def by_hand(weight, gradients, rate=0.01, beta1=0.9, beta2=0.999, correct=True):
        """The weight after each step, in plain numbers."""
        mean = square = 0.0
        path = [weight]
        for step, gradient in enumerate(gradients, 1):
            mean = beta1 * mean + (1 - beta1) * gradient
            square = beta2 * square + (1 - beta2) * gradient**2
            unbiased = (1 - beta1**step, 1 - beta2**step) if correct else (1.0, 1.0)
            weight = weight - rate * (mean / unbiased[0]) / ((square / unbiased[1]) ** 0.5 + 1e-8)
            path = [*path, weight]
        return path

    agreeing, disagreeing = [2.0] * 20, [2.0, -2.0] * 10
    paths = {"20 equal gradients": by_hand(0.0, agreeing), "every second one reversed": by_hand(0.0, disagreeing)}
    plots.lines(range(21), paths, x="step", y="weight", marked=True, title="Agreement moves, disagreement stays")
    return agreeing, by_hand, disagreeing, paths


@app.cell
def _(agreeing, disagreeing, paths):
    for _gradients, _path in zip((agreeing, disagreeing), paths.values(), strict=True):
        _named = {"w": torch.zeros(1, 1, requires_grad=True)}
        _ours, _theirs = AdamW(_named, learning_rate=0.01, weight_decay=0.0), torch.zeros(1, 1, requires_grad=True)
        _peer = torch.optim.AdamW([_theirs], lr=0.01, weight_decay=0.0)
        for _gradient in _gradients:
            _named["w"].grad, _theirs.grad = torch.full((1, 1), _gradient), torch.full((1, 1), _gradient)
            _ours.step()
            _peer.step()
        assert np.allclose([_named["w"].item(), _theirs.item()], _path[-1], atol=1e-6), (
            "by hand, the library's, torch's"
        )
    assert abs(paths["20 equal gradients"][-1] + 0.2) < 1e-6, "20 steps of the rate"
    assert max(map(abs, paths["every second one reversed"])) < 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The first steps

    $m$ and $v$ begin at 0, so at first both are too small: after one step $m$ is $0.1\,g$, and $v$ is $0.001\,g^2$, whose root is
    $0.032\,g$. The quotient is 3 times too **large**, and gets worse before it gets better. $m' = m / (1 - \beta_1^t)$ and
    $v' = v / (1 - \beta_2^t)$ put both right. Without them, below, with a gradient that is always the same.
    """)
    return


@app.cell
def _(by_hand):
    lengths = {
        name: -np.diff(by_hand(0.0, [2.0] * 1000, rate=1.0, correct=correct))
        for name, correct in (("as defined", True), ("without the correction", False))
    }
    plots.lines(
        range(1, 1001),
        lengths,
        x="step",
        y="length of the step, in rates",
        log_x=True,
        title="The bias of the first steps",
    )
    return (lengths,)


@app.cell
def _(lengths):
    assert np.allclose(lengths["as defined"], 1, atol=1e-6)
    _raw = lengths["without the correction"]
    assert abs(_raw[0] - 0.1 / 0.001**0.5) < 1e-3 and 6 < _raw.max() < 7 and _raw[-1] < 1.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A long valley

    $f(x, y) = (a x^2 + y^2) / 2$ is $a$ times as steep across as along. Plain gradient descent has one rate for both: larger than
    $2 / a$ and it flies out across, so it creeps along. Adam divides each direction by its own steepness. Move $a$.
    """)
    return


@app.cell
def _():
    steepness = mo.ui.slider(steps=[1, 4, 16, 64, 256], value=16, label="a", show_value=True)
    steepness
    return (steepness,)


@app.cell
def _():
    def descend(matrix, steps, rate, adam):
        """The places on the way down f(p) = p' matrix p / 2 from (1.5, -2)."""
        place, mean, square = torch.tensor([1.5, -2.0]), torch.zeros(2), torch.zeros(2)
        places = [place.clone()]
        for step in range(1, steps + 1):
            if adam:
                adamw_step(place, matrix @ place, mean, square, Numbers(rate, 0.9, 0.999, 1e-8, 0.0, step))
            else:
                place = place - rate * matrix @ place
            places = [*places, place.clone()]
        return torch.stack(places)

    def valley(a):
        """Across x it is a times as steep as along y."""
        return torch.diag(torch.tensor([float(a), 1.0]))

    return descend, valley


@app.cell
def _(descend, steepness, valley):
    _matrix = valley(steepness.value)
    ways = {
        "gradient descent": descend(_matrix, 60, 1.8 / (steepness.value + 1), adam=False),
        "Adam": descend(_matrix, 60, 0.2, adam=True),
    }
    _x, _y = np.linspace(-2.2, 2.2, 60), np.linspace(-2.4, 2.4, 60)
    plots.contour_map(
        _x,
        _y,
        np.sqrt((steepness.value * _x[None] ** 2 + _y[:, None] ** 2) / 2),
        paths=ways,
        x="x, steep",
        y="y, flat",
        title=f"60 steps in a valley {steepness.value} times as steep across",
    )
    return (ways,)


@app.cell
def _(descend, steepness, valley, ways):
    torch.testing.assert_close(ways["Adam"], descend(valley(1), 60, 0.2, adam=True), rtol=1e-3, atol=1e-3)
    _left = abs(ways["gradient descent"][-1, 1] / -2).item()
    assert abs(_left - (1 - 1.8 / (steepness.value + 1)) ** 60) < 1e-3, "what is left of the way along the valley"
    mo.md(
        f"Gradient descent has **{_left:.0%}** of the way along still before it. Adam's path is the same for every $a$: multiply a "
        "weight's gradients by anything, and $m / \\sqrt{v}$ stays as it was."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same valley, turned

    Adam knows each weight alone. Turn the valley by 45 degrees, so that its steep direction is a mixture of both weights: each
    weight is now equally steep, and dividing them by their own steepness does nothing. Counted: steps until the loss is a hundredth.
    """)
    return


@app.cell
def _(descend, valley):
    def steps_needed(matrix, rate, adam):
        """Steps until the loss is a hundredth of what it was, and stays below; at most 400 are made."""
        places = descend(matrix, 400, rate, adam)
        losses = ((places @ matrix) * places).sum(1)
        above = (losses > losses[0] / 100).nonzero()
        return above.max().item() + 1

    _turn = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / 2**0.5
    factors = [4, 16, 64, 256]
    turned = [_turn @ valley(a) @ _turn.T for a in factors]
    needed = {
        "Adam, along the weights": [steps_needed(valley(a), 0.05, adam=True) for a in factors],
        "Adam, turned by 45 degrees": [steps_needed(matrix, 0.05, adam=True) for matrix in turned],
    }
    plots.lines(
        factors, needed, x="a", y="steps needed", log_x=True, marked=True, title="Adam sees weights, not directions"
    )
    return factors, needed, steps_needed, turned


@app.cell
def _(needed):
    _along, _turned = needed.values()
    assert max(_along) <= 1.5 * min(_along)
    assert _turned[-1] > 1.5 * _along[-1] and _turned[-1] > _turned[0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The W: decay apart from the gradient

    Weights are pulled towards 0 so that none grows without need. Adding $\text{decay} \cdot w$ to the gradient looks the same, but then
    it is divided by $\sqrt{v}$ too: weights with large gradients hardly decay. AdamW shrinks the weight itself, before its step.
    Here the gradients cancel (+s, -s, +s, ...), so that only the decay is left to see.
    """)
    return


@app.cell
def _():
    def decayed(size, decoupled):
        """A weight of 1 after 300 steps with gradients that change their sign."""
        weight, mean, square = torch.ones(1), torch.zeros(1), torch.zeros(1)
        for step in range(1, 301):
            pull = torch.zeros(1) if decoupled else 0.5 * weight
            numbers = Numbers(0.01, 0.9, 0.999, 1e-8, 0.5 if decoupled else 0.0, step)
            adamw_step(weight, size * (-1) ** step + pull, mean, square, numbers)
        return weight.item()

    sizes = [1.0, 10.0, 100.0]
    remains = {
        "in the gradient (L2)": {f"s = {size:g}": decayed(size, False) for size in sizes},
        "decoupled (AdamW)": {f"s = {size:g}": decayed(size, True) for size in sizes},
    }
    plots.value_bars(remains, y="left of a weight of 1", title="After 300 steps of decay")
    return decayed, remains, sizes


@app.cell
def _(remains):
    assert all(abs(left - (1 - 0.01 * 0.5) ** 300) < 0.02 for left in remains["decoupled (AdamW)"].values())
    _in_gradient = list(remains["in the gradient (L2)"].values())
    assert _in_gradient[0] < 0.5 and _in_gradient[-1] > 0.95
    return


@app.cell
def _():
    _named = {"matrix": torch.ones(3, 3), "gain": torch.ones(3)}
    AdamW(_named, learning_rate=0.1, weight_decay=0.5).step()  # no gradient at all
    assert torch.allclose(_named["matrix"], torch.tensor(0.95)) and torch.equal(_named["gain"], torch.ones(3))
    _source = torch.Generator().manual_seed(0)
    _weight, _gradient = torch.randn(2, 50, 50, generator=_source)
    _groups = [Group([_weight.clone()], [torch.zeros(50, 50)], [torch.zeros(50, 50)]) for _ in range(2)]
    for _move, _group in zip((one_by_one, fused), _groups, strict=True):
        _move(_group, [_gradient], Numbers(0.01, 0.9, 0.95, 1e-8, 0.1, 1))
    torch.testing.assert_close(_groups[0].weights[0], _groups[1].weights[0])
    "A gain is not decayed: it belongs near 1, not 0. torch's fused kernel gives the same numbers in one pass over memory."
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - a = 1: gradient descent arrives in a few steps, and Adam still swings about the bottom. a = 256: one of them has hardly left.
    - Give `by_hand` a `beta2` of 0.95, as language models are trained: the bias of the first steps is gone after 60, not 1,000.
    - Turn the valley by 10 degrees instead of 45: how much turning does Adam bear?

    Write it yourself: `groundup learn start adamw_step`
    """)
    return


if __name__ == "__main__":
    app.run()
