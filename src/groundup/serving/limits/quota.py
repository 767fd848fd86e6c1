"""A quota: so many tokens from midnight to midnight (UTC), counted a name, kept over a restart where a file is given.

A rate says how fast, a quota how much in all. Its bound is the plainest: a day's sum. It is charged and given back as a bucket is.
What is kept is the day and each name's sum; a file of another day is read as an empty one, a damaged one is named.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError

DAY_S = 86400


class Quota:
    """Sums of today. wall_clock: seconds since 1970, as `time.time` gives them."""

    def __init__(self, wall_clock: Callable[[], float], path: Path | None = None):
        self.wall_clock, self.path = wall_clock, path
        self._lock = threading.Lock()
        self._day, self._used = self._today(), dict[str, int]()
        if path is not None and Path(path).is_file():
            kept = _checked(files.read_json(path), path)
            self._used = kept["used"] if kept["day"] == self._day else {}

    def _today(self) -> int:
        return int(self.wall_clock() // DAY_S)

    def _turn(self) -> None:
        """A new day begins with nothing; a clock that goes back a day does not."""
        if (today := self._today()) > self._day:
            self._day, self._used = today, {}

    def take(self, name: str, amount: int, limit: int) -> float:
        """Charge a name: 0, or the seconds until tomorrow where today's limit would be passed and nothing is charged."""
        with self._lock:
            self._turn()
            used = self._used.get(name, 0)
            if limit and used + amount > limit:
                return max(1.0, (self._day + 1) * DAY_S - self.wall_clock())
            self._used[name] = used + amount
            return 0.0

    def put_back(self, name: str, amount: int) -> None:
        """What was charged and not used; what was charged yesterday is gone with it."""
        with self._lock:
            self._turn()
            if name in self._used:
                self._used[name] = max(0, self._used[name] - max(0, amount))

    def used(self, name: str) -> int:
        """Today's sum of a name."""
        with self._lock:
            self._turn()
            return self._used.get(name, 0)

    def save(self) -> None:
        """Write the sums to the file, whole or not at all; without a file nothing is done."""
        if self.path is None:
            return
        with self._lock:
            self._turn()
            kept = {"day": self._day, "used": dict(self._used)}
        files.write_json(self.path, kept)


def _checked(kept: Any, path: Path) -> dict[str, Any]:
    """The file's content, or a sentence that names it."""
    sound = isinstance(kept, dict) and isinstance(kept.get("day"), int) and isinstance(kept.get("used"), dict)
    if not sound or not all(isinstance(one, int) and one >= 0 for one in kept["used"].values()):
        raise FormatError(f"{path} holds no day's counts; remove it, and counting begins anew")
    return kept
