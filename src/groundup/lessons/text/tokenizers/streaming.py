"""Lesson: how a text larger than memory is encoded: documents in batches, and where one document may be cut."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Streaming: encode more text than memory holds", width="medium")

with app.setup:
    import itertools
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.splitting import PATTERNS, split
    from groundup.text.tokenizers.streaming import documents, encode_stream, parts, safe_cut


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Streaming: encode more text than memory holds

    A corpus is larger than memory, and so are its ids. Afterwards you know how to encode it a batch at a time, why one cannot simply cut a text
    in two, and at which places one can.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 200)]
    tokenizer = train_tokenizer(stories, TokenizerConfig(vocab_size=600))
    text = "\n".join(stories)
    whole = tokenizer.encode(text)
    middle = [tokenizer.encode(text[:place]) + tokenizer.encode(text[place:]) != whole for place in range(1000, 2000)]
    mo.md(
        f"Cut the stories in two at any of 1,000 places: at **{sum(middle)}** of them the ids change. Where are the others?"
    )
    return middle, stories, text, tokenizer, whole


@app.cell
def _(middle, text, tokenizer, whole):
    assert tokenizer.decode(whole) == text
    assert sum(middle) > 500
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What goes wrong at a cut

    No token crosses the edge of a piece. A cut inside a piece makes two of one; a cut between two pieces may be harmless, but the rule for
    white space looks ahead: spaces at the end of a text are one piece, and the last of them would have gone with the next word.
    """)
    return


@app.cell
def _():
    line = "one  two, 12 three.\nFour  five"

    def changes(place: int) -> bool:
        """Whether a cut there gives other pieces."""
        return split(line[:place], "cl100k") + split(line[place:], "cl100k") != split(line, "cl100k")

    harm = [float(changes(place)) for place in range(1, len(line))]
    plots.value_bars(
        {
            "pieces change": {
                f"{place}: {line[place - 1 : place + 1]!r}": harm[place - 1] for place in range(1, len(line))
            }
        },
        y="1: the pieces change",
        title="A cut between these two characters",
    )
    return changes, harm, line


@app.cell
def _(changes, harm):
    assert changes(1), "inside a word"
    assert not all(harm), "some places do no harm"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Places that are always safe

    One rule for all patterns: before a blank with a letter on either side, or behind a newline with a visible character before it and a letter
    behind it. The control chooses where the text ends so far; the last safe place in it is where the stream would cut.
    """)
    return


@app.cell
def _():
    read = mo.ui.slider(20, 200, step=5, value=60, label="characters read", show_value=True)
    read
    return (read,)


@app.cell
def _(read, text):
    cut = safe_cut(text[: read.value])
    plots.value_bars(
        {"characters": {"encoded now": cut, "kept for the next batch": read.value - cut}},
        y="characters",
        title=f"... {text[max(cut - 20, 0) : cut]!r} | {text[cut : read.value]!r}",
    )
    return (cut,)


@app.cell
def _(cut, read, text):
    assert 0 < cut < read.value
    _part = text[: read.value]
    for _name in PATTERNS:
        assert split(_part[:cut], _name) + split(_part[cut:], _name) == split(_part, _name)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A file in parts

    `parts` reads a file block by block and cuts each at its last safe place; what is left waits for the next block. Joined, the parts are the
    file; encoded one after another, their ids are those of the whole.
    """)
    return


@app.cell
def _(text, tokenizer, whole):
    folder = Path(tempfile.mkdtemp())
    (folder / "one.txt").write_text(text * 40, encoding="utf-8")
    pieces = list(parts(folder / "one.txt"))
    found = np.concatenate([ids for ids, _ in encode_stream(tokenizer, pieces, batch_bytes=500_000)])
    mo.md(
        f"{len(text) * 40:,} characters came in {len(pieces)} parts of at most {max(map(len, pieces)):,}, and gave {len(found):,} ids."
    )
    return folder, found, pieces


@app.cell
def _(found, pieces, text, tokenizer):
    assert "".join(pieces) == text * 40
    assert found.tolist() == tokenizer.encode(text * 40)
    assert len(pieces) > 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many documents

    Usually a file is many documents with a mark between them, and each is encoded alone. They are packed into batches: all ids in one
    array, and beside it where each document begins.
    """)
    return


@app.cell
def _(folder, stories, tokenizer):
    (folder / "many.txt").write_text("<|endoftext|>".join(stories), encoding="utf-8")
    batches = list(encode_stream(tokenizer, documents(folder / "many.txt", "<|endoftext|>"), batch_bytes=10_000))
    sizes = [len(ids) for ids, _ in batches]
    plots.value_bars(
        {"ids": {f"batch {number + 1}": count for number, count in enumerate(sizes)}},
        y="ids",
        title="200 stories in batches of 10 kB",
    )
    return batches, sizes


@app.cell
def _(batches, stories, tokenizer):
    _rows = [ids[a:b].tolist() for ids, offsets in batches for a, b in itertools.pairwise(offsets.tolist())]
    assert _rows == [tokenizer.encode(story) for story in stories]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What memory holds

    A generator is asked for a text only when the last batch is done, so at any time there is one batch of text and one of ids, however long the
    file. Counting what has been read when the first batch comes out shows it.
    """)
    return


@app.cell
def _(stories, tokenizer):
    _asked: list[int] = []
    _stream = encode_stream(
        tokenizer, (_asked.append(number) or story for number, story in enumerate(stories)), batch_bytes=2000
    )
    next(_stream)
    taken = len(_asked)
    mo.md(f"When the first batch was there, {taken} of {len(stories)} stories had been read.")
    return (taken,)


@app.cell
def _(stories, taken):
    assert taken < len(stories) / 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Replace every blank of `line` by two: which cuts are left?
    - Let `parts` read a file of digits alone. What does it say, and why?
    - Change `batch_bytes` and look at the sizes of the batches.

    Write it yourself: `groundup learn start safe_cut`
    """)
    return


if __name__ == "__main__":
    app.run()
