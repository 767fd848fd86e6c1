"""What each step of a pipeline did: how many documents it saw, kept, changed and dropped, for which reasons, with samples.

Shards are counted apart and added. Samples are added too, and must not depend on how the documents were spread over
shards or which came first: of all documents dropped for a reason those are shown whose ids have the smallest hashes
(bottom-k sampling: Cohen & Kaplan 2007). The k smallest of the union are among the k smallest of each part, so the sample of the
whole is the same however it was put together, and every document has the same chance.
"""

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from groundup import files
from groundup.data.documents import Document
from groundup.data.pipeline.steps import Dropped, Step, Verdict, described
from groundup.errors import FormatError, InputError

REPORT = "report.json"
PARTS = {"pipeline": dict, "source": str, "failed": list, "damaged": list, "steps": list, "kept": dict}
SHOWN = 300  # characters of a sample's text
CHANGED = "changed"


@dataclass(slots=True)
class StepReport:
    """One step's counts. samples: by reason, and under "changed" what it changed."""

    step: dict[str, Any]
    most: int = 3
    seen: int = 0
    kept: int = 0
    changed: int = 0
    characters_in: int = 0
    characters_out: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, step: Step, most: int) -> Self:
        """Nothing counted yet."""
        return cls(described(step), most)

    def count(self, before: Document, verdict: Verdict) -> None:
        """Count what became of a document."""
        self.seen += 1
        self.characters_in += len(before.text)
        if isinstance(verdict, Dropped):
            self.dropped[verdict.reason] = self.dropped.get(verdict.reason, 0) + 1
            self._sample(verdict.reason, before, detail=verdict.detail)
            return
        self.kept += 1
        self.characters_out += len(verdict.text)
        if verdict is not before and verdict.text != before.text:
            self.changed += 1
            self._sample(CHANGED, before, after=verdict.text)

    def _sample(self, reason: str, document: Document, detail: str = "", after: str = "") -> None:
        held = self.samples.setdefault(reason, [])
        rank = hashlib.blake2b(document.id.encode(errors="surrogatepass"), digest_size=8).hexdigest()
        if len(held) >= self.most and (not held or rank >= held[-1]["rank"]):
            return
        shown = {"rank": rank, "id": document.id, "source": document.source, "detail": detail}
        shown |= _around(document.text, after) if after else {"text": document.text[:SHOWN]}
        self.samples[reason] = smallest([*held, shown], self.most)

    def add(self, other: dict[str, Any]) -> None:
        """Add another shard's counts of the same step."""
        for name in ("seen", "kept", "changed", "characters_in", "characters_out"):
            setattr(self, name, getattr(self, name) + other[name])
        for reason, number in other["dropped"].items():
            self.dropped[reason] = self.dropped.get(reason, 0) + number
        for reason, samples in other["samples"].items():
            self.samples[reason] = smallest([*self.samples.get(reason, []), *samples], self.most)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it; reasons with the most documents first."""
        ordered = dict(sorted(self.dropped.items(), key=lambda pair: (-pair[1], pair[0])))
        return {
            "step": self.step,
            "seen": self.seen,
            "kept": self.kept,
            "changed": self.changed,
            "characters_in": self.characters_in,
            "characters_out": self.characters_out,
            "dropped": ordered,
            "samples": dict(sorted(self.samples.items())),
        }


def smallest(samples: Iterable[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The samples of the smallest ranks, each once, in the order of the ranks.

    >>> smallest([{"rank": "b", "id": 1}, {"rank": "a", "id": 2}, {"rank": "b", "id": 1}], 2)
    [{'rank': 'a', 'id': 2}, {'rank': 'b', 'id': 1}]
    """
    once = {(sample["rank"], sample["id"]): sample for sample in samples}
    return [once[key] for key in heapq.nsmallest(most, once)]


def _around(before: str, after: str) -> dict[str, str]:
    """The first place where two texts differ, in both."""
    length = min(len(before), len(after))
    place = next((at for at in range(length) if before[at] != after[at]), length)
    start = max(0, place - 60)
    return {"text": before[start : start + SHOWN], "after": after[start : start + SHOWN]}


def added(shards: Iterable[list[dict[str, Any]]], most: int) -> list[dict[str, Any]]:
    """The steps' reports of all shards as one list, a step each."""
    totals: list[StepReport] = []
    for steps in shards:
        if not totals:
            totals = [StepReport(made["step"], most) for made in steps]
        for total, made in zip(totals, steps, strict=True):
            total.add(made)
    return [total.plain() for total in totals]


def read_report(folder: str | Path) -> dict[str, Any]:
    """The report of a folder that a pipeline made; InputError where there is none, FormatError where it is another program's or damaged."""
    path = Path(folder) / REPORT
    if not path.is_file():
        raise InputError(f"{folder} has no {REPORT}; give a folder that `groundup data build --pipeline` made")
    report = files.read_json(path)
    absent = [
        name for name, kind in PARTS.items() if not isinstance(report, dict) or not isinstance(report.get(name), kind)
    ]
    if absent:
        raise FormatError(
            f"{path} is no report of a pipeline: it has no {', '.join(absent)}; "
            "give a folder that `groundup data build --pipeline` made, or make it again"
        )
    return report
