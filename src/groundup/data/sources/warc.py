"""Web archives: every record of a WARC or ARC file that can be read, and the byte of every one that cannot.

A record is a head of named fields, a blank line, a block of Content-Length bytes and two line ends (WARC 1.1, ISO
28500:2017, section 4); ARC, its elder, has one line of fields in place of the head (Internet Archive, ARC 1.0, 1996). Files
are plain, or gzip with a member a record, or gzip as a whole. Damage is reported with its offset and reading goes on at the
next record; one that the file's end or the next record cuts off is given as far as it goes, and says so. Leaves out: zstd
with a dictionary, and putting segmented records together.
"""

import base64
import hashlib
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from groundup.data.sources.damage import Damage, Heard, Report
from groundup.data.sources.members import Piece, pieces
from groundup.data.sources.places import open_binary

LARGEST_BYTES = 1 << 28  # a block beyond it is reported and not read
HEAD_BYTES = 1 << 16  # a head beyond it is none
MARK_BYTES = 1 << 14  # longer than what marks a record
WARC = b"WARC/"
WARC_MARK = rb"WARC/\d\.\d+\r?\n[A-Za-z][A-Za-z-]*:"
ARC_MARK = rb"[a-z][a-z0-9+.-]{1,15}:[^\n]{1,8192} \d{8,18} [^\n]{1,400}\n"
ARC_LINE = re.compile(ARC_MARK)
NEXT_WARC = re.compile(WARC_MARK)
NEXT_ARC = re.compile(rb"(?<=\n)" + ARC_MARK)
NEXT = re.compile(WARC_MARK + rb"|(?<=\n)" + ARC_MARK)
LINE_ENDS = b"\r\n"
ARC_NAMES = {
    5: (1, 2, 3, 4),
    10: (1, 2, 3, 9),
}  # where address, date, type and length stand in a line of so many fields


@dataclass(frozen=True, slots=True)
class Record:
    """One record. headers: named in lower case; those of ARC have WARC's names."""

    version: str
    headers: dict[str, str]
    block: bytes
    offset: int
    """of its first byte, or of its gzip member: what an index of the archive stores"""
    damage: str = ""
    """why its block may not be all that was fetched; it was reported too"""

    @property
    def type(self) -> str:
        """response, request, resource, warcinfo, metadata, revisit, conversion, continuation; of ARC: arc_header, response."""
        return self.headers.get("warc-type", "")

    @property
    def url(self) -> str:
        """What was asked for; some writers put it between angle brackets."""
        return self.headers.get("warc-target-uri", "").removeprefix("<").removesuffix(">")


class _Unreadable(Exception):
    """This record cannot be read, and why."""


def records(
    path: str | Path, report: Report | None = None, largest: int = LARGEST_BYTES, verify: bool = False
) -> Iterator[Record]:
    """Every record of a WARC, WET, WAT or ARC file that can be read, in order, in bounded memory.

    path: local, or any that fsspec knows. report: gets every record that cannot be read; without one they are said aloud.
    verify: also compare each block with the digest in its head.
    """
    with open_binary(path) as file:
        yield from read(file, str(path), report, largest, verify)


def read(
    file: IO[bytes], name: str, report: Report | None = None, largest: int = LARGEST_BYTES, verify: bool = False
) -> Iterator[Record]:
    """The same of an open file that can seek."""
    heard = Heard(report)
    for record in _Reader(pieces(file, begins), name, heard, largest).records():
        why = _digest_differs(record) if verify else ""
        if why:
            heard(Damage(name, record.offset, why))
        yield Record(record.version, record.headers, record.block, record.offset, why) if why else record
    heard.say()


def record_at(path: str | Path, offset: int) -> Record:
    """The record at an offset that an index (CDX) or another record gave; FormatError where none begins."""
    from groundup.errors import FormatError

    found: list[Damage] = []
    with open_binary(path) as file:
        record = next(_Reader(pieces(file, begins, offset), str(path), found.append, LARGEST_BYTES).records(), None)
    if record is None or record.offset != offset:
        raise FormatError(f"{path}: no record begins at byte {offset}; make the index of this file again")
    return record


def begins(data: bytes) -> bool:
    """Whether a record of either kind begins with these bytes."""
    return data.startswith(WARC) or ARC_LINE.match(data) is not None


@dataclass
class _Reader:
    """Decompressed bytes in a buffer. `at` is the beginning of the record that is read, or a place between two."""

    pieces: Iterator[Piece]
    path: str
    report: Report
    largest: int
    buffer: bytearray = field(default_factory=bytearray)
    at: int = 0
    base: int = 0  # the place of the buffer's first byte among all decompressed bytes
    marks: deque[tuple[int, Piece]] = field(default_factory=deque)  # where pieces begin among them
    waiting: Piece | None = None  # a member that begins a record while the one before it is not finished
    broken: Piece | None = None
    zipped: bool = False
    next: re.Pattern[bytes] = NEXT
    fields: int = 5  # of a line of ARC: 10 in its version 2

    def records(self) -> Iterator[Record]:
        """Every record that can be read."""
        while self.to_content():
            offset, inside = self.offset()
            try:
                yield self.record(offset)
                continue
            except _Unreadable as error:
                why = f"{error}; {self.broken.broken}" if self.broken else str(error)
            self.report(
                Damage(self.path, offset, why + (f" (byte {inside:,} of the member's content)" if inside else ""))
            )
            self.broken = None
            self.at += 1
            self.to_next()

    def offset(self) -> tuple[int, int]:
        """The place as a byte of the file; in gzip, as that of its member and a byte of the member's content."""
        here = self.base + self.at
        while len(self.marks) > 1 and self.marks[1][0] <= here:
            self.marks.popleft()
        place, piece = self.marks[0]
        return (piece.offset, here - place) if self.zipped else (piece.offset + here - place, 0)

    def more(self, inside: bool) -> bool:
        """Get more bytes; False at the file's end, at damage, and inside of a record at a member that begins another."""
        piece = self.waiting or next(self.pieces, None)
        self.waiting = None
        if piece is None:
            return False
        if piece.broken:
            self.broken = piece
            return False
        if inside and piece.first and begins(piece.data):
            self.waiting = piece
            return False
        if self.at == len(self.buffer) or self.at > 1 << 16:
            del self.buffer[: self.at]
            self.base, self.at = self.base + self.at, 0
        self.zipped = self.zipped or piece.first
        if piece.first or not self.zipped:
            self.marks.append((self.base + len(self.buffer), piece))
        self.buffer += piece.data
        return True

    def have(self, size: int) -> bool:
        """Whether the record has so many bytes more, from its beginning; they are then in the buffer."""
        while len(self.buffer) - self.at < size:
            if not self.more(inside=True):
                return False
        return True

    def to_content(self) -> bool:
        """Pass over the line ends between records; False at the end of the file."""
        while True:
            self.say_broken()
            while self.at < len(self.buffer) and self.buffer[self.at] in LINE_ENDS:
                self.at += 1
            if self.at < len(self.buffer):
                return True
            if not self.more(inside=False) and self.broken is None:
                return False

    def say_broken(self) -> None:
        """Report a member that broke outside of any record."""
        if self.broken is not None:
            self.report(Damage(self.path, self.broken.offset, self.broken.broken))
            self.broken = None

    def to_next(self) -> None:
        """Go to the next place that looks like the beginning of a record, or to the file's end."""
        while not (found := self.next.search(self.buffer, self.at)):
            if self.waiting is not None:
                self.at = len(self.buffer)
                self.more(inside=False)
                return
            self.at = max(self.at, len(self.buffer) - MARK_BYTES)
            if not self.more(inside=True) and self.waiting is None:
                if self.broken is None:
                    self.at = len(self.buffer)
                    return
                self.say_broken()
        self.at = found.start()

    def record(self, offset: int) -> Record:
        """The record that begins here; the place is then behind it."""
        self.have(len(WARC))
        kind = self.warc_head if self.buffer.startswith(WARC, self.at) else self.arc_head
        version, headers, head = kind()
        length = _length(headers)
        if length > self.largest:
            raise _Unreadable(f"its block of {length:,} bytes is longer than the {self.largest:,} that are read")
        damage = (
            self.after(head + length) if self.have(head + length) else "the file or the next record cuts off its block"
        )
        if self.broken is not None and self.zipped and self.broken.offset == offset:
            raise _Unreadable("the record is not whole")
        end = min(self.at + head + length, len(self.buffer))
        if damage and (found := self.next.search(self.buffer, self.at + head, end)):
            damage, end = "the next record cuts off its block", found.start()
        block = bytes(memoryview(self.buffer)[self.at + head : end])
        self.at = end
        self.next = NEXT_WARC if version.startswith("WARC") else NEXT_ARC
        if damage:
            self.report(Damage(self.path, offset, f"{damage}: {len(block):,} of {length:,} bytes"))
            self.to_next()
        return Record(version, headers, block, offset, damage)

    def after(self, end: int) -> str:
        """What is wrong with the bytes behind a block, where line ends and another record should stand."""
        if self.have(end + 4) and self.buffer.startswith(b"\r\n\r\n", self.at + end):
            return ""
        while self.have(end + 1) and self.buffer[self.at + end] in LINE_ENDS:
            end += 1
        if not self.have(end + 1) or begins(bytes(self.buffer[self.at + end : self.at + end + MARK_BYTES])):
            return ""
        return "no line ends follow its block, so its length may be wrong"

    def warc_head(self) -> tuple[str, dict[str, str], int]:
        """Version, fields and size of a WARC head; its lines may end in \\n alone, as some writers leave them."""
        while (line := self.buffer.find(b"\n", self.at, self.at + 64)) < 0:
            if len(self.buffer) - self.at >= 64 or not self.more(inside=True):
                raise _Unreadable("its first line has no end")
        mark = b"\r\n\r\n" if self.buffer[line - 1] == ord("\r") else b"\n\n"
        while (end := self.buffer.find(mark, self.at, self.at + HEAD_BYTES)) < 0:
            if len(self.buffer) - self.at >= HEAD_BYTES or not self.more(inside=True):
                raise _Unreadable("its head has no end")
        return *_fields(bytes(self.buffer[self.at : end])), end + len(mark) - self.at

    def arc_head(self) -> tuple[str, dict[str, str], int]:
        """Version, fields and size of an ARC line; the first line's block says which version the file has."""
        self.have(MARK_BYTES)
        line = ARC_LINE.match(self.buffer, self.at)
        if line is None:
            raise _Unreadable("no record begins here")
        head = line[0].rstrip(LINE_ENDS)
        if head.startswith(b"filedesc:"):
            self.fields = 10 if self.buffer.startswith(b"2", line.end()) else 5
        parts = head.decode("utf-8", "replace").rsplit(" ", self.fields - 1)
        if len(parts) < self.fields:
            raise _Unreadable(f"its line has {len(parts)} fields of {self.fields}")
        kind = "arc_header" if head.startswith(b"filedesc:") else "response"
        address, date, mime, length = (parts[place] for place in ARC_NAMES[self.fields])
        names = ("warc-type", "warc-target-uri", "warc-ip-address", "warc-date", "content-type", "content-length")
        values = (kind, parts[0], address, _date(date), mime, length)
        return f"ARC/{2 if self.fields == 10 else 1}", dict(zip(names, values, strict=True)), len(line[0])


def _fields(head: bytes) -> tuple[str, dict[str, str]]:
    """The version and the named fields of a WARC head; a line that begins with a blank goes on with the one before."""
    first, *lines = head.decode("utf-8", "replace").splitlines()
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in (" ", "\t") and name:
            headers[name] += " " + line.strip()
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers[name] = value.strip()
    return first, headers


def _length(headers: dict[str, str]) -> int:
    given = headers.get("content-length")
    if given is None:
        raise _Unreadable("its head has no Content-Length")
    if not re.fullmatch(r"[0-9]{1,15}", given):
        raise _Unreadable(f"its length is {given[:40]!r} and no number")
    return int(given)


def _date(digits: str) -> str:
    """20140216050221 as WARC writes it."""
    if len(digits) != 14:
        return digits
    d = digits
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:]}Z"


def _digest_differs(record: Record) -> str:
    """Whether a block is not the one whose digest stands in the head; base32, hex and both base64s are in use."""
    kind, _, given = record.headers.get("warc-block-digest", "").partition(":")
    if kind.lower() not in ("sha1", "sha256", "md5"):
        return ""
    digest = hashlib.new(kind.lower(), record.block, usedforsecurity=False).digest()
    plain, safe = base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode()
    if given in (plain, safe) or given.lower() == digest.hex() or given.upper() == base64.b32encode(digest).decode():
        return ""
    return "its block differs from the digest in its head"
