"""A matrix product by tiles: a program owns one tile of the result and walks over the shared axis.

Each step brings a tile of either matrix into the core's own memory (ROWS x DEPTH and DEPTH x COLUMNS numbers) and makes ROWS x
COLUMNS x DEPTH products of them on the tensor cores: the larger the tile, the more products a byte. The programs are numbered
in bands of GROUP rows of tiles (`tiles.grouped_tile`), so that those that run at the same time share their inputs in the L2
cache.

Strides are arguments, so a transposed matrix is read where it lies; the two products of the way back are this kernel again:

    result = left right        d left = grad right^T        d right = left^T grad

Sums are kept in float32 (float64 for float64), and products are not rounded to TF32. Tillet et al. 2019,
doi:10.1145/3315508.3329973. Left out: splitting the shared axis for small results, pipelining by hand, batches.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.machine.kernels.triton.launch import jit, ready, tl, triton, wide
from groundup.machine.kernels.triton.tiles import check_tile

TILES = {2: (64, 64, 32), 4: (32, 32, 32), 8: (16, 16, 16)}  # bytes of a number: rows, columns, depth
GROUP = 8


@jit
def matmul_kernel(
    left, right, result, rows, columns, depth, left_row, left_step, right_step, right_column,
    WIDE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """One tile of result = left @ right."""
    program, across = tl.program_id(0), tl.cdiv(columns, COLUMNS)
    band, in_band = program // (GROUP * across), program % (GROUP * across)
    height = tl.minimum(tl.cdiv(rows, ROWS) - band * GROUP, GROUP)  # the last band may be lower
    row = ((band * GROUP + in_band % height) * ROWS + tl.arange(0, ROWS)).to(tl.int64)[:, None]
    column = ((in_band // height) * COLUMNS + tl.arange(0, COLUMNS)).to(tl.int64)[None, :]
    total = tl.zeros((ROWS, COLUMNS), WIDE)
    for start in range(0, depth, DEPTH):
        step = start + tl.arange(0, DEPTH)
        of_left = tl.load(
            left + row * left_row + step[None, :] * left_step, mask=(row < rows) & (step[None, :] < depth), other=0.0
        )
        of_right = tl.load(
            right + step[:, None] * right_step + column * right_column,
            mask=(step[:, None] < depth) & (column < columns),
            other=0.0,
        )
        total += tl.dot(of_left, of_right, input_precision="ieee")
    there = (row < rows) & (column < columns)
    tl.store(result + row * columns + column, total.to(result.dtype.element_ty), mask=there)


def product(left: Tensor, right: Tensor, tile: tuple[int, int, int]) -> Tensor:
    """left @ right by one launch, whatever the strides."""
    result = torch.empty(left.shape[0], right.shape[1], dtype=left.dtype, device=left.device)
    (rows, depth), columns = left.shape, right.shape[1]
    programs = triton.cdiv(rows, tile[0]) * triton.cdiv(columns, tile[1])
    told = {"WIDE": wide(left), "ROWS": tile[0], "COLUMNS": tile[1], "DEPTH": tile[2], "GROUP": GROUP}
    matmul_kernel[(programs,)](left, right, result, rows, columns, depth, *left.stride(), *right.stride(), **told)
    return result


class _Matmul(torch.autograd.Function):
    """Forward and backward as autograd calls them."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, tile: tuple[int, int, int]) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.tile = tile
        return product(left, right, tile)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        left, right = ctx.saved_tensors
        return product(grad, right.t(), ctx.tile), product(left.t(), grad, ctx.tile), None


def matmul(left: Tensor, right: Tensor, tile: tuple[int, int, int] | None = None) -> Tensor:
    """left @ right for two matrices, with both gradients; tile: rows, columns, depth, powers of 2 from 16 on."""
    if left.dim() != 2 or right.dim() != 2 or left.shape[1] != right.shape[0] or left.dtype != right.dtype:
        raise InputError(
            f"{left.dtype} {tuple(left.shape)} and {right.dtype} {tuple(right.shape)} do not multiply; give two matrices "
            "of one dtype whose inner sizes are equal"
        )
    if not left.numel() or not right.numel():
        raise InputError("an empty matrix has no tile; give at least one row, column and step")
    ready(left, right, multiplies=True)
    tile = TILES[left.element_size()] if tile is None else tile
    check_tile(tile)
    return _Matmul.apply(left, right, tile)
