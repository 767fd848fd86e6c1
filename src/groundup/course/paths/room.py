"""A learner who walks one room: every exercise solved, every lesson read in order with the learner's own functions in it.

    python -m groundup.course.paths.room foundations FOLDER

Into FOLDER/my go the library's own solutions, each judged as a learner's file is. Then one process reads the lessons in the
order of the syllabus and says of each how long it took, which of the learner's functions it called, and whether a
framework (torch, JAX, TensorFlow) was loaded by then. A lesson that imports one, or whose source does, is about frameworks and is left to
the end. This proves that the room can be walked by someone who has NumPy alone, not that it teaches.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundup import slots
from groundup.course import book, checker, shelf
from groundup.course.book.shelf import Lesson
from groundup.course.paths import walk
from groundup.course.paths.together import FRAMEWORKS
from groundup.course.topics import HOUSE


def about_frameworks(lesson: Lesson) -> bool:
    """Whether a lesson or the source it teaches imports a framework."""
    texts = [path.read_text(encoding="utf-8") for path in (lesson.path, HOUSE / lesson.place) if path.is_file()]
    named = rf"""^ *(import|from) ({"|".join(FRAMEWORKS)})\b|["']({"|".join(FRAMEWORKS)})["']"""
    return any(re.search(named, text, re.MULTILINE) for text in texts)


def lessons_of(room: str) -> list[Lesson]:
    """The room's lessons in order, those about frameworks last."""
    return sorted((lesson for lesson in book.lessons() if lesson.room == room), key=about_frameworks)


def solved(room: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Write each solution into the learner's folder and judge it there: (exercise, what is wrong or nothing)."""
    mine = [one for one in shelf.exercises() if one.id.startswith(f"{room}.")]
    walk.put(folder, [one.id for one in mine])
    with checker.Checker() as judge:
        for one in mine:
            path = folder / f"{one.name}.py"
            verdict = judge.check(one, path.read_text("utf-8"), path)
            yield one.id, "" if verdict.passed else verdict.text()


def read(room: str) -> Iterator[dict[str, Any]]:
    """Read the room's lessons in this process, one after another."""
    for lesson in lessons_of(room):
        before = {one.id: one.calls for one in slots.active()}
        ran = book.run(lesson.path)
        called = {one.id: one.calls - before.get(one.id, 0) for one in slots.active()}
        yield {
            "lesson": lesson.id,
            "seconds": round(ran.seconds, 2),
            "called": {name: calls for name, calls in called.items() if calls},
            "differs": [one.id for one in slots.active() if one.differs_at is not None],
            "frameworks": [name for name in FRAMEWORKS if name in sys.modules],
            "about_frameworks": about_frameworks(lesson),
        }


def walk_room(room: str, place: Path) -> bool:
    """Walk the room and print a line each; whether nothing failed and no framework came in before its lesson."""
    fine = True
    called: set[str] = set()
    seconds: list[float] = []
    for exercise, wrong in solved(room, place / "my"):
        fine &= not wrong
        print(f"{'✗' if wrong else '✓'} {exercise} {wrong}".rstrip(), flush=True)
    command = [sys.executable, "-m", "groundup.course.paths.room", room]
    environment = os.environ | {slots.VARIABLE: str((place / "my").resolve()), "GROUNDUP_QUIET": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=place) as reading:
        assert reading.stdout is not None
        for line in reading.stdout:
            found = json.loads(line)
            right = not found["differs"] and (found["about_frameworks"] or not found["frameworks"])
            fine, called = fine and right, called | set(found["called"])
            seconds.append(found["seconds"])
            names = ", ".join(f"{name.rpartition('.')[2]} {calls:,}" for name, calls in found["called"].items())
            loaded = f"; loaded: {', '.join(found['frameworks'])}" if found["frameworks"] else ""
            print(
                f"{'✓' if right else '✗'} {found['lesson']} {found['seconds']:.1f} s; calls: {names or 'none'}{loaded}",
                flush=True,
            )
    unused = sorted(one.id for one in shelf.exercises() if one.id.startswith(f"{room}.") and one.id not in called)
    fine &= reading.returncode == 0 and len(seconds) == len(lessons_of(room))
    median = sorted(seconds)[len(seconds) // 2] if seconds else 0.0
    print(
        f"{len(seconds)} lessons, median {median:.1f} s; functions that no lesson called: {', '.join(unused) or 'none'}"
    )
    return fine


def main(room: str, folder: str = "") -> int:
    """Walk, or without a folder (in the process that reads) tell the lessons as JSON lines."""
    if folder:
        return 0 if walk_room(room, Path(folder)) else 1
    for found in read(room):
        print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not lessons_of(sys.argv[1]):
        sys.exit("usage: python -m groundup.course.paths.room ROOM FOLDER")
    sys.exit(main(*sys.argv[1:]))
