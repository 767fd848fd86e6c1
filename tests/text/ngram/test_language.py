"""A language model of texts: it learns, is kept whole, writes, and says what is wrong."""

import json
import math

import numpy as np
import pytest

from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.ngram import language
from groundup.text.ngram.language import NgramConfig, NgramLanguageModel, stream, train
from groundup.text.ngram.smoothing import RULES
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = ["the cat sat on the mat", "the dog sat on the rug", "a cat saw the dog", "the dog saw a cat on the mat"] * 4


@pytest.fixture(scope="module")
def model():
    return train(TEXTS, NgramConfig(order=3, min_count=1))


def test_what_reads_like_the_training_texts_scores_higher(model):
    likely, shuffled, strange = model.scores(
        ["the cat sat on the rug", "rug the on sat cat the", "buy cheap pills now"]
    )
    assert likely > shuffled and likely > strange
    assert abs(model.score("the cat sat on the rug") - likely) < 1e-12


def test_perplexity_and_bits_are_the_sum_of_what_each_token_costs(model):
    texts = ["the cat", "a dog sat"]
    nats = [-model.scores([text])[0] * (len(text.split()) + 1) for text in texts]
    assert abs(model.perplexity(texts) - math.exp(sum(nats) / 7)) < 1e-9
    assert abs(model.bits_per_byte(texts) - sum(nats) / math.log(2) / 16) < 1e-9


def test_texts_are_documents_with_the_boundary_around_each(model):
    ids, starts = stream(["the cat", "", "a"], model.tokenizer)
    assert [model.words[id] for id in ids] == ["</s>", "the", "cat", "</s>", "</s>", "a", "</s>"]
    assert starts.tolist() == [0, 3, 4, 6]


def test_it_writes_the_same_for_a_seed_and_the_likeliest_at_temperature_0(model):
    assert model.generate("the dog", 9, seed=1) == model.generate("the dog", 9, seed=1)
    assert len({model.generate("the dog", 9, seed=seed) for seed in range(9)}) > 3
    assert len({model.generate("the dog", 9, seed=seed, temperature=0) for seed in range(9)}) == 1
    assert model.expected("the dog saw", 1)[0][0].strip() in ("a", "the")
    with pytest.raises(ConfigError, match="use 0"):
        model.generate("the", 1, temperature=-1)


def test_temperature_draws_by_powers_of_the_probabilities(model):
    before = [1, *model.tokenizer.encode("the")]
    drawn = [model.model.generate(before, 1, seed, temperature=0.5)[0] for seed in range(2000)]
    expected = model.model.distribution(before) ** 2
    frequencies = np.bincount(drawn, minlength=len(expected)) / 2000
    assert np.abs(frequencies - expected / expected.sum()).max() < 0.05


@pytest.mark.parametrize("smoothing", RULES)
def test_a_folder_gives_the_model_back(tmp_path, smoothing):
    made = train(TEXTS, NgramConfig(order=3, smoothing=smoothing, min_count=1))
    made.save(tmp_path / "model")
    found = NgramLanguageModel.load(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "config.json").read_text())["model_type"] == "ngram"
    assert found.scores(["the cat sat", "a bird"]).tolist() == made.scores(["the cat sat", "a bird"]).tolist()


def test_a_byte_level_tokenizer_loses_nothing_and_is_kept_too(tmp_path):
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(vocab_size=275))
    made = train(TEXTS, NgramConfig(order=4), tokenizer)
    made.save(tmp_path / "model")
    made.to_arpa(tmp_path / "model.arpa.gz")
    found = NgramLanguageModel.load(tmp_path / "model")
    assert found.bits_per_byte(["the cat saw a rug"]) == made.bits_per_byte(["the cat saw a rug"]) < 4
    assert made.generate("the", 20, seed=1).startswith("the")


def test_an_arpa_file_gives_a_model_that_takes_text(tmp_path, model):
    model.to_arpa(tmp_path / "model.arpa")
    found = NgramLanguageModel.from_arpa(tmp_path / "model.arpa")
    texts = ["the cat sat on the rug", "unheard words"]
    np.testing.assert_allclose(found.scores(texts), model.scores(texts), atol=1e-7)


def test_damage_and_other_folders_are_named(tmp_path, model):
    with pytest.raises(InputError, match="no config.json"):
        NgramLanguageModel.load(tmp_path)
    model.save(tmp_path / "model")
    data = bytearray((tmp_path / "model" / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "model" / "model.safetensors").write_bytes(bytes(data))
    with pytest.raises(FormatError, match="model.safetensors is damaged"):
        NgramLanguageModel.load(tmp_path / "model")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(InputError, match="'gpt2', not 'ngram'"):
        NgramLanguageModel.load(tmp_path)


@pytest.mark.parametrize(
    ("texts", "config", "error", "said"),
    [
        ([], {}, InputError, "give at least one that is not empty"),
        ([""], {}, InputError, "give at least one that is not empty"),
        (["word"], {"min_count": 2}, ConfigError, "use a smaller min_count"),
        (["word"], {"min_count": 1, "order": 9}, ConfigError, "use 3 at most"),
        (["word"], {"order": 0}, ConfigError, "use 1 or more"),
        (["word"], {"smoothing": "none"}, ConfigError, "use one of"),
        (["word"], {"k": 0}, ConfigError, "above 0"),
        (["word"], {"vocab_size": -1}, ConfigError, "vocab_size=-1 leaves no word; use 3 or more"),
        (["word"], {"vocab_size": 1}, ConfigError, "vocab_size=1 leaves no word"),
        (["word"], {"block": 0}, ConfigError, "block=0 sorts nothing; use 1 or more"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_way_out(texts, config, error, said):
    with pytest.raises(error, match=said):
        train(texts, NgramConfig(**config))


def test_a_text_of_unknown_words_does_not_read_like_the_training_texts():
    rare = [
        f"the {one} saw a {one}ling" for one in ("fox", "owl", "hare", "newt", "toad", "crow", "mole", "deer", "wolf")
    ]
    made = train(TEXTS + rare, NgramConfig(order=3, min_count=2))
    assert made.unknown_kinds == 18
    known, unknown = made.scores(["the dog saw the cat", "buy cheap pills now"])
    assert unknown < known - 1
    nats = [-made.model.log_probabilities(np.array([1, 0, 0, 1]))[1:].sum() + 2 * math.log(18)]
    assert abs(made.score("buy pills") + nats[0] / 3) < 1e-12
    assert made.perplexity(["buy pills"]) < math.exp(-made.score("buy pills"))  # there <unk> is a word like others


@pytest.mark.parametrize("tokenizer", [None, "bytes"])
def test_counts_that_are_streamed_give_the_same_model(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(language, "PORTION", 3)
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(vocab_size=270)) if tokenizer else None
    whole = train(TEXTS, NgramConfig(order=3, min_count=1), tokenizer)
    texts = iter(TEXTS) if tokenizer else TEXTS
    streamed = train(texts, NgramConfig(order=3, min_count=1, block=7), tokenizer)
    assert whole.scores(["the cat saw", "a bird"]).tolist() == streamed.scores(["the cat saw", "a bird"]).tolist()


def test_what_cannot_be_streamed_is_refused_with_the_way_out():
    with pytest.raises(InputError, match="give a list or a tokenizer"):
        train(iter(TEXTS), NgramConfig(block=7))
    with pytest.raises(ConfigError, match="leave block out"):
        NgramConfig(block=7, smoothing="jelinek_mercer")
    with pytest.raises(ConfigError, match="use 3 at most"):
        train(["word"], NgramConfig(block=7, min_count=1, order=9))


def test_one_text_is_scored_as_a_list_of_one():
    made = train(["a cat sat", "a cat"], NgramConfig(order=2, min_count=1))
    assert made.scores("a cat").tolist() == made.scores(["a cat"]).tolist() == [made.score("a cat")]


def test_one_word_is_enough():
    made = train(["word"], NgramConfig(order=2, min_count=1))
    assert made.perplexity(["word"]) < 3 and abs(made.model.distribution([1]).sum() - 1) < 1e-12
    with pytest.raises(InputError, match="give at least one"):
        made.scores([])
