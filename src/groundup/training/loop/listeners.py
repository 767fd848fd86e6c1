"""Listeners: functions that the loop calls after each step, for whoever watches it. They change nothing in the run."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from groundup import files
from groundup.training.monitor.monitoring import add_line

Listener = Callable[[Any], None]  # takes a `trainer.Step`


def write_metrics(path: str | Path, every: int = 1) -> Listener:
    """A listener that adds a line to a metrics.jsonl every so many steps."""

    def listen(event: Any) -> None:
        if event.step % every == 0 or event.step == 1:
            add_line(path, event.numbers)

    return listen


def call_every(every: int, steps: int, function: Callable[[Any], None]) -> Listener:
    """A listener that calls `function` every so many steps (0: never) and after the last."""

    def listen(event: Any) -> None:
        if event.step == steps or (every and event.step % every == 0):
            function(event)

    return listen


def metrics(path: str | Path, *names: str) -> Iterable[dict[str, Any]]:
    """The lines of a metrics.jsonl that hold all of the names."""
    return [record for record in files.read_jsonl(path) if all(name in record for name in names)]
