"""What a stage spends its time on, by kind of work: how many units of each it did, and the seconds they took.

A stage keeps the table under `numbers["units"]`; from a small run's table `runs.estimate` forecasts a large one's time. A unit's typical time is the median
of the later half where single units were timed: the first steps of a run pay for preparations that the others do not. `mean` is that half's mean: of many
short units it is the better forecast, for what interrupts some of them (5 to 15 % of a model of 155 thousand parameters' time) comes again in the long run.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Units:
    """Counts and seconds by kind of work.

    >>> units = Units()
    >>> units.add("step", 0.5); units.add("step", 0.25); units.add("step", 0.25)
    >>> units.table()
    {'step': {'count': 3, 'seconds': 1.0, 'typical': 0.25, 'mean': 0.25}}
    """

    def __init__(self) -> None:
        self.kinds: dict[str, list[tuple[float, float]]] = {}

    def add(self, kind: str, seconds: float, count: float = 1) -> None:
        """Note that `count` units took so many seconds together."""
        self.kinds.setdefault(kind, []).append((count, seconds))

    @contextmanager
    def timed(self, kind: str, count: float = 1) -> Iterator[None]:
        """Time what is inside."""
        began = time.perf_counter()
        yield
        self.add(kind, time.perf_counter() - began, count)

    def listener(self, kind: str, listener: Callable[[Any], None]) -> Callable[[Any], None]:
        """A listener of the training loop whose calls are timed."""

        def timed(event: Any) -> None:
            with self.timed(kind):
                listener(event)

        return timed

    def step(self, event: Any) -> None:
        """A listener that notes the seconds of each step itself."""
        self.add("step", event.seconds)

    def table(self) -> dict[str, dict[str, float]]:
        """The kinds with their counts, their seconds, and of their later half the typical and the mean seconds of one unit."""
        return {kind: _row(parts) for kind, parts in self.kinds.items()}


def _row(parts: list[tuple[float, float]]) -> dict[str, float]:
    """One kind's line of the table."""
    later = [seconds / count for count, seconds in parts[len(parts) // 2 :]]
    count, seconds = (sum(column) for column in zip(*parts, strict=True))
    return {"count": count, "seconds": seconds, "typical": statistics.median(later), "mean": statistics.fmean(later)}
