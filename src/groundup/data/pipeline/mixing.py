"""Several sources in one stream, each with its share of the rows; the place in each without counting from the start.

Row k comes from the source in whose part of the unit interval the number  u(k) = (k * golden + offset) mod 1  falls.
Multiples of the golden ratio spread more evenly than random numbers (Weyl 1916): with shares 0.8 and 0.2 every stretch
of a hundred rows has 79 to 82 of the first; drawn at random, one in four would have under 76 or over 84.

How many of the rows before k came from a source has a closed form, because it is a difference of sums of floors, and
Euclid's algorithm finds such a sum. So what a step reads follows from its number alone; nothing is kept or replayed.
"""

from collections.abc import Sequence

import numpy as np

from groundup.errors import ConfigError

UNIT = 1 << 64  # the unit interval in whole numbers: exact for any row number, where floats are not
GOLDEN = 0x9E3779B97F4A7C15  # (sqrt(5) - 1) / 2 in it


def floor_sum(count: int, modulus: int, slope: int, start: int) -> int:
    """Sum of (slope * k + start) // modulus over k = 0 ... count - 1, in the few dozen steps of Euclid's algorithm.

    >>> floor_sum(4, 3, 2, 1), sum((2 * k + 1) // 3 for k in range(4))
    (4, 4)
    """
    total = 0
    while True:
        total += count * (count - 1) // 2 * (slope // modulus) + count * (start // modulus)
        slope, start = slope % modulus, start % modulus
        last = slope * count + start
        if last < modulus:
            return total
        # What is left counts the points under a line: by rows instead of columns it is the same sum, but smaller.
        count, start, modulus, slope = last // modulus, last % modulus, slope, modulus


class Mixture:
    """An endless order of sources. weights: the share of each, of any sum; seed: where the order begins."""

    def __init__(self, weights: Sequence[float | int], seed: int = 0):
        if not weights or min(weights) < 0 or not 0 < sum(weights) < float("inf"):
            raise ConfigError(
                f"the sources' shares {list(weights)} are no mixture; give each 0 or more, and one of them more"
            )
        self.offset = seed * GOLDEN * GOLDEN % UNIT
        sums = np.cumsum(np.array(weights, dtype=np.float64))
        inner = [min(int(edge / sums[-1] * 2**53) << 11, UNIT - 1) for edge in sums[:-1]]
        self.edges = [0, *inner, UNIT]

    def sources(self, first: int, count: int) -> np.ndarray:
        """The source of each of the rows first ... first + count - 1."""
        rows = np.arange(first, first + count, dtype=np.uint64)
        numbers = rows * np.uint64(GOLDEN) + np.array([self.offset], dtype=np.uint64)  # modulo UNIT, as uint64 does
        return np.searchsorted(np.array(self.edges[1:-1], dtype=np.uint64), numbers, side="right")

    def before(self, source: int, row: int) -> int:
        """How many of the rows 0 ... row - 1 come from a source."""
        return self._below(self.edges[source + 1], row) - self._below(self.edges[source], row)

    def _below(self, edge: int, rows: int) -> int:
        """How many of the first rows have a number below `edge`: for those x // 1 - (x - edge) // 1 is 1, else 0."""
        return floor_sum(rows, UNIT, GOLDEN, self.offset) - floor_sum(rows, UNIT, GOLDEN, self.offset - edge)

    def rows(self, first: int, count: int) -> list[tuple[int, int]]:
        """For each of the rows first ... first + count - 1: its source, and how many rows of it came before."""
        sources, places = self.places(first, count)
        return list(zip(sources.tolist(), places.tolist(), strict=True))

    def places(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The same as two arrays."""
        if len(self.edges) == 2:
            return np.zeros(count, dtype=np.int64), np.arange(first, first + count)
        sources = self.sources(first, count)
        places = np.empty(count, dtype=np.int64)
        for source in range(len(self.edges) - 1):
            mine = np.flatnonzero(sources == source)
            places[mine] = self.before(source, first) + np.arange(len(mine))
        return sources, places
