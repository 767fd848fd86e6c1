"""Lessons: one opened in marimo or printed, all of them exported as pages."""

import html
import os
import re
import subprocess
import sys
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
    """topic, path or function; none: the lessons are listed"""
    model: Path | None = None
    """a model folder of yours, for lessons that look into one"""
    run: bool = False
    """run it here and print what it says"""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookOptions:
    """every lesson as a page that needs no network"""

    out: Path = Path("book")
    """the folder that is written; its index.html is the contents page"""
    model: Path | None = None
    """a model folder of yours, for lessons that look into one"""
    lessons: tuple[str, ...] = ()
    """only these; none: all"""


def lesson(options: LessonOptions) -> int:
    """List the lessons, print one, or open a copy of it: the copy is the learner's to change."""
    from groundup import files
    from groundup.course import book
    from groundup.lessons import VARIABLE

    if not options.lesson:
        return _list(book.lessons())
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
    chosen = [book.find(name) for name in options.lessons] or None
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
