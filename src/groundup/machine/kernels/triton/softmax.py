"""Softmax of every row in one pass over memory: a program holds a row, so it is read once and written once.

    y = exp(x - max x) / sum exp(x - max x)        dx = y (dy - sum(y dy))

By its definition in separate operations it is read three times and written twice. A row that sees nothing (-inf alone) becomes
0, as in `groundup.model.attention`. Rows of any stride are read where they lie. Computed in float32, given back in the dtype of
x.

Milakov and Gimelshein 2018, arXiv:1805.02867, on the passes. Left out: rows longer than a program can hold (65,536), for which
`cross_entropy` shows the way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from groundup.machine.kernels.triton.launch import as_rows, jit, ready, row_tile, tl, wide


@jit
def forward_kernel(x, result, columns, by_row, by_column, WIDE: tl.constexpr, TILE: tl.constexpr):
    """One row."""
    row = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, TILE)
    there = places < columns
    scores = tl.load(x + row * by_row + places * by_column, mask=there, other=-float("inf")).to(WIDE)
    largest = tl.max(scores, 0)
    largest = tl.where(largest == -float("inf"), 0.0, largest)  # -inf less -inf would be NaN
    weights = tl.exp(scores - largest)
    total = tl.sum(weights, 0)
    share = weights / tl.where(total == 0.0, 1.0, total)
    tl.store(result + row * columns + places, share.to(result.dtype.element_ty), mask=there)


@jit
def backward_kernel(y, grad, result, columns, by_row, by_column, WIDE: tl.constexpr, TILE: tl.constexpr):
    """One row: what each score is to be moved by."""
    row = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, TILE)
    there = places < columns
    share = tl.load(y + row * columns + places, mask=there, other=0.0).to(WIDE)
    told = tl.load(grad + row * by_row + places * by_column, mask=there, other=0.0).to(WIDE)
    moved = share * (told - tl.sum(share * told, 0))
    tl.store(result + row * columns + places, moved.to(result.dtype.element_ty), mask=there)


class _Softmax(torch.autograd.Function):
    """Forward and backward as autograd calls them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        result = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        told = {"WIDE": wide(x), "TILE": row_tile(x.shape[1])}
        forward_kernel[(x.shape[0],)](x, result, x.shape[1], *x.stride(), **told)
        ctx.save_for_backward(result)
        ctx.told = told
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        result = torch.empty_like(y)
        backward_kernel[(y.shape[0],)](y, grad, result, y.shape[1], *grad.stride(), **ctx.told)
        return result


def softmax(x: Tensor) -> Tensor:
    """The softmax along the last axis, with its gradient."""
    ready(x)
    return _Softmax.apply(as_rows(x)).reshape(x.shape)
