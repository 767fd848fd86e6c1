"""Labelled rows for a filter to learn from: a text and whether it is of the kind that is looked for.

Tables say it in their own words (a class number, `toxic`, `spam`): the caller names the labels that count as 1, all others are 0.
A row without a text or a label is named, and a file in which no row, or every row, is a 1 is refused with the labels that
it has, because that is a wrong name far more often than a wrong file.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from groundup.data.sources.lines import limited, lines
from groundup.errors import InputError

POSITIVE = ("1", "true", "yes")
SHOWN = 8  # labels that a message lists


def read_rows(
    path: str | Path, text_key: str = "text", label_key: str = "label", positive: Sequence[str] = POSITIVE
) -> Iterator[tuple[str, bool]]:
    """The rows of a JSON-lines, CSV or TSV file, also .gz. positive: the labels that count as 1, whatever their case.

    InputError names the row without a text or a label; at the end it lists the labels, if all of them mean the same.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path} is not there; give a CSV or JSON-lines file with the columns {text_key} and {label_key}"
        )
    ones, seen = {label.strip().lower() for label in positive}, Counter[str]()
    for place, row in _records(path):
        text, label = _field(row, text_key, place), _field(row, label_key, place).strip().lower()
        seen[label] += 1
        yield text, label in ones
    _check(path, label_key, seen, ones)


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row with its place."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        yield from _table(path, "\t" if name.endswith(".tsv") else ",")
        return
    for number, line in enumerate(lines(path), 1):
        if line.strip():
            place = f"{path}, line {number}"
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{place} is not JSON ({error}); give JSON lines, or a table as .csv") from None
            if not isinstance(record, dict):
                raise InputError(f"{place} is a {type(record).__name__} and no record; write one {{...}} a line")
            yield place, record


def _table(path: Path, delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = csv.DictReader((line + "\n" for line in lines(path)), delimiter=delimiter)
    try:
        for row in limited(rows):
            yield f"{path}, line {rows.line_num}", row
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num} is no CSV ({error}); close its quotes, or remove it") from None


def _field(row: dict[str, Any], key: str, place: str) -> str:
    """A field's value as text; InputError where the row has none."""
    if (value := row.get(key)) is None:
        has = ", ".join(str(name) for name in row if name)[:200]
        raise InputError(f"{place} has no {key} (it has {has}); name the fields with --text-field and --label-field")
    return str(value)


def _check(path: Path, key: str, seen: Counter[str], ones: Iterable[str]) -> None:
    """Refuse rows of one kind."""
    found = len(seen.keys() & set(ones))
    if 0 < found < len(seen):
        return
    named = ", ".join(f"{label!r} {count:,} times" for label, count in seen.most_common(SHOWN)) or "no row"
    what = "no row counts as 1" if not found else "every row counts as 1, none as 0"
    raise InputError(
        f"{path}: {what}: '{key}' holds {named}, and {', '.join(sorted(ones))} mean 1; name those that do with --positive"
    )
