"""Rounds: the model answers, the answers are judged, and the one training loop learns from them; every method of reinforcement alike.

    round       prompts -> answers -> rewards -> advantages -> a lesson for each update     GRPO, RLOO, REINFORCE and PPO differ in the last two
    update      ratio = p(token) / p_old(token)                                             exactly 1 until the first update has moved the weights

p_old is computed by the trainer, at temperature 1 and with nothing left out, whatever the answers were drawn with: the sampler's
numbers would make the ratio differ from 1 before the first step. What a method says: `advantages` and `losses`. Carried out by
`practice`. Left out: learning from the tries of earlier rounds.
"""

import copy
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup import files
from groundup.alignment.answers import AnswerBatch, log_probabilities, side_by_side
from groundup.alignment.environments.rollouts import Environment, Group, keep_until, records
from groundup.inference.decoding.config import SamplingConfig

ROLLOUTS = "rollouts.jsonl"


@dataclass(slots=True)
class Lesson:
    """What one update learns from. old: log-probabilities before the step's first update; None: this is the first."""

    batch: AnswerBatch
    advantages: Float[Tensor, " tokens"]
    old: Float[Tensor, " tokens"] | None = None
    reference: Float[Tensor, " tokens"] | None = None
    answers: int = 0  # more than 0: the loss is a mean over so many answers, not over tokens

    @property
    def loss_mask(self) -> Tensor:
        """As many as the loss is divided by: the tokens of the answers, or the answers."""
        return torch.ones(self.answers, dtype=torch.bool) if self.answers else self.batch.loss_mask

    @property
    def document_ids(self) -> Tensor:
        """Which text each token belongs to, -1: padding; experts are kept in balance by the others."""
        return self.batch.parts


def before(module: Any, config: Any) -> Any:
    """A copy of the model as it is now, where it is to pull; else None."""
    return copy.deepcopy(module).requires_grad_(False) if config.kl_coefficient else None


@dataclass
class Rounds:
    """The answers of each step as the training loop's batches, made by the model as it is at that step."""

    module: Any
    environment: Environment
    config: Any  # a `config.RoundsConfig`
    folder: Path | None = None
    reference: Any = None  # the model before reinforcement, where it pulls
    lessons: list[Any] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)  # of the step's answers
    update: int = -1  # the last one asked for

    @classmethod
    def begin(cls, module: Any, environment: Environment, config: Any, folder: Path | None) -> "Rounds":
        """The rounds of a run about to begin; where there is a pull, a copy of the model as it is now is kept."""
        return cls(module, environment, config, folder, before(module, config))

    def advantages(self, rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
        """How much better than expected each answer is: what a method says."""
        raise NotImplementedError

    def losses(self, lesson: Any, now: Float[Tensor, " tokens"], old: Float[Tensor, " tokens"]) -> Tensor:
        """The loss of each token: what a method says."""
        raise NotImplementedError

    @property
    def policy(self) -> Any:
        """The model that answers."""
        return self.module

    def batch(self, update: int) -> Any:
        """What update number `update` learns from; with the first of a step its answers are made."""
        number, part = divmod(update, self.config.updates)
        if part == 0:
            self.lessons = self.ask(number)
        self.update = update
        return self.lessons[part % len(self.lessons)]

    @property
    def complete(self) -> bool:
        """Whether all updates of the step were asked for, so that a run can stop here and go on with new answers."""
        return (self.update + 1) % self.config.updates == 0

    def ask(self, number: int) -> list[Any]:
        """Let the model answer, judge, keep what it said, and share the answers out to the step's updates."""
        config, step = self.config, number * self.config.updates + 1
        sampling = SamplingConfig(
            max_new_tokens=config.max_new_tokens, temperature=config.temperature, seed=config.seed
        )
        groups = self.environment.rollout(
            self.policy, number, config.prompts_per_step, config.samples_per_prompt, sampling
        )
        rewards = torch.tensor([[one.reward for one in group.tries] for group in groups], dtype=torch.float64)
        self.numbers = describe(groups, rewards)
        advantages, lessons = self.taught(groups, rewards)
        if self.folder is not None:
            if self.update < 0:
                keep_until(self.folder / ROLLOUTS, step - 1)
            files.append_jsonl(self.folder / ROLLOUTS, *records(step, groups, advantages.tolist()))
        return lessons

    def taught(self, groups: Sequence[Group], rewards: Float[Tensor, "groups samples"]) -> tuple[Tensor, list[Any]]:
        """Each answer's advantage, and what each update of the step learns from."""
        advantages = self.advantages(rewards)
        # groups that teach nothing are left out
        rows = [row for row in range(len(groups)) if self.reference is not None or bool(advantages[row].any())]
        parts = [rows[part :: self.config.updates_per_step] for part in range(self.config.updates_per_step)]
        made = [
            self.lesson([groups[row] for row in part], advantages[part], number) for number, part in enumerate(parts)
        ]
        return advantages, made

    @property
    def answers_each(self) -> int:
        """The answers of a step that one update learns from, those that teach nothing among them."""
        config = self.config
        return max(1, config.prompts_per_step * config.samples_per_prompt // config.updates_per_step)

    def laid_out(self, groups: Sequence[Group]) -> AnswerBatch:
        """Groups as rows, where the weights are."""
        made = side_by_side(
            [group.task.prompt_ids for group in groups],
            [[one.ids for one in group.tries] for group in groups],
            own=[[one.own for one in group.tries] for group in groups],
        )
        return made.to(self.module.device)

    def lesson(self, groups: Sequence[Group], advantages: Tensor, part: int) -> Any:
        """Lay groups out for one update."""
        made = self.laid_out(groups)
        lesson = Lesson(made, advantages.float().to(self.module.device).flatten()[made.answers])
        if part and groups:  # before the first update the ratio is 1 by itself
            # with gradients, as the update itself computes them: without, another kernel rounds differently
            lesson.old = log_probabilities(self.policy, made).detach()
        if self.reference is not None:
            with torch.no_grad():
                lesson.reference = log_probabilities(self.reference, made)
        return lesson

    def objective(self, module: Any, lesson: Any) -> tuple[Tensor, int]:
        """The sum of the loss over the tokens of a lesson, and how many there are."""
        if not len(lesson.advantages):
            return torch.zeros(()), 0
        now = log_probabilities(module, lesson.batch)
        old = now.detach() if lesson.old is None else lesson.old
        return self.losses(lesson, now, old).sum(), lesson.answers or len(now)


def kl_estimate(log_probabilities: Tensor, reference_log_probabilities: Tensor) -> Tensor:
    """How far each token's probability went from the reference's: unbiased and never negative (Schulman 2020, "k3")."""
    away = reference_log_probabilities - log_probabilities
    return torch.exp(away) - away - 1


def of_answers(batch: AnswerBatch, values: Float[Tensor, " tokens"]) -> Float[Tensor, " answers"]:
    """Add up what belongs to the tokens of each answer."""
    total = torch.zeros(int(batch.answers.max()) + 1 if len(batch.answers) else 0, dtype=values.dtype)
    return total.to(values.device).index_add(0, batch.answers, values)


def describe(groups: Sequence[Group], rewards: Tensor) -> dict[str, float]:
    """The numbers of a step's answers."""
    tries = [one for group in groups for one in group.tries]
    surprise = [-number for one in tries for number in one.log_probabilities]
    return {
        "reward": float(rewards.mean()),
        "teaching": float((rewards != rewards[:, :1]).any(1).double().mean()),  # share of groups with unequal rewards
        "answer_tokens": statistics.fmean(len(one.ids) for one in tries),
        "cut": statistics.fmean(one.finish_reason == "length" for one in tries),
        "entropy": statistics.fmean(surprise),  # nats a token, estimated from the answers themselves
    }


def less_the_way(rounds: Rounds, groups: Sequence[Group], rewards: Tensor) -> Tensor:
    """Rewards less the price of each answer's way from the model before: k times the sum of log(p / p_ref) over its tokens."""
    if rounds.reference is None:
        return rewards
    batch = rounds.laid_out(groups)
    with torch.no_grad():
        away = log_probabilities(rounds.policy, batch) - log_probabilities(rounds.reference, batch)
    paid = of_answers(batch, away.double()).cpu().reshape(rewards.shape)
    rounds.numbers["kl"] = float(paid.mean())
    return rewards - rounds.config.kl_coefficient * paid


class PaidRounds(Rounds):
    """Rounds in which an answer pays for its way from the model before out of its reward, and all answers of a step weigh alike."""

    def taught(self, groups: Sequence[Group], rewards: Float[Tensor, "groups samples"]) -> tuple[Tensor, list[Any]]:
        """Pay for the way first, then judge."""
        return super().taught(groups, less_the_way(self, groups, rewards))

    def lesson(self, groups: Sequence[Group], advantages: Tensor, part: int) -> Lesson:
        """Lay groups out for one update; all answers of the step weigh alike."""
        lesson: Lesson = super().lesson(groups, advantages, part)
        lesson.answers = self.answers_each
        return lesson
