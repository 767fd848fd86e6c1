"""The one place that chooses: a Triton kernel where the tensors lie on a GPU and Triton is there, torch elsewhere.

Same arguments, same numbers but for the last bits. On a CPU these are torch's own functions, so a model may call them anywhere.
They are offered, and the model does not call them by itself: torch fuses both on a GPU too, and which is faster has to be
measured on the card first.
"""

import torch
from torch import Tensor
from torch.nn import functional

from groundup.machine.kernels.triton import cross_entropy as entropy_kernels
from groundup.machine.kernels.triton import launch
from groundup.machine.kernels.triton import rms_norm as norm_kernels


def takes(x: Tensor) -> bool:
    """Whether a tensor is computed by a kernel: on a GPU, with Triton, in a dtype of floats, and not empty."""
    return x.is_cuda and launch.compiled() and x.is_floating_point() and x.numel() > 0


def fused_rms_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    """RMSNorm along the last axis."""
    if takes(x) and x.shape[-1] <= launch.LONGEST_TILE:
        return norm_kernels.rms_norm(x, gain, eps)
    return functional.rms_norm(x, (x.shape[-1],), gain.to(x.dtype), eps)


def fused_cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = -100) -> Tensor:
    """The mean loss in nats of the tokens that count, in float32 at least; logits (..., vocab), targets (...)."""
    if takes(logits):
        return entropy_kernels.cross_entropy(logits, targets, ignore_index)
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32)).flatten(0, -2)
    return functional.cross_entropy(wide, targets.flatten(), ignore_index=ignore_index)
