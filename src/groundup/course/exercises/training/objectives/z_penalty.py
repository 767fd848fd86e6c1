"""Exercise: the penalty that keeps the scores of a head from drifting."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


def penalty(mine, rows):
    """What comes back for some rows of scores, as a number."""
    import torch

    return float(mine(torch.tensor(rows)))


@check("shape")
def one_number(mine):
    """Gives something else than one number: the sum over all tokens."""
    import torch

    got = mine(torch.zeros(3, 4))
    that(
        isinstance(got, torch.Tensor) and got.shape == (),
        expected="a tensor without axes",
        got=getattr(got, "shape", got),
    )


@check("finite")
def large_scores(mine):
    """Overflows: exp(1000) is no number of fp32; take log Z by a function that subtracts the largest score first."""
    import torch

    got = mine(torch.tensor([[1000.0, 0.0], [-1000.0, -1000.0]]))
    that(bool(torch.isfinite(got)), expected="a finite number", got=got)


@check("values")
def one_token(mine):
    """Gives another number than log^2 Z for a token whose Z is 4 (log 4 = 1.386)."""
    got = penalty(mine, [[0.0, 0.0, 0.0, 0.0]])
    mistakes = {
        "Leaves log Z as it is: the penalty is its square, so that it pulls from both sides.": 1.3862944,
        "Takes the square of Z, not of its logarithm.": 16.0,
        "Penalises the scores themselves, which are 0 here; what drifts is the logarithm of the sum of their exponentials.": 0.0,
    }
    for sentence, wrong in mistakes.items():
        that(abs(got - wrong) > 1e-4, sentence, expected=1.3862944**2, got=got)
    same(got, 1.3862944**2, rtol=1e-5)


@check("values")
def over_tokens(mine):
    """Does not add the tokens up: a loss that is summed needs a penalty that is summed, or it weighs less the larger the batch."""
    one, three = penalty(mine, [[1.0, 2.0]]), penalty(mine, [[1.0, 2.0]] * 3)
    mistakes = {
        "Takes the mean over the tokens; the sum is asked for.": one,
        "Squares the sum of the tokens' log Z; then one 5 above and one 5 below 0 cost nothing.": 9 * one,
    }
    for sentence, wrong in mistakes.items():
        that(abs(three - wrong) > 1e-3, sentence, expected=3 * one, got=three)
    same(three, 3 * one, rtol=1e-5)


@check("values")
def a_row_is_a_token(mine):
    """Sums over the wrong axis: Z belongs to a token and goes over the vocabulary."""
    import math

    same(penalty(mine, [[0.0, 0.0, 0.0]]), math.log(3) ** 2, rtol=1e-5)
    same(penalty(mine, [[0.0], [0.0], [0.0]]), 0.0, atol=1e-6)


@check("gradient")
def towards_zero(mine):
    """Gives another gradient than 2 log Z softmax; every operation must be torch's."""
    import torch

    scores = torch.tensor([[2.0, 1.0, 0.0], [-4.0, -3.0, -9.0]], requires_grad=True)
    try:
        mine(scores).backward()
    except RuntimeError as error:
        raise Failed(expected="a gradient", got=str(error)) from None
    log_z = torch.logsumexp(scores.detach(), 1, keepdim=True)
    expected = 2 * log_z * torch.softmax(scores.detach(), 1)
    that(
        scores.grad is not None and torch.allclose(scores.grad, expected, atol=1e-5), expected=expected, got=scores.grad
    )


BODY = "torch.logsumexp(scores, dim=1).square().sum()"

EXERCISE = Exercise(
    slot="training.objectives.z_penalty",
    title="The z-loss",
    task="""
    A softmax does not change when one number is added to all scores of a token, so nothing holds log Z, the logarithm of the sum
    of their exponentials, where it is. Give the sum over the tokens of the square of log Z. Scores have the shape (tokens, vocabulary) and may be of any size.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("training.objectives.causal", "training.step.cross_entropy"),
    hints=(
        "log Z of a token is torch.logsumexp over its scores, the axis of the vocabulary.",
        "Square each token's log Z, then add the squares up.",
        "torch.logsumexp(scores, dim=1).square().sum()",
    ),
    run="groundup --mine my learn lesson training.objectives.z_loss --run",
    checks=(
        one_number,
        large_scores,
        one_token,
        over_tokens,
        a_row_is_a_token,
        towards_zero,
    ),
    mutants=(
        Mutant(
            "a number a token", "something else than one number", ((BODY, "torch.logsumexp(scores, dim=1).square()"),)
        ),
        Mutant("exp first", "Overflows", ((BODY, "scores.exp().sum(1).log().square().sum()"),)),
        Mutant("no square", "Leaves log Z as it is", ((BODY, "torch.logsumexp(scores, dim=1).abs().sum()"),)),
        Mutant("the mean", "Takes the mean", ((BODY, "torch.logsumexp(scores, dim=1).square().mean()"),)),
        Mutant(
            "square of the sum",
            "Squares the sum",
            ((BODY, "torch.logsumexp(scores, dim=1).sum().square()"),),
        ),
        Mutant(
            "over the tokens",
            "wrong axis",
            ((BODY, "torch.logsumexp(scores, dim=int(len(scores) == 1 or scores.shape[1] > 1)).square().sum()"),),
        ),
        Mutant(
            "without a gradient",
            "another gradient",
            ((BODY, "torch.logsumexp(scores.detach(), dim=1).square().sum() + 0 * scores.sum().nan_to_num()"),),
        ),
    ),
)
