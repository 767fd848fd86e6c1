"""Labelled examples in the shapes that files have: a text and its label, words and their tags, a question and where its answer stands.

    classify   text, label                CSV, TSV, JSON lines; also sentence, review; a second text as text_pair, sentence2, hypothesis
    regress    text, a number
    tag        tokens, tags               JSON lines, or CoNLL's form: a word and its tag a line, an empty line between sentences
    span       context, question, answer  JSON lines in SQuAD's form: answers = {text: [...], answer_start: [...]}, or answer, found in the context

A file may be gzipped. Labels get the order of the alphabet, numbers that of their size, so the same file always means the same head.
Wang et al. 2018 (GLUE), arXiv:1804.07461; Rajpurkar et al. 2016 (SQuAD), arXiv:1606.05250. Left out: several labels a text, questions without an answer.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.data.sources.lines import limited
from groundup.data.sources.tagged import parse_columns, readable
from groundup.errors import FormatError, InputError

TEXTS = ("text", "sentence", "sentence1", "premise", "review", "content", "tweet")
PAIRS = ("text_pair", "sentence2", "hypothesis")
LABELS = ("label", "labels", "class", "score", "target")
WORDS, TAGS = ("tokens", "words"), ("tags", "ner_tags", "labels", "pos_tags")
TASKS = ("classify", "regress", "tag", "span")


@dataclass(frozen=True, slots=True)
class Example:
    """One example. words: of a text to tag, which are `text` with blanks between; label: a name, a number, a tag a word, or (first, last + 1)."""

    text: str
    label: Any
    pair: str | None = None
    words: tuple[str, ...] = ()


def read_examples(path: str | Path, task: str) -> list[Example]:
    """Read a file for a task; InputError names the first row that does not fit."""
    path = Path(path)
    if task not in TASKS:
        raise InputError(f"task {task!r} reads no labelled file; use one of {', '.join(TASKS)}")
    if task == "tag" and not path.name.removesuffix(".gz").endswith((".jsonl", ".json")):
        sentences = parse_columns(text_of(path), str(path))
        examples = [Example(" ".join(words), tuple(tags), words=tuple(words)) for words, tags in sentences]
    else:
        make = {"classify": classified, "regress": measured, "tag": tagged, "span": spanned}[task]
        examples = [make(row, f"{path}: row {number}") for number, row in enumerate(rows_of(path), 1)]
    if not examples:
        raise InputError(f"{path} holds no example; write a row each, the first line of a CSV file names the columns")
    return examples


def text_of(path: Path) -> str:
    """A file as text, unpacked where it is gzipped."""
    if not path.is_file():
        raise InputError(
            f"{path} is not there; give a file of labelled rows (*.csv, *.tsv, *.jsonl, *.conll, each also as .gz)"
        )
    with readable(path):
        return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode("utf-8-sig")


def rows_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV, TSV or JSON-lines file, by column."""
    text, name = text_of(path), path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        quoting: Any = csv.QUOTE_NONE if name.endswith(".tsv") else csv.QUOTE_MINIMAL  # GLUE's TSV has bare quotes
        rows = csv.DictReader(
            io.StringIO(text, newline=""), delimiter="\t" if name.endswith(".tsv") else ",", quoting=quoting
        )
        try:
            yield from limited(rows)
        except csv.Error as error:
            raise FormatError(
                f"{path}: line {rows.line_num + 1} is no row of columns ({error}); mend or remove the line"
            ) from error
        return
    for number, line in enumerate(text.split("\n"), 1):  # splitlines() also cuts at characters that JSON texts may hold
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise FormatError(
                    f"{path}: line {number} is not valid JSON ({error}); mend or remove the line"
                ) from error
            if not isinstance(row, Mapping):
                raise FormatError(f'{path}: line {number} is no JSON object; write {{"text": ..., "label": ...}}')
            yield row


def field(row: Mapping[str, Any], names: Sequence[str], where: str) -> Any:
    """The value under the first of these names that the row has."""
    for name in names:
        if row.get(name) not in (None, ""):
            return row[name]
    raise InputError(
        f"{where} has no {names[0]} (it has {', '.join(map(str, row))}); name the column {' or '.join(names)}"
    )


def classified(row: Mapping[str, Any], where: str) -> Example:
    """A text and the name of its label."""
    text = field(row, TEXTS, where)
    pair = next((row[name] for name in PAIRS if row.get(name)), None)
    return Example(str(text).strip(), str(field(row, LABELS, where)), None if pair is None else str(pair).strip())


def measured(row: Mapping[str, Any], where: str) -> Example:
    """A text and a number."""
    one = classified(row, where)
    try:
        number = float(one.label)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e30:
        raise InputError(f"{where} has the label {one.label!r}, which is no number; use --task classify for names")
    return Example(one.text, number, one.pair)


def tagged(row: Mapping[str, Any], where: str) -> Example:
    """Words and a tag for each."""
    words, tags = field(row, WORDS, where), field(row, TAGS, where)
    if not isinstance(words, list) or not isinstance(tags, list) or len(words) != len(tags):
        raise InputError(f"{where} has no tag for each of its words; give two lists of the same length")
    words = tuple(str(word) for word in words)
    return Example(" ".join(words), tuple(str(tag) for tag in tags), words=words)


def spanned(row: Mapping[str, Any], where: str) -> Example:
    """A context, a question, and the characters of the context that answer it."""
    context, question = str(field(row, ("context", "text"), where)), str(field(row, ("question",), where))
    answers = field(row, ("answers", "answer"), where)
    start = row.get("answer_start")
    if isinstance(answers, Mapping):
        texts, starts = answers.get("text"), answers.get("answer_start")
        answers = texts[0] if isinstance(texts, list) and texts else texts
        start = starts[0] if isinstance(starts, list) and starts else starts
    if not isinstance(answers, str) or not answers:
        raise InputError(f"{where} has no answer; questions without one are not supported: leave the row out")
    try:
        first = context.find(answers) if start in (None, "") else int(start)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{where} has the answer_start {start!r:.40}, which is no number; give the place of the answer's first character"
        ) from None
    if context[first : first + len(answers)] != answers or first < 0:
        raise InputError(
            f"{where}: the answer {answers[:40]!r} does not stand at its place in the context; mend answer_start, or leave it out"
        )
    return Example(context, (first, first + len(answers)), question)


def labels_in(examples: Sequence[Example], task: str) -> set[str]:
    """The names that stand in the rows, of a task that has names."""
    return {tag for one in examples for tag in one.label} if task == "tag" else {one.label for one in examples}


def names_of(examples: Sequence[Example], task: str) -> tuple[str, ...]:
    """The labels that a head is to have, in a fixed order."""
    if task == "regress":
        return ("number",)
    if task == "span":
        return ("start", "end")
    found = labels_in(examples, task)
    if task == "classify" and len(found) < 2:
        raise InputError(
            f"all rows have the label {next(iter(found))!r}, so there is nothing to tell apart; give rows of two labels or more"
        )
    return tuple(sorted(found, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name)))


def check_known(examples: Sequence[Example], task: str, labels: Sequence[str]) -> None:
    """Refuse held-out rows with a label that is not learned, so that none could be right."""
    unknown = labels_in(examples, task) - set(labels) if task in ("classify", "tag") else set()
    if unknown:
        raise InputError(
            f"held-out rows have the labels {', '.join(sorted(unknown))}, and no row to learn from has them; put rows of these there too, or leave them out"
        )
