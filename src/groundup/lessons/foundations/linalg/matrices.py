"""Lesson: what a matrix does to the plane, one product seen five ways, and a neural layer as one product."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A matrix moves space", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.linalg.matrices import (
        area_factor,
        by_blocks,
        by_columns,
        by_entries,
        by_outer_products,
        by_rows,
        frames,
        grid,
        layer,
        layer_as_one_product,
        reflection,
        rotation,
        scaling,
        shear,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A matrix moves space

    A matrix is a table of numbers, and it is also a movement: it takes each point to another one. Nearly all the work of a
    language model is matrices that move lists of numbers. Afterwards you can read a 2 x 2 matrix as a movement, multiply two
    matrices in five ways, and say what a layer of a neural network computes.
    """)
    return


@app.cell
def _():
    _source = np.random.default_rng(0)
    stack = _source.normal(size=(10, 64, 64)) / 8  # ten layers, 64 numbers in and 64 out
    tokens = _source.normal(size=(5, 64))
    deep = tokens
    for _weight in stack:
        deep = layer(deep, _weight)
    collapsed = stack[0]
    for _weight in stack[1:]:
        collapsed = _weight @ collapsed
    gap = np.abs(deep - layer(tokens, collapsed)).max()
    mo.md(
        f"Ten layers, one after the other, have {stack.size:,} weights. A single layer of {collapsed.size:,} weights gives the "
        f"same answers: they differ by **{gap:.0e}**, which is rounding. Nine layers out of ten were for nothing. Why?"
    )
    return collapsed, deep, gap, stack, tokens


@app.cell
def _(collapsed, deep, gap, stack):
    assert gap < 1e-12 < np.abs(deep).max()
    assert stack.size == 10 * collapsed.size
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two arrows tell everything

    Take the smallest matrix that does something, with two rows and two columns. It sends the point $(x, y)$ to

    $$\begin{pmatrix} a & b \\ c & d \end{pmatrix} \begin{pmatrix} x \\ y \end{pmatrix}
    = x \begin{pmatrix} a \\ c \end{pmatrix} + y \begin{pmatrix} b \\ d \end{pmatrix}$$

    So the first column is where $(1, 0)$ goes, the second is where $(0, 1)$ goes, and every other point follows: it is a
    mixture of these two before the movement, and the same mixture after it.
    """)
    return


@app.cell
def _():
    by_hand = np.array([[2.0, 1.0], [0.0, 3.0]])
    assert (by_hand @ [1, 0]).tolist() == [2, 0], "the first column"
    assert (by_hand @ [0, 1]).tolist() == [1, 3], "the second column"
    assert (by_hand @ [4, 5]).tolist() == [4 * 2 + 5 * 1, 4 * 0 + 5 * 3]
    mo.md(
        f"The point (4, 5) goes to {tuple(int(number) for number in by_hand @ [4, 5])}: four first columns and five second ones."
    )
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A moving picture

    Choose a movement and pull the moment from 0 to 1. Straight lines stay straight, parallel ones stay parallel, and 0 stays
    where it is: that is what *linear* means. Watch the two coloured arrows; at moment 1 they are the matrix's columns.
    """)
    return


@app.cell
def _():
    movement = mo.ui.dropdown(
        ["turn", "half turn", "stretch", "shear", "mirror", "flatten"], value="shear", label="movement"
    )
    movement
    return (movement,)


@app.cell
def _():
    moment = mo.ui.slider(0, 1, step=0.1, value=1, label="moment", show_value=True)
    moment
    return (moment,)


@app.cell
def _(moment, movement):
    matrix = {
        "turn": rotation(math.radians(60)),
        "half turn": rotation(math.pi),
        "stretch": scaling(1.5, 0.5),
        "shear": shear(1.0),
        "mirror": reflection(math.radians(45)),
        "flatten": np.array([[1.0, 0.5], [1.0, 0.5]]),
    }[movement.value]
    _number = round(moment.value * 10)
    ends = frames(matrix, np.eye(2), count=11)[_number]
    _lines = frames(matrix, grid(lines=8), count=11)[_number]
    _corners = [[[-4, -3]] * 2, [[4, 3]] * 2]  # invisible: they hold the picture's size
    plots.scatter(
        [[0, 0], ends[0], [0, 0], ends[1]],
        groups=["(1, 0)", "(1, 0)", "(0, 1)", "(0, 1)"],
        joined=True,
        paths=[*_lines, *_corners],
        square=True,
        title=f"{movement.value}, moment {moment.value:.1f}",
    )
    return ends, matrix


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much larger?

    The square between the two arrows had the area 1. Afterwards it has the area $ad - bc$, the **determinant**; below 0
    means that the plane was turned over like a page, and 0 that it was pressed flat and cannot be brought back.
    """)
    return


@app.cell
def _(ends, matrix, movement):
    area = area_factor(matrix)
    here = area_factor(ends.T)
    mo.md(
        f"`{movement.value}`: areas become **{area:.2f}** times as large at the end; at this moment they are {here:.2f} times."
    )
    return area, here


@app.cell
def _(area, ends, here, matrix, moment, movement):
    _names = {"turn": 1, "half turn": 1, "stretch": 0.75, "shear": 1, "mirror": -1, "flatten": 0}
    assert abs(area - _names[movement.value]) < 1e-12
    assert abs(area - np.linalg.det(matrix)) < 1e-12
    assert moment.value < 1 or np.allclose(ends.T, matrix), "at the end the arrows are the columns"
    assert "turn" not in movement.value or abs(here - 1) < 1e-12, "a turn keeps areas at every moment"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A film needs care. Mixing the numbers of the start and the end, half and half, would press a half turn into one point:
    $\frac12 \cdot 1 + \frac12 \cdot (-1) = 0$. The library splits a movement into a turn and a stretch, and lets each grow.
    """)
    return


@app.cell
def _():
    halfway_mixed = 0.5 * np.eye(2) + 0.5 * rotation(math.pi)
    halfway_turned = frames(rotation(math.pi), np.eye(2), count=3)[1].T
    assert abs(area_factor(halfway_mixed)) < 1e-12
    assert np.allclose(halfway_turned, rotation(math.pi / 2)), "half of a half turn is a quarter turn"
    mo.md(
        f"Halfway, areas are {abs(area_factor(halfway_mixed)):.0f} times as large by mixing, and {area_factor(halfway_turned):.0f} by turning."
    )
    return halfway_mixed, halfway_turned


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One movement after the other

    Shear, then turn: the two together are again a movement, and its matrix is the **product**. The first movement stands at
    the right. Its number in row $i$ and column $j$ is the dot product of row $i$ of the left matrix with column $j$ of the
    right one:

    $$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \begin{pmatrix} 5 & 6 \\ 7 & 8 \end{pmatrix}
    = \begin{pmatrix} 1 \cdot 5 + 2 \cdot 7 & 1 \cdot 6 + 2 \cdot 8 \\ 3 \cdot 5 + 4 \cdot 7 & 3 \cdot 6 + 4 \cdot 8 \end{pmatrix}
    = \begin{pmatrix} 19 & 22 \\ 43 & 50 \end{pmatrix}$$

    So the left one must have as many columns as the right one has rows. The product can be computed in five ways, and each
    is a way to think:

    | way | a thought |
    |---|---|
    | entries | row times column, a number at a time |
    | columns | what the left matrix does to each column of the right one |
    | rows | what happens in a layer to each token of a text (a word or a piece of one), a row each |
    | outer products | a sum of multiplication tables, each a column of the left one times a row of the right one |
    | blocks | tile after tile, as fast programs do it |
    """)
    return


@app.cell
def _():
    assert (np.array([[1, 2], [3, 4]]) @ np.array([[5, 6], [7, 8]])).tolist() == [[19, 22], [43, 50]], "as by hand"
    together = rotation(math.pi / 2) @ shear(1.0)
    swapped = shear(1.0) @ rotation(math.pi / 2)
    assert np.allclose(together @ [0, 1], rotation(math.pi / 2) @ (shear(1.0) @ [0, 1]))
    assert not np.allclose(together, swapped), "the order matters: shoes after socks"
    plots.heat_map(
        np.hstack([together, swapped]),
        rows=["x", "y"],
        columns=["shear first: (1, 0)", "(0, 1)", "turn first: (1, 0)", "(0, 1)"],
        text=True,
        title="Two orders, two movements",
    )
    return swapped, together


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    In the left half of the picture the plane is sheared first, in the right half it is turned first: the order matters.
    How a product is computed does not; here are all five ways on larger matrices.
    """)
    return


@app.cell
def _():
    _source = np.random.default_rng(1)
    left, right = _source.normal(size=(30, 40)), _source.normal(size=(40, 20))
    ways = {
        "entries": by_entries(left, right),
        "columns": by_columns(left, right),
        "rows": by_rows(left, right),
        "outer products": by_outer_products(left, right),
        "blocks": by_blocks(left, right, size=16),
    }
    apart = max(np.abs(found - left @ right).max() for found in ways.values())
    assert apart < 1e-12
    mo.md(f"All five give the product that NumPy gives; the largest difference is {apart:.0e}, which is rounding.")
    return apart, left, right, ways


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four words that come again

    - The **transpose** $A^T$ has the rows of $A$ as its columns: `A.T` in code, and also written $A'$ in tasks and messages.
      Of a product the order turns round: $(A B)^T = B^T A^T$.
    - A matrix that is its own transpose is **symmetric**.
    - The **identity** $I$ moves nothing: 1 on the diagonal, 0 elsewhere.
    - The **inverse** $A^{-1}$ moves everything back: $A^{-1} A = I$. A matrix that presses the plane flat has none.
    """)
    return


@app.cell
def _():
    _slanted = np.array([[1.0, 1.0], [0.0, 2.0]])
    _back = np.array([[1.0, -0.5], [0.0, 0.5]])
    assert np.allclose(_back @ _slanted, np.eye(2)) and np.allclose(_back, np.linalg.inv(_slanted)), (
        "moved and moved back"
    )
    assert np.allclose((_slanted @ shear(3.0)).T, shear(3.0).T @ _slanted.T)
    assert np.allclose(scaling(2.0, 3.0), scaling(2.0, 3.0).T), "symmetric"
    undone = rotation(0.3).T @ rotation(0.3)
    assert np.allclose(undone, np.eye(2))
    mo.md(f"A turn is undone by its transpose: together they are {undone.round(12).tolist()}, the identity.")
    return (undone,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A neural layer is one product

    A **neuron** multiplies its inputs by weights, adds them up and adds a number of its own, the bias. A layer is many
    neurons beside each other: one row of the weight matrix each. All tokens go through at once, one row each. The bias needs
    no rule of its own: it is the weight of one more input, which is always 1.
    """)
    return


@app.cell
def _():
    inputs = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])  # three tokens, two numbers each
    weight = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])  # four neurons
    bias = np.array([0.0, 10.0, 0.0, 0.0])
    outputs = layer(inputs, weight, bias)
    assert np.array_equal(outputs[0], [1, 2 + 10, 1 + 2, 1 - 2]), "the first token, by hand"
    assert np.array_equal(outputs, layer_as_one_product(inputs, weight, bias))
    plots.heat_map(
        outputs,
        rows=["token 0", "token 1", "token 2"],
        columns=["first input", "second + 10", "sum", "difference"],
        text=True,
        title="Three tokens through four neurons",
    )
    return bias, inputs, outputs, weight


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Now the ten layers from the beginning are no riddle: one movement after another is one movement, so ten matrices are one.
    What a deep network needs is a bend between the layers, something that is not linear. The simplest sets negative numbers
    to 0 (ReLU). With it no single matrix does the same any more.
    """)
    return


@app.cell
def _(stack, tokens):
    def bent(rows):
        """The ten layers with a bend after each."""
        for one in stack:
            rows = layer(rows, one, activation=lambda numbers: np.maximum(numbers, 0))
        return rows

    straight = np.abs(bent(-tokens) + bent(tokens)).max()
    assert straight > 0.01, "a linear movement of -x is minus that of x; with the bend it is not"
    mo.md(f"With the bend, what comes of $-x$ is no longer minus what comes of $x$: they miss by {straight:.2f}.")
    return bent, straight


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Film `flatten`: all points end on one line. Its area is 0, and no matrix can bring the plane back.
    - Film `mirror` slowly: on the way the plane has to be pressed flat, at moment 0.5. A turn never does that.
    - Multiply `rotation(0.3)` by itself ten times: it is `rotation(3.0)`. Do the same with `shear(1.0)`.

    Next: the numbers that such arrows can reach together, `groundup learn lesson vector_spaces`
    """)
    return


if __name__ == "__main__":
    app.run()
