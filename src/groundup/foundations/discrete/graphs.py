"""Graphs as matrices: shortest paths, reachability through layers, and which nodes are central.

A graph of n nodes is its adjacency matrix: edges[i, j] is the weight of the arrow from i to j, 0 (or False) where there is
none. Then (A^k)[i, j] counts the walks of k arrows from i to j, and with "or" for the sum it says whether there is one.

An attention mask is such a graph: mask[query, key] is an arrow from a position to one it looks at. What a layer's output
depends on after L layers is what L arrows reach: A window of w positions sees w - 1 back in one layer, L(w - 1) in L.
Attention weights are the same graph with weights, each row summing to 1, as in a random walk; a position's PageRank is the
share of time that a walk which follows them spends there (Page et al. 1999).

Everything here is dense and takes n^2 memory, which is right for a text's positions and wrong for the web. Left out:
weighted shortest paths (Dijkstra), flows, sparse storage.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.slots import slot

Matrix = NDArray[np.float64]
UNREACHED = -1
SMALLEST_CHANGE = 1e-14  # a sum of shares is not more exact than that


def square(edges: ArrayLike) -> Matrix:
    """An adjacency matrix as float64, checked."""
    a = np.asarray(edges, np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not a.size:
        raise InputError(f"an adjacency matrix is square, one row and one column a node, but this has shape {a.shape}")
    if not np.isfinite(a).all() or a.min() < 0:
        raise InputError("an arrow's weight is negative, infinite or NaN; give 0 for no arrow, more for a heavier one")
    return a


def known(node: int, nodes: int) -> int:
    """A node's number, checked."""
    if not 0 <= node < nodes:
        raise InputError(f"there is no node {node}; the nodes are 0 to {nodes - 1}")
    return node


def adjacency(edges: Iterable[tuple[int, int]], nodes: int, directed: bool = True) -> Matrix:
    """The matrix of a list of arrows; parallel arrows add up. Not `directed`: every one is also its own way back.

    >>> adjacency([(0, 1), (1, 2)], 3).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    matrix = np.zeros((nodes, nodes))
    for start, end in edges:
        matrix[known(start, nodes), known(end, nodes)] += 1
        if not directed and start != end:
            matrix[end, start] += 1
    return matrix


# ───────── paths ─────────


@slot
def shortest_paths(edges: ArrayLike, source: int) -> NDArray[np.int64]:
    """The fewest arrows from `source` to each node: 0 to itself, -1 where no path leads.

    Breadth first: all nodes at distance d are found before any at d + 1, so the first visit is the shortest (Moore 1959).

    >>> shortest_paths([[0, 1, 0], [0, 0, 1], [0, 0, 0]], source=0).tolist()
    [0, 1, 2]
    """
    a = square(edges) > 0
    distances = np.full(len(a), UNREACHED)
    front, distance = np.zeros(len(a), dtype=bool), 0
    front[known(source, len(a))] = True
    while front.any():
        distances[front] = distance
        front = a[front].any(0) & (distances == UNREACHED)
        distance += 1
    return distances


def shortest_path(edges: ArrayLike, source: int, target: int) -> list[int]:
    """The nodes of one shortest path, both ends included; of several, the one through the lowest numbers, from the end.

    >>> shortest_path([[0, 1, 0], [0, 0, 1], [0, 0, 0]], 0, 2)
    [0, 1, 2]
    """
    a, distances = square(edges) > 0, shortest_paths(edges, source)
    if distances[known(target, len(a))] == UNREACHED:
        raise InputError(f"no path leads from {source} to {target}; ask shortest_paths for what can be reached")
    path = [target]
    while path[-1] != source:
        before = a[:, path[-1]] & (distances == distances[path[-1]] - 1)
        path.append(int(np.flatnonzero(before)[0]))
    return path[::-1]


def walks(edges: ArrayLike, length: int) -> Matrix:
    """How many walks of exactly `length` arrows lead from each node to each: a power of the matrix (of 0 and 1)."""
    return np.linalg.matrix_power((square(edges) > 0).astype(np.float64), _count(length))


def reachable(edges: ArrayLike, steps: int) -> NDArray[np.bool_]:
    """Whether exactly `steps` arrows can lead from each node to each: the power of a mask, by repeated squaring.

    With arrows from every node to itself, "exactly" is "at most", as in an attention mask: [i, j] says whether the output
    at i after `steps` layers can depend on the input at j.

    >>> reachable([[1, 0, 0], [1, 1, 0], [0, 1, 1]], 2)[2].tolist()
    [True, True, True]
    """
    power = square(edges) > 0
    result, steps = np.eye(len(power), dtype=bool), _count(steps)
    while steps:
        if steps % 2:
            result = result @ power
        power, steps = power @ power, steps // 2
    return result


def _count(number: int) -> int:
    if number < 0 or number != int(number):
        raise InputError(f"{number} is no number of arrows; use 0 or more")
    return int(number)


# ───────── who is central ─────────


def degrees(edges: ArrayLike) -> tuple[Matrix, Matrix]:
    """The summed weight of the arrows out of each node, and into it."""
    a = square(edges)
    return a.sum(1), a.sum(0)


def eigenvector_centrality(edges: ArrayLike, tolerance: float = 1e-10, most_steps: int = 10_000) -> Matrix:
    """Important is who is pointed at by the important: x = A^T x up to a factor, of length 1, by power iteration.

    A^T + I is iterated: it has the same vectors, and no two eigenvalues of the same size and opposite sign between which
    the iteration would swing for ever. Bonacich 1972.
    """
    a = square(edges).T
    a = a / max(a.max(), np.finfo(float).tiny) + np.eye(len(a))
    x = np.full(len(a), len(a) ** -0.5)
    for _ in range(most_steps):
        old, x = x, a @ x
        x /= np.linalg.norm(x)
        if np.abs(x - old).max() < tolerance:
            return x
    raise InputError(
        f"the centrality does not settle in {most_steps} steps, as in a graph without cycles; pagerank always does"
    )


@slot
def pagerank(edges: ArrayLike, damping: float = 0.85, tolerance: float = 1e-12) -> Matrix:
    """The share of time that a random walk along the arrows spends at each node; the shares sum to 1.

    From a node the walk takes an arrow in proportion to its weight; with probability 1 - damping, and always where no
    arrow leaves, it jumps to any node alike. So it never gets stuck, and where it began is forgotten: the difference
    shrinks by `damping` a step. Page, Brin, Motwani & Winograd 1999.

    >>> pagerank([[0, 1], [1, 0]]).tolist()
    [0.5, 0.5]
    """
    if not 0 <= damping < 1:
        raise InputError(
            f"damping={damping} is no probability of going on; use 0 or more and less than 1 (0.85 is usual)"
        )
    if not tolerance >= SMALLEST_CHANGE:
        raise InputError(
            f"tolerance={tolerance:g} is below what float64 can tell apart; use {SMALLEST_CHANGE:g} or more"
        )
    a = square(edges)
    out = a.sum(1, keepdims=True)
    steps = np.divide(a, out, out=np.full_like(a, 1 / len(a)), where=out > 0)
    ranks, change = np.full(len(a), 1 / len(a)), 1.0
    while change > tolerance:
        new = damping * (ranks @ steps) + (1 - damping) / len(a)
        ranks, change = new / new.sum(), float(np.abs(new - ranks).sum())
    return ranks


# ───────── attention ─────────


def window_mask(positions: int, window: int) -> NDArray[np.bool_]:
    """The graph of sliding-window attention: each position looks at itself and the window - 1 before it."""
    if positions < 1 or window < 1:
        raise InputError(f"{positions} positions with a window of {window} see nothing; use 1 or more of both")
    back = np.arange(positions)[:, None] - np.arange(positions)
    return (back >= 0) & (back < window)


def arrows(weights: ArrayLike, at_least: float = 0.1) -> list[tuple[int, int, float]]:
    """The arrows (query, key, weight) of an attention matrix that weigh `at_least` so much, heaviest first.

    >>> arrows([[1.0, 0.0], [0.25, 0.75]], at_least=0.2)
    [(0, 0, 1.0), (1, 1, 0.75), (1, 0, 0.25)]
    """
    a = square(weights)
    found = [(int(i), int(j), float(a[i, j])) for i, j in np.argwhere((a >= at_least) & (a > 0))]
    return sorted(found, key=lambda arrow: (-arrow[2], arrow[:2]))
