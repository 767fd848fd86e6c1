"""The steps of a pipeline: what one does with a document, and how a recipe names it.

Two kinds. A *document step* looks at one document: it passes it on, as it is or changed, or drops it with a reason. A
*corpus step* has to know the other documents (deduplication), and works in three parts, so that it too runs in any
number of processes with the same result:

    sketch    documents -> a few fixed-size rows of numbers, one a unit (the document, or each of its paragraphs)
    decide    the rows of all shards -> for each unit the number of an earlier unit that it repeats, or -1
    strike    document and the decisions about its units -> the document, changed, or dropped with the name of its twin

A step is a frozen dataclass; its fields are what a recipe may set, and its `kind` is its name there:

    [[steps]]
    kind = "length"
    min_characters = 200

Leaves out: steps that make several documents of one.
"""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from groundup.data.documents import Document
from groundup.errors import ConfigError, did_you_mean

MEMORY_BYTES = 1 << 28  # what a corpus step may hold at once; more rows are decided in several passes


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why a document goes no further. reason: a few words that are the same for all such; detail: what was found in this one."""

    reason: str
    detail: str = ""


def first_seen(twin: str) -> str:
    """The detail of a document that is dropped because another, `twin`, holds its text; the removal list looks for it."""
    return f"first seen in {twin}"


T = TypeVar("T")
Verdict = Document | Dropped
Apply = Callable[[Document], Verdict]


class DocumentStep(Protocol):
    """A step that needs one document at a time."""

    def opened(self) -> Apply:
        """What is called for every document; lists and models that it needs are loaded here, once a shard."""
        ...


class CorpusStep(Protocol):
    """A step that compares documents. width: how many uint64 a row of its sketches has."""

    @property
    def width(self) -> int:
        """Numbers in a row."""
        ...

    def sketch(self, documents: Sequence[Document]) -> list[np.ndarray]:
        """For each document its rows of uint64, one a unit."""
        ...

    def decide(self, sketches: Sequence[np.ndarray], memory_bytes: int) -> np.ndarray:
        """For every unit of all shards, in order: the number of an earlier one that it repeats, or -1."""
        ...

    def strike(self, document: Document, twins: Sequence[str | None]) -> Verdict:
        """The document without what is repeated. twins: for each unit the id of the document that has it already."""
        ...


Step = DocumentStep | CorpusStep
STEPS: dict[str, type] = {}


def step(kind: str) -> Callable[[type[T]], type[T]]:
    """Give a dataclass its name in recipes."""

    def register(cls: type[T]) -> type[T]:
        assert STEPS.get(kind, cls).__qualname__ == cls.__qualname__, f"two steps are called {kind}"
        cls.kind = kind  # type: ignore[attr-defined]
        STEPS[kind] = cls
        return cls

    return register


def find(kind: str) -> type:
    """The dataclass of a kind; ConfigError with the nearest known one."""
    known()
    if kind not in STEPS:
        raise ConfigError(f"there is no step '{kind}'; {did_you_mean(str(kind), STEPS)}")
    return STEPS[kind]


def known() -> dict[str, type]:
    """Every step that a recipe can name, by its kind."""
    from groundup.data.pipeline import cleaning  # noqa: F401  registers the steps of the rooms beside this one

    return STEPS


def is_corpus(made: Step) -> bool:
    """Whether a step compares documents."""
    return hasattr(made, "decide")


def described(made: Any) -> dict[str, Any]:
    """A step as JSON holds it: its kind and its fields. A report that was read back, or came from another machine, is equal to a new one."""
    fields = dataclasses.asdict(made)
    return {"kind": made.kind} | {name: list(one) if isinstance(one, tuple) else one for name, one in fields.items()}


# ───────── steps that need no other room ─────────


@step("length")
@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """Texts that are too short to say anything, or so long that they are no text."""

    min_characters: int = 1
    max_characters: int = 10_000_000

    def __post_init__(self) -> None:
        """Refuse bounds that let nothing through."""
        if not 0 <= self.min_characters <= self.max_characters:
            raise ConfigError(
                f"min_characters={self.min_characters} and max_characters={self.max_characters} let nothing through; "
                "let the first be 0 or more and at most the second"
            )

    def opened(self) -> Apply:
        """The comparison."""
        return self._apply

    def _apply(self, document: Document) -> Verdict:
        length = len(document.text)
        if length < self.min_characters:
            return Dropped("too short", f"{length} characters, wanted {self.min_characters} or more")
        if length > self.max_characters:
            return Dropped("too long", f"{length} characters, wanted {self.max_characters} or fewer")
        return document


@step("match")
@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Drop what has a pattern in it, or what lacks one: the user's own rule."""

    pattern: str
    """a regular expression"""
    drop_matching: bool = True
    """True: what matches goes; False: only what matches stays"""

    def __post_init__(self) -> None:
        """Refuse what is no pattern."""
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ConfigError(f"pattern {self.pattern!r} is no regular expression ({error}); mend it") from None

    def opened(self) -> Apply:
        """The compiled pattern's search."""
        search = re.compile(self.pattern).search

        def apply(document: Document) -> Verdict:
            found = search(document.text)
            if self.drop_matching and found:
                return Dropped("matches the pattern", f"{found[0][:80]!r} at character {found.start()}")
            return document if found or self.drop_matching else Dropped("lacks the pattern")

        return apply


@step("remove")
@dataclass(frozen=True, kw_only=True, slots=True)
class Remove:
    """The removal list: ids, addresses and sites (metadata's url) or sha256 of texts that their owners want out."""

    list: str
    """a file with one entry a line; # begins a comment"""

    def opened(self) -> Apply:
        """The list, read."""
        from groundup.data.pipeline.removal import read_list

        wanted = read_list(self.list)

        def apply(document: Document) -> Verdict:
            found = wanted.entry(document)
            return document if found is None else Dropped("on the removal list", found)

        return apply


@step("exact")
@dataclass(frozen=True, kw_only=True, slots=True)
class Exact:
    """The same text only once, white space apart: whole documents, or their paragraphs of some length."""

    unit: str = "document"
    """document or paragraph"""
    min_characters: int = 60
    """paragraphs that are shorter always stay"""

    width: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Refuse another unit."""
        if self.unit not in ("document", "paragraph"):
            raise ConfigError(f"unit={self.unit!r} cannot be compared; use document or paragraph")

    def _units(self, text: str) -> list[str]:
        return [text] if self.unit == "document" else text.split("\n\n")

    def sketch(self, documents: Sequence[Document]) -> list[np.ndarray]:
        """A fingerprint of 16 bytes a unit; zeros for one that always stays."""
        rows = (b"".join(map(self._fingerprint, self._units(document.text))) for document in documents)
        return [np.frombuffer(row, dtype="<u8").reshape(-1, 2) for row in rows]

    def _fingerprint(self, unit: str) -> bytes:
        words = " ".join(unit.split())
        if not words or (self.unit == "paragraph" and len(unit) < self.min_characters):
            return bytes(16)
        return hashlib.blake2b(words.encode(errors="surrogatepass"), digest_size=16).digest()

    def decide(self, sketches: Sequence[np.ndarray], memory_bytes: int = MEMORY_BYTES) -> np.ndarray:
        """The first unit with the same fingerprint."""
        return first_equal(sketches, memory_bytes)

    def strike(self, document: Document, twins: Sequence[str | None]) -> Verdict:
        """The units that came for the first time; a document of which nothing is left is dropped."""
        if not any(twins):
            return document
        known = next(twin for twin in twins if twin)
        units = self._units(document.text)
        text = "\n\n".join(unit for unit, twin in zip(units, twins, strict=True) if not twin)
        if not text.strip():
            return Dropped("same text as another", first_seen(known))
        return dataclasses.replace(document, text=text)


def first_equal(sketches: Sequence[np.ndarray], memory_bytes: int = MEMORY_BYTES) -> np.ndarray:
    """For each row of all sketches in order the number of the first row that is equal to it, or -1 where it is the first.

    Rows of zeros are equal to none. Only the rows whose first number falls into one part of its range are held at
    once, so memory has a bound whatever the number of rows; the result does not depend on the number of parts.
    """
    sizes = [len(rows) for rows in sketches]
    total, starts = sum(sizes), np.concatenate([[0], np.cumsum(sizes)])
    twins = np.full(total, -1, dtype=np.int64)
    row_bytes = 8 * (sketches[0].shape[1] if sketches else 1) + 32
    parts = max(1, -(-total * row_bytes // memory_bytes))
    edges = [(part << 64) // parts for part in range(parts + 1)]
    for low, high in zip(edges, edges[1:], strict=False):
        rows, numbers = _within(sketches, starts, low, high)
        if len(rows):
            _mark_equal(rows, numbers, twins)
    return twins


def _within(sketches: Sequence[np.ndarray], starts: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows whose first number is in low ... high - 1, with their numbers; without rows of zeros."""
    rows, numbers = [], []
    for shard, start in zip(sketches, starts, strict=False):
        chosen = np.flatnonzero(
            (shard[:, 0] >= np.uint64(low)) & (shard[:, 0] <= np.uint64(high - 1)) & shard.any(axis=1)
        )
        rows.append(np.asarray(shard[chosen]))
        numbers.append(chosen + start)
    return (np.concatenate(rows), np.concatenate(numbers)) if rows else (np.zeros((0, 1)), np.zeros(0))


def _mark_equal(rows: np.ndarray, numbers: np.ndarray, twins: np.ndarray) -> None:
    """Write for each row that has an equal one before it that one's number. The sort is stable, so the first stays first."""
    order = np.lexsort(rows.T[::-1])
    rows, numbers = rows[order], numbers[order]
    fresh = np.ones(len(rows), dtype=bool)
    fresh[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    leaders = numbers[np.maximum.accumulate(np.where(fresh, np.arange(len(rows)), 0))]
    twins[numbers[~fresh]] = leaders[~fresh]
