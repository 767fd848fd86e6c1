"""BPE over characters: the fast trainer gives the merges of the definition, in the same order."""

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.text.tokenizers import character_bpe_training, wordpiece_training
from groundup.text.tokenizers.bpe import train_bpe
from groundup.text.tokenizers.character_bpe_training import train_character_bpe, train_character_bpe_fast
from groundup.text.tokenizers.sentencepiece_training import count_marked_words

WORDS = st.dictionaries(st.text("abcdé▁猫😀", min_size=1, max_size=9), st.integers(1, 9), max_size=10)
RUNS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=1, max_size=6).map(
    lambda runs: "".join(letter * length for letter, length in runs)
)
LONGEST = st.sampled_from([2, 3, 4, 16])


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(character_bpe_training).failed == 0


@given(WORDS, LONGEST)
@settings(deadline=None, max_examples=200)
def test_the_merges_of_any_words_are_those_of_the_definition(words, longest):
    assert train_character_bpe_fast(words, 40, longest) == train_character_bpe(words, 40, longest)


@given(st.dictionaries(RUNS, st.integers(1, 5), min_size=1, max_size=8), LONGEST)
@settings(deadline=None, max_examples=200)
def test_the_merges_of_runs_are_those_of_the_definition_and_no_piece_comes_twice(words, longest):
    merges = train_character_bpe_fast(words, 60, longest)
    assert merges == train_character_bpe(words, 60, longest)
    assert len({left + right for left, right in merges}) == len(merges)
    assert all(len(left + right) <= longest for left, right in merges)


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=9), st.integers(1, 9), max_size=10))
@settings(deadline=None, max_examples=50)
def test_over_ascii_the_merges_are_those_over_bytes(words):
    over_bytes = train_bpe({word.encode(): times for word, times in words.items()}, 30)
    expected = [(left.decode(), right.decode()) for left, right in over_bytes]
    assert train_character_bpe_fast(words, 30) == expected


def test_more_pairs_than_there_is_room_for_make_room(monkeypatch, corpus):
    words = count_marked_words("▁" + text.replace(" ", "▁") for text in corpus)
    expected = train_character_bpe(words, 120)
    monkeypatch.setattr(wordpiece_training, "_CAPACITY", 1)
    monkeypatch.setattr(wordpiece_training, "_SPARE_NAMES", 1)
    assert train_character_bpe_fast(words, 120) == expected


@pytest.mark.parametrize("train", [train_character_bpe, train_character_bpe_fast])
def test_words_that_cannot_be_learned_from_are_refused(train):
    for words in ({"": 1}, {"a": 0}):
        with pytest.raises(InputError, match="leave it out"):
            train(words, 9)
    with pytest.raises(InputError, match="use 2 or more"):
        train({"ab": 1}, 9, 1)
    assert train({}, 9) == train({"a": 3}, 9) == []
