"""BPE by its definition: textbook values, the two rules of counting, and what follows from them."""

import doctest

from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.text.tokenizers import bpe

WORDS = st.dictionaries(st.binary(min_size=1, max_size=12), st.integers(1, 9), min_size=1, max_size=8)
FEW_LETTERS = st.dictionaries(st.text("ab", min_size=1, max_size=14).map(str.encode), st.integers(1, 9), min_size=1)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(bpe).failed == 0


def test_the_textbook_corpus_gives_the_textbook_merges():
    # Sennrich et al. 2016, algorithm 1: low x5, lower x2, newest x6, widest x3, with an end-of-word mark
    words = {b"low_": 5, b"lower_": 2, b"newest_": 6, b"widest_": 3}
    assert bpe.train_bpe(words, 4) == [(b"e", b"s"), (b"es", b"t"), (b"est", b"_"), (b"l", b"o")]


def test_a_run_of_five_holds_the_pair_twice_as_merging_replaces_it_twice():
    assert bpe.count_pairs([b"a"] * 5)[b"a", b"a"] == 2
    assert bpe.merge_pair([b"a"] * 5, (b"a", b"a")) == [b"aa", b"aa", b"a"]
    # aaaaa three times gives (a, a) 6; xy seven times must win. Counting overlaps (12) would merge a run first.
    assert bpe.train_bpe({b"aaaaa": 3, b"xy": 7}, 1) == [(b"x", b"y")]


def test_the_merges_do_not_depend_on_where_the_text_starts():
    one, other = {b"bbb": 1, b"aaa": 1, b"dddd": 1, b"cccc": 1}, {b"aaa": 1, b"bbb": 1, b"cccc": 1, b"dddd": 1}
    assert bpe.train_bpe(one, 4) == bpe.train_bpe(other, 4)
    assert (
        bpe.train_bpe({b"bbbaaaddddcccc": 1}, 2)
        == bpe.train_bpe({b"aaabbbccccdddd": 1}, 2)
        == [(b"c", b"c"), (b"d", b"d")]
    )


@given(WORDS)
def test_the_order_of_the_words_makes_no_difference(words):
    assert bpe.train_bpe(words, 6) == bpe.train_bpe(dict(reversed(words.items())), 6)


@given(FEW_LETTERS)
@settings(deadline=None)
def test_what_is_counted_is_what_merging_replaces(words):
    for word in words:
        symbols = [bytes([byte]) for byte in word]
        for pair, count in bpe.count_pairs(symbols).items():
            assert len(symbols) - len(bpe.merge_pair(symbols, pair)) == count


@given(FEW_LETTERS)
@settings(deadline=None)
def test_no_two_merges_give_the_same_token(words):
    merges = bpe.train_bpe(words, 30)
    assert len({left + right for left, right in merges}) == len(merges)


@given(FEW_LETTERS)
@settings(deadline=None)
def test_training_stops_when_every_word_is_one_token(words):
    merges = bpe.train_bpe(words, 1000)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    assert all(bpe.encode_piece(word, ranks) == [word] for word in words)


@given(WORDS, st.binary(max_size=30))
def test_the_tokens_of_a_piece_joined_are_the_piece(words, piece):
    ranks = {pair: rank for rank, pair in enumerate(bpe.train_bpe(words, 10))}
    assert b"".join(bpe.encode_piece(piece, ranks)) == piece


def test_an_earlier_merge_wins_over_a_longer_token():
    ranks = {(b"b", b"c"): 0, (b"a", b"b"): 1, (b"ab", b"c"): 2}
    assert bpe.encode_piece(b"abc", ranks) == [b"a", b"bc"]
