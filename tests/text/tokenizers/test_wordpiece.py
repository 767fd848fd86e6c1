"""WordPiece by its definition: the textbook's numbers, and Hugging Face `tokenizers` as the oracle."""

import doctest
import random

import pytest

from groundup.errors import ConfigError, GroundupError, InputError
from groundup.text.tokenizers import wordpiece
from groundup.text.tokenizers.wordpiece import WordPiece, best_pair, encode_word, pair_score, train_wordpiece

HUGS = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}  # the example of Hugging Face's course
TOKENS = ["[UNK]", "un", "##aff", "##able", "##a", "##ff", "a", "##b", "##ä", "ä", "##le", "une"]
VOCABULARY = {token: id for id, token in enumerate(TOKENS)}


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(wordpiece).failed == 0


def test_the_longest_token_comes_first_even_if_it_leads_nowhere():
    assert encode_word("unaffable", VOCABULARY) == ["un", "##aff", "##able"]
    assert encode_word("uneff", VOCABULARY) == ["une", "##ff"]
    assert encode_word("unea", {"un": 0, "une": 1, "##ea": 2}) == ["[UNK]"], "un ##ea would fit, but une is longer"
    assert encode_word("", VOCABULARY) == []


def test_ids_are_those_of_tokenizers():
    tokenizers = pytest.importorskip("tokenizers")
    choose = random.Random(5)
    for limit in (100, 6):
        model = WordPiece(VOCABULARY, max_input_chars_per_word=limit)
        theirs = tokenizers.Tokenizer(
            tokenizers.models.WordPiece(VOCABULARY, unk_token="[UNK]", max_input_chars_per_word=limit)
        )
        for _ in range(500):
            word = "".join(
                choose.choice(["un", "a", "ff", "able", "ä", "b", "le", "e", "#"]) for _ in range(choose.randint(1, 6))
            )
            assert model.encode_piece(word) == theirs.encode(word).ids, word


def test_a_word_of_101_characters_is_unknown_and_one_of_100_is_not():
    model = WordPiece({"[UNK]": 0, "a": 1, "##a": 2})
    assert model.encode_piece("a" * 100) == [1] + [2] * 99
    assert model.encode_piece("a" * 101) == [0]


def test_the_model_reads_what_it_writes_and_what_tokenizers_writes():
    tokenizers = pytest.importorskip("tokenizers")
    import json

    model = WordPiece(VOCABULARY, max_input_chars_per_word=50)
    assert WordPiece.from_json(model.to_json()).to_json() == model.to_json()
    theirs = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(VOCABULARY, unk_token="[UNK]", max_input_chars_per_word=50)
    )
    raw = json.loads(theirs.to_str())["model"]
    assert WordPiece.from_json(raw).to_json() == model.to_json() == raw


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"vocab": VOCABULARY, "dropout": 0.1}, "option 'dropout', which is not implemented"),
        ({"type": "BPE", "vocab": {}}, "is BPE, not WordPiece"),
        ({"type": "WordPiece"}, "no vocab of tokens and ids"),
        ({"vocab": {"[UNK]": 0, "a": "1"}}, "no vocab of tokens and ids"),
        ({"vocab": {"[UNK]": 0, "a": 0}}, "have one id"),
        ({"vocab": {"a": 0}}, "no '\\[UNK\\]'"),
        ({"vocab": VOCABULARY, "max_input_chars_per_word": 0}, "use 100 as BERT does"),
    ],
)
def test_a_model_that_would_be_read_wrongly_is_refused(raw, sentence):
    with pytest.raises(GroundupError, match=sentence):
        WordPiece.from_json(raw)


def test_the_first_pair_is_the_textbooks_with_its_score():
    pairs = {("##g", "##s"): 5, ("##u", "##g"): 20, ("h", "##u"): 15, ("p", "##u"): 17}
    symbols = {"##g": 20, "##s": 5, "##u": 36, "h": 15, "p": 17}
    assert pair_score(("##g", "##s"), pairs, symbols) == 1 / 20
    assert pair_score(("##u", "##g"), pairs, symbols) == pair_score(("h", "##u"), pairs, symbols) == 1 / 36
    assert best_pair(pairs, symbols) == ("##g", "##s")
    assert best_pair(pairs, symbols, "frequency") == ("##u", "##g")
    assert train_wordpiece(HUGS, 7) == ["##g", "##n", "##s", "##u", "b", "h", "p"]
    assert train_wordpiece(HUGS, 8)[7:] == ["##gs"]


def test_of_equal_scores_the_more_frequent_pair_and_then_the_smaller_text():
    # after ##gs every pair with ##u has 1/36: p ##u occurs 17 times, h ##u 15, b ##u 4
    assert train_wordpiece(HUGS, 11)[8:] == ["pu", "hu", "bu"]
    assert train_wordpiece({"ab": 2, "cd": 2}, 5)[4:] == ["ab"]
    assert train_wordpiece({"cd": 2, "ab": 2}, 5)[4:] == ["ab"]


def test_frequency_learns_what_tokenizers_learns_where_no_two_pairs_are_equally_frequent():
    tokenizers = pytest.importorskip("tokenizers")
    words = {"ab": 50, "abc": 30, "abcd": 7, "xbc": 11, "xb": 2}
    theirs = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=12, show_progress=False)  # 8 letters and 4 merges
    theirs.train_from_iterator([" ".join([word] * times) for word, times in words.items()], trainer)
    learned = {token for token in theirs.get_vocab() if len(token.removeprefix("##")) > 1}
    assert learned == {"ab", "abc", "xb", "xbc"} == set(train_wordpiece(words, 9, "frequency")[5:])
    assert train_wordpiece(words, 6)[5:] == ["##cd"], "7 of 7 times behind a ##c"


def test_the_order_of_the_words_does_not_matter():
    for rule in wordpiece.RULES:
        assert train_wordpiece(HUGS, 20, rule) == train_wordpiece(dict(reversed(HUGS.items())), 20, rule)


def test_every_word_of_the_training_is_spelled_by_its_vocabulary():
    for size in (7, 9, 14, 99):
        vocabulary = {token: id for id, token in enumerate(train_wordpiece(HUGS, size))}
        for word in HUGS:
            tokens = encode_word(word, vocabulary)
            assert "".join(token.removeprefix("##") for token in tokens) == word


def test_a_rare_pair_can_be_kept_out():
    words = {"xy": 1, "hug": 10, "hugs": 5}
    assert train_wordpiece(words, 8)[6] == "xy", "once, and always together: nothing scores higher"
    assert "xy" not in train_wordpiece(words, 99, min_frequency=2)


def test_characters_asked_for_have_both_forms():
    assert train_wordpiece({"ab": 1}, 6, characters="bz") == ["##b", "##z", "a", "b", "z", "ab"]


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        (HUGS, {"vocab_size": 6}, "use vocab_size=7 at least"),
        (HUGS, {"vocab_size": 9, "rule": "entropy"}, "use likelihood or frequency"),
        ({"##a": 1}, {"vocab_size": 9}, "looks like a piece inside a word"),
        ({"": 1}, {"vocab_size": 9}, "leave it out"),
        ({"a": 0}, {"vocab_size": 9}, "leave it out"),
    ],
)
def test_what_no_training_can_follow_is_refused(words, options, sentence):
    with pytest.raises((InputError, ConfigError), match=sentence):
        train_wordpiece(words, **options)


def test_nothing_to_learn_gives_the_alphabet():
    assert train_wordpiece({}, 5) == []
    assert train_wordpiece({"a": 3, "b": 1}, 5) == ["a", "b"]
