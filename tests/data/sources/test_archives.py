"""Archives, and files of other places: read without being unpacked, bombs bounded, names that lead out refused."""

import gzip
import io
import json
import os
import random
import tarfile
import zipfile

import pytest

from groundup.data.sources import archives, commoncrawl, encodings, files, places
from groundup.errors import FormatError, InputError, MissingExtra


@pytest.fixture
def read():
    def run(path):
        damage = []
        return {one.id: one.text for one in files.documents(path, report=damage.append)}, damage

    return run


def packed(path, members):
    """A zip or tar of names and bytes."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:" + {".tar": "", ".tgz": "gz", ".xz": "xz", ".bz2": "bz2"}[path.suffix]) as archive:
            for name, data in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.tar.xz", "a.tar.bz2"])
def test_members_are_read_as_files_are(tmp_path, read, name):
    rows = b'{"text": "one"}\n{"text": "two"}\n'
    members = {
        "x/b.txt": "sü\n".encode(),
        "r.jsonl": rows,
        "r.jsonl.gz": gzip.compress(rows),
        "p.png": b"\x89PNG",
        "e.txt": b"",
    }
    found, damage = read(packed(tmp_path / name, members))
    assert not damage and found == {
        f"{name}!x/b.txt": "sü\n",
        f"{name}!r.jsonl:1": "one",
        f"{name}!r.jsonl:2": "two",
        f"{name}!r.jsonl.gz:1": "one",
        f"{name}!r.jsonl.gz:2": "two",
    }


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_names_that_lead_out_are_refused_and_reported(tmp_path, read, name):
    members = {
        "../out.txt": b"x",
        "/etc/out.txt": b"x",
        "a/../../out.txt": b"x",
        "fine.txt": b"fine",
        "C:\\out.txt": b"x",
    }
    before = set(tmp_path.parent.iterdir())
    found, damage = read(packed(tmp_path / name, members))
    assert list(found.values()) == ["fine"] and len(damage) == 4 and all("leads out" in one.reason for one in damage)
    assert set(tmp_path.parent.iterdir()) == before and not (tmp_path / "out.txt").exists()


def test_links_in_a_tar_are_not_followed(tmp_path, read):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "s.txt"), (tarfile.LNKTYPE, "h.txt"), (tarfile.FIFOTYPE, "f.txt")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    found, damage = read(tmp_path / "a.tar")
    assert not found and [one.reason.endswith("it is a link or a device") for one in damage] == [True] * 3


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_a_bomb_is_bounded_and_the_others_are_read(tmp_path, read, name):
    members = {"a.txt": b"first", "bomb.txt": b"\0" * 40_000_000, "z.txt": b"last"}
    found, [damage] = read(packed(tmp_path / name, members))
    assert list(found.values()) == ["first", "last"] and "as archive bombs do" in damage.reason


def test_damaged_archives_lose_only_what_is_damaged(tmp_path, read):
    path = packed(tmp_path / "a.zip", {f"{at}.txt": os.urandom(300).hex().encode() for at in range(5)})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("2.txt").header_offset
    data[place + 60] ^= 0xFF
    path.write_bytes(data)
    found, [damage] = read(path)
    assert len(found) == 4 and damage.offset == place and "'2.txt' was not read: it is damaged" in damage.reason
    path.write_bytes(data[:100])
    with pytest.raises(FormatError, match="is no whole zip archive"):
        read(path)
    tar = packed(tmp_path / "b.tar", {f"{at}.txt": b"text" * 500 for at in range(4)})
    tar.write_bytes(tar.read_bytes()[:6000])
    found, damage = read(tar)
    assert len(found) == 2 and damage and damage[-1].offset == 5120
    (tmp_path / "c.tar").write_bytes(b"no archive at all" * 100)
    with pytest.raises(FormatError, match="is no tar archive"):
        read(tmp_path / "c.tar")


def test_a_member_that_cannot_be_read_is_named_by_its_place_in_the_archive(tmp_path, read):
    found, [damage] = read(packed(tmp_path / "a.zip", {"a.jsonl": b'{"text": 1}\n', "b.txt": b"fine"}))
    assert list(found.values()) == ["fine"]
    assert damage.path.endswith("a.zip!a.jsonl") and "a.zip!a.jsonl: line 1 has no text" in damage.reason


def test_a_locked_zip_says_so(tmp_path, read):
    path = packed(tmp_path / "a.zip", {"a.txt": b"text"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    assert "password" in read(path)[1][0].reason


def test_a_loop_of_links_ends(tmp_path, read):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.txt").write_text("text")
    (tmp_path / "d" / "again").symlink_to(tmp_path / "d")
    (tmp_path / "d" / "self.txt").symlink_to(tmp_path / "d" / "self.txt")
    assert read(tmp_path / "d")[0] == {"a.txt": "text"}


def test_a_file_that_disappears_half_way_is_named(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(name)
    reader = files.documents(tmp_path)
    next(reader)
    (tmp_path / "b.txt").unlink()
    with pytest.raises(InputError, match=r"b\.txt is not"):
        list(reader)


def test_a_large_text_comes_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", 1 << 20)
    text = "".join(f"line {number} sü\n" for number in range(300_000))
    (tmp_path / "a.txt").write_text(text)
    parts = list(files.documents(tmp_path / "a.txt"))
    assert len(parts) > 3 and "".join(one.text for one in parts) == text
    assert all(one.text.endswith("\n") for one in parts) and parts[1].id == "a.txt:2"
    (tmp_path / "b.txt").write_text("ü" * 3_000_000)
    assert "".join(one.text for one in files.documents(tmp_path / "b.txt")) == "ü" * 3_000_000


def test_a_large_text_whose_last_part_ends_with_the_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", 1 << 10)
    (tmp_path / "a.txt").write_text("a line\n" * 200)
    assert "".join(one.text for one in files.documents(tmp_path / "a.txt")) == "a line\n" * 200


def test_a_damaged_page_is_refused(tmp_path):
    whole = gzip.compress(b"<p>" + bytes(random.Random(1).randbytes(5_000).hex(), "ascii"))
    (tmp_path / "a.html.gz").write_bytes(whole[:2_000])
    with pytest.raises(FormatError, match="cut short"):
        list(files.documents(tmp_path / "a.html.gz"))


@pytest.mark.parametrize("name", ["idna", "punycode", "unicode_escape", "raw_unicode_escape"])
def test_a_page_that_names_no_charset_of_the_web_is_read_all_the_same(name):
    text, _ = encodings.decode(b"a..b\\ud800 \xff", f"text/html; charset={name}", html=True)
    assert text.encode().startswith(b"a..b\\ud800")


def test_html_in_every_encoding(tmp_path):
    pages = {
        "a": "<p>süß</p>".encode(),
        "b": '<meta charset="windows-1252"><p>süß\u20ac</p>'.encode("cp1252"),
        "c": "<p>süß</p>".encode("utf-16"),
        "d": b"<p>s\xfc\xdf</p>",
        "e": "<meta http-equiv=content-type content='text/html; charset=koi8-r'><p>мир</p>".encode("koi8-r"),
        "f": b'<meta charset="x-unknown"><p>s\xc3\xbc</p>',
        "g": b"<div>" * 1000 + b"deep" + b"</div>" * 1000,
    }
    for name, data in pages.items():
        (tmp_path / f"{name}.html").write_bytes(data)
    found = {one.id[0]: (one.text, one.metadata["encoding"]) for one in files.documents(tmp_path)}
    assert [found[name][1] for name in "abcdefg"] == [
        "utf-8",
        "cp1252",
        "utf-16-le",
        "cp1252",
        "koi8-r",
        "utf-8",
        "utf-8",
    ]
    assert "süß\u20ac" in found["b"][0] and "мир" in found["e"][0] and "süß" in found["c"][0] and "süß" in found["d"][0]


def test_any_place_of_fsspec_is_read(tmp_path):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe(
        {
            "/x1/b/r.jsonl": b'{"text": "row"}\n',
            "/x1/a.txt": b"text",
            "/x1/.hidden": b"no",
            "/x1/w.txt.gz": gzip.compress(b"packed"),
        }
    )
    try:
        assert {one.id: one.text for one in files.documents("memory://x1")} == {
            "a.txt": "text",
            "b/r.jsonl:1": "row",
            "w.txt.gz": "packed",
        }
        assert [one.text for one in files.documents("memory://x1/a.txt")] == ["text"]
        with pytest.raises(InputError, match="memory://gone is not there"):
            files.documents("memory://gone")
    finally:
        memory.rm("/x1", recursive=True)
    with pytest.raises(InputError, match="use a path, s3://"):
        files.documents("nosuch://x")


def test_what_is_refused_says_what_to_set():
    with (
        pytest.raises(InputError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        places.refusals("s3://b/k"),
    ):
        raise PermissionError(13, "Forbidden")
    with pytest.raises(InputError, match="check the address"), places.refusals("https://h/k"):
        raise ConnectionError("refused")
    try:
        import s3fs  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match=r"pip install 'groundup\[data\]'"):
            files.documents("s3://bucket/key")


def test_a_bar_is_told_what_was_read(tmp_path):
    (tmp_path / "a.txt").write_text("12345")
    (tmp_path / "b.txt").write_text("123")
    seen = []
    list(files.documents(tmp_path, watch=seen.append))
    assert seen == [5, 3] and sum(seen) == files.size(tmp_path)


def test_names(tmp_path):
    assert not archives.leads_out("a..b/c.txt") and archives.leads_out("..")


# ───────── lists of Common Crawl ─────────


def test_lists_of_paths_and_indexes(tmp_path):
    (tmp_path / "warc.paths.gz").write_bytes(gzip.compress(b"crawl-data/CC-MAIN-2024-10/segments/1/warc/a.warc.gz\n"))
    assert list(commoncrawl.paths(tmp_path / "warc.paths.gz")) == [
        "https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-10/segments/1/warc/a.warc.gz"
    ]
    entry = {
        "url": "http://a.b/",
        "mime": "text/html",
        "status": "200",
        "length": "100",
        "offset": "5",
        "filename": "w.gz",
    }
    (tmp_path / "i.cdxj").write_text("b,a)/ 20240101000000 " + json.dumps(entry) + "\n")
    (tmp_path / "i.cdx").write_text(
        " CDX N b a m s k r M S V g\nb,a)/ 20240101000000 http://a.b/ text/html 200 ABC - - 100 5 w.gz\n"
    )
    expected = commoncrawl.Capture("http://a.b/", "20240101000000", "text/html", 200, "w.gz", 5, 100)
    assert (
        list(commoncrawl.captures(tmp_path / "i.cdxj")) == list(commoncrawl.captures(tmp_path / "i.cdx")) == [expected]
    )


@pytest.mark.parametrize(
    "line",
    ["b,a)/ 2024 {no json", "a b c", 'b,a)/ 2024 {"url": "x"}', 'x 1 {"url": "u", "offset": "z", "filename": "f"}'],
)
def test_bad_lines_of_lists_are_named(tmp_path, line):
    (tmp_path / "i.cdx").write_text(f"\n{line}\n")
    with pytest.raises(FormatError, match="line 2 is no line of an index"):
        list(commoncrawl.captures(tmp_path / "i.cdx"))
    (tmp_path / "paths").write_text("crawl-data/../../etc\n")
    with pytest.raises(FormatError, match="line 1 is no path of Common Crawl"):
        list(commoncrawl.paths(tmp_path / "paths"))
