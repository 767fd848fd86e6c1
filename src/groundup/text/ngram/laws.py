"""Two laws of language that any count shows: few words do most of the work, and new words never stop coming.

Zipf 1935: the word of rank r (the most frequent has rank 1) occurs about C / r^a times, with a near 1: on paper of logarithms a straight line
that falls. Heaps 1978 (Herdan 1960): a text of n words has about K n^b different ones, b between 0.4 and 0.8. The second follows from
the first (b = 1 / a for a above 1), and it is why a vocabulary of words is never complete. Both are fitted as lines through the logarithms, by least
squares, at points spaced evenly there. Left out: Mandelbrot's shift of the first ranks, and errors of the exponents.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int64
from numpy.typing import ArrayLike

from groundup.errors import InputError

POINTS = 40  # of a fit and of a picture


class PowerLaw(NamedTuple):
    """y = factor * x ** exponent. fit: the share of the logarithms' variance that the line explains."""

    factor: float
    exponent: float
    fit: float

    def at(self, x: float | int) -> float:
        """What the law says for x."""
        return float(self.factor * x**self.exponent)


def power_law(xs: ArrayLike, ys: ArrayLike) -> tuple[float, float]:
    """factor and exponent of y = factor * x ** exponent: the straight line through the logarithms, by least squares.

    >>> factor, exponent = power_law([1, 10, 100], [6, 60, 600])
    >>> round(factor, 9), round(exponent, 9)
    (6.0, 1.0)
    """
    log_x, log_y = np.log(np.asarray(xs, float)), np.log(np.asarray(ys, float))
    from_mean = log_x - log_x.mean()
    exponent = (from_mean * log_y).sum() / (from_mean**2).sum()
    return float(np.exp(log_y.mean() - exponent * log_x.mean())), float(exponent)


def _fitted(xs: np.ndarray, ys: np.ndarray, words: int, what: str) -> PowerLaw:
    """The law of these points. words: how many different ones the text has."""
    if words < 2:
        raise InputError(f"{what} needs at least two different words; give a longer text")
    factor, exponent = power_law(xs, ys)
    log_y = np.log(ys)
    missed, whole = ((log_y - np.log(factor) - exponent * np.log(xs)) ** 2).sum(), ((log_y - log_y.mean()) ** 2).sum()
    return PowerLaw(factor, exponent, float(1 - missed / whole) if whole > 0 else 1.0)


def _spaced(last: int) -> Int64[np.ndarray, " points"]:
    """Whole numbers from 1 to `last`, evenly spaced as logarithms."""
    return np.unique(np.geomspace(1, last, POINTS).round().astype(np.int64))


def zipf(counts: Int[np.ndarray, " vocab"]) -> tuple[np.ndarray, np.ndarray, PowerLaw]:
    """Ranks, how often the word of each rank occurs, and the law (its exponent is -a). counts: of each word, in any order."""
    ordered = np.sort(np.asarray(counts)[np.asarray(counts) > 0])[::-1]
    if not len(ordered):
        raise InputError("no word was counted; give a text that is not empty")
    ranks = _spaced(len(ordered))
    frequencies = ordered[ranks - 1]
    return ranks, frequencies, _fitted(ranks, frequencies, len(ordered), "Zipf's law")


def heaps(ids: Int[np.ndarray, " tokens"]) -> tuple[np.ndarray, np.ndarray, PowerLaw]:
    """Lengths of the text, the different words up to there, and the law (its exponent is b)."""
    if not len(ids):
        raise InputError("there are no tokens; give a text that is not empty")
    new = np.zeros(len(ids), np.int64)
    new[np.unique(ids, return_index=True)[1]] = 1  # where each word stands for the first time
    lengths = _spaced(len(ids))
    different = np.cumsum(new)[lengths - 1]
    return lengths, different, _fitted(lengths, different, int(different[-1]), "Heaps' law")
