"""What a user looks for at the top of a run folder: the last model and tokenizer, the report, the results.

Links are hard, so a second copy costs no disk; where the disk has none (or another disk is meant) files are copied. Never symbolic: a folder that is
moved or packed stays whole. The model card, which needs every score, is written here into the published model only.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from groundup import files
from groundup.runs.stages import STAGES

FOLDERS = ("tokenizer", "model")
FILES = ("report.html", "results.json")


def publish(run_folder: Path, stages: Mapping[str, Path]) -> None:
    """Bring the last of each kind to the top of the run folder; `stages` is stage -> its folder, in order."""
    report = stages.get("report")
    for role in FOLDERS:
        made = [folder / role for name, folder in stages.items() if STAGES[name].makes == role]
        if made:
            _link_folder(made[-1], run_folder / role, report / "card" if report and role == "model" else None)
    for name in FILES:
        if report:
            _link(report / name, run_folder / name)


def _link_folder(source: Path, target: Path, card: Path | None) -> None:
    with files.atomic_folder(target) as temporary:
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            place = Path(temporary) / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(file, place)
        if card and card.is_dir():
            for file in card.iterdir():
                _link(file, Path(temporary) / file.name)
            files.write_checksums(Path(temporary))


def _link(source: Path, target: Path) -> None:
    with files.atomic_path(target) as temporary:
        Path(temporary).unlink(missing_ok=True)
        link_or_copy(source, Path(temporary))


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link to `source` at `target`, or a copy where the disk refuses one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
