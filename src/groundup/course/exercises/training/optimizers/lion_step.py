"""Exercise: one move of Lion, by the sign alone."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import becomes, fast, shown


def moved(mine, weight, gradient, mean, *numbers):
    """Weight and mean after one move of a single weight."""
    import torch

    weights, kept = torch.tensor([weight]), torch.tensor([mean])
    mine(weights, torch.tensor([gradient]), kept, *numbers)
    return weights, kept


@check("shape")
def a_matrix_is_moved_too(mine):
    """Cannot move a matrix: compute on the whole tensors, number by number at once."""
    import torch

    for size in ((1,), (2, 3), (2, 1, 2)):
        mine(torch.ones(size), torch.ones(size), torch.zeros(size), 0.1)


@check("invariant")
def the_callers_tensors_change(mine):
    """Leaves a tensor of the caller as it was: weight and mean are changed in place."""
    for name, was, now in zip(("weight", "mean"), (1.0, 4.0), moved(mine, 1.0, 2.0, 4.0, 0.25), strict=True):
        if now.item() == was:
            raise Failed(
                f"Leaves {name} as it was: change the caller's tensor in place, with mul_, sub_, lerp_ or copy_.",
                expected=f"another {name} than {was}",
                got=shown(now),
            )


@check("invariant")
def a_weight_that_nothing_pulls_stays(mine):
    """Moves a weight whose gradients have all been 0: the sign of 0 is 0, take tensor.sign()."""
    becomes(moved(mine, 1.0, 0.0, 0.0, 0.5)[0], 1.0)


@check("values")
def every_weight_moves_by_the_rate(mine):
    """The first move is not rate * sign(gradient)."""
    mistakes = {
        "Moves uphill: subtract the sign.": 1.25,
        "Leaves out the rate.": 0.0,
        "Moves by the mixed gradient itself: only its sign counts.": 0.925,
        "Moves by the whole gradient: only the sign counts.": 0.25,
    }
    becomes(moved(mine, 1.0, 3.0, 0.0, 0.25, 0.9)[0], 0.75, mistakes)


@check("values")
def the_direction_is_of_the_mix(mine):
    """The direction is not the sign of beta1 * mean + (1 - beta1) * gradient, with the mean as it was."""
    mistakes = {
        "Follows the newest gradient alone: mix it with the mean.": 1.25,
    }
    becomes(moved(mine, 1.0, -3.0, 1.0, 0.25, 0.9)[0], 0.75, mistakes)
    mistakes = {
        "Follows the mean alone, or mixes with beta2: the direction takes in the newest gradient, with the share 1 - beta1.": 0.75,
    }
    becomes(moved(mine, 1.0, -3.0, 1.0, 0.25, 0.5, 0.99)[0], 1.25, mistakes)


@check("values")
def the_mean_moves_last(mine):
    """Takes the gradient into the mean first: the direction is mixed from the mean as it was before."""
    becomes(moved(mine, 1.0, -1.2, 1.0, 0.25, 0.6, 0.5)[0], 0.75)


@check("values")
def the_mean_forgets_by_beta2(mine):
    """The mean is not beta2 * mean + (1 - beta2) * gradient."""
    mistakes = {
        "Keeps the mixed direction as the mean: what is kept has the share beta2.": 2.0,
        "Swaps the shares: the old mean keeps beta2, the gradient comes with 1 - beta2.": 2.5,
        "Adds the whole gradient: it comes with 1 - beta2.": 3.75,
        "Takes the sign into the mean: the gradient itself goes in.": 1.0,
    }
    becomes(moved(mine, 1.0, 3.0, 1.0, 0.1, 0.5, 0.75)[1], 1.5, mistakes)


@check("values")
def the_decay_is_apart_from_the_sign(mine):
    """The decay is not rate * weight_decay * weight, beside the sign."""
    mistakes = {
        "Adds the decay to the gradient, where only its sign is left: it stands beside the sign.": 9.5,
        "Decays without the rate: it is rate * weight_decay * weight.": 8.0,
        "Does not decay the weight.": 10.0,
        "Lets the weight grow: the decay is taken away.": 11.0,
    }
    becomes(moved(mine, 10.0, 0.0, 0.0, 0.5, 0.9, 0.99, 0.2)[0], 9.0, mistakes)


@check("values")
def the_old_weight_decays(mine):
    """Decays the weight after its step: it is the weight as it was that decays."""
    becomes(moved(mine, 10.0, 1.0, 0.0, 0.5, 0.9, 0.99, 0.2)[0], 8.5)


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.lion import lion_step

    fast(mine, lion_step, (*(torch.ones(32, 32) for _ in range(3)), 0.1))


DIRECTION = "direction = mean.lerp(gradient, 1 - beta1).sign()"
MOVE, KEEP = "weight.mul_(1 - rate * weight_decay).sub_(rate * direction)", "mean.lerp_(gradient, 1 - beta2)"

EXERCISE = Exercise(
    slot="training.optimizers.lion_step",
    title="Lion: by the sign alone",
    task="""
    Adam divides by the root of a second mean so that all weights move alike. Lion, which a search over programs found, keeps one
    mean and takes its sign, which does that too. The mean is used with two shares: one for the direction, one for what is kept.

    c = beta1 m + (1 - beta1) g

    w <- w - rate (sign(c) + weight_decay w)

    m <- beta2 m + (1 - beta2) g, with the m that c was made of

    m is `mean`, g is `gradient`. Change `weight` and `mean` in place; nothing is given back.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.optimize.adaptive", "training.optimizers.optimizers"),
    hints=(
        "The direction first, into a new tensor: mean.lerp(gradient, share) gives one, mean.lerp_(gradient, share) changes mean.",
        "mean.lerp(gradient, 1 - beta1) is beta1 * mean + (1 - beta1) * gradient; .sign() of it is 1, 0 or -1.",
        "weight.mul_(1 - rate * weight_decay), then .sub_(rate * direction); the mean last, with beta2.",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=lion --set train.learning_rate=0.001",
    changes=("weight", "mean"),
    checks=(
        a_matrix_is_moved_too,
        the_callers_tensors_change,
        a_weight_that_nothing_pulls_stays,
        every_weight_moves_by_the_rate,
        the_direction_is_of_the_mix,
        the_mean_moves_last,
        the_mean_forgets_by_beta2,
        the_decay_is_apart_from_the_sign,
        the_old_weight_decays,
        all_weights_at_once,
    ),
    mutants=(
        Mutant(
            "a new weight",
            "Leaves weight as it was",
            edits=((MOVE, "weight = weight - rate * (direction + weight_decay * weight)"),),
        ),
        Mutant("a new mean", "Leaves mean as it was", edits=((KEEP, "mean = mean.lerp(gradient, 1 - beta2)"),)),
        Mutant("no sign of 0", "the sign of 0 is 0", edits=((".sign()", ".ge(0).float() * 2 - 1"),)),
        Mutant("uphill", "Moves uphill", edits=((".sub_", ".add_"),)),
        Mutant("no rate", "Leaves out the rate", edits=(("sub_(rate * direction)", "sub_(direction)"),)),
        Mutant("no sign", "Moves by the mixed gradient", edits=((".sign()", ""),)),
        Mutant("the whole gradient", "Moves by the whole gradient", edits=((DIRECTION, "direction = gradient"),)),
        Mutant(
            "the gradient's sign", "Follows the newest gradient", edits=((DIRECTION, "direction = gradient.sign()"),)
        ),
        Mutant(
            "mixed with beta2",
            "or mixes with beta2",
            edits=((DIRECTION, "direction = mean.lerp(gradient, 1 - beta2).sign()"),),
        ),
        Mutant("the direction kept", "Keeps the mixed direction", edits=((KEEP, "mean.lerp_(gradient, 1 - beta1)"),)),
        Mutant(
            "the mean first",
            "Takes the gradient into the mean first",
            edits=((DIRECTION, f"{KEEP}\n    {DIRECTION}"), (f"direction)\n    {KEEP}", "direction)")),
        ),
        Mutant("shares swapped", "Swaps the shares", edits=((KEEP, "mean.lerp_(gradient, beta2)"),)),
        Mutant(
            "the whole gradient kept", "Adds the whole gradient", edits=((KEEP, "mean.mul_(beta2).add_(gradient)"),)
        ),
        Mutant(
            "the sign kept", "Takes the sign into the mean", edits=((KEEP, "mean.lerp_(gradient.sign(), 1 - beta2)"),)
        ),
        Mutant(
            "decay in the gradient",
            "where only its sign is left",
            edits=(
                (DIRECTION, "direction = mean.lerp(gradient + weight_decay * weight, 1 - beta1).sign()"),
                (".mul_(1 - rate * weight_decay)", ""),
            ),
        ),
        Mutant(
            "decay without the rate",
            "Decays without the rate",
            edits=(("1 - rate * weight_decay", "1 - weight_decay"),),
        ),
        Mutant("no decay", "Does not decay", edits=((".mul_(1 - rate * weight_decay)", ""),)),
        Mutant("growth", "Lets the weight grow", edits=(("1 - rate * weight_decay", "1 + rate * weight_decay"),)),
        Mutant(
            "decay last",
            "after its step",
            edits=((MOVE, "weight.sub_(rate * direction).mul_(1 - rate * weight_decay)"),),
        ),
        Mutant(
            "the gradient changed",
            "Changes its argument gradient in place",
            edits=((KEEP, f"{KEEP}\n    gradient.zero_()"),),
        ),
        Mutant(
            "a loop over weights",
            "far slower than the reference",
            source="""
            def lion_step(weight, gradient, mean, rate, beta1=0.9, beta2=0.99, weight_decay=0.0):
                for w, g, m in zip(weight.view(-1), gradient.reshape(-1), mean.view(-1)):
                    direction = m.lerp(g, 1 - beta1).sign()
                    w.mul_(1 - rate * weight_decay).sub_(rate * direction)
                    m.lerp_(g, 1 - beta2)
            """,
        ),
    ),
)
