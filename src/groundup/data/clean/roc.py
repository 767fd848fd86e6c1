"""How well a score separates two kinds: the area under the ROC curve, with an interval.

The area is how probably a row of label 1 gets a higher score than one of label 0 (Hanley & McNeil 1982). Two shares of a
few rows are not the same as two of many, so the area comes with the range of true areas that it does not speak against.
"""

import math
from typing import Any

import numpy as np

Z = 1.959963984540054  # of 95 %: the normal distribution's 0.975 quantile


def auc(scores: Any, labels: Any) -> float:
    """How probably a random row of label 1 has a higher score than one of label 0; equal scores count half.

    >>> auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    scores, labels = np.asarray(scores), np.asarray(labels, dtype=bool)
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]  # the mean rank of equal ones
    ones = int(labels.sum())
    pairs = ones * (len(labels) - ones)
    return float((ranks[labels].sum() - ones * (ones + 1) / 2) / pairs) if pairs else float("nan")


def auc_interval(area: float, ones: int, zeros: int) -> tuple[float, float]:
    """The 95 % interval of an area that was measured on so many rows of label 1 and of label 0.

    Newcombe 2006, Statistics in Medicine 25:559, method 5: all areas whose own standard error allows the measured one. So an area
    of 1 on ten rows is no certainty, and the interval needs no scores.

    >>> [round(end, 2) for end in auc_interval(1.0, 10, 10)]
    [0.8, 1.0]
    """
    return _edge(area, 0.0, ones, zeros), _edge(area, 1.0, ones, zeros)


def _edge(area: float, far: float, ones: int, zeros: int) -> float:
    """The area between the measured one and `far` that lies Z of its own standard errors away: by halving."""
    near = area
    for _ in range(60):
        middle = (near + far) / 2
        allowed = abs(middle - area) <= Z * standard_error(middle, ones, zeros)
        near, far = (middle, far) if allowed else (near, middle)
    return near


def standard_error(area: float, ones: int, zeros: int) -> float:
    """Of an area whose true value is `area` (Hanley & McNeil 1982, eq. 1 with exponential scores; both counts their mean there)."""
    mean = (ones + zeros) / 2 - 1
    spread = 1 + mean * (1 - area) / (2 - area) + mean * area / (1 + area)
    return math.sqrt(area * (1 - area) * spread / (ones * zeros))
