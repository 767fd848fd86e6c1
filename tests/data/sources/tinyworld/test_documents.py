"""Documents of the small world: one derivation each, exact probabilities, disjoint splits, a stated entropy."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.sources.tinyworld import documents
from groundup.errors import InputError


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(["train", "unseen"]))
def test_a_sampled_document_reads_back_to_the_derivation_that_made_it(seed, split):
    [document] = documents.sample(seed, 1, split)
    read = documents.parse(document.text, split)
    assert read.choices == document.derivation.choices
    assert math.isclose(read.log_probability, document.log_probability, rel_tol=1e-12)


def test_sampling_twice_gives_the_same_documents():
    first = [d.text for d in documents.sample(3, 30)]
    assert first == [d.text for d in documents.sample(3, 30)]
    assert first != [d.text for d in documents.sample(4, 30)]


def test_training_and_heldout_documents_are_disjoint():
    train = {d.text for d in documents.sample(0, 500, "train")}
    heldout = {d.text for d in documents.sample(0, 50, "heldout")}
    assert len(train) == 500 and not train & heldout
    assert all(documents.is_heldout(text) for text in heldout)


def test_no_training_document_contains_a_heldout_question():
    questions = [q for d in documents.sample(1, 500) for _, q, _ in d.questions]
    assert len(questions) > 200 and not any(documents.is_heldout(q) for q in questions)


def test_an_unknown_split_names_the_splits():
    with pytest.raises(InputError, match="use one of train, heldout, unseen"):
        list(documents.sample(0, 1, "test"))


def test_a_foreign_text_is_refused_with_its_place():
    with pytest.raises(InputError, match="at character 0"):
        documents.parse("Once upon a time there was a king.")


def test_entropy_states_an_error_that_two_seeds_agree_within():
    one, two = documents.entropy(600, 1, "train"), documents.entropy(600, 2, "train")
    assert abs(one.bits_per_byte - two.bits_per_byte) < 4 * math.hypot(one.standard_error, two.standard_error)
    assert one.standard_error < 0.03 * one.bits_per_byte
