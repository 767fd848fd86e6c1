"""A reward model: a decoder with one number on the last token of an answer, learned from pairs of which one was preferred.

    P(chosen preferred)  =  sigmoid(r(chosen) - r(rejected))                   Bradley and Terry 1952
    loss                 =  -log of it,  + c (r(chosen) + r(rejected))^2       only differences are learned; c keeps the level near 0

Both answers stand side by side behind one prompt, so a prompt is read once for two scores. The model is a folder like any other
(`...ForSequenceClassification` with one label) and transformers reads it as its own reward models.

Stiennon et al. 2020, arXiv:2009.01325, section 3.4; Ouyang et al. 2022, arXiv:2203.02155, eq. 1; the margin: Touvron et al. 2023 (Llama
2), arXiv:2307.09288, eq. 2; the pull to the middle: Eisenstein et al. 2023, arXiv:2312.09244, section 4. Left out: several regression targets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.answers import AnswerBatch, last_places, side_by_side
from groundup.alignment.environments.rollouts import Environment, Group, chosen_tasks, cut_last
from groundup.alignment.preferences.data import Encoded, answer_ids, prompt_ids
from groundup.alignment.rewards.config import RewardConfig
from groundup.errors import InputError
from groundup.model.architectures.heads import with_head
from groundup.model.architectures.labels import REWARD
from groundup.slots import slot
from groundup.training import loop

__all__ = ["bradley_terry_loss", "scores", "PairBatch", "fit", "RewardModel", "Scored"]

AT_ONCE = 64  # groups scored together


@slot
def bradley_terry_loss(
    chosen: Float[Tensor, " pairs"],
    rejected: Float[Tensor, " pairs"],
    margin: Float[Tensor, " pairs"] | float = 0.0,
    centre: float = 0.0,
) -> Float[Tensor, " pairs"]:
    """The loss of each pair in nats: log 2 where both scores are equal.

    margin: by how much the chosen score should be the larger one. centre: pull of the scores' sum towards 0.
    """
    surprise = torch.nn.functional.softplus(rejected - chosen + margin)  # -log sigmoid, without overflow
    return surprise + centre * (chosen + rejected).square()


def scores(module: Any, batch: AnswerBatch) -> Float[Tensor, " answers"]:
    """The score of each answer, read at its last token; `module` has the head "reward"."""
    hidden = module.hidden(batch.input_ids, batch.mask(), batch.positions).flatten(0, 1)
    return module.score.out_proj(hidden.index_select(0, last_places(batch)))[:, 0].float()


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs, both answers of each side by side."""

    answers: AnswerBatch
    margin: Float[Tensor, " pairs"]

    @property
    def loss_mask(self) -> Tensor:
        """One target a pair."""
        return torch.ones_like(self.margin, dtype=torch.bool)

    @property
    def document_ids(self) -> Tensor:
        """Which text each token belongs to, -1: padding."""
        return self.answers.parts

    def to(self, device: torch.device | str) -> "PairBatch":
        """The same pairs on a device."""
        return replace(self, answers=self.answers.to(device), margin=self.margin.to(device))


def laid_out(pairs: Sequence[Encoded]) -> PairBatch:
    """Pairs as a batch; the chosen answer stands first."""
    rows = side_by_side([pair.prompt_ids for pair in pairs], [[pair.chosen_ids, pair.rejected_ids] for pair in pairs])
    return PairBatch(rows, torch.tensor([pair.margin for pair in pairs]))


def batches_of(pairs: Sequence[Encoded], config: RewardConfig, seed: int) -> Callable[[int], PairBatch]:
    """Step number -> pairs: every pair once before any comes again, each time in another order."""

    def batch(number: int) -> PairBatch:
        return laid_out([pairs[place] for place in chosen_tasks(number, len(pairs), config.batch_size, seed)])

    return batch


def steps_of(pairs: int, config: RewardConfig) -> int:
    """Steps of so many passes over the pairs."""
    return max(1, -(-round(config.epochs * pairs) // config.batch_size))


def objective_of(config: RewardConfig) -> Callable[[Any, PairBatch], tuple[Tensor, int]]:
    """The training loop's objective: the sum of the losses, and how many pairs."""

    def objective(module: Any, batch: PairBatch) -> tuple[Tensor, int]:
        made = scores(module, batch.answers)
        margin = batch.margin if config.margin else 0.0
        losses = bradley_terry_loss(made[0::2], made[1::2], margin, config.centre)
        return losses.sum(), len(losses)

    return objective


def fit(
    module: Any,
    pairs: Sequence[Encoded],
    config: RewardConfig,
    *,
    folder: str | Path | None = None,
    member: int = 0,
    mark: Callable[[Any], Any] = lambda batches: batches,
    **watched: Any,
) -> tuple[Any, loop.TrainResult]:
    """A reward model on the trunk of `module`, which is trained with it; watched: listeners, stop, way_on, tokenizer of `loop.train`.

    member: which of an ensemble: another head and another order. A stopped run goes on from its folder, bit for bit.
    """
    if not pairs:
        raise InputError("there is no pair to learn from; give at least one")
    seed = config.seed + 1000 * member
    model = with_head(module, REWARD, seed=seed)
    training = config.training(steps_of(len(pairs), config))
    batches, objective = mark(batches_of(pairs, config, seed)), objective_of(config)
    result = loop.train(model, batches, training, objective=objective, folder=folder, title="reward model", **watched)
    return model, result


class RewardModel:
    """A module with the head "reward", and a tokenizer: what an answer is worth."""

    def __init__(self, module: Any, tokenizer: Any):
        if getattr(module.config, "head", None) != REWARD:
            raise InputError(
                "this model has no reward head; train one on it with `groundup align MODEL --method reward`"
            )
        self.module, self.tokenizer = module, tokenizer

    @classmethod
    def load(cls, folder: str | Path, device: str = "cpu") -> "RewardModel":
        """A reward model's folder."""
        from groundup.inference.handle import load

        handle = load(folder, device=device)
        return cls(handle.module, handle.tokenizer)

    @torch.no_grad()
    def score_ids(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> list[Tensor]:
        """The scores of several answers to each prompt, as ids."""
        found: list[Tensor] = []
        for start in range(0, len(prompts), AT_ONCE):
            group = answers[start : start + AT_ONCE]
            batch = side_by_side(prompts[start : start + AT_ONCE], group).to(self.module.device)
            made = scores(self.module, batch).double().cpu()
            found += made.split([len(one) for one in group])
        return found

    def score_pairs(self, pairs: Sequence[Encoded]) -> Float[Tensor, "pairs two"]:
        """The scores of the chosen and of the rejected answer of each pair."""
        answers = [[pair.chosen_ids, pair.rejected_ids] for pair in pairs]
        return torch.stack(self.score_ids([pair.prompt_ids for pair in pairs], answers))

    def score(self, messages: Sequence[dict[str, str]] | str, *answers: str) -> list[float]:
        """What each of these answers to a conversation is worth."""
        turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
        ids = [answer_ids(answer, self.tokenizer) for answer in answers]
        return self.score_ids([prompt_ids(turns, self.tokenizer)], [ids])[0].tolist() if ids else []


@dataclass(frozen=True, slots=True)
class Scored(Environment):
    """An environment whose answers are judged by a reward model, all of a round together.

    An answer that was cut is worth as little as the worst of its round that ended, and never more than 0.
    """

    judge_model: Any = None  # has `score_ids`

    def rollout(self, module: Any, number: int, prompts: int, samples: int, sampling: Any) -> list[Group]:
        """Let the model answer, then score what it said."""
        # written out: super() without arguments does not find its class in a dataclass with slots
        groups = Environment.rollout(self, module, number, prompts, samples, sampling)
        made = self.judge_model.score_ids(
            [group.task.prompt_ids for group in groups], [[one.ids for one in group.tries] for group in groups]
        )
        scored = [
            replace(
                group, tries=[replace(one, reward=float(worth)) for one, worth in zip(group.tries, row, strict=True)]
            )
            for group, row in zip(groups, made, strict=True)
        ]
        return cut_last(scored)
