"""ROC and average precision beside scikit-learn, and by counting pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.metrics.ranking import average_precision, roc_auc, roc_curve

ranked = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=25).filter(
    lambda pairs: 0 < sum(positive for positive, _ in pairs) < len(pairs)
)


@given(ranked)
def test_the_area_is_the_share_of_pairs_in_order_and_that_under_the_curve(pairs):
    truth, scores = (np.array(one, float) for one in zip(*pairs, strict=True))
    differences = scores[truth == 1][:, None] - scores[truth == 0]
    assert np.isclose(roc_auc(truth, scores), ((differences > 0) + 0.5 * (differences == 0)).mean())
    false, true, _ = roc_curve(truth, scores)
    assert np.isclose(np.trapezoid(true, false), roc_auc(truth, scores))
    assert np.isclose(roc_auc(truth, -scores), 1 - roc_auc(truth, scores))


@given(ranked)
def test_curve_area_and_precision_are_scikit_learns(pairs):
    theirs = pytest.importorskip("sklearn.metrics")
    truth, scores = (np.array(one, float) for one in zip(*pairs, strict=True))
    for ours, expected in zip(
        roc_curve(truth, scores), theirs.roc_curve(truth, scores, drop_intermediate=False), strict=True
    ):
        assert np.allclose(ours, expected)
    assert np.isclose(roc_auc(truth, scores), theirs.roc_auc_score(truth, scores))
    assert np.isclose(average_precision(truth, scores), theirs.average_precision_score(truth, scores))


def test_any_increasing_change_of_the_scores_leaves_the_area(generator):
    truth, scores = generator.integers(0, 2, 50), generator.normal(size=50)
    assert (
        roc_auc(truth, scores) == roc_auc(truth, np.exp(3 * scores)) == roc_auc(truth, 100 + scores.argsort().argsort())
    )


def test_equal_scores_are_chance_whatever_their_order():
    assert roc_auc([0, 1, 1, 0], [0.7] * 4) == 0.5 and roc_auc([1, 1, 0, 0], [0.7] * 4) == 0.5
    assert average_precision([1, 0, 0, 0], [0.7] * 4) == 0.25


def test_a_million_examples_do_not_overflow():
    truth = np.tile([0, 1], 500_000)
    assert roc_auc(truth, truth + 0.0) == 1


def test_truth_of_one_kind_or_of_other_numbers_is_refused():
    with pytest.raises(InputError, match="all examples are of one kind"):
        roc_auc([1, 1], [0.1, 0.2])
    with pytest.raises(InputError, match=r"a list of 0 \(negative\) and 1 \(positive\)"):
        roc_auc([1, 2], [0.1, 0.2])
    with pytest.raises(InputError, match="x has 3 rows and truth 2"):
        roc_auc([0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match=r"scores holds nan at \[0\]"):
        roc_auc([0, 1], [float("nan"), 0.2])
