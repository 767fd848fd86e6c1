"""A language model as a lossless compressor: arithmetic coding over its next-token probabilities.

A text is a number between 0 and 1. The model cuts the line into a part for each token, as wide as the token is probable;
the text's first token chooses a part, which is cut again by the probabilities after it, and so on. Any number in the last
part stands for the whole text, and a part of width w needs about -log2 w binary digits: the sum of the surprises. So the
file is as long as the model's loss in bits says, to within a byte or two, and whoever has the model reads it back.

Kept in integers, as Witten, Neal & Cleary 1987 do (CACM 30(6)): the part is [low, high] in 32 bits. Where both ends begin
with the same binary digit, it is written and the part made twice as wide; where they straddle the middle closely, the next
digit is held back until it is known (`pending`). The part is then never narrower than a quarter of the line, so a cut into
2^28 whole counts leaves every token at least 4 numbers. `frequencies` rounds probabilities to such counts, at least 1 each:
a token to which the model gives probability 0 costs 28 bits and is no failure.

Writing and reading must see the same probabilities to the last bit: the same model, machine, threads and way of asking.
What the model costs itself (its weights) is not counted. Left out: the faster coders of whole bytes (range coding, rANS).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.information.entropy import NextProbabilities, distribution
from groundup.slots import slot

BITS = 32
WHOLE = 1 << BITS  # the line: numbers 0 ... WHOLE - 1
HALF, QUARTER = WHOLE >> 1, WHOLE >> 2
TOTAL = (
    1 << 28
)  # counts of a table: 150,000 tokens at 1 each are 0.06 % of it; above QUARTER a token could be left nothing


def frequencies(probabilities: ArrayLike, total: int = TOTAL) -> NDArray[np.int64]:
    """Whole numbers in the proportion of the probabilities, each at least 1, in sum `total`.

    Rounded down, and what is left over goes to the most probable: it feels it least.

    >>> frequencies([0.5, 0.5, 0.0], total=8).tolist()
    [4, 3, 1]
    """
    p = distribution(probabilities).ravel()
    if not p.size <= total <= QUARTER:
        raise InputError(f"{p.size} tokens cannot share {total} counts; use a total of {p.size} to {QUARTER}")
    counts = 1 + np.floor(p / p.sum() * (total - p.size)).astype(np.int64)
    counts[p.argmax()] += total - counts.sum()
    return counts


@slot
def narrow(low: int, high: int, start: int, end: int, total: int) -> tuple[int, int]:
    """The part of [low, high] that belongs to a token with the counts `start` up to but without `end`, out of `total`.

    Both ends belong to a part: it has high - low + 1 numbers. Neighbours meet without gap or overlap, since the end of
    one is computed as the beginning of the next. Whole numbers throughout; a float has too few digits.

    >>> narrow(0, 99, 0, 1, 4), narrow(0, 99, 1, 4, 4)
    ((0, 24), (25, 99))
    """
    width = high - low + 1
    return low + width * start // total, low + width * end // total - 1


def settled(low: int, high: int) -> int | None:
    """What to subtract from both ends before they are doubled; None while nothing is known of the next digit.

    0: both lie in the lower half (the digit is 0); HALF: both in the upper (1); QUARTER: both in the middle half, the
    digit is not known yet, but the one after it will be its opposite.
    """
    if high < HALF:
        return 0
    if low >= HALF:
        return HALF
    if low >= QUARTER and high < HALF + QUARTER:
        return QUARTER
    return None


class Encoder:
    """Writes tokens as the digits of a number in an ever narrower part of the line."""

    def __init__(self) -> None:
        self.low, self.high = 0, WHOLE - 1
        self.digits: list[int] = []
        self.pending = 0  # digits held back: opposites of the next one

    def encode(self, start: int, end: int, total: int) -> None:
        """Write one token, given by its counts."""
        self.low, self.high = narrow(self.low, self.high, start, end, total)
        assert self.low <= self.high, f"a token was left no number: counts {start} to {end} of {total}"
        while (offset := settled(self.low, self.high)) is not None:
            if offset == QUARTER:
                self.pending += 1
            else:
                self._write(offset // HALF)
            self.low, self.high = 2 * (self.low - offset), 2 * (self.high - offset) + 1

    def finish(self) -> bytes:
        """Write as many digits as name a number within the last part, whatever follows them; the file."""
        self.pending += 1
        self._write(0 if self.low < QUARTER else 1)
        return np.packbits(np.array(self.digits, np.uint8)).tobytes()

    def _write(self, digit: int) -> None:
        self.digits.append(digit)
        self.digits.extend([1 - digit] * self.pending)
        self.pending = 0


class Decoder:
    """Reads tokens back: it follows the encoder's part of the line, and the number tells which token was chosen."""

    def __init__(self, data: bytes) -> None:
        self.digits = np.unpackbits(np.frombuffer(data, np.uint8)).tolist()
        self.read = 0
        self.low, self.high, self.value = 0, WHOLE - 1, 0
        for _ in range(BITS):
            self.value = 2 * self.value + self._next()

    def decode(self, counts: NDArray[np.int64]) -> int:
        """Read one token, given the counts of all."""
        ends = np.cumsum(counts)
        total, width = int(ends[-1]), self.high - self.low + 1
        place = ((self.value - self.low + 1) * total - 1) // width
        token = int(np.searchsorted(ends, place, side="right"))
        self.low, self.high = narrow(self.low, self.high, int(ends[token] - counts[token]), int(ends[token]), total)
        while (offset := settled(self.low, self.high)) is not None:
            self.low, self.high = 2 * (self.low - offset), 2 * (self.high - offset) + 1
            self.value = 2 * (self.value - offset) + self._next()
        return token

    def _next(self) -> int:
        """The next digit; behind the end come zeros, of which a whole file needs fewer than the part has digits."""
        if self.read >= len(self.digits) + BITS:
            raise InputError("the data ends before its last token; it was cut short, or written with another model")
        digit = self.digits[self.read] if self.read < len(self.digits) else 0
        self.read += 1
        return digit


def compress(tokens: Sequence[int], next_probabilities: NextProbabilities) -> bytes:
    """The tokens as bytes, with next_probabilities(tokens before it) giving every id's probability.

    The length is not written: whoever reads must know the count, or the token that ends.

    >>> data = compress([1, 0, 1, 1], lambda before: [0.25, 0.75])
    >>> len(data), decompress(data, lambda before: [0.25, 0.75], count=4)
    (1, [1, 0, 1, 1])
    """
    encoder, before = Encoder(), list[int]()
    for token in tokens:
        counts = frequencies(next_probabilities(before))
        if not 0 <= token < len(counts):
            raise InputError(f"token {token} has no probability among {len(counts)}; use the model's own vocabulary")
        end = int(counts[: token + 1].sum())
        encoder.encode(end - int(counts[token]), end, TOTAL)
        before.append(token)
    return encoder.finish()


def decompress(
    data: bytes, next_probabilities: NextProbabilities, *, count: int | None = None, end_id: int | None = None
) -> list[int]:
    """The tokens that `compress` made bytes of, with the same next_probabilities.

    count: how many there are; or end_id: the token that is the last (and is given back).
    """
    if (count is None) == (end_id is None):
        raise InputError("where the tokens end must be said in one way; give count= or end_id=")
    decoder, tokens = Decoder(data), list[int]()
    while len(tokens) != count and not (tokens and tokens[-1] == end_id):
        tokens.append(decoder.decode(frequencies(next_probabilities(tokens))))
    return tokens
