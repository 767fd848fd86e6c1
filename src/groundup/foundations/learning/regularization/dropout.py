"""Dropout: each input goes missing with a chance, in training only, so that no weight may rely on another being there.

    mask    0 with probability `rate`, else 1 / (1 - rate): the expected value of mask * x is x, so nothing changes at test time

For a linear model the noise can be averaged by hand. The expected squared error is the error without dropout plus

    rate / (1 - rate) * mean over examples of sum over j of w_j^2 x_j^2

a ridge whose price for w_j is the mean square of its feature (Wager, Wang & Liang 2013). For a deep network it is not a
formula but the training of many thinned networks that share weights (Srivastava et al. 2014); as a layer it stands in
`foundations/networks`.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.samples import same_features
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector


def dropout_mask(shape: int | tuple[int, ...], rate: float, generator: np.random.Generator) -> Array:
    """Factors for an array of this shape: 0 with probability `rate`, 1 / (1 - rate) otherwise."""
    _is_rate(rate)
    return (generator.random(shape) >= rate) / (1 - rate)


def _is_rate(rate: float) -> None:
    if not 0 <= rate < 1:
        raise InputError(f"rate={rate:g} would drop everything or less than nothing; use 0 up to (not including) 1")


def dropout_penalty(x: ArrayLike, weights: ArrayLike, rate: float) -> float:
    """By how much dropout on the inputs raises the expected mean squared error of a linear model."""
    _is_rate(rate)
    table, w = as_matrix(x, "x"), as_vector(weights, "weights")
    same_features(table, len(w))
    return float(rate / (1 - rate) * ((table * w) ** 2).sum(axis=1).mean())
