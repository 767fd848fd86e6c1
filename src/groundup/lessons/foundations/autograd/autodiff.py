"""Lesson: reverse-mode automatic differentiation on arrays: what is repeated forward is summed backward."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Autodiff: the program that differentiates itself", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.errors import InputError
    from groundup.foundations.autograd.autodiff import Tensor, matmul_backward, no_gradients, unbroadcast
    from groundup.foundations.autograd.derivatives import gradient, partial_derivative
    from groundup.foundations.autograd.functions import softmax, softmax_backward


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Autodiff: the program that differentiates itself

    You write down how a number is computed, as you would anyway, and ask for its derivative by everything that went in. Each
    operation noted what it did; a walk back over these notes gives the answer. This is what PyTorch and JAX are built
    around. Afterwards you know the three rules that do nearly all the work: for sums, for products, for repetition.
    """)
    return


@app.cell
def _():
    _random = np.random.default_rng(0)
    _x, _weights = _random.normal(size=(5, 200)), _random.normal(size=(200, 300)) / 10

    def program(weights):
        """One number from 60,000."""
        return float(np.tanh(_x @ weights).sum())

    _tensor = Tensor(_weights, requires_grad=True)
    (_x @ _tensor).tanh().sum().backward()
    derived = _tensor.grad
    measured = {place: partial_derivative(program, _weights, place) for place in [(0, 0), (100, 7), (199, 299)]}
    mo.md(
        f"A number is computed from {derived.size:,} others. To measure how each of them matters, the program must run "
        f"**{2 * derived.size:,}** times. One walk back over its notes gives them all, at the price of about two more runs."
    )
    return derived, measured, program


@app.cell
def _(derived, measured):
    assert derived.shape == (200, 300), "one derivative for each number"
    assert all(abs(derived[place] - value) < 1e-5 for place, value in measured.items()), "three of them, measured"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## An array that remembers

    A `Tensor` is an array that knows how it was made. Below, three numbers are squared and summed. The sum moves as each
    square does: 1 for 1. A square moves $2x$ times as fast as its $x$. So the gradient is $2x$, one number for each.
    """)
    return


@app.cell
def _():
    _x = Tensor([1.0, 2.0, -3.0], requires_grad=True)
    _squares = _x * _x
    _total = _squares.sum()
    _total.backward()
    doubled = _x.grad
    notes = [(one.operation, one.shape) for one in (_squares, _total)]
    mo.md(
        f"The notes: {notes}. The sum is {_total.item():g}, and its gradient by the three numbers is **{doubled.tolist()}**."
    )
    return doubled, notes


@app.cell
def _(doubled, notes):
    assert doubled.tolist() == [2.0, 4.0, -6.0], "the derivative of a sum of squares is 2x"
    assert notes == [("*", (3,)), ("sum", ())], "x stands on both sides of the product: both parts were added"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is repeated is summed

    NumPy lets a matrix of 4 rows be added to a single row: the row is **repeated** for each of the 4. This is called
    broadcasting. A push on one number of the row then pushes 4 results, and by the rule that ways add, its derivative is
    the sum of theirs. Below, the gradient that comes back for the 4 by 3 results counts 1 to 12. Choose a shape of what was
    added, and see what arrives at it.
    """)
    return


@app.cell
def _():
    shapes = {
        "(4, 3), nothing repeated": (4, 3),
        "(3,), one row for all": (3,),
        "(4, 1), one column for all": (4, 1),
        "(1, 1), one number for all": (1, 1),
    }
    return (shapes,)


@app.cell
def _(shapes):
    added = mo.ui.dropdown(list(shapes), value="(3,), one row for all", label="shape of what was added")
    added
    return (added,)


@app.cell
def _(added, shapes):
    arriving = np.arange(1.0, 13.0).reshape(4, 3)
    summed = unbroadcast(arriving, shapes[added.value])
    _table = np.atleast_2d(summed)
    plots.heat_map(
        _table,
        rows=[f"row {number}" for number in range(1, 5)] if len(_table) == 4 else ["all rows"],
        columns=["first", "second", "third"] if _table.shape[1] == 3 else ["all columns"],
        text=True,
        low=0,
        high=80,
        title=f"What arrives at {added.value}",
    )
    return arriving, summed


@app.cell
def _(added, arriving, shapes, summed):
    _shape = shapes[added.value]
    _measured = gradient(lambda small: (arriving * (np.zeros((4, 3)) + small)).sum(), np.zeros(_shape))
    assert summed.shape == _shape, "a gradient always has the shape of its array"
    assert np.allclose(summed, _measured, atol=1e-6), "unbroadcast gives what is measured"
    assert summed.sum() == 78, "nothing is lost on the way: 1 + 2 + ... + 12"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The matrix product

    In $C = AB$ every number of $C$ is a sum of products, $C_{ij} = \sum_k A_{ik} B_{kj}$. Push $A_{ik}$: the results
    $C_{ij}$ of its row move, each $B_{kj}$ times as fast. With $L$ for the one number at the end (the loss) and $G$ for its
    gradient by $C$, what arrives at $A_{ik}$ is $\sum_j G_{ij} B_{kj}$. That is a matrix product again, with $B$ transposed:

    $$\frac{\partial L}{\partial A} = G B^T \qquad \frac{\partial L}{\partial B} = A^T G$$

    If you forget it, the shapes tell you: of $G$ (2 by 4) and $B$ (3 by 4) only $G B^T$ has the shape of $A$ (2 by 3).
    """)
    return


@app.cell
def _():
    _random = np.random.default_rng(1)
    _a, _b, _arriving = _random.normal(size=(2, 3)), _random.normal(size=(3, 4)), _random.normal(size=(2, 4))
    by_rule = matmul_backward(_arriving, _a, _b)
    _by_measure = (
        gradient(lambda a: (_arriving * (a @ _b)).sum(), _a),
        gradient(lambda b: (_arriving * (_a @ b)).sum(), _b),
    )
    apart = max(np.abs(one - other).max() for one, other in zip(by_rule, _by_measure, strict=True))
    mo.md(f"The rule and the measurement differ by at most {apart:.0e}.")
    return apart, by_rule


@app.cell
def _(apart, by_rule):
    assert apart < 1e-7, "matmul_backward gives what is measured"
    assert [one.shape for one in by_rule] == [(2, 3), (3, 4)]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The softmax: a push that everybody feels

    A language model ends in a softmax: scores become probabilities $p_i = e^{x_i} / \sum_j e^{x_j}$. They sum to 1, so when
    one rises the others must fall. Row $i$ and column $j$ of the picture say how fast probability $i$ moves with score $j$:
    by the rule for a quotient $p_i (1 - p_i)$ on the diagonal, $-p_i p_j$ beside it. For 50,000 words this table, the
    softmax's Jacobian, would have 2.5 billion numbers. `softmax_backward` multiplies by it without ever making it: with $g$
    for the gradient that arrives at the probabilities, score $j$ gets
    $\sum_i g_i \cdot (\text{row } i, \text{column } j) = p_j g_j - p_j \sum_i g_i p_i$. For all at once, with $\odot$ for
    "number by number":

    $$p \odot (g - \sum g\,p)$$
    """)
    return


@app.cell
def _():
    words = ["mat", "sofa", "floor", "moon"]
    scores = np.array([2.0, 1.0, 0.5, -1.0])
    chances = softmax(Tensor(scores)).data
    felt = np.stack([softmax_backward(one, chances) for one in np.eye(4)])  # one probability at a time
    plots.heat_map(
        felt, rows=words, columns=words, x="score pushed", y="probability", text=True, title="Who moves whom"
    )
    return chances, felt, scores, words


@app.cell
def _(chances, felt):
    assert np.allclose(felt, np.diag(chances) - np.outer(chances, chances)), (
        "softmax_backward multiplies by the softmax's Jacobian"
    )
    assert np.allclose(felt.sum(axis=0), 0) and np.allclose(felt.sum(axis=1), 0), "what one gains the others lose"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## At work

    Eight bent lines, added up, shall follow a sine. Their 25 numbers begin at random; each step asks for the gradient of
    the mean squared error and moves against it, by `tensor[...] = ...`, which writes new numbers into a tensor. The bias
    is one number for 40 points: broadcasting. `no_gradients` forgets the last gradients first, for `backward` **adds** to
    what is there.
    """)
    return


@app.cell
def _():
    rounds = mo.ui.slider(steps=[0, 10, 30, 100, 300, 1000], value=100, label="steps", show_value=True)
    rounds
    return (rounds,)


@app.cell
def _(rounds):
    _random = np.random.default_rng(2)
    _x = np.linspace(-3, 3, 40)[:, None]
    _parameters = [Tensor(_random.normal(size=shape), requires_grad=True) for shape in [(1, 8), (8,), (8, 1), (1,)]]
    _first, _shift, _second, _bias = _parameters
    misses = []
    for _ in range(rounds.value + 1):
        no_gradients(_parameters)
        _said = (_x @ _first + _shift).tanh() @ _second + _bias
        _miss = ((_said - np.sin(_x)) ** 2).mean()
        _miss.backward()
        misses.append(_miss.item())
        for _one in _parameters:
            _one[...] = _one.data - 0.1 * _one.grad
    plots.lines(
        _x[:, 0],
        {"sine": np.sin(_x[:, 0]), "eight bent lines": _said.data[:, 0]},
        x="x",
        title=f"After {rounds.value} steps the mean squared error is {misses[-1]:.2g}",
    )
    return (misses,)


@app.cell
def _(misses, rounds):
    assert rounds.value == 0 or misses[-1] < misses[0], "steps against the gradient lower the error"
    assert rounds.value < 1000 or misses[-1] < 0.02, "after 1000 steps the sine is followed"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When the notes are no longer true

    The walk back needs the numbers that the forward pass used. If one is overwritten in between, the answer would be wrong
    without a sign of it. Every change in place is therefore counted, and the walk refuses:
    """)
    return


@app.cell
def _():
    _x = Tensor([1.0, 2.0], requires_grad=True)
    _result = (_x * _x).sum()
    _x[0] = 5.0
    try:
        _result.backward()
        refusal = ""
    except InputError as error:
        refusal = str(error)
    mo.md(f"> {refusal}")
    return (refusal,)


@app.cell
def _(refusal):
    assert "changed in place" in refusal
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `(4, 1)`: each row's three numbers are summed, 6, 15, 24, 33. And `(1, 1)`: all twelve, 78.
    - Make the score of `mat` 8: the whole table fades to 0. A softmax that is sure learns slowly.
    - Remove `no_gradients` from the loop: each step uses the sum of all gradients so far, and the fit swings or flies apart.

    Write it yourself: `groundup learn start unbroadcast`, then `groundup learn start matmul_backward` and
    `groundup learn start softmax_backward`
    """)
    return


if __name__ == "__main__":
    app.run()
