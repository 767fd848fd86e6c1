"""Exercise: back through a matrix product, the work of every layer."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    A, B, G = (np.array(rows, dtype=float) for rows in ([[1, 2], [3, 4]], [[0, 1], [2, 5]], [[1, 0], [2, 3]]))
    return A, B, G


def stacks(*shapes):
    """Arrays of small whole numbers, the same at every call."""
    import numpy as np

    random = np.random.default_rng(1)
    return [random.integers(-3, 4, size).astype(float) for size in shapes]


def torchs(gradient, a, b):
    """The same by torch."""
    import torch

    leaves = [torch.tensor(one, requires_grad=True) for one in (a, b)]
    found = torch.autograd.grad(leaves[0] @ leaves[1], leaves, torch.tensor(gradient))
    return tuple(one.numpy() for one in found)


@check("shape")
def each_has_its_factors_shape(mine):
    """A gradient has the shape of what it is taken by: the first that of a, the second that of b."""
    gradient, a, b = stacks((2, 4), (2, 3), (3, 4))
    for got, factor in zip(mine(gradient, a, b), (a, b), strict=True):
        shape(got, factor.shape)


@check("shape")
def a_matrix_for_a_whole_stack(mine):
    """A matrix that met every one of a stack still has the shape of one: sum over its copies, unbroadcast(by_b, b.shape)."""
    for sizes in (((5, 2, 4), (5, 2, 3), (3, 4)), ((5, 2, 4), (2, 3), (5, 3, 4)), ((5, 2, 4), (1, 2, 3), (5, 3, 4))):
        gradient, a, b = stacks(*sizes)
        for got, factor in zip(mine(gradient, a, b), (a, b), strict=True):
            shape(got, factor.shape)


@check("values")
def of_single_numbers(mine):
    """For single numbers c = ab: the gradient by a is g·b, the one by b is a·g."""
    import numpy as np

    two, three, five = (np.array([[number]]) for number in (2.0, 3.0, 5.0))
    mistakes = {
        "Gives them in the wrong order: first the gradient by a, then the one by b.": (five * 2, five * 3),
        "Leaves out the gradient that comes in: the chain rule multiplies by it.": (three, two),
    }
    same(mine(five, two, three), (five * 3, five * 2), mistakes=mistakes)


@check("values")
def the_side_and_the_transpose(mine):
    """For C = AB the gradients are G Bᵀ and Aᵀ G: mind which side, and which is transposed."""
    A, B, G = given()
    mistakes = {
        "Does not transpose: G Bᵀ and Aᵀ G.": (G @ B, A @ G),
        "Multiplies from the wrong side: G stands left of Bᵀ, and right of Aᵀ.": (B.T @ G, G @ A.T),
        "Does not transpose b in the gradient by a: it is G Bᵀ.": (G @ B, A.T @ G),
        "Does not transpose a in the gradient by b: it is Aᵀ G.": (G @ B.T, A @ G),
        "Transposes the gradient that comes in.": (G.T @ B.T, A.T @ G.T),
        "Multiplies number by number where a matrix product is meant.": (G * B.T, A.T * G),
    }
    same(mine(G, A, B), (G @ B.T, A.T @ G), mistakes=mistakes)


@check("values")
def each_matrix_of_a_stack_alone(mine):
    """Turns round all axes of a stack: .T does that; exchange the last two with swapaxes(-1, -2)."""
    for sizes in (((2, 2, 2), (2, 2, 2), (2, 2, 2)), ((5, 2, 4), (5, 2, 3), (5, 3, 4))):
        arrays = stacks(*sizes)
        same(mine(*arrays), torchs(*arrays))


@check("values")
def the_copies_are_summed(mine):
    """A matrix that was repeated for a stack gets the sum over the stack."""
    gradient, a, b = stacks((3, 1, 2), (3, 1, 2), (2, 2))
    each = a.swapaxes(1, 2) @ gradient
    mistakes = {
        "Takes the mean over the copies: they are summed.": (gradient @ b.T, each.mean(0)),
        "Takes the first copy and drops the others.": (gradient @ b.T, each[0]),
    }
    same(mine(gradient, a, b), (gradient @ b.T, each.sum(0)), mistakes=mistakes)


@check("gradient")
def as_torchs(mine):
    """Differs from torch's gradients of a @ b."""
    for sizes in (((4, 3), (4, 2), (2, 3)), ((2, 4, 3), (2, 4, 5), (5, 3)), ((6, 2, 2, 3), (6, 1, 2, 4), (2, 4, 3))):
        arrays = stacks(*sizes)
        same(mine(*arrays), torchs(*arrays))


@check("speed")
def products_of_matrices(mine):
    """Is far slower than the reference: two matrix products, no loop."""
    import numpy as np

    from groundup.foundations.autograd.autodiff import matmul_backward

    fast(mine, matmul_backward, [np.ones((48, 48))] * 3)


BY_A, BY_B = "gradient @ b.swapaxes(-1, -2)", "a.swapaxes(-1, -2) @ gradient"
IF_SQUARE = "if a.shape == b.shape == gradient.shape:\n"
BOTH = "return unbroadcast(by_a, a.shape), unbroadcast(by_b, b.shape)"

EXERCISE = Exercise(
    slot="foundations.autograd.matmul_backward",
    title="Back through a matrix product",
    task="""
    Nearly all the work of a network is C = AB, and two thirds of training it is the way back: from the gradient by C to the
    ones by A and by B. The number cᵢⱼ is Σₖ aᵢₖ bₖⱼ, so aᵢₖ had a part in all of row i of C, each time multiplied by a number
    of row k of B:

    ∂L/∂A = (∂L/∂C) Bᵀ        ∂L/∂B = Aᵀ (∂L/∂C)

    `gradient` is ∂L/∂C. All may be stacks of matrices (the last two axes), and one of them may be repeated for the other's
    stack: the sum over its copies is then its gradient, which `unbroadcast` computes.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.autograd.autodiff", "foundations.autograd.unbroadcast"),
    hints=(
        "The shapes alone leave one way: (2, 4) is the gradient, (3, 4) is b, and what is wanted has the shape (2, 3) of a.",
        "The transpose of a stack exchanges its last two axes only: b.swapaxes(-1, -2). With .T all axes are turned round.",
        "unbroadcast(gradient @ b.swapaxes(-1, -2), a.shape), and the same for a.swapaxes(-1, -2) @ gradient with b.shape.",
    ),
    run="groundup --mine my learn lesson foundations.autograd.autodiff",
    checks=(
        each_has_its_factors_shape,
        a_matrix_for_a_whole_stack,
        of_single_numbers,
        the_side_and_the_transpose,
        each_matrix_of_a_stack_alone,
        the_copies_are_summed,
        as_torchs,
        products_of_matrices,
    ),
    mutants=(
        Mutant(
            "the gradients transposed",
            "has the shape of what it is taken by",
            edits=((BOTH, "return by_a.swapaxes(-1, -2), by_b.swapaxes(-1, -2)"),),
        ),
        Mutant("copies left", "still has the shape of one", edits=((BOTH, "return by_a, by_b"),)),
        Mutant(
            "without the gradient",
            "Leaves out the gradient",
            edits=(
                (BY_A, "np.ones_like(gradient) @ b.swapaxes(-1, -2)"),
                (BY_B, "a.swapaxes(-1, -2) @ np.ones_like(gradient)"),
            ),
        ),
        Mutant(
            "the gradient transposed where it fits",
            "Transposes the gradient",
            edits=(
                (
                    f"    by_a = {BY_A}",
                    f"    {IF_SQUARE}        gradient = gradient.swapaxes(-1, -2)\n    by_a = {BY_A}",
                ),
            ),
        ),
        Mutant(
            "b not transposed where it fits",
            "Does not transpose b",
            edits=((BY_A, "gradient @ (b if b.shape[-1] == b.shape[-2] else b.swapaxes(-1, -2))"),),
        ),
        Mutant(
            "a not transposed where it fits",
            "Does not transpose a",
            edits=((BY_B, "(a if a.shape[-1] == a.shape[-2] else a.swapaxes(-1, -2)) @ gradient"),),
        ),
        Mutant(
            "from the wrong side where it fits",
            "from the wrong side",
            edits=(
                (
                    BOTH,
                    f"{IF_SQUARE}        by_a, by_b = b.swapaxes(-1, -2) @ gradient, gradient @ a.swapaxes(-1, -2)\n    {BOTH}",
                ),
            ),
        ),
        Mutant(
            "the wrong order where it fits",
            "in the wrong order",
            edits=((BOTH, f"{IF_SQUARE}        by_a, by_b = by_b, by_a\n    {BOTH}"),),
        ),
        Mutant(
            "all axes turned where it fits",
            "Turns round all axes",
            edits=((BY_A, "gradient @ (b.T if len(set(b.shape)) == 1 else b.swapaxes(-1, -2))"),),
        ),
        Mutant(
            "the mean of the copies",
            "Takes the mean",
            edits=((BOTH, "return unbroadcast(by_a, a.shape), unbroadcast(by_b, b.shape) * b.size / by_b.size"),),
        ),
        Mutant(
            "one matrix after another",
            "far slower",
            source="""
            import numpy as np


            def matmul_backward(gradient, a, b):
                by_a, by_b = np.zeros(a.shape), np.zeros(b.shape)
                for place in np.ndindex(gradient.shape):
                    *stack, i, j = place
                    at_a = tuple(0 if n == 1 else s for s, n in zip(stack[len(stack) - a.ndim + 2:], a.shape))
                    at_b = tuple(0 if n == 1 else s for s, n in zip(stack[len(stack) - b.ndim + 2:], b.shape))
                    for k in range(a.shape[-1]):
                        by_a[(*at_a, i, k)] += gradient[place] * b[(*at_b, k, j)]
                        by_b[(*at_b, k, j)] += gradient[place] * a[(*at_a, i, k)]
                return by_a, by_b
            """,
        ),
    ),
)
