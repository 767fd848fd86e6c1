"""Rejection-sampling tuning: the model answers each task several times and is tuned on the best of its own answers.

    round: answers -> rewards -> the best of each task, if it is better than another -> cross-entropy on its tokens

It is GRPO with the advantage 1 for the best and 0 for the rest: no answer is ever pushed down, no ratio is clipped.
Dong et al. 2023 (RAFT), arXiv:2304.06767; Touvron et al. 2023 (LLaMA 2), arXiv:2307.09288, section 3.2.3; Zelikman et al. 2022
(STaR), arXiv:2203.14465. Every try is kept in rollouts.jsonl, with the advantage 1 for those that were learned.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.environments.rollouts import Environment, Group, Try
from groundup.alignment.practice import checked, improve
from groundup.alignment.rejection.rejection import kept
from groundup.alignment.rounds import Lesson, Rounds
from groundup.inference.decoding.config import SamplingConfig

__all__ = ["RejectionRounds", "best_answers", "fit"]


class RejectionRounds(Rounds):
    """The best answers of each round as the training loop's batches, made by the model as it is in that round."""

    def advantages(self, rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
        """1 for the answer of each group that is learned from, 0 for the others."""
        chosen = torch.zeros_like(rewards)
        for row, group in enumerate(rewards.tolist()):
            if (best := kept(group, self.config.least)) is not None:
                chosen[row, best] = 1
        self.numbers["best_reward"] = float(rewards.amax(1).mean())
        return chosen

    def lesson(self, groups: Sequence[Group], advantages: Tensor, part: int) -> Lesson:
        """Lay the best answers out for one update; the others are not read again."""
        best = [group.tries[int(row.argmax())] for group, row in zip(groups, advantages, strict=True)]
        made = self.laid_out([Group(group.task, [one]) for group, one in zip(groups, best, strict=True)])
        return Lesson(made, torch.ones(len(made.targets), device=self.module.device))

    def losses(self, lesson: Lesson, now: Float[Tensor, " tokens"], old: Float[Tensor, " tokens"]) -> Tensor:
        """The cross-entropy of each token of the best answers."""
        return -now


def best_answers(module: Any, environment: Environment, samples: int, sampling: SamplingConfig) -> list[Try]:
    """Best-of-n when answering: to every task of the environment, in its order, the best of `samples` tries."""
    asked = replace(environment, reward=checked(environment.reward))
    groups = asked.rollout(module, 0, len(asked.tasks), samples, sampling)
    best = {id(group.task): max(group.tries, key=lambda one: one.reward) for group in groups}
    return [best[id(task)] for task in asked.tasks]


fit = partial(improve, RejectionRounds)
