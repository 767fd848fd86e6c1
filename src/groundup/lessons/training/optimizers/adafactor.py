"""Lesson: Adafactor, a mean square for each weight out of one for each row and one for each column."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Adafactor: the root without the memory", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.training.optimizers.adafactor import Adafactor, adafactor_step, mean_square
    from groundup.training.optimizers.adamw import AdamW


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Adafactor: the root without the memory

    AdamW keeps two numbers for each weight: the state is twice as large as the model. Adafactor divides by the same root and keeps next
    to nothing. Afterwards you know how, when the trick is exact, and what else it changes about the step.
    """)
    return


@app.cell
def _():
    _weight = {"w": torch.zeros(1024, 4096)}
    kept = {
        name: sum(tensor.numel() for tensor in make(_weight, learning_rate=0.01).state().values()) - 1
        for name, make in (("AdamW", AdamW), ("Adafactor", Adafactor))
    }
    mo.md(
        f"For one matrix of 1,024 x 4,096 AdamW keeps {kept['AdamW']:,} numbers, Adafactor **{kept['Adafactor']:,}**: "
        f"{kept['AdamW'] / kept['Adafactor']:,.0f} times fewer."
    )
    return (kept,)


@app.cell
def _(kept):
    assert kept == {"AdamW": 2 * 1024 * 4096, "Adafactor": 1024 + 4096}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Rows times columns

    Of the squared gradients of a matrix, keep the mean of each row, $R$, and of each column, $C$. Then take for the square at row $i$,
    column $j$

    $$V_{ij} = \frac{R_i\, C_j}{\text{mean of } R}$$

    A multiplication table: if a row is twice as large as another, it is so in every column. The smallest case:
    """)
    return


@app.cell
def _():
    table = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    other = torch.tensor([[1.0, 2.0], [3.0, 0.0]])

    def rebuilt(square):
        """R C / mean(R), by hand."""
        rows, columns = square.mean(1, keepdim=True), square.mean(0, keepdim=True)
        return rows * columns / rows.mean()

    mo.md(
        f"[[1, 2], [3, 6]] is such a table, and comes back as {rebuilt(table).tolist()}. [[1, 2], [3, 0]] is none, and comes "
        f"back as {rebuilt(other).tolist()}: the sums of rows and columns are right, the single numbers are not."
    )
    return other, rebuilt, table


@app.cell
def _(other, rebuilt, table):
    torch.testing.assert_close(rebuilt(table), table)
    torch.testing.assert_close(rebuilt(other).sum(0), other.sum(0))
    torch.testing.assert_close(rebuilt(other).sum(1), other.sum(1))
    for _square in (table, other):
        _mine = mean_square(_square.sqrt(), [torch.zeros(2, 1), torch.zeros(1, 2)], 1)
        torch.testing.assert_close(_mine, rebuilt(_square))  # the library's
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Is a gradient a multiplication table?

    The gradient of a weight matrix is a sum over tokens of (what comes back to an output) times (what came in). If outputs and inputs
    differ in size, the squares are such a table, plus the chance of single tokens. Choose how many tokens a gradient is made of;
    the picture sets the true mean square of each weight against the rebuilt one.
    """)
    return


@app.cell
def _():
    tokens = mo.ui.slider(1, 41, step=8, value=17, label="gradients in the mean", show_value=True)
    tokens
    return (tokens,)


@app.cell
def _(tokens):
    _source = torch.Generator().manual_seed(0)
    _back, _came = torch.logspace(-1, 1, 12), torch.logspace(-0.5, 0.5, 16)
    _squares = torch.stack([
        ((_back[:, None] * torch.randn(12, 1, generator=_source)) * (_came * torch.randn(1, 16, generator=_source))).square()
        for _ in range(tokens.value)
    ])  # fmt: skip
    true = _squares.mean(0)
    guess = true.mean(1, keepdim=True) * true.mean(0, keepdim=True) / true.mean()
    _points = torch.stack([true.flatten().log10(), guess.flatten().log10()], 1).numpy()
    plots.scatter(_points, title="log10 of the mean square: true (across), rebuilt (up)")
    return guess, true


@app.cell
def _(guess, tokens, true):
    off = (guess.log10() - true.log10()).abs().median().item()
    assert off < (1e-4 if tokens.value == 1 else 0.5)
    assert true.max() / true.min() > 100, "while the squares themselves differ by orders of size"
    mo.md(f"Half of the rebuilt squares are within a factor of **{10**off:.2f}** of the true ones.")
    return (off,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rest of the step

    Without a mean of the gradients above the root, single steps can be wild: an update whose root mean square is above 1 is scaled
    down to it. And the step is a share of the weight's own size, so one rate fits small and large matrices. The share of the new square
    is $t^{-0.8}$: 1 at the first step, so nothing has to be corrected for having begun at 0.
    """)
    return


@app.cell
def _():
    def moved(size, gradient):
        """By which share a matrix of this size changes in its first step at the rate 0.01."""
        weight = torch.full((4, 4), size)
        adafactor_step(weight, torch.full((4, 4), gradient), [torch.zeros(4, 1), torch.zeros(1, 4)], 0.01, 1)
        return float((size - weight).mean() / size)

    shares = {f"size {size:g}, gradient {pull:g}": moved(size, pull) for size in (0.1, 10.0) for pull in (1e-3, 1e3)}
    plots.value_bars(
        {"first step": shares}, y="share of the weight", title="A hundredth of the weight, whatever the sizes"
    )
    return moved, shares


@app.cell
def _(shares):
    assert all(abs(share - 0.01) < 1e-4 for share in shares.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One gradient: a product of a column and a row, whose squares are exactly a table. More of them: chance spoils it a little.
    - Double the size of a weight in `moved`: the share stays. What would happen to a weight of exactly 0?
    - A matrix of n x n keeps 2 n numbers. From which n on is that under a thousandth of the weights?

    Write it yourself: `groundup learn start adafactor_step`
    """)
    return


if __name__ == "__main__":
    app.run()
