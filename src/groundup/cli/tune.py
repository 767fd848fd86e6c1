"""`groundup tune MODEL`: instruction tuning of a model folder, of all its weights or of an adapter beside them.

groundup tune MODEL --method lora                    model/ is an adapter folder as PEFT has it, beside the model it was made for
groundup tune MODEL --method qlora --merge           model/ is one model again
groundup tune MODEL --method lora --set tune.r=16 --set tune.target_modules=all-linear
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundup.cli.options import Running
from groundup.tuning.config import MethodName


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneOptions(Running):
    """Teach a model to follow instructions; the loss is on the answers only."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    method: MethodName = "full"
    """full: every weight learns; else the model is frozen and an adapter beside it learns"""
    merge: bool = False
    """put the adapter into the weights and write one model, instead of the adapter's folder"""


def run(options: TuneOptions) -> None:
    """Run the stage tune on a model folder."""
    from groundup.cli import running, show

    tuning: dict[str, object] = {}
    if options.method != "full":  # the demo's rates are those of all weights by Muon
        tuning = {"method": options.method, "merge": options.merge, "optimizer": "adamw", "learning_rate": 0.002}
    changes: dict[str, object] = {
        "name": "tune",
        "description": "a tuned model",
        "stages": ["tune"],
        "inputs": {"model": str(options.model)},
    }
    changes |= {"tune": tuning} if tuning else {}
    show.stage_result(running.carry_out("demo", options, changes), options.json)
