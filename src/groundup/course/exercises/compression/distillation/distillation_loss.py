"""Exercise: how far a student's probabilities are from its teacher's."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def scores(seed=0, tokens=4, vocab=6):
    """Scores of a student and of a teacher."""
    import torch

    return tuple(2 * torch.randn(2, tokens, vocab, generator=torch.Generator().manual_seed(seed)))


@check("shape")
def one_number_a_token(mine):
    """Sums or averages over the tokens: each has a loss of its own, and who calls decides which of them count."""
    shape(mine(*scores(), 2.0), (4,))


@check("invariant")
def no_distance_to_oneself(mine):
    """Is not zero where the student says what the teacher says: it is a cross-entropy, and not what it exceeds the teacher's own entropy by."""
    import torch

    student, _ = scores(1)
    same(mine(student, student, 2.0), torch.zeros(4))


@check("invariant")
def never_negative(mine):
    """Is negative: the teacher's log-probabilities come first in the difference, and each weighs by the teacher's probability."""
    that(
        bool((mine(*scores(2), 1.5) > 0).all()),
        expected="a positive number for each token",
        got=str(mine(*scores(2), 1.5).tolist()),
    )


@check("invariant")
def scores_are_not_probabilities(mine):
    """Changes when the same number is added to all scores of a token: probabilities do not, so take the softmax of both."""
    student, teacher = scores(3)
    same(mine(student + 7, teacher - 5, 2.0), mine(student, teacher, 2.0))


@check("values")
def by_hand(mine):
    """Goes the other way round, or forgets a temperature: sum of p (ln p - ln q), p the teacher's and q the student's, both at T, times T squared."""
    import torch

    student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(9.0), 0.0]])
    same(mine(student, teacher, 1.0), torch.tensor([0.9 * math.log(1.8) + 0.1 * math.log(0.2)]))
    same(mine(student, teacher, 2.0), torch.tensor([4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))]))


@check("gradient")
def only_the_difference_of_probabilities(mine):
    """Has another gradient than T (q - p): that is what moves the student."""
    import torch

    student, teacher = scores(4)
    expected = 3.0 * ((student / 3).softmax(-1) - (teacher / 3).softmax(-1))
    (found,) = torch.autograd.grad(mine(leaf := student.clone().requires_grad_(), teacher, 3.0).sum(), leaf)
    same(found, expected)


EXERCISE = Exercise(
    slot="compression.distillation.distillation_loss",
    title="A student learns what its teacher holds likely",
    task="""
    The next token of a text is one word; a teacher's probabilities say how likely it holds every word, and a student learns more from them. A temperature T
    divides both scores, so that small probabilities show. The loss of a token is T^2 times KL(teacher || student): the sum over the vocabulary of
    p (ln p - ln q), p the teacher's probability and q the student's, both at T. T^2 makes up for the gradient that T takes. One number a token, in nats.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.information.kl",),
    hints=(
        "Divide both scores by the temperature, then take torch.log_softmax over the last axis: that is ln p and ln q.",
        "p is the exponential of the teacher's log-probabilities. Multiply it with the difference ln p - ln q and sum over the last axis.",
        "Do not forget temperature**2 in front of the sum.",
    ),
    run="groundup --mine my learn lesson compression.distillation.distillation --run",
    checks=(
        one_number_a_token,
        no_distance_to_oneself,
        scores_are_not_probabilities,
        never_negative,
        by_hand,
        only_the_difference_of_probabilities,
    ),
    mutants=(
        Mutant("mean over tokens", "Sums or averages", ((".sum(-1)", ".sum(-1).mean()"),)),
        Mutant("cross-entropy", "Is not zero where", (("(told - said)", "(-said)"),)),
        Mutant("swapped difference", "Is negative", (("(told - said)", "(said - told)"),)),
        Mutant(
            "the other way round",
            "Goes the other way round",
            (("told.exp() * (told - said)", "said.exp() * (said - told)"),),
        ),
        Mutant(
            "scores for log-probabilities",
            "Changes when the same number",
            (
                (
                    "functional.log_softmax(student.to(wide) / temperature, dim=-1)",
                    "student.to(wide) / temperature - (teacher.to(wide) / temperature).logsumexp(-1, True)",
                ),
            ),
        ),
    ),
)
