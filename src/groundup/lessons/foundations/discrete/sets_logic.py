"""Lesson: how alike two sets are, masks as sets, and formulas that say the same in every case."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What do they have in common?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.foundations.discrete.sets_logic import (
        equivalent,
        jaccard,
        jaccard_of_masks,
        mask_of,
        members,
        shingles,
        subset,
        truth_table,
        union_size,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What do they have in common?

    A set is a heap of different things without an order. That is little, and enough to find copies in a training text
    and to say which word may look at which. Afterwards you can measure how alike two texts are, compute with sets as
    with numbers, and prove a rule by trying all cases.
    """)
    return


@app.cell
def _():
    original = next(one.text for one in tinyworld.sample(0, 20) if len(one.text) > 250)[:250]
    copied = "Once more: " + original
    same_place = np.mean([a == b for a, b in zip(original, copied, strict=False)])
    alike = jaccard(shingles(original), shingles(copied))
    mo.md(
        f"Put two words before a text, and letter by letter only {same_place:.0%} of it agrees with the original. As "
        "sets of five-letter pieces "
        f"the two are **{alike:.0%}** alike."
    )
    return alike, copied, original, same_place


@app.cell
def _(alike, copied, original, same_place):
    assert same_place < 0.2 and alike > 0.9
    assert shingles(original) <= shingles(copied), "all pieces of the one are in the other"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Both, and either

    Anna likes apples, bread and cheese; Ben likes bread, cheese and dates. Both like two things: the **intersection**,
    $A \cap B$, in Python `&`. Either of them likes four: the **union**, $A \cup B$, in Python `|`. How alike are they?
    Divide:

    $$J(A, B) = \frac{|A \cap B|}{|A \cup B|} = \frac{2}{4}$$

    where $|\ldots|$ is the number of things in a set. It was invented by Paul Jaccard to compare the plants of Alpine
    valleys.
    """)
    return


@app.cell
def _():
    anna, ben = {"apples", "bread", "cheese"}, {"bread", "cheese", "dates"}
    mo.md(f"Both: {len(anna & ben)}; either: {len(anna | ben)}; Jaccard: **{jaccard(anna, ben)}**.")
    return anna, ben


@app.cell
def _(anna, ben):
    assert jaccard(anna, ben) == len(anna & ben) / len(anna | ben) == 0.5
    assert len(anna | ben) == len(anna) + len(ben) - len(anna & ben), "what both like was counted twice"
    assert (jaccard(anna, anna), jaccard(anna, {"figs"}), jaccard([], [])) == (1.0, 0.0, 1.0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With three sets the union is counted in the same way: add the three, take off what pairs share, and give back what
    all three share, for it was added three times and taken off three times.
    """)
    return


@app.cell
def _():
    _two, _three, _five = ({n for n in range(1, 31) if n % step == 0} for step in (2, 3, 5))
    by_hand = (15 + 10 + 6) - (5 + 3 + 2) + 1
    counted = union_size([_two, _three, _five])
    mo.md(f"Of 1 to 30, by 2, 3 or 5 can be divided: 31 - 10 + 1 = {by_hand}. Counted: **{counted}**.")
    return by_hand, counted


@app.cell
def _(by_hand, counted):
    assert by_hand == counted == sum(n % 2 == 0 or n % 3 == 0 or n % 5 == 0 for n in range(1, 31)) == 22
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Texts as sets

    To compare two texts, make a set of each: all its pieces of some length, one beginning at each letter. `abcab` in
    pieces of three is {`abc`, `bca`, `cab`}. These pieces are called shingles. Their length decides what counts as
    alike. Here are four texts, the first and three others; choose the length.
    """)
    return


@app.cell
def _():
    size = mo.ui.slider(1, 7, value=5, label="letters in a piece", show_value=True)
    size
    return (size,)


@app.cell
def _(original, size):
    _others = [one.text[:250] for one in tinyworld.sample(7, 20) if len(one.text) > 250]
    _names = sorted(set("Mira Tom Erik Clara Nora Oskar Rosa Ella Anna".split()))
    _renamed = original
    for _name in _names:
        _renamed = _renamed.replace(_name, "Zoe")
    _halves = original[125:] + original[:125]
    texts = {"halves swapped": _halves, "names changed": _renamed, "another text": _others[0]}
    scores = {name: jaccard(shingles(original, size.value), shingles(text, size.value)) for name, text in texts.items()}
    plots.value_bars(
        {"Jaccard with the first": scores},
        y="Jaccard",
        title=f"Pieces of {size.value}: another text is {scores['another text']:.0%} alike",
    )
    return scores, texts


@app.cell
def _(scores, size, texts):
    assert scores["halves swapped"] > 0.85, "an order of parts is nothing to a set; only the pieces at the cut are new"
    assert scores["names changed"] <= 1 and scores["another text"] < scores["halves swapped"]
    if size.value == 1:
        assert scores["another text"] > 0.4, "all texts have the same letters"
    if size.value >= 5:
        assert scores["another text"] < 0.2 < scores["names changed"], list(texts)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With single letters all texts are alike, with long pieces every change destroys several. Five is usual for finding
    near copies: what lies above some 0.8 is thrown out before training.

    ## A mask is a set

    A row of True and False over the places 0 to 7 says of each place whether it belongs. So it *is* a set of places,
    and `&`, `|`, `~` (both, either, not) work on all places at once.
    """)
    return


@app.cell
def _():
    even, small = mask_of({0, 2, 4, 6}, 8), mask_of({0, 1, 2, 3}, 8)
    rows = {"even": even, "small": small, "even & small": even & small, "even | small": even | small, "~even": ~even}
    plots.heat_map(
        np.array(list(rows.values()), dtype=float),
        rows=list(rows),
        x="place",
        low=0,
        high=1,
        title="Sets as rows of True and False",
    )
    return even, rows, small


@app.cell
def _(even, rows, small):
    assert members(rows["even & small"]) == members(even) & members(small) == {0, 2}
    assert jaccard_of_masks(even, small) == jaccard(members(even), members(small)) == 2 / 6
    assert subset(even & small, even) and not subset(even, small)
    assert members(~even) == {1, 3, 5, 7}, "the complement: the others of 0 to 7"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who may look at whom

    A model reads several short documents in one long row. Each word may look at words before it and itself, *and* only
    at those of its own document. Each rule is a table, and the word *and* is `&`. Choose a rule:
    """)
    return


@app.cell
def _():
    rule = mo.ui.dropdown(
        ["causal", "same document", "causal & same document", "causal | same document"],
        value="causal & same document",
        label="rule",
    )
    rule
    return (rule,)


@app.cell
def _(rule):
    _place = np.arange(9)
    _document = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    causal = _place[:, None] >= _place
    same = _document[:, None] == _document
    tables = {
        "causal": causal,
        "same document": same,
        "causal & same document": causal & same,
        "causal | same document": causal | same,
    }
    allowed = tables[rule.value]
    plots.heat_map(
        allowed.astype(float),
        rows=list("aaaabbbcc"),
        columns=list("aaaabbbcc"),
        x="is looked at",
        y="looks",
        low=0,
        high=1,
        title=f"{rule.value}: {int(allowed.sum())} of 81 pairs",
    )
    return allowed, causal, same, tables


@app.cell
def _(allowed, causal, rule, same, tables):
    _sizes = {name: int(table.sum()) for name, table in tables.items()}
    assert list(_sizes.values()) == [45, 29, 19, 55] and allowed.sum() == _sizes[rule.value]
    assert 45 + 29 - 19 == 55, "either is the one and the other, less both"
    assert (~(causal & same) == (~causal | ~same)).all(), "forbidden is what one rule or the other forbids"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Proof by all cases

    The last assertion held for these two tables. Does it hold for any? At each pair there are only four cases: both
    rules allow it, only the first, only the second, none. Whoever tries all four has proved it:

    $$\lnot (a \land b) = \lnot a \lor \lnot b$$

    ($\lnot$ is not, $\land$ and, $\lor$ or), which is De Morgan's law. A likely mistake, $\lnot a \land \lnot b$, stands
    beside it.
    """)
    return


@app.cell
def _():
    formulas = {
        "~(a & b)": lambda a, b: ~(a & b),
        "~a | ~b": lambda a, b: ~a | ~b,
        "~a & ~b": lambda a, b: ~a & ~b,
        "a implies b": lambda a, b: ~a | b,
    }
    _cases = ["a no, b no", "a no, b yes", "a yes, b no", "a yes, b yes"]
    plots.heat_map(
        np.array([truth_table(formula, 2) for formula in formulas.values()], dtype=float),
        rows=list(formulas),
        columns=_cases,
        low=0,
        high=1,
        title="The first two rows are the same, so the formulas are",
    )
    return (formulas,)


@app.cell
def _(formulas):
    assert equivalent(formulas["~(a & b)"], formulas["~a | ~b"], 2)
    assert not equivalent(formulas["~(a & b)"], formulas["~a & ~b"], 2)
    assert truth_table(formulas["a implies b"], 2).tolist() == [True, True, False, True], (
        "broken only where a holds and b does not"
    )
    assert equivalent(lambda a, b, c: a & (b | c), lambda a, b, c: (a & b) | (a & c), 3), (
        "eight cases: & over |, as times over plus"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Pieces of one letter: another text is more than half alike. Pieces of seven: next to nothing is left of it, and
      the swapped halves lose a little.
    - `causal | same document`: 55 pairs, and words see their own document's future. A mask with `|` for `&` gives a
      loss that is too good.
    - `equivalent(lambda a, b: a ^ b, lambda a, b: (a | b) & ~(a & b), 2)`: "either, and not both", proved in four
      cases.

    Write it yourself: `groundup learn start jaccard`
    """)
    return


if __name__ == "__main__":
    app.run()
