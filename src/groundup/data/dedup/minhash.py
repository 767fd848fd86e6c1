r"""Near duplicates: texts that share most of their word sequences, found without comparing every pair.

A text is the set of its shingles, runs of n words (or characters), and the likeness of two texts is the Jaccard index of
their sets, s = |A and B| / |A or B|. Under a random order of all shingles, both sets begin with the same one with
probability s; a signature holds the first shingle of each under k orders, so the part of equal places estimates s
(Broder 1997). Locality-sensitive hashing cuts the signature into b bands of r places and calls two texts candidates if a
whole band agrees, which happens with probability

    P(s) = 1 - (1 - s^r)^b                (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4)

a step near s = (1/b)^(1/r). An order is x -> a x + b mod 2^32 with odd a, over shingles that were hashed to 32 bits.
A text shorter than n words is one shingle, so that "cat" and "dog" differ; a text of white space has none, and is like
no other.

Leaves out: weights (a shingle counts once however often it comes), and signatures by one permutation, which are faster for
long texts and biased for short ones. What is done with signatures, `neighbours.py`.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.errors import ConfigError
from groundup.slots import filled, slot
from groundup.text.compiled import inner, kernel

WORD = re.compile(rb"[0-9a-z_\x80-\xff]+")
MASK = (1 << 64) - 1
PRIME = 0xFF51AFD7ED558CCD  # odd, its bits spread
STEP = 0x9E3779B97F4A7C15  # joins the words of a shingle: 2^64 / the golden ratio
LOWER = np.array(
    [ord(bytes([byte]).lower()) if WORD.match(bytes([byte]).lower()) else 0 for byte in range(256)], np.uint8
)
EMPTY = (1 << 32) - 1  # the place of a signature of no shingle
GROUP_BYTES = 1 << 24  # text hashed in one call


@dataclass(frozen=True, kw_only=True, slots=True)
class MinHashConfig:
    """What counts as a near duplicate. bands x rows places a signature; 0: the best for the threshold."""

    threshold: float = 0.8
    ngram: int = 5
    unit: str = "word"
    """word or character"""
    permutations: int = 128
    bands: int = 0
    rows: int = 0
    verify: bool = False
    """whether a candidate must also reach the threshold by its whole signature"""
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be, and choose bands and rows."""
        if not 0 < self.threshold < 1:
            raise ConfigError(f"threshold={self.threshold} is no likeness; use a number between 0 and 1, such as 0.8")
        if self.unit not in ("word", "character"):
            raise ConfigError(f"unit={self.unit!r} cannot be compared; use word or character")
        if min(self.ngram, self.permutations) < 1 or self.permutations % 2:
            raise ConfigError(
                f"ngram={self.ngram} and permutations={self.permutations} must be 1 or more, the second even; try 5 and 128"
            )
        if (self.bands > 0) != (self.rows > 0) or self.bands * self.rows > self.permutations:
            raise ConfigError(
                f"bands={self.bands} x rows={self.rows} do not fit into {self.permutations} permutations; "
                "set both, with a product of at most that, or neither"
            )
        if not self.bands:
            bands, rows = choose_bands(self.threshold, self.permutations)
            object.__setattr__(self, "bands", bands)
            object.__setattr__(self, "rows", rows)


def candidate_probability(similarity: Any, bands: int, rows: int) -> Any:
    """How probably two texts of a likeness become candidates.

    >>> round(candidate_probability(0.8, 16, 8), 3)
    0.947
    """
    return 1 - (1 - similarity**rows) ** bands


@functools.cache
def choose_bands(threshold: float, permutations: int) -> tuple[int, int]:
    """The bands and rows whose step errs least: area over it below the threshold plus area missing above it.

    >>> choose_bands(0.8, 128)
    (9, 13)
    """
    grid = (np.arange(512) + 0.5) / 512
    above = grid >= threshold
    best = (np.inf, 1, 1)
    for rows in range(1, permutations + 1):
        for bands in range(1, permutations // rows + 1):
            chance = candidate_probability(grid, bands, rows)
            best = min(best, (float(np.where(above, 1 - chance, chance).sum()), bands, rows))
    return best[1], best[2]


# ───────── shingles ─────────


def _mix(value: int) -> int:
    """Spread a number's bits over 64 (splitmix64's last steps)."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def _word_hash(word: bytes) -> int:
    """A word's bytes, eight at a time."""
    value = 0
    for at in range(0, len(word), 8):
        value = ((value ^ int.from_bytes(word[at : at + 8], "big")) * PRIME) & MASK
    return _mix(value)


def shingles_reference(text: str, ngram: int = 5, unit: str = "word") -> set[int]:
    """The shingles of a text as 32-bit hashes. Words are letters, digits and all that is not ASCII, in lower case.

    >>> len(shingles_reference("the cat sat on the mat", 2)), len(shingles_reference("cat", 2)), len(shingles_reference(" "))
    (5, 1, 0)
    """
    data = text.encode(errors="surrogatepass").lower()
    if unit == "word":
        units = [_word_hash(word) for word in WORD.findall(data)] or [_word_hash(data.strip())] * bool(data.strip())
    else:
        units = [_mix(ord(character)) for character in " ".join(text.lower().split())]
    width = min(ngram, len(units))
    runs = [units[at : at + width] for at in range(len(units) - width + 1)] if units else []
    return {_mix(functools.reduce(lambda value, unit: (value * STEP + unit) & MASK, run, 0)) >> 32 for run in runs}


def jaccard(one: str, other: str, config: MinHashConfig | None = None) -> float:
    """The true likeness of two texts: shared shingles by all shingles; 0 where one has none.

    >>> jaccard("a b c d", "a b c e", MinHashConfig(ngram=2))
    0.5
    """
    config = config or MinHashConfig()
    first, second = (set(hashes([text], config)[0].tolist()) for text in (one, other))
    return len(first & second) / max(1, len(first | second))


@inner
def _mixed(value):
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@inner
def _hash_words(data, begin, end, lower, units):
    """Write the hash of every word of data[begin:end] into `units`; how many. lower: a byte's lower case, 0 outside of words."""
    count, at = 0, begin
    while at < end:
        while at < end and lower[data[at]] == 0:
            at += 1
        if at == end:
            break
        first, value, eight = at, np.uint64(0), np.uint64(0)
        while at < end and lower[data[at]]:
            eight = (eight << np.uint64(8)) | np.uint64(lower[data[at]])
            at += 1
            if (at - first) & 7 == 0:
                value, eight = (value ^ eight) * np.uint64(PRIME), np.uint64(0)
        if (at - first) & 7:
            value = (value ^ eight) * np.uint64(PRIME)
        units[count] = _mixed(value)
        count += 1
    return count


@inner
def _hash_all(data, begin, end, units):
    """The same for a text without a word: its bytes, white space around them apart, are one unit; none if nothing is left."""
    while begin < end and (data[begin] == 32 or 9 <= data[begin] <= 13):
        begin += 1
    while begin < end and (data[end - 1] == 32 or 9 <= data[end - 1] <= 13):
        end -= 1
    if begin == end:
        return 0
    value = np.uint64(0)
    for start in range(begin, end, 8):
        eight = np.uint64(0)
        for at in range(start, min(start + 8, end)):
            eight = (eight << np.uint64(8)) | np.uint64(data[at])
        value = (value ^ eight) * np.uint64(PRIME)
    units[0] = _mixed(value)
    return 1


@inner
def _shingle(units, count, ngram, out, at):
    """Join every `ngram` neighbours of `units`; where the next shingle goes."""
    width = min(ngram, count)
    for begin in range(count - width + 1 if count else 0):
        value = np.uint64(0)
        for unit in range(begin, begin + width):
            value = value * np.uint64(STEP) + units[unit]
        out[at] = np.uint32(_mixed(value) >> np.uint64(32))
        at += 1
    return at


@kernel
def _word_shingles(data, offsets, ngram, lower):
    out = np.empty(len(data) // 2 + 2 * len(offsets), np.uint32)
    bounds = np.zeros(len(offsets), np.int64)
    units = np.empty(len(data) // 2 + 2, np.uint64)
    for text in range(len(offsets) - 1):
        count = _hash_words(data, offsets[text], offsets[text + 1], lower, units)
        if count == 0:
            count = _hash_all(data, offsets[text], offsets[text + 1], units)
        bounds[text + 1] = _shingle(units, count, ngram, out, bounds[text])
    return out[: bounds[-1]], bounds


@kernel
def _character_shingles(characters, offsets, ngram):
    out = np.empty(len(characters), np.uint32)
    bounds = np.zeros(len(offsets), np.int64)
    units = np.empty(len(characters), np.uint64)
    for text in range(len(offsets) - 1):
        begin, count = offsets[text], offsets[text + 1] - offsets[text]
        for at in range(count):
            units[at] = _mixed(np.uint64(characters[begin + at]))
        bounds[text + 1] = _shingle(units, count, ngram, out, bounds[text])
    return out[: bounds[-1]], bounds


def _shingled(texts: Sequence[str], config: MinHashConfig) -> tuple[np.ndarray, np.ndarray]:
    """The hashed shingles of all texts in one array, and where each text's begin."""
    if config.unit == "word":
        parts = [text.encode(errors="surrogatepass") for text in texts]
        offsets = np.cumsum([0, *map(len, parts)])
        return _word_shingles(np.frombuffer(b"".join(parts), np.uint8), offsets, config.ngram, LOWER)
    parts = [" ".join(text.lower().split()).encode("utf-32-le", "surrogatepass") for text in texts]
    offsets = np.cumsum([0, *map(len, parts)]) // 4
    return _character_shingles(np.frombuffer(b"".join(parts), np.uint32), offsets, config.ngram)


def hashes(texts: Sequence[str], config: MinHashConfig) -> list[np.ndarray]:
    """The hashed shingles of each text, in order and with their repetitions. Meaning: `shingles_reference`."""
    values, bounds = _shingled(texts, config)
    return [values[begin:end] for begin, end in zip(bounds[:-1], bounds[1:], strict=True)]


# ───────── signatures ─────────


@functools.cache
def permutations(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Factors (odd) and summands of the random orders."""
    draw = np.random.default_rng(seed)
    factors, summands = draw.integers(0, 1 << 32, (2, count), dtype=np.uint32)
    return factors | np.uint32(1), summands


@slot
def signature_reference(shingles: np.ndarray, factors: np.ndarray, summands: np.ndarray) -> np.ndarray:
    """For each order x -> factor x + summand mod 2^32 the smallest value over all shingles; 2^32 - 1 where there is none.

    All arrays are uint32.

    >>> signature_reference(np.array([5, 7], np.uint32), np.array([1, 3], np.uint32), np.array([0, 1], np.uint32))
    array([ 5, 16], dtype=uint32)
    """
    if len(shingles) == 0:
        return np.full(len(factors), EMPTY, dtype=np.uint32)
    return (factors[:, None] * shingles[None, :] + summands[:, None]).min(axis=1)


@kernel
def _sign(shingles, bounds, factors, summands, out):
    for text in range(len(bounds) - 1):
        mine = shingles[bounds[text] : bounds[text + 1]]
        for place in range(len(factors)):
            factor, summand, least = factors[place], summands[place], np.uint32(EMPTY)
            for at in range(len(mine)):
                value = np.uint32(mine[at] * factor + summand)
                least = min(value, least)
            out[text, place] = least


def signatures(texts: Iterable[str], config: MinHashConfig) -> np.ndarray:
    """The signatures of texts, one a row of uint32. Meaning: `signature_reference` of each text's shingles.

    >>> config = MinHashConfig(ngram=1)
    >>> one, other = signatures(["the same words", "Words, the same"], config)
    >>> bool((one == other).all())
    True
    """
    factors, summands = permutations(config.permutations, config.seed)
    parts = []
    for group in _groups(texts):
        values, bounds = _shingled(group, config)
        if filled("data.dedup.signature_reference"):
            of = [values[begin:end] for begin, end in zip(bounds[:-1], bounds[1:], strict=True)]
            rows = np.stack([signature_reference(shingles, factors, summands) for shingles in of])
        else:
            rows = np.empty((len(group), config.permutations), np.uint32)
            _sign(values, bounds, factors, summands, rows)
        parts.append(rows)
    return np.concatenate(parts) if parts else np.zeros((0, config.permutations), np.uint32)


def _groups(texts: Iterable[str]) -> Iterable[list[str]]:
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size > GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
