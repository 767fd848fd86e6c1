"""Exercise: the loss of answers that were called good or bad one by one."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape, that


def of(ratios, good, divergence=0.0):
    """Log-ratios, which answers are good, and the divergence."""
    import torch

    return torch.tensor(ratios), torch.tensor(good), torch.tensor(divergence)


def numbers(*values):
    """One number an answer."""
    import torch

    return torch.tensor(values)


def sigmoid(number):
    """Of a plain number."""
    return 1 / (1 + math.exp(-number))


@check("shape")
def one_loss_for_each_answer(mine):
    """Gives another shape than one loss for each answer, in the order of the answers."""
    for good in ([True], [True, False, False]):
        shape(mine(*of([0.5] * len(good), good)), (len(good),))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the log-ratios."""
    import torch

    ratios, good, divergence = of([1.0, 2.0], [True, False], 0.5)
    for kind in (torch.float32, torch.float64):
        dtype(mine(ratios.to(kind), good, divergence.to(kind)), kind)


@check("finite")
def far_away_is_finite(mine):
    """Overflows for log-ratios far from 0: sigmoid does not."""
    for ratio in (300.0, -3000.0):
        finite(mine(*of([ratio, ratio], [True, False]), 1.0))


@check("invariant")
def good_and_bad_mirror_each_other(mine):
    """A good answer at a log-ratio and a bad one as far on the other side of the divergence have the same loss."""
    for divergence, beyond in ((0.0, 1.0), (0.5, 2.0)):
        got = mine(*of([divergence + beyond, divergence - beyond], [True, False], divergence), 0.3)
        same(got[:1], got[1:])


@check("values")
def good_answers_want_to_rise(mine):
    """The sign is turned round: a good answer that became likelier has a loss below a half, a bad one above it."""
    got = mine(*of([2.0, 2.0], [True, False]), 1.0)
    that(got[0] < 0.5 < got[1], expected="below 0.5, then above", got=got)


@check("values")
def it_is_one_minus_a_probability(mine):
    """Is not 1 - sigmoid(beta times what lies beyond the divergence), for a bad answer with the sign turned."""
    import torch

    for beta in (0.1, 1.0):
        mistakes = {
            "Takes the logarithm: KTO's loss is 1 - sigmoid itself, so that hopeless answers stop pulling.": torch.tensor(
                [-math.log(sigmoid(2 * beta)), -math.log(sigmoid(-beta))]
            ),
            "Forgets the divergence: an answer counts by how far it went beyond it.": torch.tensor(
                [1 - sigmoid(3 * beta), 1 - sigmoid(-2 * beta)]
            ),
        }
        wanted = numbers(1 - sigmoid(2 * beta), 1 - sigmoid(-beta))
        same(mine(*of([3.0, 2.0], [True, False], 1.0), beta), wanted, mistakes=mistakes)


@check("values")
def a_divergence_is_never_below_zero(mine):
    """Uses an estimate of the divergence that is below 0: a true divergence cannot be, so it counts as 0."""
    for low in (-3.0, -0.5):
        same(mine(*of([1.0, 1.0], [True, False], low), 0.5), numbers(1 - sigmoid(0.5), 1 - sigmoid(-0.5)))


@check("values")
def the_weights_are_the_callers(mine):
    """Does not weigh: a good answer's loss has desirable_weight, a bad one's undesirable_weight."""
    got = mine(*of([0.0, 0.0, 0.0], [True, False, True]), 1.0, 2.0, 3.0)
    mistakes = {"Swaps the weights: desirable_weight belongs to good answers.": numbers(1.5, 1.0, 1.5)}
    same(got, numbers(1.0, 1.5, 1.0), mistakes=mistakes)


@check("gradient")
def the_divergence_is_a_constant(mine):
    """Sends a gradient into the divergence, or none into the log-ratios: it is a point of comparison, detach() it."""
    import torch

    ratios, good, _ = of([1.0, -1.0], [True, False])
    sign = torch.tensor([1.0, -1.0])
    gradients(
        lambda leaf: mine(leaf, good, leaf.mean() + 0.5, 0.5),
        lambda leaf: 1 - (0.5 * sign * (leaf - 0.5)).sigmoid(),
        [ratios],
    )


@check("speed")
def all_answers_at_once(mine):
    """Is far slower than the reference: torch.where chooses between the two losses for all answers at once."""
    import torch

    from groundup.alignment.dpo.dpo import kto_loss

    source = torch.Generator().manual_seed(0)
    ratios = torch.randn(8000, generator=source)
    fast(mine, kto_loss, (ratios, ratios.flip(0) > 0, torch.tensor(0.1)))


BEYOND = "beyond = beta * (log_ratios - divergence.detach().clamp(min=0))"
LOGARITHMS = (
    ("(1 - beyond.sigmoid())", "-torch.nn.functional.logsigmoid(beyond)"),
    ("(1 - (-beyond).sigmoid())", "-torch.nn.functional.logsigmoid(-beyond)"),
)
SWAPPED = (
    ("good = desirable_weight", "good = undesirable_weight"),
    ("bad = undesirable_weight", "bad = desirable_weight"),
)
EXERCISE = Exercise(
    slot="alignment.dpo.kto_loss",
    title="KTO: a thumb up or down",
    task="""
    Pairs are rare; thumbs up and down are everywhere. Each answer has its log-ratio, how much likelier it is under the policy
    than under the reference, and each was called good or bad. People feel gains and losses against a point of reference:
    here it is `divergence`, how far the policy went on the whole (at least 0, and a constant for the gradient). What lies
    beyond it, times beta, goes into a sigmoid: the loss of a good answer is 1 - sigmoid of it, that of a bad one 1 - sigmoid
    of minus it. Good and bad answers have weights of their own, as there may be many more of one kind.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("alignment.dpo.dpo", "alignment.dpo.dpo_loss"),
    hints=(
        "divergence.detach().clamp(min=0) is the point of reference: an estimate below 0 is only noise.",
        "beyond = beta * (log_ratios - that); a bad answer wants it to be low, so it takes (-beyond).sigmoid().",
        "torch.where(desirable, good, bad) takes each answer's own loss; multiply both by their weights first.",
    ),
    run="groundup --mine my learn lesson alignment.dpo.dpo --run",
    checks=(
        one_loss_for_each_answer, the_dtype_stays, far_away_is_finite, good_and_bad_mirror_each_other, good_answers_want_to_rise,
        it_is_one_minus_a_probability, a_divergence_is_never_below_zero, the_weights_are_the_callers, the_divergence_is_a_constant,
        all_answers_at_once,
    ),
    mutants=(
        Mutant("the sum", "another shape", edits=(("return torch.where(desirable, good, bad)", "return torch.where(desirable, good, bad).sum()"),)),
        Mutant("in double", "another dtype", edits=((BEYOND, BEYOND + "\n    beyond = beyond.double()"),)),
        Mutant("exp of a large number", "Overflows", edits=(("(1 - beyond.sigmoid())", "(1 - beyond.exp() / (1 + beyond.exp()))"),)),
        Mutant("bad as good", "as far on the other side", edits=(("(-beyond).sigmoid()", "beyond.sigmoid()"),)),
        Mutant("swapped", "The sign is turned round", edits=(("torch.where(desirable, good, bad)", "torch.where(desirable, bad, good)"),)),
        Mutant("logarithm", "Takes the logarithm", edits=LOGARITHMS),
        Mutant("no floor", "below 0", edits=((".clamp(min=0)", ""),)),
        Mutant("weights swapped", "Swaps the weights", edits=SWAPPED),
        Mutant("a gradient into the divergence", "Sends a gradient", edits=((".detach()", ""),)),
    ),
)  # fmt: skip
