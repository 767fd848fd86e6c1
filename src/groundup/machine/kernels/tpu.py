"""A systolic array, clock by clock: how a TPU multiplies matrices without asking memory for a number twice.

Cells stand in a grid of `rows` x `columns`, and cell (k, n) holds the weight W[k, n] (weight-stationary). In every clock a cell takes
a number from its left neighbour and a sum from the one above, adds number * weight to the sum, and hands the number on to the
right and the sum downwards. Nothing else moves: a number that has entered is used by a whole row of cells, a sum meets a
whole column of weights, and only the grid's edges touch memory.

    clock   row k of the grid is given X[m, k] at clock m + k         a wave that enters slanted, one row a clock later
    cell    sum below = sum above + number * weight
    result  Y[m, n] = sum_k X[m, k] W[k, n] leaves column n below at clock m + n + rows - 1

For M vectors the last result leaves after M + rows + columns - 2 clocks; the grid works in M of them. So

    utilisation = M / (M + rows + columns - 2)          of a full grid, weights there already

A larger product is cut into tiles of the grid's size; those at the edge are filled up with zeros, which is work for nothing. New
weights come in from above in `rows` clocks, unless a second register a cell takes them in while the old ones are used.

Kung 1982, "Why systolic architectures?"; Jouppi et al. 2017, arXiv:1704.04760, figure 4 (a grid of 256 x 256). Left out: the
accumulators' and buffers' sizes, number formats, output-stationary grids. What a compiler makes of a model for such a machine: `xla`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot


@slot
def systolic_step(
    weights: np.ndarray, numbers: np.ndarray, sums: np.ndarray, entering: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One clock of the grid: (numbers, sums) that its cells hold afterwards, all cells at the same time.

    weights, numbers, sums: (rows, columns); what a cell holds. entering: (rows,), given to the leftmost cells. A cell's number comes
    from its left neighbour, its sum is the one that stood above it (0 for the top row) plus its new number times its weight.
    """
    arrived = np.concatenate([entering[:, None], numbers[:, :-1]], axis=1)
    above = np.concatenate([np.zeros_like(sums[:1]), sums[:-1]])
    return arrived, above + arrived * weights


def entering(x: np.ndarray, clock: int) -> np.ndarray:
    """What the grid's left edge is given in a clock: X[clock - k, k] for its row k, 0 before and after the wave."""
    k = np.arange(x.shape[1])
    m = clock - k
    inside = (m >= 0) & (m < len(x))
    return np.where(inside, x[np.clip(m, 0, len(x) - 1), k], 0)


def clocks(vectors: int, rows: int, columns: int) -> int:
    """Clocks from the first number that enters to the last result that leaves.

    >>> clocks(1, 1, 1), clocks(256, 256, 256)
    (1, 766)
    """
    return vectors + rows + columns - 2


def waves(x: np.ndarray, weights: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(numbers, sums) of the grid after each clock, while x (vectors, rows) goes through."""
    check(x, weights)
    kind = np.result_type(x, weights)
    numbers, sums = (np.zeros(weights.shape, kind) for _ in range(2))
    for clock in range(clocks(len(x), *weights.shape)):
        numbers, sums = systolic_step(weights, numbers, sums, entering(x, clock).astype(kind))
        yield numbers, sums


def systolic_product(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X W, collected from the lower edge of a grid as large as W."""
    rows, columns = weights.shape
    found = np.zeros((len(x), columns), np.result_type(x, weights))
    for clock, (_, sums) in enumerate(waves(x, weights)):
        for n in range(columns):
            m = clock - n - (rows - 1)
            if 0 <= m < len(x):
                found[m, n] = sums[-1, n]
    return found


def working(clock: int, vectors: int, rows: int, columns: int) -> np.ndarray:
    """For each cell the vector that it works on in a clock, -1 where it waits: the wave.

    >>> working(1, 4, 2, 3).tolist()
    [[1, 0, -1], [0, -1, -1]]
    """
    vector = clock - np.arange(rows)[:, None] - np.arange(columns)
    return np.where((vector >= 0) & (vector < vectors), vector, -1)


def utilisation(vectors: int, rows: int, columns: int) -> float:
    """The share of cells and clocks that work, of a full grid whose weights are there.

    >>> round(utilisation(256, 256, 256), 3), round(utilisation(100_000, 256, 256), 3)
    (0.334, 0.995)
    """
    return vectors / clocks(vectors, rows, columns)


# ───────── products larger than the grid ─────────


@dataclass(frozen=True, slots=True)
class Tiled:
    """A product on a grid in tiles. clocks: all of them, with loading the weights; useful: multiplications that are asked for."""

    tiles: int
    clocks: int
    useful: int
    cells: int

    @property
    def utilisation(self) -> float:
        """The share of cells and clocks that did what was asked for."""
        return self.useful / (self.clocks * self.cells)


def tiled(vectors: int, inputs: int, outputs: int, rows: int, columns: int, double_buffered: bool = True) -> Tiled:
    """Count the clocks of (vectors, inputs) x (inputs, outputs) on a grid, tile after tile.

    double_buffered: the next tile's weights come in while this one's are used, and its wave follows this one's at once: then only
    the first tile is waited for, and the grid is filled and emptied once. A wave shorter than `rows` still waits for the weights.
    """
    if min(vectors, inputs, outputs, rows, columns) < 1:
        raise InputError(f"{vectors} x {inputs} x {outputs} on a grid of {rows} x {columns}: use 1 or more of each")
    tiles = ceil(inputs / rows) * ceil(outputs / columns)
    alone = clocks(vectors, rows, columns)
    if double_buffered:
        total = rows + (tiles - 1) * max(vectors, rows) + alone
    else:
        total = tiles * (rows + alone)
    return Tiled(tiles, total, vectors * inputs * outputs, rows * columns)


def tiled_product(x: np.ndarray, weights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """X W on a grid of rows x columns: a tile of W after the other, the sums of tiles below one another added up outside."""
    check(x, weights)
    inputs, outputs = weights.shape
    found = np.zeros((len(x), outputs), np.result_type(x, weights))
    for k in range(0, inputs, rows):
        for n in range(0, outputs, columns):
            tile = filled(weights[k : k + rows, n : n + columns], rows, columns)
            piece = filled(x[:, k : k + rows], len(x), rows)
            found[:, n : n + columns] += systolic_product(piece, tile)[:, : outputs - n]
    return found


def filled(array: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """An array with zeros below and to the right, up to a size."""
    return np.pad(array, ((0, rows - array.shape[0]), (0, columns - array.shape[1])))


def check(x: np.ndarray, weights: np.ndarray) -> None:
    """Refuse matrices that do not meet."""
    if x.ndim != 2 or weights.ndim != 2 or x.shape[1] != weights.shape[0] or not x.size or not weights.size:
        raise InputError(
            f"x {x.shape} and weights {weights.shape} do not meet; give (vectors, inputs) and (inputs, outputs), none of them empty"
        )
