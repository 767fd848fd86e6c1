"""Pre-tokenizers: the pieces that a text is cut into before the model sees it; no token crosses a piece's edge.

The pre-tokenizers of Hugging Face's tokenizer.json, by their names there, each with one method: `split` cuts a part of a
text into parts (and may respell it: a blank as `▁`, bytes as visible characters).
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from groundup.text.tokenizers import bert_characters, unicode_classes
from groundup.text.tokenizers.added_tokens import word_characters
from groundup.text.tokenizers.aligned_text import AlignedText, Place, SpellingTable, occurrences
from groundup.text.tokenizers.decoders import metaspace_options
from groundup.text.tokenizers.normalizers import BYTE_SPELLING, is_space
from groundup.text.tokenizers.parts import Part, Pattern, character_ranges, read_part
from groundup.text.tokenizers.splitting import compiled as published
from groundup.text.tokenizers.unicode_scripts import script_of

# Numbers of any kind, as Digits knows them.
NUMERIC = (
    "1c a 3c 2 5 1 2 3 141 a 3q a 5i a bg a 3a a 4 6 30 a 3a a 3a a 2 6 32 d 37 a 8 7 2v a 2w 7 7 j 31 a 2o a 3a a 1y "
    "k 7g a 1y a jz k oh 3 6n a 6 a m a 8c a 3k b 4l a 6 a 52 a 2e a 3q a 6 a t2 1 3 6 6 a 5i 1f 2 5 k6 1o 26 m hi u "
    "12h 1 ll 1 p 9 e 3 9j 4 3u a u 8 1 f w a 13 f msg a 58 a 8w 6 4a a 12 a 5i a m a 2e a ba a geu a dp 19 c 1l h 2 "
    "9h r 10 4 t 1 8 1 3q 5 5m a q6 8 p 7 13 9 23 5 m 6 4g 2 2 g 2 1a 1s 9 1g 2 u 3 23 5 2w 8 o 8 15 7 96 6 1c a 6 a "
    "7q v 4e a 16 4 34 7 3q u 3k a 1o a 40 a 7 k 6z a 9i a 3a a ae a 2u a 6 k 24 c bo j 2l a ie a 2e t 6b a 1y a 1i a "
    "9y a 2u l tn 33 c01 a 1t2 a 2e a 3q a 1 7 em a 7a n 9p 3 id5 a 152 k c k 30 p ut 1e 1ts a bq a dy a 6v a jw 9 3k "
    "a lz 1n 1 3 1 4 24 19 1 f qq d 25f a "
)

# What becomes of a match of a pattern.
BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
Piece = tuple[int, int, bool]  # from, to, whether it is a match


def _pieces(length: int, matches: Iterable[Place]) -> list[Piece]:
    """The matches and what lies between them, in order."""
    pieces, last = [], 0
    for start, end in matches:
        pieces += [(last, start, False), (start, end, True)]
        last = end
    return [piece for piece in [*pieces, (last, length, False)] if piece[1] > piece[0]]


def _merged(pieces: list[Piece], joins: Callable[[Piece, bool], bool]) -> list[Piece]:
    """Neighbours joined: `joins` is asked with a piece and whether the one before was a match."""
    joined: list[Piece] = []
    before = False
    for piece in pieces:
        if joined and joins(piece, before):
            joined[-1] = (min(joined[-1][0], piece[0]), max(joined[-1][1], piece[1]), False)
        else:
            joined.append(piece)
        before = piece[2]
    return joined


def cut(
    text: AlignedText, matches: Iterable[Place], behavior: str = "Isolated", invert: bool = False
) -> list[AlignedText]:
    """Cut a text at the matches of a pattern; `behavior` says what becomes of them, `invert` exchanges them with the rest.

    >>> [part.text for part in cut(AlignedText("a-b"), [(1, 2)], "MergedWithNext")]
    ['a', '-b']
    """
    pieces = [(start, end, match is not invert) for start, end, match in _pieces(len(text.text), matches)]
    if behavior == "Removed":
        pieces = [piece for piece in pieces if not piece[2]]
    elif behavior == "MergedWithPrevious":
        pieces = _merged(pieces, lambda piece, before: piece[2] and not before)
    elif behavior == "MergedWithNext":
        pieces = _merged(pieces[::-1], lambda piece, before: piece[2] and not before)[::-1]
    elif behavior == "Contiguous":
        pieces = _merged(pieces, lambda piece, before: piece[2] is before)
    return [text.between(start, end) for start, end, _ in pieces]


@functools.cache
def _class(packed: str) -> re.Pattern[str]:
    return re.compile(f"[{character_ranges(packed)}]")


def _each(text: str, packed: str) -> Iterable[Place]:
    """The places of the characters that belong to a class."""
    return (found.span() for found in _class(packed).finditer(text))


class BertPreTokenizer(Part):
    """White space separates, every punctuation mark stands alone."""

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        words = cut(text, _each(text.text, unicode_classes.SPACES), "Removed")
        return [part for word in words for part in cut(word, _each(word.text, bert_characters.PUNCTUATION))]


_KINDS = SpellingTable(lambda c: " " if is_space(c) else "w" if c in word_characters() else "o")
_RUNS = re.compile("w+|o+")


_ASCII_WORDS = re.compile(r"[0-9A-Za-z_]+|[^0-9A-Za-z_\t-\r ]+")


class Whitespace(Part):
    """Words and runs of other signs; white space separates."""

    def words(self, text: str) -> list[str]:
        """The pieces of a text whose places nobody asks for."""
        if text.isascii():  # a class of a few ranges instead of hundreds
            return _ASCII_WORDS.findall(text)
        return [text[slice(*found.span())] for found in _RUNS.finditer(text.translate(_KINDS))]

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut where the kind of character changes."""
        return [text.between(*found.span()) for found in _RUNS.finditer(text.text.translate(_KINDS))]


class WhitespaceSplit(Part):
    """White space separates."""

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        return cut(text, _each(text.text, unicode_classes.SPACES), "Removed")


@dataclass(frozen=True, slots=True)
class Punctuation(Part):
    """Punctuation marks, each alone or as `behavior` says."""

    behavior: str = "Isolated"

    def __post_init__(self) -> None:
        """Refuse what is no behaviour."""
        _check_behavior(self.behavior)

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        return cut(text, _each(text.text, bert_characters.PUNCTUATION), self.behavior)


def _check_behavior(behavior: str) -> None:
    if behavior not in BEHAVIORS:
        raise ValueError(f"behavior {behavior!r} is none of {', '.join(BEHAVIORS)}")


@functools.cache
def _numbers_and_others(one_by_one: bool, in_ascii: bool) -> re.Pattern[str]:
    numbers = "0-9" if in_ascii else character_ranges(NUMERIC)
    return re.compile(f"[{numbers}]{'' if one_by_one else '+'}|[^{numbers}]+")


@dataclass(frozen=True, slots=True)
class Digits(Part):
    """Numbers stand alone: whole, or digit by digit."""

    individual_digits: bool = False

    def words(self, text: str) -> list[str]:
        """The pieces of a text whose places nobody asks for."""
        return _numbers_and_others(self.individual_digits, text.isascii()).findall(text)

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        return cut(text, _each(text.text, NUMERIC), "Isolated" if self.individual_digits else "Contiguous")


@dataclass(frozen=True, slots=True)
class CharDelimiterSplit(Part):
    """One character separates."""

    delimiter: str

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        return cut(text, occurrences(text.text, self.delimiter), "Removed")


@dataclass(frozen=True, slots=True)
class Split(Part):
    """Cut at a pattern of one's own."""

    pattern: Pattern
    behavior: str
    invert: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no behaviour."""
        _check_behavior(self.behavior)

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        return cut(text, self.pattern.places(text.text), self.behavior, self.invert)


@dataclass(frozen=True, slots=True)
class Metaspace(Part):
    """SentencePiece's words: a blank is written ▁ and begins a piece, and one is put before the text."""

    replacement: str = "▁"
    prepend_scheme: str = "always"  # before every part, before the "first" of the text, or "never"
    split_words: bool = True

    @staticmethod
    def prepared(raw: dict[str, Any]) -> dict[str, Any]:
        """Older files say add_prefix_space; `split` is a method here."""
        raw = metaspace_options(raw)
        return {("split_words" if key == "split" else key): value for key, value in raw.items()}

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "type": "Metaspace", "replacement": self.replacement, "prepend_scheme": self.prepend_scheme,
            "split": self.split_words,
        }  # fmt: skip

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Write blanks as signs and cut before each."""
        if text.places is None:
            text = AlignedText(text.text.replace(" ", self.replacement), None, text.first)
        else:
            text = text.edited((start, end, self.replacement) for start, end in occurrences(text.text, " "))
        wanted = self.prepend_scheme == "always" or (self.prepend_scheme == "first" and text.first)
        if wanted and text.text and not text.text.startswith(self.replacement):
            text = text.edited([(0, 0, self.replacement)])
        if not self.split_words:
            return [text]
        return cut(text, occurrences(text.text, self.replacement), "MergedWithNext")


@dataclass(frozen=True, slots=True)
class ByteLevel(Part):
    """GPT-2's pieces, with every byte written as a visible character."""

    add_prefix_space: bool = True
    trim_offsets: bool = True
    use_regex: bool = True

    def words(self, text: str) -> list[str]:
        """The pieces of a text whose places nobody asks for."""
        if self.add_prefix_space and not text.startswith(" "):
            text = " " + text
        return list(map(_spelled, published("gpt2").findall(text) if self.use_regex else [text]))

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut by GPT-2's pattern and respell."""
        if self.add_prefix_space and text.text and not text.text.startswith(" "):
            text = text.edited([(0, 0, " ")])
        places = (found.span() for found in published("gpt2").finditer(text.text))
        return [part.spelled(BYTE_SPELLING) for part in (cut(text, places) if self.use_regex else [text])]


_spelled = functools.lru_cache(1 << 14)(lambda text: text.translate(BYTE_SPELLING))


@dataclass(frozen=True, slots=True)
class FixedLength(Part):
    """Pieces of so many characters."""

    length: int = 5

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut."""
        starts = range(0, len(text.text), self.length)
        return [text.between(start, min(start + self.length, len(text.text))) for start in starts]


class UnicodeScripts(Part):
    """Pieces of one script (`unicode_scripts`): a comma, a digit and an accent that stands alone are no Latin."""

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Cut where the script changes; what has none goes with what stands before it, and at the front it is lost."""
        edges: list[int] = []
        last = None
        for place, character in enumerate(text.text):
            script = script_of(character)
            if script and script != last:
                edges.append(place)
            last = script or last
        return [text.between(*edge) for edge in itertools.pairwise([*edges, len(text.text)])]


@dataclass(frozen=True, slots=True)
class Sequence(Part):
    """Pre-tokenizers one after the other, each on the pieces of the one before."""

    pretokenizers: tuple[Part, ...]

    def split(self, text: AlignedText) -> list[AlignedText]:
        """All of them."""
        parts = [text]
        for pre_tokenizer in self.pretokenizers:
            parts = [piece for part in parts for piece in pre_tokenizer.split(part) if piece.text]  # type: ignore[attr-defined]
        return parts


def words_of(splitter: Any) -> Callable[[str], list[str]] | None:
    """What cuts a text, none of whose places are asked for, at once into strings; None where only `split` can."""
    if not isinstance(splitter, Sequence):
        return getattr(splitter, "words", None)
    steps = [words_of(step) for step in splitter.pretokenizers]
    return None if None in steps else lambda text: functools.reduce(_cut_further, steps, [text])


def _cut_further(parts: list[str], words: Any) -> list[str]:
    return [piece for part in parts for piece in words(part)]


PRE_TOKENIZERS = {
    part.__name__: part
    for part in (
        BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation, Digits, CharDelimiterSplit, Split, Metaspace,
        ByteLevel, FixedLength, UnicodeScripts, Sequence,
    )
}  # fmt: skip


def read_pre_tokenizer(raw: Any) -> Any:
    """The pre-tokenizer that a tokenizer.json describes, or None."""
    return read_part(raw, "pre_tokenizer", PRE_TOKENIZERS)
