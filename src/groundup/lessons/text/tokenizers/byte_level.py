"""Lesson: byte-level BPE, how 256 bytes spell every text, where a text is cut before any merge, and what a vocabulary buys."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Bytes: a tokenizer that is never at a loss", width="medium")

with app.setup:
    import inspect

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.errors import InputError
    from groundup.text.tokenizers import bpe
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer, train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.splitting import PATTERNS, split


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Bytes: a tokenizer that is never at a loss

    Unicode has some 150,000 characters, and people invent words every day. A tokenizer over bytes needs none of them
    and can still write all of them. Afterwards you know what its smallest pieces are, where a text is cut before anything is
    merged, and what a larger vocabulary buys and costs.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 300)]
    tokenizer = train_tokenizer(stories, TokenizerConfig(vocab_size=1024))
    thai = "ภาษาไทย"
    spelled = tokenizer.encode(thai)
    mo.md(
        f"This tokenizer was trained on English stories alone, and never saw a letter of Thai. It writes the {len(thai)} "
        f"characters of {thai} as **{len(spelled)}** tokens and gives back exactly {tokenizer.decode(spelled)}. "
        "Why is nothing unknown, and why does it cost three tokens a character?"
    )
    return spelled, stories, thai, tokenizer


@app.cell
def _(spelled, thai, tokenizer):
    assert tokenizer.decode(spelled) == thai
    assert len(spelled) == 3 * len(thai)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One character, one to four bytes

    A file is bytes. UTF-8 writes the letters of English as one byte each, and every other character as two, three or four.
    There are only 256 bytes, so a vocabulary that begins with all of them spells everything; what was frequent in the
    training text gets longer tokens on top.
    """)
    return


@app.cell
def _(tokenizer):
    _rows = [
        f"| {character} | `{' '.join(f'{byte:02x}' for byte in character.encode())}` | {len(tokenizer.encode(character))} |"
        for character in "aéไ猫🐈"
    ]
    mo.md("| character | its bytes | tokens here |\n|---|---|---|\n" + "\n".join(_rows))
    return


@app.cell
def _(tokenizer):
    for _text in ("", "a\r\n  b", "naïve café", "猫 and 🐈", "\x00\x7f", "'S not, 12,345.", "e\u0301 is not é"):
        assert tokenizer.decode(tokenizer.encode(_text)) == _text, "nothing is cleaned, nothing is added"
    assert all(bytes([byte]) in tokenizer.vocabulary for byte in range(256))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The price: a token may be a part of a character. Who shows tokens one by one as a model writes them has to wait until
    the character is whole.
    """)
    return


@app.cell
def _(tokenizer):
    cat = tokenizer.encode("🐈")
    growing = [tokenizer.decode(cat[:count]) for count in range(1, len(cat) + 1)]
    mo.md("The cat after each of its tokens: " + " → ".join(f"`{text}`" for text in growing))
    return cat, growing


@app.cell
def _(cat, growing, tokenizer):
    assert all("\ufffd" in text for text in growing[:-1]) and growing[-1] == "🐈"
    assert b"".join(tokenizer.token_bytes(id) for id in cat) == "🐈".encode(), "as bytes nothing is ever lost"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where a text is cut first

    Merges over whole texts would learn `dog.`, `dog,` and `dog?` as three words. So a pattern first cuts the text into
    pieces, and no token crosses a cut. A word keeps the space before it. The published patterns differ in small things that
    a model feels: digits, signs, capitals.
    """)
    return


@app.cell
def _():
    pattern = mo.ui.dropdown(list(PATTERNS), value="qwen2", label="pattern")
    pattern
    return (pattern,)


@app.cell
def _():
    samples = ["the old dog", "WE'RE", "1234567", "(value)", "a   b"]
    return (samples,)


@app.cell
def _(pattern, samples):
    plots.value_bars(
        {"pieces": {sample: len(split(sample, pattern.value)) for sample in samples}},
        y="pieces",
        title=f"Pieces before any merge: {pattern.value}",
    )
    return


@app.cell
def _(pattern, samples):
    mo.md(
        "A dot is a space.\n\n"
        + "\n".join(
            f"- `{sample}` → " + " ".join(f"`{piece.replace(' ', '·')}`" for piece in split(sample, pattern.value))
            for sample in samples
        )
    )
    return


@app.cell
def _(pattern, samples):
    assert all("".join(split(sample, pattern.value)) == sample for sample in samples), "a cut removes nothing"
    assert len(split("1234567", pattern.value)) == {"qwen2": 7, "gpt2": 1}.get(pattern.value, 3)
    assert len(split("WE'RE", pattern.value)) == {"gpt2": 3, "o200k": 1}.get(pattern.value, 2), (
        "GPT-2 knows only small letters"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a vocabulary buys

    The vocabulary is three control tokens, 256 bytes, and then one token a merge. Keep only the first merges and you have
    the smaller tokenizer. Its measure is bytes a token: how much text fits into a context, and how often a model has to run for
    it. Three texts, only one of them of the kind that it was trained on.
    """)
    return


@app.cell
def _(stories):
    largest = train_tokenizer(stories, TokenizerConfig(vocab_size=1536))
    texts = {
        "new stories": "\n".join(document.text for document in tinyworld.sample(1, 60, split="heldout")),
        "Python code": inspect.getsource(bpe),
        "German": "Wer eine fremde Sprache liest, bezahlt für jedes Wort mehr, als das Wörterbuch verspricht. " * 20,
    }

    def smaller(count):
        """The tokenizer with the first `count` ids of the largest."""
        kept = {token: id for token, id in largest.vocabulary.items() if id < count}
        merges = largest.merges[: count - 259]
        return ByteLevelTokenizer(kept, merges, special_tokens=largest.special_tokens)

    return largest, smaller, texts


@app.cell
def _():
    size = mo.ui.slider(steps=[259, 320, 512, 1024, 1536], value=512, label="vocabulary", show_value=True)
    size
    return (size,)


@app.cell
def _(size, smaller):
    chosen = smaller(size.value)
    sentence = " The gardener gave the old lantern to her neighbour."
    plots.value_bars(
        {
            "bytes": {
                f"{at} {chosen.decode([id]).replace(' ', '·')}": len(chosen.token_bytes(id))
                for at, id in enumerate(chosen.encode(sentence))
            }
        },
        y="bytes of the token",
        title=f"One sentence with {size.value} ids: {len(chosen.encode(sentence))} tokens",
    )
    return chosen, sentence


@app.cell
def _(chosen, sentence, size, stories):
    assert chosen.decode(chosen.encode(sentence)) == sentence
    assert len(chosen) == size.value
    assert (
        size.value == 1536 or chosen.merges == train_tokenizer(stories, TokenizerConfig(vocab_size=size.value)).merges
    ), "the first merges of a large vocabulary are the small one"
    return


@app.cell
def _(smaller, texts):
    sizes = [259, 320, 384, 512, 768, 1024, 1536]
    _tokenizers = [smaller(count) for count in sizes]
    compression = {
        name: [len(text.encode()) / len(one.encode(text)) for one in _tokenizers] for name, text in texts.items()
    }
    plots.lines(
        sizes,
        compression,
        x="vocabulary",
        y="bytes a token",
        log_x=True,
        marked=True,
        title="What was not in the training text gains little",
    )
    return compression, sizes


@app.cell
def _(compression):
    for _name, _values in compression.items():
        assert _values[0] == 1.0 and _values == sorted(_values), "a further merge never makes a text longer"
        assert _name == "new stories" or _values[-1] < 0.75 * compression["new stories"][-1]
    _stories = compression["new stories"]
    assert _stories[3] / _stories[0] > 1.5 * _stories[-1] / _stories[-3], "the last doubling buys less than the first"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A vocabulary is paid for in the model: each id is a row of the embedding and a logit to compute at every step. A model 256
    numbers wide spends 65,536 weights on every 256 further ids. Where the curve flattens, they are better spent elsewhere.
    """)
    return


@app.cell
def _(tokenizer):
    try:
        tokenizer.encode("half a cat: \ud83d")
        refused = ""
    except InputError as error:
        refused = str(error)
    assert "surrogate" in refused, "the one string that is no text: half of a pair, which has no bytes"
    return (refused,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Pattern `gpt2`: a number of seven digits is one piece, so the merges decide how it is cut, and 1234567 and 1234568
      may be cut at different places. With `qwen2` the digits stand one by one, in columns.
    - Vocabulary 259: no merges, every token is a byte. At 512 the commonest words are whole.
    - Train on `texts["German"]` instead: the stories now pay.

    Write it yourself: `groundup learn start train_bpe`, then `groundup learn start encode_piece`
    """)
    return


if __name__ == "__main__":
    app.run()
