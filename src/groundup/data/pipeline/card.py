"""The data card of a pipeline's result: where the documents came from, what was done to them, what was dropped and why.

Written from the run's own report, so it cannot say other than what happened. Its headings are those of Hugging Face's
data set cards, its questions those of datasheets for datasets (Gebru et al. 2021, arXiv:1803.09010) that a run can answer.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.data.documents import read_columns

SHOWN = 10  # damaged places that the card names; report.json has all


def totals(folder: Path) -> dict[str, int]:
    """Documents, characters and bytes of a folder of Parquet files."""
    documents = characters = size = 0
    for path in sorted(folder.glob("*.parquet")):
        for (text,) in read_columns(path, ["text"]):
            documents += 1
            characters += len(text)
            size += len(text.encode(errors="surrogatepass"))
    return {"documents": documents, "characters": characters, "bytes": size}


def data_card(report: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    kept, steps = report["kept"], report["steps"]
    seen = steps[0]["seen"] if steps else kept["documents"]
    lines = [
        f"# {report['pipeline']['name']}",
        "",
        f"{kept['documents']:,} documents, {kept['bytes']:,} bytes of UTF-8 text, from {seen:,} documents of `{report['source']}`.",
        "",
        "## How it was made",
        "",
        *_table(steps),
    ]
    lines += (
        ["", "## What was dropped, and why", "", *_reasons(steps)] if any(step["dropped"] for step in steps) else []
    )
    unread = [f"- {', '.join(one['sources'][:3])}: {one['error']}" for one in report["failed"]]
    unread += [f"- {place}" for place in report["damaged"][:SHOWN]]
    if len(report["damaged"]) > SHOWN:
        unread.append(f"- and {len(report['damaged']) - SHOWN:,} more places, listed in report.json")
    lines += ["", "## What could not be read", "", *unread] if unread else []
    if report.get("removed"):
        lines += ["", "## What was removed on request", ""]
        lines += [f"- `{_cell(entry)}`: {count:,} documents" for entry, count in report["removed"].items()]
    lines += ["", "## How to read it", "", *READING]
    return "\n".join(lines) + "\n"


READING = [
    "`documents/*.parquet` has the columns id, text, source and metadata (JSON); `dropped/*.parquet` has every document that",
    "was dropped with the step, the reason and what was found. `checksums.json` lists the sha256 of every file.",
]


def _table(steps: list[dict[str, Any]]) -> list[str]:
    lines = ["| step | settings | seen | kept | changed | characters kept |", "|---|---|---:|---:|---:|---:|"]
    for number, made in enumerate(steps, 1):
        settings = ", ".join(f"{name} = {value}" for name, value in made["step"].items() if name != "kind")
        share = f"{made['characters_out'] / made['characters_in']:.1%}" if made["characters_in"] else "-"
        kind = f"{number}. {made['step']['kind']}"
        lines.append(
            f"| {kind} | {_cell(settings)} | {made['seen']:,} | {made['kept']:,} | {made['changed']:,} | {share} |"
        )
    return lines


def _reasons(steps: list[dict[str, Any]]) -> list[str]:
    lines = ["| step | reason | documents | of those seen | for example |", "|---|---|---:|---:|---|"]
    for number, made in enumerate(steps, 1):
        for reason, count in made["dropped"].items():
            sample = next(iter(made["samples"].get(reason, [])), None)
            example = f"`{sample['id']}`: {sample['detail']}" if sample else ""
            kind = f"{number}. {made['step']['kind']}"
            lines.append(f"| {kind} | {_cell(reason)} | {count:,} | {count / made['seen']:.2%} | {_cell(example)} |")
    return lines


def _cell(text: str) -> str:
    """Text that cannot end a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")[:200]
