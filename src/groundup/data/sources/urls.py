"""Addresses in one form, so that a page is fetched once: normalisation by RFC 3986, section 6.2, and links made absolute.

Only what cannot change the page's meaning is changed (6.2.2 and 6.2.3), beside two habits of the web: the fragment goes, because
no server sees it, and so do the parameters by which links are tracked. The order of other parameters stays.
"""

import re
from urllib.parse import quote, urljoin, urlsplit

from groundup.slots import slot

PORTS = {"http": 80, "https": 443}
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
TRACKING = re.compile(r"(?:utm_[a-z_]+|gclid|fbclid|msclkid|mc_eid|yclid|igshid)", re.IGNORECASE)
LONGEST = 2083  # characters that every client and server takes
REPEATS = 3  # the same step in a path more often than this is a trap: /next/next/next/next


@slot
def normalize_url(url: str) -> str:
    """One address for all that mean the same page; "" for what is no http or https address.

    Lower-case scheme and host, no default port, no fragment, no user, dots in the path resolved, escapes in upper case and only
    where needed, an empty path as "/", no tracking parameters.

    >>> normalize_url("HTTP://Example.com:80/%7Euser/a/./b/../c%2f?utm_source=x&q=1#top")
    'http://example.com/~user/a/c%2F?q=1'
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode("ascii") if not host.isascii() else host.lower()
    except (ValueError, UnicodeError):
        return ""
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not host:
        return ""
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    place = host if port in (None, PORTS[scheme]) else f"{host}:{port}"
    query = "&".join(one for one in parts.query.split("&") if one and not TRACKING.fullmatch(one.partition("=")[0]))
    return f"{scheme}://{place}{without_dots(escaped(parts.path)) or '/'}" + (f"?{escaped(query)}" if query else "")


def escaped(text: str) -> str:
    """Percent-escapes in their one form: upper case, none for letters and digits, one for what may not stand as it is.

    >>> escaped("/%7euser/caf\\u00e9 %2f%")
    '/~user/caf%C3%A9%20%2F%25'
    """

    def one_form(found: re.Match[str]) -> str:
        byte = int(found[1], 16)
        return chr(byte) if byte in UNRESERVED else found[0].upper()

    text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return quote(ESCAPE.sub(one_form, text), safe="/:@!$&'()*+,;=?%~-._")


def without_dots(path: str) -> str:
    """A path whose "." and ".." are followed (RFC 3986, section 5.2.4).

    >>> without_dots("/a/b/c/./../../g"), without_dots("/../x/."), without_dots("/a/..")
    ('/a/g', '/x/', '/')
    """
    kept: list[str] = []
    steps = path.split("/")
    for step in steps:
        if step == "..":
            if len(kept) > 1:
                kept.pop()
        elif step != ".":
            kept.append(step)
    if steps[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def absolute(base: str, link: str) -> str:
    """A link of a page as a normalised address; "" for what is none or looks like a trap."""
    try:
        url = normalize_url(urljoin(base, link.strip()))
    except ValueError:
        return ""
    return "" if len(url) > LONGEST or is_trap(url) else url


def is_trap(url: str) -> bool:
    """Whether a path repeats a step more than REPEATS times, as pages do that link to themselves relatively."""
    steps = [step for step in urlsplit(url).path.split("/") if step]
    return any(steps.count(step) > REPEATS for step in set(steps))


def origin(url: str) -> str:
    """Scheme, host and port: what a robots.txt speaks for.

    >>> origin("http://example.com:8080/a?b")
    'http://example.com:8080'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def path_of(url: str) -> str:
    """Path and query: what the rules of a robots.txt are compared with."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def octets(path: str) -> bytes:
    """A path or rule as the bytes that are compared: letters and digits are never escaped, other escapes stay (RFC 9309, 2.2.2).

    >>> octets("/foo/bar/%E3%83%84") == octets("/foo/bar/\\u30c4"), octets("/%62ar") == octets("/bar"), octets("/a%2Fb") == octets("/a/b")
    (True, True, False)
    """
    return escaped(path).encode("ascii")
