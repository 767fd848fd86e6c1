"""What the learner's functions change: the first steps of training once more, with the reference, from the same seed.

A child process without `GROUNDUP_MINE` trains the same model on the same batches for a few dozen steps. Right functions give the same losses, to
float error; from two other seeds the child also learns how far apart right runs are anyway. Where a function gave other results than the
reference on the run's own numbers (`slots.py` compares them now and then), one more child trains with that function alone: its share of the change.
A child is `python -m groundup.runs.child comparison STAGE_FOLDER RUN_FOLDER RESULT [SEED ...]`. A reference that diverges, as the recipe alone can make
it do, is said and not compared with.
"""

import dataclasses
import math
import os
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundup import files, progress, slots
from groundup.errors import Diverged, Interrupted
from groundup.runs import child

STEPS = 30
OTHER_SEEDS = 2
REFERENCE = "reference_losses.json"


def used(context: Any) -> list[slots.Filled]:
    """The learner's functions that training may call."""
    return [filled for filled in slots.active() if filled.id.split(".")[0] in context.stage.uses]


def reference_losses(context: Any) -> list[list[float]]:
    """The reference's losses of the first steps, from the run's seed and from others; [] when nothing of the learner's is used."""
    if not used(context) or context.config.steps < STEPS:
        return []
    names = ", ".join(filled.name for filled in used(context))
    progress.say(f"training {STEPS} steps with the reference, to compare your {names} with it")
    seeds = [context.config.seed + other for other in range(OTHER_SEEDS + 1)]
    curves = _child(context, REFERENCE, seeds, "")
    if not curves[0]:
        progress.say(f"the reference diverges within {STEPS} steps too, so your functions are not compared with it")
    return curves if curves[0] else []


def alone(context: Any) -> dict[str, float]:
    """The loss with one function at a time, for those that gave other results than the reference; only where several are used."""
    wrong = [filled for filled in used(context) if filled.calls and filled.differs_at]
    if len(used(context)) < 2:
        return {}
    losses = {}
    for filled in wrong:
        progress.say(f"training {STEPS} steps with your {filled.name} alone: it gave other results than the reference")
        curve = _child(context, f"with_{filled.name}_alone.json", [context.config.seed], filled.id)
        losses[filled.id] = curve[0][-1] if curve and curve[0] else math.nan
    return losses


def _child(context: Any, result: str, seeds: Sequence[int], only: str) -> list[list[float]]:
    """The losses of a child process, once: with one function of the learner's, or with none. A seed's are [] where it diverged.

    [] for all where the learner's function broke the child.
    """
    path = context.folder / result
    if not path.exists():
        environment = {key: value for key, value in os.environ.items() if only or key != slots.VARIABLE}
        done = subprocess.run(
            child.command("comparison", context.folder, context.run_folder, result, *seeds),
            env=environment | {"GROUNDUP_QUIET": "1", slots.ONLY: only},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if not only:
            child.raise_mistake(done.returncode, done.stderr)
            assert done.returncode == 0 and path.exists(), f"the reference run failed: {done.stderr.strip()[-500:]}"
    curves = files.read_json(path) if path.exists() else []
    return [[math.nan if loss is None else loss for loss in curve] for curve in curves]


def compare(context: Any, reference: Sequence[Sequence[float]]) -> dict[str, Any] | None:
    """Both losses after the same number of steps; None when there is nothing to compare.

    noise: how far the reference's own losses lie apart from one seed to another (standard deviation over the last third of the steps).
    """
    if not reference:
        return None
    from groundup.training.loop import metrics
    from groundup.training.monitor.monitoring import curve

    mine = curve(metrics(context.folder / "metrics.jsonl", "loss"), "loss")[1][: len(reference[0])]
    steps = len(mine)
    ends = [statistics.fmean(losses[-max(1, steps // 3) :]) for losses in reference if losses]
    ends = [end for end in ends if math.isfinite(end)]
    return {
        "steps": steps,
        "mine": mine[-1],
        "reference": reference[0][steps - 1],
        "noise": statistics.stdev(ends) if len(ends) > 1 else None,
        "alone": alone(context),
        "mine_curve": mine,
        "reference_curve": list(reference[0][:steps]),
    }


def main(stage_folder: str, run_folder: str, result: str, *seeds: str) -> None:
    """Train the first steps of a stage's recipe from each seed and write the losses into the stage's folder."""
    import tomllib

    from groundup.runs import recipe
    from groundup.runs.context import Context
    from groundup.runs.stages import STAGES

    assert not slots.active() or os.environ.get(slots.ONLY), "the reference run must not see the learner's functions"
    made = recipe.resolve(tomllib.loads((Path(run_folder) / "recipe.toml").read_text("utf-8")), run_folder)
    relative = tomllib.loads((Path(stage_folder) / "stage.toml").read_text("utf-8"))["inputs"]
    inputs = {role: Path(run_folder) / path for role, path in relative.items()}
    context = Context(
        stage=STAGES["train"], folder=Path(stage_folder), recipe=made, inputs=inputs, run_folder=Path(run_folder)
    )
    files.write_json(Path(stage_folder) / result, [losses(context, int(seed)) for seed in seeds])


def losses(context: Any, seed: int) -> list[float]:
    """The losses of the first steps from a seed, with the stage's own documents, choices and, from its seed, batches; [] where they diverge."""
    from groundup.runs import largest_batch, precision
    from groundup.runs.stages import train
    from groundup.text.tokenizers import load_tokenizer
    from groundup.training import loop

    context.choose_machine()
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    context = largest_batch.decide(context, tokenizer)  # the stage's own choice, kept beside it
    config = dataclasses.replace(context.config, seed=seed)
    task, batches = train.task_of(context, tokenizer, config), train.batches_of(context, tokenizer, config)
    module = task.trained(train.new_module(context, tokenizer, config))
    precision.decide(context, module, lambda: task.batch(batches.batch(0), 0), task.loss)
    seen: list[float] = []

    def see(event: Any) -> None:
        seen[event.step - 1 :] = [event.loss]  # a rollback takes steps back

    try:
        loop.train(
            module,
            task.batches(batches.batch),
            config,
            objective=task.loss,
            listeners=[see],
            stop=lambda: len(seen) >= STEPS,
        )
    except Diverged:
        return []
    except Interrupted:
        pass
    return seen
