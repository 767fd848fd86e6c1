"""Run a recipe: what is new is computed, what is there is reused, what was killed goes on.

    runs/<name>/recipe.toml                   the resolved recipe; a folder of another recipe is refused
    runs/<name>/stages/03-train-1a2b3c4d/     one folder a stage, named by its key; done.json is written last and makes it count
    runs/<name>/model/                        the last stage's model (see `publish`)

A stage is finished when its `done.json` is there and every output still has the checksum written in it. Folders of other keys stay, so that going back to
an earlier setting costs nothing (`groundup runs remove` makes room). All stages run in this one process, under one lock on the folder.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup import files, slots
from groundup.errors import DiskFull, GroundupError, Interrupted
from groundup.processor import machine_name
from groundup.runs import toml
from groundup.runs.claim import claim, release
from groundup.runs.context import Context
from groundup.runs.keys import Plan, plan
from groundup.runs.publish import publish
from groundup.runs.recipe import Recipe
from groundup.runs.resources import Meter

DONE = "done.json"
NOT_OUTPUTS = ("checkpoints", "logs", "members", "tracking", "profile", DONE)  # for resuming and looking; no later stage reads them

OnStage = Callable[[Plan, bool], None]
Before = Callable[[Context], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """One stage of a finished run; `done` is its done.json."""

    plan: Plan
    folder: Path
    reused: bool
    done: dict[str, Any]

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.plan.stage.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A finished run: its folder and its stages in order."""

    folder: Path
    recipe: Recipe
    stages: Sequence[Ran]
    profile: bool = False  # whether it was asked where a step's time goes


def run(
    recipe: Recipe,
    folder: str | Path,
    *,
    command: str = "",
    on_stage: OnStage = lambda planned, reused: None,
    before: Before = lambda context: None,
    profile: bool = False,
) -> Run:
    """Bring every stage of `recipe` to its end in `folder`.

    command: what the user typed, named as the way to go on. on_stage: hears of each stage before it begins, and whether it is reused.
    before: called once, with the first stage that has steps and is not reused, when what it reads is there. profile: stages that
    train say where their time goes.
    """
    folder = Path(folder)
    planned = plan(recipe)  # reads the files from outside, so a missing one is found before anything is written
    _need_trackers(recipe)
    new = claim(folder, recipe)
    with files.lock(folder):
        files.write_text(folder / "recipe.toml", recipe.to_toml())
        ran: list[Ran] = []
        try:
            for stage_plan in planned:
                context = _context(recipe, folder, stage_plan, ran, command)
                context.profile = profile
                ran.append(_bring_to_end(context, stage_plan, ran, on_stage, before))
        except GroundupError:
            if new and not ran:
                release(folder)
            raise
        publish(folder, {stage.name: stage.folder for stage in ran})
    return Run(folder=folder, recipe=recipe, stages=ran, profile=profile)


def _need_trackers(recipe: Recipe) -> None:
    """Say before the first stage what a later one's trackers lack."""
    from groundup.training.monitor import telemetry, trackers

    for name in recipe.stages:
        trackers.require(getattr(recipe.configs.get(name), "trackers", ()))
    if telemetry.wanted():
        telemetry.require()


def _context(recipe: Recipe, folder: Path, planned: Plan, ran: Sequence[Ran], command: str) -> Context:
    folders = {stage.name: stage.folder for stage in ran}
    inputs = {
        role: folders[maker] / role if maker else Path(recipe.inputs[role]) for role, maker in planned.reads.items()
    }
    models = {stage.name: stage.folder / "model" for stage in ran if stage.plan.stage.makes == "model"}
    return Context(
        stage=planned.stage,
        folder=folder / "stages" / planned.folder_name,
        recipe=recipe,
        inputs=inputs,
        models=models or {role: path for role, path in inputs.items() if role == "model"},
        done={stage.name: stage.done for stage in ran},
        folders=folders,
        run_folder=folder,
        command=command,
    )


def _bring_to_end(context: Context, planned: Plan, ran: Sequence[Ran], on_stage: OnStage, before: Before) -> Ran:
    """Reuse the stage or do it."""
    told = [files.sha256(stage.folder / DONE) for stage in ran] if planned.stage.retells else []
    done = finished(context.folder, told)
    if done is None and planned.stage.steps and all(stage.reused for stage in ran if stage.plan.stage.steps):
        before(context)
    on_stage(planned, done is not None)
    return Ran(
        plan=planned, folder=context.folder, reused=done is not None, done=done or perform(context, planned, told)
    )


def finished(folder: Path, told: Sequence[str] = ()) -> dict[str, Any] | None:
    """The done.json of a finished stage; None when it never ended or an output is not what it was.

    told: for a stage that retells the others, the checksums of what it must have told.
    """
    try:
        done = files.read_json(folder / DONE)
        whole = done["told"] == list(told) and all(
            files.sha256(folder / name) == checksum for name, checksum in done["outputs"].items()
        )
    except (GroundupError, OSError, KeyError):
        return None
    return done if whole else None


def perform(context: Context, planned: Plan, told: Sequence[str] = ()) -> dict[str, Any]:
    """Do one stage, then write its done.json, last and at once."""
    stage, folder = planned.stage, context.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)
    head = {"stage": stage.name, "key": planned.key, "format": stage.format}
    inputs = {role: os.path.relpath(path, context.run_folder) for role, path in context.inputs.items()}
    files.write_text(folder / "stage.toml", toml.dump(head | planned.parts["tables"] | {"inputs": inputs}))
    files.append_jsonl(folder / "sittings.jsonl", {"began": time.time()})
    before = [(filled.id, filled.calls) for filled in slots.active()]
    numbers, cost = _measured(context)
    done = {
        **{key: head[key] for key in ("stage", "key", "format")},
        "when": time.time(),
        "machine": machine_name(),
        "cost": cost,
        "sittings": len(files.read_jsonl(folder / "sittings.jsonl")),
        "numbers": numbers,
        "slots": _slots_since(dict(before)) if stage.uses else [],
        "told": list(told),
        "outputs": {name: files.sha256(folder / name) for name in outputs(folder)},
    }
    files.write_json(folder / DONE, done)
    return done


def _measured(context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the stage's function; its numbers and its cost. A stop or a mistake leaves the sentence that says how to go on."""
    if context.stage.makes in ("model", "scores"):
        context.choose_machine()
    before = context.drift_seconds()
    meter = Meter()
    try:
        with context.stop.between_steps() if context.stage.steps else nullcontext():
            numbers = context.stage.run(context)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped in stage '{context.stage.name}'; {context.way_on()}") from None
    except DiskFull as error:
        raise DiskFull(f"{error}; then {context.way_on()}") from None
    except Interrupted:
        raise
    except GroundupError:
        if not (context.folder / "checkpoints").exists():
            shutil.rmtree(context.folder, ignore_errors=True)
        raise
    cost = meter.stop()
    return numbers or {}, asdict(cost) | {"matmul_seconds": [before, context.drift_seconds()]}


def outputs(folder: Path) -> list[str]:
    """The files of a stage that later stages may read, as paths inside its folder."""
    inside = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [str(path) for path in inside if path.parts[0] not in NOT_OUTPUTS and not path.name.startswith(".")]


def _slots_since(before: dict[str, int]) -> list[dict[str, Any]]:
    """The learner's functions that ran in this stage: how often, and how fast against the reference."""
    told = [asdict(filled) | {"calls": filled.calls - before.get(filled.id, 0)} for filled in slots.active()]
    return [entry | {"file": str(entry["file"])} for entry in told if entry["calls"]]
