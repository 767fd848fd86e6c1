"""Exercise: how much better an answer is than the other answers to the same task."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape, that


def rewards_of(*groups):
    """One row a group."""
    import torch

    return torch.tensor(groups)


@check("shape")
def one_advantage_for_each_answer(mine):
    """Gives another shape than that of the rewards: every answer of every group has an advantage of its own."""
    import torch

    for groups, samples in ((1, 2), (3, 4)):
        shape(mine(torch.arange(groups * samples).float().reshape(groups, samples)), (groups, samples))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the rewards."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.tensor([[0.0, 1.0]], dtype=kind)), kind)


@check("finite")
def equal_rewards_do_not_divide_by_zero(mine):
    """Divides by a deviation of 0 where all answers of a group have the same reward."""
    for group in ([0.0, 0.0], [1.0, 1.0, 1.0]):
        finite(mine(rewards_of(group)))


@check("invariant")
def the_advantages_of_a_group_cancel(mine):
    """The advantages of a group do not sum to 0: subtract the mean of the group itself, not that of the whole batch."""
    for rewards in (rewards_of([0.0, 1.0]), rewards_of([0.0, 1.0], [5.0, 9.0])):
        for scaled in (False, True):
            same(mine(rewards, scaled).sum(1), 0 * rewards[:, 0], rtol=0, atol=1e-5)


@check("invariant")
def equal_rewards_teach_nothing(mine):
    """Equal rewards give an advantage that is not exactly 0: the float mean of seven times 0.35 is not 0.35, so compare with one of them first."""
    for size in range(2, 9):
        for reward in (0.3, 0.35, 0.1):
            for scaled in (False, True):
                rewards = rewards_of([reward] * size)
                that((mine(rewards, scaled) == 0).all(), expected="exactly 0", got=mine(rewards, scaled))


@check("values")
def better_is_above_zero(mine):
    """The sign is turned round: an answer better than its group has an advantage above 0."""
    that(mine(rewards_of([0.0, 1.0]))[0, 1] > 0, expected="above 0 for the reward 1", got=mine(rewards_of([0.0, 1.0])))


@check("values")
def not_scaled_when_not_asked(mine):
    """Divides by the deviation although scaled is False: only the mean is taken away then."""
    same(mine(rewards_of([0.0, 4.0]), False), rewards_of([-2.0, 2.0]))


@check("values")
def in_deviations_of_the_group(mine):
    """The unit is not the group's deviation: the root of the mean square distance from the mean, group by group."""
    import torch

    for rewards in (rewards_of([0.0, 4.0]), rewards_of([0.0, 0.0, 3.0]), rewards_of([0.0, 1.0], [0.0, 10.0])):
        centred = rewards - rewards.mean(1, keepdim=True)
        over_n, over_less = (torch.std(rewards, dim=1, correction=taken, keepdim=True) for taken in (0, 1))
        mistakes = {
            "Divides by the deviation over n - 1: the rewards are the whole group and no sample of it, so divide by n.": centred
            / over_less,
            "Divides by the variance: take its root, so that the unit is that of the rewards.": centred / over_n**2,
            "Divides by the deviation of the whole batch: each task is as hard as its own group says.": centred
            / centred.square().mean().sqrt(),
        }
        same(mine(rewards), centred / over_n, rtol=1e-4, mistakes=mistakes)


@check("values")
def small_differences_stay_small(mine):
    """Blows up a difference that is only rounding: the deviation must not count as less than LEAST_DEVIATION."""
    same(mine(rewards_of([0.0, 2e-4])), rewards_of([-0.01, 0.01]), rtol=1e-3)


@check("speed")
def all_groups_at_once(mine):
    """Is far slower than the reference: one expression for all groups, with keepdim=True, in place of a loop."""
    import torch

    from groundup.alignment.grpo import group_advantages

    fast(mine, group_advantages, (torch.rand(512, 16, generator=torch.Generator().manual_seed(0)),))


EXERCISE = Exercise(
    slot="alignment.grpo.group_advantages",
    title="GRPO: the advantage of an answer in its group",
    task="""
    Reinforcement needs to know which answers were better than expected. GRPO asks the model for several answers to each
    task and lets the group say what was to be expected: the advantage of an answer is its reward minus the mean of its
    group, in units of the group's standard deviation when `scaled`. A group whose answers all got the same reward teaches
    nothing and must give exactly 0, whatever its floats round to; and a deviation below LEAST_DEVIATION is rounding, so
    divide by LEAST_DEVIATION in its place.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("alignment.grpo.grpo",),
    hints=(
        "rewards.mean(1, keepdim=True) is one number a group, and keeps its place for the subtraction.",
        "Subtract the first reward of the group from all of them before taking the mean: equal rewards are then zeros, exactly.",
        "The deviation is centred.square().mean(1, keepdim=True).sqrt(), and .clamp(min=LEAST_DEVIATION) keeps it away from 0.",
    ),
    run="groundup demo --fast && groundup --mine my align runs/demo-fast/model --set align.steps=2 --set align.prompts_per_step=4",
    checks=(
        one_advantage_for_each_answer,
        the_dtype_stays,
        equal_rewards_do_not_divide_by_zero,
        the_advantages_of_a_group_cancel,
        equal_rewards_teach_nothing,
        better_is_above_zero,
        not_scaled_when_not_asked,
        in_deviations_of_the_group,
        small_differences_stay_small,
        all_groups_at_once,
    ),
    mutants=(
        Mutant(
            "one number a group",
            "another shape",
            edits=(("    return centred / centred", "    return (centred.amax(1) / 2)\n    return centred / centred"),),
        ),
        Mutant(
            "the mean of the batch",
            "that of the whole batch",
            edits=(
                ("shifted = rewards - rewards[:, :1]", "shifted = rewards - rewards[:1, :1]"),
                ("shifted.mean(1, keepdim=True)", "shifted.mean()"),
            ),
        ),
        Mutant(
            "no floor under the deviation", "Divides by a deviation of 0", edits=((".clamp(min=LEAST_DEVIATION)", ""),)
        ),
        Mutant("a tiny floor", "only rounding", edits=((".clamp(min=LEAST_DEVIATION)", ".clamp(min=1e-8)"),)),
        Mutant("the mean of floats", "not exactly 0", edits=(("rewards - rewards[:, :1]", "rewards"),)),
        Mutant(
            "mean minus reward",
            "The sign is turned round",
            edits=(("shifted - shifted.mean(1, keepdim=True)", "shifted.mean(1, keepdim=True) - shifted"),),
        ),
        Mutant(
            "scaled always", "although scaled is False", edits=(("    if not scaled:\n        return centred\n", ""),)
        ),
        Mutant(
            "deviation over n - 1",
            "no sample of it",
            edits=(("centred.square().mean(1, keepdim=True).sqrt()", "centred.std(1, keepdim=True)"),),
        ),
        Mutant(
            "the deviation of the batch",
            "deviation of the whole batch",
            edits=((".mean(1, keepdim=True).sqrt()", ".mean().sqrt()"),),
        ),
        Mutant(
            "the variance",
            "Divides by the variance",
            edits=((".mean(1, keepdim=True).sqrt()", ".mean(1, keepdim=True)"),),
        ),
        Mutant(
            "in place",
            "Changes its argument rewards in place",
            edits=(("rewards - rewards[:, :1]", "rewards.sub_(rewards[:, :1].clone())"),),
        ),
        Mutant(
            "in double", "another dtype", edits=(("rewards - rewards[:, :1]", "(rewards - rewards[:, :1]).double()"),)
        ),
        Mutant(
            "noise against ties",
            "Draws random numbers from torch's global generator",
            edits=(
                ("from torch import Tensor", "import torch\nfrom torch import Tensor"),
                ("rewards - rewards[:, :1]", "rewards - rewards[:, :1] + 0 * torch.rand(1)"),
            ),
        ),
        Mutant(
            "a list of rows",
            "Returns list where Tensor is expected",
            edits=(("return centred / centred", "return [row for row in centred]\n    return centred / centred"),),
        ),
        Mutant(
            "a loop over answers",
            "far slower than the reference",
            edits=(
                (
                    "    if not scaled:",
                    "    for row in rewards:\n        for reward in row:\n            float(reward)\n    if not scaled:",
                ),
            ),
        ),
    ),
)
