"""The dependency parser as a user has it: trained, asked, saved and read again; on UD English EWT."""

from pathlib import Path

import numpy as np
import pytest

from groundup import files
from groundup.classical.structure.parsing import DependencyParser, ParserConfig, greedy, read_conllu, train_parser
from groundup.classical.structure.parsing.conllu import check_tree, sentence_of
from groundup.classical.structure.parsing.dependency import attachment
from groundup.errors import ConfigError, FormatError, InputError

EWT = Path(__file__).parents[5] / "shared" / "data" / "ud-english-ewt"
SMALL = ParserConfig(rounds=6, move_bits=12, label_bits=10)


def made(text, heads, labels):
    words, tags = zip(*(pair.split("/") for pair in text.split()), strict=True)
    return sentence_of(words, tags, heads, labels.split())


BANK = [
    made("the/DET cat/NOUN saw/VERB a/DET dog/NOUN ./PUNCT", [2, 3, 0, 5, 3, 3], "det nsubj root det obj punct"),
    made("a/DET dog/NOUN slept/VERB", [2, 3, 0], "det nsubj root"),
    made("she/PRON saw/VERB the/DET big/ADJ dog/NOUN", [2, 0, 5, 5, 2], "nsubj root det amod obj"),
]


@pytest.fixture(scope="module")
def parser():
    return train_parser(BANK, SMALL)


def test_it_learns_its_sentences_and_parses_others(parser):
    assert parser.score(BANK) == {"uas": 1.0, "las": 1.0, "words": 14}
    found = parser.parse("the big zebra saw a cat".split(), "DET ADJ NOUN VERB DET NOUN".split())
    assert found.heads == [3, 3, 4, 0, 6, 4] and found.labels[3] == "root" and found.labels[1] == "amod"


def test_the_same_seed_gives_the_same_parser(parser):
    again = train_parser(BANK, SMALL)
    assert (again.moves == parser.moves).all() and (again.labels == parser.labels).all()
    assert parser.report["words"] == 14 and parser.report["crossing"] == 0 and len(parser.report["right_moves"]) == 6


def test_whatever_it_is_given_comes_out_as_a_tree(parser):
    source = np.random.default_rng(0)
    for words in range(1, 12):
        tags = source.choice(parser.names.tags, words).tolist()
        check_tree(parser.parse(["?"] * words, tags).heads)


def test_a_word_that_is_no_root_any_more_has_no_roots_label(parser, monkeypatch):
    root = parser.names.labels.index("root") + 1
    roots = np.zeros(3, np.int32), np.full(3, root, np.int32)
    monkeypatch.setattr(greedy, "parse", lambda *_: roots)
    found = parser.parse(["a", "dog", "slept"], ["DET", "NOUN", "VERB"])
    assert found.heads == [0, 1, 1] and found.labels == ["root", "parataxis", "parataxis"]


def test_saved_and_read_again_it_is_the_same(parser, tmp_path):
    parser.save(tmp_path / "parser")
    again = DependencyParser.load(tmp_path / "parser")
    assert again.config == parser.config and again.names == parser.names and again.report == parser.report
    assert (again.moves == parser.moves).all() and (again.labels == parser.labels).all()


def test_a_damaged_folder_is_named(parser, tmp_path):
    parser.save(tmp_path / "parser")
    config = tmp_path / "parser" / "config.json"
    config.write_text(config.read_text().replace('"move_bits": 12', '"move_bits": 9'))
    with pytest.raises(FormatError, match=r"config\.json is damaged"):
        DependencyParser.load(tmp_path / "parser")
    files.write_checksums(tmp_path / "parser")  # as if it had been saved so: its rows are beyond a table of 2^9
    with pytest.raises(FormatError, match=r"holds no parser that fits its own config\.json"):
        DependencyParser.load(tmp_path / "parser")
    parser.save(tmp_path / "other")
    (tmp_path / "other" / "vocab.json").unlink()
    with pytest.raises(FormatError, match=r"vocab\.json is missing"):
        DependencyParser.load(tmp_path / "other")


def test_a_sentence_that_cannot_be_is_refused(parser):
    for words, tags, way_out in (
        ([], [], "at least one"),
        (["a"], [], "each word one tag"),
        ("a dog", "DET NOUN", "split the sentence"),
        (["a"], ["DT"], r"'DT' is not one .*ADJ, DET, NOUN"),
    ):
        with pytest.raises(InputError, match=way_out):
            parser.parse(words, tags)


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(InputError, match="at least one"):
        train_parser([])
    with pytest.raises(InputError, match=r"sentence 1 \(a b\): words 1 and 2 are both roots"):
        train_parser([made("a/X b/X", [0, 0], "root root")])
    with pytest.raises(InputError, match="circle"):
        train_parser([made("a/X b/X c/X", [2, 1, 0], "a b root")])
    for wrong in ({"rounds": 0}, {"seed": -1}, {"follow": 2.0}, {"move_bits": 40}):
        with pytest.raises(ConfigError, match="use"):
            ParserConfig(**wrong)


def test_attachment_by_hand():
    other = [
        BANK[0].parsed([2, 3, 0, 5, 3, 5], BANK[0].labels),
        BANK[1].parsed([2, 3, 0], ["det", "obj", "root"]),
        BANK[2],
    ]
    assert attachment(BANK, other) == {"uas": 13 / 14, "las": 12 / 14, "words": 14}
    with pytest.raises(InputError, match="same text"):
        attachment(BANK, other[:2])


@pytest.mark.slow
@pytest.mark.skipif(not EWT.exists(), reason="UD English EWT is not here")
def test_trained_on_the_dev_part_of_ewt_it_finds_eight_heads_of_ten():
    parser = train_parser(read_conllu(EWT / "en_ewt-ud-dev.conllu.gz"))
    found = parser.score(read_conllu(EWT / "en_ewt-ud-test.conllu.gz"))
    assert found["uas"] > 0.82 and found["las"] > 0.785
    assert parser.report["crossing"] == 31
