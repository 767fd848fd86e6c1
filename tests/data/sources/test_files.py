"""The user's own text: every kind of file read, every bad one refused in a sentence that says what to do."""

import os

import pyarrow
import pyarrow.parquet
import pytest

from groundup.data.sources import files
from groundup.errors import FormatError, InputError


def read(path, **options):
    return list(files.documents(path, **options))


def texts(path, **options):
    return [document.text for document in read(path, **options)]


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_text_file_is_one_document(file):
    [document] = read(file("notes.txt", "first\n\nsecond\n"))
    assert (document.id, document.text, document.source) == ("notes.txt", "first\n\nsecond\n", "files")


def test_a_file_of_one_line_is_read(file):
    assert texts(file("line.txt", "only one line, no end")) == ["only one line, no end"]


def test_line_ends_become_newlines_and_a_byte_order_mark_goes(file):
    assert texts(file("windows.txt", b"\xef\xbb\xbfone\r\ntwo\rthree\n")) == ["one\ntwo\nthree\n"]


def test_a_folder_is_read_with_its_folders_in_the_order_of_names(file, tmp_path):
    for name in ("b.md", "a/z.py", "a/deep/er/x.txt", ".git/config.txt", "a/.hidden.txt", "README", "lines.jsonl"):
        file(name, '{"text": "a line"}' if name.endswith("jsonl") else f"text of {name}")
    assert [document.id for document in read(tmp_path)] == [
        "README",
        "a/deep/er/x.txt",
        "a/z.py",
        "b.md",
        "lines.jsonl:1",
    ]


def test_other_files_of_a_folder_are_counted_aloud(file, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GROUNDUP_QUIET", raising=False)
    file("a.txt", "text")
    file("picture.png", b"\x89PNG\0")
    file("program", b"\x7fELF\0\0")
    file("empty.py", b"")
    assert texts(tmp_path) == ["text"]
    assert "2 files of other kinds were left out, such as picture.png" in capsys.readouterr().err


def test_json_lines_are_a_document_each(file):
    path = file("d.jsonl", '{"text": "one", "n": 1}\n\n{"text": "two"}\n{"text": " "}\n')
    assert [(d.id, d.text) for d in read(path)] == [("d.jsonl:1", "one"), ("d.jsonl:3", "two")]


def test_line_separators_inside_json_strings_end_no_line(file):
    assert texts(file("d.jsonl", '{"text": "a\u2028b\x85c"}\n')) == ["a\u2028b\x85c"]


def test_another_key_is_read_when_it_is_named(file):
    assert texts(file("d.jsonl", '{"body": "one"}'), key="body") == ["one"]


def test_parquet_of_others_is_read_by_its_column(tmp_path):
    pyarrow.parquet.write_table(
        pyarrow.table({"content": ["one", None, "two"], "n": [1, 2, 3]}), tmp_path / "d.parquet"
    )
    assert texts(tmp_path / "d.parquet", key="content") == ["one", "two"]
    with pytest.raises(InputError, match=r"no column 'text' \(it has: content, n\).*data\.text_key"):
        read(tmp_path / "d.parquet")
    with pytest.raises(InputError, match="column 'n' holds int, not text"):
        read(tmp_path / "d.parquet", key="n")


def test_other_encodings_are_read_when_they_are_named(file):
    assert texts(file("latin.txt", "Köln".encode("latin-1")), encoding="latin-1") == ["Köln"]
    assert texts(file("wide.txt", "Köln".encode("utf-16")), encoding="utf-16") == ["Köln"]


BAD = {
    "empty": (b"", "is empty; give a file with text"),
    "blank": (b" \n\n\t", "is empty; give a file with text"),
    "binary": (b"abc\0def", r"is a binary file \(a zero at offset 3\); give its text"),
    "binary and not utf-8": (b"\x89PNG\r\n\x1a\n\0\0", r"is a binary file .*; give its text"),
    "not utf-8": (
        b"one\ntwo caf\xe9 three",
        r"byte 0xe9 at offset 11 \(line 2\); convert it with `iconv -f latin-1 -t utf-8",
    ),
    "cut in a character": ("caf\u00e9".encode()[:-1], r"byte 0xc3 at offset 3"),
    "utf-16": (
        "a text".encode("utf-16"),
        r"is not UTF-8 but UTF-16; convert it with .*--set data\.text_encoding=utf-16",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_a_sentence(file, kind):
    content, sentence = BAD[kind]
    with pytest.raises(InputError, match=sentence) as refusal:
        read(file("bad.txt", content))
    assert "bad.txt" in str(refusal.value) and "\n" not in str(refusal.value)


BAD_LINES = {
    '{"text": "one"}\n{"text": ': r"line 2 is not JSON .*; mend or remove the line",
    '{"text": "one"}\n["text"]': r"line 2 has no text under 'text' \(it has a list\)",
    '{"body": "one", "n": 2}': r"\(it has the fields body, n\); name the field: --set data\.text_key",
    '{"text": 3}': r"line 1 has no text under 'text'",
    '{"text": "\\ud83d"}': r"line 1 has half a character",
    "[" * 100_000: r"line 1 is not JSON",
}


@pytest.mark.parametrize("lines", BAD_LINES, ids=lambda lines: lines[:20])
def test_a_bad_line_is_named_by_its_number(file, lines):
    with pytest.raises(InputError, match=BAD_LINES[lines]):
        read(file("d.jsonl", lines))


def test_a_path_that_is_not_there_says_what_may_be_given(tmp_path):
    with pytest.raises(InputError, match=r"is not there; give the path of a text file, a folder, or a \.jsonl"):
        read(tmp_path / "none.txt")


def test_a_folder_with_no_text_is_refused(file, tmp_path):
    file("picture.png", b"\x89PNG\0")
    file("empty.txt", b"")
    with pytest.raises(InputError, match=r"has no file with text .*; give another folder"):
        read(tmp_path)


def test_a_pipe_is_no_file_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match="is not a regular file"):
        read(tmp_path / "pipe.txt")


def test_an_unreadable_file_says_which_permission_is_missing(file, monkeypatch):
    """The superuser may read everything, so the refusal is played."""
    path = file("secret.txt", "text")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); change its permissions: chmod u\+r"):
        read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_folder_is_not_passed_over(file, tmp_path):
    file("a.txt", "text")
    file("closed/b.txt", "text")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(InputError, match="closed cannot be read"):
            read(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_an_encoding_that_does_not_exist_is_refused_before_reading(file):
    with pytest.raises(InputError, match="no encoding 'utf-9'; use utf-8"):
        read(file("a.txt", "text"), encoding="utf-9")


def test_a_damaged_parquet_file_is_named(file):
    with pytest.raises(FormatError, match=r"d\.parquet is not a whole Parquet file"):
        read(file("d.parquet", b"PAR1 and no more"))
