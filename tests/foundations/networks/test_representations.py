"""Probes as scikit-learn's ridge classifier; hidden layers that make rings separable."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.networks.cnn import lenet_layers, make_lenet
from groundup.foundations.networks.mlp import fit, layers, make_mlp, mlp
from groundup.foundations.networks.representations import (
    by_depth,
    flat,
    linear_probe,
    look,
    probe,
    rings,
    separability,
)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_the_probe_is_scikit_learns_ridge_classifier(digits, penalty):
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = digits[0].reshape(-1, 64), digits[1]
    scale = np.sqrt(((x[:200] - x[:200].mean(axis=0)) ** 2).mean())
    theirs = linear_model.RidgeClassifier(alpha=penalty).fit(x[:200] / scale, y[:200])
    np.testing.assert_array_equal(
        linear_probe(x[:200], y[:200], x[200:500], penalty), theirs.predict(x[200:500] / scale)
    )


def test_the_probe_does_not_depend_on_the_scale_or_the_place_of_the_features(generator):
    x, labels, new = generator.standard_normal((40, 3)), np.arange(40) % 3, generator.standard_normal((20, 3))
    np.testing.assert_array_equal(linear_probe(x, labels, new), linear_probe(1e-6 * x + 5, labels, 1e-6 * new + 5))


def test_labels_may_be_words_and_dead_features_give_the_commonest():
    x, words = np.array([[0.0], [0.1], [1.0]]), np.array(["low", "low", "high"])
    assert linear_probe(x, words, np.array([[0.05], [2.0]]), 0.01).tolist() == ["low", "high"]
    assert linear_probe(np.zeros((3, 2)), words, np.zeros((1, 2))).tolist() == ["low"]


def test_separability_is_fishers_ratio_of_variances():
    discriminant = pytest.importorskip("sklearn.discriminant_analysis")
    x, labels = np.random.default_rng(0).standard_normal((60, 1)), np.arange(60) % 3
    x = x + labels[:, None]
    model = discriminant.LinearDiscriminantAnalysis(solver="eigen", store_covariance=True).fit(x, labels)
    within = model.covariance_[0, 0]
    assert separability(x, labels) == pytest.approx((x.var() - within) / within)
    assert separability([[1.0], [1.0], [2.0]], [0, 0, 1]) == np.inf and separability([[1.0], [1.0]], [0, 1]) == 0


@pytest.mark.parametrize("seed", range(2))
def test_layer_by_layer_the_rings_become_separable_in_a_trained_network(seed):
    (x, y), (new, new_y) = rings(300, 3, seed=seed), rings(300, 3, seed=seed + 10)
    trained, _ = fit(mlp, make_mlp([2, 16, 16, 16, 3], seed), x, y, 250, 64, 1e-2)
    found, before = (look(layers, one, x, y, new, new_y) for one in (trained, make_mlp([2, 16, 16, 16, 3], seed)))
    assert found.probes[0] < 0.55 and found.probes[3] > 0.95  # no line tells rings apart
    assert found.separability[0] < 0.1 and found.separability[1] < found.separability[2] < found.separability[3]
    assert found.probes[3] > before.probes[3] and found.separability[-1] > 5 * before.separability[-1]
    assert [one.shape for one in found.picture] == [(300, 2)] * 5


def test_every_layer_of_a_cnn_is_rows_of_numbers(digits):
    found = by_depth(lenet_layers, make_lenet(10), digits[0][:4])
    assert [one.shape for one in found] == [(4, 64), (4, 128), (4, 64), (4, 32), (4, 10)]


def test_flat_pictures_have_two_columns_whatever_comes():
    assert flat(np.arange(5.0)[:, None]).shape == (5, 2)
    assert flat(np.random.default_rng(0).standard_normal((7, 9))).shape == (7, 2)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: probe([[1.0], [2.0]], [0, 0], [[1.0]], [0]), "1 classes"),
        (lambda: probe([[1.0], [2.0]], [0, 1], [[1.0]], [0], penalty=0), "positive penalty"),
        (lambda: probe([[1.0], [2.0]], [0, 1], [[1.0, 2.0]], [0]), "1"),
        (lambda: probe([[1.0], [2.0]], [0, 1], [[1.0]], [0, 1]), "one for each row"),
        (lambda: probe([[np.nan], [2.0]], [0, 1], [[1.0]], [0]), "nan"),
        (lambda: rings(1), "at least two classes"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
