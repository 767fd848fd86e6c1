"""Exercise: the length of a row, learned apart from its direction."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def drawn(*shapes):
    """Normal numbers of these shapes, always the same."""
    import torch

    source = torch.Generator().manual_seed(0)
    return [torch.randn(one, generator=source) for one in shapes]


@check("shape")
def one_for_each_output(mine):
    """Gives another number of gains than outputs: a row of W makes one output."""
    weight, a, b, lengths = drawn((5, 4), (2, 4), (5, 2), (5,))
    shape(mine(weight, a, b, 1.0, lengths), (5,))


@check("values")
def by_hand(mine):
    """Is wrong for the row (3, 4) with nothing beside it and the magnitude 10: its length is 5, so the gain is 2."""
    import torch

    row, a, b = torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2), torch.zeros(1, 1)
    mistakes = {
        "Divides by the square of the length: take the root.": torch.tensor([0.4]),
        "Divides by the sum of sizes: the length is the root of the sum of squares.": torch.tensor([10 / 7]),
        "Is upside down: the magnitude divided by the length.": torch.tensor([0.5]),
    }
    same(mine(row, a, b, 1.0, torch.tensor([10.0])), torch.tensor([2.0]), mistakes=mistakes)


@check("values")
def of_the_changed_row(mine):
    """Takes the length of another matrix than W + scaling B A."""
    import torch

    weight, a, b, lengths = drawn((5, 4), (2, 4), (5, 2), (5,))
    whole, lengths = weight + 0.5 * b @ a, lengths.abs()
    mistakes = {
        "Takes the length of W alone: the adapter changes it.": lengths / torch.linalg.vector_norm(weight, dim=1),
        "Leaves the scaling out.": lengths / torch.linalg.vector_norm(weight + b @ a, dim=1),
    }
    same(
        mine(weight, a, b, 0.5, lengths), lengths / torch.linalg.vector_norm(whole, dim=1), rtol=1e-4, mistakes=mistakes
    )


@check("values")
def a_row_of_zeros(mine):
    """Is no number for a row of zeros: keep the length away from 0 by a tiny number."""
    import torch

    finite(mine(torch.zeros(2, 3), torch.zeros(1, 3), torch.zeros(2, 1), 1.0, torch.zeros(2)))


@check("gradient")
def the_length_is_a_constant(mine):
    """Lets a gradient flow through the length: the paper counts it as a constant, which saves memory and costs nothing."""
    weight, a, b, lengths = drawn((5, 4), (2, 4), (5, 2), (5,))
    for one in (a, b, lengths):
        one.requires_grad_()
    got = mine(weight, a, b, 1.0, lengths)
    that(got.requires_grad, "Gives the magnitude no gradient: it learns.")
    got.sum().backward()
    that(a.grad is None and b.grad is None)
    that(lengths.grad is not None, "Gives the magnitude no gradient: it learns.")


RIGHT = "torch.linalg.vector_norm(weight + scaling * (lora_b @ lora_a), dim=1)"

EXERCISE = Exercise(
    slot="tuning.efficient.dora_gain",
    title="DoRA: the length of a row apart from its direction",
    task="""
    DoRA learns how long each row of a matrix is (`magnitude`) apart from where it points, which LoRA's A and B change. The layer's
    output is that of W + scaling * B A, each coordinate multiplied by a gain, so that its row gets the length `magnitude`.

    Return the gain of each output. The length of the row now counts as a constant: no gradient flows through it, but one does to
    `magnitude`. A row of zeros must give a finite number.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("tuning.efficient.lora",),
    hints=(
        "The rows are those of W + scaling * (B @ A); a row has `inputs` numbers.",
        "torch.linalg.vector_norm(..., dim=1) is one length a row; .detach() makes a constant of it.",
        "magnitude / length.clamp_min(1e-12)",
    ),
    run="groundup --mine my learn lesson tuning.efficient.lora",
    checks=(one_for_each_output, by_hand, of_the_changed_row, a_row_of_zeros, the_length_is_a_constant),
    mutants=(
        Mutant(
            "columns",
            "another number of gains",
            (("dim=1)", "dim=0)"), ("magnitude / length", "magnitude[:4] / length")),
        ),
        Mutant("squared", "Divides by the square", ((RIGHT, f"{RIGHT}.square()"),)),
        Mutant("sum of sizes", "Divides by the sum of sizes", (("lora_a), dim=1)", "lora_a), 1, dim=1)"),)),
        Mutant(
            "upside down",
            "Is upside down",
            (("magnitude / length.clamp_min(1e-12)", "length / magnitude.clamp_min(1e-12)"),),
        ),
        Mutant("of W alone", "Takes the length of W alone", ((RIGHT, "torch.linalg.vector_norm(weight, dim=1)"),)),
        Mutant("no scaling", "Leaves the scaling out", ((RIGHT, RIGHT.replace("scaling * ", "")),)),
        Mutant("zeros", "Is no number for a row of zeros", ((".clamp_min(1e-12)", ""),)),
        Mutant("through the length", "through the length", ((".detach()", ""),)),
        Mutant(
            "no gradient at all",
            "Gives the magnitude no gradient",
            (("magnitude / length", "magnitude.detach() / length"),),
        ),
    ),
)
