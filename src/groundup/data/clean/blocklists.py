"""Addresses that are not wanted, and text that was read in the wrong encoding.

A list blocks a site with all below it (example.com: also www.example.com, but not badexample.com), a part of a site, or
a page. Lists are read as they are published: one domain or address a line, lines of a hosts file (0.0.0.0 example.com),
or of an advertisement blocker (||example.com^).

Mojibake: bytes of UTF-8 that were taken for Windows-1252 make two or three characters of each that is not ASCII (Ã© for é).
Going the way back gives valid UTF-8, which text that was right from the beginning hardly ever does: it would need a letter
such as Ã followed by a sign such as © every time. So a line is repaired if the way back succeeds for all of it, as often
as it was damaged. Leaves out: other pairs of encodings, and letters that were lost as ? or U+FFFD.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from groundup.errors import InputError
from groundup.slots import slot

HOSTS = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+(\S+)")
COMMENT = re.compile(r"(?:^|\s)[#!].*$")
DAMAGED = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
REPAIRS = 4


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why an address is not wanted: the entry of which list."""

    entry: str
    source: str

    @property
    def reason(self) -> str:
        """The sentence for a report."""
        return f"on the block list {self.source}: {self.entry}"


def site_and_path(address: str) -> tuple[str, str] | None:
    """The host, without www. and in its ASCII form, and the path with the query; None if there is no host.

    >>> site_and_path("HTTPS://user@www.Example.com:443/a/../b?x=1#top")
    ('example.com', '/a/../b?x=1')
    """
    if "://" not in address:
        address = f"//{address}" if not address.startswith("//") else address
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    if not host:
        return None
    query = f"?{parts.query}" if parts.query else ""
    return host.removeprefix("www."), unquote(parts.path) + query


@slot
def blocking_entry(site: str, path: str, entries: Mapping[str, Sequence[tuple[str, str]]]) -> tuple[str, str] | None:
    """The entry that blocks a page, and the list it is from; None if none does.

    site: the host's name. path: begins with / or ?, or is empty. entries: site -> (path, list) of each entry; all below that path is blocked, "" is
    the whole site. An entry for a site holds for every site below it too. As many look-ups as the name has parts, whatever
    the number of entries; the longest name is asked for first, and of its entries the first that fits counts.

    >>> blocking_entry("www.bad.example", "/x", {"bad.example": [("", "mine")]})
    ('bad.example', 'mine')
    """
    labels = site.split(".")
    for begin in range(len(labels)):
        name = ".".join(labels[begin:])
        for below, source in entries.get(name, ()):
            if path.startswith(below) and path[len(below) : len(below) + 1] in ("", "/", "?"):
                return name + below, source
    return None


class Blocklist:
    """Entries by their site."""

    def __init__(self, entries: Iterable[tuple[str, str]] = ()) -> None:
        self.entries: dict[
            str, list[tuple[str, str]]
        ] = {}  # site -> paths below which all is blocked, with their lists
        for entry, source in entries:
            self.add(entry, source)

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))

    def add(self, entry: str, source: str = "yours") -> None:
        """Block a domain, an address or a part of a site."""
        if (place := site_and_path(entry)) is None:
            raise InputError(f"{entry!r} is no domain or address; write example.com or https://example.com/page")
        site, path = place
        self.entries.setdefault(site, []).append((path.rstrip("/") if "?" not in path else path, source))

    def judge(self, address: str) -> Blocked | None:
        """Which entry blocks an address, None if none does.

        >>> Blocklist([("example.com/ads", "mine")]).judge("http://sub.example.com/ads/1.html").reason
        'on the block list mine: example.com/ads'
        """
        place = site_and_path(address)
        if place is None:
            return None
        found = blocking_entry(*place, self.entries)
        return Blocked(*found) if found else None


def read_blocklist(*paths: str | Path) -> Blocklist:
    """The entries of files, or of all .txt files in folders; an entry that is none is named with its line."""
    made = Blocklist()
    for path in paths:
        path = Path(path)
        if not path.exists():
            raise InputError(f"{path} is not there; give a text file with one domain or address a line")
        for file in sorted(path.rglob("*.txt")) if path.is_dir() else [path]:
            _read(file, made)
    return made


def _read(file: Path, made: Blocklist) -> None:
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        entry = COMMENT.sub("", line).strip()
        if hosts := HOSTS.fullmatch(entry):
            entry = hosts[1]
        entry = entry.removeprefix("||").removeprefix("*.").split("^")[0].split("$")[0]
        if not entry or entry in ("localhost", "0.0.0.0"):
            continue
        try:
            made.add(entry, file.name)
        except InputError as error:
            raise InputError(f"{file}, line {number}: {error}") from None


# ───────── mojibake ─────────


def _back(line: str) -> str | None:
    """What a line was before its UTF-8 was taken for Windows-1252; None if that cannot be."""
    if DAMAGED.search(line) is None:
        return None
    try:
        raw = b"".join(_byte(character) for character in line)
        return raw.decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _byte(character: str) -> bytes:
    """Windows-1252, whose five free places most programs read as control characters."""
    code = ord(character)
    return bytes([code]) if code < 0x80 or code in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else character.encode("cp1252")


def repair(text: str) -> tuple[str, int]:
    """The text with its damaged lines repaired, and how many there were.

    >>> repair("cafÃ© and\\nnaïve")
    ('café and\\nnaïve', 1)
    """
    if DAMAGED.search(text) is None:
        return text, 0
    lines, count = [], 0
    for line in text.split("\n"):
        repaired = line
        for _ in range(REPAIRS):
            before = _back(repaired)
            if before is None:
                break
            repaired = before
        count += repaired != line
        lines.append(repaired)
    return "\n".join(lines), count
