"""Rows of tables as documents: JSON lines, CSV, Parquet, Arrow, and Hugging Face data sets as `save_to_disk` leaves them.

Every reader takes the field that holds the text, reads a few rows at a time and names the row that has none. Rows whose text
is empty are passed over. The fields url, id and source go into the document's metadata, so that block lists and removal lists know
it by them. Leaves out: nested fields, and a data set's own loading script, which would be code from elsewhere.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundup.data.documents import COLUMNS, Document, read_columns, read_documents
from groundup.data.sources.lines import limited, lines
from groundup.data.sources.places import is_remote, join, open_binary, refusals
from groundup.errors import FormatError, InputError

ABOUT = ("url", "id", "source")  # fields that are kept beside the text


def json_lines(path: str | Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """One document a line."""
    for number, line in enumerate(lines(path, encoding), 1):
        if line.strip():
            text, kept = _text_of(line, key, f"{path}: line {number}")
            if text.strip():
                yield Document(f"{name}:{number}", text, "files", {**kept, "path": name, "line": number})


def about(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a row says of its text besides: its address, its own name, where it is from.

    >>> about({"text": "a", "url": "https://a.org/", "id": 7, "source": None, "score": 1.0}, "text")
    {'url': 'https://a.org/', 'id': 7}
    """
    return {
        name: row[name] for name in ABOUT if name != key and isinstance(row.get(name), str | int) and row[name] != ""
    }


def _text_of(line: str, key: str, place: str) -> tuple[str, dict[str, Any]]:
    """The text of one JSON line, and what is kept beside it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not JSON ({error}); mend or remove the line") from error
    text = record.get(key) if isinstance(record, dict) else None
    if not isinstance(text, str):
        has = f"the fields {', '.join(map(str, record))}" if isinstance(record, dict) else f"a {type(record).__name__}"
        raise InputError(f"{place} has no text under '{key}' (it has {has}); name the field: --set data.text_key=NAME")
    return _whole(text, place), about(record, key)


def _whole(text: str, place: str) -> str:
    """The text, if every character of it can be written."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place} has half a character (\\u{ord(text[error.start]):04x}); mend or remove the line"
        ) from error
    return text


def comma_separated(path: str | Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """One document a row of a CSV or TSV file whose first line names the columns (RFC 4180)."""
    rows = csv.reader(
        (line + "\n" for line in lines(path, encoding)),
        delimiter="\t" if str(path).endswith((".tsv", ".tsv.gz")) else ",",
    )
    wide = limited(rows)
    try:
        names = next(wide, [])
        if key not in names:
            raise InputError(
                f"{path} has no column '{key}' (it has: {', '.join(names)[:200]}); name the one with the text: --set data.text_key=NAME"
            )
        place = names.index(key)
        for number, row in enumerate(wide, 1):
            if row and len(row) != len(names):
                raise InputError(
                    f"{path}: row {number} (line {rows.line_num}) has {len(row)} fields of {len(names)}; mend or remove it"
                )
            if row and row[place].strip():
                kept = about(dict(zip(names, row, strict=True)), key)
                yield Document(f"{name}:{number}", row[place], "files", {**kept, "path": name, "row": number})
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num} is no CSV ({error}); close its quotes, or remove it") from error


def has_column(path: str | Path, key: str, encoding: str) -> bool:
    """Whether a CSV or TSV file's first line names a column."""
    first = next(lines(path, encoding), "")
    rows = csv.reader([first], delimiter="\t" if str(path).endswith((".tsv", ".tsv.gz")) else ",")
    return key in next(limited(rows), [])


def parquet(path: str | Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """One document a row of a Parquet file; those that this library wrote keep their ids, sources and metadata."""
    if key == "text" and _is_ours(path):
        yield from (document for document in read_documents(path) if document.text.strip())
        return
    schema = _schema(path)
    names = [key, *(_kept_columns(schema, key) if schema is not None else ())]
    yield from _rows(path, name, key, (dict(zip(names, row, strict=True)) for row in read_columns(path, names)))


def _is_ours(path: str | Path) -> bool:
    """Whether a file has the columns of a list of documents and no others."""
    import pyarrow as pa

    schema = _schema(path)
    return schema is not None and schema.equals(pa.schema([(name, pa.string()) for name in COLUMNS]))


def _schema(path: str | Path) -> Any:
    """A Parquet file's columns; None of a damaged one, which is left to its reader."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_binary(path) as file:
            return pq.read_schema(file)
    except (pa.ArrowException, OSError):
        return None


def _kept_columns(schema: Any, key: str) -> list[str]:
    """Which of the fields beside the text a table has, as text or whole numbers."""
    import pyarrow as pa

    return [
        name for name in ABOUT if name in schema.names and name != key and _plain(pa.types, schema.field(name).type)
    ]


def _plain(types: Any, kind: Any) -> bool:
    return types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind)


def arrow(path: str | Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """One document a row of an Arrow file: as a stream, as Hugging Face writes it, or with a footer (Feather)."""
    import pyarrow as pa

    with open_binary(path) as file:
        try:
            footer = file.read(6) == b"ARROW1"
            file.seek(0)
            table = pa.ipc.open_file(file) if footer else pa.ipc.open_stream(file)
            _check_column(path, key, table.schema)
            batches = (table.get_batch(at) for at in range(table.num_record_batches)) if footer else iter(table)
            names = [key, *_kept_columns(table.schema, key)]
            yield from _rows(path, name, key, (row for batch in batches for row in batch.select(names).to_pylist()))
        except (pa.ArrowException, OSError) as error:
            raise FormatError(
                f"{path} is not a whole Arrow file ({_first_line(error)}); make it again or leave it out"
            ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_column(path: str | Path, key: str, schema: Any) -> None:
    if key not in schema.names:
        raise InputError(
            f"{path} has no column '{key}' (it has: {', '.join(schema.names)}); "
            "name the one with the text: --set data.text_key=NAME"
        )


def _rows(path: str | Path, name: str, key: str, rows: Iterator[dict[str, Any]]) -> Iterator[Document]:
    """The rows of a table, of which only the columns that are kept were read."""
    for number, row in enumerate(rows):
        text = row[key]
        if text is not None and not isinstance(text, str):
            raise InputError(
                f"{path}: column '{key}' holds {type(text).__name__}, not text; name another: --set data.text_key=NAME"
            )
        if text and text.strip():
            yield Document(f"{name}:{number}", text, "files", {**about(row, key), "path": name, "row": number})


def is_data_set(folder: str | Path) -> bool:
    """Whether a folder is one that Hugging Face's `save_to_disk` wrote."""
    return not is_remote(folder) and any(
        (Path(folder) / name).is_file() for name in ("state.json", "dataset_dict.json")
    )


def data_set(folder: str | Path, key: str) -> Iterator[Document]:
    """The rows of a Hugging Face data set on disk, split by split; its files are those that state.json names."""
    folder = Path(folder)
    if (folder / "dataset_dict.json").is_file():
        for split in _named(folder / "dataset_dict.json", "splits"):
            yield from _split(folder / split, f"{folder.name}/{split}", key)
    else:
        yield from _split(folder, folder.name, key)


def _split(folder: Path, name: str, key: str) -> Iterator[Document]:
    files = [entry.get("filename", "") for entry in _named(folder / "state.json", "_data_files")]
    if any(not isinstance(file, str) or "/" in file or file.startswith(".") for file in files):
        raise FormatError(f"{folder / 'state.json'} names files outside of its folder; save the data set again")
    number = 0
    for file in files:
        for row in arrow(join(folder, file), name, key, "utf-8"):
            yield Document(f"{name}:{number}", row.text, "files", {**row.metadata, "path": f"{name}/{file}"})
            number += 1


def _named(path: Path, field: str) -> list[Any]:
    """A list in one of the data set's JSON files."""
    try:
        with refusals(path):
            found = json.loads(path.read_bytes())[field]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path} does not list its {field.strip('_')}; save the data set again") from error
    if not isinstance(found, list):
        raise FormatError(f"{path} does not list its {field.strip('_')}; save the data set again")
    return found
