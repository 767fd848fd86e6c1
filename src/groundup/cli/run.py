"""`groundup run`: any recipe, by name or by file."""

from dataclasses import dataclass
from typing import Annotated

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

    if options.list:
        show.recipes(recipe.available(), options.json)
        return
    if not options.recipe:
        raise ConfigError("run wants a recipe; write groundup run demo, or `groundup run --list` to see them")
    done = running.carry_out(options.recipe, options)
    results = show.read_results(done.folder)
    if options.json:
        running.print_json(results)
    else:
        show.results(results, done.folder)
