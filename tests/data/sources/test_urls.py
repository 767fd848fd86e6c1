"""Addresses: the cases of RFC 3986 by hand, and that normalising twice changes nothing."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.sources.links import links, sitemap, tags
from groundup.data.sources.urls import absolute, normalize_url, without_dots


@pytest.mark.parametrize(
    "url, normal",
    [
        ("example://a/b", ""),
        ("HTTP://www.Example.com/", "http://www.example.com/"),  # RFC 3986, 6.2.2.1
        ("http://a.b/%7Efoo/%2f%3a", "http://a.b/~foo/%2F%3A"),  # 6.2.2.1 and 6.2.2.2
        ("http://a.b/c/./../d/%2e%2E/e", "http://a.b/e"),  # escapes first, then dots
        ("http://example.com:80/", "http://example.com/"),  # 6.2.3
        ("http://example.com", "http://example.com/"),
        ("http://example.com:", "http://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://user:secret@a.b/", "http://a.b/"),
        ("http://a.b./", "http://a.b/"),
        ("http://B\u00fccher.example/\u00fc?\u00fc", "http://xn--bcher-kva.example/%C3%BC?%C3%BC"),
        ("http://a.b/?b=2&a=1&utm_medium=x&fbclid=9&", "http://a.b/?b=2&a=1"),
        ("http://a.b/?", "http://a.b/"),
        ("http://a.b/#x", "http://a.b/"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://[::1", ""),
        ("http://a.b:99999/", ""),
        ("javascript:alert(1)", ""),
        ("http:///path", ""),
        ("  http://a.b/c d\n", "http://a.b/c%20d"),
    ],
)
def test_normal_forms(url, normal):
    assert normalize_url(url) == normal


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text):
    once = normalize_url("http://a.b/" + text)
    assert normalize_url(once) == once


@given(st.lists(st.sampled_from(["..", ".", "a", "b"]), max_size=8))
def test_dots_are_followed_as_a_browser_does(steps):
    path = "/" + "/".join(steps)
    assert without_dots(path) == (urljoin("http://x/", path).removeprefix("http://x") or "/")


def test_links_of_a_page():
    page = """<base href="/docs/"><a href=one>1</a><A HREF='two?a=1&amp;b=2#x'>2</A><a href="one">again</a><area href="../three">
    <a rel="x nofollow" href="four">4</a><a href="tel:1">5</a><!-- <a href="six">6</a> --><a href="http://[bad">7</a><a>8</a>"""
    assert links(page, "http://a.b/x/y") == ["http://a.b/docs/one", "http://a.b/docs/two?a=1&b=2", "http://a.b/three"]
    assert links('<meta name=robots content="index, nofollow"><a href=b>b</a>', "http://a.b/") == []
    assert links("<div>" * 100_000 + "<a href=c>c</a><b <![if", "http://a.b/") == ["http://a.b/c"], "deep and broken"


@given(
    st.lists(st.tuples(st.sampled_from(["a", "p", "script", "meta"]), st.text("ab<>\"'=& /;", max_size=9)), max_size=5)
)
def test_tags_are_those_of_pythons_parser(parts):
    from html.parser import HTMLParser

    class Theirs(HTMLParser):
        def __init__(self):
            super().__init__()
            self.found = []

        def handle_starttag(self, tag, attrs):
            self.found.append((tag, {name: value or "" for name, value in reversed(attrs)}))

    page = "".join(f'<{tag} href="{text.replace(chr(34), "")}">text</{tag}>' for tag, text in parts)
    theirs = Theirs()
    theirs.feed(page)
    assert list(tags(page)) == theirs.found


@pytest.mark.parametrize("hostile", ["<!--", "<a ", "<a '", '<a "', "<script>", "<a b=", "<"])
def test_a_hostile_page_ends(hostile):
    links(hostile * (60_000 // len(hostile)), "http://a.b/")


def test_traps_are_left():
    assert absolute("http://a.b/x/x/x/", "x/") == "" and absolute("http://a.b/", "y" * 3000) == ""


def test_a_damaged_sitemap_gives_what_came_before():
    data = b"<urlset><url><loc> http://a.b/1 </loc></url><url><loc>http://a.b/2</loc></url><url><loc>http://a.b/3</lo"
    assert sitemap(data, "http://a.b/s.xml") == (["http://a.b/1", "http://a.b/2"], [])
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "'
        + b"y" * 1000
        + b'">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 50) for at in range(6))
        + b"]><urlset><url><loc>&g;</loc></url></urlset>"
    )
    assert sitemap(bomb, "http://a.b/s.xml") == ([], [])


@pytest.mark.parametrize("name", ["gbk", "idna", "nonsense"])
def test_a_sitemap_in_an_encoding_that_no_parser_knows_lists_nothing(name):
    data = f'<?xml version="1.0" encoding="{name}"?><urlset><url><loc>http://a.b/1</loc></url></urlset>'.encode()
    assert sitemap(data, "http://a.b/s.xml") == ([], [])
