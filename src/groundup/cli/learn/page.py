"""The learner's page, and where the learner is in a few lines: `groundup learn`, `groundup learn status`."""

import os
import sys
from dataclasses import dataclass
from typing import Any

from groundup.cli.learn.place import Place, desk_of, flag_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PageOptions(Place):
    """your page in the terminal: the exercises, the verdict of every save"""

    exercise: str = ""
    """id or function to open; none: the one you are at"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusOptions(Place):
    """where you are, and what comes next"""

    json: bool = False
    """print it as JSON on stdout"""


def page(options: PageOptions) -> None:
    """Open the page; without a terminal to draw on, print the list and two ways on."""
    from groundup.cli.learn.exercises import ListOptions, list_exercises

    mended: list[str] = []
    desk = desk_of(options, say=mended.append)
    named = desk.find(options.exercise) if options.exercise else None
    if not _can_draw():
        list_exercises(ListOptions(folder=options.folder, pack=options.pack))
        print(f"judge it at every save:  groundup learn watch{flag_of(options)}")
        print("the page with keys:      groundup learn, in a terminal")
        return
    from groundup.course.page.app import Page

    record = desk.record()
    Page(desk, named or desk.current(record) or desk.next(record) or desk.exercises[0], mended).run()


def _can_draw() -> bool:
    """Whether keys can be read and the cursor moved."""
    return all(one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr)) and os.environ.get("TERM", "dumb") != "dumb"


def status(options: StatusOptions) -> None:
    """Say the exercise at hand, what was done of it, and the next step."""
    from groundup.cli import running

    desk = desk_of(options)
    found = _facts(desk, flag_of(options))
    if options.json:
        return running.print_json(found)
    print(f"{found['passed']} of {found['of']} passed")
    if here := found["current"]:
        done = "passed" if here["passed"] else "not passed yet"
        print(
            f"at {here['name']}, {done}: {here['title']}; hints {here['hints']}, tries {here['tries']}, {here['file']}"
        )
    print(f"next: {found['next']}")


def _facts(desk: Any, flag: str) -> dict[str, Any]:
    """Where a learner is, as values."""
    record = desk.record()
    current, following = desk.current(record), desk.next(record)
    facts: dict[str, Any] = {"passed": desk.passed(record), "of": len(desk.exercises), "current": None}
    if current:
        entry = record.get(current.id)
        facts["current"] = {name: getattr(current, name) for name in ("id", "name", "title")}
        facts["current"] |= {name: getattr(entry, name) for name in ("passed", "hints", "tries")}
        facts["current"]["file"] = str(desk.file(current))
    if current and not record.get(current.id).passed:
        return facts | {"next": f"groundup learn check{flag}"}
    if following is None:
        return facts | {"next": "every exercise is passed; groundup demo --mine " + str(desk.folder)}
    return facts | {"next": f"groundup learn start {following.name}{flag}"}
