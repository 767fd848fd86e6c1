"""The decomposition beside what theory says for linear fits."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.bias_variance import decompose, measure, polynomial, powers
from groundup.foundations.learning.supervised.neighbours import neighbours_mean

X = np.linspace(-1, 1, 25)
SPREAD = 0.3


def wave(x):
    return np.sin(3 * x)


def smoother(degree):
    """Predictions are H y: the projection onto the columns."""
    basis = np.linalg.qr(np.column_stack([np.ones_like(X), powers(X, degree)]))[0]
    return basis @ basis.T


@pytest.mark.parametrize("degree", [1, 3, 8])
def test_bias_and_variance_are_what_the_projection_says(degree):
    parts, _ = measure(polynomial(degree), wave, X, X, SPREAD, trials=4000)
    h = smoother(degree)
    bias_squared, variance = ((h @ wave(X) - wave(X)) ** 2).mean(), SPREAD**2 * (degree + 1) / len(X)
    assert np.isclose(SPREAD**2 * (h**2).sum() / len(X), variance)  # noise times weights over places
    assert np.isclose(parts.bias_squared, bias_squared, atol=3 * variance / 4000 + 1e-3)
    assert np.isclose(parts.variance, variance, rtol=0.05)


def test_for_neighbours_the_variance_is_the_noise_over_k():
    for k in (1, 5):
        parts, _ = measure(
            lambda x, y, k=k: lambda at: neighbours_mean(x[:, None], y, at[:, None], k), wave, X, X, SPREAD, trials=1000
        )
        assert np.isclose(parts.variance, SPREAD**2 / k, rtol=0.06)


@pytest.mark.parametrize("degree", [0, 2, 5])
def test_the_parts_add_up_to_the_measured_error(degree):
    parts, guesses = measure(polynomial(degree), wave, X, np.linspace(-0.9, 0.9, 40), SPREAD, trials=2000)
    assert np.isclose(parts.total, parts.measured, rtol=0.03) and guesses.shape == (2000, 40)


def test_stiff_is_biased_nervous_varies_and_the_best_is_between():
    found = {degree: measure(polynomial(degree), wave, X, X, SPREAD)[0] for degree in (1, 3, 15)}
    assert found[1].bias_squared > 10 * found[15].bias_squared and found[15].variance > 5 * found[1].variance
    assert found[3].total < found[1].total and found[3].total < found[15].total


def test_a_penalty_trades_variance_for_bias():
    free, held = (measure(polynomial(12, penalty), wave, X, X, SPREAD)[0] for penalty in (0.0, 0.01))
    assert held.variance < free.variance and held.bias_squared > free.bias_squared


def test_the_identity_is_exact_for_any_predictions(generator):
    guesses, truth = generator.normal(size=(7, 4)), generator.normal(size=4)
    parts = decompose(guesses, truth, 0.5)
    assert np.isclose(parts.total, ((guesses - truth) ** 2).mean() + 0.5, rtol=1e-13)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"\(2, 1\) and truth \(2,\) do not fit; give one truth for each column"):
        decompose([[1.0], [2.0]], [1.0, 2.0])
    with pytest.raises(InputError, match="is a variance; give 0 or more"):
        decompose([[1.0]], [1.0], -1)
    with pytest.raises(InputError, match="a variance needs two at least"):
        measure(polynomial(1), wave, X, X, SPREAD, trials=1)
    with pytest.raises(InputError, match="degree=-1; use 0"):
        polynomial(-1)
