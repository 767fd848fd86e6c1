"""Grammars read off trees: shares that sum to one, chains of unary rules, unknown words, drawn sentences."""

import math
from collections import Counter, defaultdict

import pytest

from groundup.classical.structure.parsing.grammar import (
    Grammar,
    best_chains,
    read_off,
    rule_probabilities,
    rules_of,
    sample_tree,
    sum_of_chains,
    word_classes,
)
from groundup.classical.structure.parsing.trees import binarize, clean, read_brackets, restore
from groundup.errors import ConfigError, InputError

BANK = """
(S (NP (DT the) (NN dog)) (VP (VBD saw) (NP (DT the) (NN cat))))
(S (NP (DT the) (NN cat)) (VP (VBD slept)))
(S (NP (DT a) (JJ big) (NN dog)) (VP (VBD saw) (NP (NNS 12))))
(S (NP (NNS dogs)) (VP (VBD slept)))
"""
TREES = [binarize(clean(tree)) for tree in read_brackets(BANK)]


def test_the_grammar_of_four_sentences_counted_by_hand():
    grammar = read_off(TREES, rare=1)
    assert math.exp(grammar.binary["NP", "DT", "NN"]) == pytest.approx(3 / 6)
    assert math.exp(grammar.binary["NP", "DT", "@NP|DT"]) == pytest.approx(1 / 6)
    assert math.exp(grammar.unary["NP", "NNS"]) == pytest.approx(2 / 6)
    assert math.exp(grammar.words["NN", "cat"]) == pytest.approx(2 / 4)
    assert math.exp(grammar.unary["VP", "VBD"]) == pytest.approx(1 / 2)


@pytest.mark.parametrize("rare", [1, 2, 3])
def test_every_symbol_sums_to_one(rare):
    grammar, totals = read_off(TREES, rare), defaultdict(float)
    for rule, score in [*grammar.binary.items(), *grammar.unary.items(), *grammar.words.items()]:
        totals[rule[0]] += math.exp(score)
    assert set(totals) == set(grammar.symbols) and all(abs(total - 1) < 1e-12 for total in totals.values())


def test_nltk_reads_the_same_rules_off_the_same_trees():
    nltk = pytest.importorskip("nltk")
    rules = [rule for tree in TREES for rule in rules_of(tree)]
    productions = [nltk.Production(nltk.Nonterminal(a), [nltk.Nonterminal(b) for b in rest]) for a, *rest in rules]
    theirs = nltk.induce_pcfg(nltk.Nonterminal("TOP"), productions)
    ours = rule_probabilities(rules)
    assert len(theirs.productions()) == len(ours)
    for production in theirs.productions():
        name = (str(production.lhs()), *map(str, production.rhs()))
        assert math.exp(ours[name]) == pytest.approx(production.prob(), abs=1e-12)


def test_rare_words_are_a_class_and_unknown_ones_stand_for_it():
    grammar = read_off(TREES, rare=2)
    known = grammar.by_word()
    assert ("NNS", "<num-12>") in grammar.words and ("NNS", "12") not in grammar.words
    assert [tag for tag, _ in grammar.of_word(known, "1912")] == ["NNS"]
    assert {tag for tag, _ in grammar.of_word(known, "zebras")} == {"DT", "JJ", "NNS"}, "rare words of that shape"
    assert {tag for tag, _ in grammar.of_word(known, "!")} == {"DT", "JJ", "NNS"}, "anything rare"


@pytest.mark.parametrize(
    ("word", "shape"),
    [("dog", "<low>"), ("Dog", "<Cap>"), ("DOG", "<CAP>"), ("3.5", "<num>"), ("--", "<sign>"), ("so-called", "<low+>")],
)
def test_shapes(word, shape):
    assert word_classes(word)[1] == shape


def chains_by_walking(unary, longest=12):
    """Best and summed probability of every chain of up to some length, step by step."""
    best, total = {}, Counter()
    ends = {(a, a): [1.0] for a in {name for pair in unary for name in pair}}
    for a, _ in ends:
        total[a, a] += 1.0
    for _ in range(longest):
        ends_next = defaultdict(list)
        for (a, b), shares in ends.items():
            for (c, d), score in unary.items():
                if b == c:
                    ends_next[a, d] += [share * math.exp(score) for share in shares]
        for pair, shares in ends_next.items():
            total[pair] += sum(shares)
            best[pair] = max(best.get(pair, 0.0), *shares)
        ends = {pair: [*shares] for pair, shares in ends_next.items()}
    return best, total


UNARY = {
    pair: math.log(share)
    for pair, share in {
        ("A", "B"): 0.3, ("B", "C"): 0.5, ("A", "C"): 0.1, ("C", "A"): 0.2, ("C", "D"): 0.4, ("B", "D"): 0.05, ("D", "D"): 0.1,
    }.items()
}  # fmt: skip


def test_the_best_chain_and_its_first_step():
    found, best = best_chains(UNARY), chains_by_walking(UNARY)[0]
    assert set(found) == {(a, b) for a, b in best if a != b}
    for pair, (score, step) in found.items():
        assert math.exp(score) == pytest.approx(best[pair], rel=1e-12)
        rest = 0.0 if step == pair[1] else found[step, pair[1]][0]
        assert score == pytest.approx(UNARY[pair[0], step] + rest, abs=1e-12)
    assert found["A", "C"] == (pytest.approx(math.log(0.15)), "B"), "two steps are better than the one"


def test_the_sum_over_chains_is_the_inverse():
    total = chains_by_walking(UNARY)[1]
    for pair, share in sum_of_chains(UNARY).items():
        assert share == pytest.approx(total[pair], rel=1e-5)


def test_a_circle_that_never_ends_is_refused():
    with pytest.raises(ConfigError, match="another way out"):
        sum_of_chains({("A", "B"): 0.0, ("B", "A"): 0.0})


def test_drawn_trees_use_rules_as_often_as_these_are_probable():
    grammar = read_off(TREES, rare=2)
    drawn = [sample_tree(grammar, seed) for seed in range(300)]
    assert drawn[7] == sample_tree(grammar, 7)
    counts = Counter(rule for tree in drawn for rule in rules_of(tree) if rule[0] == "VP")
    assert set(counts) == {("VP", "VBD"), ("VP", "VBD", "NP")}
    share = counts["VP", "VBD"] / counts.total()
    assert abs(share - 0.5) < 4 * math.sqrt(0.25 / counts.total())
    assert all(restore(tree)[0] == "TOP" for tree in drawn)


def test_what_is_no_grammar_is_refused():
    with pytest.raises(InputError, match="at least one sentence"):
        read_off([])
    with pytest.raises(InputError, match="is a tag and a phrase"):
        read_off(read_brackets("(S (NP (NP a)) (S b))"))
    endless = Grammar("S", {("S", "T", "T"): 0.0, ("T", "S", "S"): 0.0}, {}, {("U", "a"): 0.0})
    with pytest.raises(InputError, match="another seed"):
        sample_tree(endless)
