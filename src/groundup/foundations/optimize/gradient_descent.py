"""Gradient descent: a small step against the gradient, again and again.

The gradient points to where f rises fastest, so x ← x - rate ∇f(x) falls as long as the step is short: where no
curvature is above L, every rate below 2/L goes down and every rate above it climbs out of the valley (`convexity.py`).
A loss is a mean over examples, so its gradient is one too. All of them for one step is *batch* descent, exact and dear;
one of them is *stochastic*; some are a *mini-batch*, whose gradient is right on average and whose variance is σ²/B (n -
B)/(n - 1) for B of n examples drawn without replacement: four times the examples halve the noise.

Sources: Cauchy 1847; Robbins & Monro 1951 (falling rates); Bottou, Curtis & Nocedal 2018, arXiv:1606.04838, section 4.
Left out: line search, second-order methods.
"""

from collections.abc import Callable, Iterator

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

Array = np.ndarray
Gradient = Callable[[Array], Array]  # a point -> the gradient there, of the same shape
BatchGradient = Callable[[Array, Array], Array]  # a point and the numbers of some examples -> their mean gradient there
Rate = float | Callable[[int], float]  # one step length, or one for each step (the first is step 0)


def starting_point(start: Array) -> Array:
    """The start as floats of its own; what no small step can move is refused."""
    point = np.array(start)
    if point.dtype.kind != "f":
        raise InputError(
            f"the start holds {point.dtype} numbers, which a small step cannot move; give floats: 3.0, not 3"
        )
    if not np.isfinite(point).all():
        raise InputError("the start holds NaN or infinity; give finite numbers")
    return point.astype(float)


def slope(gradient: Callable[..., Array], point: Array, *examples: Array) -> Array:
    """The gradient at a point (of these examples); another shape than the point's, or NaN, is refused."""
    found = np.asarray(gradient(point, *examples), dtype=float)
    if found.shape != point.shape:
        raise InputError(
            f"the gradient has shape {found.shape} and the point {point.shape}; give one number for each of the point"
        )
    if not np.isfinite(found).all():
        raise InputError(
            "the gradient became NaN or infinite: the path left the valley; take a smaller rate or fewer steps"
        )
    return found


@slot
def gradient_descent(gradient: Gradient, start: Array, rate: float, steps: int) -> Array:
    """Walk `steps` times against the gradient; the path, with the start as its row 0: shape (steps + 1, *start.shape).

    x ← x - rate ∇f(x). gradient: gives ∇f at a point.
    """
    path = [starting_point(start)]
    for _ in range(steps):
        path.append(path[-1] - rate * slope(gradient, path[-1]))
    return np.stack(path)


def batches(count: int, batch_size: int, generator: np.random.Generator) -> Iterator[Array]:
    """Endless mini-batches of the numbers 0 … count - 1: each epoch shuffles them and takes every one once.

    The last batch of an epoch is smaller where batch_size does not divide count.

    >>> stream = batches(5, 2, np.random.default_rng(0))
    >>> sorted(int(row) for _ in range(3) for row in next(stream))
    [0, 1, 2, 3, 4]
    """
    if not 1 <= batch_size <= count:
        raise InputError(f"a batch of {batch_size} cannot be taken from {count} examples; use 1 to {count}")
    while True:
        order = generator.permutation(count)
        for begin in range(0, count, batch_size):
            yield order[begin : begin + batch_size]


def stochastic_gradient_descent(
    gradient: BatchGradient, start: Array, rate: Rate, steps: int, count: int, batch_size: int = 1, seed: int = 0
) -> Array:
    """Descend on a mini-batch a step; the path as `gradient_descent` gives it.

    gradient: the mean gradient of the examples whose numbers it is given. batch_size: 1 is stochastic, `count` is batch
    descent. rate: a number, or a function of the step: 1 / (step + 1) ends at the minimum where a fixed rate hovers
    about it.
    """
    path = [starting_point(start)]
    stream = batches(count, batch_size, np.random.default_rng(seed))
    for step in range(steps):
        rows = next(stream)
        length = rate(step) if callable(rate) else rate
        path.append(path[-1] - length * slope(gradient, path[-1], rows))
    return np.stack(path)


def gradient_noise(
    gradient: BatchGradient, point: Array, count: int, batch_size: int, draws: int = 1000, seed: int = 0
) -> float:
    """Measure the variance of a mini-batch's gradient at a point, summed over its coordinates."""
    generator = np.random.default_rng(seed)
    at = starting_point(point)
    found = [gradient(at, next(batches(count, batch_size, generator))) for _ in range(draws)]
    return float(np.var(found, axis=0).sum())


def expected_noise(gradient: BatchGradient, point: Array, count: int, batch_size: int) -> float:
    """The same variance without drawing: σ²/B (n - B)/(n - 1), σ² the variance of single examples' gradients."""
    at = starting_point(point)
    if not 1 <= batch_size <= count:
        raise InputError(f"a batch of {batch_size} cannot be taken from {count} examples; use 1 to {count}")
    each = [gradient(at, np.array([row])) for row in range(count)]
    spread = float(np.var(each, axis=0).sum())
    return spread / batch_size * (count - batch_size) / max(1, count - 1)
