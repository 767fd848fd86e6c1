"""Exercise: one address for all that mean the same page."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def become(mine, pairs):
    """Compare addresses with their normal forms."""
    for url, normal in pairs:
        same(mine(url), normal)


@check("invariant")
def what_is_no_web_address(mine):
    """Gives an address for what has none on the web: without http or https, or without a host, give ""."""
    become(mine, [(url, "") for url in ("mailto:a@b.c", "/path", "javascript:alert(1)", "http:///x", "", "ftp://a.b/")])


@check("invariant")
def what_cannot_be_read(mine):
    """Fails with an exception on an address that is wrong: pages hold any text, so give ""."""
    for url in ("http://[::1", "http://a.b:99999/", "http://a.b:x/"):
        try:
            got = mine(url)
        except ValueError as error:
            got = repr(error)
        that(got == "", expected="''", got=got)


@check("values")
def scheme_and_host_have_no_case(mine):
    """Keeps capitals in scheme or host, or takes them from the path: host names have no case, paths do."""
    become(mine, [("HTTP://Example.COM/Path?Q=A", "http://example.com/Path?Q=A")])


@check("values")
def the_port_that_goes_without_saying(mine):
    """Keeps the port that the scheme has anyway, or drops another: 80 belongs to http alone, 443 to https."""
    become(
        mine,
        [
            ("http://a.b:80/x", "http://a.b/x"),
            ("https://a.b:443/x", "https://a.b/x"),
            ("https://a.b:80/x", "https://a.b:80/x"),
            ("http://a.b:8080/x", "http://a.b:8080/x"),
        ],
    )


@check("values")
def an_empty_path_is_a_slash(mine):
    """Leaves the path empty: http://a.b and http://a.b/ are one page."""
    become(mine, [("http://a.b", "http://a.b/"), ("http://a.b?q", "http://a.b/?q")])


@check("values")
def the_fragment_goes(mine):
    """Keeps what stands behind #: it never reaches the server."""
    become(mine, [("http://a.b/x#top", "http://a.b/x"), ("http://a.b/x?q#", "http://a.b/x?q")])


@check("values")
def dots_are_followed(mine):
    """Leaves . and .. in the path: they are steps to be taken."""
    become(mine, [("http://a.b/c/./d/../e", "http://a.b/c/e"), ("http://a.b/../c/.", "http://a.b/c/")])


@check("values")
def escapes_have_one_form(mine):
    """Leaves escapes as they came: letters, digits and -._~ need none, and the others are in capitals."""
    become(
        mine,
        [("http://a.b/%7ea%2fb?%61=%c3%bc", "http://a.b/~a%2Fb?a=%C3%BC"), ("http://a.b/\u00fc", "http://a.b/%C3%BC")],
    )


@check("values")
def tracking_goes_and_order_stays(mine):
    """Keeps parameters that only say where a visitor came from (utm_..., fbclid), or loses or sorts the others."""
    become(
        mine,
        [("http://a.b/?z=1&utm_source=x&a=2&fbclid=q", "http://a.b/?z=1&a=2"), ("http://a.b/?gclid=1", "http://a.b/")],
    )


@check("invariant")
def twice_is_as_once(mine):
    """Changes an address that is normal already: escaped dots are dots, so undo escapes before following them."""
    for url in ("http://a.b/c/%2e%2e/d", "http://a.b/%257e", "http://A.b:80/?q=%61"):
        once = mine(url)
        that(mine(once) == once, expected=f"{once!r} again", got=mine(once))
        that("%2E" not in once, expected="'http://a.b/d'", got=once)


EXERCISE = Exercise(
    slot="data.sources.normalize_url",
    title="A crawler's memory: one address for one page",
    task="""
    A crawler fetches a page once, if it knows that two addresses are one. Bring an address into its normal form by RFC 3986,
    section 6.2: scheme and host in lower case, no default port, no user, an empty path as "/", dots followed, escapes in one form.
    Also drop the fragment and the parameters that `TRACKING` matches, and keep the others in their order. What is no http or https
    address becomes "". `escaped(text)` and `without_dots(path)` are there to use.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("data.sources.crawl",),
    hints=(
        "urllib.parse.urlsplit takes the address apart: scheme, hostname (in lower case), port, path, query, fragment. It raises ValueError.",
        "PORTS knows each scheme's port; leave it out when it is the same. The path is without_dots(escaped(path)) or '/'.",
        "Split the query at &, keep the parts whose name TRACKING does not match, join them again, and write ? only if one is left.",
    ),
    run="groundup --mine my learn lesson data.sources.crawl --run",
    checks=(
        what_is_no_web_address,
        what_cannot_be_read,
        scheme_and_host_have_no_case,
        the_port_that_goes_without_saying,
        an_empty_path_is_a_slash,
        the_fragment_goes,
        dots_are_followed,
        escapes_have_one_form,
        tracking_goes_and_order_stays,
        twice_is_as_once,
    ),
    mutants=(
        Mutant(
            "any scheme",
            "for what has none on the web",
            (("scheme not in PORTS or not host", "not host"), ("PORTS[scheme]", "PORTS.get(scheme)")),
        ),
        Mutant("no care", "Fails with an exception", (("except (ValueError, UnicodeError):", "except KeyError:"),)),
        Mutant(
            "all in lower case",
            "takes them from the path",
            (("urlsplit(url.strip())", "urlsplit(url.strip().lower())"),),
        ),
        Mutant("port 80 always", "Keeps the port that the scheme has", (("PORTS[scheme]", "80"),)),
        Mutant("no slash", "Leaves the path empty", ((" or '/'", ""),)),
        Mutant("dots stay", "Leaves . and ..", (("without_dots(escaped(parts.path))", "escaped(parts.path)"),)),
        Mutant(
            "escapes stay",
            "Leaves escapes as they came",
            (("without_dots(escaped(parts.path))", "without_dots(parts.path)"),),
        ),
        Mutant(
            "the query sorted",
            "loses or sorts the others",
            (('in parts.query.split("&")', 'in sorted(parts.query.split("&"))'),),
        ),
        Mutant(
            "dots before escapes",
            "undo escapes before",
            (("without_dots(escaped(parts.path))", "escaped(without_dots(parts.path))"),),
        ),
    ),
)
