"""Lesson: web archives, where a text's first file comes from: records, gzip members, and damage that costs itself alone."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Archives of the web: no record lost in silence", width="medium")

with app.setup:
    import gzip
    import io
    import random
    import zlib

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import warc
    from groundup.data.sources.encodings import decode
    from groundup.data.sources.responses import parse


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Archives of the web: no record lost in silence

    Most text that language models learn from was fetched by somebody else, years ago, and lies in WARC files of a gigabyte each.
    Afterwards you can read such a file by hand, know why some programs see one page of it and stop, and what a reader owes you
    when bytes are damaged.
    """)
    return


@app.cell
def _():
    def page(number):
        """One page as a server sent it."""
        words = " ".join(random.Random(number).choices("tea bread river stone winter paper".split(), k=60))
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Page " + f"{number}: {words}</p>".encode()

    def record(number):
        """It as a record of an archive."""
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/{number}\r\n"
        return f"{head}Content-Length: {len(page(number))}\r\n\r\n".encode() + page(number) + b"\r\n\r\n"

    members = [gzip.compress(record(number), mtime=0) for number in range(300)]
    archive = b"".join(members)
    first = zlib.decompressobj(31).decompress(archive)
    seen = first.count(b"WARC/1.0")
    mo.md(
        f"This archive holds 300 pages in {len(archive):,} bytes. A program that hands the file to one decoder, as it would any "
        f"`.gz`, sees **{seen}** of them and reports no error."
    )
    return archive, first, members, page, record, seen


@app.cell
def _(archive, first, record, seen):
    assert seen == 1 and first == record(0)
    assert gzip.decompress(archive).count(b"WARC/1.0") == 300, "the whole file, as gunzip reads it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A record by hand

    A record is a head, a blank line, a block, two line ends. The head has one name and one value a line; `Content-Length` counts the
    bytes of the block, and only by it does one know where the block ends: a page may hold anything, even a line that
    looks like another record. The block of a page is what its server said, with a head and a blank line of its own.
    """)
    return


@app.cell
def _(record):
    "\n".join(line if len(line) < 100 else line[:97] + "..." for line in record(0).decode().split("\r\n"))
    return


@app.cell
def _(page, record):
    head, block = record(0).split(b"\r\n\r\n", 1)
    length = int(head.rpartition(b"Content-Length: ")[2])
    server_head, body = block[:length].split(b"\r\n\r\n")
    mo.md(f"{length} bytes of block, of which the last {len(body)} are the page: `{body[:30].decode()}...`")
    return block, body, head, length, server_head


@app.cell
def _(block, body, length, page):
    assert block[:length] == page(0) and block[length:] == b"\r\n\r\n"
    assert body.startswith(b"<p>Page 0:")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why many small gzips and not one

    Compressing each record alone costs space: what one page shares with the next is written again. It buys a door: an index that holds a
    page's offset, as Common Crawl's does, lets anyone fetch a single page out of a gigabyte. One long gzip has no such door, for its decoder needs
    everything that came before.
    """)
    return


@app.cell
def _(archive, members, record):
    together = gzip.compress(b"".join(record(number) for number in range(300)), mtime=0)
    offsets = np.cumsum([0, *map(len, members)])
    wanted = 217
    member = archive[offsets[wanted] : offsets[wanted + 1]]
    mo.md(
        f"Alone: {len(archive):,} bytes, together: {len(together):,}. Page {wanted} begins at byte {offsets[wanted]:,}, and "
        f"{len(member)} bytes are enough to read it."
    )
    return member, offsets, together, wanted


@app.cell
def _(archive, member, record, together, wanted):
    assert gzip.decompress(member) == record(wanted)
    assert len(archive) > 1.5 * len(together), "the door has its price, on pages this small a high one"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One byte

    Files of this size do get damaged: a download that broke off, a disk that forgot a bit. Choose which of twelve records is hit, and
    how. Three readers then try: one stops at the first error, one unpacks the whole file and wants all of it or nothing, and the
    library's goes on at the next member.
    """)
    return


@app.cell
def _():
    hit = mo.ui.slider(0, 11, value=4, label="record that is hit", show_value=True)
    hit
    return (hit,)


@app.cell
def _():
    how = mo.ui.dropdown(["a byte changed", "the file cut off here"], value="a byte changed", label="how")
    how
    return (how,)


@app.cell
def _():
    def until_the_first_error(data):
        """The records of member after member, until one cannot be read."""
        read = []
        while data:
            decoder = zlib.decompressobj(31)
            try:
                content = decoder.decompress(data)
            except zlib.error:
                return read
            if not decoder.eof:
                return read
            read.append(int(content.split(b"a.example/")[1].split(b"\r")[0]))
            data = decoder.unused_data
        return read

    def all_or_nothing(data, count=12):
        """The records of the whole file, unpacked at once."""
        try:
            gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return []
        return list(range(count))

    return all_or_nothing, until_the_first_error


@app.cell
def _(all_or_nothing, hit, how, members, offsets, until_the_first_error):
    _data = bytearray(b"".join(members[:12]))
    _place = int(offsets[hit.value]) + 60
    if how.value == "a byte changed":
        _data[_place] ^= 0x55
    else:
        del _data[_place:]
    damaged, reports = bytes(_data), []
    kept = {
        "until the first error": until_the_first_error(damaged),
        "all or nothing": all_or_nothing(damaged),
        "the library": [
            int(one.url.rpartition("/")[2]) for one in warc.read(io.BytesIO(damaged), "archive", reports.append)
        ],
    }
    plots.heat_map(
        np.array([[float(number in read) for number in range(12)] for read in kept.values()]),
        rows=list(kept),
        columns=[str(number) for number in range(12)],
        low=0.0,
        high=1.0,
        x="record",
        y="reader",
        title=f"Who reads which record: record {hit.value} is hit ({how.value})",
    )
    return damaged, kept, reports


@app.cell
def _(hit, how, kept, offsets, reports):
    _lost = {hit.value} if how.value == "a byte changed" else set(range(hit.value, 12))
    assert set(kept["the library"]) == set(range(12)) - _lost
    assert kept["until the first error"] == list(range(hit.value)) and kept["all or nothing"] == []
    assert [report.offset for report in reports] == [offsets[hit.value]], "and it says where"
    return


@app.cell
def _(reports):
    mo.md("What it says: " + "; ".join(f"`{report}`" for report in reports))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    How does it find the next member? It looks for the three bytes `1f 8b 08` with which every gzip begins, from the damaged member's second
    byte on. Compressed data hold these bytes by chance once in 16 million, so each find is tried: what does not unpack to the beginning of a
    record is passed over. It must not begin the search where the decoder noticed the damage, for that is often inside a later member, which
    would then be lost and never reported.

    ## Bytes are not text yet

    Half of the old web does not say in which encoding it is written. The same four letters:
    """)
    return


@app.cell
def _():
    said = {
        "UTF-8, and said so": (b"Content-Type: text/html; charset=utf-8", "süß".encode()),
        "Latin-1, and said so": (b"Content-Type: text/html; charset=iso-8859-1", "süß".encode("latin-1")),
        "UTF-8, unsaid": (b"Content-Type: text/html", "süß".encode()),
        "Latin-1, unsaid": (b"Content-Type: text/html", "süß".encode("latin-1")),
        "UTF-16, unsaid": (b"Content-Type: text/html", "süß".encode("utf-16")),
    }
    answers = {name: parse(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n" + data) for name, (line, data) in said.items()}
    texts = {name: decode(one.body, one.headers["content-type"], html=True) for name, one in answers.items()}
    mo.md(
        "| page | bytes | text | read as |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {name} | `{answers[name].body.hex(' ')}` | {text} | {encoding} |"
            for name, (text, encoding) in texts.items()
        )
    )
    return answers, said, texts


@app.cell
def _(texts):
    assert {text for text, _ in texts.values()} == {"süß"}
    assert decode("süß".encode("latin-1"), "text/html; charset=utf-8")[0] != "süß", "who says it wrong is read wrong"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The order is that of browsers: a mark at the beginning of the file, then what the server said, then what the page says. What nobody says is
    UTF-8 if it can be: text in another encoding is almost never valid UTF-8 by chance.

    ## Try

    - Hit record 0: the reader that stops at the first error reads nothing at all.
    - Cut the file off in record 11: everybody but the one that wants all or nothing reads eleven records, and only the library says that a twelfth was there.
    - Read a real archive: `groundup data build` takes a `.warc.gz` as it takes a folder of text, and names each damaged record with its byte.
    """)
    return


if __name__ == "__main__":
    app.run()
