"""Exercise: give the error of a rounded weight to the weights behind it."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def drawn(seed=0, rows=3, columns=5):
    """Weights, a factor, and the error that setting the first column to its rounded values makes."""
    import torch

    source = torch.Generator().manual_seed(seed)
    left = torch.randn(rows, columns, generator=source, dtype=torch.float64)
    root = torch.randn(columns, columns, generator=source, dtype=torch.float64)
    hessian = root @ root.T + torch.eye(columns, dtype=torch.float64)
    return left, left[:, 0] - left[:, 0].round(), hessian


def factor_of(hessian):
    """The first row of the upper Cholesky factor of the inverse."""
    import torch

    return torch.linalg.cholesky(torch.linalg.inv(hessian), upper=True)[0]


@check("shape")
def same_columns(mine):
    """Gives back another shape than it got: all columns come back, the rounded one among them."""
    left, error, hessian = drawn()
    shape(mine(left.clone(), error, factor_of(hessian)), (3, 5))


@check("invariant")
def the_first_column_is_rounded(mine):
    """Leaves the first column where it was, or moves it past its rounded value: factor[0] / factor[0] is 1, so it moves by its whole error."""
    left, error, hessian = drawn(1)
    same(mine(left.clone(), error, factor_of(hessian))[:, 0], left[:, 0].round())


@check("invariant")
def no_error_no_change(mine):
    """Changes weights although nothing was rounded: an error of zero passes nothing on."""
    left, error, hessian = drawn(2)
    same(mine(left.clone(), error * 0, factor_of(hessian)), left)


@check("invariant")
def rows_do_not_meet(mine):
    """Mixes rows: the error of one output's weight is made up for by weights of that output alone."""
    import torch

    left, error, hessian = drawn(3)
    alone = torch.zeros_like(error)
    alone[1] = error[1]
    made = mine(left.clone(), alone, factor_of(hessian))
    same(made[[0, 2]], left[[0, 2]])


@check("values")
def by_hand(mine):
    """Makes up for the error in the wrong direction, or by the wrong share: w[j] loses error / factor[0] * factor[j]."""
    import torch

    made = mine(torch.tensor([[0.4, 0.1, 1.0]]), torch.tensor([0.4]), torch.tensor([2.0, -2.0, 0.5]))
    same(made, torch.tensor([[0.0, 0.5, 0.9]]))


@check("values")
def the_best_change_of_all(mine):
    """Is not the change that keeps the output closest: with the first weight fixed at its rounded value, no other change of the rest may do better."""
    import torch

    left, error, hessian = drawn(4)
    change = mine(left.clone(), error, factor_of(hessian)) - left
    # minimise d H d^T with d[0] = -error: the rest is -H[1:, 1:]^-1 H[1:, 0] d[0]
    rest = torch.linalg.solve(hessian[1:, 1:], hessian[1:, 0]) * error[:, None]
    same(change[:, 1:], rest)


EXERCISE = Exercise(
    slot="compression.quantization.pass_on",
    title="What rounding takes from one weight, the others give back",
    task="""
    GPTQ rounds the weights of a matrix one input after another. Rounding input j's weights is off by `error` (weight minus rounded, one for each
    row), and the output would be off too. But inputs go together: weights that are still free can make up for it. With U the upper Cholesky factor of H^-1
    (H: how the inputs go together), the best change of column k is -error / U[j, j] * U[j, k]. `left` holds the columns from j on, `factor` row j
    of U from the same place on. Give back the columns after the change; the first of them is then its rounded value.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("compression.quantization.ptq",),
    hints=(
        "factor[0] is U[j, j]. Divide the error by it first: one number for each row.",
        "Each row is changed by its own number times the whole factor: a product of a column with a row, torch.outer.",
        "left - torch.outer(error / factor[0], factor): in the first column this subtracts the error itself.",
    ),
    run="groundup --mine my learn lesson compression.quantization.gptq --run",
    checks=(
        same_columns,
        rows_do_not_meet,
        the_first_column_is_rounded,
        no_error_no_change,
        by_hand,
        the_best_change_of_all,
    ),
    mutants=(
        Mutant("added", "moves it past its rounded value", (("left - torch.outer", "left + torch.outer"),)),
        Mutant(
            "the rounded column is left out",
            "another shape",
            (
                (
                    "    return left - torch.outer(error / factor[0], factor)",
                    "    return (left - torch.outer(error / factor[0], factor))[:, 1:]",
                ),
            ),
        ),
        Mutant(
            "rows mixed",
            "Mixes rows",
            (("torch.outer(error / factor[0], factor)", "torch.outer(error.roll(1) / factor[0], factor)"),),
        ),
        Mutant(
            "in place",
            "Changes its argument left in place",
            (("left - torch.outer(error / factor[0], factor)", "left.sub_(torch.outer(error / factor[0], factor))"),),
        ),
        Mutant(
            "only the next column",
            "by the wrong share",
            (
                (
                    "torch.outer(error / factor[0], factor)",
                    "torch.outer(error / factor[0], torch.where(torch.arange(len(factor)) < 2, factor, 0))",
                ),
            ),
        ),
    ),
)
