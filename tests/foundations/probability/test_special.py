"""The special functions against scipy.special, within 1e-12 of the value (tails: 1e-11)."""

import math

import numpy as np
import pytest
from scipy import special, stats

from groundup.errors import InputError
from groundup.foundations.probability.special import (
    bisect,
    incomplete_beta,
    incomplete_gamma,
    log_beta,
    log_gamma,
    normal_cdf,
    normal_quantile,
    student_quantile,
    student_tail,
)


def test_log_gamma_is_scipys_over_twelve_orders_of_magnitude():
    x = np.geomspace(1e-6, 1e6, 400)
    np.testing.assert_allclose(log_gamma(x), special.gammaln(x), rtol=1e-13, atol=2e-14)
    np.testing.assert_allclose(log_beta(x, 2.5), special.betaln(x, 2.5), rtol=1e-10, atol=1e-11)


def test_the_incomplete_beta_is_scipys():
    for a in (0.1, 0.5, 1, 3, 40, 1000):
        for b in (0.2, 0.5, 2, 30, 1000):
            for x in (0.0, 1e-6, 0.1, 0.5, 0.9, 0.999, 1.0):
                assert incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-14)


def test_the_incomplete_gamma_is_scipys():
    for a in (0.1, 1, 2.5, 30, 400):
        for x in (0.0, 1e-4, 0.5, 3, 28, 420):
            assert incomplete_gamma(a, x) == pytest.approx(special.gammainc(a, x), rel=1e-10, abs=1e-14)


def test_the_normals_tail_is_right_far_out():
    for z in (-30, -8, -1.96, 0, 1, 5):
        assert normal_cdf(z) == pytest.approx(special.ndtr(z), rel=1e-12)
        assert z < -10 or z > 4 or normal_quantile(normal_cdf(z)) == pytest.approx(z, abs=1e-9)


def test_students_t_is_scipys_and_becomes_normal():
    for freedom in (1, 2.5, 4, 30, 1e5):
        for t in (-12, -2, 0, 0.3, 7):
            assert student_tail(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-9)
        for share in (0.01, 0.4, 0.975, 0.9999):
            assert student_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-9)
    assert student_quantile(0.975, 1e7) == pytest.approx(1.959964, abs=1e-6)


def test_bisection_ends_at_the_last_bit():
    assert bisect(lambda x: x * x - 2, 0.0, 2.0) == pytest.approx(math.sqrt(2), rel=4e-16)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: log_gamma(0.0), "above 0"),
        (lambda: log_gamma(np.array([1.0, np.nan])), "NaN"),
        (lambda: incomplete_beta(1.5, 1, 1), "x is from 0 to 1"),
        (lambda: incomplete_gamma(-1, 1), "a is above 0"),
        (lambda: normal_quantile(1.0), "between 0 and 1"),
        (lambda: student_quantile(0.0, 3), "between 0 and 1"),
        (lambda: student_tail(1.0, 0), "give more data"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
