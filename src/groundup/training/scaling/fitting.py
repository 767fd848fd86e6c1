"""Fitting a law to measured losses: Huber's loss of the residuals, by damped Gauss-Newton from many starts at once.

    least over p of  sum_i weight_i * huber(r_i(p)),    huber(r) = r^2 / 2 if |r| <= delta, else delta (|r| - delta / 2)

A residual here is the difference of two logarithms, so 0.01 is one per cent. With a small delta (Hoffmann et al. use 0.001) nearly
all residuals count by their size and not by its square: a run that went wrong pulls little. Each step solves weighted least squares
in which a far point has the weight delta / |r| (Holland & Welsch 1977), with Levenberg's damping; a step that does not lower the sum is
not taken. All starts, and all samples of a bootstrap, are solved side by side as one batch of small systems.

Hoffmann et al. 2022, arXiv:2203.15556, section 3.3, minimise the same sum by L-BFGS; the least value is what counts, and the tests
compare it with scipy's L-BFGS from the same grid. Left out: bounds, and proofs that the least of many starts is the least of all.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# parameters (starts, p) -> residuals (starts, points) and their derivatives (starts, points, p)
Residuals = Callable[[Array], tuple[Array, Array]]

EASIER, HARDER = 0.3, 4.0  # the damping after a step that was taken, and after one that was not
STEPS = 300


def huber(residual: Array, delta: float) -> Array:
    """Huber's loss of each residual: a square near 0, a line beyond delta.

    >>> huber(np.array([0.5, 3.0]), 1.0).tolist()
    [0.125, 2.5]
    """
    size = np.abs(residual)
    return np.where(size <= delta, residual**2 / 2, delta * (size - delta / 2))


def least(
    residuals: Residuals, starts: Array, delta: float, weights: Array | None = None, steps: int = STEPS
) -> tuple[Array, Array]:
    """The parameters reached from each start and the sum there. weights: how often each point counts, (points,) or a row a start."""
    place = np.array(starts, float)
    residual, slopes = residuals(place)
    counts = np.broadcast_to(1.0 if weights is None else weights, residual.shape)
    value = (counts * huber(residual, delta)).sum(1)
    damping = np.full(len(place), 1e-3)
    for _ in range(steps):
        tried = place + _step(residual, slopes, counts, delta, damping)
        new_residual, new_slopes = residuals(tried)
        new = (counts * huber(new_residual, delta)).sum(1)
        better = np.isfinite(new) & (new < value)
        gained = np.where(better, value - new, 0.0)
        place = np.where(better[:, None], tried, place)
        residual = np.where(better[:, None], new_residual, residual)
        slopes = np.where(better[:, None, None], new_slopes, slopes)
        settled = np.where(better, gained <= 1e-9 * value, damping > 1e8)
        value = np.where(better, new, value)
        damping = np.clip(np.where(better, EASIER * damping, HARDER * damping), 1e-12, 1e9)
        if settled.all():
            break
    return place, value


def _step(residual: Array, slopes: Array, counts: Array, delta: float, damping: Array) -> Array:
    """The move of each start: weighted least squares, damped by a share of its own diagonal."""
    weight = counts * np.minimum(1.0, delta / np.maximum(np.abs(residual), 1e-300))
    weighted = slopes * weight[:, :, None]
    square = slopes.transpose(0, 2, 1) @ weighted
    diagonal = np.einsum("spp->sp", square)
    ridge = damping[:, None] * diagonal + 1e-12 * (diagonal.max(1, keepdims=True) + 1e-30)
    right = np.einsum("snp,sn->sp", weighted, residual)
    return -np.linalg.solve(square + ridge[:, :, None] * np.eye(slopes.shape[2]), right[:, :, None])[:, :, 0]


def resamples(points: int, times: int, seed: int) -> Array:
    """How often each point is in each sample of a bootstrap: (times, points), every row sums to points."""
    return np.random.default_rng(seed).multinomial(points, np.full(points, 1 / points), size=times).astype(float)
