"""RLOO: what was to be expected of an answer is the mean of the other answers to the same task.

    advantage   A_i = r_i - mean of r_j, j != i        the answer's own reward is in no baseline of its own: unbiased
    loss        -min(w A, clip(w, 1 - c, 1 + c) A)     w: the ratio of the whole answer, exp of the sum over its tokens

An answer is one action: it is rewarded once, at its end, so nothing is gained by giving every token a value of its own. In the
first update w is 1 and the gradient that of REINFORCE. The pull to the model before is a price on the reward,
k * log(p / p_ref) of the answer.

Ahmadian et al. 2024, arXiv:2402.14740, section 3.2; Kool et al. 2019 ("Buy 4 REINFORCE samples, get a baseline for free"). With G
answers A is G / (G - 1) times the distance from the mean: Dr. GRPO's advantage on another scale.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.config import RlooConfig
from groundup.alignment.environments.rollouts import Environment, Reward, Task
from groundup.alignment.rounds import (
    Lesson,
    PaidRounds,
    align_folder,
    asked_of,
    before,
    checked,
    of_answers,
    practise,
)  # fmt: skip
from groundup.slots import slot
from groundup.training import loop

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


def rloo(
    module: Any,
    tokenizer: Any,
    tasks: Sequence[Task],
    reward: Reward,
    config: RlooConfig,
    *,
    stop_ids: Collection[int],
    folder: str | Path | None = None,
    environment: Callable[..., Environment] = Environment,
    **watched: Any,
) -> loop.TrainResult:
    """Improve `module` in place on tasks whose answers `reward(task.item, text)` judges; arguments as `grpo.grpo`'s."""
    asked = environment(asked_of(tasks), checked(reward), tokenizer, stop_ids)
    path = None if folder is None else Path(folder)
    return practise(RlooRounds(module, asked, config, path, before(module, config)), **watched)


def align(
    model: str | Path, tasks: Sequence[Any], reward: Reward, config: RlooConfig, out: str | Path, **more: Any
) -> Path:
    """Improve a model folder on tasks (each with `.prompt`); the new model folder (`rounds.align_folder`)."""
    return align_folder(rloo, model, tasks, reward, config, out, **more)
