"""Sets against scikit-learn and Python's own, De Morgan on masks, and truth tables against a loop over all cases."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import jaccard_score

from groundup.errors import InputError
from groundup.foundations.discrete.sets_logic import (
    equivalent,
    jaccard,
    jaccard_of_masks,
    mask_of,
    masks,
    members,
    shingles,
    subset,
    truth_table,
    union_size,
)

SETS = st.sets(st.integers(0, 9))
MASKS = arrays(np.bool_, 10)


@given(SETS, SETS)
def test_jaccard_of_sets_is_that_of_their_masks_and_scikit_learns(one, other):
    first, second = mask_of(one, 10), mask_of(other, 10)
    expected = jaccard_score(first, second, zero_division=1.0)
    assert jaccard(one, other) == jaccard(other, one) == jaccard_of_masks(first, second) == pytest.approx(expected)


@given(SETS, SETS, SETS)
def test_one_less_jaccard_is_a_distance(a, b, c):
    assert (jaccard(a, b) == 1) == (a == b)
    assert 1 - jaccard(a, c) <= (1 - jaccard(a, b)) + (1 - jaccard(b, c)) + 1e-12


def test_what_stands_twice_counts_once():
    assert jaccard([1, 1, 1, 2], [2, 2, 3]) == 1 / 3


@given(st.text("abc", max_size=12), st.integers(1, 5))
def test_shingles_are_the_runs_of_a_text(text, size):
    found = shingles(text, size)
    assert found == {"".join(run) for run in zip(*(text[start:] for start in range(size)), strict=False)} or found == {
        text
    }
    assert found


@given(SETS)
def test_a_mask_and_its_members_are_the_same_set(numbers):
    assert members(mask_of(numbers, 10)) == numbers


@given(MASKS, MASKS)
def test_masks_behave_as_sets_and_de_morgan_holds(first, second):
    a, b = members(first), members(second)
    assert members(first & second) == a & b and members(first | second) == a | b
    assert members(~first) == set(range(10)) - a and subset(first, second) == (a <= b)
    assert (~(first & second) == (~first | ~second)).all() and (~(first | second) == (~first & ~second)).all()


@given(st.lists(SETS, max_size=5))
def test_inclusion_and_exclusion_counts_the_union(sets):
    assert union_size(sets) == len(set().union(*sets))


@pytest.mark.parametrize("variables", [1, 2, 3])
def test_a_truth_table_goes_through_all_cases_in_order(variables):
    table = truth_table(lambda *values: np.logical_xor.reduce(values), variables)
    assert table.tolist() == [sum(case) % 2 == 1 for case in itertools.product([False, True], repeat=variables)]


def test_laws_hold_in_every_case_and_a_wrong_one_does_not():
    assert equivalent(lambda a, b, c: a & (b | c), lambda a, b, c: (a & b) | (a & c), 3)
    assert equivalent(lambda a, b: ~a | b, lambda a, b: ~(a & ~b), 2)
    assert not equivalent(lambda a, b: ~(a & b), lambda a, b: ~a & ~b, 2)
    assert equivalent(lambda a: a | ~a, lambda a: np.True_, 1)


def test_mistakes_are_named():
    for mistake, sentence in (
        (lambda: members([0, 1]), "a mask is of int64, and ~ would flip its bits; make it boolean by mask != 0"),
        (lambda: masks([True], [True, False]), r"shapes \(1,\) and \(2,\) are no sets of the same things"),
        (lambda: mask_of([3], 3), "3 lies outside of 0 to 2; give a larger size"),
        (lambda: shingles("a", 0), "size=0 is no length of a run"),
        (lambda: truth_table(lambda: True, 0), "0 variables have no table"),
        (lambda: truth_table(lambda a: 1, 1), "gives no truth value for each case"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()
