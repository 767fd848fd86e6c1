"""What the page says, as styled text made from plain values; no widget and no file is touched.

Whatever came out of the learner's code passes through `printable` first: a terminal obeys control characters.
Left out: wrapping and colours for a given width, which are the page's and the terminal's.
"""

import re
import textwrap

from rich.text import Text

from groundup.course.exercise import Exercise
from groundup.course.record import Entry, Record
from groundup.course.verdict import Verdict

PRINTED_LINES = 6  # of what the learner's code wrote
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MARKS = {"passed": "✓", "begun": "·", "": " "}
STYLES = {"✓": "green", "✗": "bold red", "○": "yellow"}


def printable(text: str) -> str:
    """A text without what a terminal would obey.

    >>> printable("one\\x1b[2J two\\x07\\tthree")
    'one two   three'
    """
    return CONTROL.sub("", text.expandtabs(8))


def mark(record: Record, exercise: Exercise) -> str:
    """✓ passed, · begun."""
    state = "passed" if record.get(exercise.id).passed else "begun" if exercise.id in record.entries else ""
    return MARKS[state]


def row(record: Record, exercise: Exercise, width: int) -> Text:
    """An exercise in the list: mark, name, difficulty, minutes."""
    sign = mark(record, exercise)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{sign} ", STYLES.get(sign, ""))
    text.append(f"{exercise.name:<{width}}  ")
    text.append(f"{'●' * exercise.difficulty:<5}", "yellow")
    return text.append(f" {exercise.minutes:>3} min", "dim")


def room(exercise: Exercise) -> str:
    """The room of the house in which an exercise's function stands."""
    return exercise.id.partition(".")[0]


def heading(name: str, done: int, of: int) -> Text:
    """A room in the list."""
    return Text.assemble((name, "bold"), (f"  {done} of {of}", "dim"))


def found_by(exercise: Exercise, typed: str) -> bool:
    """Whether every word that was typed stands in the exercise's id or title, in whatever case."""
    about = f"{exercise.id} {exercise.title}".lower()
    return all(word in about for word in typed.lower().split())


def task(exercise: Exercise, entry: Entry, file: str) -> Text:
    """What there is to do, and where."""
    text = Text.assemble((exercise.title, "bold"), "\n")
    text.append(f"{'●' * exercise.difficulty} about {exercise.minutes} min · {file}", "dim")
    if entry.tries:
        text.append(f" · {entry.tries} {'try' if entry.tries == 1 else 'tries'}", "dim")
    paragraphs = textwrap.dedent(exercise.task).strip().split("\n\n")
    return text.append("\n\n" + "\n\n".join(" ".join(part.split()) for part in paragraphs))


def ladder(exercise: Exercise, verdict: Verdict) -> Text:
    """The rungs that are asked: ✓ passed, ✗ the one that failed, those after it not asked yet."""
    text = Text()
    for rung in dict.fromkeys(check.rung for check in exercise.in_order()):
        passed = verdict.passed or rung in verdict.rungs
        sign = "✓" if passed else "✗" if rung == verdict.rung else " "
        text.append(f"{sign} {rung}", STYLES.get(sign, "dim")).append("   ")
    return text


def judgement(exercise: Exercise, verdict: Verdict, source: str, command: str) -> Text:
    """The verdict on the last save. source: the file as it is, for the line that is named; command: the real run."""
    sign = {"passed": "✓", "failed": "✗", "broken": "○"}[verdict.kind]
    text = Text.assemble((f"{sign} {exercise.name}", STYLES[sign]), (f"  {verdict.seconds:.1f} s\n", "dim"))
    if verdict.rungs or verdict.rung:
        text.append(ladder(exercise, verdict)).append("\n")
    text.append("\n" + printable(verdict.text()))
    text.highlight_regex(r"(?m)^  (input|expected|got) ", "bold")
    lines = source.splitlines()
    if verdict.line and verdict.line <= len(lines):
        text.append(f"\n  line {verdict.line:<4} ", "bold").append(printable(lines[verdict.line - 1]).strip())
    if verdict.printed.strip():
        text.append("\n\nyour code printed\n", "bold").append(_beginning(verdict.printed), "dim")
    if verdict.passed:
        text.append("\n\n")
        if command:
            text.append("r", "bold").append(f" runs it in the real thing: {command}\n")
        text.append("s", "bold").append(" shows the library's own, ").append("n", "bold").append(" goes on")
    return text


def _beginning(printed: str) -> str:
    """The first lines of an output, and how many more there are."""
    lines = printable(printed).strip().splitlines()
    more = [f"({len(lines) - PRINTED_LINES} more lines)"] if len(lines) > PRINTED_LINES else []
    return "\n".join(lines[:PRINTED_LINES] + more)


def hints(exercise: Exercise, read: int) -> Text:
    """The hints that were read, and that there are more."""
    text = Text()
    for number, hint in enumerate(exercise.hints[:read], 1):
        text.append(f"hint {number} of {len(exercise.hints)}  ", "bold").append(f"{hint}\n")
    if not read:
        text.append("h reads a hint", "dim")
    return text
