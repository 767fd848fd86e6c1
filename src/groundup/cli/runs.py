"""`groundup runs`: list, compare and remove runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

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
class RemoveOptions:
    """remove a run, or only the stages that its recipe no longer uses"""

    run: Folder
    """a run folder"""
    unused: bool = False
    """only the stages of other settings than the present recipe's"""
    yes: bool = False
    """do not ask"""


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


ACTIONS = {"list": list_runs, "compare": compare, "remove": remove}
