"""Words as tokens, and what becomes of those that have none."""

import json
from collections import Counter

import pytest

from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers.formats import to_dicts
from groundup.text.tokenizers.pre_tokenizers import Whitespace
from groundup.text.tokenizers.word import (
    WordLevel,
    count_words,
    fnv_1a,
    shared_buckets,
    train_word_tokenizer,
    unknown_share,
    word_id,
)


def test_the_hash_is_the_published_one():
    """Test vectors of Landon Noll's page for FNV-1a, 32 bits."""
    assert [fnv_1a(text) for text in ("", "a", "b", "foobar")] == [0x811C9DC5, 0xE40C292C, 0xE70C2DE5, 0xBF9CF968]


def test_a_word_has_its_id_or_its_bucket():
    vocabulary = {"<unk>": 0, "cat": 1}
    assert word_id("cat", vocabulary, 5) == 1 and word_id("dog", vocabulary) == 0
    ids = {word_id(f"word{i}", vocabulary, 5) for i in range(100)}
    assert ids == {2, 3, 4, 5, 6} and word_id("dog", vocabulary, 1) == 2


def test_what_is_unknown_is_measured():
    train, held_out = count_words(["the cat sat on the mat"]), count_words(["the dog sat, the cat"])
    assert train == Counter({"the": 2, "cat": 1, "sat": 1, "on": 1, "mat": 1})
    assert unknown_share(held_out, train) == {"text": 2 / 6, "words": 2 / 5} and unknown_share({}, train)["text"] == 0
    assert unknown_share(train, train) == {"text": 0.0, "words": 0.0}


def test_a_lower_cut_off_leaves_less_unknown(corpus):
    held_out = count_words(corpus[::2])
    shares = []
    for least in (1, 2, 4, 50):
        tokenizer = train_word_tokenizer(corpus[1::2], min_count=least)
        shares.append(unknown_share(held_out, tokenizer.vocabulary)["text"])
    assert shares == sorted(shares) and shares[0] < shares[-1]


def test_fewer_buckets_are_shared_more():
    words = [f"w{i}" for i in range(500)]
    shares = [shared_buckets(words, buckets) for buckets in (1, 100, 1_000, 100_000)]
    assert shares == sorted(shares, reverse=True) and shares[0] == 1.0 and shares[-1] < 0.02
    with pytest.raises(ConfigError, match="buckets=0"):
        shared_buckets(words, 0)


def test_ids_are_those_of_tokenizers(corpus, strings):
    tokenizers = pytest.importorskip("tokenizers")
    ours = train_word_tokenizer(corpus, min_count=2)
    theirs = tokenizers.Tokenizer.from_str(json.dumps(to_dicts(ours)[0]))
    for text in strings(1_500, seed=8) + corpus[:20]:
        got = ours.encode(text, allow_special=True)
        assert got == theirs.encode(text, add_special_tokens=False).ids
        assert ours.decode(got) == theirs.decode(got, skip_special_tokens=False)
    assert ours.encode_batch(corpus[:5]) == [ours.encode(text) for text in corpus[:5]]


def test_the_one_pattern_cuts_as_the_pre_tokenizer_does(strings):
    for text in strings(1_500, seed=11):
        assert count_words([text]) == count_words([text], Whitespace())


def test_the_learners_function_takes_the_fast_forms_place(tmp_path, child):
    (tmp_path / "word_id.py").write_text("def word_id(word, vocabulary, buckets=0, unknown='<unk>'):\n    return 7\n")
    said = child(
        f"from groundup import slots; slots.use({str(tmp_path)!r})\n"
        "from groundup.text.tokenizers.word import train_word_tokenizer\n"
        "print(train_word_tokenizer(['a a b b']).encode('a b c'))"
    )
    assert said.strip() == "[7, 7, 7]"


def test_the_vocabulary_has_the_stated_order():
    tokenizer = train_word_tokenizer(["b b a a c"], min_count=1, vocab_size=4, special_tokens=("[UNK]", "[PAD]"))
    assert tokenizer.vocabulary == {"[UNK]": 0, "[PAD]": 1, "a": 2, "b": 3}
    assert tokenizer.encode("a c [PAD]")[:2] == [2, 0] and tokenizer.unk_token_id == 0


def test_a_model_is_read_as_it_was_written():
    model = WordLevel({"<unk>": 0, "a": 1})
    assert WordLevel.from_json(model.to_json()).vocabulary == model.vocabulary and model.encode_piece("x") == [0]


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        ({"vocab": {"a": 0}, "dropout": 1}, UnsupportedModel, "option 'dropout'"),
        ({"vocab": {"a": 0, "b": 0}}, FormatError, "two tokens"),
        ({"vocab": {"a": -1}}, FormatError, "no vocab"),
        ({"vocab": ["a"]}, FormatError, "no vocab"),
        ({}, FormatError, "no vocab"),
    ],
)
def test_a_damaged_model_is_refused(raw, error, words):
    with pytest.raises(error, match=words):
        WordLevel.from_json({"type": "WordLevel"} | raw)


def test_a_word_without_an_id_is_named():
    with pytest.raises(InputError, match="'dog' is not in the vocabulary and there is no '<unk>'"):
        WordLevel({"cat": 0}).encode_piece("dog")


def test_no_text_and_no_room_are_refused():
    with pytest.raises(InputError, match="no word"):
        train_word_tokenizer([" "])
    with pytest.raises(ConfigError, match="vocab_size=1"):
        train_word_tokenizer(["a"], vocab_size=1)
