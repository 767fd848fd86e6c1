"""Exercise: one move with Nesterov's momentum."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import becomes, fast, shown


def moved(mine, weight, gradient, velocity, *numbers):
    """Weight and velocity after one move of a single weight."""
    import torch

    weights, speed = torch.tensor([weight]), torch.tensor([velocity])
    mine(weights, torch.tensor([gradient]), speed, *numbers)
    return weights, speed


@check("shape")
def a_matrix_is_moved_too(mine):
    """Cannot move a matrix: compute on the whole tensors, number by number at once."""
    import torch

    for size in ((1,), (2, 3), (2, 1, 2)):
        mine(torch.ones(size), torch.ones(size), torch.zeros(size), 0.1)


@check("invariant")
def the_callers_tensors_change(mine):
    """Leaves a tensor of the caller as it was: weight and velocity are changed in place."""
    for name, was, now in zip(("weight", "velocity"), (1.0, 3.0), moved(mine, 1.0, 2.0, 3.0, 0.25), strict=True):
        if now.item() == was:
            raise Failed(
                f"Leaves {name} as it was: change the caller's tensor in place, with mul_, add_, sub_ or copy_.",
                expected=f"another {name} than {was}",
                got=shown(now),
            )


@check("values")
def the_velocity_takes_in_the_gradient(mine):
    """The velocity is not beta * velocity + gradient."""
    mistakes = {
        "Gives the gradient the share 1 - beta: here it comes whole.": 4.0,
        "Keeps what the weight moves by as the velocity: gradient + beta * velocity is for the step alone.": 4.5,
        "Forgets the old velocity: it keeps the share beta of itself.": 2.0,
    }
    becomes(moved(mine, 1.0, 2.0, 6.0, 0.25, 0.5)[1], 5.0, mistakes)


@check("values")
def the_weight_looks_ahead(mine):
    """The weight is not w - rate * (gradient + beta * velocity), with the velocity just made."""
    mistakes = {
        "Moves by the velocity itself: that is plain momentum, the step here is gradient + beta * velocity.": -0.25,
        "Moves by beta * velocity alone: the gradient of this moment stands beside it.": 0.375,
        "Counts the velocity whole beside the gradient: it comes with beta.": -0.75,
        "Moves uphill: subtract the step.": 2.125,
        "Leaves out the rate.": -3.5,
    }
    becomes(moved(mine, 1.0, 2.0, 6.0, 0.25, 0.5)[0], -0.125, mistakes)


@check("values")
def beta_is_what_it_is_given(mine):
    """Does not use the beta it is given, or has another than 0.9 where none is."""
    becomes(moved(mine, 1.0, 0.0, 10.0, 0.1)[1], 9.0)
    becomes(moved(mine, 1.0, 0.0, 10.0, 0.1, 0.25)[0], 1 - 0.1 * 0.25 * 2.5)


@check("values")
def the_decay_is_in_both_places(mine):
    """The decay, weight_decay * weight, belongs to the gradient wherever that stands: in the velocity and in the step."""
    mistakes = {
        "Does not decay the weight: add weight_decay * weight to the gradient.": 10.0,
        "Lets the decay into the velocity only: the gradient of the step has it too.": 9.5,
        "Lets the decay into the step only: the gradient that the velocity takes in has it too.": 9.0,
    }
    becomes(moved(mine, 10.0, 0.0, 0.0, 0.5, 0.5, 0.2)[0], 8.5, mistakes)


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.nesterov import nesterov_step

    fast(mine, nesterov_step, (*(torch.ones(32, 32) for _ in range(3)), 0.1))


SLOPE, TAKE, MOVE = (
    "slope = gradient + weight_decay * weight",
    "velocity.mul_(beta).add_(slope)",
    "weight.sub_(rate * (slope + beta * velocity))",
)

EXERCISE = Exercise(
    slot="training.optimizers.nesterov_step",
    title="Nesterov: a velocity that looks ahead",
    task="""
    A heavy ball feels the slope where it is, and runs past the bottom. Nesterov's feels it where its velocity is about to
    lead, and brakes a step earlier. Written for the points ahead, that is one more term than momentum has:

    v <- beta v + g + weight_decay w

    w <- w - rate (g + weight_decay w + beta v), with the v just made

    Change `weight` and `velocity` in place; `gradient` stays as it is, and nothing is given back.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.optimize.momentum",),
    hints=(
        "The gradient with its decay stands in both lines: give it a name before the weight changes.",
        "The velocity first, in place: mul_, then add_. The step then uses the new one.",
        "weight.sub_(rate * (slope + beta * velocity)) with slope = gradient + weight_decay * weight.",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=nesterov --set train.learning_rate=0.03",
    changes=("weight", "velocity"),
    checks=(
        a_matrix_is_moved_too,
        the_callers_tensors_change,
        the_velocity_takes_in_the_gradient,
        the_weight_looks_ahead,
        beta_is_what_it_is_given,
        the_decay_is_in_both_places,
        all_weights_at_once,
    ),
    mutants=(
        Mutant(
            "a new weight",
            "Leaves weight as it was",
            edits=((MOVE, MOVE.replace("weight.sub_(", "weight = weight - (")),),
        ),
        Mutant("a new velocity", "Leaves velocity as it was", edits=((TAKE, "velocity = beta * velocity + slope"),)),
        Mutant(
            "a mean of gradients", "the share 1 - beta", edits=((TAKE, "velocity.mul_(beta).add_((1 - beta) * slope)"),)
        ),
        Mutant(
            "the step kept",
            "Keeps what the weight moves by",
            edits=((MOVE, "weight.sub_(rate * velocity.mul_(beta).add_(slope))"),),
        ),
        Mutant("all forgotten", "Forgets the old velocity", edits=(("mul_(beta)", "mul_(0)"),)),
        Mutant("plain momentum", "that is plain momentum", edits=((MOVE, "weight.sub_(rate * velocity)"),)),
        Mutant(
            "velocity alone", "by beta * velocity alone", edits=(("(slope + beta * velocity)", "(beta * velocity)"),)
        ),
        Mutant("velocity whole", "Counts the velocity whole", edits=(("slope + beta * velocity", "slope + velocity"),)),
        Mutant("uphill", "Moves uphill", edits=(("weight.sub_", "weight.add_"),)),
        Mutant("no rate", "Leaves out the rate", edits=(("rate * (slope", "(slope"),)),
        Mutant(
            "a beta of its own",
            "Does not use the beta",
            edits=((TAKE, "velocity.mul_(0.5).add_(slope)"), ("beta * velocity", "0.5 * velocity")),
        ),
        Mutant("no decay", "Does not decay", edits=((" + weight_decay * weight", ""),)),
        Mutant(
            "decay in the velocity only",
            "into the velocity only",
            edits=((MOVE, "weight.sub_(rate * (gradient + beta * velocity))"),),
        ),
        Mutant("decay in the step only", "into the step only", edits=((TAKE, "velocity.mul_(beta).add_(gradient)"),)),
        Mutant(
            "the gradient changed",
            "Changes its argument gradient in place",
            edits=((SLOPE, "slope = gradient.add_(weight_decay * weight + 1e-3)"),),
        ),
        Mutant(
            "a loop over weights",
            "far slower than the reference",
            source="""
            def nesterov_step(weight, gradient, velocity, rate, beta=0.9, weight_decay=0.0):
                for w, g, v in zip(weight.view(-1), gradient.reshape(-1), velocity.view(-1)):
                    slope = g + weight_decay * w
                    v.mul_(beta).add_(slope)
                    w.sub_(rate * (slope + beta * v))
            """,
        ),
    ),
)
