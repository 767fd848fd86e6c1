"""RLOO: what was to be expected of an answer is the mean of the other answers to the same task.

    advantage   A_i = r_i - mean of r_j, j != i        the answer's own reward is in no baseline of its own: unbiased
    loss        -min(w A, clip(w, 1 - c, 1 + c) A)     w: the ratio of the whole answer, exp of the sum over its tokens

An answer is one action: it is rewarded once, at its end, so nothing is gained by giving every token a value of its own. In the
first update w is 1 and the gradient that of REINFORCE. The pull to the model before is a price on the reward,
k * log(p / p_ref) of the answer.

Ahmadian et al. 2024, arXiv:2402.14740, section 3.2; Kool et al. 2019 ("Buy 4 REINFORCE samples, get a baseline for free"). With G
answers A is G / (G - 1) times the distance from the mean: Dr. GRPO's advantage on another scale.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.practice import align_folder, improve
from groundup.alignment.rounds import Lesson, PaidRounds, of_answers
from groundup.slots import slot

__all__ = ["rloo_advantages", "rloo_loss", "RlooRounds", "rloo", "align"]

CLIP = 0.2


@slot
def rloo_advantages(rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
    """How much better each answer is than the mean of the others of its group.

    Equal rewards give exactly 0, also those that floats cannot hold (0.35).
    """
    shifted = rewards - rewards[:, :1]
    others = (shifted.sum(1, keepdim=True) - shifted) / (rewards.shape[1] - 1)
    return shifted - others


def rloo_loss(
    log_probabilities: Float[Tensor, " answers"],
    old_log_probabilities: Float[Tensor, " answers"],
    advantages: Float[Tensor, " answers"],
    clip: float = CLIP,
) -> Float[Tensor, " answers"]:
    """The loss of each answer, whose log-probabilities are the sums over its tokens."""
    ratio = torch.exp(log_probabilities - old_log_probabilities)
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


class RlooRounds(PaidRounds):
    """Rounds whose answers are judged by the others of their group."""

    def advantages(self, rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
        """Better than the others, or worse."""
        return rloo_advantages(rewards)

    def losses(self, lesson: Lesson, now: Float[Tensor, " tokens"], old: Float[Tensor, " tokens"]) -> Tensor:
        """The loss of each answer."""
        batch = lesson.batch
        lengths = of_answers(batch, torch.ones_like(old))
        advantages = of_answers(batch, lesson.advantages) / lengths.clamp(min=1)
        return rloo_loss(of_answers(batch, now), of_answers(batch, old), advantages)


rloo = partial(improve, RlooRounds)
align = partial(align_folder, RlooRounds)
