"""Lessons: one opened in marimo or printed, all of them exported as pages."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.learn.place import Place

LessonName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="LESSON")]


@dataclass(frozen=True, kw_only=True, slots=True)
class LessonOptions(Place):
    """a lesson: a notebook to read, move and change, opened in the browser"""

    lesson: LessonName = ""
    """topic, path or function; none, or a topic of several lessons: a list"""
    model: Path | None = None
    """a model folder of yours, for lessons that look into one"""
    run: bool = False
    """run it here and print what it says"""
    json: bool = False
    """print which lessons these are, as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookOptions:
    """every lesson as a page that needs no network"""

    out: Path = Path("book")
    """the folder that is written; its index.html is the contents page"""
    model: Path | None = None
    """a model folder of yours, for lessons that look into one"""
    lessons: tuple[str, ...] = ()
    """only these, or those of these topics; none: all"""


def lesson(options: LessonOptions) -> int:
    """List the lessons, all or those of a topic, print one, or open a copy of it: the copy is the learner's to change."""
    from groundup import files
    from groundup.course import book
    from groundup.lessons import VARIABLE

    found = book.named(options.lesson) if options.lesson else book.lessons()
    if options.json:
        return _as_json(found)
    if not options.lesson:
        return _list(found)
    if len(found) > 1 and not options.run:
        return _list_topic(options.lesson, found)
    chosen = book.find(options.lesson)
    if options.run:
        return _print(_run(chosen.path, options.model))
    _needs_marimo()
    copy = options.folder / "lessons" / chosen.place
    if not copy.exists():
        files.write_text(copy, chosen.path.read_text(encoding="utf-8"))
    print(f"{chosen.title}: {copy}, yours to change; Ctrl-C ends it", file=sys.stderr)
    model = {VARIABLE: str(options.model.absolute())} if options.model else {}
    return subprocess.call([sys.executable, "-m", "marimo", "edit", str(copy)], env=os.environ | model)


def _run(path: Path, model: Path | None) -> Any:
    """Run a lesson; with functions of the learner's in it, say which ran, and that it is theirs where a claim does not hold."""
    from groundup import slots
    from groundup.cli import verbs
    from groundup.course import book
    from groundup.errors import InputError

    try:
        return book.run(path, model)
    except Exception as error:
        cause = error if isinstance(error, AssertionError) else error.__cause__
        if not (slots.active() and isinstance(cause, AssertionError)):
            raise
        names = " or ".join(one.name for one in slots.active() if one.calls) or slots.active()[0].name
        raise InputError(
            f"a claim of the lesson does not hold with your {names} ({cause}); `groundup learn check` says what is wrong with it"
        ) from error
    finally:
        verbs.say_mine()


def export_book(options: BookOptions) -> None:
    """Run the lessons and write their pages."""
    from groundup.course import book

    _needs_marimo()
    chosen = [one for name in options.lessons for one in book.named(name)] or None
    pages = book.export(options.out, options.model, chosen)
    print(f"{len(pages) - 1} lessons: open {pages[0]}")


def _needs_marimo() -> None:
    """Say the pip line before anything is written."""
    from importlib.util import find_spec

    from groundup.errors import missing_extra

    if find_spec("marimo") is None:
        raise missing_extra("marimo", "learn")


def _list(lessons: Any) -> int:
    width = max((len(one.id) for one in lessons), default=0)
    for one in lessons:
        print(f"{one.id:<{width}}  {one.title}")
    print(f"{len(lessons)} lessons; `groundup learn lesson NAME` opens one")
    return 0


def _list_topic(word: str, lessons: Sequence[Any]) -> int:
    """Several lessons of one topic, in the order to read them in, each with what opens it."""
    width = max(len(_command(one)) for one in lessons)
    for one in lessons:
        print(f"{_command(one):<{width}}  {one.title}")
    print(f"{len(lessons)} lessons teach {word}, in the order to read them in; --run prints one here")
    return 0


def _command(lesson: Any) -> str:
    return f"groundup learn lesson {lesson.id}"


def _as_json(lessons: Sequence[Any]) -> int:
    from groundup.cli import running

    running.print_json([_facts(one) for one in lessons])
    return 0


def _facts(lesson: Any) -> dict[str, Any]:
    topics = [topic.id for topic in lesson.topics()]
    return {"id": lesson.id, "title": lesson.title, "topics": topics, "command": _command(lesson)}


def _print(ran: Any) -> int:
    """What a lesson says, as text; its pictures by their titles."""
    for cell, output in ran.outputs:
        text = cell.prose if cell.prose is not None else _text(output)
        if text:
            print(f"{text.strip()}\n")
    print(f"({ran.seconds:.1f} s; every assert holds)")
    return 0


def _text(output: Any) -> str:
    if output is None or type(output).__module__.startswith("marimo._plugins.ui"):
        return ""
    if hasattr(output, "layout"):
        return f"[picture: {html.unescape(output.layout.title.text or '')}]"
    if hasattr(output, "text"):
        return html.unescape(re.sub(r"<[^>]+>", "", output.text))
    return str(output)
