"""Counted decisions beside scikit-learn, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.metrics.classification import (
    accuracy,
    average_scores,
    binary_scores,
    confusion_matrix,
    scores_by_class,
)

pairs = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=30)


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(pairs)
def test_every_score_is_scikit_learns(decisions):
    theirs = pytest.importorskip("sklearn.metrics")
    truth, predicted = map(list, zip(*decisions, strict=True))
    assert (confusion_matrix(truth, predicted)[1] == theirs.confusion_matrix(truth, predicted)).all()
    assert accuracy(truth, predicted) == pytest.approx(theirs.accuracy_score(truth, predicted))
    for average in (None, "macro", "micro", "weighted"):
        expected = theirs.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)[:3]
        ours = average_scores(truth, predicted, average) if average else scores_by_class(truth, predicted)[1]
        assert np.allclose([*ours], [*expected])
    assert average_scores(truth, predicted, "micro").f1 == pytest.approx(accuracy(truth, predicted))


def test_always_saying_no_is_accurate_and_finds_nothing():
    truth, predicted = [1] + [0] * 99, [0] * 100
    assert accuracy(truth, predicted) == 0.99 and binary_scores(truth, predicted) == (0, 0, 0)


def test_one_class_is_chosen_by_its_name():
    truth, predicted = ["spam", "spam", "ham", "ham", "ham"], ["spam", "ham", "spam", "ham", "ham"]
    assert binary_scores(truth, predicted, "spam") == (0.5, 0.5, 0.5)
    assert binary_scores(truth, predicted, "ham").recall == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="no label is 1; positive is one of ham, spam"):
        binary_scores(truth, predicted)


def test_rows_are_the_truth():
    assert confusion_matrix([0, 0, 1], [1, 1, 1])[1].tolist() == [[0, 2], [0, 1]]


def test_lists_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"truth \(2,\) and predicted \(1,\) do not fit"):
        accuracy([0, 1], [0])
    with pytest.raises(InputError, match="use the same kind of labels in both"):
        accuracy([0, 1], ["0", "1"])
    with pytest.raises(InputError, match="no average 'mean'; use macro, micro or weighted"):
        average_scores([0], [0], "mean")
