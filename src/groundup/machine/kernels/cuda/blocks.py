"""What the threads of a block do together, in NumPy: add as a tree, multiply by tiles.

A sum of 2^k numbers by 2^k threads takes k rounds: in each, the first half of the threads add the second half's numbers to
their own. That order is also more exact than one number after another: a rounding error meets k others and not 2^k.

A tile of T x T results needs T rows and T columns of the inputs. Read once into the memory that the block shares, each number
serves T results, so a product reads 1 / T of what it would number by number.

Higham 1993, The Accuracy of Floating Point Summation, doi:10.1137/0914050 (pairwise sums); the kernels are in `shared.py`.
"""

import numpy as np

from groundup.slots import slot


@slot
def tree_sum(values: np.ndarray) -> np.ndarray:
    """The sum of 2^k numbers (shape (2^k,)), added in the order of a block's tree; a number in the dtype of the values.

    Each round adds the second half to the first, until one is left. `values` stays as it is.
    """
    partial = values.copy()
    while len(partial) > 1:
        half = len(partial) // 2
        partial = partial[:half] + partial[half:]
    return partial[0]


@slot
def tiled_matmul(left: np.ndarray, right: np.ndarray, tile: int) -> np.ndarray:
    """The product of two matrices, (m, k) @ (k, n), by tiles of `tile` rows and columns, as the blocks of a grid make it.

    A block owns one tile of the result. It walks over the shared axis, takes a tile of either matrix at each step and adds
    their product; the tiles at the edges are smaller. m, n and k are any sizes.
    """
    rows, columns = left.shape[0], right.shape[1]
    result = np.zeros((rows, columns), left.dtype)
    for row in range(0, rows, tile):
        for column in range(0, columns, tile):
            for step in range(0, left.shape[1], tile):
                of_left = left[row : row + tile, step : step + tile]
                of_right = right[step : step + tile, column : column + tile]
                result[row : row + tile, column : column + tile] += of_left @ of_right
    return result


def numbers_read(rows: int, columns: int, depth: int, tile: int) -> int:
    """How many numbers a tiled product reads from memory, where the tile divides all three; tile 1 is no tiling.

    >>> numbers_read(64, 64, 64, 1), numbers_read(64, 64, 64, 8)
    (524288, 65536)
    """
    return 2 * rows * columns * depth // tile
