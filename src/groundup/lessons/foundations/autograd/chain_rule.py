"""Lesson: the chain rule on a graph that is drawn, a gradient as a sum over paths, and the one walk back that sums them."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The chain rule: a formula walked backwards", width="medium")

with app.setup:
    from operator import attrgetter

    import marimo as mo

    from groundup import plots
    from groundup.foundations.autograd.chain_rule import (
        count_paths,
        drawing,
        forward_derivative,
        paths,
        table,
        topological_order,
        variables,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The chain rule: a formula walked backwards

    A formula is a chain of small steps, and how fast each small step moves is easy to say. The chain rule puts these
    answers together into the derivative of the whole. Afterwards you can do it on paper for any formula, and you know the
    idea that made training of large networks possible: the order in which to do it.
    """)
    return


@app.cell
def _():
    (_x,) = variables(x=1.0)
    _y = _x
    for _ in range(40):
        _y = _y + _y
    _y.backward()
    ways, nodes, slope = count_paths(_y, _x), len(topological_order(_y, attrgetter("parents"))), _x.gradient
    mo.md(
        f"Double a number 40 times by adding it to itself. From the result back to the number lead **{ways:,}** paths, and "
        f"its derivative is the sum over all of them. It was just computed, in {nodes} steps. How?"
    )
    return nodes, slope, ways


@app.cell
def _(nodes, slope, ways):
    assert ways == 2**40 and nodes == 41, "every node is in the order once"
    assert slope == 2.0**40, "exactly what doubling 40 times does to a push"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Gears

    If a gear turns twice as fast as the one before, and the next three times as fast as that, the last turns $2 \cdot 3 = 6$
    times as fast as the first. Rates along a chain **multiply**. Here is $(2x + 1)^2$ at $x = 1$, step by step. In orange, at
    each arrow, stands the **local derivative**: how fast the box moves when the one before does. Doubling has 2, adding 1 has
    1, and the square of 3 has $2 \cdot 3 = 6$.
    """)
    return


@app.cell
def _():
    (_x,) = variables(x=1.0)
    chain = (2 * _x + 1) ** 2
    chain.backward()
    plots.flow_chart(*drawing(chain), title="(2x + 1)² at x = 1").update_layout(height=400)
    return (chain,)


@app.cell
def _(chain):
    _known = {row["node"]: row["gradient"] for row in table(chain)}
    assert chain.value == 9 and _known["x"] == 2 * 1 * 6 == 12
    assert (_known["^2"], _known["+"], _known["*"]) == (1, 6, 6), (
        "from the right: 1, times 6, times 1, and at last times 2"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The line `gradient` in each box was filled in from the right. The result moves 1 to 1 with itself. Each box before it
    takes the gradient of the box after, times the local derivative at the arrow between. The constants get a gradient too;
    nobody will use it.

    ## A neuron

    A neuron multiplies its input $x$ by a weight $w$, adds a bias $b$, and bends the sum with $\tanh$, which keeps it between
    -1 and 1. Here it should say 1, and the loss is the square of what is missing. Which way should $w$ go? Move it and watch
    the gradient in its box: far out, $\tanh$ is flat, its local derivative is nearly 0, and nothing gets through.
    """)
    return


@app.cell
def _():
    weight = mo.ui.slider(-3.0, 3.0, step=0.5, value=-0.5, label="weight w", show_value=True)
    weight
    return (weight,)


@app.cell
def _(weight):
    def neuron(at):
        """The graph of a neuron's loss, and its weight and bias."""
        w, x, b = variables(w=at, x=1.5, b=0.5)
        return ((w * x + b).tanh() - 1) ** 2, w, b

    loss, w, b = neuron(weight.value)
    loss.backward()
    _said = f"The loss is {loss.value:.3g}; its derivative by w is {w.gradient:.3g}"
    plots.flow_chart(*drawing(loss), title=_said).update_layout(height=480)
    return b, loss, neuron, w


@app.cell
def _(b, loss, neuron, w, weight):
    _ahead, _behind = neuron(weight.value + 1e-5)[0].value, neuron(weight.value - 1e-5)[0].value
    assert abs(w.gradient - (_ahead - _behind) / 2e-5) < 1e-6, "the measured slope, at every place of the slider"
    assert w.gradient <= 0 and abs(w.gradient - 1.5 * b.gradient) < 1e-12, "to say 1, the weight must grow"
    assert loss.value >= 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The same walk as a list, in its order, from the result to the inputs. Each box comes after everything that used it.
    """)
    return


@app.cell
def _(loss):
    _rows = [f"| {row['node']} | {row['value']:.3f} | {row['gradient']:.3f} |" for row in table(loss)]
    mo.md("| box | value | gradient |\n|---|---|---|\n" + "\n".join(_rows))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where ways part, they are added

    What if a number is used twice? A push on $x$ then reaches the result by two ways, and both pushes arrive: they **add**.
    So the derivative is: for each path from the result back to $x$, multiply the local derivatives along it; then sum over
    the paths. Below, $z = e^x + x \cdot y$ with $x = 2$ and $y = 3$.
    """)
    return


@app.cell
def _():
    _x, _y = variables(x=2.0, y=3.0)
    parted = _x.exp() + _x * _y
    parted.backward()
    products = [product for _, product in paths(parted, _x)]
    total = _x.gradient
    _rows = [
        f"| {' ← '.join(node.name or node.operation for node in path)} | {p:.3f} |" for path, p in paths(parted, _x)
    ]
    mo.md(
        "| path | product |\n|---|---|\n"
        + "\n".join(_rows)
        + f"\n\nTogether {sum(products):.3f}, and `backward` says {total:.3f}."
    )
    return parted, products, total


@app.cell
def _(parted):
    plots.flow_chart(*drawing(parted), title="x is used twice: its gradient has two parts")
    return


@app.cell
def _(products, total):
    assert abs(sum(products) - total) < 1e-12, "backward gives the sum over paths"
    assert len(products) == 2 and 3.0 in products, "by the product: y = 3; by the exponential: e² = 7.389"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One walk instead of all paths

    Each place where ways part and meet again doubles the number of paths. Nobody can list those of a network. The walk back
    needs not to: a box first collects what all its users send, then passes the **sum** on, once. Each arrow is walked once.
    """)
    return


@app.cell
def _():
    depths = list(range(1, 31))
    listed, walked = [], []
    for _depth in depths:
        (_x,) = variables(x=1.0)
        _y = _x
        for _ in range(_depth):
            _y = _y + _y
        listed.append(count_paths(_y, _x))
        walked.append(sum(len(node.parents) for node in topological_order(_y, attrgetter("parents"))))
    plots.lines(
        depths,
        {"paths": listed, "arrows, walked once each": walked},
        x="doublings",
        y="how many",
        log_y=True,
        title="The sum over paths, and the walk that gives the same sum",
    )
    return depths, listed, walked


@app.cell
def _(depths, listed, walked):
    assert listed == [2**depth for depth in depths]
    assert walked == [2 * depth for depth in depths]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The order is everything

    "First collects from all its users": a box that passes its sum on too early passes on too little. In $a + 3a$ with
    $a = x^2$ at $x = 2$, the box $a$ has two users. Below, the same sums in two orders: as near to the result as possible
    first, and with every user before the box it used. `topological_order` finds the second.
    """)
    return


@app.cell
def _():
    (_x,) = variables(x=2.0)
    _a = _x**2
    _tripled = _a * 3
    _result = _a + _tripled

    def by_order(order):
        """The gradient of x when the boxes pass their sums on in this order."""
        sums = dict.fromkeys(topological_order(_result, attrgetter("parents")), 0.0) | {_result: 1.0}
        for node in order:
            for parent, local in zip(node.parents, node.locals, strict=True):
                sums[parent] += local * sums[node]
        return sums[_x]

    nearest = by_order([_result, _a, _tripled, _x])
    right = by_order(reversed(topological_order(_result, attrgetter("parents"))))
    mo.md(
        f"The nearest first: {nearest:g}. Users first: **{right:g}**. The formula is $4x^2$, whose derivative $8x$ is 16."
    )
    return by_order, nearest, right


@app.cell
def _(nearest, right):
    assert right == 16, "the order of topological_order gives the derivative"
    assert nearest == 4, "a passed on its 1 before the 3 by the other way had arrived"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Forwards or backwards

    The products can also be built from the input on: `forward_derivative` pushes one input and follows the push through. It
    gives the derivative of everything by **one** input. The walk back gives the derivative of **one** result by every input.
    A network has millions of inputs to ask about, its weights, and one result, the loss. So one walks back.
    """)
    return


@app.cell
def _():
    _inputs = variables(a=0.5, b=-1.0, c=2.0, d=0.25)
    _result = sum(((one * other).tanh() for one in _inputs for other in _inputs if one is not other), 0.0)
    _result.backward()
    backwards = {one.name: one.gradient for one in _inputs}  # one walk
    forwards = {one.name: forward_derivative(_result, one) for one in _inputs}  # one walk for each input
    plots.value_bars(
        {"one walk back": backwards, "four walks forward": forwards}, y="derivative", title="The same derivatives"
    )
    return backwards, forwards


@app.cell
def _(backwards, forwards):
    assert all(abs(backwards[name] - forwards[name]) < 1e-12 for name in backwards), (
        "forwards and backwards give the same"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the weight to 0.5: the neuron says nearly 1 and the gradient is small, as it should be. To -3: the gradient is
      small as well, although the answer could not be more wrong. That is a saturated neuron, and it learns nothing.
    - Do the gradients of the neuron on paper for $w = 0$, from right to left, and compare with the boxes.
    - Write `x * x * x` in place of the second formula: three paths, each with the product $x^2$.

    Write it yourself: `groundup learn start topological_order`
    """)
    return


if __name__ == "__main__":
    app.run()
