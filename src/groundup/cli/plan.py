"""`groundup plan`: parameters, tokens, operations, disk, memory and time of a run on this machine, before it starts."""

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from groundup.cli.options import Computing, Set, Shared


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    """Say what a run will cost on this machine, from a short measurement that is kept."""

    recipe: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME_OR_FILE")] = "demo"
    """a recipe that comes with groundup, or a .toml file of your own"""
    set: Set = ()
    """override a key of the recipe, for example train.steps=200 (repeatable)"""
    json: bool = False
    """print the forecast as JSON on stdout"""
    again: bool = False
    """measure again, even when a measurement is kept"""
    computing: Shared = field(default_factory=Computing)


def run(options: PlanOptions) -> None:
    """Print the forecast."""
    from groundup.cli import running, show
    from groundup.runs import estimate, recipe

    made = recipe.load(options.recipe, options.set, options.computing.changes())
    forecast = estimate.estimate(made, again=options.again)
    if options.json:
        running.print_json(forecast | {"uses": estimate.uses(made)})
    else:
        show.forecast(forecast)
        show.uses(estimate.uses(made))
