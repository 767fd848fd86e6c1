"""CoNLL-U: a treebank of dependencies as a table, a line a word, ten columns, a blank line after each sentence.

    ID  FORM  LEMMA  UPOS  XPOS  FEATS  HEAD  DEPREL  DEPS  MISC        (universaldependencies.org/format.html)

HEAD is the ID of the word that a word depends on, 0 for the root. Lines with an ID like 3-4 hold one written word that is
two of syntax ("don't"), lines like 3.1 a word that is not written; neither has a head in the tree, and both are kept as
they came, so rows and comments are written again as they stood; what is not kept: ends of line other than \\n, a second
empty line, a comment under the last sentence. A file that ends in .gz is unpacked.
"""

import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from groundup import files
from groundup.errors import FormatError, InputError

COLUMNS = 10
FORM, UPOS, XPOS, HEAD, DEPREL = 1, 3, 4, 6, 7


@dataclass(frozen=True)
class Sentence:
    """A sentence as it stands in the file. rows: every line of the table; comments: the lines with # above it."""

    rows: tuple[tuple[str, ...], ...]
    comments: tuple[str, ...] = ()

    @property
    def tokens(self) -> list[tuple[str, ...]]:
        """The rows of words of the tree: those whose ID is a whole number."""
        return [row for row in self.rows if row[0].isdigit()]

    def column(self, number: int) -> list[str]:
        """One column of the words of the tree."""
        return [row[number] for row in self.tokens]

    @property
    def words(self) -> list[str]:
        """The forms."""
        return self.column(FORM)

    @property
    def tags(self) -> list[str]:
        """The universal parts of speech."""
        return self.column(UPOS)

    @property
    def heads(self) -> list[int]:
        """For each word the number of its head, counted from 1; 0 is the root."""
        heads = self.column(HEAD)
        if "_" in heads:
            raise InputError(
                f"the sentence {' '.join(self.words[:8])!r} has words without a head; give a treebank that has them"
            )
        return [int(head) for head in heads]

    @property
    def labels(self) -> list[str]:
        """For each word the name of its relation to its head."""
        return self.column(DEPREL)

    def parsed(self, heads: Sequence[int], labels: Sequence[str]) -> "Sentence":
        """The sentence with other heads and labels."""
        found = iter(zip(heads, labels, strict=True))
        rows = []
        for row in self.rows:
            if row[0].isdigit():
                head, label = next(found)
                row = (*row[:HEAD], str(head), label, *row[DEPREL + 1 :])
            rows.append(row)
        return replace(self, rows=tuple(rows))


def sentence_of(words: Sequence[str], tags: Sequence[str], heads: Sequence[int], labels: Sequence[str]) -> Sentence:
    """A sentence of words that came from no file; what is not known is written as _."""
    columns = zip(words, tags, heads, labels, strict=True)
    return Sentence(tuple((str(n), word, "_", tag, "_", "_", str(head), label, "_", "_")
                          for n, (word, tag, head, label) in enumerate(columns, 1)))  # fmt: skip


def read_conllu(path: str | Path) -> list[Sentence]:
    """The sentences of a file, packed with gzip or not; damage is answered with its line."""
    path = Path(path)
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; check the path") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FormatError(
            f"{path} cannot be read ({error}); it should be UTF-8, or gzip of it where it ends in .gz"
        ) from error
    return parse_conllu(text, str(path))


def parse_conllu(text: str, name: str = "the text") -> list[Sentence]:
    """The sentences of a text in CoNLL-U; damage is answered with its line of `name`."""
    sentences: list[Sentence] = []
    comments: list[str] = []
    rows: list[tuple[str, ...]] = []
    for number, line in enumerate([*text.removeprefix("\ufeff").split("\n"), ""], 1):  # a mark some editors begin with
        line = line.rstrip("\r")
        if not line.strip():
            if rows:
                _check_heads(rows, name, number - len(rows))
                sentences.append(Sentence(tuple(rows), tuple(comments)))
            comments, rows = [], []
        elif line[0] == "#" and not rows:
            comments.append(line)
        else:
            rows.append(_row(line, rows, name, number))
    return sentences


def _row(line: str, before: list[tuple[str, ...]], name: str, number: int) -> tuple[str, ...]:
    row = tuple(line.split("\t"))
    if len(row) != COLUMNS:
        raise FormatError(f"{name}, line {number}: {len(row)} columns where CoNLL-U has {COLUMNS}; part them by tabs")
    if re.fullmatch(r"\d+-\d+|\d+\.\d+", row[0]):
        return row
    due = 1 + sum(other[0].isdigit() for other in before)
    if row[0] != str(due):
        raise FormatError(f"{name}, line {number}: the ID is {row[0]!r} where {due} is due; number the words from 1")
    if not row[FORM]:
        raise FormatError(f"{name}, line {number}: the word is empty; write _ where there is none")
    return row


def _check_heads(rows: list[tuple[str, ...]], name: str, line: int) -> None:
    """Refuse heads that are no tree, unless the sentence has none at all (every HEAD is _)."""
    numbered = [(line + place, row) for place, row in enumerate(rows) if row[0].isdigit()]
    if all(row[HEAD] == "_" for _, row in numbered):
        return
    for place, row in numbered:
        if not row[HEAD].isdecimal() or int(row[HEAD]) > len(numbered):
            raise FormatError(
                f"{name}, line {place}: the head is {row[HEAD]!r}, not a number from 0 to {len(numbered)}; correct it"
            )
    try:
        check_tree([int(row[HEAD]) for _, row in numbered])
    except InputError as error:
        raise FormatError(f"{name}, the sentence at line {line}: {error}") from error


def check_tree(heads: Sequence[int]) -> None:
    """Refuse heads that are not one tree with one root: InputError names the words."""
    roots = [word for word, head in enumerate(heads, 1) if head == 0]
    if len(roots) != 1:
        found = "no word is the root" if not roots else f"words {roots[0]} and {roots[1]} are both roots"
        raise InputError(f"{found}; give exactly one word the head 0")
    safe = {0}
    for word in range(1, len(heads) + 1):
        way: list[int] = []
        while word not in safe:
            if word in way:
                circle = " -> ".join(map(str, [*way[way.index(word) :], word]))
                raise InputError(f"the heads go in a circle ({circle}); let every word lead to the root")
            way.append(word)
            word = heads[word - 1]
        safe.update(way)


def conllu_text(sentences: Iterable[Sentence]) -> str:
    """Sentences as the text of a CoNLL-U file."""
    lines = []
    for sentence in sentences:
        lines += [*sentence.comments, *("\t".join(row) for row in sentence.rows), ""]
    return "".join(f"{line}\n" for line in lines)


def write_conllu(path: str | Path, sentences: Iterable[Sentence]) -> None:
    """Write a CoNLL-U file, whole or not at all."""
    files.write_text(path, conllu_text(sentences))
