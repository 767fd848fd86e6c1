"""One folder (or .zip) that others can run: the learner's files, journal and progress, the runs they were in, and a page of what was passed.

The page is plain HTML without a script, and says of every passed exercise whether it passes today, its hints and tries, and
when its file was last changed: the record keeps no dates. Left out: model weights, which the README's command makes again.
"""

import html
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from groundup import files
from groundup.course import checker, shelf
from groundup.course.paths import milestones, standing, steps
from groundup.course.record import Entry, Record
from groundup.errors import InputError
from groundup.plots import page

KINDS = (".py", ".md", ".txt", ".toml")  # what of a learner's folder is theirs to show
OF_A_RUN = ("results.json", "report.html", "recipe.toml")
README = "# What I built with groundup\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """An exercise on the page. now: whether the file passes today; changed: the day of its last change, "" without a file."""

    entry: Entry
    title: str
    now: bool
    changed: str


def export(folder: Path, target: Path, runs: Path, when: datetime) -> Path:
    """Write the export of a learner's folder; a target that is no export of ours is never replaced."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; `groundup learn start` makes it")
    if target.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{target} lies inside {folder}; choose a place outside it with --to")
    if target.exists() and not _ours(target):
        raise InputError(f"{target} is there and is no export; choose another place with --to")
    zipped = target.suffix == ".zip"
    place = target if not zipped else target.with_name(f".{target.stem}-export")
    try:
        with files.atomic_folder(place) as made:
            _fill(made, folder, runs, when)
        if zipped:
            _zip(place, target)
    finally:
        if zipped:
            files.remove(place)
    return target


def _ours(target: Path) -> bool:
    """Whether an earlier export stands there."""
    if target.is_dir():
        readme = target / "README.md"
        return not any(target.iterdir()) or (
            readme.is_file() and readme.read_text("utf-8", "replace").startswith(README)
        )
    return zipfile.is_zipfile(target)


def _fill(made: Path, folder: Path, runs: Path, when: datetime) -> None:
    for file in _theirs(folder):
        to = made / "my" / file.relative_to(folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    for run, results in milestones.finished(runs):
        if any(
            Path(slot["file"].rpartition(":")[0]).is_relative_to(folder.resolve()) for slot in results.get("slots", [])
        ):
            for name in OF_A_RUN:
                if (run / name).is_file():
                    (made / "runs" / run.name).mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(run / name, made / "runs" / run.name / name)
    runs_kept = sorted(path.name for path in (made / "runs").iterdir()) if (made / "runs").is_dir() else []
    files.write_text(made / "README.md", _readme(runs_kept))
    files.write_text(made / "index.html", certificate(folder, runs_kept, when))


def _theirs(folder: Path) -> Iterator[Path]:
    """The learner's own files: no links, nothing hidden, no caches."""
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if (
            file.is_file()
            and not file.is_symlink()
            and file.suffix in KINDS
            and not any(p.startswith((".", "__")) for p in parts)
        ):
            if file.resolve().is_relative_to(folder.resolve()):
                yield file


def _zip(place: Path, target: Path) -> None:
    with files.atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(place.rglob("*")):
            if file.is_file():
                archive.write(file, Path(target.stem) / file.relative_to(place))


def _readme(runs: list[str]) -> str:
    kept = f"\nThe runs that used them: {', '.join(f'runs/{name}/report.html' for name in runs)}.\n" if runs else ""
    return (
        f"{README}\nMy own functions stand in `my/`; `index.html` lists what they passed, `my/journal.md` what I noted.\n{kept}"
        "\nRun them in a real training run (about a minute), judge them, and chat with the model:\n\n"
        "```bash\npip install groundup\ngroundup --mine my demo --fast --out runs/again\n"
        "groundup learn check --all --folder my\ngroundup --mine my chat runs/again/model\n```\n"
    )


def passed(folder: Path) -> list[Passed]:
    """What the record says was passed and is on the shelf, judged again today."""
    record, known = Record(folder), {one.id: one for one in shelf.exercises()}
    found = []
    for entry in record.entries.values():
        if not (entry.passed and entry.id in known):
            continue
        file = folder / f"{known[entry.id].name}.py"
        there = file.is_file()
        changed = f"{datetime.fromtimestamp(file.stat().st_mtime):%Y-%m-%d}" if there else ""
        now = there and checker.check_file(known[entry.id], file).passed
        found.append(Passed(entry=entry, title=known[entry.id].title, now=now, changed=changed))
    return found


def certificate(folder: Path, runs: list[str], when: datetime) -> str:
    """The page of what was passed."""
    done = passed(folder)
    rows = [
        (one.entry.id, one.title, "yes" if one.now else "no", one.changed, str(one.entry.hints), str(one.entry.tries))
        for one in done
    ]
    way = steps.path("chapters")
    chapters = [
        (f"{number}. {one.step.title}", f"{one.passed} of {len(one.exercises)}", one.milestone)
        for number, one in enumerate(standing.standings(way, Record(folder)), 1)
    ]
    links = "".join(f'<li><a href="runs/{html.escape(name)}/report.html">{html.escape(name)}</a></li>' for name in runs)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>What was passed</title><style>{page.CSS} td, th {{ text-align: left; padding: .2rem .8rem .2rem 0; }}</style></head>\n<body>"
        f"<h1>What was passed</h1><p>{sum(one.now for one in done)} of {len(shelf.exercises())} exercises of groundup pass on "
        f"{when:%Y-%m-%d}, judged anew when this page was written.</p>"
        + _table(("exercise", "title", "passes today", "file changed", "hints", "tries"), rows)
        + "<h2>The eight chapters</h2>"
        + _table(("chapter", "exercises passed", "milestone"), chapters)
        + (f"<h2>Runs with these functions</h2><ul>{links}</ul>" if links else "")
        + "</body></html>\n"
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return "<table><tr>" + "".join(f"<th>{name}</th>" for name in head) + f"</tr>{body}</table>"
