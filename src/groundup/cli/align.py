"""`groundup align MODEL`: reinforcement of a tuned model folder by rewards that can be checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignOptions(Running):
    """Improve a model by trying answers and rewarding those that are right."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""


def run(options: AlignOptions) -> None:
    """Run the stage align on a model folder."""
    from groundup.cli import running, show

    changes = {
        "name": "align",
        "description": "an aligned model",
        "stages": ["align"],
        "inputs": {"model": str(options.model)},
    }
    show.stage_result(running.carry_out("demo", options, changes), options.json)
