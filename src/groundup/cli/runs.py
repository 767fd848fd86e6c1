"""`groundup runs`: list, compare and remove runs, and search what their processes said."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOptions:
    """the runs of a folder: state, score, time, size"""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")] = Path("runs")
    """where the runs stand"""
    json: bool = False
    """print them as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareOptions:
    """two runs side by side: the keys that differ, the scores, the costs"""

    first: Folder
    """a run folder"""
    second: Folder
    """another run folder"""
    json: bool = False
    """print the comparison as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointsOptions:
    """the checkpoints of a run: step, validation, size, and whether each is whole"""

    run: Folder
    """a run folder"""
    fast: bool = False
    """look only whether files are missing or cut short; otherwise every byte is held to its checksum"""
    json: bool = False
    """print them as JSON on stdout"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveOptions:
    """remove a run, or only the stages that its recipe no longer uses"""

    run: Folder
    """a run folder"""
    unused: bool = False
    """only the stages of other settings than the present recipe's"""
    yes: bool = False
    """do not ask"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogOptions:
    """what a run's processes said, in order; from a step's numbers to its lines"""

    run: Folder
    """a run folder, or the name of one in runs/"""
    step: int | None = None
    """only this step, with its numbers"""
    around: int = 0
    """and so many steps before and after it"""
    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    """of this level or worse"""
    text: str = ""
    """only lines that hold these words"""
    rank: int | None = None
    """only this process of several"""
    json: bool = False
    """print them as JSON on stdout"""


def log(options: LogOptions) -> None:
    """Show the lines of a run's logs."""
    from groundup.cli import running, watched
    from groundup.runs import shelf

    where: dict[str, Any] = {
        "step": options.step,
        "around": options.around,
        "level": options.level,
        "text": options.text,
    }
    lines, metrics = shelf.said(options.run, **where, number=options.rank)
    running.print_json({"lines": lines, "metrics": metrics}) if options.json else watched.log(lines, metrics)


def list_runs(options: ListOptions) -> None:
    """Show every run of the folder."""
    from groundup.cli import running, show
    from groundup.runs import shelf

    found = shelf.entries(options.folder)
    running.print_json(found) if options.json else show.runs(found, options.folder)


def compare(options: CompareOptions) -> None:
    """Show where two runs differ."""
    from groundup.cli import running, show
    from groundup.runs import shelf

    compared = shelf.compare(options.first, options.second)
    running.print_json(compared) if options.json else show.comparison(compared)


def checkpoints(options: CheckpointsOptions) -> None:
    """List every checkpoint of a run's stages; each is a model folder."""
    from groundup.cli import running, show
    from groundup.runs import shelf

    found = shelf.checkpoints(options.run, read=not options.fast)
    running.print_json(found) if options.json else show.checkpoints(found, options.run)


def remove(options: RemoveOptions) -> None:
    """Remove a run folder after asking."""
    import sys

    from groundup.errors import ConfigError
    from groundup.runs import shelf

    folders = shelf.removable(options.run, unused=options.unused)
    if not options.yes:
        if not sys.stdin.isatty():
            raise ConfigError(f"nothing was removed; give --yes to remove {', '.join(map(str, folders)) or 'nothing'}")
        if input(f"remove {', '.join(map(str, folders)) or 'nothing'}? [y/N] ").strip().lower() not in ("y", "yes"):
            return
    freed = shelf.remove(options.run, folders)
    print(f"removed {len(folders)} folders, {freed / 1e6:.1f} MB")


ACTIONS = {"list": list_runs, "compare": compare, "checkpoints": checkpoints, "log": log, "remove": remove}
