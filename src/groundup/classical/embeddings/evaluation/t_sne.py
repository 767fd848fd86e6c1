"""t-SNE: a map of points in two or three dimensions on which those that were neighbours stand together.

Around each point lies a bell whose width is chosen so that it reaches `perplexity` neighbours; that makes distances to probabilities:

    p(j|i) = exp(-beta_i |x_i - x_j|^2) / sum,   entropy of p(.|i) = log perplexity,   p_ij = (p(j|i) + p(i|j)) / 2n

On the map nearness is q_ij = (1 + |y_i - y_j|^2)^-1 / Z, with a long tail, so that what is only far may lie farther. The map makes KL(p, q) small:

    dC/dy_i = 4 sum_j (p_ij - q_ij) (y_i - y_j) (1 + |y_i - y_j|^2)^-1

(van der Maaten and Hinton 2008, eq. 1, 4, 5.) Two things are read off it wrongly: how far apart groups lie and how large each is mean little.

Momentum, a gain for each number, p times 12 for the first 250 steps (early exaggeration), the start on the two main axes, made small
(Kobak and Berens 2019). `tsne_gradient` is the definition. The fast form takes p from the 3 * perplexity nearest
neighbours only (van der Maaten 2014), and q of
all pairs exactly: n^2 terms a step, but eight at a time and no tree to walk, which is faster than Barnes-Hut up to some
ten thousand points. Left out: Barnes-Hut, FFT, points added later.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from groundup import slots
from groundup.classical.embeddings.evaluation.neighbours import finite_points, nearest_neighbours
from groundup.classical.embeddings.vocabulary import check_seed
from groundup.errors import ConfigError, Diverged, InputError
from groundup.foundations.linalg.pca import flip_signs
from groundup.progress import progress as show_progress
from groundup.slots import slot

EXAGGERATION, EXAGGERATED_STEPS = 12.0, 250
TINY = 1e-12  # a probability's floor inside a logarithm


@dataclass(frozen=True, kw_only=True, slots=True)
class TsneConfig:
    """How a map is made. learning_rate: None for n / 48, at least 50 (Belkina et al. 2019). dimensions: 2 or 3."""

    perplexity: float = 30.0
    dimensions: int = 2
    steps: int = 1000
    learning_rate: float | None = None
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.dimensions not in (2, 3):
            raise ConfigError(f"dimensions={self.dimensions} cannot be drawn; use 2 or 3")
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise ConfigError(
                f"learning_rate={self.learning_rate} is not possible; use a number above 0, or None for one by the number of points"
            )
        if not self.perplexity >= 1 or self.steps < 1 or self.threads < 1:
            raise ConfigError(
                f"perplexity={self.perplexity}, steps={self.steps}, threads={self.threads}: each has to be at least 1"
            )


def principal_map(points: np.ndarray, dimensions: int = 2) -> np.ndarray:
    """Points by their coordinates along the directions of largest variance, float64 (n, dimensions).

    Through the covariance, d x d: the large directions are all that is asked for. What they are: `foundations.linalg.pca`.
    """
    points = finite_points(points).astype(np.float64)
    if not 1 <= dimensions <= points.shape[1]:
        raise InputError(
            f"{dimensions} directions of points with {points.shape[1]} numbers each; use 1 to {points.shape[1]}"
        )
    centred = points - points.mean(axis=0)
    directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :dimensions]
    return centred @ flip_signs(directions, directions.T)[1].T


# ───────── how near points are ─────────


@slot
def neighbour_probabilities(squared_distances: np.ndarray, perplexity: float) -> np.ndarray:
    """p(j|i) of one point i: squared distances to its neighbours, itself not among them, to probabilities of this perplexity.

    The width is found by halving: beta doubles or halves until it is caught between two bounds. Where even equal parts
    have no such perplexity, that is as far as it goes.
    """
    shifted = squared_distances - squared_distances.min()  # changes no probability and keeps the largest exponent 0
    beta, low, high = 1.0, 0.0, np.inf
    for _ in range(200):
        weights = np.exp(-beta * shifted)
        total = weights.sum()
        entropy = np.log(total) + beta * (weights @ shifted) / total
        if abs(entropy - np.log(perplexity)) < 1e-10:
            break
        if entropy > np.log(perplexity):  # too wide
            low, beta = beta, beta * 2 if high == np.inf else (beta + high) / 2
        else:
            high, beta = beta, (low + beta) / 2
    return weights / total


def joint_probabilities(points: np.ndarray, perplexity: float) -> "Affinities":
    """p_ij of eq. 1 and the paragraph before it, from the 3 * perplexity nearest neighbours of each point."""
    points = finite_points(points, least=4)
    if perplexity > len(points) - 1:
        raise ConfigError(
            f"perplexity={perplexity:g} of {len(points)} points reaches more than there are; use at most {(len(points) - 1) / 3:g}"
        )
    k = min(len(points) - 1, int(3 * perplexity + 1))
    rows, distances = nearest_neighbours(points, k)
    squares = distances.astype(np.float64) ** 2
    if slots.filled("classical.embeddings.neighbour_probabilities"):
        conditional = np.array([neighbour_probabilities(row, perplexity) for row in squares])
    else:
        conditional = _calibrate(squares, math.log(perplexity))
    return Affinities.of(rows, conditional / (2 * len(points)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _calibrate(squares, target):
    """`neighbour_probabilities` of every row, which come sorted."""
    result = np.empty_like(squares)
    for i in range(len(squares)):
        beta, low, high = 1.0, 0.0, np.inf
        for _ in range(200):
            total = moment = 0.0
            for j in range(squares.shape[1]):
                shifted = squares[i, j] - squares[i, 0]
                result[i, j] = math.exp(-beta * shifted)
                total += result[i, j]
                moment += result[i, j] * shifted
            entropy = math.log(total) + beta * moment / total
            if abs(entropy - target) < 1e-10:
                break
            if entropy > target:
                low, beta = beta, beta * 2 if high == np.inf else (beta + high) / 2
            else:
                high, beta = beta, (low + beta) / 2
        result[i] /= total
    return result


@dataclass(frozen=True)
class Affinities:
    """p_ij without its zeros: the partners of point i are others[first[i]:first[i + 1]], each pair from both its ends."""

    first: np.ndarray  # int64[n + 1]
    others: np.ndarray  # int32
    values: np.ndarray  # float32

    @staticmethod
    def of(rows: np.ndarray, values: np.ndarray) -> "Affinities":
        """A directed value for each neighbour in rows (n, k), added up with that of the way back."""
        count, k = rows.shape
        here, there = np.repeat(np.arange(count), k), rows.reshape(-1)
        keys = np.concatenate([here * count + there, there * count + here])
        pairs, which = np.unique(keys, return_inverse=True)
        summed = np.bincount(which, np.concatenate([values.reshape(-1)] * 2))
        first = np.searchsorted(pairs, np.arange(count + 1) * count)
        return Affinities(first, (pairs % count).astype(np.int32), summed.astype(np.float32))

    def dense(self) -> np.ndarray:
        """All p_ij, (n, n), double precision."""
        count = len(self.first) - 1
        full = np.zeros((count, count))
        full[np.repeat(np.arange(count), np.diff(self.first)), self.others] = self.values
        return full


# ───────── the map ─────────


def tsne_gradient(p: np.ndarray, places: np.ndarray) -> tuple[float, np.ndarray]:
    """KL(p, q) in nats and its gradient by the places on the map, (n, dimensions). p: (n, n), symmetric, sum 1, zeros on the diagonal."""
    differences = places[:, None, :] - places[None, :, :]
    near = 1 / (1 + (differences**2).sum(axis=2))
    np.fill_diagonal(near, 0.0)
    q = near / near.sum()
    seen = p > 0
    divergence = float((p[seen] * np.log(p[seen] / q[seen])).sum())
    return divergence, 4 * (((p - q) * near)[:, :, None] * differences).sum(axis=1)


# Sums may be reordered and a division by zero is no error: only then are eight pairs done at a time.
@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _push(places, start, end, pushes):
    """sum_j near^2 (y_i - y_j) of the points from `start` to `end`, and the sum of all their near_ij; places: (3, n)."""
    whole = 0.0
    xs, ys, zs = places[0], places[1], places[2]
    one = np.float32(1)
    for i in range(start, end):
        x, y, z = xs[i], ys[i], zs[i]
        sum_x = sum_y = sum_z = total = np.float32(0)
        for j in range(len(xs)):
            dx, dy, dz = x - xs[j], y - ys[j], z - zs[j]
            near = one / (one + dx * dx + dy * dy + dz * dz)
            total += near
            square = near * near
            sum_x += square * dx
            sum_y += square * dy
            sum_z += square * dz
        pushes[0, i], pushes[1, i], pushes[2, i] = sum_x, sum_y, sum_z
        whole += float(total - one)  # itself
    return whole


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _pull(first, others, values, places, pulls):
    """sum_j p_ij near_ij (y_i - y_j), and sum p_ij log(1 / near_ij)."""
    spread = 0.0
    for i in range(len(first) - 1):
        x, y, z = places[0, i], places[1, i], places[2, i]
        sum_x = sum_y = sum_z = np.float32(0)
        for k in range(first[i], first[i + 1]):
            j = others[k]
            dx, dy, dz = x - places[0, j], y - places[1, j], z - places[2, j]
            distance = np.float32(1) + dx * dx + dy * dy + dz * dz
            pull = values[k] / distance
            spread += values[k] * math.log(distance)
            sum_x += pull * dx
            sum_y += pull * dy
            sum_z += pull * dz
        pulls[0, i], pulls[1, i], pulls[2, i] = sum_x, sum_y, sum_z
    return spread


def sparse_gradient(
    p: Affinities,
    places: np.ndarray,
    exaggeration: float = 1.0,
    pool: ThreadPoolExecutor | None = None,
    threads: int = 1,
) -> tuple[float, np.ndarray]:
    """`tsne_gradient` by the fast form; places: float32 (3, n), the third row zeros on a flat map. p counts `exaggeration` times in the gradient."""
    pulls, pushes = np.empty_like(places), np.empty_like(places)
    cuts = np.linspace(0, places.shape[1], threads + 1).astype(int)
    parts = [(places, a, b, pushes) for a, b in zip(cuts, cuts[1:], strict=False)]
    total = sum(pool.map(lambda part: _push(*part), parts)) if pool else sum(_push(*part) for part in parts)
    spread = _pull(p.first, p.others, p.values, places, pulls)
    values = p.values.astype(np.float64)
    entropy = float(values @ np.log(np.maximum(values, TINY)))
    return entropy + spread + values.sum() * math.log(total), 4 * (exaggeration * pulls - pushes / np.float32(total))


@dataclass(frozen=True)
class Map:
    """Where the points came to lie, (n, dimensions), and the divergence from p, step by step, nats."""

    places: np.ndarray
    divergences: list[float]


def tsne_map(points: np.ndarray, config: TsneConfig | None = None) -> Map:
    """Make the map of points (n, d)."""
    config = config or TsneConfig()
    p = joint_probabilities(points, config.perplexity)
    places = np.zeros((3, len(points)), np.float32)
    places[: config.dimensions] = _start(points, config)
    velocity, gains = np.zeros_like(places), np.ones_like(places)
    rate = np.float32(_usual_rate(len(points)) if config.learning_rate is None else config.learning_rate)
    divergences = []
    with ThreadPoolExecutor(config.threads) as pool, show_progress(config.steps, "t-SNE", "step") as bar:
        for step in range(config.steps):
            early = step < EXAGGERATED_STEPS
            factor, momentum = (EXAGGERATION, 0.5) if early else (1.0, 0.8)
            divergence, gradient = sparse_gradient(
                p, places, factor, pool if config.threads > 1 else None, config.threads
            )
            same = gradient * velocity < 0  # the step goes on as before: quicken it
            gains = np.maximum(np.where(same, gains + np.float32(0.2), gains * np.float32(0.8)), np.float32(0.01))
            velocity = np.float32(momentum) * velocity - rate * gains * gradient
            places += velocity
            divergences.append(divergence)
            bar.update(1, divergence=divergence)
    if not (np.isfinite(places).all() and np.isfinite(divergences[-1])):
        raise Diverged(
            f"the map became infinite with learning_rate={rate:g}; use a lower one, or None for {_usual_rate(len(points)):g}"
        )
    return Map(places[: config.dimensions].T.astype(np.float64), divergences)


def _usual_rate(count: int) -> float:
    """Belkina et al. 2019, for so many points."""
    return max(count / EXAGGERATION / 4, 50.0)


def _start(points: np.ndarray, config: TsneConfig) -> np.ndarray:
    """The main axes, small, with noise that parts equal points: (dimensions, n)."""
    flat = min(config.dimensions, points.shape[1])
    start = np.zeros((config.dimensions, len(points)))
    start[:flat] = principal_map(points, flat).T
    start *= 1e-4 / max(float(start[0].std()), TINY)
    return start + np.random.default_rng(config.seed).normal(0, 1e-6, start.shape)
