"""RMSprop: each weight moves by its gradient over the root of a mean of its squared gradients.

    g <- g + decay w       v <- beta v + (1 - beta) g^2       w <- w - rate g / (sqrt(v) + eps)

The step has no unit of the gradient left, so steep and flat weights move alike. v begins at 0 and is not corrected: the first
steps are 1 / sqrt(1 - beta) too long (10 times for 0.99); Adam mends that, and puts a mean of the gradients above the root.
4 bytes a weight. Hinton 2012, Neural Networks for Machine Learning, lecture 6e; torch.optim.RMSprop's letters and numbers.

`rmsprop_step` is the definition; `together` makes each operation once for all weights. Left out: momentum, centring.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from groundup.slots import filled, slot
from groundup.training.optimizers.moving import Moving, with_decay

SLOT = "training.optimizers.rmsprop_step"


@slot
def rmsprop_step(
    weight: Tensor,
    gradient: Tensor,
    square: Tensor,
    rate: float,
    beta: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Move a tensor of weights once; weight and square (v) are changed in place."""
    slope = gradient + weight_decay * weight
    square.lerp_(slope.square(), 1 - beta)
    weight.sub_(rate * slope / (square.sqrt() + eps))


def one_by_one(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], squares: Sequence[Tensor], *numbers: float
) -> None:
    """Move every weight by the definition; numbers: rate, beta, eps, decay."""
    for weight, gradient, square in zip(weights, gradients, squares, strict=True):
        rmsprop_step(weight, gradient, square, *numbers)


def together(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    squares: Sequence[Tensor],
    rate: float,
    beta: float,
    eps: float,
    decay: float,
) -> None:
    """The same, each operation in one call for all weights."""
    slopes = with_decay(weights, gradients, decay)
    torch._foreach_mul_(list(squares), beta)
    torch._foreach_addcmul_(list(squares), slopes, slopes, 1 - beta)
    roots = torch._foreach_sqrt(list(squares))
    torch._foreach_add_(roots, eps)
    torch._foreach_addcdiv_(list(weights), slopes, roots, -rate)


class RMSprop(Moving):
    """A step for each weight whose length does not depend on the gradient's size."""

    label, tables = "rmsprop", ("square_avg",)

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        learning_rate: float,
        beta: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.beta, self.eps = beta, eps
        self.move = one_by_one if filled(SLOT) else together

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        self.move(weights, gradients, *states, rate, self.beta, self.eps, decay)
