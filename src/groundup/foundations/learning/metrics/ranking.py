"""Order judged: does the classifier put the positives above the negatives, wherever the threshold stands?

    ROC curve            for every threshold: the part of the negatives, and of the positives, that lie at or above it
    area under it        the chance that a positive scores higher than a negative, a tie counting half (Mann & Whitney 1947;
                         Hanley & McNeil 1982): 1 is perfect, 1/2 is chance, 0 is perfect upside down
    average precision    the mean over positives of the precision at their threshold: what counts when positives are rare

The area needs no curve: sort, give each score its rank (ties share their mean rank), add up the positives' ranks. It is
blind to any increasing change of the scores, so it says nothing about probabilities: that is `calibration.py`. Left
out: intervals, partial areas, more classes.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import same_count
from groundup.foundations.linalg.arrays import Array, as_vector
from groundup.slots import slot


def as_ranked(truth: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Array]:
    """Which examples are positive, and their scores; both kinds must be there."""
    wanted, numbers = np.asarray(truth), as_vector(scores, "scores")
    if wanted.ndim != 1 or not np.isin(wanted, (0, 1)).all():
        raise InputError(
            "truth must be a list of 0 (negative) and 1 (positive); compare your labels with the positive one"
        )
    same_count(numbers, wanted, "truth")
    if not 0 < wanted.sum() < len(wanted):
        raise InputError("all examples are of one kind, so there is no order to judge; give positives and negatives")
    return wanted.astype(bool), numbers


def roc_curve(truth: ArrayLike, scores: ArrayLike) -> tuple[Array, Array, Array]:
    """False positive rate, true positive rate and threshold: (0, 0) at infinity, then a point for each different score."""
    positive, numbers = as_ranked(truth, scores)
    order = np.argsort(-numbers, kind="stable")
    last = np.append(np.flatnonzero(np.diff(numbers[order])), len(order) - 1)  # of each run of equal scores
    true, false = (np.append(0, one[order].cumsum()[last]) for one in (positive, ~positive))
    return false / false[-1], true / true[-1], np.append(np.inf, numbers[order][last])


@slot
def roc_auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """The chance that a positive scores higher than a negative, a tie counting half; from 0 to 1.

    truth: 0 or 1 for each example; scores: any numbers, higher for what looks positive.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), roc_auc([0, 1], [0.5, 0.5])
    (0.75, 0.5)
    """
    positive, numbers = as_ranked(truth, scores)
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]  # the first rank is 1; equal scores share their mean rank
    positives, negatives = int(positive.sum()), int((~positive).sum())
    lowest = positives * (positives + 1) / 2  # the positives' ranks if every negative stood above them
    return float((ranks[positive].sum() - lowest) / (positives * negatives))


def average_precision(truth: ArrayLike, scores: ArrayLike) -> float:
    """The mean over positives of the precision among all that score at least as high."""
    positive, _ = as_ranked(truth, scores)
    false, true, _ = roc_curve(truth, scores)
    hits, misses = true[1:] * positive.sum(), false[1:] * (~positive).sum()
    return float((np.diff(true) * hits / (hits + misses)).sum())
