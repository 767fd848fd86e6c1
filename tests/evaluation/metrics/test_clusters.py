"""Groups against classes: scikit-learn's figures, and what cannot change them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.evaluation.metrics.clusters import many_to_one, v_measure

ITEMS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("NVD")), min_size=1, max_size=30)


@given(ITEMS)
def test_v_measure_is_scikit_learns(items):
    metrics = pytest.importorskip("sklearn.metrics")
    groups, classes = (list(one) for one in zip(*items, strict=True))
    expected = metrics.homogeneity_completeness_v_measure(classes, groups)
    assert tuple(v_measure(groups, classes)) == pytest.approx(expected, abs=1e-9)


@given(ITEMS)
def test_the_names_of_groups_do_not_matter_and_finer_groups_are_never_worse(items):
    groups, classes = (list(one) for one in zip(*items, strict=True))
    renamed = [f"group {7 - group}" for group in groups]
    assert many_to_one(renamed, classes) == many_to_one(groups, classes)
    assert tuple(v_measure(renamed, classes)) == pytest.approx(tuple(v_measure(groups, classes)))
    finer = [(group, place % 2) for place, group in enumerate(groups)]
    assert many_to_one(finer, classes) >= many_to_one(groups, classes)
    assert many_to_one(range(len(classes)), classes) == 1.0


def test_nothing_and_unequal_lengths_are_refused():
    for groups, classes in (([], []), ([1], [1, 2])):
        with pytest.raises(InputError, match="give one of each for every item"):
            many_to_one(groups, classes)
