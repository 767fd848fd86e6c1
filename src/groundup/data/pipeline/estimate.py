"""How many tokens a huge set has, from a small part of it, with an error bar.

The input is cut into units: blocks of plain text and JSON lines (all lines that begin in a block), whole files of other kinds. Some
are drawn at random, tokenized, and the tokens a byte of the sample are multiplied by the bytes of all, which are known without reading.
That is a ratio estimate (Cochran, Sampling Techniques, 1977, sections 2.11 and 6.3; units that hold many documents: 9A.1):

    R = sum t / sum x       T = R X       s^2 = sum (t - R x)^2 / (n - 1)       error of T = (X / mean x) s sqrt((1 - n/N) / n)

t, x: tokens and bytes of a unit; n of N units drawn; X: bytes of all. The interval is T +- q times the error, q of Student's t with
n - 1 degrees of freedom. Blocks, not documents, are the units because neighbours are alike: counted as single documents, the
ones that were read together would make the error look smaller than it is.

Leaves out: the tokens that mark the ends of documents, and the bias of a ratio, which is of the order 1/n and below the error.
"""

import functools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.pipeline.streaming import permutation
from groundup.errors import ConfigError, InputError
from groundup.slots import slot

BLOCK_BYTES = 1 << 18
LINES = frozenset({".jsonl", ".ndjson"})
BLOCKS = LINES | {".txt", ".text", ".md"}  # cut into blocks; others are units as a whole


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens of all, with the interval that holds the true number with the confidence asked for."""

    tokens: float
    low: float
    high: float
    standard_error: float
    tokens_per_byte: float
    units: int
    of_units: int
    bytes_read: int
    total_bytes: int

    @property
    def relative(self) -> float:
        """Half of the interval as a part of the estimate."""
        return (self.high - self.low) / 2 / self.tokens if self.tokens else math.inf


@slot
def ratio_estimate(tokens: np.ndarray, sizes: np.ndarray, total: float, units: int) -> tuple[float, float]:
    """A total and its standard error from the tokens and the bytes of n units that were drawn at random out of `units`.

    tokens, sizes: of the n units drawn, n at least 2. total: bytes of all units. The total is total * R with R = sum of
    tokens / sum of sizes; its error is (total / mean size) * s * sqrt((1 - n / units) / n), s^2 the sum of the squared residuals
    tokens - R * sizes by n - 1.

    >>> ratio_estimate(np.array([10.0, 30.0]), np.array([50.0, 100.0]), 300.0, 4)
    (80.0, 9.428090415820632)
    """
    count = len(tokens)
    ratio = tokens.sum() / sizes.sum()
    residuals = tokens - ratio * sizes
    spread = math.sqrt((residuals**2).sum() / (count - 1))
    error = total / sizes.mean() * spread * math.sqrt((1 - count / units) / count)
    return float(total * ratio), float(error)


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of the input. start, stop: the block's bytes; a whole file has stop -1."""

    path: str
    name: str
    start: int
    stop: int


def units_of(source: str | Path, block_bytes: int = BLOCK_BYTES) -> tuple[list[Unit], int]:
    """The units of an input, and the bytes of all its files."""
    from groundup.data.sources import files as own

    units, total = [], 0
    for path, name, size in own.listed(source):
        if not size:
            raise InputError(f"{path}: only its server knows how long it is; copy it here first, or estimate on a part")
        total += size
        if Path(path).suffix.lower() in BLOCKS:
            units += [Unit(path, name, start, min(start + block_bytes, size)) for start in range(0, size, block_bytes)]
        else:
            units.append(Unit(path, name, 0, -1))
    return units, total


def estimate(
    source: str | Path,
    count: Callable[[Sequence[str]], int],
    *,
    key: str = "text",
    within: float = 0.01,
    most_units: int = 400,
    confidence: float = 0.95,
    seed: int = 0,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Estimate]:
    """Estimates that narrow, one a unit from the fifth on; the last has an interval of +- `within` of its total, or read `most_units`.

    count: tokens of some texts. key: the field of JSON lines that holds the text.
    """
    if not 0 < within < 1 or not 0 < confidence < 1:
        raise ConfigError(f"within={within} and confidence={confidence} must be between 0 and 1; try 0.01 and 0.95")
    if most_units < 2:
        raise ConfigError(f"most_units={most_units} says nothing about the spread; use 2 or more")
    units, total = units_of(source, block_bytes)
    if not units:
        raise InputError(f"{source} holds no text; give a file or folder with some")
    tokens: list[int] = []
    sizes: list[int] = []
    for number in permutation(len(units), (seed,))[:most_units].tolist():
        size, texts = read(units[number], key)
        tokens.append(count(texts))
        sizes.append(size)
        if len(tokens) >= min(5, most_units, len(units)):
            made = summed(tokens, sizes, total, len(units), confidence)
            yield made
            if made.relative <= within:
                return


def summed(tokens: Sequence[int], sizes: Sequence[int], total: int, units: int, confidence: float = 0.95) -> Estimate:
    """The estimate from the units read so far; one that read everything has no error."""
    count, read_bytes = len(tokens), sum(sizes)
    if count == units:  # no sample: all was read, blocks of a few bytes without a line's beginning included
        exact = float(sum(tokens))
        return Estimate(exact, exact, exact, 0.0, exact / max(1, total), count, units, read_bytes, total)
    if count < 2 or not read_bytes:
        raise InputError(f"{count} units with {read_bytes} bytes say nothing about the spread; read more of them")
    value, error = ratio_estimate(np.array(tokens, float), np.array(sizes, float), float(total), units)
    width = _errors_a_side(confidence, count - 1) * error
    low = max(float(sum(tokens)), value - width)
    return Estimate(value, low, value + width, error, value / total, count, units, read_bytes, total)


@functools.cache
def _errors_a_side(confidence: float, freedom: int) -> float:
    """Student's quantile, which costs milliseconds."""
    from groundup.foundations.probability.special import student_quantile

    return student_quantile((1 + confidence) / 2, freedom)


def read(unit: Unit, key: str = "text") -> tuple[int, list[str]]:
    """The bytes of a unit and its texts; of a block, the lines that begin in it."""
    from groundup.data.sources import files as own

    if unit.stop < 0:
        return Path(unit.path).stat().st_size, [document.text for document in own.read_file(unit.path, unit.name, key)]
    data = _lines(unit)
    text = data.decode(errors="replace")
    if Path(unit.path).suffix.lower() not in LINES:
        return len(data), [text]
    place = f"{unit.path}: a line after byte {unit.start}"
    return len(data), [_text(line, key, place) for line in text.split("\n") if line.strip()]


def _lines(unit: Unit) -> bytes:
    """The lines that begin in a block, the last one to its end."""
    with open(unit.path, "rb") as file:
        file.seek(max(0, unit.start - 1))
        if unit.start:
            file.readline()  # the rest of a line that began before
        data = file.read(max(0, unit.stop - file.tell()))
        return data + (file.readline() if data and not data.endswith(b"\n") else b"")


def _text(line: str, key: str, place: str) -> str:
    try:
        record: Any = json.loads(line)
        text = record[key]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{place} has no text under '{key}' ({type(error).__name__}: {error}); name the field with --key"
        ) from error
    return text if isinstance(text, str) else ""
