"""Documents out to the formats of other tools, and in again: Parquet, TFRecord, WebDataset, JSON lines.

    parquet      *.parquet    id, text, source, metadata (JSON)          Arrow, DuckDB, datasets
    tfrecord     *.tfrecord   tf.train.Example of the same four          TensorFlow
    webdataset   *.tar        NUMBER.txt and NUMBER.json                 webdataset, torch
    jsonl        *.jsonl      an object a line                           everything

A folder is written whole, in files of about the same size, with checksums.json beside them; read back, it gives the same documents.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.documents import COLUMNS, Document, read_documents
from groundup.data.pipeline import tfrecord, webdataset
from groundup.data.pipeline.shard import Rows, metadata_json
from groundup.errors import ConfigError, FormatError, InputError, did_you_mean

FILE_BYTES = 1 << 28
ENDINGS = {"parquet": ".parquet", "tfrecord": ".tfrecord", "webdataset": ".tar", "jsonl": ".jsonl"}


def columns(document: Document) -> tuple[str, str, str, str]:
    """A document as the four texts that every format holds."""
    return document.id, document.text, document.source, metadata_json(document)


def export(
    documents: Iterable[Document], folder: str | Path, form: str, file_bytes: int = FILE_BYTES
) -> dict[str, Any]:
    """Write documents in a format to a folder, whole or not at all; how many, and the files."""
    if form not in ENDINGS:
        raise ConfigError(f"there is no format '{form}'; {did_you_mean(form, ENDINGS)}")
    write, waiting, count = WRITERS[form], iter(documents), 0
    names: list[str] = []
    with files.atomic_folder(folder) as temporary:
        while True:
            name = f"{len(names):05}{ENDINGS[form]}"
            written = write(temporary / name, up_to(waiting, file_bytes))
            if not written and names:
                (temporary / name).unlink()
                break
            count, names = count + written, [*names, name]
            if not written:
                break
        files.write_checksums(temporary)
    return {"documents": count, "files": names, "format": form}


def up_to(documents: Iterator[Document], size: int) -> Iterator[Document]:
    """The next documents until their texts have so many characters."""
    total = 0
    for document in documents:
        yield document
        total += len(document.text)
        if total >= size:
            return


def read(path: str | Path) -> Iterator[Document]:
    """The documents of a file or folder in one of the formats, or of a folder that a pipeline made."""
    path = Path(path)
    if (path / "documents").is_dir():
        path = path / "documents"
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    chosen = [file for file in found if file.suffix in READERS]
    if not chosen:
        raise InputError(f"{path} has no {', '.join(READERS)} file; give a folder of documents")
    for file in chosen:
        yield from READERS[file.suffix](file)


def _write_parquet(path: Path, documents: Iterable[Document]) -> int:
    count = 0
    with Rows(path, COLUMNS) as rows:
        for document in documents:
            rows.add(*columns(document))
            count += 1
    return count


def _write_tfrecord(path: Path, documents: Iterable[Document]) -> int:
    rows = (dict(zip(COLUMNS, columns(document), strict=True)) for document in documents)
    return tfrecord.write_records(
        path, (tfrecord.example({name: value.encode() for name, value in row.items()}) for row in rows)
    )


def _write_webdataset(path: Path, documents: Iterable[Document]) -> int:
    return webdataset.write_samples(path, (webdataset.to_sample(*columns(document)) for document in documents))


def _write_jsonl(path: Path, documents: Iterable[Document]) -> int:
    count = 0
    with files.atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            row = {"id": document.id, "text": document.text, "source": document.source, "metadata": document.metadata}
            file.write(json.dumps(files.strict(row), ensure_ascii=False) + "\n")
            count += 1
    return count


def _read_tfrecord(path: Path) -> Iterator[Document]:
    for number, record in enumerate(tfrecord.read_records(path)):
        yield _document(tfrecord.fields_of(record), f"{path}: record {number}", f"{path.name}:{number}")


def _read_webdataset(path: Path) -> Iterator[Document]:
    for key, sample in webdataset.read_samples(path):
        about = _parsed(sample.get("json", b"{}"), f"{path}: {key}.json")
        fields = {"text": sample.get("txt"), "metadata": json.dumps(about.get("metadata", {})).encode()}
        fields |= {name: str(about[name]).encode() for name in ("id", "source") if name in about}
        yield _document({name: value for name, value in fields.items() if value is not None}, f"{path}: {key}", key)


def _read_jsonl(path: Path) -> Iterator[Document]:
    from groundup.data.sources.lines import lines

    for number, line in enumerate(lines(path), 1):
        if line.strip():
            record = _parsed(line.encode(), f"{path}: line {number}")
            yield _from_record(record, f"{path}: line {number}", f"{path.name}:{number}")


def _from_record(record: dict[str, Any], place: str, name: str) -> Document:
    """A document from an object; what is not there but the text is filled in."""
    text, metadata = record.get("text"), record.get("metadata", {})
    if not isinstance(text, str) or not isinstance(metadata, dict):
        has = ", ".join(record) or "no field"
        raise FormatError(
            f"{place} has no text under 'text', or metadata that is no object (it has {has}); mend the line"
        )
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise FormatError(f"{place} has half a character (a surrogate alone); mend or remove the line") from error
    return Document(str(record.get("id", name)), text, str(record.get("source", "files")), metadata)


def _parsed(data: bytes, place: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise FormatError(f"{place} is not JSON ({error}); write the archive again") from error
    if not isinstance(found, dict):
        raise FormatError(f"{place} is a {type(found).__name__}, not an object; write the archive again")
    return found


def _document(fields: dict[str, bytes], place: str, name: str) -> Document:
    """A document from the fields of a record; what is not there but the text is filled in."""
    if "text" not in fields:
        has = f"it has {', '.join(fields)}" if fields else "it is empty"
        raise FormatError(f"{place} has no text ({has}); write it with the field 'text', or 'txt' in a WebDataset")
    try:
        words = {key: value.decode() for key, value in fields.items() if key in COLUMNS}
    except UnicodeDecodeError as error:
        raise FormatError(f"{place} is not UTF-8 ({error}); write it again") from error
    metadata = _parsed((words.get("metadata") or "{}").encode(), f"{place}: metadata")
    return Document(words.get("id", name), words["text"], words.get("source", "files"), metadata)


Writer = Callable[[Path, Iterable[Document]], int]
WRITERS: dict[str, Writer] = {
    "parquet": _write_parquet,
    "tfrecord": _write_tfrecord,
    "webdataset": _write_webdataset,
    "jsonl": _write_jsonl,
}
READERS: dict[str, Callable[[Path], Iterator[Document]]] = {
    ".parquet": read_documents,
    ".tfrecord": _read_tfrecord,
    ".tar": _read_webdataset,
    ".jsonl": _read_jsonl,
}
