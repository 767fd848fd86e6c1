"""Exercise: the summed probability of all trees over every span."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown


def _logs(rules):
    return {rule: math.log(share) for rule, share in rules.items()}


# Manning and Schuetze 1999, table 11.2
BINARY = _logs(
    {
        ("S", "NP", "VP"): 1.0,
        ("PP", "P", "NP"): 1.0,
        ("VP", "V", "NP"): 0.7,
        ("VP", "VP", "PP"): 0.3,
        ("NP", "NP", "PP"): 0.4,
    }
)
LEXICON = _logs(
    {
        ("P", "with"): 1.0,
        ("V", "saw"): 1.0,
        ("NP", "astronomers"): 0.1,
        ("NP", "ears"): 0.18,
        ("NP", "saw"): 0.04,
        ("NP", "stars"): 0.18,
    }
)
WORDS = ["astronomers", "saw", "stars", "with", "ears"]  # fmt: skip


@check("shape")
def every_span_has_a_cell(mine):
    """Does not give {(start, end): {symbol: probability}} with a cell for every span of words, the empty ones too."""
    got, spans = mine(WORDS, LEXICON, BINARY, {}), [(a, b) for a in range(5) for b in range(a + 1, 6)]
    if not isinstance(got, dict) or sorted(got) != spans:
        raise Failed(expected=f"the keys {shown(spans)}", got=shown(got))


@check("values")
def words_are_probabilities(mine):
    """Over one word stands a logarithm, or something else than the tags' probabilities: saw is an NP with 0.04."""
    same(sorted(mine(WORDS, LEXICON, BINARY, {})[1, 2].items()), [("NP", 0.04), ("V", 1.0)])


@check("values")
def one_tree_is_a_product(mine):
    """One tree alone has the product of its rules: the rules come as logarithms, the cells hold probabilities."""
    same(sorted(mine(WORDS, LEXICON, BINARY, {})[1, 3].items()), [("VP", 0.126)])


@check("values")
def two_trees_are_summed(mine):
    """Does not sum over trees: `saw stars with ears` is a VP in two ways, 0.009072 and 0.006804, which makes 0.015876."""
    best = "Keeps the best tree alone: here the trees are summed."
    got = mine(WORDS, LEXICON, BINARY, {})
    same(sorted(got[1, 5].items()), [("VP", 0.015876)], mistakes={best: [("VP", 0.009072)]})
    same(got[0, 5].get("S"), 0.0015876)


@check("values")
def catalans_numbers_count_the_trees(mine):
    """Does not count every tree once: with S -> S S and S -> a, n words have 1, 1, 2, 5, 14, 42 trees."""
    got = mine(["a"] * 6, {("S", "a"): 0.0}, {("S", "S", "S"): 0.0}, {})
    same([got[0, n]["S"] for n in range(1, 7)], [1.0, 1.0, 2.0, 5.0, 14.0, 42.0])


@check("values")
def chains_are_summed_too(mine):
    """Leaves out chains of unary rules, or does not multiply by the chain's own probability."""
    got = mine(["x"], _logs({("A", "x"): 0.5, ("B", "x"): 0.8}), {}, {("A", "B"): 0.25})
    free = "Takes a chain for nothing: multiply by its own probability."
    same(sorted(got[0, 1].items()), [("A", 0.7), ("B", 0.8)], mistakes={free: [("A", 1.3), ("B", 0.8)]})


@check("values")
def the_empty_chain_counts_once(mine):
    """Counts a symbol twice: where chains has (A, A), the chain of no rule is already in it."""
    got = mine(["x"], _logs({("A", "x"): 0.5}), {}, {("A", "A"): 1.25, ("B", "A"): 0.5})
    same(sorted(got[0, 1].items()), [("A", 0.625), ("B", 0.25)])


EXERCISE = Exercise(
    slot="classical.structure.inside_chart",
    title="The inside algorithm: all trees at once",
    task="""
    How probable is a sentence? The sum over all of its trees, of which there are exponentially many. The chart of CKY finds
    it in the same three loops when each cell holds, for each symbol, the sum over trees in place of the best one.
    The lexicon and the rules come as logarithms; cells and chains are probabilities. Where chains has (A, A), it stands
    for all ways from A to A, the one of no rule among them.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "Begin with your chart of the best trees: maximum becomes sum, and a sum of logarithms a product.",
        "cell[A] grows by exp(score) * left[B] * right[C], for each rule and each middle.",
        "For the chains begin with the symbols that have no (A, A) of their own, then add chain * cell[B] for each pair (A, B).",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.cky --run",
    checks=(
        every_span_has_a_cell,
        words_are_probabilities,
        one_tree_is_a_product,
        two_trees_are_summed,
        catalans_numbers_count_the_trees,
        chains_are_summed_too,
        the_empty_chain_counts_once,
    ),
    mutants=(
        Mutant(
            "the best alone",
            "Keeps the best tree",
            edits=(
                (
                    "cell[a] = cell.get(a, 0.0) + math.exp(score) * left[b] * right[c]",
                    "cell[a] = max(cell.get(a, 0.0), math.exp(score) * left[b] * right[c])",
                ),
            ),
        ),
        Mutant(
            "the last alone",
            "sum over trees",
            edits=(("cell[a] = cell.get(a, 0.0) + math.exp(score)", "cell[a] = math.exp(score)"),),
        ),
        Mutant(
            "a logarithm times probabilities",
            "product of its rules",
            edits=(("cell.get(a, 0.0) + math.exp(score) * left", "cell.get(a, 0.0) + score * left"),),
        ),
        Mutant(
            "words in logarithms",
            "stands a logarithm",
            edits=(("tag: math.exp(score) for (tag, word)", "tag: score for (tag, word)"),),
        ),
        Mutant("the empty chain twice", "Counts a symbol twice", edits=((" if (a, a) not in chains}", "}"),)),
        Mutant(
            "no chains",
            "Leaves out chains",
            edits=(("                if b in cell:\n", "                if False:\n"),),
        ),
        Mutant("chains for nothing", "Takes a chain for nothing", edits=(("+ share * cell[b]", "+ cell[b]"),)),
        Mutant(
            "no empty cells",
            "a cell for every span",
            edits=(("    return cells", "    return {span: cell for span, cell in cells.items() if cell}"),),
        ),
    ),
)
