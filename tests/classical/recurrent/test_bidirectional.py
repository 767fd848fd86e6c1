"""The tagger: both directions matter, letters speak for unknown words, the folder, and the Penn Treebank's sample."""

from pathlib import Path

import pytest
import torch

from groundup import files
from groundup.classical.recurrent import Tagger
from groundup.classical.recurrent.bidirectional import TaggerConfig, train
from groundup.errors import ConfigError, FormatError, InputError

TREEBANK = Path(__file__).parents[4] / "shared" / "data" / "nltk-corpora" / "treebank.zip"
SMALL = TaggerConfig(
    hidden_size=16, word_size=12, character_size=8, epochs=25, batch_size=8, learning_rate=0.02, dropout=0.0
)


def sentences():
    """`that` is a pronoun before a verb and a determiner before a noun: what follows decides. Verbs end in -s."""
    nouns, verbs = ["dog", "cat", "bird", "cow"], ["barks", "sleeps", "eats", "sings"]
    made = [(["that", verb], ["PRP", "VBZ"]) for verb in verbs]
    return made + [(["that", noun, verb], ["DT", "NN", "VBZ"]) for noun in nouns for verb in verbs]


@pytest.fixture(scope="module")
def tagger():
    return train(sentences(), SMALL)


def test_a_word_is_tagged_by_what_comes_after_it(tagger):
    assert tagger.tag(["that", "barks"]) == ["PRP", "VBZ"] and tagger.tag(["that", "cow", "eats"]) == [
        "DT",
        "NN",
        "VBZ",
    ]


def test_a_word_never_seen_is_tagged_by_its_letters(tagger):
    assert tagger.tag(["that", "cow", "begs"])[-1] == "VBZ"
    assert tagger.score([(["that", "bog", "sings"], ["DT", "NN", "VBZ"])])["words"] == 3


def test_many_sentences_together_are_tagged_as_each_alone(tagger):
    many = [words for words, _ in sentences()] + [[], ["cat"], ["that", "", "x" * 99]]
    assert tagger.tag_batch(many) == [tagger.tag(words) for words in many] and tagger.tag([]) == []


def test_two_trainings_from_one_seed_are_one(tagger):
    again = train(sentences(), SMALL)
    assert torch.equal(again.network.head.weight, tagger.network.head.weight)


def test_the_folder_gives_the_tagger_back(tagger, tmp_path):
    tagger.save(tmp_path / "tagger")
    other = Tagger.load(tmp_path / "tagger")
    assert other.tag(["that", "bird", "hums"]) == tagger.tag(["that", "bird", "hums"]) and other.names == tagger.names
    files.write_json(tmp_path / "tagger" / "vocab.json", {"words": ["a"], "characters": "ab", "tags": ["X"]})
    files.write_checksums(tmp_path / "tagger")
    with pytest.raises(FormatError, match="config.json asks for"):
        Tagger.load(tmp_path / "tagger")
    files.write_json(tmp_path / "tagger" / "vocab.json", {"words": ["a"]})
    files.write_checksums(tmp_path / "tagger")
    with pytest.raises(FormatError, match="train and save it again"):
        Tagger.load(tmp_path / "tagger")


def test_bad_input(tagger):
    with pytest.raises(InputError, match="no tagged sentence"):
        train([])
    with pytest.raises(InputError, match="sentence 1 has 2 words and 1 tags"):
        train([(["a"], ["X"]), (["a", "b"], ["X"])])
    with pytest.raises(InputError, match="'JJ' is no tag of this tagger, which knows DT, NN, PRP, VBZ"):
        train_tags = [(["that"], ["JJ"])]
        tagger.batch(train_tags)
    with pytest.raises(InputError, match="'JJ' is no tag of this tagger"):
        tagger.score([(["that", "barks"], ["PRP", "JJ"])])
    with pytest.raises(InputError, match="split it first"):
        tagger.tag_batch(["that barks"])
    with pytest.raises(ConfigError, match="hidden_size=0"):
        TaggerConfig(hidden_size=0)
    with pytest.raises(ConfigError, match="a share below 1"):
        TaggerConfig(dropout=1.0)


@pytest.mark.slow
def test_the_penn_treebanks_last_tenth_is_tagged_at_93_after_two_passes():
    if not TREEBANK.exists():
        pytest.skip("the Penn Treebank's sample is not here")
    from groundup.data.sources.tagged import read_tagged

    given = read_tagged(TREEBANK, "treebank/tagged/*.pos", form="slashes")
    cut = len(given) * 9 // 10
    assert train(given[:cut], TaggerConfig(epochs=2)).score(given[cut:])["accuracy"] > 0.93
