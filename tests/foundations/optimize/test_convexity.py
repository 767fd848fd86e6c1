"""Convexity on segments, and the speed of descent on quadratics against (κ-1)/(κ+1)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.optimize.convexity import (
    Quadratic,
    best_rate,
    condition_number,
    contraction,
    convexity_test,
    curvatures,
    measured_contraction,
    set_convexity_test,
    sublinear_bound,
)
from groundup.foundations.optimize.gradient_descent import gradient_descent

LOW, HIGH = np.full(2, -3.0), np.full(2, 3.0)


def bowl(kappa, size=5, seed=0):
    turned = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    return turned @ np.diag(np.linspace(1, kappa, size)) @ turned.T


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x @ x,
        lambda x: np.abs(x).sum(),
        lambda x: np.log(np.exp(x).sum()),
        lambda x: np.exp(x[0]) - 3 * x[1],
        lambda x: max(x),
    ],
    ids=["square", "absolute", "log-sum-exp", "exp", "max"],
)
def test_no_segment_contradicts_a_convex_function(function):
    found = convexity_test(function, LOW, HIGH)
    assert found.convex and str(found) == "no segment contradicts convexity"


@pytest.mark.parametrize(
    "function", [lambda x: x[0] * x[1], lambda x: np.sin(x).sum(), lambda x: -(x @ x), lambda x: min(x)]
)
def test_a_function_that_is_not_convex_is_shown_with_a_segment(function):
    found = convexity_test(function, LOW, HIGH)
    between = (1 - found.part) * found.start + found.part * found.end
    chord = (1 - found.part) * function(found.start) + found.part * function(found.end)
    assert not found.convex and function(between) > chord
    assert found.gap == pytest.approx(function(between) - chord) and "not convex" in str(found)


def test_sets_are_judged_by_the_same_segments():
    assert set_convexity_test(lambda x: x @ x <= 4, LOW, HIGH).convex
    ring = set_convexity_test(lambda x: 1 <= x @ x <= 4, LOW, HIGH)
    between = (1 - ring.part) * ring.start + ring.part * ring.end
    assert not ring.convex and between @ between < 1
    with pytest.raises(InputError, match="give a box that fits"):
        set_convexity_test(lambda x: x @ x > 99, LOW, HIGH)


@pytest.mark.parametrize("kappa, steps", [(2.0, 24), (10.0, 60), (100.0, 60)])
def test_descent_shrinks_the_distance_by_kappa_minus_over_kappa_plus(kappa, steps):
    found = Quadratic(bowl(kappa), np.arange(5.0))
    path = gradient_descent(found.gradient, np.ones(5) * 9, best_rate(found.matrix), steps)
    expected = (kappa - 1) / (kappa + 1)
    assert contraction(found.matrix, best_rate(found.matrix)) == pytest.approx(expected)
    assert measured_contraction(path, found.minimum()) == pytest.approx(expected, rel=2e-3)


@given(st.floats(0.01, 2.5), st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_no_step_does_worse_than_the_contraction(rate, seed):
    matrix = bowl(8.0, seed=seed)
    path = gradient_descent(lambda x: matrix @ x, np.random.default_rng(seed).normal(size=5), rate, 5)
    lengths = np.linalg.norm(path, axis=1)
    assert (lengths[1:] <= contraction(matrix, rate) * lengths[:-1] * (1 + 1e-12)).all()


def test_below_two_over_the_curvature_it_falls_and_above_it_climbs():
    matrix = bowl(10.0)
    assert contraction(matrix, 0.19999) < 1 < contraction(matrix, 0.20001)
    lengths = [np.linalg.norm(gradient_descent(lambda x: matrix @ x, np.ones(5), r, 400)[-1]) for r in (0.19, 0.21)]
    assert lengths[0] < 1e-6 and lengths[1] > 1e6


def test_the_condition_number_is_numpys():
    matrix = bowl(37.0, seed=5)
    assert condition_number(matrix) == pytest.approx(np.linalg.cond(matrix))
    np.testing.assert_allclose(curvatures(matrix), [1, 37])


def test_a_quadratics_gradient_and_minimum_belong_to_its_value():
    found, point = Quadratic(bowl(4.0), np.arange(5.0)), np.linspace(-1, 1, 5)
    for place in np.eye(5):
        measured = (found.value(point + 1e-5 * place) - found.value(point - 1e-5 * place)) / 2e-5
        assert found.gradient(point) @ place == pytest.approx(measured, rel=1e-6, abs=1e-8)
    assert np.abs(found.gradient(found.minimum())).max() < 1e-12


def test_a_flat_direction_keeps_the_sublinear_bound():
    path = gradient_descent(lambda x: x**3 / 3, np.array([1.0]), 1.0, 200)  # f = x⁴/12, curvature at most 1 on [-1, 1]
    for steps in (1, 10, 200):
        assert path[steps, 0] ** 4 / 12 <= sublinear_bound(1.0, 1.0, steps)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: condition_number(np.array([[1.0, 2.0], [0.0, 1.0]])), r"give \(Q \+ Q.T\) / 2"),
        (lambda: condition_number(np.diag([1.0, 0.0])), "all of them above 0"),
        (lambda: Quadratic(np.eye(2), np.ones(3)), r"\(2, 2\) does not fit b of shape \(3,\)"),
        (lambda: Quadratic(np.diag([1.0, -1.0]), np.ones(2)).minimum(), "no single lowest point"),
        (lambda: curvatures(np.ones((2, 3))), r"give \(n, n\)"),
        (lambda: curvatures(np.full((2, 2), np.nan)), "NaN"),
        (lambda: convexity_test(np.sum, HIGH, LOW), "give low < high"),
        (lambda: convexity_test(lambda x: np.nan, LOW, HIGH), "inside its domain"),
        (lambda: measured_contraction(np.zeros((5, 2)), np.zeros(2)), "still on its way"),
        (lambda: sublinear_bound(1.0, 1.0, 0), "at least 1"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
