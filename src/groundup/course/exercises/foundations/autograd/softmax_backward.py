"""Exercise: back through a softmax, without its matrix of derivatives."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    P, G = np.array([0.75, 0.25]), np.array([1.0, 0.0])  # probabilities of the scores ln 3 and 0
    return P, G


def torchs(gradient, probabilities, axis=-1):
    """The same by torch."""
    import numpy as np
    import torch

    scores = torch.tensor(np.log(probabilities), requires_grad=True)
    (found,) = torch.autograd.grad(torch.softmax(scores, axis), scores, torch.tensor(gradient))
    return found.numpy()


def some(size, axis=-1):
    """A gradient and probabilities along an axis, the same at every call."""
    import numpy as np

    random = np.random.default_rng(0)
    raised = random.integers(1, 9, size).astype(float)
    return random.integers(-3, 4, size).astype(float), raised / raised.sum(axis=axis, keepdims=True)


@check("shape")
def one_number_for_each_score(mine):
    """Does not give one number for each score: the sum keeps its axis (keepdims=True), so that it is broadcast back."""
    for size in ((1, 2), (3, 2), (2, 3, 4)):
        shape(mine(*some(size)), size)


@check("values")
def two_scores(mine):
    """Is not p ⊙ (g - Σ g p)."""
    P, G = given()
    mistakes = {
        "Takes only the diagonal p (1 - p) of the Jacobian: raising one score also lowers the other probabilities.": P
        * (1 - P)
        * G,
        "Leaves out what the other scores do: subtract Σ g p.": P * G,
        "Forgets to multiply by the probabilities: p ⊙ (g - Σ g p).": G - (G * P).sum(),
        "Is the rule of the logarithm of a softmax, g - p Σ g.": G - P * G.sum(),
        "Subtracts the plain mean of the gradient: it is weighted by the probabilities, Σ g p.": P * (G - G.mean()),
        "Subtracts the sum of the gradient: each counts with its probability, Σ g p.": P * (G - G.sum()),
        "Turns the sign round: p ⊙ (g - Σ g p).": -P * (G - (G * P).sum()),
    }
    same(mine(G, P), P * (G - (G * P).sum()), mistakes=mistakes)


@check("values")
def every_row_for_itself(mine):
    """Lets one row change the gradient of another: the sum runs along the axis only."""
    g, p = some((2, 3))
    same(mine(g, p), torchs(g, p))


@check("values")
def along_the_axis_that_is_given(mine):
    """Does not follow axis: where it is 0 each column is a softmax of its own."""
    g, p = some((3, 2), axis=0)
    same(mine(g, p, axis=0), torchs(g, p, axis=0))


@check("values")
def a_certain_answer(mine):
    """Divides by a probability, which may be 0: no division is needed."""
    import numpy as np

    same(mine(np.array([2.0, 5.0]), np.array([1.0, 0.0])), np.array([0.0, 0.0]))


@check("gradient")
def as_torchs_for_stacks(mine):
    """Differs from torch's gradient of a softmax for a stack of rows."""
    for axis in (0, 1, -1):
        g, p = some((2, 3, 2), axis)
        same(mine(g, p, axis), torchs(g, p, axis))


@check("speed")
def without_the_matrix(mine):
    """Is far slower than the reference: the Jacobian of n scores has n² numbers; its product with g needs only a sum."""
    from groundup.foundations.autograd.functions import softmax_backward

    fast(mine, softmax_backward, some((16, 512)))


ALONG, BACK = "(gradient * probabilities).sum(axis=axis, keepdims=True)", "probabilities * (gradient - along)"

EXERCISE = Exercise(
    slot="foundations.autograd.softmax_backward",
    title="Back through a softmax",
    task="""
    A softmax makes probabilities p of scores x, and raising one score lowers all other probabilities: ∂pᵢ/∂xⱼ = pᵢ (δᵢⱼ
    - pⱼ), where δᵢⱼ is 1 for i = j and 0 otherwise. `gradient` is g, the gradient by the probabilities. The one by
    score j is Σᵢ gᵢ ∂pᵢ/∂xⱼ; write the sum out and the matrix is gone:

    pⱼ (gⱼ - Σᵢ gᵢ pᵢ)

    Give it for every softmax of an array at once: each lies along `axis`. It stands inside attention, in every layer.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.autograd.autodiff",),
    hints=(
        "Begin with one softmax: how much does the gradient say on the whole, weighted by the probabilities? That is one number.",
        "The sum along the axis has to be subtracted from every gradient of the same softmax, so keep its axis: keepdims=True.",
        "along = (gradient * probabilities).sum(axis=axis, keepdims=True); then probabilities * (gradient - along).",
    ),
    run="groundup --mine my learn lesson foundations.autograd.autodiff",
    checks=(
        one_number_for_each_score,
        two_scores,
        every_row_for_itself,
        along_the_axis_that_is_given,
        a_certain_answer,
        as_torchs_for_stacks,
        without_the_matrix,
    ),
    mutants=(
        Mutant("one number", "one number for each score", edits=((BACK, f"({BACK}).sum(axis=axis)"),)),
        Mutant("the diagonal", "only the diagonal", edits=((BACK, "probabilities * (1 - probabilities) * gradient"),)),
        Mutant("nothing subtracted", "Leaves out what the other", edits=((BACK, "probabilities * gradient"),)),
        Mutant("without p", "Forgets to multiply", edits=((BACK, "gradient - along"),)),
        Mutant(
            "the logarithm's",
            "of the logarithm",
            edits=((BACK, "gradient - probabilities * gradient.sum(axis=axis, keepdims=True)"),),
        ),
        Mutant("the plain mean", "plain mean", edits=((ALONG, "gradient.mean(axis=axis, keepdims=True)"),)),
        Mutant("the plain sum", "Subtracts the sum", edits=((ALONG, "gradient.sum(axis=axis, keepdims=True)"),)),
        Mutant("the sign", "Turns the sign", edits=(("gradient - along", "along - gradient"),)),
        Mutant("over all rows", "Lets one row", edits=((ALONG, "(gradient * probabilities).sum()"),)),
        Mutant("always the last axis", "Does not follow axis", edits=(("axis=axis", "axis=-1"),)),
        Mutant("divided by p", "Divides by a probability", edits=((BACK, f"{BACK} * probabilities / probabilities"),)),
        Mutant(
            "the matrix",
            "far slower",
            source="""
            import numpy as np


            def softmax_backward(gradient, probabilities, axis=-1):
                g, p = (np.moveaxis(one, axis, -1) for one in (gradient, probabilities))
                result = np.zeros(p.shape)
                for row in np.ndindex(p.shape[:-1]):
                    result[row] = (np.diag(p[row]) - np.outer(p[row], p[row])) @ g[row]
                return np.moveaxis(result, -1, axis)
            """,
        ),
    ),
)
