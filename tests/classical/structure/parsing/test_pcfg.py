"""The trained grammar as a user has it: trained, asked, saved and read again; on the Penn Treebank's sample."""

import zipfile
from pathlib import Path

import pytest

from groundup.classical.structure.parsing import PCFG, PCFGConfig, train_pcfg
from groundup.classical.structure.parsing.trees import clean, read_brackets, words_of
from groundup.errors import ConfigError, FormatError, InputError

TREEBANK = Path(__file__).parents[5] / "shared" / "data" / "nltk-corpora" / "treebank.zip"
BANK = """
(S (NP (DT the) (NN dog)) (VP (VBD saw) (NP (DT the) (NN cat))))
(S (NP (DT the) (NN cat)) (VP (VBD slept)))
(S (NP (DT the) (NN dog)) (VP (VBD saw) (NP (NP (DT the) (NN cat)) (PP (IN in) (NP (DT the) (NN park))))))
"""


@pytest.fixture(scope="module")
def model():
    return train_pcfg(BANK)


def test_a_trained_grammar_parses_and_says_how_probable(model):
    found = model.parse("the cat saw the dog in the park".split())
    assert found.whole and found.tree[1][0] == "S" and found.tree[1][2][2][2][0] == "PP"
    assert (
        model.log_probability("the cat saw the dog".split())
        >= model.parse("the cat saw the dog".split()).log_probability
    )


def test_it_parses_a_sentence_with_a_word_it_never_saw(model):
    assert model.parse("the zebra slept".split()).tree[1][1] == ("NP", ("DT", "the"), ("NN", "zebra"))


def test_its_own_trees_are_parsed_right(model):
    assert model.score([clean(tree) for tree in read_brackets(BANK)])["f1"] == 1.0


def test_what_it_draws_it_also_parses(model):
    for seed in range(5):
        drawn = model.sample(seed)
        assert model.parse(words_of(drawn)).whole


def test_saved_and_read_again_it_is_the_same(model, tmp_path):
    model.save(tmp_path / "grammar")
    again = PCFG.load(tmp_path / "grammar")
    assert again.grammar == model.grammar and again.config == model.config
    words = "the dog slept in the park".split()
    assert again.parse(words) == model.parse(words)


def test_a_damaged_folder_is_named(model, tmp_path):
    model.save(tmp_path / "grammar")
    weights = tmp_path / "grammar" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(FormatError, match=r"model\.safetensors is damaged"):
        PCFG.load(tmp_path / "grammar")
    with pytest.raises(InputError, match="no model folder"):
        PCFG.load(tmp_path)


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(InputError, match="at least one sentence"):
        train_pcfg("(S (-NONE- *))")
    with pytest.raises(ConfigError, match="vertical=0"):
        PCFGConfig(vertical=0)


@pytest.mark.slow
@pytest.mark.skipif(not TREEBANK.exists(), reason="the Penn Treebank's sample is not here")
def test_the_penn_treebanks_held_out_sentences_are_parsed_at_076():
    with zipfile.ZipFile(TREEBANK) as archive:
        names = sorted(name for name in archive.namelist() if "combined/wsj" in name)
        trees = [clean(tree) for name in names for tree in read_brackets(archive.read(name).decode(), name)]
    held_out = [tree for tree in trees[::80] if len(words_of(tree)) <= 30]
    model = train_pcfg([tree for number, tree in enumerate(trees) if number % 20])
    assert model.score(held_out)["f1"] > 0.74  # 0.761
    assert all(model.parse(words_of(tree)).whole for tree in held_out[:10])
