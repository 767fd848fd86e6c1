"""Quantization-aware training: the model learns with the weights that it will have.

A step forward uses rounded weights. Rounding has no slope (it is flat, and jumps), so the way back pretends that it was not there: the gradient of
the rounded weight is given to the unrounded one, which keeps what is too small to move a code and adds it up over steps.

    forward   w' = scale * round(w / scale)          backward   dL/dw = dL/dw'

(the straight-through estimator: Bengio et al. 2013, arXiv:1308.3432, section 3; Jacob et al. 2018, arXiv:1712.05877, section 3.)
Scales are those that hold each group's largest weight, anew at each step. Left out: activations; scales that are learned.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from groundup.compression import calibration
from groundup.compression.quantization import grid, ptq
from groundup.model.formats.packed import Packed
from groundup.slots import slot


@slot
def straight_through(
    weight: Float[Tensor, "rows inputs"], rounded: Float[Tensor, "rows inputs"]
) -> Float[Tensor, "rows inputs"]:
    """The rounded weights, whose gradient goes to `weight` as if nothing had been rounded."""
    return weight + (rounded - weight).detach()


class Rounding(nn.Module):
    """A parametrization: the weight is used rounded, and kept as it is."""

    def __init__(self, bits: int, group_size: int | None):
        super().__init__()
        self.bits, self.group_size = bits, group_size

    def forward(self, weight: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows inputs"]:
        """Round to the grid that holds each group's largest weight."""
        with torch.no_grad():
            scale = grid.kept_scale(grid.scales(weight, self.bits, self.group_size, search=False), weight.dtype)
            rounded = Packed(grid.codes_of(weight, scale, self.bits), scale).numbers()
        return straight_through(weight, rounded)


@contextmanager
def aware(module: Any, bits: int = 4, group_size: int | None = 32) -> Iterator[Any]:
    """While it is open the linear maps of a decoder's blocks compute with rounded weights; train inside. Afterwards the weights are unrounded again.

    `finish` then rounds them as they were used.
    """
    maps = calibration.linear_maps(module)
    for part in maps.values():
        grid.check(bits, group_size, part.weight.shape[1])
    for part in maps.values():
        parametrize.register_parametrization(part, "weight", Rounding(bits, group_size))
    try:
        yield module
    finally:
        for part in maps.values():
            weight = next(part.parametrizations.parameters())  # type: ignore[union-attr]
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=False)
            part.weight = weight


def finish(module: Any, bits: int = 4, group_size: int | None = 32) -> dict[str, Packed]:
    """Round what was trained in `aware`, in place; the codes, by name."""
    made = {}
    for name, part in calibration.linear_maps(module).items():
        made[name] = ptq.rounded(part.weight, bits, group_size, search=False)
        with torch.no_grad():
            part.weight.copy_(made[name].numbers())
    return made
