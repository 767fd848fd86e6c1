"""A matrix of which only the entries that are not zero are kept, row after row: counts of pairs of words are mostly zeros.

The compressed rows of every sparse library: row i has its columns at `columns[first[i]:first[i + 1]]`, rising, and its values at the
same places. Two things are done with it here: its transpose, by counting, and its product with a few dense columns,
whose rows are shared among threads.
Left out: adding and slicing, which nothing here needs.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from groundup.text.compiled import kernel, loop


@dataclass(frozen=True)
class Sparse:
    """A square matrix by rows; entries that are not kept are zero."""

    first: np.ndarray  # int64[size + 1]
    columns: np.ndarray  # int32
    values: np.ndarray  # float32 or float64

    @property
    def size(self) -> int:
        """How many rows, and as many columns."""
        return len(self.first) - 1

    def __len__(self) -> int:
        """How many entries are kept."""
        return len(self.columns)

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """The row of each entry, int32."""
        return np.repeat(np.arange(self.size, dtype=np.int32), np.diff(self.first))

    def row_sums(self) -> np.ndarray:
        """The sum of each row in double precision."""
        return np.bincount(self.rows, self.values, self.size)

    def column_sums(self) -> np.ndarray:
        """The sum of each column in double precision."""
        return np.bincount(self.columns, self.values, self.size)

    def dense(self) -> np.ndarray:
        """The same with its zeros written out."""
        full = np.zeros((self.size, self.size), self.values.dtype)
        full[self.rows, self.columns] = self.values
        return full

    def where(self, kept: np.ndarray, values: np.ndarray) -> "Sparse":
        """The entries that are kept, with these values for all entries before."""
        counts = np.bincount(self.rows[kept], minlength=self.size)
        return Sparse(np.concatenate([[0], np.cumsum(counts)]), self.columns[kept], values[kept])

    def transposed(self) -> "Sparse":
        """Rows as columns."""
        return Sparse(*_transpose(self.first, self.columns, self.values))

    def times(self, dense: np.ndarray, threads: int = 1) -> np.ndarray:
        """The product with a dense matrix of few columns."""
        dense = np.ascontiguousarray(dense, self.values.dtype)
        result = np.zeros((self.size, dense.shape[1]), self.values.dtype)

        def part(limits: tuple[int, int]) -> None:
            _times(self.first, self.columns, self.values, dense, result, *limits)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, even_parts(self.first, 4 * threads)))
        return result


def from_dense(matrix: np.ndarray) -> Sparse:
    """A dense square matrix without its zeros."""
    rows, columns = np.nonzero(matrix)
    counts = np.bincount(rows, minlength=len(matrix))
    return Sparse(np.concatenate([[0], np.cumsum(counts)]), columns.astype(np.int32), matrix[rows, columns])


def even_parts(first: np.ndarray, parts: int) -> list[tuple[int, int]]:
    """Cut rows into runs of about equally many entries.

    >>> even_parts(np.array([0, 6, 7, 8, 12]), 2)
    [(0, 1), (1, 4)]
    """
    cuts = np.searchsorted(first, np.linspace(0, first[-1], parts + 1)[1:-1])
    limits = np.unique(np.concatenate([[0], cuts, [len(first) - 1]])).tolist()
    return list(zip(limits, limits[1:], strict=False))


@kernel
def _transpose(first, columns, values):
    size = len(first) - 1
    begins = np.zeros(size + 1, np.int64)
    for column in columns:
        begins[column + 1] += 1
    for column in range(size):
        begins[column + 1] += begins[column]
    place, rows, moved = begins[:-1].copy(), np.empty_like(columns), np.empty_like(values)
    for row in range(size):
        for k in range(first[row], first[row + 1]):
            at = place[columns[k]]
            rows[at], moved[at] = row, values[k]
            place[columns[k]] = at + 1
    return begins, rows, moved


@loop
def _times(first, columns, values, dense, result, start, end):
    for row in range(start, end):
        for k in range(first[row], first[row + 1]):
            value, column = values[k], columns[k]
            for j in range(dense.shape[1]):
                result[row, j] += value * dense[column, j]
