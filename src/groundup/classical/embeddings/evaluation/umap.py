"""UMAP: a map made by springs between neighbours and pushes between random pairs.

First a fuzzy graph. Point i has distance rho_i to its nearest neighbour, and a width sigma_i such that its k - 1 nearest others belong to it by

    v_ij = exp(-max(0, d_ij - rho_i) / sigma_i),   sum_j v_ij = log2 k,   both ways: w_ij = v_ij + v_ji - v_ij v_ji

(McInnes, Healy and Melville 2018, algorithms 2 and 3), so every point is tied to its nearest one wholly, in dense and in thin places alike. On
the map nearness is 1 / (1 + a d^(2b)), a and b fitted so that it is about 1 up to `min_dist` and falls off behind. Then
stochastic gradient descent on the fuzzy sets' cross entropy:
an edge is pulled as often as its weight says, and each time its head is pushed away from a few random points (algorithm 5).

It begins on the main axes, as `init="pca"` of the authors' program does; theirs begins on eigenvectors of the graph, where parts that hang
together loosely come to lie better. Left out: that start, supervised maps, other distances, new points, approximate neighbours.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np

from groundup import slots
from groundup.classical.embeddings.evaluation.neighbours import finite_points, nearest_neighbours
from groundup.classical.embeddings.evaluation.t_sne import TINY, principal_map
from groundup.classical.embeddings.vocabulary import check_seed
from groundup.errors import ConfigError, InputError
from groundup.progress import progress as show_progress
from groundup.slots import slot

NARROWEST = 1e-3  # of the mean distance: a width below it would cut a point off all but its nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class UmapConfig:
    """How a map is made; names and values of umap-learn. n_neighbors counts the point itself. dimensions: 2 or 3."""

    n_neighbors: int = 15
    min_dist: float = 0.1
    spread: float = 1.0
    dimensions: int = 2
    epochs: int | None = None  # 500, from 10,000 points on 200
    negative_samples: int = 5
    learning_rate: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.dimensions not in (2, 3):
            raise ConfigError(f"dimensions={self.dimensions} cannot be drawn; use 2 or 3")
        if self.n_neighbors < 3:
            raise ConfigError(f"n_neighbors={self.n_neighbors} ties points into nothing; use 3 or more, itself counted")
        if (self.epochs is not None and self.epochs < 1) or self.negative_samples < 0:
            raise ConfigError(
                f"epochs={self.epochs} with negative_samples={self.negative_samples} is not possible; use 1 epoch or more (None: by "
                "the number of points) and 0 samples or more"
            )
        for name in ("learning_rate", "spread"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use a number above 0")
        if not 0 <= self.min_dist <= self.spread:
            raise ConfigError(f"min_dist={self.min_dist} has to lie between 0 and spread={self.spread}")


# ───────── the graph ─────────


@slot
def fuzzy_memberships(distances: np.ndarray) -> np.ndarray:
    """How far each of a point's k - 1 nearest others belongs to it, 0 to 1, given their distances in rising order.

    rho is the smallest distance above 0; sigma is found by halving so that the memberships sum to log2 k, and is at least 0.001 of the mean
    distance, the point's own 0 counted in.
    """
    k = len(distances) + 1
    rho = distances[distances > 0].min(initial=np.inf)
    beyond = np.maximum(0.0, distances - (rho if np.isfinite(rho) else 0.0))
    sigma, low, high = 1.0, 0.0, np.inf
    for _ in range(64):
        total = np.exp(-beyond / sigma).sum()
        if abs(total - np.log2(k)) < 1e-5:
            break
        if total > np.log2(k):  # too wide
            high, sigma = sigma, (low + sigma) / 2
        else:
            low, sigma = sigma, sigma * 2 if high == np.inf else (sigma + high) / 2
    return np.exp(-beyond / max(sigma, NARROWEST * distances.sum() / k, 1e-12))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _memberships(distances):
    """`fuzzy_memberships` of every row."""
    result = np.empty(distances.shape)
    k = distances.shape[1] + 1
    target = math.log2(k)
    for i in range(len(distances)):
        rho, mean = np.inf, 0.0
        for distance in distances[i]:
            mean += distance / k
            if 0 < distance < rho:
                rho = distance
        rho = rho if rho < np.inf else 0.0
        sigma, low, high = 1.0, 0.0, np.inf
        for _ in range(64):
            total = 0.0
            for distance in distances[i]:
                total += math.exp(-max(0.0, distance - rho) / sigma)
            if abs(total - target) < 1e-5:
                break
            if total > target:
                high, sigma = sigma, (low + sigma) / 2
            else:
                low, sigma = sigma, sigma * 2 if high == np.inf else (sigma + high) / 2
        sigma = max(sigma, NARROWEST * mean, 1e-12)
        for j in range(distances.shape[1]):
            result[i, j] = math.exp(-max(0.0, distances[i, j] - rho) / sigma)
    return result


@dataclass(frozen=True)
class Graph:
    """Edges of the fuzzy union, each from both its ends: from heads[e] to tails[e] with weights[e]."""

    heads: np.ndarray  # int64, rising
    tails: np.ndarray  # int64
    weights: np.ndarray  # float64

    def dense(self, count: int) -> np.ndarray:
        """All weights, (count, count)."""
        full = np.zeros((count, count))
        full[self.heads, self.tails] = self.weights
        return full


def fuzzy_graph(points: np.ndarray, n_neighbors: int = 15) -> Graph:
    """The fuzzy union of every point's memberships: algorithm 1's graph. n_neighbors counts the point itself."""
    points = finite_points(points, least=4)
    if n_neighbors > len(points):
        raise ConfigError(
            f"n_neighbors={n_neighbors} of {len(points)} points is more than there are; use at most {len(points)}"
        )
    rows, distances = nearest_neighbours(points, n_neighbors - 1)
    distances = distances.astype(np.float64)
    if slots.filled("classical.embeddings.fuzzy_memberships"):
        members = np.array([fuzzy_memberships(row) for row in distances])
    else:
        members = _memberships(distances)
    count = len(points)
    here, there = np.repeat(np.arange(count), rows.shape[1]), rows.reshape(-1)
    keys, which = np.unique(np.concatenate([here * count + there, there * count + here]), return_inverse=True)
    out = np.bincount(which[: len(here)], members.reshape(-1), len(keys))
    back = np.bincount(which[len(here) :], members.reshape(-1), len(keys))
    return Graph(keys // count, keys % count, out + back - out * back)


# ───────── the map ─────────


def nearness_curve(min_dist: float = 0.1, spread: float = 1.0) -> tuple[float, float]:
    """a and b for which 1 / (1 + a d^(2b)) is nearest, by least squares, to 1 up to min_dist and exp(-(d - min_dist) / spread) behind it.

    Gauss and Newton's steps over log a and log b, halved while they do not help; at 300 distances up to 3 * spread.

    >>> [round(value, 3) for value in nearness_curve(0.1, 1.0)]
    [1.577, 0.895]
    """
    d = np.linspace(0, 3 * spread, 300)[1:]  # at 0 every curve is 1
    wanted = np.where(d < min_dist, 1.0, np.exp(-(d - min_dist) / spread))

    def errors(guess: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(guess[0]) * d ** (2 * np.exp(guess[1]))) - wanted

    guess = np.zeros(2)
    for _ in range(100):
        a, b = np.exp(guess)
        power, now = a * d ** (2 * b), errors(guess)
        slope = -power / (1 + power) ** 2
        step = np.linalg.lstsq(np.stack([slope, slope * 2 * b * np.log(d)], axis=1), -now, rcond=None)[0]
        while (errors(guess + step) ** 2).sum() > (now**2).sum() and np.abs(step).max() > 1e-12:
            step /= 2
        guess = guess + step
    return float(np.exp(guess[0])), float(np.exp(guess[1]))


@numba.njit(cache=True, nogil=True, inline="always")
def _moved(push):
    """A step's part along one axis, which is never over 4."""
    return min(max(push, -4.0), 4.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _epoch(places, heads, tails, period, due, due_push, epoch, rate, a, b, negatives, state):
    """Pull each edge that is due and push its head off random points; in place. state: of the random numbers (xorshift)."""
    count, dimensions = places.shape
    for edge in range(len(heads)):
        if due[edge] > epoch:
            continue
        i, j = heads[edge], tails[edge]
        square = 0.0
        for axis in range(dimensions):
            square += (places[i, axis] - places[j, axis]) ** 2
        if square > 0:
            power = square**b
            pull = -2 * a * b * power / (square * (a * power + 1))
            for axis in range(dimensions):
                step = rate * _moved(pull * (places[i, axis] - places[j, axis]))
                places[i, axis] += step
                places[j, axis] -= step
        due[edge] += period[edge]
        pushes = int((epoch - due_push[edge]) * negatives / period[edge])
        for _ in range(pushes):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            j = np.int64(state % np.uint64(count))
            square = 0.0
            for axis in range(dimensions):
                square += (places[i, axis] - places[j, axis]) ** 2
            if square > 0:
                push = 2 * b / ((0.001 + square) * (a * square**b + 1))
                for axis in range(dimensions):
                    places[i, axis] += rate * _moved(push * (places[i, axis] - places[j, axis]))
        due_push[edge] += pushes * period[edge] / negatives
    return state


def lay_out(graph: Graph, start: np.ndarray, config: UmapConfig) -> np.ndarray:
    """Move the points of a graph from where they start, float64 (n, dimensions)."""
    epochs = config.epochs or (500 if len(start) < 10_000 else 200)
    kept = graph.weights >= graph.weights.max() / epochs  # weaker ones would never be due
    heads, tails = graph.heads[kept], graph.tails[kept]
    period = graph.weights.max() / graph.weights[kept]
    due, negatives = period.copy(), max(config.negative_samples, 1)
    due_push = np.zeros_like(period) if config.negative_samples else np.full_like(period, np.inf)
    a, b = nearness_curve(config.min_dist, config.spread)
    places, state = start.astype(np.float64), np.uint64(2 * config.seed + 88172645463325252 | 1)
    with show_progress(epochs, "UMAP", "epoch") as bar:
        for epoch in range(epochs):
            rate = config.learning_rate * (1 - epoch / epochs)
            state = np.uint64(
                _epoch(places, heads, tails, period, due, due_push, float(epoch), rate, a, b, float(negatives), state)
            )
            bar.update(1)
    return places


def umap_map(points: np.ndarray, config: UmapConfig | None = None) -> np.ndarray:
    """Make the map of points (n, d): float64 (n, dimensions)."""
    config = config or UmapConfig()
    graph = fuzzy_graph(points, config.n_neighbors)
    flat = min(config.dimensions, points.shape[1])
    start = np.zeros((len(points), config.dimensions))
    start[:, :flat] = principal_map(points, flat)
    largest = float(np.abs(start).max())
    if largest <= TINY:
        raise InputError("all points are the same, so there is no map of them; give points that differ")
    noise = np.random.default_rng(config.seed).normal(0, 1e-4, start.shape)
    return lay_out(graph, start * (10 / largest) + noise, config)
