"""The suffix array is that of sorted suffixes; passages are struck where they come again, whole characters only."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.dedup import substring
from groundup.data.dedup.suffix_array import lcp, suffix_array, suffix_array_reference
from groundup.errors import ConfigError, InputError


def by_sorting(text):
    return sorted(range(len(text)), key=lambda at: text[at:])


few = st.binary(max_size=80) | st.lists(st.sampled_from(b"ab"), max_size=120).map(bytes)


@settings(deadline=None, max_examples=100)
@given(few)
def test_the_suffix_array_is_that_of_sorted_suffixes(text):
    assert suffix_array(text).tolist() == by_sorting(text) == suffix_array_reference(text)


@pytest.mark.parametrize(
    "text", [b"", b"a", b"aa", b"mississippi", b"\xff\x00\xff", b"a" * 500, b"ab" * 300, b"abc" * 99 + b"ab"]
)
def test_suffixes_of_repetitive_texts_are_sorted(text):
    assert suffix_array(text).tolist() == by_sorting(text)


def test_deeply_recursive_texts_are_sorted():
    one, other = b"a", b"ab"
    for _ in range(15):
        one, other = other, other + one  # a Fibonacci word: names repeat on every level
    assert suffix_array(other).tolist() == by_sorting(other)
    draw = random.Random(3)
    for size in (2, 3, 200):
        text = bytes(draw.randrange(size) for _ in range(5000))
        assert suffix_array(text).tolist() == by_sorting(text)


def test_token_ids_are_sorted_too():
    ids = np.random.default_rng(0).integers(0, 50_000, 400) % 7 * 9001
    assert suffix_array(ids).tolist() == by_sorting(ids.tolist())
    with pytest.raises(InputError, match="give ids"):
        suffix_array(np.array([1, -2]))
    with pytest.raises(InputError, match="give ids"):
        suffix_array(np.array([1.5]))


@settings(deadline=None)
@given(few)
def test_common_prefixes_are_counted(text):
    order = suffix_array(text)
    shared = lcp(np.frombuffer(text, np.uint8), order)
    for rank, at in enumerate(order.tolist()):
        before = text[order[rank - 1] :] if rank else b""
        length = 0
        while length < min(len(before), len(text) - at) and before[length] == text[at + length]:
            length += 1
        assert shared[at] == length


@settings(deadline=None)
@given(few)
def test_the_longest_repeat_is_that_of_the_reference(text):
    found = substring.longest_repeat(text)
    assert found == substring.longest_repeat_reference(text)
    longer = {text[at : at + len(found) + 1] for at in range(len(text) - len(found))}
    assert len(longer) == len(text) - len(found), "nothing longer comes twice"


documents = st.lists(st.lists(st.sampled_from("abcé"), max_size=40).map("".join), max_size=6)


@settings(deadline=None, max_examples=80)
@given(documents, st.integers(1, 6))
def test_struck_bytes_are_those_of_windows_seen_before(texts, min_bytes):
    marks = substring.repeats_reference([text.encode() for text in texts], min_bytes)
    for text, mine, struck in zip(texts, marks, substring.strike(texts, min_bytes), strict=True):
        left = bytes(byte for byte, marked in zip(text.encode(), mine, strict=True) if not marked)
        whole = all(not mark or all(piece) for piece, mark in _characters(text, mine))
        assert struck.text.encode() == left if whole else len(struck.text.encode()) >= len(left)
        rest = list(text)
        for passage in reversed(struck.passages):
            del rest[passage.begin : passage.end]
        assert "".join(rest) == struck.text


def _characters(text, marks):
    at = 0
    for character in text:
        piece = marks[at : at + len(character.encode())]
        at += len(piece)
        yield piece, any(piece)


def test_a_passage_is_named_with_where_it_stood_first():
    licence = "Permission is hereby granted, free of charge, to any person — naïve or not."
    texts = ["Über uns. " + licence, "nothing", "Ä: " + licence + " The end."]
    struck = list(substring.strike(texts, 30))
    assert [one.text for one in struck] == [texts[0], "nothing", "Ä: The end."] or struck[2].text == "Ä:  The end."
    (passage,) = struck[2].passages
    assert passage.first == 0 and texts[2][passage.begin : passage.end] in texts[0]
    assert texts[0][passage.first_begin :].startswith(texts[2][passage.begin : passage.end])


def test_no_passage_reaches_over_the_end_of_a_document():
    texts = ["one two", "three four", "one two", "three four five"]
    assert [one.text for one in substring.strike(texts, 9)] == ["one two", "three four", "one two", " five"]


def test_parts_bound_the_memory_and_what_is_found():
    texts = ["the same sentence"] * 4
    assert [one.text for one in substring.strike(texts, 8, part_bytes=30)] == [texts[0], "", texts[0], ""]
    numbers = [passage.first for one in substring.strike(texts, 8, part_bytes=30) for passage in one.passages]
    assert numbers == [0, 2]


def test_empty_and_strange_input():
    assert [one.text for one in substring.strike(["", "", "\udc80" * 9, "\udc80" * 9], 6)][:2] == ["", ""]
    assert list(substring.strike([])) == []
    with pytest.raises(ConfigError, match="50 to 500"):
        list(substring.strike(["a"], 0))
