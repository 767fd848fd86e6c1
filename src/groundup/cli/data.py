"""`groundup data build`: documents from the embedded worlds or from your own files, ready for a tokenizer and a model."""

from dataclasses import dataclass
from pathlib import Path

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions(Running):
    """gather, clean and split documents"""

    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text; left out: the embedded worlds"""


def build(options: DataOptions) -> None:
    """Run the data stage alone."""
    from groundup.cli import running, show

    changes = {"name": "data", "description": "documents", "stages": ["data"]}
    source = {"data": {"text": str(options.text)}} if options.text else {}
    show.stage_result(running.carry_out("text" if options.text else "demo", options, changes | source), options.json)


ACTIONS = {"build": build}
