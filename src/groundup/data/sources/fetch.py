"""One page over HTTP, politely: robots.txt first, one request at a time to a host, its pace kept, its refusals obeyed.

    Client().get("https://example.com/")   ->  Answer, or Refused with the reason
    fetch(addresses, folder, config)       ->  a folder with pages-*.warc.gz, and what became of each address

Redirects are followed here and not by a library, because each step must be allowed by its own host's robots.txt. A page whose
head reserves it from training is not kept. Leaves out: HTTP/2, cookies, forms, JavaScript; requests side by side.
"""

import http.client
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.data.sources.encodings import decode
from groundup.data.sources.politeness import ROBOTS_BYTES, Pace, Robots, opt_out, robots_of
from groundup.data.sources.removal import Removal
from groundup.data.sources.responses import HTML, body_of
from groundup.data.sources.urls import normalize_url, origin, path_of
from groundup.errors import ConfigError

REDIRECTS = 5  # the least that RFC 9309, 2.3.1.2, asks for
ROBOTS_LIVE_S = 86400.0  # a robots.txt is asked for again after a day (2.4)
AGENT = "groundup"
HOP_HEADERS = ("transfer-encoding", "connection", "keep-alive", "trailer", "upgrade", "proxy-authenticate")
FAILING = (0, 429, 500, 502, 503, 504)  # a server that may do better later
TRIES = 3  # of a page whose server fails or asks for less


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchConfig:
    """How pages are asked for."""

    agent: str = AGENT
    """the product token that robots.txt files know us by; letters, - and _"""
    contact: str = ""
    """where a site's owner reaches you: an address or an e-mail, sent with every request"""
    delay_s: float = 1.0
    """the least time between two requests to one host; a longer Crawl-delay is kept"""
    timeout_s: float = 30.0
    """how long a server may stay silent"""
    most_bytes: int = 1 << 24
    """of a page; what is longer is not kept"""
    honour_opt_out: bool = True
    """leave out pages whose headers or <meta> reserve them from training"""
    removal: str | None = None
    """a file with addresses and sites that must not be fetched"""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not self.agent or not self.agent.replace("-", "").replace("_", "").isalpha():
            raise ConfigError(f"agent={self.agent!r} is no product token; use letters, - and _ alone")
        for name in ("delay_s", "timeout_s", "most_bytes"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)} is below 0; use 0 or more")

    @property
    def user_agent(self) -> str:
        """The header that names us."""
        return f"{self.agent}/1.0" + (f" (+{self.contact})" if self.contact else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent. url: after redirects. body: as it was sent, chunks put together, compression kept."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    asked: str = ""
    via: tuple[str, ...] = ()
    """the addresses that redirected here"""

    def content(self) -> bytes:
        """The body without its compression."""
        return body_of(self.body, {"content-encoding": self.headers.get("content-encoding", "")})[0]

    @property
    def mime(self) -> str:
        """The content's type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """The page's text, decoded."""
        return decode(self.content(), self.headers.get("content-type", ""), self.mime in HTML)[0]

    def block(self) -> bytes:
        """The answer as a web archive keeps it."""
        kept = [(name, value) for name, value in self.headers.items() if name not in (*HOP_HEADERS, "content-length")]
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}".rstrip()]
        lines += [f"{name.title()}: {value}" for name, value in kept] + [f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a page was not fetched or not kept."""

    url: str
    reason: str
    status: int = 0
    later: bool = False
    """whether it may be another time: the server failed or gave no answer"""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects come back as answers."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""
        return


def request(url: str, config: FetchConfig, most_bytes: int) -> Answer:
    """One request, no redirect followed. status 0: no answer. At most `most_bytes` + 1 of the body are read."""
    headers = {"User-Agent": config.user_agent, "Accept-Encoding": "gzip", "Accept": "text/html,text/*;q=0.9,*/*;q=0.5"}
    opener = urllib.request.build_opener(_Stay)
    try:
        try:
            answer = opener.open(urllib.request.Request(url, headers=headers), timeout=config.timeout_s or None)
        except urllib.error.HTTPError as error:  # any status that is not 2xx
            answer = error
        with answer:
            body = _body(answer, most_bytes, time.monotonic() + 10 * (config.timeout_s or 60))
            found: dict[str, str] = {}
            for name, value in answer.headers.items():
                name = name.lower()
                found[name] = f"{found[name]}, {value}" if name in found else value
            return Answer(url, answer.status or 0, found, body)
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return Answer(url, 0, {}, str(reason).encode())


def _body(answer: Any, most: int, deadline: float) -> bytes:
    """The body in pieces, until it is too long or has taken too long: a server may send a byte a minute for ever."""
    parts, size = [], 0
    while size <= most and (data := answer.read1(1 << 16)):
        parts.append(data)
        size += len(data)
        if time.monotonic() > deadline:
            raise TimeoutError("the page took too long")
    length = answer.headers.get("content-length", "")
    if length.isdigit() and size < min(int(length), most):
        raise http.client.IncompleteRead(b"", int(length) - size)
    return b"".join(parts)


@dataclass
class Client:
    """Asks for pages as their sites allow. sleep and the pace's clock can be played."""

    config: FetchConfig = field(default_factory=FetchConfig)
    sleep: Callable[[float], None] = time.sleep
    pace: Pace = field(default_factory=Pace)
    removal: Removal = field(default_factory=Removal)
    robots: dict[str, tuple[float, Robots]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the removal list; the pace is the configuration's."""
        self.pace.delay_s = self.config.delay_s
        if self.config.removal:
            self.removal = Removal.load(self.config.removal)

    def get(self, url: str) -> Answer | Refused:
        """A page, redirects followed; or why it is refused."""
        url = asked = normalize_url(url)
        via: list[str] = []
        while True:
            if refused := self.forbidden(url, asked):
                return refused
            answer = self.patient(url, self.config.most_bytes)
            if not 300 <= answer.status < 400 or "location" not in answer.headers:
                return self.judged(answer, asked, via)
            via.append(url)
            url = normalize_url(urllib.parse.urljoin(url, answer.headers["location"]))
            if not url:
                return Refused(
                    asked, f"redirects to {answer.headers['location'][:200]!r}, no http address", answer.status
                )
            if url in via or len(via) > REDIRECTS:
                return Refused(
                    asked, "redirects in a circle" if url in via else f"more than {REDIRECTS} redirects", answer.status
                )

    def judged(self, answer: Answer, asked: str, via: list[str]) -> Answer | Refused:
        """An answer if it may be kept."""
        if answer.status == 0:
            return Refused(asked, f"no answer: {answer.body.decode(errors='replace')[:200]}", later=True)
        if answer.status != 200:
            return Refused(asked, f"status {answer.status}", answer.status, answer.status in FAILING)
        if len(answer.body) > self.config.most_bytes:
            return Refused(asked, f"longer than {self.config.most_bytes / 1e6:g} MB", 200)
        page = answer.text() if answer.mime in HTML else ""
        if self.config.honour_opt_out and (why := opt_out(answer.headers, page, self.config.agent)):
            return Refused(asked, f"reserved from training: {why}", 200)
        return Answer(answer.url, answer.status, answer.headers, answer.body, asked, tuple(via))

    def forbidden(self, url: str, asked: str) -> Refused | None:
        """Why an address must not be asked for; None if it may."""
        if not url:
            return Refused(asked, "no http address")
        if why := self.removal.of_url(url):
            return Refused(asked, why)
        robots = self.robots_for(url)
        if robots.allows(path_of(url)):
            return None
        return Refused(asked, robots.reason if robots.closed else "forbidden by robots.txt", later=robots.closed)

    def robots_for(self, url: str) -> Robots:
        """The robots.txt that speaks for an address, asked for once a day; its redirects are followed to any host."""
        site, now = origin(url), self.pace.clock()
        if site in self.robots and now - self.robots[site][0] < ROBOTS_LIVE_S:
            return self.robots[site][1]
        place, status, data = f"{site}/robots.txt", -1, b""
        for _ in range(REDIRECTS + 1):
            answer = self.patient(place, ROBOTS_BYTES)
            target = answer.headers.get("location")
            if not (300 <= answer.status < 400 and target):
                status, data = answer.status, answer.content()
                break
            place = normalize_url(urllib.parse.urljoin(place, target))
            if not place:
                break
        robots = robots_of(status, data, self.config.agent)
        self.robots[site] = (now, robots)
        return robots

    def patient(self, url: str, most_bytes: int) -> Answer:
        """One request at the host's pace; a server that fails or asks for less is asked again, later."""
        host = origin(url)
        for left in reversed(range(TRIES)):
            self.sleep(self.pace.wait_s(host))
            answer = request(url, self.config, most_bytes)
            if answer.status not in FAILING:
                known = self.robots.get(host)
                self.pace.asked(host, known[1].delay_s if known else 0.0)
                return answer
            self.pace.refused(host, answer.headers.get("retry-after", ""))
            if not left:
                break
        return answer


def fetch(
    addresses: Iterable[str], out: str | Path, config: FetchConfig | None = None, progress: Any = None
) -> dict[str, Any]:
    """Fetch addresses into a folder of web archives, each once; begun again, it goes on where it ended.

    Returns the counts: fetched, refused (by reason), bytes; the folder's pages.jsonl says what became of each address.
    """
    from groundup.data.sources.crawl import CrawlConfig, crawl

    return crawl(addresses, out, CrawlConfig(fetch=config or FetchConfig(), depth=0, sitemaps=False), progress)
