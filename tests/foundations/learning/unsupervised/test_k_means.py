"""k-means beside scikit-learn, and what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.unsupervised.k_means import inertia, k_means, kmeans_step, lloyd, plus_plus


def test_from_the_same_start_it_ends_where_scikit_learn_does(iris):
    x, _ = iris
    theirs = pytest.importorskip("sklearn.cluster").KMeans(3, init=x[[0, 60, 120]], n_init=1, tol=0).fit(x)
    ours = lloyd(x, x[[0, 60, 120]])
    assert np.allclose(ours.centres, theirs.cluster_centers_) and (ours.labels == theirs.labels_).all()
    assert np.isclose(ours.inertias[-1], theirs.inertia_)


def test_on_digits_the_best_of_ten_starts_is_as_good_as_scikit_learns(digits):
    x, _ = digits
    theirs = pytest.importorskip("sklearn.cluster").KMeans(10, n_init=10, random_state=0).fit(x)
    assert k_means(x, 10).inertias[-1] < 1.01 * theirs.inertia_


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_the_inertia_never_rises_and_the_end_is_a_fixed_point(seed, k):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(40, 2))
    found = k_means(x, k, seed, restarts=1)
    assert (np.diff(found.inertias) <= 1e-9).all()
    labels, centres = kmeans_step(x, found.centres)
    assert (labels == found.labels).all() and np.allclose(centres, found.centres)
    assert np.isclose(inertia(x, found.centres), ((x - found.centres[found.labels]) ** 2).sum())


def test_a_centre_without_points_stays_where_it_is():
    labels, centres = kmeans_step(np.array([[0.0], [2.0]]), np.array([[0.0], [50.0]]))
    assert labels.tolist() == [0, 0] and centres.tolist() == [[1], [50]]


def test_the_start_is_drawn_by_squared_distance():
    x = np.array([[0.0], [1.0], [3.0]])
    seconds = {start: [] for start in (0.0, 1.0, 3.0)}
    for seed in range(2000):
        first, second = plus_plus(x, 2, np.random.default_rng(seed))[:, 0]
        seconds[first].append(second)
    assert abs(np.mean(np.array(seconds[0.0]) == 3) - 9 / 10) < 0.04  # 1 : 9; standard error 0.012
    assert abs(np.mean(np.array(seconds[1.0]) == 3) - 4 / 5) < 0.05
    assert not any(start in others for start, others in seconds.items())


def test_more_clusters_than_different_points_are_refused():
    with pytest.raises(InputError, match="k=3 clusters of 2 points; use 1 to 2"):
        k_means([[0], [1]], 3)
    with pytest.raises(InputError, match="only 2 different points for k=3 clusters; use k=2 at most"):
        k_means([[0], [1], [1]], 3)


def test_the_same_seed_gives_the_same_clusters(iris):
    x, _ = iris
    one, other = k_means(x, 4, seed=5), k_means(x, 4, seed=5)
    assert (one.labels == other.labels).all() and (one.centres == other.centres).all()
