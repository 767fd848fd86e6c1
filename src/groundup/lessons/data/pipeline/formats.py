"""Lesson: token shards beside Parquet, TFRecord, WebDataset and JSON lines: how far a reader must read, and who notices a turned bit."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One bit, and who notices", width="medium")

with app.setup:
    import tarfile
    import tempfile
    from functools import partial
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import files, plots
    from groundup.data.documents import Document
    from groundup.data.pipeline import exchange, tfrecord
    from groundup.data.pipeline.formats import INDEX, OFFSETS, TOKENS, Shards, write_shards
    from groundup.errors import GroundupError


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One bit, and who notices

    A corpus is written once, copied often and read for weeks. Afterwards you know how token shards lie on the disk, why a training
    run can take any document out of them, what the same documents cost in other formats, and what each does with damage.

    The documents are a hundred words each out of twelve, and a word is a token. In a corpus of 200 of them one bit is turned:
    """)
    return


@app.cell
def _():
    words = "fox river stone apple lantern harbour story winter garden letter bridge market".split()

    def made(count):
        """Documents of a hundred words, each with its ids; a document ends with id 12."""
        draw = np.random.default_rng(0)
        ids = [draw.integers(len(words), size=100) for _ in range(count)]
        texts = [Document(str(at), " ".join(words[word] for word in one), "made", {}) for at, one in enumerate(ids)]
        return texts, [np.append(one, len(words)) for one in ids]

    def write(folder, ids):
        """Token shards of documents."""
        offsets = np.cumsum([0, *map(len, ids)])
        write_shards(folder, np.concatenate(ids), offsets, start_id=None, text_bytes=0, vocab_size=len(words) + 1)

    def turned(data, bit):
        """Bytes with one bit turned."""
        return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]

    documents, tokens = made(200)
    with tempfile.TemporaryDirectory() as _here:
        write(Path(_here, "tokens"), tokens)
        on_disk = {path.name: path.read_bytes() for path in sorted(Path(_here, "tokens").iterdir())}
        Path(_here, "tokens", TOKENS).write_bytes(turned(on_disk[TOKENS], 16 * 8_000 + 13))
        unchecked = np.array(Shards.open(Path(_here, "tokens"), verify=False).tokens)
        try:
            Shards.open(Path(_here, "tokens"))
            refused = ""
        except GroundupError as error:
            refused = str(error).rpartition("/")[2]
    wrong = np.flatnonzero(unchecked != np.concatenate(tokens))
    mo.md(
        f"Read without a look at the checksums, **{len(wrong)}** of {len(unchecked):,} tokens is another: number {wrong[0]:,} is "
        f"{unchecked[wrong[0]]:,} in place of {np.concatenate(tokens)[wrong[0]]}, and there are {len(words) + 1} ids. With them: *{refused}*."
    )
    return documents, made, on_disk, refused, tokens, turned, unchecked, words, write, wrong


@app.cell
def _(refused, tokens, unchecked, wrong):
    assert wrong.tolist() == [8_000] and "tokens.bin is damaged" in refused
    assert unchecked[8_000] - np.concatenate(tokens)[8_000] == 1 << 13, "the bit's own value"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That id has no row in the table of embeddings, so here training at least ends with an error. Had one of the lowest bits turned, it
    would be another word, and nobody would ever know.

    ## Two rows of numbers

    `tokens.bin` is the ids of all documents one after the other, two bytes each (four above 65,536 ids). `offsets.bin` says where each
    document begins. Nothing else is needed to find number 137:
    """)
    return


@app.cell
def _(on_disk, words):
    _begin, _end = np.frombuffer(on_disk[OFFSETS], np.int64, count=2, offset=8 * 137).tolist()
    found = np.frombuffer(on_disk[TOKENS], np.uint16, count=_end - _begin, offset=2 * _begin)
    mo.md(
        f"Bytes {8 * 137:,} to {8 * 137 + 15:,} of the offsets say {_begin:,} and {_end:,}. So its ids are bytes {2 * _begin:,} to "
        f"{2 * _end - 1:,} of the tokens: {', '.join(map(str, found[:5]))}, ... ({' '.join(words[one] for one in found[:5])} ...)."
    )
    return (found,)


@app.cell
def _(documents, found, on_disk, tokens, words):
    assert np.array_equal(found, tokens[137]) and found[-1] == len(words)
    assert documents[137].text.split()[:5] == [words[one] for one in found[:5]]
    assert len(on_disk[TOKENS]) == 2 * 200 * 101 and len(on_disk[OFFSETS]) == 8 * 201
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far must one read?

    Training takes documents in a drawn order. Records that stand one after the other, each with its length, are found by going through
    all that stand before. So such corpora are cut into many files, and only *files* are drawn. Choose how large one is:
    """)
    return


@app.cell
def _():
    _choices = {"10,000": 10, "35,000": 35, "70,000": 70, "everything": 1_000}
    thousands = mo.ui.dropdown(_choices, value="35,000", label="characters a file")
    thousands
    return (thousands,)


@app.cell
def _(documents, thousands):
    def ends(path):
        """For each document of a file: the bytes from the beginning of the file to the document's end."""
        if path.suffix == ".tfrecord":
            return np.cumsum([len(record) + 16 for record in tfrecord.read_records(path)]).tolist()
        if path.suffix == ".jsonl":
            return np.cumsum([len(line) for line in path.read_bytes().splitlines(keepends=True)]).tolist()
        if path.suffix == ".tar":
            with tarfile.open(path) as archive:
                return [one.offset_data + one.size for one in archive if one.name.endswith(".txt")]
        return [path.stat().st_size for _ in exchange.read(path)]  # rows are packed in groups: here a file is one

    reach, sizes = {}, {}
    with tempfile.TemporaryDirectory() as _here:
        for _form in exchange.ENDINGS:
            _folder = Path(_here, _form)
            made_files = exchange.export(documents, _folder, _form, 1_000 * thousands.value)["files"]
            reach[_form] = [end for name in made_files for end in ends(_folder / name)]
            sizes[_form] = sum((_folder / name).stat().st_size for name in made_files)
    plots.lines(
        range(len(documents)),
        reach | {"token shards": [16 + 2 * 101] * len(documents)},
        x="document",
        y="bytes to read for it alone",
        log_y=True,
        title=f"In {len(made_files)} files: {np.mean(reach['webdataset']) / 1e3:,.0f} kB of a tar on average, {16 + 2 * 101} bytes of token shards",
    )
    return ends, made_files, reach, sizes


@app.cell
def _(documents, made_files, reach, thousands):
    assert all(len(far) == len(documents) for far in reach.values())
    assert min(map(min, reach.values())) > 16 + 2 * 101, "no other is as near"
    assert (len(made_files) == 1) == (thousands.value == 1_000)
    if len(made_files) == 1:
        assert all(np.diff(reach["jsonl"]) > 0), "the later, the farther"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Who wants any document quickly keeps an index: that is what the offsets are. Small files bring a reader nearer too, but a million of them is
    hard on a store, where each costs a request.

    ## What it weighs

    Token shards hold only ids, and cannot be read without the tokenizer. The others hold the text, its name and source.
    A tar gives every file a head of 512 bytes and fills it up to the next 512, and a document is two files.
    """)
    return


@app.cell
def _(documents, on_disk, sizes):
    characters = sum(len(one.text) for one in documents)
    weights = {"token shards": sum(map(len, on_disk.values()))} | sizes
    plots.value_bars(
        {"bytes": {form: weight / len(documents) for form, weight in weights.items()}},
        y="bytes a document",
        levels={"its text": characters / len(documents)},
        title=f"A tar is {sizes['webdataset'] / characters:.1f} times the text",
    )
    return characters, weights


@app.cell
def _(characters, documents, sizes, weights):
    _blocks = sum(512 + -(-len(one.text) // 512) * 512 + 1_024 for one in documents)
    assert _blocks <= sizes["webdataset"], "two heads, the text up to a block, and a block of JSON"
    assert max(sizes["parquet"], weights["token shards"]) < characters < sizes["jsonl"] < sizes["tfrecord"]
    assert sizes["tfrecord"] < sizes["webdataset"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Parquet is compressed, as the only one here; twelve words are easily packed, and other text is less so. A token of these shards has two
    bytes, and would fit in half of one: the width is that of a real vocabulary. And the more files, the more heads and ends.

    ## Damage

    Now one bit of a file is turned, and the file is read: 60 times, in the part that you choose. Either the reader *refuses*, or it reads
    something *wrong*, or the bit was in a place where it makes *no difference*. The token shards are read with and without their
    checksums.
    """)
    return


@app.cell
def _():
    part = mo.ui.dropdown(["anywhere", "first tenth", "middle", "last tenth"], value="anywhere", label="where")
    part
    return (part,)


@app.cell
def _(made, part, turned, write):
    def as_read(path):
        """What a reader of documents gives."""
        return [(one.id, one.text, one.source) for one in exchange.read(path)]

    def ids_read(path, verify=True):
        """The ids in token shards, by their checksums or without a look at them."""
        return np.array(Shards.open(path.parent, verify).tokens).tolist()

    def what_happens(path, read, bits):
        """How often a reader refuses, reads something else, or reads the same, with each bit turned in its turn."""
        whole, right = path.read_bytes(), read(path)
        counts = {"refused": 0, "wrong": 0, "no difference": 0}
        for place in bits:
            path.write_bytes(turned(whole, int(place * 8 * len(whole))))
            try:
                counts["no difference" if read(path) == right else "wrong"] += 1
            except GroundupError:
                counts["refused"] += 1
        path.write_bytes(whole)
        return counts

    _ranges = {"anywhere": (0, 1), "first tenth": (0, 0.1), "middle": (0.45, 0.55), "last tenth": (0.9, 1)}
    places = np.random.default_rng(0).uniform(*_ranges[part.value], 60).tolist()
    _few, _their_ids = made(30)
    outcomes = {}
    with tempfile.TemporaryDirectory() as _here:
        for _form, _ending in exchange.ENDINGS.items():
            exchange.export(_few, Path(_here, _form), _form)
            outcomes[_form] = what_happens(Path(_here, _form, f"00000{_ending}"), as_read, places)
        write(Path(_here, "tokens"), _their_ids)
        for _name, _verify in {"shards, mapped": False, "shards, checked": True}.items():
            outcomes[_name] = what_happens(Path(_here, "tokens", TOKENS), partial(ids_read, verify=_verify), places)
    _ends = ("refused", "wrong", "no difference")
    plots.value_bars(
        {end: {form: counts[end] for form, counts in outcomes.items()} for end in _ends},
        y="turned bits, of 60",
        title="Wrong is worse than refused",
    )
    return as_read, ids_read, outcomes, places, what_happens


@app.cell
def _(outcomes, part):
    assert outcomes["tfrecord"]["refused"] == outcomes["shards, checked"]["refused"] == 60
    assert outcomes["shards, mapped"]["wrong"] == 60, "every pattern of bits is some id"
    assert outcomes["jsonl"]["wrong"] > 20
    assert outcomes["parquet"]["wrong"] < 6 < 20 < outcomes["parquet"]["refused"], (
        "most of it is pages, which have checksums"
    )
    if part.value == "last tenth":
        assert outcomes["webdataset"]["no difference"] > 0, "zeros to the next block"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    - **TFRecord** watches every byte: a record's length and its data have a checksum each.
    - **Parquet** watches its pages, if the writer wrote sums and the reader asks for them (both are options, and on here). The heads of
      pages and the end of the file, which says where everything is, have none: there a bit may be refused, pass, or now and then mislead.
      In files as small as these the end is a large part.
    - **Tar** has a checksum for the heads only. The text changes silently, and what fills up a block may be anything.
    - **JSON lines** watch nothing: a letter becomes another one. Only what is no JSON or no UTF-8 any more is refused.
    - **Token shards** are bare numbers. What watches them is the SHA-256 in `index.json`.

    ## One list for all

    So that it does not depend on the format, an exported folder has a `checksums.json`. Every format again, with 20 bits turned:
    """)
    return


@app.cell
def _(made, turned):
    def noticed(folder, path, bits):
        """How many turned bits the folder's list notices."""
        whole, count = path.read_bytes(), 0
        for place in bits:
            path.write_bytes(turned(whole, int(place * 8 * len(whole))))
            try:
                files.verify_checksums(folder)
            except GroundupError:
                count += 1
        path.write_bytes(whole)
        return count

    by_list = {}
    with tempfile.TemporaryDirectory() as _here:
        for _form, _ending in exchange.ENDINGS.items():
            exchange.export(made(30)[0], Path(_here, _form), _form)
            _bits = np.random.default_rng(1).uniform(0, 1, 20).tolist()
            by_list[_form] = noticed(Path(_here, _form), Path(_here, _form, f"00000{_ending}"), _bits)
    mo.md("Noticed, of 20:\n\n" + "\n".join(f"- {form}: {count}" for form, count in by_list.items()))
    return by_list, noticed


@app.cell
def _(by_list):
    assert set(by_list.values()) == {20}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Not every damage needs a checksum

    Checking reads every byte, about a second a gigabyte. What is cheap is always looked at: that files are there and have the size
    that the index promises, and that the offsets never go back. Here four damages, read without the checksums:
    """)
    return


@app.cell
def _(on_disk):
    _wide = np.frombuffer(on_disk[TOKENS], np.uint16).astype(np.uint32).tobytes()
    _swapped = np.frombuffer(on_disk[OFFSETS], np.int64)[[0, 2, 1, *range(3, 201)]].tobytes()
    damages = {
        "the end is cut off": {TOKENS: on_disk[TOKENS][:-512]},
        "ids of another width": {TOKENS: _wide},
        "two offsets changed places": {OFFSETS: _swapped},
        "two bytes changed places": {TOKENS: on_disk[TOKENS][1::-1] + on_disk[TOKENS][2:]},
    }
    said = {}
    for _name, _changed in damages.items():
        with tempfile.TemporaryDirectory() as _here:
            for _file, _data in (on_disk | _changed).items():
                Path(_here, _file).write_bytes(_data)
            try:
                Shards.open(_here, verify=False)
                said = said | {_name: "nothing"}
            except GroundupError as error:
                said = said | {_name: str(error).replace(f"{_here}/", "").partition(";")[0]}
    mo.md("| damage | what is said |\n|---|---|\n" + "\n".join(f"| {name} | {what} |" for name, what in said.items()))
    return damages, said


@app.cell
def _(on_disk, said):
    assert "40400" in said["ids of another width"] and "39888" in said["the end is cut off"]
    assert "does not fit" in said["two offsets changed places"] and said["two bytes changed places"] == "nothing"
    assert INDEX in on_disk and on_disk[TOKENS][0] != on_disk[TOKENS][1], "which is damage indeed: another first token"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A sum of 32 bits (TFRecord, Parquet) misses no single bit, and larger damage once in four thousand million times. With 256 bits nobody
    can even make a file on purpose that has the sum of another. But what was damaged before its sum was taken looks right for ever.

    ## Try

    - Turn bits in the last tenth: which formats end in something that nobody reads, and which in what everything hangs on?
    - One file of everything: how far is the last document of a tar? And of token shards?
    - Export a corpus: `groundup data export FOLDER --format webdataset --out tars`, turn a byte of it, and read it in again.

    Write the checksum of a record yourself: `groundup learn start crc32c_reference`
    """)
    return


if __name__ == "__main__":
    app.run()
