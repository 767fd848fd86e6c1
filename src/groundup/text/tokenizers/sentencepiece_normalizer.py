"""What SentencePiece does to a text before it is cut: rules of replacement, one space for many, and spaces made visible.

Kudo & Richardson 2018 (arXiv:1808.06226): a space becomes `▁` (U+2581) and one stands before the first word, so that
a piece itself says where a word begins and the pieces joined are the text again. In this order: spaces in front are
dropped; at each place the longest rule (`charsmap`) replaces what it names; a run of spaces becomes one; spaces behind are
dropped. Symbols that the user defined are protected from the rules.

`SentencePieceNormalizer.normalize_aligned` is the definition, `normalize_packed` the same for many documents at once
(Numba). The first also says where each character came from.
"""

import functools
from dataclasses import dataclass

import numpy as np

from groundup.text.compiled import inner, loop
from groundup.text.tokenizers.charsmap import Charsmap
from groundup.text.tokenizers.double_array import build

SPACE = "▁"
_VISIBLE = SPACE.encode()
_LONGEST = 32  # rules at one place: SentencePiece looks at no more
_PREFIX, _ONE_SPACE, _ESCAPE, _SUFFIX, _RULES, _PROTECTED = map(np.int64, (1, 2, 4, 8, 16, 32))
_LABEL, _ENDS, _FAR = np.int64(0xFF | 1 << 31), np.int64(1 << 8), np.int64(1 << 9)
_VALUE, _BLANK = np.int64((1 << 31) - 1), np.int64(32)
_TEXT, _REPLACED = np.int64(0), np.int64(1)
_ROOM = 64  # bytes: the longest replacement, of U+FDFA, has 33


_Aligned = tuple[str, tuple[int, int]]  # a text, and the bytes of the original that it stands for


def _character_length(byte: int) -> int:
    return 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4


@inner
def _longest(units, data, i, end):
    """The longest word of a trie that begins at data[i]: its length, 0 for none, and its value."""
    place, length, value, found = np.int64(0), np.int64(0), np.int64(0), 0
    for k in range(i, end):
        unit, byte = np.int64(units[place]), np.int64(data[k])
        place ^= (unit >> 10) << (8 if unit & _FAR else 0) ^ byte
        if place >= len(units):
            break
        unit = np.int64(units[place])
        if unit & _LABEL != byte:
            break
        target = place ^ (unit >> 10) << (8 if unit & _FAR else 0)
        if unit & _ENDS and found < _LONGEST and target < len(units):
            length, value, found = k + 1 - i, np.int64(units[target]) & _VALUE, found + 1
    return length, value


@inner
def _next(data, i, end, rules, texts, symbols, how):
    """What stands for the text from i on: in which array (_TEXT or _REPLACED), from, to, and how many bytes are done."""
    if how & _PROTECTED:
        length, value = _longest(symbols, data, i, end)
        if length > 0:
            return _TEXT, i, i + length, length
    if how & _RULES:
        length, value = _longest(rules, data, i, end)
        if length > 0:
            last = min(value, len(texts))
            while last < len(texts) and texts[last] != 0:
                last += 1
            return _REPLACED, min(value, last), last, length
    byte = data[i]
    length = np.int64(1) if byte < 0x80 else np.int64(2) if byte < 0xE0 else np.int64(3) if byte < 0xF0 else np.int64(4)
    length = min(length, end - i)
    return _TEXT, i, i + length, length


@inner
def _put_space(out, o, how):
    if how & _ESCAPE:
        out[o], out[o + 1], out[o + 2] = 0xE2, 0x96, 0x81
        return o + 3
    out[o] = _BLANK
    return o + 1


@inner
def _skip_spaces(data, i, end, rules, texts, symbols, how):
    """Where the text begins that is no space after replacement."""
    while i < end:
        kind, first, last, done = _next(data, i, end, rules, texts, symbols, how)
        source = data if kind == _TEXT else texts
        if last - first != 1 or source[first] != _BLANK:
            break
        i += done
    return i


@inner
def _without_last_spaces(out, start, o, how):
    """Where the text out[start:o] ends without the spaces behind it."""
    if how & _ESCAPE:
        while o - start >= 3 and out[o - 3] == 0xE2 and out[o - 2] == 0x96 and out[o - 1] == 0x81:
            o -= 3
    else:
        while o > start and out[o - 1] == _BLANK:
            o -= 1
    return o


@inner
def _copy(source, first, last, after_space, out, o, how):
    """Write source[first:last] to out[o:], spaces made visible, those at the front dropped after a space; where it ends."""
    while after_space and first < last and source[first] == _BLANK:
        first += 1
    for k in range(first, last):
        if source[k] == _BLANK:
            o = _put_space(out, o, how)
        else:
            out[o] = source[k]
            o += 1
    return o


@loop
def _normalize_all(data, offsets, rules, texts, symbols, plain, how, room, out, out_offsets):
    """Normalise documents one after another into `out`; False when it is too small. room: the longest replacement."""
    o = np.int64(0)
    for document in range(len(offsets) - 1):
        i, end, start = offsets[document], offsets[document + 1], o
        if how & _ONE_SPACE:
            i = _skip_spaces(data, i, end, rules, texts, symbols, how)
        if i < end and how & _PREFIX and not how & _SUFFIX and o + room < len(out):
            o = _put_space(out, o, how)
        has_text, after_space = i < end, how & _ONE_SPACE != 0
        while i < end:
            if o + room >= len(out):
                return False
            byte = data[i]
            if byte < 128 and plain[byte] and (i + 1 == end or data[i + 1] < 128):
                out[o], after_space = byte, False
                o += 1
                i += 1
                continue
            kind, first, last, done = _next(data, i, end, rules, texts, symbols, how)
            i += done
            if kind == _TEXT:
                o = _copy(data, first, last, after_space, out, o, how)
                ends_in_space = data[last - 1] == _BLANK
            else:
                o = _copy(texts, first, last, after_space, out, o, how)
                ends_in_space = last > first and texts[last - 1] == _BLANK
            if how & _ONE_SPACE and last > first:
                after_space = ends_in_space
        if how & _ONE_SPACE:
            o = _without_last_spaces(out, start, o, how)
        if has_text and how & _SUFFIX and how & _PREFIX:
            o = _put_space(out, o, how)
        out_offsets[document + 1] = o
    return True


@dataclass(frozen=True)
class SentencePieceNormalizer:
    """The normaliser of a SentencePiece model; the fields have the names of its NormalizerSpec.

    charsmap: the rules, None for none. treat_whitespace_as_suffix: `▁` stands behind a word instead of before it.
    protected: symbols that no rule touches.
    """

    charsmap: Charsmap | None = None
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    escape_whitespaces: bool = True
    treat_whitespace_as_suffix: bool = False
    protected: tuple[str, ...] = ()

    @functools.cached_property
    def _symbols(self) -> list[bytes]:
        return sorted((symbol.encode() for symbol in self.protected), key=len, reverse=True)

    def _first(self, text: bytes) -> tuple[bytes, int]:
        """What stands for the front of a text, and how many of its bytes that are."""
        symbol = next((symbol for symbol in self._symbols if text.startswith(symbol)), None)
        if symbol is not None:
            return symbol, len(symbol)
        length, replacement = self.charsmap.longest(text[:256]) if self.charsmap else (0, b"")
        if length:
            return replacement, length
        length = _character_length(text[0])
        return text[:length], length

    def normalize_aligned(self, text: str) -> tuple[str, list[tuple[int, int]]]:
        """The text as the model cuts it, and for each of its characters the bytes (from, to) of `text` it stands for."""
        parts: list[_Aligned] = []
        data, done = text.encode(), 0
        while done < len(data):
            part, length = self._first(data[done : done + 256] if not self.protected else data[done:])
            parts.append((part.decode(), (done, done + length)))
            done += length
        if self.remove_extra_whitespaces:
            parts = _one_space(parts)
        space = SPACE if self.escape_whitespaces else " "
        out = [(character.replace(" ", space), place) for part, place in parts for character in part]
        marked = bool(parts) and self.add_dummy_prefix
        if marked and not self.treat_whitespace_as_suffix:
            out.insert(0, (space, (parts[0][1][0],) * 2))
        while self.remove_extra_whitespaces and out and out[-1][0] == space:
            out.pop()
        if marked and self.treat_whitespace_as_suffix:
            out.append((space, (done, done)))
        return "".join(character for character, _ in out), [place for _, place in out]

    def normalize(self, text: str) -> str:
        """The text as the model cuts it."""
        return self.normalize_aligned(text)[0]

    @functools.cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.int64, int]:
        """For the kernel: rules, their texts, symbols, plain ASCII characters, switches, bytes a replacement needs."""
        nothing = np.zeros(256, np.uint32)
        rules = self.charsmap.units if self.charsmap else nothing
        texts = np.frombuffer(self.charsmap.texts if self.charsmap else b"\0", np.uint8)
        symbols = build(list(dict.fromkeys(self._symbols)), [0] * len(set(self._symbols)))
        bits = [self.add_dummy_prefix, self.remove_extra_whitespaces, self.escape_whitespaces]
        bits += [self.treat_whitespace_as_suffix, self.charsmap is not None, bool(self.protected)]
        how = np.int64(sum(1 << place for place, bit in enumerate(bits) if bit))
        longest = max([_ROOM, *map(len, bytes(texts).split(b"\0")), *map(len, self._symbols)])
        return rules, texts, symbols, self._plain(), how, 3 * longest + 8

    def _plain(self) -> np.ndarray:
        """The ASCII characters that nothing happens to unless a character that is not ASCII follows."""
        plain = np.ones(128, np.bool_)
        plain[32] = False
        for byte in range(128):
            if any(symbol[0] == byte for symbol in self._symbols):
                plain[byte] = False
            elif self.charsmap:
                pairs = (bytes([byte, second]) for second in range(1, 128))
                plain[byte] &= not any(self.charsmap.leads_on(pair) for pair in pairs)
                plain[byte] &= not self.charsmap.longest(bytes([byte]))[0]
        return plain

    def normalize_packed(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The UTF-8 documents text[offsets[d]:offsets[d + 1]] as the model cuts them, packed, and their new offsets."""
        data, tables = np.frombuffer(text, np.uint8), self._tables
        out_offsets, room = np.zeros(len(offsets), np.int64), len(text) + len(text) // 2 + 8 * len(offsets) + tables[-1]
        while True:
            out = np.empty(room + 32, np.uint8)  # kernels read eight bytes at once
            if _normalize_all(data, offsets, *tables, out[:room], out_offsets):
                return out, out_offsets
            room = 2 * room + tables[-1]


def _one_space(parts: list[_Aligned]) -> list[_Aligned]:
    """The parts without spaces at the front, and without those that follow a space."""
    first = next((i for i, (part, _) in enumerate(parts) if part != " "), len(parts))
    kept, after_space = [], True
    for part, place in parts[first:]:
        rest = part.lstrip(" ") if after_space else part
        kept.append((rest, place))
        after_space = rest.endswith(" ") if rest else after_space
    return kept
