"""Lesson: addresses that are not wanted, found among millions by a handful of look-ups, and text that was read in the wrong encoding."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A page judged by its address", width="medium")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.blocklists import Blocklist, read_blocklist, repair, site_and_path


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A page judged by its address

    The cheapest filter reads no page at all. Lists of addresses that spread malware, spam or worse are kept by many hands, with
    millions of entries, and a crawl has billions of pages. Afterwards you know how one is compared with the other, what a list
    blocks beyond its words, and how text is mended that only looks broken.
    """)
    return


@app.cell
def _():
    _published = """# three ways in which lists are published
0.0.0.0 ads.example
||tracker.example^$third-party
bad.example        # a site, with all below it
https://forum.example/spam/
bücher.example
"""
    with tempfile.TemporaryDirectory() as _folder:
        _file = Path(_folder) / "list.txt"
        _file.write_text(_published, encoding="utf-8")
        blocklist = read_blocklist(_file)
    asked = {
        "http://ads.example/banner.gif": True,
        "https://www.bad.example:443/": True,
        "http://deep.sub.bad.example/page?id=3": True,
        "http://notbad.example/": False,
        "http://bad.example.org/": False,
        "http://good.example/bad.example": False,
        "http://forum.example/spam/17": True,
        "http://forum.example/%73pam/": True,
        "http://forum.example/spammers-beware": False,
        "http://xn--bcher-kva.example/": True,
    }
    found = {address: blocklist.judge(address) for address in asked}
    mo.md(
        f"{len(blocklist)} entries block **{sum(one is not None for one in found.values())} of {len(found)}** addresses:\n\n"
        "| address | |\n|---|---|\n"
        + "\n".join(f"| `{address}` | {one.reason if one else 'kept'} |" for address, one in found.items())
    )
    return asked, blocklist, found


@app.cell
def _(asked, found):
    assert {address: one is not None for address, one in found.items()} == asked
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Not by looking for the words

    `"bad.example" in address` is one line, and wrong in both directions. It blocks `notbad.example`, a page that only mentions the
    site, and everybody whose name ends so; and it misses what is written otherwise. An address has parts, and first it is brought
    into one form:
    """)
    return


@app.cell
def _(asked):
    by_words = {
        address: any(
            entry in address for entry in ("ads.example", "bad.example", "forum.example/spam", "bücher.example")
        )
        for address in asked
    }
    wrong = [address for address, blocked in by_words.items() if blocked != asked[address]]
    odd = ["HTTPS://user@www.Example.com:443/a?x=1#top", "http://BÜCHER.example./", "//example.com/%73pam"]
    mo.md(
        f"Looking for the words is wrong for {len(wrong)} of {len(asked)}: {', '.join(f'`{one}`' for one in wrong)}.\n\n"
        "| as written | site | path |\n|---|---|---|\n"
        + "\n".join("| `{}` | `{}` | `{}` |".format(one, *site_and_path(one)) for one in odd)
    )
    return by_words, odd, wrong


@app.cell
def _(odd, wrong):
    assert "http://notbad.example/" in wrong and "http://xn--bcher-kva.example/" in wrong
    assert [site_and_path(one) for one in odd] == [
        ("example.com", "/a?x=1"),
        ("xn--bcher-kva.example", "/"),
        ("example.com", "/spam"),
    ]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## As many look-ups as a name has parts

    A site is blocked with all below it. So for `deep.sub.bad.example` ask the table for `deep.sub.bad.example`, `sub.bad.example`,
    `bad.example` and `example`: four look-ups, whether the list has ten entries or ten million. Going through the entries instead takes
    a comparison each. Choose how deep the addresses are; counted, not timed:
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(1, 6, value=2, label="names before the site", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth):
    class Counting(dict):
        """A table that counts how often it is asked."""

        asked = 0

        def get(self, key, default=None):
            """As a table's own."""
            self.asked += 1
            return super().get(key, default)

    def steps(entries):
        """Look-ups for one address, in a list of so many entries."""
        _list = Blocklist((f"site-{number}.example", "made up") for number in range(entries))
        _list.entries = Counting(_list.entries)
        _address = "a." * depth.value + "unknown.example"
        return _list.entries.asked if _list.judge(_address) is None else -1

    sizes = [10, 100, 1_000, 10_000]
    looked = [steps(size) for size in sizes]
    plots.lines(
        sizes,
        {"table": np.array(looked, float), "one entry after the other": np.array(sizes, float)},
        x="entries of the list",
        y="comparisons an address",
        log_x=True,
        log_y=True,
        marked=True,
        title=f"{looked[0]} look-ups, whatever the list's length",
    )
    return Counting, looked, sizes, steps


@app.cell
def _(depth, looked):
    assert set(looked) == {depth.value + 2}, "one for every part of the name"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whom does it hit?

    An entry for a site takes everything below it. For a shop of spam that is right; on a host where a thousand people have their
    pages one of them may have earned the entry for all. Here are 1,000 people's pages, 20 of which are spam, blocked by an entry a
    page or by one for the host.
    """)
    return


@app.cell
def _():
    pages = [f"http://host.example/~person{number}/" for number in range(1_000)]
    spam = set(pages[::50])
    _ways = {"an entry a page": sorted(spam), "one for the host": ["host.example"]}
    hit = {}
    for _name, _entries in _ways.items():
        _list = Blocklist((one, "made up") for one in _entries)
        _blocked = {one for one in pages if _list.judge(one)}
        hit[_name] = {"spam": len(_blocked & spam), "others": len(_blocked - spam)}
    plots.value_bars(
        {kind: {name: count[kind] for name, count in hit.items()} for kind in ("spam", "others")},
        y="pages dropped",
        title=f"{len(spam)} spammers, and {len(pages) - len(spam)} neighbours",
    )
    return hit, pages, spam


@app.cell
def _(hit, pages, spam):
    assert hit["an entry a page"] == {"spam": len(spam), "others": 0}
    assert hit["one for the host"] == {"spam": len(spam), "others": len(pages) - len(spam)}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So a report names the entry and the list: whoever misses a page can see why, and lists err. Dodge et al. (2021) found that a
    list of bad *words* took out of C4 more of what is written by and about minorities than of the rest.

    ## Text that only looks broken

    Another page is thrown away for its looks: `cafÃ©`. Nothing is lost in it. An é is two bytes in UTF-8, somebody read
    them as Windows-1252, where each is a letter, and saved these two as UTF-8 again.
    """)
    return


@app.cell
def _():
    def damage(text, times=1):
        """UTF-8 taken for Windows-1252, so many times."""
        for _ in range(times):
            text = text.encode("utf-8").decode("cp1252")
        return text

    original = "Le café était à côté."
    stages = [damage(original, times) for times in range(4)]
    mo.md("\n".join(f"- {text}" for text in stages) + f"\n\nRepaired, the last one is: **{repair(stages[-1])[0]}**")
    return damage, original, stages


@app.cell
def _(original, stages):
    assert [len(text) for text in stages] == sorted({len(text) for text in stages}), "longer every time"
    assert all(repair(text)[0] == original for text in stages)
    assert repair(original) == (original, 0), "what was right is left alone"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Going back is safe because valid UTF-8 is rare by chance: every byte above 127 must begin a group of the right length, and each
    in the group must lie between 128 and 191. Right text would need a letter such as Ã followed by a sign such as © every time it
    has one. How often do random letters of French or German look like that?
    """)
    return


@app.cell
def _(damage):
    _draw = np.random.default_rng(0)
    _letters = list("éèàçùâêîôûëïüäöß«»’–°ÃÂ©")
    counts = [1, 2, 3, 4, 6, 8]
    mistaken, mended = [], []
    for _count in counts:
        _texts = ["".join(_draw.choice(_letters, _count)) for _ in range(3_000)]
        mistaken.append(float(np.mean([repair(text)[1] for text in _texts])))
        _clean = [text for text in _texts if not repair(text)[1]]
        mended.append(float(np.mean([repair(damage(text))[0] == text for text in _clean])))
    plots.lines(
        counts,
        {"damaged text mended": mended, "right text changed": mistaken},
        x="letters that are not ASCII, drawn at random",
        y="part of the lines",
        marked=True,
        title="A line has more evidence than a letter",
    )
    return counts, mended, mistaken


@app.cell
def _(mended, mistaken):
    assert min(mended) == 1
    assert max(mistaken) < 0.05 and mistaken[-1] == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Six names before the site: eight look-ups. Where would a list of patterns (`*ads*`) fit in, and what would it cost?
    - A line that is half damaged is left alone: `repair("café cafÃ©")`. Why is that the careful choice?
    - In a pipeline: `kind = "blocklist"`, `list = "lists/"` before everything that reads a page, and `kind = "mojibake"` after it.

    Write it yourself: `groundup learn start blocking_entry`
    """)
    return


if __name__ == "__main__":
    app.run()
