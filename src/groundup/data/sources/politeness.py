"""What a site allows: robots.txt by RFC 9309, reservations in headers and pages, the pace of requests.

robots.txt: the rules of the groups that name us are put together, else those of `*`; of the rules that match a path the one
with the most octets wins, and Allow wins a tie (section 2.2.2). `*` stands for any octets, `$` for the end. A file that is not
there (4xx) forbids nothing; a server that fails (5xx, no answer) forbids everything (2.3.1). The parser of Python's standard
library stops at the first rule that matches and is no substitute. Beyond the RFC, and stricter: Crawl-delay is
kept, 429 counts as a server that fails.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from groundup.data.sources.urls import octets
from groundup.slots import slot

ROBOTS_BYTES = 500 * 1024  # read of a robots.txt: the least that RFC 9309, 2.5, asks for
TOKEN = re.compile(r"[A-Za-z_-]+|\*")
LINE = re.compile(r"\s*([A-Za-z][A-Za-z -]*?)\s*:\s*(.*?)\s*(?:#.*)?$")
LONGEST_DELAY_S = 60.0  # a Crawl-delay beyond it is kept as this
RESERVED = frozenset({"noai", "noml", "none", "noarchive"})  # of X-Robots-Tag and <meta name=robots>
META = re.compile(r"<meta\s[^>]{0,400}>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([a-zA-Z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))")
LICENCE = re.compile(r"<(?:a|link)\s[^>]{0,400}?rel\s*=\s*[\"']?[^\"'>]*\blicense\b[^>]{0,400}>", re.IGNORECASE)
HEAD_CHARACTERS = 1 << 16  # of a page in which <meta> is looked for

Rules = tuple[tuple[str, bool], ...]  # pattern, whether it allows


@slot
def robots_allow(rules: Rules, path: str) -> bool:
    """Whether rules allow a path: the longest pattern that matches decides, and of two as long the one that allows.

    rules: (pattern, allows) each. Where none matches, the path is allowed.

    >>> rules = (("/wp-admin/", False), ("/wp-admin/admin-ajax.php", True))
    >>> robots_allow(rules, "/wp-admin/admin-ajax.php"), robots_allow(rules, "/wp-admin/x"), robots_allow(rules, "/")
    (True, False, True)
    """
    best, allowed = -1, True
    for pattern, allows in rules:
        if not pattern or not matches(pattern, path):
            continue
        length = len(octets(pattern))
        if length > best or (length == best and allows):
            best, allowed = length, allows
    return allowed


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern fits the beginning of a path; `*` is any run of octets, a last `$` the end.

    In linear time (no regular expression, which a hostile `*a*a*a` would stall): each part at its first place behind the one before.

    >>> matches("/*.php$", "/a/b.php"), matches("/*.php$", "/a.php?x"), matches("/fish*", "/fish"), matches("/a*$", "/abc")
    (True, False, True, True)
    """
    path_octets = octets(path).replace(b"*", b"%2A").replace(b"$", b"%24")  # as a rule that means them writes them
    anchored = pattern.endswith("$")
    first, *rest = (octets(part) for part in pattern.removesuffix("$").split("*"))
    if not path_octets.startswith(first):
        return False
    place = len(first)
    if anchored and not rest:
        return place == len(path_octets)
    last = rest.pop() if anchored and rest else None
    for part in rest:
        found = path_octets.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return last is None or (path_octets.endswith(last) and len(path_octets) - len(last) >= place)


@dataclass(frozen=True, slots=True)
class Robots:
    """What a robots.txt says to one crawler."""

    rules: Rules = ()
    delay_s: float = 0.0
    sitemaps: tuple[str, ...] = ()
    reason: str = ""
    """why it holds no rules of its own, where it does not"""
    closed: bool = False
    """whether everything is forbidden, because the server failed"""

    def allows(self, path: str) -> bool:
        """Whether a path with its query may be fetched; robots.txt itself always may."""
        return path == "/robots.txt" or (not self.closed and robots_allow(self.rules, path))


def parse_robots(data: bytes, agent: str) -> Robots:
    """The rules of a robots.txt for a crawler, by its product token; lines that are none are passed over.

    >>> parse_robots(b"user-agent: *\\ndisallow: /a # not this\\n\\nUser-Agent: FooBot/2\\nAllow: /", "foobot").rules
    (('/', True),)
    """
    if len(data) > ROBOTS_BYTES:
        data = data[:ROBOTS_BYTES].rpartition(b"\n")[0]
    groups: dict[str, list[tuple[str, str]]] = {}
    names: list[str] = []
    sitemaps: list[str] = []
    open_group = False  # whether the next user-agent line joins those before it
    for line in re.split(r"\r\n|\n|\r", data.decode("utf-8-sig", "replace")):
        if not (found := LINE.match(line)):
            continue
        key, value = found[1].lower(), found[2]
        if key in ("user-agent", "useragent", "user agent"):
            names = names if open_group else []
            open_group = True
            if token := TOKEN.match(value):
                names.append(token[0].lower())
                groups.setdefault(token[0].lower(), [])
        elif key == "sitemap":
            sitemaps.append(value)
        elif key in ("allow", "disallow", "crawl-delay"):
            open_group = False
            for name in dict.fromkeys(names):
                groups[name].append((key, value))
    ours = groups.get(agent.lower(), groups.get("*", []))
    rules = tuple((value, key == "allow") for key, value in ours if key != "crawl-delay" and value)
    looks_html = b"<html" in data[:2048].lower() or b"<!doctype" in data[:2048].lower()
    why = "robots.txt is a page of HTML without rules" if looks_html and not groups else ""
    return Robots(rules, _delay(ours), tuple(sitemaps), why)


def _delay(lines: list[tuple[str, str]]) -> float:
    delays = [value for key, value in lines if key == "crawl-delay" and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value)]
    return min(LONGEST_DELAY_S, max(map(float, delays), default=0.0))


def robots_of(status: int, data: bytes, agent: str) -> Robots:
    """What an answer to the request for robots.txt means; status 0: no answer, -1: too many redirects."""
    if 200 <= status < 300:
        return parse_robots(data, agent)
    if status == 429 or status >= 500 or status == 0:
        why = "gave no answer" if status == 0 else f"answered {status}"
        return Robots(reason=f"robots.txt {why}, so everything is forbidden for now", closed=True)
    return Robots(
        reason="robots.txt redirects without end" if status < 0 else f"robots.txt answered {status}: there is none"
    )


# ───────── reservations and licences ─────────


def opt_out(headers: Mapping[str, str], page: str = "", agent: str = "groundup") -> str:
    """Why a page may not be used to train models, by its headers (lower-case names) and <meta>; "" where nothing says so.

    X-Robots-Tag and <meta name=robots>: noai, noml, none, noarchive. TDM reservation protocol (W3C group, 2024):
    tdm-reservation: 1. Content-Usage (IETF aipref draft): train-ai=n.

    >>> opt_out({"x-robots-tag": "otherbot: noai, noindex"}), opt_out({"x-robots-tag": "nofollow, NoAI"}), opt_out({"tdm-reservation": "1"})
    ('', 'X-Robots-Tag: noai', 'tdm-reservation: 1')
    """
    agent = agent.lower()  # names are compared without case
    if found := _reserved(headers.get("x-robots-tag", ""), agent):
        return f"X-Robots-Tag: {found}"
    if headers.get("tdm-reservation", "").strip() == "1":
        return "tdm-reservation: 1"
    if re.search(r"\btrain-(?:ai|genai)\s*=\s*n\b", headers.get("content-usage", "").lower()):
        return "Content-Usage: train-ai=n"
    for name, content in _metas(page):
        if name in ("robots", agent) and (found := _reserved(content, agent)):
            return f"<meta name={name}>: {found}"
        if name == "tdm-reservation" and content.strip() == "1":
            return "<meta name=tdm-reservation>: 1"
    return ""


def _reserved(value: str, agent: str) -> str:
    """The first directive that forbids training among those for everybody and for us: `name: directive, directive`."""
    ours = True
    for part in value.lower().split(","):
        name, colon, directive = part.rpartition(":")
        if colon and name.strip() not in ("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"):
            ours = name.strip() == agent
        if ours and directive.strip() in RESERVED:
            return directive.strip()
    return ""


def _metas(page: str) -> list[tuple[str, str]]:
    """Name and content of the <meta> elements at a page's beginning."""
    found = []
    for element in META.findall(page[:HEAD_CHARACTERS]):
        attributes = {one[0].lower(): one[1] or one[2] or one[3] for one in ATTRIBUTE.findall(element)}
        if "name" in attributes:
            found.append((attributes["name"].lower(), attributes.get("content", "")))
    return found


def licence(headers: Mapping[str, str], page: str = "") -> str:
    """The address of the licence that a page names, by its Link header or an element with rel=license (RFC 4946); "" for none.

    >>> licence({"link": '<https://creativecommons.org/licenses/by/4.0/>; rel="license"'})
    'https://creativecommons.org/licenses/by/4.0/'
    """
    for target, rest in re.findall(r"<([^>]*)>([^,]*)", headers.get("link", "")):
        if re.search(r"rel\s*=\s*\"?[^\";]*\blicense\b", rest):
            return str(target)
    for element in LICENCE.findall(page):
        attributes = {one[0].lower(): one[1] or one[2] or one[3] for one in ATTRIBUTE.findall(element)}
        if attributes.get("href"):
            return attributes["href"]
    return ""


# ───────── the pace ─────────


@dataclass
class Pace:
    """When a host may be asked again. clock: seconds; sleep: waits so many of them."""

    delay_s: float = 1.0
    most_s: float = 300.0
    clock: Callable[[], float] = time.monotonic
    ready: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def wait_s(self, host: str) -> float:
        """The seconds until a host may be asked."""
        return max(0.0, self.ready.get(host, 0.0) - self.clock())

    def asked(self, host: str, delay_s: float = 0.0) -> None:
        """A host has answered as it should: the next request is at least a delay away, ours or its own if that is longer."""
        self.failures.pop(host, None)
        self.ready[host] = self.clock() + max(self.delay_s, delay_s)

    def refused(self, host: str, retry_after: str = "") -> float:
        """A host has failed or asked for less (429, 503): wait as it says, else twice as long each time; the seconds."""
        count = self.failures[host] = self.failures.get(host, 0) + 1
        told = float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after.strip()) else 0.0
        wait = min(self.most_s, max(told, max(self.delay_s, 0.1) * 2.0**count))
        self.ready[host] = self.clock() + wait
        return wait
