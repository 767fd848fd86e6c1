"""The user's own text, read as documents: files, folders, archives, addresses.

    .txt .md .py ...          a document a file                   .zip .tar .tar.gz     their members
    .jsonl .csv .parquet      a document a row                    .warc .arc .wet       the pages of web archives
    .arrow, save_to_disk      a document a row                    .html                 a page, decoded and not yet stripped

each also as .gz, and from s3://, webhdfs://, http:// or whatever fsspec knows. What cannot be read is refused in a sentence that
names the file, the place in it and the way out; damage inside of an archive is reported and reading goes on; files of other
kinds in a folder are counted aloud. Line ends become \\n. A text file beyond PART_BYTES comes in parts. Links to folders
are not followed, so that none can lead in a circle. Leaves out: PDF, office documents, and text out of HTML (`data.clean`).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from groundup.data.documents import Document
from groundup.data.sources import archives, responses, tables
from groundup.data.sources.damage import Report
from groundup.data.sources.encodings import decode
from groundup.data.sources.members import pieces
from groundup.data.sources.places import is_remote, list_files, open_binary, refusals
from groundup.errors import FormatError, InputError
from groundup.progress import say

SUFFIXES = frozenset(
    ".txt .text .md .markdown .rst .org .tex .log .csv .tsv .html .htm .xml .json .yaml .yml .toml .ini .cfg .srt .css"
    " .py .pyi .js .ts .jsx .tsx .c .h .cc .cpp .hpp .cs .java .kt .go .rs .rb .php .pl .lua .r .jl .scala .swift .hs"
    " .ml .lisp .el .sh .sql".split()
)
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # how Windows begins a text in two bytes a character
PART_BYTES = 1 << 26  # a longer text file is read in parts of so much, cut where a line or at least a word ends


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the user said about the files."""

    key: str
    encoding: str
    report: Report | None


def documents(
    path: str | Path,
    key: str = "text",
    encoding: str = "utf-8",
    report: Report | None = None,
    watch: Callable[[int], None] | None = None,
) -> Iterator[Document]:
    """Read every document under `path`, in the order of the names.

    key: the field or column that holds the text. report: gets what is damaged inside of archives, which is said aloud otherwise.
    watch: called with a file's bytes once it is read (`size` has their sum). InputError for what cannot be read.
    """
    _check_encoding(encoding)
    wish = _Wish(key, encoding, report)
    if is_remote(path):
        return _many(list_files(str(path)), [], path, wish, watch)
    path = Path(path).expanduser()
    if tables.is_data_set(path):
        return tables.data_set(path, key)
    if os.path.isdir(path):
        found, others = _listed(path)
        return _many({file: file.relative_to(path).as_posix() for file in found}, others, path, wish, watch)
    if not os.path.lexists(path):
        raise InputError(f"{path} is not there; give the path of a text file, a folder, or a .jsonl or .parquet file")
    with refusals(path):
        path.stat()
    return _watched(path, path.name, wish, watch)


def size(path: str | Path) -> int:
    """The bytes of the files that `documents` would read on this machine; 0 where only their server knows."""
    if is_remote(path):
        return 0
    path = Path(path).expanduser()
    found = _listed(path)[0] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in found if file.is_file())


def listed(path: str | Path) -> list[tuple[str, str, int]]:
    """The files that `documents` would read, for whoever reads them one by one: path, name, bytes (0 where only a server knows)."""
    if is_remote(path):
        return [(file, name, 0) for file, name in list_files(str(path)).items()]
    path = Path(path).expanduser()
    if not os.path.lexists(path):
        raise InputError(f"{path} is not there; give the path of a text file, a folder, or a .jsonl or .parquet file")
    with refusals(path):
        length = path.stat().st_size
    if not path.is_dir() or tables.is_data_set(path):
        return [(str(path), path.name, length)]
    found, others = _listed(path)
    if others:
        say(f"{path}: {len(others)} files of other kinds were left out, such as {others[0].name}")
    sized = [(file, file.stat().st_size) for file in found]
    return [(str(file), file.relative_to(path).as_posix(), length) for file, length in sized if length]


def read_file(
    path: str, name: str, key: str = "text", encoding: str = "utf-8", report: Report | None = None
) -> Iterator[Document]:
    """The documents of one of the files that `listed` gives."""
    _check_encoding(encoding)
    if not is_remote(path) and tables.is_data_set(Path(path)):
        return tables.data_set(Path(path), key)
    return _file(path if is_remote(path) else Path(path), name, _Wish(key, encoding, report))


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise InputError(f"there is no encoding {encoding!r}; use utf-8, utf-16, latin-1 or cp1252") from error


def _many(
    found: Mapping[Any, str],
    others: list[Path],
    folder: str | Path,
    wish: _Wish,
    watch: Callable[[int], None] | None,
) -> Iterator[Document]:
    """The documents of many files with their names; empty ones are passed over, those of other kinds are counted."""
    empty = 0
    for path, name in found.items():
        with refusals(path):
            holds = is_remote(path) or path.stat().st_size
        if holds:
            yield from _watched(path, name, wish, watch)
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
            known_kind = _known_kind(path.name) or (not path.suffix and _is_text(path))
            (known if known_kind and path.is_file() else others).append(path)
    return sorted(known), sorted(others)


def _known_kind(name: str) -> bool:
    """Whether a name is that of a file with text."""
    return _reader(name) is not None or PurePosixPath(name.lower().removesuffix(".gz")).suffix in SUFFIXES


def _is_text(path: Path) -> bool:
    """Whether a file without a suffix (README, LICENSE) begins as text does."""
    if not path.is_file():
        return False
    with open_binary(path) as file:
        start = file.read(4096)
    return b"\0" not in start and not start.startswith((b"\x7fELF", b"%PDF"))


def _watched(path: str | Path, name: str, wish: _Wish, watch: Callable[[int], None] | None) -> Iterator[Document]:
    yield from _file(path, name, wish)
    if watch is not None and not is_remote(path):
        watch(os.stat(path).st_size)


def _file(path: str | Path, name: str, wish: _Wish) -> Iterator[Document]:
    """The documents of one file, by its kind."""
    if not is_remote(path) and not os.path.isfile(path):
        raise InputError(f"{path} is not a regular file; save its text to a file and give that")
    yield from (_reader(str(path)) or _text)(path, name, wish)


def _text(path: str | Path, name: str, wish: _Wish) -> Iterator[Document]:
    """A text file as one document, or as several parts of about PART_BYTES."""
    data = bytearray()
    part = 0
    with open_binary(path) as file:
        for piece in pieces(file):
            if piece.broken:
                raise FormatError(f"{path}: {piece.broken} at byte {piece.offset}; get the file again")
            data += piece.data
            if len(data) > PART_BYTES and (wish.encoding == "utf-8" and data[:2] not in WIDE_MARKS):
                end = _end_of_part(data)
                part += 1
                text = _decoded(path, bytes(data[:end]), wish.encoding)
                yield Document(f"{name}:{part}", text, "files", {"path": name, "part": part})
                del data[:end]
    if part and not data.strip():  # the last part ended with the file
        return
    text = _decoded(path, bytes(data), wish.encoding)
    about = {"path": name} | ({"part": part + 1} if part else {})
    yield Document(f"{name}:{part + 1}" if part else name, text, "files", about)


def _end_of_part(data: bytearray) -> int:
    """Where a part may end: behind a line, else behind a word, else behind a character."""
    for mark in (b"\n", b" "):
        if (found := data.rfind(mark, PART_BYTES // 2)) >= 0:
            return found + 1
    end = len(data) - 1
    while end > len(data) - 4 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """A file's text; InputError when it may not be read, is empty, binary, or not in the encoding."""
    with open_binary(path) as file:
        return _decoded(path, file.read(), encoding)


def _decoded(path: str | Path, data: bytes, encoding: str) -> str:
    """Bytes as text; InputError when they are none."""
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


def _refuse_binary(path: str | Path, offset: int) -> None:
    raise InputError(
        f"{path} is a binary file (a zero at offset {offset}); give its text: unpack it first, or save it as .txt"
    )


def _refuse_encoding(path: str | Path, what: str, guess: str) -> None:
    name = PurePosixPath(str(path)).name
    raise InputError(
        f"{path} {what}; convert it with `iconv -f {guess} -t utf-8 {name} > utf8-{name}`, "
        f"or name its encoding: --set data.text_encoding={guess}"
    )


def _html(path: str | Path, name: str, wish: _Wish) -> Iterator[Document]:
    """A page, decoded as browsers do; one that says nothing about its encoding is in the user's."""
    data = bytearray()
    with open_binary(path) as file:
        for piece in pieces(file):
            if piece.broken:
                raise FormatError(f"{path}: {piece.broken} at byte {piece.offset}; get the file again")
            data += piece.data
            if len(data) > PART_BYTES:
                raise InputError(f"{path} is longer than {PART_BYTES / 1e6:,.0f} MB, which no page is; leave it out")
    text, encoding = decode(bytes(data), "" if wish.encoding == "utf-8" else f"charset={wish.encoding}", html=True)
    if text.strip():
        yield Document(name, text, "files", {"path": name, "type": "text/html", "encoding": encoding})


def _csv(path: str | Path, name: str, wish: _Wish) -> Iterator[Document]:
    """The rows of a table that has the column; another table is a text like any other."""
    if wish.key == "text" and not tables.has_column(path, wish.key, wish.encoding):
        say(f"{name}: no column 'text', so it is read as one text; name its column: --set data.text_key=NAME")
        yield from _text(path, name, wish)
    else:
        yield from tables.comma_separated(path, name, wish.key, wish.encoding)


def _archive(path: str | Path, name: str, wish: _Wish) -> Iterator[Document]:
    def read(member: Path, shown: str) -> Iterator[Document]:
        return _file(member, shown, wish)

    closed = archives.ZIP + archives.TAR
    yield from archives.documents(
        path, name, read, lambda member: _known_kind(member) and not member.lower().endswith(closed), wish.report
    )


def _web(path: str | Path, name: str, wish: _Wish) -> Iterator[Document]:
    yield from responses.documents(path, name, wish.report)


def _rows(reader: Callable[..., Iterator[Document]]) -> "Reader":
    return lambda path, name, wish: reader(path, name, wish.key, wish.encoding)


Reader = Callable[[Any, str, _Wish], Iterator[Document]]
READERS: dict[str, Reader] = {
    ".jsonl": _rows(tables.json_lines),
    ".ndjson": _rows(tables.json_lines),
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _rows(tables.parquet),
    ".arrow": _rows(tables.arrow),
    ".feather": _rows(tables.arrow),
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".warc": _web,
    ".wet": _web,
    ".arc": _web,
} | dict.fromkeys(archives.ZIP + archives.TAR, _archive)


def _reader(name: str) -> Reader | None:
    """What reads a file of this name; None: it is a text, if it is anything."""
    name = name.lower()
    if found := next((READERS[end] for end in archives.ZIP + archives.TAR if name.endswith(end)), None):
        return found
    return READERS.get(PurePosixPath(name.removesuffix(".gz")).suffix)
