"""Exercise: a grammar's probabilities, read off a treebank."""

import math
from collections import defaultdict

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown, that

RULES = [("S", "NP", "VP")] * 3 + [("S", "VP")] + [("NP", "DT", "NN")] * 2 + [("NP", "NN")] * 3 + [("VP", "V", "NP")]


@check("shape")
def each_rule_has_a_number(mine):
    """Gives something else than a dictionary with each different rule once."""
    got = mine(list(RULES))
    if not isinstance(got, dict) or set(got) != set(RULES):
        raise Failed(expected=f"the keys {shown(sorted(set(RULES)))}", got=shown(got))


@check("invariant")
def a_symbol_sums_to_one(mine):
    """The probabilities of one symbol's rules do not sum to one: divide by how often that symbol was rewritten, in all ways."""
    sums: dict = defaultdict(float)
    got = mine(list(RULES))
    without_log = "Gives shares where natural logarithms are asked for: a share under 1 has a logarithm under 0."
    that(all(value <= 0 for value in got.values()), without_log, expected="numbers of at most 0", got=got)
    base = "Takes the logarithm to the base 2: the natural one is asked for."
    that(abs(got["S", "NP", "VP"] - math.log2(3 / 4)) > 1e-9, base, expected=math.log(3 / 4), got=got["S", "NP", "VP"])
    for rule, score in got.items():
        sums[rule[0]] += math.exp(score)
    same([sums[name] for name in ("S", "NP", "VP")], [1.0, 1.0, 1.0])


@check("values")
def the_shares_of_a_small_treebank(mine):
    """Does not give the rule's share of its symbol's rules: S was rewritten four times, three of them as NP VP."""
    got = mine(list(RULES))
    same(got["S", "NP", "VP"], math.log(3 / 4))
    same(got["NP", "NN"], math.log(3 / 5))
    same(got["VP", "V", "NP"], 0.0)


EXERCISE = Exercise(
    slot="classical.structure.rule_probabilities",
    title="PCFG: probabilities read off a treebank",
    task="""
    A treebank shows how each symbol was rewritten: S as NP VP, NP as DT NN, again and again. The grammar that makes the treebank
    most probable gives each rule its share among the rules of the same symbol. A rule is a tuple, its symbol first. Give
    the natural logarithm of each rule's share.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "Two counts are needed: how often each rule came, and how often each first symbol did.",
        "collections.Counter counts the rules; go through it once to sum the counts by rule[0].",
        "{rule: math.log(count / totals[rule[0]]) for rule, count in counts.items()}",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.grammar --run",
    checks=(each_rule_has_a_number, a_symbol_sums_to_one, the_shares_of_a_small_treebank),
    mutants=(
        Mutant(
            "no logarithm",
            "natural logarithms are asked for",
            edits=(("math.log(count / totals[rule[0]])", "count / totals[rule[0]]"),),
        ),
        Mutant("a share of all rules", "sum to one", edits=(("count / totals[rule[0]]", "count / counts.total()"),)),
        Mutant("each rule once", "share of its symbol's rules", edits=(("Counter(rules)", "Counter(set(rules))"),)),
        Mutant(
            "a list",
            "Returns list where dict",
            edits=(
                (
                    "return {rule: math.log(count / totals[rule[0]]) for rule, count in counts.items()}",
                    "return [math.log(count / totals[rule[0]]) for rule, count in counts.items()]",
                ),
            ),
        ),
        Mutant(
            "a logarithm to the base 2",
            "to the base 2",
            edits=(("math.log(count / totals[rule[0]])", "math.log2(count / totals[rule[0]])"),),
        ),
    ),
)
