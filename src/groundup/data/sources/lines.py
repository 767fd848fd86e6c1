"""The lines of a text file, plain or compressed with gzip, in bounded memory: a line that never ends is refused, not read.

Bytes are decoded line by line, so that a wrong one is named by its line. Only \\n ends a line: JSON strings may hold other
separators as they are.
"""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from groundup.data.sources.members import pieces
from groundup.data.sources.places import open_binary
from groundup.errors import FormatError, InputError

LINE_BYTES = 1 << 26

Row = TypeVar("Row")


def raw_lines(path: str | Path, most: int = LINE_BYTES) -> Iterator[bytes]:
    """Lines as bytes without their ends; InputError for a longer one than `most`, FormatError for damaged gzip."""
    rest: list[bytes] = []
    size = number = 0
    with open_binary(path) as file:
        for piece in pieces(file):
            if piece.broken:
                raise FormatError(f"{path}: {piece.broken} at byte {piece.offset}; get the file again")
            *ended, tail = piece.data.split(b"\n")
            for line in ended:
                yield b"".join([*rest, line]).removesuffix(b"\r") if rest else line.removesuffix(b"\r")
                rest, size, number = [], 0, number + 1
            rest.append(tail)
            size += len(tail)
            if size > most:
                raise InputError(
                    f"{path}: line {number + 1} is longer than {most / 1e6:,.0f} MB; split it, or give the file as .txt, "
                    "which is read in parts"
                )
    if last := b"".join(rest):
        yield last.removesuffix(b"\r")


def lines(path: str | Path, encoding: str = "utf-8", most: int = LINE_BYTES) -> Iterator[str]:
    """Lines as text; a byte-order mark goes. InputError names the line that is not in the encoding."""
    if "\n".encode(encoding) != b"\n":  # two bytes a character: a line's end cannot be found byte by byte
        yield from _wide_lines(path, encoding, most)
        return
    number = 0
    for line in raw_lines(path, most):
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError as error:
            guess = "utf-16" if number == 1 and line[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin-1"
            raise InputError(
                f"{path} is not {encoding}: byte {line[error.start]:#04x} (line {number}); "
                f"convert it with `iconv -f {guess} -t utf-8`, or name its encoding: --set data.text_encoding={guess}"
            ) from error


def limited(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of csv's reader, with fields of up to LINE_BYTES (its own limit is 131,072; csv.Error where one is longer).

    csv has one limit for the whole process: it is set for each row alone, so no reader depends on which other ran before it.
    """
    while True:
        before = csv.field_size_limit(LINE_BYTES)
        try:
            row = next(rows)
        except StopIteration:
            return
        finally:
            csv.field_size_limit(before)
        yield row


def _wide_lines(path: str | Path, encoding: str, most: int) -> Iterator[str]:
    """Lines of UTF-16 and the like, out of a file of at most `most` bytes, plain or compressed."""
    data = bytearray()
    with open_binary(path) as file:
        for piece in pieces(file):
            if piece.broken:
                raise FormatError(f"{path}: {piece.broken} at byte {piece.offset}; get the file again")
            data += piece.data
            if len(data) > most:
                break
    if len(data) > most:
        raise InputError(
            f"{path} is longer than {most / 1e6:,.0f} MB in {encoding}; convert it with `iconv -f {encoding} -t utf-8`"
        )
    try:
        yield from data.decode(encoding).removeprefix("\ufeff").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not {encoding}: byte {data[error.start]:#04x} at {error.start}; name another encoding"
        ) from error
