"""Exercise: one move of RMSprop."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import becomes, fast, finite, shown


def moved(mine, weight, gradient, square, *numbers):
    """Weight and square after one move of a single weight."""
    import torch

    weights, kept = torch.tensor([weight]), torch.tensor([square])
    mine(weights, torch.tensor([gradient]), kept, *numbers)
    return weights, kept


@check("shape")
def a_matrix_is_moved_too(mine):
    """Cannot move a matrix: compute on the whole tensors, number by number at once."""
    import torch

    for size in ((1,), (2, 3), (2, 1, 2)):
        mine(torch.ones(size), torch.ones(size), torch.zeros(size), 0.1)


@check("finite")
def a_gradient_of_zero_moves_nothing_to_nan(mine):
    """Divides 0 by 0 where the gradient has always been 0: add eps to the root."""
    finite(moved(mine, 1.0, 0.0, 0.0, 0.1)[0])


@check("invariant")
def the_callers_tensors_change(mine):
    """Leaves a tensor of the caller as it was: weight and square are changed in place."""
    for name, was, now in zip(("weight", "square"), (1.0, 4.0), moved(mine, 1.0, 1.0, 4.0, 0.25), strict=True):
        if now.item() == was:
            raise Failed(
                f"Leaves {name} as it was: change the caller's tensor in place, with sub_, mul_, lerp_ or copy_.",
                expected=f"another {name} than {was}",
                got=shown(now),
            )


@check("values")
def the_square_takes_in_the_squared_gradient(mine):
    """The square is not beta * square + (1 - beta) * gradient^2."""
    mistakes = {
        "Forgets to square the gradient that goes into square.": 4.5,
        "Swaps the shares: the old square keeps beta, the squared gradient comes with 1 - beta.": 8.0,
        "Adds the whole squared gradient: it comes with 1 - beta.": 12.75,
        "Corrects the square for having begun at 0, which is Adam's: RMSprop keeps and uses it as it is.": 24.0,
        "Keeps the root: what is kept is the mean of the squares, the root is taken for the step.": math.sqrt(6.0),
    }
    becomes(moved(mine, 1.0, 3.0, 5.0, 0.1, 0.75)[1], 6.0, mistakes)


@check("values")
def the_step_is_the_gradient_over_the_root(mine):
    """The weight is not w - rate * g / sqrt(v), with the v just made."""
    mistakes = {
        "Moves uphill: subtract the step.": 1.5,
        "Leaves out the rate.": 0.0,
        "Divides by the square itself: take its root.": 0.75,
        "Divides by the root of the square from before: take the gradient in first.": 1 - 1 / math.sqrt(0.25),
    }
    becomes(moved(mine, 1.0, 2.0, 0.25, 0.5, 0.0)[0], 0.5, mistakes)


@check("values")
def eps_stands_beside_the_root(mine):
    """eps is not in its place: g / (sqrt(v) + eps)."""
    mistakes = {
        "Adds eps inside the root: it stands beside it, sqrt(v) + eps.": 1 - 0.5 / math.sqrt(2),
        "Does not use the eps it is given.": 0.5,
    }
    becomes(moved(mine, 1.0, 1.0, 1.0, 0.5, 0.9, 1.0)[0], 0.75, mistakes)


@check("values")
def the_decay_is_part_of_the_gradient(mine):
    """The decay, weight_decay * weight, is not added to the gradient before it is squared."""
    mistakes = {
        "Does not decay the weight, or decays it apart from the gradient: the square has to see the decay too.": 0.0,
    }
    becomes(moved(mine, 10.0, 0.0, 0.0, 0.5, 0.75, 1e-8, 0.2)[1], 1.0, mistakes)
    becomes(
        moved(mine, 10.0, 0.0, 0.0, 0.5, 0.75, 1e-8, 0.2)[0],
        9.0,
        {
            "Lets the weight grow: the decay is added to the gradient.": 11.0,
            "Lets the decay into the square only: the step's gradient has it too.": 10.0,
        },
    )


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.rmsprop import rmsprop_step

    fast(mine, rmsprop_step, (*(torch.ones(32, 32) for _ in range(3)), 0.1))


SLOPE, TAKE = "slope = gradient + weight_decay * weight", "square.lerp_(slope.square(), 1 - beta)"
MOVE = "weight.sub_(rate * slope / (square.sqrt() + eps))"

EXERCISE = Exercise(
    slot="training.optimizers.rmsprop_step",
    title="RMSprop: over the root of the mean square",
    task="""
    One rate is too long for steep weights and too short for flat ones. RMSprop keeps of each weight a mean of its squared
    gradients and divides the gradient by the root of it, so that every step has about the length of the rate:

    g <- g + weight_decay w

    v <- beta v + (1 - beta) g^2

    w <- w - rate g / (sqrt(v) + eps), with the v just made

    v is `square`. Change `weight` and `square` in place; `gradient` stays as it is, and nothing is given back.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.optimize.adaptive",),
    hints=(
        "Give the gradient with its decay a name of its own: it is needed twice.",
        "square.lerp_(slope.square(), 1 - beta) is beta * square + (1 - beta) * slope^2, written into square.",
        "weight.sub_(rate * slope / (square.sqrt() + eps)); eps stands beside the root, not in it.",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=rmsprop --set train.learning_rate=0.002",
    changes=("weight", "square"),
    checks=(
        a_matrix_is_moved_too,
        a_gradient_of_zero_moves_nothing_to_nan,
        the_callers_tensors_change,
        the_square_takes_in_the_squared_gradient,
        the_step_is_the_gradient_over_the_root,
        eps_stands_beside_the_root,
        the_decay_is_part_of_the_gradient,
        all_weights_at_once,
    ),
    mutants=(
        Mutant(
            "a new weight",
            "Leaves weight as it was",
            edits=((MOVE, MOVE.replace("weight.sub_(", "weight = weight - (")),),
        ),
        Mutant(
            "a new square",
            "Leaves square as it was",
            edits=((TAKE, TAKE.replace("square.lerp_", "square = square.lerp", 1)),),
        ),
        Mutant("no eps", "Divides 0 by 0", edits=((" + eps", ""),)),
        Mutant("not squared", "Forgets to square", edits=(("slope.square()", "slope"),)),
        Mutant("shares swapped", "Swaps the shares", edits=(("1 - beta)", "beta)"),)),
        Mutant("the whole square", "Adds the whole squared", edits=((TAKE, "square.mul_(beta).add_(slope.square())"),)),
        Mutant("corrected", "which is Adam's", edits=((TAKE, f"{TAKE}.div_(1 - beta)"),)),
        Mutant("the root kept", "Keeps the root", edits=((TAKE, f"{TAKE}.sqrt_()"), ("square.sqrt()", "square"))),
        Mutant("uphill", "Moves uphill", edits=(("weight.sub_", "weight.add_"),)),
        Mutant("no rate", "Leaves out the rate", edits=(("rate * slope", "slope"),)),
        Mutant("no root", "Divides by the square itself", edits=(("square.sqrt()", "square"),)),
        Mutant(
            "the square from before",
            "of the square from before",
            edits=((TAKE, f"before = square.clone()\n    {TAKE}"), ("square.sqrt()", "before.sqrt()")),
        ),
        Mutant("eps inside", "inside the root", edits=(("(square.sqrt() + eps)", "(square + eps).sqrt()"),)),
        Mutant("an eps of its own", "Does not use the eps", edits=((" + eps)", " + 1e-8)"),)),
        Mutant("no decay", "Does not decay", edits=((" + weight_decay * weight", ""),)),
        Mutant("decay in the square only", "into the square only", edits=(("rate * slope", "rate * gradient"),)),
        Mutant("growth", "Lets the weight grow", edits=(("gradient + weight", "gradient - weight"),)),
        Mutant(
            "the gradient changed",
            "Changes its argument gradient in place",
            edits=((SLOPE, "slope = gradient.add_(weight_decay * weight + 1e-3)"),),
        ),
        Mutant(
            "a loop over weights",
            "far slower than the reference",
            source="""
            def rmsprop_step(weight, gradient, square, rate, beta=0.99, eps=1e-8, weight_decay=0.0):
                for w, g, v in zip(weight.view(-1), gradient.reshape(-1), square.view(-1)):
                    slope = g + weight_decay * w
                    v.lerp_(slope.square(), 1 - beta)
                    w.sub_(rate * slope / (v.sqrt() + eps))
            """,
        ),
    ),
)
