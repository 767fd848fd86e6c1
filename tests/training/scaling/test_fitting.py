"""The search behind the laws: Huber's loss against scipy's, least squares against numpy's, weights against repeated points."""

import numpy as np
import pytest

from groundup.training.scaling.fitting import huber, least, resamples


def line(x, y):
    """Residuals and slopes of y = p0 + p1 x."""
    slopes = np.stack([np.ones_like(x), x], 1)
    return lambda place: (place @ slopes.T - y, np.broadcast_to(slopes, (len(place), *slopes.shape)))


def test_huber_is_scipys():
    special = pytest.importorskip("scipy.special")
    residual = np.linspace(-3, 3, 13)
    assert np.allclose(huber(residual, 0.7), special.huber(0.7, residual))


def test_a_line_is_numpys_when_every_residual_is_near():
    x = np.linspace(0, 1, 9)
    y = 2 + 3 * x + np.sin(20 * x)
    found, values = least(line(x, y), np.array([[0.0, 0.0], [10.0, -5.0]]), delta=1e6)
    assert np.allclose(found, np.polyfit(x, y, 1)[::-1], atol=1e-6)
    assert values[0] == pytest.approx(((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2).sum() / 2)


def test_one_point_far_off_hardly_pulls():
    x = np.linspace(0, 1, 9)
    y = np.where(x == 0.5, 100.0, 2 + 3 * x)
    found, _ = least(line(x, y), np.zeros((1, 2)), delta=1e-3)
    assert np.allclose(found, [[2, 3]], atol=0.02)
    pulled, _ = least(line(x, y), np.zeros((1, 2)), delta=1e6)
    assert abs(pulled[0, 0] - 2) > 5


def test_a_weight_counts_like_a_point_that_stands_twice():
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.5, 1.0])
    weighted, _ = least(line(x, y), np.zeros((1, 2)), 1e6, np.array([1.0, 2.0, 1.0]))
    twice, _ = least(line(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.5, 1.5, 1.0])), np.zeros((1, 2)), 1e6)
    assert np.allclose(weighted, twice, atol=1e-6)


def test_the_least_is_that_of_scipys_minimizer_for_a_curve_too():
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(0, 2, 15)
    y = np.exp(-1.3 * x) + 0.05 * np.cos(30 * x)

    def curve(place):
        value = np.exp(-place[:, :1] * x)
        return value - y, (-x * value)[:, :, None]

    found, value = least(curve, np.array([[0.1], [4.0]]), 0.03)
    theirs = optimize.minimize_scalar(lambda p: huber(np.exp(-p * x) - y, 0.03).sum(), bounds=(0, 5), method="bounded")
    assert value.min() == pytest.approx(theirs.fun, rel=1e-6)
    assert found[value.argmin(), 0] == pytest.approx(theirs.x, abs=1e-3)


def test_a_resample_draws_as_many_points_as_there_are():
    counts = resamples(7, 50, seed=1)
    assert (counts.sum(1) == 7).all() and (counts == resamples(7, 50, seed=1)).all()
    assert counts.min() == 0 and abs(counts.mean() - 1) < 1e-12
