"""Common Crawl's lists: which archives a crawl has (`warc.paths.gz`), and where each page lies in them (CDX, CDXJ).

A CDXJ line is the page's key, a date of 14 digits and JSON (pywb; index.commoncrawl.org); a CDX line has columns that the file's
first line names by letters (Internet Archive, CDX 2015: N key, b date, a address, m type, s status, V offset, g file, S length).
With offset and length a page is read out of an archive of a gigabyte by one request for a few kilobytes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from groundup.data.sources.lines import lines
from groundup.errors import FormatError

SERVER = "https://data.commoncrawl.org/"
LETTERS = {
    "a": "url",
    "b": "date",
    "m": "mime",
    "s": "status",
    "V": "offset",
    "S": "length",
    "g": "filename",
    "k": "digest",
}
USUAL = " CDX N b a m s k r M S V g"  # of files without a first line
LISTED = ("crawl-data/", "projects/", "contrib/", "cc-index/")


@dataclass(frozen=True, slots=True)
class Capture:
    """Where one page lies. length: of its gzip member; -1 where the index does not say."""

    url: str
    date: str
    mime: str
    status: int
    filename: str
    offset: int
    length: int


def paths(path: str | Path, server: str = SERVER) -> Iterator[str]:
    """The addresses of a path list's archives; a line that is no path is refused with its number."""
    for number, line in enumerate(lines(path), 1):
        name = line.strip()
        if name and (not name.startswith(LISTED) or ".." in name.split("/")):
            raise FormatError(
                f"{path}: line {number} is no path of Common Crawl ({name[:80]!r}); give a file such as warc.paths.gz"
            )
        if name:
            yield server + name


def captures(path: str | Path) -> Iterator[Capture]:
    """The lines of a CDX or CDXJ index, in order; one that cannot be read is refused with its number."""
    form = USUAL.split()[1:]
    for number, line in enumerate(lines(path), 1):
        if line.lstrip().startswith("CDX "):
            form = line.split()[1:]
        elif line.strip() and not line.startswith("!"):
            try:
                yield _capture(line, form)
            except (ValueError, KeyError, TypeError) as error:
                raise FormatError(
                    f"{path}: line {number} is no line of an index ({line[:80]!r}); mend or remove it"
                ) from error


def _capture(line: str, form: list[str]) -> Capture:
    """One line of either kind."""
    if "{" in line:
        _key, date, rest = line.split(" ", 2)
        entry = {"date": date} | json.loads(rest)
    else:
        values = line.split()
        if len(values) != len(form):
            raise ValueError(f"{len(values)} columns of {len(form)}")
        entry = {LETTERS[letter]: value for letter, value in zip(form, values, strict=True) if letter in LETTERS}
    status = str(entry.get("status", "-"))
    length = str(entry.get("length", "-"))
    return Capture(
        entry["url"],
        entry["date"],
        entry.get("mime", ""),
        int(status) if status.isdigit() else 0,
        entry["filename"],
        int(entry["offset"]),
        int(length) if length.isdigit() else -1,
    )
