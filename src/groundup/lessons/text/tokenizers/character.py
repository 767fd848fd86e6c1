"""Lesson: characters as tokens, and what is paid for a vocabulary that fits on a page."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Characters: the smallest vocabulary, the longest text", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.errors import InputError
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
    from groundup.text.tokenizers.character import character_tokenizer, train_character_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Characters: the smallest vocabulary, the longest text

    The simplest tokenizer that works: every character has a number. Afterwards you know what that buys, what it costs,
    and why it fails on the first
    emoji.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 200)]
    letters = train_character_tokenizer(stories)
    assert letters.decode(letters.encode(stories[0])) == stories[0]
    mo.md(
        f"200 stories are written with **{len(letters) - 1}** characters. That is the whole vocabulary: `{''.join(list(letters.vocabulary)[1:])}`"
    )
    return stories, letters


@app.cell
def _(letters, stories):
    assert len(letters) < 100 and all(letters.decode(letters.encode(story)) == story for story in stories[:20])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Ids in the order of code points

    Nothing is learned, so nothing depends on counts: the ids follow Unicode's order, after the token for unknown
    characters. Everyone who has
    the same characters has the same ids.
    """)
    return


@app.cell
def _():
    word = mo.ui.dropdown(["cab", "abacus", "decaf", "beg"], value="cab", label="word")
    word
    return (word,)


@app.cell
def _(word):
    small = character_tokenizer("abcdef")
    assert small.encode("") == []
    plots.value_bars(
        {
            "id": {
                f"{place} {character}": id
                for place, (character, id) in enumerate(zip(word.value, small.encode(word.value), strict=True))
            }
        },
        y="id (0: unknown)",
        title=f"{word.value} in an alphabet from a to f",
    )
    return (small,)


@app.cell
def _(small, word):
    assert small.encode("cab") == [3, 1, 2] and len(small.encode(word.value)) == len(word.value)
    assert ("<unk>" in small.decode(small.encode(word.value))) == bool(set(word.value) - set("abcdef"))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Unknown characters

    A character that training never saw has no id. Two policies: one token stands for all of them, or the text is
    refused and the character
    named. Silence would be the third, and the worst.
    """)
    return


@app.cell
def _(letters):
    _strict = train_character_tokenizer(["abc"], unk_token=None)
    try:
        _strict.encode("bad")
        refusal = ""
    except InputError as _error:
        refusal = str(_error)
    mo.md(f"With `<unk>`: `{letters.decode(letters.encode('Hi 🙂'))}`. Without: “{refusal}.”")
    return (refusal,)


@app.cell
def _(letters, refusal):
    assert "'d' is not in the vocabulary" in refusal
    assert letters.decode(letters.encode("🙂")) == letters.decode(letters.encode("猫")) == "<unk>", (
        "what stood there is gone"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs

    A model reads a fixed number of tokens and pays for each. Byte pair encoding of a few hundred ids already holds
    two or three times the text in the same number of tokens; the price is a larger table.
    """)
    return


@app.cell
def _(letters, stories):
    _text = "\n".join(stories[:40])
    lengths = {"characters": len(letters.encode(_text))}
    for _size in (300, 400, 800):
        _pieces = train_tokenizer(stories, TokenizerConfig(vocab_size=_size))
        lengths = {**lengths, f"byte pairs, {_size} ids": len(_pieces.encode(_text))}
    plots.value_bars({"tokens": lengths}, y="tokens for the same text", title="Every id saves tokens")
    return (lengths,)


@app.cell
def _(lengths):
    assert lengths["characters"] > 2 * lengths["byte pairs, 800 ids"]
    assert list(lengths.values()) == sorted(lengths.values(), reverse=True)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How far a model sees

    A context of 256 tokens is a page or a paragraph. Attention costs the square of the length, so the same text in
    characters costs the square of that ratio.
    """)
    return


@app.cell
def _(lengths):
    ratio = lengths["characters"] / lengths["byte pairs, 800 ids"]
    mo.md(f"{ratio:.1f} times the tokens are **{ratio**2:.0f}** times the attention scores for the same text.")
    return (ratio,)


@app.cell
def _(ratio):
    assert ratio**2 > 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it buys

    Letters are plain to see. A model that reads characters can count them, reverse a word or rhyme; one that reads
    `strawberry` as
    one token has never seen its r's. The lesson on `impact` measures it. And a tiny model has few parameters to spare
    for a table.
    """)
    return


@app.cell
def _(letters):
    assert [letters.decode([id]) for id in letters.encode("cat")] == ["c", "a", "t"]
    mo.md(
        f"An embedding of {len(letters)} rows of 64 numbers: **{64 * len(letters):,}** parameters. For 50,000 tokens it is {64 * 50_000:,}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `beg`: g is not in the alphabet. What comes back?
    - Train it on your own text (`train_character_tokenizer`) and look for characters that you did not expect: curly
      quotes, odd spaces.
    - Save it (`letters.save("letters")`): `transformers` reads the folder and gives the same ids.
    """)
    return


if __name__ == "__main__":
    app.run()
