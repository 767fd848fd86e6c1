"""Exercise: what makes Muon's step count alike in every direction, by matrix products alone."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape, that

SIZES = [(1, 1, 1), (1, 2, 2), (1, 2, 3), (1, 3, 2), (2, 4, 3)]  # matrices, rows, columns: the smallest first
A, B, C = 3.4445, -4.7750, 2.0315


def case(matrices, rows, columns):
    """A stack of matrices of these sizes, the same at every call."""
    import torch

    source = torch.Generator().manual_seed(rows + 10 * columns)
    return torch.randn(matrices, rows, columns, generator=source)


def stack(*rows):
    """A stack of one matrix."""
    import torch

    return torch.tensor([rows])


def polynomial(value, steps=1):
    """What the iteration makes of a singular value."""
    for _ in range(steps):
        value = A * value + B * value**3 + C * value**5
    return value


def by_svd(matrices, steps=5):
    """The same by the singular values themselves, in double precision: that is what the products do to them."""
    import torch

    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    values = values / values.square().sum(-1, keepdim=True).sqrt()  # their root mean square is the Frobenius norm
    return (left * polynomial(values, steps)[:, None]) @ right


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape: what was turned (.mT) to be wide has to be turned back."""
    for sizes in SIZES:
        shape(mine(case(*sizes)), sizes)


@check("shape")
def a_stack_is_multiplied(mine):
    """Cannot multiply the matrices of a stack: turn only their last two axes, with .mT (.T turns all three), and use @."""
    try:
        for sizes in SIZES:
            mine(case(*sizes))
    except RuntimeError as error:
        raise Failed(expected=f"shape {sizes}", got=f"RuntimeError: {error}") from None


@check("dtype")
def the_dtype_is_the_one_asked_for(mine):
    """Computes in another dtype than the one it is given: Muon asks for bf16 where that is faster."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(case(1, 2, 2), kind), kind)


@check("finite")
def a_large_matrix_does_not_explode(mine):
    """Explodes: the polynomial holds only for singular values up to 1, so divide each matrix by its norm first."""
    import torch

    for size in (1.0, 1e10):
        finite(mine(stack([size]), torch.float32, 1))


@check("finite")
def a_matrix_of_zeros_stays_zero(mine):
    """Divides 0 by 0 for a matrix of zeros, which a layer that took no part has: add a small number to the norm."""
    for sizes in SIZES[:2]:
        finite(mine(0 * case(*sizes)))


@check("invariant")
def a_stack_is_many_matrices(mine):
    """Lets the matrices of a stack change one another: each has a norm of its own, over dim=(1, 2), with keepdim=True."""
    import torch

    one, other = stack([1.0]), stack([100.0])
    alone = [mine(matrix, torch.float32, 1) for matrix in (one, other)]
    same(mine(torch.cat([one, other]), torch.float32, 1), torch.cat(alone), rtol=1e-4)


@check("invariant")
def the_singular_vectors_stay(mine):
    """Turns the singular vectors: only matrix products (@) keep them, X X' X and not powers of single numbers."""
    import torch

    for sizes in SIZES[1:]:
        matrices = case(*sizes)
        left, _, right = torch.linalg.svd(matrices, full_matrices=False)
        inside = left.mT @ mine(matrices, torch.float32, 1) @ right.mT
        that(
            (inside - torch.diag_embed(inside.diagonal(dim1=1, dim2=2))).abs().max() < 1e-3,
            expected="U' result V is diagonal",
            got=inside,
        )


@check("values")
def the_norm_is_frobenius(mine):
    """Without a step it is not the matrix over its Frobenius norm, the root of the sum of all squares."""
    mistakes = {
        "Divides by the largest singular value or number: the Frobenius norm is wanted, the root of the sum of all squares; "
        "it is never smaller, and needs no decomposition.": stack([0.75, 0.0], [0.0, 1.0]),
        "Divides each row by its own norm: it is one norm for the whole matrix.": stack([1.0, 0.0], [0.0, 1.0]),
        "Divides by the sum of the squares: take its root.": stack([0.12, 0.0], [0.0, 0.16]),
        "Takes its steps whatever `steps` says: it is the third argument, and here 0.": by_svd(
            stack([3.0, 0.0], [0.0, 4.0])
        ).float(),
    }
    import torch

    got = mine(stack([3.0, 0.0], [0.0, 4.0]), torch.float32, 0)
    same(got, stack([0.6, 0.0], [0.0, 0.8]), rtol=1e-3, mistakes=mistakes)


@check("values")
def one_step_is_the_polynomial(mine):
    """One step does not make a + b + c = 0.701 of the number 1: it is aX + b(XX')X + c(XX')^2 X."""
    import torch

    mistakes = {
        "Stops after the cube: c(XX')^2 X is missing.": A + B,
        "Leaves out aX: the sum has three parts, aX + b(XX')X + c(XX')^2 X.": B + C,
        "Takes b for a plus: it is -4.7750.": A - B + C,
        "Adds X once more than it should: aX already holds it.": 1 + A + B + C,
        "Takes other coefficients than 3.4445, -4.7750, 2.0315: with 1.5 and -0.5 small values need three times the steps.": 1.0,
        "Takes one step more than `steps` says.": polynomial(1.0, 2),
    }
    named = {sentence: stack([wrong]) for sentence, wrong in mistakes.items()}
    same(mine(stack([2.0]), torch.float32, 1), stack([polynomial(1.0)]), rtol=1e-4, mistakes=named)


@check("values")
def both_powers_are_in_their_places(mine):
    """Mixes up the powers: b goes with (XX')X and c with (XX')^2 X."""
    import torch

    given = stack([1.0, 0.0], [0.0, 2.0])
    same(mine(given, torch.float64, 1), by_svd(given, 1), rtol=1e-4)


@check("values")
def small_and_large_values_come_near_one(mine):
    """Leaves the singular values where they were: after five steps those from 0.02 of the norm on lie between 0.65 and 1.25."""
    import torch

    for small in (0.5, 0.1, 0.03):
        values = torch.linalg.svdvals(mine(stack([1.0, 0.0], [0.0, small])))
        that(((values > 0.65) & (values < 1.25)).all(), expected="singular values from 0.65 to 1.25", got=values)


@check("values")
def as_the_polynomial_of_the_singular_values(mine):
    """Differs from the polynomial applied five times to the singular values."""
    import torch

    for sizes in SIZES:
        same(mine(case(*sizes), torch.float64), by_svd(case(*sizes)), rtol=1e-3, atol=1e-4)


@check("speed")
def tall_matrices_are_turned(mine):
    """Is far slower than the reference: of a tall matrix XX' is rows x rows, so turn it (.mT) first; and no loop over numbers."""
    from groundup.training.optimizers.muon import orthogonalize

    fast(mine, orthogonalize, (case(1, 384, 8),), times=8)


STEP = "torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)"
NORM = "(matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)"

EXERCISE = Exercise(
    slot="training.optimizers.orthogonalize",
    title="Muon: a step that counts alike in every direction",
    task="""
    The gradient of a weight matrix is long in a few directions and short in all others, and so is a plain step. Muon brings
    all singular values of the step near 1, so that the rare directions learn as well. A singular value decomposition would do
    it, far too slowly; a polynomial of the matrix does it too, since products like (XX')X raise the singular values to a
    power and leave their vectors alone. Divide each matrix by its Frobenius norm, so that no singular value is above 1; then
    repeat `steps` times, in `dtype`:

    X <- aX + b(XX')X + c(XX')^2 X with a, b, c = 3.4445, -4.7750, 2.0315

    The matrices come as a stack of shape (matrices, rows, columns). XX' is small for a wide matrix and large for a tall one.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.linalg.svd", "training.optimizers.optimizers"),
    hints=(
        "x.mT turns the last two axes, so x @ x.mT is XX' for each matrix of the stack. Once you have it, the two other products "
        "follow from it: b XX' + c XX' XX', then that times X.",
        "The norm of each matrix: matrices.norm(dim=(1, 2), keepdim=True). Add 1e-7, for a matrix of zeros.",
        "Turn a tall stack (x.shape[1] > x.shape[2]) before the loop and back after it. In the loop: square = x @ x.mT, then "
        "x = a * x + (b * square + c * square @ square) @ x.",
    ),
    run="groundup --mine my demo --fast",
    banned=("torch.linalg.svd", "torch.svd", "torch.linalg.qr", "torch.optim._muon._zeropower_via_newtonschulz"),
    checks=(
        a_stack_is_multiplied,
        the_shape_stays,
        the_dtype_is_the_one_asked_for,
        a_large_matrix_does_not_explode,
        a_matrix_of_zeros_stays_zero,
        a_stack_is_many_matrices,
        the_singular_vectors_stay,
        the_norm_is_frobenius,
        one_step_is_the_polynomial,
        both_powers_are_in_their_places,
        small_and_large_values_come_near_one,
        as_the_polynomial_of_the_singular_values,
        tall_matrices_are_turned,
    ),
    mutants=(
        Mutant("all axes turned", "Cannot multiply the matrices", edits=(("x @ x.mT", "x @ x.T"),)),
        Mutant("not turned back", "Gives back another shape", edits=(("return x.mT if tall else x", "return x"),)),
        Mutant("always fp32", "another dtype", edits=((".to(dtype)", ".float()"),)),
        Mutant("not divided", "Explodes", edits=((f"matrices / {NORM}", "matrices"),)),
        Mutant("nothing added to the norm", "Divides 0 by 0", edits=((" + 1e-7", ""),)),
        Mutant(
            "the norm of the stack",
            "Lets the matrices of a stack",
            edits=(("matrices.norm(dim=(1, 2), keepdim=True)", "matrices.norm()"),),
        ),
        Mutant("powers of numbers", "Turns the singular vectors", edits=((STEP, "a * x + b * x**3 + c * x**5"),)),
        Mutant(
            "the largest singular value",
            "Divides by the largest singular value",
            edits=(("matrices.norm(dim=(1, 2), keepdim=True)", "torch.linalg.matrix_norm(matrices, 2, keepdim=True)"),),
        ),
        Mutant(
            "squares without a root",
            "Divides by the sum of the squares",
            edits=(("matrices.norm(dim=(1, 2), keepdim=True)", "(matrices**2).sum((1, 2), keepdim=True)"),),
        ),
        Mutant("five steps always", "whatever `steps` says", edits=(("range(steps)", "range(5)"),)),
        Mutant(
            "one step more", "one step more", edits=(("for _ in range(steps)", "for _ in range(steps + (steps > 0))"),)
        ),
        Mutant("only the cube", "Stops after the cube", edits=((STEP, "a * x + b * square @ x"),)),
        Mutant("without aX", "Leaves out aX", edits=((STEP, "(b * square + c * square @ square) @ x"),)),
        Mutant(
            "a plus for a minus",
            "Takes b for a plus",
            edits=(("3.4445, -4.7750, 2.0315  #", "3.4445, 4.7750, 2.0315  #"),),
        ),
        Mutant("X once more", "Adds X once more", edits=((STEP, f"x + {STEP}"),)),
        Mutant(
            "the cubic",
            "other coefficients",
            edits=(("3.4445, -4.7750, 2.0315  #", "1.5, -0.5, 0.0  #"),),
        ),
        Mutant("powers swapped", "Mixes up the powers", edits=(("beta=b, alpha=c", "beta=c, alpha=b"),)),
        Mutant(
            "in place",
            "Changes its argument matrices in place",
            edits=((f"matrices / {NORM}", f"matrices.div_({NORM})"),),
        ),
        Mutant(
            "torch's own decomposition",
            "the ready-made torch.linalg.svd",
            edits=(
                (
                    "    for _ in range(steps):",
                    "    left, _, right = torch.linalg.svd(x, full_matrices=False)\n    x = left @ right\n    for _ in range(0):",
                ),
            ),
        ),
        Mutant(
            "never turned", "far slower than the reference", edits=(("tall = x.shape[1] > x.shape[2]", "tall = False"),)
        ),
    ),
)
