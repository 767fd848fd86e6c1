"""Adafactor: of a matrix's mean squared gradients only the means of its rows and columns are kept, and their product stands for all.

    R <- b R + (1 - b) (row means of G^2)     C <- b C + (1 - b) (column means of G^2)     V = R C / (mean of R)
    U = G / sqrt(V)     U <- U / max(1, rms(U) / clip)     W <- (1 - rate decay) W - max(eps, rms(W)) min(rate, 1 / sqrt(t)) U

with b = 1 - t^-0.8. An n x m matrix keeps n + m numbers instead of 2 n m: nothing beside AdamW's 8 bytes a weight. R C / mean(R)
is the V of rank one that is nearest in the sense of the generalised Kullback-Leibler divergence; a vector keeps its V whole.
The step is relative to the size of the weights, and b grows from 0, so neither a rate for each layer nor a correction of the
first steps is needed. Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4 to 6; torch.optim.Adafactor's numbers and decay.

`adafactor_step` is the definition and the only form: its passes are few against those of a matrix product, and no fused
kernel exists. Left out: momentum (beta1), which the paper offers and which would cost what it saves.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers.moving import Moving

FORGETS = 0.8  # b = 1 - t^-0.8
SMALLEST = 1e-3  # a weight that is 0 still moves: by this much of the rate


def mean_square(gradient: Tensor, squares: Sequence[Tensor], step: int) -> Tensor:
    """Take the squared gradient into the kept means, in place, and give the mean square of every weight.

    squares: of a matrix the means of its rows (..., rows, 1) and of its columns (..., 1, columns); of a vector one tensor.
    """
    share = step**-FORGETS  # of the new; 1 at the first step, so what was kept before it does not count
    tiny = torch.finfo(gradient.dtype).eps
    if gradient.dim() < 2:
        squares[0].lerp_(gradient.square(), share)
        return squares[0].clamp(min=tiny**2)
    rows, columns = squares
    rows.lerp_(gradient.square().mean(-1, keepdim=True), share)
    columns.lerp_(gradient.square().mean(-2, keepdim=True), share)
    return (rows @ columns / rows.mean(-2, keepdim=True).clamp(min=tiny)).clamp(min=tiny**2)


@slot
def adafactor_step(
    weight: Tensor,
    gradient: Tensor,
    squares: Sequence[Tensor],
    rate: float,
    step: int,
    clip: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Move a tensor of weights once, by a share of its own size; weight and squares are changed in place.

    squares: as `mean_square` takes them in, which is at hand. step: 1 at the first move. clip: how large the root mean square
    of the update may be before it is scaled down.
    """
    length = max(SMALLEST, _size(weight)) * min(rate, step**-0.5)
    update = gradient / mean_square(gradient, squares, step).sqrt()
    weight.mul_(1 - rate * weight_decay)
    weight.sub_(length / max(1.0, _size(update) / clip) * update)


def _size(values: Tensor) -> float:
    """The root of the mean square."""
    return float(values.norm()) / values.numel() ** 0.5


def one_by_one(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    squares: Sequence[Sequence[Tensor]],
    *numbers: float,
    step: int,
) -> None:
    """Move every weight by the definition; numbers: rate, clip, decay."""
    rate, clip, decay = numbers
    for weight, gradient, kept in zip(weights, gradients, squares, strict=True):
        adafactor_step(weight, gradient, kept, rate, step, clip, decay)


class Adafactor(Moving):
    """An adaptive step with next to no memory. Two dimensions are factored (the last two), vectors are not."""

    label = "adafactor"

    def __init__(
        self, parameters: Mapping[str, Tensor], *, learning_rate: float, clip: float = 1.0, weight_decay: float = 0.0
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.clip = clip
        self.move = one_by_one

    def start(self, parameter: Tensor) -> dict[str, Tensor]:
        """Means of rows and columns for a matrix, a whole one for a vector."""
        if parameter.dim() < 2:
            return {"variance": torch.zeros_like(parameter, requires_grad=False)}
        *stack, rows, columns = parameter.shape
        return {"row_var": parameter.new_zeros(*stack, rows, 1), "col_var": parameter.new_zeros(*stack, 1, columns)}

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights."""
        squares = list(zip(*states, strict=True))
        self.move(weights, gradients, squares, rate, self.clip, decay, step=self.steps)
