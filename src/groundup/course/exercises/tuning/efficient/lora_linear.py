"""Exercise: a frozen matrix with two thin ones beside it."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, gradients, same, shape


def drawn(*shapes):
    """Normal numbers of these shapes, always the same."""
    import torch

    source = torch.Generator().manual_seed(0)
    return [torch.randn(one, generator=source) for one in shapes]


def oracle(x, weight, lora_a, lora_b, scaling):
    """By the whole matrix."""
    return x @ (weight + scaling * lora_b @ lora_a).T


@check("shape")
def outputs_for_every_row(mine):
    """Gives another shape than x with the outputs in place of the inputs: any number of axes may stand before them."""
    x, weight, a, b = drawn((2, 3, 4), (5, 4), (2, 4), (5, 2))
    shape(mine(x, weight, a, b, 1.0), (2, 3, 5))
    shape(mine(x[0, 0], weight, a, b, 1.0), (5,))


@check("values")
def nothing_beside(mine):
    """Is not W x where B is 0: an adapter begins so, and must change nothing."""
    x, weight, a, b = drawn((3, 4), (5, 4), (2, 4), (5, 2))
    same(mine(x, weight, a, 0 * b, 2.0), x @ weight.T)


@check("values")
def by_hand(mine):
    """Is wrong for W = 1, x = 2, A = 3, B = 5: the result is W x + scaling * B A x."""
    import torch

    one = lambda number: torch.tensor([[float(number)]])  # noqa: E731
    mistakes = {
        "Leaves the scaling out.": one(32),
        "Scales W x too: only what stands beside it is scaled.": one(16),
        "Leaves W x out.": one(15),
        "Squares the scaling: it is used once.": one(9.5),
    }
    same(mine(one(2), one(1), one(3), one(5), 0.5), one(17), mistakes=mistakes)


@check("values")
def as_one_matrix(mine):
    """Differs from x (W + scaling B A)^T."""
    x, weight, a, b = drawn((6, 4), (5, 4), (2, 4), (5, 2))
    same(mine(x, weight, a, b, 1.5), oracle(x, weight, a, b, 1.5), rtol=1e-4, atol=1e-5)


@check("gradient")
def the_thin_ones_learn(mine):
    """Gives other gradients than the formula: A, B and x must all be reached."""
    x, weight, a, b = drawn((6, 4), (5, 4), (2, 4), (5, 2))
    gradients(
        lambda *given: mine(given[0], weight, given[1], given[2], 0.7),
        lambda *given: oracle(given[0], weight, given[1], given[2], 0.7),
        (x, a, b),
    )


@check("speed")
def thin_products(mine):
    """Is far slower than the reference: A x first, then B of that; B A is a matrix as large as W."""
    from groundup.tuning.efficient.lora import lora_linear

    fast(mine, lora_linear, (*drawn((8, 1024), (1024, 1024), (2, 1024), (1024, 2)), 1.0), times=3)


RIGHT = "x @ weight.T + scaling * ((x @ lora_a.T) @ lora_b.T)"

EXERCISE = Exercise(
    slot="tuning.efficient.lora_linear",
    title="LoRA: two thin matrices beside a frozen one",
    task="""
    A model is adapted without touching its weights: beside the matrix W (outputs, inputs) stand A (rank, inputs) and B (outputs, rank),
    and the layer's output is W x + scaling * B A x. Only A and B learn.

    x has any number of axes, the last of them the inputs. Never make B A: it is as large as W.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.layers.swiglu",),
    hints=(
        "Rows are multiplied from the right: W x for every row of x is x @ weight.T.",
        "B A x for every row: first x @ lora_a.T, which has only `rank` numbers a row.",
        "x @ weight.T + scaling * ((x @ lora_a.T) @ lora_b.T)",
    ),
    run="groundup --mine my learn lesson tuning.efficient.lora",
    checks=(outputs_for_every_row, by_hand, nothing_beside, as_one_matrix, the_thin_ones_learn, thin_products),
    mutants=(
        Mutant("flat", "another shape", ((RIGHT, f"({RIGHT}).flatten()"),)),
        Mutant("begins with a change", "Is not W x where B is 0", ((RIGHT, f"{RIGHT} + (x[..., :1] - 2)"),)),
        Mutant("no scaling", "Leaves the scaling out", ((RIGHT, RIGHT.replace("scaling * ", "")),)),
        Mutant("all scaled", "Scales W x too", ((RIGHT, "scaling * (x @ weight.T + (x @ lora_a.T) @ lora_b.T)"),)),
        Mutant("squared", "Squares the scaling", ((RIGHT, RIGHT.replace("scaling", "scaling**2")),)),
        Mutant("one rank", "Differs from x", (("(x @ lora_a.T) @ lora_b.T", "(x @ lora_a[:1].T) @ lora_b[:, :1].T"),)),
        Mutant("no gradient", "other gradients", (("(x @ lora_a.T) @", "(x @ lora_a.T).detach() @"),)),
        Mutant("the whole matrix", "far slower", ((RIGHT, "x @ (weight + scaling * (lora_b @ lora_a)).T"),)),
    ),
)
