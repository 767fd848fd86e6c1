"""Exercise: what was to be expected of an answer is the mean of the others."""

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
def equal_rewards_divide_by_nothing(mine):
    """Divides by a deviation: RLOO subtracts and divides by no more than the number of the others."""
    for group in ([0.0, 0.0], [1.0, 1.0, 1.0]):
        finite(mine(rewards_of(group)))


@check("invariant")
def equal_rewards_teach_nothing(mine):
    """Equal rewards give an advantage that is not exactly 0: take one reward of the group from all of them before summing, so that they are zeros."""
    for size in range(2, 9):
        for reward in (0.3, 0.35, 0.1):
            made = mine(rewards_of([reward] * size))
            that((made == 0).all(), expected="exactly 0", got=made)


@check("values")
def better_is_above_zero(mine):
    """The sign is turned round: an answer better than the others has an advantage above 0."""
    made = mine(rewards_of([0.0, 1.0]))
    that(made[0, 1] > 0, expected="above 0 for the reward 1", got=made)


@check("values")
def a_group_is_judged_by_itself(mine):
    """Lets another group change an advantage: the others are the other answers to the same task."""
    same(mine(rewards_of([0.0, 1.0], [10.0, 11.0])), rewards_of([-1.0, 1.0], [-1.0, 1.0]))


@check("values")
def the_answer_itself_is_not_among_the_others(mine):
    """Is not the reward less the mean of the others."""
    import torch

    for group in ([0.0, 4.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0, 6.0]):
        rewards = rewards_of(group)
        others = [(sum(group) - one) / (len(group) - 1) for one in group]
        mistakes = {
            "Subtracts the mean of all: the answer's own reward is in its baseline, which makes every push too small.": rewards
            - rewards.mean(1, keepdim=True),
            "Subtracts the sum of the others: divide it by how many they are.": rewards
            - (rewards.sum(1, keepdim=True) - rewards),
            "Divides the sum of the others by all answers: they are one fewer.": rewards
            - (rewards.sum(1, keepdim=True) - rewards) / len(group),
        }
        same(mine(rewards), rewards - torch.tensor([others]), mistakes=mistakes)


@check("speed")
def all_groups_at_once(mine):
    """Is far slower than the reference: the sum of a row less the answer's own reward, no loop over answers."""
    import torch

    from groundup.alignment.rloo import rloo_advantages

    fast(mine, rloo_advantages, (torch.rand(512, 16, generator=torch.Generator().manual_seed(0)),))


EXERCISE = Exercise(
    slot="alignment.rloo.rloo_advantages",
    title="RLOO: an answer against the others",
    task="""
    Several answers to one task were judged. What was to be expected of one of them? The mean of the others, who answered the
    same task: subtract it. The answer's own reward must not be in the mean, or it would praise itself less than it deserves.
    Equal rewards teach nothing and must give exactly 0, whatever floats make of their mean (seven times 0.35).
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("alignment.rloo.rloo",),
    hints=(
        "The sum of the others is the sum of the row less the answer's own reward: no loop is needed.",
        "Divide it by rewards.shape[1] - 1.",
        "Take rewards[:, :1] from all rewards of the row first: an advantage does not change by that, and equal rewards are exact zeros.",
    ),
    run="groundup demo --fast && groundup --mine my align runs/demo-fast/model --method rloo --set align.steps=2 --set align.prompts_per_step=8",
    checks=(
        one_advantage_for_each_answer,
        the_dtype_stays,
        equal_rewards_divide_by_nothing,
        equal_rewards_teach_nothing,
        better_is_above_zero,
        a_group_is_judged_by_itself,
        the_answer_itself_is_not_among_the_others,
        all_groups_at_once,
    ),
    mutants=(
        Mutant(
            "one number a group",
            "another shape",
            edits=(("return shifted - others", "return (shifted - others).amax(1)"),),
        ),
        Mutant(
            "in double", "another dtype", edits=(("return shifted - others", "return (shifted - others).double()"),)
        ),
        Mutant(
            "in deviations",
            "Divides by a deviation",
            edits=(("return shifted - others", "return (shifted - others) / rewards.std(1, keepdim=True)"),),
        ),
        Mutant("the mean of floats", "not exactly 0", edits=(("rewards - rewards[:, :1]", "rewards"),)),
        Mutant(
            "others less the answer",
            "The sign is turned round",
            edits=(("return shifted - others", "return others - shifted"),),
        ),
        Mutant(
            "the sum of the others",
            "divide it by how many they are",
            edits=((" / (rewards.shape[1] - 1)", ""),),
        ),
        Mutant(
            "the whole batch",
            "Lets another group change",
            edits=(
                ("rewards - rewards[:, :1]", "rewards - rewards[:1, :1]"),
                (
                    "(shifted.sum(1, keepdim=True) - shifted) / (rewards.shape[1] - 1)",
                    "(shifted.sum() - shifted) / (rewards.numel() - 1)",
                ),
            ),
        ),
    ),
)
