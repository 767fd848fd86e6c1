"""What a server answered, out of the block of a web archive's record: status, headers, and the body as the page's author wrote it.

Chunks (RFC 9112, section 7.1) are put together and compression is undone, both as far as they are whole: archives keep bodies
that were cut off, and some that were stored without the chunks that their head names. What a page says about its use (licence,
opt-out) is read here too. Leaves out: Brotli and zstd where no package for them is installed.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from groundup.data.documents import Document
from groundup.data.sources.damage import Damage, Report
from groundup.data.sources.encodings import decode
from groundup.data.sources.warc import LARGEST_BYTES, Record, records
from groundup.progress import say

INFLATED_BYTES = 1 << 26  # of one body: beyond it compression is a bomb
HTML = ("text/html", "application/xhtml+xml")
TEXT = (*HTML, "text/plain", "text/markdown")
HEAD_END = re.compile(rb"\r?\n\r?\n")
CHUNK = re.compile(rb"\s*([0-9A-Fa-f]{1,8})[^\n]{0,200}\n")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. headers: lower-case names; several of one name are joined by commas. body: chunks and compression undone."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True
    """whether the body has the length that its head gives, and its compression ends"""

    @property
    def mime(self) -> str:
        """The content's type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse(block: bytes) -> Response | None:
    """The HTTP response in a block; None where the block is none."""
    if not block.startswith(b"HTTP/"):
        return None
    end = HEAD_END.search(block)
    first, *lines = (block[: end.start()] if end else block).decode("latin-1").splitlines() or [""]
    status = first.split(" ", 2)[1:2]
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    raw = block[end.end() :] if end else b""
    body, whole = body_of(raw, headers)
    return Response(int(status[0]) if status and status[0].isdigit() else 0, headers, body, whole)


def body_of(raw: bytes, headers: dict[str, str]) -> tuple[bytes, bool]:
    """The body without chunks and compression, and whether all of it is there."""
    whole = True
    if "chunked" in headers.get("transfer-encoding", "").lower() and CHUNK.match(raw):
        raw, whole = unchunked(raw)
    elif (length := headers.get("content-length", "")).isdigit():
        whole = len(raw) >= int(length)
        raw = raw[: int(length)] if len(raw) - int(length) <= 4 else raw  # line ends that a writer counted in
    for name in reversed(re.split(r"\s*,\s*", headers.get("content-encoding", "").lower())):
        raw, unpacked = inflated(raw, name)
        whole = whole and unpacked
    return raw, whole


def unchunked(raw: bytes) -> tuple[bytes, bool]:
    """The chunks of a body put together, as far as they are whole.

    >>> unchunked(b"4\\r\\nWiki\\r\\n3\\r\\npee\\r\\n0\\r\\n\\r\\n"), unchunked(b"9\\r\\nWiki")
    ((b'Wikipee', True), (b'Wiki', False))
    """
    parts: list[bytes] = []
    at = 0
    while found := CHUNK.match(raw, at):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(parts), True
        parts.append(raw[found.end() : found.end() + size])
        at = found.end() + size
    return b"".join(parts), False


def inflated(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """A body without one compression, at most INFLATED_BYTES of it; one that is not compressed as it says comes as it is."""
    if encoding in ("br", "zstd"):
        return _other(raw, encoding)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return raw, encoding in ("", "identity")
    for window in (47, -15):  # gzip or zlib by the first bytes, and the bare deflate that some servers send
        decoder = zlib.decompressobj(window)
        try:
            body = decoder.decompress(raw, INFLATED_BYTES)
        except zlib.error:
            continue
        return body, decoder.eof
    return raw, False


def _other(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """Brotli and zstd, where there is a package."""
    try:
        if encoding == "zstd":
            import zstandard

            return zstandard.ZstdDecompressor().stream_reader(raw).read(INFLATED_BYTES), True
        import brotli  # type: ignore[import-not-found, unused-ignore]

        return brotli.decompress(raw), True
    except Exception:
        return b"", False


def documents(
    path: str | Path, name: str = "", report: Report | None = None, largest: int = LARGEST_BYTES
) -> Iterator[Document]:
    """The pages and texts of a web archive: answers with status 200 that are HTML or text, and the texts of WET files.

    HTML comes as it is, decoded, with its type in the metadata: taking the text out of it is a step of its own.
    """
    others: dict[str, int] = {}
    for record in records(path, report, largest):
        found = document(record, name or str(path), report)
        if isinstance(found, Document):
            yield found
        elif found:
            others[found] = others.get(found, 0) + 1
    if others:
        listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(others.items(), key=lambda pair: -pair[1])[:6])
        say(f"{name or path}: records without text were left out: {listed}")


def document(record: Record, name: str, report: Report | None = None) -> Document | str:
    """A record as a document, or what it is instead; empty: it belongs to the archive and not to the web."""
    if record.type in ("warcinfo", "arc_header", "request", "metadata"):
        return ""
    response = parse(record.block) if record.type == "response" else None
    body, whole = (response.body, response.whole) if response else (record.block, not record.damage)
    mime = response.mime if response else record.headers.get("content-type", "").partition(";")[0].strip().lower()
    if record.type not in ("response", "resource", "conversion"):
        return f"of type {record.type or 'none'}"
    if response and response.status != 200:
        return f"with status {response.status}"
    if mime not in TEXT:
        return mime or "without a type"
    if not whole:
        if report is not None and not record.damage:
            report(Damage(name, record.offset, "its body is not whole"))
        return "whose body is not whole"
    text, encoding = decode(body, response.headers.get("content-type", "") if response else "utf-8", mime in HTML)
    if not text.strip():
        return "empty"
    about = {"path": name, "offset": record.offset, "url": record.url, "date": record.headers.get("warc-date", "")}
    about |= {"type": mime, "encoding": encoding} | _use(response)
    return Document(
        record.headers.get("warc-record-id", "").strip("<>") or f"{name}:{record.offset}", text, "web", about
    )


def _use(response: Response | None) -> dict[str, str]:
    """What the answer's head says about its use, for whoever filters."""
    from groundup.data.sources.politeness import opt_out

    why = opt_out(response.headers) if response else ""
    return {"opt_out": why} if why else {}
