"""For teachers: `learn release` hands out a set, `learn grade` marks what comes back, `learn pack` proves exercises of your own."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

Names = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseOptions:
    """hand out a set of exercises as a folder"""

    names: Names
    """exercises, or whole modules such as inference.decoding"""
    out: Path
    """the folder to write: stubs, README.md, set.toml"""
    title: str = ""
    """what the set is called; left out: the folder's name"""
    pack: Path | None = None
    """take them from this pack in place of the library"""


@dataclass(frozen=True, kw_only=True, slots=True)
class GradeOptions:
    """mark a class: a table, a page a student"""

    set: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SET.toml")]
    """the manifest that `learn release` wrote"""
    submissions: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SUBMISSIONS")]
    """a folder with one sub-folder or .zip a student"""
    out: Path
    """the folder of the results; a second call judges only what changed"""
    pack: Path | None = None
    """the pack that the set was released from"""
    workers: int = 0
    """processes that judge; 0: one a core"""
    timeout: float | None = None
    """seconds for each attempt; left out: the exercise's own"""
    json: bool = False
    """print the results as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackOptions:
    """prove a pack of your own exercises"""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """the folder with a pack.toml"""
    json: bool = False
    """print what was found as JSON on stdout"""


def release(options: ReleaseOptions) -> None:
    """Write the set's folder."""
    from groundup.course import shelf
    from groundup.course.teaching import pack, sets
    from groundup.course.teaching.release import release as write

    known = pack.exercises(options.pack) if options.pack else shelf.exercises()
    name = options.title or options.out.resolve().name
    made = sets.compose(name, sets.choose(options.names, known), pack.read(options.pack).name if options.pack else "")
    write(made, options.out)
    print(
        f"{options.out} holds {len(made.tasks)} exercise{'' if len(made.tasks) == 1 else 's'}: {', '.join(task.file for task in made.tasks)}"
    )
    print(
        f"weights stand in {options.out / sets.MANIFEST}; give the folder to your students, and when their work is back:"
    )
    flag = f" --pack {options.pack}" if options.pack else ""
    print(f"  groundup learn grade {options.out / sets.MANIFEST} SUBMISSIONS --out marks{flag}")


def grade(options: GradeOptions) -> int:
    """Judge, write, show; 2 when a submission could not be taken in, else 0."""
    from groundup import files, progress
    from groundup.cli import running
    from groundup.course.teaching import feedback, grading, marks, submissions

    _can_be_done(options)
    chosen = _set_of(options)
    handed, ignored = submissions.collect(options.submissions)
    with files.lock(options.out):
        before = files.read_json(options.out / marks.RESULTS) if (options.out / marks.RESULTS).is_file() else {}
        graded = grading.grade(chosen, handed, options.out, workers=options.workers, timeout_s=options.timeout)
        found = marks.results(chosen, handed, graded, ignored=ignored, earlier=before)
        feedback.write(found, options.out)
        marks.write(found, options.out)
    reused = sum(one.reused for one in graded)
    progress.say(f"{len(graded)} attempts, {reused} of them judged before; results in {options.out}/")
    running.print_json(found) if options.json else _show(found)
    refused = [f"{one['student']}: {one['refused']}" for one in found["students"] if one["refused"]]
    for sentence in [*found["notes"], *(f"{name} is neither a folder nor a .zip" for name in ignored), *refused]:
        print(sentence, file=sys.stderr)
    return 2 if refused else 0


def _can_be_done(options: GradeOptions) -> None:
    from groundup.errors import ConfigError

    if options.workers < 0 or (options.timeout is not None and not 0 < options.timeout <= 3600):
        raise ConfigError(
            f"--workers {options.workers} --timeout {options.timeout}; use 0 or more workers, and 1 to 3600 seconds"
        )
    out, handed = options.out.resolve(), options.submissions.resolve()
    if out == handed or handed in out.parents:
        raise ConfigError(
            f"--out {options.out} lies among the submissions; choose a folder outside {options.submissions}"
        )


def _set_of(options: GradeOptions) -> Any:
    """The set, with its exercises from the library or from the pack that it names."""
    from groundup.course import shelf
    from groundup.course.teaching import pack, sets
    from groundup.errors import InputError

    named = sets.pack_of(options.set)
    if named and options.pack is None:
        raise InputError(f"{options.set} was released from the pack {named!r}; give its folder with --pack")
    if options.pack is not None and pack.read(options.pack).name != named:
        raise InputError(
            f"{options.set} was not released from the pack in {options.pack}; give the one named {named!r}"
        )
    return sets.read(options.set, pack.exercises(options.pack) if options.pack else shelf.exercises())


def _show(found: dict[str, Any]) -> None:
    """The class as a table, and who is alike."""
    from rich.markup import escape

    from groundup.cli import show

    rows = [
        [
            escape(one["student"]),
            f"{one['passed']} of {len(one['exercises'])}",
            f"{one['points']:g}",
            f"{100 * one['points'] / one['of']:.0f} %",
            escape(_first_open(one)),
        ]
        for one in found["students"]
    ]
    show.table(
        f"{found['set']}: {found['points']:g} point{'' if found['points'] == 1 else 's'}",
        ["student", "passed", "points", "", "first not passed"],
        rows,
    )
    for group in found["alike"]:
        own = ", and like the solution" if group["as_the_solution"] else ""
        print(f"alike in {group['exercise']}{own}: {', '.join(group['students'])}")


def _first_open(student: dict[str, Any]) -> str:
    """The first exercise of a student that does not pass, with its sentence cut short."""
    for row in student["exercises"]:
        if not row["passed"]:
            sentence = " ".join(row["sentence"].split())
            return f"{row['exercise'].rpartition('.')[2]}: {sentence if len(sentence) < 60 else sentence[:57] + '...'}"
    return ""


def pack(options: PackOptions) -> int:
    """Prove a pack; 0 when all is proved, else 1 with the faults."""
    from dataclasses import asdict

    from groundup.cli import running
    from groundup.course.teaching.proof import prove

    made, reports = prove(options.folder, lambda report: None if options.json else _say(report))
    faults = sum(len(report.faults) for report in reports)
    if options.json:
        running.print_json(
            {"name": made.name, "version": made.version, "author": made.author, "licence": made.licence}
            | {"proved": not faults, "exercises": [asdict(report) for report in reports]}
        )
    elif faults:
        print(f"{made.name} {made.version}: {faults} fault{'' if faults == 1 else 's'}")
    else:
        print(f"{made.name} {made.version}: all {len(reports)} proved; hand exercises out with")
        print(f"  groundup learn release {reports[0].id} --pack {options.folder} --out FOLDER")
    return 1 if faults else 0


def _say(report: Any) -> None:
    """One exercise of a pack."""
    name = report.id or report.file
    print(f"{'✗' if report.faults else '✓'} {name}: {report.mutants} wrong versions caught")
    for line in (*(f"fault: {one}" for one in report.faults), *(f"note: {one}" for one in report.notes)):
        print(f"    {line}")
