"""Kept and dropped documents a page at a time, with the step, the reason and what was found: what happened to a document can always be said."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.data.documents import COLUMNS, read_columns
from groundup.data.pipeline.report import read_report
from groundup.data.pipeline.shard import DROPPED_COLUMNS
from groundup.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which documents are looked at. id: that one, kept or dropped. step: its number or kind. reason: words in the reason."""

    kept: bool = False
    step: str | None = None
    reason: str | None = None
    id: str | None = None

    def has(self, row: dict[str, Any]) -> bool:
        """Whether a row is one of them."""
        if self.id is not None:
            return row["id"] == self.id
        if self.step is not None and self.step not in (row.get("step", ""), *row.get("step", "").split(" ", 1)):
            return False
        return self.reason is None or self.reason.lower() in row.get("reason", "").lower()


def page(folder: str | Path, wanted: Wanted, number: int = 1, size: int = 10, characters: int = 300) -> dict[str, Any]:
    """The documents of a page, numbered from 1, and how many there are in all."""
    folder = Path(folder)
    read_report(folder)
    first, total, shown = (number - 1) * size, 0, []
    for row in _rows(folder, wanted):
        if wanted.has(row):
            if first <= total < first + size:
                shown.append(row | {"text": row["text"][:characters], "metadata": json.loads(row["metadata"] or "{}")})
            total += 1
    if wanted.id is not None and not total:
        raise InputError(
            f"{folder} has no document {wanted.id!r}, kept or dropped; was it in the input? ids are FILE or FILE:LINE"
        )
    return {"total": total, "page": number, "documents": shown}


def _rows(folder: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The rows that may be wanted, shard by shard."""
    if wanted.id is None and wanted.kept:
        yield from _table(folder / "documents", COLUMNS)
    elif wanted.id is None:
        yield from _table(folder / "dropped", DROPPED_COLUMNS)
    else:
        yield from _table(folder / "documents", COLUMNS)
        yield from _table(folder / "dropped", DROPPED_COLUMNS)


def _table(folder: Path, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.parquet")):
        for row in read_columns(path, columns):
            yield dict(zip(columns, row, strict=True))
