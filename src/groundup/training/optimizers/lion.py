"""Lion: every weight moves by the rate, in the direction of the sign of a mean of its gradients.

    c <- b1 m + (1 - b1) g       w <- w - rate (sign(c) + decay w)       m <- b2 m + (1 - b2) g

Two shares of one mean: what is kept forgets slowly (0.99), what is followed gives the newest gradient more weight (0.9).
All weights move alike, so the rate is 3 to 10 times smaller than AdamW's and the decay as much larger. 4 bytes a weight,
half of AdamW's. Found by a search over programs: Chen et al. 2023, arXiv:2302.06675, algorithm 2.

`lion_step` is the definition; `together` makes each operation once for all weights.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from groundup.slots import filled, slot
from groundup.training.optimizers.moving import Moving

SLOT = "training.optimizers.lion_step"


@slot
def lion_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
) -> None:
    """Move a tensor of weights once, by the sign; weight and mean (m) are changed in place."""
    direction = mean.lerp(gradient, 1 - beta1).sign()
    weight.mul_(1 - rate * weight_decay).sub_(rate * direction)
    mean.lerp_(gradient, 1 - beta2)


def one_by_one(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], means: Sequence[Tensor], *numbers: float
) -> None:
    """Move every weight by the definition; numbers: rate, beta1, beta2, decay."""
    for weight, gradient, mean in zip(weights, gradients, means, strict=True):
        lion_step(weight, gradient, mean, *numbers)


def together(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    means: Sequence[Tensor],
    rate: float,
    beta1: float,
    beta2: float,
    decay: float,
) -> None:
    """The same, each operation in one call for all weights."""
    directions = torch._foreach_lerp(list(means), list(gradients), 1 - beta1)
    torch._foreach_sign_(directions)
    if decay:
        torch._foreach_mul_(list(weights), 1 - rate * decay)
    torch._foreach_add_(list(weights), directions, alpha=-rate)
    torch._foreach_lerp_(list(means), list(gradients), 1 - beta2)


class Lion(Moving):
    """A step of the same length for every weight, with decoupled decay."""

    label, tables = "lion", ("exp_avg",)

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.betas = (beta1, beta2)
        self.move = one_by_one if filled(SLOT) else together

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        self.move(weights, gradients, *states, rate, *self.betas, decay)
