"""Exercise: a loss whose gradient is the policy gradient."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape, that


def tokens(*values):
    """Log-probabilities that want gradients."""
    import torch

    return torch.tensor(values).requires_grad_()


def slope(mine, now, advantages):
    """The gradient of the summed loss by the log-probabilities."""
    import torch

    made = mine(now, torch.tensor(advantages)).sum()
    that(made.requires_grad, "The result is cut off from the log-probabilities: nothing can be learned through it.", expected="a gradient", got="none")
    return torch.autograd.grad(made, now)[0]


@check("shape")
def one_loss_a_token(mine):
    """Gives another shape than one loss for each token: whether they are summed or averaged is decided by who trains."""
    import torch

    for count in (1, 4):
        shape(mine(torch.full((count,), -1.0), torch.ones(count)), (count,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives another dtype than that of the log-probabilities."""
    import torch

    dtype(mine(torch.tensor([-1.0], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)), torch.float64)


@check("invariant")
def no_advantage_no_push(mine):
    """Pushes a token whose answer has no advantage: with 0 there is nothing to learn."""
    import torch

    same(slope(mine, tokens(-1.0, -2.0), [0.0, 1.0])[:1], torch.tensor([0.0]))


@check("gradient")
def down_is_likelier(mine):
    """Has its sign turned round: losses are made smaller, so what is worth more than expected must have a slope below 0."""
    that(slope(mine, tokens(-1.0), [2.0]).item() < 0, expected="a slope below 0 for an advantage of 2", got=slope(mine, tokens(-1.0), [2.0]).item())


@check("gradient")
def the_advantage_is_the_push(mine):
    """Does not push each token by its advantage: the slope by a log-probability is minus the advantage, whatever the log-probability is."""
    import torch

    mistakes = {
        "Differentiates the probability: the push is on the log-probability, or likely tokens would be pushed more.": torch.tensor(
            [-2.0 * 0.36787944, 1.0 * 0.13533528, -0.5 * 0.60653067]
        ),
        "Takes only the sign of the advantage: how much better counts as well.": torch.tensor([-1.0, 1.0, -1.0]),
        "Pushes with what is above 0 alone: a bad answer has to become less likely.": torch.tensor([-2.0, 0.0, -0.5]),
    }
    same(slope(mine, tokens(-1.0, -2.0, -0.5), [2.0, -1.0, 0.5]), torch.tensor([-2.0, 1.0, -0.5]), mistakes=mistakes)


@check("gradient")
def advantages_are_given(mine):
    """Lets a gradient through to the advantages: they are numbers that were given, and a model that makes them must not learn to flatter."""
    import torch

    advantages = torch.tensor([1.5]).requires_grad_()
    (found,) = torch.autograd.grad(mine(tokens(-1.0), advantages).sum(), advantages, allow_unused=True)
    that(found is None or not found.any(), expected="no gradient", got=found)


EXERCISE = Exercise(
    slot="alignment.reinforce.policy_gradient_loss",
    title="REINFORCE: a loss with the right gradient",
    task="""
    The mean reward of a model's answers has the gradient (mean over drawn answers) of: advantage times the gradient of log p(answer). Optimisers take a loss
    and go down. Give each token the loss whose gradient, turned round, is that: from the log-probability of each token (they want gradients) and the advantage
    of the answer it belongs to. One loss a token. The advantages are numbers that were given: no gradient may flow into them.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("alignment.reinforce.policy_gradient",),
    hints=(
        "The derivative of a * x by x is a. What must the loss be, so that its slope by the log-probability is minus the advantage?",
        "A tensor's .detach() has the same numbers and lets no gradient through.",
        "-advantages.detach() * log_probabilities",
    ),
    run="groundup --mine my learn lesson alignment.reinforce --run",
    checks=(one_loss_a_token, the_dtype_stays, no_advantage_no_push, down_is_likelier, the_advantage_is_the_push, advantages_are_given),
    mutants=(
        Mutant("summed", "another shape", (("-advantages.detach() * log_probabilities", "(-advantages.detach() * log_probabilities).sum()"),)),
        Mutant("single precision", "another dtype", (("-advantages.detach() * log_probabilities", "(-advantages.detach() * log_probabilities).float()"),)),
        Mutant("all are pushed", "has no advantage", (("-advantages.detach() *", "(-1 - advantages.detach()) *"),)),
        Mutant("up", "sign turned round", (("-advantages.detach()", "advantages.detach()"),)),
        Mutant("the probability", "Differentiates the probability", (("* log_probabilities", "* log_probabilities.exp()"),)),
        Mutant("the sign alone", "only the sign", (("-advantages.detach()", "-advantages.detach().sign()"),)),
        Mutant("the good alone", "above 0 alone", (("-advantages.detach()", "-advantages.detach().clamp(min=0)"),)),
        Mutant("a loss of the advantage", "through to the advantages", (("-advantages.detach()", "-advantages"),)),
    ),
)
