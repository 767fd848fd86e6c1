"""Split patterns as a state machine on UTF-8 bytes (Numba): where the piece that starts here ends.

Meaning: `splitting.split`, one alternative of the regular expression after the other. Works on bytes because the
merges do; a character is decoded only to look up its class, ASCII (nearly all of English and code) not at all, and
its letters are told eight at a time: the top bit of each byte of a 64-bit word says whether it is one.
"""

from collections.abc import Iterator

import numpy as np

from groundup.text.compiled import inner, loop, trailing_zeros, word_at
from groundup.text.tokenizers import unicode_classes

# np.int64, not int: Numba would compile a function anew for every literal that it is called with
OTHER, LETTER, NUMBER, SPACE, NEWLINE = (
    np.int64(getattr(unicode_classes, name)) for name in ("OTHER", "LETTER", "NUMBER", "SPACE", "NEWLINE")
)
_PIECES = 1 << 16  # ends found at a time: half a megabyte, which stays in the second-level cache
QWEN2, LLAMA3, GPT2 = np.int64(0), np.int64(1), np.int64(2)  # as splitting.STYLES numbers them
_APOSTROPHE, _BLANK = 0x27, 0x20
_EVERY_BYTE = 0x0101010101010101
_CASE, _SEVEN_BITS, _TOP_BITS = (np.uint64(bits * _EVERY_BYTE) for bits in (0x20, 0x7F, 0x80))
_FROM_A, _ABOVE_Z = np.uint64((0x80 - 0x61) * _EVERY_BYTE), np.uint64((0x80 - 0x7B) * _EVERY_BYTE)


@inner
def character_at(data, i, classes):
    """Class and width in bytes of the character at byte i, as class | width << 8. Valid UTF-8 is assumed."""
    first = np.int64(data[i])
    if first < 0x80:
        return np.int64(classes[first]) | 1 << 8
    if first < 0xE0:
        code = (first & 0x1F) << 6 | np.int64(data[i + 1]) & 0x3F
        return np.int64(classes[code]) | 2 << 8
    if first < 0xF0:
        code = (first & 0xF) << 12 | (np.int64(data[i + 1]) & 0x3F) << 6 | np.int64(data[i + 2]) & 0x3F
        return np.int64(classes[code]) | 3 << 8
    high = (first & 0x7) << 18 | (np.int64(data[i + 1]) & 0x3F) << 12
    code = high | (np.int64(data[i + 2]) & 0x3F) << 6 | np.int64(data[i + 3]) & 0x3F
    return np.int64(classes[code]) | 4 << 8


@inner
def run_end(data, i, end, classes, wanted, most):
    """End of the run of at most `most` characters of one class that starts at byte i."""
    while i < end and most > 0:
        character = character_at(data, i, classes)
        if character & 0xFF != wanted:
            break
        i += character >> 8
        most -= 1
    return i


@inner
def letters_end(data, i, end, classes):
    """End of the run of letters at byte i; eight bytes at a time while they are ASCII."""
    while i < end:
        word = word_at(data, i)
        low = (word | _CASE) & _SEVEN_BITS
        letters = (low + _FROM_A) & ~(low + _ABOVE_Z) & ~word & _TOP_BITS  # a byte's top bit: it is a letter
        run = np.int64(trailing_zeros(letters ^ _TOP_BITS) >> np.uint64(3))
        i += run
        if run < 8:
            if i < end and data[i] >= 0x80:
                return run_end(data, i, end, classes, LETTER, end)
            break
    return min(i, end)


@inner
def contraction_end(data, i, end, style):
    """End of 's 't 're 've 'm 'll 'd when one stands at byte i, else i.

    Only GPT-2 minds the case; for the others the long s, U+017F, is an s too, as regular expressions fold it.
    """
    if i + 1 >= end:
        return i
    fold = 0 if style == GPT2 else 0x20
    first = data[i + 1] | fold
    if first == 0x73 or first == 0x74 or first == 0x6D or first == 0x64:  # s t m d
        return i + 2
    if i + 2 >= end:
        return i
    second = data[i + 2] | fold
    if (second == 0x65 and (first == 0x72 or first == 0x76)) or (first == 0x6C and second == 0x6C):  # re ve ll
        return i + 3
    if style != GPT2 and data[i + 1] == 0xC5 and data[i + 2] == 0xBF:
        return i + 3
    return i


@inner
def white_space_end(data, i, end, classes, style):
    r"""End of the piece of white space at byte i: \s*[\r\n]+ (not for GPT-2), \s+(?!\S) or \s+."""
    last, after_newline = i, i
    j = i
    while j < end:
        character = character_at(data, j, classes)
        kind = character & 0xFF
        if kind != SPACE and kind != NEWLINE:
            break
        last = j
        j += character >> 8
        if kind == NEWLINE:
            after_newline = j
    if style != GPT2 and after_newline > i:
        return after_newline
    if j == end or last == i:
        return j
    return last  # the last space goes with the word behind it


@inner
def newlines_end(data, i, end):
    """End of the run of line feeds and carriage returns at byte i."""
    while i < end and (data[i] == 0x0A or data[i] == 0x0D):
        i += 1
    return i


@inner
def piece_end_modern(data, i, end, classes, style):
    """End of the piece at byte i by the Qwen 2 or Llama 3 pattern."""
    if data[i] == _APOSTROPHE:
        j = contraction_end(data, i, end, style)
        if j > i:
            return j
    character = character_at(data, i, classes)
    kind, after = character & 0xFF, i + (character >> 8)
    if kind == LETTER:
        return letters_end(data, after, end, classes)
    if kind == NUMBER:
        return run_end(data, after, end, classes, NUMBER, np.int64(2 if style == LLAMA3 else 0))
    if kind != NEWLINE:  # one character that is neither newline, letter nor number may lead a word
        j = letters_end(data, after, end, classes)
        if j > after:
            return j
    start = after if data[i] == _BLANK else i
    j = run_end(data, start, end, classes, OTHER, end)
    if j > start:
        return newlines_end(data, j, end)
    return white_space_end(data, i, end, classes, style)


@inner
def piece_end_gpt2(data, i, end, classes):
    """End of the piece at byte i by the GPT-2 pattern: one leading blank, and runs of one kind."""
    if data[i] == _APOSTROPHE:
        j = contraction_end(data, i, end, GPT2)
        if j > i:
            return j
    start = i + 1 if data[i] == _BLANK else i
    if start < end:
        kind = character_at(data, start, classes) & 0xFF
        if kind != SPACE and kind != NEWLINE:
            return run_end(data, start, end, classes, kind, end)
    return white_space_end(data, i, end, classes, GPT2)


@inner
def piece_end(data, i, end, classes, style):
    """End of the piece that starts at byte i < end, in a document that ends at `end`."""
    if style == GPT2:
        return piece_end_gpt2(data, i, end, classes)
    return piece_end_modern(data, i, end, classes, style)


@inner
def _is_ascii_letter(byte):
    return np.uint8((byte | np.uint8(0x20)) - np.uint8(0x61)) < np.uint8(26)


@inner
def word_end(data, i, end, classes):
    """End of the piece at byte i when it is an ASCII word, a blank before it or not (most of a text), else i."""
    first = i + 1 if data[i] == _BLANK else i
    if first < end and _is_ascii_letter(data[first]):
        return letters_end(data, first + 1, end, classes)
    return i


@loop
def split_documents(data, first, offsets, document, classes, style, ends):
    """Fill `ends` with the ends of pieces from byte `first` on, which lies in or before `document`.

    Documents are data[offsets[d]:offsets[d + 1]], followed by 16 bytes of anything; no piece crosses their edges.
    Returns the number of pieces written.
    """
    i, pieces = first, 0
    while document < len(offsets) - 1:
        stop = offsets[document + 1]
        while i < stop and pieces < len(ends):
            end = word_end(data, i, stop, classes)
            i = end if end > i else piece_end(data, i, stop, classes, style)
            ends[pieces] = i
            pieces += 1
        if i < stop:
            break
        document += 1
    return pieces


def split_batches(data: np.ndarray, offsets: np.ndarray, style: int) -> Iterator[tuple[int, np.ndarray]]:
    """Pieces of the documents data[offsets[d]:offsets[d + 1]] in batches: where one starts, the ends of its pieces."""
    total, reached = int(offsets[-1]), 0
    ends = np.empty(min(_PIECES, total), np.int64)
    while reached < total:
        document = int(np.searchsorted(offsets, reached, side="right")) - 1
        pieces = split_documents(data, reached, offsets, document, unicode_classes.class_table(), style, ends)
        yield reached, ends[:pieces]
        reached = int(ends[pieces - 1])
