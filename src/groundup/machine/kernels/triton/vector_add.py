"""The sum of two vectors: a program owns TILE neighbouring numbers, the last one masks what is not there.

What CUDA says of a thread, Triton says of a tile: `program_id` is the tile's number, `arange` its places, and a mask takes the
place of the `if`. How the tile is spread over threads so that neighbours read neighbours is the compiler's work.

Tillet et al. 2019, doi:10.1145/3315508.3329973, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.machine.kernels.triton.launch import jit, ready, tl, wide

TILE = 1024


@jit
def add_kernel(left, right, result, size, WIDE: tl.constexpr, TILE: tl.constexpr):
    """One tile of result = left + right, added in WIDE and rounded once."""
    places = tl.program_id(0).to(tl.int64) * TILE + tl.arange(0, TILE)
    there = places < size
    total = tl.load(left + places, mask=there).to(WIDE) + tl.load(right + places, mask=there).to(WIDE)
    tl.store(result + places, total.to(result.dtype.element_ty), mask=there)


def add(left: Tensor, right: Tensor, tile: int = TILE) -> Tensor:
    """The sum of two tensors of one shape and dtype."""
    if left.shape != right.shape or left.dtype != right.dtype:
        raise InputError(
            f"{left.dtype} {tuple(left.shape)} and {right.dtype} {tuple(right.shape)}; give two tensors of one shape and dtype"
        )
    ready(left, right)
    left, right = left.contiguous(), right.contiguous()
    result = torch.empty_like(left)
    if left.numel():
        add_kernel[(-(-left.numel() // tile),)](left, right, result, left.numel(), WIDE=wide(left), TILE=tile)
    return result
