"""Sentence splitting: where one sentence ends, by rules that can be read.

A full stop ends a sentence about nine times in ten in prose; the rest are abbreviations, initials and numbers. The rules
ask, for every sign that could end a sentence, what stands before and behind it:

    1. an empty line always ends a sentence, also without a sign
    2. 。！？ and their kin need no space behind them; . ! ? … and others do
    3. quotes and brackets that close behind the sign belong to the sentence
    4. what goes on in lower case goes on, unless an ordinary word and a full stop, ! or ? stand before it
    5. a title (Dr., Mrs., Gen.) or a single initial goes on; so does an abbreviation such as `etc.` or `U.S.`, unless the next
       word is one that usually begins a sentence
    6. `No. 5`, `p. 12`, `vol. 3`: an abbreviation that stands before numbers goes on before one

Left out: learning abbreviations from the text itself (Kiss and Strunk 2006, "punkt"), text without punctuation, and lines
that are headings. Measured on the English Web Treebank in the tests, with `boundary_scores`.
"""

import re
from collections.abc import Iterable, Sequence

from groundup.slots import slot

WIDE = "。！？｡︒﹗﹖"  # ends that need no space behind
NARROW = ".!?…؟۔।॥።၊။՞׃‼⁇⁈⁉"
CLOSING = "\"'”’»›)]}」』）】〉》"
_CLOSED = "[" + re.escape(CLOSING) + "]*"
_FACE = r"(?:[ ]?[:;=]-?[)(DP](?=\s|$))?"
_END = re.compile(
    rf"[{WIDE}]+[{NARROW}{WIDE}]*{_CLOSED}|[{NARROW}](?:[ ]?[{NARROW}])*{_CLOSED}(?=\s|$){_FACE}|\n[ \t]*\n\s*"
)
TITLES = frozenset(
    "mr mrs ms mx dr prof rev fr sr hon sen rep gov gen col lt cmdr capt cpt sgt maj adm pres st mt ft messrs mme mlle m vs cf "
    "al eg ie viz approx dept univ assn bros hr frau".split()
)
BEFORE_NUMBERS = frozenset(
    "no nos p pp vol vols fig figs art sec ch eq ed est ca jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
MAY_END = frozenset(
    "etc inc ltd co corp llc plc jr esq u.s u.k u.n e.u u.s.a d.c a.m p.m a.d b.c ph.d m.d b.a m.a bldg ave blvd rd approx dept mass calif".split()
)
STARTERS = frozenset(  # words that begin sentences far more often than names
    "the a an this that these those he she it we they you i in on at if when while but and so for as after before there here "
    "his her its our their my what how why who where some all no not one according however since although because with then "
    "is are was were do does did can could will would please thanks also most many other another each".split()
)


def _word_before(text: str, place: int) -> str:
    """What stands before a place, back to a space or an opening bracket, in lower case."""
    found = re.search(r"[^\s(\[{\"'“‘]*$", text[max(0, place - 30) : place])
    return found[0].lower() if found else ""


def is_plain(word: str) -> bool:
    """Whether a word is an ordinary one, which a full stop ends: no abbreviation, initial or dots.

    >>> is_plain("house"), is_plain("etc"), is_plain("u.s")
    (True, False, False)
    """
    return len(word) > 2 and word.isalpha() and word not in TITLES | BEFORE_NUMBERS | MAY_END


@slot
def goes_on(before: str, sign: str, following: str) -> bool:
    """Whether a sentence goes on behind a sign that could end it: rules 4 to 6 of this file.

    before: the word before the sign, in lower case. sign: the sign and what closes behind it, such as `.` or `?"`.
    following: the next word as it is written, "" at the end.

    >>> goes_on("dr", ".", "Li"), goes_on("left", ".", "He"), goes_on("really", '?"', "she")
    (True, False, True)
    """
    if following[:1].islower() and (sign != "." or not is_plain(before)):
        return sign[0] not in "!?" or len(sign) > 1
    if sign[0] != ".":
        return False
    if before in TITLES:
        return True
    if before in BEFORE_NUMBERS:
        return following[:1].isdigit()
    initial = len(before) == 1 and before.isalpha() and before != "i"
    abbreviated = initial or before in MAY_END or re.fullmatch(r"(?:[a-z]\.)+[a-z]", before) is not None
    return abbreviated and bool(following) and following.lower().rstrip(".") not in STARTERS


def _goes_on(text: str, stop: int, end: int) -> bool:
    """The same at a place in a text: the sign at `stop`, with what closes behind it until `end`."""
    following = re.match(r"\s*[\"'“‘(\[]*([\w.'’-]*)", text[end : end + 60])
    return goes_on(_word_before(text, stop), text[stop:end], following[1] if following else "")


def sentence_ends(text: str) -> list[int]:
    """The places behind each sentence's last sign, in order; the last is the end of the text's words.

    >>> sentence_ends("Dr. Li paid 3.50 dollars. He left.")
    [25, 34]
    """
    ends: list[int] = []
    for found in _END.finditer(text):
        if found[0][0] == "\n":
            ends.append(len(text[: found.start()].rstrip()))
            continue
        signs = re.match(rf"[{NARROW}{WIDE} ]+", found[0])
        stop = found.start() + (len(signs[0].rstrip()) if signs else 1) - 1
        if found[0][0] in WIDE or not _goes_on(text, stop, found.end()):
            ends.append(found.end())
    ends.append(len(text.rstrip()))
    return sorted({end for end in ends if text[:end].strip()})


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without the space between them.

    >>> split_sentences("“Really?” she asked. The U.S. team won 3.5 to 2! 你好。再见。")
    ['“Really?” she asked.', 'The U.S. team won 3.5 to 2!', '你好。', '再见。']
    """
    ends = sentence_ends(text)
    pieces = (text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False))
    return [piece for piece in pieces if piece]


def naive_ends(text: str) -> list[int]:
    """The baseline: a sentence ends at every . ! ? before a space."""
    return [*(found.end() for found in re.finditer(r"[.!?](?=\s)", text)), len(text.rstrip())]


def boundary_scores(found: Iterable[int], right: Iterable[int]) -> dict[str, float]:
    """Precision, recall and F1 of boundaries (or of whatever can be in two sets).

    >>> boundary_scores([3, 9], [3, 7, 9])
    {'precision': 1.0, 'recall': 0.6666666666666666, 'f1': 0.8}
    """
    one, other = set(found), set(right)
    both = len(one & other)
    precision, recall = both / max(1, len(one)), both / max(1, len(other))
    return {"precision": precision, "recall": recall, "f1": 2 * both / max(1, len(one) + len(other))}


def joined_with_ends(sentences: Sequence[str], gap: str = " ") -> tuple[str, list[int]]:
    """Sentences as one text, and where each ends in it: how a treebank becomes a test."""
    text, ends = "", []
    for sentence in sentences:
        text += gap * bool(text) + sentence
        ends.append(len(text))
    return text, ends
