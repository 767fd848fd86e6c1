"""Lesson: words as tokens, how many stay unknown, and hashing them into buckets."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Words as tokens: there is always a new one", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.data.sources import python
    from groundup.text.tokenizers.word import (
        count_words,
        fnv_1a,
        shared_buckets,
        train_word_tokenizer,
        unknown_share,
        word_id,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Words as tokens: there is always a new one

    One id a word is the obvious tokenizer, and for decades it was the usual one. Afterwards you can say how much of a
    text it does not know, what
    a cut-off costs, and what hashing does about it.
    """)
    return


@app.cell
def _():
    _texts = [document.text for document, _ in zip(python.documents(["documentation"]), range(75), strict=False)]
    told, asked = count_words(_texts[:50]), count_words(_texts[50:])
    _share = unknown_share(asked, told)
    mo.md(
        f"A vocabulary of **all** {len(told):,} words of 50 pages of documentation does not know {100 * _share['text']:.0f} % of the words "
        f"of the next 25 pages, and {100 * _share['words']:.0f} % of the different ones."
    )
    return told, asked


@app.cell
def _(asked, told):
    assert 0.02 < unknown_share(asked, told)["text"] < unknown_share(asked, told)["words"]
    assert unknown_share(told, told)["text"] == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## New words never end

    Read on, and new words come at a falling rate that never reaches zero (Heaps' law). Most of them are seen once.
    """)
    return


@app.cell
def _(told):
    once = sum(count == 1 for count in told.values()) / len(told)
    _ranked = sorted(told.values(), reverse=True)
    _ranks = [1, 3, 10, 30, 100, 300, 1_000, 3_000]
    plots.lines(
        _ranks,
        {"times seen": [_ranked[rank - 1] for rank in _ranks]},
        x="rank of the word",
        y="times seen",
        log_x=True,
        log_y=True,
        title=f"Zipf's law: {100 * once:.0f} % of the different words are seen once",
    )
    return (once,)


@app.cell
def _(once):
    assert once > 0.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A cut-off

    An id that is seen once teaches a model nothing. So words below a count become `<unk>`. Move the cut-off: the table
    shrinks fast, the unknown share
    of new text grows slowly.
    """)
    return


@app.cell
def _():
    least = mo.ui.slider(1, 8, value=2, label="words seen at least", show_value=True)
    least
    return (least,)


@app.cell
def _(asked, least, told):
    kept = {word for word, count in told.items() if count >= least.value}
    _share = unknown_share(asked, dict.fromkeys(kept, 0))
    plots.value_bars(
        {
            "share": {
                "words that keep an id": len(kept) / len(told),
                "unknown in new text": _share["text"],
                "unknown of its different words": _share["words"],
            }
        },
        y="share",
        title=f"{len(kept):,} words with an id",
    )
    return (kept,)


@app.cell
def _(asked, kept, told):
    assert unknown_share(asked, dict.fromkeys(kept, 0))["text"] >= unknown_share(asked, told)["text"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What `<unk>` forgets

    The tokenizer reads a sentence and gives it back. Every word that it does not know comes back as the same token.
    """)
    return


@app.cell
def _():
    tokenizer = train_word_tokenizer(
        ["the cat saw the dog", "the dog saw the cat and the bird", "a bird and a cat"], min_count=2
    )
    _sentence = "the cat saw the zebra and the gnu"
    mo.md(
        f"`{_sentence}` becomes {tokenizer.encode(_sentence)}, and again text: `{tokenizer.decode(tokenizer.encode(_sentence))}`"
    )
    return (tokenizer,)


@app.cell
def _(tokenizer):
    assert (
        tokenizer.decode(tokenizer.encode("the zebra")) == tokenizer.decode(tokenizer.encode("the gnu")) == "the <unk>"
    )
    assert tokenizer.decode(tokenizer.encode("the  cat")) == "the cat", "how many spaces there were is lost as well"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Buckets

    Hashing gives an unknown word one of a few ids by its spelling: always the same one. `zebra` and `gnu` can then be
    told apart, unless they share a bucket. The hash must be the same in every run, so it is a published one (FNV-1a)
    and not Python's own, which changes with each process.
    """)
    return


@app.cell
def _():
    vocabulary = {"<unk>": 0, "the": 1, "cat": 2}
    _rows = [
        f"| `{word}` | {word_id(word, vocabulary)} | {word_id(word, vocabulary, 10)} |"
        for word in ("cat", "zebra", "gnu", "okapi")
    ]
    mo.md("| word | with `<unk>` | with 10 buckets |\n|---|---|---|\n" + "\n".join(_rows))
    return (vocabulary,)


@app.cell
def _(vocabulary):
    assert word_id("cat", vocabulary, 10) == 2 and word_id("gnu", vocabulary) == 0
    assert 3 <= word_id("gnu", vocabulary, 10) < 13 and hex(fnv_1a("a")) == "0xe40c292c", "the published value"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    How many buckets? Every word that shares one is confused with another. With as many buckets as words, more than half
    still share: chance does not spread evenly.
    """)
    return


@app.cell
def _(asked, told):
    _new = [word for word in asked if word not in told]
    _sizes = [len(_new) // 8, len(_new) // 2, len(_new), 4 * len(_new), 32 * len(_new)]
    shared = [shared_buckets(_new, size) for size in _sizes]
    plots.lines(
        [size / len(_new) for size in _sizes],
        {"words that share": shared},
        x="buckets for each unknown word",
        y="share of unknown words",
        log_x=True,
        title=f"{len(_new):,} unknown words in buckets",
    )
    return (shared,)


@app.cell
def _(shared):
    assert shared == sorted(shared, reverse=True)
    assert 0.5 < shared[2] < 0.75, "1 - exp(-1) is 0.63"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the cut-off to 1: what is unknown now no cut-off can help.
    - How many buckets would make nine of ten unknown words unique? Read it off the last curve.
    - The way out of all this is smaller tokens: the lesson on `bpe` spells any word.

    Write it yourself: `groundup learn start word_id`
    """)
    return


if __name__ == "__main__":
    app.run()
