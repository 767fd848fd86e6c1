"""The crawler on a site of its own on the loopback: every page once, what is forbidden never asked for, killed and resumed."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from groundup.data.sources import files, warc
from groundup.data.sources.crawl import CrawlConfig, crawl
from groundup.data.sources.fetch import Answer, Client, FetchConfig, Refused, fetch
from groundup.errors import ConfigError, FormatError, InputError

QUICK = FetchConfig(delay_s=0.0, timeout_s=5.0)


def page(*links, text="words"):
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return 200, {"Content-Type": "text/html"}, f"<html><body><p>{text}</p>{anchors}</body></html>".encode()


class Site:
    """Pages by path: (status, headers, body), or a function that makes one."""

    def __init__(self):
        self.pages = {"/robots.txt": (404, {}, b"")}
        self.asked = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                found = site.pages.get(self.path, (404, {"Content-Type": "text/html"}, b"nothing here"))
                status, headers, body = found() if callable(found) else found
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


def quick(**options):
    """A client that waits for nothing, and remembers for how long it should have."""
    waited = []
    client = Client(FetchConfig(**{"delay_s": 0.0, "timeout_s": 5.0} | options), sleep=waited.append)
    return client, waited


def responses(folder):
    return {
        record.url: record.block
        for path in sorted(folder.glob("*.warc.gz"))
        for record in warc.records(path)
        if record.type in ("response", "revisit")
    }


def rows(folder):
    return {row["url"]: row for row in map(json.loads, (folder / "pages.jsonl").read_text().splitlines())}


def test_a_site_is_crawled_once_and_only_where_it_allows(site, tmp_path):
    site.pages |= {
        "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private/\nAllow: /private/open\n"),
        "/": page(
            "/a", "b?utm_source=mail", "/private/closed", "/private/open", "http://elsewhere.invalid/", "mailto:x@y"
        ),
        "/a": page("/", "/a#part", "./a", text="a"),
        "/b": page("/gone", text="b"),
        "/private/open": page(text="open"),
    }
    counts = crawl([site.url], tmp_path / "out", CrawlConfig(fetch=QUICK))
    assert set(responses(tmp_path / "out")) == {f"{site.url}/{name}" for name in ("", "a", "b", "private/open")}
    assert sorted(site.asked) == ["/", "/a", "/b", "/gone", "/private/open", "/robots.txt"], "each once"
    assert counts["fetched"] == 4 and counts["refused"] == {"forbidden by robots.txt": 1, "status 404": 1}
    texts = [document.text for document in files.documents(tmp_path / "out" / "pages-00000.warc.gz")]
    assert len(texts) == 4 and any("<p>open</p>" in text for text in texts)


def test_sitemaps_are_read_plain_packed_and_through_an_index(site, tmp_path):
    def listed(*names, kind="url"):
        return "".join(f"<{kind}><loc>{site.url}{name}</loc></{kind}>" for name in names)

    index = f"<?xml version='1.0'?><sitemapindex>{listed('/one.xml', '/two.xml.gz', kind='sitemap')}</sitemapindex>"
    site.pages |= {
        "/robots.txt": (200, {}, f"Sitemap: {site.url}/index.xml\nSitemap: {site.url}/list.txt".encode()),
        "/index.xml": (200, {"Content-Type": "application/xml"}, index.encode()),
        "/one.xml": (
            200,
            {},
            f"<urlset xmlns='http://x/0.9'>{listed('/m1')}<url><loc>http://other.invalid/</loc></url>".encode(),
        ),
        "/two.xml.gz": (200, {}, gzip.compress(f"<urlset>{listed('/m2')}</urlset>".encode())),
        "/list.txt": (200, {}, f"{site.url}/m3\n".encode()),
        "/": page(),
        **{f"/m{number}": page(text=f"m{number}") for number in (1, 2, 3)},
    }
    crawl([site.url], tmp_path / "out", CrawlConfig(fetch=QUICK, depth=1))
    assert set(responses(tmp_path / "out")) == {f"{site.url}/{name}" for name in ("", "m1", "m2", "m3")}


def test_a_crawl_that_is_killed_anywhere_ends_with_the_same_pages(site, tmp_path):
    site.pages |= {f"/{number}": page(f"/{number + 1}", f"/{number + 2}", text=str(number)) for number in range(12)}

    class Killed(BaseException):
        pass

    config = CrawlConfig(fetch=QUICK, depth=20, archive_bytes=1500)
    for moment in range(1, 9):
        client, _ = quick()
        ask, asked = client.get, []

        def get(url, ask=ask, asked=asked, moment=moment):
            asked.append(url)
            if len(asked) > 2 and moment % 2:
                raise Killed
            return ask(url)

        client.get = get
        for archive in (tmp_path / "out").glob("*.warc.gz"):
            with open(archive, "ab") as file:  # what a killed writer left behind its last row
                file.write(
                    b"\x1f\x8b\x08half a record" if archive == max((tmp_path / "out").glob("*.warc.gz")) else b""
                )
        try:
            crawl([f"{site.url}/0"], tmp_path / "out", config, client=client)
        except Killed:
            continue
    found, damage = [], []
    for path in sorted((tmp_path / "out").glob("*.warc.gz")):
        found += [record.url for record in warc.records(path, damage.append, verify=True) if record.type == "response"]
    assert sorted(found) == sorted(f"{site.url}/{number}" for number in range(12)) and not damage
    assert len(list((tmp_path / "out").glob("*.warc.gz"))) > 1


def test_an_equal_page_becomes_a_revisit(site, tmp_path):
    site.pages |= {"/a": page(text="same"), "/b": page(text="same")}
    fetch([f"{site.url}/a", f"{site.url}/b"], tmp_path / "out", QUICK)
    [first, again] = [
        r for r in warc.records(tmp_path / "out" / "pages-00000.warc.gz", verify=True) if r.type != "warcinfo"
    ]
    assert (first.type, again.type) == ("response", "revisit")
    assert again.headers["warc-refers-to-target-uri"] == f"{site.url}/a" and again.block.endswith(b"\r\n\r\n")
    row = rows(tmp_path / "out")[f"{site.url}/b"]
    assert warc.record_at(tmp_path / "out" / row["file"], row["offset"]) == again


@pytest.mark.parametrize(
    "robots, allowed",
    [
        ((200, {}, b"User-agent: groundup\nDisallow: /\n"), False),
        ((200, {"Content-Type": "text/html"}, b"<!doctype html><html><title>Welcome: all</title></html>"), True),
        (
            (200, {}, b"User-agent: *\nAllow: /\n" + b"# filler\n" * 600_000 + b"Disallow: /\n"),
            True,
        ),  # 5 MB: the rest is not read
        ((404, {}, b""), True),
        ((403, {}, b""), True),
        ((500, {}, b""), False),
        ((429, {}, b""), False),
        ((302, {"Location": "/robots.txt"}, b""), True),  # a circle: as if there were none (RFC 9309, 2.3.1.2)
        ((301, {"Location": "/elsewhere.txt"}, b""), False),
    ],
)
def test_robots_txt_of_every_kind(site, robots, allowed):
    site.pages |= {"/robots.txt": robots, "/p": page(), "/elsewhere.txt": (200, {}, b"User-agent: *\nDisallow: /p")}
    client, _ = quick()
    assert isinstance(client.get(f"{site.url}/p"), Answer) == allowed
    assert ("/p" in site.asked) == allowed


def test_no_answer_forbids_everything_and_may_be_better_later(site, tmp_path):
    address = f"{site.url}/p"
    site.pages["/p"] = page()
    site.pages["/robots.txt"] = (503, {"Retry-After": "7"}, b"")
    client, waited = quick()
    counts = crawl([address], tmp_path / "out", CrawlConfig(fetch=QUICK), client=client)
    assert counts["fetched"] == 0 and "so everything is forbidden for now" in next(iter(counts["refused"]))
    assert max(waited) == pytest.approx(7, abs=1), "as long as the server asks for"
    site.pages["/robots.txt"] = (404, {}, b"")
    assert crawl([], tmp_path / "out", CrawlConfig(fetch=QUICK))["fetched"] == 1, "asked again when begun again"


def test_the_pace_and_the_crawl_delay_are_kept(site):
    site.pages |= {"/robots.txt": (200, {}, b"User-agent: *\nCrawl-delay: 3\n"), "/a": page(), "/b": page()}
    now = [0.0]
    client, _ = quick()
    client.pace.clock, client.sleep = lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds)
    client.get(f"{site.url}/a")
    client.get(f"{site.url}/b")
    assert now[0] == 3.0


@pytest.mark.parametrize(
    "answer, reason",
    [
        ((200, {"X-Robots-Tag": "noai"}, b"x"), "X-Robots-Tag: noai"),
        ((200, {"TDM-Reservation": "1"}, b"x"), "tdm-reservation: 1"),
        (
            (200, {"Content-Type": "text/html"}, b'<meta name="robots" content="index, noai">'),
            "<meta name=robots>: noai",
        ),
        ((302, {"Location": "/p"}, b""), "redirects in a circle"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "no http address"),
        ((302, {"Location": "/secret"}, b""), "forbidden by robots.txt"),
        ((200, {"Content-Length": "100"}, b"short"), "no answer: IncompleteRead"),
        ((200, {}, b"x" * 2000), "longer than"),
        ((410, {}, b"gone"), "status 410"),
    ],
)
def test_what_may_not_be_kept_says_why(site, answer, reason):
    site.pages |= {"/p": answer, "/robots.txt": (200, {}, b"user-agent: *\ndisallow: /secret")}
    client, _ = quick(most_bytes=1000)
    refused = client.get(f"{site.url}/p")
    assert isinstance(refused, Refused) and reason in refused.reason


def test_the_removal_list_is_asked_before_the_server(site, tmp_path):
    (tmp_path / "removed.txt").write_text(f"# asked for by mail\n{site.url}/p*\n")
    client, _ = quick(removal=str(tmp_path / "removed.txt"))
    assert "removal list" in client.get(f"{site.url}/page").reason and not site.asked


def test_redirects_are_followed_and_the_page_is_kept_once(site, tmp_path):
    site.pages |= {"/old": (301, {"Location": "/new"}, b""), "/new": page(text="new"), "/": page("/old", "/new")}
    crawl([site.url], tmp_path / "out", CrawlConfig(fetch=QUICK))
    assert set(responses(tmp_path / "out")) == {f"{site.url}/", f"{site.url}/new"}
    assert site.asked.count("/new") == 1


def test_a_packed_page_is_kept_as_it_was_sent(site, tmp_path):
    packed = gzip.compress(b"<html>\xc3\xa9t\xc3\xa9</html>")
    site.pages["/p"] = (200, {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"}, packed)
    fetch([f"{site.url}/p"], tmp_path / "out", QUICK)
    [document] = files.documents(tmp_path / "out" / "pages-00000.warc.gz")
    assert document.text == "<html>été</html>" and document.metadata["url"] == f"{site.url}/p"


def test_a_trap_of_links_ends(site, tmp_path):
    site.pages |= {"/" + "next/" * depth: page("next/") for depth in range(12)}
    crawl([site.url], tmp_path / "out", CrawlConfig(fetch=QUICK, depth=50))
    assert len(responses(tmp_path / "out")) == 4


def test_bad_crawls_are_sentences(tmp_path):
    with pytest.raises(InputError, match="'ftp://x/' is no address of the web; write it as https"):
        crawl(["ftp://x/"], tmp_path / "out")
    with pytest.raises(InputError, match="no address to begin with"):
        crawl([], tmp_path / "empty")
    with pytest.raises(ConfigError, match="agent='a b' is no product token"):
        FetchConfig(agent="a b")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "frontier.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(FormatError, match="is no frontier"):
        crawl(["http://127.0.0.1:1/"], tmp_path / "other")
