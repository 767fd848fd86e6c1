"""`groundup tune MODEL`: instruction tuning of a model folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneOptions(Running):
    """Teach a model to follow instructions; the loss is on the answers only."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""


def run(options: TuneOptions) -> None:
    """Run the stage tune on a model folder."""
    from groundup.cli import running, show

    changes = {
        "name": "tune",
        "description": "a tuned model",
        "stages": ["tune"],
        "inputs": {"model": str(options.model)},
    }
    show.stage_result(running.carry_out("demo", options, changes), options.json)
