"""The files inside of zip and tar archives, one at a time, never unpacked under their own names.

A member is written into a temporary file and read like any other. Not read, and reported: names that lead out of the archive
(`../`, `/etc`: CWE-22), links and devices, members that are encrypted or damaged, and those that unpack to more than an honest
text does (42.zip: 42 kB, 4.5 PB). Archives inside of archives stay closed. Leaves out: rar, 7z.
"""

import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from groundup.data.documents import Document
from groundup.data.sources.damage import Damage, Heard, Report
from groundup.data.sources.places import open_binary
from groundup.errors import FormatError, GroundupError
from groundup.files import disk_errors

MEMBER_BYTES = 1 << 30  # the most that one member may unpack to
RATIO, FREE_BYTES = (
    250,
    1 << 24,
)  # more than this many times its packed size, beyond the first 16 MB: a bomb (text packs about 4 times)
COPY_BYTES = 1 << 20
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)
Member = tuple[str, int, int, Callable[[], IO[bytes]]]  # name, offset, packed bytes (-1: unknown), open
ReadFile = Callable[[Path, str], Iterator[Document]]
ZIP, TAR = (".zip",), (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def documents(
    path: str | Path, name: str, read_file: ReadFile, wanted: Callable[[str], bool], report: Report | None
) -> Iterator[Document]:
    """The documents of an archive's members, in its order.

    read_file: reads one file as documents with a name. wanted: whether a member's name is that of a file with text.
    """
    heard = Heard(report)
    members = _zip if str(path).lower().endswith(ZIP) else _tar
    with open_binary(path) as file, tempfile.TemporaryDirectory(prefix="groundup-") as folder:
        for member, offset, packed, opened in members(file, path, heard):
            if not wanted(member):
                continue
            target = Path(folder, "member" + "".join(PurePosixPath(member).suffixes[-2:]))
            why = "its name leads out of the archive" if leads_out(member) else _unpack(opened, target, packed)
            if why:
                heard(Damage(str(path), offset, f"{member!r} was not read: {why}"))
                continue
            yield from _read(target, f"{path}!{member}", f"{name}!{member}", read_file, heard, offset)
            target.unlink()
    heard.say()


def _read(target: Path, shown: str, name: str, read_file: ReadFile, heard: Heard, offset: int) -> Iterator[Document]:
    """The documents of one unpacked member; what cannot be read of it is reported under the member's name."""
    if not target.stat().st_size:
        return
    try:
        yield from read_file(target, name)
    except GroundupError as error:
        heard(Damage(shown, offset, str(error).replace(str(target), shown)))


def leads_out(member: str) -> bool:
    """Whether a member's name would be written outside of the folder that an archive is unpacked into.

    >>> [leads_out(name) for name in ("a/b.txt", "../b.txt", "a/../../b", "/etc/passwd", "C:\\\\b.txt", "a\\\\..\\\\..\\\\b")]
    [False, True, True, True, True, True]
    """
    parts = PurePosixPath(member.replace("\\", "/")).parts
    return member.startswith(("/", "\\")) or ".." in parts or (len(member) > 1 and member[1] == ":")


def _unpack(opened: Callable[[], IO[bytes]], target: Path, packed: int) -> str:
    """Write a member into a file; why not, if it cannot be or is too large. Nothing is kept of what was not whole."""
    most = MEMBER_BYTES if packed < 0 else min(MEMBER_BYTES, FREE_BYTES + RATIO * packed)
    size = 0
    try:
        with opened() as source, open(target, "wb") as copy:
            while data := source.read(COPY_BYTES):
                size += len(data)
                if size > most:
                    os.truncate(target, 0)
                    return f"it unpacks to more than {most / 1e6:,.0f} MB, as archive bombs do"
                with disk_errors(target):
                    copy.write(data)
    except GroundupError:  # the disk is full
        raise
    except BROKEN as error:
        return f"it is damaged or locked ({error})"
    return ""


def _zip(file: IO[bytes], path: str | Path, heard: Heard) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(file)
    except BROKEN as error:
        raise FormatError(f"{path} is no whole zip archive ({error}); get it again") from error
    with archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            if entry.external_attr >> 28 == 0xA:
                heard(Damage(str(path), entry.header_offset, f"{entry.filename!r} was not read: it is a link"))
                continue
            yield entry.filename, entry.header_offset, entry.compress_size, partial(archive.open, entry)


def _tar(file: IO[bytes], path: str | Path, heard: Heard) -> Iterator[Member]:
    try:
        archive = tarfile.open(fileobj=file, mode="r|*")
    except BROKEN as error:
        raise FormatError(f"{path} is no tar archive ({error}); get it again") from error
    size = os.fstat(file.fileno()).st_size if hasattr(file, "fileno") and file.seekable() else -1
    place = 0
    try:
        for entry in archive:
            place = entry.offset
            if entry.isfile():
                yield entry.name, entry.offset, size, partial(_content, archive, entry)
            elif not entry.isdir():
                heard(Damage(str(path), entry.offset, f"{entry.name!r} was not read: it is a link or a device"))
    except BROKEN as error:
        heard(Damage(str(path), place, f"the archive ends or is damaged behind this member ({error})"))


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    """A member's content, which is read before the next member is asked for."""
    found = archive.extractfile(entry)
    if found is None:
        raise tarfile.ReadError("it has no content")
    return found
