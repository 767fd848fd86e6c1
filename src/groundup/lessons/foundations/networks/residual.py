"""Lesson: a residual network: blocks that learn what to change, deep ones that train, features put to use elsewhere."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Learn only what to change", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.networks.activations import relu
    from groundup.foundations.networks.initialization import kaiming, scaled
    from groundup.foundations.networks.mlp import fit, make_mlp
    from groundup.foundations.networks.representations import read, rings
    from groundup.foundations.networks.residual import (
        features,
        make_resnet,
        residual_block,
        resnet,
        resnet_layers,
        scattered,
        transfer,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Learn only what to change

    A deeper network can do all that a shallow one can: let the further layers pass on what they get. Yet for years deeper ones came out
    worse, since "pass it on" has to be learned, too. The repair is one addition. Afterwards you can write a residual block, say why a
    network of blocks trains at any depth, and use what it learned for a task that it never saw.
    """)
    return


@app.cell
def _():
    def pass_on(x, weights, skips):
        """Numbers sent through layers of relus, each added to what came in or put in its place."""
        for weight in weights:
            x = residual_block(x, lambda h, weight=weight: h @ weight) if skips else relu(x @ weight)
        return x

    _source = np.random.default_rng(0)
    came_in = np.abs(_source.standard_normal((1, 16)))
    _small = [0.02 * _source.standard_normal((16, 16)) for _ in range(30)]
    plain_left, skips_left = (
        float(np.linalg.norm(pass_on(came_in, _small, skips)) / np.linalg.norm(came_in)) for skips in (False, True)
    )
    mo.md(
        f"Thirty layers with small random weights. Of what comes in, **{plain_left:.0e}** of its length leaves them: nothing. Let each layer "
        f"*add* its result to what it got, and **{skips_left:.2f}** of it leaves. The weights are the same."
    )
    return came_in, pass_on, plain_left, skips_left


@app.cell
def _(came_in, pass_on, plain_left, skips_left):
    assert plain_left < 1e-20 and 0.3 < skips_left < 3
    assert np.array_equal(pass_on(came_in, [np.zeros((16, 16))] * 30, True), came_in), (
        "branches of 0: passed on unharmed"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One block, by hand

    $$y = \text{relu}(\text{branch}(x) + x)$$

    The branch says what to *change*. Let $x$ be 1, -2, 3, and the branch say 0.5, 1, -4: the sums are 1.5, -1, -1, and the relu leaves
    1.5, 0, 0. A branch that gives another shape cannot be added; then a **shortcut** brings $x$ into that shape.
    """)
    return


@app.cell
def _():
    _x, _change = np.array([[1.0, -2.0, 3.0]]), np.array([[0.5, 1.0, -4.0]])
    block = residual_block(_x, lambda x: _change)
    assert np.array_equal(block, [[1.5, 0.0, 0.0]])
    halved = residual_block(_x, lambda x: x[:, :2], shortcut=lambda x: x[:, 1:])
    assert np.array_equal(halved, [[0.0, 1.0]]), "1 - 2 and -2 + 3, after the relu"
    try:
        residual_block(_x, lambda x: x[:, :2])
    except InputError as error:
        refused = str(error)
    mo.md(f"By the library: {block[0]}. Without a shortcut: *{refused}*")
    return block, halved, refused


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The gradient has a way past

    Nudge $x$ by 1, and $y$ moves by 1 plus what the branch makes of the nudge, wherever the relu is open. Going back, the gradient comes through
    unharmed even where a branch stops everything. Here each branch multiplies by 0.1; five blocks and five plain layers:
    """)
    return


@app.cell
def _():
    _leaf, _other = Tensor([[1.0]], True), Tensor([[1.0]], True)
    _y, _z = _leaf, _other
    for _ in range(5):
        _y, _z = residual_block(_y, lambda h: h * 0.1), relu(_z * 0.1)
    _y.sum().backward()
    _z.sum().backward()
    with_skips, without = float(_leaf.grad[0, 0]), float(_other.grad[0, 0])
    assert np.isclose(with_skips, 1.1**5) and np.isclose(without, 0.1**5)
    mo.md(f"With skips the gradient is $(1 + 0.1)^5$ = **{with_skips:.3f}**, without $0.1^5$ = {without:.5f}.")
    return with_skips, without


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Depth, trained

    Three rings of points, and networks of 2, 8 and 20 layers of 16 numbers, with weights that are a little too small. First without, then with
    skips. ln 3 = 1.099 is the loss of one who guesses.
    """)
    return


@app.cell
def _():
    with_blocks = mo.ui.switch(value=False, label="skips")
    with_blocks
    return (with_blocks,)


@app.cell
def _(with_blocks):
    _x, _labels = rings(200, 3, seed=0)

    def deep(parameters, x):
        """A layer of 16, then blocks (or plain layers) of 16, then the scores."""
        last = len(parameters) // 2
        for number in range(1, last):
            weight, bias = parameters[f"layer{number}.weight"], parameters[f"layer{number}.bias"]
            if with_blocks.value and number > 1:
                x = residual_block(x, lambda h, weight=weight, bias=bias: h @ weight + bias)
            else:
                x = relu(x @ weight + bias)
        return x @ parameters[f"layer{last}.weight"] + parameters[f"layer{last}.bias"]

    losses = {}
    for _depth in (2, 8, 20):
        _start = make_mlp(
            [2, *[16] * _depth, 3], 0, lambda shape, source: (kaiming if shape[0] == 2 else scaled(0.05))(shape, source)
        )
        _found = fit(deep, _start, _x, _labels, 100, 64, 5e-3)[1]
        losses = losses | {_depth: np.convolve(_found, np.ones(10) / 10, "valid")}
    plots.lines(
        range(10, 101),
        {f"{depth} layers": found for depth, found in losses.items()},
        x="step (mean of ten)",
        y="loss",
        title=f"{'With' if with_blocks.value else 'Without'} skips: {', '.join(f'{one[-1]:.2f}' for one in losses.values())}",
    )
    return deep, losses


@app.cell
def _(losses, with_blocks):
    assert with_blocks.value or losses[20][-1] > 1.05, "twenty plain layers go on guessing"
    assert not with_blocks.value or losses[20][-1] < 0.5, "twenty blocks learn"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Digits, scattered

    Now a residual network on pictures: a convolution, two blocks of two convolutions each, the mean of each of 16 channels, a head. The last
    convolution of each branch begins at 0, so each block begins by passing on. It learns the digits 0 to 4, in a font of 3 x 5,
    anywhere on a noisy 12 x 12.
    """)
    return


@app.cell
def _():
    _font = (
        "111101101101111 010110010010111 111001111100111 111001111001111 101101111001001 "
        "111100111001111 111100111101111 111001010010010 111101111101111 111101111001111"
    )
    glyphs = np.array([[float(one) for one in digit] for digit in _font.split()]).reshape(10, 1, 5, 3)
    _source = np.random.default_rng(0)
    digits = _source.integers(0, 10, 1600)
    _clean = scattered(glyphs[digits], 12, _source)
    pictures = _clean + 0.2 * _source.standard_normal(_clean.shape)
    low = digits < 5
    start = make_resnet(5)
    trained, _falling = fit(resnet, start, pictures[low], digits[low], steps=120, learning_rate=1e-2)
    _stages = resnet_layers(start, Tensor(pictures[:2]))
    assert np.array_equal(_stages[1].data, _stages[2].data), "before training the first block passes on"
    assert np.mean(_falling[-10:]) < 0.5 < _falling[0]
    plots.heat_map(
        np.concatenate([*pictures[:4, 0]], axis=1),
        rows=[""] * 12,
        columns=[""] * 48,
        title=f"Four pictures: {digits[:4]}",
    )
    return digits, glyphs, low, pictures, start, trained


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Features for digits that it never saw

    Take the head off. What is left makes 16 numbers of a picture. Learn from a few pictures of 5 to 9 a new head on these numbers, and change nothing
    else. Beside it: the same on the untrained network, and on the bare 144 numbers of the picture.
    """)
    return


@app.cell
def _():
    count = mo.ui.slider(
        steps=[10, 25, 50, 100, 200], value=50, label="pictures of 5 to 9 to learn from", show_value=True
    )
    count
    return (count,)


@app.cell
def _(count, digits, low, pictures, start, trained):
    _x, _y = pictures[~low], digits[~low]
    _few, _new = _x[: count.value], _x[400:]
    _answers = {
        "trained on 0 to 4": transfer(trained, _few, _y[: count.value], _new),
        "untrained": transfer(start, _few, _y[: count.value], _new),
        "bare pictures": read(_few.reshape(count.value, -1), _y[: count.value], _new.reshape(len(_new), -1)),
    }
    right = {name: float((found == _y[400:]).mean()) for name, found in _answers.items()}
    plots.value_bars(
        {"right": right}, y="read right", title=f"5 to 9, learned from {count.value} pictures; guessing: 0.2"
    )
    return (right,)


@app.cell
def _(pictures, right, trained):
    assert features(trained, pictures[:3]).shape == (3, 16)
    assert right["trained on 0 to 4"] > max(right["untrained"], right["bare pictures"]) + 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Strokes, corners and bows of 0 to 4 are those of 5 to 9, and the mean over the channels does not ask where they stand. A reader of bare pictures
    has to see each digit at each place. Where the digits always stand in the middle, bare pictures do as well: features pay where
    the raw numbers say little.

    ## Try

    - Skips off: the curve of 20 layers is level at 1.10, as that of one who guesses. On: all three fall.
    - From 10 pictures to 200: the trained features stay far ahead, and the untrained ones before the bare pictures.

    Write it yourself: `groundup learn start residual_block`
    """)
    return


if __name__ == "__main__":
    app.run()
