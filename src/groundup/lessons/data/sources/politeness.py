"""Lesson: what a site allows: the longest rule of its robots.txt, the pace of requests, and words that reserve a page."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="robots.txt: the longest rule decides", width="medium")

with app.setup:
    from urllib.robotparser import RobotFileParser

    import marimo as mo

    from groundup import plots
    from groundup.data.sources.politeness import Pace, matches, opt_out, parse_robots, robots_allow, robots_of
    from groundup.data.sources.urls import octets


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # robots.txt: the longest rule decides

    A crawler is a guest. The house rules lie at `/robots.txt`, they are older than most of the web, and only in 2022 did they become a standard,
    RFC 9309. Afterwards you can read them as the standard says, which Python's own parser does not, and know what a guest does when
    the house does not answer.
    """)
    return


@app.cell
def _():
    wordpress = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n"
    address = "/wp-admin/admin-ajax.php"
    _python = RobotFileParser()
    _python.parse(wordpress.splitlines())
    verdicts = {
        "Python's urllib.robotparser": _python.can_fetch("groundup", address),
        "RFC 9309": parse_robots(wordpress.encode(), "groundup").allows(address),
    }
    mo.md(
        f"A site that WordPress runs says this unless its owner changes it:\n\n```\n{wordpress}```\n\nMay `{address}` be fetched? "
        + ", ".join(f"{name}: **{'yes' if verdict else 'no'}**" for name, verdict in verdicts.items())
        + "."
    )
    return address, verdicts, wordpress


@app.cell
def _(verdicts):
    assert list(verdicts.values()) == [False, True]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which rule?

    Both rules match the address: a rule is the beginning of a path. Python's parser takes the first that matches, in the order of the file. The
    standard takes the one with the most octets, wherever it stands, because whoever writes more means something narrower. Of two
    as long, the one that allows wins. Here are the octets of each rule that matches; the largest number of a row decides:
    """)
    return


@app.cell
def _():
    rules = (("/", True), ("/shop/", False), ("/shop/open/", True), ("/*.pdf", False), ("/shop/open/list.pdf$", True))
    paths = [
        "/",
        "/shop/basket",
        "/shop/open/tea",
        "/shop/open/tea.pdf",
        "/shop/open/list.pdf",
        "/shop/open/list.pdf?print",
    ]
    table = {path: {pattern: len(octets(pattern)) for pattern, _ in rules if matches(pattern, path)} for path in paths}
    mo.md(
        "| path | allowed | "
        + " | ".join(f"`{'Allow' if allows else 'Disallow'}: {pattern}`" for pattern, allows in rules)
        + " |\n"
        + "|---" * (len(rules) + 2)
        + "|\n"
        + "\n".join(
            f"| `{path}` | {'yes' if robots_allow(rules, path) else 'no'} | "
            + " | ".join(str(row.get(pattern, "")) for pattern, _ in rules)
            + " |"
            for path, row in table.items()
        )
    )
    return paths, rules, table


@app.cell
def _(paths, rules, table):
    _allows = dict(rules)
    for _path, _row in table.items():
        assert robots_allow(rules, _path) == _allows[max(_row, key=_row.get)], "the largest number of its row"
    assert [robots_allow(rules, path) for path in paths] == [True, False, True, True, True, True]
    assert all(robots_allow(rules[::-1], path) == robots_allow(rules, path) for path in paths), "order says nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `*` stands for any run of characters and a last `$` for the end of the path. A rule such as `/*a*a*a*b$` becomes a trap if it is
    turned into a regular expression: on a path of many a's it takes years. Looking for each part behind the one before needs no going back.

    ## How much longer must it be?

    A site forbids `/archive/` and allows one part of it by a longer rule. Choose how many steps of the path the allowing rule names, and see
    which pages are open.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(0, 4, value=2, label="steps that Allow names", show_value=True)
    steps
    return (steps,)


@app.cell
def _(steps):
    _places = ["archive", "2024", "may", "tea"]
    allow = "/" + "".join(f"{step}/" for step in _places[: steps.value])
    _narrow = (("/archive/", False), (allow, True))
    _pages = {
        "/about": "/about",
        "/archive/": "/archive/x",
        "/archive/2024/": "/archive/2024/x",
        "/archive/2024/may/": "/archive/2024/may/x",
        "/archive/2024/may/tea/": "/archive/2024/may/tea/x",
    }
    open_pages = {name: float(robots_allow(_narrow, path)) for name, path in _pages.items()}
    plots.value_bars(
        {"open": open_pages},
        y="may be fetched",
        title=f"Disallow: /archive/ ({len('/archive/')} octets), Allow: {allow} ({len(allow)})",
    )
    return allow, open_pages


@app.cell
def _(allow, open_pages, steps):
    assert open_pages["/about"] == 1.0
    assert open_pages["/archive/"] == float(steps.value == 1), "a tie, which Allow wins"
    assert sum(open_pages.values()) == {0: 1, 1: 5, 2: 4, 3: 3, 4: 2}[steps.value], allow
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When the house does not answer

    What does silence mean? The standard tells two cases apart. No such file (404): there are no rules, everything is open. A server that
    fails (500) or does not answer: it may have rules that we cannot read, so everything is closed until it can say. A page of HTML in place of
    the file holds no rule, and a circle of redirects is as good as no file.
    """)
    return


@app.cell
def _():
    silent = {
        "200 with rules": robots_of(200, b"User-agent: *\nDisallow: /private", "groundup"),
        "200, a page of HTML": robots_of(200, b"<!doctype html><html>Welcome", "groundup"),
        "404": robots_of(404, b"", "groundup"),
        "redirects in a circle": robots_of(-1, b"", "groundup"),
        "503": robots_of(503, b"", "groundup"),
        "no answer": robots_of(0, b"", "groundup"),
    }
    mo.md(
        "| answer | `/page` | `/private` |\n|---|---|---|\n"
        + "\n".join(f"| {name} | {one.allows('/page')} | {one.allows('/private')} |" for name, one in silent.items())
    )
    return (silent,)


@app.cell
def _(silent):
    assert [name for name, one in silent.items() if not one.allows("/page")] == ["503", "no answer"]
    assert all(one.allows("/robots.txt") for one in silent.values()), "the rules themselves may always be asked for"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The pace

    Rules say where a guest may go, not how often. One request at a time to a host, at least a second between two, and when the server
    says that it is too much (429, 503), twice as long each time. It costs little: what takes long on one host, hundreds of others fill.
    """)
    return


@app.cell
def _():
    delay = mo.ui.slider(steps=[0.5, 1, 2, 5], value=1, label="seconds between two requests", show_value=True)
    delay
    return (delay,)


@app.cell
def _(delay):
    _pace = Pace(delay_s=delay.value, most_s=120.0, clock=lambda: 0.0)
    waits = [_pace.refused("host") for _ in range(9)]
    plots.lines(
        list(range(1, 10)),
        {"wait": waits},
        x="refusals one after the other",
        y="seconds",
        marked=True,
        levels={"the longest": 120.0},
        title=f"From {delay.value} s: twice as long after each refusal",
    )
    return (waits,)


@app.cell
def _(delay, waits):
    assert waits[0] == 2 * delay.value
    assert all(later == min(120.0, 2 * earlier) for earlier, later in zip(waits, waits[1:], strict=False))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fetching is not using

    robots.txt is about visits. Whether a page may train a model is said elsewhere, in several ways that grew side by side: in the answer's
    head, in the page's, by a licence.
    """)
    return


@app.cell
def _():
    words = {
        "X-Robots-Tag: noai": opt_out({"x-robots-tag": "noai"}),
        "X-Robots-Tag: noindex": opt_out({"x-robots-tag": "noindex"}),
        "X-Robots-Tag: otherbot: noai": opt_out({"x-robots-tag": "otherbot: noai"}),
        "TDM-Reservation: 1": opt_out({"tdm-reservation": "1"}),
        "Content-Usage: train-ai=n": opt_out({"content-usage": "train-ai=n"}),
        "a page with meta robots noai": opt_out({}, '<meta name="robots" content="noai">'),
    }
    mo.md(
        "| it says | kept | why not |\n|---|---|---|\n"
        + "\n".join(f"| `{said}` | {not why} | {f'`{why}`' if why else ''} |" for said, why in words.items())
    )
    return (words,)


@app.cell
def _(words):
    assert [said for said, why in words.items() if not why] == ["X-Robots-Tag: noindex", "X-Robots-Tag: otherbot: noai"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Let Allow name no step: `/` is shorter than `/archive/`, and the archive stays closed. One step: a tie, and all is open.
    - 5 seconds between requests: after five refusals the longest wait is reached. 0.5: only after eight.

    Write it yourself: `groundup learn start robots_allow`
    """)
    return


if __name__ == "__main__":
    app.run()
