"""Calibration: by hand, beside scikit-learn, and what it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.metrics.calibration import brier_score, expected_calibration_error, reliability

judged = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=30)


@given(judged, st.integers(1, 12))
def test_the_error_is_its_definition_bin_by_bin(pairs, bins):
    sure, right = (np.array(one, float) for one in zip(*pairs, strict=True))
    expected = 0.0
    for low, high in zip(np.linspace(0, 1, bins + 1)[:-1], np.linspace(0, 1, bins + 1)[1:], strict=True):
        inside = (sure > low) & (sure <= high) | ((sure == 0) & (low == 0))
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert np.isclose(expected_calibration_error(sure, right, bins), expected, atol=1e-12)


def test_two_bins_by_hand():
    assert expected_calibration_error([0.6, 0.8, 0.2], [1, 0, 0], 2) == pytest.approx((2 * 0.2 + 1 * 0.2) / 3)
    assert expected_calibration_error([1.0, 1.0], [1, 0], 10) == 0.5


def test_one_bin_hides_what_two_see():
    assert expected_calibration_error([0.25, 0.75], [1, 0], 1) == 0
    assert expected_calibration_error([0.25, 0.75], [1, 0], 2) == 0.75


def test_a_perfect_forecaster_has_an_error_that_fades_with_the_sample(generator):
    errors = []
    for count in (100, 10_000):
        sure = generator.random(count)
        errors.append(expected_calibration_error(sure, generator.random(count) < sure))
    assert errors[0] > 0.02 and errors[1] < 0.02


def test_the_diagram_is_scikit_learns(generator):
    calibration = pytest.importorskip("sklearn.calibration")
    sure, right = generator.random(500), generator.integers(0, 2, 500)
    accuracy, confidence = calibration.calibration_curve(right, sure, n_bins=10)
    found = reliability(sure, right)
    assert np.allclose(found.accuracy, accuracy) and np.allclose(found.confidence, confidence)
    assert found.counts.sum() == 500 and np.isnan(reliability([0.9], [1]).accuracy[0])
    share = found.counts / 500
    assert np.isclose(
        (share * np.abs(found.accuracy - found.confidence)).sum(), expected_calibration_error(sure, right)
    )


def test_brier_is_scikit_learns(generator):
    metrics = pytest.importorskip("sklearn.metrics")
    p, y = generator.random(50), generator.integers(0, 2, 50)
    assert np.isclose(brier_score(p, y), metrics.brier_score_loss(y, p))
    assert np.isclose(brier_score(np.column_stack([1 - p, p]), y), 2 * brier_score(p, y))


def test_no_other_probability_has_a_smaller_brier_score_than_the_true_one():
    share = np.linspace(0, 1, 101)
    expected = [0.3 * brier_score([q], [1]) + 0.7 * brier_score([q], [0]) for q in share]
    assert share[np.argmin(expected)] == pytest.approx(0.3)


def test_what_is_no_probability_is_refused():
    with pytest.raises(InputError, match="confidence goes from 0.5 to 1.5; give probabilities"):
        expected_calibration_error([0.5, 1.5], [1, 0])
    with pytest.raises(InputError, match="correct must be 1 or 0"):
        expected_calibration_error([0.5], [0.5])
    with pytest.raises(InputError, match="bins=0; use 1 or more"):
        expected_calibration_error([0.5], [1], 0)
    with pytest.raises(InputError, match="numbers from 0 to 1"):
        brier_score([2.0], [1])
    with pytest.raises(InputError, match=r"the shape \(1, 1, 1\); give one an example"):
        brier_score([[[1.0]]], [0])
    with pytest.raises(InputError, match="does not sum to 1"):
        brier_score([[0.5, 0.2]], [1])
    with pytest.raises(InputError, match="the right class's place, 0 to 1"):
        brier_score([[0.5, 0.5]], [2])
