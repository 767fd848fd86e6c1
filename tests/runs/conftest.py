"""A run of small stages that compute nothing, so that the runner is tested in milliseconds."""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from groundup import slots
from groundup.runs import recipe, stages
from groundup.runs.stages import Stage

SMALL_STAGES = (
    Stage(name="data", about="", sections=("data",), makes="documents"),
    Stage(name="tokenizer", about="", sections=("tokenizer",), needs=("documents",), makes="tokenizer", uses=("text",)),
    Stage(
        name="train",
        about="",
        sections=("train",),
        needs=("documents", "tokenizer"),
        makes="model",
        uses=("model",),
        steps=True,
    ),
    Stage(name="report", about="", sections=(), reads_all=("model",), retells=True),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallConfig:
    """What the small stages read from a recipe."""

    vocab_size: int = 300
    seed: int = 0
    text: str = ""
    pipeline: str = ""
    beside_worlds: bool = False


class World:
    """The fake stages: which ran, and what each does instead of writing its files."""

    def __init__(self):
        self.ran = []
        self.instead = {}
        self.sources = {"text": "", "model": ""}

    def run(self, context):
        name = context.stage.name
        self.ran.append(name)
        if name in self.instead:
            self.instead[name](context)
        if context.stage.makes:
            context.made.mkdir(exist_ok=True)
            (context.made / "content.txt").write_text(f"{name} of {sorted(context.inputs)}")
        else:
            (context.folder / "report.html").write_text(str(sorted(context.done)))
            (context.folder / "results.json").write_text("{}")
            (context.folder / "card").mkdir(exist_ok=True)
            (context.folder / "card" / "README.md").write_text("a card")
        return {"inputs": {role: str(path) for role, path in context.inputs.items()}}


@pytest.fixture
def world(monkeypatch):
    world = World()
    monkeypatch.setitem(sys.modules, "small_config", SimpleNamespace(SmallConfig=SmallConfig))
    for section in ("data", "tokenizer", "train"):
        monkeypatch.setitem(recipe.SECTIONS, section, "small_config:SmallConfig")
    for stage in SMALL_STAGES:
        monkeypatch.setitem(stages.STAGES, stage.name, stage)
        monkeypatch.setitem(sys.modules, f"groundup.runs.stages.{stage.name}", SimpleNamespace(run=world.run))
    monkeypatch.setattr("groundup.runs.context.Context.choose_machine", lambda self: None)
    monkeypatch.setattr("groundup.runs.context.Context.drift_seconds", lambda self: 0.01)
    monkeypatch.setattr(slots, "source_hash", lambda rooms: "".join(world.sources[room] for room in rooms))
    return world


@pytest.fixture
def small(world):
    """A recipe of the four small stages, from overrides."""

    def make(**tables):
        raw = {"name": "small", "stages": ["data", "tokenizer", "train", "report"]}
        return recipe.resolve(recipe.merge(raw, tables), "recipe small")

    return make
