"""Exercise: the best chain of unary rules between any two symbols."""

import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown, that

UNARY = {
    pair: math.log(share)
    for pair, share in {
        ("A", "B"): 0.3,
        ("B", "C"): 0.5,
        ("A", "C"): 0.1,
        ("C", "A"): 0.2,
        ("C", "D"): 0.4,
        ("D", "D"): 0.1,
        ("B", "D"): 0.05,
        ("D", "E"): 0.5,
        ("E", "F"): 0.5,
    }.items()
}


@check("shape")
def scores_and_first_steps(mine):
    """Gives something else than {(A, B): (log-probability, first step)}."""
    for value in mine(dict(UNARY)).values():
        if not isinstance(value, tuple) or len(value) != 2 or not isinstance(value[1], str):
            raise Failed(expected="(-1.2, 'B')", got=shown(value))
    same(mine({}), {})


@check("invariant")
def no_symbol_reaches_itself(mine):
    """Gives a chain from a symbol to itself: a circle only costs, and the empty chain is not asked for."""
    circles = [pair for pair in mine(dict(UNARY)) if pair[0] == pair[1]]
    itself = "Keeps a rule from a symbol to itself: it only costs."
    that(not circles or not all(pair in UNARY for pair in circles), itself, expected="no (A, A)", got=circles)
    that(not circles, expected="no (A, A)", got=circles)


@check("values")
def two_steps_may_be_better_than_one(mine):
    """Keeps the one rule where two are better: A to C by B has 0.3 times 0.5, the direct rule only 0.1."""
    got = mine(dict(UNARY))
    that(
        ("C", "B") in got,
        "Gives the rules alone: chains of two and more rules are asked for.",
        expected="(C, B), by A",
        got=got,
    )
    same(math.exp(got.get(("A", "C"), (-99.0, ""))[0]), 0.15)
    same(got["A", "C"][1], "B", "Does not give the first symbol on the way: from A to C that is B.")


@check("values")
def long_chains_are_found(mine):
    """Misses chains of more than two rules: A to F leads by B, C, D and E."""
    got = mine(dict(UNARY))
    same(math.exp(got.get(("A", "F"), (-99.0, ""))[0]), 0.3 * 0.5 * 0.4 * 0.5 * 0.5)
    same(len(got), 18)


@check("values")
def the_first_step_of_a_long_chain(mine):
    """Does not give the first symbol on the way: the chain from A to F begins with B, whatever comes after."""
    same([mine(dict(UNARY))["A", end][1] for end in "BCDEF"], ["B"] * 5)


EXERCISE = Exercise(
    slot="classical.structure.best_chains",
    title="Unary rules: the best chain between two symbols",
    task="""
    S -> VP, VP -> VB: rules with one part can be put one on another, and a parser needs the best such chain between any two
    symbols at once. It is a shortest way in a graph, with log-probabilities for lengths. Floyd and Warshall: go through
    the symbols; for each as a middle, see whether the way from A to the middle and on to B is better than what A to B has.
    Beside the score give the first symbol that the chain takes from A, so that it can be walked again.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "Begin with the rules themselves: from A to B with its score, and B is the first step. A rule from A to A is left out.",
        "For each middle: every known way that ends there, with every known way that begins there.",
        "The first step of A -> ... -> middle -> ... -> B is the first step of A -> ... -> middle.",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.grammar --run",
    checks=(
        scores_and_first_steps,
        no_symbol_reaches_itself,
        two_steps_may_be_better_than_one,
        long_chains_are_found,
        the_first_step_of_a_long_chain,
    ),
    mutants=(
        Mutant(
            "the rules alone",
            "Gives the rules alone",
            edits=(("for middle in sorted({b for _, b in best}):", "for middle in ():"),),
        ),
        Mutant(
            "circles",
            "Gives a chain from a symbol to itself",
            edits=(("if a != b and score + more", "if score + more"),),
        ),
        Mutant(
            "a rule to itself stays",
            "Keeps a rule from",
            edits=(("for (a, b), score in unary.items() if a != b}", "for (a, b), score in unary.items()}"),),
        ),
        Mutant(
            "the middle is called the first",
            "first symbol on the way",
            edits=(("best[a, b] = (score + more, step)", "best[a, b] = (score + more, middle)"),),
        ),
        Mutant(
            "what is there stays",
            "where two are better",
            edits=(('score + more > best.get((a, b), (-math.inf, ""))[0]', "(a, b) not in best"),),
        ),
        Mutant(
            "two rules at most",
            "more than two rules",
            edits=(
                (
                    "onward = [(b, found[0]) for (a, b), found in best.items() if a == middle]",
                    "onward = [(b, found) for (a, b), found in unary.items() if a == middle]",
                ),
                (
                    "to = [(a, found) for (a, b), found in best.items() if b == middle]",
                    "to = [(a, (found, b)) for (a, b), found in unary.items() if b == middle and a != b]",
                ),
            ),
        ),
        Mutant(
            "scores alone",
            "something else",
            edits=(("    return best", "    return {pair: score for pair, (score, _) in best.items()}"),),
        ),
    ),
)
