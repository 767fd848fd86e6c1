"""What is trained here is read by sentencepiece and by tokenizers with the same ids."""

import doctest
import random
import re

import pytest

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers import sentencepiece_training
from groundup.text.tokenizers.charsmap import Charsmap, compile_rules
from groundup.text.tokenizers.sentencepiece_model import write_model
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_training import count_marked_words, split_scripts, train_sentencepiece


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(sentencepiece_training).failed == 0


def test_scripts_are_kept_apart():
    assert split_scripts("▁Приветworld,123猫です") == ["▁Привет", "world", ",123", "猫です"]
    assert split_scripts("▁") == ["▁"]
    choose = random.Random(1)
    for _ in range(300):
        text = "".join(choose.choice("▁a\u0301éЖ猫です1,😀ไ𐍈\u0300\n") for _ in range(9)).replace("▁", "")
        assert "".join(split_scripts("▁" + text)) == "▁" + text


def test_words_are_counted_with_and_without_scripts():
    texts = ["▁it's▁it's", "x▁it's"]
    assert count_marked_words(texts, by_script=False) == {"▁it's": 3, "x": 1}
    assert count_marked_words(texts) == {"▁it": 3, "'": 3, "s": 3, "x": 1}


@pytest.mark.parametrize("options", [{}, {"byte_fallback": True}, {"symbols": ["<sep>", "the"]}, {"by_script": False}])
def test_what_is_trained_is_read_by_others_with_the_same_ids(options, corpus, strings, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    tokenizers = pytest.importorskip("tokenizers")
    rules = SentencePieceNormalizer(Charsmap(compile_rules({"①": "1", "\t": " ", "\n": " "})))
    ours = train_sentencepiece(corpus, 600, rules=rules, **options)
    texts = [*corpus[-40:], *strings(300, seed=51), "the<sep> ①\t2"]
    write_model(ours, tmp_path / "m.model")
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    assert ours.encode_batch(texts) == theirs.encode(texts)
    if "symbols" in options:
        return
    ours.save(tmp_path)
    other = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    plain = [*corpus[-40:], "  a  \n  b  \n\n", "\n a"]
    assert [e.ids for e in other.encode_batch(plain, add_special_tokens=False)] == ours.encode_batch(plain)


def test_text_comes_back(corpus):
    ours = train_sentencepiece(corpus, 500, byte_fallback=True)
    for text in corpus:
        assert ours.decode(ours.encode(text)) == re.sub(" +", " ", text.strip(" "))


def test_sizes_that_cannot_be_reached_are_refused(corpus):
    with pytest.raises(InputError, match="no text"):
        train_sentencepiece([" "], 100)
    with pytest.raises(ConfigError, match="use a larger one"):
        train_sentencepiece(corpus, 200, byte_fallback=True)
    with pytest.raises(ConfigError, match="smaller than the alphabet"):
        train_sentencepiece(corpus, 20)
    with pytest.raises(ConfigError, match="no whitespace as suffix"):
        train_sentencepiece(corpus, 400, rules=SentencePieceNormalizer(treat_whitespace_as_suffix=True))
