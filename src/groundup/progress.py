"""Long work shows a bar with its rate and the time left, on stderr; where nobody looks, it is silent.

stdout stays for results, so a command's output can be piped while its progress is seen.
"""

import os
import sys
from typing import Protocol, Self, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """What `progress` gives: a context that counts."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def update(self, amount: float = 1, **values: float | str) -> None:
        """Count on by `amount` units and show the named values."""


def quiet() -> bool:
    """Whether nobody looks: stderr is no terminal, or GROUNDUP_QUIET is set."""
    return bool(os.environ.get("GROUNDUP_QUIET")) or not sys.stderr.isatty()


def say(text: str) -> None:
    """Print one status line to stderr (never quiet for a file: logs want it; GROUNDUP_QUIET silences it), and tell it to whoever logs."""
    import logging

    logging.getLogger("groundup").info(text)
    if not os.environ.get("GROUNDUP_QUIET"):
        print(text, file=sys.stderr, flush=True)


class Silent:
    """A bar that nobody sees."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, amount: float = 1, **values: float | str) -> None:
        """Count on, unseen."""


class Bar:
    """A terminal's bar: done of total, rate, time left, and the last values given to `update`."""

    def __init__(self, total: float, title: str, unit: str):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:>12}"),
            BarColumn(None),
            TextColumn("{task.percentage:3.0f}%"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}", markup=False),
        )
        self.progress = Progress(*columns, console=Console(stderr=True))
        self.task = self.progress.add_task(title, total=total, rate="", values="")
        self.unit = unit

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def update(self, amount: float = 1, **values: float | str) -> None:
        """Count on by `amount` units and show the named values."""
        task = self.progress.tasks[0]
        shown = "  ".join(
            f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
        )
        rate = f"{short(task.speed)} {self.unit}/s" if task.speed else ""
        self.progress.update(self.task, advance=amount, rate=rate, values=shown or task.fields["values"])


def short(number: float) -> str:
    """Write a number with about three figures and a letter.

    >>> short(15300), short(2.5e6), short(812), short(0.42)
    ('15.3k', '2.5M', '812', '0.42')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size * 0.9995:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def progress(total: float, title: str, unit: str = "") -> Progress:
    """Open a bar for `total` units of work: `with progress(...) as bar: bar.update(n, loss=1.2)`."""
    return Silent() if quiet() else Bar(total, title, unit)
