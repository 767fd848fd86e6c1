"""Dropout: its mask, its expected value, its two modes, its gradient, and what a mean over masks is."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.learning.regularization.dropout import dropout_mask
from groundup.foundations.networks.dropout import dropout, over_masks


def test_a_number_is_dropped_or_scaled(generator):
    y = dropout(np.ones(10_000), 0.3, generator)
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.02) and y.mean() == pytest.approx(1, abs=0.03)


def test_the_mask_is_the_one_of_the_linear_models():
    x = np.linspace(1, 2, 50).reshape(5, 10)
    mask = dropout_mask(x.shape, 0.4, np.random.default_rng(3))
    np.testing.assert_array_equal(dropout(x, 0.4, np.random.default_rng(3)), x * mask)


def test_the_gradient_goes_through_what_stayed(generator):
    x = Tensor(np.arange(1.0, 21.0), True)
    y = dropout(x, 0.5, generator)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data / x.data)


def test_afterwards_and_at_rate_0_nothing_changes(generator):
    x = np.arange(5.0)
    np.testing.assert_array_equal(dropout(x, 0.5, generator, training=False), x)
    np.testing.assert_array_equal(dropout(x, 0.0, generator), x)


def test_out_of_training_nothing_is_drawn(generator):
    before = generator.bit_generator.state
    dropout(np.arange(5.0), 0.5, generator, training=False)
    assert generator.bit_generator.state == before


def test_for_a_linear_layer_the_mean_over_masks_is_the_layer_without_and_for_a_bent_one_it_is_not(generator):
    x, w = generator.standard_normal(40), generator.standard_normal((40, 3))
    mean, deviation = over_masks(lambda random: dropout(x, 0.5, random) @ w, 4000, generator)
    np.testing.assert_allclose(mean, x @ w, atol=5 * deviation.max() / np.sqrt(4000))
    np.testing.assert_allclose(
        deviation, np.sqrt((x[:, None] ** 2 * w**2).sum(axis=0)), rtol=0.1
    )  # rate / (1 - rate) = 1
    bent, _ = over_masks(lambda random: np.maximum(dropout(x, 0.5, random) @ w, 0), 4000, generator)
    assert np.abs(bent - np.maximum(x @ w, 0)).max() > 0.3


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: dropout(np.ones(3), 1.0, np.random.default_rng(0)), "rate=1"),
        (lambda: dropout(np.ones(3), -0.1, np.random.default_rng(0)), "rate=-0.1"),
        (lambda: dropout(np.ones(3), float("nan"), np.random.default_rng(0)), "rate=nan"),
        (lambda: over_masks(lambda random: np.ones(1), 1, np.random.default_rng(0)), "samples=1"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
