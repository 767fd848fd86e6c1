"""SentencePiece's compiled normaliser: which characters are replaced by which, as a trie with the new texts behind it.

Kudo & Richardson 2018 (arXiv:1808.06226). Its rules (NFKC with changes by default: full-width to ASCII, `①` to `1`,
many kinds of space to one) are compiled into a model file as bytes: the size of a double array (`double_array`), the
array, and all replacements, each ended by a NUL. Two programs apply the same bytes differently, and a tokenizer must do
as the one that its model was trained with:

- SentencePiece goes through the text and at each place takes the longest rule that fits;
- Hugging Face's `Precompiled` goes through what a reader sees as one character (a letter with its accents): if it has
  less than six bytes, the shortest rule with which it begins replaces all of it, otherwise each code point for itself.

The whole of SentencePiece's normaliser, with its spaces, is `sentencepiece_normalizer`.
"""

import functools
import struct
from collections.abc import Mapping

import numpy as np
import regex

from groundup.errors import FormatError, InputError
from groundup.text.tokenizers.double_array import ENDS, FAR, LABEL, VALUE, build, common_prefixes

_LONGEST = 32  # rules at one place: SentencePiece looks at no more
_PLAIN = regex.compile(r"[\x00-\x7f]?[^\x00-\x7f]+|\r\n")  # what can be more than one code point to a reader


class Charsmap:
    """Rules of replacement, read from SentencePiece's compiled form."""

    def __init__(self, compiled: bytes) -> None:
        """compiled: `precompiled_charsmap` of a model file, or of a `Precompiled` normaliser (there in base 64)."""
        size = struct.unpack_from("<I", compiled)[0] if len(compiled) >= 4 else 0
        if not size or size % 4 or 4 + size > len(compiled):
            raise FormatError(
                f"the compiled normaliser ({len(compiled)} bytes) is cut off or damaged; copy the tokenizer again"
            )
        self.compiled = bytes(compiled)
        self.units = np.frombuffer(self.compiled, "<u4", size // 4, 4).astype(np.uint32)
        self.texts = self.compiled[4 + size :] + b"\0"
        self._units = self.units.tolist()
        self._of_grapheme = functools.lru_cache(1 << 14)(self._grapheme)

    def __reduce__(self) -> tuple[type, tuple[bytes]]:
        """To worker processes go the compiled bytes."""
        return Charsmap, (self.compiled,)

    def __eq__(self, other: object) -> bool:
        """Equal bytes are equal rules."""
        return isinstance(other, Charsmap) and self.compiled == other.compiled

    def __hash__(self) -> int:
        """Of the bytes."""
        return hash(self.compiled)

    def _text(self, value: int) -> bytes:
        return self.texts[value : self.texts.index(b"\0", value)] if value < len(self.texts) else b""

    def longest(self, text: bytes) -> tuple[int, bytes]:
        """The longest rule with which UTF-8 text begins: bytes replaced (0: no rule fits), and by what."""
        found = common_prefixes(self._units, text)[:_LONGEST]
        return (found[-1][0], self._text(found[-1][1])) if found else (0, b"")

    def leads_on(self, text: bytes) -> bool:
        """Whether some rule begins with these bytes."""
        place = 0
        for byte in text:
            place ^= (self._units[place] >> 10) << (8 if self._units[place] & FAR else 0) ^ byte
            if place >= len(self._units) or self._units[place] & LABEL != byte:
                return False
        return True

    def normalize(self, text: str) -> str:
        """As SentencePiece: at each place the longest rule."""
        data, out, i = text.encode(), [], 0
        while i < len(data):
            length, replacement = self.longest(data[i : i + 256])
            if not length:
                length = 1 if data[i] < 0x80 else 2 if data[i] < 0xE0 else 3 if data[i] < 0xF0 else 4
                replacement = data[i : i + length]
            out.append(replacement)
            i += length
        return b"".join(out).decode()

    def _shortest(self, text: str) -> str | None:
        found = common_prefixes(self._units, text.encode())
        return self._text(found[0][1]).decode() if found else None

    def _grapheme(self, grapheme: str) -> str:
        whole = self._shortest(grapheme) if len(grapheme.encode()) < 6 else None
        if whole is not None:
            return whole
        parts = [(one, self._shortest(one)) for one in grapheme]
        return "".join(one if new is None else new for one, new in parts)

    @functools.cached_property
    def _ascii(self) -> dict[int, str]:
        return {code: self._grapheme(chr(code)) for code in range(128)}

    def normalize_by_grapheme(self, text: str) -> str:
        """As the `Precompiled` normaliser of tokenizer.json: what a reader sees as one character is replaced at once."""
        if text.isascii() and "\r\n" not in text:
            return text.translate(self._ascii)
        out, last = [], 0
        for run in _PLAIN.finditer(text):
            out.append(text[last : run.start()].translate(self._ascii))
            out.extend(map(self._of_grapheme, regex.findall(r"\X", run[0])))
            last = run.end()
        out.append(text[last:].translate(self._ascii))
        return "".join(out)

    def rules(self) -> dict[str, str]:
        """Every rule, by going through the whole trie: what is replaced, and by what.

        Places in the trie that no whole characters lead to (damage) are left out.
        """
        found: dict[str, str] = {}
        waiting, bytes_ = [(b"", 0)], np.arange(1, 256)
        while waiting:
            text, place = waiting.pop()
            target = place ^ (self._units[place] >> 10) << (8 if self._units[place] & FAR else 0)
            inside = bytes_[target ^ bytes_ < len(self.units)]
            for byte in inside[self.units[target ^ inside] & LABEL == inside].tolist():
                unit, longer = self._units[target ^ byte], text + bytes([byte])
                waiting.append((longer, target ^ byte))
                if unit & ENDS:
                    value = self._units[target ^ byte ^ (unit >> 10) << (8 if unit & FAR else 0)] & VALUE
                    found[longer.decode(errors="replace")] = self._text(value).decode(errors="replace")
        return found


def compile_rules(rules: Mapping[str, str]) -> bytes:
    """Rules in the form that SentencePiece and `Precompiled` read.

    >>> Charsmap(compile_rules({"①": "1", "ﬁ": "fi"})).normalize("ﬁg. ①")
    'fig. 1'
    """
    if any("\0" in text for rule in rules.items() for text in rule):
        raise InputError("a rule of the normaliser holds a NUL character; leave it out, a NUL ends every text there")
    texts = sorted(set(rules.values()))
    starts = dict(zip(texts, np.cumsum([0, *(len(text.encode()) + 1 for text in texts)]).tolist(), strict=False))
    units = build([old.encode() for old in rules], [starts[new] for new in rules.values()]).astype("<u4").tobytes()
    return struct.pack("<I", len(units)) + units + b"".join(text.encode() + b"\0" for text in texts)
