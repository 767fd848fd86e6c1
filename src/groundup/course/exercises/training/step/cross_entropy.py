"""Exercise: the loss that a language model is trained on."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape

SIZES = [(1, 2, 1), (2, 3, 2), (5, 7, 4)]  # tokens, vocabulary, hidden: the smallest first
LN2 = math.log(2)


def case(tokens, vocab, hidden):
    """Hidden states, head and targets of these sizes, the same at every call."""
    import torch

    source = torch.Generator().manual_seed(tokens + 10 * vocab)
    states = torch.randn(tokens, hidden, generator=source)
    weight = torch.randn(vocab, hidden, generator=source)
    return states, weight, torch.randint(0, vocab, (tokens,), generator=source)


def by_scores(scores, target=0):
    """One token whose scores are these."""
    import torch

    return torch.ones(1, 1), torch.tensor([[score] for score in scores]), torch.tensor([target])


def torchs(hidden, weight, targets):
    """The same by torch."""
    from torch.nn import functional

    return functional.cross_entropy(hidden @ weight.T, targets, reduction="sum")


def number(value):
    """A number as a scalar tensor."""
    import torch

    return torch.tensor(value)


@check("shape")
def one_number_for_all_tokens(mine):
    """Gives back something else than one number: take the loss of each token, then their sum."""
    for sizes in SIZES:
        shape(mine(*case(*sizes)), ())


@check("finite")
def large_scores_do_not_overflow(mine):
    """Overflows for large scores: exp of a large number is infinite, so take torch.logsumexp, which subtracts the largest first."""
    for score in (1.0, 100.0, 1000.0):
        finite(mine(*by_scores([score, 0.0])))


@check("finite")
def an_unlikely_target_has_a_logarithm(mine):
    """Takes the logarithm of a probability that was rounded to 0: stay with logarithms, logsumexp of the scores minus the target's score."""
    for score in (1.0, 100.0, 1000.0):
        finite(mine(*by_scores([score, 0.0], target=1)))


@check("invariant")
def equal_scores_cost_the_logarithm_of_the_vocabulary(mine):
    """Is not tokens x ln(vocabulary) where all scores are equal: each token then has the probability 1 / vocabulary."""
    import torch

    ln4 = math.log(4)
    mistakes = {
        "The sign is turned round: a loss is minus the logarithm of a probability, so it is never below 0.": -3 * ln4,
        "Counts in bits: take the natural logarithm (torch.log, torch.logsumexp).": 6.0,
        "Leaves out the other tokens: subtract the target's score from the logsumexp of all scores.": 0.0,
        "Gives 1 minus the probability of the target: take minus its logarithm.": 2.25,
        "Takes the mean over the tokens: it is their sum that is wanted, whoever calls it divides.": ln4,
        "Lets one token change the loss of another: the scores of a token are a row, so normalise along dim=1.": 3
        * math.log(3),
        "Pairs every token with the targets of all, in a table of tokens x tokens: take one score a token, with "
        "gather(1, targets[:, None])[:, 0].": 9 * ln4,
    }
    named = {sentence: number(wrong) for sentence, wrong in mistakes.items()}
    same(mine(torch.ones(3, 1), torch.zeros(4, 1), torch.tensor([0, 3, 1])), number(3 * ln4), mistakes=named)


@check("values")
def the_likelier_costs_less(mine):
    """Is not logsumexp(scores) minus the score of the target."""
    scores = [math.log(3.0), 0.0]  # probabilities 3/4 and 1/4
    mistakes = {"Takes the score of another token than the target.": number(math.log(4))}
    same(mine(*by_scores(scores)), number(math.log(4 / 3)), mistakes=mistakes)
    same(mine(*by_scores(scores, target=1)), number(math.log(4)))


@check("values")
def an_unlikely_target_costs_its_distance(mine):
    """Makes an unlikely target cheaper than it is: nothing may be added inside the logarithm, and nothing clamped."""
    for score in (20.0, 1000.0):
        same(mine(*by_scores([score, 0.0], target=1)), number(score))


@check("values")
def as_torchs(mine):
    """Differs from torch.nn.functional.cross_entropy(hidden @ weight.T, targets, reduction="sum")."""
    for sizes in SIZES:
        same(mine(*case(*sizes)), torchs(*case(*sizes)), rtol=1e-4)


@check("values")
def hidden_may_be_bf16(mine):
    """Cannot multiply hidden in bf16 by weight in fp32: bring weight to the dtype of hidden, weight.to(hidden.dtype)."""
    hidden, weight, targets = by_scores([1.0, 0.0])
    try:
        mine(hidden.bfloat16(), weight, targets)
    except RuntimeError as error:
        raise Failed(expected="a loss in float32", got=f"RuntimeError: {error}") from None


@check("values")
def the_loss_is_fp32(mine):
    """Gives a loss in bf16, which keeps three digits: turn the scores to fp32 with .float() before their logsumexp."""
    import torch

    hidden, weight, targets = by_scores([1.0, 0.0])
    dtype(mine(hidden.bfloat16(), weight, targets), torch.float32)


@check("values")
def in_bf16_it_is_not_rounded(mine):
    """Rounds to bf16 on the way: two scores of 100 cost ln 2, which a logsumexp in bf16 loses; turn the scores to fp32 before it."""
    import torch

    hidden, weight, targets = by_scores([100.0, 100.0])
    same(mine(hidden.bfloat16(), weight, targets), torch.tensor(LN2), rtol=1e-4)


@check("gradient")
def the_gradients_are_torchs(mine):
    """The loss is right and its gradient is not: keep both parts in the graph, logsumexp and the target's score, for hidden and for weight."""
    for sizes in SIZES:
        hidden, weight, targets = case(*sizes)
        gradients(
            lambda hidden, weight, targets=targets: mine(hidden, weight, targets),
            lambda hidden, weight, targets=targets: torchs(hidden, weight, targets),
            (hidden, weight),
        )


@check("speed")
def all_tokens_at_once(mine):
    """Is far slower than the reference: one matrix product scores all tokens, one gather picks all targets, no loop in Python."""
    from groundup.training.step.cross_entropy import cross_entropy

    fast(mine, cross_entropy, case(256, 64, 4))


AT_TARGET = "scores.gather(1, targets[:, None])[:, 0]"

EXERCISE = Exercise(
    slot="training.step.cross_entropy",
    title="Cross-entropy: how surprised the model is",
    task="""
    A model gives each token of the vocabulary a score: hidden @ weight.T, one row a token of the text. Softmax makes
    probabilities of a row, and the loss of a token is minus the logarithm of the probability of what really came next:

    loss = log(sum over the vocabulary of exp(score)) - score of the target

    Give back the sum over all tokens, in nats. It is the one number that training makes small. Scores reach into the
    hundreds and hidden may be bf16, so mind where numbers overflow, vanish and are rounded; weight is fp32.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.information.cross_entropy", "training.objectives.causal"),
    hints=(
        "Three steps: the scores of all tokens in one matrix product, the logsumexp of each row, the score of each target.",
        "scores.gather(1, targets[:, None]) takes from each row the score of its own target; it has a second axis of size 1, "
        "which must go before you subtract, or every token meets the targets of all.",
        "Bring weight to the dtype of hidden for the product, turn the scores to fp32 with .float(), then "
        "(torch.logsumexp(scores, dim=1) - at_target).sum().",
    ),
    run="groundup --mine my demo --fast",
    banned=("torch.nn.functional.cross_entropy", "torch.nn.functional.nll_loss"),
    checks=(
        one_number_for_all_tokens,
        large_scores_do_not_overflow,
        an_unlikely_target_has_a_logarithm,
        equal_scores_cost_the_logarithm_of_the_vocabulary,
        the_likelier_costs_less,
        an_unlikely_target_costs_its_distance,
        as_torchs,
        hidden_may_be_bf16,
        the_loss_is_fp32,
        in_bf16_it_is_not_rounded,
        the_gradients_are_torchs,
        all_tokens_at_once,
    ),
    mutants=(
        Mutant("one loss a token", "something else than one number", edits=((" - at_target).sum()", " - at_target)"),)),
        Mutant("weight left in fp32", "Cannot multiply hidden in bf16", edits=((".to(hidden.dtype)", ""),)),
        Mutant("scores left in bf16", "Gives a loss in bf16", edits=((".T).float()", ".T)"),)),
        Mutant(
            "turned to fp32 too late",
            "Rounds to bf16 on the way",
            edits=((".T).float()", ".T)"), ("at_target).sum()", "at_target).sum().float()")),
        ),
        Mutant(
            "exp without the largest",
            "Overflows for large scores",
            edits=(("torch.logsumexp(scores, dim=1)", "scores.exp().sum(dim=1).log()"),),
        ),
        Mutant(
            "logarithm of a softmax",
            "rounded to 0",
            edits=(
                (
                    "torch.logsumexp(scores, dim=1) - at_target",
                    "-torch.log(torch.softmax(scores, dim=1).gather(1, targets[:, None]))",
                ),
            ),
        ),
        Mutant(
            "something added inside the logarithm",
            "cheaper than it is",
            edits=(
                (
                    "torch.logsumexp(scores, dim=1) - at_target",
                    "-torch.log(torch.softmax(scores, dim=1).gather(1, targets[:, None]) + 1e-9)",
                ),
            ),
        ),
        Mutant("the mean", "Takes the mean over the tokens", edits=(("at_target).sum()", "at_target).mean()"),)),
        Mutant(
            "the sign",
            "sign is turned round",
            edits=(("(torch.logsumexp(scores, dim=1) - at_target)", "(at_target - torch.logsumexp(scores, dim=1))"),),
        ),
        Mutant(
            "bits", "Counts in bits", edits=(("at_target).sum()", "at_target).sum() / torch.log(torch.tensor(2.0))"),)
        ),
        Mutant(
            "not normalised",
            "Leaves out the other tokens",
            edits=(("torch.logsumexp(scores, dim=1) - at_target", "-at_target"),),
        ),
        Mutant("a table of tokens x tokens", "a table of tokens x tokens", edits=((AT_TARGET, "scores[:, targets]"),)),
        Mutant(
            "over the tokens",
            "Lets one token change",
            edits=(
                (
                    "torch.logsumexp(scores, dim=1) - at_target",
                    "-torch.log_softmax(scores, dim=0 if len(scores) > 1 else 1).gather(1, targets[:, None])",
                ),
            ),
        ),
        Mutant(
            "always the last token",
            "another token than the target",
            edits=((AT_TARGET, "scores[:, -1]"),),
        ),
        Mutant(
            "1 minus the probability",
            "1 minus the probability",
            edits=(
                (
                    "(torch.logsumexp(scores, dim=1) - at_target).sum()",
                    "(1 - torch.exp(at_target - torch.logsumexp(scores, dim=1))).sum()",
                ),
            ),
        ),
        Mutant("the target outside the graph", "its gradient is not", edits=((AT_TARGET, AT_TARGET + ".detach()"),)),
        Mutant(
            "torch's own",
            "the ready-made torch.nn.functional.cross_entropy",
            edits=(
                (
                    "(torch.logsumexp(scores, dim=1) - at_target).sum()",
                    'torch.nn.functional.cross_entropy(scores, targets, reduction="sum")',
                ),
            ),
        ),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import torch


            def cross_entropy(hidden, weight, targets):
                loss = 0.0
                for state, target in zip(hidden, targets):
                    scores = (weight.to(state.dtype) @ state).float()
                    loss = loss + torch.logsumexp(scores, dim=0) - scores[target]
                return loss
            """,
        ),
    ),
)
