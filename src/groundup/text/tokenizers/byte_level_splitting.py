"""Split patterns as a state machine on UTF-8 bytes (Numba): where the piece that starts here ends.

Meaning: `splitting.split`, one alternative of the regular expression after the other. Works on bytes because the
merges do; a character is decoded only to look up its class, ASCII (nearly all of English and code) not at all.

Plain ASCII is split 64 bytes at a time without looking at any byte alone: vector comparisons give a 64-bit number a
class, one bit a byte, and a few shifts and additions of these say at which bytes pieces start (as Langdale and Lemire
2019, arXiv:1902.08318, find the structure of JSON). Only starts that no later byte can change are taken; what is left
open, and all other text, goes through the state machine. Splitting English is four times as fast for it.
"""

from collections.abc import Iterator

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from groundup import slots
from groundup.text.compiled import array_at, inner, loop, trailing_zeros, word_at
from groundup.text.tokenizers import splitting, unicode_classes

# np.int64, not int: Numba would compile a function anew for every literal that it is called with
OTHER, LETTER, NUMBER, SPACE, NEWLINE, KIND, FRONT, BACK = (
    np.int64(getattr(unicode_classes, name))
    for name in ("OTHER", "LETTER", "NUMBER", "SPACE", "NEWLINE", "KIND", "FRONT", "BACK")
)
PADDING = 64  # bytes of anything behind a text, so that it can be read a block at a time
_PIECES = 1 << 14  # ends found at a time: 128 kB, which stay in the second-level cache
QWEN2, LLAMA3, GPT2, CL100K, O200K = map(np.int64, range(5))  # as splitting.STYLES numbers them
_APOSTROPHE, _BLANK, _SLASH = 0x27, 0x20, 0x2F
_EVERY_BYTE = 0x0101010101010101
_CASE, _SEVEN_BITS, _TOP_BITS = (np.uint64(bits * _EVERY_BYTE) for bits in (0x20, 0x7F, 0x80))
_FROM_A, _ABOVE_Z = np.uint64((0x80 - 0x61) * _EVERY_BYTE), np.uint64((0x80 - 0x7B) * _EVERY_BYTE)
_NOWHERE = np.int64(-1)
_NONE, _ONE, _TWO, _THREE = map(np.uint64, range(4))


@intrinsic
def bytes_within(context, data, index, low, high):
    """One bit for each of the 64 bytes from `index` on: whether low <= byte <= high."""

    def build(context, builder, signature, arguments):
        ir = cgutils.ir
        byte, vector = ir.IntType(8), ir.VectorType(ir.IntType(8), 64)

        def everywhere(value):
            one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(
                one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), 64), None)
            )

        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
        block = builder.load(address)
        block.align = 1
        low, high = (builder.trunc(value, byte) for value in arguments[2:])
        inside = builder.icmp_unsigned("<=", builder.sub(block, everywhere(low)), everywhere(builder.sub(high, low)))
        return builder.bitcast(inside, ir.IntType(64))

    return types.uint64(data, types.int64, types.int64, types.int64), build


@intrinsic
def bit_length(context, word):
    """Number of the highest set bit of a uint64, counted from one; 0 for zero."""

    def build(context, builder, signature, arguments):
        ir = cgutils.ir
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

    return types.int64(types.uint64), build


@intrinsic
def bit_count(context, word):
    """Number of set bits of a uint64."""

    def build(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), build


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
        if character & KIND != wanted:
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
    r"""End of the piece of white space at byte i: \s++$ (cl100k alone), \s*[\r\n]+ (not GPT-2), \s+(?!\S) or \s+."""
    last, after_newline = i, i
    j = i
    while j < end:
        character = character_at(data, j, classes)
        kind = character & KIND
        if kind != SPACE and kind != NEWLINE:
            break
        last = j
        j += character >> 8
        if kind == NEWLINE:
            after_newline = j
    if style == CL100K and j == end:
        return j
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
    """End of the piece at byte i by the Qwen 2, Llama 3 or cl100k pattern."""
    if data[i] == _APOSTROPHE:
        j = contraction_end(data, i, end, style)
        if j > i:
            return j
    character = character_at(data, i, classes)
    kind, after = character & KIND, i + (character >> 8)
    if kind == LETTER:
        return letters_end(data, after, end, classes)
    if kind == NUMBER:
        return run_end(data, after, end, classes, NUMBER, np.int64(0 if style == QWEN2 else 2))
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
        kind = character_at(data, start, classes) & KIND
        if kind != SPACE and kind != NEWLINE:
            return run_end(data, start, end, classes, kind, end)
    return white_space_end(data, i, end, classes, GPT2)


@inner
def side_end(data, i, end, classes, side):
    """End of the run of characters at byte i that may stand on one side of a word; where its last one with both is."""
    both = _NOWHERE
    while i < end:
        character = character_at(data, i, classes)
        if character & side == 0:
            break
        if character & (FRONT | BACK) == FRONT | BACK:
            both = i
        i += character >> 8
    return i, both


@inner
def word_end_o200k(data, i, end, classes):
    """End of the word at byte i by the o200k pattern, its contraction not counted; i when there is none.

    The first alternative wants a character of the back part, so where no small letter follows the front part, it goes
    back to the last character that has no case.
    """
    character = character_at(data, i, classes)
    kind, start = character & KIND, i
    if kind == NUMBER or kind == NEWLINE:
        return i
    if kind != LETTER:
        start = i + (character >> 8)
    front, both = side_end(data, start, end, classes, FRONT)
    back, _ = side_end(data, front, end, classes, BACK)
    if back > front:
        return back
    if both != _NOWHERE:
        return both + (character_at(data, both, classes) >> 8)
    if character & FRONT and kind != LETTER:  # a mark that leads no word is one by itself
        return start
    return front if front > start else i


@inner
def piece_end_o200k(data, i, end, classes):
    """End of the piece at byte i by the o200k pattern: words end before a capital and keep their contraction."""
    j = word_end_o200k(data, i, end, classes)
    if j > i:
        return contraction_end(data, j, end, O200K) if j < end and data[j] == _APOSTROPHE else j
    if character_at(data, i, classes) & KIND == NUMBER:
        return run_end(data, i, end, classes, NUMBER, np.int64(3))
    start = i + 1 if data[i] == _BLANK else i
    j = run_end(data, start, end, classes, OTHER, end)
    if j == start:
        return white_space_end(data, i, end, classes, O200K)
    while j < end and (data[j] == 0x0A or data[j] == 0x0D or data[j] == _SLASH):
        j += 1
    return j


@inner
def piece_end(data, i, end, classes, style):
    """End of the piece that starts at byte i < end, in a document that ends at `end`."""
    if style == GPT2:
        return piece_end_gpt2(data, i, end, classes)
    if style == O200K:
        return piece_end_o200k(data, i, end, classes)
    return piece_end_modern(data, i, end, classes, style)


@inner
def _through(bits, starts):
    """The runs of set bits that begin at `starts`, each replaced by the bit behind it: the carry of an addition."""
    return (bits + starts) & ~bits


@inner
def _digit_starts(digits, style):
    """Where pieces of digits start: at every one (Qwen 2), or at every third of a run."""
    if style == QWEN2:
        return digits
    starts = digits & ~(digits << _ONE)
    four = digits & digits << _ONE & digits << _TWO & digits << _THREE
    found = starts
    while found:
        found = found << _THREE & four
        starts |= found
    return starts


@inner
def _certain(starts, unclear, white):
    """The starts that hold whatever follows: before the first unclear byte, and before white space that reaches it."""
    known = np.int64(trailing_zeros(unclear))
    after = bit_length(~white & (unclear & (_NONE - unclear)) - _ONE)  # the byte behind the last one that is no space
    last = np.uint64(after if after < known else max(known - 2, 0))  # type: ignore[arg-type]
    return starts & ((_TWO << last) - _ONE) & ~_ONE


@inner
def _blank_lines(spaces, newlines):
    """The second space of the first run of spaces between two newlines: all is one piece, so no start here is sure."""
    indents = spaces & newlines << _ONE
    again = _through(spaces, indents) & newlines
    if not again:
        return _NONE
    indents &= (again & (_NONE - again)) - _ONE
    while indents & indents - _ONE:
        indents &= indents - _ONE
    return indents << _ONE


@inner
def _beyond(known):
    """Bits of the bytes from number `known` on."""
    return _NONE if known >= 64 else ~_NONE << np.uint64(known)


@inner
def high_classes(data, i, classes):
    """Which of the 64 bytes from i on belong to letters beyond ASCII, and which to spaces and numbers there."""
    leading = bytes_within(data, i, 0xC0, 0xFF)
    letters = odd = _NONE
    while leading:
        place = trailing_zeros(leading)
        leading &= leading - _ONE
        character = character_at(data, i + np.int64(place), classes)
        kind, all_of_it = character & KIND, ((_ONE << np.uint64(character >> 8)) - _ONE) << place
        letters |= all_of_it & (_NONE - np.uint64(kind == LETTER))
        odd |= all_of_it & (_NONE - np.uint64(kind == SPACE or kind == NUMBER))
    return letters, odd


@inner
def leading_signs(data, i, others, blank):
    """Bytes of the signs that stand alone, with no blank before them: such a sign leads the word behind it."""
    tails = bytes_within(data, i, 0x80, 0xBF)
    not_alone = others & ~tails & others << _ONE | others & blank << _ONE
    return others & ~(not_alone | tails & ~(tails + (tails & not_alone << _ONE)))  # with the tails of those characters


@inner
def block_starts(data, i, known, classes, style):
    """Bits of the 64 bytes from i on at which pieces surely start when one starts at byte i (that bit is left out).

    All but `known` of them belong to another document. White space and numbers beyond ASCII end what is sure, and for
    o200k, which minds the case, so does any character there.
    """
    upper, lower = bytes_within(data, i, 0x41, 0x5A), bytes_within(data, i, 0x61, 0x7A)
    letters, digits, high = upper | lower, bytes_within(data, i, 0x30, 0x39), bytes_within(data, i, 0x80, 0xFF)
    blank, odd = bytes_within(data, i, _BLANK, _BLANK), high
    if style != O200K and high:
        more, odd = high_classes(data, i, classes)
        letters |= more
    newlines = bytes_within(data, i, 0x0A, 0x0A) | bytes_within(data, i, 0x0D, 0x0D)
    white = bytes_within(data, i, 0x09, 0x0D) | blank
    spaces, others = white & ~newlines, ~(letters | digits | white | odd)
    unclear = odd | _beyond(known)
    leads = leading_signs(data, i, others, blank)
    quotes = bytes_within(data, i, _APOSTROPHE, _APOSTROPHE) & letters >> _ONE  # perhaps a contraction
    starts = letters & ~((letters | spaces | leads) << _ONE) | _digit_starts(digits, style)
    if style == O200K:
        starts |= upper & lower << _ONE
        unclear |= quotes & letters << _ONE
    else:
        unclear |= quotes & leads
    starts |= others & ~((others | blank) << _ONE)
    taken = newlines & ~(newlines + (newlines & others << _ONE))  # newlines that belong to the signs before them
    if style == O200K:
        unclear |= taken << _ONE & bytes_within(data, i, _SLASH, _SLASH)
    rest = white & ~taken
    starts |= rest & ~(rest << _ONE) | newlines << _ONE & ~newlines | spaces & ~(white >> _ONE)
    return _certain(starts, unclear | _blank_lines(spaces, newlines), white)


@inner
def block_starts_gpt2(data, i, known, classes):
    """The same for the GPT-2 pattern, where only a blank leads what follows and newlines are white space like any."""
    letters = bytes_within(data, i, 0x41, 0x5A) | bytes_within(data, i, 0x61, 0x7A)
    digits, blank = bytes_within(data, i, 0x30, 0x39), bytes_within(data, i, _BLANK, _BLANK)
    white, more, odd = bytes_within(data, i, 0x09, 0x0D) | blank, _NONE, _NONE
    if bytes_within(data, i, 0x80, 0xFF):
        more, odd = high_classes(data, i, classes)
    letters |= more
    others = ~(letters | digits | white | odd)
    first = others & ~((others | blank) << _ONE)
    quotes = bytes_within(data, i, _APOSTROPHE, _APOSTROPHE) & first & letters >> _ONE
    starts = letters & ~((letters | blank) << _ONE) | digits & ~((digits | blank) << _ONE) | first
    starts |= white & (~(white << _ONE) | ~(white >> _ONE))
    return _certain(starts, odd | _beyond(known) | quotes, white)


@inner
def write_ends(i, starts, ends, pieces):
    """Write the places of the set bits behind byte i to ends[pieces:], four at a time; how many there are."""
    count = bit_count(starts)
    for k in range(pieces, pieces + count, 4):
        for more in range(4):
            ends[k + more] = i + np.int64(trailing_zeros(starts))
            starts &= starts - _ONE
    return count


@loop
def split_documents(data, first, offsets, document, classes, style, ends):
    """Fill `ends` with the ends of pieces from byte `first` on, which lies in or before `document`.

    Documents are data[offsets[d]:offsets[d + 1]], followed by PADDING bytes of anything; no piece crosses their edges.
    Returns the number of pieces written.
    """
    i, pieces, most = first, 0, len(ends)
    while document < len(offsets) - 1:
        stop = offsets[document + 1]
        while i < stop and pieces < most:
            if pieces + 72 < most and i + 24 < stop and (style != O200K or not word_at(data, i) & _TOP_BITS):
                if style == GPT2:
                    starts = block_starts_gpt2(data, i, stop - i, classes)
                else:
                    starts = block_starts(data, i, stop - i, classes, style)
                if starts:
                    pieces += write_ends(i, starts, ends, pieces)
                    i = ends[pieces - 1]
                    continue
            i = piece_end(data, i, stop, classes, style)
            ends[pieces] = i
            pieces += 1
        if i < stop:
            break
        document += 1
    return pieces


_read_only, _numbers = array_at(types.uint8, readonly=True), array_at(types.int64)


@loop
def split_line(places, style):
    """`split_documents` for one document, its arrays handed over as addresses and lengths: of the text (without what
    follows it), the two offsets, the classes, and the ends."""
    offsets, ends = _numbers(places[2], places[3]), _numbers(places[6], places[7])
    data = _read_only(places[0], places[1] + PADDING)
    return split_documents(data, 0, offsets, 0, _read_only(places[4], places[5]), style, ends)


def _split_by_slot(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Ends of all pieces by the learner's `splitting.split_gpt2`."""
    ends = [0]
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        text = data[start:stop].tobytes().decode()
        ends += [len(piece.encode()) for piece in splitting.split_gpt2(text) if piece]
    return np.cumsum(ends, dtype=np.int64)[1:]


def split_batches(data: np.ndarray, offsets: np.ndarray, style: int) -> Iterator[tuple[int, np.ndarray]]:
    """Pieces of the documents data[offsets[d]:offsets[d + 1]] in batches: where one starts, the ends of its pieces.

    The text is followed by PADDING bytes of anything. The array of ends is written over by the next batch.
    """
    total, reached = int(offsets[-1]), 0
    if style == GPT2 and slots.filled("text.tokenizers.split_gpt2"):
        if total:
            yield 0, _split_by_slot(data, offsets)
        return
    ends = np.empty(min(_PIECES, total) + 80, np.int64)
    while reached < total:
        document = int(np.searchsorted(offsets, reached, side="right")) - 1
        pieces = split_documents(data, reached, offsets, document, unicode_classes.class_table(), style, ends)
        yield reached, ends[:pieces]
        reached = int(ends[pieces - 1])
