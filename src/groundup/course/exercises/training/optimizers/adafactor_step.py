"""Exercise: one move of Adafactor."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import becomes, fast, finite, same, shown


def moved(mine, weight, gradient, *numbers, rows=None, columns=None, **named):
    """Weight, row means and column means after one move of a matrix."""
    import torch

    weights, slopes = torch.tensor(weight), torch.tensor(gradient)
    high = torch.zeros(len(weights), 1) if rows is None else torch.tensor(rows)
    wide = torch.zeros(1, weights.shape[1]) if columns is None else torch.tensor(columns)
    mine(weights, slopes, [high, wide], *numbers, **named)
    return weights, high, wide


@check("shape")
def vectors_and_stacks_are_moved_too(mine):
    """Cannot move a vector, whose squares are kept whole, or a stack of matrices: leave the squares to `mean_square`."""
    import torch

    mine(torch.ones(3), torch.ones(3), [torch.zeros(3)], 0.1, 1)
    mine(torch.ones(2, 3, 4), torch.ones(2, 3, 4), [torch.zeros(2, 3, 1), torch.zeros(2, 1, 4)], 0.1, 1)


@check("finite")
def a_weight_without_gradient_stays_a_number(mine):
    """Makes NaN of a gradient of 0: `mean_square` is never 0, so divide by its root and by nothing else that may be 0."""
    finite(moved(mine, [[1.0, 1.0]], [[0.0, 0.0]], 0.1, 1)[0])


@check("invariant")
def the_callers_tensors_change(mine):
    """Leaves a tensor of the caller as it was: weight and the squares are changed in place."""
    after = moved(mine, [[1.0, 1.0]], [[1.0, 1.0]], 0.1, 1)
    for name, was, now in zip(("weight", "squares[0]", "squares[1]"), (1.0, 0.0, 0.0), after, strict=True):
        if now.flatten()[0].item() == was:
            raise Failed(
                f"Leaves {name} as it was: weight in place with sub_, and `mean_square` once, which takes the gradient in.",
                expected=f"another {name} than {was}",
                got=shown(now),
            )


@check("invariant")
def the_squares_take_in_the_gradient_once(mine):
    """Takes the gradient into the squares more than once: call `mean_square` once a move."""
    share = 2**-0.8
    got = moved(mine, [[1.0, 1.0]], [[2.0, 2.0]], 0.1, 2, rows=[[1.0]], columns=[[1.0, 1.0]])[1]
    becomes(got, [[1 + 3 * share]])


@check("values")
def the_step_is_a_share_of_the_weights_size(mine):
    """The first move is not rate * (root mean square of the weight) * sign-like update."""
    mistakes = {
        "Moves uphill: subtract the step.": [[2.2, 2.2]],
        "Leaves out the rate, or takes the larger of rate and 1 / sqrt(step): it is the smaller.": [[0.0, 0.0]],
        "Moves by the rate whatever the size of the weight: it is a share of the weight's root mean square.": [
            [1.9, 1.9]
        ],
        "Takes the norm of the weight for its root mean square: divide by the root of how many numbers there are.": [
            [2 - 0.2 * math.sqrt(2)] * 2
        ],
        "Divides by the mean square itself: take its root.": [[2 - 0.05, 2 - 0.05]],
        "Divides by nothing: the gradient goes over the root of its mean square.": [[2 - 0.2 * 4, 2 - 0.2 * 4]],
    }
    becomes(moved(mine, [[2.0, 2.0]], [[4.0, 4.0]], 0.1, 1)[0], [[1.8, 1.8]], mistakes)


@check("values")
def a_weight_of_zero_still_moves(mine):
    """Never moves a weight of 0: its size counts as at least SMALLEST, 0.001."""
    becomes(moved(mine, [[0.0, 0.0]], [[4.0, 4.0]], 0.5, 1)[0], [[-0.0005, -0.0005]], {})


@check("values")
def the_rate_falls_with_the_steps(mine):
    """The rate is not min(rate, 1 / sqrt(step)): a high one is bounded more and more."""
    mistakes = {
        "Takes the rate as it is: it is at most 1 / sqrt(step).": [[1.5, 1.5]],
        "Takes 1 / step for the bound: it is 1 / sqrt(step).": [[1.98, 1.98]],
    }
    kept = {"rows": [[16.0]], "columns": [[16.0, 16.0]]}
    becomes(moved(mine, [[2.0, 2.0]], [[4.0, 4.0]], 0.25, 100, **kept)[0], [[1.8, 1.8]], mistakes)
    becomes(
        moved(mine, [[2.0, 2.0]], [[4.0, 4.0]], 0.05, 100, **kept)[0],
        [[1.9, 1.9]],
        {"Takes 1 / sqrt(step) whatever the rate: it is the smaller of the two.": [[1.8, 1.8]]},
    )


@check("values")
def a_wild_update_is_scaled_down(mine):
    """An update whose root mean square is above `clip` is not scaled down to it."""
    import torch

    kept = {"rows": [[1e-4]], "columns": [[1e-4, 1e-4]]}
    share = 4**-0.8
    root = math.sqrt(1e-4 + share * (1.0 - 1e-4))
    length = 0.2
    mistakes = {
        "Does not scale a wild update down: divide by max(1, rms(update) / clip).": [[2 - length / root] * 2],
        "Scales down by the norm of the update: it is the root mean square.": [[2 - length / math.sqrt(2)] * 2],
    }
    becomes(moved(mine, [[2.0, 2.0]], [[1.0, 1.0]], 0.1, 4, **kept)[0], [[1.8, 1.8]], mistakes)
    got = moved(mine, [[2.0, 2.0]], [[1.0, 1.0]], 0.1, 4, clip=1.25, **kept)[0]
    same(got, torch.tensor([[2 - 1.25 * length] * 2]), "Does not use the clip it is given.", rtol=1e-4)


@check("values")
def a_small_update_stays_small(mine):
    """Scales small updates up: divide by at least 1."""
    kept = {"rows": [[16.0]], "columns": [[16.0, 16.0]]}
    share = 100**-0.8
    update = 1 / math.sqrt(16 + share * (1 - 16))
    becomes(moved(mine, [[2.0, 2.0]], [[1.0, 1.0]], 0.1, 100, **kept)[0], [[2 - 0.2 * update] * 2])


@check("values")
def the_decay_is_apart_from_the_step(mine):
    """The decay is not rate * weight_decay * weight."""
    mistakes = {
        "Does not decay the weight.": [[10.0, 10.0]],
        "Decays without the rate: it is rate * weight_decay * weight.": [[8.0, 8.0]],
    }
    becomes(moved(mine, [[10.0, 10.0]], [[0.0, 0.0]], 0.5, 1, weight_decay=0.2)[0], [[9.0, 9.0]], mistakes)


@check("values")
def the_size_is_that_before_the_decay(mine):
    """Measures the weight after it decayed, or decays it after its step: its size is taken first, then the decay, then the step."""
    becomes(moved(mine, [[10.0, 10.0]], [[4.0, 4.0]], 0.5, 1, weight_decay=0.2)[0], [[4.0, 4.0]])


@check("speed")
def all_weights_at_once(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.optimizers.adafactor import adafactor_step

    squares = [torch.ones(32, 1), torch.ones(1, 32)]
    fast(mine, adafactor_step, (torch.ones(32, 32), torch.ones(32, 32), squares, 0.1, 2))


LENGTH = "length = max(SMALLEST, _size(weight)) * min(rate, step**-0.5)"
UPDATE = "update = gradient / mean_square(gradient, squares, step).sqrt()"
DECAY = "weight.mul_(1 - rate * weight_decay)"
MOVE = "weight.sub_(length / max(1.0, _size(update) / clip) * update)"

EXERCISE = Exercise(
    slot="training.optimizers.adafactor_step",
    title="Adafactor: Adam's root without Adam's memory",
    task="""
    `mean_square(gradient, squares, step)` takes the gradient into the kept means of rows and columns and gives the mean square
    of every weight. Made into a step by it, with rms(x) the root of the mean of x's squares:

    length = max(SMALLEST, rms(w)) min(rate, 1 / sqrt(step))

    U = G / sqrt(mean square)

    w <- (1 - rate weight_decay) w - length U / max(1, rms(U) / clip)

    rms(w) is of the weight as it was. SMALLEST is 0.001, so that a weight of 0 moves too. Change `weight` in place;
    `mean_square` changes `squares`; nothing is given back.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("foundations.optimize.adaptive", "training.optimizers.optimizers"),
    hints=(
        "rms(x) is float(x.norm()) / x.numel() ** 0.5.",
        "Measure the weight first, then make the update, then let the weight decay, and only then take the step from it.",
        "weight.sub_(length / max(1.0, rms(update) / clip) * update) with update = gradient / mean_square(...).sqrt().",
    ),
    run="groundup --mine my run demo-fast --set train.optimizer=adafactor --set train.learning_rate=0.05",
    changes=("weight", "squares"),
    checks=(
        vectors_and_stacks_are_moved_too,
        a_weight_without_gradient_stays_a_number,
        the_callers_tensors_change,
        the_squares_take_in_the_gradient_once,
        the_step_is_a_share_of_the_weights_size,
        a_weight_of_zero_still_moves,
        the_rate_falls_with_the_steps,
        a_wild_update_is_scaled_down,
        a_small_update_stays_small,
        the_decay_is_apart_from_the_step,
        the_size_is_that_before_the_decay,
        all_weights_at_once,
    ),
    mutants=(
        Mutant(
            "a new weight",
            "Leaves weight as it was",
            edits=((MOVE, MOVE.replace("weight.sub_(", "weight = weight - (")),),
        ),
        Mutant(
            "taken in twice",
            "more than once",
            edits=((UPDATE, f"mean_square(gradient, squares, step)\n    {UPDATE}"),),
        ),
        Mutant("uphill", "Moves uphill", edits=(("weight.sub_", "weight.add_"),)),
        Mutant("no size", "whatever the size of the weight", edits=((LENGTH, "length = min(rate, step**-0.5)"),)),
        Mutant(
            "the norm",
            "Takes the norm of the weight",
            edits=(("max(SMALLEST, _size(weight))", "max(SMALLEST, float(weight.norm()))"),),
        ),
        Mutant("zero stays", "Never moves a weight of 0", edits=(("max(SMALLEST, _size(weight))", "_size(weight)"),)),
        Mutant("no bound", "Takes the rate as it is", edits=(("min(rate, step**-0.5)", "rate"),)),
        Mutant("the larger", "or takes the larger", edits=(("min(rate, step**-0.5)", "max(rate, step**-0.5)"),)),
        Mutant("bound 1 / step", "Takes 1 / step for the bound", edits=(("step**-0.5", "step**-1"),)),
        Mutant("no clip", "Does not scale a wild update", edits=((MOVE, "weight.sub_(length * update)"),)),
        Mutant("a clip of its own", "Does not use the clip", edits=((" / clip)", ")"),)),
        Mutant(
            "scaled up",
            "Scales small updates up",
            edits=(("max(1.0, _size(update) / clip)", "(_size(update) / clip + 1e-9)"),),
        ),
        Mutant("no decay", "Does not decay", edits=((DECAY, "pass"),)),
        Mutant("decay without the rate", "Decays without the rate", edits=((DECAY, "weight.mul_(1 - weight_decay)"),)),
        Mutant(
            "decay last", "or decays it after its step", edits=((f"    {DECAY}\n", ""), (MOVE, f"{MOVE}\n    {DECAY}"))
        ),
    ),
)
