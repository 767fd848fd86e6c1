"""t-SNE beside scikit-learn's probabilities, divergence and gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.evaluation import t_sne
from groundup.classical.embeddings.evaluation.neighbours import purity
from groundup.classical.embeddings.evaluation.t_sne import (
    TsneConfig,
    joint_probabilities,
    neighbour_probabilities,
    principal_map,
    sparse_gradient,
    tsne_gradient,
    tsne_map,
)
from groundup.errors import ConfigError, Diverged, InputError


def groups(count: int = 90, kinds: int = 3, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    source = np.random.default_rng(seed)
    centres = 6 * source.normal(size=(kinds, 10))
    labels = [i % kinds for i in range(count)]
    return source.normal(size=(count, 10)) + centres[labels], labels


def as_columns(places: np.ndarray) -> np.ndarray:
    flat = np.zeros((3, len(places)), np.float32)
    flat[: places.shape[1]] = places.T
    return flat


def test_the_main_axes_are_scikit_learns():
    decomposition = pytest.importorskip("sklearn.decomposition")
    points, _ = groups()
    ours, theirs = principal_map(points, 3), decomposition.PCA(3).fit_transform(points)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-4)
    assert np.allclose(ours, principal_map(points + 100, 3), atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 60), st.integers(0, 999), st.floats(1.5, 20))
def test_every_row_has_the_perplexity_that_was_asked_for(count, seed, perplexity):
    squares = np.random.default_rng(seed).exponential(5, count)
    p = neighbour_probabilities(squares, min(perplexity, 0.9 * count))
    assert p.sum() == pytest.approx(1) and (np.diff(p[np.argsort(squares)]) <= 1e-15).all()
    assert np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()) == pytest.approx(min(perplexity, 0.9 * count), rel=1e-6)


def test_equal_distances_and_huge_ones_are_no_trouble():
    assert neighbour_probabilities(np.full(5, 3.0), 2.0).tolist() == [0.2] * 5
    assert np.isfinite(neighbour_probabilities(np.array([1e8, 2e8, 3e8]), 2.0)).all()


def test_probabilities_are_scikit_learns():
    theirs = pytest.importorskip("sklearn.manifold._t_sne")._joint_probabilities
    squareform = pytest.importorskip("scipy.spatial.distance").squareform
    points, _ = groups()
    squares = ((points[:, None] - points[None]) ** 2).sum(2)
    expected = squareform(theirs(squares.astype(np.float32), 30, 0))
    ours = joint_probabilities(points, 30.0).dense()  # 3 * 30 neighbours are all there are
    np.testing.assert_allclose(ours, expected, atol=2e-8)  # of values up to 1e-3; theirs stop at 1e-5 of the entropy
    assert ours.sum() == pytest.approx(1, abs=1e-6) and (ours == ours.T).all()


def test_a_learners_row_is_used(monkeypatch):
    points, _ = groups()
    fast = joint_probabilities(points, 10.0).dense()
    monkeypatch.setattr(t_sne.slots, "filled", lambda id: True)
    np.testing.assert_allclose(joint_probabilities(points, 10.0).dense(), fast, atol=1e-10)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_divergence_and_gradient_are_scikit_learns_and_the_fast_form_theirs(dimensions):
    theirs = pytest.importorskip("sklearn.manifold._t_sne")._kl_divergence
    squareform = pytest.importorskip("scipy.spatial.distance").squareform
    points, _ = groups()
    affinities = joint_probabilities(points, 30.0)
    places = np.random.default_rng(1).normal(size=(90, dimensions))
    p = affinities.dense()
    divergence, gradient = tsne_gradient(p, places)
    expected = theirs(places.ravel(), squareform(p, checks=False), 1.0, 90, dimensions)
    assert divergence == pytest.approx(expected[0], abs=1e-9)
    np.testing.assert_allclose(gradient.ravel(), expected[1], atol=1e-12)
    fast, slopes = sparse_gradient(affinities, as_columns(places))
    assert fast == pytest.approx(divergence, abs=1e-5)
    np.testing.assert_allclose(slopes[:dimensions].T, gradient, atol=1e-7)


def test_exaggeration_counts_p_more_often():
    points, _ = groups()
    affinities, places = joint_probabilities(points, 10.0), np.random.default_rng(1).normal(size=(90, 2))
    _, slopes = sparse_gradient(affinities, as_columns(places), 12.0)
    np.testing.assert_allclose(slopes[:2].T, tsne_gradient(12 * affinities.dense(), places)[1], atol=2e-6)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_groups_stay_together_on_the_map_and_a_seed_repeats_it(dimensions):
    points, labels = groups()
    config = TsneConfig(perplexity=10.0, steps=400, dimensions=dimensions)
    made = tsne_map(points, config)
    assert made.places.shape == (90, dimensions) and purity(made.places, labels, 5, cosine=False) > 0.99
    assert made.divergences[-1] < made.divergences[0] / 2
    assert (tsne_map(points, config).places == made.places).all()


def test_the_map_is_as_good_as_scikit_learns():
    manifold = pytest.importorskip("sklearn.manifold")
    points, _ = groups(60, 4)
    theirs = manifold.TSNE(perplexity=10, init="pca", random_state=0, method="exact", max_iter=500).fit(points)
    assert tsne_map(points, TsneConfig(perplexity=10.0, steps=500)).divergences[-1] < theirs.kl_divergence_ + 0.03


def test_threads_give_the_same_gradient():
    from concurrent.futures import ThreadPoolExecutor

    points, _ = groups()
    affinities, places = joint_probabilities(points, 10.0), as_columns(np.random.default_rng(1).normal(size=(90, 2)))
    with ThreadPoolExecutor(3) as pool:
        two = sparse_gradient(affinities, places, 1.0, pool, 3)
    np.testing.assert_allclose(two[1], sparse_gradient(affinities, places)[1], atol=1e-9)


def test_bad_input_is_refused():
    points, _ = groups()
    with pytest.raises(ConfigError, match="use at most"):
        tsne_map(points[:10], TsneConfig(perplexity=30))
    with pytest.raises(InputError, match="row 3"):
        tsne_map(np.where(np.arange(90)[:, None] == 3, np.nan, points))
    with pytest.raises(InputError, match="use 1 to 10"):
        principal_map(points, 11)
    for wrong in ({"dimensions": 4}, {"perplexity": 0.5}, {"steps": 0}, {"perplexity": float("nan")}):
        with pytest.raises(ConfigError):
            TsneConfig(**wrong)
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=f"learning_rate={rate} .*use a number above 0"):
            TsneConfig(learning_rate=rate)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_map_that_left_the_numbers_is_a_sentence():
    with pytest.raises(Diverged, match="learning_rate=1e.*use a lower"):
        tsne_map(groups()[0], TsneConfig(perplexity=10, steps=5, learning_rate=1e38))
