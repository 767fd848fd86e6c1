"""UMAP's graph and curve beside umap-learn's, its memberships by hand, and what the map keeps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.evaluation.neighbours import purity
from groundup.classical.embeddings.evaluation.umap import (
    Graph,
    UmapConfig,
    fuzzy_graph,
    fuzzy_memberships,
    lay_out,
    nearness_curve,
    umap_map,
)
from groundup.errors import ConfigError, InputError


def groups(count: int = 90, kinds: int = 3, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    source = np.random.default_rng(seed)
    centres = 6 * source.normal(size=(kinds, 10))
    labels = [i % kinds for i in range(count)]
    return source.normal(size=(count, 10)) + centres[labels], labels


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(0, 999))
def test_the_nearest_belongs_wholly_and_all_add_up_to_log2_k(count, seed):
    distances = np.sort(np.random.default_rng(seed).uniform(0.5, 3, count))
    members = fuzzy_memberships(distances)
    assert members[0] == 1 and (np.diff(members) <= 0).all()
    if count > 3:
        assert members.sum() == pytest.approx(np.log2(count + 1), abs=2e-5)


def test_three_neighbours_by_hand():
    # k = 4: the memberships add up to 2, so the second and the third share 1; exp(-1 / s) + exp(-2 / s) = 1 at the golden ratio
    golden = (np.sqrt(5) - 1) / 2
    np.testing.assert_allclose(fuzzy_memberships(np.array([1.0, 2.0, 3.0])), [1, golden, golden**2], atol=1e-5)


def test_equal_points_belong_wholly():
    assert fuzzy_memberships(np.zeros(4)).tolist() == [1.0] * 4
    assert fuzzy_memberships(np.array([0.0, 0.0, 1.0, 4.0]))[:3].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.slow  # importing umap-learn compiles it
@pytest.mark.parametrize("k", [5, 15])
def test_the_graph_is_umap_learns(k):
    umap_ = pytest.importorskip("umap.umap_")
    points, _ = groups()
    theirs = umap_.fuzzy_simplicial_set(points.astype(np.float32), k, np.random.RandomState(0), "euclidean")[
        0
    ].toarray()
    ours = fuzzy_graph(points, k).dense(90)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert (ours == ours.T).all() and ours.max() <= 1


def test_a_learners_memberships_are_used(monkeypatch):
    from groundup import slots

    points, _ = groups()
    fast = fuzzy_graph(points, 10).dense(90)
    monkeypatch.setattr(slots, "filled", lambda id: True)
    np.testing.assert_allclose(fuzzy_graph(points, 10).dense(90), fast, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("min_dist", "spread"), [(0.1, 1.0), (0.5, 1.0), (0.01, 1.0), (0.3, 2.0)])
def test_the_curve_is_umap_learns(min_dist, spread):
    find = pytest.importorskip("umap.umap_").find_ab_params
    np.testing.assert_allclose(nearness_curve(min_dist, spread), find(spread, min_dist), rtol=1e-4)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_groups_stay_together_on_the_map_and_a_seed_repeats_it(dimensions):
    points, labels = groups()
    config = UmapConfig(epochs=200, dimensions=dimensions)
    made = umap_map(points, config)
    assert made.shape == (90, dimensions) and purity(made, labels, 5, cosine=False) > 0.99
    assert (umap_map(points, config) == made).all()
    assert not (umap_map(points, UmapConfig(epochs=200, dimensions=dimensions, seed=1)) == made).any()


def test_a_spring_alone_pulls_two_points_together_and_random_points_push():
    pair = Graph(np.array([0, 1]), np.array([1, 0]), np.ones(2))
    start = np.array([[-5.0, 0], [5.0, 0]])
    pulled = lay_out(pair, start, UmapConfig(negative_samples=0))
    assert np.linalg.norm(pulled[0] - pulled[1]) < 1
    pushed = lay_out(pair, start, UmapConfig(negative_samples=20))
    assert np.linalg.norm(pushed[0] - pushed[1]) > np.linalg.norm(pulled[0] - pulled[1])


def test_bad_input_is_refused():
    points, _ = groups()
    with pytest.raises(ConfigError, match="use at most 8"):
        umap_map(points[:8])
    with pytest.raises(InputError, match="row 3"):
        umap_map(np.where(np.arange(90)[:, None] == 3, np.inf, points))
    with pytest.raises(InputError, match="all points are the same"):
        umap_map(np.ones((30, 4)))
    for wrong in ({"dimensions": 1}, {"n_neighbors": 2}, {"min_dist": 2.0}):
        with pytest.raises(ConfigError):
            UmapConfig(**wrong)
    for name, value in (
        ("epochs", 0),
        ("epochs", -5),
        ("negative_samples", -1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("spread", 0.0),
        ("spread", float("inf")),
    ):
        with pytest.raises(ConfigError, match=f"{name}={value} .*use"):
            UmapConfig(**{"min_dist": 0.0, name: value})
