"""Convexity: one valley, and how many steps lead to its bottom.

A function is convex when no chord lies below it: f((1-t)x + ty) ≤ (1-t)f(x) + tf(y). A set is convex when it holds the
whole segment between any two of its points. In a convex function every local minimum is a global one. How fast descent
gets there depends on the curvatures alone: on ½xᵀQx - bᵀx with eigenvalues from m to L, each step multiplies the error
along an eigenvector by 1 - rate λ, so the slowest counts, max |1 - rate λ|. It is least at rate 2/(m + L), where it is
(κ-1)/(κ+1) with the condition number κ = L/m: at κ = 1000 a digit takes 1,151 steps. Where m = 0 the error of the value
falls like 1/k only.

Sources: Boyd & Vandenberghe 2004, Convex Optimization, 3.1 and 9.3; Nesterov 2018, Lectures on Convex Optimization,
2.1.5 (1/k). Left out: conjugates, subgradients. A test on segments can refute convexity; it cannot prove it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from groundup.errors import InputError
from groundup.foundations.optimize.gradient_descent import starting_point

Array = np.ndarray
TOLERANCE = 1e-9  # of a violation, relative to the values: rounding alone makes gaps of 1e-16


@dataclass(frozen=True, slots=True)
class Segment:
    """What a test along segments found. gap: how far f rises above its worst chord, or 1.0 where a set is left."""

    convex: bool
    gap: float
    start: Array
    end: Array
    part: float  # where on the way from start to end

    def __str__(self) -> str:
        if self.convex:
            return "no segment contradicts convexity"
        return f"not convex: {self.part:.2f} of the way from {self.start} to {self.end} (gap {self.gap:.3g})"


def chord_gap(function: Callable[[Array], float], start: Array, end: Array, part: float) -> float:
    """How far the function lies above its chord, `part` of the way from start to end; above 0 it is not convex.

    >>> chord_gap(lambda x: float(x @ x), np.array([-1.0]), np.array([1.0]), 0.5)
    -1.0
    """
    between = (1 - part) * start + part * end
    return float(function(between)) - ((1 - part) * float(function(start)) + part * float(function(end)))


def convexity_test(
    function: Callable[[Array], float], low: Array, high: Array, segments: int = 500, seed: int = 0
) -> Segment:
    """Look for a chord below the function, on random segments of the box from `low` to `high`; the worst is given back."""
    worst = None
    for start, end, part in _segments(low, high, segments, seed):
        gap = chord_gap(function, start, end, part)
        scale = max(1.0, abs(float(function(start))), abs(float(function(end))))
        if np.isnan(gap):
            raise InputError(f"the function is NaN on the way from {start} to {end}; keep the box inside its domain")
        if worst is None or gap > worst.gap:
            worst = Segment(gap <= TOLERANCE * scale, gap, start, end, part)
    assert worst is not None
    return worst


def set_convexity_test(
    contains: Callable[[Array], bool], low: Array, high: Array, segments: int = 500, seed: int = 0
) -> Segment:
    """Look for two members of a set with a non-member between them, on random segments of the box from `low` to `high`."""
    seen = None
    for start, end, part in _segments(low, high, segments, seed):
        if not (contains(start) and contains(end)):
            continue
        seen = Segment(True, 0.0, start, end, part)
        if not contains((1 - part) * start + part * end):
            return Segment(False, 1.0, start, end, part)
    if seen is None:
        raise InputError(f"none of {segments} random pairs lies in the set; give a box that fits it more closely")
    return seen


def _segments(low: Array, high: Array, segments: int, seed: int) -> list[tuple[Array, Array, float]]:
    """Random segments of a box, with a random place on each."""
    below, above = starting_point(low), starting_point(high)
    if below.shape != above.shape or not (below < above).all() or segments < 1:
        raise InputError(
            f"a box from shape {below.shape} to {above.shape} with {segments} segments holds nothing to test; "
            "give low < high of one shape, and at least 1 segment"
        )
    generator = np.random.default_rng(seed)
    ends = generator.uniform(below, above, (segments, 2, *below.shape))
    return [
        (start, end, float(part)) for (start, end), part in zip(ends, generator.uniform(size=segments), strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Quadratic:
    """½ xᵀQx - bᵀx: the bowl that every smooth minimum looks like from near. matrix: Q, symmetric; linear: b."""

    matrix: Array
    linear: Array

    def __post_init__(self) -> None:
        matrix, linear = np.asarray(self.matrix, float), np.asarray(self.linear, float)
        if matrix.ndim != 2 or matrix.shape != (linear.size,) * 2:
            raise InputError(f"Q of shape {matrix.shape} does not fit b of shape {linear.shape}; give (n, n) and (n,)")
        object.__setattr__(self, "matrix", symmetric(matrix))
        object.__setattr__(self, "linear", linear)

    def value(self, point: Array) -> float:
        """½ xᵀQx - bᵀx."""
        return float(0.5 * point @ self.matrix @ point - self.linear @ point)

    def gradient(self, point: Array) -> Array:
        """Qx - b."""
        return self.matrix @ point - self.linear

    def minimum(self) -> Array:
        """Where the gradient is 0: the solution of Qx = b; refused where Q has a direction without upward curvature."""
        least, _ = curvatures(self.matrix)
        if least <= 0:
            raise InputError(
                f"the least eigenvalue is {least:.3g}, so there is no single lowest point; it must be above 0"
            )
        return np.linalg.solve(self.matrix, self.linear)


def symmetric(matrix: Array) -> Array:
    """The matrix, which must equal its transpose."""
    found = np.asarray(matrix, dtype=float)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not found.size:
        raise InputError(f"a matrix of shape {found.shape} cannot be symmetric; give (n, n)")
    if not np.allclose(found, found.T, rtol=1e-10, atol=1e-12 * max(1.0, float(np.abs(found).max()))):
        raise InputError(
            "the matrix differs from its transpose (or holds NaN); give (Q + Q.T) / 2, which has the same xᵀQx"
        )
    return found


def curvatures(matrix: Array) -> tuple[float, float]:
    """The least and the largest eigenvalue of a symmetric matrix: m and L."""
    values = np.linalg.eigvalsh(symmetric(matrix))
    return float(values[0]), float(values[-1])


def condition_number(matrix: Array) -> float:
    """κ = L / m of a symmetric matrix with positive eigenvalues: how much longer than wide the valley is, squared.

    >>> condition_number(np.diag([1.0, 100.0]))
    100.0
    """
    least, largest = curvatures(matrix)
    if least <= 0:
        raise InputError(f"the least eigenvalue is {least:.3g}; a condition number needs all of them above 0")
    return largest / least


def best_rate(matrix: Array) -> float:
    """The fixed rate with the fastest worst case: 2 / (m + L). Every rate from 0 to 2 / L goes down."""
    least, largest = curvatures(matrix)
    condition_number(matrix)
    return 2 / (least + largest)


def contraction(matrix: Array, rate: float) -> float:
    """The factor by which the distance to the minimum shrinks a step at the slowest: max |1 - rate λ|; above 1 it grows.

    >>> round(contraction(np.diag([1.0, 9.0]), 0.2), 6), (9 - 1) / (9 + 1)
    (0.8, 0.8)
    """
    least, largest = curvatures(matrix)
    return max(abs(1 - rate * least), abs(1 - rate * largest))


def measured_contraction(path: Array, minimum: Array) -> float:
    """The factor by which the distance shrinks a step, measured over the second half of a path: its geometric mean."""
    distances = np.linalg.norm((path - minimum).reshape(len(path), -1), axis=1)
    half = len(distances) // 2
    if len(distances) < 3 or distances[half] == 0 or distances[-1] == 0:
        raise InputError("the path is shorter than 3 points or arrived exactly; give one that is still on its way")
    return float((distances[-1] / distances[half]) ** (1 / (len(distances) - 1 - half)))


def sublinear_bound(largest: float, distance: float, steps: int) -> float:
    """f(x_k) - f* ≤ L ‖x₀ - x*‖² / 2k for descent with rate 1/L on any convex f whose curvature is at most L."""
    if steps < 1:
        raise InputError(f"after {steps} steps there is no bound; give at least 1")
    return largest * distance**2 / (2 * steps)
