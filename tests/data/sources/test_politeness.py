"""robots.txt by the examples of RFC 9309 and by hand; reservations, licences, the pace, removal."""

import time

import pytest

from groundup.data.sources.politeness import Pace, licence, matches, opt_out, parse_robots, robots_allow
from groundup.data.sources.removal import Removal
from groundup.errors import InputError

SIMPLE = b"""User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot

EOF
"""  # RFC 9309, section 5.1
LONGEST = b"""User-Agent: foobot
Allow: /example/page/
Disallow: /example/page/disallowed.gif
"""  # 5.2


@pytest.mark.parametrize(
    "agent, path, allowed",
    [
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("foobot", "/publications/", False),
        ("BarBot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/a.gif", True),
        ("quxbot", "/example/", True),
        ("another", "/example/x", False),
        ("another", "/publications/a", True),
        ("another", "/x.gif", False),
        ("another", "/x.gif?y", True),
    ],
)
def test_the_example_of_the_rfc(agent, path, allowed):
    assert parse_robots(SIMPLE, agent).allows(path) == allowed


@pytest.mark.parametrize(
    "path, allowed", [("/example/page/disallowed.gif", False), ("/example/page/x", True), ("/", True)]
)
def test_the_longest_match_of_the_rfc(path, allowed):
    assert parse_robots(LONGEST, "foobot").allows(path) == allowed


def test_the_longest_rule_wins_wherever_it_stands():
    rules = (("/wp-admin/", False), ("/wp-admin/admin-ajax.php", True))
    for order in (rules, rules[::-1]):
        assert robots_allow(order, "/wp-admin/admin-ajax.php") and not robots_allow(order, "/wp-admin/x")
    assert robots_allow((("/page", False), ("/page", True)), "/page"), "Allow wins a tie"
    assert robots_allow((("/a/*", False), ("/a/b", True)), "/a/b"), "length 4 each"
    assert not robots_allow((("/p", True), ("/*.html", False)), "/page.html")
    assert robots_allow((("", False),), "/page"), "an empty rule matches nothing"


@pytest.mark.parametrize(
    "pattern, path, fits",
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz", True),  # the four of RFC 9309, 2.2.2
        ("/foo/bar/%E3%83%84", "/foo/bar/\u30c4", True),
        ("/foo/bar/\u30c4", "/foo/bar/%e3%83%84", True),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz", True),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", True),  # 2.2.3
        ("/path/foo-%24", "/path/foo-$", True),
        ("/path/foo-%24", "/path/foo-", False),
        ("/a%2Fb", "/a/b", False),
        ("/fish", "/Fish", False),
        ("/fish", "/fisherman", True),
        ("/fish$", "/fisherman", False),
        ("/*/end$", "/a/b/end", True),
        ("/a*b*c", "/a-c-b", False),
        ("/ab*ba$", "/aba", False),
    ],
)
def test_patterns(pattern, path, fits):
    assert matches(pattern, path) == fits


def test_a_hostile_pattern_takes_no_time():
    start = time.process_time()
    assert not matches("/" + "*a" * 2000 + "b$", "/" + "a" * 20_000)
    assert time.process_time() - start < 2


def test_files_as_they_are_found():
    robots = parse_robots(
        b"\xef\xbb\xbf# hi\rUser-agent : GroundUp/2.1 (x)\r\nuser-agent: other\nSitemap: http://a.b/s.xml\n\nDISALLOW : /x # why\nnonsense\n"
        b"Crawl-delay: 2.5\nUser-agent: other\nDisallow: /other\nUser-agent: groundup\nDisallow: /y\nUser-agent: *\nDisallow: /",
        "groundup",
    )
    assert robots.rules == (("/x", False), ("/y", False)), "two groups of one name are one"
    assert robots.delay_s == 2.5 and robots.sitemaps == ("http://a.b/s.xml",)
    assert parse_robots(b"Disallow: /\n", "groundup").allows("/a"), "rules before any user-agent are nobody's"
    assert parse_robots(b"User-agent: *\nDisallow: /\n", "g").allows("/robots.txt")
    assert "HTML" in parse_robots(b"<!DOCTYPE html><html>Disallow: /</html>", "g").reason


@pytest.mark.parametrize(
    "headers, page, why",
    [
        ({"x-robots-tag": "googlebot: noai"}, "", ""),
        ({"x-robots-tag": "googlebot: nofollow, groundup: noai"}, "", "X-Robots-Tag: noai"),
        ({"x-robots-tag": "max-snippet: 10, noarchive"}, "", "X-Robots-Tag: noarchive"),
        ({"tdm-reservation": "0"}, "", ""),
        ({"content-usage": "search=y, train-ai=n"}, "", "Content-Usage: train-ai=n"),
        ({}, "<META content='1' NAME=TDM-Reservation>", "<meta name=tdm-reservation>: 1"),
        ({}, '<meta name="robots" content="index,follow">', ""),
    ],
)
def test_reservations(headers, page, why):
    assert opt_out(headers, page) == why


def test_a_reservation_names_the_crawler_whatever_its_case():
    assert opt_out({"x-robots-tag": "GroundUp: noai"}, "", "GroundUp") == "X-Robots-Tag: noai"


def test_licences():
    assert licence({}, '<p><a class=x rel="license nofollow" href="https://l.org/by">x</a>') == "https://l.org/by"
    assert licence({"link": '<a>; rel="next", <https://l.org/0>; rel=license'}) == "https://l.org/0"
    assert licence({}, '<a href="/license">x</a>') == ""


def test_the_pace_doubles_and_ends_when_the_server_is_well():
    now = [0.0]
    pace = Pace(delay_s=1.0, most_s=10.0, clock=lambda: now[0])
    assert [pace.refused("a") for _ in range(5)] == [2, 4, 8, 10, 10] and pace.wait_s("b") == 0
    assert pace.refused("a", "3600") == 10
    pace.asked("a")
    assert pace.wait_s("a") == 1.0 and pace.refused("a") == 2


def test_the_removal_list(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(
        f"# by mail\nhttps://A.example/one?utm_source=x\nexample.org  # all of it\nhttps://b.example/p/*\nid:doc-7\nsha256:{'0' * 64}\n"
    )
    removal = Removal.load(path)
    removed = ["https://a.example/one", "http://www.example.org/x", "https://b.example/p/q"]
    assert all(map(removal.of_url, removed)) and not any(
        map(removal.of_url, ["https://a.example/two", "http://notexample.org/", "https://b.example/q"])
    )
    path.write_text("example.org\nwhat is this\n")
    with pytest.raises(InputError, match=r"line 2 \('what is this'\) is no address"):
        Removal.load(path)
