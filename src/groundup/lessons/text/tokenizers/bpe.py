"""Lesson: byte pair encoding, where the tokens of a language model come from."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="BPE: the alphabet that a text makes for itself", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.bpe import best_pair, count_pairs, encode_piece, merge_pair, train_bpe


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # BPE: the alphabet that a text makes for itself

    A model reads numbers, so text is cut into pieces that each have one. Letters are too many per text, words are too many
    in all. Byte pair encoding finds what lies between, from the counts alone. Afterwards you can train it by hand.
    """)
    return


@app.cell
def _():
    _text = " ".join(document.text for document in tinyworld.sample(0, 60))
    words = Counter(word.encode() for word in _text.split())
    merges = train_bpe(words, 200)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    before = sum(len(word) * times for word, times in words.items())
    after = sum(len(encode_piece(word, ranks)) * times for word, times in words.items())
    mo.md(
        f"60 little stories are {before:,} bytes. After 200 merges, learned in a second from nothing but counts, the same text "
        f"is {after:,} tokens: **{before / after:.1f}** bytes a token. What was merged?"
    )
    return after, before, merges, ranks, words


@app.cell
def _(after, before, merges):
    assert after < before / 2
    assert len(set(merges)) == 200, "no merge is learned twice"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four steps by hand

    Begin with single bytes. Count every pair of neighbours in every word, join the pair that occurs most, and count again.
    The words below are a textbook's: hug, pug, pun, bun and hugs.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(0, 6, value=0, label="merges made", show_value=True)
    steps
    return (steps,)


@app.cell
def _():
    few = {b"hug": 10, b"pug": 5, b"pun": 12, b"bun": 4, b"hugs": 5}
    return (few,)


@app.cell
def _(few, steps):
    spelled = {word: [bytes([byte]) for byte in word] for word in few}
    for _left, _right in train_bpe(few, steps.value):
        spelled = {word: merge_pair(symbols, (_left, _right)) for word, symbols in spelled.items()}
    pairs: Counter = Counter()
    for _word, _symbols in spelled.items():
        for _pair, _times in count_pairs(_symbols).items():
            pairs[_pair] += _times * few[_word]
    plots.value_bars(
        {"occurrences": {"+".join(part.decode() for part in pair): times for pair, times in pairs.most_common()}},
        y="occurrences",
        title=f"Pairs after {steps.value} merges: "
        + "  ".join("·".join(symbol.decode() for symbol in symbols) for symbols in spelled.values()),
    )
    return pairs, spelled


@app.cell
def _(few, pairs, spelled, steps):
    assert all(b"".join(symbols) == word for word, symbols in spelled.items()), "a merge joins, it changes no text"
    assert not pairs or best_pair(pairs) == train_bpe(few, steps.value + 1)[-1], "the tallest bar is merged next"
    assert train_bpe(few, 1) == [(b"u", b"g")], "20 times: 10 hug, 5 pug, 5 hugs"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the stories made of themselves

    The same on the stories. The first merges are the commonest letter pairs; later ones are syllables, then whole words.
    """)
    return


@app.cell
def _(merges):
    _rows = [
        f"| {rank + 1} | `{merges[rank][0].decode()}` + `{merges[rank][1].decode()}` | `{b''.join(merges[rank]).decode()}` |"
        for rank in (0, 1, 2, 3, 10, 30, 100, 199)
    ]
    mo.md("| merge | joins | to |\n|---|---|---|\n" + "\n".join(_rows))
    return


@app.cell
def _(ranks, words):
    sizes = [0, 5, 10, 20, 40, 80, 120, 160, 200]
    bytes_a_token = []
    for _size in sizes:
        _first = {pair: rank for pair, rank in ranks.items() if rank < _size}
        _tokens = sum(len(encode_piece(word, _first)) * times for word, times in words.items())
        bytes_a_token.append(sum(len(word) * times for word, times in words.items()) / _tokens)
    plots.lines(
        sizes, {"bytes a token": bytes_a_token}, x="merges", y="bytes a token", title="Every merge helps, each less"
    )
    return bytes_a_token, sizes


@app.cell
def _(bytes_a_token):
    _gains = [after - before for before, after in zip(bytes_a_token, bytes_a_token[1:], strict=False)]
    assert bytes_a_token[0] == 1.0 and min(_gains) > 0
    assert _gains[0] / 5 > 2 * _gains[-1] / 40, "the first merges gain more each than the last ones"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## New words

    A word that was never seen is cut by the same merges, in the order in which they were learned. It is never unknown: at
    worst it stays single bytes.
    """)
    return


@app.cell
def _():
    unseen = mo.ui.dropdown(["gardener", "unkindness", "hello", "zzyzx"], value="gardener", label="word")
    unseen
    return (unseen,)


@app.cell
def _(ranks, unseen):
    cut = encode_piece(unseen.value.encode(), ranks)
    mo.md(f"`{unseen.value}` is **{len(cut)}** tokens: " + " ".join(f"`{token.decode()}`" for token in cut))
    return (cut,)


@app.cell
def _(cut, ranks, unseen):
    assert b"".join(cut) == unseen.value.encode()
    assert len(encode_piece(b"\xf0\x9f\x90\x88", ranks)) == 4, "a cat's emoji was in no story: four bytes"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the slider step by step: before you do, say which bar will be merged.
    - Change the counts so that `pu` is merged first.
    - Sort the stories' words differently before training: the merges stay the same. Why? (Look at how a tie is decided.)

    Write it yourself: `groundup learn start train_bpe`, then `groundup learn start encode_piece`
    """)
    return


if __name__ == "__main__":
    app.run()
