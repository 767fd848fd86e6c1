"""Lesson: what stands in a tokenizer.json, part by part, and why a wrong word in it says nothing and changes everything."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="tokenizer.json: one file, five parts", width="medium")

with app.setup:
    import copy
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.errors import UnsupportedModel
    from groundup.text.tokenizers.aligned_text import AlignedText
    from groundup.text.tokenizers.byte_characters import byte_characters, spell, unspell
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.formats import from_dicts, load_tokenizer, to_dicts


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # tokenizer.json: one file, five parts

    A model is useless without the exact rules by which its text became numbers, and these rules travel in one file.
    Afterwards you can read that file, say what each part of it does to a text, and know why a reader must refuse
    what it does not know.
    """)
    return


@app.cell
def _():
    _stories = [document.text for document in tinyworld.sample(0, 120)]
    tokenizer = train_tokenizer(_stories, TokenizerConfig(vocab_size=600, pattern="gpt2"))
    whole, _config = to_dicts(tokenizer)
    _changed = copy.deepcopy(whole)
    _changed["pre_tokenizer"]["add_prefix_space"] = True
    other = from_dicts(Path("changed.json"), _changed, _config, None)
    _lines = [line for story in _stories for line in story.splitlines() if line]
    different = sum(tokenizer.encode(line) != other.encode(line) for line in _lines) / len(_lines)
    first = [tokenizer.encode(" a"), other.encode("a"), tokenizer.encode("a")]
    back = [other.decode(other.encode(line)).strip() == line.strip() for line in _lines[:50]]
    prints = {tokenizer.fingerprint, other.fingerprint}
    mo.md(
        f"One word in the file is changed, `false` to `true` behind `add_prefix_space`. Nothing complains, and "
        f"**{different:.0%}** of {len(_lines):,} lines now have other ids. A model trained with the one and used with the other "
        "answers worse, and no error is ever raised."
    )
    return back, different, first, other, prints, tokenizer, whole


@app.cell
def _(back, different, first, prints):
    assert different > 0.9, "nearly every line begins without a blank, and now gets one"
    assert first[0] == first[1] != first[2] and len(prints) == 2
    assert all(back), "and it still looks right"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Five parts, one after the other

    A *normaliser* changes the text (`É` to `e`). A *pre-tokenizer* cuts it into pieces, which no token crosses. The *model*
    turns each piece into ids: BPE, WordPiece, Unigram or whole words. A *post-processor* puts marks around it. The way
    back is the *decoder*'s. Beside them stand the *added tokens*, which are looked for before all else.
    """)
    return


@app.cell
def _():
    plots.flow_chart(
        {
            "added": "added tokens",
            "normalizer": "normalizer",
            "pre": "pre_tokenizer",
            "model": "model",
            "post": "post_processor",
            "ids": "ids",
            "decoder": "decoder",
        },
        [
            ("added", "normalizer"),
            ("normalizer", "pre"),
            ("pre", "model"),
            ("model", "post"),
            ("post", "ids"),
            ("ids", "decoder"),
        ],
        title="The way of a text through tokenizer.json",
    )
    return


@app.cell
def _(whole):
    _parts = ("normalizer", "pre_tokenizer", "model", "post_processor", "decoder")
    kinds = {name: whole[name] and whole[name]["type"] for name in _parts}
    mo.md(
        "The file of the tokenizer above:\n\n| part | type |\n|---|---|\n"
        + "\n".join(f"| {name} | {kind} |" for name, kind in kinds.items())
        + "\n\nOne part is empty: byte-level BPE changes nothing in a text. The post-processor puts the token before it that every text began with in training."
    )
    return (kinds,)


@app.cell
def _(kinds, whole):
    assert list(kinds.values()) == [None, "ByteLevel", "BPE", "TemplateProcessing", "ByteLevel"]
    assert len(whole["model"]["merges"]) == 600 - 256 - len(whole["added_tokens"])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bytes in a text file

    The tokens are bytes, and JSON holds text. GPT-2's way out is still in every such file: each of the 256 bytes has a
    visible character. Printable ones stand for themselves; the others take the next ones from U+0100 on, so that a blank
    is written Ġ and a line end Ċ.
    """)
    return


@app.cell
def _(tokenizer):
    longest = sorted(tokenizer.vocabulary, key=len)[-5:]
    mo.md(
        "| bytes | in the file |\n|---|---|\n"
        + "\n".join(f"| `{token!r}` | `{spell(token)}` |" for token in [b" the", b"\n", "é".encode(), *longest])
    )
    return (longest,)


@app.cell
def _(longest):
    assert spell(b" the\n") == "ĠtheĊ" and unspell("ĠtheĊ") == b" the\n"
    assert len(set(byte_characters())) == 256 and all(character.isprintable() for character in byte_characters())
    assert all(unspell(spell(token)) == token for token in longest)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A file by hand

    The smallest file with all five parts: ten tokens, BERT's rules. `##` marks a token that goes on inside a word.
    """)
    return


@app.cell
def _():
    tokens = ["[UNK]", "[CLS]", "[SEP]", "caf", "##e", "!", "the", "Caf", "##é", "▁the"]
    by_hand = {
        "added_tokens": [{"id": id, "content": tokens[id], "special": True} for id in range(3)],
        "normalizer": {"type": "BertNormalizer", "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {token: id for id, token in enumerate(tokens)}},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    }  # fmt: skip
    small = from_dicts(Path("by_hand.json"), by_hand, {}, None)
    text = "The Café!"
    normal = small.normalizer.normalize(AlignedText.of(text))
    _pieces = small.pre_tokenizer.split(normal)
    ids = small.encode(text, add_special_tokens=True)
    origins, _print = small.offsets(text)[1], small.fingerprint
    _steps = [
        ("the text", text),
        ("normalizer", normal.text),
        ("pre_tokenizer", " | ".join(piece.text for piece in _pieces)),
        ("model", " | ".join(tokens[id] for piece in _pieces for id in small.model.encode_piece(piece.text))),
        ("post_processor", str(ids)),
        ("decoder", small.decode(ids, skip_special_tokens=True)),
    ]
    mo.md("| after | |\n|---|---|\n" + "\n".join(f"| {name} | `{value}` |" for name, value in _steps))
    return by_hand, ids, normal, origins, small, text, tokens


@app.cell
def _(ids, normal, origins, small):
    assert ids == [1, 6, 3, 4, 5, 2] and normal.text == "the cafe!"
    assert small.decode(ids, skip_special_tokens=True) == "the cafe!", "a normaliser does not come back"
    assert origins == [(0, 3), (4, 7), (7, 8), (8, 9)], "but every token knows where it came from"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One part exchanged

    Choose what is changed in the file by hand, and see what the same sentence becomes. `[UNK]` is what the vocabulary cannot
    spell: the information is gone.
    """)
    return


@app.cell
def _(by_hand):
    changes = {
        "nothing": {},
        "lowercase: false": {"normalizer": by_hand["normalizer"] | {"lowercase": False}},
        "no normalizer": {"normalizer": None},
        "pre_tokenizer: WhitespaceSplit": {"pre_tokenizer": {"type": "WhitespaceSplit"}},
        "pre_tokenizer: Metaspace": {"pre_tokenizer": {"type": "Metaspace"}},
        "no pre_tokenizer": {"pre_tokenizer": None},
    }
    return (changes,)


@app.cell
def _(changes):
    change = mo.ui.dropdown(list(changes), value="nothing", label="changed in the file")
    change
    return (change,)


@app.cell
def _(by_hand, change, changes, text, tokens):
    variant = from_dicts(Path("by_hand.json"), by_hand | changes[change.value], {}, None)
    found = [tokens[id] for id in variant.encode(text)]
    _places = variant.offsets(text)[1]
    lost = sum(end - start for token, (start, end) in zip(found, _places, strict=True) if token == "[UNK]")
    _known = sum(end - start for token, (start, end) in zip(found, _places, strict=True) if token != "[UNK]")
    plots.value_bars(
        {"characters of the text": {"in known tokens": _known, "lost to [UNK]": lost}},
        title=f"{change.value}: {' '.join(found)}",
    )
    return found, lost, variant


@app.cell
def _(change, found, lost):
    assert (lost == 0) == (change.value == "nothing") and ("[UNK]" in found) == (lost > 0)
    assert (found == ["the", "caf", "##e", "!"]) == (change.value == "nothing")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is not known is refused

    A reader that skips what it does not understand gives other ids and says nothing: the first number of this lesson. So every
    part, and every option in it, is either carried out exactly or named in the refusal.
    """)
    return


@app.cell
def _(by_hand):
    refusals = []
    for _part in ({"normalizer": {"type": "Shout"}}, {"pre_tokenizer": {"type": "Whitespace", "gently": True}}):
        try:
            from_dicts(Path("by_hand.json"), by_hand | _part, {}, None)
        except UnsupportedModel as error:
            refusals.append(str(error).partition(";")[0])
    mo.md("\n".join(f"- *{refusal}*" for refusal in refusals))
    return (refusals,)


@app.cell
def _(refusals):
    assert len(refusals) == 2 and "Shout" in refusals[0] and "gently" in refusals[1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## There and back

    A tokenizer that is saved and read again must be the same one. Its *fingerprint*, a hash of both files, says so; token
    shards and checkpoints carry it, so that a model never meets ids of another tokenizer.
    """)
    return


@app.cell
def _(other, small, tokenizer):
    with TemporaryDirectory() as _folder:
        pairs = []
        for _name, _one in (("trained", tokenizer), ("one word changed", other), ("by hand", small)):
            _one.save(Path(_folder) / _name)
            pairs.append((_name, _one.fingerprint, load_tokenizer(Path(_folder) / _name).fingerprint))
    mo.md(
        "| tokenizer | saved | read |\n|---|---|---|\n"
        + "\n".join(f"| {n} | {a[:12]} | {b[:12]} |" for n, a, b in pairs)
    )
    return (pairs,)


@app.cell
def _(pairs):
    assert all(saved == read for _, saved, read in pairs)
    assert len({saved for _, saved, _ in pairs}) == 3, "one word is another tokenizer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - "no normalizer": `The` and `Café!` meet a vocabulary of small letters. Which of them is saved by `Caf` and `##é`?
    - Write `"the café!"` in place of the text: with which of the changes is nothing lost now, and why not with Metaspace?
    - Open any tokenizer.json of a model you use and name its five parts; `gu.load_tokenizer(path)` reads it.

    Write a part yourself: `groundup learn start encode_piece`
    """)
    return


if __name__ == "__main__":
    app.run()
