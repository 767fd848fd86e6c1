"""GRPO: ask a question several times, and make the answers that did better than the others more likely.

    advantage of an answer = (its reward - the group's mean) / the group's deviation
    loss of a token        = -min(ratio * advantage, clip(ratio, 1 - low, 1 + high) * advantage)

No value network: the other answers to the same question are the baseline. Rewards are checked, not judged.
Shao et al. 2024, arXiv:2402.03300, eq. 3; the sum runs over tokens, not answers, and the upper clip is wider, as in
Yu et al. 2025, arXiv:2503.14476. A round is a batch of the one training loop, so it is resumed like any other.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup import files
from groundup.alignment.config import GRPOConfig
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import Completion, generate_batch
from groundup.slots import slot
from groundup.training import loop

Reward = Callable[[Any, str], float]
ROLLOUTS = "rollouts.jsonl"


@dataclass(frozen=True, slots=True)
class Task:
    """A question with what its reward needs to know. prompt_ids: the rendered chat, ready for an answer."""

    prompt: str
    prompt_ids: list[int]
    item: Any  # handed to the reward with the answer's text


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Answers of one round, right-padded: [answers, seq]. loss_mask marks the answers' tokens among the targets."""

    input_ids: Tensor
    targets: Tensor
    loss_mask: Tensor
    advantages: Tensor  # [answers]
    old: Tensor | None  # log-probabilities before the round's first move; None: this is the first


@slot
def group_advantages(rewards: Float[Tensor, "groups samples"], floor: float = 1e-4) -> Float[Tensor, "groups samples"]:
    """How much better each answer did than its group, in deviations of the group.

    A group whose rewards are all equal teaches nothing: exactly 0, though a float mean of equal numbers may differ from
    them in the last bit. floor: the least deviation that is divided by.
    """
    rewards = rewards.double()
    centred = rewards - rewards.mean(1, keepdim=True)
    equal = rewards.amax(1, keepdim=True) == rewards.amin(1, keepdim=True)
    deviation = centred.square().mean(1, keepdim=True).sqrt().clamp(min=floor)
    return (centred / deviation).masked_fill(equal, 0.0).float()


@slot
def grpo_loss(
    log_probabilities: Float[Tensor, "answers seq"],
    old: Float[Tensor, "answers seq"],
    advantages: Float[Tensor, " answers"],
    mask: Bool[Tensor, "answers seq"],
    clip_low: float = 0.2,
    clip_high: float = 0.28,
) -> Float[Tensor, ""]:
    """Sum the clipped policy-gradient loss over the answers' tokens; divide by their number for the mean.

    Where the ratio has already moved past the clip in the direction of the advantage, the gradient is 0.
    """
    ratio = torch.exp(log_probabilities - old)
    advantage = advantages[:, None]
    loss = -torch.minimum(ratio * advantage, ratio.clamp(1 - clip_low, 1 + clip_high) * advantage)
    return (loss * mask).sum()


def log_probabilities(module: Any, rollouts: Rollouts) -> Float[Tensor, "answers seq"]:
    """The model's log-probability of each answer's token; 0 elsewhere, where the head is not computed."""
    hidden = module.hidden(rollouts.input_ids).flatten(0, 1)
    chosen = rollouts.loss_mask.flatten().nonzero()[:, 0]
    logits = module.lm_head(hidden.index_select(0, chosen)).float()
    targets = rollouts.targets.flatten().index_select(0, chosen)
    scores = torch.log_softmax(logits, dim=-1).gather(1, targets[:, None])[:, 0]
    return torch.zeros(rollouts.targets.numel()).index_copy(0, chosen, scores).view_as(rollouts.targets)


class Rounds:
    """The rounds of a run as the training loop's batches: answers of the model as it is at that step, and their rewards."""

    def __init__(self, module: Any, tokenizer: Any, tasks: Sequence[Task], reward: Reward, config: GRPOConfig, stop_ids: Sequence[int],
                 folder: Path | None = None):
        assert tasks, "there is no task to practise"
        self.module, self.tokenizer, self.tasks, self.reward, self.config = module, tokenizer, tasks, reward, config
        self.stop_ids, self.folder = stop_ids, folder
        self.parts: list[Rollouts] = []
        self.mean_reward = float("nan")
        self.begun = False

    def batch(self, number: int) -> Rollouts:
        """A part of a round; the round is sampled when its first part is asked for."""
        step, part = divmod(number, self.config.parts)
        if part == 0:
            self.parts = self._sample(step)
        return self.parts[part]

    def _sample(self, step: int) -> list[Rollouts]:
        """Ask the questions of a step, reward the answers, keep them, and lay them out for training."""
        self._forget_after(step)
        config = self.config
        chosen = np.random.default_rng([config.seed, step]).choice(len(self.tasks), config.prompts_per_step, replace=len(self.tasks) < config.prompts_per_step)
        asked = [self.tasks[index] for index in chosen for _ in range(config.samples_per_prompt)]
        sampling = SamplingConfig(max_new_tokens=config.max_new_tokens, temperature=config.temperature, seed=config.seed * 1_000_003 + step)
        answers = generate_batch(self.module, [task.prompt_ids for task in asked], sampling, self.stop_ids, pad_id=self.tokenizer.pad_token_id or 0)
        texts = [self.tokenizer.decode(answer.ids, skip_special_tokens=True) for answer in answers]
        rewards = torch.tensor([self.reward(task.item, text) for task, text in zip(asked, texts, strict=True)], dtype=torch.float64)
        advantages = group_advantages(rewards.view(config.prompts_per_step, -1)).flatten()
        self.mean_reward = float(rewards.mean())
        self._keep(step, asked, texts, answers, rewards, advantages)
        size = -(-config.prompts_per_step // config.parts) * config.samples_per_prompt
        return [lay_out([task.prompt_ids for task in asked[start : start + size]], answers[start : start + size], advantages[start : start + size])
                for start in range(0, len(asked), size)]

    def _forget_after(self, step: int) -> None:
        """On the first round of this process, drop the kept rollouts that will be made again."""
        if self.folder is not None and not self.begun and (self.folder / ROLLOUTS).exists():
            loop.cut_metrics(self.folder / ROLLOUTS, step)
        self.begun = True

    def _keep(self, step: int, asked: Sequence[Task], texts: Sequence[str], answers: Sequence[Completion], rewards: Tensor, advantages: Tensor) -> None:
        if self.folder is None:
            return
        files.append_jsonl(self.folder / ROLLOUTS, *(
            {"step": step + 1, "prompt": task.prompt, "answer": text, "reward": float(reward), "advantage": float(advantage),
             "log_probability": sum(answer.log_probabilities), "finish_reason": answer.finish_reason}
            for task, text, answer, reward, advantage in zip(asked, texts, answers, rewards, advantages, strict=True)
        ))


def lay_out(prompts: Sequence[Sequence[int]], answers: Sequence[Completion], advantages: Tensor) -> Rollouts:
    """Pad prompts with their answers on the right. Answers of groups that teach nothing are left out: their gradient is 0."""
    useful = [index for index in range(len(prompts)) if advantages[index] != 0]
    rows = [(list(prompts[index]), answers[index].ids) for index in useful]
    width = max((len(prompt) + len(answer) for prompt, answer in rows), default=2) - 1
    inputs, targets = (torch.zeros(len(rows), width, dtype=torch.int64) for _ in range(2))
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    for line, (prompt, answer) in enumerate(rows):
        ids = torch.tensor(prompt + answer)
        inputs[line, : len(ids) - 1], targets[line, : len(ids) - 1] = ids[:-1], ids[1:]
        mask[line, len(prompt) - 1 : len(ids) - 1] = True
    return Rollouts(inputs, targets, mask, advantages[useful], None)


def objective_of(config: GRPOConfig, reference: Any = None) -> Callable[[Any, Rollouts], tuple[Tensor, int]]:
    """The loss of a part of a round, as the training loop wants it: a sum and a count."""

    def objective(module: Any, rollouts: Rollouts) -> tuple[Tensor, int]:
        count = int(rollouts.loss_mask.sum())
        if not count:
            return torch.zeros(()), 0
        scores = log_probabilities(module, rollouts)
        old = scores.detach() if rollouts.old is None else rollouts.old  # the ratio is exactly 1 before the round's move
        loss = grpo_loss(scores, old, rollouts.advantages, rollouts.loss_mask, config.clip_low, config.clip_high)
        if reference is not None:
            with torch.no_grad():
                before = log_probabilities(reference, rollouts)
            drift = before - scores  # k3 (Schulman 2020): unbiased and never negative
            loss = loss + config.kl_coefficient * ((torch.exp(drift) - drift - 1) * rollouts.loss_mask).sum()
        return loss, count

    return objective


def grpo(module: Any, tokenizer: Any, tasks: Sequence[Task], reward: Reward, config: GRPOConfig, *, stop_ids: Sequence[int],
         folder: str | Path | None = None, listeners: Sequence[loop.Listener] = (), stop: Callable[[], bool] = loop.never,
         way_on: str = "the same call goes on from there") -> loop.TrainResult:
    """Improve `module` in place on tasks whose answers `reward(task.item, text)` scores.

    folder: checkpoints, metrics.jsonl and rollouts.jsonl; a stopped or killed run goes on from there, bit for bit.
    """
    path = None if folder is None else Path(folder)
    reference = copy.deepcopy(module).requires_grad_(False) if config.kl_coefficient else None
    rounds = Rounds(module, tokenizer, tasks, reward, config, stop_ids, path)

    def record(event: loop.Step) -> None:
        if path is not None:
            files.append_jsonl(path / "metrics.jsonl", event.numbers | {"reward": rounds.mean_reward})

    return loop.train(module, rounds.batch, config.training(), objective=objective_of(config, reference), listeners=[record, *listeners],
                      folder=folder, stop=stop, way_on=way_on)


def task(prompt: str, item: Any, tokenizer: Any) -> Task:
    """A question as the chat template renders it, ready for the assistant's answer."""
    ids = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True)
    return Task(prompt, ids, item)

