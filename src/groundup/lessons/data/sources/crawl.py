"""Lesson: a crawler, which is a list of addresses and the care to put none on it twice."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A crawler: one address for one page", width="medium")

with app.setup:
    import tempfile
    from collections import deque
    from pathlib import Path
    from urllib.parse import urljoin

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import warc
    from groundup.data.sources.crawl import CrawlConfig, crawl
    from groundup.data.sources.fetch import Answer, Client, Refused
    from groundup.data.sources.links import links
    from groundup.data.sources.urls import absolute, is_trap, normalize_url, without_dots


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A crawler: one address for one page

    A crawler fetches a page, puts its links on a list, and takes the next address from the list. That is all, and with that alone it never
    ends: the same page has many addresses, and some sites have no last page. Afterwards you know how addresses become one, what makes a crawl
    end, and how it goes on after it was killed. No page is fetched here: the site is made in memory.
    """)
    return


@app.cell
def _():
    host = "http://shop.example"

    def page(path):
        """A small site: 20 articles, three lists, and links as people write them."""
        ways = ["/a/{}", "/a/./{}", "/a/{}#top", "HTTP://SHOP.example:80/a/{}", "/a/{}?utm_source=mail", "/x/../a/{}"]
        number = int(path.rpartition("/")[2]) if path.startswith("/a/") else 0
        near = [(number + step) % 20 for step in (1, 2, 5, 7)]
        found = [ways[(number + at) % len(ways)].format(one) for at, one in enumerate(near)]
        return f"<h1>{path}</h1>" + "".join(f'<a href="{link}">more</a>' for link in [*found, "/", "/list"])

    written = {
        urljoin(host, link.split('"')[0]) for number in range(20) for link in page(f"/a/{number}").split('href="')[1:]
    }
    once = {normalize_url(address) for address in written}
    mo.md(f"The pages of this site link to **{len(written)}** different addresses. It has **{len(once)}** pages.")
    return host, once, page, written


@app.cell
def _(host, once, written):
    assert once == {f"{host}/", f"{host}/list", *(f"{host}/a/{number}" for number in range(20))}
    assert len(written) > 2 * len(once)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step by step

    Some changes to an address cannot change the page, and the standard for addresses (RFC 3986, section 6.2) lists them. Two more are customs: what
    stands behind `#` is never sent to a server, and `utm_source` and its like only say where a visitor came from.
    """)
    return


@app.cell
def _():
    forms = {
        "case of scheme and host": ("HTTP://Shop.Example/A", "http://shop.example/A"),
        "the port that goes without saying": ("http://shop.example:80/", "http://shop.example/"),
        "an empty path": ("http://shop.example", "http://shop.example/"),
        "dots": ("http://shop.example/x/../a/./1", "http://shop.example/a/1"),
        "escapes that need not be": ("http://shop.example/%7Etea", "http://shop.example/~tea"),
        "escapes that must be, in one form": ("http://shop.example/a%2fb", "http://shop.example/a%2Fb"),
        "the fragment": ("http://shop.example/a#top", "http://shop.example/a"),
        "tracking": ("http://shop.example/?q=tea&utm_source=x", "http://shop.example/?q=tea"),
    }
    mo.md(
        "| what | from | to |\n|---|---|---|\n"
        + "\n".join(f"| {what} | `{one}` | `{other}` |" for what, (one, other) in forms.items())
    )
    return (forms,)


@app.cell
def _(forms):
    for _given, _normal in forms.values():
        assert normalize_url(_given) == _normal
        assert normalize_url(_normal) == _normal, "normal is normal"
    assert normalize_url("http://shop.example/a%2Fb") != normalize_url("http://shop.example/a/b"), "two pages"
    assert without_dots("/a/b/../../../c") == "/c", "nothing lies above the root"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The frontier

    The list is called the frontier. Who takes the oldest address first goes round the seed in rings: first what it links to, then what those link to. So the
    depth of a page is its distance from the seed, and a limit on it is a limit one can understand. A set remembers what was on the
    list before; without it two pages that link to each other are enough to go on for ever.
    """)
    return


@app.cell
def _(host, page):
    def rings(depth, normal=normalize_url, most=400):
        """How many fetches each ring takes, from the first page outwards."""
        frontier, known, fetched = deque([(f"{host}/a/0", 0)]), {f"{host}/a/0"}, [0] * (depth + 1)
        while frontier and sum(fetched) < most:
            address, far = frontier.popleft()
            fetched[far] += 1
            path = normalize_url(address).removeprefix(host)
            for link in page(path).split('href="')[1:]:
                new = normal(urljoin(address, link.split('"')[0]))
                if new not in known and far < depth:
                    known.add(new)
                    frontier.append((new, far + 1))
        return fetched

    return (rings,)


@app.cell
def _():
    depth = mo.ui.slider(1, 8, value=3, label="depth", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth, rings):
    careful, careless = rings(depth.value), rings(depth.value, normal=lambda address: address)
    plots.lines(
        list(range(depth.value + 1)),
        {"addresses made normal": careful, "addresses as written": careless},
        x="distance from the seed",
        y="fetches",
        marked=True,
        title=f"{sum(careful)} fetches, or {sum(careless)} for the same pages",
    )
    return careful, careless


@app.cell
def _(careful, careless, depth):
    assert careful[0] == careless[0] == 1 and sum(careful) <= 22 and sum(careless) >= sum(careful)
    if depth.value >= 4:
        assert sum(careful) == 22, "every page once, and then the frontier is empty"
    if depth.value >= 3:
        assert sum(careless) > 2 * sum(careful)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sites without an end

    A calendar has a link to the next month, for ever; a page that links to `next/` and is served under any path makes longer and longer addresses. No
    normal form helps, for these are all different. What helps are limits: on the depth, on the pages of one host, on the length of an
    address, and on how often one step stands in a path.
    """)
    return


@app.cell
def _(host):
    _address, trap = f"{host}/", []
    while _address:
        trap.append(_address)
        _address = absolute(_address, "next/")
    mo.md(
        "A page that links to `next/`, followed until it is called a trap: "
        + ", ".join(f"`{one.removeprefix(host)}`" for one in trap)
    )
    return (trap,)


@app.cell
def _(host, trap):
    assert len(trap) == 4 and is_trap(trap[-1] + "next/") and not is_trap(f"{host}/2024/05/05/tea")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Killed and begun again

    A crawl takes days, so it will be killed. The library keeps its frontier in a table on the disk, and writes in this order: first the page into the
    archive, then into the table that the page is there and how long the archive is now. A kill between the
    two leaves bytes behind the length that is known; they are cut off
    when it begins again. So no page is there twice and none half. Choose after how many fetches this one is killed.
    """)
    return


@app.cell
def _(host, page):
    class Playing(Client):
        """A client that fetches from memory, and is killed after some fetches."""

        def get(self, url):
            """The page, or what a server says that has none."""
            self.left = getattr(self, "left", 0) - 1
            if self.left == -1:
                raise KeyboardInterrupt
            path = url.removeprefix(host)
            known = path in ("/", "/list") or (path.startswith("/a/") and path[3:].isdigit())
            return (
                Answer(url, 200, {"content-type": "text/html"}, page(path).encode(), url)
                if known
                else Refused(url, "status 404", 404)
            )

    def run(kill_after):
        """A crawl that is killed so often, and begun again until it is through; the addresses in its archive."""
        with tempfile.TemporaryDirectory() as folder:
            starts = 0
            while True:
                client, starts = Playing(), starts + 1
                client.left = kill_after or -1
                try:
                    counts = crawl([f"{host}/a/0"], folder, CrawlConfig(depth=9, sitemaps=False), client=client)
                except KeyboardInterrupt:
                    continue
                kept = [one.url for path in Path(folder).glob("*.warc.gz") for one in warc.records(path, verify=True)]
                return starts, counts, [url for url in kept if url]

    return Playing, run


@app.cell
def _():
    kill = mo.ui.slider(steps=[0, 5, 15], value=5, label="killed after so many fetches (0: never)", show_value=True)
    kill
    return (kill,)


@app.cell
def _(kill, run):
    starts, counts, kept = run(kill.value)
    mo.md(
        f"Begun {starts} times; {counts['fetched']} pages fetched, {len(kept)} records in the archive, {len(set(kept))} of them different."
    )
    return counts, kept, starts


@app.cell
def _(counts, host, kept, kill, once, starts):
    assert sorted(kept) == sorted(once) and counts["fetched"] == 22 and counts["left"] == 0
    assert starts == {0: 1, 5: 5, 15: 2}[kill.value]
    assert links(f'<a href="{host}/a/1#x">1</a><a rel=nofollow href=/a/2>2</a>', host) == [f"{host}/a/1"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Depth 8: the careful crawl stops by itself after four rings, with 22 pages. The careless one fetches 82 times: the same pages under other names.
    - Killed after 15 fetches: it begins twice and ends with the same archive.
    - Crawl a site of your own: `groundup data fetch http://127.0.0.1:8000/ --out pages`, with `python -m http.server` in a folder of pages.

    Write it yourself: `groundup learn start normalize_url`
    """)
    return


if __name__ == "__main__":
    app.run()
