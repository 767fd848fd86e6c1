"""Text of benchmarks in training data, found by the runs of words that they share.

A model that has read a test's questions is measured by its memory. Any run of n words (13: Brown et al. 2020, appendix C)
that a document shares with a benchmark's row counts as read; of a row that is shorter, all its words are the run, if there
are at least `least` of them: "What is the capital of France?" stands in every second text about France.

Runs are compared by a 32-bit hash first and then word for word, so no chance agreement drops a document. The verdict names
the benchmark, the row, and the words.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.dedup.minhash import WORD, MinHashConfig, hashes
from groundup.data.sources.lines import limited
from groundup.errors import ConfigError, InputError
from groundup.slots import filled, slot

NGRAM, LEAST = 13, 8
SLOT = "data.clean.shared_run_reference"
SUFFIXES = (".txt", ".jsonl", ".json", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Row:
    """A text of a benchmark. where: the line or row of its file."""

    benchmark: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """What a document shares with a benchmark."""

    benchmark: str
    where: str
    words: str

    @property
    def reason(self) -> str:
        """The sentence for a report."""
        return f"benchmark {self.benchmark}, {self.where}: {self.words!r}"


def words_of(text: str) -> list[bytes]:
    """The words that are compared: letters, digits and all that is not ASCII, in lower case."""
    return WORD.findall(text.encode(errors="surrogatepass").lower())


@slot
def shared_run_reference(document: Sequence[Any], row: Sequence[Any], ngram: int = 13, least: int = 8) -> int:
    """Where in a document the first run of words begins that it shares with a row of a benchmark; -1 where there is none.

    A run is `ngram` words, or all words of a row that has fewer; a row of fewer than `least` words says nothing.

    >>> shared_run_reference("so she sat on the mat again".split(), "sat on the mat".split(), ngram=3, least=3)
    2
    """
    length = min(ngram, len(row))
    if length < max(1, least):
        return -1
    runs = {tuple(row[at : at + length]) for at in range(len(row) - length + 1)}
    places = range(len(document) - length + 1)
    return next((at for at in places if tuple(document[at : at + length]) in runs), -1)


class Benchmarks:
    """The runs of words of all rows, by their length."""

    def __init__(self, rows: Iterable[Row], ngram: int = NGRAM, least: int = LEAST) -> None:
        if not 1 <= least <= ngram:
            raise ConfigError(
                f"ngram={ngram} and least={least} find nothing; use 13 and 8, the second at most the first"
            )
        self.ngram, self.least = ngram, least
        self.rows: list[Row] = []
        self.words: list[bytes] = []  # of each row, joined by blanks
        self.too_short = 0
        lengths: dict[int, list[int]] = {}
        for row in rows:
            words = words_of(row.text)
            if len(words) < least:
                self.too_short += 1
                continue
            lengths.setdefault(min(ngram, len(words)), []).append(len(self.rows))
            self.rows.append(row)
            self.words.append(b" " + b" ".join(words) + b" ")
        self.tables = {
            length: self._table(length, numbers) for length, numbers in sorted(lengths.items(), reverse=True)
        }

    def _table(self, length: int, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The sorted hashes of all runs of a length, and the rows they are of."""
        parts = hashes([self.rows[number].text for number in numbers], MinHashConfig(ngram=length))
        values = np.concatenate(parts)
        whose = np.repeat(np.asarray(numbers), [len(part) for part in parts])
        order = np.argsort(values, kind="stable")
        return values[order], whose[order]

    def find(self, text: str) -> Match | None:
        """What a document shares with a benchmark, None if nothing.

        >>> rows = [Row("quiz", "row 1", "Which of the nine rivers of the valley is the longest one?")]
        >>> Benchmarks(rows).find("Q: which of the nine rivers of the valley is the LONGEST one").where
        'row 1'
        """
        if filled(SLOT):
            return self._found_by_reference(words_of(text))
        words: list[bytes] = []
        for length, (values, whose) in self.tables.items():
            (mine,) = hashes([text], MinHashConfig(ngram=length))
            begins = np.searchsorted(values, mine)
            hits = np.flatnonzero(values[np.minimum(begins, len(values) - 1)] == mine)
            if not len(hits):
                continue
            words = words or words_of(text)
            if len(words) < length:
                continue
            for at in hits.tolist():
                end = int(np.searchsorted(values, mine[at], "right"))
                if found := self._verified(words[at : at + length], whose[begins[at] : end]):
                    return found
        return None

    def _found_by_reference(self, words: list[bytes]) -> Match | None:
        """Row by row, by the learner's own function."""
        for row, joined in zip(self.rows, self.words, strict=True):
            wanted = joined.split()
            at = shared_run_reference(words, wanted, self.ngram, self.least)
            if at >= 0:
                run = b" ".join(words[at : at + min(self.ngram, len(wanted))])
                return Match(row.benchmark, row.where, run.decode(errors="replace"))
        return None

    def _verified(self, run: list[bytes], numbers: np.ndarray) -> Match | None:
        joined = b" " + b" ".join(run) + b" "
        for number in numbers.tolist():
            if joined in self.words[number]:
                row = self.rows[number]
                return Match(row.benchmark, row.where, joined.strip().decode(errors="replace"))
        return None


def open_benchmarks(folder: str | Path, ngram: int = NGRAM, least: int = LEAST) -> Benchmarks:
    """The benchmarks of a folder: one a file (txt: a row a line; jsonl, json, csv, tsv: every text in a row; also .gz)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder; give one with the benchmarks' files ({', '.join(SUFFIXES)}, also .gz)"
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file() and _kind(path) in SUFFIXES)
    if not files:
        raise InputError(f"{folder} holds no benchmark; put files of {', '.join(SUFFIXES)} (also .gz) into it")
    return Benchmarks((row for path in files for row in read_rows(path, folder)), ngram, least)


def _kind(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def read_rows(path: Path, folder: Path) -> Iterator[Row]:
    """The texts of one file, named by its place in the folder; a row that cannot be read is an InputError with its number."""
    name, kind = path.relative_to(folder).as_posix(), _kind(path)
    try:
        raw = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
        lines = io.StringIO(raw.decode("utf-8-sig"), newline="")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error}); mend it or take it out of the folder") from None
    number = 0
    try:
        for number, value in enumerate(_values(lines, kind), 1):
            for text in _texts(value):
                yield Row(name, f"row {number}", text)
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"{path}, row {number + 1}: {error}; mend the row or take the file out of the folder"
        ) from None


def _values(lines: io.StringIO, kind: str) -> Iterable[Any]:
    if kind == ".txt":
        return (line.strip() for line in lines)
    if kind == ".jsonl":
        return (json.loads(line) for line in lines if line.strip())
    if kind == ".json":
        whole = json.load(lines)
        return whole if isinstance(whole, list) else [whole]
    return limited(csv.reader(lines, delimiter="\t" if kind == ".tsv" else ","))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a row, however deep."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            left += reversed(list(value.values()) if isinstance(value, dict) else value)
