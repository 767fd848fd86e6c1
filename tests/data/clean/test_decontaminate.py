"""Planted benchmark text is found and named; text that only speaks of the same things is not."""

import gzip
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.clean.decontaminate import Benchmarks, Row, open_benchmarks
from groundup.errors import ConfigError, InputError

QUESTION = (
    "Janet has sixteen ducks that lay eggs, and every morning she eats three of them for breakfast with her friends"
)
SHORT = "Which planet has the largest number of known moons?"


def test_a_run_of_thirteen_words_is_found_and_named():
    known = Benchmarks([Row("gsm", "row 4", QUESTION), Row("arc", "row 9", SHORT)])
    found = known.find(
        f"Homework: JANET has sixteen ducks -- that lay eggs and every morning she eats three or four. {SHORT}"
    )
    assert (found.benchmark, found.where) == ("gsm", "row 4")
    assert found.words == "janet has sixteen ducks that lay eggs and every morning she eats three"
    assert found.reason.startswith("benchmark gsm, row 4: 'janet")
    assert known.find(f"A quiz. {SHORT} Saturn.").where == "row 9"
    assert known.find("Janet has sixteen ducks that lay eggs, and every morning she sells some.") is None
    assert known.find("Which planet has the largest number of moons") is None
    for empty in ("", "one", "?!", "\udc80"):
        assert known.find(empty) is None


def test_rows_that_are_too_short_say_nothing_and_are_counted():
    known = Benchmarks([Row("b", "row 1", "What is it?"), Row("b", "row 2", ""), Row("b", "row 3", SHORT)])
    assert known.too_short == 2 and len(known.rows) == 1
    assert Benchmarks([]).find(QUESTION) is None
    with pytest.raises(ConfigError, match="use 13 and 8"):
        Benchmarks([], ngram=5)


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=12), max_size=5),
    st.lists(st.sampled_from("abcde"), max_size=30),
)
def test_what_is_found_is_what_brute_force_finds(rows, document):
    known = Benchmarks([Row("b", str(at), " ".join(row)) for at, row in enumerate(rows)], ngram=4, least=2)
    runs = {tuple(row[at : at + 4]) for row in rows if len(row) >= 2 for at in range(max(1, len(row) - 3))}
    brute = any(
        tuple(document[at : at + len(run)]) == run for run in runs for at in range(len(document) - len(run) + 1)
    )
    assert (known.find(" ".join(document)) is not None) == brute


def test_planted_rows_are_found_with_precision_and_recall_of_one(tmp_path):
    draw = random.Random(0)
    words = [f"word{at}" for at in range(3000)]
    rows = [" ".join(draw.choices(words, k=20)) for _ in range(200)]
    (tmp_path / "planted.jsonl").write_text("\n".join(json.dumps({"q": row, "n": 3}) for row in rows))
    known = open_benchmarks(tmp_path)
    documents = [" ".join(draw.choices(words, k=300)) for _ in range(100)]
    assert not any(known.find(document) for document in documents)
    found = [known.find(f"{document} {row} {document}") for document, row in zip(documents, rows, strict=False)]
    assert [match.where for match in found] == [f"row {at}" for at in range(1, 101)]


def test_every_kind_of_file_is_read(tmp_path):
    (tmp_path / "a.txt").write_text(f"\n{QUESTION}\n")
    (tmp_path / "b.csv").write_text(f'"{QUESTION} b",1\n')
    (tmp_path / "c.json").write_text(json.dumps([{"x": [{"deep": SHORT}]}, None, 3]))
    (tmp_path / "sub").mkdir()
    with gzip.open(tmp_path / "sub" / "d.tsv.gz", "wt") as file:
        file.write(f"1\t{SHORT} d\n")
    (tmp_path / "ignored.png").write_bytes(b"\x89PNG")
    known = open_benchmarks(tmp_path)
    assert [(row.benchmark, row.where) for row in known.rows] == [
        ("a.txt", "row 2"), ("b.csv", "row 1"), ("c.json", "row 1"), ("sub/d.tsv.gz", "row 1"),
    ]  # fmt: skip


def test_damaged_and_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        open_benchmarks(tmp_path / "none")
    with pytest.raises(InputError, match="holds no benchmark"):
        open_benchmarks(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"a": "b"}\n{broken\n')
    with pytest.raises(InputError, match=r"a\.jsonl, row 2"):
        open_benchmarks(tmp_path)
    (tmp_path / "a.jsonl").unlink()
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    with pytest.raises(InputError, match=r"b\.txt\.gz cannot be read"):
        open_benchmarks(tmp_path)
