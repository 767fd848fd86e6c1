"""Lesson: how byte-level BPE becomes fast: a cache of pieces, words compared as numbers, a heap for long ones."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Fast encoding: never merge the same word twice", width="medium")

with app.setup:
    import time
    from collections import Counter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.bpe import encode_piece
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.byte_level_encoding import Encoder, pair_table
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.splitting import split


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Fast encoding: never merge the same word twice

    The definition of BPE looks at every pair of a word again for every merge. The encoder gives the same ids some hundred times as
    fast. Afterwards you know the three ideas behind that: remember pieces, compare them as numbers, and use a heap where a piece is long.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 400)]
    tokenizer = train_tokenizer(stories, TokenizerConfig(vocab_size=1024))
    pieces = [piece for story in stories for piece in split(story)]
    repeated = 1 - len(set(pieces)) / len(pieces)
    mo.md(f"Of the {len(pieces):,} pieces of 400 stories **{repeated:.1%}** were met before. Why merge them again?")
    return pieces, repeated, stories, tokenizer


@app.cell
def _(pieces, repeated):
    assert repeated > 0.9
    assert len(pieces) > 10_000
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The work of one piece

    `bpe.encode_piece` joins the pair of lowest rank until none is left: a piece of ten bytes looks at 9 pairs, then 8, then 7. Here is
    how many looks the different pieces of the stories need, without and with remembering.
    """)
    return


@app.cell
def _(pieces, tokenizer):
    ranks = {pair: rank for rank, pair in enumerate(tokenizer.merges)}
    _looks = {piece: sum(range(len(encode_piece(piece.encode(), ranks)), len(piece.encode()))) for piece in set(pieces)}
    looks = {"each time": sum(_looks[piece] for piece in pieces), "remembered": sum(_looks.values())}
    plots.value_bars(
        {"pairs looked at": looks}, y="pairs looked at", title="The same stories, merged each time or remembered"
    )
    return looks, ranks


@app.cell
def _(looks):
    assert looks["each time"] > 10 * looks["remembered"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How large must the memory be

    A cache is bounded, or a long text would fill the machine. Few pieces make up most of a text, so a small one does most of the work.
    The control sets how many of the most frequent pieces are remembered.
    """)
    return


@app.cell
def _():
    held = mo.ui.slider(10, 400, step=10, value=50, label="pieces remembered", show_value=True)
    held
    return (held,)


@app.cell
def _(pieces):
    common = [times for _, times in Counter(pieces).most_common()]
    hits = np.cumsum(common) / len(pieces)
    return common, hits


@app.cell
def _(held, hits):
    plots.lines(
        list(range(1, 401)),
        {"answered from memory": hits[:400].tolist()},
        x="pieces remembered",
        y="share of all pieces",
        title=f"{held.value} pieces answer {hits[held.value - 1]:.0%} of the text",
    )
    return


@app.cell
def _(held, hits):
    assert hits[held.value - 1] > hits[held.value // 2 - 1], "more memory, more answers"
    assert hits[49] > 0.5, "fifty pieces are half of the stories"
    assert hits[399] - hits[199] < hits[199] - hits[0], "and each further one gains less"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A piece as two numbers

    Python finds a piece by hashing a string. The kernel reads a piece of up to 15 bytes as two 64-bit numbers, its length on top of the
    second, and finds it by one multiplication and two comparisons. Two pieces are equal exactly when both numbers are.
    """)
    return


@app.cell
def _():
    def as_numbers(piece: bytes) -> tuple[int, int]:
        """The key that the cache uses."""
        return int.from_bytes(piece[:8], "little"), int.from_bytes(piece[8:15], "little") | len(piece) << 56

    _rows = [
        f"| `{piece.decode()!r}` | {as_numbers(piece)[0]:016x} | {as_numbers(piece)[1]:016x} |"
        for piece in (b"a", b"a\x00", b" together", b" altogether")
    ]
    mo.md("| piece | first 8 bytes | the rest, length on top |\n|---|---|---|\n" + "\n".join(_rows))
    return (as_numbers,)


@app.cell
def _(as_numbers, pieces):
    _short = {piece.encode() for piece in pieces if len(piece.encode()) < 16}
    assert len({as_numbers(piece) for piece in _short}) == len(_short)
    assert as_numbers(b"a") != as_numbers(b"a\x00"), "the length tells a zero byte from no byte"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The kernel and the definition

    The tables are built from the tokenizer's merges. The ids must be those of the definition, with an empty cache and with a full one.
    """)
    return


@app.cell
def _(ranks, stories, tokenizer):
    _ids = tokenizer.vocabulary
    _sides = [np.array([_ids[pair[side]] for pair in tokenizer.merges]) for side in (0, 1)]
    _merged = np.array([_ids[left + right] for left, right in tokenizer.merges])
    encoder = Encoder(np.array([_ids[bytes([byte])] for byte in range(256)], np.int32), pair_table(*_sides, _merged), 0)
    text = "".join(stories)
    _times = []
    for _ in range(3):
        _started = time.perf_counter()
        found = encoder.encode_text(text.encode())
        _times.append(time.perf_counter() - _started)
    _started = time.perf_counter()
    slow = [_ids[token] for piece in split(text) for token in encode_piece(piece.encode(), ranks)]
    _slow = time.perf_counter() - _started
    mo.md(
        f"The definition took {_slow * 1e3:.0f} ms, the kernel {min(_times) * 1e3:.1f} ms: {_slow / min(_times):,.0f} times as fast here."
    )
    return encoder, found, slow, text


@app.cell
def _(found, slow, text, tokenizer):
    assert found == slow
    assert tokenizer.decode(found) == text
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Long pieces

    A line of a million dashes is one piece, and looking for the best pair each time takes a million times a million looks. From 48
    symbols on, the pairs wait in a heap, so the best one is on top: the work grows almost as the length does.
    """)
    return


@app.cell
def _(encoder):
    lengths = [1000, 4000, 16_000, 64_000]
    _work = []
    for _length in lengths:
        _text = b"the" * (_length // 3)
        _taken = []
        for _ in range(3):
            _started = time.perf_counter()
            encoder.encode_text(_text)
            _taken.append(time.perf_counter() - _started)
        _work.append(min(_taken) * 1e3)
    _growth = _work[-1] / _work[0]
    assert _growth < 0.3 * (lengths[-1] / lengths[0]) ** 2, "a heap is no square"
    plots.lines(
        lengths,
        {"heap": _work, "as the square": [_work[0] * (length / 1000) ** 2 for length in lengths]},
        x="letters of one piece",
        y="milliseconds",
        log_x=True,
        log_y=True,
        title="Sixty-four times as long is nowhere near 4,096 times the work",
    )
    return (lengths,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Remember 10 pieces, then 400: which pieces are the first ten?
    - Give `as_numbers` two pieces that differ in their last byte alone.
    - Encode `text` in two halves: why may the ids at the seam differ?

    Write it yourself: `groundup learn start encode_piece`
    """)
    return


if __name__ == "__main__":
    app.run()
