"""`groundup run`: any recipe, by name or by file; with variants it is an ablation, with sizes a sweep, with a challenge a study of what goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.options import Running

Against = Annotated[tuple[str, ...], tyro.conf.arg(metavar="TABLE.KEY=VALUE")]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions(Running):
    """Run a recipe; what an earlier run finished is reused, what was stopped goes on."""

    recipe: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME_OR_FILE")] = ""
    """a recipe that comes with groundup, or a .toml file of your own"""
    against: Against = ()
    """train the recipe with this key changed as well, both from the same seeds, and say whether they are equal (repeatable)"""
    seeds: int = 2
    """with --against: how many seeds"""
    list: bool = False
    """show the recipes that come with groundup"""


def run(options: RunOptions) -> None:
    """Run the recipe, or list them."""
    from groundup.cli import running, show, watched
    from groundup.errors import ConfigError
    from groundup.runs import challenge, recipe
    from groundup.runs.ablation import study
    from groundup.runs.sweep import grid

    if options.list:
        show.recipes(recipe.available(), options.json)
        return
    if not options.recipe:
        raise ConfigError("run wants a recipe; write groundup run demo, or `groundup run --list` to see them")
    raw = recipe.read(options.recipe)
    if challenge.is_challenge(raw):
        return study_challenge(options)
    if options.profile and (options.against or study.is_ablation(raw) or grid.is_sweep(raw)):
        raise ConfigError("--profile looks at one run; leave it out for an ablation, a sweep or --against")
    if options.against:
        return compare(options)
    if study.is_ablation(raw):
        return ablate(options)
    if grid.is_sweep(raw) and options.depth is not None:
        raise ConfigError(f"recipe {options.recipe} is a sweep with sizes of its own; leave --depth out")
    if grid.is_sweep(raw):
        return sweep(options)
    done = running.carry_out(options.recipe, options)
    results = show.read_results(done.folder) | watched.profiles(done)
    if options.json:
        running.print_json(results)
    else:
        show.results(results, done.folder)
        watched.show_profiles(done)


def compare(options: RunOptions) -> None:
    """Train two configurations from the same seeds, and say whether they are equal."""
    from groundup import progress
    from groundup.cli import running, show
    from groundup.runs.ablation import pair, study

    made = pair.read(options.recipe, options.against, options.seeds, options.set, running.changes(options))
    first, second = made.names
    folder = options.out or Path("runs") / f"{made.recipe(first, made.config.seeds[0]).name}-against"
    progress.say(f"{first} against {second} from {len(made.config.seeds)} seeds; results go to {folder}/")

    def say(variant: str, seed: int, number: int, of: int) -> None:
        progress.say(f"[{number} of {of}] {variant}, seed {seed}")

    verdict = pair.verdict(made, study.run(made, folder, command=running.command_line(), on_run=say), folder)
    told = {"verdict": verdict.word, "sentence": verdict.sentence(first, second), "differences": verdict.differences}
    if options.json:
        running.print_json(told | {"interval": verdict.interval, "parted": verdict.parted, "seeds": made.config.seeds})
        return
    show.console().print(told["sentence"], markup=False, soft_wrap=True)


def ablate(options: RunOptions) -> None:
    """Run base and variants from every seed, and show the table."""
    from groundup import progress
    from groundup.cli import running, show
    from groundup.runs.ablation import study, table

    made = study.read(options.recipe, options.set, running.changes(options))
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
    show.console().print(f"table: {folder / 'ablation.md'}    page: {folder / 'ablation.html'}", markup=False, soft_wrap=True)


def study_challenge(options: RunOptions) -> None:
    """Run a challenge from every seed, and show its numbers beside the truth."""
    from groundup import progress
    from groundup.cli import running, show
    from groundup.errors import ConfigError
    from groundup.runs import challenge

    if options.profile or options.against or options.depth is not None:
        raise ConfigError(
            f"recipe {options.recipe} studies a challenge; --profile, --against and --depth are for a training run, leave them out"
        )
    options.computing.apply()
    changes = options.computing.changes()
    name, config = challenge.read(options.recipe, options.set, changes)
    folder = options.out or Path("runs") / name
    progress.say(f"{name}: {len(config.seeds)} seeds; results go to {folder}/")
    results = challenge.summary(name, config, challenge.run(config, folder, progress.say), running.command_line())
    challenge.write(folder, results)
    if options.json:
        running.print_json(results)
        return
    show.table(results["challenge"], challenge.HEAD, challenge.rows(results))
    show.console().print(f"table: {folder / 'challenge.md'}    page: {folder / 'challenge.html'}", markup=False, soft_wrap=True)


def sweep(options: RunOptions) -> None:
    """Run every size with every budget from every seed, and show the law."""
    from groundup import progress
    from groundup.cli import running, show
    from groundup.runs.sweep import grid, law

    made = grid.read(options.recipe, options.set, options.computing.changes())
    points, command = made.points(), running.command_line()
    name = made.recipe(points[0], made.config.seeds[0]).name
    folder = options.out or Path("runs") / name
    progress.say(f"{name}: {len(points)} runs from {len(made.config.seeds)} seeds; results go to {folder}/")

    def say(run: str, seed: int, number: int, of: int) -> None:
        progress.say(f"[{number} of {of}] {run}, seed {seed}")

    def keep(rows: Any) -> None:
        whole = len(rows) % len(points) == 0  # the law is fitted once a seed
        known = made.config.measure == "bits_per_byte_tinyworld"  # what the entropy is the floor of
        law.write(folder, law.summary(made, rows, grid.floor(folder) if known else None, command, fitted=whole))

    grid.run(made, folder, command=command, on_run=say, keep=keep)
    found = law.read(folder)
    if options.json:
        running.print_json(found)
        return
    show.table(found["sweep"], law.head(found), law.rows(found))
    for line in law.sentences(found):
        show.console().print(line, markup=False)
    show.console().print(f"table: {folder / 'sweep.md'}    page: {folder / 'sweep.html'}", markup=False, soft_wrap=True)
