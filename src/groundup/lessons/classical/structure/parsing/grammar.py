"""Lesson: a grammar with probabilities, read off seven trees."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Seven trees make a grammar", width="medium")

with app.setup:
    import math

    import marimo as mo

    from groundup import plots
    from groundup.classical.structure.parsing.grammar import (
        best_chains,
        read_off,
        rule_probabilities,
        rules_of,
        sample_tree,
        sum_of_chains,
        word_classes,
    )
    from groundup.classical.structure.parsing.trees import binarize, clean, read_brackets, restore, words_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Seven trees make a grammar

    Nobody has to write the rules of English down. Somebody drew trees over sentences, and the rules stand in the trees, each
    as often as it was used. Afterwards you know how rules get probabilities, why long rules are cut in two, and what such a
    grammar says when it speaks by itself.
    """)
    return


@app.cell
def _():
    _text = """
    (S (NP (DT the) (NN dog)) (VP (VBD saw) (NP (DT the) (NN cat))))
    (S (NP (DT the) (NN cat)) (VP (VBD slept)))
    (S (NP (DT a) (JJ big) (NN dog)) (VP (VBD slept) (PP (IN in) (NP (DT the) (NN park)))))
    (S (NP (PRP she)) (VP (VBD saw) (NP (NP (DT a) (NN cat)) (PP (IN with) (NP (NNS stripes))))))
    (S (NP (PRP she)) (VP (VBD saw) (NP (DT a) (NN cat)) (PP (IN with) (NP (NNS telescopes)))))
    (S (NP (DT the) (JJ old) (NN man)) (VP (VBD fed) (NP (DT the) (NN cat))))
    (S (NP (DT the) (NN man)) (VP (VBD fed) (NP (NP (DT the) (NN dog)) (PP (IN in) (NP (DT the) (NN park))))))
    """
    trees = [clean(tree) for tree in read_brackets(_text)]
    _rules = {rule for tree in trees for rule in rules_of(binarize(tree))}
    mo.md(
        f"Seven trees of {sum(len(words_of(tree)) for tree in trees)} words use **{len(_rules)}** different rules above their words."
    )
    return (trees,)


@app.cell
def _(trees):
    plots.constituency_tree(trees[3], title="The fourth tree: a cat with stripes")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Counting is all

    A rule's probability is its share among all rules of the same symbol. How was NP written? Count, and divide.

    $$P(A \to B\,C) = \frac{\text{count}(A \to B\,C)}{\text{count}(A)}$$

    No other numbers make these trees more probable. That is what maximum likelihood means here.
    """)
    return


@app.cell
def _(trees):
    _rules = [rule for tree in trees for rule in rules_of(binarize(tree))]
    shares = {rule: math.exp(score) for rule, score in rule_probabilities(_rules).items()}
    plots.value_bars(
        {"share": {" ".join(rule[1:]): share for rule, share in shares.items() if rule[0] == "NP"}},
        y="probability",
        title="How a noun phrase was written",
    )
    return (shares,)


@app.cell
def _(shares):
    for _symbol in {rule[0] for rule in shares}:
        assert abs(sum(share for rule, share in shares.items() if rule[0] == _symbol) - 1) < 1e-12
    assert max((share, rule) for rule, share in shares.items() if rule[0] == "NP")[1] == ("NP", "DT", "NN")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two at a time

    The parser of the next lesson joins two neighbours at a time, so a rule with three parts becomes two rules with a symbol
    between. What that symbol remembers is a choice. `horizontal` counts the parts that it has seen: with 0 it forgets them all, and
    the grammar allows more than the trees did. `vertical` counts the phrases it knows above: with 2, a noun phrase that
    is a subject (`NP^S`) is another symbol than one that is an object.
    """)
    return


@app.cell
def _():
    memory = mo.ui.dropdown(["0, 1", "1, 1", "2, 1", "1, 2", "2, 3"], value="1, 1", label="horizontal, vertical")
    memory
    return (memory,)


@app.cell
def _(memory, trees):
    _horizontal, _vertical = (int(part) for part in memory.value.split(","))
    binarised = [binarize(tree, _horizontal, _vertical) for tree in trees]
    plots.constituency_tree(binarised[4], title="The fifth tree, two parts at most")
    return (binarised,)


@app.cell
def _(binarised, trees):
    assert [restore(tree) for tree in binarised] == trees, "nothing is lost: the trees come back"
    assert all(len(rule) <= 3 for tree in binarised for rule in rules_of(tree))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Words that were never seen

    A treebank lacks most words of the language. Words seen once are counted by what they look like, and a new word is taken
    for one of its look.
    """)
    return


@app.cell
def _():
    _rows = [
        f"| {word} | `{'` | `'.join(word_classes(word))}` |"
        for word in ("walking", "Berlin", "1987", "so-called", "...")
    ]
    assert word_classes("walking")[0] == word_classes("singing")[0]
    mo.md("| word | first | then | at last |\n|---|---|---|---|\n" + "\n".join(_rows))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Chains

    $S \to VP$, $VP \to VB$: rules with one part can be piled up, even in circles. The parser needs the best chain between two
    symbols, and for sums over all trees their sum, $1 + U + U^2 + \dots = (1 - U)^{-1}$.
    """)
    return


@app.cell
def _():
    _unary = {
        pair: math.log(share)
        for pair, share in {("A", "B"): 0.3, ("B", "C"): 0.5, ("A", "C"): 0.1, ("C", "A"): 0.2}.items()
    }
    _best, _sum = best_chains(_unary)["A", "C"], sum_of_chains(_unary)["A", "C"]
    assert abs(math.exp(_best[0]) - 0.15) < 1e-12 and _best[1] == "B"
    assert abs(_sum - 0.25 / (1 - 0.25 * 0.2)) < 1e-12, (
        "0.25 straight, and 0.2 * 0.25 more for each turn round the circle"
    )
    mo.md(
        f"From A to C the best chain goes by **{_best[1]}** with {math.exp(_best[0]):.2f}; all chains together have {_sum:.4f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## It speaks

    Draw a rule for the start, then one for each of its parts, until only words are left. What comes out has the shape of a
    sentence and no sense: each rule is drawn without a look at the others.
    """)
    return


@app.cell
def _():
    seed = mo.ui.slider(0, 9, value=3, label="seed", show_value=True)
    seed
    return (seed,)


@app.cell
def _(binarised, seed):
    _grammar = read_off(binarised, rare=1)
    drawn = restore(sample_tree(_grammar, seed.value))
    mo.md("> " + " ".join(words_of(drawn)))
    return (drawn,)


@app.cell
def _(drawn, trees):
    _words = {word for tree in trees for word in words_of(tree)}
    assert drawn[0] == "TOP" and set(words_of(drawn)) <= _words
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Add a tree with a noun phrase of your own: which bars move, and why do all of NP's?
    - Set the memory to `0, 1` and draw: how often does a noun phrase hold two determiners or none?
    - With `2, 3` hardly anything new is drawn: the grammar has learned the seven sentences by heart.

    Write it yourself: `groundup learn start rule_probabilities`, then `best_chains`
    """)
    return


if __name__ == "__main__":
    app.run()
