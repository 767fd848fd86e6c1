"""L-BFGS: against the dense BFGS matrix, scipy, and the conditions of a minimum with an L1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.optimize.lbfgs import lbfgs, pseudo_gradient, two_loop


def quadratic(seed: int, size: int):
    random = np.random.default_rng(seed)
    root = random.normal(size=(size, size))
    matrix = root @ root.T + 0.1 * np.eye(size)
    right = random.normal(size=size)
    return matrix, right, lambda x: (0.5 * x @ matrix @ x - right @ x, matrix @ x - right)


def rosenbrock(x):
    value = sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    gradient = np.zeros_like(x)
    gradient[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    gradient[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return float(value), gradient


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 4))
@settings(deadline=None, max_examples=50)
def test_two_loops_are_the_matrix_of_bfgs(seed, size, memory):
    random = np.random.default_rng(seed)
    matrix, _, _ = quadratic(seed, size)
    steps = [random.normal(size=size) for _ in range(memory)]
    changes = [matrix @ s for s in steps]
    gradient = random.normal(size=size)
    inverse = np.eye(size)
    if memory:
        inverse *= steps[-1] @ changes[-1] / (changes[-1] @ changes[-1])
    for s, y in zip(steps, changes, strict=True):  # Nocedal and Wright, equation 6.17
        left = np.eye(size) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    assert np.allclose(two_loop(gradient, steps, changes), -inverse @ gradient, rtol=1e-6, atol=1e-8)


def test_a_single_pair_by_hand():
    found = two_loop(np.array([2.0, 4.0]), [np.array([1.0, 0.0])], [np.array([2.0, 0.0])])
    assert found.tolist() == [-1.0, -2.0]  # half the gradient: y = 2 s


def test_the_bent_valley_is_walked_to_its_end():
    optimize = pytest.importorskip("scipy.optimize")
    start = np.array([-1.2, 1.0, -0.5, 0.7])
    found = lbfgs(rosenbrock, start, iterations=300, delta=0.0)
    theirs = optimize.minimize(rosenbrock, start, jac=True, method="L-BFGS-B", options={"maxcor": 6})
    assert found.value == pytest.approx(theirs.fun, abs=1e-6) and np.allclose(found.point, 1, atol=1e-3)
    assert all(after < before for before, after in zip(found.values, found.values[1:], strict=False))
    assert len(found.values) < 2 * theirs.nit + 10


@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([0.0, 0.1, 1.0]))
@settings(deadline=None, max_examples=30)
def test_at_the_minimum_no_slope_is_left_with_an_l1_or_without(seed, size, l1):
    _, _, function = quadratic(seed, size)
    found = lbfgs(function, np.zeros(size), l1=l1, iterations=2000, delta=0.0)
    assert np.abs(pseudo_gradient(found.point, function(found.point)[1], l1)).max() < 1e-3


def test_an_l1_sets_weights_to_exactly_zero():
    right = np.array([3.0, 0.5, -2.0, -0.2])
    found = lbfgs(lambda x: (0.5 * (x - right) @ (x - right), x - right), np.zeros(4), l1=1.0)
    assert found.point == pytest.approx([2.0, 0.0, -1.0, 0.0], abs=1e-5)  # each nearer to zero by 1: soft thresholding
    assert found.point[1] == found.point[3] == 0


def test_a_start_without_a_value_is_refused():
    with pytest.raises(InputError, match="no number; start where it is finite"):
        lbfgs(lambda x: (float("nan"), x), np.ones(2))


@pytest.mark.parametrize("name", ["memory", "iterations", "period"])
def test_a_number_below_one_is_refused(name):
    with pytest.raises(InputError, match=f"{name}=0 is not possible; use 1 or more"):
        lbfgs(rosenbrock, np.zeros(2), **{name: 0})


def test_steps_are_told_and_the_last_is_the_lowest():
    told = []
    found = lbfgs(rosenbrock, np.zeros(2), iterations=5, on_step=lambda number, value: told.append((number, value)))
    assert [number for number, _ in told] == [1, 2, 3, 4, 5] and told[-1][1] == found.value
    assert found.reason == "all iterations done"
