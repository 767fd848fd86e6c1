"""Exercise: a weight counts by its size and by how loud its input is."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """A matrix, and the norms of its inputs."""
    import torch

    weight = torch.tensor([[1.0, -0.2, 0.5, 0.1], [-2.0, 0.3, 0.0, 4.0]])
    return weight, torch.tensor([1.0, 10.0, 2.0, 0.5])


@check("shape")
def one_number_a_weight(mine):
    """Gives another shape than the matrix has: every weight has a score of its own, so that each row can be compared within itself."""
    shape(mine(*given()), (2, 4))


@check("invariant")
def never_negative(mine):
    """Lets a negative weight count less than nothing: what it carries has the size of the product, whatever its sign."""
    that(bool((mine(*given()) >= 0).all()), expected="no score below 0", got=str(mine(*given()).min().item()))


@check("invariant")
def the_sign_does_not_matter(mine):
    """Gives -w another score than w."""
    weight, norms = given()
    same(mine(-weight, norms), mine(weight, norms))


@check("invariant")
def rows_alike(mine):
    """Scores a row by what stands in the other rows: two rows of the same weights have the same scores."""
    import torch

    weight, norms = given()
    doubled = torch.cat((weight[:1], 100 * weight[1:], weight[:1]))
    made = mine(doubled, norms)
    same(made[0], made[2])
    same(made[0], mine(*given())[0])


@check("invariant")
def loud_inputs_count(mine):
    """Does not ask how loud the inputs are, or scales with the square of the norm: twice the norm is twice the score."""
    weight, norms = given()
    same(mine(weight, 2 * norms), 2 * mine(weight, norms))


@check("values")
def by_hand(mine):
    """Is not the size of the weight times the norm of its input, input by input along a row."""
    import torch

    same(mine(*given()), torch.tensor([[1.0, 2.0, 1.0, 0.05], [2.0, 3.0, 0.0, 2.0]]))


@check("values")
def a_square_matrix(mine):
    """Multiplies rows with the norms and not columns: an input's norm belongs to all weights that read it, which is a column."""
    import torch

    same(mine(torch.ones(2, 2), torch.tensor([1.0, 3.0])), torch.tensor([[1.0, 3.0], [1.0, 3.0]]))


EXERCISE = Exercise(
    slot="compression.pruning.wanda_score",
    title="Which weights can go: size times loudness",
    task="""
    A weight of 0.2 that reads an input of size 10 moves the output more than a weight of 1 that reads an input of size 1. So what a weight carries is its
    size times the norm of its input over some texts. `weight` is a matrix (a row an output, a column an input), `norms` holds the norm of each input.
    Give every weight its score. Pruning then compares the scores of one row with each other.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=(),
    hints=(
        "The sign of a weight does not matter here: begin with weight.abs().",
        "norms has one number for each column. What shape does it need, to be multiplied with every row?",
        "A vector as long as a row is repeated for every row by itself: weight.abs() * norms.",
    ),
    run="groundup --mine my learn lesson compression.pruning.pruning --run",
    checks=(
        one_number_a_weight,
        never_negative,
        the_sign_does_not_matter,
        rows_alike,
        loud_inputs_count,
        by_hand,
        a_square_matrix,
    ),
    mutants=(
        Mutant("with its sign", "less than nothing", (("weight.abs() * norms", "weight * norms"),)),
        Mutant("size alone", "how loud", (("weight.abs() * norms", "weight.abs()"),)),
        Mutant("squared weight", "Is not the size", (("weight.abs() * norms", "weight.abs()**2 * norms"),)),
        Mutant(
            "share of a column",
            "by what stands in the other rows",
            (("weight.abs() * norms", "weight.abs() / weight.abs().sum(0).clamp(min=1e-9) * norms"),),
        ),
        Mutant("summed", "another shape", (("weight.abs() * norms", "(weight.abs() * norms).sum(1)"),)),
    ),
)
