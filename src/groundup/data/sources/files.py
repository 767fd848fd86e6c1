"""The user's own text: a file, a folder of files, JSON lines or Parquet, read as documents.

What cannot be read is refused in one sentence that names the file and the way out; nothing is skipped in silence.
A corpus of few files is held out in blocks: about one character in twenty-five, so that a single book can be measured too.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from groundup.data.documents import Document, read_documents
from groundup.errors import InputError

TEXT_SUFFIXES = {".txt", ".text", ".md", ".rst", ".py", ".tex", ".csv", ".tsv", ".html", ".htm", ".xml", ".org", ".log", ""}
BLOCK = 4096  # characters, cut at the next blank line or line end
HELD_OUT = 25  # one block in this many


def documents(path: str | Path, key: str = "text") -> Iterator[Document]:
    """Read every document under `path`; `key` is the JSON lines' field. InputError: see the file's docstring."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} is not there; give the path of a text file, a folder, or a .jsonl file")
    if path.is_dir():
        return _folder(path, key)
    return _file(path, path.name, key)


def _folder(folder: Path, key: str) -> Iterator[Document]:
    known = TEXT_SUFFIXES | {".jsonl", ".parquet"}
    found = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix.lower() in known
                   and not any(part.startswith(".") for part in file.relative_to(folder).parts))
    if not found:
        raise InputError(f"{folder} holds no text file (.txt, .md, .jsonl, .parquet ...); give another folder or one file")
    for file in found:
        yield from _file(file, file.relative_to(folder).as_posix(), key)


def _file(path: Path, name: str, key: str) -> Iterator[Document]:
    if path.suffix == ".parquet":
        yield from read_documents(path)
    elif path.suffix == ".jsonl":
        yield from _json_lines(path, name, key)
    else:
        yield Document(name, read_text(path), "files", {"path": name})


def read_text(path: Path) -> str:
    """A file's text; InputError when it may not be read, is empty, binary, or not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); change its permissions or copy it") from error
    if not data.strip():
        raise InputError(f"{path} is empty; give a file with text")
    if b"\0" in data:
        raise InputError(f"{path} is a binary file (byte 0 at offset {data.index(0)}); give a text file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {data[error.start]:#04x} at offset {error.start}); "
                         f"convert it: iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}") from error


def _json_lines(path: Path, name: str, key: str) -> Iterator[Document]:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}: line {number} is not JSON ({error}); mend or remove the line") from error
        if not isinstance(record, dict) or not isinstance(record.get(key), str):
            fields = ", ".join(map(str, record)) if isinstance(record, dict) else type(record).__name__
            raise InputError(f"{path}: line {number} has no text under '{key}' (it has: {fields}); name the field '{key}'")
        if record[key].strip():
            yield Document(f"{name}:{number}", record[key], "files", {"path": name, "line": number})


def split(source: list[Document]) -> tuple[list[Document], list[Document]]:
    """Training and held-out documents: whole documents where there are many, blocks of the text where there are few."""
    blocks = source if len(source) >= 20 * HELD_OUT else [block for document in source for block in _blocks(document)]
    chosen = [_rank(block) for block in blocks]
    limit = sorted(chosen)[max(0, len(blocks) // HELD_OUT - 1)] if len(blocks) > 1 else -1
    train = [block for block, rank in zip(blocks, chosen, strict=True) if rank > limit]
    return train, [block for block, rank in zip(blocks, chosen, strict=True) if rank <= limit]


def _rank(document: Document) -> int:
    return int.from_bytes(hashlib.sha256(document.id.encode()).digest()[:8], "big")


def _blocks(document: Document) -> Iterator[Document]:
    """Cut a document at blank lines (or line ends) into blocks of about `BLOCK` characters; joined, they are the document.

    A text shorter than 25 blocks is cut finer, so that something can be held out.
    """
    text = document.text
    size = min(BLOCK, max(200, len(text) // (2 * HELD_OUT)))
    start = 0
    while start < len(text):
        end = _cut(text, start + size)
        yield Document(f"{document.id}#{start}", text[start:end], document.source, document.metadata)
        start = end


def _cut(text: str, near: int) -> int:
    """The end of the first paragraph, line or word after `near`."""
    if near >= len(text):
        return len(text)
    for mark, reach in (("\n\n", BLOCK), ("\n", BLOCK), (" ", BLOCK)):
        place = text.find(mark, near, near + reach)
        if place >= 0:
            return place + len(mark)
    return near
