"""Lesson: the compiled normaliser of SentencePiece, 200,000 rules in one array of numbers."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A trie in one array of numbers", width="medium")

with app.setup:
    import unicodedata

    import marimo as mo

    from groundup import plots
    from groundup.text.tokenizers.charsmap import Charsmap, compile_rules
    from groundup.text.tokenizers.double_array import build, common_prefixes
    from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A trie in one array of numbers

    Before a text is cut, `①` becomes `1` and `ﬁ` becomes `fi`. A tokenizer file holds these rules compiled: a trie in one
    array of 32-bit numbers. Afterwards you can walk such an array by hand, and you know why two programs with the same rules give
    different texts.
    """)
    return


@app.cell
def _():
    rules = {}
    for _code in range(0xA0, 0xFFFF):
        _new = unicodedata.normalize("NFKC", chr(_code))
        if _new != chr(_code) and not 0xD800 <= _code < 0xE000:
            rules[chr(_code)] = _new
    compiled = compile_rules(rules)
    mo.md(
        f"Python's own NFKC changes {len(rules):,} single characters below U+FFFF. Compiled they are {len(compiled):,} bytes, "
        f"**{len(compiled) / len(rules):.0f}** bytes a rule with the new text in it."
    )
    return compiled, rules


@app.cell
def _(compiled, rules):
    assert Charsmap(compiled).rules() == rules, "nothing is lost on the way"
    assert Charsmap(compiled).normalize("ﬁg ① Ａ") == "fig 1 A"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One unit

    A unit has 32 bits: the byte that leads to it (its label), whether a word ends there, and an offset. From the unit at
    `place`, byte c leads to `place ^ offset ^ c`. If the unit there does not carry the label c, no word goes on that way.
    """)
    return


@app.cell
def _():
    words = {b"a": 1, b"ab": 2, b"abc": 3, b"b": 4, b"cab": 5}
    units = build(list(words), list(words.values())).tolist()
    _rows = []
    for _place, _unit in enumerate(units):
        if _unit:
            _label = "a value" if _unit >> 31 else repr(chr(_unit & 0xFF)) if _unit & 0xFF else "root"
            _value = _unit & 0x7FFFFFFF if _unit >> 31 else ""
            _offset = "" if _unit >> 31 else _unit >> 10
            _ends = "" if _unit >> 31 else "yes" if _unit & 1 << 8 else "no"
            _rows.append(f"| {_place} | {_label} | {_ends} | {_offset} | {_value} |")
    mo.md("| place | label | a word ends | offset | value |\n|---|---|---|---|---|\n" + "\n".join(_rows))
    return units, words


@app.cell
def _(units, words):
    for _text in (b"abcd", b"cabs", b"bad", b"xyz", b""):
        _expected = [(n, words[_text[:n]]) for n in range(1, len(_text) + 1) if _text[:n] in words]
        assert common_prefixes(units, _text) == _expected, "every word that begins the text, the shortest first"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A walk

    Choose a text and follow the steps. The walk ends at the first byte whose unit carries another label; the words found so
    far are all that begin the text.
    """)
    return


@app.cell
def _():
    text = mo.ui.dropdown(["abcd", "cabs", "bad", "abba", "xyz"], value="abcd", label="text")
    text
    return (text,)


@app.cell
def _(text, units):
    places = [0]
    for _byte in text.value.encode():
        _next = places[-1] ^ (units[places[-1]] >> 10) ^ _byte
        if _next >= len(units) or units[_next] & (0xFF | 1 << 31) != _byte:
            break
        places.append(_next)
    _names = {"0": f"root, place {places[0]}"}
    for _i, _place in enumerate(places[1:], start=1):
        _end = ", a word" if units[_place] & 1 << 8 else ""
        _names[str(_i)] = f"{text.value[_i - 1]}, place {_place}{_end}"
    _names["end"] = "no way on" if len(places) <= len(text.value) else "end of the text"
    _steps = [*(str(i) for i in range(len(places))), "end"]
    plots.flow_chart(_names, list(zip(_steps, _steps[1:], strict=False)), title=f"The way of {text.value}")
    return (places,)


@app.cell
def _(places, text, units):
    _ends = [i for i, place in enumerate(places) if i and units[place] & 1 << 8]
    assert _ends == [length for length, _ in common_prefixes(units, text.value.encode())]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same rules, two texts

    SentencePiece takes at each place the *longest* rule that fits. Hugging Face's `Precompiled` looks at what a reader sees as one
    character, and there takes the *shortest*. With a letter that is one rule, and the same letter with its accent that
    is another, they differ. A tokenizer must do as its model was trained.
    """)
    return


@app.cell
def _():
    sign = mo.ui.dropdown(["e\u0301", "① ②", "e\u0301e", "ﬁ"], value="e\u0301", label="text")
    sign
    return (sign,)


@app.cell
def _(sign):
    both = Charsmap(compile_rules({"e\u0301": "é", "e": "E", "①": "1", "ﬁ": "fi"}))
    longest, shortest = both.normalize(sign.value), both.normalize_by_grapheme(sign.value)
    mo.md(f"SentencePiece: `{longest}`, Precompiled: `{shortest}`")
    return both, longest, shortest


@app.cell
def _(longest, shortest, sign):
    assert (longest == shortest) == ("\u0301" not in sign.value), "only where a reader's character is two code points"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rest of the normaliser

    After the rules come the spaces: none in front, one for many, and each one written `▁`, with one before the first word.
    """)
    return


@app.cell
def _(both):
    given = ["  two   words ", "①ﬁ", " "]
    spaced = [SentencePieceNormalizer(both).normalize(one) for one in given]
    mo.md("\n".join(f"- `{one!r}` becomes `{new!r}`" for one, new in zip(given, spaced, strict=True)))
    return given, spaced


@app.cell
def _(given, spaced):
    assert spaced == ["▁two▁words", "▁1fi", ""]
    assert len(given) == 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Add the word `abcde` to the small trie: which units are new, and does any old one move?
    - Give the two-letter rule a third letter, and look at `e\u0301` again.
    - Turn `remove_extra_whitespaces` off: which of the three texts changes?

    Write it yourself: `groundup learn start common_prefixes`
    """)
    return


if __name__ == "__main__":
    app.run()
