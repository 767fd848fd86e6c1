"""Parquet, TFRecord, WebDataset, JSON lines: the same documents back, by our readers and by others; damage is named by its record."""

import io
import json
import struct
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup import files
from groundup.data.documents import Document
from groundup.data.pipeline import exchange, tfrecord, webdataset
from groundup.errors import ConfigError, FormatError, InputError

DOCUMENTS = [
    Document("a/1.txt", "One.\nTwo é 🙂", "files", {"url": "https://a.org", "n": 1}),
    Document("b", "x" * 300, "web"),
    Document("c.d.e", " \r\n \u2028 |", "web", {"deep": {"list": [1, None]}}),
]
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@pytest.mark.parametrize("form", exchange.ENDINGS)
def test_documents_come_back_from_every_format(tmp_path, form):
    done = exchange.export(DOCUMENTS, tmp_path / "out", form, file_bytes=250)
    files.verify_checksums(tmp_path / "out")
    assert done["documents"] == 3 and len(done["files"]) == 2
    back = list(exchange.read(tmp_path / "out"))
    assert [one.text for one in back] == [one.text for one in DOCUMENTS]
    assert back == DOCUMENTS


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(texts, texts, st.dictionaries(texts, texts, max_size=2)), max_size=6),
    st.sampled_from(["tfrecord", "webdataset"]),
)
def test_any_text_survives(tmp_path, rows, form):
    documents = [Document(id, text, "s", metadata) for id, text, metadata in rows]
    exchange.export(documents, tmp_path / "out", form)
    assert list(exchange.read(tmp_path / "out")) == documents


def test_the_same_documents_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        exchange.export(DOCUMENTS, tmp_path / name, "webdataset")
    assert (tmp_path / "one" / "00000.tar").read_bytes() == (tmp_path / "two" / "00000.tar").read_bytes()


def test_an_unknown_format_and_an_empty_folder_are_sentences(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'tfrecord'"):
        exchange.export([], tmp_path / "out", "tfrecords")
    with pytest.raises(InputError, match="has no .parquet, .tfrecord, .tar, .jsonl file"):
        list(exchange.read(tmp_path))


# ───────── the checksum ─────────


@pytest.mark.parametrize(
    ("data", "crc"),  # RFC 3720, appendix B.4
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E), (b"123456789", 0xE3069283)],
)
def test_crc32c_is_that_of_the_standard(data, crc):
    assert tfrecord.crc32c(data) == crc == tfrecord.crc32c_reference(data)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=70))
def test_the_fast_checksum_is_the_readable_one(data):
    assert tfrecord.crc32c(data) == tfrecord.crc32c_reference(data)


def test_crc32c_is_googles():
    google = pytest.importorskip("google_crc32c")
    data = bytes(range(256)) * 50
    assert [tfrecord.crc32c(data[cut:]) for cut in range(40)] == [google.value(data[cut:]) for cut in range(40)]


# ───────── TFRecord ─────────


def example_class():
    """tf.train.Example as protobuf builds it from its description."""
    pytest.importorskip("google.protobuf")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="x3_example.proto", package="t", syntax="proto3")

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for number, (field, kind, label, of) in enumerate(fields, 1):
            made.field.add(name=field, number=number, type=kind, label=label, type_name=of)
        return made

    message("BytesList", ("value", 12, 3, None))
    message("Feature", ("bytes_list", 11, 1, ".t.BytesList"))
    features = message("Features", ("feature", 11, 3, ".t.Features.FeatureEntry"))
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=11, label=1, type_name=".t.Feature")
    message("Example", ("features", 11, 1, ".t.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


def test_an_example_is_what_protobuf_makes_of_it_and_the_other_way_round():
    made = example_class()()
    for name, value in {"text": b"words", "id": b"", "long": b"x" * 300}.items():
        made.features.feature[name].bytes_list.value.append(value)
    ours = tfrecord.example({"text": b"words", "id": b"", "long": b"x" * 300})
    assert type(made).FromString(ours) == made
    assert tfrecord.fields_of(made.SerializeToString()) == {"text": b"words", "id": b"", "long": b"x" * 300}


def test_another_reader_of_tfrecord_reads_ours(tmp_path):
    other = pytest.importorskip("tfrecord.reader")
    exchange.export(DOCUMENTS, tmp_path / "out", "tfrecord")
    rows = list(other.tfrecord_loader(str(tmp_path / "out" / "00000.tfrecord"), None, {"text": "byte", "id": "byte"}))
    assert [bytes(row["text"]).decode() for row in rows] == [one.text for one in DOCUMENTS]


@pytest.mark.parametrize("cut", [1, 11, 12, 40, -1])
def test_a_record_that_is_cut_off_is_named(tmp_path, cut):
    path = tmp_path / "x.tfrecord"
    tfrecord.write_records(path, [b"a" * 50])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"x.tfrecord: record 0 \(at byte 0\) is cut off"):
        list(tfrecord.read_records(path))


def test_every_flipped_bit_of_a_record_is_found(tmp_path):
    path = tmp_path / "x.tfrecord"
    tfrecord.write_records(path, [b"first", b"second"])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(FormatError, match=f"record {int(place >= 21)} "):
            list(tfrecord.read_records(path))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=30))
def test_what_is_no_example_is_a_sentence_and_never_a_crash(data):
    try:
        tfrecord.fields_of(data)
    except FormatError as error:
        assert "no tf.train.Example" in str(error)


def test_a_record_without_a_text_is_named(tmp_path):
    path = tmp_path / "x.tfrecord"
    tfrecord.write_records(path, [tfrecord.example({"text": b"fine"}), tfrecord.example({"words": b"x"})])
    with pytest.raises(FormatError, match=r"x.tfrecord: record 1 has no text \(it has words\)"):
        list(exchange.read(path))


# ───────── WebDataset ─────────


def test_webdataset_reads_ours(tmp_path):
    webdataset_library = pytest.importorskip("webdataset")
    exchange.export(DOCUMENTS, tmp_path / "out", "webdataset")
    data = webdataset_library.WebDataset(str(tmp_path / "out" / "00000.tar"), shardshuffle=False).decode()
    assert [(row["txt"], row["json"]["id"]) for row in data] == [(one.text, one.id) for one in DOCUMENTS]


def test_an_archive_that_is_cut_off_or_something_else_is_named(tmp_path):
    exchange.export(DOCUMENTS, tmp_path / "out", "webdataset")
    whole = (tmp_path / "out" / "00000.tar").read_bytes()
    for content in (whole[:700], b"no archive" * 100):
        (tmp_path / "x.tar").write_bytes(content)
        with pytest.raises(FormatError, match="x.tar is not a whole tar archive"):
            list(exchange.read(tmp_path / "x.tar"))


def test_names_that_climb_and_members_that_are_no_files_do_no_harm(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        member = tarfile.TarInfo("../../up.txt")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"hi"))
    assert [(one.id, one.text) for one in exchange.read(tmp_path / "x.tar")] == [("../../up", "hi")]
    assert not (tmp_path.parent.parent / "up.txt").exists()


def test_a_member_that_says_it_is_huge_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(webdataset, "LONGEST", 100)
    exchange.export([Document("a", "x" * 101, "s")], tmp_path / "out", "webdataset")
    with pytest.raises(FormatError, match="says it has 101 bytes"):
        list(exchange.read(tmp_path / "out"))


# ───────── Parquet ─────────


def test_duckdb_reads_our_parquet(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    exchange.export(DOCUMENTS, tmp_path / "out", "parquet")
    rows = duckdb.sql(
        f"select id, text, metadata from read_parquet('{tmp_path}/out/*.parquet', file_row_number=true) order by file_row_number"
    ).fetchall()
    assert [(id, text, json.loads(metadata)) for id, text, metadata in rows] == [
        (one.id, one.text, one.metadata) for one in DOCUMENTS
    ]


def test_a_records_length_is_little_endian(tmp_path):
    tfrecord.write_records(tmp_path / "x", [b"abc"])
    assert struct.unpack("<Q", (tmp_path / "x").read_bytes()[:8]) == (3,)
