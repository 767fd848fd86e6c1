"""The best size for a budget, read off runs: the envelope of all curves, and the lowest point of each budget's parabola.

Hoffmann et al. 2022, arXiv:2203.15556: approach 1 (section 3.1) takes at each number of FLOPs the run with the lowest loss; approach 2
(section 3.2) trains several sizes with the same FLOPs, lays a parabola through loss against log N and takes its lowest point. Either gives
pairs of budget and best size, and a line through their logarithms: N_best = factor * C^exponent.

Approach 1 needs curves whose rate has fallen to its end everywhere, or many whole runs: in the middle of a run the loss is higher than that
of a run that ends there. Approach 2's parabola is only right near its lowest point; budgets whose lowest size is the best are outside the
grid and refused. Left out: doubt of the exponents (draw the runs again, as `parametric.fit` does).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.training.scaling.fitting import Array
from groundup.training.scaling.power_laws import line_in_logs


@dataclass(frozen=True, slots=True)
class Frontier:
    """Best sizes by budget, and the law through them: best = factor * budget^exponent."""

    budgets: tuple[float, ...]
    sizes: tuple[float, ...]
    losses: tuple[float, ...]
    exponent: float
    factor: float

    def size(self, budget: float) -> float:
        """The best size for a budget, read off the line."""
        return float(self.factor * budget**self.exponent)


def parabola_bottom(size: Float[np.ndarray, " runs"], loss: Float[np.ndarray, " runs"]) -> tuple[float, float]:
    """The size and the loss at the lowest point of the parabola of loss in log(size), by least squares over at least three runs.

    InputError (or any ValueError) where it opens downwards: then there is no lowest point.
    """
    across = np.log(size)
    centre = across.mean()
    square, slope, level = np.polyfit(across - centre, loss, 2)
    if square <= 0:
        raise InputError("the losses of one budget have no lowest point between the sizes; add smaller and larger ones")
    return float(np.exp(centre - slope / (2 * square))), float(level - slope**2 / (4 * square))


def isoflop(budget: ArrayLike, size: ArrayLike, loss: ArrayLike) -> Frontier:
    """Approach 2: the lowest point of each budget's parabola. A run a place; budgets with fewer than three sizes, or lowest outside them, are left out."""
    flops, sizes, losses = (np.asarray(values, float) for values in (budget, size, loss))
    found = []
    for level in np.unique(flops):
        at = flops == level
        if len(np.unique(sizes[at])) >= 3:
            found += _inside(level, sizes[at], losses[at])
    return _through(found, "IsoFLOP")


def _inside(level: float, sizes: Array, losses: Array) -> list[tuple[float, float, float]]:
    """The lowest point of one budget, if it lies between its sizes."""
    try:
        size, loss = parabola_bottom(sizes, losses)
    except ValueError:
        return []
    return [(float(level), size, loss)] if sizes.min() <= size <= sizes.max() else []


def envelope(curves: Mapping[float, tuple[ArrayLike, ArrayLike]], levels: int = 30) -> Frontier:
    """Approach 1: at each of `levels` budgets the size whose curve is lowest. curves: size -> (FLOPs, losses), FLOPs rising.

    Between its points a curve is a line over the logarithm of the FLOPs; it counts only where it was measured. Budgets at which the
    smallest or the largest size is best are left out: the best may lie outside.
    """
    if len(curves) < 3:
        raise InputError(f"{len(curves)} sizes have no envelope; give the curves of three or more")
    order = sorted(curves)
    logs = {size: (np.log(np.asarray(curves[size][0], float)), np.asarray(curves[size][1], float)) for size in order}
    low, high = min(flops[0] for flops, _ in logs.values()), max(flops[-1] for flops, _ in logs.values())
    found = []
    for level in np.linspace(low, high, levels):
        at = {size: np.interp(level, *logs[size], left=np.nan, right=np.nan) for size in order}
        there = {size: float(value) for size, value in at.items() if np.isfinite(value)}
        best = min(there, key=there.__getitem__, default=None)
        if best is not None and len(there) >= 3 and best not in (min(there), max(there)):
            found.append((float(np.exp(level)), best, there[best]))
    return _through(found, "envelope")


def _through(found: Sequence[tuple[float, float, float]], name: str) -> Frontier:
    """The frontier and the line through its logarithms."""
    if len({budget for budget, _, _ in found}) < 2:
        raise InputError(
            f"the {name} has {len(found)} budgets whose best size lies between the sizes tried; two are needed: add sizes or budgets"
        )
    budgets, sizes, losses = (tuple(values) for values in zip(*found, strict=True))
    if len(set(sizes)) < 2:
        raise InputError(f"the {name} cannot tell: one size is best throughout; add sizes beside it, or budgets")
    exponent, factor = line_in_logs(np.array(budgets), np.array(sizes))
    return Frontier(budgets, sizes, losses, exponent, factor)
