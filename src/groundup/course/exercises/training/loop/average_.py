"""Exercise: the running mean of the weights."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import becomes, fast, shown


def followed(mine, averages, weights, decay, step):
    """The means after one step."""
    import torch

    means = [torch.tensor(one) for one in averages]
    mine(means, [torch.tensor(one) for one in weights], decay, step)
    return means


@check("shape")
def the_callers_means_change(mine):
    """Leaves the caller's means as they were: change the tensors in place (lerp_, mul_, add_), not the names."""
    (mean,) = followed(mine, [[0.0]], [[1.0]], 0.5, 1000)
    if mean.item() == 0.0:
        raise Failed(expected="another mean than 0", got=shown(mean))


@check("shape")
def several_tensors(mine):
    """Cannot follow several tensors of several shapes: each mean goes with the weight at its place."""
    import torch

    means = [torch.zeros(2, 3), torch.zeros(4)]
    mine(means, [torch.ones(2, 3), torch.ones(4)], 0.5, 100)
    for mean in means:
        if not bool(mean.any()):
            raise Failed(expected="every mean moved", got=shown(mean))


@check("invariant")
def weights_that_stay_are_their_mean(mine):
    """Moves a mean away from a weight that it equals: what is added is a share of the difference."""
    (mean,) = followed(mine, [[3.0, -2.0]], [[3.0, -2.0]], 0.9, 50)
    becomes(mean, [3.0, -2.0])


@check("values")
def a_share_of_the_way(mine):
    """The mean is not decay * mean + (1 - decay) * weight, long after the beginning."""
    mistakes = {
        "Takes the two shares the wrong way round: the mean keeps `decay` of itself.": [0.9, 2.8],
        "Takes the weight itself.": [1.0, 2.0],
        "Adds the weight without taking from the mean.": [0.1, 10.2],
    }
    (mean,) = followed(mine, [[0.0, 10.0]], [[1.0, 2.0]], 0.9, 100_000)
    becomes(mean, [0.1, 9.2], mistakes)


@check("values")
def the_beginning_is_soon_forgotten(mine):
    """The share kept is not bounded by (1 + step) / (10 + step)."""
    mistakes = {
        "Uses the decay from the first step on: the weights of the beginning then stay in the mean for thousands of steps.": [
            0.001
        ],
        "Counts steps from 0: the first is step 1, and the mean keeps 2 / 11.": [0.9],
        "Keeps step / (10 + step).": [10 / 11],
    }
    (mean,) = followed(mine, [[0.0]], [[1.0]], 0.999, 1)
    becomes(mean, [9 / 11], mistakes)
    (mean,) = followed(mine, [[0.0]], [[1.0]], 0.999, 80)
    becomes(mean, [0.1])
    (mean,) = followed(mine, [[0.0]], [[1.0]], 0.9, 80)
    becomes(mean, [0.1])


@check("speed")
def fast_enough(mine):
    """Is far slower than the reference: compute on whole tensors, no loop over their numbers."""
    import torch

    from groundup.training.loop.live_evaluation import average_

    fast(mine, average_, ([torch.zeros(64, 64)], [torch.ones(64, 64)], 0.9, 100))


MOVE = "torch._foreach_lerp_(list(averages), list(weights), 1 - kept)"
KEPT = "kept = min(decay, (1 + step) / (10 + step))"

EXERCISE = Exercise(
    slot="training.loop.average_",
    title="EMA: the mean of where the weights have been",
    task="""
    Each step throws the weights past the lowest loss, to one side or the other. Their running mean stands nearer to it:

    a <- d a + (1 - d) w      d = min(decay, (1 + step) / (10 + step))

    The bound makes the mean forget the weights of the beginning, which are worse than all that come later; step counts from 1.
    Change every tensor of `averages` in place; `weights` stay as they are.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("training.loop.trainer",),
    hints=(
        "A new tensor in the list is not the caller's: mean = ... changes nothing outside.",
        "mean.lerp_(weight, share) moves a mean by that share of the way, in place.",
        "for mean, weight in zip(averages, weights): mean.lerp_(weight, 1 - kept)",
    ),
    run="groundup --mine my run demo-fast --set train.ema_decay=0.99",
    changes=("averages",),
    checks=(
        the_callers_means_change,
        several_tensors,
        weights_that_stay_are_their_mean,
        a_share_of_the_way,
        the_beginning_is_soon_forgotten,
        fast_enough,
    ),
    mutants=(
        Mutant("the first tensor", "several tensors", edits=((MOVE, "averages[0].lerp_(weights[0], 1 - kept)"),)),
        Mutant(
            "new tensors",
            "as they were",
            edits=((MOVE, "averages = [kept * a + (1 - kept) * w for a, w in zip(averages, weights)]"),),
        ),
        Mutant(
            "the sum",
            "Moves a mean away",
            edits=((MOVE, "torch._foreach_add_(list(averages), list(weights), alpha=1 - kept)"),),
        ),
        Mutant(
            "shares exchanged",
            "the wrong way round",
            edits=((MOVE, "torch._foreach_lerp_(list(averages), list(weights), kept)"),),
        ),
        Mutant(
            "the weight",
            "Takes the weight itself",
            edits=((MOVE, "torch._foreach_copy_(list(averages), list(weights))"),),
        ),
        Mutant("no bound", "from the first step on", edits=((KEPT, "kept = decay"),)),
        Mutant("from 0", "Counts steps from 0", edits=((KEPT, "kept = min(decay, step / (9 + step))"),)),
        Mutant("another bound", "Keeps step / (10 + step)", edits=((KEPT, "kept = min(decay, step / (10 + step))"),)),
        Mutant(
            "a loop over numbers",
            "far slower",
            source="""
            def average_(averages, weights, decay, step):
                kept = min(decay, (1 + step) / (10 + step))
                for mean, weight in zip(averages, weights):
                    flat, other = mean.view(-1), weight.reshape(-1)
                    for place in range(len(flat)):
                        flat[place] = kept * flat[place] + (1 - kept) * other[place]
            """,
        ),
    ),
)
