"""Where a site says that more pages are: the links of a page, and sitemaps (sitemaps.org, 2008), plain, gzip or an index.

A page is read tag by tag, without a tree: a thousand nested elements cost nothing, and no page takes more than linear time. A
damaged sitemap gives the addresses before the damage.
"""

import re
import zlib
from collections.abc import Iterator
from html import unescape
from typing import Any
from xml.etree import ElementTree

from groundup.data.sources.members import MAGIC
from groundup.data.sources.urls import absolute

SITEMAP_BYTES = 50 << 20  # unpacked, and addresses: what the protocol allows in one
SITEMAP_ADDRESSES = 50_000
PAGE_CHARACTERS, TAG_CHARACTERS = 1 << 20, 1 << 11  # looked at: a hostile page costs seconds and not hours
TAG = re.compile(r"""<([a-zA-Z][^\s/>]*+)((?:[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
ATTRIBUTE = re.compile(r"""([^\s/=>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
RAW = ("script", "style", "textarea", "title")
LINKS = 5000  # of one page; more are a trap or a list for machines


def links(page: str, url: str) -> list[str]:
    """The addresses that a page links to, normalised, each once; none where it asks that they be not followed."""
    base, found = url, dict[str, None]()
    for tag, given in tags(page):
        if tag == "base" and given.get("href"):
            base = absolute(base, given["href"]) or base
        elif tag == "meta" and given.get("name", "").lower() == "robots":
            if {"nofollow", "none"} & set(re.split(r"[\s,]+", given.get("content", "").lower())):
                return []
        elif tag in ("a", "area") and given.get("href") and "nofollow" not in given.get("rel", "").lower().split():
            if len(found) < LINKS and (link := absolute(base, given["href"])):
                found[link] = None
    return list(found)


def tags(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The start tags of a page with their attributes; what stands in comments and scripts is none."""
    at, page = 0, page[:PAGE_CHARACTERS]
    while (at := page.find("<", at)) >= 0:
        if page.startswith("<!--", at):
            end = page.find("-->", at + 4)
        elif (tag := TAG.match(page, at, at + TAG_CHARACTERS)) is None:
            at += 1
            continue
        else:
            name, end = tag[1].lower(), tag.end()
            yield (
                name,
                {one[1].lower(): unescape(one[2] or one[3] or one[4] or "") for one in ATTRIBUTE.finditer(tag[2])},
            )
            if name in RAW:
                closing = re.compile(f"</{name}", re.IGNORECASE).search(page, end)
                end = closing.start() if closing else -1
        if end < 0:
            return
        at = end


def sitemap(data: bytes, url: str) -> tuple[list[str], list[str]]:
    """The pages and the further sitemaps that a sitemap lists."""
    data = _unpacked(data)
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = data.decode("utf-8", "replace").split("\n")
        return [found for line in lines[:SITEMAP_ADDRESSES] if line.strip() and (found := absolute(url, line))], []
    pages: list[str] = []
    maps: list[str] = []
    for parent, location in _locations(data):
        if len(pages) + len(maps) >= SITEMAP_ADDRESSES:
            break
        if found := absolute(url, location):
            (maps if parent == "sitemap" else pages).append(found)
    return pages, maps


def _unpacked(data: bytes) -> bytes:
    """A sitemap without gzip, as far as it is whole and no longer than allowed."""
    if data.startswith(MAGIC):
        decoder, parts, size = zlib.decompressobj(31), [], 0
        try:
            for at in range(0, len(data), 1 << 14):
                parts.append(decoder.decompress(data[at : at + (1 << 14)], SITEMAP_BYTES - size))
                size += len(parts[-1])
                if size >= SITEMAP_BYTES:
                    break
        except zlib.error:
            pass
        data = b"".join(parts)
    return data[:SITEMAP_BYTES]


def _locations(data: bytes) -> Iterator[tuple[str, str]]:
    """The text of every <loc>, with the name of what stands around it; entities of one's own are refused by the parser's library."""
    parser: Any = ElementTree.XMLPullParser(["start", "end"])
    around: list[str] = []
    try:
        for at in range(0, len(data), 1 << 16):
            parser.feed(data[at : at + (1 << 16)])
            for event, element in parser.read_events():
                name = element.tag.rpartition("}")[2]
                if event == "start":
                    around.append(name)
                    continue
                around.pop()
                if name == "loc" and around and around[-1] in ("url", "sitemap"):
                    yield around[-1], (element.text or "").strip()
                elif name in ("url", "sitemap"):
                    element.clear()
    except (ElementTree.ParseError, ValueError, LookupError):  # also an encoding that the parser does not know
        return
