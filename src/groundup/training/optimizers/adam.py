"""Adam: each weight moves by its mean gradient over the root of its mean squared gradient.

    g <- g + decay w     m <- b1 m + (1 - b1) g     v <- b2 v + (1 - b2) g^2     w <- w - rate m' / (sqrt(v') + eps)

m' and v' are m and v divided by 1 - b^t, since both began at 0. Kingma and Ba 2014, arXiv:1412.6980, algorithm 1. The decay
is in the gradient (L2), as in torch.optim.Adam: it is divided by the root as well, so weights with large gradients hardly
decay; that is what AdamW mends. 8 bytes a weight.

`adam_step` is the definition; torch's fused kernel makes one pass over memory. Left out: AMSGrad.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers.adamw import Group, Numbers
from groundup.training.optimizers.moving import Moving, fusible

SLOT = "training.optimizers.adam_step"


@slot
def adam_step(weight: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, numbers: Numbers) -> None:
    """Move a tensor of weights once; weight, mean (m) and square (v) are changed in place.

    numbers: rate, beta1, beta2, eps, weight_decay (added to the gradient), and step, which is 1 at the first move.
    """
    slope = gradient + numbers.weight_decay * weight
    mean.lerp_(slope, 1 - numbers.beta1)
    square.lerp_(slope.square(), 1 - numbers.beta2)
    unbiased_mean = mean / (1 - numbers.beta1**numbers.step)
    unbiased_square = square / (1 - numbers.beta2**numbers.step)
    weight.sub_(numbers.rate * unbiased_mean / (unbiased_square.sqrt() + numbers.eps))


def one_by_one(group: Group, gradients: Sequence[Tensor], numbers: Numbers) -> None:
    """Move every weight by the definition."""
    for weight, gradient, mean, square in zip(group.weights, gradients, group.mean, group.square, strict=True):
        adam_step(weight, gradient, mean, square, numbers)


def fused(group: Group, gradients: Sequence[Tensor], numbers: Numbers) -> None:
    """The same in one pass over memory."""
    steps = [torch.full((), float(numbers.step), device=weight.device) for weight in group.weights]
    told = {"lr": numbers.rate, "beta1": numbers.beta1, "beta2": numbers.beta2, "eps": numbers.eps}
    flags = {"weight_decay": numbers.weight_decay, "amsgrad": False, "maximize": False}
    torch.ops.aten._fused_adam_(group.weights, list(gradients), group.mean, group.square, [], steps, **told, **flags)


class Adam(Moving):
    """A step for each weight whose length does not depend on the gradient's size; the decay is part of the gradient."""

    label, tables = "adam", ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.betas, self.eps = (beta1, beta2), eps
        self.move = fused if fusible(parameters.values(), SLOT) else one_by_one

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        numbers = Numbers(rate, *self.betas, self.eps, decay, self.steps)
        self.move(Group(weights, *states), gradients, numbers)
