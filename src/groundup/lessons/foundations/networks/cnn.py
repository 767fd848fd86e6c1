"""Lesson: a convolutional network: the same small filter everywhere, then a coarser look; its filters and maps seen."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One small filter, everywhere", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.autodiff import Tensor
    from groundup.foundations.autograd.functions import conv2d
    from groundup.foundations.networks.cnn import lenet, lenet_layers, make_lenet, max_pool
    from groundup.foundations.networks.mlp import accuracy, fit, frozen, make_mlp, mlp
    from groundup.foundations.networks.representations import probe
    from groundup.foundations.networks.residual import scattered


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One small filter, everywhere

    A picture is a table of numbers, and what is seen on it stays what it is when it moves. A network that has a weight of its own for each place
    must learn everything anew at each place. A **convolution** learns one small filter and lays it everywhere. Afterwards you can compute
    one by hand, read what a trained network's filters look for, and put what they find to use on a task it never saw.
    """)
    return


@app.cell
def _():
    def strokes(kinds, count, seed):
        """Pictures of 8 x 8, each with one shape of 4 x 4 somewhere on it and some noise; and the number of its shape."""
        source = np.random.default_rng(seed)
        labels = source.integers(0, len(kinds), count)
        pictures = scattered(kinds[labels][:, None], 8, source)
        return pictures + 0.2 * source.standard_normal(pictures.shape), labels

    _lying, _rising = np.zeros((4, 4)) + (np.arange(4) == 1)[:, None], np.eye(4)[::-1]  # the second row is 1
    kinds = np.stack([_lying, _lying.T, _rising, _rising[:, ::-1]])
    names = ["lying", "standing", "rising", "falling"]
    x, y = strokes(kinds, 800, seed=0)
    new, new_y = strokes(kinds, 400, seed=1)
    cnn, _ = fit(lenet, make_lenet(4, 8, (4, 8), 16), x, y, steps=120, learning_rate=1e-2)
    right = accuracy(lenet, cnn, new, new_y)
    _flat = fit(mlp, make_mlp([64, 16, 4]), x.reshape(-1, 64), y, steps=120, learning_rate=1e-2)[0]
    by_places = accuracy(mlp, _flat, new.reshape(-1, 64), new_y)
    mo.md(
        f"Strokes that lie, stand, rise or fall, anywhere on a picture. A network with a weight for each place reads {by_places:.0%} of new "
        f"ones. One that lays small filters everywhere, after as many steps: **{right:.0%}**. Its first layer has "
        f"{cnn['conv1.weight'].data.size} weights; the other's has {64 * 16}."
    )
    return by_places, cnn, kinds, names, new, new_y, right, strokes, x, y


@app.cell
def _(by_places, right):
    assert right > 0.93 and right > by_places + 0.03, "filters that are shared learn more from as many pictures"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A filter, by hand

    Lay a filter of 3 x 3 numbers on a place of the picture, multiply each number with the one under it, and add up. That is one number of
    the result, the **feature map**. Move on by one place, and again. This one has a row of 1 between rows of -1/2: what lies flat under it
    gives a large sum, an even grey gives 0.
    """)
    return


@app.cell
def _(kinds):
    flat_filter = np.array([[-0.5, -0.5, -0.5], [1.0, 1.0, 1.0], [-0.5, -0.5, -0.5]])

    def laid(picture, weights):
        """The filter at every place where it fits, in two loops."""
        rows, columns = (size - 2 for size in picture.shape)
        return np.array(
            [[(picture[r : r + 3, c : c + 3] * weights).sum() for c in range(columns)] for r in range(rows)]
        )

    canvas = np.pad(kinds[0], ((1, 1), (0, 5))) + np.pad(kinds[1], ((1, 1), (5, 0)))  # a lying and a standing one
    by_hand = laid(canvas, flat_filter)
    by_library = conv2d(Tensor(canvas[None, None]), Tensor(flat_filter[None, None])).data[0, 0]
    plots.heat_map(by_library, text=True, title="A lying stroke gives 3, a standing one at most 0.5")
    return by_hand, by_library, canvas, flat_filter, laid


@app.cell
def _(by_hand, by_library, canvas, flat_filter, laid):
    assert np.allclose(by_hand, by_library), "conv2d does what the loops do"
    assert by_library[:, :3].max() == 3.0 and by_library[:, 4:].max() <= 0.5
    _moved = laid(np.roll(canvas, 1, axis=0), flat_filter)
    assert np.allclose(_moved[1:], by_hand[:-1]), "a picture moved by one gives the map moved by one"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it learned to look for

    Nobody wrote the filters of the trained network. It has four in its first layer. Choose a stroke: the picture, and the four filters side by side.
    Blue asks for ink at this place, orange for none. Then the four maps, after the relu threw away what is below 0.
    """)
    return


@app.cell
def _():
    stroke = mo.ui.dropdown(["lying", "standing", "rising", "falling"], value="lying", label="stroke")
    stroke
    return (stroke,)


@app.cell
def _(cnn):
    filters = cnn["conv1.weight"].data[:, 0]
    _gap = np.full((3, 1), np.nan)
    plots.heat_map(
        np.concatenate([part for one in filters for part in (one, _gap)][:-1], axis=1),
        columns=[f"filter {place // 4 + 1}" if place % 4 == 1 else "" for place in range(15)],
        rows=[""] * 3,
        title="The four filters of the first layer",
    )
    return (filters,)


@app.cell
def _(cnn, filters, kinds, names, stroke):
    seen = np.pad(kinds[names.index(stroke.value)], 2)  # in the middle, without noise
    _bias = cnn["conv1.bias"].data
    found = np.maximum(conv2d(Tensor(seen[None, None]), Tensor(filters[:, None]), Tensor(_bias), padding=1).data[0], 0)
    _gap = np.full((8, 1), np.nan)
    plots.heat_map(
        np.concatenate([part for one in (seen, *found) for part in (one, _gap)][:-1], axis=1),
        columns=[
            (["picture", "map 1", "map 2", "map 3", "map 4"][place // 9]) if place % 9 == 4 else ""
            for place in range(44)
        ],
        rows=[""] * 8,
        title=f"{stroke.value}: map {int(found.max(axis=(1, 2)).argmax()) + 1} is the brightest",
    )
    return found, seen


@app.cell
def _(cnn, found, names, new, new_y, seen, stroke):
    _layers = lenet_layers(frozen(cnn), Tensor(seen[None, None]))
    assert np.allclose(max_pool(found[None], 2, 2)[0], _layers[1].data), (
        "the maps, pooled, are what the network goes on with"
    )
    assert names[int(_layers[-1].data.argmax())] == stroke.value, "and it reads the stroke right"
    _pooled = lenet_layers(frozen(cnn), Tensor(new))[1].data.max(axis=(2, 3))
    brightest = np.array([_pooled[new_y == kind].mean(axis=0) for kind in range(4)])
    plots.heat_map(
        brightest,
        rows=names,
        columns=[f"map {one}" for one in range(1, 5)],
        text=True,
        title="The brightest place of each map, on average",
    )
    return (brightest,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    No filter need be the word for one stroke. What tells strokes apart is the row of all four: look whether any two rows of the table are
    alike. The second layer's filters look at all four maps together.

    ## A coarser look: pooling

    **Max-pooling** keeps the largest number of each window and forgets where in it that was. The picture becomes smaller, and a small shift makes
    little difference. Move a lying stroke down by one, two, three places; the window is 1 (no pooling), 2 or 4.
    """)
    return


@app.cell
def _():
    window = mo.ui.radio(["1", "2", "4"], value="2", label="window")
    window
    return (window,)


@app.cell
def _(kinds, window):
    def pooled(picture, size):
        """The largest number of each window of size x size, side by side."""
        return max_pool(picture[None, None], size, size)[0][0, 0]

    _by_hand, _places = max_pool(np.array([[[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 9.0, 1.0]]]]), 2, 2)
    assert _by_hand.ravel().tolist() == [5, 9] and _places.ravel().tolist() == [1, 6], "the largest, and where it stood"
    _size, _still = int(window.value), np.zeros((8, 8)) + np.pad(kinds[0], ((0, 4), (0, 4)))
    apart = {
        str(shift): float(np.abs(pooled(np.roll(_still, shift, axis=0), _size) - pooled(_still, _size)).sum())
        for shift in range(4)
    }
    plots.value_bars(
        {"difference": apart},
        x="moved down by",
        y="sum of the differences",
        title=f"A window of {_size}: {(8 // _size) ** 2} numbers are left of 64",
    )
    return apart, pooled


@app.cell
def _(apart, window):
    assert apart["0"] == 0
    assert window.value != "1" or min(apart["1"], apart["2"], apart["3"]) == 8, "4 places go dark, 4 others light up"
    assert window.value != "4" or apart["1"] == apart["2"] == 0, "within its window the stroke has not moved"
    mo.md(f"The sums are {', '.join(f'{value:g}' for value in apart.values())}.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Put to use on something else

    The network knows four strokes. Now show it shapes that it never saw: a corner, a disc, a square, stairs. Take what leaves its second layer, never
    train it again, and learn from a few pictures only a plain linear reader on top. How many does it take? Beside it the same reader on the bare
    numbers of the picture, and on a network whose filters are still random.
    """)
    return


@app.cell
def _(cnn, strokes):
    _drawn = "1000100010001111 0110111111110110 1111100110011111 1100011001100011".replace(" ", "")
    shapes = np.array([float(one) for one in _drawn]).reshape(4, 4, 4)
    _x, _y = strokes(shapes, 600, seed=2)

    def _read_off(parameters):
        """What leaves the second pooling, as rows."""
        return lenet_layers(frozen(parameters), Tensor(_x))[2].data.reshape(len(_x), -1)

    _rows = {
        "trained on strokes": _read_off(cnn),
        "random filters": _read_off(make_lenet(4, 8, (4, 8), 16)),
        "bare picture": _x.reshape(-1, 64),
    }
    few = [8, 16, 32, 64, 128, 256]
    transferred = {
        name: [probe(rows[:count], _y[:count], rows[300:], _y[300:]) for count in few] for name, rows in _rows.items()
    }
    plots.lines(
        few, transferred, x="pictures to learn from", y="read right", log_x=True, marked=True, title="Four new shapes"
    )
    return few, shapes, transferred


@app.cell
def _(few, transferred):
    _means = {name: float(np.mean(found)) for name, found in transferred.items()}
    mo.md(
        ", ".join(f"{name}: {share:.0%}" for name, share in _means.items())
        + f", on average over {few[0]} to {few[-1]} pictures."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose each stroke in turn: the maps that light up change, and so do their places.
    - Window 4: a stroke moved by one or two gives the same result, by three another, since it has crossed a border. Window 1: every
      shift counts in full.
    - In `strokes` put each shape in the middle (`np.pad(shapes, ((0, 0), (0, 0), (2, 2), (2, 2)))` in place of `scattered`): where it always stands there,
      the network without filters does as well.

    Write it yourself: `groundup learn start max_pool`
    """)
    return


if __name__ == "__main__":
    app.run()
