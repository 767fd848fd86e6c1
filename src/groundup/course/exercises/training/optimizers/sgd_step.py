"""Exercise: one move of stochastic gradient descent."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import becomes, fast, shown


def moved(mine, weight, gradient, *numbers):
    """The weights after one move."""
    import torch

    weights = torch.tensor(weight)
    mine(weights, torch.tensor(gradient), *numbers)
    return weights


@check("shape")
def a_matrix_is_moved_too(mine):
    """Cannot move a matrix: compute on the whole tensors, number by number at once."""
    import torch

    for size in ((1,), (2, 3), (2, 1, 2)):
        mine(torch.ones(size), torch.ones(size), 0.1)


@check("invariant")
def the_callers_weight_changes(mine):
    """Leaves the caller's weight as it was: change it in place, with sub_, add_ or copy_."""
    got = moved(mine, [1.0], [1.0], 0.5)
    if got.item() == 1.0:
        raise Failed(expected="another weight than 1", got=shown(got))


@check("values")
def against_the_gradient(mine):
    """The weight is not w - rate * g."""
    mistakes = {
        "Moves uphill: subtract, since the loss grows along the gradient.": [2.0, -4.0],
        "Leaves out the rate.": [-1.0, 5.0],
        "Moves by the sign of the gradient: its size counts here.": [0.5, -0.5],
        "Sets the weight to the step: the step is taken from the weight.": [-1.0, 3.0],
        "Divides by the rate.": [-3.0, 11.0],
    }
    becomes(moved(mine, [1.0, -1.0], [2.0, -6.0], 0.5), [0.0, 2.0], mistakes)


@check("values")
def the_decay_is_in_the_gradient(mine):
    """The decay is not rate * weight_decay * weight."""
    mistakes = {
        "Does not decay the weight: add weight_decay * weight to the gradient.": [10.0],
        "Decays without the rate: it is part of the gradient, so the rate stands before it too.": [8.0],
        "Lets the weight grow: the decay is taken away.": [11.0],
        "Decays by a fixed amount: it is a share of the weight.": [9.9],
    }
    becomes(moved(mine, [10.0], [0.0], 0.5, 0.2), [9.0], mistakes)


@check("values")
def the_old_weight_decays(mine):
    """Decays the weight after its step: it is the weight as it was that decays."""
    becomes(moved(mine, [10.0], [4.0], 0.5, 0.2), [7.0])


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.sgd import sgd_step

    fast(mine, sgd_step, (torch.ones(32, 32), torch.ones(32, 32), 0.1))


MOVE = "weight.sub_(rate * (gradient + weight_decay * weight))"

EXERCISE = Exercise(
    slot="training.optimizers.sgd_step",
    title="SGD: a step against the gradient",
    task="""
    The gradient points to where the loss grows. So each weight moves against it, by a share that is called the rate; and a
    weight that nothing pulls goes slowly back to 0, which is the decay:

    w <- w - rate (g + weight_decay w)

    Change `weight` in place; `gradient` stays as it is, and nothing is given back.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.optimize.gradient_descent",),
    hints=(
        "A new tensor under the old name is not the caller's: weight = weight - ... changes nothing outside.",
        "weight.sub_(step) takes `step` away from the tensor itself.",
        "step = rate * (gradient + weight_decay * weight)",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=sgd --set train.learning_rate=0.3",
    changes=("weight",),
    checks=(
        a_matrix_is_moved_too,
        the_callers_weight_changes,
        against_the_gradient,
        the_decay_is_in_the_gradient,
        the_old_weight_decays,
        all_weights_at_once,
    ),
    mutants=(
        Mutant(
            "a new weight",
            "Leaves the caller's weight",
            edits=((MOVE, "weight = weight - rate * (gradient + weight_decay * weight)"),),
        ),
        Mutant("uphill", "Moves uphill", edits=(("weight.sub_", "weight.add_"),)),
        Mutant("no rate", "Leaves out the rate", edits=(("rate * (gradient", "1.0 * (gradient"),)),
        Mutant("the sign", "by the sign", edits=(("(gradient + ", "(gradient.sign() + "),)),
        Mutant(
            "the step alone",
            "Sets the weight to the step",
            edits=((MOVE, "weight.copy_(-rate * (gradient + weight_decay * weight))"),),
        ),
        Mutant(
            "over the rate",
            "Divides by the rate",
            edits=(("rate * (gradient + weight_decay * weight)", "(gradient + weight_decay * weight) / rate"),),
        ),
        Mutant("no decay", "Does not decay", edits=((" + weight_decay * weight", ""),)),
        Mutant(
            "decay without the rate",
            "Decays without the rate",
            edits=((MOVE, "weight.sub_(rate * gradient + weight_decay * weight)"),),
        ),
        Mutant("growth", "Lets the weight grow", edits=(("gradient + weight", "gradient - weight"),)),
        Mutant("a fixed amount", "by a fixed amount", edits=(("weight_decay * weight", "weight_decay"),)),
        Mutant(
            "decay last",
            "after its step",
            edits=((MOVE, "weight.sub_(rate * gradient).mul_(1 - rate * weight_decay)"),),
        ),
        Mutant(
            "the gradient changed",
            "Changes its argument gradient in place",
            edits=(("rate * (gradient + weight_decay * weight)", "gradient.add_(weight_decay * weight).mul_(rate)"),),
        ),
        Mutant(
            "a loop over weights",
            "far slower than the reference",
            source="""
            def sgd_step(weight, gradient, rate, weight_decay=0.0):
                for w, g in zip(weight.view(-1), gradient.reshape(-1)):
                    w.sub_(rate * (g + weight_decay * w))
            """,
        ),
    ),
)
