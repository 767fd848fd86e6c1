"""Lesson: a decision tree: one question after another, each the one that sorts best, and when to stop asking."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Decision trees: which question first?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.learning.supervised.tree import best_split, decision_tree, entropy_impurity, gini


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Decision trees: which question first?

    A tree asks one simple question after another until it knows the answer, and one can read off why. Afterwards you can measure how
    mixed a group is, find the best question by hand, grow a tree and say when it should have stopped growing.
    """)
    return


@app.cell
def _():
    questions = 20
    things = 2**questions
    mo.md(
        f"Twenty questions with yes or no, each of which halves what is left, tell **{things:,}** things apart. "
        "Everything hangs on asking the ones that halve."
    )
    return questions, things


@app.cell
def _(questions, things):
    assert entropy_impurity(np.ones(things)) == questions, "bits: the number of good questions that are needed"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How mixed is a group?

    Draw two members at random, with putting back. The chance that they are of different kinds is the **Gini impurity**,
    $1 - \sum p^2$. All of one kind: 0. Five and five: $1 - (0.25 + 0.25) = 0.5$, the most for two kinds. The **entropy** of the same
    shares, in bits, has the same shape; either will do.
    """)
    return


@app.cell
def _():
    shares = np.linspace(0, 1, 101)
    _counts = np.column_stack([shares, 1 - shares])
    mixed = {"Gini, doubled": 2 * gini(_counts), "entropy in bits": entropy_impurity(_counts)}
    assert gini([5, 5]) == 0.5
    assert gini([10, 0]) == 0
    assert mixed["Gini, doubled"].argmax() == mixed["entropy in bits"].argmax() == 50
    plots.lines(shares, mixed, x="share of the first kind", y="impurity", title="Two ways to say how mixed")
    return mixed, shares


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The best question, by hand

    Six animals: a wren, a goose, a newt, a cat, a sheep and a cow. Is it a bird? We know the legs (2, 2, 4, 4, 4, 4) and the
    weights in kilograms. A question is "is this number at most t?", and only the places between two different values are worth
    trying. Before any question there are 2 birds among 6: $1 - (1/9 + 4/9) = 4/9$. "Legs at most 3?" leaves two pure halves, so the
    impurity falls by all of $4/9$. "At most half a kilogram?" puts wren and newt in one half, the goose and three others in the other.
    """)
    return


@app.cell
def _():
    legs = np.array([2.0, 2, 4, 4, 4, 4])
    kilograms = np.array([0.02, 5.0, 0.1, 4.0, 30.0, 600.0])
    is_bird = np.array([1, 1, 0, 0, 0, 0])
    by_legs = best_split(legs[:, None], is_bird)
    _weight_gain = gini([4, 2]) - (2 * gini([1, 1]) + 4 * gini([3, 1])) / 6
    assert by_legs.threshold == 3
    assert abs(by_legs.gain - 4 / 9) < 1e-9
    assert _weight_gain < by_legs.gain
    assert best_split(np.column_stack([kilograms, legs]), is_bird).feature == 1, "of both features legs is chosen"
    mo.md(
        f"Gain by legs at most {by_legs.threshold:g}: **{by_legs.gain:.3f}**. Gain by weight at most 0.5: {_weight_gain:.3f}."
    )
    return by_legs, is_bird, kilograms, legs


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Grow it

    After the first question each half is a smaller problem of the same kind: ask the best question there, and so on. Here are 300
    points in a square; those inside a tilted band belong to one class, and 20 of every 100 labels are wrong. A tree can only cut
    straight along the axes, so it builds a staircase. Let it ask more questions in a row.
    """)
    return


@app.cell
def _():
    def band(count, seed):
        """Points of a square, whether they lie in a tilted band, and labels of which 20% are wrong."""
        generator = np.random.default_rng(seed)
        points = generator.uniform(-1, 1, (count, 2))
        truth = np.abs(points[:, 0] + 0.6 * points[:, 1]) < 0.5
        return points, np.where(generator.random(count) < 0.2, ~truth, truth), truth

    points, labels, _ = band(300, 0)
    new_points, _, new_truth = band(2000, 1)
    return band, labels, new_points, new_truth, points


@app.cell
def _():
    depth = mo.ui.slider(1, 12, value=2, label="questions in a row, at most", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth, labels, points):
    tree = decision_tree(points, labels, max_depth=depth.value)
    _side = np.linspace(-1, 1, 61)
    _grid = np.stack(np.meshgrid(_side, _side), axis=-1).reshape(-1, 2)
    _left, _right = np.array([[0.1, -1], [-1, 5 / 6]]), np.array([[1, -5 / 6], [-0.1, 1]])
    plots.contour_map(
        _side,
        _side,
        tree.probabilities(_grid)[:, 1].reshape(61, 61),
        paths={"true border, left": _left, "true border, right": _right},
        title=f"Share of the class in each leaf: {tree.leaves} leaves",
    )
    return (tree,)


@app.cell
def _(depth, labels, new_points, new_truth, points, tree):
    own = float((tree.predict(points) == labels).mean())
    new = float((tree.predict(new_points) == new_truth).mean())
    assert tree.depth <= depth.value
    assert tree.leaves <= 2**depth.value
    assert own >= max(labels.mean(), 1 - labels.mean())
    mo.md(
        f"Right on **{own:.1%}** of the examples it grew from, labels wrong or not, and on **{new:.1%}** of new places. "
        f"Its first question: feature {tree.split.feature} at most {tree.split.threshold:.2f}."
    )
    return new, own


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When to stop

    Each further question fits the examples better, to the last wrong label. On new places it helps only for a while. Holding a tree back
    by depth, or by how few examples a leaf may have, is the same trade that every model makes.
    """)
    return


@app.cell
def _(labels, new_points, new_truth, points):
    depths = list(range(1, 15))
    _grown = [decision_tree(points, labels, max_depth=one) for one in depths]
    on_own = [float((one.predict(points) == labels).mean()) for one in _grown]
    on_new = [float((one.predict(new_points) == new_truth).mean()) for one in _grown]
    _careful = decision_tree(points, labels, min_leaf=10)
    careful = float((_careful.predict(new_points) == new_truth).mean())
    assert (np.diff(on_own) >= 0).all(), "never worse on its own examples"
    assert on_own[-1] > 0.99
    assert max(on_new) > on_new[-1] + 0.03, "the deepest is not the best"
    assert careful > on_new[-1], "leaves of ten or more repeat fewer wrong labels"
    plots.lines(
        depths, {"its own examples": on_own, "new places": on_new}, levels={"leaves of 10 or more": careful},
        x="questions in a row, at most", y="share right", marked=True, title="Too many questions",
    )  # fmt: skip
    return careful, depths, on_new, on_own


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where greed fails

    The tree takes the best question now, without looking ahead. Four points are enough to show the price: the class is *one of two
    switches is on, not both*. Either question alone leaves both halves as mixed as before, so each gains 0. Only two together sort.
    """)
    return


@app.cell
def _():
    _switches = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    _either = np.array([0, 1, 1, 0])
    first = best_split(_switches, _either)
    whole = decision_tree(_switches, _either)
    assert first.gain == 0
    assert (whole.predict(_switches) == _either).all()
    _below = f"2 off? gain {whole.left.split.gain:g}"
    _boxes = {"top": f"1 off? gain {first.gain:g}", "left": _below, "right": _below}
    _leaves = {"ll": "no", "lr": "yes", "rl": "yes", "rr": "no"}
    plots.flow_chart(
        _boxes | _leaves,
        [("top", "left", "yes"), ("top", "right", "no"), ("left", "ll", "yes"), ("left", "lr", "no"), ("right", "rl", "yes"), ("right", "rr", "no")],
        down=True, title="Two questions, of which the first seems useless",
    )  # fmt: skip
    return first, whole


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Depth 2 shows two or three plain stripes; depth 12 has a small box of its own for many a wrong label.
    - `print(tree.rules(["across", "up"]))` writes the tree out as nested questions.
    - Give `decision_tree` `impurity=entropy_impurity`: other questions here and there, and about the same result.

    Write it yourself: `groundup learn start best_split`
    """)
    return


if __name__ == "__main__":
    app.run()
