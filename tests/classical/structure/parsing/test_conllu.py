"""CoNLL-U: what is read is written as it stood, and damage is answered with its line."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.structure.parsing import read_conllu, write_conllu
from groundup.classical.structure.parsing.conllu import check_tree, conllu_text, parse_conllu, sentence_of
from groundup.errors import FormatError, InputError

EWT = Path(__file__).parents[5] / "shared" / "data" / "ud-english-ewt" / "en_ewt-ud-dev.conllu.gz"


def row(id, word="a", head="0", label="root"):
    return "\t".join((id, word, "_", "X", "_", "_", head, label, "_", "_"))


TEXT = "\n".join(
    ["# sent_id = 1", "# text = don't", row("1-2", "don't", "_", "_"), row("1", "do", "2", "aux"), row("2", "n't", "0"),
     row("2.1", "go", "_", "_"), "", row("1", "x"), "", ""])  # fmt: skip


def test_ranges_and_unwritten_words_are_kept_and_are_no_words_of_the_tree():
    first, second = parse_conllu(TEXT)
    assert first.words == ["do", "n't"] and first.heads == [2, 0] and first.labels == ["aux", "root"]
    assert first.comments[0] == "# sent_id = 1" and second.words == ["x"]
    assert conllu_text([first, second]) == TEXT
    assert conllu_text([first.parsed([0, 1], ["root", "neg"])]).count("\n") == 7
    assert first.parsed([0, 1], ["root", "neg"]).heads == [0, 1]


def test_a_sentence_without_heads_is_read_and_says_so_when_asked_for_them():
    (one,) = parse_conllu("\ufeff" + row("1", "cats", "_", "_"))
    assert one.words == ["cats"]
    with pytest.raises(InputError, match="'cats' has words without a head; give a treebank"):
        _ = one.heads


@given(st.lists(st.text("abcé ", min_size=1, max_size=5), min_size=1, max_size=6))
def test_a_made_sentence_is_read_again(words):
    made = sentence_of(words, ["X"] * len(words), range(len(words)), ["dep"] * len(words))
    assert parse_conllu(conllu_text([made])) == [made]


def test_files_packed_or_not(tmp_path):
    write_conllu(tmp_path / "a.conllu", parse_conllu(TEXT))
    (tmp_path / "a.conllu.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert read_conllu(tmp_path / "a.conllu") == read_conllu(tmp_path / "a.conllu.gz") == parse_conllu(TEXT)
    (tmp_path / "b.conllu.gz").write_bytes(gzip.compress(TEXT.encode())[:-9])
    with pytest.raises(FormatError, match=r"b\.conllu\.gz cannot be read"):
        read_conllu(tmp_path / "b.conllu.gz")
    body = bytearray(gzip.compress(TEXT.encode() * 9))
    body[12:40] = bytes(28)  # behind the head: what zlib reads
    (tmp_path / "b.conllu.gz").write_bytes(body)
    with pytest.raises(FormatError, match=r"b\.conllu\.gz cannot be read"):
        read_conllu(tmp_path / "b.conllu.gz")
    with pytest.raises(InputError, match="is not there"):
        read_conllu(tmp_path / "c.conllu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\n", "x, line 1: 2 columns where CoNLL-U has 10"),
        (f"{row('1')}\n{row('3')}\n", "x, line 2: the ID is '3' where 2 is due"),
        (f"# c\n{row('1')}\n{row('2', head='7')}\n", "x, line 3: the head is '7', not a number from 0 to 2"),
        (f"{row('1', head='_')}\n{row('2')}\n", "x, line 1: the head is '_'"),
        (f"\n{row('1')}\n{row('2')}\n", "x, the sentence at line 2: words 1 and 2 are both roots"),
        (f"{row('1')}\n{row('2', head='3')}\n{row('3', head='2')}\n", r"circle \(2 -> 3 -> 2\)"),
        (f"{row('1', head='1')}\n", "no word is the root"),
        (row("1", word=""), "x, line 1: the word is empty"),
    ],
)
def test_damage_is_answered_with_its_line(text, message):
    with pytest.raises(FormatError, match=message):
        parse_conllu(text, "x")


def test_sentences_without_any_heads_can_be_read():
    assert parse_conllu(row("1", head="_") + "\n")[0].words == ["a"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_a_tree_is_what_leads_every_word_to_one_root(heads):
    heads = [min(head, len(heads)) for head in heads]

    def leads(word):
        for _ in heads:
            word = heads[word - 1] if word else 0
        return word == 0

    good = heads.count(0) == 1 and all(leads(word) for word in range(1, len(heads) + 1))
    try:
        check_tree(heads)
        assert good
    except InputError:
        assert not good


@pytest.mark.skipif(not EWT.exists(), reason="UD English EWT is not here")
def test_a_real_treebank_comes_out_as_it_went_in():
    sentences = read_conllu(EWT)
    assert conllu_text(sentences).encode() == gzip.decompress(EWT.read_bytes())
    assert len(sentences) == 2001 and sum(len(sentence.tokens) for sentence in sentences) == 25147
