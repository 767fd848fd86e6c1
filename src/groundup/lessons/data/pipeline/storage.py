"""Lesson: a folder sent over a network that fails, to a store that cannot rename, so that nobody ever reads half of it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Half a folder is none", width="medium")

with app.setup:
    import tempfile
    from pathlib import Path

    import fsspec
    import marimo as mo
    import numpy as np
    from fsspec.implementations.memory import MemoryFileSystem

    from groundup import files, plots
    from groundup.data.pipeline.storage import fetched, send
    from groundup.errors import GroundupError


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Half a folder is none

    On a disk a finished folder gets its name by one rename: it is there or it is not. A store such as S3 has no folders and no
    rename, only objects, and sending a terabyte takes hours in which the line may break. Afterwards you know how an order of
    sending replaces the rename, and what a list of checksums is good for.

    No network is needed: what stands behind an address is a small store in memory, which counts what is sent to it, and fails
    when it is told to.
    """)
    return


@app.cell
def _():
    def new_store(fails_after=None):
        """A new, empty store behind lab://; it counts, and breaks off after so many files. What it counts stands in its `sent`."""

        class Store(MemoryFileSystem):
            protocol, cachable = "lab", False
            store, pseudo_dirs, sent, brought = {}, [""], [], []

            @classmethod
            def _strip_protocol(cls, path):
                return super()._strip_protocol(str(path).replace("lab://", "memory://"))

            def put_file(self, lpath, rpath, **named):
                """Take a file, unless the line is broken."""
                if fails_after is not None and len(self.sent) >= fails_after:
                    raise ConnectionError("the line is broken")
                super().put_file(lpath, rpath, **named)
                type(self).sent = [*self.sent, rpath.rpartition("/")[2]]

            def get_file(self, rpath, lpath, **named):
                """Give a file."""
                super().get_file(rpath, lpath, **named)
                type(self).brought = [*self.brought, rpath.rpartition("/")[2]]

        fsspec.register_implementation("lab", Store, clobber=True)
        return Store

    def fill(folder, version=1, changed=0):
        """Eight shards of 4,000 bytes, the first few of them in another version."""
        for at in range(8):
            draw = np.random.default_rng([version if at < changed else 1, at])
            files.write_bytes(folder / f"{at:05}.bin", draw.bytes(4_000))

    _store = new_store()
    with tempfile.TemporaryDirectory() as _here:
        fill(Path(_here))
        send(_here, "lab://bucket/corpus")
        first = list(_store.sent)
        send(_here, "lab://bucket/corpus")
    again = len(_store.sent) - len(first)
    mo.md(
        f"Eight shards go to `lab://bucket/corpus` as {len(first)} files, the last of them `{first[-1]}`. The same folder sent once more: "
        f"**{again} files**."
    )
    return again, fill, first, new_store


@app.cell
def _(again, first):
    assert first == [*(f"{at:05}.bin" for at in range(8)), files.CHECKSUMS], "the list goes last"
    assert again == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The list is the rename

    The list holds the SHA-256 of every file. It is one small object, and a store takes one object whole or not at all. So: **a
    folder that has its list is complete.** Whoever reads asks for the list first, and without one there is nothing to read. Before
    a folder is changed, its list is taken away.

    Choose after how many files the line breaks. Then somebody tries to read, and then the sender tries again.
    """)
    return


@app.cell
def _():
    breaks = mo.ui.slider(0, 9, step=1, value=5, label="files until the line breaks", show_value=True)
    breaks
    return (breaks,)


@app.cell
def _(breaks, fill, new_store):
    with tempfile.TemporaryDirectory() as _here:
        _folder, _kept = Path(_here) / "corpus", Path(_here) / "cache"
        fill(_folder)
        _store = new_store(breaks.value)
        said = []
        try:
            send(_folder, "lab://bucket/broken")
        except GroundupError as error:
            said = [str(error)]
        _before = list(_store.sent)
        try:
            read = len(list(fetched("lab://bucket/broken", _kept).iterdir()))
        except GroundupError as error:
            read, said = 0, [*said, str(error)]
        _mended = new_store()
        _mended.store = _store.store  # the same objects, and a line that holds
        send(_folder, "lab://bucket/broken")
        tries = {"first try": _before, "second try": list(_mended.sent)}
        whole = len(list(fetched("lab://bucket/broken", _kept).iterdir()))
    plots.value_bars(
        {name: {"shards": len(set(sent) - {files.CHECKSUMS}), "the list": sent.count(files.CHECKSUMS)} for name, sent in tries.items()},
        y="files sent",
        title=f"Readable in between: {read} files; at the end: {whole}",
    )  # fmt: skip
    return read, said, tries, whole


@app.cell
def _(breaks, read, said, tries, whole):
    assert whole == 9 and read == (9 if breaks.value == 9 else 0), "all or nothing"
    assert sum(map(len, tries.values())) == 9, "nothing is sent twice"
    if breaks.value < 9:
        assert "cannot be written" in said[0] and "no whole folder of ours" in said[1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    What arrived before the break is not sent again: the sender notes each file in its cache, with its checksum. What the two
    sides said:
    """)
    return


@app.cell
def _(said):
    mo.md("\n".join(f"- {one}" for one in said) or "Nothing: the line held.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Only what differs

    A corpus is built again, and two of a hundred shards are others. By size they all look the same, and a copy's time is that of
    the copying. By checksum it is clear what to send. Here one to eight of the eight shards have changed:
    """)
    return


@app.cell
def _(fill, new_store):
    changes = list(range(9))
    travelled = []
    for _changed in changes:
        with tempfile.TemporaryDirectory() as _here:
            _store = new_store()
            fill(Path(_here) / "old")
            send(Path(_here) / "old", "lab://bucket/corpus")
            _before = len(_store.sent)
            fill(Path(_here) / "new", 2, _changed)
            send(Path(_here) / "new", "lab://bucket/corpus")
            travelled.append(4 * sum(name != files.CHECKSUMS for name in _store.sent[_before:]))
    plots.lines(
        changes,
        {"by checksum": np.array(travelled, float), "everything again": np.full(9, 32.0)},
        x="shards that changed, of 8",
        y="kilobytes sent",
        marked=True,
        title="The work follows the change",
    )
    return changes, travelled


@app.cell
def _(changes, travelled):
    assert travelled == [4 * changed for changed in changes]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The way back

    Reading goes through a cache on the disk, where shards can be mapped into memory. A file that is there with the right checksum
    is not fetched again; one that came with a wrong one is refused by its name. And what is no longer listed is removed from the
    copy: what an owner had taken out of a corpus must not be trained on from an old one.
    """)
    return


@app.cell
def _(fill, new_store):
    with tempfile.TemporaryDirectory() as _here:
        _store, _cache, _folder = new_store(), Path(_here) / "cache", Path(_here) / "corpus"
        fill(_folder)
        send(_folder, "lab://bucket/corpus")
        fetched("lab://bucket/corpus", _cache)
        brought = {"first": len(_store.brought)}
        _copy = fetched("lab://bucket/corpus", _cache)
        brought = brought | {"again": len(_store.brought) - brought["first"]}
        (_copy / "00003.bin").write_bytes(b"damaged on this disk")
        fetched("lab://bucket/corpus", _cache)
        brought = brought | {"after damage here": len(_store.brought) - sum(brought.values())}
        (_folder / "00007.bin").unlink()
        (_folder / files.CHECKSUMS).unlink()
        send(_folder, "lab://bucket/corpus")
        left = sorted(path.name for path in fetched("lab://bucket/corpus", _cache).glob("*.bin"))
        _object = next(name for name in _store.store if name.endswith("00000.bin"))
        _store().pipe_file(_object, b"damaged over there")
        (_copy / "00000.bin").unlink()
        try:
            fetched("lab://bucket/corpus", _cache)
            refused = ""
        except GroundupError as error:
            refused = str(error)
    mo.md(
        "| fetched | files |\n|---|---|\n" + "\n".join(f"| {when} | {count} |" for when, count in brought.items())
        + f"\n\nAfter one shard was taken out at the address, {len(left)} are left here. And after damage there: *{refused}*."
    )  # fmt: skip
    return brought, left, refused


@app.cell
def _(brought, left, refused):
    assert brought == {"first": 8, "again": 0, "after damage here": 1}
    assert len(left) == 7 and "00007.bin" not in left
    assert "00000.bin is damaged" in refused
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - The line breaks after 8 files: every shard has arrived, and still nothing may be read. After 9: nothing is left to do.
    - What would go wrong if the list went first? Think of a reader who comes in the middle.
    - The same with a real store: `groundup data export FOLDER --out s3://bucket/corpus`, or `webhdfs://USER@HOST:9870/corpus`; and
      `Shards.open("s3://bucket/tokens")` fetches token shards into the cache and maps them from there.
    """)
    return


if __name__ == "__main__":
    app.run()
