"""Graphs against scipy and networkx, masks' powers against boolean products, and windows of attention by their formula."""

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import shortest_path as scipy_paths

from groundup.errors import InputError
from groundup.foundations import discrete
from groundup.foundations.discrete.graphs import (
    adjacency,
    arrows,
    degrees,
    eigenvector_centrality,
    pagerank,
    reachable,
    shortest_path,
    shortest_paths,
    walks,
    window_mask,
)

GRAPHS = st.integers(1, 8).flatmap(lambda nodes: arrays(np.bool_, (nodes, nodes)))
WEIGHTED = st.integers(1, 7).flatmap(
    lambda nodes: arrays(np.float64, (nodes, nodes), elements=st.sampled_from([0, 0, 0.5, 1, 3]))
)


@given(GRAPHS, st.integers(0, 7))
def test_distances_are_scipys(graph, source):
    source %= len(graph)
    expected = scipy_paths(graph, unweighted=True, indices=source)
    expected[np.isinf(expected)] = -1
    assert shortest_paths(graph, source).tolist() == expected.tolist()


@given(GRAPHS, st.integers(0, 7), st.integers(0, 7))
def test_a_path_is_as_long_as_its_distance_and_every_step_is_an_arrow(graph, source, target):
    source, target = source % len(graph), target % len(graph)
    distance = shortest_paths(graph, source)[target]
    if distance < 0:
        with pytest.raises(InputError, match=f"no path leads from {source} to {target}"):
            shortest_path(graph, source, target)
    else:
        path = shortest_path(graph, source, target)
        assert (path[0], path[-1], len(path)) == (source, target, distance + 1)
        assert all(graph[one, other] for one, other in zip(path, path[1:], strict=False))


@given(GRAPHS, st.integers(0, 9))
def test_powers_of_a_mask_are_products_and_say_whether_there_is_a_walk(graph, steps):
    expected = np.eye(len(graph), dtype=bool)
    for _ in range(steps):
        expected = (expected.astype(int) @ graph.astype(int)) > 0
    assert (reachable(graph, steps) == expected).all()
    assert ((walks(graph, steps) > 0) == expected).all()


@pytest.mark.parametrize(("window", "layers"), [(1, 5), (2, 3), (4, 6), (16, 2)])
def test_a_window_reaches_its_width_less_one_a_layer(window, layers):
    seen = reachable(window_mask(40, window), layers)[-1]
    assert seen.sum() == min(layers * (window - 1) + 1, 40) and seen[-1]


def test_walks_are_counted():
    assert walks([[1, 1], [1, 0]], 10).tolist() == [[89, 55], [55, 34]]  # Fibonacci's numbers


def test_a_list_of_arrows_becomes_a_matrix():
    assert adjacency([(0, 1), (0, 1), (1, 1)], 2, directed=False).tolist() == [[0, 2], [2, 1]]
    out, into = degrees(adjacency([(0, 1), (0, 2)], 3))
    assert (out.tolist(), into.tolist()) == ([2, 0, 0], [0, 1, 1])


@given(WEIGHTED, st.sampled_from([0.0, 0.5, 0.85, 0.99]))
def test_pagerank_is_networkxs(graph, damping):
    theirs = networkx.pagerank(networkx.DiGraph(graph), alpha=damping, tol=1e-13, max_iter=10_000)
    ours = pagerank(graph, damping)
    np.testing.assert_allclose(ours, [theirs[node] for node in range(len(graph))], atol=1e-9)
    assert ours.sum() == pytest.approx(1, abs=1e-12)


def test_pagerank_solves_its_equation():
    graph = np.random.default_rng(0).random((6, 6))
    steps = graph / graph.sum(1, keepdims=True)
    exact = np.linalg.solve(np.eye(6) - 0.85 * steps.T, np.full(6, 0.15 / 6))
    np.testing.assert_allclose(pagerank(graph), exact, atol=1e-11)


def test_eigenvector_centrality_is_networkxs_and_does_not_swing():
    for graph in (np.random.default_rng(0).random((6, 6)), adjacency([(0, 1), (0, 2), (0, 3)], 4, directed=False)):
        theirs = networkx.eigenvector_centrality_numpy(networkx.DiGraph(graph), weight="weight")
        np.testing.assert_allclose(
            eigenvector_centrality(graph), [theirs[node] for node in range(len(graph))], atol=1e-6
        )


def test_where_nothing_comes_back_the_centrality_does_not_settle_and_pagerank_does():
    chain = adjacency([(0, 1), (1, 2)], 3)
    with pytest.raises(InputError, match="does not settle in 500 steps, as in a graph without cycles; pagerank"):
        eigenvector_centrality(chain, most_steps=500)
    assert pagerank(chain).argmax() == 2


def test_causal_attention_walks_to_the_first_position():
    causal = np.tril(np.ones((6, 6)))
    ranks = pagerank(causal, damping=0.99)
    assert (np.diff(ranks) < 0).all() and ranks[0] > 0.9


def test_heavy_arrows_come_first():
    assert arrows([[1.0, 0.0], [0.5, 0.5]], at_least=0) == [(0, 0, 1.0), (1, 0, 0.5), (1, 1, 0.5)]


def test_mistakes_are_named():
    for mistake, sentence in (
        (lambda: shortest_paths([[0, 1]], 0), r"is square, one row and one column a node, but this has shape \(1, 2\)"),
        (lambda: shortest_paths([[0]], 1), "there is no node 1; the nodes are 0 to 0"),
        (lambda: shortest_paths(np.zeros((0, 0)), 0), "is square"),
        (lambda: pagerank([[-1.0]]), "weight is negative, infinite or NaN"),
        (lambda: pagerank([[np.nan]]), "weight is negative, infinite or NaN"),
        (lambda: pagerank([[1.0]], damping=1.0), "damping=1.0 is no probability of going on"),
        (
            lambda: pagerank([[1.0]], tolerance=0.0),
            "tolerance=0 is below what float64 can tell apart; use 1e-14 or more",
        ),
        (lambda: reachable([[1]], -1), "-1 is no number of arrows"),
        (lambda: window_mask(3, 0), "3 positions with a window of 0 see nothing"),
        (lambda: adjacency([(0, 5)], 2), "there is no node 5"),
        (lambda: shortest_path([[1]], 0, 2), "there is no node 2"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()


def test_the_folders_table_of_contents_is_true():
    assert all(callable(getattr(discrete, name)) for name in discrete._EXPORTS)
    with pytest.raises(AttributeError, match="has no 'dijkstra'; it has adjacency, "):
        discrete.dijkstra  # noqa: B018
