"""What students handed in: a folder with one sub-folder or .zip a student, taken in without trusting any of it.

Only Python files are taken, as bytes, and nothing is unpacked onto the disk here. A link is never followed. An archive whose
names lead out of it, or that would grow over the limits, is refused with a sentence, as is a folder beyond them; the others
are graded all the same. Names of students come from names of folders and lose what a table, a page or a disk could mistake.
"""

import lzma
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from groundup.errors import InputError

MOST_FILES = 200  # Python files of one student
MOST_ENTRIES = 5000  # of an archive or folder, of any kind
FILE_BYTES = 256 * 1024  # of one Python file; the longest of the library's solutions has 4 kB
ALL_BYTES = 4 * 1024 * 1024  # of one student's Python files
ZIP_BYTES = 16 * 1024 * 1024  # of an archive as it lies there
UNPACKED_BYTES = 64 * 1024 * 1024  # of all that it says to hold
SKIPPED = {"__MACOSX", "__pycache__", "node_modules", "site-packages"}
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, NotImplementedError, RuntimeError)


class Refused(Exception):
    """A submission that is not taken; str(error) says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One student's Python files. refusal: why nothing was taken; links: files that are links and were not followed."""

    student: str
    files: dict[str, bytes] = field(default_factory=dict)  # path inside the submission -> content
    links: tuple[str, ...] = ()
    refusal: str = ""

    def find(self, name: str) -> str:
        """The path of a file, the outermost of that name; Refused when there is none, or two as far out."""
        paths = sorted((path for path in self.files if PurePosixPath(path).name == name), key=_depth)
        if not paths and name in {PurePosixPath(path).name for path in self.links}:
            raise Refused(f"{name} is a link, which is not followed; hand in the file itself")
        if not paths:
            raise Refused(f"no file {name}")
        if len(paths) > 1 and _depth(paths[0]) == _depth(paths[1]):
            raise Refused(f"there are two files {name} ({paths[0]} and {paths[1]}); hand in one")
        return paths[0]


def _depth(path: str) -> int:
    return path.count("/")


def collect(folder: Path) -> tuple[list[Submission], list[str]]:
    """The submissions of a folder by their students' names, and the names of what is no submission."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise InputError(f"{folder} {what}; give the folder that holds one sub-folder or .zip a student")
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX")))
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
    handed = [entry for entry in entries if entry.is_dir() or entry.suffix.lower() == ".zip"]
    if not handed:
        raise InputError(f"{folder} holds no submission; put one sub-folder or .zip a student into it")
    students = _students(folder, handed)
    others = [plain(entry.name) for entry in entries if entry not in handed]
    return [_take(entry, student) for entry, student in zip(handed, students, strict=True)], others


def _students(folder: Path, handed: list[Path]) -> list[str]:
    names = [plain(entry.stem if entry.suffix.lower() == ".zip" else entry.name) for entry in handed]
    for place, name in enumerate(names):
        if name in names[:place]:
            first = handed[names.index(name)].name
            raise InputError(
                f"{folder} holds {plain(first)} and {plain(handed[place].name)} for the student {name}; keep one of them"
            )
    return names


def plain(name: str) -> str:
    """A name without what cannot be seen or written (controls, marks of direction, halves of characters), on one line.

    >>> plain("An\\u202ena  Li\\n")
    'Anna Li'
    """
    kept = "".join(letter for letter in unicodedata.normalize("NFC", name) if unicodedata.category(letter)[0] != "C")
    return " ".join(kept.split())[:100] or "unnamed"


def file_name(student: str, taken: set[str]) -> str:
    """A student's name as a file's, unlike those taken before: letters, digits, and _ for anything else.

    >>> file_name("../Anna <b>", set()), file_name("anna_b_", {"anna_b_"})
    ('Anna_b_', 'anna_b_-2')
    """
    stem = re.sub(r"[^\w-]+", "_", student).lstrip("_-")[:60] or "student"
    found, number = stem, 1
    while found.lower() in taken:
        number += 1
        found = f"{stem}-{number}"
    taken.add(found.lower())
    return found


def _take(entry: Path, student: str) -> Submission:
    """One student's files, or why they are not taken."""
    links: list[str] = []
    try:
        if entry.is_symlink():
            raise Refused(f"{plain(entry.name)} is a link, which is not followed; hand in the folder or archive itself")
        found = _from_folder(entry, links) if entry.is_dir() else _from_zip(entry)
        return Submission(student=student, files=_within_limits(found), links=tuple(links))
    except Refused as error:
        return Submission(student=student, refusal=str(error))
    except OSError as error:
        return Submission(student=student, refusal=f"{plain(entry.name)} cannot be read ({error.strerror})")


def _within_limits(found: Iterator[tuple[str, bytes]]) -> dict[str, bytes]:
    """Take files one by one, up to the limits of number and size."""
    files: dict[str, bytes] = {}
    total = 0
    for path, content in found:
        files[path] = content
        total += len(content)
        if len(content) > FILE_BYTES:
            raise Refused(f"{plain(path)} is larger than {FILE_BYTES // 1024} kB; hand in only what you wrote")
        if len(files) > MOST_FILES or total > ALL_BYTES:
            raise Refused(f"more than {MOST_FILES} Python files or {ALL_BYTES >> 20} MB; hand in only what you wrote")
    return files


def _wanted(path: str) -> bool:
    """Whether a path is a Python file that somebody wrote."""
    parts = path.split("/")
    return path.endswith(".py") and not any(part.startswith(".") or part in SKIPPED for part in parts)


def _from_folder(folder: Path, links: list[str]) -> Iterator[tuple[str, bytes]]:
    seen = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        seen += len(folders) + len(names)
        if seen > MOST_ENTRIES:
            raise Refused(f"holds more than {MOST_ENTRIES} files; hand in only what you wrote")
        for name in sorted(names):
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            if not _wanted(path):
                continue
            if file.is_symlink():
                links.append(path)
            elif stat.S_ISREG(file.lstat().st_mode):
                yield path, _first_bytes(file)


def _first_bytes(file: Path) -> bytes:
    """A regular file's content up to just over the limit; what became a link or a pipe meanwhile does not open."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as stream:
        return stream.read(FILE_BYTES + 1)


def _from_zip(file: Path) -> Iterator[tuple[str, bytes]]:
    if not stat.S_ISREG(file.lstat().st_mode) or file.stat().st_size > ZIP_BYTES:
        raise Refused(f"{plain(file.name)} is no archive of at most {ZIP_BYTES >> 20} MB; hand in only what you wrote")
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _harmless(entries)
            for entry in entries:
                path = PurePosixPath(entry.filename.replace("\\", "/")).as_posix()
                if _wanted(path):
                    with archive.open(entry) as stream:
                        yield path, stream.read(FILE_BYTES + 1)
    except DAMAGED as error:
        raise Refused(f"{plain(file.name)} cannot be read as a zip archive ({error}); make it again") from error


def _harmless(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that leads out of itself, holds links, or would grow beyond the limits."""
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
        raise Refused(
            f"the archive would unpack to more than {MOST_ENTRIES} files or {UNPACKED_BYTES >> 20} MB; hand in only your files"
        )
    for entry in entries:
        name = entry.filename
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match(r"[A-Za-z]:", name):
            raise Refused(f"the archive holds {plain(name)!r}, a path that leads out of it; make the archive again")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused(f"the archive holds {plain(name)!r}, a link; put the file itself into it")
