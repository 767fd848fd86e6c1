"""Addresses that must not be used: pages and sites whose authors asked for removal.

A line each, `#` begins a comment:

    https://example.com/page            this page                 example.com         this site and those below it
    https://example.com/private/*       pages that begin so       id:NAME, sha256:HASH   documents: of `data.pipeline.removal`

The fetcher and the crawler ask it before each request. Documents that were gathered already leave by `groundup data remove` (`data.pipeline.removal`),
which reads the same list.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from groundup.data.sources.lines import lines
from groundup.data.sources.urls import normalize_url
from groundup.errors import InputError

SITE = re.compile(r"(?:\*\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+|localhost)(?::\d+)?")
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass
class Removal:
    """Whose addresses were asked to be removed."""

    pages: set[str] = field(default_factory=set)
    prefixes: tuple[str, ...] = ()
    sites: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, path: str | Path) -> "Removal":
        """Read a list; a line that means nothing is refused with its number, for a typing mistake would remove nothing."""
        removal = cls()
        for number, line in enumerate(lines(path), 1):
            entry = line.partition(" #")[0].strip()
            if entry and not entry.startswith("#") and not removal.add(entry):
                raise InputError(
                    f"{path}: line {number} ({entry[:80]!r}) is no address, site, id:NAME or sha256:HASH; mend it"
                )
        return removal

    def add(self, entry: str) -> bool:
        """Take one line in; False if it means nothing."""
        kind, _, value = entry.partition(":")
        if (kind == "id" and value) or (kind == "sha256" and HASH.fullmatch(value.lower())):
            return True  # of documents, not of addresses
        if entry.endswith("*") and (prefix := normalize_url(entry[:-1])):
            self.prefixes += (prefix,)
        elif page := normalize_url(entry):
            self.pages.add(page)
        elif site := SITE.fullmatch(entry.lower()):
            self.sites.add(site[1])
        else:
            return False
        return True

    def of_url(self, url: str) -> str:
        """Why an address must not be used; "" where nobody asked."""
        url = normalize_url(url)
        if url in self.pages or url.startswith(self.prefixes):
            return "on the removal list: its address"
        labels = (urlsplit(url).hostname or "").split(".")
        named = any(".".join(labels[at:]) in self.sites for at in range(len(labels)))
        return "on the removal list: its site" if named else ""
