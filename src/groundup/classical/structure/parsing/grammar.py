"""A probabilistic grammar read off trees: how often each symbol was rewritten in each way.

    P(A -> B C) = count(A -> B C) / count(A)          and the same for A -> B and for a tag's words, A -> word

A tree's probability is the product of its rules' (Booth and Thompson 1973; Charniak 1996 read them off a treebank). These
shares are the maximum of the likelihood, and they sum to one for each symbol.

Words: the treebank lacks most words of the language. Words seen less than `rare` times are counted as a class of their
shape and ending (`<low-ing>`), and a word never seen stands for its class. So P(word or class | tag) sums to one as well.
A class that was never seen falls back to its shape, and that to any rare word: what is left of it is no probability of the
grammar but an estimate, the tag's share of rare words.

Chains of rules with one part (S -> VP, VP -> VB) are as long as they like. `best_chains` keeps the best of them all between
two symbols, `sum_of_chains` their sum: 1 + U + U^2 + ... = 1 / (1 - U). Left out: smoothing of rules, latent symbols.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from groundup.classical.structure.parsing.trees import TOP, Tree, followed, is_tag, tagged
from groundup.errors import ConfigError, InputError
from groundup.slots import slot

ANY = "<any>"
DRAWS = 10_000  # symbols of a drawn sentence before it is given up


def word_classes(word: str) -> tuple[str, str, str]:
    """What an unknown word is taken for: its shape with its ending, its shape, anything.

    >>> word_classes("Flying"), word_classes("1987")
    (('<Cap-ng>', '<Cap>', '<any>'), ('<num-87>', '<num>', '<any>'))
    """
    if any(letter.isdigit() for letter in word):
        shape = "num"
    elif not any(letter.isalpha() for letter in word):
        shape = "sign"
    elif word.isupper():
        shape = "CAP"
    else:
        shape = ("Cap" if word[0].isupper() else "low") + ("+" if "-" in word else "")
    return f"<{shape}-{word[-2:].lower()}>", f"<{shape}>", ANY


@dataclass(frozen=True)
class Grammar:
    """Rules with the natural logarithm of their probability; `words` has (tag, word or class), each symbol sums to one."""

    start: str
    binary: dict[tuple[str, str, str], float]
    unary: dict[tuple[str, str], float]
    words: dict[tuple[str, str], float]
    fallback: dict[tuple[str, str], float] = field(default_factory=dict)  # (tag, shape or any): an estimate, in no sum
    examples: dict[tuple[str, str], list[str]] = field(
        default_factory=dict
    )  # (tag, class): words that were counted in it

    @property
    def symbols(self) -> list[str]:
        """Every symbol, sorted, the start first."""
        names = {name for rule in [*self.binary, *self.unary] for name in rule} | {tag for tag, _ in self.words}
        return [self.start, *sorted(names - {self.start})]

    def of_word(self, known: dict[str, list[tuple[str, float]]], word: str) -> list[tuple[str, float]]:
        """The tags that may stand over a word with their log-probabilities. known: `by_word` of this grammar."""
        for name in (word, *word_classes(word)):
            if name in known:
                return known[name]
        return []

    def by_word(self) -> dict[str, list[tuple[str, float]]]:
        """The tags of every word and class, those of the fallback too."""
        found: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for (tag, word), score in [*self.words.items(), *self.fallback.items()]:
            found[word].append((tag, score))
        return dict(found)


@slot
def rule_probabilities(rules: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
    """The natural logarithm of each rule's share among the rules of its first symbol.

    >>> rule_probabilities([("S", "NP", "VP"), ("S", "NP", "VP"), ("S", "VP"), ("VP", "V")])[("S", "VP")] == math.log(1 / 3)
    True
    """
    counts = Counter(rules)
    totals: Counter[str] = Counter()
    for rule, count in counts.items():
        totals[rule[0]] += count
    return {rule: math.log(count / totals[rule[0]]) for rule, count in counts.items()}


def rules_of(tree: Tree) -> list[tuple[str, ...]]:
    """Every rule that a binarised tree uses above its tags, each as (symbol, part) or (symbol, left, right)."""
    found, ahead = [], [tree]
    while ahead:
        part = ahead.pop()
        if not is_tag(part):
            found.append((part[0], *(below[0] for below in part[1:])))
            ahead += part[:0:-1]
    return found


def read_off(trees: Sequence[Tree], rare: int = 2) -> Grammar:
    """The grammar of binarised trees that stand under TOP; words seen less than `rare` times are counted by class."""
    if not trees:
        raise InputError("there is no tree to read a grammar off; give a treebank with at least one sentence")
    pairs = [pair for tree in trees for pair in tagged(tree)]
    seen = Counter(word for word, _ in pairs)
    scores = rule_probabilities(rule for tree in trees for rule in rules_of(tree))
    lexicon = rule_probabilities((tag, word if seen[word] >= rare else word_classes(word)[0]) for word, tag in pairs)
    both = {tag for tag, _ in lexicon} & {rule[0] for rule in scores}
    if both:
        raise InputError(f"{sorted(both)[0]!r} is a tag and a phrase in one treebank; give one of them another name")
    examples: dict[tuple[str, str], set[str]] = defaultdict(set)
    for word, tag in pairs:
        if seen[word] < rare:
            examples[tag, word_classes(word)[0]].add(word)
    return Grammar(
        start=TOP,
        binary={(rule[0], rule[1], rule[2]): score for rule, score in scores.items() if len(rule) == 3},
        unary={(rule[0], rule[1]): score for rule, score in scores.items() if len(rule) == 2},
        words={(pair[0], pair[1]): score for pair, score in lexicon.items()},
        fallback=_fallback(pairs, seen, max(rare, 2)),
        examples={pair: sorted(words) for pair, words in sorted(examples.items())},
    )


def _fallback(pairs: list[tuple[str, str]], seen: Counter[str], rare: int) -> dict[tuple[str, str], float]:
    """For each tag its share of words of one shape, and of any, among those seen less than `rare` times."""
    totals = Counter(tag for _, tag in pairs)
    found: Counter[tuple[str, str]] = Counter()
    for word, tag in pairs:
        if seen[word] < rare:
            found.update((tag, name) for name in word_classes(word)[1:])
    if not found:  # a treebank in which every word comes again: any tag may be over a new one
        found.update((tag, ANY) for _, tag in pairs)
    return {pair: math.log(count / (totals[pair[0]] + 1)) for pair, count in found.items()}


@slot
def best_chains(unary: dict[tuple[str, str], float]) -> dict[tuple[str, str], tuple[float, str]]:
    """For symbols A, B: the log-probability of the best chain of one or more unary rules from A to B, and its first step.

    Floyd and Warshall's order: a chain through the symbols allowed so far, or one through a new symbol in its middle.
    Going in a circle never helps, since no rule has a probability over one: from A to A nothing is given.
    """
    best = {(a, b): (score, b) for (a, b), score in unary.items() if a != b}
    for middle in sorted({b for _, b in best}):
        to = [(a, found) for (a, b), found in best.items() if b == middle]
        onward = [(b, found[0]) for (a, b), found in best.items() if a == middle]
        for a, (score, step) in to:
            for b, more in onward:
                if a != b and score + more > best.get((a, b), (-math.inf, ""))[0]:
                    best[a, b] = (score + more, step)
    return best


def sum_of_chains(unary: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """The summed probability of every chain of unary rules from A to B, the empty one (A to A) among them."""
    names = sorted({name for pair in unary for name in pair})
    place = {name: number for number, name in enumerate(names)}
    steps = np.zeros((len(names), len(names)))
    for (a, b), score in unary.items():
        steps[place[a], place[b]] = math.exp(score)
    if len(names) and np.abs(np.linalg.eigvals(steps)).max() >= 1 - 1e-9:
        raise ConfigError("some unary rules go round in a circle with probability 1; give one of them another way out")
    sums = np.linalg.inv(np.eye(len(names)) - steps)
    pairs = [*best_chains(unary), *((name, name) for name in names)]
    return {(a, b): float(sums[place[a], place[b]]) for a, b in pairs}


def _ways(grammar: Grammar) -> dict[str, tuple[list[tuple[str, ...]], np.ndarray]]:
    """Each symbol's rules, and the running sums of their probabilities."""
    grouped: dict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
    for kind in (grammar.binary, grammar.unary, grammar.words):
        for rule, score in kind.items():
            grouped[rule[0]].append((rule, math.exp(score)))
    return {
        name: ([rule for rule, _ in found], np.cumsum([share for _, share in found])) for name, found in grouped.items()
    }


def sample_tree(grammar: Grammar, seed: int = 0) -> Tree:
    """Draw a tree from the top down, each rule by its probability; a class becomes one of the words counted in it.

    It is drawn without recursion and then made a `Tree` with it.
    """
    source = np.random.default_rng(seed)
    ways = _ways(grammar)
    drawn: list[list] = [[grammar.start]]
    for node in drawn:  # it grows while it is read: breadth first
        if len(drawn) > DRAWS:
            raise InputError(f"the sentence of seed {seed} grew past {DRAWS:,} symbols; draw with another seed")
        found, sums = ways[node[0]]
        rule = found[int(np.searchsorted(sums, source.random() * sums[-1], side="right"))]
        if (rule[0], rule[1]) in grammar.words:
            words = grammar.examples.get((rule[0], rule[1]), [rule[1]])
            node.append(words[int(source.integers(len(words)))])
        else:
            node.extend([name] for name in rule[1:])
            drawn.extend(node[1:])
    with followed(f"the tree of seed {seed}"):
        return _frozen(drawn[0])


def _frozen(node: list) -> Tree:
    return (node[0], *(part if isinstance(part, str) else _frozen(part) for part in node[1:]))
