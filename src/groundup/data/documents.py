"""A document: a text with a name, where it came from, and what is known about it.

On disk a list of documents is a Parquet file with the columns id, text, source and metadata (JSON), which Arrow, DuckDB
and Hugging Face's datasets read as it is.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, InputError

COLUMNS = ("id", "text", "source", "metadata")
BATCH = 2048


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
    with files.atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in _batches(documents):
            rows = [{"id": d.id, "text": d.text, "source": d.source, "metadata": json.dumps(d.metadata)} for d in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def read_documents(path: str | Path) -> Iterator[Document]:
    """Read the documents of a Parquet file in order, a batch in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not Path(path).is_file():
        raise InputError(f"{path} is not there; `groundup data build` makes it")
    try:
        table = pq.ParquetFile(path)
        for batch in table.iter_batches(BATCH, columns=list(COLUMNS)):
            for row in batch.to_pylist():
                yield Document(row["id"], row["text"], row["source"], json.loads(row["metadata"] or "{}"))
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"{path} is not a whole Parquet file of documents ({str(error).splitlines()[0]}); make it again") from error


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
