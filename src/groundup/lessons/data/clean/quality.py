"""Lesson: rules that tell prose from the rest of the web, what each stops, and whom it hits by mistake."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Quality: rules for the web", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.quality import GOPHER, figures, judge, rules
    from groundup.data.clean.repetition import repetition_reference, repetitions


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Quality: rules for the web

    Of the pages a crawler brings, most are no prose: menus, lists of prices, the same sentence forty times. Reading them all is out of the
    question, but counting is cheap. Afterwards you can say what each of Gopher's rules measures, and what it costs.
    """)
    return


@app.cell
def _():
    prose = (
        "The river rises in the hills to the north, and for the first miles it is hardly more than a brook. "
        "Farmers have used its water since the valley was settled, with ditches that lead it between the fields. "
        "In dry years there were quarrels about who might open his gate first, and old books are full of them. "
        "Today a board decides, which meets twice a year in the back room of the inn and writes it all down."
    )
    pages = {
        "prose": prose,
        "one sentence, forty times": "Buy the best shoes of the town and save money. " * 40,
        "a menu": "\n".join(f"- Item {at} of the list" for at in range(60)),
        "teasers": "\n".join(f"What happened to the {at} people of that town will amaze you..." for at in range(12)),
        "German prose": "Der Fluss entspringt in den Hügeln im Norden und fließt durch das ganze Tal bis zum Meer. "
        * 6,
    }
    verdicts = {name: judge(text) for name, text in pages.items()}
    mo.md(
        "| page | verdict |\n|---|---|\n"
        + "\n".join(f"| {name} | {'kept' if broken is None else broken.reason} |" for name, broken in verdicts.items())
        + "\n\nThe last one is good prose. The rules were made for English, and **judge everything else wrongly**."
    )
    return pages, prose, verdicts


@app.cell
def _(verdicts):
    assert [name for name, broken in verdicts.items() if broken is None] == ["prose"]
    assert verdicts["German prose"].rule == "stop words"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    What repeats itself is measured in runs of words. In *to be or not to be* the run *to be* comes twice. Its second place holds 4 of the
    13 characters (white space does not count). Of the *most frequent* run, both places count: 8 of 13.
    """)
    return


@app.cell
def _():
    words = "to be or not to be".split()
    again, top = repetition_reference(words, 2), repetition_reference(words, 2, top=True)
    mo.md(f"Came before: **{again:.3f}**. In the most frequent run: **{top:.3f}**.")
    return again, top, words


@app.cell
def _(again, top, words):
    assert again == 4 / 13 and top == 8 / 13
    assert repetitions(words)["top_2"] == top
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much repetition is too much?

    Below, good prose with one sentence of it appended again and again. Each bar is a measure as a part of what its rule allows: above 1 the page goes.
    """)
    return


@app.cell
def _():
    copies = mo.ui.slider(0, 8, value=1, label="copies of a sentence", show_value=True)
    copies
    return (copies,)


@app.cell
def _(copies, prose):
    _text = prose + " " + (prose[:98] + " ") * copies.value
    measured = figures(_text, rules("gopher-repetition"))
    share = {
        rule.name.removeprefix("characters in "): measured[rule.name] / rule.high
        for rule in rules("gopher-repetition")
        if "gram" in rule.name
    }
    broken = judge(_text)
    plots.value_bars({"of what is allowed": share}, y="part", title=broken.reason if broken else "kept")
    return broken, measured, share


@app.cell
def _(broken, copies, share):
    assert (broken is None) == (max(share.values()) <= 1)
    assert (broken is None) == (copies.value == 0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whom does it hit?

    A rule is a line drawn through honest texts too. Here the prose is cut to fewer and fewer words; nothing is wrong with it, but from some length on it goes.
    """)
    return


@app.cell
def _(prose):
    lengths = np.arange(10, 75, 5)
    kept = [judge(" ".join(prose.split()[:count])) is None for count in lengths]
    plots.lines(
        lengths, {"kept": np.array(kept, float)}, x="words", y="kept", marked=True, title="A short text is dropped"
    )
    return kept, lengths


@app.cell
def _(kept, lengths):
    assert [int(count) for count, good in zip(lengths, kept, strict=True) if good] == list(range(50, 75, 5))
    assert GOPHER[0].low == 50
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One copy of a sentence is enough for the page to go: of a short page it is a large part. Append it to a page of ten sentences.
    - Two copies: the measures of ten words grow fastest against what they allow. Why are their bounds the lowest?
    - `rules("gopher", words=(20, 100000))` keeps short texts. Judge the prose's first 30 words with it.

    Write it yourself: `groundup learn start repetition_reference`
    """)
    return


if __name__ == "__main__":
    app.run()
