"""The way through: the learning paths and their milestones, tests of what is known, a journal, an export, and where a topic stands."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.learn.place import Place, desk_of

MARKS = {"built": "✓", "module": "~", "waits": "–", "reached": "✓", "open": "✗", "skipped": "?"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PathOptions(Place):
    """the learning paths, their milestones, a placement test, self-tests, a journal"""

    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")] = ""
    """chapters, topics, phases, roadmap, hands-on, guide or tracks; none: all of them, a line each"""
    check: bool = False
    """judge the path's milestones on your files and runs"""
    placement: bool = False
    """sixteen questions, then the path that fits you"""
    quiz: Annotated[str, tyro.conf.arg(metavar="MODULE")] = ""
    """three questions about a module, for example model.attention"""
    journal: Annotated[str, tyro.conf.arg(metavar="TEXT")] = ""
    """write a dated entry into your journal.md"""
    runs: Path = Path("runs")
    """where your runs stand"""
    json: bool = False
    """print the result as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class FindOptions:
    """source, test, lesson, exercises and benchmark of a topic"""

    word: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WORD")]
    """an id of the syllabus or any word of the field"""
    json: bool = False
    """print them as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions(Place):
    """one folder or .zip that others can run, with a page of what you passed"""

    to: Path | None = None
    """where it goes, a folder or a .zip; left out: your folder's name with -export"""
    runs: Path = Path("runs")
    """where your runs stand"""


def path(options: PathOptions) -> int:
    """Show the paths, or do the one thing that a flag asks for."""
    if options.journal:
        return journal(options)
    if options.placement or options.quiz:
        return ask(options)
    if options.check:
        return check(options)
    return show_path(options) if options.path else list_paths(options)


# ───────── the paths ─────────


def list_paths(options: PathOptions) -> int:
    """A line a path."""
    from groundup.cli import running
    from groundup.course.paths import standing, steps

    record = desk_of(options).record()
    rows = [(one, standing.standings(one, record)) for one in steps.every()]
    if options.json:
        running.print_json([_path_facts(one, found, standing.projects(one, record)) for one, found in rows])
        return 0
    for one, found in rows:
        done = {exercise.id: passed for step in found for exercise, passed in step.exercises}
        print(
            f"{one.name:<9} {one.time or '':<13} {len(one.steps):>2} steps  {sum(done.values()):>2} of {len(done):>2} exercises passed  {one.about}"
        )
    print("`groundup learn path chapters` shows one; --placement finds yours")
    return 0


def _path_facts(way: Any, found: Sequence[Any], projects: dict[str, list[tuple[Any, str]]]) -> dict[str, Any]:
    return {
        "path": way.name,
        "about": way.about,
        "time": way.time,
        "steps": [one.facts() for one in found],
        "success": way.success,
        "projects": {
            level: [asdict(work) | {"standing": state} for work, state in works] for level, works in projects.items()
        },
    }


def show_path(options: PathOptions) -> int:
    """One path, step by step."""
    from groundup.cli import running
    from groundup.course.paths import standing, steps

    way, record = steps.path(options.path), desk_of(options).record()
    found, projects = standing.standings(way, record), standing.projects(way, record)
    if options.json:
        running.print_json(_path_facts(way, found, projects))
        return 0
    print(f"{way.name}: {way.about}{f', {way.time}' if way.time else ''}")
    for number, one in enumerate(found, 1):
        print(f"\n{number}. {one.step.title}{f'  ({one.step.time})' if one.step.time else ''}")
        print("\n".join(f"   {line}" for line in _lines(one)))
    for title, signs in way.success.items():
        print(f"\n{title.replace('_', ' ')}: {'; '.join(signs)}")
    for level, works in projects.items():
        print(f"\n{level} projects")
        print("\n".join(f"   {_project(work, state)}" for work, state in works))
    if list(way.milestones()):
        print(f"\n`groundup learn path {way.name} --check` judges the milestones on your files and runs")
    return 0


def _lines(one: Any) -> Iterator[str]:
    """A step below its title."""
    step = one.step
    if step.hands_on:
        yield f"hands-on   {'; '.join(step.hands_on)}"
    for state, words in {"built": "built", "module": "in its module", "waits": "not built yet"}.items():
        ids = [topic.id for topic, there in one.topics if there == state]
        if ids:
            yield f"{MARKS[state]} {words:<14} {_few(ids)}"
    for exercise, passed in one.exercises:
        yield f"{'✓' if passed else '·'} exercise       {exercise.name}  {exercise.minutes} min  {exercise.title}"
    if step.milestone:
        yield f"milestone  {step.milestone.goal} ({step.milestone.check}): {one.milestone}"


def _project(work: Any, state: str) -> str:
    """A project with its mark: of its last verdict, a point for one that was never judged."""
    mark = "·" if state == "not judged yet" else MARKS.get(state.split()[0], MARKS["waits"])
    return f"{mark} {work.goal} ({work.check}): {state}"


def _few(ids: list[str], most: int = 8) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def check(options: PathOptions) -> int:
    """Judge the milestones of a path; 0 when none is open."""
    from groundup.cli import running
    from groundup.course.paths import milestones, steps
    from groundup.errors import InputError

    way = steps.path(options.path or "chapters")
    wanted = list(way.milestones())
    if not wanted:
        having = [one.name for one in steps.every() if list(one.milestones())]
        raise InputError(f"the path {way.name} has no milestones; {', '.join(having[:-1])} and {having[-1]} have")
    facts = []
    for title, milestone in wanted:
        found = milestones.reached(milestone, options.folder, options.runs)
        milestones.keep(options.folder, found, f"{datetime.now():%Y-%m-%d}")
        facts.append(
            {
                "milestone": milestone.id,
                "step": title,
                "state": found.state,
                "findings": [asdict(one) for one in found.findings],
            }
        )
        if not options.json:
            print(f"{MARKS[found.state]} {title}: {found.state}")
            print("\n".join(f"    {'✗ ' if one.ok is False else ''}{one.sentence}" for one in found.findings))
    if options.json:
        running.print_json(facts)
    return 1 if any(one["state"] == "open" for one in facts) else 0


# ───────── questions ─────────


def ask(options: PathOptions) -> int:
    """Ask the placement test's questions, or a module's, and say what came of it."""
    from groundup.cli import running
    from groundup.course.paths import questions

    asked = questions.placement() if options.placement else questions.selftest(options.quiz)
    replies = [_reply(number, len(asked), one) for number, one in enumerate(asked, 1)]
    right = [one.right(reply) for one, reply in zip(asked, replies, strict=True)]
    if options.placement:
        found = questions.place(right)
        running.print_json(asdict(found)) if options.json else print(_recommended(found))
        return 0
    if options.json:
        running.print_json(
            [
                {"ask": q.ask, "right": ok, "answer": q.solution(), "why": q.why}
                for q, ok in zip(asked, right, strict=True)
            ]
        )
        return 0
    for one, ok in zip(asked, right, strict=True):
        print(f"{'✓' if ok else '✗'} {one.ask}\n    {one.solution()}: {one.why}")
    print(
        f"{sum(right)} of {len(asked)} right"
        + ("" if all(right) else f"; `groundup learn find {options.quiz}` says where to read")
    )
    return 0


def _reply(number: int, of: int, question: Any) -> str:
    """One reply: asked again in a terminal until it is an answer, read as a line from a pipe."""
    from groundup.errors import InputError

    print(f"\n{number}/{of} {question.text()}", file=sys.stderr)
    while True:
        if sys.stdin.isatty():
            print("> ", end="", file=sys.stderr, flush=True)
        reply = sys.stdin.readline()
        if not reply:
            raise InputError(f"the input ended at question {number} of {of}; give a line an answer")
        try:
            question.right(reply)
            return reply
        except InputError as error:
            if not sys.stdin.isatty():
                raise InputError(f"question {number}: {error}") from None
            print(error, file=sys.stderr)


def _recommended(found: Any) -> str:
    scores = ", ".join(f"{area} {right} of {asked}" for area, (right, asked) in found.scores.items())
    first = f"\nfirst: {'; '.join(found.first)}" if found.first else ""
    return f"{scores}\nyour path: {found.path}, from: {found.start} ({found.why}){first}\nshow it:  groundup learn path {found.path}"


# ───────── journal, export, find ─────────


def journal(options: PathOptions) -> int:
    """Write an entry."""
    from groundup.cli import running
    from groundup.course.paths import journal as journals

    title = journals.write(options.folder, options.journal, datetime.now())
    file = options.folder / journals.NAME
    running.print_json({"file": str(file), "entry": title}) if options.json else print(
        f"{file}: {title.removeprefix('## ')}"
    )
    return 0


def export(options: ExportOptions) -> None:
    """Write the export and say where it is."""
    from groundup.course.paths import export as exports

    target = options.to or options.folder.with_name(f"{options.folder.resolve().name}-export")
    made = exports.export(options.folder, target, options.runs, datetime.now())
    print(f"{made}: your functions, journal, progress, index.html (what you passed) and README.md (how others run it)")


def find(options: FindOptions) -> None:
    """Print the places of the topics that a word finds."""
    from groundup.cli import running
    from groundup.course import topics
    from groundup.course.paths import whereabouts

    look = topics.resolve if "." in options.word else topics.find  # an id has dots, a word of the field has none
    found = [whereabouts.of(topic) for topic in look(options.word)]
    if options.json:
        return running.print_json([one.facts() for one in found])
    for one in found:
        state = {"module": "  (its module is there, its own file is not built yet)", "waits": "  (not built yet)"}.get(
            one.state, ""
        )
        print(f"{one.id}{state}\n  {one.goal}")
        for name in ("source", "test", "lesson", "exercise", "benchmark"):
            value = getattr(one, name)
            shown = ", ".join(value) if isinstance(value, tuple) else value
            print(f"  {name:<10} {shown or 'not built yet'}")
