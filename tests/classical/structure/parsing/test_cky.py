"""CKY against a chart by hand, every tree by brute force, NLTK's parsers, and its own definition."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.structure.parsing.chart import tables
from groundup.classical.structure.parsing.cky import cky_chart, inside_chart, log_inside, parse
from groundup.classical.structure.parsing.grammar import Grammar, best_chains, sum_of_chains
from groundup.classical.structure.parsing.trees import is_tag, words_of
from groundup.errors import InputError


def logs(rules):
    return {rule: math.log(share) for rule, share in rules.items()}


# Manning and Schuetze 1999, table 11.2 and figure 11.3: "astronomers saw stars with ears"
ASTRONOMERS = Grammar(
    "S",
    logs({("S", "NP", "VP"): 1.0, ("PP", "P", "NP"): 1.0, ("VP", "V", "NP"): 0.7, ("VP", "VP", "PP"): 0.3, ("NP", "NP", "PP"): 0.4}),
    {},
    logs({("P", "with"): 1.0, ("V", "saw"): 1.0, ("NP", "astronomers"): 0.1, ("NP", "ears"): 0.18, ("NP", "saw"): 0.04,
          ("NP", "stars"): 0.18, ("NP", "telescopes"): 0.1}),
)  # fmt: skip
SENTENCE = "astronomers saw stars with ears".split()


def test_the_textbooks_chart():
    chart = cky_chart(SENTENCE, ASTRONOMERS.words, ASTRONOMERS.binary, {})
    by_hand = {
        (0, 1): {"NP": 0.1}, (1, 2): {"V": 1.0, "NP": 0.04}, (2, 3): {"NP": 0.18}, (3, 4): {"P": 1.0}, (4, 5): {"NP": 0.18},
        (0, 2): {}, (1, 3): {"VP": 0.126}, (2, 4): {}, (3, 5): {"PP": 0.18},
        (0, 3): {"S": 0.0126}, (1, 4): {}, (2, 5): {"NP": 0.01296},
        (0, 4): {}, (1, 5): {"VP": 0.009072},
        (0, 5): {"S": 0.0009072},
    }  # fmt: skip
    assert {span: {name: pytest.approx(share) for name, share in cell.items()} for span, cell in by_hand.items()} == {
        span: {name: math.exp(score) for name, score in cell.items()} for span, cell in chart.items()
    }


def test_the_textbooks_sentence_has_its_probability():
    chart = inside_chart(SENTENCE, ASTRONOMERS.words, ASTRONOMERS.binary, {})
    assert chart[1, 5]["VP"] == pytest.approx(0.015876) and chart[0, 5]["S"] == pytest.approx(0.0015876)
    rules = tables(ASTRONOMERS)
    assert math.exp(log_inside(ASTRONOMERS, rules, SENTENCE)) == pytest.approx(0.0015876, rel=1e-12)
    best = parse(ASTRONOMERS, rules, SENTENCE)
    assert best.whole and math.exp(best.log_probability) == pytest.approx(0.0009072, rel=1e-12)
    assert best.tree == ("S", ("NP", "astronomers"), ("VP", ("V", "saw"), (
        "NP", ("NP", "stars"), ("PP", ("P", "with"), ("NP", "ears")))))  # fmt: skip


def random_grammar(seed, phrases=4, tags=3, words="abcd"):
    """A grammar with unary chains and circles, some of its rules drawn at random."""
    source = random.Random(seed)
    names, leaves = [f"P{number}" for number in range(phrases)], [f"T{number}" for number in range(tags)]
    binary, unary, lexicon = {}, {}, {}
    for name in names:
        weights = {}
        for _ in range(5):
            weights[name, source.choice(names + leaves), source.choice(names + leaves)] = source.random()
        for _ in range(2):
            weights[name, source.choice(names + leaves)] = source.random() / 2
        total = sum(weights.values())
        for rule, weight in weights.items():
            (binary if len(rule) == 3 else unary)[rule] = math.log(weight / total)
    for tag in leaves:
        weights = {word: source.random() for word in source.sample(words, 2)}
        for word, weight in weights.items():
            lexicon[tag, word] = math.log(weight / sum(weights.values()))
    return Grammar("P0", binary, unary, lexicon)


def log_probability_of(grammar, tree):
    """The product of a tree's rules."""
    if is_tag(tree):
        return grammar.words[tree]
    rule = (tree[0], *(part[0] for part in tree[1:]))
    return (grammar.binary if len(rule) == 3 else grammar.unary)[rule] + sum(
        log_probability_of(grammar, part) for part in tree[1:]
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.text("abcd", min_size=1, max_size=7))
def test_the_kernels_are_their_definition(seed, text):
    grammar, words = random_grammar(seed), list(text)
    rules = tables(grammar)
    if any(not grammar.of_word(rules.known, word) for word in words):
        return
    chains = {pair: score for pair, (score, _) in best_chains(grammar.unary).items()}
    best = cky_chart(words, grammar.words, grammar.binary, chains)[0, len(words)].get("P0")
    total = inside_chart(words, grammar.words, grammar.binary, sum_of_chains(grammar.unary))[0, len(words)].get("P0")
    found = parse(grammar, rules, words)
    assert found.whole == (best is not None) == (total is not None) and words_of(found.tree) == words
    if best is None:
        assert log_inside(grammar, rules, words) == -math.inf and found.log_probability is None
        return
    assert found.log_probability == pytest.approx(best, abs=1e-9)
    assert log_probability_of(grammar, found.tree) == pytest.approx(best, abs=1e-9), (
        "the tree has the score it is given for"
    )
    assert log_inside(grammar, rules, words) == pytest.approx(math.log(total), abs=1e-9)
    assert total >= math.exp(best) * (1 - 1e-12)


def test_nltk_finds_the_same_probability_and_tree():
    nltk = pytest.importorskip("nltk")
    for seed in range(6):
        grammar = random_grammar(seed)
        N = nltk.Nonterminal
        productions = [
            nltk.ProbabilisticProduction(N(rule[0]), [N(name) for name in rule[1:]], prob=math.exp(score))
            for rule, score in [*grammar.binary.items(), *grammar.unary.items()]
        ] + [
            nltk.ProbabilisticProduction(N(tag), [word], prob=math.exp(score))
            for (tag, word), score in grammar.words.items()
        ]
        theirs, rules = nltk.ViterbiParser(nltk.PCFG(N("P0"), productions)), tables(grammar)
        source = random.Random(seed)
        for _ in range(4):
            words = source.choices(sorted({word for _, word in grammar.words}), k=5)
            ours, expected = parse(grammar, rules, words), next(theirs.parse(words), None)
            assert ours.whole == (expected is not None)
            if expected is not None:
                assert ours.log_probability == pytest.approx(math.log(expected.prob()), abs=1e-9)
                assert " ".join(str(expected).rpartition("(p=")[0].split()) == bracket(ours.tree)


def bracket(tree):
    """A tree as NLTK prints it."""
    return f"({tree[0]} {' '.join(part if isinstance(part, str) else bracket(part) for part in tree[1:])})"


def test_a_long_sentence_does_not_vanish_in_rounding():
    grammar = Grammar("S", logs({("S", "S", "S"): 0.4}), logs({("S", "A"): 0.6}), logs({("A", "a"): 1e-9}))
    rules = tables(grammar)
    words = ["a"] * 60
    # Catalan's number of trees, each with 59 joins and 60 words
    expected = math.log(math.comb(118, 59) / 60) + 59 * math.log(0.4) + 60 * math.log(0.6e-9)
    assert log_inside(grammar, rules, words) == pytest.approx(expected, rel=1e-12)
    assert parse(grammar, rules, words).log_probability == pytest.approx(59 * math.log(0.4) + 60 * math.log(0.6e-9))


def test_what_no_rule_covers_is_given_in_the_fewest_pieces():
    rules = tables(ASTRONOMERS)
    found = parse(ASTRONOMERS, rules, "stars with ears astronomers saw stars".split())
    assert not found.whole and found.log_probability is None
    assert [part[0] for part in found.tree[1:]] == ["NP", "S"] and len(words_of(found.tree)) == 6


def test_a_symbol_of_the_binarisation_is_no_piece():
    # (@NP|DT JJ NN) covers "big dog", and without the determiner no NP does: the pieces are the two tags
    grammar = Grammar(
        "TOP",
        logs({("NP", "DT", "@NP|DT"): 1.0, ("@NP|DT", "JJ", "NN"): 1.0}),
        logs({("TOP", "NP"): 1.0}),
        logs({("DT", "the"): 1.0, ("JJ", "big"): 1.0, ("NN", "dog"): 1.0}),
    )
    assert parse(grammar, tables(grammar), "big dog the".split()).tree == (
        "TOP", ("JJ", "big"), ("NN", "dog"), ("DT", "the"))  # fmt: skip


def test_a_beam_gives_a_tree_that_is_never_better():
    grammar = random_grammar(3)
    rules, words = tables(grammar), list("abab")
    exact, narrow = parse(grammar, rules, words), parse(grammar, rules, words, beam=1.0)
    assert exact.whole and (not narrow.whole or narrow.log_probability <= exact.log_probability + 1e-12)
    assert parse(grammar, rules, words, beam=1e6) == exact


def test_what_is_no_sentence_is_refused():
    rules = tables(ASTRONOMERS)
    for wrong, way_out in (
        ([], "at least one word"),
        (["saw", ""], "at least one word"),
        ("astronomers saw", "split the sentence"),
        (["astronomers", "heard"], "word 2, 'heard', has no tag"),
    ):
        with pytest.raises(InputError, match=way_out):
            parse(ASTRONOMERS, rules, wrong)
    for beam in (-1.0, math.nan):
        with pytest.raises(InputError, match=f"beam={beam} is not possible; use 0 or more"):
            parse(ASTRONOMERS, rules, SENTENCE, beam=beam)
    with pytest.raises(InputError, match=r"9,000 words needs 1\.9 GB .* at most 6,688 words"):
        parse(ASTRONOMERS, rules, ["saw"] * 9000)
    with pytest.raises(InputError, match="at most 4 words"):
        parse(ASTRONOMERS, rules, SENTENCE, memory_bytes=8 * 6 * 14)
