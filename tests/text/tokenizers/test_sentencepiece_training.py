"""What is trained here is read by sentencepiece and by tokenizers with the same ids."""

import doctest
import io
import random
import re
from pydoc_data.topics import topics

import pytest

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers import load_tokenizer, sentencepiece_training
from groundup.text.tokenizers.charsmap import Charsmap, compile_rules
from groundup.text.tokenizers.sentencepiece_model import write_model
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_training import (
    count_characters,
    count_marked_words,
    cover,
    split_scripts,
    train_sentencepiece,
)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(sentencepiece_training).failed == 0


def test_scripts_are_kept_apart():
    assert split_scripts("▁Приветworld,123猫です") == ["▁Привет", "world", ",123", "猫です"]
    assert split_scripts("▁") == ["▁"]
    choose = random.Random(1)
    for _ in range(300):
        text = "".join(choose.choice("▁a\u0301éЖ猫です1,😀ไ𐍈\u0300\n") for _ in range(9)).replace("▁", "")
        assert "".join(split_scripts("▁" + text)) == "▁" + text
        plain = "▁" * choose.randint(0, 1) + "".join(chr(choose.randrange(128)) for _ in range(choose.randint(1, 8)))
        assert split_scripts(plain) == sentencepiece_training._ONE_SCRIPT.findall(plain)


def test_words_are_counted_with_and_without_scripts():
    texts = ["▁it's▁it's", "x▁it's"]
    assert count_marked_words(texts, by_script=False) == {"▁it's": 3, "x": 1}
    assert count_marked_words(texts) == {"▁it": 3, "'": 3, "s": 3, "x": 1}


def test_words_are_counted_alike_with_and_without_a_mark_before_each_text(corpus, monkeypatch):
    for rules in (SentencePieceNormalizer(), SentencePieceNormalizer(add_dummy_prefix=False)):
        texts = [*corpus, "", " ", "▁", "a▁"]
        each = [next(iter(sentencepiece_training._normalized([text], rules)), "") for text in texts]
        assert count_marked_words(sentencepiece_training._normalized(texts, rules)) == count_marked_words(each)


def test_rare_characters_go_and_cut_words():
    words = {"▁abc": 6, "▁axb": 1, "猫": 1}
    assert cover(words, 1.0) == words
    assert cover(words, 0.9) == {"▁abc": 6, "▁a": 1, "b": 1}
    assert list(count_characters(words)) == ["a", "b", "▁", "c", "x", "猫"]


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


@pytest.mark.parametrize("coverage", [1.0, 0.99])
def test_a_bpe_model_is_read_by_others_with_the_same_ids(coverage, corpus, strings, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    tokenizers = pytest.importorskip("tokenizers")
    ours = train_sentencepiece(corpus, 600, model="bpe", byte_fallback=True, character_coverage=coverage)
    texts = [*corpus, *strings(1500, seed=53), "<s> <0x41> </s>", "  a  b "]
    write_model(ours, tmp_path / "m.model")
    ours.save(tmp_path)
    ids = ours.encode_batch(texts)
    assert sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "m.model")).encode(texts) == ids
    other = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    typed = [i for i, text in enumerate(texts) if not any(name in text for name in ours.special_tokens)]
    found = other.encode_batch([texts[i] for i in typed], add_special_tokens=False)
    assert [e.ids for e in found] == [ids[i] for i in typed]
    for file in ("m.model", "tokenizer.json"):
        assert load_tokenizer(tmp_path / file).encode_batch(texts) == ids


def test_scores_fall_from_zero_and_characters_stand_last(corpus):
    ours = train_sentencepiece(corpus, 500, model="bpe", byte_fallback=True)
    learned = ours.pieces[3 + 256 :]
    assert len(ours.pieces) == 500 and [piece.score for piece in learned] == [-float(i) for i in range(len(learned))]
    single = [len(piece.text) == 1 for piece in learned]
    assert single == sorted(single) and any(single) and not all(single)
    assert "<unk>" not in [ours.pieces[id].text for ids in ours.encode_batch(corpus) for id in ids]


def test_pieces_are_those_of_sentencepieces_own_trainer_but_for_ties():
    sentencepiece = pytest.importorskip("sentencepiece")
    lines = [line for name in sorted(topics)[:40] for line in topics[name].split("\n") if line.strip()]
    ours, written = train_sentencepiece(lines, 800, model="bpe", byte_fallback=True), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=written, vocab_size=800, model_type="bpe", byte_fallback=True,
        character_coverage=1.0, normalization_rule_name="identity", minloglevel=2,
    )  # fmt: skip
    package = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    theirs = {package.id_to_piece(id) for id in range(len(package))}
    assert len(theirs & ours.vocabulary.keys()) >= 0.97 * len(theirs)  # ties go another way
    tokens, others = sum(map(len, ours.encode_batch(lines))), sum(map(len, package.encode(lines)))
    assert abs(tokens / others - 1) < 0.002


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_text_comes_back(model, corpus):
    ours = train_sentencepiece(corpus, 500, model=model, byte_fallback=True)
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
    with pytest.raises(ConfigError, match="smaller than the alphabet"):
        train_sentencepiece(corpus, 20, model="bpe")
    with pytest.raises(ConfigError, match="use unigram or bpe"):
        train_sentencepiece(corpus, 400, model="word")
    with pytest.raises(ConfigError, match="use 0.9995"):
        train_sentencepiece(corpus, 400, character_coverage=99.95)


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_a_text_begins_with_the_mark_that_stands_before_documents_in_training(corpus, tmp_path, model):
    from groundup.data.pipeline.tokenize import tokenize

    ours = train_sentencepiece(corpus, 300, model=model, byte_fallback=True, character_coverage=0.9)
    before = tokenize(["the cat"], ours, tmp_path / "shards").start_id
    ours.save(tmp_path / "saved")
    for one in (ours, load_tokenizer(tmp_path / "saved")):
        assert one.encode_prompt("the cat") == [before, *one.encode("the cat")] == [1, *ours.encode("the cat")]
