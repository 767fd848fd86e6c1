"""A matrix cast to float8 and laid down twice, as it is and turned, in one pass over it.

The tensor cores of Hopper multiply float8 only along rows of both sides, and training multiplies each matrix along both of its axes (once
on the way forward, once for a gradient). So both orders are needed: a tile is read once, scaled, rounded, and written twice.

    values = round(x / scale)        turned = values^T        bytes moved: 2 + 1 + 1 a number of bf16

In separate operations of torch the same reads and writes 2 + 4, 4 + 4, 4 + 1, 1 + 1. What the scale is and why: `groundup.training.step.float8`.
Left out: the scale itself (a maximum over the whole matrix, which must be known before the first tile is rounded).
"""

from __future__ import annotations

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.machine.kernels.triton.launch import jit, ready, tl, triton

TILE = (64, 64)


@jit
def cast_kernel(
    x, scale, values, turned, rows, columns, by_row, by_column,
    LARGEST: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """One tile."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS)
    there = (row[:, None] < rows) & (column[None, :] < columns)
    given = tl.load(x + row[:, None] * by_row + column[None, :] * by_column, mask=there, other=0.0).to(tl.float32)
    given = given / tl.load(scale)
    held = tl.where(
        given > LARGEST, LARGEST, tl.where(given < -LARGEST, -LARGEST, given)
    )  # a NaN is neither, and stays
    short = held.to(values.dtype.element_ty)
    tl.store(values + row[:, None] * columns + column[None, :], short, mask=there)
    tl.store(turned + column[:, None] * rows + row[None, :], tl.trans(short), mask=tl.trans(there))


def cast_both_ways(x: Tensor, scale: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """x / scale in `dtype` (a float8), held within its largest number: as x lies, and turned; both dense."""
    ready(x)
    if x.dim() != 2 or not x.numel():
        raise InputError(f"got a tensor of the shape {tuple(x.shape)}; give a matrix with at least one number")
    rows, columns = x.shape
    values = torch.empty(rows, columns, dtype=dtype, device=x.device)
    turned = torch.empty(columns, rows, dtype=dtype, device=x.device)
    grid = (triton.cdiv(rows, TILE[0]), triton.cdiv(columns, TILE[1]))
    cast_kernel[grid](
        x, scale, values, turned, rows, columns, *x.stride(), LARGEST=torch.finfo(dtype).max, ROWS=TILE[0], COLUMNS=TILE[1]
    )  # fmt: skip
    return values, turned
