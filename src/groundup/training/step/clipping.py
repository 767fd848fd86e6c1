"""A gradient that is too long is shortened, its direction kept: one wild batch cannot throw the weights far away.

Pascanu et al. 2013, arXiv:1211.5063, algorithm 1. Skipping a step and going back before it: `spikes`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from groundup.slots import slot


@slot
def clip_(parameters: Sequence[Tensor], max_norm: float) -> float:
    """Scale all gradients together so that their norm is at most `max_norm` (0: leave them); the norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return 0.0
    norm = float(torch.stack(torch._foreach_norm(gradients)).norm())
    if max_norm and norm > max_norm:
        torch._foreach_mul_(gradients, max_norm / norm)
    return norm
