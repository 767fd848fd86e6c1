"""`groundup tune MODEL`: a model folder learns a task: answers of conversations, labels of texts, or text of another kind.

groundup tune MODEL --method lora                          model/ is an adapter folder as PEFT has it, beside the model it was made for
groundup tune MODEL --method qlora --merge                 model/ is one model again
groundup tune MODEL --data mine.jsonl --set tune.heldout=200     the last 200 conversations are asked before and after
groundup tune MODEL --task classify --data reviews.csv     another head: the columns text and label; also regress, tag, span
groundup tune MODEL --task domain --data laws/ --set tune.old_data=news/    bits per byte of both, before and after
groundup tune MODEL --freeze model.embed_tokens --unfreeze-every 50
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.options import Running
from groundup.tuning.config import LABELLED, MethodName, TaskName

RATES = {"optimizer": "adamw", "learning_rate": 0.002}  # of adapters; the demo's rates are those of all weights by Muon
HEAD_RATES = {"optimizer": "adamw", "learning_rate": 0.0003, "epochs": 3.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneOptions(Running):
    """Teach a model a task; of conversations the loss is on the answers only."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    task: TaskName = "chat"
    """chat: answers; classify, regress, tag, span: another head, on labelled rows; domain: text of another kind"""
    data: str | None = None
    """your conversations, labelled rows (CSV, TSV, JSON lines, CoNLL) or text; left out: tinyworld's instructions"""
    method: MethodName = "full"
    """full: every weight learns; else the model is frozen and an adapter beside it learns"""
    merge: bool = False
    """put the adapter into the weights and write one model, instead of the adapter's folder"""
    freeze: tuple[str, ...] = ()
    """full: weights that keep their values, by name of a module or shell pattern (repeatable)"""
    unfreeze_every: int = 0
    """full: the last block learns first, and one more below it every so many steps; 0: all from the start"""


def run(options: TuneOptions) -> None:
    """Run the stage tune on a model folder."""
    from groundup.cli import running, show

    tuning: dict[str, object] = dict(RATES) if options.method != "full" else {}
    if options.task in LABELLED:
        tuning |= HEAD_RATES
    for name in ("task", "data", "method", "merge", "freeze", "unfreeze_every"):
        if (value := getattr(options, name)) != TuneOptions.__dataclass_fields__[name].default:
            tuning[name] = list(value) if isinstance(value, tuple) else value
    changes: dict[str, object] = {
        "name": "tune",
        "description": "a tuned model",
        "stages": ["tune"],
        "inputs": {"model": str(options.model)},
    }
    changes |= {"tune": tuning} if tuning else {}
    done = running.carry_out("demo", options, changes)
    keep(done, options.method)
    show.stage_result(done, options.json)


def keep(done: Any, method: str) -> None:
    """What was measured on held-out rows as the run's results.json, by method: `tune.lora.exact_gain_low`."""
    from groundup import files

    last = done.stages[-1]
    numbers = {name: value for name, value in last.done["numbers"].items() if isinstance(value, (int, float, str))}
    files.write_json(
        done.folder / "results.json", {"tune": {method: numbers | {"seconds": last.done["cost"]["seconds"]}}}
    )
