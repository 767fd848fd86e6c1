"""Lesson: CKY, every tree of a sentence in one chart."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Every tree of a sentence in one chart", width="medium")

with app.setup:
    import math
    import time

    import marimo as mo

    from groundup import plots
    from groundup.classical.structure.parsing.chart import tables
    from groundup.classical.structure.parsing.cky import cky_chart, inside_chart, log_inside, parse
    from groundup.classical.structure.parsing.grammar import Grammar
    from groundup.classical.structure.parsing.trees import tree_text


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Every tree of a sentence in one chart

    A sentence of twenty words can have more than a billion binary trees. CKY finds the best of them, and the sum of them
    all, by filling a chart of 210 cells. Afterwards you can fill such a chart by hand and know what a parser answers when no rule fits.
    """)
    return


@app.cell
def _():
    _trees = math.comb(38, 19) // 20
    assert _trees == 1_767_263_190 and 20 * 21 // 2 == 210
    mo.md(f"Twenty words have **{_trees:,}** binary trees, and 210 spans.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A grammar of five rules

    It is the one of a textbook (Manning and Schütze 1999, table 11.2). The sentence is *astronomers saw stars with ears*, and it has two
    trees: who has the ears?
    """)
    return


@app.cell
def _():
    binary = {
        ("S", "NP", "VP"): 1.0, ("PP", "P", "NP"): 1.0, ("VP", "V", "NP"): 0.7, ("VP", "VP", "PP"): 0.3, ("NP", "NP", "PP"): 0.4,
    }  # fmt: skip
    lexicon = {
        ("P", "with"): 1.0, ("V", "saw"): 1.0, ("NP", "astronomers"): 0.1, ("NP", "ears"): 0.18, ("NP", "saw"): 0.04,
        ("NP", "stars"): 0.18, ("NP", "telescopes"): 0.1,
    }  # fmt: skip
    _logs = [{rule: math.log(share) for rule, share in rules.items()} for rules in (binary, lexicon)]
    grammar = Grammar("S", _logs[0], {}, _logs[1])
    mo.md("\n".join(f"- {a} → {b} {c}: {share}" for (a, b, c), share in binary.items()))
    return binary, grammar, lexicon


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The chart by hand

    A cell says what can stand over its words. Over one word: its tags. Over two: what a rule makes of the cells of each. Over three:
    the words can be cut behind the first or behind the second. Row and column are where a span begins and ends.
    """)
    return


@app.cell
def _():
    words = "astronomers saw stars with ears".split()
    words
    return (words,)


@app.cell
def _(grammar, words):
    chart = cky_chart(words, grammar.words, grammar.binary, {})

    def _cell(start, end):
        return ", ".join(f"{name} {math.exp(score):.4g}" for name, score in chart.get((start, end), {}).items())

    _rows = [f"| {words[start]} | " + " | ".join(_cell(start, end) for end in range(1, 6)) + " |" for start in range(5)]
    mo.md("| from | " + " | ".join(f"to {word}" for word in words) + " |\n" + "|---" * 6 + "|\n" + "\n".join(_rows))
    return (chart,)


@app.cell
def _(chart):
    assert abs(math.exp(chart[1, 3]["VP"]) - 0.7 * 1.0 * 0.18) < 1e-12
    assert abs(math.exp(chart[2, 5]["NP"]) - 0.4 * 0.18 * 0.18) < 1e-12
    # the verb phrase over the last four words: cut behind saw, or before with; the first is the better
    _ways = 0.7 * 1.0 * 0.01296, 0.3 * 0.126 * 0.18
    assert abs(math.exp(chart[1, 5]["VP"]) - max(_ways)) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One of them all, or all of them

    Keep the maximum in each cell and the last holds the best tree's probability. Keep the sum, and it holds the probability of the sentence.
    A language model can be made of that.
    """)
    return


@app.cell
def _(chart, grammar, words):
    _sums = inside_chart(words, grammar.words, grammar.binary, {})
    best, total = math.exp(chart[0, 5]["S"]), _sums[0, 5]["S"]
    mo.md(f"Best tree {best:.7f}, all trees {total:.7f}: the stars have the ears with **{best / total:.0%}**.")
    return best, total


@app.cell
def _(best, grammar, total, words):
    _rules = tables(grammar)
    assert abs(parse(grammar, _rules, words).log_probability - math.log(best)) < 1e-9
    assert abs(log_inside(grammar, _rules, words) - math.log(total)) < 1e-9
    assert abs(best - 0.0009072) < 1e-12 and abs(total - 0.0015876) < 1e-12, "the textbook's numbers"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One number decides

    How often does a verb phrase take a prepositional phrase, VP → VP PP? The rest goes to VP → V NP. Move it, and watch the tree.
    """)
    return


@app.cell
def _():
    share = mo.ui.slider(0.1, 0.9, step=0.1, value=0.3, label="P(VP → VP PP)", show_value=True)
    share
    return (share,)


@app.cell
def _(grammar, share, words):
    _binary = {
        **grammar.binary,
        ("VP", "VP", "PP"): math.log(share.value),
        ("VP", "V", "NP"): math.log(1 - share.value),
    }
    _other = Grammar("S", _binary, {}, grammar.words)
    found = parse(_other, tables(_other), words)
    plots.constituency_tree(found.tree, title=f"The best tree, with {math.exp(found.log_probability):.6f}")
    return (found,)


@app.cell
def _(found, share):
    # 0.7 of the one tree stands in both; what is left is 0.3 against NP -> NP PP with 0.4
    assert (found.tree[2][0:2] == ("VP", ("V", "saw"))) == (share.value < 0.4 or math.isclose(share.value, 0.4))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What no rule covers

    A parser that falls silent helps nobody. Where no tree covers the sentence, the chart still knows the best pieces: the fewest that
    cover it, and it says that this is not a sentence of the grammar.
    """)
    return


@app.cell
def _(grammar):
    _found = parse(grammar, tables(grammar), "stars with ears astronomers saw stars".split())
    assert not _found.whole and _found.log_probability is None and [part[0] for part in _found.tree[1:]] == ["NP", "S"]
    mo.md("```\n" + tree_text(_found.tree) + "\n```")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The cube

    n words have n(n+1)/2 spans and about n³/6 ways to cut them. Twice as long is eight times the work, so the loops
    are compiled. The dictionaries go through every rule for every cut; the kernel only through rules whose left part is there.
    """)
    return


@app.cell
def _(grammar):
    _long = ["saw"] + ["stars", "with"] * 12 + ["ears"]
    _rules = tables(grammar)
    _sentence = ["astronomers", *_long]
    parse(grammar, _rules, _sentence)
    _times = {}
    for _name, _work in (
        ("dictionaries", lambda: cky_chart(_sentence, grammar.words, grammar.binary, {})),
        ("compiled", lambda: parse(grammar, _rules, _sentence)),
    ):
        _start = time.perf_counter()
        _work()
        _times[_name] = 1000 * (time.perf_counter() - _start)
    assert parse(grammar, _rules, _sentence).whole
    plots.value_bars({"27 words": _times}, y="milliseconds", title="The same chart twice")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Say *astronomers saw saw with telescopes*: which `saw` is the verb, and where in the chart is that decided?
    - At which share do both trees have the same probability? Work it out: 0.4 against the slider.
    - Take *stars* out of the lexicon and parse: the error names the word. A grammar off a treebank would have taken it by its look.

    Write it yourself: `groundup learn start cky_chart`, then `inside_chart`
    """)
    return


if __name__ == "__main__":
    app.run()
