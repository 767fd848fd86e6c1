"""Hierarchical clustering beside SciPy."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.unsupervised.hierarchy import LINKAGES, cut, linkage


def same_groups(one, other):
    """Whether two labellings are the same groups under other names."""
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))


@pytest.mark.parametrize("method", LINKAGES)
def test_the_merges_are_scipys(method, generator):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    x = generator.normal(size=(60, 3))
    ours, theirs = linkage(x, method), hierarchy.linkage(x, method)
    assert np.allclose(ours, theirs, rtol=1e-10)
    for groups in (1, 2, 5, 60):
        assert same_groups(cut(ours, groups), hierarchy.fcluster(theirs, groups, "maxclust"))


@pytest.mark.parametrize("method", LINKAGES)
def test_on_real_data_with_equal_distances_the_heights_are_scipys(method, iris):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    x, _ = iris
    # where two pairs are equally near, the order is free; single linkage's heights do not depend on it
    tolerance = 1e-10 if method == "single" else 0.1
    ours, theirs = linkage(x, method)[:, 2], hierarchy.linkage(x, method)[:, 2]
    assert np.abs(ours - theirs).max() <= tolerance * theirs.max() and (np.diff(ours) >= -1e-12).all()


def test_a_linkage_is_the_nearest_the_farthest_or_the_mean_pair(generator):
    x = generator.normal(size=(9, 2))
    pairs = {"single": np.min, "complete": np.max, "average": np.mean}
    for method, of in pairs.items():
        last = linkage(x, method)[-1, 2]
        groups = cut(linkage(x, method), 2)
        between = np.linalg.norm(x[groups == 0][:, None] - x[groups == 1], axis=2)
        assert np.isclose(last, of(between))


def test_single_linkage_follows_a_chain_and_complete_linkage_cuts_it():
    chain = [[float(place)] for place in range(6)] + [[7.0]]
    assert cut(linkage(chain, "single"), 2).tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert cut(linkage(chain, "complete"), 2).tolist() != [0, 0, 0, 0, 0, 0, 1]


def test_one_point_is_a_tree_without_merges():
    assert linkage([[1.0, 2.0]]).shape == (0, 4)


def test_unknown_linkages_and_numbers_of_groups_are_refused():
    with pytest.raises(InputError, match="no linkage 'ward'; use single, complete, average"):
        linkage([[0.0], [1.0]], "ward")
    with pytest.raises(InputError, match="2 points cannot make 3 groups; use 1 to 2"):
        cut(linkage([[0.0], [1.0]]), 3)
