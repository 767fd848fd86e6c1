"""Lesson: what a tokenizer charges for the same sentence in different languages."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The price of a language", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.data.sources import python, tinyworld
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
    from groundup.text.tokenizers.multilingual import fertility, measure, relative_costs


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The price of a language

    Models are paid by the token, wait for tokens and forget beyond a number of tokens. How many tokens a sentence has
    depends on what the tokenizer was
    learned from. Afterwards you can measure that, for any tokenizer and any language, and know where it comes from.
    """)
    return


@app.cell
def _():
    parallel = {
        "English": "The child opens the book, and a small door into the world opens with it.",
        "German": "Das Kind öffnet das Buch, und mit ihm öffnet sich eine kleine Tür zur Welt.",
        "French": "L'enfant ouvre le livre, et avec lui s'ouvre une petite porte sur le monde.",
        "Turkish": "Çocuk kitabı açar ve onunla birlikte dünyaya küçük bir kapı açılır.",
        "Russian": "Ребёнок открывает книгу, и вместе с ней открывается маленькая дверь в мир.",
        "Greek": "Το παιδί ανοίγει το βιβλίο και μαζί του ανοίγει μια μικρή πόρτα στον κόσμο.",
        "Hindi": "बच्चा किताब खोलता है और उसके साथ दुनिया का एक छोटा दरवाज़ा खुलता है।",
        "Thai": "เด็กเปิดหนังสือ และประตูบานเล็กสู่โลกก็เปิดออกพร้อมกัน",
        "Korean": "아이가 책을 펼치면 세상으로 가는 작은 문도 함께 열린다.",
        "Chinese": "孩子打开书，一扇通往世界的小门也随之打开。",
    }
    _prose = [document.text for document, _ in zip(python.documents(["documentation"]), range(60), strict=False)]
    english = train_tokenizer(_prose, TokenizerConfig(vocab_size=2_000))
    _costs = relative_costs(measure(english, parallel), "English")
    mo.md(
        f"With a tokenizer learned from English, the same sentence is **{_costs['Hindi']:.1f}** times as many tokens in Hindi as in English."
    )
    return english, parallel


@app.cell
def _(english, parallel):
    _costs = relative_costs(measure(english, parallel), "English")
    assert _costs["English"] == 1 and _costs["Hindi"] > 2.5 and max(_costs, key=_costs.get) in ("Hindi", "Thai")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four measures

    Fertility is tokens a word: 1 would be a token for each word. Thai and Chinese do not write words apart, so there
    tokens a character is what can be
    said. Bytes a token says how much text a token holds. And the cost compares the tokens of one content with English.
    """)
    return


@app.cell
def _(english, parallel):
    measures = measure(english, parallel)
    _costs = relative_costs(measures, "English")
    _rows = [
        f"| {name} | {one.tokens} | {f'{one.tokens_per_word:.1f}' if one.tokens_per_word else 'no spaces'} | {one.bytes_per_token:.2f} | {_costs[name]:.1f} |"
        for name, one in measures.items()
    ]
    mo.md("| | tokens | a word | bytes a token | cost |\n|---|---|---|---|---|\n" + "\n".join(_rows))
    return (measures,)


@app.cell
def _(english, measures, parallel):
    assert measures["Thai"].tokens_per_word is None and measures["Chinese"].tokens_per_word is None
    assert measures["Russian"].tokens_per_word == fertility(english.encode, [parallel["Russian"]])
    assert measures["English"].bytes_per_token > 2 * measures["Hindi"].bytes_per_token
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two causes

    Unicode itself charges: UTF-8 writes a Latin letter in one byte, a Greek or Russian one in two, a Thai or Hindi one
    in three. The rest is the tokenizer's doing: for a
    script that it never saw it has no merges, so every byte stays a token.
    """)
    return


@app.cell
def _(measures):
    bytes_cost = {name: one.bytes / measures["English"].bytes for name, one in measures.items()}
    tokens_cost = {name: one.tokens / measures["English"].tokens for name, one in measures.items()}
    plots.value_bars(
        {"bytes": bytes_cost, "tokens": tokens_cost},
        y="relative to English",
        title="UTF-8 charges some, the tokenizer the rest",
    )
    return bytes_cost, tokens_cost


@app.cell
def _(bytes_cost, tokens_cost):
    assert all(tokens_cost[name] > bytes_cost[name] for name in ("Russian", "Hindi", "Thai", "Korean"))
    assert bytes_cost["Chinese"] < 1, "few signs, three bytes each"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fed with more languages

    The same training on a mixture. Move the share of the other languages' text: their cost falls at once, English pays
    a little.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0, 50, step=10, value=30, label="percent of other languages", show_value=True)
    share
    return (share,)


@app.cell
def _(parallel, share):
    _stories = " ".join(document.text for document in tinyworld.sample(0, 200))
    _others = " ".join(text for name, text in parallel.items() if name != "English")
    _size = 100_000
    _more = (_others + " ") * (_size * share.value // 100 // len(_others) + 1)
    _tokenizer = train_tokenizer(
        [_stories[: _size * (100 - share.value) // 100], _more if share.value else "a"], TokenizerConfig(vocab_size=600)
    )
    mixed = {name: one.tokens for name, one in measure(_tokenizer, parallel).items()}
    plots.value_bars(
        {"tokens": mixed}, y="tokens of the sentence", title=f"{share.value} % of other languages in the training text"
    )
    return (mixed,)


@app.cell
def _(mixed, share):
    assert share.value == 0 or mixed["Hindi"] < 80, (
        "it has seen these very sentences: more than any real text could give"
    )
    assert share.value or mixed["Hindi"] > 100
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Here it learned the very sentences that it is measured on, which is why the effect is so large; on the declaration
    of human rights (380 translations) GPT-2's tokenizer charges
    Portuguese 1.4, Russian 4.0, Hindi 5.4, Burmese 12.4 times the tokens of English, and `groundup tokenizer compare`
    prints it for your own.

    ## Code

    Code is a language too: indents, brackets and names. A tokenizer learned from stories has no tokens for them.
    """)
    return


@app.cell
def _():
    _told = {
        "prose": [document.text for document in tinyworld.sample(0, 200)],
        "code": [document.text for document, _ in zip(python.documents(["source"]), range(20), strict=False)],
    }
    code = "def count(words):\n    seen = {}\n    for word in words:\n        seen[word] = seen.get(word, 0) + 1\n    return seen\n"
    cost = {
        name: len(train_tokenizer(texts, TokenizerConfig(vocab_size=500)).encode(code)) for name, texts in _told.items()
    }
    plots.value_bars(
        {"tokens": cost}, x="learned from", y="tokens of five lines", title="What it was learned from is cheap"
    )
    return code, cost


@app.cell
def _(cost):
    assert cost["code"] < cost["prose"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the slider to 0, then to 10: a tenth of the text brings most of the gain.
    - Add your own language to `parallel`.
    - `groundup tokenizer compare YOURS OTHER --languages FOLDER` measures real texts, one file a language.

    Write it yourself: `groundup learn start fertility`
    """)
    return


if __name__ == "__main__":
    app.run()
