"""Decisions counted: how often right, and what kind of mistakes.

    confusion matrix   [truth, predicted]: how often a class was taken for another
    precision          of what was called c, the part that is c          tp / (tp + fp)
    recall             of what is c, the part that was called c          tp / (tp + fn)
    F1                 their harmonic mean                               2 tp / (2 tp + fp + fn)

Where 99 of 100 are "no", always saying "no" has accuracy 0.99 and recall 0. Several classes are averaged: macro gives
each class the same say, micro each example (with one label an example it equals accuracy), weighted each class by its
examples. A precision without any such decision would be 0 / 0: it counts as 0, as in scikit-learn (van Rijsbergen 1979
for F). Left out: several labels an example, intervals.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import as_classes
from groundup.foundations.linalg.arrays import Array


class Scores(NamedTuple):
    """Precision, recall and F1: numbers, or one of each a class."""

    precision: Any
    recall: Any
    f1: Any


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray, int]:
    """All classes of both lists, the codes of truth and predicted one after the other, and how many are truth's."""
    wanted, got = np.asarray(truth), np.asarray(predicted)
    if wanted.shape != got.shape or wanted.ndim != 1:
        raise InputError(
            f"truth {wanted.shape} and predicted {got.shape} do not fit; give two lists of the same length"
        )
    if (wanted.dtype.kind in "US") != (got.dtype.kind in "US"):
        raise InputError(f"truth holds {wanted.dtype} and predicted {got.dtype}; use the same kind of labels in both")
    classes, codes = as_classes(np.concatenate([wanted, got]), "truth and predicted")
    return classes, codes, len(wanted)


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray[np.int64]]:
    """The classes of both lists in sorted order, and the counts: row = truth, column = predicted.

    >>> classes, matrix = confusion_matrix(["cat", "cat", "dog"], ["cat", "dog", "dog"])
    >>> classes.tolist(), matrix.tolist()
    (['cat', 'dog'], [[1, 1], [0, 1]])
    """
    classes, codes, count = _pair(truth, predicted)
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (codes[:count], codes[count:]), 1)
    return classes, matrix


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The part of the decisions that is right.

    >>> accuracy([1, 0, 1, 1], [1, 0, 0, 1])
    0.75
    """
    _, codes, count = _pair(truth, predicted)
    return float((codes[:count] == codes[count:]).mean())


def _ratio(part: ArrayLike, whole: ArrayLike) -> Array:
    """part / whole, and 0 where the whole is 0."""
    whole = np.asarray(whole, np.float64)
    return np.asarray(part, np.float64) / np.where(whole > 0, whole, 1.0)


def _scores(right: ArrayLike, called: ArrayLike, there: ArrayLike) -> Scores:
    """From what was rightly called c, all that was called c, and all that is c."""
    return Scores(_ratio(right, called), _ratio(right, there), _ratio(2 * np.asarray(right), np.add(called, there)))


def scores_by_class(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, Scores]:
    """The classes in sorted order, and precision, recall and F1 of each."""
    classes, matrix = confusion_matrix(truth, predicted)
    return classes, _scores(np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1))


def binary_scores(truth: ArrayLike, predicted: ArrayLike, positive: Any = 1) -> Scores:
    """Precision, recall and F1 of one class, as three numbers.

    >>> binary_scores([1, 1, 0, 0], [1, 0, 1, 0])
    Scores(precision=0.5, recall=0.5, f1=0.5)
    """
    classes, scores = scores_by_class(truth, predicted)
    place = np.flatnonzero(classes == positive)
    if not len(place):
        raise InputError(f"no label is {positive!r}; positive is one of {', '.join(map(str, classes.tolist()))}")
    return Scores(*(float(one[place[0]]) for one in scores))


def average_scores(truth: ArrayLike, predicted: ArrayLike, average: str = "macro") -> Scores:
    """Precision, recall and F1 of all classes as three numbers. average: macro, micro or weighted."""
    _, matrix = confusion_matrix(truth, predicted)
    right, called, there = np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    if average == "micro":
        return Scores(*(float(one) for one in _scores(right.sum(), called.sum(), there.sum())))
    if average not in ("macro", "weighted"):
        raise InputError(f"there is no average {average!r}; use macro, micro or weighted")
    weights = there if average == "weighted" else None
    return Scores(*(float(np.average(one, weights=weights)) for one in _scores(right, called, there)))
