"""One thread, one number: the kernels that need no other thread.

A thread knows its own block and its place in it, finds its number from them, and leaves when there is none: a grid is whole
blocks, the data is not. In two dimensions x is the column, since neighbouring threads of a warp differ in x and should read
neighbouring places of memory (`memory.py` counts what else it costs).

NVIDIA, CUDA C++ Programming Guide, section 2.2. Left out: three dimensions, which are the same once more.
"""

import numpy as np

from groundup.errors import InputError
from groundup.machine.kernels.cuda.grid import blocks_for
from groundup.machine.kernels.cuda.launch import cuda, kernel

THREADS = 64  # of a block: a multiple of the warp's 32
SQUARE = 8  # rows and columns of a block in two dimensions


@kernel
def vector_add(left, right, result):
    """result = left + right: the thread's place in the grid is its place in the arrays."""
    place = cuda.grid(1)
    if place < result.size:
        result[place] = left[place] + right[place]


@kernel
def scaled_add(factor, left, right, result):
    """result = factor * left + right by any grid: each thread walks on by the length of the whole grid."""
    for place in range(cuda.grid(1), result.size, cuda.gridsize(1)):
        result[place] = factor * left[place] + right[place]


@kernel
def hide_future(scores, result):
    """Scores of attention with the later keys hidden: a thread for each place of a matrix, x along a row."""
    key, query = cuda.grid(2)
    if query < result.shape[0] and key < result.shape[1]:
        if key <= query:
            result[query, key] = scores[query, key]
        else:
            result[query, key] = -np.inf


def add(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The sum of two vectors, a thread a number."""
    if left.shape != right.shape or left.ndim != 1:
        raise InputError(f"shapes {left.shape} and {right.shape} do not add; give two vectors of one length")
    result = np.empty_like(left)
    if left.size:
        vector_add[blocks_for(left.size, THREADS), THREADS](left, right, result)
    return result


def causal(scores: np.ndarray) -> np.ndarray:
    """The scores (queries, keys) with -inf where a key comes after its query, by a grid of square blocks."""
    if scores.ndim != 2 or not scores.size:
        raise InputError(f"scores have the shape {scores.shape}; give a matrix (queries, keys) that is not empty")
    result = np.empty_like(scores)
    queries, keys = scores.shape
    grid = blocks_for(keys, SQUARE), blocks_for(queries, SQUARE)  # x first, and x is the column
    hide_future[grid, (SQUARE, SQUARE)](scores, result)
    return result
