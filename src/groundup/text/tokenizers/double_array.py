"""A trie in one array of numbers: every word of a vocabulary that begins at a place of a text, found byte by byte.

Aoe 1989 (the double array), in the form of Yata's Darts-clone, which SentencePiece keeps inside its model files. A unit
is 32 bits: the byte that leads to it, whether a word ends there, and an offset. From the unit at `place`, byte c leads
to `place ^ offset ^ c`, provided that the unit there carries the label c. No two units share a target `place ^ offset`,
so the label alone proves the way. A word's value stands at `place ^ offset` itself, in 31 bits, the highest one set.

    31                          10   9      8        7      0
    | offset                     | x256 | word ends | label |

`common_prefixes` is the definition; kernels that walk the array (`unigram_encoding`, `sentencepiece_normalizer`) hold
the same four lines. Left out: words with a NUL byte, which the form cannot hold (0 marks the value).
"""

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot
from groundup.text.compiled import inner, loop

VALUE = (1 << 31) - 1  # the bits of a value; the bit above them says that a unit is one
LABEL = 0xFF | 1 << 31
ENDS = 1 << 8
FAR = 1 << 9
_OPEN_BLOCKS = 16  # blocks of 256 units in which a place is looked for; earlier ones stay as full as they are
_NONE = np.int64(-1)


@slot
def common_prefixes(units: list[int], text: bytes) -> list[tuple[int, int]]:
    """Each word of the trie with which `text` begins, the shortest first: its length in bytes, and its value.

    units: 32-bit numbers; the root is units[0]. Bits 0-7 and 31 of a unit are its label, bit 8 says that a word ends
    there, bits 10-30 are the offset, times 256 when bit 9 is set.

    >>> common_prefixes(build([b"a", b"ab", b"b"], [5, 6, 7]).tolist(), b"abc")
    [(1, 5), (2, 6)]
    """
    found, place = [], 0
    for length, byte in enumerate(text, start=1):
        unit = units[place]
        place ^= (unit >> 10) << (8 if unit & FAR else 0) ^ byte
        if place >= len(units) or units[place] & LABEL != byte:
            break
        unit = units[place]
        if unit & ENDS:
            found.append((length, units[place ^ (unit >> 10) << (8 if unit & FAR else 0)] & VALUE))
    return found


@inner
def _labels(text, starts, first, last, depth, labels):
    """Write the distinct bytes at `depth` of the sorted words first to last (0 where a word ends); how many."""
    count = np.int64(0)
    for word in range(first, last):
        place = starts[word] + depth
        label = np.int64(text[place]) if place < starts[word + 1] else np.int64(0)
        if count == 0 or labels[count - 1] != label:
            labels[count] = label
            count += 1
    return count


@inner
def _open(block, after, before):
    """Put the units of a new block at the end of the ring of free units, whose first is after[0]."""
    for free in range(max(1, block * 256), block * 256 + 256):  # unit 0 is the root, and the ring's own mark
        after[before[0]], before[free] = free, before[0]
        after[free], before[0] = 0, free


@inner
def _close(place, after, before):
    """Take a unit out of the ring of free units; its `after` is -1 from then on."""
    after[before[place]], before[after[place]] = after[place], before[place]
    after[place] = -1


@inner
def _target(labels, count, place, after, used):
    """A target, used by no other unit, from which every label leads to a free unit; -1 when there is none."""
    free = after[0]
    while free != 0:
        target = free ^ labels[0]
        offset = target ^ place
        fits = not used[target] and (offset < 1 << 21 or offset & 0xFF == 0)  # the unit has bits for no other
        k = 1
        while fits and k < count:
            fits = after[target ^ labels[k]] >= 0 and target ^ labels[k] != 0
            k += 1
        if fits:
            return target
        free = after[free]
    return _NONE


@inner
def _new_target(labels, count, place, blocks, after, before, used):
    """The same, with a new block where none is; old blocks are left as full as they are. The number of blocks."""
    target = _target(labels, count, place, after, used)
    while target < 0 and (blocks + 1) * 256 <= len(after):
        for free in range(max(0, blocks - _OPEN_BLOCKS) * 256, max(0, blocks - _OPEN_BLOCKS + 1) * 256):
            if after[free] >= 0 and free != 0:
                _close(free, after, before)
        _open(blocks, after, before)
        blocks += 1
        target = _target(labels, count, place, after, used)
    return target, blocks


@loop
def _fill(text, starts, values, queue, labels, after, before, used, units):
    """Enter the sorted words, each node of the trie in its turn; the number of units, -1 when they are too few.

    queue: rows (first word, last word + 1, depth, place) of the nodes whose children have no place yet.
    """
    queue[0, 0], queue[0, 1], queue[0, 2], queue[0, 3] = 0, len(values), 0, 0
    blocks, done, waiting = np.int64(1), np.int64(0), np.int64(1)
    _open(np.int64(0), after, before)
    while done < waiting:
        first, last, depth, place = queue[done, 0], queue[done, 1], queue[done, 2], queue[done, 3]
        done += 1
        count = _labels(text, starts, first, last, depth, labels)
        target, blocks = _new_target(labels, count, place, blocks, after, before, used)
        if target < 0:
            return _NONE
        used[target] = True
        offset = target ^ place
        units[place] |= offset << 10 if offset < 1 << 21 else offset << 2 | FAR
        for k in range(count):
            child, label = target ^ labels[k], labels[k]
            _close(child, after, before)
            if label == 0:
                units[place] |= ENDS
                units[child] = values[first] | 1 << 31
                first += 1
                continue
            units[child], beyond = label, first
            while beyond < last and text[starts[beyond] + depth] == label:
                beyond += 1
            queue[waiting, 0], queue[waiting, 1], queue[waiting, 2], queue[waiting, 3] = first, beyond, depth + 1, child
            waiting += 1
            first = beyond
    return blocks * 256


def build(words: list[bytes], values: list[int]) -> np.ndarray:
    """The trie of some words, each with a value under 2^31: uint32 units.

    The words are distinct, hold no NUL byte, and none is empty.
    """
    wrong = next((word for word in words if not word or 0 in word), None)
    if wrong is not None or len(set(words)) < len(words):
        raise InputError(f"a trie cannot hold {wrong!r}" if wrong is not None else "a trie holds a word only once")
    if not words:
        return np.zeros(256, np.uint32)
    order = sorted(range(len(words)), key=words.__getitem__)
    text = np.frombuffer(b"".join(words[i] for i in order), np.uint8)
    starts = np.cumsum([0, *(len(words[i]) for i in order)], dtype=np.int64)
    in_order = np.array([values[i] for i in order], np.int64)
    queue, labels = np.empty((len(text) + 1, 4), np.int64), np.empty(256, np.int64)
    room = 256 * (16 + (len(text) + len(words)) // 128)
    while True:
        units = np.zeros(room, np.int64)
        after, before, used = np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(room, np.bool_)
        size = _fill(text, starts, in_order, queue, labels, after, before, used, units)
        if size >= 0:
            return units[:size].astype(np.uint32)
        room *= 2
