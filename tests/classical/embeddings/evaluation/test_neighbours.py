"""Neighbours are those of scikit-learn's brute force; purity by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.evaluation import neighbours
from groundup.classical.embeddings.evaluation.neighbours import nearest_neighbours, purity
from groundup.errors import InputError


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_are_scikit_learns_block_by_block(metric, monkeypatch):
    theirs = pytest.importorskip("sklearn.neighbors").NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute")
    points = np.random.default_rng(0).normal(size=(150, 12)).astype(np.float32)
    distances, rows = theirs.fit(points.astype(float)).kneighbors()
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 4 * 150 * 40)
    ours, apart = nearest_neighbours(points, 7, metric == "cosine")
    assert (ours == rows).all()
    np.testing.assert_allclose(apart, distances, atol=2e-6)


def test_distances_of_close_points_far_from_the_origin_keep_their_digits():
    points = 1000 + np.array([[0.0, 0], [0.25, 0], [0, 1], [5, 5]])
    assert nearest_neighbours(points, 1)[1][:3, 0].tolist() == [0.25, 0.25, 1.0]


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), st.integers(0, 99))
def test_all_neighbours_are_everybody_else_once(count, seed):
    points = np.random.default_rng(seed).integers(0, 3, (count, 2))  # many are equal
    rows, distances = nearest_neighbours(points, count - 1)
    assert all(sorted([i, *row]) == list(range(count)) for i, row in enumerate(rows.tolist()))
    assert (np.diff(distances, axis=1) >= 0).all()


@pytest.mark.parametrize("cosine", [True, False])
def test_equals_at_the_cut_are_the_first_of_them(cosine):
    points = np.repeat([[1.0, 0.0], [0.0, 1.0]], 300, axis=0)
    rows, _ = nearest_neighbours(points, 20, cosine)
    wanted = [[row for row in range(21) if row != point % 300][:20] for point in range(600)]
    assert rows.tolist() == [[row + point // 300 * 300 for row in wanted[point]] for point in range(600)]


def test_purity_is_the_share_of_the_own_kind():
    points = np.array([[0.0], [1], [2], [10], [11], [12]])
    assert purity(points, list("aaabbb"), 2, cosine=False) == 1.0
    assert purity(points, list("aabbbb"), 2, cosine=False) == pytest.approx((0.5 + 0.5 + 0 + 1 + 1 + 1) / 6)


def test_bad_points_are_refused_by_row():
    for points, sentence in (
        ([[1.0, 2], [np.nan, 0]], "row 1"),
        ([1.0, 2.0], "no table"),
        ([[1.0]], "too few"),
    ):
        with pytest.raises(InputError, match=sentence):
            nearest_neighbours(np.array(points), 1)
    with pytest.raises(InputError, match="use 1 to 1"):
        nearest_neighbours(np.eye(2), 2)
    with pytest.raises(InputError, match="one|give one each"):
        purity(np.eye(3), ["a"])
