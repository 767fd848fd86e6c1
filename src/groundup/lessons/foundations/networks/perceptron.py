"""Lesson: the perceptron, one neuron that learns from its mistakes; a bound on how many; XOR, which it cannot learn."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One neuron: what it learns and what it cannot", width="medium")

with app.setup:
    from itertools import product

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.networks.perceptron import (
        AND,
        CORNERS,
        OR,
        XOR,
        answer,
        learn,
        mistake_bound,
        perceptron_step,
        xor_by_two_layers,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One neuron: what it learns and what it cannot

    A neuron weighs what it is told, adds it up and answers yes or no. Every network is made of such sums. Afterwards
    you know the rule by which one neuron learns, why it must come to an end, and the smallest question that no single
    neuron can answer.
    """)
    return


@app.cell
def _():
    def learnable(questions):
        """How many of the possible tables of yes and no one neuron learns, and how many there are."""
        corners = np.array(list(product([0.0, 1.0], repeat=questions)))
        tables = list(product([-1.0, 1.0], repeat=len(corners)))
        return sum(learn(corners, table, 200).separated for table in tables), len(tables)

    two, three = learnable(2), learnable(3)
    mo.md(
        f"Ask two things that are true or false. From the four cases one can make {two[1]} tables of answers, and one "
        f"neuron learns **{two[0]}** of them. With three things there are {three[1]} tables and it "
        f"learns **{three[0]}**. Which two of the sixteen are missing, and why?"
    )
    return learnable, three, two


@app.cell
def _(three, two):
    assert two == (14, 16), "all but two of the sixteen are learned"
    assert three == (104, 256), "the share falls quickly"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A neuron by hand

    Two inputs, each 0 or 1. The neuron has a **weight** for each, and one number more, the **bias**, which it always
    adds. If the sum is above 0 it says yes, written 1; otherwise no, written -1. For "both are true" take the weights 1
    and 1 and the bias -1.5: only 1 + 1 - 1.5 is above 0.

    The bias is the weight of an input that is always 1. With that 1 put at the end of every example,
    $x = (x_1, x_2, 1)$, the sum is one dot product, $w \cdot x$.
    """)
    return


@app.cell
def _():
    by_hand = np.array([1.0, 1.0, -1.5])
    sums = CORNERS @ by_hand[:2] + by_hand[2]
    said = answer(by_hand, CORNERS)
    mo.md(
        "| first | second | sum | says |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {one:g} | {other:g} | {total:g} | {'yes' if word > 0 else 'no'} |"
            for (one, other), total, word in zip(CORNERS, sums, said, strict=True)
        )
    )
    return by_hand, said, sums


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rule

    The weights can be found from examples alone. Look at one; if the answer is right, do nothing. If it should have
    been yes, add the example to the weights; if no, subtract it. With $t$ for what is right, 1 or -1:

    $$\text{if } t \, (w \cdot x) \le 0: \qquad w \leftarrow w + t \, x$$

    Adding $x$ raises the sum for $x$ by $x \cdot x$, at least the 1 at its end: this example is less wrong than before.
    A sum of exactly 0 counts as a mistake; weights of 0 would otherwise never move.
    """)
    return


@app.cell
def _(said):
    assert said.tolist() == AND.tolist()
    example = np.array([1.0, 0.0, 1.0])
    moved = perceptron_step(np.array([0.0, 0.0, 0.0]), example, -1.0)
    again = perceptron_step(moved, example, -1.0)
    assert moved.tolist() == [-1.0, 0.0, -1.0], "a sum of 0 is wrong: the example is subtracted"
    assert again.tolist() == moved.tolist(), "now its sum is -2, and what is right teaches nothing"
    mo.md(f"From weights of 0, the example (1, 0) that should be no: {moved.tolist()}. Seen again: {again.tolist()}.")
    return again, example, moved


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Watch it learn

    Where the sum is 0 there is a line: on one side the neuron says yes, on the other no. Each mistake moves it. Choose
    what is to be learned, and how many examples have been seen. They come in the order (0, 0), (0, 1), (1, 0), (1, 1),
    again and again.
    """)
    return


@app.cell
def _():
    wanted = mo.ui.dropdown(["both (AND)", "at least one (OR)", "exactly one (XOR)"], value="both (AND)", label="learn")
    wanted
    return (wanted,)


@app.cell
def _():
    seen = mo.ui.slider(0, 36, value=18, label="examples seen", show_value=True)
    seen
    return (seen,)


@app.cell
def _():
    def line(weights, low=-0.5, high=1.5):
        """Points of the line w . x = 0 within a square."""
        normal = weights[:2]
        if not normal.any():
            return []
        foot = np.full(2, 0.5) - normal * (normal.sum() / 2 + weights[2]) / (normal @ normal)
        points = foot + np.linspace(-3, 3, 3001)[:, None] * np.array([-normal[1], normal[0]]) / np.linalg.norm(normal)
        inside = points[((points >= low) & (points <= high)).all(axis=1)]
        return [inside] if len(inside) else []

    return (line,)


@app.cell
def _(line, seen, wanted):
    targets = {"both (AND)": AND, "at least one (OR)": OR, "exactly one (XOR)": XOR}[wanted.value]
    weights = np.zeros(3)
    for _number in range(seen.value):
        _place = _number % 4
        weights = perceptron_step(weights, np.array([*CORNERS[_place], 1.0]), targets[_place])
    right = answer(weights, CORNERS) == targets

    _frame = np.array([[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5], [-0.5, -0.5]])
    plots.scatter(
        CORNERS,
        labels=["right" if one else "wrong" for one in right],
        groups=["should be yes" if one > 0 else "should be no" for one in targets],
        paths=[_frame, *line(weights)],
        x="first",
        y="second",
        square=True,
        title=f"{right.sum()} of 4 right",
    )
    return right, targets, weights


@app.cell
def _(right, seen, wanted, weights):
    assert (weights == np.round(weights)).all(), "whole examples were added: the weights are whole numbers"
    assert wanted.value != "exactly one (XOR)" or right.sum() <= 3, "no line has all four corners of XOR right"
    assert seen.value < 36 or right.all() or wanted.value == "exactly one (XOR)", "the others are learned by then"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why XOR has no line

    "Exactly one of them" is true at (0, 1) and (1, 0), false at (0, 0) and (1, 1). Look at the middle, (½, ½). It lies
    halfway between the two corners that should be yes, so its sum is the mean of theirs: above 0. It also lies halfway
    between the two that should be no, so its sum is not above 0. No weights do both.

    The rule does not know that, and goes on for ever. This can be proved from one run: in whole numbers it comes back
    to weights that it had before, and from there everything repeats.
    """)
    return


@app.cell
def _():
    runs = {name: learn(CORNERS, targets, 100) for name, targets in (("AND", AND), ("OR", OR), ("XOR", XOR))}
    _passes = range(1, 11)
    plots.lines(
        _passes,
        {
            name: [
                run.mistakes[min(number, len(run.mistakes)) - 1] for number in _passes
            ]  # what ended stays, what circles too
            for name, run in runs.items()
        },
        x="pass over the four examples",
        y="mistakes",
        marked=True,
        title="Mistakes in each pass",
    )
    return (runs,)


@app.cell
def _(runs):
    assert runs["AND"].separated and runs["OR"].separated
    assert runs["XOR"].cycle == 1 and not runs["XOR"].separated, (
        "after each pass the weights are what they were before it"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A promise: so many mistakes and no more

    If some plane separates the examples, the rule ends. More than that: let $g$ be the distance of the nearest example
    from such a plane (the **margin**) and $R$ the length of the longest example. Then there are at most $(R/g)^2$
    mistakes, in any order, for any number of examples. Each mistake pushes $w$ along the plane's direction by at least
    $g$, so after $m$ mistakes it is at least $m g$ long. But a mistake adds an $x$ that does not agree with $w$, so
    $|w|^2$ grows by at most $R^2$. Hence

    $$m g \le |w| \le R \sqrt{m} \quad\Rightarrow\quad m \le (R / g)^2$$

    The number of features is not in it. Below, 300 examples of length 1, all at the same distance from a hidden plane,
    in a space of 2 up to 500 features.
    """)
    return


@app.cell
def _():
    gap = mo.ui.slider(steps=[0.05, 0.1, 0.2, 0.3, 0.5], value=0.1, label="margin", show_value=True)
    gap
    return (gap,)


@app.cell
def _(gap):
    def apart(features, margin):
        """300 examples of length 1, `margin` from the plane through 0 across the first feature."""
        points = np.random.default_rng(features).standard_normal((300, features))
        sides = np.where(np.arange(300) % 2, 1.0, -1.0)
        points[:, 0] = 0
        points *= np.sqrt(1 - margin**2) / np.linalg.norm(points, axis=1, keepdims=True)
        points[:, 0] = margin * sides
        return points, sides

    features = [2, 5, 10, 20, 50, 100, 200, 500]
    mistakes = [sum(learn(*apart(count, gap.value), 1000).mistakes) for count in features]
    bound = mistake_bound([1.0, 0.0, 0.0], *apart(2, gap.value))
    plots.lines(
        features,
        {"made": mistakes},
        levels={"at most": bound},
        x="features",
        y="mistakes until all is learned",
        log_x=True,
        marked=True,
        title=f"Margin {gap.value:g}",
    )
    return apart, bound, features, mistakes


@app.cell
def _(apart, bound, features, gap, mistakes):
    assert abs(bound - 2 / gap.value**2) < 1e-6, "R is the root of 2: the example's length 1, and the 1 for the bias"
    assert max(mistakes) <= bound, "the promise holds"
    assert all(learn(*apart(count, gap.value), 1000).separated for count in features)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two layers

    "Exactly one" is "at least one, and not both". Each half is a neuron: at least one has the weights 1, 1 and the bias
    -½, not both has -1, -1 and 1½. A third neuron looks at their answers and wants both. In the picture the corners
    stand where these two answers put them. The two that should be yes have come together, and now one line is enough.
    """)
    return


@app.cell
def _(line):
    hidden = np.column_stack([answer([1.0, 1.0, -0.5], CORNERS), answer([-1.0, -1.0, 1.5], CORNERS)])
    _places, _first = np.unique(hidden, axis=0, return_index=True)
    _names = ["(0, 0)", "(0, 1) and (1, 0)", "(0, 1) and (1, 0)", "(1, 1)"]
    _frame = np.array([[-1.6, -1.6], [1.6, -1.6], [1.6, 1.6], [-1.6, 1.6], [-1.6, -1.6]])
    plots.scatter(
        _places,
        labels=[_names[number] for number in _first],
        groups=["should be yes" if XOR[number] > 0 else "should be no" for number in _first],
        paths=[_frame, *line(np.array([1.0, 1.0, -1.0]), -1.6, 1.6)],
        x="at least one",
        y="not both",
        square=True,
        title="XOR behind one hidden layer",
    )
    return (hidden,)


@app.cell
def _(hidden):
    assert xor_by_two_layers(CORNERS).tolist() == XOR.tolist(), "two layers compute XOR"
    assert learn(hidden, XOR).separated, "behind the first layer, the perceptron's own rule learns the rest"
    assert hidden[1].tolist() == hidden[2].tolist() == [1.0, 1.0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The weights of the first layer were written by hand. The perceptron's rule cannot find them, because nobody says
    what a hidden neuron should have answered. That needs a derivative, and so a softer neuron: the lesson on the
    multilayer perceptron.

    ## Try

    - Learn AND and move the examples from 0 to 36: the line turns and shifts; after the 30th it is right and rests.
    - Learn XOR: there is always a corner on the wrong side, and after every fourth example the weights are 0 and there
      is no line.
    - Margin 0.05, then 0.1: twice the margin, a quarter of the bound. 500 features are no harder than 5.

    Write it yourself: `groundup learn start perceptron_step`
    """)
    return


if __name__ == "__main__":
    app.run()
