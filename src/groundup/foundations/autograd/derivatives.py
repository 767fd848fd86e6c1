"""Partial derivative, gradient, Jacobian and Hessian, measured by finite differences.

A partial derivative says how fast f changes when one coordinate of its argument does and the others stay:
∂f/∂xᵢ = lim (f(x + h eᵢ) - f(x - h eᵢ)) / 2h. Measured with a small h it is the judge of every gradient that was derived:
it knows nothing of the formula, it only asks for values. Two errors work against each other: the quotient leaves out
terms of order h², and rounding adds about ε|f|/h; their sum is least near h = ∛ε |x| (6e-6 in float64), where about
ten digits are right. Second differences round with ε|f|/h², so their h is ε^¼ |x|.

Sources: Nocedal & Wright 2006, Numerical Optimization, section 8.1; Squire & Trapp 1998 (the complex step).
Left out: sparse Jacobians, extrapolation to h = 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

Array = np.ndarray
EPSILON = float(np.finfo(np.float64).eps)
FIRST, SECOND = EPSILON ** (1 / 3), EPSILON ** (1 / 4)  # where rounding and the left-out terms are about as large


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """A derived gradient beside the measured one. place: where they differ most; error: how much, relative to the larger."""

    error: float
    place: tuple[int, ...]
    derived: float
    measured: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether they are the same within the tolerance."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        word = "agrees" if self.agrees else "differs"
        return f"{word}: {self.derived:.6g} derived, {self.measured:.6g} measured at {list(self.place)} (error {self.error:.1e})"


def partial_derivative(
    function: Callable[[Array], Any], point: Array, place: tuple[int, ...], step: float | None = None
) -> float:
    """Measure how fast a function of one array changes with the number at `place`; step: h, chosen when it is None.

    >>> round(partial_derivative(lambda x: x[0] ** 2 * x[1], [3.0, 5.0], (0,)), 6)
    30.0
    """
    at = _point(point)
    h = step if step is not None else FIRST * max(1.0, abs(at[place]))
    ahead, behind = (_scalar(function(_moved(at, place, by))) for by in (h, -h))
    return float((ahead - behind) / (2 * h))


@slot
def numerical_gradient(function: Callable[[Array], Any], point: Array, step: float = 1e-5) -> Array:
    """Measure all partial derivatives of a function from an array to one number, by central differences.

    The result has the shape of `point`, which stays as it is. Costs two calls of the function for each number in it.
    ∂f/∂xᵢ ≈ (f(x + h eᵢ) - f(x - h eᵢ)) / 2h, with h = step.
    """
    gradient = np.zeros(np.shape(point))
    for place in np.ndindex(gradient.shape):
        ahead, behind = np.array(point, dtype=float), np.array(point, dtype=float)
        ahead[place] += step
        behind[place] -= step
        gradient[place] = (function(ahead) - function(behind)) / (2 * step)
    return gradient


def gradient(function: Callable[[Array], Any], point: Array) -> Array:
    """`numerical_gradient` of what a user gives: the argument is checked and the step fits its size.

    >>> gradient(lambda x: (x**2).sum(), [1.0, -2.0]).round(6)
    array([ 2., -4.])
    """
    at = _point(point)
    return numerical_gradient(lambda x: _scalar(function(x)), at, FIRST * max(1.0, float(np.abs(at).max())))


def jacobian(function: Callable[[Array], Any], point: Array) -> Array:
    """Measure all partial derivatives of a function from array to array: shape (*results, *arguments).

    >>> jacobian(lambda x: [x[0] * x[1], x[0]], [2.0, 3.0]).round(6)
    array([[3., 2.],
           [1., 0.]])
    """
    at = _point(point)
    columns = []
    for place in np.ndindex(at.shape):
        h = FIRST * max(1.0, abs(at[place]))
        ahead, behind = (_values(function(_moved(at, place, by))) for by in (h, -h))
        columns.append((ahead - behind) / (2 * h))
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *at.shape)


def hessian(function: Callable[[Array], Any], point: Array) -> Array:
    """Measure the second derivatives ∂²f/∂xᵢ∂xⱼ of a function from an array to one number: shape (*arguments, *arguments).

    Nocedal & Wright, eq. 8.21 in its central form. The result is symmetric because each pair is measured once.

    >>> hessian(lambda x: x[0] ** 2 * x[1], [3.0, 5.0]).round(4)
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    at = _point(point)
    places = list(np.ndindex(at.shape))
    steps = [SECOND * max(1.0, abs(at[place])) for place in places]
    found = np.zeros((at.size, at.size))
    for i in range(at.size):
        for j in range(i, at.size):
            found[i, j] = found[j, i] = _mixed(function, at, (places[i], steps[i]), (places[j], steps[j]))
    return found.reshape(at.shape * 2)


def _mixed(
    function: Callable[[Array], Any], at: Array, one: tuple[tuple[int, ...], float], two: tuple[tuple[int, ...], float]
) -> float:
    """One second derivative, from the function's values at the four corners (±h, ±k)."""
    (first, h), (second, k) = one, two
    total = 0.0
    for sign in (1, -1):
        for other in (1, -1):
            corner = _moved(_moved(at, first, sign * h), second, other * k)
            total += sign * other * _scalar(function(corner))
    return total / (4 * h * k)


def complex_step_gradient(function: Callable[[Array], Any], point: Array) -> Array:
    """All partial derivatives as Im f(x + ih eᵢ) / h: nothing is subtracted, so every digit is right.

    The function must be written with operations that take complex numbers (no abs, max or comparison).

    >>> float(complex_step_gradient(np.prod, [0.1, 3.0])[0])
    3.0
    """
    at, h = _point(point), 1e-100
    found = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        value = np.asarray(function(_moved(at.astype(complex), place, 1j * h)))
        if value.shape or not np.iscomplexobj(value):
            raise InputError("the function loses the imaginary part; use gradient(), which needs real numbers only")
        found[place] = value.imag / h
    return found


def check_gradient(
    function: Callable[[Array], Any], derived: Array, point: Array, tolerance: float = 1e-6
) -> GradientCheck:
    """Put a derived gradient beside the measured one; errors are relative to the largest of both, so that zeros count."""
    measured, given = gradient(function, point), np.asarray(derived, dtype=float)
    if given.shape != measured.shape:
        raise InputError(
            f"the gradient has shape {given.shape} and the point {measured.shape}; a gradient has one number for each of the point"
        )
    scale = max(np.abs(measured).max(), np.abs(given).max(), 1e-8)
    errors = np.abs(given - measured) / scale
    errors = np.where(np.isnan(errors), np.inf, errors)
    place = tuple(int(one) for one in np.unravel_index(np.argmax(errors), errors.shape))
    return GradientCheck(float(errors[place]), place, float(given[place]), float(measured[place]), tolerance)


def step_errors(function: Callable[[float], float], derivative: float, x: float, steps: Array) -> dict[str, Array]:
    """The error of the forward and of the central quotient for each step h: the two V-shaped curves.

    The forward one, (f(x + h) - f(x)) / h, leaves out terms of order h; the central one of order h².
    """
    hs = np.asarray(steps, dtype=float)
    if not hs.size or (hs <= 0).any():
        raise InputError("a step is 0 or negative; give steps such as 10.0 ** -np.arange(1, 15)")
    forward = [(function(x + h) - function(x)) / h for h in hs]
    central = [(function(x + h) - function(x - h)) / (2 * h) for h in hs]
    return {"forward": np.abs(np.array(forward) - derivative), "central": np.abs(np.array(central) - derivative)}


def _point(point: Any) -> Array:
    """The argument as an array of floats; what cannot be moved by a small step is refused."""
    at = np.asarray(point)
    if at.dtype.kind != "f":
        raise InputError(
            f"the point holds {at.dtype} numbers, which a small step cannot move; give floats: x.astype(float)"
        )
    if not at.size:
        raise InputError(f"the point is empty (shape {at.shape}); give at least one number")
    if not np.isfinite(at).all():
        raise InputError("the point holds NaN or infinity, where no derivative is; give finite numbers")
    return at.astype(float)


def _moved(at: Array, place: tuple[int, ...], by: complex) -> Array:
    moved = at.copy()
    moved[place] += by
    return moved


def _scalar(value: Any) -> float:
    number = np.asarray(value, dtype=float)
    if number.size != 1:
        raise InputError(f"the function returns shape {number.shape} where one number is expected; use jacobian()")
    return float(number.reshape(()))


def _values(value: Any) -> Array:
    return np.asarray(value, dtype=float)
