"""How good a parsed tree is: labelled brackets that it shares with the right one (Parseval; Black et al. 1991).

A bracket is a label over a span of words. precision = shared / found, recall = shared / right, F1 = their harmonic mean, over all
sentences together. Counted as Collins's settings of the program evalb count: tags and what stands above the sentence are no
brackets, punctuation is taken out of the sentence first, ADVP and PRT are one. Left out: crossing brackets, and evalb's
skipping of sentences whose words differ (they are refused here).
"""

from collections import Counter
from collections.abc import Sequence

from groundup.classical.structure.parsing.trees import TOP, Tree, is_tag, words_of
from groundup.errors import InputError

PUNCTUATION = frozenset({",", ":", "``", "''", "."})
SAME = {"PRT": "ADVP"}


def brackets(tree: Tree) -> Counter[tuple[str, int, int]]:
    """The (label, start, end) of every phrase, in a sentence without its punctuation; phrases of nothing else are left out.

    >>> sorted(brackets(("TOP", ("S", ("NP", ("NNS", "cats")), ("VP", ("VBP", "sleep")), (".", ".")))))
    [('NP', 0, 1), ('S', 0, 2), ('VP', 1, 2)]
    """
    found: Counter[tuple[str, int, int]] = Counter()

    def end_of(part: Tree, start: int) -> int:
        if is_tag(part):
            return start + (part[0] not in PUNCTUATION)
        end = start
        for child in part[1:]:
            end = end_of(child, end)
        if end > start and part[0] != TOP:
            found[SAME.get(str(part[0]), str(part[0])), start, end] += 1
        return end

    end_of(tree, 0)
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
        a, b = brackets(one), brackets(other)
        shared, right, found = shared + (a & b).total(), right + a.total(), found + b.total()
        exact += a == b
    precision, recall = shared / max(1, found), shared / max(1, right)
    f1 = 2 * precision * recall / (precision + recall) if shared else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "exact": exact / len(gold)}
