"""Carry a recipe out for a verb: say what it will cost, run it, show what came of it. `demo`, `run` and the stage verbs share it."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.cli.options import Running


def carry_out(
    source: str | Path, options: Running, changes: Mapping[str, Any] | None = None, *, forecast: bool = False
) -> Any:
    """Run a recipe (name or file) with a verb's flags; the finished `runs.runner.Run`.

    forecast: measure what the run will cost, if that was not done before on this machine.
    """
    from groundup import progress
    from groundup.cli import show
    from groundup.runs import estimate, recipe, runner

    made = recipe.load(source, options.set, recipe.merge(changes or {}, options.computing.changes()))
    folder = options.out or Path("runs") / made.name
    progress.say(f"{made.name}: {' -> '.join(made.stages)}; results go to {folder}/")

    def before(context: Any) -> None:
        if context.stage.name == "train":
            found = estimate.keep(made, folder, context.inputs, may_measure=forecast)
            if found:
                show.forecast(found, on_stderr=True)

    return runner.run(made, folder, command=command_line(), on_stage=show.stage, before=before)


def command_line() -> str:
    """The command as the user typed it, as the way to go on."""
    return " ".join(["groundup", *map(shlex.quote, sys.argv[1:])])


def print_json(value: Any) -> None:
    """A result as JSON on stdout: the one thing that `--json` prints there."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
