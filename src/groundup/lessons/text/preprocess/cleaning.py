"""Lesson: mojibake, invisible characters and spaces, mended step by step."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Cleaning: what cafÃ© once was", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.text.preprocess.cleaning import DEFAULT, STEPS, clean, drop_invisible, mend_mojibake, mend_surrogates


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Cleaning: what cafÃ© once was

    Text from the web has been copied, converted and pasted many times. Afterwards you recognise the commonest damage,
    know how it came about, and can undo it
    without touching what was meant.
    """)
    return


@app.cell
def _():
    broken = "\ufeffItâ€™s a cafÃ©\u00a0\u00a0with so\u00adft\u200b light.  \r\n\r\n\r\n\r\nFin \x00"
    mo.md(f"`{broken!r}` is **{len(broken)}** characters. Cleaned: `{clean(broken)!r}`, {len(clean(broken))}.")
    return (broken,)


@app.cell
def _(broken):
    assert clean(broken) == "It’s a café with soft light.\n\nFin" and clean(clean(broken)) == clean(broken)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Mojibake

    UTF-8 writes é as two bytes, C3 and A9. Whoever reads them as Windows-1252 sees two letters, Ã and ©. Saved again
    and read again wrongly, it
    becomes four. The way back is the same table: letters to bytes, bytes as UTF-8.
    """)
    return


@app.cell
def _():
    times = mo.ui.slider(0, 3, value=1, label="times misread", show_value=True)
    times
    return (times,)


@app.cell
def _(times):
    misread = "café"
    for _ in range(times.value):
        misread = misread.encode().decode("latin-1")
    plots.value_bars(
        {"characters": {"as it is": len(misread), "mended": len(mend_mojibake(misread))}},
        y="characters",
        title=f"café, misread {times.value} times",
    )
    return (misread,)


@app.cell
def _(misread, times):
    assert len(misread) == 3 + 2**times.value, "each misreading doubles what was one letter"
    assert mend_mojibake(misread) == "café"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Could the damage be meant? Only runs that would be whole UTF-8 are taken, and real text hardly ever has them: in the
    declaration of human rights in 388 translations there is one language,
    Northern Sami, whose `ášš` would be. So a run of small letters stays.
    """)
    return


@app.cell
def _():
    safe = ["ášš", "Ä ist kein Ã", "naïve", "¿Qué?"]
    assert all(mend_mojibake(one) == one for one in safe)
    mo.md("Left alone: " + ", ".join(f"`{one}`" for one in safe))
    return (safe,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What cannot be seen

    A soft hyphen, a zero-width space, a byte-order mark: a word that holds one is another word, with other tokens. Some
    change how code looks (marks of direction). But not all that is
    invisible is rubbish: the joiner makes a family of three emoji, and Persian words need its sibling.
    """)
    return


@app.cell
def _():
    hidden = {
        "pass\u200bword": "password",
        "so\u00adft": "soft",
        "\ufefftext": "text",
        "👨\u200d👩\u200d👧": "👨\u200d👩\u200d👧",
    }
    assert all(drop_invisible(before) == after for before, after in hidden.items())
    mo.md(
        "| code points before | after |\n|---|---|\n"
        + "\n".join(f"| {len(before)} | {len(drop_invisible(before))} |" for before in hidden)
    )
    return (hidden,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Halves

    A language that counts in UTF-16 can cut an emoji in half. A half is no character: no UTF-8 exists for it, and
    writing it fails. Two halves are joined, a lone one becomes the sign for what
    is lost.
    """)
    return


@app.cell
def _():
    whole = mend_surrogates("\ud83d" + "\ude00")
    assert whole == "😀" and mend_surrogates("a\ud83d") == "a\ufffd"
    mo.md(f"Two halves: {whole}. One half: {mend_surrogates(chr(0xD83D))}")
    return (whole,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step by step

    Each step alone, on the text of the beginning: how many characters it changes or removes.
    """)
    return


@app.cell
def _(broken):
    left = {name: len(STEPS[name](broken)) for name in DEFAULT}
    plots.value_bars(
        {"characters left": {"as it came": len(broken), **left, "all": len(clean(broken))}},
        y="characters",
        title="What each step takes away",
    )
    return (left,)


@app.cell
def _(broken, left):
    assert all(length <= len(broken) for length in left.values()) and len(clean(broken)) < min(left.values())
    assert "quotes" in STEPS and "quotes" not in DEFAULT, "straight quotes lose something: only when asked"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the slider to 3 and imagine finding that in a million pages.
    - `clean(text, ["spaces"])` takes one step alone. Which would you not want on source code?
    - Misread UTF-8 yourself: `"Größe".encode().decode("cp1252")`.
    """)
    return


if __name__ == "__main__":
    app.run()
