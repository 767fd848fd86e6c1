"""GRPO: a model tries each task several times; tries better than their group become likelier, worse ones less likely.

    advantage   A = (reward - the group's mean) / the group's deviation    no second network judges: the group does
    ratio       w = p(token) / p_old(token)                                p_old: before the updates of this step
    loss        -min(w A, clip(w, 1 - low, 1 + high) A)                    a token stops counting once it moved enough
    pull        + k (p_ref / p - log(p_ref / p) - 1)                       towards the model before, if asked for

Shao et al. 2024 (DeepSeekMath), arXiv:2402.03300, eq. 3 and 4. All tokens weigh alike, whatever their answer's length,
groups that teach nothing are left out, and the range upwards is wider (Yu et al. 2025, DAPO, arXiv:2503.14476). Without
the division, and with every answer's sum divided by one number, it is Dr. GRPO (Liu et al. 2025, arXiv:2503.20783): neither
easy tasks nor short answers count for more. With one ratio for a whole answer, the mean of its tokens' logarithms, it is GSPO
(Zheng et al. 2025, arXiv:2507.18071, eq. 7). A step's answers are batches of the one training loop (`rounds`).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.answers import AnswerBatch
from groundup.alignment.environments.rollouts import task
from groundup.alignment.practice import align_folder, improve
from groundup.alignment.rounds import Lesson, kl_estimate, of_answers
from groundup.alignment.rounds import Rounds as AnyRounds
from groundup.slots import slot

__all__ = ["group_advantages", "grpo_loss", "sequence_ratio", "kl_estimate", "Rounds", "task", "grpo", "align"]

LEAST_DEVIATION = 0.01  # rewards that differ by less differ by rounding; dividing by it would blow that up


@slot
def group_advantages(rewards: Float[Tensor, "groups samples"], scaled: bool = True) -> Float[Tensor, "groups samples"]:
    """How much better each answer is than its group's mean; in deviations of the group when `scaled`.

    A group with equal rewards teaches nothing: exactly 0, also for rewards that floats cannot hold (0.35).
    """
    shifted = rewards - rewards[:, :1]  # exact zeros where all are equal; the float mean of seven 0.35 is not 0.35
    centred = shifted - shifted.mean(1, keepdim=True)
    if not scaled:
        return centred
    return centred / centred.square().mean(1, keepdim=True).sqrt().clamp(min=LEAST_DEVIATION)


@slot
def grpo_loss(
    log_probabilities: Float[Tensor, " tokens"],
    old_log_probabilities: Float[Tensor, " tokens"],
    advantages: Float[Tensor, " tokens"],
    clip_low: float = 0.2,
    clip_high: float = 0.28,
) -> Float[Tensor, " tokens"]:
    """The loss of each token of the answers; advantages: that of the answer to which the token belongs.

    Where the ratio has moved past the clip in the direction of the advantage, the gradient is 0.
    """
    ratio = torch.exp(log_probabilities - old_log_probabilities)
    clipped = ratio.clamp(1 - clip_low, 1 + clip_high)
    return -torch.minimum(ratio * advantages, clipped * advantages)


def sequence_ratio(
    log_probabilities: Float[Tensor, " tokens"], old_log_probabilities: Float[Tensor, " tokens"], batch: AnswerBatch
) -> Float[Tensor, " tokens"]:
    """GSPO: the logarithm of the ratio of the answer that each token belongs to, the mean over its tokens.

    Zheng et al. 2025, eq. 7 and 14: the gradient reaches every token of the answer, in equal shares.
    """
    lengths = of_answers(batch, torch.ones_like(old_log_probabilities))
    means = of_answers(batch, log_probabilities - old_log_probabilities) / lengths.clamp(min=1)
    return means[batch.answers]


class Rounds(AnyRounds):
    """Rounds whose answers are judged by their group."""

    def advantages(self, rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
        """Better than the group, or worse."""
        return group_advantages(rewards, self.config.scale_advantages)

    def lesson(self, groups: Sequence[Any], advantages: Tensor, part: int) -> Lesson:
        """Lay groups out for one update; say by what its loss is divided."""
        lesson: Lesson = super().lesson(groups, advantages, part)
        if self.config.average == "answer":
            lesson.answers = advantages.numel()
        if self.config.average == "longest":  # those that teach nothing count too: one number for all steps
            lesson.answers = self.answers_each
        return lesson

    def losses(self, lesson: Lesson, now: Float[Tensor, " tokens"], old: Float[Tensor, " tokens"]) -> Tensor:
        """The loss of each token, weighed as the configuration says."""
        config, batch = self.config, lesson.batch
        moved, start = (
            (now, old) if config.importance == "token" else (sequence_ratio(now, old, batch), torch.zeros_like(old))
        )
        losses = grpo_loss(moved, start, lesson.advantages, config.clip_low, config.clip_high)
        if lesson.reference is not None:
            losses = losses + config.kl_coefficient * kl_estimate(now, lesson.reference)
        if config.average == "answer":
            return losses / of_answers(batch, torch.ones_like(old))[batch.answers]
        return losses / config.max_new_tokens if config.average == "longest" else losses


grpo = partial(improve, Rounds)
align = partial(align_folder, Rounds)
