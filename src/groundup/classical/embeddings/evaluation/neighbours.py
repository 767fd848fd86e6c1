"""The exact nearest neighbours of every point: what maps are drawn from, and a score of their own.

All distances in blocks: |a - b|^2 = |a|^2 + |b|^2 - 2 a.b turns them into a product of matrices, which runs at the machine's peak; of a block
only the k smallest are kept. The subtraction loses digits where two points are close, so the k that were found get their distances again, from the
differences. The size is a vocabulary's, not the web's: approximate search is another chapter.

Purity: if words were planted in classes, the part of each word's nearest neighbours that is of its own class, averaged.
By chance it is the class's share.
"""

from collections.abc import Sequence

import numpy as np
import torch

from groundup.errors import InputError

BLOCK_BYTES = 1 << 21  # of distances at once: they stay in the processor's own memory while the smallest are looked for


def finite_points(points: np.ndarray, least: int = 2) -> np.ndarray:
    """Points as float32 (n, dimensions), contiguous; InputError for NaN, another shape or too few."""
    points = np.ascontiguousarray(points, np.float32)
    if points.ndim != 2 or len(points) < least or not points.shape[1]:
        raise InputError(
            f"points of shape {list(points.shape)} are too few or no table; give at least {least} rows, one a point"
        )
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise InputError(f"row {int(bad.argmax())} (counted from 0) of the points holds NaN or infinity; leave it out")
    return points


def nearest_neighbours(points: np.ndarray, k: int, cosine: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other points of each: rows int64[n, k] and distances float32[n, k], nearest first, equals by row.

    cosine: the distance is 1 - cosine; a point of zeros is at distance 1 of all.
    """
    points = finite_points(points)
    if not 1 <= k < len(points):
        raise InputError(f"k={k} neighbours of {len(points):,} points are not possible; use 1 to {len(points) - 1:,}")
    if cosine:
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        points = points / np.where(lengths > 0, lengths, 1)
    else:
        points = points - points.mean(axis=0)  # small numbers keep their digits when squared, and no distance changes
    data = torch.from_numpy(points)
    squares = torch.zeros(len(points)) if cosine else (data * data).sum(1)
    block = max(1, BLOCK_BYTES // (4 * max(len(points), k * points.shape[1])))
    room = torch.empty(min(block, len(points)), len(points))
    found = [_block(data, squares, start, room, k, cosine) for start in range(0, len(points), block)]
    rows, distances = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return rows, distances


def _block(
    data: torch.Tensor, squares: torch.Tensor, start: int, room: torch.Tensor, k: int, cosine: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The neighbours of a block of points. room: where their scores are put."""
    part = data[start : start + len(room)]
    # without the part's own squares, which change no order
    scores = torch.addmm(squares[None], part, data.T, alpha=-2, out=room[: len(part)])
    scores.diagonal(start).fill_(torch.inf)
    # NumPy's selection takes a third of the time of torch's topk in 1,000 columns
    nearest = torch.from_numpy(np.argpartition(scores.numpy(), k, axis=1)[:, : k + 1])
    values, rows = scores.gather(1, nearest), nearest[:, :k].sort(1).values
    furthest = values[:, :k].amax(1, keepdim=True)
    tied = values[:, k] == furthest[:, 0]  # one more is as near, and any of them may have been taken
    if tied.any():
        rows[tied] = _first_k(scores[tied], furthest[tied], k)
    if cosine:
        exact = 1 - (part[:, None] * data[rows]).sum(2)
    else:
        exact = torch.linalg.vector_norm(part[:, None] - data[rows], dim=2)
    order = exact.argsort(dim=1, stable=True)
    return rows.gather(1, order), exact.gather(1, order)


def _first_k(scores: torch.Tensor, furthest: torch.Tensor, k: int) -> torch.Tensor:
    """The columns of the k lowest scores of each row, rising; of those at the k-th score the first."""
    below, at = scores < furthest, scores == furthest
    chosen = below | (at & (at.cumsum(1) <= k - below.sum(1, keepdim=True)))
    return chosen.nonzero()[:, 1].reshape(-1, k)


def purity(points: np.ndarray, labels: Sequence[object], k: int = 10, cosine: bool = True) -> float:
    """The part of the k nearest neighbours that has a point's own label, averaged over the points.

    >>> purity(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]), ["x", "x", "y", "y"], k=1)
    1.0
    """
    if len(labels) != len(points):
        raise InputError(f"{len(labels)} labels for {len(points)} points; give one each")
    rows, _ = nearest_neighbours(points, k, cosine)
    numbers = np.unique(np.array([str(label) for label in labels]), return_inverse=True)[1]
    return float((numbers[rows] == numbers[:, None]).mean())
