"""Probabilities judged: does "90% sure" mean right nine times in ten?

    ECE     sum over bins of (share of the examples) * |accuracy in the bin - mean confidence in the bin|
    Brier   mean of |probabilities - one-hot truth|^2: calibration and sharpness in one number, smallest for the true probabilities

The bins cut (0, 1] into equal parts, the upper edge inside (Guo et al. 2017, arXiv:1706.04599; Naeini et al. 2015); a
confidence of 0 goes to the first. The error depends on the bins: few hide what many see, and many see noise, so even a
perfect forecaster has an ECE above 0 on a finite sample. Brier (1950) needs no bins and cannot be gamed: it is proper.

Left out: bins of equal count, repairing it afterwards (temperature scaling).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import as_classes, same_count
from groundup.foundations.linalg.arrays import Array, as_vector
from groundup.slots import slot


class Bins(NamedTuple):
    """For each bin how many examples it has, their mean confidence and the part that is right (NaN in an empty bin)."""

    counts: NDArray
    confidence: Array
    accuracy: Array


def as_judged(confidence: ArrayLike, correct: ArrayLike, bins: int) -> tuple[Array, Array]:
    """Confidences from 0 to 1, and whether each decision was right, as 0 or 1."""
    sure, right = as_vector(confidence, "confidence"), as_vector(correct, "correct")
    same_count(sure, right, "correct")
    if sure.min() < 0 or sure.max() > 1:
        raise InputError(
            f"confidence goes from {sure.min():g} to {sure.max():g}; give probabilities from 0 to 1, not scores"
        )
    if not np.isin(right, (0, 1)).all():
        raise InputError("correct must be 1 or 0 for each example: whether the decision was right")
    if bins < 1:
        raise InputError(f"bins={bins}; use 1 or more, 10 to 20 are usual")
    return sure, right


def bin_of(confidence: Array, bins: int) -> NDArray[np.int64]:
    """The bin of each confidence, 0 to bins - 1: one on an edge belongs below it, and 0 to the first.

    >>> bin_of(np.array([0.0, 0.5, 0.51, 1.0]), 2).tolist()
    [0, 0, 1, 1]
    """
    edges = np.linspace(0, 1, bins + 1)
    return np.searchsorted(edges[1:-1], confidence, side="left")


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = 10) -> Bins:
    """The reliability diagram: in each bin, how sure and how right."""
    sure, right = as_judged(confidence, correct, bins)
    place = bin_of(sure, bins)
    counts, surety, hits = (np.bincount(place, weights, bins) for weights in (np.ones(len(sure)), sure, right))
    with np.errstate(invalid="ignore"):
        return Bins(counts, surety / counts, hits / counts)


@slot
def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 10) -> float:
    """The mean over examples of |accuracy - mean confidence| of their bin; 0 is calibrated, at most 1.

    confidence: the probability given to the chosen class, 0 to 1; correct: 1 where it was right, 0 where not. The bins
    cut (0, 1] into equal parts, the upper edge inside; a confidence of 0 goes to the first.
    """
    sure, right = as_judged(confidence, correct, bins)
    too_sure = np.bincount(bin_of(sure, bins), weights=sure - right, minlength=bins)  # count * (confidence - accuracy)
    return float(np.abs(too_sure).sum() / len(sure))


def brier_score(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """The mean squared distance of the probabilities from what came.

    One probability an example (of the answer 1, truth 0 or 1), from 0 to 1; or a row of probabilities over classes and
    truth as the place of the right one: then the squares of a row are summed, from 0 to 2.

    >>> round(brier_score([0.9, 0.2], [1, 0]), 12), round(brier_score([[0.1, 0.9], [0.8, 0.2]], [1, 0]), 12)
    (0.025, 0.05)
    """
    given, wanted = np.asarray(probabilities, np.float64), np.asarray(truth)
    as_classes(wanted, "truth")
    same_count(given, wanted, "truth")
    if not np.isfinite(given).all() or given.min() < 0 or given.max() > 1:
        raise InputError("the probabilities must be numbers from 0 to 1; put scores through a sigmoid or softmax first")
    if given.ndim not in (1, 2):
        raise InputError(f"probabilities have the shape {given.shape}; give one an example, or a row over the classes")
    if given.ndim == 1:
        if not np.isin(wanted, (0, 1)).all():
            raise InputError(
                "truth must be 0 or 1 beside one probability an example; or give a row of probabilities each"
            )
        return float(((given - wanted) ** 2).mean())
    if not np.issubdtype(wanted.dtype, np.integer) or wanted.min() < 0 or wanted.max() >= given.shape[1]:
        raise InputError(f"truth must be the right class's place, 0 to {given.shape[1] - 1}, as integers")
    if np.abs(given.sum(axis=1) - 1).max() > 1e-4:
        raise InputError("a row of probabilities does not sum to 1; divide it by its sum")
    return float(((given - np.eye(given.shape[1])[wanted]) ** 2).sum(axis=1).mean())
