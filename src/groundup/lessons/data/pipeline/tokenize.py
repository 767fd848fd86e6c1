"""Lesson: a corpus becomes one row of numbers on disk, with an end after every document and a place to find each again."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Token shards: a corpus as one row of numbers", width="medium")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.tokenize import batches, close_documents, tokenize
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Token shards: a corpus as one row of numbers

    Text is turned into ids once, before training, and not again at every step. What is on the disk then is one long row of small numbers, and a list of
    places where documents begin. Afterwards you can read such a file with three lines of NumPy, and say what each part of it is for.
    """)
    return


@app.cell
def _():
    texts = [one.text for one in tinyworld.sample(0, 400, "train")]
    tokenizer = train_tokenizer(texts, TokenizerConfig(vocab_size=1024))
    with tempfile.TemporaryDirectory() as _folder:
        _made = tokenize(texts, tokenizer, Path(_folder) / "shards")
        shards = Shards(np.array(_made.tokens), _made.offsets, None, _made.start_id, _made.text_bytes)
        sizes = {path.name: path.stat().st_size for path in sorted((Path(_folder) / "shards").iterdir())}
    mo.md(
        f"{len(texts)} stories, {shards.text_bytes:,} bytes of text, became {shards.num_tokens:,} ids of two bytes: "
        f"**{sizes['tokens.bin'] / shards.text_bytes:.2f}** bytes a byte of text."
    )
    return shards, sizes, texts, tokenizer


@app.cell
def _(shards, sizes):
    assert sizes["tokens.bin"] == 2 * shards.num_tokens
    assert sizes["tokens.bin"] < shards.text_bytes
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four files

    | file | what | why |
    |---|---|---|
    | `tokens.bin` | ids of all documents in a row | a training batch is a slice of it; the system's page cache keeps what is hot |
    | `offsets.bin` | where each document begins, and the end | no document need be searched |
    | `index.json` | counts, the number format, checksums | a file that is cut off is found before the first step |
    | `loss_mask.bin` | only for chats: which tokens are learned | the user's words are read, not learned |

    Ids take two bytes while the vocabulary has at most 65,536 tokens. One token more, and every id takes four.
    """)
    return


@app.cell
def _(shards, texts, tokenizer):
    ids = shards.tokens[shards.offsets[3] : shards.offsets[4]]
    back = tokenizer.decode(ids[:-1].tolist())
    mo.md(f"Document 3 has {len(ids)} ids, {ids[:5].tolist()} ... {ids[-2:].tolist()}:\n\n> {back[:120]} ...")
    return back, ids


@app.cell
def _(back, ids, texts, tokenizer):
    assert back == texts[3]
    assert ids[-1] == tokenizer.eos_token_id
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The end is a token

    The last id is the end-of-text token. Without it a model would never learn to stop: it would have seen texts that go on into other texts. Put by hand
    after three documents, the second one empty, and the offsets moved along:
    """)
    return


@app.cell
def _():
    row, starts = np.array([5, 6, 7]), np.array([0, 2, 2, 3])
    closed, moved = close_documents(row, starts, 0)
    mo.md(f"ids `{row.tolist()}` → `{closed.tolist()}`, offsets `{starts.tolist()}` → `{moved.tolist()}`")
    return closed, moved, row, starts


@app.cell
def _(closed, moved):
    assert closed.tolist() == [5, 6, 0, 0, 7, 0] and moved.tolist() == [0, 3, 4, 6]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A text cannot end another

    What if a document holds the *spelling* of the end token, as this lesson's source would? It stays text: the tokenizer of a corpus turns only its
    own end into the control token.
    """)
    return


@app.cell
def _(tokenizer):
    end = tokenizer.decode([tokenizer.eos_token_id], skip_special_tokens=False)
    typed = tokenizer.encode_packed([f"before {end} after"])[0].tolist()
    _among = "one" if tokenizer.eos_token_id in typed else "not one"
    mo.md(
        f"`{end}` typed into a text becomes {len(typed)} ids, and the end, {tokenizer.eos_token_id}, is {_among} of them."
    )
    return end, typed


@app.cell
def _(end, tokenizer, typed):
    assert tokenizer.eos_token_id not in typed
    assert tokenizer.decode(typed) == f"before {end} after"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In parts

    A corpus does not fit into memory. Documents are taken together until a part has so many characters, all its texts are encoded at once by every
    thread, and the part is appended to the files. A part is never cut inside of a document, so the result does not depend on its size.
    """)
    return


@app.cell
def _():
    size = mo.ui.slider(1, 40, step=3, value=10, label="thousand characters in a part", show_value=True)
    size
    return (size,)


@app.cell
def _(size, texts):
    parts = list(batches(texts, 1000 * size.value))
    held = {number: sum(map(len, part)) for number, part in enumerate(parts)}
    plots.value_bars({"characters": held}, x="part", y="characters", title=f"{len(parts)} parts")
    return held, parts


@app.cell
def _(held, parts, size, texts):
    assert [text for part in parts for text in part] == texts
    longest = max(map(len, texts))
    assert max(held.values()) < 1000 * size.value + longest, "a part ends with the document that fills it"
    return (longest,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a vocabulary costs on disk

    More tokens in the vocabulary make fewer ids, each of which takes more bits. In the plain format a step comes at 65,537 tokens: the ids get twice as wide.
    """)
    return


@app.cell
def _(texts):
    vocabularies = [300, 400, 600, 800, 1024]
    bytes_each = []
    for _size in vocabularies:
        _made = train_tokenizer(texts, TokenizerConfig(vocab_size=_size))
        _ids, _ = _made.encode_packed(texts)
        bytes_each.append(2 * len(_ids) / sum(len(text.encode()) for text in texts))
    plots.lines(
        vocabularies,
        {"two bytes an id": np.array(bytes_each), "the text itself": np.ones(len(bytes_each))},
        x="tokens in the vocabulary",
        y="bytes on disk a byte of text",
        marked=True,
        title="The row is shorter than its text from a few hundred merges on",
    )
    return bytes_each, vocabularies


@app.cell
def _(bytes_each):
    assert all(np.diff(bytes_each) < 0) and bytes_each[-1] < 1 < bytes_each[0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - With `tokens` and `offsets`, draw the lengths of all documents. Which length would fill a row of 256 badly?
    - Flip one byte of `tokens.bin` and open the folder with `Shards.open`. Who finds it?
    - Give `tokenize` texts in another order. Which files change, and does their sum?

    Write it yourself: `groundup learn start close_documents`
    """)
    return


if __name__ == "__main__":
    app.run()
