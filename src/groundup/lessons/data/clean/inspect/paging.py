"""Lesson: reading what a filter threw away, how many documents say how often it errs, and what a corpus tells about itself in figures."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Read what you throw away", width="medium")

with app.setup:
    import json
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.inspect import profile
    from groundup.data.clean.inspect.paging import Wanted, page
    from groundup.data.documents import Document
    from groundup.data.pipeline.etl import Pipeline, run
    from groundup.data.pipeline.steps import Length, Match
    from groundup.data.sources import tinyworld
    from groundup.evaluation.metrics.calibration import wilson


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Read what you throw away

    A filter is written in a minute, runs over a million documents, and nobody reads one of them. Whether it took spam or poems shows
    in what it dropped. Afterwards you know how to look, how many documents to read until a sentence about all of them is justified, and
    which figures of a corpus give trouble away before training does.
    """)
    return


@app.cell
def _():
    _draw = np.random.default_rng(0)
    _who = ["fox", "bee", "owl", "hare", "crow"]
    _where = ["in the cage", "on the bridge", "by the mill", "under the oak", "at the market"]
    honest_ways = [
        "One morning the {who} sat {where} and thought of the winter, and then it went home.",
        "The door stood open at last, and the {who} was free. It stayed {where} until the evening.",
        "Entry to the museum {where} is free on Sundays; the {who} in the first hall is made of clay.",
    ]
    spam_ways = [
        "Get FREE coins now! Click here and win, the {who} offer ends {where} at noon today.",
        "Make money fast {where}. Free gift for everybody who calls the {who} line tonight.",
    ]
    texts, spam_ids = [], set()
    for _number in range(1, 601):
        _spam = _draw.random() < 0.3
        _ways = spam_ways if _spam else honest_ways
        _way = _ways[int(_draw.choice(len(_ways), p=[0.5, 0.5] if _spam else [0.7, 0.2, 0.1]))]
        texts.append(_way.format(who=_draw.choice(_who), where=_draw.choice(_where)))
        spam_ids |= {f"pages.jsonl:{_number}"} if _spam else set()

    def filtered(pattern):
        """The reasons, and the dropped and kept documents, of a pipeline with this pattern."""
        with tempfile.TemporaryDirectory() as _folder:
            _source = Path(_folder) / "pages.jsonl"
            _source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
            _report = run(
                Pipeline(steps=(Length(min_characters=40), Match(pattern=pattern))), _source, Path(_folder) / "out"
            )
            _pages = [page(Path(_folder) / "out", Wanted(kept=kept), size=1_000)["documents"] for kept in (False, True)]
        return _report["steps"][1]["dropped"], *_pages

    reasons, dropped, kept = filtered("(?i)free")
    mo.md(
        f"A rule against spam: drop whatever says *free*. Of {len(texts)} documents it drops **{len(dropped)}**, and the report "
        "says for each: "
        f"{', '.join(reasons)}. A success?"
    )
    return dropped, filtered, honest_ways, kept, reasons, spam_ids, spam_ways, texts


@app.cell
def _(dropped, kept, reasons, spam_ids, texts):
    assert len(dropped) + len(kept) == len(texts) and reasons == {"matches the pattern": len(dropped)}
    assert {one["id"] for one in dropped} >= spam_ids, "all spam is gone"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A page of it

    What was dropped is a table beside what was kept: the document, the step, the reason, and what was found where. On the
    command line: `groundup data inspect OUT --step match`. Five of them, drawn at random; the first five would all come from the
    beginning of the first file.
    """)
    return


@app.cell
def _(dropped):
    _order = np.random.default_rng(3).permutation(len(dropped))
    five = [dropped[int(at)] for at in _order[:5]]
    mo.md(
        "| id | found | text |\n|---|---|---|\n"
        + "\n".join(f"| {one['id']} | {one['detail']} | {one['text']} |" for one in five)
    )
    return (five,)


@app.cell
def _(five, spam_ids):
    assert all(one["step"] == "2 match" and "at character" in one["detail"] for one in five)
    assert 0 < sum(one["id"] in spam_ids for one in five) < 5, "spam, and what is none"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How many must one read?

    Not all. Of $n$ documents drawn at random, $k$ were honest: then the share among all that were dropped lies, 95 times in 100, in
    Wilson's interval around $k / n$. It narrows with $\sqrt n$: four times the reading for half the width. Here somebody reads on
    and on.
    """)
    return


@app.cell
def _(dropped, spam_ids):
    _order = np.random.default_rng(3).permutation(len(dropped))
    _honest = np.array([dropped[int(at)]["id"] not in spam_ids for at in _order])
    amounts = [5, 10, 20, 40, 80, 160]
    truth = float(_honest.mean())
    read = [wilson(int(_honest[:count].sum()), count) for count in amounts]
    plots.lines(
        amounts,
        {
            "honest among those read": [one.value for one in read],
            "interval, from": [one.low for one in read],
            "interval, to": [one.high for one in read],
        },
        x="documents read",
        y="share",
        log_x=True,
        marked=True,
        levels={"of all that were dropped": truth},
        title=f"After {amounts[2]} it is clear that the rule is bad",
    )
    return amounts, read, truth


@app.cell
def _(read, truth):
    assert all(one.low <= truth <= one.high for one in read)
    assert read[2].low > 0.1, "after twenty documents: more than a tenth is honest"
    _widths = [one.high - one.low for one in read]
    assert _widths == sorted(_widths, reverse=True) and 1.6 < _widths[2] / _widths[4] < 2.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Look, change, look again

    Who has read five pages writes a better rule. Choose one, and look at both sides: what went wrongly, and what stayed wrongly.
    """)
    return


@app.cell
def _():
    pattern = mo.ui.dropdown(
        ["(?i)free", "FREE", "(?i)free (coins|gift)", "(?i)\\bclick here\\b|!"],
        value="(?i)free",
        label="drop what matches",
    )
    pattern
    return (pattern,)


@app.cell
def _(filtered, pattern, spam_ids):
    _, _dropped, _kept = filtered(pattern.value)
    tally = {
        name: {"dropped": sum(one["id"] in spam_ids for one in _dropped) if spam else sum(one["id"] not in spam_ids for one in _dropped),
               "kept": sum(one["id"] in spam_ids for one in _kept) if spam else sum(one["id"] not in spam_ids for one in _kept)}
        for name, spam in (("spam", True), ("honest", False))
    }  # fmt: skip
    plots.value_bars(
        tally,
        y="documents",
        title=f"{tally['honest']['dropped']} honest ones lost, {tally['spam']['kept']} of spam left",
    )
    return (tally,)


@app.cell
def _(pattern, spam_ids, tally, texts):
    assert sum(tally["spam"].values()) == len(spam_ids)
    assert sum(map(sum, (one.values() for one in tally.values()))) == len(texts)
    if pattern.value == "(?i)free (coins|gift)":
        assert tally["honest"]["dropped"] == tally["spam"]["kept"] == 0
    if pattern.value == "FREE":
        assert tally["honest"]["dropped"] == 0 < tally["spam"]["kept"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A corpus in figures

    Pages show single documents. What is odd about a whole source shows in figures: `groundup data profile FOLDER` counts lengths,
    scripts, lines that came before, and asks an n-gram model that learned from half of everything how surprising each source is.
    Here are three sources: stories, other stories whose words were shuffled, and one page of a template, again and again.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0.0, 1.0, step=0.25, value=1.0, label="part of the words that is shuffled", show_value=True)
    share
    return (share,)


@app.cell
def _(share):
    def _shuffled(words, draw):
        """The words, some of them at one another's places."""
        _places = np.flatnonzero(draw.random(len(words)) < share.value)
        _moved = dict(zip(_places.tolist(), draw.permutation(_places).tolist(), strict=True))
        return " ".join(words[_moved.get(at, at)] for at in range(len(words)))

    _draw = np.random.default_rng(0)
    _stories = [one.text for one in tinyworld.sample(1, 240)]
    documents = [
        *(Document(f"a{at}", text, "stories") for at, text in enumerate(_stories[:120])),
        *(Document(f"b{at}", _shuffled(text.split(), _draw), "shuffled") for at, text in enumerate(_stories[120:])),
        *(Document(f"c{at}", f"Item {at} is in stock. Order it today, and it is yours tomorrow.", "template") for at in range(120)),
    ]  # fmt: skip
    figures = profile.measure(documents)
    bits = {source: part["bits_per_word"] for source, part in figures["sources"].items()}
    plots.value_bars(
        {"bits": bits},
        y="bits a word",
        title=f"Shuffled by {share.value:.0%}: {bits['shuffled'] - bits['stories']:+.1f} bits against the stories",
    )
    return bits, documents, figures


@app.cell
def _(bits, figures, share):
    assert figures["documents"] == 360 and set(bits) == {"stories", "shuffled", "template"}
    assert bits["template"] < min(bits["stories"], bits["shuffled"])
    if share.value >= 0.5:
        assert bits["shuffled"] > bits["stories"] + 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Both ends are suspicious. Wenzek et al. (2020) sort the web by such a figure, by a model of Wikipedia, into a head, a middle and a
    tail. Text that is much too easy is a menu or a licence. Other figures, of the same three:
    """)
    return


@app.cell
def _(figures):
    _named = {"words": "median_words", "letters": "letters", "lines that came before": "lines_seen_before"}
    table = {source: {name: part[key] for name, key in _named.items()} for source, part in figures["sources"].items()}
    mo.md(
        "| source | " + " | ".join(_named) + " |\n|---|" + "---|" * len(_named) + "\n"
        + "\n".join(f"| {source} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |" for source, row in table.items())
    )  # fmt: skip
    return (table,)


@app.cell
def _(documents, table):
    assert table["template"]["words"] == 13
    _forward, _backward = (profile.sampled(order, 20)[0] for order in (documents, documents[::-1]))
    assert {one.id for one in _forward} == {one.id for one in _backward}, "the sample is the same in any order"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - *FREE*: no honest document is lost, and half of the spam stays. Which of the two errors is worse before training?
    - A quarter of the words shuffled: is it seen in the bars? In a page of five?
    - On your own: `groundup data profile FOLDER`, then `groundup data inspect OUT --reason WORDS`, and `--find ID` for one document.
    """)
    return


if __name__ == "__main__":
    app.run()
