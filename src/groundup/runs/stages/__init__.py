"""The stages of a run: what each reads, makes and uses, as one table; what each does stands in its own file.

A stage reads *roles*, not stages: `align` reads a model, and the nearest stage before it that makes one is meant; so `compress` can be put between.

data       documents from the embedded worlds or the user's files       tune     a model that follows instructions
tokenizer  a byte-level vocabulary learned from them                    align    a model improved by rewards, or by pairs
train      a model that predicts the next token                         compress a smaller model
reward     a model that gives answers a number, learned from pairs      eval     bits per byte and accuracies of every model so far
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage as data. `uses` names the rooms whose filled slots change its result; `format` is raised when the same configuration gives another result."""

    name: str
    about: str
    sections: tuple[str, ...]  # the recipe's tables it reads
    needs: tuple[str, ...] = ()  # roles it reads, each from the nearest stage before it
    may_read: tuple[str, ...] = ()  # roles it reads where an earlier stage or the recipe's inputs give them
    reads_all: tuple[str, ...] = ()  # roles it reads from every stage before it
    makes: str | None = None  # the role it makes: a folder of that name inside the stage's own
    uses: tuple[str, ...] = ()
    steps: bool = False  # it stops at a step boundary and goes on from a checkpoint
    retells: bool = False  # it tells what the other stages cost, so it is done again when one of them was
    format: int = 1

    @property
    def run(self) -> Callable[[Any], dict[str, Any]]:
        """The function that does it: takes a `runs.context.Context`, writes into its folder, returns the numbers worth keeping."""
        from groundup.tuning.efficient import offer_reader

        offer_reader()  # the stage before may have made an adapter's folder
        return importlib.import_module(f"groundup.runs.stages.{MODULES.get(self.name, self.name)}").run


MODULES = {"eval": "evaluate"}

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(name="data", about="gather and clean the documents", sections=("data",), makes="documents"),
        Stage(
            name="tokenizer",
            about="learn a vocabulary from them",
            sections=("tokenizer",),
            needs=("documents",),
            makes="tokenizer",
            uses=("text.tokenizers",),
        ),
        Stage(
            name="train",
            about="train a model to predict the next token",
            sections=("model", "train"),
            needs=("documents", "tokenizer"),
            may_read=("start",),
            makes="model",
            uses=("text", "data", "model", "inference", "training"),
            steps=True,
        ),
        Stage(
            name="tune",
            about="teach it to follow instructions",
            sections=("tune",),
            needs=("model",),
            may_read=("documents",),
            makes="model",
            uses=("text", "data", "model", "inference", "training", "tuning"),
            steps=True,
        ),
        Stage(
            name="reward",
            about="learn from pairs which answers are preferred",
            sections=("reward",),
            needs=("model",),
            makes="reward_model",
            uses=("text", "data", "model", "training", "alignment"),
            steps=True,
        ),
        Stage(
            name="align",
            about="improve it by rewards",
            sections=("align",),
            needs=("model",),
            may_read=("reward_model", "teacher"),
            makes="model",
            uses=("text", "model", "inference", "training", "alignment"),
            steps=True,
        ),
        Stage(
            name="compress",
            about="make it smaller",
            sections=("compress",),
            needs=("model",),
            may_read=("documents",),
            makes="model",
            uses=("text", "model", "inference", "compression"),
            format=2,
        ),
        Stage(
            name="eval",
            about="measure every model so far",
            sections=("eval",),
            needs=("documents", "model"),
            reads_all=("tokenizer", "model"),
            makes="scores",
            uses=("text", "model", "inference", "evaluation"),
        ),
        Stage(
            name="report",
            about="write the report and the model card",
            sections=(),
            reads_all=("documents", "tokenizer", "model", "scores"),
            retells=True,
        ),
    )
}


def makers(role: str) -> list[str]:
    """The stages that make a role, in the order of the table."""
    return [stage.name for stage in STAGES.values() if stage.makes == role]
