"""Signatures that share a band, joined into clusters; and an index of earlier data that new texts are looked up in.

Candidates are found band by band: the rows of a band become one number, equal numbers are neighbours after sorting. Two
texts of which each is like a third belong to one cluster (union-find), whose earliest text stands for it. So the result
depends neither on the order of bands nor on how many of their keys are in memory at a time.

An index is a folder: the signatures and, for each band, its keys sorted, with the texts they belong to. A look-up reads
the pages that a binary search touches, so the index may be larger than memory.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup import files
from groundup.data.dedup.minhash import EMPTY, GROUP_BYTES, PRIME, STEP, MinHashConfig, signatures
from groundup.data.documents import Document
from groundup.errors import ConfigError, FormatError
from groundup.slots import slot
from groundup.text.compiled import inner, kernel

MEMORY_BYTES = 1 << 28
REPRESENTATIVES = 64  # of one bucket that a newcomer is compared with when candidates are verified
NO_TWIN = -1


@slot
def band_keys(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """One uint64 for each band of each signature: equal where the band's rows are, by chance as good as never else.

    signatures: uint32 (texts, permutations). Band i is the places i * rows ... (i + 1) * rows - 1; the key is their
    polynomial modulo 2^64, mixed, so that its leading bits are as good as its last. Result: (texts, bands).
    """
    places = signatures[:, : bands * rows].reshape(len(signatures), bands, rows).astype(np.uint64)
    keys = np.zeros(places.shape[:2], dtype=np.uint64)
    for row in range(rows):
        keys = (keys ^ places[:, :, row]) * np.uint64(STEP)
        keys ^= keys >> np.uint64(29)
    keys *= np.uint64(PRIME)
    return keys ^ (keys >> np.uint64(32))


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The part of places in which signatures agree: an estimate of the Jaccard index, off by sqrt(s (1 - s) / k)."""
    return (one == other).mean(axis=-1)


@inner
def _root(parents, at):
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


@inner
def _join(parents, one, other):
    """Put two clusters together; the earlier root stays."""
    one, other = _root(parents, one), _root(parents, other)
    if one != other:
        parents[max(one, other)] = min(one, other)


@inner
def _agreeing(signatures, one, other):
    equal = 0
    for place in range(signatures.shape[1]):
        equal += signatures[one, place] == signatures[other, place]
    return equal


@kernel
def _join_bucket(numbers, parents, signatures, needed, limit):
    """Join the texts of one bucket; where `needed` places must agree, each newcomer with the first that it agrees with."""
    standing = np.empty(limit, np.int64)
    count = 0
    for newcomer in numbers:
        joined = False
        for at in range(count):
            if needed == 0 or _agreeing(signatures, standing[at], newcomer) >= needed:
                _join(parents, standing[at], newcomer)
                joined = True
                break
        if not joined and count < limit:
            standing[count] = newcomer
            count += 1


@kernel
def _join_equal(keys, numbers, parents, signatures, needed, limit):
    begin = 0
    for at in range(1, len(keys) + 1):
        if at == len(keys) or keys[at] != keys[begin]:
            if at - begin > 1:
                _join_bucket(numbers[begin:at], parents, signatures, needed, limit)
            begin = at


@kernel
def _roots(parents):
    return np.array([_root(parents, at) for at in range(len(parents))])


def clusters(
    sketches: Sequence[np.ndarray] | np.ndarray, config: MinHashConfig, memory_bytes: int = MEMORY_BYTES
) -> np.ndarray:
    """For each signature, of all sketches in order, the number of the earliest text of its cluster (its own if it is that).

    sketches: arrays of uint32 (texts, permutations), or of uint64 of half the width, in memory or mapped from files.
    memory_bytes: of keys held at a time; 8 bytes a text for the clusters come on top (and the signatures with `verify`).
    """
    sketches = [sketches] if isinstance(sketches, np.ndarray) else list(sketches)
    tables = [np.ascontiguousarray(table).view(np.uint32) for table in sketches if len(table)]
    total = sum(map(len, tables))
    parents = np.arange(total)
    needed = int(np.ceil(config.threshold * config.permutations)) if config.verify else 0
    whole = np.concatenate(tables) if needed and tables else np.zeros((0, 1), np.uint32)
    parts = max(1, -(-total * 32 // memory_bytes))
    edges = [(part << 64) // parts for part in range(parts + 1)]
    for band in range(config.bands):
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            keys, numbers = _band(tables, band, config.rows, low, high)
            _join_equal(keys, numbers, parents, whole, needed, REPRESENTATIVES if needed else 1)
    return _roots(parents)


def _band(tables: list[np.ndarray], band: int, rows: int, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """The keys of a band within low ... high - 1, sorted, and whose they are; texts without a shingle are left out."""
    keys, numbers, start = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], 0
    for table in tables:
        for begin in range(0, len(table), 1 << 16):
            part = table[begin : begin + (1 << 16), band * rows : (band + 1) * rows]
            mine = band_keys(part, 1, rows)[:, 0]
            chosen = (mine >= np.uint64(low)) & (mine <= np.uint64(high - 1)) & (part != EMPTY).any(axis=1)
            keys.append(mine[chosen])
            numbers.append(np.flatnonzero(chosen) + start + begin)
        start += len(table)
    joined, whose = np.concatenate(keys), np.concatenate(numbers)
    order = np.argsort(joined, kind="stable")
    return joined[order], whose[order]


def twins(sketches: Sequence[np.ndarray], config: MinHashConfig, memory_bytes: int = MEMORY_BYTES) -> np.ndarray:
    """For each text the number of the earlier one that stands for its cluster, or -1 where it is the first."""
    roots = clusters(sketches, config, memory_bytes)
    return np.where(roots == np.arange(len(roots)), NO_TWIN, roots)


# ───────── earlier data ─────────


@dataclass(frozen=True, slots=True)
class Match:
    """What a new text is like. id: of the earlier document. similarity: estimated from the signatures."""

    id: str
    similarity: float


class Index:
    """Earlier texts by their bands."""

    def __init__(
        self, config: MinHashConfig, ids: Sequence[str], table: np.ndarray, keys: np.ndarray, whose: np.ndarray
    ) -> None:
        self.config, self.ids, self.table, self.keys, self.whose = config, ids, table, keys, whose

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def build(cls, documents: Iterable[Document], config: MinHashConfig | None = None) -> "Index":
        """Index documents."""
        config = config or MinHashConfig()
        ids: list[str] = []
        tables = [np.zeros((0, config.permutations), np.uint32)]
        for group in _document_groups(documents):
            ids += [document.id for document in group]
            tables.append(signatures([document.text for document in group], config))
        table = np.concatenate(tables)
        known = np.flatnonzero((table != EMPTY).any(axis=1))
        keys = band_keys(table[known], config.bands, config.rows).T
        order = np.argsort(keys, axis=1, kind="stable")
        return cls(config, ids, table, np.take_along_axis(keys, order, axis=1), known[order])

    def save(self, folder: str | Path) -> None:
        """Write the index as a folder, whole or not at all."""
        with files.atomic_folder(folder) as temporary:
            settings = {"model_type": "minhash_index", **dataclasses.asdict(self.config)}
            files.write_json(temporary / "config.json", settings)
            files.write_json(temporary / "ids.json", list(self.ids))
            for name in ("table", "keys", "whose"):
                np.save(temporary / f"{name}.npy", getattr(self, name))
            files.write_checksums(temporary)

    @classmethod
    def load(cls, folder: str | Path) -> "Index":
        """Open a saved index; its arrays stay on disk. A damaged one is a FormatError that names the file."""
        folder = Path(folder)
        files.verify_checksums(folder)
        settings = files.read_json(folder / "config.json")
        if settings.pop("model_type", None) != "minhash_index":
            raise FormatError(
                f"{folder} is no index of near duplicates; make one with `groundup data dedup --save-index`"
            )
        try:
            config = MinHashConfig(**settings)
        except TypeError as error:
            raise ConfigError(f"{folder / 'config.json'}: {error}; make the index again") from None
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("table", "keys", "whose")]
        return cls(config, files.read_json(folder / "ids.json"), *arrays)

    def find(self, texts: Sequence[str]) -> list[Match | None]:
        """For each new text the most similar earlier document among its candidates; None without one."""
        return self.find_signatures(signatures(texts, self.config))

    def find_signatures(self, table: np.ndarray) -> list[Match | None]:
        """The same for signatures of the index's own configuration."""
        keys = band_keys(table, self.config.bands, self.config.rows).T
        begins = np.array([np.searchsorted(mine, wanted) for mine, wanted in zip(self.keys, keys, strict=True)])
        ends = np.array([np.searchsorted(mine, wanted, "right") for mine, wanted in zip(self.keys, keys, strict=True)])
        return [self._best(row, begins[:, at], ends[:, at]) for at, row in enumerate(table)]

    def _best(self, signature: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> Match | None:
        hits = [self.whose[band, begins[band] : ends[band]] for band in np.flatnonzero(ends > begins)]
        if not hits or (signature == EMPTY).all():
            return None
        candidates = np.unique(np.concatenate(hits))
        likeness = similarity(self.table[candidates], signature)
        best = int(likeness.argmax())  # the first of equals: the earliest
        if self.config.verify and likeness[best] < self.config.threshold:
            return None
        return Match(self.ids[candidates[best]], float(likeness[best]))


def _document_groups(documents: Iterable[Document]) -> Iterable[list[Document]]:
    group: list[Document] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document.text)
        if size > GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
