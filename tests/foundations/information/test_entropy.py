"""Entropy against scipy and scikit-learn, its laws on random tables, and the sentences for what is no distribution."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics import mutual_info_score

from groundup.errors import InputError
from groundup.foundations import information
from groundup.foundations.information.entropy import (
    conditional_entropy,
    distribution,
    entropy,
    entropy_of_counts,
    mutual_information,
    pairs,
    surprise,
    surprises,
)

weights = st.floats(0, 1, allow_subnormal=False)
TABLES = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=weights).filter(
    lambda table: table.sum() > 1e-3
)


@given(TABLES)
def test_it_is_scipys(table):
    assert entropy(table / table.sum()) == pytest.approx(scipy_entropy(table.ravel(), base=2), abs=1e-12)


@given(TABLES)
def test_it_lies_between_none_and_the_logarithm_of_the_possibilities(table):
    assert -1e-12 <= entropy(table / table.sum()) <= math.log2(table.size) + 1e-12


def test_shannons_example_is_seven_quarters_of_a_bit():
    assert entropy([1 / 2, 1 / 4, 1 / 8, 1 / 8]) == 1.75  # 1948, section 7


def test_what_is_certain_is_exactly_zero_and_not_minus_zero():
    assert math.copysign(1, entropy([0.0, 1.0])) == 1 and entropy([1.0]) == 0


def test_a_tiny_probability_is_no_nan():
    assert 0 < entropy([5e-324, 1.0]) < 1e-300 and entropy(np.array([1e-30, 1], np.float32)) < 1e-25


@given(TABLES)
def test_the_chain_rule_holds_and_information_is_mutual(table):
    p = table / table.sum()
    assert conditional_entropy(p) == pytest.approx(entropy(p) - entropy(p.sum(1)), abs=1e-12)
    told = entropy(p.sum(0)) - conditional_entropy(p)
    assert mutual_information(p) == pytest.approx(told, abs=1e-9) == mutual_information(p.T)


def test_mutual_information_is_scikit_learns():
    counts = np.array([[10, 2, 0], [3, 8, 1]])
    expected = mutual_info_score(None, None, contingency=counts) / math.log(2)  # theirs is in nats
    assert mutual_information(counts / counts.sum()) == pytest.approx(expected, abs=1e-12)


def test_independent_variables_tell_nothing_about_each_other():
    p = np.outer([0.1, 0.2, 0.7], [0.35, 0.65])
    assert 0 <= mutual_information(p) < 1e-12
    assert mutual_information([[0.5, 1e-320], [0.0, 0.5]]) == pytest.approx(1)


def test_a_pairs_table_forgets_with_the_distance_and_remembers_a_period():
    text = "abc" * 50
    assert mutual_information(pairs(text, 3)) == pytest.approx(math.log2(3), abs=1e-9)
    drawn = np.random.default_rng(0).integers(0, 3, 20_000).tolist()
    assert mutual_information(pairs(drawn, 1)) < 0.001
    assert pairs([1, "b", 1]).shape == (2, 2)


def test_the_surprises_of_a_text_sum_to_that_of_all_of_it():
    model = {0: [0.5, 0.25, 0.25], 1: [0.0, 1.0, 0.0], 2: [0.125, 0.125, 0.75]}
    bits = surprises([0, 1, 2, 2], lambda before: model[len(before) % 3])
    assert bits.tolist() == [1.0, 0.0, -math.log2(0.75), 2.0]
    assert surprises([], lambda before: [1.0]).tolist() == []
    assert surprise(0.25) == 2 and surprises([0], lambda before: [0.0, 1.0])[0] == math.inf


def test_millers_correction_brings_a_small_samples_entropy_nearer():
    truth, generator = np.full(16, 1 / 16), np.random.default_rng(0)
    samples = [np.bincount(generator.choice(16, 40, p=truth), minlength=16) for _ in range(200)]
    plain = np.mean([entropy(counts / 40) for counts in samples])
    corrected = np.mean([entropy_of_counts(counts) for counts in samples])
    assert plain < 3.8 and abs(corrected - 4) < (4 - plain) / 4


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ([], "are empty; give at least one"),
        ([0.5, float("nan")], "NaN or infinity"),
        ([-0.5, 1.5], "hold -0.5, and none may be negative; are these log-probabilities"),
        ([0.3, 0.3], "sum to 0.6 instead of 1; divide them by their sum"),
    ],
)
def test_what_is_no_distribution_is_refused_with_the_way_out(numbers, sentence):
    with pytest.raises(InputError, match=sentence):
        entropy(numbers)


def test_other_mistakes_are_named():
    for mistake, sentence in (
        (lambda: mutual_information([0.5, 0.5]), r"shape \(2,\); give a matrix"),
        (lambda: surprise(1.5), "1.5 is no probability"),
        (lambda: surprises([3], lambda before: [0.5, 0.5]), "token 3 has no probability among 2"),
        (lambda: pairs("abc", 3), "no pair at distance 3 in 3 symbols; use 1 to 2"),
        (lambda: entropy_of_counts([0, 0]), "counts must be 0 or more, and not all 0"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()


def test_a_softmax_in_single_precision_is_taken_as_it_is():
    logits = np.random.default_rng(0).normal(size=150_000).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum()
    assert distribution(p).dtype == np.float64


def test_the_folders_table_of_contents_is_true():
    assert all(callable(getattr(information, name)) for name in information._EXPORTS)
    with pytest.raises(AttributeError, match="has no 'entropie'; it has conditional_entropy, "):
        information.entropie  # noqa: B018
