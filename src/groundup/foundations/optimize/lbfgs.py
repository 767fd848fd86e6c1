"""L-BFGS: Newton's direction from the last few steps, without a matrix of second derivatives.

Newton goes to -H^-1 g. H^-1 of a million weights does not fit anywhere, but the last steps s and how the gradient changed
over them, y, say what it does along the ways that were gone: y = H s. `two_loop` multiplies the gradient by the matrix that
agrees with them, in two passes over the pairs (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4). The length of a step
is found by trying: shorter while it does not lower the function enough, longer while the slope at its end is still steep
(weak Wolfe conditions, by bisection: Lewis and Overton 2013), so that y s > 0 and the matrix stays positive.

With `l1` the function to lower is f(x) + l1 * sum |x|, which has a kink at zero: OWL-QN (Andrew and Gao 2007) takes the
slope of the side to which it falls, allows a step only within the quadrant it points into, and sets to zero what would leave
it. Weights that do not pay are then exactly zero. Left out: bounds, and the line search of More and Thuente.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.errors import InputError
from groundup.slots import slot

Numbers = NDArray[np.float64]
ENOUGH, STEEP = 1e-4, 0.9  # of the first slope: what a step has to gain of its promise; what may be left at its end
TRIES = 30  # lengths of one step


class Minimum(NamedTuple):
    """The lowest point found, the function there with its L1 part, the values after each step, and why it ended."""

    point: Numbers
    value: float
    values: list[float]
    reason: str


@slot
def two_loop(gradient: Numbers, steps: Sequence[Numbers], changes: Sequence[Numbers]) -> Numbers:
    """The direction -H^-1 g, H the matrix that explains the last steps by the changes of the gradient over them.

    steps, changes: s and y of the last few steps, the newest last; none: against the gradient. Of what no pair speaks of,
    the newest pair's scale s y / y y is assumed. Nocedal and Wright 2006, algorithm 7.4: their rho is 1 / (s y).
    """
    direction = -gradient
    shares = []
    for s, y in zip(reversed(steps), reversed(changes), strict=True):
        shares.append(s @ direction / (s @ y))
        direction = direction - shares[-1] * y
    if len(steps):
        direction = direction * (steps[-1] @ changes[-1] / (changes[-1] @ changes[-1]))
    for s, y, share in zip(steps, changes, reversed(shares), strict=True):
        direction = direction + (share - y @ direction / (s @ y)) * s
    return direction


def pseudo_gradient(x: Numbers, gradient: Numbers, l1: float) -> Numbers:
    """The slope of f + l1 |x|; at zero that of the side to which it falls, and 0 where it rises to both (eq. 4)."""
    right, left = gradient + l1, gradient - l1
    at_zero = np.where(right < 0, right, np.where(left > 0, left, 0.0))
    return np.where(x > 0, right, np.where(x < 0, left, at_zero))


def lbfgs(
    function: Callable[[Numbers], tuple[float, Numbers]],
    start: Numbers,
    *,
    l1: float = 0.0,
    memory: int = 6,
    iterations: int = 100,
    period: int = 10,
    delta: float = 1e-5,
    on_step: Callable[[int, float], None] | None = None,
) -> Minimum:
    """Lower function(x) = (value, gradient), plus l1 times the sum of |x|, from a start.

    memory: pairs that are kept. It ends after `iterations` steps, when the last `period` of them gained less than delta of
    the value, or at a slope of almost zero. on_step(number, value) after each step.
    """
    x = np.array(start, np.float64)
    value, gradient = _asked(function, x, l1)
    _check(value, gradient, memory=memory, iterations=iterations, period=period)
    steps, changes = list[Numbers](), list[Numbers]()
    values, reason = [value], "all iterations done"
    for number in range(1, iterations + 1):
        slope = pseudo_gradient(x, gradient, l1) if l1 else gradient
        if (norm := float(np.linalg.norm(slope))) <= 1e-5 * max(1.0, float(np.linalg.norm(x))):
            reason = "no slope is left"
            break
        direction = _downhill(slope, steps, changes, l1)
        if not direction @ slope < 0:
            direction, steps, changes = -slope, [], []
        found = _line_search(function, x, value, slope, direction, l1, 1.0 if steps else 1.0 / norm)
        if found is None:
            reason = "no step lowers it"
            break
        after, value, new_gradient = found
        s, y = after - x, new_gradient - gradient
        if s @ y > 1e-10 * (y @ y):
            steps, changes = [*steps, s][-memory:], [*changes, y][-memory:]
        x, gradient = after, new_gradient
        values.append(value)
        if on_step:
            on_step(number, value)
        if number >= period and values[-1 - period] - value < delta * abs(value):
            reason = "it hardly falls"
            break
    return Minimum(x, value, values, reason)


def _downhill(slope: Numbers, steps: list[Numbers], changes: list[Numbers], l1: float) -> Numbers:
    """The direction of the last pairs; with an L1 within the quadrant to which the slope points."""
    direction = two_loop(slope, steps, changes)
    return np.where(direction * slope < 0, direction, 0.0) if l1 else direction


def _check(value: float, gradient: Numbers, **least_one: int) -> None:
    for name, given in least_one.items():
        if given < 1:
            raise InputError(f"{name}={given} is not possible; use 1 or more")
    if not np.isfinite(value) or not np.isfinite(gradient).all():
        raise InputError("the function or its gradient at the start is no number; start where it is finite")


def _asked(function: Callable[[Numbers], tuple[float, Numbers]], x: Numbers, l1: float) -> tuple[float, Numbers]:
    """The whole function's value, and the gradient of its smooth part."""
    value, gradient = function(x)
    return float(value) + (l1 * float(np.abs(x).sum()) if l1 else 0.0), gradient


def _line_search(function, x, value, slope, direction, l1, length):  # type: ignore[no-untyped-def]
    """A length of the step that gains enough and, without a kink, ends where it is flatter: (point, value, gradient)."""
    promise = float(direction @ slope)
    shortest, longest = 0.0, np.inf
    sign = np.where(x != 0, np.sign(x), -np.sign(slope)) if l1 else None
    lower = None
    for _ in range(TRIES):
        after = x + length * direction
        if sign is not None:
            after[after * sign <= 0] = 0.0
            promise = float((after - x) @ slope) / length
        reached, gradient = _asked(function, after, l1)
        if not reached <= value + ENOUGH * length * promise:  # also where it is NaN
            longest = length
        else:
            lower = after, reached, gradient
            if sign is not None or gradient @ direction >= STEEP * promise:
                return lower
            shortest = length
        length = (shortest + longest) / 2 if longest < np.inf else 2 * length
    return lower
