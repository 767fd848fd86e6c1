"""The area under the ROC curve is that of other tools, and its interval holds the true one as often as it says."""

from statistics import NormalDist

import numpy as np
import pytest

from groundup.data.clean.roc import auc, auc_interval, standard_error


def test_the_area_is_that_of_scikit_learn_and_of_all_pairs():
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(0)
    labels, scores = draw.random(200) < 0.3, draw.integers(0, 20, 200) / 20
    pairs = np.sign(scores[labels][:, None] - scores[~labels][None]) / 2 + 0.5
    assert auc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores)) == pytest.approx(pairs.mean())
    assert np.isnan(auc([1, 2], [1, 1]))


def test_the_interval_holds_the_true_area_as_often_as_it_says():
    """Normal scores that lie d apart: the true area is Phi(d / sqrt 2). Seen with three seeds: 0.94 to 0.96."""
    draw, apart = np.random.default_rng(0), 1.5
    truth, labels = NormalDist().cdf(apart / 2**0.5), np.arange(90) < 30
    held = 0
    for _ in range(400):
        low, high = auc_interval(auc(draw.normal(size=90) + apart * labels, labels), 30, 60)
        held += low <= truth <= high
    assert 0.91 < held / 400 < 0.985


def test_an_area_of_one_is_no_certainty_and_more_rows_make_it_surer():
    ten, thousand = auc_interval(1.0, 10, 10), auc_interval(1.0, 1000, 1000)
    assert 0.7 < ten[0] < 0.9 < 0.99 < thousand[0] < 1 and ten[1] == thousand[1] == 1
    assert auc_interval(0.0, 10, 10) == pytest.approx((0, 1 - ten[0]))
    assert standard_error(1.0, 5, 5) == standard_error(0.0, 5, 5) == 0
