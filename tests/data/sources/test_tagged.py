"""Tagged text: both forms, archives, the real corpora where they are, and lines that are neither."""

import zipfile
from pathlib import Path

import pytest

from groundup.data.sources.tagged import check_tagged, parse_columns, parse_slashes, read_tagged
from groundup.errors import InputError

DATA = Path(__file__).parents[4] / "shared" / "data"


def test_columns_are_apart_by_tabs_or_spaces_and_a_word_may_hold_a_space():
    assert parse_columns("a\tO\nb c\tB-X\n") == [(["a", "b c"], ["O", "B-X"])]
    assert parse_columns("-DOCSTART- x O\nde Art O\nd t V O\n\n\nja X O") == [
        (["de", "d t"], ["O", "O"]),
        (["ja"], ["O"]),
    ]
    assert parse_columns("") == []


def test_a_tab_at_the_end_and_a_byte_order_mark_are_no_part_of_the_text(tmp_path):
    assert parse_columns("a\tO\t\nb\tX\t\n") == [(["a", "b"], ["O", "X"])]
    assert parse_slashes("\ufeffa/O") == [(["a"], ["O"])]
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa/O")
    assert read_tagged(tmp_path / "a.txt", form="slashes") == [(["a"], ["O"])]
    with pytest.raises(InputError, match="f: line 2 has a tag and no word"):
        parse_columns("a\tO\n\tX\n", "f")


def test_a_line_of_too_few_columns_is_named():
    with pytest.raises(InputError, match="f: line 2 has 1 columns where 3 are expected; mend the line"):
        parse_columns("a X O\nb\n", "f")
    with pytest.raises(InputError, match="line 1 has 1 columns where 2"):
        parse_columns("a\n")


def test_brown_and_penn_end_their_sentences_differently():
    assert parse_slashes("The/at jury/nn\n\nsaid/vbd ./.\n") == [
        (["The", "jury"], ["at", "nn"]),
        (["said", "."], ["vbd", "."]),
    ]
    penn = "[ It/PRP ]\n\nrose/VBD ./. ''/''\n[ He/PRP ]\n======\n[ A/DT 1\\/2/CD ]"
    assert parse_slashes(penn) == [
        (["It", "rose", ".", "''"], ["PRP", "VBD", ".", "''"]),
        (["He"], ["PRP"]),
        (["A", "1/2"], ["DT", "CD"]),
    ]
    with pytest.raises(InputError, match="line 2 has 'dog', which is no word/tag"):
        parse_slashes("The/at\ndog\n")


def test_files_and_members_of_archives_are_read(tmp_path):
    (tmp_path / "a.txt").write_text("x\tO\n")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one/b.pos", "b/B")
        archive.writestr("one/a.pos", "a/A")
        archive.writestr("README", "nothing tagged")
    assert read_tagged(tmp_path / "a.txt") == [(["x"], ["O"])]
    assert read_tagged(tmp_path / "a.zip", "*.pos", form="slashes") == [(["a"], ["A"]), (["b"], ["B"])]


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "empty").write_text("\n\n")
    (tmp_path / "latin").write_bytes(b"\xe9t\xe9 O\n")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b", "b/B")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-9])
    for call, says in (
        (lambda: read_tagged(tmp_path / "none"), "is not there; give a file"),
        (lambda: read_tagged(tmp_path / "empty"), "has no tagged sentence"),
        (lambda: read_tagged(tmp_path / "latin"), r"is no utf-8 \(byte 0\); pass its encoding"),
        (lambda: read_tagged(tmp_path / "a.zip", "*.pos"), r"has no member like '\*.pos'; it has b"),
        (
            lambda: read_tagged(tmp_path / "latin", encoding="utf9"),
            "'utf9' is no encoding that Python knows; use utf-8",
        ),
        (lambda: read_tagged(tmp_path / "cut.zip"), "cut.zip cannot be read"),
        (lambda: read_tagged(tmp_path / "a.zip", form="xml"), "use columns or slashes"),
    ):
        with pytest.raises(InputError, match=says):
            call()
    assert read_tagged(tmp_path / "latin", encoding="latin-1") == [(["été"], ["O"])]


def test_a_file_one_may_not_read_is_said(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.txt").write_text("a O")
    monkeypatch.setattr(Path, "read_text", refused)  # whoever runs the tests as root may read all
    with pytest.raises(InputError, match=r"a\.txt cannot be read \(permission denied\); give yourself"):
        read_tagged(tmp_path / "a.txt")


def test_a_corpus_is_checked():
    assert check_tagged([(["a"], ["Y"]), (["b"], ["X"])]) == ["X", "Y"]
    with pytest.raises(InputError, match="sentence 2 has the tag 'Z'"):
        check_tagged([(["a"], ["Y"]), (["b"], ["Z"])], ["X", "Y"])


@pytest.mark.parametrize(
    ("file", "pattern", "form", "encoding", "sentences", "words", "tags"),
    [
        ("nltk-corpora/treebank.zip", "*/tagged/*.pos", "slashes", "utf-8", 3938, 94200, 46),
        ("nltk-corpora/conll2002.zip", "*/esp.testb", "columns", "latin-1", 1517, 51533, 9),
        ("wnut17/wnut17train.conll", "*", "columns", "utf-8", 3394, 62730, 13),
    ],
)
def test_the_real_corpora_have_their_published_sizes(file, pattern, form, encoding, sentences, words, tags):
    if not (DATA / file).exists():
        pytest.skip(f"{file} is not on this machine")
    read = read_tagged(DATA / file, pattern, form=form, encoding=encoding)
    assert (len(read), sum(len(one) for one, _ in read), len(check_tagged(read))) == (sentences, words, tags)
