"""Exercise: one move of Adam, whose decay is part of the gradient."""

from typing import Any

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.exercises.training.optimizers.adamw_step import (
    DEFAULTS,
    a_gradient_of_zero_moves_nothing_to_nan,
    a_matrix_is_moved_too,
    eps_stands_beside_the_root,
    moved,
    the_callers_tensors_change,
    the_first_move_has_the_length_of_the_rate,
    the_mean_takes_in_the_gradient,
    the_square_takes_in_the_squared_gradient,
)
from groundup.course.expect import becomes, fast, same


@check("values")
def the_decay_is_part_of_the_gradient(mine):
    """The decay, weight_decay * weight, is not added to the gradient."""
    mistakes = {
        "Decays the weight itself, or not at all: in Adam the decay goes into the gradient, and so into both means (the other way is AdamW).": 0.0,
        "Lets the weight grow: the decay is added to the gradient.": -0.5,
    }
    becomes(moved(mine, 10.0, 0.0, weight_decay=0.5)[1], 0.5, mistakes)


@check("values")
def the_square_sees_the_decay(mine):
    """Lets the decay into the mean only: the square takes in the square of the same sum."""
    becomes(moved(mine, 10.0, 0.0, weight_decay=0.5)[2], 0.025)


@check("values")
def five_moves_as_torchs(mine):
    """Drifts away from torch's Adam over several moves: look at the powers beta^step and at what is kept between them."""
    import torch

    from groundup.training.optimizers.adamw import Numbers

    source = torch.Generator().manual_seed(0)
    mine_now = [torch.randn(2, 2, generator=source), torch.zeros(2, 2), torch.zeros(2, 2)]
    weight, mean, square = (one.clone() for one in mine_now)
    told: dict[str, Any] = {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1, "eps": 1e-6}
    for step in range(1, 6):
        gradient = torch.randn(2, 2, generator=source)
        mine(mine_now[0], gradient, *mine_now[1:], Numbers(rate=0.1, step=step, **told))
        # torch's kernel itself: torch.optim imports its compiler at first use, which takes seconds
        steps = [torch.tensor(float(step))]
        torch._fused_adam_(
            [weight], [gradient], [mean], [square], [], steps, lr=0.1, amsgrad=False, maximize=False, **told
        )
        same(mine_now[0], weight, rtol=1e-4)


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.adam import adam_step
    from groundup.training.optimizers.adamw import Numbers

    fast(mine, adam_step, (*(torch.ones(16, 16) for _ in range(4)), Numbers(**DEFAULTS)))


SLOPE = "slope = gradient + numbers.weight_decay * weight"
MEAN, SQUARE = "mean.lerp_(slope, 1 - numbers.beta1)", "square.lerp_(slope.square(), 1 - numbers.beta2)"
UNBIASED_MEAN = "mean / (1 - numbers.beta1**numbers.step)"
UNBIASED_SQUARE = "square / (1 - numbers.beta2**numbers.step)"
MOVE = "weight.sub_(numbers.rate * unbiased_mean / (unbiased_square.sqrt() + numbers.eps))"

EXERCISE = Exercise(
    slot="training.optimizers.adam_step",
    title="Adam: a step of its own length for each weight",
    task="""
    A plain gradient step is too long for some weights and too short for others. Adam remembers of every weight the mean of
    its gradients (m) and the mean of their squares (v), and moves it by the one over the root of the other: about the rate,
    whatever the size of the gradient. The decay is part of the gradient, as it was before AdamW:

    g <- g + weight_decay w

    m <- beta1 m + (1 - beta1) g

    v <- beta2 v + (1 - beta2) g^2

    w <- w - rate m' / (sqrt(v') + eps)

    m' and v' are m / (1 - beta1^step) and v / (1 - beta2^step): both began at 0, and would be too small at first. Here m is
    `mean`, v is `square`; `weight`, `mean` and `square` are changed in place, `gradient` stays, and nothing is given back.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.optimize.adaptive", "training.optimizers.optimizers"),
    hints=(
        "Give the gradient with its decay a name of its own, before anything changes: slope = gradient + weight_decay * weight.",
        "mean.lerp_(slope, 1 - beta1) is beta1 * mean + (1 - beta1) * slope, written into mean. The same for square, "
        "with slope.square() and beta2.",
        "Divide mean and square by 1 - beta**step into new tensors, so that the kept ones stay as they are; then weight.sub_ of "
        "rate * the one / (root of the other + eps).",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=adam --set train.learning_rate=0.003",
    changes=("weight", "mean", "square"),
    banned=("torch.optim.adamw.adamw", "torch.optim.adam.adam", "torch._fused_adam_"),
    checks=(
        a_matrix_is_moved_too,
        a_gradient_of_zero_moves_nothing_to_nan,
        the_callers_tensors_change,
        the_mean_takes_in_the_gradient,
        the_square_takes_in_the_squared_gradient,
        the_first_move_has_the_length_of_the_rate,
        eps_stands_beside_the_root,
        the_decay_is_part_of_the_gradient,
        the_square_sees_the_decay,
        five_moves_as_torchs,
        all_weights_at_once,
    ),
    mutants=(
        Mutant(
            "a new weight",
            "Leaves weight as it was",
            edits=((MOVE, MOVE.replace("weight.sub_(", "weight = weight - (")),),
        ),
        Mutant(
            "a new mean",
            "Leaves mean as it was",
            edits=((MEAN, "mean = mean.lerp(slope, 1 - numbers.beta1)"),),
        ),
        Mutant(
            "a new square",
            "Leaves square as it was",
            edits=((SQUARE, SQUARE.replace("square.lerp_(", "square = square.lerp(")),),
        ),
        Mutant("without eps", "Divides 0 by 0", edits=((" + numbers.eps", ""),)),
        Mutant("an eps of its own", "Does not use the eps", edits=((" + numbers.eps", " + 1e-8"),)),
        Mutant(
            "eps inside the root",
            "inside the root",
            edits=(("(unbiased_square.sqrt() + numbers.eps)", "(unbiased_square + numbers.eps).sqrt()"),),
        ),
        Mutant(
            "eps too early",
            "Adds eps before the square is divided",
            edits=(
                (UNBIASED_SQUARE, "(square.sqrt() + numbers.eps) / (1 - numbers.beta2**numbers.step) ** 0.5"),
                ("(unbiased_square.sqrt() + numbers.eps)", "unbiased_square"),
            ),
        ),
        Mutant(
            "shares of the mean swapped",
            "Swaps the shares of the mean",
            edits=((MEAN, "mean.lerp_(slope, numbers.beta1)"),),
        ),
        Mutant(
            "the whole gradient", "Adds the whole gradient", edits=((MEAN, "mean.mul_(numbers.beta1).add_(slope)"),)
        ),
        Mutant(
            "beta2 for the mean", "Uses beta2 for the mean", edits=((MEAN, "mean.lerp_(slope, 1 - numbers.beta2)"),)
        ),
        Mutant(
            "beta1 for the square",
            "Uses beta1 for the square",
            edits=((SQUARE, "square.lerp_(slope.square(), 1 - numbers.beta1)"),),
        ),
        Mutant("not squared", "Forgets to square", edits=(("slope.square()", "slope"),)),
        Mutant(
            "the unbiased mean kept",
            "Writes the unbiased mean back",
            edits=((UNBIASED_MEAN, "mean.div_(1 - numbers.beta1**numbers.step)"),),
        ),
        Mutant(
            "no correction", "began at 0: divide them", edits=((UNBIASED_MEAN, "mean"), (UNBIASED_SQUARE, "square"))
        ),
        Mutant("only the mean corrected", "the square also began", edits=((UNBIASED_SQUARE, "square"),)),
        Mutant("only the square corrected", "the mean also began", edits=((UNBIASED_MEAN, "mean"),)),
        Mutant(
            "steps from 0",
            "1 - beta^0",
            edits=(
                ("beta1**numbers.step", "beta1**(numbers.step - 1)"),
                ("beta2**numbers.step", "beta2**(numbers.step - 1)"),
            ),
        ),
        Mutant(
            "one step too many",
            "one step too many",
            edits=(
                ("beta1**numbers.step", "beta1**(numbers.step + 1)"),
                ("beta2**numbers.step", "beta2**(numbers.step + 1)"),
            ),
        ),
        Mutant(
            "the first step always",
            "Drifts away",
            edits=(("numbers.beta2**numbers.step", "numbers.beta2"), ("numbers.beta1**numbers.step", "numbers.beta1")),
        ),
        Mutant("no root", "Divides by the square itself", edits=(("unbiased_square.sqrt()", "unbiased_square"),)),
        Mutant("uphill", "Moves uphill", edits=(("weight.sub_", "weight.add_"),)),
        Mutant("without the rate", "Leaves out the rate", edits=(("numbers.rate * unbiased_mean", "unbiased_mean"),)),
        Mutant(
            "the mean from before",
            "Moves by the mean from before",
            edits=(
                (f"    {MEAN}\n", "    old = mean.clone()\n" + f"    {MEAN}\n"),
                (UNBIASED_MEAN, "old / (1 - numbers.beta1**numbers.step)"),
            ),
        ),
        Mutant(
            "decoupled",
            "Decays the weight itself",
            edits=((SLOPE, "weight.mul_(1 - numbers.rate * numbers.weight_decay)\n    slope = gradient"),),
        ),
        Mutant("growth", "Lets the weight grow", edits=(("gradient + numbers", "gradient - numbers"),)),
        Mutant("decay in the mean only", "into the mean only", edits=(("slope.square()", "gradient.square()"),)),
        Mutant(
            "the gradient changed",
            "Changes its argument gradient in place",
            edits=((SLOPE, "slope = gradient.add_(numbers.weight_decay * weight + 1e-3)"),),
        ),
        Mutant(
            "a loop over weights",
            "far slower than the reference",
            source="""
            def adam_step(weight, gradient, mean, square, numbers):
                for place in range(weight.numel()):
                    w, g, m, v = (x.view(-1)[place] for x in (weight, gradient, mean, square))
                    g = g + numbers.weight_decay * w
                    m.lerp_(g, 1 - numbers.beta1)
                    v.lerp_(g * g, 1 - numbers.beta2)
                    mean_now, square_now = m / (1 - numbers.beta1**numbers.step), v / (1 - numbers.beta2**numbers.step)
                    w.sub_(numbers.rate * mean_now / (square_now.sqrt() + numbers.eps))
            """,
        ),
    ),
)
