"""The perceptron: its rule by hand, its bound as a property, scikit-learn's decisions, and XOR."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.networks.perceptron import (
    AND,
    CORNERS,
    OR,
    XOR,
    answer,
    learn,
    margin,
    mistake_bound,
    perceptron_step,
    xor_by_two_layers,
)


def test_a_step_adds_or_subtracts_the_example_only_where_the_answer_was_wrong():
    w, x = np.array([1.0, -1.0]), np.array([2.0, 1.0])
    np.testing.assert_array_equal(perceptron_step(w, x, 1), w)
    np.testing.assert_array_equal(perceptron_step(w, x, -1), [-1.0, -2.0])
    np.testing.assert_array_equal(perceptron_step(np.array([1.0, -2.0]), x, 1), [3.0, -1.0])  # on the line: wrong


@pytest.mark.parametrize("targets", [AND, OR, -AND, -OR])
def test_what_a_line_separates_is_learned(targets):
    found = learn(CORNERS, targets)
    assert found.separated and not found.cycle
    np.testing.assert_array_equal(answer(found.weights, CORNERS), targets)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), features=st.integers(1, 6))
def test_the_mistakes_stay_below_the_bound_of_any_separating_plane(seed, features):
    random = np.random.default_rng(seed)
    teacher = random.standard_normal(features + 1)
    x = random.standard_normal((60, features))
    sums = x @ teacher[:-1] + teacher[-1]
    far = np.abs(sums) > 0.3 * np.linalg.norm(teacher)
    if not far.any():
        return
    x, targets = x[far], np.sign(sums[far])
    found = learn(x, targets, passes=10_000)
    assert found.separated
    assert sum(found.mistakes) <= mistake_bound(teacher, x, targets)


def test_the_rule_is_scikit_learns_without_shuffling():
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(0)
    x = random.standard_normal((80, 3))
    targets = np.where(x @ [1.0, -2.0, 0.5] + 0.3 > 0, 1.0, -1.0)
    theirs = linear_model.Perceptron(shuffle=False, tol=None, max_iter=7).fit(x, targets)
    ours = learn(x, targets, passes=7).weights
    np.testing.assert_allclose(ours, [*theirs.coef_[0], *theirs.intercept_], atol=1e-12)


def test_xor_comes_back_to_weights_it_had_so_it_never_ends():
    found = learn(CORNERS, XOR, passes=1000)
    assert found.cycle == 1 and not found.separated
    moved = learn(CORNERS * 2 - 1, XOR, passes=1000)
    assert moved.cycle > 0 and min(moved.mistakes) > 0


def test_no_line_of_a_fine_grid_gets_more_than_three_corners_of_xor_right():
    numbers = np.linspace(-2, 2, 21)
    lines = np.stack(np.meshgrid(numbers, numbers, numbers), axis=-1).reshape(-1, 3)
    said = np.where(lines[:, :2] @ CORNERS.T + lines[:, 2:] > 0, 1, -1)
    assert (said == XOR).sum(axis=1).max() == 3


def test_two_layers_compute_xor():
    np.testing.assert_array_equal(xor_by_two_layers(CORNERS), XOR)


def test_the_margin_is_the_distance_of_the_nearest_example():
    assert margin([3.0, 4.0, 0.0], [[1.0, 0.0], [-2.0, -1.0]], [1, -1]) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: learn(CORNERS, [0, 0, 0, 1]), "1 for one class and -1"),
        (lambda: learn(CORNERS, [1, -1]), "4 rows and targets 2"),
        (lambda: learn(CORNERS, AND, 0), "passes=0"),
        (lambda: learn([[np.nan, 0.0]], [1]), "nan"),
        (lambda: answer([1.0, 2.0], CORNERS), r"shape \(2,\) for 2 features"),
        (lambda: margin([0.0, 0.0, 0.0], CORNERS, AND), "all 0"),
        (lambda: mistake_bound([1.0, 1.0, 0.0], CORNERS, XOR), "wrong side"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
