r"""Files of word vectors that other tools share: those of word2vec.c, in text and in binary, and GloVe's text.

    text      "<words> <dimension>\n", then a line a word: the word and its numbers, with single spaces between
    binary    the same first line, then for each word: its UTF-8 bytes, a space, the numbers as little-endian float32, a newline
    GloVe     the text without its first line

gensim's KeyedVectors reads what is written here (`load_word2vec_format`) and the reverse. gensim leaves out the newline after the
numbers of its binary form and word2vec.c writes it; both are read. Numbers in text have nine digits, enough to give back every float32.

Counts of words have no place in these files. Left out: files packed with gzip, float16, and pickles.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.progress import say

LONGEST_WORD = 4096  # bytes: beyond it a binary file is damaged


def write(path: str | Path, words: Sequence[str], vectors: np.ndarray, binary: bool = False) -> None:
    """Write words and vectors: the whole file, or the old one stays."""
    for word in words:
        if not word or " " in word or "\n" in word or word != word.rstrip() or not _readable(word):
            raise InputError(
                f"the word {word!r} has no place in this format, where a space ends a word, a newline its line, and a word is UTF-8 of less "
                f"than {LONGEST_WORD:,} bytes; "
                "leave it out, or use save() in place of save_word2vec()"
            )
    numbers = " ".join(["%.9g"] * vectors.shape[1])
    with files.atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(b"%d %d\n" % vectors.shape)
        for word, row in zip(words, vectors, strict=True):
            values = row.astype("<f4").tobytes() if binary else (numbers % tuple(row.tolist())).encode()
            file.write(b"%s %s\n" % (word.encode(), values))


def _readable(word: str) -> bool:
    """Whether a reader takes a word: half a pair of UTF-16 has no UTF-8, and beyond LONGEST_WORD a file counts as damaged."""
    try:
        return len(word.encode()) < LONGEST_WORD
    except UnicodeEncodeError:
        return False


def read(path: str | Path, binary: bool | None = None) -> tuple[list[str], np.ndarray]:
    """Words and float32 vectors of a file; damage is a FormatError that names the line, or in binary the byte."""
    path = Path(path)
    with open_file(path) as file:
        start = file.read(8192)
    if start[:2] == b"\x1f\x8b":
        raise FormatError(f"{path} is packed with gzip; unpack it first: gunzip {path.name}")
    first, _, rest = start.partition(b"\n")
    if not first.strip():
        raise FormatError(
            f"{path} begins with an empty line; a file of word vectors begins with its size or with a word"
        )
    if binary is None:
        binary = _is_binary(rest)
    size = _header(path, first)
    if size is None and binary:
        raise FormatError(f"{path}: the first line of a binary file is '<words> <dimension>', here {first[:40]!r}")
    words, vectors = _read_binary(path, size, len(first) + 1) if binary and size else _read_text(path, size)
    return _first_of_each(path, words, vectors)


def open_file(path: Path):  # type: ignore[no-untyped-def]
    """Open a file for its bytes; a missing one is an InputError."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from error


def _is_binary(sample: bytes) -> bool:
    """Whether bytes are no text: numbers as bits hold control characters and broken UTF-8."""
    if any(byte < 9 for byte in sample):
        return True
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start < len(sample) - 4  # not merely cut inside its last character
    return False


def _header(path: Path, first: bytes) -> tuple[int, int] | None:
    """Number of words and dimension, checked against the file's size; None for a file that begins with a word."""
    fields = first.split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields):
        return None
    count, dimension = int(fields[0]), int(fields[1])
    if not count or not dimension:
        raise FormatError(f"{path}: line 1 says {count} words of dimension {dimension}; there is nothing to read")
    least = count * dimension * 2  # a number takes two characters or more, four bytes in binary
    if least > path.stat().st_size:
        raise FormatError(
            f"{path}: line 1 says {count:,} words of dimension {dimension:,}, at least {least:,} bytes, but the file has "
            f"{path.stat().st_size:,}; it was cut or its first line is wrong: copy it again"
        )
    return count, dimension


# ───────── text ─────────


def _read_text(path: Path, size: tuple[int, int] | None) -> tuple[list[str], np.ndarray]:
    words: list[str] = []
    rows: list[np.ndarray] = []
    with open_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy reports a number it could not read
        for number, line in _lines(file, header=size is not None):
            if size and len(words) == size[0]:
                raise FormatError(
                    f"{path}: line {number} goes on behind the {size[0]:,} words that line 1 says; mend line 1"
                )
            dimension = size[1] if size else len(rows[0]) if rows else line.count(b" ")
            word, row = _parse(path, number, line, dimension)
            words.append(word)
            rows.append(row)
    if size and len(words) < size[0]:
        raise FormatError(
            f"{path}: line 1 says {size[0]:,} words, but the file ends after {len(words):,}; it was cut: copy it again"
        )
    return words, np.stack(rows)


def _lines(file, header: bool) -> Iterator[tuple[int, bytes]]:  # type: ignore[no-untyped-def]
    """The lines that hold a word, with their numbers."""
    for number, line in enumerate(file, 1):
        line = line.rstrip()
        if line and not (header and number == 1):
            yield number, line


def _parse(path: Path, number: int, line: bytes, dimension: int) -> tuple[str, np.ndarray]:
    """A line's word and its numbers."""
    name, _, numbers = line.partition(b" ")
    try:
        row = np.fromstring(numbers, np.float32, sep=" ")
    except (DeprecationWarning, ValueError):
        row = np.zeros(0, np.float32)
    if len(row) != dimension or not np.isfinite(row).all():
        raise FormatError(f"{path}: line {number} {_wrong(numbers.split(), dimension)}; mend or remove the line")
    try:
        return name.decode(), row
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}: line {number}: the word is not UTF-8 (byte {error.start + 1}); save it as UTF-8"
        ) from error


def _wrong(fields: list[bytes], dimension: int) -> str:
    """What is wrong with a line's numbers."""
    for field in fields:
        try:
            if not np.isfinite(np.float32(field.decode(errors="replace"))):
                return f"has {field.decode()} where a finite number belongs"
        except ValueError:
            return f"has {field[:20].decode(errors='replace')!r} where a number belongs"
    return f"has {len(fields)} numbers where there should be {dimension}"


# ───────── binary ─────────


def _read_binary(path: Path, size: tuple[int, int], place: int) -> tuple[list[str], np.ndarray]:
    count, dimension = size
    if 4 * count * dimension > path.stat().st_size:
        raise FormatError(
            f"{path}: line 1 says {count:,} words of dimension {dimension:,}, {4 * count * dimension:,} bytes of numbers, but the "
            f"file has {path.stat().st_size:,}; it was cut or its first line is wrong: copy it again"
        )
    with open_file(path) as file:
        data = file.read()
    words, vectors = [], np.empty((count, dimension), np.float32)
    for row in range(count):
        word, place = _binary_word(path, data, place, row, count)
        if place + 4 * dimension > len(data):
            raise FormatError(
                f"{path}: it ends at byte {len(data):,}, inside the numbers of word {row + 1:,} of {count:,}; copy it again"
            )
        vectors[row] = np.frombuffer(data, "<f4", dimension, place)
        if not np.isfinite(vectors[row]).all():
            raise FormatError(f"{path}: the numbers of {word!r} at byte {place:,} hold NaN or infinity; copy it again")
        words.append(word)
        place += 4 * dimension
    if data[place:].strip():
        raise FormatError(
            f"{path}: it goes on at byte {place:,}, behind the {count:,} words of dimension {dimension:,} that line 1 says; "
            "its first line is wrong or it was damaged: copy it again"
        )
    return words, vectors


def _binary_word(path: Path, data: bytes, place: int, row: int, count: int) -> tuple[str, int]:
    """The word that begins at a byte, and where its numbers begin."""
    while place < len(data) and data[place] == ord("\n"):
        place += 1
    end = data.find(b" ", place, place + LONGEST_WORD)
    if end < 0:
        raise FormatError(
            f"{path}: no word ends after byte {place:,}, where word {row + 1:,} of {count:,} begins; copy it again"
        )
    try:
        return data[place:end].decode(errors="surrogatepass"), end + 1
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}: word {row + 1:,} of {count:,}, at byte {place:,}, is not UTF-8; the file is damaged or its first line is "
            "wrong: copy it again"
        ) from error


def _first_of_each(path: Path, words: list[str], vectors: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Of a word that a file holds twice the first row counts, as in other readers, and that is said."""
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        first.setdefault(word, row)
    if len(first) < len(words):
        say(f"{path}: {len(words) - len(first):,} words are there more than once; the first row of each is used")
        vectors = vectors[list(first.values())]
    return list(first), vectors
