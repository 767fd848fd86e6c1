"""Lesson: how BERT's tokenizer is made fast: a table of characters, a tree of tokens, a memory of words."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Longest match without trying: a table, a tree, a memory", width="medium")

with app.setup:
    from collections import Counter
    from time import perf_counter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.bert_characters import ALONE, REMOVED, REPLACED, SPACE, character_table
    from groundup.text.tokenizers.wordpiece import WordPiece, encode_word
    from groundup.text.tokenizers.wordpiece_encoding import BertEncoder, build_trie
    from groundup.text.tokenizers.wordpiece_training import count_words, train_wordpiece_fast


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Longest match without trying: a table, a tree, a memory

    The definition of WordPiece tries the ends of a word one after another. BERT's tokenizer does much more for each character before
    that: controls, accents, capitals, ideographs. Afterwards you know how all of it becomes one look-up a character, one step a
    byte, and for most words nothing at all.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 300)]
    counted = count_words(story.encode() for story in stories)
    tokens = ["[UNK]", *train_wordpiece_fast(counted, 600, "frequency")]
    model = WordPiece({token: id for id, token in enumerate(tokens)})
    _documents = [story.encode() for story in stories]
    text, offsets = b"".join(_documents), np.cumsum([0, *map(len, _documents)], dtype=np.int64)
    _encoder, _words = BertEncoder(model), [word for word, times in counted.items() for _ in range(times)]
    _encoder.encode(text, offsets)  # once: loads what is compiled, and fills the memory of words
    _start = perf_counter()
    _encoder.encode(text, offsets)
    _middle = perf_counter()
    [model.encode_piece(word) for word in _words]
    _by_definition, _at_once = perf_counter() - _middle, _middle - _start
    mo.md(
        f"{len(text):,} bytes of stories are {len(_words):,} words. The definition, given words that are split and cleaned already, "
        f"just took {_by_definition * 1e3:.0f} ms here; one loop that does everything took {_at_once * 1e3:.1f} ms: "
        f"**{_by_definition / _at_once:,.0f}** times as fast. What does it not do?"
    )
    return counted, model, offsets, stories, text, tokens


@app.cell
def _(model, offsets, stories, text):
    ids, starts = BertEncoder(model).encode(text, offsets)
    _words = count_words([stories[7].encode()])
    _expected = Counter(id for word, times in _words.items() for id in model.encode_piece(word) * times)
    assert Counter(ids[starts[7] : starts[8]].tolist()) == _expected, "the same ids as the definition's"
    assert len(starts) == len(stories) + 1 and starts[-1] == len(ids)
    return ids, starts


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A table: everything that happens to a character

    The normaliser has four steps and the splitter two. But none of them looks at the neighbours (only the order of a few marks does), so
    what they do together to a character can be worked out once for each of the 1,114,112 there are. An entry says: it stays, it is
    replaced, it is removed, it is white space, or it is a word of its own, and then the entry holds the id.
    """)
    return


@app.cell
def _():
    case = mo.ui.switch(value=True, label="lowercase (and no accents)")
    case
    return (case,)


@app.cell
def _(case, tokens):
    known = {token: id for id, token in enumerate(tokens)}
    table = character_table(lowercase=case.value, ids=known)

    def entry(character):
        """Kind and value of a character's entry."""
        found = int(table.entries[table.pages[ord(character) >> 8], ord(character) & 255])
        return found & 7, found >> 3

    _said = {
        int(REPLACED): lambda value: f"becomes `{chr(value)}`",
        int(REMOVED): lambda value: "is removed",
        int(SPACE): lambda value: "ends a word",
        int(ALONE): lambda value: f"is a word with id {value}" + (", unknown" if value == 0 else ""),
    }
    _rows = [
        f"| {name} | {_said.get(entry(character)[0], lambda value: 'stays')(entry(character)[1])} |"
        for name, character in {
            "`a`": "a", "`A`": "A", "`é`": "é", "`Я`": "Я", "a zero-width space": "\u200b", "a full stop": ".", "`猫`": "猫",
            "a no-break space": "\u00a0",
        }.items()
    ]  # fmt: skip
    mo.md("| character | in a BERT tokenizer |\n|---|---|\n" + "\n".join(_rows))
    return entry, known, table


@app.cell
def _(case, entry, known, table):
    assert entry(".") == (int(ALONE), known["."]) and entry("猫") == (int(ALONE), 0)
    assert entry("\u200b")[0] == int(REMOVED) and entry("\u00a0")[0] == int(SPACE)
    assert entry("É") == ((int(REPLACED), ord("e")) if case.value else (0, 0))
    assert len(table.entries) < 0.1 * len(table.pages), "most pages of 256 characters are equal and stored once"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A tree: all tokens at once

    A dictionary answers whether one piece is a token, so the longest is found by asking for every end. A tree (a *trie*) holds all tokens
    together: each step takes one letter, and a place where a token ends is marked. Walk down along the word until there is no way on: the
    last mark passed is the longest token. ## is a way down like any other; pieces inside a word begin there.
    """)
    return


@app.cell
def _():
    few = ["un", "une", "##want", "##wa", "##ed"]
    _steps = sorted({token[:length] for token in few for length in range(1, len(token) + 1)})
    plots.flow_chart(
        {"start": "(start)", **{step: step + (" ■" if step in few else "") for step in _steps}},
        [(step[:-1] or "start", step) for step in _steps],
        title="Five tokens as a tree; ■ is where one ends",
    )
    return (few,)


@app.cell
def _():
    word = mo.ui.dropdown(["unwanted", "unwaed", "uneed", "unwan"], value="unwanted", label="word")
    word
    return (word,)


@app.cell
def _():
    def _walk(rest, start, places, ends):
        """The longest token that `rest` begins with, from a place in the tree, and how many steps were taken."""
        node, longest, steps = start, "", 0
        for letter in rest:
            steps += 1
            node += letter
            if node not in places:
                break
            longest = node if node in ends else longest
        return longest, steps

    def cut(word, places, ends):
        """The tokens of a word (the last one is "" where nothing fits), and the steps for each."""
        found, place = [], 0
        while place < len(word) and (not found or found[-1][0]):
            found.append(_walk(word[place:], "##" if place else "", places, ends))
            place += len(found[-1][0].removeprefix("##"))
        return found

    def places_of(tokens):
        """Every beginning of a token: the places of the tree."""
        return {token[:length] for token in tokens for length in range(len(token) + 1)}

    return cut, places_of


@app.cell
def _(cut, few, places_of, word):
    found = cut(word.value, places_of(few), few)
    plots.value_bars(
        {"steps": {f"{place + 1}: {token or 'nothing'}": steps for place, (token, steps) in enumerate(found)}},
        y="steps in the tree",
        title=f"{word.value}: one walk for each token",
    )
    return (found,)


@app.cell
def _(few, found, places_of, word):
    _expected = encode_word(word.value, dict.fromkeys(few, 0))
    assert [token for token, _ in found] == _expected or (_expected == ["[UNK]"] and found[-1][0] == "")
    assert max(steps for _, steps in found) <= 1 + max(map(len, few)), "however long the word is"
    trie = build_trie({token: id for id, token in enumerate(few)}, "##")
    assert len(trie.ids) == len(places_of(few)), "the library's tree has the same places"
    assert trie.inside == 2, "the place behind ##"
    return (trie,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    In the library the steps are bytes, and all steps of the tree stand in one hash table: place and byte, and where it leads.

    ## A memory: most words were here before

    Words repeat, so the ids of a word are kept beside it. A word of up to 15 bytes is two 64-bit numbers: two comparisons say whether it is
    the one in the memory. ASCII words are found eight bytes at a time, and a single *or* sets the bit that makes all eight letters small.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0, 100, step=25, value=0, label="percent of words never seen before", show_value=True)
    share
    return (share,)


@app.cell
def _(counted, share):
    _draw = np.random.default_rng(0)
    _common, _letters = list(counted)[:500], np.array(list("etaoinshrdlu"))
    mixed = [
        "".join(_draw.choice(_letters, 7)) if k % 100 < share.value else _common[k % len(_common)]
        for k in _draw.permutation(4_000).tolist()
    ]
    return (mixed,)


@app.cell
def _(cut, mixed, places_of, share, tokens):
    class _Counting(dict):
        """A vocabulary that counts the letters that it is asked about: to look a text up, all of it is read."""

        letters = 0

        def __contains__(self, token):
            _Counting.letters += len(token.removeprefix("##"))
            return super().__contains__(token)

    _vocabulary, _places = _Counting.fromkeys(tokens, 0), places_of(tokens)
    for _word in mixed:
        encode_word(_word, _vocabulary)
    _steps = {word: sum(steps for _, steps in cut(word, _places, set(tokens))) for word in set(mixed)}
    work = {
        "every end tried": _Counting.letters / len(mixed),
        "the tree": sum(_steps[word] for word in mixed) / len(mixed),
        "the tree and a memory": sum(_steps.values()) / len(mixed),
    }
    plots.value_bars({"letters": work}, y="letters read a word", title=f"{share.value} % of the words are new")
    return (work,)


@app.cell
def _(mixed, model, work):
    assert work["the tree and a memory"] <= work["the tree"] < work["every end tried"]
    _text = " ".join(mixed).encode()
    _ids, _ = BertEncoder(model).encode(_text, np.array([0, len(_text)]))
    assert _ids.tolist() == [id for word in mixed for id in model.encode_piece(word)], "never other ids"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The memory is bounded: a word overwrites whichever stood at its place, so a text of endless new words costs time and no space. And a
    word of more than 100 characters is unknown by BERT's rule: a million letters in a row are counted, and never stored.
    """)
    return


@app.cell
def _(model):
    _long = b"a" * 1_000_000
    unknown, _ = BertEncoder(model).encode(_long, np.array([0, len(_long)]))
    assert unknown.tolist() == [0], "one word, unknown"
    return (unknown,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Switch `lowercase` off: `A` and `é` stay; the zero-width space goes all the same, since that is cleaning.
    - `unwan`: the walk goes past ##wa to ##wan, where the word ends, and takes ##wa; then nothing fits ##n.
    - All words new: the memory helps no more, and the tree alone reads a sixth of the letters that trying every end reads.

    Write the definition yourself: `groundup learn start encode_word`
    """)
    return


if __name__ == "__main__":
    app.run()
