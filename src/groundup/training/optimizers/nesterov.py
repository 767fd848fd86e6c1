"""Nesterov's momentum: the step is the one that the new velocity would make next, so it brakes a step earlier.

    v <- beta v + g + decay w       w <- w - rate (g + decay w + beta v)

First told as a gradient taken ahead, at w - rate beta v; the weights kept here are those points ahead, and the gradient is the
plain one (Sutskever et al. 2013, section 2; Bengio et al. 2012, arXiv:1212.0901, eq. 7). Nesterov 1983; torch.optim.SGD's
letters and numbers. 4 bytes a weight.

`nesterov_step` is the definition; torch's fused kernel makes one pass over memory.
"""

import functools
from collections.abc import Sequence

from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers import momentum

SLOT = "training.optimizers.nesterov_step"


@slot
def nesterov_step(
    weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, beta: float = 0.9, weight_decay: float = 0.0
) -> None:
    """Move a tensor of weights once, along its gradient and its new velocity; weight and velocity are changed in place."""
    slope = gradient + weight_decay * weight
    velocity.mul_(beta).add_(slope)
    weight.sub_(rate * (slope + beta * velocity))


def one_by_one(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], velocity: Sequence[Tensor], *numbers: float
) -> None:
    """Move every weight by the definition; numbers: rate, beta, decay."""
    for weight, gradient, speed in zip(weights, gradients, velocity, strict=True):
        nesterov_step(weight, gradient, speed, *numbers)


fused = functools.partial(momentum.fused, nesterov=True)


class Nesterov(momentum.Momentum):
    """Gradient descent with a velocity that looks ahead; keeps and is told what Momentum is."""

    label, slot, forms = "nesterov", SLOT, (fused, one_by_one)
