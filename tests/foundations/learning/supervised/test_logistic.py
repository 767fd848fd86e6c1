"""Logistic regression beside scikit-learn, SciPy and finite differences."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.supervised.logistic import (
    log_loss,
    logistic_gradient,
    logistic_regression,
    logistic_regression_by_gradient,
    sigmoid,
)


@pytest.mark.parametrize("penalty", [1e-3, 0.1])
def test_on_real_data_it_is_scikit_learns(breast_cancer, penalty):
    x, y = breast_cancer
    theirs = pytest.importorskip("sklearn.linear_model").LogisticRegression(
        C=1 / (len(x) * penalty), tol=1e-12, max_iter=500, solver="newton-cholesky"
    )
    theirs.fit(x, y)
    ours = logistic_regression(x, y, penalty)
    assert np.allclose(ours.weights, theirs.coef_[0], atol=1e-6) and np.isclose(ours.intercept, theirs.intercept_[0])
    assert np.allclose(ours.probability(x), theirs.predict_proba(x)[:, 1], atol=1e-7)
    assert (ours.predict(x) == y).mean() > 0.95


def test_without_a_penalty_the_minimum_is_scipys(generator):
    optimize = pytest.importorskip("scipy.optimize")
    x = generator.normal(size=(200, 2))
    y = (generator.random(200) < sigmoid(x @ [1.0, -1.0])).astype(int)
    best = optimize.minimize(lambda w: log_loss(x @ w[:2] + w[2], y), np.zeros(3), tol=1e-12)
    ours = logistic_regression(x, y)
    assert np.allclose([*ours.weights, ours.intercept], best.x, atol=1e-5)
    by_weights, by_intercept = logistic_gradient(x, y, ours.weights, ours.intercept)
    assert np.abs(by_weights).max() < 1e-10 and abs(by_intercept) < 1e-10  # 0 at the minimum


def test_the_gradient_is_that_of_finite_differences(generator):
    x, y = generator.normal(size=(7, 3)), generator.integers(0, 2, 7)
    w, h = generator.normal(size=4), 1e-6
    slopes = [
        (log_loss(x @ (w + d)[:3] + (w + d)[3], y) - log_loss(x @ (w - d)[:3] + (w - d)[3], y)) / (2 * h)
        for d in h * np.eye(4)
    ]
    by_weights, by_intercept = logistic_gradient(x, y, w[:3], w[3])
    assert np.allclose([*by_weights, by_intercept], slopes, atol=1e-9)


def test_the_gradient_arrives_where_newton_does(generator):
    x = generator.normal(size=(100, 2))
    labels = np.where(x[:, 0] + generator.normal(size=100) > 0, "yes", "no")
    newton = logistic_regression(x, labels, 0.05)
    walked, losses = logistic_regression_by_gradient(x, labels, 0.05, steps=2000)
    assert np.allclose(newton.weights, walked.weights, atol=1e-6) and (np.diff(losses) <= 1e-15).all()
    assert set(newton.predict(x)) == {"yes", "no"} and np.isclose(losses[0], np.log(2))


def test_sums_of_a_thousand_neither_overflow_nor_warn():
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid([-1e4, 1e4]).tolist() == [0, 1]
        assert log_loss([1e4, -1e4], [1, 0]) == 0 and log_loss([-1e4], [1]) == 1e4
        by_weights, _ = logistic_gradient(np.array([[1.0]]), np.array([1]), np.array([-1e4]), 0.0)
    assert by_weights.tolist() == [-1]


@pytest.mark.parametrize(
    ("x", "labels"),
    [([[1], [2], [3], [4]], [0, 0, 1, 1]), ([[1], [2], [2], [3]], [0, 0, 1, 1])],  # apart, and touching in one point
)
def test_classes_that_a_line_separates_need_a_penalty(x, labels):
    with pytest.raises(InputError, match="give a penalty above 0"):
        logistic_regression(x, labels)
    assert logistic_regression(x, labels, 0.01).weights[0] > 0


def test_what_cannot_be_fitted_is_refused_with_the_way_out():
    with pytest.raises(InputError, match="the labels hold 3; give two"):
        logistic_regression([[1], [2], [3]], [0, 1, 2])
    with pytest.raises(InputError, match="penalty=-1; give 0 or a positive number"):
        logistic_regression([[1], [2]], [0, 1], -1)
    with pytest.raises(InputError, match=r"columns are dependent.*give a penalty above 0"):
        logistic_regression([[1, 1], [2, 2], [3, 3], [4, 4]], [0, 1, 0, 1])
