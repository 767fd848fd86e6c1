"""Exercise: what is missing when columns go and all others have made up for them."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """A matrix, inputs that have something in common, H, and groups of two columns."""
    import torch

    source = torch.Generator().manual_seed(8)
    inputs = torch.randn(60, 3, generator=source, dtype=torch.float64) @ torch.randn(
        3, 6, generator=source, dtype=torch.float64
    )
    inputs = inputs + torch.randn(60, 6, generator=source, dtype=torch.float64)
    weight = torch.randn(5, 6, generator=source, dtype=torch.float64)
    return weight, inputs, inputs.T @ inputs, torch.arange(6).view(3, 2)


def apart():
    """Inputs that have nothing in common: H and its inverse are diagonal."""
    import torch

    return torch.tensor([[1.0, -2.0, 3.0, 0.0]]).double(), torch.ones(4).double(), torch.tensor([[0], [1], [2], [3]])


@check("shape")
def one_number_a_group(mine):
    """Gives another shape than one number for each group: what is lost is summed over rows and over the columns of a group."""
    import torch

    weight, _, hessian, groups = given()
    shape(mine(weight, torch.linalg.inv(hessian), groups), (3,))


@check("invariant")
def rows_add_up(mine):
    """Takes a mean where a sum belongs: the same rows a second time lose the same a second time."""
    import torch

    weight, _, hessian, groups = given()
    inverse = torch.linalg.inv(hessian)
    same(mine(torch.cat((weight, weight)), inverse, groups), 2 * mine(weight, inverse, groups))


@check("invariant")
def louder_inputs_lose_more(mine):
    """Says that a louder input loses less: the inverse of H gets smaller with loudness, so its part has to be inverted again."""
    weight, loudness, groups = apart()
    quiet, loud = mine(weight, (1 / loudness).diag(), groups), mine(weight, (1 / (4 * loudness)).diag(), groups)
    that(bool((loud >= quiet).all()), expected="four times the second moment: no smaller error", got=str(loud.tolist()))


@check("values")
def loudness_counts(mine):
    """Does not ask how loud the inputs are: with inputs that have nothing in common a column loses w^2 times its input's second moment."""
    import torch

    weight, _, groups = apart()
    moments = torch.tensor([4.0, 0.5, 2.0, 7.0]).double()
    same(mine(weight, (1 / moments).diag(), groups), (weight[0].square() * moments).double())


@check("values")
def a_group_goes_together(mine):
    """Looks at the columns of a group one at a time: each then counts on the other to make up for it, and both go."""
    import torch

    weight = torch.tensor([[1.0, 1.0, 0.5]]).double()
    hessian = torch.tensor(
        [[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]]
    ).double()  # the first two say nearly the same
    same(mine(weight, torch.linalg.inv(hessian), torch.tensor([[0, 1]])), torch.tensor([3.8]).double())


@check("values")
def columns_of_the_group(mine):
    """Reads other columns than the group's, or reads them in rows of the matrix: groups[i] names columns of `weight`, and rows and columns of `inverse`."""
    import torch

    weight, _, groups = apart()
    same(mine(weight, torch.eye(4).double(), groups.flip(0)), torch.tensor([0.0, 9.0, 4.0, 1.0]).double())


@check("values")
def what_least_squares_leaves(mine):
    """Is not what is left after the other columns were fitted by least squares."""
    import torch

    weight, inputs, hessian, groups = given()
    wanted, left = inputs @ weight.T, []
    for group in groups.tolist():
        kept = inputs[:, [column for column in range(6) if column not in group]]
        left.append((kept @ torch.linalg.lstsq(kept, wanted).solution - wanted).square().sum())
    same(mine(weight, torch.linalg.inv(hessian), groups), torch.stack(left), rtol=1e-6)


EXERCISE = Exercise(
    slot="compression.pruning.structure_errors",
    title="What a whole column is worth",
    task="""
    A column of a matrix goes, and all other columns are moved so that they make up for it as well as they can. What is missing then? With H = X X^T
    of what the matrix reads it can be said without trying: for a group of columns S, summed over the rows w of the matrix, w_S times the inverse of
    [H^-1]_SS times w_S^T. `inverse` is H^-1, `groups` has a row of column numbers for each group, all of the same length. Give each group its number.
    Pruning then lets the groups with the least numbers go.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("compression.pruning.wanda_score",),
    hints=(
        "For one group: columns = weight[:, group] has a row for each row of the matrix, and alone = inverse[group][:, group] is a small square.",
        "torch.linalg.inv(alone) undoes the inversion for these columns alone. Why is it not simply a part of H? Because the others make up for them.",
        "The sum over rows of w A w^T is (columns @ A * columns).sum(). All groups at once: `inverse[groups[:, :, None], groups[:, None, :]]` is a stack.",
    ),
    run="groundup --mine my learn lesson compression.pruning.structured --run",
    checks=(
        one_number_a_group,
        rows_add_up,
        louder_inputs_lose_more,
        loudness_counts,
        a_group_goes_together,
        columns_of_the_group,
        what_least_squares_leaves,
    ),
    mutants=(
        Mutant("a number for each row", "another shape", ((".sum((1, 2))", ".sum(2)"),)),
        Mutant("mean", "Takes a mean", ((".sum((1, 2))", ".mean((1, 2))"),)),
        Mutant("not inverted again", "loses less", (("torch.linalg.inv(alone)", "alone"),)),
        Mutant("weights alone", "how loud", (("columns @ torch.linalg.inv(alone) * columns", "columns * columns"),)),
        Mutant(
            "one at a time",
            "one at a time",
            (("torch.linalg.inv(alone)", "torch.diag_embed(1 / alone.diagonal(dim1=1, dim2=2))"),),
        ),
        Mutant(
            "the first columns",
            "other columns than",
            (("weight[:, groups]", "weight[:, torch.arange(groups.numel()).view(groups.shape)]"),),
        ),
    ),
)
