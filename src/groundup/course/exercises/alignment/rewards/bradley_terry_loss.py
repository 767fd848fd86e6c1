"""Exercise: the loss of a pair of which one answer was preferred."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, finite, gradients, same, shape


def numbers(*values):
    """One number a pair."""
    import torch

    return torch.tensor(values)


def by_definition(chosen, rejected, margin=0.0, centre=0.0):
    """-log sigmoid, and the pull to the middle."""
    import torch

    return -torch.log(torch.sigmoid(chosen - rejected - margin)) + centre * (chosen + rejected) ** 2


@check("shape")
def one_loss_for_each_pair(mine):
    """Gives another shape than one loss for each pair: whoever calls it takes the sum or the mean."""
    for count in (1, 2, 5):
        shape(mine(numbers(*[1.0] * count), numbers(*[0.5] * count)), (count,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the scores."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(numbers(1.0).to(kind), numbers(0.0).to(kind)), kind)


@check("finite")
def a_very_wrong_order_has_a_finite_loss(mine):
    """Takes the logarithm of a probability that was rounded to 0: softplus of the difference, or logsigmoid, does not."""
    for gap in (10.0, 200.0, 1000.0):
        finite(mine(numbers(-gap), numbers(gap)))


@check("invariant")
def equal_scores_cost_a_coin(mine):
    """Is not log 2 where both scores are equal: the model then says one half, whatever the level of the scores."""
    same(mine(numbers(0.0, 5.0), numbers(0.0, 5.0)), numbers(math.log(2), math.log(2)))


@check("values")
def the_chosen_score_should_be_the_larger(mine):
    """Is not -log sigmoid(chosen - rejected)."""
    for chosen, rejected in ((2.0, 0.0), (0.0, 1.0), (-1.0, 0.5)):
        right = by_definition(numbers(chosen), numbers(rejected))
        mistakes = {
            "The order is turned round: the loss must fall when the chosen score rises.": by_definition(
                numbers(rejected), numbers(chosen)
            ),
            "The sign is turned round: the surprise is minus the logarithm.": -right,
            "Is 1 - probability: the surprise is minus its logarithm.": 1 - (-right).exp(),
        }
        same(mine(numbers(chosen), numbers(rejected)), right, mistakes=mistakes)


@check("values")
def the_margin_is_asked_between_the_scores(mine):
    """Does not ask for the margin: the chosen score should be larger by it, so it is taken off the difference."""
    given = numbers(2.0, 2.0), numbers(1.0, 1.0), numbers(0.0, 1.0)
    mistakes = {
        "Adds the margin to the difference: that asks for less, not for more.": by_definition(
            given[0], given[1], -given[2]
        )
    }
    same(mine(*given), by_definition(*given), mistakes=mistakes)


@check("values")
def the_sum_is_pulled_to_zero(mine):
    """Does not pull the two scores' sum to 0 by `centre` times its square."""
    given = numbers(2.0, -1.0), numbers(1.0, 3.0)
    plain = by_definition(*given)
    mistakes = {
        "Pulls the difference: it is the sum that should be 0, the difference is what is learned.": plain
        + 0.1 * (given[0] - given[1]) ** 2,
        "Pulls each score by itself: the sum alone is pulled.": plain + 0.1 * (given[0] ** 2 + given[1] ** 2),
        "Takes the sum without its square.": plain + 0.1 * (given[0] + given[1]),
        "Leaves the pull out.": plain,
    }
    same(mine(*given, 0.0, 0.1), by_definition(*given, 0.0, 0.1), mistakes=mistakes)


@check("gradient")
def the_gradient_is_the_probability_of_the_wrong_order(mine):
    """The loss is right and its gradient is not: no detach, no clamp."""
    for values in ((2.0, 0.0, -1.0), (0.5, 0.1, 3.0)):
        chosen, rejected = numbers(*values), numbers(*reversed(values))
        gradients(
            lambda leaf, rejected=rejected: mine(leaf, rejected, 0.0, 0.01),
            lambda leaf, rejected=rejected: by_definition(leaf, rejected, 0.0, 0.01),
            [chosen],
        )


LINE = "torch.nn.functional.softplus(rejected - chosen + margin)"

EXERCISE = Exercise(
    slot="alignment.rewards.bradley_terry_loss",
    title="A reward model: the loss of a preference",
    task="""
    Somebody preferred one answer to another. A reward model gives both a score, and by Bradley and Terry the probability of that
    preference is the sigmoid of the difference, less the `margin` by which the chosen one should lead. The loss is the surprise, minus its
    logarithm, one number a pair; to it comes `centre` times the squared sum of both scores, since differences alone leave the level open.
    It must be finite however wrong the order is.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("alignment.rewards.reward_model",),
    hints=(
        "Only the difference of the scores counts for the preference: chosen - rejected - margin.",
        "-log(sigmoid(x)) is softplus(-x), and torch.nn.functional.softplus does not overflow.",
        "The pull is centre * (chosen + rejected).square().",
    ),
    run="groundup demo --fast && groundup --mine my align runs/demo-fast/model --method reward --set reward.pairs=200",
    checks=(
        one_loss_for_each_pair,
        the_dtype_stays,
        a_very_wrong_order_has_a_finite_loss,
        equal_scores_cost_a_coin,
        the_chosen_score_should_be_the_larger,
        the_margin_is_asked_between_the_scores,
        the_sum_is_pulled_to_zero,
        the_gradient_is_the_probability_of_the_wrong_order,
    ),
    mutants=(
        Mutant(
            "a rounded probability",
            "rounded to 0",
            edits=((LINE, "-torch.log(torch.sigmoid(chosen - rejected - margin))"),),
        ),
        Mutant(
            "rejected above chosen",
            "must fall when the chosen score rises",
            edits=((LINE, "torch.nn.functional.softplus(chosen - rejected + margin)"),),
        ),
        Mutant("the margin helps", "asks for less", edits=(("chosen + margin", "chosen - margin"),)),
        Mutant("no margin", "Does not ask for the margin", edits=(("chosen + margin", "chosen"),)),
        Mutant(
            "the difference pulled",
            "Pulls the difference",
            edits=(("(chosen + rejected).square()", "(chosen - rejected).square()"),),
        ),
        Mutant(
            "each score pulled",
            "Pulls each score",
            edits=(("(chosen + rejected).square()", "(chosen.square() + rejected.square())"),),
        ),
        Mutant("no pull", "Leaves the pull out", edits=((" + centre * (chosen + rejected).square()", ""),)),
        Mutant(
            "a detached score",
            "its gradient is not",
            edits=((LINE, "torch.nn.functional.softplus(rejected - chosen.detach() + margin)"),),
        ),
    ),
)
