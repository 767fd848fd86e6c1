"""Labelled rows are read from tables and JSON lines; a row without a label, and labels that all mean the same, are named."""

import gzip
import json

import pytest

from groundup.data.clean.labelled import read_rows
from groundup.errors import FormatError, InputError


def test_rows_are_read_from_csv_and_json_lines(tmp_path):
    (tmp_path / "a.csv").write_text('tweet,class\nhello,0\n"a, b",2\n', encoding="utf-8-sig")
    assert list(read_rows(tmp_path / "a.csv", "tweet", "class", ("2",))) == [("hello", False), ("a, b", True)]
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write(json.dumps({"text": "x", "label": True}) + "\n\n" + json.dumps({"text": "y", "label": 0}) + "\n")
    assert list(read_rows(tmp_path / "a.jsonl.gz")) == [("x", True), ("y", False)]
    (tmp_path / "a.tsv").write_text("label\ttext\nSPAM\tbuy\nham\tsee you\n")
    assert list(read_rows(tmp_path / "a.tsv", positive=["spam"])) == [("buy", True), ("see you", False)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y"}\n', r"line 2 has no label \(it has text\)"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text"', "line 2 is not JSON"),
        ("a.jsonl", "[1]\n", "line 1 is a list and no record"),
        ("a.csv", 'text,label\n"two\nlines",1\nshort\n', "line 4 has no label"),
        (
            "a.csv",
            "tweet,label\nx,1\n",
            r"line 2 has no text \(it has tweet, label\); name the fields with --text-field",
        ),
        ("a.csv", "text,label\nx,2\ny,0\n", "no row counts as 1: 'label' holds '2' 1 times, '0' 1 times"),
        ("a.csv", "text,label\nx,1\ny,yes\n", "every row counts as 1, none as 0"),
        ("a.csv", "text,label\n", "holds no row"),
        ("a.csv", b"text,label\ncaf\xe9,1\n", "is not utf-8"),
    ],
)
def test_rows_that_cannot_be_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        list(read_rows(tmp_path / name))


def test_a_file_that_is_missing_or_cut_short_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="is not there; give a CSV or JSON-lines file"):
        list(read_rows(tmp_path / "a.csv"))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x", "label": 1}\n' * 99)[:-9])
    with pytest.raises(FormatError, match="cut short"):
        list(read_rows(tmp_path / "a.jsonl.gz"))
