"""REINFORCE: an answer is pushed by its reward, less what was to be expected; the policy gradient itself.

    gradient of the mean reward  =  mean of (r - b) * gradient of log p(answer)         for every b that does not depend on the answer

The baseline b changes nothing on average (the mean of the gradient of log p is 0) and very much in a single step: with rewards of
10 and 11 and no baseline, every answer is pushed up with all its weight, and only the difference of two large pushes teaches.
`gradient_variance` measures that on real gradients. The baseline here is the mean of the *other* answers of the step; with the
answer's own reward in it the push would be (n - 1) / n of what it should be.

Williams 1992, eq. 4 to 6 (characteristic eligibility, reinforcement baseline); the least-variance baseline weighs each reward by its
squared gradient (Greensmith et al. 2004, section 4): `least_variance_baseline`. The pull to the model before is a price on
the reward. Left out: a baseline that is learned (that is `ppo`); ratios, so that a step's answers are best used once.
"""

from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.answers import AnswerBatch, log_probabilities
from groundup.alignment.practice import align_folder, improve
from groundup.alignment.rounds import Lesson, PaidRounds, of_answers
from groundup.errors import InputError
from groundup.slots import slot

__all__ = ["policy_gradient_loss", "less_the_others", "gradient_variance", "ReinforceRounds", "reinforce", "align"]


@slot
def policy_gradient_loss(
    log_probabilities: Float[Tensor, " tokens"], advantages: Float[Tensor, " tokens"]
) -> Float[Tensor, " tokens"]:
    """The loss of each token, whose gradient is the policy gradient turned round: a step down it makes what has an advantage above 0 likelier.

    advantages: of the answer to which the token belongs. They are given numbers, and get no gradient.
    """
    return -advantages.detach() * log_probabilities


def less_the_others(rewards: Float[Tensor, "*answers"]) -> Float[Tensor, "*answers"]:
    """Rewards less the mean of all others; a single one has no other and stays. Equal rewards give exactly 0."""
    if rewards.numel() < 2:
        return rewards
    shifted = rewards - rewards.flatten()[0]
    return shifted - (shifted.sum() - shifted) / (rewards.numel() - 1)


def least_variance_baseline(
    gradients: Float[Tensor, "answers weights"], rewards: Float[Tensor, " answers"]
) -> Float[Tensor, ""]:
    """The baseline with the least variance: the rewards' mean, weighed by each answer's squared gradient of log p."""
    squared = gradients.square().sum(1)
    return (squared * rewards).sum() / squared.sum()


def gradient_variance(
    module: Any, batch: AnswerBatch, advantages: Float[Tensor, " answers"]
) -> tuple[Float[Tensor, " weights"], float]:
    """The mean over answers of the policy gradient, and the variance of a single answer's around it, summed over weights.

    A step over n independent answers has the n-th part of that variance. InputError for fewer than 2 answers.
    """
    if len(advantages) < 2:
        raise InputError(f"{len(advantages)} answer(s) have no variance; give 2 or more")
    sums = of_answers(batch, log_probabilities(module, batch))
    weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
    total = squares = torch.zeros(())
    for number, advantage in enumerate(advantages):
        parts = torch.autograd.grad(sums[number], weights, retain_graph=True, allow_unused=True)
        flat = torch.cat(
            [(torch.zeros_like(w) if g is None else g).flatten() for w, g in zip(weights, parts, strict=True)]
        )
        total, squares = total + advantage * flat, squares + (advantage * flat).square().sum()
    mean = total / len(advantages)
    return mean.detach(), float((squares - len(advantages) * mean.square().sum()) / (len(advantages) - 1))


class ReinforceRounds(PaidRounds):
    """Rounds whose answers are judged by the step's other answers, or by nothing."""

    def advantages(self, rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
        """Less the baseline."""
        return less_the_others(rewards) if self.config.baseline == "batch" else rewards

    def losses(self, lesson: Lesson, now: Float[Tensor, " tokens"], old: Float[Tensor, " tokens"]) -> Tensor:
        """The loss of each token."""
        return policy_gradient_loss(now, lesson.advantages)


reinforce = partial(improve, ReinforceRounds)
align = partial(align_folder, ReinforceRounds)
