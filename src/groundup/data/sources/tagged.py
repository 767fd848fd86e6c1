"""Sentences whose words have labels: one word a line, or `word/tag` in running text.

CoNLL's form (2002, 2003 and after) has a word a line, its columns apart by a tab or by spaces, and an empty line between
sentences; the first column is the word, the last its tag. The treebanks' form (Brown, Penn) writes the/DT dog/NN; Penn's
brackets around noun phrases are passed over, and its sentences end at a full stop or a line of =. A slash inside a word is
the word's: the last one counts.

Left out: the ten columns of CoNLL-U, which hold trees.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from groundup.errors import InputError

Tagged = tuple[list[str], list[str]]  # the words of a sentence and their tags
MARK = "\ufeff"  # some editors begin a file with it
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)  # the last: it has a password
AFTER_THE_END = frozenset(["''", ")", "."])  # tags that close a sentence whose full stop was there


def read_tagged(
    path: str | Path, pattern: str = "*", *, form: str = "columns", encoding: str = "utf-8"
) -> list[Tagged]:
    """Read the sentences of a file, or of the members of a .zip archive whose names fit `pattern`.

    form: "columns" (a word a line) or "slashes" (word/tag).
    """
    readers = {"columns": parse_columns, "slashes": parse_slashes}
    if form not in readers:
        raise InputError(f"form={form!r} is no form of tagged text; use {' or '.join(readers)}")
    sentences = [
        sentence for name, text in texts_of(Path(path), pattern, encoding) for sentence in readers[form](text, name)
    ]
    if not sentences:
        raise InputError(f"{path} has no tagged sentence; give a file with a word and its tag a line, or of word/tag")
    return sentences


def is_archive(path: Path) -> bool:
    """Whether a file is a .zip, by its name or by what is in it."""
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


@contextmanager
def readable(path: Path, encoding: str = "utf-8") -> Iterator[None]:
    """InputError for what a file may do to those who read it: no right to, a damaged or locked archive, another encoding."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no {encoding} (byte {error.start}); pass its encoding, such as latin-1, or save it as UTF-8"
        ) from error
    except LookupError as error:
        raise InputError(f"{encoding!r} is no encoding that Python knows; use utf-8, latin-1 or the like") from error
    except PermissionError as error:
        raise InputError(f"{path} cannot be read (permission denied); give yourself the right to read it") from error
    except DAMAGED as error:
        raise InputError(f"{path} cannot be read ({error}); unpack it yourself, or fetch it again") from error


def texts_of(path: Path, pattern: str, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """The name and the text of a file, or of each member of a .zip whose name fits `pattern`."""
    if not path.is_file():
        raise InputError(f"{path} is not there; give a file of sentences, or a .zip of them")
    with readable(path, encoding):
        if not is_archive(path):
            return [(str(path), path.read_text(encoding=encoding).removeprefix(MARK))]
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if fnmatch(name, pattern) and not name.endswith("/"))
            if not names:
                raise InputError(f"{path} has no member like {pattern!r}; it has {', '.join(archive.namelist()[:5])}")
            return [(f"{path}/{name}", archive.read(name).decode(encoding).removeprefix(MARK)) for name in names]


def parse_columns(text: str, name: str = "<text>") -> list[Tagged]:
    """Sentences of a text with a word a line: first column and last.

    >>> parse_columns("New B-LOC\\nYork I-LOC\\n\\nHi O\\n")
    [(['New', 'York'], ['B-LOC', 'I-LOC']), (['Hi'], ['O'])]
    """
    sentences: list[Tagged] = []
    words: list[str] = []
    tags: list[str] = []
    width = 0
    for number, line in enumerate([*text.removeprefix(MARK).split("\n"), ""], 1):
        line = line.rstrip()  # a tab at the end begins no column
        parts = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or parts[0] == "-DOCSTART-":
            if words:
                sentences.append((words, tags))
            words, tags = [], []
            continue
        width = width or len(parts)
        if len(parts) < max(width, 2):
            raise InputError(
                f"{name}: line {number} has {len(parts)} columns where {max(width, 2)} are expected; mend the line"
            )
        words.append(" ".join(parts[: len(parts) - width + 1]).strip())  # a space inside a word, as some files have it
        tags.append(parts[-1].strip())
        if not words[-1]:
            raise InputError(f"{name}: line {number} has a tag and no word; mend the line")
    return sentences


def parse_slashes(text: str, name: str = "<text>") -> list[Tagged]:
    """Sentences of a text of word/tag, ended by an empty line or by a full stop and the quotes that close after it.

    >>> parse_slashes("[ The/DT dog/NN ] barks/VBZ ./.  1\\\\/2/CD")
    [(['The', 'dog', 'barks', '.'], ['DT', 'NN', 'VBZ', '.']), (['1/2'], ['CD'])]
    """
    text = text.removeprefix(MARK)
    sentences: list[Tagged] = [([], [])]
    stopped = False  # the sentence has its full stop
    penn = any(line.lstrip().startswith("[ ") for line in text.split("\n"))  # empty lines stand inside its sentences
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip("= \t\r") and not (penn and "=" not in line):
            sentences.append(([], []))
            stopped = False
        for item in line.split():
            if item in "[]" or not item.strip("="):
                continue
            word, slash, tag = item.rpartition("/")
            if not slash or not word or not tag:
                raise InputError(f"{name}: line {number} has {item!r}, which is no word/tag; mend the line")
            if stopped and tag not in AFTER_THE_END:
                sentences.append(([], []))
                stopped = False
            stopped = stopped or tag == "."
            sentences[-1][0].append(word.replace("\\/", "/"))
            sentences[-1][1].append(tag)
    return [sentence for sentence in sentences if sentence[0]]


def check_tagged(sentences: Sequence[tuple[Sequence[str], Sequence[str]]], tags: Sequence[str] = ()) -> list[str]:
    """The tags of a corpus, sorted; InputError when it is empty, a sentence's words and tags differ in number, or a tag is new.

    tags: those that are allowed; none: all.
    """
    if not any(len(words) for words, _ in sentences):
        raise InputError("the corpus holds no tagged word; give sentences of words with their tags")
    for number, (words, labels) in enumerate(sentences, 1):
        if len(words) != len(labels):
            raise InputError(f"sentence {number} has {len(words)} words and {len(labels)} tags; give each word one tag")
        new = sorted(set(labels) - set(tags)) if tags else []
        if new:
            raise InputError(
                f"sentence {number} has the tag {new[0]!r}, which is none of {', '.join(tags[:12])}"
                f"{' ...' if len(tags) > 12 else ''}; map one tag set to the other first"
            )
    return sorted({tag for _, labels in sentences for tag in labels})
