"""AdamW: each weight moves by its mean gradient over the root of its mean squared gradient, and decays apart from that.

    m <- b1 m + (1 - b1) g      v <- b2 v + (1 - b2) g^2      w <- w - rate (m' / (sqrt(v') + eps) + decay w)

m' and v' are m and v divided by 1 - b^t: both began at 0, so they are unbiased from the first step on.
Kingma and Ba 2014, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2.

`adamw_step` is the definition. Its nine passes over weights and momenta wait for memory; torch's fused kernel makes
one pass (2.4 M weights: 1.6 ms against 23).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers.moving import Moving, fusible

SLOT = "training.optimizers.adamw_step"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a move of all weights is told."""

    rate: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    step: int  # counted from 1


@dataclass(frozen=True, slots=True)
class Group:
    """Weights that decay alike, with their momenta: mean gradient, mean squared gradient."""

    weights: list[Tensor]
    mean: list[Tensor]
    square: list[Tensor]


@slot
def adamw_step(weight: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, numbers: Numbers) -> None:
    """Move a tensor of weights once; weight, mean (m) and square (v) are changed in place.

    numbers: rate, beta1, beta2, eps, weight_decay, and step, which is 1 at the first move.
    """
    weight.mul_(1 - numbers.rate * numbers.weight_decay)
    mean.lerp_(gradient, 1 - numbers.beta1)
    square.lerp_(gradient.square(), 1 - numbers.beta2)
    unbiased_mean = mean / (1 - numbers.beta1**numbers.step)
    unbiased_square = square / (1 - numbers.beta2**numbers.step)
    weight.sub_(numbers.rate * unbiased_mean / (unbiased_square.sqrt() + numbers.eps))


def one_by_one(group: Group, gradients: Sequence[Tensor], numbers: Numbers) -> None:
    """Move every weight by the definition."""
    for weight, gradient, mean, square in zip(group.weights, gradients, group.mean, group.square, strict=True):
        adamw_step(weight, gradient, mean, square, numbers)


def fused(group: Group, gradients: Sequence[Tensor], numbers: Numbers) -> None:
    """The same in one pass over memory."""
    steps = [torch.full((), float(numbers.step), device=weight.device) for weight in group.weights]
    torch.ops.aten._fused_adamw_(
        group.weights,
        list(gradients),
        group.mean,
        group.square,
        [],
        steps,
        lr=numbers.rate,
        beta1=numbers.beta1,
        beta2=numbers.beta2,
        weight_decay=numbers.weight_decay,
        eps=numbers.eps,
        amsgrad=False,
        maximize=False,
    )


def fastest(weights: Sequence[Tensor]) -> Callable[[Group, Sequence[Tensor], Numbers], None]:
    """The fused form where there is one for these weights and no learner's function."""
    return fused if fusible(weights, SLOT) else one_by_one


class AdamW(Moving):
    """Adam with decoupled weight decay. Vectors (gains, biases) are not decayed."""

    label, tables = "adamw", ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.betas, self.eps = (beta1, beta2), eps
        self.move = fastest(list(parameters.values()))

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        numbers = Numbers(rate, *self.betas, self.eps, decay, self.steps)
        self.move(Group(weights, *states), gradients, numbers)
