"""A polite crawler: from some addresses over links and sitemaps to web archives, one request at a time, resumable at any moment.

The frontier is a table on disk (SQLite): every address once, in the order in which it was found, nearest to the seeds first. A page
is written to the archive and flushed before its row says so; what a killed crawl wrote beyond its last row is cut off when it goes
on, so no page is there twice and none half. Pages with the same payload become `revisit` records (WARC 1.1, 6.7).

    OUT/pages-00000.warc.gz ...   what was fetched      OUT/frontier.sqlite   what is to do      OUT/pages.jsonl   what became of each

Leaves out: hosts side by side, JavaScript, pages that change (each address is fetched once).
"""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundup import files
from groundup.data.sources.fetch import Answer, Client, FetchConfig, Refused
from groundup.data.sources.links import links, sitemap
from groundup.data.sources.politeness import licence
from groundup.data.sources.responses import HTML
from groundup.data.sources.urls import absolute, normalize_url, origin
from groundup.data.sources.warc_writer import WarcWriter, digest
from groundup.errors import ConfigError, FormatError, InputError

SCHEMA = """
create table if not exists pages (number integer primary key, url text unique, depth int, host text, kind text,
    state text default 'todo', reason text default '', status int, target text, file text, offset int, bytes int, payload text, licence text);
create index if not exists todo on pages (state, depth, number);
create table if not exists payloads (payload text primary key, url text, date text);
create table if not exists archive (name text primary key, bytes int);
"""
SITEMAP_BYTES = 50 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlConfig:
    """Where a crawl may go."""

    fetch: FetchConfig = field(default_factory=FetchConfig)
    """how pages are asked for"""
    depth: int = 3
    """links from a seed at most; 0: the seeds alone"""
    pages: int = 10_000
    """pages at most"""
    pages_a_host: int = 10_000
    """of one host at most: a calendar has no end"""
    sitemaps: bool = True
    """read the sitemaps that robots.txt names"""
    other_hosts: bool = False
    """follow links away from the seeds' hosts"""
    archive_bytes: int = 1 << 30
    """after so many bytes another archive is begun"""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in ("depth", "pages", "pages_a_host", "archive_bytes"):
            if getattr(self, name) < (0 if name == "depth" else 1):
                raise ConfigError(
                    f"{name}={getattr(self, name)} is too small; use {'0' if name == 'depth' else '1'} or more"
                )


def crawl(
    seeds: Iterable[str],
    out: str | Path,
    config: CrawlConfig | None = None,
    progress: Any = None,
    client: Client | None = None,
) -> dict[str, Any]:
    """Crawl from seeds into a folder; begun again, it goes on where it ended.

    progress: a bar whose `update` is called for each address. Returns the counts: fetched, refused (by reason), left (to do), bytes.
    """
    config = config or CrawlConfig()
    out = Path(out)
    with files.lock(out):
        state = _Crawl(out, config, client or Client(config.fetch))
        try:
            state.begin(seeds)
            state.run(progress)
            return state.finish()
        finally:
            state.close()


class _Crawl:
    """The frontier, the archive, and the loop between them."""

    def __init__(self, out: Path, config: CrawlConfig, client: Client) -> None:
        self.out, self.config, self.client = out, config, client
        if not (out / "frontier.sqlite").exists() and any(out.glob("pages-*.warc.gz")):
            raise InputError(f"{out} holds archives without their frontier; choose another folder with --out")
        try:
            self.rows = sqlite3.connect(out / "frontier.sqlite", isolation_level=None)
            self.rows.executescript("pragma journal_mode=wal; pragma synchronous=full;" + SCHEMA)
        except sqlite3.DatabaseError as error:
            raise FormatError(
                f"{out / 'frontier.sqlite'} is no frontier ({error}); remove it to begin the crawl again"
            ) from error
        self.writer = self.open_archive()

    def one(self, query: str, *values: Any) -> Any:
        """The first row of a query."""
        return self.rows.execute(query, values).fetchone()

    def open_archive(self) -> WarcWriter:
        """The last archive, cut to what is known to be whole, or the first."""
        name, size = self.one("select name, bytes from archive order by name desc limit 1") or (
            "pages-00000.warc.gz",
            0,
        )
        return WarcWriter(self.out / name, keep=size)

    def begin(self, seeds: Iterable[str]) -> None:
        """Put the seeds into the frontier; those that are there already stay as they are."""
        self.rows.execute("update pages set state = 'todo' where state = 'later'")
        given = list(seeds)
        if not given and not self.one("select 1 from pages"):
            raise InputError("there is no address to begin with; give one or more, such as https://example.com/")
        for seed in given:
            url = normalize_url(seed)
            if not url:
                raise InputError(f"{seed!r} is no address of the web; write it as https://example.com/page")
            self.add([url], 0, "seed")

    def add(self, urls: Iterable[str], depth: int, kind: str) -> None:
        """New addresses of a kind: seed, page or sitemap."""
        rows = [(url, depth, urlsplit(url).netloc, kind) for url in urls]
        self.rows.executemany("insert or ignore into pages (url, depth, host, kind) values (?, ?, ?, ?)", rows)

    def run(self, progress: Any) -> None:
        """Take the nearest address until none is left or enough are fetched."""
        seen_sites: set[str] = set()
        while (self.one("select count(*) from pages where state = 'done' and kind != 'sitemap'"))[
            0
        ] < self.config.pages:
            row = self.next()
            if row is None:
                return
            number, url, depth, kind = row
            self.rows.execute("begin")
            self.step(number, url, depth, kind)
            if self.config.sitemaps and origin(url) not in seen_sites and kind == "seed":
                seen_sites.add(origin(url))
                maps = self.client.robots_for(url).sitemaps
                self.add((found for one in maps if (found := absolute(url, one))), depth + 1, "sitemap")
            self.rows.execute("commit")
            if progress is not None:
                progress.update(1)

    def next(self) -> tuple[int, str, int, str] | None:
        """The nearest address whose host may be asked at once, or else the nearest of all."""
        near = self.rows.execute(
            "select number, url, depth, kind, host from pages where state = 'todo' order by depth, number limit 200"
        ).fetchall()
        ready = [row for row in near if self.client.pace.wait_s(origin(row[1])) == 0]
        return (ready or near)[0][:4] if near else None

    def step(self, number: int, url: str, depth: int, kind: str) -> None:
        """Fetch one address; its row then says what became of it."""
        host = urlsplit(url).netloc
        done = self.one("select count(*) from pages where host = ? and state = 'done' and kind != 'sitemap'", host)[0]
        if kind != "sitemap" and done >= self.config.pages_a_host:
            self.became(number, "refused", reason=f"{done:,} pages of its host are enough")
            return
        answer = self.client.get(url)
        if isinstance(answer, Refused):
            self.became(number, "later" if answer.later else "refused", reason=answer.reason, status=answer.status)
        elif kind == "sitemap":
            pages, maps = sitemap(answer.content(), answer.url)
            self.add((page for page in pages if origin(page) == origin(url)), depth, "page")
            self.add((one for one in maps if origin(one) == origin(url)), depth, "sitemap")
            self.became(number, "done", status=200)
        else:
            self.keep(number, answer, depth)

    def keep(self, number: int, answer: Answer, depth: int) -> None:
        """Write a page to the archive, and its links to the frontier."""
        if answer.url != answer.asked:
            known = self.one("select number from pages where url = ? and state = 'done'", answer.url)
            if known:
                self.became(number, "refused", reason="redirects to a page that is there", target=answer.url)
                return
            self.add([answer.url], depth, "page")
            self.rows.execute(
                "update pages set state = 'refused', reason = 'fetched by a redirect' where url = ? and number != ?",
                (answer.url, number),
            )
        payload = digest(answer.content())
        before = self.one("select url, date from payloads where payload = ?", payload)
        offset = self.write(answer, payload, before)
        page = answer.text() if answer.mime in HTML else ""
        self.became(
            number, "done", status=answer.status, target=answer.url, file=self.writer.path.name, offset=offset,
            bytes=len(answer.body), payload=payload, licence=licence(answer.headers, page),
        )  # fmt: skip
        if depth < self.config.depth and "nofollow" not in answer.headers.get("x-robots-tag", "").lower():
            self.add(self.followed(links(page, answer.url)), depth + 1, "page")

    def write(self, answer: Answer, payload: str, before: Any) -> int:
        """One record, flushed; the archive's length is noted in the same transaction as its page."""
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        headers = {
            "WARC-Target-URI": answer.url,
            "WARC-Date": date,
            "WARC-Payload-Digest": payload,
            "Content-Type": "application/http; msgtype=response",
        }
        block = answer.block()
        if before:
            headers["WARC-Profile"] = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
            headers |= {"WARC-Refers-To-Target-URI": before[0], "WARC-Refers-To-Date": before[1]}
            block = block[: block.index(b"\r\n\r\n") + 4]
        else:
            self.rows.execute("insert into payloads values (?, ?, ?)", (payload, answer.url, date))
        if self.writer.place >= self.config.archive_bytes:
            self.another_archive()
        offset = self.writer.write("revisit" if before else "response", block, headers)
        self.writer.flush()
        self.rows.execute("insert or replace into archive values (?, ?)", (self.writer.path.name, self.writer.place))
        return offset

    def another_archive(self) -> None:
        """Begin the next file."""
        self.writer.flush()
        self.writer.file.close()
        number = int(self.writer.path.name[6:11]) + 1
        self.writer = WarcWriter(self.out / f"pages-{number:05}.warc.gz", keep=0)

    def followed(self, found: list[str]) -> list[str]:
        """The links that the configuration lets us follow."""
        if self.config.other_hosts:
            return found
        hosts = {row[0] for row in self.rows.execute("select distinct host from pages where kind = 'seed'")}
        return [url for url in found if urlsplit(url).netloc in hosts]

    def became(self, number: int, state: str, **values: Any) -> None:
        """Say in an address's row what became of it."""
        values["state"] = state
        columns = ", ".join(f"{name} = ?" for name in values)
        self.rows.execute(f"update pages set {columns} where number = ?", (*values.values(), number))

    def finish(self) -> dict[str, Any]:
        """Write pages.jsonl; the counts."""
        names = (
            "url",
            "state",
            "reason",
            "status",
            "target",
            "file",
            "offset",
            "bytes",
            "payload",
            "licence",
            "depth",
            "kind",
        )
        rows = self.rows.execute(f"select {', '.join(names)} from pages where state != 'todo' order by number")
        files.write_jsonl(self.out / "pages.jsonl", (dict(zip(names, row, strict=True)) for row in rows))
        counted = self.rows.execute(
            "select reason, count(*) from pages where state in ('refused', 'later') group by reason order by 2 desc, 1"
        )
        done, size = self.one(
            "select count(*), coalesce(sum(bytes), 0) from pages where state = 'done' and kind != 'sitemap'"
        )
        left = self.one("select count(*) from pages where state = 'todo'")[0]
        return {"fetched": done, "bytes": size, "left": left, "refused": dict(counted.fetchall())}

    def close(self) -> None:
        """Close the frontier and the archive."""
        self.writer.file.close()
        self.rows.close()
