"""Exercise: shorten a gradient that is too long."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown


class Parameters(list):
    """Weights with gradients, shown to the learner by their gradients; a copy of it keeps these."""

    def __repr__(self) -> str:
        return "weights with the gradients " + ", ".join(shown(weight.grad) for weight in self)


def with_gradients(*gradients):
    """One weight tensor of zeros for each gradient; None: a weight that took no part."""
    import torch

    weights = Parameters()
    for gradient in gradients:
        weights.append(torch.zeros(2 if gradient is None else len(gradient), requires_grad=True))
        weights[-1].grad = None if gradient is None else torch.tensor(gradient)
    return weights


def gradients_after(mine, weights, max_norm=1.0):
    """The gradients once they were clipped."""
    mine(weights, max_norm)
    return [weight.grad for weight in weights]


def tensors(*rows):
    """A list of tensors."""
    import torch

    return [torch.tensor(row) for row in rows]


@check("finite")
def where_there_is_no_gradient_the_norm_is_0(mine):
    """Needs a gradient: a weight that took no part has .grad None, so pass it over; where no weight has one the norm is 0."""
    try:
        mine(with_gradients([3.0], None), 10.0)
        norms = [mine(with_gradients(None), 1.0), mine(Parameters(), 1.0)]
    except (AttributeError, TypeError, RuntimeError, ValueError, IndexError) as error:
        raise Failed(expected="the norm of those that are there", got=f"{type(error).__name__}: {error}") from None
    same(norms, [0.0, 0.0])


@check("finite")
def gradients_of_zero_stay_zero(mine):
    """Divides by a norm of 0: scale only where the norm is above max_norm."""
    (gradient,) = gradients_after(mine, with_gradients([0.0, 0.0]))
    same(gradient, tensors([0.0, 0.0])[0])


@check("invariant")
def the_weights_stay(mine):
    """Changes the weights themselves: what is scaled is their gradients, weight.grad."""
    import torch

    weights = with_gradients([3.0, 4.0])
    with torch.no_grad():
        weights[0] += 1.0
    mine(weights, 1.0)
    same(weights[0].detach(), torch.ones(2))


@check("invariant")
def a_short_gradient_stays(mine):
    """Changes a gradient that is short enough: scale only where the norm is above max_norm."""
    import torch

    mistakes = {
        "Makes every gradient max_norm long, the short ones too: scale only where the norm is above max_norm.": tensors(
            [0.6, 0.8]
        )
    }
    same(gradients_after(mine, with_gradients([0.3, 0.4])), tensors([0.3, 0.4]), mistakes=mistakes)
    same(gradients_after(mine, with_gradients([1.0, 0.0])), [torch.tensor([1.0, 0.0])])


@check("invariant")
def without_a_limit_nothing_changes(mine):
    """Clips where max_norm is 0: that means no limit, the gradients stay."""
    same(gradients_after(mine, with_gradients([3.0, 4.0]), 0.0), tensors([3.0, 4.0]))


@check("values")
def a_long_gradient_is_shortened(mine):
    """The gradient is not max_norm long afterwards, in its old direction: multiply it by max_norm / norm."""
    mistakes = {
        "Leaves a long gradient as it is: change weight.grad itself, in place (mul_) or by a new value.": tensors(
            [3.0, 4.0]
        ),
        "Cuts each number off at max_norm, which turns the gradient: multiply all by max_norm / norm.": tensors(
            [1.0, 1.0]
        ),
        "Forgets the root of the sum of squares.": tensors([3 / 25, 4 / 25]),
        "Measures by the sum of sizes: the norm is the root of the sum of squares.": tensors([3 / 7, 4 / 7]),
        "Measures by the largest number: the norm is the root of the sum of squares.": tensors([0.75, 1.0]),
    }
    same(gradients_after(mine, with_gradients([3.0, 4.0])), tensors([0.6, 0.8]), mistakes=mistakes)
    mistakes = {
        "Divides by the norm and leaves max_norm out: multiply by max_norm / norm.": tensors([0.6, 0.8]),
    }
    same(gradients_after(mine, with_gradients([3.0, 4.0]), 2.5), tensors([1.5, 2.0]), mistakes=mistakes)


@check("values")
def all_gradients_are_one(mine):
    """Does not take all gradients together: they are one long vector with one norm."""
    mistakes = {
        "Clips each tensor by itself, which turns the step as a whole: take one norm over all of them.": tensors(
            [1.0], [1.0]
        ),
        "Adds up the norms of the tensors: their squares are added, then the root is taken.": tensors([3 / 7], [4 / 7]),
        "Scales only the last tensor: all of them are multiplied.": tensors([3.0], [0.8]),
        "Scales only the first tensor: all of them are multiplied.": tensors([0.6], [4.0]),
        "Takes the norm of the last tensor only.": tensors([3 / 4], [1.0]),
    }
    same(gradients_after(mine, with_gradients([3.0], [4.0])), tensors([0.6], [0.8]), mistakes=mistakes)


@check("values")
def the_norm_before_comes_back(mine):
    """Does not give back the norm that the gradients had before."""
    mistakes = {
        "Gives back the norm after the clipping: whoever watches a run wants to see how long the gradient was.": 1.0,
        "Gives back the factor: the norm before is wanted.": 0.2,
        "Gives back the sum of the squares: take the root.": 25.0,
    }
    same(mine(with_gradients([3.0], [4.0]), 1.0), 5.0, mistakes=mistakes)
    same(mine(with_gradients([0.3], [0.4]), 1.0), 0.5)
    same(mine(with_gradients([3.0], [4.0]), 0.0), 5.0)


@check("values")
def as_torchs(mine):
    """Differs from torch.nn.utils.clip_grad_norm_."""
    import torch

    source = torch.Generator().manual_seed(0)
    for sizes, max_norm in (((2,), 1.0), ((3, 1), 0.5), ((2, 3, 4), 100.0)):
        given = [torch.randn(size, generator=source).tolist() for size in sizes]
        ours, theirs = with_gradients(*given), with_gradients(*given)
        norm = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
        same(mine(ours, max_norm), float(norm), rtol=1e-4)
        same([one.grad for one in ours], [one.grad for one in theirs], rtol=1e-4)


@check("speed")
def whole_tensors_at_once(mine):
    """Is far slower than the reference: take the norm of whole tensors, no loop over their numbers."""
    from groundup.training.step.clipping import clip_

    fast(mine, clip_, (with_gradients([0.1] * 3000, [0.2] * 1000), 1.0))


NORM = "float(torch.stack(torch._foreach_norm(gradients)).norm())"
SCALE = "torch._foreach_mul_(gradients, max_norm / norm)"
GUARD = "if max_norm and norm > max_norm:"

EXERCISE = Exercise(
    slot="training.step.clip_",
    title="Shorten a gradient that is too long",
    task="""
    Now and then a batch has a gradient a hundred times as long as usual, and one step along it throws away what thousands
    taught. Take the gradients of all weights together as one long vector; its norm is the root of the sum of all squares.
    Where the norm is above max_norm, multiply all gradients by max_norm / norm: the direction stays, the length becomes
    max_norm. The gradients, weight.grad of each weight, are changed in place; weights that took no part have None there.

    Give back the norm as it was before, a float, since it shows how a run is doing. A max_norm of 0 means that nothing is
    clipped, and the norm still comes back.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("training.step.clipping", "foundations.linalg.vectors"),
    hints=(
        "First collect the gradients that are not None. One norm over all: the squares of all tensors are added, then the root.",
        "The norm of the tensors' norms is the norm of all numbers: torch.stack([gradient.norm() for gradient in gradients]).norm().",
        "if max_norm and norm > max_norm: multiply each gradient with gradient.mul_(max_norm / norm). Give back float(norm), and "
        "0.0 where there was no gradient at all.",
    ),
    run="groundup --mine my demo --fast",
    changes=("parameters",),
    banned=(
        "torch.nn.utils.clip_grad_norm_",
        "torch.nn.utils.clip_grads_with_norm_",
        "torch.nn.utils.get_total_norm",
    ),
    checks=(
        where_there_is_no_gradient_the_norm_is_0,
        gradients_of_zero_stay_zero,
        the_weights_stay,
        a_short_gradient_stays,
        without_a_limit_nothing_changes,
        a_long_gradient_is_shortened,
        all_gradients_are_one,
        the_norm_before_comes_back,
        as_torchs,
        whole_tensors_at_once,
    ),
    mutants=(
        Mutant("None taken for a gradient", "Needs a gradient", edits=((" if parameter.grad is not None", ""),)),
        Mutant(
            "divided by 0",
            "Divides by a norm of 0",
            edits=((GUARD, "if max_norm:"), ("max_norm / norm)", "torch.tensor(max_norm) / norm)")),
        ),
        Mutant(
            "the weights scaled",
            "Changes the weights themselves",
            edits=((SCALE, "torch._foreach_mul_([parameter.data for parameter in parameters], max_norm / norm)"),),
        ),
        Mutant("short ones lengthened", "the short ones too", edits=((GUARD, "if max_norm and norm:"),)),
        Mutant("clipped to nothing", "Clips where max_norm is 0", edits=((GUARD, "if norm > max_norm:"),)),
        Mutant(
            "copies scaled",
            "Leaves a long gradient as it is",
            edits=((SCALE, "gradients = [gradient * max_norm / norm for gradient in gradients]"),),
        ),
        Mutant(
            "numbers cut off",
            "Cuts each number off",
            edits=((SCALE, "[gradient.clamp_(-max_norm, max_norm) for gradient in gradients]"),),
        ),
        Mutant(
            "no root",
            "Forgets the root",
            edits=(
                (NORM, "float(sum(gradient.square().sum() for gradient in gradients))"),
                ("norm > max_norm", "norm > max_norm**2"),
            ),
        ),
        Mutant(
            "the sum of sizes",
            "Measures by the sum",
            edits=((NORM, "float(sum(gradient.abs().sum() for gradient in gradients))"),),
        ),
        Mutant(
            "the largest number",
            "Measures by the largest",
            edits=((NORM, "float(max(gradient.abs().max() for gradient in gradients))"),),
        ),
        Mutant("length 1", "leaves max_norm out", edits=(("max_norm / norm)", "1 / norm)"),)),
        Mutant(
            "each by itself",
            "Clips each tensor by itself",
            edits=((SCALE, "[gradient.mul_(min(1.0, max_norm / float(gradient.norm()))) for gradient in gradients]"),),
        ),
        Mutant("norms added", "Adds up the norms", edits=((NORM, "float(sum(torch._foreach_norm(gradients)))"),)),
        Mutant("only the last", "Scales only the last", edits=((SCALE, "gradients[-1].mul_(max_norm / norm)"),)),
        Mutant(
            "the norm after",
            "Gives back the norm after",
            edits=(("    return norm", "    return min(norm, max_norm) if max_norm else norm"),),
        ),
        Mutant(
            "the factor",
            "Gives back the factor",
            edits=(("    return norm", "    return max_norm / norm if norm > max_norm > 0 else norm"),),
        ),
        Mutant(
            "torch's own",
            "the ready-made torch.nn.utils.clip_",
            edits=((SCALE, "torch.nn.utils.clip_grad_norm_(parameters, max_norm)"),),
        ),
        Mutant(
            "a loop over numbers",
            "far slower than the reference",
            edits=((NORM, "sum(float(number) ** 2 for gradient in gradients for number in gradient) ** 0.5"),),
        ),
    ),
)
