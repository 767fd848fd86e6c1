"""Divergences against scipy, their laws, and the three estimators against the sum they estimate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as scipy_entropy

from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import cross_entropy
from groundup.foundations.information.entropy import entropy, mutual_information
from groundup.foundations.information.kl import jensen_shannon, kl_divergence, kl_samples

PAIRS = (
    st.integers(1, 6)
    .flatmap(lambda size: st.tuples(*[st.lists(st.floats(0.001, 1), min_size=size, max_size=size)] * 2))
    .map(lambda two: [np.array(one) / sum(one) for one in two])
)


@given(PAIRS)
def test_it_is_scipys_and_the_cross_entropys_excess(pair):
    p, q = pair
    assert kl_divergence(p, q) == pytest.approx(scipy_entropy(p, q, base=2), abs=1e-12)
    assert kl_divergence(p, q) == pytest.approx(cross_entropy(p, q) - entropy(p), abs=1e-12)


@given(PAIRS)
def test_it_is_never_negative_and_nothing_only_for_the_same(pair):
    p, q = pair
    assert kl_divergence(p, q) >= 0 == kl_divergence(p, p)
    assert kl_divergence(p, q) >= np.abs(p - q).sum() ** 2 / (2 * math.log(2)) - 1e-12  # Pinsker's inequality


@pytest.mark.filterwarnings("error")
def test_the_two_directions_exclude_different_things():
    assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == 1
    assert kl_divergence([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert kl_divergence([5e-324, 1.0], [1.0, 5e-324]) > 1000


def test_mutual_information_is_the_divergence_from_independence():
    p = np.array([[0.3, 0.1], [0.2, 0.4]])
    assert kl_divergence(p, np.outer(p.sum(1), p.sum(0))) == pytest.approx(mutual_information(p), abs=1e-12)


@given(PAIRS)
def test_jensen_shannon_is_scipys_squared_symmetric_and_at_most_a_bit(pair):
    p, q = pair
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-9)
    assert 0 <= jensen_shannon(p, q) <= 1 and jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-15)


def test_jensen_shannon_is_finite_where_nothing_is_shared():
    assert jensen_shannon([1.0, 0.0, 0.0], [0.0, 0.5, 0.5]) == 1


def test_the_estimators_aim_at_the_sum_and_the_third_is_never_negative():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.45, 0.25, 0.3])
    drawn = np.random.default_rng(0).choice(3, 200_000, p=p)
    samples = kl_samples(np.log(p[drawn]), np.log(q[drawn]))
    truth = kl_divergence(p, q) * math.log(2)
    assert samples["k1"].mean() == pytest.approx(truth, rel=0.05)
    assert samples["k3"].mean() == pytest.approx(truth, rel=0.02)
    assert samples["k2"].mean() == pytest.approx(truth, rel=0.15)
    assert samples["k1"].min() < 0 <= min(samples["k2"].min(), samples["k3"].min())
    assert samples["k3"].std() < samples["k1"].std() / 3


def test_what_does_not_fit_is_refused():
    for mistake, sentence in (
        (lambda: kl_divergence([1.0], [0.5, 0.5]), r"shapes \(1,\) and \(2,\)"),
        (lambda: kl_divergence([0.5, 0.5], [0.5, 0.6]), "the second probabilities sum to 1.1 instead of 1"),
        (lambda: kl_samples([0.0], [0.0, 0.0]), r"log_p \(1,\) and log_q \(2,\) do not fit"),
        (lambda: kl_samples([0.0], [-math.inf]), "makes the divergence infinite"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()
