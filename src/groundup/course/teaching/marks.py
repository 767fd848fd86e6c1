"""A graded class as results: JSON with everything, two CSV tables, and rows for the terminal.

A table's cell that begins like a formula (= + - @, a tab or a return) gets an apostrophe, since a student's name or message
would else be computed by the teacher's spreadsheet (CWE-1236). Rungs are two columns, since "3/5" is a date there.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import groundup
from groundup import files
from groundup.course.exercise import solution
from groundup.course.teaching import alike
from groundup.course.teaching.grading import Graded
from groundup.course.teaching.points import RULE, rungs_of, rungs_passed, share
from groundup.course.teaching.sets import ExerciseSet, checksum
from groundup.course.teaching.submissions import Submission, file_name

RESULTS = "results.json"
SHOWN = ("kind", "sentence", "rung", "check", "input", "expected", "got", "line", "printed", "seconds")


def results(
    chosen: ExerciseSet,
    submissions: Sequence[Submission],
    graded: Sequence[Graded],
    *,
    ignored: Sequence[str] = (),
    earlier: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All that is known of a graded class. earlier: the results of the call before, which say how often was tried."""
    tries = _earlier(earlier or {})
    taken: set[str] = set()
    students = []
    for submission in submissions:
        rows = [_row(one, tries) for one in graded if one.student == submission.student]
        students.append(
            {
                "student": submission.student,
                "feedback": f"feedback/{file_name(submission.student, taken)}.html",
                "refused": submission.refusal,
                "passed": sum(row["passed"] for row in rows),
                "points": round(sum(row["points"] for row in rows), 4),
                "of": chosen.points,
                "exercises": rows,
            }
        )
    return {
        "set": chosen.name,
        "groundup": groundup.__version__,
        "rule": RULE,
        "points": chosen.points,
        "exercises": [task.exercise.id for task in chosen.tasks],
        "students": students,
        "alike": alike_groups(chosen, graded),
        "notes": [
            f"{task.exercise.id} is no longer as it was handed out (by groundup {chosen.groundup or 'unknown'}): its stub differs"
            for task in chosen.tasks
            if task.changed_since()
        ],
        "ignored": list(ignored),
    }


def _earlier(results: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, int]]:
    """For each student and exercise, the checksum of the file that was judged, and the number of such files so far."""
    return {
        (student["student"], row["exercise"]): (row["sha256"], row["tries"])
        for student in results.get("students", ())
        for row in student["exercises"]
    }


def _row(one: Graded, earlier: Mapping[tuple[str, str], tuple[str, int]]) -> dict[str, Any]:
    """One attempt as a record."""
    exercise, verdict = one.task.exercise, one.verdict
    passed, rungs = rungs_passed(exercise, verdict), rungs_of(exercise)
    sha256, (before, tries) = checksum(one.text), earlier.get((one.student, exercise.id), ("", 0))
    tries += bool(one.key) and sha256 != before
    points = one.task.weight * share(len(passed), len(rungs), verdict.passed)
    return {
        "exercise": exercise.id,
        "title": exercise.title,
        "file": one.path,
        "passed": verdict.passed,
        "rungs_passed": list(passed),
        "rungs": list(rungs),
        "points": round(points, 4),
        "of": one.task.weight,
        **{name: getattr(verdict, name) for name in SHOWN},
        "hint": "" if verdict.passed else exercise.hints[min(max(tries, 1), len(exercise.hints)) - 1],
        "tries": tries,
        "untouched": one.untouched,
        "review": one.review,
        "reused": one.reused,
        "sha256": sha256,
    }


def alike_groups(chosen: ExerciseSet, graded: Sequence[Graded]) -> list[dict[str, Any]]:
    """Students whose files are the same but for names, comments and spaces; untouched stubs are left out."""
    found = []
    for task in chosen.tasks:
        texts = {one.student: one.text for one in graded if one.task is task and one.text and not one.untouched}
        own = alike.normal_form(solution(task.exercise))
        for students in alike.groups(texts):
            as_solution = alike.normal_form(texts[students[0]]) == own
            found.append({"exercise": task.exercise.id, "students": students, "as_the_solution": as_solution})
    return found


def cell(value: Any) -> str:
    """A value that no spreadsheet takes for a formula.

    >>> cell("=1+1"), cell(" @x"), cell(0.5), cell("plain")
    ("'=1+1", "' @x", '0.5', 'plain')
    """
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV (RFC 4180), each cell safe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([[cell(value) for value in row] for row in rows])
    return text.getvalue()


def marks(found: Mapping[str, Any]) -> str:
    """One line a student and exercise."""
    head = ("student", "exercise", "passed", "rungs_passed", "rungs", "points", "of", "sentence")
    rows = [[student["student"], *_cells(row)] for student in found["students"] for row in student["exercises"]]
    return table(head, rows)


def _cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    passed = "yes" if row["passed"] else "no"
    rungs = len(row["rungs_passed"]), len(row["rungs"])
    return row["exercise"], passed, *rungs, row["points"], row["of"], row["sentence"]


def totals(found: Mapping[str, Any]) -> str:
    """One line a student."""
    head = ("student", "passed", "exercises", "points", "of", "percent")
    return table(head, [(one["student"], *_sums(one)) for one in found["students"]])


def _sums(student: Mapping[str, Any]) -> tuple[Any, ...]:
    percent = round(100 * student["points"] / student["of"], 1)
    return student["passed"], len(student["exercises"]), student["points"], student["of"], percent


def write(found: Mapping[str, Any], folder: Path) -> None:
    """The results as files of a folder."""
    files.write_text(folder / "marks.csv", marks(found))
    files.write_text(folder / "marks_total.csv", totals(found))
    files.write_json(folder / RESULTS, found)
