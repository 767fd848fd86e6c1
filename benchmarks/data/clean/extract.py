"""The extractors of main text side by side: what they keep of what people marked, and how many pages a second.

    python benchmarks/data/clean/extract.py FOLDER [--rounds 3] [--json]

FOLDER has html.zip and gold.json: for each page pieces of text that must stay and pieces that must go. precision: of the pieces that
came out, the part that must stay; recall: of those that must stay, the part that came out; F: their harmonic mean. `asking
others` is trafilatura as it comes, which compares its result with those of two other extractors. Runs are taken in turns, the
best of each counts, in seconds of the thread. The small extractor was tuned on these pages.
"""

import argparse
import contextlib
import importlib.metadata
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.data.clean import extract
from groundup.data.sources.encodings import decode
from groundup.errors import MissingExtra
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name

Marked = list[tuple[str, list[str], list[str]]]


def marked(folder: Path) -> Marked:
    """Pages with what must stay and what must go."""
    gold = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(folder / "html.zip") as archive:
        read = {name.rpartition("/")[2]: decode(archive.read(name), html=True)[0] for name in archive.namelist()}
    return [(read[page["file"]], page["with"], page["without"]) for page in gold.values()]


def ways() -> dict[str, Callable[[str], str]]:
    """The extractors that are installed."""
    found = {}
    for name, by in extract.EXTRACTORS.items():
        with contextlib.suppress(MissingExtra):
            by("<p>One page.</p>")
            found[name] = by
    if "trafilatura" in found:
        import trafilatura

        found["asking others"] = lambda html: trafilatura.extract(html, include_comments=False) or ""
    return found


def measure(pages: Marked, rounds: int) -> dict[str, dict[str, float]]:
    """Precision, recall, F and pages a second by extractor."""
    found = ways()

    def over(by: Callable[[str], str]) -> Callable[[], None]:
        return lambda: [by(html) for html, _, _ in pages] and None

    seconds = in_turns({name: over(by) for name, by in found.items()}, rounds, warm=1, clock=time.thread_time)
    rows = {}
    for name, by in found.items():
        score = extract.measure(by, pages)
        kept = {"precision": score.precision, "recall": score.recall, "F": score.f_score}
        rows[name] = kept | {"pages/s": len(pages) / min(seconds[name])}
    return rows


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    pages = marked(asked.folder)
    found: dict[str, Any] = {"machine": machine_name(), "pages": len(pages)}
    for package in ("trafilatura", "resiliparse"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    found["extractors"] = measure(pages, asked.rounds)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in found.items() if name != "extractors"))
    best = max(found["extractors"].values(), key=lambda row: row["F"])
    for name, row in sorted(found["extractors"].items(), key=lambda item: -item[1]["F"]):
        figures = f"precision {row['precision']:.3f}  recall {row['recall']:.3f}  F {row['F']:.3f}"
        beside = f"{row['F'] - best['F']:+.3f}, {row['pages/s'] / best['pages/s']:.1f} x the best one's speed"
        print(f"{name:14} {figures}  {row['pages/s']:7,.0f} pages/s   {beside}")


if __name__ == "__main__":
    main()
