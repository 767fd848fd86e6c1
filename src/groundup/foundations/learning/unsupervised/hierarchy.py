"""Hierarchical clustering: every point is a group; the two nearest groups become one, until one is left.

What "near" means between groups is the linkage: the nearest pair (single), the farthest pair (complete), the mean of
all pairs (average). None needs the points again after the first distances: when i and j merge, the distance of the new
group to k is

    d(k, ij) = a_i d(k, i) + a_j d(k, j) + c |d(k, i) - d(k, j)|     (Lance & Williams 1967; their beta is 0 for these three)

The result is a tree; cutting it gives any number of groups without a new computation. Single linkage follows chains,
complete linkage makes round groups. The merges have SciPy's form: row t is (one, other, distance, size), and what it
makes has the number n + t.

Cost: n^2 numbers, n passes over them. Left out: Ward's linkage, the O(n^2) algorithms (nearest-neighbour chains), the
order of leaves.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.samples import Codes, squared_distances
from groundup.foundations.linalg.arrays import Array, as_matrix

LINKAGES: dict[str, Callable[[int, int], tuple[float, float, float]]] = {  # sizes of i and j -> a_i, a_j, c
    "single": lambda i, j: (0.5, 0.5, -0.5),
    "complete": lambda i, j: (0.5, 0.5, 0.5),
    "average": lambda i, j: (i / (i + j), j / (i + j), 0.0),
}


def linkage(x: ArrayLike, method: str = "average") -> Array:
    """The n - 1 merges of n points by Euclidean distance: (one, other, distance, size) a row, one < other.

    >>> linkage([[0.0], [1.0], [5.0]], "single").tolist()
    [[0.0, 1.0, 1.0, 2.0], [2.0, 3.0, 4.0, 3.0]]
    """
    points = as_matrix(x, "x")
    if method not in LINKAGES:
        raise InputError(f"there is no linkage {method!r}; use {', '.join(LINKAGES)}")
    distances = np.sqrt(squared_distances(points, points))
    np.fill_diagonal(distances, np.inf)
    numbers, sizes = list(range(len(points))), [1] * len(points)
    merges = np.empty((len(points) - 1, 4))
    for step in range(len(merges)):
        i, j = (int(place) for place in np.unravel_index(distances.argmin(), distances.shape))
        one, other = sorted((numbers[i], numbers[j]))
        merges[step] = one, other, distances[i, j], sizes[i] + sizes[j]
        _merge(distances, i, j, LINKAGES[method](sizes[i], sizes[j]))
        numbers[i], sizes[i] = len(points) + step, sizes[i] + sizes[j]
    return merges


def _merge(distances: Array, i: int, j: int, shares: tuple[float, float, float]) -> None:
    """Let place i hold the distances of i and j together, and leave place j infinitely far from everything."""
    a_i, a_j, c = shares
    others = np.isfinite(distances[i]) & np.isfinite(distances[j])
    to_i, to_j = distances[i, others], distances[j, others]
    distances[i, others] = distances[others, i] = a_i * to_i + a_j * to_j + c * np.abs(to_i - to_j)
    distances[j, :] = distances[:, j] = np.inf


def cut(merges: ArrayLike, groups: int) -> Codes:
    """The group of each point when the last merges are undone until there are `groups`; numbered by their first points.

    >>> cut(linkage([[0.0], [1.0], [5.0]]), 2).tolist()
    [0, 0, 1]
    """
    rows = as_matrix(merges, "merges")
    points = len(rows) + 1
    if not 1 <= groups <= points:
        raise InputError(f"{points} points cannot make {groups} groups; use 1 to {points}")
    members = [[point] for point in range(points)]
    for one, other, _, _ in rows[: points - groups]:
        members.append(sorted(members[int(one)] + members[int(other)]))
        members[int(one)], members[int(other)] = [], []
    labels = np.empty(points, dtype=np.int64)
    for number, group in enumerate(sorted(group for group in members if group)):
        labels[group] = number
    return labels
