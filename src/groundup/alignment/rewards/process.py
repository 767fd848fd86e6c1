"""Process rewards: a score for each step of a solution, so that the first wrong step is found and not only the wrong end.

    P(step is right)   = sigmoid(score at the step's last token)        one number at every token, read where a step ends
    a solution's       = the product of its steps', or the least        a chain holds as far as its weakest link

Lightman et al. 2023, arXiv:2305.20050, section 2.6 and appendix F (labels of people; the product, and the minimum beside it); labels without people, by whether
continuations from a step reach the right answer: Wang et al. 2024 (Math-Shepherd), arXiv:2312.08935, section 3.2, `labels_by_completing`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.alignment.environments.rollouts import chosen_tasks
from groundup.alignment.rewards.config import RewardConfig
from groundup.errors import InputError
from groundup.model.architectures.heads import with_head
from groundup.model.architectures.labels import VALUE
from groundup.training import loop

NO_STEP = -1.0


@dataclass(frozen=True, slots=True)
class Solution:
    """A question and the steps of an answer as ids; right: for each step whether it is."""

    prompt_ids: list[int]
    steps: list[list[int]]
    right: list[bool]

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.right) or not self.steps or not all(self.steps):
            raise InputError(
                f"a solution of {len(self.steps)} steps with {len(self.right)} labels cannot be learned from; "
                "give one label to each step, and no step without a token"
            )


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Solutions as rows; labels: 1 or 0 at each step's last token, -1 everywhere else."""

    input_ids: Int[Tensor, "batch seq"]
    labels: Float[Tensor, "batch seq"]

    @property
    def loss_mask(self) -> Tensor:
        """Every step's last token counts."""
        return self.labels != NO_STEP

    def to(self, device: torch.device | str) -> "StepBatch":
        """The same batch on a device."""
        return replace(self, input_ids=self.input_ids.to(device), labels=self.labels.to(device))


def laid_out(solutions: Sequence[Solution]) -> StepBatch:
    """Solutions as a batch, padded on the right: a causal model does not see what stands behind."""
    rows = [one.prompt_ids + [token for step in one.steps for token in step] for one in solutions]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    labels = torch.full(ids.shape, NO_STEP)
    for number, (row, one) in enumerate(zip(rows, solutions, strict=True)):
        ids[number, : len(row)] = torch.tensor(row)
        ends = torch.tensor([len(one.prompt_ids), *map(len, one.steps)]).cumsum(0)[1:] - 1
        labels[number, ends] = torch.tensor(one.right, dtype=torch.float32)
    return StepBatch(ids, labels)


def process_loss(module: Any, batch: StepBatch) -> tuple[Tensor, int]:
    """The sum over steps of the surprise that each is right or wrong, in nats, and how many steps; `module` has the head "value"."""
    scores = module(batch.input_ids).float()
    here = batch.loss_mask
    losses = torch.nn.functional.binary_cross_entropy_with_logits(scores[here], batch.labels[here], reduction="sum")
    return losses, int(here.sum())


def fit(
    module: Any, solutions: Sequence[Solution], config: RewardConfig, **watched: Any
) -> tuple[Any, loop.TrainResult]:
    """A process reward model on the trunk of `module`; config: its rates, epochs and batch size, in solutions."""
    if not solutions:
        raise InputError("there is no solution to learn from; give at least one")
    model, count = with_head(module, VALUE, seed=config.seed), len(solutions)

    def batch(number: int) -> StepBatch:
        return laid_out([solutions[place] for place in chosen_tasks(number, count, config.batch_size, config.seed)])

    steps = max(1, -(-round(config.epochs * count) // config.batch_size))
    result = loop.train(
        model, batch, config.training(steps), objective=process_loss, title="process rewards", **watched
    )
    return model, result


@torch.no_grad()
def step_probabilities(module: Any, solution: Solution) -> Float[Tensor, " steps"]:
    """For each step how likely it is right."""
    batch = laid_out([solution]).to(module.device)
    return torch.sigmoid(module(batch.input_ids).double())[batch.loss_mask].cpu()


def whole(probabilities: Float[Tensor, " steps"], by: Literal["product", "least", "last"] = "product") -> float:
    """What a solution is worth by its steps."""
    if by == "last":
        return float(probabilities[-1])
    return float(probabilities.prod() if by == "product" else probabilities.min())


def labels_by_completing(
    steps: Sequence[str], complete: Callable[[str], str], right: Callable[[str], bool], tries: int = 8
) -> list[float]:
    """For each step the share of continuations from it that reach the right answer. complete: a drawn continuation of a text."""
    if tries < 1:
        raise InputError(f"{tries} continuations say nothing; use 1 or more")
    made, text = [], ""
    for step in steps:
        text += step
        made.append(sum(right(text + complete(text)) for _ in range(tries)) / tries)
    return made
