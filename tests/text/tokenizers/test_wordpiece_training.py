"""The fast trainer gives the tokens of the definition, in the same order; its words are BERT's."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.text.tokenizers import wordpiece_training
from groundup.text.tokenizers.wordpiece import RULES, train_wordpiece
from groundup.text.tokenizers.wordpiece_training import count_words, train_wordpiece_fast

RULE = st.sampled_from(RULES)
WORDS = st.dictionaries(st.text("abcdeé猫", min_size=1, max_size=9), st.integers(1, 9), max_size=10)
RUNS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=1, max_size=6).map(
    lambda runs: "".join(letter * length for letter, length in runs)
)


@given(WORDS, RULE, st.integers(1, 4))
@settings(deadline=None, max_examples=200)
def test_the_tokens_of_any_words_are_those_of_the_definition(words, rule, least):
    expected = train_wordpiece(words, 40, rule, "ab", least)
    assert train_wordpiece_fast(words, 40, rule, "ab", least) == expected


@given(st.dictionaries(RUNS, st.integers(1, 5), min_size=1, max_size=8), RULE)
@settings(deadline=None, max_examples=200)
def test_the_tokens_of_runs_are_those_of_the_definition(words, rule):
    assert train_wordpiece_fast(words, 60, rule) == train_wordpiece(words, 60, rule)


@pytest.mark.parametrize("rule", RULES)
def test_more_pairs_than_there_is_room_for_make_room(monkeypatch, corpus, rule):
    words = count_words(text.encode() for text in corpus)
    expected = train_wordpiece(words, 260, rule)
    monkeypatch.setattr(wordpiece_training, "_CAPACITY", 1)
    monkeypatch.setattr(wordpiece_training, "_SPARE_NAMES", 1)
    assert train_wordpiece_fast(words, 260, rule) == expected


def test_a_pair_whose_score_rises_because_its_parts_are_used_up_is_found():
    # ##b is in three pairs at first; what takes most of it away makes the others likelier
    words = {"ab": 20, "cb": 3, "db": 2, "ee": 9, "fe": 4}
    assert train_wordpiece_fast(words, 30) == train_wordpiece(words, 30)


def test_words_are_those_of_the_normaliser_and_the_splitter_of_tokenizers(strings):
    tokenizers = pytest.importorskip("tokenizers")
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    texts = [*strings(2000, seed=21), "가나다", "İ\u0301", "a\u0300猫-b", "\x00\x0b", ""]
    for options in ({}, {"lowercase": False}, {"clean_text": False, "handle_chinese_chars": False}):
        normalizer = tokenizers.normalizers.BertNormalizer(**options)
        expected = Counter(
            word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
        )
        assert count_words([text.encode() for text in texts], **options) == expected


def test_words_are_counted_across_batches(monkeypatch, corpus):
    whole = count_words(text.encode() for text in corpus)
    monkeypatch.setattr(wordpiece_training, "_BATCH_BYTES", 300)
    assert count_words(text.encode() for text in corpus) == whole


def test_more_characters_than_it_counts_are_refused():
    with pytest.raises(InputError, match="give a sample"):
        train_wordpiece_fast({"ab": 1 << 31}, 9)


@pytest.mark.parametrize("words", [{"": 1}, {"##a": 1}, {"a": 0}])
def test_words_that_the_definition_refuses_are_refused(words):
    for train in (train_wordpiece, train_wordpiece_fast):
        with pytest.raises(InputError, match="leave it out"):
            train(words, 9)
    with pytest.raises(InputError, match="use vocab_size=2 at least"):
        train_wordpiece_fast({"ab": 1}, 1)


def test_nothing_to_learn_gives_the_alphabet():
    assert train_wordpiece_fast({}, 5) == []
    assert train_wordpiece_fast({"a": 3, "b": 1}, 5) == ["a", "b"]
    assert train_wordpiece_fast({"ab": 3}, 2) == ["##b", "a"]
