"""Carry a recipe out for a verb: say what it will cost, run it, show what came of it. `demo`, `run` and the stage verbs share it."""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.cli.options import Running


def carry_out(
    source: str | Path, options: Running, given: Mapping[str, Any] | None = None, *, forecast: bool = False
) -> Any:
    """Run a recipe (name or file) with a verb's flags; the finished `runs.runner.Run`. given: keys that the verb itself changes.

    forecast: measure what the run will cost, if that was not done before on this machine.
    """
    from groundup import progress
    from groundup.cli import show
    from groundup.runs import estimate, recipe, runner

    if options.profile:  # else torch's profiler says on stderr that it begins and ends
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    made = recipe.load(source, options.set, recipe.merge(given or {}, changes(options)))
    folder = options.out or Path("runs") / made.name
    progress.say(f"{made.name}: {' -> '.join(made.stages)}; results go to {folder}/")

    def before(context: Any) -> None:
        if context.stage.name == "train":
            found = estimate.keep(made, folder, context.inputs, may_measure=forecast)
            if found:
                show.forecast(found, on_stderr=True)

    return runner.run(made, folder, command=command_line(), on_stage=show.stage, before=before, profile=options.profile)


def changes(options: Running) -> dict[str, Any]:
    """The keys of a recipe that the flags of a verb change."""
    return options.computing.changes() | ({} if options.depth is None else {"depth": options.depth})


def command_line() -> str:
    """The command as the user typed it, as the way to go on."""
    return " ".join(["groundup", *map(shlex.quote, sys.argv[1:])])


def print_json(value: Any) -> None:
    """A result as JSON on stdout: the one thing that `--json` prints there."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
