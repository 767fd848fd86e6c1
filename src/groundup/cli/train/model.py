"""`groundup train` without a second word: pretrain a transformer on your text, or on documents and a tokenizer that are there already."""

from dataclasses import dataclass
from pathlib import Path

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions(Running):
    """train a transformer to predict the next token"""

    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text; left out: the embedded worlds"""
    data: Path | None = None
    """a folder of documents made by `groundup data build`, in place of --text"""
    tokenizer: Path | None = None
    """a tokenizer folder; left out: that of --model, or one is trained on the same text"""
    model: Path | None = None
    """a model folder to go on from; left out: a new model is made"""


def run(options: TrainOptions) -> None:
    """Run the stage train, and before it those whose results were not given."""
    from groundup.cli import running, show

    tokenizer = options.tokenizer or options.model  # a model knows only the tokens that it was trained with
    given = {"documents": options.data, "tokenizer": tokenizer, "start": options.model}
    inputs = {role: str(path) for role, path in given.items() if path}
    before = [stage for stage, role in (("data", "documents"), ("tokenizer", "tokenizer")) if role not in inputs]
    changes: dict = {
        "name": "train",
        "description": "a pretrained model",
        "stages": [*before, "train"],
        "inputs": inputs,
    }
    changes |= {"data": {"text": str(options.text)}} if options.text else {}
    show.stage_result(running.carry_out("text" if options.text else "demo", options, changes), options.json)
