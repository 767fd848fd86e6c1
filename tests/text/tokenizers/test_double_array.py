"""The trie finds what a dictionary finds, whatever the words; and it is the form that SentencePiece's own files have."""

import doctest
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.text.tokenizers import double_array
from groundup.text.tokenizers.double_array import build, common_prefixes

WORDS = st.sets(st.binary(min_size=1, max_size=8).filter(lambda word: 0 not in word), max_size=40)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(double_array).failed == 0


@settings(max_examples=150, deadline=None)
@given(WORDS, st.binary(max_size=12))
def test_exactly_the_words_that_begin_a_text_are_found(words, text):
    ordered = sorted(words)
    units = build(ordered, list(range(len(ordered)))).tolist()
    expected = [(n, ordered.index(text[:n])) for n in range(1, len(text) + 1) if text[:n] in words]
    assert common_prefixes(units, text) == expected
    for word in ordered:
        assert (len(word), ordered.index(word)) in common_prefixes(units, word + text)


def test_many_words_fill_many_blocks():
    choose = random.Random(4)
    words = sorted({bytes(choose.randint(1, 255) for _ in range(choose.randint(1, 5))) for _ in range(20_000)})
    units = build(words, list(range(len(words))))
    assert len(units) < 4 * sum(map(len, words))
    plain = units.tolist()
    for i in choose.sample(range(len(words)), 500):
        assert common_prefixes(plain, words[i])[-1] == (len(words[i]), i)


def test_large_values_come_back():
    assert common_prefixes(build([b"a"], [(1 << 31) - 1]).tolist(), b"a") == [(1, (1 << 31) - 1)]


@pytest.mark.parametrize("words", [[b""], [b"a\0b"], [b"a", b"a"]])
def test_words_that_the_form_cannot_hold_are_refused(words):
    with pytest.raises(InputError, match="a trie"):
        build(words, list(range(len(words))))
