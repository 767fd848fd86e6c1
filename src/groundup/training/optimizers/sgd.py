"""Stochastic gradient descent: each weight moves against the gradient of one batch, times the rate.

    w <- w - rate (g + decay w)

The gradient of a batch is that of all data plus noise, so a falling rate is what makes it arrive. It keeps nothing: 0 bytes
a weight. Robbins and Monro 1951. The decay is in the gradient (L2), as in torch.optim.SGD; without a rate that adapts, L2
and decoupled decay are the same.

`sgd_step` is the definition; torch's fused kernel makes one pass over memory.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers.moving import Moving, fusible

SLOT = "training.optimizers.sgd_step"


@slot
def sgd_step(weight: Tensor, gradient: Tensor, rate: float, weight_decay: float = 0.0) -> None:
    """Move a tensor of weights once, against its gradient; weight is changed in place, gradient stays."""
    weight.sub_(rate * (gradient + weight_decay * weight))


def one_by_one(weights: Sequence[Tensor], gradients: Sequence[Tensor], rate: float, decay: float) -> None:
    """Move every weight by the definition."""
    for weight, gradient in zip(weights, gradients, strict=True):
        sgd_step(weight, gradient, rate, decay)


def fused(weights: Sequence[Tensor], gradients: Sequence[Tensor], rate: float, decay: float) -> None:
    """The same in one pass over memory."""
    told = {"weight_decay": decay, "momentum": 0.0, "lr": rate, "dampening": 0.0, "nesterov": False}
    torch.ops.aten._fused_sgd_(list(weights), list(gradients), [], **told, maximize=False, is_first_step=False)


class SGD(Moving):
    """A step against the gradient, and no memory."""

    label, tables = "sgd", ()

    def __init__(self, parameters: Mapping[str, Tensor], *, learning_rate: float, weight_decay: float = 0.0):
        super().__init__(parameters, learning_rate, weight_decay)
        self.move = fused if fusible(parameters.values(), SLOT) else one_by_one

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        self.move(weights, gradients, rate, decay)
