"""Documents on disk: what was written comes back, other tools read it, damage is found."""

import json
import os

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.data.documents import Document, read_documents, write_documents
from groundup.errors import DiskFull, FormatError, GroundupError, InputError

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.dictionaries(
    UNICODE, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | UNICODE, max_size=3
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(Document, UNICODE, UNICODE, UNICODE, JSON), max_size=5))
def test_reading_what_was_written_gives_the_documents_back(tmp_path, documents):
    assert write_documents(tmp_path / "d.parquet", documents) == len(documents)
    assert list(read_documents(tmp_path / "d.parquet")) == documents


def test_any_parquet_reader_sees_four_columns(tmp_path):
    write_documents(tmp_path / "d.parquet", [Document("1", "a text", "here", {"log_probability": -1.5})])
    [row] = pyarrow.parquet.read_table(tmp_path / "d.parquet").to_pylist()
    assert (row["id"], row["text"], row["source"], json.loads(row["metadata"])) == (
        "1",
        "a text",
        "here",
        {"log_probability": -1.5},
    )


def test_equal_documents_make_equal_files(tmp_path):
    documents = [Document(str(i), f"text {i}", "here", {"b": 1, "a": 2}) for i in range(50)]
    for name in "ab":
        write_documents(tmp_path / name, iter(documents))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_one_flipped_bit_in_a_page_is_found(tmp_path):
    path = tmp_path / "d.parquet"
    write_documents(path, [Document(str(i), f"{i * i} and some words", "here") for i in range(200)])
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(FormatError, match="make it again"):
        list(read_documents(path))


def test_a_bit_turned_in_the_footer_is_read_over_or_said_in_a_sentence(tmp_path):
    path = tmp_path / "d.parquet"
    write_documents(path, [Document(str(i), f"text number {i} " * 5, "made") for i in range(30)])
    whole, refused = path.read_bytes(), 0
    for bit in [6087, *range(8 * (len(whole) - 1500), 8 * len(whole), 37)]:  # the first: a name that is no UTF-8 any more
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            list(read_documents(path))
        except GroundupError as error:
            refused += 1
            assert "d.parquet" in str(error)
    assert refused > 100


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_file_is_named(tmp_path, content):
    (tmp_path / "d.parquet").write_bytes(content)
    with pytest.raises(FormatError, match=r"d\.parquet is not a whole Parquet file"):
        list(read_documents(tmp_path / "d.parquet"))


def test_a_file_that_is_not_there_says_what_makes_it(tmp_path):
    with pytest.raises(InputError, match="groundup data build"):
        list(read_documents(tmp_path / "none.parquet"))


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "d.parquet"
    write_documents(path, [Document("1", "old", "here")])

    def failing():
        yield Document("2", "new", "here")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_documents(path, failing())
    assert [document.text for document in read_documents(path)] == ["old"]
    assert [file.name for file in tmp_path.iterdir()] == ["d.parquet"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, small_disk):
    with small_disk(4096), pytest.raises(DiskFull, match="no space left"):
        write_documents(tmp_path / "d.parquet", [Document("1", os.urandom(9999).hex(), "here")])
    assert list(tmp_path.iterdir()) == []
