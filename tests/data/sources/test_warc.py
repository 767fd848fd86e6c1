"""Web archives: every record that can be read, every damage by its byte, against warcio where it is installed and bytes by hand."""

import base64
import gzip
import hashlib
import io
import random
import re
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from groundup.data.sources import files, members, responses, warc
from groundup.data.sources.damage import Damage
from groundup.data.sources.warc_writer import WarcWriter
from groundup.errors import FormatError

REAL = Path(__file__).parents[4] / "shared" / "data" / "warc"
RECORDS = {  # read, damages: by hand, from the bytes of the files
    "bad.arc": (1, 3),  # four lines of which one has a length that is a number from 0 on
    "example-bad-non-chunked.warc.gz": (6, 0),
    "example-bad.warc.gz.bad": (6, 0),  # one gzip member around six records
    "example-digest.warc": (4, 0),
    "example-iana.org-chunked.warc": (3, 0),
    "example-resource.warc.gz": (3, 0),
    "example-space-in-target-uri.warc.gz": (2, 0),
    "example-space-in-url.arc": (2, 1),  # its last length is 12 bytes longer than the file
    "example-trunc.warc": (4, 1),  # the third length ends 2 bytes before the block does
    "example-wget-bad-target-uri.warc.gz": (6, 0),
    "example-wrong-chunks.warc.gz": (2, 0),  # its first record lies in two members
    "example.arc": (2, 0),
    "example.arc.gz": (2, 0),
    "example.warc": (6, 0),
    "example.warc.gz": (6, 0),
    "post-test.warc.gz": (6, 0),
}


def record(number, body=None):
    """One record as bytes."""
    body = b"text of record %d\r\n" % number * (number + 1) if body is None else body
    head = b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nWARC-Target-URI: http://a.b/%d\r\nContent-Length: %d"
    return head % (number, len(body)) + b"\r\n\r\n" + body + b"\r\n\r\n"


@pytest.fixture
def read(tmp_path):
    def run(data, **options):
        path = tmp_path / "a.warc"
        path.write_bytes(data)
        damage: list[Damage] = []
        return list(warc.records(path, damage.append, **options)), damage

    return run


@pytest.fixture(params=["zlib", "isal"])
def inflate(request, monkeypatch):
    """Both decoders, where both are installed."""
    module = zlib if request.param == "zlib" else pytest.importorskip("isal.isal_zlib")
    monkeypatch.setattr(members, "inflate", module)


def numbers(records):
    return [int(one.url.rpartition("/")[2]) for one in records]


@pytest.mark.skipif(not REAL.is_dir(), reason="the archives of warcio's tests are not here")
@pytest.mark.parametrize("name", RECORDS)
def test_the_real_files_are_read_and_their_damage_is_named(name):
    damage: list[Damage] = []
    found = list(warc.records(REAL / name, damage.append))
    assert (len(found), len(damage)) == RECORDS[name]
    data = (REAL / name).read_bytes()
    for one in [*found, *damage]:  # an offset is where a record or its member begins
        start = data[one.offset : one.offset + 9]
        assert start.startswith((b"WARC/", b"\x1f\x8b", b"http", b"filedesc"))
    if not name.endswith(("gz", "bad", "arc")):
        assert len(found) == len(re.findall(rb"^WARC/1\.0\r\n", data, re.MULTILINE)), "counted in the bytes"


@pytest.mark.skipif(not REAL.is_dir(), reason="the archives of warcio's tests are not here")
@pytest.mark.parametrize("name", RECORDS)
def test_the_records_are_those_of_an_independent_reader(name):
    iterator = pytest.importorskip("warcio.archiveiterator")
    theirs = []
    with open(REAL / name, "rb") as file:
        try:
            theirs.extend(
                (one.rec_headers.get_header("WARC-Target-URI") or "", one.raw_stream.read())
                for one in iterator.ArchiveIterator(file, no_record_parse=True)
            )
        except Exception as error:  # it gives up on these three
            assert name in (
                "example-bad-non-chunked.warc.gz",
                "example-bad.warc.gz.bad",
                "example-wrong-chunks.warc.gz",
            ), error
    ours = [
        (one.headers.get("warc-target-uri", ""), one.block) for one in warc.records(REAL / name, lambda damage: None)
    ]
    if not name.endswith((".arc", ".arc.gz")):
        assert [block for _, block in ours][: len(theirs) - 1] == [block for _, block in theirs][:-1] and len(
            ours
        ) >= len(theirs)
    else:
        assert len(theirs) == sum(RECORDS[name]) - (name == "example-space-in-url.arc")


def test_every_member_of_a_gzip_file_is_read(read, inflate):
    parts = [gzip.compress(record(number)) for number in range(300)]
    parts.insert(2, gzip.compress(b""))
    found, damage = read(b"".join(parts))
    assert numbers(found) == list(range(300)) and not damage
    place = 0
    offsets = []
    for member in parts:
        offsets.append(place)
        place += len(member)
    assert [one.offset for one in found] == offsets[:2] + offsets[3:]


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_cut_anywhere_loses_its_last_record_and_says_so(read, packed, inflate):
    parts = [gzip.compress(record(number)) if packed else record(number) for number in range(4)]
    data, ends = b"".join(parts), [sum(map(len, parts[: at + 1])) for at in range(4)]
    draw = random.Random(1)
    for cut in sorted(draw.sample(range(1, len(data)), 60)):
        found, damage = read(data[:cut])
        whole = [at for at, end in enumerate(ends) if end <= cut]
        sound = [one for one in found if not one.damage]
        assert numbers(sound)[: len(whole)] == whole
        if cut not in ends and not packed:
            rest = data[:cut][ends[len(whole) - 1] if whole else 0 :]
            assert (
                rest.strip(b"\r\n") == b"" or len(sound) > len(whole) or [d.offset for d in damage] == [cut - len(rest)]
            )
        elif cut not in ends:
            assert [d.offset for d in damage] == [ends[len(whole) - 1] if whole else 0]


@given(st.integers(0, 5), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_member_costs_itself_alone(inflate, which, data):
    parts = [gzip.compress(record(number, random.Random(number).randbytes(900))) for number in range(6)]
    offsets = [sum(map(len, parts[:at])) for at in range(6)]
    place = data.draw(st.integers(10, len(parts[which]) - 1))
    value = data.draw(st.integers(1, 255))
    broken = bytearray(parts[which])
    broken[place] ^= value
    try:  # a bit that means nothing is no damage
        assume(gzip.decompress(broken) != gzip.decompress(parts[which]))
    except (OSError, EOFError, zlib.error):
        pass
    parts[which] = bytes(broken)
    damage: list[Damage] = []
    found = list(warc.read(io.BytesIO(b"".join(parts)), "a", damage.append))
    assert numbers(one for one in found if not one.damage) == [number for number in range(6) if number != which]
    assert offsets[which] in [one.offset for one in damage]


def test_bytes_lost_in_the_middle_of_a_plain_file_hide_no_other_record(read):
    parts = [record(number, b"x" * 400) for number in range(5)]
    data = b"".join([*parts[:2], parts[2][:-150], *parts[3:]])
    found, [damage] = read(data)
    assert numbers(one for one in found if not one.damage) == [0, 1, 3, 4]
    assert damage.offset == len(parts[0]) * 2 and "cuts off" in damage.reason


@pytest.mark.parametrize(
    "change, reason",
    [
        ((b"Content-Length: ", b"Content-Length: -"), "no number"),
        ((b"Content-Length", b"Content-Size"), "no Content-Length"),
        ((b"Content-Length: ", b"Content-Length: 99999999"), "longer than the"),
        ((b"WARC/1.0", b"WORC/1.0"), "no record begins here"),
        ((b"\r\n\r\n", b"\r\n"), "cuts off"),
    ],
)
def test_a_damaged_head_is_named_and_the_others_are_read(read, change, reason):
    found, damage = read(record(0) + record(1).replace(*change, 1) + record(2))
    assert numbers(one for one in found if not one.damage and one.url)[::2][:1] == [0] and numbers(found)[-1] == 2
    assert (
        len(damage) == 1
        and damage[0].offset == len(record(0))
        and (reason in damage[0].reason or "head" in damage[0].reason)
    )


def test_zeros_and_rubbish_behind_members(read, inflate):
    found, damage = read(
        gzip.compress(record(0)) + b"\0" * 5000 + gzip.compress(record(1)) + b"rubbish" + gzip.compress(record(2))
    )
    assert numbers(found) == [0, 1, 2] and [one.reason for one in damage] == ["no gzip member begins here"]


def test_a_bomb_is_read_past_in_bounded_memory(read, inflate):
    import tracemalloc

    data = gzip.compress(record(0)) + gzip.compress(record(1, b"\0" * 60_000_000), 9) + gzip.compress(record(2))
    tracemalloc.start()
    found, damage = read(data, largest=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert numbers(found) == [0, 2] and "longer than" in damage[0].reason and peak < 2e7


def test_heads_that_other_writers_leave(read):
    folded = b"WARC/1.0\nWARC-Type: conversion\nWARC-Target-URI:\n <http://a.b/7>\ncontent-length: 2\n\nhi\n\n"
    found, damage = read(folded + record(1))
    assert numbers(found) == [7, 1] and found[0].block == b"hi" and not damage


def test_arc_of_version_two(read):
    first = b"2 0 Somebody\nURL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length\n"
    line = b"filedesc://x.arc 0.0.0.0 19970101000000 text/plain 200 - - 0 x.arc %d\n" % len(first)
    page = b"HTTP/1.0 200 OK\nContent-Type: text/html\n\n<p>old</p>"
    second = b"http://a.b/old page 1.2.3.4 19970102030405 text/html 200 ab1 - 120 x.arc %d\n" % len(page)
    found, damage = read(line + first + b"\n" + second + page + b"\n")
    assert (
        not damage and found[1].url == "http://a.b/old page" and found[1].headers["warc-date"] == "1997-01-02T03:04:05Z"
    )
    assert responses.parse(found[1].block).body == b"<p>old</p>"


def test_what_the_writer_writes_is_read_back_and_from_its_offset(tmp_path):
    with WarcWriter(tmp_path / "a.warc.gz") as writer:
        offsets = [
            writer.write("resource", body, {"WARC-Target-URI": "http://a.b/\r\nX: y"})
            for body in (b"one", b"", b"two\r\n\r\n")
        ]
        writer.flush()
    found = list(warc.records(tmp_path / "a.warc.gz", pytest.fail, verify=True))
    assert [one.block for one in found[1:]] == [b"one", b"", b"two\r\n\r\n"] and found[1].url == "http://a.b/ X: y"
    assert warc.record_at(tmp_path / "a.warc.gz", offsets[2]).block == b"two\r\n\r\n"
    with pytest.raises(FormatError, match=f"no record begins at byte {offsets[2] + 1}"):
        warc.record_at(tmp_path / "a.warc.gz", offsets[2] + 1)


def test_a_changed_block_is_found_by_its_digest(read):
    digest = hashlib.sha1(b"text").digest()
    forms = [base64.b32encode(digest).decode(), digest.hex(), base64.urlsafe_b64encode(digest).decode()]
    heads = [
        f"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Block-Digest: sha1:{one}\r\nContent-Length: 4\r\n\r\n".encode()
        for one in forms
    ]
    assert read(b"".join(head + b"text\r\n\r\n" for head in heads), verify=True)[1] == []
    assert len(read(b"".join(head + b"tex7\r\n\r\n" for head in heads), verify=True)[1]) == 3


# ───────── pages out of records ─────────


def http(body, *headers):
    return "\r\n".join(("HTTP/1.1 200 OK", *headers, "", "")).encode() + body


def test_chunks_and_compression_are_undone_as_far_as_they_are_whole():
    packed = gzip.compress(b"hello " * 50)
    chunked = b"".join(
        b"%x;name=value\r\n%s\r\n" % (len(packed[at : at + 7]), packed[at : at + 7]) for at in range(0, len(packed), 7)
    )
    both = ("Transfer-Encoding: chunked", "Content-Encoding: gzip")
    assert responses.parse(http(chunked + b"0\r\n\r\n", *both)).body == b"hello " * 50
    cut = responses.parse(http(chunked[:-9], *both))
    assert not cut.whole and cut.body.startswith(b"hello")
    assert responses.parse(http(b"plain", "Transfer-Encoding: chunked")).body == b"plain", "named, and not there"
    assert responses.parse(http(b"plain", "Content-Encoding: gzip")).body == b"plain"
    assert responses.parse(b"GET / HTTP/1.1\r\n\r\n") is None


def test_documents_of_an_archive(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GROUNDUP_QUIET", raising=False)
    path = tmp_path / "a.warc.gz"
    blocks = [
        http(b"<p>caf\xe9</p>", "Content-Type: text/html; charset=iso-8859-1"),
        http(b"\x89PNG", "Content-Type: image/png"),
        http(b"<p>no</p>", "Content-Type: text/html", "X-Robots-Tag: noai"),
        http(b"moved").replace(b"200 OK", b"301 Moved"),
        http(b"<p>short", "Content-Type: text/html", "Content-Length: 100"),
    ]
    with WarcWriter(path) as writer:
        for number, block in enumerate(blocks):
            writer.write(
                "response", block, {"WARC-Target-URI": f"http://a.b/{number}", "Content-Type": "application/http"}
            )
        writer.write(
            "conversion",
            "Text einer Seite: süß".encode(),
            {"WARC-Target-URI": "http://a.b/t", "Content-Type": "text/plain"},
        )
    damage: list[Damage] = []
    found = list(files.documents(path, report=damage.append))
    assert [one.text for one in found] == ["<p>café</p>", "<p>no</p>", "Text einer Seite: süß"]
    assert found[0].metadata["url"] == "http://a.b/0" and found[0].metadata["encoding"] == "cp1252"
    assert found[1].metadata["opt_out"] == "X-Robots-Tag: noai" and len(damage) == 1
    said = capsys.readouterr().err
    assert "1 image/png" in said and "1 with status 301" in said and "whose body is not whole" in said
