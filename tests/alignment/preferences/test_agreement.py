import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.preferences.agreement import agreement, cohens_kappa, fleiss_kappa, in_words
from groundup.errors import InputError

JUDGED = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30)


@given(JUDGED)
def test_cohens_kappa_is_scikit_learns(judged):
    metrics = pytest.importorskip("sklearn.metrics")
    first, second = (list(one) for one in zip(*judged, strict=True))
    if len(set(first + second)) > 1:  # theirs is nan where one judgement is all there is
        assert cohens_kappa(first, second) == pytest.approx(metrics.cohen_kappa_score(first, second))


def test_habits_alone_agree_often_and_are_no_agreement():
    first = ["a"] * 9 + ["b"] + (["a"] * 9 + ["b"]) * 9
    second = [["a"] * 9, ["b"]][0] * 10 + ["b"] * 10
    assert agreement(first, second) > 0.8 and abs(cohens_kappa(first, second)) < 0.15
    assert in_words(cohens_kappa(first, second)) in ("none", "slight")


def test_all_alike_is_1_and_contradiction_is_below_0():
    assert cohens_kappa("aaa", "aaa") == 1 and cohens_kappa("abab", "abab") == 1 and cohens_kappa("abab", "baba") == -1


def test_fleiss_kappa_is_that_of_his_table():
    """Ten items, 14 judges, 5 kinds: the table of Fleiss 1971 as it is quoted everywhere; kappa 0.210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    judged = [np.repeat(np.arange(5), row).tolist() for row in table]
    assert fleiss_kappa(judged) == pytest.approx(0.210, abs=0.0005)


def test_what_cannot_be_compared_is_one_sentence():
    with pytest.raises(InputError, match="3 and 2 judgements cannot be compared; give both judges the same items"):
        agreement("abc", "ab")
    with pytest.raises(InputError, match="give each item the same number, 2 or more"):
        fleiss_kappa([["a", "b"], ["a"]])
