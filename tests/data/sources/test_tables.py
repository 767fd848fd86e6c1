"""Tables and Hugging Face data sets: read row by row, the row without text named."""

import csv
import gzip
import json

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.sources import files, lines
from groundup.errors import FormatError, InputError


def texts(path, **options):
    return [document.text for document in files.documents(path, **options)]


CELLS = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\x85\u2028\u2029"), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from([".csv", ".tsv"]))
def test_what_csv_writes_is_read(tmp_path_factory, rows, suffix):
    path = tmp_path_factory.mktemp("csv") / f"a{suffix}"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if suffix == ".tsv" else ",")
        writer.writerows([("id", "text"), *((one, f"{two}\n{one}") for one, two in rows)])
    assert texts(path) == [f"{two}\n{one}" for one, two in rows if (two + one).strip()]


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("id,text\n1,a\n2\n", r"row 2 \(line 3\) has 1 fields of 2"),
        ("id,text\n1,a,b\n", r"row 1 \(line 2\) has 3 fields of 2"),
        ("id,body\n1,a\n", r"has no column 'words' \(it has: id, body\).*data\.text_key"),
        ("id,words\n1,caf\xe9\n".encode("latin-1"), r"byte 0xe9 \(line 2\).*iconv -f latin-1"),
    ],
)
def test_bad_csv_is_named_by_its_row(tmp_path, content, sentence):
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=sentence):
        texts(path, key="words" if "words" in sentence or isinstance(content, bytes) else "text")


def test_a_table_without_a_text_column_is_a_text(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GROUNDUP_QUIET", raising=False)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    assert texts(tmp_path / "a.csv") == ["x,y\n1,2\n"] and "no column 'text'" in capsys.readouterr().err


def test_an_open_quote_does_not_swallow_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("groundup.data.sources.lines.LINE_BYTES", 1000)
    (tmp_path / "a.csv").write_text('text\n"open\n' + "line\n" * 1000)
    with pytest.raises(InputError, match=r"line \d+ is no CSV .*close its quotes"):
        texts(tmp_path / "a.csv")


def test_json_lines_are_read_packed_and_a_missing_field_is_named_by_its_row(tmp_path):
    rows = b"".join(json.dumps({"text": f"line {number}"}).encode() + b"\n" for number in range(70_000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(rows, 1))
    assert len(texts(tmp_path / "a.jsonl.gz")) == 70_000
    (tmp_path / "b.jsonl").write_bytes(rows + b'{"body": 1}\n')
    with pytest.raises(InputError, match=r"line 70001 has no text under 'text' \(it has the fields body\)"):
        texts(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(rows, 1)[:-100])
    with pytest.raises(FormatError, match=r"the gzip member is cut short at byte 0; get the file again"):
        texts(tmp_path / "c.jsonl.gz")


def test_json_lines_of_other_encodings(tmp_path):
    rows = '\ufeff{"text": "süß"}\n{"text": "\u2028 one line"}\n'
    for encoding, name in (("utf-8", "a"), ("utf-16-le", "b")):
        (tmp_path / f"{name}.jsonl").write_text(
            rows if encoding == "utf-8" else rows[1:], encoding=encoding, newline=""
        )
        assert texts(tmp_path / f"{name}.jsonl", encoding=encoding) == ["süß", "\u2028 one line"]
    (tmp_path / "c.jsonl").write_text(rows, encoding="utf-16-le")
    with pytest.raises(InputError, match="text_encoding=utf-16"):
        texts(tmp_path / "c.jsonl")


def test_a_line_that_never_ends_is_refused_in_bounded_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "a.jsonl"
    with open(path, "wb") as file:
        file.write(b'{"text": "a"}\n{"text": "')
        file.truncate(1 << 31)  # 2 GB of zeros that take no room on the disk
    tracemalloc.start()
    with pytest.raises(InputError, match=r"line 2 is longer than 8 MB"):
        for _ in lines.lines(path, most=8_000_000):
            pass
    assert tracemalloc.get_traced_memory()[1] < 3e7
    tracemalloc.stop()


@pytest.mark.parametrize("form", ["stream", "file", "parquet"])
def test_arrow_in_both_forms_and_parquet(tmp_path, form):
    table = pa.table({"text": ["one", None, "", "four"], "n": [1, 2, 3, 4]})
    path = tmp_path / {"stream": "a.arrow", "file": "a.feather", "parquet": "a.parquet"}[form]
    if form == "stream":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    elif form == "file":
        pyarrow.feather.write_feather(table, path)
    else:
        pyarrow.parquet.write_table(table, path)
    assert [(one.id, one.text) for one in files.documents(path)] == [
        (f"{path.name}:0", "one"),
        (f"{path.name}:3", "four"),
    ]
    with pytest.raises(InputError, match=r"no column 'body' \(it has: text, n\)"):
        texts(path, key="body")
    with pytest.raises(InputError, match="column 'n' holds int"):
        texts(path, key="n")
    path.write_bytes(path.read_bytes()[: 60 if form == "stream" else -20])
    with pytest.raises(FormatError, match="is not a whole (Arrow|Parquet) file"):
        texts(path)


def test_hugging_face_data_sets_on_disk(tmp_path):
    """In the form that save_to_disk leaves; the package itself writes it in the next test, where it is installed."""
    for split, rows in (("train", ["a", "b"]), ("test", ["c"])):
        folder = tmp_path / "set" / split
        folder.mkdir(parents=True)
        for at, text in enumerate(rows):
            table = pa.table({"text": [text]})
            with (
                pa.OSFile(str(folder / f"data-{at}.arrow"), "wb") as file,
                pa.ipc.new_stream(file, table.schema) as writer,
            ):
                writer.write_table(table)
        state = {"_data_files": [{"filename": f"data-{at}.arrow"} for at in range(len(rows))]}
        (folder / "state.json").write_text(json.dumps(state))
    (tmp_path / "set" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert [(one.id, one.text) for one in files.documents(tmp_path / "set")] == [
        ("set/train:0", "a"),
        ("set/train:1", "b"),
        ("set/test:0", "c"),
    ]
    (tmp_path / "set" / "train" / "data-1.arrow").unlink()
    with pytest.raises(InputError, match=r"data-1\.arrow is not there"):
        texts(tmp_path / "set")
    (tmp_path / "set" / "train" / "state.json").write_text('{"_data_files": [{"filename": "../../x.arrow"}]}')
    with pytest.raises(FormatError, match="outside of its folder"):
        texts(tmp_path / "set")
    (tmp_path / "set" / "dataset_dict.json").write_text("[]")
    with pytest.raises(FormatError, match="does not list its splits"):
        texts(tmp_path / "set")


def test_what_datasets_saves_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_dict({"text": ["a", "b", "c"]}).save_to_disk(tmp_path / "set", num_shards=2)
    assert texts(tmp_path / "set") == ["a", "b", "c"]


ROW = {"text": "some words", "url": "https://a.org/page", "id": 7, "source": "crawl", "score": 0.5, "other": "x"}


def known(path, **options):
    (document,) = files.documents(path, **options)
    return {name: document.metadata.get(name) for name in ("url", "id", "source", "score", "other")}


def test_the_address_the_name_and_the_origin_of_a_row_are_kept(tmp_path):
    wanted = {"url": "https://a.org/page", "id": 7, "source": "crawl", "score": None, "other": None}
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW))
    (tmp_path / "a.csv").write_text(",".join(ROW) + "\n" + ",".join(map(str, ROW.values())))
    table = pa.table({name: [value] for name, value in ROW.items()})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    pyarrow.feather.write_feather(table, tmp_path / "a.arrow", compression="uncompressed")
    assert known(tmp_path / "a.csv") == wanted | {"id": "7"}
    for name in ("a.jsonl", "a.parquet", "a.arrow"):
        assert known(tmp_path / name) == wanted, name


def test_fields_that_are_no_names_are_left(tmp_path):
    row = {"text": "words", "url": None, "id": ["a"], "source": ""}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    assert not any(known(tmp_path / "a.jsonl").values())
    pyarrow.parquet.write_table(pa.table({"text": ["words"], "id": [[1]], "url": [None]}), tmp_path / "a.parquet")
    assert not any(known(tmp_path / "a.parquet").values())
    (tmp_path / "b.jsonl").write_text(json.dumps({"source": "the words", "url": "https://b.org/"}))
    assert known(tmp_path / "b.jsonl", key="source") == dict.fromkeys(["id", "source", "score", "other"]) | {
        "url": "https://b.org/"
    }


def test_json_lines_in_utf_16_are_read_packed_too(tmp_path):
    rows = '{"text": "süß"}\n{"text": "two"}\n'
    for encoding in ("utf-16", "utf-16-le"):
        packed = gzip.compress((rows if encoding == "utf-16" else "\ufeff" + rows).encode(encoding))
        (tmp_path / "a.jsonl.gz").write_bytes(packed)
        assert texts(tmp_path / "a.jsonl.gz", encoding=encoding) == ["süß", "two"]
    with pytest.raises(InputError, match="text_encoding=utf-16"):
        texts(tmp_path / "a.jsonl.gz")
    (tmp_path / "a.jsonl.gz").write_bytes(packed[:-9])
    with pytest.raises(FormatError, match="cut short"):
        texts(tmp_path / "a.jsonl.gz", encoding="utf-16")
