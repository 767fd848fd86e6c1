"""Linear regression beside NumPy, SciPy and its own gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.supervised.linear import (
    LinearModel,
    linear_regression,
    linear_regression_by_gradient,
    mean_squared_error,
    r_squared,
)


def test_on_real_data_it_is_scikit_learns(diabetes):
    x, y = diabetes
    theirs = pytest.importorskip("sklearn.linear_model").LinearRegression().fit(x, y)
    ours = linear_regression(x, y)
    assert np.allclose(ours.weights, theirs.coef_, rtol=1e-9) and np.isclose(ours.intercept, theirs.intercept_)
    assert np.isclose(r_squared(y, ours.predict(x)), theirs.score(x, y), rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_what_is_left_over_is_at_right_angles_to_every_column(seed, features):
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(20, features)), generator.normal(size=20)
    rest = y - linear_regression(x, y).predict(x)
    assert np.abs(x.T @ rest).max() < 1e-10 and abs(rest.sum()) < 1e-10


def test_qr_keeps_digits_that_the_normal_equations_lose():
    x = np.vander(np.linspace(0, 1, 30), 12)[:, :-1]  # condition number 1e8: squared it is beyond double precision
    truth = np.ones(11)
    ours = linear_regression(x, x @ truth + 1).weights
    a = np.column_stack([x, np.ones(30)])
    normal = np.linalg.solve(a.T @ a, a.T @ (x @ truth + 1))[:-1]
    assert np.abs(ours - truth).max() < 1e-6 < 1e-4 < np.abs(normal - truth).max()


def test_the_gradient_arrives_at_the_same_weights_and_never_climbs(generator):
    x = generator.normal(size=(50, 3))
    y = x @ [1.0, -2.0, 0.5] + 3 + 0.1 * generator.normal(size=50)
    model, losses = linear_regression_by_gradient(x, y, steps=500)
    exact = linear_regression(x, y)
    assert np.allclose(model.weights, exact.weights, atol=1e-9) and np.isclose(model.intercept, exact.intercept)
    assert (np.diff(losses) <= 1e-15).all() and np.isclose(losses[-1], mean_squared_error(y, exact.predict(x)) / 2)


def test_a_step_beyond_twice_the_safe_one_explodes(generator):
    x, y = generator.normal(size=(50, 2)), generator.normal(size=50)
    safe = 50 / np.linalg.norm(np.column_stack([x, np.ones(50)]), 2) ** 2
    losses = linear_regression_by_gradient(x, y, 2.1 * safe, 200)[1]
    assert losses[-1] > 100 * losses[0]


def test_what_cannot_be_fitted_is_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"2 examples cannot decide 2 weights.*or use ridge"):
        linear_regression([[1, 2], [3, 4]], [1, 2])
    with pytest.raises(InputError, match=r"many weights fit alike.*leave a column out, or use ridge"):
        linear_regression([[1, 1], [2, 2], [3, 3], [4, 4]], [1, 2, 3, 4])
    with pytest.raises(InputError, match="x has 1 features and the model was fitted on 2"):
        LinearModel(np.ones(2), 0.0).predict([[1]])
    with pytest.raises(InputError, match=r"\(2,\) and predicted \(3,\) do not fit"):
        mean_squared_error([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="no variance to explain"):
        r_squared([1, 1], [1, 2])
