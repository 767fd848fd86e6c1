"""Threads of one block work together: they share a small fast memory, and wait for one another at a barrier.

    shared memory      as near as the registers, 48 to 227 kB a block; gone when the block ends
    syncthreads()      no thread goes on before all have come: what was written before is seen after

A sum is a tree: in each round half of the threads add the other half's numbers, log2(threads) rounds for a block. A softmax is
two trees, one for the largest score and one for the sum. A matrix product reads each number of its inputs once a tile rather
than once a result, which divides its memory traffic by the tile's width (Volkov and Demmel 2008, doi:10.1109/SC.2008.5214359).

All threads must come to a barrier, those beyond the edge too: they bring a neutral number (0 for a sum, -inf for a maximum)
rather than leave. In NumPy: `blocks.py`. Left out: sums by warp shuffles, which need no shared
memory; tensor cores.
"""

import math

import numpy as np
from numba import float32

from groundup.errors import InputError
from groundup.machine.kernels.cuda.grid import blocks_for
from groundup.machine.kernels.cuda.launch import cuda, kernel

THREADS = 64  # of a block; a power of 2, as the tree halves it
TILE = 8  # rows and columns of a tile: 64 threads


# ───────── the kernels ─────────


@kernel
def block_sums(values, result):
    """Each block's share of the sum: its threads walk over the array, then add up as a tree in shared memory."""
    partial = cuda.shared.array(THREADS, float32)
    thread = cuda.threadIdx.x
    own = float32(0.0)
    for place in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        own += values[place]
    partial[thread] = own
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half:
            partial[thread] += partial[thread + half]
        cuda.syncthreads()  # outside of the `if`: all threads come
        half //= 2
    if thread == 0:
        result[cuda.blockIdx.x] = partial[0]


@kernel
def row_softmax(scores, result):
    """The softmax of a row by one block: its largest score, the sum of exponentials, the quotients."""
    partial = cuda.shared.array(THREADS, float32)
    row, thread = cuda.blockIdx.x, cuda.threadIdx.x
    largest = float32(-np.inf)
    for place in range(thread, scores.shape[1], THREADS):
        largest = max(largest, scores[row, place])
    partial[thread] = largest
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half:
            partial[thread] = max(partial[thread], partial[thread + half])
        cuda.syncthreads()
        half //= 2
    largest = partial[0]
    cuda.syncthreads()  # all have read it before it is written over
    total = float32(0.0)
    for place in range(thread, scores.shape[1], THREADS):
        if largest > -np.inf:
            total += math.exp(scores[row, place] - largest)
    partial[thread] = total
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half:
            partial[thread] += partial[thread + half]
        cuda.syncthreads()
        half //= 2
    for place in range(thread, scores.shape[1], THREADS):
        if partial[0] > 0:
            result[row, place] = math.exp(scores[row, place] - largest) / partial[0]
        else:  # a row that sees nothing
            result[row, place] = 0.0


@kernel
def tile_product(left, right, result):
    """A tile of a matrix product by one block: load a tile of either matrix, wait, multiply, wait, go on."""
    of_left = cuda.shared.array((TILE, TILE), float32)
    of_right = cuda.shared.array((TILE, TILE), float32)
    column, row = cuda.grid(2)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0.0)
    for start in range(0, left.shape[1], TILE):
        of_left[y, x] = 0.0
        of_right[y, x] = 0.0
        if row < left.shape[0] and start + x < left.shape[1]:
            of_left[y, x] = left[row, start + x]
        if start + y < right.shape[0] and column < right.shape[1]:
            of_right[y, x] = right[start + y, column]
        cuda.syncthreads()  # both tiles are whole
        for step in range(TILE):
            total += of_left[y, step] * of_right[step, x]
        cuda.syncthreads()  # all have used them
    if row < result.shape[0] and column < result.shape[1]:
        result[row, column] = total


# ───────── their use ─────────


def total(values: np.ndarray, blocks: int = 2) -> float:
    """The sum of a vector in two launches: a share by each block, then the shares by one block."""
    _float32_only(values, 1)
    shares, result = np.zeros(blocks, np.float32), np.zeros(1, np.float32)
    block_sums[blocks, THREADS](values, shares)
    block_sums[1, THREADS](shares, result)
    return float(result[0])


def softmax(scores: np.ndarray) -> np.ndarray:
    """The softmax of every row of a matrix, a block a row; a row of -inf alone becomes 0."""
    _float32_only(scores, 2)
    result = np.empty_like(scores)
    row_softmax[scores.shape[0], THREADS](scores, result)
    return result


def matmul(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The product of two matrices, a block a tile of it; its meaning: `blocks.tiled_matmul`."""
    _float32_only(left, 2)
    _float32_only(right, 2)
    if left.shape[1] != right.shape[0]:
        raise InputError(f"shapes {left.shape} and {right.shape} do not multiply; the inner sizes must be equal")
    result = np.empty((left.shape[0], right.shape[1]), np.float32)
    grid = blocks_for(result.shape[1], TILE), blocks_for(result.shape[0], TILE)
    tile_product[grid, (TILE, TILE)](left, right, result)
    return result


def _float32_only(values: np.ndarray, dimensions: int) -> None:
    if values.ndim != dimensions or not values.size or values.dtype != np.float32:
        kind = "vector" if dimensions == 1 else "matrix"
        raise InputError(
            f"got {values.dtype} of the shape {values.shape}; the shared memory of these kernels holds float32: "
            f"give a {kind} that is not empty, with .astype(np.float32)"
        )
