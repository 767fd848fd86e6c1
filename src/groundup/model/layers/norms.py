"""Norms: bring a vector to unit size, then scale each coordinate by a learned gain.

    RMSNorm      y = g * x / rms(x),                        rms(x) = sqrt(mean(x^2) + eps)
    LayerNorm    y = g * (x - mean(x)) / dev(x) + b,        dev(x) = sqrt(mean((x - mean(x))^2) + eps)

LayerNorm came first (Ba et al. 2016, arXiv:1607.06450, eq. 4); RMSNorm leaves out mean and bias, as good and cheaper (Zhang
and Sennrich 2019, arXiv:1910.07467, eq. 4). Variants: no bias; no gain either (OLMo); the gain stored as gain - 1, so that
weight decay pulls it towards one and not towards zero (Gemma).

`rms_norm` and `layer_norm` are the definitions; `normalize` and `standardize` compute the same by the fastest way at hand. On
a CPU torch computes the gradient of its own rms_norm in ten passes over memory; here it is the gradient of LayerNorm, which
is one compiled loop, with the mean added back that it took away.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.slots import filled, slot

SLOT = "model.layers.rms_norm"
LAYER_SLOT = "model.layers.layer_norm"


@slot
def rms_norm(
    x: Float[Tensor, "*batch hidden"], gain: Float[Tensor, " hidden"], eps: float
) -> Float[Tensor, "*batch hidden"]:
    """Divide by the root mean square, computed in float32 at least, and multiply by the gain; the dtype of x stays.

    eps: what is added to the mean square, so that a vector of zeros stays zero.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return gain.to(x.dtype) * (wide * scale).to(x.dtype)


def normalize(
    x: Float[Tensor, "*batch hidden"], gain: Float[Tensor, " hidden"], eps: float
) -> Float[Tensor, "*batch hidden"]:
    """The same, by the fastest way that this device and this call allow, or by the learner's function."""
    if filled(SLOT):
        return rms_norm(x, gain, eps)
    if x.device.type == "cpu" and x.requires_grad and torch.is_grad_enabled():
        return _ByLayerNorm.apply(x, gain, eps)[0]
    return functional.rms_norm(x, (x.shape[-1],), gain.to(x.dtype), eps)


class _ByLayerNorm(torch.autograd.Function):
    """Forward and backward in 1.1 ms instead of 2.9 (fp32) and 2.3 instead of 3.9 (bf16) for 4,096 x 192 on one core.

    With s = 1 / rms(x) and u = g * dy, the gradient is s * (u - s^2 x mean(u x)). LayerNorm's, given mean 0 and this s,
    is the same less s * mean(u).
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, gain: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """The normalised x, and s for the way back."""
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
        scale = square.square().div_(x.shape[-1]).add_(eps).rsqrt_()
        return (x * scale).to(x.dtype) * gain.to(x.dtype), scale

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: tuple[Tensor, Tensor]) -> None:
        """Keep what the way back needs."""
        ctx.save_for_backward(inputs[0], inputs[1], output[1])
        ctx.eps = inputs[2]
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients for x and the gain."""
        dy, (x, gain, scale) = gradients[0], ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted: the formula, which torch can follow
            scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + ctx.eps)
            u = dy * gain
            dx = scale * (u - scale.square() * x * (u * x).mean(-1, keepdim=True))
            return dx, (dy * x * scale).reshape(-1, x.shape[-1]).sum(0), None
        dx, _, _ = torch.ops.aten.native_layer_norm_backward(
            dy, x, [x.shape[-1]], torch.zeros_like(scale), scale, gain.to(scale.dtype), None, [True, False, False]
        )
        dx += (dy @ (gain / x.shape[-1]).to(dy.dtype)).unsqueeze(-1) * scale
        if not ctx.needs_input_grad[1]:  # a frozen gain: two passes over memory less
            return dx, None, None
        # Not LayerNorm's own gradient of the gain: in bf16 it sums 4,096 rows in bf16 and is off by half its size.
        dgain = scale.reshape(1, -1).to(dy.dtype) @ (dy * x).reshape(-1, x.shape[-1])
        return dx, dgain[0].to(gain.dtype), None


@slot
def layer_norm(
    x: Float[Tensor, "*batch hidden"],
    gain: Float[Tensor, " hidden"] | None,
    bias: Float[Tensor, " hidden"] | None,
    eps: float,
) -> Float[Tensor, "*batch hidden"]:
    """Subtract the mean, divide by the deviation, multiply by the gain and add the bias; in float32 at least.

    gain, bias: None leaves the step out. eps: what is added to the mean square of the deviations. The dtype of x stays.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    centred = wide - wide.mean(-1, keepdim=True)
    y = centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps)
    y = y if gain is None else y * gain
    return (y if bias is None else y + bias).to(x.dtype)


def standardize(
    x: Float[Tensor, "*batch hidden"],
    gain: Float[Tensor, " hidden"] | None,
    bias: Float[Tensor, " hidden"] | None,
    eps: float,
) -> Float[Tensor, "*batch hidden"]:
    """The same by torch's kernel, or by the learner's function."""
    if filled(LAYER_SLOT):
        return layer_norm(x, gain, bias, eps)
    gain, bias = (None if part is None else part.to(x.dtype) for part in (gain, bias))
    if x.device.type != "cpu" or x.dtype == torch.float32 or gain is None or not torch.is_grad_enabled():
        return functional.layer_norm(x, (x.shape[-1],), gain, bias, eps)
    # Gain and bias apart: the kernel's own gradient of them sums 4,096 rows in bf16 and is off by a sixth of its size.
    y = functional.layer_norm(x, (x.shape[-1],), None, None, eps)
    return y * gain if bias is None else torch.addcmul(bias, y, gain)


class RMSNorm(nn.Module):
    """Hold the gain; compute in the dtype of x. offset: what is added to the stored gain, 1 for Gemma's."""

    def __init__(self, hidden: int, eps: float = 1e-6, offset: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden))
        self.eps, self.offset = eps, offset

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Normalise the last axis."""
        return normalize(x, self.weight if self.offset == 0.0 else self.weight + self.offset, self.eps)


class LayerNorm(nn.Module):
    """Hold gain and bias, either of them left out where it is not wanted; compute in the dtype of x."""

    def __init__(self, hidden: int, eps: float = 1e-5, *, gain: bool = True, bias: bool = True, offset: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden)) if gain else None
        self.bias = nn.Parameter(torch.empty(hidden)) if bias else None
        self.eps, self.offset = eps, offset

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Standardise the last axis."""
        gain = self.weight if self.offset == 0.0 or self.weight is None else self.weight + self.offset
        return standardize(x, gain, self.bias, self.eps)
