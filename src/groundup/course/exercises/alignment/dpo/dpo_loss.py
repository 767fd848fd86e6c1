"""Exercise: the loss of direct preference optimisation."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape, that


def numbers(*values):
    """One number a pair."""
    import torch

    return torch.tensor(values)


def pairs(count, seed=0):
    """Log-probabilities of chosen and rejected answers under the policy, then under the reference."""
    import torch

    source = torch.Generator().manual_seed(seed)
    return [-5 * torch.rand(count, generator=source, dtype=torch.float64) for _ in range(4)]


def by_sigmoid(chosen, rejected, reference_chosen, reference_rejected, beta=0.1, smoothing=0.0):
    """The same through the probability that chosen beats rejected."""
    right = (beta * (chosen - reference_chosen - rejected + reference_rejected)).sigmoid()
    return -(1 - smoothing) * right.log() - smoothing * (1 - right).log()


@check("shape")
def one_loss_for_each_pair(mine):
    """Gives another shape than one loss for each pair: whoever calls it takes the mean."""
    for count in (1, 3):
        shape(mine(*pairs(count)), (count,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the log-probabilities."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(*(one.to(kind) for one in pairs(2))), kind)


@check("finite")
def a_pair_that_is_wholly_wrong_has_a_loss(mine):
    """Takes the logarithm of a sigmoid that rounded to 0: logsigmoid is exact there."""
    for far in (200.0, 2000.0):
        finite(mine(numbers(-far), numbers(-1.0), numbers(-1.0), numbers(-far), 1.0))


@check("invariant")
def where_nothing_moved_the_coin_is_even(mine):
    """Is not log 2 where policy and reference agree: what counts is how far each answer moved from the reference."""
    for smoothing in (0.0, 0.2):
        same(mine(numbers(-3.0, -1.0), numbers(-2.0, -9.0), numbers(-3.0, -1.0), numbers(-2.0, -9.0), 1.0, smoothing),
             numbers(math.log(2), math.log(2)))  # fmt: skip


@check("values")
def better_is_a_smaller_loss(mine):
    """The sign is turned round: where the chosen answer gained on the rejected one, the loss is below log 2."""
    got = mine(numbers(-1.0), numbers(-4.0), numbers(-2.0), numbers(-3.0), 1.0)
    that(got[0] < math.log(2), expected="below 0.6931", got=got)


@check("values")
def both_answers_count(mine):
    """Looks at one answer of the pair only: the gain of the chosen minus the gain of the rejected."""
    got = mine(numbers(-2.0), numbers(-4.0), numbers(-2.0), numbers(-3.0), 1.0)
    same(got, numbers(math.log1p(math.exp(-1.0))))
    same(mine(numbers(-1.0), numbers(-3.0), numbers(-2.0), numbers(-3.0), 1.0), numbers(math.log1p(math.exp(-1.0))))


@check("values")
def beta_scales_the_margin(mine):
    """Does not use beta as it is given: the margin is multiplied by it inside the sigmoid, and the loss outside is not."""
    for beta in (0.1, 0.5, 2.0):
        loss = math.log1p(math.exp(-2 * beta))
        mistakes = {
            "Multiplies the loss by beta too: only the margin has it.": numbers(beta * loss),
            "Divides the margin by beta: a small beta lets the policy go far, so it multiplies.": numbers(
                math.log1p(math.exp(-2 / beta))
            ),
        }
        same(mine(numbers(-1.0), numbers(-4.0), numbers(-2.0), numbers(-3.0), beta), numbers(loss), mistakes=mistakes)


@check("values")
def smoothing_is_a_share_of_labels_that_are_wrong(mine):
    """Does not take `smoothing` as the share of pairs whose order is wrong: that share is the loss of the pair turned round."""
    for smoothing in (0.1, 0.3):
        chosen, rejected, before, after = pairs(4)
        expected = by_sigmoid(chosen, rejected, before, after, 0.5, smoothing)
        same(mine(chosen, rejected, before, after, 0.5, smoothing), expected)


@check("gradient")
def the_gradient_reaches_both_answers(mine):
    """The loss is right and its gradient is not: it reaches the chosen and the rejected answer alike."""
    chosen, rejected, *reference = pairs(3)
    gradients(
        lambda one, other: mine(one, other, *reference),
        lambda one, other: by_sigmoid(one, other, *reference),
        [chosen, rejected],
    )


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: one expression for all pairs."""
    from groundup.alignment.dpo.dpo import dpo_loss

    fast(mine, dpo_loss, tuple(pairs(4000)))


BODY = "margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))"
RETURN = "return -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)"
EXERCISE = Exercise(
    slot="alignment.dpo.dpo_loss",
    title="DPO: the loss of a pair",
    task="""
    Somebody preferred one answer to another. How much likelier has the policy made each of them than the reference, as
    a log-ratio? Times beta that is the reward which the policy implies, and Bradley and Terry say: the chosen answer wins
    with the probability sigmoid(reward of chosen - reward of rejected). The loss of the pair is minus the logarithm of
    that probability. With `smoothing` above 0 that share of the labels is taken to be wrong: it weighs the loss of the
    pair turned round, the rest weighs the loss as it is. All four arguments are log-probabilities of whole answers.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("alignment.dpo.dpo",),
    hints=(
        "chosen - reference_chosen is the log-ratio of the chosen answer: above 0 where it became likelier.",
        "The margin is beta times the difference of the two log-ratios, and torch.nn.functional.logsigmoid(margin) is exact however far it is from 0.",
        "1 - sigmoid(margin) is sigmoid(-margin): the loss is -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin).",
    ),
    run="groundup --mine my learn lesson alignment.dpo.dpo --run",
    checks=(
        one_loss_for_each_pair, the_dtype_stays, a_pair_that_is_wholly_wrong_has_a_loss, where_nothing_moved_the_coin_is_even,
        better_is_a_smaller_loss, both_answers_count, beta_scales_the_margin, smoothing_is_a_share_of_labels_that_are_wrong,
        the_gradient_reaches_both_answers, all_pairs_at_once,
    ),
    mutants=(
        Mutant("the mean", "another shape", edits=((RETURN, f"return ({RETURN[7:]}).mean()"),)),
        Mutant("in double", "another dtype", edits=((BODY, BODY + "\n    margin = margin.double()"),)),
        Mutant("log of sigmoid", "rounded to 0", edits=(("logsigmoid(margin)", "margin.sigmoid().log()"),)),
        Mutant("no reference", "how far each answer moved", edits=((BODY, "margin = beta * (chosen - rejected)"),)),
        Mutant("turned round", "The sign is turned round", edits=((BODY, BODY.replace("beta *", "-beta *")),)),
        Mutant("only the chosen", "one answer of the pair only", edits=((BODY, "margin = beta * (chosen - reference_chosen)"),)),
        Mutant("beta outside too", "only the margin has it", edits=((RETURN, f"return beta * ({RETURN[7:]})"),)),
        Mutant("beta divides", "Divides the margin by beta", edits=(("margin = beta *", "margin = 1 / beta *"),)),
        Mutant("no smoothing", "share of pairs whose order is wrong", edits=((RETURN, "return -logsigmoid(margin)"),)),
        Mutant("the rejected is fixed", "reaches the chosen and the rejected", edits=(("(rejected - ref", "(rejected.detach() - ref"),)),
    ),
)  # fmt: skip
