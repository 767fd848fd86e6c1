"""What the learner's functions change: the first steps of training once more, with the reference, from the same seed.

A child process without `GROUNDUP_MINE` trains the same model on the same batches for a few dozen steps. A right function gives the same losses (to float
error); a wrong one shows at once. The child is this file run as a module: `python -m groundup.runs.comparison STAGE_FOLDER RUN_FOLDER`.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundup import files, progress, slots
from groundup.errors import Interrupted

STEPS = 30
RESULT = "reference_losses.json"


def reference_losses(context: Any) -> list[float]:
    """The reference's losses of the first steps; empty when the stage uses no function of the learner's."""
    used = [filled for filled in slots.active() if filled.id.split(".")[0] in context.stage.uses]
    path = context.folder / RESULT
    if not used or context.config.steps < STEPS:
        return []
    if not path.exists():
        progress.say(
            f"training {STEPS} steps with the reference, to compare your {', '.join(filled.name for filled in used)} with it"
        )
        environment = {key: value for key, value in os.environ.items() if key != slots.VARIABLE} | {
            "GROUNDUP_QUIET": "1"
        }
        command = [sys.executable, "-m", "groundup.runs.comparison", str(context.folder), str(context.run_folder)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and path.exists(), f"the reference run failed: {done.stderr.strip()[-500:]}"
    return files.read_json(path)


def compare(context: Any, reference: Sequence[float]) -> dict[str, Any] | None:
    """Both losses after the same number of steps; None when there is nothing to compare."""
    if not reference:
        return None
    from groundup.training.loop import metrics

    mine = [record["loss"] for record in metrics(context.folder / "metrics.jsonl", "loss")][: len(reference)]
    steps = len(mine)
    return {
        "steps": steps,
        "mine": mine[-1],
        "reference": reference[steps - 1],
        "mine_curve": mine,
        "reference_curve": list(reference[:steps]),
    }


def main(stage_folder: str, run_folder: str) -> None:
    """Train the first steps of a stage's recipe with the reference and write their losses into the stage's folder."""
    import tomllib

    from groundup.runs import recipe
    from groundup.runs.context import Context
    from groundup.runs.stages import STAGES

    assert not slots.active(), "the reference run must not see the learner's functions"
    made = recipe.resolve(tomllib.loads((Path(run_folder) / "recipe.toml").read_text("utf-8")), run_folder)
    relative = tomllib.loads((Path(stage_folder) / "stage.toml").read_text("utf-8"))["inputs"]
    inputs = {role: Path(run_folder) / path for role, path in relative.items()}
    context = Context(
        stage=STAGES["train"], folder=Path(stage_folder), recipe=made, inputs=inputs, run_folder=Path(run_folder)
    )
    files.write_json(Path(stage_folder) / RESULT, losses(context))


def losses(context: Any) -> list[float]:
    """The losses of the first steps, from the stage's own batches, choices and seed."""
    from groundup.runs import precision
    from groundup.runs.stages import train
    from groundup.text.tokenizers import load_tokenizer
    from groundup.training import loop

    context.choose_machine()
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    module, batches = train.new_module(context, tokenizer), train.batches_of(context, tokenizer)
    precision.decide(context, module, lambda: batches.batch(0))
    seen: list[float] = []
    try:
        loop.train(
            module,
            batches.batch,
            context.config,
            listeners=[lambda event: seen.append(event.loss)],
            stop=lambda: len(seen) >= STEPS,
        )
    except Interrupted:
        pass
    return seen


if __name__ == "__main__":
    main(*sys.argv[1:])
