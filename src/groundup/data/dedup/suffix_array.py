"""The suffix array: where each suffix of a text begins, in the order of a dictionary.

Equal substrings stand side by side in it, so whatever occurs twice in a text is found by looking at neighbours.

Sorting the suffixes as strings would cost the square of the text's length where it repeats itself. SA-IS (Nong, Zhang,
Chan 2009, "Linear suffix array construction by almost pure induced sorting") sorts a part of them and induces the rest
in linear time. A suffix is of type S if it is smaller than the one that begins a place later, else of type L; an S to
the right of an L is an LMS suffix, of which there are at most n / 2.

    1. induce from the LMS places in any order: this sorts the substrings from one LMS place to the next
    2. name each substring by its rank; if two have the same name, sort the text of names in the same way
    3. induce from the LMS suffixes, now in their right order: this sorts all suffixes

Inducing: going through the array from the left, a suffix known at place i puts the one that begins a character earlier, if
that is of type L, at the front of its bucket (all suffixes with its first character); then from the right for type S.
The array itself holds the names and the inner text, so 4 bytes a character suffice, and one for the LMS marks.

`lcp` gives the length of the common prefix of neighbours (Kärkkäinen, Manzini, Puglisi 2009: along the text, in which it
falls by at most one a step).

Leaves out: texts of 2^31 characters and more.
"""

from collections.abc import Sequence

import numpy as np

from groundup.errors import InputError
from groundup.text.compiled import inner, kernel

LONGEST = (1 << 31) - 2


def suffix_array_reference(text: Sequence[int]) -> list[int]:
    """Where the suffixes begin, the smallest first; of two the one that is a prefix of the other is smaller.

    >>> suffix_array_reference(b"banana")
    [5, 3, 1, 0, 4, 2]
    """
    rank = list(text)
    order = sorted(range(len(rank)), key=rank.__getitem__)
    width = 1
    while width < 2 * len(rank):

        def pair(at: int, rank: list[int] = rank, width: int = width) -> tuple[int, int]:
            return rank[at], rank[at + width] if at + width < len(rank) else -1

        order.sort(key=pair)
        names = [0] * len(rank)
        for before, at in zip(order, order[1:], strict=False):
            names[at] = names[before] + (pair(at) != pair(before))
        rank, width = names, 2 * width
    return order


def suffix_array(text: bytes | np.ndarray) -> np.ndarray:
    """The same in linear time, as int32. text: bytes, or whole numbers from 0 on (token ids).

    >>> suffix_array(b"banana").tolist()
    [5, 3, 1, 0, 4, 2]
    """
    values = np.frombuffer(text, np.uint8) if isinstance(text, bytes | bytearray | memoryview) else np.asarray(text)
    if len(values) > LONGEST:
        raise InputError(f"a text of {len(values):,} characters has no 32-bit suffix array; cut it into parts of 2 GB")
    if not len(values):
        return np.zeros(0, np.int32)
    if values.dtype != np.uint8:
        if not np.issubdtype(values.dtype, np.integer) or int(values.min()) < 0:
            raise InputError(
                f"a suffix array is made of bytes or of whole numbers from 0 on, not of {values.dtype} with a minus; give ids"
            )
        values = np.unique(values, return_inverse=True)[1].astype(np.int32)
    order = np.empty(len(values), np.int32)
    _sort(np.ascontiguousarray(values), 256 if values.dtype == np.uint8 else int(values.max()) + 1, order)
    return order


def _sort(text: np.ndarray, size: int, order: np.ndarray) -> None:
    """Sort the suffixes of a text with characters below `size` into `order`, of the same length."""
    counts = _counts(text, size)
    marks = _marks(text)
    _place_marked(text, counts, marks, order)
    _induce(text, counts, order)
    found, names = _name(text, marks, order)
    inner_text = order[len(order) - found :]
    if names < found:
        _sort(inner_text, names, order[:found])
    else:
        _invert(inner_text, order)
    _place_sorted(text, counts, marks, order, found)
    _induce(text, counts, order)


@kernel
def _counts(text, size):
    counts = np.zeros(size, np.int32)
    for character in text:
        counts[character] += 1
    return counts


@kernel
def _marks(text):
    """1 at each LMS place."""
    marks = np.zeros(len(text), np.uint8)
    small = False  # the last suffix is larger than the empty one after it: type L
    for at in range(len(text) - 2, -1, -1):
        before = text[at] < text[at + 1] or (text[at] == text[at + 1] and small)
        if small and not before:
            marks[at + 1] = 1
        small = before
    return marks


@inner
def _fronts(counts, places):
    at = 0
    for character in range(len(counts)):
        places[character] = at
        at += counts[character]


@inner
def _ends(counts, places):
    at = 0
    for character in range(len(counts)):
        at += counts[character]
        places[character] = at


@kernel
def _place_marked(text, counts, marks, order):
    places = np.empty(len(counts), np.int32)
    _ends(counts, places)
    order[:] = -1
    for at in range(len(text) - 1, -1, -1):
        if marks[at]:
            places[text[at]] -= 1
            order[places[text[at]]] = at


@kernel
def _induce(text, counts, order):
    """From the LMS suffixes at the ends of their buckets, sort those of type L, and from these those of type S."""
    places = np.empty(len(counts), np.int32)
    _fronts(counts, places)
    last = np.int32(len(text) - 1)
    order[places[text[last]]] = last
    places[text[last]] += 1
    for at in range(len(order)):
        before = order[at] - 1
        if before >= 0 and text[before] >= text[before + 1]:
            order[places[text[before]]] = before
            places[text[before]] += 1
    _ends(counts, places)
    for at in range(len(order) - 1, -1, -1):
        before = order[at] - 1
        if before >= 0:
            character, after = text[before], text[before + 1]
            # equal characters: of type S if the suffix at hand is, which stands where type S was put
            if character < after or (character == after and places[after] <= at):
                places[character] -= 1
                order[places[character]] = before


@kernel
def _name(text, marks, order):
    """Write the names of the LMS substrings, in the text's order, to the end of `order`; how many, and how many different."""
    found = 0
    for at in range(len(order)):
        if marks[order[at]]:
            order[found] = order[at]
            found += 1
    order[found:] = -1
    name, previous = -1, -1
    for rank in range(found):
        place = order[rank]
        if previous < 0 or not _equal(text, marks, previous, place):
            name += 1
            previous = place
        order[found + place // 2] = name  # two LMS places are never neighbours
    free = len(order) - 1
    for at in range(len(order) - 1, found - 1, -1):
        if order[at] >= 0:
            order[free] = order[at]
            free -= 1
    return found, name + 1


@inner
def _equal(text, marks, one, other):
    """Whether two LMS substrings are equal: from one LMS place to the next, both included."""
    length = 0
    while True:
        if max(one, other) + length >= len(text) or text[one + length] != text[other + length]:
            return False
        if length and (marks[one + length] or marks[other + length]):
            return marks[one + length] == marks[other + length]
        length += 1


@kernel
def _invert(names, order):
    for at in range(len(names)):
        order[names[at]] = at


@kernel
def _place_sorted(text, counts, marks, order, found):
    """Put the LMS suffixes, sorted in order[:found] by their number among the LMS places, at the ends of their buckets."""
    free = len(order) - 1
    for at in range(len(text) - 1, -1, -1):
        if marks[at]:
            order[free] = at
            free -= 1
    for rank in range(found):
        order[rank] = order[len(order) - found + order[rank]]
    places = np.empty(len(counts), np.int32)
    _ends(counts, places)
    order[found:] = -1
    for rank in range(found - 1, -1, -1):
        at = order[rank]
        order[rank] = -1
        places[text[at]] -= 1
        order[places[text[at]]] = at


@kernel
def lcp(text, order):
    """For the suffix that begins at each place of the text: the length it shares with its smaller neighbour in `order`."""
    shared = np.empty(len(order), np.int32)
    before = np.int32(-1)
    for at in order:  # first each suffix's neighbour, then in its place the length
        shared[at] = before
        before = at
    length = 0
    for at in range(len(shared)):
        other = shared[at]
        if other < 0:
            length = 0
        else:
            while max(at, other) + length < len(text) and text[at + length] == text[other + length]:
                length += 1
        shared[at] = length
        length = max(0, length - 1)
    return shared
