"""Spans in a row of BIO tags, and how many of them were found: precision, recall and F1, as CoNLL's script counts them.

B-X begins a span of type X, I-X goes on with it, O is outside. A span counts only when its beginning, its end and its type
are all right, so a name of three words of which two were found is one mistake of each kind. Tjong Kim Sang 2002
(CoNLL-2002), with the reading of loose I- tags of its script conlleval: an I-X after nothing, or after another type,
begins a span. B and I without a type are spans of type "". Left out: tags of other schemes (BIOES).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from groundup.errors import InputError
from groundup.slots import slot


class Span(NamedTuple):
    """Words start to end - 1, and what they are."""

    start: int
    end: int
    type: str


class Found(NamedTuple):
    """Shares of what was found that is right, of what there is that was found, and their harmonic mean; 0 where nothing is."""

    precision: float
    recall: float
    f1: float
    gold: int  # spans there are
    predicted: int  # spans found
    right: int


@slot
def bio_spans(tags: Sequence[str]) -> list[Span]:
    """The spans of a sentence's tags, in order.

    >>> bio_spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [Span(start=0, end=2, type='PER'), Span(start=3, end=4, type='LOC'), Span(start=4, end=5, type='LOC')]
    """
    spans: list[Span] = []
    start: int | None = None  # of the span that is open
    type = ""
    for place, tag in enumerate([*tags, "O"]):
        mark, _, kind = tag.partition("-")
        if start is not None and (mark != "I" or kind != type):
            spans.append(Span(start, place, type))
            start = None
        if mark in ("B", "I") and start is None:
            start, type = place, kind
    return spans


def span_f1(gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> dict[str, Found]:
    """How many spans were found, of each type and, under "all", of all together; one row of tags a sentence.

    A type that is itself called "all" stands under "type all".

    >>> span_f1([["B-PER", "O", "B-LOC"]], [["B-PER", "O", "O"]])["all"].recall
    0.5
    """
    gold, predicted = list(gold), list(predicted)
    if len(gold) != len(predicted):
        raise InputError(
            f"{len(gold)} sentences of gold tags and {len(predicted)} of predicted ones; give as many of both"
        )
    there, found, right = Counter[str](), Counter[str](), Counter[str]()
    for number, (one, other) in enumerate(zip(gold, predicted, strict=True), 1):
        if len(one) != len(other):
            raise InputError(
                f"sentence {number} has {len(one)} gold tags and {len(other)} predicted ones; give as many"
            )
        true, own = bio_spans(one), bio_spans(other)
        there.update(span.type for span in true)
        found.update(span.type for span in own)
        right.update(span.type for span in set(true) & set(own))
    result = {"all": _found(there.total(), found.total(), right.total())}
    names = {type: "type all" if type == "all" else type for type in sorted(there | found)}
    return result | {name: _found(there[type], found[type], right[type]) for type, name in names.items()}


def _found(gold: int, predicted: int, right: int) -> Found:
    precision, recall = right / predicted if predicted else 0.0, right / gold if gold else 0.0
    return Found(precision, recall, 2 * right / (gold + predicted) if right else 0.0, gold, predicted, right)
