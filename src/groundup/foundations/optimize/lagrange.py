"""Constrained optimisation: the lowest point among those that are allowed.

Where the lowest point of f on the surface a(x) = b lies, no direction along the surface goes down any more, so ∇f is a
combination of the constraints' gradients: ∇f + Aᵀλ = 0. The λ are Lagrange's multipliers, and λ says what a constraint
costs: ∂f*/∂b = -λ. With inequalities g(x) ≤ 0 the same holds with multipliers ν ≥ 0 that are 0 wherever the constraint
is not touched (νg = 0). Together these are the conditions of Karush, Kuhn and Tucker; for a convex problem they are
sufficient.

For a quadratic with equalities they are one linear system. For an easy set it is enough to step and go back to the
nearest allowed point (projected gradient): box, ball and simplex have projections in closed form. The simplex is where
probabilities live.

Sources: Boyd & Vandenberghe 2004, 5.5 and 10.1; Duchi et al. 2008, figure 1 (the simplex); Goldstein 1964, Levitin &
Polyak 1966. Left out: interior-point methods; the test of second-order conditions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.optimize.convexity import symmetric
from groundup.foundations.optimize.gradient_descent import Array, Gradient, slope, starting_point
from groundup.slots import slot

MOST_INEQUALITIES = 12  # 2¹² = 4,096 sets of touched constraints are tried
SINGULAR = 1e12  # a condition number above this leaves fewer than four digits of the solution


class Optimum(NamedTuple):
    """The lowest allowed point and the multiplier of each constraint."""

    point: Array
    multipliers: Array


def kkt_matrix(quadratic: Array, constraints: Array) -> Array:
    """[[Q, Aᵀ], [A, 0]], of shape (n + m, n + m); refused where it is singular."""
    system = np.block([[quadratic, constraints.T], [constraints, np.zeros((len(constraints),) * 2)]])
    if not np.isfinite(system).all() or np.linalg.cond(system) > SINGULAR:
        raise InputError(
            "the KKT system is singular: two constraints say the same, or the function has no lowest point on them; "
            "leave out what depends on the others, or make Q positive definite"
        )
    return system


@slot
def kkt(quadratic: Array, linear: Array, constraints: Array, levels: Array) -> Optimum:
    """Minimise ½ xᵀQx + cᵀx where Ax = b, and give the point with its multipliers.

    quadratic: Q (n, n), symmetric; linear: c (n,); constraints: A (m, n); levels: b (m,). The conditions Qx + c + Aᵀλ =
    0 and Ax = b are one linear system, [[Q, Aᵀ], [A, 0]] [x; λ] = [-c; b]; `kkt_matrix` builds its left side.
    """
    system = kkt_matrix(quadratic, constraints)
    solution = np.linalg.solve(system, np.concatenate([-linear, levels]))
    return Optimum(solution[: len(linear)], solution[len(linear) :])


def equality_quadratic(quadratic: Array, linear: Array, constraints: Array, levels: Array) -> Optimum:
    """`kkt` of what a user gives: shapes are compared and named."""
    given = [np.asarray(one, dtype=float) for one in (quadratic, linear, constraints, levels)]
    _fit(*given)
    return kkt(symmetric(given[0]), *given[1:])


def _fit(quadratic: Array, linear: Array, constraints: Array, levels: Array) -> None:
    size, count = linear.size, levels.size
    shapes = (quadratic.shape, linear.shape, constraints.shape, levels.shape)
    if shapes != ((size, size), (size,), (count, size), (count,)):
        raise InputError(
            f"Q {shapes[0]}, c {shapes[1]}, A {shapes[2]} and b {shapes[3]} do not fit; give (n, n), (n,), (m, n), (m,)"
        )


def quadratic_program(quadratic: Array, linear: Array, constraints: Array, levels: Array) -> Optimum:
    """Minimise ½ xᵀQx + cᵀx where Ax ≤ b, by trying which constraints are touched: the set whose KKT conditions all hold.

    Q must be positive definite. Exact and only for few constraints: each doubles the number of sets.
    """
    given = [np.asarray(one, dtype=float) for one in (quadratic, linear, constraints, levels)]
    _fit(*given)
    Q, c, A, b = symmetric(given[0]), *given[1:]
    if len(b) > MOST_INEQUALITIES or np.linalg.eigvalsh(Q)[0] <= 0:
        raise InputError(
            f"this needs at most {MOST_INEQUALITIES} constraints and a positive definite Q; use projected_gradient"
        )
    for count in range(min(len(b), len(c)) + 1):
        for touched in combinations(range(len(b)), count):
            rows = list(touched)
            try:
                found = kkt(Q, c, A[rows], b[rows])
            except InputError:  # constraints that say the same: a smaller set describes the same point
                continue
            multipliers = np.zeros(len(b))
            multipliers[rows] = found.multipliers
            if (A @ found.point <= b + 1e-9 * (1 + np.abs(b))).all() and (multipliers >= -1e-9).all():
                return Optimum(found.point, multipliers)
    raise InputError("no point satisfies all the inequalities; loosen one of them")


# ───────── the conditions themselves ─────────


@dataclass(frozen=True, slots=True)
class Conditions:
    """How far a point is from each of the KKT conditions; all are 0 at an optimum."""

    stationarity: float  # |∇f + Σ ν ∇g + Σ λ ∇h|, the largest coordinate
    feasibility: float  # how far a constraint is broken
    sign: float  # how far a multiplier of an inequality is below 0
    slackness: float  # the largest |ν g|: a multiplier on a constraint that is not touched
    tolerance: float

    @property
    def hold(self) -> bool:
        """Whether all of them hold within the tolerance."""
        return max(self.stationarity, self.feasibility, self.sign, self.slackness) <= self.tolerance

    @property
    def broken(self) -> list[str]:
        """The names of those that do not."""
        names = ("stationarity", "feasibility", "sign", "slackness")
        return [name for name in names if getattr(self, name) > self.tolerance]


def check_kkt(
    gradient: Array,
    inequalities: tuple[Array, Array, Array] | None = None,
    equalities: tuple[Array, Array, Array] | None = None,
    tolerance: float = 1e-6,
) -> Conditions:
    """Ask of a point whether it can be an optimum, from ∇f there and from its constraints.

    inequalities (g ≤ 0) and equalities (h = 0): their values (m,), their gradients (m, n) and multipliers (m,) at the
    point.
    """
    total = starting_point(gradient)
    g, _, nu = sides = _constraints(inequalities, total.size)
    h, _, _ = levels = _constraints(equalities, total.size)
    for _, slopes, multipliers in (sides, levels):
        total = total + slopes.T @ multipliers
    return Conditions(
        stationarity=float(np.abs(total).max()),
        feasibility=float(max(0.0, g.max(initial=0.0), np.abs(h).max(initial=0.0))),
        sign=float(max(0.0, (-nu).max(initial=0.0))),
        slackness=float(np.abs(nu * g).max(initial=0.0)),
        tolerance=tolerance,
    )


def _constraints(given: tuple[Array, Array, Array] | None, size: int) -> tuple[Array, Array, Array]:
    """Values, gradients and multipliers of one kind of constraint; empty where there is none."""
    if given is None:
        return np.zeros(0), np.zeros((0, size)), np.zeros(0)
    values, slopes, multipliers = (np.asarray(one, dtype=float) for one in given)
    if values.ndim != 1 or slopes.shape != (values.size, size) or multipliers.shape != values.shape:
        raise InputError(
            f"values {values.shape}, gradients {slopes.shape} and multipliers {multipliers.shape} do not fit {size} "
            f"coordinates; give (m,), (m, {size}) and (m,)"
        )
    return values, slopes, multipliers


# ───────── projections ─────────


def project_onto_box(point: Array, low: float | Array, high: float | Array) -> Array:
    """The nearest point with every coordinate from low to high: each is cut off by itself.

    >>> project_onto_box(np.array([-2.0, 0.5]), 0.0, 1.0)
    array([0. , 0.5])
    """
    if (np.asarray(low) > np.asarray(high)).any():
        raise InputError(f"a box from {low} to {high} is empty; give low <= high")
    return np.minimum(np.maximum(starting_point(point), low), high)


def project_onto_ball(point: Array, radius: float = 1.0, centre: Array | float = 0.0) -> Array:
    """The nearest point at most `radius` from the centre: beyond it, the point is drawn straight back. Gradient clipping.

    >>> project_onto_ball(np.array([3.0, 4.0]), 1.0)
    array([0.6, 0.8])
    """
    if radius < 0:
        raise InputError(f"a ball of radius {radius} is empty; give a radius of 0 or more")
    away = starting_point(point) - centre
    length = float(np.linalg.norm(away))
    return centre + (away if length <= radius else away * (radius / length))


def vector_of(point: Array) -> Array:
    """The point as floats along one axis."""
    values = starting_point(point)
    if values.ndim != 1 or not values.size:
        raise InputError(f"a point of shape {values.shape} is no vector; give (n,), row by row where there are several")
    return values


@slot
def project_onto_simplex(point: Array) -> Array:
    """The nearest probabilities to a vector: numbers of 0 or more that sum to 1, shape (n,).

    KKT: what stays above 0 is lowered by one common amount, max(x - θ, 0), and θ makes the sum 1. With x sorted
    downwards, the k largest stay, where k is the last with x_k > (x_1 + … + x_k - 1) / k; that quotient, at k, is θ.
    """
    values = vector_of(point)
    falling = np.sort(values)[::-1]
    thresholds = (np.cumsum(falling) - 1) / np.arange(1, len(values) + 1)
    kept = np.count_nonzero(falling > thresholds)
    return np.maximum(values - thresholds[kept - 1], 0)


def projected_gradient(
    gradient: Gradient, project: Callable[[Array], Array], start: Array, rate: float, steps: int
) -> Array:
    """Step against the gradient, then go back to the nearest allowed point; the path begins at the start's projection.

    It rests exactly where x = project(x - rate ∇f(x)), which for a convex set is the KKT condition.
    """
    path = [project(starting_point(start))]
    for _ in range(steps):
        path.append(project(path[-1] - rate * slope(gradient, path[-1])))
    return np.stack(path)
