"""What BERT's normaliser does to each character: which it removes, sets apart, takes apart and writes small.

Devlin et al. 2018. Ids depend on these sets to the last code point, and they are those of no one Unicode version: Hugging
Face `tokenizers` 0.23, whose ids the world uses, takes categories from an old table (its punctuation knows nothing of
Unicode 9 and later), small letters from a new one, and two of its ranges of ideographs stop short. So the sets are
fixed here; `benchmarks/text/tokenizers/bert_characters.py` derives, compares and prints them. Written as in
`unicode_classes`; only what NFD makes of a character is asked of Python, since it never changes once it is given.

`character_table` puts all steps together: one number a character, for the loop in `wordpiece_encoding`.
"""

import functools
import unicodedata
from collections import namedtuple
from collections.abc import Mapping

import numpy as np

from groundup.text.tokenizers import unicode_classes
from groundup.text.tokenizers.unicode_classes import unpack

CODE_POINTS = 0x110000
CAPITAL_I_WITH_DOT = 0x130  # the one character whose small form is two: i and a dot above

# What an entry of the table says of its character, in its lowest bits; what the rest holds depends on it:
KEPT, REPLACED, SPREAD, REMOVED, ORDERED, SPACE, ALONE = map(np.uint32, range(7))
# KEPT      nothing
# REPLACED  the code point that comes in its place
# SPREAD    where in `sequences` the number of its parts and the parts stand
# REMOVED   1: marks before it and marks behind it are not sorted together
# ORDERED   its combining class: it is kept, and sorted among the marks before it
# SPACE     nothing: it ends a word
# ALONE     the id of the word that it is
KIND, SHIFT = np.uint32(7), np.uint32(3)

Table = namedtuple("Table", "pages entries sequences")  # of code point c: entries[pages[c >> 8], c & 255]


def pack_runs(runs: list[tuple[int, int, int, int]]) -> str:
    """Write runs (first, length, step, distance) of capitals and the distance to their small letters, in base 36.

    >>> pack_runs([(65, 26, 1, 32), (256, 24, 2, 1)])
    '1t,q,1,w 5b,o,2,1'
    """
    words, last = [], 0
    for first, length, step, distance in runs:
        words.append(",".join(np.base_repr(number, 36).lower() for number in (first - last, length, step, distance)))
        last = first
    return " ".join(words)


def unpack_runs(text: str) -> list[tuple[int, int, int, int]]:
    """Read what `pack_runs` wrote.

    >>> unpack_runs("1t,q,1,w 5b,o,2,1")
    [(65, 26, 1, 32), (256, 24, 2, 1)]
    """
    runs, last = [], 0
    for word in text.split():
        gap, length, step, distance = (int(number, 36) for number in word.split(","))
        last += gap
        runs.append((last, length, step, distance))
    return runs


@functools.cache
def members(packed: str) -> np.ndarray:
    """The code points of packed ranges, in order."""
    found = np.concatenate([np.arange(first, last + 1) for first, last in unpack(packed)])
    found.setflags(write=False)
    return found


@functools.cache
def small_letters() -> np.ndarray:
    """The small letter of every code point, int32; itself where it has none (or two: CAPITAL_I_WITH_DOT)."""
    table = np.arange(CODE_POINTS, dtype=np.int32)
    for first, length, step, distance in unpack_runs(LOWERED):
        table[first : first + step * length : step] += distance
    table.setflags(write=False)
    return table


@functools.cache
def decompositions() -> dict[int, tuple[int, ...]]:
    """The code points that each character comes apart into (NFD), where it does."""
    return {code: tuple(map(ord, unicodedata.normalize("NFD", chr(code)))) for code in members(DECOMPOSED).tolist()}


@functools.cache
def combining_classes() -> dict[int, int]:
    """Combining class of the marks that are no accents but that NFD puts in order: they stay, sorted."""
    classes = {}
    for word in SORTED_MARKS.split():
        own, _, packed = word.partition(":")
        classes.update(dict.fromkeys(members(packed.replace(",", " ")).tolist(), int(own)))
    return classes


def white_space() -> np.ndarray:
    """The code points that are white space."""
    return members(unicode_classes.SPACES)


def _parts(strip: bool, lowercase: bool) -> dict[int, list[int]]:
    """The code points that stripping and small letters make of a character, where they make none or several."""
    if not strip:
        return {CAPITAL_I_WITH_DOT: [ord("i"), 0x307]} if lowercase else {}
    marks = set(members(MARKS).tolist())
    return {code: [part for part in parts if part not in marks] for code, parts in decompositions().items()}


def _spell(strip: bool, lowercase: bool) -> tuple[np.ndarray, dict[int, list[int]]]:
    """What each code point becomes, and apart from that what becomes none or several."""
    small = small_letters() if lowercase else np.arange(CODE_POINTS, dtype=np.int32)
    becomes, apart = np.arange(CODE_POINTS, dtype=np.int32), {}
    for code, parts in _parts(strip, lowercase).items():
        if len(parts) == 1:
            becomes[code] = parts[0]
        else:
            apart[code] = small[parts].tolist()
    return small[becomes], apart


def _spread(entries: np.ndarray, apart: dict[int, list[int]]) -> np.ndarray:
    """Enter the characters that become none or several; the sequences of the latter."""
    sequences, starters = [0], set(members(STARTERS).tolist())
    for code, parts in apart.items():
        if parts:
            # a text of n bytes has n ids at most, for which there is room
            assert len(parts) <= len(chr(code).encode()), (hex(code), parts)
            entries[code] = SPREAD | np.uint32(len(sequences)) << SHIFT
            sequences += [len(parts), *parts]
        else:
            entries[code] = REMOVED | np.uint32(not starters.isdisjoint(decompositions()[code])) << SHIFT
    return np.array(sequences, np.int32)


def _in_pages(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pages of 256 entries, equal ones once: most of Unicode is a few pages, so what is used stays near."""
    numbers: dict[bytes, int] = {}
    pages = [numbers.setdefault(page.tobytes(), len(numbers)) for page in entries.reshape(-1, 256)]
    return np.array(pages, np.int32), np.frombuffer(b"".join(numbers), np.uint32).reshape(-1, 256).copy()


def character_table(
    clean_text: bool = True,
    handle_chinese_chars: bool = True,
    strip_accents: bool | None = None,
    lowercase: bool = True,
    ids: Mapping[str, int] | None = None,
    unknown: int = 0,
) -> Table:
    """BERT's normaliser (its four options) and splitter as one entry a character.

    ids: the id of a character that stands alone, `unknown` for any other; None puts its code point there.
    """
    strip = lowercase if strip_accents is None else strip_accents
    becomes, apart = _spell(strip, lowercase)
    codes, number = np.arange(CODE_POINTS), np.arange(CODE_POINTS, dtype=np.uint32)
    if ids is not None:
        number = np.full(CODE_POINTS, unknown, np.uint32)
        for token, id in ids.items():
            if len(token) == 1:
                number[ord(token)] = id
    alone = ALONE | number[becomes] << SHIFT
    entries = np.where(becomes == codes, KEPT, REPLACED | becomes.astype(np.uint32) << SHIFT)
    for names, entry in ((members(PUNCTUATION), alone), (white_space(), np.broadcast_to(SPACE, CODE_POINTS))):
        which = np.isin(becomes, names)
        entries[which] = entry[which]
    sequences = _spread(entries, apart)
    if strip:
        entries[members(MARKS)] = REMOVED
        entries[members(STARTERS)] = REMOVED | np.uint32(1) << SHIFT
        for code, own in combining_classes().items():
            entries[code] = ORDERED | np.uint32(own) << SHIFT
    if clean_text:
        entries[members(CONTROLS)] = REMOVED
    if handle_chinese_chars:
        entries[members(IDEOGRAPHS)] = alone[members(IDEOGRAPHS)]
    return Table(*_in_pages(entries), sequences)


CONTROLS = (
    "0 9 2 2 1 i 2n x d 1 11u 6 m 1 5c 1 1d 1 3cu 1 1ks 5 q 5 1d 5 1 a 11u8 4xs 16n 1 6x 3 1 1 3b3 1 xya 4 43z 8 h406 "
    "1 u 2o 1egw 1eke 2 1eke "
)
PUNCTUATION = (
    "x f a 7 q 6 q 4 y 1 5 1 3 1 a 2 3 1 3 1 ji 1 8 1 cy 6 15 2 1f 1 1 1 2 1 2 1 18 2 k 2 1 2 d 1 2 2 22 4 2u 1 17 e "
    "6h 3 1i f v 1 79 2 a 1 an 1 lf 1 2i 1 a 2 4o f 1 1 11 4 1z 1 22 5 4 2 33 6 4r 1 h0 9 47 1 h8 2 18 2 26 3 1z 2 4d "
    "3 1 3 11 b 8p 2 60 2 3k 7 1 6 4s 7 4b 4 1n 5 1q 2 1s 8 b 1 n0 o 8 k 1 d 1 c u 2 e 2 hl 4 t 2 u5 e 27 2 v a b7 m "
    "1r 4 w 2 l7 4 1 2 34 1 3z 1b 1 j ce 3 4 a 2 c g 1 c 1 2q 1 2i 1 mwy 2 7h 3 2r 1 a 1 37 6 ak 4 2e 2 14 3 1 1 1d 2 "
    "1b 1 2p d g 2 3g 4 3i 2 g 2 6x 1 g2a 2 5s a m z 1 e 1 1 4 1 1 2 45 3 1 6 1 4 a 2 3 2 q 3 1 1 r 1 1 1 1 7 be 3 ik "
    "1 1c 1 bi 1 kn 1 5j 1 v 1 7k 9 12 1 34 7 1u 7 2h 4 x6 7 31 2 1 4 3i 4 1c 2 27 5 3 1 d 1 1 3 2g 6 2z 1 f0 1 6y n "
    "2x 3 6w 3 2lt 5 dtl 2 3p 1 1t 5 8 1 g2i 1 5wn 5 "
)
IDEOGRAPHS = "a9s 534 1s g74 hkw e8 1fk0 wyo w 3ds 74 49c 85s f4"
MARKS = (
    "lc 1s 2 1 2 17 7n 5 7d 19 1 1 1 2 1 2 1 1 20 b 1c l g 1 2t 7 2 6 2 2 1 4 z 1 u r 2j b 1m 9 y 4 1 9 1 3 1 5 17 3 "
    "3r w 1j 1 1 1 4 8 4 1 3 7 a 2 t 1 1m 1 4 4 8 1 k 2 t 2 1l 1 4 2 4 2 2 3 3 1 u 2 3 1 b 2 1l 1 4 5 1 2 4 1 k 2 t 1 "
    "1m 1 2 1 1 4 8 1 8 1 b 2 u 1 1p 1 c 1 1e 1 1p 3 5 2 2 4 7 2 b 2 t 1 1m 1 2 1 6 1 5 2 k 2 t 1 1r 4 8 1 k 2 2u 1 7 "
    "3 1 1 2i 1 2 7 c 8 2q 1 2 6 1 2 b 6 22 2 r 1 1 1 1 1 1j 2 1 1 2 1 1 6 1 1 1 3 1 2 5 6 1 4 1 4 1 4 1 4 1 4 1 c 1 "
    "3 9 1 2u 4 1 6 1 2 2 2 p 2 4 3 g 4 d 1 2 2 6 1 f 1 jj 3 qa 3 t 3 t 2 u 2 1s 2 1 7 8 1 2 b 9 1 19 3 4b 1 3a 3 4 2 "
    "9 1 6 3 63 2 2 1 1m 1 1 7 1 1 1 1 2 8 6 a 2 1 1c e 1u 4 1c 1 1 5 1 1 5 1 14 9 c 2 w 4 2 2 1 3 1k 1 1 2 3 1 1 3 "
    "1m 8 2 2 48 3 1 d 1 7 4 1 6 1 3 2 5i 1i 6 4 k0 d 4 1 3 c 2da 3 3x 1 2o w fe 4 2z 2 n9w 1 4 a w 2 28 2 7k 1 3 1 4 "
    "1 p 2 4d 1 r i 1g 8 p b 1a 3 1c 1 2 4 2 1 14 1 1v 6 2 2 2 2 c 1 8 1 1b 1 1f 1 1 3 2 2 5 2 1 1 16 2 8 1 6m 1 2 1 "
    "4 1 fn4 1 kh g g g r1 1 6a 1 45 5 1ae 3 1 2 5 4 14 3 4 1 4l 2 10a 1 1i f 1k 3 1d 4 2 2 1x 3 10 5 1 1 2 5 1q 1 c "
    "2 1g 9 b 3 2q 3 2 1 1 2 4n 1 3 8 l 2 1m 1 3 1 11 7 3 5 8u 6 1 1 4 2 1 2 6m 4 6 2 1 2 r 2 2d 8 2 1 1 2 2y 1 1 1 2 "
    "6 1 1 2t 3 2 4 1 5 gjo 5 1n 7 uw 4 f7u 2 43s 3 h 8 2 7 u 4 44 3 1iz 1j 4 1e 8 1 e 1 m 5 1 f 2sg 7 gzl5 6o "
)
STARTERS = (
    "nj 1 uu b 9b 3 1j 1 6 8 c 3 a 2 t 1 1r 4 t 2 t 2 1q 2 4 2 2 2 4 1 u 2 3 1 b 2 1q 5 1 2 p 2 t 1 1p 1 1 4 h 1 b 2 "
    "u 1 1p 1 1r 1 1p 3 5 2 2 3 l 2 t 1 1p 1 6 1 5 1 l 2 t 1 1r 4 t 2 32 3 1 1 2i 1 2 4 f 1 4 3 2q 1 2 4 3 2 f 2 4p 1 "
    "1 1 4 1 e 6 1 4 1 4 1 4 1 4 1 4 1 c 1 3 34 4 1 5 6 2 p 2 4 3 g 4 d 1 2 2 m 1 19w 2 u 2 u 2 u 2 1s 2 1 7 8 1 2 9 "
    "1 1 1j 3 7m 3 4 2 9 1 6g 1 1m 1 1 7 3 1 2 8 6 2 3v 4 1e 5 1 1 5 1 1p 2 w 4 2 2 2 2 1m 2 3 1 1 3 1m 8 2 1 rm3 1 8 "
    "1 p 2 73 5 s b 1a 3 1f 4 2 1 14 1 1v 6 2 2 2 2 c 1 8 1 1b 1 33 2 6v 1 2 1 g7r g 2cx 3 1 2 5 1 1 1 16a 1 1i e 1m "
    "2 1d 4 34 5 1 1 2 3 25 2 1g 9 c 2 2q 3 2 1 2 1 4n 1 3 6 n 2 1q 1 aa 6 1 1 4 2 6p 4 6 2 u 2 2d 8 2 1 2 1 2y 1 1 1 "
    "2 6 2v 3 2 4 1 4 hgk 4 f7u 1 5sy 1j 4 1e 8 1 e 1 m 5 1 f h2ds 6o "
)
SORTED_MARKS = (
    "7:1ikm,1,162r,1 9:5dw,1,2t,1,1z,2,rxb,1,30,1,kjj,1,38,1,7r,1,6s,1,hf,1,13c,1 216:2jxh,2,7,5 224:9im,2 226:2jxp,1 "
    "230:1qs,e,461,1,2gw4,7,1,h,2,7,1,2,1,5,1sp,6 "
)
DECOMPOSED = (
    "5c 6 1 9 1 6 2 5 2 6 1 9 1 6 2 5 1 h 2 k 2 9 3 4 1 6 4 6 3 6 2 i 2 n x 2 d 2 s g 1 6 2 b 3 2 2 10 2 2 6 e 7g 2 1 "
    "2 1b 1 9 1 6 6 1 1 1 3 p 7 p 5 4 2 17 2 1 1 3 1 4 3 a 1 v 1 m 2 1 1 3 1 4 3 n 2 21 2 d 4 2 2 2 6 2 6 2 c 2 2 88 "
    "5 49 1 1 1 g 1 gl 1 7 1 2 1 z 8 2z 2 f 2 1 1 2b 1 2 1 y 3 2 1 6h 1 2 2 f 2 1i 1 1h 3 3f 1 3b 1 6 2 1 2 3i 3 3x 1 "
    "1 3 9w 1 9 1 4 1 4 1 4 1 c 1 9 1 1 2 1 1 8 1 h 1 9 1 4 1 4 1 4 1 c 1 30 1 25b 1 1 1 1 1 1 1 1 1 3 1 14 1 1 1 2 2 "
    "1 1 jg 4a 1 1 4 2i 6 m 2 6 2 12 2 6 2 8 1 1 1 1 1 1 1 v 2 1h 1 7 1 1 2 4 1 e 2 6 1 j 2 3 1 8 2 2 84 1 3 2 32 2 i "
    "1 u 3 1g 1 4 1 2 1 n 1 1 1 q 1 2 1 2 1 1 1 m 1 1 1 a 5 2 2 2 2 6 2 2 2 2 2 y 4 1c 4 6 4 1n 2 1ip 1 12n 1 1 1 1 1 "
    "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2 1 1 1 1 1 6 2 1 2 1 2 1 2 1 2 m 1 9 1 d 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 "
    "1 1 1 1 1 1 2 1 1 1 1 1 6 2 1 2 1 2 1 2 1 2 m 1 2 4 3 1 oap 8mc 6l8 7i 2 1 1 1 2 a 1 1 1 1 2 2 3 1w 2 2y 1v 1 1 "
    "1 a d 1 5 1 1 1 2 1 2 1 9 47f 1 1 1 e 1 3m 2 ez 2 a6 2 1 1 6z 2 112a 7 2e 6 1m4f f2 "
)
LOWERED = (
    "1t,q,1,w 3j,n,1,w o,7,1,w 14,o,2,1 1e,3,2,1 7,8,2,1 h,n,2,1 1a,1,1,-3d 1,3,2,1 8,1,1,5u 1,2,2,1 4,1,1,5q 1,1,1,1 "
    "2,2,1,5p 2,1,1,1 3,1,1,27 1,1,1,5m 1,1,1,5n 1,1,1,1 2,1,1,5p 1,1,1,5r 2,1,1,5v 1,1,1,5t 1,1,1,1 4,1,1,5v "
    "1,1,1,5x 2,1,1,5y 1,3,2,1 6,1,1,62 1,1,1,1 2,1,1,62 3,1,1,1 2,1,1,62 1,1,1,1 2,2,1,61 2,2,2,1 4,1,1,63 1,1,1,1 "
    "4,1,1,1 8,1,1,2 1,1,1,1 2,1,1,2 1,1,1,1 2,1,1,2 1,9,2,1 j,9,2,1 j,1,1,2 1,2,2,1 4,1,1,-2p 1,1,1,-1k 1,k,2,1 "
    "14,1,1,-3m 2,9,2,1 o,1,1,8bv 1,1,1,1 2,1,1,-4j 1,1,1,8bs 3,1,1,1 2,1,1,-5f 1,1,1,1x 1,1,1,1z 1,5,2,1 8a,2,2,1 "
    "6,1,1,1 9,1,1,38 7,1,1,12 2,3,1,11 4,1,1,1s 2,2,1,1r 3,h,1,w i,9,1,w 18,1,1,8 9,c,2,1 s,1,1,-1o 3,1,1,1 2,1,1,-7 "
    "1,1,1,1 3,3,1,-3m 3,g,1,28 g,w,1,w 28,h,2,1 16,r,2,1 1i,1,1,f 1,7,2,1 f,1c,2,1 2p,12,1,1c 29b,12,1,5ls "
    "13,1,1,5ls 6,1,1,5ls k3,28,1,tzk 28,6,1,8 1p5,1,1,1 7,17,1,-2bk 19,3,1,-2bk 8z,23,2,1 4e,1,1,-5vj 2,1c,2,1 "
    "2w,8,1,-8 g,6,1,-8 g,8,1,-8 g,8,1,-8 g,6,1,-8 h,4,2,-8 f,8,1,-8 w,8,1,-8 g,8,1,-8 g,8,1,-8 g,2,1,-8 2,2,1,-22 "
    "2,1,1,-9 c,4,1,-2e 4,1,1,-9 c,2,1,-8 2,2,1,-2s e,2,1,-8 2,2,1,-34 2,1,1,-7 c,2,1,-3k 2,2,1,-3i 2,1,1,-9 "
    "8a,1,1,-5st 4,1,1,-6gv 1,1,1,-6di 7,1,1,s 1a,g,1,g z,1,1,1 mr,q,1,q 1fu,1c,1,1c 2o,1,1,1 2,1,1,-8af 1,1,1,-2xy "
    "1,1,1,-89z 3,3,2,1 6,1,1,-8bg 1,1,1,-8al 1,1,1,-8bj 1,1,1,-8bi 2,1,1,1 3,1,1,1 9,2,1,-8cf 2,1e,2,1 2z,2,2,1 "
    "7,1,1,1 nym,n,2,1 1s,e,2,1 4i,7,2,1 g,v,2,1 1z,2,2,1 4,1,1,-r9g 1,5,2,1 d,1,1,1 2,1,1,-wmg 3,2,2,1 6,a,2,1 "
    "k,1,1,-wn8 1,1,1,-wnj 1,1,1,-wnf 1,1,1,-wn5 1,1,1,-wn8 2,1,1,-wlu 1,1,1,-wmi 1,1,1,-wlx 1,1,1,ps 1,8,2,1 "
    "g,1,1,-1c 1,1,1,-wn7 1,1,1,-raw 1,2,2,1 4,1,1,-wo7 1,8,2,1 g,1,1,-wu9 p,1,1,1 h7w,q,1,w yn,14,1,14 4w,10,1,14 "
    "5c,j,2,13 1,5,2,13 c,7,2,13 g,3,2,13 8,1,1,13 1d7,1f,1,1s 5s,m,1,w 28g,w,1,w gww,w,1,w 2o,p,1,r o68,y,1,y "
)
