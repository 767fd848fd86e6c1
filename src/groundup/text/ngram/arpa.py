r"""ARPA files: an n-gram model as a text that KenLM, SRILM and speech recognisers read. Plain, or .gz by its name.

    \data\                          how many n-grams of each length follow
    ngram 1=3

    \1-grams:
    -0.3010300<TAB>cat<TAB>-0.1     log10 P(word | context), the n-gram, log10 of its back-off weight (none at the highest order)

    \end\

Between documents we have one boundary token; the file has two words for it. As the first token of an n-gram it is <s>, as the last </s>. Nothing
predicts <s>, so as a word it has -99, which stands for 0. Words that are not in the vocabulary are <unk> (read also: <UNK>); a vocabulary without it, for
instance of bytes, has it in the file as a last word, with -99 too, since readers ask for it. Doug Paul's
format (MIT Lincoln Laboratory, 1992), as KenLM (Heafield 2011) reads and writes it. Left out: ARPA files with <s> or </s> inside an n-gram.
"""

import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.ngram.model import NgramModel, link_shorter

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
NEVER = "-99"
BLANKS = " \t\r\n"  # what ends a word in KenLM; other white space, such as U+00A0, is part of it
BLOCK = 100_000  # lines that are written at once


def grams(model: NgramModel) -> Iterator[tuple[int, np.ndarray, slice]]:
    """For each length: the ids of all its n-grams, one a row, and where they stand in the model's arrays."""
    rows, start = np.zeros((1, 0), np.int32), 0
    for length in range(1, model.order + 1):
        end = int(model.first[start + len(rows)])
        begin = start + len(rows)
        parents = np.repeat(np.arange(len(rows)), np.diff(model.first[start : start + len(rows) + 1]))
        rows = np.concatenate([rows[parents], model.words[begin:end, None]], axis=1)
        start = begin
        yield length, rows, slice(begin, end)


def write(path: str | Path, model: NgramModel, words: Sequence[str]) -> None:
    """Write a model. words: the spelling of each id."""
    if model.alone:
        raise ConfigError(
            f"an ARPA file backs off to shorter contexts, which smoothing={model.smoothing!r} does not; train with kneser_ney, "
            "katz or another that does"
        )
    _check_words(words, model)
    with files.atomic_path(path) as temporary, _opened_to_write(temporary, str(path).endswith(".gz")) as file:
        sizes = [found[2].stop - found[2].start for found in grams(model)]
        sizes[0] += (model.boundary is not None) + (UNKNOWN not in words)
        file.write("\\data\\\n" + "".join(f"ngram {n}={size}\n" for n, size in enumerate(sizes, 1)))
        for length, rows, where in grams(model):
            file.write(f"\n\\{length}-grams:\n")
            for begin in range(0, len(rows), BLOCK):
                block = slice(where.start + begin, min(where.start + begin + BLOCK, where.stop))
                file.writelines(_lines(model, rows[begin : begin + BLOCK], block, words))
            if length == 1 and UNKNOWN not in words:
                file.write(f"{NEVER}\t{UNKNOWN}" + ("\t0\n" if model.order > 1 else "\n"))
        file.write("\n\\end\\\n")


def _check_words(words: Sequence[str], model: NgramModel) -> None:
    if len(words) != model.vocab_size:
        raise InputError(f"{len(words)} words were given for a vocabulary of {model.vocab_size}; give one for each id")
    seen: dict[str, int] = {}
    for id, word in enumerate(words):
        if id == model.boundary:
            continue
        if not word or any(blank in word for blank in BLANKS) or word in (BEGIN, END):
            raise InputError(
                f"id {id} is spelled {word!r}, which an ARPA file cannot hold; spell it without white space, and not <s> or </s>"
            )
        if seen.setdefault(word, id) != id:
            raise InputError(f"ids {seen[word]} and {id} are both spelled {word!r}; give each its own spelling")


@contextmanager
def _opened_to_write(path: Path, zipped: bool) -> Iterator[Any]:
    """A text file; its gzip header holds no time, so the same model gives the same bytes."""
    with open(path, "wb") as raw:
        inside = gzip.GzipFile("", "wb", 6, raw, 0) if zipped else raw
        with io.TextIOWrapper(inside, "utf-8", newline="\n") as file:  # type: ignore[arg-type]
            yield file


def _lines(model: NgramModel, rows: np.ndarray, where: slice, words: Sequence[str]) -> Iterator[str]:
    """The lines of some n-grams of one length."""
    length, boundary = rows.shape[1], model.boundary
    last = list(words)
    if boundary is not None:
        last[boundary] = END
    first = list(last)
    if boundary is not None and length > 1:
        first[boundary] = BEGIN
    columns = [[first[id] for id in rows[:, 0].tolist()]]
    columns += [[last[id] for id in rows[:, at].tolist()] for at in range(1, length)]
    chances = np.minimum(0.0, np.log10(model.probability[where])).tolist()
    texts = map(" ".join, zip(*columns, strict=True))
    if length == model.order:
        yield from ("{:.9g}\t{}\n".format(*line) for line in zip(chances, texts, strict=True))
    else:
        backoffs = (np.log10(model.backoff[where]) + 0.0).tolist()
        if length == 1 and boundary is not None and rows[0, 0] <= boundary <= rows[-1, 0]:
            backoffs[boundary - rows[0, 0]] = 0.0  # nothing follows </s>
        yield from ("{:.9g}\t{}\t{:.9g}\n".format(*line) for line in zip(chances, texts, backoffs, strict=True))
    if length == 1 and boundary is not None and boundary in rows[:, 0]:
        backoff = f"\t{np.log10(model.backoff[1 + boundary]) + 0.0:.9g}" if model.order > 1 else ""
        yield f"{NEVER}\t{BEGIN}{backoff}\n"


class _Lines:
    """The lines of a file with their numbers; what is wrong is said with the number."""

    def __init__(self, path: Path, file: Any) -> None:
        self.path, self.file, self.number = path, file, 0

    def next(self) -> str | None:
        """The next line that is not empty, None at the end."""
        for line in self.file:
            self.number += 1
            if line := line.strip(BLANKS):
                return line
        return None

    def wrong(self, what: str) -> FormatError:
        """What is wrong with the line of now."""
        return FormatError(f"{self.path}: line {self.number}: {what}; mend the line or write the file again")


def read(path: str | Path) -> tuple[NgramModel, list[str]]:
    """A model and the spelling of each of its ids. <s> and </s> become one id, the boundary, spelled </s>."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not there; check the path")
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        lines = _Lines(path, io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if zipped else raw, "utf-8", newline="\n"))  # type: ignore[arg-type]
        try:
            return _read(lines)
        except UnicodeDecodeError as error:
            raise FormatError(
                f"{path}: after line {lines.number} comes no UTF-8 ({error.reason}); save the file as UTF-8"
            ) from error
        except (EOFError, OSError, zlib.error) as error:
            raise FormatError(
                f"{path}: after line {lines.number} the compressed file is damaged ({error}); write it again"
            ) from error


def _read(lines: _Lines) -> tuple[NgramModel, list[str]]:
    sizes = _header(lines)
    ids: dict[str, int] = {}
    boundary: int | None = None
    tables = []
    for length, size in enumerate(sizes, 1):
        if length == 1:
            table, boundary = _unigrams(lines, size, ids, len(sizes))
        else:
            table = _table(lines, size, ids, length, len(sizes))
        tables.append(table)
        following = lines.next()
        expected = f"\\{length + 1}-grams:" if length < len(sizes) else "\\end\\"
        if following != expected:
            raise lines.wrong(f"{expected!r} was expected after {size} n-grams of length {length}, not {following!r}")
    words = list(dict.fromkeys(END if word == BEGIN else word for word in ids))
    return _model(lines, tables, len(words), boundary), words


def _header(lines: _Lines) -> list[int]:
    line = lines.next()
    while line is not None and line != "\\data\\":
        line = lines.next()
    if line is None:
        raise lines.wrong("no \\data\\ was found, so this is no ARPA file")
    sizes: list[int] = []
    while (line := lines.next()) is not None and (found := re.fullmatch(r"ngram\s+(\d+)\s*=\s*(\d+)", line)):
        if int(found[1]) != len(sizes) + 1:
            raise lines.wrong(f"the number of n-grams of length {len(sizes) + 1} was expected")
        sizes.append(int(found[2]))
    if not sizes or line != "\\1-grams:":
        raise lines.wrong("'\\1-grams:' was expected after the numbers of n-grams")
    return sizes


def _fields(lines: _Lines, length: int, order: int) -> tuple[float, list[str], float]:
    """One line: log10 P, the n-gram, log10 of its back-off weight."""
    line = lines.next()
    fields = [] if line is None else [*filter(None, line.replace("\t", " ").split(" "))]
    if not length + 1 <= len(fields) <= length + 1 + (length < order):
        shown = "the end of the file" if line is None else repr(line[:60])
        raise lines.wrong(f"a probability, {length} words and perhaps a back-off weight were expected, not {shown}")
    try:
        chance, backoff = float(fields[0]), float(fields[length + 1]) if len(fields) > length + 1 else 0.0
    except ValueError as error:
        raise lines.wrong(f"a number was expected ({error})") from error
    if not chance <= 0 or not math.isfinite(chance + backoff):
        raise lines.wrong(
            f"{fields[0]} is no logarithm of a probability, which is 0 or less, or its weight {backoff} no number"
        )
    return chance, [UNKNOWN if word == "<UNK>" else word for word in fields[1 : length + 1]], backoff


Table = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # ids, log10 P, log10 of the weight, numbers of the lines


def _unigrams(lines: _Lines, size: int, ids: dict[str, int], order: int) -> tuple[Table, int | None]:
    """The words; <s> and </s> share an id, whose probability is that of </s> and whose weight is that of <s>."""
    chances: list[float] = []
    backoffs: list[float] = []
    boundary: int | None = None
    for _ in range(size):
        chance, (word,), backoff = _fields(lines, 1, order)
        if word in ids:
            raise lines.wrong(f"{word!r} is there twice")
        if word in (BEGIN, END):
            if boundary is None:
                boundary = len(chances)
                chances.append(float(NEVER))
                backoffs.append(0.0)
            ids[word] = boundary
            if word == BEGIN:
                backoffs[boundary] = backoff
            else:
                chances[boundary] = chance
            continue
        ids[word] = len(chances)
        chances.append(chance)
        backoffs.append(backoff)
    if not chances:
        raise lines.wrong("a model without words was found")
    return (
        np.arange(len(chances))[:, None],
        np.array(chances),
        np.array(backoffs),
        np.zeros(len(chances), int),
    ), boundary


def _table(lines: _Lines, size: int, ids: dict[str, int], length: int, order: int) -> Table:
    rows: list[list[int]] = []
    chances, backoffs, numbers = [], [], []
    for _ in range(size):
        chance, words, backoff = _fields(lines, length, order)
        try:
            rows.append([ids[word] for word in words])
        except KeyError as error:
            raise lines.wrong(f"the word {error} is not among the 1-grams") from error
        if END in words[:-1] or BEGIN in words[1:]:
            raise lines.wrong(f"<s> or </s> stands inside {' '.join(words)!r}, which is not supported")
        chances.append(chance)
        backoffs.append(backoff)
        numbers.append(lines.number)
    return np.array(rows, np.int64).reshape(-1, length), np.array(chances), np.array(backoffs), np.array(numbers, int)


def _model(lines: _Lines, tables: Sequence[Table], vocab_size: int, boundary: int | None) -> NgramModel:
    """Sort each length by context and word, and link it to the one before."""
    order, begin, starts = len(tables), 1, [1]
    keys: list[np.ndarray] = []
    words, parents = [np.full(1, -1)], [np.zeros(1, np.int64)]
    chances, weights = [np.zeros(1)], [np.zeros(1)]
    for length, (rows, chance, backoff, numbers) in enumerate(tables, 1):
        context = _places(lines, rows, keys, vocab_size, starts, numbers)
        key = context * vocab_size + rows[:, -1]
        by_key = np.argsort(key, kind="stable")
        key = key[by_key]
        if len(twice := np.flatnonzero(key[1:] == key[:-1])):
            lines.number = int(numbers[by_key[twice[0] + 1]])
            raise lines.wrong("the n-gram is there twice")
        keys.append(key)
        words.append(rows[by_key, -1])
        parents.append(context[by_key])
        chances.append(chance[by_key])
        weights.append(backoff[by_key] if length < order else np.zeros(0))
        begin += len(rows)
        starts.append(begin)
    flat_words, flat_parents = np.concatenate(words).astype(np.int32), np.concatenate(parents)
    contexts = starts[order - 1]
    first = np.searchsorted(flat_parents[1:], np.arange(contexts + 1)) + 1
    shorter = link_shorter(flat_parents, flat_words, first, np.array([1, 1 + vocab_size]))
    probability, backoff = 10.0 ** np.concatenate(chances), 10.0 ** np.concatenate(weights)[:contexts]
    return NgramModel((flat_words, first, shorter, probability, backoff), order, vocab_size, boundary, smoothing="arpa")


def _places(
    lines: _Lines,
    rows: np.ndarray,
    keys: Sequence[np.ndarray],
    vocab_size: int,
    starts: Sequence[int],
    numbers: np.ndarray,
) -> np.ndarray:
    """Where the context of each n-gram stands: all its tokens but the last."""
    place = np.zeros(len(rows), np.int64)
    for length, known in enumerate(keys):
        wanted = place * vocab_size + rows[:, length]
        found = np.searchsorted(known, wanted)
        missing = (
            np.flatnonzero((found == len(known)) | (known[np.minimum(found, len(known) - 1)] != wanted))
            if len(known)
            else np.arange(len(rows))
        )
        if len(missing):
            lines.number = int(numbers[missing[0]])
            raise lines.wrong(f"its context, the first {length + 1} words, is not among the {length + 1}-grams")
        place = starts[length] + found
    return place
