"""GRPO: a model tries each task several times; tries better than their group become likelier, worse ones less likely.

    advantage   A = (reward - the group's mean) / the group's deviation    no second network judges: the group does
    ratio       w = p(token) / p_old(token)                                p_old: before the updates of this step
    loss        -min(w A, clip(w, 1 - low, 1 + high) A)                    a token stops counting once it moved enough
    pull        + k (p_ref / p - log(p_ref / p) - 1)                       towards the model before, if asked for

Shao et al. 2024 (DeepSeekMath), arXiv:2402.03300, eq. 3 and 4. All tokens weigh alike, whatever their answer's length,
groups that teach nothing are left out, and the range upwards is wider (Yu et al. 2025, DAPO, arXiv:2503.14476). Without
the division it is Dr. GRPO (Liu et al. 2025, arXiv:2503.20783). A step's answers are batches of the one training loop.
Left out: learning from the tries of earlier steps.
"""

import copy
import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup import files
from groundup.alignment.answers import AnswerBatch, log_probabilities, side_by_side
from groundup.alignment.config import GrpoConfig
from groundup.alignment.environments.rollouts import Environment, Group, Reward, Task, keep_until, records, task
from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.slots import slot
from groundup.training import loop

__all__ = ["group_advantages", "grpo_loss", "Rounds", "task", "grpo", "align"]

LEAST_DEVIATION = 0.01  # rewards that differ by less differ by rounding; dividing by it would blow that up
ROLLOUTS = "rollouts.jsonl"


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


def kl_estimate(log_probabilities: Tensor, reference_log_probabilities: Tensor) -> Tensor:
    """How far each token's probability went from the reference's: unbiased and never negative (Schulman 2020, "k3")."""
    away = reference_log_probabilities - log_probabilities
    return torch.exp(away) - away - 1


@dataclass(slots=True)
class Lesson:
    """What one update learns from. old: log-probabilities before the step's first update; None: this is the first."""

    batch: AnswerBatch
    advantages: Float[Tensor, " tokens"]
    old: Float[Tensor, " tokens"] | None = None
    reference: Float[Tensor, " tokens"] | None = None

    @property
    def loss_mask(self) -> Tensor:
        """Every token of an answer counts."""
        return self.batch.loss_mask

    @property
    def document_ids(self) -> Tensor:
        """Which text each token belongs to, -1: padding; experts are kept in balance by the others."""
        return self.batch.parts


@dataclass
class Rounds:
    """The answers of each step as the training loop's batches, made by the model as it is at that step."""

    module: Any
    environment: Environment
    config: GrpoConfig
    folder: Path | None = None
    reference: Any = None  # the model before reinforcement, where it pulls
    lessons: list[Lesson] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)  # of the step's answers
    update: int = -1  # the last one asked for

    def batch(self, update: int) -> Lesson:
        """What update number `update` learns from; with the first of a step its answers are made."""
        number, part = divmod(update, self.config.updates_per_step)
        if part == 0:
            self.lessons = self.ask(number)
        self.update = update
        return self.lessons[part]

    @property
    def complete(self) -> bool:
        """Whether all updates of the step were asked for, so that a run can stop here and go on with new answers."""
        return (self.update + 1) % self.config.updates_per_step == 0

    def ask(self, number: int) -> list[Lesson]:
        """Let the model answer, judge, keep what it said, and share the answers out to the step's updates."""
        config, step = self.config, number * self.config.updates_per_step + 1
        sampling = SamplingConfig(
            max_new_tokens=config.max_new_tokens, temperature=config.temperature, seed=config.seed
        )
        groups = self.environment.rollout(
            self.module, number, config.prompts_per_step, config.samples_per_prompt, sampling
        )
        rewards = torch.tensor([[one.reward for one in group.tries] for group in groups], dtype=torch.float64)
        advantages = group_advantages(rewards, config.scale_advantages)
        self.numbers = describe(groups, rewards)
        if self.folder is not None:
            if self.update < 0:
                keep_until(self.folder / ROLLOUTS, step - 1)
            files.append_jsonl(self.folder / ROLLOUTS, *records(step, groups, advantages.tolist()))
        teaching = [row for row in range(len(groups)) if self.reference is not None or bool(advantages[row].any())]
        parts = [teaching[part :: config.updates_per_step] for part in range(config.updates_per_step)]
        return [self.lesson([groups[row] for row in rows], advantages[rows], part) for part, rows in enumerate(parts)]

    def lesson(self, groups: Sequence[Group], advantages: Tensor, part: int) -> Lesson:
        """Lay groups out for one update."""
        made = side_by_side(
            [group.task.prompt_ids for group in groups], [[one.ids for one in group.tries] for group in groups]
        )
        made = made.to(self.module.device)
        lesson = Lesson(made, advantages.float().to(self.module.device).flatten()[made.answers])
        if part and groups:  # before the first update the ratio is 1 by itself
            # with gradients, as the update itself computes them: without, another kernel rounds differently
            lesson.old = log_probabilities(self.module, made).detach()
        if self.reference is not None:
            with torch.no_grad():
                lesson.reference = log_probabilities(self.reference, made)
        return lesson

    def objective(self, module: Any, lesson: Lesson) -> tuple[Tensor, int]:
        """The sum of the loss over the tokens of a lesson, and how many there are."""
        if not len(lesson.advantages):
            return torch.zeros(()), 0
        now = log_probabilities(module, lesson.batch)
        old = now.detach() if lesson.old is None else lesson.old
        losses = grpo_loss(now, old, lesson.advantages, self.config.clip_low, self.config.clip_high)
        if lesson.reference is not None:
            losses = losses + self.config.kl_coefficient * kl_estimate(now, lesson.reference)
        return losses.sum(), len(losses)


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


def grpo(
    module: Any,
    tokenizer: Any,
    tasks: Sequence[Task],
    reward: Reward,
    config: GrpoConfig,
    *,
    stop_ids: Collection[int],
    folder: str | Path | None = None,
    mark: Callable[[Any], Any] = lambda batches: batches,
    listeners: Sequence[loop.Listener] = (),
    stop: Callable[[], bool] = loop.never,
    way_on: str = "the same call goes on from there",
) -> loop.TrainResult:
    """Improve `module` in place on tasks whose answers `reward(task.item, text)` judges.

    folder: checkpoints and rollouts.jsonl; a stopped or killed run goes on from there, bit for bit. mark: wraps the batches (a
    monitor's count, a profiler's mark). listeners: an event's numbers have those of the answers too; `loop.write_metrics` keeps them.
    """
    if not tasks:
        raise InputError("there is no task to practise; give at least one")
    path = None if folder is None else Path(folder)
    reference = copy.deepcopy(module).requires_grad_(False) if config.kl_coefficient else None
    rounds = Rounds(module, Environment(tasks, reward, tokenizer, stop_ids), config, path, reference)

    def tell(event: loop.Step) -> None:
        told = replace(event, also=rounds.numbers) if rounds.complete else event
        for listener in listeners:
            listener(told)

    return loop.train(
        module,
        mark(rounds.batch),
        config.training(),
        objective=rounds.objective,
        listeners=[tell],
        folder=path,
        stop=lambda: rounds.complete and stop(),
        way_on=way_on,
        title="aligning",
        tokenizer=tokenizer,
    )


def align(
    model: str | Path,
    tasks: Sequence[Any],
    reward: Reward,
    config: GrpoConfig,
    out: str | Path,
    *,
    stop: Callable[[], bool] = loop.never,
    dtype: str = "float32",
) -> Path:
    """Improve a model folder on tasks (each with `.prompt`), judged by `reward(task, text)`; the new model folder.

    `out` gets model/, metrics.jsonl, rollouts.jsonl and checkpoints/; the same call goes on where it stopped. Trackers belong to a
    run's stage: here they are refused.
    """
    from groundup.inference.handle import end_of_turn, load
    from groundup.model.formats.huggingface import dtype_of, save_model

    if config.trackers:
        raise ConfigError(
            f"trackers={config.trackers!r} would be told nothing by align(), which writes metrics.jsonl alone; leave trackers out, "
            "or run `groundup align`, which tells them"
        )
    handle, out = load(model), Path(out)
    if not handle.tokenizer.chat_template:
        raise InputError(f"{model} has no chat template; tune it first with `groundup tune {model}`")
    handle.module.compute_dtype = dtype_of(dtype)
    asked = [task(item.prompt, item, handle.tokenizer) for item in tasks]
    stops = handle.stop_ids() | end_of_turn(handle.tokenizer)
    listeners = [loop.write_metrics(out / "metrics.jsonl")]
    grpo(
        handle.module, handle.tokenizer, asked, reward, config,
        stop_ids=stops, folder=out, stop=stop, listeners=listeners,
    )  # fmt: skip
    save_model(out / "model", handle.module, handle.tokenizer, generation=handle.generation)
    return out / "model"
