"""`groundup run`: any recipe, by name or by file; one with variants is an ablation, many runs and one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions(Running):
    """Run a recipe; what an earlier run finished is reused, what was stopped goes on."""

    recipe: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME_OR_FILE")] = ""
    """a recipe that comes with groundup, or a .toml file of your own"""
    list: bool = False
    """show the recipes that come with groundup"""


def run(options: RunOptions) -> None:
    """Run the recipe, or list them."""
    from groundup.cli import running, show
    from groundup.errors import ConfigError
    from groundup.runs import recipe
    from groundup.runs.ablation import study

    if options.list:
        show.recipes(recipe.available(), options.json)
        return
    if not options.recipe:
        raise ConfigError("run wants a recipe; write groundup run demo, or `groundup run --list` to see them")
    if study.is_ablation(recipe.read(options.recipe)):
        return ablate(options)
    done = running.carry_out(options.recipe, options)
    results = show.read_results(done.folder)
    if options.json:
        running.print_json(results)
    else:
        show.results(results, done.folder)


def ablate(options: RunOptions) -> None:
    """Run base and variants from every seed, and show the table."""
    from groundup import progress
    from groundup.cli import running, show
    from groundup.runs.ablation import study, table

    made = study.read(options.recipe, options.set, options.computing.changes())
    name, command = made.recipe(study.BASE, made.config.seeds[0]).name, running.command_line()
    folder = options.out or Path("runs") / name
    progress.say(f"{name}: {len(made.names)} variants from {len(made.config.seeds)} seeds; results go to {folder}/")

    def say(variant: str, seed: int, number: int, of: int) -> None:
        progress.say(f"[{number} of {of}] {variant}, seed {seed}")

    def keep(outcomes: Mapping[str, Any]) -> None:
        table.write(folder, table.summary(made, outcomes, command))

    results = table.summary(made, study.run(made, folder, command=command, on_run=say, keep=keep), command)
    if options.json:
        running.print_json(results)
        return
    show.table(results["ablation"], table.head(results), table.rows(results))
    show.console().print(f"table: {folder / 'ablation.md'}    page: {folder / 'ablation.html'}", markup=False)
