"""What a source held that could not be read: the file, the byte where it begins, and why.

Readers of archives go on after damage. Each damaged record is handed to whoever reads, so that none is lost in silence;
without a listener a file's damages are said aloud when it ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from groundup.progress import say

SHOWN = 3  # damages of one file that are said aloud; the others are counted


@dataclass(frozen=True, slots=True)
class Damage:
    """One record, member or row that was not read."""

    path: str
    offset: int
    """of its first byte in the file; of the gzip member in compressed files"""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: byte {self.offset}: {self.reason}"


Report = Callable[[Damage], None]


@dataclass
class Heard:
    """Counts damages, and says the first of them aloud where nobody else listens."""

    report: Report | None = None
    found: list[Damage] = field(default_factory=list)
    count: int = 0

    def __call__(self, damage: Damage) -> None:
        """Take one damage in."""
        self.count += 1
        if self.report is not None:
            self.report(damage)
        elif len(self.found) < SHOWN:
            self.found.append(damage)

    def say(self) -> None:
        """Say what was found, once the file has ended."""
        for damage in self.found:
            say(f"damaged: {damage}")
        if self.report is None and self.count > SHOWN:
            say(f"damaged: {self.found[0].path}: {self.count - SHOWN:,} more places")
