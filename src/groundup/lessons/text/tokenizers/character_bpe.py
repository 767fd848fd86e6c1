"""Lesson: BPE over characters, and what happens to a character that is in no vocabulary."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="BPE over characters: what becomes of 猫?", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.text.tokenizers.bpe import encode_piece, train_bpe
    from groundup.text.tokenizers.character_bpe import CharacterBPE, merge_lowest, merges_of, spell_characters
    from groundup.text.tokenizers.character_bpe_training import train_character_bpe
    from groundup.text.tokenizers.sentencepiece_training import count_marked_words


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # BPE over characters: what becomes of 猫?

    Llama 2 writes almost every language with 32,000 pieces, and Chinese alone has more characters than that. Its
    tokenizer merges characters, not bytes, so most characters are in no vocabulary. Afterwards you know the three ways out,
    and how a list of scores becomes a list of merges.
    """)
    return


@app.cell
def _():
    scores = {
        piece: float(-rank) for rank, piece in enumerate(["▁t", "▁c", "at", "▁cat", "ca", "▁the", "he", "▁th", "ts"])
    }
    scores |= {letter: -100.0 - place for place, letter in enumerate("▁acehst")}
    merges, ranks = merges_of(scores)
    mo.md(
        f"This vocabulary has {len(scores)} pieces and no list of merges. Any two neighbours that together are a piece merge: "
        f"that makes **{len(merges)}** merges for 9 longer pieces."
    )
    return merges, ranks, scores


@app.cell
def _(merges, ranks, scores):
    assert len(merges) == 10 > 9 == sum(len(piece) > 1 for piece in scores)
    assert ranks == sorted(ranks) and all(left + right in scores for left, right in merges)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Scores instead of merges

    A SentencePiece file holds pieces and scores. The better score merges first, and where scores are equal the pair further
    left. `▁the` can come from `▁t` + `he` or from `▁th` + `e`: two merges with one rank, and whichever halves are there first
    are used.
    """)
    return


@app.cell
def _(merges, ranks):
    _rows = [
        f"| {rank} | `{left}` + `{right}` | `{left + right}` |"
        for (left, right), rank in zip(merges, ranks, strict=True)
    ]
    mo.md("| rank | joins | to |\n|---|---|---|\n" + "\n".join(_rows))
    return


@app.cell
def _():
    steps = mo.ui.slider(0, 6, value=0, label="merges made", show_value=True)
    steps
    return (steps,)


@app.cell
def _(merges, ranks, steps):
    table = {pair: (rank, pair[0] + pair[1]) for pair, rank in zip(merges, ranks, strict=True)}
    symbols = list("▁the▁cats")
    for _ in range(steps.value):
        _found = [table.get(pair, (99, ""))[0] for pair in zip(symbols, symbols[1:], strict=False)]
        _place = _found.index(min(_found))
        if _found[_place] < 99:
            _new = table[symbols[_place], symbols[_place + 1]][1]
            symbols = [*symbols[:_place], _new, *symbols[_place + 2 :]]
    plots.value_bars(
        {"characters": {f"{i + 1}: {symbol}": len(symbol) for i, symbol in enumerate(symbols)}},
        y="characters",
        title="  ".join(symbols),
    )
    return symbols, table


@app.cell
def _(steps, symbols, table):
    assert "".join(symbols) == "▁the▁cats", "merging loses nothing"
    assert len(symbols) == 9 - min(steps.value, 9 - len(merge_lowest("▁the▁cats", table)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three ways out

    A character that is no piece becomes an unknown piece; with *fuse* a whole run of them is one; with *byte fallback* it is
    written in its UTF-8 bytes, 256 pieces that are always there. Only the last can be read back.
    """)
    return


@app.cell
def _():
    way = mo.ui.radio(["unknown", "fused", "bytes"], value="unknown", label="way out", inline=True)
    way
    return (way,)


@app.cell
def _():
    word = mo.ui.dropdown(["▁cat", "▁猫", "▁cát", "▁😀😀", "▁the猫s"], value="▁猫", label="word")
    word
    return (word,)


@app.cell
def _(merges, ranks, scores, way, word):
    _bytes = [f"<0x{byte:02X}>" for byte in range(256)] if way.value == "bytes" else []
    vocabulary = {piece: id for id, piece in enumerate(["<unk>", *scores, *_bytes])}
    model = CharacterBPE(
        vocabulary,
        merges,
        ranks=ranks,
        unk_token="<unk>",
        fuse_unk=way.value == "fused",
        byte_fallback=way.value == "bytes",
    )
    ids = model.encode_piece(word.value)
    names = {id: piece for piece, id in vocabulary.items()}
    mo.md(f"`{word.value}` is **{len(ids)}** tokens: " + " ".join(f"`{names[id]}`" for id in ids))
    return ids, model, names, vocabulary


@app.cell
def _(ids, model, names, scores, vocabulary, way, word):
    _lost = sum(names[id] == "<unk>" for id in ids)
    _strange = [letter for letter in word.value if letter not in scores]
    assert _lost == (0 if way.value == "bytes" else min(1, len(_strange)) if way.value == "fused" else len(_strange))
    assert model.spell(word.value) == spell_characters(
        word.value, vocabulary, "<unk>", way.value == "fused", way.value == "bytes"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs

    A byte a token: a Chinese character costs three tokens, an emoji four, and the model has to learn to put them together.
    With `<unk>` it costs one, and the character is gone for good.
    """)
    return


@app.cell
def _(scores):
    _known = dict.fromkeys([*scores, *(f"<0x{byte:02X}>" for byte in range(256))], 0)
    costs = {one: len(spell_characters(one, _known, "<unk>", fallback=True)) for one in ["c", "é", "猫", "😀", "👩‍👧"]}
    plots.value_bars({"tokens": costs}, y="tokens", title="What one sign costs in bytes")
    return (costs,)


@app.cell
def _(costs):
    assert list(costs.values()) == [1, 2, 3, 4, 11], "the family is two emoji and a joiner: 4 + 3 + 4"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the scores come from

    Training is that of byte pair encoding: the most frequent pair of neighbours becomes a piece, again and again. The first
    piece gets the score 0, the second -1, and so on; the single characters come last. The only difference is what a word
    is at first, and it shows where a letter has more than one byte: over bytes the first merges have to put the letters
    together, and some join half of one to the next.
    """)
    return


@app.cell
def _():
    language = mo.ui.dropdown(["English", "Russian", "Hindi"], value="Russian", label="text")
    language
    return (language,)


@app.cell
def _(language):
    _texts = {
        "English": "the cat sees the dog and the dog sees the cat in the old garden of the old house",
        "Russian": "кот видит собаку и собака видит кота в старом саду у старого дома где кот и собака",
        "Hindi": "बिल्ली कुत्ते को देखती है और कुत्ता बिल्ली को देखता है पुराने घर के पुराने बाग में",
    }
    _counted = count_marked_words(["▁" + _texts[language.value].replace(" ", "▁")])
    counts = {word.removeprefix("▁"): times for word, times in _counted.items()}  # ▁ itself is three bytes
    over_bytes = train_bpe({word.encode(): times for word, times in counts.items()}, 40)
    over_characters = train_character_bpe(counts, 40)
    _made = [(left + right).decode(errors="replace") for left, right in over_bytes[:20]]
    letters = sum(len(piece) == 1 or "\ufffd" in piece for piece in _made)
    mo.md(
        f"{language.value}: of the first 20 pieces over bytes, **{letters}** are one letter or hold a torn one; over "
        f"characters none is. The pieces: " + " ".join(f"`{piece}`" for piece in _made)
    )
    return counts, letters, over_bytes, over_characters


@app.cell
def _(counts, over_bytes, over_characters):
    def _tokens(number):
        byte_ranks = {pair: rank for rank, pair in enumerate(over_bytes[:number])}
        ranks = {pair: (rank, pair[0] + pair[1]) for rank, pair in enumerate(over_characters[:number])}
        return (
            sum(times * len(encode_piece(word.encode(), byte_ranks)) for word, times in counts.items()),
            sum(times * len(merge_lowest(word, ranks)) for word, times in counts.items()),
        )

    _numbers = range(0, 41, 4)
    lengths = dict(zip(("over bytes", "over characters"), zip(*map(_tokens, _numbers), strict=True), strict=True))
    plots.lines(
        list(_numbers), lengths, x="merges learned", y="tokens", marked=True, title="The same text after so many merges"
    )
    return (lengths,)


@app.cell
def _(language, lengths, letters):
    _bytes, _characters = lengths["over bytes"], lengths["over characters"]
    if language.value == "English":
        assert _bytes == _characters and letters == 0, "where a letter is a byte the two are one"
    else:
        assert letters >= 10 and _bytes[0] > 1.8 * _characters[0]
        assert all(more > fewer for more, fewer in zip(_bytes[:5], _characters[:5], strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The price stands at the other end: over characters the alphabet is part of the vocabulary, and all of it. 256 bytes are
    enough for every script; SentencePiece keeps the characters that together make 99.95 % of a text (`character_coverage`)
    and leaves the rest to bytes.

    `groundup tokenizer train --model sentencepiece-bpe --byte-fallback --text PATH` trains one and writes it as tokenizer.json
    and as tokenizer.model.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Give `ts` the best score: `▁cats` is cut in another way. Which piece can no longer be reached?
    - Take *bytes* and `▁the猫s`: `s` is merged with nothing. Why not with `猫`?
    - Choose *English* and then *Hindi*: the two curves lie on each other, and then far apart. How many bytes has a letter?
    - If you have a Llama 2 at hand: `read_model("tokenizer.model").encode("猫")` shows which characters its 32,000 pieces lack.

    Write it yourself: `groundup learn start spell_characters`
    """)
    return


if __name__ == "__main__":
    app.run()
