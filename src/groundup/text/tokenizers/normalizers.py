"""Normalisers: what a tokenizer does to a text before it is cut: `É` to `e`, ` ` to `▁`, `①` to `1`.

The normalisers of Hugging Face's tokenizer.json, by their names there, each with one method, `normalize`. They decide ids,
so each does exactly what the original does, also where that follows an old version of Unicode: `INERT` are the
characters that came after it and are therefore left alone by the normal forms; the sets of BERT's stand in
`bert_characters`. A tokenizer with a normaliser gives back what it understood, not what was typed.
"""

import base64
import binascii
import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from groundup.text.tokenizers import bert_characters, unicode_classes
from groundup.text.tokenizers.aligned_text import AlignedText, SpellingTable
from groundup.text.tokenizers.byte_characters import byte_characters
from groundup.text.tokenizers.parts import Part, Pattern, character_ranges, compiled, read_part

SPACE_SIGN = "▁"
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
# Came after the Unicode version of Hugging Face's normal forms (`tokenizers` 0.23): these neither join, part nor sort.
INERT = (
    "1kt 1 49 9 16 a 8a 1 fx 1 52 1 1z 2 al 1 j 1 1mu 1 q1 g mf 5 3k1 4 lb 1 n3m 3 1j 1 n0 1 hun 1 q 1 bg 5 1 16 1 9 "
    "12h 4 1t 5 8t 2 27 4 1y b 1d 4 6i 1 ju 1 1z 1 1 1 8 1 2 1 12 17 3f 1 re 2 71 1 4 2 4 1 4c 1 2b 1 i 1 29 1 iw 1 1 "
    "2 29 1 bt 2 d0e 8 6 1 2ew 3 hx 2 m66 1q x 1 4g 7 af 1 1p 4 e4 4 72 2 29o 1 22r a "
)
# What StripAccents removes: combining marks of all kinds. BERT's normaliser removes fewer.
MARKS = (
    "lc 34 7n 7 7b 19 1 1 1 2 1 2 1 1 20 b 1c l g 1 2t 7 2 6 2 2 1 4 z 1 u r 2j b 1m 9 y 4 1 9 1 3 1 5 17 3 3c e 1 x "
    "1i 3 1 i 1 7 a 2 t 3 1k 1 1 7 2 2 2 3 9 1 a 2 t 3 1k 1 1 5 4 2 2 3 3 1 u 2 3 1 b 3 1k 1 1 8 1 3 1 3 k 2 t 3 1k 1 "
    "1 7 2 2 2 3 8 2 a 2 u 1 1n 5 3 3 1 4 9 1 14 4 1m 7 1 3 1 4 7 2 b 2 t 3 1k 1 1 7 1 3 1 4 7 2 b 2 t 3 1m 7 1 3 1 4 "
    "9 1 a 2 u 2 1y 1 4 6 1 1 1 8 i 2 1p 1 2 7 c 8 2q 1 2 6 1 2 b 6 22 2 r 1 1 1 1 1 4 2 1d k 1 2 5 b 1 10 9 1 2s k n "
    "4 4 3 1 3 2 7 3 4 d c 1 1 a 4 jj 3 qa 3 t 3 t 2 u 2 1s w 9 1 19 3 3b 2 y 1 3a c 4 c 63 5 1l a 1 t 2 1 1c f 1t 5 "
    "1b h 12 9 c 3 u d 1k e 1c k 48 3 1 l 4 1 4 3 3 2 5i 1i 5 5 k0 x 2da 3 3x 1 2o w fe 6 2x 2 n9w 4 1 a w 2 28 2 7k "
    "1 3 1 4 1 n 5 2g 2 1e i q i 1g 8 p d 18 4 1b e 10 1 1v e c 1 8 2 19 3 1e 1 1 3 2 2 5 2 1 1 15 5 5 2 6k 8 1 2 fn4 "
    "1 kh g g g r1 1 6a 1 45 5 1ae 3 1 2 5 4 14 3 4 1 4l 2 109 3 1h f 1k 4 19 b 1x 3 10 e 1q 1 c 3 1c e 9 3 2n c 6 1 "
    "4g c l 4 1k 1 1 7 2 2 2 3 9 1 a 2 2 7 3 5 5c i 2x k 6j 7 2 9 r 2 2a h 2y d 2t f zn 8 1 8 2a m 1 e fg9 5 1n 7 t6 "
    "1a g 4 f7u 2 43q 5 3 6 8 8 2 7 u 4 44 3 1iz 1j 4 1e 8 1 e 1 m 5 1 f 11s 7 1 h 2 7 1 2 1 5 1ph 7 31 7 gzhx 6o "
)


@functools.cache
def _member_set(packed: str) -> frozenset[str]:
    return frozenset(chr(code) for first, last in unicode_classes.unpack(packed) for code in range(first, last + 1))


def is_space(character: str) -> bool:
    """Whether a character is white space (Unicode's White_Space; Python's isspace has four more)."""
    return character in _member_set(unicode_classes.SPACES)


def strip(text: AlignedText, left: bool = True, right: bool = True) -> AlignedText:
    """The text without the white space at its ends."""
    spaces = "".join(_member_set(unicode_classes.SPACES))
    start = len(text.text) - len(text.text.lstrip(spaces)) if left else 0
    end = len(text.text.rstrip(spaces)) if right else len(text.text)
    return text.edited([(0, start, ""), (max(start, end), len(text.text), "")])


@functools.cache
def _inert() -> re.Pattern[str]:
    return re.compile(f"([{character_ranges(INERT)}]+)")


@functools.cache
def _joining() -> frozenset[str]:
    """Characters that are no marks and yet join the one before them: vowel signs, and the parts of Korean syllables."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(0x110000))
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and pair[0][0] != "<"}
    return frozenset(seconds | set(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)))))


def _changes(text: str, form: Form, first: int) -> Iterator[tuple[int, int, str]]:
    """Where a normal form changes the text: from one character to which nothing behind it can matter to the next."""
    edges = [i for i, c in enumerate(text) if not unicodedata.combining(c) and c not in _joining()]
    for start, end in zip([0, *edges], [*edges, len(text)], strict=True):
        new = unicodedata.normalize(form, text[start:end])
        if new != text[start:end]:
            yield first + start, first + end, new


def normal_form(text: AlignedText, form: Form) -> AlignedText:
    """One of Unicode's four normal forms, in which `INERT` characters are left as they are."""
    if unicodedata.is_normalized(form, text.text):
        return text
    parts = _inert().split(text.text)
    if text.places is None:
        parts[::2] = [unicodedata.normalize(form, part) for part in parts[::2]]
        return AlignedText("".join(parts), None, text.first)
    edits: list[tuple[int, int, str]] = []
    start = 0
    for i, part in enumerate(parts):
        edits += _changes(part, form, start) if i % 2 == 0 else []
        start += len(part)
    return text.edited(edits)


class NFC(Part):
    """Characters joined with their marks."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Join."""
        return normal_form(text, "NFC")


class NFD(Part):
    """Characters taken apart from their marks."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Take apart."""
        return normal_form(text, "NFD")


class NFKC(Part):
    """As NFC, after what only looks different was made equal."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Make equal and join."""
        return normal_form(text, "NFKC")


class NFKD(Part):
    """As NFD, and what only looks different is made equal."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Make equal and take apart."""
        return normal_form(text, "NFKD")


def _small(character: str) -> str:
    if ord(character) == bert_characters.CAPITAL_I_WITH_DOT:
        return "i\u0307"
    return chr(bert_characters.small_letters()[ord(character)])


_SMALL = SpellingTable(_small)


class Lowercase(Part):
    """Small letters, character by character: a sigma that ends a word is no exception."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Write small."""
        if text.text.isascii() and text.places is None:
            return AlignedText(text.text.lower(), None, text.first)
        return text.spelled(_SMALL)


_NO_MARKS = SpellingTable(lambda c: "" if c in _member_set(MARKS) else c)
_NO_ACCENTS = SpellingTable(lambda c: "" if c in _member_set(bert_characters.MARKS) else c)


class StripAccents(Part):
    """Marks are removed; a character that holds its mark keeps it (put NFD before)."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Remove."""
        return text if text.text.isascii() else text.spelled(_NO_MARKS)


def _cleaned(character: str) -> str:
    if character in _member_set(bert_characters.CONTROLS):
        return ""
    return " " if is_space(character) else character


def _set_apart(character: str) -> str:
    return f" {character} " if character in _member_set(bert_characters.IDEOGRAPHS) else character


_CLEANED, _SET_APART = SpellingTable(_cleaned), SpellingTable(_set_apart)


@dataclass(frozen=True, slots=True)
class BertNormalizer(Part):
    """Controls removed, ideographs set apart by blanks, accents removed, small letters (Devlin et al. 2018)."""

    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None  # None: as `lowercase` is
    lowercase: bool = True

    def normalize(self, text: AlignedText) -> AlignedText:
        """The steps in this order."""
        if self.clean_text:
            text = text.spelled(_CLEANED)
        if self.handle_chinese_chars and not text.text.isascii():
            text = text.spelled(_SET_APART)
        if self.lowercase if self.strip_accents is None else self.strip_accents:
            text = normal_form(text, "NFD").spelled(_NO_ACCENTS)
        return Lowercase().normalize(text) if self.lowercase else text


@dataclass(frozen=True, slots=True)
class Strip(Part):
    """White space at the ends is removed."""

    strip_left: bool = True
    strip_right: bool = True

    def normalize(self, text: AlignedText) -> AlignedText:
        """Remove."""
        return strip(text, self.strip_left, self.strip_right)


@dataclass(frozen=True, slots=True)
class Replace(Part):
    """Every occurrence of a pattern becomes `content`."""

    pattern: Pattern
    content: str

    def normalize(self, text: AlignedText) -> AlignedText:
        """Replace."""
        if text.places is None and self.pattern.text and not self.pattern.is_regex:
            return AlignedText(text.text.replace(self.pattern.text, self.content), None, text.first)
        if text.places is None and self.pattern.is_regex:
            new = compiled(self.pattern.text).sub(lambda found: self.content if found[0] else "", text.text)
            return AlignedText(new, None, text.first)
        return text.edited((start, end, self.content) for start, end in self.pattern.places(text.text))


@dataclass(frozen=True, slots=True)
class Prepend(Part):
    """A text that is not empty gets `prepend` before it."""

    prepend: str

    def normalize(self, text: AlignedText) -> AlignedText:
        """Put before."""
        return text.edited([(0, 0, self.prepend)]) if text.text else text


_NMT_REMOVED = {*range(0x01, 0x09), 0x0B, *range(0x0E, 0x20), 0x7F, 0x8F, 0x9F}
_NMT_BLANKS = {0x09, 0x0A, 0x0C, 0x0D, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD}
_NMT = SpellingTable(lambda c: "" if ord(c) in _NMT_REMOVED else " " if ord(c) in _NMT_BLANKS else c)


class Nmt(Part):
    """SentencePiece's `nmt` rules: controls removed, line ends and invisible characters to blanks."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Clean."""
        return text.spelled(_NMT)


class ByteLevel(Part):
    """Every byte becomes the visible character that spells it."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """Spell."""
        return text.spelled(BYTE_SPELLING)


BYTE_SPELLING = SpellingTable(lambda c: "".join(byte_characters()[byte] for byte in c.encode()))


@dataclass(frozen=True, slots=True)
class Precompiled(Part):
    """SentencePiece's compiled rules; in the file as base 64."""

    precompiled_charsmap: str

    def normalize(self, text: AlignedText) -> AlignedText:
        """Apply the rules as `charsmap` says."""
        charsmap = _charsmap(self.precompiled_charsmap)
        if charsmap is None:
            return text
        if text.places is None:
            return AlignedText(charsmap.normalize_by_grapheme(text.text), None, text.first)
        graphemes = Pattern(r"\X", is_regex=True).places(text.text)
        changed = ((start, end, charsmap.normalize_by_grapheme(text.text[start:end])) for start, end in graphemes)
        return text.edited((start, end, new) for start, end, new in changed if new != text.text[start:end])


@functools.lru_cache(16)
def _charsmap(in_base_64: str) -> Any:
    from groundup.text.tokenizers.charsmap import Charsmap

    try:
        compiled = base64.b64decode(in_base_64, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the compiled normaliser is damaged ({error})") from error
    return Charsmap(compiled) if compiled else None


@dataclass(frozen=True, slots=True)
class Sequence(Part):
    """Normalisers one after the other."""

    normalizers: tuple[Part, ...]

    def normalize(self, text: AlignedText) -> AlignedText:
        """All of them."""
        for normalizer in self.normalizers:
            text = normalizer.normalize(text)  # type: ignore[attr-defined]
        return text


NORMALIZERS = {
    part.__name__: part
    for part in (
        BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, Nmt, ByteLevel,
        Precompiled, Sequence,
    )
}  # fmt: skip


def read_normalizer(raw: Any) -> Any:
    """The normaliser that a tokenizer.json describes, or None."""
    normalizer = read_part(raw, "normalizer", NORMALIZERS)
    if isinstance(normalizer, Precompiled):
        _charsmap(normalizer.precompiled_charsmap)
    return normalizer
