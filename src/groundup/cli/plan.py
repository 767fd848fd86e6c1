"""`groundup plan`: parameters, tokens, operations, disk, memory and time of a run on this machine, before it starts.

With `--budget` the other way round: so much time or so many operations are given, and a run comes out, with the loss to expect.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.options import Computing, Set, Shared


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    """Say what a run will cost on this machine, from a short measurement that is kept."""

    recipe: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME_OR_FILE")] = ""
    """a recipe that comes with groundup, or a .toml file of your own; left out: demo; with --budget: none"""
    budget: str | None = None
    """plan a run instead that spends this: a time (30m, 2h) or FLOPs (1e15); it learns tinyworld"""
    sweep: Path | None = None
    """with --budget: the folder of a sweep whose law is used; left out: the project's own"""
    out: Path | None = None
    """with --budget: where the planned recipe is written; left out: planned.toml"""
    set: Set = ()
    """override a key of the recipe, for example train.steps=200; with --budget: of [machine] alone (repeatable)"""
    json: bool = False
    """print the forecast as JSON on stdout"""
    again: bool = False
    """measure again, even when a measurement is kept"""
    computing: Shared = field(default_factory=Computing)


def run(options: PlanOptions) -> None:
    """Print the forecast."""
    from groundup.cli import running, show
    from groundup.errors import ConfigError
    from groundup.runs import estimate, recipe

    if options.budget is not None:
        return from_budget(options)
    if options.out is not None or options.sweep is not None:
        raise ConfigError("--out and --sweep belong to --budget; add such as --budget 30m, or leave them out")
    made = recipe.load(options.recipe or "demo", options.set, options.computing.changes())
    forecast = estimate.estimate(made, again=options.again)
    if options.json:
        running.print_json(forecast | {"uses": estimate.uses(made)})
    else:
        show.forecast(forecast)
        show.uses(estimate.uses(made))


def from_budget(options: PlanOptions) -> None:
    """Find the best run for a budget, write it as a recipe and say what to expect."""
    from groundup import files
    from groundup.cli import running, show
    from groundup.errors import ConfigError
    from groundup.runs import estimate
    from groundup.runs.recipe import Recipe
    from groundup.runs.sweep import budget, law

    if options.recipe:
        raise ConfigError(f"--budget makes a recipe of its own; leave {options.recipe} out, or --budget")

    def cost(made: Recipe) -> dict[str, Any]:
        return estimate.estimate(made, again=options.again)

    given, found = budget.parse(options.budget or ""), law.read(options.sweep)
    planned = budget.plan(found, given, options.set, options.computing.changes(), cost)
    forecast = None
    if given.seconds is not None:
        forecast = cost(planned.recipe)
        planned = budget.fitted_to_time(planned, given, forecast, found)
    out = options.out or Path("planned.toml")
    files.write_text(out, planned.recipe.to_toml())
    told = said(planned, found) | {"recipe": str(out)}
    if options.json:
        running.print_json(told | ({} if forecast is None else {"forecast": forecast}))
        return
    show.table(
        f"a run for {options.budget}, by the law of {found['sweep']} on {found['machine']}", ["", ""], rows(told)
    )
    if planned.beyond > law.LARGER:
        show.console().print(
            f"{planned.beyond:.0f} times the sweep's largest run: the loss is a guess there", markup=False
        )
    way = f"groundup run {out}" + ("" if forecast else f"    what it will cost here: groundup plan {out}")
    show.console().print(way, markup=False)


def said(planned: Any, found: Any) -> dict[str, Any]:
    """What is planned, as plain values."""
    from groundup.runs.recipe import table_of

    names = ("parameters", "tokens", "flops", "loss", "low", "high", "beyond", "seconds")
    told = {name: getattr(planned, name) for name in names}
    return told | {
        "measure": found["measure"],
        "floor": found["floor"],
        "steps": planned.recipe.configs["train"].steps,
        "model": table_of(planned.recipe.configs["model"]),
    }


def rows(told: Any) -> list[list[str]]:
    """What is planned, as the cells of a table."""
    from groundup.cli import show

    model, measure = told["model"], told["measure"].replace("_", " ")
    shape = f"{model['num_hidden_layers']} layers, {model['hidden_size']} wide, {model['num_attention_heads']} heads"
    floor = "" if told["floor"] is None else f" (the floor is {told['floor']:.3f})"
    made = [
        ["model", f"{show.count(told['parameters'])} parameters: {shape}"],
        ["tokens", f"{show.count(told['tokens'])} in {told['steps']:,} steps"],
        ["operations", f"{told['flops']:.2g}, {told['beyond']:.2g} times the sweep's largest"],
        [measure, f"{told['loss']:.3f}, expected between {told['low']:.3f} and {told['high']:.3f}{floor}"],
    ]
    return made + ([["time", show.seconds(told["seconds"])]] if told["seconds"] else [])
