"""RMSNorm of every row in one pass: read x, write y, keep one number a row for the way back.

    s = 1 / sqrt(mean(x^2) + eps)     y = g s x     dx = s (u - s^2 x mean(u x)), u = g dy     dg = sum over rows of dy s x

Meaning: `groundup.model.layers.norms.rms_norm`, rounding included (x s is rounded to the dtype of x before the gain). The
gain's gradient is a sum over all rows: some programs walk over rows, each keeps its own sum, and the few sums are added at the
end, so that no two programs add to one number and the result is the same every time.

Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4. Left out: rows of more than 65,536 numbers; a residual added in the same pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.machine.kernels.triton.launch import as_rows, jit, ready, row_tile, tl, wide

MOST_SUMS = 128  # programs of the way back: about one for each multiprocessor of a large card


@jit
def forward_kernel(x, gain, result, scales, columns, eps, WIDE: tl.constexpr, TILE: tl.constexpr):
    """One row."""
    row = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, TILE)
    there = places < columns
    numbers = tl.load(x + row * columns + places, mask=there, other=0.0).to(WIDE)
    gains = tl.load(gain + places, mask=there, other=0.0).to(WIDE)
    scale = 1.0 / tl.sqrt(tl.sum(numbers * numbers, 0) / columns + eps)
    rounded = (numbers * scale).to(result.dtype.element_ty).to(WIDE)
    tl.store(result + row * columns + places, (rounded * gains).to(result.dtype.element_ty), mask=there)
    tl.store(scales + row, scale)


@jit
def backward_kernel(
    x, gain, grad, scales, grad_x, gain_sums, rows, columns, WIDE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    """Every so manyth row: its gradient, and this program's share of the gain's."""
    places = tl.arange(0, TILE)
    there = places < columns
    gains = tl.load(gain + places, mask=there, other=0.0).to(WIDE)
    of_gain = tl.zeros((TILE,), WIDE)
    first = tl.program_id(0).to(tl.int64)  # 64 bits, as an offset may pass 2^31
    for row in range(first, rows, tl.num_programs(0)):
        at = row * columns + places
        numbers = tl.load(x + at, mask=there, other=0.0).to(WIDE)
        told = tl.load(grad + at, mask=there, other=0.0).to(WIDE)
        scale = tl.load(scales + row)
        of_gain += told * numbers * scale
        pull = told * gains
        mean = tl.sum(pull * numbers, 0) / columns
        moved = scale * (pull - scale * scale * numbers * mean)
        tl.store(grad_x + at, moved.to(grad_x.dtype.element_ty), mask=there)
    tl.store(gain_sums + tl.program_id(0) * columns + places, of_gain, mask=there)


class _RMSNorm(torch.autograd.Function):
    """Forward and backward as autograd calls them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float) -> Tensor:
        x, gain = x.contiguous(), gain.contiguous()
        result = torch.empty_like(x)
        scales = x.new_empty(x.shape[0], dtype=torch.promote_types(x.dtype, torch.float32))
        told = {"WIDE": wide(x), "TILE": row_tile(x.shape[1])}
        forward_kernel[(x.shape[0],)](x, gain.to(x.dtype), result, scales, x.shape[1], eps, **told)
        ctx.save_for_backward(x, gain, scales)
        ctx.told = told
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        x, gain, scales = ctx.saved_tensors
        rows, columns = x.shape
        grad_x, programs = torch.empty_like(x), min(rows, MOST_SUMS)
        gain_sums = scales.new_empty(programs, columns)
        given = (x, gain.to(x.dtype), grad.contiguous(), scales, grad_x, gain_sums)
        backward_kernel[(programs,)](*given, rows, columns, **ctx.told)
        return grad_x, gain_sums.sum(0).to(gain.dtype), None


def rms_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    """Divide by the root mean square along the last axis and multiply by the gain, with both gradients."""
    ready(x, gain)
    if gain.shape != x.shape[-1:]:
        raise InputError(f"a gain of the shape {tuple(gain.shape)} for rows of {x.shape[-1]}; give one number a column")
    return _RMSNorm.apply(as_rows(x), gain, eps).reshape(x.shape)
