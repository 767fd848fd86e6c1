"""`groundup eval MODEL`: bits per byte on text, beside what compressors need; without a text, the world's own questions."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from groundup.runs.settings import MachineConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalOptions:
    """Measure a model on text: bits per byte beside xz and zstd; without a text, on held-out tinyworld."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text"""
    documents: int = 500
    """documents of the world to measure on, and questions to ask, when no text is given"""
    seed: int = 1
    """which documents and questions"""
    json: bool = False
    """print the results as JSON on stdout"""
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def run(options: EvalOptions) -> None:
    """Print the scores."""
    from groundup.cli import loading, running, show
    from groundup.runs import measure

    handle = loading.load(options.model, options.machine)
    scores = (
        measure.text(handle, options.text) if options.text else measure.world(handle, options.documents, options.seed)
    )
    running.print_json(scores) if options.json else show.scores(scores)
