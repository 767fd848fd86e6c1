"""Exercise: the chart of CKY with the best score of each symbol over each span."""

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


def shares(cell):
    """A cell's symbols with their probabilities, in their order."""
    return [(name, math.exp(score)) for name, score in sorted(cell.items())]


@check("shape")
def every_span_has_a_cell(mine):
    """Does not give {(start, end): {symbol: score}} with a cell for every span of words, the empty ones too."""
    got, spans = mine(WORDS, LEXICON, BINARY, {}), [(a, b) for a in range(5) for b in range(a + 1, 6)]
    if not isinstance(got, dict) or sorted(got) != spans:
        raise Failed(expected=f"the keys {shown(spans)}", got=shown(got))


@check("values")
def a_word_has_its_tags(mine):
    """Over one word stands something else than its tags from the lexicon: saw is a V, and an NP with 0.04."""
    got = mine(WORDS, LEXICON, BINARY, {})
    same(shares(got[1, 2]), [("NP", 0.04), ("V", 1.0)])
    same(shares(mine(["moon"], LEXICON, BINARY, {})[0, 1]), [])


@check("values")
def two_words_are_joined_by_a_rule(mine):
    """Over two words stands something else than what a rule joins: VP over `saw stars`, with 0.7 times 1.0 times 0.18."""
    got = mine(WORDS, LEXICON, BINARY, {})
    same(shares(got[2, 4]), [], "A tag of one word stands over a longer span: the lexicon is for spans of one word.")
    same(shares(got[1, 3]), [("VP", 0.7 * 0.18)])


@check("values")
def every_middle_is_tried(mine):
    """Misses a split: the two parts of a b c may meet behind a and behind b."""
    lexicon = _logs({("A", "a"): 1.0, ("B", "b"): 1.0, ("C", "c"): 1.0})
    binary = _logs({("X", "A", "B"): 0.5, ("S", "X", "C"): 0.5, ("Y", "B", "C"): 0.4, ("T", "A", "Y"): 0.5})
    same(shares(mine(["a", "b", "c"], lexicon, binary, {})[0, 3]), [("S", 0.25), ("T", 0.2)])


@check("values")
def the_better_split_stays(mine):
    """Does not keep the better of two: `saw | stars with ears` and `saw stars | with ears` both give a VP, the first is the better."""
    last = "Keeps the last way to a symbol and not the best: of the two VPs over `saw stars with ears` the one with 0.009072."
    same(shares(mine(WORDS, LEXICON, BINARY, {})[1, 5]), [("VP", 0.009072)], mistakes={last: [("VP", 0.006804)]})
    same(shares(mine(WORDS, LEXICON, BINARY, {})[0, 5]), [("S", 0.0009072)])


@check("values")
def the_best_way_stays(mine):
    """Keeps the last way to a symbol and not the best: two rules or splits may lead to one symbol."""
    for first, second in ((0.7, 0.2), (0.2, 0.7)):
        binary = _logs({("S", "A", "B"): first, ("S", "C", "B"): second})
        got = mine(["x", "y"], _logs({("A", "x"): 0.5, ("C", "x"): 0.5, ("B", "y"): 1.0}), binary, {})
        same(shares(got[0, 2]), [("S", 0.35)])


@check("values")
def chains_are_added_to_each_cell(mine):
    """Leaves the chains of unary rules out, over one word or over more: where B stands, A may stand for the chain's price."""
    got = mine(
        ["x", "y"],
        _logs({("A", "x"): 0.5, ("B", "y"): 0.8}),
        _logs({("C", "A", "B"): 0.9}),
        _logs({("D", "A"): 0.1, ("S", "C"): 0.5}),
    )
    same(shares(got[0, 1]), [("A", 0.5), ("D", 0.05)])
    longer = "Leaves the chains out over more than one word: where C stands over two, S may stand as well."
    same(shares(got[0, 2]), [("C", 0.36), ("S", 0.18)], longer)


@check("values")
def a_chain_does_not_make_it_worse(mine):
    """A chain replaces a better way to the same symbol: keep the larger of both."""
    got = mine(["x"], _logs({("A", "x"): 0.5, ("B", "x"): 0.8}), {}, _logs({("A", "B"): 0.1}))
    same(shares(got[0, 1]), [("A", 0.5), ("B", 0.8)])


EXERCISE = Exercise(
    slot="classical.structure.cky_chart",
    title="CKY: the best tree over every span",
    task="""
    A sentence of 20 words has more trees than anyone can look at, but only 210 spans. Fill a chart from short spans to long
    ones: over one word stand its tags; over a longer span whatever a rule joins from two neighbours that meet at some
    middle, and only the best way to each symbol is kept. After each cell add the chains of unary rules. All scores are
    log-probabilities, so a rule and its two parts are summed.
    """,
    difficulty=3,
    minutes=40,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "Three loops: the length of the span, where it starts, where its two parts meet. All shorter spans are done by then.",
        "For each rule (A, B, C): if B is in the left cell and C in the right, A may stand here with the sum of three scores.",
        "Chains look at the cell as it was before any chain: copy it, and take the larger of what is there and score + cell[B].",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.cky --run",
    checks=(
        every_span_has_a_cell,
        a_word_has_its_tags,
        two_words_are_joined_by_a_rule,
        every_middle_is_tried,
        the_better_split_stays,
        the_best_way_stays,
        chains_are_added_to_each_cell,
        a_chain_does_not_make_it_worse,
    ),
    mutants=(
        Mutant(
            "tags over long spans",
            "tag of one word",
            edits=(("if length == 1 and word == words[start]", "if word == words[start]"),),
        ),
        Mutant(
            "the last way",
            "the last way to a symbol",
            edits=(
                (
                    "cell[a] = max(cell.get(a, -math.inf), score + left[b] + right[c])",
                    "cell[a] = score + left[b] + right[c]",
                ),
            ),
        ),
        Mutant(
            "the rule is free",
            "what a rule joins",
            edits=(
                ("cell.get(a, -math.inf), score + left[b] + right[c]", "cell.get(a, -math.inf), left[b] + right[c]"),
            ),
        ),
        Mutant(
            "the last split is missed",
            "Misses a split",
            edits=(
                (
                    "for middle in range(start + 1, end):",
                    "for middle in range(start + 1, end - 1 if length > 2 else end):",
                ),
            ),
        ),
        Mutant(
            "no chains",
            "Leaves the chains",
            edits=(("                if b in cell:\n", "                if False:\n"),),
        ),
        Mutant(
            "chains over words alone",
            "over more than one word",
            edits=(("                if b in cell:\n", "                if b in cell and length == 1:\n"),),
        ),
        Mutant(
            "a chain replaces",
            "A chain replaces",
            edits=(
                (
                    "with_chains[a] = max(with_chains.get(a, -math.inf), score + cell[b])",
                    "with_chains[a] = score + cell[b]",
                ),
            ),
        ),
        Mutant(
            "no empty cells",
            "a cell for every span",
            edits=(("    return cells", "    return {span: cell for span, cell in cells.items() if cell}"),),
        ),
    ),
)
