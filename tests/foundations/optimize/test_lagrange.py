"""Constrained minima against scipy.optimize (1e-6), and the projections against their own definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from groundup.errors import InputError
from groundup.foundations.optimize.lagrange import (
    check_kkt,
    equality_quadratic,
    kkt,
    project_onto_ball,
    project_onto_box,
    project_onto_simplex,
    projected_gradient,
    quadratic_program,
)

vectors = st.lists(st.floats(-50, 50), min_size=1, max_size=8).map(np.array)


def problem(seed, size=4, count=2):
    source = np.random.default_rng(seed)
    root = source.normal(size=(size, size))
    return (
        root @ root.T + np.eye(size),
        source.normal(size=size),
        source.normal(size=(count, size)),
        source.normal(size=count),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_equality_constrained_minimum_is_scipys(seed):
    Q, c, A, b = problem(seed)
    point, multipliers = equality_quadratic(Q, c, A, b)
    told = optimize.minimize(
        lambda x: 0.5 * x @ Q @ x + c @ x,
        np.zeros(4),
        constraints={"type": "eq", "fun": lambda x: A @ x - b},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(point, told.x, atol=1e-5)
    assert check_kkt(Q @ point + c, equalities=(A @ point - b, A, multipliers), tolerance=1e-10).hold


def test_a_multiplier_is_the_price_of_its_constraint():
    Q, c, A, b = problem(1)

    def lowest(levels):
        point = kkt(Q, c, A, levels).point
        return 0.5 * point @ Q @ point + c @ point

    for row in range(2):
        step = 1e-5 * np.eye(2)[row]
        assert (lowest(b + step) - lowest(b - step)) / 2e-5 == pytest.approx(
            -kkt(Q, c, A, b).multipliers[row], rel=1e-6
        )


def test_by_hand_the_nearest_point_of_a_line():
    point, multipliers = kkt(np.eye(2), np.zeros(2), np.array([[1.0, 1.0]]), np.array([2.0]))
    np.testing.assert_allclose(point, [1, 1], atol=1e-15)
    np.testing.assert_allclose(multipliers, [-1], atol=1e-15)


@pytest.mark.parametrize("seed", range(8))
def test_the_inequality_constrained_minimum_is_scipys(seed):
    Q, c, A, b = problem(seed, count=5)
    b = np.abs(b)  # 0 is allowed
    point, multipliers = quadratic_program(Q, 5 * c, A, b)
    told = optimize.minimize(
        lambda x: 0.5 * x @ Q @ x + 5 * c @ x,
        np.zeros(4),
        constraints={"type": "ineq", "fun": lambda x: b - A @ x},
        options={"ftol": 1e-12},
    )
    np.testing.assert_allclose(point, told.x, atol=1e-4)
    assert check_kkt(Q @ point + 5 * c, (A @ point - b, A, multipliers), tolerance=1e-8).hold


@pytest.mark.parametrize(
    "point, nu, broken",
    [
        ([1.0], 2.0, []),
        ([1.0], 1.0, ["stationarity"]),
        ([0.0], 0.0, ["feasibility"]),
        ([2.0], 4.0, ["slackness"]),
        ([1.5], 0.0, ["stationarity"]),
    ],
)
def test_each_condition_is_named_when_it_is_broken(point, nu, broken):
    """f = x², x ≥ 1: the optimum is 1 with multiplier 2."""
    x = np.array(point)
    found = check_kkt(2 * x, (1 - x, np.array([[-1.0]]), np.array([nu])))
    assert found.broken == broken and found.hold == (not broken)


def test_a_negative_multiplier_is_no_inequalitys():
    x = np.array([1.0])  # f = x², x ≤ 1: at 1 the constraint would have to hold the point back from falling
    assert check_kkt(2 * x, (x - 1, np.array([[1.0]]), np.array([-2.0]))).broken == ["sign"]


# ───────── projections ─────────


@given(vectors)
@settings(max_examples=100, deadline=None)
def test_the_simplex_projection_satisfies_its_kkt_conditions(x):
    p = project_onto_simplex(x)
    assert (p >= 0).all() and p.sum() == pytest.approx(1, abs=1e-12)
    lowered = (x - p)[p > 0]
    assert np.ptp(lowered) < 1e-10  # one common amount where something is left
    assert (x[p == 0] <= lowered.max() + 1e-10).all()
    np.testing.assert_allclose(project_onto_simplex(p), p, atol=1e-12)


@given(vectors, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_nothing_allowed_is_nearer_than_the_projection(x, seed):
    source = np.random.default_rng(seed)
    other = source.dirichlet(np.ones(len(x)))
    inside = source.normal(size=len(x))
    inside /= max(1, np.linalg.norm(inside))
    for near, far in (
        (project_onto_simplex(x), other),
        (project_onto_ball(x), inside),
        (project_onto_box(x, -1, 1), source.uniform(-1, 1, len(x))),
    ):
        assert np.linalg.norm(x - near) <= np.linalg.norm(x - far) + 1e-12


def test_projections_by_hand():
    np.testing.assert_allclose(project_onto_simplex(np.array([0.5, 0.9, -3.0])), [0.3, 0.7, 0], atol=1e-15)
    np.testing.assert_allclose(project_onto_simplex(np.array([5.0, 1.0])), [1, 0], atol=1e-15)
    np.testing.assert_allclose(project_onto_ball(np.array([3.0, 5.0]), 1.0, np.array([0.0, 1.0])), [0.6, 1.8])
    assert project_onto_ball(np.array([0.3, 0.4])).tolist() == [0.3, 0.4]


def test_projected_gradient_ends_where_scipy_does():
    Q, c, _, _ = problem(3)
    rate = 1 / np.linalg.eigvalsh(Q)[-1]
    path = projected_gradient(lambda x: Q @ x + 5 * c, project_onto_simplex, np.zeros(4), rate, 500)
    told = optimize.minimize(
        lambda x: 0.5 * x @ Q @ x + 5 * c @ x,
        np.full(4, 0.25),
        bounds=[(0, None)] * 4,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(path[-1], told.x, atol=1e-5)
    np.testing.assert_allclose(path.sum(1), 1)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: equality_quadratic(np.eye(2), np.ones(2), np.ones((1, 3)), np.ones(1)), r"A \(1, 3\).* do not fit"),
        (lambda: equality_quadratic(np.eye(2), np.ones(2), np.ones((2, 2)), np.ones(2)), "leave out what depends"),
        (lambda: equality_quadratic(np.triu(np.ones((2, 2))), np.ones(2), np.ones((1, 2)), [1.0]), "transpose"),
        (lambda: quadratic_program(np.eye(1), [0.0], [[1.0], [-1.0]], [-1.0, -1.0]), "loosen one"),
        (lambda: quadratic_program(-np.eye(1), [0.0], [[1.0]], [1.0]), "positive definite"),
        (lambda: check_kkt(np.ones(2), (np.ones(1), np.ones((1, 3)), np.ones(1))), r"give \(m,\), \(m, 2\)"),
        (lambda: project_onto_box(np.ones(2), 1, 0), "give low <= high"),
        (lambda: project_onto_ball(np.ones(2), -1.0), "radius of 0 or more"),
        (lambda: project_onto_simplex(np.ones((2, 2))), r"give \(n,\)"),
        (lambda: project_onto_simplex(np.array([1, 2])), "give floats"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
