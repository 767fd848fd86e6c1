"""Unicode normalisation: texts that mean the same get the same code points.

`é` is one code point (U+00E9) or two (e and U+0301). They look alike and compare unequal, so a tokenizer gives them
different ids and a search finds one of them. Four forms end that (Unicode Standard Annex 15):

    NFD   every character taken apart, marks of one base in a fixed order      (canonical decomposition)
    NFC   that, joined again as far as a single code point exists              (the web's form)
    NFKD  like NFD, and what differs in looks alone is replaced: ﬁ by fi, ² by 2, Ａ by A   (compatibility)
    NFKC  that, joined again

Three steps do it, each a function here: `decompose`, `order_marks`, `compose`; the 11,172 Korean syllables are taken
apart and joined by arithmetic (section 3.12 of the standard). The data are the decomposition fields and combining
classes of `unicodedata`, so the Unicode version is the running Python's; the compositions that the standard excludes are
listed here. `normalize` calls Python's own (in C), which gives the same (a test asks all code points), unless the
learner's own `compose` is in place. Left out: forms for whole streams, where a mark may come after the end of what was read.
"""

import functools
import itertools
import re
import unicodedata

from groundup import slots
from groundup.errors import ConfigError
from groundup.slots import slot

FORMS = {  # form: (compatibility decomposition?, joined again?)
    "NFD": (False, False),
    "NFC": (False, True),
    "NFKD": (True, False),
    "NFKC": (True, True),
}
FIRST_SYLLABLE, FIRST_LEAD, FIRST_VOWEL, FIRST_TAIL = 0xAC00, 0x1100, 0x1161, 0x11A7
LEADS, VOWELS, TAILS = 19, 21, 28  # a Korean syllable is a lead, a vowel and a tail; tail 0 is none
# Pairs that are not joined although a code point for them exists (CompositionExclusions): letters of scripts in which
# the two-part spelling is the usual one, and characters that came after the forms were fixed.
EXCLUDED = (
    "958-95F 9DC-9DD 9DF A33 A36 A59-A5B A5E B5C-B5D F43 F4D F52 F57 F5C F69 F76 F78 F93 F9D FA2 FA7 FAC FB9 2ADC "
    "FB1D FB1F FB2A-FB36 FB38-FB3C FB3E FB40-FB41 FB43-FB44 FB46-FB4E 1D15E-1D164 1D1BB-1D1C0"
)


def _hangul_parts(character: str) -> str:
    """Lead, vowel and tail of a Korean syllable; "" for any other character.

    >>> [hex(ord(part)) for part in _hangul_parts("한")]
    ['0x1112', '0x1161', '0x11ab']
    """
    number = ord(character) - FIRST_SYLLABLE
    if not 0 <= number < LEADS * VOWELS * TAILS:
        return ""
    lead, rest = divmod(number, VOWELS * TAILS)
    vowel, tail = divmod(rest, TAILS)
    return chr(FIRST_LEAD + lead) + chr(FIRST_VOWEL + vowel) + (chr(FIRST_TAIL + tail) if tail else "")


@functools.cache
def _whole_decomposition(character: str, compatible: bool) -> str:
    """A character taken apart until nothing more comes apart."""
    tag, _, rest = unicodedata.decomposition(character).rpartition("> ")  # "<compat> 0066 0069" or "0065 0301"
    if not rest or (tag and not compatible):
        return _hangul_parts(character) or character
    return "".join(_whole_decomposition(chr(int(code, 16)), compatible) for code in rest.split())


def decompose(text: str, compatible: bool = False) -> str:
    """Take every character apart (marks stay in the order they come in).

    compatible: replace also what differs in looks alone.

    >>> [f"{ord(character):04X}" for character in decompose("ế")]
    ['0065', '0302', '0301']
    >>> decompose("ﬁ²", compatible=True)
    'fi2'
    """
    return "".join(_whole_decomposition(character, compatible) for character in text)


def order_marks(text: str) -> str:
    """Sort the marks behind each base by their combining class; marks of one class keep their order, since it shows.

    A dot below (class 220) and an acute above (230) do not touch, so their order means nothing; two marks above do.

    >>> order_marks("q\\u0307\\u0323") == "q\\u0323\\u0307"
    True
    """
    parts: list[str] = []
    for _, run in itertools.groupby(text, key=lambda character: unicodedata.combining(character) > 0):
        parts += sorted(run, key=unicodedata.combining)
    return "".join(parts)


@functools.cache
def _excluded() -> frozenset[str]:
    ranges = [[int(end, 16) for end in word.split("-")] for word in EXCLUDED.split()]
    return frozenset(chr(code) for ends in ranges for code in range(ends[0], ends[-1] + 1))


@functools.cache
def compositions() -> dict[tuple[str, str], str]:
    """What each pair of a base and a following character joins to."""
    pairs = {}
    for both in filter(unicodedata.decomposition, map(chr, range(0x110000))):
        field = unicodedata.decomposition(both).split()
        if len(field) != 2 or field[0].startswith("<") or both in _excluded():
            continue
        first, second = (chr(int(part, 16)) for part in field)
        if not unicodedata.combining(first) and not unicodedata.combining(both):
            pairs[first, second] = both
    return pairs


def _join_hangul(first: str, second: str) -> str | None:
    """The Korean syllable of a lead and a vowel, or of a syllable without a tail and a tail."""
    lead, vowel, tail = ord(first) - FIRST_LEAD, ord(second) - FIRST_VOWEL, ord(second) - FIRST_TAIL
    if 0 <= lead < LEADS and 0 <= vowel < VOWELS:
        return chr(FIRST_SYLLABLE + (lead * VOWELS + vowel) * TAILS)
    syllable = ord(first) - FIRST_SYLLABLE
    if 0 <= syllable < LEADS * VOWELS * TAILS and syllable % TAILS == 0 and 0 < tail < TAILS:
        return chr(ord(first) + tail)
    return None


def join_pair(first: str, second: str) -> str | None:
    """The one code point that a base and a following character make together; None where there is none.

    >>> join_pair("e", "\\u0301"), join_pair("x", "\\u0301")
    ('é', None)
    """
    return compositions().get((first, second)) or _join_hangul(first, second)


@slot
def compose(text: str) -> str:
    """Join each base with the marks behind it as far as single code points exist; the text is decomposed and ordered.

    A mark is joined with the last base before it unless something between them blocks it: another base, or a mark of
    the same class (or a higher one), which would then stand on the other side.

    >>> compose("e\\u0323\\u0302") == "ệ", compose("q\\u0323\\u0307")
    (True, 'q̣̇')
    """
    joined: list[str] = []
    base = -1  # where the last base stands
    for character in text:
        own = unicodedata.combining(character)
        adjacent = base == len(joined) - 1
        blocked = not adjacent and unicodedata.combining(joined[-1]) >= own
        both = join_pair(joined[base], character) if base >= 0 and not blocked else None
        if both:
            joined[base] = both
            continue
        joined.append(character)
        if own == 0:
            base = len(joined) - 1
    return "".join(joined)


def _check(form: str) -> None:
    if form not in FORMS:
        raise ConfigError(f"form={form!r} is no normalisation form; use {', '.join(FORMS)}")


def normalize_reference(text: str, form: str = "NFC") -> str:
    """The three steps one after another: the definition."""
    _check(form)
    compatible, joined = FORMS[form]
    apart = order_marks(decompose(text, compatible))
    return compose(apart) if joined else apart


def normalize(text: str, form: str = "NFC") -> str:
    """Write a text in one of the four forms. Meaning: `normalize_reference`.

    >>> normalize("e\\u0301") == "\\u00e9", normalize("ﬁve²", "NFKC")
    (True, 'five2')
    """
    _check(form)
    if slots.filled("text.preprocess.compose"):
        return normalize_reference(text, form)
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


def fold_case(text: str, form: str = "NFC") -> str:
    """Make texts equal that differ in case alone: `STRASSE` and `straße`; a language's own rules (Turkish i) are left out.

    Case is folded, which is more than lower case, and the text normalized before and after, because folding can make
    new sequences (Unicode Standard, section 3.13, D145 and D146).

    >>> fold_case("Straße") == fold_case("STRASSE"), fold_case("ΣΊΣΥΦΟΣ") == fold_case("σίσυφος")
    (True, True)
    """
    _check(form)
    apart = normalize(text, "NFKD" if FORMS[form][0] else "NFD")
    folded = normalize(apart.casefold(), "NFKD" if FORMS[form][0] else "NFD").casefold()
    return normalize(folded, form)


def is_normalized(text: str, form: str = "NFC") -> bool:
    """Whether a text is written in a form already."""
    return normalize(text, form) == text


def strip_marks(text: str) -> str:
    """A text without its marks, for search: `naïve` and `naive` become one. Letters that are one sign (ø, ł) stay.

    >>> strip_marks("Žluťoučký kůň")
    'Zlutoucky kun'
    """
    apart = normalize(text, "NFD")
    return normalize(re.sub(r"[\u0300-\u036f]", "", apart), "NFC")
