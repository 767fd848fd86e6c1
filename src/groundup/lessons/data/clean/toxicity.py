"""Lesson: a filter of rude pages that learned from labelled rows: what its threshold costs, and why one in a thousand changes everything."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Right 99 times of 100, and mostly wrong", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.classifier import features, train
    from groundup.data.clean.roc import auc, auc_interval
    from groundup.data.clean.toxicity import Rules, Trained


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Right 99 times of 100, and mostly wrong

    Hateful pages are taken out of a corpus by a list of words or by a classifier that learned from labelled rows. Either makes
    mistakes, and there are few such pages among very many others. Afterwards you know how such a classifier reads a page, how a threshold is
    chosen, and who pays for it. The rudeness here is harmless, and made by a small grammar.

    First without any model: a filter finds nine of ten rude pages and drops one in a hundred of the others. One page in a
    thousand is rude.
    """)
    return


@app.cell
def _():
    pages, rate = 1_000_000, 0.001
    rightly, wrongly = pages * rate * 0.9, pages * (1 - rate) * 0.01
    mo.md(
        f"Of {pages:,} pages {rightly + wrongly:,.0f} are dropped, and **{wrongly / (rightly + wrongly):.0%}** of the dropped ones had "
        "nothing wrong with them."
    )
    return pages, rate, rightly, wrongly


@app.cell
def _(pages, rate, rightly, wrongly):
    assert 0.91 < wrongly / (rightly + wrongly) < 0.93
    assert wrongly < 0.01 * pages and rightly < rate * pages, "and yet both rates are what was promised"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Rows with labels

    A page is some plain sentences. A rude one has one that is meant for the reader. And three in ten of both kinds *quote* such
    words: somebody tells what was said to her, a school says what it does not allow. Some pages are written with digits for letters.
    """)
    return


@app.cell
def _():
    rude_words = "silly clumsy useless boring hopeless lazy".split()
    slots = {
        "place": "bakery station library market garden harbour school museum".split(),
        "thing": "soup map chair letter song lamp cake story".split(),
        "day": "Monday Tuesday Wednesday Thursday Friday".split(),
        "word": rude_words,
    }
    sentences = {
        "plain": ["The {place} opens on {day}.", "On {day} we saw a {thing} in the {place}.", "The {thing} from the {place} was late."],
        "kind": ["Thank you for the lovely {thing}.", "What a good {thing} you made!", "I am glad that you came on {day}."],
        "rude": ["You are a {word} {thing}.", "Nobody wants your {word} {thing}, go away!", "What a {word} {thing} you are."],
        "quoted": ["She was called {word} on {day}, and it hurt.", "Who calls a neighbour {word} has to leave the {place}."],
    }  # fmt: skip

    def pick(draw, listed):
        """One of a list."""
        return listed[int(draw.integers(len(listed)))]

    def page(draw, rude, quoting):
        """A page of three to eight sentences."""
        kinds = ["plain"] * int(draw.integers(2, 6)) + ["kind"] + ["rude"] * rude + ["quoted"] * quoting
        made = [
            pick(draw, sentences[kinds[at]]).format(**{name: pick(draw, listed) for name, listed in slots.items()})
            for at in draw.permutation(len(kinds))
        ]
        text = " ".join(made)
        return text.translate(str.maketrans("oi", "01")) if draw.random() < 0.2 else text

    def rows(seed, count):
        """Pages, half of them rude; which are; which quote."""
        draw = np.random.default_rng(seed)
        rude, quoting = np.arange(count) % 2 == 0, draw.random(count) < 0.3
        return [page(draw, *map(bool, both)) for both in zip(rude, quoting, strict=True)], rude, quoting

    texts, rude, quoting = rows(1, 3_000)
    _kinds = {"rude": rude & ~quoting, "quoting": quoting & ~rude, "neither": ~quoting & ~rude}
    mo.md("\n".join(f"- {name}: *{texts[np.flatnonzero(which)[1]]}*" for name, which in _kinds.items()))
    return page, pick, quoting, rows, rude, rude_words, sentences, slots, texts


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A list of words

    The rules drop a page that has a listed word. They undo digits that stand for letters, and cannot see who speaks to whom.
    """)
    return


@app.cell
def _(quoting, rude, rude_words, texts):
    _rules = Rules(rude_words, share=0, least=1)
    listed = np.array([_rules.judge(text) is not None for text in texts])
    by_list = {
        "rude": float(listed[rude].mean()),
        "quoting": float(listed[quoting & ~rude].mean()),
        "neither": float(listed[~quoting & ~rude].mean()),
    }
    mo.md("| pages | dropped |\n|---|---|\n" + "\n".join(f"| {name} | {part:.0%} |" for name, part in by_list.items()))
    return by_list, listed


@app.cell
def _(by_list):
    assert by_list == {"rude": 1, "quoting": 1, "neither": 0}, "whoever speaks about it is dropped with it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    All its mistakes hit one kind of page: those of people who were insulted and say so. Dodge et al. (2021) found the same in C4,
    whose list of words took out more of what is written by and about minorities.

    ## Pieces instead of words

    The classifier takes words, pairs of words, and all runs of 3 to 5 bytes, and maps each to one of $2^{18}$ weights by a hash. A
    page's probability is a sigmoid of their sum:

    $$p = \sigma\Big(b + \frac{1}{\sqrt n}\sum_{i=1}^{n} w_{h(g_i)}\Big)$$

    There is no list of what exists: a word that nobody wrote before shares most of its pieces with the one it was made from. How
    many places does a new spelling have in common with `useless`?
    """)
    return


@app.cell
def _():
    def common(spelling, word="useless"):
        """The part of a word's places that a spelling has too."""
        return len(set(features(word)) & set(features(spelling))) / len(set(features(word)))

    spellings = ["useless", "uselesss", "use-less", "uzeless", "lovely"]
    shared = {spelling: common(spelling) for spelling in spellings}
    plots.value_bars({"places": shared}, y="part of the places of 'useless'", title="Misspelled, and still known")
    return common, shared, spellings


@app.cell
def _(rude_words, shared, spellings):
    assert shared["useless"] == 1 and shared["uselesss"] > 0.6 and shared["lovely"] < 0.1
    assert Rules(rude_words, share=0, least=1).judge(spellings[1]) is None, "to a list it is another word"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Trained on 200 rows

    Labels cost a person's time, so there are few: 200 here. The 3,000 pages that follow were not among them. What scores do rude pages
    get, and what the others?
    """)
    return


@app.cell
def _(rows, rude, texts):
    _rows, _labels, _ = rows(0, 200)
    model = train(_rows, _labels)
    scores = model.scores(texts)
    area = auc(scores, rude)
    plots.histogram(
        {"rude": scores[rude], "not rude": scores[~rude]},
        bins=30,
        x="probability that the page is rude",
        title=f"A rude page scores higher than another one in {area:.1%} of the pairs",
    )
    return area, model, scores


@app.cell
def _(area, rude, scores):
    _pairs = scores[rude][:, None] > scores[~rude][None, :]
    assert abs(_pairs.mean() - area) < 1e-9, "the area under the ROC curve is this count of pairs"
    assert 0.95 < area < 1
    assert auc_interval(0.99, 10, 10)[0] < 0.79 and auc_interval(0.99, 1_500, 1_500)[0] > 0.98, "rows make it sure"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A threshold is a choice

    Wherever the line is drawn, some rude pages stay below and some others lie above. All lines together make the ROC curve: the part
    of rude pages found, by the part of other pages dropped. Choose a threshold:
    """)
    return


@app.cell
def _():
    threshold = mo.ui.slider(0.1, 0.9, step=0.1, value=0.5, label="threshold", show_value=True)
    threshold
    return (threshold,)


@app.cell
def _(area, listed, rude, scores, threshold):
    mistakes = np.geomspace(1 / 1_500, 1, 60)
    found = [float((scores[rude] >= np.quantile(scores[~rude], 1 - part)).mean()) for part in mistakes]
    caught = float((scores[rude] >= threshold.value).mean())
    mistaken = float((scores[~rude] >= threshold.value).mean())
    plots.lines(
        mistakes,
        {"classifier": found},
        x="part of the other pages that are dropped",
        y="part of the rude pages found",
        log_x=True,
        upright={f"threshold {threshold.value:g}": max(mistaken, mistakes[0]), "the list": float(listed[~rude].mean())},
        title=f"From {threshold.value:g} on: {caught:.1%} found, {mistaken:.1%} of the others dropped (area {area:.3f})",
    )
    return caught, found, mistaken, mistakes


@app.cell
def _(caught, found, mistaken, model, rude, texts, threshold):
    _verdicts = Trained(model, threshold.value).judge_all(texts)
    _dropped = np.array([verdict is not None for verdict in _verdicts])
    assert _dropped[rude].mean() == caught and _dropped[~rude].mean() == mistaken
    assert (np.diff(found) >= 0).all(), "more found, more dropped by mistake: there is no way around"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One in a thousand

    The curve does not say how many rude pages there are. Half of the labelled rows were; of a corpus it may be one in a thousand.
    With $b$ for that part, the dropped pages that are rude are

    $$\frac{b \cdot \text{found}}{b \cdot \text{found} + (1 - b) \cdot \text{mistaken}}$$

    Here it is by $b$, for the threshold above, for the list, and for the line above which one of the 1,500 other pages lies:
    """)
    return


@app.cell
def _(caught, listed, mistaken, rude, scores, threshold):
    def precision(part, found, mistaken):
        """The part of the dropped pages that are rude, when so many pages are."""
        return part * found / (part * found + (1 - part) * mistaken)

    parts = np.geomspace(1e-4, 0.5, 40)
    strict = float(np.sort(scores[~rude])[-2])  # one page of the 1,500 lies above
    strictly = float((scores[rude] > strict).mean()), float((scores[~rude] > strict).mean())
    curves = {
        f"threshold {threshold.value:g}": precision(parts, caught, max(mistaken, 1e-9)),
        "the list": precision(parts, float(listed[rude].mean()), float(listed[~rude].mean())),
        "one other page in 1,500": precision(parts, *strictly),
    }
    plots.lines(
        parts,
        curves,
        x="part of all pages that are rude",
        y="part of the dropped pages that are rude",
        log_x=True,
        upright={"one in a thousand": 0.001},
        title=f"The strictest line finds {strictly[0]:.0%} of the rude pages",
    )
    return curves, parts, precision, strict, strictly


@app.cell
def _(curves, pages, precision, rate, rightly, strictly, wrongly):
    assert abs(precision(rate, 0.9, 0.01) - rightly / (rightly + wrongly)) < 1e-12, "the number at the beginning"
    assert all((np.diff(curve) > -1e-12).all() for curve in curves.values()), "the rarer, the more innocent ones"
    assert precision(rate, *strictly) > 3 * precision(rate, 1, 0.3) and strictly[0] < 1
    assert precision(rate, 1, 0.3) < 0.004 and pages > 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the probability means

    The model says 0.9 to a page *as if* half of all pages were rude, because half of its rows were. Elsewhere the odds are to be
    multiplied by those of the corpus: $9 \times \frac{0.001}{0.999}$. So a threshold of 0.5 on the web is no coin's toss but a line
    far over on one side; and it is chosen by the part of the corpus that it drops, on pages from there.
    """)
    return


@app.cell
def _(rate):
    said = [0.5, 0.9, 0.99, 0.999]
    odds = [one / (1 - one) * rate / (1 - rate) for one in said]
    meant = [one / (1 + one) for one in odds]
    mo.md(
        "| said, trained on half and half | meant, where one in a thousand is rude |\n|---|---|\n"
        + "\n".join(f"| {one:g} | {other:.2%} |" for one, other in zip(said, meant, strict=True))
    )
    return meant, odds, said


@app.cell
def _(meant, rate):
    assert abs(meant[0] - rate) < 1e-12, "one half says nothing new: the page is as likely rude as any"
    assert meant[1] < 0.01 and 0.45 < meant[3] < 0.55
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    And to measure one mistake in a thousand takes thousands of rows without a fault: of 1,500 the strictest line above let one through,
    and that could as well have been none or four. So an area comes with an interval: 0.99 on twenty rows does not speak against a true
    area of 0.79 (`auc_interval`).

    ## Try

    - A threshold of 0.9 instead of 0.5: what is lost, and what is saved of a million pages?
    - Train on 1,000 rows instead of 200: no mistake is left, for a small grammar is soon known by heart. People say it in new ways.
    - Take the quoting pages out of the rows: whom do the mistakes hit now?
    - With rows of your own: `groundup data train-filter ROWS --out filter`, then in a pipeline `kind = "toxicity"`, `classifier = "filter"`,
      `threshold = 0.9`.

    Write it yourself: `groundup learn start roc_auc`
    """)
    return


if __name__ == "__main__":
    app.run()
