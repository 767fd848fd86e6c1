"""Lesson: Unicode normalisation, why two texts that look alike are not equal, and how they become so."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Unicode: one letter, two spellings", width="medium")

with app.setup:
    import unicodedata

    import marimo as mo

    from groundup import plots
    from groundup.text.preprocess.normalize import (
        FORMS,
        compose,
        decompose,
        fold_case,
        join_pair,
        normalize,
        order_marks,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Unicode: one letter, two spellings

    A letter with an accent can be one code point or two. On the screen they are the same, for a computer they are
    different texts, and
    a tokenizer gives them different ids. Afterwards you can take a text apart, put its marks in order and join it
    again, as the standard does.
    """)
    return


@app.cell
def _():
    one, two = "Café", "Cafe\u0301"
    mo.md(
        f"`{one}` and `{two}`: equal is **{one == two}**. The first has {len(one)} code points, the second {len(two)}."
    )
    return one, two


@app.cell
def _(one, two):
    assert one != two and len(one.encode()) == 5 and len(two.encode()) == 6
    assert normalize(one) == normalize(two) == one
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Taken apart

    Every character with a canonical decomposition is replaced by it, again and again until nothing comes apart. The
    Vietnamese ế falls into
    three. What a character falls into stands in Python's `unicodedata`.
    """)
    return


@app.cell
def _():
    letter = mo.ui.dropdown(["é", "ế", "Å", "한", "ﬁ", "²", "x"], value="ế", label="character")
    letter
    return (letter,)


@app.cell
def _(letter):
    apart = decompose(letter.value)
    _rows = [
        f"| {unicodedata.name(c, 'a Korean letter')} | U+{ord(c):04X} | {unicodedata.combining(c)} |" for c in apart
    ]
    mo.md(
        f"`{letter.value}` becomes **{len(apart)}**:\n\n| name | code point | combining class |\n|---|---|---|\n"
        + "\n".join(_rows)
    )
    return (apart,)


@app.cell
def _(letter):
    plots.value_bars(
        {form: {letter.value: len(normalize(letter.value, form).encode())} for form in FORMS},
        y="bytes",
        title=f"The four forms of {letter.value}",
    )
    return


@app.cell
def _(apart, letter):
    assert apart == unicodedata.normalize("NFD", letter.value), "Python's own (in C) takes it apart in the same way"
    assert compose(apart) == letter.value or letter.value in "Å", "joined again it is what it was"
    assert decompose("ﬁ²") == "ﬁ²" and decompose("ﬁ²", compatible=True) == "fi2"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A ligature such as ﬁ is not taken apart: it means the same as fi but does not look the same. That is what the forms
    with a K
    (for compatibility) are for. They lose something: 2² becomes 22.

    ## Put in order

    Two marks on one letter can be typed in two orders. Where they do not touch, a dot below and an accent above, the
    order means nothing, so
    it is fixed: by combining class, which says where a mark stands. Marks of one class stack, and their order shows, so
    it stays.
    """)
    return


@app.cell
def _():
    first, second = "q\u0307\u0323", "q\u0323\u0307"
    assert first != second and order_marks(first) == second == order_marks(second)
    assert order_marks("a\u0301\u0300") != order_marks("a\u0300\u0301"), "acute and grave stand above each other"
    mo.md(f"A dot above, then below: `{first}`. Below, then above: `{second}`. In order they are one text.")
    return first, second


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Joined again

    Now each mark looks for its base: the last letter before it. If one code point exists for the two (`join_pair`), it
    takes their place, and
    may join with the next mark. A mark of the same class between them blocks: it would have to jump over it.
    """)
    return


@app.cell
def _():
    _text, steps = "e\u0323\u0302\u0301", []
    _base = _text[0]
    for _mark in _text[1:]:
        _joined = join_pair(_base, _mark)
        steps = [
            *steps,
            f"| `{_base}` + U+{ord(_mark):04X} | {'`' + _joined + '`' if _joined else 'no code point: both stay'} |",
        ]
        _base = _joined or _base
    mo.md("| pair | joins to |\n|---|---|\n" + "\n".join(steps))
    return (steps,)


@app.cell
def _(steps):
    assert compose("e\u0323\u0302\u0301") == "ệ\u0301" and len(steps) == 3
    assert compose("a\u0305\u0301") == "a\u0305\u0301", "a macron above stands between a and the acute"
    assert compose("\u1112\u1161\u11ab") == "한", "Korean syllables are joined by arithmetic"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The four forms

    Two questions make four forms: replace what only looks different (K)? Join again (C) or leave apart (D)? Taken apart
    a text is longer;
    how much depends on the language.
    """)
    return


@app.cell
def _():
    languages = {
        "English": "The cat looks out of the window.",
        "French": "Le chat a été ébloui par la lumière.",
        "Vietnamese": "Con mèo nhìn ra ngoài cửa sổ.",
        "Korean": "고양이가 창밖을 본다.",
        "Greek": "Η γάτα κοιτάζει έξω από το παράθυρο.",
    }
    plots.value_bars(
        {
            form: {name: len(normalize(text, form).encode()) / len(text.encode()) for name, text in languages.items()}
            for form in FORMS
        },
        y="bytes, relative to the text as typed",
        title="Apart, a text of Korean is twice as long",
    )
    return (languages,)


@app.cell
def _(languages):
    for _text in languages.values():
        assert normalize(normalize(_text, "NFD"), "NFC") == normalize(_text, "NFC"), "nothing is lost between C and D"
        assert all(normalize(normalize(_text, _form), _form) == normalize(_text, _form) for _form in FORMS), (
            "twice is once"
        )
    assert len(normalize(languages["Korean"], "NFD").encode()) > 2 * len(languages["Korean"].encode())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Case

    Case folding is the other way in which texts are made equal, for search. It is more than lower case: ß and SS meet,
    and so do the three
    sigmas of Greek.
    """)
    return


@app.cell
def _():
    pairs = [("Straße", "STRASSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Å", "a\u030a")]
    assert all(fold_case(left) == fold_case(right) for left, right in pairs)
    assert "Straße".lower() != "STRASSE".lower(), "lower case alone does not do it"
    mo.md("\n".join(f"- `{left}` and `{right}` fold to `{fold_case(left)}`" for left, right in pairs))
    return (pairs,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose 한 in the list: three Korean letters, found without any table.
    - Normalise your own name in all forms and count its bytes.
    - Which form should a chat model's input have? NFKC would turn x² into x2; NFC changes nothing one can see.

    Write it yourself: `groundup learn start compose`
    """)
    return


if __name__ == "__main__":
    app.run()
