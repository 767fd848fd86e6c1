"""What a learner has done: one line an exercise in `progress.txt` of their folder, to be read, kept in git and mended by hand.

    model.attention.scaled_dot_product_attention   passed   hints 1   tries 4

The ids are those of the slots, so a line outlives renamed files and new versions; a line of an id that is not known here
stays as it is. Every change is also written to a backup in the user's cache folder: a lost or damaged file comes back.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from groundup import files

NAME = "progress.txt"
HEAD = "# groundup learn: one line an exercise; the last one is where you are\n"
LINE = re.compile(r"(\S+)\s+(started|passed)\s+hints (\d+)\s+tries (\d+)\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One exercise of a learner. hints: how many were read; tries: how often it was judged."""

    id: str
    passed: bool = False
    hints: int = 0
    tries: int = 0

    def line(self) -> str:
        """The entry as it is written."""
        return f"{self.id}   {'passed' if self.passed else 'started'}   hints {self.hints}   tries {self.tries}\n"


class Record:
    """The progress in a learner's folder; every change is on the disk at once.

    notice: what had to be mended while it was read, one sentence, or "".
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / NAME
        self.notice = ""
        self.entries: dict[str, Entry] = {}  # in the order in which they were last touched
        self._read()

    def get(self, id: str) -> Entry:
        """What was done of an exercise; nothing yet is an entry too."""
        return self.entries.get(id, Entry(id))

    @property
    def current(self) -> str:
        """The id that was touched last; "" before the first."""
        return next(reversed(self.entries), "")

    def started(self, id: str) -> None:
        """Note that an exercise was begun."""
        self._put(self.get(id))

    def hinted(self, id: str) -> None:
        """Note that one more hint was read."""
        self._put(replace(self.get(id), hints=self.get(id).hints + 1))

    def tried(self, id: str, passed: bool) -> None:
        """Note a verdict; what was passed once stays passed."""
        old = self.get(id)
        self._put(replace(old, tries=old.tries + 1, passed=old.passed or passed))

    def _put(self, entry: Entry) -> None:
        self.entries.pop(entry.id, None)
        self.entries[entry.id] = entry
        text = HEAD + "".join(one.line() for one in self.entries.values())
        files.write_text(self.path, text)
        backup = self.backup()
        backup.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(backup, text)

    def backup(self) -> Path:
        """Where the copy outside the folder is: it belongs to the folder's place."""
        place = hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:12]
        return files.cache_folder() / "progress" / f"{place}.txt"

    def _read(self) -> None:
        """Take the lines that can be read; for the others, and for a lost file, those of the backup."""
        found, damaged = _entries(self.path)
        kept, _ = _entries(self.backup())
        if found is None and kept:
            self.notice = f"{self.path} was gone; your progress came back from its backup"
        elif damaged:
            self.notice = f"{damaged} lines of {self.path} cannot be read; what its backup knows was taken for them"
        self.entries = (kept or {}) | (found or {}) if damaged or found is None else found
        if self.notice and self.entries:
            self._put(self.entries[self.current])


def _entries(path: Path) -> tuple[dict[str, Entry] | None, int]:
    """The entries of a file and how many of its lines are none; None where there is no file."""
    if not path.is_file():
        return None, 0
    lines = [
        line for line in path.read_text("utf-8", "replace").splitlines() if line.strip() and not line.startswith("#")
    ]
    read = [match for line in lines if (match := LINE.fullmatch(line))]
    entries = {one[1]: Entry(one[1], one[2] == "passed", int(one[3]), int(one[4])) for one in read}
    return entries, len(lines) - len(read)
