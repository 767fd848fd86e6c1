"""`groundup tokenizer encode` and `decode`: a line in, a line out, so files of any size pass through in little memory.

Each line is a text of its own, without its newline; `encode | decode` gives the same lines back (where the tokenizer loses nothing).
Lines are worked on in lots of about a megabyte; a bar on stderr shows how far a file is.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import tyro

from groundup.errors import InputError

LOT_BYTES = 1 << 20
Source = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TOKENIZER")]
Text = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeOptions:
    """text to token ids, a line of ids for each line of text"""

    tokenizer: Source
    """a folder or file of a tokenizer"""
    file: Text = "-"
    """the text; - or nothing: stdin"""
    whole: bool = False
    """the whole file is one text (held in memory), its newlines are tokens too"""
    special: bool = False
    """control tokens spelled in the text become their ids"""
    add_special_tokens: bool = False
    """with the marks that the model wants around a text, such as <s> or [CLS]"""
    tokens: bool = False
    """write the tokens themselves in place of ids, as JSON strings"""
    pattern: str | None = None
    """the split pattern, for files that do not say it"""
    json: bool = False
    """write {"ids": [...]} for each text"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodeOptions:
    """token ids to text, a line for each line of ids"""

    tokenizer: Source
    """a folder or file of a tokenizer"""
    file: Text = "-"
    """lines of ids between spaces, or JSON: a list or {"ids": [...]}; - or nothing: stdin"""
    skip_special_tokens: bool = False
    """leave control tokens out"""
    pattern: str | None = None
    """the split pattern, for files that do not say it"""
    json: bool = False
    """write {"text": ...} for each line, which keeps newlines inside a text apart"""


@contextlib.contextmanager
def opened(name: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file, or stdin for -, and its size (0: not known)."""
    if name == "-":
        yield sys.stdin.buffer, 0
        return
    try:
        file = open(name, "rb")
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}); check the path") from error
    with file:
        yield file, Path(name).stat().st_size


def lots(name: str, whole: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file or stdin in lots, each with the number of its first line; a bar counts the bytes."""
    from groundup.progress import progress

    number = 1
    with opened(name) as (file, size), progress(size or 1, "lines", "B") as bar:
        if whole:
            yield 1, [_text(file.read(), name, 1)]
            return
        while lines := file.readlines(LOT_BYTES):
            yield number, [_text(line.removesuffix(b"\n"), name, number + i) for i, line in enumerate(lines)]
            number += len(lines)
            if size:
                bar.update(sum(map(len, lines)))


def _text(line: bytes, name: str, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        where = "stdin" if name == "-" else name
        raise InputError(
            f"{where}: line {number} is no UTF-8 (byte {error.start} of it); convert it, for example with iconv -f latin1 -t utf-8"
        ) from error


def write(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")


def encode(options: EncodeOptions) -> None:
    """Encode line by line."""
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(options.tokenizer, options.pattern)
    for _, texts in lots(options.file, options.whole):
        for ids in tokenizer.encode_batch(texts, options.special, options.add_special_tokens):
            shown: list[Any] = [tokenizer.decode([id]) for id in ids] if options.tokens else ids
            if options.json or options.tokens:
                key = "tokens" if options.tokens else "ids"
                write(json.dumps({key: shown} if options.json else shown, ensure_ascii=False))
            else:
                write(" ".join(map(str, ids)))


def _ids(line: str, number: int) -> list[int]:
    """The ids of a line, in any of the forms that `encode` writes."""
    try:
        found = json.loads(line) if line.lstrip()[:1] in ("[", "{") else list(map(int, line.split()))
        found = found["ids"] if isinstance(found, dict) else found
        if isinstance(found, list) and all(type(id) is int for id in found):
            return found
    except (ValueError, KeyError):
        pass
    shown = line if len(line) <= 40 else line[:40] + "..."
    raise InputError(f"line {number} holds no token ids ({shown!r}); write numbers between spaces, or JSON")


def decode(options: DecodeOptions) -> None:
    """Decode line by line."""
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(options.tokenizer, options.pattern)
    for first, lines in lots(options.file):
        for number, line in enumerate(lines, first):
            text = tokenizer.decode(_ids(line, number), options.skip_special_tokens)
            write(json.dumps({"text": text}, ensure_ascii=False) if options.json else text)
