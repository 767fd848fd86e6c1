"""Momentum: the weights have a velocity, which keeps a share of itself and takes in each gradient.

    v <- beta v + g + decay w       w <- w - rate v

Where gradients agree, v grows to 1 / (1 - beta) of one: ten times for 0.9, so the rate has to be smaller than that of plain
SGD. Where they turn about, they cancel. 4 bytes a weight. Polyak 1964 (the heavy ball); in torch.optim.SGD's form, where the
rate stands outside the velocity and a falling rate is felt at once.

`momentum_step` is the definition; torch's fused kernel makes one pass over memory. Left out: dampening, 1 - beta before g.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers.moving import Moving, fusible

SLOT = "training.optimizers.momentum_step"


@slot
def momentum_step(
    weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, beta: float = 0.9, weight_decay: float = 0.0
) -> None:
    """Move a tensor of weights once, along its velocity; weight and velocity are changed in place."""
    velocity.mul_(beta).add_(gradient + weight_decay * weight)
    weight.sub_(rate * velocity)


def one_by_one(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], velocity: Sequence[Tensor], *numbers: float
) -> None:
    """Move every weight by the definition; numbers: rate, beta, decay."""
    for weight, gradient, speed in zip(weights, gradients, velocity, strict=True):
        momentum_step(weight, gradient, speed, *numbers)


def fused(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    velocity: Sequence[Tensor],
    rate: float,
    beta: float,
    decay: float,
    nesterov: bool = False,
) -> None:
    """The same in one pass over memory."""
    told = {"weight_decay": decay, "momentum": beta, "lr": rate, "dampening": 0.0, "nesterov": nesterov}
    torch.ops.aten._fused_sgd_(
        list(weights), list(gradients), list(velocity), **told, maximize=False, is_first_step=False
    )


class Momentum(Moving):
    """Gradient descent with a velocity (the heavy ball)."""

    label, tables = "momentum", ("momentum_buffer",)
    slot: ClassVar[str] = SLOT
    forms: ClassVar[tuple[Callable[..., None], Callable[..., None]]] = (
        fused,
        one_by_one,
    )  # the fast one, the definition

    def __init__(
        self, parameters: Mapping[str, Tensor], *, learning_rate: float, beta: float = 0.9, weight_decay: float = 0.0
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.beta = beta
        fast, plain = self.forms
        self.move = fast if fusible(parameters.values(), self.slot) else plain

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        self.move(weights, gradients, *states, rate, self.beta, decay)
