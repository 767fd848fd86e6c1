"""A document: a text with a name, where it came from, and what is known about it.

On disk a list of documents is a Parquet file with the columns id, text, source and metadata (JSON), which Arrow, DuckDB
and Hugging Face's datasets read as it is. Every page of it has a checksum, so that damage is found when it is read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.sources import places
from groundup.errors import FormatError, InputError

COLUMNS = ("id", "text", "source", "metadata")
GROUP_CHARACTERS = 1 << 24  # a row group holds about this much text: what is in memory at a time


@dataclass(frozen=True, slots=True)
class Document:
    """One text. id: unique within its source. metadata: whatever JSON holds."""

    id: str
    text: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)


def write_documents(path: str | Path, documents: Iterable[Document]) -> int:
    """Write documents as one Parquet file, whole or not at all; how many there were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    count = 0
    with (
        files.atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for group in _groups(documents):
            rows = [{"id": d.id, "text": d.text, "source": d.source, "metadata": _json(d.metadata)} for d in group]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _json(metadata: dict[str, Any]) -> str:
    return json.dumps(files.strict(metadata), ensure_ascii=False, sort_keys=True)


def _groups(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Documents in lists of about GROUP_CHARACTERS of text."""
    group: list[Document] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document.text)
        if size >= GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def read_documents(path: str | Path) -> Iterator[Document]:
    """Read the documents of a Parquet file in order, a few in memory at a time."""
    for id, text, source, metadata in read_columns(path, COLUMNS):
        yield Document(id, text, source, json.loads(metadata or "{}"))


def read_columns(path: str | Path, columns: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Read some columns of a Parquet file, row by row; a file without them, or damaged, is refused in a sentence."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not places.is_remote(path) and not Path(path).is_file():
        raise InputError(f"{path} is not there; `groundup data build` makes such files")
    names = list(columns)
    try:
        with places.open_binary(path) as file, pq.ParquetFile(file, page_checksum_verification=True) as table:
            if absent := [name for name in names if name not in table.schema_arrow.names]:
                raise InputError(
                    f"{path} has no column '{absent[0]}' (it has: {', '.join(table.schema_arrow.names)}); "
                    "name the one with the text: --set data.text_key=NAME"
                )
            for batch in table.iter_batches(1024, columns=names):
                yield from zip(*(batch.column(name).to_pylist() for name in names), strict=True)
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:  # the last two: a turned bit in the footer, which has no checksum
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FormatError(f"{path} is not a whole Parquet file ({reason}); make it again or leave it out") from error
