"""Attempts at the speed record, each timed from the start of its process, as lines of a log: when, on what machine, at which commit."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import groundup
from groundup import files
from groundup.errors import GroundupError, InputError
from groundup.processor import machine_name
from groundup.training.loop.record import ATTEMPTS

__all__ = ["ATTEMPTS", "commit", "fastest", "text_file", "timed"]


def text_file(path: Path | None, folder: Path) -> Path:
    """The text's file: the user's, or Python's documentation, written into `folder` once."""
    if path is not None:
        if not path.is_file():
            raise InputError(
                f"there is no text file {path}; check the path, or leave --text out for Python's documentation"
            )
        return path
    made = folder / "python-documentation.txt"
    if not made.is_file():
        from groundup.data.sources import python

        files.write_text(made, "\n".join(document.text for document in python.read("train", ("documentation",))))
    return made


def timed(text: Path, target: float, seed: int, threads: int = 0) -> dict[str, Any]:
    """One attempt in a process of its own; a line of the log. threads: 0: as many as cores."""
    with tempfile.TemporaryDirectory(prefix="groundup-") as folder:
        out = Path(folder) / "outcome.json"
        environment = os.environ | {"GROUNDUP_QUIET": "1"} | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
        command = [sys.executable, "-m", "groundup.training.loop.record", str(text), str(target), str(seed), str(out)]
        began = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise GroundupError(f"the attempt did not end: {said[-1]}")
        outcome = files.read_json(out)
    whole = outcome.pop("ended") - began  # one clock for both processes, which starts before Python does
    return outcome | {
        "seconds": whole,
        "text": text.name,
        "text_sha256": files.sha256(text),
        "machine": machine_name(),
        "version": groundup.__version__,
        "commit": commit(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit() -> str | None:
    """The commit of the source that runs, with a + where files of it are changed; None where it is no checkout."""
    place = Path(groundup.__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(place), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if (
        git("ls-files", "--error-unmatch", "__init__.py") is None
    ):  # an installed package, perhaps inside another project's checkout
        return None
    found = git("rev-parse", "--short", "HEAD")
    return found and found + ("+" if git("status", "--porcelain", "--untracked-files=no", ".") else "")


def fastest(lines: Iterable[Mapping[str, Any]], text_sha256: str, target: float) -> Mapping[str, Any] | None:
    """The quickest attempt at a target on a text that reached it."""
    able = [
        line for line in lines if line["reached"] and line["text_sha256"] == text_sha256 and line["target"] == target
    ]
    return min(able, key=lambda line: line["seconds"], default=None)
