"""Exercise: one move with momentum."""

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
        "Gives the gradient the share 1 - beta: here it comes whole, and the velocity grows to 1 / (1 - beta) of it.": 4.0,
        "Keeps the whole velocity: it keeps the share beta of itself.": 8.0,
        "Forgets the old velocity: it keeps the share beta of itself.": 2.0,
        "Puts the rate into the velocity: it stands outside, so that a falling rate is felt at once.": 3.5,
        "Turns the gradient about: the velocity adds it, and the weight goes against the velocity.": 1.0,
    }
    becomes(moved(mine, 1.0, 2.0, 6.0, 0.25, 0.5)[1], 5.0, mistakes)


@check("values")
def the_weight_follows_the_velocity(mine):
    """The weight is not w - rate * velocity, with the velocity just made."""
    mistakes = {
        "Moves by the velocity from before: take the gradient in first.": -0.5,
        "Moves by the gradient alone: the step is rate * velocity.": 0.5,
        "Moves uphill: subtract the step.": 2.25,
        "Leaves out the rate.": -4.0,
        "Looks ahead, gradient + beta * velocity: that is Nesterov's form.": -0.125,
    }
    becomes(moved(mine, 1.0, 2.0, 6.0, 0.25, 0.5)[0], -0.25, mistakes)


@check("values")
def beta_is_what_it_is_given(mine):
    """Does not use the beta it is given, or has another than 0.9 where none is."""
    becomes(moved(mine, 1.0, 0.0, 10.0, 0.1)[1], 9.0)
    becomes(moved(mine, 1.0, 0.0, 10.0, 0.1, 0.25)[1], 2.5)


@check("values")
def the_decay_goes_through_the_velocity(mine):
    """The decay, weight_decay * weight, is not part of what the velocity takes in."""
    mistakes = {
        "Does not decay the weight, or decays it directly: weight_decay * weight is added to the gradient, and goes through the "
        "velocity.": 0.0,
        "Lets the weight grow: the decay is added to the gradient.": -2.0,
        "Puts a fixed amount into the velocity: the decay is a share of the weight.": 0.2,
    }
    becomes(moved(mine, 10.0, 0.0, 0.0, 0.5, 0.9, 0.2)[1], 2.0, mistakes)


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.momentum import momentum_step

    fast(mine, momentum_step, (*(torch.ones(32, 32) for _ in range(3)), 0.1))


TAKE, MOVE = "velocity.mul_(beta).add_(gradient + weight_decay * weight)", "weight.sub_(rate * velocity)"

EXERCISE = Exercise(
    slot="training.optimizers.momentum_step",
    title="Momentum: weights with a velocity",
    task="""
    The gradients of single batches point here and there. A velocity keeps a share of itself and takes in each gradient: what
    they have in common adds up, what turns about cancels.

    v <- beta v + g + weight_decay w

    w <- w - rate v, with the v just made

    Change `weight` and `velocity` in place; `gradient` stays as it is, and nothing is given back.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.optimize.momentum",),
    hints=(
        "First the velocity, from the weight as it was; then the weight, from the new velocity.",
        "velocity.mul_(beta) keeps a share of it, in place; .add_(...) takes in something more.",
        "velocity.mul_(beta).add_(gradient + weight_decay * weight), then weight.sub_(rate * velocity).",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=momentum --set train.learning_rate=0.03",
    changes=("weight", "velocity"),
    checks=(
        a_matrix_is_moved_too,
        the_callers_tensors_change,
        the_velocity_takes_in_the_gradient,
        the_weight_follows_the_velocity,
        beta_is_what_it_is_given,
        the_decay_goes_through_the_velocity,
        all_weights_at_once,
    ),
    mutants=(
        Mutant("a new weight", "Leaves weight as it was", edits=((MOVE, "weight = weight - rate * velocity"),)),
        Mutant(
            "a new velocity",
            "Leaves velocity as it was",
            edits=((TAKE, "velocity = beta * velocity + gradient + weight_decay * weight"),),
        ),
        Mutant(
            "a mean of gradients",
            "the share 1 - beta",
            edits=((TAKE, "velocity.mul_(beta).add_((1 - beta) * (gradient + weight_decay * weight))"),),
        ),
        Mutant("nothing forgotten", "Keeps the whole velocity", edits=((".mul_(beta)", ""),)),
        Mutant("all forgotten", "Forgets the old velocity", edits=((".mul_(beta)", ".mul_(0)"),)),
        Mutant(
            "the rate inside",
            "Puts the rate into the velocity",
            edits=(
                (TAKE, "velocity.mul_(beta).add_(rate * (gradient + weight_decay * weight))"),
                (MOVE, "weight.sub_(velocity)"),
            ),
        ),
        Mutant(
            "turned about",
            "Turns the gradient about",
            edits=((TAKE, TAKE.replace("add_", "sub_")), (MOVE, MOVE.replace("sub_", "add_"))),
        ),
        Mutant(
            "the velocity from before",
            "the velocity from before",
            edits=((TAKE, f"before = velocity.clone()\n    {TAKE}"), (MOVE, "weight.sub_(rate * before)")),
        ),
        Mutant("the gradient alone", "by the gradient alone", edits=((MOVE, "weight.sub_(rate * gradient)"),)),
        Mutant("uphill", "Moves uphill", edits=((MOVE, "weight.add_(rate * velocity)"),)),
        Mutant("no rate", "Leaves out the rate", edits=((MOVE, "weight.sub_(velocity)"),)),
        Mutant(
            "nesterov", "that is Nesterov's form", edits=((MOVE, "weight.sub_(rate * (gradient + beta * velocity))"),)
        ),
        Mutant("a beta of its own", "Does not use the beta", edits=(("mul_(beta)", "mul_(0.5)"),)),
        Mutant("no decay", "Does not decay the weight, or", edits=((" + weight_decay * weight", ""),)),
        Mutant("growth", "Lets the weight grow", edits=(("gradient + weight", "gradient - weight"),)),
        Mutant("a fixed amount", "Puts a fixed amount", edits=(("weight_decay * weight", "weight_decay"),)),
        Mutant(
            "the gradient changed",
            "Changes its argument gradient in place",
            edits=(("gradient + weight_decay * weight", "gradient.add_(weight_decay * weight + 1e-3)"),),
        ),
        Mutant(
            "a loop over weights",
            "far slower than the reference",
            source="""
            def momentum_step(weight, gradient, velocity, rate, beta=0.9, weight_decay=0.0):
                for w, g, v in zip(weight.view(-1), gradient.reshape(-1), velocity.view(-1)):
                    v.mul_(beta).add_(g + weight_decay * w)
                    w.sub_(rate * v)
            """,
        ),
    ),
)
