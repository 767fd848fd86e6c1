"""The user's own text: a file, a folder of files, JSON lines or Parquet, read as documents.

What cannot be read is refused in a sentence that names the file, the place in it and the way out; files of other kinds
in a folder are counted aloud. Line ends become \\n. Leaves out: HTML, WARC and archives.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundup.data.documents import Document, read_columns
from groundup.errors import InputError
from groundup.progress import say

SUFFIXES = frozenset(
    ".txt .text .md .markdown .rst .org .tex .log .csv .tsv .html .htm .xml .json .yaml .yml .toml .ini .cfg .srt .css"
    " .py .pyi .js .ts .jsx .tsx .c .h .cc .cpp .hpp .cs .java .kt .go .rs .rb .php .pl .lua .r .jl .scala .swift .hs"
    " .ml .lisp .el .sh .sql".split()
)
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # how Windows begins a text in two bytes a character


def documents(path: str | Path, key: str = "text", encoding: str = "utf-8") -> Iterator[Document]:
    """Read every document under `path`, in the order of the names.

    key: the field of JSON lines, or the Parquet column, that holds the text. InputError for what cannot be read.
    """
    path = Path(path).expanduser()
    _check_encoding(encoding)
    if os.path.isdir(path):
        return _folder(path, key, encoding)
    if not os.path.lexists(path):
        raise InputError(f"{path} is not there; give the path of a text file, a folder, or a .jsonl or .parquet file")
    return _file(path, path.name, key, encoding)


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise InputError(f"there is no encoding {encoding!r}; use utf-8, utf-16, latin-1 or cp1252") from error


def _folder(folder: Path, key: str, encoding: str) -> Iterator[Document]:
    """The documents of a folder's files; empty files are passed over, files of other kinds are counted."""
    found, others = _listed(folder)
    empty = 0
    for path in found:
        if path.stat().st_size:
            yield from _file(path, path.relative_to(folder).as_posix(), key, encoding)
        else:
            empty += 1
    if empty == len(found):
        raise InputError(
            f"{folder} has no file with text (.txt, .md, .py, .jsonl, .parquet ...); "
            "give another folder, or a file by its name"
        )
    if others:
        say(f"{folder}: {len(others)} files of other kinds were left out, such as {others[0].name}")


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files that hold text by their names, and others; hidden ones are neither."""

    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename} cannot be read ({error.strerror}); change its permissions: chmod u+rx"
        ) from error

    known: list[Path] = []
    others: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            suffix = path.suffix.lower()
            known_kind = suffix in SUFFIXES or suffix in READERS or (not suffix and _is_text(path))
            (known if known_kind and path.is_file() else others).append(path)
    return sorted(known), sorted(others)


def _is_text(path: Path) -> bool:
    """Whether a file without a suffix (README, LICENSE) begins as text does."""
    if not path.is_file():
        return False
    start = _bytes(path, 4096)
    return b"\0" not in start and not start.startswith((b"\x7fELF", b"%PDF"))


def _file(path: Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """The documents of one file, by its kind."""
    if not path.is_file():
        raise InputError(f"{path} is not a regular file; save its text to a file and give that")
    if reader := READERS.get(path.suffix.lower()):
        yield from reader(path, name, key, encoding)
    else:
        yield Document(name, read_text(path, encoding), "files", {"path": name})


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """A file's text; InputError when it may not be read, is empty, binary, or not in the encoding."""
    data = _bytes(path)
    if encoding == "utf-8" and data[:2] in WIDE_MARKS:
        _refuse_encoding(path, "is not UTF-8 but UTF-16", "utf-16")
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        if b"\0" in data:
            _refuse_binary(path, data.index(b"\0"))
        line = data[: error.start].count(b"\n") + 1
        _refuse_encoding(
            path, f"is not {encoding}: byte {data[error.start]:#04x} at offset {error.start} (line {line})", "latin-1"
        )
    if "\0" in text:
        _refuse_binary(path, text.index("\0"))
    if not text.strip():
        raise InputError(f"{path} is empty; give a file with text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(path: Path, most: int = -1) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); change its permissions: chmod u+r {path}"
        ) from error


def _refuse_binary(path: Path, offset: int) -> None:
    raise InputError(
        f"{path} is a binary file (a zero at offset {offset}); give its text: unpack it first, or save it as .txt"
    )


def _refuse_encoding(path: Path, what: str, guess: str) -> None:
    raise InputError(
        f"{path} {what}; convert it with `iconv -f {guess} -t utf-8 {path.name} > utf8-{path.name}`, "
        f"or name its encoding: --set data.text_encoding={guess}"
    )


def _json_lines(path: Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """One document a line; only \\n ends a line (JSON strings may hold other line separators as they are)."""
    for number, line in enumerate(read_text(path, encoding).split("\n"), 1):
        if line.strip():
            text = _text_of(line, key, f"{path}: line {number}")
            if text.strip():
                yield Document(f"{name}:{number}", text, "files", {"path": name, "line": number})


def _text_of(line: str, key: str, place: str) -> str:
    """The text of one JSON line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not JSON ({error}); mend or remove the line") from error
    text = record.get(key) if isinstance(record, dict) else None
    if not isinstance(text, str):
        has = f"the fields {', '.join(map(str, record))}" if isinstance(record, dict) else f"a {type(record).__name__}"
        raise InputError(f"{place} has no text under '{key}' (it has {has}); name the field: --set data.text_key=NAME")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place} has half a character (\\u{ord(text[error.start]):04x}); mend or remove the line"
        ) from error
    return text


def _parquet(path: Path, name: str, key: str, encoding: str) -> Iterator[Document]:
    """One document a row of a Parquet file."""
    for number, (text,) in enumerate(read_columns(path, [key])):
        if text is not None and not isinstance(text, str):
            raise InputError(
                f"{path}: column '{key}' holds {type(text).__name__}, not text; name another: --set data.text_key=NAME"
            )
        if text and text.strip():
            yield Document(f"{name}:{number}", text, "files", {"path": name, "row": number})


Reader = Callable[[Path, str, str, str], Iterator[Any]]
READERS: dict[str, Reader] = {".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet}
