"""k-means: k centres, every point at the nearest of them, every centre in the middle of its points.

    inertia   sum over points of |x_i - nearest centre|^2

Two half-steps lower it in turn: points choose their nearest centre, centres move to the mean of their points (Lloyd
1957, printed 1982). It cannot rise and there are finitely many choices, so it ends; where depends on the start.
k-means++ draws each further centre with a chance proportional to its squared distance from those chosen so far, which
on average is at most 8 (ln k + 2) times the best (Arthur & Vassilvitskii 2007); the best of a few starts is kept. It
finds round groups of like size, and rings or stripes it cuts to pieces. A codebook of vector quantisation is the same
thing.

Left out: mini-batches, triangle-inequality shortcuts (Elkan 2003), how to choose k.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.samples import Codes, one_hot, squared_distances
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.slots import slot


class Clusters(NamedTuple):
    """Centres, the centre of each point, and the inertia after every step (the last is the end's)."""

    centres: Array
    labels: Codes
    inertias: list[float]


def plus_plus(x: ArrayLike, k: int, generator: np.random.Generator) -> Array:
    """Draw k of the points as a start, far from one another: k-means++."""
    points = as_matrix(x, "x")
    if not 1 <= k <= len(points):
        raise InputError(f"k={k} clusters of {len(points)} points; use 1 to {len(points)}")
    chosen = [int(generator.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, squared_distances(points[chosen[-1:]], points)[0])
        if not nearest.any():
            raise InputError(
                f"there are only {len(chosen)} different points for k={k} clusters; use k={len(chosen)} at most"
            )
        chosen.append(int(generator.choice(len(points), p=nearest / nearest.sum())))
    return points[chosen]


@slot
def kmeans_step(x: Array, centres: Array) -> tuple[Codes, Array]:
    """One step: the number of each point's nearest centre, and the centres moved to the mean of their points.

    Of equally near centres the first; a centre without points stays where it is.
    """
    labels = squared_distances(x, centres).argmin(axis=1)
    member = one_hot(labels, len(centres))
    counts = member.sum(axis=0)
    moved = centres.astype(np.float64)
    moved[counts > 0] = (member.T @ x)[counts > 0] / counts[counts > 0, None]
    return labels, moved


def inertia(x: ArrayLike, centres: ArrayLike) -> float:
    """The sum over points of the squared distance to the nearest centre."""
    return float(squared_distances(x, centres).min(axis=1).sum())


def k_means(x: ArrayLike, k: int, seed: int = 0, restarts: int = 10, steps: int = 300) -> Clusters:
    """The best of `restarts` runs, each from a k-means++ start until no point changes its centre, or `steps` are made."""
    points, generator = as_matrix(x, "x"), np.random.default_rng(seed)
    if restarts < 1:
        raise InputError(f"restarts={restarts}; use 1 or more")
    runs = [lloyd(points, plus_plus(points, k, generator), steps) for _ in range(restarts)]
    return min(runs, key=lambda run: run.inertias[-1])


def lloyd(x: Array, centres: Array, steps: int = 300) -> Clusters:
    """Steps from given centres until no point changes its centre."""
    inertias, before = [inertia(x, centres)], None
    for _ in range(steps):
        labels, centres = kmeans_step(x, centres)
        inertias.append(inertia(x, centres))
        if before is not None and (labels == before).all():
            break
        before = labels
    return Clusters(centres, squared_distances(x, centres).argmin(axis=1), inertias)
