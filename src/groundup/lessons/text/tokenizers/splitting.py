"""Lesson: where a text is cut before any merge, five published rules side by side, and how 64 bytes are cut at once."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Splitting: no token crosses these edges", width="medium")

with app.setup:
    import random
    import time

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.byte_level_splitting import PADDING, split_batches
    from groundup.text.tokenizers.splitting import PATTERNS, STYLES, kind_of, split, split_gpt2
    from groundup.text.tokenizers.unicode_classes import class_table


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Splitting: no token crosses these edges

    Before a tokenizer merges anything, it cuts the text into pieces, and no token ever reaches over a cut. Afterwards you can cut a
    text by hand, you know in what GPT-2, GPT-4 and GPT-4o differ, and you have seen 64 bytes cut with a few additions.
    """)
    return


@app.cell
def _():
    line = "The cat didn't pay $1234567 for htmlParser.\n\n    Why?"
    counts = {name: len(split(line, name)) for name in PATTERNS}
    mo.md(
        f"One line of text is **{counts['gpt2']}** pieces to GPT-2 and **{counts['qwen2']}** to Qwen 2, before either has looked at "
        "its vocabulary. Where do they disagree?"
    )
    return counts, line


@app.cell
def _(counts, line):
    assert counts["gpt2"] != counts["qwen2"]
    assert all("".join(split(line, name)) == line for name in PATTERNS), "the pieces joined are the text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Five rules, one text

    Move the control through the patterns. Look at the digits (one by one, by three, or all), at `didn't`, at the capital inside
    `htmlParser`, and at the white space: its last blank goes with the word behind it.
    """)
    return


@app.cell
def _():
    pattern = mo.ui.dropdown(list(PATTERNS), value="gpt2", label="pattern")
    pattern
    return (pattern,)


@app.cell
def _(line, pattern):
    plots.value_bars(
        {"characters": {f"{number}: {piece!r}": len(piece) for number, piece in enumerate(split(line, pattern.value))}},
        y="characters",
        title=f"The pieces of the line by {pattern.value}",
    )
    return


@app.cell
def _(line, pattern):
    _pieces = split(line, pattern.value)
    assert "".join(_pieces) == line
    assert max(len(piece) for piece in _pieces if piece.strip().isdigit()) == {"qwen2": 1, "gpt2": 7}.get(
        pattern.value, 3
    )
    assert (" htmlParser" in _pieces) == (pattern.value != "o200k"), (
        "o200k alone cuts before a capital that follows small letters"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    GPT-2's rule needs no regular expression. Every character is a letter, a number, a space or something else; a run of one kind is a
    piece, one blank before it joins it, and a run of spaces leaves its last one behind. Contractions come first.
    """)
    return


@app.cell
def _():
    small = "It's 12  o'clock!"
    _rows = [f"| `{character}` | {kind_of(character)} |" for character in small[:7]]
    mo.md("| character | kind |\n|---|---|\n" + "\n".join(_rows) + f"\n\nPieces: `{split_gpt2(small)}`")
    return (small,)


@app.cell
def _(small):
    assert split_gpt2(small) == ["It", "'s", " 12", " ", " o", "'", "clock", "!"]
    _choose = random.Random(5)
    for _ in range(200):
        _text = "".join(_choose.choices(" \n'sta1.é猫", k=12))
        assert split_gpt2(_text) == split(_text, "gpt2"), _text
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why cut at all

    Without cuts, training would learn `the.` and `the,` and `the!` as tokens of their own. The stories below hold far fewer
    different pieces than they hold pieces: this is also why a cache makes encoding fast.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 200)]
    _seen: set[str] = set()
    grown, distinct = [], []
    _total = 0
    for _story in stories:
        _pieces = split(_story)
        _total += len(_pieces)
        _seen.update(_pieces)
        grown.append(_total)
        distinct.append(len(_seen))
    plots.lines(
        grown,
        {"distinct pieces": distinct},
        x="pieces read",
        y="distinct pieces",
        title="A text repeats its pieces",
        log_x=True,
    )
    return distinct, grown, stories


@app.cell
def _(distinct, grown):
    assert distinct[-1] < grown[-1] / 5, "most pieces were seen before"
    assert distinct[-1] - distinct[len(distinct) // 2] < distinct[len(distinct) // 2], "and new ones become rarer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 64 bytes at once

    A byte at a time, a splitter reads some 200 MB a second. The fast one compares 64 bytes with the ends of a range in one vector
    instruction, which gives a 64-bit number: bit k says whether byte k is a letter. Then whole runs are found by shifts:
    `letters & ~(letters << 1)` are the bytes at which a run of letters begins. Each column below is a byte, each row a class.
    """)
    return


@app.cell
def _():
    block = b"It was 12 o'clock, and (as ever) nobody came to see the old cat.".ljust(64)
    _kinds = class_table()[np.frombuffer(block, np.uint8)] & 7
    masks = np.array([_kinds == 1, _kinds == 2, _kinds == 3, _kinds == 0])
    plots.heat_map(
        masks.astype(float),
        rows=["letter", "number", "space", "other"],
        columns=[chr(byte) + " " * k for k, byte in enumerate(block)],
        title="One bit a byte and class",
    )
    return block, masks


@app.cell
def _(masks):
    _letters = sum(1 << k for k, is_letter in enumerate(masks[0]) if is_letter)
    _begin = _letters & ~(_letters << 1)
    begins = [k for k in range(64) if _begin >> k & 1]
    assert masks.sum(axis=0).tolist() == [1] * 64, "every byte is of one class"
    mo.md(f"Runs of letters begin at the bytes {begins}: found with one shift, one complement and one `and`.")
    return (begins,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The kernel puts such masks together for all rules and gives the starts that no later byte can change. The last word of the block may
    go on behind it, so its end stays open: from the last certain start the next block begins.
    """)
    return


@app.cell
def _(block):
    _data = np.frombuffer(block * 1000 + bytes(PADDING), np.uint8)
    _started = time.perf_counter()
    _batches = [found.copy() for _, found in split_batches(_data, np.array([0, 64_000]), STYLES["cl100k"])]
    _taken = time.perf_counter() - _started
    ends = np.concatenate(_batches)
    mo.md(
        f"The kernel cut these 64 bytes a thousand times into {len(ends):,} pieces, {0.064 / _taken:,.0f} MB a second here."
    )
    return (ends,)


@app.cell
def _(block, ends):
    assert np.diff(ends, prepend=0).tolist() == [len(piece) for piece in split((block * 1000).decode(), "cl100k")]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Put an emoji or a word of your own language into `line`: which patterns cut it apart?
    - Which pattern keeps `'S` and which keeps only `'s`? Try a text in capitals.
    - Remove the blanks from the stories and look at the curve again.

    Write it yourself: `groundup learn start split_gpt2`
    """)
    return


if __name__ == "__main__":
    app.run()
