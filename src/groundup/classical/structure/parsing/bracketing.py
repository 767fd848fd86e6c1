"""How good a parsed tree is: labelled brackets that it shares with the right one (Parseval; Black et al. 1991).

A bracket is a label over a span of words. precision = shared / found, recall = shared / right, F1 = their harmonic mean, over all
sentences together. Counted as Collins's settings of the program evalb count: tags and what stands above the sentence are no
brackets, what the right tree tags as punctuation is taken out of the sentence first, ADVP and PRT are one. Left out: crossing brackets, and evalb's
skipping of sentences whose words differ (they are refused here).
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from groundup.classical.structure.parsing.trees import TOP, Tree, is_tag, tagged, words_of
from groundup.errors import InputError

PUNCTUATION = frozenset({",", ":", "``", "''", "."})
SAME = {"PRT": "ADVP"}


def counted_words(tree: Tree) -> list[bool]:
    """For each word of a tree whether it is counted: whether its tag is none of punctuation's."""
    return [tag not in PUNCTUATION for _, tag in tagged(tree)]


def brackets(tree: Tree, counted: Sequence[bool] | None = None) -> Counter[tuple[str, int, int]]:
    """The (label, start, end) of every phrase, in a sentence without its punctuation; phrases of nothing else are left out.

    counted: of each word whether it is one; without it the tree's own tags say. Two trees of one sentence are compared with
    the right one's: a comma that one of them mistook for a noun would move every bracket behind it.

    >>> sorted(brackets(("TOP", ("S", ("NP", ("NNS", "cats")), ("VP", ("VBP", "sleep")), (".", ".")))))
    [('NP', 0, 1), ('S', 0, 2), ('VP', 1, 2)]
    """
    found: Counter[tuple[str, int, int]] = Counter()
    counted = counted_words(tree) if counted is None else counted
    places = [0, *accumulate(map(int, counted))]  # of each word, among those that are counted
    word, ahead = 0, [tree]
    while ahead:
        part = ahead.pop()
        if isinstance(part[1], int):  # a phrase that ends here, with where it began
            label, start = str(part[0]), part[1]
            if places[word] > places[start] and label != TOP:
                found[SAME.get(label, label), places[start], places[word]] += 1
        elif is_tag(part):
            word += 1
        else:
            ahead += [(part[0], word), *part[:0:-1]]
    return found


def bracketing_f1(gold: Sequence[Tree], parsed: Sequence[Tree]) -> dict[str, float]:
    """precision, recall and f1 of labelled brackets over all sentences, and the share of sentences without a mistake (exact)."""
    if len(gold) != len(parsed) or not gold:
        raise InputError(
            f"{len(gold)} right trees came with {len(parsed)} parsed ones; give one for each, and at least one"
        )
    shared = right = found = exact = 0
    for number, (one, other) in enumerate(zip(gold, parsed, strict=True), 1):
        if words_of(one) != words_of(other):
            raise InputError(f"the trees of sentence {number} have different words; compare parses of the same text")
        counted = counted_words(one)
        a, b = brackets(one, counted), brackets(other, counted)
        shared, right, found = shared + (a & b).total(), right + a.total(), found + b.total()
        exact += a == b
    precision, recall = shared / max(1, found), shared / max(1, right)
    f1 = 2 * precision * recall / (precision + recall) if shared else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "exact": exact / len(gold)}
