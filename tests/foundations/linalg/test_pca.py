"""Principal components equal scikit-learn's, signs included; whitening and its way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.linalg import pca as module

decomposition = pytest.importorskip("sklearn.decomposition")
datasets = pytest.importorskip("sklearn.datasets")
calm = settings(deadline=None, derandomize=True, max_examples=60)


def points(rows, features, seed=0):
    """Points with a different spread along each axis, turned, away from 0."""
    source = np.random.default_rng(seed)
    turn = np.linalg.qr(source.normal(size=(features, features)))[0]
    return (source.normal(size=(rows, features)) * 2.0 ** -np.arange(features)) @ turn + 10


@calm
@given(st.integers(3, 12), st.integers(1, 6), st.integers(1, 6), st.integers(0, 999))
def test_all_of_it_is_scikit_learns_with_the_signs(rows, features, components, seed):
    data, components = points(rows, features, seed), min(components, features, rows - 1)
    ours, theirs = module.pca(data, components), decomposition.PCA(components, svd_solver="full").fit(data)
    np.testing.assert_allclose(ours.mean, theirs.mean_, atol=1e-12)
    np.testing.assert_allclose(ours.explained_variance, theirs.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, rtol=1e-8)
    np.testing.assert_allclose(ours.components, theirs.components_, atol=1e-7)
    np.testing.assert_allclose(ours.transform(data), theirs.transform(data), atol=1e-6)


def test_the_digits_are_scikit_learns():
    data = datasets.load_digits().data[:400]  # three pixels never change
    ours, theirs = module.pca(data, 3), decomposition.PCA(3, svd_solver="full").fit(data)
    np.testing.assert_allclose(ours.components, theirs.components_, atol=1e-10)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, rtol=1e-10)


def test_whitened_data_has_variance_one_and_no_correlation_and_the_way_back_is_exact():
    data = points(30, 4)
    ours = module.pca(data, 4)
    np.testing.assert_allclose(np.cov(ours.whiten(data).T), np.eye(4), atol=1e-12)
    theirs = decomposition.PCA(4, whiten=True, svd_solver="full").fit(data)
    np.testing.assert_allclose(ours.whiten(data), theirs.transform(data), atol=1e-11)
    np.testing.assert_allclose(ours.unwhiten(ours.whiten(data)), data, atol=1e-12)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(data)), data, atol=1e-12)


def test_what_fewer_components_lose_is_the_variance_that_they_do_not_explain():
    data = points(40, 5)
    for components in (1, 2, 3, 4):
        ours = module.pca(data, components)
        lost = ((ours.inverse_transform(ours.transform(data)) - data) ** 2).sum()
        whole = ((data - data.mean(axis=0)) ** 2).sum()
        assert lost / whole == pytest.approx(1 - ours.explained_variance_ratio.sum(), rel=1e-9)


def test_the_mean_of_the_data_plays_no_part():
    data = points(20, 3)
    one, other = module.pca(data, 3), module.pca(data + np.array([100, -7, 3]), 3)
    np.testing.assert_allclose(one.components, other.components, atol=1e-10)


def test_signs_are_flipped_together():
    u, vt = module.flip_signs(np.eye(2), np.array([[0.6, -0.8], [-0.8, -0.6]]))
    np.testing.assert_array_equal(u, [[-1, 0], [0, -1]])
    np.testing.assert_array_equal(vt, [[-0.6, 0.8], [0.8, 0.6]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: module.pca(np.ones((1, 3)), 1), r"components=1 of data \(1, 3\); give at least 2 rows"),
        (lambda: module.pca(points(5, 3), 4), "ask for 1 to 3"),
        (lambda: module.pca(points(5, 3), 0), "ask for 1 to 3"),
        (lambda: module.pca(np.ones((4, 2)), 1), "all 4 rows of data are the same"),
        (lambda: module.pca(np.full((3, 2), 0.1), 1), "all 3 rows of data are the same"),
        (
            lambda: module.pca([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]], 2).whiten([[1.0, 1.0]]),
            "component 1 .* has no variance",
        ),
        (lambda: module.pca(points(5, 3), 2).transform(np.ones((1, 2))), "data has 2 columns where 3 are needed"),
        (lambda: module.pca(points(5, 3), 2).inverse_transform(np.ones((1, 3))), "scores has 3 columns where 2"),
        (lambda: module.pca([[1.0, np.nan], [1.0, 2.0]], 1), r"data holds nan at \[0, 1\]"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()
