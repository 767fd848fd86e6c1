"""Lesson: the suffix array, and how passages that stand in several documents are found with it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Suffix arrays: what comes twice", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.dedup.substring import longest_repeat, strike
    from groundup.data.dedup.suffix_array import lcp, suffix_array
    from groundup.data.sources import tinyworld


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Suffix arrays: what comes twice

    A licence, a menu, a quotation: passages stand in thousands of documents that are otherwise different, and neither a fingerprint of the whole document
    nor its likeness to others finds them. Afterwards you can find every passage that comes twice in a text, whatever its length, with one sort.
    """)
    return


@app.cell
def _():
    notice = "The keeper of this page is not to blame for anything that is written on it."
    stories = [document.text for document in tinyworld.sample(0, 200)]
    _draw = np.random.default_rng(0)
    planted = sorted(_draw.choice(200, 40, replace=False).tolist())
    texts = [f"{text} {notice}" if at in planted else text for at, text in enumerate(stories)]
    struck = list(strike(texts, 60))
    cut = [at for at, one in enumerate(struck) if any("keeper" in texts[at][p.begin : p.end] for p in one.passages)]
    mo.md(
        f"In 40 of 200 stories the same notice was hidden. It stays in the first, and **{len(cut)}** of the 39 others lost it; "
        f"how it is worded was told to nobody."
    )
    return cut, notice, planted, stories, struck, texts


@app.cell
def _(cut, notice, planted, struck):
    assert cut == planted[1:]
    assert sum(notice in one.text for one in struck) == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    A *suffix* is the rest of a text from some place on. Sort all suffixes of *banana* as a dictionary would. What comes twice in the text is
    the beginning of two suffixes, and in the dictionary these are **neighbours**. So it suffices to compare each with the next.
    """)
    return


@app.cell
def _():
    word = b"banana"
    order = suffix_array(word)
    shared = lcp(np.frombuffer(word, np.uint8), order)[order]
    mo.md(
        "| begins at | suffix | shares with the one above |\n|---|---|---|\n"
        + "\n".join(f"| {at} | {word[at:].decode()} | {length} |" for at, length in zip(order, shared, strict=True))
    )
    return order, shared, word


@app.cell
def _(order, shared, word):
    assert order.tolist() == sorted(range(6), key=lambda at: word[at:]) == [5, 3, 1, 0, 4, 2]
    assert shared.tolist() == [0, 1, 3, 0, 0, 2]
    assert longest_repeat(word) == b"ana", "the two overlap"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why not just sort?

    Sorting compares, and comparing two suffixes takes as many steps as they share, and one more. In a text that repeats itself that is nearly all of them. The
    library sorts only the places where a text turns from falling to rising, and derives the order of the rest from theirs (SA-IS): each character is
    touched a fixed number of times, whatever the text. Below, how many characters one comparison of neighbours reads. Choose the text.
    """)
    return


@app.cell
def _():
    kind = mo.ui.dropdown(["stories", "one letter again and again"], value="one letter again and again", label="text")
    kind
    return (kind,)


@app.cell
def _(kind, stories):
    _whole = " ".join(stories).encode() if kind.value == "stories" else b"a" * 20_000
    sizes = [1000, 2000, 4000, 8000, 16000]
    read, equal = [], []
    for _size in sizes:
        _text = _whole[:_size]
        _order = suffix_array(_text)
        equal.append(_order.tolist() == sorted(range(_size), key=lambda at, text=_text: text[at:]))
        read.append(float(lcp(np.frombuffer(_text, np.uint8), _order).mean()) + 1)
    plots.lines(
        sizes,
        {"read by one comparison": read},
        x="bytes of text",
        y="characters",
        log_x=True,
        log_y=True,
        marked=True,
        title=f"{kind.value}: {read[-1]:,.0f} characters in 16,000 bytes",
    )
    return equal, read, sizes


@app.cell
def _(equal, kind, read, sizes):
    assert all(equal), "the same order"
    if kind.value == "stories":
        assert read[-1] < 40, "hardly more than words share"
    else:
        assert [round(2 * count) for count in read] == [size + 1 for size in sizes], "half of the text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From how many bytes on?

    Every story says *Once upon a time*; that is language and no copy. The number of bytes from which a passage counts as one decides what is lost.
    Lee and others took 50 tokens, some 200 bytes. Move it, and see how much of the stories themselves would go.
    """)
    return


@app.cell
def _():
    least = mo.ui.slider(steps=[15, 30, 60, 120], value=30, label="bytes of a passage", show_value=True)
    least
    return (least,)


@app.cell
def _(least, stories, texts):
    lost = {}
    for _name, _corpus in (("stories alone", stories), ("with the notice", texts)):
        _left = sum(len(one.text) for one in strike(_corpus, least.value))
        lost[_name] = 1 - _left / sum(map(len, _corpus))
    plots.value_bars(
        {"struck": lost},
        y="part of all characters",
        title=f"Passages of {least.value} bytes and more: {lost['stories alone']:.0%} of the stories",
    )
    return (lost,)


@app.cell
def _(least, lost):
    assert 0 <= lost["stories alone"] <= 1
    assert least.value < 60 or lost["with the notice"] > lost["stories alone"] or least.value > 76
    assert least.value > 15 or lost["stories alone"] > 0.3, "short passages are language"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Passages of 15 bytes: most of the stories goes, because they are told in the same words. Of 120: even the notice stays, it is shorter.
    - The text of one letter: each comparison reads half of it, so twice the text takes four times as long to sort as strings.
    - What would remain of *aaaaaaaa* if passages of three letters were struck? Try `strike(["aaaaaaaa"], 3)`.

    Write it yourself: `groundup learn start longest_repeat_reference`
    """)
    return


if __name__ == "__main__":
    app.run()
