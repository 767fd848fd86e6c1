"""k nearest neighbours: no model at all; the examples that are most similar vote.

The distance is Euclidean, so a feature that is measured in millimetres outvotes one in metres: put the columns on one
scale first (`features.standardize`). k = 1 repeats its examples' noise, a large k blurs everything into the majority.
As examples grow without end, the error of k = 1 is at most twice the least possible one (Cover & Hart 1967); with many
features every neighbour is far away, and that is why representations are learned before neighbours are asked
(retrieval, kNN language models).

Left out: trees and graphs that find neighbours without looking at every example; votes weighted by distance.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import one_hot, same_features, squared_distances, with_classes, with_numbers
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.slots import slot


def nearest_rows(x: ArrayLike, queries: ArrayLike, k: int) -> NDArray[np.int64]:
    """For each query the numbers of the k nearest rows of x, the nearest first; of equally near ones the lower number first."""
    table, asked = as_matrix(x, "x"), as_matrix(queries, "queries")
    same_features(asked, table.shape[1])
    if not 1 <= k <= len(table):
        raise InputError(f"k={k} neighbours of {len(table)} examples; use 1 to {len(table)}")
    return squared_distances(asked, table).argsort(axis=1, kind="stable")[:, :k]


@slot
def nearest_neighbours(x: ArrayLike, labels: ArrayLike, queries: ArrayLike, k: int) -> NDArray:
    """For each query the class that most of its k nearest examples have; of equally many votes the first class in
    sorted order.

    Of equally near examples the one that stands first in x counts as nearer.

    >>> nearest_neighbours([[0], [1], [9]], ["a", "a", "b"], [[2], [8]], k=1).tolist()
    ['a', 'b']
    """
    table, classes, codes = with_classes(x, labels)
    voters = codes[nearest_rows(table, queries, k)]
    votes = one_hot(voters, len(classes)).sum(axis=1)
    return classes[votes.argmax(axis=1)]


def neighbours_mean(x: ArrayLike, y: ArrayLike, queries: ArrayLike, k: int) -> Array:
    """For each query the mean answer of its k nearest examples: regression by neighbours."""
    table, answers = with_numbers(x, y)
    return answers[nearest_rows(table, queries, k)].mean(axis=1)
