"""The fast trainer gives the merges of the definition, in the same order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.text.tokenizers import byte_level_training
from groundup.text.tokenizers.bpe import train_bpe
from groundup.text.tokenizers.byte_level_counting import count_words
from groundup.text.tokenizers.byte_level_training import train_bpe_fast

WORDS = st.dictionaries(st.binary(min_size=1, max_size=12), st.integers(1, 9), max_size=8)
RUNS = st.lists(st.tuples(st.sampled_from(b"abc"), st.integers(1, 7)), min_size=1, max_size=6).map(
    lambda runs: b"".join(bytes([letter]) * length for letter, length in runs)
)


@given(WORDS)
@settings(deadline=None)
def test_the_merges_of_any_words_are_those_of_the_definition(words):
    assert train_bpe_fast(words, 12) == train_bpe(words, 12)


@given(st.dictionaries(RUNS, st.integers(1, 5), min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_the_merges_of_runs_are_those_of_the_definition(words):
    assert train_bpe_fast(words, 40) == train_bpe(words, 40)


def test_the_merges_of_text_are_those_of_the_definition(corpus):
    words = count_words([text.encode() for text in corpus], "qwen2")
    assert train_bpe_fast(words, 150) == train_bpe(words, 150)


def test_equal_counts_go_to_the_smaller_bytes_also_beyond_the_eighth():
    words = {b"abcdefghiZ": 5, b"abcdefghiA": 5, b"abcdefghjA": 5, b"abcdefghj": 1, b"\x00\x00\x00": 5, b"\x00": 9}
    assert train_bpe_fast(words, 60) == train_bpe(words, 60)


def test_more_pairs_than_there_is_room_for_make_room(monkeypatch, corpus):
    words = count_words([text.encode() for text in corpus], "qwen2")
    expected = train_bpe_fast(words, 280)
    monkeypatch.setattr(byte_level_training, "_CAPACITY", 1 << 11)
    assert train_bpe_fast(words, 280) == expected


def test_nothing_to_learn_gives_no_merges():
    assert train_bpe_fast({}, 5) == []
    assert train_bpe_fast({b"a": 3, b"b": 1}, 5) == []
    assert train_bpe_fast({b"ab": 3}, 0) == []
