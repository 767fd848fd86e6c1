"""Ridge and lasso beside scikit-learn, their conditions of optimality, and weight decay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.regularization.penalties import (
    decay,
    l1,
    l2,
    largest_penalty,
    lasso,
    ridge,
    soft_threshold,
)
from groundup.foundations.learning.supervised.linear import linear_regression


@pytest.mark.parametrize("penalty", [1e-6, 0.01, 3.0])
def test_ridge_is_scikit_learns(diabetes, penalty):
    x, y = diabetes
    theirs = pytest.importorskip("sklearn.linear_model").Ridge(len(x) * penalty, solver="svd").fit(x, y)
    ours = ridge(x, y, penalty)
    assert np.allclose(ours.weights, theirs.coef_, rtol=1e-8, atol=1e-8)
    assert np.isclose(ours.intercept, theirs.intercept_)


@pytest.mark.parametrize("penalty", [0.01, 0.3, 1.5])
def test_lasso_is_scikit_learns(diabetes, penalty):
    x, y = diabetes
    theirs = pytest.importorskip("sklearn.linear_model").Lasso(penalty, tol=1e-12, max_iter=10**6).fit(x, y)
    ours = lasso(x, y, penalty, tolerance=1e-12)
    assert np.allclose(ours.weights, theirs.coef_, atol=0.1, rtol=1e-3) and np.isclose(
        ours.intercept, theirs.intercept_
    )
    assert ((ours.weights == 0) == (theirs.coef_ == 0)).all()


def test_without_a_penalty_both_are_least_squares(generator):
    x, y = generator.normal(size=(30, 4)), generator.normal(size=30)
    exact = linear_regression(x, y)
    for found in (ridge(x, y, 0.0), lasso(x, y, 0.0, tolerance=1e-14)):
        assert np.allclose(found.weights, exact.weights, atol=1e-6) and np.isclose(found.intercept, exact.intercept)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 2.0))
def test_at_the_minimum_no_weight_gains_by_moving(seed, penalty):
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(15, 6)), generator.normal(size=15)
    held, thin = ridge(x, y, penalty), lasso(x, y, penalty, tolerance=1e-14)
    slope = x.T @ (held.predict(x) - y) / 15 + penalty * held.weights
    assert np.abs(slope).max() < 1e-10
    pull = x.T @ (y - thin.predict(x)) / 15  # where a weight is not 0 the loss pulls with just the penalty
    assert np.allclose(pull[thin.weights != 0], penalty * np.sign(thin.weights[thin.weights != 0]), atol=1e-5)
    assert np.abs(pull).max() <= penalty + 1e-5


def test_ridge_shrinks_what_the_data_hardly_shows(generator):
    u = np.linalg.qr(generator.normal(size=(100, 2)) - 0)[0]
    u -= u.mean(axis=0)
    u = np.linalg.qr(u)[0] * 10  # two centred columns at right angles, each with variance 1
    x = u * [1.0, 0.1]
    weights = ridge(x, x @ [1.0, 1.0], 0.01).weights
    assert np.allclose(weights, [1 / 1.01, 0.01 / 0.02], atol=1e-9)  # v / (v + penalty)


def test_more_features_than_examples_are_no_trouble(generator):
    x, y = generator.normal(size=(5, 20)), generator.normal(size=5)
    assert np.isfinite(ridge(x, y, 0.1).weights).all() and (lasso(x, y, 0.1).weights != 0).sum() <= 5


def test_beyond_the_largest_penalty_every_weight_is_0(diabetes):
    x, y = diabetes
    most = largest_penalty(x, y)
    assert not lasso(x, y, 1.0001 * most).weights.any() and (lasso(x, y, 0.99 * most).weights != 0).sum() == 1
    assert lasso(x, y, most * 2).intercept == pytest.approx(y.mean())


def test_the_intercept_costs_nothing(generator):
    x, y = generator.normal(size=(20, 2)), generator.normal(size=20)
    for fit in (ridge, lasso):
        here, there = fit(x, y, 0.2), fit(x + 5, y + 1000, 0.2)
        assert np.allclose(here.weights, there.weights, atol=1e-6)


@given(st.floats(-5, 5), st.floats(0, 3))
def test_the_soft_threshold_is_the_minimum_of_its_problem(value, amount):
    grid = np.linspace(-6, 6, 2401)
    best = grid[np.argmin((grid - value) ** 2 / 2 + amount * np.abs(grid))]
    assert abs(float(soft_threshold(value, amount)) - best) <= 0.0051


def test_weight_decay_is_the_gradient_step_on_the_penalised_loss(generator):
    w, gradient = generator.normal(size=3), generator.normal(size=3)
    assert np.allclose(decay(w, gradient, 0.1, 0.5), w - 0.1 * (gradient + 0.5 * w), rtol=1e-14)
    h = 1e-6
    slope = [(l2(w + d) - l2(w - d)) / (2 * h) for d in h * np.eye(3)]
    assert np.allclose(slope, w, atol=1e-8) and l1([1, -2]) == 3


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(InputError, match="penalty=-1; give 0 or a positive number"):
        ridge([[1], [2]], [1, 2], -1)
    with pytest.raises(InputError, match="dependent to working precision"):
        ridge([[1, 1], [2, 2], [3, 3]], [1, 2, 3], 0.0)
    with pytest.raises(InputError, match="give a larger penalty or more sweeps"):
        lasso([[1, 1.001], [2, 2.0], [3, 3.01]], [1, 2, 7], 1e-6, sweeps=2)
    with pytest.raises(InputError, match=r"y holds nan at \[1\]"):
        lasso([[1], [2]], [1, float("nan")], 0.1)
